"""The books of payment, for lessons in which something goes wrong between a charge and its ack."""

from __future__ import annotations

from collections import Counter

from eda_lab.bus import EventBus
from eda_lab.columns import Outcome
from eda_lab.orders import OrderPlaced
from eda_lab.shop import Shop
from eda_lab.trace import Trace

__all__ = ["Payments"]


class Payments:
    """What payment needs and what it has done, as the world of a scenario: a scenario returns it beside its bus.

    An order is lost if its delivery was acked and the work was not finished. An extra charge is every charge of an
    order after its first.

    >>> from eda_lab import Faults, example_order, open_shop
    >>> bus = EventBus(faults=Faults(rate=1, point="before card.charge"))
    >>> payments = Payments(bus, open_shop(bus, services={"payment": 0.5}, ack="before"))
    >>> _ = bus.publish(example_order())
    >>> bus.run()
    >>> payments.needs(bus.trace)
    {'orders charged': 1, 'extra charges': 0, 'orders lost': 0}
    >>> payments.done
    {'orders charged': 0, 'extra charges': 0, 'orders lost': 1, 'orders charged twice or more': 0}
    """

    def __init__(self, bus: EventBus, shop: Shop, group: str = "payment") -> None:
        self.bus, self.shop, self.group = bus, shop, group

    def needs(self, trace: Trace) -> dict[str, int]:
        """Return what the orders in a trace ask of payment."""
        orders = {data.order_id for data in trace.columns.data if isinstance(data, OrderPlaced)}
        return {"orders charged": len(orders), "extra charges": 0, "orders lost": 0}

    @property
    def done(self) -> dict[str, int]:
        """What payment has done so far, as counts."""
        columns = self.bus.columns
        charges = Counter(charge.order_id for charge in self.shop.card.charges if charge.amount_cents > 0)
        lost = sum(
            outcome == Outcome.LOST and columns.groups[group] == self.group
            for outcome, group in zip(columns.outcome, columns.group, strict=True)
        )
        return {
            "orders charged": len(charges),
            "extra charges": charges.total() - len(charges),
            "orders lost": lost,
            "orders charged twice or more": sum(times > 1 for times in charges.values()),
        }
