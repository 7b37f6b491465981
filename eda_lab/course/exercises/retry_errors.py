"""Wrong answers to exercise 14-retry that keep an error from the caller, or hand on another one.

Each would be right if no call ever failed in a way of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from eda_lab.order_history import OrderRefusedError
from eda_lab.store.errors import StoreError, WrongExpectedVersionError

__all__ = ["ANSWERS"]


def _tries_on(errors: Any, orders: Any, wish: Any) -> None:
    for n in range(5):
        order = orders.load(wish.order_id)
        events = orders.decide(wish, order.state)
        try:
            orders.append(wish.order_id, events, order.version)
            return
        except (WrongExpectedVersionError, *errors):
            if n == 4:
                raise


def _ends(error: Exception, orders: Any, wish: Any) -> None:
    for _ in range(5):
        order = orders.load(wish.order_id)
        events = orders.decide(wish, order.state)
        with suppress(WrongExpectedVersionError):
            orders.append(wish.order_id, events, order.version)
            return
    raise error


def _tries_on_timeouts(orders: Any, wish: Any) -> None:
    _tries_on((TimeoutError,), orders, wish)


def _tries_on_odd_errors(orders: Any, wish: Any) -> None:
    _tries_on((RuntimeError, ValueError, KeyError), orders, wish)


def _tries_on_a_broken_disk(orders: Any, wish: Any) -> None:
    _tries_on((sqlite3.Error,), orders, wish)


def _tries_on_errors_of_the_store(orders: Any, wish: Any) -> None:
    _tries_on((StoreError,), orders, wish)


def _tries_on_every_error_of_the_save(orders: Any, wish: Any) -> None:
    _tries_on((Exception,), orders, wish)


def _makes_the_last_conflict_up(orders: Any, wish: Any) -> None:
    _ends(WrongExpectedVersionError(wish.order_id, 1, 2), orders, wish)


def _raises_its_own_error_at_the_end(orders: Any, wish: Any) -> None:
    _ends(RuntimeError("gave up"), orders, wish)


def _returns_when_the_load_fails(orders: Any, wish: Any) -> None:
    for n in range(5):
        try:
            order = orders.load(wish.order_id)
        except Exception:  # noqa: BLE001 - the mistake
            return
        events = orders.decide(wish, order.state)
        try:
            orders.append(wish.order_id, events, order.version)
            return
        except WrongExpectedVersionError:
            if n == 4:
                raise


def _goes_on_when_the_load_fails(orders: Any, wish: Any) -> None:
    for n in range(5):
        try:
            order = orders.load(wish.order_id)
        except Exception:  # noqa: BLE001 - the mistake
            continue
        events = orders.decide(wish, order.state)
        try:
            orders.append(wish.order_id, events, order.version)
            return
        except WrongExpectedVersionError:
            if n == 4:
                raise


def _swallows_what_decide_raises(orders: Any, wish: Any) -> None:
    for n in range(5):
        order = orders.load(wish.order_id)
        try:
            events = orders.decide(wish, order.state)
        except OrderRefusedError:
            raise
        except Exception:  # noqa: BLE001 - the mistake
            return
        try:
            orders.append(wish.order_id, events, order.version)
            return
        except WrongExpectedVersionError:
            if n == 4:
                raise


def _takes_a_refusal_for_a_conflict(orders: Any, wish: Any) -> None:
    for n in range(5):
        order = orders.load(wish.order_id)
        try:
            events = orders.decide(wish, order.state)
        except OrderRefusedError:
            raise WrongExpectedVersionError(wish.order_id, 1, 2) from None
        try:
            orders.append(wish.order_id, events, order.version)
            return
        except WrongExpectedVersionError:
            if n == 4:
                raise


def _returns_on_a_timeout(orders: Any, wish: Any) -> None:
    for n in range(5):
        order = orders.load(wish.order_id)
        events = orders.decide(wish, order.state)
        try:
            orders.append(wish.order_id, events, order.version)
            return
        except WrongExpectedVersionError:
            if n == 4:
                raise
        except TimeoutError:
            return


def _raises_another_error(orders: Any, wish: Any) -> None:
    for n in range(5):
        order = orders.load(wish.order_id)
        events = orders.decide(wish, order.state)
        try:
            orders.append(wish.order_id, events, order.version)
            return
        except WrongExpectedVersionError:
            if n == 4:
                raise
        except ConnectionError:
            raise KeyError("oops") from None


_tries = [1, 2, 3, 4, 5]


def _keeps_its_counter(orders: Any, wish: Any) -> None:
    while _tries:
        order = orders.load(wish.order_id)
        events = orders.decide(wish, order.state)
        try:
            orders.append(wish.order_id, events, order.version)
            return
        except WrongExpectedVersionError:
            _tries.pop()
            if not _tries:
                raise


ANSWERS: tuple[Callable[..., Any], ...] = (
    _tries_on_timeouts,
    _tries_on_odd_errors,
    _tries_on_a_broken_disk,
    _tries_on_errors_of_the_store,
    _tries_on_every_error_of_the_save,
    _makes_the_last_conflict_up,
    _raises_its_own_error_at_the_end,
    _returns_when_the_load_fails,
    _goes_on_when_the_load_fails,
    _swallows_what_decide_raises,
    _takes_a_refusal_for_a_conflict,
    _returns_on_a_timeout,
    _raises_another_error,
    _keeps_its_counter,
)
