"""What axe-core finds on a page."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

__all__ = ["faults"]

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
