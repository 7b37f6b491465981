"""How many waited: the depth of each group's queue over time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from eda_lab.graphs import BusOrTrace, counted, trace_of
from eda_lab.plots.canvas import (
    GRID,
    MUTED,
    PALETTE,
    fit,
    line,
    mixed,
    seconds_axis,
    sheet,
    shortened,
    width_of,
    write,
)
from eda_lab.plots.figure import WIDTH, Plot, plainly
from eda_lab.plots.timelines import chosen_groups, nothing_yet
from eda_lab.table import visible

__all__ = ["queue_depth"]

MOST = 24  # groups in one picture
MARGIN, LEFT, TOP, RIGHT, BELOW = 20, 56, 40, 190, 54
APART = 16.0  # from one name to the next
# Seven colours and five patterns: no two of 35 lines are alike.
LINES = [PALETTE[name] for name in ("blue", "vermillion", "green", "purple", "orange", "sky", "black")]
PATTERNS = ["solid", (0, (6, 2)), (0, (1.5, 1.5)), (0, (8, 2, 1.5, 2)), (0, (3, 1.5, 1, 1.5, 1, 1.5))]


class _Queue(NamedTuple):
    name: str
    steps: list[tuple[float, int]]

    @property
    def deepest(self) -> tuple[int, float]:
        """How many waited at most, and when first."""
        most = max((level for _, level in self.steps), default=0)
        return most, next((moment for moment, level in self.steps if level == most), 0.0)

    @property
    def last(self) -> int:
        """How many wait at the end."""
        return self.steps[-1][1] if self.steps else 0

    def __str__(self) -> str:
        most, when = self.deepest
        if not most:
            return f"{visible(self.name)}: nobody waited"
        steps = ", ".join(shortened(self.steps, lambda step: f"{step[1]:,} from {step[0]:g} s", 12))
        return f"{visible(self.name)}: at most {most:,} (at {when:g} s), {self.last:,} at the end; {steps}"


@plainly
def queue_depth(trace: BusOrTrace, groups: str | Iterable[str] | None = None) -> Plot:
    """Draw how many deliveries waited in the queue of each group, or of some groups, at every moment."""
    trace = trace_of(trace)
    chosen = chosen_groups(trace, groups)
    if empty := nothing_yet(trace, "Queues"):
        return empty
    queues = [_Queue(name, trace.depth(name)) for name in (trace.columns.groups[number] for number in chosen)]
    shown = queues[:MOST]
    height = max(240.0, len(shown) * APART + 8)
    text = "\n".join([_finding(queues), *map(str, queues)])
    caption = "Each line is one queue; a delivery that a consumer has in hand does not wait any more."
    if len(queues) > MOST:
        caption += f" Not drawn: {counted(len(queues) - MOST, 'more group')}."
    plot = Plot(TOP + height + BELOW, alt=_finding(queues), as_text=text, caption=caption)
    end = max([trace.now, *(queue.steps[-1][0] for queue in shown if queue.steps)]) or 1.0
    axes = seconds_axis(plot, LEFT, TOP, WIDTH - LEFT - RIGHT, height, end)
    most = max([1, *(queue.deepest[0] for queue in shown)])
    axes.set_ylim(-0.03 * most, most * 1.06)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.grid(axis="y", color=GRID, lw=0.8)
    page = sheet(plot)
    write(page, MARGIN, 22, "number waiting", color=MUTED)
    _draw(axes, page, shown, end, height)
    return plot


def _draw(axes: Axes, page: Axes, queues: list[_Queue], end: float, height: float) -> None:
    """Draw a step line for each queue, and from its end a lead to its name at the right."""
    low, high = axes.get_ylim()
    ends = [TOP + height * (high - queue.last) / (high - low) for queue in queues]
    edge = WIDTH - RIGHT
    places = _apart(ends, TOP, TOP + height)
    for number, queue in enumerate(queues):
        how: dict[str, Any] = {"color": mixed(LINES[number % len(LINES)], "black", 0.15), "lw": 1.8}
        how["ls"] = PATTERNS[number % len(PATTERNS)]
        steps = [(0.0, 0), *queue.steps, (end, queue.last)]
        line(axes, *zip(*steps, strict=True), drawstyle="steps-post", gid=queue.name, zorder=3, **how)
        line(page, [edge - 9, edge + 10], [ends[number], places[number]], lw=0.8)
        line(page, [edge + 10, edge + 42], [places[number]] * 2, **how)
        most = f", max {queue.deepest[0]:,}"
        write(page, edge + 48, places[number], fit(queue.name, RIGHT - 60 - width_of(most)) + most)


def _apart(wanted: list[float], top: float, bottom: float) -> list[float]:
    """Return places near those wanted, from top to bottom, but a line apart; equals keep their order."""
    order = sorted(range(len(wanted)), key=lambda number: (wanted[number], number))
    places = dict.fromkeys(order, 0.0)
    for rank, number in enumerate(order):
        room_below = (len(order) - 1 - rank) * APART
        above = places[order[rank - 1]] + APART if rank else top
        places[number] = max(above, min(wanted[number], bottom - room_below))
    return [places[number] for number in range(len(wanted))]


def _finding(queues: list[_Queue]) -> str:
    if not queues:
        return "There are no groups."
    longest = max(queues, key=lambda queue: queue.deepest[0])
    most, when = longest.deepest
    if not most:
        return f"Nobody waited in any of {counted(len(queues), 'queue')}: each delivery was taken up at once."
    name = visible(longest.name)
    return f"The longest queue is that of {name}: {most:,} waiting at {when:g} s, {longest.last:,} at the end."
