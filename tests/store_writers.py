"""Programs that write to a store at the same time, or are killed while they do; run by the tests as programs."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from eda_lab import NONE, Event, EventStore, StoreError, WrongExpectedVersionError

SHARED = "shared"


class CrateMoved(Event):
    """What the writers write: who, in which append, and which event of how many in it."""

    writer: int
    append: int
    number: int
    of: int
    padding: str = ""


def batch(writer: int, append: int, size: int, padding: int = 0) -> list[CrateMoved]:
    """Return the events of one append."""
    return [CrateMoved(writer, append, number, size, "x" * padding) for number in range(1, size + 1)]


def forked(work: Callable[[], None]) -> int:
    """Run something in a process of its own and return its id; its exit code is 0 if all went well."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    finally:
        sys.stdout.flush()
        os._exit(code)


def write_for_ever(path: str, writer: int, acks: int) -> None:
    """Append batches of all sizes to a stream of one's own, and say so after each."""
    store = EventStore(path)
    append, version = 0, 0
    while True:
        append += 1
        size = append % 4 + 1
        version = store.append(f"writer-{writer}", batch(writer, append, size, 700), version or NONE)
        os.write(acks, f"{append}\n".encode())


def killed(path: str, writer: int, seconds: float) -> int:
    """Let a process write until it is killed after some seconds; return the number of its last acknowledged append."""
    reading, writing = os.pipe()
    pid = forked(lambda: write_for_ever(path, writer, writing))
    os.close(writing)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL, "it ended before it was killed"
    with os.fdopen(reading) as acks:
        said = [int(line) for line in acks]
    assert said == list(range(1, len(said) + 1))
    return len(said)


def check_killed(path: str, writer: int, acknowledged: int, seen: int) -> int:
    """Look at what a killed process has left: all that it acknowledged, at most one append more, none by half."""
    with EventStore(path) as store:
        messages = list(store.read_all(seen + 1))
        assert [message.position for message in messages] == list(range(seen + 1, seen + len(messages) + 1))
        assert [message.version for message in messages] == list(range(1, len(messages) + 1))
        found = [(message.data.append, message.data.number) for message in messages]
        appends = max((append for append, _ in found), default=0)
        wanted = [(append, number) for append in range(1, appends + 1) for number in range(1, append % 4 + 2)]
        assert found == wanted, f"writer {writer} left half an append"
        assert acknowledged <= appends <= acknowledged + 1, f"{acknowledged} were acknowledged, {appends} are there"
        return seen + len(messages)


def kill_many(folder: str, rounds: int) -> None:
    """Kill a writer at a random moment, over and over; every tenth one in a file that is new."""
    rng = random.Random("kill -9")
    path, seen, appends = f"{folder}/0.db", 0, 0
    for writer in range(rounds):
        if writer % 10 == 0:
            path, seen = f"{folder}/{writer}.db", 0
        acknowledged = killed(path, writer, rng.random() * 0.03)
        if writer % 10 == 0 and (not Path(path).exists() or not Path(path).stat().st_size):
            assert not acknowledged
        seen = check_killed(path, writer, acknowledged, seen)
        appends += acknowledged
        if writer % 10 == 9:
            with EventStore(path) as store:
                assert store.verify() == seen
    print(rounds, appends)


def write_some(path: str, writer: int, appends: int) -> None:
    """Append in turn to one's own stream, to the shared one, and to the shared one at the version that was read."""
    with EventStore(path, timeout=60) as store:
        for append in range(1, appends + 1):
            events = batch(writer, append, append % 3 + 1)
            if append % 3 == 0:
                store.append(f"writer-{writer}", events)
            elif append % 3 == 1:
                store.append(SHARED, events)
            else:
                while True:
                    try:
                        store.append(SHARED, events, store.version(SHARED) or NONE)
                        break
                    except WrongExpectedVersionError:
                        continue


def follow_all(path: str, total: int) -> None:
    """Follow the store from its beginning, and see to it that nothing is left out and nothing comes twice."""
    with EventStore(path, timeout=60) as store:
        positions, versions = 0, {}
        for message in store.follow(timeout=60):
            positions += 1
            assert message.position == positions
            versions[message.stream] = versions.get(message.stream, 0) + 1
            assert message.version == versions[message.stream]
            if positions == total:
                return
        raise AssertionError(f"only {positions} of {total} came")


def crowd(path: str, writers: int, appends: int, followers: int) -> None:
    """Let writers and followers work at the same time, and print how each of them ended."""
    total = writers * sum(append % 3 + 1 for append in range(1, appends + 1))
    works = [lambda: follow_all(path, total)] * followers
    works += [lambda writer=writer: write_some(path, writer, appends) for writer in range(writers)]
    pids = [forked(work) for work in works]
    print(*(os.waitpid(pid, 0)[1] for pid in pids), total)


def hold_lock(path: str, seconds: float) -> None:
    """Keep the store locked for a while, as a program would that is in the middle of writing."""
    with EventStore(path) as store, store._file.transaction():
        print("locked", flush=True)
        time.sleep(seconds)


if __name__ == "__main__":
    command, where, *numbers = sys.argv[1:]
    works = {"kill_many": kill_many, "crowd": crowd, "hold_lock": hold_lock}
    try:
        works[command](where, *map(int, numbers))
    except StoreError as error:
        sys.exit(f"{type(error).__name__}: {error}")
