"""Predictions, hints, solutions, the table that reconciles them, and the glossary."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from eda_lab.course import glossary, hint, predict, reconcile, solution
from eda_lab.course.predict import Prediction
from eda_lab.errors import OptionError

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.fixture
def question() -> Prediction:
    return predict("How many?", ["one", "two"], answer="two", why="There are two.")


def test_a_question_that_nobody_answered_is_skipped(question: Prediction) -> None:
    assert question.guess is None
    assert "You skipped the question." in repr(question.reveal())


def test_a_right_guess_and_a_wrong_one_are_told_apart(question: Prediction) -> None:
    question.guess = "two"
    assert "Your guess: two. That is what happened." in repr(question.reveal())
    question.guess = "one"
    assert "Your guess: one. Not this time." in repr(question.reveal())
    assert repr(question.reveal()).startswith("Answer: two.")


def test_the_question_does_not_give_its_answer_away(question: Prediction) -> None:
    bundle = question._repr_mimebundle_()
    assert "There are two." not in str(bundle)
    assert bundle["text/plain"] == "How many?\n  - one\n  - two"


def test_a_guess_can_be_taken_back(question: Prediction) -> None:
    question.guess = "one"
    question.children[1].value = "skip"
    assert question.guess is None
    assert question.children[2].value == ""


def test_a_guess_that_is_no_option_is_refused(question: Prediction) -> None:
    with pytest.raises(OptionError, match="give one of one, two"):
        question.guess = "three"


@pytest.mark.parametrize(("options", "answer"), [(["a", "b"], "c"), (["a"], "a"), (["a", "skip"], "a")])
def test_a_question_that_cannot_be_answered_is_refused(options: list[str], answer: str) -> None:
    with pytest.raises(OptionError):
        predict("?", options, answer=answer, why="")


def test_the_guess_stands_in_the_row_that_it_was_about(question: Prediction) -> None:
    question.guess = "one"
    table = reconcile({"mails": 2, "parcels": 1}, {"mails": 2, "parcels": 0}, question, about="mails")
    assert table.rows == [("mails", 2, "2", "one"), ("parcels", 1, "0, differs", "")]


def test_a_skipped_guess_is_called_skipped(question: Prediction) -> None:
    assert reconcile({"mails": 2}, {"mails": 2}, question, about="mails").column("Your guess") == ["skipped"]


def test_a_guess_about_nothing_is_refused(question: Prediction) -> None:
    with pytest.raises(OptionError, match="give one of mails"):
        reconcile({"mails": 2}, {"mails": 2}, question, about="male")


def test_a_cost_is_shown_and_never_differs() -> None:
    table = reconcile({"mails": 1, "mean wait, s": None}, {"mails": 1, "mean wait, s": 4.05})
    assert table.rows == [("mails", 1, "1"), ("mean wait, s", "a cost", "4.05")]


def test_hints_come_one_at_a_time_and_then_no_more() -> None:
    help_ = hint("00-publish")
    button, text = help_.children
    assert text.value == ""
    for number in (1, 2, 3):
        assert not button.disabled
        button.click()
        assert text.value.count("<pre>") == number
    assert button.disabled


def test_a_solution_is_shown_behind_a_click_only() -> None:
    help_ = solution("01-analytics")
    assert "def solution" not in str(help_._repr_mimebundle_())
    help_.children[0].click()
    assert "def solution" in help_.children[1].value


def test_an_unknown_exercise_is_named_with_those_that_there_are() -> None:
    with pytest.raises(OptionError, match="00-publish, 01-analytics"):
        hint("07-nothing")


def test_a_word_with_a_slip_is_helped() -> None:
    with pytest.raises(OptionError, match="did you mean 'producer'"):
        glossary("producr")
    assert glossary("Dead-Letter") is glossary("dead letter")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_the_new_terms_of_a_lesson_are_in_the_glossary_under_that_lesson_or_an_earlier_one(path: Path) -> None:
    opening = "".join(json.loads(path.read_text())["cells"][0]["source"])
    found = re.search(r"\*\*New terms\*\* (.+)", opening)
    assert found
    terms = [glossary(word.strip()) for word in found[1].split(",")]
    assert all(not isinstance(term, tuple) and term.lesson <= path.name[:2] for term in terms)
