"""Reading a store: one stream, all of it, some types of it, what is still to come; and snapshots."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Condition
from typing import Any, Protocol

import msgspec

from eda_lab.errors import MalformedEventError, OptionError, check_whole, shown
from eda_lab.events import Message, type_name
from eda_lab.routing import topics
from eda_lab.store.appending import checked_stream
from eda_lab.store.errors import StoreClosedError
from eda_lab.store.logfile import LogFile
from eda_lab.store.rows import COLUMNS, messages

__all__ = ["Snapshot", "Stop", "StoreReader", "check_seconds"]

CHUNK = 1_000  # rows that are read at once
POLL = 0.02  # seconds after which a follower looks for what other programs have appended
END = 2**63 - 1  # SQLite's largest integer


class Snapshot(msgspec.Struct, frozen=True):
    """The state of a stream at a version, kept so that loading it need not begin at version 1."""

    stream: str
    version: int
    state: Any


class Stop(Protocol):
    """What ends a follower: a `threading.Event`, or one of `multiprocessing`."""

    def is_set(self) -> bool:
        """Whether it is to end."""


def check_seconds(option: str, value: Any) -> float:
    """Return a number of seconds; raise `OptionError` for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1e9:
        raise OptionError(option, value, "give a number of seconds that is not negative")
    return float(value)


class StoreReader:
    """The half of `EventStore` that reads."""

    def __init__(self, file: LogFile) -> None:
        self._file = file
        self._grown = Condition()

    def read(
        self,
        stream: str,
        from_version: int = 1,
        to_version: int | None = None,
        backwards: bool = False,
        *,
        plain: bool = False,
    ) -> Iterator[Message]:
        """Yield the messages of a stream from one version to another (both included), or `backwards` from the last.

        A stream that does not exist has none. What is appended while this reads is left out. With `plain` the data is
        what is in the file, whatever the class of its type says today.
        """
        checked_stream(stream)
        check_whole("from_version", from_version, 1)
        last = _up_to("to_version", to_version, self.version(stream))
        return self._pages("stream = ? AND version", (stream,), from_version, last, backwards, None, plain)

    def read_all(
        self,
        from_position: int = 1,
        types: Any = None,
        limit: int | None = None,
        *,
        to_position: int | None = None,
        plain: bool = False,
    ) -> Iterator[Message]:
        """Yield the messages of all streams from one position to another (both included), at most `limit`.

        `types` is an event class (those derived from it included), a topic, a pattern, or a tuple of such. What is
        appended while this reads is left out.
        """
        check_whole("from_position", from_position, 1)
        if limit is not None:
            check_whole("limit", limit)
        where, values = _selection(types)
        last = _up_to("to_position", to_position, self.last_position)
        return self._pages(where + "position", values, from_position, last, False, limit, plain)

    def _pages(
        self,
        where: str,
        values: tuple[Any, ...],
        first: int,
        last: int,
        backwards: bool,
        limit: int | None,
        plain: bool,
    ) -> Iterator[Message]:
        """Yield messages, read some rows at a time: no cursor stays open, so who reads slowly holds up nobody."""
        column = where.rpartition(" ")[2]
        place = 0 if column == "position" else 2
        order = "DESC" if backwards else "ASC"
        sql = f"SELECT position, {COLUMNS} FROM events WHERE {where} BETWEEN ? AND ? ORDER BY {column} {order} LIMIT ?"
        left = END if limit is None else limit
        while first <= last and left > 0:
            wanted = min(CHUNK, left)
            rows = self._file.rows(sql, (*values, min(first, END), last, wanted))
            yield from messages(rows, plain)
            if len(rows) < wanted:
                return
            left -= wanted
            if backwards:
                last = rows[-1][place] - 1
            else:
                first = rows[-1][place] + 1

    def follow(
        self,
        from_position: int = 1,
        types: Any = None,
        *,
        timeout: float | None = None,
        stop: Stop | None = None,
        plain: bool = False,
    ) -> Iterator[Message]:
        """Yield what is there from a position on, then wait for what this and other programs append, and yield that.

        It ends after `timeout` seconds without anything new, when `stop` is set, or when the store is closed; without
        these, at Ctrl-C only. It leaves nothing out and yields nothing twice: keep the last position that you have
        dealt with, and go on behind it.
        """
        check_whole("from_position", from_position, 1)
        topics(types) if types is not None else ()
        patience = None if timeout is None else check_seconds("timeout", timeout)
        if stop is not None and not callable(getattr(stop, "is_set", None)):
            raise OptionError("stop", stop, "give a threading.Event")
        self._file.check_open()
        return self._follow(from_position, types, patience, stop, plain)

    def _follow(
        self, position: int, types: Any, patience: float | None, stop: Stop | None, plain: bool
    ) -> Iterator[Message]:
        since = time.monotonic()
        while stop is None or not stop.is_set():
            try:
                last = self.last_position
                for message in self.read_all(position, types, to_position=last, plain=plain):
                    yield message
                    since = time.monotonic()
                    if stop is not None and stop.is_set():
                        return
            except StoreClosedError:
                return
            position = max(position, last + 1)
            left = POLL if patience is None else since + patience - time.monotonic()
            if left <= 0:
                return
            with self._grown:
                self._grown.wait(min(left, POLL))

    def load_snapshot(self, stream: str, cls: Any = Any) -> Snapshot | None:
        """Return the newest snapshot of a stream, its state as plain JSON or as an instance of `cls`; None for none."""
        rows = self._file.rows("SELECT version, state FROM snapshots WHERE stream = ?", (checked_stream(stream),))
        if not rows:
            return None
        try:
            return Snapshot(stream, rows[0][0], msgspec.json.decode(rows[0][1], type=cls))
        except msgspec.DecodeError as error:
            raise MalformedEventError("$", f"this snapshot is no {shown(cls)}: {error}") from error

    def version(self, stream: str) -> int:
        """Return the version of the last event of a stream, 0 where there is none."""
        rows = self._file.rows("SELECT max(version) FROM events WHERE stream = ?", (checked_stream(stream),))
        return rows[0][0] or 0

    def streams(self) -> dict[str, int]:
        """Return the names of all streams, sorted, each with its last version."""
        return dict(self._file.rows("SELECT stream, max(version) FROM events GROUP BY stream ORDER BY stream"))

    @property
    def last_position(self) -> int:
        """The position of the last event in the store, 0 where there is none."""
        return self._file.rows("SELECT max(position) FROM events")[0][0] or 0


def _up_to(option: str, given: int | None, last: int) -> int:
    if given is None:
        return last
    check_whole(option, given)
    return min(given, last)


def _selection(types: Any) -> tuple[str, tuple[str, ...]]:
    """Return a condition in SQL, and its values, for what a reader asked for."""
    if types is None:
        return "", ()
    names = list(topics(types))
    several = types if isinstance(types, (tuple, list)) else (types,)
    for cls in several:
        names += [type_name(derived) for derived in _derived(cls)] if isinstance(cls, type) else []
    terms = ["type GLOB ?" if any(sign in name for sign in "*?[") else "type = ?" for name in names]
    return f"({' OR '.join(terms)}) AND ", tuple(name.replace("[!", "[^") for name in names)


def _derived(cls: type) -> Iterator[type]:
    subclasses: list[type] = cls.__subclasses__()
    for derived in subclasses:
        yield derived
        yield from _derived(derived)
