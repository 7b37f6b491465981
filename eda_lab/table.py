"""A small table that reads well as text and as HTML; what it holds is shown as the characters it consists of."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from eda_lab.errors import OptionError, one_line, shown

__all__ = ["Table", "stacked", "visible"]


def visible(value: object, width: int = 60) -> str:
    r"""Return a value as one line of at most `width` characters, control characters written out.

    >>> visible("two\nlines")
    'two\\nlines'
    >>> visible(1.50)
    '1.5'
    """
    try:
        return one_line(f"{value:g}" if isinstance(value, float) else str(value), width)
    except Exception:  # noqa: BLE001 - one cell that cannot be shown must not take the whole table with it
        return shown(value)


_CELL = "padding:0.15em 0.8em;text-align:"


class Table(Sequence[tuple[object, ...]]):
    """Rows under named columns. In a notebook it shows as a table; `str()` gives the same as text.

    >>> print(Table(["consumer", "done"], [("email", 1), ("inventory", 12)]))
    consumer   done
    ---------  ----
    email         1
    inventory    12
    """

    def __init__(
        self, columns: Sequence[str], rows: Sequence[Sequence[object]], caption: str = "", most: int = 60
    ) -> None:
        self.columns = tuple(columns)
        self.rows = [tuple(row) for row in rows]
        for row in self.rows:
            if len(row) != len(self.columns):
                raise OptionError("rows", row, f"give {len(self.columns)} values, one for each column")
        self.caption = caption
        self.most = most

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        """Return a row, or a list of rows."""
        return self.rows[index]

    def __iter__(self) -> Iterator[tuple[object, ...]]:
        return iter(self.rows)

    def column(self, name: str) -> list[object]:
        """Return one column's values."""
        if name not in self.columns:
            raise OptionError("name", name, f"give one of {', '.join(self.columns)}")
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    @property
    def _cut(self) -> str:
        left = len(self.rows) - self.most
        return f"... and {left:,} more rows" if left > 0 else ""

    def _shown(self) -> list[list[str]]:
        return [[visible(value) for value in row] for row in (self.columns, *self.rows[: self.most])]

    def _numeric(self, place: int) -> bool:
        return all(
            isinstance(row[place], (int, float)) or (isinstance(row[place], str) and row[place] in ("", "-"))
            for row in self.rows
        )

    def __repr__(self) -> str:
        head, *shown = self._shown()
        widths = [max(map(len, column)) for column in zip(head, *shown, strict=True)]
        right = [self._numeric(place) for place in range(len(widths))]

        def line(cells: Sequence[str]) -> str:
            padded = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True))
            return "  ".join(padded).rstrip()

        lines = [line(head), "  ".join("-" * width for width in widths), *map(line, shown)]
        return "\n".join(chain([self.caption] if self.caption else [], lines, [self._cut] if self._cut else []))

    def _repr_html_(self) -> str:
        # Spelled out for each cell: a notebook that is not trusted loses style sheets, and widgets have none for it.
        look = [_CELL + ("right" if self._numeric(place) else "left") for place in range(len(self.columns))]
        names, *rows = self._shown()
        head = _cells("th", "col", names, look)
        body = "".join(f"<tr>{_cells('td', '', row, look)}</tr>" for row in rows)
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        foot = f"<p>{self._cut}</p>" if self._cut else ""
        table = f"{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        return f'<table style="border-collapse:collapse">{table}</table>{foot}'


def stacked(column: str, tables: Mapping[str, Table]) -> Table:
    """Return the rows of several tables as one, each with the name of its table in the first column.

    Raises `OptionError` where the tables have not the same columns, or there are none.

    >>> day = {"monday": Table(["order"], [("12345",), ("12346",)]), "tuesday": Table(["order"], [("12347",)])}
    >>> stacked("day", day)
    day      order
    -------  -----
    monday   12345
    monday   12346
    tuesday  12347
    """
    if len({table.columns for table in tables.values()}) != 1:
        raise OptionError("tables", dict(tables), "give tables with the same columns, at least one")
    first = next(iter(tables.values()))
    return Table([column, *first.columns], [(name, *row) for name, table in tables.items() for row in table])


def _cells(tag: str, scope: str, cells: Sequence[str], look: Sequence[str]) -> str:
    attribute = f' scope="{scope}"' if scope else ""
    return "".join(
        f'<{tag}{attribute} style="{style}">{html.escape(cell)}</{tag}>'
        for cell, style in zip(cells, look, strict=True)
    )
