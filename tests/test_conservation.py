"""The books of a run: they balance at any time, and they show it where somebody tampers with them."""

from array import array
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eda_lab import Crash, Event, EventBus, Faults, Link, Retry
from eda_lab.columns import Columns, Origin, Outcome, Record
from eda_lab.conservation import ConservationError, census

ATTEMPT_COLUMNS = ("message", "group", "worker", "attempt", "outcome", "queued", "started", "ended")


class CoinPaid(Event):
    """Money, which must not get lost."""

    cents: int


class NoteHanded(Event):
    """Money that is looked at by hand."""

    number: int


def bank() -> EventBus:
    """Return a bus that was stopped with something in every state: all outcomes, and all ways in which a copy came."""

    def vault(coin: CoinPaid, delivery: Any) -> None:
        if coin.cents == 3 or (coin.cents == 4 and delivery.attempt == 1):
            raise ConnectionError

    def teller(note: NoteHanded, delivery: Any) -> None:
        if note.number == 1 and delivery.attempt == 1:
            delivery.nack()
        elif note.number == 2:
            delivery.reject()
        else:
            delivery.ack()
        if note.number == 3:
            raise ValueError("a false one")

    faults = Faults(
        crashes=(Crash("vault", "1", 1, "before ack"), Crash("fast", "9", 1, "before work")),
        links=Link(group="teller", duplicate=0.5),
        down=0,
    )
    bus = EventBus(seed=2, faults=faults, visibility=0)
    bus.subscribe(CoinPaid, vault, name="vault", takes=1, retry=Retry(max_attempts=2, backoff=2))
    left = bus.subscribe(CoinPaid, lambda _: None, name="left", takes=2)
    bus.subscribe(NoteHanded, teller, name="teller", takes=0.5, ack="manual")
    bus.subscribe(NoteHanded, lambda _: None, name="fast", ack="before")
    for cents in range(1, 8):
        bus.publish(CoinPaid(cents))
    for number in range(1, 6):
        bus.publish(NoteHanded(number), expires=2.5)
    bus.run(until=6.5)
    left.unsubscribe()
    bus.run(until=9.5)
    bus.redrive("vault")
    for cents in range(4, 8):
        bus.publish(CoinPaid(cents))
    for number in range(6, 9):
        bus.publish(NoteHanded(number))
    bus.subscribe(NoteHanded, lambda _: None, name="late", takes=1, start="beginning")
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


def test_the_bank_knows_every_outcome_and_every_origin() -> None:
    """Or the tests below would show less than they say."""
    bus = bank()
    assert set(bus.columns.outcome) == set(Outcome)
    assert {bus.columns.origin(row) for row in rows()} == set(Origin)
    books = bus.trace.check_conservation()
    assert books.columns[:5] == ("group", "routed", "duplicated", "redriven", "replayed")
    assert books.columns[5:] == (
        *("done", "lost", "dead lettered", "rejected", "expired", "dropped", "queued", "in flight", "waiting"),
    )
    assert all(sum(row[1:5]) == sum(row[5:]) for row in books.rows)
    came = {row[0]: row[1:5] for row in books.rows}
    assert (came["vault"], came["left"], came["fast"]) == ((11, 0, 1, 0), (7, 0, 0, 0), (8, 0, 0, 0))
    assert came["teller"][0] == 8
    assert came["teller"][1] > 0
    assert came["late"] == (0, 0, 0, 8)
    assert census(bus.columns)["left"].total() == 7


def test_the_books_have_no_column_of_zeros_beside_routed_and_done() -> None:
    """So the table of a plain run is short; before the run nothing is done, and the column stands all the same."""
    bus = EventBus()
    bus.subscribe(CoinPaid, lambda _: None, name="vault", takes=1)
    bus.publish(CoinPaid(5))
    assert bus.trace.check_conservation().columns == ("group", "routed", "done", "queued")
    bus.run()
    assert repr(bus.trace.check_conservation()).splitlines()[0] == "group  routed  done"
    late = EventBus()
    late.publish(CoinPaid(5))
    late.subscribe(CoinPaid, lambda _: None, name="late", start="beginning")
    late.run()
    assert late.trace.check_conservation().columns == ("group", "routed", "replayed", "done")


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


def drop_neatly(columns: Columns, row: int) -> None:
    """Take an attempt out of the books, and let all that is noted beside the later ones move up."""

    def moved(noted: Any) -> Any:
        kept = [other for other in noted if other != row]
        places = [other - (other > row) for other in kept]
        return (
            {place: noted[o] for place, o in zip(places, kept, strict=True)} if isinstance(noted, dict) else {*places}
        )

    drop(columns, row)
    for name in ("redriven", "replayed", "duplicated", "acked", "errors"):
        setattr(columns, name, moved(getattr(columns, name)))


