"""When events arrive: producers as generators for `bus.process`, each yielding seconds to wait, and events.

A producer knows no bus and no consumer. `make(n)` gives its n-th event, from 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from random import Random
from typing import Any

from eda_lab.clock import microseconds
from eda_lab.errors import OptionError, check_whole

__all__ = ["burst", "poisson", "scheduled", "steady"]

Make = Callable[[int], Any]


def steady(make: Make, *, every: float, count: int) -> Iterator[Any]:
    """Yield one event every so many seconds, the first at once.

    >>> list(steady("order {}".format, every=2.0, count=2))
    [0.0, 'order 1', 2.0, 'order 2']
    """
    microseconds("every", every)
    return _spaced(make, count, lambda n: 0.0 if n == 1 else every)


def poisson(make: Make, *, rate: float, count: int, seed: object = 0) -> Iterator[Any]:
    """Yield events as a Poisson process: the times between are exponential with a mean of 1 / `rate` seconds."""
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 1e-9 <= rate < math.inf:
        raise OptionError("rate", rate, "give a number of events per second, above 0")
    rng = Random(f"{seed}/arrivals")
    return _spaced(make, count, lambda _: -math.log(1.0 - rng.random()) / rate)


def burst(make: Make, *, size: int, every: float, count: int) -> Iterator[Any]:
    """Yield `size` events at one instant, and again every so many seconds, `count` events in all.

    >>> list(burst("order {}".format, size=2, every=5.0, count=3))
    [0.0, 'order 1', 0.0, 'order 2', 5.0, 'order 3']
    """
    microseconds("every", every)
    check_whole("size", size, 1)
    return _spaced(make, count, lambda n: every if n > 1 and n % size == 1 % size else 0.0)


def scheduled(plan: Iterable[tuple[float, Any]]) -> Iterator[Any]:
    """Yield given events at given seconds of the run, as (second, event) pairs in any order.

    >>> list(scheduled([(3.0, "b"), (1.0, "a")]))
    [1.0, 'a', 2.0, 'b']
    """
    try:
        pairs = [(at, event) for at, event in plan]
    except (TypeError, ValueError) as error:
        raise OptionError("plan", plan, "give (second, event) pairs, as in [(1.0, event), (2.5, event)]") from error
    return _scheduled(sorted(((microseconds("second", at), event) for at, event in pairs), key=itemgetter(0)))


def _scheduled(ordered: list[tuple[int, Any]]) -> Iterator[Any]:
    now = 0
    for due, event in ordered:
        yield (due - now) / 1e6
        yield event
        now = due


def _spaced(make: Make, count: int, gap: Callable[[int], float]) -> Iterator[Any]:
    check_whole("count", count)
    if not callable(make):
        raise OptionError("make", make, "give a function that makes the n-th event, as in make_order")
    return (thing for n in range(1, count + 1) for thing in (gap(n), make(n)))
