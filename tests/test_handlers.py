"""What can serve as a handler: functions of all kinds, objects that can be called; and what is said to others."""

import functools
import operator
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import MagicMock, Mock

import pytest

from eda_lab import Consumer, Delivery, DirectBus, EventBus, handles
from eda_lab.errors import DuplicateNameError, HandlerError, OptionError
from eda_lab.handlers import checked_name, examine

# --- those that serve


def plain(event: Any) -> None:
    """Take the event."""


def with_delivery(event: Any, delivery: Delivery) -> None:
    """Take the delivery, too."""


def second_by_another_name(event: Any, envelope: Delivery) -> None:
    """Need two arguments: nothing but the delivery could be the second."""


def optional_delivery(event: Any, delivery: Delivery | None = None) -> None:
    """Ask for the delivery by its name."""


def optional_other(event: Any, times: int = 1) -> None:
    """Have an option of its own."""


def takes_any(*things: Any, **options: Any) -> None:
    """Take whatever comes."""


async def waiting(event: Any) -> None:
    """Be async."""


class Counting:
    """A callable object with a method, a class method and an async one."""

    def __call__(self, event: Any) -> None: ...

    def count(self, event: Any) -> None: ...

    @classmethod
    def of_class(cls, event: Any) -> None: ...

    @staticmethod
    def of_none(event: Any) -> None: ...

    async def wait(self, event: Any) -> None: ...


class WaitingInCall:
    """A callable object that is async."""

    async def __call__(self, event: Any, delivery: Delivery) -> None: ...


class Remembering(Consumer):
    """A consumer with a method for one topic."""

    @handles("order_placed")
    def remember(self, order: Any) -> None: ...


SERVING: list[tuple[Any, str, bool, bool]] = [  # handler, name, wants the delivery, is async
    (plain, "plain", False, False),
    (with_delivery, "with_delivery", True, False),
    (second_by_another_name, "second_by_another_name", True, False),
    (optional_delivery, "optional_delivery", True, False),
    (optional_other, "optional_other", False, False),
    (takes_any, "takes_any", False, False),
    (waiting, "waiting", False, True),
    (lambda event: None, "<lambda>", False, False),
    (functools.partial(plain), "partial", False, False),
    (functools.partial(optional_other, times=3), "partial", False, False),
    (functools.partial(waiting), "partial", False, True),
    (Counting(), "Counting", False, False),
    (Counting().count, "Counting.count", False, False),
    (Counting.of_class, "Counting.of_class", False, False),
    (Counting.of_none, "of_none", False, False),
    (Counting().wait, "Counting.wait", False, True),
    (Counting, "Counting", False, False),
    (WaitingInCall(), "WaitingInCall", True, True),
    (WaitingInCall, "WaitingInCall", True, True),
    (Remembering, "Remembering", True, False),
    (Remembering(), "Remembering", True, False),
    ([].append, "append", False, False),
    (print, "print", False, False),
    ({}.update, "update", False, False),
    (operator.itemgetter(0), "itemgetter", False, False),
    (Mock(), "Mock", False, False),
    (MagicMock(), "MagicMock", False, False),
]


@pytest.mark.parametrize(("handler", "name", "wants_delivery", "is_async"), SERVING)
def test_what_can_be_called_with_an_event_can_be_a_handler(
    handler: Any, name: str, wants_delivery: bool, is_async: bool
) -> None:
    """What a bus has to know of it is found out without calling it."""
    spec = examine(handler)
    assert (spec.name, spec.wants_delivery, spec.is_async) == (name, wants_delivery, is_async)
    built = spec.build()
    assert type(built) is handler if isinstance(handler, type) else built is handler


def test_a_class_is_built_anew_for_each_worker() -> None:
    """So each has a memory of its own; an object is shared."""
    assert examine(Counting).build() is not examine(Counting).build()
    shared = Counting()
    assert examine(shared).build() is examine(shared).build()


# --- those that do not


def takes_nothing() -> None:
    """Take no event."""


def takes_keywords_only(*, event: Any) -> None:
    """Nobody passes a keyword."""


