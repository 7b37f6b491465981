"""Exercise 05-ack: the ack moves behind the work. The answer is tried on 200 plans of crashes, the simplest first.

It gets no more of the card provider than a service has: it can charge, and cannot look up what was charged. It is
judged by what became of the orders, so that every way to keep the promise is a right answer.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from eda_lab.attempt import describe
from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding, so_far
from eda_lab.course.exercises import ack_repeats, ack_wrong
from eda_lab.course.exercises.ack_plans import DOWN, MOST_FAULTS, Plan, plans
from eda_lab.course.exercises.stand_ins import CardFront
from eda_lab.delivery import Delivery, Retry
from eda_lab.effects import CardProvider, Charge
from eda_lab.faults import Faults
from eda_lab.orders import OrderPlaced
from eda_lab.trace import DeliveryRecord

__all__ = ["EXERCISE"]

LAST = 3_600.0  # second of the run at which everything must be over
MOST = 2_000  # things that may happen in a run; an honest one has fewer than 200
LIMIT = MOST_FAULTS + 3  # attempts at an order, after which it is given up
CALLS = 50  # that fail while the card provider is down, so that it does not help to try some more in the same attempt
Answer = Callable[[OrderPlaced, Delivery, Any], Any]


class WatchedCard(CardProvider):
    """A card provider that writes down in which attempt it was called, and is down in some."""

    def __init__(self) -> None:
        super().__init__()
        self.attempt = ("", 0)  # the order and the number of the attempt that is going on
        self.failing = 0  # calls
        self.failed: set[tuple[str, int]] = set()
        self.captured: list[tuple[Charge, tuple[str, int]]] = []

    def begin(self, order_id: str, attempt: int, down: bool) -> None:
        """Note that an attempt begins, and whether it finds the provider down."""
        self.attempt, self.failing = (order_id, attempt), CALLS if down else 0

    def charge(self, order_id: str, amount_cents: int, key: str | None = None) -> Charge:
        """Capture an amount, unless the plan says that this call fails."""
        if self.failing:
            self.failing -= 1
            self.failed.add(self.attempt)
            raise ConnectionError(DOWN)
        before = len(self.charges)
        try:
            return super().charge(order_id, amount_cents, key)
        finally:  # a crash after the charge leaves it charged
            self.captured.extend((made, self.attempt) for made in self.charges[before:])


def examine(answer: Answer) -> Iterator[Finding | EventBus]:
    """Try the answer on all plans, the simplest first, and report the first on which it fails."""
    try:
        inspect.signature(answer).bind(1, 2, 3)
    except TypeError as error:
        seen = f"{error}; begin with: def payment(order, delivery, card)"
        yield Finding("your function takes an order, a delivery and a card", False, seen)
        return
    for number, plan in enumerate(plans()):
        found = list(_examine_one(answer, plan, 20_001 + 10 * number))
        if not all(isinstance(each, EventBus) or each.passed for each in found):
            break
    yield from so_far(found)


def _examine_one(answer: Answer, plan: Plan, first: int) -> Iterator[Finding | EventBus]:
    orders = {order.order_id: order for order in plan.orders(first)}
    bus, card = EventBus(seed=1, faults=Faults(crashes=plan.crashes(orders)), visibility=10.0), WatchedCard()
    front, fates, errors = CardFront(card), dict(zip(orders, plan.fates, strict=True)), dict[str, bool]()

    def begin(order: OrderPlaced, delivery: Delivery) -> Any:
        fate = fates.get(order.order_id, ())[delivery.attempt - 1 : delivery.attempt]
        card.begin(order.order_id, delivery.attempt, DOWN in fate)
        with _noted(errors, card):
            return answer(order, delivery, front)

    async def begin_and_wait(order: OrderPlaced, delivery: Delivery) -> Any:
        with _noted(errors, card):
            return await begin(order, delivery)

    payment = begin_and_wait if inspect.iscoroutinefunction(answer) else begin
    payment.__name__ = getattr(answer, "__name__", "payment")
    once_more = Retry(max_attempts=LIMIT, retry_on=(ConnectionError,))
    bus.subscribe(OrderPlaced, payment, name="payment", takes=0.5, ack="manual", retry=once_more, delivery_limit=LIMIT)
    for second, order in enumerate(orders.values()):
        bus.publish(order, at=float(second), id=order.order_id)
    bus.run(until=LAST, max_events=MOST)
    yield bus
    yield from _findings(_Story(bus, card, orders), card, orders)
    for text, traceback in bus.columns.errors.values():
        if traceback:  # what was raised outside of the function, such as for what it returned
            errors.setdefault(text, True)
    wrong = [_advised(text) for text, is_own in errors.items() if is_own]
    yield Finding("your function raises no error of its own", not wrong, "; ".join(wrong[:1]))


@contextmanager
def _noted(errors: dict[str, bool], card: WatchedCard) -> Iterator[None]:
    """Note what comes out of the learner's code, and whether it is an error of its own.

    While the card provider is down, every `ConnectionError` brings the order back, so it may come out.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        is_own = not isinstance(error, ConnectionError) or card.attempt not in card.failed
        errors[describe(error)] = is_own or errors.get(describe(error), False)
        raise


