"""`FlowPlayer`: a run, to be played, stepped and scrubbed: who published what, what waits where, who works on it.

All is computed in the browser from the trace, which is sent once. Event data is untrusted, and is only shown as text.
"""

from __future__ import annotations

import html
import json
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from eda_lab.errors import OptionError
from eda_lab.plots import topology
from eda_lab.plots.holding import held
from eda_lab.plots.spells import changes, on_its_way
from eda_lab.table import visible
from eda_lab.trace import Trace
from eda_lab.widgets.shown import Shown

__all__ = ["FlowPlayer"]

HERE = Path(__file__).parent
MOST_RECORDS = 50_000  # of a run's log; what comes after is not drawn, and the player says so
MOST_DATA = 2_000  # messages whose data can be read in the player
MOST_TEXT = 200  # lines of the transcript in the saved notebook


@cache
def _source(*names: str) -> str:
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)


class FlowPlayer(Shown, anywidget.AnyWidget):  # type: ignore[misc]
    """Plays a bus's run (or a trace). `moment` is how many things that a reader can name have happened, from 0.

    `show(bus)` plays another run in place. `save_html(path)` writes a page that plays without anything else.
    """

    _esm = _source("flow_run.js", "flow_words.js", "flow_draw.js", "flow.js")
    _css = _source("flow.css")
    run = traitlets.Dict().tag(sync=True)
    moment = traitlets.Int(0, min=0).tag(sync=True)

    def __init__(self, bus_or_trace: Any) -> None:
        self.trace = _trace_of(bus_or_trace)
        super().__init__(run=_run_data(self.trace))
        self.add_class("eda-flow-player")

    def show(self, bus_or_trace: Any) -> None:
        """Play another run in place, from where this one stands."""
        self.trace = _trace_of(bus_or_trace)
        self.run = _run_data(self.trace)

    def save_html(self, path: str | Path, title: str = "An event-driven shop") -> Path:
        """Write the player and its run as one page that needs no network and no kernel; return its path.

        Raises `OptionError` where it cannot be written there.
        """
        page = _PAGE.format(
            title=html.escape(title),
            css=self._css,
            esm=str(self._esm).replace("export default { render };", ""),
            state=json.dumps({"run": self.run, "moment": 0}).replace("<", "\\u003c"),
        )
        try:
            Path(path).write_text(page, encoding="utf-8")
        except OSError as error:
            reason = error.strerror or str(error)
            raise OptionError("path", str(path), f"the page cannot be written there ({reason})") from error
        return Path(path)

    def _text(self) -> str:
        lines = [self.trace.transcript(0, MOST_TEXT)]
        more = len(self.trace.log) - MOST_TEXT
        return "\n".join([*lines, *([f"... and {more:,} more lines"] if more > 0 else [])])

    def _still(self) -> str:
        words = f"<details><summary>Transcript</summary><pre>{html.escape(self._text())}</pre></details>"
        return f"{topology(self.trace).html}{words}"


def _trace_of(bus_or_trace: Any) -> Trace:
    trace = getattr(bus_or_trace, "trace", bus_or_trace)
    if not isinstance(trace, Trace):
        raise OptionError(
            "bus_or_trace", bus_or_trace, "give an EventBus, or its trace: only what ran there can be played"
        )
    return trace


def _run_data(trace: Trace) -> dict[str, Any]:
    """Return all that the browser needs to play a run: names, columns, and the sentences."""
    c = trace.columns
    log = list(c.log[:MOST_RECORDS])
    left = len(c.log) - len(log)
    listens = {group.name: ", ".join(group.what) for group in trace.groups}
    producers = [name for name in c.sources if name not in c.groups]
    notes = changes(c)
    return {
        "alt": topology(trace).alt,
        "thin": f"The first {len(log):,} lines of the run are played; {left:,} more are in its trace." if left else "",
        "types": [visible(name) for name in c.types],
        "sources": [visible(name) for name in c.sources],
        "producers": [visible(name) for name in producers] or ["checkout"],
        "groups": [
            {"name": visible(name), "what": visible(listens.get(name, "left the bus")), "workers": names}
            for name, names in zip(c.groups, c.workers, strict=True)
        ],
        "messages": {
            "type": list(c.type_of),
            "source": list(c.source_of),
            "cause": list(c.cause),
            "time": list(c.published),
            "id": [visible(c.message_id(row), 80) for row in range(len(c.data))],
        },
        "data": [visible(data, 200) for data in c.data[:MOST_DATA]],
        "deliveries": {
            "message": list(c.message),
            "group": list(c.group),
            "worker": list(c.worker),
            "attempt": list(c.attempt),
            "outcome": list(c.outcome),
            "queued": list(c.queued),
            "started": list(c.started),
            "ended": list(c.ended),
        },
        "redriven": sorted(c.redriven),
        "duplicated": sorted(c.duplicated),
        "late": [row for row in range(len(c.message)) if on_its_way(c, row)],
        "held": sorted(held(c)),
        "acked": {"row": list(c.acked), "time": list(c.acked.values())},
        "notes": {
            "time": [note.time for note in notes],
            "group": [note.group for note in notes],
            "worker": [note.worker for note in notes],
            "producer": [_place(producers, note.who) if note.group < 0 else -1 for note in notes],
            "state": [note.state for note in notes],
            "factor": [note.factor for note in notes],
        },
        "log": log,
        "sentences": [repr(trace.happening(entry)) for entry in range(len(log))],
    }


def _place(names: list[str], name: str) -> int:
    return names.index(name) if name in names else -1


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root {{ color-scheme: light dark; }} body {{ font-family: system-ui, sans-serif; margin: 16px; }}
{css}</style></head>
<body class="eda-page"><main><h1>{title}</h1><div id="player"></div></main>
<script type="module">
{esm}
const state = {state};
const set = (name, value) => {{ state[name] = value; }};
const model = {{ get: (name) => state[name], set, on() {{}}, off() {{}}, save_changes() {{}} }};
render({{ model, el: document.getElementById("player") }});
</script></body></html>
"""
