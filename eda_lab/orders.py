"""The events of the order example, and the orders that the lessons place."""

from __future__ import annotations

from typing import Annotated

import msgspec

from eda_lab.errors import check_whole
from eda_lab.events import Event

__all__ = [
    "ConfirmationSent",
    "Item",
    "OrderCounted",
    "OrderPlaced",
    "PaymentCaptured",
    "ShippingRequested",
    "StockReserved",
    "example_order",
    "make_order",
]


class Item(msgspec.Struct, frozen=True):
    """One line of an order: so many pieces of an article, at a price for each in cents."""

    sku: Annotated[str, msgspec.Meta(min_length=1)]
    quantity: Annotated[int, msgspec.Meta(ge=1)]
    unit_price_cents: Annotated[int, msgspec.Meta(ge=0)] = 2500


class OrderPlaced(Event):
    """A customer placed an order."""

    order_id: str
    customer_id: str
    items: tuple[Item, ...]

    @property
    def total_cents(self) -> int:
        """What the order costs, in cents."""
        return sum(item.quantity * item.unit_price_cents for item in self.items)


class StockReserved(Event):
    """The pieces of an order were taken out of the stock."""

    order_id: str


class PaymentCaptured(Event):
    """The customer's card was charged."""

    order_id: str
    amount_cents: int


class ConfirmationSent(Event):
    """The confirmation was mailed."""

    order_id: str


class ShippingRequested(Event):
    """The parcel desk was asked to send the order."""

    order_id: str


class OrderCounted(Event):
    """The order is in the statistics."""

    order_id: str
    total_cents: int


def example_order() -> OrderPlaced:
    """Return the order that the course begins with: number 12345 of customer USER001, 2 x PROD1."""
    return OrderPlaced("12345", "USER001", (Item("PROD1", 2),))


def make_order(n: int) -> OrderPlaced:
    """Return the n-th order of a row of orders, from 1: the first is the example's, then 12346, 12347, ..."""
    check_whole("n", n, 1)
    return OrderPlaced(str(12344 + n), f"USER{n:03d}", (Item("PROD1", 2),))
