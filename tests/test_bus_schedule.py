"""`EventBus(schedule=)`: which of several things comes first at one instant; whatever it chooses, books are kept."""

from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Event, EventBus, Faults, Link, Outage, Retry, Slow
from eda_lab.errors import OptionError


class TicketDrawn(Event):
    """What is published in this file."""

    number: int


def story(bus: EventBus, word: str) -> list[str]:
    """Return the lines of the transcript with a word, without their times."""
    return [line.split(" s  ")[1] for line in bus.trace.transcript().splitlines() if word in line]


class Chooser:
    """Chooses as it was told, then the first; remembers how many there were to choose from."""

    def __init__(self, *choices: int) -> None:
        self.choices, self.asked = list(choices), []

    def __call__(self, number: int) -> int:
        self.asked.append(number)
        return min(self.choices.pop(0), number - 1) if self.choices else 0


def test_a_schedule_chooses_what_comes_first_at_one_instant() -> None:
    """Two groups, one message: either is first; who is asked nothing decides nothing."""
    for choice, first in [(0, "a"), (1, "b")]:
        choose = Chooser(choice)
        bus = EventBus(schedule=choose)
        for name in "ab":
            bus.subscribe(TicketDrawn, lambda _: None, name=name)
        bus.publish(TicketDrawn(1))
        bus.run()
        assert story(bus, "acked")[0].startswith(first)
        assert min(choose.asked) >= 2
        bus.trace.check_conservation()


@pytest.mark.parametrize("choice", [2, -1, 10**30, "0", None, 0.0, True, EventBus], ids=repr)
def test_a_choice_that_is_none_stops_the_run_and_changes_nothing(choice: Any) -> None:
    """The next run asks again."""
    choices = [choice]
    bus = EventBus(schedule=lambda _: choices.pop() if choices else 0)
    for name in "ab":
        bus.subscribe(TicketDrawn, lambda _: None, name=name)
    bus.publish(TicketDrawn(1))
    with pytest.raises(OptionError, match=r"^schedule=.*: let it return a whole number from 0 to 1$"):
        bus.run()
    assert len(bus.clock.ready) == 2
    bus.run()
    assert bus.trace.check_conservation().column("done") == [1, 1]


def test_a_schedule_is_a_function() -> None:
    """The error says of what."""
    assert EventBus().clock.choose is None
    for bad in (5, "first", [0, 1]):
        with pytest.raises(
            OptionError, match=r"^schedule=.*: give a function of a number n that returns a place below n"
        ):
            EventBus(schedule=bad)


def test_a_worker_that_gets_free_is_one_of_several_things_too() -> None:
    """Whether it takes the next order up before or after another one comes in is for the schedule to say."""
    seen = set()
    for seed in range(20):
        draws = Random(seed)
        bus = EventBus(schedule=lambda number, draws=draws: int(draws.random() * number))
        bus.subscribe(TicketDrawn, lambda _: None, name="pay")
        bus.process("street", iter([TicketDrawn(1), 0, TicketDrawn(2), 0, TicketDrawn(3)]))
        bus.run()
        assert bus.trace.check_conservation().column("done") == [3]
        seen.add(tuple(happening.kind for happening in bus.trace.log))
    assert len(seen) >= 4


def test_a_schedule_brings_forward_only_what_may_happen_now() -> None:
    """Nothing that is due later, nothing after the end of the run, and nothing that no run waits for."""
    choose = Chooser(*[1] * 100)
    faults = Faults(
        outages=(Outage("pay", 50, 60), Outage("mail", 50, 60)), slow=(Slow("pay", 2, 70), Slow("mail", 2, 70))
    )
    bus = EventBus(schedule=choose, faults=faults)
    for name in ("pay", "mail"):
        bus.subscribe(TicketDrawn, lambda _: None, name=name, takes=1)
    for at in (1, 1, 2, 2):
        bus.publish(TicketDrawn(at), at=at)
    bus.run(until=1.5)
    assert (bus.clock.now, len(bus.trace.messages)) == (1.5, 2)
    bus.run()
    assert bus.clock.now == 5.0
    assert bus.trace.check_conservation().column("done") == [4, 4]
    times = [happening.time for happening in bus.trace.log]
    assert times == sorted(times)


def test_between_two_orders_of_a_worker_something_else_may_happen() -> None:
    """It is free at second 1, when a third order comes in: before it takes up the second one, or after that."""
    stories = set()
    for choices in product((0, 1), repeat=4):
        bus = EventBus(schedule=Chooser(*choices))
        bus.subscribe(TicketDrawn, lambda _: None, name="pay", takes=1)
        for number, at in [(1, 0), (2, 0), (3, 1)]:
            bus.publish(TicketDrawn(number), at=at)
        bus.run(until=1)
        bus.trace.check_conservation()
        told = [happening.text for happening in bus.trace.log if happening.time == 1]
        stories.add(tuple(text for text in told if "queued" not in text))
    acked, started, came = (
        "pay acked ticket_drawn 1",
        "pay started ticket_drawn 2",
        "checkout published ticket_drawn 3 to 1 group",
    )
    assert stories == {(acked, started, came), (acked, came, started), (came, acked, started)}


@settings(deadline=None, max_examples=60)
@given(
    choices=st.lists(st.integers(0, 5), max_size=80),
    ack=st.sampled_from(["before", "after", "manual"]),
    in_place=st.booleans(),
    rate=st.sampled_from([0.0, 0.4]),
    down=st.sampled_from([0.0, 1.0]),
)
def test_any_choice_gives_a_run_that_keeps_the_books(
    choices: list[int], ack: str, in_place: bool, rate: float, down: float
) -> None:
    """Times run forward, nothing is left undone, and the same choices make the same run."""

    def work(order: TicketDrawn, delivery: Any) -> TicketDrawn | None:
        if order.number == 2 and delivery.attempt == 1:
            raise ConnectionError
        if ack == "manual":
            delivery.ack()
        return TicketDrawn(order.number + 10) if order.number < 10 else None

    transcripts = []
    for _ in range(2):
        faults = Faults(
            rate=rate,
            point="before work",
            down=down,
            links=Link(group="pay", duplicate=0.3),
            outages=(Outage("pay", 1, 2), Outage("mail", 1, 2)),
        )
        bus = EventBus(schedule=Chooser(*choices), faults=faults, visibility=0)
        retry = Retry(in_place=in_place, backoff=1)
        bus.subscribe(TicketDrawn, work, name="pay", ack=ack, retry=retry, workers=2, delivery_limit=None)
        bus.subscribe(TicketDrawn, lambda _: None, name="mail", delivery_limit=None)
        bus.process("street", iter([TicketDrawn(1), 0, TicketDrawn(2), 1, TicketDrawn(3)]))
        bus.publish(TicketDrawn(4), expires=1)
        bus.run()
        books = bus.trace.check_conservation()
        assert not {"in flight", "waiting", "queued"} & {*books.columns}
        times = [happening.time for happening in bus.trace.log]
        assert times == sorted(times)
        transcripts.append(bus.trace.transcript())
    assert transcripts[0] == transcripts[1]
