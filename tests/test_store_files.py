"""Files that are no store, or no longer: each gets one clear line, and nothing in it is lost or changed."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eda_lab import Event, EventStore, Message
from eda_lab.errors import OptionError
from eda_lab.handlers import LabWarning
from eda_lab.store.errors import StoreBusyError, StoreClosedError, StoreDamagedError, StoreError, StoreFileError
from eda_lab.store.file_format import SCHEMA_VERSION

WRITERS = Path(__file__).parent / "store_writers.py"


class PageTurned(Event):
    page: int
    words: str = ""


def filled(path: Path, pages: int = 40, words: str = "word " * 20) -> list[Message]:
    """Make a store with two streams and a snapshot, and return what is in it."""
    with EventStore(path, synchronous="NORMAL") as store:
        for page in range(1, pages + 1):
            store.append("odd" if page % 2 else "even", PageTurned(page, words))
        store.save_snapshot("odd", 1, {"pages": [1], "words": words})
        return list(store.read_all())


def raw(path: Path, statement: str) -> list[tuple[object, ...]]:
    """Do something to a file behind the store's back."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@contextmanager
def powerless() -> Iterator[None]:
    """Give up the rights of root, before which no file is read-only, if these tests run as root."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that everybody may look into, as pytest's own is not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def test_a_store_on_disk_is_there_again(tmp_path: Path) -> None:
    """Closed and opened, moved, opened by a relative path: the same events."""
    path = tmp_path / "a store.db"
    before = filled(path)
    with EventStore(str(path)) as store:
        assert list(store.read_all()) == before
        assert store.load_snapshot("odd").state["pages"] == [1]
    moved = path.rename(tmp_path / "moved.db")
    with EventStore(os.path.relpath(moved)) as store:
        assert list(store.read_all()) == before
        assert store.append("odd", PageTurned(41)) == 21
    assert [file.name for file in tmp_path.iterdir()] == ["moved.db"], "a closed store is one file"


def test_its_table_is_for_reading_with_plain_sql(tmp_path: Path) -> None:
    """A learner opens the file with any SQLite browser, also while the store is open."""
    with EventStore(tmp_path / "x.db") as store:
        store.append("order-12345", PageTurned(1, "tea"))
        rows = raw(tmp_path / "x.db", "SELECT position, stream, version, type, data FROM events")
        assert rows == [(1, "order-12345", 1, "page_turned", '{"page":1,"words":"tea"}')]
        assert raw(tmp_path / "x.db", "PRAGMA journal_mode") == [("wal",)]


def test_two_stores_on_one_file_in_one_program(tmp_path: Path) -> None:
    """Each sees at once what the other has appended, and both may write."""
    with EventStore(tmp_path / "x.db") as one, EventStore(tmp_path / "x.db") as other:
        for number in range(1, 6):
            assert one.append("odd", PageTurned(number)) == 2 * number - 1
            assert other.append("odd", PageTurned(number), 2 * number - 1) == 2 * number
        one.close()
        assert other.append("odd", PageTurned(6)) == 11
        assert other.verify() == 11


@pytest.mark.parametrize("path", ["", ":memory:", "file:x.db?mode=memory", 5, b"x.db", True])
def test_what_is_no_path_is_an_option_that_cannot_be_used(path: object) -> None:
    """SQLite's own names for other things are no files here."""
    with pytest.raises(OptionError, match=r"^path="):
        EventStore(path)


@pytest.mark.parametrize("name", ["x\0.db", "a" * 300, "nowhere/x.db", "."])
def test_a_path_that_no_file_can_have_gets_a_clear_error(tmp_path: Path, name: str) -> None:
    """Whether the name is impossible, the folder is missing, or the path is a folder itself."""
    with pytest.raises(StoreFileError) as caught:
        EventStore(tmp_path / name)
    assert caught.value.path == str(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_device_is_no_file() -> None:
    """Nor would reading from it come to an end."""
    with pytest.raises(StoreFileError, match="this is no plain file"):
        EventStore("/dev/zero")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x", "no SQLite database"),
        (b'{"order_id": "12345"}\n' * 1_000, "no SQLite database"),
        (b"SQLite format 2\0" + b"\0" * 4_000, "no SQLite database"),
        (b"SQLite format 3\0", "damaged: it ends after 16 bytes"),
        (b"SQLite format 3\0" + b"\xff" * 5_000, "damaged"),
        (b"SQLite format 3\0" + b"\0" * 5_000, "damaged"),
    ],
)
def test_a_file_that_is_no_database_stays_as_it_is(tmp_path: Path, content: bytes, said: str) -> None:
    """Somebody's notes, opened by mistake."""
    (tmp_path / "notes.txt").write_bytes(content)
    with pytest.raises(StoreFileError, match=said) as caught:
        EventStore(tmp_path / "notes.txt")
    assert caught.value.path == str(tmp_path / "notes.txt")
    assert contents(tmp_path) == {"notes.txt": content}


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    """As `tempfile` makes them; but not one that has lost everything but its write-ahead log."""
    path = tmp_path / "x.db"
    path.touch()
    assert len(filled(path)) == 40
    path.write_bytes(b"")
    (tmp_path / "x.db-wal").write_bytes(b"something")
    with pytest.raises(StoreDamagedError, match="it is empty, but there is a write-ahead log to it"):
        EventStore(path)
    assert (tmp_path / "x.db-wal").read_bytes() == b"something"


