"""Wrong answers to exercise 05-ack that treat repeats or failures in a way of their own, and so lose or repeat."""

from __future__ import annotations

from typing import Any

from eda_lab.course.exercises.ack_wrong import ack_first, charge
from eda_lab.delivery import Delivery
from eda_lab.orders import OrderPlaced

__all__ = ["REPEATS"]


def _nack_first(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if delivery.attempt == 1:
        delivery.nack()
        return
    charge(order, card)
    delivery.ack()


def _nack_after_the_charge(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    charge(order, card)
    delivery.nack()


def _a_dead_letter_where_it_fails(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    try:
        charge(order, card)
    except ConnectionError:
        delivery.nack(requeue=False)
    else:
        delivery.ack()


def _a_nack_and_then_the_ack(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    try:
        charge(order, card)
    except ConnectionError:
        delivery.nack()
    delivery.ack()


def _three_tries_and_then_the_ack(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    for _ in range(3):
        try:
            charge(order, card)
            break
        except ConnectionError:
            continue
    delivery.ack()


def _gives_up_after_three_attempts(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if delivery.attempt <= 3:
        charge(order, card)
    delivery.ack()


def _rejects(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    charge(order, card)
    delivery.reject()


def _rejects_repeats(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if delivery.attempt > 1:
        delivery.reject()
        return
    charge(order, card)
    delivery.ack()


def _no_charge_on_a_repeat(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if delivery.attempt == 1:
        charge(order, card)
    delivery.ack()


def _ack_at_the_second_attempt(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    charge(order, card)
    if delivery.attempt == 2:
        delivery.ack()


def _careful_then_ack_first(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if delivery.attempt == 1:
        charge(order, card)
        delivery.ack()
    else:
        ack_first(order, delivery, card)


def _careless_from_the_fourth_attempt(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if delivery.attempt > 3:
        ack_first(order, delivery, card)
        return
    charge(order, card)
    delivery.ack()


def _careless_from_the_seventh_attempt(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if delivery.attempt >= 7:
        ack_first(order, delivery, card)
        return
    charge(order, card)
    delivery.ack()


def _another_error_where_it_fails(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    try:
        charge(order, card)
    except ConnectionError as error:
        raise RuntimeError("the card was not charged") from error
    delivery.ack()


def _raises_to_come_back(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    if delivery.attempt == 1:
        raise ConnectionError("not yet")
    charge(order, card)
    delivery.ack()


def _raises_after_the_ack(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    charge(order, card)
    delivery.ack()
    raise ConnectionError("once more, please")


def _no_charge_after_a_failed_one(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    try:
        charge(order, card)
    except ConnectionError:
        if delivery.attempt == 1:
            raise
    delivery.ack()


REPEATS = (
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
    _careless_from_the_fourth_attempt,
    _careless_from_the_seventh_attempt,
    _another_error_where_it_fails,
    _raises_to_come_back,
    _raises_after_the_ack,
    _no_charge_after_a_failed_one,
)
