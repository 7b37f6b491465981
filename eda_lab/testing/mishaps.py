"""Mishaps that may come over a system, one by one: a message comes twice or late, a call fails, a consumer crashes.

`find_failing` tries a system on each of them, and on each two of them, and returns the first that breaks a promise.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any, NamedTuple, TypeAlias

import msgspec

from eda_lab.bus import EventBus
from eda_lab.errors import OptionError, check_whole
from eda_lab.faults import CrashPlan, Faults, Link

__all__ = ["LATE", "Mishap", "Search", "find_failing", "mishaps"]

LATE = 5.0  # seconds that a message comes late
TWICE, HELD = "comes twice", "comes late"
FAILS = " fails"
OWN = ("db",)  # effects that are the consumer's own, and do not fail: they may meet a crash
Scenario: TypeAlias = Callable[..., Any]


class Mishap(msgspec.Struct, frozen=True):
    """One thing that goes wrong with a message on its way to a group, or in the first attempt at it there.

    `what` is "comes twice", "comes late", "mail.send fails" (its first call does), or a crash: "crash after mail.send".
    """

    group: str
    message: str
    type: str
    what: str

    def __str__(self) -> str:
        if self.what in (TWICE, HELD):
            return f"{self.type} {self.message} {self.what} to {self.group}"
        if self.what.endswith(FAILS):
            return f"{self.group} works on {self.type} {self.message}, and {self.what} once"
        return f"{self.group} works on {self.type} {self.message}: {self.what}"


class Search:
    """What `find_failing` found: `passed`, `tried` (how many schedules), and, of the first that failed, the rest.

    `schedule` is a tuple of mishaps, `bus` and `world` are those of its run; all three are None where none failed.
    """

    def __init__(self, tried: int, failed: tuple[tuple[Mishap, ...], Any, Any] | None) -> None:
        self.tried, self.passed = tried, failed is None
        self.schedule: tuple[Mishap, ...] | None
        self.bus: Any
        self.world: Any
        self.schedule, self.bus, self.world = failed or (None, None, None)

    def __repr__(self) -> str:
        if self.schedule is None:
            return f"{self.tried:,} schedules tried: the promise holds in all of them"
        return f"broken by schedule number {self.tried:,}: {'; '.join(map(str, self.schedule)) or 'nothing goes wrong'}"


class _Run(NamedTuple):
    bus: EventBus
    world: Any
    points: dict[tuple[str, str], list[str]]  # (group, message id) -> the crash points of its first attempt


def find_failing(scenario: Scenario, holds: Callable[[Any], bool], *, most: int = 2) -> Search:
    """Try a system on all schedules of up to `most` mishaps, those with fewer first, until a promise is broken.

    `scenario(faults=...)` builds a bus with these faults, not yet run, or that bus and its world. `holds(world)` says
    of the world after a run (of the bus, where there is no world) whether the promise is kept. What may go wrong is
    read off a run in which nothing does. Raises `OptionError` where the scenario makes a bus without the faults.

    >>> from eda_lab import OrderPlaced, Shop, example_order
    >>> def scenario(faults):
    ...     bus, shop = EventBus(faults=faults), Shop()
    ...     bus.subscribe(OrderPlaced, shop.send_confirmation, name="email")
    ...     bus.publish(example_order())
    ...     return bus, shop
    >>> find_failing(scenario, lambda shop: len(shop.mail.sent) == 1)
    broken by schedule number 2: order_placed 1 comes twice to email
    """
    check_whole("most", most)
    plain, tried = _run(scenario, ()), 0
    possible = _possible(plain)
    for number in range(most + 1):
        for schedule in combinations(possible, number):
            if number > 1 and len({(each.group, each.message, _kind(each)) for each in schedule}) < number:
                continue  # two of a kind in one place: the first would hide the second
            run = _run(scenario, schedule)
            tried += 1
            if not holds(run.world):
                return Search(tried, (schedule, run.bus, run.world))
    return Search(tried, None)


def mishaps(scenario: Scenario) -> tuple[Mishap, ...]:
    """Return all single mishaps that may come over a system, as `find_failing` tries them."""
    return tuple(_possible(_run(scenario, ())))


def _kind(mishap: Mishap) -> str:
    return mishap.what if mishap.what in (TWICE, HELD) else "attempt"


def _possible(plain: _Run) -> list[Mishap]:
    types = {message.id: message.type for message in plain.bus.trace.messages}
    on_the_way, calls, crashes = list[Mishap](), list[Mishap](), list[Mishap]()
    for (group, message), points in plain.points.items():
        place, reached = (group, message, types[message]), dict.fromkeys(points)
        on_the_way += [Mishap(*place, what) for what in (TWICE, HELD)]
        calls += [Mishap(*place, f"{call}{FAILS}") for call in map(_called, reached) if call]
        crashes += [Mishap(*place, f"crash {point}") for point in reached]
    return [*on_the_way, *calls, *crashes]


def _called(point: str) -> str | None:
    """Return the call on the world outside that begins at a crash point, or None."""
    first, _, call = point.partition(" ")
    return call if first == "before" and "." in call and call.split(".")[0] not in OWN else None


def _run(scenario: Scenario, schedule: tuple[Mishap, ...]) -> _Run:
    faults = _Scheduled(schedule=schedule, points={})
    made = scenario(faults=faults)
    bus, world = made if isinstance(made, tuple) and len(made) == 2 else (made, made)
    if not isinstance(bus, EventBus) or bus._engine.faults is not faults:
        raise OptionError("scenario", scenario, "let it make its bus with the faults given: EventBus(faults=faults)")
    bus.run()
    return _Run(bus, world, faults.points)


class _Plan(CrashPlan):
    """Notes the points that an attempt reaches; crashes at one of them, or lets a call fail there."""

    __slots__ = ("_failing", "_noted")

    def __init__(self, crashing: set[str], failing: set[str], noted: list[str]) -> None:
        super().__init__(crashing)
        self._failing, self._noted = failing, noted

    def reach(self, name: str) -> None:
        self._noted.append(name)
        super().reach(name)
        call = _called(name)
        if call in self._failing:
            self._failing.discard(call)
            raise ConnectionError(f"{call} does not answer")


class _Way(Link, frozen=True, kw_only=True):
    """A link on which the messages of a schedule come twice or late, and no others."""

    schedule: tuple[Mishap, ...] = ()

    def travels(self, seed: object, message: str) -> tuple[int, int]:  # noqa: ARG002 - nothing is drawn
        on_it = {mishap.what for mishap in self.schedule if (mishap.group, mishap.message) == (self.group, message)}
        return 2 if TWICE in on_it else 1, round(LATE * 1e6) if HELD in on_it else 0


class _Scheduled(Faults, frozen=True, kw_only=True):
    """The faults of one schedule; `points` is filled with the crash points of each first attempt while it runs."""

    schedule: tuple[Mishap, ...]
    points: dict[tuple[str, str], list[str]]

    def where(self, seed: object, consumer: str, message: str, attempt: int, process: bool = False) -> CrashPlan | None:
        if process or attempt > 1 or (consumer, message) in self.points:  # what comes twice meets its mishap once
            return super().where(seed, consumer, message, attempt, process)
        noted = self.points[consumer, message] = []
        whats = {each.what for each in self.schedule if (each.group, each.message) == (consumer, message)}
        crashing = {what.removeprefix("crash ") for what in whats if what.startswith("crash ")}
        failing = {what.removesuffix(FAILS) for what in whats if what.endswith(FAILS)}
        return _Plan(crashing, failing, noted)

    def link(self, group: str) -> Link | None:
        return _Way(group=group, schedule=self.schedule)
