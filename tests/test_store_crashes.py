"""What was appended stays, whoever is killed and however many write at once. The programs are in `store_writers.py`."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from store_writers import SHARED, CrateMoved, batch

from eda_lab import EventStore

WRITERS = Path(__file__).parent / "store_writers.py"


def program(*arguments: object) -> list[int]:
    """Run one of the programs, and return the numbers that it prints."""
    command = [sys.executable, WRITERS, *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (run.returncode, run.stderr) == (0, "")
    return [int(number) for number in run.stdout.split()]


def test_what_was_acknowledged_survives_kill_9_at_any_moment(tmp_path: Path) -> None:
    """200 writers, killed while they open, make, fill or close a file: all is there, in order, no append by half."""
    rounds, acknowledged = program("kill_many", tmp_path, 200)
    assert rounds == 200
    assert acknowledged >= 20  # or nothing would have been tried; how many there are depends on the machine


def test_many_writers_and_followers_at_once(tmp_path: Path) -> None:
    """Eight processes append to their own and to a shared stream; those who follow miss nothing, nor see it twice."""
    writers, appends, followers = 8, 30, 2
    path = tmp_path / "x.db"
    *codes, total = program("crowd", path, writers, appends, followers)
    assert codes == [0] * (writers + followers)
    with EventStore(path) as store:
        assert store.verify() == store.last_position == total
        assert set(store.streams()) == {SHARED, *(f"writer-{writer}" for writer in range(writers))}
        assert sum(store.streams().values()) == total
        found = [message.data for message in store.read_all()]
    written = [event for w in range(writers) for a in range(1, appends + 1) for event in batch(w, a, a % 3 + 1)]
    assert Counter(found) == Counter(written)
    assert_whole(found)


def assert_whole(found: list[CrateMoved]) -> None:
    """See to it that the events of an append stand together, and those of a writer in the order of its appends."""
    place, last = 0, Counter()
    while place < len(found):
        first = found[place]
        together = [(event.writer, event.append, event.number) for event in found[place : place + first.of]]
        assert together == [(first.writer, first.append, number) for number in range(1, first.of + 1)]
        assert first.append == last[first.writer] + 1
        last[first.writer] = first.append
        place += first.of


def test_two_processes_that_make_the_same_store_make_one(tmp_path: Path) -> None:
    """Many begin at the same moment with a file that is not there yet."""
    for attempt in range(5):
        *codes, total = program("crowd", tmp_path / f"{attempt}.db", 6, 1, 0)
        assert codes == [0] * 6
        with EventStore(tmp_path / f"{attempt}.db") as store:
            assert store.verify() == total
