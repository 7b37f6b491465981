"""Every lesson as a learner meets it in JupyterLab: opened, read, run from the top, and played with."""

import re

import pytest
from playwright.sync_api import expect

from browser.axe import faults
from browser.lessons import Lesson, picture_of, wait_for_another_picture, words_of
from browser.pages import SHOWN, Desk

THEMES = ["JupyterLab Light", "JupyterLab Dark"]
# What is moved in a lesson's panel, and with which key; in any other lesson it is the panel's first control.
MOVES = {
    "00_start_here": ("pieces", "ArrowDown"),
    "01_from_calls_to_events": ("email down", "Space"),
    "02_events_and_producers": ("pattern", "ArrowDown"),
    "03_inside_the_bus": ("style", "ArrowDown"),
    "04_consumers": ("workers", "ArrowUp"),
    "05_delivery_guarantees": ("ack", "ArrowDown"),
    "06_idempotent_consumers": ("rate", "ArrowUp"),
    "07_retries_and_dead_letters": ("fix and redrive", "Space"),
    "08_event_store": ("position", "ArrowUp"),
    "09_testing": ("seed", "ArrowUp"),
    "10_outbox": ("way", "ArrowDown"),
    "13_event_sourcing": ("snapshot every", "ArrowDown"),
    "14_conflicts_and_read_models": ("expected", "Space"),
}
# Where all that the shop needs is done in the end, whatever was moved, the table says so before and after.
SAME_TABLE = {"02_events_and_producers", "04_consumers"}


def test_no_answer_is_seen_before_the_run(lesson: Lesson) -> None:
    """Opened, a lesson shows its question, and nothing of what came out below it."""
    folded = [bool(cell.outputs) and "fold" in cell.metadata.get("tags", []) for cell in lesson.stored]
    assert [seen["folded"] for seen in lesson.seen_before] == folded
    hidden = [seen for seen in lesson.seen_before if seen["folded"]]
    assert len(hidden) >= 5
    assert {(seen["text"], seen["pictures"]) for seen in hidden} == {("", 0)}
    asked = next(number for number, cell in enumerate(lesson.stored) if "predict(" in cell.source)
    assert lesson.seen_before[asked]["text"].count("\n  - ") >= 2


def test_all_cells_run_in_order(lesson: Lesson) -> None:
    """Run All Cells comes to the end, with the numbers 1, 2, 3, and without an error that is not part of the story."""
    assert lesson.prompts == [f"[{number}]:" for number in range(1, len(lesson.stored) + 1)]
    for number, cell in enumerate(lesson.stored, start=1):
        failed = lesson.cell(number).locator("[data-mime-type$='error'], [data-mime-type$='stderr']")
        assert failed.count() == int("raises-exception" in cell.metadata.get("tags", [])), cell.source


def test_outputs_unfold_when_they_are_run(lesson: Lesson) -> None:
    """What was folded lies open now, and each cell that has an output in the file has one on the page."""
    assert not any(seen["folded"] for seen in lesson.seen_after)
    for stored, seen in zip(lesson.stored, lesson.seen_after, strict=True):
        assert bool(stored.outputs) == bool(seen["text"] or seen["pictures"]), stored.source


def test_widgets_are_alive(lesson: Lesson) -> None:
    """The question, the player, the panel and the help are there to be used, not as an error or as still text."""
    for widget in (
        ".eda-predict select",
        ".eda-flow button",
        ".eda-panel input, .eda-panel select",
        ".eda-help button",
    ):
        expect(lesson.panel.locator(widget).first).to_be_visible()
    expect(lesson.panel.get_by_text("Error displaying widget")).to_have_count(0)


def test_a_moved_control_changes_picture_numbers_and_words(lesson: Lesson) -> None:
    """The keyboard moves a control of the panel; the picture, the table and what is said of the picture follow."""
    panel = lesson.controls
    name, key = MOVES.get(lesson.name, (None, "ArrowUp"))
    control = panel.get_by_label(name, exact=True) if name else panel.locator("input, select").first
    before, words = picture_of(panel), words_of(panel)
    table = panel.locator("table").first
    numbers = table.inner_text()
    control.focus()
    control.press(key)
    wait_for_another_picture(panel, before)
    assert words_of(panel) != words
    if lesson.name not in SAME_TABLE:
        expect(table).not_to_have_text(numbers, use_inner_text=True)
    assert panel.locator("[role=alert]").count() == 0


