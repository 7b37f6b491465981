"""What goes wrong in a run, as data: crashes, outages, slow consumers, and links that repeat, delay or reorder.

Nothing here knows a bus; every choice is a function of the seed and of who is concerned, so that one fault more changes
no other draw. A crash point is a place that effects, the bus and processes pass, and where a plan may end the attempt.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from random import Random
from typing import TypeVar

import msgspec

from eda_lab.clock import microseconds
from eda_lab.errors import OptionError

__all__ = ["Crash", "CrashPlan", "Crashed", "Faults", "Link", "Outage", "Slow", "crash_point", "current_plan"]

T = TypeVar("T")


def is_share(given: object) -> bool:
    """Whether this is a number from 0 to 1."""
    return isinstance(given, (int, float)) and not isinstance(given, bool) and 0 <= given <= 1


class Crash(msgspec.Struct, frozen=True):
    """One crash, as data: this consumer (its group), at this message id, in this attempt, at this point.

    A point is a name ("before work", "before card.charge", "after card.charge", "before publish", "after publish",
    "before ack") or its number in the order in which the attempt reaches them, from 0. For a process, `consumer` is its
    name, `message` the number of its step, from "1", and `attempt` is 1.
    """

    consumer: str
    message: str
    attempt: int
    point: int | str

    def __post_init__(self) -> None:
        _check_name("consumer", self.consumer)
        _check_point(self.point)
        if not isinstance(self.message, str):
            raise OptionError("message", self.message, "give the id of the message, which is text such as '1'")
        if isinstance(self.attempt, bool) or not isinstance(self.attempt, int) or self.attempt < 1:
            raise OptionError("attempt", self.attempt, "give a whole number of at least 1")


class Outage(msgspec.Struct, frozen=True):
    """All consumers of a group are down from second `start` to second `end`."""

    group: str
    start: float
    end: float

    def __post_init__(self) -> None:
        _check_name("group", self.group)
        if microseconds("start", self.start) >= microseconds("end", self.end):
            raise OptionError("end", self.end, f"give a second after start={self.start!r}")


class Slow(msgspec.Struct, frozen=True):
    """All consumers of a group need `factor` times as long for what they take up from `start` to `end` (None: ever).

    Where two such times overlap, both factors count.
    """

    group: str
    factor: float
    start: float = 0.0
    end: float | None = None

    def __post_init__(self) -> None:
        _check_name("group", self.group)
        if microseconds("factor", self.factor) == 0:
            raise OptionError("factor", self.factor, "give a factor above 0; 1 is the normal pace")
        start_us = microseconds("start", self.start)
        if self.end is not None and start_us >= microseconds("end", self.end):
            raise OptionError("end", self.end, f"give a second after start={self.start!r}, or None")


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to a message between the bus and the queue of a group.

    It travels `delay` seconds. With a probability of `reorder` it is held back for another `held` seconds, so that
    later ones pass it; with a probability of `duplicate` it arrives twice.
    """

    group: str
    duplicate: float = 0.0
    delay: float = 0.0
    reorder: float = 0.0
    held: float = 1.0

    def __post_init__(self) -> None:
        _check_name("group", self.group)
        for option, share in (("duplicate", self.duplicate), ("reorder", self.reorder)):
            if not is_share(share):
                raise OptionError(option, share, "give a probability between 0 and 1")
        microseconds("delay", self.delay)
        microseconds("held", self.held)

    def travels(self, seed: object, message: str) -> tuple[int, int]:
        """Return how many copies of a message arrive, and after how many microseconds."""
        rng = Random(f"{seed}/{self.group}/link/{message}")
        copies = 2 if rng.random() < self.duplicate else 1
        held = self.held if rng.random() < self.reorder else 0.0
        return copies, round((self.delay + held) * 1e6)


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong: the crashes listed, a crash at `point` with a probability of `rate` per attempt, and the rest.

    `consumers` are the groups that `rate` is about (None: all), and the processes, which it is about only if they are
    named. A crashed consumer is down for `down` seconds. Who crashes is drawn from the seed, the consumer, the message
    id and the attempt alone, so that changing one part of a scenario changes no other draw.
    """

    crashes: tuple[Crash, ...] = ()
    rate: float = 0.0
    point: int | str = "before ack"
    consumers: tuple[str, ...] | None = None
    down: float = 1.0
    outages: tuple[Outage, ...] = ()
    slow: tuple[Slow, ...] = ()
    links: tuple[Link, ...] = ()

    def __post_init__(self) -> None:
        if not is_share(self.rate):
            raise OptionError("rate", self.rate, "give a probability between 0 and 1")
        microseconds("down", self.down)
        _check_point(self.point)
        consumers = (self.consumers,) if isinstance(self.consumers, str) else self.consumers
        if consumers is not None and not isinstance(consumers, Iterable):
            raise OptionError("consumers", consumers, "give names of groups or processes, or None for all groups")
        consumers = None if consumers is None else tuple(consumers)
        for name in consumers or ():
            _check_name("consumers", name)
        changed = {
            "crashes": _all("crashes", self.crashes, Crash, "Crash(consumer, message, attempt, point)"),
            "outages": _all("outages", self.outages, Outage, "Outage(group, start, end)"),
            "slow": _all("slow", self.slow, Slow, "Slow(group, factor)"),
            "links": _all("links", self.links, Link, 'Link(group="email", duplicate=0.1)'),
            "consumers": consumers,
        }
        for name, value in changed.items():
            msgspec.structs.force_setattr(self, name, value)
        linked = [link.group for link in self.links]
        for link in self.links:
            if linked.count(link.group) > 1:
                raise OptionError("links", link.group, "give one Link for each group, with all that happens on it")

    def where(self, seed: object, consumer: str, message: str, attempt: int, process: bool = False) -> CrashPlan | None:
        """Return where the consumer crashes in this attempt at this message, or None where it does not."""
        points: set[int | str] = {
            crash.point
            for crash in self.crashes
            if (crash.consumer, crash.message, crash.attempt) == (consumer, message, attempt)
        }
        if self.rate and (not process if self.consumers is None else consumer in self.consumers):
            draw = Random(f"{seed}/{consumer}/crash/{message}/{attempt}").random()
            if draw < self.rate:
                points.add(self.point)
        return CrashPlan(points) if points else None

    def link(self, group: str) -> Link | None:
        """Return the link to a group, or None where messages cross it at once and unharmed."""
        return next((link for link in self.links if link.group == group), None)

    @property
    def names(self) -> set[str]:
        """The names of all that something is to happen to."""
        groups = {outage.group for outage in self.outages} | {slow.group for slow in self.slow}
        groups |= {link.group for link in self.links}
        return groups | {crash.consumer for crash in self.crashes} | set(self.consumers or ())


def _check_name(option: str, given: object) -> None:
    """Raise `OptionError` where this can be the name of nobody."""
    if not isinstance(given, str) or not given.strip() or not given.isprintable():
        raise OptionError(option, given, "give the name of a group or process, as text on one line")


def _check_point(given: object) -> None:
    """Raise `OptionError` where no crash point has this name or number."""
    numbered = isinstance(given, int) and not isinstance(given, bool) and given >= 0
    if not numbered and (not isinstance(given, str) or not given):
        raise OptionError("point", given, "give the name of a point, such as 'before ack', or its number from 0")


def _all(option: str, given: object, kind: type[T], example: str) -> tuple[T, ...]:
    """Return one fault, or any number of them, as a tuple."""
    things = (given,) if isinstance(given, kind) else tuple(given) if isinstance(given, Iterable) else (given,)
    for thing in things:
        if not isinstance(thing, kind):
            raise OptionError(option, thing, f"give a tuple of {example}")
    return things


class Crashed(BaseException):
    """Ends a consumer at a crash point. No `except Exception` in a handler can hold it up, as nothing could a crash."""


class CrashPlan:
    """The crash points still ahead in one attempt; `reach` raises `Crashed` at the one that was planned."""

    __slots__ = ("crash", "points", "reached")

    def __init__(self, points: Iterable[int | str]) -> None:
        self.points = frozenset(points)
        self.reached = 0
        self.crash: Crashed | None = None

    def reach(self, name: str) -> None:
        """Pass the point of that name, or crash there; after a crash no other point can be passed (in a `finally`)."""
        number = self.reached
        self.reached += 1
        if self.crash is None and self.crashes_at(number, name):
            self.crash = Crashed(name)
        if self.crash is not None:
            raise self.crash

    def crashes_at(self, number: int, name: str) -> bool:
        """Whether this is where the attempt is to end."""
        return number in self.points or name in self.points

    @classmethod
    def lost(cls) -> CrashPlan:
        """Return the plan of one who is lost already: it passes no point any more."""
        plan = cls(())
        plan.crash = Crashed("lost")
        return plan


current_plan: ContextVar[CrashPlan | None] = ContextVar("current_plan", default=None)


def crash_point(name: str) -> None:
    """Mark a place where the consumer at work may be made to crash. Effects call it before and after all they do."""
    plan = current_plan.get()
    if plan is not None:
        plan.reach(name)
