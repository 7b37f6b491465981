"""`Panel` runs a scenario again whenever a control is moved; `Compare` runs it twice, one control different.

Only traits of widgets are changed, so nothing flickers, and a lesson stays a test of what it shows.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as ipw

from eda_lab.errors import OptionError
from eda_lab.plots import timeline
from eda_lab.table import Table
from eda_lab.widgets.controls import controls_for, word
from eda_lab.widgets.shown import Shown, html_of, needs_table

__all__ = ["Compare", "Panel", "Run"]

View = Callable[[Any], Any]


class Run:
    """One run of a scenario: the bus, the world that its handlers acted on (or None), and what can be shown of it."""

    def __init__(self, scenario: Callable[..., Any], values: dict[str, Any]) -> None:
        made = scenario(**values)
        self.values = values
        self.bus, self.world = made if isinstance(made, tuple) else (made, None)
        # A parameter called `until` stops the run at that second, so that a lesson can scrub through time.
        self.bus.run(until=values.get("until"))

    @property
    def happened(self) -> dict[str, int]:
        """What the world did of what was asked of it, as counts; empty where the world cannot tell."""
        if not hasattr(self.world, "needs"):
            return {}
        return {name: self.world.done[name] for name in self.world.needs(self.bus.trace)}

    def needs(self) -> Table | None:
        """Return the table of what the shop needs and what happened, where the world can tell."""
        if not hasattr(self.world, "needs"):
            return None
        return needs_table(self.world.needs(self.bus.trace), self.world.done)


class Panel(Shown, ipw.VBox):  # type: ignore[misc]
    """Controls for a scenario, a function that builds a bus (or a bus and its shop) and does not run it yet.

    Its parameters become controls; keywords narrow them: `rate=(1, 9)`, `policy=["before", "after"]`. `views` are
    functions of the bus, each giving a picture or a table. `panel.set(rate=9)` does in code what the mouse does;
    `panel.controls["rate"].value = 9` as well.
    """

    def __init__(self, scenario: Callable[..., Any], *, views: Sequence[View] = (timeline,), **controls: Any) -> None:
        made = controls_for(scenario, controls)
        self.controls = {name: field for name, (field, _) in made.items()}
        self._scenario, self._views = scenario, views
        self._pictures = [ipw.HTML() for _ in views]
        self._table, self._trouble = ipw.HTML(), ipw.HTML()
        self._last: Run | None = None
        row = ipw.HBox([shown for _, shown in made.values()])
        row.layout.flex_flow = "row wrap"
        super().__init__([row, self._trouble, self._table, *self._pictures])
        self.add_class("eda-panel")
        for name, field in self.controls.items():
            field.add_class(f"eda-control-{name}")
            field.observe(lambda _: self._run(), "value")
        self._quiet = False
        self._run(first=True)

    @property
    def run(self) -> Run:
        """The last run that did not fail."""
        assert self._last is not None
        return self._last

    @property
    def bus(self) -> Any:
        """The bus of the last run."""
        return self.run.bus

    @property
    def world(self) -> Any:
        """The shop (or what else the scenario returned beside its bus) of the last run."""
        return self.run.world

    def set(self, **values: Any) -> None:
        """Set several controls at once and run the scenario once."""
        for name in values:
            if name not in self.controls:
                raise OptionError(name, values[name], f"the controls are {', '.join(self.controls)}")
        self._quiet = True
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            self._quiet = False
        self._run()

    def _run(self, *, first: bool = False) -> None:
        if self._quiet:
            return
        values = {name: field.value for name, field in self.controls.items()}
        try:
            run = Run(self._scenario, values)
            pictures = [html_of(view(run.bus)) for view in self._views]
        except Exception as error:
            if first:
                raise
            # The controls stand at a setting that fails: say so, and keep the last good picture.
            text = html.escape(f"{type(error).__name__}: {error}")
            self._trouble.value = f'<p role="alert"><b>This setting fails.</b> {text}</p>'
            return
        self._last = run
        self._trouble.value = ""
        for box, picture in zip(self._pictures, pictures, strict=True):
            box.value = picture
        table = run.needs()
        self._table.value = "" if table is None else html_of(table)

    def _text(self) -> str:
        settings = ", ".join(f"{name}={field.value!r}" for name, field in self.controls.items())
        table = self.run.needs()
        parts = [f"Panel({settings})", *([repr(table)] if table is not None else [])]
        return "\n".join([*parts, *(repr(view(self.bus)) for view in self._views)])


class Compare(Shown, ipw.VBox):  # type: ignore[misc]
    """The same scenario twice, side by side: one control different, everything else (the seed too) the same.

    `Compare(scenario, email_down=(False, True), rate=3)`: the parameter that is given as a pair differs.
    """

    def __init__(self, scenario: Callable[..., Any], *, views: Sequence[View] = (timeline,), **settings: Any) -> None:
        pairs = [name for name, value in settings.items() if isinstance(value, tuple) and len(value) == 2]
        if len(pairs) != 1:
            raise OptionError(
                "settings", settings, "give exactly one parameter as a pair, as in email_down=(False, True)"
            )
        self.control = pairs[0]
        fixed = {name: value for name, value in settings.items() if name != self.control}
        self.runs = [Run(scenario, {**fixed, self.control: value}) for value in settings[self.control]]
        self._titles = [f"{self.control.replace('_', ' ')}: {word(value)}" for value in settings[self.control]]
        self._views = views
        columns = [self._column(title, run) for title, run in zip(self._titles, self.runs, strict=True)]
        grid = ipw.HBox(columns)
        super().__init__([ipw.HTML(html_of(self.table)), grid])
        self.add_class("eda-compare")

    def _column(self, title: str, run: Run) -> ipw.VBox:
        pictures = [ipw.HTML(html_of(view(run.bus))) for view in self._views]
        column = ipw.VBox([ipw.HTML(f"<b>{html.escape(title)}</b>"), *pictures])
        column.layout.width = "50%"
        return column

    @property
    def table(self) -> Table:
        """What happened in the one run and in the other; where they differ it says so."""
        first, second = (run.happened for run in self.runs)
        rows: list[tuple[object, ...]] = [
            (name, first[name], second[name], "" if first[name] == second[name] else "differs") for name in first
        ]
        ends = [run.bus.clock.now for run in self.runs]
        rows.append(("all done at second", *ends, "" if ends[0] == ends[1] else "differs"))
        return Table(["What happened", *self._titles, ""], rows)

    def _text(self) -> str:
        views = (f"{t}\n{v(run.bus)!r}" for t, run in zip(self._titles, self.runs, strict=True) for v in self._views)
        return "\n".join([repr(self.table), *views])
