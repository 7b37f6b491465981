"""Exercise 07-redrive, its days: orders, a bank or a parcel desk that is away for a while, articles that nobody knows.

All calls on the card provider and on the parcel desk are written down where the answer cannot reach them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any, NamedTuple, TypeVar

import msgspec

from eda_lab.bus import EventBus
from eda_lab.course.exercises.stand_ins import BusFront
from eda_lab.effects import CardProvider, Charge, Parcel, ParcelDesk
from eda_lab.errors import EdaLabError
from eda_lab.orders import Item, OrderPlaced
from eda_lab.shop import Shop

__all__ = ["EVENING", "Ask", "Call", "Day", "Front", "UnknownArticleError", "days", "world"]

DAYS = 240
ENOUGH = 2_000  # calls in a day; an honest one has fewer than 200
EVENING = 3_600.0  # second at which the article is entered, and the dead letters are looked at
KNOWN = frozenset({"PROD1", "PROD3"})  # the articles that the desk knows in the morning
UNKNOWN = ("PORD1", "PROD9", "PROD1 ")  # slips, and what this shop does not sell
T = TypeVar("T")


class UnknownArticleError(Exception):
    """The parcel desk does not know an article. Nothing but a person can change that.

    Attribute: `sku`.
    """

    def __init__(self, sku: str) -> None:
        super().__init__(f"the parcel desk does not know {sku!r}")
        self.sku = sku


class Day(msgspec.Struct, frozen=True):
    """Orders with the second at which each is placed; who is away from when to when; what the desk learns at night."""

    orders: tuple[tuple[float, OrderPlaced], ...]
    learns: str
    away: tuple[str, float, float] | None  # "desk", or the customer whose bank does not answer

    @property
    def known(self) -> frozenset[str]:
        """The articles that the desk knows after the fix."""
        return KNOWN | {self.learns}

    def is_away(self, who: str, now: float) -> bool:
        """Whether the desk, or the bank of a customer, is away at that second."""
        return self.away is not None and self.away[0] == who and self.away[1] <= now < self.away[2]

    @property
    def size(self) -> tuple[int, int, int, float]:
        """How much there is to read in a day."""
        skus = [item.sku for _, order in self.orders for item in order.items]
        away = self.away[2] - self.away[1] if self.away else 0.0
        return len(self.orders), len(skus), sum(sku not in KNOWN for sku in skus), away

    def __str__(self) -> str:
        if not self.away:
            return "nobody is away"
        who = "the parcel desk" if self.away[0] == "desk" else f"the bank of {self.away[0]}"
        return f"{who} is away from {self.away[1]:g} to {self.away[2]:g} s"


@cache
def days() -> list[Day]:
    """Return the days on which an answer is tried, the simplest first."""
    return sorted(map(_day, range(DAYS)), key=lambda day: day.size)


def _day(seed: int) -> Day:
    rng = Random(f"redrive/{seed}")

    def pick(*options: Any) -> Any:
        return options[int(rng.random() * len(options))]

    learns, at, orders = pick("PROD2", "PROD4"), 0.0, []
    for n in range(1 + seed % 6):
        skus = [pick("PROD1", "PROD1", "PROD3", learns, learns, pick(*UNKNOWN)) for _ in range(pick(1, 1, 2))]
        items = tuple(Item(sku, pick(1, 2)) for sku in dict.fromkeys(skus))
        orders.append((at, OrderPlaced(str(20_000 + 10 * seed + n), pick("ADA", "BOB", "CLEO"), items)))
        at += pick(0.0, 0.5, 2.0, 10.0)
    who = pick(None, None, None, "desk", "desk", orders[0][1].customer_id, "BOB")
    begins = pick(0.0, 0.0, 0.2, 1.0)
    return Day(tuple(orders), learns, None if who is None else (who, begins, begins + pick(5.0, 20.0, 60.0)))


class Call(NamedTuple):
    """A call on the card provider or the desk: when, what was asked for an order, what came of it, how many cents."""

    at: float
    what: str
    order_id: str
    came: str
    cents: int = 0


Ask = Callable[[str, str, int | str, list[Any], Callable[[], Any]], Any]


class WatchedCard(CardProvider):
    """A card provider behind which stand the banks of the customers."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self._ask = ask

    def charge(self, order_id: str, amount_cents: int, key: str | None = None) -> Charge:
        """Capture an amount; raise `TimeoutError` where the bank does not answer."""

        def capture() -> Charge:
            return CardProvider.charge(self, order_id, amount_cents, key)

        return self._ask("card", order_id, amount_cents, self.charges, capture)  # type: ignore[no-any-return]


