"""Consumers that are lost, at a point that was planned or drawn: what they had in hand is done again."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Crash, Event, EventBus, Faults, Retry, sleep
from eda_lab.clock import Clock
from eda_lab.effects import CardProvider, MailServer
from eda_lab.faults import Crashed


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
        ("after publish", 4, 2, 2),
        ("before ack", 5, 2, 2),
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


def test_restarted_by_hand_it_is_not_restarted_by_an_earlier_crash_again() -> None:
    """Down at 1 s for ten seconds, up by hand at 2 s, down again at 4 s: that lasts until 14 s, not until 11 s."""
    crashes = (Crash("pay", "1", 1, "before work"), Crash("pay", "2", 1, "before work"))
    bus = EventBus(faults=Faults(crashes=crashes, down=10))
    pay = bus.subscribe(OrderPaid, lambda _: None, name="pay", takes=1)
    bus.publish(OrderPaid("1"))
    bus.publish(OrderPaid("2"), at=3)
    bus.run(until=2)
    pay.restart()
    bus.run()
    notes = [(time / 1e6, what) for time, _, what in bus.columns.notes]
    assert notes == [(1.0, "is down"), (2.0, "is up"), (4.0, "is down"), (14.0, "is up")]
    bus.trace.check_conservation()


@pytest.mark.parametrize("what", ["kill", "restart"])
def test_killed_or_restarted_by_hand_while_it_is_down_from_a_crash(what: str) -> None:
    """Killed, it stays down until somebody brings it back; restarted, it is up before its time."""
    bus = EventBus(faults=Faults(crashes=Crash("pay", "1", 1, "before ack"), down=5))
    pay = bus.subscribe(OrderPaid, lambda _: None, name="pay")
    bus.publish(OrderPaid("1"))
    bus.run(until=2)
    getattr(pay, what)()
    bus.run(until=20)
    notes = [(time / 1e6, what) for time, _, what in bus.columns.notes]
    assert notes == [(0.0, "is down"), *([(2.0, "is up")] if what == "restart" else [])]
    bus.trace.check_conservation()
    pay.restart()
    bus.run()
    assert outcomes(bus) == [(1, "crashed"), (2, "done")]


def test_a_crash_does_not_look_through_all_that_is_still_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a year of orders published ahead, that would take minutes; a kill by hand, which is rare, does look."""
    looked: list[object] = []
    monkeypatch.setattr(Clock, "cancel", lambda _, argument: looked.append(argument))
    bus = EventBus(wire=False, faults=Faults(rate=0.2, point="before work"))
    pay = bus.subscribe(OrderPaid, lambda _: None, name="pay", takes=0.001, workers=3)
    for number in range(500):
        bus.publish(OrderPaid(str(number)), at=number)
    bus.run()
    assert len(bus.columns.notes) > 100
    assert looked == []
    pay.workers[0].kill()
    assert looked == [pay.workers[0]]
    bus.trace.check_conservation()
