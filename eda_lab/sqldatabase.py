"""A small database on SQLite: like `Database`, but what is changed is said in SQL, and a file outlives the program."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import finalize

from eda_lab.clock import microseconds
from eda_lab.database import TransactionConflictError
from eda_lab.effects import Switch, effect
from eda_lab.errors import EdaLabError, NestedTransactionError, OptionError

if TYPE_CHECKING:
    import sqlite3

__all__ = ["SqlDatabase"]

LONGEST = 1e6  # seconds to wait for another transaction: SQLite counts milliseconds in 32 bits


class SqlDatabase(Switch):
    """A database that is changed in SQL, inside transactions that happen as a whole or not at all.

    Without a path it is in memory, and gone with the object. One transaction is open at a time: other threads and
    other programs wait for it, at most `timeout` seconds. A commit is on the disk when `transaction` returns
    (SQLite's defaults: rollback journal, `synchronous=FULL`). `commits` counts those made by this object.

    >>> db = SqlDatabase()
    >>> with db.transaction() as sql:
    ...     _ = sql.execute("CREATE TABLE stock (sku TEXT PRIMARY KEY, pieces INTEGER NOT NULL)")
    ...     _ = sql.execute("INSERT INTO stock VALUES (?, ?)", ("PROD1", 10))
    >>> db.rows("SELECT sku, pieces FROM stock")
    [('PROD1', 10)]

    Raises `OptionError` for a path at which there can be no database.
    """

    what = "database"

    def __init__(self, path: str | os.PathLike[str] | None = None, *, timeout: float = 5.0) -> None:
        import sqlite3  # not at the top: `import eda_lab` has to stay quick

        super().__init__()
        microseconds("timeout", timeout)
        self.path = None if path is None else _checked(path)
        self.timeout, self.commits = min(float(timeout), LONGEST), 0
        self._sqlite = sqlite3
        self._lock = threading.Lock()
        self._owner: int | None = None  # the thread that is in a transaction
        self._cursor: sqlite3.Cursor | None = None  # the one that it was handed
        self._for_itself = False  # whether it may not even try to begin another one
        try:  # any thread may use it, one at a time; transactions begin and end where this class says so
            self._connection = sqlite3.connect(
                self.path or ":memory:", timeout=self.timeout, isolation_level=None, check_same_thread=False
            )
        except sqlite3.DatabaseError as error:
            self._explain(error)
            raise
        self._close = finalize(self, self._connection.close)
        self._run("PRAGMA schema_version")  # reads the file, and finds out what it is

    @contextmanager
    def transaction(self, *, alone: bool = False) -> Iterator[sqlite3.Cursor]:
        """Hand out a cursor in a transaction; commit at the end, unless an error or a crash comes first.

        Raises `TransactionConflictError` where another transaction does not end in time, or is open in this very
        thread: then `NestedTransactionError` if that one is `alone`. What is wrong with the SQL raises the errors of
        `sqlite3`. BEGIN, COMMIT, ROLLBACK and `executescript` are not for the inside: they would end it halfway.
        """
        self.reach()
        with self._alone():
            cursor = self._connection.cursor()
            try:
                self._run("BEGIN IMMEDIATE")
                self._cursor, self._for_itself = cursor, alone
                yield cursor
                with effect("db.commit"):
                    if not self._connection.in_transaction:
                        raise EdaLabError(
                            "the transaction was ended from the inside: leave BEGIN, COMMIT, ROLLBACK and "
                            "executescript() out; the end of the with block commits"
                        )
                    self._run("COMMIT")
                    self.commits += 1
            finally:
                self._cursor = None
                cursor.close()
                if self._connection.in_transaction:
                    self._connection.rollback()

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows that a SELECT finds in what is committed.

        Raises `TransactionConflictError` where a transaction is open that does not end in time.
        """
        with self._alone():
            self._run("PRAGMA query_only = 1")
            try:
                return self._connection.execute(query, parameters).fetchall()
            except self._sqlite.DatabaseError as error:
                if _code(error) == _READ_ONLY:
                    raise OptionError("query", query, "rows() only reads: change things in a transaction()") from error
                self._explain(error)
                raise
            finally:
                self._run("PRAGMA query_only = 0")

    def is_open(self, cursor: object) -> bool:
        """Whether this was handed out by a transaction of this database that has not ended."""
        return cursor is not None and cursor is self._cursor

    def close(self) -> None:
        """Close the file. What was committed stays in it; one in memory is gone."""
        if self._close.alive:
            with self._alone():
                self._close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._owner == threading.get_ident():
            if self._for_itself:
                raise NestedTransactionError(self.what)
            raise TransactionConflictError("another transaction is open here")
        if not self._lock.acquire(timeout=self.timeout):
            raise TransactionConflictError(f"another transaction has been open for {self.timeout:g} s")
        self._owner = threading.get_ident()
        try:
            if not self._close.alive:
                raise EdaLabError(f"{self!r} is closed: open it again with SqlDatabase(path)")
            yield
        finally:
            self._owner = None
            self._lock.release()

    def _run(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement; say what is wrong with the file, or that it is in use, in the words of this library."""
        try:
            return self._connection.execute(query, parameters).fetchall()
        except self._sqlite.DatabaseError as error:
            self._explain(error)
            raise

    def _explain(self, error: sqlite3.DatabaseError) -> None:
        code = _code(error)
        if code in _IN_USE:
            what = f"another program has held the database for {self.timeout:g} s"
            raise TransactionConflictError(what) from error
        if code in _FAULTS and self.path is not None:
            raise OptionError("path", self.path, _FAULTS[code]) from error

    def __repr__(self) -> str:
        return f"<SqlDatabase {self.path or 'in memory'}; commits: {self.commits}>"


# Primary result codes of SQLite (sqlite.org/rescode.html).
_IN_USE, _READ_ONLY = (5, 6), 8
_FAULTS = {
    11: "this database is damaged: restore the file from a copy",
    13: "the disk is full: nothing was changed",
    14: "this file cannot be opened: see whether you may read and write it and its folder",
    26: "this file is no SQLite database: give another path",
}


def _code(error: sqlite3.DatabaseError) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _checked(path: object) -> str:
    if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str):
        raise OptionError("path", path, "give the path of a file, or nothing for a database in memory")
    text = os.fspath(path)
    if text in ("", ":memory:") or "\0" in text:
        raise OptionError("path", path, "give the path of a file, or nothing for a database in memory")
    if Path(text).is_dir():
        raise OptionError("path", path, "this is a folder: give the path of a file")
    if not Path(text).absolute().parent.is_dir():
        raise OptionError("path", path, "its folder does not exist: make it first")
    return text
