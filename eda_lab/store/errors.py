"""What can go wrong with an event store: an unexpected version, an id that is taken, a file that is no store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from eda_lab.errors import EdaLabError, shown

__all__ = [
    "DuplicateIdError",
    "StoreBusyError",
    "StoreClosedError",
    "StoreDamagedError",
    "StoreError",
    "StoreFileError",
    "WrongExpectedVersionError",
    "named",
]


def named(path: str | None) -> str:
    """Return the name of a store's file as it is shown, without its folders, which may be longer than a line."""
    return "the store in memory" if path is None else shown(PurePath(path).name)


class StoreError(EdaLabError):
    """The root of what goes wrong in a store. Whatever was to be appended is not in it, and what was in it still is."""


class WrongExpectedVersionError(StoreError):
    """Somebody else has appended to the stream meanwhile: read it again, and decide again.

    Attributes: `stream`; `expected`, the version that was asked for (0: the stream must not exist); `actual`, the last
    version of the stream (0: it does not exist).
    """

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        wanted = f"at version {expected}" if expected else "new"
        found = f"at version {actual}" if actual else "empty"
        super().__init__(f"stream {shown(stream)} is {found}, not {wanted}: read it again and decide again")
        self.stream, self.expected, self.actual = stream, expected, actual


class DuplicateIdError(StoreError):
    """Another event with the same source and id is in the store already.

    Attributes: `source`, `id`; `position` of the one that is there, None where it came in the same call.
    """

    def __init__(self, source: str, id: str, position: int | None, differs: str) -> None:
        where = "twice in one call" if position is None else f"at position {position} already"
        what_to_do = "give each event its own id, and each bus that is recorded its own source="
        super().__init__(f"{shown(id)} of {shown(source)} is {where}, with another {differs}: {what_to_do}")
        self.source, self.id, self.position = source, id, position


class StoreFileError(StoreError):
    """The file cannot be used as a store. Nothing in it was changed.

    Attributes: `path`, None for a store in memory; `reason`.
    """

    def __init__(self, path: str | None, reason: str) -> None:
        super().__init__(f"{named(path)}: {reason}")
        self.path, self.reason = path, reason


class StoreDamagedError(StoreFileError):
    """What is in the file is not what was written.

    Attributes: `path`, None for a store in memory; `problems`, a sentence each.
    """

    def __init__(self, path: str | None, problems: Sequence[str]) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(path, f"damaged: {problems[0]}{more}; copy the file before you try anything else")
        self.problems = tuple(problems)


class StoreBusyError(StoreError):
    """Another program kept the store locked for longer than this one waits.

    Attributes: `path`, None for a store in memory; `seconds`, how long it was waited for.
    """

    def __init__(self, path: str | None, seconds: float) -> None:
        super().__init__(
            f"{named(path)} was locked by another program for {seconds:g} s: try again, or open with timeout="
        )
        self.path, self.seconds = path, seconds


class StoreClosedError(StoreError):
    """The store is not open here. `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"this store {reason}: open it again with EventStore(path)")
        self.reason = reason
