"""Reading from the wire: whatever comes in is a message, or one clear error that names the place of the fault."""

import json
import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eda_lab.errors import MalformedEventError, OptionError
from eda_lab.events import Event, Message
from eda_lab.wire import MAX_BYTES, decode


class CrateLoaded(Event):
    """A crate was put onto a lorry."""

    crate_id: str
    kilos: float
    labels: tuple[str, ...] = ()


class CrateDropped(Event):
    """A crate fell; its own check raises what no decoder expects."""

    height: int

    def __post_init__(self) -> None:
        if self.height < 0:
            raise KeyError("no such\nheight")


VALID: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "lorry",
    "type": "crate_loaded",
    "time": "2026-01-31T12:00:00.000001Z",
    "data": {"crate_id": "7", "kilos": 12.5, "labels": ["fragile", "ümläut"]},
}
WIRE = json.dumps(VALID, ensure_ascii=False).encode()


def wire(**changes: Any) -> bytes:
    """Return the valid event as bytes, but for what is changed."""
    return json.dumps(VALID | changes).encode()


def refused(raw: Any, **options: Any) -> MalformedEventError:
    """Return the error that reading raises."""
    with pytest.raises(MalformedEventError) as caught:
        decode(raw, **options)
    assert str(caught.value).isprintable()
    assert str(caught.value).endswith(f" - at {caught.value.path}")
    return caught.value


def test_a_valid_event_is_read() -> None:
    """It is the story's hero; all the others in this file are spoilt copies of it."""
    assert decode(WIRE) == Message(
        id="1",
        source="lorry",
        type="crate_loaded",
        time=1769860800.000001,
        data=CrateLoaded("7", 12.5, ("fragile", "ümläut")),
    )
    assert decode(bytearray(WIRE)) == decode(memoryview(WIRE)) == decode(WIRE)


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"specversion": "0.3"}, "$.specversion", "expected '1.0', got '0.3'"),
        ({"specversion": 1.0}, "$.specversion", "Expected `str`, got `float`"),
        ({"id": ""}, "$.id", "length >= 1"),
        ({"source": ""}, "$.source", "length >= 1"),
        ({"type": ""}, "$.type", "length >= 1"),
        ({"id": 5}, "$.id", "Expected `str`, got `int`"),
        ({"id": None}, "$.id", "Expected `str`, got `null`"),
        ({"time": "2026-01-31T12:00:00"}, "$.time", "expected a time with its zone (RFC 3339)"),
        ({"time": "yesterday"}, "$.time", "Invalid RFC3339"),
        ({"time": "2026-13-31T12:00:00Z"}, "$.time", "Invalid RFC3339"),
        ({"time": 1769860800}, "$.time", "got `int`"),
        ({"subject": ["7"]}, "$.subject", "got `array`"),
        ({"dataversion": "2"}, "$.dataversion", "got `str`"),
        ({"data_base64": "AAAA"}, "$.data_base64", "send JSON in 'data'"),
        ({"data": None}, "$.data", "Expected `object`, got `null`"),
        ({"data": "text"}, "$.data", "Expected `object`, got `str`"),
        ({"data": {}}, "$.data", "missing required field `crate_id`"),
        ({"data": {"crate_id": "7"}}, "$.data", "missing required field `kilos`"),
        ({"data": {"crate_id": 7, "kilos": 1}}, "$.data.crate_id", "Expected `str`, got `int`"),
        ({"data": {"crate_id": "7", "kilos": "1"}}, "$.data.kilos", "Expected `float`, got `str`"),
        ({"data": {"crate_id": "7", "kilos": None}}, "$.data.kilos", "Expected `float`, got `null`"),
        ({"data": {"crate_id": "7", "kilos": 1, "labels": ["a", 2]}}, "$.data.labels[1]", "got `int`"),
        ({"type": "crate_dropped", "data": {"height": -1}}, "$.data", "KeyError: 'no such\\nheight'"),
    ],
)
def test_a_wrong_attribute_is_refused_and_named(changes: dict[str, Any], path: str, reason: str) -> None:
    """The path leads to the fault, through lists too."""
    error = refused(wire(**changes))
    assert error.path == path
    assert reason in error.reason


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
def test_what_the_standard_requires_must_be_there(name: str) -> None:
    """The four required attributes of CloudEvents 1.0, section 3.1."""
    lacking = {attribute: value for attribute, value in VALID.items() if attribute != name}
    assert f"missing required field `{name}`" in refused(json.dumps(lacking).encode()).reason


@pytest.mark.parametrize(
    "name",
    [
        "time",
        "subject",
        "datacontenttype",
        "correlationid",
        "causationid",
        "dataversion",
        "partitionkey",
        "data_base64",
    ],
)
def test_an_attribute_that_is_null_counts_as_absent(name: str) -> None:
    """As the JSON format of CloudEvents 1.0 says in its section 2.2."""
    lacking = {attribute: value for attribute, value in VALID.items() if attribute != name}
    assert decode(wire(**{name: None})) == decode(json.dumps(lacking).encode())


