"""What a bus is and what a run did, as `networkx` graphs: who hands events to whom, and which event led to which.

Every node has a `kind` and a `label`, every edge too; `describe` says the same in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any, Protocol, TypeAlias

import networkx as nx

from eda_lab.errors import OptionError
from eda_lab.events import Message
from eda_lab.routing import GroupInfo
from eda_lab.table import visible
from eda_lab.trace import Trace

__all__ = ["BusOrTrace", "counted", "describe", "lineage", "topology", "trace_of"]


class Wired(Protocol):
    """What knows its groups and who publishes: a trace, a `DirectBus`."""

    @property
    def groups(self) -> tuple[GroupInfo, ...]:
        """Who listens."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Who publishes."""


class Traced(Protocol):
    """What writes down what happens: an `EventBus`."""

    @property
    def trace(self) -> Trace:
        """What happened so far."""


BusOrTrace: TypeAlias = Wired | Traced


def topology(bus_or_trace: BusOrTrace) -> nx.DiGraph[str]:
    """Return who hands events to whom: producers -> bus -> groups, and from a group of several on to its consumers.

    The `kind` of a node is "producer", "process", "bus", "group" or "consumer"; a group is `queued`, except on a
    `DirectBus`. A process has published nothing, while others have, and has no edge. An edge into the bus carries
    `types`, how often each type was published that way; its kind is "publishes", or "caused" where a group publishes in
    turn. An edge to a group ("listens") carries `what` it listens to; one to a consumer is of the kind "shares".

    >>> from eda_lab import EventBus
    >>> bus = EventBus()
    >>> _ = bus.subscribe("order_placed", print, name="inventory", workers=2)
    >>> _ = bus.publish("order_placed", {"order_id": "12345"})
    >>> print(describe(topology(bus)))
    1 producer, the bus, 1 group
    checkout -> bus (1 x order_placed)
    bus -> inventory (order_placed): 2 consumers
    """
    wired, trace = _wired(bus_or_trace), _trace(bus_or_trace)
    groups = {group.name: group for group in wired.groups}
    sources = wired.sources or _default(bus_or_trace)
    left = set(trace.columns.groups) - set(groups) if trace else set()
    published = _published(trace) if trace else {}
    bus = _free("bus", {*sources, *groups})
    graph: nx.DiGraph[str] = nx.DiGraph()
    producers = [source for source in sources if source not in groups and source not in left]
    silent = {name for name in producers if published and name not in published}
    for name in producers:
        graph.add_node(name, kind="process" if name in silent else "producer", label=name)
    graph.add_node(bus, kind="bus", label="bus")
    for name in sources:
        if name in left:  # it published before it unsubscribed
            graph.add_node(name, kind="group", label=name, workers=0, queued=True)
    for name, group in groups.items():
        facts = {"workers": group.workers, "handlers": group.handlers, "queued": trace is not None}
        graph.add_node(name, kind="group", label=name, **facts)
    for name in (name for name in sources if name not in silent):
        types = published.get(name, {})
        kind = "publishes" if name in producers else "caused"
        graph.add_edge(name, bus, kind=kind, label=", ".join(f"{n:,} x {t}" for t, n in types.items()), types=types)
    for name, group in groups.items():
        graph.add_edge(bus, name, kind="listens", label=", ".join(group.what), what=group.what)
        for number in range(1, group.workers + 1 if group.workers > 1 else 1):
            consumer = _free(f"{name} #{number}", graph)
            graph.add_node(consumer, kind="consumer", label=f"consumer {number}")
            graph.add_edge(name, consumer, kind="shares", label="")
    return graph


def lineage(trace: BusOrTrace, message_id: str | Message | None = None) -> nx.DiGraph[str]:
    """Return which message led to which: of one message all that led to it and all it led to, or of the whole run.

    The nodes are message ids; `label` is the type, `source` who published, `time` when first, `copies` how often: a
    handler that has to run again publishes again under the same id. An edge's `label` is the group whose handler did.

    Raises `OptionError` for an id that is not in the trace.
    """
    c = trace_of(trace).columns
    ids = [c.message_id(row) for row in range(len(c.data))]
    graph: nx.DiGraph[str] = nx.DiGraph()
    for row, name in enumerate(ids):
        if name in graph:
            graph.nodes[name]["copies"] += 1
            continue
        type_, source = c.types[c.type_of[row]], c.sources[c.source_of[row]]
        graph.add_node(name, kind="message", label=type_, source=source, time=c.published[row] / 1e6, copies=1)
        if (cause := c.cause[row]) >= 0:
            graph.add_edge(ids[c.message[cause]], name, kind="caused", label=c.groups[c.group[cause]])
    if message_id is None:
        return graph
    asked = message_id.id if isinstance(message_id, Message) else message_id
    if asked not in graph:
        hint = f"give the id of a message, such as {ids[0]!r}" if ids else "nothing was published yet"
        raise OptionError("message_id", asked, hint)
    family = {asked} | nx.ancestors(graph, asked) | nx.descendants(graph, asked)
    graph.remove_nodes_from([name for name in graph if name not in family])  # a subgraph would lose the order
    graph.nodes[asked]["asked"] = True
    return graph


