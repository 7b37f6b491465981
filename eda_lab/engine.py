"""The inside of the lab's bus: how messages get in, from whom and to which groups, and what causes what.

`bus` is its public face, `group` does with a delivery what is to be done.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from eda_lab.clock import Clock, microseconds
from eda_lab.columns import Columns
from eda_lab.delivery import Crashed, Faults, Later
from eda_lab.errors import CascadeLimitError, CommandRoutingError, OptionError
from eda_lab.events import Command, Event, Message, known_class, require_event, type_name
from eda_lab.group import Group
from eda_lab.handlers import LabWarning
from eda_lab.routing import Router, published_topic
from eda_lab.subscription import Subscription, Worker
from eda_lab.wire import checked_copy

__all__ = ["NOTHING", "Engine", "Process", "Route"]

NOTHING: Any = object()


class Route:
    """Where a type of event goes, and whether each is checked against the wire."""

    __slots__ = ("command", "groups", "name", "number", "plain", "wire")

    def __init__(self, name: str, number: int, groups: tuple[Group, ...], wire: bool, command: bool) -> None:
        self.name, self.number, self.groups, self.wire, self.command = name, number, groups, wire, command
        self.plain = not wire and not command


class Process:
    """Something that acts by itself: it yields seconds to wait, or events to publish."""

    __slots__ = ("name", "source", "things")

    def __init__(self, name: str, source: int, things: Iterator[Any]) -> None:
        self.name, self.source, self.things = name, source, iter(things)


class Engine:
    """The state that the bus and its groups share: clock, columns, seed, faults, and the routes."""

    def __init__(self, seed: object, wire: bool, faults: Faults | None, visibility: float, cascade: int) -> None:
        if faults is not None and not isinstance(faults, Faults):
            raise OptionError("faults", faults, "give Faults, as in Faults(rate=0.1)")
        if isinstance(cascade, bool) or not isinstance(cascade, int) or cascade < 1:
            raise OptionError("cascade", cascade, "give a whole number of at least 1")
        self.seed, self.faults, self.cascade = seed, faults, cascade
        self.visibility_us = microseconds("visibility", visibility)
        self.clock, self.columns = Clock(), Columns()
        self.router: Router[Group] = Router()
        self.routes: dict[type | str, Route] = {}
        self.groups: dict[str, Group] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.roots = 0
        self._warned = False
        self._go_on = self.go_on
        self._wire = wire

    def team(self, name: str, what: tuple[str, ...]) -> Group:
        """Return the group of that name, made or reopened where need be; all its members listen to the same."""
        group = self.groups.get(name)
        if group is None or group.closed:
            if group is None:
                group = self.groups[name] = Group(self, name, what)
            group.reopen(what)
            self.router.add(what, group)
        elif group.what != what:
            listens = ", ".join(group.what)
            raise OptionError("group", name, f"this group listens to {listens}, and all its members must")
        return group

    def join(self, group: Group, subscription: Subscription) -> None:
        """Enter a subscription; who gets what is worked out anew."""
        subscription.leave = self._leave
        group.subscriptions.append(subscription)
        self.subscriptions[subscription.name] = subscription
        self.routes.clear()

    def replay(self, group: Group) -> None:
        """Queue for a group what was published before it came, as far as it has not had it."""
        c = self.columns
        had = {message for message, number in zip(c.message, c.group, strict=True) if number == group.number}
        wanted = [group in self.router.targets(name) for name in c.types]
        for message in range(len(c.data)):
            if wanted[c.type_of[message]] and message not in had:
                c.replayed.add(len(c.message))
                group.receive(message, self.clock.now_us)

    def _leave(self, subscription: Subscription) -> None:
        if subscription.left:
            return
        subscription.left = True
        del self.subscriptions[subscription.name]
        group = self.groups[subscription.group.name]
        group.subscriptions.remove(subscription)
        for worker in subscription.workers:
            worker.retire()
            if worker in group.idle:
                group.idle.remove(worker)
        if not group.subscriptions:
            self.router.remove(group)
            self.routes.clear()
            group.close()

    def keyed(self, event: Any, data: Any) -> tuple[type | str, Any]:
        """Return what to route by, and the event, for `publish(event)` and `publish("topic", event)` alike."""
        if data is NOTHING:
            require_event(event)
            return type(event), event
        return published_topic(event), data

    def route(self, key: type | str) -> Route:
        """Return where a class of events or a topic goes."""
        route = self.routes.get(key)
        if route is None:
            name = key if isinstance(key, str) else type_name(key)
            cls = (known_class(key) if isinstance(key, str) else key) or object
            wire = self._wire and isinstance(key, type) and issubclass(cls, (Event, Command))
            number, targets = self.columns.types.number(name), self.router.targets(key)
            route = self.routes[key] = Route(name, number, targets, wire, issubclass(cls, Command))
        return route

    def admitted(self, route: Route, event: Any) -> Any:
        """Return the event as it comes out of a wire; refuse what could not cross one, and homeless commands."""
        if route.command and len(route.groups) != 1:
            raise CommandRoutingError(route.name, tuple(group.name for group in route.groups))
        return checked_copy(event) if route.wire else event

    def enter(self, route: Route, source: int, cause: int, ordinal: int, event: Any) -> int:
        """Write a message down and give each group its copy; return the message's row."""
        columns, now, groups = self.columns, self.clock.now_us, route.groups
        row = columns.publish(now, route.number, source, cause, ordinal, event, len(groups))
        for group in groups:
            group.receive(row, now)
        return row

    def enter_at(self, due: int, key: type | str, source: int, cause: int, ordinal: int, event: Any) -> None:
        """Publish at a later microsecond; who listens is found out then."""
        self.clock.at(due, self._enter_now, (key, source, cause, ordinal, event))

    def _enter_now(self, entry: tuple[type | str, int, int, int, Any]) -> None:
        key, source, cause, ordinal, event = entry
        self.enter(self.route(key), source, cause, ordinal, event)

    def go_on(self, process: Process) -> None:
        """Let a process act until it waits."""
        clock = self.clock
        for thing in process.things:
            if isinstance(thing, (float, int)):
                clock.at(clock.now_us + microseconds(process.name, thing), self._go_on, process)
                return
            route = self.routes.get(type(thing)) or self.route(self.keyed(thing, NOTHING)[0])
            event = thing if route.plain else self.admitted(route, thing)
            self.roots += 1
            self.enter(route, process.source, -1, self.roots, event)
            if clock.breaking:  # it may go on like this for ever, so Ctrl-C comes in between
                clock.ready.appendleft((self.go_on, process))
                raise KeyboardInterrupt

    def prepare(self, row: int, events: list[Any]) -> list[Any]:
        """Check what a handler returned for a delivery, before any of it is published."""
        prepared = []
        for thing in events:
            event, delay_us = (thing.event, round(thing.seconds * 1e6)) if isinstance(thing, Later) else (thing, 0)
            if not delay_us:
                self.check_cascade(row)
            event = self.admitted(self.route(type(event)), event)
            prepared.append((type(event), delay_us, event))
        return prepared

    def publish_caused(self, row: int, ordinal: int, prepared: Any) -> None:
        """Publish one of the things that `prepare` returned."""
        key, delay_us, event = prepared
        source = self.columns.sources.number(self.columns.groups[self.columns.group[row]])
        if delay_us:
            self.enter_at(self.clock.now_us + delay_us, key, source, row, ordinal, event)
        else:
            self.enter(self.route(key), source, row, ordinal, event)

    def publish_inside(self, worker: Worker, key: type | str, event: Any, due: int) -> Message:
        """Publish what a handler handed to `publish` by itself, as caused by what it has in hand."""
        if not self._warned:
            self._warned = True
            what = "return the event instead of calling bus.publish: if the handler fails, nothing of it is published"
            warnings.warn(f"{worker.name}: {what}", LabWarning, stacklevel=3)
        columns = self.columns
        if worker.row < 0:
            raise Crashed("bus.publish")  # by its own hand: it lives no more
        self.check_cascade(worker.row)
        worker.caused += 1
        self.publish_caused(worker.row, worker.caused, (key, due - self.clock.now_us, event))
        cause = columns.envelope(columns.message[worker.row])
        return Message(
            id=columns.caused_id(worker.row, worker.caused),
            source=worker.group.name,
            type=self.route(key).name,
            time=due / 1e6,
            data=event,
            correlation_id=cause.correlation_id,
            causation_id=cause.id,
        )

    def check_cascade(self, row: int) -> None:
        """Raise `CascadeLimitError` where what a delivery causes would be one generation too many.

        A pause begins a new count: what comes back after a while (`later`) is a clock, not a loop.
        """
        c = self.columns
        names = []
        while row >= 0:
            message = c.message[row]
            names.append(c.types[c.type_of[message]])
            row = c.cause[message]
            if len(names) > self.cascade:
                again = names.index(names[0], 1) if names[0] in names[1:] else len(names)
                raise CascadeLimitError(tuple(reversed(names[:again])), self.cascade)
            if row >= 0 and 0 <= c.ended[row] < c.published[message]:
                return