def test_the_database_of_something_else_stays_as_it_is(tmp_path: Path) -> None:
    """A table that happens to be called events makes no store."""
    path = tmp_path / "x.db"
    raw(path, "CREATE TABLE events (position INTEGER PRIMARY KEY, data TEXT)")
    before = contents(tmp_path)
    with pytest.raises(StoreFileError, match="this database is no event store"):
        EventStore(path)
    assert contents(tmp_path) == before


def test_a_newer_store_is_left_to_newer_programs(tmp_path: Path) -> None:
    """It says so, and does not guess."""
    path = tmp_path / "x.db"
    filled(path)
    raw(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = contents(tmp_path)
    with pytest.raises(StoreFileError, match=f"it has format {SCHEMA_VERSION + 1}, .*: use a newer eda_lab"):
        EventStore(path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE snapshots",
        "ALTER TABLE events ADD COLUMN mood TEXT",
        "CREATE INDEX x ON events (time)",
        "PRAGMA user_version = 0",
    ],
)
def test_a_store_that_somebody_has_rebuilt_is_told(tmp_path: Path, statement: str) -> None:
    """It would not do what is promised here."""
    path = tmp_path / "x.db"
    filled(path)
    raw(path, statement)
    with pytest.raises(StoreDamagedError, match="its tables are not those of a store"):
        EventStore(path)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM events WHERE position = 7", "position 8 follows on position 6"),
        ("DELETE FROM events WHERE position = 1", "stream 'odd' has 19 events, with versions from 2 to 20"),
        (
            "UPDATE events SET version = 99 WHERE position = 40",
            "stream 'even' has 20 events, with versions from 1 to 99",
        ),
        ("UPDATE events SET data = replace(data, '5', '6') WHERE position = 5", "event at position 5 is not what was"),
        ("UPDATE events SET time = 1.0 WHERE position = 5", "event at position 5 is not what was written"),
        ("UPDATE events SET data = x'ff' WHERE position = 5", "event at position 5 is not what was written"),
        ("UPDATE events SET source = 'x' WHERE position = 5", "event at position 5 is not what was written"),
        ("UPDATE events SET id = 'odd-1' WHERE position = 5", "2 events have the id 'odd-1' of 'store'"),
        ("UPDATE events SET subject = 'x' WHERE position = 5", "event at position 5 is not what was written"),
        ("UPDATE events SET checksum = 'x' WHERE position = 5", "event at position 5 is not what was written"),
        ("UPDATE events SET type = CAST(x'ff' AS TEXT) WHERE position = 5", "decode to UTF-8"),
        ("UPDATE snapshots SET version = 21", "a snapshot of version 21, and no such event"),
        ("UPDATE snapshots SET stream = 'none'", "stream 'none' has a snapshot of version 1, and no such event"),
        ("UPDATE snapshots SET state = '{'", "the snapshot of stream 'odd' is no JSON"),
    ],
)
def test_verify_finds_what_somebody_has_changed(tmp_path: Path, statement: str, said: str) -> None:
    """Behind the store's back, with plain SQL."""
    path = tmp_path / "x.db"
    filled(path)
    with EventStore(path) as store:
        assert store.verify() == 40
        raw(path, statement)
        with pytest.raises(StoreDamagedError) as caught:
            store.verify()
        assert any(said in problem for problem in caught.value.problems)
        assert caught.value.path == str(path)


