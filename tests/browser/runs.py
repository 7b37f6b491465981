"""Runs to be played in a browser: with retries and kills, with all that can go wrong, with hostile words, with many."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from eda_lab import Crash, Delivery, EventBus, Faults, Item, Link, OrderPlaced, Outage, Retry, Slow, make_order, sleep
from eda_lab.orders import PaymentCaptured
from eda_lab.trace import Trace

__all__ = [
    "HOSTILE",
    "STAGES",
    "Books",
    "Moment",
    "books_of",
    "broken",
    "broken_stages",
    "busy",
    "hostile",
    "moments_of",
    "troubled",
    "troubled_stages",
]

HOSTILE = "<img src=x onerror=alert(1)>"


class Moment(NamedTuple):
    """What the player steps over at once: the sentence, and where in the log it ends."""

    sentence: str
    end: int


class Books(NamedTuple):
    """What stands on the node of a group, and beside it in its queue and with its workers."""

    done: int
    failed: int
    crashed: int
    waiting: int  # for a retry, or on the way
    dead_letters: int
    lost: int
    rejected: int
    expired: int
    dropped: int
    duplicates: int
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


def broken_stages() -> Iterator[EventBus]:
    """Build a run in which all goes wrong that can, and stop a few times on the way.

    A consumer and a publisher crash; an outage; a slow consumer; a link that delays, repeats and reorders. Copies are
    acked early, lost, rejected, nacked to the head of the queue, expire, and are dropped when a group leaves.
    """
    where = (
        Crash("payment", "1", 1, "before ack"),
        Crash("analytics", "2", 1, "before work"),
        Crash("checkout", "3", 1, "before publish"),
    )
    link = Link(group="inventory", duplicate=0.5, delay=0.1, reorder=0.3, held=0.8)
    outage, slow = Outage("email", 1.0, 3.0), Slow("shipping", 4, 0.5, 3.0)
    bus = EventBus(seed=4, faults=Faults(crashes=where, outages=(outage,), slow=(slow,), links=(link,)), visibility=1.5)

    def pay(order: OrderPlaced) -> None:
        if order.order_id == "12349":
            raise ValueError("the card is declined")

    async def ship(order: OrderPlaced, delivery: Delivery) -> None:
        if order.order_id == "12348":
            delivery.reject()
        elif order.order_id == "12347" and delivery.attempt < 3:
            delivery.nack(requeue=True)
        else:
            await sleep(0.2)
            delivery.ack()
            await sleep(0.3)

    orders = iter([make_order(number) for number in range(1, 8)])

    def checkout() -> Iterator[Any]:
        for order in orders:
            yield order
            yield 0.4

    bus.subscribe(OrderPlaced, lambda order: None, name="inventory", takes=0.2, workers=3)
    bus.subscribe(OrderPlaced, pay, name="payment", takes=0.5, retry=Retry(max_attempts=2, backoff=0.5))
    bus.subscribe(OrderPlaced, lambda order: None, name="email", takes=0.3)
    bus.subscribe(OrderPlaced, ship, name="shipping", takes=0.2, ack="manual")
    bus.subscribe(OrderPlaced, lambda order: None, name="analytics", takes=0.1, ack="before")
    leaving = bus.subscribe(OrderPlaced, lambda order: None, name="audit", takes=1.0)
    bus.process("checkout", checkout)
    bus.publish(make_order(9), at=0.7, expires=0.5, source="phone")
    for until in (0.05, 0.45, 1.3, 2.2):
        bus.run(until=until)
        yield bus
    leaving.unsubscribe()
    for until in (2.65, 3.2, 5.0):
        bus.run(until=until)
        yield bus
    bus.run()
    bus.redrive("payment")
    bus.run()
    yield bus


def broken() -> EventBus:
    """Return that run, at its end."""
    return list(broken_stages())[-1]


STAGES: dict[str, Callable[[], Iterator[EventBus]]] = {"troubled": troubled_stages, "broken": broken_stages}


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
    books, c = bus.trace.check_conservation(), bus.trace.columns
    attempts = Counter((delivery.group, delivery.outcome) for delivery in bus.trace.deliveries)
    arrived = Counter(c.groups[c.group[row]] for row in c.duplicated if bus.trace.deliveries[row].outcome != "waiting")
    found = {}
    for row in books.rows:
        entry: dict[str, Any] = dict(zip(books.columns, row, strict=True))
        group = str(entry["group"])
        found[group] = Books(
            entry["done"],
            *(attempts[group, outcome] for outcome in ("failed", "crashed")),
            entry.get("waiting", 0),
            len(bus.dead_letters(group)),
            *(entry.get(outcome, 0) for outcome in ("lost", "rejected", "expired", "dropped")),
            arrived[group],
            *(entry.get(outcome, 0) for outcome in ("queued", "in flight")),
        )
    return found


def moments_of(trace: Trace) -> list[Moment]:
    """Return what a player steps through: a publication with the queueing of its copies; all else by itself."""
    moments: list[Moment] = []
    published, when = "", -1.0
    for place, happening in enumerate(trace.log):
        copy = published and happening.text.startswith(f"{published} queued for ")
        if happening.kind == "queued" and copy and happening.time == when:
            moments[-1] = moments[-1]._replace(end=place + 1)
            continue
        parts = happening.text.partition(" published ")[2].partition(" to ")
        published, when = (parts[0] if happening.kind == "published" else ""), happening.time
        moments.append(Moment(repr(happening).strip(), place + 1))
    return moments
