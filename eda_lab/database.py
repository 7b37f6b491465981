"""A small database in memory: tables of rows, changed in transactions that happen as a whole or not at all.

It survives the crash of a consumer, as an effect does. `sqldatabase` is its twin on SQLite.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

from eda_lab.effects import Switch, effect
from eda_lab.errors import NestedTransactionError
from eda_lab.overlay import Change, Rows, Tables, table_of

__all__ = ["Database", "TransactionConflictError"]


class TransactionConflictError(Exception):
    """Two transactions overlapped, and the other one came first. Trying again helps."""

    def __init__(self, what: str = "another transaction has committed meanwhile") -> None:
        super().__init__(f"{what}: try again")


class Database(Switch):
    """Tables of rows, each row with a key. A transaction costs in proportion to the rows that it touches.

    `commits` counts the transactions that were committed.

    >>> db = Database(stock={"PROD1": 10})
    >>> with db.transaction() as tables:
    ...     tables["stock"]["PROD1"] -= 2
    >>> db.table("stock")["PROD1"]
    8
    """

    what = "database"

    def __init__(self, **tables: Mapping[Any, Any]) -> None:
        super().__init__()
        self._tables = {name: table_of(name, rows) for name, rows in tables.items()}
        self.commits = 0
        self._looked_at: set[str] = set()  # tables that somebody may still look at: these are not changed in place
        self._open: list[Tables] = []
        self._alone: set[int] = set()  # threads that are in a transaction and may not begin another one
        # What is committed and may not yet be in the tables: Ctrl-C can come between two of them.
        self._log: tuple[dict[str, dict[Any, Any]], dict[str, Change], int] | None = None
        self._lock = threading.Lock()

    def table(self, name: str) -> Mapping[Any, Any]:
        """Return a table as it was last committed, to be read only. It stays so, whatever is committed later."""
        with self._lock:
            self._write()
            self._looked_at.add(name)
            return Rows(self._tables.get(name, {}))

    @contextmanager
    def transaction(self, *, alone: bool = False) -> Iterator[MutableMapping[str, Any]]:
        """Hand out the tables to be changed; commit at the end, unless an error or a crash comes first.

        The tables are as they stood when the transaction began. Raises `TransactionConflictError` where another
        transaction has committed meanwhile: its changes would be lost. Inside one that is `alone`, another one of the
        same thread raises `NestedTransactionError`.
        """
        self.reach()
        me = threading.get_ident()
        if me in self._alone:
            raise NestedTransactionError(self.what)
        with self._lock:
            self._write()
            tables, begun = Tables(self._tables), self.commits
            self._open.append(tables)
        if alone:
            self._alone.add(me)
        try:
            yield tables
            with effect("db.commit"):
                self._commit(tables, begun)
        finally:
            if alone:
                self._alone.discard(me)
            with self._lock:
                self._open = [other for other in self._open if other is not tables]

    def is_open(self, tables: object) -> bool:
        """Whether this was handed out by a transaction of this database that has not ended."""
        return any(tables is other for other in self._open)

    def _commit(self, tables: Tables, begun: int) -> None:
        changes = tables.changes()
        with self._lock:
            self._write()
            if self.commits != begun:
                raise TransactionConflictError
            after = {name: rows for name, rows in self._tables.items() if name not in tables.dropped}
            for name in changes:
                rows = after.setdefault(name, {})
                if len(self._open) > 1 or name in self._looked_at:
                    after[name] = dict(rows)
            self._log = (after, changes, begun + 1)
            self._write()

    def _write(self) -> None:
        """Bring what is committed into the tables; done twice, it is as if done once."""
        if self._log is None:
            return
        after, changes, number = self._log
        for name, (gone, rows) in changes.items():
            for key in gone:
                after[name].pop(key, None)
            after[name].update(rows)
        self._looked_at.difference_update(changes)
        self._tables, self.commits, self._log = after, number, None

    def __repr__(self) -> str:
        rows = ", ".join(f"{name}: {len(table)}" for name, table in self._tables.items())
        return f"<Database with rows in {rows or 'no table'}; commits: {self.commits}>"
