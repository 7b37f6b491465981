"""A small table that reads well as text and as HTML; what it holds is shown as the characters it consists of."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from itertools import chain

__all__ = ["Table", "visible"]


def visible(value: object, width: int = 60) -> str:
    r"""Return a value as one line of at most `width` characters, control characters written out.

    >>> visible("two\nlines")
    'two\\nlines'
    >>> visible(1.50)
    '1.5'
    """
    text = f"{value:g}" if isinstance(value, float) else str(value)
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return line if len(line) <= width else line[: width - 1] + "…"


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
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    @property
    def _cut(self) -> str:
        left = len(self.rows) - self.most
        return f"... and {left:,} more rows" if left > 0 else ""

    def _shown(self) -> list[list[str]]:
        return [[visible(value) for value in row] for row in self.rows[: self.most]]

    def _numeric(self, place: int) -> bool:
        return all(isinstance(row[place], (int, float)) or row[place] in ("", "-") for row in self.rows)

    def __repr__(self) -> str:
        shown = self._shown()
        widths = [max(map(len, column)) for column in zip(self.columns, *shown, strict=True)]
        right = [self._numeric(place) for place in range(len(widths))]

        def line(cells: Sequence[str]) -> str:
            padded = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True))
            return "  ".join(padded).rstrip()

        lines = [line(self.columns), "  ".join("-" * width for width in widths), *map(line, shown)]
        return "\n".join(chain([self.caption] if self.caption else [], lines, [self._cut] if self._cut else []))

    def _repr_html_(self) -> str:
        right = [' style="text-align:right"' if self._numeric(p) else "" for p in range(len(self.columns))]
        head = "".join(f'<th scope="col"{a}>{html.escape(c)}</th>' for c, a in zip(self.columns, right, strict=True))
        body = "".join(
            "<tr>" + "".join(f"<td{a}>{html.escape(c)}</td>" for c, a in zip(row, right, strict=True)) + "</tr>"
            for row in self._shown()
        )
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        foot = f"<p>{self._cut}</p>" if self._cut else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{foot}"
