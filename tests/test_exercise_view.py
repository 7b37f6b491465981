"""Exercise 08-projection: there is more than one right answer, and a wrong one is told its story."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from eda_lab import EventStore, Inbox, OrderPlaced, projector
from eda_lab.course import check
from eda_lab.course.exercises import EXERCISES
from eda_lab.course.exercises.view_histories import histories
from eda_lab.course.exercises.view_played import Played, ViewFront
from eda_lab.course.exercises.view_rare import RARE
from eda_lab.course.exercises.view_takings import COUNTS
from eda_lab.course.exercises.view_wrong import ANSWERS, add, day_of, marked, once
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


@marked
def on_a_day_that_is_a_float(shop: Any, event: Any, delivery: Any) -> None:
    if isinstance(event, OrderPlaced):
        with shop.db.transaction() as tables:
            if delivery.message.id not in tables["inbox"]:
                add(tables, delivery.message.time // 86_400, event.total_cents)
                tables["inbox"][delivery.message.id] = True


@marked
def on_the_day_of_the_calendar(shop: Any, event: Any, delivery: Any) -> None:
    if isinstance(event, OrderPlaced):
        with shop.db.transaction() as tables:
            if delivery.message.id not in tables["inbox"]:
                since_1970 = datetime.fromtimestamp(delivery.message.time, UTC) - datetime(1970, 1, 1, tzinfo=UTC)
                add(tables, since_1970.days, event.total_cents)
                tables["inbox"][delivery.message.id] = True


@marked
def with_rows_of_nothing(shop: Any, event: Any, delivery: Any) -> None:
    with shop.db.transaction() as tables:
        tables["takings"].setdefault(day_of(delivery), 0)
    once(shop, event, delivery)


@marked
def with_another_error_of_its_own(shop: Any, event: Any, delivery: Any) -> None:
    try:
        once(shop, event, delivery)
    except ConnectionError as error:
        raise RuntimeError("the view has to wait") from error


def as_an_object(shop: Any) -> Any:
    @projector
    class Takings:
        def __call__(self, event: Any, delivery: Any) -> None:
            once(shop, event, delivery)

    return Takings()


@pytest.mark.parametrize(
    "answer",
    [
        with_the_librarys_inbox,
        by_the_number_of_the_order,
        added_up_from_what_was_noted,
        a_mark_for_every_event,
        on_a_day_that_is_a_float,
        on_the_day_of_the_calendar,
        with_rows_of_nothing,
        with_another_error_of_its_own,
        as_an_object,
    ],
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
            "a history of 1 order at second 86,399: orders brought in day 0: 5000; the live view has day 1: 5000",
        ),
        ("_every_type_with_a_total", "a history of no orders and order_counted: orders brought in nothing"),
        ("_takes_all_for_orders", "voucher_noted came, and it failed: AttributeError"),
        ("_live_only", "the live view has day 0: 5000; rebuilt from event 1 it has nothing"),
        ("_swallows_every_error", "the database down at first"),
        ("_publishes_that_it_counted", "it returned order_counted, and a bus publishes what a handler returns"),
        ("_returns_the_event", "it returned order_placed, and a bus publishes what a handler returns"),
        ("_mails_the_boss", "e-mails: 1 live, 1 in the replay, 1 in a second replay, 1 for an order that came later"),
        ("_sends_by_another_server", "mail is not yours to change"),
        ("_sends_and_clears", "e-mails: 1 live"),
        ("_raises_after_the_commit", "order_placed came, and it failed: ValueError"),
        ("_mistypes_send", "the mail server has no mail.sned for you, only mail.send(to, subject, key=...)"),
        ("_a_transaction_in_a_transaction", "the inner one is committed, so the outer one cannot be"),
        ("_a_set_in_memory", "after a crash or a restart your variables are gone: remember in shop.db"),
        ("_marks_by_hash", "in which hash(...) gives another number"),
        ("_remembers_150", "a history of 200 orders: rebuilt it had day 0: 90000"),
        ("_cents_of_the_first_item", "a history of 1 order of two articles: orders brought in day 0: 5700"),
    ],
)
def test_a_wrong_answer_is_told_its_story(name: str, seen: str) -> None:
    verdict = check("08-projection", {answer.__name__: answer for answer in (*ANSWERS, *COUNTS, *RARE)}[name])
    assert seen in repr(verdict)


def test_what_was_not_tried_is_not_called_ok() -> None:
    verdict = check("08-projection", next(answer for answer in ANSWERS if answer.__name__ == "_mails_the_boss"))
    assert [finding.passed for finding in verdict.findings] == [True, True, False, *[None] * 8]


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
    shops = []

    def open_view(shop: Any) -> Any:
        shops.append(shop)
        return EXERCISES["08-projection"].solution(shop)

    history = next(history for history in histories() if len(history.takings) > 1)
    played = Played(history, open_view)
    assert played.live == played.rebuilt == played.again == history.takings
    assert played.later == {**history.takings, history.new_day: 700}
    assert len({id(shop.db) for shop in shops}) == 2
    assert len(shops) == 5  # one to look at the role in each database, and one at each start: live, rebuilt, again
    assert sum(played.mails.values()) == 0
    assert played.errors == played.returned == []


def test_an_error_of_the_lab_is_not_the_views() -> None:
    history = next(history for history in histories() if history.down)
    played = Played(history, EXERCISES["08-projection"].solution)
    assert [delivery.outcome for delivery in played.bus.trace.deliveries] == ["failed", "done"]
    assert played.errors == []


def test_a_memory_that_lasts_shows_what_a_restart_takes_away() -> None:
    answer = next(answer for answer in ANSWERS if answer.__name__ == "_a_set_in_memory")
    lost, kept = Played(histories()[0], answer), Played(histories()[0], answer, lasting=True)
    assert (lost.again, kept.again) == ({0: 10_000}, {0: 5_000})


def test_the_front_of_the_shop_keeps_nothing_and_has_no_log() -> None:
    shop: Any = ViewFront(Database(), MailServer())
    with pytest.raises(EdaLabError, match=r"only shop\.db and shop\.mail"):
        _ = shop.store
    with pytest.raises(EdaLabError, match=r"belongs into shop\.db"):
        shop.log = EventStore()
    with pytest.raises(EdaLabError, match="not yours to change"):
        shop.mail.send = print
