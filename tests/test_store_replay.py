"""Handlers and buses beside a store: what is recorded, who hears of it, and who gets it again."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from eda_lab import (
    Command,
    Consumer,
    DirectBus,
    DuplicateIdError,
    Event,
    EventBus,
    EventStore,
    Faults,
    Message,
    Retry,
    example_order,
    handles,
    later,
    make_order,
    open_shop,
    projector,
    reactor,
)
from eda_lab.errors import DuplicateNameError, HandlerError, MalformedEventError, OptionError
from eda_lab.roles import is_projector
from eda_lab.store.errors import StoreFileError


class BreadBaked(Event):
    loaves: int


class BreadSold(Event):
    loaves: int


class OpenShop(Command):
    day: str


@pytest.fixture
def store() -> Iterator[EventStore]:
    with EventStore() as opened:
        yield opened


def sell(bread: BreadBaked) -> BreadSold:
    return BreadSold(bread.loaves)


class Stock(Consumer):
    """A view that is kept in memory."""

    seen: list[int] = []  # noqa: RUF012 - it outlives the instance, so that a test can look at it

    @projector
    @handles(BreadBaked)
    def more(self, bread: BreadBaked) -> None:
        self.seen.append(bread.loaves)

    @projector
    @handles(BreadSold)
    def less(self, bread: BreadSold) -> None:
        self.seen.append(-bread.loaves)


# --- what a handler is for


def test_a_handler_is_a_reactor_until_it_is_marked() -> None:
    """A view that is missing is noticed; a second e-mail cannot be taken back."""

    def plain(event: object) -> None: ...

    marked = projector(lambda event: None)
    assert not is_projector(plain)
    assert is_projector(marked)
    assert is_projector(partial(marked))
    assert not is_projector(reactor(lambda event: None))
    assert projector(plain) is plain
    assert is_projector(plain)
    assert not is_projector(reactor(plain))
    assert not is_projector(print)


def test_a_consumer_is_a_projector_by_its_class_or_by_all_its_methods() -> None:
    """One method that acts on the world makes all of it a reactor."""

    @projector
    class View(Consumer):
        @handles(BreadSold)
        def sold(self, bread: BreadSold) -> None: ...

    class Mixed(Consumer):
        @projector
        @handles(BreadBaked)
        def baked(self, bread: BreadBaked) -> None: ...

        @handles(BreadSold)
        def sold(self, bread: BreadSold) -> None: ...

    class Derived(View):
        pass

    assert all(is_projector(each) for each in (View, View(), Derived, Stock, Stock(), Stock().more))
    assert [is_projector(c) for c in (Mixed, Mixed(), Mixed().sold, reactor(Derived))] == [False] * 4


def test_what_cannot_be_marked_is_told() -> None:
    """A bound method, or what is written in C."""
    for thing in (Stock().more, print, 5):
        with pytest.raises(HandlerError, match="put @projector"):
            projector(thing)


# --- listeners


def test_a_listener_hears_of_what_is_appended_from_now_on(store: EventStore) -> None:
    """After the append, in the order of the positions; with a delivery if it asks for one."""
    store.append("bakery", BreadBaked(1))
    heard: list[object] = []
    placed: list[tuple[object, ...]] = []
    listener = store.subscribe(heard.append, BreadSold)
    store.subscribe(lambda event, delivery: placed.append((delivery.message.position, delivery.consumer)), name="all")
    store.append("bakery", [BreadBaked(2), BreadSold(1)])
    assert heard == [BreadSold(1)]
    assert placed == [(2, "all"), (3, "all")]
    listener.unsubscribe()
    listener.unsubscribe()
    store.append("bakery", BreadSold(9))
    assert heard == [BreadSold(1)]
    assert len(placed) == 3
    assert repr(listener) == "<append listens to bread_sold>"


def test_a_repeat_and_another_store_are_not_heard_of(tmp_path: Path) -> None:
    """Only what this object appends, and that once."""
    with EventStore(tmp_path / "x.db") as ours, EventStore(tmp_path / "x.db") as theirs:
        heard: list[object] = []
        ours.subscribe(heard.append)
        theirs.append("bakery", BreadBaked(1))
        message = Message(id="1", source="oven", type="bread_baked", time=0, data=BreadBaked(2))
        ours.append("bakery", message)
        ours.append("bakery", message)
        theirs.append("bakery", BreadBaked(3))
        ours.append("bakery", [])
        assert heard == [BreadBaked(2)]


def test_a_listener_that_fails_harms_nobody(store: EventStore) -> None:
    """The append stands, the others hear of it, and the failure is there with its traceback."""
    heard: list[object] = []
    store.subscribe(lambda event: 1 / 0, name="broken")
    store.subscribe(sell)
    store.subscribe(heard.append)
    assert store.append("bakery", BreadBaked(1)) == 1
    assert heard == [BreadBaked(1)]
    broken, selling = store.failures
    assert (broken.group, broken.message.position, broken.error) == ("broken", 1, "ZeroDivisionError: division by zero")
    assert "1 / 0" in broken.traceback
    assert "sell returned something: a store publishes nothing" in selling.error


def test_a_listener_may_append(store: EventStore) -> None:
    """What it appends is heard of after what led to it."""
    heard: list[object] = []

    def react(event: object, delivery: object) -> None:
        if isinstance(event, BreadBaked):
            store.append("sales", BreadSold(event.loaves), cause=delivery.message)

    store.subscribe(react)
    store.subscribe(heard.append)
    store.append("bakery", [BreadBaked(1), BreadBaked(2)])
    assert heard == [BreadBaked(1), BreadBaked(2), BreadSold(1), BreadSold(2)]
    assert [message.causation_id for message in store.read("sales")] == ["bakery-1", "bakery-2"]


def test_ctrl_c_in_a_listener_loses_nothing(store: EventStore) -> None:
    """What it did not come to is heard of at the next append."""
    heard: list[object] = []

    def interrupted(event: BreadBaked) -> None:
        heard.append(event.loaves)
        if event.loaves == 2:
            raise KeyboardInterrupt

    store.subscribe(interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.append("bakery", [BreadBaked(1), BreadBaked(2), BreadBaked(3)])
    store.append("bakery", BreadBaked(4))
    assert heard == [1, 2, 3, 4]
    assert store.version("bakery") == 4


def test_what_cannot_listen_is_told(store: EventStore) -> None:
    """As on a bus."""

    async def wait(event: object) -> None: ...

    for wrong in (None, 5, wait, lambda: None, BreadBaked):
        with pytest.raises(HandlerError):
            store.subscribe(wrong)
        with pytest.raises(HandlerError):
            store.replay(wrong)
    with pytest.raises(OptionError):
        store.subscribe(print, 5)
    store.subscribe(print, name="a")
    with pytest.raises(DuplicateNameError):
        store.subscribe(print, name="a")


# --- recording


@pytest.mark.parametrize("make", [DirectBus, EventBus])
def test_a_recorded_bus_writes_down_all_that_is_published(store: EventStore, make: Callable[[], object]) -> None:
    """Roots and what they cause, commands and topics, in the order in which they were published."""
    bus = make()
    bus.subscribe(BreadBaked, sell)
    bus.subscribe(OpenShop, lambda command: None, name="owner")
    stop = store.record(bus)
    bus.publish(BreadBaked(3))
    bus.publish("tea_served", {"cups": 2})
    bus.settle()
    bus.publish(OpenShop("monday"))
    stop()
    stop()
    bus.publish(BreadBaked(4))
    bus.settle()
    recorded = [message.data for message in store.read_all()]
    assert sorted(map(repr, recorded)) == sorted(
        map(repr, [BreadBaked(3), BreadSold(3), {"cups": 2}, OpenShop("monday")])
    )
    assert store.streams() == {"checkout": 4}
    assert store.verify() == 4


def test_the_record_of_a_run_is_its_trace(store: EventStore) -> None:
    """The same envelopes, in the same order, whenever the recording begins."""
    bus = EventBus(seed=1, source="till", store=store)
    open_shop(bus, chain=True)
    for number in range(5):
        bus.publish(make_order(number) if number else example_order(), delay=number * 0.1)
    bus.run()
    fields = ("id", "source", "type", "time", "data", "correlation_id", "causation_id")
    traced = [[getattr(message, name) for name in fields] for message in bus.trace.messages]
    assert [[getattr(message, name) for name in fields] for message in store.read_all()] == traced
    assert len(traced) > 10
    with EventStore() as late:
        late.record(bus)
        assert [message.data for message in late.read_all()] == [message.data for message in store.read_all()]
    store.record(bus)
    assert store.last_position == len(traced), "a second recording finds all of it there"


def test_a_recorded_message_is_in_the_store_before_any_handler_has_it(store: EventStore) -> None:
    """So that a crash in a handler loses no message."""
    there: list[int] = []
    bus, direct = EventBus(store=store), DirectBus(source="desk")
    store.record(direct)
    for each in (bus, direct):
        each.subscribe(BreadBaked, lambda event: there.append(store.last_position), name="look")
        each.publish(BreadBaked(1))
        each.settle()
    assert there == [1, 2]


def test_streams_may_be_named_after_what_the_events_are_about(store: EventStore) -> None:
    """By a name, or by a function of the message."""
    bus = EventBus()
    store.record(bus, stream=lambda message: f"loaves-{message.data.loaves}")
    bus.publish(BreadBaked(3))
    bus.publish(BreadBaked(4))
    other = DirectBus(source="desk")
    store.record(other, stream="bakery")
    other.publish(BreadBaked(3))
    assert store.streams() == {"bakery": 1, "loaves-3": 1, "loaves-4": 1}
    for wrong in (5, ""):
        with pytest.raises(OptionError, match=r"^stream="):
            store.record(other, stream=wrong)
    for wrong in (None, store, print):
        with pytest.raises(OptionError, match=r"^bus=.*: give an EventBus or a DirectBus"):
            store.record(wrong)
    with pytest.raises(OptionError, match=r"^store=.*: give an EventStore"):
        EventBus(store="x.db")


def test_each_bus_of_a_store_has_its_own_source(store: EventStore) -> None:
    """The same run again is no news; another run under the same source is a mix-up, and nobody gets its message."""

    def run(loaves: int, source: str) -> EventBus:
        bus = EventBus(source=source, store=store)
        bus.subscribe(BreadBaked, sell)
        bus.publish(BreadBaked(loaves))
        bus.run()
        return bus

    run(1, "oven")
    run(1, "oven")
    assert store.last_position == 2
    with pytest.raises(DuplicateIdError, match="each bus that is recorded its own source"):
        run(2, "oven")
    run(2, "stove")
    assert [message.id for message in store.read_all()] == ["1", "oven-1/sell.1", "1", "stove-1/sell.1"]


def test_a_repeat_after_a_crash_is_recorded_once(store: EventStore) -> None:
    """What a crashed attempt has published comes again under the same id, later: the same event."""
    faults = Faults(rate=0.5, point="before ack")
    bus = EventBus(seed=3, faults=faults, store=store)
    bus.subscribe(BreadBaked, sell)
    for loaves in range(20):
        bus.publish(BreadBaked(loaves))
    bus.run()
    assert len(bus.trace.messages) > 40
    assert store.last_position == 40
    assert len({message.id for message in store.read_all()}) == 40


@pytest.mark.parametrize("make", [DirectBus, EventBus])
def test_what_cannot_be_recorded_reaches_no_handler(store: EventStore, make: Callable[[], object]) -> None:
    """The publisher is told, and the books of the bus still balance."""
    bus, ran = make(), []
    bus.subscribe(("odd_thing", "bread_baked"), ran.append)
    store.record(bus)
    with pytest.raises(MalformedEventError):
        bus.publish("odd_thing", {"what": object()})
    store.close()
    with pytest.raises(Exception, match="this store is closed"):
        bus.publish(BreadBaked(1))
    bus.settle()
    assert ran == []
    if isinstance(bus, EventBus):
        assert len(bus.trace.messages) == 0
        bus.trace.check_conservation()


def test_a_full_disk_in_the_middle_of_a_run_stops_the_run(tmp_path: Path) -> None:
    """With the error of the store; once there is room, the run goes on where it was."""
    with EventStore(tmp_path / "x.db") as store:
        bus = EventBus(store=store)
        bus.subscribe(BreadBaked, sell)
        bus.subscribe(BreadBaked, lambda event: later(1, BreadSold(100)), name="reserve")
        bus.subscribe(BreadBaked, lambda event: [BreadSold(number) for number in range(100)], name="many")
        for loaves in range(3):
            bus.publish(BreadBaked(loaves))
        count = store._file._writer.execute("PRAGMA page_count").fetchone()[0]
        store._file._writer.execute(f"PRAGMA max_page_count = {count}")
        with pytest.raises(StoreFileError, match="the disk is full"):
            store.append("filler", [BreadBaked(0)] * 1_000)
        bus.publish("fat", "x" * 900)
        before = store.last_position
        with pytest.raises(StoreFileError, match="the disk is full"):
            bus.publish("fatter", "x" * 9_000)
        with pytest.raises(StoreFileError, match="the disk is full"):
            bus.run()
        assert store.last_position > before
        store._file._writer.execute("PRAGMA max_page_count = 1000000")
        bus.run()
        assert [m.id for m in store.read_all()] == [m.id for m in bus.trace.messages]
        bus.trace.check_conservation()


# --- replay


@pytest.fixture
def recorded(store: EventStore) -> EventStore:
    """Give the store after a run of the shop's example: bread is baked, and sold because of it."""
    bus = EventBus(store=store)
    bus.subscribe(BreadBaked, sell)
    for loaves in (1, 2, 3):
        bus.publish(BreadBaked(loaves), delay=loaves)
    bus.run()
    return store


