"""What the event store costs, beside plain SQLite, a bare disk and the `eventsourcing` library. It prints tables.

    uv run --group bench python tests/benchmarks/bench_store.py [--quick] [--only SECTION] [--folder FOLDER]

It writes into a folder that it makes in FOLDER (which should be on a real disk) and takes away again. The cases of a
section take turns, as in `bench_bus`, so that a slow moment of the machine or of the disk falls on all of them alike.
"""

import argparse
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from bench_bus import Case, compared, interleaved, judged, timed
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import StoredEvent

from eda_lab import Event, EventStore
from eda_lab.store.file_format import SCHEMA
from eda_lab.store.rows import COLUMNS
from eda_lab.table import Table


@dataclass(frozen=True)
class Sizes:
    """How much work a run does."""

    rounds: int = 21
    appends: int = 60
    batches: int = 4
    events: int = 100_000
    stream: int = 1_000
    growth: tuple[int, ...] = (10_000, 100_000, 1_000_000)


QUICK = Sizes(rounds=2, appends=3, batches=1, events=400, stream=20, growth=(200, 400, 800))


class OrderLine(msgspec.Struct, frozen=True):
    """A part of an order."""

    sku: str
    quantity: int
    unit_price_cents: int


class OrderTaken(Event):
    """What is appended: some 200 bytes as JSON."""

    order_id: str
    customer_id: str
    items: tuple[OrderLine, ...]
    taken_at: float


def order(number: int) -> OrderTaken:
    """Return one of many different events."""
    lines = tuple(OrderLine(f"PROD{number % 97 + k}", k + 1, 1_999 + number % 1_000) for k in range(2))
    return OrderTaken(f"{number:08d}", f"USER{number % 1_000:04d}", lines, 1_700_000_000.5 + number)


ORDERS = [order(number) for number in range(1_000)]
BYTES = [msgspec.json.encode(each) for each in ORDERS]
TEXTS = [each.decode() for each in BYTES]
ENTRY = f"INSERT INTO events ({COLUMNS}, checksum) VALUES ({', '.join('?' * 13)})"
SLIM = """CREATE TABLE slim (
    position INTEGER PRIMARY KEY, stream TEXT, version INTEGER, data TEXT, UNIQUE (stream, version))"""
SLIM_ENTRY = "INSERT INTO slim (stream, version, data) VALUES (?, ?, ?)"


class OrderAggregate(Aggregate):
    """The same events in the words of the `eventsourcing` library."""

    @event("Placed")
    def __init__(self, order_id: str, customer_id: str, items: Any, taken_at: float) -> None:
        self.count = 0

    @event("Noted")
    def note(self, order_id: str, customer_id: str, items: Any, taken_at: float) -> None:
        """Take one more event in."""
        self.count += 1


def fields(number: int) -> tuple[Any, ...]:
    """Return an event's values as that library writes them."""
    items = [{"sku": line.sku, "quantity": line.quantity} for line in ORDERS[number % 1_000].items]
    taken = ORDERS[number % 1_000]
    return taken.order_id, taken.customer_id, items, taken.taken_at


class Contestants:
    """One store of each kind in a folder, and what appends to it: event after event, or in batches."""

    def __init__(self, folder: Path) -> None:
        self.ids = [uuid.uuid5(uuid.NAMESPACE_URL, f"order-{number}") for number in range(100)]
        self.store = EventStore(folder / "ours.db")
        self.raw, self.slim = raw_store(folder / "raw.db"), raw_store(folder / "slim.db")
        self.file = os.open(folder / "floor.bin", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self.application: Application[Any] = Application(
            env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(folder / "theirs.db")}
        )
        self.last: dict[tuple[str, int], int] = {}

    def close(self) -> None:
        """Close them all."""
        self.store.close()
        self.raw.close()
        self.slim.close()
        self.application.close()
        os.close(self.file)

    def floor(self, appends: int, batch: int) -> None:
        """Write bytes and wait until they are on disk: no log can do with less."""
        for number in range(appends):
            os.write(self.file, b"".join(BYTES[(number + k) % 1_000] for k in range(batch)))
            os.fdatasync(self.file)

    def ours(self, appends: int, batch: int) -> None:
        """Append to an `EventStore`, at whatever version."""
        append = self.store.append
        for number in range(appends):
            append(f"order-{number % 100}", ORDERS[number % 1_000] if batch == 1 else ORDERS[:batch])

    def plain(self, appends: int, batch: int) -> None:
        """Insert rows that are ready into the same table."""
        rest = ("store", None, None, None, 1, None, 7)
        for number in range(appends):
            versions, stream = self.versions("raw", number, batch), f"order-{number % 100}"
            rows = [(stream, v, "order_taken", TEXTS[v % 1_000], 0.0, f"{stream}-{v}", *rest) for v in versions]
            insert(self.raw, ENTRY, rows)

    def least(self, appends: int, batch: int) -> None:
        """Insert rows into a table that has nothing but stream, version and data."""
        for number in range(appends):
            versions, stream = self.versions("slim", number, batch), f"order-{number % 100}"
            insert(self.slim, SLIM_ENTRY, [(stream, v, TEXTS[v % 1_000]) for v in versions])

    def theirs(self, appends: int, batch: int) -> None:
        """Give bytes that are ready to the recorder of `eventsourcing`."""
        for number in range(appends):
            versions, stream = self.versions("theirs", number, batch), self.ids[number % 100]
            events = [StoredEvent(stream, v, "shop:Noted", BYTES[v % 1_000]) for v in versions]
            self.application.recorder.insert_events(events)

    def versions(self, who: str, number: int, batch: int) -> range:
        """Return the next versions of a stream of somebody who does not look them up."""
        last = self.last.get((who, number % 100), 0)
        self.last[who, number % 100] = last + batch
        return range(last + 1, last + batch + 1)

    def cases(self, appends: int, batch: int) -> dict[str, Case]:
        """Return what to measure for batches of a size."""
        works = {
            "fdatasync": self.floor,
            "raw sqlite3": self.plain,
            "raw sqlite3, slim table": self.least,
            "EventStore": self.ours,
            "eventsourcing recorder": self.theirs,
        }
        return {name: timed("work(n, batch)", work=work, n=appends, batch=batch) for name, work in works.items()}


