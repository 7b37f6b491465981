"""The legend of a picture: signs, each with what it means, set in as many lines as they need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from eda_lab.plots.canvas import width_of, write
from eda_lab.plots.figure import WIDTH
from eda_lab.table import visible

__all__ = ["LINE", "Sign", "explain", "in_lines"]

LINE = 24  # the height of a line of a legend


class Sign(NamedTuple):
    """A sign of the legend: what it means, and how it is drawn around a point."""

    word: str
    draw: Callable[[Axes, float, float], object]


def in_lines(found: Sequence[Sign], room: float) -> list[list[tuple[float, Sign]]]:
    """Return the signs with their x, in as many lines as they need."""
    lines: list[list[tuple[float, Sign]]] = [[]]
    x = 0.0
    for sign in found:
        width = 27 + width_of(visible(sign.word, 60))
        if x + width > room and lines[-1]:
            lines.append([])
            x = 0.0
        lines[-1].append((x, sign))
        x += width + 18
    return lines


def explain(page: Axes, lines: Sequence[Sequence[tuple[float, Sign]]], left: float, top: float) -> None:
    """Draw the lines of a legend, the first around y = `top`."""
    for number, line in enumerate(lines):
        y = top + number * LINE
        for x, sign in line:
            sign.draw(page, left + x + 10, y)
            write(page, left + x + 27, y, sign.word, room=WIDTH - left - x - 40)
