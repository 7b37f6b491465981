"""A projection: it follows the log of a store and keeps a read model, which is what questions are asked of.

Read model and checkpoint (the position up to which it has read) are committed together, so that no crash makes it count
an event twice or leave one out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from functools import partial
from typing import Any, TypeVar

from eda_lab.database import Database, TransactionConflictError
from eda_lab.errors import HandlerError, OptionError, check_whole, shown
from eda_lab.events import Message
from eda_lab.handlers import checked_name
from eda_lab.routing import Router, topics
from eda_lab.sourcing.errors import ProjectionError
from eda_lab.sourcing.readmodels import Checkpoint, model_in
from eda_lab.sourcing.upcasting import UPCASTERS, Upcasters
from eda_lab.sqldatabase import SqlDatabase
from eda_lab.store import EventStore
from eda_lab.store.errors import StoreClosedError
from eda_lab.store.reading import Stop

__all__ = ["Projection"]

H = TypeVar("H", bound=Callable[..., Any])


class Projection:
    """Keeps a read model in a database of its own, by a function for each type of events.

    `tables` says what it is kept in: names of tables for a `Database`, CREATE statements for a `SqlDatabase`. They are
    made at the first run. Several projections may share a database. Its table "projections" holds the checkpoints.
    Where the functions or tables have changed, give a higher `version`, and `rebuild`.

    >>> from eda_lab.events import Event
    >>> class TicketSold(Event):
    ...     film: str
    >>> films = Projection("films", Database(), tables="sold")
    >>> @films.on(TicketSold)
    ... def count(ticket, tables):
    ...     tables["sold"][ticket.film] = tables["sold"].get(ticket.film, 0) + 1
    >>> store = EventStore()
    >>> store.append("cinema", [TicketSold("Metropolis"), TicketSold("Nosferatu"), TicketSold("Metropolis")])
    3
    >>> films.lag(store), films.run(store), films.lag(store)
    (3, 3, 0)
    >>> films.db.table("sold")
    {'Metropolis': 2, 'Nosferatu': 1}
    """

    def __init__(
        self,
        name: str,
        db: Database | SqlDatabase,
        tables: str | Sequence[str],
        *,
        version: int = 1,
        batch: int = 100,
        upcasters: Upcasters = UPCASTERS,
    ) -> None:
        self.name = checked_name("name", name)
        check_whole("version", version, 1)
        check_whole("batch", batch, 1)
        self.db, self.version, self.batch = db, version, batch
        self._model = model_in(db, tables)
        self._upcasters = upcasters
        self._router: Router[tuple[Callable[..., Any], bool]] = Router()
        self._listens = False

    def on(self, what: Any) -> Callable[[H], H]:
        """Return a decorator: the function gets events of this class, topic or pattern (or of a tuple of such).

        It takes `(event, tables)` or `(event, tables, message)`; the second is what `db.transaction()` hands out (a
        cursor, for a `SqlDatabase`). It changes nothing else, and returns nothing.
        """
        names = topics(what)

        def register(function: H) -> H:
            self._router.add(names, (function, _wants_message(function)))
            self._listens = True
            return function

        return register

    @property
    def position(self) -> int:
        """The position of the last event that is in the read model, 0 where it has none."""
        found = self._model.checkpoint(self.name)
        return 0 if found is None else found.position

    def lag(self, store: EventStore) -> int:
        """Return how many events of the store the read model does not know of yet."""
        return max(0, store.last_position - self.position)

    def run(self, store: EventStore, until: int | None = None) -> int:
        """Catch up with a store, up to position `until` or to its end; return how many events were read.

        Events without a function are passed over. What a function raises is raised: then the read model is as it was
        after the last batch, and the next run begins there. Raises `ProjectionError` where the read model was made by
        another version of this projection.
        """
        if not isinstance(store, EventStore):
            raise OptionError("store", store, "give an EventStore")
        last = store.last_position
        if until is not None:
            check_whole("until", until)
            last = min(until, last)
        return self._catch_up(store, last, None)

    def follow(self, store: EventStore, *, timeout: float | None = None, stop: Stop | None = None) -> int:
        """Catch up, then go on with what this and other programs append; return how many events were read.

        It ends as `EventStore.follow` does: after `timeout` seconds without anything new, when `stop` is set, or when
        the store is closed.
        """
        count = self.run(store)
        position = self.position
        with suppress(StoreClosedError):
            for message in store.follow(position + 1, timeout=timeout, stop=stop, plain=True):
                if (message.position or 0) > position:  # a sign that there is more
                    count += self._catch_up(store, store.last_position, stop)
                    position = self.position
        return count

    def rebuild(self, store: EventStore) -> int:
        """Build the read model anew from the first event, beside the one that is there, and swap the two.

        Meanwhile the old one is read and goes on. Readers see it, or the new one as a whole. Returns how many events
        were read.
        """
        new = copy(self)
        new._model = self._model.beside()
        new.db = new._model.db
        count = new.run(store)
        return count + self._patiently(partial(self._swap, store, new))

    def _swap(self, store: EventStore, new: Projection) -> int:
        with self.db.transaction() as tables:
            old = self._model.find(tables, self.name)
            count = 0
            if old is not None:
                self._check_not_newer(old)
                count = new.run(store, until=old.position)  # the old one may have gone on meanwhile
            others = self._model.names(tables) - set(() if old is None else old.tables)
            self._model.swap(tables, self.name, () if old is None else old.tables, new._model)
            made = tuple(sorted(self._model.names(tables) - others))
            self._model.keep(tables, self.name, Checkpoint(new.position, self.version, made))
        return count

    def _catch_up(self, store: EventStore, last: int, stop: Stop | None) -> int:
        """Read batch after batch up to a position, unless `stop` is set; return how many events were read."""
        if not self._listens:  # it would pass over everything, for good
            raise ProjectionError(self.name, "it has no functions yet: put @projection.on(...) above some")
        count = 0
        while stop is None or not stop.is_set():
            found = self._model.checkpoint(self.name)
            if found is not None and found.version == self.version and found.position >= last:
                if found.position > last and found.position > store.last_position:
                    ends = f"it has read up to position {found.position}, and this store ends at {store.last_position}"
                    raise ProjectionError(self.name, f"{ends}: it belongs to another store")
                break
            count += self._patiently(partial(self._read_batch, store, last))
        return count

    def _patiently(self, work: Callable[[], int]) -> int:
        """Do some work in a transaction; in a `Database`, where another one may come first, begin it anew."""
        for _ in range(self._model.tries - 1):
            with suppress(TransactionConflictError):
                return work()
        return work()

    def _read_batch(self, store: EventStore, last: int) -> int:
        """Take the next events into the read model, in one transaction; return how many were read."""
        with self.db.transaction() as tables:
            at = self._begun(tables)
            others = self._model.names(tables) - set(at.tables)
            position, count = at.position, 0
            for message in store.read_all(position + 1, to_position=last, limit=self.batch):
                self._apply(message, tables)
                position, count = message.position or 0, count + 1
            made = tuple(sorted(self._model.names(tables) - others))
            self._model.keep(tables, self.name, Checkpoint(position, self.version, made))
        return count

    def _begun(self, tables: Any) -> Checkpoint:
        """Return the checkpoint; where there is none, make the tables."""
        found = self._model.find(tables, self.name)
        if found is None:
            others = self._model.names(tables)
            self._model.make(tables, self.name)
            found = Checkpoint(0, self.version, tuple(self._model.names(tables) - others))
        self._check_not_newer(found)
        if found.version < self.version:
            made = f"its read model was made by version {found.version}, and this is version {self.version}"
            raise ProjectionError(self.name, f"{made}: call rebuild(store)")
        return found

    def _check_not_newer(self, found: Checkpoint) -> None:
        if found.version > self.version:
            newer = f"its read model was made by version {found.version}, and this program has version {self.version}"
            raise ProjectionError(self.name, f"{newer}: use the newer program")

    def _apply(self, message: Message, tables: Any) -> None:
        targets = self._router.targets(message.type)
        if not targets:
            return
        (current,) = self._upcasters.upcast([message])
        for function, wants_message in targets:
            try:
                extra = (current,) if wants_message else ()
                result = function(current.data, tables, *extra)
                if result is not None and result is not tables:  # a lambda gives back what sql.execute() gives it
                    raise HandlerError(function, f"{_name(function)} returned something: it publishes nothing")
            except Exception as error:
                error.add_note(f"in the projection {self.name!r}, at position {message.position}: {message.type}")
                raise

    def __repr__(self) -> str:
        return f"<Projection {self.name!r} of version {self.version}>"


def _name(function: Any) -> str:
    return getattr(function, "__name__", shown(function))


def _wants_message(function: Any) -> bool:
    """Whether a function takes the message beside event and tables; raise `HandlerError` where it cannot serve."""
    name = _name(function)
    if not callable(function) or isinstance(function, type):
        raise HandlerError(function, f"{name} is no function: put @projection.on(...) above a def")
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    if any(kind(function) for kind in kinds):
        raise HandlerError(function, f"{name} is no plain function: a projection calls it inside a transaction")
    signature = inspect.signature(function)
    for given in (2, 3):
        try:
            signature.bind(*range(given))
        except TypeError:
            continue
        return given == 3
    raise HandlerError(function, f"{name} takes (event, tables) or (event, tables, message), and nothing else")
