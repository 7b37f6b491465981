"""Messages that do not get done: crash loops that end, retries without an end, and a worker that waits in place."""

from collections.abc import Callable
from typing import Any

import pytest

from eda_lab import Event, EventBus, Faults, Link, Outage, Retry
from eda_lab.errors import OptionError


class ParcelPacked(Event):
    """What the consumers of this file work on."""

    number: int


def outcomes(bus: EventBus) -> list[tuple[int, str]]:
    """Return (attempt, outcome) of every delivery, after a look at the books."""
    bus.trace.check_conservation()
    return [(d.attempt, d.outcome) for d in bus.trace.deliveries]


def crash_loop(**options: Any) -> EventBus:
    """Return a bus whose consumer crashes at whatever it gets."""
    bus = EventBus(faults=Faults(rate=1, point="before work", down=0.5), visibility=2)
    bus.subscribe(ParcelPacked, lambda _: None, name="desk", **options)
    bus.publish(ParcelPacked(1))
    return bus


# --- the delivery limit


@pytest.mark.parametrize(
    ("limit", "often"), [(1, "once"), (2, "2 times"), (7, "7 times")], ids=["once", "twice", "seven times"]
)
def test_a_crash_loop_ends_at_the_delivery_limit(limit: int, often: str) -> None:
    """The message that takes every consumer down is a dead letter in the end, and says why."""
    bus = crash_loop(delivery_limit=limit)
    bus.run()
    assert outcomes(bus) == [(n, "crashed") for n in range(1, limit)] + [(limit, "dead lettered")]
    (letter,) = bus.dead_letters("desk")
    assert letter.error == f"crashed before work; it has come back {often}, which is the delivery limit"
    assert letter.attempts == limit


def test_by_default_twenty_returns_are_enough() -> None:
    """So that a run with a poison message comes to an end."""
    bus = crash_loop()
    bus.run()
    assert outcomes(bus)[-1] == (20, "dead lettered")


def test_without_a_limit_it_goes_on_for_as_long_as_the_run() -> None:
    """Every two seconds, to the end."""
    bus = crash_loop(delivery_limit=None)
    bus.run(until=1000)
    assert outcomes(bus) == [(n, "crashed") for n in range(1, 502)] + [(502, "waiting")]


def test_a_redrive_begins_to_count_anew() -> None:
    """And what was fixed meanwhile is done."""
    bus = crash_loop(delivery_limit=3)
    for life in (1, 2, 3):
        bus.run()
        assert [outcome for _, outcome in outcomes(bus)] == ["crashed", "crashed", "dead lettered"] * life
        assert bus.redrive("desk") == 1


def test_kills_count_and_so_do_nacks_and_deliveries_that_nobody_settled() -> None:
    """Whatever hands a message back unacked; failures that go by the retry do not."""

    def work(_: object, delivery: Any) -> None:
        if delivery.attempt == 1:
            delivery.nack()
        elif delivery.attempt in (3, 4):
            raise ConnectionError

    bus = EventBus(visibility=5)
    desk = bus.subscribe(
        ParcelPacked, work, name="desk", takes=1, ack="manual", delivery_limit=4, retry=Retry(max_attempts=None)
    )
    bus.publish(ParcelPacked(1))
    bus.run(until=20.5)  # nacked, ended without an ack, failed twice
    assert outcomes(bus) == [(1, "failed"), (2, "failed"), (3, "failed"), (4, "failed"), (5, "in flight")]
    desk.kill()
    desk.restart()
    bus.run()
    assert outcomes(bus)[4:] == [(5, "crashed"), (6, "dead lettered")]
    (letter,) = bus.dead_letters()
    assert letter.error == "ended without an ack; it has come back 4 times, which is the delivery limit"


def test_a_kill_that_is_one_too_many_leaves_a_dead_letter() -> None:
    """Killed by hand, it says so."""
    bus = EventBus()
    desk = bus.subscribe(ParcelPacked, lambda _: None, name="desk", takes=1, delivery_limit=1)
    bus.publish(ParcelPacked(1))
    bus.run(until=0.5)
    desk.kill()
    assert outcomes(bus) == [(1, "dead lettered")]
    (letter,) = bus.dead_letters()
    assert letter.error.startswith("its consumer was killed; it has come back once")


