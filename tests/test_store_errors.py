"""What a store says when something goes wrong: one line that says what to do, with the facts at hand."""

import pytest

from eda_lab.errors import EdaLabError
from eda_lab.store import errors as store_errors
from eda_lab.store.errors import (
    DuplicateIdError,
    StoreBusyError,
    StoreClosedError,
    StoreDamagedError,
    StoreError,
    StoreFileError,
    WrongExpectedVersionError,
)

# Each error, with the words that say what to do and the facts that it carries.
ALL = [
    (StoreError("the log is gone"), "the log", {}),
    (
        WrongExpectedVersionError("order-1", 3, 5),
        "stream 'order-1' is at version 5, not at version 3: read it again and decide again",
        {"stream": "order-1", "expected": 3, "actual": 5},
    ),
    (WrongExpectedVersionError("order-1", 0, 5), "is at version 5, not new", {"expected": 0}),
    (WrongExpectedVersionError("order-1", 3, 0), "is empty, not at version 3", {"actual": 0}),
    (
        DuplicateIdError("checkout", "7", 12, "data"),
        "'7' of 'checkout' is at position 12 already, with another data: give each event its own id",
        {"source": "checkout", "id": "7", "position": 12},
    ),
    (DuplicateIdError("checkout", "7", None, "data"), "twice in one call", {"position": None}),
    (
        StoreFileError("/a/folder/x.db", "this is a folder: give the path of a file in it"),
        "'x.db': this is a folder: give the path of a file in it",
        {"path": "/a/folder/x.db", "reason": "this is a folder: give the path of a file in it"},
    ),
    (StoreFileError(None, "no memory is left"), "the store in memory: no memory is left", {"path": None}),
    (
        StoreDamagedError("x.db", ["page 7 is odd", "page 8 is even"]),
        "'x.db': damaged: page 7 is odd (and 1 more); copy the file before you try anything else",
        {"path": "x.db", "problems": ("page 7 is odd", "page 8 is even")},
    ),
    (
        StoreBusyError("x.db", 10.0),
        "'x.db' was locked by another program for 10 s: try again",
        {"path": "x.db", "seconds": 10.0},
    ),
    (StoreClosedError("is closed"), "this store is closed: open it again", {"reason": "is closed"}),
]


@pytest.mark.parametrize(("error", "words", "facts"), ALL, ids=[type(error).__name__ for error, _, _ in ALL])
def test_an_error_is_one_line_that_says_what_to_do_and_carries_its_facts(
    error: StoreError, words: str, facts: dict[str, object]
) -> None:
    """As all errors of the package do."""
    assert isinstance(error, StoreError)
    assert isinstance(error, EdaLabError)
    assert words in str(error)
    assert str(error).isprintable()
    assert len(str(error)) <= 250
    assert {name: getattr(error, name) for name in facts} == facts


def test_the_list_above_has_every_error() -> None:
    """Whoever adds an error adds an example of what it says."""
    classes = {thing for name in store_errors.__all__ if isinstance(thing := getattr(store_errors, name), type)}
    assert classes == {type(error) for error, _, _ in ALL}


def test_no_name_breaks_an_error_out_of_its_line() -> None:
    """Neither of a stream, nor of a file, nor of an id."""
    hostile = "two\nlines\x1b[2J\u202e" + "x" * 10_000
    errors = [
        WrongExpectedVersionError(hostile, 1, 2),
        DuplicateIdError(hostile, hostile, 1, hostile),
        StoreFileError(f"/a/{hostile}", hostile),
        StoreDamagedError(hostile, [hostile]),
        StoreBusyError(hostile, 1),
    ]
    for error in errors:
        assert str(error).isprintable()
        assert len(str(error)) <= 500
