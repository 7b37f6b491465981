"""Wrong answers to exercise 14-retry, each of which somebody would write: its check must refuse them all."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from eda_lab.course.desks import OrderChanged
from eda_lab.course.exercises import retry_errors
from eda_lab.order_history import AddItem, OrderRefusedError
from eda_lab.store import ANY
from eda_lab.store.errors import WrongExpectedVersionError

__all__ = ["ANSWERS"]


def _nothing(orders: Any, wish: Any) -> None:
    pass


def _twice(orders: Any, wish: Any) -> None:
    for _ in range(2):
        order = orders.load(wish.order_id)
        orders.append(wish.order_id, orders.decide(wish, order.state), order.version)


def _any_version(orders: Any, wish: Any) -> None:
    order = orders.load(wish.order_id)
    orders.append(wish.order_id, orders.decide(wish, order.state), ANY)


def _decides_once(orders: Any, wish: Any) -> None:
    order = orders.load(wish.order_id)
    orders.append(wish.order_id, orders.decide(wish, order.state), order.version)


def _saves_the_old_events(orders: Any, wish: Any) -> None:
    order = orders.load(wish.order_id)
    events = orders.decide(wish, order.state)
    for attempt in range(1, 6):
        try:
            orders.append(wish.order_id, events, order.version)
            return
        except WrongExpectedVersionError:
            if attempt == 5:
                raise
            order = orders.load(wish.order_id)


def _takes_the_version_from_the_error(orders: Any, wish: Any) -> None:
    order = orders.load(wish.order_id)
    version = order.version
    for attempt in range(1, 6):
        try:
            orders.append(wish.order_id, orders.decide(wish, order.state), version)
            return
        except WrongExpectedVersionError as error:
            version = error.actual
            if attempt == 5:
                raise


def _any_version_after_a_conflict(orders: Any, wish: Any) -> None:
    order = orders.load(wish.order_id)
    try:
        orders.append(wish.order_id, orders.decide(wish, order.state), order.version)
    except WrongExpectedVersionError:
        order = orders.load(wish.order_id)
        orders.append(wish.order_id, orders.decide(wish, order.state), ANY)


def _for_ever(orders: Any, wish: Any) -> None:
    while True:
        order = orders.load(wish.order_id)
        with suppress(WrongExpectedVersionError):
            orders.append(wish.order_id, orders.decide(wish, order.state), order.version)
            return


def _swallows_the_conflict(orders: Any, wish: Any) -> None:
    order = orders.load(wish.order_id)
    with suppress(WrongExpectedVersionError):
        orders.append(wish.order_id, orders.decide(wish, order.state), order.version)


def _swallows_the_last_conflict(orders: Any, wish: Any) -> None:
    for _ in range(5):
        order = orders.load(wish.order_id)
        with suppress(WrongExpectedVersionError):
            orders.append(wish.order_id, orders.decide(wish, order.state), order.version)
            return


def _sleeps_only(orders: Any, wish: Any) -> None:
    order = orders.load(wish.order_id)
    events = orders.decide(wish, order.state)
    for attempt in range(1, 6):
        try:
            orders.append(wish.order_id, events, order.version)
            return
        except WrongExpectedVersionError:
            time.sleep(0.001)
            if attempt == 5:
                raise


def _merges_blindly(orders: Any, wish: Any) -> None:
    order = orders.load(wish.order_id)
    events = orders.decide(wish, order.state)
    for attempt in range(1, 6):
        try:
            orders.append(wish.order_id, events, order.version)
            return
        except WrongExpectedVersionError:
            if attempt == 5:
                raise
            order = orders.load(wish.order_id)
            if isinstance(wish, AddItem):
                events = [OrderChanged(wish.order_id, (*order.state.items, wish.item))]


def _tries_on_every_error(orders: Any, wish: Any) -> None:
    for attempt in range(1, 6):
        try:
            order = orders.load(wish.order_id)
            orders.append(wish.order_id, orders.decide(wish, order.state), order.version)
            return
        except Exception:
            if attempt == 5:
                raise


def _tries_when_the_store_does_not_answer(orders: Any, wish: Any) -> None:
    for attempt in range(1, 6):
        order = orders.load(wish.order_id)
        try:
            orders.append(wish.order_id, orders.decide(wish, order.state), order.version)
            return
        except (WrongExpectedVersionError, ConnectionError):
            if attempt == 5:
                raise


def _swallows_every_error(orders: Any, wish: Any) -> None:
    for _ in range(5):
        order = orders.load(wish.order_id)
        with suppress(Exception):
            orders.append(wish.order_id, orders.decide(wish, order.state), order.version)
            return


def _tries_twice(orders: Any, wish: Any) -> None:
    for last in (False, True):
        order = orders.load(wish.order_id)
        try:
            orders.append(wish.order_id, orders.decide(wish, order.state), order.version)
            return
        except WrongExpectedVersionError:
            if last:
                raise


def _six_times(orders: Any, wish: Any) -> None:
    for attempt in itertools.count():
        order = orders.load(wish.order_id)
        try:
            orders.append(wish.order_id, orders.decide(wish, order.state), order.version)
            return
        except WrongExpectedVersionError:
            if attempt == 5:
                raise


def _hides_what_the_rules_refuse(orders: Any, wish: Any) -> None:
    for attempt in range(1, 6):
        order = orders.load(wish.order_id)
        try:
            orders.append(wish.order_id, orders.decide(wish, order.state), order.version)
            return
        except OrderRefusedError:
            return
        except WrongExpectedVersionError:
            if attempt == 5:
                raise


def _does_not_stop_when_saved(orders: Any, wish: Any) -> None:
    for attempt in range(1, 6):
        order = orders.load(wish.order_id)
        try:
            orders.append(wish.order_id, orders.decide(wish, order.state), order.version)
        except WrongExpectedVersionError:
            if attempt == 5:
                raise


def _loads_the_version_last(orders: Any, wish: Any) -> None:
    for attempt in range(1, 6):
        events = orders.decide(wish, orders.load(wish.order_id).state)
        try:
            orders.append(wish.order_id, events, orders.load(wish.order_id).version)
            return
        except WrongExpectedVersionError:
            if attempt == 5:
                raise


def _looks_behind_the_stage(orders: Any, wish: Any) -> None:
    with orders.store.lock():
        order = orders.load(wish.order_id)
        orders.append(wish.order_id, orders.decide(wish, order.state), order.version)


ANSWERS: tuple[Callable[..., Any], ...] = (
    _nothing,
    _twice,
    _any_version,
    _decides_once,
    _saves_the_old_events,
    _takes_the_version_from_the_error,
    _any_version_after_a_conflict,
    _for_ever,
    _swallows_the_conflict,
    _swallows_the_last_conflict,
    _sleeps_only,
    _merges_blindly,
    _tries_on_every_error,
    _tries_when_the_store_does_not_answer,
    _swallows_every_error,
    _tries_twice,
    _six_times,
    _hides_what_the_rules_refuse,
    _does_not_stop_when_saved,
    _loads_the_version_last,
    _looks_behind_the_stage,
    *retry_errors.ANSWERS,
)
