"""The database on SQLite: whole or not at all, one transaction at a time, a file that outlives the program."""

import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from crash_points import crashing, points_of, survived
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import EventBus, Retry, SqlDatabase, sleep
from eda_lab.database import TransactionConflictError
from eda_lab.errors import EdaLabError, NestedTransactionError, OptionError
from eda_lab.faults import Crashed

STOCK = "CREATE TABLE stock (sku TEXT PRIMARY KEY, pieces INTEGER NOT NULL CHECK (pieces >= 0))"


def with_stock(path: Path | None = None, **options: Any) -> SqlDatabase:
    """Return a database with one article of 10 pieces."""
    db = SqlDatabase(path, **options)
    with db.transaction() as sql:
        sql.execute(STOCK)
        sql.execute("INSERT INTO stock VALUES ('A', 10)")
    return db


def pieces(db: SqlDatabase) -> int:
    """Return the pieces of the article, as committed."""
    return int(db.rows("SELECT pieces FROM stock")[0][0])


def sell(db: SqlDatabase, number: int = 1) -> None:
    """Take so many pieces out of the stock."""
    with db.transaction() as sql:
        sql.execute("UPDATE stock SET pieces = pieces - ?", (number,))


@pytest.fixture(params=["memory", "file"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlDatabase]:
    """Return a stock of 10 pieces, in memory and in a file."""
    db = with_stock(None if request.param == "memory" else tmp_path / "stock.db")
    yield db
    db.close()


# --- whole or not at all


def test_a_transaction_happens_as_a_whole_or_not_at_all(db: SqlDatabase) -> None:
    """An error takes everything back, be it the handler's own or the database's."""

    def fail(error: bool) -> None:
        with db.transaction() as sql:
            sql.execute("INSERT INTO stock VALUES ('B', 5)")
            sql.execute("CREATE TABLE more (id TEXT)")
            if error:
                raise ValueError("no B left")
            sql.execute("UPDATE stock SET pieces = pieces - 11")

    for error, kind in ((True, ValueError), (False, sqlite3.IntegrityError)):
        with pytest.raises(kind):
            fail(error)
        assert db.rows("SELECT * FROM stock") == [("A", 10)]
        with pytest.raises(sqlite3.OperationalError, match="no such table: more"):
            db.rows("SELECT * FROM more")
    sell(db)
    assert (pieces(db), db.commits) == (9, 2)


def test_each_crash_point_is_on_one_side_of_the_commit(db: SqlDatabase) -> None:
    """Two for each transaction, of the names that `Database` has, and none elsewhere."""
    for point, left in ((0, 10), ("before db.commit", 10), (1, 9), ("after db.commit", 8)):
        assert not survived(lambda: sell(db), point)
        assert pieces(db) == left
    assert points_of(lambda: sell(db)) == 2
    assert points_of(lambda: db.rows("SELECT * FROM stock")) == 0
    assert (pieces(db), db.commits) == (7, 4)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(-3, 5), st.sampled_from(["ok", "error", 0, 1])), max_size=12))
def test_it_holds_the_sum_of_what_was_committed(steps: list[tuple[int, Any]]) -> None:
    """Whichever transactions fail or crash, and on whichever side of the commit."""
    db, expected = with_stock(), 10

    def work(number: int, fails: bool) -> None:
        with db.transaction() as sql:
            sql.execute("UPDATE stock SET pieces = pieces - ?", (number,))
            if fails:
                raise ValueError

    for number, how in steps:
        with crashing(*([how] if isinstance(how, int) else [])):
            try:
                work(number, how == "error")
            except (ValueError, sqlite3.IntegrityError):
                continue
            except Crashed:
                if how == 0:
                    continue
        expected -= number
    assert pieces(db) == expected >= 0


