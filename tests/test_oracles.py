"""The lab against the laws of chance: crashes, what they repeat and lose, and failures that are tried again.

200 seeds of 1,000 orders each, on a whole bus. A figure is right if its mean over the seeds lies within 4 standard
deviations of the theory, and if the spread of the seeds is that of the theory too, within 4 deviations of its own. By
chance alone such a test fails once in 16,000 times; the seeds are fixed, so it does so never or always.
"""

from collections import Counter
from functools import cache
from random import Random
from typing import NamedTuple

import pytest
from benchmarks.oracles import Law, binomial, extra_runs

from eda_lab import Event, EventBus, Faults, Retry
from eda_lab.columns import Outcome

SEEDS, ORDERS = 200, 1_000
CRASH, FAIL, ATTEMPTS = 0.1, 0.3, 5


class OrderPaid(Event):
    """What the consumer works on."""

    order_id: str


EVENTS = [OrderPaid(str(number)) for number in range(ORDERS)]


class Night(NamedTuple):
    """What one seed came to: how many attempts ended how, how many were the n-th at their order, how many charges."""

    ended: Counter[int]
    attempts: Counter[int]
    charges: int


def night(bus: EventBus, charged: list[str]) -> Night:
    """Publish the orders, run the bus, and count."""
    for event in EVENTS:
        bus.publish(event)
    bus.run()
    return Night(Counter(bus.columns.outcome), Counter(bus.columns.attempt), len(charged))


def crash_night(seed: int, ack: str) -> Night:
    """Return the night of a consumer that crashes in a tenth of its attempts, on the wrong side of the work."""
    charged: list[str] = []
    faults = Faults(rate=CRASH, point="before work" if ack == "before" else "before ack", down=0)
    bus = EventBus(seed, wire=False, visibility=0, faults=faults)
    bus.subscribe(OrderPaid, lambda order: charged.append(order.order_id), name="payment", ack=ack, delivery_limit=None)
    return night(bus, charged)


def failing_night(seed: int) -> Night:
    """Return the night of a consumer whose card provider cannot be reached in three of ten attempts."""
    charged: list[str] = []
    rng = Random(f"{seed}/network")

    def pay(order: OrderPaid) -> None:
        if rng.random() < FAIL:
            raise ConnectionError
        charged.append(order.order_id)

    bus = EventBus(seed, wire=False)
    bus.subscribe(OrderPaid, pay, name="payment", retry=Retry(max_attempts=ATTEMPTS))
    return night(bus, charged)


@cache
def nights(kind: str) -> list[Night]:
    """Return one night for each seed: acked after or before the work, or with failures that are tried again."""
    return [failing_night(seed) if kind == "failing" else crash_night(seed, kind) for seed in range(SEEDS)]


def assert_as_in_theory(what: str, counts: list[int], law: Law) -> None:
    """Assert that counts are as a law has it, in the mean and in their spread; print both (seen with `-s`)."""
    mean_off, spread_off = law.off(counts)
    mean = sum(counts) / len(counts)
    print(f"\n{what}: {mean:.2f}, theory {law.mean:.2f}: {mean_off:+.2f} deviations; spread {spread_off:+.2f}")
    assert abs(mean_off) < 4
    assert abs(spread_off) < 4


# --- crashes in a tenth of all attempts


def test_what_a_crash_after_the_work_repeats() -> None:
    """An order has p / (1 - p) extra runs, so 1,000 have 111.1, with as many charges; each is done in the end."""
    runs = nights("after")
    extra = [run.ended[Outcome.CRASHED] for run in runs]
    assert_as_in_theory("extra runs", extra, extra_runs(ORDERS, CRASH))
    assert all(run.ended[Outcome.DONE] == ORDERS for run in runs)
    assert [run.charges - ORDERS for run in runs] == extra


def test_how_many_orders_are_charged_more_than_once() -> None:
    """They are a share of p, 100 of 1,000: fewer than the extra charges, as some are charged three times."""
    affected = [run.attempts[2] for run in nights("after")]
    assert_as_in_theory("orders affected", affected, binomial(ORDERS, CRASH))


