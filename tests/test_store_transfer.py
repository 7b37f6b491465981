"""A store as lines of CloudEvents, a store from such lines, and a thousand events that nobody should have sent."""

import json
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eda_lab import DuplicateIdError, Event, EventStore, Message, StoreError, WrongExpectedVersionError
from eda_lab.errors import EdaLabError, MalformedEventError, OptionError
from eda_lab.store.errors import StoreFileError


class SeedSown(Event):
    bed: str
    seeds: int = 1


def sown(store: EventStore) -> list[Message]:
    """Fill a store with what a log can hold, and return it."""
    store.append("bed-1", [SeedSown("1", 5), SeedSown("1")])
    whole = Message(
        id="7",
        source="garden",
        type="rain_fallen",
        time=1_700_000_000.25,
        data={"mm": 1.5, "on": ["bed-1", None], "æ": "\u2028\n\"'"},
        subject="weather",
        correlation_id="1",
        causation_id="6",
        dataversion=3,
        partitionkey="north",
    )
    store.append("日本\n'; DROP TABLE events", whole)
    store.append("bed-1", SeedSown("1", 2))
    return list(store.read_all())


def test_a_store_goes_out_and_comes_in_again_as_it_was(tmp_path: Path) -> None:
    """Streams, versions, positions and every attribute; and once more changes nothing."""
    path = tmp_path / "log.jsonl"
    with EventStore() as one, EventStore(tmp_path / "x.db") as other:
        before = sown(one)
        assert one.export_jsonl(path) == 4
        assert other.import_jsonl(path) == 4
        assert list(other.read_all()) == before
        assert other.import_jsonl(path) == 0
        assert other.verify() == 4
        assert other.export_jsonl(tmp_path / "again.jsonl") == 4
    assert (tmp_path / "again.jsonl").read_bytes() == path.read_bytes()


def test_each_line_is_a_cloud_event(tmp_path: Path) -> None:
    """Names of extension attributes are lowercase letters and digits (CloudEvents 1.0, section 3.1)."""
    with EventStore() as store:
        sown(store)
        store.export_jsonl(tmp_path / "log.jsonl")
    lines = (tmp_path / "log.jsonl").read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    first, *_, rain, _ = events = [json.loads(line) for line in lines]
    assert len(events) == 4
    assert all(name.isalnum() and name == name.lower() for event in events for name in event)
    assert first == {
        "specversion": "1.0",
        "id": "bed-1-1",
        "source": "store",
        "type": "seed_sown",
        "time": "1970-01-01T00:00:00.000000Z",
        "datacontenttype": "application/json",
        "dataversion": 1,
        "data": {"bed": "1", "seeds": 5},
        "stream": "bed-1",
        "version": 1,
        "position": 1,
    }
    assert (rain["correlationid"], rain["causationid"], rain["partitionkey"]) == ("1", "6", "north")
    assert (rain["stream"], rain["version"], rain["position"]) == ("日本\n'; DROP TABLE events", 1, 3)


def test_a_store_can_grow_out_of_another_one(tmp_path: Path) -> None:
    """What is there already is left out; positions are the store's own."""
    path = tmp_path / "log.jsonl"
    with EventStore() as one, EventStore() as other:
        one.append("bed-1", [SeedSown("1", n) for n in range(5)])
        other.append("bed-9", SeedSown("9"))
        one.export_jsonl(path)
        assert other.import_jsonl(path) == 5
        one.append("bed-1", SeedSown("1", 5))
        one.export_jsonl(path)
        assert other.import_jsonl(path) == 1
        assert [(m.position, m.version, m.data.seeds) for m in other.read("bed-1")] == [
            (n + 2, n + 1, n) for n in range(6)
        ]


