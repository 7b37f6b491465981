"""Exercise 14-retry, its days: what is asked of an order, and what another clerk does to it in between.

Ben, the other clerk, acts before a call of the learner's function, so that every place between two calls is tried.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from random import Random
from typing import Any

import msgspec

from eda_lab import order_history
from eda_lab.course.desks import OrderChanged
from eda_lab.events import Command, Event
from eda_lab.order_history import AddItem, CancelOrder, Order, PayOrder, RemoveItem
from eda_lab.orders import Item, OrderCounted
from eda_lab.store.errors import StoreBusyError

__all__ = ["ID", "OTHER", "TROUBLES", "Day", "Fault", "FormOpened", "SaveRefused", "days", "decide", "evolve"]

ID, OTHER = "12345", "12346"
CALLS = 7  # before which Ben is made to act one by one; an attempt of the solution has three
DRAWN = 80  # further days


class FormOpened(Event):
    """Somebody has loaded the order, and seen it at this version."""

    order_id: str
    version: int


class SaveRefused(Event):
    """Somebody wanted to save upon a version, and the order was at another one."""

    order_id: str
    expected: int
    actual: int


def decide(wish: Command, order: Order) -> list[Event]:
    """Return what a wish leads to, by the rules of the shop; the form saves all items, whichever were changed.

    An order that is paid is counted, too: a decision may be more than one event.
    """
    events = order_history.decide(wish, order)
    if isinstance(wish, PayOrder):
        return [*events, OrderCounted(order.order_id, order.total_cents)]
    if not isinstance(wish, (AddItem, RemoveItem)):
        return events
    for event in events:
        order = evolve(order, event)
    return [OrderChanged(order.order_id, order.items)]


def evolve(order: Order, event: Any) -> Order:
    """Return the order after an event."""
    if isinstance(event, OrderChanged):
        return msgspec.structs.replace(order, items=event.items)
    return order_history.evolve(order, event)


class PaperJamError(Exception):
    """An error that no answer knows by name."""


TROUBLES: dict[str, Callable[[], Exception]] = {
    "ConnectionError": lambda: ConnectionError("the store does not answer"),
    "TimeoutError": lambda: TimeoutError("the store takes too long"),
    "sqlite3": lambda: sqlite3.OperationalError("disk I/O error"),
    "StoreError": lambda: StoreBusyError(None, 5.0),
    "KeyError": lambda: KeyError("an article is missing"),
    "ValueError": lambda: ValueError("an article has a bad name"),
    "RuntimeError": lambda: RuntimeError("the printer is on fire"),
    "PaperJamError": lambda: PaperJamError("paper jam"),
}


class Fault(msgspec.Struct, frozen=True):
    """An error that is neither a refusal nor a conflict: of which call, at which time (from 1), and of which kind.

    `stored` says that the events of a save that fails like that are in the store all the same.
    """

    call: str
    time: int = 1
    kind: str = "ConnectionError"
    stored: bool = False


class Day(msgspec.Struct, frozen=True):
    """What is asked of the function, and what comes in between.

    `others` are wishes that Ben fulfils, each before a call (counted from 1) of the function. `beaten` is how many of
    its saves he is quicker than, every time. `fault` is one other error that a call raises.
    """

    wishes: tuple[Command, ...]
    others: tuple[tuple[int, Command], ...] = ()
    beaten: int = 0
    fault: Fault | None = None


def _wishes(id: str = ID) -> list[Command]:
    return [AddItem(id, Item("PROD2", 1)), RemoveItem(id, "PROD1"), PayOrder(id), CancelOrder(id)]


def _others() -> list[Command]:
    return [AddItem(ID, Item("PROD3", 1)), RemoveItem(ID, "PROD1"), CancelOrder(ID), PayOrder(ID)]


@cache
def days() -> list[Day]:
    """Return all days, the simplest first: alone, one change in between, many, an error, then those drawn by chance."""
    return [*_simple(), *map(_drawn, range(DRAWN))]


def _simple() -> Iterator[Day]:
    add, *_ = wishes = _wishes()
    yield from (Day((wish,)) for wish in wishes)
    yield Day((RemoveItem(ID, "PROD1", 2),))
    yield from (Day((wish,), ((call, other),)) for call, wish, other in product((3, 2, 1), wishes, _others()))
    yield from (Day((wish,), ((3, _wishes(OTHER)[0]),)) for wish in wishes)
    yield from (Day((wish,)) for wish in _wishes(OTHER))
    yield from (Day((add,), beaten=often) for often in (1, 2, 3, 4, 5, 50))
    yield from (Day((wish,), fault=Fault("append", stored=stored)) for wish in wishes for stored in (True, False))
    yield from (Day((add,), fault=Fault(call, 1, kind)) for call in ("append", "load", "decide") for kind in TROUBLES)
    yield from (Day((add,), beaten=1, fault=Fault(call, 2)) for call in ("append", "load", "decide"))
    yield from (Day((add,), beaten=4, fault=Fault(call, 5)) for call in ("append", "load", "decide"))
    calls = range(4, CALLS + 1)
    yield from (
        Day((wish,), ((3, _others()[0]), (call, other))) for call in calls for wish in wishes for other in _others()
    )
    yield from (Day((add, wish), ((call, other),)) for call in (4, 5, 6) for wish in wishes for other in _others())


def _drawn(seed: int) -> Day:
    rng = Random(f"retry/{seed}")

    def pick(options: list[Any]) -> Any:
        return options[int(rng.random() * len(options))]

    wishes = tuple(pick(_wishes(pick([ID, ID, OTHER]))) for _ in range(1 + int(rng.random() * 3)))
    others = tuple((1 + int(rng.random() * 12), pick(_others())) for _ in range(int(rng.random() * 5)))
    return Day(wishes, others, beaten=pick([0, 0, 0, 1, 2]))
