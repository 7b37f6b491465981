"""`check`, `hint` and `solution`: the learner's answer to an exercise is run and judged, with help in three steps."""

from __future__ import annotations

import html
import inspect
import textwrap
from typing import Any

import ipywidgets as ipw

from eda_lab.attempt import describe
from eda_lab.course.exercise import Exercise, Finding, Verdict
from eda_lab.course.exercises import add_analytics, publish_order
from eda_lab.errors import OptionError
from eda_lab.widgets.shown import Shown

__all__ = ["EXERCISES", "check", "hint", "solution"]

EXERCISES: dict[str, Exercise] = {e.name: e for e in (publish_order.EXERCISE, add_analytics.EXERCISE)}


def _find(name: str) -> Exercise:
    if name not in EXERCISES:
        raise OptionError("exercise", name, f"the exercises are {', '.join(EXERCISES)}")
    return EXERCISES[name]


def check(name: str, answer: Any = None) -> Verdict:
    """Run an answer to an exercise and say what passed and what failed.

    An error in the learner's code is a finding, said in one line with the line of their code where it arose.
    """
    exercise = _find(name)
    if not callable(answer) or isinstance(answer, type):
        return Verdict(name, [Finding("the answer is a function", False, f"you gave {answer!r:.40}; leave out the ()")])
    findings: list[Finding] = []
    try:
        findings.extend(exercise.examine(answer))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the learner's code that raised it
        findings.append(Finding("the code runs", False, f"{describe(error)}{_line(answer, error)}"))
    return Verdict(name, findings)


def _line(answer: Any, error: BaseException) -> str:
    """Return where in the learner's own function an error arose."""
    place, found = error.__traceback__, ""
    first = answer.__code__.co_firstlineno if hasattr(answer, "__code__") else 1
    while place is not None:
        if hasattr(answer, "__code__") and place.tb_frame.f_code.co_filename == answer.__code__.co_filename:
            found = f", in line {place.tb_lineno - first + 1} of your function"
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
