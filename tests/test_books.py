"""The books of the shop from its events, a recovery from a log held against the truth, and the picture of both."""

from typing import Any

import pytest

from eda_lab import EventBus, EventStore, Shop, example_order, make_order, open_shop, steady
from eda_lab.course import Books, Recovery
from eda_lab.errors import OptionError
from eda_lab.orders import PaymentCaptured, ShippingRequested, StockReserved
from eda_lab.plots import history
from eda_lab.roles import is_projector


@pytest.fixture(scope="module")
def log() -> EventStore:
    """Return the log of a day of twelve orders."""
    store = EventStore()
    bus = EventBus(seed=0, store=store)
    open_shop(bus, chain=True)
    bus.process("checkout", steady(make_order, every=0.2, count=12))
    bus.run()
    return store


def recovered(log: EventStore, position: int, start: int = 1, side_effects: bool = False) -> Recovery:
    """Open a new shop, and replay a part of the log into it."""
    bus, shop, books = EventBus(seed=0), Shop(), Books()
    open_shop(bus, chain=True, shop=shop)
    bus.subscribe("*", books.note, name="books")
    log.replay(bus, from_position=start, until=position, side_effects=side_effects)
    bus.run()
    return Recovery(log.read_all(), position, start, books, shop)


def test_the_books_follow_the_events_and_ignore_what_they_do_not_know() -> None:
    books = Books(pieces_left=10)
    for event in (example_order(), StockReserved("12345"), PaymentCaptured("12345", 5000), {"some": "data"}):
        books.note(event)
    assert books.state == {"pieces left": 8, "cents taken": 5000, "orders open": 1}
    books.note(ShippingRequested("12345"))
    assert repr(books) == "8 pieces left, 5,000 cents taken, 0 orders open"
    assert [state["pieces left"] for state in books.past] == [10, 10, 8, 8, 8, 8]
    assert is_projector(books.note)


def test_an_event_of_an_order_that_the_books_have_never_heard_of_does_no_harm() -> None:
    books = Books(pieces_left=10)
    books.note(StockReserved("1"))
    books.note(ShippingRequested("1"))
    assert books.state == {"pieces left": 10, "cents taken": 0, "orders open": 0}


def test_books_are_equal_if_they_say_the_same() -> None:
    assert Books() == Books() != Books(pieces_left=9)
    assert Books() != {"pieces left": 100}


@pytest.mark.parametrize("position", range(0, 73, 8))
def test_a_replay_from_the_start_gives_the_books_as_they_were(log: EventStore, position: int) -> None:
    recovery = recovered(log, position)
    assert recovery.done == recovery.needs(EventBus().trace)
    assert recovery.picture().alt.endswith("All is as it was then.")


def test_side_effects_happen_again_and_the_books_do_not_show_it(log: EventStore) -> None:
    quiet, loud = recovered(log, 72), recovered(log, 72, side_effects=True)
    assert loud.books == quiet.books
    assert (loud.done["e-mails sent again"], loud.done["cards charged again"]) == (12, 12)
    assert (quiet.done["e-mails sent again"], quiet.done["cards charged again"]) == (0, 0)


def test_a_replay_that_begins_late_has_other_books_and_says_so(log: EventStore) -> None:
    recovery = recovered(log, 72, start=30)
    done, needed = recovery.done, recovery.needs(EventBus().trace)
    assert {name for name in needed if done[name] == needed[name]} >= {"orders open"}
    assert done["pieces left"] > needed["pieces left"]
    assert done["cents taken"] < needed["cents taken"]
    assert "In truth it was then: pieces left 76" in recovery.picture().alt


@pytest.mark.parametrize(("position", "start"), [(0, 1), (0, 72), (5, 72), (72, 72), (99, 1)])
def test_every_setting_of_the_panel_gives_a_picture(log: EventStore, position: int, start: int) -> None:
    text = recovered(log, position, start).picture().as_text
    read = "Nothing was replayed" if position < start else "Read"
    assert text.startswith(f"{read} up to position {min(position, 72)} of 72")


def test_a_picture_names_the_event_that_was_read_last_and_lists_the_changes() -> None:
    plot = history({"pieces": [4, 4, 2, 0]}, {"pieces": [4, 4, 2]}, events=["noted", "sold $1", "sold"])
    assert plot.alt == "Read up to position 2 of 3 (sold $1): pieces 2. All is as it was then."
    assert plot.as_text.splitlines()[-2:] == ["       0       4", "       2       2"]
    assert "At the beginning, and after each change:" in plot.as_text
    assert (
        plot.png()
        == history({"pieces": [4, 4, 2, 0]}, {"pieces": [4, 4, 2]}, events=["noted", "sold $1", "sold"]).png()
    )


def test_a_position_at_which_nothing_changed_is_not_listed() -> None:
    plot = history({"pieces": [4, 2, 2, 2]}, {"pieces": [4, 2, 2, 2]})
    assert plot.as_text.splitlines()[-2:] == ["       0       4", "       1       2"]


def test_of_many_changes_the_last_are_listed() -> None:
    plot = history({"pieces": range(31)}, {"pieces": range(31)})
    *_, caption, _, _, first = plot.as_text.splitlines()[:-11]
    assert (caption, first) == ("The last 12 changes:", "      19      19")


def test_an_empty_log_is_told_as_such() -> None:
    assert "the log is empty" in history({"pieces": [4]}, {"pieces": [4]}).as_text
    assert "the log is empty" in history({}, {}).as_text


@pytest.mark.parametrize(
    ("whole", "seen", "first"),
    [
        ({"a": [1, 2]}, {"b": [1]}, 0),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, 0),
        ({"a": [1, 2]}, {"a": []}, 0),
        ({"a": [1, 2]}, {"a": [1, 2]}, 1),
        ({"a": [1, 2], "b": [1]}, {"a": [1], "b": [1]}, 0),
        ({"a": [1, 2], "b": [1, 2]}, {"a": [1], "b": [1, 2]}, 0),
        ({"a": [1, 2]}, {"a": [1]}, -1),
    ],
)
def test_numbers_that_do_not_fit_are_refused(whole: Any, seen: Any, first: int) -> None:
    with pytest.raises(OptionError):
        history(whole, seen, first)
