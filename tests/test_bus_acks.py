"""When a delivery is acked: before the work, after it, or by the handler's own hand; what is lost or repeated then."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from eda_lab import AckPolicy, Crash, Delivery, Event, EventBus, Faults, Retry, later, sleep
from eda_lab.columns import Record
from eda_lab.effects import CardProvider
from eda_lab.errors import OptionError, SettledError


class OrderPaid(Event):
    """What the consumers of this file work on."""

    order_id: str


class ReceiptFiled(Event):
    """What they return."""

    order_id: str


SETTLE: dict[str, Callable[[Delivery], None]] = {
    "ack": Delivery.ack,
    "nack": Delivery.nack,
    "dead letter": lambda delivery: delivery.nack(requeue=False),
    "reject": Delivery.reject,
}


def bus_with(
    handler: Any, orders: int = 1, *, faults: Faults | None = None, visibility: float = 30, **options: Any
) -> EventBus:
    """Return a bus with one group, `pay`, that has some orders in its queue."""
    bus = EventBus(seed=1, faults=faults, visibility=visibility)
    bus.subscribe(OrderPaid, handler, name="pay", **options)
    for number in range(1, orders + 1):
        bus.publish(OrderPaid(str(number)))
    return bus


def ways(bus: EventBus) -> list[tuple[str, int, str]]:
    """Return (message id, attempt, outcome) of every delivery, after a look at the books."""
    bus.trace.check_conservation()
    return [(d.message.id, d.attempt, d.outcome) for d in bus.trace.deliveries]


def outcomes(bus: EventBus) -> list[str]:
    """Return the outcome of every delivery."""
    return [outcome for _, _, outcome in ways(bus)]


def story(bus: EventBus, *words: str) -> list[str]:
    """Return the lines of the transcript with one of these words."""
    return [line.strip() for line in bus.trace.transcript().splitlines() if any(word in line for word in words)]


# --- before the work


@pytest.mark.parametrize("ack", ["before", AckPolicy.BEFORE])
def test_acked_before_the_work_a_delivery_is_settled_and_still_worked_on(ack: str) -> None:
    """The transcript shows the ack at its start, and later that the work is done."""
    bus = bus_with(lambda _: None, takes=2, ack=ack)
    bus.run()
    assert bus.trace.transcript().splitlines()[2:] == [
        "   0.000 s  pay started order_paid 1",
        "   0.000 s  pay acked order_paid 1 before the work was done",
        "   2.000 s  pay done order_paid 1",
    ]
    assert outcomes(bus) == ["done"]


@pytest.mark.parametrize("fails", ["error", "kill", "return of nothing that is an event"])
def test_acked_before_the_work_what_fails_is_lost(fails: str) -> None:
    """It is not tried again, whatever `retry` says, and is no dead letter."""

    def work(_: object) -> object:
        if fails == "error":
            raise ConnectionError("no answer")
        return object()

    bus = bus_with(work, takes=2, ack="before", retry=Retry(max_attempts=None))
    if fails == "kill":
        bus.run(until=1)
        bus._engine.subscriptions["pay"].kill()
    bus.run()
    assert ways(bus) == [("1", 1, "lost")]
    assert bus.dead_letters() == []
    metrics = bus.trace.metrics()["pay"]
    assert (metrics.lost, metrics.failed, metrics.done, metrics.dead_lettered) == (1, 1, 0, 0)
    if fails == "error":
        assert bus.trace.deliveries[0].error == "ConnectionError: no answer"
        assert story(bus, "lost") == ["2.000 s  pay lost order_paid 1: ConnectionError: no answer"]


@pytest.mark.parametrize(
    ("point", "ends", "charges"),
    [
        ("before ack", ["crashed", "done"], 1),  # the very first point: nothing was acked, nothing done
        (0, ["crashed", "done"], 1),
        ("before work", ["lost"], 0),
        (1, ["lost"], 0),
        ("before card.charge", ["lost"], 0),
        ("after card.charge", ["lost"], 1),
        ("before publish", ["lost"], 1),
        ("after publish", ["lost"], 1),
        (5, ["lost"], 1),
        (6, ["done"], 1),  # there is no such point
    ],
)
def test_acked_before_the_work_no_crash_makes_anything_happen_twice(
    point: int | str, ends: list[str], charges: int
) -> None:
    """At most once: wherever it crashes, the card is charged once or never."""
    card = CardProvider()

    def pay(order: OrderPaid) -> ReceiptFiled:
        card.charge(order.order_id, 100)
        return ReceiptFiled(order.order_id)

    bus = bus_with(pay, ack="before", faults=Faults(crashes=Crash("pay", "1", 1, point)))
    bus.run()
    assert outcomes(bus) == ends
    assert len(card.charges) == charges


def test_a_consumer_that_is_leaving_loses_what_it_acked_first() -> None:
    """Scaled away, killed by a crash: it was acked, so nobody else has it."""
    bus = bus_with(lambda _: None, ack="before", takes=2, faults=Faults(crashes=Crash("pay", "1", 1, "before work")))
    bus.run(until=1)
    bus._engine.subscriptions["pay"].unsubscribe()
    bus.run()
    assert outcomes(bus) == ["lost"]


# --- after the work


def test_by_default_a_delivery_is_acked_after_the_work() -> None:
    """Whether the policy is named or not: a crash then repeats what was done."""
    for options in ({}, {"ack": "after"}, {"ack": AckPolicy.AFTER}):
        card = CardProvider()
        crash = Faults(crashes=Crash("pay", "1", 1, "before ack"))
        bus = bus_with(lambda order, card=card: card.charge(order.order_id, 100) and None, faults=crash, **options)
        bus.run()
        assert outcomes(bus) == ["crashed", "done"]
        assert len(card.charges) == 2
        assert bus.columns.acked == {}


@pytest.mark.parametrize("ack", ["before", "after"])
@pytest.mark.parametrize("how", SETTLE)
def test_where_the_bus_settles_a_handler_must_not(ack: str, how: str) -> None:
    """It is told so, and since that is a mistake in the program it is not tried again."""
    bus = bus_with(lambda _, delivery: SETTLE[how](delivery), ack=ack, retry=Retry(max_attempts=5))
    bus.run()
    assert outcomes(bus) == ["lost" if ack == "before" else "dead lettered"]
    error = bus.trace.deliveries[0].error
    assert error.startswith(f"SettledError: pay cannot {how} this delivery: this bus settles it; subscribe with ack=")


# --- by hand


@pytest.mark.parametrize(
    ("how", "ends", "error"),
    [
        ("ack", ["done"], None),
        ("nack", ["failed", "done"], "nacked"),
        ("dead letter", ["dead lettered"], "nacked"),
        ("reject", ["rejected"], None),
    ],
)
def test_a_handler_settles_its_own_delivery(how: str, ends: list[str], error: str | None) -> None:
    """Done; back to the queue; to the dead letters; or refused for good, which is neither."""
    bus = bus_with(lambda _, delivery: SETTLE[how if delivery.attempt == 1 else "ack"](delivery), takes=1, ack="manual")
    bus.run()
    assert outcomes(bus) == ends
    assert bus.trace.deliveries[0].error == error
    letters = [(letter.error, letter.attempts, letter.time) for letter in bus.dead_letters()]
    assert letters == ([("nacked", 1, 1.0)] if how == "dead letter" else [])
    metrics = bus.trace.metrics()["pay"]
    assert (metrics.rejected, metrics.done) == (int(how == "reject"), ends.count("done"))


def test_a_nacked_message_stands_at_the_head_of_the_queue_at_once() -> None:
    """No pause and no visibility timeout: it is served before those that were behind it."""
    bus = bus_with(lambda _, d: d.nack() if d.attempt < 3 else d.ack(), orders=2, takes=1, ack="manual")
    bus.run()
    assert [
        (d.message.id, d.attempt, d.started_at) for d in sorted(bus.trace.deliveries, key=lambda d: d.started_at)
    ] == [
        ("1", 1, 0.0),
        ("1", 2, 1.0),
        ("1", 3, 2.0),
        ("2", 1, 3.0),
        ("2", 2, 4.0),
        ("2", 3, 5.0),
    ]
    assert outcomes(bus).count("done") == 2


def test_a_nacked_message_goes_to_an_idle_colleague_first() -> None:
    """Who nacked is free only afterwards."""
    bus = bus_with(lambda _, d: d.nack() if d.attempt == 1 else d.ack(), takes=1, ack="manual", workers=2)
    bus.run()
    assert [(d.consumer, d.attempt) for d in bus.trace.deliveries] == [("pay", 1), ("pay-2", 2)]


@pytest.mark.parametrize(("takes", "back"), [(1, 10.0), (25, 25.0)])
def test_one_that_is_not_settled_comes_back_after_the_visibility_timeout(takes: float, back: float) -> None:
    """Counted from its start; one that was worked on for longer comes back at once, behind the others."""
    bus = bus_with(lambda _, d: d.ack() if d.attempt > 1 else None, takes=takes, ack="manual", visibility=10)
    bus.run()
    assert ways(bus) == [("1", 1, "failed"), ("1", 2, "done")]
    assert bus.trace.deliveries[0].error == "ended without an ack"
    assert bus.trace.deliveries[1].queued_at == back


@pytest.mark.parametrize("error", [ConnectionError, ValueError])
def test_an_error_before_it_is_settled_goes_by_the_retry(error: type[Exception]) -> None:
    """As it does under the other policy: transient ones after a pause, permanent ones to the dead letters."""

    def work(_: object, delivery: Any) -> None:
        if delivery.attempt == 1:
            raise error
        delivery.ack()

    bus = bus_with(work, ack="manual", retry=Retry(backoff=3, retry_on=ConnectionError))
    bus.run()
    assert outcomes(bus) == (["failed", "done"] if error is ConnectionError else ["dead lettered"])


@pytest.mark.parametrize(
    ("how", "ends"),
    [("ack", ["lost"]), ("nack", ["failed", "done"]), ("dead letter", ["dead lettered"]), ("reject", ["rejected"])],
)
@pytest.mark.parametrize("then", ["raises", "is killed", "crashes", "returns no event"])
def test_what_was_settled_stays_settled_whatever_comes_next(how: str, ends: list[str], then: str) -> None:
    """An ack whose work then failed is a loss; the others end as the handler said."""

    def work(order: OrderPaid, delivery: Any) -> object:
        SETTLE[how if delivery.attempt == 1 else "ack"](delivery)
        if delivery.attempt == 1:
            if then == "raises":
                raise ConnectionError("too late")
            if then == "is killed":
                pay.kill()
                pay.restart()
            if then == "crashes":
                CardProvider().charge(order.order_id, 1)
            if then == "returns no event":
                return object()
        return None

    faults = Faults(crashes=Crash("pay", "1", 1, "before card.charge") if then == "crashes" else ())
    bus = bus_with(work, ack="manual", retry=Retry(max_attempts=5), faults=faults, visibility=5)
    pay = bus._engine.subscriptions["pay"]
    bus.run()
    assert outcomes(bus) == ends
    if then == "raises" and how in ("ack", "reject"):
        assert bus.trace.deliveries[0].error == "ConnectionError: too late"


@pytest.mark.parametrize("first", SETTLE)
@pytest.mark.parametrize("second", SETTLE)
def test_a_delivery_is_settled_once(first: str, second: str) -> None:
    """The second try is told how it was settled; the first counts."""
    caught: list[SettledError] = []

    def work(_: object, delivery: Any) -> None:
        if delivery.attempt > 1:
            delivery.ack()
            return
        SETTLE[first](delivery)
        with pytest.raises(SettledError, match=f"pay cannot {second} .*: it was settled already, by {first}$") as error:
            SETTLE[second](delivery)
        caught.append(error.value)

    bus = bus_with(work, ack="manual")
    bus.run()
    assert [(error.consumer, error.how) for error in caught] == [("pay", second)]
    expected = {"ack": ["done"], "nack": ["failed", "done"], "dead letter": ["dead lettered"], "reject": ["rejected"]}
    assert outcomes(bus) == expected[first]


@pytest.mark.parametrize("how", SETTLE)
def test_when_the_handler_has_ended_its_delivery_has_ended_too(how: str) -> None:
    """Kept and settled later, be it from outside, it changes nothing: the message came back meanwhile."""
    kept: list[Delivery] = []
    bus = bus_with(lambda _, d: d.ack() if d.attempt > 1 else kept.append(d), ack="manual", visibility=9)
    for until in (5, 50):
        bus.run(until=until)
        before = ways(bus)
        with pytest.raises(SettledError, match=f"cannot {how} this delivery: the handler has ended, and the delivery"):
            SETTLE[how](kept[0])
        assert ways(bus) == before
    assert outcomes(bus) == ["failed", "done"]


@pytest.mark.parametrize("how", SETTLE)
def test_a_handler_that_settles_an_older_delivery_is_told_so_and_keeps_its_own(how: str) -> None:
    """The same consumer, at its next message: that one is not the worse for it."""
    kept: list[Delivery] = []
    told: list[str] = []

    def work(_: object, delivery: Any) -> None:
        for old in kept:
            with pytest.raises(SettledError, match="the handler has ended") as error:
                SETTLE[how](old)
            told.append(str(error.value))
        kept.append(delivery)
        delivery.ack()

    bus = bus_with(work, orders=2, ack="manual")
    bus.run()
    assert outcomes(bus) == ["done", "done"]
    assert len(told) == 1


def test_only_a_handler_that_takes_its_delivery_can_settle_it() -> None:
    """Whoever subscribes another one by hand is told what is missing."""
    bus = EventBus()
    with pytest.raises(OptionError, match=r"<lambda> cannot ack: let it take the delivery, \(event, delivery\)"):
        bus.subscribe(OrderPaid, lambda _: None, ack="manual")
    for bad in ("never", "", None, True, 1, "BEFORE"):
        with pytest.raises(OptionError, match="give one of 'before', 'after', 'manual'"):
            bus.subscribe(OrderPaid, lambda _, delivery: None, ack=bad)
    assert bus._engine.groups == {}


# --- by hand, and asleep


def test_an_async_handler_may_ack_and_go_on() -> None:
    """Acked at 1 s, busy until 4 s: nobody else gets the message, and the consumer takes no other meanwhile."""

    async def work(_: object, delivery: Any) -> ReceiptFiled:
        await sleep(1)
        delivery.ack()
        await sleep(3)
        return ReceiptFiled("1")

    bus = bus_with(work, orders=2, ack="manual", visibility=2)
    bus.run()
    assert story(bus, "acked", "done") == [
        "1.000 s  pay acked order_paid 1 before the work was done",
        "4.000 s  pay done order_paid 1",
        "5.000 s  pay acked order_paid 2 before the work was done",
        "8.000 s  pay done order_paid 2",
    ]
    assert [m.time for m in bus.trace.messages if m.type == "receipt_filed"] == [4.0, 8.0]
    assert outcomes(bus) == ["done", "done"]


def test_an_async_handler_that_nacks_hands_the_message_back_when_it_ends() -> None:
    """Until then its consumer is not free, and the message is not in the queue."""

    async def work(_: object, delivery: Any) -> None:
        if delivery.attempt == 1:
            delivery.nack()
            await sleep(5)
        else:
            delivery.ack()

    bus = bus_with(work, ack="manual")
    bus.run(until=3)
    assert outcomes(bus) == ["in flight"]
    bus.run()
    assert [(d.queued_at, d.outcome) for d in bus.trace.deliveries] == [(0.0, "failed"), (5.0, "done")]


@pytest.mark.parametrize(
    ("how", "ends"),
    [
        ("ack", ["lost"]),
        ("nack", ["failed", "queued"]),
        ("dead letter", ["dead lettered"]),
        ("reject", ["rejected"]),
        (None, ["crashed", "waiting"]),
    ],
)
def test_killed_while_it_sleeps_a_handler_leaves_its_delivery_as_it_was_settled(
    how: str | None, ends: list[str]
) -> None:
    """The kill comes in between; what was not settled comes back later."""

    async def work(_: object, delivery: Any) -> None:
        await sleep(1)
        if how is not None:
            SETTLE[how](delivery)
        await sleep(5)

    bus = bus_with(work, ack="manual")
    bus.run(until=3)
    bus._engine.subscriptions["pay"].kill()
    assert outcomes(bus) == ends
    assert bus._engine.subscriptions["pay"].workers[0].fate is None


def test_whoever_holds_a_delivery_may_settle_it_while_the_handler_sleeps() -> None:
    """Another handler, or somebody outside between two runs: it takes effect at that moment."""
    kept: list[Delivery] = []

    async def work(_: object, delivery: Any) -> None:
        kept.append(delivery)
        await sleep(10)

    bus = bus_with(work, ack="manual")
    bus.run(until=4)
    kept[0].ack()
    bus.run()
    assert story(bus, "acked", "done") == [
        "4.000 s  pay acked order_paid 1 before the work was done",
        "10.000 s  pay done order_paid 1",
    ]
    with pytest.raises(SettledError, match="the handler has ended"):
        kept[0].ack()


def test_a_delivery_may_be_settled_from_a_thread_while_the_handler_waits_for_it() -> None:
    """A thread that comes too late is told so, in that thread."""
    told: list[SettledError] = []

    def too_late(delivery: Delivery, ended: threading.Event) -> None:
        ended.wait(10)
        try:
            delivery.ack()
        except SettledError as error:
            told.append(error)

    def work(order: OrderPaid, delivery: Any) -> None:
        if order.order_id == "1":
            thread = threading.Thread(target=delivery.ack)
            thread.start()
            thread.join(10)
        else:
            thread = threading.Thread(target=too_late, args=(delivery, ended))
            thread.start()
            late.append(thread)

    ended, late = threading.Event(), []
    bus = bus_with(work, orders=2, ack="manual", delivery_limit=1)
    bus.run()
    ended.set()
    for thread in late:
        thread.join(10)
    assert outcomes(bus) == ["done", "dead lettered"]
    assert len(told) == 1


# --- by hand, and crashes


@pytest.mark.parametrize(
    ("point", "ends"),
    [
        ("before work", ["crashed", "done"]),
        ("before card.charge", ["crashed", "done"]),
        ("after card.charge", ["crashed", "done"]),
        ("before ack", ["crashed", "done"]),
        (3, ["crashed", "done"]),
        ("after ack", ["lost"]),
        (4, ["lost"]),
        ("before publish", ["lost"]),
        ("after publish", ["lost"]),
        (6, ["lost"]),
        (7, ["done"]),
    ],
)
def test_a_crash_before_the_ack_repeats_and_one_after_it_loses(point: int | str, ends: list[str]) -> None:
    """The points stand in the order of the handler's own lines."""

    def work(order: OrderPaid, delivery: Any) -> ReceiptFiled:
        CardProvider().charge(order.order_id, 100)
        delivery.ack()
        return ReceiptFiled(order.order_id)

    bus = bus_with(work, ack="manual", faults=Faults(crashes=Crash("pay", "1", 1, point)))
    bus.run()
    assert outcomes(bus) == ends


