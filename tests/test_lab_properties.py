"""The rules of the lab, for all topologies, faults and meddling that hypothesis can think of.

Nothing is lost or counted twice, queues are first in first out, nobody does two things at once, nothing is left undone,
a failing group changes nothing for the others, and the same seed makes the same trace, byte for byte.
"""

import hashlib
import os
import subprocess
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from eda_lab import Crash, Event, EventBus, Faults, LabWarning, Retry, exponential, later, sleep
from eda_lab.columns import Outcome, Record

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
    attempts: int


class World:
    """A bus with some groups, on which operations are done by name; the same operations make the same world."""

    def __init__(self, seed: int, plans: tuple[Plan, ...], faults: Faults) -> None:
        self.plans = plans
        self.bus = EventBus(seed=seed, faults=faults, visibility=2)
        self.number = 0
        self.patience = 20  # how often handlers may meddle: two that redrive each other would never come to an end
        self.subscriptions: list[Any] = [None] * len(plans)
        for place in range(len(plans)):
            self.join(place)
        self.bus.process("metronome", self.metronome())

    def metronome(self) -> Iterator[Any]:
        """Publish now and then, by itself."""
        for number in range(3):
            yield 0.8
            yield PingSent(-number)
            self.publish(1)

    def handler(self, place: int, plan: Plan) -> Callable[..., Any]:
        """Return what a group does with a delivery: fail, meddle, sleep or return something, by message and attempt."""

        def chosen(delivery: Any, what: str, tenths: int) -> bool:
            return crc32(f"{what}/{place}/{delivery.message.id}/{delivery.attempt}".encode()) % 10 < tenths

        def work(event: Any, delivery: Any) -> list[Any]:
            if plan.meddles is not None and self.patience and chosen(delivery, "meddles", 2):
                self.patience -= 1
                self.do(plan.meddles, event.number % len(self.plans))
            if chosen(delivery, "fails", plan.fails):
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

    def publish(self, count: int, delay: float = 0.0) -> None:
        for _ in range(count):
            self.number += 1
            self.bus.publish(PingSent(self.number), delay=delay)

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
                retry=Retry(max_attempts=plan.attempts, backoff=0.5, jitter=0.5, retry_on=ConnectionError),
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
        return [
            (c.message_id(c.message[row]), c.worker[row], c.attempt[row], c.outcome[row], c.errors.get(row))
            + (c.queued[row], c.started[row], c.ended[row])
            for row, group in enumerate(c.group)
            if c.groups[group] == f"group {place}"
        ]


MEDDLING = [None, "kill", "bounce", "pause", "leave", "rejoin", "join", "scale", "slow", "redrive", "publish_inside"]
plans = st.builds(
    Plan,
    workers=st.integers(1, 3),
    takes=st.sampled_from([0, 0.5, 1.3, "random"]),
    is_async=st.booleans(),
    hears_pongs=st.booleans(),
    fails=st.sampled_from([0, 0, 4, 10]),
    returns=st.sampled_from([0, 5, 10]),
    meddles=st.sampled_from(MEDDLING),
    attempts=st.integers(1, 3),
)
topologies = st.lists(plans, min_size=1, max_size=3).map(tuple)
points = st.one_of(st.integers(0, 3), st.sampled_from(["before work", "before publish", "before ack"]))
crashes = st.builds(
    Crash,
    consumer=st.integers(0, 2).map("group {}".format),
    message=st.integers(1, 6).map(str),
    attempt=st.integers(1, 2),
    point=points,
)
faults = st.builds(
    Faults,
    crashes=st.lists(crashes, max_size=3).map(tuple),
    rate=st.sampled_from([0.0, 0.3]),
    point=points,
    down=st.sampled_from([0.0, 1.0]),
)
places = st.integers(0, 2)


def check_log(world: World) -> None:
    """Read the log from its beginning: each start takes the oldest of its queue, and nobody does two things at once."""
    c = world.bus.columns
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
            assert queue.popleft() == row
            assert (group, worker) not in in_hand
            assert (group, message) not in worked_on or row in c.redriven
            in_hand[group, worker] = row
            worked_on.add((group, message))
        elif c.outcome[row] == Outcome.DROPPED:
            if row in queue:
                queue.remove(row)
        else:
            assert in_hand.pop((group, worker)) == row
            worked_on.discard((group, message))


