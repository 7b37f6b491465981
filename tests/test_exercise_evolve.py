"""Exercise 13-evolve: its histories are what they are said to be, and what a learner sees is the shortest one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from eda_lab import fold
from eda_lab.course import check
from eda_lab.course.exercise import Finding
from eda_lab.course.exercises import EXERCISES
from eda_lab.course.exercises.evolve_histories import MOST, histories, new_order, shorter, states, too_large
from eda_lab.order_history import ItemAdded, Order, OrderCancelled, OrderShipped, evolve
from eda_lab.orders import OrderPlaced, PaymentCaptured

right = EXERCISES["13-evolve"].solution


def failed(answer: Any) -> Finding:
    """Return the one finding that failed."""
    (finding,) = [finding for finding in check("13-evolve", answer).findings if not finding.passed]
    return finding


def test_there_are_500_histories_the_shortest_first() -> None:
    lengths = [len(history) for history in histories()]
    assert len(lengths) == MOST == 500
    assert lengths == sorted(lengths)
    assert (lengths[0], lengths[-1] >= 10) == (1, True)
    assert 5 <= sum(not isinstance(history[0], OrderPlaced) for history in histories()) <= 20


def test_they_hold_what_an_answer_may_get_wrong() -> None:
    kinds = Counter(type(event).__name__ for history in histories() for event in history)
    assert len(kinds) == 10
    assert min(kinds.values()) >= 30
    assert sum(sum(isinstance(e, PaymentCaptured) for e in history) > 1 for history in histories()) >= 30
    assert sum(any(isinstance(e, OrderPlaced) for e in history[1:]) for history in histories()) >= 30
    assert sum(any(state["paid_cents"] < 0 for state in states(history)) for history in histories()) >= 30
    assert sum(any(map(too_large, states(history))) for history in histories()) >= 2


@pytest.mark.parametrize("place", range(MOST))
def test_the_right_states_are_those_of_the_shops_own_evolve(place: int) -> None:
    """Two ways to the same order: added up anew for each version, and folded by the library."""
    order = fold(evolve, Order(), histories()[place])
    wanted = states(histories()[place])[-1]
    if too_large(wanted):
        return  # what is left, nobody can say
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
            assert not any(map(too_large, states(less)[:-1]))


def test_a_fault_that_needs_four_events_is_shown_with_four() -> None:
    """Of a long history that fails, all that is not needed is left out."""

    def keeps_the_money(order: dict[str, Any], event: Any) -> dict[str, Any]:
        after: dict[str, Any] = right(order, event)
        shipped = order["status"] == "shipped" and order["pieces"] and order["paid_cents"] > 0
        lost = isinstance(event, OrderCancelled) and shipped
        return {**after, "paid_cents": order["paid_cents"]} if lost else after

    verdict = check("13-evolve", keeps_the_money)
    assert verdict.bus is not None
    told = [message.data for message in verdict.bus.trace.messages]
    assert [type(event) for event in told] == [OrderPlaced, PaymentCaptured, OrderShipped, OrderCancelled]
    (letter,) = verdict.bus.dead_letters()
    assert letter.message.data == told[-1]
    paid, back = told[1].amount_cents, told[-1].refund_cents
    assert f"after version 4, paid_cents is {paid}, not {paid - back}" in repr(verdict)


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

    assert failed(once_for_each_object).what == "the same order and the same event lead to the same result"


def test_what_it_knows_of_an_order_besides_is_found_at_the_snapshot() -> None:
    known = {repr(new_order())}

    def only_its_own(order: dict[str, Any], event: Any) -> dict[str, Any]:
        after: dict[str, Any] = right(order, event) if repr(order) in known else order
        known.add(repr(after))
        return after

    assert failed(only_its_own).what == "it goes on from a snapshot"


def test_an_article_that_is_new_is_no_refusal() -> None:
    def forgets_get(order: dict[str, Any], event: Any) -> dict[str, Any]:
        if not isinstance(event, ItemAdded):
            return right(order, event)  # type: ignore[no-any-return]
        return {**order, "pieces": {**order["pieces"], event.item.sku: order["pieces"][event.item.sku] + 1}}

    seen = failed(forgets_get).seen
    assert "KeyError: 'PROD2', in line 4 of your function: is this article new in the order?" in seen
    assert "refuse" not in seen


def test_what_is_taken_out_beyond_what_is_there_may_leave_nothing_or_less() -> None:
    def never_below_zero(order: dict[str, Any], event: Any) -> dict[str, Any]:
        after: dict[str, Any] = right(order, event)
        pieces = {sku: max(0, count) for sku, count in after["pieces"].items()}
        return {**after, "pieces": pieces, "total_cents": max(0, after["total_cents"])}

    assert check("13-evolve", never_below_zero).passed


def test_an_order_of_another_kind_and_a_number_that_is_not_whole_are_named() -> None:
    def in_euros(order: dict[str, Any], event: Any) -> dict[str, Any]:
        after: dict[str, Any] = right(order, event)
        return {**after, "paid_cents": float(after["paid_cents"])}

    assert "paid_cents is 0.0: all counts and cents are whole numbers" in failed(in_euros).seen
    assert "return a dict, with the four fields" in failed(evolve).seen


def test_an_interrupt_of_the_learner_is_a_finding_and_one_of_the_user_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupts(order: dict[str, Any], event: Any) -> dict[str, Any]:
        raise KeyboardInterrupt

    def endless(order: dict[str, Any], event: Any) -> dict[str, Any]:
        while True:
            pass

    assert "it raised KeyboardInterrupt, in line 2 of your function" in failed(interrupts).seen
    monkeypatch.setattr("eda_lab.course.examination.LIMIT", 0.2)
    assert failed(endless).what == "the code comes to an end"


def test_the_order_before_its_first_event_is_new_each_time() -> None:
    assert new_order() == new_order()
    assert new_order()["pieces"] is not new_order()["pieces"]
