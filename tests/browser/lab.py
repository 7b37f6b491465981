"""A JupyterLab server and a Chromium of our own: they see nothing of who runs the tests, and end with them."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

import matplotlib as mpl
import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, sync_playwright

__all__ = ["NOTEBOOKS", "Lab", "browser_path", "chromium", "jupyterlab", "write_notebook"]

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NAMES = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge", "microsoft-edge"
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60  # seconds in which the server has to answer; it takes 3 or 4
SETTINGS: Mapping[str, Mapping[str, object]] = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # else cells that are out of sight are not in the page
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
}


class Lab(NamedTuple):
    """Where the server answers, and the folder that it serves."""

    base: str
    token: str
    root: Path

    @property
    def address(self) -> str:
        """Where JupyterLab opens, having forgotten what was open before."""
        return f"{self.base}/lab?token={self.token}&reset"

    def ask(self, path: str, method: str = "GET") -> bytes:
        """Ask the server's own interface."""
        request = urllib.request.Request(
            f"{self.base}/api/{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bytes(answer.read())


def browser_path() -> str | None:
    """Return the browser named by the environment variable CHROMIUM, else the first one on the path, if any."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


def is_root() -> bool:
    """Whether this runs as root, as it does in a container; Windows knows no such thing."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """Start a browser without a window, and end it."""
    flags = [*FLAGS, *(["--no-sandbox"] if is_root() else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=flags)
        try:
            yield browser
        finally:
            browser.close()


def write_settings(folder: Path, settings: Mapping[str, Mapping[str, object]]) -> None:
    """Write user settings as JupyterLab reads them."""
    for name, values in settings.items():
        file = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")


def surroundings(home: Path) -> dict[str, str]:
    """Return an environment in which a server and its kernels find, and leave, nothing outside of a folder."""
    folders = {
        "HOME": "home",
        "USERPROFILE": "home",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    for folder in folders.values():
        (home / folder).mkdir(exist_ok=True)
    more = {
        "MPLCONFIGDIR": mpl.get_configdir(),  # the list of this machine's fonts takes seconds to make
        "PYTHONPATH": str(Path(__file__).parents[1]),  # so that cells can import the runs of these tests
    }
    own = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "EDA_LAB", "XDG_"))}
    return {**own, **more, **{name: str(home / folder) for name, folder in folders.items()}}


@contextmanager
def jupyterlab(home: Path, notebooks: Sequence[Path]) -> Iterator[Lab]:
    """Start a server on copies of these notebooks in a folder below `home`, wait for it, and end it."""
    root = home / "lessons"
    root.mkdir()
    for notebook in notebooks:
        shutil.copy(notebook, root)
    environment = surroundings(home)
    write_settings(home / "settings", SETTINGS)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lab = Lab(f"http://127.0.0.1:{port}", secrets.token_hex(16), root)
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
        *("--ServerApp.port_retries=0", f"--IdentityProvider.token={lab.token}", f"--ServerApp.root_dir={root}"),
        *("--ServerApp.terminals_enabled=False", *(["--allow-root"] if is_root() else [])),
    ]
    with (home / "server.log").open("w", encoding="utf-8") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=root)
        try:
            wait_for(lab, server, home / "server.log")
            yield lab
        finally:
            server.terminate()  # and with it its kernels
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def wait_for(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers; raise `RuntimeError` with its last words where it does not."""
    last = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < last:
        try:
            lab.ask("status")
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("JupyterLab did not start: " + log.read_text(encoding="utf-8")[-2000:])


def write_notebook(lab: Lab, name: str, cells: Sequence[str]) -> str:
    """Write a notebook with these cells, not yet run, where the server finds it; return its name."""
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    nbformat.write(notebook, lab.root / name)
    return name
