"""The inbox: a consumer marks what it has done, in the same transaction as the work itself, and does it once.

A delivery that comes again is recognised by its group, the source and the id of its message. The work is skipped, and
what it returned at first is returned again, so that nothing that follows from it is lost either.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any

from eda_lab.database import Database, TransactionConflictError
from eda_lab.delivery import Delivery
from eda_lab.errors import HandlerError, OptionError, check_whole
from eda_lab.handlers import Handler, HandlerSpec, caused_by, examine
from eda_lab.kept import read, written
from eda_lab.sqldatabase import SqlDatabase

__all__ = ["Inbox"]

Mark = tuple[str, str, str]  # group, source of the message, id of the message
_ORDER = "inbox_order"  # in a Database: the marks of a group by number, and the numbers of its oldest and its next
_SCHEMA = """CREATE TABLE IF NOT EXISTS inbox (
    consumer_group TEXT NOT NULL,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    number INTEGER NOT NULL,
    events TEXT NOT NULL,
    PRIMARY KEY (consumer_group, source, id),
    UNIQUE (consumer_group, number)
)"""
_FIND = "SELECT events FROM inbox WHERE consumer_group = ? AND source = ? AND id = ?"


class Inbox:
    """What a consumer has done already, kept in its own database: a `Database` or a `SqlDatabase`, table "inbox".

    Without a database it is in memory, and gone with its owner: then what a crash repeats is done again. With `window`
    only the newest so many marks of each group are kept; a repeat that comes later than that is done again.

    >>> from eda_lab import EventBus, OrderPlaced, example_order
    >>> db = Database(stock={"PROD1": 10})
    >>> def reserve(order, tables):
    ...     tables["stock"]["PROD1"] -= 2
    >>> bus = EventBus()
    >>> _ = bus.subscribe(OrderPlaced, Inbox(db).once(reserve), name="stock")
    >>> _ = bus.publish(example_order())
    >>> bus.run()
    >>> db.table("stock"), list(db.table("inbox"))
    ({'PROD1': 8}, [('stock', 'checkout', '1')])
    """

    def __init__(self, db: Database | SqlDatabase | None = None, *, window: int | None = None) -> None:
        if db is not None and not isinstance(db, (Database, SqlDatabase)):
            raise OptionError("db", db, "give the consumer's own Database or SqlDatabase, or none for one in memory")
        if window is not None:
            check_whole("window", window, 1)
        self.db, self.window = db, window
        self._marks: _Marks | _SqlMarks = _SqlMarks(db) if isinstance(db, SqlDatabase) else _Marks(db)
        self._under_way: set[Mark] = set()
        self._lock = Lock()

    def once(self, handler: Handler) -> Handler:
        """Return a handler, to be subscribed, that does the work of this one once for each message.

        `handler` is a function, a generator function, an `async def` or an object that can be called. It takes
        `(event)`, `(event, tables)` or `(event, tables, delivery)`: the second is what `db.transaction()` hands out (a
        cursor, for a `SqlDatabase`), whatever its name; a parameter called `delivery` gets the delivery. What it
        changes there, the mark, and the events that it returned are committed together; then the events are published.
        It opens no other transaction on the same database: that would commit without the mark. A plain one that does
        gets `NestedTransactionError`; an `async` one on a `Database` is not found out.

        Of two workers that have the same message at the same time one does the work; the other one may fail with
        `TransactionConflictError` and has to be tried again, so subscribe with a `Retry`.

        Raises `HandlerError` for what cannot be wrapped: a `Consumer` class and its methods (call `seen` and `mark`
        there), and what no bus could call either.
        """
        spec, extras = _examined(handler, self.db is not None)

        def work(event: Any, tables: Any, delivery: Delivery) -> Any:
            return handler(event, **{name: delivery if name == "delivery" else tables for name in extras})

        def keep(tables: Any, mark: Mark, result: Any) -> list[Any]:
            events = [] if result is None else caused_by(spec.name, result)
            self._marks.keep(tables, mark, events, self.window)
            return events

        def once(event: Any, delivery: Delivery) -> list[Any]:
            mark = _mark(delivery)
            with self._transaction(mark, alone=True) as tables:
                events = self._marks.find(tables, mark)
                return keep(tables, mark, work(event, tables, delivery)) if events is None else events

        async def once_async(event: Any, delivery: Delivery) -> list[Any]:
            mark = _mark(delivery)
            with self._transaction(mark) as tables:
                events = self._marks.find(tables, mark)
                return keep(tables, mark, await work(event, tables, delivery)) if events is None else events

        wrapped: Any = once_async if spec.is_async else once
        wrapped.__name__ = wrapped.__qualname__ = spec.name
        wrapped.__doc__, wrapped.real_time = handler.__doc__, spec.real_time
        return wrapped  # type: ignore[no-any-return]

    def seen(self, delivery: Delivery, tables: Any = None) -> bool:
        """Whether this message was marked for this group: as committed, or inside a transaction that is given."""
        mark = _mark(delivery)
        if tables is None:
            return self._marks.is_committed(mark)
        self._check_open(tables)
        return self._marks.find(tables, mark) is not None

    def mark(self, delivery: Delivery, tables: Any = None) -> None:
        """Mark this message for this group: in a transaction of its own, or inside one that is given.

        Such a mark keeps no events. Once more does no harm.
        """
        mark = _mark(delivery)
        if tables is None:
            with self._transaction(mark) as own:
                self._add(own, mark)
        else:
            self._check_open(tables)
            self._add(tables, mark)

    def _add(self, tables: Any, mark: Mark) -> None:
        if self._marks.find(tables, mark) is None:
            self._marks.keep(tables, mark, [], self.window)

    @contextmanager
    def _transaction(self, mark: Mark, alone: bool = False) -> Iterator[Any]:
        if self.db is not None:
            with self.db.transaction(alone=alone) as tables:
                yield tables
            return
        with self._lock:
            if mark in self._under_way:
                raise TransactionConflictError("another worker has this message in hand")
            self._under_way.add(mark)
        try:
            yield self._marks.memory
        finally:
            self._under_way.discard(mark)

    def _check_open(self, tables: Any) -> None:
        if self.db is None or not self.db.is_open(tables):
            what_to_do = "give what `with db.transaction() as tables:` hands out, of the inbox's own database"
            raise OptionError("tables", tables, what_to_do)


def _mark(delivery: object) -> Mark:
    if not isinstance(delivery, Delivery):
        raise OptionError("delivery", delivery, "give the delivery, which a handler gets as its second parameter")
    return delivery.group, delivery.message.source, delivery.message.id


def _examined(handler: Any, has_db: bool) -> tuple[HandlerSpec, list[str]]:
    """Return what is to be known of a handler, and the names of what it wants beside the event."""
    name = getattr(handler, "__name__", type(handler).__name__)
    if isinstance(handler, type):
        raise HandlerError(handler, f"{name} is a class: give a function, or call seen() and mark() in its methods")
    try:
        parameters = list(inspect.signature(handler).parameters.values())
    except (TypeError, ValueError):  # it cannot be called, which `examine` says, or it does not tell
        return examine(handler), []
    if parameters and parameters[0].name == "self":
        raise HandlerError(handler, f"{name} is a method without its object: call seen() and mark() inside it")
    asked = [
        p
        for p in parameters[1:]
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        and (p.default is p.empty or p.name in ("tables", "delivery"))
    ]
    extras = [p.name for p in asked]
    others = [p.name for p in asked if p.name != "delivery"]
    if len(others) > 1 or any(p.kind is p.POSITIONAL_ONLY for p in asked):
        wanted = ", ".join(others)
        raise HandlerError(handler, f"{name} wants more than (event, tables, delivery): nobody gives it {wanted}")
    if others and not has_db:
        raise HandlerError(handler, f"{name} wants {others[0]}, and this inbox has no database: say Inbox(db)")
    if not extras:
        return examine(handler), []
    filled = partial(handler, **dict.fromkeys(extras))  # with these filled in it has to be a handler as any other
    vars(filled)["__name__"] = name
    return examine(filled), extras


class _Marks:
    """Marks in the tables of a `Database`, or in memory."""

    def __init__(self, db: Database | None) -> None:
        self._db = db
        self.memory: dict[str, dict[Any, Any]] = {}

    def is_committed(self, mark: Mark) -> bool:
        return mark in (self.memory.get("inbox", {}) if self._db is None else self._db.table("inbox"))

    def find(self, tables: Any, mark: Mark) -> list[Any] | None:
        events = tables.get("inbox", {}).get(mark)
        return None if events is None else list(events)

    def keep(self, tables: Any, mark: Mark, events: list[Any], window: int | None) -> None:
        marks = tables.setdefault("inbox", {})
        marks[mark] = tuple(events)
        if window is None:
            return
        order, group = tables.setdefault(_ORDER, {}), mark[0]
        oldest, number = order.get(group, (0, 0))
        order[group, number] = mark
        while number - oldest >= window:
            marks.pop(order.pop((group, oldest)), None)
            oldest += 1
        order[group] = (oldest, number + 1)


class _SqlMarks:
    """Marks in the table of a `SqlDatabase`."""

    memory: Any = None

    def __init__(self, db: SqlDatabase) -> None:
        self._db = db
        with db.transaction() as sql:
            sql.execute(_SCHEMA)

    def is_committed(self, mark: Mark) -> bool:
        return bool(self._db.rows(_FIND, mark))

    def find(self, sql: Any, mark: Mark) -> list[Any] | None:
        row = sql.execute(_FIND, mark).fetchone()
        return None if row is None else read(row[0])

    def keep(self, sql: Any, mark: Mark, events: list[Any], window: int | None) -> None:
        (last,) = sql.execute("SELECT MAX(number) FROM inbox WHERE consumer_group = ?", mark[:1]).fetchone()
        number = (last or 0) + 1
        sql.execute("INSERT INTO inbox VALUES (?, ?, ?, ?, ?)", (*mark, number, written(events)))
        if window is not None:
            sql.execute("DELETE FROM inbox WHERE consumer_group = ? AND number <= ?", (mark[0], number - window))
