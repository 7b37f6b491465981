"""A group of the lab's bus: the life of its deliveries. `queueing` says what stands where meanwhile.

queued -> started -> the handler runs -> what it returned is published -> acked; or it failed, and waits to be tried
again or lands in the dead letters; or its worker was lost, and it comes back after the visibility timeout.
"""

from __future__ import annotations

from random import Random
from typing import Any

from eda_lab.attempt import attempt, describe, discard, handler_traceback
from eda_lab.clock import END, FAULT
from eda_lab.columns import Outcome
from eda_lab.delivery import Crashed, Faults
from eda_lab.errors import CascadeLimitError, EdaLabError
from eda_lab.handlers import caused_by
from eda_lab.queueing import GroupQueue, Site
from eda_lab.subscription import Worker

__all__ = ["Group"]


class Group(GroupQueue):
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
            if self._passes(worker, "before publish"):
                self.clock.ready.appendleft((self._publish, worker))

    def publish(self, worker: Worker) -> None:
        """Publish the next thing that the handler returned."""
        worker.caused += 1
        self.site.publish_caused(worker.row, worker.caused, worker.returned.popleft())
        self.clock.ready.appendleft((self._publish if worker.returned else self._ack, worker))

    def ack(self, worker: Worker) -> None:
        """End the delivery as done."""
        if worker.plan is None or self._passes(worker, "before ack"):
            self.columns.end(worker.row, 3, self.clock.now_us)  # Outcome.DONE
            worker.row = -1
            if not self.queue and worker.state == "up":
                self.idle.append(worker)
            elif self.clock.ready or self.clock.counting:
                self.free(worker)
            else:  # nothing else is to be done at this instant, so its turn has come
                self.start(worker)

    def _passes(self, worker: Worker, point: str) -> bool:
        try:
            if worker.plan is not None:
                worker.plan.reach(point)
        except Crashed as crash:
            self._crashed(worker, crash)
            return False
        return True

    def _crashed(self, worker: Worker, crash: Crashed) -> None:
        if worker.row < 0:
            return
        self.columns.errors[worker.row] = (f"crashed {crash}", "")
        if worker.state == "gone":
            self.lose(worker)
        else:
            worker.kill()
            faults = self.site.faults or Faults()
            restart_us = self.clock.now_us + round(faults.down * 1e6)
            self.clock.at(restart_us, Worker.restart, worker, FAULT)

    def _broken_off(self, worker: Worker) -> None:
        worker.sleeping, worker.caused = None, 0
        if worker.plan is not None:
            worker.plan.reached = 0
        if worker.row >= 0:
            self.clock.at(self.clock.now_us, self._end, worker, END)

    def lose(self, worker: Worker) -> None:
        """Take a worker's delivery from it; it comes back when the visibility timeout has run out."""
        row, now = worker.row, self.clock.now_us
        self.clock.cancel(worker)
        if worker in self.idle:
            self.idle.remove(worker)
        if worker.sleeping is not None and self.clock.busy is not worker:
            discard(worker.sleeping)
        worker.sleeping = worker.plan = None
        worker.returned.clear()
        if row >= 0:
            worker.row = -1
            self.columns.end(row, Outcome.CRASHED, now)
            self.try_again(row, max(now, self.columns.started[row] + self.site.visibility_us))
        if self.queue:  # it may have been the one that was about to start
            self.call_next()

    def _failed(self, worker: Worker, error: BaseException) -> None:
        row, now, columns = worker.row, self.clock.now_us, self.columns
        if row < 0:
            return
        retry, attempt = worker.subscription.retry, columns.attempt[row]
        what = describe(error)
        if retry.again(attempt, error) and not isinstance(error, EdaLabError):
            columns.errors[row] = (what, "")
            columns.end(row, Outcome.FAILED, now)
            message_id = columns.message_id(columns.message[row])
            rng = Random(f"{self.site.seed}/{self.name}/jitter/{message_id}/{attempt}")
            self.try_again(row, now + round(retry.pause(attempt, rng) * 1e6))
        else:
            columns.errors[row] = (what, handler_traceback(error))
            columns.end(row, Outcome.DEAD_LETTERED, now)
            self.letters.append(row)
        worker.row, worker.plan, worker.sleeping = -1, None, None
        self.free(worker)
        if isinstance(error, CascadeLimitError):  # the one failure that whoever runs the bus has to hear of
            raise error
