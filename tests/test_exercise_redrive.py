"""Exercise 07-redrive: there is more than one right answer, and each of them passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from eda_lab import DeadLetter, Delivery, EventBus, OrderPlaced, Retry, Shop
from eda_lab.course import check
from eda_lab.course.exercises.redrive_charges import CHARGES
from eda_lab.course.exercises.redrive_days import KNOWN, Day, days
from eda_lab.course.exercises.redrive_handlers import HANDLERS
from eda_lab.course.exercises.redrive_rules import RULES, Fix, charge_and_send, open_billing
from eda_lab.course.exercises.redrive_world import Front
from eda_lab.delivery import later


def both_are_children_of_one_class(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, Retry(max_attempts=8, retry_on=(OSError,)))


def twenty_tries_with_jitter(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, Retry(max_attempts=20, jitter=0.3, retry_on=(OSError,)))


def a_list_of_errors(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, Retry(max_attempts=8, retry_on=[TimeoutError, ConnectionError]))  # type: ignore[arg-type]


def the_id_of_the_message_as_key(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced, delivery: Delivery) -> None:
        charge_and_send(shop, order, delivery.message.id, delivery.message.id)

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


def one_letter_at_a_time(bus: Any, shop: Shop) -> Fix:
    open_billing(bus, shop)

    def after_the_fix(known: set[str]) -> None:
        for letter in bus.dead_letters("billing"):
            if {item.sku for item in letter.message.data.items} <= known:
                bus.redrive("billing", where=lambda each, this=letter: each is this)

    return after_the_fix


def letters_in_a_list(bus: Any, shop: Shop) -> Fix:
    open_billing(bus, shop)

    def after_the_fix(known: set[str]) -> None:
        good = [x for x in bus.dead_letters() if all(item.sku in known for item in x.message.data.items)]
        bus.redrive("billing", where=lambda letter: letter in good)

    return after_the_fix


def not_what_was_given_up(bus: Any, shop: Shop) -> Fix:
    def repaired(letter: DeadLetter, known: set[str]) -> bool:
        return letter.error.startswith("Unknown") and {item.sku for item in letter.message.data.items} <= known

    return open_billing(bus, shop, where=repaired)


def four_workers(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, workers=4)


def by_decorator(bus: Any, shop: Shop) -> Fix:
    @bus.on("order_*", name="billing", retry=Retry(max_attempts=9, retry_on=(ConnectionError, TimeoutError)))
    def bill(order: OrderPlaced) -> None:
        charge_and_send(shop, order, f"order {order.order_id}", None)

    def after_the_fix(known: set[str]) -> None:
        bus.redrive("billing", lambda letter: not [i for i in letter.message.data.items if i.sku not in known])

    return after_the_fix


def counted_and_published_again(bus: Any, shop: Shop) -> Fix:
    """At most 20 tries, then a dead letter: it does by hand what `Retry` does."""
    tries: Counter[str] = Counter()

    def bill(order: OrderPlaced) -> Any:
        tries[order.order_id] += 1
        try:
            charge_and_send(shop, order, order.order_id, order.order_id)
        except OSError:
            if tries[order.order_id] == 20:
                raise
            return later(5, order)
        return None

    return open_billing(bus, shop, None, work=bill)


@pytest.mark.parametrize(
    "answer",
    [
        both_are_children_of_one_class,
        twenty_tries_with_jitter,
        a_list_of_errors,
        the_id_of_the_message_as_key,
        a_look_into_the_books_of_the_card_provider,
        acked_by_hand,
        letter_by_letter,
        one_letter_at_a_time,
        letters_in_a_list,
        not_what_was_given_up,
        four_workers,
        by_decorator,
        counted_and_published_again,
    ],
)
def test_another_right_answer_passes(answer: Callable[..., object]) -> None:
    verdict = check("07-redrive", answer)
    assert verdict.passed, verdict


@pytest.mark.filterwarnings("ignore::eda_lab.handlers.LabWarning")  # of publishing from a handler
@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("_nothing", "no parcel and no dead letter"),
        ("_redrives_everything", "desk refused it at 0.5, 3,600.5 s"),
        ("_tries_without_a_limit", "away all day"),
        ("_tries_once_too_often", "s (21 times), dead letter after 21 attempts"),
        ("_publishes_again_what_passes", "away all day"),
        ("_waits_in_the_handler_of_ten_workers", "order 29050 of BOB ('PROD3') placed at 1 s, card charged at 41 s"),
        ("_waits_in_place", "with in_place=True a worker waits"),
        ("_takes_nothing_after_the_fix", "after_the_fix takes `known`"),
        ("_a_where_of_two", "where= takes a function of one parameter"),
        ("_a_note_in_memory", "the bank's answer was lost at 0.5"),
        ("_the_address_as_key", "id(...) gives another number in each process"),
        ("_the_hash_as_key", "hash(...) gives another number in each process"),
        ("_the_parcel_first", "no parcel is sent before its card is charged"),
        ("_retries_everything_for_ever", "no parcel and no dead letter"),
        ("_retries_nothing", "dead letter after 1 attempt"),
        ("_forgets_the_timeouts", "bank did not answer at"),
        ("_charges_without_a_key", "card charged at 0.5, 3,600.5 s"),
        ("_a_key_for_each_customer", "IdempotencyKeyError"),
        ("_tries_for_ever_in_the_handler", "your handler asks again and again"),
        ("_redrives_at_once", "nothing is repaired yet"),
        ("_repairs_the_bus_itself", "there is no bus.repair here"),
    ],
)
def test_a_wrong_answer_is_told_in_words_what_happened(name: str, seen: str) -> None:
    answers = {answer.__name__: answer for answer in (*RULES, *HANDLERS, *CHARGES)}
    assert seen in repr(check("07-redrive", answers[name]))


def test_what_stands_in_the_way_of_nobody_passes_without_a_word() -> None:
    """The verdict on a right answer tells no story of a day."""
    assert "simplest such day" not in repr(check("07-redrive", lambda bus, shop: open_billing(bus, shop)))


@pytest.mark.parametrize("returned", [None, {"PROD2"}, "redrive"])
def test_an_answer_that_gives_nothing_to_call_is_told_so(returned: object) -> None:
    verdict = check("07-redrive", lambda bus, shop: returned)
    assert f"it returned {returned!r}" in repr(verdict)


def test_what_was_not_tried_is_not_called_right() -> None:
    """After the first day that fails the others are not tried."""
    verdict = check("07-redrive", lambda bus, shop: open_billing(bus, shop, where=lambda letter, known: True))
    assert verdict.findings[0].passed is True
    assert {f.passed for f in verdict.findings[1:]} == {False, None}


def test_the_days_begin_simple_and_hold_all_kinds_of_trouble() -> None:
    all_days = days()
    assert len(all_days[0].orders) == 1
    assert all_days[0].trouble is None
    troubles = {(t.who, t.lost, t.all_day) for day in all_days if (t := day.trouble)}
    assert troubles == {(who, lost, long) for who in ("ADA", "BOB", "CLEO") for lost in (0, 1) for long in (0, 1)} | {
        ("desk", False, False),
        ("desk", False, True),
    }
    assert len({day.learns for day in all_days}) > 60
    skus = {item.sku for day in all_days for _, order in day.orders for item in order.items}
    assert {"PROD1", "PROD3", "PORD1", "PROD1 ", "prod1"} < skus


def test_on_some_days_two_articles_are_missing_and_one_is_entered() -> None:
    def asked(day: Day) -> set[str]:
        return {item.sku for _, order in day.orders for item in order.items}

    missing = [{sku for sku in asked(day) - KNOWN if sku[4:].isdigit()} for day in days()]
    both = [day for day, skus in zip(days(), missing, strict=True) if len(skus) == 2 and day.learns in skus]
    assert len(both) > 20


def test_the_bus_of_an_answer_offers_what_it_needs_and_no_more() -> None:
    with pytest.raises(AttributeError, match=r"there is no bus\.trace here"):
        _ = Front(EventBus(), lambda: True).trace
