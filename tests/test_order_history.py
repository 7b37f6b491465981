"""The rules of one order, as given / when / then: what has happened, what is asked for, what comes of it."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from eda_lab import EventStore, Item, OrderPlaced, Repository, events, fold
from eda_lab.errors import EdaLabError, OptionError
from eda_lab.order_history import (
    AddItem,
    CancelOrder,
    ItemAdded,
    ItemRemoved,
    Order,
    OrderCancelled,
    OrderRefusedError,
    OrderShipped,
    PayOrder,
    PlaceOrder,
    RemoveItem,
    ShipOrder,
    decide,
    evolve,
)
from eda_lab.orders import PaymentCaptured

ID = "12345"
CUPS, MUG = Item("CUP", 2, 300), Item("MUG", 1, 500)
PLACED = OrderPlaced(ID, "USER001", (CUPS, MUG))
PAID, SHIPPED = PaymentCaptured(ID, 1100), OrderShipped(ID)
CANCELLED = OrderCancelled(ID, 0)


def order_after(*past: Any) -> Order:
    return fold(evolve, Order(), past)


DECISIONS = [
    ([], PlaceOrder(ID, "USER001", (CUPS, MUG)), [PLACED]),
    ([PLACED], AddItem(ID, MUG), [ItemAdded(ID, MUG)]),
    ([PLACED], AddItem(ID, Item("TEA", 1, 0)), [ItemAdded(ID, Item("TEA", 1, 0))]),
    ([PLACED], RemoveItem(ID, "CUP"), [ItemRemoved(ID, Item("CUP", 1, 300))]),
    ([PLACED], RemoveItem(ID, "CUP", 2), [ItemRemoved(ID, CUPS)]),
    (
        [PLACED, ItemAdded(ID, Item("CUP", 1, 350))],
        RemoveItem(ID, "CUP", 2),
        [ItemRemoved(ID, Item("CUP", 1, 350)), ItemRemoved(ID, Item("CUP", 1, 300))],
    ),
    ([PLACED], PayOrder(ID), [PAID]),
    ([PLACED, ItemRemoved(ID, MUG)], PayOrder(ID), [PaymentCaptured(ID, 600)]),
    ([PLACED, PAID], ShipOrder(ID), [SHIPPED]),
    ([PLACED], CancelOrder(ID), [CANCELLED]),
    ([PLACED, PAID], CancelOrder(ID), [OrderCancelled(ID, 1100)]),
]


@pytest.mark.parametrize(("given", "when", "then"), DECISIONS)
def test_what_the_rules_allow_becomes_events(given: list[Any], when: Any, then: list[Any]) -> None:
    """Given what has happened, when this is asked for, then that happens."""
    assert decide(when, order_after(*given)) == then


REFUSALS = [
    ([PLACED], PlaceOrder(ID, "USER001", (CUPS,)), "it was placed before"),
    ([], PlaceOrder(ID, "USER001", ()), "it has no items"),
    ([], PlaceOrder(ID, "USER001", (CUPS, Item("MUG", 0))), "Item(sku='MUG', quantity=0, unit_price_cents=2500) is no"),
    ([], PlaceOrder(ID, "USER001", (Item("MUG", 1, -5),)), "is no item"),
    ([], AddItem(ID, MUG), "there is no such order"),
    ([], CancelOrder(ID), "there is no such order"),
    ([PLACED], AddItem("12346", MUG), "this is order 12345"),
    ([PLACED], AddItem(ID, Item("MUG", 0)), "is no item"),
    ([PLACED], AddItem(ID, Item("MUG", -1)), "is no item"),
    ([PLACED], AddItem(ID, Item("MUG", 1, -1)), "is no item"),
    ([PLACED], RemoveItem(ID, "CUP", 3), "it has 2 of CUP"),
    ([PLACED], RemoveItem(ID, "TEA"), "it has 0 of TEA"),
    ([PLACED], RemoveItem(ID, "CUP", 0), "0 pieces cannot be removed"),
    ([PLACED], RemoveItem(ID, "CUP", -1), "-1 pieces cannot be removed"),
    ([PLACED, ItemRemoved(ID, MUG)], RemoveItem(ID, "CUP", 2), "nothing would be left: cancel it"),
    ([PLACED], ShipOrder(ID), "it is not paid"),
    ([PLACED, PAID], PayOrder(ID), "it is paid"),
    ([PLACED, PAID], AddItem(ID, MUG), "it is paid"),
    ([PLACED, PAID], RemoveItem(ID, "MUG"), "it is paid"),
]
EVERYTHING = [AddItem(ID, MUG), RemoveItem(ID, "MUG"), PayOrder(ID), ShipOrder(ID), CancelOrder(ID)]
REFUSALS += [([PLACED, PAID, SHIPPED], command, "it is shipped") for command in EVERYTHING]
REFUSALS += [([PLACED, CANCELLED], command, "it is cancelled") for command in EVERYTHING]


@pytest.mark.parametrize(("given", "when", "reason"), REFUSALS)
def test_what_the_rules_forbid_is_refused_with_the_reason(given: list[Any], when: Any, reason: str) -> None:
    """One line, with the facts as attributes."""
    with pytest.raises(OrderRefusedError) as refused:
        decide(when, order_after(*given))
    assert reason in refused.value.reason
    assert refused.value.order_id == when.order_id
    assert (
        str(refused.value) == f"order {when.order_id}: {refused.value.command} is refused, for {refused.value.reason}"
    )
    assert isinstance(refused.value, EdaLabError)


@pytest.mark.parametrize("command", [PLACED, "pay", None, PayOrder])
def test_what_is_no_command_of_an_order_is_an_error(command: Any) -> None:
    """Not a refusal: the program is wrong."""
    with pytest.raises(OptionError):
        decide(command, order_after(PLACED))


HISTORY = [PLACED, ItemAdded(ID, Item("CUP", 1, 350)), ItemAdded(ID, CUPS), ItemRemoved(ID, MUG), PAID, SHIPPED]


def test_the_state_follows_the_story() -> None:
    """Each event changes what it tells of, and no more."""
    placed = Order(ID, "USER001", (CUPS, MUG), "placed", 0)
    dearer = Item("CUP", 1, 350)
    changed = msgspec.structs.replace
    assert [order_after(*HISTORY[:number]) for number in range(len(HISTORY) + 1)] == [
        Order("", "", (), "new", 0),
        placed,
        changed(placed, items=(CUPS, MUG, dearer)),
        changed(placed, items=(Item("CUP", 4, 300), MUG, dearer)),
        changed(placed, items=(Item("CUP", 4, 300), dearer)),
        changed(placed, items=(Item("CUP", 4, 300), dearer), status="paid", paid_cents=1100),
        changed(placed, items=(Item("CUP", 4, 300), dearer), status="shipped", paid_cents=1100),
    ]
    assert order_after(PLACED, PAID, OrderCancelled(ID, 1100)).paid_cents == 0
    assert (placed.total_cents, placed.pieces) == (1100, 3)


@pytest.mark.parametrize("event", [None, "order_shipped", {"order_id": ID}, PayOrder(ID), MUG])
def test_what_evolve_does_not_know_leaves_the_order_as_it_is(event: Any) -> None:
    """New kinds of events do no harm to it."""
    order = order_after(PLACED)
    assert evolve(order, event) is order


def test_evolve_refuses_nothing() -> None:
    """What has happened has happened, even against the rules of today."""
    assert order_after(PLACED, PAID, SHIPPED, ItemAdded(ID, MUG), PAID, CANCELLED).status == "cancelled"
    assert order_after(ItemRemoved(ID, MUG)) == Order()
    assert order_after(PLACED, ItemRemoved(ID, Item("MUG", 9, 500))).items == (CUPS,)


SKUS = st.sampled_from(["CUP", "MUG", "TEA"])
ITEMS = st.builds(Item, SKUS, st.integers(0, 3), st.sampled_from([300, 500]))
COMMANDS = st.one_of(
    st.builds(PlaceOrder, st.just(ID), st.just("USER001"), st.lists(ITEMS, max_size=3).map(tuple)),
    st.builds(AddItem, st.just(ID), ITEMS),
    st.builds(RemoveItem, st.just(ID), SKUS, st.integers(-1, 4)),
    *(st.builds(command, st.just(ID)) for command in (PayOrder, ShipOrder, CancelOrder)),
)


@for_all(st.lists(COMMANDS, max_size=25))
def test_whatever_is_asked_for_the_order_stays_sound(commands: list[Any]) -> None:
    """Counted apart from `evolve`: pieces, money and the states that it went through."""
    order, past = Order(), list[Any]()
    for command in commands:
        try:
            happened = decide(command, order)
        except OrderRefusedError:
            continue
        assert happened
        assert order.status not in ("shipped", "cancelled")
        past += happened
        order = fold(evolve, order, happened)
        assert order == order_after(*past)
        pieces = Counter[Any]()
        for event in past:
            for item in getattr(event, "items", ()) or ([event.item] if hasattr(event, "item") else []):
                sign = -1 if isinstance(event, ItemRemoved) else 1
                pieces[item.sku, item.unit_price_cents] += sign * item.quantity
        assert {(i.sku, i.unit_price_cents): i.quantity for i in order.items} == {k: n for k, n in pieces.items() if n}
        assert len({(item.sku, item.unit_price_cents) for item in order.items}) == len(order.items)
        assert all(item.quantity >= 1 for item in order.items)
        assert order.pieces >= 1
        captured = sum(event.amount_cents for event in past if isinstance(event, PaymentCaptured))
        refunded = sum(event.refund_cents for event in past if isinstance(event, OrderCancelled))
        assert order.paid_cents == captured - refunded
        assert order.paid_cents == (order.total_cents if order.status in ("paid", "shipped") else 0)
        assert len([event for event in past if isinstance(event, PaymentCaptured)]) <= 1


@for_all(st.lists(COMMANDS, max_size=20), st.integers(1, 6))
def test_in_a_repository_it_is_the_same(commands: list[Any], every: int) -> None:
    """Stored and read back, with snapshots: the state is that of the plain functions."""
    order = Order()
    with pytest.MonkeyPatch.context() as patched, EventStore() as store:
        for cls in (OrderPlaced, PaymentCaptured):  # other tests have classes of the same names
            patched.setitem(events._REGISTRY, events.type_name(cls), cls)
        orders = Repository(store, decide, evolve, Order, stream="order", snapshot_every=every)
        for command in commands:
            try:
                order = fold(evolve, order, decide(command, order))
            except OrderRefusedError:
                with pytest.raises(OrderRefusedError):
                    orders.handle(ID, command)
            else:
                assert orders.handle(ID, command).state == order
            assert orders.load(ID).state == order
            assert orders.events_read < every
