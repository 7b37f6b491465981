"""The outbox: an order and its event are committed together, and the relay publishes it, whatever crashes."""

import dataclasses
import sqlite3
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from crash_points import crashing, points_of, survived
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Crash, Database, Event, EventBus, Faults, Inbox, Outbox, SqlDatabase, later
from eda_lab.delivery import WithId
from eda_lab.errors import (
    MalformedEventError,
    NotAnEventError,
    OptionError,
    UnknownEventTypeError,
)
from eda_lab.events import Message
from eda_lab.faults import Crashed, crash_point
from eda_lab.outbox import OutboxRow

AnyDb = Database | SqlDatabase


class OrderBooked(Event):
    """What the shop tells of."""

    order_id: str


def tables_db() -> Database:
    """Return a shop without orders in tables."""
    return Database(orders={})


def sql_db() -> SqlDatabase:
    """Return a shop without orders in SQL."""
    db = SqlDatabase()
    with db.transaction() as sql:
        sql.execute("CREATE TABLE orders (id TEXT PRIMARY KEY)")
    return db


BOTH = pytest.mark.parametrize("new_db", [tables_db, sql_db])


def orders(db: AnyDb) -> list[str]:
    """Return the orders in the database."""
    if isinstance(db, SqlDatabase):
        return [id for (id,) in db.rows("SELECT id FROM orders ORDER BY id")]
    return sorted(db.table("orders"))


def insert(tables: Any, id: str) -> None:
    """Put an order into the database."""
    if isinstance(tables, sqlite3.Cursor):
        tables.execute("INSERT INTO orders VALUES (?)", (id,))
    else:
        tables["orders"][id] = "placed"


def book(outbox: Outbox, id: str) -> None:
    """Put an order into the database, and its event into the outbox."""
    with outbox.db.transaction() as tables:
        insert(tables, id)
        outbox.add(tables, OrderBooked(id))


def pending(outbox: Outbox) -> list[str]:
    """Return the orders whose events are pending."""
    return [row.event.order_id for row in outbox.pending()]


# --- what is written down


@BOTH
def test_an_order_and_its_event_are_there_together_or_not_at_all(new_db: Callable[[], AnyDb]) -> None:
    """At both crash points, and when the transaction fails."""
    for point, there in ((0, 0), ("before db.commit", 0), (1, 1), ("after db.commit", 1)):
        outbox = Outbox(new_db())
        assert not survived(lambda outbox=outbox: book(outbox, "1"), point)  # type: ignore[misc]
        assert len(orders(outbox.db)) == len(outbox.pending()) == there
    outbox = Outbox(new_db())
    assert points_of(lambda: book(outbox, "1")) == 2

    def fail() -> None:
        with outbox.db.transaction() as tables:
            insert(tables, "2")
            outbox.add(tables, OrderBooked("2"))
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - any will do
        fail()
    assert (orders(outbox.db), pending(outbox)) == (["1"], ["1"])


@BOTH
def test_rows_are_numbered_in_order(new_db: Callable[[], AnyDb]) -> None:
    """From 1, without gaps, also over transactions that were taken back; the id comes from the number."""
    outbox = Outbox(new_db())
    for id in "abc":
        survived(lambda id=id: book(outbox, "lost " + id), "before db.commit")  # type: ignore[misc]
        book(outbox, id)
    assert outbox.pending() == [
        OutboxRow(1, OrderBooked("a")),
        OutboxRow(2, OrderBooked("b")),
        OutboxRow(3, OrderBooked("c")),
    ]
    assert [row.id for row in outbox.pending()] == ["outbox-1", "outbox-2", "outbox-3"]
    assert outbox.pending(2) == outbox.pending()[:2]
    with outbox.db.transaction() as tables:
        assert outbox.add(tables, OrderBooked("d")) == OutboxRow(4, OrderBooked("d"))
        assert outbox.add(tables, OrderBooked("e")).id == "outbox-5"


@BOTH
def test_what_was_sent_is_marked_and_can_be_pruned(new_db: Callable[[], AnyDb]) -> None:
    """In whatever order it is marked; a number is never given twice."""
    outbox = Outbox(new_db())
    assert (outbox.prune(), outbox.pending()) == (0, [])
    outbox.mark(1)  # it does not exist
    for id in "abcd":
        book(outbox, id)
    outbox.mark(3)
    assert pending(outbox) == ["a", "b", "d"]
    outbox.mark(3)
    outbox.mark(99)
    assert outbox.prune() == 1
    outbox.mark(1)
    outbox.mark(2)
    assert pending(outbox) == ["d"]
    outbox.mark(4)
    assert (outbox.prune(), outbox.pending(), outbox.prune()) == (3, [], 0)
    book(outbox, "e")
    assert [row.id for row in outbox.pending()] == ["outbox-5"]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.just("add"), st.just("prune"), st.integers(1, 8)), max_size=30), st.booleans())
