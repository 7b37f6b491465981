"""Exercise 13-evolve: its histories are what they are said to be, and what a learner sees is the shortest one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from eda_lab import fold
from eda_lab.course import check
from eda_lab.course.exercises import EXERCISES
from eda_lab.course.exercises.evolve_histories import MOST, histories, new_order, shorter, states
from eda_lab.order_history import Order, OrderCancelled, OrderShipped, evolve
from eda_lab.orders import OrderPlaced, PaymentCaptured

right = EXERCISES["13-evolve"].solution


def test_there_are_500_histories_the_shortest_first() -> None:
    lengths = [len(history) for history in histories()]
    assert len(lengths) == MOST == 500
    assert lengths == sorted(lengths)
    assert (lengths[0], lengths[-1] >= 10) == (1, True)
    assert all(isinstance(history[0], OrderPlaced) for history in histories())


def test_they_hold_what_an_answer_may_get_wrong() -> None:
    kinds = Counter(type(event).__name__ for history in histories() for event in history)
    assert len(kinds) == 10
    assert min(kinds.values()) >= 30
    assert sum(sum(isinstance(e, PaymentCaptured) for e in history) > 1 for history in histories()) >= 30


@pytest.mark.parametrize("place", range(0, MOST, 7))
def test_the_right_states_are_those_of_the_shops_own_evolve(place: int) -> None:
    """Two ways to the same order: added up anew for each version, and folded by the library."""
    order = fold(evolve, Order(), histories()[place])
    wanted = states(histories()[place])[-1]
    pieces: Counter[str] = Counter()
    for item in order.items:
        pieces[item.sku] += item.quantity
    assert +pieces == +Counter(wanted["pieces"])
    assert (order.status, order.total_cents, order.paid_cents) == tuple(
        wanted[field] for field in ("status", "total_cents", "paid_cents")
    )


def test_what_is_shorter_could_have_happened() -> None:
    for history in histories()[:200]:
        for less in shorter(history):
            assert len(less) == len(history) - 1
            last = states(less)[-1]
            assert last["paid_cents"] >= 0
            assert min(last["pieces"].values()) >= 0


def test_a_fault_that_needs_four_events_is_shown_with_four() -> None:
    """Of a long history that fails, all that is not needed is left out."""

    def keeps_the_money(order: dict[str, Any], event: Any) -> dict[str, Any]:
        after: dict[str, Any] = right(order, event)
        lost = isinstance(event, OrderCancelled) and order["status"] == "shipped"
        return {**after, "paid_cents": order["paid_cents"]} if lost else after

    verdict = check("13-evolve", keeps_the_money)
    assert verdict.bus is not None
    told = [message.data for message in verdict.bus.trace.messages]
    assert [type(event) for event in told] == [OrderPlaced, PaymentCaptured, OrderShipped, OrderCancelled]
    (letter,) = verdict.bus.dead_letters()
    assert letter.message.data == told[-1]
    assert "after version 4, paid_cents is 3000, not 500" in repr(verdict)


def test_articles_without_pieces_may_have_a_row_or_none() -> None:
    def without(order: dict[str, Any], event: Any) -> dict[str, Any]:
        after: dict[str, Any] = right(order, event)
        return {**after, "pieces": {sku: count for sku, count in after["pieces"].items() if count}}

    assert check("13-evolve", without).passed


def test_what_it_remembers_besides_is_found_at_the_snapshot() -> None:
    seen: dict[int, Any] = {}

    def once_for_each_object(order: dict[str, Any], event: Any) -> dict[str, Any]:
        if seen.get(id(event)) is event:
            return order
        seen[id(event)] = event
        return right(order, event)  # type: ignore[no-any-return]

    assert "it goes on from a snapshot" in [f.what for f in check("13-evolve", once_for_each_object).findings][-1:]


def test_the_order_before_its_first_event_is_new_each_time() -> None:
    assert new_order() == new_order()
    assert new_order()["pieces"] is not new_order()["pieces"]
