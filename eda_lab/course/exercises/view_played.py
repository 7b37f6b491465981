"""Exercise 08-projection, a history played: live and recorded, then built again from the record in a new database.

Then a part of the record is replayed once more, and a new order comes; the service has been started again before that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count, repeat
from typing import Any

import msgspec

from eda_lab.attempt import describe
from eda_lab.bus import EventBus
from eda_lab.course.exercises.stand_ins import in_new_process
from eda_lab.course.exercises.view_histories import DAY, VIEW, History, order
from eda_lab.database import Database
from eda_lab.delivery import Delivery, Retry
from eda_lab.effects import Mail, MailServer
from eda_lab.errors import EdaLabError, shown
from eda_lab.events import Event, Message, type_name
from eda_lab.faults import Faults, Link
from eda_lab.handlers import caused_by, examine
from eda_lab.roles import is_projector, projector
from eda_lab.store import EventStore

__all__ = ["NEW_CENTS", "MailFront", "Played", "ViewFront"]

NEW_CENTS = 700  # of the order that comes after the replay
MOST = 5_000  # things that may happen in a history; an honest one has fewer than 2,000


class _Database(Database):
    """A database whose first calls fail; `refusals` are the errors of these calls."""

    def __init__(self, down: int) -> None:
        super().__init__(takings={}, inbox={})
        self._left = down
        self.refusals: list[BaseException] = []

    def reach(self, call: object = None) -> None:
        """Get through to it, but for the first calls."""
        if self._left:
            self._left -= 1
            self.refusals.append(ConnectionError("the database does not answer"))
            raise self.refusals[-1]
        super().reach(call)


class _Front:
    """Something that an answer can use, and can neither look into nor change."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        raise EdaLabError(f"{name} is not yours to change: what you remember belongs into shop.db")


class MailFront(_Front):
    """What the view sees of the mail server: it can send, and look at nobody's list."""

    __slots__ = ("send",)
    send: Callable[..., Mail]

    def __init__(self, mail: MailServer) -> None:
        def send(to: str, subject: str, key: str | None = None) -> Mail:
            return mail.send(to, subject, key)

        send.__qualname__ = "mail.send"  # in what Python says of a call with other arguments
        object.__setattr__(self, "send", send)

    def __getattr__(self, name: str) -> Any:
        raise EdaLabError(f"the mail server has no mail.{name} for you, only mail.send(to, subject, key=...)")


class ViewFront(_Front):
    """What the view sees of the shop: a database with the tables "takings" and "inbox", and the mail server."""

    __slots__ = ("db", "mail")
    db: Database
    mail: MailFront

    def __init__(self, db: Database, mail: MailServer) -> None:
        object.__setattr__(self, "db", db)
        object.__setattr__(self, "mail", MailFront(mail))

    def __getattr__(self, name: str) -> Any:
        raise EdaLabError(f"there is no shop.{name} here, only shop.db and shop.mail")


