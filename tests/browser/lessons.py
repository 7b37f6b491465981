"""A lesson in JupyterLab: what stands in its file, what a reader sees of it before the run, and its panel."""

from typing import Any

import nbformat
from browser.lab import NOTEBOOKS
from browser.pages import Desk, Notebook
from nbformat import NotebookNode
from playwright.sync_api import Locator

__all__ = ["Lesson", "picture_of", "rows_of", "words_of"]

SEEN = """cells => cells.map(cell => {
    const output = cell.querySelector(".jp-Cell-outputWrapper");
    return { text: output.innerText.trim(), folded: !!output.querySelector(".jp-OutputPlaceholder"),
             pictures: output.querySelectorAll("img, canvas").length };
})"""


class Lesson(Notebook):
    """A lesson that was opened, looked at, and then run from the top, once in a session."""

    run_before: dict[str, "Lesson"] = {}  # noqa: RUF012 - one for all: what a session has open

    def __init__(self, notebook: Notebook, name: str) -> None:
        super().__init__(notebook.page)
        self.name = name
        self.stored: list[NotebookNode] = [
            cell for cell in nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells if cell.cell_type == "code"
        ]
        self.seen_before: list[dict[str, Any]] = self.panel.locator(".jp-CodeCell").evaluate_all(SEEN)
        self.run_all()
        self.seen_after: list[dict[str, Any]] = self.panel.locator(".jp-CodeCell").evaluate_all(SEEN)
