"""Appending to a store inside one transaction: expected versions, ids that are known already, ids that are missing."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from enum import Enum
from typing import Any

from eda_lab.errors import OptionError, shown
from eda_lab.store.errors import DuplicateIdError, WrongExpectedVersionError
from eda_lab.store.rows import COLUMNS, Draft, Row, same_event

__all__ = [
    "ANY",
    "NONE",
    "Expected",
    "append_to",
    "checked_expectation",
    "checked_stream",
    "last_version",
]


class Expected(Enum):
    """What a stream is expected to be where no version is: `ANY` (whatever it is) or `NONE` (it does not exist)."""

    ANY = "any"
    NONE = "none"


ANY, NONE = Expected.ANY, Expected.NONE
_PLACE = "stream || '-' || version"  # what names an event that comes without an id
_NAMED = f"id <> {_PLACE}"  # these are in the index of that name, and SQLite sees it only if it is written like this
_LAST = "SELECT max(version) FROM events WHERE stream = ?"
_INSERT = f"INSERT INTO events ({COLUMNS}, checksum) VALUES ({', '.join('?' * 13)})"
_INTO = "INSERT INTO events (stream, version, type, data, time, id, source, dataversion, checksum)"
_INSERT_BARE = f"{_INTO} VALUES (?1, ?2, ?3, ?4, 0.0, ?1 || '-' || ?2, ?5, ?6, ?7)"
# Whether an event from elsewhere may have a name that one of this stream would get: '.' comes next after '-'.
_TAKEN = f"SELECT 1 FROM events WHERE {_NAMED} AND id >= ?1 || '-' AND id < ?1 || '.' AND source = ?2"
_STATE = f"SELECT (SELECT max(version) FROM events WHERE stream = ?1), EXISTS ({_TAKEN})"
_BY_ID = f"SELECT position, {COLUMNS} FROM events WHERE {_NAMED} AND id = ? AND source = ?"
_BY_PLACE = f"SELECT position, {COLUMNS} FROM events WHERE stream = ? AND version = ? AND id = ? AND source = ?"


def checked_stream(stream: Any) -> str:
    """Return the name of a stream: any Unicode text that is not empty."""
    if not isinstance(stream, str) or not stream:
        raise OptionError("stream", stream, "give the name of a stream, as text")
    try:
        stream.encode()
    except UnicodeEncodeError as error:
        raise OptionError("stream", stream, f"this is no Unicode text: {error.reason}") from error
    return stream


def checked_expectation(expected: Any) -> int | None:
    """Return the version that a stream is expected to be at, 0 for one that must not exist, None for any."""
    if expected is ANY:
        return None
    if expected is NONE:
        return 0
    if isinstance(expected, bool) or not isinstance(expected, int) or expected < 0:
        raise OptionError("expected_version", expected, "give ANY, NONE, or the last version that you have read")
    return expected


def last_version(write: sqlite3.Connection, stream: str) -> int:
    """Return the version of the last event of a stream, 0 where there is none."""
    return write.execute(_LAST, (stream,)).fetchone()[0] or 0


def append_to(write: sqlite3.Connection, stream: str, drafts: Sequence[Draft], expected: int | None) -> int:
    """Append events to a stream and return the version of the last of them.

    A message whose source and id are in the store is left out, if it is the same event. If all are, the version at
    which the last of them stands is returned, and no version was to be expected: it is a repeat of what was done.
    """
    bare = all(draft[3] is None and draft[7] is None for draft in drafts)  # they have neither an id nor a cause
    last, taken = write.execute(_STATE, (stream, drafts[0][4] if drafts else None)).fetchone()
    last = last or 0
    if taken or not bare:
        drafts, known = _unknown(write, stream, drafts, last)
        bare = False
        if known and not drafts:
            return known
    if expected not in (None, last):
        raise WrongExpectedVersionError(stream, expected or 0, last)
    numbered = enumerate(drafts, last + 1)
    if bare:
        write.executemany(_INSERT_BARE, [(stream, v, d[0], d[1], d[4], d[8], d[10]) for v, d in numbered])
    else:
        write.executemany(_INSERT, [(stream, v, *d) for v, d in numbered])
    return last + len(drafts)


def _unknown(write: sqlite3.Connection, stream: str, drafts: Sequence[Draft], last: int) -> tuple[list[Draft], int]:
    """Return the events that are not in the store yet, all with an id, and the highest version of those that are.

    Raises `DuplicateIdError` where another event has the id.
    """
    fresh: list[Draft] = []
    seen: dict[tuple[str, str], Row] = {}
    known = 0
    for draft in drafts:
        id, source = draft[3], draft[4]
        if id is None:
            id = _free_id(write, f"{stream}-{last + len(fresh) + 1}", source, seen)
        row = (stream, 0, *draft[:3], id, *draft[4:-1])
        position, *stored = _holder(write, id, source) or (None, *seen.get((id, source), ()))
        if not stored:
            seen[id, source] = row
            fresh.append((*row[2:], draft[-1]))
        elif not same_event(tuple(stored), row):
            raise DuplicateIdError(source, id, position, _difference(stored, row))
        elif position is not None:
            known = max(known, stored[1])
    return fresh, known


def _holder(write: sqlite3.Connection, id: str, source: str) -> Row | None:
    """Return the position and the row of the event that has an id of a source, None where there is none."""
    found: Row | None = write.execute(_BY_ID, (id, source)).fetchone()
    if found is None:
        stream, _, version = id.rpartition("-")
        if version.isdecimal() and version.isascii() and len(version) < 19:
            found = write.execute(_BY_PLACE, (stream, int(version), id, source)).fetchone()
    return found


def _free_id(write: sqlite3.Connection, wanted: str, source: str, seen: dict[tuple[str, str], Row]) -> str:
    """Return an id that no event of this source has: the wanted one, or with a number where it came from elsewhere."""
    id, number = wanted, 1
    while (id, source) in seen or _holder(write, id, source):
        number += 1
        id = f"{wanted}-{number}"
    return id


def _difference(stored: Sequence[Any], given: Row) -> str:
    names = COLUMNS.split(", ")
    place = next(k for k in (0, 2, 3, *range(7, len(given))) if stored[k] != given[k])
    return f"{names[place]} ({shown(stored[place])})"
