"""Read models survive kill -9, and nobody's change is lost. The programs are in `sourcing_programs.py`."""

import subprocess
import sys
from pathlib import Path

import pytest

from eda_lab import EventStore

PROGRAMS = Path(__file__).parent / "sourcing_programs.py"


def program(*arguments: object) -> list[int]:
    """Run one of the programs, and return the numbers that it prints."""
    command = [sys.executable, PROGRAMS, *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (run.returncode, run.stderr) == (0, "")
    return [int(number) for number in run.stdout.split()]


def test_a_read_model_that_is_killed_counts_nothing_twice_and_leaves_nothing_out(tmp_path: Path) -> None:
    """60 times kill -9, while it makes its tables, catches up, or is swapped: it agrees with its checkpoint."""
    kills, places, complete = program("kill_many", tmp_path, 60)
    assert kills == 60
    assert places > 10
    assert complete > 0


@pytest.mark.parametrize("writers", [2, 8])
def test_processes_that_change_the_same_thing_lose_nothing(tmp_path: Path, writers: int) -> None:
    """Each event was decided upon the one before it, whoever has written that."""
    each = 40
    path = tmp_path / "store.db"
    EventStore(path).close()
    printed = program("crowd", path, writers, each)
    again, codes = printed[:writers], printed[writers:]
    assert codes == [0] * writers
    assert sum(again) > 0, "they have not met"
    with EventStore(path) as store:
        numbers = [message.data["number"] for message in store.read("shared", plain=True)]
        assert numbers == list(range(1, writers * each + 1))
        assert store.verify() == writers * each
