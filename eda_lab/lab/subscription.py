"""The consumers of the lab's bus as a lesson handles them: subscriptions, and the workers that do their work.

A worker is a sequential process: it takes a delivery, is busy for its service time, and runs its handler in one go at
the end of that time. What happens to the delivery is the business of its group.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, Protocol

from eda_lab.clock import microseconds
from eda_lab.delivery import AckPolicy, Delivery, Retry, Settlement
from eda_lab.errors import OptionError, check_whole
from eda_lab.faults import CrashPlan
from eda_lab.handlers import HandlerSpec

__all__ = ["Subscription", "Team", "Terms", "Worker"]


class Team(Protocol):
    """What workers and subscriptions need of the group that they belong to."""

    name: str
    what: tuple[str, ...]

    def hire(self, subscription: Subscription) -> Worker:
        """Add a worker and let it take up work."""

    def free(self, worker: Worker) -> None:
        """Let a worker that has nothing in hand take the next delivery, or wait for one."""

    def lose(self, worker: Worker) -> None:
        """Take a worker down; what it had in hand comes back later."""

    def note(self, who: str, what: str) -> None:
        """Write down what happened to a consumer."""

    def delivery(self, worker: Worker) -> Delivery:
        """Return the delivery that a worker has in hand, as a handler sees it."""


class Worker:
    """One consumer of a group: up (idle or busy with a delivery), paused, down, or gone."""

    __slots__ = (
        "caused",
        "comes_back",
        "factor",
        "fate",
        "group",
        "held",
        "name",
        "number",
        "plain",
        "plan",
        "returned",
        "row",
        "run",
        "sleeping",
        "spec",
        "state",
        "subscription",
        "taken",
    )

    def __init__(self, subscription: Subscription, number: int, name: str) -> None:
        self.subscription, self.group = subscription, subscription.group
        self.number, self.name, self.spec = number, name, subscription.spec
        self.state = "up"
        self.plain = not (subscription.acks_first or subscription.acks_by_hand)
        self.row = -1  # the delivery it has in hand
        self.held = -1  # the attempt that it waits with, to try it again in place
        self.fate: Settlement | None = None  # how the delivery in hand was settled before the end of the work
        self.comes_back = False  # whether it is down from a crash, and will be restarted
        self.taken = False  # whether an outage has taken it down, and will give it back
        self.factor = 1.0
        self.caused = 0  # how many events this attempt has published so far
        self.returned: deque[Any] = deque()  # what its handler returned and is still to be published
        self.plan: CrashPlan | None = None
        self.sleeping: Coroutine[Any, Any, Any] | None = None
        self.run: Callable[[Any], Any]
        self.begin()

    def begin(self) -> None:
        """Start with an empty memory: a consumer class is built anew."""
        handler = self.subscription.spec.build()
        if self.subscription.spec.wants_delivery:
            self.run = lambda event: handler(event, self.group.delivery(self))
        else:
            self.run = handler

    def pause(self) -> None:
        """Finish what is in hand, then take nothing more until `resume`."""
        if self.state == "up":
            self._turn("paused")

    def resume(self) -> None:
        """Go on after `pause`."""
        if self.state == "paused":
            self._turn("up")
            self.group.free(self)

    def kill(self) -> None:
        """Take the worker down at once. Its unacked delivery returns to the queue after the visibility timeout."""
        if self.comes_back or self.taken or self.state in ("up", "paused"):
            if self.state != "down":
                self._turn("down")
            self.comes_back = self.taken = False
            self.group.lose(self)

    def restart(self) -> None:
        """Bring the worker back after `kill` or a crash, without its memory."""
        if self.state == "down":
            if self.comes_back:
                self.group.lose(self)  # it has nothing in hand, but it would be restarted once more
            self.comes_back = self.taken = False
            self.begin()
            self._turn("up")
            self.group.free(self)

    def retire(self) -> None:
        """Finish what is in hand and leave for good."""
        self.state = "gone"

    def slow(self, factor: float) -> None:
        """Multiply the service times that begin from now on; 1 is the normal pace."""
        if microseconds("factor", factor) == 0:
            raise OptionError("factor", factor, "give a factor above 0; 1 is the normal pace")
        if factor != self.factor:
            self.factor = factor
            pace = "works at its normal pace" if factor == 1 else f"needs {factor:g} times as long"
            self.group.note(self.name, pace)

    def _turn(self, state: str) -> None:
        self.state = state
        self.group.note(self.name, f"is {state}")

    def __repr__(self) -> str:
        return f"<{self.name}: {self.state if self.state != 'up' else 'busy' if self.row >= 0 else 'idle'}>"


class Terms:
    """On what terms a handler works: its service time, when it acks, and what becomes of what it does not finish.

    Raises `OptionError` for a term that cannot be used.
    """

    def __init__(self, spec: HandlerSpec, takes: Any, retry: Retry | None, ack: object, limit: int | None) -> None:
        self.takes, self.limit = takes, limit
        self.fixed_us = -1 if callable(takes) else microseconds("takes", takes)
        if retry is not None and not isinstance(retry, Retry):
            raise OptionError("retry", retry, "give a Retry, as in Retry(max_attempts=3)")
        self.retry = retry or Retry(max_attempts=1)
        if limit is not None:
            check_whole("delivery_limit", limit, 1)
        policy = AckPolicy.of(ack)
        if policy is AckPolicy.MANUAL and not spec.wants_delivery:
            raise OptionError("ack", "manual", f"{spec.name} cannot ack: let it take the delivery, (event, delivery)")
        self.acks_first, self.acks_by_hand = policy is AckPolicy.BEFORE, policy is AckPolicy.MANUAL


class Subscription:
    """One handler's place in a group: its workers, and the terms on which they work."""

    def __init__(self, group: Team, seed: object, name: str, spec: HandlerSpec, terms: Terms) -> None:
        self.group, self.name, self.spec = group, name, spec
        self.takes, self.fixed_us, self.retry, self.delivery_limit = (
            terms.takes,
            terms.fixed_us,
            terms.retry,
            terms.limit,
        )
        self.acks_first, self.acks_by_hand = terms.acks_first, terms.acks_by_hand
        self.rng = Random(f"{seed}/{name}/service")
        self.workers: list[Worker] = []
        self.hired = 0
        self.left = False
        self.leave: Callable[[Subscription], None]

    def service_us(self, worker: Worker) -> int:
        """Draw the service time of a delivery that starts now, in microseconds."""
        us = self.fixed_us if self.fixed_us >= 0 else microseconds("takes", self.takes(self.rng))
        return us if worker.factor == 1.0 else round(us * worker.factor)

    def pause(self) -> None:
        """Pause all workers."""
        for worker in self.workers:
            worker.pause()

    def resume(self) -> None:
        """Resume all workers."""
        for worker in self.workers:
            worker.resume()

    def kill(self) -> None:
        """Kill all workers."""
        for worker in self.workers:
            worker.kill()

    def restart(self) -> None:
        """Restart all workers that are down."""
        for worker in self.workers:
            worker.restart()

    def slow(self, factor: float) -> None:
        """Slow all workers by a factor."""
        for worker in self.workers:
            worker.slow(factor)

    def scale(self, workers: int) -> None:
        """Change the number of workers; those taken away finish what they have in hand."""
        check_whole("workers", workers, 1)
        if self.left:
            raise OptionError("workers", workers, f"{self.name} has left the bus: subscribe it again")
        while len(self.workers) > workers:
            self.workers.pop().retire()
        while len(self.workers) < workers:
            self.workers.append(self.group.hire(self))

    def unsubscribe(self) -> None:
        """Leave the bus. What is in hand is finished; what waits for nobody any more is dropped."""
        self.leave(self)

    def __repr__(self) -> str:
        others = "" if len(self.workers) == 1 else f", {len(self.workers)} workers"
        share = "" if self.group.name == self.name else f" in group {self.group.name}"
        return f"<{self.name}{share} listens to {', '.join(self.group.what)}{others}>"
