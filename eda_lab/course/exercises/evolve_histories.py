"""Exercise 13-evolve, its histories: what can have happened to an order, the shortest first, and what it led to.

Some happened under older rules: an order was changed after it was paid, paid in two parts, sent before it was paid,
placed a second time, or paid back more than it was paid. The events are in the log all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import Any

from eda_lab.events import Event
from eda_lab.order_history import ItemAdded, ItemRemoved, OrderCancelled, OrderShipped
from eda_lab.orders import ConfirmationSent, Item, OrderPlaced, PaymentCaptured

__all__ = ["MOST", "History", "State", "histories", "moved", "new_order", "shorter", "states", "too_large"]

MOST = 500  # histories
LONGEST = 16  # events in one
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


def _price(id: str) -> int:
    """Return what a PROD3 costs in an order, which is not the same in all."""
    return 500 + int(id) % 97


def _placed(id: str, *items: Item) -> OrderPlaced:
    return OrderPlaced(id, "ADA", items)


BEGINNINGS: tuple[Callable[[str], OrderPlaced], ...] = (
    lambda id: _placed(id, Item("PROD1", 2)),
    lambda id: _placed(id, Item("PROD1", 1), Item("PROD2", 3, 900)),
    lambda id: _placed(id, Item("PROD1", 1, 2500), Item("PROD1", 1, 1900)),
    lambda id: _placed(id, Item("PROD1", 1), Item("PROD2", 2, 900), Item("PROD3", 1, _price(id))),
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
    lambda id, lines, paid: ItemAdded(id, Item("PROD2", 2, 2100 + _price(id) * len(lines))),  # and changes each time
    _removed(0, all_of_it=False),
    _removed(-1, all_of_it=True),
    lambda id, lines, paid: PaymentCaptured(id, 3000),  # a part of it
    lambda id, lines, paid: OrderShipped(id),
    lambda id, lines, paid: OrderCancelled(id, max(0, paid - 500)),  # the shop keeps a fee
    lambda id, lines, paid: OrderCancelled(id, paid + 700),  # the shop is sorry
    lambda id, lines, paid: _placed(id, Item("PROD2", 1, 900)),  # once more
    lambda id, lines, paid: ItemWished(id, Item("PROD3", 1)),
    lambda id, lines, paid: InvoicePrinted(id, 3000),
    lambda id, lines, paid: RefundAsked(id, 1000),
    lambda id, lines, paid: ConfirmationSent(id),
)
# What did not begin plainly, or ends with more pieces taken out than there are.
ODD: tuple[History, ...] = (
    (PaymentCaptured("12345", 3000), OrderShipped("12345")),
    (OrderShipped("12345"), OrderCancelled("12345", 1000)),
    (OrderCancelled("12345", 1000), PaymentCaptured("12345", 3000)),
    (ItemAdded("12345", Item("PROD2", 1, 900)), PaymentCaptured("12345", 900)),
    (InvoicePrinted("12345", 3000), ItemAdded("12345", Item("PROD2", 1, 1900))),
    (PaymentCaptured("12345", 3000), _placed("12345", Item("PROD1", 2))),
    (ItemAdded("12345", Item("PROD2", 2, 900)), _placed("12345", Item("PROD1", 2))),
    (_placed("12345", Item("PROD1", 2)), ItemRemoved("12345", Item("PROD1", 3))),
    (_placed("12345", Item("PROD1", 2)), ItemRemoved("12345", Item("PROD2", 1, 900))),
    (
        _placed("12345", Item("PROD2", 1, 1900)),
        ItemAdded("12345", Item("PROD2", 1, 2100)),
        ItemRemoved("12345", Item("PROD2", 1, 1900)),
    ),
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
    """Return the lines of an order and the money that was paid, by adding up its events, from its last placing on."""
    lines: dict[tuple[str, int], int] = {}
    paid = 0
    placed = [place for place, event in enumerate(events) if isinstance(event, OrderPlaced)]
    for event in events[placed[-1] if placed else 0 :]:
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
        status = ["new", *(_WORDS[type(event)] for event in history[:length] if type(event) in _WORDS)][-1]
        total = sum(cents * quantity for (_, cents), quantity in lines.items())
        found.append({"status": status, "pieces": pieces, "total_cents": total, "paid_cents": paid})
    return found


def too_large(right: State) -> bool:
    """Whether more pieces were taken out than there were, so that nobody can say what is left."""
    return min(right["pieces"].values(), default=0) < 0


def moved(history: History, place: int) -> tuple[State, list[State]]:
    """Return another order that could have been at a place of a history, and its states after each later event.

    It has had an article more. So it is none that comes up while the history itself is folded.
    """
    other = (*history[:place], ItemAdded("12345", Item("PROD9", 3, 777)))
    return ([new_order(), *states(other)][-1], states((*other, *history[place:]))[len(other) :])


@cache
def histories() -> tuple[History, ...]:
    """Return 500 histories, the shortest first: all of up to three events that begin plainly, then those drawn."""
    short = [[], *([a] for a in range(len(NEXT))), *([a, b] for a in range(len(NEXT)) for b in range(len(NEXT)))]
    plain = [_history("12345", 0, choices) for choices in short]
    others = [_history("12345", begin, []) for begin in range(1, len(BEGINNINGS))]
    drawn = [_drawn(seed) for seed in range(MOST - len(plain) - len(others) - len(ODD))]
    return tuple(sorted([*plain, *others, *ODD, *drawn], key=len))


def shorter(history: History) -> Iterator[History]:
    """Yield what is left of a history without one of its events, where that could have happened."""
    for place in range(1, len(history)):
        left = history[:place] + history[place + 1 :]
        counted = [_counted(list(left[:length])) for length in range(1, len(left))]
        if all(min(lines.values(), default=0) >= 0 for lines, _ in counted):
            yield left


def _drawn(seed: int) -> History:
    rng = Random(f"evolve/{seed}")
    length = 3 + int(rng.random() * (LONGEST - 3))
    choices = [int(rng.random() * len(NEXT)) for _ in range(length)]
    return _history(str(12345 + seed), int(rng.random() * len(BEGINNINGS)), choices)
