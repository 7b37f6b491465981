"""Failing handlers in the lab: tried again, given up on, redriven; and nobody else notices."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Event, EventBus, Retry
from eda_lab.attempt import MOST
from eda_lab.errors import OptionError


class LetterWritten(Event):
    """Something that a mail handler may fail on."""

    number: int


class Unshowable(Event):
    """An event that cannot even be shown."""

    number: int = 1

    def __repr__(self) -> str:
        raise RuntimeError("no picture, please")


class SilentError(Exception):
    """An error that fails when it is asked what it has to say."""

    def __str__(self) -> str:
        raise RuntimeError("not even that")


def failing(times: int, error: BaseException | None = None) -> Callable[[Any, Any], None]:
    """Return a handler that fails at its first attempts at each message."""

    def mail(_: object, delivery: Any) -> None:
        if delivery.attempt <= times:
            raise error or ConnectionError(f"attempt {delivery.attempt}")

    return mail


def mail_bus(handler: Any, *, archive: bool = False, **options: Any) -> EventBus:
    """Return a bus with one group, or two, that have a letter in their queue."""
    bus = EventBus(seed=1)
    bus.subscribe(LetterWritten, handler, name="mail", **options)
    if archive:
        bus.subscribe(LetterWritten, lambda _: None, name="archive")
    bus.publish(LetterWritten(1))
    return bus


def test_a_failed_delivery_comes_back_after_a_growing_pause() -> None:
    """1, 2 and 4 seconds after its end, each time at the end of a service of half a second."""
    bus = mail_bus(failing(3), takes=0.5, retry=Retry(max_attempts=4, backoff=1))
    bus.run()
    rows = [(d.attempt, d.queued_at, d.started_at, d.ended_at, d.outcome, d.error) for d in bus.trace.deliveries]
    assert rows == [
        (1, 0.0, 0.0, 0.5, "failed", "ConnectionError: attempt 1"),
        (2, 1.5, 1.5, 2.0, "failed", "ConnectionError: attempt 2"),
        (3, 4.0, 4.0, 4.5, "failed", "ConnectionError: attempt 3"),
        (4, 8.5, 8.5, 9.0, "done", None),
    ]
    assert bus.dead_letters() == []


def test_while_it_waits_others_are_served() -> None:
    """A retry does not hold up the queue: the letters behind it overtake."""
    bus = mail_bus(failing(1), archive=True, retry=Retry(backoff=10))
    bus.publish(LetterWritten(2), at=5)
    bus.run(until=10)
    assert [(d.message.data.number, d.attempt, d.ended_at) for d in bus.trace.deliveries if d.group == "mail"] == [
        (1, 1, 0.0),
        (1, 2, 10.0),
        (2, 1, 5.0),
        (2, 2, None),
    ]
    assert [d.ended_at for d in bus.trace.deliveries if d.group == "archive"] == [0.0, 5.0]


def test_what_is_given_up_on_is_kept_with_its_traceback() -> None:
    """The dead letter shows the line of the handler that failed, and not a line of the lab."""
    bus = mail_bus(failing(9), retry=Retry(max_attempts=2, backoff=3))
    bus.run()
    (letter,) = bus.dead_letters("mail")
    assert (letter.attempts, letter.time, letter.group) == (2, 3.0, "mail")
    assert letter.message.data == LetterWritten(1)
    assert letter.error == "ConnectionError: attempt 2"
    assert 'raise error or ConnectionError(f"attempt {delivery.attempt}")' in letter.traceback
    assert "eda_lab/lab/group.py" not in letter.traceback.replace("\\", "/")
    assert [d.outcome for d in bus.trace.deliveries] == ["failed", "dead lettered"]


@settings(deadline=None)
@given(fails=st.integers(0, 6), most=st.integers(1, 6), jitter=st.sampled_from([0.0, 0.5, 1.0]), seed=st.integers(0, 9))
def test_every_message_is_tried_until_it_works_or_the_attempts_are_used_up(
    fails: int, most: int, jitter: float, seed: int
) -> None:
    """And the pauses of a seed are the same on every run."""

    def run() -> EventBus:
        bus = EventBus(seed=seed)
        bus.subscribe(LetterWritten, failing(fails), name="mail", retry=Retry(max_attempts=most, jitter=jitter))
        for number in range(3):
            bus.publish(LetterWritten(number))
        bus.run()
        return bus

    bus = run()
    assert len(bus.trace.deliveries) == 3 * min(fails + 1, most)
    assert len(bus.dead_letters()) == (3 if fails >= most else 0)
    assert bus.trace.transcript() == run().trace.transcript()
    bus.trace.check_conservation()


def test_consumers_that_failed_together_do_not_come_back_together() -> None:
    """With full jitter each message has a pause of its own."""
    bus = EventBus(seed=1)
    bus.subscribe(LetterWritten, failing(1), name="mail", retry=Retry(backoff=10, jitter=1))
    for number in range(20):
        bus.publish(LetterWritten(number))
    bus.run()
    due = [d.queued_at for d in bus.trace.deliveries if d.attempt == 2]
    assert len(set(due)) == 20
    assert all(0 <= moment <= 10 for moment in due)


# --- redriving


def test_redrive_gives_those_chosen_a_second_life_once() -> None:
    """`where` chooses; what was chosen is no dead letter any more, and a second redrive finds the others only."""
    down = [True]

    def mail(letter: LetterWritten) -> None:
        if down:
            raise ConnectionError(letter.number)

    bus = EventBus()
    bus.subscribe(LetterWritten, mail, name="mail", takes=1)
    for number in range(4):
        bus.publish(LetterWritten(number))
    bus.run()
    down.clear()
    assert bus.redrive("mail", where=lambda letter: letter.message.data.number % 2 == 0) == 2
    assert [letter.message.data.number for letter in bus.dead_letters()] == [1, 3]
    assert bus.redrive("mail", where=lambda letter: "timeout" in letter.error) == 0
    assert bus.redrive("mail") == 2
    assert bus.redrive("mail") == 0
    bus.run()
    again = bus.trace.deliveries[4:]
    assert [(d.message.data.number, d.attempt, d.queued_at, d.outcome) for d in again] == [
        (number, 1, 4.0, "done") for number in (0, 2, 1, 3)
    ]
    books = bus.trace.check_conservation()
    assert books.rows == [("mail", 4, 4, 4, 4)]


def test_a_dead_letter_is_one_object_as_long_as_it_is_one() -> None:
    """So each letter of a list can be told from its neighbours, and be redriven alone."""
    bus = EventBus()
    bus.subscribe(LetterWritten, failing(9), name="mail")
    for _ in range(3):
        bus.publish(LetterWritten(7))
    bus.run()
    first, second, third = bus.dead_letters("mail")
    assert bus.redrive("mail", where=lambda letter: letter is second) == 1
    assert all(was is now for was, now in zip([first, third], bus.dead_letters(), strict=True))
    bus.run()
    assert bus.dead_letters()[2] is not second


def test_what_is_redriven_may_die_again() -> None:
    """It has all its attempts again, and lands where it was."""
    bus = mail_bus(failing(9), retry=Retry(max_attempts=2))
    for lives in (1, 2, 3):
        bus.run()
        assert len(bus.dead_letters()) == 1
        assert [d.attempt for d in bus.trace.deliveries] == [1, 2] * lives
        bus.trace.check_conservation()
        assert bus.redrive("mail") == 1


def test_a_thousand_dead_letters_are_redriven_in_no_time() -> None:
    """Each is looked up, not searched for."""
    bus = EventBus()
    bus.subscribe(LetterWritten, failing(9), name="mail")
    for number in range(3000):
        bus.publish(LetterWritten(number))
    bus.run()
    assert bus.redrive("mail") == 3000
    assert bus.dead_letters() == []


# --- whatever a handler raises is its own affair


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (GeneratorExit(), "GeneratorExit"),
        (asyncio.CancelledError(), "CancelledError"),
        (StopIteration(7), "StopIteration: 7"),
        (BaseExceptionGroup("all", [ValueError(), KeyError("x")]), "ExceptionGroup: all (2 sub-exceptions)"),
        (SilentError(), "SilentError"),
        (ValueError("two\nlines \ud800"), "ValueError: two\nlines \ud800"),
        (ValueError("x" * 10**7), "ValueError: " + "x" * 1000),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_no_error_gets_out_of_its_group(error: BaseException, shown: str) -> None:
    """Not even one that means to end the program, cannot say what it is, or fills the memory with what it says."""
    bus = mail_bus(failing(9, error), archive=True)
    bus.publish(LetterWritten(2))
    bus.run()
    assert [d.outcome for d in bus.trace.deliveries if d.group == "archive"] == ["done", "done"]
    letters = bus.dead_letters("mail")
    assert [letter.error for letter in letters] == [shown, shown]
    assert len(letters[0].traceback) < MOST + 10
    assert len(bus.trace.transcript()) < 2000
    assert repr(bus.trace.table()).count("\n") == 5
    bus.trace.check_conservation()


def test_an_error_from_deep_down_is_told_briefly() -> None:
    """A handler that calls itself for ever leaves one letter."""

    def deeper(letter: LetterWritten) -> None:
        deeper(letter)

    bus = mail_bus(deeper)
    bus.run()
    (letter,) = bus.dead_letters()
    assert letter.error.startswith("RecursionError")
    assert len(letter.traceback) < MOST + 10


def test_an_event_that_cannot_be_shown_can_be_handled() -> None:
    """Published, failed on, returned: the lab writes down its type and id, and never asks for its picture."""
    bus = EventBus()
    bus.subscribe(Unshowable, lambda event: [Unshowable(0)] if event.number else [object(), event], name="mirror")
    bus.publish(Unshowable())
    bus.run()
    assert "unshowable" in bus.trace.transcript()
    assert [d.outcome for d in bus.trace.deliveries] == ["done", "dead lettered"]
    assert len(bus.trace.table()) == 2


def test_70_000_attempts_are_counted() -> None:
    """The number of an attempt does not wrap around."""
    bus = mail_bus(failing(70_000), retry=Retry(max_attempts=80_000, backoff=0))
    bus.run()
    assert bus.columns.attempt[-1] == len(bus.columns.attempt) == 70_001
    assert bus.trace.deliveries[-1].outcome == "done"


# --- service times


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf"), 1e300, True, None, "1"], ids=str)
def test_a_service_time_that_is_none_stops_the_run_until_it_is_mended(bad: Any) -> None:
    """It is the scenario that is wrong, not the delivery: that stays in the queue, and the next run serves it."""
    times = [bad, 2.0]
    bus = mail_bus(failing(0), archive=True, takes=lambda _: times.pop(0))
    with pytest.raises(OptionError, match="takes="):
        bus.run()
    assert bus.trace.check_conservation().column("queued") == [1, 1]
    bus.run()
    assert [(d.group, d.outcome, d.ended_at) for d in bus.trace.deliveries] == [
        ("mail", "done", 2.0),
        ("archive", "done", 0.0),
    ]


def test_a_service_time_that_raises_says_so_to_whoever_runs_the_bus() -> None:
    """Again and again, until its subscription leaves."""
    bus = EventBus()
    mail = bus.subscribe(LetterWritten, lambda _: None, name="mail", takes=lambda _: 1 / 0)
    bus.publish(LetterWritten(1))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            bus.run()
    mail.unsubscribe()
    bus.run()
    assert bus.trace.deliveries[0].outcome == "dropped"
    bus.trace.check_conservation()
