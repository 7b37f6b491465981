"""Who worked when: a lane for each consumer, a bar for each attempt, and above them what was published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from eda_lab.columns import Columns, Outcome
from eda_lab.errors import OptionError
from eda_lab.graphs import BusOrTrace, counted, trace_of
from eda_lab.plots.bars import LOOKS, NEVER, Pen, Sign, began, over, signs
from eda_lab.plots.canvas import (
    card,
    seconds_axis,
    sheet,
    shortened,
    width_of,
    write,
)
from eda_lab.plots.figure import WIDTH, Plot, plainly
from eda_lab.table import visible
from eda_lab.trace import Trace

__all__ = ["chosen_groups", "nothing_yet", "timeline"]

MOST, MOST_LANES = 400, 30  # deliveries and lanes in one picture
LANE, LEGEND = 34, 24  # the heights of a lane and of a line of the legend
TOP, RIGHT, BELOW = 12, 24, 84  # the room around the lanes, that for the axis and the legend included


def chosen_groups(trace: Trace, groups: str | Iterable[str] | None) -> list[int]:
    """Return the numbers of the groups of these names, or of all; raise `OptionError` for a name that is none."""
    names = trace.columns.groups
    if groups is None:
        return list(range(len(names)))
    wanted = [groups] if isinstance(groups, str) else list(groups)
    for name in wanted:
        if name not in names:
            raise OptionError("groups", name, f"give some of {', '.join(names) or 'the groups, once there are any'}")
    return [names.index(name) for name in dict.fromkeys(wanted)]


def nothing_yet(trace: Trace, title: str) -> Plot | None:
    """Return a card where there is nothing to draw yet."""
    c = trace.columns
    if not c.data:
        return card(title, "nothing happened yet: bus.publish(...), then bus.run()")
    if not c.message:
        return card(title, "nobody listens to what was published")
    if c.now_us == 0 and max(c.started) < 0:
        return card(title, f"nothing happened yet: bus.run() ({counted(len(c.message), 'delivery')} queued)")
    return None


@plainly
def timeline(trace: BusOrTrace, groups: str | Iterable[str] | None = None) -> Plot:
    """Draw who worked when, of all groups or of some: the attempts as bars, and how long each had waited below it.

    At most 400 deliveries are drawn, those that began first; the caption says what is left out.
    """
    trace = trace_of(trace)
    chosen = chosen_groups(trace, groups)
    if empty := nothing_yet(trace, "Timeline"):
        return empty
    c = trace.columns
    rows = [row for row, group in enumerate(c.group) if group in chosen and c.outcome[row] != Outcome.WAITING]
    rows.sort(key=lambda row: began(c, row))
    lanes = _lanes(c, chosen, rows)
    shown = dict(list(lanes.items())[:MOST_LANES])
    end = max([c.published[-1], *(over(c, row) for row in rows[:MOST])]) / 1e6
    if len(rows) > MOST:  # the picture ends where it would begin to be incomplete
        end = min(end, began(c, rows[MOST]) / 1e6)
    names = ["published", *shown.values()]
    left = 30 + max(width_of(visible(name, 24)) for name in names)
    drawn = [row for row in rows[:MOST] if _lane(c, row) in shown]
    legend = _in_lines(signs(c, drawn), WIDTH - left - RIGHT)
    height, below = len(names) * LANE, BELOW + LEGEND * (len(legend) - 1)
    named = len({c.message[row] for row in drawn}) > 1
    repeats = {_lane(c, row) for row in drawn if c.attempt[row] > 1}
    plot = Plot(
        TOP + height + below,
        alt=_finding(c, rows),
        as_text="\n".join([_finding(c, rows), *_said(c, lanes, rows)]),
        caption=_caption(
            c,
            rows,
            end,
            len(lanes) - len(shown),
            "the id of its message" if named else "the attempt" if repeats else "",
        ),
    )
    axes = seconds_axis(plot, left, TOP, WIDTH - left - RIGHT, height, end)
    axes.set(ylim=(height, 0), yticks=[])
    pen = Pen(axes, c, end, (WIDTH - left - RIGHT) / (axes.get_xlim()[1] - axes.get_xlim()[0]), len(drawn) > 100)
    pen.messages(LANE / 2)
    places = {lane: (number + 1.5) * LANE for number, lane in enumerate(shown)}
    for row in drawn:
        pen.attempt(row, places[_lane(c, row)], named=named, numbered=_lane(c, row) in repeats)
    page = sheet(plot)
    for number, name in enumerate(names):
        write(page, left - 10, TOP + (number + 0.5) * LANE, name, room=left - 26, align="right")
        if number % 2:
            axes.axhspan(number * LANE, (number + 1) * LANE, color="#f5f5f5", lw=0, zorder=0)
    for number, line in enumerate(legend):
        for x, sign in line:
            y = TOP + height + BELOW - 18 + number * LEGEND
            sign.draw(page, left + x + 10, y)
            write(page, left + x + 27, y, sign.word, room=WIDTH - left - x - 40)
    return plot


def _in_lines(found: Sequence[Sign], room: float) -> list[list[tuple[float, Sign]]]:
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


def _lane(c: Columns, row: int) -> tuple[int, int]:
    """Return the lane of an attempt as (group, worker); what nobody took up stands with the only worker, or apart."""
    group, worker = c.group[row], c.worker[row]
    return group, 0 if worker < 0 and len(c.workers[group]) == 1 else worker


def _lanes(c: Columns, chosen: Sequence[int], rows: Sequence[int]) -> dict[tuple[int, int], str]:
    used = {_lane(c, row) for row in rows}
    lanes: dict[tuple[int, int], str] = {}
    for group in chosen:
        lanes.update(((group, number), name) for number, name in enumerate(c.workers[group]))
        if (group, -1) in used:
            lanes[group, -1] = f"{c.groups[group]}: queue"
    return lanes


def _finding(c: Columns, rows: Sequence[int]) -> str:
    outcomes = Counter(Outcome(c.outcome[row]) for row in rows)
    order = [*LOOKS, Outcome.QUEUED]
    how = ", ".join(f"{outcomes[outcome]:,} {outcome.word}" for outcome in order if outcomes[outcome])
    consumers = len({_lane(c, row) for row in rows})
    span = max((over(c, row) for row in rows), default=0) / 1e6
    says = f"{counted(len(rows), 'delivery')} to {counted(consumers, 'consumer')} in {span:g} s: {how or 'none'}."
    waited, row = max(((min(began(c, row), c.now_us) - c.queued[row], -row) for row in rows), default=(0, 0))
    return (
        f"{says} The longest wait: {waited / 1e6:g} s, in the queue of {visible(c.groups[c.group[-row]])}."
        if waited
        else (f"{says} Nobody had to wait.")
    )


def _caption(c: Columns, rows: Sequence[int], end: float, left_out: int, number: str) -> str:
    says = [f"A bar is one attempt at a delivery{f'; the number in it is {number}' if number else ''}."]
    if max(c.cause) >= 0:
        says.append("A hollow mark at the top: a handler published it.")
    if len(rows) > MOST:
        says.append(f"Drawn: the first {MOST} of {counted(len(rows), 'delivery')}, up to {end:g} s.")
    if left_out:
        says.append(f"Not drawn: {counted(left_out, 'more consumer')}.")
    return " ".join(says)


def _said(c: Columns, lanes: dict[tuple[int, int], str], rows: Sequence[int]) -> list[str]:
    """Say who had how much, what was published, and what came of each attempt, in the order in which they began."""

    def share(lane: tuple[int, int]) -> str:
        own = Counter(Outcome(c.outcome[row]).word for row in rows if _lane(c, row) == lane)
        return f"{visible(lanes[lane])}: {', '.join(f'{n:,} {word}' for word, n in own.items()) or 'idle'}"

    def published(row: int) -> str:
        return f"{c.published[row] / 1e6:g} s: {visible(c.sources[c.source_of[row]])} published {_what(c, row)}"

    def attempt(row: int) -> str:
        start, stop = began(c, row) / 1e6, over(c, row) / 1e6
        times = f"{start:g} to {stop:g} s" if start < NEVER / 1e6 else f"from {c.queued[row] / 1e6:g} s"
        again = f", attempt {c.attempt[row]}" if c.attempt[row] > 1 else ""
        outcome = Outcome(c.outcome[row]).word
        return f"{times}: {visible(lanes[_lane(c, row)])}, {_what(c, c.message[row])}{again}: {outcome}"

    return [
        *shortened(list(lanes), share),
        *shortened(range(len(c.data)), published, 20),
        *shortened(rows, attempt),
    ]


def _what(c: Columns, message: int) -> str:
    return f"{visible(c.types[c.type_of[message]])} {visible(c.message_id(message))}"