def test_a_stream_that_went_on_differently_is_not_mixed(tmp_path: Path) -> None:
    """Two stores that were one: the second event of the stream is another one in each."""
    path = tmp_path / "log.jsonl"
    with EventStore() as one, EventStore(source="other") as other:
        for store in (one, other):
            store.append("beds", Message(id="1", source="garden", type="seed_sown", time=0, data=SeedSown("1")))
            store.append("beds", SeedSown("2"))
        one.export_jsonl(path)
        with pytest.raises(WrongExpectedVersionError) as caught:
            other.import_jsonl(path)
        assert (caught.value.stream, caught.value.expected, caught.value.actual) == ("beds", 1, 2)
        assert other.streams() == {"beds": 2}


def test_events_from_elsewhere_need_no_place(tmp_path: Path) -> None:
    """Any CloudEvents file will do: its events go to the stream that was named, or to that of their source."""
    path = tmp_path / "log.jsonl"
    event = {"specversion": "1.0", "id": "1", "source": "/garden", "type": "com.example.rain", "data": {"mm": 5}}
    path.write_text(f"{json.dumps(event)}\n\n  \n{json.dumps(event | {'id': '2'})}", encoding="utf-8")
    with EventStore() as store:
        assert store.import_jsonl(path) == 2
        assert store.streams() == {"/garden": 2}
    with EventStore() as store:
        assert store.import_jsonl(path, stream="weather") == 2
        assert [(m.stream, m.id, m.data) for m in store.read_all()] == [
            ("weather", "1", {"mm": 5}),
            ("weather", "2", {"mm": 5}),
        ]
        with pytest.raises(OptionError, match=r"^stream="):
            store.import_jsonl(path, stream="")


def test_old_versions_of_an_event_travel_as_they_are(tmp_path: Path) -> None:
    """What the class of today does not understand is not rewritten, nor refused."""
    path = tmp_path / "log.jsonl"
    with EventStore() as store:
        store.append("beds", type("TreePlanted", (Event,), {"__annotations__": {"kind": str}})("oak"))
        newer = {"__annotations__": {"kind": str, "age": int}, "dataversion": 2}
        tree = type("TreePlanted", (Event,), newer)
        store.append("beds", tree("elm", 3))
        store.export_jsonl(path)
    with EventStore() as store:
        store.import_jsonl(path)
        assert [(m.dataversion, m.data) for m in store.read_all()] == [(1, {"kind": "oak"}), (2, tree("elm", 3))]


def test_a_listener_hears_of_what_was_imported(tmp_path: Path) -> None:
    """As of any other append."""
    with EventStore() as one, EventStore() as other:
        sown(one)
        one.export_jsonl(tmp_path / "log.jsonl")
        heard = []
        other.subscribe(heard.append, SeedSown)
        other.import_jsonl(tmp_path / "log.jsonl")
        assert heard == [SeedSown("1", 5), SeedSown("1"), SeedSown("1", 2)]


def test_an_import_is_all_or_nothing_and_names_the_line(tmp_path: Path) -> None:
    """A file that breaks off in the middle leaves the store as it was."""
    path = tmp_path / "log.jsonl"
    with EventStore() as one, EventStore() as other:
        one.append("beds", [SeedSown(str(n)) for n in range(50)])
        one.export_jsonl(path)
        whole = path.read_bytes()
        path.write_bytes(whole[:-40])
        with pytest.raises(MalformedEventError) as caught:
            other.import_jsonl(path)
        assert caught.value.path == "$ of line 50"
        path.write_bytes(whole.replace(b'"bed":"29"', b'"bed":29'))
        with pytest.raises(MalformedEventError) as caught:
            other.import_jsonl(path)
        assert caught.value.path == "$.bed of line 30" or caught.value.path == "$.data.bed of line 30"
        path.write_bytes(whole.replace(b'"version":50', b'"version":51'))
        with pytest.raises(WrongExpectedVersionError):
            other.import_jsonl(path)
        changed = json.loads(whole.splitlines()[3]) | {"id": "beds-1"}
        path.write_bytes(whole + json.dumps(changed).encode())
        with pytest.raises(DuplicateIdError):
            other.import_jsonl(path)
        assert other.last_position == 0
        path.write_bytes(whole)
        assert other.import_jsonl(path) == 50


