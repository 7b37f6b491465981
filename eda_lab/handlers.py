"""What can serve as a handler, and what it may return: the checks that every bus makes when somebody subscribes."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable
from types import CodeType, FunctionType, MethodType
from typing import Any

import msgspec

from eda_lab.delivery import Later
from eda_lab.errors import HandlerError, HandlerResultError
from eda_lab.events import Command, Event

__all__ = ["Handler", "HandlerSpec", "LabWarning", "caused_by", "examine"]

Handler = Callable[..., Any]

# What asks for the real time, and what takes its place in a handler.
_REAL_TIME = {
    ("time", "sleep"): "time.sleep() stops everybody; say subscribe(..., takes=seconds)",
    ("time", "time"): "time.time() differs from run to run; use delivery.message.time",
    ("datetime", "now"): "datetime.now() differs from run to run; use delivery.message.time",
    ("datetime", "utcnow"): "datetime.utcnow() differs from run to run; use delivery.message.time",
}


class LabWarning(UserWarning):
    """Something works, but not as it is meant to in the lab."""


class HandlerSpec(msgspec.Struct, frozen=True):
    """What a bus has to know of a handler.

    `build` makes the callable for one worker: the handler itself, or a new instance of a consumer class.
    """

    name: str
    build: Callable[[], Handler]
    wants_delivery: bool
    is_async: bool
    nameless: bool


def examine(handler: Any) -> HandlerSpec:
    """Return what a bus has to know of a handler; raise `HandlerError` where it cannot serve as one."""
    build: Callable[[], Handler]
    target: Any
    if isinstance(handler, type):
        call = getattr(handler, "__call__", None)  # noqa: B004 - what its instances do when they are called
        if not isinstance(call, FunctionType):
            raise HandlerError(handler, f"instances of {handler.__name__} cannot be called: derive it from Consumer")
        build, target, skip = handler, call, 1
    else:
        if inspect.iscoroutine(handler) or not callable(handler):
            called = inspect.iscoroutine(handler) or handler is None
            hint = "give the function itself, without calling it: no ()" if called else "give a function"
            raise HandlerError(handler, f"{handler!r:.60} cannot be called: {hint}")
        build, target, skip = (lambda: handler), handler, 0
    name = _name(handler)
    function = getattr(target, "__func__", target)
    is_async = getattr(handler, "is_async", False) or inspect.iscoroutinefunction(function)
    is_async = is_async or inspect.iscoroutinefunction(getattr(target, "__call__", None))  # noqa: B004 - as above
    if isinstance(function, FunctionType):
        _warn_of_real_time(name, function)
    return HandlerSpec(name, build, _wants_delivery(name, target, skip), is_async, name in ("<lambda>", "partial"))


def _name(handler: Any) -> str:
    if isinstance(handler, MethodType):
        owner = handler.__self__ if isinstance(handler.__self__, type) else type(handler.__self__)
        return f"{owner.__name__}.{handler.__name__}"
    name = getattr(handler, "__name__", None)
    return name if isinstance(name, str) else type(handler).__name__


def _wants_delivery(name: str, target: Any, skip: int) -> bool:
    """Whether the handler takes the delivery as a second argument."""
    try:
        parameters = list(inspect.signature(target).parameters.values())[skip:]
    except (TypeError, ValueError):  # a callable written in C does not always tell; then it gets the event alone
        return False
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_any = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    if not places and not takes_any:
        raise HandlerError(target, f"{name} takes no argument: a handler receives the event, as in def {name}(event)")
    needed = [p for p in places if p.default is p.empty]
    keywords = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    if len(needed) > 2 or keywords:
        extra = ", ".join([p.name for p in needed[2:]] + keywords)
        raise HandlerError(target, f"{name} wants more than (event, delivery): nobody gives it {extra}")
    return len(needed) == 2 or (len(places) > 1 and places[1].name == "delivery")


def _warn_of_real_time(name: str, function: FunctionType) -> None:
    """Warn of calls that ask for the real time, as far as they can be read off the code without running it."""
    code: CodeType = function.__code__
    for (module, attribute), instead in _REAL_TIME.items():
        if attribute not in code.co_names:
            continue
        for used in code.co_names:
            value = function.__globals__.get(used)
            from_module = getattr(value, "__name__", None) == module or getattr(value, "__module__", None) == module
            if value is not None and from_module and (used == attribute or hasattr(value, attribute)):
                warnings.warn(f"{name}: {instead}", LabWarning, stacklevel=5)
                break


def caused_by(name: str, result: object) -> list[Any]:
    """Return the events (or `Later`) that a handler returned; raise `HandlerResultError` for anything else.

    An iterable is read to its end: a generator may still fail, and then nothing of it counts.
    """
    if _is_event(result):
        return [result]
    if isinstance(result, (str, bytes, dict, type)) or not isinstance(result, Iterable):
        raise HandlerResultError(name, result)
    events = list(result)
    for event in events:
        if not _is_event(event):
            raise HandlerResultError(name, event)
    return events


def _is_event(thing: object) -> bool:
    if isinstance(thing, type):
        return False
    if isinstance(thing, Later):
        return _is_event(thing.event) and not isinstance(thing.event, Later)
    return isinstance(thing, (Event, Command)) or hasattr(type(thing), "__dataclass_fields__")