class Lab(RuleBasedStateMachine):
    """Somebody plays with the lab, and looks at its books after every move."""

    @initialize(seed=st.integers(0, 3), topology=topologies, faults=faults)
    def begin(self, seed: int, topology: tuple[Plan, ...], faults: Faults) -> None:
        self.made = (seed, topology, faults)
        self.world = World(*self.made)
        self.done: list[tuple[Any, ...]] = []

    def do(self, what: str, *arguments: Any) -> None:
        self.done.append((what, *arguments))
        self.world.do(what, *arguments)

    def place(self, place: int) -> int:
        return place % len(self.made[1])

    @rule(count=st.integers(1, 4))
    def publish(self, count: int) -> None:
        self.do("publish", count)

    @rule(count=st.integers(1, 2), delay=st.sampled_from([0.5, 1.3, 4.0]))
    def publish_later(self, count: int, delay: float) -> None:
        self.do("publish", count, delay)

    @rule(times=st.integers(1, 6))
    def step(self, times: int) -> None:
        self.do("step", times)

    @rule(things=st.integers(0, 15))
    def run_some(self, things: int) -> None:
        self.do("run", things)

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.3, 3.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.do("wait", seconds)

    @rule(
        place=places,
        worker=st.one_of(st.none(), st.integers(0, 2)),
        what=st.sampled_from(["kill", "restart", "pause", "resume"]),
    )
    def of(self, place: int, what: str, worker: int | None) -> None:
        self.do("of", place, what, worker)

    @rule(place=places, workers=st.integers(1, 4))
    def scale(self, place: int, workers: int) -> None:
        self.do("scale", self.place(place), workers)

    @rule(place=places, factor=st.sampled_from([0.5, 1.0, 3.0]))
    def slow(self, place: int, factor: float) -> None:
        self.do("slow", self.place(place), factor)

    @rule(place=places, what=st.sampled_from(["leave", "join", "rejoin"]))
    def membership(self, place: int, what: str) -> None:
        self.do(what, self.place(place))

    @rule(place=places, parity=st.integers(0, 1))
    def redrive(self, place: int, parity: int) -> None:
        self.do("redrive", self.place(place), parity)

    @invariant()
    def nothing_is_lost_and_nothing_is_counted_twice(self) -> None:
        if hasattr(self, "world"):
            self.world.bus.trace.check_conservation()

    @invariant()
    def queues_are_first_in_first_out_and_hands_hold_one_thing(self) -> None:
        if hasattr(self, "world"):
            check_log(self.world)

    @invariant()
    def nobody_idles_beside_a_queue(self) -> None:
        if hasattr(self, "world") and not self.world.bus.clock.ready:
            self.no_idle_hands()

    def no_idle_hands(self) -> None:
        books = self.world.bus.trace.check_conservation()
        queued = dict(zip(books.column("group"), books.column("queued"), strict=True))
        for subscription in self.world.subscriptions:
            if not subscription.left and queued[subscription.name]:
                assert [worker for worker in subscription.workers if worker.state == "up" and worker.row < 0] == []

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        again = World(*self.made)
        for what, *arguments in self.done:
            again.do(what, *arguments)
        assert again.columns() == self.world.columns()
        assert again.bus.trace.transcript() == self.world.bus.trace.transcript()
        for _ in range(20):  # a handler that kills or pauses others may do so again
            for place in range(len(self.made[1])):
                for what in ("join", "resume", "restart"):
                    self.world.do(what, place) if what == "join" else self.world.of(place, what)
            self.world.bus.run()
        books = self.world.bus.trace.check_conservation()
        assert books.column("in flight") == books.column("waiting") == [0] * len(books)
        self.no_idle_hands()
        check_log(self.world)


TestLab = Lab.TestCase
TestLab.settings = settings(deadline=None, max_examples=60, stateful_step_count=25)
