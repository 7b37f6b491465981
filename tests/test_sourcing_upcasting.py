"""Upcasters: what was stored in an older version is read as an event of today, and the store stays as it is."""

import asyncio
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eda_lab import Database, Event, EventStore, Message, Projection, Repository, Upcasters, events, upcast, upcaster
from eda_lab.errors import EdaLabError, HandlerError, MalformedEventError, NotAnEventError, OptionError
from eda_lab.sourcing import UpcastError


class RoomLet(Event):
    """Version 1 had the name in one, and the rent in euros; version 2 had cents; version 3 has two names."""

    dataversion = 3
    first: str
    last: str
    rent_cents: int


def message(version: int, data: Any, type_: str = "room_let", **more: Any) -> Message:
    fields = {"id": f"{version}", "source": "office", "type": type_, "time": 0.0, "data": data, "dataversion": version}
    return Message(**fields | more)


OLD = message(1, {"name": "Ada Lovelace", "rent": 500})
MIDDLE = message(2, {"name": "Grace Hopper", "rent_cents": 70000}, id="2")
NEW = message(3, RoomLet("Alan", "Turing", 30000), id="3")
TODAY = [RoomLet("Ada", "Lovelace", 50000), RoomLet("Grace", "Hopper", 70000), RoomLet("Alan", "Turing", 30000)]


@pytest.fixture
def upcasters() -> Upcasters:
    """Return the two steps from version 1 to today."""
    steps = Upcasters()

    @steps("room_let", from_version=1)
    def cents(data: dict[str, Any]) -> dict[str, Any]:
        return {"name": data["name"], "rent_cents": data["rent"] * 100}

    @steps(RoomLet, from_version=2)
    def two_names(data: dict[str, Any]) -> dict[str, Any]:
        first, _, last = data.pop("name").partition(" ")
        return data | {"first": first, "last": last}

    return steps


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Return the path of a store in which each of the three versions stands."""
    with EventStore(tmp_path / "store.db") as store:
        store.append("room-7", [OLD, MIDDLE, NEW])
    return tmp_path / "store.db"


def rows(path: Path) -> list[Any]:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT * FROM events ORDER BY position").fetchall()
    connection.close()
    return found


def test_each_version_is_read_as_an_event_of_today(path: Path, upcasters: Upcasters) -> None:
    """Step by step. The message says which version it now has, and is else as it was; not a byte is rewritten."""
    before = rows(path)
    with EventStore(path) as store:
        read = list(upcasters.upcast(store.read("room-7")))
    assert [m.data for m in read] == TODAY
    assert [(m.id, m.dataversion, m.stream, m.version, m.position) for m in read] == [
        (str(n), 3, "room-7", n, n) for n in (1, 2, 3)
    ]
    assert rows(path) == before
    assert [row[11] for row in before] == [1, 2, 3]


def test_plain_data_of_today_is_no_matter(path: Path, upcasters: Upcasters) -> None:
    """What is of today's version is handed on as it is, be it read as plain data."""
    with EventStore(path) as store:
        read = list(upcasters.upcast(store.read("room-7", plain=True)))
    assert [m.data for m in read] == [*TODAY[:2], {"first": "Alan", "last": "Turing", "rent_cents": 30000}]


def test_repositories_and_projections_read_through_them(path: Path, upcasters: Upcasters) -> None:
    """Neither `evolve` nor a function of a projection ever sees an older version."""
    with EventStore(path) as store:
        rooms = Repository(
            store, print, lambda rent, event: rent + event.rent_cents, 0, stream="room", upcasters=upcasters
        )
        assert rooms.load("7").state == 150_000
        names = Projection("names", Database(), "names", upcasters=upcasters)

        @names.on(RoomLet)
        def note(let: RoomLet, tables: Any, message: Message) -> None:
            tables["names"][message.version] = f"{let.last}, {message.dataversion}"

        names.run(store)
        assert names.db.table("names") == {1: "Lovelace, 3", 2: "Hopper, 3", 3: "Turing, 3"}


