"""Ctrl-C, for real: it stops a run between two things or inside a handler, and the bus can be run again."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import FrameType

import pytest

import eda_lab
from eda_lab import Crash, Delivery, Event, EventBus, Faults, LabWarning, Link, Outage, Retry, exponential, sleep
from eda_lab.clock import Clock, in_lab
from eda_lab.columns import Outcome
from eda_lab.effects import CardProvider
from eda_lab.faults import crash_point, current_plan

pytestmark = pytest.mark.usefixtures("terminal")


class Pinged(Event):
    """Something to work on."""

    number: int


@pytest.fixture
def terminal() -> Iterator[None]:
    """Let Ctrl-C do what it does in a terminal and in a notebook, however the tests were started."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    after = signal.signal(signal.SIGINT, before)
    assert after is signal.default_int_handler, "a run has to put back what it found"


def ctrl_c() -> None:
    """Press Ctrl-C now."""
    signal.raise_signal(signal.SIGINT)


def once(action: Callable[[], None]) -> Callable[[], bool]:
    """Return a function that acts at its first call alone, and says whether it did."""
    calls = count()

    def act() -> bool:
        first = next(calls) == 0
        if first:
            action()
        return first

    return act


def busy_bus(press_at: int) -> EventBus:
    """Return a bus with a queue of work, whose n-th service time is drawn while somebody presses Ctrl-C."""
    draws = count(1)
    draw = exponential(0.5)

    def takes(rng: object) -> float:
        if next(draws) == press_at:
            ctrl_c()
        return draw(rng)

    def pong(ping: Pinged, delivery: object) -> Pinged | None:
        if ping.number % 3 == 0 and delivery.attempt == 1:
            raise ConnectionError
        return Pinged(-ping.number) if ping.number > 0 else None

    bus = EventBus(seed=3)
    bus.subscribe(Pinged, pong, name="pong", workers=2, takes=takes, retry=Retry(max_attempts=2, jitter=1))
    bus.subscribe(Pinged, lambda _: None, name="count", takes=0.1)
    for number in range(10):
        bus.publish(Pinged(number))
    return bus


@pytest.mark.parametrize("press_at", [1, 2, 7, 20])
def test_between_two_things_nothing_is_half_done_and_nothing_changes(press_at: int) -> None:
    """The run stops, the books balance, and the run that goes on is the run that would have been."""
    whole, stopped = busy_bus(press_at=0), busy_bus(press_at)
    whole.run()
    with pytest.raises(KeyboardInterrupt):
        stopped.run()
    stopped.trace.check_conservation()
    assert len(stopped.columns.log) < len(whole.columns.log)
    stopped.run()
    assert stopped.trace.transcript() == whole.trace.transcript()


def test_a_handler_that_hangs_is_broken_off_and_its_attempt_is_made_again() -> None:
    """A learner's endless loop costs a key press, not the kernel."""
    bus, tries = EventBus(), []
    alarm = threading.Timer(0.03, os.kill, [os.getpid(), signal.SIGINT])

    def hang_at_first(event: Pinged) -> None:
        tries.append(event.number)
        if len(tries) == 1:
            alarm.start()
            while True:
                pass

    bus.subscribe(Pinged, hang_at_first, name="loop", takes=1)
    bus.publish(Pinged(1))
    with pytest.raises(KeyboardInterrupt):
        bus.run()
    alarm.join()
    assert bus.trace.deliveries[0].outcome == "in flight"
    bus.trace.check_conservation()
    bus.publish(Pinged(2))
    bus.run()
    assert tries == [1, 1, 2]
    assert [(d.outcome, d.attempt, d.ended_at) for d in bus.trace.deliveries] == [("done", 1, 1.0), ("done", 1, 2.0)]
    bus.trace.check_conservation()


def test_what_a_broken_off_handler_published_by_itself_keeps_its_id() -> None:
    """The second try is the same attempt: what it publishes is a repeat, and can be recognised as one."""
    bus = EventBus()

    def publish_then_stop(_: object) -> None:
        bus.publish("made", {})
        stop()

    stop = once(ctrl_c)
    bus.subscribe("asked", publish_then_stop, name="maker")
    bus.publish("asked", {})
    with pytest.warns(LabWarning, match="return the event"), pytest.raises(KeyboardInterrupt):
        bus.run()
    bus.run()
    assert [message.id for message in bus.trace.messages] == ["1", "checkout-1/maker.1", "checkout-1/maker.1"]


def test_an_async_handler_is_broken_off_in_its_second_half_and_begins_anew() -> None:
    """A coroutine that was interrupted cannot be woken again."""
    bus, halves = EventBus(), []

    async def two_halves(_: object) -> None:
        halves.append("first")
        await sleep(1)
        stop()
        halves.append("second")

    stop = once(ctrl_c)
    bus.subscribe("asked", two_halves, name="halves")
    bus.publish("asked", {})
    with pytest.raises(KeyboardInterrupt):
        bus.run()
    bus.run()
    assert halves == ["first", "first", "second"]
    assert bus.clock.now == 2.0
    assert bus.trace.deliveries[0].outcome == "done"


