"""Event sourcing in two pictures: a stream with the state that is folded from it, and how many events a load reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from eda_lab.errors import OptionError, check_whole
from eda_lab.plots.canvas import GRID, INK, MUTED, PALETTE, SMALL, arrow, box, card, line, sheet, write
from eda_lab.plots.figure import PER_INCH, WIDTH, Plot, plainly
from eda_lab.table import Table, visible

__all__ = ["loads", "stream"]

MOST = 26  # events in one picture
MARGIN, TOP, ROW = 16, 36, 19
LIST, CARD = 370, 290  # the width of the list of events, and of the state beside it
LEFT, RIGHT, HEIGHT, BELOW = 64, 190, 190, 52


@plainly
def stream(events: Sequence[str], version: int, state: Mapping[str, object], read: int | None = None) -> Plot:
    """Draw the events of a stream, those up to a version filled, and the state that they are folded to.

    `events` says what stands at each version, from 1; `state` is shown line by line. Of a long stream, what is near to
    the version is drawn. Where only the last `read` events were read, those before are in a snapshot. Raises
    `OptionError` for a version that is not in the stream, or more that was read; version 0 is before the first event.

    >>> stream(["order_placed", "item_added"], 1, {"pieces": 2}).alt
    'The state after version 1 of 2 (order_placed): pieces 2.'
    """
    check_whole("version", version)
    if version > len(events):
        raise OptionError("version", version, f"this stream ends at version {len(events)}")
    read = version if read is None else read
    check_whole("read", read)
    if read > version:
        raise OptionError("read", read, f"up to this version there are {version}")
    kept = version - read
    facts = [(visible(name, 24), visible(value, 60)) for name, value in state.items()]
    where = f" ({visible(events[version - 1], 80)})" if version else ""
    alt = f"The state after version {version:,} of {len(events):,}{where}: "
    alt += ", ".join(f"{name} {value}" for name, value in facts) + "."
    if kept:
        alt += f" It was folded from a snapshot at version {kept:,} and {read:,} events."
    first = max(0, min(version - MOST // 2, len(events) - MOST))
    shown = events[first : first + MOST]
    caption = "Blue: the events that were read. Dashed: what came later. Right: what they fold to."
    if kept:
        caption = f"Orange: what is in the snapshot. {caption}"
    height = TOP + max(len(shown) * ROW, (len(facts) + 2) * ROW) + MARGIN
    plot = Plot(height, alt=alt, as_text=f"{alt}\n{_listed(shown, first, kept, version)}", caption=caption)
    page = sheet(plot)
    write(page, MARGIN, 18, "the stream", weight="bold")
    if len(events) > MOST:
        cut = f"versions {first + 1:,} to {first + len(shown):,} of {len(events):,}"
        write(page, MARGIN + LIST, 18, cut, color=MUTED, align="right")
    for place, event in enumerate(shown):
        number = first + place + 1
        look = "kept" if number <= kept else "read" if number <= version else "later"
        _event(page, TOP + place * ROW, number, event, look, "snapshot" if number == kept else "")
    left, high = WIDTH - MARGIN - CARD, (len(facts) + 1) * ROW
    row = min(max(version - first, 1), max(len(shown), 1)) - 1
    top = min(TOP + row * ROW, height - MARGIN - high)
    if version:
        start, end = TOP + (row + 0.5) * ROW, top + high / 2
        arrow(page, MARGIN + LIST, start, left, end)
        write(page, MARGIN + LIST + 20, start + (-10 if end > start else 12), "fold", color=MUTED, align="center")
    box(page, left, top, CARD, high, PALETTE["orange"])
    write(page, left + 12, top + ROW * 0.6, f"after version {version:,}", weight="bold", room=CARD - 24)
    for place, (name, value) in enumerate(facts, 1):
        y = top + (place + 0.5) * ROW
        write(page, left + 12, y, name, color=MUTED, room=64)
        write(page, left + 80, y, value, weight="bold", room=CARD - 88)
    return plot


def _event(page: Axes, top: float, number: int, event: str, look: str, mark: str) -> None:
    dashed = {"face": "white", "edge": MUTED, "ls": (0, (3, 2.5)), "lw": 0.9} if look == "later" else {}
    box(page, MARGIN, top + 1.5, LIST, ROW - 3, PALETTE["orange" if look == "kept" else "sky"], rounding=4, **dashed)
    color, y = INK if look == "read" else MUTED, top + ROW / 2
    write(page, MARGIN + 30, y, f"{number:,}", color=color, align="right", room=30)
    write(page, MARGIN + 42, y, event, color=color, room=LIST - 50 - (70 if mark else 0))
    write(page, MARGIN + LIST - 8, y, mark, weight="bold", align="right")


def _listed(shown: Sequence[str], first: int, kept: int, version: int) -> str:
    rows = [
        (number, event, "in the snapshot" if number <= kept else "read" if number <= version else "")
        for number, event in enumerate(shown, first + 1)
    ]
    return str(Table(["version", "event", ""], rows))


@plainly
def loads(read: Mapping[int, int], version: int | None = None) -> Plot:
    """Draw how many events a load read, for each length that a stream has had while it grew.

    `read` has the count for each number of events in the stream. A dashed line shows a load that reads all of them. The
    point at `version` is marked. Raises `OptionError` for a version that is not in `read`.

    >>> loads({1: 1, 2: 2, 3: 0, 4: 1}, version=2).alt
    '4 loads read 4 events, the longest one 2. With 2 events in the stream, it read 2.'
    """
    if version is not None and version not in read:
        raise OptionError("version", version, "give one of the versions that were loaded")
    if not read:
        return card("Loads", "nothing was loaded yet")
    most, whole = max(read.values()), sum(read.values())
    alt = f"{len(read):,} loads read {whole:,} events, the longest one {most:,}."
    if version is not None:
        alt += f" With {version:,} events in the stream, it read {read[version]:,}."
    table = Table(["events in the stream", "events read"], sorted(read.items()))
    caption = "Dashed: a load that reads all events. Solid: how many were read, while the stream grew."
    plot = Plot(TOP + HEIGHT + BELOW, alt=alt, as_text=f"{alt}\n{table}", caption=caption)
    page, lengths = sheet(plot), sorted(read)
    axes = _axes(plot, max(lengths[-1], 1))
    line(axes, lengths, lengths, ls=(0, (4, 2.5)), lw=1.3)
    line(axes, lengths, [read[n] for n in lengths], color=PALETTE["blue"], lw=1.8, marker="o", ms=4, zorder=3)
    write(page, LEFT - 40, 18, "events read by a load", weight="bold", room=300)
    side = WIDTH - RIGHT + 18
    write(page, side, TOP + 40, f"most: {most:,}", weight="bold", room=RIGHT - 24)
    write(page, side, TOP + 60, f"all loads: {whole:,}", room=RIGHT - 24)
    if version is not None:
        axes.plot([version], [read[version]], "s", color=PALETTE["vermillion"], ms=8, zorder=4)
        write(page, side, TOP + 90, f"with {version:,} events in it:", color=PALETTE["vermillion"], room=RIGHT - 24)
        write(page, side, TOP + 108, f"{read[version]:,} read", color=PALETTE["vermillion"], room=RIGHT - 24)
    return plot


def _axes(plot: Plot, last: int) -> Axes:
    wide, high = plot.get_size_inches() * PER_INCH
    axes = plot.add_axes((LEFT / wide, 1 - (TOP + HEIGHT) / high, (WIDTH - LEFT - RIGHT) / wide, HEIGHT / high))
    axes.set_xlim(-last * 0.02, last * 1.02)
    axes.set_ylim(-last * 0.04, last * 1.04)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.tick_params(labelsize=SMALL, colors=MUTED, labelcolor=INK)
    axes.grid(color=GRID, lw=0.8)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.set_axisbelow(True)
    axes.set_xlabel("events in the stream", size=SMALL, color=MUTED, labelpad=4)
    return axes
