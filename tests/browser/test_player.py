"""A run saved as a page, opened from the disk, and played with: by mouse, by keyboard, with a screen reader's eyes."""

from pathlib import Path

from playwright.sync_api import expect

from browser.pages import Watched
from browser.players import Player, saved
from browser.runs import moments_of, troubled
from eda_lab import EventBus

# What the live region says from now on, each change an entry.
LISTEN = """live => {
    window.said = [];
    new MutationObserver(() => window.said.push(live.textContent)).observe(live, { childList: true });
}"""


def test_a_saved_page_plays_and_asks_nobody(page: Watched, player: Player) -> None:
    """It asks for itself, and for nothing else, from its opening to the end of the run."""
    expect(player.button("Play")).to_be_enabled()
    player.go(player.length - 4)
    player.button("Play").click()
    expect(player.button("Pause")).to_be_visible()
    expect(player.button("Play")).to_be_visible()  # it has come to rest
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
    player.speed.select_option("4")
    player.button("Play").click()
    player.wait_for(2)
    player.button("Pause").click()
    held, dots = player.moment, [dot.get_attribute("transform") for dot in player.dots.all()]
    player.frames(20)
    assert player.moment == held
    assert [dot.get_attribute("transform") for dot in player.dots.all()] == dots
    player.button("Play").click()
    player.wait_for(held + 1)
    player.button("Last").click()
    player.button("Play").click()
    player.wait_for(1)
    assert player.moment < 10


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
    expect(player.scrub).to_have_attribute("aria-valuetext", f"0.600 s, 10 of {player.length}")


def test_each_sentence_is_the_transcript_s_own(player: Player, troubled_bus: EventBus) -> None:
    """From the first step to the last, the sentence is the trace's line; the transcript below has all lines."""
    player.root.focus()
    sentences = []
    for _ in range(player.length):
        player.page.keyboard.press("ArrowRight")
        sentences.append(player.sentence.text_content())
    assert sentences == [moment.sentence for moment in moments_of(troubled_bus.trace)]
    player.root.get_by_text("Transcript").click()
    expect(player.root.locator("pre")).not_to_be_empty()
    assert player.root.locator("pre").text_content() == troubled_bus.trace.transcript()


def test_a_worker_that_is_down_is_shown_as_down(player: Player, troubled_bus: EventBus) -> None:
    """With a cross, not only with a colour, from the kill to the restart."""
    sentences = [moment.sentence.partition("s  ")[2] for moment in moments_of(troubled_bus.trace)]
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
    player.wait_for(6)
    assert len(player.page.evaluate("said")) == 1
    player.button("Pause").click()
    assert player.page.evaluate("said")[1:] == [player.sentence.text_content()]
    player.scrub.focus()
    player.page.keyboard.press("End")
    assert player.page.evaluate("said")[2:] == [player.sentence.text_content()]


def test_speed_is_speed(page: Watched, troubled_bus: EventBus, tmp_path: Path) -> None:
    """By a clock that the test turns: three seconds at normal speed are 0.75 seconds at four times the speed."""
    page.page.clock.install()
    player = saved(page, troubled_bus, tmp_path)
    reached = []
    for speed, seconds in (("1", 3), ("4", 0.75), ("2", 1.5)):
        player.button("First").click()
        player.speed.select_option(speed)
        player.button("Play").click()
        page.page.clock.run_for(round(seconds * 1000))
        reached.append(player.moment)
        player.button("Pause").click()
    assert reached[0] >= 3
    assert max(reached) - min(reached) <= 1  # a frame more or less


def test_who_wants_no_motion_gets_none(page: Watched, troubled_bus: EventBus, tmp_path: Path) -> None:
    """With reduced motion the run plays from picture to picture, and nothing flies."""
    page.page.clock.install()
    player = saved(page, troubled_bus, tmp_path)
    flying = []
    for preference in ("reduce", "no-preference"):
        page.page.emulate_media(reduced_motion=preference)
        player.button("First").click()
        player.button("Play").click()
        seen = []
        for _ in range(60):
            page.page.clock.run_for(50)
            seen.append(player.moving.count())
        assert player.moment >= 3
        flying.append(sum(seen))
        player.button("Pause").click()
    assert flying[0] == 0
    assert flying[1] > 0
