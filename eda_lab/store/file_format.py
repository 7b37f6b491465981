"""What the file of a store looks like, and what can be said of a file before SQLite opens it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from eda_lab.errors import OptionError, shown
from eda_lab.store.errors import StoreDamagedError, StoreFileError

__all__ = ["APPLICATION_ID", "READ_ONLY", "SCHEMA", "SCHEMA_VERSION", "checked_path", "is_fresh"]

APPLICATION_ID = 0x45444C42  # "EDLB", in the file's header (sqlite.org/fileformat, section 1.3)
SCHEMA_VERSION = 1
SCHEMA = {
    "events": """CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    time REAL NOT NULL,
    id TEXT NOT NULL,
    source TEXT NOT NULL,
    subject TEXT,
    correlationid TEXT,
    causationid TEXT,
    dataversion INTEGER NOT NULL,
    partitionkey TEXT,
    checksum INTEGER NOT NULL,
    UNIQUE (stream, version)
)""",
    # Most events are named by their place, and are unique as it is: leaving them out makes appending a third cheaper.
    "named": "CREATE UNIQUE INDEX named ON events (id, source) WHERE id <> stream || '-' || version",
    "snapshots": """CREATE TABLE snapshots (
    stream TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL
)""",
}
PATIENCE = 0.05  # seconds in which another program that is just writing an end of the file has written it
READ_ONLY = "it cannot be written to: copy it to a place where you may write"


def is_fresh(path: str | None, tables: Mapping[str, str], mark: int, version: int) -> bool:
    """Whether a database is empty; raise a `StoreFileError` where it is neither empty nor a store of this version."""
    if not tables and not mark and not version:
        return True
    if mark != APPLICATION_ID:
        raise StoreFileError(path, "this database is no event store: give the path of another file")
    if version > SCHEMA_VERSION:
        newer = f"it has format {version}, and this program knows {SCHEMA_VERSION}: use a newer eda_lab"
        raise StoreFileError(path, newer)
    if version != SCHEMA_VERSION or tables != SCHEMA:
        raise StoreDamagedError(path, ["its tables are not those of a store"])
    return False


def checked_path(given: str | os.PathLike[str]) -> str:
    """Return the path of a file that is a database or can become one; raise an error that says why it cannot."""
    if not isinstance(given, (str, os.PathLike)) or not str(given) or str(given).startswith((":memory:", "file:")):
        raise OptionError("path", given, "give the path of a file, or nothing for a store in memory")
    name = str(given)
    try:
        path = Path(given).absolute()
        name = str(path)
        if path.is_dir():
            raise StoreFileError(name, "this is a folder: give the path of a file in it")
        if not path.parent.is_dir():
            raise StoreFileError(name, f"there is no folder {shown(path.parent.name)} for it: make it first")
        if not path.exists():
            return name
        if not path.is_file():
            raise StoreFileError(name, "this is no plain file")
        if not os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise StoreFileError(name, READ_ONLY)
        problem = _problem(path)
        if problem is not None:
            time.sleep(PATIENCE)
            problem = _problem(path)
    except (OSError, ValueError, TypeError) as error:
        raise StoreFileError(name, f"it cannot be read: {error}") from error
    if problem is not None:
        raise problem
    return name


def _problem(path: Path) -> StoreFileError | None:
    """Return what can be seen of a damage before SQLite opens the file, which might then change it."""
    with path.open("rb") as file:
        head, size = file.read(100), os.fstat(file.fileno()).st_size
    logs = [log for kind in ("wal", "journal") if (log := Path(f"{path}-{kind}")).exists() and log.stat().st_size]
    if not head:  # one that was killed while it made the file leaves a journal
        emptied = any(log.name.endswith("-wal") for log in logs)
        return StoreDamagedError(str(path), ["it is empty, but there is a write-ahead log to it"]) if emptied else None
    if not head.startswith(b"SQLite format 3\0"):
        return StoreFileError(str(path), "this is no SQLite database: give the path of another file")
    page = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")  # sqlite.org/fileformat, sections 1.3.2 and 1.3.7
    if size < 512 or (not logs and size < (65536 if page == 1 else page) * pages):
        return StoreDamagedError(str(path), [f"it ends after {size:,} bytes, before the end that its head tells of"])
    return None