def takes_three(event: Any, stock: Any, mail: Any) -> None:
    """Want more than there is."""


def needs_keyword(event: Any, *, mail: Any) -> None:
    """Want what nobody gives."""


async def yielding(event: Any) -> AsyncIterator[Any]:
    """Be an async generator."""
    yield event


class Silent:
    """Its instances cannot be called."""


class NeedsDatabase:
    """It cannot be built without arguments."""

    def __init__(self, db: Any) -> None: ...

    def __call__(self, event: Any) -> None: ...


class Unshowable:
    """An object whose own repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no\nrepr")


REFUSED: list[Any] = [
    (takes_nothing, r"takes_nothing takes no argument: a handler receives the event, as in def takes_nothing\(event\)"),
    (takes_keywords_only, "takes_keywords_only takes no argument"),
    (lambda: None, "<lambda> takes no argument"),
    (takes_three, r"takes_three wants more than \(event, delivery\): nobody gives it mail"),
    (needs_keyword, r"needs_keyword wants more than \(event, delivery\): nobody gives it mail"),
    (yielding, "yielding is an async generator: return the events in a list"),
    (plain(1), r"None cannot be called: give the function itself, without calling it: no \(\)"),
    (5, "5 cannot be called: give a function"),
    ("plain", "'plain' cannot be called: give a function"),
    ([plain], "cannot be called: give a function"),
    pytest.param("x" * 1_000_000, "cannot be called: give a function", id="long"),
    (Unshowable(), "<Unshowable> cannot be called: give a function"),
    (Silent, "instances of Silent cannot be called: derive it from Consumer"),
    (Silent(), "cannot be called: give a function"),
    (NeedsDatabase, r"NeedsDatabase cannot be built without arguments \(missing a required argument: 'db'\)"),
    (int, "instances of int cannot be called"),
    (dict, "instances of dict cannot be called"),
]


@pytest.mark.parametrize(("handler", "says"), REFUSED)
@pytest.mark.parametrize("bus_class", [DirectBus, EventBus])
def test_what_cannot_be_a_handler_is_refused_when_it_is_subscribed(bus_class: Any, handler: Any, says: str) -> None:
    """Not when the first event comes; in one line; and nothing is left of it."""
    bus = bus_class()
    with pytest.raises(HandlerError, match=says) as caught:
        bus.subscribe("order_placed", handler)
    assert caught.value.handler is handler
    assert str(caught.value).isprintable()
    assert bus.trace.groups == () if isinstance(bus, EventBus) else bus.groups == ()


def test_a_called_async_function_is_met_with_the_advice_not_to_call_it() -> None:
    """And with no second complaint that nobody awaited it."""
    with pytest.raises(HandlerError, match=r"give the function itself, without calling it: no \(\)"):
        examine(waiting(1))


# --- their names


def test_handlers_without_a_name_of_their_own_are_numbered() -> None:
    """Whoever comes and goes meanwhile, no number is given to two at once."""
    spec = examine(lambda event: None)
    assert spec.chosen_name(None, ()) == "lambda-1"
    assert spec.chosen_name(None, {"email"}) == "lambda-2"
    assert spec.chosen_name(None, {"lambda-2"}) == "lambda-3"
    assert spec.chosen_name("stock", {"lambda-1"}) == "stock"


def test_two_of_one_name_are_refused() -> None:
    """Whether the name was given or is the function's own."""
    for spec, given in ((examine(plain), None), (examine(with_delivery), "plain")):
        with pytest.raises(DuplicateNameError, match="'plain' is taken: unsubscribe it first, or give another name="):
            spec.chosen_name(given, {"plain"})


@pytest.mark.parametrize(
    "name", ["", " ", "\n", "two\nlines", "\x1b[2J", "tab\t", None, 5, b"email", ["email"], {}, plain]
)
def test_a_name_is_text_on_one_line(name: Any) -> None:
    """It stands in tables, pictures and transcripts."""
    with pytest.raises(OptionError, match=r"^group=.*: give a name, as text on one line$"):
        checked_name("group", name)
    assert checked_name("group", "e-mail für alle") == "e-mail für alle"
