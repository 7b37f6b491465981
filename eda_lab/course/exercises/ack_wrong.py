"""Wrong answers to exercise 05-ack, each of which somebody would write: its check must refuse them all."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from eda_lab.clock import sleep
from eda_lab.delivery import Delivery
from eda_lab.orders import OrderPlaced

__all__ = ["ANSWERS", "ack_first", "charge"]


def charge(order: OrderPlaced, card: Any) -> None:
    """Charge the card of an order."""
    card.charge(order.order_id, order.total_cents)


def _nothing(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    pass


def ack_first(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    """Ack, then charge: the stub of the lesson."""
    delivery.ack()
    charge(order, card)


async def _ack_first_and_wait(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    delivery.ack()
    await sleep(1.0)
    charge(order, card)


def _only_the_ack(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    delivery.ack()


def _no_ack(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    charge(order, card)


def _twice(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    charge(order, card)
    charge(order, card)
    delivery.ack()


def _ack_before_and_after(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    delivery.ack()
    charge(order, card)
    delivery.ack()


def _ack_in_finally(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    try:
        charge(order, card)
    finally:
        delivery.ack()


def _swallows_the_error(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    with suppress(Exception):
        charge(order, card)
    delivery.ack()


def _catches_everything(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    with suppress(BaseException):
        charge(order, card)
    delivery.ack()


def _acks_where_it_fails(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    try:
        charge(order, card)
    except ConnectionError:
        delivery.ack()
        raise
    delivery.ack()


def _ack_without_parentheses(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    charge(order, card)
    delivery.ack  # noqa: B018


_WAITING: list[OrderPlaced] = []


def _always_one_behind(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    _WAITING.append(order)
    delivery.ack()
    if len(_WAITING) > 1:
        charge(_WAITING.pop(0), card)


_SEEN: set[str] = set()


def _noted_before_the_charge(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if order.order_id not in _SEEN:
        _SEEN.add(order.order_id)
        charge(order, card)
    delivery.ack()


def _looks_what_was_charged(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if not any(charge.order_id == order.order_id for charge in card.charges):
        charge(order, card)
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


def _acks_first_and_returns_both(order: OrderPlaced, delivery: Any, card: Any) -> Any:
    return delivery.ack(), card.charge(order.order_id, order.total_cents)


def _returns_both(order: OrderPlaced, delivery: Any, card: Any) -> Any:
    return card.charge(order.order_id, order.total_cents), delivery.ack()


def _acks_twice(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    charge(order, card)
    delivery.ack()
    delivery.ack()


ANSWERS = (
    _nothing,
    ack_first,
    _ack_first_and_wait,
    _only_the_ack,
    _no_ack,
    _twice,
    _ack_before_and_after,
    _ack_in_finally,
    _swallows_the_error,
    _catches_everything,
    _acks_where_it_fails,
    _ack_without_parentheses,
    _always_one_behind,
    _noted_before_the_charge,
    _looks_what_was_charged,
    _always_the_same_order,
    _one_key_for_all,
    _returns_the_charge,
    _two_arguments,
    _acks_first_and_returns_both,
    _returns_both,
    _acks_twice,
)
