"""Exercise 07-redrive, its world: the bus as a service gets it, and a card provider and a parcel desk that are watched.

All calls on these two are written down where the answer cannot reach them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

from eda_lab.bus import EventBus
from eda_lab.course.exercises.redrive_days import KNOWN, Day
from eda_lab.course.exercises.stand_ins import BusFront
from eda_lab.effects import CardProvider, Charge, Parcel, ParcelDesk
from eda_lab.errors import EdaLabError, shown
from eda_lab.orders import OrderPlaced
from eda_lab.shop import Shop

__all__ = ["Call", "Front", "UnknownArticleError", "World"]

ENOUGH = 4_000  # calls in a day; an honest one has fewer than 600
WORKERS = 10  # that this shop has at most


class UnknownArticleError(Exception):
    """The parcel desk does not know an article. Nothing but a person can change that.

    Attribute: `sku`.
    """

    def __init__(self, sku: str) -> None:
        super().__init__(f"the parcel desk does not know {sku!r}")
        self.sku = sku


class Call(NamedTuple):
    """A call on the card provider or the desk: when, what was asked for an order, and what came of it.

    That is "done", "again" (its key was known), "no answer" or "refused"; `lost` says that its answer did not arrive.
    """

    at: float
    what: str
    order_id: str
    came: str
    cents: int = 0
    key: str | None = None
    lost: bool = False


class World:
    """The shop of a day, as a service sees it; `known` is what the desk knows by now, `calls` what it was asked."""

    def __init__(self, day: Day, now: Callable[[], float]) -> None:
        self.day, self.now = day, now
        self.orders = {order.order_id: order for _, order in day.orders}
        self.known, self.calls = set(KNOWN), list[Call]()
        self.shop = Shop()
        self.shop.card, self.shop.parcels = _WatchedCard(self), _WatchedDesk(self)

    @property
    def is_repaired(self) -> bool:
        """Whether the desk has learnt its article."""
        return self.day.learns in self.known

    def learn(self) -> None:
        """Let the desk learn the article of the day."""
        self.known.add(self.day.learns)

    def order(self, order_id: str, facts: int | str) -> OrderPlaced:
        """Return the order that a call is for; raise `EdaLabError` where there is none, or it is another customer's."""
        if order_id not in self.orders:
            raise EdaLabError(f"there is no order {shown(order_id)}: give order.order_id")
        if len(self.calls) > ENOUGH:
            raise EdaLabError("your handler asks again and again, at one instant: let Retry make the pauses")
        order = self.orders[order_id]
        if isinstance(facts, str) and facts != order.customer_id:
            raise EdaLabError(f"order {order_id} is not of {shown(facts)}: give order.customer_id")
        return order

    def note(self, what: str, order_id: str, came: str, *rest: Any) -> None:
        """Write down what came of a call."""
        self.calls.append(Call(self.now(), what, order_id, came, *rest))


class _WatchedCard(CardProvider):
    """A card provider behind which stand the banks of the customers."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def charge(self, order_id: str, amount_cents: int, key: str | None = None) -> Charge:
        """Capture an amount; raise `TimeoutError` where the bank, or its answer, does not arrive."""
        world, order = self._world, self._world.order(order_id, amount_cents)
        away = world.day.is_away(order.customer_id, world.now())
        silence = TimeoutError(f"the bank of {order.customer_id} does not answer")
        lost = away and world.day.trouble is not None and world.day.trouble.lost
        if away and not lost:
            world.note("card", order_id, "no answer", 0, key)
            raise silence
        before = len(self.charges)
        charge = super().charge(order_id, amount_cents, key)
        world.note("card", order_id, "done" if len(self.charges) > before else "again", amount_cents, key, lost)
        if lost:
            raise silence
        return charge


class _WatchedDesk(ParcelDesk):
    """A parcel desk that looks up what is in an order."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def request(self, order_id: str, customer_id: str, key: str | None = None) -> Parcel:
        """Have a parcel sent; raise `ConnectionError` while away, `UnknownArticleError` for an unknown article."""
        world, order = self._world, self._world.order(order_id, customer_id)
        if world.day.is_away("desk", world.now()):
            world.note("desk", order_id, "no answer", 0, key)
            raise ConnectionError("the parcel desk does not answer")
        for item in order.items:
            if item.sku not in world.known:
                world.note("desk", order_id, "refused", 0, key)
                raise UnknownArticleError(item.sku)
        before = len(self.parcels)
        parcel = super().request(order_id, customer_id, key)
        world.note("desk", order_id, "done" if len(self.parcels) > before else "again", 0, key)
        return parcel


class Front(BusFront):
    """The part of a bus that a service gets, and what a person gets who has repaired something: the dead letters."""

    def __init__(self, bus: EventBus, is_repaired: Callable[[], bool]) -> None:
        def subscribe(what: Any, handler: Any, **options: Any) -> Any:
            if getattr(options.get("retry"), "in_place", False):
                raise EdaLabError("with in_place=True a worker waits, and the orders behind wait, too: leave it out")
            workers = options.get("workers", 1)
            if isinstance(workers, int) and workers > WORKERS:
                raise EdaLabError(f"this shop has {WORKERS} workers: give workers={WORKERS} or fewer")
            return bus.subscribe(what, handler, **options)

        def redrive(group: str, where: Callable[[Any], bool] | None = None) -> int:
            if not is_repaired():
                raise EdaLabError("nothing is repaired yet: redrive in after_the_fix")
            if where is not None and not takes_one(where):
                raise EdaLabError("where= takes a function of one parameter, the dead letter: lambda letter: ...")
            return bus.redrive(group, where)

        super().__init__(SimpleNamespace(subscribe=subscribe, publish=bus.publish, clock=bus.clock))  # type: ignore[arg-type]
        self.dead_letters, self.redrive = bus.dead_letters, redrive

    def __getattr__(self, name: str) -> Any:
        offered = "subscribe, on, publish, dead_letters and redrive"
        raise AttributeError(f"there is no bus.{name} here, only {offered}")


def takes_one(function: Any) -> bool:
    """Whether a function can be called with one argument; one that does not tell is taken to be such."""
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:
        return True
    return True
