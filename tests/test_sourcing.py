"""Repositories as a story: state is a fold, commands are decided upon it, and nobody's change is lost."""

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eda_lab import Event, EventStore, Message, Repository, StoreError, WrongExpectedVersionError, fold, later
from eda_lab.errors import HandlerResultError, MalformedEventError, OptionError
from eda_lab.events import Command


class SeatTaken(Event):
    guest: str


class SeatLeft(Event):
    guest: str


class TakeSeat(Command):
    guest: str


class LeaveSeat(Command):
    guest: str


class TableFullError(Exception):
    """There is no seat left."""


SEATS = 4


def decide(command: Any, guests: tuple[str, ...]) -> Any:
    if isinstance(command, LeaveSeat):
        return [SeatLeft(command.guest)] if command.guest in guests else None
    if len(guests) >= SEATS:
        raise TableFullError(command.guest)
    return SeatTaken(command.guest)


def evolve(guests: tuple[str, ...], event: Any) -> tuple[str, ...]:
    if isinstance(event, SeatTaken):
        return (*guests, event.guest)
    if isinstance(event, SeatLeft):
        return tuple(guest for guest in guests if guest != event.guest)
    return guests


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    """Give the store in memory and the store on disk."""
    with EventStore(None if request.param == "memory" else tmp_path / "store.db") as opened:
        yield opened


def tables(store: EventStore, **options: Any) -> Repository:
    return Repository(store, decide, evolve, (), stream="table", **options)


def test_a_command_becomes_events_and_events_become_the_state(store: EventStore) -> None:
    """What `handle` returns is what was appended, and the state that `load` finds afterwards."""
    repository = tables(store)
    first = repository.handle("7", TakeSeat("Ada"))
    second = repository.handle("7", TakeSeat("Grace"))
    assert (first.stream, first.version, first.state, first.events) == ("table-7", 1, ("Ada",), (SeatTaken("Ada"),))
    assert (second.version, second.state, second.position, second.attempts) == (2, ("Ada", "Grace"), 2, 1)
    assert [m.data for m in store.read("table-7")] == [SeatTaken("Ada"), SeatTaken("Grace")]
    assert second.messages == tuple(store.read("table-7", from_version=2))
    loaded = repository.load("7")
    assert (loaded.stream, loaded.version, loaded.state, loaded.events_read) == ("table-7", 2, ("Ada", "Grace"), 2)
    assert repository.events_read == 2


def test_a_stream_that_does_not_exist_has_the_initial_state(store: EventStore) -> None:
    """Nothing was read, and nothing is written by looking."""
    loaded = tables(store).load("7")
    assert (loaded.version, loaded.state, loaded.events_read) == (0, (), 0)
    assert store.streams() == {}


def test_the_state_can_be_had_as_it_was_at_each_version(store: EventStore) -> None:
    """Version 0 is before the first event; what came later does not show."""
    repository = tables(store, snapshot_every=2)
    for guest in ("Ada", "Grace", "Alan"):
        repository.handle("7", TakeSeat(guest))
    repository.handle("7", LeaveSeat("Grace"))
    states = [repository.load("7", version).state for version in range(5)]
    assert states == [(), ("Ada",), ("Ada", "Grace"), ("Ada", "Grace", "Alan"), ("Ada", "Alan")]
    assert [(message.version, state) for message, state in repository.history("7")] == list(enumerate(states))[1:]
    assert list(repository.history("8")) == []


@pytest.mark.parametrize("version", [-1, 2, 1.0, True, "1"])
def test_a_version_that_is_not_there_is_refused(store: EventStore, version: Any) -> None:
    """The future cannot be looked at."""
    repository = tables(store)
    repository.handle("7", TakeSeat("Ada"))
    with pytest.raises(OptionError) as refused:
        repository.load("7", version)
    assert (refused.value.option, refused.value.value) == ("version", version)


def test_what_is_refused_leaves_no_trace(store: EventStore) -> None:
    """The error is that of `decide`, it is not tried again, and nothing was appended."""
    repository = tables(store)
    for guest in "ABCD":
        repository.handle("7", TakeSeat(guest))
    with pytest.raises(TableFullError):
        repository.handle("7", TakeSeat("E"), retries=10)
    assert store.last_position == 4


