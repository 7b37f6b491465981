"""What happened in a run, written down in columns of numbers while it happens; `trace` reads them.

A message is a row, and so is each attempt to deliver it to a group. No object is kept alive for a delivery: a million
of them cost some 80 MB and nothing for the garbage collector to walk through.
"""

from __future__ import annotations

from array import array
from enum import IntEnum
from typing import Any

from eda_lab.errors import OptionError
from eda_lab.events import Message

__all__ = ["Columns", "Names", "Origin", "Outcome", "Record"]


class Outcome(IntEnum):
    """How an attempt stands or ended. The first three are open; an attempt that was tried again has a successor."""

    WAITING = 0
    QUEUED = 1
    IN_FLIGHT = 2
    DONE = 3
    FAILED = 4  # and tried again
    CRASHED = 5  # the consumer was lost before the ack; the message came back
    DEAD_LETTERED = 6
    DROPPED = 7  # nobody was left to take it
    LOST = 8  # it failed, or its consumer was lost, after the ack: it does not come back
    REJECTED = 9
    EXPIRED = 10

    @property
    def word(self) -> str:
        """The outcome as it is written in tables."""
        return self.name.lower().replace("_", " ")


class Origin(IntEnum):
    """Why an attempt came to be.

    Its message was routed, an attempt before it failed, a dead letter was redriven, a late group reads what was
    published before it came, or the link to the group has doubled it.
    """

    ROUTED = 0
    RETRIED = 1
    REDRIVEN = 2
    REPLAYED = 3
    DUPLICATED = 4


class Record(IntEnum):
    """The kinds of entries in the log, which holds the order of all that happened."""

    PUBLISHED = 0
    QUEUED = 1
    STARTED = 2
    ENDED = 3
    NOTED = 4
    ACKED = 5  # before the end of the work, by the policy or by hand


