"""Pages that note what goes wrong in them, and a notebook in JupyterLab as a person meets it: opened, read and run."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from browser.lab import Lab
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Locator, Page, Request, Response, expect

__all__ = ["Notebook", "Watched"]

OURS = ("http://127.0.0.1:", "ws://127.0.0.1:", "file:", "data:", "blob:")
IDLE = "Python 3 (ipykernel) | Idle"
PROMPTS = ".jp-CodeCell .jp-InputArea-prompt"
ALL_RAN = """selector => [...document.querySelectorAll(selector)].every(prompt => /\\[[0-9]+\\]/.test(prompt.innerText))"""


class Watched:
    """A page, all that it asked for, and its troubles: errors, failed requests, requests to other hosts, dialogs."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.troubles: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.troubles.append(f"page error: {error}"))
        page.on("request", self._asked)
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)
        page.on("dialog", self._dialog)

    @classmethod
    @contextmanager
    def opened(cls, browser: Browser, **options: Any) -> Iterator["Watched"]:
        """Open a page of its own, with nothing of the pages before it; at the end see that there was no trouble."""
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 1000}, **options})
        context.set_default_timeout(30_000)
        try:
            watched = cls(context.new_page())
            yield watched
            assert watched.troubles == []
        finally:
            context.close()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.troubles.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)
        if not request.url.startswith(OURS):
            self.troubles.append(f"asked another host: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # what was under way when the page was left
            self.troubles.append(f"request failed: {request.url} ({request.failure})")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.troubles.append(f"answer {response.status}: {response.url}")

    def _dialog(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()


class Notebook:
    """A notebook that is open in JupyterLab, with a kernel that is ready."""

    def __init__(self, page: Page, lab: Lab, name: str) -> None:
        self.page = page
        page.goto(lab.address(name))
        page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)").wait_for()
        self.wait_until_idle()

    def wait_until_idle(self) -> None:
        """Wait for the status bar. (The sign in the toolbar says "idle" before there is a kernel.)"""
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text(IDLE, timeout=30_000)

    def run_all(self) -> None:
        """Choose Run All Cells in the menu, and wait until each has its number."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.wait_for_function(ALL_RAN, arg=PROMPTS)
        self.wait_until_idle()

    def cell(self, number: int) -> Locator:
        """Return a code cell, counted from 1."""
        return self.page.locator(".jp-CodeCell").nth(number - 1)

    def run(self, number: int) -> str:
        """Run one cell, as Ctrl+Enter does, and return what its output says."""
        cell = self.cell(number)
        prompt = cell.locator(".jp-InputArea-prompt")
        before = prompt.inner_text()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        expect(prompt).not_to_have_text(before)
        expect(prompt).to_have_text("[", use_inner_text=True) if False else None
        return cell.locator(".jp-Cell-outputArea").inner_text()
