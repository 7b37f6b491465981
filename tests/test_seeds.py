"""A number that comes from chance: its mean over seeds, its band, and the theory beside it."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from eda_lab import EventBus, Faults, make_order, open_shop, steady
from eda_lab.course import Payments, over_seeds
from eda_lab.errors import OptionError


def counting(seed: int, factor: int = 1) -> tuple[EventBus, Any]:
    return EventBus(seed=seed), SimpleNamespace(done={"seed": seed * factor, "one": 1})


def crashing(seed: int, ack: str, rate: float = 0.1, count: int = 500) -> tuple[EventBus, Payments]:
    bus = EventBus(seed=seed, faults=Faults(rate=rate, point="after card.charge", consumers=("payment",)))
    shop = open_shop(bus, services={"payment": 0.5}, ack=ack)
    bus.process("checkout", steady(make_order, every=1.0, count=count))
    return bus, Payments(bus, shop)


def test_each_seed_is_run_once_and_the_band_is_the_lowest_and_the_highest() -> None:
    found = over_seeds(counting, {"seed": 2.04, "one": 1}, seeds=5, factor=10)
    assert found.columns == ("What happened", "Theory", "Mean of 5 runs", "Lowest", "Highest")
    assert found.rows == [("seed", 2.0, 20, 0, 40), ("one", 1.0, 1, 1, 1)]
    assert found.means == {"seed": 20, "one": 1}


def test_a_number_that_the_scenario_does_not_count_is_refused_with_those_that_it_does() -> None:
    with pytest.raises(OptionError, match="the scenario counts seed, one"):
        over_seeds(counting, {"sed": 1}, seeds=1)


@pytest.mark.parametrize(("theory", "seeds"), [({}, 1), ({"one": 1}, 0)])
def test_nothing_to_count_and_no_run_are_refused(theory: dict[str, float], seeds: int) -> None:
    with pytest.raises(OptionError):
        over_seeds(counting, theory, seeds=seeds)


@pytest.mark.parametrize(
    ("ack", "what", "mean", "variance"),
    [
        ("after", "extra charges", 0.1 / 0.9, 0.1 / 0.9**2),  # geometric: p / (1 - p), p / (1 - p)^2 for each order
        ("before", "orders lost", 0.1, 0.1 * 0.9),  # binomial
    ],
)
def test_the_price_of_each_ack_is_that_of_the_theory(ack: str, what: str, mean: float, variance: float) -> None:
    seeds, orders = 40, 500
    found = over_seeds(crashing, {what: orders * mean}, seeds=seeds, ack=ack, count=orders)
    assert abs(found.means[what] - orders * mean) < 4 * math.sqrt(orders * variance / seeds)