def test_a_projector_gets_all_of_it_again_and_a_reactor_nothing(recorded: EventStore) -> None:
    """Unless side effects are asked for."""
    view: list[object] = []
    mails: list[object] = []
    record = projector(lambda event: view.append(event))
    table = recorded.replay(record)
    assert view == [message.data for message in recorded.read_all()]
    assert list(table) == [("lambda-1", "projector", 6, "")]
    table = recorded.replay(mails.append)
    assert mails == []
    assert list(table) == [("append", "reactor", 0, "left out: side_effects=True runs it")]
    assert list(recorded.replay(mails.append, side_effects=True)) == [("append", "reactor", 6, "")]
    assert len(mails) == 6


def test_a_replay_may_begin_and_end_where_one_likes(recorded: EventStore) -> None:
    """Both ends are included: the state as it was at a position."""
    seen: list[int] = []

    @projector
    def place(event: object, delivery: object) -> None:
        seen.append(delivery.message.position)

    recorded.replay(place, 3, until=5)
    recorded.replay(place, until=1)
    recorded.replay(place, until=0)
    assert seen == [3, 4, 5, 1]
    for wrong in ({"from_position": 0}, {"until": -1}, {"until": "now"}):
        with pytest.raises(OptionError):
            recorded.replay(place, **wrong)


