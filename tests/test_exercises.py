"""Each exercise: the stub of its lesson fails, its solution passes, and every wrong answer is refused for a reason."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eda_lab.bus import EventBus
from eda_lab.course import check
from eda_lab.course.exercise import Exercise, Finding, Verdict
from eda_lab.course.exercises import EXERCISES

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
WRONG = [(name, answer) for name, exercise in EXERCISES.items() for answer in exercise.wrong]


def stub_of(name: str) -> Callable[..., object]:
    """Return what the learner begins with: the function in the cell before the check of an exercise."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        sources = ["".join(c["source"]) for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]
        for before, source in itertools.pairwise(sources):
            called = re.search(rf'check\("{name}", (\w+)\)', source)
            if called:
                scope: dict[str, Any] = {}
                exec(before, scope)
                return scope[called[1]]  # type: ignore[no-any-return]
    raise AssertionError(f"no lesson checks {name}")


@pytest.mark.parametrize("name", EXERCISES)
def test_the_solution_passes(name: str) -> None:
    verdict = check(name, EXERCISES[name].solution)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), WRONG, ids=[f"{name}-{answer.__name__}" for name, answer in WRONG])
def test_a_wrong_answer_is_refused_and_told_why(name: str, answer: Callable[..., object]) -> None:
    verdict = check(name, answer)
    assert not verdict.passed
    assert all(finding.seen for finding in verdict.findings if not finding.passed), verdict


@pytest.mark.parametrize("name", EXERCISES)
def test_the_stub_of_the_lesson_fails_without_an_error_in_it(name: str) -> None:
    verdict = check(name, stub_of(name))
    assert not verdict.passed
    assert not any("Error" in finding.seen for finding in verdict.findings), verdict


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_an_exercise_has_wrong_answers_hints_and_a_task(exercise: Exercise) -> None:
    names = {answer.__name__ for answer in exercise.wrong}
    assert len(names) == len(exercise.wrong) >= 5
    assert {"_nothing", "_twice"} <= names
    assert len(set(exercise.hints)) == 3
    assert exercise.task


@pytest.mark.parametrize("answer", [None, 5, "text", EventBus, [], object()])
def test_what_is_no_function_is_told_so(answer: object) -> None:
    verdict = check("00-publish", answer)
    assert not verdict.passed
    assert f"leave out {'the quotes' if answer == 'text' else 'the ()'}" in repr(verdict)


def test_an_error_of_the_learner_is_one_line_with_the_line_of_their_code() -> None:
    def my_order(bus: EventBus) -> None:
        order = None
        bus.publish(order.missing)  # type: ignore[attr-defined]

    verdict = check("00-publish", my_order)
    assert "AttributeError: 'NoneType' object has no attribute 'missing', in line 3 of your function" in repr(verdict)
    assert "Traceback" not in repr(verdict)


def test_an_error_inside_the_library_points_to_the_learners_line_that_led_to_it() -> None:
    def my_order(bus: EventBus) -> None:
        bus.publish(EventBus)

    assert "in line 2 of your function" in repr(check("00-publish", my_order))


def test_an_answer_that_wants_another_argument_is_told_so() -> None:
    assert "missing 1 required positional argument" in repr(check("00-publish", lambda bus, order: None))


def test_a_verdict_without_findings_is_not_passed() -> None:
    assert not Verdict("x", []).passed


def test_a_verdict_shows_hostile_text_as_the_characters_it_consists_of() -> None:
    verdict = Verdict("x", [Finding("it ran", False, "<img src=x onerror=alert(1)>")])
    assert "<img" not in verdict._repr_mimebundle_()["text/html"]
    assert "&lt;img" in verdict._repr_mimebundle_()["text/html"]