@pytest.mark.parametrize("statement", ["COMMIT", "ROLLBACK", "END", "script"])
def test_a_transaction_that_is_ended_from_the_inside_is_an_error(db: SqlDatabase, statement: str) -> None:
    """It says what to leave out, and the next transaction works."""

    def work() -> None:
        with db.transaction() as sql:
            sql.execute("UPDATE stock SET pieces = 5")
            if statement == "script":
                sql.executescript("UPDATE stock SET pieces = 4;")
            else:
                sql.execute(statement)

    with pytest.raises(EdaLabError, match="ended from the inside: leave BEGIN, COMMIT, ROLLBACK and executescript"):
        work()
    before = pieces(db)
    sell(db)
    assert pieces(db) == before - 1


def test_a_cursor_ends_with_its_transaction(db: SqlDatabase) -> None:
    """What somebody keeps of it changes nothing any more."""
    with db.transaction() as sql:
        assert db.is_open(sql)
        assert not db.is_open(None)
    assert not db.is_open(sql)
    with pytest.raises(sqlite3.ProgrammingError, match="closed cursor"):
        sql.execute("UPDATE stock SET pieces = 0")
    assert pieces(db) == 10


# --- to be read only


@pytest.mark.parametrize(
    "query", ["UPDATE stock SET pieces = 0", "DELETE FROM stock", "DROP TABLE stock", "CREATE TABLE more (id TEXT)"]
)
def test_rows_only_reads(db: SqlDatabase, query: str) -> None:
    """A change belongs into a transaction; afterwards transactions can write as before."""
    with pytest.raises(OptionError, match=r"rows\(\) only reads: change things in a transaction\(\)"):
        db.rows(query)
    assert db.rows("SELECT sku, pieces FROM stock WHERE sku = ?", ("A",)) == [("A", 10)]
    sell(db)
    assert pieces(db) == 9


def test_what_is_wrong_with_the_sql_is_said_by_sqlite(db: SqlDatabase) -> None:
    """It names the place better than anybody else could; nothing is left open."""
    with pytest.raises(sqlite3.OperationalError, match="no such column: colour"):
        db.rows("SELECT colour FROM stock")
    with pytest.raises(sqlite3.OperationalError, match='near "SELEC": syntax error'), db.transaction() as sql:
        sql.execute("SELEC * FROM stock")
    sell(db)
    assert pieces(db) == 9


# --- one at a time


def test_in_one_thread_a_second_transaction_is_refused_at_once(db: SqlDatabase) -> None:
    """To wait for itself would take for ever. What is read is what is committed, so that is refused as well."""

    def nest(alone: bool, inside: Callable[[], object]) -> None:
        with db.transaction(alone=alone) as sql:
            sql.execute("UPDATE stock SET pieces = 5")
            inside()

    for inside in (lambda: sell(db), lambda: pieces(db), db.close):
        with pytest.raises(TransactionConflictError, match="another transaction is open here: try again"):
            nest(False, inside)
        with pytest.raises(NestedTransactionError, match="use the one that the handler was given"):
            nest(True, inside)
    assert (pieces(db), db.commits) == (10, 1)


