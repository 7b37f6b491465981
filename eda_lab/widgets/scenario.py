"""A scenario is a function that builds a bus and publishes to it; `Run` runs what it returned, at once or in slices."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from IPython.core.getipython import get_ipython

from eda_lab.errors import OptionError
from eda_lab.plots.endings import most_copies
from eda_lab.table import Table
from eda_lab.trace import Trace
from eda_lab.widgets.shown import needs_table

__all__ = ["Run", "View", "moved_in_front_end", "seen"]

View = Callable[..., Any]  # of a bus, and of its world if it wants that: a picture or a table
SLICE = 5_000  # things that happen before a person's next move is looked at


class Run:
    """One run of a scenario: the bus, and the world that its handlers act on (or None).

    Raises `OptionError` where the scenario returns no bus of the lab. A parameter called `until` stops the run at that
    second, so that a lesson can scrub through time.
    """

    def __init__(self, scenario: Callable[..., Any], values: dict[str, Any]) -> None:
        made = scenario(**values)
        self.bus: Any
        self.world: Any
        self.bus, self.world = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
        if not isinstance(getattr(self.bus, "trace", None), Trace):
            raise OptionError("scenario", scenario, "let it return an EventBus, or an EventBus and its shop")
        self.until: float | None = values.get("until")

    def slices(self) -> Iterator[float]:
        """Run on, and yield the simulated second after each slice, until nothing is left to do."""
        while self.bus.clock.has_work(self.until):
            self.bus.run(until=self.until, max_events=SLICE)
            yield self.bus.clock.now
        self.bus.run(until=self.until)  # nothing is left: this puts the clock to where it was to stop

    def finish(self) -> Run:
        """Run to the end at once."""
        for _ in self.slices():
            continue
        return self

    @property
    def copies(self) -> int:
        """How many copies the group has got that got most."""
        return most_copies(self.bus.trace.columns)

    @property
    def happened(self) -> dict[str, int]:
        """What the world did of what was asked of it, as counts; empty where the world cannot tell."""
        if not hasattr(self.world, "needs"):
            return {}
        return {name: self.world.done[name] for name in self.world.needs(self.bus.trace)}

    def needs(self, guesses: Mapping[str, str] | None = None) -> Table | None:
        """Return the table of what the shop needs, what happened and what was guessed, where the world can tell."""
        if not hasattr(self.world, "needs"):
            return None
        return needs_table(self.world.needs(self.bus.trace), self.world.done, guesses)


def seen(view: View, run: Run, until: float, copies: int = 0) -> Any:
    """Return a view of a run: of its bus, and of its world where the view has a parameter `world`.

    One with an axis of time (a parameter `until`) or of `copies` reaches as far as that.
    """
    try:
        asked = inspect.signature(view).parameters
    except (TypeError, ValueError):  # a view written in C does not tell
        return view(run.bus)
    offered = {"world": run.world, "until": until, "copies": copies}
    return view(run.bus, **{name: value for name, value in offered.items() if name in asked})


def moved_in_front_end() -> bool:
    """Whether this is called because a person moved a control, and not by the code of a cell."""
    kernel = getattr(get_ipython(), "kernel", None)
    parent = kernel.get_parent() if kernel is not None else {}
    return bool(parent.get("header", {}).get("msg_type") == "comm_msg")
