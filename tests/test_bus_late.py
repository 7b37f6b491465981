"""Groups that come late: from now on, or from the beginning of the log."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Event, EventBus
from eda_lab.errors import OptionError


class SongPlayed(Event):
    """A song was played on the radio."""

    number: int


def radio(songs: int) -> EventBus:
    bus = EventBus()
    bus.subscribe(SongPlayed, lambda song: None, name="charts")
    for number in range(songs):
        bus.publish(SongPlayed(number))
    bus.run()
    return bus


def test_who_comes_late_gets_nothing_of_what_was_before_unless_it_asks() -> None:
    bus = radio(12)
    heard: dict[str, list[int]] = {"now": [], "beginning": []}
    for start, songs in heard.items():
        bus.subscribe(SongPlayed, lambda song, songs=songs: songs.append(song.number), name=start, start=start)
    bus.run()
    assert heard == {"now": [], "beginning": list(range(12))}
    bus.publish(SongPlayed(12))
    bus.run()
    assert heard == {"now": [12], "beginning": list(range(13))}


def test_the_books_balance_and_say_what_came_from_the_log() -> None:
    bus = radio(3)
    bus.subscribe(SongPlayed, lambda song: None, name="late", start="beginning")
    row = dict(zip(bus.trace.check_conservation().columns, bus.trace.check_conservation()[1], strict=True))
    assert (row["group"], row["routed"], row["replayed"], row["queued"]) == ("late", 0, 3, 3)
    assert "song_played 1 queued for late (from the log)" in bus.trace.transcript()
    assert bus.trace.messages[0].queued_for == 1


def test_another_member_of_a_group_does_not_read_the_log_again() -> None:
    bus = radio(3)
    for name in ("one", "two"):
        bus.subscribe(SongPlayed, lambda song: None, name=name, group="late", start="beginning")
    bus.run()
    assert bus.trace.metrics()["late"].done == 3


def test_a_group_that_comes_back_reads_only_what_it_has_missed() -> None:
    bus = EventBus()
    heard: list[int] = []

    def listen() -> None:
        bus.subscribe(SongPlayed, lambda song: heard.append(song.number), name="late", start="beginning")

    listen()
    bus.publish(SongPlayed(1))
    bus.run()
    bus._engine.subscriptions["late"].unsubscribe()
    bus.publish(SongPlayed(2))
    bus.run()
    listen()
    bus.run()
    assert heard == [1, 2]
    assert bus.trace.check_conservation()


def test_other_types_are_not_read_from_the_log() -> None:
    bus = radio(2)
    bus.publish("news_read", {"headline": "rain"})
    seen: list[object] = []
    bus.subscribe("news_*", seen.append, name="weather", start="beginning")
    bus.run()
    assert seen == [{"headline": "rain"}]


@pytest.mark.parametrize("start", ["yesterday", "", None, 0, True])
def test_a_start_that_there_is_not_is_refused(start: object) -> None:
    with pytest.raises(OptionError, match="give 'now' or 'beginning'"):
        EventBus().subscribe(SongPlayed, lambda song: None, start=start)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(["publish", "join", "run"]), max_size=20))
def test_every_group_from_the_beginning_gets_every_song_once_in_order(steps: list[str]) -> None:
    bus, heard, number = EventBus(), [], 0
    for step in steps:
        if step == "publish":
            bus.publish(SongPlayed(number))
            number += 1
        elif step == "join":
            songs: list[int] = []
            heard.append(songs)
            name = f"group {len(heard)}"
            bus.subscribe(SongPlayed, lambda song, s=songs: s.append(song.number), name=name, start="beginning")
        else:
            bus.run()
        assert bus.trace.check_conservation() is not None
    bus.run()
    assert heard == [list(range(number))] * len(heard)
