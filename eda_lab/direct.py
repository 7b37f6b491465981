"""`DirectBus`: the plain bus in the program itself. Handlers run inside `publish`, one after the other.

It is made right where a hand-built one goes wrong: a handler that fails stops nobody else, and is reported.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from operator import length_hint
from typing import TYPE_CHECKING, Any, TypeVar

from eda_lab.attempt import describe, handler_traceback
from eda_lab.delivery import DeadLetter, Later
from eda_lab.direct_routes import DirectSubscription, Route
from eda_lab.errors import CascadeLimitError, CommandRoutingError, HandlerError, OptionError
from eda_lab.events import Command, Message, known_class, require_event, type_name
from eda_lab.handlers import Handler, caused_by, checked_name, examine
from eda_lab.report import Aftermath, Report, cycle, nested
from eda_lab.roles import replay_table
from eda_lab.routing import GroupInfo, Router, Watchers, published_topic, topics

if TYPE_CHECKING:
    from eda_lab.table import Table

__all__ = ["DirectBus", "DirectSubscription"]

CASCADE_LIMIT = 100
FEW = 10  # publishes inside one another, below which a RecursionError is a handler's own
F = TypeVar("F", bound=Callable[..., Any])
_NOTHING: Any = object()


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
        self.source = checked_name("source", source)
        self.failures: list[DeadLetter] = []
        self._router: Router[DirectSubscription] = Router()
        self._subscriptions: dict[str, DirectSubscription] = {}
        self._routes: dict[type, Route] = {}
        self._topics: dict[str, Route] = {}
        self._letters: dict[int, DeadLetter] = {}
        self._watchers = Watchers()
        self._depth = self._published = 0

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
        chosen = spec.chosen_name(name, self._subscriptions)
        subscription = DirectSubscription(chosen, listens, spec, self._message, self._leave)
        self._subscriptions[chosen] = subscription
        self._router.add(listens, subscription)
        self._forget_routes()
        return subscription

    def on(self, what: Any, **options: Any) -> Callable[[F], F]:
        """Subscribe the function below, as a decorator; the function is returned unchanged."""

        def register(handler: F) -> F:
            self.subscribe(what, handler, **options)
            return handler

        return register

    def publish(self, event: Any, data: Any = _NOTHING) -> Report:
        """Hand an event to all its handlers, as `publish(event)` or `publish("topic", event)`; return who failed."""
        try:
            if data is _NOTHING:
                route = self._routes[type(event)]
            else:
                route = self._topics[event]
                event = data
        except (KeyError, TypeError):
            route = self._find(event, data)
            event = event if data is _NOTHING else data
            if self._watchers:
                self._watchers.show(self._message(route.name, event))
        aftermath = None
        calls = iter(route.calls)
        # One pass over an iterator: entering the try costs nothing, and after a failure the loop goes on behind it.
        for call in calls:
            try:
                result = call(event)
                if result is not None:
                    aftermath = self._caused(aftermath, route, length_hint(calls), result)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - it must stop nobody else
                aftermath = self._failed(aftermath, route, length_hint(calls), event, error)
        return route.report if aftermath is None else self._follow(route, aftermath)

    def _caused(self, aftermath: Aftermath | None, route: Route, left: int, result: Any) -> Aftermath:
        """Keep what a handler returned, if it can be published; `left` is the number of handlers behind it."""
        events = caused_by(route.subscriptions[len(route.calls) - left - 1].handler, result)
        for event in events:
            if isinstance(event, Later):
                raise OptionError("later", event.seconds, "a DirectBus has no clock: use an EventBus")
            if type(event) not in self._routes:
                self._find(event, _NOTHING)  # a command that has no handler is the mistake of who returned it
        aftermath = aftermath or Aftermath()
        aftermath.events.extend(events)
        return aftermath

    def _failed(
        self, aftermath: Aftermath | None, route: Route, left: int, event: Any, error: BaseException
    ) -> Aftermath:
        """Record a failure; `left` is the number of handlers behind the one that failed."""
        if isinstance(error, CascadeLimitError):
            raise error
        if isinstance(error, RecursionError) and len(path := nested(DirectBus.publish.__code__)) > FEW:
            raise CascadeLimitError(cycle(path), len(path)) from None
        aftermath = aftermath or Aftermath()
        aftermath.message = message = aftermath.message or self._message(route.name, event)
        aftermath.failures.append(self._keep(message, route.subscriptions[len(route.calls) - left - 1].name, error))
        return aftermath

    def _keep(self, message: Message, name: str, error: BaseException) -> DeadLetter:
        letter = DeadLetter(message, name, 1, time.time(), describe(error), handler_traceback(error))
        self.failures.append(letter)
        self._letters[len(self.failures)] = letter
        return letter

    def _follow(self, route: Route, aftermath: Aftermath) -> Report:
        """Publish what the handlers returned, and report all that failed."""
        failures = aftermath.failures
        self._depth += 1
        try:
            if self._depth > CASCADE_LIMIT:
                raise CascadeLimitError(cycle(nested(DirectBus.publish.__code__)), CASCADE_LIMIT)
            for event in aftermath.events:
                failures.extend(self.publish(event).failures)
        finally:
            self._depth -= 1
        return Report(route.name, len(route.calls), tuple(failures))

    def _find(self, event: Any, data: Any) -> Route:
        if data is _NOTHING:
            require_event(event)
            cls: type | None = type(event)
            name = type_name(type(event))
            route = Route(name, self._router.targets(type(event)))
        else:
            name = published_topic(event)
            cls = known_class(name)
            route = Route(name, self._router.targets(name))
        if cls is not None and issubclass(cls, Command) and len(route.calls) != 1:
            raise CommandRoutingError(name, tuple(subscription.name for subscription in route.subscriptions))
        if not self._watchers:  # or each event is to come past them
            kept: dict[Any, Route] = self._routes if data is _NOTHING else self._topics
            kept[type(event) if data is _NOTHING else name] = route
        return route

    def _message(self, type_: str, event: Any) -> Message:
        self._published += 1
        return Message(id=str(self._published), source=self.source, type=type_, time=time.time(), data=event)

    def watch(self, watcher: Callable[[Message], object]) -> Callable[[], None]:
        """Hand each message that is published to a watcher, before any handler has it; return what ends this.

        A watcher is no handler: what it raises is raised by `publish`, and no handler runs.
        """
        self._forget_routes()
        return self._watchers.add(watcher)

    def replay(self, messages: Iterable[Message], *, side_effects: bool = False) -> Table:
        """Hand messages that were published once to projectors again, and with `side_effects` to all handlers.

        What they return is not published: it was published then. Who fails is in `failures`.
        """
        counts = dict.fromkeys(self._subscriptions.values(), 0)
        for message in messages:
            for subscription in self._router.targets(message.type):
                if subscription.projects or side_effects:
                    counts[subscription] += 1
                    try:
                        subscription.call_with(message)
                    except (Exception, SystemExit) as error:  # noqa: BLE001 - it must stop nobody else
                        self._keep(message, subscription.name, error)
        return replay_table([(s.name, s.projects, count) for s, count in counts.items()], side_effects)

    @property
    def groups(self) -> tuple[GroupInfo, ...]:
        """Who listens, in the order in which they subscribed."""
        return tuple(GroupInfo(s.name, s.what, (s.handler,), 1) for s in self._subscriptions.values())

    @property
    def sources(self) -> tuple[str, ...]:
        """Who publishes."""
        return (self.source,)

    def settle(self, timeout: float = math.inf) -> None:
        """Wait until nothing is left to do, as other buses need to: here all is done when `publish` returns."""

    def dead_letters(self, group: str | None = None) -> list[DeadLetter]:
        """Return what failed and was not redriven: of one handler, or of all."""
        if group is not None:
            self._check_group(group, [letter.group for letter in self._letters.values()])
        return [letter for letter in self._letters.values() if group in (None, letter.group)]

    def redrive(self, group: str, where: Callable[[DeadLetter], bool] | None = None) -> int:
        """Hand the failed events of a handler to it again, or those for which `where` is true; return how many."""
        self._check_group(group, [])
        chosen = [k for k, d in self._letters.items() if d.group == group and (where is None or where(d))]
        for key in chosen:
            message = self._letters[key].message
            route, event = Route(message.type, (self._subscriptions[group],)), message.data
            aftermath = Aftermath(message)
            try:
                result = route.calls[0](event)
                if result is not None:
                    self._caused(aftermath, route, 0, result)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - it must stop nobody else
                self._failed(aftermath, route, 0, event, error)
            del self._letters[key]
            self._follow(route, aftermath)
        return len(chosen)

    def _check_group(self, group: Any, more: list[str]) -> None:
        known = dict.fromkeys([*self._subscriptions, *more])
        if not isinstance(group, str) or group not in known:
            raise OptionError("group", group, f"give one of {', '.join(known) or 'the handlers, once there are any'}")

    def _forget_routes(self) -> None:
        self._routes.clear()
        self._topics.clear()

    def _leave(self, subscription: DirectSubscription) -> None:
        if self._subscriptions.get(subscription.name) is subscription:
            del self._subscriptions[subscription.name]
        self._router.remove(subscription)
        self._forget_routes()