def test_a_projector_that_fails_stops_its_replay(recorded: EventStore) -> None:
    """A view that was built by half is no view."""

    @projector
    def broken(event: BreadBaked) -> None:
        raise ValueError(event.loaves)

    with pytest.raises(ValueError, match="1"):
        recorded.replay(broken)


@pytest.mark.parametrize("make", [DirectBus, EventBus])
def test_a_replay_into_a_bus_runs_its_projectors_only(recorded: EventStore, make: Callable[[], object]) -> None:
    """Consumers that are built by the bus get it, too; what they return is not published a second time."""
    bus, mails, times = make(), [], []

    @projector
    def when(event: object, delivery: object) -> None:
        times.append((delivery.message.time, delivery.message.id, delivery.message.position))

    Stock.seen.clear()
    bus.subscribe((BreadBaked, BreadSold), Stock)
    bus.subscribe("*", when)
    bus.subscribe(BreadBaked, mails.append, name="mail")
    bus.subscribe(BreadBaked, sell)
    bus.subscribe("tea_served", lambda event: None, name="tea")
    table = recorded.replay(bus)
    bus.settle()
    assert [row[:3] for row in table] == [
        ("Stock", "projector", 6),
        ("when", "projector", 6),
        ("mail", "reactor", 0),
        ("sell", "reactor", 0),
        ("tea", "reactor", 0),
    ]
    assert (sorted(Stock.seen), sum(Stock.seen)) == ([-3, -2, -1, 1, 2, 3], 0)
    assert times == [(m.time, m.id, m.position) for m in recorded.read_all()]
    assert mails == []
    table = recorded.replay(bus, side_effects=True)
    bus.settle()
    assert [row[2] for row in table] == [6, 6, 3, 3, 0]
    assert mails == [BreadBaked(1), BreadBaked(2), BreadBaked(3)]
    assert len(Stock.seen) == 12, "what sell returned was not published again"
    if isinstance(bus, EventBus):
        bus.trace.check_conservation()
        assert "from the log" in bus.trace.transcript()


