"""Exercise 06-once, its nights: which orders come, where the services crash, and what is wrong with what came of it.

A night is played in a shop of its own. A service that crashes is built anew, so what it kept in memory is gone; its
database and the card provider stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from random import Random
from typing import Any

import msgspec

from eda_lab.bus import EventBus
from eda_lab.database import Database
from eda_lab.delivery import Delivery
from eda_lab.effects import CardProvider, Charge
from eda_lab.errors import EdaLabError, shown
from eda_lab.faults import Crash, Faults, Link
from eda_lab.handlers import examine
from eda_lab.orders import Item, OrderPlaced

__all__ = ["SERVICES", "Evening", "Night", "ShopFront", "nights", "plain_night"]

SERVICES = ("inventory", "payment")
POINTS = 9  # the crash points of an attempt that are tried one by one: enough for three transactions
DRAWN = 100  # further nights
MOST = 3_000  # things that may happen in a night; an honest one has fewer than 200
STOCK = {"PROD1": 1_000, "PROD2": 1_000}
CUSTOMERS = ("ADA", "BOB")


class Night(msgspec.Struct, frozen=True):
    """Orders with the second at which each comes, the crashes, and whether the bus hands out each message twice."""

    orders: tuple[tuple[float, OrderPlaced], ...]
    crashes: tuple[Crash, ...] = ()
    twice: bool = False
    first_id: int = 1

    def __str__(self) -> str:
        orders = "1 order" if len(self.orders) == 1 else f"{len(self.orders)} orders"
        return f"{orders}{', each message delivered twice' if self.twice else ''}"


ITEMS = (Item("PROD1", 2),)


def _orders(*customers: str, at: tuple[float, ...] = (0.0,) * 4, items: tuple[Item, ...] = ITEMS) -> Any:
    return tuple((at[n], OrderPlaced(str(12345 + n), customer, items)) for n, customer in enumerate(customers))


def plain_night(number: int) -> Night:
    """Return a night on which nothing goes wrong: one order, of this number."""
    return Night(((0.0, OrderPlaced(str(number), "ADA", ITEMS)),), first_id=number)


@cache
def nights() -> list[Night]:
    """Return all nights, the simplest first: every single crash, every pair of crashes, then those drawn by chance."""
    one, two, mixed = _orders("ADA"), _orders("ADA", "ADA"), _orders("ADA", items=(*ITEMS, Item("PROD2", 1)))
    crashes = [Crash(service, "1", 1, point) for service, point in product(SERVICES, range(POINTS))]
    again = [(first, Crash(first.consumer, "1", 2, point)) for first in crashes for point in range(POINTS)]
    return [
        Night(one),
        *(Night(one, (crash,)) for crash in crashes),
        Night(one, twice=True),
        Night(two),
        Night(mixed),
        *(Night(orders, (crash,)) for orders in (two, mixed) for crash in crashes),
        *(Night(one, pair) for pair in again),
        *map(_drawn, range(DRAWN)),
    ]


def _drawn(seed: int) -> Night:
    rng = Random(f"once/{seed}")

    def pick(*options: Any) -> Any:
        return options[int(rng.random() * len(options))]

    number = pick(2, 3, 4)
    items = (Item("PROD1", pick(1, 3)), Item("PROD2", pick(1, 4), 900))[: pick(1, 2)]
    at = tuple(pick(0.0, 1.0, 40.0) for _ in range(number))
    orders = _orders(*(pick(*CUSTOMERS) for _ in range(number)), at=at, items=items)
    crashes = {
        (pick(*SERVICES), str(1 + int(rng.random() * number)), pick(1, 1, 2, 3)): int(rng.random() * POINTS)
        for _ in range(pick(1, 3, 6))
    }
    return Night(orders, tuple(Crash(*where, point) for where, point in crashes.items()), twice=pick(False, True))


class CardFront:
    """What payment sees of the card provider: it can ask for a charge, and look at nobody's list."""

    __slots__ = ("charge",)
    charge: Callable[..., Charge]

    def __init__(self, card: CardProvider) -> None:
        def charge(order_id: str, amount_cents: int, key: str | None = None) -> Charge:
            return card.charge(order_id, amount_cents, key)

        object.__setattr__(self, "charge", charge)

    def __getattr__(self, name: str) -> Any:
        raise EdaLabError(f"the card provider has no {name} for you: it takes shop.card.charge(order_id, cents, key=)")

    def __setattr__(self, name: str, value: object) -> None:
        raise EdaLabError("the card provider keeps nothing for you: what you remember belongs into shop.db")


