"""What stands where in a group of the lab's bus: its queue, its workers, what waits for its time, its dead letters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from eda_lab.clock import TIMEOUT, Clock
from eda_lab.columns import Columns, Outcome
from eda_lab.delivery import DeadLetter, Delivery, Settlement
from eda_lab.errors import OptionError
from eda_lab.faults import Faults
from eda_lab.lab.subscription import Subscription, Worker
from eda_lab.routing import GroupInfo

__all__ = ["GroupQueue", "Site"]


class Site(Protocol):
    """What a group needs of the bus that it belongs to."""

    clock: Clock
    columns: Columns
    seed: object
    faults: Faults | None
    visibility_us: int

    def afflict(self, group: str, worker: Worker) -> None:
        """Let a worker that is new begin as its group stands now: down, or slow."""

    def prepare(self, row: int, events: list[Any]) -> list[Any]:
        """Check what a handler returned for a delivery, before any of it is published."""

    def publish_caused(self, row: int, ordinal: int, prepared: Any) -> None:
        """Publish one of the things that `prepare` returned."""


class Expiry:
    """A copy in a queue that nobody is to take up after a while; no run waits for that once it has left the queue."""

    def __init__(self, group: GroupQueue, row: int) -> None:
        self.group, self.row = group, row

    def needed(self) -> bool:
        """Whether the copy still stands in the queue."""
        return self.group.columns.outcome[self.row] == Outcome.QUEUED

    def expire(self) -> None:
        """Take the copy out of the queue, if it still stands there."""
        if self.needed():
            self.group.queue.remove(self.row)
            self.group.end_for_good(self.row, Outcome.EXPIRED)


class GroupQueue(ABC):
    """A group's queue and who works on it. `what` is the type names and patterns that the group listens to."""

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
        self._read: dict[int, DeadLetter] = {}  # those that somebody has looked at
        self.redriven = 0
        self.ended = dict.fromkeys((Outcome.LOST, Outcome.REJECTED, Outcome.EXPIRED), 0)
        self.returns: dict[int, int] = {}  # attempt -> how often its delivery has come back unacked so far
        self.link = site.faults.link(name) if site.faults is not None else None
        self.subscriptions: list[Subscription] = []
        self.workers: list[Worker] = []
        self.closed = False
        self._start: Callable[[Worker], None]  # what a worker does that takes the next delivery up

    @property
    def members(self) -> list[Worker]:
        """The workers that have not left."""
        return [worker for subscription in self.subscriptions for worker in subscription.workers]

    @property
    def info(self) -> GroupInfo:
        """What a picture needs to know of this group."""
        handlers = tuple(subscription.spec.name for subscription in self.subscriptions)
        return GroupInfo(self.name, self.what, handlers, sum(len(s.workers) for s in self.subscriptions))

    @property
    def standing(self) -> dict[Outcome, int]:
        """How many deliveries really stand in the queue, are in hand, wait for their time, or were not finished."""
        return {
            Outcome.QUEUED: len(self.queue),
            Outcome.IN_FLIGHT: sum(worker.row >= 0 for worker in self.workers),
            Outcome.WAITING: len(self.waiting),
            Outcome.DEAD_LETTERED: len(self.letters) + self.redriven,
            **self.ended,
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
        if self.site.faults is not None:
            self.site.afflict(self.name, worker)
        return worker

    def note(self, who: str, what: str) -> None:
        """Write down what happened to a consumer."""
        self.columns.note(self.clock.now_us, who, what)

    def receive(self, message: int, now: int) -> None:
        """Queue this group's copy of a message that was just published."""
        if self.link is not None or self.columns.expires:
            self._travel(message, now)
            return
        self.queue.append(self.columns.receive(message, self.number, now))
        if self.idle:
            self.clock.ready.append((self._start, self.idle.popleft()))

    def _travel(self, message: int, now: int) -> None:
        """Let a message cross a link that delays, reorders or repeats what crosses it, or that may be too late."""
        copies, late = 1, 0
        if self.link is not None:
            copies, late = self.link.travels(self.site.seed, self.columns.message_id(message))
        for copy in range(copies):
            row = self.columns.enter(message, self.number, 1, now + late)
            if copy:
                self.columns.duplicated.add(row)
            if late:
                self.waiting.add(row)
                self.clock.at(now + late, self.offer, row, TIMEOUT)
            else:
                self.offer(row)

    def offer(self, row: int, first: bool = False) -> None:
        """Queue a delivery, and wake a worker if one is idle."""
        if self.stand(row, first):
            self.call_next()

    def stand(self, row: int, first: bool = False) -> bool:
        """Queue a delivery, at the end or at the head; return whether it stands there now."""
        columns, now = self.columns, self.clock.now_us
        if self.waiting:
            self.waiting.discard(row)
        if self.closed:
            columns.end(row, Outcome.DROPPED, now)
            return False
        if columns.expires and columns.expires.get(columns.message[row], now) < now:
            self.end_for_good(row, Outcome.EXPIRED)
            return False
        columns.queue(row)
        if first:
            self.queue.appendleft(row)
        else:
            self.queue.append(row)
        if columns.expires:
            self._watch(row)
        return True

    def end_for_good(self, row: int, outcome: Outcome) -> None:
        """End a delivery that nobody will finish, and count it."""
        self.ended[outcome] += 1
        self.columns.end(row, outcome, self.clock.now_us)

    def _watch(self, row: int) -> None:
        """See to it that a copy leaves the queue when it expires."""
        due = self.columns.expires.get(self.columns.message[row])
        if due is not None:
            self.clock.at_leisure(due, Expiry.expire, Expiry(self, row), TIMEOUT)

    def free(self, worker: Worker) -> None:
        """Let a worker that has nothing in hand take the next delivery, or wait for one."""
        if worker.state != "up" or worker.row >= 0 or worker.held >= 0:
            return
        if self.queue:
            self.clock.ready.append((self._start, worker))
        elif worker not in self.idle:
            self.idle.append(worker)

    def call_next(self) -> None:
        """Let an idle worker, if there is one, take the next delivery."""
        if self.idle:
            self.clock.ready.append((self._start, self.idle.popleft()))

    def enter_again(self, row: int, due: int) -> int:
        """Write down the next attempt at a delivery, which waits until `due`; return its row."""
        columns = self.columns
        again = columns.enter(columns.message[row], self.number, columns.attempt[row] + 1, due)
        self.waiting.add(again)
        if row in self.returns:
            self.returns[again] = self.returns.pop(row)
        return again

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
        by_hand = partial(self.settle, worker, worker.row) if worker.subscription.acks_by_hand else None
        return Delivery(message, worker.name, self.name, self.columns.attempt[worker.row], by_hand)

    @abstractmethod
    def settle(self, worker: Worker, row: int, how: Settlement) -> None:
        """Do what a handler says of its own delivery."""

    def dead_letters(self) -> list[DeadLetter]:
        """Return what this group gave up on and what was not redriven: for each delivery always the same object."""
        return [self._letter(row) for row in self.letters]

    def _letter(self, row: int) -> DeadLetter:
        if row not in self._read:  # one object for each, so that two lists of them may be compared by `is`
            columns, (error, text) = self.columns, self.columns.errors[row]
            message, second = columns.envelope(columns.message[row]), columns.ended[row] / 1e6
            self._read[row] = DeadLetter(message, self.name, columns.attempt[row], second, error, text)
        return self._read[row]

    def redrive(self, where: Callable[[DeadLetter], bool] | None) -> int:
        """Queue dead letters again, as first attempts; return how many."""
        if where is not None and not callable(where):
            raise OptionError("where", where, "give a function of the dead letter that says whether to redrive it")
        wanted = {row for row in self.letters if where is None or where(self._letter(row))}
        chosen = [row for row in self.letters if row in wanted]  # `where` may have redriven some itself
        self.letters = [row for row in self.letters if row not in wanted]
        self.redriven += len(chosen)
        for row in chosen:
            again = self.columns.enter(self.columns.message[row], self.number, 1, self.clock.now_us)
            self.columns.redriven.add(again)
            self.offer(again)
            self._read.pop(row, None)
        return len(chosen)
