"""Where the read model of a projection is kept with its checkpoint: in a `Database`, or in a `SqlDatabase`.

What is here is done inside a transaction that the caller opened, so that it is committed together with what the caller
does there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable, Sequence
from typing import Any

import msgspec

from eda_lab.database import Database
from eda_lab.errors import OptionError, shown
from eda_lab.sourcing.errors import ProjectionError
from eda_lab.sqldatabase import SqlDatabase

__all__ = ["Checkpoint", "MemoryModel", "SqlModel", "model_in"]

BOOK = "projections"  # the table of the checkpoints
_BOOK = """CREATE TABLE IF NOT EXISTS projections (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    version INTEGER NOT NULL,
    tables TEXT NOT NULL
)"""
_KEEP = """INSERT INTO projections VALUES (?, ?, ?, ?) ON CONFLICT (name)
    DO UPDATE SET position = excluded.position, version = excluded.version, tables = excluded.tables"""
_FIND = "SELECT position, version, tables FROM projections WHERE name = ?"
_MADE = """SELECT type, name, sql FROM sqlite_master
    WHERE sql IS NOT NULL AND name <> 'projections' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"""
_SEQUENCES = "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"  # sqlite.org/autoinc.html


class Checkpoint(msgspec.Struct, frozen=True):
    """How far a projection is: the position of the last event that is in its read model, and what made that model."""

    position: int
    version: int
    tables: tuple[str, ...]  # the names of all that was made for it


class MemoryModel:
    """Read models in the tables of a `Database`."""

    tries = 100  # in a `Database` the first who commits goes on, and the other one begins anew

    def __init__(self, db: Database, tables: Sequence[str]) -> None:
        self.db, self.tables = db, tuple(tables)

    def beside(self) -> MemoryModel:
        """Return an empty place of the same kind."""
        return MemoryModel(Database(), self.tables)

    def checkpoint(self, name: str) -> Checkpoint | None:
        """Return how far a projection is, as committed."""
        found: Checkpoint | None = self.db.table(BOOK).get(name)
        return found

    def find(self, tables: Any, name: str) -> Checkpoint | None:
        """Return how far a projection is."""
        found: Checkpoint | None = tables.get(BOOK, {}).get(name)
        return found

    def keep(self, tables: Any, name: str, checkpoint: Checkpoint) -> None:
        """Write down how far it is."""
        tables.setdefault(BOOK, {})[name] = checkpoint

    def names(self, tables: Any) -> frozenset[str]:
        """Return the names of all tables that are there, but for that of the checkpoints."""
        return frozenset(tables) - {BOOK}

    def make(self, tables: Any, name: str) -> None:
        """Make the empty tables of a projection."""
        for table in self.tables:
            _check_free(name, table, tables)
            tables[table] = {}

    def swap(self, tables: Any, name: str, old: Iterable[str], other: Any) -> None:
        """Put what stands in the other place where the old tables are."""
        for table in old:
            tables.pop(table, None)
        with other.db.transaction() as new:
            for table in self.names(new):
                _check_free(name, table, tables)
                tables[table] = dict(new[table])


class SqlModel:
    """Read models in the tables of a `SqlDatabase`, made by the statements that are given."""

    tries = 1  # a `SqlDatabase` waits by itself

    def __init__(self, db: SqlDatabase, statements: Sequence[str]) -> None:
        self.db, self.statements = db, tuple(statements)
        with db.transaction() as sql:
            sql.execute(_BOOK)

    def beside(self) -> SqlModel:
        """Return an empty place of the same kind."""
        return SqlModel(SqlDatabase(), self.statements)

    def checkpoint(self, name: str) -> Checkpoint | None:
        """Return how far a projection is, as committed."""
        return _checkpoint(self.db.rows(_FIND, (name,)))

    def find(self, sql: Any, name: str) -> Checkpoint | None:
        """Return how far a projection is."""
        return _checkpoint(sql.execute(_FIND, (name,)).fetchall())

    def keep(self, sql: Any, name: str, checkpoint: Checkpoint) -> None:
        """Write down how far it is."""
        made = msgspec.json.encode(checkpoint.tables).decode()
        sql.execute(_KEEP, (name, checkpoint.position, checkpoint.version, made))

    def names(self, sql: Any) -> frozenset[str]:
        """Return the names of all that was made (tables, indexes, views, triggers), but for the checkpoints."""
        return frozenset(name for _, name, _ in sql.execute(_MADE).fetchall())

    def make(self, sql: Any, name: str) -> None:
        """Make the empty tables of a projection."""
        for statement in self.statements:
            try:
                sql.execute(statement)
            except (sqlite3.Error, sqlite3.Warning) as error:
                raise ProjectionError(name, f"its tables cannot be made: {error}") from error
        if any(made.upper().startswith("CREATE VIRTUAL") for _, _, made in sql.execute(_MADE).fetchall()):
            raise ProjectionError(name, "virtual tables cannot be swapped: make plain ones")

    def swap(self, sql: Any, name: str, old: Iterable[str], other: Any) -> None:
        """Put what stands in the other place where the old tables are."""
        for kinds in (("view", "trigger"), ("table",)):  # an index goes with its table
            for kind, table, _ in sql.execute(_MADE).fetchall():
                if table in old and kind in kinds:
                    sql.execute(f"DROP {kind} {_quoted(table)}")
        others = self.names(sql)
        with other.db.transaction() as new:
            made = new.execute(_MADE).fetchall()
            for kind, table, statement in made:  # a trigger or an index comes after its table
                _check_free(name, table, others)
                sql.execute(statement)
                if kind == "table":
                    _copy(new, sql, table)
            if new.execute(_SEQUENCES).fetchall():
                for table, last in new.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
                    sql.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
                    sql.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, last))


def _check_free(name: str, table: str, others: Container[str]) -> None:
    if table in others:
        raise ProjectionError(name, f"there is a table {shown(table)} already: give its own another name")


def _copy(source: Any, target: Any, table: str) -> None:
    """Copy the rows of a table in their order, but for columns that are computed from others."""
    quoted = _quoted(table)
    columns = [row[1] for row in source.execute(f"PRAGMA table_xinfo({quoted})").fetchall() if row[6] == 0]
    ((without_rowid,),) = source.execute("SELECT wr FROM pragma_table_list WHERE name = ?", (table,)).fetchall()
    names, places = ", ".join(map(_quoted, columns)), ", ".join("?" * len(columns))
    rows = source.execute(f"SELECT {names} FROM {quoted}{'' if without_rowid else ' ORDER BY rowid'}")
    target.executemany(f"INSERT INTO {quoted} ({names}) VALUES ({places})", rows)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _checkpoint(rows: list[Any]) -> Checkpoint | None:
    if not rows:
        return None
    position, version, tables = rows[0]
    return Checkpoint(position, version, msgspec.json.decode(tables, type=tuple[str, ...]))


def model_in(db: Any, tables: str | Sequence[str]) -> MemoryModel | SqlModel:
    """Return the place for a read model in a database; raise `OptionError` where it can be none."""
    several = (tables,) if isinstance(tables, str) else tuple(tables)
    if not several or not all(isinstance(one, str) and one.strip() for one in several):
        raise OptionError("tables", tables, "give names of tables for a Database, CREATE statements for a SqlDatabase")
    if isinstance(db, Database):
        return MemoryModel(db, several)
    if isinstance(db, SqlDatabase):
        return SqlModel(db, several)
    raise OptionError("db", db, "give the Database or SqlDatabase that the read model is to be kept in")
