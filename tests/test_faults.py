"""What goes wrong, as data: who crashes where, what a link does to a message, and what may be said about either."""

import math
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Crash, EdaLabError, Faults, Link, Outage, Slow
from eda_lab.errors import OptionError
from eda_lab.faults import Crashed, CrashPlan, crash_point, current_plan

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


@pytest.mark.parametrize("consumers", [None, "checkout", ("checkout", "email"), ["email"]])
def test_a_rate_is_about_a_process_only_where_it_is_named(consumers: object) -> None:
    """Consumers are meant by `None`; a publisher crashes where it was named, or listed."""
    faults = Faults(rate=1, point="before publish", consumers=consumers)
    named = consumers is not None and "checkout" in consumers
    assert (faults.where(0, "checkout", "1", 1, process=True) is not None) == named
    listed = Faults(crashes=Crash("checkout", "3", 1, "after publish"))
    assert listed.where(0, "checkout", "3", 1, process=True) is not None
    assert listed.where(0, "checkout", "4", 1, process=True) is None


def test_one_who_is_lost_passes_no_point_any_more() -> None:
    """Whatever it is called."""
    plan = CrashPlan.lost()
    for point in ("before work", "after lunch"):
        with pytest.raises(Crashed, match=r"^lost$"):
            plan.reach(point)


# --- links


@settings(deadline=None)
@given(seed=st.integers(0, 99), message=names, share=st.floats(0, 1), other=st.floats(0, 1), held=st.floats(0, 9))
def test_one_thing_that_a_link_does_changes_nothing_of_the_others(
    seed: int, message: str, share: float, other: float, held: float
) -> None:
    """The counterfactual: whether a message is doubled does not hang on whether it is held back, nor the reverse."""
    both = Link(group="email", duplicate=share, reorder=other, held=held, delay=2).travels(seed, message)
    doubled = Link(group="email", duplicate=share).travels(seed, message)
    held_back = Link(group="email", reorder=other, held=held).travels(seed, message)
    assert both == (doubled[0], held_back[1] + 2_000_000)
    assert doubled[1] == 0
    assert held_back == (1, held_back[1])
    assert held_back[1] in (0, round(held * 1e6))


def test_the_shares_of_a_link_are_what_it_says() -> None:
    """Within four standard deviations of the binomial; and two links to two groups do not do the same."""
    link, other = Link(group="email", duplicate=0.3, reorder=0.1), Link(group="sms", duplicate=0.3, reorder=0.1)
    ways = [link.travels(1, str(number)) for number in range(4000)]
    for share, seen in [(0.3, sum(copies == 2 for copies, _ in ways)), (0.1, sum(late > 0 for _, late in ways))]:
        assert abs(seen - 4000 * share) <= 4 * math.sqrt(4000 * share * (1 - share))
    assert ways != [other.travels(1, str(number)) for number in range(4000)]
    assert ways != [link.travels(2, str(number)) for number in range(4000)]


@pytest.mark.parametrize("share", [0, 1])
def test_a_share_of_0_is_never_and_a_share_of_1_always(share: int) -> None:
    """The ends belong to it."""
    link = Link(group="email", duplicate=share, reorder=share)
    assert {link.travels(seed, "1") for seed in range(50)} == {(1 + share, share * 1_000_000)}


def test_each_group_has_its_own_link_or_none() -> None:
    """None is a link on which nothing happens."""
    email, sms = Link(group="email", delay=1), Link(group="sms", delay=2)
    faults = Faults(links=(email, sms))
    assert [faults.link(group) for group in ("email", "sms", "post")] == [email, sms, None]


# --- what may be said


def test_by_default_nothing_goes_wrong() -> None:
    """No crash, no outage, no slow time, no link; and nobody is named."""
    faults = Faults()
    assert (faults.crashes, faults.outages, faults.slow, faults.links) == ((), (), (), ())
    assert (faults.rate, faults.point, faults.consumers, faults.down) == (0.0, "before ack", None, 1.0)
    assert faults.names == set()
    link = Link(group="email")
    assert (link.duplicate, link.delay, link.reorder, link.held) == (0.0, 0.0, 0.0, 1.0)
    assert (Slow("email", 2).start, Slow("email", 2).end) == (0.0, None)


def test_everybody_who_is_named_is_known_by_name() -> None:
    """Whatever is to happen to them: so that a bus can tell who of them is not there."""
    faults = Faults(
        crashes=Crash("a", "1", 1, 0),
        consumers="b",
        outages=Outage("c", 0, 1),
        slow=Slow("d", 2),
        links=Link(group="e"),
    )
    assert faults.names == set("abcde")


@pytest.mark.parametrize("option", ["crashes", "outages", "slow", "links"])
def test_one_fault_needs_no_tuple_and_any_iterable_will_do(option: str) -> None:
    """They are the same scenario."""
    fault = {
        "crashes": Crash("a", "1", 1, 0),
        "outages": Outage("a", 0, 1),
        "slow": Slow("a", 2),
        "links": Link(group="a"),
    }
    one, many = Faults(**{option: fault[option]}), Faults(**{option: iter([fault[option]])})
    assert one == many
    assert getattr(one, option) == (fault[option],)


