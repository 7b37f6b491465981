"""What acts by itself: producers, checkouts and relays; how they crash, come back, and wait in the background."""

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from eda_lab import Crash, Event, EventBus, Faults, later, with_id
from eda_lab.database import Database
from eda_lab.effects import CardProvider
from eda_lab.errors import DuplicateNameError, HandlerError, NotAnEventError, OptionError
from eda_lab.faults import Crashed


class CustomerCame(Event):
    """What the processes of this file publish."""

    number: int


def orders(bus: EventBus) -> list[tuple[int, float]]:
    """Return (number, second) of all that was published, after a look at the books."""
    bus.trace.check_conservation()
    return [(message.data.number, message.time) for message in bus.trace.messages]


def notes(bus: EventBus) -> list[tuple[float, str]]:
    """Return what happened to consumers and processes, and when."""
    return [(us / 1e6, f"{who} {what}") for us, who, what in bus.columns.notes]


def street() -> Iterator[Any]:
    """Publish at 0, 2 and 5 seconds."""
    for number, pause in [(1, 2), (2, 3.0), (3, 0)]:
        yield CustomerCame(number)
        yield pause


# --- what can be one


@pytest.mark.parametrize("things", [street, street(), iter(list(street())), lambda: iter(list(street()))])
@pytest.mark.parametrize("faults", [None, Faults()])
@pytest.mark.parametrize("background", [False, True])
def test_a_process_is_a_generator_or_the_function_that_makes_one(
    things: Any, faults: Faults | None, background: bool
) -> None:
    """It yields seconds or events; its name is the source of what it publishes."""
    things = street() if hasattr(things, "__next__") and not callable(things) else things
    bus = EventBus(faults=faults)
    bus.process("street", things, background=background)
    bus.run(until=10)
    assert orders(bus) == [(1, 0.0), (2, 2.0), (3, 5.0)]
    assert {message.source for message in bus.trace.messages} == {"street"}
    assert [message.id for message in bus.trace.messages] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("things", "words"),
    [
        (None, "is no generator: give a function that yields events or seconds"),
        (5, "is no generator"),
        ([1.0], "is no generator"),
        (lambda: None, "is no generator"),
        (lambda: [1.0], "is no generator"),
        (lambda place: iter([place]), "makes no generator by itself: missing a required argument: 'place'"),
    ],
)
def test_what_is_no_process_is_refused_at_once(things: Any, words: str) -> None:
    """And its name is free again."""
    bus = EventBus()
    with pytest.raises(HandlerError, match=words):
        bus.process("street", things)
    bus.process("street", street)
    with pytest.raises(DuplicateNameError, match="give the process another name"):
        bus.process("street", street)
    for name in ("", " ", "two\nlines", None, 5):
        with pytest.raises(OptionError, match="process="):
            bus.process(name, street)


@pytest.mark.parametrize("faults", [None, Faults()])
@pytest.mark.parametrize(
    "thing",
    [None, "order", True, float("nan"), -1, 1e300, later(1, CustomerCame(1)), with_id("a", 5), [CustomerCame(1)]],
    ids=lambda thing: type(thing).__name__,
)
def test_what_it_must_not_yield_stops_the_run_and_leaves_the_bus_usable(thing: Any, faults: Faults | None) -> None:
    """Whoever runs the bus is told; the process is gone, the rest goes on."""
    bus = EventBus(faults=faults)
    bus.process("street", iter([CustomerCame(1), thing, CustomerCame(2)]))
    bus.process("lane", iter([5, CustomerCame(3)]))
    with pytest.raises((NotAnEventError, OptionError)):
        bus.run()
    bus.run()
    assert orders(bus) == [(1, 0.0), (3, 5.0)]


@pytest.mark.parametrize("faults", [None, Faults(rate=0.5)])
def test_an_error_of_its_own_reaches_whoever_runs_the_bus(faults: Faults | None) -> None:
    """It is a scenario that is wrong, not a consumer."""

    def wrong() -> Iterator[Any]:
        yield CustomerCame(1)
        yield 1
        raise ValueError("boom")

    bus = EventBus(faults=faults)
    bus.process("street", wrong)
    with pytest.raises(ValueError, match="boom"):
        bus.run()
    bus.run()
    assert (orders(bus), bus.clock.now) == ([(1, 0.0)], 1.0)


