"""The rules of one delivery: when to try again, where a consumer crashes, and what may be said about either."""

import math
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eda_lab import Crash, DeadLetter, EdaLabError, EventBus, Faults, Message, Retry, later
from eda_lab.delivery import Later
from eda_lab.faults import Crashed, CrashPlan, crash_point, current_plan

seconds = st.floats(0, 1e9)
attempts = st.integers(1, 10_000)
names = st.text(min_size=1, max_size=5)


def is_reached(plan: CrashPlan | None, points: list[str]) -> str | None:
    """Walk past the points in order; return the one at which the plan crashes."""
    for point in points:
        try:
            if plan is not None:
                plan.reach(point)
        except Crashed as crash:
            return str(crash)
    return None


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
        ((), ValueError(), False),
        (Exception, SystemExit(), False),
        (BaseException, SystemExit(), True),
    ],
)
def test_only_the_named_errors_are_tried_again(retry_on: object, error: BaseException, again: bool) -> None:
    """Other errors are permanent; so is any error at the last attempt."""
    retry = Retry(max_attempts=3, retry_on=retry_on)
    assert [retry.again(attempt, error) for attempt in (1, 2, 3, 4)] == [again, again, False, False]


# --- crashing


@settings(deadline=None)
@given(rate=st.floats(0, 1), seed=st.integers(), consumer=names, message=names, attempt=attempts)
def test_who_crashes_depends_on_seed_consumer_message_and_attempt_alone(
    rate: float, seed: int, consumer: str, message: str, attempt: int
) -> None:
    """Asked twice, or after others, the answer is the same; a higher rate only adds crashes."""
    faults, worse = Faults(rate=rate), Faults(rate=(1 + rate) / 2)
    crashes = faults.where(seed, consumer, message, attempt) is not None
    worse.where(seed, consumer, message, attempt + 1)
    assert (Faults(rate=rate).where(seed, consumer, message, attempt) is not None) == crashes
    assert worse.where(seed, consumer, message, attempt) is not None or not crashes


@settings(deadline=None)
@given(seed=st.integers(), consumer=names, message=names, attempt=attempts)
def test_a_rate_of_0_is_never_and_a_rate_of_1_always(seed: int, consumer: str, message: str, attempt: int) -> None:
    """A crash plan is made for every attempt, or for none."""
    assert Faults().where(seed, consumer, message, attempt) is None
    plan = Faults(rate=1, point="after work").where(seed, consumer, message, attempt)
    assert plan is not None
    assert plan.points == {"after work"}


def test_the_share_of_crashes_is_the_rate() -> None:
    """Of 4,000 attempts some 800 crash at a rate of 0.2: within four standard deviations, 25 each."""
    faults = Faults(rate=0.2)
    crashes = sum(faults.where(1, "email", str(n), 1) is not None for n in range(4000))
    assert abs(crashes - 800) <= 4 * math.sqrt(4000 * 0.2 * 0.8)


def test_crashes_may_be_confined_to_some_consumers() -> None:
    """A name is a whole name: "mail" is no part of "email"."""
    for consumers in ("email", ("email",)):
        faults = Faults(rate=1, consumers=consumers)
        assert faults.where(0, "email", "1", 1) is not None
        assert faults.where(0, "mail", "1", 1) is None


def test_a_listed_crash_is_for_one_attempt_of_one_consumer_at_one_message() -> None:
    """Nobody else is touched; two crashes listed for one attempt stand in one plan."""
    listed = (Crash("email", "1", 2, "before ack"), Crash("email", "1", 2, 0), Crash("email", "2", 1, 5))
    faults = Faults(crashes=listed)
    plan = faults.where(0, "email", "1", 2)
    assert plan is not None
    assert plan.points == {"before ack", 0}
    assert [faults.where(0, *who) for who in [("email", "1", 1), ("payment", "1", 2), ("email", "3", 2)]] == [None] * 3
    assert Faults(crashes=listed[0]) == Faults(crashes=[listed[0]]) == Faults(crashes=(listed[0],))


POINTS = ["before work", "before card.charge", "after card.charge", "before ack"]


@pytest.mark.parametrize("place", range(4))
def test_a_crash_point_goes_by_its_name_or_by_its_number(place: int) -> None:
    """Both say the same place on the way through one attempt."""
    assert is_reached(CrashPlan([place]), POINTS) == is_reached(CrashPlan([POINTS[place]]), POINTS) == POINTS[place]
    assert is_reached(CrashPlan([4, "after lunch"]), POINTS) is None


def test_after_a_crash_nothing_more_is_passed() -> None:
    """What stands in a `finally` of a crashed consumer does not happen."""
    plan = CrashPlan(["before card.charge"])
    with pytest.raises(Crashed, match=r"before card\.charge"):
        plan.reach("before card.charge")
    with pytest.raises(Crashed, match=r"before card\.charge"):
        plan.reach("before mail.send")


def test_a_crash_is_no_exception_that_a_handler_could_catch_by_habit() -> None:
    """`except Exception` lets it through, as it lets a power cut through."""
    assert not issubclass(Crashed, Exception)


def test_outside_of_an_attempt_a_crash_point_is_nothing() -> None:
    """The shop's effects can be called by hand."""
    assert current_plan.get() is None
    crash_point("before card.charge")


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
        (lambda: Retry(retry_on=int), "retry_on"),
        (lambda: Retry(retry_on=ValueError()), "retry_on"),
        (lambda: Faults(rate=-0.1), "rate"),
        (lambda: Faults(rate=True), "rate"),
        (lambda: Faults(rate=math.nan), "rate"),
        (lambda: Faults(rate="0.1"), "rate"),
        (lambda: Faults(down=-1), "down"),
        (lambda: Faults(crashes=[("email", "1", 1, 0)]), "crashes"),
        (lambda: Crash("email", 1, 1, 0), "message"),
        (lambda: Crash("email", "1", 0, 0), "attempt"),
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