def test_a_planned_crash_still_happens_where_it_was_planned() -> None:
    """Crash points are counted anew when the attempt is made again."""
    bus, reached = EventBus(faults=Faults(crashes=Crash("steps", "1", 1, 2))), []

    def three_steps(_: object) -> None:
        for step in ("one", "two", "three"):  # points 1, 2 and 3; 0 is "before work"
            crash_point(step)
            reached.append(step)
            stop()

    stop = once(ctrl_c)
    bus.subscribe("asked", three_steps, name="steps")
    bus.publish("asked", {})
    with pytest.raises(KeyboardInterrupt):
        bus.run()
    bus.run()
    assert reached == ["one", "one", "one", "two", "three"]
    assert [(d.attempt, d.error) for d in bus.trace.deliveries] == [(1, "crashed two"), (2, None)]


def test_a_process_that_publishes_without_end_stops_between_two_events() -> None:
    """Its generator is not harmed: it goes on where it stopped."""
    bus, open_ = EventBus(), [True]

    def flood() -> Iterator[Pinged]:
        for number in count():
            if number == 5:
                ctrl_c()
            if not open_:
                return
            yield Pinged(number)

    bus.subscribe(Pinged, lambda _: None, name="sink")
    bus.process("flood", flood())
    with pytest.raises(KeyboardInterrupt):
        bus.run()
    assert [message.data.number for message in bus.trace.messages] == [0, 1, 2, 3, 4, 5]
    bus.trace.check_conservation()
    open_.clear()
    bus.run()
    assert [d.outcome for d in bus.trace.deliveries] == ["done"] * 6


def test_a_process_that_hangs_takes_two_presses() -> None:
    """The first waits for a good moment that never comes; the second ends the generator, and the bus goes on."""
    bus = EventBus()

    def hang() -> Iterator[float]:
        yield 1.0
        ctrl_c()
        ctrl_c()
        raise AssertionError("this is never reached")

    bus.process("stuck", hang())
    bus.subscribe(Pinged, lambda _: None, name="sink")
    bus.publish(Pinged(1), at=2)
    with pytest.raises(KeyboardInterrupt):
        bus.run()
    bus.run()
    assert bus.trace.deliveries[0].outcome == "done"
    bus.trace.check_conservation()


def test_a_service_time_that_hangs_is_asked_for_again() -> None:
    """What was to be started stays in the queue, and is started by the next run."""
    bus = EventBus()

    def takes(_: object) -> float:
        press_twice()
        return 1.0

    press_twice = once(lambda: [ctrl_c(), ctrl_c()])
    bus.subscribe(Pinged, lambda _: None, name="slow", takes=takes)
    bus.publish(Pinged(1))
    with pytest.raises(KeyboardInterrupt):
        bus.run()
    bus.trace.check_conservation()
    bus.run()
    assert [(d.outcome, d.ended_at) for d in bus.trace.deliveries] == [("done", 1.0)]


def test_a_press_during_the_last_thing_of_a_slice_is_neither_lost_nor_late() -> None:
    """Where nothing comes after, the run itself ends with it; the next run knows nothing of it."""
    for limit in (1, None):
        clock = Clock()
        clock.at(1, lambda _: ctrl_c(), None)
        with pytest.raises(KeyboardInterrupt):
            clock.run(limit=limit)
        assert not clock.has_work()
        assert clock.run() == 0


def test_an_error_in_the_same_moment_leaves_no_interrupt_behind() -> None:
    """The run ends with the error; the press ended it, too, and is not held against the next run."""
    clock = Clock()

    def press_and_fail(_: object) -> None:
        ctrl_c()
        raise ZeroDivisionError

    clock.at(1, press_and_fail, None)
    with pytest.raises(ZeroDivisionError):
        clock.run()
    assert clock.run() == 0


def test_somebody_elses_ctrl_c_is_left_alone() -> None:
    """Where a program handles the signal by itself, a run does not get in between."""
    presses: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: presses.append(number))
    clock = Clock()
    clock.at(1, lambda _: ctrl_c(), None)
    clock.run()
    assert presses == [signal.SIGINT]
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_in_another_thread_a_run_touches_no_signal() -> None:
    """Python lets only the main thread set a signal handler."""
    bus, errors = EventBus(), []
    bus.subscribe(Pinged, lambda _: None, name="sink")
    bus.publish(Pinged(1))

    def run() -> None:
        try:
            bus.run()
        except ValueError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert (errors, bus.trace.deliveries[0].outcome) == ([], "done")


# --- wherever it comes


