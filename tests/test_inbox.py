"""The inbox: the work and its mark are committed together, so that a repeat does nothing, whatever crashed before."""

import dataclasses
import sqlite3
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from crash_points import points_of, survived
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import (
    Command,
    Consumer,
    Crash,
    Database,
    Delivery,
    DirectBus,
    Event,
    EventBus,
    Faults,
    Inbox,
    LabWarning,
    Link,
    Message,
    Outbox,
    Retry,
    Shop,
    SqlDatabase,
    example_order,
    handles,
    later,
    sleep,
)
from eda_lab.database import TransactionConflictError
from eda_lab.delivery import Later
from eda_lab.effects import CardProvider, ParcelDesk
from eda_lab.errors import HandlerError, HandlerResultError, NotAnEventError, OptionError, UnknownEventTypeError

AnyDb = Database | SqlDatabase


class OrderTaken(Event):
    """What the consumers of this file work on."""

    order_id: str


class PiecesReserved(Event):
    """What the first of them returns."""

    order_id: str


class ShipParcel(Command):
    """What it may return as well."""

    order_id: str


def tables_db() -> Database:
    """Return a stock of 100 pieces in tables."""
    return Database(stock={"A": 100})


def sql_db() -> SqlDatabase:
    """Return a stock of 100 pieces in SQL."""
    db = SqlDatabase()
    with db.transaction() as sql:
        sql.execute("CREATE TABLE stock (sku TEXT PRIMARY KEY, pieces INTEGER)")
        sql.execute("INSERT INTO stock VALUES ('A', 100)")
    return db


BOTH = pytest.mark.parametrize("new_db", [tables_db, sql_db])


def take(tables: Any, number: int = 1) -> None:
    """Take so many pieces out of the stock, inside a transaction of either database."""
    if isinstance(tables, sqlite3.Cursor):
        tables.execute("UPDATE stock SET pieces = pieces - ?", (number,))
    else:
        tables["stock"]["A"] -= number


def taken(db: AnyDb) -> int:
    """Return how many pieces were taken, as committed."""
    if isinstance(db, SqlDatabase):
        return 100 - int(db.rows("SELECT pieces FROM stock")[0][0])
    return 100 - int(db.table("stock")["A"])


def marks(db: AnyDb) -> list[tuple[str, str, str]]:
    """Return the marks, the oldest first."""
    if isinstance(db, SqlDatabase):
        return db.rows("SELECT consumer_group, source, id FROM inbox ORDER BY number")  # type: ignore[return-value]
    return list(db.table("inbox"))


def reserve(order: OrderTaken, tables: Any) -> PiecesReserved:
    """Take one piece out of the stock."""
    take(tables)
    return PiecesReserved(order.order_id)


def delivery_of(id: str = "1", source: str = "checkout", group: str = "stock", attempt: int = 1) -> Delivery:
    """Return a delivery as a bus would hand it out."""
    message = Message(id=id, source=source, type="order_taken", time=0.0, data=OrderTaken(id))
    return Delivery(message, group, group, attempt)


def do(handler: Callable[..., Any], delivery: Delivery) -> Any:
    """Hand a delivery to a handler."""
    return handler(delivery.message.data, delivery)


# --- a repeat is recognised


@BOTH
def test_a_repeat_does_nothing_and_returns_what_the_first_run_returned(new_db: Callable[[], AnyDb]) -> None:
    """It is told by its group, its source and its id, and by nothing else."""
    db = new_db()
    once = Inbox(db).once(reserve)
    assert do(once, delivery_of("1")) == [PiecesReserved("1")]
    assert do(once, delivery_of("1", attempt=2)) == [PiecesReserved("1")]
    assert taken(db) == 1
    for other in (delivery_of("2"), delivery_of("1", source="shop"), delivery_of("1", group="other")):
        do(once, other)
        do(once, other)
    assert taken(db) == 4
    assert set(marks(db)) == {
        ("stock", "checkout", "1"),
        ("stock", "checkout", "2"),
        ("stock", "shop", "1"),
        ("other", "checkout", "1"),
    }


def test_in_memory_a_repeat_is_recognised_as_long_as_the_inbox_lives() -> None:
    """A new one knows nothing; then what a crash repeats is done again."""
    done: list[str] = []

    def work(order: OrderTaken) -> list[Event]:
        done.append(order.order_id)
        return [PiecesReserved(order.order_id)]

    once = Inbox().once(work)
    assert do(once, delivery_of()) == do(once, delivery_of()) == [PiecesReserved("1")]
    assert done == ["1"]
    do(Inbox().once(work), delivery_of())
    assert done == ["1", "1"]


