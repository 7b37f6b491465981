"""The books of a checkout that writes to a database and to a bus, for the lesson about this dual write."""

from __future__ import annotations

from collections import Counter
from statistics import mean

from eda_lab.bus import EventBus
from eda_lab.database import Database
from eda_lab.orders import OrderPlaced
from eda_lab.shop import Shop
from eda_lab.table import Table
from eda_lab.trace import Trace

__all__ = ["Checkouts"]

_WAIT = "mean wait of the published, s"


class Checkouts:
    """What the orders in a database need and what was done, as the world of a scenario, which returns it with its bus.

    The table "orders" of the database holds, for each number of an order, the second at which it was committed. A
    silent order is in the database, and was never published. A ghost was published, and is not in the database.

    >>> from eda_lab import example_order
    >>> bus, shop, db = EventBus(), Shop(), Database(orders={"12346": 0.0})
    >>> _ = bus.publish(example_order())
    >>> Checkouts(bus, db, shop).orders
    Order  In the database  Published  Parcels
    -----  ---------------  ---------  -------
    12345  no                       1        0
    12346  yes                      0        0
    """

    def __init__(self, bus: EventBus, db: Database, shop: Shop) -> None:
        self.bus, self.db, self.shop = bus, db, shop

    def needs(self, trace: Trace) -> dict[str, int | None]:  # noqa: ARG002 - an order may be in the database alone
        """Return what the orders in the database ask for; None for what is a cost.

        An order that was never committed asks for nothing: its customer saw an error. A repeat is a cost as well, as
        whoever has an inbox skips it.
        """
        orders = len(self.db.table("orders"))
        return {"parcels requested": orders, "silent orders": 0, "ghosts": 0, "published again": None, _WAIT: None}

    @property
    def done(self) -> dict[str, float]:
        """What was done so far: counts, and a mean of seconds."""
        published, committed = self._published(), self.db.table("orders")
        waits = [published[order][0] - committed[order] for order in committed if order in published]
        return {
            "orders in the database": len(committed),
            "orders published": len(published),
            "parcels requested": len(self.shop.parcels.parcels),
            "silent orders": len(committed.keys() - published.keys()),
            "ghosts": len(published.keys() - committed.keys()),
            "published again": sum(len(seconds) - 1 for seconds in published.values()),
            _WAIT: round(mean(waits), 2) if any(waits) else 0,
        }

    @property
    def orders(self) -> Table:
        """A row for each order: whether it is in the database, how often it was published, and its parcels."""
        published, committed = self._published(), self.db.table("orders")
        parcels = Counter(parcel.order_id for parcel in self.shop.parcels.parcels)
        return Table(
            ["Order", "In the database", "Published", "Parcels"],
            [
                (order, "yes" if order in committed else "no", len(published.get(order, ())), parcels[order])
                for order in sorted(committed.keys() | published.keys() | parcels.keys())
            ],
        )

    def _published(self) -> dict[str, list[float]]:
        """Return the seconds at which each order was published."""
        seconds: dict[str, list[float]] = {}
        columns = self.bus.columns
        for data, published in zip(columns.data, columns.published, strict=True):
            if isinstance(data, OrderPlaced):
                seconds.setdefault(data.order_id, []).append(published / 1e6)
        return seconds
