"""Exercise 07-redrive: there is more than one right answer, and each of them passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eda_lab import Delivery, EventBus, OrderPlaced, Retry, Shop
from eda_lab.course import check
from eda_lab.course.exercises.redrive_days import Front, days
from eda_lab.course.exercises.redrive_handlers import HANDLERS
from eda_lab.course.exercises.redrive_rules import RULES, Fix, charge_and_send, open_billing

PASSING = Retry(max_attempts=10, retry_on=(ConnectionError, TimeoutError))


def both_are_children_of_one_class(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, Retry(max_attempts=8, retry_on=(OSError,)))


def no_limit_for_what_passes(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, Retry(max_attempts=None, jitter=0.3, retry_on=(OSError,)))


def the_id_of_the_message_as_key(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced, delivery: Delivery) -> None:
        charge_and_send(shop, order, delivery.message.id, delivery.message.id)

    return open_billing(bus, shop, work=bill)


def the_parcel_first(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> None:
        shop.parcels.request(order.order_id, order.customer_id, key=order.order_id)
        shop.card.charge(order.order_id, order.total_cents)

    return open_billing(bus, shop, work=bill)


def a_look_into_the_books_of_the_card_provider(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> None:
        if not shop.card.held_cents(order.order_id):
            shop.card.charge(order.order_id, order.total_cents)
        shop.parcels.request(order.order_id, order.customer_id)

    return open_billing(bus, shop, work=bill)


def acked_by_hand(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced, delivery: Delivery) -> None:
        try:
            charge_and_send(shop, order, order.order_id, order.order_id)
        except OSError:
            raise
        except Exception:  # noqa: BLE001 - whatever else it is, it stays
            delivery.nack(requeue=False)
        else:
            delivery.ack()

    return open_billing(bus, shop, work=bill, ack="manual")


def letter_by_letter(bus: Any, shop: Shop) -> Fix:
    open_billing(bus, shop)

    def after_the_fix(known: set[str]) -> None:
        for letter in bus.dead_letters("billing"):
            if all(item.sku in known for item in letter.message.data.items):
                bus.redrive("billing", where=lambda each, this=letter: each.message.id == this.message.id)

    return after_the_fix


@pytest.mark.parametrize(
    "answer",
    [
        both_are_children_of_one_class,
        no_limit_for_what_passes,
        the_id_of_the_message_as_key,
        the_parcel_first,
        a_look_into_the_books_of_the_card_provider,
        acked_by_hand,
        letter_by_letter,
    ],
)
def test_another_right_answer_passes(answer: Callable[..., object]) -> None:
    verdict = check("07-redrive", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("_nothing", "no parcel and no dead letter"),
        ("_redrives_everything", "('PORD1') placed at 0 s"),
        ("_retries_everything_for_ever", "no parcel and no dead letter"),
        ("_retries_nothing", "dead letter after 1 attempt"),
        ("_forgets_the_timeouts", "bank did not answer at"),
        ("_charges_without_a_key", "card charged at 0.5, 2, 4.5, 9 s"),
        ("_a_key_for_each_customer", "IdempotencyKeyError"),
        ("_tries_for_ever_in_the_handler", "your handler asks again and again"),
        ("_redrives_at_once", "nothing is repaired yet"),
    ],
)
def test_a_wrong_answer_is_told_in_words_what_happened(name: str, seen: str) -> None:
    answers = {answer.__name__: answer for answer in (*RULES, *HANDLERS)}
    assert seen in repr(check("07-redrive", answers[name]))


def test_what_stands_in_the_way_of_nobody_passes_without_a_word() -> None:
    """The verdict on a right answer tells no story of a day."""
    assert "simplest such day" not in repr(check("07-redrive", lambda bus, shop: open_billing(bus, shop)))


@pytest.mark.parametrize("returned", [None, {"PROD2"}, "redrive"])
def test_an_answer_that_gives_nothing_to_call_is_told_so(returned: object) -> None:
    verdict = check("07-redrive", lambda bus, shop: returned)
    assert f"it returned {returned!r}" in repr(verdict)


def test_the_days_begin_simple_and_hold_all_kinds_of_trouble() -> None:
    all_days = days()
    assert len(all_days[0].orders) == 1
    assert all_days[0].away is None
    assert {day.away[0] for day in all_days if day.away} == {"desk", "ADA", "BOB", "CLEO"}
    skus = {item.sku for day in all_days for _, order in day.orders for item in order.items}
    assert skus == {"PROD1", "PROD2", "PROD3", "PROD4", "PORD1", "PROD9", "PROD1 "}


def test_the_bus_of_an_answer_offers_what_it_needs_and_no_more() -> None:
    with pytest.raises(AttributeError, match=r"there is no bus\.trace here"):
        _ = Front(EventBus()).trace