def test_a_consumer_that_owns_its_inbox_in_memory_loses_it_in_a_crash() -> None:
    """The class is built anew, and so is its inbox: the e-mail goes out twice."""
    sent: list[str] = []

    class Mailing(Consumer):
        def __init__(self) -> None:
            self.inbox = Inbox()

        @handles(OrderTaken)
        def send(self, order: OrderTaken, delivery: Delivery) -> None:
            if not self.inbox.seen(delivery):
                sent.append(order.order_id)
                self.inbox.mark(delivery)

    for link, crash, times in ((1.0, (), 1), (0.0, Crash("mail", "1", 1, "before ack"), 2)):
        sent.clear()
        bus = EventBus(faults=Faults(crashes=crash, links=(Link(group="mail", duplicate=link),)))
        bus.subscribe(OrderTaken, Mailing, name="mail")
        bus.publish(OrderTaken("12345"))
        bus.run()
        assert (len(bus.trace.deliveries), len(sent)) == (2, times)


@BOTH
def test_what_a_handler_raises_takes_the_mark_back(new_db: Callable[[], AnyDb]) -> None:
    """Then the next attempt does the work."""
    db, failing = new_db(), [True]

    def work(order: OrderTaken, tables: Any) -> Iterator[Event]:
        take(tables)
        yield PiecesReserved(order.order_id)
        if failing:
            raise ConnectionError(failing.pop())

    once = Inbox(db).once(work)
    with pytest.raises(ConnectionError):
        do(once, delivery_of())
    assert (taken(db), marks(db)) == (0, [])
    assert do(once, delivery_of()) == [PiecesReserved("1")]
    assert (taken(db), len(marks(db))) == (1, 1)


@BOTH
@pytest.mark.parametrize("result", [5, ["a"], OrderTaken, object()])
def test_what_is_no_event_is_no_result(new_db: Callable[[], AnyDb], result: Any) -> None:
    """It is said as without an inbox, and nothing is done."""
    db = new_db()

    def work(_: OrderTaken, tables: Any) -> Any:
        take(tables)
        return result

    with pytest.raises(HandlerResultError, match=r"^work returned"):
        do(Inbox(db).once(work), delivery_of())
    assert (taken(db), marks(db)) == (0, [])


# --- what it keeps


@BOTH
@pytest.mark.parametrize(
    "result",
    [
        None,
        [],
        PiecesReserved("1"),
        (PiecesReserved("1"), PiecesReserved("2"), ShipParcel("3")),
        later(30, PiecesReserved("1")),
        [later(0, ShipParcel("\U0001f600 \0 '")), example_order()],
    ],
)
def test_all_that_can_be_returned_is_returned_again(new_db: Callable[[], AnyDb], result: Any) -> None:
    """Events, commands and what is to be published later, in the same order, of the same classes."""
    once = Inbox(new_db()).once(lambda _: result)
    first = do(once, delivery_of())
    again = do(once, delivery_of())
    assert first == again
    assert [type(event) for event in first] == [type(event) for event in again]
    assert len(first) == (0 if result is None else len(result) if isinstance(result, (list, tuple)) else 1)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.text(), st.none() | st.floats(0, 1e9)), max_size=4), st.booleans())
def test_whatever_is_in_the_events_comes_back(content: list[tuple[str, float | None]], in_sql: bool) -> None:
    """Any text, any pause."""
    events = [PiecesReserved(t) if pause is None else later(pause, PiecesReserved(t)) for t, pause in content]
    once = Inbox(sql_db() if in_sql else tables_db()).once(lambda _: events)
    assert do(once, delivery_of()) == do(once, delivery_of()) == events


@dataclasses.dataclass
class Noted:
    """An event of a plain dataclass."""

    lines: list[str]


def test_a_plain_dataclass_is_kept_in_tables_and_refused_in_sql() -> None:
    """In tables it is a row, which nobody else can change; as text it could not be read back, so that is said."""
    event = Noted(["a"])
    once = Inbox(tables_db()).once(lambda _: event)
    do(once, delivery_of())
    event.lines.append("b")
    assert do(once, delivery_of()) == [Noted(["a"])]
    db = sql_db()

    def work(_: OrderTaken, tables: Any) -> Noted:
        take(tables)
        return event

    with pytest.raises(NotAnEventError, match="a database in SQL keeps only these, as they can be read back"):
        do(Inbox(db).once(work), delivery_of())
    assert (taken(db), marks(db)) == (0, [])


