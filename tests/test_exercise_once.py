"""Exercise 06-once: there is more than one right answer, a memory is really lost, and nobody looks behind the stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from eda_lab import Database, Inbox
from eda_lab.course import check
from eda_lab.course.exercises.once_charges import CHARGES
from eda_lab.course.exercises.once_evenings import Evening, ShopFront
from eda_lab.course.exercises.once_marks import MARKS
from eda_lab.course.exercises.once_nights import nights, plain_night
from eda_lab.course.exercises.once_wrong import ANSWERS
from eda_lab.course.exercises.stand_ins import CardFront
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


def with_a_mark_for_each_line(shop: Any) -> Any:
    def inventory(order: Any, delivery: Any) -> None:
        for number, item in enumerate(order.items):
            with shop.db.transaction() as tables:
                if (delivery.message.id, number) not in tables["inbox"]:
                    tables["stock"][item.sku] -= item.quantity
                    tables["inbox"][delivery.message.id, number] = True

    def payment(order: Any) -> None:
        shop.card.charge(order_id=order.order_id, amount_cents=order.total_cents, key=text_of(order))

    return inventory, payment


def text_of(order: Any) -> str:
    """Return all that is in an order."""
    return str(order)


@pytest.mark.parametrize(
    "answer",
    [
        with_a_mark_for_each_line,
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
        ("_mark_first", "attempt 1 crashed after db.commit, attempt 2 was acked; pieces ordered: 2 PROD1, taken: none"),
        (
            "_mark_by_content",
            "order 12346 of ADA at inventory: attempt 1 was acked; pieces ordered: 2 PROD1, taken: none",
        ),
        ("_a_set_of_the_module", "your functions still remembered the first shop, in a variable"),
        (
            "_a_charge_inside_a_transaction",
            "crashed after card.charge, attempt 2 was acked; cents to pay: 5000, charged",
        ),
        ("_a_key_by_customer", "the key 'ADA' was given for card.charge('12345', 5000)"),
        (
            "_a_mark_for_each_product",
            "two lines of the same product: order 12345 of ADA at inventory: attempt 1 was acked",
        ),
        ("_the_newest_ten_marks", "a night with 40 orders, the first one repeated after all others: order 12345"),
        ("_a_mark_in_the_stock", "the row '1' is new or gone: marks belong into tables[\"inbox\"]"),
        ("_all_pieces_of_the_first_product", "pieces ordered: 2 PROD1 and 1 PROD2, taken: 3 PROD1"),
        ("_returned_in_the_wrong_order", "inventory charges the card and payment takes pieces"),
        ("_all_work_in_inventory", "inventory charges the card: that is the work of the other one"),
        ("_the_same_mark_for_both", "inventory and payment share this inbox, and get the same message id"),
        ("_a_transaction_inside_another", "inventory failed with a transaction inside a transaction"),
        ("_a_set_in_memory", "remember in shop.db: a crash empties your variables"),
        ("_a_set_beside_the_marks", "remember in shop.db: a crash empties your variables"),
        ("_a_key_by_hash", "after a crash yours is a new process, in which hash(...) gives another number"),
        ("_a_key_by_the_hash_of_a_helper", "in which hash(...) gives another number"),
        ("_a_key_by_the_address_of_the_number", "in which id(...) gives another number"),
        ("_looks_at_the_cards_list", "the card provider has no card.charges for you"),
    ],
)
def test_a_wrong_answer_is_told_its_story(name: str, seen: str) -> None:
    verdict = check("06-once", {answer.__name__: answer for answer in (*ANSWERS, *CHARGES, *MARKS)}[name])
    assert seen in repr(verdict)


def test_a_memory_outside_of_the_database_is_found_at_each_check() -> None:
    answer = next(answer for answer in CHARGES if answer.__name__ == "_a_set_of_the_module")
    assert repr(check("06-once", answer)) == repr(check("06-once", answer))


def test_a_charge_that_is_returned_gets_advice() -> None:
    def open_services(shop: Any) -> Any:
        inventory, _ = by_the_number_of_the_order(shop)
        return inventory, lambda order: shop.card.charge(order.order_id, order.total_cents, key=order.order_id)

    assert "do not return what the provider answers" in repr(check("06-once", open_services))


def test_no_advice_is_given_where_nothing_shows_that_it_would_help() -> None:
    told = repr(check("06-once", next(answer for answer in ANSWERS if answer.__name__ == "_no_mark")))
    assert not any(words in told for words in ("share this inbox", "empties your variables", "new process"))


def test_a_key_that_the_other_service_moves_is_no_shared_mark() -> None:
    def open_services(shop: Any) -> Any:
        def payment(order: Any) -> None:
            key = f"{order.order_id}-{len(shop.db.table('inbox'))}"
            shop.card.charge(order.order_id, order.total_cents, key=key)

        def inventory(order: Any) -> None:
            with shop.db.transaction() as tables:
                if order.order_id not in tables["inbox"]:
                    take(tables, order)
                    tables["inbox"][order.order_id] = True

        return inventory, payment

    verdict = check("06-once", open_services)
    assert not verdict.passed
    assert "share this inbox" not in repr(verdict)


def test_what_a_function_carries_is_with_it_in_a_new_process() -> None:
    def open_services(shop: Any) -> Any:
        inventory, _ = by_the_number_of_the_order(shop)
        return inventory, lambda order: remembering(shop, order)

    remembering.prefix = "charge"  # type: ignore[attr-defined]
    assert check("06-once", open_services).passed


def remembering(shop: Any, order: Any) -> None:
    """Charge a card, with a key whose beginning is an attribute of this function."""
    key = f"{remembering.prefix} {order.order_id}"  # type: ignore[attr-defined]
    shop.card.charge(order.order_id, order.total_cents, key=key)


def test_a_call_with_a_wrong_name_is_told_so_without_the_names_of_the_lab() -> None:
    def open_services(shop: Any) -> Any:
        inventory, _ = by_the_number_of_the_order(shop)
        return inventory, lambda order: shop.card.charge(order.order_id, cents=5000, key=order.order_id) and None

    told = repr(check("06-once", open_services))
    assert "payment failed with TypeError: card.charge() got an unexpected keyword argument 'cents'" in told
    assert "CardFront" not in told


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