class ShopFront:
    """What the services see of the shop: its database, with the tables "stock" and "inbox", and the card provider."""

    __slots__ = ("card", "db")

    def __init__(self, db: Database, card: CardProvider) -> None:
        self.db, self.card = db, CardFront(card)

    def __getattr__(self, name: str) -> Any:
        raise EdaLabError(f"there is no shop.{name} here, only shop.db and shop.card")


class Evening:
    """One night, played: the bus, and what was taken and charged for each order."""

    def __init__(self, night: Night, answer: Callable[[Any], Any]) -> None:
        self.night = night
        self.db, self.card = Database(stock=STOCK, inbox={}), CardProvider()
        self.taken: Counter[str] = Counter()
        self._given: list[object] = []  # kept, so that no two have the same address
        links = tuple(Link(group=service, duplicate=1.0) for service in SERVICES if night.twice)
        self.bus = EventBus(seed=1, faults=Faults(crashes=night.crashes, links=links))
        for place, name in enumerate(SERVICES):
            self.bus.subscribe(OrderPlaced, self._service(answer, place, name), name=name)
        for number, (at, order) in enumerate(night.orders, night.first_id):
            self.bus.publish(order, at=at, id=str(number))
        self.bus.run(max_events=MOST)

    def _service(self, answer: Callable[[Any], Any], place: int, name: str) -> type:
        evening = self

        class Service:
            def __init__(self) -> None:
                self.work = answer(ShopFront(evening.db, evening.card))[place]
                self.wants_delivery = examine(self.work).wants_delivery

            def __call__(self, order: OrderPlaced, delivery: Delivery) -> Any:
                before = evening.pieces
                copy = msgspec.structs.replace(order)
                message = msgspec.structs.replace(delivery.message, data=copy)
                own = msgspec.structs.replace(delivery, message=message)
                evening._given += [copy, message, own]
                try:
                    return self.work(copy, own) if self.wants_delivery else self.work(copy)
                finally:
                    evening.taken[order.order_id] += before - evening.pieces

        Service.__name__ = name
        return Service

    @property
    def pieces(self) -> int:
        """How many pieces are in stock, as committed."""
        stock = self.db.table("stock")
        left = [stock.get(sku, 0) for sku in STOCK]
        if not all(type(number) is int for number in left):
            raise EdaLabError(f"the stock is {shown(dict(stock))}: let each row be a whole number of pieces")
        return sum(left)

    @property
    def strangers(self) -> list[Charge]:
        """What was charged for an order that nobody placed."""
        return [charge for charge in self.card.charges if charge.order_id not in {o.order_id for _, o in self.placed}]

    @property
    def placed(self) -> list[tuple[str, OrderPlaced]]:
        """The orders, each with the id of its message."""
        return [(str(n), order) for n, (_, order) in enumerate(self.night.orders, self.night.first_id)]

    def charged(self, order: OrderPlaced) -> list[int]:
        """Return what was charged for an order, in cents."""
        return [charge.amount_cents for charge in self.card.charges if charge.order_id == order.order_id]

    def unsettled(self) -> Iterator[tuple[str, str]]:
        """Yield the id of each message that a service did not ack in the end, and the service."""
        done = {(d.message.id, d.group) for d in self.bus.trace.deliveries if d.outcome == "done"}
        for (number, _), service in product(self.placed, SERVICES):
            if (number, service) not in done:
                yield number, service

    def told(self, service: str, number: str, order: OrderPlaced) -> str:
        """Say in words what a service did with an order."""
        rows = [d for d in self.bus.trace.deliveries if d.group == service and d.message.id == number]
        words = {"done": "was acked", "dead lettered": "failed"}
        story = [f"attempt {d.attempt} {words.get(d.outcome) or d.error or d.outcome}" for d in rows[:6]]
        if service == "inventory":
            wanted = sum(item.quantity for item in order.items)
            came = f"pieces ordered: {wanted}, taken: {self.taken[order.order_id]}"
        else:
            cents = self.charged(order)
            came = f"cents to pay: {order.total_cents}, charged: {' and '.join(map(str, cents)) or 'nothing'}"
        who = f"order {order.order_id} of {order.customer_id} at {service}"
        return f"a night with {self.night}: {who}: {', '.join(story)}; {came}"
