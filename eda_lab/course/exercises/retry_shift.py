"""Exercise 14-retry, one day played: the store is a real one, and Ben comes in between the function's own calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.course.desks import OrderChanged
from eda_lab.course.exercises.retry_days import ID, OTHER, TROUBLES, Day, FormOpened, SaveRefused, decide, evolve
from eda_lab.errors import EdaLabError, shown
from eda_lab.events import Command, Event, is_event
from eda_lab.order_history import AddItem, Order, OrderRefusedError
from eda_lab.orders import Item, example_order, make_order
from eda_lab.sourcing import Loaded, Repository
from eda_lab.store import ANY, EventStore
from eda_lab.store.errors import WrongExpectedVersionError

__all__ = ["OrdersFront", "Shift", "Try", "played"]

ATTEMPTS = 5
MOST = 100  # calls that a function may make for one wish; an honest one makes 15


class Try:
    """One wish that was handed to the function, and what it did about it.

    `saves` are pairs: the order as it was right before, and the events. `raised` is what came out of the function, and
    `due` what has to: the refusal, the fifth conflict, or the other error, `fault`, of the call `failed`.
    """

    def __init__(self, wish: Any, order: Order) -> None:
        self.wish = wish
        self.seen = order  # as it was at its last load
        self.saves: list[tuple[Loaded, list[Any]]] = []
        self.calls = self.attempts = self.conflicts = self.refusals = 0
        self.met: set[int] = set()  # the versions that were in the way of its saves
        self.refused: OrderRefusedError | None = None
        self.due: Exception | None = None
        self.fault: Exception | None = None
        self.failed = ""
        self.after_fault = 0  # times that it made the same call again
        self.raised: Exception | None = None
        self.stopped = False


class StoppedError(BaseException):
    """Ends a function that makes no end. It is no `Exception`, so that it is not taken for a conflict."""


class OrdersFront:
    """What the function sees: it can load an order, decide, and append."""

    __slots__ = ("append", "decide", "load")
    load: Callable[[str], Loaded]
    decide: Callable[[Command, Order], list[Event]]
    append: Callable[..., int]

    def __init__(self, **calls: Callable[..., Any]) -> None:
        for name, call in calls.items():
            call.__qualname__ = f"orders.{name}"  # as Python names it where the arguments do not fit
            object.__setattr__(self, name, call)

    def __getattr__(self, name: str) -> Any:
        raise EdaLabError(f"orders has no {name}: it has orders.load, orders.decide and orders.append")

    def __setattr__(self, name: str, value: object) -> None:
        raise EdaLabError("orders keeps nothing for you: load the order when you need it")


class Shift:
    """A day, while it is played: the store, the other clerk, and the story that is told of it afterwards."""

    def __init__(self, day: Day) -> None:
        self.day, self.store = day, EventStore()
        self.orders = Repository(self.store, decide, evolve, Order(), stream="order")
        changes = [OrderChanged(ID, (Item("PROD1", pieces),)) for pieces in (1, 3, 4, 2, 1, 2)]
        self.store.append(self.orders.stream(ID), [example_order(), *changes])
        self.store.append(self.orders.stream(OTHER), make_order(2))
        self.story: list[tuple[str, Event]] = []
        self.calls = self.saves = 0
        self.made = {"load": 0, "decide": 0, "append": 0}

    def ben(self, wish: Any) -> None:
        """Let the other clerk do something, carefully; what the rules refuse, he does not do."""
        try:
            done = self.orders.handle(wish.order_id, wish)
        except OrderRefusedError:
            return
        self.story += [("Ben", event) for event in done.events]

    def front(self, now: Try) -> OrdersFront:
        """Return what the function sees while it works on one wish."""

        def called(what: str) -> None:
            now.calls += 1
            self.calls += 1
            if now.calls > MOST:
                now.stopped = True
                raise StoppedError
            for call, wish in self.day.others:
                if call == self.calls:
                    self.ben(wish)
            self.made[what] += 1
            now.after_fault += what == now.failed

        def load(order_id: str) -> Loaded:
            called("load")
            self._fail(now, "load")
            loaded = self.orders.load(order_id)
            if order_id == now.wish.order_id:
                now.seen = loaded.state
            self.story.append(("you", FormOpened(str(order_id), loaded.version)))
            return loaded

        def choose(wish: Command, state: Order) -> list[Event]:
            called("decide")
            if not isinstance(state, Order):
                given = "give orders.decide the wish and an order, as in orders.load(...).state"
                raise EdaLabError(f"{given}; you gave {shown(state)}")
            self._fail(now, "decide")
            try:
                return decide(wish, state)
            except OrderRefusedError as error:
                now.refusals += 1
                now.refused = now.due = error
                raise

        def append(order_id: str, events: Any, expected_version: Any = ANY) -> int:
            called("append")
            self.saves += 1
            now.attempts += 1
            if self.saves <= self.day.beaten:
                self.ben(AddItem(ID, Item("PROD9", 1)))
            before = self.orders.load(order_id)
            kept = [events] if is_event(events) else list(events)
            if self.day.fault is None or self.day.fault.stored:
                self._append(now, before, kept, expected_version)
                self._fail(now, "append")
            else:
                self._fail(now, "append")
                self._append(now, before, kept, expected_version)
            return self.store.version(before.stream)

        return OrdersFront(load=load, decide=choose, append=append)

    def _fail(self, now: Try, call: str) -> None:
        fault = self.day.fault
        if fault is not None and (fault.call, fault.time) == (call, self.made[call]):
            now.fault = now.due = TROUBLES[fault.kind]()
            now.failed = call
            raise now.fault

    def _append(self, now: Try, before: Loaded, events: list[Any], expected: Any) -> None:
        try:
            self.store.append(before.stream, events, expected)
        except WrongExpectedVersionError as error:
            now.conflicts += 1
            now.met.add(error.actual)
            if now.attempts >= ATTEMPTS:
                now.due = error
            self.story.append(("you", SaveRefused(before.stream[6:], error.expected, error.actual)))
            raise
        if events:
            now.saves.append((before, events))
            self.story += [("you", event) for event in events]

    def bus(self) -> EventBus:
        """Return a bus on which the story was told, an event each second."""
        bus = EventBus(seed=1)
        bus.subscribe("*", lambda event: None, name="log")
        for second, (who, event) in enumerate(self.story):
            bus.publish(event, at=float(second), source=who)
        bus.run()
        return bus


def played(day: Day, answer: Callable[[Any, Any], Any]) -> tuple[Shift, list[Try]]:
    """Play a day; return it with a `Try` for each wish. Errors of the learner's own making are raised."""
    shift, tries = Shift(day), []
    wishes: tuple[Any, ...] = day.wishes
    for wish in wishes:
        now = Try(wish, shift.orders.load(wish.order_id).state)
        tries.append(now)
        try:
            answer(shift.front(now), wish)
        except StoppedError:
            break
        except Exception as error:
            if now.due is None and not isinstance(error, (OrderRefusedError, WrongExpectedVersionError)):
                raise
            now.raised = error
    return shift, tries
