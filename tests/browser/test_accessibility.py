"""Our widgets and all outputs of the lessons, as axe-core sees them, in both themes of JupyterLab."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from browser.lessons import Lesson
from browser.pages import SHOWN, Desk, Watched
from browser.players import saved
from browser.runs import troubled

THEMES = ["JupyterLab Light", "JupyterLab Dark"]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# The slider of ipywidgets has no accessible name, and Python cannot give it one. Beside each stands a number field that
# has a name and does the same. So this one rule is left out for these nodes, and for no others.
NAMELESS_SLIDER = "aria-input-field-name", "noUi-handle"


def faults(page: Page, *selectors: str) -> list[str]:
    """Return what axe-core finds in these parts of a page, but for the one fault that is known."""
    context: Any = {"include": [[selector] for selector in selectors]} if selectors else None
    found = Axe().run(page, context, {"runOnly": RULES, "resultTypes": ["violations"]}).response
    assert len(found["passes"]) >= 5  # it has looked at something
    return [
        f"{violation['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for violation in found["violations"]
        for node in violation["nodes"]
        if not (violation["id"] == NAMELESS_SLIDER[0] and NAMELESS_SLIDER[1] in node["html"])
    ]


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_saved_page_has_no_fault(page: Watched, tmp_path: Path, scheme: Any) -> None:
    """The page of `save_html`, all of it, with its transcript open and a story told."""
    page.page.emulate_media(color_scheme=scheme)
    player = saved(page, troubled(), tmp_path)
    player.go(20)
    player.number.fill("3")
    player.number.press("Enter")
    player.root.get_by_text("Transcript").click()
    assert faults(page.page) == []
