"""Reading a store: parts of a stream, parts of the log, chosen types, and following what is still to come."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eda_lab import Event, EventStore, Message
from eda_lab.errors import MalformedEventError, OptionError
from eda_lab.store.reading import CHUNK


class LampEvent(Event):
    lamp: str


class LampLit(LampEvent):
    pass


class LampBroken(LampEvent):
    pass


class BulbBought(Event):
    price_cents: int


LIT, BROKEN, BOUGHT = LampLit("hall"), LampBroken("hall"), BulbBought(300)


@pytest.fixture
def store() -> Iterator[EventStore]:
    """Give a store that holds three streams, one after the other in turn."""
    with EventStore() as opened:
        for _ in range(3):
            opened.append("hall", [LIT, BROKEN])
            opened.append("shop", BOUGHT)
        yield opened


def places(messages: Iterator[Message]) -> list[int | None]:
    return [message.position for message in messages]


def test_a_part_of_a_stream(store: EventStore) -> None:
    """Both ends are included, and ends that lie outside are no mistake."""

    def versions(*args: object, **options: object) -> list[int | None]:
        return [message.version for message in store.read("hall", *args, **options)]

    assert versions() == [1, 2, 3, 4, 5, 6]
    assert versions(3) == [3, 4, 5, 6]
    assert versions(2, 4) == [2, 3, 4]
    assert versions(2, 4, backwards=True) == [4, 3, 2]
    assert versions(backwards=True) == [6, 5, 4, 3, 2, 1]
    assert versions(4, 3) == versions(7) == versions(1, 0) == versions(2**70) == []
    assert versions(5, 2**70) == [5, 6]
    assert list(store.read("nowhere")) == []


def test_a_part_of_the_log(store: EventStore) -> None:
    """From a position, up to a position, and at most so many."""
    assert places(store.read_all()) == list(range(1, 10))
    assert places(store.read_all(4)) == [4, 5, 6, 7, 8, 9]
    assert places(store.read_all(4, limit=2)) == [4, 5]
    assert places(store.read_all(2, to_position=3)) == [2, 3]
    assert places(store.read_all(limit=0)) == places(store.read_all(10)) == places(store.read_all(2**70)) == []


def test_some_types_only(store: EventStore) -> None:
    """By class (those derived from it included), by topic, by pattern, or several at once."""
    assert places(store.read_all(types=LampLit)) == [1, 4, 7]
    assert places(store.read_all(types=LampEvent)) == [1, 2, 4, 5, 7, 8]
    assert places(store.read_all(types="bulb_bought")) == [3, 6, 9]
    assert places(store.read_all(types="lamp_*")) == [1, 2, 4, 5, 7, 8]
    assert places(store.read_all(types="lamp_[!l]*")) == [2, 5, 8]
    assert places(store.read_all(5, types=(BulbBought, "lamp_broken"), limit=3)) == [5, 6, 8]
    assert places(store.read_all(types="tea_*")) == []


@pytest.mark.parametrize(
    ("call", "option"),
    [
        (lambda store: store.read("hall", 0), "from_version"),
        (lambda store: store.read("hall", 1, -1), "to_version"),
        (lambda store: store.read("hall", 1.0), "from_version"),
        (lambda store: store.read_all(0), "from_position"),
        (lambda store: store.read_all(True), "from_position"),
        (lambda store: store.read_all(to_position=-1), "to_position"),
        (lambda store: store.read_all(limit=-1), "limit"),
        (lambda store: store.read_all(limit="5"), "limit"),
        (lambda store: store.read_all(types=5), "what"),
        (lambda store: store.read_all(types=LIT), "what"),
        (lambda store: store.read_all(types="lamp lit"), "topic"),
        (lambda store: store.follow(0), "from_position"),
        (lambda store: store.follow(types=5), "what"),
        (lambda store: store.follow(timeout=-1), "timeout"),
        (lambda store: store.follow(timeout=float("nan")), "timeout"),
        (lambda store: store.follow(stop=True), "stop"),
    ],
)
def test_a_mistake_is_told_when_it_is_made(store: EventStore, call: object, option: str) -> None:
    """At the call, and not when the first message is asked for."""
    with pytest.raises(OptionError, match=f"^{option}="):
        call(store)


def test_what_is_appended_while_somebody_reads_is_left_out(store: EventStore) -> None:
    """So a reader that appends for each event that it reads comes to an end."""
    for message in store.read_all():
        store.append("copies", BulbBought(message.position))
    assert [m.data.price_cents for m in store.read("copies")] == list(range(1, 10))
    for message in store.read("copies"):
        store.append("copies", message.data)
    assert store.version("copies") == 18


@pytest.mark.parametrize("extra", [-1, 0, 1, CHUNK])
def test_long_logs_are_read_in_pieces_that_fit_together(extra: int) -> None:
    """At the seams nothing is missing and nothing comes twice, in both directions."""
    with EventStore() as store:
        size = CHUNK + extra
        store.append("hall", [LIT] * size)
        store.append("shop", [BOUGHT] * size)
        assert [m.version for m in store.read("hall")] == list(range(1, size + 1))
        assert [m.version for m in store.read("shop", backwards=True)] == list(range(size, 0, -1))
        assert places(store.read_all()) == list(range(1, 2 * size + 1))
        assert places(store.read_all(types=BulbBought)) == list(range(size + 1, 2 * size + 1))
        assert places(store.read_all(5, limit=size)) == list(range(5, size + 5))


@given(st.integers(1, 12), st.integers(0, 12), st.integers(0, 12), st.booleans())
def test_reading_is_slicing(first: int, last: int, limit: int, backwards: bool) -> None:
    """Whatever the ends, it is what a list would give."""
    with EventStore() as store:
        store.append("hall", [LIT, BROKEN] * 5)
        part = [m.version for m in store.read("hall", first, last, backwards)]
        expected = list(range(1, 11))[first - 1 : last] if last >= first else []
        assert part == (expected[::-1] if backwards else expected)
        assert places(store.read_all(first, to_position=last, limit=limit)) == expected[:limit]


def test_a_class_that_has_changed_is_told_and_can_be_read_around() -> None:
    """The log is not rewritten: it can be read as it is, and whatever is no longer understood is named."""
    with EventStore() as store:
        old = type("DoorOpened", (Event,), {"__annotations__": {"door": str}})
        store.append("hall", [LIT, old("front")])
        type("DoorOpened", (Event,), {"__annotations__": {"door": str, "by": str}})
        with pytest.raises(MalformedEventError, match=r"required field `by` \(the class of door_opened has") as caught:
            list(store.read("hall"))
        assert caught.value.path == "$.data of position 2"
        assert [m.data for m in store.read("hall", plain=True)] == [{"lamp": "hall"}, {"door": "front"}]
        assert [m.data for m in store.read_all(2, plain=True)] == [{"door": "front"}]
        versioned = {"__annotations__": {"door": str, "by": str}, "dataversion": 2}
        newer = type("DoorOpened", (Event,), versioned)
        store.append("hall", newer("front", "cat"))
        assert [m.data for m in store.read("hall", 2)] == [{"door": "front"}, newer("front", "cat")]
        assert store.verify() == 3


def test_a_follower_gets_what_is_there_and_then_what_comes(store: EventStore) -> None:
    """Appended by another thread, in order, without a gap; the follower waits in between."""
    seen: list[int | None] = []
    followed = threading.Event()

    def follow() -> None:
        for message in store.follow(8, timeout=20):
            seen.append(message.position)
            if message.position == 9:
                followed.set()
            if message.position == 14:
                return

    thread = threading.Thread(target=follow)
    thread.start()
    assert followed.wait(20)
    for _ in range(5):
        store.append("hall", LIT)
        time.sleep(0.002)
    thread.join(20)
    assert seen == [8, 9, 10, 11, 12, 13, 14]


def test_a_follower_sees_what_another_program_appends(tmp_path: Path) -> None:
    """A second store on the same file stands for the other program: it wakes nobody up."""
    with EventStore(tmp_path / "x.db") as ours, EventStore(tmp_path / "x.db") as theirs:
        messages = ours.follow(timeout=20)
        for number in range(1, 4):
            theirs.append("hall", LIT)
            assert next(messages).position == number


def test_a_follower_ends_when_nothing_comes_any_more(store: EventStore) -> None:
    """`timeout=0` takes what is there; the time that the reader itself takes does not count."""
    assert places(store.follow(timeout=0)) == list(range(1, 10))
    assert places(store.follow(20, timeout=0)) == []
    begun = time.monotonic()
    slow = store.follow(8, timeout=0.1)
    next(slow)
    time.sleep(0.2)
    assert [next(slow).position, *places(slow)] == [9]
    assert time.monotonic() - begun >= 0.3


def test_a_follower_of_some_types_passes_over_the_others(store: EventStore) -> None:
    """And does not read them again and again."""
    bought = store.follow(types=BulbBought, timeout=0.05)
    assert [next(bought).position for _ in range(3)] == [3, 6, 9]
    store.append("hall", LIT)
    store.append("shop", BOUGHT)
    assert places(bought) == [11]


def test_a_follower_can_be_stopped(store: EventStore) -> None:
    """By an event that is set, from inside or outside, or by closing the store."""
    stop = threading.Event()
    seen = []
    for message in store.follow(stop=stop):
        seen.append(message.position)
        if message.position == 4:
            stop.set()
    assert seen == [1, 2, 3, 4]
    assert list(store.follow(stop=stop)) == []
    ended = threading.Event()
    thread = threading.Thread(target=lambda: [*store.follow(9), ended.set()])
    thread.start()
    time.sleep(0.05)
    assert not ended.is_set()
    store.close()
    assert ended.wait(20)
    thread.join()


def test_ctrl_c_ends_a_follower_and_leaves_the_store_as_it_was(store: EventStore) -> None:
    """A real SIGINT, while it waits for something to come."""
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        for _ in store.follow():
            pass
    timer.join()
    assert store.append("hall", LIT) == 7
    assert store.verify() == 10
