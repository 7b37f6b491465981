"""What an exercise is: findings about a learner's answer, hints, and a reference solution that is tested as well.

Each exercise has a file of its own in `exercises/`. Its examination runs the learner's code in the lab and reports
findings; a finding has a safety half (nothing forbidden happened) and a progress half (what is wanted did happen).
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

__all__ = ["Exercise", "Finding", "Verdict"]


class Finding(msgspec.Struct, frozen=True):
    """One thing that an answer has to satisfy: whether it does, and what was seen."""

    what: str
    passed: bool
    seen: str = ""


class Exercise(msgspec.Struct, frozen=True):
    """An exercise: `examine(answer)` yields findings and may stop at the first that failed.

    `solution` is a function whose source is shown; `wrong` are answers that must be refused. `wants` is what an answer
    is, a "function" or a "class"; where a class is wanted, a function that builds its objects serves as well.
    """

    name: str
    task: str
    examine: Callable[[Any], Iterator[Finding]]
    hints: tuple[str, str, str]
    solution: Callable[..., Any]
    wrong: tuple[Callable[..., Any], ...]
    wants: str = "function"


class Verdict:
    """What a check found. `passed` is true only if every finding passed."""

    def __init__(self, exercise: str, findings: list[Finding]) -> None:
        self.exercise, self.findings = exercise, findings
        self.passed = bool(findings) and all(finding.passed for finding in findings)

    @property
    def _head(self) -> str:
        failed = sum(not finding.passed for finding in self.findings)
        return f"{self.exercise}: " + ("passed" if self.passed else f"not yet, {failed} of {len(self.findings)} failed")

    def __repr__(self) -> str:
        lines = [f"  {'ok    ' if f.passed else 'FAILED'}  {f.what}{_seen(f)}" for f in self.findings]
        return "\n".join([self._head, *lines])

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li>{'&#10003; ok' if f.passed else '&#10007; <b>failed</b>'}: {html.escape(f.what + _seen(f))}</li>"
            for f in self.findings
        )
        return f"<p><b>{html.escape(self._head)}</b></p><ul>{items}</ul>"


def _seen(finding: Finding) -> str:
    return f" ({finding.seen})" if finding.seen and not finding.passed else ""
