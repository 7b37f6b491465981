"""Outages and slow times: consumers that are down or slow for a while, by the clock, and what is done meanwhile."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Consumer, Crash, Event, EventBus, Faults, LabWarning, Link, Outage, Slow, handles


class LetterPosted(Event):
    """What the consumers of this file work on."""

    number: int


def post(faults: Faults, letters: int = 0, *, takes: Any = 1, **options: Any) -> EventBus:
    """Return a bus with one group, `mail`, that gets a letter every second."""
    bus = EventBus(faults=faults, visibility=options.pop("visibility", 30))
    bus.subscribe(LetterPosted, lambda _: None, name="mail", takes=takes, **options)
    for number in range(1, letters + 1):
        bus.publish(LetterPosted(number), at=number - 1.0)
    return bus


def notes(bus: EventBus) -> list[tuple[float, str]]:
    """Return what happened to consumers and processes, and when."""
    return [(us / 1e6, f"{who} {what}") for us, who, what in bus.columns.notes]


def spans(bus: EventBus) -> list[tuple[int, float | None, float | None, str]]:
    """Return (number, start, end, outcome) of every delivery, after a look at the books."""
    bus.trace.check_conservation()
    return [(d.message.data.number, d.started_at, d.ended_at, d.outcome) for d in bus.trace.deliveries]


# --- outages


def test_what_comes_during_an_outage_waits_for_its_end() -> None:
    """What was in hand when it began comes back after the visibility timeout; nothing is lost."""
    bus = post(Faults(outages=Outage("mail", 1.5, 4)), letters=3, visibility=5)
    bus.run()
    assert notes(bus) == [(1.5, "mail is down"), (4.0, "mail is up")]
    assert spans(bus) == [
        (1, 0.0, 1.0, "done"),
        (2, 1.0, 1.5, "crashed"),
        (2, 6.0, 7.0, "done"),
        (3, 4.0, 5.0, "done"),
    ]


def test_an_outage_from_the_beginning_is_there_before_anybody_works() -> None:
    """Who subscribes at second 0 is down from second 0."""
    bus = post(Faults(outages=Outage("mail", 0, 3)), letters=1, workers=2)
    assert [worker.state for worker in bus._engine.subscriptions["mail"].workers] == ["down", "down"]
    bus.run()
    assert spans(bus) == [(1, 3.0, 4.0, "done")]


def test_all_workers_of_the_group_are_down_and_nobody_else_is() -> None:
    """A group's other subscriptions too; another group goes on."""
    bus = post(Faults(outages=Outage("mail", 1, 9)), workers=2)
    bus.subscribe(LetterPosted, lambda _: None, name="temp", group="mail")
    bus.subscribe(LetterPosted, lambda _: None, name="archive")
    bus.publish(LetterPosted(1), at=2)
    bus.run(until=5)
    states = {name: [w.state for w in s.workers] for name, s in bus._engine.subscriptions.items()}
    assert states == {"mail": ["down", "down"], "temp": ["down"], "archive": ["up"]}
    bus.run()
    assert {name for sub in bus._engine.subscriptions.values() for name in [w.state for w in sub.workers]} == {"up"}


def test_outages_that_overlap_or_touch_are_one() -> None:
    """Whoever is down stays down until the last of them is over."""
    for outages in [
        (Outage("mail", 1, 5), Outage("mail", 3, 9)),
        (Outage("mail", 3, 9), Outage("mail", 1, 5)),
        (Outage("mail", 1, 5), Outage("mail", 5, 9)),
        (Outage("mail", 5, 9), Outage("mail", 1, 5)),
        (Outage("mail", 1, 9), Outage("mail", 2, 3), Outage("mail", 1, 9)),
    ]:
        bus = post(Faults(outages=outages))
        bus.publish(LetterPosted(1), at=2)
        bus.run()
        assert notes(bus) == [(1.0, "mail is down"), (9.0, "mail is up")]
        assert spans(bus) == [(1, 9.0, 10.0, "done")]


