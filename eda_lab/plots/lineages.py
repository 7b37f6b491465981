"""The lineage of messages as a picture: each at the right of the one that caused it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import networkx as nx
from matplotlib.axes import Axes

from eda_lab import graphs
from eda_lab.events import Message
from eda_lab.graphs import BusOrTrace, counted
from eda_lab.plots.canvas import COLORS, INK, MUTED, arrow, box, card, line, sheet, shortened, write
from eda_lab.plots.figure import WIDTH, Plot, plainly

__all__ = ["lineage"]

MARGIN, GAP = 20, 14  # around the picture, between rows
BOX = (160, 62)  # of a message
MOST, FEW = 24, 8  # messages in one picture, and where none led to another


@plainly
def lineage(trace: BusOrTrace, message_id: str | Message | None = None) -> Plot:
    """Draw which message led to which, the first causes at the left: of one message, or of the whole run."""
    graph = graphs.lineage(trace, message_id)
    if not graph:
        return card("Lineage", "nothing happened yet: bus.publish(...), then bus.run()")
    shown = list(islice(_preorder(graph), MOST if graph.size() else FEW))
    generation = _generations(graph, shown)
    deepest = max(generation.values())
    wide, high = BOX
    step = (WIDTH - 2 * MARGIN - wide) / max(deepest, 1)
    layered = step >= wide + 26  # else each message stands in a row of its own, further in than its cause
    step = min(step, wide + 60.0 if layered else 40.0)
    rows = _rows(graph, shown) if layered else {name: float(row) for row, name in enumerate(shown)}
    places = {name: (MARGIN + step * generation[name], MARGIN + rows[name] * (high + GAP)) for name in shown}
    plot = Plot(
        max(y for _, y in places.values()) + high + MARGIN,
        width=max(x for x, _ in places.values()) + wide + MARGIN,
        alt=_story(graph),
        as_text="\n".join(shortened(graphs.describe(graph).split("\n"))),
        caption=_arrows(graph, len(shown)),
    )
    axes = sheet(plot)
    for name in shown:
        x, y = places[name]
        _message(axes, graph, name, x, y)
        for cause in graph.predecessors(name):
            cx, cy = places[cause]
            if layered:
                arrow(axes, cx + wide, cy + high / 2, x, y + high / 2)
            else:
                line(axes, [cx + 14, cx + 14], [cy + high, y + high / 2], color=INK, lw=1.3)
                arrow(axes, cx + 14, y + high / 2, x, y + high / 2)
    return plot


def _preorder(graph: nx.DiGraph[str]) -> Iterator[str]:
    """Yield the messages, each followed by all that it led to."""
    waiting = [name for name, number in graph.in_degree() if number == 0][::-1]
    while waiting:
        name = waiting.pop()
        yield name
        waiting += list(graph.successors(name))[::-1]


def _generations(graph: nx.DiGraph[str], shown: list[str]) -> dict[str, int]:
    generation: dict[str, int] = {}
    for name in shown:
        generation[name] = max((generation[cause] + 1 for cause in graph.predecessors(name)), default=0)
    return generation


def _rows(graph: nx.DiGraph[str], shown: list[str]) -> dict[str, float]:
    """Give each leaf a row of its own, and put each cause at the middle of what it led to."""
    rows: dict[str, float] = {}
    leaves = 0
    for name in reversed(shown):
        below = [rows[effect] for effect in graph.successors(name) if effect in rows]
        rows[name] = (below[0] + below[-1]) / 2 if below else float(leaves)
        leaves += not below
    return {name: leaves - 1 - row for name, row in rows.items()}


def _message(axes: Axes, graph: nx.DiGraph[str], name: str, x: float, y: float) -> None:
    facts, room = graph.nodes[name], BOX[0] - 18
    root = not graph.in_degree(name)
    color = COLORS["producer" if root else "group"]
    if facts["copies"] > 1:
        box(axes, x + 4, y + 4, *BOX, color)
    box(axes, x, y, *BOX, color, lw=3.0 if facts.get("asked") else 1.2, rounding=14 if root else 3)
    times = f"{facts['copies']}x " if facts["copies"] > 1 else ""
    write(axes, x + 9, y + 14, facts["label"], weight="bold", room=room)
    write(axes, x + 9, y + 31, f"id {name}" if root else name, room=room, middle=True)
    write(axes, x + 9, y + 48, f"{times}by {facts['source']}, {facts['time']:g} s", color=MUTED, room=room)


def _story(graph: nx.DiGraph[str]) -> str:
    if not graph.size():
        return f"{counted(len(graph), 'message')}, and none led to another: no handler returned an event."
    generation = _generations(graph, list(_preorder(graph)))
    roots = list(generation.values()).count(0)
    caused = counted(len(graph) - roots, "message")
    steps = counted(max(generation.values()), "step")
    return f"{counted(roots, 'message')} from producers led to {caused} more, in at most {steps}."


def _arrows(graph: nx.DiGraph[str], shown: int) -> str:
    says = ["An arrow leads from a message to what a handler of it returned."]
    if any(facts.get("asked") for _, facts in graph.nodes(data=True)):
        says.append("Thick border: the message that was asked for.")
    if any(facts["copies"] > 1 for _, facts in graph.nodes(data=True)):
        says.append("Two borders: published more than once, under the same id.")
    if shown < len(graph):
        says.append(f"Drawn: {shown} of {counted(len(graph), 'message')}.")
    return " ".join(says)
