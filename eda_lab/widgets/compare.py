"""`Compare`: a scenario twice, side by side, with the same seed and one control different."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as ipw

from eda_lab.errors import OptionError
from eda_lab.plots import timeline
from eda_lab.table import Table
from eda_lab.widgets.controls import word
from eda_lab.widgets.scenario import Run, View, seen
from eda_lab.widgets.shown import Shown, html_of

__all__ = ["Compare"]


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
        self.runs = [Run(scenario, {**fixed, self.control: value}).finish() for value in settings[self.control]]
        self._far = max(run.bus.clock.now for run in self.runs), max(run.copies for run in self.runs)
        self._titles = [f"{self.control.replace('_', ' ')}: {word(value)}" for value in settings[self.control]]
        self._views = views
        columns = [self._column(title, run) for title, run in zip(self._titles, self.runs, strict=True)]
        grid = ipw.HBox(columns)
        super().__init__([ipw.HTML(html_of(self.table)), grid])
        self.add_class("eda-compare")

    def _column(self, title: str, run: Run) -> ipw.VBox:
        pictures = [ipw.HTML(_reachable(title, seen(view, run, *self._far))) for view in self._views]
        column = ipw.VBox([ipw.HTML(f"<b>{html.escape(title)}</b>"), *pictures])
        column.layout.width, column.layout.overflow = "50%", "hidden"
        return column

    @property
    def table(self) -> Table:
        """What happened in the one run and in the other; where they differ it says so."""
        first, second = (run.happened for run in self.runs)
        rows: list[tuple[object, ...]] = [
            (name, first[name], second[name], "" if first[name] == second[name] else "differs") for name in first
        ]
        ends = [max(run.bus.columns.ended, default=0) / 1e6 for run in self.runs]
        rows.append(("last work ended at second", *ends, "" if ends[0] == ends[1] else "differs"))
        return Table(["What happened", *self._titles, ""], rows)

    def _text(self) -> str:
        views = (
            f"{t}\n{seen(v, run, *self._far)!r}"
            for t, run in zip(self._titles, self.runs, strict=True)
            for v in self._views
        )
        return "\n".join([repr(self.table), *views])


def _reachable(title: str, thing: Any) -> str:
    """Return a view as HTML; a table, which may be wider than its column, can be scrolled by mouse and by key."""
    shown = html_of(thing)
    if not isinstance(thing, Table):
        return shown
    named = html.escape(title, quote=True)
    return f'<div tabindex="0" role="group" aria-label="{named}" style="overflow-x: auto">{shown}</div>'
