"""Events as a person writes them: immutable facts with a type name, found again under it, checked by a wire."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab.errors import MalformedEventError, NotAnEventError, OptionError, UnknownEventTypeError
from eda_lab.events import (
    Command,
    Event,
    Message,
    class_for,
    is_event,
    known_class,
    require_event,
    type_name,
    type_names,
)
from eda_lab.wire import checked_copy


class Line(msgspec.Struct, frozen=True):
    """A line of a basket."""

    sku: str
    pieces: int


class BasketFilled(Event):
    """Somebody filled a basket."""

    basket_id: str
    lines: tuple[Line, ...] = ()


class LargeBasketFilled(BasketFilled):
    """It was a large one."""

    dataversion: ClassVar[int] = 3
    weight_kg: float = 0.0


class EmptyBasket(Command):
    """Shall be done, by exactly one handler."""

    basket_id: str


@dataclass
class BasketSeen:
    """A plain dataclass."""

    basket_id: str


def test_an_event_is_a_fact_that_nobody_can_change() -> None:
    """Not by assignment, and not by taking a field away."""
    event = BasketFilled("7")
    with pytest.raises(AttributeError):
        event.basket_id = "8"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del event.basket_id
    assert event == BasketFilled("7", ())


def test_equal_events_count_once_in_a_set() -> None:
    """They hash by what they say; another class with the same fields says something else."""
    basket, again = BasketFilled("7", (Line("PROD1", 2),)), BasketFilled("7", (Line("PROD1", 2),))
    assert {basket, again, BasketFilled("8")} == {basket, BasketFilled("8")}
    assert BasketFilled("7") != LargeBasketFilled("7")
    assert BasketFilled("7") != EmptyBasket("7")


@pytest.mark.parametrize(
    ("class_name", "name"),
    [
        ("OrderPlaced", "order_placed"),
        ("HTTPRequestSent", "http_request_sent"),
        ("Order2Placed", "order2_placed"),
        ("Order_Placed", "order_placed"),
        ("TVSetSoldInUSA", "tv_set_sold_in_usa"),
    ],
)
def test_the_type_name_is_the_class_name_in_snake_case(class_name: str, name: str) -> None:
    """As a person would write it, abbreviations included."""
    assert type_name(type(class_name, (), {})) == name


@settings(deadline=None)
@given(st.lists(st.from_regex(r"[A-Z][a-z]{1,6}", fullmatch=True), min_size=1, max_size=5))
def test_words_in_capitals_become_words_with_underscores(words: list[str]) -> None:
    """Whatever the words are; and a name in snake_case stays as it is."""
    name = type_name(type("".join(words), (), {}))
    assert name == "_".join(words).lower()
    assert type_name(type(name, (), {})) == name


def test_a_class_stands_under_its_name_and_under_those_of_its_bases() -> None:
    """So who listens to the base gets the derived ones, and who listens to `Event` gets all."""
    assert list(type_names(LargeBasketFilled)) == ["large_basket_filled", "basket_filled", "event"]
    assert list(type_names(EmptyBasket)) == ["empty_basket", "command"]
    assert list(type_names(BasketSeen)) == ["basket_seen"]
    assert list(type_names(Event)) == ["event"]


def test_a_cell_that_is_run_again_replaces_its_class() -> None:
    """The name leads to the newest class of that name, and only to it."""

    def run_the_cell() -> type[Any]:
        class TrolleyParked(Event):
            place: str

        return TrolleyParked

    first, second = run_the_cell(), run_the_cell()
    assert first is not second
    assert class_for("trolley_parked") is known_class("trolley_parked") is second


def test_a_typo_in_a_type_name_is_met_with_the_name_that_was_meant() -> None:
    """And where nothing comes close, with what to do instead."""
    with pytest.raises(UnknownEventTypeError, match="did you mean 'basket_filled'") as caught:
        class_for("basket_filed")
    assert caught.value.type == "basket_filed"
    with pytest.raises(UnknownEventTypeError, match=r"use the message's plain \.data"):
        class_for("qqqqqqq")
    assert known_class("qqqqqqq") is None


@pytest.mark.parametrize("given_name", [None, 5, [], {}, BasketFilled, b"basket_filled"])
def test_only_text_is_a_type_name(given_name: Any) -> None:
    """Anything else gets a line of ours, whether it can be hashed or not."""
    with pytest.raises(OptionError, match="give a type name, such as"):
        class_for(given_name)


@pytest.mark.parametrize("thing", [None, 5, "order_placed", BasketFilled("7"), []])
def test_only_a_class_has_a_type_name(thing: Any) -> None:
    """An instance has one through its class."""
    with pytest.raises(NotAnEventError, match="is no class of events"):
        type_name(thing)


@pytest.mark.parametrize(
    "event", [BasketFilled("7"), EmptyBasket("7"), BasketSeen("7"), Event(), LargeBasketFilled("7")]
)
def test_events_commands_and_plain_dataclasses_can_be_published(event: object) -> None:
    """These three, and nothing else."""
    assert is_event(event)
    assert require_event(event) is None


@pytest.mark.parametrize(
    ("thing", "says"),
    [
        (BasketFilled, r"BasketFilled is a class: publish an instance, as in publish\(BasketFilled\(\.\.\.\)\)"),
        (BasketSeen, "BasketSeen is a class"),
        (
            Message(id="1", source="s", type="t", time=0.0, data=1),
            r"is an envelope: publish the event in it, its \.data",
        ),
        (None, "None is no event"),
        ("order_placed", r"or publish\('topic', event\)"),
        ({"order_id": "7"}, r"{'order_id': '7'} is no event: publish an instance of an Event class"),
        ((BasketFilled("7"),), "is no event"),
        (object(), "is no event"),
        (float("nan"), "nan is no event"),
    ],
)
def test_anything_else_is_refused_with_what_to_publish_instead(thing: object, says: str) -> None:
    """The object itself comes along in the error."""
    assert not is_event(thing)
    with pytest.raises(NotAnEventError, match=says) as caught:
        require_event(thing)
    assert caught.value.given is thing


def test_a_message_says_in_one_line_what_it_is_and_what_comes_next() -> None:
    """Before the run nothing has been done yet, and the line says how to go on."""
    message = Message(id="1", source="checkout", type="basket_filled", time=1.5, data=BasketFilled("7"))
    assert repr(message) == "<Message '1': basket_filled from checkout at 1.5 s>"
    assert repr(msgspec.structs.replace(message, queued_for=1)).endswith(
        "queued for 1 group; their consumers work in bus.run()>"
    )
    assert "queued for 5 groups" in repr(msgspec.structs.replace(message, queued_for=5))
    with pytest.raises(AttributeError):
        message.id = "2"  # type: ignore[misc]


def test_a_checked_copy_has_the_types_that_its_class_names() -> None:
    """A list where the class says tuple crosses the wire and comes out as a tuple."""
    sloppy: Any = BasketFilled("7", [Line("PROD1", 2)])  # type: ignore[arg-type]
    assert checked_copy(sloppy) == BasketFilled("7", (Line("PROD1", 2),))
    assert checked_copy(LargeBasketFilled("7", weight_kg=2)) == LargeBasketFilled("7", (), 2.0)


class Ambiguous(Event):
    """JSON cannot tell a list from a tuple."""

    things: list[int] | tuple[str, ...]


class OneLineFilled(Event):
    """Its tuple holds one line, where many are meant."""

    lines: tuple[Line]


class Misspelt(Event):
    """Its annotation names nothing."""

    thing: "NoSuchClass"  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: BasketFilled(7), r"Expected `str`, got `int` - at \$\.basket_id"),
        (lambda: BasketFilled("7", (Line("PROD1", "2"),)), r"Expected `int`, got `str` - at \$\.lines\[0\]\.pieces"),
        (lambda: BasketFilled("7", ("PROD1",)), r"Expected `object`, got `str` - at \$\.lines\[0\]"),
        (
            lambda: OneLineFilled((Line("PROD1", 2), Line("PROD2", 1))),  # type: ignore[arg-type]
            r"length 1.* \(tuple\[Item\] holds exactly one; write tuple\[Item, \.\.\.\]\) - at \$\.lines",
        ),
        (lambda: BasketFilled(object()), r"cannot be written as JSON: Encoding objects of type object is unsupported"),
        (lambda: BasketFilled("\ud800"), "surrogates not allowed"),
        (lambda: LargeBasketFilled("7", weight_kg=float("nan")), r"got `null` - at \$\.weight_kg"),
        (lambda: Ambiguous([1]), "Ambiguous cannot be read from JSON: Type unions may not contain more than one"),
        (lambda: Misspelt(1), "Misspelt cannot be read from JSON: name 'NoSuchClass' is not defined"),
    ],
)
def test_what_cannot_cross_a_wire_is_refused_with_the_place_of_the_fault(make: Callable[[], Any], says: str) -> None:
    """An instance is not checked when it is made; the wire does it."""
    with pytest.raises(MalformedEventError, match=says):
        checked_copy(make())


LINES = st.tuples(st.text(), st.integers(-(2**63), 2**64 - 1)).map(lambda pair: Line(*pair))


@settings(deadline=None)
@given(st.text(), st.lists(LINES).map(tuple), st.floats(allow_nan=False, allow_infinity=False))
def test_an_event_that_keeps_its_types_crosses_the_wire_unchanged(key: str, lines: tuple[Line, ...], kg: float) -> None:
    """Any text, any integer of 64 bits, any finite float, to the last bit."""
    event = LargeBasketFilled(key, lines, kg)
    assert checked_copy(event) == event


@settings(deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text() | st.binary(), st.lists, max_leaves=5))
def test_whatever_stands_in_a_field_comes_out_as_its_class_says_or_is_refused(junk: Any) -> None:
    """There is no third way: no other exception, and no copy with a wrong type."""
    with suppress(MalformedEventError):
        assert isinstance(checked_copy(BasketFilled(junk)).basket_id, str)
