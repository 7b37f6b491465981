"""The event store as a story: streams, versions, positions, ids, snapshots, and what is refused."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eda_lab import ANY, NONE, DuplicateIdError, Event, EventStore, Message, StoreError, WrongExpectedVersionError
from eda_lab.errors import EdaLabError, MalformedEventError, NotAnEventError, OptionError
from eda_lab.store.errors import StoreClosedError


class CupFilled(Event):
    cup: str
    ml: int


class CupEmptied(Event):
    cup: str


@dataclass
class CupWashed:
    cup: str


FILLED, EMPTIED = CupFilled("blue", 200), CupEmptied("blue")
HOSTILE = [
    "o'brien\"; DROP TABLE events; --",
    "two\nlines\r\tand\0nothing",
    "日本語 \U0001f375 e\u0301 \u202eback",
    " ",
    "%_*?[a-z]",
    "x" * 10_000,
]


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    """Give the store in memory and the store on disk: every story holds for both."""
    with EventStore(None if request.param == "memory" else tmp_path / "store.db") as opened:
        yield opened


def envelope(id: str = "7", **changed: object) -> Message:
    """Return a message as a bus makes it."""
    fields = {"id": id, "source": "checkout", "type": "cup_filled", "time": 1.5, "data": FILLED} | changed
    return Message(**fields)


def test_a_stream_counts_its_events_and_the_store_counts_all(store: EventStore) -> None:
    """Versions are places in a stream, positions places in the log; both begin at 1."""
    assert store.append("blue", [FILLED, EMPTIED]) == 2
    assert store.append("red", CupFilled("red", 300)) == 1
    assert store.append("blue", [FILLED]) == 3
    places = [(m.position, m.stream, m.version, m.type, m.data) for m in store.read_all()]
    assert places == [
        (1, "blue", 1, "cup_filled", FILLED),
        (2, "blue", 2, "cup_emptied", EMPTIED),
        (3, "red", 1, "cup_filled", CupFilled("red", 300)),
        (4, "blue", 3, "cup_filled", FILLED),
    ]
    assert store.streams() == {"blue": 3, "red": 1}
    assert (store.version("blue"), store.version("green"), store.last_position) == (3, 0, 4)
    assert store.verify() == 4


def test_an_event_without_an_envelope_gets_one_that_is_the_same_on_every_run(store: EventStore) -> None:
    """No clock and no chance: stream and version make the id, and the time is 0."""
    store.append("blue", [FILLED, EMPTIED])
    first, second = store.read("blue")
    assert (first.id, first.source, first.time) == ("blue-1", "store", 0.0)
    assert (second.id, second.correlation_id, second.causation_id, second.dataversion) == ("blue-2", None, None, 1)


def test_a_message_keeps_its_envelope(store: EventStore) -> None:
    """Id, source, time, subject, story, cause, version of the data and key are those that it came with."""
    given = envelope(
        subject="cups", correlation_id="1", causation_id="6", dataversion=1, partitionkey="blue", time=-3.25
    )
    store.append("kitchen", given)
    (read,) = store.read("kitchen")
    names = [n for n in Message.__struct_fields__ if n not in ("stream", "version", "position")]
    assert {name: getattr(read, name) for name in names} == {name: getattr(given, name) for name in names}
    assert (read.stream, read.version, read.position) == ("kitchen", 1, 1)


def test_events_continue_the_story_of_their_cause(store: EventStore) -> None:
    """The cause's correlation is copied, its id becomes the causation, and they happen at its time."""
    for cause, story in ((envelope("8"), "8"), (envelope("9", correlation_id="1"), "1")):
        store.append("blue", EMPTIED, cause=cause)
        *_, last = store.read("blue")
        assert (last.correlation_id, last.causation_id, last.time) == (story, cause.id, 1.5)
    with pytest.raises(OptionError, match=r"^cause='8': give the message"):
        store.append("blue", EMPTIED, cause="8")


def test_plain_dataclasses_and_topics_go_in_as_well(store: EventStore) -> None:
    """What has no class to be read back as comes back as plain data."""
    store.append("blue", [CupWashed("blue"), envelope(type="tea_drunk", data={"ml": 5, "with": [1, None, "milk"]})])
    assert [(m.type, m.data) for m in store.read("blue")] == [
        ("cup_washed", {"cup": "blue"}),
        ("tea_drunk", {"ml": 5, "with": [1, None, "milk"]}),
    ]


