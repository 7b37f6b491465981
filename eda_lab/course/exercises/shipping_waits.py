"""Exercise 04-shipping: shipping waits for payment. The answer is tried on 200 days, the simplest first.

A day has its orders, a card limit, service times, and now and then a payment service that stands still. The answer gets
no more of the bus than a service needs, so that it cannot look up in the trace what it should have noted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import Any

import msgspec

from eda_lab.bus import EventBus
from eda_lab.clock import uniform
from eda_lab.course.exercise import Exercise, Finding
from eda_lab.course.exercises import shipping_shortcuts, shipping_wrong
from eda_lab.course.exercises.stand_ins import BusFront, kind_fault
from eda_lab.effects import Parcel, ParcelDesk
from eda_lab.orders import Item, OrderPlaced, PaymentCaptured
from eda_lab.producers import scheduled
from eda_lab.shop import Shop, open_shop

__all__ = ["EXERCISE"]

DAYS = 200
LAST = 10 * 86_400.0  # second of the run at which everything must be over
MOST = 5_000  # things that may happen in a day; an honest one has fewer than 300
PATIENCE = 3_600.0  # seconds after the charge by which the parcel must have been asked for
QUICK = 0.3  # seconds: a payment below it may overtake whoever is slow to note the order
CUSTOMERS = ("ADA", "BOB", "CLEO")
Answer = Callable[[EventBus, Shop], Any]


class Day(msgspec.Struct, frozen=True):
    """Orders with the second at which each is placed, and what the services are like on that day."""

    orders: tuple[tuple[float, OrderPlaced], ...]
    limit_cents: int
    payment: tuple[float, float]  # seconds, at least and at most
    workers: int
    others: float  # seconds of each other service
    still: tuple[float, float] | None  # payment is killed at the one second and restarted at the other

    @property
    def size(self) -> tuple[int, int, int, bool, int]:
        """How much there is to read in a day."""
        declined = sum(order.total_cents > self.limit_cents for _, order in self.orders)
        return len(self.orders), int(self.still is not None), declined, self.payment[0] < QUICK, self.workers

    def __str__(self) -> str:
        low, high = self.payment
        still = f" and stands still from {_read(self.still[0])} to {_read(self.still[1])} s" if self.still else ""
        others = f", each other service {_read(self.others)} s" if self.others > PATIENCE else ""
        return f"payment needs {low:g}{f' to {high:g}' if high > low else ''} s{still}{others}"


@cache
def _days() -> list[Day]:
    return sorted((_day(seed) for seed in range(DAYS)), key=lambda day: day.size)


def _day(seed: int) -> Day:
    rng = Random(f"shipping/{seed}")

    def pick(*options: Any) -> Any:
        return options[int(rng.random() * len(options))]

    at, orders = 0.0, []
    for n in range(1 + seed % 6):
        items = (Item("PROD1", pick(1, 2, 3)),)
        orders.append((at, OrderPlaced(str(20_000 + 10 * seed + n), pick(*CUSTOMERS), items)))
        at += pick(0.0, 0.5, 1.0, 2.0, 30.0)
    low, from_ = pick(0.02, 0.1, 0.25, 0.5, 1.0, 5.0), pick(0.2, 0.4, 3.0)
    still = (from_, from_ + pick(10.0, 600.0, 36_000.0, 172_800.0)) if rng.random() < 0.25 else None
    limit = pick(2500, 5000, 7500)
    return Day(tuple(orders), limit, (low, low * pick(1, 1, 4)), pick(1, 2, 3), pick(0.1, 0.3, 20.0, 4_000.0), still)


class WatchedDesk(ParcelDesk):
    """A parcel desk that writes down when it was asked, and whether the order was paid at that moment."""

    def __init__(self, now: Callable[[], float], held_cents: Callable[[str], int]) -> None:
        super().__init__()
        self._now, self._held_cents = now, held_cents
        self.asked: dict[str, list[float]] = {}
        self.unpaid: list[str] = []

    def request(self, order_id: str, customer_id: str, key: str | None = None) -> Parcel:
        """Have a parcel sent, and write it down."""
        parcel = super().request(order_id, customer_id, key)
        self.asked.setdefault(order_id, []).append(self._now())
        if self._held_cents(order_id) <= 0:
            self.unpaid.append(order_id)
        return parcel


def examine(answer: Answer) -> Iterator[Finding | EventBus]:
    """Try the answer on all days, the simplest first, and report the first on which it fails."""
    fault = kind_fault(answer)
    if fault:
        yield Finding("your function is a plain one", False, fault)
        return
    for day in _days():
        found = list(_examine_one(answer, day))
        if not all(isinstance(each, EventBus) or each.passed for each in found):
            break
    yield from found


def _examine_one(answer: Answer, day: Day) -> Iterator[Finding | EventBus]:
    bus, shop = EventBus(seed=1), Shop({"PROD1": 1000})
    desk = shop.parcels = WatchedDesk(lambda: bus.clock.now, shop.card.held_cents)
    shop.card.limit_cents = day.limit_cents
    others = dict.fromkeys(("inventory", "email", "analytics"), day.others)
    open_shop(bus, chain=True, services=others, shop=shop)
    pay = bus.subscribe(
        OrderPlaced, shop.capture_payment, name="payment", takes=uniform(*day.payment), workers=day.workers
    )
    own = {group.name for group in bus.trace.groups}
    front: Any = BusFront(bus)
    answer(front, shop)
    front.close()
    bus.process("checkout", scheduled(day.orders))
    for stop, switch in ((day.still[0], pay.kill), (day.still[1], pay.restart)) if day.still else ():
        bus.run(until=stop, max_events=MOST)
        switch()
    bus.run(until=LAST, max_events=MOST)
    yield bus
    orders = {order.order_id: order for _, order in day.orders}
    paid = {
        message.data.order_id: message.time
        for message in bus.trace.messages
        if isinstance(message.data, PaymentCaptured) and message.source == "payment"
    }

    def told(*ids: str) -> str:
        """Say in words what became of some orders on this day."""
        return f"the simplest such day: {day}; " + "; ".join(
            _told(day, i, orders.get(i), paid, desk) for i in tuple(dict.fromkeys(ids))[:3]
        )

    yield Finding("no parcel is asked for before its order is paid", not desk.unpaid, told(*desk.unpaid))
    strangers = [p for p in desk.parcels if p.order_id in orders and orders[p.order_id].customer_id != p.customer_id]
    to = "; ".join(dict.fromkeys(f"the parcel of {p.order_id} went to {p.customer_id!r:.40}" for p in strangers[:3]))
    theirs = told(*(parcel.order_id for parcel in strangers))
    yield Finding("each parcel goes to the customer of its order", not strangers, f"{to}; {theirs}")
    again = [order_id for order_id, times in desk.asked.items() if len(times) > 1]
    yield Finding("no order gets a second parcel", not again, told(*again))
    late = [i for i, at in paid.items() if i not in desk.asked or desk.asked[i][0] > at + PATIENCE]
    letters = [letter for letter in bus.dead_letters() if letter.group not in own]
    failed = f"; {letters[0].group} failed with {_advised(letters[0].error)}" if letters else ""
    yield Finding("every paid order gets its parcel, within an hour of the charge", not late, f"{told(*late)}{failed}")
    yield Finding("your handlers raise no error", not letters, failed[2:])
    still_on = bus.clock.now < LAST or any(
        delivery.ended_at is None or delivery.ended_at > LAST / 2 for delivery in bus.trace.deliveries
    )
    yield Finding(
        "your handlers come to an end",
        not still_on,
        f"long after the last order they still ask and ask; {told(*orders)}",
    )
    yield from _the_others(shop, day, list(orders.values()))


def _read(seconds: float) -> str:
    return f"{round(seconds, 2):,.10g}"


def _advised(error: str) -> str:
    if error.startswith("HandlerResultError") and "Parcel(" in error:
        return f"{error} (ask for the parcel, and do not return it; a lambda always returns)"
    return error


def _told(day: Day, order_id: str, order: OrderPlaced | None, paid: dict[str, float], desk: WatchedDesk) -> str:
    parcels = " and ".join(_read(at) for at in desk.asked.get(order_id, ())[:3])
    parcel = f"parcel asked for at {parcels} s" if parcels else "no parcel"
    if order is None:
        return f"order {order_id!r:.40}, which nobody placed: {parcel}"
    placed = next(at for at, each in day.orders if each is order)
    if order.total_cents > day.limit_cents:
        money = "card declined"
    else:
        money = f"card charged at {_read(paid[order_id])} s" if order_id in paid else "card not charged"
    return f"order {order_id} of {order.customer_id}: placed at {_read(placed)} s, {money}, {parcel}"


def _the_others(shop: Shop, day: Day, orders: list[OrderPlaced]) -> Iterator[Finding]:
    expected = {
        "pieces reserved": sum(item.quantity for order in orders for item in order.items),
        "cards charged": sum(order.total_cents <= day.limit_cents for order in orders),
        "e-mails sent": len(orders),
        "orders counted": len(orders),
    }
    differs = "; ".join(f"{what}: {shop.done[what]}, not {n}" for what, n in expected.items() if shop.done[what] != n)
    once = max(Counter(charge.order_id for charge in shop.card.charges).values(), default=1) == 1
    yield Finding(
        "the other services do their work as before", not differs and once, differs or "a card was charged twice"
    )


def solution(bus: EventBus, shop: Shop) -> None:
    customers = {}

    def shipping(event: OrderPlaced | PaymentCaptured) -> None:
        if isinstance(event, OrderPlaced):
            customers[event.order_id] = event.customer_id
        else:
            shop.parcels.request(event.order_id, customers[event.order_id])

    bus.subscribe((OrderPlaced, PaymentCaptured), shipping, name="shipping")


EXERCISE = Exercise(
    name="04-shipping",
    task="Write wire_shipping(bus, shop): a parcel for every paid order, and none for an unpaid one.",
    examine=examine,
    hints=(
        "Which event says that an order is paid? Listen to that one. It carries the order number, but no customer.",
        "OrderPlaced names the customer. Listen to it as well, and note the customer in a dictionary, by order number.",
        "One handler for both, so that all comes through one queue: bus.subscribe((OrderPlaced, PaymentCaptured), "
        'shipping, name="shipping"). isinstance(event, OrderPlaced) says which of the two it got.',
    ),
    solution=solution,
    wrong=(*shipping_wrong.ANSWERS, *shipping_shortcuts.SHORTCUTS),
)
