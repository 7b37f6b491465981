"""`check`, `hint` and `solution`: the learner's answer to an exercise is run and judged, with help in three steps."""

from __future__ import annotations

import html
import inspect
import textwrap
from typing import Any

import ipywidgets as ipw

from eda_lab.attempt import describe
from eda_lab.course.exercise import Exercise, Finding, Verdict
from eda_lab.course.exercises import add_analytics, consumer_groups, good_event, publish_order, shipping_waits
from eda_lab.course.guard import TimeLimitError, time_limit
from eda_lab.errors import OptionError, shown
from eda_lab.widgets.shown import Shown

__all__ = ["EXERCISES", "check", "hint", "solution"]

EXERCISES: dict[str, Exercise] = {
    e.name: e
    for e in (
        publish_order.EXERCISE,
        add_analytics.EXERCISE,
        good_event.EXERCISE,
        consumer_groups.EXERCISE,
        shipping_waits.EXERCISE,
    )
}


LIMIT = 20.0  # seconds that an examination may take


def _find(name: str) -> Exercise:
    if name not in EXERCISES:
        raise OptionError("exercise", name, f"the exercises are {', '.join(EXERCISES)}")
    return EXERCISES[name]


def check(name: str, answer: Any = None) -> Verdict:
    """Run an answer to an exercise and say what passed and what failed.

    An error in the learner's code is a finding, said in one line with the line of their code where it arose.
    """
    exercise = _find(name)
    wants = exercise.wants
    if not callable(answer) or (isinstance(answer, type) and wants == "function"):
        leave_out = "the quotes" if isinstance(answer, str) else "the ()"
        seen = f"you gave {shown(answer)}; give the {wants}'s name, and leave out {leave_out}"
        return Verdict(name, [Finding(f"the answer is a {wants}", False, seen)])
    findings: list[Finding] = []
    try:
        with time_limit(LIMIT):
            findings.extend(exercise.examine(answer))
    except TimeLimitError as error:
        findings.append(Finding("the code comes to an end", False, str(error)))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the learner's code has raised it
        findings.append(Finding("the code runs", False, f"{describe(error)}{_line(answer, error)}"))
    return Verdict(name, findings)


def _line(answer: Any, error: BaseException) -> str:
    """Return where in the learner's own function, or in a method of their class, an error arose."""
    codes = [part.__code__ for part in (answer, *getattr(answer, "__dict__", {}).values()) if hasattr(part, "__code__")]
    files = {code.co_filename for code in codes}
    place, found = error.__traceback__, ""
    while place is not None:
        code = place.tb_frame.f_code
        if code.co_filename in files:
            first, where = (code, code.co_name) if isinstance(answer, type) else (codes[0], "your function")
            found = f", in line {place.tb_lineno - first.co_firstlineno + 1} of {where}"
        place = place.tb_next
    return found


class Help(Shown, ipw.VBox):  # type: ignore[misc]
    """Something that is shown behind a click."""

    def __init__(self, button: str, steps: tuple[str, ...]) -> None:
        self._button = ipw.Button(description=button)
        self._button.layout.width = "max-content"
        self._steps, self._shown_steps = steps, 0
        self._text_box = ipw.HTML()
        self._button.on_click(lambda _: self.more())
        super().__init__([self._button, self._text_box])
        self.add_class("eda-help")

    def more(self) -> None:
        """Show the next step."""
        self._shown_steps = min(self._shown_steps + 1, len(self._steps))
        self._text_box.value = "".join(f"<pre>{html.escape(s)}</pre>" for s in self._steps[: self._shown_steps])
        self._button.disabled = self._shown_steps == len(self._steps)

    def _text(self) -> str:
        return f"[{self._button.description}]" if not self._shown_steps else "\n".join(self._steps[: self._shown_steps])


def hint(name: str) -> Help:
    """Offer three hints, each behind a click, each saying more than the one before."""
    hints = _find(name).hints
    return Help("Show a hint", tuple(f"Hint {number} of 3: {text}" for number, text in enumerate(hints, 1)))


def solution(name: str) -> Help:
    """Offer a solution behind a click."""
    return Help("Show a solution", (textwrap.dedent(inspect.getsource(_find(name).solution)),))
