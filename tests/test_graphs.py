"""Topology and lineage as graphs: what stands in them, and that their words say the same."""

from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Crash, DirectBus, Event, EventBus, Faults, Message, open_shop
from eda_lab.errors import OptionError
from eda_lab.graphs import describe, lineage, topology
from eda_lab.orders import example_order, make_order
from eda_lab.table import visible


class OrderPlaced(Event):
    """The first cause of all that happens here."""

    order_id: str = "12345"


class PaymentCaptured(Event):
    """What the payment service publishes."""

    order_id: str


class ParcelShipped(Event):
    """What the shipping service publishes once an order is paid."""

    order_id: str


def ignore(_: Any) -> None:
    """Do nothing with an event."""


def pay(order: OrderPlaced) -> PaymentCaptured:
    """Charge the card."""
    return PaymentCaptured(order.order_id)


def ship(payment: PaymentCaptured) -> ParcelShipped:
    """Send the parcel."""
    return ParcelShipped(payment.order_id)


def chain(**options: Any) -> EventBus:
    """Return a bus on which payment and shipping publish in turn, while e-mail listens to both."""
    bus = EventBus(**options)
    bus.subscribe(OrderPlaced, pay, name="payment", takes=0.5)
    bus.subscribe(PaymentCaptured, ship, name="shipping", takes=0.4)
    bus.subscribe((PaymentCaptured, ParcelShipped), ignore, name="email", takes=0.3)
    return bus


def kinds(graph: "nx.DiGraph[str]") -> dict[str, str]:
    """Return the kind of each node."""
    return {name: facts["kind"] for name, facts in graph.nodes(data=True)}


# --- who hands events to whom


def test_the_standard_picture_of_the_course() -> None:
    """One producer, the bus, five groups; the producer has no edge to any of them."""
    bus = EventBus()
    open_shop(bus)
    bus.publish(example_order())
    graph = topology(bus)
    services = ["inventory", "payment", "email", "shipping", "analytics"]
    assert kinds(graph) == {"checkout": "producer", "bus": "bus", **dict.fromkeys(services, "group")}
    assert list(graph.edges(data="label")) == [
        ("checkout", "bus", "1 x order_placed"),
        *(("bus", service, "order_placed") for service in services),
    ]
    assert describe(graph).splitlines() == [
        "1 producer, the bus, 5 groups",
        "checkout -> bus (1 x order_placed)",
        *(f"bus -> {service} (order_placed)" for service in services),
    ]


def test_before_anything_was_published_the_default_producer_is_there() -> None:
    """A learner sees the whole picture before the first event; a trace alone does not know who will publish."""
    bus = EventBus(source="web shop")
    bus.subscribe(OrderPlaced, ignore, name="email")
    assert list(topology(bus).edges) == [("web shop", "bus"), ("bus", "email")]
    assert topology(bus).edges["web shop", "bus"]["types"] == {}
    assert list(topology(bus.trace).edges) == [("bus", "email")]


def test_each_producer_says_what_it_published_and_how_often() -> None:
    """Types are counted for each source, and the default producer is not drawn when it published nothing."""
    bus = EventBus()
    for number in range(3):
        bus.publish(OrderPlaced(str(number)), source="web")
    bus.publish(OrderPlaced("9"), source="call centre")
    bus.publish("order_cancelled", {}, source="call centre")
    graph = topology(bus)
    assert "checkout" not in graph
    assert graph.edges["web", "bus"]["types"] == {"order_placed": 3}
    assert graph.edges["call centre", "bus"]["label"] == "1 x order_placed, 1 x order_cancelled"


def test_a_process_that_publishes_nothing_has_no_edge_once_others_have() -> None:
    """The checkout of an outbox writes to its database; before the run nobody knows who will publish."""
    bus = EventBus()
    bus.subscribe(OrderPlaced, ignore, name="shipping")
    bus.process("checkout", iter([1.0]))
    bus.process("relay", iter([OrderPlaced()]))
    assert [name for name, _ in topology(bus).in_edges("bus")] == ["checkout", "relay"]
    bus.run()
    graph = topology(bus)
    assert list(graph.edges) == [("relay", "bus"), ("bus", "shipping")]
    assert kinds(graph)["checkout"] == "process"
    assert describe(graph).splitlines() == [
        "1 producer, the bus, 1 group",
        "relay -> bus (1 x order_placed)",
        "bus -> shipping (order_placed)",
        "checkout: publishes nothing",
    ]


