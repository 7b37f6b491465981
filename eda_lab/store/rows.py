"""Messages as rows of a store's table, and rows as messages: what may go in, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from zlib import crc32

import msgspec

from eda_lab.errors import MalformedEventError, NotAnEventError, shown
from eda_lab.events import Message, is_event, type_name
from eda_lab.wire import data_decoder, data_writer, other_version, read_data

__all__ = ["COLUMNS", "Draft", "Row", "checksum", "drafts_of", "messages", "same_event"]

COLUMNS = (
    "stream, version, type, data, time, id, source, subject, correlationid, causationid, dataversion, partitionkey"
)
Row = tuple[Any, ...]  # the values of these columns
Draft = tuple[Any, ...]  # the same but stream and version, then the checksum; no id where the store gives it
_TIME = 4  # the place of the time in a row
_BYTES = msgspec.json.Encoder().encode
_YEARS = (-62_135_596_800.0, 253_402_300_799.0)  # the seconds of the years 1 to 9999, which RFC 3339 can write
_LARGEST = 2**63 - 1


def checksum(row: Row) -> int:
    """Return the CRC-32 of what a row says, but for its place and its id, which the indexes hold a second time.

    It gives away a byte that has changed, though no forger.
    """
    return crc32(row[3].encode(), _of_envelope(row[2], row[_TIME], *row[6:12]))


def _of_envelope(*values: object) -> int:
    return crc32(_BYTES(values))


def drafts_of(things: Iterable[Any], cause: Message | None, source: str) -> list[Draft]:
    """Return what is to be stored of messages with their envelope, or of events, whose source is given.

    Raises `NotAnEventError` for what is neither, and `MalformedEventError` for what could not be read back.
    """
    drafts: list[Draft] = []
    time, story, cause_id, key = 0.0, None, None, None
    if cause is not None:
        time, *_, key = _envelope(cause)
        story, cause_id = cause.correlation_id or cause.id, cause.id
    cls: type | None = None
    for thing in things:
        if isinstance(thing, Message):
            drafts.append(_draft(thing))
            continue
        if type(thing) is not cls:  # most events are of the same class as the one before
            if not is_event(thing):
                what_to_do = f"{shown(thing)} is no event: append instances of an Event class, or messages"
                raise NotAnEventError(thing, what_to_do)
            cls, type_, number = type(thing), type_name(type(thing)), _whole(getattr(thing, "dataversion", 1))
            begin = _of_envelope(type_, time, source, None, story, cause_id, number, key)
            write = data_writer(type_, number)
        raw = write(thing)
        text, check = raw.decode(), crc32(raw, begin)
        drafts.append((type_, text, time, None, source, None, story, cause_id, number, key, check))
    return drafts


def _draft(m: Message) -> Draft:
    time, subject, story, cause, number, key = _envelope(m)
    raw = data_writer(m.type, number)(m.data)
    check = crc32(raw, _of_envelope(m.type, time, m.source, subject, story, cause, number, key))
    return m.type, raw.decode(), time, m.id, m.source, subject, story, cause, number, key, check


def _envelope(m: Message) -> tuple[float, str | None, str | None, str | None, int, str | None]:
    """Return the attributes of a message that are stored beside its id, source and type; all of them are checked."""
    for name in ("id", "source", "type"):
        _check_text(name, getattr(m, name))
        if not getattr(m, name):
            raise MalformedEventError(f"$.{name}", "it may not be empty")
    for name in ("subject", "correlation_id", "causation_id", "partitionkey"):
        if getattr(m, name) is not None:
            _check_text(name, getattr(m, name))
    if isinstance(m.time, bool) or not isinstance(m.time, (int, float)) or not _YEARS[0] <= m.time <= _YEARS[1]:
        raise MalformedEventError("$.time", f"{shown(m.time)} is no time that can be written")
    time = float(m.time) + 0.0  # SQLite keeps no -0.0
    return time, m.subject, m.correlation_id, m.causation_id, _whole(m.dataversion), m.partitionkey


def _whole(version: Any) -> int:
    if isinstance(version, bool) or not isinstance(version, int) or not -_LARGEST <= version <= _LARGEST:
        raise MalformedEventError("$.dataversion", f"{shown(version)} is no number of a version")
    return version


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise MalformedEventError(f"$.{name}", f"expected text, got {shown(value)}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise MalformedEventError(f"$.{name}", f"{shown(value)} is no Unicode text: {error.reason}") from error


def same_event(stored: Row, given: Row) -> bool:
    """Whether two rows hold the same event; not when it was published, since a repeat comes later."""
    if stored == given:
        return True
    rest = [(row[0], row[2], *row[_TIME + 1 :]) for row in (stored, given)]
    if rest[0] != rest[1]:
        return False
    type_, old, new = given[2], stored[3], given[3]
    if read_data(type_, old, plain=True) == read_data(type_, new, plain=True):
        return True
    try:  # one of them may leave out what the class fills in
        return not other_version(type_, given[-2]) and bool(read_data(type_, old) == read_data(type_, new))
    except MalformedEventError:
        return False


def messages(rows: Iterable[Any], plain: bool = False) -> Iterator[Message]:
    """Yield the message of each row that begins with its position.

    Data of another version than that of its class stays what JSON makes of it, and so does all with `plain`. Raises
    `MalformedEventError` where the data is not what the class of its type wants.
    """
    decoders: dict[tuple[str, int], Callable[[str | bytes], Any]] = {}
    for position, stream, version, type_, text, time, id, source, subject, story, cause, dataversion, key in rows:
        decode = decoders.get((type_, dataversion))
        if decode is None:
            as_json = plain or other_version(type_, dataversion)
            decode = decoders[type_, dataversion] = data_decoder(type_, as_json)
        try:
            data = decode(text)
        except Exception as error:
            raise _unreadable(position, type_, text, plain) from error
        yield Message(
            id=id,
            source=source,
            type=type_,
            time=time,
            data=data,
            subject=subject,
            correlation_id=story,
            causation_id=cause,
            dataversion=dataversion,
            partitionkey=key,
            stream=stream,
            version=version,
            position=position,
        )


def _unreadable(position: int, type_: str, text: str, plain: bool) -> MalformedEventError:
    try:
        read_data(type_, text, plain)
    except MalformedEventError as error:
        hint = "" if plain else f" (the class of {type_} has changed? plain=True reads it as it is)"
        return MalformedEventError(f"{error.path} of position {position}", error.reason + hint)
    return MalformedEventError(f"$.data of position {position}", "it could not be read")
