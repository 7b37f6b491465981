"""Wrong answers to exercise 08-projection that most orders do not show: its check must refuse them all."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from eda_lab.course.exercises.view_wrong import Work, add, day_of, marked, once
from eda_lab.delivery import Delivery
from eda_lab.effects import MailServer
from eda_lab.orders import OrderPlaced
from eda_lab.roles import projector

__all__ = ["RARE"]

_DAYS: dict[str, Callable[[float], int]] = {
    "_of_ten_days": lambda at: int(at // 86_400) % 10,
    "_of_a_year": lambda at: int(at // 86_400) % 365,
    "_of_the_month": lambda at: datetime.fromtimestamp(at, UTC).day - 1,
    "_of_the_calendar_year": lambda at: time.gmtime(at).tm_yday - 1,
    "_of_86399_seconds": lambda at: int(at // 86_399),
    "_of_86401_seconds": lambda at: int(at // 86_401),
    "_of_whole_seconds": lambda at: round(at) // 86_400,
}
_CENTS: dict[str, Callable[[OrderPlaced], int]] = {
    "_of_the_first_item": lambda order: order.items[0].quantity * order.items[0].unit_price_cents,
    "_of_each_article_once": lambda order: sum({i.sku: i.quantity * i.unit_price_cents for i in order.items}.values()),
    "_at_one_price": lambda order: sum(i.quantity for i in order.items) * order.items[0].unit_price_cents,
    "_up_to_a_thousand": lambda order: min(order.total_cents, 100_000),
}


def _named(name: str, work: Work) -> Callable[[Any], Any]:
    work.__name__ = name
    return marked(work)


def _counts(day: Callable[[float], int], cents: Callable[[OrderPlaced], int]) -> Work:
    def work(shop: Any, event: Any, delivery: Delivery) -> None:
        if isinstance(event, OrderPlaced):
            with shop.db.transaction() as tables:
                if delivery.message.id not in tables["inbox"]:
                    add(tables, day(delivery.message.time), cents(event))
                    tables["inbox"][delivery.message.id] = True

    return work


def _remembers(number: int) -> Work:
    """Return what keeps only the newest so many marks."""

    def work(shop: Any, event: Any, delivery: Delivery) -> None:
        if isinstance(event, OrderPlaced):
            with shop.db.transaction() as tables:
                if delivery.message.id not in tables["inbox"]:
                    add(tables, day_of(delivery), event.total_cents)
                    tables["inbox"][delivery.message.id] = True
                    while len(tables["inbox"]) > number:
                        del tables["inbox"][next(iter(tables["inbox"]))]

    return work


def _mails(when: Callable[[OrderPlaced, Delivery, Any], bool]) -> Work:
    def work(shop: Any, event: Any, delivery: Delivery) -> None:
        once(shop, event, delivery)
        if isinstance(event, OrderPlaced) and when(event, delivery, shop.db.table("takings")):
            shop.mail.send("boss", f"Order {event.order_id}")

    return work


@marked
def _raises_after_the_commit(shop: Any, event: Any, delivery: Delivery) -> None:
    is_new = delivery.message.id not in shop.db.table("inbox")
    once(shop, event, delivery)
    if is_new and isinstance(event, OrderPlaced):
        raise ValueError(event)


@marked
def _prints_what_is_not_there(shop: Any, event: Any, delivery: Delivery) -> None:
    once(shop, event, delivery)
    if isinstance(event, OrderPlaced) and delivery.attempt == 1:
        print(undefined_name)  # type: ignore[name-defined]  # noqa: F821


@marked
def _mistypes_send(shop: Any, event: Any, delivery: Delivery) -> None:
    once(shop, event, delivery)
    if isinstance(event, OrderPlaced) and delivery.attempt == 1:
        shop.mail.sned("boss", f"Order {event.order_id}")


@marked
def _sends_and_clears(shop: Any, event: Any, delivery: Delivery) -> None:
    once(shop, event, delivery)
    shop.mail.send("boss", "something happened")
    shop.mail.sent.clear()


@marked
def _sends_by_another_server(shop: Any, event: Any, delivery: Delivery) -> None:
    once(shop, event, delivery)
    shop.mail = MailServer()
    shop.mail.send("boss", "something happened")


def _marks_by_hash(shop: Any) -> Any:
    @projector
    def takings(event: Any, delivery: Delivery) -> None:
        if isinstance(event, OrderPlaced):
            with shop.db.transaction() as tables:
                if hash(event) not in tables["inbox"]:
                    add(tables, day_of(delivery), event.total_cents)
                    tables["inbox"][hash(event)] = True

    return takings


@marked
def _returns_the_event(shop: Any, event: Any, delivery: Delivery) -> Any:
    once(shop, event, delivery)
    return event


@marked
def _a_transaction_in_a_transaction(shop: Any, event: Any, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        if delivery.message.id not in tables["inbox"]:
            tables["inbox"][delivery.message.id] = True
            if isinstance(event, OrderPlaced):
                with shop.db.transaction() as others:
                    add(others, day_of(delivery), event.total_cents)


RARE = (
    *(_named(f"_days{name}", _counts(day, lambda order: order.total_cents)) for name, day in _DAYS.items()),
    *(_named(f"_cents{name}", _counts(lambda at: int(at // 86_400), cents)) for name, cents in _CENTS.items()),
    *(_named(f"_remembers_{number}", _remembers(number)) for number in (4, 50, 150)),
    _named("_mails_of_a_big_order", _mails(lambda order, *_: order.total_cents > 10_000)),
    _named("_mails_of_a_good_day", _mails(lambda _, delivery, takings: takings[day_of(delivery)] > 50_000)),
    _named("_mails_after_day_9", _mails(lambda _, delivery, __: day_of(delivery) > 9)),
    _raises_after_the_commit,
    _prints_what_is_not_there,
    _mistypes_send,
    _sends_and_clears,
    _sends_by_another_server,
    _marks_by_hash,
    _returns_the_event,
    _a_transaction_in_a_transaction,
)
