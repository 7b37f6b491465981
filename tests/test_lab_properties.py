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

from eda_lab import Crash, EventBus, Faults, Link, Outage, Slow, exponential
from eda_lab.columns import Outcome
from eda_lab.conservation import census

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
    attempts=st.sampled_from([1, 2, 3, None]),
    start=st.sampled_from(["now", "beginning"]),
    ack=st.sampled_from(["after", "before", "manual"]),
    in_place=st.booleans(),
    limit=st.sampled_from([20, 1, 3, None]),
)
topologies = st.lists(plans, min_size=1, max_size=3).map(tuple)
points = st.one_of(
    st.integers(0, 3), st.sampled_from(["before work", "before publish", "after publish", "before ack", "after ack"])
)
names = st.integers(0, 2).map("group {}".format)
processes = st.sampled_from(["metronome", "relay"])
crashes = st.builds(
    Crash,
    consumer=st.one_of(names, processes),
    message=st.one_of(st.integers(1, 6).map(str), st.just("outbox-1")),
    attempt=st.integers(1, 2),
    point=points,
)
moments = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.5])
spans = st.tuples(moments, st.sampled_from([0.5, 1.0, 4.0])).map(lambda pair: (pair[0], pair[0] + pair[1]))
links = st.builds(
    Link,
    group=names,
    duplicate=st.sampled_from([0.0, 0.4]),
    delay=st.sampled_from([0.0, 0.5]),
    reorder=st.sampled_from([0.0, 0.4]),
    held=st.sampled_from([0.0, 1.3]),
)
faults = st.builds(
    Faults,
    crashes=st.lists(crashes, max_size=3).map(tuple),
    rate=st.sampled_from([0.0, 0.3]),
    point=points,
    consumers=st.sampled_from([None, ("group 0", "metronome"), ("relay", "group 1")]),
    down=st.sampled_from([0.0, 1.0]),
    outages=st.lists(st.builds(lambda name, span: Outage(name, *span), names, spans), max_size=2).map(tuple),
    slow=st.lists(st.builds(lambda name, span: Slow(name, 2, *span), names, spans), max_size=2).map(tuple),
    links=st.lists(links, max_size=2, unique_by=lambda link: link.group).map(tuple),
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

    @rule(count=st.integers(1, 3), expires=st.sampled_from([0.0, 0.5, 1.3, 4.0]))
    def publish_for_a_while(self, count: int, expires: float) -> None:
        self.do("publish", count, 0.0, expires)

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
        queued = {name for name, count in census(self.world.bus.columns).items() if count[Outcome.QUEUED]}
        for subscription in self.world.subscriptions:
            if not subscription.left and subscription.name in queued:
                rests = [w for w in subscription.workers if w.state == "up" and w.row < 0 and w.held < 0]
                assert rests == []

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
        assert not {"in flight", "waiting"} & {*books.columns}
        self.no_idle_hands()
        check_log(self.world)


TestLab = Lab.TestCase
TestLab.settings = settings(deadline=None, max_examples=200, stateful_step_count=25)


operations = st.one_of(
    st.tuples(st.just("publish"), st.integers(1, 3), st.sampled_from([0.0, 0.5, 1.3])),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.5, 1.3, 3.0])),
    st.tuples(st.just("of"), places, st.sampled_from(["kill", "restart", "pause", "resume"])),
    st.tuples(st.just("scale"), places, st.integers(1, 3)),
    st.tuples(st.just("slow"), places, st.sampled_from([0.5, 3.0])),
    st.tuples(st.sampled_from(["leave", "join", "redrive"]), places),
)
# What the troubled group is like, and what happens to it.
TROUBLE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "fails": ({"fails": 10, "attempts": 3}, {}),
    "waits in place": ({"fails": 4, "attempts": None, "in_place": True}, {}),
    "is slow": ({"takes": 7.0}, {}),
    "sleeps": ({"is_async": True}, {}),
    "is many": ({"workers": 3}, {}),
    "acks first": ({"ack": "before"}, {}),
    "acks by hand": ({"ack": "manual"}, {}),
    "crashes": ({}, {"rate": 0.9, "consumers": "group 0", "point": "before work"}),
    "loses": ({"ack": "before"}, {"rate": 0.9, "consumers": "group 0", "point": "before work"}),
    "is down": ({}, {"outages": Outage("group 0", 0.1, 3)}),
    "is slow for a while": ({}, {"slow": Slow("group 0", 3, 0, 9)}),
    "has a bad link": ({}, {"links": Link(group="group 0", duplicate=0.5, delay=0.1, reorder=0.5)}),
}


@pytest.mark.parametrize("trouble", TROUBLE)
@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 3), topology=topologies, script=st.lists(operations, max_size=15))
def test_trouble_in_one_group_changes_nothing_in_another(
    trouble: str, seed: int, topology: tuple[Plan, ...], script: list[tuple[Any, ...]]
) -> None:
    """The counterfactual: two runs that differ in one group's handler or faults are the same in all other groups."""
    quiet = topology[0]._replace(
        fails=0, returns=0, meddles=None, takes=0.5, workers=1, is_async=False, ack="after", in_place=False
    )
    others = [plan._replace(meddles=None) for plan in (*topology, topology[-1])]
    changes, faults = TROUBLE[trouble]
    common = {"crashes": Crash("group 1", "2", 1, "before work"), "links": Link(group="group 1", duplicate=0.3)}
    both = {**common, **faults}
    if "links" in faults:
        both["links"] = (common["links"], faults["links"])
    sound = World(seed, (quiet, *others), Faults(**common))
    troubled = World(seed, (quiet._replace(**changes), *others), Faults(**both))
    for world in (sound, troubled):
        for what, *arguments in [*script, ("publish", 2), ("wait", 20.0)]:
            if what not in ("publish", "wait"):  # only the others are played with
                arguments[0] = 1 + arguments[0] % len(others)
            world.do(what, *arguments)
        world.bus.trace.check_conservation()
    assert sound.story(0) != troubled.story(0) or trouble in ("is many", "acks first", "is slow for a while")
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
