"""Wrong answers to exercise 04-shipping that take a short cut: a look behind the bus, a race, a customer made up."""

from __future__ import annotations

from typing import Any

from eda_lab.bus import EventBus
from eda_lab.delivery import Retry
from eda_lab.orders import OrderPlaced, PaymentCaptured
from eda_lab.shop import Shop

__all__ = ["SHORTCUTS"]


def _a_look_into_the_trace(bus: EventBus, shop: Shop) -> None:
    def ship(paid: PaymentCaptured) -> None:
        placed = (message.data for message in bus.trace.messages if isinstance(message.data, OrderPlaced))
        order = next(order for order in placed if order.order_id == paid.order_id)
        shop.parcels.request(order.order_id, order.customer_id)

    bus.subscribe(PaymentCaptured, ship, name="shipping")


def _a_look_into_the_columns(bus: EventBus, shop: Shop) -> None:
    columns = bus.columns

    def ship(paid: PaymentCaptured) -> None:
        order = next(e for e in columns.data if isinstance(e, OrderPlaced) and e.order_id == paid.order_id)
        shop.parcels.request(order.order_id, order.customer_id)

    bus.subscribe(PaymentCaptured, ship, name="shipping")


def _a_look_behind_the_desk(bus: EventBus, shop: Shop) -> None:
    def ship(paid: PaymentCaptured) -> None:
        trace = shop.parcels._bus.trace  # type: ignore[attr-defined]
        order = next(m.data for m in trace.messages if getattr(m.data, "order_id", "") == paid.order_id)
        shop.parcels.request(order.order_id, order.customer_id)

    bus.subscribe(PaymentCaptured, ship, name="shipping")


def _a_look_at_the_mails(bus: EventBus, shop: Shop, retry: Retry | None = None) -> None:
    def ship(paid: PaymentCaptured) -> None:
        mail = next(mail for mail in shop.mail.sent if paid.order_id in repr(mail))
        shop.parcels.request(paid.order_id, mail.to)

    bus.subscribe(PaymentCaptured, ship, name="shipping", retry=retry)


def _a_look_at_the_mails_again_and_again(bus: EventBus, shop: Shop) -> None:
    _a_look_at_the_mails(bus, shop, Retry(max_attempts=1000))


def _a_queue_for_each_order(bus: EventBus, shop: Shop) -> None:
    def wait(order: OrderPlaced) -> None:
        def ship(paid: PaymentCaptured) -> None:
            if paid.order_id == order.order_id:
                shop.parcels.request(order.order_id, order.customer_id)

        bus.subscribe(PaymentCaptured, ship, name=f"shipping of {order.order_id}")

    bus.subscribe(OrderPlaced, wait, name="shipping")


def _a_queue_for_each_order_by_decorator(bus: EventBus, shop: Shop) -> None:
    @bus.on(OrderPlaced, name="shipping")
    def wait(order: OrderPlaced) -> None:
        @bus.on(PaymentCaptured, name=f"shipping of {order.order_id}")
        def ship(paid: PaymentCaptured) -> None:
            if paid.order_id == order.order_id:
                shop.parcels.request(order.order_id, order.customer_id)


def _two_queues(bus: EventBus, shop: Shop, notes: float, takes: float, default: str | None = None) -> None:
    """Note the customers in one queue, and ship in another."""
    customers: dict[str, str] = {}

    def note(order: OrderPlaced) -> None:
        customers[order.order_id] = order.customer_id

    def ship(paid: PaymentCaptured) -> None:
        customer = customers[paid.order_id] if default is None else customers.get(paid.order_id, default)
        shop.parcels.request(paid.order_id, customer)

    bus.subscribe(OrderPlaced, note, name="notes", takes=notes)
    bus.subscribe(PaymentCaptured, ship, name="shipping", takes=takes)


def _a_race_of_two_queues(bus: EventBus, shop: Shop) -> None:
    _two_queues(bus, shop, 0.4, 0.4)


def _a_race_of_two_slow_queues(bus: EventBus, shop: Shop) -> None:
    _two_queues(bus, shop, 1.0, 1.0)


def _a_race_that_is_mostly_won(bus: EventBus, shop: Shop) -> None:
    _two_queues(bus, shop, 0.1, 0.0)


def _a_customer_to_fall_back_on(bus: EventBus, shop: Shop) -> None:
    _two_queues(bus, shop, 0.2, 0.0, "USER001")


def _a_customer_to_fall_back_on_and_slow(bus: EventBus, shop: Shop) -> None:
    _two_queues(bus, shop, 0.2, 0.2, "ADA")


def _the_desk_left_out_where_nobody_is_known(bus: EventBus, shop: Shop) -> None:
    customers: dict[str, str] = {}
    bus.subscribe(OrderPlaced, lambda order: customers.update({order.order_id: order.customer_id}), takes=0.3)

    def ship(paid: PaymentCaptured) -> None:
        if paid.order_id in customers:
            shop.parcels.request(paid.order_id, customers[paid.order_id])

    bus.subscribe(PaymentCaptured, ship, name="shipping")


def _returns_the_parcel(bus: EventBus, shop: Shop) -> None:
    customers: dict[str, str] = {}
    bus.subscribe(OrderPlaced, lambda order: customers.update({order.order_id: order.customer_id}), name="notes")
    ask: Any = shop.parcels.request
    bus.subscribe(PaymentCaptured, lambda paid: ask(paid.order_id, customers[paid.order_id]), name="shipping")


async def _in_an_async_def(bus: EventBus, shop: Shop) -> None:
    _two_queues(bus, shop, 0.0, 0.0)


SHORTCUTS = (
    _a_look_into_the_trace,
    _a_look_into_the_columns,
    _a_look_behind_the_desk,
    _a_look_at_the_mails,
    _a_look_at_the_mails_again_and_again,
    _a_queue_for_each_order,
    _a_queue_for_each_order_by_decorator,
    _a_race_of_two_queues,
    _a_race_of_two_slow_queues,
    _a_race_that_is_mostly_won,
    _a_customer_to_fall_back_on,
    _a_customer_to_fall_back_on_and_slow,
    _the_desk_left_out_where_nobody_is_known,
    _returns_the_parcel,
    _in_an_async_def,
)
