"""`DirectBus`: the plain bus in the program itself. Handlers run inside `publish`, one after the other.

It is made right where a hand-built one goes wrong: a handler that fails stops nobody else, and is reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from operator import length_hint
from typing import Any, TypeVar

import msgspec

from eda_lab.attempt import describe, handler_traceback
from eda_lab.delivery import DeadLetter, Delivery, Later
from eda_lab.errors import (
    CascadeLimitError,
    CommandRoutingError,
    DuplicateNameError,
    HandlerError,
    NotAnEventError,
    OptionError,
)
from eda_lab.events import Command, Message, require_event, type_name
from eda_lab.handlers import Handler, caused_by, examine
from eda_lab.routing import GroupInfo, Router, topics

__all__ = ["DirectBus", "DirectSubscription", "Report"]

CASCADE_LIMIT = 100
F = TypeVar("F", bound=Callable[..., Any])
_NOTHING: Any = object()


class Report(msgspec.Struct, frozen=True):
    """What came of one publish: how many handlers ran, and which of them failed, those of caused events included."""

    type: str
    handled: int
    failures: tuple[DeadLetter, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no handler failed."""
        return not self.failures

    def __repr__(self) -> str:
        handlers = "1 handler" if self.handled == 1 else f"{self.handled} handlers"
        failed = "; ".join(f"{failure.group} failed with {failure.error}" for failure in self.failures)
        return f"<{self.type}: {handlers} ran; {failed or 'none failed'}>"


class DirectSubscription:
    """One handler's place on a `DirectBus`."""

    def __init__(self, bus: DirectBus, name: str, what: tuple[str, ...], call: Handler, handler: str) -> None:
        self.name, self.what, self.call, self.handler = name, what, call, handler
        self._bus = bus

    def unsubscribe(self) -> None:
        """Stop listening."""
        self._bus._leave(self)

    def __repr__(self) -> str:
        return f"<{self.name} listens to {', '.join(self.what)}>"


class _Aftermath:
    """What is left to do after an event's handlers ran: report failures, publish what was returned."""

    __slots__ = ("events", "failures")

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.failures: list[DeadLetter] = []


class _Route:
    __slots__ = ("calls", "name", "report", "subscriptions")

    def __init__(self, name: str, subscriptions: tuple[DirectSubscription, ...]) -> None:
        self.name, self.subscriptions = name, subscriptions
        self.calls = tuple(subscription.call for subscription in subscriptions)
        self.report = Report(name, len(subscriptions))