def raw_store(path: Path) -> sqlite3.Connection:
    """Return a database with the store's own table, and with a slim one, as durable as the store."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", SCHEMA["events"], SLIM):
        connection.execute(statement)
    return connection


def insert(connection: sqlite3.Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows in one transaction."""
    if len(rows) == 1:
        connection.execute(statement, rows[0])
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(statement, rows)
    connection.execute("COMMIT")


def single(sizes: Sizes, folder: Path) -> Iterator[object]:
    """Append one event in one durable transaction, over and over."""
    yield from appending("single", sizes, folder, sizes.appends, 1, (1.35, 0.9, None))


def batches(sizes: Sizes, folder: Path) -> Iterator[object]:
    """Append a hundred or a thousand events in one durable transaction."""
    yield from appending("batch-100", sizes, folder, sizes.batches * 4, 100, (None, None, None))
    yield ""
    yield from appending("batch-1000", sizes, folder, sizes.batches, 1_000, (None, None, 1.3))


def appending(
    title: str, sizes: Sizes, folder: Path, appends: int, batch: int, bounds: tuple[float | None, ...]
) -> Iterator[object]:
    """Compare the contestants at one size of batch."""
    place = folder / title
    place.mkdir()
    with ExitStack() as stack:
        contestants = Contestants(place)
        stack.callback(contestants.close)
        times = interleaved(contestants.cases(appends, batch), sizes.rounds)
        assert contestants.store.verify() == (sizes.rounds + 1) * appends * batch
    over_floor, over_theirs, over_raw = bounds
    pairs = [
        ("EventStore", "fdatasync", over_floor),
        ("EventStore", "eventsourcing recorder", over_theirs),
        ("EventStore", "raw sqlite3", over_raw),
        ("EventStore", "raw sqlite3, slim table", None),
        *((name, "fdatasync", None) for name in times if name not in ("EventStore", "fdatasync")),
    ]
    yield compared(f"{title}: {appends} durable appends of {batch:,}", times, "us/event", 1e6 / appends / batch, pairs)


