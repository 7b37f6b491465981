"""Messages as bytes: CloudEvents 1.0 in JSON, written and read back, with one clear error for what is malformed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from eda_lab.errors import MalformedEventError, NotAnEventError, check_whole, shown
from eda_lab.events import Message, known_class

__all__ = [
    "MAX_BYTES",
    "checked_copy",
    "data_decoder",
    "data_writer",
    "decode",
    "encode",
    "other_version",
    "read_data",
]

MAX_BYTES = 1_000_000  # the default limit of Kafka's message.max.bytes and of most brokers, rounded
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Text = Annotated[str, msgspec.Meta(min_length=1)]  # what is required may not be empty (CloudEvents 1.0, section 3.1)


class _Wire(msgspec.Struct, kw_only=True):
    """A CloudEvents 1.0 JSON object. An attribute that is null counts as absent (JSON format, section 2.2)."""

    specversion: str
    id: _Text
    source: _Text
    type: _Text
    time: datetime | None = None
    subject: str | None = None
    datacontenttype: str | None = None
    correlationid: str | None = None
    causationid: str | None = None
    dataversion: int | None = None
    partitionkey: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    data_base64: str | None = None


_WIRE = msgspec.json.Decoder(_Wire)
_PLAIN = msgspec.json.Decoder()
_TO_BYTES = msgspec.json.Encoder().encode


class _Decoders(dict[type[Any], msgspec.json.Decoder[Any]]):
    """One decoder for each class of events, made when it is first needed."""

    def __missing__(self, cls: type[Any]) -> msgspec.json.Decoder[Any]:
        try:
            decoder = self[cls] = msgspec.json.Decoder(cls)
        except Exception as error:  # an annotation that names nothing, or that JSON cannot tell from another
            raise MalformedEventError("$", f"{cls.__name__} cannot be read from JSON: {error}") from error
        return decoder


_DECODERS = _Decoders()


def checked_copy(event: Any) -> Any:
    """Write an event to bytes and read it back, as any wire would: what comes out has the types its class names.

    Raises `MalformedEventError` where the event could not cross a wire.
    """
    return _read(_DECODERS[type(event)], _to_bytes(event), "$")


def encode(message: Message) -> bytes:
    """Write a message as one CloudEvents 1.0 JSON object (structured mode), its time in UTC and ending in `Z`.

    Raises `MalformedEventError` where it cannot be written.

    >>> wire = encode(Message(id="1", source="checkout", type="order_placed", time=1.5, data={"order_id": "12345"}))
    >>> import json
    >>> json.loads(wire)["time"], json.loads(wire)["data"]
    ('1970-01-01T00:00:01.500000Z', {'order_id': '12345'})
    >>> decode(wire).time
    1.5
    """
    if not isinstance(message, Message):
        raise NotAnEventError(message, f"{shown(message)} is no Message: encode an event in its envelope")
    attributes: dict[str, object] = {
        "specversion": "1.0",
        "id": message.id,
        "source": message.source,
        "type": message.type,
        "time": _rfc3339(message.time),
        "subject": message.subject,
        "datacontenttype": "application/json",
        "correlationid": message.correlation_id,
        "causationid": message.causation_id,
        "partitionkey": message.partitionkey,
        "dataversion": message.dataversion,
    }
    present = {name: value for name, value in attributes.items() if value is not None}
    try:
        msgspec.convert(present, _Wire)  # what is written here can be read there
    except msgspec.ValidationError as error:
        raise _malformed(error, "$") from error
    return _to_bytes(present | {"data": message.data})


def data_decoder(type_: str, plain: bool = False) -> Callable[[str | bytes], Any]:
    """Return what reads the data of events of a type: as its class, where one is known, or else (or `plain`) as JSON.

    It raises whatever it meets; `read_data` says what that means.
    """
    cls = None if plain else known_class(type_)
    return (_PLAIN if cls is None else _DECODERS[cls]).decode


def read_data(type_: str, text: str | bytes, plain: bool = False) -> Any:
    """Read the data of an event of a type; raise `MalformedEventError` where it is no such event's."""
    cls = None if plain else known_class(type_)
    return _read(_PLAIN if cls is None else _DECODERS[cls], text, "$.data")


