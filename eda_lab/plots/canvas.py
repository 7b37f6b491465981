"""What the pictures are drawn with: the palette; words that fit; boxes, arrows and lines.

Lengths are in CSS pixels of the finished picture, y downwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon, RegularPolygon
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from eda_lab.plots.figure import PER_INCH, WIDTH, Plot
from eda_lab.table import visible

__all__ = [
    "COLORS",
    "GRID",
    "INK",
    "MUTED",
    "NORMAL",
    "PALETTE",
    "SMALL",
    "arrow",
    "box",
    "card",
    "fit",
    "hexagon",
    "line",
    "mixed",
    "named",
    "seconds_axis",
    "sheet",
    "shortened",
    "width_of",
    "write",
]

INK, MUTED, GRID = "#1b1b1b", "#595959", "#d9d9d9"
# Okabe and Ito, Color Universal Design (2008): told apart with every kind of colour vision.
PALETTE = {
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
    "black": "#000000",
}
COLORS = {"producer": PALETTE["orange"], "bus": PALETTE["blue"], "group": PALETTE["sky"], "consumer": PALETTE["green"]}
FONT = "DejaVu Sans"  # it comes with matplotlib, so a picture is the same on every machine
SMALL, NORMAL = 9.0, 10.0  # points

T = TypeVar("T")


def sheet(plot: Plot) -> Axes:
    """Return axes over a whole figure, in CSS pixels from its upper left corner."""
    width, height = plot.get_size_inches() * PER_INCH
    axes = plot.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return axes


def seconds_axis(plot: Plot, left: float, top: float, width: float, height: float, end: float) -> Axes:
    """Return axes in a part of a figure, with the simulated seconds from 0 to `end` below it."""
    wide, high = plot.get_size_inches() * PER_INCH
    axes = plot.add_axes((left / wide, 1 - (top + height) / high, width / wide, height / high))
    end = end or 1.0
    axes.set_xlim(-end * 0.02, end * 1.02)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.tick_params(labelsize=SMALL, colors=MUTED, labelcolor=INK, labelfontfamily=FONT)
    axes.xaxis.set_major_formatter(lambda second, _: f"{second:,.10g}")
    axes.grid(axis="x", color=GRID, lw=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("simulated seconds", size=SMALL, family=FONT, color=MUTED, labelpad=4)
    return axes


def card(title: str, message: str) -> Plot:
    """Return a small picture that says why there is nothing to see."""
    plot = Plot(88, width=420, alt=f"{title}: {message}", as_text=f"{title}: {message}")
    axes = sheet(plot)
    box(axes, 8, 8, 404, 72, GRID, face="#fafafa")
    write(axes, 210, 34, title, weight="bold", align="center")
    write(axes, 210, 56, message, color=MUTED, align="center")
    return plot


# --- words


def shortened(things: Sequence[T], say: Callable[[T], str] = str, most: int = 60) -> list[str]:
    """Return a line for each thing, but at most so many, and then how many more there are.

    >>> shortened("abcd", str.upper, most=2)
    ['A', 'B', '... and 2 more']
    """
    lines = [say(thing) for thing in things[:most]]
    return lines if len(things) <= most else [*lines, f"... and {len(things) - most:,} more"]


@cache
def _font(weight: str) -> FontProperties:
    return FontProperties(family=FONT, weight=weight)


@cache
def _glyph(character: str) -> str:
    """Return the character, or a box for one that the font does not have."""
    return character if ord(character) in get_font(findfont(_font("normal"))).get_charmap() else "□"


def _drawable(text: str) -> str:
    return "".join(map(_glyph, visible(text, 200)))


def width_of(text: str, size: float = SMALL, weight: str = "normal") -> float:
    """Return how wide a text is when it is drawn."""
    font = _font(weight).copy()
    font.set_size(size)
    return text_to_path.get_text_width_height_descent(_drawable(text), font, False)[0] * PER_INCH / 72


def named(names: Sequence[str], most: int = 8) -> str:
    """Return names as they are said in a sentence.

    >>> named(["inventory", "payment", "email"]), named("abcdef", most=3)
    ('inventory, payment and email', 'a, b, c and 3 more')
    """
    shown = [visible(name, 40) for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most:,} more"
    return " and ".join([*([", ".join(shown[:-1])] if shown[1:] else []), *shown[-1:]])


def fit(text: str, room: float, size: float = SMALL, weight: str = "normal", *, middle: bool = False) -> str:
    """Return a text as it can be drawn in so much room: cut at its end or in its `middle`, with an ellipsis there.

    >>> fit("order_placed", 200), fit("order_placed_by_a_customer", 90), fit("checkout-1/payment.1", 90, middle=True)
    ('order_placed', 'order_placed…', 'checko…ent.1')
    """
    text = _drawable(text)
    if width_of(text, size, weight) <= room:
        return text
    for kept in range(len(text) - 1, -1, -1):
        end = kept // 2 if middle else 0
        cut = f"{text[: kept - end]}…{text[len(text) - end :]}"
        if width_of(cut, size, weight) <= room:
            return cut
    return "…"


def write(axes: Axes, x: float, y: float, text: str, *, room: float = WIDTH, align: str = "left", **how: Any) -> Text:
    """Write a line with its middle at y; what it says is taken as it is, a `$` is a `$`."""
    how = {"color": INK, "size": SMALL, "weight": "normal", "middle": False, **how}
    text = fit(text, room, how["size"], how["weight"], middle=how.pop("middle"))
    fixed: dict[str, Any] = {"family": FONT, "ha": align, "va": "center_baseline", "parse_math": False, "usetex": False}
    return axes.text(x, y, text, **fixed, **how)


# --- shapes


def mixed(color: str, other: str, share: float) -> tuple[float, float, float]:
    """Return a colour with a share (0 to 1) of another in it."""
    red, green, blue = (a + (b - a) * share for a, b in zip(to_rgb(color), to_rgb(other), strict=True))
    return red, green, blue


def box(axes: Axes, x: float, y: float, width: float, height: float, color: str, **how: Any) -> FancyBboxPatch:
    """Draw a rounded box with its upper left corner at (x, y), in a light shade of a colour with a dark border."""
    face, edge = how.pop("face", mixed(color, "white", 0.75)), how.pop("edge", mixed(color, "black", 0.45))
    rounding = how.pop("rounding", 7)
    shape = f"round,pad=0,rounding_size={rounding}"
    patch = FancyBboxPatch((x, y), width, height, boxstyle=shape, fc=face, ec=edge, **{"lw": 1.2, "zorder": 2, **how})
    axes.add_patch(patch)
    return patch


def hexagon(axes: Axes, x: float, y: float, radius: float, color: str) -> None:
    """Draw a hexagon with its middle at (x, y)."""
    face, edge = mixed(color, "white", 0.75), mixed(color, "black", 0.45)
    axes.add_patch(RegularPolygon((x, y), 6, radius=radius, fc=face, ec=edge, lw=1.2, zorder=2))


def arrow(axes: Axes, x0: float, y0: float, x1: float, y1: float, *, dashed: bool = False, color: str = INK) -> None:
    """Draw an arrow whose tip touches (x1, y1), going level at both ends."""
    back = 9.0 if x1 > x0 else -9.0
    middle = (x0 + x1 - back) / 2
    path = Path([(x0, y0), (middle, y0), (middle, y1), (x1 - back, y1)], [Path.MOVETO, *[Path.CURVE4] * 3])
    pattern = (0, (4, 2.5)) if dashed else "solid"
    axes.add_patch(PathPatch(path, fc="none", ec=color, lw=1.3, ls=pattern, capstyle="butt"))
    axes.add_patch(Polygon([(x1, y1), (x1 - back, y1 - 4.2), (x1 - back, y1 + 4.2)], fc=color, ec="none", lw=0))


def line(axes: Axes, xs: Sequence[float], ys: Sequence[float], **how: Any) -> Line2D:
    """Draw a thin line through points."""
    drawn = Line2D(xs, ys, **{"color": MUTED, "lw": 1.2, "solid_capstyle": "butt", **how})
    axes.add_line(drawn)
    return drawn
