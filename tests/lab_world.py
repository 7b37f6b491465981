"""A world to play with: a lab with groups of every kind, operations by name, and what it left behind.

The same operations make the same world; nothing here draws random numbers but the lab itself.
"""

import hashlib
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from eda_lab import Event, EventBus, Faults, LabWarning, Link, Outage, Retry, Slow, exponential, later, sleep, with_id
from eda_lab.columns import Outcome, Record

__all__ = ["PingSent", "Plan", "World", "check_log", "fingerprint"]

COLUMNS = (
    "published type_of source_of cause ordinal routed message group worker attempt outcome queued started ended log"
)


class PingSent(Event):
    """What the world publishes."""

    number: int


class PongSent(Event):
    """What some of its handlers return."""

    number: int


class Plan(NamedTuple):
    """What one group of the world is like; shares are tenths of all (message, attempt) pairs."""

    workers: int
    takes: float | str
    is_async: bool
    hears_pongs: bool
    fails: int
    returns: int
    meddles: str | None
    attempts: int | None
    start: str = "now"
    ack: str = "after"
    in_place: bool = False
    limit: int | None = 20


class World:
    """A bus with some groups, on which operations are done by name; the same operations make the same world."""

    def __init__(self, seed: int, plans: tuple[Plan, ...], faults: Faults) -> None:
        self.plans = plans
        known = {*(f"group {place}" for place in range(len(plans))), "metronome", "relay"}
        self.bus = EventBus(seed=seed, faults=fitting(faults, known), visibility=2)
        self.number = 0
        self.patience = 20  # how often handlers may meddle: two that redrive each other would never come to an end
        self.subscriptions: list[Any] = [None] * len(plans)
        for place in range(len(plans)):
            self.join(place)
        self.beats = iter(range(3))  # outside of the process, which may crash and begin anew
        self.outbox: list[int] = []
        self.bus.process("metronome", self.metronome)
        self.bus.process("relay", self.relay, background=True)

    def metronome(self) -> Iterator[Any]:
        """Publish now and then, by itself, and leave something for the relay."""
        for number in self.beats:
            yield 0.8
            yield PingSent(-number)
            self.publish(1)
            self.outbox.append(number)

    def relay(self) -> Iterator[Any]:
        """Publish what was left for it, and then again if it has crashed before it could strike that out."""
        while True:
            while self.outbox:
                yield with_id(f"outbox-{self.outbox[0]}", PingSent(100 + self.outbox[0]))
                self.outbox.pop(0)
            yield 0.5

    def handler(self, place: int, plan: Plan) -> Callable[..., Any]:
        """Return what a group does with a delivery: fail, meddle, sleep or return something, by message and attempt."""

        def chosen(delivery: Any, what: str, tenths: int) -> bool:
            return crc32(f"{what}/{place}/{delivery.message.id}/{delivery.attempt}".encode()) % 10 < tenths

        def settle(delivery: Any) -> None:
            if chosen(delivery, "acks", 5):
                delivery.ack()
            elif chosen(delivery, "nacks", 4):
                delivery.nack(requeue=chosen(delivery, "requeues", 7))
            elif chosen(delivery, "rejects", 3):
                delivery.reject()

        def work(event: Any, delivery: Any) -> list[Any]:
            if plan.ack == "manual" and chosen(delivery, "is quick", 7):
                settle(delivery)
            if plan.meddles is not None and self.patience and chosen(delivery, "meddles", 2):
                self.patience -= 1
                self.do(plan.meddles, event.number % len(self.plans))
            if chosen(delivery, "fails", plan.fails if plan.attempts is not None else min(plan.fails, 4)):
                raise (ValueError if chosen(delivery, "for good", 3) else ConnectionError)(delivery.message.id)
            if isinstance(event, PongSent) or not chosen(delivery, "returns", plan.returns):
                return []
            return [PongSent(event.number), later(0.7, PongSent(event.number))]

        async def work_asleep(event: Any, delivery: Any) -> list[Any]:
            await sleep(0.3)
            result = work(event, delivery)
            await sleep(0.4)
            return result

        return work_asleep if plan.is_async else work

    def do(self, what: str, *arguments: Any) -> None:
        """Do an operation by its name."""
        getattr(self, what)(*arguments)

    # --- operations

    def publish(self, count: int, delay: float = 0.0, expires: float | None = None) -> None:
        for _ in range(count):
            self.number += 1
            self.bus.publish(PingSent(self.number), delay=delay, expires=expires)

    def publish_inside(self, place: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LabWarning)
            self.bus.publish(PongSent(place))

    def step(self, times: int) -> None:
        for _ in range(times):
            self.bus.step()

    def run(self, things: int) -> None:
        self.bus.run(max_events=things)

    def wait(self, seconds: float) -> None:
        self.bus.run(until=self.bus.clock.now + seconds)

    def of(self, place: int, what: str, worker: int | None = None) -> None:
        subscription = self.subscriptions[place % len(self.plans)]
        one = None if worker is None else subscription.workers[worker % len(subscription.workers)]
        getattr(one or subscription, what)()

    def kill(self, place: int) -> None:
        self.of(place, "kill")

    def bounce(self, place: int) -> None:
        self.of(place, "kill", 0)
        self.of(place, "restart", 0)

    def pause(self, place: int) -> None:
        self.of(place, "pause", 0)

    def slow(self, place: int, factor: float = 1.5) -> None:
        self.subscriptions[place].slow(factor)

    def scale(self, place: int, workers: int = 1) -> None:
        if not self.subscriptions[place].left:
            self.subscriptions[place].scale(workers)

    def leave(self, place: int) -> None:
        self.subscriptions[place].unsubscribe()

    def join(self, place: int) -> None:
        plan = self.plans[place]
        if self.subscriptions[place] is None or self.subscriptions[place].left:
            self.subscriptions[place] = self.bus.subscribe(
                (PingSent, PongSent) if plan.hears_pongs else PingSent,
                self.handler(place, plan),
                name=f"group {place}",
                workers=plan.workers,
                takes=exponential(0.5) if plan.takes == "random" else plan.takes,
                retry=Retry(
                    max_attempts=plan.attempts,
                    backoff=0.5,
                    jitter=0.5,
                    retry_on=ConnectionError,
                    in_place=plan.in_place,
                ),
                ack=plan.ack,
                delivery_limit=plan.limit,
                start=plan.start,
            )

    def rejoin(self, place: int) -> None:
        self.leave(place)
        self.join(place)

    def redrive(self, place: int, parity: int = 0) -> None:
        self.bus.redrive(f"group {place}", where=lambda letter: letter.message.data.number % 2 == parity)

    # --- what it left behind

    def columns(self) -> list[bytes]:
        """Return the columns of the trace as bytes."""
        return [getattr(self.bus.columns, name).tobytes() for name in COLUMNS.split()]

    def story(self, place: int) -> list[tuple[Any, ...]]:
        """Return all that happened to the deliveries of one group."""
        c = self.bus.columns
        columns = (c.worker, c.attempt, c.outcome, c.queued, c.started, c.ended)
        return [
            (c.message_id(c.message[row]), *(column[row] for column in columns), c.errors.get(row))
            for row, group in enumerate(c.group)
            if c.groups[group] == f"group {place}"
        ]


