"""Exercise 02-events: one good event in place of three bad messages.

Names alone prove nothing, so the examination tries things: it assigns to the event, lets five services work from its
JSON, and publishes further sales that differ in nothing but the card and the e-mail address. What it compares with is
a sale that the answer never saw.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from typing import Any

from eda_lab.attempt import describe
from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding
from eda_lab.course.exercises import bad_events, bad_touches
from eda_lab.course.exercises.phone_sales import CALLERS, Sale, changes, private_parts, sale_of
from eda_lab.course.exercises.qualities import changeable, differences, name_fault
from eda_lab.course.exercises.stand_ins import NotingBus, kind_fault
from eda_lab.errors import MalformedEventError
from eda_lab.events import Event, Message
from eda_lab.orders import Item, OrderPlaced
from eda_lab.shop import Shop
from eda_lab.wire import checked_copy, encode

__all__ = ["EXERCISE"]

STOCK = {"PROD1": 1000, "PROD2": 1000}
Answer = Callable[[EventBus, Any], Any]


class _Read:
    """An event as a service sees it that reads no more than it needs; a `LookupError` says what is not there."""

    def __init__(self, event: Any) -> None:
        self._event = event

    def __getattr__(self, name: str) -> Any:
        return _part(self._event, name, "it has")

    @property
    def items(self) -> list[Item]:
        rows = _part(self._event, "items", "it has")
        fields = Item.__struct_fields__
        if any(isinstance(row, dict) for row in rows):
            raise LookupError("its items are no Items any more: say what is inside, as in items: tuple[Item, ...]")
        return [Item(*(_part(row, field, "an item has") for field in fields)) for row in rows]

    @property
    def total_cents(self) -> int:
        return sum(item.quantity * item.unit_price_cents for item in self.items)


def _part(whole: Any, name: str, words: str) -> Any:
    try:
        return getattr(whole, name)
    except AttributeError:
        raise LookupError(f"{words} no {name}") from None


def examine(answer: Answer) -> Iterator[Finding]:
    """Sell by telephone for 30 seeds, each sale five times: as it is, once more, and for other callers."""
    fault = kind_fault(answer)
    yield Finding("your function is a plain one", not fault, fault)
    if fault:
        return
    findings: list[Finding] = []
    for seed in range(30):
        findings = list(_examine_one(answer, seed))
        if not all(finding.passed for finding in findings):
            break
    yield from findings


def _examine_one(answer: Answer, seed: int) -> Iterator[Finding]:
    sale, given = sale_of(seed, 0), sale_of(seed, 0)
    bus, shop = _announced(answer, given)
    messages = list(bus.trace.messages)
    listing = ": " + ", ".join(message.type for message in messages[:4]) if messages else ""
    only_one = len(messages) == 1
    besides = ", ".join(f"bus.{name}" for name in dict.fromkeys(bus.asked))
    yield Finding("your function publishes one event", only_one, f"it published {len(messages)}{listing}")
    yield Finding("it does nothing else with the bus", not besides, f"it uses {besides}: leave that to others")
    touched = changes(sale, given)
    yield Finding("it leaves the sale as it is", not touched, f"it changes {', '.join(touched)} of the sale")
    if not only_one:
        return
    event = messages[0].data
    own, why = _own_class(event)
    yield Finding("it is an event of a class of your own", own, why)
    if not own:
        return
    fault = name_fault(type(event))
    yield Finding("its name says what has happened", not fault, fault)
    places = changeable(event)
    yield Finding("nobody can change it", not places, _advised(places))
    troubles = _troubles(bus, shop, sale)
    yield Finding("the five services do their work, with its data alone", not troubles, "; ".join(troubles))
    yield from _private(answer, seed, messages[0])


def _announced(answer: Answer, sale: Sale) -> tuple[NotingBus, Shop]:
    """Return a bus that the answer published to, and the shop whose services listen to everything there."""
    bus, shop = NotingBus(), Shop(STOCK)
    for name, work in shop.services.items():

        def react(event: Any, work: Callable[[Any], Any] = work) -> None:
            work(_Read(checked_copy(event)))  # across a wire comes nothing but JSON

        bus.subscribe("*", react, name=name)
    bus.watched(answer, sale)
    bus.run()
    return bus, shop


def _advised(places: list[str]) -> str:
    """Say what can be changed, and what to write instead."""
    advice = ""
    if any("[" in place and place.endswith("(a dict)") for place in places):
        advice = ": say in the annotation what is inside, as in tuple[Item, ...]"
    elif any(place.endswith("(a list)") for place in places):
        advice = ": a tuple[..., ...] in place of list[...] cannot be changed"
    return f"these can be changed: {', '.join(places[:4])}{advice}"


def _own_class(event: Any) -> tuple[bool, str]:
    """Whether an event's class is the learner's, and what it is otherwise."""
    cls = type(event)
    if not isinstance(event, Event) and not is_dataclass(event):
        return False, f"it is a plain {cls.__name__}: write a class, class ...(Event)"
    if isinstance(event, Sale):
        return False, "it is the sale itself, with all that the clerk has heard"
    if isinstance(event, OrderPlaced) or cls.__name__ == "OrderPlaced":
        return False, "OrderPlaced is taken: this order came by telephone, so give your class another name"
    return True, ""


def _troubles(bus: EventBus, shop: Shop, sale: Sale) -> list[str]:
    """Return what each service could not do, or did otherwise than the sale asks."""
    letters = {letter.group: letter.error.partition(": ")[2] or letter.error for letter in bus.dead_letters()}
    wanted = Shop(STOCK)
    for work in wanted.services.values():
        work(OrderPlaced(sale.order_id, sale.customer_id, tuple(sale.items)))
    differ = [name for name in shop.services if _work(shop)[name] != _work(wanted)[name]]
    who: dict[str, list[str]] = {}
    for name in differ:
        who.setdefault(letters.get(name, "its work differs from what was sold"), []).append(name)
    return [f"{', '.join(names)}: {why}" for why, names in who.items()]


def _work(shop: Shop) -> dict[str, Any]:
    """Return what each service has done to the world."""
    tables = {"inventory": dict(shop.db.table("stock")), "analytics": dict(shop.db.table("analytics"))}
    return {**tables, "payment": shop.card.charges, "email": shop.mail.sent, "shipping": shop.parcels.parcels}


def _private(answer: Answer, seed: int, first: Message) -> Iterator[Finding]:
    """Publish the sale again, then as others with another card and address, or none: no byte may differ."""
    try:
        wire = json.loads(encode(first))
        unsteady = differences(wire, _wire(answer, seed, 0))
    except MalformedEventError as error:
        yield Finding("it can be written as JSON", False, str(error))
        return
    what = "the same sale makes the same event (id and time stand in the envelope)"
    yield Finding(what, not unsteady, f"{', '.join(unsteady[:4])} differs from time to time")
    seen = "; ".join(list(private_parts(wire))[:3]) or next(filter(None, _leaks(answer, seed, wire, unsteady)), "")
    yield Finding("nothing of the card or the e-mail address is in it", not seen, seen)


def _leaks(answer: Answer, seed: int, wire: Any, unsteady: list[str]) -> Iterator[str]:
    """Yield for each other caller what differs, or an error that their card or address led to."""
    for caller, theirs in CALLERS.items():
        try:
            leaks = [path for path in differences(wire, _wire(answer, seed, caller)) if path not in unsteady]
        except Exception as error:  # noqa: BLE001 - the first caller raised nothing, so it comes from card or address
            yield f"where there is {theirs}, your function fails: {describe(error)}"
        else:
            yield f"{theirs} change {', '.join(leaks[:4])}" if leaks else ""


def _wire(answer: Answer, seed: int, caller: int) -> Any:
    messages = _announced(answer, sale_of(seed, caller))[0].trace.messages
    return json.loads(encode(messages[0])) if len(messages) == 1 else f"{len(messages)} messages"


def solution(bus: EventBus, sale: Sale) -> None:
    class PhoneOrderPlaced(Event):
        order_id: str
        customer_id: str
        items: tuple[Item, ...]

    bus.publish(PhoneOrderPlaced(sale.order_id, sale.customer_id, tuple(sale.items)))


EXERCISE = Exercise(
    name="02-events",
    task="Write an event class and announce(bus, sale): one good event in place of three bad messages.",
    examine=examine,
    hints=(
        "Which data do the five services read? Your class needs these three fields, and no more.",
        "A list can be changed, also inside an event. A tuple cannot: items: tuple[Item, ...]. "
        "An Event needs no __init__: name its fields with their types.",
        "Publish one PhoneOrderPlaced(sale.order_id, sale.customer_id, tuple(sale.items)). Its class is an Event.",
    ),
    solution=solution,
    wrong=(*bad_events.WRONG, *bad_touches.WRONG),
)
