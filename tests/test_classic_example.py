"""The classic example of event-driven Python, as tutorials tell it: on both buses, and with no bus at all.

A `@dataclass` event, topics as text, three services that print, sleep and print again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List  # noqa: UP035 - as the example has it

import pytest

from eda_lab import DirectBus, EventBus


@dataclass
class OrderPlacedEvent:
    """The order; its items do not fit their own annotation, since "PROD1" is no int. It must run all the same."""

    order_id: str
    customer_id: str
    items: List[Dict[str, int]]  # noqa: UP006 - as the example has it
    timestamp: datetime


class InventoryService:
    """Sets the pieces aside."""

    def handle(self, event: OrderPlacedEvent) -> None:
        print(f"Setting stock aside for order {event.order_id}")
        time.sleep(1.0)
        print(f"Stock set aside for order {event.order_id}")


class NotificationService:
    """Writes to the customer."""

    def handle(self, event: OrderPlacedEvent) -> None:
        print(f"Writing an e-mail for order {event.order_id}")
        time.sleep(0.5)
        print(f"E-mail sent for order {event.order_id}")


class ShippingService:
    """Packs the parcel."""

    def handle(self, event: OrderPlacedEvent) -> None:
        print(f"Packing a parcel for order {event.order_id}")
        time.sleep(0.3)
        print(f"Parcel packed for order {event.order_id}")


SIX_LINES = [
    "Setting stock aside for order 12345",
    "Stock set aside for order 12345",
    "Writing an e-mail for order 12345",
    "E-mail sent for order 12345",
    "Packing a parcel for order 12345",
    "Parcel packed for order 12345",
]
SLEEPS = {"inventory": 1.0, "notification": 0.5, "shipping": 0.3}


def order() -> OrderPlacedEvent:
    """Return the order of the example."""
    items: Any = [{"item_id": "PROD1", "quantity": 2}]
    return OrderPlacedEvent("12345", "USER001", items, datetime(2026, 1, 31, 12))


def services() -> dict[str, Callable[[OrderPlacedEvent], None]]:
    """Return the three handlers by name."""
    return {
        "inventory": InventoryService().handle,
        "notification": NotificationService().handle,
        "shipping": ShippingService().handle,
    }


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let nobody really sleep, but write down for how long each would have."""
    naps: list[float] = []
    monkeypatch.setattr(time, "sleep", naps.append)
    return naps


def broken(_: OrderPlacedEvent) -> None:
    """Fail, as an e-mail service whose server is down."""
    raise ConnectionError("the mail server is down")


def test_the_script_runs_as_it_stands_and_takes_the_sum_of_the_sleeps(capsys: pytest.CaptureFixture[str]) -> None:
    """With its real sleeps, once: the plain bus calls one service after the other."""
    bus = DirectBus()
    bus.subscribe("order_placed", InventoryService().handle)
    bus.subscribe("order_placed", NotificationService().handle)
    bus.subscribe("order_placed", ShippingService().handle)
    start = time.perf_counter()
    report = bus.publish("order_placed", order())
    took = time.perf_counter() - start
    printed = capsys.readouterr()
    assert printed.out.splitlines() == SIX_LINES
    assert printed.err == ""
    assert report.ok
    assert took >= 1.79


def test_it_prints_what_the_calls_print_that_are_made_directly(
    slept: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same six lines in the same order, after the same sleeps, for the very same object."""
    event, handlers = order(), services()
    for handler in handlers.values():
        handler(event)
    called, naps = capsys.readouterr().out, list(slept)

    bus = DirectBus()
    for name, handler in handlers.items():
        bus.subscribe("order_placed", handler, name=name)
    slept.clear()
    bus.publish("order_placed", event)
    assert capsys.readouterr().out == called
    assert called.splitlines() == SIX_LINES
    assert slept == naps == list(SLEEPS.values())


def quiet(handler: Callable[[OrderPlacedEvent], None]) -> Callable[[OrderPlacedEvent], None]:
    """Return the service with its sleep left to `takes`."""
    return lambda event: handler(event)


def test_in_the_lab_all_is_done_after_the_longest_sleep(slept: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """At 1.0 s, not at 1.8 s: each service works by itself, and the publisher waits for none."""
    bus, event = EventBus(), order()
    for name, handler in services().items():
        bus.subscribe("order_placed", quiet(handler), name=name, takes=SLEEPS[name])
    message = bus.publish("order_placed", event)
    assert capsys.readouterr().out == ""
    assert (message.queued_for, bus.clock.now) == (3, 0.0)

    bus.run()
    assert bus.clock.now == 1.0
    done = {delivery.group: (delivery.started_at, delivery.ended_at) for delivery in bus.trace.deliveries}
    assert done == {"inventory": (0.0, 1.0), "notification": (0.0, 0.5), "shipping": (0.0, 0.3)}
    shipping, notification, inventory = SIX_LINES[4:], SIX_LINES[2:4], SIX_LINES[:2]
    assert capsys.readouterr().out.splitlines() == shipping + notification + inventory
    assert all(delivery.message.data is event for delivery in bus.trace.deliveries)


def test_on_the_plain_bus_a_broken_mail_service_touches_nobody_else(
    slept: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """Stock and parcel are done, and the report names who failed and why."""
    bus = DirectBus()
    for name, handler in (services() | {"notification": broken}).items():
        bus.subscribe("order_placed", handler, name=name)
    report = bus.publish("order_placed", order())
    assert capsys.readouterr().out.splitlines() == SIX_LINES[:2] + SIX_LINES[4:]
    assert repr(report) == (
        "<order_placed: 3 handlers ran; notification failed with ConnectionError: the mail server is down>"
    )
    assert slept == [1.0, 0.3]


def test_in_the_lab_a_broken_mail_service_touches_nobody_else(
    slept: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """The other two are done when they would have been done anyway."""
    bus = EventBus()
    for name, handler in (services() | {"notification": broken}).items():
        bus.subscribe("order_placed", quiet(handler), name=name, takes=SLEEPS[name])
    bus.publish("order_placed", order())
    bus.run()
    assert capsys.readouterr().out.splitlines() == SIX_LINES[4:] + SIX_LINES[:2]
    outcomes = {delivery.group: (delivery.ended_at, delivery.outcome) for delivery in bus.trace.deliveries}
    assert outcomes == {"inventory": (1.0, "done"), "notification": (0.5, "dead lettered"), "shipping": (0.3, "done")}
    assert [(letter.group, letter.error) for letter in bus.dead_letters()] == [
        ("notification", "ConnectionError: the mail server is down")
    ]
    assert slept == [0.3, 1.0]
