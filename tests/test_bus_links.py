"""Links between the bus and a group: what crosses them may come late, out of order, or twice."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Crash, Event, EventBus, Faults, Link, Outage, Slow, exponential


class CoinCounted(Event):
    """What crosses the links of this file."""

    number: int


def counted(faults: Faults | None, coins: int = 20, gap: float = 1.0) -> EventBus:
    """Return a bus on which two groups count coins, one of which comes every second; run to its end."""
    bus = EventBus(seed=3, faults=faults)
    bus.subscribe(CoinCounted, lambda _: None, name="analytics", takes=exponential(0.2), workers=2)
    bus.subscribe(CoinCounted, lambda _: None, name="vault", takes=exponential(0.2))
    bus.process("mint", iter([thing for n in range(1, coins + 1) for thing in (CoinCounted(n), gap)]))
    bus.run()
    bus.trace.check_conservation()
    return bus


def came(bus: EventBus, group: str = "analytics") -> list[tuple[int, float]]:
    """Return (number, second) of all copies that came into the queue of a group, in that order."""
    c = bus.columns
    rows = [entry // 8 for entry in c.log if entry % 8 == 1]
    return [(c.data[c.message[row]].number, c.queued[row] / 1e6) for row in rows if c.groups[c.group[row]] == group]


def story(bus: EventBus, group: str) -> list[tuple[Any, ...]]:
    """Return all that happened to a group, ids and times and consumers."""
    return [
        (d.message.id, d.consumer, d.attempt, d.queued_at, d.started_at, d.ended_at, d.outcome, d.error)
        for d in bus.trace.deliveries
        if d.group == group
    ]


def test_a_delay_moves_all_that_crosses_by_as_much() -> None:
    """On its way a copy waits for its time; it is published when it was published."""
    bus = counted(Faults(links=Link(group="analytics", delay=2.5)), coins=5)
    assert came(bus) == [(n, n - 1 + 2.5) for n in range(1, 6)]
    assert came(bus, "vault") == [(n, n - 1.0) for n in range(1, 6)]
    assert [message.time for message in bus.trace.messages] == [0.0, 1.0, 2.0, 3.0, 4.0]

    bus = EventBus(faults=Faults(links=Link(group="analytics", delay=5)))
    bus.subscribe(CoinCounted, lambda _: None, name="analytics")
    bus.publish(CoinCounted(1))
    assert bus.trace.check_conservation().column("waiting") == [1]
    bus.run()
    assert bus.clock.now == 5


def test_a_doubled_message_comes_twice_under_one_id() -> None:
    """The books have a column for that; the second copy is marked, in the columns and in the transcript."""
    bus = counted(Faults(links=Link(group="analytics", duplicate=1)), coins=3)
    assert came(bus) == [(n, n - 1.0) for n in (1, 1, 2, 2, 3, 3)]
    books = bus.trace.check_conservation()
    assert (books.column("routed"), books.column("duplicated"), books.column("done")) == ([3, 3], [3, 0], [6, 3])
    assert bus.trace.transcript().count("queued for analytics (a duplicate)") == 3
    assert [message.queued_for for message in bus.trace.messages] == [2, 2, 2]
    assert [d.message.id for d in bus.trace.deliveries if d.group == "analytics"] == ["1", "1", "2", "2", "3", "3"]


def test_one_that_is_held_back_is_passed_by_later_ones() -> None:
    """Those that a link holds for three seconds come after the two or three that followed them."""
    bus = counted(Faults(links=Link(group="analytics", reorder=0.3, held=2.5)))
    order = [number for number, _ in came(bus)]
    late = [number for number, second in came(bus) if second != number - 1]
    assert sorted(order) == list(range(1, 21))
    assert order != sorted(order)
    assert late
    assert all(second == number - 1 + 2.5 for number, second in came(bus) if number in late)
    assert [number for number in order if number not in late] == [n for n in range(1, 21) if n not in late]


@pytest.mark.parametrize("other", [{"delay": 0.5}, {"reorder": 0.4, "held": 9}, {"delay": 1, "reorder": 1}])
def test_who_is_doubled_does_not_hang_on_what_else_the_link_does(other: dict[str, float]) -> None:
    """The counterfactual, on two runs."""
    runs = [counted(Faults(links=Link(group="analytics", duplicate=0.3, **more))) for more in ({}, other)]
    doubled = [{bus.columns.message[row] for row in bus.columns.duplicated} for bus in runs]
    assert doubled[0] == doubled[1]
    assert 0 < len(doubled[0]) < 20


def test_a_link_that_does_nothing_is_no_link() -> None:
    """The runs are the same, line by line."""
    assert counted(Faults(links=Link(group="analytics"))).trace.transcript() == counted(None).trace.transcript()


MORE: dict[str, Faults] = {
    "a crash": Faults(crashes=Crash("vault", "5", 1, "before ack")),
    "an outage": Faults(outages=Outage("vault", 3, 8)),
    "a slow time": Faults(slow=Slow("vault", 3, 2, 9)),
    "another link": Faults(links=Link(group="vault", duplicate=0.5, delay=1, reorder=0.5)),
    "crashes of the vault": Faults(rate=0.3, consumers="vault", point="before work"),
}


@pytest.mark.parametrize("what", MORE)
def test_one_fault_more_changes_nothing_for_the_others(what: str) -> None:
    """Not who is doubled, not who crashes, no service time, no attempt of any other group."""
    link = Link(group="analytics", duplicate=0.3, delay=0.2, reorder=0.3)
    one, more = Faults(links=link), MORE[what]
    both = Faults(
        crashes=more.crashes,
        outages=more.outages,
        slow=more.slow,
        links=(link, *more.links),
        rate=more.rate,
        point=more.point,
        consumers=more.consumers,
    )
    before, after = counted(one), counted(both)
    assert story(before, "analytics") == story(after, "analytics")
    assert story(before, "vault") != story(after, "vault")
    assert [m.id for m in before.trace.messages] == [m.id for m in after.trace.messages]


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 99),
    duplicate=st.floats(0, 1),
    delay=st.sampled_from([0, 0.3, 5]),
    reorder=st.floats(0, 1),
    held=st.sampled_from([0, 0.3, 5]),
    rate=st.sampled_from([0.0, 0.4]),
)
def test_whatever_a_link_does_nothing_is_lost(
    seed: int, duplicate: float, delay: float, reorder: float, held: float, rate: float
) -> None:
    """Every message is done at least once, and as often as copies came; twice the same seed is the same run."""
    link = Link(group="analytics", duplicate=duplicate, delay=delay, reorder=reorder, held=held)
    transcripts = []
    for _ in range(2):
        bus = EventBus(seed=seed, faults=Faults(links=link, rate=rate, point="before ack"), visibility=3)
        bus.subscribe(CoinCounted, lambda _: None, name="analytics", takes=0.4, workers=2, delivery_limit=None)
        for number in range(6):
            bus.publish(CoinCounted(number), delay=number / 4)
        bus.run()
        books = bus.trace.check_conservation()
        copies = 6 + len(bus.columns.duplicated)
        assert books.column("done") == [copies]
        assert {d.message.id for d in bus.trace.deliveries if d.outcome == "done"} == set("123456")
        transcripts.append(bus.trace.transcript())
    assert transcripts[0] == transcripts[1]


def test_a_repeat_under_the_same_id_crosses_as_the_first_one_did() -> None:
    """The link's luck is that of the id: a relay that repeats itself meets the same link."""
    bus = EventBus(faults=Faults(links=Link(group="analytics", duplicate=0.5, reorder=0.5)))
    bus.subscribe(CoinCounted, lambda _: None, name="analytics")
    for _ in range(2):
        for number in range(20):
            bus.publish(CoinCounted(number), id=f"coin-{number}")
    doubled = [bus.columns.message_id(bus.columns.message[row]) for row in sorted(bus.columns.duplicated)]
    assert 0 < len(doubled) < 40
    assert doubled[: len(doubled) // 2] == doubled[len(doubled) // 2 :]


def test_on_its_way_when_everybody_leaves_it_is_dropped_on_arrival() -> None:
    """And whoever comes before that gets it, though it was published before."""
    for joins, outcome in [(False, "dropped"), (True, "done")]:
        bus = EventBus(faults=Faults(links=Link(group="analytics", delay=5)))
        bus.subscribe(CoinCounted, lambda _: None, name="analytics").unsubscribe()
        bus.subscribe(CoinCounted, lambda _: None, name="analytics")
        bus.publish(CoinCounted(1))
        bus.run(until=1)
        bus._engine.subscriptions["analytics"].unsubscribe()
        bus.run(until=2)
        if joins:
            bus.subscribe(CoinCounted, lambda _: None, name="analytics")
        bus.run()
        assert [(d.outcome, d.ended_at) for d in bus.trace.deliveries] == [(outcome, 5.0)]
        bus.trace.check_conservation()


def test_what_a_late_group_reads_from_the_log_crosses_its_link_too() -> None:
    """Late, and some of it twice: read from the log once, doubled on the way."""
    bus = EventBus(faults=Faults(links=Link(group="late", delay=2, duplicate=1)))
    for number in range(3):
        bus.publish(CoinCounted(number))
    bus.subscribe(CoinCounted, lambda _: None, name="late", start="beginning")
    bus.run()
    books = bus.trace.check_conservation()
    assert [books.column(name) for name in ("routed", "replayed", "duplicated", "done")] == [[0], [3], [3], [6]]
    assert bus.clock.now == 2


def test_what_a_handler_returns_crosses_the_link_of_whoever_gets_it() -> None:
    """And so does what it publishes later; the cause does not change by it."""
    bus = EventBus(faults=Faults(links=Link(group="analytics", duplicate=1, delay=1)))
    bus.subscribe("paid", lambda _: CoinCounted(1), name="mint")
    bus.subscribe(CoinCounted, lambda _: None, name="analytics")
    bus.publish("paid", {})
    bus.run()
    assert [(d.message.id, d.queued_at) for d in bus.trace.deliveries if d.group == "analytics"] == [
        ("checkout-1/mint.1", 1.0),
        ("checkout-1/mint.1", 1.0),
    ]
    assert len(bus.trace.lineage("1").descendants) == 1