def test_a_file_that_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    """And what stood under that name before stays there."""
    kept = tmp_path / "kept.jsonl"
    kept.write_text("old", encoding="utf-8")
    with EventStore(tmp_path / "x.db") as store:
        sown(store)
        for call in (store.import_jsonl, store.export_jsonl):
            for wrong in ("", None, 5, "x\0.jsonl"):
                with pytest.raises(OptionError, match=r"^path="):
                    call(wrong)
            with pytest.raises(StoreFileError, match="this is a folder"):
                call(tmp_path)
            with pytest.raises(StoreFileError, match="it cannot be"):
                call(tmp_path / "nowhere" / "x.jsonl")
        for own in ("x.db", "x.db-wal", "x.db-shm"):
            with pytest.raises(StoreFileError, match="this is the store itself"):
                store.export_jsonl(tmp_path / own)
        os.link(tmp_path / "x.db", tmp_path / "same.db")
        with pytest.raises(StoreFileError, match="this is the store itself"):
            store.export_jsonl(tmp_path / "same.db")
        type("SeedSown", (Event,), {"__annotations__": {"bed": int}})
        assert store.export_jsonl(tmp_path / "log.jsonl") == 4
        store._file._writer.execute("UPDATE events SET data = 'no JSON' WHERE position = 4")
        with pytest.raises(EdaLabError):
            store.export_jsonl(kept)
    assert kept.read_text(encoding="utf-8") == "old"
    assert not [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")]
    globals()["SeedSown"].__init_subclass__()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
anything = json_values | st.binary(max_size=4) | st.just(object()) | st.sampled_from(["\ud800", "", "seed_sown", 2**70])
NAMES = (
    "id",
    "source",
    "type",
    "time",
    "data",
    "subject",
    "correlation_id",
    "causation_id",
    "dataversion",
    "partitionkey",
)
SOUND = {"id": "1", "source": "garden", "type": "seed_sown", "time": 0.0, "data": {"bed": "1"}}
WIRE = ("specversion", *NAMES[:6], "correlationid", "causationid", "dataversion", "stream", "version", "data_base64")
thousand = settings(max_examples=1_000, suppress_health_check=[HealthCheck.function_scoped_fixture])


@thousand
@given(st.dictionaries(st.sampled_from(NAMES), anything, min_size=1, max_size=3))
def test_a_thousand_odd_messages_are_stored_as_they_are_or_refused(changed: dict[str, object]) -> None:
    """Nothing but our own errors comes out, and whatever was taken in can be read, verified and taken in again."""
    with EventStore() as store:
        refused = None
        try:
            store.append("beds", [SeedSown("0"), Message(**(SOUND | changed))])
        except EdaLabError as error:
            refused = str(error)
        if refused is not None:
            assert refused.isprintable()
            assert store.last_position == 0
            return
        _, message = store.read_all()
        for name in ("id", "source", "type", "subject", "correlation_id", "causation_id", "partitionkey"):
            assert getattr(message, name) == changed.get(name, SOUND.get(name))
        assert store.verify() == 2
        assert store.append("beds", message) == 2


@thousand
@given(st.dictionaries(st.sampled_from(WIRE), json_values, min_size=1, max_size=3) | st.binary(max_size=30))
def test_a_thousand_odd_lines_are_imported_or_refused(tmp_path: Path, changed: dict[str, object] | bytes) -> None:
    """A clear error each, that names the line; nothing is left of the sound line before it."""
    sound = {"specversion": "1.0", "id": "1", "source": "garden", "type": "seed_sown", "data": {"bed": "1"}}
    odd = changed if isinstance(changed, bytes) else msgspec.json.encode(sound | {"id": "2"} | changed)
    path = tmp_path / "log.jsonl"
    path.write_bytes(msgspec.json.encode(sound) + b"\n" + odd)
    with EventStore() as store:
        refused, count = None, 0
        try:
            count = store.import_jsonl(path)
        except EdaLabError as error:
            refused = error
        if refused is not None:
            assert str(refused).isprintable()
            assert isinstance(refused, StoreError) or " of line " in refused.path
        assert store.verify() == count == len(list(store.read_all(plain=True)))
