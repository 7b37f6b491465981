"""Snapshots of a repository: a cache of folded states. One that another program could have folded is not used."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, get_args
from zlib import crc32

import msgspec

from eda_lab.errors import MalformedEventError, shown
from eda_lab.sourcing.errors import SnapshotError
from eda_lab.sourcing.upcasting import Upcasters
from eda_lab.store import EventStore

__all__ = ["SnapshotCache"]

_VALUES = (str, int, float, bytes, bool, type(None), tuple, list, dict)
_STEADY = sys.stdlib_module_names | {"msgspec"}


class _Kept(msgspec.Struct):
    """What is in the store: the state, and what it depends on beside the events."""

    fingerprint: str
    state: msgspec.Raw


class SnapshotCache:
    """Keeps states in a store, and gives back only those that `evolve` as it is now would fold to.

    `cls` is the type of the states. What a state depends on is read off: the code of `evolve` and of the functions that
    it names, the fields of the classes that it names, the upcasters, and `version`.
    """

    def __init__(
        self, store: EventStore, evolve: Callable[..., Any], cls: Any, upcasters: Upcasters, version: object
    ) -> None:
        self._store, self._evolve, self._cls = store, evolve, cls
        self._upcasters, self._version = upcasters, version

    def written(self, state: Any) -> bytes:
        """Return a state as JSON; raise `SnapshotError` where it would not come back as it is."""
        try:
            raw = msgspec.json.encode(state)
            back = self._read(raw)
        except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
            raise SnapshotError(state, f"JSON cannot hold it: {error}") from error
        if not _same(state, back):
            raise SnapshotError(state, f"it comes back from JSON as {shown(back)}")
        return raw

    def save(self, stream: str, version: int, state: Any) -> None:
        """Keep the state of a stream at a version."""
        self._store.save_snapshot(stream, version, _Kept(self.fingerprint(), msgspec.Raw(self.written(state))))

    def load(self, stream: str, most: int) -> tuple[int, Any] | None:
        """Return the version and the state of a snapshot that is not beyond version `most`, if there is one of use."""
        try:
            found = self._store.load_snapshot(stream, _Kept)
            if found is None or found.version > most or found.state.fingerprint != self.fingerprint():
                return None
            return found.version, self._read(found.state.state)
        except (MalformedEventError, msgspec.DecodeError, UnicodeDecodeError):
            return None  # whatever it is, the events are there

    def _read(self, raw: bytes | msgspec.Raw) -> Any:
        return msgspec.json.decode(raw, type=self._cls)

    def fingerprint(self) -> str:
        """Return what tells whether a snapshot was folded by the same rules. It is the same in every process."""
        seen: set[int] = set()
        parts = [repr(self._version), *_class(self._cls, seen), *_traits(self._evolve, seen)]
        for name, number, function in self._upcasters.functions():
            parts += [name, str(number), *_traits(function, seen)]
        return f"{crc32(chr(0).join(parts).encode(errors='backslashreplace')):08x}"


def _traits(function: Any, seen: set[int]) -> Iterator[str]:
    """Yield what a function does, as far as its code tells, and what those do that it names."""
    while not isinstance(function, FunctionType):
        wrapped = [inner for name in ("func", "__func__", "__wrapped__") if (inner := getattr(function, name, None))]
        if not wrapped:
            yield getattr(function, "__qualname__", type(function).__qualname__)
            return
        for given in (*getattr(function, "args", ()), *getattr(function, "keywords", {}).items()):
            yield from _thing(given, seen)
        function = wrapped[0]
    if id(function) in seen or not _is_ours(function):
        yield function.__qualname__
        return
    seen.add(id(function))
    names: list[str] = []
    yield from _code(function.__code__, names)
    yield repr((function.__defaults__, function.__kwdefaults__))
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # it is not filled yet
            yield from _thing(cell.cell_contents, seen)
    for name in names:
        if name in function.__globals__:
            yield from _thing(function.__globals__[name], seen)


def _code(code: CodeType, names: list[str]) -> Iterator[str]:
    yield code.co_code.hex()
    names += code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(constant, names)
        else:
            yield repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)
    yield repr((code.co_names, code.co_varnames))


def _thing(thing: Any, seen: set[int]) -> Iterator[str]:
    if isinstance(thing, FunctionType):
        yield from _traits(thing, seen)
    elif isinstance(thing, type):
        yield from _class(thing, seen)
    elif isinstance(thing, _VALUES):
        yield repr(thing)


def _class(cls: Any, seen: set[int]) -> Iterator[str]:
    """Yield the fields of a class, or of those in a union, and what its methods and properties do."""
    if id(cls) in seen:
        return
    seen.add(id(cls))
    yield _shape(cls)
    for part in get_args(cls):
        yield from _class(part, seen)
    for base in filter(_is_ours, getattr(cls, "__mro__", ())):
        for name, value in sorted(vars(base).items()):
            method = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if isinstance(method, FunctionType):
                yield name
                yield from _traits(method, seen)


def _is_ours(thing: Any) -> bool:
    """Whether this may be another one tomorrow, which what comes with Python is not."""
    return str(getattr(thing, "__module__", "")).partition(".")[0] not in _STEADY


def _shape(cls: Any) -> str:
    try:
        return _schema(cls)
    except TypeError:  # a type that cannot be a key of the cache
        return _schema.__wrapped__(cls)


@lru_cache(maxsize=1024)  # a schema takes a while to make
def _schema(cls: Any) -> str:
    """Return the names, types and defaults of the fields of a class; the name alone of what has no fields."""
    try:
        return str(msgspec.json.schema(cls))
    except (TypeError, ValueError, NameError, RuntimeError):
        return shown(cls)


def _same(one: Any, other: Any) -> bool:
    """Whether two states are equal, and of the same types all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return _same(list(one.items()), list(other.items()))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, msgspec.Struct):
        return all(_same(getattr(one, name), getattr(other, name)) for name in one.__struct_fields__)
    if dataclasses.is_dataclass(one):
        return all(_same(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one))
    return bool(one == other)
