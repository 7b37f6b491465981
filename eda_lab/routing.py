"""Who gets an event: by its class, by the classes it is derived from, by its type name, or by a pattern.

Shared by all buses. What a type is routed to is worked out when it is first published, then kept until somebody
subscribes or leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from fnmatch import fnmatchcase
from typing import Any, Generic, TypeVar

import msgspec

from eda_lab.errors import NotAnEventError, OptionError, shown
from eda_lab.events import Command, Event, Message, is_event, known_class, type_name, type_names

__all__ = ["GroupInfo", "Router", "Watchers", "published_topic", "topics"]

Target = TypeVar("Target", bound=Hashable)


def topics(what: Any) -> tuple[str, ...]:
    """Return the type names and patterns that are meant by what a subscriber asked for.

    That is an event class, a topic ("order_placed"), a pattern ("order_*"), or a tuple or list of such.

    >>> topics("order_*"), topics(("order_placed", "order_cancelled"))
    (('order_*',), ('order_placed', 'order_cancelled'))
    """
    several = what if isinstance(what, (tuple, list)) and what else (what,)
    return tuple(dict.fromkeys(_topic(one) for one in several))


def _topic(what: Any) -> str:
    if isinstance(what, type) and (issubclass(what, (Event, Command)) or hasattr(what, "__dataclass_fields__")):
        return type_name(what)
    if isinstance(what, str):
        return _checked(what)
    hint = "an event class, a topic such as 'order_placed', or a pattern such as 'order_*'"
    if is_event(what):
        hint = f"the class {type(what).__name__}, not an instance of it"
    raise OptionError("what", what, f"give {hint}")


def published_topic(topic: Any) -> str:
    """Return the topic of `publish("topic", event)`; raise an error where nothing can be published under it."""
    if not isinstance(topic, str):
        raise NotAnEventError(topic, f"{shown(topic)} is no topic: say publish('topic', event) or publish(event)")
    if _is_pattern(topic):
        raise OptionError("topic", topic, "a pattern is for subscribers: publish under one topic")
    return _checked(topic)


def _is_pattern(topic: str) -> bool:
    return any(sign in topic for sign in "*?[")


def _checked(topic: str) -> str:
    if not topic.strip() or any(character.isspace() for character in topic):
        better = "".join(topic.split())
        raise OptionError("topic", topic, f"a topic has no spaces{f': did you mean {better!r}?' if better else ''}")
    name = type_name(type(topic, (), {})) if topic.isidentifier() else topic
    if name != topic and known_class(name):
        raise OptionError("topic", topic, f"{topic} is a class: give the class itself, or its topic {name!r}")
    return topic


class Router(Generic[Target]):
    """Holds who listens to what, and answers with targets in the order in which they subscribed, each once."""

    def __init__(self) -> None:
        self._entries: list[tuple[tuple[str, ...], Target]] = []
        self._exact: dict[str, list[int]] = {}
        self._patterns: list[tuple[str, int]] = []

    def add(self, names: tuple[str, ...], target: Target) -> None:
        """Let a target have what these type names and patterns match."""
        self._enter(len(self._entries), names)
        self._entries.append((names, target))

    def _enter(self, place: int, names: Iterable[str]) -> None:
        for name in names:
            if _is_pattern(name):
                self._patterns.append((name, place))
            else:
                self._exact.setdefault(name, []).append(place)

    def remove(self, target: Target) -> None:
        """Forget a target."""
        self._entries = [entry for entry in self._entries if entry[1] != target]
        self._exact, self._patterns = {}, []
        for place, (names, _) in enumerate(self._entries):
            self._enter(place, names)

    def targets(self, key: type | str) -> tuple[Target, ...]:
        """Return the targets for a class of events or a topic; the topic of a known class reaches as far as it."""
        cls = known_class(key) if isinstance(key, str) else key
        names = [str(key)] if cls is None else list(type_names(cls))
        places = {place for name in names for place in self._exact.get(name, ())}
        places.update(place for pattern, place in self._patterns if fnmatchcase(names[0], pattern))
        return tuple(dict.fromkeys(self._entries[place][1] for place in sorted(places)))


class GroupInfo(msgspec.Struct, frozen=True):
    """What a picture needs to know of a group: its name, what it listens to, its handlers and its workers."""

    name: str
    what: tuple[str, ...]
    handlers: tuple[str, ...]
    workers: int


class Watchers(list[Callable[[Message], object]]):
    """Who sees each message that a bus publishes, before any handler has it."""

    def add(self, watcher: Callable[[Message], object]) -> Callable[[], None]:
        """Let a watcher see what comes; return what ends this."""
        self.append(watcher)
        left = [False]

        def leave() -> None:
            if not left[0]:  # the same watcher may have come once more
                left[0] = True
                self.remove(watcher)

        return leave

    def show(self, message: Message) -> None:
        """Show a message to all; what one raises is raised, and the message may not be handed on."""
        for watcher in tuple(self):
            watcher(message)