def test_pending_is_what_was_added_and_not_marked(story: list[Any], in_sql: bool) -> None:
    """Against a list, with another outbox on the same database looking on."""
    db = sql_db() if in_sql else tables_db()
    outbox, other = Outbox(db), Outbox(db)
    added, sent, pruned = 0, set(), 0
    for step in story:
        if step == "add":
            added += 1
            book(outbox, str(added))
        elif step == "prune":
            assert other.prune() == len(sent) - pruned
            pruned = len(sent)
        else:
            outbox.mark(step)
            sent |= {step} & set(range(1, added + 1))
        expected = [number for number in range(1, added + 1) if number not in sent]
        assert [row.number for row in outbox.pending()] == [row.number for row in other.pending()] == expected
        assert [row.number for row in outbox.pending(2)] == expected[:2]


def test_what_was_sent_is_not_looked_through_again() -> None:
    """Of a long outbox that nobody has pruned only the end is read: the first so many are known to be sent."""
    outbox = Outbox(tables_db())
    for id in "abcd":
        book(outbox, id)
    for number, first in ((2, 0), (1, 2), (3, 3), (4, 4)):
        outbox.mark(number)
        assert outbox.db.table("outbox_numbers") == {"last": 4, "sent": first}  # type: ignore[union-attr]


def test_a_table_can_be_read_in_sql() -> None:
    """A lesson opens it as any other table."""
    outbox = Outbox(sql_db())
    book(outbox, "1")
    book(outbox, "2")
    outbox.mark(1)
    assert outbox.db.rows("SELECT number, event, sent FROM outbox") == [  # type: ignore[union-attr]
        (1, '[{"type":"order_booked","data":{"order_id":"1"}}]', 1),
        (2, '[{"type":"order_booked","data":{"order_id":"2"}}]', 0),
    ]


def test_what_is_pending_outlives_the_program(tmp_path: Path) -> None:
    """Whoever opens the file goes on where the last one stopped, numbers included."""
    path = tmp_path / "shop.db"
    with SqlDatabase(path).transaction() as sql:
        sql.execute("CREATE TABLE orders (id TEXT PRIMARY KEY)")
    first = Outbox(SqlDatabase(path))
    book(first, "1")
    book(first, "2")
    first.mark(1)
    first.prune()
    again = Outbox(SqlDatabase(path))
    assert again.pending() == [OutboxRow(2, OrderBooked("2"))]
    again.mark(2)
    again.prune()
    book(again, "3")
    assert again.pending() == [OutboxRow(3, OrderBooked("3"))]


# --- what is refused


class Priced(Event):
    """An event that may hold what JSON cannot."""

    cents: Any


@dataclasses.dataclass
class Noted:
    """An event of a plain dataclass."""

    lines: list[str]


@BOTH
@pytest.mark.parametrize(
    ("event", "error"),
    [
        (5, NotAnEventError),
        (None, NotAnEventError),
        ("order_booked", NotAnEventError),
        (OrderBooked, NotAnEventError),
        (later(5, OrderBooked("1")), NotAnEventError),
        (WithId("1", OrderBooked("1")), NotAnEventError),
        (Message(id="1", source="a", type="order_booked", time=0.0, data=OrderBooked("1")), NotAnEventError),
        ([OrderBooked("1")], NotAnEventError),
        (OrderBooked(5), MalformedEventError),  # type: ignore[arg-type]
        (OrderBooked("\ud800"), MalformedEventError),
        (Priced(object()), MalformedEventError),
        (Priced({(1, 2): "a"}), MalformedEventError),
    ],
)
def test_what_could_not_be_published_is_refused_while_it_can_be_taken_back(
    new_db: Callable[[], AnyDb], event: Any, error: type[Exception]
) -> None:
    """A relay that stumbles over it would hold up all that comes behind."""
    outbox = Outbox(new_db())

    def work() -> None:
        with outbox.db.transaction() as tables:
            insert(tables, "1")
            outbox.add(tables, event)

    with pytest.raises(error):
        work()
    assert (orders(outbox.db), outbox.pending()) == ([], [])


