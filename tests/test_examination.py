"""An examination: it ends, it says whose error it was, and it finds the smallest run that shows the fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import strategies as st

from eda_lab import EventBus
from eda_lab.course import check, examination
from eda_lab.course.examination import examined
from eda_lab.course.exercise import Exercise, Finding


def adds(answer: Callable[..., Any], numbers: list[int]) -> Iterator[Finding | EventBus]:
    bus = EventBus()
    for number in numbers:
        bus.publish("number", number)
    yield bus
    yield Finding("it adds", answer(numbers) == sum(numbers), f"{numbers} gave {answer(numbers)}")


SUM = Exercise(
    name="sum",
    task="Write a function that adds.",
    examine=adds,
    hints=("a", "b", "c"),
    solution=sum,
    wrong=(),
    schedules=lambda: st.lists(st.integers(0, 1000), max_size=8),
)


def test_a_right_answer_passes_and_is_not_played() -> None:
    verdict = examined(SUM, sum)
    assert verdict.passed
    assert verdict.bus is None


def test_the_smallest_run_that_shows_the_fault_is_found_and_played() -> None:
    def forgets_large_numbers(numbers: list[int]) -> int:
        return sum(number for number in numbers if number < 700)

    verdict = examined(SUM, forgets_large_numbers)
    assert verdict.findings[0].seen == "[700] gave 0"
    assert [message.data for message in verdict.bus.trace.messages] == [700]
    assert "The smallest run found that shows it:" in repr(verdict)


def test_the_same_wrong_answer_gets_the_same_verdict() -> None:
    first, second = (repr(examined(SUM, len)) for _ in range(2))
    assert first == second


def test_an_answer_that_is_right_by_chance_is_not_passed() -> None:
    calls = iter(range(10**9))
    verdict = examined(SUM, lambda numbers: sum(numbers) + next(calls) % 3)
    assert not verdict.passed


def test_an_error_on_some_schedules_only_is_found() -> None:
    verdict = examined(SUM, lambda numbers: sum(numbers) if len(numbers) < 3 else numbers[99])
    assert "IndexError: list index out of range, in line 1 of your function" in repr(verdict)


@pytest.mark.parametrize("schedules", [None, SUM.schedules])
def test_an_endless_loop_is_stopped_with_a_message(schedules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "LIMIT", 0.3)

    def endless(answer: Callable[..., Any], *_: Any) -> Iterator[Finding]:
        answer()
        yield Finding("never", True)

    def loop() -> None:
        while True:
            pass

    exercise = Exercise("loop", "", endless, ("a", "b", "c"), loop, (), schedules=schedules)
    assert "was stopped: is there an endless loop?" in repr(examined(exercise, loop))


def test_a_learner_who_calls_exit_does_not_end_the_kernel() -> None:
    verdict = check("00-publish", lambda bus: exit())
    assert "SystemExit" in repr(verdict)
    assert not verdict.passed


def test_what_is_no_exception_does_not_get_out_either() -> None:
    class StopEverything(BaseException):
        pass

    def my_order(bus: EventBus) -> None:
        raise StopEverything("now")

    assert "StopEverything: now, in line 2 of your function" in repr(check("00-publish", my_order))


def test_nothing_is_left_in_the_folder_of_the_lesson(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    examined(SUM, len)
    assert list(tmp_path.iterdir()) == []


def test_a_next_too_many_is_told_as_what_it_is() -> None:
    verdict = examined(SUM, lambda numbers: next(iter([])))
    assert "StopIteration, in line 1 of your function" in repr(verdict)


def helper(numbers: list[int]) -> int:
    return numbers[99]


def test_the_line_is_that_of_the_answer_itself_even_if_the_error_is_in_a_helper() -> None:
    def total(numbers: list[int]) -> int:
        start = 0
        return start + helper(numbers)

    assert "IndexError: list index out of range, in line 3 of your function" in repr(examined(SUM, total))


def test_the_line_of_a_function_within_the_answer_is_counted_from_its_start() -> None:
    def total(numbers: list[int]) -> int:
        def inner() -> int:
            return numbers[99]

        return inner()

    assert "in line 3 of your function" in repr(examined(SUM, total))
