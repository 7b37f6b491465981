"""Who gets an event: by class, by base class, by topic, by pattern; each once, in the order of subscription."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eda_lab import Command, DirectBus, Event
from eda_lab.errors import NotAnEventError, OptionError
from eda_lab.routing import Router, published_topic, topics


class TrainMoved(Event):
    """The base of two."""

    train: str = "ICE 1"


class TrainArrived(TrainMoved):
    """It arrived."""


class TrainLeft(TrainMoved):
    """It left."""


class StopTrain(Command):
    """It shall stop."""

    train: str = "ICE 1"


@dataclass
class TicketSold:
    """A plain dataclass."""

    price: int = 0


@dataclass
class ReturnTicketSold(TicketSold):
    """One that is derived from another."""


CLASSES = [TrainMoved, TrainArrived, TrainLeft, StopTrain, TicketSold, ReturnTicketSold]
LINEAGE = {  # what each class is called, its own name first
    TrainMoved: ["train_moved", "event"],
    TrainArrived: ["train_arrived", "train_moved", "event"],
    TrainLeft: ["train_left", "train_moved", "event"],
    StopTrain: ["stop_train", "command"],
    TicketSold: ["ticket_sold"],
    ReturnTicketSold: ["return_ticket_sold", "ticket_sold"],
}


def router(**subscribers: Any) -> Router[str]:
    """Return a router that knows these targets, by name, in this order."""
    filled: Router[str] = Router()
    for name, what in subscribers.items():
        filled.add(topics(what), name)
    return filled


# --- what a subscriber may ask for


@pytest.mark.parametrize(
    ("what", "names"),
    [
        (TrainArrived, ("train_arrived",)),
        (StopTrain, ("stop_train",)),
        (TicketSold, ("ticket_sold",)),
        (Event, ("event",)),
        ("train_arrived", ("train_arrived",)),
        ("train_*", ("train_*",)),
        ("train_[al]*", ("train_[al]*",)),
        ("urn:train/1?x", ("urn:train/1?x",)),
        ((TrainArrived, "ticket_*"), ("train_arrived", "ticket_*")),
        ([TrainArrived, "train_arrived", TrainLeft], ("train_arrived", "train_left")),
        ("NeverHeardOf", ("NeverHeardOf",)),
    ],
)
def test_a_subscriber_asks_by_class_by_topic_by_pattern_or_by_several(what: Any, names: tuple[str, ...]) -> None:
    """It all comes down to names; the same one twice counts once."""
    assert topics(what) == names


NESTED: list[Any] = []
NESTED.append(NESTED)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("train_arrived ", "a topic has no spaces: did you mean 'train_arrived'?"),
        (" train arrived\n", "a topic has no spaces: did you mean 'trainarrived'?"),
        ("", "a topic has no spaces"),
        ("\t", "a topic has no spaces"),
        ("TrainArrived", "TrainArrived is a class: give the class itself, or its topic 'train_arrived'"),
        (TrainArrived(), "give the class TrainArrived, not an instance of it"),
        (TicketSold(), "give the class TicketSold, not an instance of it"),
        (None, "give an event class, a topic such as 'order_placed', or a pattern such as 'order_*'"),
        (5, "give an event class"),
        (b"train_arrived", "give an event class"),
        (int, "give an event class"),
        (object(), "give an event class"),
        ((), "give an event class"),
        ([], "give an event class"),
        ({TrainArrived}, "give an event class"),
        ({"train_arrived": 1}, "give an event class"),
        ((TrainArrived, None), "give an event class"),
        (((TrainArrived,),), "give an event class"),
        (NESTED, "give an event class"),
        (TrainArrived | TrainLeft, "give an event class"),
    ],
)
def test_a_slip_gets_one_line_that_helps(what: Any, says: str) -> None:
    """When somebody subscribes, not when an event goes nowhere."""
    with pytest.raises(OptionError) as caught:
        topics(what)
    assert says in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("pattern", ["train_*", "train_?", "train_[al]", "*"])
def test_nothing_is_published_under_a_pattern(pattern: str) -> None:
    """A pattern is a question; an event needs an answer."""
    with pytest.raises(OptionError, match="a pattern is for subscribers: publish under one topic"):
        published_topic(pattern)


@pytest.mark.parametrize("topic", [None, 5, TrainArrived, TrainArrived(), ["train_arrived"], b"train_arrived"])
def test_only_text_is_a_topic(topic: Any) -> None:
    """The line says both ways of publishing."""
    with pytest.raises(
        NotAnEventError, match=r"is no topic: say publish\('topic', event\) or publish\(event\)"
    ) as caught:
        published_topic(topic)
    assert caught.value.given is topic


@pytest.mark.parametrize("topic", ["", "train arrived", "TrainArrived"])
def test_a_slip_in_a_topic_helps_the_publisher_too(topic: str) -> None:
    """The same line as for the subscriber."""
    with pytest.raises(OptionError, match=r"^topic="):
        published_topic(topic)


# --- who gets it


def test_a_base_class_gets_what_is_derived_from_it() -> None:
    """Not the other way round, and `Event` gets every event, but no command."""
    all_of_them = router(moved=TrainMoved, arrived=TrainArrived, all=Event, sold=TicketSold)
    assert all_of_them.targets(TrainArrived) == ("moved", "arrived", "all")
    assert all_of_them.targets(TrainMoved) == ("moved", "all")
    assert all_of_them.targets(Event) == ("all",)
    assert all_of_them.targets(StopTrain) == ()
    assert all_of_them.targets(ReturnTicketSold) == ("sold",)


def test_a_topic_and_its_class_are_the_same_door() -> None:
    """Whichever the subscriber and the publisher use."""
    both = router(by_class=TrainMoved, by_topic="train_moved")
    assert both.targets(TrainMoved) == both.targets("train_moved") == ("by_class", "by_topic")
    assert both.targets(TrainLeft) == both.targets("train_left") == ("by_class", "by_topic")


def test_a_pattern_is_held_against_the_type_itself() -> None:
    """`*` any characters, `?` one, `[...]` one of these; upper and lower case differ."""
    patterns = router(a="train_*", b="*_left", c="train_????", d="[st]*", e="TRAIN_*", f="*")
    assert patterns.targets(TrainLeft) == patterns.targets("train_left") == ("a", "b", "c", "d", "f")
    assert patterns.targets("never_heard_of") == ("f",)


def test_each_target_gets_an_event_once_and_in_the_order_of_subscription() -> None:
    """Though it asked for it three times over, and though patterns are looked up apart."""
    greedy = router(first="train_*", second=(TrainLeft, TrainMoved, "train_left", "*"), third=TrainLeft, fourth="*")
    assert greedy.targets(TrainLeft) == ("first", "second", "third", "fourth")
    greedy.add(topics(Event), "second")
    assert greedy.targets(TrainLeft) == ("first", "second", "third", "fourth")
    apart = router(n0="*_left", **{f"n{number}": "never" for number in range(1, 8)}, n8=TrainLeft)
    assert apart.targets(TrainLeft) == ("n0", "n8")


def test_who_leaves_gets_nothing_more_and_the_order_stays() -> None:
    """Leaving twice does no harm."""
    three = router(a="*", b=TrainLeft, c="train_left")
    three.remove("b")
    three.remove("b")
    assert three.targets(TrainLeft) == ("a", "c")
    three.add(topics(TrainLeft), "b")
    assert three.targets(TrainLeft) == ("a", "c", "b")


NAMES = sorted({name for names in LINEAGE.values() for name in names} | {"never_heard_of"})
PATTERNS = ["*", "train_*", "*_sold", "train_????", "[!t]*", "ticket_sold?", "event"]
ASKED = st.lists(
    st.lists(st.sampled_from([*NAMES, *PATTERNS, *CLASSES]), min_size=1, max_size=3).map(tuple), max_size=6
)


@settings(deadline=None, max_examples=200)
@given(ASKED, st.sampled_from([*CLASSES, "never_heard_of"]), st.sets(st.integers(0, 5)))
@example([("event",), ("*",)], TrainLeft, {0})
def test_whoever_asks_for_whatever_gets_what_a_naive_search_would_give_him(
    asked: list[Any], published: Any, leaving: set[int]
) -> None:
    """The search: go through all subscribers in their order, and through all that each asked for."""
    filled: Router[int] = Router()
    for number, what in enumerate(asked):
        filled.add(topics(what), number)
    for number in leaving:
        filled.remove(number)
    names = LINEAGE.get(published, [published])
    expected = tuple(
        number
        for number, what in enumerate(asked)
        if number not in leaving and any(name in names or fnmatchcase(names[0], name) for name in topics(what))
    )
    assert filled.targets(published) == expected
    if published not in (TicketSold, ReturnTicketSold):  # no bus knows the class of a plain dataclass by its name
        assert filled.targets(names[0]) == expected


def test_a_cell_that_is_run_again_keeps_its_subscribers() -> None:
    """Its class is a new one, its name is not."""

    def run_the_cell() -> type[Any]:
        class TrainDelayed(TrainMoved):
            minutes: int = 5

        return TrainDelayed

    bus, seen = DirectBus(), []
    first = run_the_cell()
    bus.subscribe(first, lambda event: seen.append(("class", event.minutes)), name="by class")
    bus.subscribe(TrainMoved, lambda event: seen.append(("base", event.minutes)), name="by base")
    bus.publish(first(minutes=5))
    second = run_the_cell()
    bus.publish(second(minutes=6))
    bus.publish(first(minutes=7))
    assert seen == [(how, minutes) for minutes in (5, 6, 7) for how in ("class", "base")]
