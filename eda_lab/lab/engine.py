"""What happens on the lab's bus: processes act, handlers return events, and each event finds its groups.

`switchboard` holds who is there, `group` does with a delivery what is to be done, `bus` is the public face.
"""

from __future__ import annotations

import warnings
from typing import Any

from eda_lab.clock import microseconds
from eda_lab.delivery import Later, WithId
from eda_lab.errors import CascadeLimitError
from eda_lab.events import Message
from eda_lab.faults import Crashed, Faults
from eda_lab.handlers import LabWarning
from eda_lab.lab.processes import Process
from eda_lab.lab.subscription import Worker
from eda_lab.lab.switchboard import NOTHING, Marks, Switchboard

__all__ = ["Engine"]


class Engine(Switchboard):
    """The switchboard at work: what processes and handlers publish."""

    def __init__(self, seed: object, wire: bool, faults: Faults | None, visibility: float, cascade: int) -> None:
        super().__init__(seed, wire, faults, visibility, cascade)
        self._warned = False
        self._go_on = self.go_on

    def go_on(self, process: Process) -> None:
        """Let a process act until it waits."""
        if not process.plain:
            process.act()
            return
        clock = self.clock
        self.acts += 1
        try:
            for thing in process.things:
                if isinstance(thing, (float, int)):
                    clock.at(clock.now_us + microseconds(process.name, thing), self._go_on, process)
                    return
                route = self.routes.get(type(thing))
                if route is not None and route.plain:
                    self.roots += 1
                    self.enter(route, process.source, -1, self.roots, thing)
                else:
                    self.publish_for(process, thing)
                if clock.breaking:  # it may go on like this for ever, so Ctrl-C comes in between
                    clock.ready.appendleft((self.go_on, process))
                    raise KeyboardInterrupt
        except Crashed as crash:  # raised by hand: nothing else can go wrong with it
            process.crashed(crash)

    def publish_for(self, process: Process, thing: Any) -> None:
        """Publish what a process yielded."""
        event, marks = (thing.event, (thing.id, None)) if isinstance(thing, WithId) else (thing, None)
        route = self.route(self.keyed(event, NOTHING)[0])
        event = self.admitted(route, event)
        self.roots += 1
        self.enter(route, process.source, -1, self.roots, event, marks)

    def prepare(self, row: int, events: list[Any]) -> list[Any]:
        """Check what a handler returned for a delivery, before any of it is published."""
        if self.columns.message[row] in self.columns.again:
            return []  # it was published when the message came for the first time
        prepared = []
        for thing in events:
            event, delay_us = (thing.event, round(thing.seconds * 1e6)) if isinstance(thing, Later) else (thing, 0)
            if not delay_us:
                self.check_cascade(row)
            event = self.admitted(self.route(type(event)), event)
            prepared.append((type(event), delay_us, event))
        return prepared

    def publish_caused(self, row: int, ordinal: int, prepared: Any, marks: Marks | None = None) -> None:
        """Publish one of the things that `prepare` returned."""
        key, delay_us, event = prepared
        source = self.columns.sources.number(self.columns.groups[self.columns.group[row]])
        if delay_us:
            self.enter_at(self.clock.now_us + delay_us, key, source, row, ordinal, event, marks)
        else:
            self.enter(self.route(key), source, row, ordinal, event, marks)

    def publish_root(self, who: str, key: type | str, event: Any, due: int, marks: Marks | None) -> Message:
        """Publish what nothing on this bus has caused, now or at a later microsecond."""
        self.roots += 1
        number = self.columns.sources.number(who)
        if due == self.clock.now_us:
            return self.columns.envelope(self.enter(self.route(key), number, -1, self.roots, event, marks))
        self.enter_at(due, key, number, -1, self.roots, event, marks)
        id = str(self.roots) if marks is None or marks[0] is None else marks[0]
        return Message(id=id, source=who, type=self.route(key).name, time=due / 1e6, data=event)

    def publish_inside(
        self, worker: Worker, key: type | str, event: Any, due: int, marks: Marks | None = None
    ) -> Message:
        """Publish what a handler handed to `publish` by itself, as caused by what it has in hand."""
        if not self._warned:
            self._warned = True
            what = "return the event instead of calling bus.publish: if the handler fails, nothing of it is published"
            warnings.warn(f"{worker.name}: {what}", LabWarning, stacklevel=3)
        columns = self.columns
        if worker.row < 0:
            raise Crashed("bus.publish")  # by its own hand: it lives no more
        self.check_cascade(worker.row)
        worker.caused += 1
        self.publish_caused(worker.row, worker.caused, (key, due - self.clock.now_us, event), marks)
        cause = columns.envelope(columns.message[worker.row])
        return Message(
            id=marks[0] if marks and marks[0] else columns.caused_id(worker.row, worker.caused),
            source=worker.group.name,
            type=self.route(key).name,
            time=due / 1e6,
            data=event,
            correlation_id=cause.correlation_id,
            causation_id=cause.id,
        )

    def check_cascade(self, row: int) -> None:
        """Raise `CascadeLimitError` where what a delivery causes would be one generation too many.

        A pause begins a new count: what comes back after a while (`later`) is a clock, not a loop.
        """
        c = self.columns
        names = []
        while row >= 0:
            message = c.message[row]
            names.append(c.types[c.type_of[message]])
            row = c.cause[message]
            if len(names) > self.cascade:
                again = names.index(names[0], 1) if names[0] in names[1:] else len(names)
                raise CascadeLimitError(tuple(reversed(names[:again])), self.cascade)
            if row >= 0 and 0 <= c.ended[row] < c.published[message]:
                return
