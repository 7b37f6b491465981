"""Exercise 13-evolve, the wrong answers: each folds some history to another order, or does more than to fold."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from eda_lab.order_history import ItemAdded, ItemRemoved, OrderCancelled, OrderShipped
from eda_lab.orders import OrderPlaced, PaymentCaptured

__all__ = ["ANSWERS", "STATUS", "right"]

State = dict[str, Any]
Evolve = Callable[[State, Any], State]
PRICES = {"PROD1": 2500, "PROD2": 900, "PROD3": 500}  # of today
STATUS: dict[type[Any], str] = {
    OrderPlaced: "placed",
    PaymentCaptured: "paid",
    OrderShipped: "shipped",
    OrderCancelled: "cancelled",
}


def _items(event: Any) -> Any:
    return event.items if isinstance(event, OrderPlaced) else (event.item,)


def _change(order: State, event: Any) -> State:
    """Change the order that is given: right in all else."""
    if isinstance(event, (OrderPlaced, ItemAdded, ItemRemoved)):
        sign = -1 if isinstance(event, ItemRemoved) else 1
        for item in _items(event):
            order["pieces"][item.sku] = order["pieces"].get(item.sku, 0) + sign * item.quantity
            order["total_cents"] += sign * item.quantity * item.unit_price_cents
    if isinstance(event, PaymentCaptured):
        order["paid_cents"] += event.amount_cents
    if isinstance(event, OrderCancelled):
        order["paid_cents"] -= event.refund_cents
    if type(event) in STATUS:
        order["status"] = STATUS[type(event)]
    return order


def right(order: State, event: Any) -> State:
    """Return the order after an event, as it should be."""
    if isinstance(event, OrderPlaced):
        order = {"status": "new", "pieces": {}, "total_cents": 0, "paid_cents": 0}
    return _change(deepcopy(order), event)


def _nothing(order: State, event: Any) -> State:
    return order


def _twice(order: State, event: Any) -> State:
    return right(right(order, event), event)


def _mutates(order: State, event: Any) -> State:
    return _change(order, event)


def _copies_only_the_outside(order: State, event: Any) -> State:
    return _change(dict(order), event)


def _returns_nothing(order: State, event: Any) -> State:
    _change(deepcopy(order), event)
    return None  # type: ignore[return-value]


def _returns_the_changes_alone(order: State, event: Any) -> State:
    after = right(order, event)
    return {field: value for field, value in after.items() if value != order[field]}


def _raises_for_what_it_does_not_know(order: State, event: Any) -> State:
    if not isinstance(event, (*STATUS, ItemAdded, ItemRemoved)):
        raise ValueError(f"unknown event: {event}")
    return right(order, event)


def _starts_anew_at_what_it_does_not_know(order: State, event: Any) -> State:
    known = isinstance(event, (*STATUS, ItemAdded, ItemRemoved))
    return right(order, event) if known else {"status": "new", "pieces": {}, "total_cents": 0, "paid_cents": 0}


def _takes_all_that_has_an_item(order: State, event: Any) -> State:
    if isinstance(event, ItemRemoved) or not hasattr(event, "item"):
        return right(order, event)
    return right(order, ItemAdded(event.order_id, event.item))


def _takes_all_that_has_an_amount(order: State, event: Any) -> State:
    after = right(order, event)
    if not isinstance(event, PaymentCaptured):
        after["paid_cents"] += getattr(event, "amount_cents", 0)
    return after


def _forgets_removal(order: State, event: Any) -> State:
    return order if isinstance(event, ItemRemoved) else right(order, event)


def _removes_the_whole_article(order: State, event: Any) -> State:
    after = right(order, event)
    if isinstance(event, ItemRemoved):
        after["pieces"].pop(event.item.sku, None)
    return after


def _removes_one_piece(order: State, event: Any) -> State:
    after = right(order, event)
    if isinstance(event, ItemRemoved):
        after["pieces"][event.item.sku] = order["pieces"].get(event.item.sku, 0) - 1
    return after


def _the_last_line_of_an_article_counts(order: State, event: Any) -> State:
    after = right(order, event)
    if isinstance(event, (OrderPlaced, ItemAdded)):
        after["pieces"] |= {item.sku: item.quantity for item in _items(event)}
    return after


def _the_price_of_today(order: State, event: Any) -> State:
    after = right(order, event)
    return {**after, "total_cents": sum(PRICES.get(sku, 0) * count for sku, count in after["pieces"].items())}


def _paid_is_the_total(order: State, event: Any) -> State:
    after = right(order, event)
    return {**after, "paid_cents": after["total_cents"]} if isinstance(event, PaymentCaptured) else after


def _the_last_payment_counts(order: State, event: Any) -> State:
    after = right(order, event)
    return {**after, "paid_cents": event.amount_cents} if isinstance(event, PaymentCaptured) else after


def _all_goes_back(order: State, event: Any) -> State:
    after = right(order, event)
    return {**after, "paid_cents": 0} if isinstance(event, OrderCancelled) else after


def _empties_a_cancelled_order(order: State, event: Any) -> State:
    after = right(order, event)
    return {**after, "pieces": {}, "total_cents": 0} if isinstance(event, OrderCancelled) else after


def _refuses_changes_of_a_paid_order(order: State, event: Any) -> State:
    if order["status"] == "paid" and isinstance(event, (ItemAdded, ItemRemoved)):
        raise ValueError("it is paid")
    return right(order, event)


def _ignores_changes_after_shipping(order: State, event: Any) -> State:
    return order if order["status"] == "shipped" else right(order, event)


def _ships_only_what_is_paid(order: State, event: Any) -> State:
    return order if isinstance(event, OrderShipped) and order["status"] != "paid" else right(order, event)


def _swallows_errors(order: State, event: Any) -> State:
    try:
        return _change({**order, "pieces": {}}, event) if isinstance(event, OrderPlaced) else _change(order, event)
    except Exception:  # noqa: BLE001 - it is wrong on purpose
        return order


def _keeps_the_events_too(order: State, event: Any) -> State:
    return {**right(order, event), "events": [*order.get("events", []), event]}


def _skips_an_event_like_the_last() -> Evolve:
    last: list[Any] = [None]

    def skips_an_event_like_the_last(order: State, event: Any) -> State:
        if event == last[0]:
            return order
        last[0] = event
        return right(order, event)

    return skips_an_event_like_the_last


def _keeps_the_order_in_a_variable() -> Evolve:
    kept: list[State] = [{}]

    def keeps_the_order_in_a_variable(order: State, event: Any) -> State:
        kept[0] = right(order if isinstance(event, OrderPlaced) else kept[0], event)
        return kept[0]

    return keeps_the_order_in_a_variable


def _draws_a_discount(order: State, event: Any) -> State:
    after = right(order, event)
    after["total_cents"] -= int(random.random() * 100)
    return after


ANSWERS = (
    _nothing,
    _twice,
    _mutates,
    _copies_only_the_outside,
    _returns_nothing,
    _returns_the_changes_alone,
    _raises_for_what_it_does_not_know,
    _starts_anew_at_what_it_does_not_know,
    _takes_all_that_has_an_item,
    _takes_all_that_has_an_amount,
    _forgets_removal,
    _removes_the_whole_article,
    _removes_one_piece,
    _the_last_line_of_an_article_counts,
    _the_price_of_today,
    _paid_is_the_total,
    _the_last_payment_counts,
    _all_goes_back,
    _empties_a_cancelled_order,
    _refuses_changes_of_a_paid_order,
    _ignores_changes_after_shipping,
    _ships_only_what_is_paid,
    _swallows_errors,
    _keeps_the_events_too,
    _skips_an_event_like_the_last(),
    _keeps_the_order_in_a_variable(),
    _draws_a_discount,
)
