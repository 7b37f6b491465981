"""Exercise 13-evolve: `evolve` takes an order one event further, and does nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding
from eda_lab.course.exercises import evolve_guards, evolve_wrong
from eda_lab.course.exercises.evolve_calls import (
    FIELDS,
    KEPT,
    KNOWN,
    SAME,
    SNAPSHOT,
    TAKES,
    UNKNOWN,
    WHOLE,
    Evolve,
    FaultError,
    bare,
    called,
    check_whole,
)
from eda_lab.course.exercises.evolve_histories import (
    MOST,
    History,
    State,
    histories,
    moved,
    new_order,
    shorter,
    states,
    too_large,
)
from eda_lab.course.exercises.stand_ins import kind_fault
from eda_lab.course.order_loads import event_in_words
from eda_lab.order_history import ItemAdded, ItemRemoved, OrderCancelled, OrderShipped
from eda_lab.orders import OrderPlaced, PaymentCaptured

__all__ = ["EXERCISE"]

ALL = (TAKES, WHOLE, KEPT, SAME, *FIELDS.values(), UNKNOWN, SNAPSHOT)


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


def _smallest(answer: Evolve, history: History, found: FaultError) -> tuple[History, FaultError]:
    """Leave out one event after the other, as long as the answer still fails."""
    while True:
        left = ((less, fault) for less in shorter(history) if (fault := _fault(answer, less)))
        smaller = next(left, None)
        if smaller is None:
            return history, found
        history, found = smaller


def _fault(answer: Evolve, history: History) -> FaultError | None:
    try:
        _fold(answer, history)
    except FaultError as found:
        return found
    return None


def _told(history: History) -> str:
    return "; ".join(f"version {version} is {event_in_words(event)}" for version, event in enumerate(history, 1))


def _fold(answer: Evolve, history: History) -> None:
    """Fold a history, and raise `FaultError` at the first fault. What is right is worked out when all is folded."""
    kept: list[State] = [new_order()]
    then: list[State] = [new_order()]
    for event in history:
        kept.append(_next(answer, kept[-1], event, len(kept)))
        then.append(deepcopy(kept[-1]))
    _check_same(kept, then)
    judged = True
    for version, (event, right) in enumerate(zip(history, states(history), strict=True), 1):
        judged = judged and not too_large(right)
        _compare(kept[version - 1], kept[version], event, right, version, judged)
    _check_kept(answer, history)
    _check_snapshots(answer, history, then)
    _check_same(kept, then)


def _next(answer: Evolve, order: State, event: Any, version: int) -> State:
    """Return the order after an event, having called the answer twice with the same."""
    before, given, told = deepcopy(order), deepcopy(event), f"at version {version}"
    first = called(answer, order, event, told)
    if (order, event) != (before, given):
        was, now = (before, order) if order != before else (given, event)
        raise FaultError(KEPT, f"{told} it was given {was}, and that is now {now}: build a new one from it")
    check_whole(first, told)
    kept = deepcopy(first)
    second = called(answer, deepcopy(before), event, told)
    if first != kept:
        raise FaultError(KEPT, f"{told} it returned {kept}, and a later call made {first} of it")
    if second != first:
        raise FaultError(SAME, f"{told} it was called twice with the same; it returned {first}, and then {second}")
    return first


def _check_kept(answer: Evolve, history: History) -> None:
    """Fold once as a repository does, without a copy, and look at all orders again when it is done."""
    kept: list[State] = [new_order()]
    then: list[State] = [new_order()]
    for version, event in enumerate(history, 1):
        kept.append(called(answer, kept[-1], event, f"at version {version}"))
        then.append(deepcopy(kept[-1]))
    _check_same(kept, then)


def _check_same(kept: list[State], then: list[State]) -> None:
    for version, (now, was) in enumerate(zip(kept, then, strict=True)):
        if now != was:
            raise FaultError(KEPT, f"at version {version} it returned {was}, and a later call made {now} of it")


def _check_snapshots(answer: Evolve, history: History, kept: list[State]) -> None:
    """Go on in the middle, from a copy, and from an order that the answer has not seen before."""
    middle = len(history) // 2
    order = json.loads(json.dumps(kept[middle]))
    for event in history[middle:]:
        order = called(answer, order, event, "from a snapshot", SNAPSHOT)
    if order != kept[-1]:
        what = f"folded from version {middle} on, from a copy, the order ends as {order}, not as {kept[-1]}"
        raise FaultError(SNAPSHOT, f"{what}: all that it remembers must be in the order")
    start, rights = moved(history, middle)
    order = deepcopy(start)
    for event, right in zip(history[middle:], rights, strict=True):
        order = called(answer, order, event, f"from the snapshot {start}", SNAPSHOT)
        check_whole(order, f"from the snapshot {start}")
        if too_large(right):
            return
        if any(bare(order[field]) != bare(right[field]) for field in FIELDS):
            what = f"from the snapshot {start}, {event_in_words(event)} leads to {order}, not to {right}"
            raise FaultError(SNAPSHOT, f"{what}: all that it remembers must be in the order")


def _compare(before: State, order: State, event: Any, right: State, version: int, judged: bool = True) -> None:
    told = f"after version {version}"
    if not isinstance(event, KNOWN) and order != before:
        raise FaultError(UNKNOWN, f"{told}, {before} has become {order}")
    for field, what in FIELDS.items():
        if not judged and field in ("pieces", "total_cents"):
            continue
        mine, wanted = bare(order[field]), bare(right[field])
        if mine != wanted:
            raise FaultError(what, f"{told}, {field} is {mine!r}, not {wanted!r}")


def _played(answer: Evolve, history: History) -> EventBus:
    """Return a bus on which the events of a history came to a consumer that folds them and fails where it is wrong."""
    bus = EventBus(seed=1, source="the stream")
    kept, right, judged = [new_order()], iter(states(history)), [True]

    def your_fold(event: Any) -> None:
        before = kept[-1]
        kept.append(before)  # where it fails, the next event goes on from here
        wanted = next(right)
        judged.append(judged[-1] and not too_large(wanted))
        kept[-1] = _next(answer, before, event, len(kept) - 1)
        _compare(before, kept[-1], event, wanted, len(kept) - 1, judged[-1])

    bus.subscribe("*", your_fold, name="your fold", takes=0.5)
    for second, event in enumerate(history):
        bus.publish(event, at=float(second))
    bus.run()
    return bus


def evolve(order: State, event: Any) -> State:
    def after(order: State, sign: int, *items: Any) -> State:
        pieces, total = dict(order["pieces"]), order["total_cents"]
        for item in items:
            pieces[item.sku] = pieces.get(item.sku, 0) + sign * item.quantity
            total += sign * item.quantity * item.unit_price_cents
        return {**order, "pieces": pieces, "total_cents": total}

    match event:
        case OrderPlaced():
            empty = {"status": "placed", "pieces": {}, "total_cents": 0, "paid_cents": 0}
            return after(empty, 1, *event.items)
        case ItemAdded():
            return after(order, 1, event.item)
        case ItemRemoved():
            return after(order, -1, event.item)
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
        "Removal: pieces[item.sku] = pieces.get(item.sku, 0) - item.quantity, and total_cents goes down by "
        "item.quantity * item.unit_price_cents, the price in the event. A payment adds amount_cents, and a "
        "cancellation takes refund_cents away. End with: return order, for all other events.",
    ),
    solution=evolve,
    wrong=(*evolve_wrong.ANSWERS, *evolve_guards.ANSWERS),
)