class WatchedDesk(ParcelDesk):
    """A parcel desk that looks up what is in an order."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self._ask = ask

    def request(self, order_id: str, customer_id: str, key: str | None = None) -> Parcel:
        """Have a parcel sent; raise `ConnectionError` while away, `UnknownArticleError` for an unknown article."""

        def send() -> Parcel:
            return ParcelDesk.request(self, order_id, customer_id, key)

        return self._ask("desk", order_id, customer_id, self.parcels, send)  # type: ignore[no-any-return]


def world(day: Day, now: Callable[[], float]) -> tuple[Shop, list[Call], Callable[[], None]]:
    """Return a shop for a day, the calls that will be made on its outside world, and what makes the desk learn."""
    orders = {order.order_id: order for _, order in day.orders}
    known, calls = set(KNOWN), list[Call]()

    def refusal(what: str, order: OrderPlaced) -> tuple[str, Exception] | None:
        if what == "card" and day.is_away(order.customer_id, now()):
            return "no answer", TimeoutError(f"the bank of {order.customer_id} does not answer")
        if what == "desk" and day.is_away("desk", now()):
            return "no answer", ConnectionError("the parcel desk does not answer")
        strange = [item.sku for item in order.items if item.sku not in known]
        return ("refused", UnknownArticleError(strange[0])) if what == "desk" and strange else None

    def ask(what: str, order_id: str, facts: int | str, kept: list[Any], do: Callable[[], T]) -> T:
        if order_id not in orders:
            raise EdaLabError(f"there is no order {order_id!r:.40}: give order.order_id")
        if len(calls) > ENOUGH:
            raise EdaLabError("your handler asks again and again, at one instant: let Retry make the pauses")
        if isinstance(facts, str) and facts != orders[order_id].customer_id:
            raise EdaLabError(f"order {order_id} is not of {facts!r:.40}: give order.customer_id")
        refused = refusal(what, orders[order_id])
        if refused is not None:
            calls.append(Call(now(), what, order_id, refused[0]))
            raise refused[1]
        before = len(kept)
        answer = do()
        cents = facts if isinstance(facts, int) else 0
        calls.append(Call(now(), what, order_id, "done" if len(kept) > before else "again", cents))
        return answer

    shop = Shop()
    shop.card, shop.parcels = WatchedCard(ask), WatchedDesk(ask)
    return shop, calls, lambda: known.update(day.known)


class Front(BusFront):
    """The part of a bus that a service gets, and what a person gets who has repaired something: the dead letters."""

    def __init__(self, bus: EventBus) -> None:
        super().__init__(bus)
        repaired = False

        def redrive(group: str, where: Callable[[Any], bool] | None = None) -> int:
            if not repaired:
                raise EdaLabError("nothing is repaired yet: redrive in after_the_fix")
            return bus.redrive(group, where)

        def repair() -> None:
            nonlocal repaired
            repaired = True

        self.dead_letters, self.redrive, self.repair = bus.dead_letters, redrive, repair

    def __getattr__(self, name: str) -> Any:
        offered = "subscribe, on, publish, dead_letters and redrive"
        raise AttributeError(f"there is no bus.{name} here, only {offered}")