def test_an_outage_of_somebody_else_is_none() -> None:
    """A name is a whole name."""
    bus = post(Faults(outages=Outage("mailbox", 0, 9)), letters=1)
    with pytest.warns(LabWarning, match="faults name mailbox: there is no such group or process; there are mail$"):
        bus.run()
    assert (spans(bus), notes(bus)) == ([(1, 0.0, 1.0, "done")], [])


def test_a_run_does_not_wait_for_an_outage_that_nobody_waits_for() -> None:
    """Neither for its beginning nor for its end; a later run finds it where it is."""
    bus = post(Faults(outages=(Outage("mail", 10, 20), Outage("mail", 50, 60))), letters=1)
    bus.run()
    assert (bus.clock.now, notes(bus)) == (1.0, [])
    assert not bus.clock.has_work()
    bus.run(until=12)
    bus.run()
    assert (bus.clock.now, notes(bus)) == (12.0, [(10.0, "mail is down")])
    bus.publish(LetterPosted(2))
    assert bus.clock.has_work()
    bus.run()
    assert (bus.clock.now, spans(bus)[-1]) == (21.0, (2, 20.0, 21.0, "done"))
    assert bus.step() is None


@pytest.mark.parametrize("what", ["pause", "kill"])
def test_a_run_does_not_wait_for_an_outage_whose_end_helps_nobody(what: str) -> None:
    """The letter waits for a worker that was paused or killed by hand, and an outage is not its reason."""
    bus = post(Faults(outages=Outage("mail", 10, 20)))
    getattr(bus._engine.subscriptions["mail"], what)()
    bus.publish(LetterPosted(1))
    bus.run()
    assert (bus.clock.now, spans(bus)) == (0.0, [(1, None, None, "queued")])


def test_a_crash_just_before_an_outage_is_over_when_the_outage_is() -> None:
    """The restart that the crash would have brought falls into it, and does not happen."""
    faults = Faults(crashes=Crash("mail", "1", 1, "before ack"), down=2, outages=Outage("mail", 1.5, 9))
    bus = post(faults, letters=1)
    bus.run()
    assert notes(bus) == [(1.0, "mail is down"), (9.0, "mail is up")]
    assert [row[3] for row in spans(bus)] == ["crashed", "done"]


@pytest.mark.parametrize(("start", "end"), [(1, 3), (3, 5), (2, 3)])
def test_an_outage_may_begin_or_end_at_the_moment_of_a_crash_or_of_the_restart(start: float, end: float) -> None:
    """Down at 1 s, up at 3 s: at the same microsecond faults come in the order in which they were entered."""
    faults = Faults(crashes=Crash("mail", "1", 1, "before ack"), down=2, outages=Outage("mail", start, end))
    bus = post(faults, letters=1, visibility=10)
    bus.publish(LetterPosted(2), at=4)
    bus.run()
    assert notes(bus)[0] == (1.0, "mail is down")
    assert notes(bus)[-1] == (end, "mail is up")
    assert {row[0] for row in spans(bus) if row[3] == "done"} == {1, 2}


def test_killed_by_hand_during_an_outage_a_consumer_stays_down() -> None:
    """Who killed it brings it back; restarted by hand, it is up, whatever the outage says."""
    bus = post(Faults(outages=Outage("mail", 1, 5)))
    mail = bus._engine.subscriptions["mail"]
    bus.run(until=2)
    mail.kill()
    bus.run(until=9)
    assert mail.workers[0].state == "down"

    bus = post(Faults(outages=Outage("mail", 1, 5)))
    mail = bus._engine.subscriptions["mail"]
    bus.run(until=2)
    mail.restart()
    bus.publish(LetterPosted(1))
    bus.run(until=9)
    assert spans(bus) == [(1, 2.0, 3.0, "done")]
    assert notes(bus) == [(1.0, "mail is down"), (2.0, "mail is up")]


def test_killed_by_hand_before_an_outage_a_consumer_is_not_brought_back_by_its_end() -> None:
    """The outage did not take it down."""
    bus = post(Faults(outages=Outage("mail", 1, 5)))
    bus._engine.subscriptions["mail"].kill()
    bus.run(until=9)
    assert notes(bus) == [(0.0, "mail is down")]


