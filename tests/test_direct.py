"""The plain bus: handlers run inside `publish`, one after the other, and one that fails stops nobody else."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import DirectBus, Event
from eda_lab.report import Report


class TeaOrdered(Event):
    """Somebody wants tea."""

    cups: int = 1


class GreenTeaOrdered(TeaOrdered):
    """Somebody wants green tea."""


@dataclass
class CakeOrdered:
    """A plain dataclass, which can be changed and not be hashed."""

    slices: list[str]


class UnspeakableError(Exception):
    """It cannot even say what went wrong."""

    def __str__(self) -> str:
        raise ValueError("no words")


def failing(error: BaseException) -> Callable[[Any], None]:
    """Return a handler that raises."""

    def fail(_: Any) -> None:
        raise error

    return fail


def listening(bus: DirectBus, what: Any, *names: str) -> list[tuple[str, Any]]:
    """Subscribe a handler of each name that notes what it gets; return the notes."""
    notes: list[tuple[str, Any]] = []
    for name in names:
        bus.subscribe(what, lambda event, name=name: notes.append((name, event)), name=name)
    return notes


def test_handlers_run_inside_publish_in_the_order_in_which_they_subscribed() -> None:
    """When `publish` returns all is done, and its report says so."""
    bus = DirectBus()
    notes = listening(bus, TeaOrdered, "kettle", "cup", "till")
    report = bus.publish(TeaOrdered(2))
    assert notes == [(name, TeaOrdered(2)) for name in ("kettle", "cup", "till")]
    assert (report.type, report.handled, report.failures, report.ok) == ("tea_ordered", 3, (), True)
    assert repr(report) == "<tea_ordered: 3 handlers ran; none failed>"


def test_handlers_get_the_very_object_that_was_published() -> None:
    """No wire lies between them; a plain dataclass that cannot be hashed does as well."""
    bus, cake = DirectBus(), CakeOrdered(["apple"])
    notes = listening(bus, CakeOrdered, "oven")
    notes_by_topic = listening(bus, "cake_ordered", "shelf")
    bus.publish(cake)
    assert notes[0][1] is notes_by_topic[0][1] is cake


def test_an_event_that_nobody_wants_is_no_mistake() -> None:
    """The publisher need not know who listens."""
    assert repr(DirectBus().publish(TeaOrdered())) == "<tea_ordered: 0 handlers ran; none failed>"
    assert DirectBus().publish("never_heard_of", None) == Report("never_heard_of", 0)


def test_a_handler_that_fails_stops_nobody_else_and_is_reported() -> None:
    """The publisher hears of it in the report, not as an exception."""
    bus = DirectBus()
    notes = listening(bus, TeaOrdered, "kettle")
    bus.subscribe(TeaOrdered, failing(ConnectionError("the mail server is down")), name="email")
    notes_behind = listening(bus, TeaOrdered, "till")
    report = bus.publish(TeaOrdered())
    assert [name for name, _ in notes + notes_behind] == ["kettle", "till"]
    assert not report.ok
    assert repr(report) == ("<tea_ordered: 3 handlers ran; email failed with ConnectionError: the mail server is down>")


def test_a_failure_is_written_down_with_its_event_and_its_traceback() -> None:
    """The traceback begins in the handler; the frames of the bus that called it are of no interest."""
    bus = DirectBus(source="counter")
    bus.subscribe("tea_ordered", failing(KeyError("sugar")), name="kettle")
    before = time.time()
    (letter,) = bus.publish(TeaOrdered(3)).failures
    assert [letter] == bus.failures == bus.dead_letters() == bus.dead_letters("kettle")
    assert (letter.group, letter.attempts, letter.error) == ("kettle", 1, "KeyError: 'sugar'")
    assert (letter.message.type, letter.message.source, letter.message.data) == (
        "tea_ordered",
        "counter",
        TeaOrdered(3),
    )
    assert before <= letter.message.time <= letter.time <= time.time()
    assert "in fail\n    raise error" in letter.traceback
    assert letter.traceback.count("File ") == 1
    assert repr(letter) == "<DeadLetter tea_ordered '1' of kettle: KeyError: 'sugar' (1 attempt)>"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (RecursionError("of its own"), "RecursionError: of its own"),
        (ExceptionGroup("both", [ValueError("a"), KeyError("b")]), "ExceptionGroup: both (2 sub-exceptions)"),
        (StopIteration(), "StopIteration"),
        (MemoryError(), "MemoryError"),
        (AssertionError(""), "AssertionError"),
        (UnspeakableError(), "UnspeakableError"),
    ],
)
def test_whatever_a_handler_raises_stays_with_it(error: BaseException, said: str) -> None:
    """`exit()` in a handler does not end the program either."""
    bus = DirectBus()
    bus.subscribe(TeaOrdered, failing(error), name="kettle")
    notes = listening(bus, TeaOrdered, "till")
    assert [letter.error for letter in bus.publish(TeaOrdered()).failures] == [said]
    assert len(notes) == 1


def test_a_report_and_a_dead_letter_are_one_line_however_long_the_error() -> None:
    """What was said in full stands in the letter."""
    bus = DirectBus()
    bus.subscribe(TeaOrdered, failing(ValueError("two\nlines " + "x" * 10_000)), name="kettle")
    report = bus.publish(TeaOrdered())
    assert repr(report).isprintable()
    assert repr(report.failures[0]).isprintable()
    assert len(repr(report)) < 200
    assert report.failures[0].error.startswith("ValueError: two\nlines xxx")


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=12))
def test_whichever_handlers_fail_the_others_run_and_only_these_are_reported(fails: list[bool]) -> None:
    """For every pattern of failures, twice in a row."""
    bus, ran = DirectBus(), []
    for number, fail in enumerate(fails):
        bus.subscribe(TeaOrdered, lambda _, n=number, f=fail: ran.append(n) if not f else 1 / 0, name=str(number))
    broken = [str(number) for number, fail in enumerate(fails) if fail]
    for _ in range(2):
        report = bus.publish(TeaOrdered())
        assert report.handled == len(fails)
        assert [letter.group for letter in report.failures] == broken
        assert len({letter.message.id for letter in report.failures}) <= 1
    assert ran == [number for number, fail in enumerate(fails) if not fail] * 2
    assert [letter.group for letter in bus.failures] == broken * 2


def test_topics_work_beside_classes_and_patterns() -> None:
    """Each handler gets the event once, by whichever way it asked for it."""
    bus = DirectBus()
    by_class, by_base = listening(bus, GreenTeaOrdered, "class"), listening(bus, TeaOrdered, "base")
    by_topic, by_pattern = listening(bus, "green_tea_ordered", "topic"), listening(bus, "*_ordered", "pattern")
    several = listening(bus, (GreenTeaOrdered, "green_*", "cake_ordered"), "several")
    bus.publish(GreenTeaOrdered())
    bus.publish("green_tea_ordered", {"cups": 2})
    bus.publish("cake_ordered", ["apple"])
    green = [GreenTeaOrdered(), {"cups": 2}]
    for notes in (by_class, by_base, by_topic):
        assert [event for _, event in notes] == green
    for notes in (by_pattern, several):
        assert [event for _, event in notes] == [*green, ["apple"]]


def test_who_unsubscribed_gets_nothing_more_and_the_name_is_free() -> None:
    """Unsubscribing again does no harm, not even to who has taken the name since."""
    bus, first, second = DirectBus(), [], []
    subscription = bus.subscribe(TeaOrdered, first.append, name="kettle")
    assert repr(subscription) == "<kettle listens to tea_ordered>"
    bus.publish(TeaOrdered())
    subscription.unsubscribe()
    bus.subscribe(TeaOrdered, second.append, name="kettle")
    subscription.unsubscribe()
    assert bus.publish(TeaOrdered()).handled == 1
    assert (len(first), len(second)) == (1, 1)
    assert [(group.name, group.what, group.handlers) for group in bus.groups] == [
        ("kettle", ("tea_ordered",), ("append",))
    ]


@pytest.mark.parametrize("event", [(TeaOrdered(),), ("tea_ordered", 2)])
def test_who_subscribes_or_leaves_during_a_publish_does_so_for_the_next_one(event: Any) -> None:
    """The event that is under way goes to those who listened when it was published."""
    bus, notes = DirectBus(), []

    def change(_: Any) -> None:
        notes.append("change")
        last.unsubscribe()
        bus.subscribe(TeaOrdered, lambda _: notes.append("new"))

    bus.subscribe(TeaOrdered, change, name="change")
    last = bus.subscribe(TeaOrdered, lambda _: notes.append("last"), name="last")
    assert bus.publish(*event).handled == 2
    assert notes == ["change", "last"]
    bus.publish(*event)
    assert notes == ["change", "last", "change", "new"]


def test_on_subscribes_the_function_below_and_leaves_it_as_it_is() -> None:
    """It can still be called, and tested, by itself."""
    bus = DirectBus()

    @bus.on(TeaOrdered, name="kettle")
    def boil(order: TeaOrdered) -> None:
        boiled.append(order.cups)

    boiled: list[int] = []
    boil(TeaOrdered(1))
    bus.publish(TeaOrdered(2))
    assert boiled == [1, 2]
    assert [group.name for group in bus.groups] == ["kettle"]
