"""Wrong answers to exercise 07-redrive whose rule for retries or for the redrive is wrong: all must be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eda_lab.delivery import DeadLetter, Retry
from eda_lab.orders import OrderPlaced
from eda_lab.shop import Shop

__all__ = ["PASSING", "RULES", "Fix", "charge_and_send", "open_billing"]

PASSING = Retry(max_attempts=10, retry_on=(ConnectionError, TimeoutError))
Fix = Callable[[set[str]], None]


def charge_and_send(shop: Shop, order: OrderPlaced, card: str | None, desk: str | None) -> None:
    shop.card.charge(order.order_id, order.total_cents, key=card)
    shop.parcels.request(order.order_id, order.customer_id, key=desk)


def open_billing(
    bus: Any,
    shop: Shop,
    retry: Retry | None = PASSING,
    where: Callable[[DeadLetter, set[str]], bool] | None = None,
    work: Callable[..., Any] | None = None,
    **options: Any,
) -> Fix:
    """Do all as it should be done, but for what is given."""
    bill = work or (lambda order: charge_and_send(shop, order, order.order_id, order.order_id))
    bus.subscribe(OrderPlaced, bill, name="billing", takes=0.5, retry=retry, **options)
    repaired = where or (lambda letter, known: {item.sku for item in letter.message.data.items} <= known)

    def after_the_fix(known: set[str]) -> None:
        bus.redrive("billing", where=lambda letter: repaired(letter, known))

    return after_the_fix


def _nothing(bus: Any, shop: Shop) -> Fix:
    return lambda known: None


def _twice(bus: Any, shop: Shop) -> Fix:
    bus.subscribe(OrderPlaced, lambda order: charge_and_send(shop, order, None, None), name="again", retry=PASSING)
    return open_billing(bus, shop)


def _redrives_nothing(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, where=lambda letter, known: False)


def _redrives_everything(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, where=lambda letter, known: True)


def _redrives_by_attempts(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, where=lambda letter, known: letter.attempts == 1)


def _redrives_by_the_class_of_the_error(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, where=lambda letter, known: "UnknownArticleError" in letter.error)


def _redrives_by_the_words_of_the_error(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, where=lambda letter, known: any(sku in letter.error for sku in known))


def _redrives_by_the_article_in_the_error(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, where=lambda letter, known: any(repr(sku) in letter.error for sku in known))


def _redrives_where_one_article_is_known(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, where=lambda letter, known: any(i.sku in known for i in letter.message.data.items))


def _redrives_what_has_not_all_articles(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, where=lambda letter, known: {item.sku for item in letter.message.data.items} < known)


def _looks_at_the_first_article_only(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, where=lambda letter, known: letter.message.data.items[0].sku in known)


def _redrives_one_letter(bus: Any, shop: Shop) -> Fix:
    had: list[DeadLetter] = []
    return open_billing(bus, shop, where=lambda letter, known: not had and not had.append(letter))  # type: ignore[func-returns-value]


def _retries_everything(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, Retry(max_attempts=10))


def _retries_everything_for_ever(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, Retry(max_attempts=None))


def _tries_without_a_limit(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, Retry(max_attempts=None, retry_on=(ConnectionError, TimeoutError)))


def _tries_once_too_often(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, Retry(max_attempts=21, retry_on=(ConnectionError, TimeoutError)))


def _retries_nothing(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, None, where=lambda letter, known: True)


def _retries_what_is_permanent(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, Retry(max_attempts=10, retry_on=(LookupError, ValueError)))


def _forgets_the_timeouts(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, Retry(max_attempts=10, retry_on=ConnectionError))  # type: ignore[arg-type]


def _gives_up_too_soon(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, Retry(max_attempts=5, retry_on=(ConnectionError, TimeoutError)))


def _tries_without_a_pause(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, Retry(max_attempts=None, backoff=0, retry_on=(ConnectionError, TimeoutError)))


def _tries_ten_times_a_second(bus: Any, shop: Shop) -> Fix:
    rule = Retry(max_attempts=None, backoff=0.1, max_backoff=0.1, retry_on=(ConnectionError, TimeoutError))
    return open_billing(bus, shop, rule)


def _waits_in_place(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, Retry(max_attempts=10, retry_on=(ConnectionError, TimeoutError), in_place=True))


def _waits_in_place_with_many_workers(bus: Any, shop: Shop) -> Fix:
    rule = Retry(max_attempts=10, retry_on=(ConnectionError, TimeoutError), in_place=True)
    return open_billing(bus, shop, rule, workers=5)


def _more_workers_than_there_are(bus: Any, shop: Shop) -> Fix:
    return open_billing(bus, shop, workers=100)


def _has_its_own_list_of_articles(bus: Any, shop: Shop) -> Fix:
    listed = ("PROD1", "PROD2", "PROD3", "PROD4")
    return open_billing(bus, shop, where=lambda letter, known: all(i.sku in listed for i in letter.message.data.items))


def _knows_articles_by_their_form(bus: Any, shop: Shop) -> Fix:
    def repaired(letter: DeadLetter, known: set[str]) -> bool:
        return all(item.sku.startswith("PROD") and item.sku[4:].isdigit() for item in letter.message.data.items)

    return open_billing(bus, shop, where=repaired)


def _reads_capital_letters(bus: Any, shop: Shop) -> Fix:
    def repaired(letter: DeadLetter, known: set[str]) -> bool:
        return all(item.sku.upper() in known for item in letter.message.data.items)

    return open_billing(bus, shop, where=repaired)


def _strips_what_is_typed(bus: Any, shop: Shop) -> Fix:
    def repaired(letter: DeadLetter, known: set[str]) -> bool:
        return all(item.sku.strip() in known for item in letter.message.data.items)

    return open_billing(bus, shop, where=repaired)


def _takes_nothing_after_the_fix(bus: Any, shop: Shop) -> Any:
    open_billing(bus, shop)
    return lambda: bus.redrive("billing")


def _a_where_of_two(bus: Any, shop: Shop) -> Fix:
    open_billing(bus, shop)
    return lambda known: bus.redrive("billing", where=lambda letter, known: True)


RULES = (
    _nothing,
    _twice,
    _redrives_nothing,
    _redrives_everything,
    _redrives_by_attempts,
    _redrives_by_the_class_of_the_error,
    _redrives_by_the_words_of_the_error,
    _redrives_by_the_article_in_the_error,
    _redrives_where_one_article_is_known,
    _redrives_what_has_not_all_articles,
    _looks_at_the_first_article_only,
    _redrives_one_letter,
    _retries_everything,
    _retries_everything_for_ever,
    _tries_without_a_limit,
    _tries_once_too_often,
    _retries_nothing,
    _retries_what_is_permanent,
    _forgets_the_timeouts,
    _gives_up_too_soon,
    _tries_without_a_pause,
    _tries_ten_times_a_second,
    _waits_in_place,
    _waits_in_place_with_many_workers,
    _more_workers_than_there_are,
    _has_its_own_list_of_articles,
    _knows_articles_by_their_form,
    _reads_capital_letters,
    _strips_what_is_typed,
    _takes_nothing_after_the_fix,
    _a_where_of_two,
)
