"""The world outside: it remembers what was done to it, can be switched off, and each call is a place to crash."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from crash_points import crashing, survived
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab.database import Database
from eda_lab.effects import CardDeclinedError, CardProvider, Charge, Mail, MailServer, Parcel, ParcelDesk
from eda_lab.errors import IdempotencyKeyError, OptionError
from eda_lab.faults import Crashed

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


# --- idempotency keys


def keyed() -> dict[str, tuple[Any, Callable[..., Any], Callable[..., Any], Callable[[], int]]]:
    """Return by name: the service, a call that takes a key, another one, and how many calls have had an effect."""
    card, mail, desk = CardProvider(limit_cents=1000), MailServer(), ParcelDesk()
    card.charge("1", 500)
    return {
        "card.charge": (
            card,
            lambda **k: card.charge("2", 5, **k),
            lambda **k: card.charge("2", 6, **k),
            lambda: len(card.charges) - 1,
        ),
        "card.refund": (
            card,
            lambda **k: card.refund("1", **k),
            lambda **k: card.refund("2", **k),
            lambda: len(card.charges) - 1,
        ),
        "mail.send": (
            mail,
            lambda **k: mail.send("a", "b", **k),
            lambda **k: mail.send("a", "c", **k),
            lambda: len(mail.sent),
        ),
        "parcels.request": (
            desk,
            lambda **k: desk.request("1", "a", **k),
            lambda **k: desk.request("1", "b", **k),
            lambda: len(desk.parcels),
        ),
    }


@pytest.mark.parametrize("name", keyed())
def test_the_same_key_again_does_nothing_and_is_answered_as_at_first(name: str) -> None:
    """Without a key, and under another one, it is done again."""
    service, call, _, count = keyed()[name]
    first = call(key="message 1")
    assert call(key="message 1") is first
    assert (count(), service.repeats) == (1, 1)
    call(key="message 2")
    call()
    call(key=None)
    assert (count(), service.repeats) == (4, 1)


@pytest.mark.parametrize("name", keyed())
def test_a_key_that_comes_with_something_else_is_refused(name: str) -> None:
    """As card providers do; the error names both, and nothing was done."""
    service, call, other, count = keyed()[name]
    call(key="message 1")
    with pytest.raises(IdempotencyKeyError, match="use one key for each thing that is to be done once") as caught:
        other(key="message 1")
    assert caught.value.key == "message 1"
    assert caught.value.first != caught.value.now
    assert caught.value.first.startswith(name)
    assert (count(), service.repeats) == (1, 0)


def test_a_key_belongs_to_one_kind_of_call() -> None:
    """A refund under the key of a charge is a mistake, not a repeat."""
    card = CardProvider()
    card.charge("1", 500, key="1")
    with pytest.raises(
        IdempotencyKeyError, match=r"was given for card\.charge\('1', 500\), and now comes with card\.ref"
    ):
        card.refund("1", key="1")
    assert card.balance_cents == 500


@pytest.mark.parametrize("name", keyed())
def test_a_call_that_was_refused_keeps_no_key(name: str) -> None:
    """Down, it did nothing; up again, the same key does the work."""
    service, call, _, count = keyed()[name]
    service.down = True
    with pytest.raises(ConnectionError):
        call(key="1")
    service.down = False
    call(key="1")
    service.down = True
    with pytest.raises(ConnectionError):  # a repeat does not get through either
        call(key="1")
    assert (count(), service.repeats) == (1, 0)


def test_a_declined_charge_keeps_no_key() -> None:
    """A smaller amount under the same key goes through."""
    card = CardProvider(limit_cents=100)
    with pytest.raises(CardDeclinedError):
        card.charge("1", 101, key="1")
    card.charge("1", 100, key="1")
    assert card.balance_cents == 100


@pytest.mark.parametrize("name", keyed())
@pytest.mark.parametrize("key", ["", 5, 0, False, b"1", ("1",), [], float("nan")])
def test_a_key_is_text(name: str, key: Any) -> None:
    """What is no text would be forgotten, or taken for another one."""
    _, call, _, count = keyed()[name]
    with pytest.raises(OptionError, match=r"^key=.*: give text, the same at each repeat"):
        call(key=key)
    assert count() == 0


@pytest.mark.parametrize("key", ["\x00", "two\nlines", "\ud800", "x" * 1_000_000, "'; DROP TABLE keys"])
def test_any_text_is_a_key(key: str) -> None:
    """And an error about it is still one short line."""
    mail = MailServer()
    mail.send("a", "b", key=key)
    mail.send("a", "b", key=key)
    assert len(mail.sent) == 1
    with pytest.raises(IdempotencyKeyError) as caught:
        mail.send("a", "x" * 1000, key=key)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize("name", keyed())
def test_a_repeat_passes_the_same_crash_points(name: str) -> None:
    """From the outside nobody can tell a repeat from the first call, and a crash on either side does no harm."""
    _, call, _, count = keyed()[name]
    call(key="1")
    for point in (0, 1, f"before {name}", f"after {name}"):
        assert not survived(lambda: call(key="1"), point)
    assert survived(lambda: call(key="1"), 2)
    assert count() == 1


@settings(deadline=None)
@given(st.lists(st.sampled_from([None, 0, 1]), max_size=6), st.booleans())
def test_with_a_key_any_number_of_crashes_leaves_one_charge(crashes: list[int | None], with_key: bool) -> None:
    """Without one, each crash that comes after the charge leaves one more."""
    card = CardProvider()
    for point in [*crashes, None]:
        points = [] if point is None else [point]
        survived(lambda: card.charge("1", 500, key="message 1" if with_key else None), *points)
    reached = sum(point != 0 for point in crashes) + 1
    assert len(card.charges) == (1 if with_key else reached)


# --- what fails now and then


def tries_of(seed: object, rate: float, subjects: list[str]) -> list[bool]:
    """Send e-mails through a server that fails now and then; return which got through."""
    mail = MailServer()
    mail.fails(rate, seed=seed)
    through = []
    for subject in subjects:
        before = len(mail.sent)
        with suppress(ConnectionError):
            mail.send("USER001", subject)
        through.append(len(mail.sent) > before)
    return through


def test_who_fails_now_and_then_fails_at_that_rate() -> None:
    """Of 10,000 calls at 30 %, 3,000 fail, within four standard deviations (46 each)."""
    assert abs(tries_of(1, 0.3, [str(n) for n in range(10_000)]).count(False) - 3_000) < 4 * 46
    assert all(tries_of(1, 0.0, ["a"] * 100))
    assert not any(tries_of(1, 1.0, ["a"] * 100))


@given(st.integers(), st.lists(st.sampled_from("abc"), max_size=30))
def test_whether_a_call_fails_does_not_depend_on_what_others_ask(seed: int, subjects: list[str]) -> None:
    """The n-th try at one e-mail has the same fate, whatever is sent in between; and on every run."""
    both = tries_of(seed, 0.5, subjects)
    alone = [through for through, subject in zip(both, subjects, strict=True) if subject == "a"]
    assert alone == tries_of(seed, 0.5, ["a"] * len(alone))


@pytest.mark.parametrize("rate", [-0.1, 1.1, True, "often", None, float("nan")])
def test_a_rate_is_a_probability(rate: Any) -> None:
    """Nothing is changed by what is none."""
    mail = MailServer()
    with pytest.raises(OptionError, match=r"^rate=.*: give a probability between 0 and 1$"):
        mail.fails(rate)
    mail.send("USER001", "Your order")
    assert len(mail.sent) == 1


def test_a_call_that_failed_keeps_no_key() -> None:
    """Sent again under the same key, it is sent once."""
    mail = MailServer()
    mail.fails(1.0)
    with pytest.raises(ConnectionError, match=r"^the mail server does not answer$"):
        mail.send("USER001", "Your order", key="1")
    mail.fails(0.0)
    mail.send("USER001", "Your order", key="1")
    mail.send("USER001", "Your order", key="1")
    assert (len(mail.sent), mail.repeats) == (1, 1)


def test_an_outage_is_a_process_that_switches_off_and_on_again() -> None:
    """It waits, switches off, waits, and switches on."""
    mail = MailServer()
    outage = mail.outage(3.0, 13.0)
    states = [(pause, mail.down) for pause in outage]
    assert states == [(3.0, False), (10.0, True)]
    assert not mail.down


@pytest.mark.parametrize(("start", "end"), [(3.0, 3.0), (3.0, 1.0)])
def test_an_outage_ends_after_it_began(start: float, end: float) -> None:
    """Said at once, and not when the process is at work."""
    with pytest.raises(OptionError, match=r"^end=.*: give a second after start=3.0$"):
        MailServer().outage(start, end)