def test_a_plain_dataclass_is_kept_in_tables_and_refused_in_sql() -> None:
    """As text it could not be read back."""
    event = Noted(["a"])
    for db in (tables_db(), sql_db()):
        outbox = Outbox(db)
        with db.transaction() as tables:
            if isinstance(db, SqlDatabase):
                with pytest.raises(NotAnEventError, match="keeps only these, as they can be read back"):
                    outbox.add(tables, event)
            else:
                outbox.add(tables, event)
        event.lines.append("b")
        assert [row.event for row in outbox.pending()] == ([] if isinstance(db, SqlDatabase) else [Noted(["a"])])


def test_an_event_whose_class_is_gone_is_an_error_that_names_it() -> None:
    """Nothing is skipped in silence."""
    outbox = Outbox(sql_db())
    book(outbox, "1")
    with outbox.db.transaction() as sql:
        sql.execute("UPDATE outbox SET event = replace(event, 'order_booked', 'order_boked')")
    with pytest.raises(UnknownEventTypeError, match="did you mean 'order_booked'"):
        outbox.pending()
    with outbox.db.transaction() as sql:
        sql.execute("UPDATE outbox SET event = 'junk'")
    with pytest.raises(MalformedEventError, match="these are no events"):
        outbox.pending()


@BOTH
def test_an_event_is_added_in_the_open_transaction_of_its_own_database(new_db: Callable[[], AnyDb]) -> None:
    """Anywhere else it would not stand and fall with the order."""
    db, other = new_db(), new_db()
    outbox = Outbox(db)
    with db.transaction() as ended:
        pass
    with other.transaction() as foreign:
        for tables in (ended, foreign, {}, db, None, 5):
            with pytest.raises(OptionError, match=r"^tables=.*of the outbox's own database"):
                outbox.add(tables, OrderBooked("1"))
    assert outbox.pending() == []


@pytest.mark.parametrize("db", [None, 5, "shop.db", {}, Database, sqlite3])
def test_an_outbox_is_in_the_services_own_database(db: Any) -> None:
    """There is none in memory: it would lose what the order is."""
    with pytest.raises(OptionError, match=r"^db=.*the service keeps its own data in"):
        Outbox(db)


@pytest.mark.parametrize("value", [0, -1, "5", None, True, float("nan"), float("inf")])
def test_the_options_of_a_relay_are_checked_when_it_is_made(value: Any) -> None:
    """Not when it first acts. A relay that never waits would never let anybody else act."""
    outbox = Outbox(tables_db())
    with pytest.raises(OptionError, match=r"^every="):
        outbox.relay(every=value)
    with pytest.raises(OptionError, match=r"^batch="):
        outbox.relay(batch=value)
    if value is not None:
        with pytest.raises(OptionError, match=r"^most="):
            outbox.pending(value)


# --- the relay, step by step


def steps(relay: Iterator[Any], number: int) -> list[Any]:
    """Return the next so many things that a relay yields."""
    return [next(relay) for _ in range(number)]


@BOTH
@pytest.mark.parametrize("batch", [1, 2, 100])
def test_the_relay_publishes_one_after_the_other_and_marks_each(new_db: Callable[[], AnyDb], batch: int) -> None:
    """What was published is marked when the relay acts next; with nothing pending it waits."""
    outbox = Outbox(new_db())
    relay = outbox.relay(every=0.5, batch=batch)()
    assert next(relay) == 0.5
    for id in "abc":
        book(outbox, id)
    seen = []
    for id in "abc":
        seen.append(next(relay))
        assert pending(outbox)[0] == id
    assert seen == [WithId(f"outbox-{n}", OrderBooked(id)) for n, id in enumerate("abc", 1)]
    book(outbox, "d")
    assert next(relay) == WithId("outbox-4", OrderBooked("d"))
    assert steps(relay, 3) == [0.5] * 3
    assert outbox.pending() == []


@BOTH
def test_two_relays_publish_under_the_same_ids(new_db: Callable[[], AnyDb]) -> None:
    """Two of them do more than is needed and no harm."""
    outbox = Outbox(new_db())
    for id in "ab":
        book(outbox, id)
    one, two = outbox.relay()(), outbox.relay()()
    things = [next(relay) for relay in (one, two, two, one, one, two)]
    assert [thing.id for thing in things[:4]] == ["outbox-1", "outbox-1", "outbox-2", "outbox-2"]
    assert things[4:] == [1.0, 1.0]
    assert outbox.pending() == []


