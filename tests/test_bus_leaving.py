"""Groups in the lab that are left, and come back: what is in hand, what waits, and what was given up on."""

import pytest

from eda_lab import Consumer, Event, EventBus, Retry, handles
from eda_lab.errors import DuplicateNameError


class JobQueued(Event):
    """Work for somebody."""

    number: int = 0


def publish(bus: EventBus, jobs: int) -> None:
    """Publish so many jobs."""
    for _ in range(jobs):
        bus.publish(JobQueued())


def test_unsubscribing_drops_what_waits_and_finishes_what_is_in_hand() -> None:
    """A second member of the group keeps the queue alive; when nobody is left, it is dropped, retries included."""
    bus = EventBus()

    def fail(_: object) -> None:
        raise ConnectionError

    first = bus.subscribe(JobQueued, fail, name="first", group="team", takes=1, retry=Retry(backoff=5))
    second = bus.subscribe(JobQueued, lambda _: None, name="second", group="team", takes=3)
    publish(bus, 4)
    bus.run(until=0.5)
    first.unsubscribe()
    first.unsubscribe()
    bus.run(until=3.5)
    assert bus.trace.check_conservation().column("queued") == [1]
    second.unsubscribe()
    bus.publish(JobQueued())
    bus.run()
    assert [(d.consumer, d.attempt, d.outcome) for d in bus.trace.deliveries] == [
        ("first", 1, "failed"),
        ("second", 1, "done"),
        ("second", 1, "done"),
        ("team", 1, "dropped"),
        ("team", 2, "dropped"),
    ]
    assert bus.trace.messages[-1].queued_for == 0
    assert bus.trace.groups == ()
    bus.trace.check_conservation()


def test_a_group_that_is_subscribed_again_takes_up_its_retries_and_keeps_its_dead_letters() -> None:
    """The same name means the same group: what waits comes to the new handler, the books still balance."""
    bus = EventBus()

    def fail(job: JobQueued) -> None:
        raise (ValueError if job.number else ConnectionError)

    old = bus.subscribe(JobQueued, fail, name="team", takes=1, retry=Retry(retry_on=ConnectionError, backoff=5))
    for number in (0, 1, 2):
        bus.publish(JobQueued(number))
    bus.run(until=2.5)
    old.unsubscribe()
    assert bus.trace.check_conservation().rows == [("team", 3, 0, 1, 1, 1)]
    kept: list[int] = []
    bus.subscribe((JobQueued, "job_cancelled"), lambda job: kept.append(job.number), name="team")
    assert bus.trace.groups[0].what == ("job_queued", "job_cancelled")
    bus.trace.check_conservation()
    bus.run()
    assert kept == [0]
    assert [letter.message.data.number for letter in bus.dead_letters("team")] == [1, 2]
    bus.redrive("team")
    bus.publish("job_cancelled", JobQueued(7))
    bus.run()
    assert kept == [0, 1, 2, 7]
    assert bus.trace.check_conservation().rows == [("team", 4, 2, 4, 2)]


def test_handlers_may_subscribe_and_unsubscribe() -> None:
    """Themselves, too: what is in hand is acked; who comes gets what is published after."""
    bus = EventBus()
    late: list[int] = []

    def once(_: object) -> JobQueued:
        subscription.unsubscribe()
        bus.subscribe(JobQueued, lambda job: late.append(job.number), name="late")
        return JobQueued(5)

    subscription = bus.subscribe("start", once, name="once", retry=Retry())
    bus.publish("start", {})
    bus.publish("start", {})
    bus.run()
    assert [(d.group, d.outcome) for d in bus.trace.deliveries] == [
        ("once", "done"),
        ("once", "dropped"),
        ("late", "done"),
    ]
    assert late == [5]
    bus.trace.check_conservation()


def test_a_consumer_class_that_cannot_be_built_leaves_no_half_subscription_behind() -> None:
    """The cell is mended and run again; its name is not taken."""
    down = [True]

    class Fragile(Consumer):
        def __init__(self) -> None:
            if down:
                raise ConnectionError("no database")

        @handles(JobQueued)
        def work(self, job: JobQueued) -> None:
            pass

    bus = EventBus()
    publish(bus, 1)
    with pytest.raises(ConnectionError, match="no database"):
        bus.subscribe(JobQueued, Fragile, name="team", start="beginning")
    assert bus.trace.groups == ()
    down.clear()
    team = bus.subscribe(JobQueued, Fragile, name="team", start="beginning")
    publish(bus, 1)
    bus.run()
    assert [d.outcome for d in bus.trace.deliveries] == ["done", "done"]
    down.append(True)
    team.kill()
    with pytest.raises(ConnectionError):
        team.restart()
    assert repr(team.workers[0]) == "<team: down>"
    with pytest.raises(DuplicateNameError):
        bus.subscribe(JobQueued, Fragile, name="team")
