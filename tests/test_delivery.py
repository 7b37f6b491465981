"""The rules of one delivery: when it is acked, when it is tried again, and what may be said about either."""

import math
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eda_lab import (
    AckPolicy,
    DeadLetter,
    Delivery,
    EdaLabError,
    EventBus,
    Message,
    Retry,
    StoreError,
    WrongExpectedVersionError,
    later,
    with_id,
)
from eda_lab.delivery import Later, WithId
from eda_lab.errors import OptionError, SettledError

seconds = st.floats(0, 1e9)
attempts = st.integers(1, 10_000)


# --- trying again


@settings(deadline=None)
@given(backoff=seconds, most=seconds, attempt=attempts)
@example(backoff=1e-3, most=1e9, attempt=5_000)
def test_pauses_double_up_to_their_limit(backoff: float, most: float, attempt: int) -> None:
    """The n-th pause is twice the one before it, until there is no more to gain: Retry says how long, exactly."""
    retry = Retry(backoff=backoff, max_backoff=most)
    now, then = (retry.pause(n, Random(1)) for n in (attempt, attempt + 1))
    assert retry.pause(1, Random(1)) == min(backoff, most)
    assert then == min(2 * now, most) or attempt > 64
    assert 0 <= now <= then <= most


@settings(deadline=None)
@given(backoff=seconds, jitter=st.floats(0, 1), attempt=attempts, seed=st.integers())
def test_jitter_takes_away_at_most_its_share(backoff: float, jitter: float, attempt: int, seed: int) -> None:
    """With the same generator the pause is the same; with jitter=1 it may be anything up to the full pause."""
    full = Retry(backoff=backoff).pause(attempt, Random(seed))
    retry = Retry(backoff=backoff, jitter=jitter)
    pause = retry.pause(attempt, Random(seed))
    assert full * (1 - jitter) - 1e-9 <= pause <= full
    assert pause == retry.pause(attempt, Random(seed)) == full * (1 - jitter * Random(seed).random())


def test_without_jitter_no_random_number_is_used() -> None:
    """A generator that is shared stays where it was."""
    rng = Random(1)
    Retry().pause(1, rng)
    assert rng.random() == Random(1).random()


@pytest.mark.parametrize(
    ("retry_on", "error", "again"),
    [
        (Exception, ValueError(), True),
        (ConnectionError, ConnectionResetError(), True),
        (ConnectionError, ValueError(), False),
        ((ConnectionError, TimeoutError), TimeoutError(), True),
        ([ConnectionError, TimeoutError], TimeoutError(), True),
        ((), ValueError(), False),
        (Exception, SystemExit(), False),
        (BaseException, SystemExit(), True),
    ],
)
def test_only_the_named_errors_are_tried_again(retry_on: object, error: BaseException, again: bool) -> None:
    """Other errors are permanent; so is any error at the last attempt."""
    retry = Retry(max_attempts=3, retry_on=retry_on)
    assert [retry.again(attempt, error) for attempt in (1, 2, 3, 4)] == [again, again, False, False]


# --- what may be said