def test_the_expected_version_decides_who_was_first(store: EventStore) -> None:
    """The second of two writers that have read the same version is told what happened, and nothing of his is kept."""
    assert store.append("blue", FILLED, NONE) == 1
    assert store.append("blue", EMPTIED, expected_version=1) == 2
    for expected, number in ((1, 1), (3, 3), (NONE, 0), (0, 0)):
        with pytest.raises(WrongExpectedVersionError) as caught:
            store.append("blue", [FILLED, FILLED], expected)
        error = caught.value
        assert (error.stream, error.expected, error.actual) == ("blue", number, 2)
    with pytest.raises(WrongExpectedVersionError, match="stream 'red' is empty, not at version 4"):
        store.append("red", FILLED, 4)
    assert store.append("blue", FILLED, ANY) == 3
    assert store.streams() == {"blue": 3}


def test_appending_nothing_is_asking_for_the_version(store: EventStore) -> None:
    """No event, no change; what was expected is still checked."""
    assert store.append("blue", []) == 0
    store.append("blue", FILLED)
    assert store.append("blue", [], 1) == 1
    with pytest.raises(WrongExpectedVersionError):
        store.append("blue", [], NONE)


def test_an_append_is_all_or_nothing(store: EventStore) -> None:
    """One that cannot be written takes the others with it."""
    for bad in (CupFilled("blue", "much"), CupFilled("blue", float("inf")), envelope(id=""), object()):
        with pytest.raises(EdaLabError):
            store.append("blue", [FILLED, bad, EMPTIED])
    store.append("red", envelope("1"))
    with pytest.raises(DuplicateIdError):
        store.append("blue", [FILLED, envelope("1", data=CupFilled("green", 1))])
    assert store.streams() == {"red": 1}
    assert store.append("blue", FILLED) == 1
    assert store.verify() == 2


def test_the_same_message_again_changes_nothing(store: EventStore) -> None:
    """Who does not know whether the first try arrived tries again, with the same answer, and at the same version."""
    story = [envelope("1"), envelope("2", type="cup_emptied", data=EMPTIED)]
    assert store.append("blue", story, NONE) == 2
    store.append("blue", FILLED)
    assert store.append("blue", story, NONE) == 2
    assert store.append("blue", story[:1], 0) == 1
    assert store.append("blue", envelope("1", time=99.0)) == 1, "a repeat is published later"
    assert store.append("blue", [*story, envelope("3")], 3) == 4, "what is new of it is appended"
    assert [message.id for message in store.read("blue")] == ["1", "2", "blue-3", "3"]
    with pytest.raises(WrongExpectedVersionError):
        store.append("blue", [*story, envelope("4")], NONE)


def test_the_order_of_keys_makes_no_other_event(store: EventStore) -> None:
    """Two writers may write the same data in another order."""
    store.append("blue", envelope(type="tea_drunk", data={"ml": 5, "cup": "blue"}))
    assert store.append("blue", envelope(type="tea_drunk", data={"cup": "blue", "ml": 5})) == 1


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"data": CupFilled("blue", 201)}, "another data"),
        ({"type": "tea_drunk"}, "another type"),
        ({"causation_id": "6"}, "another causationid"),
        ({"subject": "cups"}, "another subject"),
        ({"dataversion": 2}, "another dataversion"),
    ],
)
def test_another_event_under_a_known_id_is_refused(store: EventStore, changed: dict[str, object], named: str) -> None:
    """The error tells where the first one stands, and what is different about it."""
    store.append("blue", [EMPTIED, envelope("7")])
    with pytest.raises(DuplicateIdError, match=named) as caught:
        store.append("blue", envelope("7", **changed))
    error = caught.value
    assert (error.source, error.id, error.position) == ("checkout", "7", 2)
    with pytest.raises(DuplicateIdError, match="another stream"):
        store.append("red", envelope("7"))
    assert store.append("blue", envelope("7", source="till")) == 3, "another source counts for itself"


def test_one_call_may_hold_a_message_twice_but_not_two_under_one_id(store: EventStore) -> None:
    """A list that was put together from two tries is as good as one."""
    assert store.append("blue", [envelope("1"), envelope("1"), envelope("2")]) == 2
    with pytest.raises(DuplicateIdError, match="twice in one call, with another data") as caught:
        store.append("blue", [envelope("3"), envelope("3", data=CupFilled("red", 1))])
    assert caught.value.position is None
    assert store.version("blue") == 2


