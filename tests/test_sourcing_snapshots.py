"""Snapshots are a cache: they save reading, and whatever becomes of them no state changes."""

import sqlite3
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from eda_lab import Event, EventStore, LabWarning, Repository, Upcasters, events
from eda_lab.sourcing import SnapshotError

NAME = "meter-1"


class PowerUsed(Event):
    watts: int


def decide(watts: Any, total: Any) -> list[PowerUsed]:
    return [PowerUsed(each) for each in (watts if isinstance(watts, list) else [watts])]


def evolve(total: int, event: Any) -> int:
    return total + event.watts if isinstance(event, PowerUsed) else total


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a store with 250 events in one stream, and a snapshot at version 200."""
    path = tmp_path / "store.db"
    with EventStore(path) as store:
        meters = Repository(store, decide, evolve, 0, stream="meter", snapshot_every=100)
        for _ in range(5):
            meters.handle("1", [1] * 50)
        assert store.load_snapshot(NAME).version == 200  # type: ignore[union-attr]
    return path


def read_at_load(path: Path, evolve: Callable[..., Any] = evolve, initial: Any = 0, **options: Any) -> int:
    """Return how many events a load of the stream reads, after a look at its state."""
    with EventStore(path, synchronous="NORMAL") as store:
        meters = Repository(store, decide, evolve, initial, **{"stream": "meter", "snapshot_every": 100} | options)
        plain = Repository(
            store, decide, evolve, initial, stream="meter", upcasters=options.get("upcasters", Upcasters())
        )
        assert meters.load("1").state == plain.load("1").state != initial
        assert plain.events_read == 250
        return meters.load("1").events_read


def sql(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement, values)
    connection.close()


def test_no_load_reads_as_many_events_as_lie_between_two_snapshots() -> None:
    """10,000 events, a snapshot every 100: 99 at most. The reads are a saw-tooth."""
    with EventStore() as store:
        meters = Repository(store, decide, evolve, 0, stream="meter", snapshot_every=100)
        read = []
        for _ in range(10_000):
            meters.handle("1", 1)
            read.append(meters.events_read + 1)  # what the load before the command read, and its own event
        assert max(read) == 100
        assert meters.load("1").events_read == 0
        meters.handle("1", [1] * 99)
        assert meters.load("1").events_read == 99
        assert meters.load("1").state == 10_099
        assert read[:250] == [version % 100 or 100 for version in range(1, 251)]


def test_without_the_option_all_events_are_read(path: Path) -> None:
    """Even where there is a snapshot."""
    assert read_at_load(path, snapshot_every=None) == 250
    assert read_at_load(path) == 50


@pytest.mark.parametrize(("version", "read"), [(0, 0), (1, 1), (199, 199), (200, 0), (201, 1), (250, 50)])
def test_an_older_version_does_not_begin_with_a_newer_snapshot(path: Path, version: int, read: int) -> None:
    """Only one that is not beyond it is used."""
    with EventStore(path) as store:
        meters = Repository(store, decide, evolve, 0, stream="meter", snapshot_every=100)
        loaded = meters.load("1", version)
        assert (loaded.state, loaded.events_read) == (version, read)


def test_all_can_be_deleted_and_nothing_is_lost(path: Path) -> None:
    """The next command that finds none makes a new one."""
    sql(path, "DELETE FROM snapshots")
    assert read_at_load(path) == 250
    with EventStore(path) as store:
        meters = Repository(store, decide, evolve, 0, stream="meter", snapshot_every=100)
        assert meters.handle("1", 1).state == 251
    with EventStore(path) as store:
        meters = Repository(store, decide, evolve, 0, stream="meter", snapshot_every=100)
        assert (meters.load("1").state, meters.events_read) == (251, 0)


def test_one_can_be_asked_for(path: Path) -> None:
    """Of a stream that somebody else has filled; of one without events there is none."""
    with EventStore(path) as store:
        store.append("meter-2", [PowerUsed(5)] * 30)
        meters = Repository(store, decide, evolve, 0, stream="meter", snapshot_every=100)
        assert (meters.snapshot("2"), meters.load("2").events_read, meters.load("2").state) == (30, 0, 150)
        assert (meters.snapshot("3"), store.load_snapshot("meter-3")) == (0, None)


# --- whose snapshot it is


class Doubled(msgspec.Struct, frozen=True):
    """A state with fields."""

    total: int = 0
    doubled: int = 0

    def plus(self, watts: int) -> "Doubled":
        return Doubled(self.total + watts, 2 * (self.total + watts))


RATE = 1


def twice(watts: int) -> int:
    return watts * 2


def evolve_twice(total: int, event: Any) -> int:
    return total + twice(event.watts)


def evolve_by_rate(total: int, event: Any) -> int:
    return total + RATE * event.watts


def evolve_by_method(state: Doubled, event: Any) -> Doubled:
    return state.plus(event.watts)


def evolve_in(units: set[str]) -> Callable[[int, Any], int]:
    return lambda total, event: total + (event.watts if "watts" in {"watts", "joules", "calories"} else len(units))


def evolve_given(factor: int, total: int, event: Any) -> int:
    return total + factor * event.watts


class Meter:
    def evolve(self, total: int, event: Any) -> int:
        return total + event.watts


OTHERS: dict[str, tuple[Callable[..., Any], Any, dict[str, Any]]] = {
    "another function": (evolve_twice, 0, {}),
    "a global constant": (evolve_by_rate, 0, {}),
    "a closure": (evolve_in({"watts"}), 0, {}),
    "a partial": (partial(evolve_given, 1), 0, {}),
    "a method": (Meter().evolve, 0, {}),
    "a method of the state": (evolve_by_method, Doubled(), {}),
    "another type of state": (evolve, 0, {"state_type": float | int}),
    "another version": (evolve, 0, {"snapshot_version": 2}),
    "a version in words": (evolve, 0, {"snapshot_version": "with taxes"}),
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_snapshot_that_was_folded_by_other_rules_is_not_used(path: Path, what: str) -> None:
    """All events are read, a new snapshot takes the place of the old one, and is used by those who made it."""
    other, initial, options = OTHERS[what]
    assert read_at_load(path, other, initial, **options) == 250
    with EventStore(path) as store:
        options = {"stream": "meter", "snapshot_every": 100} | options
        assert Repository(store, decide, other, initial, **options).snapshot("1") == 250
    assert read_at_load(path, other, initial, **options) == 0
    assert read_at_load(path) == 250


def evolve_by(factor: int) -> Callable[[int, Any], int]:
    return lambda total, event: total + factor * event.watts


def evolve_by_default(factor: int) -> Callable[[int, Any], int]:
    def evolve(total: int, event: Any, factor: int = factor) -> int:
        return total + factor * event.watts

    return evolve


@pytest.mark.parametrize(
    "made",
    [
        evolve_by,
        evolve_by_default,
        lambda n: partial(evolve_given, n),
        lambda n: partial(evolve_by_default(1), factor=n),
    ],
)
def test_what_a_function_was_given_is_part_of_the_rules(path: Path, made: Callable[[int], Callable[..., Any]]) -> None:
    """The same code with another number is another rule, and with the same number the same one."""
    with EventStore(path) as store:
        Repository(store, decide, made(2), 0, stream="meter", snapshot_every=100).snapshot("1")
    assert read_at_load(path, made(2)) == 0
    assert read_at_load(path, made(3)) == 250


@pytest.mark.parametrize(
    ("name", "value", "used_by"),
    [("twice", lambda watts: watts * 3, evolve_twice), ("RATE", 3, evolve_by_rate), ("PowerUsed", None, evolve)],
)
def test_what_evolve_names_is_part_of_the_rules(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: Any, used_by: Callable[..., Any]
) -> None:
    """A helper, a number or an event class may change while `evolve` itself stays as it is."""
    with EventStore(path) as store:
        Repository(store, decide, used_by, 0, stream="meter", snapshot_every=100).snapshot("1")
    assert read_at_load(path, used_by) == 0
    if value is None:
        monkeypatch.setitem(events._REGISTRY, "power_used", PowerUsed)  # the class below takes its place for this test
        value = msgspec.defstruct("PowerUsed", [("watts", int), ("volts", int, 230)], bases=(Event,), frozen=True)
    monkeypatch.setitem(globals(), name, value)
    assert read_at_load(path, used_by) == 250


def test_a_method_of_the_state_is_part_of_the_rules(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the state does the work itself."""
    with EventStore(path) as store:
        Repository(store, decide, evolve_by_method, Doubled(), stream="meter", snapshot_every=100).snapshot("1")
    assert read_at_load(path, evolve_by_method, Doubled()) == 0
    monkeypatch.setattr(Doubled, "plus", lambda self, watts: Doubled(self.total + watts, 0))
    assert read_at_load(path, evolve_by_method, Doubled()) == 250