def test_a_command_may_come_to_nothing(store: EventStore) -> None:
    """Then there is nothing to append; the version and the state are those that were found."""
    repository = tables(store)
    repository.handle("7", TakeSeat("Ada"))
    handled = repository.handle("7", LeaveSeat("Grace"))
    assert (handled.version, handled.state, handled.messages, handled.position) == (1, ("Ada",), (), None)
    assert store.last_position == 1


def test_several_events_are_appended_together(store: EventStore) -> None:
    """A list, a tuple or a generator: all of it or nothing."""

    def all_at_once(guests: list[str], seated: tuple[str, ...]) -> Iterator[SeatTaken]:
        for guest in guests:
            if guest in seated:
                raise ValueError(f"{guest} sits there")
            yield SeatTaken(guest)

    repository = Repository(store, all_at_once, evolve, ())
    assert repository.handle("7", ["Ada", "Grace"]).version == 2
    with pytest.raises(ValueError, match="Ada sits there"):
        repository.handle("7", ["Alan", "Ada"])
    assert store.last_position == 2


@pytest.mark.parametrize(
    "result", ["SeatTaken", {"guest": "Ada"}, 7, [None], SeatTaken, TakeSeat("Ada"), later(5, SeatTaken("A"))]
)
def test_what_is_no_event_is_refused(store: EventStore, result: Any) -> None:
    """A command, or an event that is still to come, has not happened either."""
    with pytest.raises(HandlerResultError):
        Repository(store, lambda command, state: result, evolve, ()).handle("7", "anything")
    assert store.last_position == 0


def test_an_event_that_cannot_be_stored_is_refused(store: EventStore) -> None:
    """It is the store that says so."""
    with pytest.raises(MalformedEventError):
        Repository(store, lambda c, s: SeatTaken(7), lambda s, e: s).handle("7", "anything")  # type: ignore[arg-type]
    assert store.last_position == 0


def test_an_event_that_evolve_cannot_take_in_is_not_appended(store: EventStore) -> None:
    """Otherwise the stream could never be loaded again."""
    repository = Repository(store, decide, lambda guests, event: guests + event.guest, ())
    with pytest.raises(TypeError):
        repository.handle("7", TakeSeat("Ada"))
    assert store.last_position == 0


def test_where_evolve_fails_on_what_is_stored_the_error_says_where(store: EventStore) -> None:
    """The place is in a note, the error itself is as it was raised."""
    store.append("table-7", [SeatTaken("Ada"), SeatLeft("Ada")])
    repository = Repository(store, decide, lambda guests, event: (*guests, event.seat), (), stream="table")
    with pytest.raises(AttributeError) as failed:
        repository.load("7")
    assert failed.value.__notes__ == ["in evolve, at version 1 of the stream 'table-7': seat_taken"]


def test_the_story_goes_on_from_its_cause(store: EventStore) -> None:
    """Correlation and causation of a command's message are on the events."""
    cause = Message(id="c-1", source="web", type="take_seat", time=3.0, data=None, correlation_id="visit-1")
    (message,) = tables(store).handle("7", TakeSeat("Ada"), cause=cause).messages
    assert (message.correlation_id, message.causation_id, message.time) == ("visit-1", "c-1", 3.0)


def test_the_stream_of_an_id(store: EventStore) -> None:
    """It begins with a name, or is named by a function, or is the id."""
    named = {
        "table-7": Repository(store, decide, evolve, (), stream="table"),
        "7 at the window": Repository(store, decide, evolve, (), stream=lambda id: f"{id} at the window"),
        "7": Repository(store, decide, evolve, ()),
    }
    for name, repository in named.items():
        repository.handle("7", TakeSeat(name))
        assert repository.stream("7") == name
    assert store.streams() == dict.fromkeys(sorted(named), 1)
    for id in ("", 7, None):
        with pytest.raises(OptionError):
            named["7"].load(id)  # type: ignore[arg-type]


def test_unknown_types_are_handed_to_evolve_as_plain_data(store: EventStore) -> None:
    """What to make of them is for it to say; here it leaves the state alone."""
    unknown = Message(id="1", source="kitchen", type="soup_served_7", time=0.0, data={"guest": "Ada"})
    store.append("table-7", [SeatTaken("Ada"), unknown])
    assert tables(store).load("7").state == ("Ada",)