def fill(store: EventStore, events: int, streams: int) -> None:
    """Fill a store with streams that grow side by side, as those of a shop do."""
    size = -(-events // streams)
    for first in range(0, size, 50):
        for stream in range(streams):
            store.append(f"order-{stream}", [ORDERS[n % 1_000] for n in range(first, min(first + 50, size))])


def filled_application(folder: Path, events: int, stream: int) -> tuple[Any, Any]:
    """Return a store of the other library with as many events, and the id of one aggregate in it."""
    env = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(folder / "filled.db")}
    application: Application[Any] = Application(env=env)
    aggregates = [OrderAggregate(*fields(0)) for _ in range(-(-events // stream))]
    for aggregate in aggregates:
        for number in range(1, stream):
            aggregate.note(*fields(number))
        application.save(aggregate)
    return application, aggregates[0].id


def reading(sizes: Sizes, folder: Path) -> Iterator[object]:
    """Read a whole store, and one stream of it."""
    count = sizes.events
    with ExitStack() as stack:
        store = stack.enter_context(EventStore(folder / "filled-ours.db", synchronous="NORMAL"))
        fill(store, count, count // sizes.stream)
        application, aggregate = filled_application(folder, count, sizes.stream)
        stack.callback(application.close)
        raw = sqlite3.connect(folder / "filled-ours.db")
        stack.callback(raw.close)
        recorder, mapper = application.recorder, application.mapper
        everything = f"SELECT position, {COLUMNS} FROM events ORDER BY position"

        def count_of(messages: Iterator[Any]) -> int:
            return sum(1 for _ in messages)

        replays: dict[str, Callable[[], int]] = {
            "raw SELECT": lambda: count_of(raw.execute(everything)),
            "EventStore": lambda: count_of(store.read_all()),
            "eventsourcing": lambda: count_of(map(mapper.to_domain_event, recorder.select_notifications(1, count))),
            "its recorder alone": lambda: len(recorder.select_notifications(1, count)),
        }
        assert {name: replay() for name, replay in replays.items()} == dict.fromkeys(replays, count)
        cases = {name: timed("replay()", replay=replay) for name, replay in replays.items()}
        pairs = [
            ("EventStore", "raw SELECT", 2.0),
            ("EventStore", "eventsourcing", 0.35),
            ("EventStore", "its recorder alone", None),
            ("raw SELECT", "raw SELECT", None),
            ("eventsourcing", "raw SELECT", None),
        ]
        times = interleaved(cases, min(sizes.rounds, 7))
        yield compared(f"replay: {count:,} events, each read back as its class", times, "us/event", 1e6 / count, pairs)
        yield ""
        one, size = f"SELECT {COLUMNS} FROM events WHERE stream = ? ORDER BY version", sizes.stream
        store.save_snapshot("order-0", size - 10, {"count": size - 10})

        def from_snapshot() -> int:
            snapshot = store.load_snapshot("order-0")
            assert snapshot is not None
            return int(snapshot.version) + count_of(store.read("order-0", snapshot.version + 1))

        loads: dict[str, Callable[[], int]] = {
            "raw SELECT": lambda: count_of(raw.execute(one, ("order-0",))),
            "EventStore": lambda: count_of(store.read("order-0")),
            "EventStore, snapshot": from_snapshot,
            "eventsourcing": lambda: int(application.repository.get(aggregate).version),
        }
        assert {name: load() for name, load in loads.items()} == dict.fromkeys(loads, size)
        cases = {name: timed("load()", number=5, load=load) for name, load in loads.items()}
        pairs = [
            ("EventStore", "eventsourcing", 0.15),
            ("EventStore, snapshot", "EventStore", None),
            ("EventStore", "raw SELECT", None),
            ("eventsourcing", "eventsourcing", None),
        ]
        title = f"stream: load one of {size:,} events; the snapshot is 10 events old"
        yield compared(title, interleaved(cases, sizes.rounds), "us", 1e6 / 5, pairs)


def growth(sizes: Sizes, folder: Path) -> Iterator[object]:
    """Let a store grow a hundredfold, and see what becomes slower."""
    numbers: dict[str, list[float]] = {}
    for events in sizes.growth:
        path = folder / f"{events}.db"
        with EventStore(path, synchronous="NORMAL") as store:
            fill(store, events, events // 100)
            path_of = f"order-{events // 200}"
            works: dict[str, tuple[Callable[[], object], float]] = {
                "replay, us/event": (lambda s=store: sum(1 for _ in s.read_all()), 1e6 / events),
                "stream of 100, us": (lambda s=store, name=path_of: len(list(s.read(name))), 1e6),
                "last 100, us": (lambda s=store, n=events: len(list(s.read_all(n - 99))), 1e6),
                "append, us": (lambda s=store: s.append("new", ORDERS[0]), 1e6),
                "version, us": (lambda s=store, name=path_of: s.version(name), 1e6),
            }
            for name, (work, scale) in works.items():
                turns = 3 if name.startswith("replay") else min(100, sizes.rounds * 5)
                numbers.setdefault(name, []).append(best(work, turns) * scale)
        numbers.setdefault("reopen, us", []).append(best(lambda p=path: EventStore(p).close(), 9) * 1e6)
        numbers.setdefault("bytes per event", []).append(path.stat().st_size / events)
    bounds = {"replay, us/event": 1.2, "reopen, us": 1.2}
    rows = []
    for name, values in numbers.items():
        ratio = judged(values[-1] / values[0], bounds.get(name))
        rows.append((name, *(f"{value:,.1f}" for value in values), *ratio))
    columns = ["", *(f"{events:,}" for events in sizes.growth), "last / first", "bound", " "]
    yield Table(columns, rows, "## growth: streams of 100 events, by the number of events in the store")


def best(work: Callable[[], object], turns: int) -> float:
    """Return the median of the seconds that something takes, after a first time that does not count."""
    case = timed("work()", work=work)
    return median([case() for _ in range(turns + 1)][1:])


SECTIONS = {"single": single, "batches": batches, "reading": reading, "growth": growth}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all sections, or one, and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything runs")
    parser.add_argument("--only", choices=SECTIONS, help="run one section")
    parser.add_argument(
        "--folder", help="where to make the folder for the stores; by default, where temporary files go"
    )
    options = parser.parse_args(arguments)
    if options.quick:
        print("tiny sizes: whether everything runs is all that these numbers say\n")
    for name, section in SECTIONS.items():
        if options.only in (None, name):
            with TemporaryDirectory(dir=options.folder) as folder:
                for shown in section(QUICK if options.quick else Sizes(), Path(folder)):
                    print(shown, flush=True)
            print()


if __name__ == "__main__":
    main()
