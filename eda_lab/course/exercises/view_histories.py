"""Exercise 08-projection, its histories: what was published, what went wrong, and the view that came of it.

A history is played live first, and recorded. Then the view is built again from the record, in a new database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from random import Random
from typing import Any

import msgspec

from eda_lab.bus import EventBus
from eda_lab.database import Database
from eda_lab.delivery import Delivery, Retry
from eda_lab.effects import MailServer
from eda_lab.errors import EdaLabError, shown
from eda_lab.events import Event, Message, type_name
from eda_lab.faults import Crash, Faults, Link
from eda_lab.handlers import examine
from eda_lab.orders import Item, OrderCounted, OrderPlaced, PaymentCaptured
from eda_lab.roles import is_projector, projector
from eda_lab.store import EventStore

__all__ = ["DAY", "VIEW", "History", "Played", "ViewFront", "histories", "plain_history"]

VIEW = "takings"
DAY = 86_400  # seconds
POINTS = 7  # the crash points of an attempt that are tried one by one: enough for two transactions
LENGTH = 200  # histories
MOST = 3_000  # things that may happen in a history; an honest one has fewer than 200


class GiftCardSold(Event):
    """A type that came into the shop after the view was written."""

    order_id: str
    customer_id: str
    total_cents: int


class History(msgspec.Struct, frozen=True):
    """Events with the second at which each was published, crashes, and whether each message is delivered twice.

    `down` is how many calls of the database fail at first, live and in the replay.
    """

    events: tuple[tuple[float, Event], ...]
    crashes: tuple[Crash, ...] = ()
    twice: bool = False
    down: int = 0
    first_id: int = 1

    @property
    def takings(self) -> dict[int, int]:
        """The cents that the orders of each day bring in."""
        days: Counter[int] = Counter()
        for at, event in self.events:
            if isinstance(event, OrderPlaced):
                days[int(at // DAY)] += event.total_cents
        return dict(days)

    def __str__(self) -> str:
        orders = sum(isinstance(event, OrderPlaced) for _, event in self.events)
        others = [type_name(type(event)) for _, event in self.events if not isinstance(event, OrderPlaced)]
        parts = [f"{orders or 'no'} order{'' if orders == 1 else 's'}", *others]
        more = ", each message delivered twice" if self.twice else ""
        return f"{' and '.join(parts)}{more}{', the database down at first' if self.down else ''}"


def _order(number: int, customer: str = "ADA", pieces: int = 2, price: int = 2_500) -> OrderPlaced:
    return OrderPlaced(str(number), customer, (Item("PROD1", pieces, price),))


def plain_history(number: int) -> History:
    """Return a history in which nothing goes wrong: one order, of this number."""
    return History(((0.0, _order(number)),), first_id=number)


@cache
def histories() -> list[History]:
    """Return all histories, the simplest first, those drawn by chance last."""
    one, late = ((100.0, _order(12345)),), ((DAY - 5.0, _order(12345)),)
    two = (*one, (200.0, _order(12346)))
    close, same = (*one, (101.0, _order(12346, "BOB"))), (*one, (100.0, _order(12346)))
    days = ((DAY - 5.0, _order(12345)), (3 * DAY + 40_000.0, _order(12346, "BOB")))
    strange = (OrderCounted("12345", 5_000), PaymentCaptured("12345", 5_000), GiftCardSold("1", "ADA", 4_000))
    crashes = [Crash(VIEW, "1", 1, point) for point in range(POINTS)]
    certain = [
        History(one),
        *(History(((100.0, event),)) for event in strange),
        *(History(one, (crash,)) for crash in crashes),
        History(one, twice=True),
        History(one, down=1),
        History(two),
        History(same),
        History(days),
        History(late, (Crash(VIEW, "1", 1, "before work"),)),
        *(History((*one, (150.0, event))) for event in strange),
        *(History(one, (crash, Crash(VIEW, "1", 2, 2))) for crash in crashes),
        *(History(orders, (crash,)) for orders in (two, close) for crash in crashes),
        History((*two, (300.0, strange[0]), (DAY + 5.0, _order(12347))), twice=True),
    ]
    return [*certain, *map(_drawn, range(LENGTH - len(certain)))]


def _drawn(seed: int) -> History:
    rng = Random(f"view/{seed}")

    def pick(*options: Any) -> Any:
        return options[int(rng.random() * len(options))]

    events: list[tuple[float, Event]] = []
    at = 0.0
    for number in range(12345, 12345 + pick(2, 3, 5)):
        at += pick(1.0, 50.0, DAY / 2, 2.0 * DAY)
        order = _order(number, pick("ADA", "BOB"), pick(1, 2, 3), pick(900, 2_500))
        event = pick(order, order, OrderCounted(str(number), order.total_cents), GiftCardSold(str(number), "BOB", 700))
        events.append((at, event))
    crashes = {(str(pick(1, 2)), pick(1, 1, 2)): pick(*range(POINTS)) for _ in range(pick(0, 1, 2))}
    return History(
        tuple(events), tuple(Crash(VIEW, *where, point) for where, point in crashes.items()), pick(False, True)
    )


class _Database(Database):
    """A database whose first calls fail."""

    def __init__(self, down: int) -> None:
        super().__init__(takings={}, inbox={})
        self._left = down

    def reach(self, call: object = None) -> None:
        """Get through to it, but for the first calls."""
        if self._left:
            self._left -= 1
            raise ConnectionError("the database does not answer")
        super().reach(call)


class ViewFront:
    """What the view sees of the shop: a database with the tables "takings" and "inbox", and the mail server."""

    __slots__ = ("db", "mail")

    def __init__(self, db: Database, mail: MailServer) -> None:
        self.db, self.mail = db, mail

    def __getattr__(self, name: str) -> Any:
        raise EdaLabError(f"there is no shop.{name} here, only shop.db and shop.mail")


class Played:
    """A history, played: `live` is the view as it was kept day by day, `rebuilt` that from the record.

    `again` is the rebuilt view after some of the record came once more, `later` after one new order of 700 cents on
    day 9. `skipped` says that a replay leaves the view out.
    """

    def __init__(self, history: History, answer: Callable[[Any], Any]) -> None:
        self.history, self.answer, self.mail = history, answer, MailServer()
        self._given: list[object] = []  # kept, so that no two have the same address
        with EventStore() as log:
            self.bus, db = self._open(log)
            for number, (at, event) in enumerate(history.events, history.first_id):
                self.bus.publish(event, at=at, id=str(number))
            self.bus.run(max_events=MOST)
            self.live = _view(db)
            # A class that nobody has any more: its events read back as plain data.
            gone = {"order_id": "12345", "total_cents": 100, "items": []}
            log.append("checkout", Message(id="old-1", source="old", type="voucher_noted", time=0.0, data=gone))
            self.second, db = self._open(None)
            log.replay(self.second)
            self.second.run(max_events=MOST)
            self.rebuilt = _view(db)
            log.replay(self.second, from_position=1 + len(history.events) // 2)
            self.second.run(max_events=MOST)
            self.again = _view(db)
            self.second.publish(_order(99_999, "EVE", 1, 700), at=9 * DAY + 5.0, id="new-1")
            self.second.run(max_events=MOST)
            self.later = _view(db)

    def _open(self, log: EventStore | None) -> tuple[EventBus, Database]:
        db = _Database(self.history.down)
        links = (Link(group=VIEW, duplicate=1.0),) if self.history.twice else ()
        bus = EventBus(seed=1, faults=Faults(crashes=self.history.crashes, links=links), store=log)
        bus.subscribe("*", self._service(db), name=VIEW, retry=Retry(max_attempts=5, backoff=1.0))
        return bus, db

    def _service(self, db: Database) -> type:
        played = self

        class Service:
            def __init__(self) -> None:
                self.work = played.answer(ViewFront(db, played.mail))
                self.wants_delivery = examine(self.work).wants_delivery

            def __call__(self, event: Any, delivery: Delivery) -> Any:
                copy = msgspec.structs.replace(event) if isinstance(event, Event) else dict(event)
                message = msgspec.structs.replace(delivery.message, data=copy)
                own = msgspec.structs.replace(delivery, message=message)
                played._given += [copy, message, own]
                return self.work(copy, own) if self.wants_delivery else self.work(copy)

        self.skipped = not is_projector(played.answer(ViewFront(db, played.mail)))
        Service.__name__ = VIEW
        return Service if self.skipped else projector(Service)

    def story(self) -> str:
        """Say what the live view did with the first message that came more than once; empty where none did."""
        for number in range(self.history.first_id, self.history.first_id + len(self.history.events)):
            rows = [d for d in self.bus.trace.deliveries if d.message.id == str(number)]
            if len(rows) > 1:
                words = {"done": "was acked", "dead lettered": "failed", "failed": "failed"}
                parts = [f"attempt {d.attempt} {words.get(d.outcome) or d.error or d.outcome}" for d in rows[:6]]
                return f"; message {number}: {', '.join(parts)}"
        return ""

    @property
    def published(self) -> list[str]:
        """The types of what the view published, live."""
        return [message.type for message in self.bus.trace.messages[len(self.history.events) :]]

    def letters(self) -> Iterator[str]:
        """Yield what the view raised, live and in the replay."""
        for bus in (self.bus, self.second):
            yield from (f"{letter.message.type} came, and it failed: {letter.error}" for letter in bus.dead_letters())


def _view(db: Database) -> Mapping[Any, Any]:
    rows = db.table("takings")
    for day, cents in rows.items():
        if type(day) is not int or type(cents) is not int:
            row = f"{shown(day)}: {shown(cents)}"
            raise EdaLabError(
                f'tables["takings"] holds {row}; give each day, a whole number, its whole number of cents'
            )
    return dict(rows)