def test_each_copy_of_a_doubled_message_has_its_own_count() -> None:
    """Both copies crash their consumers three times, and both are dead letters then."""
    link = Link(group="desk", duplicate=1)
    bus = EventBus(faults=Faults(rate=1, point="before work", links=link), visibility=2)
    bus.subscribe(ParcelPacked, lambda _: None, name="desk", delivery_limit=3)
    bus.publish(ParcelPacked(1))
    bus.run()
    assert sorted(outcomes(bus)) == sorted([(1, "crashed"), (2, "crashed"), (3, "dead lettered")] * 2)
    assert len(bus.dead_letters()) == 2


def test_the_strictest_member_of_a_group_ends_the_loop() -> None:
    """A message that came back often enough for one of them dies in its hands, however late it gets there."""
    bus = EventBus(faults=Faults(rate=1, point="before work", down=0), visibility=0)
    patient = bus.subscribe(ParcelPacked, lambda _: None, name="patient", group="desk", delivery_limit=None)
    bus.publish(ParcelPacked(1))
    bus.run(max_events=200)
    patient.pause()
    bus.subscribe(ParcelPacked, lambda _: None, name="strict", group="desk", delivery_limit=2)
    bus.run()
    assert outcomes(bus)[-1][1] == "dead lettered"
    assert "which is the delivery limit" in bus.dead_letters()[0].error


@pytest.mark.parametrize("limit", [0, -1, 1.5, "3", True, float("inf")])
def test_a_limit_is_a_whole_number_or_none(limit: object) -> None:
    """The error says so."""
    with pytest.raises(OptionError, match=r"delivery_limit=.*give a whole number of at least 1"):
        EventBus().subscribe(ParcelPacked, lambda _: None, delivery_limit=limit)


# --- redriving


def dead(letters: int, attempts: int = 1) -> EventBus:
    """Return a bus with some dead letters, whose handler has been mended."""
    broken = [True]

    def work(_: object) -> None:
        if broken:
            raise ConnectionError

    bus = EventBus()
    bus.subscribe(ParcelPacked, work, name="desk", retry=Retry(max_attempts=attempts))
    for number in range(letters):
        bus.publish(ParcelPacked(number))
    bus.run()
    broken.clear()
    return bus


def test_what_is_chosen_is_redriven_in_the_order_in_which_it_died() -> None:
    """However many there are."""
    bus = dead(40, attempts=2)
    seen: list[int] = []
    assert bus.redrive("desk", where=lambda letter: not seen.append(letter.message.data.number)) == 40
    assert seen == list(range(40))
    bus.run()
    done = [d.message.data.number for d in bus.trace.deliveries if d.outcome == "done"]
    assert done == list(range(40))
    bus.trace.check_conservation()


def test_a_choice_that_raises_or_redrives_by_itself_does_no_harm() -> None:
    """Nothing is redriven twice, and nothing at all where the choice could not be made."""
    bus = dead(4)
    with pytest.raises(ZeroDivisionError):
        bus.redrive("desk", where=lambda letter: 1 / (letter.message.data.number - 2))
    assert len(bus.dead_letters()) == 4
    redriven = bus.redrive("desk", where=lambda letter: bus.redrive("desk", lambda other: other == letter) or True)
    assert redriven == 0
    bus.run()
    books = bus.trace.check_conservation()
    assert (books.column("redriven"), books.column("done")) == ([4], [4])


@pytest.mark.parametrize("where", ["timeout", 5, True, [1]])
def test_a_choice_is_a_function(where: Any) -> None:
    """The error says of what, also where there is nothing to redrive."""
    for bus in (dead(2), dead(0)):
        with pytest.raises(OptionError, match=r"where=.*: give a function of the dead letter that says whether to"):
            bus.redrive("desk", where=where)
    with pytest.raises(OptionError, match="give one of desk"):
        bus.redrive("nobody", where=where)


# --- without an end


def test_without_a_limit_of_attempts_a_message_is_tried_until_it_is_done() -> None:
    """With the longest pause in between from some attempt on."""
    bus = EventBus()

    def work(_: object, delivery: Any) -> None:
        if delivery.attempt < 50:
            raise ConnectionError

    bus.subscribe(ParcelPacked, work, name="desk", retry=Retry(max_attempts=None, backoff=1, max_backoff=4))
    bus.publish(ParcelPacked(1))
    bus.run()
    assert outcomes(bus) == [(n, "failed") for n in range(1, 50)] + [(50, "done")]
    assert bus.clock.now == 1 + 2 + 4 * 47


