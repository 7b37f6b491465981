"""The world outside: it remembers what was done to it, can be switched off, and each call is a place to crash."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab.delivery import Crashed, CrashPlan, current_plan
from eda_lab.effects import (
    CardDeclinedError,
    CardProvider,
    Charge,
    Database,
    Mail,
    MailServer,
    Parcel,
    ParcelDesk,
    TransactionConflictError,
)
from eda_lab.errors import OptionError


@contextmanager
def crashing(*points: int | str) -> Iterator[CrashPlan]:
    """Have the consumer that works inside crash at these points."""
    plan = CrashPlan(points)
    token = current_plan.set(plan)
    try:
        yield plan
    finally:
        current_plan.reset(token)


# --- what they remember


def test_the_card_provider_keeps_books() -> None:
    """What was captured, what was given back, in order."""
    card = CardProvider()
    assert card.charge("1", 500) == Charge("1", 500)
    card.charge("2", 300)
    card.charge("1", 200)
    assert (card.held_cents("1"), card.held_cents("2"), card.held_cents("3"), card.balance_cents) == (700, 300, 0, 1000)
    assert card.refund("1") == Charge("1", -700)
    assert (card.held_cents("1"), card.balance_cents) == (0, 300)
    assert card.charges == [Charge("1", 500), Charge("2", 300), Charge("1", 200), Charge("1", -700)]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("123"), st.none() | st.integers(0, 10**9)), max_size=20))
def test_what_is_refunded_is_what_was_still_held(steps: list[tuple[str, int | None]]) -> None:
    """A second refund gives nothing: the balance is the sum of what is held, and never negative."""
    card = CardProvider()
    for order, amount in steps:
        if amount is None:
            card.refund(order)
            assert card.held_cents(order) == 0
        else:
            card.charge(order, amount)
        assert card.balance_cents == sum(card.held_cents(order) for order in "123") >= 0


def test_a_card_is_declined_above_its_limit_and_nothing_is_booked() -> None:
    """At the limit it still works; the facts come along in the error."""
    card = CardProvider(limit_cents=1000)
    card.charge("1", 1000)
    with pytest.raises(CardDeclinedError, match="the card was declined for order 2: 1001 cents") as caught:
        card.charge("2", 1001)
    assert (caught.value.order_id, caught.value.amount_cents) == ("2", 1001)
    assert card.charges == [Charge("1", 1000)]


@pytest.mark.parametrize("amount", [-1, 1.5, "5", None, True, float("nan")])
def test_an_amount_is_a_whole_number_of_cents(amount: Any) -> None:
    """Nobody is paid by being charged less than nothing."""
    card = CardProvider()
    with pytest.raises(OptionError, match=r"^amount_cents=.*: give a whole number of at least 0$"):
        card.charge("1", amount)
    assert card.charges == []
    if amount is not None:
        with pytest.raises(OptionError, match=r"^limit_cents="):
            CardProvider(limit_cents=amount)


def test_mails_and_parcels_are_kept_in_order() -> None:
    """So a lesson can count them."""
    mail, desk = MailServer(), ParcelDesk()
    assert mail.send("USER001", "Hello") == Mail("USER001", "Hello")
    mail.send("USER002", "Hello")
    assert desk.request("1", "USER001") == Parcel("1", "USER001")
    assert [one.to for one in mail.sent] == ["USER001", "USER002"]
    assert desk.parcels == [Parcel("1", "USER001")]


# --- switched off, and crashed


def ways_in() -> dict[str, tuple[Any, Callable[[], Any], Callable[[], int]]]:
    """Return each effect by the name of its call: it, a call, and how many calls have had an effect."""
    card, mail, desk, db = CardProvider(), MailServer(), ParcelDesk(), Database(stock={"PROD1": 10})

    def sell() -> None:
        with db.transaction() as tables:
            tables["stock"]["PROD1"] -= 1

    return {
        "card.charge": (card, lambda: card.charge("1", 5), lambda: len(card.charges)),
        "card.refund": (card, lambda: card.refund("1"), lambda: len(card.charges)),
        "mail.send": (mail, lambda: mail.send("a", "b"), lambda: len(mail.sent)),
        "parcels.request": (desk, lambda: desk.request("1", "a"), lambda: len(desk.parcels)),
        "db.commit": (db, sell, lambda: 10 - db.table("stock")["PROD1"]),
    }


@pytest.mark.parametrize("name", ways_in())
def test_what_is_down_refuses_and_remembers_nothing(name: str) -> None:
    """And once it is up again, it works."""
    effect, call, count = ways_in()[name]
    effect.down = True
    with pytest.raises(ConnectionError, match=f"the {effect.what} is down"):
        call()
    assert count() == 0
    effect.down = False
    call()
    assert count() == 1


@pytest.mark.parametrize("name", ways_in())
@pytest.mark.parametrize("by_number", [False, True])
def test_a_crash_just_before_leaves_nothing_and_just_after_all_of_it(name: str, by_number: bool) -> None:
    """The two sides of every call are what makes delivery at least once or at most once."""
    for point, when, left in ((0, "before", 0), (1, "after", 1)):
        _, call, count = ways_in()[name]
        with crashing(point if by_number else f"{when} {name}"), pytest.raises(Crashed, match=f"{when} {name}"):
            call()
        assert count() == left


def test_crash_points_are_numbered_in_the_order_in_which_they_are_reached() -> None:
    """Two for each call; where no crash is planned, nobody notices."""
    card, mail = CardProvider(), MailServer()
    with crashing(3):
        card.charge("1", 5)
        with pytest.raises(Crashed, match=r"^after mail\.send$"):
            mail.send("a", "b")
    assert (len(card.charges), len(mail.sent)) == (1, 1)
    with crashing("before card.refund") as plan:
        card.charge("1", 5)
    assert plan.reached == 2


# --- the database


def test_a_transaction_happens_as_a_whole_or_not_at_all() -> None:
    """An error in the middle takes everything back."""
    db = Database(stock={"A": 1, "B": 0}, orders={})

    def sell() -> None:
        with db.transaction() as tables:
            tables["stock"]["A"] -= 1
            tables["orders"]["1"] = "placed"
            raise ValueError("no B left")

    with pytest.raises(ValueError, match="no B left"):
        sell()
    assert (dict(db.table("stock")), dict(db.table("orders")), db.commits) == ({"A": 1, "B": 0}, {}, 0)
    with db.transaction() as tables:
        tables["orders"]["1"] = "placed"
        tables["new"] = {"x": 1}
    assert (dict(db.table("orders")), dict(db.table("new")), db.commits) == ({"1": "placed"}, {"x": 1}, 1)


def test_a_row_that_can_be_changed_is_taken_back_too() -> None:
    """As far down as it goes; and who gave the rows away keeps them as they were."""
    mine = {"1": {"status": "placed", "lines": ["PROD1"]}}
    db = Database(orders=mine)

    def pay() -> None:
        with db.transaction() as tables:
            tables["orders"]["1"]["status"] = "paid"
            tables["orders"]["1"]["lines"].append("PROD2")
            raise ConnectionError("no answer from the bank")

    with pytest.raises(ConnectionError):
        pay()
    assert db.table("orders")["1"] == {"status": "placed", "lines": ["PROD1"]}
    with db.transaction() as tables:
        tables["orders"]["1"]["lines"].append("PROD2")
    assert db.table("orders")["1"]["lines"] == ["PROD1", "PROD2"]
    assert mine["1"]["lines"] == ["PROD1"]


def test_a_table_shows_what_is_committed_and_cannot_be_written() -> None:
    """A transaction under way is not seen, and what was read stays as it was read."""
    db = Database(stock={"A": 1})
    before = db.table("stock")
    with db.transaction() as tables:
        tables["stock"]["A"] = 2
        assert db.table("stock")["A"] == 1
    assert (before["A"], db.table("stock")["A"]) == (1, 2)
    with pytest.raises(TypeError):
        before["A"] = 5  # type: ignore[index]
    assert dict(db.table("never heard of")) == {}


@pytest.mark.parametrize("rows", [None, 5, "rows", [("A", 1)], {1, 2}])
def test_a_table_is_a_mapping(rows: Any) -> None:
    """The error names the table."""
    with pytest.raises(OptionError, match="give a table as a mapping of keys to rows") as caught:
        Database(stock={}, orders=rows)
    assert caught.value.option == "orders"


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(-5, 5), st.booleans()), max_size=20))
def test_the_database_holds_the_sum_of_what_was_committed(steps: list[tuple[str, int, bool]]) -> None:
    """Whichever transactions fail."""
    db, expected = Database(stock={"A": 0, "B": 0}), {"A": 0, "B": 0}
    for key, change, fails in steps:
        with crashing(*(["before db.commit"] if fails else [])):
            try:
                with db.transaction() as tables:
                    tables["stock"][key] += change
            except Crashed:
                continue
        expected[key] += change
    assert dict(db.table("stock")) == expected
    assert db.commits == sum(not fails for _, _, fails in steps)


def test_of_two_transactions_that_overlap_the_second_to_commit_is_refused() -> None:
    """Its copy is older than what the first has committed, which would be lost."""
    db = Database(stock={"A": 0})

    def overlap() -> None:
        with db.transaction() as outer:
            with db.transaction() as inner:
                inner["stock"]["A"] += 1
            outer["stock"]["A"] += 10

    with pytest.raises(TransactionConflictError, match="try again"):
        overlap()
    assert (db.table("stock")["A"], db.commits) == (1, 1)
