"""Runs to be played in a browser: one with every kind of trouble, one with hostile words, one with many messages."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from eda_lab import Delivery, EventBus, Item, OrderPlaced, Retry, make_order
from eda_lab.orders import PaymentCaptured
from eda_lab.trace import Trace

__all__ = ["HOSTILE", "Books", "Moment", "books_of", "busy", "hostile", "moments_of", "troubled", "troubled_stages"]

HOSTILE = "<img src=x onerror=alert(1)>"


class Moment(NamedTuple):
    """What the player steps over at once: the sentence, and where in the log it ends."""

    sentence: str
    end: int


class Books(NamedTuple):
    """What stands on the node of a group, and beside it in its queue and with its workers."""

    done: int
    failed: int
    retrying: int
    dead_letters: int
    queued: int
    in_flight: int


def troubled_stages() -> Iterator[EventBus]:
    """Build a run with failures, retries, a dead letter, a redrive, a kill, two workers, events caused, a latecomer.

    It stops a few times on the way, so that one can look at the bus.
    """
    bus = EventBus(seed=1, visibility=2)
    repaired: list[bool] = []

    def pay(order: OrderPlaced) -> PaymentCaptured:
        return PaymentCaptured(order.order_id, order.total_cents)

    def confirm(order: OrderPlaced, delivery: Delivery) -> None:
        if delivery.attempt == 1 or (order.order_id == "12347" and not repaired):
            raise ConnectionError("the mail server is down")

    bus.subscribe(OrderPlaced, lambda order: None, name="inventory", takes=0.2)
    payment = bus.subscribe(OrderPlaced, pay, name="payment", workers=2, takes=0.5)
    bus.subscribe(OrderPlaced, confirm, name="email", takes=0.3, retry=Retry(max_attempts=3, backoff=0.4))
    bus.subscribe(PaymentCaptured, lambda paid: None, name="shipping", takes=0.1)
    for number in range(1, 5):
        bus.publish(make_order(number), delay=0.3 * number)
    for until in (0.7, 1.0):
        bus.run(until=until)
        yield bus
    payment.workers[0].kill()
    yield bus
    bus.run(until=1.5)
    payment.workers[0].restart()
    bus.run(until=3.0)
    yield bus
    bus.run()
    yield bus
    repaired.append(True)
    bus.redrive("email")
    bus.run()
    bus.subscribe(OrderPlaced, lambda order: None, name="analytics", start="beginning", takes=0.1)
    yield bus
    bus.run()
    yield bus


def troubled() -> EventBus:
    """Return that run, at its end."""
    return list(troubled_stages())[-1]


def hostile() -> EventBus:
    """Return a run in which what an outsider may choose is markup: order id, customer, and the error it leads to."""
    bus = EventBus(seed=1)

    def refuse(order: OrderPlaced) -> None:
        raise ValueError(f"no such order: {order.order_id}")

    bus.subscribe(OrderPlaced, lambda order: None, name=HOSTILE)
    bus.subscribe(OrderPlaced, refuse, name="email")
    bus.publish(OrderPlaced(HOSTILE, HOSTILE, (Item("PROD1", 1),)))
    bus.run()
    return bus


def busy(messages: int) -> EventBus:
    """Return a run in which so many messages wait at once."""
    bus = EventBus(seed=1)
    for name, takes in (("inventory", 0.2), ("payment", 0.5), ("email", 0.3), ("shipping", 0.4), ("analytics", 0.1)):
        bus.subscribe(OrderPlaced, lambda order: None, name=name, takes=takes)
    for number in range(1, messages + 1):
        bus.publish(make_order(number))
    bus.run()
    return bus


def books_of(bus: EventBus) -> dict[str, Books]:
    """Return the books of each group as the library itself keeps them."""
    books = bus.trace.check_conservation()
    numbers = bus.trace.metrics()
    found = {}
    for row in books.rows:
        entry: dict[str, Any] = dict(zip(books.columns, row, strict=True))
        group = str(entry["group"])
        retried = numbers[group].failed - numbers[group].dead_lettered
        standing = entry["done"], retried, entry["waiting"], len(bus.dead_letters(group))
        found[group] = Books(*standing, entry["queued"], entry["in flight"])
    return found


def moments_of(trace: Trace) -> list[Moment]:
    """Return what a player steps through: a publication with the queueing of its copies; all else by itself."""
    moments: list[Moment] = []
    published = ""
    for place, happening in enumerate(trace.log):
        if happening.kind == "queued" and published and happening.text.startswith(f"{published} queued for "):
            moments[-1] = moments[-1]._replace(end=place + 1)
            continue
        published = (
            happening.text.partition(" published ")[2].partition(" to ")[0] if happening.kind == "published" else ""
        )
        moments.append(Moment(repr(happening).strip(), place + 1))
    return moments