@BOTH
def test_while_the_database_cannot_be_used_the_relay_waits(new_db: Callable[[], AnyDb]) -> None:
    """What it has published and could not mark, it marks later, without publishing it again."""
    outbox = Outbox(new_db())
    book(outbox, "a")
    relay = outbox.relay(every=2)()
    assert next(relay).id == "outbox-1"
    outbox.db.down = True
    assert steps(relay, 3) == [2] * 3
    outbox.db.down = False
    assert next(relay) == 2
    assert outbox.pending() == []


def test_while_another_transaction_is_open_the_relay_waits() -> None:
    """On SQLite there is one at a time, and the relay has no right to be the first."""
    outbox = Outbox(sql_db())
    book(outbox, "a")
    relay = outbox.relay(every=2)()
    with outbox.db.transaction() as sql:
        assert steps(relay, 2) == [2, 2]
        insert(sql, "b")
        outbox.add(sql, OrderBooked("b"))
    assert next(relay).id == "outbox-1"
    with outbox.db.transaction():
        assert steps(relay, 2) == [2, 2]
    assert next(relay).id == "outbox-2"
    assert next(relay) == 2
    assert outbox.pending() == []


def publish(generator: Callable[[], Iterator[Any]], published: list[Any]) -> None:
    """Drive a process until it waits; each event is published between two crash points, as the lab does it."""
    for thing in generator():
        if isinstance(thing, (int, float)):
            return
        crash_point("before publish")
        published.append(thing)
        crash_point("after publish")


@BOTH
@pytest.mark.parametrize("batch", [1, 2, 100])
def test_after_a_crash_at_any_point_all_is_published_in_order(new_db: Callable[[], AnyDb], batch: int) -> None:
    """Each point is tried until there is none left: nothing is skipped, and a repeat carries the same id."""
    for point in count():
        outbox, published = Outbox(new_db()), []
        for id in "abc":
            book(outbox, id)
        crashed = not survived(lambda: publish(outbox.relay(batch=batch), published), point)  # noqa: B023
        ids_before = [thing.id for thing in published]
        marked = 3 - len(outbox.pending())
        assert ids_before[:marked] == [f"outbox-{n}" for n in range(1, marked + 1)]  # nothing unpublished is marked
        publish(outbox.relay(batch=batch), published)
        ids = [thing.id for thing in published]
        assert list(dict.fromkeys(ids)) == ["outbox-1", "outbox-2", "outbox-3"]
        assert len(ids) <= 4
        assert {thing.id: thing.event.order_id for thing in published} == {
            f"outbox-{n}": id for n, id in enumerate("abc", 1)
        }
        assert outbox.pending() == []
        if not crashed:
            assert point == 12  # before and after the publish, before and after the commit, three times
            break


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 20), max_size=8), st.integers(1, 5), st.integers(1, 3), st.booleans())
def test_any_row_of_crashes_leaves_duplicates_at_most(points: list[int], number: int, batch: int, in_sql: bool) -> None:
    """As many as there were crashes at most; the order of first appearance is kept."""
    outbox, published = Outbox(sql_db() if in_sql else tables_db()), []
    for id in range(number):
        book(outbox, str(id))
    crashes = sum(not survived(lambda: publish(outbox.relay(batch=batch), published), point) for point in points)
    publish(outbox.relay(), published)
    ids = [thing.id for thing in published]
    assert list(dict.fromkeys(ids)) == [f"outbox-{n}" for n in range(1, number + 1)]
    assert number <= len(ids) <= number + crashes


# --- on the lab's clock


