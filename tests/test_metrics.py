"""The numbers of a run: percentiles, depth, utilisation, and Little's law to the microsecond."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Event, EventBus, Faults, Retry
from eda_lab.columns import Record
from eda_lab.metrics import depth, percentile

tenths = st.integers(0, 30).map(lambda n: n / 10)


class CallReceived(Event):
    """Somebody rings a call centre."""

    number: int
    fails: int = 0


calls = st.lists(st.tuples(tenths, st.integers(0, 3)), min_size=1, max_size=12)
services = st.lists(tenths, min_size=1, max_size=5)


def centre(
    calls: Sequence[tuple[float, int]], services: Sequence[float], workers: int, crashes: float = 0.0
) -> EventBus:
    """Return a bus that ran until nobody waits: calls come at given seconds and fail at so many first attempts."""

    def answer(call: CallReceived, delivery: Any) -> None:
        if delivery.attempt <= call.fails:
            raise ConnectionError

    drawn = iter(range(10**9))
    bus = EventBus(faults=Faults(rate=crashes, down=0.5), visibility=1)
    bus.subscribe(
        CallReceived,
        answer,
        name="desk",
        workers=workers,
        takes=lambda _: services[next(drawn) % len(services)],
        retry=Retry(max_attempts=3, backoff=0.3),
    )
    for number, (at, fails) in enumerate(calls):
        bus.publish(CallReceived(number, fails), at=at)
    bus.run()
    return bus


def area(steps: Sequence[tuple[int, int]]) -> int:
    """Return the area under a step function that ends at 0."""
    assert not steps or steps[-1][1] == 0
    return sum((later - now) * level for (now, level), (later, _) in pairwise(steps))


@settings(deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=60).map(sorted), st.integers(0, 100))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(values: list[int], percent: int) -> None:
    """Nearest rank: at least so many percent are at most that large, and it is one of the values."""
    value = percentile(values, percent / 100)
    at_most = [sum(other <= each for other in values) * 100 >= percent * len(values) for each in values]
    assert value == values[at_most.index(True)]


def test_percentiles_of_nothing_and_of_one() -> None:
    """Nothing has no latency; one value is its own percentile at any share."""
    assert percentile([], 0.95) == 0
    assert [percentile([7], share) for share in (0.0, 0.5, 1.0)] == [7, 7, 7]
    assert percentile(range(1, 101), 0.07) == 7  # although 0.07 * 100 is a little more than 7


@settings(deadline=None, max_examples=60)
@given(calls=calls, services=services, workers=st.integers(1, 3), crashes=st.sampled_from([0.0, 0.3]))
def test_littles_law_holds_to_the_microsecond(
    calls: list[tuple[float, int]], services: list[float], workers: int, crashes: float
) -> None:
    """The area under the number in the system is the sum of the times spent there; so it is for the queue alone.

    Of a run that starts and ends empty, by area over one window (J. D. C. Little, Operations Research, 1961).
    """
    bus = centre(calls, services, workers, crashes)
    c = bus.columns
    assert area(depth(c, 0)) == sum(started - queued for started, queued in zip(c.started, c.queued, strict=True))
    assert area(depth(c, 0, in_flight=True)) == sum(
        ended - queued for ended, queued in zip(c.ended, c.queued, strict=True)
    )
    numbers = bus.trace.metrics()["desk"]
    attempts = len(bus.trace.deliveries)
    waits = sum(d.started_at - d.queued_at for d in bus.trace.deliveries)
    stays = sum(d.ended_at - d.queued_at for d in bus.trace.deliveries)
    assert numbers.mean_wait * attempts == pytest.approx(waits)
    assert numbers.mean_depth * bus.clock.now == pytest.approx(waits)
    assert numbers.mean_in_system * bus.clock.now == pytest.approx(stays)


@settings(deadline=None, max_examples=60)
@given(calls=calls, services=services, workers=st.integers(1, 3))
def test_depth_is_what_the_log_says_and_nobody_idles_beside_a_queue(
    calls: list[tuple[float, int]], services: list[float], workers: int
) -> None:
    """Counted by another way, entry by entry; while somebody waits, all workers are busy, and never more than all."""
    bus = centre(calls, services, workers)
    c = bus.columns
    waiting, busy = 0, 0
    after: dict[int, tuple[int, int]] = {}
    for entry in c.log:
        row, kind = divmod(entry, 8)
        if kind == Record.PUBLISHED:
            continue
        moment = {Record.QUEUED: c.queued, Record.STARTED: c.started, Record.ENDED: c.ended}[kind][row]
        waiting += {Record.QUEUED: 1, Record.STARTED: -1, Record.ENDED: 0}[kind]
        busy += {Record.QUEUED: 0, Record.STARTED: 1, Record.ENDED: -1}[kind]
        assert 0 <= busy <= workers
        after[moment] = (waiting, busy)
    assert all(working == workers for queue, working in after.values() if queue)
    levels = dict(depth(c, 0))
    level, steps = 0, {}
    for moment in sorted({*levels, *after}):
        level = steps[moment] = levels.get(moment, level)
    assert {moment: queue for moment, (queue, _) in after.items()} == {moment: steps[moment] for moment in after}
    assert bus.trace.metrics()["desk"].max_depth == max(levels.values())
    assert bus.trace.depth("desk") == [(moment / 1e6, level) for moment, level in depth(c, 0)]


@settings(deadline=None, max_examples=40)
@given(calls=calls, services=services, workers=st.integers(1, 3), crashes=st.sampled_from([0.0, 0.3]))
def test_the_numbers_agree_with_the_records(
    calls: list[tuple[float, int]], services: list[float], workers: int, crashes: float
) -> None:
    """Each is computed here once more, from the records one by one."""
    bus = centre(calls, services, workers, crashes)
    numbers, records = bus.trace.metrics()["desk"], list(bus.trace.deliveries)
    done = sorted(d.ended_at - d.queued_at for d in records if d.outcome == "done")
    assert (numbers.group, numbers.workers, numbers.done) == ("desk", workers, len(done))
    assert numbers.failed == len(records) - len(done)
    assert numbers.dead_lettered == len(bus.dead_letters())
    assert numbers.mean_latency == pytest.approx(math.fsum(done) / len(done) if done else 0)
    for share, value in ((0.5, numbers.p50), (0.95, numbers.p95), (0.99, numbers.p99)):
        assert value == pytest.approx(percentile(done, share), abs=1e-9)
    if bus.clock.now:
        busy = sum(d.ended_at - d.started_at for d in records)
        assert numbers.utilisation == pytest.approx(busy / bus.clock.now / workers)
        assert 0 <= numbers.utilisation <= 1 + 1e-9
        assert numbers.throughput == pytest.approx(len(done) / bus.clock.now)


def test_what_is_not_over_counts_up_to_now() -> None:
    """Half-way through, the one in service was busy since it began, and those behind it wait since they came."""
    bus = EventBus()
    bus.subscribe(CallReceived, lambda _: None, name="desk", takes=4)
    for number in range(3):
        bus.publish(CallReceived(number))
    bus.run(until=2)
    numbers = bus.trace.metrics()["desk"]
    assert (numbers.utilisation, numbers.mean_depth, numbers.mean_in_system, numbers.done) == (1.0, 2.0, 3.0, 0)
    bus.run()
    numbers = bus.trace.metrics()["desk"]
    assert (numbers.mean_wait, numbers.mean_latency, numbers.max_depth) == (4.0, 8.0, 2)
    assert (numbers.mean_depth, numbers.mean_in_system, numbers.throughput) == (1.0, 2.0, 0.25)


def test_what_waits_for_another_attempt_is_in_no_queue() -> None:
    """It comes into the queue when its time has come, and not a moment before."""
    bus = EventBus()

    def fail(_: object) -> None:
        raise ConnectionError

    bus.subscribe(CallReceived, fail, name="desk", takes=1, retry=Retry(backoff=10))
    bus.publish(CallReceived(1))
    bus.run(until=4)
    assert bus.trace.deliveries[-1].outcome == "waiting"
    assert bus.trace.depth("desk") == [(0.0, 0)]
    numbers = bus.trace.metrics()["desk"]
    assert (numbers.max_depth, numbers.mean_in_system, numbers.utilisation) == (0, 0.25, 0.25)


def test_before_anything_happened_all_numbers_are_0() -> None:
    """No division by the length of a run that has not begun."""
    bus = EventBus()
    bus.subscribe(CallReceived, lambda _: None, name="desk")
    for publish in (False, True):
        if publish:
            bus.publish(CallReceived(1))
        numbers = bus.trace.metrics()["desk"]
        assert (numbers.utilisation, numbers.mean_depth, numbers.throughput, numbers.p95) == (0, 0, 0, 0)


def test_the_metrics_of_all_groups_show_as_a_table() -> None:
    """A mapping by group name, with a row for each."""
    bus = centre([(0.0, 0), (0.0, 3)], [1.0], workers=1)
    metrics = bus.trace.metrics()
    assert list(metrics) == ["desk"]
    assert len(metrics) == 1
    assert metrics.table().rows == [("desk", 1, 3, 1, 0.25, 1.0, 1, 0.816)]
    assert repr(metrics) == repr(metrics.table())
    assert "desk" in metrics._repr_html_()
    with pytest.raises(KeyError):
        metrics["nobody"]


def test_a_group_that_got_nothing_has_numbers_too() -> None:
    """Somebody else was busy; this one has waited for a call that never came."""
    bus = EventBus()
    bus.subscribe(CallReceived, lambda _: None, name="desk", takes=1)
    bus.subscribe("call_ended", lambda _: None, name="survey")
    bus.publish(CallReceived(1))
    bus.run()
    idle = bus.trace.metrics()["survey"]
    assert (idle.done, idle.mean_depth, idle.mean_in_system, idle.utilisation) == (0, 0, 0, 0)