class Names(list[str]):
    """Names and their numbers, up to 65,536: a column holds the number, this list says what it stands for."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """Return the number of a name, which is new to the list or not."""
        number = self._numbers.get(name)
        if number is None:
            if len(self) > 0xFFFF:
                raise OptionError("name", name, "a run has room for 65,536 different ones")
            number = self._numbers[name] = len(self)
            self.append(name)
        return number


class Columns:
    """The columns of one run. Times are in whole microseconds, -1 where there is none yet.

    Messages: `published`, `type_of` and `source_of` (places in `types` and `sources`), `cause` (the attempt whose
    handler returned it, -1 for none), `ordinal` (among the roots, or among what that handler returned, from 1),
    `data`, `routed` (the number of groups). Attempts: `message`, `group`, `worker` (its number in the group, -1 before
    it started), `attempt`, `outcome`, `queued`, `started`, `ended`. `log` holds `row * 8 + kind`.
    """

    def __init__(self) -> None:
        self.types, self.sources, self.groups = Names(), Names(), Names()
        self.workers: list[list[str]] = []  # for each group, the names of its workers
        self.published, self.type_of, self.source_of = array("q"), array("H"), array("H")
        self.cause, self.ordinal, self.routed = array("i"), array("I"), array("H")
        self.data: list[Any] = []
        self.message, self.group, self.worker, self.attempt = array("I"), array("H"), array("h"), array("I")
        self.outcome = array("B")
        self.queued, self.started, self.ended = array("q"), array("q"), array("q")
        self.log = array("I")
        self.redriven: set[int] = set()  # the attempts that began with a redrive
        self.replayed: set[int] = set()  # and those that a late group began with
        self.duplicated: set[int] = set()  # and those that a link has added
        self.again: dict[int, Message] = {}  # message -> what it was when it was published, where it is replayed
        self.ids: dict[int, str] = {}  # message -> the id that its publisher chose
        self.expires: dict[int, int] = {}  # message -> the microsecond after which nobody takes it up any more
        self.acked: dict[int, int] = {}  # attempt -> when it was acked, if that was before the end of the work
        self.errors: dict[int, tuple[str, str]] = {}  # attempt -> what was raised, its traceback
        self.notes: list[tuple[int, str, str]] = []  # time, who, what: kills, restarts, pauses
        self.now_us = 0

    def publish(self, now: int, type_: int, source: int, cause: int, ordinal: int, data: Any, routed: int) -> int:
        """Write down a message and return its row."""
        row = len(self.data)
        self.published.append(now)
        self.type_of.append(type_)
        self.source_of.append(source)
        self.cause.append(cause)
        self.ordinal.append(ordinal)
        self.data.append(data)
        self.routed.append(routed)
        self.log.append(row * 8)  # Record.PUBLISHED
        return row

    def take_back(self, row: int) -> None:
        """Forget the message that was written down last: nobody may have it."""
        for column in (self.published, self.type_of, self.source_of, self.cause, self.ordinal, self.data, self.routed):
            column.pop()
        self.log.pop()
        self.ids.pop(row, None)
        self.expires.pop(row, None)

    def enter(self, message: int, group: int, attempt: int, due: int, outcome: int = 0) -> int:
        """Write down an attempt that is to wait until `due`, and return its row."""
        row = len(self.message)
        self.message.append(message)
        self.group.append(group)
        self.worker.append(-1)
        self.attempt.append(attempt)
        self.outcome.append(outcome)
        self.queued.append(due)
        self.started.append(-1)
        self.ended.append(-1)
        return row

    def receive(self, message: int, group: int, now: int) -> int:
        """Write down a first attempt that is queued at once, and return its row."""
        row = self.enter(message, group, 1, now, 1)  # Outcome.QUEUED
        self.log.append(row * 8 + 1)
        return row

    def queue(self, row: int) -> None:
        """Write down that an attempt stands in its group's queue."""
        self.outcome[row] = 1  # Outcome.QUEUED
        self.log.append(row * 8 + 1)

    def start(self, row: int, worker: int, now: int) -> None:
        """Write down that a worker took an attempt up."""
        self.outcome[row] = 2  # Outcome.IN_FLIGHT
        self.worker[row] = worker
        self.started[row] = now
        self.log.append(row * 8 + 2)

    def end(self, row: int, outcome: int, now: int) -> None:
        """Write down how an attempt ended."""
        self.outcome[row] = outcome
        self.ended[row] = now
        self.log.append(row * 8 + 3)

    def ack(self, row: int, now: int) -> None:
        """Write down that an attempt was acked while the work was still to be done."""
        self.acked[row] = now
        self.log.append(row * 8 + 5)

    def take_back_ack(self, row: int) -> None:
        """Strike out that an attempt was acked: its handler was broken off by hand, and will begin again."""
        if self.acked.pop(row, None) is not None:
            self.log.remove(row * 8 + 5)

    def note(self, now: int, who: str, what: str) -> None:
        """Write down what happened to a consumer rather than to a message."""
        self.log.append(len(self.notes) * 8 + 4)
        self.notes.append((now, who, what))

    def origin(self, row: int) -> Origin:
        """Return why an attempt came to be."""
        if self.attempt[row] > 1:
            return Origin.RETRIED
        if row in self.replayed:
            return Origin.REPLAYED
        if row in self.duplicated:
            return Origin.DUPLICATED
        return Origin.REDRIVEN if row in self.redriven else Origin.ROUTED

    def ancestors(self, row: int) -> list[int]:
        """Return the messages that led to a message, its direct cause first."""
        chain = []
        while (cause := self.cause[row]) >= 0:
            row = self.message[cause]
            chain.append(row)
        return chain

    def message_id(self, row: int) -> str:
        """Return the id of a message: a number for a root; for others what caused it, who returned it, and which."""
        if row in self.ids:
            return self.ids[row]
        cause = self.cause[row]
        return str(self.ordinal[row]) if cause < 0 else self.caused_id(cause, self.ordinal[row])

    def caused_id(self, attempt: int, ordinal: int) -> str:
        """Return the id of what the handler of an attempt returned: the same, however often the handler has to run."""
        parts = []
        while attempt >= 0:  # one generation after the other: a chain may be longer than Python's stack
            parts.append(f"{self.groups[self.group[attempt]]}.{ordinal}")
            message = self.message[attempt]
            attempt, ordinal = self.cause[message], self.ordinal[message]
        parts.append(f"{self.sources[self.source_of[message]]}-{self.ids.get(message, ordinal)}")
        return "/".join(reversed(parts))

    def envelope(self, row: int) -> Message:
        """Return the message that stands in a row."""
        if row in self.again:
            return self.again[row]
        chain = self.ancestors(row)
        return Message(
            id=self.message_id(row),
            source=self.sources[self.source_of[row]],
            type=self.types[self.type_of[row]],
            time=self.published[row] / 1e6,
            data=self.data[row],
            correlation_id=self.message_id(chain[-1] if chain else row),
            causation_id=self.message_id(chain[0]) if chain else None,
            dataversion=getattr(self.data[row], "dataversion", 1),
            queued_for=self.routed[row],
        )

    @property
    def nbytes(self) -> int:
        """The bytes that the columns take, spare room included, the events themselves left out."""
        arrays = [value for value in vars(self).values() if isinstance(value, array)]
        return sum(column.__sizeof__() for column in arrays) + self.data.__sizeof__()
