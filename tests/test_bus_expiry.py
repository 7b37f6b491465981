"""Messages that expire: nobody takes up what has waited too long, wherever it waited."""

from typing import Any

import pytest

from eda_lab import Event, EventBus, Faults, LabWarning, Link, Retry
from eda_lab.errors import OptionError


class OfferMade(Event):
    """An offer that is good for a while."""

    number: int


def shop(takes: float = 2, **options: Any) -> EventBus:
    """Return a bus with one group that needs two seconds for each offer."""
    bus = EventBus(**{name: options.pop(name) for name in ("faults", "visibility") if name in options})
    bus.subscribe(OfferMade, options.pop("handler", lambda _: None), name="clerk", takes=takes, **options)
    return bus


def ends(bus: EventBus) -> list[tuple[int, int, str, float | None]]:
    """Return (number, attempt, outcome, end) of every delivery, after a look at the books."""
    bus.trace.check_conservation()
    return [(d.message.data.number, d.attempt, d.outcome, d.ended_at) for d in bus.trace.deliveries]


def test_what_still_waits_in_the_queue_when_it_expires_is_not_taken_up() -> None:
    """At that very moment it leaves the queue, and those behind it come sooner; who has no limit waits."""
    bus = shop()
    for number, expires in [(1, 1.0), (2, 1.0), (3, 3.0), (4, None)]:
        bus.publish(OfferMade(number), expires=expires)
    bus.run()
    assert ends(bus) == [(1, 1, "done", 2.0), (2, 1, "expired", 1.0), (3, 1, "done", 4.0), (4, 1, "done", 6.0)]
    assert "offer_made 2 expired before clerk took it up" in bus.trace.transcript()
    metrics = bus.trace.metrics()["clerk"]
    assert (metrics.expired, metrics.done, metrics.failed, metrics.max_depth) == (1, 3, 0, 3)
    books = bus.trace.check_conservation()
    assert books.column("expired") == [1]


def test_one_that_is_worked_on_is_finished_however_long_it_takes() -> None:
    """It left the queue in time."""
    bus = shop(takes=100)
    bus.publish(OfferMade(1), expires=1)
    bus.run()
    assert ends(bus) == [(1, 1, "done", 100.0)]


def test_a_worker_that_gets_free_at_the_very_moment_is_in_time() -> None:
    """Ends of work come before timeouts, and a taken message waits no more; a microsecond later is too late."""
    for takes, outcome in [(1, "done"), (1.000001, "expired")]:
        bus = shop(takes=takes)
        bus.publish(OfferMade(1))
        bus.publish(OfferMade(2), expires=1)
        bus.run()
        assert ends(bus)[1][2] == outcome


def test_good_for_no_time_at_all_it_is_taken_up_by_an_idle_worker_or_never() -> None:
    """`expires=0` is a message for whoever is there now."""
    bus = shop()
    bus.publish(OfferMade(1), expires=0)
    bus.publish(OfferMade(2), expires=0)
    bus.run()
    assert ends(bus) == [(1, 1, "done", 2.0), (2, 1, "expired", 0.0)]


def test_nobody_there_to_take_it_a_run_still_waits_until_it_has_expired() -> None:
    """Then it is over; and nothing is waited for once a copy has left its queue."""
    bus = shop()
    bus._engine.subscriptions["clerk"].pause()
    bus.publish(OfferMade(1), expires=50)
    bus.run()
    assert (ends(bus), bus.clock.now) == ([(1, 1, "expired", 50.0)], 50.0)

    bus = shop()
    bus.publish(OfferMade(1), expires=50)
    bus.run()
    assert (ends(bus), bus.clock.now) == ([(1, 1, "done", 2.0)], 2.0)
    assert not bus.clock.has_work()


def test_what_comes_back_too_late_from_a_retry_expires() -> None:
    """It failed in time, and its pause was too long; with one second more it would have been done."""

    def work(_: object, delivery: Any) -> None:
        if delivery.attempt == 1:
            raise ConnectionError

    for expires, last in [(11.5, (1, 2, "expired", 12.0)), (12.5, (1, 2, "done", 14.0))]:
        bus = shop(handler=work, retry=Retry(backoff=10))
        bus.publish(OfferMade(1), expires=expires)
        bus.run()
        assert ends(bus) == [(1, 1, "failed", 2.0), last]


def test_what_comes_back_from_the_dead_too_late_expires() -> None:
    """A redrive does not make an old offer a good one; it is counted as redriven, and as expired."""

    def work(_: object) -> None:
        raise ConnectionError

    bus = shop(handler=work)
    bus.publish(OfferMade(1), expires=5)
    bus.run(until=60)
    assert bus.redrive("clerk") == 1
    bus.run()
    assert ends(bus) == [(1, 1, "dead lettered", 2.0), (1, 1, "expired", 60.0)]
    books = dict(zip(bus.trace.check_conservation().columns, bus.trace.check_conservation()[0], strict=True))
    assert (books["routed"], books["redriven"], books["dead lettered"], books["expired"]) == (1, 1, 1, 1)


@pytest.mark.parametrize("in_place", [True, False])
def test_a_worker_that_holds_it_meanwhile_lets_it_go(in_place: bool) -> None:
    """When its time comes it is too old; the next one is taken up."""

    def work(offer: OfferMade, delivery: Any) -> None:
        if offer.number == 1:
            raise ConnectionError

    bus = shop(handler=work, retry=Retry(backoff=10, in_place=in_place))
    bus.publish(OfferMade(1), expires=5)
    bus.publish(OfferMade(2))
    bus.run()
    assert ends(bus)[1:] == [(2, 1, "done", 14.0 if in_place else 4.0), (1, 2, "expired", 12.0)]


