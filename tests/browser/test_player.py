"""A run saved as a page, opened from the disk, and played with: by mouse, by keyboard, with a screen reader's eyes."""

from pathlib import Path

import pytest
from browser.pages import Watched
from browser.players import Player, saved
from browser.runs import HOSTILE, books_of, hostile, moments_of, troubled, troubled_stages
from playwright.sync_api import expect

from eda_lab import EventBus

# What the live region says from now on, each change an entry.
LISTEN = """live => {
    window.said = [];
    new MutationObserver(() => window.said.push(live.textContent)).observe(live, { childList: true, characterData: true });
}"""


@pytest.fixture(scope="module")
def bus() -> EventBus:
    """Give a run with every kind of trouble."""
    return troubled()


@pytest.fixture
def player(page: Watched, bus: EventBus, tmp_path: Path) -> Player:
    """Give that run, saved and opened."""
    return saved(page, bus, tmp_path)


def test_a_saved_page_plays_and_asks_nobody(page: Watched, player: Player) -> None:
    """It asks for itself, and for nothing else, from its opening to the end of the run."""
    expect(player.button("Play")).to_be_enabled()
    player.speed.select_option("16")
    player.button("Play").click()
    expect(player.button("Pause")).to_be_visible()
    expect(player.button("Play")).to_be_visible(timeout=10_000)  # it has come to rest
    assert player.moment == player.length == len(moments_of(troubled().trace))
    assert page.requests == [page.page.url]
    assert page.page.url.startswith("file:")


def test_play_moves_a_message_to_the_bus(player: Player) -> None:
    """In the real page a message flies from left to right, in many small steps; then it lies in the queues."""
    player.button("Play").click()
    places = player.flight()
    assert len(set(places)) >= 5
    assert places == sorted(places)
    assert places[-1] - places[0] > 100
    player.button("Pause").click()


def test_pause_holds_the_run(player: Player) -> None:
    """After a pause nothing moves; play goes on from there, and at the end it begins anew."""
    player.button("Play").click()
    expect(player.scrub).to_have_value("2")
    player.button("Pause").click()
    held, dots = player.moment, [dot.get_attribute("transform") for dot in player.dots.all()]
    player.frames(20)
    assert player.moment == held
    assert [dot.get_attribute("transform") for dot in player.dots.all()] == dots
    player.button("Play").click()
    expect(player.scrub).to_have_value(str(held + 1))
    player.button("Last").click()
    player.button("Play").click()
    expect(player.scrub).to_have_value("1")


def test_buttons_go_step_by_step(player: Player) -> None:
    """First, Back, Step and Last; at either end there is nothing more to do."""
    moments = player.length
    for name, moment in (("Step", 1), ("Step", 2), ("Back", 1), ("Last", moments), ("Step", moments), ("First", 0)):
        player.button(name).click()
        assert player.moment == moment, name
    player.button("Back").click()
    assert player.moment == 0
    expect(player.sentence).to_have_text("Nothing has happened yet. Press play, or step.")


def test_keys_go_step_by_step(player: Player) -> None:
    """Arrows, Home, End and the space bar do what the buttons do."""
    player.root.focus()
    moments = player.length
    for key, moment in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", moments), ("Home", 0)):
        player.page.keyboard.press(key)
        assert player.moment == moment, key
    player.page.keyboard.press("Space")
    expect(player.button("Pause")).to_be_visible()
    player.page.keyboard.press("Space")
    expect(player.button("Play")).to_be_visible()


def test_the_scrubber_obeys_the_keyboard(player: Player) -> None:
    """It is a native slider: arrows, Home and End move it, and it says where it stands in words."""
    player.scrub.focus()
    for key, moment in (("ArrowRight", 1), ("ArrowUp", 2), ("ArrowLeft", 1), ("End", player.length), ("Home", 0)):
        player.page.keyboard.press(key)
        assert player.moment == moment, key
    player.go(10)
    expect(player.scrub).to_have_attribute("aria-valuetext", f"0.500 s, 10 of {player.length}")


def test_each_sentence_is_the_transcript_s_own(player: Player, bus: EventBus) -> None:
    """From the first step to the last, the sentence is the trace's line; the transcript below has all lines."""
    player.root.focus()
    sentences = []
    for _ in range(player.length):
        player.page.keyboard.press("ArrowRight")
        sentences.append(player.sentence.text_content())
    assert sentences == [moment.sentence for moment in moments_of(bus.trace)]
    player.root.get_by_text("Transcript").click()
    assert player.root.locator("pre").text_content() == bus.trace.transcript()


def test_counts_agree_with_the_books_at_every_stage(player: Player) -> None:
    """Forward and back again, each node shows what the bus itself had in its books when it was there."""
    stages = [(len(bus.trace.log), books_of(bus)) for bus in troubled_stages()]
    ends = [moment.end for moment in moments_of(troubled().trace)]
    assert {name for _, books in stages for name in books} == {"inventory", "payment", "email", "shipping", "analytics"}
    for happened, books in [*stages, *reversed(stages)]:
        player.go(ends.index(happened) + 1)
        drawn = player.books()
        assert {name: drawn[name] for name in books} == books
        assert all(not any(drawn[name]) for name in set(drawn) - set(books))


def test_a_worker_that_is_down_is_shown_as_down(player: Player, bus: EventBus) -> None:
    """With a cross, not only with a colour, from the kill to the restart."""
    sentences = [moment.sentence.partition("s  ")[2] for moment in moments_of(bus.trace)]
    first, second = player.root.locator(".eda-group").nth(1).locator(".eda-worker").all()
    player.go(sentences.index("payment is down") + 1)
    expect(first.locator(".eda-sign")).to_have_text("✕")
    expect(second.locator(".eda-sign")).to_have_text("")
    player.go(sentences.index("payment is up") + 1)
    expect(first.locator(".eda-sign")).to_have_text("")


