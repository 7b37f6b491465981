"""The promises of delivery on small systems, proved: in every order of what may happen, with a crash at every point.

Run this file with `-s` to read how many schedules that are.
"""

from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import (
    Consumer,
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
    handles,
    later,
    make_order,
    sleep,
)
from eda_lab.effects import CardProvider
from eda_lab.errors import HandlerError, OptionError
from eda_lab.lab.processes import Process
from eda_lab.lab.subscription import Worker
from eda_lab.testing.exhaustive import Scenario, _Run, explore, play
from eda_lab.testing.fingerprint import copies_of
from eda_lab.testing.schedules import Ending, Exploration, shuffled

CRASHING = 3  # each of the first three attempts at a copy may crash, at each of its points; a fourth comes through


def enumerated(scenario: Scenario, crashing: int) -> dict[Ending, int]:
    """Run every schedule from its beginning to its end, one by one; return how many lead to each ending."""
    endings: Counter[Ending] = Counter()
    choices: tuple[int, ...] = ()
    while True:
        run = _Run(scenario, crashing, choices)
        while run.bus.clock.has_work():
            run.bus.run(max_events=1)
        endings[Ending(run.world(), copies_of(run.bus.columns))] += 1
        while run.asked and run.asked[-1][0] == run.asked[-1][1] - 1:
            run.asked.pop()
        if not run.asked:
            return endings
        *before, (last, _) = run.asked
        choices = (*(choice for choice, _ in before), last + 1)


def counted(found: Exploration) -> dict[Ending, int]:
    """Return how many schedules lead to each ending, as the exploration has it."""
    return {ending: way.schedules for ending, way in found.endings.items()}


# --- two orders, two consumers, three attempts


class Books(NamedTuple):
    """What was done outside of the bus: (group, order, how often), and the marks of the inbox."""

    done: tuple[tuple[str, str, int], ...]
    marks: tuple[Any, ...]


def shop(*groups: str, orders: int = 2, safe: bool = True, ack: str = "after") -> Scenario:
    """Return a shop with inventory (an inbox in its own database, if it is safe) and payment (a provider key)."""

    def scenario(**options: Any) -> tuple[EventBus, Callable[[], Books]]:
        bus, db, card = EventBus(wire=False, **options), Database(reserved={}), CardProvider()

        def reserve(order: OrderPlaced, tables: Any) -> None:
            tables["reserved"][order.order_id] = tables["reserved"].get(order.order_id, 0) + 1

        def reserve_without_inbox(order: OrderPlaced) -> None:
            with db.transaction() as tables:
                reserve(order, tables)

        def pay(order: OrderPlaced, delivery: Any) -> None:
            card.charge(order.order_id, order.total_cents, key=delivery.message.id if safe else None)

        handlers = {"inventory": Inbox(db).once(reserve) if safe else reserve_without_inbox, "payment": pay}
        for name in groups:
            bus.subscribe(OrderPlaced, handlers[name], name=name, ack=ack)
        for number in range(1, orders + 1):
            bus.publish(make_order(number))

        def books() -> Books:
            reserved = [("inventory", *row) for row in db.table("reserved").items()]
            charged = Counter(charge.order_id for charge in card.charges)
            paid = [("payment", *row) for row in charged.items()]
            return Books(tuple(sorted(reserved + paid)), tuple(sorted(db.table("inbox"))))

        return bus, books

    return scenario


def nothing_lost(ending: Ending) -> bool:
    """Whether the work was done for each copy that came."""
    return len(ending.world.done) == len(ending.copies)


def nothing_twice(ending: Ending) -> bool:
    """Whether no work was done twice."""
    return all(times == 1 for *_, times in ending.world.done)


@cache
def explored(group: str, safe: bool = True, ack: str = "after") -> Exploration:
    """Explore one consumer with two orders, in the size that this file is about."""
    return explore(shop(group, safe=safe, ack=ack), crashing=CRASHING)


GROUPS = pytest.mark.parametrize("group", ["inventory", "payment"])