@pytest.mark.parametrize("how", ["subscribes", "is hired"])
def test_who_comes_during_an_outage_begins_down(how: str) -> None:
    """And is up when it is over; who comes at its end is up."""
    for moment, states in [(2, ["down"]), (5, ["up"])]:
        bus = post(Faults(outages=Outage("mail", 1, 5)))
        bus.run(until=moment)
        if how == "subscribes":
            worker = bus.subscribe(LetterPosted, lambda _: None, name="temp", group="mail").workers[0]
        else:
            bus._engine.subscriptions["mail"].scale(2)
            worker = bus._engine.subscriptions["mail"].workers[1]
        assert [worker.state] == states
        bus.run(until=6)
        assert worker.state == "up"


def test_a_consumers_memory_is_lost_in_an_outage() -> None:
    """It is built anew, as after a crash."""
    seen: list[list[int]] = []

    class Remembers(Consumer):
        def __init__(self) -> None:
            self.letters: list[int] = []
            seen.append(self.letters)

        @handles(LetterPosted)
        def letter(self, letter: LetterPosted) -> None:
            self.letters.append(letter.number)

    bus = EventBus(faults=Faults(outages=Outage("mail", 1.5, 2.5)))
    bus.subscribe(LetterPosted, Remembers, name="mail")
    for number in range(4):
        bus.publish(LetterPosted(number), at=number)
    bus.run()
    assert seen == [[0, 1], [2, 3]]


def test_one_who_is_leaving_is_let_finish_by_an_outage() -> None:
    """Scaled away or unsubscribed, it is no member any more."""
    bus = post(Faults(outages=Outage("mail", 1, 5)), letters=1, takes=3)
    bus.run(until=0.5)
    bus._engine.subscriptions["mail"].unsubscribe()
    bus.run(until=9)
    assert spans(bus) == [(1, 0.0, 3.0, "done")]


def test_an_outage_is_there_in_a_run_by_steps_too() -> None:
    """Each beginning and each end is one of the things that happen."""
    bus = post(Faults(outages=Outage("mail", 0.5, 2)), letters=1, visibility=1)
    kinds = list(iter(lambda: getattr(bus.step(), "kind", None), None))
    assert kinds == ["started", "is down", "queued", "is up", "started", "acked"]
    assert spans(bus)[-1] == (1, 2.0, 3.0, "done")


# --- slow times


def test_what_is_taken_up_in_a_slow_time_takes_longer() -> None:
    """From its start up to its end; what was begun before goes on as it was."""
    bus = post(Faults(slow=Slow("mail", 4, 1, 6)))
    for number, at in [(1, 0.5), (2, 2), (3, 6)]:
        bus.publish(LetterPosted(number), at=at)
    bus.run()
    assert spans(bus) == [(1, 0.5, 1.5, "done"), (2, 2.0, 6.0, "done"), (3, 6.0, 7.0, "done")]
    assert notes(bus) == [(1.0, "mail needs 4 times as long"), (6.0, "mail works at its normal pace")]


def test_by_default_a_slow_time_is_all_the_time() -> None:
    """From second 0 for ever; a factor below 1 makes it fast."""
    for factor, ends in [(3, 3.0), (0.5, 0.5)]:
        bus = post(Faults(slow=Slow("mail", factor)), letters=1)
        bus.run()
        assert spans(bus) == [(1, 0.0, ends, "done")]
        assert notes(bus) == [(0.0, f"mail needs {factor:g} times as long")]


def test_slow_times_that_overlap_multiply() -> None:
    """In whatever order they are listed; and when one ends, the other is still there."""
    times = (Slow("mail", 2, 0, 20), Slow("mail", 5, 10, 30))
    for listed in (times, times[::-1]):
        bus = post(Faults(slow=listed))
        bus.run(until=40)
        assert notes(bus) == [
            (0.0, "mail needs 2 times as long"),
            (10.0, "mail needs 10 times as long"),
            (20.0, "mail needs 5 times as long"),
            (30.0, "mail works at its normal pace"),
        ]


