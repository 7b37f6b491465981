"""Consumers with a memory: a class with a method for each kind of event, built for each worker and after each crash."""

from dataclasses import dataclass
from typing import Any

import pytest

from eda_lab import Consumer, Crash, Delivery, DirectBus, Event, EventBus, Faults, handles, sleep
from eda_lab.errors import HandlerError, OptionError


class GuestArrived(Event):
    """Somebody came in."""

    name: str


class FriendArrived(GuestArrived):
    """And it was a friend."""


class GuestLeft(Event):
    """Somebody went home."""

    name: str


@dataclass
class ParcelBrought:
    """A plain dataclass."""

    to: str


@dataclass
class LargeParcelBrought(ParcelBrought):
    """One that is derived from another."""


DIARY: list[Any] = []


@pytest.fixture(autouse=True)
def _new_diary() -> None:
    DIARY.clear()


class Host(Consumer):
    """Counts who is there."""

    def __init__(self) -> None:
        self.guests = 0

    @handles(GuestArrived)
    def greet(self, event: GuestArrived) -> None:
        """Greet."""
        self.guests += 1
        DIARY.append(("greet", event.name, self.guests))

    @handles(("guest_left", "party_*"))
    def part(self, event: Any, delivery: Delivery) -> None:
        """Say goodbye."""
        self.guests -= 1
        DIARY.append((delivery.message.type, delivery.attempt, self.guests))


def test_a_consumer_says_what_it_listens_to() -> None:
    """In the order of its methods; that is what a bus is given."""
    assert Host.listens_to == ("guest_arrived", "guest_left", "party_*")
    assert Consumer.listens_to == ()


@pytest.mark.parametrize("bus_class", [DirectBus, EventBus])
def test_each_event_goes_to_the_method_that_handles_its_type(bus_class: Any) -> None:
    """By class, by base class, by topic, by pattern; with the delivery where the method asks for it."""
    bus = bus_class()
    bus.subscribe(Host.listens_to, Host)
    bus.publish(GuestArrived("Ann"))
    bus.publish(FriendArrived("Bob"))
    bus.publish("guest_left", {"name": "Ann"})
    bus.publish(GuestLeft("Bob"))
    bus.publish("party_over", None)
    bus.settle()
    assert DIARY == [
        ("greet", "Ann", 1),
        ("greet", "Bob", 2),
        ("guest_left", 1, 1),
        ("guest_left", 1, 0),
        ("party_over", 1, -1),
    ]
    assert bus.dead_letters() == []


@pytest.mark.parametrize("bus_class", [DirectBus, EventBus])
def test_a_plain_dataclass_finds_the_method_for_its_base(bus_class: Any) -> None:
    """No bus knows its class by name, so the object itself is asked."""

    class Doorman(Consumer):
        @handles(ParcelBrought)
        def sign(self, parcel: ParcelBrought) -> None:
            DIARY.append(parcel)

    bus = bus_class()
    bus.subscribe(Doorman.listens_to, Doorman)
    bus.publish(LargeParcelBrought("Ann"))
    bus.settle()
    assert [LargeParcelBrought("Ann")] == DIARY


def test_each_worker_has_a_consumer_of_its_own() -> None:
    """They compete for the events, so neither has counted all of them."""
    bus = EventBus()
    bus.subscribe(Host.listens_to, Host, workers=2, takes=1.0)
    for name in ("Ann", "Bob", "Cid", "Dan"):
        bus.publish(GuestArrived(name))
    bus.run()
    assert DIARY == [("greet", "Ann", 1), ("greet", "Bob", 1), ("greet", "Cid", 2), ("greet", "Dan", 2)]


def test_a_crash_takes_the_memory_with_it() -> None:
    """The event comes back, to a consumer that begins at nothing."""
    bus = EventBus(faults=Faults(crashes=(Crash("Host", "2", 1, "before ack"),)))
    bus.subscribe(Host.listens_to, Host)
    for name in ("Ann", "Bob", "Cid"):
        bus.publish(GuestArrived(name))
    bus.run()
    assert DIARY == [("greet", "Ann", 1), ("greet", "Bob", 2), ("greet", "Cid", 1), ("greet", "Bob", 2)]


@pytest.mark.parametrize("bus_class", [DirectBus, EventBus])
def test_an_instance_is_shared_and_keeps_its_memory(bus_class: Any) -> None:
    """Who gives an object instead of the class has it in hand afterwards."""
    bus, host = bus_class(), Host()
    bus.subscribe(Host.listens_to, host)
    bus.publish(GuestArrived("Ann"))
    bus.settle()
    assert host.guests == 1