@GROUPS
def test_with_an_inbox_or_a_key_at_least_once_is_once_in_every_schedule(group: str) -> None:
    """There is one ending, whatever happens: each order was done, and once."""
    found = explored(group)
    assert [(ending.count("done"), nothing_lost(ending), nothing_twice(ending)) for ending in found.endings] == [
        (2, True, True)
    ]
    assert found.size == (602, 1380, 154_606_329)


@GROUPS
def test_at_least_once_loses_nothing_but_without_them_it_does_things_twice(group: str) -> None:
    """One crash is enough for that, and it is the last one that can do harm: after the work, before the ack."""
    found = explored(group, safe=False)
    assert found.breaking(nothing_lost) is None
    assert found.breaking(lambda ending: ending.count("done") == 2) is None
    twice = found.breaking(nothing_twice)
    assert twice is not None
    assert (twice.choices, min(twice.lengths)) == ((*[0] * 7, 1, *[0] * 5), 8)
    bus = play(shop(group, safe=False), twice.choices)
    assert [(d.message.id, d.attempt, d.outcome, d.error) for d in bus.trace.deliveries] == [
        ("1", 1, "done", None),
        ("2", 1, "crashed", "crashed before ack"),
        ("2", 2, "done", None),
    ]
    bus.trace.check_conservation()
    once = sum(way.schedules for ending, way in found.endings.items() if nothing_twice(ending))
    print(f"\n{group}, no inbox and no key: {once:,} of {found.size.schedules:,} schedules do everything once")
    assert (once, found.size.schedules) == (2_584_149, 154_606_329)


@GROUPS
def test_at_most_once_does_nothing_twice_but_loses_things(group: str) -> None:
    """Nothing has to be recognised here, as nothing comes twice; but one crash before the work is enough to lose it."""
    found = explored(group, safe=False, ack="before")
    assert found.breaking(nothing_twice) is None
    lost = found.breaking(nothing_lost)
    assert lost is not None
    assert (lost.choices, min(lost.lengths)) == ((*[0] * 6, 1), 5)
    bus = play(shop(group, safe=False, ack="before"), lost.choices)
    effect = {"inventory": "db.commit", "payment": "card.charge"}[group]
    assert [(d.message.id, d.attempt, d.outcome, d.error) for d in bus.trace.deliveries] == [
        ("1", 1, "done", None),
        ("2", 1, "lost", f"crashed before {effect}"),
    ]
    for ending in found.endings:  # what is lost was not done, unless the crash came after the work
        assert ending.count("done") <= len(ending.world.done) <= 2
        assert ending.count("done") + ending.count("lost") == 2


def test_two_orders_two_consumers_three_attempts() -> None:
    """The two share nothing, so the schedules of both together are the shuffles of those of each."""
    inventory, payment = explored("inventory"), explored("payment")
    size = shuffled(inventory, payment)
    print(f"\n2 orders x 2 consumers x {CRASHING} attempts: {size}")
    print(f"each consumer by itself: {inventory.size}")
    assert size == (602 * 602, 2 * 602 * 1380, 161_450_752_515_815_450_448_070_098_414_742)


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("ack", ["after", "before"])
def test_shuffling_the_schedules_of_parts_is_the_same_as_exploring_both_on_one_bus(safe: bool, ack: str) -> None:
    """In sizes where that can be done: the same numbers, and the endings are all pairs of endings."""
    build = {"orders": 1, "safe": safe, "ack": ack}
    both = explore(shop("inventory", "payment", **build), crashing=1)
    parts = [explore(shop(group, **build), crashing=1) for group in ("inventory", "payment")]
    assert both.size == shuffled(*parts)
    pairs = {
        Ending(Books(a.world.done + b.world.done, a.world.marks + b.world.marks), a.copies + b.copies)
        for a, b in product(*(part.endings for part in parts))
    }
    assert set(both.endings) == pairs


CRASHES = st.builds(
    Crash, st.sampled_from(["inventory", "payment"]), st.sampled_from("12"), st.integers(1, 3), st.integers(0, 4)
)


