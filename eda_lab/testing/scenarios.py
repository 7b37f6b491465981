"""What a test of a handler is written with: given what it has seen, when an event comes, then these events follow.

A handler is a function from an event to the events it causes, so such a test needs no bus, no queue and no clock.
`find_failing` tries handlers on a bus, on all that may go wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eda_lab.delivery import Later
from eda_lab.errors import EdaLabError, HandlerError, shown
from eda_lab.events import require_event
from eda_lab.handlers import caused_by, examine
from eda_lab.testing.mishaps import Mishap, Search, find_failing, mishaps

__all__ = ["Case", "ExpectationError", "Mishap", "Search", "find_failing", "given", "mishaps"]


class ExpectationError(EdaLabError, AssertionError):
    """A handler did something else than a test expects.

    Attributes: `expected`, `seen`: the events that should have followed and those that did, or an error and an error.
    """

    def __init__(self, expected: object, seen: object) -> None:
        super().__init__(f"expected {_read(expected)}, and there was {_read(seen)}")
        self.expected, self.seen = expected, seen


class Case:
    """One handler that has seen some events, and what it did at the last of them."""

    def __init__(self, handler: Callable[[Any], Any]) -> None:
        spec = examine(handler)
        if spec.is_async or spec.wants_delivery or isinstance(handler, type):
            raise HandlerError(handler, f"{spec.name} is no plain function of an event: try it on a bus, which waits")
        self._name, self._handler = spec.name, handler
        self._caused: list[Any] = []
        self._error: Exception | None = None  # what it raised, and nobody has asked for
        self._last: Any = ()  # what came of the last event, to be shown

    def when(self, event: Any) -> Case:
        """Hand it an event. What it raises is kept for `fails`; `then`, or another `when`, raises it."""
        self._pass_on()
        require_event(event)
        self._caused = []
        try:
            result = self._handler(event)
            self._caused = [] if result is None else caused_by(self._name, result)
            self._last = tuple(self._caused)
        except Exception as error:  # noqa: BLE001 - whatever it is, the handler has raised it
            self._last = self._error = error
        return self

    def then(self, *events: Any) -> Case:
        """Expect that the last event caused exactly these, in any order; raise `ExpectationError` where it did not.

        `later(30, event)` stands for an event that is to be published 30 s on.
        """
        self._pass_on()
        for event in events:
            require_event(event.event if isinstance(event, Later) else event)
        left = list(self._caused)
        for event in events:
            if event not in left:
                raise ExpectationError(events, tuple(self._caused))
            left.remove(event)
        if left:
            raise ExpectationError(events, tuple(self._caused))
        return self

    def fails(self, error: type[Exception] = Exception) -> Case:
        """Expect that the handler raised such an error; raise `ExpectationError` where it raised none or another."""
        raised, self._error = self._error, None
        if not isinstance(raised, error):
            raise ExpectationError(error, tuple(self._caused) if raised is None else raised) from raised
        return self

    def _pass_on(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def __repr__(self) -> str:
        return f"<Case of {self._name}: {_read(self._last)}>"


def given(handler: Callable[[Any], Any], *events: Any) -> Case:
    """Begin a test of a plain handler, which has seen these events.

    >>> from eda_lab import example_order, later
    >>> from eda_lab.orders import OrderPlaced, PaymentCaptured
    >>> def charge(order):
    ...     return PaymentCaptured(order.order_id, order.total_cents)
    >>> given(charge).when(example_order()).then(PaymentCaptured("12345", 5000))
    <Case of charge: PaymentCaptured(order_id='12345', amount_cents=5000)>
    >>> given(charge).when(example_order()).then()
    Traceback (most recent call last):
    eda_lab.testing.scenarios.ExpectationError: expected nothing, and there was PaymentCaptured(order_id=...

    Raises `HandlerError` for a handler that is no plain function of an event, and what the handler raises.
    """
    case = Case(handler)
    for event in events:
        case.when(event)
    case._pass_on()
    return case


def _read(what: object) -> str:
    if isinstance(what, tuple):
        return " and ".join(map(shown, what)) or "nothing"
    return what.__name__ if isinstance(what, type) else shown(what)