def fitting(faults: Faults, known: set[str]) -> Faults:
    """Return the faults of those who are there: the lab warns of all others."""
    return msgspec.structs.replace(
        faults,
        crashes=tuple(crash for crash in faults.crashes if crash.consumer in known),
        outages=tuple(outage for outage in faults.outages if outage.group in known),
        slow=tuple(slow for slow in faults.slow if slow.group in known),
        links=tuple(link for link in faults.links if link.group in known),
        consumers=None if faults.consumers is None else tuple(name for name in faults.consumers if name in known),
    )


def check_log(world: World) -> None:
    """Read the log from its beginning: each start takes the oldest of its queue, and nobody does two things at once.

    Where messages may come back to the head of a queue, nacked or held in place, a start takes one that stands in it.
    """
    c = world.bus.columns
    orderly = [
        name for name, plan in zip(c.groups, world.plans, strict=True) if plan.ack != "manual" and not plan.in_place
    ]
    several = {(c.group[row], c.message[row]) for row in c.redriven | c.duplicated}
    queues: dict[int, deque[int]] = {}
    in_hand: dict[tuple[int, int], int] = {}  # by (group, worker)
    worked_on: set[tuple[int, int]] = set()  # (group, message)
    for entry in c.log:
        row, kind = divmod(entry, 8)
        if kind not in (Record.QUEUED, Record.STARTED, Record.ENDED):
            continue
        group, worker, message = c.group[row], c.worker[row], c.message[row]
        queue = queues.setdefault(group, deque())
        if kind == Record.QUEUED:
            queue.append(row)
        elif kind == Record.STARTED:
            assert queue[0] == row or c.groups[group] not in orderly
            queue.remove(row)
            assert (group, worker) not in in_hand
            assert (group, message) not in worked_on or (group, message) in several
            in_hand[group, worker] = row
            worked_on.add((group, message))
        elif c.outcome[row] in (Outcome.DROPPED, Outcome.EXPIRED):
            if row in queue:
                queue.remove(row)
        else:
            assert in_hand.pop((group, worker)) == row
            worked_on.discard((group, message))


def fingerprint() -> str:
    """Return a digest of all that a world of every kind of trouble wrote down."""
    plan = Plan(2, "random", False, True, 4, 5, "bounce", 3)
    faults = Faults(
        rate=0.2,
        point="before work",
        consumers=("group 0", "group 1", "group 2", "group 3", "metronome"),
        outages=Outage("group 0", 2, 5),
        slow=Slow("group 1", 2.5, 3, 9),
        links=Link(group="group 2", duplicate=0.2, delay=0.1, reorder=0.3),
    )
    plans = (
        plan,
        plan._replace(is_async=True, meddles="rejoin", ack="manual"),
        plan._replace(takes=1.3, in_place=True, limit=2),
        plan._replace(ack="before"),
    )
    world = World(7, plans, faults)
    for count in range(1, 9):
        world.publish(count, expires=4.0 if count % 2 else None)
        world.wait(1.3)
        world.redrive(count % 4)
    world.bus.run()
    assert set(world.bus.columns.outcome) >= {Outcome.DONE, *range(Outcome.FAILED, Outcome.EXPIRED + 1)}
    return hashlib.sha256(b"".join([*world.columns(), world.bus.trace.transcript().encode()])).hexdigest()
