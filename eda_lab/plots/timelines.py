"""Who worked when: a lane for each consumer, a bar for each attempt, and above them what was published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from eda_lab.columns import Columns, Outcome
from eda_lab.errors import OptionError
from eda_lab.graphs import BusOrTrace, counted, trace_of
from eda_lab.plots.bars import LOOKS, NEVER, Pen, began, over, signs, waited_until
from eda_lab.plots.canvas import card, seconds_axis, sheet, shortened, width_of, write
from eda_lab.plots.figure import WIDTH, Plot, plainly
from eda_lab.plots.holding import held
from eda_lab.plots.legends import LINE, explain, in_lines
from eda_lab.plots.spells import Change, Spell, changes, crashes, said_shortly, spells, told
from eda_lab.table import visible
from eda_lab.trace import Trace

__all__ = ["chosen_groups", "nothing_yet", "timeline"]

MOST, MOST_LANES, MOST_PUBLISHERS = 400, 30, 6  # deliveries and lanes in one picture
LANE = 34  # the height of a lane
TOP, RIGHT, BELOW = 12, 24, 62  # the room around the lanes; below them that for the axis, to the first sign


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


class _View(NamedTuple):
    """What is to be seen: of all attempts (`rows`) those drawn, of all lanes those shown, up to the second `end`.

    A publisher that crashed has a lane of its own. `notes` and `bands` are what was wrong with those who are shown,
    `holds` the failed attempts that a worker waited with, and until when.
    """

    columns: Columns
    rows: list[int]
    drawn: list[int]
    lanes: dict[tuple[int, int], str]
    shown: dict[tuple[int, int], str]
    end: float
    notes: list[Change]
    bands: list[Spell]
    holds: dict[int, int]

    @property
    def publishers(self) -> list[str]:
        """The publishers that crashed."""
        return list(crashes(self.notes))

    @property
    def repeats(self) -> set[tuple[int, int]]:
        """The lanes in which something was tried again."""
        return {_lane(self.columns, row) for row in self.drawn if self.columns.attempt[row] > 1}

    @property
    def named(self) -> bool:
        """Whether it has to be said which message an attempt was at."""
        return len({self.columns.message[row] for row in self.drawn}) > 1


@plainly
def timeline(trace: BusOrTrace, groups: str | Iterable[str] | None = None, *, until: float = 0.0) -> Plot:
    """Draw who worked when, of all groups or of some: the attempts as bars, and how long each had waited below it.

    Where a consumer was down, paused or slow its lane is shaded; a publisher that crashed has a lane. The axis reaches
    to second `until` at least, so that pictures of different runs can be compared. At most 400 deliveries are drawn,
    those that began first; the caption says what is left out.
    """
    trace = trace_of(trace)
    chosen = chosen_groups(trace, groups)
    if empty := nothing_yet(trace, "Timeline"):
        return empty
    view = _view(trace.columns, chosen)
    names = ["published", *view.publishers[:MOST_PUBLISHERS], *view.shown.values()]
    left = 30 + max(width_of(visible(name, 24)) for name in names)
    found = signs(view.columns, view.drawn, view.bands, view.holds, bool(view.publishers))
    legend = in_lines(found, WIDTH - left - RIGHT)
    floor = TOP + len(names) * LANE
    text = "\n".join([_finding(view), *_said(view)])
    plot = Plot(floor + BELOW + LINE * len(legend), alt=_finding(view), as_text=text)
    axes = seconds_axis(plot, left, TOP, WIDTH - left - RIGHT, floor - TOP, max(view.end, until))
    axes.set(ylim=(floor - TOP, 0), yticks=[])
    has_words = _draw(axes, view, (WIDTH - left - RIGHT) / (axes.get_xlim()[1] - axes.get_xlim()[0]))
    plot.caption = _caption(view, has_words)
    page = sheet(plot)
    for number, name in enumerate(names):
        write(page, left - 10, TOP + (number + 0.5) * LANE, name, room=left - 26, align="right", middle=True)
    explain(page, legend, left, floor + BELOW)
    return plot


def _view(c: Columns, chosen: Sequence[int]) -> _View:
    rows = sorted((row for row, group in enumerate(c.group) if group in chosen), key=lambda row: began(c, row))
    lanes = _lanes(c, chosen, rows)
    shown = dict(list(lanes.items())[:MOST_LANES])
    notes = [note for note in changes(c) if note.group < 0 or note.group in chosen]
    end = max([c.published[-1], *(over(c, row) for row in rows[:MOST]), *(note.time for note in notes)])
    if len(rows) > MOST:  # the picture ends where it would begin to be incomplete
        end = min(end, began(c, rows[MOST]))
    drawn = [row for row in rows[:MOST] if _lane(c, row) in shown]
    holds = {row: until for row, until in held(c).items() if c.group[row] in chosen}
    return _View(c, rows, drawn, lanes, shown, end / 1e6, notes, spells(notes), holds)


def _draw(axes: Axes, view: _View, scale: float) -> bool:
    """Draw all that is in the lanes, and return whether any attempt was wide enough for words."""
    pen = Pen(axes, view.columns, view.end, scale, len(view.drawn) > 100)
    pen.messages(LANE)
    first = 1 + len(view.publishers[:MOST_PUBLISHERS])
    places, repeats, named = {lane: place for place, lane in enumerate(view.shown, first)}, view.repeats, view.named
    for row in view.drawn:
        lane = _lane(view.columns, row)
        pen.attempt(row, (places[lane] + 0.5) * LANE, named=named, numbered=lane in repeats)
        if row in view.holds:
            pen.hold(row, view.holds[row], (places[lane] + 0.5) * LANE)
    for place in range(1, first + len(places), 2):
        axes.axhspan(place * LANE, (place + 1) * LANE, color="#f5f5f5", lw=0, zorder=0)
    own = {name: place for place, name in enumerate(view.publishers[:MOST_PUBLISHERS], 1)}
    for band in view.bands:
        place = places.get((band.group, band.worker), 0) if band.group >= 0 else own.get(band.who, 0)
        if place:
            pen.band(band, place * LANE + 1, LANE - 2)
    for who, times in crashes(view.notes).items():
        for time in times if who in own else ():
            pen.crash(time / 1e6, (own[who] + 0.5) * LANE)
    return pen.has_written


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


def _finding(view: _View) -> str:
    c, rows = view.columns, view.rows
    outcomes = Counter(Outcome(c.outcome[row]) for row in rows)
    how = ", ".join(f"{outcomes[outcome]:,} {outcome.word}" for outcome in LOOKS if outcomes[outcome])
    consumers = len({_lane(c, row) for row in rows})
    span = max((over(c, row) for row in rows), default=0) / 1e6
    says = f"{counted(len(rows), 'delivery')} to {counted(consumers, 'consumer')} in {span:g} s: {how or 'none'}."
    longest = max(rows, key=lambda row: waited_until(c, row) - c.queued[row], default=None)
    waited = waited_until(c, longest) - c.queued[longest] if longest is not None else 0
    if longest is None or waited <= 0:
        says += " Nobody had to wait."
    else:
        says += f" The longest wait: {waited / 1e6:g} s, in the queue of {visible(c.groups[c.group[longest]])}."
    acked, twice = (sum(row in marked for row in rows) for marked in (c.acked, c.duplicated))
    if acked:
        says += f" {acked:,} acked before the end of the work."
    if view.holds:
        says += f" Workers held a failed message {counted(len(view.holds), 'time')}, and took nothing else up."
    if twice:
        says += f" {counted(twice, 'duplicate')}."
    return " ".join(filter(None, [says, said_shortly(view.bands, view.notes)]))


def _caption(view: _View, has_words: bool) -> str:
    number = f"; the number in it is {'the id of its message' if view.named else 'the attempt'}" if has_words else ""
    says = [f"A bar is one attempt at a delivery{number}."]
    if max(view.columns.cause) >= 0:
        says.append("A hollow mark at the top: a handler published it.")
    if len(view.rows) > MOST:
        says.append(f"Drawn: the first {MOST} of {counted(len(view.rows), 'delivery')}, up to {view.end:g} s.")
    if unseen := len(view.publishers[MOST_PUBLISHERS:]):
        says.append(f"Not drawn: {counted(unseen, 'more publisher')} that crashed.")
    if left_out := len(view.lanes) - len(view.shown):
        says.append(f"Not drawn: {counted(left_out, 'more consumer')}.")
    return " ".join(says)


def _said(view: _View) -> list[str]:
    """Say who had how much, what was published, and what came of each attempt, in the order in which they began."""
    c = view.columns
    shares: dict[tuple[int, int], Counter[str]] = {lane: Counter() for lane in view.lanes}
    for row in view.rows:
        shares[_lane(c, row)][Outcome(c.outcome[row]).word] += 1

    def share(lane: tuple[int, int]) -> str:
        return (
            f"{visible(view.lanes[lane])}: {', '.join(f'{n:,} {word}' for word, n in shares[lane].items()) or 'idle'}"
        )

    def published(row: int) -> str:
        return f"{c.published[row] / 1e6:g} s: {visible(c.sources[c.source_of[row]])} published {_what(c, row)}"

    def attempt(row: int) -> str:
        start, stop = began(c, row), over(c, row) / 1e6
        times = f"{start / 1e6:g} to {stop:g} s" if start < NEVER else f"from {c.queued[row] / 1e6:g} s"
        again = f", attempt {c.attempt[row]}" if c.attempt[row] > 1 else ""
        again += ", a duplicate" if row in c.duplicated else ""
        what = f"{visible(view.lanes[_lane(c, row)])}, {_what(c, c.message[row])}{again}"
        acked = f", acked at {c.acked[row] / 1e6:g} s" if row in c.acked else ""
        holds = f", then held until {view.holds[row] / 1e6:g} s" if row in view.holds else ""
        return f"{times}: {what}: {Outcome(c.outcome[row]).word}{acked}{holds}"

    return [
        *shortened(list(view.lanes), share),
        *told(view.bands, view.notes),
        *shortened(range(len(c.data)), published, 20),
        *shortened(view.rows, attempt),
    ]


def _what(c: Columns, message: int) -> str:
    return f"{visible(c.types[c.type_of[message]])} {visible(c.message_id(message), 200)}"