def double(columns: Columns, row: int) -> None:
    """Write an attempt down a second time, with all that is noted beside it."""
    for name in ATTEMPT_COLUMNS:
        getattr(columns, name).append(getattr(columns, name)[row])
    copy = len(columns.message) - 1
    for noted in (columns.redriven, columns.replayed, columns.duplicated):
        if row in noted:
            noted.add(copy)
    for beside in (columns.errors, columns.acked):
        if row in beside:
            beside[copy] = beside[row]


def double_with_its_story(columns: Columns, row: int) -> None:
    """Do that, and let the log tell of the second one what it told of the first."""
    double(columns, row)
    copy = len(columns.message) - 1
    told = [
        entry % 8 for entry in columns.log if entry // 8 == row and entry % 8 not in (Record.PUBLISHED, Record.NOTED)
    ]
    columns.log.extend(copy * 8 + kind for kind in told)


@pytest.mark.parametrize("tamper", [drop, drop_neatly, double, double_with_its_story])
def test_no_attempt_can_be_dropped_or_doubled(tamper: Callable[[Columns, int], None]) -> None:
    """Be it the first, the last, one that was tried again, or the copy of one; however neatly it is done."""
    for row in rows():
        bus = tampered(lambda columns, row=row: tamper(columns, row))
        with pytest.raises(ConservationError):
            bus.trace.check_conservation()


@pytest.mark.parametrize("name", ["redriven", "replayed", "duplicated", "acked"])
def test_no_attempt_can_be_given_or_denied_what_is_noted_beside_it(name: str) -> None:
    """How it came, and whether it was acked: each note that is there may not be missing, nor be where it is not."""
    unseen = []
    for row in rows():
        bus = bank()
        noted = getattr(bus.columns, name)
        if row not in noted:
            noted.update({row: bus.columns.started[row]} if name == "acked" else {row})
        elif name == "acked":
            del noted[row]
        else:
            noted.remove(row)
        try:
            bus.trace.check_conservation()
        except ConservationError:
            continue
        unseen.append(row)
    assert unseen == []


def test_an_ack_has_its_time_within_the_work() -> None:
    """Not before it was started, nor after it ended."""
    acked = dict(bank().columns.acked)
    for row in acked:
        for moment in (bank().columns.started[row] - 1, bank().columns.ended[row] + 1):
            bus = tampered(lambda columns, row=row, moment=moment: columns.acked.__setitem__(row, moment))
            with pytest.raises(ConservationError, match="was acked while nobody worked on it"):
                bus.trace.check_conservation()
    assert len(acked) > 5


def test_nothing_expires_before_its_time_or_without_one() -> None:
    """The age that was asked for is in the books as well."""
    for tamper in (lambda columns: columns.expires.clear(), lambda columns: columns.expires.update({11: 2_500_001})):
        with pytest.raises(ConservationError, match="expired before its time"):
            tampered(tamper).trace.check_conservation()


def test_a_note_on_an_attempt_that_is_not_there_shows() -> None:
    """Whatever it says."""
    for name in ("redriven", "replayed", "duplicated", "acked"):
        bus = bank()
        getattr(bus.columns, name).update({10**6: 5} if name == "acked" else {10**6})
        with pytest.raises(ConservationError, match="attempt 1000000 is noted, but it is not there"):
            bus.trace.check_conservation()


def test_the_log_tells_of_each_thing_once() -> None:
    """An entry more or less shows, but for notes on consumers, and the queue of what nobody took up."""
    columns = bank().columns
    for place, entry in enumerate(columns.log):
        row, kind = divmod(entry, 8)
        if kind == Record.NOTED:
            continue
        nobodys = kind == Record.QUEUED and columns.outcome[row] in (Outcome.DROPPED, Outcome.EXPIRED)
        for change in (array("I", [entry, entry]), *([] if nobodys else [array("I")])):
            bus = bank()
            bus.columns.log[place : place + 1] = change
            with pytest.raises(ConservationError, match="says the log"):
                bus.trace.check_conservation()


def test_one_dropped_and_one_doubled_do_not_make_up_for_each_other() -> None:
    """The sums are right, but one message came twice and another never."""
    vault = bank().columns.groups.index("vault")
    first, last = [
        r for r in rows() if bank().columns.outcome[r] == Outcome.QUEUED and bank().columns.group[r] == vault
    ]

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
    row, bus = data.draw(st.sampled_from(rows())), bank()
    if name == "group":  # vault and left get each coin, and for notes the vault has no time
        value = value % 2 if isinstance(bus.columns.data[bus.columns.message[row]], CoinPaid) else 0
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