def test_a_truncated_file_is_told_wherever_it_was_cut(tmp_path: Path) -> None:
    """And stays as it is: what is left may still be rescued."""
    path = tmp_path / "x.db"
    filled(path)
    whole = path.read_bytes()
    for size in (1, 15, 16, 99, 100, 511, 512, 4_095, 4_096, 8_191, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(StoreFileError):
            EventStore(path)
        assert contents(tmp_path) == {"x.db": whole[:size]}


def test_no_flipped_byte_goes_unnoticed(tmp_path: Path) -> None:
    """Anywhere in the file: either a clear error comes, or what is read is what was written."""
    original, path = tmp_path / "original.db", tmp_path / "x.db"
    before = filled(original, pages=60)
    whole = original.read_bytes()
    rng = random.Random("flipped bytes")
    places = [*range(100), *(rng.randrange(100, len(whole)) for _ in range(300))]
    noticed = 0
    for place in places:
        for leftover in tmp_path.glob("x.db*"):
            leftover.unlink()
        flipped = whole[place] ^ rng.choice([1, 16, 128, 255])
        path.write_bytes(whole[:place] + bytes([flipped]) + whole[place + 1 :])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", LabWarning)
                store = EventStore(path, timeout=0.2)
            with store:
                store.verify()
                assert list(store.read_all()) == before, f"byte {place} changed what is read"
                assert store.load_snapshot("odd").state["pages"] == [1]
        except StoreError:
            noticed += 1
    assert noticed > len(places) / 4


def test_a_damaged_page_is_a_clear_error_for_who_reads(tmp_path: Path) -> None:
    """What can still be read before it is read."""
    path = tmp_path / "x.db"
    filled(path, 400)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * 20_000)
    with EventStore(path) as store:
        pages: list[int] = []
        with pytest.raises(StoreDamagedError):
            pages.extend(message.data.page for message in store.read_all())
        with pytest.raises(StoreDamagedError):
            store.verify()
    assert pages == list(range(1, len(pages) + 1))


def test_a_full_disk_takes_nothing_away(tmp_path: Path) -> None:
    """The append that does not fit is not there at all; with room it is as if nothing had been."""
    with EventStore(tmp_path / "x.db") as store:
        store.append("odd", PageTurned(1))
        store._file._writer.execute("PRAGMA max_page_count = 30")
        returned = []
        with pytest.raises(StoreFileError, match="the disk is full: nothing of this was written") as caught:
            returned.extend(store.append("odd", [PageTurned(page, "x" * 1_000)] * 2) for page in range(2, 100))
        assert not isinstance(caught.value, StoreDamagedError)
        appended = returned[-1]
        assert returned == list(range(3, appended + 1, 2))
        assert store.version("odd") == appended == store.verify()
        with pytest.raises(StoreFileError, match="the disk is full"):
            store.append("even", [PageTurned(1, "x" * 3_000)] * 100)
        store._file._writer.execute("PRAGMA max_page_count = 1000000")
        assert store.append("odd", PageTurned(appended + 1), appended) == appended + 1
        assert store.verify() == appended + 1


def test_a_file_that_may_not_be_written_is_told_at_once(open_folder: Path) -> None:
    """Whether it is the file or its folder: before anything is appended."""
    path = open_folder / "x.db"
    before = filled(path)
    path.chmod(0o444)
    with powerless(), pytest.raises(StoreFileError, match=r"'x.db': it cannot be written to: copy it"):
        EventStore(path)
    path.chmod(0o666)
    open_folder.chmod(0o555)
    with powerless(), pytest.raises(StoreFileError, match=r"x.db': it cannot be "):
        EventStore(path)
    with powerless(), pytest.raises(StoreFileError, match=r"new.db': it cannot be "):
        EventStore(open_folder / "new.db")
    path.chmod(0o000)
    with powerless(), pytest.raises(StoreFileError, match=r"x.db': it cannot be "):
        EventStore(path)
    path.chmod(0o666)
    open_folder.chmod(0o777)
    with powerless(), EventStore(path) as store:
        assert list(store.read_all()) == before


def test_where_there_can_be_no_write_ahead_log_the_store_does_without(tmp_path: Path) -> None:
    """Where its shared memory cannot be made, as on a network drive: one warning, then all works."""
    path = tmp_path / "x.db"
    (tmp_path / "x.db-shm").symlink_to("nowhere/shm")
    with pytest.warns(LabWarning, match="'x.db': no write-ahead log is possible on this file system") as caught:
        before = filled(path)
    assert len(caught) == 1
    assert raw(path, "PRAGMA journal_mode") == [("delete",)]
    with pytest.warns(LabWarning):
        store = EventStore(path)
    with store:
        assert store._file._writer.execute("PRAGMA synchronous").fetchone() == (3,), "EXTRA, which DELETE needs"
        assert list(store.read_all()) == before
        assert store.append("odd", PageTurned(41), 20) == 21
    (tmp_path / "x.db-shm").unlink()
    with EventStore(path) as store:
        assert store.verify() == 41
    assert raw(path, "PRAGMA journal_mode") == [("wal",)], "back where it can be done, it is done"


