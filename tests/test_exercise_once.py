"""Exercise 06-once: there is more than one right answer, a memory is really lost, and nobody looks behind the stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from eda_lab import Database, Inbox
from eda_lab.course import check
from eda_lab.course.exercises.once_charges import CHARGES
from eda_lab.course.exercises.once_nights import CardFront, Evening, ShopFront, nights, plain_night
from eda_lab.course.exercises.once_wrong import ANSWERS
from eda_lab.effects import CardProvider
from eda_lab.errors import EdaLabError


def take(tables: Any, order: Any) -> None:
    """Take the pieces of an order."""
    for item in order.items:
        tables["stock"][item.sku] -= item.quantity


def with_the_librarys_inbox(shop: Any) -> Any:
    def inventory(order: Any, tables: Any) -> None:
        take(tables, order)

    def payment(order: Any, delivery: Any) -> None:
        shop.card.charge(order.order_id, order.total_cents, key=delivery.message.id)

    return Inbox(shop.db).once(inventory), payment


def by_the_number_of_the_order(shop: Any) -> Any:
    def inventory(order: Any) -> None:
        with shop.db.transaction() as tables:
            done = tables["inbox"].setdefault("done", [])
            if order.order_id not in done:
                take(tables, order)
                done.append(order.order_id)

    def payment(order: Any) -> None:
        shop.card.charge(order.order_id, order.total_cents, key=f"charge of {order.order_id}")

    return [inventory, payment]


def with_a_key_drawn_once_and_kept(shop: Any) -> Any:
    inventory, _ = by_the_number_of_the_order(shop)

    def payment(order: Any, delivery: Any) -> None:
        with shop.db.transaction() as tables:
            key = tables["inbox"].setdefault(("key", delivery.message.id), str(uuid4()))
        shop.card.charge(order.order_id, order.total_cents, key=key)

    return inventory, payment


def with_an_inbox_around_the_keyed_charge(shop: Any) -> Any:
    inventory, _ = by_the_number_of_the_order(shop)

    def payment(order: Any, delivery: Any) -> None:
        with shop.db.transaction() as tables:
            if ("payment", delivery.message.id) not in tables["inbox"]:
                shop.card.charge(order.order_id, order.total_cents, key=delivery.message.id)
                tables["inbox"]["payment", delivery.message.id] = True

    return inventory, payment


@pytest.mark.parametrize(
    "answer",
    [
        with_the_librarys_inbox,
        by_the_number_of_the_order,
        with_a_key_drawn_once_and_kept,
        with_an_inbox_around_the_keyed_charge,
    ],
)
def test_another_right_answer_passes(answer: Callable[..., object]) -> None:
    verdict = check("06-once", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("_forgets_to_return", "return inventory, payment"),
        ("_mark_first", "attempt 1 crashed after db.commit, attempt 2 was acked; pieces ordered: 2, taken: 0"),
        ("_mark_by_content", "order 12346 of ADA at inventory: attempt 1 was acked; pieces ordered: 2, taken: 0"),
        ("_a_set_of_the_module", "your functions still remembered the first shop, in a variable"),
        (
            "_a_charge_inside_a_transaction",
            "crashed after card.charge, attempt 2 was acked; cents to pay: 5000, charged",
        ),
        ("_a_key_by_customer", "the key 'ADA' was given for card.charge('12345', 5000)"),
        ("_looks_at_the_cards_list", "the card provider has no charges for you"),
    ],
)
def test_a_wrong_answer_is_told_its_story(name: str, seen: str) -> None:
    verdict = check("06-once", {answer.__name__: answer for answer in (*ANSWERS, *CHARGES)}[name])
    assert seen in repr(verdict)


def test_a_memory_outside_of_the_database_is_found_at_each_check() -> None:
    answer = next(answer for answer in CHARGES if answer.__name__ == "_a_set_of_the_module")
    assert repr(check("06-once", answer)) == repr(check("06-once", answer))


def test_a_charge_that_is_returned_gets_advice() -> None:
    def open_services(shop: Any) -> Any:
        inventory, _ = by_the_number_of_the_order(shop)
        return inventory, lambda order: shop.card.charge(order.order_id, order.total_cents, key=order.order_id)

    assert "do not return what the provider answers" in repr(check("06-once", open_services))


def test_nights_are_sorted_by_how_much_there_is_to_read_at_first() -> None:
    assert len(nights()) > 300  # as the lesson says
    assert [len(night.crashes) for night in nights()[:3]] == [0, 1, 1]
    assert str(nights()[0]) == "1 order"


def test_a_crashed_service_is_built_anew_and_gets_other_objects() -> None:
    built, orders = [], []

    def open_services(shop: Any) -> Any:
        built.append(shop)
        return (lambda order: None), orders.append

    crashing = next(night for night in nights() if night.crashes and night.crashes[0].consumer == "payment")
    Evening(crashing, open_services)
    assert len(built) == 3
    assert len({id(shop) for shop in built}) == 3
    Evening(plain_night(7), open_services)
    assert len({id(order) for order in orders}) == len(orders)


def test_the_front_of_the_shop_keeps_nothing() -> None:
    shop: Any = ShopFront(Database(), CardProvider())
    with pytest.raises(EdaLabError, match="only shop"):
        _ = shop.mail
    with pytest.raises(AttributeError):
        shop.done = set()
    card: Any = CardFront(CardProvider())
    with pytest.raises(EdaLabError, match="what you remember belongs into"):
        card.done = set()
