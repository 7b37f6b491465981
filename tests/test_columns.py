"""The columns of a run: names and numbers, the ids that follow from them, and how little they weigh."""

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Event, EventBus
from eda_lab.columns import Columns, Names, Origin, Outcome
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


def test_an_attempt_is_routed_retried_or_redriven() -> None:
    """A redriven message is at its first attempt again, and still no new copy."""
    columns = Columns()
    first, second, again = columns.enter(0, 0, 1, 0), columns.enter(0, 0, 2, 5), columns.enter(0, 0, 1, 9)
    columns.redriven.add(again)
    assert [columns.origin(row) for row in (first, second, again)] == [Origin.ROUTED, Origin.RETRIED, Origin.REDRIVEN]


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
