"""Wrong answers to exercise 02-events, as a learner may well give them. Each must be refused."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.events import Event
from eda_lab.orders import Item, OrderPlaced

__all__ = ["WRONG", "PhoneOrderPlaced", "good", "publish_with"]

_COUNT = itertools.count()


class PhoneOrderPlaced(Event):
    """What most of the wrong answers begin with: a good event."""

    order_id: str
    customer_id: str
    items: tuple[Item, ...]


class PhoneOrderTaken(Event):
    order_id: str
    customer_id: str
    items: tuple[Item, ...]
    extra: Any


def good(sale: Any) -> PhoneOrderPlaced:
    """Return what should be published."""
    return PhoneOrderPlaced(sale.order_id, sale.customer_id, tuple(sale.items))


def publish_with(bus: EventBus, sale: Any, extra: Any) -> None:
    """Publish what the services need, and something more."""
    bus.publish(PhoneOrderTaken(sale.order_id, sale.customer_id, tuple(sale.items), extra))


def _nothing(bus: EventBus, sale: Any) -> None:
    pass


def _returned_only(bus: EventBus, sale: Any) -> Event:
    return good(sale)


def _twice(bus: EventBus, sale: Any) -> None:
    bus.publish(good(sale))
    bus.publish(good(sale))


def _on_another_bus(bus: EventBus, sale: Any) -> None:
    EventBus().publish(good(sale))


def _the_sale_itself(bus: EventBus, sale: Any) -> None:
    bus.publish(sale)


def _as_plain_data(bus: EventBus, sale: Any) -> None:
    bus.publish("phone_order_placed", {"order_id": sale.order_id, "customer_id": sale.customer_id})


def _the_class_that_is_there(bus: EventBus, sale: Any) -> None:
    bus.publish(OrderPlaced(sale.order_id, sale.customer_id, tuple(sale.items)))


def _a_command_in_disguise(bus: EventBus, sale: Any) -> None:
    class SendEmail(PhoneOrderPlaced):
        pass

    bus.publish(SendEmail(sale.order_id, sale.customer_id, tuple(sale.items)))


def _a_wish_in_the_past(bus: EventBus, sale: Any) -> None:
    class EmailRequested(PhoneOrderPlaced):
        pass

    bus.publish(EmailRequested(sale.order_id, sale.customer_id, tuple(sale.items)))


def _a_noun(bus: EventBus, sale: Any) -> None:
    class PhoneOrder(PhoneOrderPlaced):
        pass

    bus.publish(PhoneOrder(sale.order_id, sale.customer_id, tuple(sale.items)))


def _a_plain_dataclass(bus: EventBus, sale: Any) -> None:
    @dataclass
    class OrderPhoned:
        order_id: str
        customer_id: str
        items: tuple[Item, ...]

    bus.publish(OrderPhoned(sale.order_id, sale.customer_id, tuple(sale.items)))


def _a_list_inside(bus: EventBus, sale: Any) -> None:
    class OrderPhoned(Event):
        order_id: str
        customer_id: str
        items: list[Item]

    bus.publish(OrderPhoned(sale.order_id, sale.customer_id, sale.items))


def _the_classic_annotation(bus: EventBus, sale: Any) -> None:
    class OrderPhoned(Event):
        order_id: str
        customer_id: str
        items: list[dict[str, int]]

    bus.publish(OrderPhoned(sale.order_id, sale.customer_id, sale.items))


def _any_items(bus: EventBus, sale: Any) -> None:
    class OrderPhoned(Event):
        order_id: str
        customer_id: str
        items: tuple[Any, ...]

    bus.publish(OrderPhoned(sale.order_id, sale.customer_id, tuple(sale.items)))


def _thin(bus: EventBus, sale: Any) -> None:
    class OrderPhoned(Event):
        order_id: str

    bus.publish(OrderPhoned(sale.order_id))


def _without_prices(bus: EventBus, sale: Any) -> None:
    items = tuple(Item(item.sku, item.quantity) for item in sale.items)
    bus.publish(PhoneOrderPlaced(sale.order_id, sale.customer_id, items))


def _always_the_same(bus: EventBus, sale: Any) -> None:
    bus.publish(PhoneOrderPlaced("20001", "ADA", (Item("PROD1", 1),)))


def _the_card(bus: EventBus, sale: Any) -> None:
    publish_with(bus, sale, sale.card_number)


def _the_card_deep_inside(bus: EventBus, sale: Any) -> None:
    class OrderPhoned(Event):
        order_id: str
        customer_id: str
        items: tuple[Item, ...]
        note: PhoneOrderPlaced

    note = PhoneOrderPlaced("", sale.card_number.replace(" ", "-"), ())
    bus.publish(OrderPhoned(sale.order_id, sale.customer_id, tuple(sale.items), note))


def _the_last_four_digits(bus: EventBus, sale: Any) -> None:
    publish_with(bus, sale, int(sale.card_number[-4:]))


def _the_address_hashed(bus: EventBus, sale: Any) -> None:
    publish_with(bus, sale, hashlib.sha256(sale.email.encode()).hexdigest())


def _the_address_as_the_customer(bus: EventBus, sale: Any) -> None:
    bus.publish(PhoneOrderPlaced(sale.order_id, sale.email, tuple(sale.items)))


def _the_card_on_the_envelope(bus: EventBus, sale: Any) -> None:
    bus.publish(good(sale), source=f"clerk {sale.card_number}")


def _another_each_time(bus: EventBus, sale: Any) -> None:
    publish_with(bus, sale, next(_COUNT))


WRONG = (
    _nothing,
    _returned_only,
    _twice,
    _on_another_bus,
    _the_sale_itself,
    _as_plain_data,
    _the_class_that_is_there,
    _a_command_in_disguise,
    _a_wish_in_the_past,
    _a_noun,
    _a_plain_dataclass,
    _a_list_inside,
    _the_classic_annotation,
    _any_items,
    _thin,
    _without_prices,
    _always_the_same,
    _the_card,
    _the_card_deep_inside,
    _the_last_four_digits,
    _the_address_hashed,
    _the_address_as_the_customer,
    _the_card_on_the_envelope,
    _another_each_time,
)
