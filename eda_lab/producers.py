"""When events arrive: producers as generators for `bus.process`, each yielding seconds to wait, and events.

A producer knows no bus and no consumer. `make(n)` gives its n-th event, from 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

from eda_lab.clock import microseconds
from eda_lab.errors import OptionError

__all__ = ["burst", "poisson", "scheduled", "steady"]

Make = Callable[[int], Any]


def steady(make: Make, *, every: float, count: int) -> Iterator[Any]:
    """Yield one event every so many seconds, the first at once.

    >>> list(steady("order {}".format, every=2.0, count=2))
    [0.0, 'order 1', 2.0, 'order 2']
    """
    microseconds("every", every)
    return _spaced(make, _count(count), lambda n: 0.0 if n == 1 else every)


def poisson(make: Make, *, rate: float, count: int, seed: object = 0) -> Iterator[Any]:
    """Yield events as a Poisson process: the times between are exponential with a mean of 1 / `rate` seconds."""
    if microseconds("rate", rate) == 0:
        raise OptionError("rate", rate, "give a number of events per second, above 0")
    rng = Random(f"{seed}/arrivals")
    return _spaced(make, _count(count), lambda _: -math.log(1.0 - rng.random()) / rate)


def burst(make: Make, *, size: int, every: float, count: int) -> Iterator[Any]:
    """Yield `size` events at one instant, and again every so many seconds, `count` events in all.

    >>> list(burst("order {}".format, size=2, every=5.0, count=3))
    [0.0, 'order 1', 0.0, 'order 2', 5.0, 'order 3']
    """
    microseconds("every", every)
    if _count(size) == 0:
        raise OptionError("size", size, "give a whole number of at least 1")
    return _spaced(make, _count(count), lambda n: every if n > 1 and n % size == 1 % size else 0.0)


def scheduled(plan: Iterable[tuple[float, Any]]) -> Iterator[Any]:
    """Yield given events at given seconds of the run, as (second, event) pairs in any order.

    >>> list(scheduled([(3.0, "b"), (1.0, "a")]))
    [1.0, 'a', 2.0, 'b']
    """
    ordered = sorted(((microseconds("second", at), event) for at, event in plan), key=lambda entry: entry[0])
    return _scheduled(ordered)


def _scheduled(ordered: list[tuple[int, Any]]) -> Iterator[Any]:
    now = 0
    for due, event in ordered:
        yield (due - now) / 1e6
        yield event
        now = due


def _spaced(make: Make, count: int, gap: Callable[[int], float]) -> Iterator[Any]:
    for n in range(1, count + 1):
        yield gap(n)
        yield make(n)


def _count(count: object) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise OptionError("count", count, "give a whole number that is not negative")
    return count
