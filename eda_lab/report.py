"""What came of one publish on a `DirectBus`: how many handlers ran, who failed, and what is to be published next."""

from __future__ import annotations

import sys
from types import CodeType
from typing import Any

import msgspec

from eda_lab.delivery import DeadLetter
from eda_lab.errors import one_line
from eda_lab.events import Message

__all__ = ["Aftermath", "Report", "cycle", "nested"]


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


def nested(publish: CodeType) -> list[str]:
    """Return the type names of the publishes that are under way, one inside the other, the outermost first."""
    names = []
    frame = sys._getframe(1)
    while frame.f_back is not None:
        if frame.f_code is publish and "route" in frame.f_locals:
            names.append(frame.f_locals["route"].name)
        frame = frame.f_back
    return names[::-1]