def test_an_event_whose_class_is_gone_is_an_error_that_names_it(tmp_path: Path) -> None:
    """Its plain data could not be published, and to leave it out would lose it."""
    db = SqlDatabase(tmp_path / "stock.db")
    do(Inbox(db).once(lambda _: PiecesReserved("1")), delivery_of())
    with db.transaction() as sql:
        sql.execute("UPDATE inbox SET events = replace(events, 'pieces_reserved', 'pieces_reserve')")
    with pytest.raises(UnknownEventTypeError, match="did you mean 'pieces_reserved'"):
        do(Inbox(db).once(lambda _: None), delivery_of())


def test_the_table_can_be_read_in_sql() -> None:
    """A lesson opens it as any other table."""
    db = sql_db()
    do(Inbox(db).once(reserve), delivery_of())
    assert db.rows("SELECT consumer_group, source, id, events FROM inbox") == [
        ("stock", "checkout", "1", '[{"type":"pieces_reserved","data":{"order_id":"1"}}]')
    ]


def test_the_marks_of_a_file_outlive_the_program(tmp_path: Path) -> None:
    """What another object opens is the same inbox."""
    path = tmp_path / "stock.db"
    do(Inbox(SqlDatabase(path)).once(lambda _: PiecesReserved("1")), delivery_of())
    again = Inbox(SqlDatabase(path))
    assert again.seen(delivery_of())
    assert do(again.once(lambda _: pytest.fail("it was done")), delivery_of()) == [PiecesReserved("1")]


# --- crashes, one by one and in any order


