"""`EventStore`: an append-only log of events on SQLite, in streams, with expected versions, snapshots and replay.

A stream is the story of one thing, such as one order. An event's version is its place in its stream, its position its
place in the whole log; both count from 1, without gaps, in the order in which readers see them.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import msgspec

from eda_lab.delivery import DeadLetter
from eda_lab.errors import MalformedEventError, NotAnEventError, OptionError, check_whole, shown
from eda_lab.events import Message, is_event
from eda_lab.handlers import Handler, checked_name
from eda_lab.store.appending import ANY, NONE, Expected, append_to, checked_expectation, checked_stream
from eda_lab.store.errors import named
from eda_lab.store.logfile import LogFile
from eda_lab.store.reading import Snapshot, StoreReader, check_seconds
from eda_lab.store.replaying import Bus, Listener, Listeners, replay, stream_namer
from eda_lab.store.rows import drafts_of
from eda_lab.store.transfer import export_lines, import_lines
from eda_lab.store.verifying import verify
from eda_lab.table import Table

__all__ = ["ANY", "NONE", "EventStore", "Snapshot"]

_KEEP = """INSERT INTO snapshots VALUES (?, ?, ?) ON CONFLICT (stream)
    DO UPDATE SET version = excluded.version, state = excluded.state WHERE excluded.version >= version"""


class EventStore(StoreReader):
    """An append-only log of events, in memory or, with a `path`, in an SQLite file.

    A store may be used from many threads, and its file from many processes, at once. What `append` has returned is on
    disk. `synchronous="NORMAL"` is faster, and may lose the last appends when the machine loses power or its system
    crashes, though not when this program does; the file stays sound. Where another program keeps the file locked, this
    one waits up to `timeout` seconds, then raises `StoreBusyError`. Events without an envelope get `source` as theirs,
    stream and version as their id, and second 0 as their time. All errors are children of `StoreError`, but for those
    of what was given.

    >>> from eda_lab.events import Event
    >>> class ParcelSent(Event):
    ...     order_id: str
    >>> with EventStore() as store:
    ...     version = store.append("order-12345", ParcelSent("12345"), expected_version=NONE)
    ...     [(message.id, message.position, message.data) for message in store.read("order-12345")]
    [('order-12345-1', 1, ParcelSent(order_id='12345'))]
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        source: str = "store",
        synchronous: str = "FULL",
        timeout: float = 10.0,
    ) -> None:
        self.source = checked_name("source", source)
        if synchronous not in ("FULL", "NORMAL"):
            raise OptionError("synchronous", synchronous, "give 'FULL' or 'NORMAL'")
        super().__init__(LogFile(path, synchronous, check_seconds("timeout", timeout)))
        self._listeners = Listeners()

    @property
    def path(self) -> str | None:
        """The file, None for a store in memory."""
        return self._file.path

    # --- writing

    def append(
        self, stream: str, events: Any, expected_version: int | Expected = ANY, *, cause: Message | None = None
    ) -> int:
        """Append events (or one) to a stream, all or none of them; return the version of the last.

        `expected_version` is `ANY`, `NONE` (the stream must not exist), or the version that the stream must be at;
        `WrongExpectedVersionError` says that somebody else was quicker. A `Message` keeps its envelope, but for stream,
        version and position. One whose source and id are in the store already is not appended again; where they are
        another event's, `DuplicateIdError` is raised. Events without an envelope continue the story of `cause`, at its
        time.
        """
        checked_stream(stream)
        expected = checked_expectation(expected_version)
        if isinstance(events, Message) or is_event(events):
            events = (events,)
        elif isinstance(events, (str, bytes, dict, type)) or not isinstance(events, Iterable):
            raise NotAnEventError(events, f"{shown(events)} is no list of events: append events, or messages")
        if cause is not None and not isinstance(cause, Message):
            raise OptionError("cause", cause, "give the message that led to these events")
        drafts = drafts_of(events, cause, self.source)
        with self._growing() as write:
            version = append_to(write, stream, drafts, expected)
        self._listeners.tell()
        return version

    @contextmanager
    def _growing(self) -> Iterator[sqlite3.Connection]:
        """Hand out a transaction; once it is committed, wake who follows, and tell the listeners what to read."""
        with self._file.writing:
            with self._file.transaction() as write:
                first = self._next_position(write)
                yield write
                beyond = self._next_position(write)
            if beyond > first:
                self._listeners.announce(self.read_all(first, to_position=beyond - 1))
        with self._grown:
            self._grown.notify_all()

    def _next_position(self, write: sqlite3.Connection) -> int:
        """Return the next free position, where somebody wants to know it."""
        return (write.execute("SELECT max(position) FROM events").fetchone()[0] or 0) + 1 if self._listeners else 0

    def save_snapshot(self, stream: str, version: int, state: Any) -> None:
        """Keep the state of a stream at a version, as JSON; one that is older than what is kept changes nothing."""
        checked_stream(stream)
        check_whole("version", version, 1)
        try:
            text = msgspec.json.encode(state).decode()
        except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
            raise MalformedEventError("$", f"this state cannot be written as JSON: {error}") from error
        last = self.version(stream)
        if version > last:
            raise OptionError("version", version, f"the stream ends at version {last}")
        with self._file.transaction() as write:
            write.execute(_KEEP, (stream, version, text))

    def delete_snapshots(self, stream: str | None = None) -> int:
        """Delete the snapshot of a stream, or all of them, and return how many. No event is lost: they are a cache."""
        if stream is not None:
            checked_stream(stream)
        with self._file.transaction() as write:
            return int(write.execute("DELETE FROM snapshots WHERE ? IS NULL OR stream = ?", (stream, stream)).rowcount)

    # --- handlers and buses

    def subscribe(self, handler: Handler, types: Any = None, *, name: str | None = None) -> Listener:
        """Let a handler have what this object appends from now on, after the append, in the order of the positions.

        It is called as on a bus, with the event, or the event and the delivery; what it raises is in `failures`. What
        other objects and programs append, `follow` tells.
        """
        self._file.check_open()
        with self._file.writing:
            return self._listeners.add(handler, types, name)

    @property
    def failures(self) -> list[DeadLetter]:
        """What subscribed handlers raised."""
        return self._listeners.failures

    def record(self, bus: Bus, stream: str | Callable[[Message], str] | None = None) -> Callable[[], None]:
        """Append everything that a bus publishes, before any handler has it; return a function that ends this.

        `stream` is the name of the stream, or a function that gives it for each message; by default it is the bus's
        `source`. What the bus knows to have published before is appended first. Each bus of a store has its own source.
        """
        name_of = stream_namer(stream, bus)
        self._file.check_open()
        return bus.watch(lambda message: self.append(name_of(message), message))

    def replay(
        self,
        target: Bus | Handler,
        from_position: int = 1,
        until: int | None = None,
        side_effects: bool = False,
    ) -> Table:
        """Hand what is stored, up to position `until` (included), to a handler or to those of a bus again.

        Only projectors get it: whatever is not marked with `@projector` would act on the world a second time, and gets
        it with `side_effects=True` alone. What they return is not published: what it led to is in the store already.
        """
        messages = self.read_all(from_position, to_position=until)
        return replay(messages, target, side_effects)

    # --- the file

    def verify(self) -> int:
        """Return the number of events after a look at each; raise `StoreDamagedError` with all that is wrong.

        Pages and indexes are sound, positions and versions have no gap, and each event has the checksum that it was
        written with.
        """
        return verify(self._file)

    def export_jsonl(self, path: str | os.PathLike[str]) -> int:
        """Write all events to a file, one CloudEvent in JSON a line, with `stream`, `version` and `position`."""
        return export_lines(self.read_all(plain=True), path, self.path)

    def import_jsonl(self, path: str | os.PathLike[str], stream: str | None = None) -> int:
        """Append the events of such a file, all or none of them; return how many were new.

        Events that are in the store already are left out. A line that names no stream goes to `stream`, by default to
        one with the name of its source.
        """
        with self._growing() as write:
            count = import_lines(write, path, stream, self.source)
        self._listeners.tell()
        return count

    def close(self) -> None:
        """Close the store. A second call does nothing."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<EventStore {'in memory' if self.path is None else named(self.path)}>"
