"""Exercise 05-ack, its plans: what goes wrong in which attempt at which order."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import product
from random import Random

import msgspec

from eda_lab.faults import Crash
from eda_lab.orders import Item, OrderPlaced

__all__ = ["DOWN", "MOST_FAULTS", "POINTS", "Plan", "plans"]

POINTS = ("before card.charge", "after card.charge", "before ack", "before work")
DOWN = "the card provider is down"
MOST = 200
MOST_FAULTS = 9  # in a row, at one order


class Plan(msgspec.Struct, frozen=True):
    """For each order what happens to its first attempts: a crash at one of `POINTS`, or `DOWN`.

    >>> plan = Plan((("after card.charge",), ()))
    >>> [order.order_id for order in plan.orders(20001)]
    ['20001', '20002']
    >>> plan.crashes(["20001", "20002"])
    (Crash(consumer='payment', message='20001', attempt=1, point='after card.charge'),)
    """

    fates: tuple[tuple[str, ...], ...]

    @property
    def size(self) -> tuple[int, int]:
        """How much there is to read in a plan."""
        return len(self.fates), sum(map(len, self.fates))

    def orders(self, first: int) -> list[OrderPlaced]:
        """Return its orders, numbered from `first`, each with a customer and an amount of its own."""
        return [
            OrderPlaced(str(first + n), f"USER{n + 1:03d}", (Item("PROD1", 1 + n, 2500),))
            for n in range(len(self.fates))
        ]

    def crashes(self, ids: Iterable[str]) -> tuple[Crash, ...]:
        """Return its crashes, for orders whose messages have these ids."""
        return tuple(
            Crash("payment", id_, attempt, fate)
            for id_, fates in zip(ids, self.fates, strict=True)
            for attempt, fate in enumerate(fates, 1)
            if fate != DOWN
        )


@cache
def plans() -> tuple[Plan, ...]:
    """Return 200 plans, the simplest first.

    All with one order and up to two faults; the same fault three times in a row, four times, and so on; the rest is
    drawn by chance.
    """
    every = (*POINTS, DOWN)
    small = [Plan((fates,)) for length in (0, 1, 2) for fates in product(every, repeat=length)]
    stubborn = [Plan(((fault,) * times,)) for times in range(3, MOST_FAULTS + 1) for fault in every]
    drawn = [_drawn(seed, every) for seed in range(MOST - len(small) - len(stubborn))]
    return tuple(sorted([*small, *stubborn, *drawn], key=lambda plan: plan.size))


def _drawn(seed: int, every: tuple[str, ...]) -> Plan:
    rng = Random(f"ack/{seed}")
    most = 6 if seed % 5 == 0 else 4  # faults in a row, and one more

    def fault() -> str:
        return every[int(rng.random() * len(every))]

    return Plan(tuple(tuple(fault() for _ in range(int(rng.random() * most))) for _ in range(1 + seed % 5)))
