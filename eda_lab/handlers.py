"""What can serve as a handler, and what it may return: the checks that every bus makes when somebody subscribes."""

from __future__ import annotations

import datetime
import dis
import inspect
import sys
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import msgspec

from eda_lab.delivery import Later
from eda_lab.errors import DuplicateNameError, EndlessResultError, HandlerError, HandlerResultError, OptionError, shown
from eda_lab.events import Command, Event, is_event
from eda_lab.roles import is_projector

__all__ = ["Handler", "HandlerSpec", "LabWarning", "caused_by", "checked_name", "examine"]

Handler = Callable[..., Any]

MOST_EVENTS = 10_000  # that one run of a handler may cause
# What asks for the real time, and what takes its place in a handler.
_REAL_TIME: dict[object, str] = {
    time.sleep: "time.sleep() stops everybody; say subscribe(..., takes=seconds)",
    time.time: "time.time() differs from run to run; use delivery.message.time",
    datetime.datetime.now: "datetime.now() differs from run to run; use delivery.message.time",
    datetime.datetime.utcnow: "datetime.utcnow() differs from run to run; use delivery.message.time",
}
_CLOCKS = (time, datetime, datetime.datetime)


class LabWarning(UserWarning):
    """Something works, but not as it is meant to in the lab."""


class HandlerSpec(msgspec.Struct, frozen=True):
    """What a bus has to know of a handler.

    `build` makes the callable for one worker: the handler itself, or a new instance of a consumer class. `real_time`
    says of each call that asks for the real time what to do instead. `projects` says that a replay runs it again.
    """

    name: str
    build: Callable[[], Handler]
    wants_delivery: bool
    is_async: bool
    nameless: bool
    real_time: tuple[str, ...] = ()
    projects: bool = False

    def warn_of_real_time(self) -> None:
        """Warn of calls that have no place on a simulated clock."""
        for warning in self.real_time:
            warnings.warn(warning, LabWarning, stacklevel=_distance_to_caller())

    def chosen_name(self, given: str | None, taken: Collection[str]) -> str:
        """Return the name of a subscription: the given one, or the handler's own, with a number where it has none."""
        if given is not None:
            name = checked_name("name", given)
        elif self.nameless:
            numbered = (f"{self.name.strip('<>')}-{number}" for number in count(len(taken) + 1))
            name = next(name for name in numbered if name not in taken)
        else:
            name = self.name
        if name in taken:
            raise DuplicateNameError(name, "unsubscribe it first, or give another name=")
        return name


