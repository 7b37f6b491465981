"""The books of the shop, built from its events alone, and a recovery from a log, for the lesson about event stores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from eda_lab.events import Message
from eda_lab.orders import OrderPlaced, PaymentCaptured, ShippingRequested, StockReserved
from eda_lab.plots import Plot, history
from eda_lab.roles import projector
from eda_lab.shop import Shop
from eda_lab.trace import Trace

__all__ = ["Books", "Recovery"]


class Books:
    """What the shop knows of itself: pieces left, cents taken, orders open. `note` takes in one event.

    >>> from eda_lab import example_order
    >>> books = Books(pieces_left=10)
    >>> books.note(example_order())
    >>> books.note(StockReserved("12345"))
    >>> books
    8 pieces left, 0 cents taken, 1 order open
    """

    def __init__(self, pieces_left: int = 100) -> None:
        self.pieces_left, self.cents_taken = pieces_left, 0
        self.open: dict[str, OrderPlaced] = {}
        self.past = [self.state]

    @projector
    def note(self, event: Any) -> None:
        """Write down what happened; an event of another type changes nothing."""
        if isinstance(event, OrderPlaced):
            self.open[event.order_id] = event
        elif isinstance(event, StockReserved) and event.order_id in self.open:
            self.pieces_left -= sum(item.quantity for item in self.open[event.order_id].items)
        elif isinstance(event, PaymentCaptured):
            self.cents_taken += event.amount_cents
        elif isinstance(event, ShippingRequested):
            self.open.pop(event.order_id, None)
        self.past.append(self.state)

    @property
    def state(self) -> dict[str, int]:
        """The three numbers by their names."""
        return {"pieces left": self.pieces_left, "cents taken": self.cents_taken, "orders open": len(self.open)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Books) and (self.state, self.open) == (other.state, other.open)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        orders = "order" if len(self.open) == 1 else "orders"
        return f"{self.pieces_left:,} pieces left, {self.cents_taken:,} cents taken, {len(self.open)} {orders} open"


class Recovery:
    """A shop and its books after a replay, held against the log, as the world of a scenario.

    `log` is all that is stored, `position` how far it was replayed, `start` from where.
    """

    def __init__(self, log: Iterable[Message], position: int, start: int, books: Books, shop: Shop) -> None:
        self.log, self.books, self.shop = tuple(log), books, shop
        self.position, self.start = min(position, len(self.log)), start
        self.truth = Books(books.past[0]["pieces left"])
        for message in self.log:
            self.truth.note(message.data)

    def needs(self, trace: Trace) -> dict[str, int]:  # noqa: ARG002 - what it needs stands in the log
        """Return the books as they were at that position, and no effect upon the world."""
        return {**self.truth.past[self.position], "e-mails sent again": 0, "cards charged again": 0}

    @property
    def done(self) -> dict[str, int]:
        """The books as they were rebuilt, and what happened to the world meanwhile."""
        again = {"e-mails sent again": len(self.shop.mail.sent), "cards charged again": len(self.shop.card.charges)}
        return {**self.books.state, **again}

    def picture(self) -> Plot:
        """Draw the books over the positions of the log."""
        first = min(self.start - 1, self.position)
        names = self.books.state
        whole = {name: [state[name] for state in self.truth.past] for name in names}
        seen = {name: [state[name] for state in self.books.past] for name in names}
        said = [f"{message.type} of order {message.data.order_id}" for message in self.log]
        return history(whole, seen, first, said)