def test_attributes_that_nobody_knows_do_no_harm() -> None:
    """Others may add extensions of their own."""
    assert decode(wire(traceparent="00-1", anothers={"deep": [1]})) == decode(WIRE)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("1970-01-01T01:00:00.000001+01:00", 0.000001),
        ("1969-12-31T23:59:59.999999Z", -0.000001),
        ("0001-01-01T00:00:00+14:00", -62135647200.0),
        ("9999-12-31T23:59:59-14:00", 253402351199.0),
    ],
)
def test_a_time_is_read_in_any_zone(written: str, seconds: float) -> None:
    """From the first day that a calendar has to the last."""
    assert decode(wire(time=written)).time == seconds


def test_an_event_that_broke_off_is_refused_wherever_it_did() -> None:
    """At every single byte, and none of the pieces passes for a smaller event."""
    reasons = {refused(WIRE[:length]).reason for length in range(len(WIRE))}
    assert "Input data was truncated" in reasons


@pytest.mark.parametrize("raw", [b"null", b"[]", b"5", b'"text"', b"{}", b"\xff\xfe", b"{}" * 2, b" ", b"NaN", b"\x00"])
def test_what_is_no_event_at_all_is_refused(raw: bytes) -> None:
    """JSON or not."""
    assert refused(raw).path == "$"


def test_text_that_is_no_utf_8_is_refused() -> None:
    """In the envelope and in the data, and in a key too."""
    for place in ("lorry", "fragile", "crate_id", "kilos"):
        assert refused(WIRE.replace(place.encode(), b"\xc3\x28"))


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("closed", [True, False])
def test_data_nested_a_hundred_thousand_deep_is_refused(opening: bytes, closed: bool) -> None:
    """No recursion of ours or of the decoder brings the program down."""
    closing = {b"[": b"]", b'{"a":': b"}"}[opening]
    deep = opening * 100_000 + b"0" + closing * 100_000 * closed
    before = wire(type="never_heard_of", data=0).removesuffix(b"0}")
    assert refused(before + deep + b"}").reason in ("nested too deeply", "Input data was truncated")
    assert refused(deep).path == "$"


def test_ten_megabytes_are_refused_without_being_read() -> None:
    """The limit is that of most brokers, and it can be raised by who knows better."""
    large = wire(type="never_heard_of", data="x" * 10_000_000)
    assert refused(large).reason == f"{len(large):,} bytes are more than the 1,000,000 that are accepted"
    assert len(decode(large, max_bytes=11_000_000).data) == 10_000_000
    exactly = wire(type="never_heard_of", data="x" * (MAX_BYTES - len(wire(type="never_heard_of", data=""))))
    assert len(decode(exactly).data) < MAX_BYTES == len(exactly)
    assert refused(exactly + b" ")


@pytest.mark.parametrize("raw", [None, 5, "text", WIRE.decode(), [], {}, VALID, Message, 1.5])
def test_only_bytes_are_read(raw: Any) -> None:
    """Text would have an encoding that nobody named."""
    assert refused(raw).reason.startswith("expected bytes, got ")


@pytest.mark.parametrize("limit", [None, -1, "10", 1.5, True])
def test_the_limit_is_a_whole_number(limit: Any) -> None:
    """A wrong limit is the caller's mistake, not that of the event."""
    with pytest.raises(OptionError, match="max_bytes="):
        decode(WIRE, max_bytes=limit)


def message_or_error(raw: bytes) -> None:
    """Read; the outcome is a message, or an error that names the path. Any other exception goes through."""
    try:
        outcome: Message | MalformedEventError = decode(raw)
    except MalformedEventError as error:
        outcome = error
    if isinstance(outcome, MalformedEventError):
        assert outcome.path.startswith("$")
        assert outcome.reason
        assert str(outcome).isprintable()
    elif outcome.type == "crate_loaded":
        assert isinstance(outcome.data, CrateLoaded)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32), st.integers(1, 8))
def test_an_event_with_flipped_bytes_is_a_message_or_an_error(seed: int, flips: int) -> None:
    """A bad cable never brings out anything else."""
    rng, raw = random.Random(seed), bytearray(WIRE)
    for _ in range(flips):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    message_or_error(bytes(raw))


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["1.0", "crate_loaded"])
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
NAMES = st.sampled_from([*VALID, "subject", "data_base64", "dataversion", "datacontenttype", "partitionkey"])


@settings(deadline=None, max_examples=100)
@given(
    st.dictionaries(NAMES, JSON, max_size=6), st.dictionaries(st.sampled_from(["crate_id", "kilos", "labels"]), JSON)
)
@example({"data": 10**5000}, {})
def test_an_event_with_anything_in_its_place_is_a_message_or_an_error(changes: dict[str, Any], data: Any) -> None:
    """Random JSON in the envelope and in the data."""
    try:
        raw = json.dumps(VALID | {"data": VALID["data"] | data} | changes).encode()
    except ValueError:  # Python itself does not write integers of more than 4,300 digits
        raw = WIRE.replace(b"12.5", b"9" * 5000)
    message_or_error(raw)


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_message_or_an_error(raw: bytes) -> None:
    """Noise, and JSON that is no event."""
    message_or_error(raw)
