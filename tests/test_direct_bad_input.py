"""Slips at the plain bus: each raises a child of `EdaLabError` at the call, in one line, and leaves nothing behind."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Command, Consumer, DirectBus, EdaLabError, Event, handles
from eda_lab.errors import DuplicateNameError, HandlerError, NotAnEventError, OptionError


class LetterPosted(Event):
    """Somebody posted a letter."""

    to: str = "you"


class PostLetter(Command):
    """Somebody shall post one."""


@dataclass
class StampBought:
    """A plain dataclass."""

    price: int = 1


class Unshowable:
    """An object whose own repr fails, and that is equal to nothing."""

    def __repr__(self) -> str:
        raise RuntimeError("no\nrepr")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not comparable")

    __hash__ = None  # type: ignore[assignment]


async def wait(_: Any) -> None:
    """Be async."""


class WaitingConsumer(Consumer):
    """A consumer with an async method."""

    @handles(LetterPosted)
    async def wait(self, _: Any) -> None: ...


def refused(kind: type[EdaLabError], says: str, call: Callable[[], Any]) -> EdaLabError:
    """Return the error that a call raises, which is one line and no more than a few hundred characters."""
    with pytest.raises(EdaLabError) as caught:
        call()
    assert type(caught.value) is kind
    assert says in str(caught.value)
    assert str(caught.value).isprintable()
    return caught.value


@pytest.mark.parametrize("option", ["takes", "retry", "group", "workers", "ack", "nmae"])
def test_an_unknown_option_is_named_and_the_known_one_too(option: str) -> None:
    """In both ways of subscribing."""
    bus = DirectBus()
    for call in (
        lambda: bus.subscribe(LetterPosted, print, **{option: 3}),
        lambda: bus.on(LetterPosted, **{option: 3})(print),
    ):
        error = refused(OptionError, f"{option}=3: a DirectBus has only name=", call)
        assert (error.option, error.value) == (option, 3)  # type: ignore[attr-defined]
    assert bus.groups == ()


@pytest.mark.parametrize("handler", [wait, WaitingConsumer, WaitingConsumer()])
def test_publish_cannot_wait_for_an_async_handler(handler: Any) -> None:
    """The line says which bus can."""
    name = getattr(handler, "__name__", "WaitingConsumer")
    says = f"{name} is async, and publish cannot wait for it: use an EventBus"
    refused(HandlerError, says, lambda: DirectBus().subscribe(LetterPosted, handler))


def test_a_name_is_taken_once() -> None:
    """As happens when a cell is run again; the first subscription stays as it is."""
    bus, posted = DirectBus(), []
    bus.subscribe(LetterPosted, posted.append, name="box")
    says = "'box' is taken: unsubscribe it first, or give another name="
    assert refused(DuplicateNameError, says, lambda: bus.subscribe("*", print, name="box")).name == "box"  # type: ignore[attr-defined]
    assert bus.publish(LetterPosted()).handled == len(posted) == 1


def test_lambdas_come_and_go_without_taking_each_others_names() -> None:
    """A number that is still in use is not given away again."""
    bus = DirectBus()
    first, second = (bus.subscribe(LetterPosted, lambda _: None) for _ in range(2))
    first.unsubscribe()
    third = bus.subscribe(LetterPosted, lambda _: None)
    assert (first.name, second.name, third.name) == ("lambda-1", "lambda-2", "lambda-3")


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (LetterPosted, "LetterPosted is a class: publish an instance, as in publish(LetterPosted(...))"),
        (StampBought, "StampBought is a class: publish an instance"),
        (None, "None is no event"),
        (
            "letter_posted",
            "'letter_posted' is no event: publish an instance of an Event class, or publish('topic', event)",
        ),
        ({"to": "you"}, "{'to': 'you'} is no event"),
        ((LetterPosted(),), "is no event"),
        ([], "[] is no event"),
        (0, "0 is no event"),
        (Unshowable(), "<Unshowable> is no event"),
        (lambda: LetterPosted(), "is no event"),
        (Exception("oops"), "is no event"),
    ],
)
def test_only_events_are_published(event: Any, says: str) -> None:
    """Every time, not only the first time."""
    bus, everything = DirectBus(), []
    bus.subscribe("*", everything.append)
    for _ in range(2):
        assert refused(NotAnEventError, says, lambda: bus.publish(event)).given is event  # type: ignore[attr-defined]
    assert everything == []


@pytest.mark.parametrize(
    ("topic", "kind", "says"),
    [
        (LetterPosted, NotAnEventError, "is no topic: say publish('topic', event) or publish(event)"),
        (LetterPosted(), NotAnEventError, "is no topic"),
        (None, NotAnEventError, "None is no topic"),
        ([], NotAnEventError, "[] is no topic"),
        (Unshowable(), NotAnEventError, "<Unshowable> is no topic"),
        ("letter_*", OptionError, "a pattern is for subscribers: publish under one topic"),
        ("letter posted", OptionError, "a topic has no spaces: did you mean 'letterposted'?"),
        ("LetterPosted", OptionError, "give the class itself, or its topic 'letter_posted'"),
        ("", OptionError, "a topic has no spaces"),
    ],
)
def test_only_one_topic_is_published_under(topic: Any, kind: type[EdaLabError], says: str) -> None:
    """Also after an event of that class went through, and the bus knows the way."""
    bus, everything = DirectBus(), []
    bus.subscribe("*", everything.append)
    bus.publish(LetterPosted())
    for _ in range(2):
        refused(kind, says, lambda: bus.publish(topic, {"to": "you"}))
    assert everything == [LetterPosted()]


@pytest.mark.parametrize(
    "group", ["tpyo", None, 5, ["box"], {}, Unshowable(), pytest.param("x" * 1_000_000, id="long")]
)
def test_who_asks_for_the_letters_of_a_stranger_is_told_who_is_there(group: Any) -> None:
    """A typo must not look like "nothing failed"."""
    bus = DirectBus()
    refused(OptionError, "give one of the handlers, once there are any", lambda: bus.redrive(group))
    bus.subscribe(LetterPosted, print, name="box")
    bus.subscribe(LetterPosted, print, name="van")
    refused(OptionError, "give one of box, van", lambda: bus.redrive(group))
    if group is not None:  # None asks for all
        refused(OptionError, "give one of box, van", lambda: bus.dead_letters(group))
    assert bus.dead_letters("box") == bus.dead_letters() == []


def test_a_dead_letter_may_hold_what_cannot_be_compared() -> None:
    """Redriving looks for the letter, not for what is in it."""
    bus, asked = DirectBus(), []

    @bus.on("parcel", name="box")
    def fail(_: Any) -> None:
        raise ConnectionError

    for _ in range(2):
        bus.publish("parcel", Unshowable())
    assert bus.redrive("box", lambda letter: asked.append(letter) or len(asked) == 1) == 1
    assert len(bus.dead_letters()) == 2


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.lists(st.text(max_size=3), max_size=2),
    st.sampled_from(
        [Unshowable(), Unshowable, LetterPosted, LetterPosted(), StampBought, PostLetter(), print, int, ..., {}]
    ),
)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["what", "handler", "name", "source", "event", "topic", "option", "redrive", "letters"]), JUNK)
def test_whatever_is_given_the_bus_takes_it_or_says_in_one_line_why_not(where: str, junk: Any) -> None:
    """No bare TypeError or KeyError comes from inside, for no parameter of no method."""
    bus = DirectBus()
    bus.subscribe(LetterPosted, lambda _: None, name="box")
    calls: dict[str, Callable[[], Any]] = {
        "what": lambda: bus.subscribe(junk, lambda _: None),
        "handler": lambda: bus.subscribe(LetterPosted, junk),
        "name": lambda: bus.subscribe(LetterPosted, lambda _: None, name=junk),
        "source": lambda: DirectBus(source=junk),
        "event": lambda: bus.publish(junk),
        "topic": lambda: bus.publish(junk, junk),
        "option": lambda: bus.on(LetterPosted, takes=junk)(lambda _: None),
        "redrive": lambda: bus.redrive(junk),
        "letters": lambda: bus.dead_letters(junk),
    }
    try:
        calls[where]()
    except EdaLabError as error:
        said = str(error)
    else:
        said = "nothing"
    assert said.isprintable()
    assert len(said) <= 500
    assert bus.publish(LetterPosted()).ok