@settings(max_examples=100)
@given(safe=st.booleans(), crashes=st.lists(CRASHES, max_size=8), order=st.lists(st.integers(0, 5), max_size=60))
def test_in_full_size_on_one_bus_no_schedule_ends_otherwise(safe: bool, crashes: list[Crash], order: list[int]) -> None:
    """Both consumers at once, in any order: what becomes of one is what it comes to by itself."""
    places = iter(order)
    faults = Faults(crashes=tuple(crashes), down=0)
    scenario = shop("inventory", "payment", safe=safe)
    bus, books = scenario(schedule=lambda n: next(places, 0) % n, faults=faults, visibility=0)
    bus.run()
    for group in ("inventory", "payment"):
        done = tuple(row for row in books().done if row[0] == group)
        marks = tuple(row for row in books().marks if row[0] == group)
        copies = tuple(row for row in copies_of(bus.columns) if row[0] == group)
        assert Ending(Books(done, marks), copies) in explored(group, safe=safe).endings


# --- a chain of two, whose second link is published again by what a crash repeats


def chain(safe: bool) -> Scenario:
    """Return a shop where payment returns an event, on which shipping works."""

    class ParcelAsked(Event):
        order_id: str

    def scenario(**options: Any) -> tuple[EventBus, Callable[[], Any]]:
        bus, db = EventBus(wire=False, **options), Database(paid={}, sent={})

        def pay(order: OrderPlaced, tables: Any) -> ParcelAsked:
            tables["paid"][order.order_id] = tables["paid"].get(order.order_id, 0) + 1
            return ParcelAsked(order.order_id)

        def send(asked: ParcelAsked, tables: Any) -> None:
            tables["sent"][asked.order_id] = tables["sent"].get(asked.order_id, 0) + 1

        def send_without_inbox(asked: ParcelAsked) -> None:
            with db.transaction() as tables:
                send(asked, tables)

        bus.subscribe(OrderPlaced, Inbox(db).once(pay), name="payment")
        bus.subscribe(ParcelAsked, Inbox(db).once(send) if safe else send_without_inbox, name="shipping")
        bus.publish(make_order(1))
        return bus, lambda: tuple(tuple(db.table(table).items()) for table in ("paid", "sent", "inbox"))

    return scenario


def test_what_a_handler_returned_is_published_again_and_recognised() -> None:
    """The parcel goes out once, although the wish for it may be published twice; without an inbox, up to four times."""
    found = explore(chain(safe=True), crashing=1)
    assert {ending.world[:2] for ending in found.endings} == {((("12345", 1),), (("12345", 1),))}
    assert {ending.count("done") for ending in found.endings} == {2, 3}
    assert all(ending.count("done") == len(ending.copies) for ending in found.endings)
    print(f"\na chain of two, 1 attempt: {found.size}")
    unsafe = explore(chain(safe=False), crashing=1)
    assert {ending.world[1][0][1] for ending in unsafe.endings} == {1, 2, 3, 4}


# --- the outbox: a checkout and a relay, which crash at each of their points


def checkout(orders: int, way: str) -> Scenario:
    """Return a checkout that places orders and publishes each: by an outbox, or by itself, before or after the commit.

    Between two orders the relay may look, or not. A crashed checkout places the orders that are not there yet.
    """

    def scenario(**options: Any) -> tuple[EventBus, Callable[[], Any]]:
        bus, db = EventBus(wire=False, **options), Database(orders={})
        outbox = Outbox(db)

        def place_orders() -> Any:
            for order in map(make_order, range(1, orders + 1)):
                if order.order_id in db.table("orders"):
                    continue
                if way == "publish, then commit":
                    yield order
                with db.transaction() as tables:
                    tables["orders"][order.order_id] = "placed"
                    if way == "outbox":
                        outbox.add(tables, order)
                if way == "commit, then publish":
                    yield order
                yield 0

        bus.process("checkout", place_orders)
        if way == "outbox":
            bus.process("relay", outbox.relay(every=1), background=True)

        def world() -> Any:
            published = Counter((message.id, message.data.order_id) for message in bus.trace.messages)
            rows = tuple((row.number, row.sent) for row in db.table("outbox").values())
            return tuple(db.table("orders")), tuple(sorted(published.items())), rows

        return bus, world

    return scenario


