"""Workers in the lab: paused, slowed and scaled, while idle, busy, or just about to begin."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from eda_lab import Event, EventBus, Faults
from eda_lab.errors import OptionError


class JobQueued(Event):
    """Work for somebody."""

    number: int = 0


def done_by(bus: EventBus) -> list[tuple[str, float, float | None]]:
    """Return who took up each delivery, when, and when it ended."""
    return [(d.consumer, d.started_at, d.ended_at) for d in bus.trace.deliveries if d.started_at is not None]


def team(workers: int = 1, takes: Any = 1.0, **options: Any) -> tuple[EventBus, Any]:
    """Return a bus, and its only subscription."""
    bus = EventBus()
    return bus, bus.subscribe(JobQueued, lambda _: None, name="team", workers=workers, takes=takes, **options)


def publish(bus: EventBus, jobs: int) -> None:
    """Publish so many jobs."""
    for _ in range(jobs):
        bus.publish(JobQueued())


def test_workers_of_a_group_take_turns() -> None:
    """The one that has been idle longest is next, so five jobs of a second need two seconds from three workers."""
    bus, subscription = team(workers=3)
    publish(bus, 5)
    bus.run()
    assert done_by(bus) == [
        ("team", 0.0, 1.0),
        ("team-2", 0.0, 1.0),
        ("team-3", 0.0, 1.0),
        ("team", 1.0, 2.0),
        ("team-2", 1.0, 2.0),
    ]
    assert repr(subscription) == "<team listens to job_queued, 3 workers>"
    assert [repr(worker) for worker in subscription.workers] == ["<team: idle>", "<team-2: idle>", "<team-3: idle>"]


def test_a_service_time_is_a_number_or_drawn_from_the_subscriptions_own_generator() -> None:
    """What another subscription draws, or whether it is there at all, changes nothing."""

    def drawn(others: bool) -> list[float]:
        bus = EventBus(seed=5)
        if others:
            bus.subscribe(JobQueued, lambda _: None, name="other", takes=lambda rng: rng.random())
        bus.subscribe(JobQueued, lambda _: None, name="team", takes=lambda rng: rng.random())
        publish(bus, 3)
        bus.run()
        return [d.ended_at - d.started_at for d in bus.trace.deliveries if d.group == "team"]

    rng = Random("5/team/service")
    assert drawn(others=True) == drawn(others=False) == pytest.approx([rng.random() for _ in range(3)], abs=1e-6)


def test_a_paused_worker_finishes_what_it_has_and_takes_nothing_more() -> None:
    """Its queue waits; `resume` goes on at that moment. What is not up cannot be paused, what is not paused resumed."""
    bus, subscription = team()
    publish(bus, 2)
    bus.run(until=0.5)
    subscription.pause()
    subscription.restart()
    bus.run(until=10)
    assert done_by(bus) == [("team", 0.0, 1.0)]
    assert repr(subscription.workers[0]) == "<team: paused>"
    subscription.resume()
    subscription.resume()
    bus.run()
    assert done_by(bus) == [("team", 0.0, 1.0), ("team", 10.0, 11.0)]
    subscription.kill()
    subscription.pause()
    subscription.resume()
    assert repr(subscription.workers[0]) == "<team: down>"
    assert [(t / 1e6, what) for t, _, what in bus.columns.notes] == [
        (0.5, "is paused"),
        (10.0, "is up"),
        (11.0, "is down"),
    ]


AWAY: list[Callable[[Any], None]] = [
    lambda subscription: subscription.workers[0].pause(),
    lambda subscription: subscription.workers[0].kill(),
    lambda subscription: (subscription.workers.reverse(), subscription.scale(1)),
]


@pytest.mark.parametrize("away", AWAY, ids=["pause", "kill", "scale"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("jobs", [1, 3])
def test_one_that_goes_away_leaves_its_turn_to_another(away: Callable[[Any], None], when: str, jobs: int) -> None:
    """Whether it was idle, or called already but not begun: the job does not wait for it while another is free."""
    bus, subscription = team(workers=2)
    if when == "before":
        away(subscription)
        publish(bus, jobs)
    else:
        publish(bus, jobs)
        away(subscription)
    bus.run()
    assert done_by(bus) == [("team-2", float(n), float(n + 1)) for n in range(jobs)]
    bus.trace.check_conservation()


def test_one_that_comes_back_while_called_begins_once() -> None:
    """Paused and resumed before it began, it is called twice, and takes one job."""
    bus, subscription = team(workers=2)
    publish(bus, 2)
    for _ in range(3):
        subscription.pause()
        subscription.resume()
    subscription.workers[1].kill()
    subscription.workers[1].restart()
    bus.run()
    assert done_by(bus) == [("team", 0.0, 1.0), ("team-2", 0.0, 1.0)]
    publish(bus, 3)
    bus.run()
    assert bus.clock.now == 3.0
    bus.trace.check_conservation()


def test_slow_multiplies_what_begins_from_now_on() -> None:
    """Of one worker or of all; an async handler's sleeps as well. One slowed beyond measure is not done in our time."""
    bus, subscription = team(workers=2, takes=6.0)
    subscription.workers[0].slow(3)
    publish(bus, 2)
    bus.run(until=1)
    subscription.slow(0.5)
    bus.run()
    publish(bus, 2)
    bus.run()
    assert done_by(bus) == [
        ("team", 0.0, 18.0),
        ("team-2", 0.0, 6.0),
        ("team-2", 18.0, 21.0),
        ("team", 18.0, 21.0),
    ]
    subscription.slow(1e12)
    publish(bus, 1)
    bus.run()
    bus.run()
    assert (bus.clock.now, bus.trace.deliveries[-1].outcome) == (21.0, "in flight")
    for bad in (0, -1, True, "2", float("nan")):
        with pytest.raises(OptionError, match="factor="):
            subscription.slow(bad)


