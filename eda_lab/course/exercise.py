"""What an exercise is: findings about a learner's answer, hints, and a reference solution that is tested as well.

Each exercise has a file of its own in `exercises/`. Its examination runs the learner's code in the lab and reports
findings; a finding has a safety half (nothing forbidden happened) and a progress half (what is wanted did happen).
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets as ipw
import msgspec

from eda_lab.bus import EventBus
from eda_lab.widgets.flow import FlowPlayer
from eda_lab.widgets.shown import Shown

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["Exercise", "Finding", "Verdict", "so_far"]


_CAPTION = "The smallest run found that shows it:"
_WORDS = {True: "ok", False: "FAILED", None: "-"}
_SIGNS = {True: "&#10003; ok: ", False: "&#10007; <b>failed</b>: ", None: "&ndash; "}


class Finding(msgspec.Struct, frozen=True):
    """One thing that an answer has to satisfy: whether it does (None: not judged yet), and what was seen."""

    what: str
    passed: bool | None
    seen: str = ""


def so_far(found: Iterable[Finding | EventBus]) -> Iterator[Finding | EventBus]:
    """Yield what was found in the last of several runs; after a failure the other findings are not judged yet.

    For the runs that would have followed are not tried.

    >>> [finding.passed for finding in so_far([Finding("safe", False, "twice"), Finding("done", True)])]
    [False, None]
    """
    every = list(found)
    failed = any(isinstance(each, Finding) and not each.passed for each in every)
    for each in every:
        if failed and isinstance(each, Finding) and each.passed:
            yield Finding(each.what, None, "not judged yet")
        else:
            yield each


class Exercise(msgspec.Struct, frozen=True):
    """An exercise. `examine(answer)` yields findings, and may stop at the first that failed.

    It may also yield the bus on which they rest, to be played if they failed. Where there are `schedules` (a function
    that returns a `hypothesis` strategy), it is `examine(answer, schedule)`, and the smallest schedule that fails is
    looked for. `solution` is a function whose source is shown; `wrong` are answers that must be refused. `wants` is
    what an answer is, a "function" or a "class"; where a class is wanted, a function that builds its objects serves
    as well.
    """

    name: str
    task: str
    examine: Callable[..., Iterator[Finding | EventBus]]
    hints: tuple[str, str, str]
    solution: Callable[..., Any]
    wrong: tuple[Callable[..., Any], ...]
    wants: str = "function"
    schedules: Callable[[], SearchStrategy[Any]] | None = None


class Verdict(Shown, ipw.VBox):  # type: ignore[misc]
    """What a check found, and a run that shows it. `passed` is true only if every finding passed."""

    def __init__(self, exercise: str, findings: Sequence[Finding], bus: EventBus | None = None) -> None:
        self.exercise, self.findings = exercise, tuple(findings)
        self.passed = bool(findings) and all(finding.passed for finding in findings)
        self.bus = None if self.passed or bus is None or not bus.trace.log else bus
        shown: list[ipw.Widget] = [ipw.HTML(self._findings)]
        if self.bus is not None:
            shown += [ipw.HTML(f"<p>{_CAPTION}</p>"), FlowPlayer(self.bus)]
        super().__init__(shown)
        self.add_class("eda-verdict")

    @property
    def _head(self) -> str:
        failed = sum(finding.passed is False for finding in self.findings)
        return f"{self.exercise}: " + ("passed" if self.passed else f"not yet, {failed} of {len(self.findings)} failed")

    @property
    def _findings(self) -> str:
        items = "".join(f"<li>{_SIGNS[f.passed]}{html.escape(f.what + _seen(f))}</li>" for f in self.findings)
        return f"<p><b>{html.escape(self._head)}</b></p><ul>{items}</ul>"

    def _text(self) -> str:
        lines = [f"  {_WORDS[f.passed]:6}  {f.what}{_seen(f)}" for f in self.findings]
        return "\n".join([self._head, *lines, *([_CAPTION] if self.bus is not None else [])])

    def _still(self) -> str:
        return (
            self._findings if self.bus is None else f"{self._findings}<p>{_CAPTION}</p>{FlowPlayer(self.bus)._still()}"
        )


def _seen(finding: Finding) -> str:
    return f" ({finding.seen})" if finding.seen and not finding.passed else ""
