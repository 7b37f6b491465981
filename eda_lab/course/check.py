"""`check`, `hint` and `solution`: the learner's answer to an exercise is run and judged, with help in three steps."""

from __future__ import annotations

import html
import inspect
import textwrap
from typing import Any

import ipywidgets as ipw

from eda_lab.course.examination import examined
from eda_lab.course.exercise import Exercise, Finding, Verdict
from eda_lab.course.exercises import EXERCISES
from eda_lab.course.progress import ExerciseChecked, HelpShown, happened
from eda_lab.errors import OptionError, shown
from eda_lab.widgets.shown import Shown

__all__ = ["check", "hint", "solution"]


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
    verdict = examined(exercise, answer)
    happened(ExerciseChecked(name, verdict.passed))
    return verdict


class Help(Shown, ipw.VBox):  # type: ignore[misc]
    """Something that is shown behind a click."""

    def __init__(self, button: str, steps: tuple[str, ...], exercise: str, first: int) -> None:
        self._exercise, self._first = exercise, first
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
        happened(HelpShown(self._exercise, self._first + self._shown_steps - 1))

    def _text(self) -> str:
        return f"[{self._button.description}]" if not self._shown_steps else "\n".join(self._steps[: self._shown_steps])


def hint(name: str) -> Help:
    """Offer three hints, each behind a click, each saying more than the one before."""
    hints = _find(name).hints
    return Help("Show a hint", tuple(f"Hint {number} of 3: {text}" for number, text in enumerate(hints, 1)), name, 1)


def solution(name: str) -> Help:
    """Offer a solution behind a click."""
    return Help("Show a solution", (textwrap.dedent(inspect.getsource(_find(name).solution)),), name, 0)
