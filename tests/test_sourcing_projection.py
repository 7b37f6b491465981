"""Projections: a read model that follows the log, and is committed together with how far it has read."""

import asyncio
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from crash_points import points_of, survived
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Database, Event, EventStore, Message, Projection, SqlDatabase, events
from eda_lab.errors import EdaLabError, HandlerError, MalformedEventError, OptionError
from eda_lab.sourcing import ProjectionError
from eda_lab.store.errors import StoreClosedError


class CoffeeSold(Event):
    kind: str
    cups: int = 1


class LargeCoffeeSold(CoffeeSold):
    pass


class TeaSold(Event):
    kind: str


SALES = [
    CoffeeSold("mocha"),
    TeaSold("assam"),
    CoffeeSold("latte", 2),
    CoffeeSold("mocha", 3),
    LargeCoffeeSold("mocha"),
]
SOLD = {"mocha": 5, "latte": 2}
AnyDb = Database | SqlDatabase


def cups_in(db: AnyDb, name: str = "cups", **options: Any) -> Projection:
    """Return a projection that counts the cups of each kind of coffee, in a database of either kind."""
    if isinstance(db, Database):
        cups = Projection(name, db, "cups", **options)

        @cups.on(CoffeeSold)
        def count(sale: CoffeeSold, tables: Any) -> None:
            tables["cups"][sale.kind] = tables["cups"].get(sale.kind, 0) + sale.cups

    else:
        create = "CREATE TABLE cups (kind TEXT PRIMARY KEY, cups INTEGER NOT NULL)"
        cups = Projection(name, db, create, **options)

        @cups.on(CoffeeSold)
        def count_in_sql(sale: CoffeeSold, sql: Any) -> None:
            more = "INSERT INTO cups VALUES (?, ?) ON CONFLICT (kind) DO UPDATE SET cups = cups + excluded.cups"
            sql.execute(more, (sale.kind, sale.cups))

    return cups


def sold(db: AnyDb) -> dict[str, int]:
    """Return what the read model says."""
    return dict(db.table("cups")) if isinstance(db, Database) else dict(db.rows("SELECT kind, cups FROM cups"))