def test_a_screen_reader_hears_of_steps_and_of_the_pause(player: Player) -> None:
    """The live region is silent while the run plays, and says the sentence when it is stepped, paused or over."""
    player.announced.evaluate(LISTEN)
    player.button("Step").click()
    assert player.page.evaluate("said") == [player.sentence.text_content()]
    player.speed.select_option("4")
    player.button("Play").click()
    expect(player.scrub).to_have_value("6")
    assert len(player.page.evaluate("said")) == 1
    player.button("Pause").click()
    assert player.page.evaluate("said")[1:] == [player.sentence.text_content()]
    player.scrub.focus()
    player.page.keyboard.press("End")
    assert player.page.evaluate("said")[2:] == [player.sentence.text_content()]


def test_a_message_tells_its_story(player: Player, bus: EventBus) -> None:
    """A click lights up a message and those it led to; the others fade. A second click lets it go."""
    player.go([moment.sentence for moment in moments_of(bus.trace)].index("0.800 s  shipping started payment_captured checkout-1/payment.1") + 1)
    caused = player.root.get_by_role("button", name="message 5, payment_captured, is being worked on")
    caused.click()
    expect(player.story).to_contain_text("Message 5 payment_captured")
    expect(player.story).to_contain_text("It comes from 1 order_placed. It led to no other message.")
    families = {dot.text_content(): dot.get_attribute("data-family") for dot in player.dots.all()}
    assert families["5"] == "in"
    assert families["2"] == "out"
    expect(player.number).to_have_value("5")
    caused.click()
    expect(player.story).to_be_empty()
    assert {dot.get_attribute("data-family") for dot in player.dots.all()} == {""}


def test_messages_can_be_reached_and_chosen_by_keyboard(player: Player) -> None:
    """Arrow down walks through the messages, Enter tells the story; stepping on does not lose the keyboard."""
    player.button("Step").focus()
    player.page.keyboard.press("Enter")
    player.page.keyboard.press("ArrowDown")
    focused = player.root.locator(".eda-dot:focus")
    expect(focused).to_have_attribute("aria-label", "message 1, order_placed, waits in the queue")
    player.page.keyboard.press("Enter")
    expect(player.story).to_contain_text("Message 1 order_placed, id checkout-1. It led to 5 payment_captured.")
    player.page.keyboard.press("ArrowUp")
    player.page.keyboard.press("ArrowUp")
    expect(focused).to_have_count(1)
    for moment in range(2, player.length + 1):
        player.page.keyboard.press("ArrowRight")
        assert player.moment == moment


def test_a_story_can_be_asked_for_by_number(player: Player) -> None:
    """A number shows the story of that message; one that is not there gets a hint."""
    player.number.fill("5")
    player.number.press("Enter")
    expect(player.story).to_contain_text("Message 5 payment_captured")
    player.number.fill("99")
    player.number.press("Enter")
    expect(player.story).to_have_text("There is no such message: give a number from 1 to 8.")
    player.number.fill("")
    player.number.press("Enter")
    expect(player.story).to_be_empty()


def test_speed_is_speed(page: Watched, bus: EventBus, tmp_path: Path) -> None:
    """By a clock that the test turns: four seconds at normal speed are one second at four times the speed."""
    page.page.clock.install()
    player = saved(page, bus, tmp_path)
    reached = []
    for speed, seconds in (("1", 4), ("4", 1), ("0.25", 16)):
        player.button("First").click()
        player.speed.select_option(speed)
        player.button("Play").click()
        page.page.clock.run_for(seconds * 1000)
        reached.append(player.moment)
        player.button("Pause").click()
    assert reached[0] >= 4
    assert max(reached) - min(reached) <= 1  # a frame more or less


def test_who_wants_no_motion_gets_none(page: Watched, bus: EventBus, tmp_path: Path) -> None:
    """With reduced motion the run plays from picture to picture, and nothing flies."""
    page.page.emulate_media(reduced_motion="reduce")
    page.page.clock.install()
    player = saved(page, bus, tmp_path)
    flying = []
    for preference in ("reduce", "no-preference"):
        page.page.emulate_media(reduced_motion=preference)
        player.button("First").click()
        player.button("Play").click()
        seen = 0
        while player.moment < 8:
            page.page.clock.run_for(50)
            seen += player.moving.count()
        flying.append(seen)
        player.button("Pause").click()
    assert flying[0] == 0
    assert flying[1] > 0


def test_markup_in_a_run_is_shown_as_its_characters(page: Watched, tmp_path: Path) -> None:
    """An order id, a customer, a group's name, an error and a title that are markup make no element and no dialog."""
    player = saved(page, hostile(), tmp_path, title=f"</script>{HOSTILE}")
    player.button("Last").click()
    expect(player.sentence).to_contain_text(f"ValueError: no such order: {HOSTILE}")
    player.root.get_by_text("Transcript").click()
    expect(player.root.locator("pre")).to_contain_text(f"{HOSTILE} started order_placed 1")
    player.number.fill("1")
    player.number.press("Enter")
    expect(player.story).to_contain_text(f"order_id='{HOSTILE}'")
    expect(page.page.get_by_role("heading")).to_have_text(f"</script>{HOSTILE}")
    assert page.page.title() == f"</script>{HOSTILE}"
    assert page.page.locator("img, script:not([type=module])").count() == 0
