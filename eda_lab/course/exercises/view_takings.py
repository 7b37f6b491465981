"""Wrong answers to exercise 08-projection that count wrongly: on another day, other types, or not all."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from eda_lab.course.exercises.view_wrong import Work, add, day_of, marked, once
from eda_lab.delivery import Delivery
from eda_lab.orders import OrderCounted, OrderPlaced

__all__ = ["COUNTS"]


def _on(day: Callable[[Any, Delivery], int]) -> Work:
    def work(shop: Any, event: Any, delivery: Delivery) -> None:
        if isinstance(event, OrderPlaced):
            with shop.db.transaction() as tables:
                if delivery.message.id not in tables["inbox"]:
                    add(tables, day(tables, delivery), event.total_cents)
                    tables["inbox"][delivery.message.id] = True

    return work


@marked
def _always_on_day_0(shop: Any, event: Any, delivery: Delivery) -> None:
    _on(lambda tables, delivery: 0)(shop, event, delivery)


@marked
def _on_the_day_of_the_computer(shop: Any, event: Any, delivery: Delivery) -> None:
    _on(lambda tables, delivery: int(time.time() // 86_400))(shop, event, delivery)


@marked
def _on_the_nearest_day(shop: Any, event: Any, delivery: Delivery) -> None:
    _on(lambda tables, delivery: round(delivery.message.time / 86_400))(shop, event, delivery)


@marked
def _one_day_after_the_other(shop: Any, event: Any, delivery: Delivery) -> None:
    _on(lambda tables, delivery: len(tables["takings"]))(shop, event, delivery)


@marked
def _every_type_with_a_total(shop: Any, event: Any, delivery: Delivery) -> None:
    cents = getattr(event, "total_cents", 0)
    if cents:
        with shop.db.transaction() as tables:
            if delivery.message.id not in tables["inbox"]:
                add(tables, day_of(delivery), cents)
                tables["inbox"][delivery.message.id] = True


@marked
def _takes_all_for_orders(shop: Any, event: Any, delivery: Delivery) -> None:
    with shop.db.transaction() as tables:
        if delivery.message.id not in tables["inbox"]:
            add(tables, day_of(delivery), event.total_cents)
            tables["inbox"][delivery.message.id] = True


@marked
def _swallows_a_new_day(shop: Any, event: Any, delivery: Delivery) -> None:
    if isinstance(event, OrderPlaced):
        with suppress(KeyError), shop.db.transaction() as tables:
            tables["takings"][day_of(delivery)] += event.total_cents


@marked
def _stumbles_over_a_new_day(shop: Any, event: Any, delivery: Delivery) -> None:
    if isinstance(event, OrderPlaced):
        with shop.db.transaction() as tables:
            tables["takings"][day_of(delivery)] += event.total_cents


@marked
def _in_a_replay_only(shop: Any, event: Any, delivery: Delivery) -> None:
    if delivery.message.position is not None:
        once(shop, event, delivery)


@marked
def _live_only(shop: Any, event: Any, delivery: Delivery) -> None:
    if delivery.message.position is None:
        once(shop, event, delivery)


@marked
def _the_last_order_of_a_day(shop: Any, event: Any, delivery: Delivery) -> None:
    if isinstance(event, OrderPlaced):
        with shop.db.transaction() as tables:
            tables["takings"][day_of(delivery)] = event.total_cents


@marked
def _swallows_every_error(shop: Any, event: Any, delivery: Delivery) -> None:
    with suppress(Exception):
        once(shop, event, delivery)


@marked
def _publishes_that_it_counted(shop: Any, event: Any, delivery: Delivery) -> Any:
    once(shop, event, delivery)
    return OrderCounted(event.order_id, event.total_cents) if isinstance(event, OrderPlaced) else None


COUNTS = (
    _always_on_day_0,
    _on_the_day_of_the_computer,
    _on_the_nearest_day,
    _one_day_after_the_other,
    _every_type_with_a_total,
    _takes_all_for_orders,
    _swallows_a_new_day,
    _stumbles_over_a_new_day,
    _in_a_replay_only,
    _live_only,
    _the_last_order_of_a_day,
    _swallows_every_error,
    _publishes_that_it_counted,
)