class Shop:
    """A checkout that takes orders by itself, an outbox, its relay, and a consumer with an inbox."""

    def __init__(self, new_db: Callable[[], AnyDb], number: int) -> None:
        self.db, self.number = new_db(), number
        self.outbox = Outbox(self.db)
        self.counted = Database(orders={"count": 0})

    def checkout(self) -> Iterator[float]:
        """Take the next order that is not in the database yet, one a second."""
        while len(orders(self.db)) < self.number:
            book(self.outbox, str(len(orders(self.db)) + 1))
            yield 1.0

    def count(self, order: OrderBooked, tables: Any) -> None:
        """Count an order."""
        tables["orders"]["count"] += 1

    def run(self, crashes: tuple[Crash, ...] = (), batch: int = 100) -> EventBus:
        """Take all orders, with these crashes, until nothing is left to do."""
        bus = EventBus(faults=Faults(crashes=crashes, down=0.7))
        bus.subscribe(OrderBooked, Inbox(self.counted).once(self.count), name="analytics", takes=0.1)
        bus.process("checkout", self.checkout)
        bus.process("relay", self.outbox.relay(every=0.5, batch=batch), background=True)
        bus.run()
        bus.trace.check_conservation()
        return bus

    def check(self, bus: EventBus) -> int:
        """Assert that database and bus tell the same story; return how many messages were repeats."""
        published = [(m.id, m.source, m.data.order_id) for m in bus.trace.messages]
        expected = [(f"outbox-{n}", "relay", str(n)) for n in range(1, self.number + 1)]
        assert list(dict.fromkeys(published)) == expected
        assert orders(self.db) == sorted({order for *_, order in published})
        assert self.counted.table("orders")["count"] == self.number
        assert self.outbox.pending() == []
        return len(published) - self.number


@BOTH
def test_without_crashes_each_order_is_published_once(new_db: Callable[[], AnyDb]) -> None:
    """Within the time that the relay waits between two looks; and the run comes to an end."""
    shop = Shop(new_db, 4)
    bus = shop.run()
    assert shop.check(bus) == 0
    assert [m.time for m in bus.trace.messages] == [0.0, 1.0, 2.0, 3.0]


@BOTH
@pytest.mark.parametrize("who", ["relay", "checkout"])
def test_a_crash_at_any_point_of_any_step_loses_and_invents_nothing(new_db: Callable[[], AnyDb], who: str) -> None:
    """Of the relay and of the checkout: each point is tried, in each step, until there is none left."""
    tried, repeats = 0, 0
    for step in count(1):
        for point in count():
            shop = Shop(new_db, 3)
            bus = shop.run((Crash(who, str(step), 1, point),))
            repeats = max(repeats, shop.check(bus))
            crashed = any(name == who for _, name, _ in bus.columns.notes)
            tried += crashed
            if not crashed:
                break
        if point == 0 and step > 12:
            break
    assert tried >= (12 if who == "relay" else 6)
    assert repeats == (1 if who == "relay" else 0)


CRASHES = st.builds(
    Crash, st.sampled_from(["relay", "checkout"]), st.integers(1, 25).map(str), st.just(1), st.integers(0, 5)
)


@settings(deadline=None, max_examples=80)
@given(st.lists(CRASHES, max_size=12), st.integers(1, 5), st.integers(1, 3), st.booleans())
def test_whatever_crashes_database_and_bus_tell_the_same_story(
    crashes: list[Crash], number: int, batch: int, in_sql: bool
) -> None:
    """Any crashes of both: as many repeats as crashes at most, and each order is counted once."""
    shop = Shop(sql_db if in_sql else tables_db, number)
    bus = shop.run(tuple(crashes), batch)
    assert 0 <= shop.check(bus) <= len(set(crashes))


@BOTH
@pytest.mark.parametrize("publish_first", [False, True])
def test_without_an_outbox_one_crash_tells_two_stories(new_db: Callable[[], AnyDb], publish_first: bool) -> None:
    """So the tests above can fail: either an order without its event, or an event without its order."""
    ghosts, silent = set(), set()
    for point in range(6):
        db, published = new_db(), []

        def checkout(db: AnyDb = db, published: list[str] = published) -> None:
            def say() -> None:
                crash_point("before publish")
                published.append("1")
                crash_point("after publish")

            if publish_first:
                say()
            with db.transaction() as tables:
                insert(tables, "1")
            if not publish_first:
                say()

        survived(checkout, point)
        ghosts |= set(published) - set(orders(db))
        silent |= set(orders(db)) - set(published)
    assert (ghosts, silent) == (({"1"}, set()) if publish_first else (set(), {"1"}))


def test_a_crash_ends_the_relay_itself() -> None:
    """A generator that has crashed yields nothing more: the bus makes a new one."""
    outbox = Outbox(tables_db())
    book(outbox, "1")
    relay = outbox.relay()()
    next(relay)
    with crashing("before db.commit"), pytest.raises(Crashed):
        next(relay)
    assert list(relay) == []
    assert next(outbox.relay()()).id == "outbox-1"