def test_a_group_that_publishes_in_turn_is_one_node_with_an_edge_back() -> None:
    """Payment is consumer and source, and so it has an edge in both directions."""
    bus = chain()
    bus.publish(OrderPlaced())
    bus.run()
    graph = topology(bus)
    assert [name for name, kind in kinds(graph).items() if kind == "producer"] == ["checkout"]
    caused = [(start, end) for start, end, facts in graph.edges(data=True) if facts["kind"] == "caused"]
    assert sorted(caused) == [("payment", "bus"), ("shipping", "bus")]
    assert "payment -> bus (1 x payment_captured): published in turn" in describe(graph).splitlines()
    assert graph.edges["bus", "email"]["what"] == ("payment_captured", "parcel_shipped")


def test_the_consumers_of_a_group_hang_off_it() -> None:
    """A group of three shows three consumers; a group of one speaks for its consumer."""
    bus = EventBus()
    bus.subscribe(OrderPlaced, ignore, name="inventory", workers=3)
    bus.subscribe(OrderPlaced, ignore, name="email")
    graph = topology(bus)
    assert [graph.nodes[name]["label"] for name in graph.successors("inventory")] == [
        "consumer 1",
        "consumer 2",
        "consumer 3",
    ]
    assert list(graph.successors("email")) == []
    assert describe(graph).splitlines()[2:] == [
        "bus -> inventory (order_placed): 3 consumers",
        "bus -> email (order_placed)",
    ]


def test_names_that_the_graph_uses_itself_are_not_lost() -> None:
    """A group called "bus", and one called like a consumer of another, keep nodes of their own."""
    bus = EventBus(source="bus")
    bus.subscribe(OrderPlaced, ignore, name="a", workers=2)
    bus.subscribe(OrderPlaced, ignore, name="a #1")
    graph = topology(bus)
    assert sorted(kinds(graph).values()) == ["bus", "consumer", "consumer", "group", "group", "producer"]
    assert graph.nodes["bus"]["kind"] == "producer"
    assert graph.nodes["a #1"]["kind"] == "group"


def test_who_has_left_is_shown_by_what_it_published() -> None:
    """Payment unsubscribed after it had published: nothing goes to it any more."""
    bus = EventBus()
    payment = bus.subscribe(OrderPlaced, pay, name="payment")
    bus.publish(OrderPlaced())
    bus.run()
    payment.unsubscribe()
    graph = topology(bus)
    assert list(graph.edges) == [("checkout", "bus"), ("payment", "bus")]
    assert graph.nodes["payment"] == {"kind": "group", "label": "payment", "workers": 0, "queued": True}
    assert describe(graph).endswith("payment -> bus (1 x payment_captured): has left")


def test_a_direct_bus_has_handlers_and_no_queues() -> None:
    """The same shape, but nothing is queued, and the words say handlers."""
    bus = DirectBus()
    open_shop(bus)
    graph = topology(bus)
    assert [facts["queued"] for _, facts in graph.nodes(data=True) if facts["kind"] == "group"] == [False] * 5
    assert describe(graph).startswith("1 producer, the bus, 5 handlers\ncheckout -> bus\n")


def test_what_is_no_bus_is_refused_with_a_hint() -> None:
    """A subscription given in place of the bus gets one line that helps."""
    bus = EventBus()
    subscription = bus.subscribe(OrderPlaced, ignore, name="email")
    with pytest.raises(OptionError, match=r"give an EventBus, a DirectBus or a bus\.trace"):
        topology(subscription)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"give an EventBus, or its bus\.trace"):
        lineage(DirectBus())


NAMES = st.text(min_size=1).filter(lambda name: bool(name.strip()) and name.isprintable())


@settings(deadline=None)
@given(st.dictionaries(NAMES, st.integers(1, 4), max_size=8), NAMES, st.booleans())
def test_every_group_is_in_the_graph_and_in_its_words(groups: dict[str, int], source: str, published: bool) -> None:
    """Whatever the names are: a node for each group, as many consumers as it has, and a line of its own."""
    bus = EventBus(source=source)
    for name, workers in groups.items():
        bus.subscribe(OrderPlaced, ignore, name=name, workers=workers)
    if published:
        bus.publish(OrderPlaced())
    graph = topology(bus)
    lines = describe(graph).splitlines()
    for name, workers in groups.items():
        assert graph.nodes[name]["kind"] == "group"
        consumers = [other for other in graph.successors(name) if graph.nodes[other]["kind"] == "consumer"]
        assert len(consumers) == (workers if workers > 1 else 0)
        assert any(line.startswith(f"bus -> {visible(name)} (order_placed)") for line in lines)
    assert sum(line.startswith("bus -> ") and "(order_placed)" in line for line in lines) >= len(groups)
    assert len(lines) == 1 + len(groups) + 1


# --- which message led to which