def test_nacked_too_late_it_expires_at_once() -> None:
    """It is not put back into the queue."""
    bus = shop(handler=lambda _, delivery: delivery.nack(), ack="manual")
    bus.publish(OfferMade(1), expires=1)
    bus.run()
    assert ends(bus) == [(1, 1, "failed", 2.0), (1, 2, "expired", 2.0)]


def test_a_delayed_message_begins_to_age_when_it_is_published() -> None:
    """By `delay` as by `at`."""
    for when in ({"delay": 100.0}, {"at": 100.0}):
        bus = shop()
        bus.publish(OfferMade(1), **when, expires=1)
        bus.publish(OfferMade(2), **when, expires=1)
        bus.run()
        assert ends(bus) == [(1, 1, "done", 102.0), (2, 1, "expired", 101.0)]


def test_a_late_group_does_not_get_from_the_log_what_has_expired() -> None:
    """The clock does not go back for it; what is still good is read, and may expire in the queue."""
    bus = shop()
    for number, expires in [(1, 5.0), (2, 12.0), (3, None), (4, 11.0)]:
        bus.publish(OfferMade(number), expires=expires)
    bus.run(until=10)
    bus.subscribe(OfferMade, lambda _: None, name="late", start="beginning", takes=2)
    assert bus.clock.now == 10
    bus.run()
    late = [row for row, d in zip(ends(bus), bus.trace.deliveries, strict=True) if d.group == "late"]
    assert late == [(1, 1, "expired", 10.0), (2, 1, "done", 12.0), (3, 1, "done", 14.0), (4, 1, "expired", 11.0)]
    times = [happening.time for happening in bus.trace.log]
    assert times == sorted(times)


def test_each_group_s_copy_expires_by_itself() -> None:
    """One is quick enough, the other is not."""
    bus = shop(takes=0.5)
    bus.subscribe(OfferMade, lambda _: None, name="slow clerk", takes=5)
    for number in (1, 2):
        bus.publish(OfferMade(number), expires=3)
    bus.run()
    assert [(d.group, d.outcome) for d in bus.trace.deliveries if d.message.data.number == 2] == [
        ("clerk", "done"),
        ("slow clerk", "expired"),
    ]


def test_a_link_may_be_too_slow_for_it() -> None:
    """It expired on its way, in both its copies."""
    bus = shop(faults=Faults(links=Link(group="clerk", delay=3, duplicate=1)))
    bus.publish(OfferMade(1), expires=2)
    bus.publish(OfferMade(2), expires=6)
    bus.run()
    assert ends(bus) == [
        (1, 1, "expired", 3.0),
        (1, 1, "expired", 3.0),
        (2, 1, "done", 5.0),
        (2, 1, "done", 7.0),
    ]


def test_a_visibility_timeout_may_be_too_long_for_it() -> None:
    """Killed with its consumer, it comes back when nobody wants it any more."""
    bus = shop(visibility=30)
    bus.publish(OfferMade(1), expires=20)
    bus.run(until=1)
    clerk = bus._engine.subscriptions["clerk"]
    clerk.kill()
    clerk.restart()
    bus.run()
    assert ends(bus) == [(1, 1, "crashed", 1.0), (1, 2, "expired", 30.0)]


def test_when_everybody_leaves_it_is_dropped_and_does_not_expire_as_well() -> None:
    """One end for each copy."""
    bus = shop()
    bus._engine.subscriptions["clerk"].pause()
    bus.publish(OfferMade(1), expires=5)
    bus.run(until=1)
    bus._engine.subscriptions["clerk"].unsubscribe()
    bus.run()
    assert ends(bus) == [(1, 1, "dropped", 1.0)]


def test_what_a_handler_publishes_by_itself_may_expire_too() -> None:
    """With a warning, as ever, and under the id that it chose."""
    bus = EventBus()
    bus.subscribe("asked", lambda _: bus.publish(OfferMade(1), expires=1, id="offer-1"), name="asks")
    clerk = bus.subscribe(OfferMade, lambda _: None, name="clerk")
    clerk.pause()
    bus.publish("asked", {})
    with pytest.warns(LabWarning, match="return the event"):
        bus.run()
    assert [(d.message.id, d.outcome, d.ended_at) for d in bus.trace.deliveries if d.group == "clerk"] == [
        ("offer-1", "expired", 1.0)
    ]


@pytest.mark.parametrize("bad", [-1, float("nan"), float("inf"), 1e300, True, "5", [5]])
def test_an_age_is_a_number_of_seconds(bad: object) -> None:
    """Nothing is published where it is not."""
    bus = shop()
    with pytest.raises(OptionError, match=r"^expires="):
        bus.publish(OfferMade(1), expires=bad)
    assert len(bus.trace.messages) == 0


def test_ten_thousand_that_expire_are_no_burden() -> None:
    """Half of them in time, the others not; the books balance."""
    bus = EventBus(wire=False, faults=Faults(rate=0.05, point="before work"))
    bus.subscribe(OfferMade, lambda _: None, name="clerk", takes=1)
    for number in range(10_000):
        bus.publish(OfferMade(number), expires=float(number % 2) * 1e6 + 5)
    bus.run()
    counts = bus.trace.metrics()["clerk"]
    assert counts.done + counts.expired == 10_000
    assert 4990 <= counts.expired <= 5000
    bus.trace.check_conservation()
