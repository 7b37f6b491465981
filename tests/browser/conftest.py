"""One JupyterLab server and one browser for all tests of this folder, and pages that note what goes wrong in them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from browser.lab import NOTEBOOKS, Lab, browser_path, chromium, jupyterlab
from browser.lessons import Lesson
from browser.pages import Desk, Watched, opened
from browser.players import Player, saved
from browser.runs import troubled
from eda_lab import EventBus

FIRST_LESSONS = {"00_start_here", "01_from_calls_to_events"}
LESSONS = sorted(FIRST_LESSONS | {path.stem for path in NOTEBOOKS.glob("*.ipynb")})


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Give the browser. Without one the tests skip at home, and fail in CI."""
    path = browser_path()
    if path is None:
        reason = "no chromium, google-chrome or msedge on the path; set CHROMIUM to the browser's file"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with chromium(path) as started:
        yield started


@pytest.fixture(scope="package")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Give a server with copies of the lessons."""
    with jupyterlab(tmp_path_factory.mktemp("lab"), sorted(NOTEBOOKS.glob("*.ipynb"))) as started:
        yield started


@pytest.fixture(scope="package")
def whole_desk(browser: Browser, lab: Lab) -> Iterator[Desk]:
    """Give JupyterLab in the browser; starting it takes longer than most tests, so that they share it."""
    with opened(browser) as page:
        yield Desk(page.page, lab)


@pytest.fixture
def desk(whole_desk: Desk) -> Iterator[Desk]:
    """Give JupyterLab to one test; at its end, nothing may have gone wrong."""
    whole_desk.choose_theme("JupyterLab Light")
    with whole_desk.without_trouble():
        yield whole_desk


@pytest.fixture
def page(browser: Browser) -> Iterator[Watched]:
    """Give a page without JupyterLab; at its end, nothing may have gone wrong."""
    with opened(browser) as watched, watched.without_trouble():
        yield watched


@pytest.fixture(scope="session")
def troubled_bus() -> EventBus:
    """Give a run with every kind of trouble."""
    return troubled()


@pytest.fixture
def player(page: Watched, troubled_bus: EventBus, tmp_path: Path) -> Player:
    """Give a player of that run, saved as a page and opened from the disk."""
    return saved(page, troubled_bus, tmp_path)


@pytest.fixture(scope="package")
def lessons() -> dict[str, Lesson]:
    """Hold the lessons that were run: each is run once."""
    return {}


@pytest.fixture(scope="module", params=LESSONS)
def lesson(whole_desk: Desk, lessons: dict[str, Lesson], request: pytest.FixtureRequest) -> Iterator[Lesson]:
    """Give each lesson in turn: opened, looked at, then run from the top. At its end, nothing may have gone wrong."""
    name = request.param
    with whole_desk.without_trouble():
        if name in lessons:
            whole_desk.open(f"{name}.ipynb")
        else:
            lessons[name] = Lesson(whole_desk, name)
        yield lessons[name]
