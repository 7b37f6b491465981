"""Who is there on the lab's bus, what goes where, and how a message gets in: subscriptions, groups, routes.

`engine` lets things happen on it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any

from eda_lab.clock import Clock, microseconds
from eda_lab.columns import Columns
from eda_lab.delivery import with_id
from eda_lab.errors import CommandRoutingError, OptionError, check_whole
from eda_lab.events import Command, Event, Message, known_class, require_event, type_name
from eda_lab.faults import Faults
from eda_lab.lab.group import Group
from eda_lab.lab.outages import afflict, arrange
from eda_lab.lab.subscription import Subscription, Worker
from eda_lab.routing import Router, Watchers, published_topic
from eda_lab.wire import checked_copy

__all__ = ["NOTHING", "Marks", "Route", "Switchboard", "marked"]

NOTHING: Any = object()
Marks = tuple[str | None, int | None]  # the id that its publisher chose, and the microseconds until it expires


def marked(id: str | None, expires: float | None) -> Marks | None:
    """Return what a publisher asks for one message alone; None where it asks for nothing."""
    if id is None and expires is None:
        return None
    chosen = None if id is None else with_id(id, None).id
    return chosen, None if expires is None else microseconds("expires", expires)


class Route:
    """Where a type of event goes, and whether each is checked against the wire."""

    __slots__ = ("command", "groups", "name", "number", "plain", "wire")

    def __init__(self, name: str, number: int, groups: tuple[Group, ...], wire: bool, command: bool) -> None:
        self.name, self.number, self.groups, self.wire, self.command = name, number, groups, wire, command
        self.plain = not wire and not command


class Switchboard(ABC):
    """The state that the bus and its groups share: clock, columns, seed, faults, and the routes."""

    def __init__(self, seed: object, wire: bool, faults: Faults | None, visibility: float, cascade: int) -> None:
        if faults is not None and not isinstance(faults, Faults):
            raise OptionError("faults", faults, "give Faults, as in Faults(rate=0.1)")
        check_whole("cascade", cascade, 1)
        self.seed, self.faults, self.cascade = seed, faults, cascade
        self.visibility_us = microseconds("visibility", visibility)
        self.clock, self.columns = Clock(), Columns()
        self.router: Router[Group] = Router()
        self.routes: dict[type | str, Route] = {}
        self.groups: dict[str, Group] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.watchers = Watchers()
        self.roots = 0
        self.acts = 0  # how often a process in the foreground has acted, or a run has begun
        self._wire = wire
        if faults is not None:
            arrange(faults, self)

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

    def afflict(self, group: str, worker: Worker) -> None:
        """Let a worker that is new begin as its group stands now: down, or slow."""
        if self.faults is not None:
            afflict(self.faults, group, worker, self.clock.now_us)

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

    def enter(self, route: Route, source: int, cause: int, ordinal: int, event: Any, marks: Marks | None = None) -> int:
        """Write a message down and give each group its copy; return the message's row."""
        columns, now, groups = self.columns, self.clock.now_us, route.groups
        if marks is not None:
            chosen, expires_us = marks
            if chosen is not None:
                columns.ids[len(columns.data)] = chosen
            if expires_us is not None:
                columns.expires[len(columns.data)] = now + expires_us
        row = columns.publish(now, route.number, source, cause, ordinal, event, len(groups))
        if self.watchers:
            try:
                self.watchers.show(columns.envelope(row))
            except BaseException:
                columns.take_back(row)
                raise
        for group in groups:
            group.receive(row, now)
        return row

    def enter_again(self, message: Message, chosen: Collection[str]) -> list[str]:
        """Queue a message that was published once for those of some groups that listen to it; return their names."""
        columns, now = self.columns, self.clock.now_us
        groups = [group for group in self.router.targets(message.type) if group.name in chosen]
        if groups:
            numbers = columns.types.number(message.type), columns.sources.number(message.source)
            row = columns.publish(now, *numbers, -1, 0, message.data, 0)
            columns.ids[row], columns.again[row] = message.id, message
            for group in groups:
                columns.replayed.add(len(columns.message))
                group.receive(row, now)
        return [group.name for group in groups]

    def enter_at(
        self, due: int, key: type | str, source: int, cause: int, ordinal: int, event: Any, marks: Marks | None = None
    ) -> None:
        """Publish at a later microsecond; who listens is found out then."""
        self.clock.at(due, self._enter_now, (key, source, cause, ordinal, event, marks))

    def _enter_now(self, entry: tuple[type | str, int, int, int, Any, Marks | None]) -> None:
        key, *rest = entry
        try:
            self.enter(self.route(key), *rest)
        except BaseException:  # a store that records it has no room: the next run tries again
            self.clock.at(self.clock.now_us, self._enter_now, entry)
            raise

    @abstractmethod
    def prepare(self, row: int, events: list[Any]) -> list[Any]:
        """Check what a handler returned for a delivery, before any of it is published."""

    @abstractmethod
    def publish_caused(self, row: int, ordinal: int, prepared: Any, marks: Marks | None = None) -> None:
        """Publish one of the things that `prepare` returned."""