def test_the_upcasters_of_the_program_are_used_where_no_others_are_given(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decorator returns the function unchanged; a second one for the same version takes its place."""
    from eda_lab.sourcing.upcasting import UPCASTERS

    monkeypatch.setattr(UPCASTERS, "_chains", {})

    @upcaster("room_let", from_version=1)
    def wrong(data: dict[str, Any]) -> dict[str, Any]:
        return {}

    @upcaster("room_let", from_version=1)
    def cents(data: dict[str, Any]) -> dict[str, Any]:
        return {"name": data["name"], "rent_cents": data["rent"] * 100}

    @upcaster("room_let", from_version=2)
    def two_names(data: dict[str, Any]) -> dict[str, Any]:
        return {"first": data["name"].split()[0], "last": data["name"].split()[1], "rent_cents": data["rent_cents"]}

    assert cents({"name": "Ada", "rent": 1}) == {"name": "Ada", "rent_cents": 100}
    assert UPCASTERS.functions() == [("room_let", 1, cents), ("room_let", 2, two_names)]
    with EventStore(path) as store:
        assert [m.data for m in upcast(store.read_all())] == TODAY
        assert Repository(store, print, lambda seen, event: [*seen, event], []).load("room-7").state == TODAY


def test_what_an_upcaster_gets_is_its_own(upcasters: Upcasters) -> None:
    """It may change it: the message that was given keeps its data."""
    given = message(2, {"name": "Grace Hopper", "rent_cents": 70000})
    (read,) = upcasters.upcast([given])
    assert (read.data, given.data) == (TODAY[1], {"name": "Grace Hopper", "rent_cents": 70000})


def test_a_type_that_nobody_knows_is_left_alone(upcasters: Upcasters) -> None:
    """Whatever its version."""
    unknown = message(7, {"a": 1}, "room_painted")
    assert list(upcasters.upcast([unknown])) == [unknown]


def test_a_type_without_a_class_is_led_to_the_end_of_its_chain() -> None:
    """As far as the upcasters go; the data stays a dict."""
    steps = Upcasters()
    for version in (1, 2):
        steps("room_aired", from_version=version)(lambda data: data | {"steps": data.get("steps", 0) + 1})
    read = list(steps.upcast([message(version, {}, "room_aired") for version in (1, 2, 3)]))
    assert [(m.data, m.dataversion) for m in read] == [({"steps": 2}, 3), ({"steps": 1}, 3), ({}, 3)]
    with pytest.raises(UpcastError, match="newer than this program"):
        list(steps.upcast([message(4, {}, "room_aired")]))


# --- what goes wrong


def failing(data: dict[str, Any]) -> dict[str, Any]:
    return {"name": data["nmae"]}


def forgetful(data: dict[str, Any]) -> Any:
    data["rent_cents"] = 5


WRONG = {
    "a gap": (None, "no upcaster leads on from version 2: write one with @upcaster('room_let', from_version=2)"),
    "one that fails": (failing, "its upcaster failing from version 2 failed: KeyError: 'nmae'"),
    "one that returns nothing": (forgetful, "its upcaster forgetful from version 2 returned None: let it return"),
    "one that returns an event": (lambda data: RoomLet("A", "B", 1), "returned RoomLet("),
}


@pytest.mark.parametrize("what", WRONG)
def test_where_the_chain_breaks_the_error_says_which_step_of_which_event(
    path: Path, upcasters: Upcasters, what: str
) -> None:
    """One line with the facts at hand; the events before it were read."""
    function, words = WRONG[what]
    broken = Upcasters()
    broken("room_let", from_version=1)(upcasters.functions()[0][2])
    if function is not None:
        broken("room_let", from_version=2)(function)
    with EventStore(path) as store:
        store.append("room-8", message(1, OLD.data, id="8"))
        reading = broken.upcast(store.read_all(3))
        assert next(reading).data == TODAY[2]
        with pytest.raises(UpcastError) as error:
            next(reading)
    assert str(error.value).startswith("room_let of version 1 at position 4 cannot be read as version 3: ")
    assert words in str(error.value)
    assert str(error.value).isprintable()
    facts = (error.value.type, error.value.dataversion, error.value.known, error.value.position)
    assert facts == ("room_let", 1, 3, 4)
    assert error.value.reason in str(error.value)


def test_an_event_from_a_newer_program_is_an_error(upcasters: Upcasters) -> None:
    """Nobody here knows what it means."""
    with pytest.raises(UpcastError, match="it is newer than this program: use a newer version") as error:
        list(upcasters.upcast([message(4, {"first": "Ada"})]))
    assert (error.value.dataversion, error.value.known, error.value.position) == (4, 3, None)


def test_no_upcasters_at_all_is_a_gap(path: Path) -> None:
    """An old event is never handed out as it is."""
    with EventStore(path) as store, pytest.raises(UpcastError, match="no upcaster leads on from version 1"):
        Repository(store, print, lambda state, event: state, 0, upcasters=Upcasters()).load("room-7")


@pytest.mark.parametrize("data", [{"first": "Ada"}, {"first": 1, "last": 2, "rent_cents": 3}, {"first": {1, 2}, 3: 1j}])
def test_what_does_not_fit_the_class_in_the_end_is_an_error(path: Path, upcasters: Upcasters, data: Any) -> None:
    """With the path of the fault."""
    upcasters("room_let", from_version=2)(lambda old: data)
    with EventStore(path) as store, pytest.raises(MalformedEventError, match="made") as error:
        list(upcasters.upcast(store.read("room-7")))
    assert error.value.path.startswith("$.data")


@pytest.mark.parametrize("version", [0, -1, 1.5, True, "1", None])
def test_versions_count_from_1(version: Any) -> None:
    """And are whole numbers."""
    with pytest.raises(OptionError):
        Upcasters()("room_let", from_version=version)


@pytest.mark.parametrize("what", ["room_*", "", "room let", 7, None, ("room_let", "room_left")])
def test_an_upcaster_is_for_one_type(what: Any) -> None:
    """A pattern would be for many."""
    with pytest.raises(EdaLabError):
        Upcasters()(what, from_version=1)


async def awaited(data: Any) -> Any:
    await asyncio.sleep(0)


def generated(data: Any) -> Iterator[Any]:
    yield data


@pytest.mark.parametrize(
    "function", [7, None, {}, lambda: {}, lambda data, more: {}, awaited, generated, partial(awaited)]
)
def test_what_is_no_upcaster_is_refused_where_it_is_written(function: Any) -> None:
    """Not years later, when the first old event comes by."""
    steps = Upcasters()
    with pytest.raises(HandlerError):
        steps("room_let", from_version=1)(function)
    assert steps.functions() == []


def test_builtins_and_optional_parameters_will_do() -> None:
    """Whatever takes the data alone."""
    steps = Upcasters()
    steps("room_let", from_version=1)(dict)
    steps("room_let", from_version=2)(lambda data, rate=100: {"first": "A", "last": "B", "rent_cents": rate})
    assert [m.data for m in steps.upcast([message(1, {})])] == [RoomLet("A", "B", 100)]


@pytest.mark.parametrize("thing", [RoomLet("A", "B", 1), {"first": "A"}, None])
def test_only_messages_have_a_version(upcasters: Upcasters, thing: Any) -> None:
    """An event or a dict alone does not say what it is."""
    with pytest.raises(NotAnEventError):
        list(upcasters.upcast([thing]))


@given(st.integers(1, 8), st.integers(1, 8), st.sets(st.integers(1, 8)))
def test_a_chain_is_followed_to_its_end_or_said_to_be_broken(stored: int, today: int, known: set[int]) -> None:
    """Each step once, in order; the first that is missing is named."""
    cls = type("ChainTried", (Event,), {"__annotations__": {"steps": list[int]}, "dataversion": today})
    steps = Upcasters()
    for number in known:
        steps("chain_tried", from_version=number)(lambda data, number=number: {"steps": [*data["steps"], number]})
    given = message(stored, cls([]) if stored == today else {"steps": []}, "chain_tried")
    missing = [number for number in range(stored, today) if number not in known]
    if stored > today:
        with pytest.raises(UpcastError, match="newer"):
            list(steps.upcast([given]))
    elif missing:
        with pytest.raises(UpcastError, match=f"leads on from version {missing[0]}:"):
            list(steps.upcast([given]))
    else:
        (read,) = steps.upcast([given])
        assert (read.data, read.dataversion) == (cls(list(range(stored, today))), today)
    del events._REGISTRY["chain_tried"]
