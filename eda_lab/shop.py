"""The order example: its five services, and `open_shop`, which subscribes them to a bus.

The checkout says that an order was placed. Five services react, each by itself: stock is reserved, the card is
charged, the confirmation is mailed, shipping is told, and analytics count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Protocol

from eda_lab.clock import sleep
from eda_lab.database import Database
from eda_lab.effects import CardProvider, MailServer, ParcelDesk
from eda_lab.errors import OptionError, check_whole
from eda_lab.events import Event
from eda_lab.orders import (
    ConfirmationSent,
    OrderCounted,
    OrderPlaced,
    PaymentCaptured,
    ShippingRequested,
    StockReserved,
)
from eda_lab.roles import projector
from eda_lab.trace import Trace

__all__ = ["TAKES", "WORK", "OutOfStockError", "Shop", "checkout", "in_sequence", "open_shop"]

# Simulated seconds that each service needs for one order.
TAKES = {"inventory": 0.2, "payment": 0.5, "email": 0.3, "shipping": 0.4, "analytics": 0.1}
# What each has done when it has done its work.
WORK = {
    "inventory": "pieces reserved",
    "payment": "cards charged",
    "email": "e-mails sent",
    "shipping": "parcels requested",
    "analytics": "orders counted",
}


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
        pieces = {"PROD1": 100} if stock is None else stock
        self.db = Database(stock=pieces, analytics={"orders": 0, "cents": 0})
        self.stock_at_first = dict(self.db.table("stock"))
        for sku, number in self.stock_at_first.items():
            check_whole(f"stock[{sku!r}]", number)
        self.opened: set[str] = set()
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

    @projector
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

    def needs(self, trace: Trace) -> dict[str, int]:
        """Return what the orders in a trace ask of the services that are open, counted as `done` counts."""
        placed = (message.data for message in trace.messages if isinstance(message.data, OrderPlaced))
        orders = {order.order_id: order for order in placed}
        is_open = self.opened.union(group.name for group in trace.groups)
        pieces = sum(item.quantity for order in orders.values() for item in order.items)
        return {
            what: pieces if service == "inventory" else len(orders)
            for service, what in WORK.items()
            if service in is_open
        }

    @property
    def done(self) -> dict[str, int]:
        """What each service has done so far, as a count."""
        pieces = sum(self.stock_at_first.values()) - sum(self.db.table("stock").values())
        charged = sum(charge.amount_cents > 0 for charge in self.card.charges)
        counts = (pieces, charged, len(self.mail.sent), len(self.parcels.parcels))
        return dict(zip(WORK.values(), (*counts, self.db.table("analytics")["orders"]), strict=True))


class AnyBus(Protocol):
    """What the shop needs of a bus."""

    def publish(self, event: Any) -> Any:
        """Publish an event."""

    def subscribe(self, what: Any, handler: Callable[..., Any], *, name: str | None = None, **options: Any) -> Any:
        """Let a handler have what `what` names."""


def open_shop(
    bus: AnyBus,
    *,
    chain: bool = False,
    services: Mapping[str, float] = TAKES,
    shop: Shop | None = None,
    **options: Any,
) -> Shop:
    """Subscribe services to `OrderPlaced`, each under its own name, and return the shop.

    `services` says which, and how many simulated seconds each takes on an `EventBus`. With `chain=True` each publishes
    what it did, so that others may react in turn. `options` are passed on to `subscribe`.
    """
    _check_services(services)
    if "name" in options:
        raise OptionError("name", options["name"], "each service has its own name already")
    if isinstance(bus, type) or not hasattr(bus, "subscribe"):
        raise OptionError("bus", bus, "give a DirectBus or an EventBus")
    if shop is not None and not isinstance(shop, Shop):
        raise OptionError("shop", shop, "give a Shop, or none to open a new one")
    shop = shop or Shop()
    for name, seconds in services.items():
        handler = shop.services[name]
        own = {"takes": seconds, **options} if hasattr(bus, "clock") else options
        bus.subscribe(OrderPlaced, handler if chain else _quiet(handler), name=name, **own)
        shop.opened.add(name)
    return shop


def in_sequence(shop: Shop, services: Mapping[str, float] = TAKES) -> Callable[[OrderPlaced], Any]:
    """Return what a checkout without a bus does, as a handler for the lab: call one service after the other."""
    _check_services(services)
    shop.opened.update(services)

    async def call_all(order: OrderPlaced) -> None:
        for name, seconds in services.items():
            await sleep(seconds)
            shop.services[name](order)

    return call_all


def _check_services(services: Mapping[str, float]) -> None:
    if not isinstance(services, Mapping) or not TAKES.keys() >= services.keys():
        raise OptionError("services", services, f"give the seconds of some of {', '.join(TAKES)}, as TAKES does")


def _quiet(handler: Callable[[OrderPlaced], Event]) -> Callable[[OrderPlaced], None]:
    """Return the handler without what it would publish in turn."""

    @wraps(handler)
    def quiet(order: OrderPlaced) -> None:
        handler(order)

    return quiet


def checkout(bus: AnyBus, order: OrderPlaced) -> Any:
    """Say that an order was placed. Who listens, the checkout does not know."""
    return bus.publish(order)