@pytest.mark.parametrize("how", ["nack", "dead letter", "reject"])
@pytest.mark.parametrize("side", ["before", "after"])
def test_every_way_of_settling_is_a_crash_point_before_and_after(how: str, side: str) -> None:
    """Before it, the delivery is as if nothing had been said; after it, it is settled."""
    faults = Faults(crashes=Crash("pay", "1", 1, f"{side} {how}"))
    bus = bus_with(lambda _, d: SETTLE[how if d.attempt == 1 else "ack"](d), ack="manual", faults=faults)
    bus.run()
    after = {"nack": ["failed", "done"], "dead letter": ["dead lettered"], "reject": ["rejected"]}
    assert outcomes(bus) == (["crashed", "done"] if side == "before" else after[how])
    assert story(bus, "is down", "is up") == ["0.000 s  pay is down", "1.000 s  pay is up"]


def test_a_handler_that_had_itself_killed_settles_nothing_any_more() -> None:
    """It is lost at the line on which it tries; the message comes back."""
    reached: list[str] = []

    def work(_: object, delivery: Any) -> None:
        if delivery.attempt == 1:
            pay.kill()
            pay.restart()
            delivery.ack()
            reached.append("the line after it")
        delivery.ack()

    bus = bus_with(work, ack="manual", visibility=5)
    pay = bus._engine.subscriptions["pay"]
    bus.run()
    assert outcomes(bus) == ["crashed", "done"]
    assert reached == []


