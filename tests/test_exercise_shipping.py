"""Exercise 04-shipping: there is more than one right answer, and each of them passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eda_lab import Consumer, EventBus, OrderPlaced, Retry, Shop, handles, sleep
from eda_lab.course import check
from eda_lab.orders import PaymentCaptured


def one_handler_with_one_queue(bus: EventBus, shop: Shop) -> None:
    orders = {}

    def shipping(event: OrderPlaced | PaymentCaptured) -> Any:
        if isinstance(event, PaymentCaptured):
            return shop.request_shipping(orders.pop(event.order_id))
        orders[event.order_id] = event
        return None

    bus.subscribe((OrderPlaced, PaymentCaptured), shipping, name="shipping", takes=0.4)


def a_consumer_class(bus: EventBus, shop: Shop) -> None:
    class Shipping(Consumer):
        def __init__(self) -> None:
            self.customers: dict[str, str] = {}

        @handles(OrderPlaced)
        def note(self, order: OrderPlaced) -> None:
            self.customers[order.order_id] = order.customer_id

        @handles(PaymentCaptured)
        def ship(self, paid: PaymentCaptured) -> None:
            shop.parcels.request(paid.order_id, self.customers[paid.order_id])

    bus.subscribe((OrderPlaced, PaymentCaptured), Shipping, name="shipping")


def slow_notes_and_another_try(bus: EventBus, shop: Shop) -> None:
    customers = {}

    def note(order: OrderPlaced) -> None:
        customers[order.order_id] = order.customer_id

    async def ship(paid: PaymentCaptured) -> None:
        await sleep(0.5)
        shop.parcels.request(paid.order_id, customers[paid.order_id])

    bus.subscribe(OrderPlaced, note, name="notes", takes=2.0)
    bus.subscribe("payment_*", ship, name="shipping", retry=Retry(max_attempts=10))


def a_look_into_the_trace(bus: EventBus, shop: Shop) -> None:
    def ship(paid: PaymentCaptured) -> None:
        placed = (message.data for message in bus.trace.messages if isinstance(message.data, OrderPlaced))
        order = next(order for order in placed if order.order_id == paid.order_id)
        shop.parcels.request(order.order_id, order.customer_id)

    bus.subscribe(PaymentCaptured, ship, name="shipping")


@pytest.mark.parametrize(
    "answer", [one_handler_with_one_queue, a_consumer_class, slow_notes_and_another_try, a_look_into_the_trace]
)
def test_another_right_answer_passes(answer: Callable[..., object]) -> None:
    verdict = check("04-shipping", answer)
    assert verdict.passed, verdict


def test_the_simplest_failing_day_is_told_in_words() -> None:
    verdict = check("04-shipping", lambda bus, shop: bus.subscribe(OrderPlaced, shop.request_shipping, name="s"))
    assert "placed at 0 s, card charged at 0.5 s, parcel asked for at 0 s" in repr(verdict)
    assert repr(verdict).count("order 2") == 1
