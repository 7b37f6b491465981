"""Exercise 13-evolve, its calls: one call of the learner's `evolve`, what it raised and what it returned, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eda_lab.attempt import describe
from eda_lab.course import guard
from eda_lab.course.exercises.evolve_histories import State, new_order
from eda_lab.errors import EdaLabError, shown
from eda_lab.order_history import ItemAdded, ItemRemoved, OrderCancelled, OrderShipped
from eda_lab.orders import OrderPlaced, PaymentCaptured

__all__ = [
    "FIELDS",
    "KEPT",
    "KNOWN",
    "SAME",
    "SNAPSHOT",
    "TAKES",
    "UNKNOWN",
    "WHOLE",
    "Evolve",
    "FaultError",
    "bare",
    "called",
    "check_whole",
]

Evolve = Callable[[State, Any], State]
FIELDS = {
    "status": "the status is that of the last event that sets it",
    "pieces": "the pieces of each article are right",
    "total_cents": "the total is right: what each piece cost when it came in",
    "paid_cents": "the money is right: what was paid, without what went back",
}
KNOWN = (OrderPlaced, ItemAdded, ItemRemoved, PaymentCaptured, OrderShipped, OrderCancelled)
WHOLE = "it returns the order with its four fields, and nothing else"
KEPT = "it changes neither an order nor an event: not what it is given, nor what it returned before"
SAME = "the same order and the same event lead to the same result"
TAKES = "it takes what has happened, and raises nothing"
UNKNOWN = "an event that it does not know leaves the order as it is"
SNAPSHOT = "it goes on from a snapshot"


class FaultError(EdaLabError):
    """What an answer did wrong: the finding that it belongs to, and what was seen.

    Attributes: `finding`, `seen`.
    """

    def __init__(self, finding: str, seen: str) -> None:
        super().__init__(seen)
        self.finding, self.seen = finding, seen


def called(answer: Evolve, order: State, event: Any, told: str, finding: str = "") -> State:
    """Return what an answer makes of an order and an event; raise `FaultError` where it raises.

    The fault is about `finding`; without one it is about what an event of this type may lead to.
    """
    try:
        return answer(order, event)
    except BaseException as error:
        place = error.__traceback__
        while place and place.tb_next:
            place = place.tb_next
        end = place.tb_frame.f_code.co_filename if place else ""
        if isinstance(error, KeyboardInterrupt) and end == guard.__file__:
            raise  # of the user, or of the time limit
        if isinstance(error, TypeError) and error.__traceback__ and error.__traceback__.tb_next is None:
            raise  # it takes other arguments
        known = isinstance(event, KNOWN)
        seen = f"{told} it raised {describe(error)}{_line(answer, error)}: {_advice(error, event, known)}"
        raise FaultError(finding or (TAKES if known else UNKNOWN), seen) from error


def _advice(error: BaseException, event: Any, known: bool) -> str:
    if not known:
        return "let unknown events pass"
    items = event.items if isinstance(event, OrderPlaced) else [event.item] if hasattr(event, "item") else []
    if isinstance(error, KeyError) and error.args and error.args[0] in [item.sku for item in items]:
        return "is this article new in the order? pieces.get(sku, 0) is 0 for one that is not there"
    if isinstance(error, AttributeError) and isinstance(getattr(error, "obj", None), dict):
        return "here an order is a dict, with fields such as order['status']"
    if isinstance(error, (LookupError, AttributeError, TypeError, NameError)):
        return "this is a mistake in the code, for the event is one that can come"
    return "it has happened, so nothing can refuse it"


def _line(answer: Evolve, error: BaseException) -> str:
    """Return where an error arose, in the learner's own function."""
    code, place = getattr(answer, "__code__", None), error.__traceback__
    while place is not None:
        if place.tb_frame.f_code is code:
            return f", in line {place.tb_lineno - place.tb_frame.f_code.co_firstlineno + 1} of your function"
        place = place.tb_next
    return ""


def check_whole(order: Any, told: str) -> None:
    """Raise where this is no order: a dict of four fields, and of plain values, as a snapshot keeps them."""
    if not isinstance(order, dict):
        why = "does it return the order?" if order is None else "return a dict, with the four fields"
        raise FaultError(WHOLE, f"{told} it returned {shown(order)}: {why}")
    if set(order) != set(new_order()):
        missing, more = sorted(set(new_order()) - set(order)), sorted(map(str, set(order) - set(new_order())))
        what = " and ".join(
            f"{word} {', '.join(names)}" for word, names in (("lacks", missing), ("has also", more)) if names
        )
        raise FaultError(WHOLE, f"{told} it returned an order that {what}")
    if not isinstance(order["pieces"], dict):
        raise FaultError(WHOLE, f"{told}, pieces is {shown(order['pieces'])}: it is a dict, such as {{'PROD1': 2}}")
    numbers = {"total_cents": order["total_cents"], "paid_cents": order["paid_cents"]}
    numbers |= {f"pieces[{sku!r}]": count for sku, count in order["pieces"].items()}
    for name, number in numbers.items():
        if type(number) is not int:
            raise FaultError(WHOLE, f"{told}, {name} is {shown(number)}: all counts and cents are whole numbers")


def bare(value: Any) -> Any:
    """Return a value without the articles of which no piece is left: whether they have a row is all the same.

    >>> bare({"PROD2": 1, "PROD1": 0})
    {'PROD2': 1}
    """
    return {sku: count for sku, count in sorted(value.items()) if count} if isinstance(value, dict) else value
