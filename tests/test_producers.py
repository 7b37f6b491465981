"""When events arrive: evenly, at random, in bursts, or by a plan; the same for the same seed."""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Event, EventBus, burst, make_order, poisson, scheduled, steady
from eda_lab.errors import OptionError


class CarPassed(Event):
    """A car passed the counter."""

    number: int


def times(producer: Iterator[Any]) -> list[tuple[float, Any]]:
    """Return (second, event) for all that a producer yields."""
    now, seen = 0.0, []
    for thing in producer:
        if isinstance(thing, float):
            now += thing
        else:
            seen.append((now, thing))
    return seen


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(0, 10**9))
def test_steady_comes_at_even_distances_from_the_first_instant_on(count: int, us: int) -> None:
    """The n-th event after n - 1 gaps, and no gap after the last."""
    every = us / 1e6
    assert times(steady(CarPassed, every=every, count=count)) == [
        (pytest.approx(n * every), CarPassed(n + 1)) for n in range(count)
    ]


@settings(deadline=None)
@given(st.integers(1, 7), st.integers(0, 30), st.sampled_from([0.0, 0.5, 60.0]))
def test_a_burst_comes_all_at_once_and_again_after_a_while(size: int, count: int, every: float) -> None:
    """The n-th event belongs to burst number (n - 1) // size; the last burst may be a smaller one."""
    assert times(burst(CarPassed, size=size, every=every, count=count)) == [
        (n // size * every, CarPassed(n + 1)) for n in range(count)
    ]


EVENTS = st.integers(1, 99).map(CarPassed)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**10).map(lambda us: us / 1e6), EVENTS), max_size=20))
def test_a_plan_is_kept_to_the_microsecond_in_whatever_order_it_was_written(plan: list[tuple[float, Any]]) -> None:
    """What is planned for one instant comes in the order of the plan; the lab publishes at just these seconds."""
    bus = EventBus()
    bus.process("road", scheduled(plan))
    bus.run()
    expected = sorted(plan, key=lambda entry: entry[0])
    assert [(message.time, message.data) for message in bus.trace.messages] == expected


def test_a_plan_may_come_from_a_generator_and_be_empty() -> None:
    """It is read at once."""
    assert times(scheduled((float(n), CarPassed(n)) for n in (2, 1))) == [(1.0, CarPassed(1)), (2.0, CarPassed(2))]
    assert list(scheduled([])) == []


# --- Poisson

DRAWS = 40_000


@pytest.mark.parametrize("rate", [0.01, 1.0, 250.0])
def test_poisson_has_the_mean_and_the_spread_of_exponential_gaps(rate: float) -> None:
    """Gaps of mean m and standard deviation m: over n draws the mean of them strays by m / sqrt(n).

    Five times that is allowed, which chance alone exceeds in one seed of 1.7 million. The standard deviation of the
    sample variance is m ** 2 * sqrt(8 / n) (the fourth central moment is 9 m ** 4).
    """
    gaps = [thing for thing in poisson(CarPassed, rate=rate, count=DRAWS, seed=1) if isinstance(thing, float)]
    mean = 1 / rate
    assert sum(gaps) / DRAWS == pytest.approx(mean, abs=5 * mean / math.sqrt(DRAWS))
    variance = sum((gap - mean) ** 2 for gap in gaps) / DRAWS
    assert variance == pytest.approx(mean**2, abs=5 * mean**2 * math.sqrt(8 / DRAWS))


def test_poisson_gaps_follow_the_exponential_distribution() -> None:
    """The largest distance to 1 - exp(-x) is below 1.95 / sqrt(n): Kolmogorov and Smirnov, at 0.1 %."""
    gaps = sorted(thing for thing in poisson(CarPassed, rate=1.0, count=DRAWS, seed=2) if isinstance(thing, float))
    distance = max(abs((n + 1) / DRAWS - (1 - math.exp(-gap))) for n, gap in enumerate(gaps))
    assert distance < 1.95 / math.sqrt(DRAWS)
    assert gaps[0] >= 0


def test_poisson_counts_have_a_variance_as_large_as_their_mean() -> None:
    """In 10,000 seconds of 4 events on average; the index of dispersion strays by sqrt(2 / n)."""
    seconds = 10_000
    counts = [0] * seconds
    for at, _ in times(poisson(CarPassed, rate=4.0, count=5 * seconds, seed=3)):
        if at < seconds:
            counts[int(at)] += 1
    mean = sum(counts) / seconds
    variance = sum((count - mean) ** 2 for count in counts) / (seconds - 1)
    assert mean == pytest.approx(4.0, abs=5 * math.sqrt(4.0 / seconds))
    assert variance / mean == pytest.approx(1.0, abs=5 * math.sqrt(2 / seconds))


