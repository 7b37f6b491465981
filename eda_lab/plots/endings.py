"""What became of the copies of each group: done, lost, dead lettered, or still on their way, as one bar a group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from eda_lab.columns import Columns, Outcome
from eda_lab.graphs import BusOrTrace, counted, trace_of
from eda_lab.plots.bars import LOOKS, TICK, bar, sample
from eda_lab.plots.canvas import INK, MUTED, SMALL, card, named, seconds_axis, sheet, width_of, write
from eda_lab.plots.figure import WIDTH, Plot, plainly
from eda_lab.plots.legends import LINE, Sign, explain, in_lines
from eda_lab.plots.timelines import chosen_groups
from eda_lab.table import visible

__all__ = ["most_copies", "outcomes"]

MOST = 24  # groups in one picture
TOP, RIGHT, BELOW = 8, 24, 62
ABOVE, BAR, UNDER, BELOW_IT, WORDS = 12, 20, 12, 12, 15  # the heights above a bar, of it, to its words, below, a line
_PAPER = {"fc": "white", "ec": "none", "pad": 0.5}  # under words, or the grid would go through them
AGAIN = (Outcome.FAILED, Outcome.CRASHED)  # ends of attempts after which the copy came back


class _Group(NamedTuple):
    name: str
    ends: dict[Outcome, int]
    again: dict[Outcome, int]
    duplicates: int
    lines: list[str]

    @property
    def copies(self) -> int:
        """How many copies came, or are on their way."""
        return sum(self.ends.values())

    @property
    def height(self) -> float:
        """How much room it takes."""
        return ABOVE + BAR + UNDER + WORDS * (len(self.lines) - 1) + BELOW_IT

    def __str__(self) -> str:
        parts = [f"{number:,} {outcome.word}" for outcome, number in self.ends.items()]
        more = _more(self.again, self.duplicates)
        return f"{visible(self.name)}, {counted(self.copies, 'copy')}: {', '.join(parts) or 'none'}{more}"


@plainly
def outcomes(trace: BusOrTrace, groups: str | Iterable[str] | None = None, *, copies: int = 0) -> Plot:
    """Draw for each group, or for some, what became of its copies: a bar of those done, lost, dead lettered, queued...

    Each group gets a copy of every message that it listens to; a link may add duplicates. A dead letter that was
    redriven counts as what became of it. The axis reaches to so many `copies` at least, so that pictures of different
    runs can be compared.
    """
    trace = trace_of(trace)
    chosen = chosen_groups(trace, groups)
    if not trace.columns.message:
        return card("Outcomes", "nobody got anything yet: bus.subscribe(...), then bus.publish(...)")
    names = [trace.columns.groups[number] for number in chosen[:MOST]]
    left = 30 + max((width_of(visible(name, 24)) for name in names), default=0)
    room = WIDTH - left - RIGHT
    every = [_counts(trace.columns, number, room) for number in chosen]
    shown = every[:MOST]
    height = sum(group.height for group in shown)
    signs = [Sign(o.word, partial(sample, o)) for o in LOOKS if any(o in group.ends for group in shown)]
    legend = in_lines(signs, room)
    text = "\n".join([_finding(every), *map(str, every)])
    plot = Plot(TOP + height + BELOW + LINE * len(legend), alt=_finding(every), as_text=text, caption=_caption(every))
    most = max([copies, 1, *(group.copies for group in every)])
    axes = seconds_axis(plot, left, TOP, room, height, most)
    axes.set(ylim=(height, 0), yticks=[])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, steps=[1, 2, 5, 10]))
    axes.set_xlabel("copies", size=SMALL, color=MUTED, labelpad=4)
    page = sheet(plot)
    y = 0.0
    for group in shown:
        _draw(axes, group, y + ABOVE, room / (most * 1.04))
        write(page, left - 10, TOP + y + ABOVE + BAR / 2, group.name, room=left - 26, align="right", middle=True)
        for number, words in enumerate(group.lines):
            below = TOP + y + ABOVE + BAR + UNDER + number * WORDS
            write(page, left + room * 0.02 / 1.04, below, words, color=MUTED, room=room, bbox=_PAPER)
        y += group.height
    explain(page, legend, left, TOP + height + BELOW)
    return plot


def most_copies(c: Columns) -> int:
    """Return how many copies the group has got that got most, those on their way included."""
    came = Counter(group for group, attempt in zip(c.group, c.attempt, strict=True) if attempt == 1)
    came.subtract(c.group[row] for row in c.redriven)
    return max(came.values(), default=0)


def _draw(axes: Axes, group: _Group, top: float, scale: float) -> None:
    """Draw a group's bar, `scale` pixels for each copy; the number of a part stands in it, if it fits."""
    left = 0
    for outcome, number in group.ends.items():
        bar(axes, outcome, (left, top), (max(number, TICK / scale), BAR), left + number)
        if width_of(f"{number:,}") + 8 <= number * scale:
            paper = {"fc": "white", "ec": "none", "alpha": 0.85, "pad": 1.0} if LOOKS[outcome].hatch else None
            color = "white" if outcome is Outcome.DEAD_LETTERED else INK
            write(axes, left + number / 2, top + BAR / 2, f"{number:,}", align="center", color=color, bbox=paper)
        left += number


