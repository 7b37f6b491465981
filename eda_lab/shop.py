"""The order example: its events, its five services, and `open_shop`, which subscribes them to a bus.

The checkout says that an order was placed. Five services react, each by itself: stock is reserved, the card is
charged, the confirmation is mailed, shipping is told, and analytics count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Annotated, Any, Protocol

import msgspec

from eda_lab.effects import CardProvider, Database, MailServer, ParcelDesk
from eda_lab.events import Event

__all__ = [
    "TAKES",
    "ConfirmationSent",
    "Item",
    "OrderCounted",
    "OrderPlaced",
    "OutOfStockError",
    "PaymentCaptured",
    "ShippingRequested",
    "Shop",
    "StockReserved",
    "example_order",
    "make_order",
    "open_shop",
]

# Simulated seconds that each service needs for one order.
TAKES = {"inventory": 0.2, "payment": 0.5, "email": 0.3, "shipping": 0.4, "analytics": 0.1}


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


class OutOfStockError(Exception):
    """There are fewer pieces than were ordered.

    Attributes: `sku`, `wanted`, `left`.
    """

    def __init__(self, sku: str, wanted: int, left: int) -> None:
        super().__init__(f"{wanted} x {sku} were ordered, but {left} are left")
        self.sku, self.wanted, self.left = sku, wanted, left


class Shop:
    """The five services, and the outside world that they act on."""

    def __init__(self, stock: Mapping[str, int] | None = None) -> None:
        self.stock_at_first = dict({"PROD1": 100} if stock is None else stock)
        self.db = Database(stock=self.stock_at_first, analytics={"orders": 0, "cents": 0})
        self.card, self.mail, self.parcels = CardProvider(), MailServer(), ParcelDesk()

    def reserve_stock(self, order: OrderPlaced) -> StockReserved:
        """Inventory: take the pieces out of the stock, all of them or none."""
        with self.db.transaction() as tables:
            for item in order.items:
                left = tables["stock"].get(item.sku, 0)
                if left < item.quantity:
                    raise OutOfStockError(item.sku, item.quantity, left)
                tables["stock"][item.sku] = left - item.quantity
        return StockReserved(order.order_id)

    def capture_payment(self, order: OrderPlaced) -> PaymentCaptured:
        """Payment: charge the card."""
        self.card.charge(order.order_id, order.total_cents)
        return PaymentCaptured(order.order_id, amount_cents=order.total_cents)

    def send_confirmation(self, order: OrderPlaced) -> ConfirmationSent:
        """E-mail: tell the customer."""
        self.mail.send(order.customer_id, f"Your order {order.order_id}")
        return ConfirmationSent(order.order_id)

    def request_shipping(self, order: OrderPlaced) -> ShippingRequested:
        """Shipping: have a parcel sent."""
        self.parcels.request(order.order_id, order.customer_id)
        return ShippingRequested(order.order_id)

    def count_order(self, order: OrderPlaced) -> OrderCounted:
        """Analytics: count the order and what it brings in."""
        with self.db.transaction() as tables:
            tables["analytics"]["orders"] += 1
            tables["analytics"]["cents"] += order.total_cents
        return OrderCounted(order.order_id, total_cents=order.total_cents)

    @property
    def services(self) -> dict[str, Callable[[OrderPlaced], Event]]:
        """The five handlers by the name of their service, in the order in which a checkout would call them."""
        return {
            "inventory": self.reserve_stock,
            "payment": self.capture_payment,
            "email": self.send_confirmation,
            "shipping": self.request_shipping,
            "analytics": self.count_order,
        }

    @property
    def done(self) -> dict[str, int]:
        """What each service has done so far, as a count."""
        pieces = sum(self.stock_at_first.values()) - sum(self.db.table("stock").values())
        return {
            "pieces reserved": pieces,
            "cards charged": len(self.card.charges),
            "e-mails sent": len(self.mail.sent),
            "parcels requested": len(self.parcels.parcels),
            "orders counted": self.db.table("analytics")["orders"],
        }


class AnyBus(Protocol):
    """What `open_shop` needs of a bus."""

    def subscribe(self, what: Any, handler: Callable[..., Any], *, name: str | None = None, **options: Any) -> Any:
        """Let a handler have what `what` names."""


def open_shop(bus: AnyBus, *, chain: bool = False, shop: Shop | None = None, **options: Any) -> Shop:
    """Subscribe the five services to `OrderPlaced`, each under its own name, and return the shop.

    With `chain=True` each publishes what it did, so that others may react in turn. `options` are passed on to
    `subscribe`; on an `EventBus` each service takes its time from `TAKES`, unless `takes` is given.
    """
    shop = shop or Shop()
    timed = hasattr(bus, "clock") and "takes" not in options
    for name, handler in shop.services.items():
        own = {"takes": TAKES[name], **options} if timed else options
        bus.subscribe(OrderPlaced, handler if chain else _quiet(handler), name=name, **own)
    return shop


def _quiet(handler: Callable[[OrderPlaced], Event]) -> Callable[[OrderPlaced], None]:
    """Return the handler without what it would publish in turn."""

    @wraps(handler)
    def quiet(order: OrderPlaced) -> None:
        handler(order)

    return quiet


def example_order() -> OrderPlaced:
    """Return the order that the course begins with: number 12345 of customer USER001, 2 x PROD1."""
    return OrderPlaced("12345", "USER001", (Item("PROD1", 2),))


def make_order(n: int) -> OrderPlaced:
    """Return the n-th order of a row of orders, from 1: the first is the example's, then 12346, 12347, ..."""
    return OrderPlaced(str(12344 + n), f"USER{n:03d}", (Item("PROD1", 2),))
