"""Exercise 10-relay, its days: which orders come, where checkout and relay crash, and what was published of them.

A day has a database of its own. A relay that crashes is called anew, so what it kept in its variables is gone; the
outbox stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from random import Random
from typing import Any

import msgspec

from eda_lab.bus import EventBus
from eda_lab.course.exercises.relay_front import OutboxFront, RestlessError, not_asleep, yield_fault
from eda_lab.course.exercises.stand_ins import in_new_process
from eda_lab.database import Database
from eda_lab.faults import Crash, Faults
from eda_lab.orders import ConfirmationSent, OrderPlaced, make_order
from eda_lab.outbox import Outbox

__all__ = ["SOON", "Day", "Run", "days"]

STEPS, POINTS = 10, 6  # of a relay, at which it is made to crash one by one; the solution has at most 4 points a step
DRAWN = 100  # further days
BACKLOG, QUIET = 300, 600.0  # rows that wait when the relay comes, seconds without a row
SOON = 60.0  # seconds after which a row must have been published
LOOKS = 5  # into the outbox without a yield between them
MARKS = 1_000  # without a yield between them
WAITS = 1_000  # in a day, and a tenth of that more for each second of it


class Day(msgspec.Struct, frozen=True):
    """How many orders come at which second, the crashes, and how often each order is confirmed: a row each time.

    What is confirmed twice makes two rows with equal events.
    """

    orders: tuple[tuple[float, int], ...]
    crashes: tuple[Crash, ...] = ()
    confirmed: int = 0


class Run:
    """One day with a relay: the bus on which it was played, and what is to be known of it.

    `rows` are all rows that were committed to the outbox, `came` says at which second, and `starts` how often the relay
    was called. It came to an end at second `ended`, it was stopped because it did not wait (`restless`) or yielded what
    nobody can publish (`fault`), or it published far too much (`stopped`). `asked` are those of `hash` and `id` that it
    called. The relay sees the rows numbered as if there had been so many `before`.
    """

    def __init__(self, day: Day, relay: Callable[[Any], Any], before: int = 0) -> None:
        self.day, self.relay, self.before = day, relay, before
        self.bus = EventBus(seed=1, faults=Faults(crashes=day.crashes), wire=False)
        self.db = Database(orders={})
        self.outbox = Outbox(self.db)
        self.restless = self.fault = ""
        self.stopped = False
        self.ended: float | None = None
        self.came: dict[int, float] = {}
        self.handed: dict[int, tuple[int, Any]] = {}
        self.asked: set[str] = set()
        self.starts, self._looks, self._marks, self._waits, self._published = 0, 0, 0, 0, 0
        self._coming = [at for at, number in day.orders for _ in range(number)]
        self._number = len(self._coming)
        self._enough = 10 + 2 * self._number * (1 + day.confirmed)  # events that it may publish
        self.bus.process("checkout", self._checkout)
        self.bus.process("relay", self._relay, background=True)
        self.bus.subscribe((OrderPlaced, ConfirmationSent), _receive, name="shipping")
        with not_asleep():
            self.bus.run()
            if self.outbox.pending():  # it may have waited with rows in hand, while others came
                self.bus.run(until=self.bus.clock.now + QUIET)
        self.rows = list(self.db.table("outbox").values())

    def _checkout(self) -> Iterator[Any]:
        while self._coming:
            at = self._coming[0]
            if at > self.bus.clock.now:
                yield at - self.bus.clock.now
            self._coming.pop(0)
            order = make_order(self._number - len(self._coming))
            with self.db.transaction() as tables:
                tables["orders"][order.order_id] = "placed"
                for event in (order, *[ConfirmationSent(order.order_id)] * self.day.confirmed):
                    self.came[self.outbox.add(tables, event).number] = self.bus.clock.now

    def _relay(self) -> Iterator[Any]:
        self.starts += 1
        front = OutboxFront(self.outbox, self._done, self.handed, self.before)
        made = in_new_process(self.relay, self.starts, self.asked)(front)
        try:
            for thing in made:
                self.fault = yield_fault(thing, made)
                if self.fault:
                    return
                self._done("waited" if isinstance(thing, (int, float)) else "published")
                yield thing
                if self._published > self._enough:
                    self.stopped = True
                    return
            self.ended = self.bus.clock.now
        except RestlessError as error:
            self.restless = str(error)
        finally:
            getattr(made, "close", lambda: None)()

    def _done(self, what: str) -> None:
        """Count what the relay does; raise `RestlessError` where it does so for ever at one moment."""
        if what in ("looked", "marked"):
            self._looks += what == "looked"
            self._marks += what == "marked"
            if self._looks > LOOKS or self._marks > MARKS:
                raise RestlessError(
                    "it went round without a yield; wait with yield 1.0, each time that nothing is left"
                )
            return
        self._looks = self._marks = 0
        self._published += what == "published"
        self._waits += what == "waited"
        if self._waits > WAITS * (1 + self.bus.clock.now / 10):
            second = f"{self.bus.clock.now:g}"
            raise RestlessError(f"it waited {self._waits:,} times by second {second}; wait longer, with yield 1.0")


def _receive(event: Any) -> None:
    """Take what is published, so that the player has somebody to show."""


@cache
def days() -> list[Day]:
    """Return all days, the simplest first: no crash, every single crash, two crashes, then those drawn by chance.

    The last are one on which many rows wait at once, and one with a long time without any.
    """
    one, three, apart = ((0.0, 1),), ((0.0, 3),), ((0.0, 1), (5.0, 1))
    steps = [str(step) for step in range(1, STEPS + 1)]
    relay = [Crash("relay", step, 1, point) for step, point in product(steps, range(POINTS))]
    checkout = [Crash("checkout", step, 1, point) for step, point in product(("1", "2"), range(2))]
    return [
        *(Day(orders, confirmed=times) for orders in (one, apart, three) for times in (0, 1)),
        *(Day(orders, confirmed=2) for orders in (one, apart)),
        *(Day(one, (crash,)) for crash in (*checkout, *relay)),
        *(Day(apart, (crash,)) for crash in (*checkout, *relay)),
        *(Day(three, (crash,)) for crash in relay),
        *(Day(one, (crash,), confirmed=1) for crash in relay),
        *map(_drawn, range(DRAWN)),
        Day(((0.0, BACKLOG),)),
        Day(((0.0, 1), (QUIET, 1))),
    ]


def _drawn(seed: int) -> Day:
    rng = Random(f"relay/{seed}")

    def upto(most: int) -> int:
        return 1 + int(rng.random() * most)

    orders = tuple((5.0 * n, upto(3)) for n in range(upto(3)))
    crashes = {("relay", str(upto(20))): int(rng.random() * POINTS) for _ in range(upto(5))}
    crashes |= {("checkout", str(upto(4))): int(rng.random() * 2) for _ in range(upto(2))}
    faults = tuple(Crash(who, step, 1, point) for (who, step), point in crashes.items())
    return Day(orders, faults, confirmed=int(rng.random() * 3))
