"""Simulated time: the order in which things happen, how long they take, and what `sleep` waits for."""

import asyncio
import math
import time
from collections.abc import Callable
from decimal import Decimal
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eda_lab import EventBus, exponential, sleep, uniform
from eda_lab.clock import ARRIVAL, END, FAULT, LAST_US, LONGEST, TIMEOUT, Clock, in_lab, microseconds
from eda_lab.errors import OptionError

RANKS = [END, FAULT, TIMEOUT, ARRIVAL]
entries = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(RANKS)), max_size=30)


class Dice(Random):
    """A generator of random numbers that always throws the same."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def random(self) -> float:
        return self.number


def clock_with(planned: list[tuple[int, int]]) -> tuple[Clock, list[tuple[int, int]]]:
    """Return a clock with things on its agenda, and the list of (microsecond, number) that they fill in time."""
    clock = Clock()
    happened: list[tuple[int, int]] = []
    for number, (at, rank) in enumerate(planned):
        clock.at(at, lambda number: happened.append((clock.now_us, number)), number, rank)
    return clock, happened


@settings(deadline=None)
@given(planned=entries)
def test_things_happen_by_time_then_rank_then_order_of_entry(planned: list[tuple[int, int]]) -> None:
    """Whatever the order in which the agenda was filled, only those three decide; and the clock shows their times."""
    clock, happened = clock_with(planned)
    clock.run()
    order = sorted(range(len(planned)), key=lambda number: (*planned[number], number))
    assert happened == [(planned[number][0], number) for number in order]
    assert not clock.has_work()


def test_at_one_instant_ends_come_before_faults_timeouts_and_arrivals() -> None:
    """A consumer that gets free at the very moment of an arrival can take it."""
    clock = Clock()
    order: list[str] = []
    for word, rank in [("arrival", ARRIVAL), ("timeout", TIMEOUT), ("fault", FAULT), ("end", END)]:
        clock.at(1, order.append, word, rank)
    clock.run()
    assert order == ["end", "fault", "timeout", "arrival"]


def test_what_is_ready_now_comes_before_the_agenda() -> None:
    """The agenda waits until all that belongs to this instant is done, what comes up meanwhile included."""
    clock = Clock()
    order: list[str] = []
    clock.at(0, order.append, "agenda")
    clock.ready.append((lambda _: clock.ready.append((order.append, "second")), None))
    clock.ready.append((order.append, "first"))
    clock.run()
    assert order == ["first", "second", "agenda"]


def test_run_until_includes_that_instant_and_leaves_the_clock_there() -> None:
    """Two seconds pass although the next thing stands at three."""
    clock, happened = clock_with([(1, END), (2, END), (3, END)])
    clock.run(until_us=2)
    assert happened == [(1, 0), (2, 1)]
    assert clock.now_us == 2
    clock.run(until_us=1)  # a moment that has passed
    assert (clock.now_us, len(happened)) == (2, 2)
    clock.run(until_us=10)
    assert (clock.now_us, len(happened), clock.has_work()) == (10, 3, False)


def test_a_run_cut_short_does_not_jump_to_its_end() -> None:
    """The limit was reached first, so the time until which to run has not come."""
    clock, happened = clock_with([(1, END), (2, END)])
    assert clock.run(until_us=9, limit=1) == 1
    assert (clock.now_us, len(happened)) == (1, 1)
    assert clock.run(limit=0) == 0
    assert clock.step()
    assert not clock.step()


@settings(deadline=None)
@given(planned=entries, slices=st.lists(st.integers(0, 4), max_size=20))
def test_slices_make_the_same_run_as_one(planned: list[tuple[int, int]], slices: list[int]) -> None:
    """However a run is cut into pieces, the same things happen at the same times."""
    whole, all_at_once = clock_with(planned)
    whole.run()
    cut, in_slices = clock_with(planned)
    done = sum(cut.run(limit=limit) for limit in slices)
    assert done == len(in_slices) == min(sum(slices), len(planned))
    cut.run()
    assert in_slices == all_at_once
    assert cut.now_us == whole.now_us


def test_cancel_takes_out_this_very_argument_and_nothing_equal_to_it() -> None:
    """Two equal lists are two things; the cancelled one happens neither later nor now."""
    clock = Clock()
    order: list[str] = []
    mine, equal = ["x"], ["x"]
    clock.at(1, lambda _: order.append("mine"), mine)
    clock.at(1, lambda _: order.append("equal"), equal)
    clock.ready.append((lambda _: order.append("mine"), mine))
    clock.ready.append((lambda _: order.append("equal"), equal))
    clock.cancel(mine)
    clock.run()
    assert order == ["equal", "equal"]


def test_something_may_be_cancelled_by_what_happens_just_before_it() -> None:
    """The agenda may change under a run."""
    clock, happened = clock_with([(1, END)])
    doomed: list[str] = []
    clock.at(2, lambda _: happened.append((2, -1)), doomed)
    clock.at(1, lambda _: clock.cancel(doomed), None)
    clock.run()
    assert happened == [(1, 0)]


def test_what_lies_beyond_the_end_of_time_does_not_happen() -> None:
    """A consumer slowed a trillion times is not done yet; the run ends, and the clock stays where it was."""
    clock, happened = clock_with([(5, END), (LAST_US + 1, END)])
    clock.run()
    assert happened == [(5, 0)]
    assert clock.now_us == 5


@settings(deadline=None)
@given(st.integers(0, 10**15))
@example(10**18)
def test_whole_microseconds_come_back_as_they_went_in(us: int) -> None:
    """Seconds at the surface lose nothing of the whole microseconds below, for the first thirty years."""
    assert microseconds("takes", us / 1e6) == us


@pytest.mark.parametrize(
    "bad",
    [-1, -1e-9, math.nan, math.inf, -math.inf, True, False, "1", None, Decimal(1), 1j, [1], 10**400, LONGEST * 1.01],
    ids=str,
)
def test_what_is_no_span_of_time_is_refused_by_name(bad: object) -> None:
    """The error names the option and carries what was given."""
    with pytest.raises(OptionError, match=r"takes=.*: give a number of seconds") as caught:
        microseconds("takes", bad)
    assert caught.value.option == "takes"
    assert caught.value.value is bad


@settings(deadline=None)
@given(mean=st.floats(0, 1e6), u=st.floats(0, 1, exclude_max=True))
def test_exponential_times_are_drawn_by_inversion(mean: float, u: float) -> None:
    """The share u of all draws lies below the draw for u: F(x) = 1 - exp(-x / mean)."""
    drawn = exponential(mean)(Dice(u))
    assert 0 <= drawn < math.inf
    assert drawn == pytest.approx(-mean * math.log1p(-u), rel=1e-6, abs=1e-12 * mean)


@settings(deadline=None)
@given(low=st.floats(0, 1e6), width=st.floats(0, 1e6), u=st.floats(0, 1, exclude_max=True))
def test_uniform_times_lie_between_their_bounds(low: float, width: float, u: float) -> None:
    """The draw moves from one bound to the other as u does."""
    drawn = uniform(low, low + width)(Dice(u))
    assert drawn == pytest.approx(low + u * width)


def test_one_draw_a_time_so_that_streams_stay_in_step() -> None:
    """Each service time costs its generator exactly one number, whatever the kind."""
    for kind in (exponential(0.5), uniform(1, 2)):
        rng, twin = Random(7), Random(7)
        kind(rng)
        twin.random()
        assert rng.random() == twin.random()


@pytest.mark.parametrize("make", [lambda: exponential(-1), lambda: uniform(2, 1), lambda: uniform(-1, 1)])
def test_bad_service_times_are_refused_when_they_are_made(make: Callable[[], object]) -> None:
    """Not in the middle of a run."""
    with pytest.raises(OptionError):
        make()


def test_sleep_is_simulated_in_the_lab() -> None:
    """An hour passes in no time."""

    async def doze(_: object) -> None:
        await sleep(3600)

    bus = EventBus()
    bus.subscribe("noon", doze, name="sleeper")
    bus.publish("noon", {})
    before = time.monotonic()
    bus.run()
    assert time.monotonic() - before < 60
    assert bus.clock.now == 3600
    assert not in_lab.get()


def test_sleep_is_real_elsewhere() -> None:
    """The same line of a handler waits for real where an event loop runs it."""

    async def doze() -> float:
        before = time.monotonic()
        await sleep(0.02)
        return time.monotonic() - before

    assert asyncio.run(doze()) >= 0.015


@pytest.mark.parametrize("bad", [-1, math.nan, True, "1"], ids=str)
def test_sleep_refuses_what_is_no_time_wherever_it_is(bad: float) -> None:
    """In the lab it ends in the dead letters, elsewhere it is raised."""

    async def doze(_: object) -> None:
        await sleep(bad)

    with pytest.raises(OptionError):
        asyncio.run(doze(None))
    bus = EventBus()
    bus.subscribe("noon", doze, name="sleeper")
    bus.publish("noon", {})
    bus.run()
    assert [letter.error.partition(":")[0] for letter in bus.dead_letters()] == ["OptionError"]
