"""Exercise 02-events: one good event in place of three bad messages.

Names alone prove nothing, so the examination tries things: it assigns to the event, lets five services work from its
JSON, and publishes a second sale that differs in nothing but the card and the e-mail address.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from random import Random
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding
from eda_lab.course.exercises import bad_events as bad
from eda_lab.course.exercises.qualities import changeable, differences, name_fault
from eda_lab.errors import MalformedEventError
from eda_lab.events import Event, Message
from eda_lab.orders import Item, OrderPlaced
from eda_lab.shop import Shop
from eda_lab.wire import checked_copy, encode

__all__ = ["EXERCISE"]

STOCK = {"PROD1": 1000, "PROD2": 1000}
Answer = Callable[[EventBus, Any], Any]


@dataclass
class Sale:
    """All that the clerk at the telephone has heard."""

    order_id: str
    customer_id: str
    email: str
    card_number: str
    items: list[Item]


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
    """Sell by telephone for 30 seeds, each sale three times: as it is, once more, and with another card and address."""
    findings: list[Finding] = []
    for seed in range(30):
        findings = list(_examine_one(answer, seed))
        if not all(finding.passed for finding in findings):
            break
    yield from findings


def _sale(seed: int, person: int) -> Sale:
    """Return the sale of a seed; the person has a card and an e-mail address of their own."""
    rng, own = Random(seed), Random(f"{seed}/{person}")

    def up_to(most: int) -> int:
        return 1 + int(rng.random() * most)

    items = [Item(f"PROD{up_to(2)}", up_to(3), 100 * up_to(90)) for _ in range(up_to(3))]
    card = " ".join(f"{int(own.random() * 1e4):04d}" for _ in range(4))
    email = f"{'abcdefgh'[int(own.random() * 8)]}{int(own.random() * 1e6)}@example{int(own.random() * 1e4)}.org"
    return Sale(str(20001 + seed), f"CUST{up_to(900):03d}", email, card, items)


def _examine_one(answer: Answer, seed: int) -> Iterator[Finding]:
    sale = _sale(seed, 0)
    bus, shop = _announced(answer, sale)
    messages = list(bus.trace.messages)
    listing = ": " + ", ".join(message.type for message in messages[:4]) if messages else ""
    only_one = len(messages) == 1
    yield Finding("your function publishes one event", only_one, f"it published {len(messages)}{listing}")
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
    yield Finding("nobody can change it", not places, f"these can be changed: {', '.join(places[:4])}")
    troubles = _troubles(bus, shop, sale)
    yield Finding("the five services do their work, with its data alone", not troubles, "; ".join(troubles))
    yield from _private(answer, seed, messages[0])


def _announced(answer: Answer, sale: Sale) -> tuple[EventBus, Shop]:
    """Return a bus that the answer published to, and the shop whose services listen to everything there."""
    bus, shop = EventBus(seed=1), Shop(STOCK)
    for name, work in shop.services.items():

        def react(event: Any, work: Callable[[Any], Any] = work) -> None:
            work(_Read(checked_copy(event)))  # across a wire comes nothing but JSON

        bus.subscribe("*", react, name=name)
    answer(bus, sale)
    bus.run()
    return bus, shop


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
    return [f"{name}: {letters.get(name, 'its work differs from what was sold')}" for name in differ]


def _work(shop: Shop) -> dict[str, Any]:
    """Return what each service has done to the world."""
    tables = {"inventory": dict(shop.db.table("stock")), "analytics": dict(shop.db.table("analytics"))}
    return {**tables, "payment": shop.card.charges, "email": shop.mail.sent, "shipping": shop.parcels.parcels}


def _private(answer: Answer, seed: int, first: Message) -> Iterator[Finding]:
    """Publish the sale again, then that of somebody with another card and address: no byte may differ."""
    try:
        wire = json.loads(encode(first))
        again, other = (_wire(answer, _sale(seed, person)) for person in (0, 1))
    except MalformedEventError as error:
        yield Finding("it can be written as JSON", False, str(error))
        return
    unsteady = differences(wire, again)
    what = "the same sale makes the same event (id and time stand in the envelope)"
    yield Finding(what, not unsteady, f"{', '.join(unsteady[:4])} differs from time to time")
    leaks = [path for path in differences(wire, other) if path not in unsteady]
    what = "nothing of the card or the e-mail address is in it"
    yield Finding(what, not leaks, f"another card and address change {', '.join(leaks[:4])}")


def _wire(answer: Answer, sale: Sale) -> Any:
    messages = _announced(answer, sale)[0].trace.messages
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
        "A list can be changed, also inside an event. A tuple cannot: items: tuple[Item, ...].",
        "Publish one PhoneOrderPlaced(sale.order_id, sale.customer_id, tuple(sale.items)). Its class is an Event.",
    ),
    solution=solution,
    wrong=bad.WRONG,
)
