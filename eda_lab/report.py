"""What came of one publish on a `DirectBus`: how many handlers ran, who failed, and what is to be published next."""

from __future__ import annotations

from typing import Any

import msgspec

from eda_lab.delivery import DeadLetter
from eda_lab.errors import one_line
from eda_lab.events import Message

__all__ = ["Aftermath", "Report", "cycle"]


class Report(msgspec.Struct, frozen=True):
    """What came of one publish: how many handlers ran, and which of them failed, those of caused events included."""

    type: str
    handled: int
    failures: tuple[DeadLetter, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no handler failed."""
        return not self.failures

    def __repr__(self) -> str:
        handlers = "1 handler" if self.handled == 1 else f"{self.handled} handlers"
        failed = "; ".join(f"{failure.group} failed with {one_line(failure.error, 100)}" for failure in self.failures)
        return f"<{self.type}: {handlers} ran; {failed or 'none failed'}>"


class Aftermath:
    """What is left to do after an event's handlers ran: report failures, publish what was returned."""

    __slots__ = ("events", "failures", "message")

    def __init__(self, message: Message | None = None) -> None:
        self.message = message
        self.events: list[Any] = []
        self.failures: list[DeadLetter] = []


def cycle(path: list[str]) -> tuple[str, ...]:
    """Return the part of a path of type names that repeats at its end."""
    last = path[-1]
    before = len(path) - 2 - path[-2::-1].index(last) if last in path[:-1] else -1
    return tuple(path[before + 1 :])
