"""Exercise 01-analytics: add a fifth service, and leave the checkout as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from eda_lab import shop as shop_module
from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding
from eda_lab.orders import Item, OrderPlaced
from eda_lab.shop import Shop, checkout

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["EXERCISE"]

_CHECKOUT = checkout.__code__
FOUR = ("inventory", "payment", "email", "shipping")


class Day(msgspec.Struct, frozen=True):
    """The orders of one day: the pieces of each, and whether the services get to work before the next comes."""

    orders: tuple[tuple[int, bool], ...]


def schedules() -> SearchStrategy[Day]:
    """Return all days of 1 to 12 orders; hypothesis finds the smallest on which an answer fails."""
    from hypothesis import strategies as st  # not at the top: it takes long to load

    order = st.tuples(st.integers(1, 3), st.booleans())
    return st.lists(order, min_size=1, max_size=12).map(lambda orders: Day(tuple(orders)))


def examine(answer: Callable[[EventBus], Any], day: Day) -> Iterator[Finding | EventBus]:
    """Let the answer add its service to a bus with four others, and place the orders of a day."""
    bus, shop = EventBus(seed=1), Shop({"PROD1": 1000})
    for name in FOUR:
        bus.subscribe(OrderPlaced, shop.services[name], name=name, takes=0.1)
    listened = {group.name for group in bus.trace.groups}
    counts = answer(bus)
    yield Finding(
        "your function returns the dictionary that it counts in", isinstance(counts, dict), f"got {counts!r:.40}"
    )
    if not isinstance(counts, dict):
        return
    before = len(bus.trace.messages)
    yield Finding("it publishes nothing itself", not before, f"it published {before}")
    yield Finding("it counts nothing before there is an order", not any(counts.values()), f"it begins with {counts}")
    added = [group for group in bus.trace.groups if group.name not in listened]
    yield Finding("it subscribes one new service", len(added) == 1, f"it subscribed {len(added)}")
    orders = len(day.orders)
    for n, (pieces, work_first) in enumerate(day.orders, 1):
        checkout(bus, OrderPlaced(str(20_000 + n), "ADA", (Item("PROD1", pieces),)))
        if work_first:
            bus.run()
    bus.run()
    yield bus
    count, placed = counts.get("orders"), f"{orders} {'order was' if orders == 1 else 'orders were'} placed"
    yield Finding("it counted every order once", count == orders, f"{placed}, it counted {count}")
    new = {group.name for group in added}
    failed = [letter.error for letter in bus.dead_letters() if letter.group in new]
    yield Finding(
        "the new service failed on no order", not failed, f"your handler raised {failed[0] if failed else ''}"
    )
    done = Counter(delivery.group for delivery in bus.trace.deliveries if delivery.outcome == "done")
    untouched = all(done[name] == orders for name in FOUR)
    yield Finding("the other four services did all their work", untouched, f"of {orders}: {dict(done)}")
    unchanged = shop_module.checkout is checkout and checkout.__code__ is _CHECKOUT and "publish" not in vars(bus)
    yield Finding("the checkout is unchanged", unchanged, "checkout() or bus.publish was replaced")


def solution(bus: EventBus) -> dict[str, int]:
    counts = {"orders": 0}

    def count_order(order: OrderPlaced) -> None:
        counts["orders"] += 1

    bus.subscribe(OrderPlaced, count_order, name="analytics")
    return counts


def _nothing(bus: EventBus) -> dict[str, int]:
    return {"orders": 0}


def _no_return(bus: EventBus) -> None:
    solution(bus)


def _twice(bus: EventBus) -> dict[str, int]:
    counts = {"orders": 0}

    def count_order(order: OrderPlaced) -> None:
        counts["orders"] += 1

    bus.subscribe(OrderPlaced, count_order, name="analytics")
    bus.subscribe(OrderPlaced, count_order, name="analytics again")
    return counts


def _wrong_topic(bus: EventBus) -> dict[str, int]:
    counts = {"orders": 0}

    def count_order(order: OrderPlaced) -> None:
        counts["orders"] += 1

    bus.subscribe("order_place", count_order, name="analytics")
    return counts


def _everything(bus: EventBus) -> dict[str, int]:
    counts = {"orders": 0}

    def count_all(event: Any) -> None:
        counts["orders"] += 1

    bus.subscribe("*", count_all, name="analytics")
    return counts


def _in_another_group(bus: EventBus) -> dict[str, int]:
    counts = {"orders": 0}

    def count_order(order: OrderPlaced) -> None:
        counts["orders"] += 1

    bus.subscribe(OrderPlaced, count_order, name="analytics", group="payment")
    return counts


def _raises(bus: EventBus) -> dict[str, int]:
    counts: dict[str, int] = {}

    def count_order(order: OrderPlaced) -> None:
        counts["orders"] += 1

    bus.subscribe(OrderPlaced, count_order, name="analytics")
    return counts


def _counts_and_fails(bus: EventBus) -> dict[str, int]:
    counts = {"orders": 0}

    def count_order(order: OrderPlaced) -> None:
        counts["orders"] += 1
        raise ValueError("no such table")

    bus.subscribe(OrderPlaced, count_order, name="analytics")
    return counts


def _once(bus: EventBus) -> dict[str, int]:
    counts = {"orders": 0}

    def count_order(order: OrderPlaced) -> None:
        counts["orders"] = 1

    bus.subscribe(OrderPlaced, count_order, name="analytics")
    return counts


def _pieces(bus: EventBus) -> dict[str, int]:
    counts = {"orders": 0}

    def count_order(order: OrderPlaced) -> None:
        counts["orders"] += sum(item.quantity for item in order.items)

    bus.subscribe(OrderPlaced, count_order, name="analytics")
    return counts


def _in_the_checkout(bus: EventBus) -> dict[str, int]:
    counts, publish = {"orders": 0}, bus.publish

    def counting(event: Any) -> Any:
        counts["orders"] += 1
        return publish(event)

    bus.publish = counting  # type: ignore[assignment, method-assign]
    bus.subscribe(OrderPlaced, lambda order: None, name="analytics")
    return counts


EXERCISE = Exercise(
    name="01-analytics",
    task="Write add_analytics(bus): it adds a service that counts orders, and returns its counts.",
    examine=examine,
    schedules=schedules,
    hints=(
        "A service is a function of the order, and bus.subscribe(...) makes it listen. The checkout needs no change.",
        'Begin with counts = {"orders": 0}. The handler adds 1 to counts["orders"] for each order.',
        'bus.subscribe(OrderPlaced, count_order, name="analytics"), and at the end: return counts.',
    ),
    solution=solution,
    wrong=(
        _nothing,
        _no_return,
        _twice,
        _wrong_topic,
        _everything,
        _in_another_group,
        _raises,
        _counts_and_fails,
        _once,
        _pieces,
        _in_the_checkout,
    ),
)