def test_an_id_that_came_from_elsewhere_is_stepped_around(store: EventStore) -> None:
    """An event that a store names by stream and version may meet its name in a message from another store."""
    store.append("archive", [envelope("blue-1", source="store"), envelope("blue-1-2", source="store")])
    assert store.append("blue", [FILLED, EMPTIED, envelope("blue-3", source="store")]) == 3
    assert [message.id for message in store.read("blue")] == ["blue-1-3", "blue-2", "blue-3"]
    assert store.append("blue-1", [FILLED] * 2) == 2
    assert [message.id for message in store.read("blue-1")] == ["blue-1-1", "blue-1-2-2"]
    assert store.verify() == 7


@pytest.mark.parametrize("name", HOSTILE)
def test_any_text_is_a_name(store: EventStore, name: str) -> None:
    """Names, ids, types and keys are stored as they are, whatever they look like to SQL or to a terminal."""
    store.append("other", FILLED)
    message = envelope(name, source=name, type=name, subject=name, correlation_id=name, partitionkey=name, data=name)
    assert store.append(name, [FILLED, message], NONE) == 2
    bare, whole = store.read(name)
    assert (bare.stream, bare.id, bare.data) == (name, f"{name}-1", FILLED)
    for attribute in ("id", "source", "type", "subject", "correlation_id", "partitionkey", "data", "stream"):
        assert getattr(whole, attribute) == name
    store.save_snapshot(name, 2, name)
    assert store.load_snapshot(name).state == name
    assert store.streams() == {"other": 1, name: 2}
    assert store.verify() == 3


@pytest.mark.parametrize("stream", ["", None, 5, b"blue", "\ud800", CupFilled])
def test_what_is_no_text_is_no_stream(store: EventStore, stream: object) -> None:
    """Each way to name a stream says so in the same words."""
    for call in (store.append, store.save_snapshot):
        with pytest.raises(OptionError, match="stream="):
            call(stream, *([FILLED] if call == store.append else [1, {}]))
    for call in (store.read, store.version, store.load_snapshot):
        with pytest.raises(OptionError, match="stream="):
            call(stream)


@pytest.mark.parametrize(
    "given", [None, 5, "cup_filled", b"x", {"cup": "blue"}, CupFilled, [CupFilled], [{"a": 1}], [None]]
)
def test_what_is_no_event_is_refused(store: EventStore, given: object) -> None:
    """A learner who appends a class, a dict or a topic is told what to append."""
    with pytest.raises(NotAnEventError, match="append"):
        store.append("blue", given)


