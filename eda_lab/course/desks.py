"""Orders that several clerks change at their desks, for the lesson on conflicts and read models.

A form saves what it shows. So an order has one kind of change here: the whole list of its items, as it is from now on.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import mean

from eda_lab.bus import EventBus
from eda_lab.columns import Outcome
from eda_lab.events import Event
from eda_lab.order_history import AddItem
from eda_lab.orders import Item
from eda_lab.store import EventStore
from eda_lab.table import Table
from eda_lab.trace import Trace

__all__ = ["Desks", "OrderChanged", "OutOfDateError", "PageSeen", "history", "items_in_words"]

CLERKS = "clerks"
_REFUSED = (Outcome.FAILED, Outcome.DEAD_LETTERED)


class OutOfDateError(Exception):
    """The form shows an older version than the order has by now. To open it again helps."""


class OrderChanged(Event):
    """A form was saved: from now on, these are all items of the order."""

    order_id: str
    items: tuple[Item, ...]


class PageSeen(Event):
    """A customer looked at the page of an order; `stale` says that it was older than the log, `waited` is in seconds."""

    order_id: str
    stale: bool
    waited: float = 0.0


def items_in_words(items: Iterable[Item]) -> str:
    """Return the items of an order in a line.

    >>> items_in_words([Item("PROD1", 2), Item("PROD2", 1)])
    '2 x PROD1, 1 x PROD2'
    """
    return ", ".join(f"{item.quantity} x {item.sku}" for item in items)


def history(store: EventStore, stream: str, first: int = 1) -> Table:
    """Return the events of an order from a version on, each with all items of the order after it.

    >>> from eda_lab import example_order
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
    """What customers asked of the clerks, and what came of it, as the world of a scenario, which returns it with its bus.

    Each `AddItem` that was published asks for a change. A save is one that a member of the group "clerks" has done. A
    change is lost if it was saved, and is not in the order. A save is refused if the attempt failed. Orders that were not there at first are left out. `PageSeen` says what
    a customer was shown.

    >>> from eda_lab import example_order
    >>> bus, store = EventBus(), EventStore()
    >>> _ = store.append("order-12345", example_order())
    >>> desks = Desks(bus, store)
    >>> _ = bus.subscribe(AddItem, lambda command: None, name="clerks")
    >>> _ = bus.publish(AddItem("12345", Item("PROD2", 1)))
    >>> bus.run()
    >>> desks.needs(bus.trace)
    {'changes in the orders': 1, 'changes lost': 0, 'saves refused': 0}
    >>> desks.done["changes in the orders"], desks.done["changes lost"]
    (0, 1)
    """

    def __init__(self, bus: EventBus, store: EventStore) -> None:
        self.bus, self.store = bus, store
        self._before = self._pieces()

    def needs(self, trace: Trace) -> dict[str, int]:
        """Return what the calls in a trace ask for."""
        asked = sum(isinstance(data, AddItem) for data in trace.columns.data)
        calls = {"changes in the orders": asked, "changes lost": 0, "saves refused": 0} if asked else {}
        return calls | ({"stale reads": 0} if "page_seen" in trace.columns.types else {})

    @property
    def done(self) -> dict[str, float]:
        """What came of it so far: counts, and a mean of seconds."""
        columns = self.bus.columns
        work = [row for row, group in enumerate(columns.group) if columns.groups[group] == CLERKS]
        seen = [data for data in columns.data if isinstance(data, PageSeen)]
        saved = sum(columns.outcome[row] == Outcome.DONE for row in work)
        now = self._pieces()
        kept = sum(now[stream] - pieces for stream, pieces in self._before.items())
        return {
            "changes in the orders": kept,
            "changes lost": saved - kept,
            "saves refused": sum(columns.outcome[row] in _REFUSED for row in work),
            "stale reads": sum(page.stale for page in seen),
            "mean wait for the page, s": round(mean(page.waited for page in seen), 3) if seen else 0,
        }

    def _pieces(self) -> dict[str, int]:
        """Return how many pieces are in each order, as it is in the log."""
        last = {stream: next(self.store.read(stream, backwards=True)).data for stream in self.store.streams()}
        return {stream: sum(item.quantity for item in event.items) for stream, event in last.items()}
