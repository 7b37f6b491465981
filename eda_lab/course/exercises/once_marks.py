"""Wrong answers to exercise 06-once with a mark or a key that is almost right: shared, forgotten, or misplaced."""

from __future__ import annotations

from typing import Any

from eda_lab.course.exercises.once_wrong import Work, both, card_once, stock_once
from eda_lab.delivery import Delivery
from eda_lab.orders import OrderPlaced

__all__ = ["MARKS"]


def _stock(work: Work) -> Any:
    return both(work, card_once, work)


@_stock
def _a_mark_for_each_product(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        for item in order.items:
            mark = f"{delivery.message.id}/{item.sku}"
            if mark not in tables["inbox"]:
                tables["stock"][item.sku] -= item.quantity
                tables["inbox"][mark] = 1


@_stock
def _a_transaction_for_each_product(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    for item in order.items:
        with shop.db.transaction() as tables:
            mark = (delivery.message.id, item.sku)
            if mark not in tables["inbox"]:
                tables["stock"][item.sku] -= item.quantity
                tables["inbox"][mark] = 1


@_stock
def _a_transaction_for_each_line_and_one_mark(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    for item in order.items:
        with shop.db.transaction() as tables:
            if delivery.message.id not in tables["inbox"]:
                tables["stock"][item.sku] -= item.quantity
            if item is order.items[-1]:
                tables["inbox"][delivery.message.id] = 1


@_stock
def _the_newest_ten_marks(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        marks = tables["inbox"].get("newest", ())
        if delivery.message.id not in marks:
            for item in order.items:
                tables["stock"][item.sku] -= item.quantity
            tables["inbox"]["newest"] = (*marks, delivery.message.id)[-10:]


@_stock
def _a_mark_in_the_stock(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        if delivery.message.id not in tables["stock"]:
            for item in order.items:
                tables["stock"][item.sku] -= item.quantity
            tables["stock"][delivery.message.id] = 0


@_stock
def _all_pieces_of_the_first_product(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        if delivery.message.id not in tables["inbox"]:
            tables["stock"][order.items[0].sku] -= sum(item.quantity for item in order.items)
            tables["inbox"][delivery.message.id] = 1


@_stock
def _a_transaction_inside_another(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        if delivery.message.id not in tables["inbox"]:
            for item in order.items:
                tables["stock"][item.sku] -= item.quantity
            with shop.db.transaction() as inner:
                inner["inbox"][delivery.message.id] = 1


def _the_same_mark_for_both(shop: Any) -> Any:
    def payment(order: OrderPlaced, delivery: Delivery) -> None:
        with shop.db.transaction() as tables:
            if delivery.message.id not in tables["inbox"]:
                shop.card.charge(order.order_id, order.total_cents, key=delivery.message.id)
                tables["inbox"][delivery.message.id] = "charged"

    return lambda order, delivery: stock_once(shop, order, delivery), payment


def _returned_in_the_wrong_order(shop: Any) -> Any:
    inventory, payment = both(stock_once, card_once, stock_once)(shop)
    return payment, inventory


def _all_work_in_inventory(shop: Any) -> Any:
    def inventory(order: OrderPlaced, delivery: Delivery) -> None:
        stock_once(shop, order, delivery)
        card_once(shop, order, delivery)

    return inventory, lambda order: None


def _a_key_by_hash(shop: Any) -> Any:
    def payment(order: OrderPlaced) -> None:
        shop.card.charge(order.order_id, order.total_cents, key=str(hash(order)))

    return lambda order, delivery: stock_once(shop, order, delivery), payment


def _key_of(order: OrderPlaced) -> str:
    return f"charge {hash(order.order_id)}"


def _a_key_by_the_hash_of_a_helper(shop: Any) -> Any:
    def payment(order: OrderPlaced) -> None:
        shop.card.charge(order.order_id, order.total_cents, key=_key_of(order))

    return lambda order, delivery: stock_once(shop, order, delivery), payment


def _a_key_by_the_address_of_the_number(shop: Any) -> Any:
    def payment(order: OrderPlaced) -> None:
        shop.card.charge(order.order_id, order.total_cents, key=str(id(order.order_id)))

    return lambda order, delivery: stock_once(shop, order, delivery), payment


def _a_mark_by_hash(shop: Any) -> Any:
    def inventory(order: OrderPlaced) -> None:
        with shop.db.transaction() as tables:
            if hash(order) not in tables["inbox"]:
                for item in order.items:
                    tables["stock"][item.sku] -= item.quantity
                tables["inbox"][hash(order)] = 1

    return inventory, lambda order, delivery: card_once(shop, order, delivery)


def _a_set_beside_the_marks(shop: Any) -> Any:
    done: set[str] = set()

    def payment(order: OrderPlaced, delivery: Delivery) -> None:
        if order.order_id not in done:
            shop.card.charge(order.order_id, order.total_cents)
            done.add(order.order_id)

    return lambda order, delivery: stock_once(shop, order, delivery), payment


MARKS = (
    _a_mark_for_each_product,
    _a_transaction_for_each_product,
    _a_transaction_for_each_line_and_one_mark,
    _the_newest_ten_marks,
    _a_mark_in_the_stock,
    _all_pieces_of_the_first_product,
    _a_transaction_inside_another,
    _the_same_mark_for_both,
    _returned_in_the_wrong_order,
    _all_work_in_inventory,
    _a_key_by_hash,
    _a_key_by_the_hash_of_a_helper,
    _a_key_by_the_address_of_the_number,
    _a_mark_by_hash,
    _a_set_beside_the_marks,
)