HUGE = 10**30
BAD_NAMES = [None, 5, "", " ", "two\nlines", "\x00", "\x1b[2J", "\ud800", b"email", ("email",), math.nan]


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_a_name_that_nobody_can_have_is_refused(name: object) -> None:
    """It would be a fault that never happens, and say nothing."""
    makes: list[tuple[str, Callable[[], object]]] = [
        ("consumer", lambda: Crash(name, "1", 1, 0)),
        ("group", lambda: Outage(name, 0, 1)),
        ("group", lambda: Slow(name, 2)),
        ("group", lambda: Link(group=name)),
        ("consumers", lambda: Faults(consumers=("email", name))),
    ]
    for option, make in makes:
        with pytest.raises(OptionError, match="give the name of a group or process") as caught:
            make()
        assert caught.value.option == option


@pytest.mark.parametrize("point", [None, True, False, -1, 1.0, "", b"before ack", ("before ack",)], ids=repr)
def test_a_point_is_a_name_or_a_number(point: object) -> None:
    """A listed one as well as one that is drawn."""
    for make in (lambda: Crash("email", "1", 1, point), lambda: Faults(point=point)):
        with pytest.raises(OptionError, match="give the name of a point, such as 'before ack', or its number from 0"):
            make()


@pytest.mark.parametrize(
    ("make", "option"),
    [
        (lambda: Faults(rate=-0.1), "rate"),
        (lambda: Faults(rate=True), "rate"),
        (lambda: Faults(rate=math.nan), "rate"),
        (lambda: Faults(rate="0.1"), "rate"),
        (lambda: Faults(rate=Fraction(1, 10)), "rate"),
        (lambda: Faults(down=-1), "down"),
        (lambda: Faults(down=math.inf), "down"),
        (lambda: Faults(down=None), "down"),
        (lambda: Faults(crashes=[("email", "1", 1, 0)]), "crashes"),
        (lambda: Faults(crashes="before ack"), "crashes"),
        (lambda: Faults(crashes=5), "crashes"),
        (lambda: Faults(crashes=None), "crashes"),
        (lambda: Faults(outages=Slow("email", 2)), "outages"),
        (lambda: Faults(outages=(Outage("email", 0, 1), None)), "outages"),
        (lambda: Faults(slow=Outage("email", 0, 1)), "slow"),
        (lambda: Faults(links={"email": 1}), "links"),
        (lambda: Faults(links=(Link(group="a"), Link(group="b"), Link(group="a", delay=1))), "links"),
        (lambda: Faults(consumers=5), "consumers"),
        (lambda: Faults(consumers=True), "consumers"),
        (lambda: Crash("email", 1, 1, 0), "message"),
        (lambda: Crash("email", None, 1, 0), "message"),
        (lambda: Crash("email", "1", 0, 0), "attempt"),
        (lambda: Crash("email", "1", True, 0), "attempt"),
        (lambda: Crash("email", "1", 1.0, 0), "attempt"),
        (lambda: Outage("email", 5, 5), "end"),
        (lambda: Outage("email", 5, 4), "end"),
        (lambda: Outage("email", 0, 1e-7), "end"),
        (lambda: Outage("email", -1, 4), "start"),
        (lambda: Outage("email", 0, math.inf), "end"),
        (lambda: Outage("email", 0, None), "end"),
        (lambda: Outage("email", True, 5), "start"),
        (lambda: Slow("email", 0), "factor"),
        (lambda: Slow("email", -2), "factor"),
        (lambda: Slow("email", math.nan), "factor"),
        (lambda: Slow("email", HUGE), "factor"),
        (lambda: Slow("email", "2"), "factor"),
        (lambda: Slow("email", 2, 5, 5), "end"),
        (lambda: Slow("email", 2, -1), "start"),
        (lambda: Slow("email", 2, -1, 5), "start"),
        (lambda: Slow("email", 2, "0"), "start"),
        (lambda: Link(group="email", duplicate=1.1), "duplicate"),
        (lambda: Link(group="email", duplicate=True), "duplicate"),
        (lambda: Link(group="email", reorder=-0.1), "reorder"),
        (lambda: Link(group="email", reorder=None), "reorder"),
        (lambda: Link(group="email", delay=-1), "delay"),
        (lambda: Link(group="email", held=math.nan), "held"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_in_one_line(make: Callable[[], object], option: str) -> None:
    """The error names the option, and says what to give instead."""
    with pytest.raises(EdaLabError) as caught:
        make()
    assert caught.value.option == option
    assert "give" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_faults_cannot_be_changed_and_are_equal_where_they_say_the_same() -> None:
    """A scenario is data: it can be kept, compared and used for many runs."""
    faults = Faults(rate=0.1, consumers=["email"], links=[Link(group="email")])
    assert faults == Faults(rate=0.1, consumers="email", links=Link(group="email"))
    with pytest.raises(AttributeError):
        faults.rate = 0.2
