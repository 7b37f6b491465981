"""Exercise 13-evolve: `evolve` takes an order one event further, and does nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from eda_lab.attempt import describe
from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding
from eda_lab.course.exercises import evolve_wrong
from eda_lab.course.exercises.evolve_histories import (
    MOST,
    History,
    State,
    histories,
    new_order,
    shorter,
    states,
)
from eda_lab.course.exercises.stand_ins import kind_fault
from eda_lab.course.order_loads import event_in_words
from eda_lab.errors import EdaLabError, shown
from eda_lab.order_history import ItemAdded, ItemRemoved, OrderCancelled, OrderShipped
from eda_lab.orders import OrderPlaced, PaymentCaptured

__all__ = ["EXERCISE"]

Evolve = Callable[[State, Any], State]
FIELDS = {
    "status": "the status is that of the last event that sets it",
    "pieces": "the pieces of each article are right",
    "total_cents": "the total is right: what each piece cost when it came in",
    "paid_cents": "the money is right: what was paid, without what went back",
}
KNOWN = (OrderPlaced, ItemAdded, ItemRemoved, PaymentCaptured, OrderShipped, OrderCancelled)
WHOLE = "it returns the order with its four fields, and nothing else"
KEPT = "it changes neither the order nor the event that it is given"
SAME = "the same order and the same event lead to the same result"
TAKES = "it takes what has happened, and raises nothing"
UNKNOWN = "an event that it does not know leaves the order as it is"
SNAPSHOT = "it goes on from a snapshot"
ALL = (TAKES, WHOLE, KEPT, SAME, *FIELDS.values(), UNKNOWN, SNAPSHOT)


class _FaultError(EdaLabError):
    """What an answer did wrong: the finding that it belongs to, and what was seen."""

    def __init__(self, finding: str, seen: str) -> None:
        super().__init__(seen)
        self.finding, self.seen = finding, seen


def examine(answer: Evolve) -> Iterator[Finding | EventBus]:
    """Fold all histories, the shortest first, and report the first on which the answer fails."""
    fault = kind_fault(answer)
    yield Finding("it is a plain function of an order and an event", not fault, fault)
    if fault:
        return
    failed = next(((history, found) for history in histories() if (found := _fault(answer, history))), None)
    if failed is None:
        yield from (Finding(what, True) for what in (*ALL, f"the fold is right at every version of {MOST} histories"))
        return
    history, found = _smallest(answer, *failed)
    yield _played(answer, history)
    yield from (Finding(what, True) for what in ALL[: ALL.index(found.finding)])
    yield Finding(found.finding, False, f"{_told(history)}; {found.seen}")


def _smallest(answer: Evolve, history: History, found: _FaultError) -> tuple[History, _FaultError]:
    """Leave out one event after the other, as long as the answer still fails."""
    while True:
        left = ((less, fault) for less in shorter(history) if (fault := _fault(answer, less)))
        smaller = next(left, None)
        if smaller is None:
            return history, found
        history, found = smaller


def _fault(answer: Evolve, history: History) -> _FaultError | None:
    try:
        _fold(answer, history)
    except _FaultError as found:
        return found
    return None


def _told(history: History) -> str:
    return "; ".join(f"version {version} is {event_in_words(event)}" for version, event in enumerate(history, 1))


def _fold(answer: Evolve, history: History) -> None:
    """Fold a history, and raise `_FaultError` at the first fault. What is right is worked out when all is folded."""
    kept: list[State] = [new_order()]
    for event in history:
        kept.append(_next(answer, kept[-1], event, len(kept)))
    for version, (event, right) in enumerate(zip(history, states(history), strict=True), 1):
        _compare(kept[version - 1], kept[version], event, right, version)
    middle = len(history) // 2
    order = json.loads(json.dumps(kept[middle]))
    for event in history[middle:]:
        order = _called(answer, order, event, "from a snapshot")
    if order != kept[-1]:
        what = f"folded from version {middle} on, from a copy, the order ends as {order}, not as {kept[-1]}"
        raise _FaultError(SNAPSHOT, f"{what}: all that it remembers must be in the order")


def _next(answer: Evolve, order: State, event: Any, version: int) -> State:
    """Return the order after an event, having called the answer twice with the same."""
    before, given, told = deepcopy(order), deepcopy(event), f"at version {version}"
    first = _called(answer, order, event, told)
    if (order, event) != (before, given):
        was, now = (before, order) if order != before else (given, event)
        raise _FaultError(KEPT, f"{told} it was given {was}, and that is now {now}: build a new one from it")
    _check_whole(first, told)
    kept = deepcopy(first)
    second = _called(answer, deepcopy(before), deepcopy(event), told)
    if first != kept:
        raise _FaultError(KEPT, f"{told} it returned {kept}, and a later call made {first} of it")
    if second != first:
        raise _FaultError(SAME, f"{told} it was called twice with the same; it returned {first}, and then {second}")
    return first


def _called(answer: Evolve, order: State, event: Any, told: str) -> State:
    try:
        return answer(order, event)
    except Exception as error:
        if isinstance(error, TypeError) and error.__traceback__ and error.__traceback__.tb_next is None:
            raise  # it takes other arguments
        advice = "it has happened, so nothing can refuse it" if isinstance(event, KNOWN) else "let unknown events pass"
        seen = f"{told} it raised {describe(error)}: {advice}"
        raise _FaultError(TAKES if isinstance(event, KNOWN) else UNKNOWN, seen) from error


def _check_whole(order: Any, told: str) -> None:
    """Raise where this is no order: a dict of four fields, and of plain values, as a snapshot keeps them."""
    if not isinstance(order, dict):
        why = ": does it return the order?" if order is None else ""
        raise _FaultError(WHOLE, f"{told} it returned {shown(order)}{why}")
    if set(order) != set(new_order()):
        missing, more = sorted(set(new_order()) - set(order)), sorted(map(str, set(order) - set(new_order())))
        what = " and ".join(
            f"{word} {', '.join(names)}" for word, names in (("lacks", missing), ("has also", more)) if names
        )
        raise _FaultError(WHOLE, f"{told} it returned an order that {what}")
    numbers = [order["total_cents"], order["paid_cents"]]
    if isinstance(order["pieces"], dict):
        numbers += order["pieces"].values()
    if not isinstance(order["pieces"], dict) or not all(type(number) is int for number in numbers):
        raise _FaultError(
            WHOLE, f"{told} it returned {shown(order)}: pieces is a dict, and all counts and cents are whole numbers"
        )


def _compare(before: State, order: State, event: Any, right: State, version: int) -> None:
    told = f"after version {version}"
    if not isinstance(event, KNOWN) and order != before:
        raise _FaultError(UNKNOWN, f"{told}, {before} has become {order}")
    for field, what in FIELDS.items():
        mine, wanted = _bare(order[field]), _bare(right[field])
        if mine != wanted:
            raise _FaultError(what, f"{told}, {field} is {mine!r}, not {wanted!r}")


def _bare(value: Any) -> Any:
    """Return a value without the articles of which no piece is left: whether they have a row is all the same."""
    return {sku: count for sku, count in sorted(value.items()) if count} if isinstance(value, dict) else value


def _played(answer: Evolve, history: History) -> EventBus:
    """Return a bus on which the events of a history came to a consumer that folds them and fails where it is wrong."""
    bus = EventBus(seed=1, source="the stream")
    kept, right = [new_order()], iter(states(history))

    def your_fold(event: Any) -> None:
        before = kept[-1]
        kept.append(before)  # where it fails, the next event goes on from here
        wanted = next(right)
        kept[-1] = _next(answer, before, event, len(kept) - 1)
        _compare(before, kept[-1], event, wanted, len(kept) - 1)

    bus.subscribe("*", your_fold, name="your fold", takes=0.5)
    for second, event in enumerate(history):
        bus.publish(event, at=float(second))
    bus.run()
    return bus


def evolve(order: State, event: Any) -> State:
    def after(sign: int, *items: Any, **changed: Any) -> State:
        pieces, total = dict(order["pieces"]), order["total_cents"]
        for item in items:
            pieces[item.sku] = pieces.get(item.sku, 0) + sign * item.quantity
            total += sign * item.quantity * item.unit_price_cents
        return {**order, "pieces": pieces, "total_cents": total, **changed}

    match event:
        case OrderPlaced():
            return after(1, *event.items, status="placed")
        case ItemAdded():
            return after(1, event.item)
        case ItemRemoved():
            return after(-1, event.item)
        case PaymentCaptured():
            return {**order, "status": "paid", "paid_cents": order["paid_cents"] + event.amount_cents}
        case OrderShipped():
            return {**order, "status": "shipped"}
        case OrderCancelled():
            return {**order, "status": "cancelled", "paid_cents": order["paid_cents"] - event.refund_cents}
        case _:
            return order


EXERCISE = Exercise(
    name="13-evolve",
    task="Write evolve(order, event): the order after the event. It folds 500 histories to the right order.",
    examine=examine,
    hints=(
        "evolve only copies what the event says. It asks nothing, refuses nothing, and keeps nothing for itself: all "
        "that counts is in its two arguments.",
        'A new order that differs in one field: {**order, "status": "paid"}. For the pieces, copy that dict as well: '
        'pieces = dict(order["pieces"]), then change the copy.',
        "Removal: pieces[item.sku] -= item.quantity, and total_cents goes down by item.quantity * "
        "item.unit_price_cents, the price in the event. A payment adds amount_cents, and a cancellation takes "
        "refund_cents away. End with: return order, for all other events.",
    ),
    solution=evolve,
    wrong=evolve_wrong.ANSWERS,
)
