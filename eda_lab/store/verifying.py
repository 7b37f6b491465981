"""Whether what is in a store is what was written: pages, positions, versions, and every single event."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from eda_lab.errors import shown
from eda_lab.store.errors import StoreDamagedError, StoreFileError
from eda_lab.store.logfile import LogFile
from eda_lab.store.rows import COLUMNS, Row, checksum

__all__ = ["verify"]

CHUNK = 1_000
_GAPS = """SELECT stream, count(*), min(version), max(version) FROM events WHERE position <= ?
    GROUP BY stream HAVING min(version) <> 1 OR max(version) <> count(*)"""
_TWICE = "SELECT id, source, count(*) FROM events WHERE position <= ? GROUP BY id, source HAVING count(*) > 1"
_LOST = """SELECT stream, version FROM snapshots AS s
    WHERE version < 1 OR version > (SELECT ifnull(max(version), 0) FROM events AS e WHERE e.stream = s.stream)"""


def verify(file: LogFile) -> int:
    """Return how many events there are, all of them sound; raise `StoreDamagedError` with all that is wrong."""
    problems = list(_problems(file))
    if problems:
        raise StoreDamagedError(file.path, problems)
    return int(file.rows("SELECT count(*) FROM events")[0][0])


def _problems(file: LogFile) -> Iterator[str]:
    try:
        for (said,) in file.rows("PRAGMA integrity_check"):
            if said != "ok":
                yield f"SQLite says: {said}"
        last = file.rows("SELECT max(position) FROM events")[0][0] or 0
        for stream, count, least, most in file.rows(_GAPS, (last,)):
            yield f"stream {shown(stream)} has {count} events, with versions from {least} to {most}"
        for id, source, count in file.rows(_TWICE, (last,)):
            yield f"{count} events have the id {shown(id)} of {shown(source)}"
        for stream, version in file.rows(_LOST):
            yield f"stream {shown(stream)} has a snapshot of version {version}, and no such event"
        for stream, state in file.rows("SELECT stream, state FROM snapshots"):
            if not _is_json(state):
                yield f"the snapshot of stream {shown(stream)} is no JSON"
        yield from _faulty_rows(file, last)
    except StoreDamagedError as error:
        yield from error.problems
    except StoreFileError as error:
        yield error.reason


def _faulty_rows(file: LogFile, last: int) -> Iterator[str]:
    sql = f"SELECT position, checksum, {COLUMNS} FROM events WHERE position > ? ORDER BY position LIMIT {CHUNK}"
    seen = 0
    while seen < last:
        rows = file.rows(sql, (seen,))
        for position, expected, *row in rows:
            if position != seen + 1:
                yield f"position {position} follows on position {seen}"
            if not _is_sound(tuple(row), expected):
                yield f"the event at position {position} is not what was written"
            seen = position
        if not rows:
            return


def _is_sound(row: Row, expected: object) -> bool:
    try:
        return checksum(row) == expected and _is_json(row[3])
    except (AttributeError, TypeError, ValueError, msgspec.MsgspecError):  # a value that no event can have
        return False


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, TypeError, RecursionError):
        return False
    return True
