"""The trace: what happened in a run, as a transcript, as a table, as records, and as who caused whom."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Crash, Event, EventBus, Faults, Retry, example_order, open_shop
from eda_lab.events import Message

TRANSCRIPT = """\
   0.000 s  checkout published order_placed 1 to 5 groups
   0.000 s  order_placed 1 queued for inventory
   0.000 s  order_placed 1 queued for payment
   0.000 s  order_placed 1 queued for email
   0.000 s  order_placed 1 queued for shipping
   0.000 s  order_placed 1 queued for analytics
   0.000 s  inventory started order_placed 1
   0.000 s  payment started order_placed 1
   0.000 s  email started order_placed 1
   0.000 s  shipping started order_placed 1
   0.000 s  analytics started order_placed 1
   0.100 s  analytics published order_counted checkout-1/analytics.1 to 0 groups
   0.100 s  analytics acked order_placed 1
   0.200 s  inventory published stock_reserved checkout-1/inventory.1 to 0 groups
   0.200 s  inventory acked order_placed 1
   0.300 s  email published confirmation_sent checkout-1/email.1 to 0 groups
   0.300 s  email acked order_placed 1
   0.400 s  shipping published shipping_requested checkout-1/shipping.1 to 0 groups
   0.400 s  shipping acked order_placed 1
   0.500 s  payment published payment_captured checkout-1/payment.1 to 1 group
   0.500 s  payment_captured checkout-1/payment.1 queued for ledger
   0.500 s  payment acked order_placed 1
   0.500 s  ledger started payment_captured checkout-1/payment.1
   0.600 s  ledger acked payment_captured checkout-1/payment.1"""

TABLE = """\
message           id                    consumer   attempt  queued  started  ended  outcome  error
----------------  --------------------  ---------  -------  ------  -------  -----  -------  -----
order_placed      1                     inventory        1       0        0    0.2  done
order_placed      1                     payment          1       0        0    0.5  done
order_placed      1                     email            1       0        0    0.3  done
order_placed      1                     shipping         1       0        0    0.4  done
order_placed      1                     analytics        1       0        0    0.1  done
payment_captured  checkout-1/payment.1  ledger           1     0.5      0.5    0.6  done"""


class BellRang(Event):
    """Something to react to."""

    times: int = 1


def order_bus() -> EventBus:
    """Return a bus on which the example's order was placed, its five services reacted, and a ledger in turn."""
    bus = EventBus(seed=1)
    open_shop(bus, chain=True)
    bus.subscribe("payment_captured", lambda _: None, name="ledger", takes=0.1)
    bus.publish(example_order())
    bus.run()
    return bus


def test_the_order_of_the_example_word_for_word() -> None:
    """Five services start at once; each is done when its own time is over; the ledger hears of the payment."""
    assert order_bus().trace.transcript() == TRANSCRIPT


def test_the_same_as_a_table_of_attempts() -> None:
    """One row for each copy that was delivered; in a notebook it shows as HTML."""
    table = order_bus().trace.table()
    assert str(table) == TABLE
    assert table.column("consumer") == ["inventory", "payment", "email", "shipping", "analytics", "ledger"]
    assert table._repr_html_().count("<tr>") == 7


def test_records_are_made_when_they_are_read() -> None:
    """The sequences take indices and slices as lists do, and grow while the bus runs."""
    bus = EventBus()
    deliveries, messages, log = bus.trace.deliveries, bus.trace.messages, bus.trace.log
    assert (len(deliveries), list(messages), log[:]) == (0, [], [])
    bus.subscribe(BellRang, lambda _: None, name="cat", takes=2)
    bus.publish(BellRang(1))
    bus.publish(BellRang(2))
    bus.run(until=3)
    assert (len(deliveries), len(messages)) == (2, 2)
    assert deliveries[-1] == deliveries[1] == deliveries[0:2][1]
    assert [d.message.data.times for d in deliveries[::-1]] == [2, 1]
    record = deliveries[1]
    assert (record.group, record.consumer, record.attempt, record.outcome) == ("cat", "cat", 1, "in flight")
    assert (record.queued_at, record.started_at, record.ended_at, record.error) == (0.0, 2.0, None, None)
    assert [(h.time, h.kind) for h in log[2:]] == [
        (0.0, "published"),
        (0.0, "queued"),
        (0.0, "started"),
        (2.0, "acked"),
        (2.0, "started"),
    ]
    for sequence in (deliveries, messages, log):
        with pytest.raises(IndexError):
            sequence[len(sequence)]
    assert isinstance(messages[0], Message)
    assert bus.trace.now == 3.0
    assert bus.trace.transcript(2, 4).splitlines() == bus.trace.transcript().splitlines()[2:4]


