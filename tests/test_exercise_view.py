"""Exercise 08-projection: there is more than one right answer, and a wrong one is told its story."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eda_lab import EventStore, Inbox, OrderPlaced, projector
from eda_lab.course import check
from eda_lab.course.exercises import EXERCISES
from eda_lab.course.exercises.view_histories import Played, ViewFront, histories
from eda_lab.course.exercises.view_takings import COUNTS
from eda_lab.course.exercises.view_wrong import ANSWERS, add, day_of, marked
from eda_lab.database import Database
from eda_lab.effects import MailServer
from eda_lab.errors import EdaLabError


def with_the_librarys_inbox(shop: Any) -> Any:
    def count(event: Any, tables: Any, delivery: Any) -> None:
        if isinstance(event, OrderPlaced):
            add(tables, day_of(delivery), event.total_cents)

    return projector(Inbox(shop.db).once(count))


@marked
def by_the_number_of_the_order(shop: Any, event: Any, delivery: Any) -> None:
    if delivery.message.type == "order_placed":
        with shop.db.transaction() as tables:
            if event.order_id not in tables["inbox"]:
                add(tables, day_of(delivery), event.total_cents)
                tables["inbox"][event.order_id] = True


@marked
def added_up_from_what_was_noted(shop: Any, event: Any, delivery: Any) -> None:
    if isinstance(event, OrderPlaced):
        with shop.db.transaction() as tables:
            tables["inbox"][delivery.message.id] = day_of(delivery), event.total_cents
            tables["takings"].clear()
            for day, cents in list(tables["inbox"].values()):
                add(tables, day, cents)


@marked
def a_mark_for_every_event(shop: Any, event: Any, delivery: Any) -> None:
    with shop.db.transaction() as tables:
        if delivery.message.id not in tables["inbox"]:
            tables["inbox"][delivery.message.id] = True
            if isinstance(event, OrderPlaced):
                add(tables, day_of(delivery), event.total_cents)


@pytest.mark.parametrize(
    "answer",
    [with_the_librarys_inbox, by_the_number_of_the_order, added_up_from_what_was_noted, a_mark_for_every_event],
)
def test_another_right_answer_passes(answer: Callable[..., object]) -> None:
    verdict = check("08-projection", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("_forgets_to_return", "end it with: return takings"),
        ("_no_role", "put @projector above its def"),
        ("_mails_the_boss", "a view only writes down"),
        ("_no_inbox", "rebuilt it had day 0: 5000; some events were replayed once more: day 0: 10000"),
        ("_marks_afterwards", "message 1: attempt 1 crashed after db.commit, attempt 2 was acked"),
        ("_marks_by_customer", "a history of 2 orders: orders brought in day 0: 10000; the live view has day 0: 5000"),
        ("_a_set_of_the_module", "your function still remembered the first one, in a variable"),
        (
            "_on_the_nearest_day",
            "orders brought in day 0: 5000, day 3: 5000; the live view has day 1: 5000, day 3: 5000",
        ),
        ("_every_type_with_a_total", "a history of no orders and order_counted: orders brought in nothing"),
        ("_takes_all_for_orders", "voucher_noted came, and it failed: AttributeError"),
        ("_live_only", "the live view has day 0: 5000; rebuilt from event 1 it has nothing"),
        ("_swallows_every_error", "the database down at first"),
        ("_publishes_that_it_counted", "it returned order_counted, and the bus published that"),
    ],
)
def test_a_wrong_answer_is_told_its_story(name: str, seen: str) -> None:
    verdict = check("08-projection", {answer.__name__: answer for answer in (*ANSWERS, *COUNTS)}[name])
    assert seen in repr(verdict)


def test_a_memory_outside_of_the_database_is_found_at_each_check() -> None:
    answer = next(answer for answer in ANSWERS if answer.__name__ == "_a_set_of_the_module")
    first = check("08-projection", answer)
    second = check("08-projection", answer)
    assert "in a variable" in repr(first)
    assert "in a variable" in repr(second)


def test_takings_that_are_no_cents_of_a_day_get_advice() -> None:
    @marked
    def in_euros(shop: Any, event: Any, delivery: Any) -> None:
        with shop.db.transaction() as tables:
            tables["takings"][day_of(delivery)] = 50.0

    assert "its whole number of cents" in repr(check("08-projection", in_euros))


def test_histories_are_sorted_by_how_much_there_is_to_read_at_first() -> None:
    assert len(histories()) == 200  # as the lesson says
    assert str(histories()[0]) == "1 order"
    assert len(set(map(str, histories()))) > 20


def test_a_history_is_rebuilt_from_its_own_record_in_another_database() -> None:
    databases = set()

    def open_view(shop: Any) -> Any:
        databases.add(id(shop.db))
        return EXERCISES["08-projection"].solution(shop)

    history = next(history for history in histories() if len(history.takings) > 1)
    played = Played(history, open_view)
    assert played.live == played.rebuilt == played.again == history.takings
    assert played.later == {**history.takings, 9: 700}
    assert len(databases) == 2


def test_the_front_of_the_shop_keeps_nothing_and_has_no_log() -> None:
    shop: Any = ViewFront(Database(), MailServer())
    with pytest.raises(EdaLabError, match=r"only shop\.db and shop\.mail"):
        _ = shop.store
    with pytest.raises(AttributeError):
        shop.log = EventStore()