# --- in place


def held_bus(workers: int = 1, orders: int = 3, *, fails: int = 1, faults: Faults | None = None) -> EventBus:
    """Return a bus whose first parcel fails at first and is held for ten seconds each time, at second 1."""

    def work(parcel: ParcelPacked, delivery: Any) -> None:
        if parcel.number == 1 and delivery.attempt <= fails:
            raise ConnectionError

    bus = EventBus(faults=faults)
    bus.subscribe(
        ParcelPacked,
        work,
        name="desk",
        takes=1,
        workers=workers,
        retry=Retry(max_attempts=None, backoff=10, in_place=True),
    )
    for number in range(1, orders + 1):
        bus.publish(ParcelPacked(number))
    bus.run(until=2)
    return bus


def starts(bus: EventBus) -> list[tuple[int, int, str, float | None]]:
    """Return (number, attempt, consumer, start), in the order of their starts."""
    bus.trace.check_conservation()
    rows = [(d.message.data.number, d.attempt, d.consumer, d.started_at) for d in bus.trace.deliveries]
    return sorted(rows, key=lambda row: (row[3] is None, row[3] or 0, row[0]))


def test_a_worker_that_waits_in_place_keeps_the_order_and_blocks_the_queue() -> None:
    """Held from 1 s to 11 s; by default the others would have gone by."""
    bus = held_bus()
    assert outcomes(bus) == [(1, "failed"), (1, "queued"), (1, "queued"), (2, "waiting")]
    assert repr(bus._engine.subscriptions["desk"].workers[0]) == "<desk: idle>"
    bus.run()
    assert starts(bus) == [(1, 1, "desk", 0.0), (1, 2, "desk", 11.0), (2, 1, "desk", 12.0), (3, 1, "desk", 13.0)]


def test_a_poison_message_tried_in_place_for_ever_lets_nothing_by() -> None:
    """Of those behind it none is done, whatever the time."""
    bus = held_bus(orders=6, fails=10**9)
    bus.run(until=100_000)
    assert bus.trace.metrics()["desk"].done == 0
    assert bus.trace.check_conservation().column("queued") == [5]


def test_other_workers_go_on_meanwhile() -> None:
    """Only the one that holds the message is blocked."""
    bus = held_bus(workers=2)
    bus.run()
    assert starts(bus) == [(1, 1, "desk", 0.0), (2, 1, "desk-2", 0.0), (3, 1, "desk-2", 1.0), (1, 2, "desk", 11.0)]


def test_paused_while_it_holds_a_message_a_worker_gives_it_up_when_its_time_has_come() -> None:
    """Another one takes it, or it waits at the head of the queue for whoever comes."""
    bus = held_bus(workers=2, orders=1)
    desk = bus._engine.subscriptions["desk"]
    desk.workers[0].pause()
    bus.run()
    assert starts(bus)[-1] == (1, 2, "desk-2", 11.0)

    bus = held_bus()
    desk = bus._engine.subscriptions["desk"]
    desk.pause()
    bus.run()
    assert starts(bus)[1:] == [(1, 2, "desk", None), (2, 1, "desk", None), (3, 1, "desk", None)]
    desk.resume()
    bus.run()
    assert [row[0] for row in starts(bus)] == [1, 1, 2, 3]


def test_paused_and_resumed_in_time_it_goes_on_holding() -> None:
    """A pause that is over changes nothing."""
    bus = held_bus()
    desk = bus._engine.subscriptions["desk"]
    desk.pause()
    bus.run(until=5)
    desk.resume()
    bus.run()
    assert starts(bus) == [(1, 1, "desk", 0.0), (1, 2, "desk", 11.0), (2, 1, "desk", 12.0), (3, 1, "desk", 13.0)]


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_while_it_holds_a_message_the_worker_loses_it_to_the_queue(workers: int) -> None:
    """To its head and at once; a colleague takes it, or whoever is restarted."""
    bus = held_bus(workers=workers, orders=3 if workers == 1 else 1)
    desk = bus._engine.subscriptions["desk"]
    desk.workers[0].kill()
    bus.run(until=5)
    if workers == 1:
        assert outcomes(bus)[-1] == (2, "queued")
        desk.restart()
    bus.run()
    taker, start = ("desk-2", 2.0) if workers == 2 else ("desk", 5.0)
    assert starts(bus)[1] == (1, 2, taker, start)
    assert [d.queued_at for d in bus.trace.deliveries if d.attempt == 2] == [2.0]


