"""What a handler may return: nothing, an event, or an iterable of events, all of them or none."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Command, DirectBus, Event, Message, later
from eda_lab.delivery import Later
from eda_lab.errors import EndlessResultError, HandlerResultError, OptionError
from eda_lab.handlers import caused_by


class BookLent(Event):
    """Somebody took a book home."""

    number: int


class LendBook(Command):
    """Somebody shall get a book."""

    number: int


@dataclass
class BookRead:
    """A plain dataclass; one can go through its pages, but it is an event all the same."""

    pages: int

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.pages))


class Shelf(msgspec.Struct):
    """Not an event."""


async def awaited() -> BookLent:
    """Return an event too late."""
    return BookLent(1)


def three(fails: bool = False) -> Iterator[BookLent]:
    """Yield three events, or fail before the third."""
    yield BookLent(1)
    yield BookLent(2)
    if fails:
        raise ConnectionError("the library is closed")
    yield BookLent(3)


EVENTS = [BookLent(1), BookLent(2), BookLent(3)]


@pytest.mark.parametrize(
    ("result", "events"),
    [
        (BookLent(1), [BookLent(1)]),
        (LendBook(1), [LendBook(1)]),
        (BookRead(300), [BookRead(300)]),
        (later(5, BookLent(1)), [Later(5, BookLent(1))]),
        (EVENTS, EVENTS),
        (tuple(EVENTS), EVENTS),
        (three(), EVENTS),
        (map(BookLent, (1, 2, 3)), EVENTS),
        (dict(zip(EVENTS, "abc", strict=True)).keys(), EVENTS),
        ([], []),
        (iter(()), []),
        ([later(5, BookLent(1)), LendBook(2), BookRead(3)], [Later(5, BookLent(1)), LendBook(2), BookRead(3)]),
    ],
)
def test_events_may_be_returned_one_by_one_or_in_a_row(result: Any, events: list[Any]) -> None:
    """In the order in which they were given."""
    assert caused_by("lend", result) == events


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers()), st.sampled_from([list, tuple, iter, lambda events: (event for event in events)]))
def test_any_number_of_events_comes_out_as_it_went_in(numbers: list[int], into: Callable[[list[Any]], Any]) -> None:
    """Whatever holds them."""
    events = [BookLent(number) for number in numbers]
    assert caused_by("lend", into(events)) == events


@pytest.mark.parametrize(
    ("result", "culprit"),
    [
        ({"number": 1}, {"number": 1}),
        ("book_lent", "book_lent"),
        (b"book_lent", b"book_lent"),
        (True, True),
        (0, 0),
        (BookLent, BookLent),
        (BookRead, BookRead),
        (Shelf, Shelf),
        ([BookLent(1), None], None),
        ([BookLent(1), BookLent], BookLent),
        ([[BookLent(1)]], [BookLent(1)]),
        (["book_lent"], "book_lent"),
        ([Shelf], Shelf),
        (Later(5, Later(5, BookLent(1))), Later(5, Later(5, BookLent(1)))),
        (Later(5, "book_lent"), Later(5, "book_lent")),
        (len, len),
    ],
)
def test_anything_else_is_an_error_that_shows_what_was_returned(result: Any, culprit: Any) -> None:
    """Of a row, the one that does not belong in it."""
    with pytest.raises(
        HandlerResultError, match=r"^lend returned .*a handler returns nothing, an event, or an"
    ) as caught:
        caused_by("lend", result)
    assert caught.value.handler == "lend"
    assert caught.value.result == culprit
    assert str(caught.value).isprintable()


def test_an_envelope_is_no_event() -> None:
    """The bus makes its own."""
    message = Message(id="1", source="s", type="book_lent", time=0.0, data=BookLent(1))
    with pytest.raises(HandlerResultError):
        caused_by("lend", message)


def test_a_set_is_refused_because_each_run_would_go_through_it_differently() -> None:
    """Text is hashed with a new salt in each program, so the run would not be the same run again."""
    for result in ({BookLent(1), BookLent(2)}, frozenset([BookLent(1)])):
        with pytest.raises(HandlerResultError, match="which has no order: a handler returns"):
            caused_by("lend", result)


def test_a_coroutine_is_refused_without_a_second_complaint() -> None:
    """As from `lambda event: some_async_function(event)`."""
    with pytest.raises(HandlerResultError, match="lend returned coroutine"):
        caused_by("lend", awaited())


def test_numbers_without_end_are_refused_at_the_first_of_them() -> None:
    """They are looked at one by one."""
    numbers = itertools.count()
    with pytest.raises(HandlerResultError, match="lend returned int 0"):
        caused_by("lend", numbers)
    assert next(numbers) == 1


def test_of_a_generator_that_fails_midway_nothing_counts() -> None:
    """The handler failed; that it had two events ready makes no difference."""
    with pytest.raises(ConnectionError, match="the library is closed"):
        caused_by("lend", three(fails=True))

    published: list[Any] = []
    bus = DirectBus()
    bus.subscribe("order_placed", lambda _: three(fails=True), name="lend")
    bus.subscribe(BookLent, published.append)
    report = bus.publish("order_placed", {})
    assert [letter.error for letter in report.failures] == ["ConnectionError: the library is closed"]
    assert published == []


@pytest.mark.parametrize("event", [None, "book_lent", BookLent, 5, later(1, BookLent(1)), [BookLent(1)]])
def test_what_cannot_be_published_now_cannot_be_published_later(event: Any) -> None:
    """The error names the handler that returned it."""
    with pytest.raises(HandlerResultError, match="lend returned Later"):
        caused_by("lend", [BookLent(1), later(5, event)])


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), "5", None, True, 1j])
def test_later_takes_a_number_of_seconds(seconds: Any) -> None:
    """The future is ahead, and not infinitely far."""
    with pytest.raises(OptionError, match=r"^seconds=.*: give a number of seconds"):
        later(seconds, BookLent(1))


def test_a_generator_without_end_is_given_up_on() -> None:
    """It would hang the notebook, so it is the handler's failure."""
    with pytest.raises(EndlessResultError, match="reading returned more than 10,000 events at once"):
        caused_by("reading", (BookRead(n) for n in itertools.count()))
