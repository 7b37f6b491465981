"""Events and commands, and the envelope that they travel in. `wire` writes it as JSON and reads it back.

An event is a fact in the past tense, immutable, and known by its type name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar, dataclass_transform

import msgspec

from eda_lab.errors import NotAnEventError, OptionError, UnknownEventTypeError, shown

__all__ = [
    "Command",
    "Event",
    "Message",
    "class_for",
    "is_event",
    "known_class",
    "require_event",
    "type_name",
    "type_names",
]

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
