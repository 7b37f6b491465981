"""A store as a text file: CloudEvents 1.0, one JSON object a line, and a store filled from such a file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from eda_lab.errors import EdaLabError, MalformedEventError, OptionError
from eda_lab.events import Message
from eda_lab.store.appending import append_to, checked_stream, last_version
from eda_lab.store.errors import StoreFileError, WrongExpectedVersionError
from eda_lab.store.rows import drafts_of
from eda_lab.wire import MAX_BYTES, decode, encode

__all__ = ["export_lines", "import_lines"]

LONGEST = 16 * MAX_BYTES  # bytes of a line: the data, its envelope, and room for another writer's escapes


class _Place(msgspec.Struct):
    """The extension attributes that say where an event stood; a reader that does not know them skips them."""

    stream: str | None = None
    version: int | None = None
    position: int | None = None


_PLACE = msgspec.json.Decoder(_Place)


def export_lines(messages: Iterator[Message], path: str | os.PathLike[str], store: str | None) -> int:
    """Write messages to a file, a line each, and return how many; the file is there as a whole or not at all."""
    target = _checked(path)
    if store is not None:
        own = [part for kind in ("", "-wal", "-shm", "-journal") if (part := Path(store + kind)).exists()]
        if target.exists() and any(target.samefile(part) for part in own):
            raise StoreFileError(str(target), "this is the store itself: give the path of another file")
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    count = 0
    try:
        with draft.open("wb") as file:
            for message in messages:
                place = msgspec.json.encode(_Place(message.stream, message.version, message.position))
                file.write(encode(message)[:-1] + b"," + place[1:] + b"\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        raise StoreFileError(str(target), f"it cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return count


def import_lines(write: sqlite3.Connection, path: str | os.PathLike[str], stream: str | None, source: str) -> int:
    """Append the events of a file in one transaction, and return how many were new."""
    origin = _checked(path)
    if stream is not None:
        checked_stream(stream)
    before = write.total_changes
    try:
        with origin.open("rb") as lines:
            for number, line in _lines(lines):
                try:
                    _import(write, line, stream, source)
                except MalformedEventError as error:
                    raise MalformedEventError(f"{error.path} of line {number}", error.reason) from error
    except OSError as error:
        raise StoreFileError(str(origin), f"it cannot be read: {error.strerror}") from error
    return write.total_changes - before


def _import(write: sqlite3.Connection, line: bytes, stream: str | None, source: str) -> None:
    message = decode(line, max_bytes=LONGEST, plain=True)
    try:
        place = _PLACE.decode(line)
        home = checked_stream(place.stream or stream or message.source)
    except (msgspec.DecodeError, EdaLabError) as error:
        raise MalformedEventError("$.stream", str(error)) from error
    last = last_version(write, home)
    version = append_to(write, home, drafts_of([message], None, source), None)
    if place.stream and place.version is not None and version != place.version:
        raise WrongExpectedVersionError(home, place.version - 1, last)


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(LONGEST + 2):
        number += 1
        if line.strip():
            yield number, line


def _checked(path: Any) -> Path:
    if not isinstance(path, (str, os.PathLike)) or not str(path) or "\0" in str(path):
        raise OptionError("path", path, "give the path of a file")
    target = Path(path).absolute()
    if target.is_dir():
        raise StoreFileError(str(target), "this is a folder: give the path of a file in it")
    return target
