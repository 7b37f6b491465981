"""Orders that several clerks change at their desks, for the lesson on conflicts and read models.

A form saves what it shows. So an order has one kind of change here: the whole list of its items, as it is from now on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from statistics import mean
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.columns import Outcome
from eda_lab.delivery import Retry
from eda_lab.events import Event
from eda_lab.order_history import AddItem, PlaceOrder
from eda_lab.orders import Item, OrderPlaced, example_order
from eda_lab.sourcing import Repository
from eda_lab.store import EventStore
from eda_lab.table import Table
from eda_lab.trace import Trace

__all__ = [
    "Desks",
    "OrderChanged",
    "PageSeen",
    "decide",
    "evolve",
    "history",
    "items_in_words",
    "open_desks",
    "open_orders",
]

CLERKS = "clerks"
_REFUSED = (Outcome.FAILED, Outcome.DEAD_LETTERED)


class OrderChanged(Event):
    """A form was saved: from now on, these are all items of the order."""

    order_id: str
    items: tuple[Item, ...]


class PageSeen(Event):
    """A customer looked at an order; `stale` says that the page was older than the log, `waited` is in seconds."""

    order_id: str
    stale: bool
    waited: float = 0.0


def decide(command: PlaceOrder | AddItem, items: tuple[Item, ...]) -> Event:
    """Return the event that a command leads to."""
    match command:
        case PlaceOrder(order_id, customer, chosen):
            return OrderPlaced(order_id, customer, chosen)
        case AddItem(order_id, item):
            return OrderChanged(order_id, (*items, item))


def evolve(_before: tuple[Item, ...], event: Any) -> tuple[Item, ...]:
    """Return the items of the order after an event: it holds them all."""
    return event.items  # type: ignore[no-any-return]


def open_orders(path: str | os.PathLike[str] | None = None) -> Repository:
    """Return a repository of orders, in memory or in a new file. Order 12345 is in it, at version 7.

    >>> order = open_orders().load("12345")
    >>> order.version, items_in_words(order.state)
    (7, '8 x PROD1')
    """
    store = EventStore(path)
    changes = [OrderChanged("12345", (Item("PROD1", pieces),)) for pieces in range(3, 9)]
    store.append("order-12345", [example_order(), *changes])
    return Repository(store, decide, evolve, (), stream="order")


def items_in_words(items: Iterable[Item]) -> str:
    """Return the items of an order in a line.

    >>> items_in_words([Item("PROD1", 2), Item("PROD2", 1)])
    '2 x PROD1, 1 x PROD2'
    """
    return ", ".join(f"{item.quantity} x {item.sku}" for item in items)


def history(store: EventStore, stream: str, first: int = 1) -> Table:
    """Return the events of an order from a version on, each with all items of the order after it.

    >>> store = EventStore()
    >>> _ = store.append("order-12345", [example_order(), OrderChanged("12345", (Item("PROD1", 3),))])
    >>> history(store, "order-12345")
    version  event          the order then
    -------  -------------  --------------
          1  order_placed   2 x PROD1
          2  order_changed  3 x PROD1
    """
    rows = [(each.version, each.type, items_in_words(each.data.items)) for each in store.read(stream, first)]
    return Table(["version", "event", "the order then"], rows)


class Desks:
    """What customers asked of the clerks and what came of it: the world of a scenario, which returns it with its bus.

    Each `AddItem` that was published asks for a change. A save is an attempt that a member of the group "clerks" has
    done; it was refused if the attempt failed. A change is lost if it was saved, and is not in its order. Orders that
    were not in the store at first are left out. Each `PageSeen` says what a customer was shown.

    >>> bus, store = EventBus(), EventStore()
    >>> _ = store.append("order-12345", example_order())
    >>> desks = Desks(bus, store)
    >>> _ = bus.subscribe(AddItem, lambda command: None, name="clerks")
    >>> _ = bus.publish(AddItem("12345", Item("PROD2", 1)))
    >>> bus.run()
    >>> desks.needs(bus.trace)
    {'changes in the orders': 1, 'changes lost': 0, 'saves refused': None}
    >>> desks.done["changes in the orders"], desks.done["changes lost"]
    (0, 1)
    """

    def __init__(self, bus: EventBus, store: EventStore) -> None:
        self.bus, self.store = bus, store
        self._before = self._pieces()

    def needs(self, trace: Trace) -> dict[str, int | None]:
        """Return what the calls in a trace ask for; a refused save is a cost, which may be as it is."""
        asked = sum(isinstance(data, AddItem) for data in trace.columns.data)
        calls: dict[str, int | None] = {"changes in the orders": asked, "changes lost": 0, "saves refused": None}
        return (calls if asked else {}) | ({"stale reads": 0} if "page_seen" in trace.columns.types else {})

    @property
    def done(self) -> dict[str, float]:
        """What came of it so far: counts, and means in seconds."""
        columns = self.bus.columns
        work = [row for row, group in enumerate(columns.group) if columns.groups[group] == CLERKS]
        seen = [data for data in columns.data if isinstance(data, PageSeen)]
        waits = [page.waited for page in seen if page.waited]
        saved = sum(columns.outcome[row] == Outcome.DONE for row in work)
        now = self._pieces()
        kept = sum(now[stream] - pieces for stream, pieces in self._before.items())
        return {
            "changes in the orders": kept,
            "changes lost": saved - kept,
            "saves refused": sum(columns.outcome[row] in _REFUSED for row in work),
            "stale reads": sum(page.stale for page in seen),
            "customers who wait": len(waits),
            "mean wait of those, s": round(mean(waits), 2) if waits else 0,
        }

    def _pieces(self) -> dict[str, int]:
        """Return how many pieces are in each order, as it is in the log."""
        last = {stream: next(self.store.read(stream, backwards=True)).data for stream in self.store.streams()}
        return {stream: sum(item.quantity for item in event.items) for stream, event in last.items()}


def open_desks(
    orders: Repository,
    save: Callable[..., Any],
    calls: Iterable[tuple[float, str, str]],
    retry: Retry | None = None,
    names: Sequence[str] = ("Ann", "Ben"),
) -> tuple[EventBus, Desks]:
    """Return a bus with clerks who share the work, and what they are asked. `save` is the handler of each of them.

    A call is the second at which it comes, the number of an order, and the article of which one piece is to be added.
    """
    bus = EventBus()
    for name in names:
        bus.subscribe(AddItem, save, name=name, group=CLERKS, retry=retry)
    for second, order_id, sku in calls:
        bus.publish(AddItem(order_id, Item(sku, 1)), at=second, source="phone")
    return bus, Desks(bus, orders.store)
