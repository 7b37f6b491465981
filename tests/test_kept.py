"""Events as text in a database: whatever is written is read back, and what is no such text is told."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Command, Event, later
from eda_lab.errors import MalformedEventError, NotAnEventError, UnknownEventTypeError
from eda_lab.kept import read, written


class ParcelWeighed(Event):
    """An event with data of several kinds."""

    parcel: str
    grams: int | None = None
    notes: tuple[str, ...] = ()


class WeighParcel(Command):
    """A command."""

    parcel: str


EVENTS = st.builds(ParcelWeighed, st.text(), st.none() | st.integers(0, 2**60), st.lists(st.text()).map(tuple))
THINGS = EVENTS | st.builds(WeighParcel, st.text()) | st.builds(later, st.floats(0, 1e12), EVENTS)


@settings(deadline=None)
@given(st.lists(THINGS, max_size=5))
def test_what_is_written_is_read_back(events: list[Any]) -> None:
    """In order, of the same classes, on one line."""
    text = written(events)
    assert "\n" not in text
    again = read(text)
    assert again == events
    assert list(map(type, again)) == list(map(type, events))


def test_the_text_can_be_read_by_people() -> None:
    """The type, the data, and how much later."""
    assert written([later(1.5, WeighParcel("1"))]) == '[{"type":"weigh_parcel","data":{"parcel":"1"},"seconds":1.5}]'
    assert written([]) == "[]"


@pytest.mark.parametrize("thing", [None, 5, "a", {"parcel": "1"}, ParcelWeighed, later(1, "no event")])
def test_only_events_are_written(thing: Any) -> None:
    """Anything else would come back as something else."""
    with pytest.raises(NotAnEventError, match="is no instance of an Event class"):
        written([thing])


@pytest.mark.parametrize(
    "event", [ParcelWeighed("\ud800"), ParcelWeighed(object()), ParcelWeighed("a", notes=({1: {}},))]
)
def test_what_json_cannot_hold_is_not_written_or_not_read(event: Any) -> None:
    """The error is ours, and says why."""
    with pytest.raises(MalformedEventError):
        read(written([event]))


@settings(deadline=None)
@given(
    st.text()
    | st.sampled_from(["{}", "[1]", "[{}]", '[{"type":5,"data":1}]', "[" * 100_000, '[{"type":"weigh_parcel"}]'])
)
def test_other_text_is_told(text: str) -> None:
    """Whatever it is, one error of ours; the empty list is the only one that chance finds."""
    if text.strip() == "[]":
        return
    with pytest.raises(MalformedEventError, match="these are no events"):
        read(text)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('[{"type":"weigh_parcels","data":{}}]', UnknownEventTypeError),
        ('[{"type":"weigh_parcel","data":{}}]', MalformedEventError),
        ('[{"type":"weigh_parcel","data":{"parcel":5}}]', MalformedEventError),
        ('[{"type":"weigh_parcel","data":null}]', MalformedEventError),
    ],
)
def test_text_that_fits_no_class_is_told(text: str, error: type[Exception]) -> None:
    """A class that is gone, and one that has changed."""
    with pytest.raises(error):
        read(text)
