"""Wrong answers to exercise 02-events that do more than publish, or let something private through by a side door."""

from __future__ import annotations

from typing import Any

from eda_lab.bus import EventBus
from eda_lab.course.exercises.bad_events import PhoneOrderPlaced, good, publish_with
from eda_lab.events import Event
from eda_lab.orders import Item

__all__ = ["WRONG"]


def _clears_the_items(bus: EventBus, sale: Any) -> None:
    sale.items.clear()
    bus.publish(good(sale))


def _loses_an_item(bus: EventBus, sale: Any) -> None:
    sale.items.pop()
    bus.publish(good(sale))


def _invents_a_sale(bus: EventBus, sale: Any) -> None:
    sale.order_id, sale.customer_id, sale.items = "X", "Y", []
    bus.publish(good(sale))


def _invents_another_sale(bus: EventBus, sale: Any) -> None:
    sale.order_id, sale.customer_id, sale.items = "20001", "ADA", [Item("PROD1", 1)]
    bus.publish(good(sale))


def _clears_the_items_afterwards(bus: EventBus, sale: Any) -> None:
    bus.publish(good(sale))
    sale.items.clear()


def _hides_the_card(bus: EventBus, sale: Any) -> None:
    sale.card_number, sale.email = "", ""
    publish_with(bus, sale, sale.card_number)


def _the_card_of_the_lesson(bus: EventBus, sale: Any) -> None:
    class PhoneSaleMade(PhoneOrderPlaced):
        email: str = "ada@example.org"
        card_number: str = "4111 1111 1111 1111"

    bus.publish(PhoneSaleMade(sale.order_id, sale.customer_id, tuple(sale.items)))


def _the_card_of_the_lesson_as_a_number(bus: EventBus, sale: Any) -> None:
    publish_with(bus, sale, 4111111111111111)


def _the_end_of_the_card_of_the_lesson(bus: EventBus, sale: Any) -> None:
    publish_with(bus, sale, "****1111")


def _the_address_of_the_lesson(bus: EventBus, sale: Any) -> None:
    publish_with(bus, sale, ("to", "ada@example.org"))


def _a_field_that_is_empty(bus: EventBus, sale: Any) -> None:
    class PhoneSaleMade(PhoneOrderPlaced):
        email_address: str | None = None

    bus.publish(PhoneSaleMade(sale.order_id, sale.customer_id, tuple(sale.items)))


def _whether_there_is_an_address(bus: EventBus, sale: Any) -> None:
    publish_with(bus, sale, "yes" if sale.email else "no")


def _whether_there_is_a_card(bus: EventBus, sale: Any) -> None:
    publish_with(bus, sale, sale.card_number is not None)


def _how_long_the_card_is(bus: EventBus, sale: Any) -> None:
    publish_with(bus, sale, len(sale.card_number))


def _how_long_the_address_is(bus: EventBus, sale: Any) -> None:
    publish_with(bus, sale, len(sale.email or ""))


def _listens_as_well(bus: EventBus, sale: Any) -> None:
    bus.subscribe("*", lambda event: None, name="clerk")
    bus.publish(good(sale))


def _listens_by_decorator(bus: EventBus, sale: Any) -> None:
    bus.on("*", name="clerk")(lambda event: None)
    bus.publish(good(sale))


def _runs_the_bus(bus: EventBus, sale: Any) -> None:
    bus.publish(good(sale))
    bus.run()


def _starts_a_process(bus: EventBus, sale: Any) -> None:
    bus.process("clerk", iter([good(sale)]))


async def _in_an_async_def(bus: EventBus, sale: Any) -> None:
    bus.publish(good(sale))


def _in_a_generator(bus: EventBus, sale: Any) -> Any:
    yield bus.publish(good(sale))


def _exactly_one_item(bus: EventBus, sale: Any) -> None:
    class PhoneSaleMade(Event):
        order_id: str
        customer_id: str
        items: tuple[Item]

    bus.publish(PhoneSaleMade(sale.order_id, sale.customer_id, tuple(sale.items)))


def _a_bare_tuple(bus: EventBus, sale: Any) -> None:
    class PhoneSaleMade(Event):
        order_id: str
        customer_id: str
        items: tuple  # type: ignore[type-arg]

    bus.publish(PhoneSaleMade(sale.order_id, sale.customer_id, tuple(sale.items)))


WRONG = (
    _clears_the_items,
    _loses_an_item,
    _invents_a_sale,
    _invents_another_sale,
    _clears_the_items_afterwards,
    _hides_the_card,
    _the_card_of_the_lesson,
    _the_card_of_the_lesson_as_a_number,
    _the_end_of_the_card_of_the_lesson,
    _the_address_of_the_lesson,
    _a_field_that_is_empty,
    _whether_there_is_an_address,
    _whether_there_is_a_card,
    _how_long_the_card_is,
    _how_long_the_address_is,
    _listens_as_well,
    _listens_by_decorator,
    _runs_the_bus,
    _starts_a_process,
    _in_an_async_def,
    _in_a_generator,
    _exactly_one_item,
    _a_bare_tuple,
)
