"""Exercise 10-relay: more than one relay is right, a memory is really lost, and a wrong one is told its story."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from eda_lab import Database, Outbox, with_id
from eda_lab.course import check
from eda_lab.course.exercises.relay_days import Day, Run, days
from eda_lab.course.exercises.relay_front import OutboxFront
from eda_lab.course.exercises.write_the_relay import EXERCISE
from eda_lab.errors import EdaLabError
from eda_lab.faults import Crash


def one_row_at_a_time(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending(1):
            yield with_id(f"shop/{row.number}", row.event)
            outbox.mark(row.number)
        yield 0.1


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


def with_an_id_of_its_own(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(f"{type(row.event).__name__} {row.number}", row.event)
            outbox.mark(row.number)
        yield 5.0


def pausing_for_no_time_after_each_row(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
            yield 0.0
        yield 1.0


def marking_in_a_finally(outbox: Any) -> Iterator[Any]:
    """Right here, where no publish fails with an error, and a crash lets nothing more be done."""
    while True:
        for row in outbox.pending():
            try:
                yield with_id(row.id, row.event)
            finally:
                outbox.mark(row.number)
        yield 1.0


def holding_up_whatever_is_raised(outbox: Any) -> Iterator[Any]:
    while True:
        with suppress(BaseException):
            for row in outbox.pending():
                yield with_id(row.id, row.event)
                outbox.mark(row.number)
        yield 1.0


def returning_a_generator(outbox: Any) -> Iterator[Any]:
    return with_an_id_of_its_own(outbox)


def decorator(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*arguments: Any) -> Any:
        return function(*arguments)

    return inner


class Relay:
    """An object that is called like a function."""

    def __call__(self, outbox: Any) -> Iterator[Any]:
        yield from with_an_id_of_its_own(outbox)


@pytest.mark.parametrize(
    "answer",
    [
        one_row_at_a_time,
        waiting_where_nothing_is_pending,
        waiting_with_rows_in_hand,
        with_an_id_of_its_own,
        pausing_for_no_time_after_each_row,
        marking_in_a_finally,
        holding_up_whatever_is_raised,
        returning_a_generator,
        decorator(with_an_id_of_its_own),
        lambda outbox: with_an_id_of_its_own(outbox),
        functools.partial(with_an_id_of_its_own),
        Relay(),
    ],
)
def test_another_right_relay_passes(answer: Callable[..., Any]) -> None:
    verdict = check("10-relay", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("_nothing", "row 1: it is pending, and was never published; your relay was called once"),
        (
            "_marks_first",
            "row 1: it is marked as sent, and was never published; relay crashed right after its mark at 0 s",
        ),
        ("_marks_at_the_end_of_the_batch", "your relay crashed once, and repeated 2 events"),
        ("_marks_nothing", "is still not marked as sent; nothing crashed on this day"),
        ("_no_id", "row 1: it was published as 1, then 2: an inbox takes these for different events"),
        ("_the_number_of_the_order_as_id", "rows 1 and 2 were both published as 12345"),
        ("_newest_first", "the rows were published in this order: 2, 1"),
        ("_forgets_to_wait", "it went round without a yield; wait with yield 1.0"),
        ("_waits_no_time", "it waited 1,001 times by second 0; wait longer"),
        ("_waits_an_hour", "row 2: it came at second 5, and was published only at second 3600: your relay is too slow"),
        ("_waits_behind_each_row", "row 62, and 238 more: it came at second 0, and was published only at second 61"),
        ("_looks_more_and_more_rarely", "your relay is too slow"),
        (
            "_a_counter_as_id",
            "relay crashed right after its mark at 0 s, and what it counted in a variable began again",
        ),
        ("_type_and_order_as_id", "rows 2 and 3 were both published as ConfirmationSent 12345"),
        ("_the_hash_of_the_event", "their events are equal, and both count"),
        ("_the_hash_of_the_row_id", "hash(...) gives other numbers in another process"),
        ("_the_address_of_the_event", "id(...) gives other numbers in another process"),
        ("_each_event_once", "row 3: it is marked as sent, and was never published; row 2 holds an equal event"),
        ("_marks_all_and_publishes_fifty", "row 51, and 249 more: it is marked as sent, and was never published"),
        ("_stops_after_the_first_round", "your relay came to its end at 0 s, and nobody calls it again"),
        ("_twenty_rounds", "your relay came to its end at 20 s"),
        ("_a_thousand_rounds", "your relay came to its end after 1,000 waits for a row"),
        ("_yields_the_row", "the row, not its event, in line 4 of _yields_the_row; yield row.event, under with_id"),
        ("_yields_the_row_under_its_id", "the row under with_id, not its event, in line 4"),
        ("_yields_a_list", "it yielded a list, in line 3"),
        ("_yields_the_mark", "outbox.mark(...) hands nothing back, so call it in a line of its own, in line 5"),
        ("_sets_sent", "use outbox.mark(row.number), in line 5"),
        ("_sleeps", "time.sleep stops the whole lab, and yields nothing: wait with yield 1.0"),
        ("_sleeps_and_yields", "wait with yield 1.0"),
        ("_publishes_without_a_yield", "it goes round for ever, and there is no yield in it"),
        ("_a_set_of_the_module", "still remembered the first one, in a variable outside of it"),
        ("_returns_a_list", "it returned [], and there is no yield in it"),
    ],
)
def test_a_wrong_relay_is_told_its_story(name: str, seen: str) -> None:
    answer = {answer.__name__: answer for answer in EXERCISE.wrong}[name]
    assert seen in repr(check("10-relay", answer))


def test_a_sleep_that_only_shows_when_it_is_called_is_refused_at_once() -> None:
    def relay(outbox: Any) -> Iterator[Any]:
        import time

        yield 1.0
        time.sleep(60.0)

    assert "time.sleep stops the whole lab" in repr(check("10-relay", relay))


def test_the_run_is_played_even_where_nothing_was_published() -> None:
    """The relay marked first and crashed: the crash is all that there is to see."""
    answer = next(answer for answer in EXERCISE.wrong if answer.__name__ == "_marks_first")
    bus = check("10-relay", answer).bus
    assert bus is not None
    assert [happening.text for happening in bus.trace.log] == ["relay crashed after db.commit", "relay is up"]


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
    front: Any = OutboxFront(Outbox(Database()), lambda what: None, {})
    with pytest.raises(EdaLabError, match="has no relay"):
        front.relay()
    with pytest.raises(EdaLabError, match="keeps nothing"):
        front.sent = set()
    with pytest.raises(EdaLabError, match="takes the number of a row"):
        front.mark("outbox-1")
    with pytest.raises(TypeError, match=r"outbox\.mark\(\) missing 1 required"):
        front.mark()
    assert front.pending() == []
