"""One order as the story of its changes: commands, events, the state that is folded from them, and the rules.

`decide` and `evolve` are plain functions: a `Repository` runs them upon a store, a test calls them. `decide` alone
refuses; `evolve` takes everything that has happened as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from eda_lab.errors import EdaLabError, OptionError, one_line, shown
from eda_lab.events import Command, Event, type_name
from eda_lab.orders import Item, OrderPlaced, PaymentCaptured

__all__ = [
    "AddItem",
    "CancelOrder",
    "ItemAdded",
    "ItemRemoved",
    "Order",
    "OrderCancelled",
    "OrderRefusedError",
    "OrderShipped",
    "PayOrder",
    "PlaceOrder",
    "RemoveItem",
    "ShipOrder",
    "decide",
    "evolve",
]


class PlaceOrder(Command):
    """Order these items."""

    order_id: str
    customer_id: str
    items: tuple[Item, ...]


class AddItem(Command):
    """Put more of an article into the order, at the price of today."""

    order_id: str
    item: Item


class RemoveItem(Command):
    """Take so many pieces of an article out of the order, those that came last first."""

    order_id: str
    sku: str
    quantity: int = 1


class PayOrder(Command):
    """Pay what the order costs."""

    order_id: str


class ShipOrder(Command):
    """Send the order."""

    order_id: str


class CancelOrder(Command):
    """Take the order back."""

    order_id: str


class ItemAdded(Event):
    """Pieces of an article came into the order, at a price."""

    order_id: str
    item: Item


class ItemRemoved(Event):
    """Pieces of an article left the order: those of this price."""

    order_id: str
    item: Item


class OrderShipped(Event):
    """The order was sent."""

    order_id: str


class OrderCancelled(Event):
    """The order was taken back, and so much money has to go back to the customer."""

    order_id: str
    refund_cents: int


class Order(msgspec.Struct, frozen=True):
    """The state of an order. Each line of `items` has at least one piece; `paid_cents` is what the shop holds."""

    order_id: str = ""
    customer_id: str = ""
    items: tuple[Item, ...] = ()
    status: Literal["new", "placed", "paid", "shipped", "cancelled"] = "new"
    paid_cents: int = 0

    @property
    def total_cents(self) -> int:
        """What the order costs, in cents."""
        return sum(item.quantity * item.unit_price_cents for item in self.items)

    @property
    def pieces(self) -> int:
        """How many pieces are in it."""
        return sum(item.quantity for item in self.items)


class OrderRefusedError(EdaLabError):
    """A command cannot be carried out on the order as it is.

    Attributes: `order_id`, `command` (its type name), `reason`.
    """

    def __init__(self, order_id: str, command: Command, reason: str) -> None:
        name = type_name(type(command))
        super().__init__(f"order {one_line(order_id, 60)}: {name} is refused, for {reason}")
        self.order_id, self.command, self.reason = order_id, name, reason


def decide(command: Any, order: Order) -> list[Event]:
    """Return the events that a command leads to; raise `OrderRefusedError` where a rule of the shop speaks against it.

    An order is placed once, is never without items, and can be changed until it is paid. It is paid once, shipped once
    and only when it is paid, and cancelled once and only before it is shipped.

    >>> from eda_lab.orders import example_order
    >>> order = evolve(Order(), example_order())
    >>> decide(PayOrder("12345"), order)
    [PaymentCaptured(order_id='12345', amount_cents=5000)]
    >>> decide(ShipOrder("12345"), order)
    Traceback (most recent call last):
    ...
    eda_lab.order_history.OrderRefusedError: order 12345: ship_order is refused, for it is not paid
    """
    if not isinstance(command, (PlaceOrder, AddItem, RemoveItem, PayOrder, ShipOrder, CancelOrder)):
        raise OptionError("command", command, "give one of the commands of an order, such as PayOrder('12345')")
    reason = _objection(command, order)
    if reason is not None:
        raise OrderRefusedError(command.order_id, command, reason)
    match command:
        case PlaceOrder(id, customer, items):
            return [OrderPlaced(id, customer, items)]
        case AddItem(id, item):
            return [ItemAdded(id, item)]
        case RemoveItem(id, sku, quantity):
            return [ItemRemoved(id, item) for item in _last_pieces(order.items, sku, quantity)]
        case PayOrder(id):
            return [PaymentCaptured(id, order.total_cents)]
        case ShipOrder(id):
            return [OrderShipped(id)]
        case _:
            return [OrderCancelled(command.order_id, order.paid_cents)]


def evolve(order: Order, event: Any) -> Order:
    """Return the order after an event. What it does not know leaves the order as it is.

    >>> from eda_lab.orders import example_order
    >>> order = evolve(Order(), example_order())
    >>> evolve(order, ItemRemoved("12345", Item("PROD1", 1))).items
    (Item(sku='PROD1', quantity=1, unit_price_cents=2500),)
    """
    match event:
        case OrderPlaced():
            items: tuple[Item, ...] = ()
            for item in event.items:
                items = _with(items, item)
            return Order(event.order_id, event.customer_id, items, "placed")
        case ItemAdded():
            return msgspec.structs.replace(order, items=_with(order.items, event.item))
        case ItemRemoved():
            return msgspec.structs.replace(order, items=_with(order.items, event.item, -1))
        case PaymentCaptured():
            return msgspec.structs.replace(order, status="paid", paid_cents=order.paid_cents + event.amount_cents)
        case OrderShipped():
            return msgspec.structs.replace(order, status="shipped")
        case OrderCancelled():
            return msgspec.structs.replace(order, status="cancelled", paid_cents=order.paid_cents - event.refund_cents)
    return order


def _objection(command: Any, order: Order) -> str | None:
    """Return what speaks against a command, None where nothing does."""
    if isinstance(command, PlaceOrder):
        if order.status != "new":
            return "it was placed before"
        bad = [item for item in command.items if item.quantity < 1 or item.unit_price_cents < 0]
        return "it has no items" if not command.items else f"{shown(bad[0])} is no item" if bad else None
    if order.status == "new":
        return "there is no such order"
    if command.order_id != order.order_id:
        return f"this is order {order.order_id}"
    if order.status in ("shipped", "cancelled"):
        return f"it is {order.status}"
    if isinstance(command, ShipOrder):
        return None if order.status == "paid" else "it is not paid"
    if isinstance(command, CancelOrder):
        return None
    if order.status == "paid":
        return "it is paid"
    if isinstance(command, PayOrder):
        return None
    if isinstance(command, AddItem):
        item = command.item
        return f"{shown(item)} is no item" if item.quantity < 1 or item.unit_price_cents < 0 else None
    there = sum(item.quantity for item in order.items if item.sku == command.sku)
    if command.quantity < 1:
        return f"{command.quantity} pieces cannot be removed"
    if command.quantity > there:
        return f"it has {there} of {command.sku}"
    return "nothing would be left: cancel it" if command.quantity == order.pieces else None


def _last_pieces(items: tuple[Item, ...], sku: str, quantity: int) -> Iterator[Item]:
    """Yield the pieces of an article that came last, one item for each price."""
    for item in reversed(items):
        if item.sku == sku and quantity:
            taken = min(item.quantity, quantity)
            quantity -= taken
            yield Item(sku, taken, item.unit_price_cents)


def _with(items: tuple[Item, ...], added: Item, sign: int = 1) -> tuple[Item, ...]:
    """Return the lines with so many pieces more (sign -1: fewer); another price is another line."""
    pieces = {(item.sku, item.unit_price_cents): item.quantity for item in items}
    line = (added.sku, added.unit_price_cents)
    pieces[line] = pieces.get(line, 0) + sign * added.quantity
    return tuple(Item(sku, quantity, cents) for (sku, cents), quantity in pieces.items() if quantity > 0)
