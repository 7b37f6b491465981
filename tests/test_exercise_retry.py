"""Exercise 14-retry: more than one retry is right, a wrong one is told its story, and the days are what is promised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eda_lab import WrongExpectedVersionError
from eda_lab.course import check
from eda_lab.course.desks import OrderChanged, items_in_words, open_desks, open_orders
from eda_lab.course.exercises.decide_again import EXERCISE
from eda_lab.course.exercises.retry_days import ID, OTHER, TROUBLES, Day, days, decide
from eda_lab.course.exercises.retry_shift import OrdersFront, played
from eda_lab.errors import EdaLabError
from eda_lab.order_history import AddItem, CancelOrder, Order, OrderRefusedError
from eda_lab.orders import Item

ADD = AddItem(ID, Item("PROD2", 1))
WRONG = {answer.__name__: answer for answer in EXERCISE.wrong}


def recursive(orders: Any, wish: Any, left: int = 5) -> None:
    order = orders.load(wish.order_id)
    try:
        orders.append(wish.order_id, orders.decide(wish, order.state), expected_version=order.version)
    except WrongExpectedVersionError:
        if left == 1:
            raise
        recursive(orders, wish, left - 1)


def keeping_the_last_conflict(orders: Any, wish: Any) -> Any:
    conflict: Exception | None = None
    for _ in range(5):
        order = orders.load(wish.order_id)
        events = orders.decide(wish, order.state)
        try:
            orders.append(wish.order_id, events, order.version)
        except WrongExpectedVersionError as error:
            conflict = error
        else:
            return events
    assert conflict is not None
    raise conflict


def loading_the_version_first(orders: Any, wish: Any) -> Any:
    for left in range(4, -1, -1):
        version = orders.load(wish.order_id).version
        events = orders.decide(wish, orders.load(wish.order_id).state)
        try:
            return orders.append(wish.order_id, events, version)
        except WrongExpectedVersionError:
            if not left:
                raise
    return None


def naming_all_that_it_gives(orders: Any, wish: Any) -> None:
    for left in range(4, -1, -1):
        order = orders.load(order_id=wish.order_id)
        events = orders.decide(wish=wish, state=order.state)
        try:
            orders.append(order_id=wish.order_id, events=events, expected_version=order.version)
            return
        except WrongExpectedVersionError:
            if not left:
                raise


RIGHT = [recursive, keeping_the_last_conflict, loading_the_version_first, naming_all_that_it_gives]


@pytest.mark.parametrize("answer", RIGHT)
def test_another_right_retry_passes(answer: Callable[..., Any]) -> None:
    verdict = check("14-retry", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("_nothing", "returned as if all was well, and saved nothing"),
        ("_twice", "the store saved it at version 8; your function saved it again at 9"),
        ("_any_version", "your function saved order_changed (2 x PROD1, 1 x PROD2)"),
        ("_decides_once", "gave up after 1 conflict, and nothing is saved"),
        ("_for_ever", "tried to save 6 times"),
        ("_sleeps_only", "a version that the order had no longer: load it anew"),
        ("_merges_blindly", "at version 8 this was no longer allowed (it is cancelled)"),
        ("_tries_on_every_error", "they refused it, and your function asked them 5 times"),
        (
            "_tries_when_the_store_does_not_answer",
            "saved it at version 8, and raised ConnectionError: the store does not answer",
        ),
        ("_swallows_every_error", "they refused it, and your function asked them 5 times"),
        ("_looks_behind_the_stage", "orders has no store"),
        ("_hides_what_the_rules_refuse", "cancel it), and your function returned as if it was done"),
        ("_takes_a_refusal_for_a_conflict", "raised a conflict, and there was none: the rules refused it"),
        ("_raises_its_own_error_at_the_end", "the fifth conflict must come out as it is; your function raised"),
        ("_makes_the_last_conflict_up", "the fifth conflict must come out as it is; your function raised"),
        ("_raises_another_error", "your function raised another error instead, KeyError"),
        (
            "_goes_on_when_the_load_fails",
            "orders.load raised ConnectionError: the store does not answer; your function",
        ),
    ],
)
def test_a_wrong_retry_is_told_its_story(name: str, seen: str) -> None:
    assert seen in repr(check("14-retry", WRONG[name]))


def test_the_smallest_day_is_played_with_both_clerks() -> None:
    verdict = check("14-retry", WRONG["_any_version"])
    assert verdict.bus is not None
    assert verdict.bus.trace.sources == ("you", "Ben")
    assert [message.type for message in verdict.bus.trace.messages] == ["form_opened", "order_changed", "order_changed"]


def test_ben_comes_in_between_and_both_changes_are_there() -> None:
    shift, (now,) = played(Day((ADD,), ((3, AddItem(ID, Item("PROD3", 1))),)), EXERCISE.solution)
    assert (now.conflicts, now.attempts, now.raised) == (1, 2, None)
    assert items_in_words(shift.orders.load(ID).state.items) == "2 x PROD1, 1 x PROD3, 1 x PROD2"


def test_what_is_no_longer_allowed_reaches_the_caller() -> None:
    shift, (now,) = played(Day((ADD,), ((3, CancelOrder(ID)),)), EXERCISE.solution)
    assert isinstance(now.raised, OrderRefusedError)
    assert shift.orders.load(ID).state.status == "cancelled"


def test_the_days_hold_every_kind_of_trouble() -> None:
    assert len(days()) > 200  # as the lesson says
    assert days()[0] == Day((ADD,))
    tries = [now for day in days() for now in played(day, EXERCISE.solution)[1]]
    assert {type(now.raised) for now in tries} == {
        type(None),
        OrderRefusedError,
        WrongExpectedVersionError,
        *(type(trouble()) for trouble in TROUBLES.values()),
    }
    assert all(now.raised is now.due for now in tries)
    assert {now.attempts for now in tries} >= {0, 1, 2, 3, 4, 5}


def test_the_rules_of_a_form_save_all_items() -> None:
    order = Order(ID, "USER001", (Item("PROD1", 2),), "placed")
    assert decide(ADD, order) == [OrderChanged(ID, (Item("PROD1", 2), Item("PROD2", 1)))]
    with pytest.raises(OrderRefusedError):
        decide(AddItem(OTHER, Item("PROD2", 1)), order)


def test_the_front_of_the_orders_keeps_nothing() -> None:
    front: Any = OrdersFront()
    with pytest.raises(EdaLabError, match="keeps nothing"):
        front.store = None


def test_a_counter_that_is_kept_is_told_so() -> None:
    left = [1, 2, 3, 4, 5]

    def counting(orders: Any, wish: Any) -> None:
        while left:
            order = orders.load(wish.order_id)
            events = orders.decide(wish, order.state)
            try:
                orders.append(wish.order_id, events, order.version)
                return
            except WrongExpectedVersionError:
                left.pop()
                if not left:
                    raise

    assert "something was kept from an earlier day, such as a counter" in repr(check("14-retry", counting))


def test_a_call_that_does_not_fit_is_named_as_in_the_lesson() -> None:
    assert "orders.load() missing 1 required positional argument: 'order_id'" in repr(check("14-retry", calls_badly))


def calls_badly(orders: Any, _wish: Any) -> None:
    orders.load()


def test_a_save_without_a_version_loses_what_came_in_between() -> None:
    orders = open_orders()

    def save(wish: AddItem) -> OrderChanged:
        changed = OrderChanged(wish.order_id, (Item("PROD1", 8), wish.item))
        orders.store.append("order-12345", changed)
        return changed

    bus, desks = open_desks(orders, save, [(0, "12345", "PROD2"), (1, "12345", "PROD3")])
    bus.run()
    assert desks.done == desks.done | {"changes in the orders": 1, "changes lost": 1, "saves refused": 0}
