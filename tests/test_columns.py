"""The columns of a run: names and numbers, the ids that follow from them, and how little they weigh."""

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Event, EventBus
from eda_lab.columns import Columns, Names, Origin, Outcome, Record
from eda_lab.errors import OptionError

words = st.text(max_size=5)


class StoneThrown(Event):
    """A small event, of which there are many."""

    number: int


@settings(deadline=None)
@given(st.lists(words))
def test_a_name_has_one_number_and_a_number_one_name(given_names: list[str]) -> None:
    """Numbers count up from 0 in the order in which names first came."""
    names = Names()
    numbers = [names.number(name) for name in given_names]
    assert [names[number] for number in numbers] == given_names
    assert names == list(dict.fromkeys(given_names))
    assert [names.number(name) for name in given_names] == numbers


def test_two_bytes_are_all_that_a_number_has() -> None:
    """The 65,537th name is refused, those before it stay."""
    names = Names()
    for number in range(65_536):
        names.number(str(number))
    assert names.number("65535") == 65_535
    with pytest.raises(OptionError, match="65,536"):
        names.number("one more")
    assert array("H", [len(names) - 1])[0] == names.number("65535")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=12))
def test_an_id_tells_how_a_message_came_to_be(plan: list[tuple[int, int, int]]) -> None:
    """What caused it, which group returned it, and as which of several; roots are numbered, with who published them."""
    columns = Columns()
    ids: list[str] = []
    for group in "abc":
        columns.groups.number(group)
    source = columns.sources.number("checkout")
    kind = columns.types.number("note")
    for place, (parent, group, ordinal) in enumerate(plan):
        if parent >= place:  # a root
            columns.publish(0, kind, source, -1, place, None, 0)
            ids.append(str(place))
        else:
            cause = columns.enter(parent, group, 1, 0)
            columns.publish(0, kind, source, cause, ordinal, None, 0)
            before = ids[parent] if "/" in ids[parent] else f"checkout-{ids[parent]}"
            ids.append(f"{before}/{'abc'[group]}.{ordinal}")
    assert [columns.message_id(row) for row in range(len(plan))] == ids
    for row in range(len(plan)):
        envelope = columns.envelope(row)
        family = [*reversed(columns.ancestors(row)), row]
        assert envelope.id == ids[row]
        assert envelope.correlation_id == ids[family[0]]
        assert envelope.causation_id == (ids[family[-2]] if len(family) > 1 else None)


def test_an_attempt_came_to_be_in_one_of_five_ways() -> None:
    """A redriven message is at its first attempt again, and still no new copy; a copy that is retried is a retry."""
    columns = Columns()
    columns.redriven, columns.replayed, columns.duplicated = {2}, {3}, {4, 5}
    for attempt in (1, 2, 1, 1, 1, 2):
        columns.enter(0, 0, attempt, 0)
    assert [columns.origin(row).name for row in range(6)] == [
        "ROUTED",
        "RETRIED",
        "REDRIVEN",
        "REPLAYED",
        "DUPLICATED",
        "RETRIED",
    ]
    assert {columns.origin(row) for row in range(6)} == set(Origin)


def test_an_ack_can_be_taken_back_once() -> None:
    """It is gone from the log, where only its own entry is struck out; without an ack nothing changes."""
    columns = Columns()
    for row in range(2):
        columns.receive(0, 0, 0)
        columns.start(row, 0, 0)
        columns.ack(row, 5)
    log = list(columns.log)
    columns.take_back_ack(1)
    columns.take_back_ack(1)
    assert columns.acked == {0: 5}
    assert list(columns.log) == [entry for entry in log if entry != 8 + Record.ACKED]


def test_a_chosen_id_is_the_id_and_what_follows_from_it_has_it_in_its_own() -> None:
    """The first in its place, and for those that it caused as the beginning."""
    columns = Columns()
    columns.groups.number("pay")
    columns.ids[0] = "outbox-7"
    columns.publish(0, columns.types.number("note"), columns.sources.number("relay"), -1, 1, None, 0)
    columns.publish(0, 0, 0, columns.enter(0, 0, 1, 0), 1, None, 0)
    assert [columns.message_id(row) for row in (0, 1)] == ["outbox-7", "relay-outbox-7/pay.1"]
    assert columns.envelope(1).causation_id == columns.envelope(1).correlation_id == "outbox-7"


def test_outcomes_read_as_words() -> None:
    """As they stand in tables."""
    assert [outcome.word for outcome in Outcome] == [
        "waiting",
        "queued",
        "in flight",
        "done",
        "failed",
        "crashed",
        "dead lettered",
        "dropped",
        "lost",
        "rejected",
        "expired",
    ]


def test_a_delivery_weighs_less_than_100_bytes() -> None:
    """Message and attempt and log together, the event itself left out; and the books of many balance."""
    bus = EventBus(wire=False)
    bus.subscribe(StoneThrown, lambda _: None, name="pond", workers=3, takes=0.7)
    bus.process("child", (thing for number in range(20_000) for thing in (0.3, StoneThrown(number))))
    bus.run()
    assert len(bus.trace.deliveries) == 20_000
    assert bus.columns.nbytes / 20_000 <= 100
    bus.trace.check_conservation()
