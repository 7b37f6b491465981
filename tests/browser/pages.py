"""Pages that note what goes wrong in them, and JupyterLab as a person meets it: notebooks are opened, read and run."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Locator, Page, Request, Response, expect

from browser.lab import Lab

__all__ = ["Desk", "Notebook", "Watched", "opened"]

OURS = ("http://127.0.0.1:", "ws://127.0.0.1:", "file:", "data:", "blob:")
SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden)"
CONNECTED = """async path => (await (await fetch("/api/sessions")).json())
    .some(session => session.path === path && session.kernel.connections > 0)"""
RAN = """shown => {
    const prompts = [...document.querySelectorAll(`${shown} .jp-CodeCell .jp-InputArea-prompt`)];
    const error = document.querySelector(`${shown} [data-mime-type$="jupyter.error"]`);
    if (prompts.every(prompt => /\\[[0-9]+\\]/.test(prompt.innerText))) return "ran";
    return error && !prompts.some(prompt => prompt.innerText.includes("*")) ? error.innerText : "";
}"""


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

    @contextmanager
    def without_trouble(self) -> Iterator[None]:
        """See at the end that nothing went wrong inside."""
        before = len(self.troubles)
        yield
        assert self.troubles[before:] == []

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


@contextmanager
def opened(browser: Browser, **options: Any) -> Iterator[Watched]:
    """Open a page of its own, with nothing of the pages before it, and close it."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 1000}, **options})
    context.set_default_timeout(20_000)
    try:
        yield Watched(context.new_page())
    finally:
        context.close()


class Notebook:
    """A notebook that is open in JupyterLab and in front, with a kernel that is ready."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.panel = page.locator(SHOWN)

    def cell(self, number: int) -> Locator:
        """Return a code cell, counted from 1."""
        return self.panel.locator(".jp-CodeCell").nth(number - 1)

    def run_all(self) -> None:
        """Choose Run All Cells in the menu, and wait until each has its number, or one failed and broke it off."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        assert self.page.wait_for_function(RAN, arg=SHOWN).json_value() == "ran"

    def run(self, number: int) -> str:
        """Run one cell, as Ctrl+Enter does, and return what its output says."""
        cell = self.cell(number)
        prompt = cell.locator(".jp-InputArea-prompt")
        before = prompt.inner_text()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_function(
            "([prompt, before]) => /[0-9]/.test(prompt.innerText) && prompt.innerText !== before",
            arg=[prompt.element_handle(), before],
        )
        return "\n".join(cell.locator(".jp-OutputArea-output").all_inner_texts()).strip()


class Desk(Watched):
    """JupyterLab in one page, with its notebooks side by side in tabs."""

    def __init__(self, page: Page, lab: Lab) -> None:
        super().__init__(page)
        self.lab = lab
        page.goto(lab.address)
        page.locator(".jp-DirListing-item").first.wait_for()

    def open(self, name: str) -> Notebook:
        """Open a notebook from the list of files, or bring it to the front, and wait for its kernel."""
        listed = self.page.locator(".jp-DirListing-item", has=self.page.get_by_text(name, exact=True))
        if not listed.is_visible():
            self.page.get_by_role("button", name="Refresh the file browser").click()
        listed.dblclick()
        expect(self.page.locator(".lm-TabBar-tab.jp-mod-current")).to_contain_text(name)
        self.page.wait_for_function(CONNECTED, arg=name)
        self.wait_until_idle()
        return Notebook(self.page)

    def wait_until_idle(self) -> None:
        """Wait for the status bar; the sign in the toolbar says "idle" even before there is a kernel."""
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text("Python 3 (ipykernel) | Idle", timeout=20_000)

    def choose_theme(self, theme: str) -> None:
        """Choose JupyterLab Light or JupyterLab Dark in the menu, and wait until it is there."""
        chosen = self.page.locator(f"body[data-jp-theme-name='{theme}']")
        if chosen.count():
            return
        self.page.get_by_role("menuitem", name="Settings", exact=True).click()
        self.page.locator(".lm-Menu-item[data-type=submenu]").get_by_text("Theme", exact=True).hover()
        self.page.locator(".lm-Menu-item").get_by_text(theme, exact=True).click()
        chosen.wait_for(state="attached")