def test_upcasters_are_part_of_the_rules(path: Path) -> None:
    """What they make of old events is in the state."""
    upcasters = Upcasters()
    assert read_at_load(path, upcasters=upcasters) == 50
    upcasters("power_used", from_version=1)(lambda data: data)
    assert read_at_load(path, upcasters=upcasters) == 250


SCRIPT = """
import sys
from eda_lab import Event, EventStore, Repository
class PowerUsed(Event):
    watts: int
def evolve(total, event):
    return total + event.watts if type(event).__name__ in {"PowerUsed", "A", "B", "C"} else total
meters = Repository(EventStore(sys.argv[1]), print, evolve, 0, stream="meter", snapshot_every=100)
print(meters.load("1").events_read, meters.snapshot("1"))
"""


def test_another_process_uses_the_same_snapshots(path: Path) -> None:
    """Whatever its hashes are."""
    outputs = []
    for seed in ("1", "2", "3"):
        command = [sys.executable, "-c", SCRIPT, str(path)]
        run = subprocess.run(command, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True)
        outputs.append(run.stdout)
    assert outputs == ["250 250\n", "0 250\n", "0 250\n"]


@pytest.mark.parametrize(
    "state",
    ["7", "null", "{}", '{"fingerprint": 7, "state": 200}', "no JSON", "", '{"fingerprint": "", "state": 200}'],
)
def test_a_snapshot_that_is_none_of_ours_or_damaged_is_not_used(path: Path, state: str) -> None:
    """The events are there."""
    sql(path, "UPDATE snapshots SET state = ?", state)
    assert read_at_load(path) == 250


