"""A group of the lab's bus: one queue, the workers that compete for it, its dead letters, and the life of a delivery.

queued -> started -> the handler runs -> what it returned is published -> acked; or it failed, and waits to be tried
again or lands in the dead letters; or its worker was lost, and it comes back after the visibility timeout.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Protocol

from eda_lab.attempt import attempt, describe, discard, handler_traceback
from eda_lab.clock import END, FAULT, TIMEOUT, Clock
from eda_lab.columns import Columns, Outcome
from eda_lab.delivery import Crashed, DeadLetter, Delivery, Faults
from eda_lab.errors import CascadeLimitError, EdaLabError, OptionError
from eda_lab.handlers import caused_by
from eda_lab.routing import GroupInfo
from eda_lab.subscription import Subscription, Worker

__all__ = ["Group", "Site"]


class Site(Protocol):
    """What a group needs of the bus that it belongs to."""

    clock: Clock
    columns: Columns
    seed: object
    faults: Faults | None
    visibility_us: int

    def prepare(self, row: int, events: list[Any]) -> list[Any]:
        """Check what a handler returned for a delivery, before any of it is published."""

    def publish_caused(self, row: int, ordinal: int, prepared: Any) -> None:
        """Publish one of the things that `prepare` returned."""


class Group:
    """One queue and its workers. `what` is the type names and patterns that the group listens to."""

    def __init__(self, site: Site, name: str, what: tuple[str, ...]) -> None:
        self.site, self.name, self.what = site, name, what
        self.clock, self.columns = site.clock, site.columns
        self.number = self.columns.groups.number(name)
        if self.number == len(self.columns.workers):
            self.columns.workers.append([])
        self.queue: deque[int] = deque()
        self.idle: deque[Worker] = deque()
        self.waiting: set[int] = set()  # attempts that wait for their time to come
        self.letters: list[int] = []
        self.redriven = 0
        self.subscriptions: list[Subscription] = []
        self.workers: list[Worker] = []
        self.closed = False
        # Bound once: a bound method made anew for each delivery would cost as much as the rest of queueing it.
        self._start, self._end, self._publish, self._ack = self.start, self.end, self.publish, self.ack

    @property
    def info(self) -> GroupInfo:
        """What a picture needs to know of this group."""
        handlers = tuple(subscription.spec.name for subscription in self.subscriptions)
        return GroupInfo(self.name, self.what, handlers, sum(len(s.workers) for s in self.subscriptions))

    @property
    def standing(self) -> dict[Outcome, int]:
        """How many deliveries really stand in the queue, are in hand, wait for their time, or were given up on."""
        return {
            Outcome.QUEUED: len(self.queue),
            Outcome.IN_FLIGHT: sum(worker.row >= 0 for worker in self.workers),
            Outcome.WAITING: len(self.waiting),
            Outcome.DEAD_LETTERED: len(self.letters) + self.redriven,
        }

    def hire(self, subscription: Subscription) -> Worker:
        """Add a worker and let it take up work."""
        if len(self.columns.workers[self.number]) > 0x7FFF:
            raise OptionError("workers", len(subscription.workers) + 1, "a group has room for 32,768 in one run")
        subscription.hired += 1
        name = subscription.name if subscription.hired == 1 else f"{subscription.name}-{subscription.hired}"
        worker = Worker(subscription, len(self.columns.workers[self.number]), name)
        self.columns.workers[self.number].append(name)
        self.workers.append(worker)
        self.free(worker)
        return worker

    def note(self, who: str, what: str) -> None:
        """Write down what happened to a consumer."""
        self.columns.note(self.clock.now_us, who, what)

    def receive(self, message: int, now: int) -> None:
        """Queue this group's copy of a message that was just published."""
        self.queue.append(self.columns.receive(message, self.number, now))
        if self.idle:
            self.clock.ready.append((self._start, self.idle.popleft()))

    def offer(self, row: int) -> None:
        """Queue a delivery, and wake a worker if one is idle."""
        if self.waiting:
            self.waiting.discard(row)
        if self.closed:
            self.columns.end(row, Outcome.DROPPED, self.clock.now_us)
            return
        self.columns.queue(row)
        self.queue.append(row)
        if self.idle:
            self.clock.ready.append((self._start, self.idle.popleft()))

    def free(self, worker: Worker) -> None:
        """Let a worker that has nothing in hand take the next delivery, or wait for one."""
        if worker.state != "up" or worker.row >= 0:
            return
        if self.queue:
            self.clock.ready.append((self._start, worker))
        elif worker not in self.idle:
            self.idle.append(worker)

    def _call_next(self) -> None:
        if self.idle:
            self.clock.ready.append((self._start, self.idle.popleft()))

    def start(self, worker: Worker) -> None:
        """Take the next delivery up; its end is entered into the agenda."""
        if not self.queue or worker.state != "up" or worker.row >= 0:
            self.free(worker)
            if self.queue:  # it was paused or taken away meanwhile: then it is another one's turn
                self._call_next()
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
            self._again(row, max(now, self.columns.started[row] + self.site.visibility_us))
        if self.queue:  # it may have been the one that was about to start
            self._call_next()

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
            self._again(row, now + round(retry.pause(attempt, rng) * 1e6))
        else:
            columns.errors[row] = (what, handler_traceback(error))
            columns.end(row, Outcome.DEAD_LETTERED, now)
            self.letters.append(row)
        worker.row, worker.plan, worker.sleeping = -1, None, None
        self.free(worker)
        if isinstance(error, CascadeLimitError):  # the one failure that whoever runs the bus has to hear of
            raise error

    def _again(self, row: int, due: int) -> None:
        columns = self.columns
        again = columns.enter(columns.message[row], self.number, columns.attempt[row] + 1, due)
        self.waiting.add(again)
        self.clock.at(due, self.offer, again, TIMEOUT)

    def reopen(self, what: tuple[str, ...]) -> None:
        """Take in again what is published: somebody subscribed under the name of a group that everybody had left."""
        self.closed, self.what = False, what

    def close(self) -> None:
        """Drop what waits in the queue: nobody is left to take it."""
        self.closed = True
        while self.queue:
            self.columns.end(self.queue.popleft(), Outcome.DROPPED, self.clock.now_us)

    def delivery(self, worker: Worker) -> Delivery:
        """Return the delivery that a worker has in hand, as a handler sees it."""
        message = self.columns.envelope(self.columns.message[worker.row])
        return Delivery(message, worker.name, self.name, self.columns.attempt[worker.row])

    def dead_letters(self) -> list[DeadLetter]:
        """Return the deliveries that this group gave up on and that were not redriven."""
        return [self._letter(row) for row in self.letters]

    def _letter(self, row: int) -> DeadLetter:
        columns, (error, text) = self.columns, self.columns.errors[row]
        message = columns.envelope(columns.message[row])
        return DeadLetter(message, self.name, columns.attempt[row], columns.ended[row] / 1e6, error, text)

    def redrive(self, where: Callable[[DeadLetter], bool] | None) -> int:
        """Queue dead letters again, as first attempts; return how many."""
        chosen = dict.fromkeys(row for row in self.letters if where is None or where(self._letter(row)))
        self.letters = [row for row in self.letters if row not in chosen]
        self.redriven += len(chosen)
        for row in chosen:
            again = self.columns.enter(self.columns.message[row], self.number, 1, self.clock.now_us)
            self.columns.redriven.add(again)
            self.offer(again)
        return len(chosen)
