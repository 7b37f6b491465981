"""Exercise 06-once: a repeat does no harm, to the stock in the shop's own database and to a card that is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding, so_far
from eda_lab.course.exercises import once_charges, once_marks, once_wrong
from eda_lab.course.exercises.once_evenings import Evening, ShopFront
from eda_lab.course.exercises.once_nights import Night, crash_at_the_end, nights, plain_night, wanted
from eda_lab.course.exercises.stand_ins import kind_fault
from eda_lab.database import Database
from eda_lab.delivery import Delivery
from eda_lab.effects import CardProvider
from eda_lab.errors import shown
from eda_lab.handlers import Handler
from eda_lab.orders import OrderPlaced

__all__ = ["EXERCISE"]

Answer = Callable[[Any], tuple[Handler, Handler]]
_NUMBERS = count(50_000)  # of orders that no function has seen before, in this check or an earlier one


def examine(answer: Answer) -> Iterator[Finding | EventBus]:
    """Play all nights, the simplest first, and report the first on which the answer fails."""
    fault = kind_fault(answer) or _shape_fault(answer(ShopFront(Database(stock={}, inbox={}), CardProvider())))
    yield Finding("it returns two plain functions, inventory and payment", not fault, fault)
    if fault:
        return
    yield _of_two_shops(answer)
    found: list[Finding | EventBus] = []
    for night in nights():
        found = list(_judged(answer, night))
        if not all(isinstance(each, EventBus) or each.passed for each in found):
            break
    yield from so_far(found)


def _shape_fault(made: Any) -> str:
    if not isinstance(made, (tuple, list)) or len(made) != 2 or not all(map(callable, made)):
        what = "one function" if callable(made) else shown(made)
        return f"it returned {what}; end it with: return inventory, payment"
    return next((f"{_name(each)}: {fault}" for each in made if (fault := kind_fault(each))), "")


def _name(handler: Any) -> str:
    return str(getattr(handler, "__name__", type(handler).__name__))


def _of_two_shops(answer: Answer) -> Finding:
    """Let the same order come to one shop and then to another, new one, which must do its own work."""
    night = plain_night(next(_NUMBERS))
    first, second = Evening(night, answer), Evening(night, answer)
    ((_, order),) = first.placed
    forgot = [
        what
        for what, then, now in (
            ("took no pieces", any(first.taken[order.order_id].values()), any(second.taken[order.order_id].values())),
            ("charged no card", len(first.charged(order)), len(second.charged(order))),
        )
        if then and not now
    ]
    seen = (
        f"a second shop, new and with an empty database, {' and '.join(forgot)}: your functions still remembered "
        "the first shop, in a variable; a crash loses that, so remember in shop.db"
    )
    return Finding("what it remembers is in the shop's own database", not forgot, seen)


def _judged(answer: Answer, night: Night) -> Iterator[Finding | EventBus]:
    evening = Evening(night, answer)
    yield evening.bus
    letters = evening.bus.dead_letters()
    failed = f"{letters[0].group} failed with {_advised(letters[0].error)}" if letters else ""

    def finding(what: str, service: str, orders: list[tuple[str, OrderPlaced]]) -> Finding:
        if not orders:
            return Finding(what, True)
        reason = "" if letters else _reason(answer, evening, service, orders[0][1])
        return Finding(what, False, evening.told(service, *orders[0]) + reason)

    def extra(order: OrderPlaced) -> bool:
        return len(evening.charged(order)) > 1 or any(cents != order.total_cents for cents in evening.charged(order))

    placed = evening.placed
    words = f"{' and '.join(evening.strays)}: that is the work of the other one; end with: return inventory, payment"
    yield Finding("inventory takes the pieces, and payment charges the cards", not evening.strays, words)
    rows = f'the row {", ".join(evening.strange_rows[:2])} is new or gone: marks belong into tables["inbox"]'
    yield Finding("the stock has a row for each product, and no other", not evening.strange_rows, rows)
    more = [each for each in placed if evening.taken[each[1].order_id] - wanted(each[1])]
    fewer = [each for each in placed if wanted(each[1]) - evening.taken[each[1].order_id]]
    yield finding("no order's pieces are taken twice", "inventory", more)
    yield finding("every order's pieces are taken", "inventory", fewer)
    yield finding(
        "no card is charged twice, and none a wrong amount", "payment", [each for each in placed if extra(each[1])]
    )
    yield finding("every order is charged", "payment", [each for each in placed if not evening.charged(each[1])])
    strange = [f"{charge.amount_cents} cents for {shown(charge.order_id)}" for charge in evening.strangers[:2]]
    yield Finding("nothing is charged that nobody ordered", not strange, f"charged: {', '.join(strange)}")
    open_ = [(service, number, order) for number, service in evening.unsettled() for n, order in placed if n == number]
    yield Finding("every delivery is acked in the end", not open_, evening.told(*open_[0]) if open_ else "")
    yield Finding("your functions raise no error", not letters, failed)


def _reason(answer: Answer, evening: Evening, service: str, order: OrderPlaced) -> str:
    """Say why a service was wrong about an order, where a night with one thing changed shows it."""
    did_nothing = not (
        any(evening.taken[order.order_id].values()) if service == "inventory" else evening.charged(order)
    )
    if did_nothing and Evening(evening.night, answer, only=service).is_right(service, order):
        return "; inventory and payment share this inbox, and get the same message id: let their marks differ"
    late = crash_at_the_end(service)
    ((_, lone),) = late.orders
    mortal, immortal = Evening(late, answer), Evening(late, answer, lasting=True)
    if mortal.is_right(service, lone) or not immortal.is_right(service, lone):
        return ""
    if mortal.asked:
        return f"; after a crash yours is a new process, in which {min(mortal.asked)}(...) gives another number"
    return "; remember in shop.db: a crash empties your variables"


def _advised(error: str) -> str:
    if error.startswith("TransactionConflictError"):  # here nobody else has one meanwhile
        return "a transaction inside a transaction: the inner one is committed, so the outer one cannot be; use one"
    if error.startswith("HandlerResultError") and "Charge(" in error:
        return f"{error} (charge the card, and do not return what the provider answers; a lambda always returns)"
    return error.removeprefix("EdaLabError: ")


def open_services(shop: Any) -> tuple[Handler, Handler]:
    def inventory(order: OrderPlaced, delivery: Delivery) -> None:
        with shop.db.transaction() as tables:
            if delivery.message.id not in tables["inbox"]:
                for item in order.items:
                    tables["stock"][item.sku] -= item.quantity
                tables["inbox"][delivery.message.id] = "done"

    def payment(order: OrderPlaced, delivery: Delivery) -> None:
        shop.card.charge(order.order_id, order.total_cents, key=delivery.message.id)

    return inventory, payment


EXERCISE = Exercise(
    name="06-once",
    task="Write open_services(shop): whatever crashes, each order takes its pieces once and is charged once.",
    examine=examine,
    hints=(
        "Where is the effect? The stock is in your own database, so its mark can be there, too. The money is at the "
        "card provider, so its mark has to be there.",
        'Inventory, inside the one transaction: is delivery.message.id in tables["inbox"]? If it is not, take the '
        "pieces, and put it in. Both are committed together.",
        "Payment needs no inbox: shop.card.charge(order.order_id, order.total_cents, key=delivery.message.id). The id "
        "is the same at every attempt, and another one for every order.",
    ),
    solution=open_services,
    wrong=(*once_wrong.ANSWERS, *once_charges.CHARGES, *once_marks.MARKS),
)
