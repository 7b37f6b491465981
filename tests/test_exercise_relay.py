"""Exercise 10-relay: more than one relay is right, a memory is really lost, and a wrong one is told its story."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from eda_lab import Database, Outbox, with_id
from eda_lab.course import check
from eda_lab.course.exercises.relay_days import Day, OutboxFront, Run, days
from eda_lab.course.exercises.write_the_relay import EXERCISE
from eda_lab.errors import EdaLabError
from eda_lab.faults import Crash


def one_row_at_a_time(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending(1):
            yield with_id(f"shop/{row.number}", row.event)
            outbox.mark(row.number)
        yield 0.5


def waiting_where_nothing_is_pending(outbox: Any) -> Iterator[Any]:
    while True:
        rows = outbox.pending()
        if not rows:
            yield 2
        for row in rows:
            yield with_id(row.id, row.event)
            outbox.mark(row.number)


def waiting_with_rows_in_hand(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            yield 0.1
            outbox.mark(row.number)
        yield 1.0


def with_an_id_of_type_and_order(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(f"{type(row.event).__name__} {row.event.order_id}", row.event)
            outbox.mark(row.number)
        yield 5.0


@pytest.mark.parametrize(
    "answer",
    [
        one_row_at_a_time,
        waiting_where_nothing_is_pending,
        waiting_with_rows_in_hand,
        with_an_id_of_type_and_order,
    ],
)
def test_another_right_relay_passes(answer: Callable[..., Any]) -> None:
    verdict = check("10-relay", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("_nothing", "row 1: it is pending, and was never published; your relay was called once"),
        ("_marks_first", "row 1: it is marked as sent, and was never published; relay crashed after db.commit at 0 s"),
        ("_marks_at_the_end_of_the_batch", "your relay crashed once, and repeated 2 events"),
        ("_marks_nothing", "is still not marked as sent; nothing crashed on this day"),
        ("_no_id", "row 1: it was published as 1, then 2: an inbox takes these for different events"),
        ("_the_number_of_the_order_as_id", "rows 1 and 2 were both published as 12345"),
        ("_newest_first", "the rows were published in this order: 2, 1"),
        ("_forgets_to_wait", "wait a second with yield 1.0"),
        ("_waits_an_hour", "row 2: only at second 3600"),
        ("_a_set_of_the_module", "still remembered the first one, in a variable outside of it"),
        ("_returns_a_list", "there is no yield in it"),
    ],
)
def test_a_wrong_relay_is_told_its_story(name: str, seen: str) -> None:
    answer = {answer.__name__: answer for answer in EXERCISE.wrong}[name]
    assert seen in repr(check("10-relay", answer))


def test_a_memory_outside_of_the_outbox_is_found_at_each_check() -> None:
    answer = next(answer for answer in EXERCISE.wrong if answer.__name__ == "_a_set_of_the_module")
    for _ in range(2):
        assert "still remembered the first one" in repr(check("10-relay", answer))


def test_a_crash_between_publish_and_mark_repeats_the_event_under_its_id() -> None:
    run = Run(Day(((0.0, 1),), (Crash("relay", "2", 1, "before db.commit"),)), EXERCISE.solution)
    assert [message.id for message in run.bus.trace.messages] == ["outbox-1", "outbox-1"]
    assert run.starts == 2
    assert run.outbox.pending() == []


def test_what_the_checkout_did_not_commit_is_in_no_outbox() -> None:
    run = Run(Day(((0.0, 2),), (Crash("checkout", "1", 1, "before db.commit"),)), EXERCISE.solution)
    assert [row.event.order_id for row in run.rows] == ["12346"]
    assert list(run.db.table("orders")) == ["12346"]


def test_every_single_crash_hits_the_solution_somewhere() -> None:
    hit = {note for day in days() for _, who, note in Run(day, EXERCISE.solution).bus.columns.notes if who == "relay"}
    points = ("before publish", "after publish", "before db.commit", "after db.commit")
    assert {f"crashed {point}" for point in points} < hit


def test_the_days_begin_with_the_one_that_is_read_most_quickly() -> None:
    assert len(days()) > 300  # as the lesson says
    assert days()[0] == Day(((0.0, 1),))


def test_the_front_of_the_outbox_keeps_nothing_and_hands_out_rows_alone() -> None:
    front: Any = OutboxFront(Outbox(Database()), lambda: None)
    with pytest.raises(EdaLabError, match="has no relay"):
        front.relay()
    with pytest.raises(EdaLabError, match="keeps nothing"):
        front.sent = set()
    with pytest.raises(EdaLabError, match="takes the number of a row"):
        front.mark("outbox-1")
    assert front.pending() == []