@pytest.mark.parametrize("expected", [-1, 1.0, True, "1", None])
def test_an_expected_version_is_a_version(store: EventStore, expected: object) -> None:
    """None is refused rather than guessed at: it could mean any, or none."""
    with pytest.raises(OptionError, match="give ANY, NONE, or the last version"):
        store.append("blue", FILLED, expected)


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"id": 5}, "$.id"),
        ({"id": "\ud800"}, "$.id"),
        ({"source": ""}, "$.source"),
        ({"type": ""}, "$.type"),
        ({"type": None}, "$.type"),
        ({"time": float("nan")}, "$.time"),
        ({"time": float("inf")}, "$.time"),
        ({"time": 1e12}, "$.time"),
        ({"time": "now"}, "$.time"),
        ({"time": True}, "$.time"),
        ({"subject": 5}, "$.subject"),
        ({"partitionkey": b"x"}, "$.partitionkey"),
        ({"correlation_id": 5}, "$.correlation_id"),
        ({"dataversion": 2**63}, "$.dataversion"),
        ({"dataversion": 1.5}, "$.dataversion"),
        ({"data": {"cup": "blue"}}, "$.data"),
        ({"data": CupFilled("blue", "much")}, "$.data.ml"),
        ({"data": object(), "type": "tea_drunk"}, "$"),
        ({"data": "\ud800", "type": "tea_drunk"}, "$"),
        ({"data": "x" * 1_000_001, "type": "tea_drunk"}, "$.data"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(store: EventStore, changed: dict[str, object], path: str) -> None:
    """The error names the place."""
    with pytest.raises(MalformedEventError) as caught:
        store.append("blue", [FILLED, envelope(**changed)])
    assert caught.value.path == path
    assert store.last_position == 0


def test_a_snapshot_spares_reading_from_the_beginning(store: EventStore) -> None:
    """The newest one counts; an older one that comes late changes nothing."""
    store.append("blue", [FILLED, EMPTIED, FILLED])
    assert store.load_snapshot("blue") is None
    store.save_snapshot("blue", 2, {"ml": 0})
    store.save_snapshot("blue", 3, FILLED)
    store.save_snapshot("blue", 1, {"ml": 200})
    kept = store.load_snapshot("blue")
    assert (kept.stream, kept.version, kept.state) == ("blue", 3, {"cup": "blue", "ml": 200})
    assert store.load_snapshot("blue", CupFilled).state == FILLED
    assert [message.version for message in store.read("blue", kept.version + 1)] == []
    store.save_snapshot("blue", 3, [1])
    assert store.load_snapshot("blue").state == [1]


def test_snapshots_can_be_deleted_without_a_loss(store: EventStore) -> None:
    """They are a cache: of one stream, or all of them; the events stay."""
    for stream in ("cup-1", "cup-2", "cup-3"):
        store.append(stream, CupEmptied("c"))
        store.save_snapshot(stream, 1, {"level": 0})
    assert store.delete_snapshots("cup-1") == 1
    assert (store.load_snapshot("cup-1"), store.load_snapshot("cup-2") is None) == (None, False)
    assert store.delete_snapshots("nobody's") == 0
    assert store.delete_snapshots() == 2
    assert store.load_snapshot("cup-2") is None
    assert store.last_position == 3


@pytest.mark.parametrize("version", [0, -1, 4, 1.0, True, "3"])
def test_a_snapshot_is_of_a_version_that_exists(store: EventStore, version: object) -> None:
    """A state that no events lead to would hide those that are still to come."""
    store.append("blue", [FILLED] * 3)
    with pytest.raises(OptionError, match="version="):
        store.save_snapshot("blue", version, {})
    assert store.load_snapshot("blue") is None


def test_a_state_that_json_cannot_hold_is_refused(store: EventStore) -> None:
    """And so is reading one as something that it is not."""
    store.append("blue", FILLED)
    for state in (object(), {1, object()}, "\ud800"):
        with pytest.raises(MalformedEventError, match="this state cannot be written as JSON"):
            store.save_snapshot("blue", 1, state)
    store.save_snapshot("blue", 1, {"cup": 5})
    with pytest.raises(MalformedEventError, match=r"this snapshot is no .*CupFilled"):
        store.load_snapshot("blue", CupFilled)


def test_a_closed_store_says_so(store: EventStore) -> None:
    """Everything but closing it again."""
    store.append("blue", FILLED)
    reading = store.read_all()
    store.close()
    store.close()
    calls = [
        lambda: store.append("blue", FILLED),
        lambda: list(store.read("blue")),
        lambda: next(reading),
        lambda: list(store.follow()),
        lambda: store.last_position,
        store.streams,
        store.verify,
        lambda: store.save_snapshot("blue", 1, {}),
        lambda: store.load_snapshot("blue"),
        lambda: store.subscribe(print),
        lambda: store.export_jsonl("nowhere.jsonl"),
        lambda: store.import_jsonl("nowhere.jsonl"),
        lambda: store.replay(print),
    ]
    for call in calls:
        with pytest.raises(StoreClosedError, match=r"^this store is closed: open it again with EventStore\(path\)$"):
            call()


def test_an_error_inside_a_with_block_closes_the_store_too(tmp_path: Path) -> None:
    """And is not swallowed."""
    with pytest.raises(ZeroDivisionError), EventStore(tmp_path / "x.db") as store:
        1 / 0  # noqa: B018
    with pytest.raises(StoreClosedError):
        store.streams()


@pytest.mark.parametrize(
    "options",
    [
        {"synchronous": "OFF"},
        {"synchronous": "full"},
        {"timeout": -1},
        {"timeout": None},
        {"source": ""},
        {"timeout": True},
    ],
)
def test_an_option_that_cannot_be_used_is_named(options: dict[str, object], tmp_path: Path) -> None:
    """Nothing is left behind by a store that was not opened."""
    (name,) = options
    with pytest.raises(OptionError, match=f"^{name}="):
        EventStore(tmp_path / "x.db", **options)
    assert list(tmp_path.iterdir()) == []


def test_less_safe_is_an_option_that_changes_nothing_else(tmp_path: Path) -> None:
    """SQLite itself tells what was asked of it: 2 is FULL, 1 is NORMAL."""
    for synchronous, number in (("FULL", 2), ("NORMAL", 1)):
        with EventStore(tmp_path / f"{synchronous}.db", synchronous=synchronous, source="till") as store:
            store.append("blue", FILLED)
            assert store._file._writer.execute("PRAGMA synchronous").fetchone() == (number,)
            assert [message.source for message in store.read("blue")] == ["till"]


def test_many_threads_write_at_once(store: EventStore) -> None:
    """Every version that `append` returns is returned once, and what is read meanwhile has no gap."""
    returned: list[int] = []
    gaps: list[tuple[int, ...]] = []
    done = threading.Event()

    def write() -> None:
        returned.extend(store.append("blue", FILLED) for _ in range(50))

    def read() -> None:
        while not done.is_set():
            positions = tuple(message.position for message in store.read_all())
            if positions != tuple(range(1, len(positions) + 1)):
                gaps.append(positions)

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write) for _ in range(4)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert sorted(returned) == list(range(1, 201))
    assert gaps == []
    assert store.verify() == 200


