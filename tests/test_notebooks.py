"""The lessons' form: executed in order, readable before they are run, described for those who cannot see a picture.

Whether what they print is true is tested by nbval, which runs each cell again and compares.
"""

import copy
import re
import statistics
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
import refresh
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbval.plugin import get_sanitize_patterns
from test_setup import machine_paths

ROOT = Path(__file__).parent.parent
LESSONS = {path.stem: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
FIRST_LESSONS = {"00_start_here", "01_from_calls_to_events"}
OPENING = {
    "title": r"\A# \S",
    "goals": r"\*\*Goals?\b",
    "minutes": r"\*\*Minutes\b.*\d|\*\*\d+ (to \d+ )?minutes\b",
    "prerequisites": r"\*\*(You need first|Needed first|Prerequisites?)\b",
    "new terms": r"\*\*New (terms|words)\b",
}
LONGEST_SENTENCE = 28  # words; the aim is 20


@pytest.fixture(scope="module", params=sorted(FIRST_LESSONS | set(LESSONS)))
def lesson(request: pytest.FixtureRequest) -> NotebookNode:
    """Give each lesson in turn, as it is stored."""
    return nbformat.read(ROOT / "notebooks" / f"{request.param}.ipynb", as_version=4)


def code_cells(lesson: NotebookNode) -> list[NotebookNode]:
    """Return the code cells, from the top."""
    return [cell for cell in lesson.cells if cell.cell_type == "code"]


def prose(lesson: NotebookNode) -> str:
    """Return the text of all markdown cells, without code blocks."""
    cells = (cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    return re.sub(r"^(```|~~~).*?^\1", "", "\n\n".join(cells), flags=re.DOTALL | re.MULTILINE)


def tags(cell: NotebookNode) -> list[str]:
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


class Pictures(HTMLParser):
    """The pictures of an HTML text: the alt text of each image, the number of figures and their captions."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.alts: list[str] = []
        self.figures = 0
        self.captions: list[str] = []
        self._in_caption = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an image, a figure or the beginning of a caption."""
        if tag == "img":
            self.alts.append((dict(attrs).get("alt") or "").strip())
        elif tag == "figure":
            self.figures += 1
        elif tag == "figcaption":
            self.captions.append("")
            self._in_caption = True

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a caption."""
        if tag == "figcaption":
            self._in_caption = False

    def handle_data(self, data: str) -> None:
        """Collect the words of a caption."""
        if self._in_caption:
            self.captions[-1] += data.strip()

    def undescribed(self) -> list[str]:
        """Name what a reader who does not see the pictures would miss."""
        missing = ["an image without alt text" for alt in self.alts if not alt]
        if self.figures != len([caption for caption in self.captions if caption]):
            missing.append("a figure without a caption")
        return missing


def undescribed_pictures(outputs: list[NotebookNode]) -> list[str]:
    """Name the pictures among the outputs that are not described in words."""
    missing = []
    for output in outputs:
        data = output.get("data", {})
        pictures = Pictures(data.get("text/html", ""))
        missing += pictures.undescribed()
        if {"image/png", "image/jpeg", "image/svg+xml"} & set(data) and not pictures.alts:
            missing.append("a bare picture")
    return missing


def unfolded_outputs(lesson: NotebookNode) -> list[str]:
    """Return the cells below the prediction whose output lies open and so gives the answer away."""
    predicted = False
    question: int | None = None
    unfolded = []
    tagged = any("predict" in tags(cell) for cell in lesson.cells)
    for index, cell in enumerate(lesson.cells):
        if cell.cell_type == "markdown" and re.search(r"^#+ .*\bpredict", cell.source, re.IGNORECASE | re.MULTILINE):
            predicted = True
        elif cell.cell_type == "code" and question is not None:
            if cell.outputs and not cell.metadata.get("jupyter", {}).get("outputs_hidden"):
                unfolded.append(cell.source)
        elif cell.cell_type == "code" and ("predict" in tags(cell) if tagged else predicted):
            question = index
    return unfolded if question is not None else ["no prediction is asked for"]


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a markdown text; a heading, an item of a list and a field of a table end one, too."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)|<!--.*?-->", " ", text, flags=re.DOTALL)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"</?(?:p|li|td|th|tr|div|summary|details|h\d|br|figcaption)\b[^>]*>", "\n\n", text)
    text = re.sub(r"<[^>]+>", " ", text)
    text = re.sub(r"`[^`]*`", "code", text)
    text = re.sub(r"^[ \t]*#+[ \t]+(.*)$", r"\n\1\n", text, flags=re.MULTILINE)
    text = re.sub(r"^[ \t]*(?:[-*+]|\d+[.)]|>)[ \t]+", "\n", text, flags=re.MULTILINE)
    text = re.sub(r"(?<=\|)\s*\n|\|", "\n\n", text)
    for paragraph in re.split(r"\n\s*\n", text):
        for sentence in re.split(r"(?<=[.!?])[*_)\"'”]*\s+", paragraph):
            if re.search(r"\w", sentence):
                yield " ".join(sentence.split())


def test_the_first_lessons_are_there() -> None:
    """The lessons that README.md names exist, so that what follows looks at something."""
    assert set(LESSONS) >= FIRST_LESSONS


def test_a_lesson_was_run_once_from_top_to_bottom(lesson: NotebookNode) -> None:
    """The cells were executed in order and none was left out: nbval does not compare a cell that never ran."""
    cells = code_cells(lesson)
    assert cells
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def test_a_lesson_is_stored_as_a_refresh_stores_it(lesson: NotebookNode) -> None:
    """No widget state, no times, kernel python3; outputs folded where a cell is tagged `fold`, and only there."""
    assert "widgets" not in lesson.metadata
    assert lesson.metadata.kernelspec.name == "python3"
    assert refresh.tidy(copy.deepcopy(lesson)) == lesson


def test_a_lesson_raises_only_where_it_means_to(lesson: NotebookNode) -> None:
    """An error among the outputs is one that the lesson announces."""
    raising = [cell for cell in code_cells(lesson) if any(output.output_type == "error" for output in cell.outputs)]
    assert [cell.source for cell in raising if "raises-exception" not in tags(cell)] == []


def test_the_cells_are_short(lesson: NotebookNode) -> None:
    """A cell holds one idea: 15 lines at most, and half of them 5 or fewer."""
    lengths = [len(cell.source.splitlines()) for cell in code_cells(lesson)]
    assert max(lengths) <= 15
    assert statistics.median(lengths) <= 5


def test_every_picture_is_described(lesson: NotebookNode) -> None:
    """Each image has an alt text, each figure a caption, and no picture stands without its HTML."""
    assert [missing for cell in code_cells(lesson) for missing in undescribed_pictures(cell.outputs)] == []
    assert Pictures(prose(lesson)).undescribed() == []
    assert re.findall(r"!\[\s*\]\([^)]*\)", prose(lesson)) == []


def test_every_picture_file_is_there(lesson: NotebookNode) -> None:
    """A picture that the text shows lies beside the lesson."""
    files = re.findall(r"!\[[^\]]*\]\(([^)\s]+)|<img\b[^>]*\bsrc=[\"']([^\"']+)", prose(lesson))
    local = [a or b for a, b in files if not (a or b).startswith(("data:", "http"))]
    assert [file for file in local if not (ROOT / "notebooks" / file).is_file()] == []


@pytest.mark.parametrize("part", OPENING)
def test_the_opening_cell_says_what_comes(lesson: NotebookNode, part: str) -> None:
    """A reader knows from the first cell what the lesson is about, what it takes and which words are new."""
    opening = lesson.cells[0]
    assert opening.cell_type == "markdown"
    assert re.search(OPENING[part], opening.source, re.IGNORECASE)


def test_the_sections_count(lesson: NotebookNode) -> None:
    """Six headings say where the reader is: 1 of 6 to 6 of 6, in order."""
    headings = re.findall(r"^#+ .*", prose(lesson), flags=re.MULTILINE)
    counts = [count for heading in headings for count in re.findall(r"\b\d+ of \d+\b", heading)]
    assert counts == [f"{number} of 6" for number in range(1, 7)]


def test_no_output_gives_the_answer_away(lesson: NotebookNode) -> None:
    """Whoever opens a lesson sees no result below the prediction until the cell is run."""
    assert unfolded_outputs(lesson) == []


def test_the_outputs_are_the_same_on_every_machine(lesson: NotebookNode) -> None:
    """No output holds a path of a machine or the address of an object."""
    text = "\n".join(nbformat.writes(new_notebook(cells=[cell])) for cell in code_cells(lesson) if cell.outputs)
    assert machine_paths(text) == []
    assert re.findall(r"\bat 0x[0-9a-fA-F]+", text) == []


def test_the_sentences_are_short(lesson: NotebookNode) -> None:
    """Readers whose English is new can follow: no sentence has more than 28 words."""
    found = list(sentences(prose(lesson)))
    assert found
    assert [sentence for sentence in found if len(sentence.split()) > LONGEST_SENTENCE] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two three!\nFour", ["One.", "Two three!", "Four"]),
        ("# Head\nbody goes\non", ["Head", "body goes on"]),
        ("- one\n- two\n  goes on", ["one", "two goes on"]),
        ("1. one\n2. two", ["one", "two"]),
        ("| a | b |\n|---|---|\n| c d | e |", ["a", "b", "c d", "e"]),
        ("See [the page](https://a.b/c) and `x = 1 + 2`.", ["See the page and code."]),
        ("<details><summary>Why</summary>So **it** is.</details>", ["Why", "So **it** is."]),
        ("**Bold end.** Next (an aside.) Last", ["**Bold end.", "Next (an aside.", "Last"]),
    ],
)
def test_text_is_cut_into_sentences(text: str, expected: list[str]) -> None:
    """The rule about sentences reads markdown as a reader sees it."""
    assert list(sentences(text)) == expected


@pytest.mark.parametrize(
    ("data", "missing"),
    [
        ({"text/html": '<figure><img alt="A run" src="x"><figcaption>A <b>run</b></figcaption></figure>'}, []),
        ({"text/html": '<img src="x">'}, ["an image without alt text"]),
        ({"text/html": '<img alt=" " src="x">'}, ["an image without alt text"]),
        ({"text/html": '<figure><img alt="A run" src="x"></figure>'}, ["a figure without a caption"]),
        ({"text/html": "<figure><figcaption> </figcaption></figure>"}, ["a figure without a caption"]),
        ({"image/png": "AAAA", "text/plain": "<Figure>"}, ["a bare picture"]),
        ({"image/png": "AAAA", "text/html": '<img alt="A run" src="x">'}, []),
        ({"text/plain": "no picture"}, []),
    ],
)
def test_an_undescribed_picture_is_recognised(data: dict[str, str], missing: list[str]) -> None:
    """The rule about pictures finds each way of leaving a reader out."""
    assert undescribed_pictures([new_output("display_data", data=data)]) == missing


def executed(source: str, **metadata: object) -> NotebookNode:
    """Return a code cell that printed something."""
    return new_code_cell(source, outputs=[new_output("stream", text="out")], metadata=metadata)


def test_an_answer_that_lies_open_is_recognised() -> None:
    """Open outputs count after the question, not before it and not on the question itself; a tag moves the question."""
    hidden = {"outputs_hidden": True}
    head = new_markdown_cell("## 2 of 6: Predict")
    cells = [executed("before"), head, executed("ask"), executed("folded", jupyter=hidden), executed("open")]
    assert unfolded_outputs(new_notebook(cells=cells)) == ["open"]
    assert unfolded_outputs(new_notebook(cells=[executed("before")])) == ["no prediction is asked for"]
    cells.insert(3, executed("ask again", tags=["predict"]))
    assert unfolded_outputs(new_notebook(cells=[*cells, new_code_cell("silent")])) == ["open"]


@pytest.mark.parametrize(
    ("stored", "computed", "same"),
    [
        (
            '<img src="data:image/png;base64,iVBORw0KGgo=" alt="A">',
            '<img src="data:image/png;base64,iVB+/A==" alt="A">',
            True,
        ),
        (
            '<img src="data:image/png;base64,iVBORw0KGgo=" alt="A">',
            '<img src="data:image/png;base64,iVBORw0KGgo=" alt="B">',
            False,
        ),
        (refresh.FIRST_LINE + "5 orders", "5 orders", True),
        (refresh.FIRST_LINE + "5 orders", "6 orders", False),
        (refresh.FIRST_LINE + " 5 orders", "5 orders", False),
        ("5 \n orders", "5 orders", False),
    ],
)
def test_what_nbval_compares(stored: str, computed: str, same: bool) -> None:
    """Neither the bytes of a picture nor the cover of a folded output counts; every word does."""
    for pattern, replacement in get_sanitize_patterns((ROOT / "tests" / "nbval.cfg").read_text(encoding="utf-8")):
        stored, computed = re.sub(pattern, replacement, stored), re.sub(pattern, replacement, computed)
    assert (stored == computed) == same


@pytest.mark.parametrize(
    "output",
    [
        new_output("stream", text="3 orders"),
        new_output("display_data", data={"text/html": "<b>3</b>", "text/plain": "3"}),
        new_output("execute_result", data={"text/plain": "3"}),
        new_output("error", ename="E", evalue="e", traceback=["E: 3 orders"]),
    ],
)
def test_a_folded_output_shows_nothing(output: NotebookNode) -> None:
    """The line that JupyterLab shows of a folded output is blank, and stays one line however often one refreshes."""
    cell = new_code_cell("run()", outputs=[output], metadata={"tags": ["fold"]})
    once = refresh.tidy(new_notebook(cells=[cell]))
    first = once.cells[0].outputs[0]
    text = first.get("text") or "\n".join(first.get("traceback", ())) or next(iter(first.data.values()))
    assert text.splitlines()[0] == " "
    assert refresh.tidy(copy.deepcopy(once)) == once


def test_a_refresh_removes_what_changes_from_run_to_run() -> None:
    """Tidying keeps an author's tags and a picture's words; it drops widget views, times and a machine's paths."""
    view = {refresh.WIDGET_VIEW: {"model_id": "a1b2"}}
    output = new_output("display_data", data={"text/plain": "Panel()", **view})
    error = new_output("error", ename="E", evalue="e", traceback=[f"File {ROOT}/eda_lab/bus.py:7"])
    notebook = new_notebook(
        cells=[
            new_code_cell(
                "panel", outputs=[output, new_output("display_data", data=view)], metadata={"tags": ["fold"]}
            ),
            new_code_cell(
                "fail",
                outputs=[error],
                metadata={"execution": {"iopub.status.busy": "12:00"}, "jupyter": {"outputs_hidden": True}},
            ),
            new_markdown_cell("text", metadata={"jupyter": {"source_hidden": True}, "tags": ["fold"]}),
        ],
        metadata={"widgets": view, "kernelspec": {"name": "conda-env", "display_name": "x"}},
    )
    panel, fail, text = refresh.tidy(notebook).cells
    assert [output.data for output in panel.outputs] == [{"text/plain": f"{refresh.FIRST_LINE}Panel()"}]
    assert panel.metadata == {"tags": ["fold"], "jupyter": {"outputs_hidden": True}}
    assert fail.outputs[0].traceback == ["File eda_lab/bus.py:7"]
    assert fail.metadata == {}
    assert text.metadata == {"jupyter": {"source_hidden": True}, "tags": ["fold"]}
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"


def test_a_refresh_writes_once_and_a_check_names_the_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A new notebook is stale, one refresh makes it current, and a notebook that raises is left as it was."""
    good, bad = tmp_path / "good.ipynb", tmp_path / "bad.ipynb"
    ours = new_code_cell(f"import sys\nprint(sys.executable == {sys.executable!r})")
    nbformat.write(new_notebook(cells=[ours]), good)
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0")]), bad)
    before = good.read_bytes(), bad.read_bytes()
    assert refresh.main(["--check", str(good), str(bad)]) == 1
    assert f"{good}: stale" in capsys.readouterr().out
    assert (good.read_bytes(), bad.read_bytes()) == before
    assert refresh.main([str(good)]) == 0
    assert nbformat.read(good, as_version=4).cells[0].outputs[0].text == "True\n"
    assert refresh.main(["--check", str(good)]) == 0
    assert refresh.main([str(bad)]) == 1
    assert bad.read_bytes() == before[1]