def test_fold_takes_events_and_messages() -> None:
    """And no events at all."""
    message = Message(id="1", source="kitchen", type="seat_taken", time=0.0, data=SeatTaken("Ada"))
    assert fold(evolve, (), [message, SeatTaken("Grace")]) == ("Ada", "Grace")
    assert fold(evolve, ("Alan",), []) == ("Alan",)


@dataclasses.dataclass
class Tally:
    """A state that can be changed, as a careless one is."""

    guests: list[str] = dataclasses.field(default_factory=list)


def careless_evolve(tally: Tally, event: Any) -> Tally:
    tally.guests.append(event.guest)
    return tally


def careless_decide(command: TakeSeat, tally: Tally) -> SeatTaken:
    tally.guests.append("somebody who never came")
    return SeatTaken(command.guest)


@pytest.mark.parametrize("initial", [Tally(), Tally])
def test_a_careless_decide_or_evolve_spoils_no_later_load(store: EventStore, initial: Any) -> None:
    """The initial state is made anew each time, and what `decide` did to its copy is forgotten."""
    repository = Repository(store, careless_decide, careless_evolve, initial, snapshot_every=1)
    first = repository.handle("7", TakeSeat("Ada"))
    second = repository.handle("7", TakeSeat("Grace"))
    assert (first.state, second.state) == (Tally(["Ada"]), Tally(["Ada", "Grace"]))
    assert [state for _, state in repository.history("7")] == [Tally(["Ada"]), Tally(["Ada", "Grace"])]
    assert repository.load("7").state == Tally(["Ada", "Grace"])
    assert repository.load("8").state == Tally([])


@pytest.mark.parametrize(
    "options",
    [
        {"store": "store.db"},
        {"decide": None},
        {"evolve": "evolve"},
        {"stream": ""},
        {"stream": 7},
        {"snapshot_every": 0},
        {"snapshot_every": 1.5},
        {"snapshot_version": None},
    ],
)
def test_what_no_repository_can_be_made_of_is_refused(options: dict[str, Any]) -> None:
    """Before anything is read."""
    with pytest.raises(OptionError) as refused:
        Repository(**{"store": EventStore(), "decide": decide, "evolve": evolve} | options)
    assert refused.value.option == next(iter(options))


# --- conflicts


class Interrupted:
    """A `decide` during which somebody else appends, so many times."""

    def __init__(self, store: EventStore, times: int, event: Event) -> None:
        self.store, self.left, self.event, self.seen = store, times, event, []

    def __call__(self, command: Any, guests: tuple[str, ...]) -> Any:
        self.seen.append(guests)
        if self.left:
            self.left -= 1
            self.store.append("table-7", self.event)
        return decide(command, guests)


def test_a_conflict_is_an_error_unless_it_may_be_decided_again(store: EventStore) -> None:
    """The first wins; the second learns of both versions, and nothing of it is in the store."""
    repository = Repository(store, Interrupted(store, 1, SeatTaken("Grace")), evolve, (), stream="table")
    with pytest.raises(WrongExpectedVersionError) as conflict:
        repository.handle("7", TakeSeat("Ada"))
    assert (conflict.value.expected, conflict.value.actual) == (0, 1)
    assert [m.data for m in store.read("table-7")] == [SeatTaken("Grace")]


def test_after_a_conflict_the_whole_decision_is_made_again_on_what_is_there_now(store: EventStore) -> None:
    """Not the old events once more: it sees the other one's change."""
    slow = Interrupted(store, 2, SeatTaken("Grace"))
    handled = Repository(store, slow, evolve, (), stream="table").handle("7", TakeSeat("Ada"), retries=2)
    assert slow.seen == [(), ("Grace",), ("Grace", "Grace")]
    assert (handled.attempts, handled.version, handled.state) == (3, 3, ("Grace", "Grace", "Ada"))


