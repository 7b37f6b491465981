"""Exercise 10-relay, what a relay stands before: an outbox that hands out rows, and what it may not yield or call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import msgspec

from eda_lab.delivery import WithId
from eda_lab.errors import EdaLabError, shown
from eda_lab.events import is_event
from eda_lab.outbox import Outbox

__all__ = ["OutboxFront", "RestlessError", "Row", "not_asleep", "yield_fault"]

_RIGHT = "yield row.event, under with_id: yield with_id(row.id, row.event)"


class RestlessError(BaseException):
    """Ends a relay that does not wait. It is no `Exception`, so that the relay cannot go on all the same."""


class Row:
    """A row as the relay sees it. To change it is no mark: that is made in the outbox."""

    __slots__ = ("event", "id", "number", "sent")

    def __init__(self, number: int, id: str, event: Any) -> None:
        for name, value in (("number", number), ("id", id), ("event", event), ("sent", False)):
            object.__setattr__(self, name, value)

    number: int
    id: str
    event: Any
    sent: bool

    def __setattr__(self, name: str, value: object) -> None:
        raise EdaLabError("a row is only a copy of what stands in the outbox: use outbox.mark(row.number)")

    def __repr__(self) -> str:
        return f"OutboxRow(number={self.number}, event={self.event!r}, sent=False)"


class OutboxFront:
    """What a relay sees of the outbox: it can ask what is pending, and mark a row as sent.

    Each look hands out copies of the events, as a look into a real table would. `handed` gets a row's number for each
    copy, by the address of the copy, and the copy itself, so that no other object comes to this address.
    """

    __slots__ = ("mark", "pending")
    mark: Callable[[int], None]
    pending: Callable[..., list[Row]]

    def __init__(
        self, outbox: Outbox, done: Callable[[str], None], handed: dict[int, tuple[int, Any]], before: int = 0
    ) -> None:
        def pending(most: int | None = None) -> list[Row]:
            done("looked")
            rows = []
            for row in outbox.pending(most):
                event, number = msgspec.structs.replace(row.event), row.number + before
                handed[id(event)] = row.number, event
                rows.append(Row(number, f"outbox-{number}", event))
            return rows

        def mark(number: int) -> None:
            done("marked")
            if isinstance(number, bool) or not isinstance(number, int):
                raise EdaLabError(f"outbox.mark takes the number of a row, as in row.number; you gave {shown(number)}")
            outbox.mark(number - before)

        # In what Python says of a call with other arguments.
        pending.__qualname__, mark.__qualname__ = "outbox.pending", "outbox.mark"
        object.__setattr__(self, "pending", pending)
        object.__setattr__(self, "mark", mark)

    def __getattr__(self, name: str) -> Any:
        raise EdaLabError(f"this outbox has no {name}: it has outbox.pending() and outbox.mark(number)")

    def __setattr__(self, name: str, value: object) -> None:
        raise EdaLabError("the outbox keeps nothing for you, only the marks: outbox.mark(row.number)")


def yield_fault(thing: Any, made: Any) -> str:
    """Return why a thing that a relay has yielded is neither an event nor a time to wait; empty if it is one.

    >>> yield_fault([], iter([]))
    'it yielded a list; yield row.event, under with_id: yield with_id(row.id, row.event)'
    """
    if isinstance(thing, (int, float)):
        return ""
    event = thing.event if isinstance(thing, WithId) else thing
    if is_event(event):
        return ""
    under = " under with_id" if isinstance(thing, WithId) else ""
    if event is None:
        what = f"None{under}: outbox.mark(...) hands nothing back, so call it in a line of its own"
    elif isinstance(event, Row):
        what = f"the row{under}, not its event"
    elif isinstance(event, (list, tuple, set, dict)):
        what = f"a {type(event).__name__}{under}"
    else:
        what = f"{shown(event)}{under}, which is no event"
    return f"it yielded {what}{_line(made)}; {_RIGHT}"


def _line(made: Any) -> str:
    """Return the line in which a generator stands, counted from the head of its function."""
    while hasattr(inner := getattr(made, "gi_yieldfrom", None), "gi_frame"):
        made = inner
    frame = getattr(made, "gi_frame", None)
    if frame is None:
        return ""
    return f", in line {frame.f_lineno - frame.f_code.co_firstlineno + 1} of {frame.f_code.co_name}"


@contextmanager
def not_asleep() -> Iterator[None]:
    """Refuse `time.sleep` in this thread at once: there the learner would wait, and not the relay."""
    real, here = time.sleep, threading.current_thread()

    def sleep(seconds: float) -> None:
        if threading.current_thread() is not here:
            real(seconds)
        else:
            raise EdaLabError("time.sleep stops the whole lab, and it went round without a yield: wait with yield 1.0")

    with mock.patch.object(time, "sleep", sleep):
        yield
