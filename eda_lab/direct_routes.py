"""Who is called with what on a `DirectBus`: one handler's place on it, and the handlers of one type of events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eda_lab.delivery import Delivery
from eda_lab.events import Message
from eda_lab.handlers import Handler, HandlerSpec
from eda_lab.report import Report

__all__ = ["DirectSubscription", "Route"]


class DirectSubscription:
    """One handler's place on a `DirectBus`; `projects` says whether a replay runs it."""

    def __init__(
        self,
        name: str,
        what: tuple[str, ...],
        spec: HandlerSpec,
        envelope: Callable[[str, Any], Message],
        leave: Callable[[DirectSubscription], None],
    ) -> None:
        self.name, self.what, self.handler, self.projects = name, what, spec.name, spec.projects
        self._call, self._wants_delivery = spec.build(), spec.wants_delivery
        self._envelope, self._leave = envelope, leave

    def call_for(self, type_: str) -> Handler:
        """Return what is called with the events of a type: the handler, with a delivery where it asks for one."""
        if not self._wants_delivery:
            return self._call
        call, name, envelope = self._call, self.name, self._envelope
        return lambda event: call(event, Delivery(envelope(type_, event), name, name, 1))

    def call_with(self, message: Message) -> Any:
        """Call the handler with a message that exists already, and return what it returns."""
        if self._wants_delivery:
            return self._call(message.data, Delivery(message, self.name, self.name, 1))
        return self._call(message.data)

    def unsubscribe(self) -> None:
        """Stop listening."""
        self._leave(self)

    def __repr__(self) -> str:
        return f"<{self.name} listens to {', '.join(self.what)}>"


class Route:
    """Where one type of events goes."""

    __slots__ = ("calls", "name", "report", "subscriptions")

    def __init__(self, name: str, subscriptions: tuple[DirectSubscription, ...]) -> None:
        self.name, self.subscriptions = name, subscriptions
        self.calls = tuple(subscription.call_for(name) for subscription in subscriptions)
        self.report = Report(name, len(subscriptions))
