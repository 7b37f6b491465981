"""Exercise 04-shipping: there is more than one right answer, and each of them passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eda_lab import Consumer, EventBus, OrderPlaced, Retry, Shop, handles, sleep
from eda_lab.course import check
from eda_lab.course.exercises.shipping_shortcuts import SHORTCUTS
from eda_lab.course.exercises.stand_ins import BusFront
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


def two_queues_that_take_no_time(bus: EventBus, shop: Shop) -> None:
    customers = {}

    @bus.on(OrderPlaced, name="notes")
    def note(order: OrderPlaced) -> None:
        customers[order.order_id] = order.customer_id

    @bus.on(PaymentCaptured, name="shipping")
    def ship(paid: PaymentCaptured) -> None:
        shop.parcels.request(paid.order_id, customers[paid.order_id])


@pytest.mark.parametrize(
    "answer", [one_handler_with_one_queue, a_consumer_class, slow_notes_and_another_try, two_queues_that_take_no_time]
)
def test_another_right_answer_passes(answer: Callable[..., object]) -> None:
    verdict = check("04-shipping", answer)
    assert verdict.passed, verdict


def test_the_simplest_failing_day_is_told_in_words() -> None:
    verdict = check("04-shipping", lambda bus, shop: bus.subscribe(OrderPlaced, shop.request_shipping, name="s"))
    assert "placed at 0 s, card charged at 0.5 s, parcel asked for at 0 s" in repr(verdict)
    assert repr(verdict).count("order 2") == 1


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("_a_look_into_the_trace", "a service has no bus.trace here"),
        ("_a_look_into_the_columns", "a service has no bus.columns here"),
        ("_a_queue_for_each_order", "a handler that subscribes adds a queue for each order"),
        ("_a_race_of_two_queues", "shipping failed with KeyError"),
        ("_a_customer_to_fall_back_on", "went to 'USER001'"),
        ("_returns_the_parcel", "ask for the parcel, and do not return it"),
        ("_in_an_async_def", "write a plain def"),
    ],
)
def test_a_short_cut_is_told_why_it_is_none(name: str, seen: str) -> None:
    verdict = check("04-shipping", {answer.__name__: answer for answer in SHORTCUTS}[name])
    assert seen in repr(verdict)


def test_the_front_of_a_bus_can_listen_publish_and_look_at_the_clock() -> None:
    bus, heard = EventBus(seed=1), list[Any]()
    front: Any = BusFront(bus)
    front.subscribe("*", heard.append, name="audit")
    assert front.publish("opened", {"at": front.clock.now}).type == "opened"
    bus.run()
    assert heard == [{"at": 0.0}]
    assert not hasattr(front, "trace")