def test_a_method_may_wait_on_the_simulated_clock() -> None:
    """One async method makes the whole consumer one that can wait."""

    class Cook(Consumer):
        @handles(GuestArrived)
        async def cook(self, event: GuestArrived) -> GuestLeft:
            await sleep(20)
            return GuestLeft(event.name)

        @handles(GuestLeft)
        def wash_up(self, event: GuestLeft) -> None:
            DIARY.append(event)

    bus = EventBus()
    bus.subscribe(Cook.listens_to, Cook, takes=1)
    bus.publish(GuestArrived("Ann"))
    bus.run()
    assert Cook.is_async
    assert not Host.is_async
    assert [GuestLeft("Ann")] == DIARY
    assert bus.clock.now == 22.0


@pytest.mark.parametrize("bus_class", [DirectBus, EventBus])
@pytest.mark.parametrize("consumer", [Host, Consumer])
def test_an_event_that_no_method_handles_is_a_failure_that_names_the_mark(
    bus_class: Any, consumer: type[Consumer]
) -> None:
    """As when somebody subscribes a consumer to more than it listens to."""
    bus = bus_class()
    bus.subscribe("dog_barked", consumer, name="host")
    bus.publish("dog_barked", {"name": "Rex"})
    bus.settle()
    says = f"HandlerError: {consumer.__name__} has no method for it: mark one with @handles('dog_barked')"
    assert [letter.error for letter in bus.dead_letters()] == [says]


def test_a_method_in_a_derived_class_replaces_the_one_it_overrides() -> None:
    """And what is new in it is added."""

    class Butler(Host):
        @handles(GuestArrived)
        def greet(self, event: GuestArrived) -> None:
            DIARY.append(f"Good evening, {event.name}")

        @handles("tea_time")
        def serve(self, event: Any) -> None:
            DIARY.append(event)

    bus = DirectBus()
    bus.subscribe(Butler.listens_to, Butler)
    bus.publish(GuestArrived("Ann"))
    bus.publish("tea_time", 5)
    assert bus.publish("party_over", None).ok
    assert DIARY == ["Good evening, Ann", 5, ("party_over", 1, -1)]
    assert set(Butler.listens_to) == {*Host.listens_to, "tea_time"}


# --- slips


def test_a_method_that_cannot_be_a_handler_is_refused_when_the_class_is_written() -> None:
    """It is named with its class."""
    with pytest.raises(HandlerError, match=r"Forgetful\.greet takes no argument: a handler receives the event"):

        class Forgetful(Consumer):
            @handles(GuestArrived)
            def greet(self) -> None: ...

    with pytest.raises(HandlerError, match=r"Greedy\.greet wants more than \(event, delivery\): nobody gives it wine"):

        class Greedy(Consumer):
            @handles(GuestArrived)
            def greet(self, event: Any, delivery: Any, wine: Any) -> None: ...


@pytest.mark.parametrize("what", [None, 5, (), GuestArrived("Ann"), "guest arrived", "GuestArrived", int, {}, print])
def test_handles_takes_what_a_subscriber_may_ask_for(what: Any) -> None:
    """The same slips get the same lines."""
    with pytest.raises(OptionError):
        handles(what)


@pytest.mark.parametrize("method", [None, 5, "greet", Host, property(lambda self: None), staticmethod(print), print])
def test_handles_stands_right_above_a_def(method: Any) -> None:
    """Anything else could not be marked, or nobody would find the mark."""
    with pytest.raises(HandlerError, match=r"is no method: put @handles\(\.\.\.\) right above its def") as caught:
        handles(GuestArrived)(method)
    assert caught.value.handler is method


def test_a_consumer_that_needs_arguments_cannot_be_built_by_a_bus() -> None:
    """An instance of it can be subscribed."""

    class Barkeeper(Consumer):
        def __init__(self, bottles: int) -> None:
            self.bottles = bottles

        @handles(GuestArrived)
        def pour(self, _: GuestArrived) -> None:
            self.bottles -= 1

    with pytest.raises(HandlerError, match=r"cannot be built without arguments .*subscribe an instance"):
        DirectBus().subscribe(Barkeeper.listens_to, Barkeeper)
    bus, barkeeper = DirectBus(), Barkeeper(3)
    bus.subscribe(Barkeeper.listens_to, barkeeper)
    bus.publish(GuestArrived("Ann"))
    assert barkeeper.bottles == 2
