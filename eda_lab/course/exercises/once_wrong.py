"""Wrong answers to exercise 06-once whose stock, or whose form, is wrong: its check must refuse them all."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from eda_lab.delivery import Delivery
from eda_lab.inbox import Inbox
from eda_lab.orders import OrderPlaced

__all__ = ["ANSWERS", "Work", "both", "card_once", "stock_once"]

Work = Callable[[Any, OrderPlaced, Delivery], None]
Answer = Callable[[Any], Any]


def _take(tables: Any, order: OrderPlaced) -> None:
    for item in order.items:
        tables["stock"][item.sku] -= item.quantity


def stock_once(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    """Do it right."""
    with shop.db.transaction() as tables:
        if delivery.message.id not in tables["inbox"]:
            _take(tables, order)
            tables["inbox"][delivery.message.id] = True


def card_once(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    """Do it right."""
    shop.card.charge(order.order_id, order.total_cents, key=delivery.message.id)


def both(stock: Work, card: Work, name: Work) -> Answer:
    """Return an answer made of the work of the two services, under the name of the one that is wrong."""

    @wraps(name)
    def open_services(shop: Any) -> Any:
        def inventory(order: OrderPlaced, delivery: Delivery) -> None:
            stock(shop, order, delivery)

        def payment(order: OrderPlaced, delivery: Delivery) -> None:
            card(shop, order, delivery)

        return inventory, payment

    return open_services


def _stock(work: Work) -> Answer:
    return both(work, card_once, work)


def _nothing(shop: Any) -> Any:
    return (lambda order: None), (lambda order: None)


def _twice(shop: Any) -> Any:
    def inventory(order: OrderPlaced) -> None:
        with shop.db.transaction() as tables:
            _take(tables, order)
            _take(tables, order)

    return inventory, lambda order, delivery: card_once(shop, order, delivery)


def _forgets_to_return(shop: Any) -> None:
    both(stock_once, card_once, stock_once)(shop)


def _swapped(shop: Any) -> Any:
    def inventory(order: OrderPlaced, delivery: Delivery) -> None:
        with shop.db.transaction() as tables:
            _take(tables, order)
        card_once(shop, order, delivery)

    return inventory, lambda order: None


@_stock
def _no_mark(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        _take(tables, order)


@_stock
def _mark_first(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    if delivery.message.id in shop.db.table("inbox"):
        return
    with shop.db.transaction() as tables:
        tables["inbox"][delivery.message.id] = True
    with shop.db.transaction() as tables:
        _take(tables, order)


@_stock
def _mark_in_another_transaction(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    if delivery.message.id in shop.db.table("inbox"):
        return
    with shop.db.transaction() as tables:
        _take(tables, order)
    with shop.db.transaction() as tables:
        tables["inbox"][delivery.message.id] = True


@_stock
def _three_transactions(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        seen = delivery.message.id in tables["inbox"]
    if not seen:
        with shop.db.transaction() as tables:
            _take(tables, order)
        with shop.db.transaction() as tables:
            tables["inbox"][delivery.message.id] = True


@_stock
def _looks_and_never_marks(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        if delivery.message.id not in tables["inbox"]:
            _take(tables, order)


@_stock
def _mark_by_content(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        if (order.customer_id, order.items) not in tables["inbox"]:
            _take(tables, order)
            tables["inbox"][order.customer_id, order.items] = True


@_stock
def _mark_by_attempt(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        mark = (delivery.message.id, delivery.attempt)
        if mark not in tables["inbox"]:
            _take(tables, order)
            tables["inbox"][mark] = True


@_stock
def _only_the_last_mark(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        if tables["inbox"].get("last") != delivery.message.id:
            _take(tables, order)
            tables["inbox"]["last"] = delivery.message.id


@_stock
def _only_what_is_newer(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        if int(delivery.message.id) > tables["inbox"].get("last", 0):
            _take(tables, order)
            tables["inbox"]["last"] = int(delivery.message.id)


@_stock
def _skips_repeats(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    if delivery.attempt == 1:
        with shop.db.transaction() as tables:
            _take(tables, order)


@_stock
def _raises_at_a_repeat(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        assert delivery.message.id not in tables["inbox"], "this order was here before"
        _take(tables, order)
        tables["inbox"][delivery.message.id] = True


@_stock
def _acks_by_itself(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    stock_once(shop, order, delivery)
    delivery.ack()


@_stock
def _an_inbox_in_memory(shop: Any, order: OrderPlaced, delivery: Delivery) -> None:
    Inbox().once(lambda order, delivery: _no_inbox(shop, order))(order, delivery)


def _no_inbox(shop: Any, order: OrderPlaced) -> None:
    with shop.db.transaction() as tables:
        _take(tables, order)


def _a_set_in_memory(shop: Any) -> Any:
    done: set[str] = set()

    def inventory(order: OrderPlaced, delivery: Delivery) -> None:
        if delivery.message.id not in done:
            _no_inbox(shop, order)
            done.add(delivery.message.id)

    return inventory, lambda order, delivery: card_once(shop, order, delivery)


ANSWERS = (
    _nothing,
    _twice,
    _forgets_to_return,
    _swapped,
    _no_mark,
    _mark_first,
    _mark_in_another_transaction,
    _three_transactions,
    _looks_and_never_marks,
    _mark_by_content,
    _mark_by_attempt,
    _only_the_last_mark,
    _only_what_is_newer,
    _skips_repeats,
    _raises_at_a_repeat,
    _acks_by_itself,
    _an_inbox_in_memory,
    _a_set_in_memory,
)
