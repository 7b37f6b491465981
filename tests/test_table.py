"""Tables as text and as HTML: what they hold is shown as the characters it consists of, and breaks out of no cell."""

import html
import math
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab.errors import OptionError
from eda_lab.table import Table, stacked, visible

HOSTILE = [
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "</td></tr></table>",
    "&lt;already escaped&gt;",
    "two\nlines\r\n\tand a tab",
    "\x1b[31mred\x1b[0m",
    "\u202etxet sdrawkcab",
    "\x00\ud800",
    "${evil} {{template}} %s {0}",
    "x" * 10_000_000,
    "ünïcödé 商品 ✓",
]


class Unshowable:
    """An object that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class Cells(HTMLParser):
    """Reads the text of every cell, and the names of all tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.attributes: set[str] = set()
        self.styles: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a cell."""
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag in ("td", "th"):
            self.cells.append("")
            self.styles.append(dict(attrs)["style"] or "")

    def handle_data(self, data: str) -> None:
        """Add to a cell."""
        if self.cells:
            self.cells[-1] += data


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("email", "email"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\u202eback", "\\u202eback"),
        ("\ud800", "\\ud800"),
        (1.50, "1.5"),
        (3, "3"),
        (True, "True"),
        (None, "None"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (-0.0, "-0"),
        (Unshowable(), "<Unshowable>"),
        ("x" * 61, "x" * 59 + "…"),
        ("x" * 60, "x" * 60),
    ],
)
def test_a_value_is_one_short_line(value: Any, text: str) -> None:
    """Control characters are written out; what cannot be shown is named by its type."""
    assert visible(value) == text


def test_an_integer_that_python_does_not_write_is_named_by_its_type() -> None:
    """It has more than 4,300 digits."""
    assert visible(10**5000) == "<int>"


@settings(deadline=None)
@given(st.text() | st.floats() | st.integers() | st.sampled_from(HOSTILE), st.integers(2, 80))
def test_no_value_is_longer_than_its_cell_or_breaks_the_line(value: Any, width: int) -> None:
    """Whatever it is; and what is short and printable stays as it is."""
    text = visible(value, width)
    assert text.isprintable()
    assert len(text) <= width
    if isinstance(value, str) and value.isprintable() and len(value) <= width:
        assert text == value


def test_text_stands_left_and_numbers_stand_right() -> None:
    """A dash or nothing, in a column of numbers, is a number that is not there yet."""
    table = Table(
        ["consumer", "done", "ended", "id"], [("email", 1, 0.5, "1"), ("inventory", 12, "-", "22"), ("x", 3, "", "")]
    )
    assert str(table).splitlines() == [
        "consumer   done  ended  id",
        "---------  ----  -----  --",
        "email         1    0.5  1",
        "inventory    12      -  22",
        "x             3",
    ]
    assert repr(table) == str(table)
    page = Cells(table._repr_html_())
    assert page.cells == [cell for row in (table.columns, *table) for cell in map(visible, row)]
    right = ["text-align:right" in style for style in page.styles]
    assert right == [False, True, True, False] * 4


def test_a_table_is_a_row_of_rows() -> None:
    """It can be counted, gone through, cut and asked for a column."""
    rows = [("email", 1), ("inventory", 12)]
    table = Table(["consumer", "done"], rows)
    assert (len(table), list(table), table[0], table[-1:], table.column("done")) == (
        2,
        rows,
        rows[0],
        rows[1:],
        [1, 12],
    )
    assert ("email", 1) in table


def test_a_table_without_rows_still_has_its_head() -> None:
    """It says which columns there would be."""
    assert str(Table(["consumer", "done"], [])) == "consumer  done\n--------  ----"
    assert Cells(Table(["consumer", "done"], [])._repr_html_()).cells == ["consumer", "done"]


@pytest.mark.parametrize("rows", [0, 59, 60, 61, 5000])
def test_a_long_table_is_cut_and_says_by_how_much(rows: int) -> None:
    """All rows are still in it; only what is shown ends."""
    table = Table(["n"], [(n,) for n in range(rows)])
    lines = str(table).splitlines()
    cut = [f"... and {rows - 60:,} more rows"] if rows > 60 else []
    assert lines[2:] == [str(n).rjust(len(lines[1])) for n in range(min(rows, 60))] + cut
    assert len(table.column("n")) == rows
    assert Cells(table._repr_html_()).tags.count("td") == min(rows, 60)
    assert ("more rows" in table._repr_html_()) == bool(cut)


def test_who_asks_for_more_or_less_gets_it() -> None:
    """The number of rows that are shown is the table's own."""
    table = Table(["n"], [(n,) for n in range(100)], most=2)
    assert str(table) == "n\n-\n0\n1\n... and 98 more rows"


def test_the_caption_stands_above() -> None:
    """As text and as HTML, where it is escaped like all else."""
    table = Table(["n"], [(1,)], caption="a < b")
    assert str(table).splitlines()[0] == "a < b"
    assert "<caption>a &lt; b</caption>" in table._repr_html_()


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_in_its_cell(text: str) -> None:
    """As a value and as a name of a column, in a notebook and in a terminal."""
    table = Table([text, "n"], [(text, 1), ("plain", 2)], caption="<b>")
    page = Cells(table._repr_html_())
    assert page.tags == ["table", "caption", "thead", "tr", "th", "th", "tbody", "tr", "td", "td", "tr", "td", "td"]
    assert page.attributes == {"scope", "style"}
    assert page.cells == [visible(text), "n", visible(text), "1", "plain", "2"]
    lines = str(table).splitlines()
    assert len(lines) == 5
    assert all(line.isprintable() for line in lines)


LINE = st.text() | st.sampled_from(HOSTILE)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(LINE, st.integers() | st.floats() | LINE), max_size=5))
def test_every_table_has_a_line_for_each_row_and_a_cell_for_each_value(rows: list[tuple[Any, Any]]) -> None:
    """No value adds a line, a cell or a tag of its own."""
    table = Table(["a", "b"], rows)
    assert len(str(table).split("\n")) == 2 + len(rows)
    page = table._repr_html_()
    assert Cells(page).tags.count("td") == 2 * len(rows)
    assert [html.unescape(cell) for cell in Cells(page).cells[2:]] == [
        html.unescape(visible(value)) for row in rows for value in row
    ]


@pytest.mark.parametrize("row", [(), (1,), (1, 2, 3)])
def test_each_row_has_a_value_for_each_column(row: tuple[int, ...]) -> None:
    """Found out when the table is made, not when it is shown."""
    with pytest.raises(OptionError, match="give 2 values, one for each column"):
        Table(["a", "b"], [(1, 2), row])


@pytest.mark.parametrize("name", ["c", "", None, 0, ["a"]])
def test_a_column_that_is_not_there_is_met_with_those_that_are(name: Any) -> None:
    """As after a typo."""
    with pytest.raises(OptionError, match="give one of a, b"):
        Table(["a", "b"], [(1, 2)]).column(name)


@pytest.mark.parametrize("tables", [{}, {"a": Table(["x"], []), "b": Table(["y"], [])}])
def test_only_tables_with_the_same_columns_can_be_stacked(tables: dict[str, Table]) -> None:
    """Or a value would stand under a name that is not its own."""
    with pytest.raises(OptionError, match="give tables with the same columns, at least one"):
        stacked("way", tables)