# --- ids


@pytest.mark.parametrize("faults", [None, Faults()])
def test_a_process_may_publish_under_an_id_of_its_own(faults: Faults | None) -> None:
    """The same at each repeat; what it causes downstream has it in its id, too."""
    bus = EventBus(faults=faults)
    bus.subscribe(
        CustomerCame, lambda order: CustomerCame(order.number + 10) if order.number < 10 else None, name="pay"
    )
    bus.process(
        "relay", iter([with_id("outbox-7", CustomerCame(7)), with_id("outbox-7", CustomerCame(7)), CustomerCame(8)])
    )
    bus.run()
    assert [message.id for message in bus.trace.messages] == [
        "outbox-7",
        "outbox-7",
        "3",
        "relay-outbox-7/pay.1",
        "relay-outbox-7/pay.1",
        "relay-3/pay.1",
    ]
    lineage = bus.trace.lineage("outbox-7")
    assert [message.id for message in lineage.descendants] == ["relay-outbox-7/pay.1"] * 2
    assert {m.correlation_id for m in bus.trace.messages} == {"outbox-7", "3"}


def test_publish_takes_an_id_too() -> None:
    """Now, later, and for a topic; it is text on one line, and without it they are counted."""
    bus = EventBus()
    bus.subscribe("*", lambda _: None, name="all")
    assert bus.publish(CustomerCame(1), id="a").id == "a"
    assert bus.publish("topic", {}, id="b", delay=5).id == "b"
    assert bus.publish(CustomerCame(1)).id == "3"
    for bad in ("", "two\nlines", 5, b"a", True):
        with pytest.raises(OptionError, match=r"^id=.*: give an id, as text on one line"):
            bus.publish(CustomerCame(1), id=bad)
    bus.run()
    assert [message.id for message in bus.trace.messages] == ["a", "3", "b"]
    bus.trace.check_conservation()


# --- crashes


@pytest.mark.parametrize(
    ("point", "by_number", "charges", "published"),
    [
        ("before card.charge", 0, [1, 3, 4], [1, 3, 4]),
        ("after card.charge", 1, [1, 2, 3, 4], [1, 3, 4]),
        ("before publish", 2, [1, 2, 3, 4], [1, 3, 4]),
        ("after publish", 3, [1, 2, 3, 4], [1, 2, 3, 4]),
        ("before work", 4, [1, 2, 3, 4], [1, 2, 3, 4]),  # there is no such point in a process
    ],
)
def test_a_step_has_its_effects_and_its_publishing_as_crash_points(
    point: str, by_number: int, charges: list[int], published: list[int]
) -> None:
    """After the crash the function begins anew; its customers are in the street, not in its memory."""
    for where in (point, by_number):
        card, customers = CardProvider(), iter(range(1, 5))

        def checkout(card: CardProvider = card, customers: Iterator[int] = customers) -> Iterator[Any]:
            for number in customers:
                card.charge(str(number), number)
                yield CustomerCame(number)

        bus = EventBus(faults=Faults(crashes=Crash("checkout", "2", 1, where), down=2.5))
        bus.process("checkout", checkout)
        bus.run()
        crashed = point != "before work"
        assert [charge.amount_cents for charge in card.charges] == charges
        assert [number for number, _ in orders(bus)] == published
        assert notes(bus) == ([(0.0, f"checkout crashed {point}"), (2.5, "checkout is up")] if crashed else [])
        assert bus.clock.now == (2.5 if crashed else 0.0)


