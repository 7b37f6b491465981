"""A read model is built anew beside the one that is there, and the two are swapped: old or new, never half."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from crash_points import points_of, survived
from test_sourcing_projection import SALES, SOLD, AnyDb, CoffeeSold, PowerCutError, TeaSold, cups_in, cut_short, sold

from eda_lab import Database, EventStore, Message, Projection, SqlDatabase
from eda_lab.sourcing import ProjectionError


@pytest.fixture(params=["memory", "sql", "file"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> AnyDb:
    """Give each kind of database in turn."""
    return {"memory": Database, "sql": SqlDatabase, "file": lambda: SqlDatabase(tmp_path / "read.db")}[request.param]()


@pytest.fixture
def store() -> Iterator[EventStore]:
    """Give a store with the sales of a morning."""
    with EventStore() as opened:
        opened.append("bar", SALES)
        yield opened


def spoil(db: AnyDb) -> None:
    """Change the read model, as a fault that has been found since has done it."""
    with db.transaction() as tables:
        if isinstance(db, Database):
            tables["cups"]["mocha"] = -7
        else:
            tables.execute("UPDATE cups SET cups = -7 WHERE kind = 'mocha'")


def versions(db: AnyDb, name: str = "cups") -> list[Any]:
    """Return position and version of a projection, as they stand in the table "projections"."""
    if isinstance(db, Database):
        found = db.table("projections")[name]
        return [found.position, found.version]
    return list(db.rows("SELECT position, version FROM projections WHERE name = ?", (name,))[0])


def test_it_becomes_what_a_new_one_would_be(store: EventStore, db: AnyDb) -> None:
    """Whatever was wrong with the old one; and it goes on from there."""
    cups = cups_in(db, batch=2)
    cups.run(store)
    spoil(db)
    assert (cups.rebuild(store), sold(db), cups.position) == (5, SOLD, 5)
    store.append("bar", CoffeeSold("mocha"))
    assert (cups.run(store), sold(db)["mocha"]) == (1, 6)


def test_where_there_was_none_it_is_the_first(store: EventStore, db: AnyDb) -> None:
    """As a run would make it."""
    assert (cups_in(db).rebuild(store), sold(db), versions(db)) == (5, SOLD, [5, 1])


def teas_and_cups(db: AnyDb, version: int = 2) -> Projection:
    """Return the next version of the projection: other tables, and other rules."""
    if isinstance(db, Database):
        drinks = Projection("cups", db, ("drinks", "kinds"), version=version)

        @drinks.on((CoffeeSold, TeaSold))
        def note(sale: Any, tables: Any, message: Message) -> None:
            tables["drinks"][message.position] = sale.kind
            tables["kinds"].setdefault(sale.kind, []).append(message.position)

    else:
        made = [
            "CREATE TABLE drinks (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, loud TEXT AS (upper(kind)))",
            "CREATE TABLE kinds (kind TEXT PRIMARY KEY, sold INTEGER) WITHOUT ROWID",
            "CREATE TABLE log (line TEXT)",
            "CREATE INDEX by_kind ON drinks (kind)",
            "CREATE VIEW teas AS SELECT * FROM drinks WHERE kind = 'assam'",
            "CREATE INDEX by_line ON log (line)",
            "CREATE TRIGGER noted AFTER INSERT ON drinks BEGIN INSERT INTO log VALUES (new.kind); END",
        ]
        drinks = Projection("cups", db, made, version=version)

        @drinks.on((CoffeeSold, TeaSold))
        def note_in_sql(sale: Any, sql: Any) -> None:
            sql.execute("INSERT INTO drinks (kind) VALUES (?)", (sale.kind,))
            sql.execute("INSERT INTO kinds VALUES (?, 1) ON CONFLICT DO UPDATE SET sold = sold + 1", (sale.kind,))
            sql.execute("DELETE FROM drinks WHERE kind = 'latte'")

    return drinks


def empty(db: AnyDb, table: str) -> Projection:
    """Return a projection of the name of its table, in which nothing ever is."""
    nothing = Projection(table, db, table if isinstance(db, Database) else f"CREATE TABLE {table} (x)")
    nothing.on("*")(lambda event, tables: None)
    return nothing


def everything(db: AnyDb) -> Any:
    """Return all that is in a database, but for checkpoints."""
    if isinstance(db, Database):
        with db.transaction() as tables:
            return {name: dict(rows) for name, rows in tables.items() if name != "projections"}
    others = "sql IS NOT NULL AND name NOT IN ('projections', 'sqlite_sequence')"
    names = db.rows(f"SELECT type, name, sql FROM sqlite_master WHERE {others} ORDER BY type, name")
    tables = [name for kind, name, _ in names if kind in ("table", "view")]
    return names, {name: db.rows(f'SELECT * FROM "{name}"') for name in tables}


def test_a_new_version_takes_the_place_of_the_old_one(store: EventStore, db: AnyDb) -> None:
    """With other tables, indexes, views, triggers; nothing of the old is left, and what others keep there is."""
    store.append("bar", CoffeeSold("latte"))
    empty(db, "kept").run(store)
    cups_in(db).run(store)
    new = teas_and_cups(db)
    with pytest.raises(ProjectionError, match=r"made by version 1, and this is version 2: call rebuild\(store\)"):
        new.run(store)
    assert (new.rebuild(store), versions(db), versions(db, "kept")) == (6, [6, 2], [6, 1])
    fresh = type(db)()
    empty(fresh, "kept").run(store)
    teas_and_cups(fresh).run(store)
    assert everything(db) == everything(fresh)
    with pytest.raises(ProjectionError, match="made by version 2, and this program has version 1: use the newer"):
        cups_in(db).run(store)
    with pytest.raises(ProjectionError, match="use the newer program"):
        cups_in(db).rebuild(store)
    store.append("bar", [TeaSold("oolong"), CoffeeSold("latte"), TeaSold("assam")])
    for one in (new, teas_and_cups(fresh)):
        one.run(store)
    assert everything(db) == everything(fresh)
    if isinstance(db, SqlDatabase):  # numbers that were given once are not given again
        assert db.rows("SELECT seq FROM sqlite_sequence") == [(9,)]
        assert db.rows("SELECT number, loud FROM teas") == [(2, "ASSAM"), (9, "ASSAM")]
        kinds = [message.data.kind for message in store.read_all()]
        assert [line for (line,) in db.rows("SELECT line FROM log ORDER BY rowid")] == kinds


def test_and_back_again(store: EventStore, db: AnyDb) -> None:
    """A third version may have the tables of the first."""
    cups_in(db).run(store)
    teas_and_cups(db).rebuild(store)
    cups_in(db, version=3).rebuild(store)
    fresh = type(db)()
    cups_in(fresh, version=3).run(store)
    assert (sold(db), everything(db)) == (SOLD, everything(fresh))


def test_a_table_of_somebody_else_is_never_replaced(store: EventStore, db: AnyDb) -> None:
    """The swap is refused, and the old read model stays."""
    cups_in(db).run(store)
    empty(db, "drinks").run(store)
    before = everything(db)
    with pytest.raises(ProjectionError, match="'drinks' already"):
        teas_and_cups(db).rebuild(store)
    assert (everything(db), versions(db)) == (before, [5, 1])


def test_tables_that_a_function_makes_as_it_goes_are_swapped_too(store: EventStore, db: AnyDb) -> None:
    """They belong to the projection that made them."""
    cups = cups_in(db)

    @cups.on(TeaSold)
    def note(sale: TeaSold, tables: Any) -> None:
        if isinstance(db, Database):
            tables.setdefault("teas", {})[sale.kind] = 1
        else:
            tables.execute("CREATE TABLE IF NOT EXISTS teas (kind TEXT)")
            tables.execute("INSERT INTO teas VALUES (?)", (sale.kind,))

    cups.run(store)
    before = everything(db)
    cups.rebuild(store)
    assert everything(db) == before
    cups_in(db, version=2).rebuild(store)
    assert "teas" not in str(everything(db))


def test_the_old_one_goes_on_meanwhile_and_the_new_one_is_no_step_behind(store: EventStore, db: AnyDb) -> None:
    """What the old one has read since the new one was built, the new one reads before it is swapped in."""
    cups = cups_in(db)
    cups.run(store)
    again = cups_in(db)
    met: list[int] = []

    @again.on(CoffeeSold)
    def meanwhile(sale: CoffeeSold, tables: Any, message: Message) -> None:
        if message.position == 5 and not met:
            met.append(cups.position)
            store.append("bar", [CoffeeSold("mocha", 10), TeaSold("oolong")])
            cups.run(store)  # the old one is neither locked nor touched
            met.append(sold(db)["mocha"])

    assert (again.rebuild(store), met) == (7, [5, 15])
    assert (sold(db), cups.position, cups.lag(store)) == (SOLD | {"mocha": 15}, 7, 0)


# --- readers and crashes


def test_readers_see_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    """Read models of two versions are swapped again and again, while others read them from the same file."""
    with EventStore() as store:
        store.append("bar", [CoffeeSold("mocha")] * 50)
        db = SqlDatabase(tmp_path / "read.db")
        create = "CREATE TABLE cups (number INTEGER, version INTEGER)"
        stop, seen = threading.Event(), set()

        def read() -> None:
            reader = SqlDatabase(tmp_path / "read.db")
            while not stop.is_set():
                query = (
                    "SELECT version, count(*), (SELECT position FROM projections), (SELECT version FROM projections)"
                )
                seen.update(reader.rows(f"{query} FROM cups GROUP BY version"))
            reader.close()

        def rebuilt(version: int) -> None:
            cups = Projection("cups", db, create, version=version)
            cups.on(CoffeeSold)(lambda sale, sql, message: sql.execute("INSERT INTO cups VALUES (1, ?)", (version,)))
            cups.rebuild(store)

        rebuilt(1)
        with ThreadPoolExecutor(2) as pool:
            reads = [pool.submit(read) for _ in range(2)]
            try:
                for version in range(2, 22):
                    rebuilt(version)
            finally:
                stop.set()
            assert [each.result(30) for each in reads] == [None, None]
        assert len(seen) > 1
        assert seen <= {(version, 50, 50, version) for version in range(1, 22)}


def test_it_is_rebuilt_while_another_follows(db: AnyDb) -> None:
    """Both come through, whoever is first, and nothing is counted twice or left out."""
    with EventStore() as store:
        cups = cups_in(db, batch=3)
        cups.run(store)
        stop = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            following = pool.submit(cups_in(db, batch=3).follow, store, stop=stop)
            for _ in range(10):
                store.append("bar", [CoffeeSold("mocha"), TeaSold("assam")])
                cups.rebuild(store)
            stop.set()
            following.result(30)
        cups.run(store)
        assert (sold(db), cups.position) == ({"mocha": 10}, 20)


def test_a_crash_at_any_point_leaves_the_old_one_or_the_new_one(store: EventStore) -> None:
    """While the new one is built, and while the two are swapped."""
    for kind in (Database, SqlDatabase):

        def began(kind: type[AnyDb] = kind) -> AnyDb:
            db = kind()
            cups_in(db).run(store, until=4)
            spoil(db)
            return db

        db = began()
        points = points_of(lambda db=db: cups_in(db, batch=2, version=2).rebuild(store))
        assert points >= 6
        results = []
        for point in range(points):
            db = began()
            old = everything(db)
            assert not survived(lambda db=db: cups_in(db, batch=2, version=2).rebuild(store), point)
            if versions(db) == [4, 1]:
                assert everything(db) == old
            else:
                assert (sold(db), versions(db)) == (SOLD, [5, 2])
            results.append(versions(db)[1])
            cups_in(db, version=2).rebuild(store)
            assert (sold(db), versions(db)) == (SOLD, [5, 2])
        assert set(results) == {1, 2}


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_statement_of_the_swap_leaves_the_old_one(
    store: EventStore, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """Between the table that is dropped and the one that takes its place, too."""
    number = 0
    while True:
        db = SqlDatabase()
        cups_in(db).run(store)
        old = everything(db)
        new = teas_and_cups(db)
        if cut_short(monkeypatch, db, number, after, lambda new=new: new.rebuild(store)):
            break
        number += 1
        assert (everything(db), versions(db)) == (old, [5, 1])
    assert number > 15


def test_a_function_that_fails_leaves_the_old_one(store: EventStore, db: AnyDb) -> None:
    """What it raises is raised."""
    cups_in(db).run(store)
    spoil(db)
    old = everything(db)
    cups = cups_in(db, version=2)

    @cups.on(TeaSold)
    def fail(sale: TeaSold, tables: Any) -> None:
        raise PowerCutError

    with pytest.raises(PowerCutError):
        cups.rebuild(store)
    assert (everything(db), versions(db)) == (old, [5, 1])


def test_one_that_is_always_in_conflict_gives_up(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not try for ever."""
    from eda_lab.database import TransactionConflictError

    db = Database()
    cups = cups_in(db)
    cups.run(store)
    whole, tries = db.transaction, []

    @contextmanager
    def contested(**options: Any) -> Iterator[Any]:
        with whole(**options) as tables:
            yield tables
            tries.append(1)
            with whole() as others:
                others["other"] = {len(tries): 1}

    monkeypatch.setattr(db, "transaction", contested)
    store.append("bar", SALES)
    for work in (cups.run, cups.rebuild):
        tries.clear()
        with pytest.raises(TransactionConflictError):
            work(store)
        assert 10 < len(tries) <= 100
    assert sold(db) == SOLD
