"""What is known from elsewhere: the same queue in the lab and in SimPy, Erlang's mean wait, and the laws of chance.

All times that are given are whole microseconds, so that two programs which round differently still have to agree.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean, variance
from typing import NamedTuple

import simpy

from eda_lab import Event, EventBus, exponential

__all__ = [
    "Law",
    "binomial",
    "erlang_c_wait",
    "extra_runs",
    "given_times",
    "lab_queue",
    "poisson_queue",
    "simpy_waits",
    "waits_of",
]


class CustomerArrived(Event, frozen=True):
    """Somebody joins the queue."""

    number: int


def given_times(customers: int, servers: int, load: float, seed: int = 7) -> tuple[list[int], list[int]]:
    """Return gaps between arrivals and service times, in microseconds: exponential, a service 1 s in the mean."""
    rng = random.Random(seed)
    gaps = [round(rng.expovariate(servers * load) * 1e6) for _ in range(customers)]
    return gaps, [round(rng.expovariate(1.0) * 1e6) for _ in range(customers)]


def _arrivals(gaps: Sequence[float]) -> Iterator[float | CustomerArrived]:
    for number, gap in enumerate(gaps):
        yield gap
        yield CustomerArrived(number)


def _serve(_: CustomerArrived) -> None:
    """Do nothing: the service time is all the work."""


def lab_queue(gaps: Sequence[int], services: Sequence[int], servers: int) -> Callable[[], EventBus]:
    """Return what builds and runs the lab's queue: one group with `servers` workers, its trace on."""
    gaps_s, services_s = [us / 1e6 for us in gaps], [us / 1e6 for us in services]

    def run() -> EventBus:
        bus, service = EventBus(wire=False), iter(services_s)
        # The queue is first in, first out, so the n-th service that starts is the n-th customer's.
        bus.subscribe(CustomerArrived, _serve, name="desk", workers=servers, takes=lambda _: next(service))
        bus.process("door", _arrivals(gaps_s))
        bus.run()
        return bus

    return run


def waits_of(bus: EventBus) -> list[int]:
    """Return how long each customer of a lab's queue waited, in microseconds, in the order of their arrivals."""
    columns = bus.columns
    waits = [0] * len(columns.message)
    for message, queued, started in zip(columns.message, columns.queued, columns.started, strict=True):
        waits[message] = started - queued
    return waits


def simpy_waits(gaps: Sequence[int], services: Sequence[int], servers: int) -> list[int]:
    """Return how long each customer of SimPy's queue waited, in microseconds, in the order of their arrivals."""
    environment = simpy.Environment()
    desk = simpy.Resource(environment, capacity=servers)
    waits = [0] * len(gaps)

    def customer(number: int) -> Iterator[simpy.Event]:
        arrived = environment.now
        with desk.request() as turn:
            yield turn
            waits[number] = environment.now - arrived
            yield environment.timeout(services[number])

    def door() -> Iterator[simpy.Event]:
        for number, gap in enumerate(gaps):
            yield environment.timeout(gap)
            environment.process(customer(number))

    environment.process(door())
    environment.run()
    return waits


def poisson_queue(customers: int, servers: int, load: float, seed: int) -> EventBus:
    """Return the lab after an M/M/c queue with services of 1 s in the mean, all drawn by the lab's own generators."""
    rng, gap = random.Random(f"{seed}/arrivals"), exponential(1.0 / (servers * load))
    bus = EventBus(seed, wire=False)
    bus.subscribe(CustomerArrived, _serve, name="desk", workers=servers, takes=exponential(1.0))
    bus.process("door", _arrivals_of(customers, lambda: gap(rng)))
    bus.run()
    return bus


def _arrivals_of(customers: int, gap: Callable[[], float]) -> Iterator[float | CustomerArrived]:
    for number in range(customers):
        yield gap()
        yield CustomerArrived(number)


def erlang_c_wait(servers: int, load: float) -> float:
    """Return the mean wait in the queue of an M/M/c system, in mean service times.

    With the offered traffic a = c * load, Erlang's loss probability by its recursion, B(0) = 1 and
    B(k) = a B(k-1) / (k + a B(k-1)), gives the probability to wait, C = B(c) / (1 - load (1 - B(c))), and the mean wait
    is C / (c (1 - load)). A. K. Erlang, Solution of some problems in the theory of probabilities of significance in
    automatic telephone exchanges, Elektroteknikeren 13 (1917); derived in L. Kleinrock, Queueing Systems, vol. 1
    (1975), sections 3.5 and 3.6.

    >>> round(erlang_c_wait(servers=1, load=0.8), 12)
    4.0
    """
    blocked = 1.0
    for server in range(1, servers + 1):
        blocked = servers * load * blocked / (server + servers * load * blocked)
    to_wait = blocked / (1.0 - load * (1.0 - blocked))
    return to_wait / (servers * (1.0 - load))


class Law(NamedTuple):
    """What a count is like, by its mean, its variance, and its fourth cumulant."""

    mean: float
    variance: float
    fourth: float

    def off(self, counts: Sequence[int]) -> tuple[float, float]:
        """Return by how many standard deviations the mean of independent counts, and their spread, are off.

        The mean of m counts has the variance v / m. Their sample variance has the mean v, and the variance
        (mu4 - v^2 (m - 3) / (m - 1)) / m, where mu4 = k4 + 3 v^2 is the fourth central moment: that is
        k4 / m + 2 v^2 / (m - 1). A. M. Mood, F. A. Graybill, D. C. Boes, Introduction to the Theory of Statistics,
        3rd ed. (1974), chapter VI, section 2; M. G. Kendall, A. Stuart, The Advanced Theory of Statistics, vol. 1,
        chapter 12.
        """
        m, v = len(counts), self.variance
        mean_off = (fmean(counts) - self.mean) / (v / m) ** 0.5
        return mean_off, (variance(counts) - v) / (self.fourth / m + 2 * v * v / (m - 1)) ** 0.5


def binomial(number: int, p: float) -> Law:
    """Return the law of how many of so many things happen, each by itself with the probability p.

    Mean n p, variance n p q and fourth cumulant n p q (1 - 6 p q), with q = 1 - p. N. L. Johnson, A. W. Kemp, S. Kotz,
    Univariate Discrete Distributions, 3rd ed. (2005), section 3.2.

    >>> binomial(1000, 0.1)
    Law(mean=100.0, variance=90.0, fourth=41.4)
    """
    v = number * p * (1 - p)
    return Law(number * p, round(v, 9), round(v * (1 - 6 * p * (1 - p)), 9))


def extra_runs(messages: int, p: float) -> Law:
    """Return the law of how many runs are in vain, where each fails with the probability p until one does not.

    For one message that number is geometric, P(k) = q p^k with q = 1 - p; for n of them it is negative binomial: mean
    n p / q, variance n p / q^2 and fourth cumulant n p (q^2 + 6 p) / q^4. N. L. Johnson, A. W. Kemp, S. Kotz,
    Univariate Discrete Distributions, 3rd ed. (2005), section 5.1.

    >>> law = extra_runs(1000, 0.1)
    >>> round(law.mean, 2), round(law.variance, 2)
    (111.11, 123.46)
    """
    q = 1 - p
    return Law(messages * p / q, messages * p / q**2, messages * p * (q**2 + 6 * p) / q**4)
