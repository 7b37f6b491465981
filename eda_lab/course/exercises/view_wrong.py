"""Wrong answers to exercise 08-projection whose form, mark or memory is wrong: its check must refuse them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

from eda_lab.delivery import Delivery
from eda_lab.orders import OrderPlaced
from eda_lab.roles import projector, reactor

__all__ = ["ANSWERS", "Work", "add", "day_of", "marked", "once"]

Work = Callable[[Any, Any, Delivery], Any]


def day_of(delivery: Delivery) -> int:
    """Do it right."""
    return int(delivery.message.time // 86_400)


def add(tables: Any, day: int, cents: int) -> None:
    """Add cents to a day."""
    tables["takings"][day] = tables["takings"].get(day, 0) + cents


def once(shop: Any, event: Any, delivery: Delivery) -> None:
    """Do it right."""
    if isinstance(event, OrderPlaced):
        with shop.db.transaction() as tables:
            if delivery.message.id not in tables["inbox"]:
                add(tables, day_of(delivery), event.total_cents)
                tables["inbox"][delivery.message.id] = True


def marked(work: Work) -> Callable[[Any], Any]:
    """Return an answer whose handler is marked as a projector, and does this work."""

    @wraps(work)
    def open_view(shop: Any) -> Any:
        @projector
        def takings(event: Any, delivery: Delivery) -> Any:
            return work(shop, event, delivery)

        return takings

    return open_view


def _nothing(shop: Any) -> Any:
    return projector(lambda event: None)


def _forgets_to_return(shop: Any) -> None:
    marked(once)(shop)


def _no_role(shop: Any) -> Any:
    return lambda event, delivery: once(shop, event, delivery)


def _a_reactor(shop: Any) -> Any:
    return reactor(lambda event, delivery: once(shop, event, delivery))


@marked
def _twice(shop: Any, event: Any, delivery: Delivery) -> None:
    once(shop, event, delivery)
    if isinstance(event, OrderPlaced):
        with shop.db.transaction() as tables:
            add(tables, day_of(delivery), event.total_cents)


@marked
def _mails_the_boss(shop: Any, event: Any, delivery: Delivery) -> None:
    once(shop, event, delivery)
    if isinstance(event, OrderPlaced):
        shop.mail.send("boss", f"Order {event.order_id}")


@marked
def _mails_with_a_key(shop: Any, event: Any, delivery: Delivery) -> None:
    once(shop, event, delivery)
    shop.mail.send("boss", "something happened", key=delivery.message.id)


@marked
def _no_inbox(shop: Any, event: Any, delivery: Delivery) -> None:
    if isinstance(event, OrderPlaced):
        with shop.db.transaction() as tables:
            add(tables, day_of(delivery), event.total_cents)


@marked
def _marks_first(shop: Any, event: Any, delivery: Delivery) -> None:
    if isinstance(event, OrderPlaced) and delivery.message.id not in shop.db.table("inbox"):
        with shop.db.transaction() as tables:
            tables["inbox"][delivery.message.id] = True
        with shop.db.transaction() as tables:
            add(tables, day_of(delivery), event.total_cents)


@marked
def _marks_afterwards(shop: Any, event: Any, delivery: Delivery) -> None:
    if isinstance(event, OrderPlaced) and delivery.message.id not in shop.db.table("inbox"):
        with shop.db.transaction() as tables:
            add(tables, day_of(delivery), event.total_cents)
        with shop.db.transaction() as tables:
            tables["inbox"][delivery.message.id] = True


def _marks_by(name: Callable[[Any, Delivery], Any]) -> Work:
    def work(shop: Any, event: Any, delivery: Delivery) -> None:
        if isinstance(event, OrderPlaced):
            with shop.db.transaction() as tables:
                if name(event, delivery) not in tables["inbox"]:
                    add(tables, day_of(delivery), event.total_cents)
                    tables["inbox"][name(event, delivery)] = True

    return work


@marked
def _marks_by_customer(shop: Any, event: Any, delivery: Delivery) -> None:
    _marks_by(lambda order, _: order.customer_id)(shop, event, delivery)


@marked
def _marks_by_position(shop: Any, event: Any, delivery: Delivery) -> None:
    _marks_by(lambda _, delivery: delivery.message.position)(shop, event, delivery)


@marked
def _marks_by_attempt(shop: Any, event: Any, delivery: Delivery) -> None:
    _marks_by(lambda _, delivery: (delivery.message.id, delivery.attempt))(shop, event, delivery)


@marked
def _first_attempts_only(shop: Any, event: Any, delivery: Delivery) -> None:
    if isinstance(event, OrderPlaced) and delivery.attempt == 1:
        with shop.db.transaction() as tables:
            add(tables, day_of(delivery), event.total_cents)


@marked
def _only_the_last_mark(shop: Any, event: Any, delivery: Delivery) -> None:
    if isinstance(event, OrderPlaced):
        with shop.db.transaction() as tables:
            if tables["inbox"].get("last") != delivery.message.id:
                add(tables, day_of(delivery), event.total_cents)
                tables["inbox"]["last"] = delivery.message.id


def _a_set_in_memory(shop: Any) -> Any:
    done: set[str] = set()

    @projector
    def takings(event: Any, delivery: Delivery) -> None:
        if isinstance(event, OrderPlaced) and delivery.message.id not in done:
            with shop.db.transaction() as tables:
                add(tables, day_of(delivery), event.total_cents)
            done.add(delivery.message.id)

    return takings


def _a_total_in_memory(shop: Any) -> Any:
    totals: Counter[int] = Counter()

    @projector
    def takings(event: Any, delivery: Delivery) -> None:
        if isinstance(event, OrderPlaced) and delivery.message.id not in shop.db.table("inbox"):
            totals[day_of(delivery)] += event.total_cents
            with shop.db.transaction() as tables:
                tables["takings"][day_of(delivery)] = totals[day_of(delivery)]
                tables["inbox"][delivery.message.id] = True

    return takings


_DONE: set[str] = set()


@marked
def _a_set_of_the_module(shop: Any, event: Any, delivery: Delivery) -> None:
    if delivery.message.id not in _DONE:
        _DONE.add(delivery.message.id)
        once(shop, event, delivery)


ANSWERS = (
    _nothing,
    _forgets_to_return,
    _no_role,
    _a_reactor,
    _twice,
    _mails_the_boss,
    _mails_with_a_key,
    _no_inbox,
    _marks_first,
    _marks_afterwards,
    _marks_by_customer,
    _marks_by_position,
    _marks_by_attempt,
    _first_attempts_only,
    _only_the_last_mark,
    _a_set_in_memory,
    _a_total_in_memory,
    _a_set_of_the_module,
)
