"""Messages on the wire: a CloudEvents 1.0 JSON object that any reader of that standard understands, there and back."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab.errors import MalformedEventError, NotAnEventError
from eda_lab.events import Event, Message
from eda_lab.wire import decode, encode


class ParcelWeighed(Event):
    """A parcel was put on the scales."""

    parcel_id: str
    grams: int
    marks: tuple[str, ...] = ()


def message(**changes: Any) -> Message:
    """Return a message that can be sent, but for what is changed."""
    plain: dict[str, Any] = {"id": "1", "source": "scales", "type": "parcel_weighed", "time": 0.0}
    return Message(**plain | {"data": ParcelWeighed("7", 400)} | changes)


def test_the_attributes_bear_the_names_of_cloudevents() -> None:
    """Required: specversion, id, source, type; extensions are lower-case letters and digits only (section 3.1)."""
    full = message(
        time=1_769_860_800.25,
        subject="7",
        correlation_id="c",
        causation_id="0",
        dataversion=2,
        partitionkey="k",
        queued_for=5,
        stream="parcel-7",
        version=1,
        position=9,
    )
    assert json.loads(encode(full)) == {
        "specversion": "1.0",
        "id": "1",
        "source": "scales",
        "type": "parcel_weighed",
        "time": "2026-01-31T12:00:00.250000Z",
        "subject": "7",
        "datacontenttype": "application/json",
        "correlationid": "c",
        "causationid": "0",
        "dataversion": 2,
        "partitionkey": "k",
        "data": {"parcel_id": "7", "grams": 400, "marks": []},
    }


def test_what_is_not_known_is_left_out_rather_than_null() -> None:
    """A reader sees no attribute that says nothing."""
    attributes = json.loads(encode(message(data=None)))
    assert attributes.keys() == {
        "specversion",
        "id",
        "source",
        "type",
        "time",
        "datacontenttype",
        "dataversion",
        "data",
    }
    assert attributes["data"] is None


def test_what_is_local_to_a_bus_or_a_store_stays_at_home() -> None:
    """How many groups got it, and where it stands in a stream, is no business of who reads the wire."""
    back = decode(encode(message(queued_for=5, stream="s", version=3, position=4)))
    assert (back.queued_for, back.stream, back.version, back.position) == (None, None, None, None)


def test_an_event_comes_back_as_its_class() -> None:
    """With the types that the class names: a tuple is a tuple again."""
    sent = message(data=ParcelWeighed("7", 400, ("fragile", "this side up")))
    assert decode(encode(sent)) == sent


def test_a_type_that_nobody_knows_comes_back_as_plain_data() -> None:
    """A program that is older than the event can still pass it on."""
    back = decode(encode(message(type="never_heard_of", data=ParcelWeighed("7", 400))))
    assert back.data == {"parcel_id": "7", "grams": 400, "marks": []}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
TEXT = st.text(min_size=1)
MAYBE = st.none() | st.text()
# Up to 2**33 seconds (the year 2242) a float of seconds is within half a microsecond of every microsecond.
MICROSECONDS = st.integers(-(2**33) * 10**6, 2**33 * 10**6)


@settings(deadline=None)
@given(JSON)
def test_any_nested_data_comes_back_as_it_was_sent(data: Any) -> None:
    """Every JSON value, however it is nested; integers up to 64 bits, floats to the last bit."""
    assert decode(encode(message(type="never_heard_of", data=data))).data == data


@settings(deadline=None)
@given(TEXT, TEXT, MICROSECONDS, MAYBE, MAYBE, MAYBE, st.integers(), MAYBE)
def test_any_envelope_comes_back_as_it_was_sent(
    key: str, source: str, us: int, subject: Any, correlation: Any, causation: Any, version: int, partition: Any
) -> None:
    """All attributes that travel do so unchanged, and the time to the microsecond."""
    sent = message(
        id=key,
        source=source,
        time=us / 1e6,
        subject=subject,
        correlation_id=correlation,
        causation_id=causation,
        dataversion=version,
        partitionkey=partition,
    )
    back = decode(encode(sent))
    assert back == sent


@settings(deadline=None)
@given(MICROSECONDS)
def test_the_time_on_the_wire_is_the_very_microsecond_in_utc(us: int) -> None:
    """Held against the standard library's own reading of RFC 3339."""
    written = json.loads(encode(message(time=us / 1e6)))["time"]
    assert written.endswith("Z")
    assert datetime.fromisoformat(written) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"id": ""}, "$.id", "length >= 1"),
        ({"source": ""}, "$.source", "length >= 1"),
        ({"type": ""}, "$.type", "length >= 1"),
        ({"id": 5}, "$.id", "Expected `str`, got `int`"),
        ({"id": None}, "$", "missing required field `id`"),
        ({"type": ["a"]}, "$.type", "Expected `str`, got `array`"),
        ({"subject": 5}, "$.subject", "got `int`"),
        ({"correlation_id": b"c"}, "$.correlationid", "got `bytes`"),
        ({"dataversion": "1"}, "$.dataversion", "got `str`"),
        ({"dataversion": True}, "$.dataversion", "got `bool`"),
        ({"time": None}, "$.time", "None is no time"),
        ({"time": "noon"}, "$.time", "'noon' is no time"),
        ({"time": float("nan")}, "$.time", "nan is no time"),
        ({"time": float("-inf")}, "$.time", "-inf is no time"),
        ({"time": 1e12}, "$.time", "is no time"),
        ({"time": -1e12}, "$.time", "is no time"),
        ({"data": object()}, "$", "objects of type object is unsupported"),
        ({"data": {(1, 2): 3}}, "$", "cannot be written as JSON"),
        ({"data": LOOP}, "$", "nested too deeply"),
        ({"data": 10**5000}, "$", "cannot be written as JSON"),
        ({"data": "\ud800"}, "$", "surrogates not allowed"),
        ({"subject": "\ud800"}, "$", "surrogates not allowed"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(changes: dict[str, Any], path: str, reason: str) -> None:
    """The sender hears of it, not the receiver; the error names the attribute as it is called on the wire."""
    with pytest.raises(MalformedEventError) as caught:
        encode(message(**changes))
    assert caught.value.path == path
    assert reason in caught.value.reason


@pytest.mark.parametrize("thing", [None, 5, "text", b"bytes", {}, ParcelWeighed("7", 400), Message])
def test_only_a_message_goes_onto_the_wire(thing: Any) -> None:
    """An event needs its envelope first."""
    with pytest.raises(NotAnEventError, match="is no Message: encode an event in its envelope") as caught:
        encode(thing)
    assert caught.value.given is thing


ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.text()))


@settings(deadline=None)
@given(st.sampled_from(sorted(set(Message.__struct_fields__) - {"data"})), ANYTHING)
def test_whatever_stands_in_an_attribute_it_is_refused_or_read_back(name: str, value: Any) -> None:
    """There is no message that can be written but not read."""
    try:
        wire = encode(message(**{name: value}))
    except MalformedEventError:
        return
    assert decode(wire).data == ParcelWeighed("7", 400) or name == "type"
