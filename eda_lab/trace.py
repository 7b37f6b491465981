"""What happened in a run, to be read: messages, deliveries, the transcript, tables, metrics and lineage.

A trace knows no bus. It reads the columns that were written while the bus ran, and makes objects when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, overload

import msgspec

from eda_lab.columns import Columns, Outcome, Record
from eda_lab.conservation import check_conservation
from eda_lab.events import Message
from eda_lab.metrics import Metrics, depth, measure
from eda_lab.routing import GroupInfo
from eda_lab.table import Table, visible

__all__ = ["DeliveryRecord", "Happening", "Lineage", "Trace"]


T = TypeVar("T")
_VERBS = {
    Outcome.CRASHED: "crashed at",
    Outcome.FAILED: "failed on",
    Outcome.LOST: "lost",
}


class DeliveryRecord(msgspec.Struct, frozen=True):
    """One attempt to deliver a message: times in seconds, None where it has not come to that."""

    message: Message
    group: str
    consumer: str
    attempt: int
    queued_at: float
    started_at: float | None
    ended_at: float | None
    outcome: str
    error: str | None


class Happening(msgspec.Struct, frozen=True):
    """One thing that happened, at a time in seconds, as `kind` and as a sentence."""

    time: float
    kind: str
    text: str

    def __repr__(self) -> str:
        return f"{self.time:8.3f} s  {self.text}"


class Lineage(msgspec.Struct, frozen=True):
    """Where a message comes from (`ancestors`, the first cause first) and what it led to (`descendants`, in order)."""

    message: Message
    ancestors: tuple[Message, ...]
    descendants: tuple[Message, ...]


class _Lazy(Sequence[T]):
    """A sequence whose items are made when they are read."""

    def __init__(self, length: Callable[[], int], make: Callable[[int], T]) -> None:
        self._length, self._make = length, make

    def __len__(self) -> int:
        return self._length()

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        rows = range(len(self))[index]
        return [self._make(row) for row in rows] if isinstance(rows, range) else self._make(rows)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self))


class Trace:
    """What happened in a run. `messages` and `deliveries` are sequences; each attempt is a delivery of its own."""

    def __init__(
        self,
        columns: Columns,
        groups: Callable[[], tuple[GroupInfo, ...]] = tuple,
        standing: Callable[[], Mapping[str, Mapping[Outcome, int]]] = dict,
    ) -> None:
        self.columns = columns
        self._groups, self._standing = groups, standing
        self.messages: Sequence[Message] = _Lazy(lambda: len(columns.data), columns.envelope)
        self.deliveries: Sequence[DeliveryRecord] = _Lazy(lambda: len(columns.message), self.delivery)
        self.log: Sequence[Happening] = _Lazy(lambda: len(columns.log), self.happening)

    @property
    def groups(self) -> tuple[GroupInfo, ...]:
        """The groups of the bus that this trace was made on, in the order in which they were subscribed."""
        return self._groups()

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of all that published something, in the order of their first message."""
        return tuple(self.columns.sources)

    @property
    def now(self) -> float:
        """The simulated second up to which this trace tells."""
        return self.columns.now_us / 1e6

    def delivery(self, row: int) -> DeliveryRecord:
        """Return the attempt that stands in a row of the columns."""
        c = self.columns
        return DeliveryRecord(
            message=c.envelope(c.message[row]),
            group=c.groups[c.group[row]],
            consumer=self._consumer(row),
            attempt=c.attempt[row],
            queued_at=c.queued[row] / 1e6,
            started_at=c.started[row] / 1e6 if c.started[row] >= 0 else None,
            ended_at=c.ended[row] / 1e6 if c.ended[row] >= 0 else None,
            outcome=Outcome(c.outcome[row]).word,
            error=c.errors[row][0] if row in c.errors else None,
        )

    def _consumer(self, row: int) -> str:
        group, worker = self.columns.group[row], self.columns.worker[row]
        return self.columns.workers[group][worker] if worker >= 0 else self.columns.groups[group]

    def happening(self, entry: int) -> Happening:
        """Return an entry of the log as a sentence."""
        c = self.columns
        row, kind = divmod(c.log[entry], 8)
        if kind == Record.NOTED:
            time, who, what = c.notes[row]
            return Happening(time / 1e6, what, f"{who} {what}")
        if kind == Record.PUBLISHED:
            return Happening(c.published[row] / 1e6, "published", self._publication(row))
        name = f"{c.types[c.type_of[c.message[row]]]} {visible(self.columns.message_id(c.message[row]), 40)}"
        who = visible(self._consumer(row), 40)
        again = f" (attempt {c.attempt[row]})" if c.attempt[row] > 1 else ""
        if kind == Record.QUEUED:
            late = " (from the log)" if row in c.replayed else " (a duplicate)" if row in c.duplicated else ""
            return Happening(c.queued[row] / 1e6, "queued", f"{name} queued for {c.groups[c.group[row]]}{again}{late}")
        if kind == Record.STARTED:
            return Happening(c.started[row] / 1e6, "started", f"{who} started {name}{again}")
        if kind == Record.ACKED:
            return Happening(c.acked[row] / 1e6, "acked", f"{who} acked {name}{again} before the work was done")
        outcome = Outcome(c.outcome[row])
        word = outcome.word
        if outcome is Outcome.EXPIRED:
            return Happening(c.ended[row] / 1e6, word, f"{name} expired before {c.groups[c.group[row]]} took it up")
        if outcome is Outcome.DONE:
            word = "done" if row in c.acked else "acked"
        why = f": {visible(c.errors[row][0])}" if row in c.errors else ""
        verb = _VERBS.get(outcome, word)
        return Happening(c.ended[row] / 1e6, word, f"{who} {verb} {name}{again}{why}")

    def _publication(self, row: int) -> str:
        c = self.columns
        groups = "1 group" if c.routed[row] == 1 else f"{c.routed[row]} groups"
        source, type_ = visible(c.sources[c.source_of[row]], 40), visible(c.types[c.type_of[row]], 40)
        return f"{source} published {type_} {visible(self.columns.message_id(row), 40)} to {groups}"

    def transcript(self, first: int = 0, last: int | None = None) -> str:
        """Return all that happened, a line each, or the entries from `first` up to (not including) `last`."""
        return "\n".join(map(repr, self.log[first:last]))

    def table(self) -> Table:
        """Return the attempts as a table: what, to whom, at which seconds, and with what outcome."""
        c = self.columns

        def at(us: int) -> float | str:
            return us / 1e6 if us >= 0 else "-"

        return Table(
            ["message", "id", "consumer", "attempt", "queued", "started", "ended", "outcome", "error"],
            [
                (
                    c.types[c.type_of[c.message[row]]],
                    self.columns.message_id(c.message[row]),
                    self._consumer(row),
                    c.attempt[row],
                    at(c.queued[row]),
                    at(c.started[row]),
                    at(c.ended[row]),
                    Outcome(c.outcome[row]).word,
                    c.errors[row][0] if row in c.errors else "",
                )
                for row in range(len(c.message))
            ],
        )

    def metrics(self) -> Metrics:
        """Return the numbers of every group: `trace.metrics()["email"].p95`."""
        return measure(self.columns)

    def depth(self, group: str) -> list[tuple[float, int]]:
        """Return (second, number waiting) steps of a group's queue."""
        steps = depth(self.columns, self.columns.groups.index(group))
        return [(moment / 1e6, level) for moment, level in steps]

    def check_conservation(self) -> Table:
        """Return the books of every group; raise `ConservationError` where something was lost or counted twice."""
        return check_conservation(self.columns, self._standing())

    def lineage(self, message_id: str) -> Lineage:
        """Return what led to a message, and what it led to; raise `KeyError` for an id that is not in the trace."""
        c = self.columns
        copies = [row for row in range(len(c.data)) if c.message_id(row) == message_id]  # repeats have the same id
        if not copies:
            raise KeyError(message_id)
        target, family = copies[0], set(copies)
        for later in range(target + 1, len(c.data)):
            if c.cause[later] >= 0 and c.message[c.cause[later]] in family:
                family.add(later)
        return Lineage(
            c.envelope(target),
            tuple(c.envelope(row) for row in reversed(c.ancestors(target))),
            tuple(c.envelope(row) for row in sorted(family.difference(copies))),
        )
