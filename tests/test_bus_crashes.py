"""Consumers that are lost, at a planned crash point or by hand: what they had in hand is done again."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Consumer, Crash, Event, EventBus, Faults, LabWarning, Retry, handles, sleep
from eda_lab.delivery import Crashed
from eda_lab.effects import CardProvider, Database, MailServer


class OrderPaid(Event):
    """What the consumers of this file work on."""

    order_id: str


class ReceiptFiled(Event):
    """What they return."""

    order_id: str


def outcomes(bus: EventBus) -> list[tuple[int, str]]:
    """Return (attempt, outcome) of every delivery."""
    return [(d.attempt, d.outcome) for d in bus.trace.deliveries]


@pytest.mark.parametrize(
    ("point", "by_number", "charges", "receipts"),
    [
        ("before work", 0, 1, 1),
        ("before card.charge", 1, 1, 1),
        ("after card.charge", 2, 2, 1),
        ("before publish", 3, 2, 1),
        ("before ack", 4, 2, 2),
    ],
)
def test_what_a_crash_repeats_depends_on_where_it_came(point: str, by_number: int, charges: int, receipts: int) -> None:
    """Before the effect nothing is done twice; after it the charge is; before the ack what was published is, too."""
    for where in (point, by_number):
        card = CardProvider()

        def pay(order: OrderPaid, card: CardProvider = card) -> ReceiptFiled:
            card.charge(order.order_id, 100)
            return ReceiptFiled(order.order_id)

        bus = EventBus(faults=Faults(crashes=Crash("pay", "1", 1, where), down=5), visibility=30)
        bus.subscribe(OrderPaid, pay, name="pay", takes=2)
        bus.publish(OrderPaid("12345"))
        bus.run()
        assert outcomes(bus) == [(1, "crashed"), (2, "done")]
        first, second = bus.trace.deliveries
        assert (first.ended_at, first.error) == (2.0, f"crashed {point}")
        assert (second.queued_at, second.started_at, second.ended_at) == (30.0, 30.0, 32.0)
        assert len(card.charges) == charges
        copies = [m.id for m in bus.trace.messages if m.type == "receipt_filed"]
        assert copies == ["checkout-1/pay.1"] * receipts  # a repeat can be recognised by its id
        assert [(time, what) for time, _, what in bus.columns.notes] == [(2_000_000, "is down"), (7_000_000, "is up")]
        bus.trace.check_conservation()


def test_nothing_holds_up_a_crash() -> None:
    """Neither what stands in `finally`, nor a bare `except`, nor an error raised on the way out."""
    card, mail = CardProvider(), MailServer()

    def finally_mail(_: object) -> None:
        try:
            card.charge("1", 100)
        finally:
            mail.send("USER001", "charged")

    def swallow(_: object) -> None:
        try:
            card.charge("1", 100)
        except:  # noqa: E722 - what a learner writes
            return

    def disguise(_: object) -> None:
        try:
            card.charge("1", 100)
        except BaseException as error:
            raise ValueError("the card?") from error

    async def hide(_: object) -> None:
        try:
            card.charge("1", 100)
        except BaseException:  # noqa: BLE001
            await sleep(1)

    handlers: list[Callable[..., Any]] = [finally_mail, swallow, disguise, hide]
    names = [handler.__name__ for handler in handlers]
    bus = EventBus(faults=Faults(rate=1, point="before card.charge", consumers=tuple(names)))
    for name, handler in zip(names, handlers, strict=True):
        bus.subscribe(OrderPaid, handler, name=name)
    bus.publish(OrderPaid("1"))
    bus.run(until=1)
    assert [d.error for d in bus.trace.deliveries[:4]] == ["crashed before card.charge"] * 4
    assert (card.charges, mail.sent) == ([], [])
    bus.trace.check_conservation()


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 999), rate=st.floats(0, 0.7))
def test_drawn_crashes_happen_as_the_faults_say(seed: int, rate: float) -> None:
    """Each message is tried until the first attempt for which no crash was drawn."""
    faults = Faults(rate=rate, point="before work", down=0)
    bus = EventBus(seed=seed, faults=faults)
    bus.subscribe(OrderPaid, lambda _: None, name="pay", workers=2, takes=0.1)
    for number in range(1, 6):
        bus.publish(OrderPaid(str(number)))
    bus.run()
    for number in map(str, range(1, 6)):
        tries = [d.outcome for d in bus.trace.deliveries if d.message.id == number]
        lucky = next(n for n in range(1, 1000) if faults.where(seed, "pay", number, n) is None)
        assert tries == ["crashed"] * (lucky - 1) + ["done"]
    bus.trace.check_conservation()


def test_a_consumers_memory_is_lost_and_its_database_is_not() -> None:
    """A consumer class is built for each worker, and anew after each crash or kill."""
    built: list[Consumer] = []
    db = Database(totals={"orders": 0})

    class Counting(Consumer):
        def __init__(self) -> None:
            self.seen: list[str] = []
            built.append(self)

        @handles(OrderPaid)
        def count(self, order: OrderPaid) -> None:
            self.seen.append(order.order_id)
            with db.transaction() as tables:
                tables["totals"]["orders"] += 1

    bus = EventBus()
    count = bus.subscribe(OrderPaid, Counting, name="count", workers=2)
    for number in range(4):
        bus.publish(OrderPaid(str(number)))
    bus.run()
    assert [consumer.seen for consumer in built] == [["0", "2"], ["1", "3"]]
    count.workers[0].kill()
    count.workers[0].restart()
    bus.publish(OrderPaid("4"))
    bus.publish(OrderPaid("5"))
    bus.run()
    assert [consumer.seen for consumer in built] == [["0", "2"], ["1", "3", "4"], ["5"]]
    assert db.table("totals")["orders"] == 6


def test_a_killed_consumers_work_comes_back_after_the_visibility_timeout() -> None:
    """Counted from when it was taken; a kill before its end leaves nothing behind; an idle one loses nothing."""
    done: list[str] = []
    bus = EventBus(visibility=10)
    pay = bus.subscribe(OrderPaid, lambda order: done.append(order.order_id), name="pay", takes=4)
    bus.publish(OrderPaid("1"))
    bus.publish(OrderPaid("2"))
    bus.run(until=3)
    pay.kill()
    pay.kill()  # dead is dead
    assert (repr(pay.workers[0]), bus.trace.check_conservation().column("waiting")) == ("<pay: down>", [1])
    bus.run(until=20)
    assert (done, outcomes(bus)) == ([], [(1, "crashed"), (1, "queued"), (2, "queued")])
    pay.restart()
    pay.restart()
    bus.run()
    assert done == ["2", "1"]
    assert [(d.queued_at, d.started_at) for d in bus.trace.deliveries] == [(0.0, 0.0), (0.0, 20.0), (10.0, 24.0)]
    pay.kill()
    pay.restart()
    assert len(bus.trace.deliveries) == 3


def test_killed_after_the_timeout_it_comes_back_at_once() -> None:
    """A service that takes longer than the timeout is not interrupted by it here."""
    bus = EventBus(visibility=1)
    pay = bus.subscribe(OrderPaid, lambda _: None, name="pay", takes=100)
    bus.publish(OrderPaid("1"))
    bus.run(until=50)
    pay.kill()
    bus.run()
    assert [(d.outcome, d.queued_at) for d in bus.trace.deliveries] == [("crashed", 0.0), ("queued", 50.0)]


def test_killed_in_the_middle_of_publishing_it_publishes_all_again_under_the_same_ids() -> None:
    """Step by step: two of three are out when it dies; after its return all three come, so two came twice."""
    bus = EventBus(visibility=5)
    pay = bus.subscribe(OrderPaid, lambda order: [ReceiptFiled(f"{order.order_id}{c}") for c in "abc"], name="pay")
    bus.publish(OrderPaid("7"))
    while len(bus.trace.messages) < 3:
        bus.step()
    pay.kill()
    assert bus.trace.check_conservation().column("waiting") == [1]
    pay.restart()
    bus.run()
    assert outcomes(bus) == [(1, "crashed"), (2, "done")]
    ids = [m.id.rpartition(".")[2] + m.data.order_id for m in bus.trace.messages[1:]]
    assert ids == ["17a", "27b", "17a", "27b", "37c"]


def test_a_crash_does_not_use_up_retries_but_counts_as_an_attempt() -> None:
    """A message that comes back from a lost consumer has one attempt less to fail in."""

    def fail(_: object) -> None:
        raise ConnectionError

    bus = EventBus(faults=Faults(crashes=Crash("pay", "1", 1, "before work")))
    bus.subscribe(OrderPaid, fail, name="pay", retry=Retry(max_attempts=3))
    bus.publish(OrderPaid("1"))
    bus.run()
    assert outcomes(bus) == [(1, "crashed"), (2, "failed"), (3, "dead lettered")]


def test_one_that_is_leaving_can_still_crash() -> None:
    """Scaled away while busy, it crashes at its last delivery; another one finishes that, and it does not come back."""
    bus = EventBus(faults=Faults(crashes=Crash("pay", "2", 1, "before ack"), down=1))
    pay = bus.subscribe(OrderPaid, lambda _: None, name="pay", workers=2, takes=3)
    bus.publish(OrderPaid("1"))
    bus.publish(OrderPaid("2"))
    bus.run(until=1)
    pay.scale(1)
    bus.run()
    assert [(d.consumer, d.attempt, d.outcome) for d in bus.trace.deliveries] == [
        ("pay", 1, "done"),
        ("pay-2", 1, "crashed"),
        ("pay", 2, "done"),
    ]
    bus.trace.check_conservation()


def test_a_crash_while_it_sleeps_ends_an_async_handler_for_good() -> None:
    """What stands in its `finally` reaches nothing outside, not even if it will not be ended."""
    mail = MailServer()

    async def stubborn(_: object) -> None:
        try:
            await sleep(10)
            mail.send("USER001", "slept")
        finally:
            mail.send("USER001", "woken")
            await sleep(10)

    async def deaf(_: object) -> None:
        try:
            await sleep(10)
        except BaseException:  # noqa: BLE001
            await sleep(10)

    for handler in (stubborn, deaf):
        bus = EventBus(visibility=20)
        pay = bus.subscribe(OrderPaid, handler, name="pay")
        bus.publish(OrderPaid("1"))
        bus.run(until=5)
        pay.kill()
        bus.run(until=19)
        assert mail.sent == []
        assert outcomes(bus) == [(1, "crashed"), (2, "waiting")]
        bus.trace.check_conservation()


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("comes_back", [False, True])
@pytest.mark.parametrize("ends", ["returns", "raises", "publishes", "sleeps"])
def test_a_handler_that_has_its_own_consumer_killed_is_lost_at_that_line(
    is_async: bool, comes_back: bool, ends: str
) -> None:
    """What it returns, raises or publishes after that is nobody's any more; the delivery comes back."""
    bus = EventBus(visibility=9)

    def work(_: object, delivery: Any) -> ReceiptFiled | None:
        if delivery.attempt > 1:
            return None
        pay.kill()
        if comes_back:
            pay.restart()
        if ends == "raises":
            raise ValueError
        if ends == "publishes":
            bus.publish(ReceiptFiled("lost"))
        return ReceiptFiled("lost")

    async def work_async(event: object, delivery: Any) -> ReceiptFiled | None:
        await sleep(1)
        result = work(event, delivery)
        if ends == "sleeps":
            await sleep(5)
        return result

    pay = bus.subscribe(OrderPaid, work_async if is_async else work, name="pay")
    bus.publish(OrderPaid("1"))
    if ends == "publishes":
        with pytest.warns(LabWarning):
            bus.run()
    else:
        bus.run()
    assert len(bus.trace.messages) == 1
    assert outcomes(bus) == [(1, "crashed"), (2, "done" if comes_back else "queued")]
    bus.trace.check_conservation()
    pay.restart()
    bus.run()
    assert outcomes(bus) == [(1, "crashed"), (2, "done")]


def test_a_crash_raised_by_hand_is_a_crash_like_any_other() -> None:
    """Without any faults the consumer is down for a second, as it would be with `Faults()`."""
    bus = EventBus(visibility=2)

    def pay(_: object, delivery: Any) -> None:
        if delivery.attempt == 1:
            raise Crashed("here")

    bus.subscribe(OrderPaid, pay, name="pay")
    bus.publish(OrderPaid("1"))
    bus.run()
    assert [(d.outcome, d.error) for d in bus.trace.deliveries] == [("crashed", "crashed here"), ("done", None)]
    assert [time for time, *_ in bus.columns.notes] == [0, 1_000_000]