# --- what it returns, and who is gone meanwhile


@pytest.mark.parametrize("how", [*SETTLE, None])
def test_what_a_handler_returns_is_published_however_it_settles(how: str | None) -> None:
    """Settling says what becomes of the message, returning says what it caused: under the same id at each attempt."""

    def work(_: object, delivery: Any) -> list[Any]:
        if delivery.attempt > 1:
            delivery.ack()
        elif how is not None:
            SETTLE[how](delivery)
        return [ReceiptFiled("a"), later(2, ReceiptFiled("b"))]

    bus = bus_with(work, ack="manual")
    bus.run()
    attempts = len(ways(bus))
    assert attempts == (2 if how in ("nack", None) else 1)
    ids = sorted(message.id for message in bus.trace.messages[1:])
    assert ids == ["checkout-1/pay.1"] * attempts + ["checkout-1/pay.2"] * attempts


@pytest.mark.parametrize("what", ["pause", "unsubscribe", "kill", "scale", "restart"])
@pytest.mark.parametrize("how", [*SETTLE, None])
@pytest.mark.parametrize("settled_first", [True, False])
def test_handlers_may_meddle_with_their_own_subscription_while_they_settle(
    what: str, how: str | None, settled_first: bool
) -> None:
    """The books balance after it, and when whoever is left has been brought back nothing is left undone."""

    def meddle() -> None:
        getattr(pay, what)(*([3] if what == "scale" else []))

    def work(order: OrderPaid, delivery: Any) -> ReceiptFiled:
        first = delivery.attempt == 1
        if first and not settled_first:
            meddle()
        if not first:
            delivery.ack()
        elif how is not None:
            SETTLE[how](delivery)
        if first and settled_first:
            meddle()
        return ReceiptFiled(order.order_id)

    bus = bus_with(work, orders=3, ack="manual", visibility=3)
    pay = bus._engine.subscriptions["pay"]
    for _ in range(8):
        bus.run()
        bus.trace.check_conservation()
        pay.restart()
        pay.resume()
    books = bus.trace.check_conservation()
    assert not {"in flight", "waiting", "queued"} & {*books.columns}