def test_time_runs_up_to_where_the_first_lesson_puts_it(desk: Desk, lessons: dict[str, Lesson]) -> None:
    """At 0.25 s, with two pieces in stock, the stock and the statistics are done, and the card is not yet charged."""
    lesson = lessons["00_start_here"]
    desk.open("00_start_here.ipynb")
    panel = lesson.controls
    for name, value in (("pieces", "2"), ("until", "0.25")):
        panel.get_by_label(name, exact=True).fill(value)
        panel.get_by_label(name, exact=True).press("Enter")
    expect(panel.locator("figure img").first).to_have_attribute("alt", re.compile(r"in 0\.25 s: 2 done, 3 in"))
    expect(panel.locator("table").first.locator("tbody tr")).to_have_text(
        [
            "pieces reserved22",
            "cards charged10, differs",
            "e-mails sent10, differs",
            "parcels requested10, differs",
            "orders counted11",
        ]
    )
    assert "0 to 0.25 s: payment, order_placed 1: in flight" in words_of(panel)


def test_what_is_typed_stays_as_it_was_typed(desk: Desk, lessons: dict[str, Lesson]) -> None:
    """The slider beside the field follows it, and does not answer with 0.25000000000000006."""
    desk.open("00_start_here.ipynb")
    lesson = lessons["00_start_here"]
    panel = lesson.controls
    field = panel.get_by_label("until", exact=True)
    for value in ("0.1", "0.25", "0.35"):
        before = picture_of(panel)
        field.fill(value)
        field.press("Enter")
        wait_for_another_picture(panel, before)
        lesson.run(len(lesson.stored))  # once a cell has run, any answer of the slider has been here and there
        assert field.input_value() == value


def test_the_slider_and_its_field_move_together(desk: Desk, lessons: dict[str, Lesson]) -> None:
    """Home, End and the arrows on a slider set the field beside it and run the scenario."""
    desk.open("00_start_here.ipynb")
    panel = lessons["00_start_here"].controls
    field, slider = panel.get_by_label("until", exact=True), panel.get_by_role("slider").first
    slider.focus()
    slider.press("End")
    expect(field).to_have_value("0.6")
    expect(panel.locator("table").first).not_to_contain_text("differs")
    slider.press("Home")
    expect(field).to_have_value("0")
    expect(panel.locator("table").first.get_by_text("differs")).to_have_count(5)
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    expect(field).to_have_value("0.1")
    expect(panel.locator("table").first.get_by_text("differs")).to_have_count(4)
    expect(panel.locator("table tbody tr").last).to_have_text("orders counted11")
    field.fill("0.6")
    field.press("Enter")
    expect(slider).to_have_attribute("aria-valuenow", "0.6")


def test_a_guess_stands_in_the_table(desk: Desk, lessons: dict[str, Lesson]) -> None:
    """A guess that is chosen with the keyboard is noted, and stands beside what happened once the cells are run."""
    desk.open("00_start_here.ipynb")
    lesson = lessons["00_start_here"]
    question = lesson.panel.locator(".eda-predict")
    question.get_by_label("Your guess:").focus()
    question.get_by_label("Your guess:").press("ArrowDown")
    expect(question).to_contain_text("Noted. Now run on, and compare.")
    asked, table, answer = (
        next(number for number, cell in enumerate(lesson.stored, 1) if text in cell.source)
        for text in ("predict(", "reconcile(", "reveal()")
    )
    assert asked < table < answer
    assert "Your guess" in lesson.run(table)
    expect(lesson.cell(table).locator("tbody tr").last).to_have_text("services named in the checkout00none")
    assert "Your guess: none. That is what happened." in lesson.run(answer)


def test_a_hint_and_a_solution_come_with_a_click_each(desk: Desk, lessons: dict[str, Lesson]) -> None:
    """A hint says more with each click, three times; the solution is code."""
    desk.open("00_start_here.ipynb")
    hint, solution = lessons["00_start_here"].panel.locator(".eda-help").all()
    assert "Hint" not in hint.inner_text()
    for number in (1, 2, 3):
        hint.get_by_role("button").press("Enter")
        expect(hint.locator("pre")).to_have_count(number)
        expect(hint.locator("pre").last).to_contain_text(f"Hint {number} of 3")
    expect(hint.get_by_role("button")).to_be_disabled()
    solution.get_by_role("button").click()
    expect(solution).to_contain_text("def solution(bus")


@pytest.mark.parametrize("theme", THEMES)
def test_a_lesson_s_outputs_have_no_fault(desk: Desk, lesson: Lesson, theme: str) -> None:
    """Each output of each lesson, the widgets among them."""
    desk.choose_theme(theme)
    for ours in (".eda-predict", ".eda-flow", ".eda-panel", ".eda-help"):
        assert lesson.panel.locator(ours).count() > 0
    assert faults(desk.page, f"{SHOWN} .jp-Cell-outputArea") == []


def test_a_slider_has_a_field_beside_it(desk: Desk, lesson: Lesson) -> None:
    """What excuses the slider that has no name: a field that has one, in the same row."""
    for slider in lesson.panel.locator(".widget-slider").all():
        field = slider.locator("xpath=..").get_by_role("spinbutton")
        assert field.count() == 1
        assert field.evaluate("field => field.labels[0].innerText")
