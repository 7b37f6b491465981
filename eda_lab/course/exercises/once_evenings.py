"""Exercise 06-once, a night played in a shop of its own: what its two services took and charged.

A service that crashes is built anew, in a new process, so what it kept in memory is gone; its database and the card
provider stay.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import count, product, repeat
from typing import Any

import msgspec

from eda_lab.bus import EventBus
from eda_lab.course.exercises.once_nights import SERVICES, Night, wanted
from eda_lab.course.exercises.stand_ins import CardFront, in_new_process
from eda_lab.database import Database
from eda_lab.delivery import Delivery
from eda_lab.effects import CardProvider, Charge
from eda_lab.errors import EdaLabError, shown
from eda_lab.faults import Faults, Link
from eda_lab.handlers import examine
from eda_lab.orders import OrderPlaced

__all__ = ["Evening", "ShopFront"]

MOST = 3_000  # things that may happen in a night; an honest one has fewer than 200
STOCK = {"PROD1": 1_000, "PROD2": 1_000}


class ShopFront:
    """What the services see of the shop: its database, with the tables "stock" and "inbox", and the card provider."""

    __slots__ = ("card", "db")

    def __init__(self, db: Database, card: CardProvider) -> None:
        self.db, self.card = db, CardFront(card)

    def __getattr__(self, name: str) -> Any:
        raise EdaLabError(f"there is no shop.{name} here, only shop.db and shop.card")


class Evening:
    """One night, played: the bus, and what was taken and charged for each order.

    To see what makes a difference, it can be played with one service alone (`only`), or with services whose process and
    memory last through a crash (`lasting`).
    """

    def __init__(self, night: Night, answer: Callable[[Any], Any], *, only: str = "", lasting: bool = False) -> None:
        self.night = night
        self.db, self.card = Database(stock=STOCK, inbox={}), CardProvider()
        self.taken: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.strays: dict[str, None] = {}  # what a service did that is the work of the other one
        self.asked: set[str] = set()  # of hash and id
        self._given: list[object] = []  # kept, so that no two have the same address
        self._processes = repeat(1) if lasting else count(1)
        services = [name for name in SERVICES if only in ("", name)]
        crashes = tuple(crash for crash in night.crashes if crash.consumer in services)
        links = tuple(Link(group=service, duplicate=1.0) for service in services if night.twice)
        self.bus = EventBus(seed=1, faults=Faults(crashes=crashes, links=links))
        for name in services:
            service = self._service(answer, name)
            self.bus.subscribe(OrderPlaced, service() if lasting else service, name=name)
        for number, (at, order) in enumerate(night.orders, night.first_id):
            self.bus.publish(order, at=at, id=str(number))
        self.bus.run(max_events=MOST)

    def _service(self, answer: Callable[[Any], Any], name: str) -> type:
        evening = self

        class Service:
            def __init__(self) -> None:
                process = in_new_process(answer, next(evening._processes), evening.asked)
                work = process(ShopFront(evening.db, evening.card))[SERVICES.index(name)]
                self.work = work if examine(work).wants_delivery else lambda order, _: work(order)

            def __call__(self, order: OrderPlaced, delivery: Delivery) -> Any:
                return evening._watched(name, self.work, order, delivery)

        Service.__name__ = name
        return Service

    def _watched(self, name: str, work: Callable[..., Any], order: OrderPlaced, delivery: Delivery) -> Any:
        """Let a service work on copies of its own, and note what it takes and charges, also where it crashes."""
        stock, calls = self.stock, self.calls
        copy = msgspec.structs.replace(order)
        message = msgspec.structs.replace(delivery.message, data=copy)
        own = msgspec.structs.replace(delivery, message=message)
        self._given += [copy, message, own]
        try:
            return work(copy, own)
        finally:
            taken = {sku: number - self.stock[sku] for sku, number in stock.items()}
            self.taken[order.order_id].update(taken)
            if name == "payment" and any(taken.values()):
                self.strays["payment takes pieces"] = None
            if name == "inventory" and self.calls > calls:
                self.strays["inventory charges the card"] = None

    @property
    def stock(self) -> dict[str, int]:
        """How many pieces of each product are in stock, as committed."""
        stock = self.db.table("stock")
        left = {sku: stock.get(sku, 0) for sku in STOCK}
        if not all(type(number) is int for number in left.values()):
            raise EdaLabError(f"the stock is {shown(dict(stock))}: let each row be a whole number of pieces")
        return left

    @property
    def strange_rows(self) -> list[str]:
        """The rows that are not for a product, or that are gone."""
        stock = self.db.table("stock")
        return [shown(row) for row in {**stock, **STOCK} if (row in stock) != (row in STOCK)]

    @property
    def calls(self) -> int:
        """How often the card provider did, or would have done, what it was asked for."""
        return len(self.card.charges) + self.card.repeats

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

    def is_right(self, service: str, order: OrderPlaced) -> bool:
        """Whether a service did its work for an order, and did it once."""
        if service == "inventory":
            return +self.taken[order.order_id] == wanted(order)
        return self.charged(order) == [order.total_cents]

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
            came = f"pieces ordered: {_pieces(wanted(order))}, taken: {_pieces(self.taken[order.order_id])}"
        else:
            cents = self.charged(order)
            came = f"cents to pay: {order.total_cents}, charged: {' and '.join(map(str, cents)) or 'nothing'}"
        who = f"order {order.order_id} of {order.customer_id} at {service}"
        return f"a night with {self.night}: {who}: {', '.join(story)}; {came}"


def _pieces(numbers: Counter[str]) -> str:
    return " and ".join(f"{number} {sku}" for sku, number in numbers.items() if number) or "none"
