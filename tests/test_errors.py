"""What a person reads when something goes wrong: one line that says what to do, with the facts at hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import errors
from eda_lab.errors import (
    CascadeLimitError,
    CommandRoutingError,
    DuplicateNameError,
    EdaLabError,
    EndlessResultError,
    HandlerError,
    HandlerResultError,
    IdempotencyKeyError,
    LabAwaitError,
    MalformedEventError,
    NestedTransactionError,
    NotAnEventError,
    OptionError,
    SettledError,
    UnknownEventTypeError,
    check_whole,
    one_line,
    shown,
)


class Parcel:
    """Something that is neither an event nor a handler."""


class Unshowable:
    """An object whose own repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no picture\nof me")


PARCEL = Parcel()
# Each error, with the words that say what to do and the facts that it carries.
ALL = [
    (EdaLabError("the books do not balance"), "the books", {}),
    (
        OptionError("takes", -1, "give a number of seconds that is not negative"),
        "takes=-1: give a number of seconds",
        {"option": "takes", "value": -1},
    ),
    (NotAnEventError(PARCEL, "publish an instance"), "publish an instance", {"given": PARCEL}),
    (
        MalformedEventError("$.data.items[0].quantity", "Expected `int`, got `str`"),
        "Expected `int`, got `str` - at $.data.items[0].quantity",
        {"path": "$.data.items[0].quantity", "reason": "Expected `int`, got `str`"},
    ),
    (UnknownEventTypeError("order_plced", "order_placed"), "did you mean 'order_placed'?", {"type": "order_plced"}),
    (UnknownEventTypeError("tea_served"), "define a class for it", {"type": "tea_served"}),
    (HandlerError(PARCEL, "give a function"), "give a function", {"handler": PARCEL}),
    (
        HandlerResultError("reserve_stock", {"sku": "PROD1"}),
        "reserve_stock returned dict {'sku': 'PROD1'}: a handler returns nothing, an event, or an iterable of events",
        {"handler": "reserve_stock", "result": {"sku": "PROD1"}},
    ),
    (HandlerResultError("pick", Parcel), "pick returned the class <class", {"handler": "pick", "result": Parcel}),
    (HandlerResultError("pick", {1}), "which has no order: a handler returns", {"result": {1}}),
    (EndlessResultError("pick", 9), "pick returned more than 9 events at once", {"handler": "pick", "limit": 9}),
    (LabAwaitError(PARCEL), "await only eda_lab.sleep(seconds)", {"awaited": PARCEL}),
    (DuplicateNameError("email", "give another name="), "'email' is taken: give another", {"name": "email"}),
    (
        CommandRoutingError("ship_order", ()),
        "the command 'ship_order' needs exactly one handler, but nobody listens",
        {"type": "ship_order", "groups": ()},
    ),
    (
        CommandRoutingError("ship_order", ("a", "b")),
        "but 2 groups listen (a, b)",
        {"type": "ship_order", "groups": ("a", "b")},
    ),
    (
        SettledError("email-2", "ack", "it was settled already, by reject"),
        "email-2 cannot ack this delivery: it was settled already, by reject",
        {"consumer": "email-2", "how": "ack"},
    ),
    (
        IdempotencyKeyError("7", "card.charge('1', 500)", "card.charge('1', 600)"),
        "the key '7' was given for card.charge('1', 500), and now comes with card.charge('1', 600): use one key",
        {"key": "7", "first": "card.charge('1', 500)", "now": "card.charge('1', 600)"},
    ),
    (NestedTransactionError("database"), "use the one that the handler was given", {"what": "database"}),
    (
        CascadeLimitError(("ping", "pong"), 100),
        "after 100 generations events still cause events: ping -> pong -> ping; let one of these handlers return",
        {"cycle": ("ping", "pong"), "limit": 100},
    ),
]
IDS = [f"{type(error).__name__}-{place}" for place, (error, _, _) in enumerate(ALL)]


@pytest.mark.parametrize(("error", "words", "facts"), ALL, ids=IDS)
def test_an_error_is_one_line_that_says_what_to_do_and_carries_its_facts(
    error: EdaLabError, words: str, facts: dict[str, object]
) -> None:
    """Who catches an error finds what it is about as attributes, and need not read it out of the text."""
    assert isinstance(error, EdaLabError)
    assert words in str(error)
    assert str(error).isprintable()
    assert len(str(error)) <= 250
    assert {name: getattr(error, name) for name in facts} == facts


def test_the_list_above_has_every_error() -> None:
    """Whoever adds an error adds an example of what it says."""
    classes = {thing for name in errors.__all__ if isinstance(thing := getattr(errors, name), type)}
    assert classes == {type(error) for error, _, _ in ALL}


def test_one_except_catches_all_that_the_package_raises_by_itself() -> None:
    """`except EdaLabError` is enough, and it is an ordinary exception."""
    assert all(issubclass(type(error), EdaLabError) for error, _, _ in ALL)
    assert issubclass(EdaLabError, Exception)


ANY_TEXT = st.text() | st.sampled_from(["two\nlines", "\x1b[2J", "\u202eback", "\ud800", "x" * 10_000_000, "\0"])


@settings(deadline=None, max_examples=40)
@given(ANY_TEXT, st.integers(2, 100))
def test_whatever_the_text_one_line_is_one_line(text: str, width: int) -> None:
    """Control characters are written out, and what is too long ends in an ellipsis."""
    line = one_line(text, width)
    assert len(line) <= width
    assert line.isprintable()
    if text.isprintable():
        assert line == (text if len(text) <= width else text[: width - 1] + "…")


@settings(deadline=None, max_examples=40)
@given(ANY_TEXT)
def test_no_value_breaks_an_error_out_of_its_line(text: str) -> None:
    """What a learner typed, pasted or generated is shown, but never takes the message over."""
    said = [
        OptionError("topic", text, "give a topic"),
        OptionError(text, 1, "there is no such option"),
        MalformedEventError("$", text),
        DuplicateNameError(text, "give another name="),
        HandlerResultError("pick", text),
        UnknownEventTypeError(text),
        CommandRoutingError(text, (text, text)),
        EdaLabError(text),
    ]
    for error in said:
        assert str(error).isprintable()
        assert len(str(error)) <= 500
    assert str(said[0]).endswith(": give a topic")
    assert str(said[1]).endswith("=1: there is no such option")
    assert str(said[2]).endswith(" - at $")


def test_an_object_that_cannot_show_itself_is_named_by_its_type() -> None:
    """Complaining about it must not fail in turn."""
    assert shown(Unshowable()) == "<Unshowable>"
    assert str(OptionError("takes", Unshowable(), "give a number")) == "takes=<Unshowable>: give a number"


@pytest.mark.parametrize("value", [True, False, None, 1.0, "1", float("nan"), -1, 0, [1], Unshowable()])
def test_a_whole_number_is_an_int_that_is_large_enough(value: object) -> None:
    """True is no number, and 1.0 is not whole: who writes it means something else."""
    with pytest.raises(OptionError, match=r"^size=.*: give a whole number of at least 1$") as caught:
        check_whole("size", value, 1)
    assert caught.value.option == "size"
    assert caught.value.value is value


@settings(deadline=None, max_examples=50)
@given(st.integers(), st.integers())
def test_a_whole_number_passes_where_it_is_not_below_the_least(value: int, least: int) -> None:
    """There is no upper bound, and none of machine words either."""
    if value >= least:
        assert check_whole("n", value, least) is None
    else:
        with pytest.raises(OptionError):
            check_whole("n", value, least)
