"""A group of the lab's bus: the life of its deliveries. `queueing` says what stands where meanwhile.

queued -> started -> the handler runs -> what it returned is published -> acked; or it failed, and waits to be tried
again or lands in the dead letters; or its worker was lost, and it comes back after the visibility timeout.
"""

from __future__ import annotations

from typing import Any

from eda_lab.attempt import attempt, discard
from eda_lab.clock import END, in_lab
from eda_lab.faults import Crashed, current_plan
from eda_lab.handlers import caused_by
from eda_lab.lab.queueing import Site
from eda_lab.lab.settling import SettlingGroup
from eda_lab.lab.subscription import Worker

__all__ = ["Group"]


class Group(SettlingGroup):
    """One queue, and the workers that compete for it."""

    def __init__(self, site: Site, name: str, what: tuple[str, ...]) -> None:
        super().__init__(site, name, what)
        # Bound once: a bound method made anew for each delivery would cost as much as the rest of queueing it.
        self._start, self._end, self._publish, self._ack = self.start, self.end, self.publish, self.ack

    def start(self, worker: Worker) -> None:
        """Take the next delivery up; its end is entered into the agenda."""
        if not self.queue or worker.state != "up" or worker.row >= 0:
            self.free(worker)
            if self.queue:  # it was paused or taken away meanwhile: then it is another one's turn
                self.call_next()
            return
        now = self.clock.now_us
        try:
            due = now + worker.subscription.service_us(worker)
        except BaseException:  # whoever asked for this service time is told; the next run asks again
            self.clock.ready.append((self._start, worker))
            raise
        worker.row = row = self.queue.popleft()
        worker.caused = 0
        self.columns.start(row, worker.number, now)
        if self.site.faults is not None:
            message_id = self.columns.message_id(self.columns.message[row])
            worker.plan = self.site.faults.where(self.site.seed, self.name, message_id, self.columns.attempt[row])
        if not worker.plain:
            worker.fate = None
            if worker.subscription.acks_first:
                if not self._passes(worker, "before ack"):
                    return
                worker.fate = "ack"
                self.columns.ack(row, now)
        self.clock.at(due, self._end, worker, END)

    def end(self, worker: Worker) -> None:
        """Run the handler, now that the service time is over; publish and ack, or deal with its failure."""
        clock, columns = self.clock, self.columns
        spec = worker.spec
        clock.busy = worker
        try:
            if worker.plan is None and not spec.is_async:
                result = worker.run(columns.data[columns.message[worker.row]])
                if result is not None:
                    result = caused_by(spec.name, result)
            else:
                event = columns.data[columns.message[worker.row]]
                result, worker.sleeping, pause_us = attempt(spec.name, worker.run, event, worker.sleeping, worker.plan)
        except Crashed as crash:
            clock.busy = None
            self._crashed(worker, crash)
        except KeyboardInterrupt:  # broken off by hand: the attempt is made again when the run goes on
            clock.busy = None
            current_plan.set(None)  # it may have come just after these were set
            in_lab.set(False)
            self._broken_off(worker)
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a handler raises is its own affair
            clock.busy = None
            self._failed(worker, error)
        else:
            clock.busy = None
            if worker.row < 0:  # its own handler had it killed: what it did since is lost with it
                if worker.sleeping is not None:
                    discard(worker.sleeping)
                    worker.sleeping = None
            elif result:
                self._returned(worker, result)
            elif worker.sleeping is None:
                self.ack(worker)
            else:
                clock.at(clock.now_us + round(pause_us * worker.factor), self._end, worker, END)

    def _returned(self, worker: Worker, events: list[Any]) -> None:
        """Publish what a handler returned, one after the other, then ack."""
        try:
            worker.returned.extend(self.site.prepare(worker.row, events))
        except Exception as error:  # noqa: BLE001 - an event may have code of its own, which runs when it is read back
            self._failed(worker, error)
        else:
            if not worker.returned:  # a replay publishes nothing
                self.ack(worker)
            elif self._passes(worker, "before publish"):
                self.clock.ready.appendleft((self._publish, worker))

    def publish(self, worker: Worker) -> None:
        """Publish the next thing that the handler returned."""
        try:
            self.site.publish_caused(worker.row, worker.caused + 1, worker.returned[0])
        except BaseException:  # a store that records it has no room, or it was broken off: the next run goes on here
            self.clock.ready.appendleft((self._publish, worker))
            raise
        worker.caused += 1
        worker.returned.popleft()
        if worker.plan is not None and not self._passes(worker, "after publish"):
            return
        self.clock.ready.appendleft((self._publish if worker.returned else self._ack, worker))

    def _broken_off(self, worker: Worker) -> None:
        if worker.sleeping is not None:
            discard(worker.sleeping)
        worker.sleeping, worker.caused = None, 0
        if worker.subscription.acks_by_hand:
            worker.fate = None
            self.columns.take_back_ack(worker.row)
        if worker.plan is not None:
            worker.plan.reached = int(worker.subscription.acks_first)  # that ack stands
        if worker.row >= 0:
            self.clock.at(self.clock.now_us, self._end, worker, END)
