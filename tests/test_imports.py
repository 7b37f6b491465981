"""The rooms of the library: who may import whom, how large a file may be, and what `import eda_lab` must not load."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import eda_lab

PACKAGE = Path(__file__).parent.parent / "eda_lab"

TRACE = "table columns conservation metrics routing trace"
LAB = "events wire clock faults delivery columns routing handlers attempt"
# A room is a file or a folder of eda_lab; beside it stand the rooms it may import. `errors` is open to all.
# Each may name only rooms above its own.
ROOMS = {
    "errors": "",
    "events": "",
    "wire": "events",
    "clock": "",
    "faults": "clock",
    "delivery": "events clock faults",
    "table": "",
    "columns": "events",
    "conservation": "table columns",
    "metrics": "table columns",
    "routing": "events",
    "trace": "events table columns conservation metrics routing",
    "roles": "table",
    "handlers": "events delivery roles",
    "attempt": "clock faults delivery handlers",
    "report": "events delivery",
    "direct_routes": "events delivery handlers report",
    "direct": "events delivery table routing handlers attempt report roles direct_routes",
    "lab": f"{LAB} table trace roles",
    "bus": f"{LAB} trace lab",
    "testing": "events delivery faults columns handlers lab bus",
    "store": "events wire delivery table routing handlers attempt roles",
    "effects": "clock faults",
    "overlay": "",
    "database": "overlay effects",
    "sqldatabase": "clock database effects",
    "kept": "events wire delivery",
    "inbox": "delivery handlers database sqldatabase kept",
    "erasing": "handlers database",
    "outbox": "events wire clock delivery database sqldatabase kept",
    "orders": "events",
    "order_history": "events orders",
    "producers": "events clock store",
    "consumers": "events delivery routing handlers store",
    "sourcing": "events wire delivery routing handlers store database sqldatabase",
    "saga": "events consumers store",
    "shop": "events clock trace roles orders consumers database effects",
    "live": f"events wire delivery {TRACE} consumers",
    "graphs": f"events {TRACE}",
    "plots": f"events graphs {TRACE}",
    "widgets": f"graphs plots {TRACE}",
}
ALLOWED = {room: {"errors", *others.split()} - {room} for room, others in ROOMS.items()}
# The course stands on everything, and so does the front door, which opens a room only when a name from it is asked for.
ALLOWED["course"] = ALLOWED["__init__"] = {*ROOMS, "course", "__init__"}

FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
HEAVY = {"matplotlib", "networkx", "ipywidgets", "asyncio", "sqlite3"}


def room_of(file: str) -> str:
    """Return the room of a file: "widgets" for "widgets/flow.py", "bus" for "bus.py"."""
    return file.split("/")[0].removesuffix(".py")


def rooms_imported(file: str, source: str) -> Iterator[str]:
    """Yield the rooms that a file imports anywhere: at its top, in a function, under TYPE_CHECKING."""
    rooms = {*map(room_of, FILES), *ALLOWED}
    package = ["eda_lab", *file.split("/")[:-1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*start, *filter(None, [node.module])])
            modules = [f"{module}.{alias.name}" for alias in node.names] if module == "eda_lab" else [module]
        else:
            continue
        for parts in (module.split(".") for module in modules):
            if parts[0] == "eda_lab":
                # What is no room is a name of the front door.
                yield parts[1] if len(parts) > 1 and parts[1] in rooms else "__init__"


def test_the_table_itself_only_looks_upwards() -> None:
    """A room may name only rooms that stand above it, so no two can come to need each other."""
    rooms = list(ROOMS)
    looking_down = {
        room: sorted(others)
        for room, others in ALLOWED.items()
        if room in ROOMS and others - set(rooms[: rooms.index(room)])
    }
    assert looking_down == {}


def test_each_file_has_a_row_in_the_table() -> None:
    """Whoever adds a file says in the table what it may know."""
    assert len(FILES) > 1
    assert {room_of(file) for file in FILES} - set(ALLOWED) == set()


@pytest.mark.parametrize("file", FILES)
def test_a_file_imports_only_what_its_row_allows(file: str) -> None:
    """Each file is read, not run: an import hidden in a function counts as one at the top."""
    room = room_of(file)
    imported = set(rooms_imported(file, (PACKAGE / file).read_text(encoding="utf-8")))
    assert imported - ALLOWED.get(room, set()) - {room} == set()


@pytest.mark.parametrize(
    ("file", "source", "rooms"),
    [
        ("bus.py", "import eda_lab.clock", ["clock"]),
        ("bus.py", "from eda_lab.clock import Clock, sleep", ["clock"]),
        ("bus.py", "from eda_lab import clock, Event", ["clock", "__init__"]),
        ("bus.py", "from . import clock", ["clock"]),
        ("bus.py", "from .clock import Clock", ["clock"]),
        ("widgets/flow.py", "from ..graphs import topology", ["graphs"]),
        ("widgets/flow.py", "from .panel import Panel", ["widgets"]),
        ("bus.py", "def run():\n    from eda_lab import plots", ["plots"]),
        ("bus.py", "if TYPE_CHECKING:\n    import eda_lab.plots as p", ["plots"]),
        ("bus.py", "import eda_labels, json\nfrom os import path", []),
    ],
)
def test_no_way_of_writing_an_import_goes_unseen(file: str, source: str, rooms: list[str]) -> None:
    """Whether absolute, relative, late or for the type checker only, an import of the library is found."""
    assert list(rooms_imported(file, source)) == rooms


@pytest.mark.parametrize("file", [file for file in FILES if not file.endswith("__init__.py")])
def test_a_file_is_small_enough_to_read_and_large_enough_to_matter(file: str) -> None:
    """A file has 40 to 250 lines; the list of errors may be shorter."""
    lines = len((PACKAGE / file).read_text(encoding="utf-8").splitlines())
    assert (1 if file == "errors.py" else 40) <= lines <= 250


def fresh(script: str) -> list[str]:
    """Return the list that a script ends with, evaluated in an interpreter that has loaded nothing yet."""
    *lines, last = script.splitlines()
    code = "\n".join(["import json, sys", *lines, f"print(json.dumps(list({last})))"])
    run = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_front_door_is_light() -> None:
    """Importing both buses loads no plotting, no widgets, no asyncio and no SQLite."""
    imports = "import eda_lab\nfrom eda_lab import Event, EventBus, DirectBus"
    loaded = set(fresh(f"before = set(sys.modules)\n{imports}\nset(sys.modules) - before"))
    assert "eda_lab.bus" in loaded
    assert loaded & HEAVY == set()


def test_every_public_name_is_there() -> None:
    """What `eda_lab.__all__` promises can be had."""
    names = eda_lab.__all__
    assert {"Event", "EventBus", "DirectBus"} <= set(names)
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(eda_lab, name)] == []


def test_completion_offers_names_that_are_not_loaded_yet() -> None:
    """In a notebook, the Tab key after `eda_lab.` finds every public name before its first use."""
    assert set(fresh("import eda_lab\ndir(eda_lab)")) >= set(eda_lab.__all__)