def troubled_bus() -> EventBus:
    """Return a bus in all kinds of trouble: crashes, retries in place, an outage, a bad link, acks by hand, a relay."""
    customers, card = iter(range(1, 4)), CardProvider()
    crashes = (
        Crash("pay", "1", 1, "before card.charge"),
        Crash("count", "3", 1, "before work"),
        Crash("teller", "2", 1, "after ack"),
        Crash("checkout", "2", 1, "after publish"),
    )
    link, outage = Link(group="pay", duplicate=0.3, delay=0.1), Outage("count", 0.5, 1)

    def pay(ping: Pinged, delivery: Delivery) -> Pinged | None:
        card.charge(str(ping.number), 1)
        if ping.number == 2 and delivery.attempt == 1:
            raise ConnectionError
        return Pinged(-ping.number) if ping.number > 0 else None

    async def teller(ping: Pinged, delivery: Delivery) -> None:
        await sleep(0.1)
        delivery.ack() if ping.number % 3 else delivery.reject()
        await sleep(0.2)

    def checkout() -> Iterator[object]:
        for number in customers:
            card.charge(str(number), 2)
            yield Pinged(number)
            yield 0.05

    def relay() -> Iterator[object]:
        while True:
            yield 0.5

    bus = EventBus(seed=1, visibility=2, faults=Faults(crashes=crashes, links=link, outages=outage))
    bus.subscribe(Pinged, pay, name="pay", takes=0.2, retry=Retry(in_place=True))
    bus.subscribe(Pinged, lambda _: None, name="count", workers=2, ack="before", takes=0.1)
    bus.subscribe(Pinged, teller, name="teller", ack="manual")
    bus.process("checkout", checkout)
    bus.process("relay", relay, background=True)
    return bus


def run_and_press(place: int) -> tuple[EventBus, bool, list[str]]:
    """Run the troubled bus, press Ctrl-C at one place; return it, whether it was stopped, and the file of each place.

    A place is where Python looks for signals in the code of the lab: where a function begins, where a call returns.
    """
    bus, seen, pressed, stopped = troubled_bus(), [], False, False
    folder = str(Path(eda_lab.__file__).parent)

    def look(frame: FrameType, event: str, _: object) -> None:
        nonlocal pressed
        if event in ("call", "c_return") and frame.f_code.co_filename.startswith(folder):
            seen.append(Path(frame.f_code.co_filename).stem)
            if len(seen) == place + 1:
                pressed = True
                ctrl_c()

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        bus.run()
    except KeyboardInterrupt:
        stopped = True
    finally:
        sys.setprofile(before)
    return bus, stopped or not pressed, seen


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")  # where it came just before its first line
def test_wherever_it_comes_the_bus_is_as_usable_as_before() -> None:
    """Nothing is lost, nothing is in two hands, no crash plan is left behind, and the next run does the rest."""
    bus, _, places = run_and_press(-1)
    assert set(bus.columns.outcome) >= {Outcome.DONE, Outcome.CRASHED, Outcome.FAILED, Outcome.LOST, Outcome.REJECTED}
    assert len(places) > 2000
    where_plans_are_set = [place for place, file in enumerate(places) if file == "attempt"]
    for place in [*range(0, len(places) - 10, 19), *where_plans_are_set[:60]]:
        bus, stopped, _ = run_and_press(place)
        assert stopped
        assert (bus.clock.busy, current_plan.get(), in_lab.get()) == (None, None, False)
        bus.trace.check_conservation()
        bus.run()
        books = bus.trace.check_conservation()
        assert not {"in flight", "waiting", "queued"} & {*books.columns}
        times = [happening.time for happening in bus.trace.log]
        assert times == sorted(times)


def test_an_ack_of_a_handler_that_was_broken_off_is_taken_back() -> None:
    """It begins anew and may ack again, or nack; the log has the one that counts."""
    for again, outcomes in [("ack", ["done"]), ("nack", ["failed", "done"])]:
        tries: list[str] = []

        def work(
            _: object, delivery: Delivery, tries: list[str] = tries, again: str = again, stop: object = once(ctrl_c)
        ) -> None:
            tries.append("try")
            getattr(delivery, again if len(tries) == 2 else "ack")()
            stop()

        bus = EventBus()
        bus.subscribe(Pinged, work, name="work", ack="manual")
        bus.publish(Pinged(1))
        with pytest.raises(KeyboardInterrupt):
            bus.run()
        assert bus.columns.acked == {}
        bus.trace.check_conservation()
        bus.run()
        assert [d.outcome for d in bus.trace.deliveries] == outcomes
        assert len(bus.columns.acked) == 1
        bus.trace.check_conservation()


def test_one_that_acked_before_the_work_keeps_its_place_among_the_crash_points() -> None:
    """Broken off and begun anew, it crashes where it would have crashed."""
    card, stop = CardProvider(), once(ctrl_c)

    def pay(_: object) -> None:
        stop()
        card.charge("1", 100)

    for point in (3, "after card.charge"):
        stop = once(ctrl_c)
        bus = EventBus(faults=Faults(crashes=Crash("pay", "1", 1, point)))
        bus.subscribe(Pinged, pay, name="pay", ack="before")
        bus.publish(Pinged(1))
        with pytest.raises(KeyboardInterrupt):
            bus.run()
        bus.run()
        assert [d.error for d in bus.trace.deliveries] == ["crashed after card.charge"]
        bus.trace.check_conservation()
