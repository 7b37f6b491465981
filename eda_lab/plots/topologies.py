"""The topology of a bus as a picture: producers at the left, the bus, the groups at the right, level arrows between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
from matplotlib.axes import Axes

from eda_lab import graphs
from eda_lab.graphs import BusOrTrace, counted
from eda_lab.plots.canvas import COLORS, MUTED, NORMAL, PALETTE, arrow, box, hexagon, line, named, sheet, write
from eda_lab.plots.figure import WIDTH, Plot, plainly

__all__ = ["topology"]

MARGIN, GAP, LINE = 20, 14, 15  # around the picture, between rows, from one line of a label to the next
MOST = 40  # rows in one picture
MAKERS = ("producer", "process")  # a process is a producer that has published nothing


def _some(labels: Sequence[str]) -> list[str]:
    return list(labels) if len(labels) <= 3 else [*labels[:2], f"+ {len(labels) - 2} more"]


@dataclass
class _Row:
    """A producer or a group with the labels of its arrows: of the one above, and of the dashed one below."""

    name: str
    above: list[str]
    below: list[str]
    back: bool = False
    workers: int = 1
    queued: bool = False
    silent: bool = False
    y: float = 0.0

    @property
    def half(self) -> float:
        """Half the height of its box."""
        return 31.0 if self.back else 22.0

    @property
    def apart(self) -> float:
        """How far its arrows lie from its middle."""
        return 9.0 if self.back else 0.0

    @property
    def fan(self) -> int:
        """How many hexagons stand for its consumers."""
        return 0 if self.workers < 2 else min(self.workers, 4)

    @property
    def up(self) -> float:
        """How far it reaches above its middle."""
        return max(self.half, self.apart + LINE * len(self.above) + 4, self.fan * 13)

    @property
    def down(self) -> float:
        """How far it reaches below its middle."""
        return max(self.half, self.apart + LINE * len(self.below) + 4, self.fan * 13)


@plainly
def topology(bus_or_trace: BusOrTrace) -> Plot:
    """Draw who hands events to whom: producers, the bus, the groups, and the consumers of a group that has several."""
    graph = graphs.topology(bus_or_trace)
    kinds = {name: facts["kind"] for name, facts in graph.nodes(data=True)}
    bus = next(name for name, kind in kinds.items() if kind == "bus")
    producers = [_row(graph, name, bus) for name, kind in kinds.items() if kind in MAKERS]
    groups = [_row(graph, name, bus) for name, kind in kinds.items() if kind == "group"]
    columns = producers[:MOST], groups[:MOST]
    height = max(96.0, *(sum(row.up + row.down + GAP for row in rows) for rows in columns)) + 2 * MARGIN
    plot = Plot(height, alt=_finding(producers, groups), as_text=graphs.describe(graph), caption=_how_to_read(groups))
    for rows in columns:
        y = (height - sum(row.up + row.down + GAP for row in rows)) / 2
        for row in rows:
            row.y = y + GAP / 2 + row.up
            y += row.up + row.down + GAP
    _draw(sheet(plot), height, *columns)
    return plot


def _row(graph: nx.DiGraph[str], name: str, bus: str) -> _Row:
    facts = graph.nodes[name]
    into = [f"{n:,} x {type_}" for type_, n in graph.edges.get((name, bus), {}).get("types", {}).items()]
    if facts["kind"] in MAKERS:
        return _Row(facts["label"], _some(into), [], silent=facts["kind"] == "process")
    what = graph.edges.get((bus, name), {}).get("what", ())
    listens = ["* (every event)" if name == "*" else name for name in what]
    return _Row(
        facts["label"], _some(listens), _some(into), graph.has_edge(name, bus), facts["workers"], facts["queued"]
    )


def _draw(axes: Axes, height: float, producers: list[_Row], groups: list[_Row]) -> None:
    fan = any(row.fan for row in groups)
    maker, hub, team = (110, 56, 176) if fan else (130, 72, 176)
    right = WIDTH - MARGIN - team - (68 if fan else 0)
    left = MARGIN + maker
    start = left + (right - left - hub) * (0.48 if fan else 0.5)
    room = start - left - 20, right - start - hub - 20
    box(axes, start, MARGIN, hub, height - 2 * MARGIN, COLORS["bus"], face=COLORS["bus"], rounding=12)
    write(axes, start + hub / 2, height / 2, "bus", color="white", size=12.0, weight="bold", align="center")
    for row in producers:
        box(axes, MARGIN, row.y - row.half, maker, 2 * row.half, COLORS["producer"], rounding=row.half)
        _name(axes, MARGIN + maker / 2, row.y, row.name, MAKERS[row.silent], maker - 24, "center")
        if row.silent:
            continue
        arrow(axes, left, row.y, start, row.y)
        _label(axes, (left + start) / 2 - 4, row.y - 11, row.above, room[0], -LINE)
    for row in groups:
        _group(axes, row, right, team)
        middle = (start + hub + right) / 2
        if row.workers:
            arrow(axes, start + hub, row.y - row.apart, right, row.y - row.apart)
            _label(axes, middle - 4, row.y - row.apart - 11, row.above, room[1], -LINE)
        if row.back:
            arrow(axes, right, row.y + row.apart, start + hub, row.y + row.apart, dashed=True)
            _label(axes, middle + 4, row.y + row.apart + 11, row.below, room[1], LINE)
    if not producers:
        write(axes, MARGIN, height / 2, "nobody has published yet", color=MUTED, room=start - MARGIN - 10)
    if not groups:
        write(axes, start + hub + 24, height / 2, "nobody listens yet: bus.subscribe(...)", color=MUTED, room=300)


def _group(axes: Axes, row: _Row, x: float, width: float) -> None:
    """Draw a group: a box with the slots of its queue at the left, and a hexagon for each of several consumers."""
    box(axes, x, row.y - row.half, width, 2 * row.half, COLORS["group"], rounding=3)
    for slot in (10, 15, 20) if row.queued else ():
        line(axes, [x + slot, x + slot], [row.y - 10, row.y + 10], lw=2.0, color=PALETTE["blue"], zorder=3)
    kind = f"group, {counted(row.workers, 'consumer')}" if row.queued else "handler"
    kind = kind if row.workers else "group that has left"
    _name(axes, x + (30 if row.queued else 12), row.y, row.name, kind, width - 38)
    for number in range(1, row.fan + 1):
        y = row.y + (number - (row.fan + 1) / 2) * 26
        if number == 4 < row.workers:
            write(axes, x + width + 48, y, f"+ {row.workers - 3:,} more", color=MUTED, align="center")
            continue
        arrow(axes, x + width, row.y, x + width + 38, y)
        hexagon(axes, x + width + 48, y, 12, COLORS["consumer"])
        write(axes, x + width + 48, y, str(number), align="center", zorder=4)


def _name(axes: Axes, x: float, y: float, name: str, kind: str, room: float, align: str = "left") -> None:
    write(axes, x, y - 8, name, size=NORMAL, weight="bold", room=room, align=align)
    write(axes, x, y + 9, kind, color=MUTED, room=room, align=align)


def _label(axes: Axes, x: float, y: float, labels: list[str], room: float, step: int) -> None:
    for place, text in enumerate(labels if step > 0 else reversed(labels)):
        write(axes, x, y + step * place, text, room=room, align="center")


def _finding(producers: list[_Row], groups: list[_Row]) -> str:
    makers = [row.name for row in producers if not row.silent]
    silent = [row.name for row in producers if row.silent]
    who = named(makers) or "Nobody"
    listen = [row.name for row in groups if row.workers]
    back = [row.name for row in groups if row.back]
    served = (
        f"which serves {counted(len(listen), _word(groups))}: {named(listen, 12)}." if listen else "but nobody listens."
    )
    says = [f"{who} {'publishes' if len(makers) < 2 else 'publish'} to the bus, {served}"]
    if silent:
        says.append(f"{named(silent)} {'publishes' if len(silent) == 1 else 'publish'} nothing.")
    if back:
        says.append(f"{named(back)} {'publishes' if len(back) == 1 else 'publish'} in turn.")
    return " ".join(says)


def _word(groups: list[_Row]) -> str:
    return "group" if all(row.queued for row in groups) else "handler"


def _how_to_read(groups: list[_Row]) -> str:
    says = ["Each group gets its own copy of every event it listens to."]
    if _word(groups) == "handler":
        says = ["Inside publish the bus calls the handlers, one after the other; there is no queue."]
    if any(row.fan for row in groups):
        says.append("The consumers of a group share the work: one of them gets the copy.")
    if any(row.back for row in groups):
        says.append("Dashed: what a group publishes in turn.")
    if len(groups) > MOST:
        says.append(f"Not drawn: {counted(len(groups) - MOST, 'more group')}.")
    return " ".join(says)