def announced(ending: Ending) -> bool:
    """Whether the orders that were placed are those that were published."""
    orders, published, _ = ending.world
    return set(orders) == {order for (_, order), _ in published}


def test_with_an_outbox_what_is_placed_is_published_whatever_crashes() -> None:
    """The sets agree after recovery; what is published again has the id that it had; and everything is marked."""
    found = explore(checkout(2, "outbox"), crashing=2)
    print(f"\ncheckout and relay, 2 orders, 2 crashes each: {found.size}")
    assert found.size == (924, 1724, 6972)
    assert found.breaking(announced) is None
    times = set()
    for ending in found.endings:
        orders, published, rows = ending.world
        assert orders == ("12345", "12346")
        assert [name for name, _ in published] == [("outbox-1", "12345"), ("outbox-2", "12346")]
        assert rows == ((1, True), (2, True))
        times.add(tuple(number for _, number in published))
    assert times == {(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)}  # each crash of the relay repeats one at most


def test_commit_then_publish_leaves_an_order_silent() -> None:
    """One crash between the two, and nobody ever hears of an order that is placed."""
    found = explore(checkout(2, "commit, then publish"), crashing=1)
    silent = found.breaking(announced)
    assert silent is not None
    bus = play(checkout(2, "commit, then publish"), silent.choices)
    assert [message.data.order_id for message in bus.trace.messages] == ["12345"]
    assert bus.columns.notes == [(0, "checkout", "crashed before publish"), (0, "checkout", "is up")]


def test_publish_then_commit_announces_an_order_twice_and_nobody_can_tell() -> None:
    """The crash between the two has it published once more, under another id, which no inbox recognises."""

    def one_id_each(ending: Ending) -> bool:
        return len(ending.world[1]) == len(ending.world[0])

    found = explore(checkout(2, "publish, then commit"), crashing=1)
    assert found.breaking(announced) is None
    again = found.breaking(one_id_each)
    assert again is not None
    bus = play(checkout(2, "publish, then commit"), again.choices)
    assert [(message.id, message.data.order_id) for message in bus.trace.messages] == [
        ("1", "12345"),
        ("2", "12346"),
        ("3", "12346"),
    ]
    assert bus.columns.notes[0] == (0, "checkout", "crashed before db.commit")


# --- sound: pruned or not, it is the same


class StepTaken(Event):
    """What the small systems below work on."""

    number: int


class StepSeen(Event):
    """What some of their handlers return."""

    number: int


def small(
    handler: Callable[[list[Any], EventBus], Callable[..., Any]],
    events: int = 2,
    groups: int = 1,
    faults: dict[str, Any] | None = None,
    **terms: Any,
) -> Scenario:
    """Return a system whose groups share a list, into which their handlers write in the order in which they work."""

    def scenario(**options: Any) -> tuple[EventBus, Callable[[], Any]]:
        seen: list[Any] = []
        options["faults"] = msgspec.structs.replace(options["faults"], **(faults or {}))
        bus = EventBus(**options)
        for number in range(groups):
            bus.subscribe(StepTaken, handler(seen, bus), name=f"group {number}", **terms)
        if handler in (returning, putting_off, counting):
            bus.subscribe(StepSeen, lambda step, delivery: seen.append((delivery.message.id, step.number)), name="next")
        for number in range(1, events + 1):
            late = handler in (naming_the_last, redriving_late, timing_the_last) and number == events
            bus.publish(
                StepTaken(number), delay=5 if late else 0, expires=1.5 if "takes" in terms and not late else None
            )
        return bus, lambda: tuple(seen)

    return scenario


def writing(seen: list[Any], bus: EventBus) -> Callable[..., Any]:
    return lambda step: seen.append(step.number)