class DirectBus:
    """A bus whose handlers run inside `publish`, in the order in which they subscribed.

    `source` names who publishes. A handler may return events: they are published after all handlers of this one ran.

    >>> bus = DirectBus()
    >>> bus.subscribe("order_placed", lambda order: print("reserve", order["sku"]), name="inventory")
    <inventory listens to order_placed>
    >>> bus.publish("order_placed", {"sku": "PROD1"})
    reserve PROD1
    <order_placed: 1 handler ran; none failed>
    """

    def __init__(self, *, source: str = "checkout") -> None:
        self.source = source
        self.failures: list[DeadLetter] = []
        self._router: Router[DirectSubscription] = Router()
        self._subscriptions: dict[str, DirectSubscription] = {}
        self._routes: dict[type | str, _Route] = {}
        self._letters: list[tuple[DeadLetter, DirectSubscription]] = []
        self._path: list[str] = []
        self._published = 0

    def subscribe(
        self, what: Any, handler: Handler, *, name: str | None = None, **unknown: object
    ) -> DirectSubscription:
        """Let a handler have what `what` names: an event class, a topic, a pattern, or a tuple of such."""
        for option, value in unknown.items():
            raise OptionError(option, value, "a DirectBus has only name=; queues, groups and takes= are EventBus's")
        spec = examine(handler)
        if spec.is_async:
            raise HandlerError(handler, f"{spec.name} is async, and publish cannot wait for it: use an EventBus")
        listens = topics(what)
        chosen = name or spec.name
        if name is None and spec.nameless:
            chosen = f"{chosen.strip('<>')}-{len(self._subscriptions) + 1}"
        if chosen in self._subscriptions:
            raise DuplicateNameError(chosen, "unsubscribe it first, or give another name=")
        call = spec.build()
        if spec.wants_delivery:
            call = self._with_delivery(call, chosen)
        subscription = self._subscriptions[chosen] = DirectSubscription(self, chosen, listens, call, spec.name)
        self._router.add(listens, subscription)
        self._routes.clear()
        return subscription

    def on(self, what: Any, *, name: str | None = None) -> Callable[[F], F]:
        """Subscribe the function below, as a decorator; the function is returned unchanged."""

        def register(handler: F) -> F:
            self.subscribe(what, handler, name=name)
            return handler

        return register

    def publish(self, event: Any, data: Any = _NOTHING) -> Report:
        """Hand an event to all its handlers, as `publish(event)` or `publish("topic", event)`; return who failed."""
        try:
            if data is _NOTHING:
                route = self._routes[type(event)]
            else:
                route = self._routes[event]
                event = data
        except (KeyError, TypeError):
            route = self._find(event, data)
            event = event if data is _NOTHING else data
        aftermath = None
        calls = iter(route.calls)
        # One pass over an iterator: entering the try costs nothing, and after a failure the loop goes on behind it.
        for call in calls:
            try:
                result = call(event)
                if result is not None:
                    aftermath = self._caused(aftermath, route, result)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - it must stop nobody else
                aftermath = self._failed(aftermath, route, length_hint(calls), event, error)
        return route.report if aftermath is None else self._follow(route, aftermath)

    def _caused(self, aftermath: _Aftermath | None, route: _Route, result: Any) -> _Aftermath:
        aftermath = aftermath or _Aftermath()
        aftermath.events.extend(caused_by(f"a handler of {route.name}", result))
        return aftermath

    def _failed(
        self, aftermath: _Aftermath | None, route: _Route, left: int, event: Any, error: BaseException
    ) -> _Aftermath:
        """Record a failure; `left` is the number of handlers behind the one that failed."""
        if isinstance(error, RecursionError):  # handlers that call publish by themselves, round and round
            raise CascadeLimitError((route.name,), 1) from error
        if isinstance(error, CascadeLimitError):
            cycle = error.cycle if route.name in error.cycle else (route.name, *error.cycle)
            raise CascadeLimitError(cycle, error.limit + 1) from None
        subscription = route.subscriptions[len(route.calls) - left - 1]
        message = self._message(route.name, event)
        letter = DeadLetter(message, subscription.name, 1, message.time, describe(error), handler_traceback(error))
        self.failures.append(letter)
        self._letters.append((letter, subscription))
        aftermath = aftermath or _Aftermath()
        aftermath.failures.append(letter)
        return aftermath

    def _follow(self, route: _Route, aftermath: _Aftermath) -> Report:
        """Publish what the handlers returned, and report all that failed."""
        failures = aftermath.failures
        self._path.append(route.name)
        try:
            if len(self._path) > CASCADE_LIMIT:
                raise CascadeLimitError(_cycle(self._path), CASCADE_LIMIT)
            for event in aftermath.events:
                if isinstance(event, Later):
                    raise OptionError("later", event.seconds, "a DirectBus has no clock: use an EventBus")
                failures.extend(self.publish(event).failures)
        finally:
            self._path.pop()
        return Report(route.name, len(route.calls), tuple(failures))

    def _find(self, event: Any, data: Any) -> _Route:
        if data is _NOTHING:
            require_event(event)
            key: type | str = type(event)
            name = type_name(type(event))
        elif isinstance(event, str):
            key = name = topics(event)[0]
        else:
            raise NotAnEventError(event, f"{event!r:.60} is no topic: say publish('topic', event) or publish(event)")
        route = _Route(name, self._router.targets(key))
        if isinstance(key, type) and issubclass(key, Command) and len(route.calls) != 1:
            raise CommandRoutingError(name, tuple(subscription.name for subscription in route.subscriptions))
        self._routes[key] = route
        return route

    def _message(self, type_: str, event: Any) -> Message:
        self._published += 1
        return Message(id=str(self._published), source=self.source, type=type_, time=time.time(), data=event)

    def _with_delivery(self, call: Handler, name: str) -> Handler:
        return lambda event: call(event, Delivery(self._message(type_name(type(event)), event), name, name, 1))

    @property
    def groups(self) -> tuple[GroupInfo, ...]:
        """Who listens, in the order in which they subscribed."""
        return tuple(GroupInfo(s.name, s.what, (s.handler,), 1) for s in self._subscriptions.values())

    @property
    def sources(self) -> tuple[str, ...]:
        """Who publishes."""
        return (self.source,)

    def dead_letters(self, group: str | None = None) -> list[DeadLetter]:
        """Return what failed and was not redriven: of one handler, or of all."""
        return [letter for letter, _ in self._letters if group in (None, letter.group)]

    def redrive(self, group: str, where: Callable[[DeadLetter], bool] | None = None) -> int:
        """Hand the failed events of a handler to it again, or those for which `where` is true; return how many."""
        if group not in self._subscriptions:
            raise OptionError("group", group, f"give one of {', '.join(self._subscriptions)}")
        again = [(d, s) for d, s in self._letters if d.group == group and (where is None or where(d))]
        self._letters = [entry for entry in self._letters if entry not in again]
        for letter, subscription in again:
            route, aftermath, event = _Route(letter.message.type, (subscription,)), _Aftermath(), letter.message.data
            try:
                result = subscription.call(event)
                if result is not None:
                    self._caused(aftermath, route, result)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - it must stop nobody else
                self._failed(aftermath, route, 0, event, error)
            self._follow(route, aftermath)
        return len(again)

    def _leave(self, subscription: DirectSubscription) -> None:
        self._subscriptions.pop(subscription.name, None)
        self._router.remove(subscription)
        self._routes.clear()


def _cycle(path: list[str]) -> tuple[str, ...]:
    """Return the part of a path of type names that repeats at its end."""
    last = path[-1]
    before = len(path) - 2 - path[-2::-1].index(last) if last in path[:-1] else 0
    return tuple(path[before + 1 :])
