"""The SQLite file under an event store: opening it, its table, waiting for its lock, and what SQLite's errors mean."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from eda_lab.errors import one_line
from eda_lab.handlers import LabWarning
from eda_lab.store.errors import (
    StoreBusyError,
    StoreClosedError,
    StoreDamagedError,
    StoreError,
    StoreFileError,
    named,
)
from eda_lab.store.file_format import APPLICATION_ID, SCHEMA, SCHEMA_VERSION, checked_path, is_fresh

__all__ = ["LogFile"]

_SLICE = 0.1  # seconds that SQLite waits by itself, so that Ctrl-C comes through in between
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full: nothing of this was written; make room and try again",
    sqlite3.SQLITE_READONLY: "it cannot be written to: copy it to a place where you may write",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened for writing: look at the rights of the file and of its folder",
}


_ERRORS = (sqlite3.Error, UnicodeDecodeError)  # even what SQLite says of a damage may be damaged


def _code(error: Exception) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of the bits says more than is needed


def _ours(path: str | None, error: Exception, waited: float = 0.0) -> StoreError:
    """Return what an error of SQLite means to whoever uses the store."""
    code = _code(error)
    if code in _BUSY:
        return StoreBusyError(path, waited)
    if code in _DAMAGED or isinstance(error, UnicodeDecodeError) or "decode to UTF-8" in str(error):
        return StoreDamagedError(path, [one_line(str(error), 200)])
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return StoreClosedError("is closed")
    return StoreFileError(path, _REASONS.get(code, f"SQLite says: {one_line(str(error), 200)}"))


class LogFile:
    """One open store: a connection that writes and one that reads, for all threads of this process."""

    def __init__(self, path: str | os.PathLike[str] | None, synchronous: str, timeout: float) -> None:
        self.path = None if path is None else checked_path(path)
        self.synchronous, self.timeout = synchronous, timeout
        self.journal = "memory"
        self._pid = os.getpid()
        self._closed = self._refused_wal = False
        self.writing = self._reading = threading.RLock()
        self._writer = self._reader = self._connect()
        try:
            self._prepare()
            if self.path is not None:
                self._reading, self._reader = threading.RLock(), self._connect()
        except BaseException:
            self._writer.close()
            raise

    # --- opening

    def _connect(self) -> sqlite3.Connection:
        try:
            wait = min(self.timeout, _SLICE)
            return sqlite3.connect(self.path or ":memory:", wait, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise _ours(self.path, error) from error
        except ValueError as error:
            raise StoreFileError(self.path, f"it cannot be opened: {error}") from error

    def _prepare(self) -> None:
        """See whether this is a store, or can become one, and choose how it is written."""
        try:
            self._pragma("schema_version")
        except StoreFileError as error:
            if self.path is None or isinstance(error, StoreDamagedError):
                raise
            self._do_without_wal(error)  # it was made where there is a write-ahead log, and now is where there is none
        fresh = self._is_fresh(self._writer)
        self.journal = self._pragma("journal_mode")
        if self.journal == "delete" and not self._refused_wal:
            self.journal = self._probe_wal()
        else:
            self._probe_lock()
        # Without a write-ahead log, FULL does not save the last transaction from a power cut (sqlite.org/pragma.html).
        extra = self.journal == "delete" and self.synchronous == "FULL"
        self._pragma(f"synchronous = {'EXTRA' if extra else self.synchronous}")
        if fresh:
            self._create()

    def _is_fresh(self, connection: sqlite3.Connection) -> bool:
        """Whether the file is empty; raise a `StoreFileError` where it is neither empty nor a store of this version."""
        begun = not connection.in_transaction
        if begun:  # somebody else may be about to make it a store
            self._patiently(connection, "BEGIN")
        try:
            tables = dict(self._patiently(connection, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
            ((mark,),) = self._patiently(connection, "PRAGMA application_id")
            ((version,),) = self._patiently(connection, "PRAGMA user_version")
        finally:
            if begun:
                connection.execute("ROLLBACK")
        return is_fresh(self.path, tables, mark, version)

    def _create(self) -> None:
        with self.transaction() as write:
            if self._is_fresh(write):  # nobody else was quicker
                for table in SCHEMA.values():
                    write.execute(table)
                write.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                write.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _probe_wal(self) -> Any:
        """Turn the write-ahead log on, and write through it: network file systems often cannot share its memory."""
        try:
            mode = self._pragma("journal_mode = WAL")
            if mode == "wal":
                with self.transaction() as write:
                    write.execute(f"PRAGMA user_version = {self._pragma('user_version')}")
                return mode
            error: StoreError = StoreFileError(self.path, "its file system has no shared memory")
        except StoreFileError as failure:
            error = failure
        self._do_without_wal(error)
        return "delete"

    def _probe_lock(self) -> None:
        """Raise a `StoreFileError` where nothing can be written; that somebody else is writing is no harm."""
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            self._writer.execute("ROLLBACK")
        except sqlite3.Error as error:
            if _code(error) not in _BUSY:
                raise _ours(self.path, error) from error

    def _do_without_wal(self, error: StoreError) -> None:
        """Turn the write-ahead log off; raise the error that has led here where that cannot be done either."""
        self._writer.close()
        self._refused_wal = True
        try:
            alone = self._connect()
            try:
                alone.execute("PRAGMA locking_mode = EXCLUSIVE")  # so that it needs no shared memory
                self._is_fresh(alone)
                alone.execute("PRAGMA journal_mode = DELETE").fetchall()
            finally:
                alone.close()
        except sqlite3.Error:
            raise error from None
        slower = "no write-ahead log is possible on this file system: every append takes longer, and readers wait"
        warnings.warn(f"{named(self.path)}: {slower}", LabWarning, stacklevel=6)
        self._writer = self._reader = self._connect()

    def _pragma(self, what: str) -> Any:
        found = self._patiently(self._writer, f"PRAGMA {what}")
        return found[0][0] if found else None

    # --- what the store does with it

    def check_open(self) -> None:
        """Raise `StoreClosedError` where the store was closed, or belongs to the process that forked this one."""
        if self._closed:
            raise StoreClosedError("is closed")
        if self._pid != os.getpid():
            raise StoreClosedError("was opened by another process, from which this one was forked")

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows that a SELECT finds."""
        self.check_open()  # before the lock: in a forked process nobody may be there to give it back
        with self._reading:
            return self._patiently(self._reader, sql, values)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hand out the connection for one transaction: all of it is committed at the end, or nothing.

        It is the only one that writes: another one waits, up to the timeout, then `StoreBusyError` is raised.
        """
        self.check_open()
        with self.writing:
            try:
                self._patiently(self._writer, "BEGIN IMMEDIATE")
                yield self._writer
                self._patiently(self._writer, "COMMIT")
            except BaseException as error:
                if not self._closed and self._writer.in_transaction:  # SQLite itself ends one that met a full disk
                    self._writer.execute("ROLLBACK")
                if isinstance(error, _ERRORS):
                    raise _ours(self.path, error, self.timeout) from error
                raise

    def _patiently(self, connection: sqlite3.Connection, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Execute one statement; where the file is locked, again and again until the timeout."""
        deadline = 0.0
        while True:
            try:
                return connection.execute(sql, values).fetchall()
            except _ERRORS as error:
                now = time.monotonic()
                deadline = deadline or now + self.timeout - min(self.timeout, _SLICE)
                if _code(error) not in _BUSY or now >= deadline:
                    raise _ours(self.path, error, self.timeout) from error
                time.sleep(0.001)  # where SQLite has not waited itself

    def close(self) -> None:
        """Close the file; a second call does nothing, nor does one in a forked process."""
        if self._pid != os.getpid():
            return
        with self.writing, self._reading:
            if not self._closed:
                self._closed = True
                self._reader.close()
                self._writer.close()
