"""Slips in the order example: each raises a child of `EdaLabError` at the call, and no service hears of it."""

from typing import Any

import pytest

from eda_lab import DirectBus, EventBus, Item, OrderPlaced, Shop, example_order, make_order, open_shop
from eda_lab.errors import DuplicateNameError, MalformedEventError, OptionError


@pytest.mark.parametrize(
    ("item", "path"),
    [
        (Item("PROD1", 0), "$.items[1].quantity"),
        (Item("PROD1", -2), "$.items[1].quantity"),
        (Item("", 1), "$.items[1].sku"),
        (Item("PROD1", 1, -1), "$.items[1].unit_price_cents"),
        (Item("PROD1", "2"), "$.items[1].quantity"),  # type: ignore[arg-type]
        (Item("PROD1", 2.5), "$.items[1].quantity"),  # type: ignore[arg-type]
        ({"sku": "PROD1"}, "$.items[1]"),
    ],
)
def test_an_order_with_a_senseless_line_is_refused_when_it_is_published(item: Any, path: str) -> None:
    """In the lab as by any wire; the error leads to the very line, and no service hears of it."""
    bus = EventBus()
    shop = open_shop(bus)
    with pytest.raises(MalformedEventError) as caught:
        bus.publish(OrderPlaced("1", "u", (Item("PROD1", 1), item)))
    assert caught.value.path == path
    bus.run()
    assert set(shop.done.values()) == {0}


@pytest.mark.parametrize(
    "stock", [5, "PROD1", [("PROD1", 1)], {"PROD1": -1}, {"PROD1": "1"}, {"PROD1": 1.5}, {1: None}]
)
def test_a_stock_is_whole_pieces_by_article(stock: Any) -> None:
    """Less than nothing cannot be counted out."""
    with pytest.raises(OptionError, match=r"^stock"):
        Shop(stock)


@pytest.mark.parametrize("n", [0, -1, 1.0, "1", None, True])
def test_orders_are_counted_from_one(n: Any) -> None:
    """The first is the example's."""
    with pytest.raises(OptionError, match=r"^n=.*: give a whole number of at least 1$"):
        make_order(n)


@pytest.mark.parametrize("bus_class", [DirectBus, EventBus])
@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"services": {"emial": 1}}, OptionError, "give the seconds of some of inventory, payment, email"),
        ({"services": ["email"]}, OptionError, "give the seconds of some of"),
        ({"shop": "shop"}, OptionError, "give a Shop, or none to open a new one"),
        ({"name": "shop"}, OptionError, "each service has its own name already"),
        ({"tkaes": 1}, OptionError, "tkaes=1"),
    ],
)
def test_a_slip_opens_no_shop(bus_class: Any, options: dict[str, Any], kind: type[Exception], says: str) -> None:
    """Nobody is subscribed then."""
    bus = bus_class()
    with pytest.raises(kind, match=says):
        open_shop(bus, **options)
    bus.publish(example_order())
    assert (bus.trace.groups if isinstance(bus, EventBus) else bus.groups) == ()


def test_a_bus_has_one_shop() -> None:
    """And a shop needs a bus."""
    bus = DirectBus()
    open_shop(bus)
    with pytest.raises(DuplicateNameError, match="'inventory' is taken"):
        open_shop(bus)
    for no_bus in (None, 5, DirectBus):
        with pytest.raises(OptionError, match="give a DirectBus or an EventBus"):
            open_shop(no_bus)  # type: ignore[arg-type]