def failing(seen: list[Any], bus: EventBus) -> Callable[..., Any]:
    def fail(step: StepTaken, delivery: Any) -> None:
        seen.append((step.number, delivery.attempt))
        if delivery.attempt < 2:
            raise ConnectionError

    return fail


def settling(seen: list[Any], bus: EventBus) -> Callable[..., Any]:
    def settle(step: StepTaken, delivery: Any) -> None:
        seen.append((step.number, delivery.attempt))
        [delivery.nack, delivery.ack, delivery.reject][min(delivery.attempt, 3) - 1]()
        seen.append("settled")

    return settle


def returning(seen: list[Any], bus: EventBus) -> Callable[..., Any]:
    return lambda step: [StepSeen(step.number)]


def putting_off(seen: list[Any], bus: EventBus) -> Callable[..., Any]:
    return lambda step: [StepSeen(1), later(0, StepSeen(2)), later(1, StepSeen(3))]


def redriving(seen: list[Any], bus: EventBus) -> Callable[..., Any]:
    def redrive(step: StepTaken) -> None:
        seen.append((step.number, len(bus.dead_letters("group 0"))))
        if step.number == 1 and len(seen) < 3:
            raise ValueError
        bus.redrive("group 0")

    return redrive


# These write down little, so that only what the bus remembers tells one state from another.


def failing_quietly(seen: list[Any], bus: EventBus) -> Callable[..., Any]:
    def fail(step: StepTaken, delivery: Any) -> None:
        if delivery.attempt < 4:
            raise ConnectionError
        seen.append(delivery.attempt)

    return fail


def naming_the_last(seen: list[Any], bus: EventBus) -> Callable[..., Any]:
    return lambda step, delivery: seen.append(delivery.consumer) if step.number == 3 else None


def timing_the_last(seen: list[Any], bus: EventBus) -> Callable[..., Any]:
    return lambda step: seen.append(bus.clock.now) if step.number == 2 else None


def redriving_late(seen: list[Any], bus: EventBus) -> Callable[..., Any]:
    def redrive(step: StepTaken) -> None:
        if step.number < 3:
            raise ValueError
        seen.extend(letter.message.id for letter in bus.dead_letters("group 0"))

    return redrive


def acking_if_first(seen: list[Any], bus: EventBus) -> Callable[..., Any]:
    def ack(step: StepTaken, delivery: Any) -> StepSeen | None:
        if not seen or delivery.attempt > 1:
            delivery.ack()
        seen[:] = ["first", delivery.group] if delivery.attempt > 1 else ["first"]
        return StepSeen(0) if delivery.attempt == 1 else None

    return ack


def counting(seen: list[Any], bus: EventBus) -> Callable[..., Any]:
    def count(step: StepTaken) -> StepSeen:
        seen.append(0)
        return StepSeen(len(seen))

    return count