def test_nobody_is_left_to_take_what_is_handed_back() -> None:
    """Nacked after the last member has left, it is dropped; so is one that was never settled."""

    def work(_: object, delivery: Any) -> None:
        pay.unsubscribe()
        delivery.nack()

    bus = bus_with(work, ack="manual")
    pay = bus._engine.subscriptions["pay"]
    bus.run()
    assert outcomes(bus) == ["failed", "dropped"]


def test_members_of_a_group_may_ack_each_in_its_own_way() -> None:
    """The policy is the subscription's, not the group's."""
    bus = EventBus()
    bus.subscribe(OrderPaid, lambda _: None, name="first", group="pay", ack="before", takes=1)
    bus.subscribe(OrderPaid, lambda _, delivery: delivery.reject(), name="hand", group="pay", ack="manual", takes=1)
    bus.subscribe(OrderPaid, lambda _: None, name="last", group="pay", takes=1)
    for number in range(6):
        bus.publish(OrderPaid(str(number)))
    bus.run()
    bus.trace.check_conservation()
    assert {(d.consumer, d.outcome) for d in bus.trace.deliveries} == {
        ("first", "done"),
        ("hand", "rejected"),
        ("last", "done"),
    }
    assert len(bus.columns.acked) == 2


def test_each_early_ack_is_written_down_once_in_its_place_in_the_log() -> None:
    """Between start and end, at its own time; an ack at the end of the work leaves no record of its own."""
    bus = bus_with(lambda _, delivery: delivery.ack(), orders=3, takes=1, ack="manual")
    bus.run()
    kinds = [entry % 8 for entry in bus.columns.log]
    assert kinds.count(Record.ACKED) == 3
    assert bus.columns.acked == {0: 1_000_000, 1: 2_000_000, 2: 3_000_000}
    assert [happening.kind for happening in bus.trace.log[-3:]] == ["started", "acked", "done"]
    times = [happening.time for happening in bus.trace.log]
    assert times == sorted(times)
