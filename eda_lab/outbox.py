"""The outbox: an event is written down in the transaction that it tells of, and a relay publishes it afterwards.

So there is no order without its event, and no event without its order, wherever a crash comes. What a crash repeats is
published under the same id, by which an inbox recognises it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import msgspec

from eda_lab.clock import microseconds
from eda_lab.database import Database, TransactionConflictError
from eda_lab.delivery import with_id
from eda_lab.errors import OptionError, check_whole
from eda_lab.events import Command, Event, require_event
from eda_lab.kept import read, written
from eda_lab.sqldatabase import SqlDatabase
from eda_lab.wire import checked_copy

__all__ = ["Outbox", "OutboxRow"]

T = TypeVar("T")

_NUMBERS = "outbox_numbers"  # in a Database: the last number that was given, and up to which all were sent
_SCHEMA = """CREATE TABLE IF NOT EXISTS outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0
)"""
_INDEX = "CREATE INDEX IF NOT EXISTS outbox_pending ON outbox (number) WHERE sent = 0"


class OutboxRow(msgspec.Struct, frozen=True):
    """An event in an outbox: its number (from 1, in the order in which they were added), and whether it was sent."""

    number: int
    event: Any
    sent: bool = False

    @property
    def id(self) -> str:
        """The id under which it is published, however often that is."""
        return f"outbox-{self.number}"


class Outbox:
    """The events that a service has still to publish, in its own database: a `Database` or a `SqlDatabase`.

    They are rows of its table "outbox". A service has one outbox, and its relay one name, as the name is the source
    that the ids belong to.

    >>> from eda_lab.orders import ConfirmationSent
    >>> db = Database(orders={})
    >>> outbox = Outbox(db)
    >>> with db.transaction() as tables:
    ...     tables["orders"]["12345"] = "placed"
    ...     _ = outbox.add(tables, ConfirmationSent("12345"))
    >>> outbox.pending()
    [OutboxRow(number=1, event=ConfirmationSent(order_id='12345'), sent=False)]
    """

    def __init__(self, db: Database | SqlDatabase) -> None:
        if not isinstance(db, (Database, SqlDatabase)):
            raise OptionError("db", db, "give the Database or SqlDatabase that the service keeps its own data in")
        self.db = db
        self._rows: _Rows | _SqlRows = _Rows(db) if isinstance(db, Database) else _SqlRows(db)

    def add(self, tables: Any, event: Any) -> OutboxRow:
        """Write an event down, to be published if this transaction commits.

        `tables` is what `db.transaction()` handed out. An event that could not be published is refused here, where its
        transaction can still be taken back: `NotAnEventError`, `MalformedEventError`.
        """
        if not self.db.is_open(tables):
            what_to_do = "give what `with db.transaction() as tables:` hands out, of the outbox's own database"
            raise OptionError("tables", tables, what_to_do)
        require_event(event)
        return self._rows.add(tables, checked_copy(event) if isinstance(event, (Event, Command)) else event)

    def pending(self, most: int | None = None) -> list[OutboxRow]:
        """Return what was not yet marked as sent, the oldest first, all of it or at most so many."""
        if most is not None:
            check_whole("most", most, 1)
        return self._rows.pending(most)

    def mark(self, number: int) -> None:
        """Mark an event as sent, in a transaction of its own. Once more does no harm."""
        with self.db.transaction() as tables:
            self._rows.mark(tables, number)

    def prune(self) -> int:
        """Remove the rows that were sent; return how many."""
        with self.db.transaction() as tables:
            return self._rows.prune(tables)

    def relay(self, every: float = 1.0, batch: int = 100) -> Callable[[], Iterator[Any]]:
        """Return a process that publishes what is pending: `bus.process("relay", outbox.relay(), background=True)`.

        It publishes one after the other, marks each as sent once it is published, and waits `every` seconds where
        nothing is pending or the database cannot be used. `batch` is how many rows it reads at once. A crash between
        the two has the event published again, under the same id; none is left out, and the order is kept.
        """
        if microseconds("every", every) == 0:
            raise OptionError("every", every, "give a number of seconds above 0")
        check_whole("batch", batch, 1)

        def relay() -> Iterator[Any]:
            while True:
                rows = yield from _patiently(partial(self.pending, batch), every)
                for row in rows:
                    yield with_id(row.id, row.event)
                    yield from _patiently(partial(self.mark, row.number), every)
                if not rows:
                    yield every

        return relay


def _patiently(work: Callable[[], T], every: float) -> Generator[float, None, T]:
    """Do something with the database; while it cannot be used, wait and try again."""
    while True:
        try:
            return work()
        except (ConnectionError, TransactionConflictError):
            yield every


class _Rows:
    """The outbox in the tables of a `Database`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, tables: Any, event: Any) -> OutboxRow:
        numbers = tables.setdefault(_NUMBERS, {"last": 0, "sent": 0})
        numbers["last"] += 1
        row = OutboxRow(numbers["last"], event)
        tables.setdefault("outbox", {})[row.number] = row
        return row

    def pending(self, most: int | None) -> list[OutboxRow]:
        numbers, rows = self._db.table(_NUMBERS), self._db.table("outbox")
        every = map(rows.get, range(numbers.get("sent", 0) + 1, numbers.get("last", 0) + 1))
        return list(islice((row for row in every if row is not None and not row.sent), most))

    def mark(self, tables: Any, number: int) -> None:
        numbers, rows = tables.get(_NUMBERS), tables.get("outbox", {})
        if number not in rows:
            return
        rows[number] = msgspec.structs.replace(rows[number], sent=True)
        while numbers["sent"] < numbers["last"] and _is_done(rows.get(numbers["sent"] + 1)):
            numbers["sent"] += 1

    def prune(self, tables: Any) -> int:
        rows = tables.get("outbox", {})
        sent = [number for number, row in rows.items() if row.sent]
        for number in sent:
            del rows[number]
        return len(sent)


def _is_done(row: OutboxRow | None) -> bool:
    return row is None or row.sent  # one that is not there any more was pruned


class _SqlRows:
    """The outbox in a table of a `SqlDatabase`."""

    def __init__(self, db: SqlDatabase) -> None:
        self._db = db
        with db.transaction() as sql:
            sql.execute(_SCHEMA)
            sql.execute(_INDEX)

    def add(self, sql: Any, event: Any) -> OutboxRow:
        sql.execute("INSERT INTO outbox (event) VALUES (?)", (written([event]),))
        return OutboxRow(sql.lastrowid or 0, event)

    def pending(self, most: int | None) -> list[OutboxRow]:
        query = "SELECT number, event FROM outbox WHERE sent = 0 ORDER BY number LIMIT ?"
        limit = -1 if most is None else most
        return [OutboxRow(number, *read(text)) for number, text in self._db.rows(query, (limit,))]

    def mark(self, sql: Any, number: int) -> None:
        sql.execute("UPDATE outbox SET sent = 1 WHERE number = ?", (number,))

    def prune(self, sql: Any) -> int:
        sql.execute("DELETE FROM outbox WHERE sent = 1")
        return int(sql.rowcount)
