"""The page of `save_html`, as axe-core sees it. What it sees of the lessons is in `test_lessons`."""

from pathlib import Path
from typing import Any

import pytest

from browser.axe import faults
from browser.pages import Watched
from browser.players import saved
from browser.runs import troubled


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
