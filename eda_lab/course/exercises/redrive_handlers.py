"""Wrong answers to exercise 07-redrive whose handler is wrong: it hides errors, or does things twice."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from eda_lab.clock import sleep
from eda_lab.course.exercises.redrive_rules import Fix, charge_and_send, open_billing
from eda_lab.delivery import Delivery
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


def _tries_for_ever_in_the_handler(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> None:
        while True:
            with suppress(ConnectionError, TimeoutError):
                charge_and_send(shop, order, order.order_id, order.order_id)
                return

    return open_billing(bus, shop, work=bill)


def _gives_the_money_back(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> None:
        shop.card.charge(order.order_id, order.total_cents)
        try:
            shop.parcels.request(order.order_id, order.customer_id)
        except Exception:
            shop.card.refund(order.order_id)
            raise

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


def _charges_without_a_key(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, work=lambda order: charge_and_send(shop, order, None, order.order_id))


def _a_key_for_each_attempt(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced, delivery: Delivery) -> None:
        charge_and_send(shop, order, f"{delivery.message.id}-{delivery.attempt}", order.order_id)

    return open_billing(bus, shop, work=bill)


def _a_key_for_each_customer(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, work=lambda order: charge_and_send(shop, order, order.customer_id, order.order_id))


def _the_same_key_for_all(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, work=lambda order: charge_and_send(shop, order, "billing", order.order_id))


def _charges_only_at_the_first_attempt(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced, delivery: Delivery) -> None:
        if delivery.attempt == 1:
            shop.card.charge(order.order_id, order.total_cents)
        shop.parcels.request(order.order_id, order.customer_id)

    return open_billing(bus, shop, work=bill)


def _publishes_the_orders_again(bus: Any, shop: Shop) -> Fix:
    open_billing(bus, shop)

    def after_the_fix(known: set[str]) -> None:
        for letter in bus.dead_letters("billing"):
            bus.publish(letter.message.data)

    return after_the_fix


def _redrives_at_once(bus: Any, shop: Shop) -> Fix:
    fix = open_billing(bus, shop)
    bus.redrive("billing")
    return fix


HANDLERS = (
    _waits_in_the_handler,
    _tries_for_ever_in_the_handler,
    _gives_the_money_back,
    _swallows_every_error,
    _swallows_what_is_permanent,
    _acks_before_the_work,
    _rejects_the_poison,
    _makes_everything_a_dead_letter,
    _knows_the_poison_by_its_id,
    _knows_the_poison_by_its_article,
    _charges_without_a_key,
    _a_key_for_each_attempt,
    _a_key_for_each_customer,
    _the_same_key_for_all,
    _charges_only_at_the_first_attempt,
    _publishes_the_orders_again,
    _redrives_at_once,
)