def describe(graph: nx.DiGraph[str]) -> str:
    """Return a graph in words, a line for each edge, in the order in which the graph was built."""
    kinds = [facts.get("kind") for _, facts in graph.nodes(data=True)]
    if "bus" in kinds:
        groups = [facts for _, facts in graph.nodes(data=True) if facts.get("kind") == "group"]
        word = "group" if all(facts.get("queued", True) for facts in groups) else "handler"
        head = f"{counted(kinds.count('producer'), 'producer')}, the bus, {counted(len(groups), word)}"
        silent = (name for name, facts in graph.nodes(data=True) if facts.get("kind") == "process")
        says = [
            *(_said(graph, *edge) for edge in graph.edges),
            *(f"{_label(graph, n)}: publishes nothing" for n in silent),
        ]
        return "\n".join([head, *filter(None, says)])
    if not graph:
        return "no messages yet: bus.publish(event)"
    roots = [name for name, number in graph.in_degree() if number == 0]
    head = f"{counted(len(graph), 'message')}: {len(roots)} published by producers, {len(graph) - len(roots)} caused"
    return "\n".join([head, *(line for name in graph for line in _origin(graph, name))])


def _said(graph: nx.DiGraph[str], start: str, end: str) -> str:
    """Say an edge of a topology; the consumers of a group are counted with the group."""
    edge, node = graph.edges[start, end], graph.nodes[end]
    if edge.get("kind") == "shares":
        return ""
    label = f" ({visible(edge['label'], 200)})" if edge.get("label") else ""
    line = f"{_label(graph, start)} -> {_label(graph, end)}{label}"
    if edge.get("kind") == "caused":
        return f"{line}: {'has left' if graph.nodes[start].get('workers') == 0 else 'published in turn'}"
    return f"{line}: {node['workers']} consumers" if node.get("workers", 1) > 1 else line


def _origin(graph: nx.DiGraph[str], name: str) -> list[str]:
    """Say where a message of a lineage comes from."""
    node = graph.nodes[name]
    times = f", published {node['copies']} times" if node.get("copies", 1) > 1 else ""
    causes = list(graph.predecessors(name))
    if not causes:
        return [f"{visible(node.get('source', '?'))} -> {_message(graph, name)}{times}"]
    said = [(_message(graph, cause), graph.edges[cause, name].get("label", "?")) for cause in causes]
    return [f"{cause} -> {_message(graph, name)} (by {visible(group)}){times}" for cause, group in said]


def _message(graph: nx.DiGraph[str], name: str) -> str:
    label = graph.nodes[name].get("label")
    said = visible(name, 200)  # long ids differ at their ends
    return f"{visible(label)} {said}" if label else said


def _label(graph: nx.DiGraph[str], name: str) -> str:
    return visible(graph.nodes[name].get("label", name))


def counted(number: int, thing: str) -> str:
    """Return a number with the word for the thing.

    >>> counted(1, "group"), counted(1200, "group"), counted(2, "delivery")
    ('1 group', '1,200 groups', '2 deliveries')
    """
    plural = f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{number:,} {thing if number == 1 else plural}"


def trace_of(bus_or_trace: BusOrTrace) -> Trace:
    """Return the trace of a bus, or the trace that was given; raise `OptionError` where there is none."""
    trace = _trace(bus_or_trace)
    if trace is None:
        raise OptionError("trace", bus_or_trace, "this has no trace: give an EventBus, or its bus.trace")
    return trace


def _trace(thing: Any) -> Trace | None:
    trace = getattr(thing, "trace", thing)
    return trace if isinstance(trace, Trace) else None


def _wired(thing: Any) -> Wired:
    wired = getattr(thing, "trace", thing)
    if not (hasattr(wired, "groups") and hasattr(wired, "sources")):
        raise OptionError("bus", thing, "this is no bus and no trace: give an EventBus, a DirectBus or a bus.trace")
    found: Wired = wired
    return found


def _default(thing: Any) -> tuple[str, ...]:
    """Return who publishes where nothing was published yet."""
    source = getattr(thing, "source", None)
    return (source,) if isinstance(source, str) else ()


def _published(trace: Trace) -> dict[str, dict[str, int]]:
    """Return how often each source published each type, in the order of the first of each."""
    c = trace.columns
    counts: dict[str, dict[str, int]] = {}
    for (source, type_), number in Counter(zip(c.source_of, c.type_of, strict=True)).items():
        counts.setdefault(c.sources[source], {})[c.types[type_]] = number
    return counts


def _free(name: str, taken: Collection[str]) -> str:
    """Return the name, or one made from it that is not taken yet: a group may be called "bus", too."""
    while name in taken:
        name += "'"
    return name