class Played:
    """A history, played: `live` is the view as it was kept day by day, `rebuilt` that from the record.

    `again` is the rebuilt view after some of the record came once more, `later` after one new order. `mails` says how
    many e-mails were asked for meanwhile, in each part; `errors` and `returned` say what the view raised and returned.
    `skipped` says that a replay leaves the view out, `asked` which of `hash` and `id` it called.

    To see what makes a difference, it can be played with services whose process and memory last through a crash and a
    restart (`lasting`).
    """

    def __init__(self, history: History, answer: Callable[[Any], Any], *, lasting: bool = False) -> None:
        self.history, self.answer, self.lasting = history, answer, lasting
        self.mails: dict[str, int] = {}
        self.errors: list[str] = []
        self.returned: list[str] = []
        self.asked: set[str] = set()
        self._processes = repeat(1) if lasting else count(1)
        self._mail = MailServer()
        self._given: list[object] = []  # kept, so that no two have the same address
        with EventStore() as log:
            db = _Database(history.down)
            service = self._service(db)
            self.bus = self._open(service, log)
            for number, (at, event) in enumerate(history.events, history.first_id):
                self.bus.publish(event, at=at, id=str(number))
            self.live = self._run("live", self.bus, db)
            # A class that nobody has any more: its events read back as plain data.
            gone = {"order_id": "12345", "total_cents": 100, "items": []}
            log.append("checkout", Message(id="old-1", source="old", type="voucher_noted", time=0.0, data=gone))
            db = _Database(history.down)
            service = self._service(db)
            bus = self._open(service)
            log.replay(bus)
            self.rebuilt = self._run("in the replay", bus, db)
            bus = self._open(service)
            log.replay(bus, from_position=history.again_from)
            self.again = self._run("in a second replay", bus, db)
            bus.publish(order(99_999, "EVE", 1, NEW_CENTS), at=history.new_day * DAY + 5.0, id="new-1")
            self.later = self._run("for an order that came later", bus, db)

    def _open(self, service: Any, log: EventStore | None = None) -> EventBus:
        links = (Link(group=VIEW, duplicate=1.0),) if self.history.twice else ()
        bus = EventBus(seed=1, faults=Faults(crashes=self.history.crashes, links=links), store=log)
        bus.subscribe("*", service, name=VIEW, retry=Retry(max_attempts=5, backoff=1.0))
        return bus

    def _run(self, part: str, bus: EventBus, db: Database) -> Mapping[Any, Any]:
        bus.run(max_events=MOST)
        asked = len(self._mail.sent) + self._mail.repeats
        self.mails[part] = asked - sum(self.mails.values())
        return _view(db)

    def _service(self, db: _Database) -> Any:
        """Return the class of the service, which each crash and each restart builds anew; or an object that lasts."""
        played = self

        class Service:
            def __init__(self) -> None:
                answer = in_new_process(played.answer, next(played._processes), played.asked)
                self.work = answer(ViewFront(db, played._mail))
                self.wants_delivery = examine(self.work).wants_delivery

            def __call__(self, event: Any, delivery: Delivery) -> None:
                copy = msgspec.structs.replace(event) if isinstance(event, Event) else dict(event)
                message = msgspec.structs.replace(delivery.message, data=copy)
                own = msgspec.structs.replace(delivery, message=message)
                played._given += [copy, message, own]
                try:
                    result = self.work(copy, own) if self.wants_delivery else self.work(copy)
                    caused = [] if result is None else caused_by(VIEW, result)
                except (Exception, SystemExit) as error:
                    if not any(cause in db.refusals for cause in (error, error.__cause__, error.__context__)):
                        played.errors.append(f"{message.type} came, and it failed: {_advised(error)}")
                    raise
                played.returned += [type_name(type(getattr(each, "event", each))) for each in caused]

        self.skipped = not is_projector(self.answer(ViewFront(db, self._mail)))
        Service.__name__ = VIEW
        service = Service if self.skipped else projector(Service)
        return service() if self.lasting else service

    def story(self) -> str:
        """Say what the live view did with the first message that came more than once; empty where none did."""
        for number in range(self.history.first_id, self.history.first_id + len(self.history.events)):
            rows = [d for d in self.bus.trace.deliveries if d.message.id == str(number)]
            if len(rows) > 1:
                words = {"done": "was acked", "dead lettered": "failed", "failed": "failed"}
                parts = [f"attempt {d.attempt} {words.get(d.outcome) or d.error or d.outcome}" for d in rows[:6]]
                return f"; message {number}: {', '.join(parts)}"
        return ""


def _advised(error: BaseException) -> str:
    said = describe(error)
    if said.startswith("TransactionConflictError"):  # here nobody else has one meanwhile
        return "a transaction inside a transaction: the inner one is committed, so the outer one cannot be; use one"
    if said.startswith("HandlerResultError"):
        return f"{said} (a view returns nothing; a lambda always returns)"
    return said


def _view(db: Database) -> Mapping[Any, Any]:
    """Return the takings of each day that has any; raise `EdaLabError` for what is no cents of a day.

    A day may be a float that is whole: `time // 86_400` is one, and Python takes 0.0 and 0 for the same key.
    """
    rows = db.table("takings")
    for day, cents in rows.items():
        if not (type(day) is int or (type(day) is float and day.is_integer())) or type(cents) is not int:
            row = f"{shown(day)}: {shown(cents)}"
            raise EdaLabError(
                f'tables["takings"] holds {row}; give each day, a whole number, its whole number of cents'
            )
    return {int(day): cents for day, cents in rows.items() if cents}