def test_a_decision_that_does_not_hold_any_more_is_not_forced(store: EventStore) -> None:
    """The last seat was taken meanwhile: the second decision refuses."""
    store.append("table-7", [SeatTaken(guest) for guest in "ABC"])
    repository = Repository(store, Interrupted(store, 1, SeatTaken("D")), evolve, (), stream="table")
    with pytest.raises(TableFullError):
        repository.handle("7", TakeSeat("Ada"), retries=5)
    assert tables(store).load("7").state == tuple("ABCD")


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_the_number_of_decisions_is_bounded(store: EventStore, retries: int) -> None:
    """One more than the retries, then the error of the conflict."""
    slow = Interrupted(store, 100, SeatLeft("nobody"))
    with pytest.raises(WrongExpectedVersionError):
        Repository(store, slow, evolve, (), stream="table").handle("7", TakeSeat("Ada"), retries=retries)
    assert len(slow.seen) == retries + 1 == store.last_position


@pytest.mark.parametrize("retries", [-1, 1.5, None, True])
def test_retries_are_a_number(store: EventStore, retries: Any) -> None:
    """And nothing was decided before that is found out."""
    with pytest.raises(OptionError):
        tables(store).handle("7", TakeSeat("Ada"), retries=retries)


def test_only_a_conflict_is_decided_again(store: EventStore) -> None:
    """Where the store itself fails, that is what is raised, at once."""
    calls = []

    def closing(command: Any, guests: tuple[str, ...]) -> Any:
        calls.append(command)
        store.close()
        return decide(command, guests)

    with pytest.raises(StoreError):
        Repository(store, closing, evolve, ()).handle("7", TakeSeat("Ada"), retries=5)
    assert len(calls) == 1


@pytest.mark.parametrize("writers", [2, 8])
@pytest.mark.parametrize("snapshot_every", [None, 3])
def test_threads_that_change_the_same_thing_lose_nothing(
    store: EventStore, writers: int, snapshot_every: int | None
) -> None:
    """Each decides on what is there: every change is there once, and each was decided on the one before."""
    each = 12

    def count_up(command: str, total: int) -> SeatTaken:
        return SeatTaken(f"{command} after {total}")

    def total(seen: int, event: SeatTaken) -> int:
        return seen + 1

    def write(writer: int) -> None:
        repository = Repository(store, count_up, total, 0, snapshot_every=snapshot_every)
        for number in range(each):
            repository.handle("shared", f"{writer}/{number}", retries=10_000)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    written = [message.data.guest.split(" after ") for message in store.read("shared")]
    assert [int(seen) for _, seen in written] == list(range(writers * each))
    assert sorted(name for name, _ in written) == sorted(f"{w}/{n}" for w in range(writers) for n in range(each))
    for writer in range(writers):
        assert [name for name, _ in written if name.startswith(f"{writer}/")] == [f"{writer}/{n}" for n in range(each)]


# --- for all histories

COMMANDS = st.one_of(st.builds(TakeSeat, st.sampled_from("ABCDEF")), st.builds(LeaveSeat, st.sampled_from("ABCDEF")))


@given(st.lists(st.lists(COMMANDS, max_size=4), max_size=12), st.integers(1, 9), st.data())
def test_the_fold_is_the_state_whatever_the_interval_of_snapshots(
    batches: list[list[Command]], every: int, data: st.DataObject
) -> None:
    """Now and at each version, with snapshots and without, and events are read as few as were promised."""

    def several(commands: list[Command], guests: tuple[str, ...]) -> list[Event]:
        events: list[Event] = []
        for command in commands:
            if isinstance(command, LeaveSeat) or len(fold(evolve, guests, events)) < SEATS:
                decided = decide(command, fold(evolve, guests, events)) or []
                events += decided if isinstance(decided, list) else [decided]
        return events

    with EventStore() as store:
        plain = Repository(store, several, evolve, ())
        cached = Repository(store, several, evolve, (), snapshot_every=every)
        for batch in batches:
            handled = cached.handle("7", batch)
            assert handled.state == plain.load("7").state == cached.load("7").state
            assert plain.events_read == handled.version
            assert cached.events_read < every
        events = [message.data for message in store.read("7")]
        version = data.draw(st.integers(0, len(events)))
        assert cached.load("7", version).state == fold(evolve, (), events[:version]) == plain.load("7", version).state