@pytest.mark.parametrize(
    ("make", "option"),
    [
        (lambda: Retry(max_attempts=0), "max_attempts"),
        (lambda: Retry(max_attempts=True), "max_attempts"),
        (lambda: Retry(max_attempts=2.0), "max_attempts"),
        (lambda: Retry(backoff=-1), "backoff"),
        (lambda: Retry(backoff=math.nan), "backoff"),
        (lambda: Retry(max_backoff=math.inf), "max_backoff"),
        (lambda: Retry(jitter=1.1), "jitter"),
        (lambda: Retry(jitter=math.nan), "jitter"),
        (lambda: Retry(jitter=True), "jitter"),
        (lambda: Retry(jitter="full"), "jitter"),
        (lambda: Retry(retry_on=(ValueError, "TimeoutError")), "retry_on"),
        (lambda: Retry(retry_on=[ValueError, 1]), "retry_on"),
        (lambda: Retry(retry_on=int), "retry_on"),
        (lambda: Retry(retry_on=ValueError()), "retry_on"),
        (lambda: Retry(in_place="no"), "in_place"),
        (lambda: Retry(in_place=1), "in_place"),
        (lambda: with_id("", {}), "id"),
        (lambda: with_id(7, {}), "id"),
        (lambda: with_id("two\nlines", {}), "id"),
        (lambda: AckPolicy.of("never"), "ack"),
        (lambda: AckPolicy.of(None), "ack"),
        (lambda: EventBus(faults=0.1), "faults"),
        (lambda: EventBus(visibility=-1), "visibility"),
        (lambda: EventBus(cascade=0), "cascade"),
        (lambda: later(-1, {}), "seconds"),
        (lambda: later(True, {}), "seconds"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_in_one_line(make: Callable[[], object], option: str) -> None:
    """The error names the option, and says what to give instead."""
    with pytest.raises(EdaLabError) as caught:
        make()
    assert caught.value.option == option
    assert "give" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_later_keeps_the_event_and_its_pause() -> None:
    """It is data: a handler that returns it can be tested without any bus."""
    assert later(30, {"order_id": "12345"}) == Later(30, {"order_id": "12345"})


def test_a_dead_letter_shows_what_it_is() -> None:
    """One line: what, of whom, why, and after how many attempts; the traceback is there, but not in the way."""
    message = Message(id="7", source="checkout", type="order_placed", time=0.0, data={})
    letter = DeadLetter(message, "email", 3, 12.5, "ConnectionError: the mail server is down", "Traceback ...")
    assert repr(letter) == (
        "<DeadLetter order_placed '7' of email: ConnectionError: the mail server is down (3 attempts)>"
    )


def test_with_id_keeps_the_event_and_its_id() -> None:
    """Any text on one line is an id, whoever may have made it up."""
    for id in ("outbox-7", "7", "ä/ö 'x'; DROP TABLE", "x" * 10_000):
        assert with_id(id, {"order_id": "12345"}) == WithId(id, {"order_id": "12345"})


def test_without_a_limit_a_retry_goes_on_for_ever() -> None:
    """As long as the error is one that it is for."""
    retry = Retry(max_attempts=None, retry_on=ConnectionError)
    assert all(retry.again(attempt, ConnectionError()) for attempt in (1, 2, 20, 10**9))
    assert not retry.again(1, ValueError())


@pytest.mark.parametrize("given", ["before", AckPolicy.BEFORE])
def test_an_ack_policy_goes_by_its_name(given: str) -> None:
    """A lesson writes the word, a program may write the member."""
    assert AckPolicy.of(given) is AckPolicy.BEFORE
    assert [str(policy) for policy in AckPolicy] == ["before", "after", "manual"]


@pytest.mark.parametrize(
    ("settle", "how"),
    [
        (Delivery.ack, "ack"),
        (Delivery.nack, "nack"),
        (lambda delivery: delivery.nack(requeue=False), "dead letter"),
        (Delivery.reject, "reject"),
    ],
)
def test_a_delivery_hands_on_how_it_is_settled_or_says_that_it_cannot_be(
    settle: Callable[[Delivery], None], how: str
) -> None:
    """What the bus does with that is the bus's affair; one that settles by itself gave the delivery nothing to call."""
    message = Message(id="7", source="checkout", type="order_placed", time=0.0, data={})
    heard: list[str] = []
    settle(Delivery(message, "email-2", "email", 3, heard.append))
    assert heard == [how]
    with pytest.raises(SettledError, match=f"email-2 cannot {how} this delivery: .* ack='manual'") as caught:
        settle(Delivery(message, "email-2", "email", 3))
    assert (caught.value.consumer, caught.value.how) == ("email-2", how)
    assert repr(Delivery(message, "email-2", "email", 3)) == "<Delivery of order_placed '7' to email-2, attempt 3>"


def test_an_error_of_the_lab_is_tried_again_only_where_it_is_named() -> None:
    """A result that is no event stays none; a conflict of versions may pass, and whoever knows that says so."""
    conflict, mistake = WrongExpectedVersionError("order-1", 7, 8), OptionError("takes", -1, "give seconds")
    assert not Retry().again(1, conflict)
    assert Retry(retry_on=WrongExpectedVersionError).again(1, conflict)
    assert Retry(retry_on=(ConnectionError, StoreError)).again(1, conflict)
    assert not Retry(retry_on=(Exception, WrongExpectedVersionError)).again(1, mistake)
    assert not Retry(max_attempts=1, retry_on=WrongExpectedVersionError).again(1, conflict)
