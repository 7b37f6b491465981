"""Exercise 13-evolve, its histories: what can have happened to an order, the shortest first, and what it led to.

Some happened under older rules: an order was changed after it was paid, paid in two parts, sent before it was paid. The
events are in the log all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import Any

from eda_lab.events import Event
from eda_lab.order_history import ItemAdded, ItemRemoved, OrderCancelled, OrderShipped
from eda_lab.orders import ConfirmationSent, Item, OrderPlaced, PaymentCaptured

__all__ = ["MOST", "History", "State", "histories", "new_order", "shorter", "states"]

MOST = 500  # histories
LONGEST = 14  # events in one
State = dict[str, Any]
History = tuple[Event, ...]


class ItemWished(Event):
    """An item was put on the wish list, which is no order."""

    order_id: str
    item: Item


class InvoicePrinted(Event):
    """The invoice was printed."""

    order_id: str
    amount_cents: int


class RefundAsked(Event):
    """The customer asked for money, and got none yet."""

    order_id: str
    refund_cents: int
    status: str = "asked"


def new_order() -> State:
    """Return the order before its first event."""
    return {"status": "new", "pieces": {}, "total_cents": 0, "paid_cents": 0}


def _placed(id: str, *items: Item) -> OrderPlaced:
    return OrderPlaced(id, "ADA", items)


BEGINNINGS: tuple[Callable[[str], OrderPlaced], ...] = (
    lambda id: _placed(id, Item("PROD1", 2)),
    lambda id: _placed(id, Item("PROD1", 1), Item("PROD2", 3, 900)),
    lambda id: _placed(id, Item("PROD1", 1, 2500), Item("PROD1", 1, 1900)),
)
# What may come next, of an order that holds these lines, as (sku, price) -> quantity, and so much money.
Next = Callable[[str, dict[tuple[str, int], int], int], Event | None]


def _removed(place: int, all_of_it: bool) -> Next:
    def removed(id: str, lines: dict[tuple[str, int], int], _: int) -> Event | None:
        left = [(line, quantity) for line, quantity in lines.items() if quantity]
        if not left:
            return None
        (sku, cents), quantity = left[place]
        return ItemRemoved(id, Item(sku, quantity if all_of_it else 1, cents))

    return removed


NEXT: tuple[Next, ...] = (
    lambda id, lines, paid: ItemAdded(id, Item("PROD2", 1, 900)),
    lambda id, lines, paid: ItemAdded(id, Item("PROD1", 3, 1900)),  # its price has changed
    _removed(0, all_of_it=False),
    _removed(-1, all_of_it=True),
    lambda id, lines, paid: PaymentCaptured(id, 3000),  # a part of it
    lambda id, lines, paid: OrderShipped(id),
    lambda id, lines, paid: OrderCancelled(id, max(0, paid - 500)),  # the shop keeps a fee
    lambda id, lines, paid: ItemWished(id, Item("PROD3", 1)),
    lambda id, lines, paid: InvoicePrinted(id, 3000),
    lambda id, lines, paid: RefundAsked(id, 1000),
    lambda id, lines, paid: ConfirmationSent(id),
)


def _history(id: str, begin: int, choices: list[int]) -> History:
    events: list[Event] = [BEGINNINGS[begin](id)]
    for choice in choices:
        lines, paid = _counted(events)
        event = NEXT[choice](id, lines, paid)
        if event is not None:
            events.append(event)
    return tuple(events)


def _counted(events: list[Event]) -> tuple[dict[tuple[str, int], int], int]:
    """Return the lines of an order and the money that was paid, by adding up all its events."""
    lines: dict[tuple[str, int], int] = {}
    paid = 0
    for event in events:
        match event:
            case OrderPlaced():
                changes = [(item, 1) for item in event.items]
            case ItemAdded() | ItemRemoved():
                changes = [(event.item, 1 if isinstance(event, ItemAdded) else -1)]
            case _:
                changes = []
        for item, sign in changes:
            line = (item.sku, item.unit_price_cents)
            lines[line] = lines.get(line, 0) + sign * item.quantity
        paid += event.amount_cents if isinstance(event, PaymentCaptured) else 0
        paid -= event.refund_cents if isinstance(event, OrderCancelled) else 0
    return lines, paid


_WORDS = {OrderPlaced: "placed", PaymentCaptured: "paid", OrderShipped: "shipped", OrderCancelled: "cancelled"}


def states(history: History) -> list[State]:
    """Return the order after each event, from all events up to it: no state is carried from one to the next."""
    found = []
    for length in range(1, len(history) + 1):
        lines, paid = _counted(list(history[:length]))
        pieces: dict[str, int] = {}
        for (sku, _), quantity in lines.items():
            pieces[sku] = pieces.get(sku, 0) + quantity
        status = [_WORDS[type(event)] for event in history[:length] if type(event) in _WORDS][-1]
        total = sum(cents * quantity for (_, cents), quantity in lines.items())
        found.append({"status": status, "pieces": pieces, "total_cents": total, "paid_cents": paid})
    return found


@cache
def histories() -> tuple[History, ...]:
    """Return 500 histories, the shortest first: all of up to three events that begin plainly, then those drawn."""
    short = [[], *([a] for a in range(len(NEXT))), *([a, b] for a in range(len(NEXT)) for b in range(len(NEXT)))]
    plain = [_history("12345", 0, choices) for choices in short]
    others = [_history("12345", begin, []) for begin in range(1, len(BEGINNINGS))]
    drawn = [_drawn(seed) for seed in range(MOST - len(plain) - len(others))]
    return tuple(sorted([*plain, *others, *drawn], key=len))


def shorter(history: History) -> Iterator[History]:
    """Yield what is left of a history without one of its events, where that could have happened."""
    for place in range(1, len(history)):
        left = history[:place] + history[place + 1 :]
        counted = [_counted(list(left[:length])) for length in range(1, len(left) + 1)]
        if all(paid >= 0 and min(lines.values()) >= 0 for lines, paid in counted):
            yield left


def _drawn(seed: int) -> History:
    rng = Random(f"evolve/{seed}")
    length = 3 + int(rng.random() * (LONGEST - 3))
    choices = [int(rng.random() * len(NEXT)) for _ in range(length)]
    return _history(str(12345 + seed), int(rng.random() * len(BEGINNINGS)), choices)