def test_who_comes_in_a_slow_time_is_slow() -> None:
    """A new worker, and one that was restarted; and a run waits for no slow time."""
    bus = post(Faults(slow=Slow("mail", 3, 0, 50)))
    mail = bus._engine.subscriptions["mail"]
    bus.run(until=5)
    mail.scale(2)
    mail.workers[0].kill()
    mail.workers[0].restart()
    for number in (1, 2):
        bus.publish(LetterPosted(number))
    bus.run()
    assert spans(bus) == [(1, 5.0, 8.0, "done"), (2, 5.0, 8.0, "done")]
    assert bus.clock.now == 8


def test_a_slow_consumer_changes_no_draw() -> None:
    """The same service times, each times the factor."""
    drawn = [
        [d.ended_at - d.started_at for d in bus.trace.deliveries]
        for factor in (1, 3)
        for bus in [post(Faults(slow=Slow("mail", factor)), takes=lambda rng: rng.random())]
        if [bus.publish(LetterPosted(n)) for n in range(5)] and bus.run() is None
    ]
    assert drawn[1] == pytest.approx([3 * seconds for seconds in drawn[0]], abs=1e-5)


# --- names that nobody has


@pytest.mark.parametrize(
    "faults",
    [
        Faults(outages=Outage("emial", 1, 2)),
        Faults(slow=Slow("emial", 2)),
        Faults(links=Link(group="emial")),
        Faults(crashes=Crash("emial", "1", 1, 0)),
        Faults(rate=0.1, consumers=("mail", "emial")),
    ],
)
def test_faults_that_name_nobody_are_warned_of_once_at_the_first_run(faults: Faults) -> None:
    """A mistyped name is a fault that never happens; the warning shows the line of whoever runs the bus."""
    runs: list[Callable[[EventBus], object]] = [EventBus.run, EventBus.step, EventBus.settle]
    for run in runs:
        bus = post(faults)
        bus.process("street", iter([1.0]))
        with pytest.warns(LabWarning) as caught:
            run(bus)
        (warning,) = caught
        assert str(warning.message) == ("faults name emial: there is no such group or process; there are mail, street")
        assert warning.filename == __file__
        run(bus)  # and not again: warnings are errors here


def test_on_a_bus_with_nobody_at_all_the_warning_says_so() -> None:
    """Instead of an empty list."""
    with pytest.warns(LabWarning, match=r"faults name a, b: .* there are none$"):
        EventBus(faults=Faults(outages=(Outage("b", 1, 2), Outage("a", 1, 2)))).run()


def test_groups_and_processes_that_are_there_are_not_warned_of() -> None:
    """Named as a group, as a process, or as both."""
    bus = post(Faults(rate=0.1, consumers=("mail", "street")))
    bus.process("street", iter([1.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bus.run()
        EventBus(faults=Faults(rate=0.5)).run()


# --- all of it at once


moments = st.sampled_from([0.0, 0.5, 1.0, 1.5, 3.0, 3.000001, 6.0])


@settings(deadline=None, max_examples=60)
@given(
    outages=st.lists(st.tuples(moments, moments).filter(lambda pair: pair[0] < pair[1]), max_size=3),
    slow=st.lists(st.tuples(moments, moments).filter(lambda pair: pair[0] < pair[1]), max_size=2),
    rate=st.sampled_from([0.0, 0.5]),
    down=st.sampled_from([0.0, 0.5, 2.0]),
    visibility=st.sampled_from([0.0, 0.5, 4.0]),
    workers=st.integers(1, 2),
)
def test_whatever_comes_together_everything_is_done_in_the_end(
    outages: list[tuple[float, float]],
    slow: list[tuple[float, float]],
    rate: float,
    down: float,
    visibility: float,
    workers: int,
) -> None:
    """Boundaries that fall on one another included: nobody works during an outage, and all is done after it."""
    faults = Faults(
        rate=rate,
        point="before ack",
        down=down,
        outages=tuple(Outage("mail", *pair) for pair in outages),
        slow=tuple(Slow("mail", 2, *pair) for pair in slow),
    )
    bus = post(faults, letters=6, takes=0.5, workers=workers, visibility=visibility, delivery_limit=None)
    bus.run()
    assert sorted(row[0] for row in spans(bus) if row[3] == "done") == [1, 2, 3, 4, 5, 6]
    for number, start, end, _ in spans(bus):
        assert not any(first <= start < last for first, last in outages), number
        assert not any(start < first < end for first, _ in outages), number