def test_scaling_up_and_down_while_busy() -> None:
    """Those who leave finish what they have in hand; new ones get new names and begin at once."""
    bus, subscription = team(workers=3)
    publish(bus, 7)
    bus.run(until=0.5)
    subscription.scale(1)
    assert subscription.workers[0].state == "up"
    bus.run(until=1.5)
    subscription.scale(2)
    bus.run()
    assert done_by(bus) == [
        ("team", 0.0, 1.0),
        ("team-2", 0.0, 1.0),
        ("team-3", 0.0, 1.0),
        ("team", 1.0, 2.0),
        ("team-4", 1.5, 2.5),
        ("team", 2.0, 3.0),
        ("team-4", 2.5, 3.5),
    ]
    bus.trace.check_conservation()
    for bad in (0, -1, True, 1.5, "2", None):
        with pytest.raises(OptionError, match="workers="):
            subscription.scale(bad)


def test_a_run_has_room_for_32_768_workers_in_a_group() -> None:
    """Their number fits into its column, or it is said that it does not."""
    bus, subscription = team()
    bus.columns.workers[0].extend([""] * 32_766)
    subscription.scale(2)
    with pytest.raises(OptionError, match="32,768"):
        subscription.scale(3)
    publish(bus, 2)
    bus.run()
    assert bus.columns.worker.tolist() == [0, 32_767]


def test_a_worker_is_told_apart_in_faults_by_its_group() -> None:
    """All workers of a group share its faults; those of other groups are safe."""
    bus = EventBus(faults=Faults(rate=1, consumers="team", down=0), visibility=1)
    bus.subscribe(JobQueued, lambda _: None, name="a", group="team", workers=2)
    bus.subscribe(JobQueued, lambda _: None, name="b")
    publish(bus, 2)
    bus.run(until=0.5)
    assert [(d.consumer, d.outcome) for d in bus.trace.deliveries if d.started_at is not None] == [
        ("a", "crashed"),
        ("b", "done"),
        ("a-2", "crashed"),
        ("b", "done"),
    ]
