"""Events and commands, the envelope they travel in, and its JSON form on the wire (CloudEvents 1.0).

An event is a fact in the past tense, immutable, and checked when it is read back from bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, ClassVar, dataclass_transform

import msgspec

from eda_lab.errors import (
    MalformedEventError,
    NotAnEventError,
    OptionError,
    UnknownEventTypeError,
    check_whole,
    shown,
)

__all__ = [
    "MAX_BYTES",
    "Command",
    "Event",
    "Message",
    "checked_copy",
    "class_for",
    "decode",
    "encode",
    "is_event",
    "known_class",
    "require_event",
    "type_name",
    "type_names",
]

MAX_BYTES = 1_000_000  # the default limit of Kafka's message.max.bytes and of most brokers, rounded
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REGISTRY: dict[str, type[Any]] = {}


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Event(msgspec.Struct, frozen=True):
    """The base of all events: something that happened. Any number of handlers may react.

    Its type name is the class name in snake_case. Defining a class again (a notebook cell that is run twice)
    replaces the old one under the same name.

    >>> class OrderPlaced(Event):
    ...     order_id: str
    >>> OrderPlaced("12345")
    OrderPlaced(order_id='12345')
    >>> type_name(OrderPlaced)
    'order_placed'
    """

    dataversion: ClassVar[int] = 1

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _REGISTRY[type_name(cls)] = cls


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Command(msgspec.Struct, frozen=True):
    """The base of all commands: something that shall be done. Exactly one handler must be there for it."""

    dataversion: ClassVar[int] = 1

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _REGISTRY[type_name(cls)] = cls


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """An event (or command) in its envelope: the attributes of CloudEvents 1.0, and where it came from.

    `time` is in seconds: simulated ones in the lab, which start at 0, Unix time on a live bus. `correlation_id`
    is that of the first message of the story, `causation_id` the id of the message that caused this one.
    `queued_for` is the number of groups that got a copy, where the bus knows it; `stream`, `version` and
    `position` are set by a store. None of these four travels on the wire.
    """

    id: str
    source: str
    type: str
    time: float
    data: Any
    subject: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    dataversion: int = 1
    partitionkey: str | None = None
    queued_for: int | None = None
    stream: str | None = None
    version: int | None = None
    position: int | None = None

    def __repr__(self) -> str:
        head = f"<Message {self.id!r}: {self.type} from {self.source} at {self.time:g} s"
        if self.queued_for is None:
            return head + ">"
        groups = "group" if self.queued_for == 1 else "groups"
        return f"{head}, queued for {self.queued_for} {groups}; their consumers work in bus.run()>"


def type_name(cls: type) -> str:
    """Return the name that a class of events is routed by: its own name in snake_case.

    >>> type_name(type("HTTPRequestSent", (), {}))
    'http_request_sent'
    """
    if not isinstance(cls, type):
        raise NotAnEventError(cls, f"{shown(cls)} is no class of events")
    return _snake(cls.__name__)


@lru_cache(maxsize=65_536)
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def type_names(cls: type) -> Iterator[str]:
    """Yield the type name of a class, then those of the classes that it is derived from, `Event` itself included."""
    for base in cls.__mro__:
        if base in (msgspec.Struct, object):
            return
        yield type_name(base)


def known_class(name: str) -> type[Any] | None:
    """Return the event class of that type name, or None where there is none."""
    return _REGISTRY.get(name)


def class_for(name: str) -> type[Any]:
    """Return the event class of that type name; raise `UnknownEventTypeError` where there is none."""
    if not isinstance(name, str):
        raise OptionError("name", name, "give a type name, such as 'order_placed'")
    cls = known_class(name)
    if cls is None:
        import difflib  # only for the hint

        close = difflib.get_close_matches(name, _REGISTRY, n=1)
        raise UnknownEventTypeError(name, close[0] if close else None)
    return cls


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


def decode(raw: bytes, *, max_bytes: int = MAX_BYTES) -> Message:
    """Read a CloudEvents 1.0 JSON object; its data becomes an instance of the class of its type, where one is known.

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
    cls = _REGISTRY.get(wire.type)
    return Message(
        id=wire.id,
        source=wire.source,
        type=wire.type,
        time=(wire.time - EPOCH).total_seconds() if wire.time is not None else 0.0,
        data=_read(_DECODERS[cls] if cls else _PLAIN, bytes(wire.data), "$.data"),
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


def _read(decoder: msgspec.json.Decoder[Any], raw: bytes, root: str) -> Any:
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
    return MalformedEventError(root + path.removesuffix("`").removeprefix("$") if at else root, reason or str(error))


def is_event(thing: object) -> bool:
    """Whether this is an event: an instance of an `Event` or `Command` class, or of a plain dataclass."""
    return isinstance(thing, (Event, Command)) or hasattr(type(thing), "__dataclass_fields__")


def require_event(given: object) -> None:
    """Raise `NotAnEventError` where something that is no event was handed over as one."""
    if is_event(given):
        return
    if isinstance(given, type):
        what = f"{given.__name__} is a class: publish an instance, as in publish({given.__name__}(...))"
    elif isinstance(given, Message):
        what = f"{shown(given)} is an envelope: publish the event in it, its .data"
    else:
        what = f"{shown(given)} is no event: publish an instance of an Event class, or publish('topic', event)"
    raise NotAnEventError(given, what)