AT_ONCE, IN_PLACE = Retry(backoff=0), Retry(backoff=1, in_place=True)
DOUBLED, OUT = {"links": Link(group="group 0", duplicate=1)}, {"outages": Outage("group 0", 0, 2)}
SMALL = {
    "a crash": (small(writing), 1),
    "an early ack": (small(writing, ack="before"), 1),
    "two workers": (small(writing, events=1, workers=2), 2),
    "three events, two workers": (small(writing, events=3, workers=2), 0),
    "two groups": (small(writing, groups=2), 0),
    "a retry": (small(failing, retry=AT_ONCE), 0),
    "a retry and crashes": (small(failing, events=1, retry=AT_ONCE), 2),
    "in place": (small(failing, events=1, retry=IN_PLACE), 2),
    "by hand": (small(settling, events=1, ack="manual"), 2),
    "a delivery limit": (small(writing, events=1, delivery_limit=2), 3),
    "an event returned": (small(returning), 0),
    "events put off": (small(putting_off, events=1), 0),
    "redrive": (small(redriving, workers=2), 0),
    "a link that doubles": (small(writing, events=1, faults=DOUBLED), 1),
    "an outage": (small(writing, faults=OUT, workers=2), 0),
    "drawn times": (small(writing, takes=lambda rng: float(rng.random() < 0.5)), 1),
    "times and expiry": (small(writing, events=3, takes=1.0), 1),
    "returns beside failures": (
        small(failing_quietly, events=1, retry=Retry(backoff=0, max_attempts=9), delivery_limit=2),
        3,
    ),
    "held beside crashes": (small(failing_quietly, events=1, retry=Retry(max_attempts=4, in_place=True)), 2),
    "who waits longest": (small(naming_the_last, events=3, workers=2), 0),
    "draws so far": (small(timing_the_last, takes=lambda rng: rng.random()), 1),
    "the order of dead letters": (small(redriving_late, events=3, workers=2), 0),
    "who has acked": (small(acking_if_first, events=1, groups=2, ack="manual"), 0),
    "what is still to be published": (small(counting, events=1, groups=2), 0),
    "a process": (checkout(2, "publish, then commit"), 2),
    "an outbox": (checkout(1, "outbox"), 2),
    "an outbox, two orders": (checkout(2, "outbox"), 1),
}


@pytest.mark.parametrize(("scenario", "crashing"), SMALL.values(), ids=SMALL)
def test_pruned_it_has_the_endings_and_the_schedules_that_it_has_run_by_run(scenario: Scenario, crashing: int) -> None:
    """Each ending, and how many schedules lead to it: counted on the graph, and one by one."""
    found, one_by_one = explore(scenario, crashing=crashing), enumerated(scenario, crashing)
    assert counted(found) == one_by_one
    assert found.size.schedules == sum(one_by_one.values()) > 5
    for ending, way in found.endings.items():
        run = _Run(scenario, crashing, way.choices)
        run.bus.run(max_events=min(way.lengths))
        assert not run.bus.clock.has_work()
        assert Ending(run.world(), copies_of(run.bus.columns)) == ending


def test_what_a_scenario_hides_is_missed_and_the_comparison_finds_that() -> None:
    """Here a handler remembers what the scenario does not tell of; so this is what the test above would see."""

    def forgetful(**options: Any) -> tuple[EventBus, Callable[[], Any]]:
        bus, memory = EventBus(**options), list[str]()
        for name in ("first", "second"):
            bus.subscribe(StepTaken, lambda _, name=name: memory.append(name), name=name)
        bus.subscribe(StepTaken, lambda _: None, name="third", takes=1)
        bus.publish(StepTaken(1))
        return bus, lambda: () if bus.clock.has_work() else memory[0]

    found, one_by_one = explore(forgetful, crashing=0), enumerated(forgetful, 0)
    assert sorted(one_by_one.values()) == [15, 15]
    assert [way.schedules for way in found.endings.values()] == [30]


def test_nothing_that_a_bus_remembers_is_forgotten_here() -> None:
    """Whoever gives a part of the lab a new memory has to say in `fingerprint` whether it matters, and then here."""
    bus, _ = small(writing)(schedule=None, faults=Faults())
    group = bus._engine.groups["group 0"]
    same = {"site", "clock", "columns", "seed", "faults", "visibility_us", "cascade", "router", "routes"}
    same |= {"name", "what", "number", "link", "spec", "plain", "subscription"}
    assert set(vars(group)) - same == {
        *("queue", "idle", "letters", "redriven", "returns", "subscriptions", "workers", "closed"),  # described
        *("waiting", "ended"),  # each stands in the agenda, or among the copies
        "_read",  # copies of the dead letters, made when somebody looks at them
        *("_start", "_end", "_publish", "_ack"),
    }
    assert set(vars(group.subscriptions[0])) - same == {
        *("hired", "rng", "workers", "takes"),
        *("group", "fixed_us", "retry", "delivery_limit", "acks_first", "acks_by_hand", "left", "leave"),
    }
    assert set(Worker.__slots__) - same == {
        *("state", "row", "held", "fate", "comes_back", "taken", "factor", "caused", "returned", "plan"),
        *("group", "run", "sleeping"),
    }
    assert set(vars(bus._engine)) - same == {
        *("groups", "roots"),
        *("subscriptions", "acts", "_wire", "_warned", "_go_on", "watchers"),  # who watches is a part of the world
    }
    assert set(Process.__slots__) == {"name", "things", "steps", "background", "make", "source", "stage", "_seen"}


