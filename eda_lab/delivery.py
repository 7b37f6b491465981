"""The rules of one delivery, pure: when to try again, where a consumer crashes, what lands in the dead letters.

Nothing here knows a bus or a clock; every choice is a function of the seed and of who is concerned.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from random import Random

import msgspec

from eda_lab.clock import microseconds
from eda_lab.errors import OptionError, one_line
from eda_lab.events import Message

__all__ = [
    "Crash",
    "CrashPlan",
    "Crashed",
    "DeadLetter",
    "Delivery",
    "Faults",
    "Later",
    "Retry",
    "crash_point",
    "later",
]


def _is_share(given: object) -> bool:
    return isinstance(given, (int, float)) and not isinstance(given, bool) and 0 <= given <= 1


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How often, and after which pauses, a failed delivery is tried again.

    The pause after attempt n is `backoff * 2 ** (n - 1)` seconds, at most `max_backoff`; of it a random share of up to
    `jitter` (0 to 1) is taken away, so that consumers which failed together do not come back together ("full jitter"
    for 1: M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015). Errors that are no instance of
    `retry_on` are permanent: the message goes to the dead letters at once.

    >>> [Retry(max_attempts=5, backoff=1, max_backoff=5).pause(attempt, Random(1)) for attempt in (1, 2, 3, 4)]
    [1.0, 2.0, 4.0, 5.0]
    """

    max_attempts: int = 3
    backoff: float = 1.0
    jitter: float = 0.0
    max_backoff: float = 60.0
    retry_on: tuple[type[BaseException], ...] = (Exception,)

    def __post_init__(self) -> None:
        if isinstance(self.max_attempts, bool) or not isinstance(self.max_attempts, int) or self.max_attempts < 1:
            raise OptionError("max_attempts", self.max_attempts, "give a whole number of at least 1")
        microseconds("backoff", self.backoff)
        microseconds("max_backoff", self.max_backoff)
        if not _is_share(self.jitter):
            raise OptionError("jitter", self.jitter, "give a share between 0 and 1")
        kinds = self.retry_on if isinstance(self.retry_on, tuple) else (self.retry_on,)
        if not all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
            raise OptionError("retry_on", self.retry_on, "give a class of exceptions, or a tuple of such classes")
        msgspec.structs.force_setattr(self, "retry_on", kinds)

    def again(self, attempt: int, error: BaseException) -> bool:
        """Whether a delivery that failed at this attempt (from 1) with this error is tried again."""
        return attempt < self.max_attempts and isinstance(error, self.retry_on)

    def pause(self, attempt: int, rng: Random) -> float:
        """Return the seconds to wait after a failed attempt (from 1)."""
        # The exponent is bounded, or a float would overflow after a thousand attempts.
        full = min(float(self.max_backoff), self.backoff * 2.0 ** min(attempt - 1, 64))
        return full * (1.0 - self.jitter * rng.random()) if self.jitter else full


class Crash(msgspec.Struct, frozen=True):
    """One crash, as data: this consumer (its group), at this message id, in this attempt, at this point.

    A point is a name ("before work", "before card.charge", "after card.charge", "before publish", "before ack") or
    its number in the order in which the attempt reaches them, from 0.
    """

    consumer: str
    message: str
    attempt: int
    point: int | str

    def __post_init__(self) -> None:
        if not isinstance(self.message, str):
            raise OptionError("message", self.message, "give the id of the message, which is text such as '1'")
        if isinstance(self.attempt, bool) or not isinstance(self.attempt, int) or self.attempt < 1:
            raise OptionError("attempt", self.attempt, "give a whole number of at least 1")


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """Where consumers crash: at the crashes listed, and at `point` with a probability of `rate` per attempt.

    A crashed consumer is down for `down` seconds. Who crashes is drawn from the seed, the consumer, the message id and
    the attempt alone, so that changing one part of a scenario changes no other draw.
    """

    crashes: tuple[Crash, ...] = ()
    rate: float = 0.0
    point: int | str = "before ack"
    consumers: tuple[str, ...] | None = None
    down: float = 1.0

    def __post_init__(self) -> None:
        if not _is_share(self.rate):
            raise OptionError("rate", self.rate, "give a probability between 0 and 1")
        microseconds("down", self.down)
        crashes = (self.crashes,) if isinstance(self.crashes, Crash) else tuple(self.crashes)
        for crash in crashes:
            if not isinstance(crash, Crash):
                raise OptionError("crashes", crash, "give a tuple of Crash(consumer, message, attempt, point)")
        consumers = (self.consumers,) if isinstance(self.consumers, str) else self.consumers
        msgspec.structs.force_setattr(self, "crashes", crashes)
        msgspec.structs.force_setattr(self, "consumers", consumers)

    def where(self, seed: object, consumer: str, message: str, attempt: int) -> CrashPlan | None:
        """Return where the consumer crashes in this attempt at this message, or None where it does not."""
        points: set[int | str] = {
            crash.point
            for crash in self.crashes
            if (crash.consumer, crash.message, crash.attempt) == (consumer, message, attempt)
        }
        if self.rate and (self.consumers is None or consumer in self.consumers):
            draw = Random(f"{seed}/{consumer}/crash/{message}/{attempt}").random()
            if draw < self.rate:
                points.add(self.point)
        return CrashPlan(points) if points else None


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
        if self.crash is None and (number in self.points or name in self.points):
            self.crash = Crashed(name)
        if self.crash is not None:
            raise self.crash


current_plan: ContextVar[CrashPlan | None] = ContextVar("current_plan", default=None)


def crash_point(name: str) -> None:
    """Mark a place where the consumer at work may be made to crash. Effects call it before and after all they do."""
    plan = current_plan.get()
    if plan is not None:
        plan.reach(name)


class Delivery(msgspec.Struct, frozen=True):
    """One attempt to hand a message to a consumer: what a handler gets that asks for a second argument."""

    message: Message
    consumer: str
    group: str
    attempt: int


class DeadLetter(msgspec.Struct, frozen=True):
    """A message that a group gave up on: after how many attempts, at which second, and why."""

    message: Message
    group: str
    attempts: int
    time: float
    error: str
    traceback: str = ""

    def __repr__(self) -> str:
        tries = "attempt" if self.attempts == 1 else "attempts"
        head = f"<DeadLetter {self.message.type} {self.message.id!r} of {self.group}"
        return f"{head}: {one_line(self.error, 100)} ({self.attempts} {tries})>"


class Later(msgspec.Struct, frozen=True):
    """An event that is to be published some seconds on."""

    seconds: float
    event: object


def later(seconds: float, event: object) -> Later:
    """Return this from a handler to have an event published `seconds` on."""
    microseconds("seconds", seconds)
    return Later(seconds, event)
