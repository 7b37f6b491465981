"""What event sourcing says when something goes wrong: one line that says what to do, with the facts at hand."""

import pytest

from eda_lab import Message
from eda_lab.errors import EdaLabError
from eda_lab.sourcing import errors
from eda_lab.sourcing.errors import ProjectionError, SnapshotError, UpcastError

HERE = Message(id="1", source="s", type="order_placed", time=0.0, data={}, dataversion=1, position=7)
ELSEWHERE = Message(id="1", source="s", type="order_placed", time=0.0, data={}, dataversion=4)
STATE = {"a": {1}}
# Each error, with the words that say what to do and the facts that it carries.
ALL = [
    (
        UpcastError(HERE, 3, "no upcaster leads on from version 2: write one"),
        "order_placed of version 1 at position 7 cannot be read as version 3: no upcaster leads on from version 2: ",
        {"type": "order_placed", "dataversion": 1, "known": 3, "position": 7},
    ),
    (
        UpcastError(ELSEWHERE, 3, "it is newer"),
        "order_placed of version 4 cannot be read as version 3: it is newer",
        {"position": None, "reason": "it is newer"},
    ),
    (
        SnapshotError(STATE, "it comes back as a list"),
        "no snapshot can be kept of {'a': {1}}: it comes back as a list (give state_type=, or",
        {"state": STATE, "reason": "it comes back as a list"},
    ),
    (
        ProjectionError("orders", "call rebuild(store)"),
        "the projection 'orders': call rebuild(store)",
        {"name": "orders", "reason": "call rebuild(store)"},
    ),
]


@pytest.mark.parametrize(("error", "words", "facts"), ALL)
def test_an_error_is_one_line_that_says_what_to_do_and_carries_its_facts(
    error: EdaLabError, words: str, facts: dict[str, object]
) -> None:
    """As all errors of the package do."""
    assert isinstance(error, EdaLabError)
    assert words in str(error)
    assert str(error).isprintable()
    assert len(str(error)) <= 250
    assert {name: getattr(error, name) for name in facts} == facts


def test_the_list_above_has_every_error() -> None:
    """Whoever adds an error adds an example of what it says."""
    assert {type(error).__name__ for error, _, _ in ALL} == set(errors.__all__)