def test_what_a_crash_loses_once_the_ack_is_given() -> None:
    """A share of p, 100 of 1,000, is acked and never charged. They are those that a late ack would charge again."""
    runs = nights("before")
    lost = [run.ended[Outcome.LOST] for run in runs]
    assert_as_in_theory("orders lost", lost, binomial(ORDERS, CRASH))
    assert [ORDERS - run.charges for run in runs] == lost
    assert all(run.attempts == {1: ORDERS} for run in runs)
    assert lost == [run.attempts[2] for run in nights("after")]  # the same draws, whatever the ack


@pytest.mark.parametrize("number", [2, 3, 4, 5])
def test_attempts_after_crashes_are_geometric(number: int) -> None:
    """One order in ten needs a second attempt, one in a hundred a third, and so on without an end."""
    counts = [run.attempts[number] for run in nights("after")]
    assert_as_in_theory(f"orders with an attempt {number}", counts, binomial(ORDERS, CRASH ** (number - 1)))


# --- failures in three of ten attempts, five attempts at most


def test_how_many_orders_are_given_up() -> None:
    """p^5 = 0.243 % of them. Ten seeds in a row are a lot of 10,000 orders, of which 24.3 are given up in the mean."""
    given_up = [run.ended[Outcome.DEAD_LETTERED] for run in nights("failing")]
    assert_as_in_theory("given up of 1,000", given_up, binomial(ORDERS, FAIL**ATTEMPTS))
    lots = [sum(given_up[start : start + 10]) for start in range(0, SEEDS, 10)]
    assert_as_in_theory("given up of 10,000", lots, binomial(10 * ORDERS, FAIL**ATTEMPTS))
    assert all(run.charges + lost == ORDERS for run, lost in zip(nights("failing"), given_up, strict=True))


@pytest.mark.parametrize("number", [2, 3, 4, 5])
def test_attempts_after_failures_are_geometric(number: int) -> None:
    """Three in ten need a second attempt, nine in a hundred a third; after the fifth there is an end."""
    counts = [run.attempts[number] for run in nights("failing")]
    assert_as_in_theory(f"orders with an attempt {number}", counts, binomial(ORDERS, FAIL ** (number - 1)))
    assert max(max(run.attempts) for run in nights("failing")) == ATTEMPTS


# --- the draws themselves


@pytest.mark.parametrize(
    ("whose", "other"),
    [
        ("the next attempt", (0, 0, 0, 1)),
        ("the next message", (0, 0, 1, 0)),
        ("another consumer", (0, 1, 0, 0)),
        ("the next seed", (1, 0, 0, 0)),
    ],
)
def test_the_draw_of_one_says_nothing_about_the_draw_of_another(whose: str, other: tuple[int, ...]) -> None:
    """Each draw has a generator of its own, seeded with a text; texts that are alike must not give draws alike."""
    faults = Faults(rate=CRASH)

    def crashes(seed: int, consumer: int, message: int, attempt: int) -> bool:
        return faults.where(seed, f"group {consumer}", str(message), attempt) is not None

    both = [
        sum(
            crashes(seed, 0, message, 1)
            and crashes(*(a + b for a, b in zip((seed, 0, message, 1), other, strict=True)))
            for message in range(0, 2 * ORDERS, 2)
        )
        for seed in range(0, 60, 2)
    ]
    assert_as_in_theory(f"crashes shared with {whose}", both, binomial(ORDERS, CRASH**2))


def test_a_lab_that_is_a_little_wrong_is_found_out() -> None:
    """A tenth of the crashes too many, or all seeds alike, or draws that depend on each other: each is seen."""
    law = binomial(ORDERS, CRASH)
    lost = [run.ended[Outcome.LOST] for run in nights("before")]
    assert abs(law.off([round(count * 1.1) for count in lost])[0]) > 4
    assert law.off([100] * 99 + [101])[1] < -4
    assert law.off([100 + 2 * (count - 100) for count in lost])[1] > 4
    assert abs(law.off([min(count, 101) for count in lost])[1]) > 4
