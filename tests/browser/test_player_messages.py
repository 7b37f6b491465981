"""The messages of a played run: their stories, by mouse, by keyboard and by number, and what they may hold."""

import re
from pathlib import Path

from playwright.sync_api import expect

from browser.pages import Watched
from browser.players import Player, saved
from browser.runs import HOSTILE, hostile, moments_of
from eda_lab import EventBus


def test_a_message_tells_its_story(player: Player, troubled_bus: EventBus) -> None:
    """A click lights up a message and those it led to; the others fade. A second click lets it go."""
    player.go(
        [moment.sentence for moment in moments_of(troubled_bus.trace)].index(
            "0.800 s  shipping started payment_captured checkout-1/payment.1"
        )
        + 1
    )
    caused = player.root.get_by_role("button", name="message 3, payment_captured, is being worked on")
    caused.click()
    expect(player.story).to_contain_text("Message 3 payment_captured")
    expect(player.story).to_contain_text("It comes from 1 order_placed. It led to no other message.")
    families = {dot.text_content(): dot.get_attribute("data-family") for dot in player.dots.all()}
    assert families["3"] == "in"
    assert families["2"] == "out"
    expect(player.number).to_have_value("3")
    caused.click()
    expect(player.story).to_be_empty()
    assert {dot.get_attribute("data-family") for dot in player.dots.all()} == {""}


def test_messages_can_be_reached_and_chosen_by_keyboard(player: Player) -> None:
    """Arrow down walks through the messages, Enter tells the story.

    Stepping on, the keyboard stays with its message, and with the player where that one is gone.
    """
    player.button("Step").focus()
    player.page.keyboard.press("Enter")
    player.page.keyboard.press("ArrowDown")
    focused = player.root.locator(".eda-dot:focus")
    expect(focused).to_have_attribute("aria-label", "message 1, order_placed, waits in the queue")
    player.page.keyboard.press("Enter")
    expect(player.story).to_contain_text("Message 1 order_placed, id 1. It led to 3 payment_captured.")
    for key, message in (("ArrowDown", 1), ("ArrowDown", 1), ("ArrowUp", 1)):
        player.page.keyboard.press(key)
        expect(focused).to_have_attribute("aria-label", re.compile(f"^message {message},"))
    in_sight = True
    for moment in range(2, player.length + 1):
        player.page.keyboard.press("ArrowRight")
        assert player.moment == moment
        in_sight = in_sight and player.root.locator("[aria-label^='message 1,']:visible").count() > 0
        holder = (
            focused.and_(player.page.locator("[aria-label^='message 1,']"))
            if in_sight
            else player.page.locator(".eda-flow:focus")
        )
        expect(holder).to_have_count(1)
    assert not in_sight


def test_a_story_can_be_asked_for_by_number(player: Player) -> None:
    """A number shows the story of that message; one that is not there gets a hint."""
    player.number.fill("3")
    player.number.press("Enter")
    expect(player.story).to_contain_text("Message 3 payment_captured")
    player.number.fill("99")
    player.number.press("Enter")
    expect(player.story).to_have_text("There is no such message: give a number from 1 to 8.")
    player.number.fill("")
    player.number.press("Enter")
    expect(player.story).to_be_empty()


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
