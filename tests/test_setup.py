"""How the project is set up: one list of dependencies, README's commands in CI, nothing unnamed at the top.

What several files have to say alike is held together here, so that none of them is the only one to change.
"""

import ast
import fnmatch
import os
import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DEPENDENCIES = {Requirement(line).name: Requirement(line) for line in PROJECT["dependencies"]}
README = (ROOT / "README.md").read_text(encoding="utf-8")
GITIGNORE = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()

TOP_LEVEL = {
    *("notebooks", "eda_lab", "tests", "environment.yml", "README.md", "pyproject.toml", "LICENSE"),
    *("CHANGELOG.md", "CONTRIBUTING.md", ".ci", ".gitignore"),
}
# In pieces, so that this file does not hold what it looks for.
REGISTRY_HOSTS = [
    f"{name}.{end}"
    for name, end in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("anaconda", "org"),
        ("deb.debian", "org"),
    ]
]


def conda_environment() -> list[str | dict[str, list[str]]]:
    """Return the dependencies of environment.yml."""
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]


def project_files(root: Path) -> list[str]:
    """Return the project's own files: what git tracks, or, in a copy without git, what .gitignore does not name."""
    if (root / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
        return sorted(file for file in listed.split("\0") if file and (root / file).is_file())
    ignored = [line.rstrip("/") for line in GITIGNORE if line and not line.startswith("#")]
    files = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not any(fnmatch.fnmatch(name, pattern) for pattern in ignored)]
        kept = (name for name in names if not any(fnmatch.fnmatch(name, pattern) for pattern in ignored))
        files += [(Path(folder) / name).relative_to(root).as_posix() for name in kept]
    return sorted(file for file in files if file != "PKG-INFO")  # an unpacked source distribution has this one, too


def machine_paths(text: str) -> list[str]:
    """Return what names a folder of one machine: a home, a temporary folder, this very checkout."""
    here = "|".join(re.escape(str(folder)) + r"\b" for folder in (ROOT, Path.home()) if len(folder.parts) > 2)
    pattern = r"/(?:home|Users)/\w+|/(?:root|tmp|var/folders)/\w+|\b[A-Z]:[\\/]{1,2}Users\b"
    return re.findall(rf"(?<![\w.}}])(?:{pattern}{'|' + here if here else ''})", text)


def readme_commands() -> list[str]:
    """Return the two commands that README.md opens with, in order."""
    return re.findall(r"^```sh\n(.+)\n```$", README, flags=re.MULTILINE)[:2]


def test_conda_and_pip_get_the_same_packages_in_the_same_ranges() -> None:
    """environment.yml and pyproject.toml name the same five packages with the same ranges."""
    packages = {Requirement(line).name: Requirement(line) for line in conda_environment() if isinstance(line, str)}
    assert packages.pop("python").specifier == PROJECT["requires-python"]
    assert packages.pop("pip") == Requirement("pip")
    assert packages == DEPENDENCIES
    assert all(requirement.specifier for requirement in DEPENDENCIES.values())


def test_conda_installs_the_library_from_this_folder() -> None:
    """Conda leaves nothing to pip but the library itself."""
    assert [line for line in conda_environment() if isinstance(line, dict)] == [{"pip": ["-e ."]}]


@pytest.mark.parametrize("name", DEPENDENCIES)
def test_what_is_installed_lies_in_the_range(name: str) -> None:
    """The tests run on versions that the ranges allow, or they would say nothing about them."""
    assert version(name) in DEPENDENCIES[name].specifier


def test_what_is_installed_is_this_version() -> None:
    """The installed library, pyproject.toml and the newest section of the changelog agree on the version."""
    newest = re.search(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert newest is not None
    assert version("eda-lab") == PROJECT["version"] == newest[1]


def test_every_dependency_is_used() -> None:
    """Each package is imported by the library, but for the one that the lessons are opened in."""
    imported = set()
    for path in (ROOT / "eda_lab").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
    assert set(DEPENDENCIES) - imported == {"jupyterlab"}


def test_the_lock_file_stays_out_of_the_repository() -> None:
    """A lock file names the package hosts of the machine that made it, so git ignores it."""
    assert "uv.lock" in GITIGNORE
    assert "uv.lock" not in project_files(ROOT)


def test_nothing_else_lies_at_the_top() -> None:
    """A reader who opens the folder finds the lessons, not our tools."""
    top = {file.split("/")[0] for file in project_files(ROOT)}
    assert "pyproject.toml" in top
    assert top - TOP_LEVEL == set()


def test_a_copy_without_git_is_read_without_its_caches(tmp_path: Path) -> None:
    """In an unpacked archive the same rules hold: caches and environments do not count as files of the project."""
    for name in [
        "a.py",
        ".venv/b.py",
        "lib/c.py",
        "lib/__pycache__/d.pyc",
        "eda_lab.egg-info/e",
        "uv.lock",
        "PKG-INFO",
    ]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert project_files(tmp_path) == ["a.py", "lib/c.py"]


@pytest.mark.parametrize("file", project_files(ROOT))
def test_a_file_names_no_package_host_and_no_machine(file: str) -> None:
    """What works only where it was written is of no use to a reader."""
    text = (ROOT / file).read_text(encoding="utf-8", errors="replace")
    assert [host for host in REGISTRY_HOSTS if host in text.lower()] == []
    assert machine_paths(text) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("File /ho" + "me/ada/eda/bus.py, /Us" + "ers/ada", 2),
        ('"C:\\\\Us' + 'ers\\\\ada", C:\\Us' + "ers", 2),
        ("in /ro" + "ot/x or /t" + "mp/x", 2),
        (f"at {ROOT}/x", int(len(ROOT.parts) > 2)),
        ("https://example.com/home/x, ~/x, notebooks/x, a/root/b, /home, /tmp", 0),
    ],
)
def test_a_machine_path_is_recognised(text: str, count: int) -> None:
    """Homes, temporary folders and this checkout are found; addresses and relative paths are not."""
    assert len(machine_paths(text)) == count


