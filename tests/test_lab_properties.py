"""The rules of the lab, for all topologies, faults and meddling that hypothesis can think of.

Nothing is lost or counted twice, queues are first in first out, nobody does two things at once, nothing is left undone,
a failing group changes nothing for the others, and the same seed makes the same trace, byte for byte.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from lab_world import PingSent, Plan, World, check_log, fingerprint

from eda_lab import Crash, EventBus, Faults, exponential

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
    start=st.sampled_from(["now", "beginning"]),
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
        before = -1
        while before != self.world.patience:  # as long as handlers still kill and pause one another
            before = self.world.patience
            for place in range(len(self.made[1])):
                self.world.join(place)
                self.world.of(place, "resume")
                self.world.of(place, "restart")
            self.world.bus.run()
        books = self.world.bus.trace.check_conservation()
        assert books.column("in flight") == books.column("waiting") == [0] * len(books)
        self.no_idle_hands()
        check_log(self.world)


TestLab = Lab.TestCase
TestLab.settings = settings(deadline=None, max_examples=80, stateful_step_count=25)


operations = st.one_of(
    st.tuples(st.just("publish"), st.integers(1, 3), st.sampled_from([0.0, 0.5, 1.3])),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.5, 1.3, 3.0])),
    st.tuples(st.just("of"), places, st.sampled_from(["kill", "restart", "pause", "resume"])),
    st.tuples(st.just("scale"), places, st.integers(1, 3)),
    st.tuples(st.just("slow"), places, st.sampled_from([0.5, 3.0])),
    st.tuples(st.sampled_from(["leave", "join", "redrive"]), places),
)
TROUBLE: dict[str, dict[str, Any]] = {
    "fails": {"fails": 10, "attempts": 3},
    "is slow": {"takes": 7.0},
    "sleeps": {"is_async": True},
    "is many": {"workers": 3},
}


@pytest.mark.parametrize("trouble", [*TROUBLE, "crashes"])
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 3), topology=topologies, script=st.lists(operations, max_size=15))
def test_trouble_in_one_group_changes_nothing_in_another(
    trouble: str, seed: int, topology: tuple[Plan, ...], script: list[tuple[Any, ...]]
) -> None:
    """The counterfactual: two runs that differ in one group's handler alone are the same in all other groups."""
    quiet = topology[0]._replace(fails=0, returns=0, meddles=None, takes=0.5, workers=1, is_async=False)
    others = [plan._replace(meddles=None) for plan in (*topology, topology[-1])]
    rate = 0.9 if trouble == "crashes" else 0.0
    sound = World(seed, (quiet, *others), Faults())
    troubled = World(
        seed, (quiet._replace(**TROUBLE.get(trouble, {})), *others), Faults(rate=rate, consumers="group 0")
    )
    for world in (sound, troubled):
        for what, *arguments in [*script, ("publish", 2), ("wait", 20.0)]:
            if what not in ("publish", "wait"):  # only the others are played with
                arguments[0] = 1 + arguments[0] % len(others)
            world.do(what, *arguments)
        world.bus.trace.check_conservation()
    assert sound.story(0) != troubled.story(0) or trouble == "is many"
    for place in range(1, len(sound.plans)):
        assert sound.story(place) == troubled.story(place)
    assert [message.id for message in sound.bus.trace.messages] == [m.id for m in troubled.bus.trace.messages]


@settings(deadline=None, max_examples=40)
@given(
    gaps=st.lists(st.sampled_from([0.0, 0.3, 1.0, 5.0]), min_size=1, max_size=20),
    takes=st.sampled_from([0, 0.5, 1.3, "random"]),
    pauses=st.sets(st.integers(0, 19)),
)
def test_one_worker_that_never_fails_keeps_the_order(gaps: list[float], takes: float | str, pauses: set[int]) -> None:
    """What was published first is done first, however slow the worker and however often it rests."""
    bus, handled = EventBus(seed=2), []
    service = exponential(0.5) if takes == "random" else takes
    desk = bus.subscribe(PingSent, lambda ping: handled.append(ping.number), name="desk", takes=service)
    for number, gap in enumerate(gaps):
        bus.run(until=bus.clock.now + gap)
        desk.pause() if number in pauses else desk.resume()
        bus.publish(PingSent(number))
    desk.resume()
    bus.run()
    assert handled == list(range(len(gaps)))


def test_the_same_seed_makes_the_same_trace_in_every_process() -> None:
    """Byte for byte, whatever Python's own hashes are: nothing hangs on the order of a set or on an address."""
    script = "from lab_world import fingerprint; print(fingerprint())"
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("0", "4711")
    }
    assert digests == {fingerprint()}
