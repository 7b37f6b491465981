"""Wrong answers to exercise 07-redrive whose handler is wrong: it hides errors, or tries again in its own way."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from eda_lab.clock import sleep
from eda_lab.course.exercises.redrive_rules import Fix, charge_and_send, open_billing
from eda_lab.delivery import Delivery, Retry, later
from eda_lab.orders import OrderPlaced
from eda_lab.shop import Shop

__all__ = ["HANDLERS"]


def _waits_in_the_handler(bus: Any, shop: Shop) -> Fix:
    async def bill(order: OrderPlaced) -> None:
        for _ in range(10):
            try:
                charge_and_send(shop, order, order.order_id, order.order_id)
            except (ConnectionError, TimeoutError):
                await sleep(10.0)
            else:
                return

    return open_billing(bus, shop, work=bill)


def _waits_in_the_handler_of_ten_workers(bus: Any, shop: Shop) -> Fix:
    async def bill(order: OrderPlaced) -> None:
        try:
            charge_and_send(shop, order, order.order_id, order.order_id)
        except OSError:
            await sleep(40.0)
            charge_and_send(shop, order, order.order_id, order.order_id)

    return open_billing(bus, shop, work=bill, workers=10)


def _three_tries_in_the_handler(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> None:
        for _ in range(2):
            with suppress(ConnectionError, TimeoutError):
                return charge_and_send(shop, order, order.order_id, order.order_id)
        return charge_and_send(shop, order, order.order_id, order.order_id)

    return open_billing(bus, shop, Retry(max_attempts=20, retry_on=OSError), work=bill)  # type: ignore[arg-type]


def _publishes_again_what_passes(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> None:
        try:
            charge_and_send(shop, order, order.order_id, order.order_id)
        except (ConnectionError, TimeoutError):
            bus.publish(order, delay=5)

    return open_billing(bus, shop, work=bill)


def _returns_it_for_later(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> Any:
        try:
            return charge_and_send(shop, order, order.order_id, order.order_id)
        except (ConnectionError, TimeoutError):
            return later(5, order)

    return open_billing(bus, shop, work=bill)


def _tries_for_ever_in_the_handler(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> None:
        while True:
            with suppress(ConnectionError, TimeoutError):
                charge_and_send(shop, order, order.order_id, order.order_id)
                return

    return open_billing(bus, shop, work=bill)


def _swallows_every_error(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> None:
        with suppress(Exception):
            charge_and_send(shop, order, order.order_id, order.order_id)

    return open_billing(bus, shop, work=bill)


def _swallows_what_is_permanent(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> None:
        try:
            charge_and_send(shop, order, order.order_id, order.order_id)
        except (ConnectionError, TimeoutError):
            raise
        except Exception:  # noqa: BLE001 - it is a wrong answer
            return

    return open_billing(bus, shop, work=bill)


def _acks_before_the_work(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, ack="before")


def _rejects_the_poison(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced, delivery: Delivery) -> None:
        try:
            charge_and_send(shop, order, order.order_id, order.order_id)
        except OSError:
            raise
        except Exception:  # noqa: BLE001 - it is a wrong answer
            delivery.reject()
        else:
            delivery.ack()

    return open_billing(bus, shop, work=bill, ack="manual")


def _makes_everything_a_dead_letter(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced, delivery: Delivery) -> None:
        delivery.nack(requeue=False)

    return open_billing(bus, shop, work=bill, ack="manual")


def _knows_the_poison_by_its_id(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> None:
        if not order.order_id.endswith("1"):
            charge_and_send(shop, order, order.order_id, order.order_id)

    return open_billing(bus, shop, work=bill)


def _knows_the_poison_by_its_article(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> None:
        if all(item.sku.startswith("PROD") for item in order.items):
            charge_and_send(shop, order, order.order_id, order.order_id)

    return open_billing(bus, shop, work=bill)


def _publishes_the_orders_again(bus: Any, shop: Shop) -> Fix:
    open_billing(bus, shop)

    def after_the_fix(known: set[str]) -> None:
        for letter in bus.dead_letters("billing"):
            bus.publish(letter.message.data)

    return after_the_fix


def _repairs_the_bus_itself(bus: Any, shop: Shop) -> Fix:
    fix = open_billing(bus, shop)
    bus.repair()
    return fix


def _redrives_at_once(bus: Any, shop: Shop) -> Fix:
    fix = open_billing(bus, shop)
    bus.redrive("billing")
    return fix


HANDLERS = (
    _waits_in_the_handler,
    _waits_in_the_handler_of_ten_workers,
    _three_tries_in_the_handler,
    _publishes_again_what_passes,
    _returns_it_for_later,
    _tries_for_ever_in_the_handler,
    _swallows_every_error,
    _swallows_what_is_permanent,
    _acks_before_the_work,
    _rejects_the_poison,
    _makes_everything_a_dead_letter,
    _knows_the_poison_by_its_id,
    _knows_the_poison_by_its_article,
    _publishes_the_orders_again,
    _repairs_the_bus_itself,
    _redrives_at_once,
)