def test_steps_are_counted_on_over_a_crash_and_each_listed_crash_comes_once() -> None:
    """From "1", whatever the steps do: wait, publish, or end."""
    for step in range(1, 9):
        bus = EventBus(faults=Faults(crashes=Crash("street", str(step), 1, "before publish"), down=0))
        bus.process("street", street)
        bus.run()
        crashes = step in (1, 3, 5)  # the others do not publish
        assert len(notes(bus)) == (2 if crashes else 0)
        assert [number for number, _ in orders(bus)] == [*range(1, (step + 1) // 2 if crashes else 1), 1, 2, 3]


def test_given_as_a_generator_it_is_gone_after_a_crash() -> None:
    """Nobody can make it anew."""
    bus = EventBus(faults=Faults(crashes=Crash("street", "3", 1, "before publish")))
    bus.process("street", street())
    bus.run()
    assert orders(bus) == [(1, 0.0)]
    assert notes(bus) == [(2.0, "street crashed before publish")]


def test_what_it_forgot_is_what_was_in_its_memory() -> None:
    """A generator function starts from its first line; a database keeps what was committed."""
    db = Database(placed={})

    def checkout() -> Iterator[Any]:
        while len(db.table("placed")) < 4:
            number = len(db.table("placed")) + 1
            with db.transaction() as tables:
                tables["placed"][number] = "placed"
            yield CustomerCame(number)
            yield 1

    bus = EventBus(faults=Faults(crashes=Crash("checkout", "3", 1, "after db.commit"), down=1))
    bus.process("checkout", checkout)
    bus.run()
    assert orders(bus) == [(1, 0.0), (3, 2.0), (4, 3.0)]  # the second one is in the database, and nobody heard of it
    assert len(db.table("placed")) == 4


def test_what_stands_in_its_finally_reaches_nothing_outside() -> None:
    """And neither a bare `except` nor a `finally` that yields holds the crash up."""
    card = CardProvider()

    def swallows() -> Iterator[Any]:
        try:
            card.charge("1", 1)
        except BaseException:  # noqa: BLE001
            yield CustomerCame(1)

    def clings() -> Iterator[Any]:
        try:
            yield CustomerCame(2)
        finally:
            card.charge("2", 2)
            yield CustomerCame(3)

    for process, point in [(swallows, "before card.charge"), (clings, "before publish")]:
        bus = EventBus(faults=Faults(crashes=Crash("checkout", "1", 1, point), down=100))
        bus.process("checkout", process)
        bus.run(until=50)
        assert orders(bus) == []
        assert card.charges == []
        assert notes(bus) == [(0.0, f"checkout crashed {point}")]


def test_a_rate_is_drawn_for_each_step_and_only_for_those_who_are_named() -> None:
    """Who crashes depends on the seed, the name and the step alone."""

    def producer(customers: Iterator[int]) -> Callable[[], Iterator[Any]]:
        return lambda: (CustomerCame(number) for number in customers)

    for consumers in (None, "till", ("checkout", "till")):
        faults = Faults(rate=0.2, point="after publish", consumers=consumers, down=1)
        bus = EventBus(seed=5, faults=faults)
        bus.process("checkout", producer(iter(range(100))))
        bus.process("till", producer(iter(range(100, 200))))
        bus.run()
        assert sorted(number for number, _ in orders(bus)) == list(range(200))
        crashed = [what for _, what in notes(bus) if "crashed" in what]
        for name in ("checkout", "till"):
            drawn = sum(faults.where(5, name, str(step), 1, process=True) is not None for step in range(1, 101))
            happened = crashed.count(f"{name} crashed after publish")
            assert happened == drawn
            assert (happened > 5) == (name in (consumers or ()))


def test_a_crash_of_one_process_changes_nothing_in_another() -> None:
    """The counterfactual, on two runs: same times, same events, and consumers that do the same."""

    def run(*crashes: Crash) -> EventBus:
        bus = EventBus(seed=1, faults=Faults(crashes=crashes, rate=0.3, consumers="pay"))
        bus.subscribe(CustomerCame, lambda _: None, name="pay", takes=lambda rng: rng.random())
        bus.process("street", street)
        bus.process("lane", iter([9.0, with_id("a", CustomerCame(9))]))
        bus.run(until=100)
        return bus

    sound, troubled = run(), run(Crash("lane", "2", 1, "before publish"))
    street_of = [[(m.id, m.time) for m in bus.trace.messages if m.source == "street"] for bus in (sound, troubled)]
    assert street_of[0] == street_of[1] != []
    assert [d.outcome for d in sound.trace.deliveries[:3]] == [d.outcome for d in troubled.trace.deliveries[:3]]
    assert run(Crash("lane", "2", 1, "before publish")).trace.transcript() == troubled.trace.transcript()


@pytest.mark.parametrize("faults", [None, Faults(down=3)])
def test_a_crash_raised_by_hand_is_a_crash_like_any_other(faults: Faults | None) -> None:
    """Without any faults the process is down for a second."""
    lives = iter([True, False])

    def checkout() -> Iterator[Any]:
        yield CustomerCame(1)
        if next(lives):
            raise Crashed("here")
        yield CustomerCame(2)

    bus = EventBus(faults=faults)
    bus.process("checkout", checkout)
    bus.run()
    assert notes(bus) == [(0.0, "checkout crashed here"), (3.0 if faults else 1.0, "checkout is up")]
    assert [number for number, _ in orders(bus)] == [1, 1, 2]


def test_one_that_is_down_keeps_the_run_going() -> None:
    """Also in the background: the relay must come back."""
    bus = EventBus(faults=Faults(crashes=Crash("relay", "1", 1, "before publish"), down=20))
    bus.process("relay", lambda: iter([CustomerCame(1)]), background=True)
    bus.run(until=5)
    assert bus.clock.has_work()
    bus.run()
    assert orders(bus) == [(1, 20.0)]


# --- in the background


class Relay:
    """Publishes what stands in its rows, and looks again every second, for ever."""

    def __init__(self, bus: EventBus, name: str = "relay", every: float = 1.0) -> None:
        self.rows: list[int] = []
        self.looks: list[float] = []
        self.bus, self.every = bus, every
        bus.process(name, self.act, background=True)

    def act(self) -> Iterator[Any]:
        while True:
            self.looks.append(self.bus.clock.now)
            while self.rows:
                yield CustomerCame(self.rows.pop(0))
            yield self.every


def test_a_run_ends_when_the_relay_has_looked_again_and_found_nothing() -> None:
    """It looks once more after everything that happened; then it would look for ever."""
    bus = EventBus()
    relay = Relay(bus)
    bus.subscribe(CustomerCame, lambda _: None, name="pay", takes=2.5)
    bus.run()
    assert relay.looks == [0.0]
    bus.publish(CustomerCame(1))
    bus.run()
    assert (relay.looks, bus.clock.now) == ([0.0, 1.0, 2.0, 3.0], 3.0)
    assert not bus.clock.has_work()
    assert bus.step() is None


def test_each_run_lets_a_relay_look_once_at_what_was_done_by_hand() -> None:
    """Between two runs somebody wrote a row of which the bus knows nothing."""
    bus = EventBus()
    relay = Relay(bus)
    bus.run()
    relay.rows.append(7)
    bus.run()
    assert orders(bus) == [(7, 1.0)]
    bus.run()
    assert relay.rows == []


def test_up_to_a_second_it_looks_as_often_as_it_does() -> None:
    """`run(until=)` is about time, whoever waits; `max_events` counts its looks among the things that are done."""
    bus = EventBus()
    relay = Relay(bus)
    bus.run(until=4.5)
    assert (relay.looks, bus.clock.now) == ([0.0, 1.0, 2.0, 3.0, 4.0], 4.5)
    assert bus.clock.has_work(until=5)
    assert not bus.clock.has_work(until=4.9)

    bus = EventBus()
    relay = Relay(bus)
    bus.publish(CustomerCame(1))
    for _ in range(20):
        bus.run(max_events=1)
    assert len(relay.looks) <= 3
    assert not bus.clock.has_work()


def test_what_a_foreground_process_does_without_a_word_is_found_by_the_relay() -> None:
    """A checkout writes rows and publishes nothing; every row goes out, and the run ends."""
    bus = EventBus()
    relay = Relay(bus, every=0.4)

    def checkout() -> Iterator[Any]:
        for number in range(5):
            relay.rows.append(number)
            yield 1

    bus.process("checkout", checkout)
    bus.run()
    assert [number for number, _ in orders(bus)] == [0, 1, 2, 3, 4]
    assert relay.rows == []
    assert bus.clock.now < 7


def test_two_relays_do_not_keep_each_other_awake() -> None:
    """Nor do ten; and one that passes rows on to the other has them passed on before the end."""
    bus = EventBus()
    relays = [Relay(bus, f"relay {n}", every=0.5 + n / 10) for n in range(10)]
    bus.subscribe(CustomerCame, lambda order: relays[1].rows.append(order.number + 1) if order.number == 1 else None)
    relays[0].rows.append(1)
    bus.run()
    assert [number for number, _ in orders(bus)] == [1, 2]
    assert bus.clock.now < 5


def test_two_relays_that_wake_at_one_instant_are_no_reason_to_go_on_either() -> None:
    """Not even where a schedule chooses who is first."""
    for schedule in (None, lambda n: n - 1):
        bus = EventBus(schedule=schedule)
        relays = [Relay(bus, f"relay {n}") for n in range(3)]
        bus.run()
        assert (bus.clock.now, [relay.looks for relay in relays]) == (0.0, [[0.0]] * 3)


def test_one_that_ends_by_itself_is_over() -> None:
    """In the background or not."""
    bus = EventBus()
    bus.process("street", street, background=True)
    bus.run()
    bus.run(until=10)
    assert len(orders(bus)) == 3
    assert not bus.clock.agenda


# --- steps, and Ctrl-C


@pytest.mark.parametrize("faults", [None, Faults()])
@pytest.mark.parametrize("background", [False, True])
def test_step_by_step_or_in_slices_it_is_the_same_run(faults: Faults | None, background: bool) -> None:
    """Nothing is left out between two steps."""

    def bus_of(faults: Faults | None) -> EventBus:
        bus = EventBus(faults=faults)
        bus.subscribe(CustomerCame, lambda _: None, name="pay", takes=0.5)
        bus.process("street", street, background=background)
        return bus

    whole, stepped, sliced = (bus_of(faults) for _ in range(3))
    whole.run(until=20)
    while stepped.step() is not None:
        pass
    while sliced.clock.has_work():
        sliced.run(max_events=1)
    assert stepped.trace.transcript() == sliced.trace.transcript()
    assert whole.trace.transcript().startswith(stepped.trace.transcript())
    assert len(orders(stepped)) == 3 or background


@pytest.fixture
def terminal() -> Iterator[None]:
    """Let Ctrl-C do what it does in a terminal and in a notebook, however the tests were started."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(
    "faults", [None, Faults(), Faults(rate=0.4, consumers="street", point="after publish", down=0)]
)
@pytest.mark.parametrize("background", [False, True])
def test_ctrl_c_comes_between_two_steps_and_the_process_goes_on_afterwards(
    faults: Faults | None, background: bool
) -> None:
    """Even if it yields events without a pause; none is left out, and none comes twice."""
    customers = iter(range(1, 21))

    def pressing() -> Iterator[Any]:
        for number in customers:
            if number % 5 == 0:
                signal.raise_signal(signal.SIGINT)
            yield CustomerCame(number)

    bus = EventBus(faults=faults)
    bus.subscribe(CustomerCame, lambda _: None, name="pay")
    bus.process("street", pressing, background=background)
    stops = 0
    for _ in range(30):
        try:
            bus.run(until=100)
        except KeyboardInterrupt:
            stops += 1
            bus.trace.check_conservation()
    assert stops == 4
    assert [number for number, _ in orders(bus)] == list(range(1, 21))
    assert [d.outcome for d in bus.trace.deliveries] == ["done"] * 20


# --- publishing from where one does not expect it


def test_an_effect_that_publishes_does_so_at_once_whoever_called_it() -> None:
    """A card provider with a bus of its own to tell; a crash after the call leaves what was published."""

    class TellingCard(CardProvider):
        def charge(self, order_id: str, amount_cents: int, key: str | None = None) -> Any:
            charge = super().charge(order_id, amount_cents, key)
            bus.publish(CustomerCame(-amount_cents), source="bank")
            return charge

    card, customers = TellingCard(), iter(range(1, 4))

    def checkout() -> Iterator[Any]:
        for number in customers:
            card.charge(str(number), number)
            yield CustomerCame(number)

    bus = EventBus(faults=Faults(crashes=Crash("checkout", "2", 1, "before publish")))
    bus.subscribe(CustomerCame, lambda _: None, name="pay")
    bus.process("checkout", checkout)
    bus.run()
    assert [number for number, _ in orders(bus)] == [-1, 1, -2, -3, 3]
    assert [m.source for m in bus.trace.messages] == ["bank", "checkout", "bank", "bank", "checkout"]


def test_a_process_may_be_started_while_others_run() -> None:
    """By a handler, or by another process."""
    bus = EventBus()
    bus.subscribe(CustomerCame, lambda order: bus.process(f"lane {order.number}", iter([1])), name="pay")
    bus.process("street", street)
    bus.run()
    assert len(orders(bus)) == 3
    assert set(bus._processes) == {"street", "lane 1", "lane 2", "lane 3"}