def test_the_same_seed_gives_the_same_arrivals_and_another_one_others() -> None:
    """Whatever the seed is, a number or a name; the first gap counts too."""
    first, again, other, named = (list(poisson(CarPassed, rate=2, count=50, seed=seed)) for seed in (7, 7, 8, "rush"))
    assert first == again
    assert len({tuple(run[::2]) for run in (first, other, named)}) == 3
    assert [event for event in first if isinstance(event, Event)] == [CarPassed(n) for n in range(1, 51)]
    assert first[0] > 0


# --- in the lab


@pytest.mark.parametrize(
    ("producer", "seconds"),
    [
        (lambda: steady(make_order, every=2, count=3), [0, 2, 4]),
        (lambda: burst(make_order, size=2, every=5, count=5), [0, 0, 5, 5, 10]),
        (lambda: scheduled([(3, make_order(2)), (1, make_order(1))]), [1, 3]),
    ],
)
def test_the_lab_publishes_what_a_producer_yields_under_its_name(
    producer: Callable[[], Iterator[Any]], seconds: list[float]
) -> None:
    """The first order is the example's, whoever brings it."""
    bus = EventBus()
    bus.process("web", producer())
    bus.run()
    assert [message.time for message in bus.trace.messages] == seconds
    assert {message.source for message in bus.trace.messages} == {"web"}
    assert [message.data for message in bus.trace.messages] == [make_order(n + 1) for n in range(len(seconds))]


def test_a_million_events_are_not_made_before_they_are_wanted() -> None:
    """A producer is a generator: `make` is called when its turn comes."""
    made: list[int] = []
    producer = steady(lambda n: made.append(n) or CarPassed(n), every=1, count=10**15)
    assert made == []
    assert list(itertools.islice(producer, 4)) == [0.0, CarPassed(1), 1, CarPassed(2)]
    assert made == [1, 2]


# --- slips

SECONDS = "give a number of seconds"
WHOLE = "give a whole number of at least"
RATE = "give a number of events per second, above 0"
BAD: list[tuple[str, Callable[..., Any], dict[str, Any], list[Any], str]] = [
    ("every", steady, {"count": 1}, [-1, None, "1", True, math.nan, math.inf, 1j], SECONDS),
    ("every", burst, {"count": 1, "size": 1}, [-1, None, "1", True, math.nan, math.inf], SECONDS),
    ("count", steady, {"every": 1}, [-1, None, "1", True, 1.0, math.nan], f"{WHOLE} 0"),
    ("count", burst, {"every": 1, "size": 1}, [-1, None, "1", True, 1.0], f"{WHOLE} 0"),
    ("count", poisson, {"rate": 1}, [-1, None, "1", True, 1.0], f"{WHOLE} 0"),
    ("size", burst, {"every": 1, "count": 1}, [0, -1, None, "1", True, 1.0], f"{WHOLE} 1"),
    ("rate", poisson, {"count": 1}, [0, 0.0, -1, None, "1", True, math.nan, math.inf, 1e-320], RATE),
]


@pytest.mark.parametrize(
    ("option", "produce", "others", "value", "says"),
    [(option, produce, others, value, says) for option, produce, others, values, says in BAD for value in values],
)
def test_a_value_that_makes_no_sense_is_refused_at_the_call(
    option: str, produce: Callable[..., Any], others: dict[str, Any], value: Any, says: str
) -> None:
    """Not when the first event is due, somewhere in the middle of a run."""
    with pytest.raises(OptionError) as caught:
        produce(CarPassed, **others, **{option: value})
    assert caught.value.option == option
    assert says in str(caught.value)


@pytest.mark.parametrize("make", [None, 5, "order", CarPassed(1), [CarPassed(1)]])
def test_events_are_made_by_a_function(make: Any) -> None:
    """One event cannot be published many times over; its n-th copy would be the same fact."""
    for produce, options in ((steady, {"every": 1}), (poisson, {"rate": 1}), (burst, {"every": 1, "size": 1})):
        with pytest.raises(OptionError, match=r"^make=.*: give a function that makes the n-th event"):
            produce(make, count=1, **options)  # type: ignore[operator]


@pytest.mark.parametrize("plan", [None, 5, "plan", CarPassed(1), [1, 2], [(1.0,)], [(1.0, 2, 3)], {1.0: CarPassed(1)}])
def test_a_plan_is_a_row_of_pairs(plan: Any) -> None:
    """A dict of seconds would lose events that come at one instant."""
    with pytest.raises(OptionError, match=r"^plan=.*: give \(second, event\) pairs"):
        scheduled(plan)


@pytest.mark.parametrize("second", [-1, None, "1", True, math.nan, math.inf])
def test_a_plan_begins_at_the_start_of_the_run(second: Any) -> None:
    """One bad second among good ones is enough."""
    with pytest.raises(OptionError, match=r"^second=.*: give a number of seconds"):
        scheduled([(1.0, CarPassed(1)), (second, CarPassed(2))])