def test_500_orders_and_500_more_e_mails(store: EventStore) -> None:
    """What replaying with side effects costs: the lesson's number. Without them, none."""
    bus = EventBus(store=store)
    shop = open_shop(bus)
    for number in range(500):
        bus.publish(make_order(number + 1))
    bus.run()
    assert len(shop.mail.sent) == 500
    store.replay(bus)
    bus.run()
    assert len(shop.mail.sent) == 500
    store.replay(bus, side_effects=True)
    bus.run()
    assert len(shop.mail.sent) == 1_000
    bus.trace.check_conservation()


def test_a_recorded_bus_does_not_record_its_own_replay(store: EventStore) -> None:
    """Or the log would double with each replay."""
    for bus in (EventBus(store=store), DirectBus(source="desk")):
        if isinstance(bus, DirectBus):
            store.record(bus)
        bus.subscribe("*", projector(lambda event: None), name="view")
        bus.publish(BreadBaked(1))
        bus.settle()
        before = store.last_position
        store.replay(bus)
        bus.settle()
        assert store.last_position == before
        store.record(bus)
        assert store.last_position == before


def test_a_replayed_delivery_may_fail_and_be_tried_again(recorded: EventStore) -> None:
    """It is a delivery like any other: retries, then dead letters, and nothing of it is published."""
    bus, runs = EventBus(), []

    @projector
    def shaky(event: BreadBaked) -> object:
        runs.append(event.loaves)
        if runs.count(event.loaves) < 2 or event.loaves == 3:
            raise ValueError(event.loaves)
        return [BreadSold(9), later(5, BreadSold(8))]

    bus.subscribe(BreadBaked, shaky, retry=Retry(max_attempts=2))
    recorded.replay(bus)
    bus.run()
    assert sorted(runs) == [1, 1, 2, 2, 3, 3]
    assert [letter.message.data for letter in bus.dead_letters()] == [BreadBaked(3)]
    assert [message.type for message in bus.trace.messages] == ["bread_baked"] * 3
    bus.trace.check_conservation()


def test_a_failing_projector_on_a_direct_bus_stops_nobody(recorded: EventStore) -> None:
    """It is in the dead letters, with the message that it failed on."""
    bus, view = DirectBus(), []
    bus.subscribe(BreadSold, projector(lambda event: 1 / 0), name="broken")
    bus.subscribe(BreadSold, projector(lambda event: view.append(event)), name="view")
    recorded.replay(bus)
    assert view == [BreadSold(1), BreadSold(2), BreadSold(3)]
    assert [letter.message.position for letter in bus.dead_letters("broken")] == [
        message.position for message in recorded.read_all(types=BreadSold)
    ]
