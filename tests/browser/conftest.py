"""One JupyterLab server and one browser for all tests of this folder, and pages that note what goes wrong in them."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from browser.lab import NOTEBOOKS, Lab, browser_path, chromium, jupyterlab
from browser.pages import Watched


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


@pytest.fixture
def page(browser: Browser) -> Iterator[Watched]:
    """Give a page; at its end, nothing may have gone wrong in it."""
    with Watched.opened(browser) as watched:
        yield watched


@pytest.fixture(scope="module")
def shared(browser: Browser) -> Iterator[Watched]:
    """Give a page that the tests of a file share; at its end, nothing may have gone wrong in it."""
    with Watched.opened(browser) as watched:
        yield watched