def test_an_outage_takes_the_message_out_of_its_hands_too() -> None:
    """Down from 5 s to 20 s: it is tried again when the consumer is up."""
    bus = held_bus(faults=Faults(outages=Outage("desk", 5, 20)))
    bus.run()
    assert starts(bus) == [(1, 1, "desk", 0.0), (1, 2, "desk", 20.0), (2, 1, "desk", 21.0), (3, 1, "desk", 22.0)]


def test_scaled_away_while_it_holds_a_message_a_worker_hands_it_on_in_time() -> None:
    """At its own time, at the head of the queue."""
    bus = held_bus(workers=2, orders=1)
    desk = bus._engine.subscriptions["desk"]
    holder = desk.workers[0]
    desk.workers.reverse()  # scale takes away the last
    desk.scale(1)
    assert (holder.state, holder.held >= 0) == ("gone", True)
    bus.run()
    assert starts(bus)[-1] == (1, 2, "desk-2", 11.0)


def test_when_everybody_leaves_what_is_held_is_dropped_in_its_time() -> None:
    """And one who joins before that takes it over."""
    for joins in (False, True):
        bus = held_bus()
        bus._engine.subscriptions["desk"].unsubscribe()
        if joins:
            bus.subscribe(ParcelPacked, lambda _: None, name="desk")
        bus.run()
        assert outcomes(bus)[-1] == (2, "done" if joins else "dropped")
        assert bus.trace.deliveries[-1].ended_at == 11.0


def test_a_message_that_fails_while_its_worker_is_paused_waits_outside() -> None:
    """A paused worker takes nothing more, so it holds nothing either."""
    bus = EventBus()

    def work(_: object, delivery: Any) -> None:
        if delivery.attempt == 1:
            desk.pause()
            raise ConnectionError

    desk = bus.subscribe(ParcelPacked, work, name="desk", retry=Retry(backoff=5, in_place=True))
    bus.publish(ParcelPacked(1))
    bus.run()
    assert outcomes(bus) == [(1, "failed"), (2, "queued")]
    desk.resume()
    bus.run()
    assert outcomes(bus) == [(1, "failed"), (2, "done")]


def test_resumed_before_the_pause_is_over_it_serves_others_meanwhile() -> None:
    """It was paused when it failed, so it does not hold the message, and has its hands free."""
    bus = EventBus()

    def work(parcel: ParcelPacked, delivery: Any) -> None:
        if parcel.number == 1 and delivery.attempt == 1:
            desk.pause()
            raise ConnectionError

    desk = bus.subscribe(ParcelPacked, work, name="desk", retry=Retry(backoff=5, in_place=True))
    for number in (1, 2):
        bus.publish(ParcelPacked(number))
    bus.run(until=1)
    desk.resume()
    bus.run()
    assert starts(bus) == [(1, 1, "desk", 0.0), (2, 1, "desk", 1.0), (1, 2, "desk", 5.0)]


def test_killed_in_the_attempt_after_the_wait_it_does_not_hold_the_message_any_more() -> None:
    """That comes back after the visibility timeout, as any other would, and the rest goes on."""
    bus = held_bus()
    desk = bus._engine.subscriptions["desk"]
    bus.run(until=11.5)
    desk.kill()
    desk.restart()
    bus.run()
    assert [row[:2] for row in starts(bus)] == [(1, 1), (1, 2), (2, 1), (3, 1), (1, 3)]
    assert starts(bus)[-1][3] == 41.0


def test_retries_in_place_and_outside_draw_the_same_pauses() -> None:
    """One toggle changes where the message waits, not for how long."""

    def pauses(in_place: bool) -> list[float]:
        bus = EventBus(seed=4)
        retry = Retry(max_attempts=6, jitter=1, in_place=in_place)
        bus.subscribe(ParcelPacked, fail, name="desk", retry=retry)
        bus.publish(ParcelPacked(1))
        bus.run()
        return [d.queued_at for d in bus.trace.deliveries]

    fail: Callable[[object], object] = lambda _: 1 / 0  # noqa: E731
    assert pauses(True) == pauses(False)
