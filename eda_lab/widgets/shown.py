"""How a widget of this package stands in a notebook that is read rather than run: as text, and as a still picture."""

from __future__ import annotations

import html
from typing import Any

__all__ = ["Shown", "html_of"]


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
        raise NotImplementedError

    def __repr__(self) -> str:
        return self._text()

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle = dict(super()._repr_mimebundle_(**options))  # type: ignore[misc]
        text = self._text()  # the base class would cut it off after 110 characters
        return {**bundle, "text/plain": text, "text/html": f"<pre>{html.escape(text)}</pre>"}
