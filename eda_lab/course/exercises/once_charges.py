"""Wrong answers to exercise 06-once whose charge is wrong: done twice, or not at all, after some crash."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import uuid4

from eda_lab.course.exercises.once_wrong import Work, both, card_once, stock_once
from eda_lab.delivery import Delivery
from eda_lab.errors import IdempotencyKeyError
from eda_lab.orders import OrderPlaced

__all__ = ["CHARGES"]


def _card(work: Work) -> Any:
    """Return an answer with this payment, whose inventory is right."""
    return both(stock_once, work, work)


_DONE: set[str] = set()


@_card
def _a_set_of_the_module(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    if delivery.message.id not in _DONE:
        shop.card.charge(order.order_id, order.total_cents)
        _DONE.add(delivery.message.id)


@_card
def _no_key(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    shop.card.charge(order.order_id, order.total_cents)


@_card
def _a_charge_inside_a_transaction(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        if ("payment", delivery.message.id) not in tables["inbox"]:
            shop.card.charge(order.order_id, order.total_cents)
            tables["inbox"]["payment", delivery.message.id] = True


@_card
def _charges_and_then_marks(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    if ("payment", delivery.message.id) not in shop.db.table("inbox"):
        shop.card.charge(order.order_id, order.total_cents)
        with shop.db.transaction() as tables:
            tables["inbox"]["payment", delivery.message.id] = True


@_card
def _marks_and_then_charges(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    if ("payment", delivery.message.id) not in shop.db.table("inbox"):
        with shop.db.transaction() as tables:
            tables["inbox"]["payment", delivery.message.id] = True
        card_once(shop, order, delivery)


@_card
def _the_mark_of_the_other_service(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    if delivery.message.id not in shop.db.table("inbox"):
        card_once(shop, order, delivery)


@_card
def _a_new_key_each_time(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    shop.card.charge(order.order_id, order.total_cents, key=str(uuid4()))


@_card
def _a_key_by_attempt(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    shop.card.charge(order.order_id, order.total_cents, key=f"{delivery.message.id}/{delivery.attempt}")


@_card
def _a_key_by_customer(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    shop.card.charge(order.order_id, order.total_cents, key=order.customer_id)


@_card
def _a_key_by_customer_and_no_complaint(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    with suppress(IdempotencyKeyError):
        shop.card.charge(order.order_id, order.total_cents, key=order.customer_id)


@_card
def _a_key_by_time(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    shop.card.charge(order.order_id, order.total_cents, key=str(delivery.message.time))


@_card
def _a_key_by_address(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    shop.card.charge(order.order_id, order.total_cents, key=str(id(order)))


@_card
def _charges_at_the_second_attempt(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    if delivery.attempt > 1:
        card_once(shop, order, delivery)


@_card
def _skips_repeated_charges(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    if delivery.attempt == 1:
        card_once(shop, order, delivery)


@_card
def _looks_at_the_cards_list(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    if all(charge.order_id != order.order_id for charge in shop.card.charges):
        shop.card.charge(order.order_id, order.total_cents)


@_card
def _swallows_the_crash(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    try:
        shop.card.charge(order.order_id, order.total_cents)
    except BaseException:  # noqa: BLE001 - that it is too broad is the point
        return


CHARGES = (
    _a_set_of_the_module,
    _no_key,
    _a_charge_inside_a_transaction,
    _charges_and_then_marks,
    _marks_and_then_charges,
    _the_mark_of_the_other_service,
    _a_new_key_each_time,
    _a_key_by_attempt,
    _a_key_by_customer,
    _a_key_by_customer_and_no_complaint,
    _a_key_by_time,
    _a_key_by_address,
    _charges_at_the_second_attempt,
    _skips_repeated_charges,
    _looks_at_the_cards_list,
    _swallows_the_crash,
)
