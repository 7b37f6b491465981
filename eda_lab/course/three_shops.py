"""Three shops that pass the same test, and a careful one: each has a payment and an e-mail service.

Payment charges the card and returns `PaymentCaptured`. E-mail listens to `OrderPlaced`, which names the customer, and
to `PaymentCaptured`; when it has both it mails that the order is paid. In each of the three is one mistake.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.database import Database
from eda_lab.delivery import Retry
from eda_lab.errors import OptionError
from eda_lab.faults import Faults
from eda_lab.orders import OrderPlaced, PaymentCaptured, example_order
from eda_lab.shop import Shop
from eda_lab.trace import Trace

__all__ = ["SHOPS", "Promises", "email_alone", "open_services"]


def payment(shop: Shop, order: OrderPlaced) -> PaymentCaptured:
    shop.card.charge(order.order_id, order.total_cents, key=order.order_id)
    return PaymentCaptured(order.order_id, order.total_cents)


def email(shop: Shop, event: OrderPlaced | PaymentCaptured) -> None:
    with shop.db.transaction() as tables:
        table = "customers" if isinstance(event, OrderPlaced) else "paid"
        tables[table][event.order_id] = event
        order = tables["customers"].get(event.order_id)
        paid = event.order_id in tables["paid"]
    if order and paid:
        shop.mail.send(order.customer_id, f"Order {order.order_id} is paid", key=order.order_id)


def anna_payment(shop: Shop, order: OrderPlaced) -> PaymentCaptured:
    shop.card.charge(order.order_id, order.total_cents)
    return PaymentCaptured(order.order_id, order.total_cents)


def ben_email(shop: Shop, event: OrderPlaced | PaymentCaptured) -> None:
    with shop.db.transaction() as tables:
        if isinstance(event, OrderPlaced):
            tables["customers"][event.order_id] = event
        order = tables["customers"].get(event.order_id)
    if order and isinstance(event, PaymentCaptured):
        shop.mail.send(order.customer_id, f"Order {order.order_id} is paid", key=order.order_id)


def cleo_email(shop: Shop, event: OrderPlaced | PaymentCaptured) -> None:
    with suppress(ConnectionError):  # the mail server may be down; e-mail shall not stop for it
        email(shop, event)


# The services of each shop: payment, e-mail.
SHOPS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "Anna": (anna_payment, email),
    "Ben": (payment, ben_email),
    "Cleo": (payment, cleo_email),
    "careful": (payment, email),
}


def open_services(name: str, *, seed: int = 1, faults: Faults | None = None) -> tuple[EventBus, Promises]:
    """Open one of the four shops on a bus of its own, and return the bus and what the shop promises.

    An attempt that fails is made again, after pauses of 1, 2, 4, ... and at most 600 s. One that crashed comes back
    after 10 s. Raises `OptionError` for a shop that is not there.
    """
    if name not in SHOPS:
        raise OptionError("name", name, f"the shops are {', '.join(SHOPS)}")
    bus, shop = EventBus(seed=seed, faults=faults, visibility=10.0), Shop()
    shop.db = Database(customers={}, paid={})
    pay, mail = (partial(service, shop) for service in SHOPS[name])
    again = Retry(max_attempts=None, backoff=1.0, max_backoff=600.0)
    bus.subscribe(OrderPlaced, pay, name="payment", takes=0.5, retry=again)
    bus.subscribe((OrderPlaced, PaymentCaptured), mail, name="email", takes=0.2, retry=again)
    return bus, Promises(bus, shop)


def email_alone(name: str, **options: Any) -> tuple[EventBus, Callable[[], tuple[object, ...]]]:
    """Put the e-mail service of a shop alone on a bus, with its two events; for `explore`, which gives the options.

    The function beside the bus says what to compare at the end: how many e-mails, and the orders in the two tables.
    """
    bus, shop = EventBus(**options), Shop()
    shop.db = Database(customers={}, paid={})
    bus.subscribe((OrderPlaced, PaymentCaptured), partial(SHOPS[name][1], shop), name="email")
    order = example_order()
    bus.publish(order)
    bus.publish(PaymentCaptured(order.order_id, order.total_cents))
    return bus, lambda: (len(shop.mail.sent), *(tuple(shop.db.table(table)) for table in ("customers", "paid")))


class Promises:
    """What a shop promises for each order, one charge and one e-mail, and what it did.

    >>> from eda_lab import example_order
    >>> bus, promises = open_services("careful")
    >>> _ = bus.publish(example_order())
    >>> promises.kept
    False
    >>> bus.run()
    >>> promises.done, promises.kept
    ({'cards charged': 1, 'e-mails sent': 1, 'orders with one charge and one e-mail': 1}, True)
    """

    def __init__(self, bus: EventBus, shop: Shop) -> None:
        self.bus, self.shop = bus, shop

    def needs(self, trace: Trace) -> dict[str, int]:
        """Return what the orders in a trace ask for."""
        placed = {data.order_id for data in trace.columns.data if isinstance(data, OrderPlaced)}
        return dict.fromkeys(self.done, len(placed))

    @property
    def done(self) -> dict[str, int]:
        """What was done so far."""
        charges = Counter(charge.order_id for charge in self.shop.card.charges)
        mails = Counter(mail.subject.split()[1] for mail in self.shop.mail.sent)
        right = sum(charges[order] == mails[order] == 1 for order in charges | mails)
        return {
            "cards charged": charges.total(),
            "e-mails sent": mails.total(),
            "orders with one charge and one e-mail": right,
        }

    @property
    def kept(self) -> bool:
        """Whether each order was charged once, and got one e-mail."""
        return self.done == self.needs(self.bus.trace)
