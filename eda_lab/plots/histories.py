"""How a state came about: numbers after each event of a log, up to the position that a reader is at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from eda_lab.errors import OptionError, check_whole
from eda_lab.plots.canvas import GRID, INK, MUTED, PALETTE, SMALL, card, line, named, sheet, write
from eda_lab.plots.figure import PER_INCH, WIDTH, Plot, plainly
from eda_lab.table import Table, visible

__all__ = ["history"]

Numbers = Mapping[str, Sequence[float]]
LEFT, RIGHT, TOP, BELOW = 64, 150, 34, 76
ROW, APART = 74, 30  # the height of a row, and the room between two
MOST = 8  # rows
CHANGES = 12  # of the numbers, in the text


@plainly
def history(whole: Numbers, seen: Numbers, first: int = 0, events: Sequence[str] = ()) -> Plot:
    """Draw numbers over the positions of a log: as they truly went, and as a reader has them so far.

    `whole` has for each name its value after 0, 1, 2, ... events; `seen` has it as the reader has built it, from after
    `first` events on. `events` says what stands at each position, from 1. Raises `OptionError` for lengths that do not
    fit.

    >>> history({"pieces left": [4, 2, 0]}, {"pieces left": [4, 2]}, events=["sold to Ada", "sold to Bob"]).alt
    'Read up to position 1 of 2 (sold to Ada): pieces left 2. All is as it was then.'
    """
    check_whole("first", first)
    lengths = {len(values) for values in whole.values()}
    last = max(lengths, default=0) - 1
    read = {first + len(values) - 1 for values in seen.values()}
    if len(lengths) > 1 or set(seen) != set(whole) or len(read) > 1 or any(not first <= at <= last for at in read):
        raise OptionError("seen", seen, "give the names of whole, each with its values from after `first` events on")
    if last < 1:
        return card("History", "the log is empty")
    (at,) = read
    text = _text(seen, first, at)
    alt = _finding(whole, seen, first, at, last, events)
    names = list(whole)[:MOST]
    height = TOP + len(names) * (ROW + APART) - APART + BELOW
    caption = "Dashed: how it truly went. Solid: what was rebuilt from the log, up to the position of the upright line."
    plot = Plot(height, alt=alt, as_text=f"{alt}\n{text}", caption=caption)
    page = sheet(plot)
    for row, name in enumerate(names):
        top = TOP + row * (ROW + APART)
        axes = _axes(plot, top, last, is_last=row == len(names) - 1)
        true, mine = whole[name], seen[name]
        low, high = min([*true, *mine]), max([*true, *mine])
        room = (high - low or 1) * 0.12
        axes.set_ylim(low - room, high + room)
        line(axes, range(last + 1), true, drawstyle="steps-post", color=MUTED, ls=(0, (4, 2.5)), lw=1.3)
        line(axes, range(first, at + 1), mine, drawstyle="steps-post", color=PALETTE["blue"], lw=2.6, zorder=3)
        line(axes, [at, at], [low - room, high + room], color=INK, lw=1.0)
        axes.plot([at], [mine[-1]], "o", color=PALETTE["blue"], ms=6, zorder=4)
        write(page, LEFT - 40, top - 13, visible(name, 40), weight="bold", room=300)
        differs = mine[-1] != true[at]
        side = top + ROW / 2
        write(page, WIDTH - RIGHT + 14, side - (9 if differs else 0), f"{mine[-1]:,}", weight="bold", room=RIGHT - 20)
        if differs:
            write(page, WIDTH - RIGHT + 14, side + 9, f"in truth {true[at]:,}", color=PALETTE["vermillion"], room=RIGHT)
    here = f"nothing was replayed up to position {at:,}" if first == at else f"at position {at:,}"
    said = f": {visible(events[at - 1], 80)}" if first < at <= len(events) else ""
    write(page, LEFT, height - 16, here + said, room=WIDTH - LEFT - 20)
    return plot


def _axes(plot: Plot, top: float, last: int, *, is_last: bool) -> Axes:
    wide, high = plot.get_size_inches() * PER_INCH
    axes = plot.add_axes((LEFT / wide, 1 - (top + ROW) / high, (WIDTH - LEFT - RIGHT) / wide, ROW / high))
    axes.set_xlim(-last * 0.02, last * 1.02)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.tick_params(labelsize=SMALL, colors=MUTED, labelcolor=INK, labelbottom=is_last)
    axes.grid(color=GRID, lw=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=3))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.set_axisbelow(True)
    if is_last:
        axes.set_xlabel("position in the log", size=SMALL, color=MUTED, labelpad=4)
    return axes


def _finding(whole: Numbers, seen: Numbers, first: int, at: int, last: int, events: Sequence[str]) -> str:
    where = f" ({visible(events[at - 1], 80)})" if first < at <= len(events) else ""
    read = "Nothing was replayed" if first == at else "Read"
    says = f"{read} up to position {at:,} of {last:,}{where}: {named([f'{n} {v[-1]:,}' for n, v in seen.items()])}."
    wrong = [f"{name} {whole[name][at]:,}" for name in seen if seen[name][-1] != whole[name][at]]
    return f"{says} In truth it was then: {named(wrong)}." if wrong else f"{says} All is as it was then."


def _text(seen: Numbers, first: int, at: int) -> str:
    """Return the numbers at the beginning, and a row for each position at which one of them changed."""
    moments = range(first, at + 1)
    rows = [(moment, *(values[moment - first] for values in seen.values())) for moment in moments]
    kept = [row for before, row in zip([None, *rows], rows, strict=False) if before is None or before[1:] != row[1:]]
    caption = "At the beginning, and after each change:" if len(kept) <= CHANGES else f"The last {CHANGES} changes:"
    return str(Table(["position", *seen], kept[-CHANGES:], caption=caption))
