"""What goes wrong, in a played run: the books of each group, and how lost, slow, doubled and crashed are shown."""

from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import expect

from browser.pages import Watched
from browser.players import Player, saved
from browser.runs import STAGES, Books, books_of, broken, moments_of
from eda_lab import Delivery, EventBus, Retry

ENDS = ("done", "failed", "crashed", "lost", "rejected", "expired", "dropped", "duplicates")


@pytest.mark.parametrize("run", STAGES)
def test_counts_agree_with_the_books_at_every_stage(page: Watched, tmp_path: Path, run: str) -> None:
    """Forward and back again, each node shows what the bus itself had in its books when it was there."""
    stages = [(len(bus.trace.log), books_of(bus)) for bus in STAGES[run]()]
    whole = list(STAGES[run]())[-1]
    player = saved(page, whole, tmp_path)
    ends = [moment.end for moment in moments_of(whole.trace)]
    assert {"inventory", "payment", "email", "shipping", "analytics"} <= {name for _, books in stages for name in books}
    for happened, books in [*stages, *reversed(stages)]:
        player.go(ends.index(happened) + 1)
        drawn = player.books()
        assert {name: drawn[name] for name in books} == books
        assert all(not any(drawn[name]) for name in set(drawn) - set(books))
    totals = [sum(counts) for counts in zip(*stages[-1][1].values(), strict=True)]
    assert run == "troubled" or all(totals[Books._fields.index(word)] for word in ENDS)


@pytest.mark.parametrize("run", STAGES)
def test_a_jump_shows_what_playing_shows(page: Watched, tmp_path: Path, run: str) -> None:
    """Each moment looks the same, whether one steps to it, or jumps to it from anywhere, back or forth."""
    player = saved(page, list(STAGES[run]())[-1], tmp_path)
    stepped = []
    player.root.focus()
    for _ in range(player.length):
        player.page.keyboard.press("ArrowRight")
        stepped.append(player.picture())
    moments = list(range(1, player.length + 1))
    Random(1).shuffle(moments)
    for moment in moments:
        player.go(moment)
        assert player.picture() == stepped[moment - 1], moment


@pytest.fixture
def shop(page: Watched, tmp_path: Path) -> tuple[Player, list[str]]:
    """Give a player of the run in which all goes wrong, and its sentences."""
    bus = broken()
    return saved(page, bus, tmp_path), [moment.sentence.partition("s  ")[2] for moment in moments_of(bus.trace)]


def test_a_publisher_is_down_until_it_is_up_again(shop: tuple[Player, list[str]]) -> None:
    """In words and with a cross, and its box stands out at both moments."""
    player, sentences = shop
    checkout = player.root.locator(".eda-producer").first
    crash, up = sentences.index("checkout crashed before publish"), sentences.index("checkout is up")
    for moment, words in ((crash, "published 1"), (crash + 1, "✕ down · published 1"), (up, "✕ down · published 1")):
        player.go(moment)
        expect(checkout.locator(".eda-small")).to_have_text(words)
    player.go(crash + 1)
    expect(checkout).to_have_class("eda-producer eda-now")
    player.go(up + 1)
    expect(checkout.locator(".eda-small")).to_have_text("published 1")


def test_an_outage_and_a_slow_time_are_said_on_the_group(shop: tuple[Player, list[str]]) -> None:
    """A worker's pace is no state: slow, it is not shown as down; and it is slow no longer than the fault says."""
    player, sentences = shop
    words = {
        ("email", "email is down", "email is up"): "down",
        ("shipping", "shipping needs 4 times as long", "shipping works at its normal pace"): "slow: 4 x as long",
    }
    for (group, begins, ends), said in words.items():
        node = player.root.locator(".eda-group").filter(has_text=group)
        for moment, states in ((begins, said), (ends, "")):
            player.go(sentences.index(moment) + 1)
            expect(node.locator(".eda-states")).to_have_text(states)
            expect(node.locator(".eda-worker")).to_have_attribute("data-pace", "slow" if "slow" in states else "normal")
            expect(node.locator(".eda-sign")).to_have_text("✕" if states == "down" else "")


