"""Exercise 05-ack: every way to keep the promise passes, and a wrong answer is told what became of the order."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from eda_lab import Delivery, OrderPlaced, sleep
from eda_lab.course import check
from eda_lab.course.exercises.ack_plans import plans
from eda_lab.course.exercises.ack_repeats import REPEATS
from eda_lab.course.exercises.ack_wrong import ANSWERS
from eda_lab.orders import PaymentCaptured


def says_what_it_did(order: OrderPlaced, delivery: Delivery, card: Any) -> PaymentCaptured:
    card.charge(order.order_id, order.total_cents)
    delivery.ack()
    return PaymentCaptured(order.order_id, order.total_cents)


def hands_back_what_failed(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    try:
        card.charge(order.order_id, order.total_cents)
    except ConnectionError:
        delivery.nack()
    else:
        delivery.ack()


def returns_where_it_failed(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    try:
        card.charge(order.order_id, order.total_cents)
    except ConnectionError:
        return
    delivery.ack()


def tries_until_it_is_charged(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    while True:
        try:
            card.charge(order.order_id, order.total_cents)
            break
        except ConnectionError:
            continue
    delivery.ack()


def uses_a_key(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    card.charge(order.order_id, order.total_cents, key=delivery.message.id)
    delivery.ack()


def raises_an_error_of_its_own_kind(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    try:
        card.charge(order_id=order.order_id, amount_cents=order.total_cents)
    except ConnectionError as error:
        raise ConnectionResetError(f"order {order.order_id} comes back") from error
    delivery.ack()


def raises_after_some_calls(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    for _ in range(3):
        try:
            card.charge(order.order_id, amount_cents=order.total_cents, key=None)
        except ConnectionError:
            continue
        delivery.ack()
        return
    raise ConnectionError


async def waits_in_between(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    await sleep(1.0)
    card.charge(order.order_id, order.total_cents)
    await sleep(20.0)
    delivery.ack()


RIGHT = [
    says_what_it_did,
    hands_back_what_failed,
    returns_where_it_failed,
    tries_until_it_is_charged,
    uses_a_key,
    raises_an_error_of_its_own_kind,
    raises_after_some_calls,
    lambda order, delivery, card: card.charge(order.order_id, order.total_cents) and delivery.ack(),
    waits_in_between,
]


@pytest.mark.parametrize("answer", RIGHT)
def test_another_right_answer_passes(answer: Callable[..., object]) -> None:
    verdict = check("05-ack", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("ack_first", "was acked first, then crashed before card.charge, so the bus forgot it"),
        ("_ack_in_finally", "was acked first, then failed (ConnectionError: the card provider is down)"),
        (
            "_no_ack",
            "attempt 3 ended without an ack, ..., attempt 12 ended without an ack too, and there the check stops",
        ),
        ("_nack_after_the_charge", "attempt 12 was nacked too, and there the check stops"),
        ("_swallows_the_error", "card.charge raised ConnectionError, your function went on and acked"),
        ("_ack_before_and_after", "you acked twice: keep the one after the charge"),
        ("_careless_from_the_fourth_attempt", "attempt 4 was acked first, then crashed before card.charge"),
        ("_another_error_where_it_fails", "attempt 1 became a dead letter (RuntimeError: the card was not charged)"),
        ("_raises_to_come_back", "attempt 1 failed (ConnectionError: not yet), attempt 2 was acked"),
        ("_returns_both", "return nothing; a lambda always returns, so write a def"),
        ("_twice", "attempt 1 was acked; its card was charged 2 times"),
        ("_rejects", "attempt 1 was rejected: refused for good"),
        ("_no_charge_on_a_repeat", "attempt 1 crashed before card.charge, attempt 2 was acked; its card was never"),
        ("_looks_what_was_charged", "the card provider has no card.charges for you"),
        ("_a_nack_and_then_the_ack", "it was settled already, by nack"),
        ("_two_arguments", "too many positional arguments; begin with: def payment(order, delivery, card)"),
    ],
)
def test_a_wrong_answer_is_told_what_became_of_the_order(name: str, seen: str) -> None:
    assert seen in repr(check("05-ack", {answer.__name__: answer for answer in (*ANSWERS, *REPEATS)}[name]))


def test_the_smallest_run_has_one_order_and_one_crash() -> None:
    verdict = check("05-ack", next(answer for answer in ANSWERS if answer.__name__ == "ack_first"))
    assert verdict.bus is not None
    assert [delivery.outcome for delivery in verdict.bus.trace.deliveries] == ["lost"]


def test_an_answer_that_would_leave_the_program_is_one_that_raises() -> None:
    def leaves(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
        card.charge(order.order_id, order.total_cents)
        delivery.ack()
        sys.exit()

    verdict = check("05-ack", leaves)
    assert "your function raises no error of its own (SystemExit)" in repr(verdict)


def test_the_plans_begin_with_nothing_and_grow() -> None:
    assert len(plans()) == 200
    assert plans()[0].fates == ((),)
    assert [plan.size for plan in plans()] == sorted(plan.size for plan in plans())
    assert max(len(fates) for plan in plans() for fates in plan.fates) == 9


def test_a_call_with_a_wrong_name_is_told_so_in_the_learner_s_words() -> None:
    def payment(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
        card.charge(order.order_id, cents=order.total_cents)
        delivery.ack()

    told = repr(check("05-ack", payment))
    assert "TypeError: card.charge() got an unexpected keyword argument 'cents'" in told
    assert "<locals>" not in told


def test_after_a_failure_the_other_findings_are_not_judged_yet() -> None:
    verdict = check("05-ack", ANSWERS[1])
    assert [finding.passed for finding in verdict.findings] == [False, None, None, None, None, None]
    assert "1 of 6 failed" in repr(verdict)
    assert "-       every order is acked in the end (not judged yet)" in repr(verdict)
