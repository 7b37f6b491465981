"""`Plot`: a figure that can be read as well as seen, shown in a notebook with its words."""

from __future__ import annotations

import base64
import html
import sys
from collections.abc import Callable
from functools import wraps
from io import BytesIO
from typing import Any, ParamSpec, TypeVar

from matplotlib import style
from matplotlib.figure import Figure

from eda_lab.errors import OptionError

__all__ = ["PER_INCH", "WIDTH", "Plot", "described", "plainly"]

WIDTH = 760
PER_INCH = 96  # CSS pixels

P = ParamSpec("P")
T = TypeVar("T")


def plainly(draw: Callable[P, T]) -> Callable[P, T]:
    """Draw with matplotlib's own defaults, whatever style the notebook has set, and leave that style as it is."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> T:
        with style.context("default"):
            return draw(*args, **kwargs)

    return drawn


class Plot(Figure):
    """A matplotlib figure that can be read as well as seen: `alt` says what it shows, `as_text` all that is in it.

    In a notebook it shows as a picture with its `caption` and its text; `repr()` is the text.
    """

    alt: str
    as_text: str
    caption: str
    _plain = True  # drawn here, to measure

    def __init__(self, height: float, *, width: float = WIDTH, alt: str, as_text: str, caption: str = "") -> None:
        inches = (width / PER_INCH, height / PER_INCH)
        super().__init__(figsize=inches, dpi=PER_INCH, facecolor="white")
        self.set_layout_engine("none")
        self.alt, self.as_text, self.caption = alt, as_text, caption

    def png(self) -> bytes:
        """Return the picture as it is shown, with two dots for each CSS pixel. The same figure gives the same bytes."""
        file = BytesIO()
        box = self.bbox_inches if self._plain else "tight"
        save = plainly(self.savefig) if self._plain else self.savefig
        save(file, format="png", dpi=2 * PER_INCH, bbox_inches=box, metadata={"Software": None})
        return file.getvalue()

    @property
    def html(self) -> str:
        """The picture, its caption and its text as HTML; all that comes from events is escaped."""
        png = self.png()
        width = int.from_bytes(png[16:20], "big") // 2
        look = "max-width:100%;height:auto;border-radius:8px"
        source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
        words = f"<details><summary>In words</summary><pre>{html.escape(self.as_text)}</pre></details>"
        image = f'<img alt="{html.escape(self.alt)}" width="{width}" style="{look}" src="{source}">'
        caption = f"<figcaption>{html.escape(self.caption)}{words}</figcaption>"
        return f'<figure style="margin:0 0 1em">{image}{caption}</figure>'

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        # `%matplotlib inline` has a printer of its own for figures, which would add a second picture.
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        if shell is not None:
            for formatter in ("image/png", "image/svg+xml", "image/jpeg", "application/pdf"):
                shell.display_formatter.formatters[formatter].for_type(Plot, lambda _: None)
        return {"text/html": self.html, "text/plain": self.as_text}

    def __repr__(self) -> str:
        return self.as_text

    __str__ = __repr__


def described(figure: Figure, *, alt: str, text: str, caption: str = "") -> Plot:
    """Turn a figure of your own into a `Plot`, and return it: `alt` says in a sentence what it shows, `text` all of it.

    >>> figure = Figure(figsize=(3, 2))
    >>> _ = figure.subplots().plot([1, 2, 4])
    >>> described(figure, alt="The queue doubles every second.", text="waiting: 1, 2, 4")
    waiting: 1, 2, 4
    """
    for option, value in (("alt", alt), ("text", text)):
        if not value.strip():
            raise OptionError(option, value, "say in words what the picture shows, for those who do not see it")
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(figure)  # a notebook would show it a second time, without its words
    figure.__class__ = Plot
    assert isinstance(figure, Plot)
    figure.alt, figure.as_text, figure.caption, figure._plain = alt, text, caption, False
    return figure
