"""All that decides what a bus will do, as one value: two runs that have come to the same value go on alike.

`exhaustive` leaves out what it has been through already, so nothing may be missing here; what is told apart without
need costs time alone. What cannot be described raises an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.columns import Columns, Outcome
from eda_lab.errors import HandlerError, OptionError, shown
from eda_lab.lab.outages import Turn
from eda_lab.lab.processes import Process
from eda_lab.lab.queueing import Expiry, GroupQueue
from eda_lab.lab.subscription import Subscription, Worker

__all__ = ["Memories", "Numbers", "copies_of", "fingerprint", "processes_of", "remembered"]

Memories = dict[str, int]  # process -> the number of all that it has read since it began


class Numbers(dict[Hashable, int]):
    """A number for each value that comes up, so that large values are kept once and compared fast."""

    def __missing__(self, value: Hashable) -> int:
        number = self[value] = len(self)
        return number


def fingerprint(bus: EventBus, world: Hashable, crashes: Hashable, memories: Memories, numbers: Numbers) -> Hashable:
    """Return all on which the rest of a run depends, given every order of what may happen at one instant is tried.

    `world` is what the scenario tells of everything outside of the bus; `crashes` what the plans of crashes remember;
    `memories` what the processes have read. Of the bus it holds the time, what is due (in which order it was entered
    does not matter, as any order may be chosen), queues, workers, dead letters, and how each copy stands or ended.
    Left out are row numbers, the transcript, and the times and attempts of what is over.

    Raises `HandlerError` for a handler whose memory cannot be read: a consumer class, or an `async def` one.
    """
    reading = _Reading(bus, memories, numbers)
    ready = sorted(numbers[reading.entry(*entry)] for entry in bus.clock.ready)
    agenda = sorted((due, numbers[reading.entry(*entry)]) for due, _, *entry in bus.clock.agenda)
    groups = tuple(numbers[reading.group(group)] for group in reading.groups.values())
    due = (numbers[tuple(ready)], numbers[tuple(agenda)])
    told = (numbers[world], numbers[crashes], numbers[copies_of(bus.columns)])
    return bus.clock.now_us, reading.roots, due, groups, told


def copies_of(columns: Columns) -> tuple[tuple[str, str, str], ...]:
    """Return (group, message id, outcome) for each copy that came to a group; attempts that failed are left out."""
    over = (Outcome.FAILED, Outcome.CRASHED)  # such a one has a successor, which stands for the copy
    return tuple(
        sorted(
            (columns.groups[columns.group[row]], columns.message_id(columns.message[row]), Outcome(outcome).word)
            for row, outcome in enumerate(columns.outcome)
            if outcome not in over
        )
    )


def processes_of(bus: EventBus) -> dict[str, tuple[Process, int, Any]]:
    """Return the processes that are still to act, each with its number of steps and its generator."""
    due = [argument for _, argument in bus.clock.ready] + [argument for *_, argument in bus.clock.agenda]
    inner = [argument[1] if isinstance(argument, tuple) else argument for argument in due]
    return {process.name: (process, process.steps, process.things) for process in inner if isinstance(process, Process)}


def remembered(
    before: dict[str, tuple[Process, int, Any]], bus: EventBus, memories: Memories, read: Hashable, numbers: Numbers
) -> Memories:
    """Return what each process has read since it began, now that one more thing has happened.

    A generator cannot be looked into. But it does the same whenever it has read the same, so that stands for it: `read`
    is what there was to read before that thing happened.
    """
    after = {}
    for name, (_, steps, things) in processes_of(bus).items():
        if name not in before or before[name][2] is not things:
            after[name] = numbers["begun", read]
        elif before[name][1] != steps:
            after[name] = numbers[memories.get(name), read]
        elif name in memories:
            after[name] = memories[name]
    return after


class _Reading:
    """One look at one bus."""

    def __init__(self, bus: EventBus, memories: Memories, numbers: Numbers) -> None:
        self.columns, self.now_us = bus.columns, bus.clock.now_us
        self.groups, self.roots = bus._engine.groups, bus._engine.roots
        self.memories = memories
        self.messages: list[int] = []
        copies: Counter[Hashable] = Counter()
        for row in range(len(self.columns.data)):
            what = self._message(row)
            copies[what] += 1
            self.messages.append(numbers[what, copies[what]])

    def _message(self, row: int) -> Hashable:
        c, cause = self.columns, self.columns.cause[row]
        e = c.envelope(row)
        led_to_it = None
        if cause >= 0:  # and whether a pause lay between, after which generations are counted anew
            led_to_it = (self.messages[c.message[cause]], 0 <= c.ended[cause] < c.published[row])
        ids = (e.source, e.id, e.type, e.time, e.correlation_id, e.causation_id, e.queued_for)
        return ids, _value(e.data), c.expires.get(row), led_to_it

    def copy(self, group: GroupQueue, row: int) -> Hashable:
        """Describe an attempt that is not over."""
        if row < 0:
            return None
        c, message = self.columns, self.columns.message[row]
        marks = (row in c.duplicated, row in c.redriven, row in c.replayed)
        return self.messages[message], c.attempt[row], group.returns.get(row, 0), marks

    def entry(self, action: Any, argument: Any) -> Hashable:
        """Describe something that is due."""
        owner = getattr(action, "__self__", None)
        group = owner if isinstance(owner, GroupQueue) else None
        what: Hashable
        match argument:
            case Worker():
                what = (argument.group.name, argument.number)
            case Process():
                needed = argument.background and argument.needed()
                begins = action is Process.restart  # then what it has read so far is forgotten
                what = (argument.name, None if begins else self.memories.get(argument.name), needed)
            case Expiry():
                what = (argument.group.name, self.copy(argument.group, argument.row))
            case Turn():
                what = (argument.fault, argument.ends)
            case int() if group is not None:
                what = (group.name, self.copy(group, argument))
            case (inner, Process() | Expiry() | Turn() as thing):  # what a run does not wait for
                what = self.entry(inner, thing)
            case (key, source, cause, ordinal, event, marks):  # what is published later
                led_to_it = None if cause < 0 else self.messages[self.columns.message[cause]]
                what = (key, source, led_to_it, ordinal, _value(event), marks)
            case _:
                raise OptionError("scenario", action, "this cannot be explored: nobody knows what it depends on")
        return action.__qualname__, what

    def group(self, group: GroupQueue) -> Hashable:
        """Describe what stands in a group, and who works in it."""
        return (
            (group.name, group.what, group.closed, group.redriven),
            tuple(self.copy(group, row) for row in group.queue),
            tuple(worker.number for worker in group.idle),
            tuple((self.copy(group, row), self.columns.errors[row]) for row in group.letters),
            tuple(self._subscription(subscription) for subscription in group.subscriptions),
            tuple(self._worker(group, worker) for worker in group.workers),
        )

    def _subscription(self, subscription: Subscription) -> Hashable:
        luck = subscription.rng.getstate() if callable(subscription.takes) else None
        workers = tuple(worker.number for worker in subscription.workers)
        return subscription.name, subscription.hired, workers, luck

    def _worker(self, group: GroupQueue, worker: Worker) -> Hashable:
        if worker.spec.is_async or isinstance(worker.spec.build, type):
            what = "a class or async def: subscribe a function, so that all that is remembered can be seen"
            raise HandlerError(worker.spec.build, f"{shown(worker.spec.name)} cannot be explored as {what}")
        busy_us = self.now_us - self.columns.started[worker.row] if worker.row >= 0 else -1
        plan = None if worker.plan is None else worker.plan.reached
        state = (worker.name, worker.state, worker.fate, worker.comes_back, worker.taken, worker.factor, worker.caused)
        returned = tuple((key, delay_us, _value(event)) for key, delay_us, event in worker.returned)
        return state, self.copy(group, worker.row), self.copy(group, worker.held), busy_us, plan, returned


def _value(thing: Any) -> Hashable:
    """Return something that is equal where things are equal: the thing itself, or its text where it has no hash."""
    try:
        hash(thing)
    except TypeError:
        return repr(thing)
    return type(thing), thing