def _counts(c: Columns, group: int, room: float) -> _Group:
    """Count how the copies of a group stand, and say so in lines that fit."""
    found = Counter(Outcome(outcome) for outcome, of in zip(c.outcome, c.group, strict=True) if of == group)
    found[Outcome.DEAD_LETTERED] -= sum(c.group[row] == group for row in c.redriven)
    ends = {outcome: found[outcome] for outcome in LOOKS if found[outcome] and outcome not in AGAIN}
    again = {outcome: found[outcome] for outcome in AGAIN if found[outcome]}
    twice = sum(c.group[row] == group for row in c.duplicated)
    parts = [f"{number:,} {outcome.word}" for outcome, number in ends.items()]
    lines = [parts.pop(0) if parts else "no copies"]
    for part in [*(f", {part}" for part in parts), *filter(None, [_more(again, twice)])]:
        longer = f"{lines[-1]}{part}"
        lines = [*lines[:-1], longer] if width_of(longer) <= room - 30 else [*lines, part[2:]]
    return _Group(c.groups[group], ends, again, twice, lines)


def _more(again: dict[Outcome, int], duplicates: int) -> str:
    """Say how many of the copies are duplicates, and how many attempts ended, but not their copy."""
    parts = [counted(number, f"{outcome.word} attempt") for outcome, number in again.items()]
    twice = f"; {counted(duplicates, 'duplicate')} among them" if duplicates else ""
    return f"{twice}; tried again after {' and '.join(parts)}" if parts else twice


def _finding(every: list[_Group]) -> str:
    total: Counter[Outcome] = Counter()
    for group in every:
        total.update(group.ends)
    if not total:
        return "No group got anything."
    parts = ", ".join(f"{total[outcome]:,} {outcome.word}" for outcome in LOOKS if total[outcome])
    says = f"{counted(total.total(), 'copy')} for {counted(len(every), 'group')}: {parts}."
    behind = [g for g in every if g.ends.get(Outcome.DONE, 0) < g.copies]
    if not behind or len(every) == 1:
        return says if behind else f"{says} All work is done."
    done = [f"{group.name} ({group.ends.get(Outcome.DONE, 0):,} of {group.copies:,})" for group in behind]
    return f"{says} Not all done: {named(done)}."


def _caption(every: list[_Group]) -> str:
    says = ["A bar is all copies that a group got."]
    if any(group.again for group in every):
        says.append("An attempt that is tried again ends no copy.")
    if len(every) > MOST:
        says.append(f"Not drawn: {counted(len(every) - MOST, 'more group')}.")
    return " ".join(says)
