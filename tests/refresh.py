"""Execute the lessons and store what they print, so that a notebook can be read before it is run.

Run it with `uv run python tests/refresh.py`, or name the notebooks that you changed. A notebook is written only where
something changed; `--check` writes nothing, and ends with 1 where a refresh would have written.
"""

import argparse
import os
import re
import site
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# What an author decides about a cell. Everything else in a cell's metadata is a front end's own note and is dropped.
KEPT_CELL_METADATA = {"tags", "jupyter", "editable", "deletable"}
# JupyterLab shows the first line of a folded output, as source text and in this order of preference. That would be an
# answer or raw HTML, so a line with a single space goes before it; tests/nbval.cfg takes it away for the comparison.
FIRST_LINE = " \n"
SHOWN_WHEN_FOLDED = ["text/html", "text/markdown", "text/plain"]


def execute(notebook: NotebookNode, folder: Path, timeout: int = 60) -> None:
    """Run all cells in a kernel of this environment, the one in which nbval will compare the outputs."""
    manager = AsyncKernelManager(kernel_name=CURRENT_ENV_KERNEL_NAME, kernel_spec_manager=NbvalKernelspecManager())
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=timeout,
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(cleanup_kc=True, stderr=subprocess.DEVNULL)


def tidy(notebook: NotebookNode) -> NotebookNode:
    """Remove, in place, what changes from run to run or belongs to one machine; fold the cells tagged `fold`."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": {"name": "python"}})
    for number, cell in enumerate(notebook.cells, start=1):
        cell.setdefault("id", f"cell-{number}")
        cell.metadata = nbformat.from_dict(_tidy_metadata(cell))
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(_tidy_output, cell.outputs) if output.get("data") != {}]
            if cell.outputs and "outputs_hidden" in cell.metadata.get("jupyter", {}):
                _cover_first_line(cell.outputs[0])
    return notebook


def _tidy_metadata(cell: NotebookNode) -> dict[str, object]:
    metadata = {key: value for key, value in cell.metadata.items() if key in KEPT_CELL_METADATA}
    jupyter = {key: value for key, value in metadata.pop("jupyter", {}).items() if key != "outputs_hidden"}
    # A cell that shows nothing would show three dots when folded.
    if cell.cell_type == "code" and cell.outputs and "fold" in metadata.get("tags", []):
        jupyter["outputs_hidden"] = True
    return metadata | ({"jupyter": jupyter} if jupyter else {})


def _tidy_output(output: NotebookNode) -> NotebookNode:
    if "data" in output:
        # A stored view names a model that lives in no kernel: JupyterLab shows an error in its place, and prefers it
        # to the text beside it. Without it the text or the HTML is shown, and nbval compares just these.
        output.data.pop(WIDGET_VIEW, None)
    if "traceback" in output:
        output.traceback = [_shorten_paths(line) for line in output.traceback]
    return output


def _cover_first_line(output: NotebookNode) -> None:
    if output.output_type == "error":
        texts, key = output.traceback, 0
    elif output.output_type == "stream":
        texts, key = output, "text"
    else:
        texts = output.data
        key = next((mime for mime in SHOWN_WHEN_FOLDED if mime in texts), None)
    if key is not None and not texts[key].startswith(FIRST_LINE):
        texts[key] = FIRST_LINE + texts[key]


def _shorten_paths(text: str) -> str:
    """Leave of a path only the part below the project or below an installed package."""
    folders = [sysconfig.get_path("stdlib"), *site.getsitepackages(), str(NOTEBOOKS.parent)]
    home = str(Path.home())
    folders += [f"~{folder.removeprefix(home)}" for folder in folders if folder.startswith(home + os.sep)]
    for folder in sorted(folders, key=len, reverse=True):
        text = re.sub(re.escape(folder) + r"[\\/]", "", text)
    return text


def refreshed(path: Path) -> str:
    """Return the text that a refresh gives the notebook at `path`."""
    notebook = nbformat.read(path, as_version=4)
    execute(notebook, path.parent)
    tidy(notebook)
    nbformat.validate(notebook)
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh or check the notebooks; return 1 where one raised, or where `--check` found a stale one."""
    parser = argparse.ArgumentParser(description="Execute notebooks and store their outputs, tidied.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all of notebooks/")
    parser.add_argument("--check", action="store_true", help="write nothing; name the notebooks that are stale")
    options = parser.parse_args(arguments)
    paths = options.notebooks or sorted(NOTEBOOKS.glob("*.ipynb"))
    if not paths:
        parser.error(f"no notebook in {NOTEBOOKS}")
    failed = False
    for path in paths:
        if not path.is_file():
            parser.error(f"no such notebook: {path}")
        try:
            text = refreshed(path)
        except CellExecutionError as error:
            print(f"{path}: a cell raised\n{error}")
            failed = True
            continue
        if text == path.read_text(encoding="utf-8"):
            print(f"{path}: up to date")
        elif options.check:
            print(f"{path}: stale, refresh it")
            failed = True
        else:
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"{path}: refreshed")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
