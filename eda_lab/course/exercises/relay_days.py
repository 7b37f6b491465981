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
from eda_lab.database import Database
from eda_lab.delivery import WithId
from eda_lab.errors import EdaLabError, shown
from eda_lab.faults import Crash, Faults
from eda_lab.orders import ConfirmationSent, OrderPlaced, make_order
from eda_lab.outbox import Outbox, OutboxRow

__all__ = ["Day", "OutboxFront", "Run", "days"]

STEPS, POINTS = 10, 6  # of a relay, at which it is made to crash one by one; the solution has at most 4 points a step
DRAWN = 100  # further days
MOST = 3_000  # things that may happen in a day; an honest one has fewer than 150
WAKES = 1_000  # times that a relay may yield or look in a day


class Day(msgspec.Struct, frozen=True):
    """How many orders come at which second, the crashes, and whether each order is also confirmed: two rows then."""

    orders: tuple[tuple[float, int], ...]
    crashes: tuple[Crash, ...] = ()
    confirmed: bool = False


class OutboxFront:
    """What a relay sees of the outbox: it can ask what is pending, and mark a row as sent."""

    __slots__ = ("mark", "pending")
    mark: Callable[[int], None]
    pending: Callable[..., list[OutboxRow]]

    def __init__(self, outbox: Outbox, looked: Callable[[], None], before: int = 0) -> None:
        def pending(most: int | None = None) -> list[OutboxRow]:
            looked()
            rows = outbox.pending(most)
            return [msgspec.structs.replace(row, number=row.number + before) for row in rows] if before else rows

        def mark(number: int) -> None:
            looked()
            if isinstance(number, bool) or not isinstance(number, int):
                raise EdaLabError(f"outbox.mark takes the number of a row, as in row.number; you gave {shown(number)}")
            outbox.mark(number - before)

        object.__setattr__(self, "pending", pending)
        object.__setattr__(self, "mark", mark)

    def __getattr__(self, name: str) -> Any:
        raise EdaLabError(f"this outbox has no {name}: it has outbox.pending() and outbox.mark(number)")

    def __setattr__(self, name: str, value: object) -> None:
        raise EdaLabError("the outbox keeps nothing for you, only the marks: outbox.mark(row.number)")


class RestlessError(BaseException):
    """Ends a relay that does not wait. It is no `Exception`, so that the relay cannot go on all the same."""


class Run:
    """One day with a relay: the bus on which it was played, and what is to be known of it.

    `rows` are all rows that were committed to the outbox, `starts` how often the relay was called. It was stopped if it
    did not wait (`restless`), or published far too much (`stopped`). The relay sees the rows numbered as if there had
    been so many `before`.
    """

    def __init__(self, day: Day, relay: Callable[[Any], Any], before: int = 0) -> None:
        self.day, self.relay, self.before = day, relay, before
        self.bus = EventBus(seed=1, faults=Faults(crashes=day.crashes))
        self.db = Database(orders={})
        self.outbox = Outbox(self.db)
        self.restless = self.stopped = False
        self.starts, self._wakes, self._published = 0, 0, 0
        self._coming = [at for at, number in day.orders for _ in range(number)]
        self._number = len(self._coming)
        self._enough = 10 + 2 * self._number * (1 + day.confirmed)  # events that it may publish
        self.bus.process("checkout", self._checkout)
        self.bus.process("relay", self._relay, background=True)
        self.bus.subscribe((OrderPlaced, ConfirmationSent), _receive, name="shipping")
        self.bus.run(max_events=MOST)
        if self.outbox.pending():  # it may have waited with rows in hand, while others came
            self.bus.run(until=self.bus.clock.now + 5, max_events=MOST)
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
                self.outbox.add(tables, order)
                if self.day.confirmed:
                    self.outbox.add(tables, ConfirmationSent(order.order_id))

    def _relay(self) -> Iterator[Any]:
        self.starts += 1
        made = self.relay(OutboxFront(self.outbox, self._woke, self.before))
        try:
            for thing in made:
                self._woke()
                self._published += isinstance(thing, WithId) or not isinstance(thing, (int, float))
                yield thing
                if self._published > self._enough:
                    self.stopped = True
                    return
        except RestlessError:
            self.restless = True
        finally:
            getattr(made, "close", lambda: None)()

    def _woke(self) -> None:
        self._wakes += 1
        if self._wakes > WAKES:
            raise RestlessError


def _receive(event: Any) -> None:
    """Take what is published, so that the player has somebody to show."""


@cache
def days() -> list[Day]:
    """Return all days, the simplest first: no crash, every single crash, two crashes, then those drawn by chance."""
    one, three, apart = ((0.0, 1),), ((0.0, 3),), ((0.0, 1), (5.0, 1))
    steps = [str(step) for step in range(1, STEPS + 1)]
    relay = [Crash("relay", step, 1, point) for step, point in product(steps, range(POINTS))]
    checkout = [Crash("checkout", step, 1, point) for step, point in product(("1", "2"), range(2))]
    small = [Day(orders, confirmed=both) for orders in (one, apart, three) for both in (False, True)]
    return [
        *small,
        *(Day(one, (crash,)) for crash in (*checkout, *relay)),
        *(Day(apart, (crash,)) for crash in (*checkout, *relay)),
        *(Day(three, (crash,)) for crash in relay),
        *(Day(one, (crash,), confirmed=True) for crash in relay),
        *map(_drawn, range(DRAWN)),
    ]


def _drawn(seed: int) -> Day:
    rng = Random(f"relay/{seed}")

    def upto(most: int) -> int:
        return 1 + int(rng.random() * most)

    orders = tuple((5.0 * n, upto(3)) for n in range(upto(3)))
    crashes = {("relay", str(upto(20))): int(rng.random() * POINTS) for _ in range(upto(5))}
    crashes |= {("checkout", str(upto(4))): int(rng.random() * 2) for _ in range(upto(2))}
    faults = tuple(Crash(who, step, 1, point) for (who, step), point in crashes.items())
    return Day(orders, faults, confirmed=rng.random() < 0.5)
