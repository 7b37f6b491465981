"""An order that is kept as a stream, for the lesson on event sourcing: its events and state in words, and its loads."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import zip_longest
from typing import Any

from eda_lab.errors import check_whole
from eda_lab.events import Command, type_name
from eda_lab.order_history import ItemAdded, ItemRemoved, Order, OrderCancelled, OrderRefusedError, decide, evolve
from eda_lab.orders import Item, OrderPlaced, PaymentCaptured
from eda_lab.sourcing import Repository
from eda_lab.table import Table
from eda_lab.trace import Trace

__all__ = ["OrderLoads", "answers", "event_in_words", "order_in_words"]

_KEPT, _WRONG, _MOST = "changes kept", "versions with a wrong state", "most events read by a load"


def _money(cents: int) -> str:
    return f"{cents / 100:,.2f}"


def _items(items: tuple[Item, ...]) -> str:
    return ", ".join(f"{item.quantity} x {item.sku}" for item in items) or "none"


def event_in_words(event: Any) -> str:
    """Return what an event of an order says, in a line.

    >>> event_in_words(ItemAdded("12345", Item("PROD2", 1, 900))), event_in_words({"wrapped": True})
    ('item_added: 1 x PROD2 at 9.00', "{'wrapped': True}")
    """
    match event:
        case OrderPlaced():
            says = ", ".join(f"{item.quantity} x {item.sku} at {_money(item.unit_price_cents)}" for item in event.items)
        case ItemAdded() | ItemRemoved():
            says = f"{event.item.quantity} x {event.item.sku} at {_money(event.item.unit_price_cents)}"
        case PaymentCaptured():
            says = _money(event.amount_cents)
        case OrderCancelled():
            says = f"{_money(event.refund_cents)} go back"
        case dict():
            return str(event)
        case _:
            says = ""
    return f"{type_name(type(event))}: {says}" if says else type_name(type(event))


def order_in_words(order: Order) -> dict[str, str]:
    """Return the state of an order as words and amounts.

    >>> order_in_words(Order("12345", "USER001", (Item("PROD1", 2),), "placed"))
    {'status': 'placed', 'items': '2 x PROD1', 'total': '50.00', 'paid': '0.00'}
    """
    return {
        "status": order.status,
        "items": _items(order.items),
        "total": _money(order.total_cents),
        "paid": _money(order.paid_cents),
    }


def answers(order: Order, *commands: Command) -> Table:
    """Return what `decide` makes of commands that could come now: the events that each leads to, or why not.

    >>> from eda_lab.order_history import PayOrder, ShipOrder
    >>> answers(Order("12345", "USER001", (Item("PROD1", 2),), "placed"), PayOrder("12345"), ShipOrder("12345"))
    if now came  decide says
    -----------  ---------------------------
    pay_order    payment_captured: 50.00
    ship_order   refused, for it is not paid
    """
    return Table(["if now came", "decide says"], [(type_name(type(each)), _answer(order, each)) for each in commands])


def _answer(order: Order, command: Command) -> str:
    try:
        return "; ".join(map(event_in_words, decide(command, order)))
    except OrderRefusedError as refused:
        return f"refused, for {refused.reason}"


class OrderLoads:
    """One order in a repository, as the world of a scenario, which returns it with its bus. It counts what loads read.

    `handle` is the handler of the commands of the order. After each command it loads the order once more; `read` tells
    how many events were read for that, by the number of events that were in the stream. `allowed` is how many the shop
    puts up with. The repository has the `decide` and `evolve` of `eda_lab.order_history`.

    >>> from eda_lab import EventStore
    >>> from eda_lab.order_history import PlaceOrder
    >>> desk = OrderLoads(Repository(EventStore(), decide, evolve, Order()), "12345", allowed=9)
    >>> _ = desk.handle(PlaceOrder("12345", "USER001", (Item("PROD1", 2),)))
    >>> desk.events, desk.read
    (['order_placed: 2 x PROD1 at 25.00'], {0: 0, 1: 1})
    """

    def __init__(self, repository: Repository, order_id: str, allowed: int) -> None:
        check_whole("allowed", allowed)
        self.repository, self.order_id, self.allowed = repository, order_id, allowed
        self.read: dict[int, int] = {0: 0}
        self._handled: list[Command] = []

    def handle(self, command: Command) -> tuple[Any, ...]:
        """Change the order, load it again, and return the events of the change."""
        self._handled.append(command)
        events = self.repository.handle(self.order_id, command).events
        loaded = self.repository.load(self.order_id)
        self.read[loaded.version] = loaded.events_read
        return events

    @property
    def events(self) -> list[str]:
        """The events of the order in words, from version 1."""
        return [event_in_words(message.data) for message, _ in self.repository.history(self.order_id)]

    def state(self, version: int) -> dict[str, str]:
        """Return the order as it was at a version, in words."""
        return order_in_words(self.repository.load(self.order_id, version).state)

    @property
    def _beyond(self) -> str:
        return f"events beyond {self.allowed} in one load"

    def needs(self, trace: Trace) -> dict[str, int | None]:
        """Return what the commands in a trace ask for; the longest load is a cost, not a need."""
        asked = [message.data for message in trace.messages if isinstance(message.data, Command)]
        return {_KEPT: len(_states(asked)) - 1, _WRONG: 0, self._beyond: 0, _MOST: None}

    @property
    def done(self) -> dict[str, int]:
        """What was kept, at how many versions the state is another than without a store, and how long loads are."""
        last, true = self.repository.load(self.order_id).version, _states(self._handled)
        loaded = [self.repository.load(self.order_id, version).state for version in range(last + 1)]
        wrong = sum(one != other for one, other in zip_longest(loaded, true))
        most = max(self.read.values())
        return {_KEPT: last, _WRONG: wrong, self._beyond: max(0, most - self.allowed), _MOST: most}


def _states(commands: Iterable[Command]) -> list[Order]:
    """Return the state at each version that commands lead to, by the two functions alone."""
    states = [Order()]
    for command in commands:
        with suppress(OrderRefusedError):
            for event in decide(command, states[-1]):
                states.append(evolve(states[-1], event))
    return states
