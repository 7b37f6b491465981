"""Exercise 07-redrive, its judge: what became of each order of a day, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from eda_lab.bus import EventBus
from eda_lab.course.exercise import Finding
from eda_lab.course.exercises.redrive_days import EVENING
from eda_lab.course.exercises.redrive_world import World
from eda_lab.errors import one_line
from eda_lab.orders import OrderPlaced

__all__ = ["Books"]

TRIES = 20  # calls for one order that card provider and desk put up with, each
PATIENCE = 300.0  # seconds after which an order is done that nothing stands in the way of for more than a minute
PROMPT = 30.0  # the same, where nothing stands in its way at all
EXPECTED = ("ConnectionError", "TimeoutError", "UnknownArticleError")


class Books:
    """What became of each order of a day so far, and what is wrong with it."""

    def __init__(self, world: World, bus: EventBus) -> None:
        self.day, self.orders, self.calls = world.day, world.orders, list(world.calls)
        fix = f", and the desk learns {self.day.learns} at {EVENING:,.10g} s" if world.is_repaired else ""
        self.intro = f"the simplest such day: {self.day}{fix}"
        self.card = world.shop.card
        self.placed = {order.order_id: at for at, order in self.day.orders}
        self.letters: dict[str, str] = {}
        for letter in bus.dead_letters():
            tries = "1 attempt" if letter.attempts == 1 else f"{letter.attempts} attempts"
            order_id = getattr(letter.message.data, "order_id", "")
            # Those that are expected are in the story anyway.
            why = "" if letter.error.startswith(EXPECTED) else f": {one_line(letter.error, 300)}"
            self.letters.setdefault(order_id, f"dead letter after {tries}{why}")
        trouble = self.day.trouble
        self.held = [i for i, o in self.orders.items() if trouble and trouble.who in ("desk", o.customer_id)]
        self.given_up = self.held if trouble and trouble.all_day else []  # what may be given up, and may be redriven
        self.poison = [i for i, o in self.orders.items() if not _skus(o) <= self.day.known]
        self.fine = [i for i, o in self.orders.items() if _skus(o) <= self.day.known - {self.day.learns}]

    def before_the_fix(self) -> Iterator[Finding]:
        """Judge the day up to the evening."""
        refused = [i for i in self.orders if len(self._times("desk", "refused", i)) > 1]
        yield self._none("an error that no try can help makes a dead letter at once", refused)
        harassed = [i for i in self.orders for what in ("card", "desk") if self._tries(what, i) > TRIES]
        yield self._none(f"nobody is asked more than {TRIES} times for one order", harassed)
        missing = [i for i in self.orders if not self._times("desk", "done", i) and i not in self.letters]
        yield self._none("every order ends with a parcel or as a dead letter: no error is lost", missing)
        free = [i for i in self.fine if i not in self.held]
        yield self._none(
            f"an order that nothing stands in the way of gets its parcel within {PROMPT:g} seconds",
            [i for i in free if self._late(i, PROMPT)],
        )
        short = [i for i in self.fine if i in self.held and i not in self.given_up]
        what = "an order that a short outage holds up gets its parcel all the same, without a redrive"
        yield self._none(what, [i for i in short if self._late(i, PATIENCE)])

    def after_the_fix(self) -> Iterator[Finding]:
        """Judge the whole day, the redrive included."""
        again = [i for i in self.orders if len(self._times("card", "done", i)) > 1]
        yield self._none("no card is charged twice, not by a retry and not by a redrive", again)
        parcels = [i for i in self.orders if len(self._times("desk", "done", i)) > 1]
        yield self._none("no order gets a second parcel", parcels)
        unpaid = {i: why for i, order in self.orders.items() if (why := self._unpaid(order))}
        yield self._none("no parcel is sent before its card is charged, with the right amount", unpaid)
        stirred = [i for i in self.poison if any(at >= EVENING for at in self._times("desk", "refused", i))]
        yield self._none("what the fix does not repair is not redriven", stirred)
        repaired = [i for i in self.orders if i not in (*self.fine, *self.poison, *self.given_up)]
        yield self._none("what the fix repairs is redriven, and done", [i for i in repaired if not self._sent(i)])
        judged = [i for i in self.orders if i in self.poison or i not in self.given_up]
        wrong = [i for i in judged if (i in self.letters) != (i in self.poison)]
        yield self._none("in the end only the poison, and what was given up, is among the dead letters", wrong)

    def _times(self, what: str, came: str, order_id: str) -> list[float]:
        """Return the seconds at which calls for an order had that result."""
        return [call.at for call in self.calls if (call.what, call.came, call.order_id) == (what, came, order_id)]

    def _tries(self, what: str, order_id: str) -> int:
        return sum((call.what, call.order_id) == (what, order_id) for call in self.calls)

    def _sent(self, order_id: str) -> bool:
        return bool(self._times("desk", "done", order_id))

    def _late(self, order_id: str, patience: float) -> bool:
        sent = self._times("desk", "done", order_id)
        return not sent or sent[0] > self.placed[order_id] + patience

    def _unpaid(self, order: OrderPlaced) -> str:
        """Return what is wrong with the money for a parcel: no charge came first, another amount, or it went back."""
        charged = False
        for call in self.calls:
            if call.order_id == order.order_id:
                if call.what == "card" and call.came == "done":
                    if call.cents != order.total_cents:
                        return f"{call.cents} cents charged, and {order.total_cents} to pay"
                    charged = True
                if call.what == "desk" and call.came == "done" and not charged:
                    return "when the parcel was sent, the card had not been charged"
        held = self.card.held_cents(order.order_id)
        gone = self._sent(order.order_id) and held < order.total_cents
        return f"{held} cents are left of the charge, the rest was given back" if gone else ""

    def _none(self, what: str, concerned: Iterable[str]) -> Finding:
        """Return the finding that nothing is wrong with these orders, and their stories where there are any.

        In a dict there stands for each order why it is concerned.
        """
        ids = tuple(dict.fromkeys(concerned))[:3]
        whys = [f": {concerned[id]}" if isinstance(concerned, dict) else "" for id in ids]
        stories = [f"{self._told(id)}{why}" for id, why in zip(ids, whys, strict=True)]
        return Finding(what, not ids, "; ".join([self.intro, *stories]))

    def _told(self, order_id: str) -> str:
        order, at = self.orders[order_id], self.placed[order_id]
        skus = " and ".join(repr(item.sku) for item in order.items)
        said = {
            "bank did not answer": self._times("card", "no answer", order_id),
            "card charged": self._times("card", "done", order_id),
            "the bank's answer was lost": [c.at for c in self.calls if c.order_id == order_id and c.lost],
            "desk did not answer": self._times("desk", "no answer", order_id),
            "desk refused it": self._times("desk", "refused", order_id),
            "parcel": self._times("desk", "done", order_id),
        }
        story = ", ".join(f"{what} at {_seconds(times)}" for what, times in said.items() if times)
        end = self.letters.get(order_id, "" if said["parcel"] else "no parcel and no dead letter")
        head = f"order {order_id} of {order.customer_id} ({skus}) placed at {at:g} s"
        return ", ".join(filter(None, (head, story, end)))


def _skus(order: OrderPlaced) -> set[str]:
    return {item.sku for item in order.items}


def _seconds(times: list[float]) -> str:
    shown = ", ".join(f"{round(at, 2):,.10g}" for at in times[:4])
    return f"{shown} s" if len(times) <= 4 else f"{shown}, ... s ({len(times)} times)"