# --- what cannot be explored is refused


def scenario_of(handler: Any, **more: Any) -> Scenario:
    """Return a system of one handler and one event."""

    def scenario(**options: Any) -> tuple[EventBus, Callable[[], Any]]:
        bus = EventBus(**{**options, **more})
        bus.subscribe(StepTaken, handler, name="it")
        bus.publish(StepTaken(1))
        return bus, tuple

    return scenario


class Remembering(Consumer):
    """A consumer with a memory that nobody can see into."""

    @handles(StepTaken)
    def see(self, step: StepTaken) -> None:
        """Do nothing."""


async def sleeping(step: StepTaken) -> None:
    """Wait in the middle of its work."""
    await sleep(1)


@pytest.mark.parametrize("handler", [Remembering, sleeping])
def test_a_handler_that_cannot_be_seen_into_is_refused(handler: Any) -> None:
    """What it remembers might decide how it goes on."""
    with pytest.raises(HandlerError, match="cannot be explored as a class or async def: subscribe a function"):
        explore(scenario_of(handler))


@pytest.mark.parametrize("given", [{"schedule": None}, {"faults": None}, {"faults": Faults(rate=1)}])
def test_a_bus_that_was_made_otherwise_is_refused(given: dict[str, Any]) -> None:
    """Else only some of its schedules would be seen."""
    with pytest.raises(OptionError, match=r"let it make its bus with the options given: EventBus\(\*\*options\)"):
        explore(scenario_of(print, **given))


def test_a_scenario_that_is_not_the_same_each_time_is_refused() -> None:
    """Here a list outlives the runs, and tells the number of them."""
    runs: list[int] = []

    def scenario(**options: Any) -> tuple[EventBus, Callable[[], Any]]:
        bus, _ = small(writing)(**options)
        runs.append(1)
        return bus, lambda: len(runs)

    with pytest.raises(OptionError, match="the same choices led elsewhere: let it build everything anew"):
        explore(scenario)


def test_a_system_that_is_too_large_is_refused() -> None:
    """Before it fills the memory."""
    with pytest.raises(OptionError, match="most=50: the system has more states than that: explore a smaller one"):
        explore(small(writing), most=50)
    assert explore(small(writing), crashing=1, most=117).states == 117


def test_a_world_without_a_hash_is_refused() -> None:
    """A list that is handed out and changed afterwards would be equal to itself at any time."""

    def scenario(**options: Any) -> tuple[EventBus, Callable[[], Any]]:
        bus, _ = small(writing)(**options)
        return bus, list

    with pytest.raises(OptionError, match="let the scenario tell of its world as a value with a hash"):
        explore(scenario)


def test_a_schedule_of_another_system_is_refused() -> None:
    """A choice that is not there shows it, and one too many does."""
    with pytest.raises(OptionError, match="of another system: choice 0 is one of 2, and this schedule has 7 there"):
        play(small(writing, events=1), (7,))
    with pytest.raises(OptionError, match="of another system: there are 2 choices, and this schedule has 4"):
        play(small(writing, events=1), (0, 0, 0, 0), crashing=1)


@pytest.mark.parametrize(("option", "value"), [("crashing", -1), ("crashing", True), ("most", 0)])
def test_options_are_checked(option: str, value: Any) -> None:
    with pytest.raises(OptionError, match=f"{option}="):
        explore(small(writing), **{option: value})


def test_an_exploration_shows_its_size() -> None:
    """As text, with how many endings there are."""
    assert repr(explore(small(writing), crashing=1)) == (
        "<Exploration: 117 states, 163 transitions, 117 schedules, 9 endings>"
    )