def test_threads_wait_for_one_another(db: SqlDatabase) -> None:
    """No change is lost, and nobody has to try again."""
    with db.transaction() as sql:
        sql.execute("UPDATE stock SET pieces = 400")
    threads = [threading.Thread(target=lambda: [sell(db) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pieces(db) == 200


def test_who_waits_too_long_is_told(tmp_path: Path) -> None:
    """A thread of this program, or another program: both may try again."""
    path = tmp_path / "stock.db"
    db, other = with_stock(path, timeout=0.05), SqlDatabase(path, timeout=0.05)
    told: list[str] = []

    def wait() -> None:
        try:
            sell(db)
        except TransactionConflictError as error:
            told.append(str(error))

    with db.transaction() as sql:
        sql.execute("UPDATE stock SET pieces = 5")
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
        with pytest.raises(
            TransactionConflictError, match=r"another program has held the database for 0\.05 s: try ag"
        ):
            sell(other)
    assert told == ["another transaction has been open for 0.05 s: try again"]
    sell(other)
    assert pieces(db) == pieces(other) == 4


def test_a_commit_that_a_reader_holds_up_is_taken_back(tmp_path: Path) -> None:
    """It may be tried again, and is not half done."""
    path = tmp_path / "stock.db"
    db = with_stock(path, timeout=0.05)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT pieces FROM stock").fetchone() == (10,)
    with pytest.raises(TransactionConflictError):
        sell(db)
    reader.execute("COMMIT")
    reader.close()
    assert pieces(db) == 10
    sell(db)
    assert pieces(db) == 9


def test_two_handlers_of_the_lab_that_sleep_in_a_transaction_take_turns() -> None:
    """The second one is told to try again, and does."""
    db = with_stock()

    async def slow(_: object) -> None:
        with db.transaction() as sql:
            sql.execute("UPDATE stock SET pieces = pieces - 1")
            await sleep(1)

    bus = EventBus()
    bus.subscribe("sold", slow, name="stock", workers=2, retry=Retry(max_attempts=5, backoff=0.5))
    for _ in range(2):
        bus.publish("sold", {})
    bus.run()
    assert [d.outcome for d in bus.trace.deliveries] == ["done", "failed", "failed", "done"]
    assert pieces(db) == 8


def test_a_transaction_over_a_sleep_is_rolled_back_by_a_kill() -> None:
    """The consumer is gone, and the database is free again."""
    db = with_stock()

    async def slow(_: object) -> None:
        with db.transaction() as sql:
            sql.execute("UPDATE stock SET pieces = pieces - 1")
            await sleep(5)

    bus = EventBus(visibility=20)
    stock = bus.subscribe("sold", slow, name="stock")
    bus.publish("sold", {})
    bus.run(until=2)
    stock.kill()
    assert pieces(db) == 10
    stock.restart()
    bus.run()
    assert pieces(db) == 9


# --- the file


def test_a_file_outlives_the_object_and_the_program(tmp_path: Path) -> None:
    """Also a program that ends without a word in the middle of a transaction."""
    path = tmp_path / "stock.db"
    sell(with_stock(path))
    script = (
        "import os, sys; from eda_lab import SqlDatabase\n"
        "db = SqlDatabase(sys.argv[1])\n"
        "with db.transaction() as sql: sql.execute('UPDATE stock SET pieces = pieces - 1')\n"
        "with db.transaction() as sql: sql.execute('UPDATE stock SET pieces = 0'); os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == 9
    assert pieces(SqlDatabase(str(path))) == 8
    assert SqlDatabase(path).path == str(path)


def test_one_in_memory_is_its_objects_alone() -> None:
    """Two of them share nothing."""
    sell(with_stock())
    assert pieces(with_stock()) == 10


def test_a_closed_one_says_so(tmp_path: Path) -> None:
    """To close it twice does no harm; what was committed is there when it is opened again."""
    db = with_stock(tmp_path / "stock.db")
    db.close()
    db.close()
    for use in (lambda: sell(db), lambda: pieces(db)):
        with pytest.raises(EdaLabError, match=r"is closed: open it again with SqlDatabase\(path\)"):
            use()
    assert pieces(SqlDatabase(tmp_path / "stock.db")) == 10


@pytest.mark.parametrize("path", [5, b"stock.db", ["a"], "", ":memory:", "a\0b", True])
def test_a_path_is_that_of_a_file(path: Any) -> None:
    """What SQLite would take for something else is refused."""
    with pytest.raises(OptionError, match="give the path of a file, or nothing for a database in memory"):
        SqlDatabase(path)


def test_where_there_can_be_no_database_it_says_why(tmp_path: Path) -> None:
    """A folder, a folder that is not there, a file of another kind, a damaged one: the file stays as it was."""
    text = tmp_path / "letter.txt"
    text.write_text("Dear customer, " * 1000, encoding="utf-8")
    damaged = tmp_path / "damaged.db"
    with_stock(damaged).close()
    content = bytearray(damaged.read_bytes())
    content[100:4096] = b"\xff" * (4096 - 100)
    damaged.write_bytes(content)
    for path, what in (
        (tmp_path, "this is a folder: give the path of a file"),
        (tmp_path / "none" / "stock.db", "its folder does not exist: make it first"),
        (text, "this file is no SQLite database: give another path"),
    ):
        with pytest.raises(OptionError, match=what) as caught:
            SqlDatabase(path)
        assert caught.value.option == "path"
    with pytest.raises(OptionError, match="this database is damaged: restore the file from a copy"):
        pieces(SqlDatabase(damaged))
    assert text.read_text(encoding="utf-8").startswith("Dear customer")
    assert damaged.read_bytes() == content


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    """SQLite's own words for it; the rest of the transaction is taken back, and what was there is there."""
    db = with_stock(tmp_path / "stock.db")
    db.rows("PRAGMA max_page_count = 5")

    def fill() -> None:
        with db.transaction() as sql:
            sql.execute("UPDATE stock SET pieces = 0")
            sql.execute("CREATE TABLE letters (text TEXT)")
            sql.execute("INSERT INTO letters VALUES (?)", ("x" * 100_000,))

    with pytest.raises(sqlite3.OperationalError, match="database or disk is full"):
        fill()
    assert pieces(db) == 10
    sell(db)
    assert pieces(db) == 9


READ_ONLY = """
import os, sqlite3, sys
from eda_lab import SqlDatabase
if os.getuid() == 0:
    os.setuid(65534)
db = SqlDatabase(sys.argv[1])
print(db.rows("SELECT pieces FROM stock"))
try:
    with db.transaction() as sql:
        sql.execute("UPDATE stock SET pieces = 0")
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_file_that_may_only_be_read_can_be_read() -> None:
    """SQLite says what is the matter with a change. As root nothing is read only, so another user tries it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stock.db"
        with_stock(path).close()
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        run = subprocess.run([sys.executable, "-c", READ_ONLY, str(path)], capture_output=True, text=True, check=False)
        Path(folder).chmod(0o700)
        assert run.stdout.splitlines()[:1] == ["[(10,)]"], run.stderr
        assert "attempt to write a readonly database" in run.stdout
        assert pieces(SqlDatabase(path)) == 10


def test_what_is_down_begins_no_transaction(db: SqlDatabase) -> None:
    """What was committed can still be looked at, from the outside."""
    db.down = True
    with pytest.raises(ConnectionError, match="the database is down"):
        sell(db)
    assert pieces(db) == 10
    db.down = False
    sell(db)
    assert pieces(db) == 9


@pytest.mark.parametrize("timeout", [-1, "5", None, float("nan"), float("inf"), True])
def test_a_timeout_is_a_number_of_seconds(timeout: Any) -> None:
    """The error names the option."""
    with pytest.raises(OptionError, match=r"^timeout="):
        SqlDatabase(timeout=timeout)


def test_a_wait_may_be_as_long_as_anybody_likes() -> None:
    """It is cut to what SQLite can count."""
    assert pieces(with_stock(timeout=1e12)) == 10
    assert pieces(with_stock(timeout=0)) == 10


def test_sqlite_is_loaded_when_it_is_needed() -> None:
    """Not by those who only import the names."""
    script = (
        "import sys; from eda_lab import Inbox, Outbox, SqlDatabase; print('sqlite3' in sys.modules); SqlDatabase()"
    )
    script += "; print('sqlite3' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "True"]


def test_it_shows_where_it_is(tmp_path: Path) -> None:
    """No memory address, so a notebook that shows it is the same on each run."""
    assert repr(with_stock()) == "<SqlDatabase in memory; commits: 1>"
    assert repr(SqlDatabase(tmp_path / "a.db")) == f"<SqlDatabase {tmp_path / 'a.db'}; commits: 0>"
