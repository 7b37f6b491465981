"""Exercise 07-redrive: tell errors that pass from errors that stay, and redrive what was repaired. Tried on 240 days.

A day has its orders, now and then a bank or a parcel desk that is away, and articles that the desk does not know. In
the evening the desk learns one of them; what has another one stays a dead letter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding
from eda_lab.course.exercises.redrive_days import EVENING, Call, Day, Front, days, world
from eda_lab.course.exercises.redrive_handlers import HANDLERS
from eda_lab.course.exercises.redrive_rules import RULES
from eda_lab.course.exercises.stand_ins import kind_fault
from eda_lab.delivery import Retry
from eda_lab.orders import OrderPlaced
from eda_lab.producers import scheduled
from eda_lab.shop import Shop

__all__ = ["EXERCISE"]

MOST = 4_000  # things that may happen in a day; an honest one has fewer than 400
TRIES = 20  # calls for one order that card provider and desk put up with, each
PATIENCE = 300.0  # seconds after which an order is done that nothing stands in the way of for more than a minute
PROMPT = 30.0  # the same, where nothing stands in its way at all
EXPECTED = ("ConnectionError", "TimeoutError", "UnknownArticleError")
Answer = Callable[[Any, Shop], Any]


def examine(answer: Answer) -> Iterator[Finding | EventBus]:
    """Try the answer on all days, the simplest first, and report the first on which it fails."""
    fault = kind_fault(answer)
    if fault:
        yield Finding("your function is a plain one", False, fault)
        return
    for day in days():
        found = list(_examine_one(answer, day))
        if not all(isinstance(each, EventBus) or each.passed for each in found):
            break
    yield from found


def _examine_one(answer: Answer, day: Day) -> Iterator[Finding | EventBus]:
    bus = EventBus(seed=1)
    shop, calls, learn = world(day, lambda: bus.clock.now)
    front: Any = Front(bus)
    after_the_fix = answer(front, shop)
    front.close()
    fault = kind_fault(after_the_fix) if callable(after_the_fix) else f"it returned {after_the_fix!r:.60}"
    yield Finding("your function returns after_the_fix, a plain function", not fault, fault)
    if fault:
        return
    bus.process("checkout", scheduled(day.orders))
    bus.run(until=EVENING, max_events=MOST)
    yield bus
    by_evening = Books(day, bus, calls)
    learn()
    front.repair()
    after_the_fix(set(day.known))
    bus.run(until=2 * EVENING, max_events=MOST)
    at_the_end = Books(day, bus, calls)
    yield from by_evening.before_the_fix()
    yield from at_the_end.after_the_fix()


class Books:
    """What became of each order of a day so far, and what is wrong with it."""

    def __init__(self, day: Day, bus: EventBus, calls: Iterable[Call]) -> None:
        self.day, self.calls = day, list(calls)
        fix = f", and the desk learns {day.learns} at {EVENING:,.10g} s" if bus.clock.now > EVENING else ""
        self.intro = f"the simplest such day: {day}{fix}"
        self.placed = {order.order_id: at for at, order in day.orders}
        self.orders = {order.order_id: order for _, order in day.orders}
        self.letters: dict[str, str] = {}
        for letter in bus.dead_letters():
            tries = "1 attempt" if letter.attempts == 1 else f"{letter.attempts} attempts"
            order_id = getattr(letter.message.data, "order_id", "")
            why = "" if letter.error.startswith(EXPECTED) else f": {letter.error:.90}"  # those are in the story anyway
            self.letters.setdefault(order_id, f"dead letter after {tries}{why}")

    def before_the_fix(self) -> Iterator[Finding]:
        """Judge the day up to the evening."""
        refused = [i for i in self.orders if len(self.times("desk", "refused", i)) > 1]
        yield self._none("an error that no try can help makes a dead letter at once", refused)
        harassed = [i for i in self.orders for what in ("card", "desk") if self._tries(what, i) > TRIES]
        yield self._none(f"nobody is asked more than {TRIES} times for one order", harassed)
        missing = [i for i in self.orders if not self.times("desk", "done", i) and i not in self.letters]
        yield self._none("every order ends with a parcel or as a dead letter: no error is lost", missing)
        fine = [i for i, order in self.orders.items() if self._unknown(order) <= set()]
        away = {self.day.away[0]} if self.day.away else set()
        free = [i for i in fine if not away & {"desk", self.orders[i].customer_id}]
        yield self._none(
            f"an order that nothing stands in the way of gets its parcel within {PROMPT:g} seconds",
            [i for i in free if self._late(i, PROMPT)],
        )
        held = [i for i in fine if i not in free]
        what = "an order that a short outage holds up gets its parcel all the same, without a redrive"
        yield self._none(what, [i for i in held if self._late(i, PATIENCE)])

    def after_the_fix(self) -> Iterator[Finding]:
        """Judge the whole day, the redrive included."""
        cents = {
            i: [c.cents for c in self.calls if (c.what, c.order_id, c.came) == ("card", i, "done")] for i in self.orders
        }
        again = [i for i in self.orders if len(cents[i]) > 1]
        yield self._none("no card is charged twice, not by a retry and not by a redrive", again)
        parcels = [i for i in self.orders if len(self.times("desk", "done", i)) > 1]
        yield self._none("no order gets a second parcel", parcels)
        sent = [i for i in self.orders if self.times("desk", "done", i)]
        unpaid = [i for i in sent if sum(cents[i]) != self.orders[i].total_cents * max(1, len(cents[i]))]
        yield self._none("whoever gets a parcel has paid for it", unpaid)
        poison = [i for i, order in self.orders.items() if not {item.sku for item in order.items} <= self.day.known]
        stirred = [i for i in poison if any(at >= EVENING for at in self.times("desk", "refused", i))]
        yield self._none("what the fix does not repair is not redriven", stirred)
        repaired = [i for i, order in self.orders.items() if self._unknown(order) and i not in poison]
        yield self._none("what the fix repairs is redriven, and done", [i for i in repaired if i not in sent])
        wrong = [i for i in self.orders if (i in self.letters) != (i in poison)]
        yield self._none("in the end only the poison is among the dead letters", wrong)

    def times(self, what: str, came: str, order_id: str) -> list[float]:
        """Return the seconds at which calls for an order had that result."""
        return [call.at for call in self.calls if (call.what, call.came, call.order_id) == (what, came, order_id)]

    def _tries(self, what: str, order_id: str) -> int:
        return sum((call.what, call.order_id) == (what, order_id) for call in self.calls)

    def _late(self, order_id: str, patience: float) -> bool:
        sent = self.times("desk", "done", order_id)
        return not sent or sent[0] > self.placed[order_id] + patience

    def _unknown(self, order: OrderPlaced) -> set[str]:
        return {item.sku for item in order.items} - (self.day.known - {self.day.learns})

    def _none(self, what: str, concerned: list[str]) -> Finding:
        """Return the finding that nothing is wrong with these orders, and their stories where there are any."""
        ids = tuple(dict.fromkeys(concerned))[:3]
        return Finding(what, not ids, "; ".join([self.intro, *map(self._told, ids)]))

    def _told(self, order_id: str) -> str:
        order, at = self.orders[order_id], self.placed[order_id]
        skus = " and ".join(repr(item.sku) for item in order.items)
        said = {
            "bank did not answer": self.times("card", "no answer", order_id),
            "card charged": self.times("card", "done", order_id),
            "desk did not answer": self.times("desk", "no answer", order_id),
            "desk refused it": self.times("desk", "refused", order_id),
            "parcel": self.times("desk", "done", order_id),
        }
        story = ", ".join(f"{what} at {_seconds(times)}" for what, times in said.items() if times)
        end = self.letters.get(order_id, "" if said["parcel"] else "no parcel and no dead letter")
        return ", ".join(
            filter(None, (f"order {order_id} of {order.customer_id} ({skus}) placed at {at:g} s", story, end))
        )


def _seconds(times: list[float]) -> str:
    shown = ", ".join(f"{round(at, 2):,.10g}" for at in times[:4])
    return f"{shown} s" if len(times) <= 4 else f"{shown}, ... s ({len(times)} times)"


def solution(bus: Any, shop: Shop) -> Callable[[set[str]], None]:
    def bill(order: OrderPlaced) -> None:
        shop.card.charge(order.order_id, order.total_cents, key=order.order_id)
        shop.parcels.request(order.order_id, order.customer_id, key=order.order_id)

    passing = Retry(max_attempts=10, retry_on=(ConnectionError, TimeoutError))
    bus.subscribe("order_placed", bill, name="billing", takes=0.5, retry=passing)

    def after_the_fix(known: set[str]) -> None:
        bus.redrive("billing", where=lambda letter: {item.sku for item in letter.message.data.items} <= known)

    return after_the_fix


EXERCISE = Exercise(
    name="07-redrive",
    task="Let errors that pass be tried again, give up on the others at once, and redrive what was repaired.",
    examine=examine,
    hints=(
        "There are three faults, and they stand in three lines: which errors are tried again and how long, what a "
        "second try does to a card, and which dead letters come back.",
        "Retry(max_attempts=..., retry_on=(ConnectionError, TimeoutError)) tries again only what can pass. The pauses "
        "are 1, 2, 4, 8, 16 and 32 s: how many attempts last longer than a minute? A charge with key=order.order_id "
        "is made once, however often you ask.",
        'bus.redrive("billing", where=f) asks f about each dead letter. letter.message.data is the order. It is '
        "repaired if all its articles are in `known`.",
    ),
    solution=solution,
    wrong=(*RULES, *HANDLERS),
)
