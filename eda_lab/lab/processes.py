"""What acts by itself on the lab's clock: producers, relays, a checkout; and how it crashes and comes back.

A step of a process is what it does from one wake-up to its next `yield`, and the publishing of what it yielded.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol

from eda_lab.clock import FAULT, Clock, microseconds
from eda_lab.columns import Columns
from eda_lab.errors import HandlerError, shown
from eda_lab.faults import Crashed, CrashPlan, Faults, current_plan

__all__ = ["Process", "Stage"]

_OVER: Any = object()


class Stage(Protocol):
    """What a process needs of the bus on which it acts."""

    clock: Clock
    columns: Columns
    seed: object
    faults: Faults | None
    acts: int

    def publish_for(self, process: Process, thing: Any) -> None:
        """Publish what a process yielded."""


class Process:
    """A generator that yields seconds to wait, or events to publish. Made by a function, it comes back after a crash.

    One in the background does not keep a run going: the run ends when it has woken up once more, and found nothing.
    """

    __slots__ = ("_seen", "background", "make", "name", "source", "stage", "steps", "things")

    def __init__(self, stage: Stage, name: str, things: Any, background: bool) -> None:
        self.stage, self.name, self.background = stage, name, background
        self.make: Callable[[], Iterator[Any]] | None = things if callable(things) else None
        self.things = self._begun(things)
        self.source = stage.columns.sources.number(name)
        self.steps = 0
        self._seen = (-1, -1)  # what had happened when it last woke up

    def _begun(self, things: Any) -> Iterator[Any]:
        """Return the generator, made by the function if it is one."""
        made = things
        if callable(things):
            try:
                inspect.signature(things).bind()
            except TypeError as error:
                raise HandlerError(things, f"{shown(things)} makes no generator by itself: {error}") from None
            made = things()
        if not hasattr(made, "__next__"):
            what = f"{shown(things)} is no generator: give a function that yields events or seconds"
            raise HandlerError(things, what)
        return iter(made)

    @property
    def plain(self) -> bool:
        """Whether it acts in the foreground, and nothing can go wrong with it."""
        return not self.background and self.stage.faults is None

    def needed(self) -> bool:
        """Whether something has happened since it woke up: it may have left the rest of its work for later."""
        return self._seen != self._happened

    @property
    def _happened(self) -> tuple[int, int]:
        return len(self.stage.columns.log), self.stage.acts

    def act(self) -> None:
        """Take steps until it waits, ends or crashes."""
        clock = self.stage.clock
        if not self.background:
            self.stage.acts += 1
        woke = self._happened
        while True:
            self.steps += 1
            plan = None
            if self.stage.faults is not None:
                plan = self.stage.faults.where(self.stage.seed, self.name, str(self.steps), 1, process=True)
            try:
                thing = self._step(plan)
            except Crashed as crash:
                self.crashed(crash)
                return
            if thing is _OVER:
                return
            if isinstance(thing, (float, int)):
                due = clock.now_us + microseconds(self.name, thing)
                if self.background:
                    self._seen = woke
                    clock.at_leisure(due, Process.act, self)
                else:
                    clock.at(due, Process.act, self)
                return
            if clock.breaking:  # it may go on like this for ever, so Ctrl-C comes in between
                clock.ready.appendleft((Process.act, self))
                raise KeyboardInterrupt

    def _step(self, plan: CrashPlan | None) -> Any:
        token = current_plan.set(plan)
        try:
            thing = next(self.things, _OVER)
        finally:
            current_plan.reset(token)
            if plan is not None and plan.crash is not None:  # even if it was held up
                raise plan.crash
        if thing is not _OVER and not isinstance(thing, (float, int)):
            if plan is not None:
                plan.reach("before publish")
            self.stage.publish_for(self, thing)
            if plan is not None:
                plan.reach("after publish")
        return thing

    def crashed(self, crash: Crashed) -> None:
        """End it as it stands; what it still does, as in a `finally`, reaches nothing outside."""
        stage = self.stage
        token = current_plan.set(CrashPlan.lost())
        with suppress(Exception, Crashed):  # it is no more, so nobody is there to fail
            getattr(self.things, "close", lambda: None)()
        current_plan.reset(token)
        stage.columns.note(stage.clock.now_us, self.name, f"crashed {crash}")
        if self.make is not None:
            faults = stage.faults or Faults()
            due = stage.clock.now_us + round(faults.down * 1e6)
            stage.clock.at(due, Process.restart, self, FAULT)

    def restart(self) -> None:
        """Begin anew after a crash, without its memory."""
        if self.make is not None:
            self.things = self._begun(self.make)
            self.stage.columns.note(self.stage.clock.now_us, self.name, "is up")
            self.act()