class Chain:
    """Orders go to the stock; what it returns goes to shipping. Each has its own database, shipping a parcel desk."""

    def __init__(self, new_db: Callable[[], AnyDb], with_inbox: bool = True, with_key: bool = True) -> None:
        self.stock, self.shipping, self.desk = new_db(), new_db(), ParcelDesk()
        self.with_key = with_key
        if with_inbox:
            self.reserve, self.ship = Inbox(self.stock).once(reserve), Inbox(self.shipping).once(self._ship)
        else:
            self.reserve, self.ship = self._bare(self.stock, reserve), self._bare(self.shipping, self._ship)

    def _ship(self, reserved: PiecesReserved, tables: Any, delivery: Delivery) -> None:
        take(tables)
        self.desk.request(reserved.order_id, "USER001", key=delivery.message.id if self.with_key else None)

    def _bare(self, db: AnyDb, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Return a handler that works in a transaction, and marks nothing."""

        def work(event: Any, delivery: Delivery) -> Any:
            with db.transaction() as tables:
                return handler(event, tables) if handler is reserve else handler(event, tables, delivery)

        return work

    def run(self, orders: int, crashes: tuple[Crash, ...], workers: int = 1) -> EventBus:
        """Take so many orders, with these crashes, until nothing is left to do."""
        bus = EventBus(faults=Faults(crashes=crashes, down=1), visibility=5)
        bus.subscribe(OrderTaken, self.reserve, name="stock", takes=0.5, workers=workers)
        bus.subscribe(PiecesReserved, self.ship, name="shipping", takes=0.5, workers=workers)
        for number in range(1, orders + 1):
            bus.publish(OrderTaken(str(number)))
        bus.run()
        bus.trace.check_conservation()
        assert {d.outcome for d in bus.trace.deliveries} <= {"done", "crashed"}
        return bus


def first_crashes(bus: EventBus) -> int:
    """Return how many first attempts crashed."""
    return sum(d.outcome == "crashed" and d.attempt == 1 for d in bus.trace.deliveries)


def single_crashes() -> Iterator[tuple[str, str, Callable[[Chain, int], EventBus]]]:
    """Yield who crashes at what."""
    for who, id in (("stock", "1"), ("shipping", "checkout-1/stock.1")):
        yield who, id, lambda chain, point, who=who, id=id: chain.run(1, (Crash(who, id, 1, point),))  # type: ignore[misc]


@BOTH
def test_a_crash_at_any_one_point_changes_nothing(new_db: Callable[[], AnyDb]) -> None:
    """Each point is tried, until there is none left: one piece, one parcel, marks for both."""
    reached = {}
    for who, _, run in single_crashes():
        for point in count():
            chain = Chain(new_db)
            crashed = first_crashes(run(chain, point))
            assert (taken(chain.stock), taken(chain.shipping), len(chain.desk.parcels)) == (1, 1, 1)
            assert (len(marks(chain.stock)), len(marks(chain.shipping))) == (1, 1)
            if not crashed:
                reached[who] = point
                break
    # before work, before and after the commit, before the publish (and after it), before the ack; two for the parcel
    assert reached["stock"] >= 5
    assert reached["shipping"] == 6


@BOTH
@pytest.mark.parametrize(("with_inbox", "with_key"), [(False, True), (True, False), (False, False)])
def test_without_inbox_or_key_some_crash_does_it_twice(
    new_db: Callable[[], AnyDb], with_inbox: bool, with_key: bool
) -> None:
    """So the test above can fail: which of the two is missing shows in whose effect is doubled."""
    worst = [0, 0, 0]
    for _, _, run in single_crashes():
        for point in count():
            chain = Chain(new_db, with_inbox, with_key)
            crashed = first_crashes(run(chain, point))
            seen = (taken(chain.stock), taken(chain.shipping), len(chain.desk.parcels))
            worst = [max(pair) for pair in zip(worst, seen, strict=True)]
            if not crashed:
                break
    assert worst[:2] == ([1, 1] if with_inbox else [2, 2])
    assert worst[2] == (1 if with_key else 2)


CRASHES = st.builds(
    lambda place, number, attempt, point: Crash(
        place, str(number) if place == "stock" else f"checkout-{number}/stock.1", attempt, point
    ),
    st.sampled_from(["stock", "shipping"]),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(0, 7),
)


@settings(deadline=None, max_examples=80)
@given(st.lists(CRASHES, max_size=12), st.integers(1, 3), st.booleans())
def test_whatever_crashes_each_order_takes_one_piece_and_sends_one_parcel(
    crashes: list[Crash], workers: int, in_sql: bool
) -> None:
    """Also where several consumers compete, and where what a crash repeats crashes again."""
    chain = Chain(sql_db if in_sql else tables_db)
    bus = chain.run(3, tuple(crashes), workers)
    assert (taken(chain.stock), taken(chain.shipping)) == (3, 3)
    assert sorted(parcel.order_id for parcel in chain.desk.parcels) == ["1", "2", "3"]
    assert len(set(marks(chain.stock))) == len(set(marks(chain.shipping))) == 3
    ids = {m.id for m in bus.trace.messages if m.type == "pieces_reserved"}
    assert ids == {f"checkout-{number}/stock.1" for number in (1, 2, 3)}


@settings(deadline=None, max_examples=30)
@given(st.lists(CRASHES, max_size=12), st.booleans())
def test_without_both_nothing_is_lost_but_it_may_be_done_more_than_once(crashes: list[Crash], in_sql: bool) -> None:
    """At least once is what the bus promises by itself; and extra work comes from crashes only."""
    chain = Chain(sql_db if in_sql else tables_db, with_inbox=False, with_key=False)
    bus = chain.run(3, tuple(crashes))
    assert taken(chain.stock) >= 3
    assert len(chain.desk.parcels) >= taken(chain.stock) - len(crashes)
    assert {parcel.order_id for parcel in chain.desk.parcels} == {"1", "2", "3"}
    if first_crashes(bus) == 0:
        assert (taken(chain.stock), len(chain.desk.parcels)) == (3, 3)


@BOTH
def test_each_side_of_the_commit_by_hand(new_db: Callable[[], AnyDb]) -> None:
    """Effect and mark are there together or not at all; a repeat passes the same two points."""
    for point, done in ((0, 0), ("before db.commit", 0), (1, 1), ("after db.commit", 1)):
        db = new_db()
        work = partial(do, Inbox(db).once(reserve), delivery_of())
        assert not survived(work, point)
        assert (taken(db), len(marks(db))) == (done, done)
        assert points_of(work) == 2
        assert (taken(db), len(marks(db))) == (1, 1)


# --- by hand: what comes first, the mark or the work?


@BOTH
def test_mark_first_loses_and_work_first_repeats(new_db: Callable[[], AnyDb]) -> None:
    """What each order of the two makes of a charge, over all crashes; with a key the second one is safe."""

    def mark_first(card: CardProvider, inbox: Inbox, delivery: Delivery) -> None:
        if not inbox.seen(delivery):
            inbox.mark(delivery)
            card.charge("1", 100)

    def work_first(card: CardProvider, inbox: Inbox, delivery: Delivery) -> None:
        if not inbox.seen(delivery):
            card.charge("1", 100)
            inbox.mark(delivery)

    def with_key(card: CardProvider, inbox: Inbox, delivery: Delivery) -> None:
        if not inbox.seen(delivery):
            card.charge("1", 100, key=delivery.message.id)
            inbox.mark(delivery)

    found = {}
    for way in (mark_first, work_first, with_key):
        charges = set()
        for point in count():
            card, inbox = CardProvider(), Inbox(new_db())
            work = partial(way, card, inbox, delivery_of())
            crashed = not survived(work, point)
            work()
            charges.add(len(card.charges))
            if not crashed:
                assert point == 4
                break
        found[way.__name__] = charges
    assert found == {"mark_first": {0, 1}, "work_first": {1, 2}, "with_key": {1}}


@BOTH
def test_in_an_open_transaction_the_mark_stands_and_falls_with_it(new_db: Callable[[], AnyDb]) -> None:
    """What `once` does, said out."""
    db = new_db()
    inbox = Inbox(db)

    def work() -> None:
        with db.transaction() as tables:
            if not inbox.seen(delivery_of(), tables):
                take(tables)
                inbox.mark(delivery_of(), tables)
            assert inbox.seen(delivery_of(), tables)

    assert not survived(work, "before db.commit")
    assert not inbox.seen(delivery_of())
    work()
    work()
    assert inbox.seen(delivery_of())
    assert taken(db) == 1
    inbox.mark(delivery_of())
    assert len(marks(db)) == 1
    assert do(inbox.once(reserve), delivery_of()) == []  # such a mark keeps no events


@BOTH
def test_only_the_open_transaction_of_its_own_database_will_do(new_db: Callable[[], AnyDb]) -> None:
    """Anything else would commit the mark without the work."""
    db, other = new_db(), new_db()
    inbox = Inbox(db)
    with db.transaction() as ended:
        pass
    with other.transaction() as foreign:
        for tables in (ended, foreign, {}, db, "tables", 0):
            for use in (inbox.seen, inbox.mark):
                with pytest.raises(OptionError, match=r"^tables=.*of the inbox's own database"):
                    use(delivery_of(), tables)
    with pytest.raises(OptionError, match=r"^tables="):
        Inbox().mark(delivery_of(), {})


@pytest.mark.parametrize("delivery", [None, "1", OrderTaken("1"), delivery_of().message, 5])
def test_a_delivery_is_a_delivery(delivery: Any) -> None:
    """The message alone does not say which group has done the work."""
    inbox = Inbox(tables_db())
    for use in (inbox.seen, inbox.mark, lambda d: inbox.once(reserve)(OrderTaken("1"), d)):
        with pytest.raises(OptionError, match="give the delivery, which a handler gets as its second parameter"):
            use(delivery)


# --- two at once


@pytest.mark.parametrize("new_db", [tables_db, sql_db, lambda: None])
def test_of_two_workers_at_the_same_message_one_does_the_work(new_db: Callable[[], AnyDb | None]) -> None:
    """The link duplicates it, both are in the middle of it at the same time, and one of them tries again later."""
    done: list[str] = []

    async def work(order: OrderTaken) -> PiecesReserved:
        await sleep(1)
        done.append(order.order_id)
        return PiecesReserved(order.order_id)

    async def work_in_db(order: OrderTaken, tables: Any) -> PiecesReserved:
        await sleep(1)
        take(tables)
        return PiecesReserved(order.order_id)

    db = new_db()
    inbox = Inbox(db)
    bus = EventBus(faults=Faults(links=(Link(group="stock", duplicate=1.0),)))
    handler = inbox.once(work if db is None else work_in_db)
    bus.subscribe(OrderTaken, handler, name="stock", workers=2, retry=Retry(max_attempts=9, backoff=0.4))
    bus.publish(OrderTaken("1"))
    bus.run()
    assert len(done) == (1 if db is None else 0)
    if db is not None:
        assert taken(db) == 1
    outcomes = [d.outcome for d in bus.trace.deliveries]
    assert outcomes.count("done") == 2
    assert outcomes.count("failed") >= 1
    assert {d.error for d in bus.trace.deliveries if d.error} <= {
        "TransactionConflictError: another transaction has committed meanwhile: try again",
        "TransactionConflictError: another transaction is open here: try again",
        "TransactionConflictError: another worker has this message in hand: try again",
    }
    assert [m.id for m in bus.trace.messages if m.type == "pieces_reserved"] == ["checkout-1/stock.1"] * 2


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 4), st.integers(1, 3), st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(0, 4)))
)
def test_however_many_compete_and_crash_each_message_is_worked_on_once(
    workers: int, orders: int, places: list[tuple[int, int, int]]
) -> None:
    """Async handlers, duplicated and reordered messages, crashes: one piece for each order."""
    db = tables_db()

    async def work(_: OrderTaken, tables: Any) -> None:
        await sleep(0.3)
        take(tables)

    crashes = tuple(Crash("stock", str(message), attempt, point) for message, attempt, point in places)
    link = Link(group="stock", duplicate=0.5, reorder=0.5, held=0.2)
    bus = EventBus(faults=Faults(crashes=crashes, links=(link,)), visibility=3)
    retry = Retry(max_attempts=100, backoff=0.1, jitter=0.5, max_backoff=2)
    bus.subscribe(OrderTaken, Inbox(db).once(work), name="stock", workers=workers, takes=0.1, retry=retry)
    for number in range(1, orders + 1):
        bus.publish(OrderTaken(str(number)))
    bus.run()
    assert taken(db) == len(marks(db)) == orders
    assert bus.dead_letters() == []


@pytest.mark.parametrize("new_db", [tables_db, sql_db, lambda: None])
def test_threads_that_have_the_same_messages_do_each_once(new_db: Callable[[], AnyDb | None]) -> None:
    """As the consumers of a live bus: who comes second tries again, and finds the mark."""
    db, done = new_db(), []

    def work(order: OrderTaken) -> PiecesReserved:
        done.append(order.order_id)
        return PiecesReserved(order.order_id)

    once = Inbox(db).once(work if db is None else reserve)
    returned: list[Any] = []

    def consume() -> None:
        for number in range(1, 41):
            while True:
                try:
                    returned.append(do(once, delivery_of(str(number))))
                    break
                except TransactionConflictError:
                    continue

    threads = [threading.Thread(target=consume) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done) if db is None else taken(db)) == 40
    assert sorted(returned, key=str) == sorted([[PiecesReserved(str(n))] for n in range(1, 41)] * 4, key=str)


CONSUMER = """
import sys
from eda_lab import Delivery, Event, Inbox, Message, SqlDatabase

class OrderTaken(Event):
    order_id: str

db = SqlDatabase(sys.argv[1], timeout=30)
def work(order, sql):
    sql.execute("UPDATE stock SET pieces = pieces - 1")
once = Inbox(db).once(work)
for number in range(50):
    order = OrderTaken(str(number))
    message = Message(id=str(number), source="checkout", type="order_taken", time=0.0, data=order)
    once(order, Delivery(message, "stock", "stock", 1))
"""


def test_programs_that_share_a_file_do_each_message_once(tmp_path: Path) -> None:
    """SQLite lets one write at a time; the others wait, and find the mark."""
    path = tmp_path / "stock.db"
    db = SqlDatabase(path, timeout=30)
    with db.transaction() as sql:
        sql.execute("CREATE TABLE stock (pieces INTEGER)")
        sql.execute("INSERT INTO stock VALUES (100)")
    programs = [subprocess.Popen([sys.executable, "-c", CONSUMER, str(path)]) for _ in range(3)]
    assert [program.wait(timeout=60) for program in programs] == [0, 0, 0]
    assert (taken(db), len(marks(db))) == (50, 50)


def test_a_handler_that_begins_a_transaction_of_its_own_is_told_before_it_commits() -> None:
    """It would commit without the mark. The error is permanent: to try again would not help."""
    shop = Shop()
    bus = EventBus()
    once = Inbox(shop.db).once(shop.reserve_stock)
    bus.subscribe("order_placed", once, name="inventory", retry=Retry(max_attempts=5))
    bus.publish(example_order())
    bus.run()
    (letter,) = bus.dead_letters()
    assert letter.error.startswith("NestedTransactionError: this database is in a transaction already")
    assert letter.attempts == 1
    assert shop.done["pieces reserved"] == 0


@BOTH
def test_inbox_and_outbox_share_a_transaction(new_db: Callable[[], AnyDb]) -> None:
    """Work, mark and the event that tells of it: all or none."""
    db = new_db()
    outbox = Outbox(db)

    def work(order: OrderTaken, tables: Any) -> None:
        take(tables)
        outbox.add(tables, PiecesReserved(order.order_id))

    once = Inbox(db).once(work)
    for point in (0, 1, 0):
        assert not survived(lambda: do(once, delivery_of()), point)
    assert (taken(db), len(marks(db)), [row.event for row in outbox.pending()]) == (1, 1, [PiecesReserved("1")])


# --- the window


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 4), st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 6)), max_size=40), st.integers(0, 2))
def test_a_window_keeps_the_newest_marks_of_each_group(window: int, story: list[tuple[str, int]], kind: int) -> None:
    """A repeat is done again if and only if so many others of its group were done since. Groups share nothing."""
    db = (tables_db(), sql_db(), None)[kind]
    done: list[tuple[str, int]] = []
    group = ""

    def work(order: OrderTaken) -> None:
        done.append((group, int(order.order_id)))

    inbox = Inbox(db, window=window)
    once = inbox.once(work)
    kept: dict[str, list[int]] = {"a": [], "b": []}
    expected = []
    for group, number in story:
        if number not in kept[group]:
            expected.append((group, number))
            kept[group] = [*kept[group], number][-window:]
        do(once, delivery_of(str(number), group=group))
        assert inbox.seen(delivery_of(str(number), group=group))
    assert done == expected
    for name in "ab":
        assert [n for n in range(1, 7) if inbox.seen(delivery_of(str(n), group=name))] == sorted(kept[name])
    if db is not None:
        assert len(marks(db)) == sum(map(len, kept.values()))


@BOTH
def test_a_window_may_change(new_db: Callable[[], AnyDb]) -> None:
    """Another inbox on the same database takes over where the last one stopped."""
    db = new_db()

    def work_on(window: int | None, numbers: range) -> list[int]:
        once = Inbox(db, window=window).once(lambda _: None)
        for number in numbers:
            do(once, delivery_of(str(number)))
        return sorted(int(id) for _, _, id in marks(db))

    assert work_on(5, range(8)) == [3, 4, 5, 6, 7]
    assert work_on(2, range(8, 10)) == [8, 9]
    assert work_on(4, range(10, 14)) == [10, 11, 12, 13]


@pytest.mark.parametrize("window", [0, -1, 1.5, "5", True, [1]])
def test_a_window_is_a_whole_number(window: Any) -> None:
    """Without any marks there would be no inbox."""
    with pytest.raises(OptionError, match=r"^window=.*: give a whole number of at least 1$"):
        Inbox(tables_db(), window=window)


@pytest.mark.parametrize("db", [5, "stock.db", {}, Database, sqlite3])
def test_an_inbox_is_in_a_database_or_in_memory(db: Any) -> None:
    """Anything else would lose the marks."""
    with pytest.raises(OptionError, match=r"^db=.*give the consumer's own Database or SqlDatabase"):
        Inbox(db)


# --- handlers


class Counting:
    """An object that can be called."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def __call__(self, event: OrderTaken, tables: Any, delivery: Delivery) -> None:
        self.calls.append((event, type(tables).__name__, delivery.group))

    def work(self, event: OrderTaken, delivery: Delivery) -> None:
        self.calls.append((event, delivery.group))


def test_a_handler_gets_what_it_asks_for() -> None:
    """The transaction as its second parameter, whatever that is called; the delivery under its own name, anywhere."""
    got: list[Any] = []
    order, delivery = OrderTaken("1"), delivery_of()

    def kind(*things: Any) -> None:
        got.append([type(thing).__name__ for thing in things])

    def default(_: Any, limit: int = 5, tables: Any = None, delivery: Any = None) -> None:
        kind(limit, tables, delivery)

    def named(_: Any, delivery: Any = None) -> None:
        kind(delivery)

    handlers: list[Callable[..., Any]] = [
        lambda _: kind(),
        lambda _, tables: kind(tables),
        lambda _, rows: kind(rows),
        lambda _, tables, delivery: kind(tables, delivery),
        lambda _, delivery, rows: kind(delivery, rows),
        lambda _, delivery: kind(delivery),
        default,
        named,
        partial(default, limit="six"),
        lambda *all_of_it: kind(*all_of_it),
        lambda _, *, rows, delivery, limit=7: kind(rows, delivery, limit),
    ]
    for place, handler in enumerate(handlers):
        Inbox(tables_db()).once(handler)(order, delivery_of(str(place)))
    assert got == [
        [],
        ["Tables"],
        ["Tables"],
        ["Tables", "Delivery"],
        ["Delivery", "Tables"],
        ["Delivery"],
        ["int", "Tables", "Delivery"],
        ["Delivery"],
        ["str", "Tables", "Delivery"],
        ["OrderTaken"],
        ["Tables", "Delivery", "int"],
    ]
    counting = Counting()
    Inbox(sql_db()).once(counting)(order, delivery)
    Inbox(sql_db()).once(counting.work)(order, delivery)
    assert counting.calls == [(order, "Cursor", "stock"), (order, "stock")]


@pytest.mark.parametrize(
    ("handler", "what"),
    [
        (Consumer, "Consumer is a class: give a function, or call seen\\(\\) and mark\\(\\) in its methods"),
        (Counting, "Counting is a class"),
        (Counting.work, "work is a method without its object: call seen\\(\\) and mark\\(\\) inside it"),
        (None, "cannot be called"),
        (5, "cannot be called"),
        (lambda: None, "takes no argument"),
        (lambda order, tables, more: None, "nobody gives it tables, more"),
        (lambda order, tables, delivery, more: None, "nobody gives it tables, more"),
        (lambda order, *, tables, more: None, "nobody gives it tables, more"),
        (lambda order, tables, /: None, "wants more than \\(event, tables, delivery\\): nobody gives it tables"),
        (OrderTaken, "is a class"),
    ],
)
def test_what_cannot_be_wrapped_is_refused_at_once(handler: Any, what: str) -> None:
    """Before anything is subscribed."""
    with pytest.raises(HandlerError, match=what):
        Inbox(tables_db()).once(handler)


def test_more_that_cannot_be_wrapped() -> None:
    """An async generator, a coroutine, and one that wants tables where there are none."""

    async def endless(_: Any) -> Any:
        yield OrderTaken("1")

    async def work(_: Any) -> None:
        pass

    with pytest.raises(HandlerError, match="endless is an async generator"):
        Inbox().once(endless)
    with pytest.raises(HandlerError, match="without calling it"):
        Inbox().once(work(1))
    with pytest.raises(HandlerError, match=r"reserve wants tables, and this inbox has no database: say Inbox\(db\)"):
        Inbox().once(reserve)


def test_what_is_wrapped_keeps_its_name_and_its_warnings() -> None:
    """So that tables and warnings name what the learner wrote."""

    def slow(_: OrderTaken, tables: Any, delivery: Delivery) -> None:
        """Wait."""
        time.sleep(0)

    bus = EventBus()
    once = Inbox(tables_db()).once(slow)
    assert (once.__name__, once.__doc__) == ("slow", "Wait.")
    with pytest.warns(LabWarning, match=r"slow: time\.sleep\(\) stops everybody"):
        bus.subscribe(OrderTaken, once)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = [bus.subscribe(OrderTaken, Inbox().once(h)).name for h in (lambda _: None, Counting().work)]
    assert names == ["lambda-2", "work"]


def test_a_direct_bus_takes_it_as_well() -> None:
    """Each publish is a message of its own there."""
    db, bus = tables_db(), DirectBus()
    bus.subscribe(OrderTaken, Inbox(db).once(reserve), name="stock")
    bus.publish(OrderTaken("1"))
    bus.publish(OrderTaken("2"))
    assert (taken(db), len(marks(db))) == (2, 2)


@BOTH
def test_while_the_database_is_down_nothing_is_done(new_db: Callable[[], AnyDb]) -> None:
    """A retry helps when it is up again."""
    db = new_db()
    once = Inbox(db).once(reserve)
    db.down = True
    with pytest.raises(ConnectionError):
        do(once, delivery_of())
    db.down = False
    do(once, delivery_of())
    assert taken(db) == 1


def test_later_is_published_once_at_the_same_second() -> None:
    """What a repeat returns again is later from then on; downstream it has the same id, and is recognised."""
    db = tables_db()
    bus = EventBus(faults=Faults(crashes=Crash("stock", "1", 1, "before ack")), visibility=10)
    bus.subscribe(OrderTaken, Inbox(db).once(lambda _: later(30, PiecesReserved("1"))), name="stock")
    bus.subscribe(PiecesReserved, Inbox(db).once(lambda _, tables: take(tables)), name="late")
    bus.publish(OrderTaken("1"))
    bus.run()
    assert [m.time for m in bus.trace.messages if m.type == "pieces_reserved"] == [30.0, 40.0]
    assert taken(db) == 1
    assert isinstance(next(iter(db.table("inbox").values()))[0], Later)


def test_in_memory_a_lost_consumer_leaves_no_mark() -> None:
    """Of work that it did not end; what it had done by then is done again."""
    card, inbox = CardProvider(), Inbox()

    def charge(order: OrderTaken) -> None:
        card.charge(order.order_id, 100)

    work = partial(do, inbox.once(charge), delivery_of())
    for point in ("before card.charge", "after card.charge"):
        assert not survived(work, point)
        assert not inbox.seen(delivery_of())
    work()
    work()
    assert len(card.charges) == 2


def test_in_memory_a_second_worker_is_told_to_try_again() -> None:
    """While the first one has the message in hand."""
    inbox = Inbox()

    def nest(_: Any, delivery: Delivery) -> None:
        do(inbox.once(lambda _: None), delivery)

    with pytest.raises(TransactionConflictError, match="another worker has this message in hand"):
        do(inbox.once(nest), delivery_of())
    assert not inbox.seen(delivery_of())