def test_a_store_that_moves_to_where_there_is_no_write_ahead_log(tmp_path: Path) -> None:
    """It was made with one, and is turned around; somebody else's database is not."""
    path = tmp_path / "x.db"
    before = filled(path)
    foreign = tmp_path / "y.db"
    raw(foreign, "CREATE TABLE notes (text)")
    raw(foreign, "PRAGMA journal_mode = WAL")
    kept = foreign.read_bytes()
    for name in ("x.db-shm", "y.db-shm"):
        (tmp_path / name).symlink_to("nowhere/shm")
    with pytest.warns(LabWarning, match="no write-ahead log"):
        store = EventStore(path)
    with store:
        assert list(store.read_all()) == before
        assert store.append("odd", PageTurned(41), 20) == 21
    with pytest.raises(StoreFileError, match="this database is no event store"):
        EventStore(foreign)
    assert foreign.read_bytes() == kept


@contextmanager
def locked(path: Path, seconds: int) -> Iterator[None]:
    """Let another program hold the lock of a store for some seconds at most."""
    command = [sys.executable, WRITERS, "hold_lock", path, str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            other.kill()


def test_a_writer_waits_for_another_one_and_says_so_when_it_gives_up(tmp_path: Path) -> None:
    """Reading goes on meanwhile, opening too; and once the other one is gone, so does writing."""
    path = tmp_path / "x.db"
    before = filled(path)
    with locked(path, 60), EventStore(path, timeout=0.3) as store:
        begun = time.monotonic()
        with pytest.raises(
            StoreBusyError, match=r"'x.db' was locked by another program for 0.3 s: try again"
        ) as caught:
            store.append("odd", PageTurned(41))
        assert 0.2 < time.monotonic() - begun < 5
        assert (caught.value.path, caught.value.seconds) == (str(path), 0.3)
        assert list(store.read_all()) == before
        with EventStore(path, timeout=0) as hurried, pytest.raises(StoreBusyError):
            hurried.save_snapshot("odd", 2, {})
    with EventStore(path) as store:
        assert store.append("odd", PageTurned(41), 20) == 21


def test_a_writer_that_waits_long_enough_gets_its_turn(tmp_path: Path) -> None:
    """The other one writes for a second, and then is done."""
    path = tmp_path / "x.db"
    filled(path)
    with locked(path, 1), EventStore(path, timeout=60) as store:
        assert store.append("odd", PageTurned(41), 20) == 21


def in_a_fork(work: Callable[[], object]) -> str:
    """Do something in a forked process, and return what it raised."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other tests may have left threads behind
        pid = os.fork()
    if not pid:
        try:
            work()
            os.write(writing, b"nothing")
        except BaseException as error:  # noqa: BLE001 - this process ends here
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        os.waitpid(pid, 0)
        return said.read()


@pytest.mark.parametrize("where", ["memory", "file"])
def test_a_forked_process_opens_the_store_anew(tmp_path: Path, where: str) -> None:
    """SQLite's connections do not survive a fork; the parent's own goes on as if nothing had been."""
    path = None if where == "memory" else tmp_path / "x.db"
    with EventStore(path) as store:
        store.append("odd", PageTurned(1))
        for work in (lambda: store.append("odd", PageTurned(2)), lambda: list(store.read("odd")), store.verify):
            assert in_a_fork(work).startswith("StoreClosedError: this store was opened by another process")
        assert in_a_fork(store.close) == "nothing"
        if path is not None:
            assert in_a_fork(lambda: EventStore(path).append("odd", PageTurned(2), 1)) == "nothing"
        assert store.append("odd", PageTurned(3)) == (2 if path is None else 3)
        assert store.verify() == store.version("odd")


def test_closing_from_another_thread_is_closing(tmp_path: Path) -> None:
    """Whoever reads or writes at that moment finishes first, then is told."""
    store = EventStore(tmp_path / "x.db", synchronous="NORMAL")
    raised: list[BaseException] = []

    def write() -> None:
        try:
            while True:
                store.append("odd", PageTurned(1))
        except BaseException as error:  # noqa: BLE001 - it is looked at below
            raised.append(error)

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    time.sleep(0.1)
    store.close()
    for writer in writers:
        writer.join(20)
    assert [type(error) for error in raised] == [StoreClosedError] * 3
    with EventStore(tmp_path / "x.db") as again:
        assert again.verify() == again.version("odd") > 0
