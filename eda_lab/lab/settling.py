"""How a delivery in a group of the lab's bus ends: acked, failed, handed back, given up on, or lost with its worker."""

from __future__ import annotations

from random import Random

from eda_lab.attempt import describe, discard, handler_traceback
from eda_lab.clock import FAULT, TIMEOUT
from eda_lab.columns import Outcome
from eda_lab.delivery import Settlement
from eda_lab.errors import CascadeLimitError, SettledError
from eda_lab.faults import Crashed, Faults, crash_point
from eda_lab.lab.queueing import GroupQueue
from eda_lab.lab.subscription import Worker

__all__ = ["SettlingGroup"]


class SettlingGroup(GroupQueue):
    """A group's queue, and what becomes of the deliveries that its workers have in hand."""

    def ack(self, worker: Worker) -> None:
        """End a delivery whose work is done: by the ack that is due now, or as it was settled before."""
        if not worker.plain:
            self._settled(worker)
        elif worker.plan is None or self._passes(worker, "before ack"):
            self.columns.end(worker.row, 3, self.clock.now_us)  # Outcome.DONE
            worker.row = -1
            if not self.queue and worker.state == "up":
                self.idle.append(worker)
            elif self.clock.ready or self.clock.counting or self.clock.choose is not None:
                self.free(worker)
            else:  # nothing else is to be done at this instant, so its turn has come
                self._start(worker)

    def settle(self, worker: Worker, row: int, how: Settlement) -> None:
        """Do what a handler says of its own delivery: it takes effect at once, whatever the handler does next."""
        if worker.row != row:
            if worker.row < 0 and self.clock.busy is worker:  # it was killed by its own hand
                raise Crashed(f"before {how}")
            raise SettledError(worker.name, how, "the handler has ended, and the delivery with it")
        if worker.fate is not None:
            raise SettledError(worker.name, how, f"it was settled already, by {worker.fate}")
        crash_point(f"before {how}")
        worker.fate = how
        if how == "ack":
            self.columns.ack(row, self.clock.now_us)
        crash_point(f"after {how}")

    def _settled(self, worker: Worker) -> None:
        row, now = worker.row, self.clock.now_us
        if not self._end_by_fate(worker, row, Outcome.DONE):
            due = max(now, self.columns.started[row] + self.site.visibility_us)
            self._hand_back(worker, row, Outcome.FAILED, "ended without an ack", due)
        self._done_with(worker)

    def _end_by_fate(self, worker: Worker, row: int, acked: Outcome) -> bool:
        """End a delivery as it was settled, if it was; one that was acked ends as `acked` says."""
        match worker.fate:
            case "ack" if acked is Outcome.DONE:
                self.columns.end(row, acked, self.clock.now_us)
            case "ack":
                self.end_for_good(row, acked)
            case "reject":
                self.end_for_good(row, Outcome.REJECTED)
            case "dead letter":
                self._bury(row, "nacked", "")
            case "nack":
                self._hand_back(worker, row, Outcome.FAILED, "nacked", None)
            case None:
                return False
        return True

    def _hand_back(self, worker: Worker, row: int, outcome: Outcome, why: str, due: int | None) -> None:
        """Let an unacked delivery come back at a time, or at the head of the queue now; too often, and it is dead."""
        columns, now = self.columns, self.clock.now_us
        times = self.returns.pop(row, 0) + 1
        limit = worker.subscription.delivery_limit
        if limit is not None and times >= limit:
            often = "once" if times == 1 else f"{times} times"
            self._bury(row, f"{why}; it has come back {often}, which is the delivery limit", "")
            return
        if outcome is Outcome.FAILED:
            columns.errors[row] = (why, "")
        columns.end(row, outcome, now)
        again = self.enter_again(row, now if due is None else due)
        self.returns[again] = times
        if due is None:
            self.offer(again, first=True)
        else:
            self.clock.at(due, self.offer, again, TIMEOUT)

    def _bury(self, row: int, why: str, traceback: str) -> None:
        """Put a delivery among the dead letters."""
        self.columns.errors[row] = (why, traceback)
        self.columns.end(row, Outcome.DEAD_LETTERED, self.clock.now_us)
        self.letters.append(row)

    def _done_with(self, worker: Worker) -> None:
        worker.row, worker.plan, worker.sleeping, worker.fate = -1, None, None, None
        self.free(worker)

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
            worker.comes_back = True
            faults = self.site.faults or Faults()
            restart_us = self.clock.now_us + round(faults.down * 1e6)
            self.clock.at(restart_us, self._come_back, worker, FAULT)

    def _come_back(self, worker: Worker) -> None:
        """Restart a worker some time after its crash."""
        worker.comes_back = False  # since it does, there is no restart to be taken back
        worker.restart()

    def lose(self, worker: Worker) -> None:
        """Take a worker's delivery from it; it comes back when the visibility timeout has run out, unless acked."""
        row, held = worker.row, worker.held
        if worker.plan is None or worker.plan.crash is None:  # else it was at work: then nothing of it is to come
            self.clock.cancel(worker)
        if worker in self.idle:
            self.idle.remove(worker)
        if worker.sleeping is not None and self.clock.busy is not worker:
            discard(worker.sleeping)
        worker.sleeping = worker.plan = None
        worker.returned.clear()
        worker.row = worker.held = -1
        if held >= 0:
            self.columns.queued[held] = self.clock.now_us
            self.offer(held, first=True)
        if row >= 0 and not self._end_by_fate(worker, row, Outcome.LOST):
            due = max(self.clock.now_us, self.columns.started[row] + self.site.visibility_us)
            why = self.columns.errors[row][0] if row in self.columns.errors else "its consumer was killed"
            self._hand_back(worker, row, Outcome.CRASHED, why, due)
        worker.fate = None
        if self.queue:  # it may have been the one that was about to start
            self.call_next()

    def _failed(self, worker: Worker, error: BaseException) -> None:
        row, now, columns = worker.row, self.clock.now_us, self.columns
        if row < 0:
            return
        retry, attempt = worker.subscription.retry, columns.attempt[row]
        what = describe(error)
        if worker.fate is not None:
            columns.errors[row] = (what, handler_traceback(error))
            self._end_by_fate(worker, row, Outcome.LOST)
        elif retry.again(attempt, error):
            columns.errors[row] = (what, "")
            columns.end(row, Outcome.FAILED, now)
            message_id = columns.message_id(columns.message[row])
            rng = Random(f"{self.site.seed}/{self.name}/jitter/{message_id}/{attempt}")
            again = self.enter_again(row, now + round(retry.pause(attempt, rng) * 1e6))
            if retry.in_place and worker.state == "up":
                worker.held = again
                self.clock.at(columns.queued[again], self._try_in_place, worker, TIMEOUT)
            else:
                self.clock.at(columns.queued[again], self.offer, again, TIMEOUT)
        else:
            self._bury(row, what, handler_traceback(error))
        self._done_with(worker)
        if isinstance(error, CascadeLimitError):  # the one failure that whoever runs the bus has to hear of
            raise error

    def _try_in_place(self, worker: Worker) -> None:
        """Let a worker take up the delivery that it has held meanwhile; another does so if it was paused or left."""
        row, worker.held = worker.held, -1
        self.stand(row, first=True)
        self._start(worker)
