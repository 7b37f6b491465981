"""Answers to exercise 03-groups: the right one, and wrong ones, each of which must be refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from itertools import cycle
from random import Random
from typing import Any

__all__ = ["WRONG", "GroupBus"]


class GroupBus:
    """The bus of ten lines, with groups."""

    def __init__(self) -> None:
        self.groups: dict[tuple[str, str], list[Callable[[Any], Any]]] = {}

    def subscribe(self, topic: str, handler: Callable[[Any], Any], group: str) -> None:
        """Let a handler stand at the end of its group's line."""
        self.groups.setdefault((topic, group), []).append(handler)

    def publish(self, topic: str, event: Any) -> None:
        """Hand the event to the first in the line of each group, who then goes to the end of it."""
        for (wanted, _), line in self.groups.items():
            if wanted == topic:
                handler = line.pop(0)
                line.append(handler)
                handler(event)


Publish = Callable[[Any, str, Any], None]


def _bus(publish: Publish) -> Callable[[], Any]:
    """Return what builds a bus with this `publish` in place of the right one."""

    @wraps(publish)
    def build() -> Any:
        bus: Any = GroupBus()
        bus.publish = lambda topic, event: publish(bus, topic, event)
        return bus

    return build


def _lines(bus: Any, topic: str) -> list[list[Callable[[Any], Any]]]:
    return [line for (wanted, _), line in bus.groups.items() if wanted == topic]


def _count(bus: Any, key: object = None) -> int:
    counts = vars(bus).setdefault("counts", {})
    counts[key] = counts.get(key, -1) + 1
    return int(counts[key])


@_bus
def _nothing(bus: Any, topic: str, event: Any) -> None:
    pass


@_bus
def _twice(bus: Any, topic: str, event: Any) -> None:
    GroupBus.publish(bus, topic, event)
    GroupBus.publish(bus, topic, event)


@_bus
def _to_every_member(bus: Any, topic: str, event: Any) -> None:
    for line in _lines(bus, topic):
        for handler in line:
            handler(event)


@_bus
def _only_the_first_member(bus: Any, topic: str, event: Any) -> None:
    for line in _lines(bus, topic):
        line[0](event)


@_bus
def _only_one_group(bus: Any, topic: str, event: Any) -> None:
    for line in _lines(bus, topic)[:1]:
        line.append(line.pop(0))
        line[-1](event)


@_bus
def _group_after_group(bus: Any, topic: str, event: Any) -> None:
    lines = _lines(bus, topic)
    if lines:
        lines[_count(bus, topic) % len(lines)][0](event)


@_bus
def _at_random(bus: Any, topic: str, event: Any) -> None:
    for line in _lines(bus, topic):
        Random(event.order_id).choice(line)(event)


@_bus
def _loses_some(bus: Any, topic: str, event: Any) -> None:
    for line in _lines(bus, topic):
        place = _count(bus, id(line)) % (len(line) + 1)
        for handler in line[place : place + 1]:
            handler(event)


@_bus
def _all_topics(bus: Any, topic: str, event: Any) -> None:
    for line in bus.groups.values():
        line.append(line.pop(0))
        line[-1](event)


@_bus
def _one_counter_for_all_groups(bus: Any, topic: str, event: Any) -> None:
    for line in _lines(bus, topic):
        line[_count(bus) % len(line)](event)


@_bus
def _one_counter_for_all_topics(bus: Any, topic: str, event: Any) -> None:
    place = _count(bus)
    for line in _lines(bus, topic):
        line[place % len(line)](event)


@_bus
def _latecomers_starve(bus: Any, topic: str, event: Any) -> None:
    turns = vars(bus).setdefault("turns", {})
    for line in _lines(bus, topic):
        next(turns.setdefault(id(line), cycle(tuple(line))))(event)


@_bus
def _always_one_behind(bus: Any, topic: str, event: Any) -> None:
    kept = vars(bus).setdefault("kept", [])
    kept.append((topic, event))
    if len(kept) > 1:
        GroupBus.publish(bus, *kept.pop(0))


@_bus
def _newest_first(bus: Any, topic: str, event: Any) -> None:
    kept = vars(bus).setdefault("kept", [])
    kept.append((topic, event))
    while len(kept) > 1:
        GroupBus.publish(bus, *kept.pop())


@_bus
def _no_handler_twice(bus: Any, topic: str, event: Any) -> None:
    had: list[Any] = []
    for line in _lines(bus, topic):
        line.append(line.pop(0))
        if line[-1] not in had:
            had.append(line[-1])
            line[-1](event)


@_bus
def _groups_mix_topics(bus: Any, topic: str, event: Any) -> None:
    for group in dict.fromkeys(group for wanted, group in bus.groups if wanted == topic):
        team = [handler for (_, name), line in bus.groups.items() if name == group for handler in line]
        team[_count(bus, group) % len(team)](event)


@_bus
def _swallows_errors(bus: Any, topic: str, event: Any) -> None:
    for line in _lines(bus, topic):
        line.append(line.pop(0))
        with suppress(Exception):
            line[-1](event)


def _one_bus_for_all() -> GroupBus:
    return _ONE


_ONE = GroupBus()

WRONG = (
    _nothing,
    _twice,
    _to_every_member,
    _only_the_first_member,
    _only_one_group,
    _group_after_group,
    _at_random,
    _loses_some,
    _all_topics,
    _one_counter_for_all_groups,
    _one_counter_for_all_topics,
    _latecomers_starve,
    _always_one_behind,
    _newest_first,
    _no_handler_twice,
    _groups_mix_topics,
    _swallows_errors,
    _one_bus_for_all,
)
