"""The signs of a timeline: bars for attempts, thin lines for waits, small marks for messages; and their legend.

Shaded bands stand for the times in which somebody was down, paused or slow.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import partial
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.path import Path

from eda_lab.columns import Columns, Outcome
from eda_lab.plots.canvas import GRID, INK, MUTED, PALETTE, line, mixed, width_of, write
from eda_lab.plots.legends import Sign
from eda_lab.plots.spells import Spell, on_its_way

__all__ = ["LOOKS", "NEVER", "Look", "Pen", "bar", "began", "over", "sample", "signs", "waited_until"]

NEVER = 1 << 62
TICK = 2.5  # pixels that what takes no time is given


class Look(NamedTuple):
    """How an outcome is drawn: never told by its colour alone."""

    color: str
    hatch: str
    mark: str


LOOKS = {
    Outcome.DONE: Look(PALETTE["green"], "", ""),
    Outcome.FAILED: Look(PALETTE["orange"], "////", "x"),
    Outcome.CRASHED: Look(PALETTE["vermillion"], "xxxx", "X"),
    Outcome.DEAD_LETTERED: Look(PALETTE["black"], "", "s"),
    Outcome.LOST: Look(PALETTE["yellow"], "\\\\\\\\", "P"),
    Outcome.REJECTED: Look(PALETTE["blue"], "||||", "<"),
    Outcome.EXPIRED: Look(MUTED, "----", "d"),
    Outcome.DROPPED: Look(PALETTE["purple"], "....", "v"),
    Outcome.IN_FLIGHT: Look(PALETTE["sky"], "....", ">"),
    Outcome.QUEUED: Look(GRID, "", ""),
    Outcome.WAITING: Look("#f5f5f5", "oo", ""),
}
BANDS = {
    "down": Look(PALETTE["vermillion"], "\\\\", ""),
    "paused": Look(MUTED, "||", ""),
    "slow": Look(PALETTE["purple"], "..", ""),
    "quick": Look(PALETTE["sky"], "--", ""),
}
CHECK = Path([(-1.0, 0.0), (-0.3, -0.8), (1.0, 0.9)])
# A square, and of another one behind it what is to be seen.
_SQUARE, _BEHIND = [(-1.0, -1.0), (0.3, -1.0), (0.3, 0.3), (-1.0, 0.3), (-1.0, -1.0)], [(-0.3, 0.3), (-0.3, 1.0)]
_BEHIND += [(1.0, 1.0), (1.0, -0.3), (0.3, -0.3)]
TWIN = Path([*_SQUARE, *_BEHIND], [Path.MOVETO, *[Path.LINETO] * 4, Path.MOVETO, *[Path.LINETO] * 4])
MARKS = "Do^ph*"  # of the types of messages; the last stands for all further types


def began(c: Columns, row: int) -> int:
    """Return when an attempt began, or was dropped without having begun; `NEVER` if it still stands in the queue."""
    return c.started[row] if c.started[row] >= 0 else c.ended[row] if c.ended[row] >= 0 else NEVER


def over(c: Columns, row: int) -> int:
    """Return when an attempt ended, or how far the run has come."""
    return c.ended[row] if c.ended[row] >= 0 else c.now_us


def waited_until(c: Columns, row: int) -> int:
    """Return when an attempt left the queue, or how far the run has come."""
    return min(began(c, row), c.now_us)


def signs(c: Columns, rows: Sequence[int], bands: Sequence[Spell], holds: Container[int], crashed: bool) -> list[Sign]:
    """Return what the legend has to explain: for the attempts in these rows, these bands, and all messages."""
    outcomes = {c.outcome[row] for row in rows if began(c, row) < NEVER}
    found = [Sign(outcome.word, partial(sample, outcome)) for outcome in LOOKS if outcome in outcomes]
    if any(row in c.acked for row in rows):
        found.append(Sign("acked before the end of the work", partial(_check, gid="legend")))
    if any(row in holds for row in rows):
        found.append(Sign("held for its next attempt", lambda axes, x, y: _hold(axes, x - 10, x + 10, y, "legend")))
    if any(row in c.duplicated for row in rows):
        found.append(Sign("a duplicate", partial(_twin, gid="legend")))
    if any(on_its_way(c, row) for row in rows):
        found.append(Sign("on its way to the queue", lambda axes, x, y: _way(axes, x - 10, x + 10, y, "legend")))
    if any(waited_until(c, row) > c.queued[row] for row in rows):
        found.append(Sign("waiting in the queue", lambda axes, x, y: _wait(axes, x - 10, x + 10, y)))
    if crashed:
        found.append(Sign("a publisher crashed", partial(_crash, gid="legend")))
    kinds_of_bands = {spell.kind for spell in bands}
    found += [Sign(kind, partial(_shade, kind, gid="legend")) for kind in BANDS if kind in kinds_of_bands]
    kinds = {(type_, cause >= 0) for type_, cause in zip(c.type_of, c.cause, strict=True)}
    others = len(c.types) - len(MARKS) + 1
    for number, (name, mark) in enumerate(zip(c.types, MARKS, strict=False)):
        inside = INK if (number, False) in kinds else "white"
        word = f"{others} other types" if mark == MARKS[-1] and others > 1 else name
        found.append(Sign(word, partial(_legend_mark, mark, inside)))
    return found


class Pen:
    """Draws attempts and messages on axes whose x is in seconds, `scale` pixels each, and whose y is in pixels.

    `has_written` says whether any attempt was wide enough for words.
    """

    def __init__(self, axes: Axes, columns: Columns, end: float, scale: float, crowded: bool) -> None:
        self.axes, self.columns, self.end, self.scale, self.crowded = axes, columns, end, scale, crowded
        self.has_written = False

    def attempt(self, row: int, y: float, *, named: bool, numbered: bool) -> None:
        """Draw an attempt with its wait below it; write the message's id and the attempt's number on it, if it fits."""
        c, outcome = self.columns, Outcome(self.columns.outcome[row])
        start, queued = began(c, row), c.queued[row]
        if on_its_way(c, row):
            _way(self.axes, c.published[c.message[row]] / 1e6, min(queued / 1e6, self.end), y + 12)
        if waited_until(c, row) > queued:
            _wait(self.axes, queued / 1e6, waited_until(c, row) / 1e6, y + 12)
        if start == NEVER:
            return
        left, right = start / 1e6, over(c, row) / 1e6
        length = max(right - left, TICK / self.scale)
        # In a crowd the borders of short bars would be all that is seen.
        border = 0.3 if self.crowded and length * self.scale < 6 else 0.8
        bar(self.axes, outcome, (left, y - 8), (length, 16), right, border)
        if row in c.acked:
            _check(self.axes, c.acked[row] / 1e6, y - 13)
        if row in c.duplicated:
            _twin(self.axes, left + (11 if row in c.acked else 0) / self.scale, y - 13)
        name, number = c.message_id(c.message[row]), str(c.attempt[row])
        words = [f"{name}, attempt {number}", name] if named else [f"attempt {number}", number]
        room = min(length, self.end - left) * self.scale - 8
        fitting = [word for word in words[0 if numbered else 1 :] if width_of(word) <= room]
        if fitting and (named or numbered):
            self.has_written = True
            paper = {"fc": "white", "ec": "none", "alpha": 0.85, "pad": 1.0} if LOOKS[outcome].hatch else None
            color = "white" if outcome == Outcome.DEAD_LETTERED else INK
            write(self.axes, left + length / 2, y, fitting[0], align="center", color=color, bbox=paper)

    def band(self, spell: Spell, top: float, height: float) -> None:
        """Shade a lane for as long as somebody was down, paused or slow."""
        end = min(spell.end / 1e6, self.end) if spell.end >= 0 else self.end
        if spell.start / 1e6 < end:
            width = max(end - spell.start / 1e6, TICK / self.scale)
            _patch(self.axes, spell.kind, (spell.start / 1e6, top), (width, height), spell.kind)

    def hold(self, row: int, until: int, y: float) -> None:
        """Draw that a worker waited with an attempt that failed, up to the next one."""
        start, end = self.columns.ended[row] / 1e6, min(until / 1e6, self.end)
        if start < end:
            _hold(self.axes, start, end, y)

    def crash(self, second: float, y: float) -> None:
        """Mark that a publisher crashed."""
        if second <= self.end:
            _crash(self.axes, second, y)

    def messages(self, height: float) -> None:
        """Draw what was published: a mark for each type, hollow where a handler published it, in up to three rows."""
        c = self.columns
        places: dict[tuple[int, bool], list[float]] = {}
        for type_, cause, published in zip(c.type_of, c.cause, c.published, strict=True):
            if published / 1e6 <= self.end:
                places.setdefault((type_, cause >= 0), []).append(published / 1e6)
        rows = min(len(c.types), 3)
        for (type_, caused), seconds in places.items():
            mark, inside = MARKS[min(type_, len(MARKS) - 1)], "white" if caused else INK
            y = height / 2 + (type_ % rows - (rows - 1) / 2) * 10
            _mark(self.axes, seconds, y, mark, inside, c.types[type_], 6.5 if len(seconds) < 100 else 4.0)


def bar(
    axes: Axes,
    outcome: Outcome,
    corner: tuple[float, float],
    size: tuple[float, float],
    end: float,
    border: float = 0.8,
    gid: str = "",
) -> None:
    """Draw a bar as its outcome looks, with the mark of that outcome at its `end`."""
    look, edge = LOOKS[outcome], mixed(LOOKS[outcome].color, "black", 0.35)
    face, gid = mixed(look.color, "white", 0.35), gid or outcome.word
    axes.add_patch(Rectangle(corner, *size, fc=face, ec=edge, hatch=look.hatch, lw=border, gid=gid))
    if look.mark:
        axes.plot(end, corner[1] - 5, look.mark, ms=5, mfc=edge, mec=edge, gid=gid)


def sample(outcome: Outcome, axes: Axes, x: float, y: float) -> None:
    """Draw how an outcome looks, for a legend."""
    bar(axes, outcome, (x - 10, y - 6), (20, 12), x + 10, gid="legend")


def _shade(kind: str, axes: Axes, x: float, y: float, gid: str) -> None:
    _patch(axes, kind, (x - 10, y - 8), (20, 16), gid)


def _patch(axes: Axes, kind: str, corner: tuple[float, float], size: tuple[float, float], gid: str) -> None:
    color = BANDS[kind].color
    face, edge = mixed(color, "white", 0.8), mixed(color, "white", 0.4)
    axes.add_patch(Rectangle(corner, *size, fc=face, ec=edge, hatch=BANDS[kind].hatch, lw=0.6, zorder=0.4, gid=gid))


def _check(axes: Axes, x: float, y: float, gid: str = "acked early") -> None:
    axes.plot(x, y, marker=CHECK, ms=8, mfc="none", mec=INK, mew=1.6, gid=gid)


def _twin(axes: Axes, x: float, y: float, gid: str = "duplicate") -> None:
    axes.plot(x, y, marker=TWIN, ms=9, mfc="white", mec=INK, mew=1.0, gid=gid)


def _hold(axes: Axes, start: float, stop: float, y: float, gid: str = "held") -> None:
    color = mixed(LOOKS[Outcome.FAILED].color, "black", 0.35)
    axes.add_patch(Rectangle((start, y - 4), stop - start, 8, fc="white", ec=color, lw=0.8, hatch="----", gid=gid))


def _crash(axes: Axes, x: float, y: float, gid: str = "crashed publisher") -> None:
    axes.plot(x, y, "X", ms=9, mfc=PALETTE["vermillion"], mec=INK, mew=0.8, zorder=3, gid=gid)


def _way(axes: Axes, start: float, stop: float, y: float, gid: str = "on its way") -> None:
    line(axes, [start, stop], [y, y], lw=1.6, ls=(0, (1, 1.5)), gid=gid)


def _legend_mark(mark: str, inside: str, axes: Axes, x: float, y: float) -> None:
    _mark(axes, [x], y, mark, inside, "legend")


def _wait(axes: Axes, start: float, stop: float, y: float) -> None:
    line(axes, [start, stop], [y, y], lw=1.6, gid="waiting")
    line(axes, [start, start], [y - 3, y + 3], gid="waiting")


def _mark(axes: Axes, xs: Sequence[float], y: float, mark: str, inside: str, gid: str, size: float = 6.5) -> None:
    axes.plot(xs, [y] * len(xs), mark, ms=size, mfc=inside, mec=INK, mew=1.2, zorder=3, gid=gid)
