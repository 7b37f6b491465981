"""Upcasters: events that were stored in an older version are read as those of today. The store is never rewritten."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from eda_lab.errors import HandlerError, MalformedEventError, NotAnEventError, OptionError, check_whole, shown
from eda_lab.events import Message, known_class
from eda_lab.routing import published_topic, topics
from eda_lab.sourcing.errors import UpcastError
from eda_lab.wire import read_data

__all__ = ["UPCASTERS", "Upcasters", "upcast", "upcaster"]

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
U = TypeVar("U", bound=Upcaster)


class Upcasters:
    """A set of upcasters: for a type of events and a version, what turns its data into that of the next version.

    >>> from eda_lab.events import Event
    >>> class BasketPaid(Event):
    ...     dataversion = 2
    ...     amount_cents: int
    >>> upcasters = Upcasters()
    >>> @upcasters("basket_paid", from_version=1)
    ... def euros_to_cents(data):
    ...     return {"amount_cents": data["euros"] * 100}
    >>> old = Message(id="1", source="till", type="basket_paid", time=0.0, data={"euros": 7}, dataversion=1)
    >>> [message.data for message in upcasters.upcast([old])]
    [BasketPaid(amount_cents=700)]
    """

    def __init__(self) -> None:
        self._chains: dict[str, dict[int, Upcaster]] = {}

    def __call__(self, what: Any, *, from_version: int) -> Callable[[U], U]:
        """Return a decorator: the function gets the data of that version as a dict, and returns that of the next one.

        `what` is a type name, or a class. A second upcaster for the same type and version takes the place of the first.
        """
        (name,) = topics(what)[:1]
        if isinstance(what, (tuple, list)):
            raise OptionError("what", what, "give one type: another type needs another upcaster")
        published_topic(name)
        check_whole("from_version", from_version, 1)

        def register(function: U) -> U:
            _check_upcaster(function)
            self._chains.setdefault(name, {})[from_version] = function
            return function

        return register

    def functions(self) -> list[tuple[str, int, Upcaster]]:
        """Return all upcasters, each with its type and the version that it starts from, sorted."""
        found = [(name, number, chain[number]) for name, chain in self._chains.items() for number in chain]
        return sorted(found, key=lambda entry: entry[:2])

    def upcast(self, messages: Iterable[Message]) -> Iterator[Message]:
        """Yield messages with their data as events of today; those that are so already are handed on as they are.

        The version of today is that of the class of the type; where there is none, the one that the last upcaster leads
        to, and the data stays a dict. Raises `UpcastError` where the chain of upcasters has a gap, an upcaster fails or
        returns something else than a dict, or the event is newer than its class. Raises `MalformedEventError` where
        what comes out does not fit the class.
        """
        for message in messages:
            if not isinstance(message, Message):
                raise NotAnEventError(message, f"{shown(message)} is no message: upcast what a store reads")
            cls = known_class(message.type)
            if cls is not None and message.dataversion == getattr(cls, "dataversion", 1):
                yield message
            elif cls is None and message.type not in self._chains:
                yield message  # nobody here knows this type
            else:
                yield self._upcast(message, cls)

    def _upcast(self, message: Message, cls: type[Any] | None) -> Message:
        chain = self._chains.get(message.type, {})
        wanted: int = max(chain) + 1 if cls is None else getattr(cls, "dataversion", 1)
        if message.dataversion > wanted:
            raise UpcastError(message, wanted, "it is newer than this program: use a newer version of the program")
        data: Any = msgspec.to_builtins(message.data)  # a copy: an upcaster may change what it gets
        for number in range(message.dataversion, wanted):
            if number not in chain:
                missing = f"write one with @upcaster({message.type!r}, from_version={number})"
                raise UpcastError(message, wanted, f"no upcaster leads on from version {number}: {missing}")
            data = _applied(chain[number], data, message, number, wanted)
        if cls is not None:
            data = _as_event(message, data)
        return msgspec.structs.replace(message, data=data, dataversion=wanted)


def _applied(function: Upcaster, data: Any, message: Message, number: int, wanted: int) -> dict[str, Any]:
    name = getattr(function, "__name__", type(function).__name__)
    step = f"its upcaster {name} from version {number}"
    try:
        result: Any = function(data)
    except Exception as error:
        reason = f"{step} failed: {type(error).__name__}: {error}"
        raise UpcastError(message, wanted, reason) from error
    if not isinstance(result, dict):
        raise UpcastError(message, wanted, f"{step} returned {shown(result)}: let it return the data as a dict")
    return result


def _as_event(message: Message, data: Any) -> Any:
    try:
        raw = msgspec.json.encode(data)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise MalformedEventError("$.data", f"what an upcaster of {message.type} made is no JSON: {error}") from error
    try:
        return read_data(message.type, raw)
    except MalformedEventError as error:
        where = "" if message.position is None else f" of position {message.position}"
        reason = f"what the upcasters of {message.type} made does not fit its class: {error.reason}"
        raise MalformedEventError(error.path + where, reason) from error


def _check_upcaster(function: Any) -> None:
    """Raise `HandlerError` for what cannot be called with one argument, or would not return before it is awaited."""
    name = getattr(function, "__name__", shown(function))
    if not callable(function):
        raise HandlerError(function, f"{name} cannot be called: put @upcaster(...) above a def")
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise HandlerError(function, f"{name} is no plain function: an upcaster returns a dict at once")
    try:
        inspect.signature(function).bind({})
    except TypeError:
        raise HandlerError(function, f"an upcaster takes the data alone, as in def {name}(data)") from None
    except ValueError:  # a callable written in C does not always tell
        return


UPCASTERS = Upcasters()  # those of this program, which repositories and projections use unless they are given others


def upcaster(what: Any, *, from_version: int) -> Callable[[U], U]:
    """Mark a function as the upcaster of a type of events: from the data of one version, a dict, to that of the next.

    It is used wherever this program reads events to fold them or to project them. Defined again (a notebook cell that
    is run twice), it takes the place of the old one.

    >>> @upcaster("parcel_weighed", from_version=1)
    ... def grams(data):
    ...     return {"grams": data["kilos"] * 1000}
    >>> grams({"kilos": 2})
    {'grams': 2000}
    """
    return UPCASTERS(what, from_version=from_version)


def upcast(messages: Iterable[Message]) -> Iterator[Message]:
    """Yield messages with their data as events of today, by the upcasters of this program: see `Upcasters.upcast`."""
    return UPCASTERS.upcast(messages)