def checked_name(option: str, name: Any) -> str:
    """Return the name that was given to something; raise `OptionError` where it cannot serve as one."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise OptionError(option, name, "give a name, as text on one line")
    return name


def examine(handler: Any) -> HandlerSpec:
    """Return what a bus has to know of a handler; raise `HandlerError` where it cannot serve as one."""
    build: Callable[[], Handler]
    target: Any
    if isinstance(handler, type):
        call = getattr(handler, "__call__", None)  # noqa: B004 - what its instances do when they are called
        what = handler.__name__
        if any(base in (Event, Command) for base in handler.__mro__):
            raise HandlerError(handler, f"{what} stands where the function belongs: subscribe({what}, your_function)")
        if not isinstance(call, FunctionType):
            raise HandlerError(handler, f"instances of {what} cannot be called: derive it from Consumer")
        _check_buildable(handler)
        build, target, skip = handler, call, 1
    else:
        if inspect.iscoroutine(handler) or not callable(handler):
            called = inspect.iscoroutine(handler) or handler is None
            hint = "give the function itself, without calling it: no ()" if called else "give a function"
            if inspect.iscoroutine(handler):
                handler.close()  # or Python would warn that nobody awaited it
            raise HandlerError(handler, f"{shown(handler)} cannot be called: {hint}")
        build, target, skip = (lambda: handler), handler, 0
    name = _name(handler)
    function = _function(target)
    is_async = getattr(handler, "is_async", False) is True or inspect.iscoroutinefunction(function)
    if inspect.isasyncgenfunction(function):
        raise HandlerError(handler, f"{name} is an async generator: return the events in a list, yield none")
    wants_delivery = _wants_delivery(handler, name, target, skip)
    real_time = getattr(handler, "real_time", None)  # a consumer class has those of all its methods
    if not isinstance(real_time, tuple):
        real_time = tuple(dict.fromkeys(f"{name}: {instead}" for instead in _real_time_calls(function)))
    nameless = name in ("<lambda>", "partial")
    return HandlerSpec(name, build, wants_delivery, is_async, nameless, real_time, is_projector(handler))


def _check_buildable(cls: type) -> None:
    """Raise `HandlerError` where a class cannot be built without arguments, as each worker builds it."""
    with suppress(ValueError):  # a class written in C does not always tell
        try:
            inspect.signature(cls).bind()
        except TypeError as error:
            hint = "give each a default, or subscribe an instance"
            raise HandlerError(cls, f"{cls.__name__} cannot be built without arguments ({error}): {hint}") from None


def _function(target: Any) -> Any:
    """Return the function behind a method, a partial, or an object that can be called."""
    while isinstance(target, partial):
        target = target.func
    if not isinstance(target, (FunctionType, MethodType, BuiltinFunctionType)):
        target = type(target).__call__
    return getattr(target, "__func__", target)


def _name(handler: Any) -> str:
    if isinstance(handler, MethodType):
        owner = handler.__self__ if isinstance(handler.__self__, type) else type(handler.__self__)
        return f"{owner.__name__}.{handler.__name__}"
    name = getattr(handler, "__name__", None)
    return name if isinstance(name, str) else type(handler).__name__


def _wants_delivery(handler: Any, name: str, target: Any, skip: int) -> bool:
    """Whether the handler takes the delivery as a second argument."""
    try:
        parameters = list(inspect.signature(target).parameters.values())[skip:]
    except (TypeError, ValueError):  # a callable written in C does not always tell; then it gets the event alone
        return False
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_any = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    if not places and not takes_any:
        raise HandlerError(handler, f"{name} takes no argument: a handler receives the event, as in def {name}(event)")
    needed = [p for p in places if p.default is p.empty]
    keywords = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    if len(needed) > 2 or keywords:
        extra = ", ".join([p.name for p in needed[2:]] + keywords)
        raise HandlerError(handler, f"{name} wants more than (event, delivery): nobody gives it {extra}")
    return len(needed) == 2 or (len(places) > 1 and places[1].name == "delivery")


def _real_time_calls(function: Any) -> Iterator[str]:
    """Yield what to do instead of each call for the real time that can be read off the code without running it."""
    if not isinstance(function, FunctionType):
        return
    value: object = None
    for step in dis.get_instructions(function):
        if step.opname == "LOAD_GLOBAL":
            value = function.__globals__.get(step.argval)
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and any(value is clock for clock in _CLOCKS):
            value = getattr(value, step.argval, None)
        else:
            value = None
        if isinstance(value, BuiltinFunctionType) and value in _REAL_TIME:
            yield _REAL_TIME[value]


def _distance_to_caller() -> int:
    """Return the `stacklevel` at which a warning of the function that asks shows the line outside this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"].partition(".")[0] == __package__:
        level, frame = level + 1, frame.f_back
    return level


def caused_by(name: str, result: object) -> list[Any]:
    """Return the events (or `Later`) that a handler returned; raise `HandlerResultError` for anything else.

    An iterable is read to its end: a generator may still fail, and then nothing of it counts. One that yields more
    than `MOST_EVENTS` is taken to have no end, and raises `EndlessResultError`.
    """
    if _can_be_published(result):
        return [result]
    if inspect.iscoroutine(result):
        result.close()  # or Python would warn that nobody awaited it
    no_row = (str, bytes, dict, set, frozenset, type)
    if isinstance(result, no_row) or not isinstance(result, Iterable):
        raise HandlerResultError(name, result)
    events: list[Any] = []
    for event in result:  # one by one: what yields numbers without end is found out at the first of them
        if not _can_be_published(event):
            raise HandlerResultError(name, event)
        if len(events) == MOST_EVENTS:
            raise EndlessResultError(name, MOST_EVENTS)
        events.append(event)
    return events


def _can_be_published(thing: object) -> bool:
    return is_event(thing.event if isinstance(thing, Later) else thing)
