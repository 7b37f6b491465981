"""How a widget of this package stands in a notebook that is read rather than run: as text, and as a still picture."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from eda_lab.table import Table

__all__ = ["Shown", "html_of", "needs_table"]


def html_of(thing: Any) -> str:
    """Return how a thing shows itself as HTML; its text, escaped, where it does not."""
    if hasattr(thing, "_repr_mimebundle_"):
        bundle = thing._repr_mimebundle_()
        if "text/html" in bundle:
            return str(bundle["text/html"])
    if hasattr(thing, "_repr_html_"):
        return str(thing._repr_html_())
    return f"<pre>{html.escape(repr(thing))}</pre>"


class Shown:
    """A mix-in for widgets: `repr` is the text twin, and the saved notebook carries text instead of a blank."""

    def _text(self) -> str:
        """Return the text twin; each widget has its own."""
        return type(self).__name__

    def _still(self) -> str:
        """Return what stands in a notebook that is not running, as HTML: the text twin, or a picture with it."""
        return f"<pre>{html.escape(self._text())}</pre>"

    def __repr__(self) -> str:
        return self._text()

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle = super()._repr_mimebundle_(**options)  # type: ignore[misc]
        data = bundle[0] if isinstance(bundle, tuple) else bundle  # anywidget gives (data, metadata)
        # The base class would cut the text off after 110 characters.
        return {**data, "text/plain": self._text(), "text/html": self._still()}


def needs_table(
    needed: Mapping[str, Any], happened: Mapping[str, Any], guesses: Mapping[str, str] | None = None
) -> Table:
    """Return the table What the shop needs / What happened, with the learner's guesses where there are any.

    What needs None is a cost: it may be as it is, so it never differs.
    """
    columns = ["What the shop needs", "Needed", "What happened"]
    rows: list[tuple[object, ...]] = [
        (name, "a cost" if wanted is None else wanted, _held_against(wanted, happened[name]))
        for name, wanted in needed.items()
    ]
    if guesses is None:
        return Table(columns, rows)
    return Table([*columns, "Your guess"], [(*row, guesses.get(str(row[0]), "")) for row in rows])


def _held_against(wanted: Any, happened: Any) -> str:
    return f"{happened}{'' if wanted is None or happened == wanted else ', differs'}"
