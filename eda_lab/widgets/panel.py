"""`Panel`: controls, and a scenario that runs again whenever one is moved; pictures, table and player follow in place.

Only traits of widgets are changed, so nothing flickers, and a lesson stays a test of what it shows. There are no
threads: what a person moves is run in slices on the kernel's own loop, and the next move supersedes it.
"""

from __future__ import annotations

import asyncio
import html
import time
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as ipw

from eda_lab.errors import OptionError
from eda_lab.plots import timeline
from eda_lab.widgets.controls import Keys, controls_for
from eda_lab.widgets.flow import FlowPlayer
from eda_lab.widgets.scenario import Run, View, moved_in_front_end, seen
from eda_lab.widgets.shown import Shown, html_of

__all__ = ["Panel"]

SETTLE = 0.02  # seconds to wait for the next move of a slider before a run begins
PATIENCE = 1.0  # seconds after which a run shows how far it is, and can be stopped


class Panel(Shown, ipw.VBox):  # type: ignore[misc]
    """Controls for a scenario, a function that builds a bus (or a bus and its shop) and does not run it yet.

    Its parameters become controls; keywords narrow them: `rate=(1, 9)`, `policy=["before", "after"]`. `views` are
    functions of the bus, each giving a picture or a table; one with a parameter `world` gets the shop as well.
    `panel.set(rate=9)` does in code what the mouse does; so does `panel.controls["rate"].value = 9`. `player=False`
    leaves the player out. The `guess` of a prediction stands in the row of the table that it was `about`.
    """

    def __init__(
        self,
        scenario: Callable[..., Any],
        *,
        views: Sequence[View] = (timeline,),
        player: bool = True,
        guess: Any = None,
        about: str | None = None,
        **controls: Any,
    ) -> None:
        made = controls_for(scenario, controls)
        self.controls = {name: field for name, (field, _) in made.items()}
        self._scenario, self._views, self._guess, self._about = scenario, views, guess, about
        self._quiet, self._generation, self._until, self._copies = False, 0, 0.0, 0
        self._task: asyncio.Future[None] | None = None
        self._last = Run(scenario, self._values()).finish()
        self.trouble, self.table = ipw.HTML(), ipw.HTML()
        self.pictures = [ipw.HTML() for _ in views]
        self.player = FlowPlayer(self._last.bus) if player else None
        self._stop = ipw.Button(description="Stop this run")
        self._stop.on_click(lambda _: self._supersede("Stopped. The picture is of the last run that was finished."))
        self._stop.layout.display = "none"
        row = ipw.HBox([shown for _, shown in made.values()])
        row.layout.flex_flow = "row wrap"
        super().__init__([row, ipw.HBox([self.trouble, self._stop]), self.table, self._shown_below(), Keys()])
        self.add_class("eda-panel")
        for name, field in self.controls.items():
            field.add_class(f"eda-control-{name}")
            field.observe(lambda _: self._moved(), "value")
        self._show(self._last)

    def _shown_below(self) -> ipw.Widget:
        pictures = ipw.VBox(self.pictures)
        if self.player is None:
            return pictures
        tabs = ipw.Tab([pictures, self.player] if self.pictures else [self.player])
        tabs.titles = ("Picture", "Player") if self.pictures else ("Player",)
        return tabs

    @property
    def run(self) -> Run:
        """The last run that was finished."""
        return self._last

    @property
    def bus(self) -> Any:
        """The bus of the last run."""
        return self._last.bus

    @property
    def world(self) -> Any:
        """The shop (or what else the scenario returned beside its bus) of the last run."""
        return self._last.world

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
        self._moved()

    @property
    def _guesses(self) -> dict[str, str] | None:
        return None if self._guess is None or self._about is None else {self._about: self._guess.guess or "skipped"}

    def _values(self) -> dict[str, Any]:
        return {name: field.value for name, field in self.controls.items()}

    def _moved(self) -> None:
        if self._quiet:
            return
        self._supersede("")
        if moved_in_front_end():
            self._task = asyncio.ensure_future(self._run_in_slices(self._generation))
            return
        try:
            self._show(Run(self._scenario, self._values()).finish())
        except Exception as error:  # noqa: BLE001 - the scenario is the lesson's own code
            self._fail(error)

    def _supersede(self, words: str) -> None:
        self._generation += 1
        self._stop.layout.display = "none"
        self.trouble.value = html.escape(words)

    async def _run_in_slices(self, generation: int) -> None:
        await asyncio.sleep(SETTLE)
        began = time.monotonic()
        try:
            if generation == self._generation:
                run = Run(self._scenario, self._values())
                for second in run.slices():
                    if time.monotonic() - began > PATIENCE:
                        self._show_progress(second, run.until)
                    await asyncio.sleep(0)
                    if generation != self._generation:
                        return
                self._supersede("")
                self._show(run)
        except Exception as error:  # noqa: BLE001 - the scenario is the lesson's own code
            self._fail(error)

    def _show_progress(self, second: float, until: float | None) -> None:
        share = f'<progress max="1" value="{second / until:.3f}"></progress> ' if until else "<progress></progress> "
        self.trouble.value = f"{share}Running: it is second {second:,.1f} of the run."
        self._stop.layout.display = ""

    def _fail(self, error: Exception) -> None:
        """Say that the controls stand at a setting that fails, and keep the last good picture."""
        self._supersede("")
        text = html.escape(f"{type(error).__name__}: {error}")
        self.trouble.value = f'<span role="alert"><b>This setting fails.</b> {text}</span>'

    def _show(self, run: Run) -> None:
        # The axis reaches as far as that of the longest run so far: what is moved can be compared with what was before.
        self._until, self._copies = max(self._until, run.bus.clock.now), max(self._copies, run.copies)
        pictures = [html_of(seen(view, run, self._until, self._copies)) for view in self._views]
        self._last = run
        for box, picture in zip(self.pictures, pictures, strict=True):
            box.value = picture
        table = run.needs(self._guesses)
        self.table.value = "" if table is None else html_of(table)
        if self.player is not None:
            self.player.show(run.bus)

    def _text(self) -> str:
        settings = ", ".join(f"{name}={field.value!r}" for name, field in self.controls.items())
        table = self._last.needs(self._guesses)
        parts = [f"Panel({settings})", *([repr(table)] if table is not None else [])]
        return "\n".join([*parts, *(repr(seen(view, self._last, self._until, self._copies)) for view in self._views)])
