"""`EventBus`: the lab. Queues, acks, retries, crashes and load on a simulated clock, the same on every run.

`publish` only queues; the consumers work in `run`, and all that happens is written into `trace`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from eda_lab.clock import microseconds
from eda_lab.delivery import AckPolicy, DeadLetter, Retry
from eda_lab.errors import DuplicateNameError, HandlerError, OptionError, check_whole
from eda_lab.events import Message
from eda_lab.faults import Faults
from eda_lab.handlers import Handler, checked_name, examine
from eda_lab.lab.engine import Engine
from eda_lab.lab.group import Group
from eda_lab.lab.observed import Observed, Recorder
from eda_lab.lab.outages import warn_of_unknown
from eda_lab.lab.processes import Process
from eda_lab.lab.subscription import Subscription, Terms, Worker
from eda_lab.lab.switchboard import NOTHING, marked
from eda_lab.routing import topics

if TYPE_CHECKING:
    from eda_lab.trace import Happening

__all__ = ["EventBus"]

F = TypeVar("F", bound=Callable[..., Any])
_OPTIONS = "name=, group=, workers=, takes=, retry=, ack=, delivery_limit= and start="


class EventBus(Observed):
    """A bus on a simulated clock. Same topology, events and seed: same run, to the microsecond.

    All that is published is appended to the `store`, before any handler has it. `source` names who publishes where
    nobody else is named; `wire=False` leaves out the check that each event could cross a wire; `faults` says where
    consumers crash; what a lost consumer had in hand comes back `visibility` seconds after it was taken; `cascade` is
    the number of generations after which events that cause events are stopped; `schedule` chooses, as a place from 0,
    which of so many things comes first that may happen at one instant.

    >>> bus = EventBus(seed=1)
    >>> bus.subscribe("order_placed", lambda order: None, name="email", takes=0.3)
    <email listens to order_placed>
    >>> bus.publish("order_placed", {"order_id": "12345"})
    <Message '1': order_placed from checkout at 0 s, queued for 1 group; their consumers work in bus.run()>
    >>> bus.run()
    >>> bus.clock.now, bus.trace.deliveries[0].outcome
    (0.3, 'done')
    """

    def __init__(
        self,
        seed: int = 0,
        store: Recorder | None = None,
        *,
        source: str = "checkout",
        wire: bool = True,
        faults: Faults | None = None,
        visibility: float = 30.0,
        cascade: int = 100,
        schedule: Callable[[int], int] | None = None,
    ) -> None:
        if schedule is not None and not callable(schedule):
            raise OptionError("schedule", schedule, "give a function of a number n that returns a place below n")
        self.seed, self.source = seed, checked_name("source", source)
        super().__init__(Engine(seed, wire, faults, visibility, cascade))
        self.clock.choose = schedule
        self._processes: set[str] = set()
        self._fresh = faults is not None  # it has faults, and has not run so far
        if store is not None:
            if not hasattr(store, "record"):
                raise OptionError("store", store, "give an EventStore")
            store.record(self)

    # --- who listens

    def subscribe(
        self,
        what: Any,
        handler: Handler,
        *,
        name: str | None = None,
        group: str | None = None,
        workers: int = 1,
        takes: float | Callable[[Any], float] = 0.0,
        retry: Retry | None = None,
        ack: AckPolicy | str = AckPolicy.AFTER,
        delivery_limit: int | None = 20,
        start: str = "now",
        **unknown: object,
    ) -> Subscription:
        """Let a handler have what `what` names: an event class, a topic, a pattern, or a tuple of such.

        `handler` is a function of the event, or of the event and the delivery; `async def`; or a class whose instances
        can be called, built for each worker. Subscriptions of one `group` (by default the `name`) share its queue,
        and so do its `workers`. `takes` is the service time in seconds, or a function of a random generator. Without
        `retry` a failed delivery goes to the dead letters at once. `ack` says when a delivery is acked: "before" the
        work, "after" it, or by hand ("manual"). One that came back unacked `delivery_limit` times (None: no limit), as
        when it crashes each consumer, is a dead letter. A group that starts at the "beginning" gets what was published
        before it came, as from a log; one that starts "now" does not.

        Raises a child of `EdaLabError` for an option that cannot be used, a handler that cannot serve, or a taken name.
        """
        for option, value in unknown.items():
            raise OptionError(option, value, f"there is no such option; there are {_OPTIONS}")
        spec = examine(handler)
        spec.warn_of_real_time()
        listens = topics(what)
        check_whole("workers", workers, 1)
        terms = Terms(spec, takes, retry, ack, delivery_limit)
        if start not in ("now", "beginning"):
            raise OptionError("start", start, "give 'now' or 'beginning'")
        chosen = spec.chosen_name(name, self._engine.subscriptions)
        team = self._engine.team(chosen if group is None else checked_name("group", group), listens)
        subscription = Subscription(team, self.seed, chosen, spec, terms)
        reads_the_log = start == "beginning" and not team.subscriptions  # further members find it in the queue
        self._engine.join(team, subscription)
        try:
            subscription.scale(workers)
        except BaseException:  # a consumer class that cannot be built leaves nothing behind
            subscription.unsubscribe()
            raise
        if reads_the_log:
            self._engine.replay(team)
        return subscription

    def on(self, what: Any, **options: Any) -> Callable[[F], F]:
        """Subscribe the function below, as a decorator; the function is returned unchanged."""

        def register(handler: F) -> F:
            self.subscribe(what, handler, **options)
            return handler

        return register

    # --- who publishes

    def publish(
        self,
        event: Any,
        data: Any = NOTHING,
        *,
        at: float | None = None,
        delay: float = 0.0,
        source: str | None = None,
        id: str | None = None,
        expires: float | None = None,
    ) -> Message:
        """Queue an event for every group that listens, as `publish(event)` or `publish("topic", event)`.

        It is published now, or `at` that second of the run, or after `delay` seconds. The handlers run later, in `run`.
        `id` is one that you chose, the same when you publish the same again. A copy that still waits in a queue when
        `expires` seconds have passed since is not taken up any more.
        """
        engine, now = self._engine, self.clock.now_us
        if at is not None and delay:
            raise OptionError("delay", delay, f"there is at={at!r} already: give one of them")
        key, event = engine.keyed(event, data)
        event = engine.admitted(engine.route(key), event)
        due = now + microseconds("delay", delay) if at is None else microseconds("at", at)
        if due < now:
            raise OptionError("at", at, f"it is {self.clock.now:g} s already")
        who = self.source if source is None else checked_name("source", source)
        marks = marked(id, expires)
        if isinstance(self.clock.busy, Worker):
            return engine.publish_inside(self.clock.busy, key, event, due, marks)
        return engine.publish_root(who, key, event, due, marks)

    def process(
        self, name: str, things: Iterator[Any] | Callable[[], Iterator[Any]], *, background: bool = False
    ) -> None:
        """Let something act by itself, as `name`: a generator that yields seconds to wait, or events to publish.

        Given as the function that makes it, it begins anew after a crash; given as a generator, it is gone then. `run`
        does not wait for one in the `background`, such as a relay that looks for work for ever: the run ends when it
        has looked once more and found nothing.
        """
        if checked_name("process", name) in self._processes:
            raise DuplicateNameError(name, "give the process another name")
        process = Process(self._engine, name, things, background)
        self._processes.add(name)
        enter = self.clock.at_leisure if background else self.clock.at
        enter(self.clock.now_us, self._engine.go_on, process)

    # --- running

    def run(self, until: float | None = None, max_events: int | None = None) -> None:
        """Let things happen: until nothing is left, or up to second `until` (included), or at most `max_events`."""
        until_us = None if until is None else microseconds("until", until)
        if max_events is not None:
            check_whole("max_events", max_events)
        self._run(until_us, max_events)

    def _run(self, until_us: int | None, limit: int | None) -> int:
        if self.clock.busy is not None:
            raise HandlerError(self.clock.busy, "a handler cannot run the bus that runs it: return events instead")
        if self._fresh:
            self._fresh = False
            warn_of_unknown(self._engine.faults, {*self._engine.groups, *self._processes})
        if limit is None:
            self._engine.acts += 1  # whoever runs it may have made work for a process in the background
        try:
            return self.clock.run(until_us, limit)
        finally:
            self.columns.now_us = self.clock.now_us

    def step(self) -> Happening | None:
        """Let the next thing happen that has a name (published, started, acked, failed, ...); return it, or None."""
        before = len(self.columns.log)
        while self._run(None, 1):
            if len(self.columns.log) > before:
                return self.trace.happening(before)
        return None

    def settle(self, timeout: float = math.inf) -> None:  # noqa: ARG002 - a live bus needs it
        """Run until nothing is left to do; on a live bus this waits, here it is `run`."""
        self._run(None, None)

    # --- what went wrong

    def dead_letters(self, group: str | None = None) -> list[DeadLetter]:
        """Return what a group (or all groups) gave up on and what was not redriven."""
        chosen = self._engine.groups.values() if group is None else [self._known(group)]
        return [letter for each in chosen for letter in each.dead_letters()]

    def redrive(self, group: str, where: Callable[[DeadLetter], bool] | None = None) -> int:
        """Queue a group's dead letters again, or those for which `where` is true; return how many."""
        return self._known(group).redrive(where)

    def _known(self, group: str) -> Group:
        groups = self._engine.groups
        if group not in groups:
            raise OptionError("group", group, f"give one of {', '.join(groups) or 'the groups, once there are any'}")
        return groups[group]

    def __repr__(self) -> str:
        groups, messages = len(self._engine.groups), len(self.columns.data)
        return f"<EventBus at {self.clock.now:g} s: {groups} groups, {messages} messages>"