def other_version(type_: str, dataversion: int) -> bool:
    """Whether the class of a type, where one is known, has data of another version."""
    cls = known_class(type_)
    return cls is not None and getattr(cls, "dataversion", 1) != dataversion


def data_writer(type_: str, dataversion: int = 1) -> Callable[[Any], bytes]:
    """Return what writes the data of events of a type as JSON, of at most `MAX_BYTES`.

    It raises `MalformedEventError` for what cannot be written, or could not be read back. Data of another version than
    that of its class is not held against the class.
    """
    plain = other_version(type_, dataversion)
    read = data_decoder(type_, plain)

    def write(data: Any) -> bytes:
        try:
            raw = _TO_BYTES(data)
            read(raw)
        except Exception:  # noqa: BLE001 - once more, to say what that means
            raw = _to_bytes(data)
            read_data(type_, raw, plain)
        if len(raw) > MAX_BYTES:
            raise MalformedEventError("$.data", f"{len(raw):,} bytes are more than the {MAX_BYTES:,} that are accepted")
        return raw

    return write


def decode(raw: bytes, *, max_bytes: int = MAX_BYTES, plain: bool = False) -> Message:
    """Read a CloudEvents 1.0 JSON object; its data becomes an instance of the class of its type, where one is known.

    With `plain` the data stays what JSON makes of it.

    Raises `MalformedEventError`, naming the path, for anything else than a well-formed event of at most `max_bytes`.
    """
    if not isinstance(raw, (bytes, bytearray, memoryview)):
        raise MalformedEventError("$", f"expected bytes, got {shown(raw)}")
    check_whole("max_bytes", max_bytes)
    if len(raw) > max_bytes:
        raise MalformedEventError("$", f"{len(raw):,} bytes are more than the {max_bytes:,} that are accepted")
    wire: _Wire = _read(_WIRE, raw, "$")
    if wire.specversion != "1.0":
        raise MalformedEventError("$.specversion", f"expected '1.0', got {shown(wire.specversion)}")
    if wire.data_base64 is not None:
        raise MalformedEventError("$.data_base64", "binary data is not read here: send JSON in 'data'")
    if wire.time is not None and wire.time.tzinfo is None:
        raise MalformedEventError("$.time", "expected a time with its zone (RFC 3339), as in 2026-01-31T12:00:00Z")
    return Message(
        id=wire.id,
        source=wire.source,
        type=wire.type,
        time=(wire.time - EPOCH).total_seconds() if wire.time is not None else 0.0,
        data=read_data(wire.type, bytes(wire.data), plain),
        subject=wire.subject,
        correlation_id=wire.correlationid,
        causation_id=wire.causationid,
        dataversion=1 if wire.dataversion is None else wire.dataversion,
        partitionkey=wire.partitionkey,
    )


def _rfc3339(seconds: float) -> str:
    try:
        moment = EPOCH + timedelta(seconds=seconds)
    except (TypeError, ValueError, OverflowError) as error:
        raise MalformedEventError("$.time", f"{shown(seconds)} is no time that can be written") from error
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _to_bytes(value: object) -> bytes:
    try:
        return _TO_BYTES(value)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise MalformedEventError("$", f"this event cannot be written as JSON: {reason}") from error


def _read(decoder: msgspec.json.Decoder[Any], raw: str | bytes, root: str) -> Any:
    try:
        return decoder.decode(raw)
    except RecursionError as error:
        raise MalformedEventError(root, "nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(error, root) from error
    except Exception as error:  # an event's own __post_init__ may raise anything
        raise MalformedEventError(root, f"{type(error).__name__}: {error}") from error


def _malformed(error: Exception, root: str) -> MalformedEventError:
    """Return the error of a decoder as ours; it says where below `root` the fault is."""
    reason, at, path = str(error).rpartition(" - at `")
    if reason.startswith("Expected `array`, got `object`"):
        reason += " (a tuple with one item needs a comma, as in (item,))"
    elif reason.startswith("Expected `array` of length 1"):
        reason += " (tuple[Item] holds exactly one; write tuple[Item, ...])"
    return MalformedEventError(root + path.removesuffix("`").removeprefix("$") if at else root, reason or str(error))
