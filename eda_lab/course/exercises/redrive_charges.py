"""Wrong answers to exercise 07-redrive that charge a card twice, not at all, or too late."""

from __future__ import annotations

from typing import Any

from eda_lab.course.exercises.redrive_rules import PASSING, Fix, charge_and_send, open_billing
from eda_lab.delivery import Delivery
from eda_lab.orders import OrderPlaced
from eda_lab.shop import Shop

__all__ = ["CHARGES"]


def _gives_the_money_back(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> None:
        shop.card.charge(order.order_id, order.total_cents)
        try:
            shop.parcels.request(order.order_id, order.customer_id)
        except Exception:
            shop.card.refund(order.order_id)
            raise

    return open_billing(bus, shop, work=bill)


def _gives_back_what_a_key_does_not_take_again(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> None:
        shop.card.charge(order.order_id, order.total_cents, key=order.order_id)
        try:
            shop.parcels.request(order.order_id, order.customer_id)
        except Exception:
            shop.card.refund(order.order_id)
            raise

    return open_billing(bus, shop, work=bill)


def _charges_without_a_key(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, work=lambda order: charge_and_send(shop, order, None, order.order_id))


def _a_key_for_each_attempt(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced, delivery: Delivery) -> None:
        charge_and_send(shop, order, f"{delivery.message.id}-{delivery.attempt}", order.order_id)

    return open_billing(bus, shop, work=bill)


def _a_key_for_each_customer(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, work=lambda order: charge_and_send(shop, order, order.customer_id, order.order_id))


def _the_same_key_for_all(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, work=lambda order: charge_and_send(shop, order, "billing", order.order_id))


def _charges_only_at_the_first_attempt(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced, delivery: Delivery) -> None:
        if delivery.attempt == 1:
            shop.card.charge(order.order_id, order.total_cents)
        shop.parcels.request(order.order_id, order.customer_id)

    return open_billing(bus, shop, work=bill)


def _the_address_as_key(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, work=lambda order: charge_and_send(shop, order, str(id(order)), order.order_id))


def _the_hash_as_key(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, work=lambda order: charge_and_send(shop, order, str(hash(order)), order.order_id))


def _a_note_in_memory(bus: Any, shop: Shop) -> Fix:
    charged = set()

    def bill(order: OrderPlaced) -> None:
        if order.order_id not in charged:
            shop.card.charge(order.order_id, order.total_cents)
            charged.add(order.order_id)
        shop.parcels.request(order.order_id, order.customer_id)

    return open_billing(bus, shop, work=bill)


def _a_note_before_the_charge(bus: Any, shop: Shop) -> Fix:
    charged = set()

    def bill(order: OrderPlaced) -> None:
        if order.order_id not in charged:
            charged.add(order.order_id)
            shop.card.charge(order.order_id, order.total_cents)
        shop.parcels.request(order.order_id, order.customer_id)

    return open_billing(bus, shop, work=bill)


def _no_answer_counts_as_a_charge(bus: Any, shop: Shop) -> Fix:
    charged = set()

    def bill(order: OrderPlaced) -> None:
        if order.order_id not in charged:
            try:
                shop.card.charge(order.order_id, order.total_cents)
            finally:
                charged.add(order.order_id)
        shop.parcels.request(order.order_id, order.customer_id)

    return open_billing(bus, shop, work=bill)


def _the_parcel_first(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> None:
        shop.parcels.request(order.order_id, order.customer_id, key=order.order_id)
        shop.card.charge(order.order_id, order.total_cents)

    return open_billing(bus, shop, work=bill)


def _a_group_for_the_card_and_one_for_the_parcel(bus: Any, shop: Shop) -> Fix:
    def charge(order: OrderPlaced) -> None:
        shop.card.charge(order.order_id, order.total_cents, key=order.order_id)

    def send(order: OrderPlaced) -> None:
        shop.parcels.request(order.order_id, order.customer_id, key=order.order_id)

    bus.subscribe(OrderPlaced, charge, name="card", takes=0.5, retry=PASSING)
    return open_billing(bus, shop, work=send)


def _half_of_the_amount(bus: Any, shop: Shop) -> Fix:
    def bill(order: OrderPlaced) -> None:
        shop.card.charge(order.order_id, order.total_cents // 2, key=order.order_id)
        shop.parcels.request(order.order_id, order.customer_id)

    return open_billing(bus, shop, work=bill)


CHARGES = (
    _gives_the_money_back,
    _gives_back_what_a_key_does_not_take_again,
    _charges_without_a_key,
    _a_key_for_each_attempt,
    _a_key_for_each_customer,
    _the_same_key_for_all,
    _charges_only_at_the_first_attempt,
    _the_address_as_key,
    _the_hash_as_key,
    _a_note_in_memory,
    _a_note_before_the_charge,
    _no_answer_counts_as_a_charge,
    _the_parcel_first,
    _a_group_for_the_card_and_one_for_the_parcel,
    _half_of_the_amount,
)