def test_a_snapshot_whose_state_is_damaged_or_beyond_the_end_is_not_used(path: Path) -> None:
    """Neither does a state of another type come back, nor one from another file with more events."""
    sql(path, "UPDATE snapshots SET state = replace(state, '200', '\"many\"')")
    assert read_at_load(path) == 250
    with EventStore(path) as store:
        Repository(store, decide, evolve, 0, stream="meter", snapshot_every=100).snapshot("1")
    sql(path, "UPDATE snapshots SET version = 251")
    assert read_at_load(path) == 250


# --- states that JSON cannot hold


@pytest.mark.parametrize(
    "initial",
    [Counter(), {1: 2}, {(1, 2): 3}, [(1, 2)], {"seen": {1, 2}}, float("nan"), 1j, object(), [Counter(a=1)], "\ud800"],
)
def test_a_state_that_would_come_back_as_another_is_refused_before_anything_is_appended(initial: Any) -> None:
    """A snapshot may not change a state, not even its type. Without snapshots all of these are fine."""
    with EventStore() as store:
        with pytest.raises(SnapshotError):
            Repository(store, decide, evolve, initial, snapshot_every=10)
        Repository(store, decide, lambda state, event: state, initial).handle("1", 5)
        assert Repository(store, decide, evolve, initial).load("2").version == 0


def test_a_state_type_says_how_it_is_read_back() -> None:
    """Where the initial state does not tell."""

    class Empty(msgspec.Struct, frozen=True, tag=True):
        pass

    class Used(msgspec.Struct, frozen=True, tag=True):
        by: dict[int, int]

    def evolve_used(state: Empty | Used, event: PowerUsed) -> Empty | Used:
        before = state.by if isinstance(state, Used) else {}
        return Used(before | {event.watts: before.get(event.watts, 0) + 1})

    with EventStore() as store:
        meters = Repository(store, decide, evolve_used, Empty, snapshot_every=2, state_type=Empty | Used)
        for watts in (5, 5, 7):
            meters.handle("1", watts)
        assert (meters.load("1").state, meters.events_read) == (Used({5: 2, 7: 1}), 1)


def test_where_a_later_state_cannot_be_kept_the_command_is_done_and_a_warning_says_so() -> None:
    """What was decided is in the store, and trying again would do it twice. All is read from then on."""

    def evolve_set(state: Any, event: PowerUsed) -> Any:
        return {*(state or ()), event.watts}

    with EventStore() as store:
        meters = Repository(store, decide, evolve_set, None, snapshot_every=2)
        assert meters.handle("1", 5).state == {5}
        with pytest.warns(LabWarning, match="no snapshot can be kept of"):
            assert meters.handle("1", 7).state == {5, 7}
        assert (meters.load("1").state, meters.events_read) == ({5, 7}, 2)
        with pytest.raises(SnapshotError) as refused:
            meters.snapshot("1")
        assert refused.value.state == {5, 7}


def test_where_the_store_cannot_keep_it_the_command_is_done_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else may hold the file just then."""
    with EventStore(path, timeout=0.05) as store:
        meters = Repository(store, decide, evolve, 0, stream="meter", snapshot_every=100)
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        append = store.append

        def then_locked(*arguments: Any, **options: Any) -> int:
            version = append(*arguments, **options)
            other.execute("BEGIN IMMEDIATE")
            return version

        monkeypatch.setattr(store, "append", then_locked)
        with pytest.warns(LabWarning, match="was locked by another program"):
            assert meters.handle("1", [1] * 60).version == 310
        other.close()
        assert (meters.load("1").state, meters.events_read) == (310, 110)


def test_no_warning_comes_where_all_is_well() -> None:
    """Typed states of all kinds come back as they are."""
    with warnings.catch_warnings(), EventStore() as store:
        warnings.simplefilter("error")
        for number, initial in enumerate([0, 0.5, "", (), [], {}, None, Doubled(), {"a": [1, {"b": None}]}]):
            meters = Repository(store, decide, lambda state, event: state, initial, snapshot_every=1)
            handled = meters.handle(str(number), 5)
            assert (handled.state, meters.load(str(number)).state, meters.events_read) == (initial, initial, 0)
