"""The rules of one delivery, pure: when it is acked, when it is tried again, what lands in the dead letters.

Nothing here knows a bus or a clock. `faults` says what may go wrong meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import Literal

import msgspec

from eda_lab.clock import microseconds
from eda_lab.errors import EdaLabError, OptionError, SettledError, one_line
from eda_lab.events import Message
from eda_lab.faults import is_share

__all__ = ["AckPolicy", "DeadLetter", "Delivery", "Later", "Retry", "Settlement", "WithId", "later", "with_id"]


class AckPolicy(StrEnum):
    """When a delivery is acked, which tells the bus that it may forget it.

    `BEFORE` the work: what a crash or an error then loses stays lost (at most once). `AFTER` the work: what a crash
    repeats is done again (at least once). `MANUAL`: the handler says so, by `delivery.ack()`, `nack()` or `reject()`;
    a delivery that it does not settle comes back after the visibility timeout.
    """

    BEFORE = "before"
    AFTER = "after"
    MANUAL = "manual"

    @classmethod
    def of(cls, given: object) -> AckPolicy:
        """Return the policy of that name; raise `OptionError` where there is none."""
        if not isinstance(given, str) or given not in list(cls):
            raise OptionError("ack", given, f"give one of {', '.join(repr(str(policy)) for policy in cls)}")
        return cls(given)


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How often, and after which pauses, a failed delivery is tried again.

    The pause after attempt n is `backoff * 2 ** (n - 1)` seconds, at most `max_backoff`; of it a random share of up to
    `jitter` (0 to 1) is taken away, so that consumers which failed together do not come back together ("full jitter"
    for 1: M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015). Errors that are no instance of
    `retry_on` (a class, or several) are permanent: the message goes to the dead letters at once. `max_attempts=None`
    sets no limit. The message waits outside of the queue meanwhile, and others go on; with `in_place=True` the worker
    holds it and waits with it, which keeps the order and blocks the queue behind.

    >>> [Retry(max_attempts=5, backoff=1, max_backoff=5).pause(attempt, Random(1)) for attempt in (1, 2, 3, 4)]
    [1.0, 2.0, 4.0, 5.0]
    """

    max_attempts: int | None = 3
    backoff: float = 1.0
    jitter: float = 0.0
    max_backoff: float = 60.0
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    in_place: bool = False

    def __post_init__(self) -> None:
        most = self.max_attempts
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
            raise OptionError("max_attempts", most, "give a whole number of at least 1, or None for no limit")
        microseconds("backoff", self.backoff)
        microseconds("max_backoff", self.max_backoff)
        if not isinstance(self.in_place, bool):
            raise OptionError("in_place", self.in_place, "give True or False")
        if not is_share(self.jitter):
            raise OptionError("jitter", self.jitter, "give a share between 0 and 1")
        kinds = tuple(self.retry_on) if isinstance(self.retry_on, (tuple, list)) else (self.retry_on,)
        if not all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
            raise OptionError("retry_on", self.retry_on, "give a class of exceptions, or several of them in a tuple")
        msgspec.structs.force_setattr(self, "retry_on", kinds)

    def again(self, attempt: int, error: BaseException) -> bool:
        """Whether a delivery that failed at this attempt (from 1) with this error is tried again.

        An error of this package, such as for a result that is no event, is permanent unless `retry_on` names its class.
        """
        kinds = self.retry_on
        if isinstance(error, EdaLabError):
            kinds = tuple(kind for kind in kinds if issubclass(kind, EdaLabError))
        return (self.max_attempts is None or attempt < self.max_attempts) and isinstance(error, kinds)

    def pause(self, attempt: int, rng: Random) -> float:
        """Return the seconds to wait after a failed attempt (from 1)."""
        # The exponent is bounded, or a float would overflow after a thousand attempts.
        full = min(float(self.max_backoff), self.backoff * 2.0 ** min(attempt - 1, 64))
        return full * (1.0 - self.jitter * rng.random()) if self.jitter else full


Settlement = Literal["ack", "nack", "dead letter", "reject"]


class Delivery(msgspec.Struct, frozen=True):
    """One attempt to hand a message to a consumer: what a handler gets that asks for a second argument.

    A handler that was subscribed with `ack="manual"` settles it, once; elsewhere that raises `SettledError`.
    """

    message: Message
    consumer: str
    group: str
    attempt: int
    settle: Callable[[Settlement], None] | None = None

    def ack(self) -> None:
        """Say that the work is done: the bus forgets the message, whatever happens next."""
        self._settle("ack")

    def nack(self, requeue: bool = True) -> None:
        """Hand the message back: to the head of the queue, without a pause, or (no `requeue`) to the dead letters.

        That is done when the handler has ended; until then its consumer is not free.
        """
        self._settle("nack" if requeue else "dead letter")

    def reject(self) -> None:
        """Refuse the message for good: it is not tried again, and is no dead letter."""
        self._settle("reject")

    def _settle(self, how: Settlement) -> None:
        if self.settle is None:
            raise SettledError(self.consumer, how, "this bus settles it; subscribe with ack='manual' to do it by hand")
        self.settle(how)

    def __repr__(self) -> str:
        return f"<Delivery of {self.message.type} {self.message.id!r} to {self.consumer}, attempt {self.attempt}>"


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


class WithId(msgspec.Struct, frozen=True):
    """An event that a process publishes under an id of its own choice."""

    id: str
    event: object


def with_id(id: str, event: object) -> WithId:
    """Yield this from a process to publish an event under an id that you chose, the same on each repeat.

    Whoever remembers ids, such as an inbox, then recognises the repeat.
    """
    if not isinstance(id, str) or not id or not id.isprintable():
        raise OptionError("id", id, "give an id, as text on one line")
    return WithId(id, event)
