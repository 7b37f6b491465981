"""State as a fold: `decide` turns a command into events, `evolve` takes a state one event further, a repository loads.

Both are plain functions without side effects (J. Chassaing, "Functional Event Sourcing Decider").
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from typing import Any

import msgspec

from eda_lab.delivery import Later
from eda_lab.errors import HandlerResultError, OptionError, check_whole, shown
from eda_lab.events import Command, Message
from eda_lab.handlers import LabWarning, caused_by
from eda_lab.sourcing.errors import SnapshotError
from eda_lab.sourcing.snapshots import SnapshotCache
from eda_lab.sourcing.upcasting import UPCASTERS, Upcasters
from eda_lab.store import NONE, EventStore
from eda_lab.store.errors import StoreError, WrongExpectedVersionError

__all__ = ["Handled", "Loaded", "Repository", "fold"]

Decide = Callable[[Any, Any], Any]
Evolve = Callable[[Any, Any], Any]


def fold(evolve: Evolve, state: Any, events: Iterable[Any]) -> Any:
    """Return the state after all these events, or messages: `evolve(state, event)` for one after the other.

    >>> fold(lambda pieces, event: pieces + event, 0, [2, 3, -1])
    4
    """
    for event in events:
        state = evolve(state, event.data if isinstance(event, Message) else event)
    return state


class Loaded(msgspec.Struct, frozen=True):
    """The state of a stream at a version (0: before its first event), and how many events were read to know it."""

    stream: str
    version: int
    state: Any
    events_read: int


class Handled(msgspec.Struct, frozen=True):
    """What became of a command: the messages that were appended, and the version and state that they led to.

    `attempts` is how often it was decided, which is once more than there were conflicts. Where nothing was to be done,
    there are no messages, and `position` is None; elsewhere it is that of the last one in the store.
    """

    stream: str
    version: int
    state: Any
    messages: tuple[Message, ...]
    attempts: int

    @property
    def events(self) -> tuple[Any, ...]:
        """The events in these messages."""
        return tuple(message.data for message in self.messages)

    @property
    def position(self) -> int | None:
        """The position of the last message in the store: a read model that is as far as that knows of the change."""
        return self.messages[-1].position if self.messages else None


class Repository:
    """Loads what is kept as streams of events, and lets commands change it.

    `decide(command, state)` returns nothing, an event or several, or raises what speaks against it; `evolve(state,
    event)` returns the next state. `initial` is the state before the first event, or a function (or class) that makes
    it. The stream of an id is called `f"{stream}-{id}"`, or `stream(id)` where that is a function, or as the id itself.

    With `snapshot_every` a snapshot is kept after so many events, and loading reads what came after it. A snapshot is a
    cache, and changes no result: one that another `evolve`, other upcasters or another type of state could have led to
    is not used. That is read off their code; where it depends on something else, give another `snapshot_version`.
    States are kept as JSON; `state_type` says how to read them back, by default as the type of the initial state.

    >>> from eda_lab.events import Event
    >>> class CoinsPut(Event):
    ...     cents: int
    >>> def decide(cents, saved):
    ...     return CoinsPut(cents) if saved + cents <= 500 else None
    >>> def evolve(saved, event):
    ...     return saved + event.cents if isinstance(event, CoinsPut) else saved
    >>> banks = Repository(EventStore(), decide, evolve, 0, stream="bank", snapshot_every=2)
    >>> [banks.handle("piggy", cents).state for cents in (100, 200, 50, 999)]
    [100, 300, 350, 350]
    >>> banks.load("piggy")
    Loaded(stream='bank-piggy', version=3, state=350, events_read=1)
    >>> banks.load("piggy", version=1).state
    100
    """

    def __init__(
        self,
        store: EventStore,
        decide: Decide,
        evolve: Evolve,
        initial: Any = None,
        *,
        stream: str | Callable[[str], str] | None = None,
        snapshot_every: int | None = None,
        snapshot_version: int | str = 1,
        state_type: Any = None,
        upcasters: Upcasters = UPCASTERS,
    ) -> None:
        if not isinstance(store, EventStore):
            raise OptionError("store", store, "give an EventStore")
        for option, function in (("decide", decide), ("evolve", evolve)):
            if not callable(function):
                raise OptionError(option, function, "give the function itself")
        if not (stream is None or callable(stream) or (isinstance(stream, str) and stream)):
            raise OptionError("stream", stream, "give what the names of streams begin with, or a function of the id")
        if snapshot_every is not None:
            check_whole("snapshot_every", snapshot_every, 1)
        if not isinstance(snapshot_version, (int, str)):
            raise OptionError("snapshot_version", snapshot_version, "give a number, or text")
        self.store, self.snapshot_every = store, snapshot_every
        self.events_read = 0  # by the last load
        self._decide, self._evolve, self._initial, self._stream = decide, evolve, initial, stream
        self._upcasters = upcasters
        first = self._first()
        self._snapshots = SnapshotCache(
            store, evolve, type(first) if state_type is None else state_type, upcasters, snapshot_version
        )
        if snapshot_every is not None:
            self._snapshots.written(first)  # what is to be found out, is found out before anything is appended

    def stream(self, id: str) -> str:
        """Return the name of the stream of an id."""
        if not isinstance(id, str) or not id:
            raise OptionError("id", id, "give the id of what is to be loaded, as text")
        if callable(self._stream):
            return self._stream(id)
        return id if self._stream is None else f"{self._stream}-{id}"

    def load(self, id: str, version: int | None = None) -> Loaded:
        """Return the state now, or as it was at a version: 0 is before the first event.

        `events_read` of the repository tells afterwards how many events were read for it.
        """
        stream = self.stream(id)
        last = self.store.version(stream)
        if version is not None:
            check_whole("version", version)
            if version > last:
                raise OptionError("version", version, f"this stream ends at version {last}")
            last = version
        kept = None if self.snapshot_every is None else self._snapshots.load(stream, last)
        begin, state = (0, self._first()) if kept is None else kept
        for message in self._read(stream, begin + 1, last):
            state = self._evolved(state, message)
        self.events_read = last - begin
        return Loaded(stream, last, state, last - begin)

    def history(self, id: str) -> Iterator[tuple[Message, Any]]:
        """Yield each message of a stream, and the state that it led to."""
        stream = self.stream(id)
        state = self._first()
        for message in self._read(stream, 1, None):
            state = self._evolved(state, message)
            yield message, deepcopy(state)

    def handle(self, id: str, command: Any, retries: int = 0, *, cause: Message | None = None) -> Handled:
        """Load the state, decide, and append what was decided, unless somebody else has appended meanwhile.

        Then it loads and decides again, up to `retries` times; after that `WrongExpectedVersionError` is raised. What
        `decide` raises is raised, and nothing is appended. The events continue the story of `cause`, if it is given.
        """
        check_whole("retries", retries)
        attempt = 0
        while True:
            attempt += 1
            loaded = self.load(id)
            seen = deepcopy(loaded.state)  # if `decide` should change it, that must not find its way into a snapshot
            events = self._decided(command, seen)
            if not events:
                return Handled(loaded.stream, loaded.version, loaded.state, (), attempt)
            fold(self._evolve, seen, events)  # what it cannot take in must not be appended
            try:
                version = self.store.append(loaded.stream, events, loaded.version or NONE, cause=cause)
            except WrongExpectedVersionError:
                if attempt > retries:
                    raise
                continue
            messages = tuple(self._read(loaded.stream, loaded.version + 1, version))
            state = loaded.state
            for message in messages:
                state = self._evolved(state, message)
            if self.snapshot_every and version - (loaded.version - loaded.events_read) >= self.snapshot_every:
                self._try_to_keep(loaded.stream, version, state)
            return Handled(loaded.stream, version, state, messages, attempt)

    def snapshot(self, id: str) -> int:
        """Keep a snapshot of the state now, for repositories with `snapshot_every`; return its version.

        Of a stream without events none is kept. Raises `SnapshotError` for a state that does not come back from JSON.
        """
        loaded = self.load(id)
        if loaded.version:
            self._snapshots.save(loaded.stream, loaded.version, loaded.state)
        return loaded.version

    def _first(self) -> Any:
        return self._initial() if callable(self._initial) else deepcopy(self._initial)

    def _read(self, stream: str, first: int, last: int | None) -> Iterator[Message]:
        return self._upcasters.upcast(self.store.read(stream, first, last))

    def _evolved(self, state: Any, message: Message) -> Any:
        try:
            return self._evolve(state, message.data)
        except Exception as error:
            error.add_note(f"in evolve, at version {message.version} of the stream {message.stream!r}: {message.type}")
            raise

    def _decided(self, command: Any, state: Any) -> list[Any]:
        result = self._decide(command, state)
        name = getattr(self._decide, "__name__", "decide")
        events = [] if result is None else caused_by(name, result)
        for event in events:
            if isinstance(event, (Later, Command)):
                raise HandlerResultError(name, event)
        return events

    def _try_to_keep(self, stream: str, version: int, state: Any) -> None:
        """Keep a snapshot; where that fails say so, and no more: what was decided is in the store."""
        try:
            self._snapshots.save(stream, version, state)
        except (SnapshotError, StoreError) as error:
            warnings.warn(f"{shown(stream)} at version {version}: {error}", LabWarning, stacklevel=3)
