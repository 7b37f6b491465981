"""Exercise 00-publish: publish an order of your own, and let the five services react."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding
from eda_lab.orders import Item, OrderPlaced
from eda_lab.shop import Shop, open_shop

__all__ = ["EXERCISE"]


def examine(answer: Callable[[EventBus], Any]) -> Iterator[Finding | EventBus]:
    """Give the answer a bus with an open shop, run it, and look at what came of it."""
    bus = EventBus(seed=1)
    shop = open_shop(bus)
    returned = answer(bus)
    orders = [message for message in bus.trace.messages if isinstance(message.data, OrderPlaced)]
    others = len(bus.trace.messages) - len(orders)
    seen = f"it published {len(orders)}"
    if not orders:
        given = "you returned an order; hand it to bus.publish(...)"
        seen += f": {given if isinstance(returned, OrderPlaced) else 'use the bus that your function is given'}"
    yield Finding("your function published one OrderPlaced", len(orders) == 1, seen)
    yield Finding("and nothing else", not others, f"{others} other messages were published")
    if len(orders) != 1:
        return
    order = orders[0].data
    yield Finding("the order has a number of its own", order.order_id not in ("", "12345"), f"it is {order.order_id!r}")
    yield Finding("it has a customer", bool(order.customer_id.strip()), "the customer is empty")
    yield Finding("it has at least one item", bool(order.items), "it is empty")
    bus.run()
    yield bus
    done = Counter(delivery.group for delivery in bus.trace.deliveries if delivery.outcome == "done")
    expected = dict.fromkeys(Shop().services, 1)
    letters = "; ".join(f"{letter.group}: {letter.error}" for letter in bus.dead_letters())
    seen = letters or ", ".join(f"{name} {done[name]} times" for name in expected if done[name] != 1)
    yield Finding("all five services reacted, once each", dict(done) == expected, seen)
    needed = shop.needs(bus.trace)
    differs = ", ".join(
        f"{name}: {shop.done[name]} of {needed[name]}" for name in needed if shop.done[name] != needed[name]
    )
    yield Finding("the shop did what your order asked for", shop.done == needed, differs)


def solution(bus: EventBus) -> None:
    bus.publish(OrderPlaced("20001", "ADA", (Item("PROD1", 1),)))


def _nothing(bus: EventBus) -> None:
    pass


def _twice(bus: EventBus) -> None:
    solution(bus)
    solution(bus)


def _the_example_again(bus: EventBus) -> None:
    bus.publish(OrderPlaced("12345", "ADA", (Item("PROD1", 1),)))


def _no_items(bus: EventBus) -> None:
    bus.publish(OrderPlaced("20001", "ADA", ()))


def _no_customer(bus: EventBus) -> None:
    bus.publish(OrderPlaced("20001", "", (Item("PROD1", 1),)))


def _more_than_there_is(bus: EventBus) -> None:
    bus.publish(OrderPlaced("20001", "ADA", (Item("PROD1", 1000),)))


def _returned_only(bus: EventBus) -> OrderPlaced:
    return OrderPlaced("20001", "ADA", (Item("PROD1", 1),))


def _on_another_bus(bus: EventBus) -> None:
    solution(EventBus())


def _the_class(bus: EventBus) -> None:
    bus.publish(OrderPlaced)


def _as_a_topic(bus: EventBus) -> None:
    bus.publish("order_placed", {"order_id": "20001", "customer_id": "ADA", "items": []})


def _wrong_type(bus: EventBus) -> None:
    bus.publish(OrderPlaced(20001, "ADA", (Item("PROD1", 1),)))  # type: ignore[arg-type]


EXERCISE = Exercise(
    name="00-publish",
    task="Publish an order of your own, so that all five services react, once each.",
    examine=examine,
    hints=(
        "Your function gets the bus. An event is made first, then handed to bus.publish(...).",
        'An OrderPlaced needs an order number, a customer and a tuple of items: (Item("PROD1", 1),).',
        'bus.publish(OrderPlaced("20001", ..., (Item("PROD1", 1),))) - once, and with a name in place of the dots.',
    ),
    solution=solution,
    wrong=(
        _nothing,
        _twice,
        _the_example_again,
        _no_items,
        _no_customer,
        _more_than_there_is,
        _returned_only,
        _on_another_bus,
        _the_class,
        _as_a_topic,
        _wrong_type,
    ),
)