def _advised(error: str) -> str:
    """Return an error with what to do about it."""
    if error.startswith("SettledError") and "cannot ack" in error and error.endswith("by ack"):
        return "you acked twice: keep the one after the charge"
    if error.startswith("HandlerResultError"):
        return f"{error} (return nothing; a lambda always returns, so write a def)"
    return error.removeprefix("EdaLabError: ")


def _findings(story: _Story, card: WatchedCard, orders: dict[str, OrderPlaced]) -> Iterator[Finding]:
    unpaid = [i for i in orders if not story.charges(i)]
    yield Finding("every order is charged", not unpaid, story.told(unpaid))
    open_ = [i for i, tries in story.tries.items() if tries[-1].outcome not in ("done", "lost")]
    yield Finding("every order is acked in the end", not open_, story.told(open_))
    again = [i for i in orders if story.charges(i) > 1 + story.charged_in_vain(i)]
    yield Finding("no card is charged twice, unless a crash came between", not again, story.told(again))
    needless = [i for i, tries in story.tries.items() if any(not story.hit(each) for each in tries[:-1])]
    yield Finding("an attempt in which nothing went wrong is the last one", not needless, story.told(needless))
    strange = [charge for charge, _ in card.captured if _is_strange(charge, orders)]
    seen = "; ".join(f"card.charge({c.order_id!r:.40}, {c.amount_cents})" for c in strange[:2])
    yield Finding("each charge is for an order that was placed, with its amount", not strange, seen)


def _is_strange(charge: Charge, orders: dict[str, OrderPlaced]) -> bool:
    return charge.order_id not in orders or charge.amount_cents != orders[charge.order_id].total_cents


class _Story:
    """What became of each order in a run, and how it is told."""

    def __init__(self, bus: EventBus, card: WatchedCard, orders: dict[str, OrderPlaced]) -> None:
        self._card = card
        self._told: set[str] = set()
        self._acked = {bus.columns.message_id(bus.columns.message[row]) for row in bus.columns.acked}
        rows = bus.trace.deliveries
        self.tries = {i: [each for each in rows if each.message.id == i] for i in orders}

    def hit(self, each: DeliveryRecord) -> bool:
        """Whether something went wrong in an attempt that was none of the function's own doing."""
        return (each.error or "").startswith("crashed") or (each.message.id, each.attempt) in self._card.failed

    def charges(self, order_id: str) -> int:
        """How often the card was charged for an order."""
        return sum(charge.order_id == order_id for charge, _ in self._card.captured)

    def charged_in_vain(self, order_id: str) -> int:
        """How many attempts at an order charged the card and then met a crash: what they did is done once more."""
        return sum(self.hit(each) and self._charged_in(each) for each in self.tries[order_id])

    def _charged_in(self, each: DeliveryRecord) -> bool:
        return any(attempt == (each.message.id, each.attempt) for _, attempt in self._card.captured)

    def told(self, ids: list[str]) -> str:
        """Say in words what became of the first of some orders."""
        if not ids or ids[0] in self._told:
            return f"order {ids[0]} again" if ids else ""
        self._told.add(ids[0])
        tries, times = self.tries[ids[0]], self.charges(ids[0])
        said = [f"attempt {each.attempt} {self._how(each)}" for each in tries]
        said[3:-1] = ["..."] if len(tries) > 4 else []
        often = {0: "its card was never charged", 1: "its card was charged once"}
        return f"order {ids[0]}: {', '.join(said)}; {often.get(times, f'its card was charged {times} times')}"

    def _how(self, each: DeliveryRecord) -> str:
        error = each.error or ""
        acked = "was acked first, then " if each.message.id in self._acked and each.outcome == "lost" else ""
        match each.outcome:
            case "done" if (each.message.id, each.attempt) in self._card.failed and not self._charged_in(each):
                return "was acked (card.charge raised ConnectionError, your function went on and acked)"
            case "done":
                return "was acked"
            case "crashed" | "lost" if error.startswith("crashed"):
                return f"{acked}{error}{', so the bus forgot it' if acked else ''}"
            case "lost":
                return f"{acked}failed ({error}), so the bus forgot it"
            case "dead lettered" if each.attempt == LIMIT:
                return f"{_ended(error.partition(';')[0])} too, and there the check stops"
            case "dead lettered":
                return f"became a dead letter ({error})"
            case "rejected":
                return "was rejected: refused for good"
            case "waiting" | "queued" | "in flight":
                return "was not over after an hour, and there the check stops"
        return _ended(error)


def _ended(error: str) -> str:
    return (
        error if error.startswith(("ended", "crashed")) else "was nacked" if error == "nacked" else f"failed ({error})"
    )


def solution(order: OrderPlaced, delivery: Delivery, card: Any) -> None:
    card.charge(order.order_id, order.total_cents)
    delivery.ack()


EXERCISE = Exercise(
    name="05-ack",
    task="Move the ack, so that no order is lost, whatever crashes.",
    examine=examine,
    hints=(
        "The ack says: done, forget it. Which of the two lines must be over before that is true?",
        "A crash between the two lines is what matters. After the ack the bus never hands the order out again. So what "
        "is not done at the ack is never done.",
        "First card.charge(order.order_id, order.total_cents), then delivery.ack() as the last line. If the charge "
        "raises an error, leave it alone: no ack, and the order comes back.",
    ),
    solution=solution,
    wrong=(*ack_wrong.ANSWERS, *ack_repeats.REPEATS),
)