def test_failures_crashes_and_what_befell_consumers_are_told() -> None:
    """Each in one line, with the reason and the attempt."""

    def cat(bell: BellRang) -> None:
        if bell.times > 1:
            raise ValueError("too\nloud")

    bus = EventBus(faults=Faults(crashes=Crash("cat", "1", 1, "before ack")), visibility=2)
    listener = bus.subscribe(BellRang, cat, name="cat", retry=Retry(max_attempts=2))
    bus.publish(BellRang(1))
    bus.publish(BellRang(2), at=5)
    bus.publish(BellRang(1), at=8)
    bus.run(until=7)
    listener.pause()
    bus.run()
    listener.unsubscribe()
    assert bus.trace.transcript().splitlines()[3:] == [
        "   0.000 s  cat is down",
        "   0.000 s  cat crashed at bell_rang 1: crashed before ack",
        "   1.000 s  cat is up",
        "   2.000 s  bell_rang 1 queued for cat (attempt 2)",
        "   2.000 s  cat started bell_rang 1 (attempt 2)",
        "   2.000 s  cat acked bell_rang 1 (attempt 2)",
        "   5.000 s  checkout published bell_rang 2 to 1 group",
        "   5.000 s  bell_rang 2 queued for cat",
        "   5.000 s  cat started bell_rang 2",
        "   5.000 s  cat failed on bell_rang 2: ValueError: too\\nloud",
        "   6.000 s  bell_rang 2 queued for cat (attempt 2)",
        "   6.000 s  cat started bell_rang 2 (attempt 2)",
        "   6.000 s  cat dead lettered bell_rang 2 (attempt 2): ValueError: too\\nloud",
        "   7.000 s  cat is paused",
        "   8.000 s  checkout published bell_rang 3 to 1 group",
        "   8.000 s  bell_rang 3 queued for cat",
        "   8.000 s  cat dropped bell_rang 3",
    ]


def test_what_cannot_be_printed_is_written_out() -> None:
    """Nothing that a handler says breaks a line, or hides what comes after; long names are cut."""

    def shout(_: object) -> None:
        raise ValueError("\x1b[2J\r\n\u202e" + "ha" * 100)

    bus = EventBus()
    bus.subscribe("*", shout, name="a" * 100)
    bus.publish("b" * 100, {})
    bus.run()
    lines = bus.trace.transcript().splitlines()
    assert len(lines) == 4
    assert "\\x1b[2J\\r\\n\\u202e" in lines[-1]
    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) < 250


@pytest.mark.parametrize("chain", [False, True])
def test_lineage_tells_both_ways(chain: bool) -> None:
    """From the order to all that came of it, and from the payment back to the order."""
    bus = order_bus() if chain else EventBus()
    if not chain:
        open_shop(bus)
        bus.publish(example_order())
        bus.run()
    order = bus.trace.lineage("1")
    assert order.message.type == "order_placed"
    assert order.ancestors == ()
    assert len(order.descendants) == (5 if chain else 0)
    if chain:
        payment = bus.trace.lineage("checkout-1/payment.1")
        assert [m.id for m in payment.ancestors] == ["1"]
        assert payment.descendants == ()
    with pytest.raises(KeyError, match="order 2"):
        bus.trace.lineage("order 2")


def test_lineage_knows_what_came_of_a_repeat() -> None:
    """Published twice under one id, by an attempt that crashed and by the next: both copies lead to something."""
    bus = EventBus(faults=Faults(crashes=Crash("cat", "1", 1, "before ack")))

    class CatMeowed(Event):
        """It was rung for."""

    class DogBarked(Event):
        """It heard the cat."""

    bus.subscribe(BellRang, lambda _: CatMeowed(), name="cat")
    bus.subscribe(CatMeowed, lambda _: DogBarked(), name="dog")
    bus.publish(BellRang())
    bus.run()
    meow = bus.trace.lineage("checkout-1/cat.1")
    assert [m.type for m in meow.descendants] == ["dog_barked", "dog_barked"]
    assert len(bus.trace.lineage("1").descendants) == 4


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 9), st.integers(0, 3)), max_size=10))
def test_every_message_is_in_the_lineage_of_its_ancestors(plan: list[tuple[float, int]]) -> None:
    """And in nobody else's: the stories of two roots do not mix."""
    bus = EventBus()
    bus.subscribe(BellRang, lambda bell: [BellRang(bell.times - 1)] * bell.times, name="echo", takes=0.5)
    for at, times in plan:
        bus.publish(BellRang(times), at=at)
    bus.run()
    for message in bus.trace.messages:
        line = bus.trace.lineage(message.id)
        assert all(message.id in {m.id for m in bus.trace.lineage(a.id).descendants} for a in line.ancestors)
        assert {m.correlation_id for m in (*line.ancestors, *line.descendants)} <= {message.correlation_id}
        assert [m.time for m in line.descendants] == sorted(m.time for m in line.descendants)


def test_a_trace_carries_the_topology_it_was_made_on() -> None:
    """Groups in the order of subscription, with what they listen to, their handlers and workers; and who published."""
    bus = order_bus()
    assert [group.name for group in bus.trace.groups] == [
        "inventory",
        "payment",
        "email",
        "shipping",
        "analytics",
        "ledger",
    ]
    email = bus.trace.groups[2]
    assert (email.what, email.handlers, email.workers) == (("order_placed",), ("Shop.send_confirmation",), 1)
    assert bus.trace.sources == ("checkout", "analytics", "inventory", "email", "shipping", "payment")
