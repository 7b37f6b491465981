"""Consumers with a memory of their own: a class with a method for each kind of event it listens to."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from eda_lab.delivery import Delivery
from eda_lab.errors import HandlerError, shown
from eda_lab.handlers import examine
from eda_lab.routing import Router, topics

__all__ = ["Consumer", "handles"]

F = TypeVar("F", bound=Callable[..., Any])


def handles(what: Any) -> Callable[[F], F]:
    """Mark a method of a `Consumer` as the handler of an event class, a topic, a pattern, or a tuple of such."""
    names = topics(what)

    def mark(method: F) -> F:
        if not inspect.isfunction(method):
            raise HandlerError(method, f"{shown(method)} is no method: put @handles(...) right above its def")
        method.__dict__["eda_topics"] = names
        return method

    return mark


class Consumer:
    """The base of consumers. A bus builds one for each worker, and anew after a crash: then its memory is empty.

    >>> class Analytics(Consumer):
    ...     def __init__(self):
    ...         self.orders = 0
    ...     @handles("order_placed")
    ...     def count(self, order):
    ...         self.orders += 1
    >>> Analytics.listens_to
    ('order_placed',)
    """

    listens_to: ClassVar[tuple[str, ...]] = ()
    is_async: ClassVar[bool] = False
    real_time: ClassVar[tuple[str, ...]] = ()
    _router: ClassVar[Router[tuple[str, bool]]] = Router()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._router = Router()
        marked = [(n, m) for n, m in inspect.getmembers(cls, inspect.isfunction) if "eda_topics" in m.__dict__]
        cls.real_time = ()
        for name, method in sorted(marked, key=lambda entry: entry[1].__code__.co_firstlineno):
            spec = examine(method.__get__(cls))  # without self, as the handler that it will be
            cls._router.add(method.__dict__["eda_topics"], (name, spec.wants_delivery))
            cls.real_time += spec.real_time
        cls.listens_to = tuple(dict.fromkeys(topic for _, method in marked for topic in method.__dict__["eda_topics"]))
        cls.is_async = any(inspect.iscoroutinefunction(method) for _, method in marked)

    def __call__(self, event: Any, delivery: Delivery) -> Any:
        """Hand an event to the method that handles its type."""
        targets = self._router.targets(delivery.message.type) or self._router.targets(type(event))
        if not targets:
            missing = f"@handles({delivery.message.type!r})"
            raise HandlerError(self, f"{type(self).__name__} has no method for it: mark one with {missing}")
        name, wants_delivery = targets[0]
        method = getattr(self, name)
        return method(event, delivery) if wants_delivery else method(event)
