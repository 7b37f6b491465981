"""The promises of delivery, held against drawn systems: any groups, any crashes, kills, failures and bad links.

`test_exhaustive` proves them for small systems; here the systems are larger, and chance looks for the schedule.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import (
    Crash,
    Database,
    Event,
    EventBus,
    Faults,
    Inbox,
    Link,
    OrderPlaced,
    Outage,
    Outbox,
    Retry,
    SqlDatabase,
    exponential,
    make_order,
)
from eda_lab.effects import CardProvider

POINTS = ["work", "card.charge", "db.commit", "publish", "ack"]
NAMED = [f"{when} {what}" for what in POINTS for when in ("before", "after") if (when, what) != ("after", "ack")]


class WorkDone(Event):
    """What every group returns, so that another one works on it."""

    order_id: str
    group: str


class Plan(NamedTuple):
    """What one group is like: what it keeps its effect in, how it works, and what its link does to messages."""

    keeps: str
    workers: int
    takes: float
    fails: int  # how many attempts at some of the messages fail
    late: bool  # and whether that is after the effect
    in_place: bool
    duplicate: float
    reorder: float


class Hit(NamedTuple):
    """One crash, by places: of which group (the last one is the archive), at which order, in which attempt, where."""

    group: int
    order: int
    attempt: int
    point: int | str


class System(NamedTuple):
    """A whole run, as data: the groups, the orders, and everything that goes wrong."""

    seed: int
    plans: tuple[Plan, ...]
    orders: int
    gap: float
    hits: tuple[Hit, ...]
    rate: float  # of further crashes, at one point
    point: str
    kills: tuple[tuple[float, int, int], ...]  # at which second, which group, which of its workers
    outages: tuple[tuple[int, float, float], ...]  # which group, from when, for how long

    @property
    def names(self) -> list[str]:
        """The names of the groups."""
        return [f"group {place}" for place in range(len(self.plans))]

    @property
    def faults(self) -> Faults:
        """All that goes wrong by itself."""
        groups, crashes = self.names, []
        for hit in self.hits:
            group, order = [*groups, "archive"][hit.group % (len(groups) + 1)], 1 + hit.order % self.orders
            message = f"checkout-{order}/group 0.1" if group == "archive" else str(order)
            crashes.append(Crash(group, message, hit.attempt, hit.point))
        links = [
            Link(group=name, duplicate=plan.duplicate, delay=0.1, reorder=plan.reorder)
            for name, plan in zip(groups, self.plans, strict=True)
        ]
        outages = [Outage(groups[place % len(groups)], start, start + length) for place, start, length in self.outages]
        return Faults(
            crashes=tuple(crashes),
            rate=self.rate,
            point=self.point,
            down=0.5,
            outages=tuple(outages),
            links=tuple(links),
        )


PLANS = st.builds(
    Plan,
    keeps=st.sampled_from(["database", "sql", "card"]),
    workers=st.integers(1, 3),
    takes=st.sampled_from([0.0, 0.5, 2.0]),
    fails=st.integers(0, 2),
    late=st.booleans(),
    in_place=st.booleans(),
    duplicate=st.sampled_from([0.0, 0.5, 1.0]),
    reorder=st.sampled_from([0.0, 0.5]),
)
HITS = st.builds(
    Hit,
    group=st.integers(0, 3),
    order=st.integers(0, 4),
    attempt=st.integers(1, 3),
    point=st.sampled_from(NAMED) | st.integers(0, 7),
)
SYSTEMS = st.builds(
    System,
    seed=st.integers(0, 99),
    plans=st.lists(PLANS, min_size=1, max_size=3).map(tuple),
    orders=st.integers(1, 5),
    gap=st.sampled_from([0.0, 0.7]),
    hits=st.lists(HITS, max_size=12).map(tuple),
    rate=st.sampled_from([0.0, 0.3]),
    point=st.sampled_from(NAMED),
    kills=st.lists(st.tuples(st.floats(0, 20), st.integers(0, 2), st.integers(0, 2)), max_size=4).map(tuple),
    outages=st.lists(st.tuples(st.integers(0, 2), st.floats(0, 9), st.floats(0.1, 9)), max_size=2).map(tuple),
)


class Run:
    """One run of a system. `runs` counts how often the work was begun, `effects` how often it was done outside."""

    def __init__(self, system: System, ack: str = "after", safe: bool = True) -> None:
        self.system, self.ack, self.safe = system, ack, safe
        self.runs: Counter[tuple[str, str]] = Counter()  # (group, message id)
        self.card, self.db, self.sql = CardProvider(), Database(work={}, archive={}), SqlDatabase()
        with self.sql.transaction() as sql:
            sql.execute("CREATE TABLE work (consumer_group TEXT, order_id TEXT)")
        self.bus = EventBus(system.seed, faults=system.faults, visibility=3)
        self.subscriptions = [self.subscribe(*pair) for pair in zip(system.names, system.plans, strict=True)]
        self.bus.subscribe(WorkDone, Inbox(self.db).once(self.file), name="archive", delivery_limit=None)
        for number in range(system.orders):
            self.bus.publish(make_order(number + 1), delay=number * system.gap)
        self.go()

    def subscribe(self, name: str, plan: Plan) -> Any:
        """Let a group work, with no limit to how often it tries."""
        inbox = Inbox(self.sql if plan.keeps == "sql" else self.db)

        def fails(delivery: Any, late: bool) -> None:
            troubled = crc32(f"{name}/{delivery.message.id}".encode()) % 3 > 0  # some messages are, others are not
            if plan.late is late and troubled and delivery.attempt <= plan.fails:
                raise ConnectionError(name)

        def work(order: OrderPlaced, tables: Any, delivery: Any) -> WorkDone:
            fails(delivery, late=False)
            if plan.keeps == "sql":
                tables.execute("INSERT INTO work VALUES (?, ?)", (name, order.order_id))
            else:
                rows = tables["work"]
                rows[name, order.order_id] = rows.get((name, order.order_id), 0) + 1
            fails(delivery, late=True)
            return WorkDone(order.order_id, name)

        def charge(order: OrderPlaced, delivery: Any) -> WorkDone:
            fails(delivery, late=False)
            self.card.charge(
                f"{name}/{order.order_id}", 100, key=f"{name}/{delivery.message.id}" if self.safe else None
            )
            fails(delivery, late=True)
            return WorkDone(order.order_id, name)

        def in_a_transaction(order: OrderPlaced, delivery: Any) -> WorkDone:
            with inbox.db.transaction() as tables:
                return work(order, tables, delivery)

        handler = charge if plan.keeps == "card" else inbox.once(work) if self.safe else in_a_transaction

        def counted(order: OrderPlaced, delivery: Any) -> Any:
            self.runs[name, delivery.message.id] += 1
            return handler(order, delivery)

        return self.bus.subscribe(
            OrderPlaced,
            counted,
            name=name,
            workers=plan.workers,
            takes=exponential(plan.takes) if plan.takes > 1 else plan.takes,
            retry=Retry(max_attempts=None, backoff=0.5, jitter=0.5, in_place=plan.in_place),
            ack=self.ack,
            delivery_limit=None,
        )

    def file(self, done: WorkDone, tables: Any) -> None:
        """Archive what a group has done."""
        rows = tables["archive"]
        rows[done.group, done.order_id] = rows.get((done.group, done.order_id), 0) + 1

    def go(self) -> None:
        """Run the bus, kill whom the system says, and bring everybody back in the end."""
        for second, group, worker in sorted(self.system.kills):
            self.bus.run(until=max(second, self.bus.clock.now))
            workers = self.subscriptions[group % len(self.subscriptions)].workers
            workers[worker % len(workers)].kill()
            self.bus.trace.check_conservation()
        self.bus.run()
        for subscription in self.subscriptions:
            subscription.restart()
        self.bus.run()
        self.bus.trace.check_conservation()

    @property
    def wanted(self) -> list[tuple[str, str]]:
        """What there is to do: each order in each group."""
        orders = [make_order(number + 1).order_id for number in range(self.system.orders)]
        return [(name, order) for name in self.system.names for order in orders]

    @property
    def effects(self) -> Counter[tuple[str, str]]:
        """How often each was done, as the world outside of the bus has it."""
        done = Counter(tuple(charge.order_id.split("/")) for charge in self.card.charges)
        done.update(dict(self.db.table("work")))
        done.update(self.sql.rows("SELECT consumer_group, order_id FROM work"))
        return done  # type: ignore[return-value]

    def outcomes(self, *groups: str) -> Counter[tuple[str, str, str]]:
        """How the copies of each message ended: (group, message id, outcome) -> how many."""
        over = [d for d in self.bus.trace.deliveries if d.outcome not in ("failed", "crashed")]
        return Counter((d.group, d.message.id, d.outcome) for d in over if d.group in groups or not groups)


@settings(max_examples=150)
@given(SYSTEMS)
def test_at_least_once_loses_nothing(system: System) -> None:
    """Acked after the work, each copy of each message is done, whatever happens meanwhile."""
    run = Run(system, safe=False)
    assert {outcome for *_, outcome in run.outcomes()} == {"done"}
    assert all(run.effects[what] >= 1 for what in run.wanted)
    assert sum(run.bus.columns.routed) + len(run.bus.columns.duplicated) == run.outcomes().total()


@settings(max_examples=150)
@given(SYSTEMS)
def test_at_most_once_does_nothing_twice(system: System) -> None:
    """Acked before the work, no copy is worked on twice, and what was not done is known to be lost."""
    run = Run(system, ack="before", safe=False)
    copies = Counter((group, id) for group, id, _ in run.outcomes(*system.names).elements())
    assert all(times <= copies[what] for what, times in run.runs.items())
    for (group, id), came in copies.items():
        ends = {outcome: run.outcomes(group)[group, id, outcome] for outcome in ("done", "lost")}
        assert sum(ends.values()) == came
        assert ends["done"] <= run.runs[group, id]
    doubled = {(group, make_order(int(id)).order_id) for group, id in copies if copies[group, id] > 1}
    assert {what for what, times in run.effects.items() if times > 1} <= doubled


@settings(max_examples=200)
@given(SYSTEMS)
def test_with_an_inbox_or_a_key_every_effect_happens_once(system: System) -> None:
    """In a `Database`, in a `SqlDatabase` and at the card provider; and once more further down, in the archive."""
    run = Run(system)
    assert run.effects == Counter(run.wanted)
    assert dict(run.db.table("archive")) == Counter(run.wanted)
    returned = {(m.source, m.id, m.data) for m in run.bus.trace.messages if m.type == "work_done"}
    assert len(returned) == len(run.wanted)  # repeats are equal, and have equal ids


QUIET = System(0, (Plan("card", 1, 0.0, 0, False, False, 0.0, 0.0),), 2, 0.0, (), 0.0, "before ack", (), ())


@pytest.mark.parametrize("keeps", ["card", "database", "sql"])
@pytest.mark.parametrize("fault", ["a crash before the ack", "a crash after the commit", "a link", "an error", "none"])
def test_without_them_a_single_fault_is_enough(keeps: str, fault: str) -> None:
    """Or the tests above would hold for want of trouble. An error after the work undoes what a transaction has done."""
    plan, system = QUIET.plans[0]._replace(keeps=keeps), QUIET
    match fault:
        case "a crash before the ack":
            system = QUIET._replace(hits=(Hit(0, 1, 1, "before ack"),))
        case "a crash after the commit":
            point = "after card.charge" if keeps == "card" else "after db.commit"
            system = QUIET._replace(hits=(Hit(0, 1, 1, point),))
        case "a link":
            plan = plan._replace(duplicate=1.0)
        case "an error":
            plan = plan._replace(fails=1, late=True)
    system = system._replace(plans=(plan,))
    most = max(Run(system, safe=False).effects.values())
    assert most == (1 if fault == "none" or (fault == "an error" and keeps != "card") else 2)
    assert Run(system).effects == Counter(Run(system).wanted)


# --- the outbox


class Shop(NamedTuple):
    """A checkout with an outbox, as data."""

    sql: bool
    orders: int
    gap: float
    every: float
    batch: int
    down: float
    crashes: tuple[Crash, ...]
    rate: float


OUTBOX_POINTS = [f"{when} {what}" for what in ("db.commit", "publish") for when in ("before", "after")]
SHOPS = st.builds(
    Shop,
    sql=st.booleans(),
    orders=st.integers(1, 6),
    gap=st.sampled_from([0.0, 0.4, 3.0]),
    every=st.sampled_from([0.3, 1.0]),
    batch=st.integers(1, 4),
    down=st.sampled_from([0.0, 1.0]),
    crashes=st.lists(
        st.builds(
            Crash,
            consumer=st.sampled_from(["checkout", "relay"]),
            message=st.integers(1, 20).map(str),
            attempt=st.just(1),
            point=st.sampled_from(OUTBOX_POINTS) | st.integers(0, 3),
        ),
        max_size=12,
    ).map(tuple),
    rate=st.sampled_from([0.0, 0.3]),
)


@settings(max_examples=200)
@given(SHOPS, st.integers(0, 99))
def test_with_an_outbox_the_orders_placed_are_those_published(shop: Shop, seed: int) -> None:
    """After recovery the two sets agree; what is published again has its first id; an inbox does each once."""
    db: Any = SqlDatabase() if shop.sql else Database(orders={})
    if shop.sql:
        with db.transaction() as sql:
            sql.execute("CREATE TABLE orders (id TEXT PRIMARY KEY)")
    outbox = Outbox(db)
    customers = iter(map(make_order, range(1, shop.orders + 1)))  # who has gone does not come back

    def placed() -> list[str]:
        return [id for (id,) in db.rows("SELECT id FROM orders")] if shop.sql else list(db.table("orders"))

    def checkout() -> Iterator[Any]:
        for order in customers:
            with db.transaction() as tables:
                if shop.sql:
                    tables.execute("INSERT INTO orders VALUES (?)", (order.order_id,))
                else:
                    tables["orders"][order.order_id] = "placed"
                outbox.add(tables, order)
            yield shop.gap

    faults = Faults(
        crashes=shop.crashes,
        down=shop.down,
        rate=shop.rate,
        point="after publish",
        consumers=("relay", "email"),
    )
    bus, mailed = EventBus(seed, faults=faults, visibility=2), Database(mails={})

    def mail(order: OrderPlaced, tables: Any) -> None:
        tables["mails"][order.order_id] = tables["mails"].get(order.order_id, 0) + 1

    bus.subscribe(OrderPlaced, Inbox(mailed).once(mail), name="email", delivery_limit=None)
    bus.process("checkout", checkout)
    bus.process("relay", outbox.relay(every=shop.every, batch=shop.batch), background=True)
    bus.run()
    published = [(message.id, message.data.order_id) for message in bus.trace.messages]
    assert {order for _, order in published} == set(placed())
    assert len(set(published)) == len(placed())
    assert [id for id, _ in dict.fromkeys(published)] == [f"outbox-{n + 1}" for n in range(len(placed()))]
    assert outbox.pending() == []
    assert dict(mailed.table("mails")) == dict.fromkeys(placed(), 1)
    crashes = sum(who == "relay" and what.startswith("crashed") for _, who, what in bus.columns.notes)
    assert len(published) - len(placed()) <= crashes
    bus.trace.check_conservation()


@pytest.mark.parametrize(("point", "copies"), [("before publish", 1), ("after publish", 2), ("before db.commit", 2)])
def test_a_relay_that_crashes_before_its_mark_publishes_once_more(point: str, copies: int) -> None:
    """Between the publishing and the mark lies the only chance for a duplicate; it has the same id."""
    db = Database()
    outbox = Outbox(db)
    with db.transaction() as tables:
        outbox.add(tables, make_order(1))
    step = "2" if point == "before db.commit" else "1"
    bus = EventBus(faults=Faults(crashes=Crash("relay", step, 1, point)))
    bus.process("relay", outbox.relay(), background=True)
    bus.run()
    assert [(message.source, message.id) for message in bus.trace.messages] == [("relay", "outbox-1")] * copies