def test_its_repr_says_where_it_is(tmp_path: Path) -> None:
    """As a learner sees it at the end of a cell."""
    with EventStore() as memory, EventStore(tmp_path / "x.db") as disk:
        assert repr(memory) == "<EventStore in memory>"
        assert repr(disk) == "<EventStore 'x.db'>"
        assert (memory.path, disk.path) == (None, str(tmp_path / "x.db"))


streams = st.sampled_from(["a", "b", "c"])
expectations = st.sampled_from([ANY, NONE]) | st.integers(0, 5)


@given(st.lists(st.tuples(streams, st.integers(0, 4), expectations), max_size=25))
def test_the_store_is_a_dict_of_lists(appends: list[tuple[str, int, object]]) -> None:
    """Whatever is appended in whatever order, the store holds what a few lists would hold."""
    model: dict[str, list[int]] = {}
    log: list[tuple[str, int]] = []
    with EventStore() as store:
        for number, (stream, size, expected) in enumerate(appends):
            last = len(model.get(stream, []))
            events = [CupFilled(stream, number)] * size
            if expected is ANY or expected == last or (expected is NONE and last == 0):
                assert store.append(stream, events, expected) == last + size
                if size:
                    model.setdefault(stream, []).extend([number] * size)
                log += [(stream, number)] * size
            else:
                with pytest.raises(WrongExpectedVersionError):
                    store.append(stream, events, expected)
        assert [(m.stream, m.data.ml) for m in store.read_all()] == log
        assert {name: [m.data.ml for m in store.read(name)] for name in store.streams()} == model
        assert store.verify() == len(log)


ids = st.sampled_from(["a-1", "a-2", "a-3", "a-1-1", "a-01", "b-1", "1", "a-", "-1", f"a-{10**30}"])
named = st.builds(
    lambda i, source, ml: envelope(i, source=source, data=CupFilled("x", ml)),
    ids,
    st.sampled_from(["store", "till"]),
    st.integers(0, 1),
)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "a-1"]), st.lists(named | st.just(FILLED), max_size=3)), max_size=8)
)
def test_no_two_events_have_one_id_whatever_it_looks_like(appends: list[tuple[str, list[object]]]) -> None:
    """Ids that the store gives, and ids from elsewhere that look like them; and each message again changes nothing."""
    with EventStore() as store:
        for stream, events in appends:
            before = store.last_position
            try:
                store.append(stream, events)
            except DuplicateIdError:
                assert store.last_position == before
        messages = list(store.read_all())
        assert len({(message.id, message.source) for message in messages}) == len(messages)
        for message in messages:
            assert store.append(message.stream, message) == message.version
            with pytest.raises(DuplicateIdError) as caught:
                store.append("elsewhere", message)
            assert caught.value.position == message.position
        assert store.verify() == len(messages)


def test_all_errors_of_a_store_have_one_root() -> None:
    """`except StoreError` is enough, and `except EdaLabError` too."""
    assert issubclass(WrongExpectedVersionError, StoreError)
    assert issubclass(StoreError, EdaLabError)
