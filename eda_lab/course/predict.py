"""`predict`: one question before the run, so that what happens can surprise; `reconcile`: what came of it, after."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as ipw

from eda_lab.course.progress import QuestionGuessed, happened
from eda_lab.course.questions import QUESTIONS, SKIP, Question
from eda_lab.errors import OptionError
from eda_lab.table import Table
from eda_lab.widgets.controls import Keys
from eda_lab.widgets.shown import Shown, needs_table

__all__ = ["Prediction", "predict", "reconcile"]


class Prediction(Shown, ipw.VBox):  # type: ignore[misc]
    """A question with its options; `guess` is what the learner chose, or None; `reveal()` gives answer and reason."""

    def __init__(self, question: Question, name: str = "") -> None:
        self.question, self.name = question, name
        self._choice = ipw.Dropdown(
            options=[SKIP, *question.options], description="Your guess:", style={"description_width": "initial"}
        )
        self._choice.layout.width = "max-content"
        self._noted = ipw.HTML()
        self._choice.observe(lambda _: self._note(), "value")
        asked = ipw.HTML(f"<p><b>{html.escape(question.text)}</b></p>")
        super().__init__([asked, self._choice, self._noted, Keys()])
        self.add_class("eda-predict")

    @property
    def guess(self) -> str | None:
        """What the learner guessed, or None."""
        return None if self._choice.value == SKIP else str(self._choice.value)

    @guess.setter
    def guess(self, option: str) -> None:
        if option not in self.question.options:
            raise OptionError("guess", option, f"give one of {', '.join(self.question.options)}")
        self._choice.value = option

    def _note(self) -> None:
        self._noted.value = "" if self.guess is None else "<p>Noted. Now run on, and compare.</p>"
        if self.name and self.guess is not None:
            happened(QuestionGuessed(self.name, self.guess == self.question.answer))

    def reveal(self) -> Answer:
        """Return the answer, to be shown once the run is over."""
        return Answer(self)

    def _text(self) -> str:
        return "\n".join([self.question.text, *(f"  - {option}" for option in self.question.options)])


class Answer:
    """The answer to a prediction, beside the learner's guess, with the reason."""

    def __init__(self, prediction: Prediction) -> None:
        guess = prediction.guess
        yours = "You skipped the question." if guess is None else f"Your guess: {guess}."
        verdict = (
            ""
            if guess is None
            else " That is what happened."
            if guess == prediction.question.answer
            else " Not this time."
        )
        self._lines = (f"Answer: {prediction.question.answer}.", yours + verdict, prediction.question.why)

    def __repr__(self) -> str:
        return "\n".join(self._lines)

    def _repr_html_(self) -> str:
        answer, yours, why = (html.escape(line) for line in self._lines)
        return f"<p><b>{answer}</b> {yours}</p><p>{why}</p>"


def predict(
    question: str, options: Sequence[str] | None = None, answer: str | None = None, why: str | None = None
) -> Prediction:
    """Ask one of the course's questions by its name, as in `predict("00-checkout")`, or a question of your own.

    The answer must be unambiguous. "skip" is the default, so that a notebook can run from top to bottom. Raises
    `OptionError` for a name that is not there, or an answer that is not among the options.
    """
    if options is not None and answer is not None and why is not None:
        return Prediction(Question(question, tuple(options), answer, why))
    if question not in QUESTIONS or (options, answer, why) != (None, None, None):
        hint = f"give options, answer and why, or the name of a question: {', '.join(QUESTIONS)}"
        raise OptionError("question", question, hint)
    return Prediction(QUESTIONS[question], question)


def reconcile(
    needed: Mapping[str, Any], happened: Mapping[str, Any], guess: Prediction | None = None, about: str | None = None
) -> Table:
    """Return the table What the shop needs / What happened / Your guess, a row for each thing needed.

    The guess of a prediction stands in the row that it was `about`; without one there is no such column. What needs
    None is a cost, which never differs. Raises `OptionError` where there is no such row.

    >>> reconcile({"e-mails sent": 1}, {"e-mails sent": 0})
    What the shop needs  Needed  What happened
    -------------------  ------  -------------
    e-mails sent              1  0, differs
    """
    if about is not None and about not in needed:
        raise OptionError("about", about, f"give one of {', '.join(needed)}")
    if guess is None or about is None:
        return needs_table(needed, happened)
    return needs_table(needed, happened, {about: guess.guess or "skipped"})