def test_a_message_that_was_acked_early_is_marked_until_its_work_ends(shop: tuple[Player, list[str]]) -> None:
    """With a tick, in the message's name, and below its worker; then it is lost, and that is counted."""
    player, sentences = shop
    analytics = player.root.locator(".eda-group").filter(has_text="analytics")
    player.go(sentences.index("analytics acked order_placed 2 before the work was done") + 1)
    dot = player.root.get_by_role("button", name="message 1, order_placed, is being worked on, acked already")
    expect(dot.locator(".eda-check")).to_be_visible()
    expect(analytics.locator(".eda-last")).to_have_text("acked early ✓")
    expect(analytics.locator(".eda-attempt")).to_have_text("acked")
    player.go(next(place for place, words in enumerate(sentences, 1) if words.startswith("analytics lost")))
    expect(analytics.locator(".eda-last")).to_have_text("lost ✗")
    expect(analytics.locator(".eda-ends")).to_have_text("lost 1")
    expect(analytics.locator(".eda-attempt")).to_have_text("")
    assert "acked already" not in " ".join(player.picture())


def test_a_duplicate_is_marked_wherever_it_stands(shop: tuple[Player, list[str]]) -> None:
    """Of two copies of a message one is called a duplicate and has a second outline; both are the same message."""
    player, sentences = shop
    started = [place for place, words in enumerate(sentences, 1) if words.startswith("inventory-2 started")]
    player.go(started[0])
    here = player.root.locator(".eda-dot:visible[aria-label^='message 1, order_placed, is being worked on']")
    names = [dot.get_attribute("aria-label") or "" for dot in here.all()]
    assert sum(name.endswith(", a duplicate") for name in names) == 1
    twin = player.root.locator(".eda-dot:visible[aria-label$='a duplicate']")
    assert twin.locator(".eda-twin").evaluate("twin => getComputedStyle(twin).display") != "none"
    plain = here.and_(player.root.locator(":not([aria-label$='a duplicate'])")).first
    assert plain.locator(".eda-twin").evaluate("twin => getComputedStyle(twin).display") == "none"


def test_what_was_nacked_stands_at_the_head_of_the_queue(page: Watched, tmp_path: Path) -> None:
    """Five wait; the first is nacked and is to come next, so it stands nearest to the worker."""
    bus = EventBus()

    def ship(_: object, delivery: Delivery) -> None:
        if delivery.attempt == 1 and delivery.message.id == "1":
            delivery.nack()
        else:
            delivery.ack()

    bus.subscribe("ring", ship, name="shipping", takes=1.0, ack="manual")
    for number in range(5):
        bus.publish("ring", {"number": number})
    bus.run()
    player = saved(page, bus, tmp_path)
    sentences = [moment.sentence for moment in moments_of(bus.trace)]
    player.go(sentences.index("1.000 s  ring 1 queued for shipping (attempt 2)") + 1)
    places = {
        dot.text_content(): float((dot.get_attribute("transform") or "").partition("(")[2].partition(",")[0])
        for dot in player.dots.all()
    }
    assert sorted(places, key=lambda message: -places[str(message)]) == ["1", "2", "3", "4", "5"]


def test_a_failed_message_stays_with_a_worker_that_tries_again_in_place(page: Watched, tmp_path: Path) -> None:
    """It stands at its worker, which says so, while the others wait; with retries outside the next one is taken up."""
    bus = EventBus()

    def send(event: dict[str, int]) -> None:
        if event["number"] == 0:
            raise ConnectionError("down")

    for name, in_place in (("email", True), ("sms", False)):
        bus.subscribe("ring", send, name=name, takes=0.5, retry=Retry(max_attempts=2, backoff=1, in_place=in_place))
    for number in range(3):
        bus.publish("ring", {"number": number})
    bus.run()
    player = saved(page, bus, tmp_path)
    sentences = [moment.sentence for moment in moments_of(bus.trace)]
    held = player.root.get_by_role("button", name="message 1, ring, is held for its next attempt")
    email, sms = player.root.locator(".eda-group").all()
    player.go(sentences.index("0.500 s  sms started ring 2") + 1)
    expect(held).to_have_count(1)
    expect(email.locator(".eda-states")).to_have_text("waiting to try again")
    expect(email.locator(".eda-attempt")).to_have_text("held")
    expect(sms.locator(".eda-states")).to_have_text("")
    player.go(sentences.index("1.500 s  email started ring 1 (attempt 2)") + 1)
    expect(held).to_have_count(0)
    expect(email.locator(".eda-states")).to_have_text("")
    expect(email.locator(".eda-attempt")).to_have_text("attempt 2")
