"""What an answer is handed in place of a bus or a card provider: a front that can do no more than is asked for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.effects import CardProvider, Charge
from eda_lab.errors import EdaLabError
from eda_lab.events import Message

__all__ = ["BusFront", "CardFront", "NotingBus", "in_new_process", "kind_fault"]

BESIDES = {"subscribe", "on", "process", "run", "step", "settle", "redrive"}


def kind_fault(answer: Any) -> str:
    """Return why a function cannot be called like a plain one; empty if it can.

    >>> async def announce(bus, sale): ...
    >>> kind_fault(announce)
    'it is an async def, so a call does not run it: write a plain def'
    """
    if inspect.iscoroutinefunction(answer):
        return "it is an async def, so a call does not run it: write a plain def"
    if inspect.isgeneratorfunction(answer) or inspect.isasyncgenfunction(answer):
        return "it yields, so a call does not run it: leave out yield"
    return ""


def in_new_process(answer: Callable[..., Any], number: int, asked: set[str]) -> Callable[..., Any]:
    """Return a function as another process has it: there `hash` and `id` give other numbers, as Python's own do.

    (Python's data model, `object.__hash__`: the hashes of texts are salted anew for each process.) So it is for the
    functions that stand beside it, which it may call. The names of those two that it does call go into `asked`.

    >>> def key(order): return hash(order)
    >>> in_new_process(key, 1, set())("7") == in_new_process(key, 2, set())("7")
    False
    """
    if not isinstance(answer, FunctionType):
        return answer
    around = answer.__globals__

    def salted(name: str, real: Callable[[Any], int]) -> Callable[[Any], int]:
        def other(thing: Any) -> int:
            asked.add(name)
            return hash((number, real(thing)))

        return other

    world = {"hash": salted("hash", hash), "id": salted("id", id), **around}

    def moved(function: FunctionType) -> FunctionType:
        closed = function.__defaults__, function.__closure__
        copy = FunctionType(function.__code__, world, function.__name__, *closed)
        copy.__kwdefaults__ = function.__kwdefaults__
        copy.__dict__.update(function.__dict__)
        return copy

    beside = {name: part for name, part in around.items() if isinstance(part, FunctionType)}
    world.update({name: moved(part) for name, part in beside.items() if part.__globals__ is around})
    return moved(answer)


class NotingBus(EventBus):
    """A bus that notes in `asked`, from `watch` on, what is asked of it besides publishing."""

    def __init__(self) -> None:
        super().__init__(seed=1)
        self.asked: list[str] = []
        self.watching = False

    def __getattribute__(self, name: str) -> Any:
        if name in BESIDES and object.__getattribute__(self, "watching"):
            self.asked.append(name)
        return super().__getattribute__(name)

    def watched(self, answer: Callable[..., Any], *arguments: Any) -> None:
        """Call an answer with this bus, and note what it does."""
        self.watching = True
        try:
            answer(self, *arguments)
        finally:
            self.watching = False


class BusFront:
    """The part of a bus that a service needs: it can listen and publish. It cannot look at what others got."""

    def __init__(self, bus: EventBus) -> None:
        is_open = True

        def subscribe(what: Any, handler: Any, **options: Any) -> Any:
            if not is_open:
                raise EdaLabError("a handler that subscribes adds a queue for each order: subscribe before the day")
            return bus.subscribe(what, handler, **options)

        def on(what: Any, **options: Any) -> Callable[[Any], Any]:
            def register(handler: Any) -> Any:
                subscribe(what, handler, **options)
                return handler

            return register

        def publish(*arguments: Any, **options: Any) -> Message:
            return bus.publish(*arguments, **options)

        def close() -> None:
            nonlocal is_open
            is_open = False

        self.subscribe, self.on, self.publish, self.close = subscribe, on, publish, close
        self.clock = SimpleNamespace(now=bus.clock.now)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"a service has no bus.{name} here, only bus.subscribe, bus.on and bus.publish")


class CardFront:
    """What a service sees of its card provider: it can ask for a charge, and look at nobody's list."""

    __slots__ = ("charge",)
    charge: Callable[..., Charge]

    def __init__(self, card: CardProvider) -> None:
        def charge(order_id: str, amount_cents: int, key: str | None = None) -> Charge:
            return card.charge(order_id, amount_cents, key)

        charge.__qualname__ = "card.charge"  # in what Python says of a call with other arguments
        object.__setattr__(self, "charge", charge)

    def __getattr__(self, name: str) -> Any:
        takes = "card.charge(order_id, amount_cents, key=...)"
        raise EdaLabError(f"the card provider has no card.{name} for you, only {takes}")

    def __setattr__(self, name: str, value: object) -> None:
        raise EdaLabError("the card provider keeps nothing for you: what you remember belongs into your database")