def test_readme_opens_with_a_picture_and_two_commands() -> None:
    """The first thing to see is a run, described for those who cannot see it; then what to type."""
    picture = re.match(r"!\[(.{20,})\]\(([^)]+)\)\n", README)
    assert picture is not None
    assert (ROOT / picture[2]).is_file()
    lab, tests = readme_commands()
    assert lab.startswith("python -m pip install uv && python -m uv run jupyter lab ")
    assert (ROOT / lab.split()[-1]).is_file()
    assert tests == "python -m pip install uv && python -m uv run pytest"


def test_readme_points_only_at_what_exists() -> None:
    """Every relative link leads to a file, and every lesson has its row in the table."""
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []
    lessons = {path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {link for link in links if link.endswith(".ipynb")} == lessons


def test_powershell_readers_type_the_same() -> None:
    """The two-line form for a shell without `&&` is the first form, split."""
    split = re.findall(r"^```powershell\n(.+)\n(.+)\n```$", README, flags=re.MULTILINE)
    assert [" && ".join(lines) for lines in split] == readme_commands()


def run_ci(bench: Path, *, browser: bool, user: int, failing: str = "") -> tuple[int, list[str], str]:
    """Run .ci/run with stand-ins for its tools; return its exit code, their calls and its errors."""
    tools, calls = bench / "bin", bench / "calls"
    tools.mkdir()
    calls.touch()
    for tool in ["bash", "cp", "dirname", "sed"]:
        (tools / tool).symlink_to(
            next(Path(folder, tool) for folder in os.get_exec_path() if Path(folder, tool).exists())
        )
    log = f'[ "$CI" = true ] && [ -f pyproject.toml ] && echo "${{0##*/}} $*" >> {calls}'
    stand_ins = {
        "id": f"echo {user}",
        "python": f'{log} && [ "$*" != "{failing}" ]',
        "apt-get": f'{log} && if [ "$1" = install ]; then cp {tools}/id {tools}/chromium; fi',
    } | ({"chromium": "exit 0"} if browser else {})
    for name, body in stand_ins.items():
        (tools / name).write_text(f"#!{tools}/bash\n{body}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    run = subprocess.run(
        [ROOT / ".ci" / "run"],
        cwd=bench,
        env={"PATH": str(tools)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, calls.read_text(encoding="utf-8").splitlines(), run.stderr


CHECKS = [
    "python -m uv run ruff check",
    "python -m uv run ruff format --check",
    "python -m uv run mypy --strict eda_lab",
]
on_posix = pytest.mark.skipif(os.name != "posix", reason=".ci/run is a shell script")


@on_posix
def test_ci_runs_what_readme_says_and_then_the_linters(tmp_path: Path) -> None:
    """CI types README's own test command, word for word, from any folder and with CI set."""
    code, calls, _ = run_ci(tmp_path, browser=True, user=1000)
    assert calls == [*readme_commands()[1].split(" && "), *CHECKS]
    assert code == 0


@on_posix
def test_ci_installs_a_browser_where_it_may(tmp_path: Path) -> None:
    """As root on a machine without a browser, CI installs one first and then goes on."""
    code, calls, _ = run_ci(tmp_path, browser=False, user=0)
    assert calls[:2] == ["apt-get update", "apt-get install -y --no-install-recommends chromium fonts-dejavu-core"]
    assert calls[-1] == CHECKS[-1]
    assert code == 0


@on_posix
def test_ci_says_so_where_it_may_not_install_a_browser(tmp_path: Path) -> None:
    """Without a browser and without root, CI stops at once with one line that says what to do."""
    code, calls, errors = run_ci(tmp_path, browser=False, user=1000)
    assert (code, calls) == (1, [])
    assert len(errors.splitlines()) == 1
    assert "no chromium" in errors


@on_posix
@pytest.mark.parametrize(
    "failing", ["-m pip install uv", "-m uv run pytest", *(c.removeprefix("python ") for c in CHECKS)]
)
def test_ci_fails_with_any_of_its_steps(tmp_path: Path, failing: str) -> None:
    """No step's failure is swallowed, and nothing runs after it."""
    code, calls, _ = run_ci(tmp_path, browser=True, user=1000, failing=failing)
    assert code != 0
    assert calls[-1] == f"python {failing}"
