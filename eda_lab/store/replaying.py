"""Who gets what is in a store: handlers that hear of each append, handlers and buses that get it again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from typing import Any, Protocol

from eda_lab.attempt import describe, handler_traceback
from eda_lab.delivery import DeadLetter, Delivery
from eda_lab.errors import HandlerError, OptionError
from eda_lab.events import Message
from eda_lab.handlers import Handler, checked_name, examine
from eda_lab.roles import is_projector, replay_table
from eda_lab.routing import Router, topics
from eda_lab.table import Table

__all__ = ["Bus", "Listener", "Listeners", "replay", "stream_namer"]


class Bus(Protocol):
    """What a bus must offer to be recorded and replayed."""

    source: str

    def watch(self, watcher: Callable[[Message], object]) -> Callable[[], None]:
        """Hand each message that is published to a watcher, before any handler has it; return what ends this."""

    def replay(self, messages: Iterable[Message], *, side_effects: bool = False) -> Table:
        """Hand messages to the projectors again, and with `side_effects` to all handlers."""


class Listener:
    """A handler that hears of what a store appends."""

    def __init__(self, listeners: Listeners, name: str, what: tuple[str, ...], call: Callable[[Message], Any]) -> None:
        self.name, self.what, self.call = name, what, call
        self._listeners = listeners

    def unsubscribe(self) -> None:
        """Stop listening."""
        self._listeners.remove(self)

    def __repr__(self) -> str:
        return f"<{self.name} listens to {', '.join(self.what)}>"


class Listeners:
    """The handlers that hear of what a store appends, in the order of the positions, each message once."""

    def __init__(self) -> None:
        self.failures: list[DeadLetter] = []
        self._router: Router[Listener] = Router()
        self._names: dict[str, Listener] = {}
        self._news: deque[Iterator[Message]] = deque()
        self._turn = Lock()

    def __bool__(self) -> bool:
        return bool(self._names)

    def add(self, handler: Handler, types: Any, name: str | None) -> Listener:
        """Let a handler have what is appended from now on."""
        what = ("*",) if types is None else topics(types)
        chosen, call = _call(handler, name, self._names)
        listener = self._names[chosen] = Listener(self, chosen, what, call)
        self._router.add(what, listener)
        return listener

    def remove(self, listener: Listener) -> None:
        """Forget a handler."""
        if self._names.get(listener.name) is listener:
            del self._names[listener.name]
            self._router.remove(listener)

    def announce(self, messages: Iterator[Message]) -> None:
        """Keep what was appended for `tell`; whoever appends calls this in the order of the positions."""
        self._news.append(messages)

    def tell(self) -> None:
        """Hand on what was announced. One thread does it at a time, for all others too; a handler may append."""
        while self._news and self._turn.acquire(blocking=False):
            try:
                while self._news:
                    for message in self._news[0]:  # an iterator: what is broken off goes on at the next append
                        self._hand_on(message)
                    self._news.popleft()
            finally:
                self._turn.release()

    def _hand_on(self, message: Message) -> None:
        for listener in self._router.targets(message.type):
            try:
                if listener.call(message) is not None:
                    hint = "a store publishes nothing; subscribe it to a bus, and record that bus"
                    raise HandlerError(listener, f"{listener.name} returned something: {hint}")
            except (Exception, SystemExit) as error:  # noqa: BLE001 - it must stop nobody else, nor undo the append
                what, where = describe(error), handler_traceback(error)
                self.failures.append(DeadLetter(message, listener.name, 1, message.time, what, where))


def replay(messages: Iterable[Message], target: Any, side_effects: bool) -> Table:
    """Hand messages to a handler or to a bus again; return who got how many of them, and who was left out."""
    if hasattr(target, "watch") and hasattr(target, "replay"):
        table: Table = target.replay(messages, side_effects=side_effects)
        return table
    name, call = _call(target, None, {})
    projects = is_projector(target)
    count = 0
    if projects or side_effects:
        for message in messages:
            call(message)
            count += 1
    return replay_table([(name, projects, count)], side_effects)


def _call(handler: Handler, name: str | None, taken: Any) -> tuple[str, Callable[[Message], Any]]:
    """Return the name of a handler, and what hands a message to it."""
    spec = examine(handler)
    if spec.is_async:
        raise HandlerError(
            handler, f"{spec.name} is async, and a store cannot wait for it: subscribe it to an EventBus"
        )
    chosen, run = spec.chosen_name(name, taken), spec.build()
    if not spec.wants_delivery:
        return chosen, lambda message: run(message.data)
    return chosen, lambda message: run(message.data, Delivery(message, chosen, chosen, 1))


def stream_namer(stream: Any, bus: Any) -> Callable[[Message], str]:
    """Return what names the stream of each message of a bus: a function that was given, a name, or the bus's source."""
    if not callable(getattr(bus, "watch", None)):
        raise OptionError("bus", bus, "give an EventBus or a DirectBus")
    if stream is None:
        stream = bus.source
    if callable(stream):
        chosen: Callable[[Message], str] = stream
        return chosen
    name = checked_name("stream", stream)
    return lambda _: name
