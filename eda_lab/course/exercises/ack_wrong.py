"""Wrong answers to exercise 05-ack, each of which somebody would write: its check must refuse them all."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from eda_lab.clock import sleep
from eda_lab.delivery import Delivery
from eda_lab.orders import OrderPlaced

__all__ = ["ANSWERS"]


def _charge(order: OrderPlaced, card: Any) -> None:
    card.charge(order.order_id, order.total_cents)


def _nothing(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    pass


def _ack_first(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    delivery.ack()
    _charge(order, card)


async def _ack_first_and_wait(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    delivery.ack()
    await sleep(1.0)
    _charge(order, card)


def _only_the_ack(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    delivery.ack()


def _no_ack(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    _charge(order, card)


def _twice(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    _charge(order, card)
    _charge(order, card)
    delivery.ack()


def _ack_before_and_after(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    delivery.ack()
    _charge(order, card)
    delivery.ack()


def _ack_in_finally(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    try:
        _charge(order, card)
    finally:
        delivery.ack()


def _swallows_the_error(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    with suppress(Exception):
        _charge(order, card)
    delivery.ack()


def _catches_everything(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    with suppress(BaseException):
        _charge(order, card)
    delivery.ack()


def _acks_where_it_fails(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    try:
        _charge(order, card)
    except ConnectionError:
        delivery.ack()
        raise
    delivery.ack()


def _nack_first(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if delivery.attempt == 1:
        delivery.nack()
        return
    _charge(order, card)
    delivery.ack()


def _nack_after_the_charge(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    _charge(order, card)
    delivery.nack()


def _a_dead_letter_where_it_fails(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    try:
        _charge(order, card)
    except ConnectionError:
        delivery.nack(requeue=False)
    else:
        delivery.ack()


def _a_nack_and_then_the_ack(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    try:
        _charge(order, card)
    except ConnectionError:
        delivery.nack()
    delivery.ack()


def _three_tries_and_then_the_ack(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    for _ in range(3):
        try:
            _charge(order, card)
            break
        except ConnectionError:
            continue
    delivery.ack()


def _gives_up_after_three_attempts(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if delivery.attempt <= 3:
        _charge(order, card)
    delivery.ack()


def _rejects(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    _charge(order, card)
    delivery.reject()


def _rejects_repeats(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if delivery.attempt > 1:
        delivery.reject()
        return
    _charge(order, card)
    delivery.ack()


def _no_charge_on_a_repeat(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if delivery.attempt == 1:
        _charge(order, card)
    delivery.ack()


def _ack_at_the_second_attempt(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    _charge(order, card)
    if delivery.attempt == 2:
        delivery.ack()


def _careful_then_ack_first(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if delivery.attempt == 1:
        _charge(order, card)
        delivery.ack()
    else:
        _ack_first(order, delivery, card)


def _ack_without_parentheses(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    _charge(order, card)
    delivery.ack  # noqa: B018


_WAITING: list[OrderPlaced] = []


def _always_one_behind(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    _WAITING.append(order)
    delivery.ack()
    if len(_WAITING) > 1:
        _charge(_WAITING.pop(0), card)


_SEEN: set[str] = set()


def _noted_before_the_charge(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if order.order_id not in _SEEN:
        _SEEN.add(order.order_id)
        _charge(order, card)
    delivery.ack()


def _looks_what_was_charged(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if not any(charge.order_id == order.order_id for charge in card.charges):
        _charge(order, card)
    delivery.ack()


def _always_the_same_order(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    card.charge("12345", 5000)
    delivery.ack()


def _one_key_for_all(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    card.charge(order.order_id, order.total_cents, key="payment")
    delivery.ack()


def _returns_the_charge(order: OrderPlaced, delivery: Delivery, card: Any) -> Any:
    charge = card.charge(order.order_id, order.total_cents)
    delivery.ack()
    return charge


def _two_arguments(order: OrderPlaced, delivery: Delivery) -> None:
    delivery.ack()


ANSWERS = (
    _nothing,
    _ack_first,
    _ack_first_and_wait,
    _only_the_ack,
    _no_ack,
    _twice,
    _ack_before_and_after,
    _ack_in_finally,
    _swallows_the_error,
    _catches_everything,
    _acks_where_it_fails,
    _nack_first,
    _nack_after_the_charge,
    _a_dead_letter_where_it_fails,
    _a_nack_and_then_the_ack,
    _three_tries_and_then_the_ack,
    _gives_up_after_three_attempts,
    _rejects,
    _rejects_repeats,
    _no_charge_on_a_repeat,
    _ack_at_the_second_attempt,
    _careful_then_ack_first,
    _ack_without_parentheses,
    _always_one_behind,
    _noted_before_the_charge,
    _looks_what_was_charged,
    _always_the_same_order,
    _one_key_for_all,
    _returns_the_charge,
    _two_arguments,
)
