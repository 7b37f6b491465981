"""The player, as far as Python goes: what it is given of a run, what a saved notebook shows, the page it writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.runs import broken

from eda_lab import (
    Crash,
    Event,
    EventBus,
    Faults,
    OrderPlaced,
    Retry,
    checkout,
    example_order,
    make_order,
    open_shop,
)
from eda_lab.errors import OptionError
from eda_lab.widgets import FlowPlayer
from eda_lab.widgets import flow as flow_module

HOSTILE = "<img src=x onerror=alert(1)>"


class Ring(Event):
    """Somebody is at the door."""

    number: int


@pytest.fixture
def bus() -> EventBus:
    bus = EventBus(seed=1)
    shop = open_shop(bus, chain=True, retry=Retry(max_attempts=2))
    shop.mail.down = True
    checkout(bus, example_order())
    bus.run()
    return bus


def test_the_player_is_given_all_that_the_trace_holds(bus: EventBus) -> None:
    run, columns = FlowPlayer(bus).run, bus.columns
    assert run["log"] == list(columns.log)
    assert run["deliveries"]["ended"] == list(columns.ended)
    assert run["messages"]["cause"] == list(columns.cause)
    assert run["sentences"] == bus.trace.transcript().split("\n")
    assert [group["name"] for group in run["groups"]] == ["inventory", "payment", "email", "shipping", "analytics"]
    assert run["producers"] == ["checkout"]
    assert run["thin"] == ""
    assert json.dumps(run)


def test_the_player_is_given_all_that_went_wrong() -> None:
    """Early acks, duplicates and what travels, as rows; notes as whom they are about, and what becomes of him."""
    bus = broken()
    run, c = FlowPlayer(bus).run, bus.columns
    assert dict(zip(run["acked"]["row"], run["acked"]["time"], strict=True)) == c.acked
    assert run["duplicated"] == sorted(c.duplicated) != []
    late = [d.queued_at > d.message.time for d in bus.trace.deliveries]
    assert run["late"] == [row for row, is_late in enumerate(late) if is_late and c.origin(row) in (0, 4)] != []
    notes = list(zip(*run["notes"].values(), strict=True))
    assert len(notes) == len(c.notes)
    crash, *_ = (note for note in notes if note[4] == "crashed")
    assert dict(zip(run["notes"], crash, strict=True)) == {
        "time": 400_000,
        "group": -1,
        "worker": -1,
        "producer": run["producers"].index("checkout"),
        "state": "crashed",
        "factor": 0.0,
    }
    about = {(run["groups"][group]["name"], state, factor) for _, group, _, _, state, factor in notes if group >= 0}
    assert about >= {("email", "down", 0.0), ("email", "up", 0.0), ("shipping", "", 4.0), ("shipping", "", 1.0)}
    assert json.dumps(run)


def test_a_publisher_with_the_name_of_a_consumer_is_not_taken_for_it() -> None:
    """After the crash of the process "payment" it is the process that is up again; the consumer was killed."""
    bus = EventBus(faults=Faults(crashes=(Crash("payment", "3", 1, "after publish"),)))
    payment = bus.subscribe("ring", lambda event: None, name="payment")
    rings = iter(range(3))

    def ring() -> Iterator[Any]:
        for number in rings:
            yield Ring(number)
            yield 2.0

    bus.process("payment", ring)
    payment.kill()
    bus.run()
    notes = FlowPlayer(bus).run["notes"]
    assert list(zip(notes["group"], notes["state"], strict=True)) == [(0, "down"), (-1, "crashed"), (-1, "up")]


def test_another_run_is_shown_in_place(bus: EventBus) -> None:
    player = FlowPlayer(bus)
    other = EventBus()
    player.show(other)
    assert player.run["log"] == []
    assert player.trace is other.trace


def test_a_long_run_is_cut_and_says_so(bus: EventBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_module, "MOST_RECORDS", 10)
    run = FlowPlayer(bus).run
    assert (len(run["log"]), len(run["sentences"])) == (10, 10)
    assert (
        run["thin"] == f"The first 10 lines of the run are played; {len(bus.columns.log) - 10} more are in its trace."
    )


def test_a_saved_notebook_shows_a_picture_and_the_transcript(bus: EventBus) -> None:
    bundle = FlowPlayer(bus)._repr_mimebundle_()
    assert bundle["text/plain"] == bus.trace.transcript()
    assert re.search(r'<img alt="[^"]+" .*src="data:image/png;base64,', bundle["text/html"])
    assert "email dead lettered order_placed 1 (attempt 2)" in bundle["text/html"]


def test_a_long_transcript_is_cut_in_the_saved_notebook() -> None:
    bus = EventBus()
    for number in range(300):
        bus.publish("ring", {"number": number})
    assert repr(FlowPlayer(bus)).endswith("... and 100 more lines")


def test_data_of_an_event_is_text_wherever_it_goes(tmp_path: Path) -> None:
    bus = EventBus(source=HOSTILE)
    open_shop(bus)
    checkout(bus, OrderPlaced(HOSTILE, "</script><script>alert(2)</script>", ()))
    bus.publish(HOSTILE.replace(" ", ""), {})
    bus.run()
    player = FlowPlayer(bus)
    page = player.save_html(tmp_path / "page.html", title=HOSTILE).read_text()
    for text in (player._repr_mimebundle_()["text/html"], page):
        assert "<img src=x" not in text
        assert "<script>alert" not in text
    assert page.count("</script>") == 1


def test_the_page_needs_nothing_from_anywhere(bus: EventBus, tmp_path: Path) -> None:
    page = FlowPlayer(bus).save_html(tmp_path / "page.html").read_text()
    assert not re.search(r"(?:src|href)=|url\(|import |fetch\(", page)
    assert set(re.findall(r"https?://[^\s\"']+", page)) == {"http://www.w3.org/2000/svg"}
    state = re.search(r"^const state = (.+);$", page, re.MULTILINE)
    assert state
    assert json.loads(state[1])["run"] == FlowPlayer(bus).run


@pytest.mark.parametrize("name", ["", "no/such/folder/page.html"])
def test_a_page_that_cannot_be_written_is_told_in_one_line(bus: EventBus, tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match="the page cannot be written there"):
        FlowPlayer(bus).save_html(tmp_path / name)


@pytest.mark.parametrize("thing", [None, 5, "bus", [], object()])
def test_only_what_ran_in_the_lab_can_be_played(thing: Any) -> None:
    with pytest.raises(OptionError, match="give an EventBus, or its trace"):
        FlowPlayer(thing)


def test_an_empty_bus_can_be_shown() -> None:
    run = FlowPlayer(EventBus()).run
    assert (run["groups"], run["log"], run["producers"]) == ([], [], ["checkout"])


def test_a_group_that_left_is_still_in_the_picture_of_its_run() -> None:
    bus = EventBus()
    subscription = bus.subscribe("ring", lambda event: None, name="bell")
    bus.publish("ring", {})
    bus.run()
    subscription.unsubscribe()
    assert FlowPlayer(bus).run["groups"] == [{"name": "bell", "what": "left the bus", "workers": ["bell"]}]


def test_many_orders_give_as_many_lines_as_the_trace() -> None:
    bus = EventBus(seed=3)
    open_shop(bus)
    for number in range(1, 40):
        checkout(bus, make_order(number))
    bus.run()
    assert len(FlowPlayer(bus).run["sentences"]) == len(bus.trace.log) == 39 * (1 + 3 * 5)
