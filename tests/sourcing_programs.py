"""Programs that keep a read model and are killed, or that change the same thing at once; the tests run them."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from store_writers import forked

from eda_lab import Event, EventStore, Projection, Repository, SqlDatabase

FILES = 8  # of which each event adds to one: so a read model shows what was left out, and what was counted twice
EVENTS = 400


class BoxMoved(Event):
    """What the events of this file are about."""

    number: int


def boxes_in(db: SqlDatabase, version: int = 1) -> Projection:
    """Return a projection that counts boxes, and adds up their numbers, in two tables."""
    create = ["CREATE TABLE counts (file INTEGER PRIMARY KEY, boxes INTEGER)", "CREATE TABLE sums (total INTEGER)"]
    boxes = Projection("boxes", db, create, version=version, batch=5)

    @boxes.on(BoxMoved)
    def count(event: BoxMoved, sql: object) -> None:
        more = "INSERT INTO counts VALUES (?, 1) ON CONFLICT (file) DO UPDATE SET boxes = boxes + 1"
        sql.execute(more, (event.number % FILES,))  # type: ignore[attr-defined]
        if not sql.execute("SELECT 1 FROM sums").fetchone():  # type: ignore[attr-defined]
            sql.execute("INSERT INTO sums VALUES (0)")  # type: ignore[attr-defined]
        sql.execute("UPDATE sums SET total = total + ?", (event.number,))  # type: ignore[attr-defined]

    return boxes


def check(path: Path) -> int:
    """Hold a read model against its checkpoint; return its position."""
    db = SqlDatabase(path)
    position = boxes_in(db).position
    if position or db.rows("SELECT 1 FROM sqlite_master WHERE name = 'sums'"):
        numbers = range(1, position + 1)
        counts = {file: sum(number % FILES == file for number in numbers) for file in range(FILES)}
        assert dict(db.rows("SELECT file, boxes FROM counts")) == {f: n for f, n in counts.items() if n}
        assert db.rows("SELECT total FROM sums") == ([(sum(numbers),)] if position else [])
    db.close()
    return position


def project_for_ever(store_path: Path, path: Path, version: int) -> None:
    """Read all there is, and build the read model anew, again and again."""
    with EventStore(store_path) as store:
        boxes = boxes_in(SqlDatabase(path), version)
        while True:
            if boxes.run(store) == 0:
                boxes.rebuild(store)


def kill_many(folder: Path, kills: int) -> None:
    """Kill a projector at random moments; print how often, at how many places, and how often it came to the end."""
    chance = random.Random("projectors")
    path, store_path = folder / "read.db", folder / "store.db"
    with EventStore(store_path, synchronous="NORMAL") as store:
        store.append("boxes", [BoxMoved(number) for number in range(1, EVENTS + 1)])
    places, complete = set(), 0
    for _ in range(kills):
        pid = forked(lambda: project_for_ever(store_path, path, 1))
        time.sleep(0.01 + 0.1 * chance.random())
        os.kill(pid, signal.SIGKILL)
        assert os.waitpid(pid, 0)[1] == signal.SIGKILL, "it ended before it was killed"
        position = check(path)
        places.add(position)
        if position == EVENTS and chance.random() < 0.6:
            complete += 1
            for left in folder.glob("read.db*"):
                left.unlink()
    print(kills, len(places), complete)


def write(path: Path, each: int) -> None:
    """Change a shared thing, so many times, by a decision upon what is there; print how many had to be made again."""
    again = 0

    def decide(number: int, state: tuple[int, int]) -> BoxMoved:
        time.sleep(0.001)  # time for somebody else to be quicker
        return BoxMoved(state[0] + 1)

    def evolve(state: tuple[int, int], event: BoxMoved) -> tuple[int, int]:
        return state[0] + 1, event.number

    with EventStore(path) as store:
        boxes = Repository(store, decide, evolve, (0, 0), snapshot_every=10, state_type=tuple[int, int])
        for number in range(each):
            handled = boxes.handle("shared", number, retries=10_000)
            assert handled.state == (handled.version, handled.version)
            again += handled.attempts - 1
    os.write(1, f"{again}\n".encode())


def crowd(path: Path, writers: int, each: int) -> None:
    """Let many change the same thing at once; print their exit codes."""
    waiting, starting = os.pipe()

    def work() -> None:
        os.close(starting)
        os.read(waiting, 1)  # until all are there
        write(path, each)

    pids = [forked(work) for _ in range(writers)]
    os.close(starting)
    print(*(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids))


if __name__ == "__main__":
    what, where, *numbers = sys.argv[1:]
    {"kill_many": kill_many, "crowd": crowd}[what](Path(where), *map(int, numbers))
