"""A lesson in JupyterLab: what stands in its file, what a reader sees of it before the run and after, and its panel."""

from typing import Any

import nbformat
from nbformat import NotebookNode
from playwright.sync_api import Locator

from browser.pages import Desk, Notebook

__all__ = ["Lesson", "picture_of", "rows_of", "wait_for_another_picture", "words_of"]

SEEN = """cells => cells.map(cell => {
    const output = cell.querySelector(".jp-Cell-outputWrapper");
    return { text: output.innerText.trim(), folded: !!output.querySelector(".jp-OutputPlaceholder"),
             pictures: output.querySelectorAll("img, svg.eda-flow-svg").length };
})"""


class Lesson(Notebook):
    """A lesson that was opened, looked at, and then run from the top."""

    def __init__(self, desk: Desk, name: str) -> None:
        self.name = name
        notebook = nbformat.read(desk.lab.root / f"{name}.ipynb", as_version=4)
        self.stored: list[NotebookNode] = [cell for cell in notebook.cells if cell.cell_type == "code"]
        super().__init__(desk.open(f"{name}.ipynb").page)
        cells = self.panel.locator(".jp-CodeCell")
        self.seen_before: list[dict[str, Any]] = cells.evaluate_all(SEEN)
        self.run_all()
        self.prompts = cells.locator(".jp-InputArea-prompt").all_inner_texts()
        self.seen_after: list[dict[str, Any]] = cells.evaluate_all(SEEN)

    @property
    def controls(self) -> Locator:
        """The lesson's panel."""
        return self.panel.locator(".eda-panel").first


def rows_of(panel: Locator) -> list[list[str]]:
    """Return the rows of a panel's table, without its head."""
    rows: list[list[str]] = panel.locator("table").first.evaluate(
        "table => [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.innerText))"
    )
    return rows


def picture_of(panel: Locator) -> str:
    """Return a panel's first picture, as the data in its address."""
    return panel.locator("figure img").first.get_attribute("src") or ""


def words_of(panel: Locator) -> str:
    """Return the text that says what a panel's first picture shows."""
    return panel.locator("figcaption").first.text_content() or ""


def wait_for_another_picture(panel: Locator, before: str) -> None:
    """Wait until a panel shows another picture than before."""
    changed = "([panel, before]) => panel.querySelector('figure img').getAttribute('src') !== before"
    panel.page.wait_for_function(changed, arg=[panel.element_handle(), before])
