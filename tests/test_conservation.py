"""The books of a run: they balance at any time, and they show it where somebody tampers with them."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eda_lab import Crash, Event, EventBus, Faults, Retry
from eda_lab.columns import Columns, Outcome
from eda_lab.conservation import ConservationError, census

ATTEMPT_COLUMNS = ("message", "group", "worker", "attempt", "outcome", "queued", "started", "ended")


class CoinPaid(Event):
    """Money, which must not get lost."""

    cents: int


def bank() -> EventBus:
    """Return a bus that was stopped with something in every state: all eight outcomes, and a redriven dead letter."""

    def vault(coin: CoinPaid, delivery: Any) -> None:
        if coin.cents == 3 or (coin.cents == 4 and delivery.attempt == 1):
            raise ConnectionError

    bus = EventBus(faults=Faults(crashes=Crash("vault", "1", 1, "before ack"), down=0), visibility=0)
    bus.subscribe(CoinPaid, vault, name="vault", takes=1, retry=Retry(max_attempts=2, backoff=2))
    left = bus.subscribe(CoinPaid, lambda _: None, name="left", takes=2)
    for cents in range(1, 8):
        bus.publish(CoinPaid(cents))
    bus.run(until=6.5)
    left.unsubscribe()
    bus.run(until=9.5)
    bus.redrive("vault")
    for cents in range(4, 8):
        bus.publish(CoinPaid(cents))
    bus.run(until=12.5)
    return bus


def tampered(tamper: Callable[[Columns], object]) -> EventBus:
    """Return the bank after somebody was at its books."""
    bus = bank()
    tamper(bus.columns)
    return bus


def rows() -> range:
    """Return the attempts of the bank."""
    return range(len(bank().columns.message))


def test_the_bank_knows_every_outcome() -> None:
    """Or the tests below would show less than they say."""
    bus = bank()
    assert set(bus.columns.outcome) == set(Outcome)
    assert len(bus.columns.redriven) == 1
    books = bus.trace.check_conservation()
    assert books.columns[:3] == ("group", "routed", "redriven")
    assert all(row[1] + row[2] == sum(row[3:]) for row in books.rows)
    assert [row[:3] for row in books.rows] == [("vault", 11, 1), ("left", 7, 0)]
    assert census(bus.columns)["left"].total() == 7


@pytest.mark.parametrize("outcome", Outcome)
def test_no_outcome_can_be_flipped(outcome: Outcome) -> None:
    """Whatever attempt is said to have ended otherwise than it did, it shows; failed and crashed alone look alike."""
    alike = {Outcome.FAILED, Outcome.CRASHED}
    for row in rows():
        was = Outcome(bank().columns.outcome[row])
        if was != outcome and {was, outcome} != alike:
            bus = tampered(lambda columns, row=row: columns.outcome.__setitem__(row, outcome))
            with pytest.raises(ConservationError):
                bus.trace.check_conservation()


def drop(columns: Columns, row: int) -> None:
    """Take an attempt out of the books."""
    for name in ATTEMPT_COLUMNS:
        getattr(columns, name).pop(row)


def double(columns: Columns, row: int) -> None:
    """Write an attempt down a second time."""
    for name in ATTEMPT_COLUMNS:
        getattr(columns, name).append(getattr(columns, name)[row])
    if row in columns.redriven:
        columns.redriven.add(len(columns.message) - 1)
    if row in columns.errors:
        columns.errors[len(columns.message) - 1] = columns.errors[row]


@pytest.mark.parametrize("tamper", [drop, double])
def test_no_attempt_can_be_dropped_or_doubled(tamper: Callable[[Columns, int], None]) -> None:
    """Be it the first, the last, or one that was tried again."""
    for row in rows():
        bus = tampered(lambda columns, row=row: tamper(columns, row))
        with pytest.raises(ConservationError):
            bus.trace.check_conservation()


def test_one_dropped_and_one_doubled_do_not_make_up_for_each_other() -> None:
    """The sums are right, but one message came twice and another never."""
    first, last = [row for row in rows() if bank().columns.outcome[row] == Outcome.QUEUED]

    def swap(columns: Columns) -> None:
        columns.message[first] = columns.message[last]

    with pytest.raises(ConservationError, match="message"):
        tampered(swap).trace.check_conservation()


def test_a_message_that_was_never_routed_shows() -> None:
    """More copies are in the books than the message was routed to, or fewer."""
    for change in (1, -1):

        def reroute(columns: Columns, change: int = change) -> None:
            columns.routed[0] += change

        with pytest.raises(ConservationError, match=r"message 1 was routed to \d groups, but entered 2"):
            tampered(reroute).trace.check_conservation()


def test_what_stands_in_the_queues_is_counted_there_too() -> None:
    """A delivery that is lost out of the queue itself, not out of the books, shows as well."""
    bus = bank()
    bus._engine.groups["vault"].queue.pop()
    with pytest.raises(ConservationError, match="vault: 1 are queued, but the trace has 2"):
        bus.trace.check_conservation()


@settings(deadline=None, max_examples=60)
@given(data=st.data(), name=st.sampled_from(["group", "attempt"]), value=st.integers(0, 9))
def test_no_attempt_can_be_given_to_another_group_or_another_number(data: st.DataObject, name: str, value: int) -> None:
    """Each has its place in the story of one message in one group."""
    row, value = data.draw(st.sampled_from(rows())), value % 2 if name == "group" else value
    bus = bank()
    column = getattr(bus.columns, name)
    assume(column[row] != value)
    column[row] = value
    with pytest.raises(ConservationError):
        bus.trace.check_conservation()


@pytest.mark.parametrize("name", ["queued", "started", "ended"])
def test_nothing_can_be_said_to_have_happened_before_what_led_to_it(name: str) -> None:
    """Published, queued, started, ended: in that order, or not yet."""
    for row in rows():
        bus = bank()
        column = getattr(bus.columns, name)
        earlier = {"queued": "queued", "started": "queued", "ended": "started"}[name]
        column[row] = getattr(bus.columns, earlier)[row] - 1 if column[row] >= 0 else 0
        if name == "queued":
            column[row] = bus.columns.published[bus.columns.message[row]] - 1
        with pytest.raises(ConservationError):
            bus.trace.check_conservation()