@pytest.fixture(params=["memory", "sql", "file"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> AnyDb:
    """Give each kind of database in turn: every story holds for all."""
    return {"memory": Database, "sql": SqlDatabase, "file": lambda: SqlDatabase(tmp_path / "read.db")}[request.param]()


@pytest.fixture
def store() -> Iterator[EventStore]:
    """Give a store with the sales of a morning."""
    with EventStore() as opened:
        opened.append("bar", SALES)
        yield opened


def test_it_catches_up_and_running_it_again_changes_nothing(store: EventStore, db: AnyDb) -> None:
    """Those derived from a class are counted too; types without a function are passed over."""
    cups = cups_in(db)
    assert (cups.position, cups.lag(store)) == (0, 5)
    assert (cups.run(store), sold(db), cups.position, cups.lag(store)) == (5, SOLD, 5, 0)
    assert (cups.run(store), sold(db)) == (0, SOLD)
    store.append("bar", [TeaSold("assam"), CoffeeSold("latte")])
    assert (cups.lag(store), cups.run(store), sold(db)) == (2, 2, SOLD | {"latte": 3})


def test_it_goes_on_where_it_was_when_it_is_opened_again(store: EventStore, db: AnyDb) -> None:
    """Another object, on the same database: the checkpoint is in there."""
    cups_in(db).run(store, until=3)
    assert (sold(db), cups_in(db).position) == ({"mocha": 1, "latte": 2}, 3)
    assert (cups_in(db).run(store), sold(db)) == (2, SOLD)


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 100])
def test_the_size_of_the_batches_makes_no_difference(store: EventStore, db: AnyDb, batch: int) -> None:
    """It is how much is committed at once."""
    commits = db.commits
    assert (cups_in(db, batch=batch).run(store), sold(db)) == (5, SOLD)
    assert db.commits - commits <= -(-5 // batch) + 1


def test_an_empty_store_makes_an_empty_read_model(db: AnyDb) -> None:
    """Questions can be asked at once; a run that finds nothing new does not write."""
    with EventStore() as store:
        cups = cups_in(db)
        assert (cups.run(store), sold(db), cups.position, cups.lag(store)) == (0, {}, 0, 0)
        commits = db.commits
        assert (cups.run(store), db.commits) == (0, commits)


@pytest.mark.parametrize("until", [0, 1, 3, 5, 99])
def test_it_can_be_held_at_a_position(store: EventStore, db: AnyDb, until: int) -> None:
    """As a reader that lags behind."""
    cups = cups_in(db)
    assert (cups.run(store, until), cups.position) == (min(until, 5), min(until, 5))
    assert cups.run(store, until=min(until, 1)) == 0


def test_a_function_may_ask_for_the_message(store: EventStore, db: AnyDb) -> None:
    """For its time, stream or position; topics and patterns do as well as classes, and several may listen."""
    places: list[Any] = []
    cups = cups_in(db)

    @cups.on("*_sold")
    def note(sale: Any, tables: Any, message: Message) -> None:
        places.append((message.position, message.type))

    @cups.on(("tea_sold", LargeCoffeeSold))
    def note_again(sale: Any, tables: Any) -> None:
        places.append(sale)

    cups.run(store)
    assert sold(db) == SOLD
    assert places == [
        (1, "coffee_sold"),
        (2, "tea_sold"),
        SALES[1],
        (3, "coffee_sold"),
        (4, "coffee_sold"),
        (5, "large_coffee_sold"),
        SALES[4],
    ]


def test_the_function_is_returned_unchanged(db: AnyDb) -> None:
    """So a test may call it without a database."""

    def count(sale: Any, tables: Any) -> None:
        tables[sale.kind] = 1

    assert cups_in(db).on(TeaSold)(count) is count


def test_several_projections_share_a_database(store: EventStore, db: AnyDb) -> None:
    """Each with its own tables and its own checkpoint."""
    cups = cups_in(db)
    memory = isinstance(db, Database)
    teas = Projection("teas", db, "teas" if memory else "CREATE TABLE teas (position INTEGER)")

    @teas.on(TeaSold)
    def note(sale: TeaSold, tables: Any, message: Message) -> None:
        if memory:
            tables["teas"][message.position] = sale.kind
        else:
            tables.execute("INSERT INTO teas VALUES (?)", (message.position,))

    cups.run(store)
    teas.run(store, until=2)
    assert (cups.position, teas.position, sold(db)) == (5, 2, SOLD)
    assert (
        dict(db.table("teas")) == {2: "assam"} if isinstance(db, Database) else db.rows("SELECT * FROM teas") == [(2,)]
    )


# --- crashes


class PowerCutError(Exception):
    """The test has cut the power."""


def test_what_a_function_raises_is_raised_and_nothing_of_its_batch_is_kept(store: EventStore, db: AnyDb) -> None:
    """The checkpoint says so too. Once the fault is away it goes on there, and nothing is counted twice."""
    faults = [MemoryError("no cups left")]
    cups = cups_in(db, batch=2)

    @cups.on(CoffeeSold)
    def fail(sale: CoffeeSold, tables: Any, message: Message) -> None:
        if message.position == 4 and faults:
            raise faults.pop()

    with pytest.raises(MemoryError) as failed:
        cups.run(store)
    assert failed.value.__notes__ == ["in the projection 'cups', at position 4: coffee_sold"]
    assert (cups.position, sold(db)) == (2, {"mocha": 1})
    assert (cups.run(store), sold(db)) == (3, SOLD)


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_a_crash_at_any_point_counts_nothing_twice_and_leaves_nothing_out(
    store: EventStore, tmp_path: Path, batch: int
) -> None:
    """Before each commit and after each, in either database; then it is started again."""
    for kind in (Database, SqlDatabase):
        points = points_of(lambda kind=kind: cups_in(kind(), batch=batch).run(store))
        assert points >= 2
        for point in range(points):
            db = kind()
            assert not survived(lambda db=db: cups_in(db, batch=batch).run(store), point)
            position = cups_in(db).position
            before = Counter[str]()
            for sale in SALES[:position]:
                before.update({sale.kind: sale.cups} if isinstance(sale, CoffeeSold) else {})
            assert position == 0 or sold(db) == before
            cups_in(db, batch=batch).run(store)
            assert (sold(db), cups_in(db).position) == (SOLD, 5)


class Cut:
    """A cursor that fails at its n-th statement, before or after it was executed."""

    def __init__(self, cursor: Any, number: int, after: bool) -> None:
        self.cursor, self.left, self.after = cursor, number, after

    def execute(self, *arguments: Any) -> Any:
        self.left -= 1
        if self.left < 0 and not self.after:
            raise PowerCutError
        result = self.cursor.execute(*arguments)
        if self.left < 0:
            raise PowerCutError
        return result

    def executemany(self, *arguments: Any) -> Any:
        self.execute("SELECT 1")
        return self.cursor.executemany(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)


def cut_short(
    monkeypatch: pytest.MonkeyPatch, db: SqlDatabase, number: int, after: bool, work: Callable[[], Any]
) -> bool:
    """Do some work on a database that breaks at its n-th statement; return whether it came to its end."""
    whole = db.transaction
    cut = Cut(None, number, after)

    @contextmanager
    def transaction(**options: Any) -> Iterator[Any]:
        with whole(**options) as cursor:
            cut.cursor = cursor
            yield cut

    with monkeypatch.context() as patched:
        patched.setattr(db, "transaction", transaction)
        try:
            work()
        except PowerCutError:
            return False
    return True


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_statement_counts_nothing_twice(
    store: EventStore, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """Between the two changes of a function, between read model and checkpoint, wherever it is."""
    number = 0
    while True:
        db = SqlDatabase()
        cups = cups_in(db, batch=2)
        if cut_short(monkeypatch, db, number, after, lambda cups=cups: cups.run(store)):
            break
        number += 1
        cups_in(db, batch=2).run(store)
        assert (sold(db), cups_in(db).position) == (SOLD, 5)
    assert number > 15


# --- at the same time


def test_two_that_run_at_the_same_time_count_nothing_twice(tmp_path: Path) -> None:
    """Each sees in its transaction how far the other has come; in a `Database`, and in a file by two connections."""
    with EventStore() as store:
        store.append("bar", [CoffeeSold("mocha")] * 300)
        memory = Database()
        for dbs in ([memory] * 4, [SqlDatabase(tmp_path / "read.db") for _ in range(4)]):
            projections = [cups_in(db, batch=7) for db in dbs]
            with ThreadPoolExecutor(4) as pool:
                assert sum(pool.map(lambda projection: projection.run(store), projections)) == 300
            assert (sold(dbs[0]), projections[0].position) == ({"mocha": 300}, 300)


def test_it_follows_what_is_appended(db: AnyDb) -> None:
    """Until it is told to stop, or nothing comes for a while, or the store is closed."""
    with EventStore() as store:
        cups = cups_in(db)
        stop = threading.Event()
        counts: list[int] = []
        thread = threading.Thread(target=lambda: counts.append(cups.follow(store, stop=stop)))
        thread.start()
        for _ in range(30):
            store.append("bar", [CoffeeSold("mocha"), TeaSold("assam")])
        assert reached(cups, 60)
        stop.set()
        thread.join(10)
        assert (counts, sold(db), cups.lag(store)) == ([60], {"mocha": 30}, 0)
        store.append("bar", CoffeeSold("latte"))
        assert cups.follow(store, timeout=0.05) == 1
        assert cups.follow(store, timeout=0) == 0
        stop.clear()
        thread = threading.Thread(target=lambda: counts.append(cups.follow(store, stop=stop)))
        thread.start()
        store.append("bar", CoffeeSold("latte"))
        assert reached(cups, 62)
    thread.join(10)
    assert counts == [60, 1]


def reached(projection: Projection, position: int) -> bool:
    """Wait until a projection is so far, 10 seconds at most."""
    for _ in range(1000):
        if projection.position >= position:
            return True
        threading.Event().wait(0.01)
    return False


def test_it_follows_another_program_s_store(tmp_path: Path) -> None:
    """Another object on the same file stands for it here."""
    with EventStore(tmp_path / "store.db") as ours, EventStore(tmp_path / "store.db") as theirs:
        cups = cups_in(Database())
        thread = threading.Thread(target=lambda: cups.follow(ours, timeout=1.0))
        thread.start()
        theirs.append("bar", SALES)
        assert reached(cups, 5)
        thread.join(10)
        assert sold(cups.db) == SOLD


# --- what is refused


def test_a_function_that_returns_something_is_told_that_nobody_publishes_it(store: EventStore, db: AnyDb) -> None:
    """As an event that it wanted to cause would be lost."""
    cups = cups_in(db)
    cups.on(TeaSold)(lambda sale, tables: CoffeeSold("mocha"))
    with pytest.raises(HandlerError, match="returned something"):
        cups.run(store)
    assert cups.position == 0


async def awaited(event: Any, tables: Any) -> None:
    await asyncio.sleep(0)


def generated(event: Any, tables: Any) -> Iterator[Any]:
    yield event


@pytest.mark.parametrize(
    "function", [None, 7, awaited, generated, lambda event: None, lambda a, b, c, d: None, Counter]
)
def test_what_cannot_serve_is_refused_where_it_is_written(db: AnyDb, function: Any) -> None:
    """A generator that nobody runs would leave the read model empty without a word."""
    with pytest.raises(HandlerError):
        cups_in(db).on(TeaSold)(function)


@pytest.mark.parametrize(
    ("option", "value"),
    [("name", ""), ("name", 7), ("db", None), ("db", "read.db"), ("tables", ()), ("tables", [7]), ("tables", " "),
     ("version", 0), ("batch", 0), ("batch", "all")],
)  # fmt: skip
def test_what_no_projection_can_be_made_of_is_refused(option: str, value: Any) -> None:
    """With the name of what is wrong."""
    with pytest.raises(OptionError) as refused:
        Projection(**{"name": "cups", "db": Database(), "tables": "cups"} | {option: value})
    assert refused.value.option == option


def test_what_is_no_store_or_no_position_is_refused(store: EventStore, db: AnyDb) -> None:
    """Nor is a closed one."""
    cups = cups_in(db)
    for arguments in (("store.db",), (store, -1), (store, 1.5)):
        with pytest.raises(OptionError):
            cups.run(*arguments)  # type: ignore[arg-type]
    store.close()
    with pytest.raises(StoreClosedError):
        cups.run(store)


def test_one_without_functions_reads_nothing(store: EventStore, db: AnyDb) -> None:
    """It would pass over all events, and never come back to them."""
    create = "cups" if isinstance(db, Database) else "CREATE TABLE cups (x)"
    cups = Projection("cups", db, create)
    for work in (cups.run, cups.follow, cups.rebuild):
        with pytest.raises(ProjectionError, match="it has no functions yet"):
            work(store)
    assert cups.position == 0


def test_another_store_is_found_out(store: EventStore, db: AnyDb) -> None:
    """A read model that is further than the store ends belongs to another one."""
    cups = cups_in(db)
    cups.run(store)
    with EventStore() as other:
        other.append("bar", SALES[:2])
        with pytest.raises(ProjectionError, match="it has read up to position 5, and this store ends at 2") as error:
            cups.run(other)
        assert (error.value.name, cups.lag(other)) == ("cups", 0)
    assert sold(db) == SOLD


def test_a_table_that_is_there_already_is_left_alone(store: EventStore, db: AnyDb) -> None:
    """Somebody else has made it."""
    cups_in(db).run(store)
    with pytest.raises(ProjectionError, match="already"):
        cups_in(db, "other cups").run(store)
    assert sold(db) == SOLD
    assert cups_in(db, "other cups").position == 0


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABEL cups (x)", "CREATE TABLE a (x); CREATE TABLE b (x)", "CREATE VIRTUAL TABLE a USING fts5(x)"],
)
def test_statements_that_make_no_plain_table_are_refused(store: EventStore, statement: str) -> None:
    """At the first run; nothing is left behind."""
    db = SqlDatabase()
    cups = Projection("cups", db, ["CREATE TABLE first (x)", statement])
    cups.on(CoffeeSold)(lambda sale, sql: None)
    with pytest.raises(ProjectionError):
        cups.run(store)
    assert db.rows("SELECT name FROM sqlite_master WHERE name IN ('first', 'a', 'b')") == []


def test_errors_in_sql_are_those_of_sqlite(store: EventStore) -> None:
    """With the place in the log."""
    db = SqlDatabase()
    cups = cups_in(db)
    cups.on(TeaSold)(lambda sale, sql: sql.execute("INSERT INTO tees VALUES (1)"))
    with pytest.raises(sqlite3.OperationalError, match="no such table") as error:
        cups.run(store)
    assert error.value.__notes__ == ["in the projection 'cups', at position 2: tea_sold"]


def test_an_event_that_cannot_be_read_stops_it_there(
    store: EventStore, db: AnyDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not pass over what it should count."""
    monkeypatch.setattr(events, "_REGISTRY", dict(events._REGISTRY))  # the class below is there for this test alone
    store.append("bar", Message(id="1", source="x", type="coffee_spilt", time=0.0, data={"kind": 5}))
    cups = cups_in(db, batch=1)
    cups.on(type("CoffeeSpilt", (Event,), {"__annotations__": {"kind": str}}))(lambda event, tables: None)
    with pytest.raises(MalformedEventError, match="position 6"):
        cups.run(store)
    assert (cups.position, sold(db)) == (5, SOLD)


def test_it_is_shown_by_name_and_version() -> None:
    """Without the address of an object."""
    assert repr(cups_in(Database(), version=3)) == "<Projection 'cups' of version 3>"
    assert issubclass(ProjectionError, EdaLabError)


# --- for all logs

SALE = st.one_of(
    st.builds(CoffeeSold, st.sampled_from("ab"), st.integers(1, 3)), st.builds(TeaSold, st.sampled_from("ab"))
)


@settings(max_examples=60)
@given(st.lists(SALE, max_size=12), st.integers(1, 5), st.lists(st.integers(0, 30), max_size=6), st.booleans())
def test_whatever_crashes_and_stops_in_between_the_read_model_is_the_fold(
    sales: list[Any], batch: int, crashes: list[int], in_sql: bool
) -> None:
    """Runs that are stopped, crashed, repeated, and go on, end where one run would."""
    db: AnyDb = SqlDatabase() if in_sql else Database()
    with EventStore() as store:
        for number, crash in enumerate(crashes):
            store.append("bar", sales[number :: len(crashes)])
            survived(lambda crash=crash: cups_in(db, batch=batch).run(store, until=crash), crash % 7)
        if not crashes:
            store.append("bar", sales)
        cups_in(db, batch=batch).run(store)
        wanted = Counter[str]()
        for message in store.read_all(types=CoffeeSold):
            wanted[message.data.kind] += message.data.cups
        assert (sold(db), cups_in(db).lag(store)) == (wanted, 0)
