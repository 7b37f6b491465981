"""Consumers that are killed by hand, idle or busy, from outside or by their own handler."""

from typing import Any

import pytest

from eda_lab import Consumer, Event, EventBus, LabWarning, handles, sleep
from eda_lab.database import Database
from eda_lab.effects import MailServer


class OrderPaid(Event):
    """What the consumers of this file work on."""

    order_id: str


class ReceiptFiled(Event):
    """What they return."""

    order_id: str


def outcomes(bus: EventBus) -> list[tuple[int, str]]:
    """Return (attempt, outcome) of every delivery."""
    return [(d.attempt, d.outcome) for d in bus.trace.deliveries]


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