def test_the_lineage_of_a_run_is_a_forest_of_causes() -> None:
    """Two orders: from each a payment, from each payment a parcel; each edge names the group that published."""
    bus = chain()
    bus.publish(OrderPlaced("1"))
    bus.publish(OrderPlaced("2"))
    bus.run()
    graph = lineage(bus)
    assert nx.is_forest(graph)
    assert {(cause, effect, facts["label"]) for cause, effect, facts in graph.edges(data=True)} == {
        (message.causation_id, message.id, message.source) for message in bus.trace.messages if message.causation_id
    }
    assert list(graph) == [message.id for message in bus.trace.messages]


def test_the_lineage_of_one_message_is_all_that_led_to_it_and_all_it_led_to() -> None:
    """The story of the first payment holds nothing of the second order."""
    bus = chain()
    bus.publish(OrderPlaced("1"))
    bus.publish(OrderPlaced("2"))
    bus.run()
    payment = next(message for message in bus.trace.messages if message.type == "payment_captured")
    story = bus.trace.lineage(payment.id)
    graph = lineage(bus.trace, payment)
    assert list(graph) == [message.id for message in (*story.ancestors, payment, *story.descendants)]
    assert len(graph) == 3
    assert [name for name, facts in graph.nodes(data=True) if facts.get("asked")] == [payment.id]
    assert list(lineage(bus, payment.id).edges) == list(graph.edges)


def test_the_story_of_one_among_many_keeps_the_order_of_the_run() -> None:
    """Five services react to each of ten orders; those of the seventh keep the order of the run."""
    bus = EventBus()
    open_shop(bus, chain=True)
    for number in range(1, 11):
        bus.publish(make_order(number))
    bus.run()
    seventh = [message.id for message in bus.trace.messages if message.correlation_id == "7"]
    assert len(seventh) == 6
    assert list(lineage(bus, "7")) == seventh


def test_the_words_of_a_lineage_name_each_cause() -> None:
    """One line for each message, the first cause with who published it."""
    bus = chain()
    bus.publish(OrderPlaced())
    bus.run()
    assert describe(lineage(bus)).splitlines() == [
        "3 messages: 1 published by producers, 2 caused",
        "checkout -> order_placed 1",
        "order_placed 1 -> payment_captured checkout-1/payment.1 (by payment)",
        "payment_captured checkout-1/payment.1 -> parcel_shipped checkout-1/payment.1/shipping.1 (by shipping)",
    ]


def test_a_message_that_was_published_twice_is_one_node() -> None:
    """Payment crashed before its ack and ran again: the same id came twice, and downstream both were handled."""
    bus = chain(faults=Faults(crashes=(Crash("payment", "1", 1, "before ack"),)))
    bus.publish(OrderPlaced())
    bus.run()
    ids = [message.id for message in bus.trace.messages]
    graph = lineage(bus)
    assert {name: facts["copies"] for name, facts in graph.nodes(data=True)} == {name: ids.count(name) for name in ids}
    assert max(ids.count(name) for name in ids) == 2
    assert ", published 2 times" in describe(graph)


def test_an_id_that_is_not_there_is_refused_with_one_that_is() -> None:
    """A learner's typo names an id that would do."""
    bus = chain()
    bus.publish(OrderPlaced())
    with pytest.raises(OptionError, match="such as '1'"):
        lineage(bus, "12345")
    with pytest.raises(OptionError, match="nothing was published yet"):
        lineage(EventBus(), Message(id="1", source="x", type="y", time=0.0, data=None))


def test_nothing_published_is_an_empty_graph_that_says_what_to_do() -> None:
    """An empty trace is no mistake."""
    assert describe(lineage(EventBus())) == "no messages yet: bus.publish(event)"


def test_any_graph_of_a_learner_can_be_described() -> None:
    """A graph built by hand has no kinds, and is said by its names."""
    assert describe(nx.DiGraph([("order", "payment")])).splitlines() == [
        "2 messages: 1 published by producers, 1 caused",
        "? -> order",
        "order -> payment (by ?)",
    ]


def test_hostile_words_stay_on_their_line() -> None:
    """Line breaks, terminal codes and marks that reverse the text are written out, wherever a graph has them."""
    hostile = "a\nb\x1b[31m\u202e"
    bus = EventBus()
    bus.subscribe("*", ignore, name="email")
    wires = topology(bus)
    wires.nodes["email"]["label"] = wires.edges["bus", "email"]["label"] = hostile
    assert describe(wires).split("\n")[2] == r"bus -> a\nb\x1b[31m\u202e (a\nb\x1b[31m\u202e)"
    story: nx.DiGraph[str] = nx.DiGraph([("cause", hostile)])
    assert describe(story).split("\n")[2] == r"cause -> a\nb\x1b[31m\u202e (by ?)"
