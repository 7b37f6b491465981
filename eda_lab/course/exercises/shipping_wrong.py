"""Wrong answers to exercise 04-shipping, each of which somebody would write: its check must refuse them all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.clock import sleep
from eda_lab.consumers import Consumer, handles
from eda_lab.delivery import Later, Retry, later
from eda_lab.events import Event
from eda_lab.orders import OrderPlaced, PaymentCaptured, StockReserved
from eda_lab.shop import Shop

__all__ = ["ANSWERS"]


def _nothing(bus: EventBus, shop: Shop) -> None:
    pass


def _listens_and_ships_nothing(bus: EventBus, shop: Shop) -> None:
    bus.subscribe(PaymentCaptured, lambda paid: None, name="shipping")


def _on_order_placed(bus: EventBus, shop: Shop) -> None:
    bus.subscribe(OrderPlaced, shop.request_shipping, name="shipping")


def _the_service_as_it_is(bus: EventBus, shop: Shop) -> None:
    bus.subscribe(PaymentCaptured, shop.request_shipping, name="shipping")


def _takes_long(bus: EventBus, shop: Shop) -> None:
    bus.subscribe(OrderPlaced, shop.request_shipping, name="shipping", takes=6.0)


class ParcelDue(Event):
    """What an answer that waits a fixed time tells itself."""

    order_id: str
    customer_id: str


def _later(bus: EventBus, shop: Shop) -> None:
    def wait(order: OrderPlaced) -> Later:
        return later(60, ParcelDue(order.order_id, order.customer_id))

    bus.subscribe(OrderPlaced, wait, name="wait")
    bus.subscribe(ParcelDue, lambda due: _ask(shop, due.order_id, due.customer_id), name="shipping")


def _waits_then_looks(bus: EventBus, shop: Shop, seconds: float = 120.0) -> None:
    async def ship(order: OrderPlaced) -> None:
        await sleep(seconds)
        if shop.card.held_cents(order.order_id):
            shop.parcels.request(order.order_id, order.customer_id)

    bus.subscribe(OrderPlaced, ship, name="shipping", workers=100)


def _waits_for_days_then_looks(bus: EventBus, shop: Shop) -> None:
    _waits_then_looks(bus, shop, 4 * 86_400.0)


def _asks_again_and_again(bus: EventBus, shop: Shop) -> None:
    async def ship(order: OrderPlaced) -> None:
        while not shop.card.held_cents(order.order_id):
            await sleep(0.1)
        shop.parcels.request(order.order_id, order.customer_id)

    bus.subscribe(OrderPlaced, ship, name="shipping", workers=100)


def _tries_again_and_again(bus: EventBus, shop: Shop) -> None:
    def ship(order: OrderPlaced) -> None:
        assert shop.card.held_cents(order.order_id), "not paid yet"
        shop.parcels.request(order.order_id, order.customer_id)

    bus.subscribe(OrderPlaced, ship, name="shipping", retry=Retry(max_attempts=100))


def _ask(shop: Shop, order_id: str, customer_id: str) -> None:
    """Ask for a parcel, and return nothing: a parcel is no event."""
    shop.parcels.request(order_id, customer_id)


def _remembering(
    bus: EventBus, shop: Shop, ship: Callable[[PaymentCaptured, dict[str, str]], Any], **options: Any
) -> None:
    """Subscribe a handler of payments that is given the customers by order number."""
    customers: dict[str, str] = {}

    def note(order: OrderPlaced) -> None:
        customers[order.order_id] = order.customer_id

    bus.subscribe(OrderPlaced, note, name="notes")
    bus.subscribe(PaymentCaptured, lambda paid: ship(paid, customers), name="shipping", **options)


def _twice(bus: EventBus, shop: Shop) -> None:
    bus.subscribe(OrderPlaced, shop.request_shipping, name="at once")
    _remembering(bus, shop, lambda paid, of: _ask(shop, paid.order_id, of[paid.order_id]))


def _two_consumers(bus: EventBus, shop: Shop) -> None:
    _remembering(bus, shop, lambda paid, of: _ask(shop, paid.order_id, of[paid.order_id]))
    bus.subscribe(PaymentCaptured, lambda paid: _ask(shop, paid.order_id, "ADA"), name="again")


def _always_the_example_customer(bus: EventBus, shop: Shop) -> None:
    _remembering(bus, shop, lambda paid, of: _ask(shop, paid.order_id, "USER001"))


def _the_last_customer(bus: EventBus, shop: Shop) -> None:
    _remembering(bus, shop, lambda paid, of: _ask(shop, paid.order_id, list(of.values())[-1]))


def _in_the_order_of_arrival(bus: EventBus, shop: Shop) -> None:
    waiting: deque[OrderPlaced] = deque()
    bus.subscribe(OrderPlaced, waiting.append, name="notes")

    def ship(paid: PaymentCaptured) -> None:
        order = waiting.popleft()
        shop.parcels.request(paid.order_id, order.customer_id)

    bus.subscribe(PaymentCaptured, ship, name="shipping")


def _swapped(bus: EventBus, shop: Shop) -> None:
    _remembering(bus, shop, lambda paid, of: _ask(shop, of[paid.order_id], paid.order_id))


def _all_that_wait(bus: EventBus, shop: Shop) -> None:
    def ship(paid: PaymentCaptured, customers: dict[str, str]) -> None:
        while customers:
            shop.parcels.request(*customers.popitem())

    _remembering(bus, shop, ship)


def _only_the_first(bus: EventBus, shop: Shop) -> None:
    def ship(paid: PaymentCaptured, customers: dict[str, str]) -> None:
        if not shop.parcels.parcels:
            shop.parcels.request(paid.order_id, customers[paid.order_id])

    _remembering(bus, shop, ship)


def _one_parcel_a_customer(bus: EventBus, shop: Shop) -> None:
    def ship(paid: PaymentCaptured, customers: dict[str, str]) -> None:
        if all(parcel.customer_id != customers[paid.order_id] for parcel in shop.parcels.parcels):
            shop.parcels.request(paid.order_id, customers[paid.order_id])

    _remembering(bus, shop, ship)


def _after_a_week(bus: EventBus, shop: Shop) -> None:
    _remembering(bus, shop, lambda paid, of: _ask(shop, paid.order_id, of[paid.order_id]), takes=604_800.0)


def _in_the_group_of_payment(bus: EventBus, shop: Shop) -> None:
    bus.subscribe(OrderPlaced, shop.request_shipping, name="shipping", group="payment")


def _charges_by_itself(bus: EventBus, shop: Shop) -> None:
    def pay_and_ship(order: OrderPlaced) -> None:
        shop.capture_payment(order)
        shop.request_shipping(order)

    bus.subscribe(OrderPlaced, pay_and_ship, name="shipping")


def _says_itself_that_it_is_paid(bus: EventBus, shop: Shop) -> None:
    _remembering(bus, shop, lambda paid, of: _ask(shop, paid.order_id, of[paid.order_id]))
    bus.subscribe(OrderPlaced, lambda order: PaymentCaptured(order.order_id, order.total_cents), name="paid")


def _when_the_stock_is_reserved(bus: EventBus, shop: Shop) -> None:
    orders: dict[str, OrderPlaced] = {}
    bus.subscribe(OrderPlaced, lambda order: orders.update({order.order_id: order}), name="notes")
    bus.subscribe(StockReserved, lambda done: shop.request_shipping(orders[done.order_id]), name="shipping")


def _everything(bus: EventBus, shop: Shop) -> None:
    bus.subscribe("*", lambda event: _ask(shop, event.order_id, "ADA"), name="shipping")


def _everything_with_a_customer(bus: EventBus, shop: Shop) -> None:
    bus.subscribe("*", shop.request_shipping, name="shipping")


def _a_memory_for_each_worker(bus: EventBus, shop: Shop) -> None:
    class Shipping(Consumer):
        def __init__(self) -> None:
            self.customers: dict[str, str] = {}

        @handles(OrderPlaced)
        def note(self, order: OrderPlaced) -> None:
            self.customers[order.order_id] = order.customer_id

        @handles(PaymentCaptured)
        def ship(self, paid: PaymentCaptured) -> None:
            shop.parcels.request(paid.order_id, self.customers[paid.order_id])

    bus.subscribe((OrderPlaced, PaymentCaptured), Shipping, name="shipping", workers=3)


def _notes_that_come_too_late(bus: EventBus, shop: Shop) -> None:
    customers: dict[str, str] = {}

    def note(order: OrderPlaced) -> None:
        customers[order.order_id] = order.customer_id

    bus.subscribe(OrderPlaced, note, name="notes", takes=2.0)
    bus.subscribe(PaymentCaptured, lambda paid: _ask(shop, paid.order_id, customers[paid.order_id]), name="shipping")


ANSWERS = (
    _nothing,
    _listens_and_ships_nothing,
    _on_order_placed,
    _the_service_as_it_is,
    _takes_long,
    _later,
    _waits_then_looks,
    _waits_for_days_then_looks,
    _asks_again_and_again,
    _tries_again_and_again,
    _twice,
    _two_consumers,
    _always_the_example_customer,
    _the_last_customer,
    _in_the_order_of_arrival,
    _swapped,
    _all_that_wait,
    _only_the_first,
    _one_parcel_a_customer,
    _after_a_week,
    _in_the_group_of_payment,
    _charges_by_itself,
    _says_itself_that_it_is_paid,
    _when_the_stock_is_reserved,
    _everything,
    _everything_with_a_customer,
    _a_memory_for_each_worker,
    _notes_that_come_too_late,
)
