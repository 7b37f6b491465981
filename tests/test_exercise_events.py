"""Exercise 02-events takes every good event, however it is written, and finds what is wrong behind a good name."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import pytest

from eda_lab import Event, EventBus, Item
from eda_lab.course import check
from eda_lab.course.exercises import bad_touches
from eda_lab.course.exercises.phone_sales import private_parts
from eda_lab.course.exercises.qualities import changeable, differences, name_fault
from eda_lab.orders import example_order

COUNT = itertools.count()


class SaleClosed(Event):
    order_id: str
    customer_id: str
    items: tuple[Item, ...]
    extra: Any = None


@dataclass(frozen=True)
class SaleBooked:
    order_id: str
    customer_id: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class SaleMisdeclared:
    order_id: str
    customer_id: str
    items: list[dict[str, int]]


class SaleMelted(Event, frozen=False):
    order_id: str
    customer_id: str
    items: tuple[Item, ...]


class Line(NamedTuple):
    sku: str
    quantity: int
    unit_price_cents: int


class SaleListed(Event):
    order_id: str
    customer_id: str
    items: tuple[Line, ...]
    total_cents: int


def publish(make: Callable[[Any], Any]) -> Callable[[EventBus, Any], None]:
    """Return an answer that publishes what is made of the sale."""

    def announce(bus: EventBus, sale: Any) -> None:
        bus.publish(make(sale))

    return announce


def closed(sale: Any, extra: Any = None) -> SaleClosed:
    return SaleClosed(sale.order_id, sale.customer_id, tuple(sale.items), extra)


def listed(sale: Any) -> SaleListed:
    lines = tuple(Line(item.sku, item.quantity, item.unit_price_cents) for item in sale.items)
    return SaleListed(sale.order_id, sale.customer_id, lines, sum(line[1] * line[2] for line in lines))


@pytest.mark.parametrize(
    "make",
    [
        closed,
        listed,
        lambda sale: SaleClosed(sale.order_id, sale.customer_id, sale.items),  # its JSON is a tuple again
        lambda sale: SaleBooked(sale.order_id, sale.customer_id, tuple(sale.items)),
        lambda sale: closed(sale, "by telephone"),
    ],
)
def test_a_good_event_is_taken_however_it_is_written(make: Callable[[Any], Any]) -> None:
    verdict = check("02-events", publish(make))
    assert verdict.passed, verdict


def test_an_event_may_be_published_for_later() -> None:
    def announce(bus: EventBus, sale: Any) -> None:
        bus.publish(closed(sale), delay=2)

    assert check("02-events", announce).passed


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("_clears_the_items_afterwards", "it changes items of the sale"),
        ("_hides_the_card", "it changes email, card_number of the sale"),
        ("_the_card_of_the_lesson", "$.data.email holds 'ada@example.org'"),
        ("_a_field_that_is_empty", "$.data has a field 'email_address'"),
        ("_whether_there_is_an_address", "another card and no address change $.data.extra"),
        ("_whether_there_is_a_card", "neither card nor address change $.data.extra"),
        ("_runs_the_bus", "it uses bus.run: leave that to others"),
        ("_in_an_async_def", "it is an async def, so a call does not run it: write a plain def"),
        ("_exactly_one_item", "tuple[Item] holds exactly one; write tuple[Item, ...]"),
        ("_a_bare_tuple", "say in the annotation what is inside, as in tuple[Item, ...]"),
    ],
)
def test_a_wrong_answer_is_told_what_is_wrong_and_not_more(name: str, seen: str) -> None:
    verdict = check("02-events", {answer.__name__: answer for answer in bad_touches.WRONG}[name])
    assert seen in repr(verdict)
    assert name == "_a_bare_tuple" or sum(not finding.passed for finding in verdict.findings) == 1


def test_an_error_that_only_a_missing_card_leads_to_is_told_with_it() -> None:
    seen = repr(check("02-events", publish(lambda sale: closed(sale, sale.card_number.strip() and None))))
    assert "where there is neither card nor address, your function fails: AttributeError" in seen


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"n": 20001, "at": "1970-01-01T00:00:02.000000Z", "name": "by telephone", "none": None, "yes": True}, []),
        ({"e": "to a@b.org"}, ["$.e holds 'a@b.org'"]),
        ({"rows": [{"n": "4000-0000-0000-0002"}]}, ["$.rows[0].n holds '4000-0000-0000-0002'"]),
        ({"has_email": False}, ["$ has a field 'has_email'"]),
    ],
)
def test_what_looks_private_is_found_with_its_place(value: Any, found: list[str]) -> None:
    assert list(private_parts(value)) == found


@pytest.mark.parametrize(
    ("make", "seen"),
    [
        (lambda s: closed(s, base64.b64encode(s.card_number.encode()).decode()), "change $.data.extra"),
        (lambda s: closed(s, "*" * 12 + s.card_number[-4:]), "change $.data.extra"),
        (lambda s: closed(s, sum(map(int, s.card_number.replace(" ", ""))) % 10), "change $.data.extra"),
        (lambda s: closed(s, s.email.partition("@")[2]), "change $.data.extra"),
        (lambda s: closed(s, s), "$.data.extra has a field 'email'; $.data.extra.email holds"),
        (lambda s: closed(s, next(COUNT)), "$.data.extra differs from time to time"),
        (lambda s: closed(s, {"channel": "phone"}), "$.extra (a dict)"),
        (lambda s: SaleMelted(s.order_id, s.customer_id, tuple(s.items)), "$.order_id, $.customer_id, $.items"),
        (lambda s: SaleMisdeclared(s.order_id, s.customer_id, tuple(s.items)), "Expected `int`, got `str`"),  # type: ignore[arg-type]
        (lambda s: SaleClosed(s.customer_id, s.order_id, tuple(s.items)), "payment, email, shipping: its work differs"),
        (
            lambda s: SaleClosed(s.order_id, s.customer_id, tuple(s.items[:1])),
            "inventory, payment, analytics: its work",
        ),
        (lambda s: SaleClosed(s.order_id, s.customer_id, ()), "inventory, payment, analytics: its work differs"),
        (lambda s: SaleClosed(int(s.order_id), s.customer_id, tuple(s.items)), "Expected `str`, got `int`"),  # type: ignore[arg-type]
        (lambda s: SaleClosed, "is a class: publish an instance"),
    ],
)
def test_what_is_wrong_behind_a_good_name_is_found(make: Callable[[Any], Any], seen: str) -> None:
    verdict = check("02-events", publish(make))
    assert not verdict.passed
    assert seen in repr(verdict)


@pytest.mark.parametrize("name", ["OrderPlaced", "PhoneSaleMade", "order_phoned", "PhoneOrderPlacedEvent", "MailSent"])
def test_a_thing_and_a_verb_in_the_past_is_a_name_of_an_event(name: str) -> None:
    assert name_fault(type(name, (), {})) == ""


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("SendEmail", "'send' tells somebody what to do"),
        ("SendEmailPlaced", "'send' tells somebody what to do"),
        ("EmailRequested", "'requested' asks for something"),
        ("PhoneOrder", "does not end in a verb in the past"),
        ("PlacedOrder", "does not end in a verb in the past"),
        ("CustomerNeed", "does not end in a verb in the past"),
        ("Placed", "does not say what it was that was placed"),
        ("Event", "says nothing"),
        ("_", "says nothing"),
    ],
)
def test_other_names_are_told_what_they_lack(name: str, fault: str) -> None:
    assert fault in name_fault(type(name, (), {}))


def test_a_frozen_event_with_frozen_parts_cannot_be_changed() -> None:
    assert changeable(example_order()) == []


def test_what_can_be_changed_deep_inside_is_named() -> None:
    class Loose(msgspec.Struct):
        n: int

    assert changeable(SaleClosed("1", "ADA", (), ({"a"}, Loose(1)))) == ["$.extra[0] (a set)", "$.extra[1].n"]


def test_differences_name_their_places() -> None:
    one: dict[str, Any] = {"a": [1, {"b": 2}], "c": 3}
    assert differences(one, one) == []
    assert differences(one, {"a": [1, {"b": 5}], "d": 3}) == ["$.a[1].b", "$.c", "$.d"]
    assert differences({"a": [1]}, {"a": [1, 2]}) == ["$.a"]
