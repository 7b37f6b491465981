"""Wrong answers to exercise 10-relay that yield the wrong things, wait wrongly, or end: it must refuse them all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from time import sleep
from typing import Any

from eda_lab.delivery import with_id

__all__ = ["WAITS"]


def _stops_after_the_first_round(outbox: Any) -> Iterator[Any]:
    for row in outbox.pending():
        yield with_id(row.id, row.event)
        outbox.mark(row.number)


def _forgets_to_wait(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            outbox.mark(row.number)


def _waits_no_time(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
        yield 0.0


def _waits_an_hour(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
        yield 3600.0


def _yields_the_row(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield row
            outbox.mark(row.number)
        yield 1.0


def _returns_a_list(outbox: Any) -> list[Any]:
    return [with_id(row.id, row.event) for row in outbox.pending()]


def _twenty_rounds(outbox: Any) -> Iterator[Any]:
    for _ in range(20):
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
        yield 1.0


def _a_thousand_rounds(outbox: Any) -> Iterator[Any]:
    for _ in range(1000):
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
        yield 1.0


def _ends_when_nothing_is_pending(outbox: Any) -> Iterator[Any]:
    while rows := outbox.pending():
        for row in rows:
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
        yield 1.0


def _sleeps(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
        time.sleep(1.0)


def _sleeps_and_yields(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
        sleep(1.0)
        yield 0.0


def _waits_only_behind_a_row(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
            yield 1.0


def _waits_behind_each_row(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
            yield 1.0
        yield 1.0


def _looks_more_and_more_rarely(outbox: Any) -> Iterator[Any]:
    pause = 1.0
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
        yield pause
        pause *= 2


def _yields_the_row_under_its_id(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row)
            outbox.mark(row.number)
        yield 1.0


def _yields_a_list(outbox: Any) -> Iterator[Any]:
    while True:
        yield [with_id(row.id, row.event) for row in outbox.pending()]
        yield 1.0


def _yields_the_mark(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            yield outbox.mark(row.number)
        yield 1.0


def _sets_sent(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            row.sent = True
        yield 1.0


def _publishes_without_a_yield(outbox: Any) -> None:
    while True:
        for row in outbox.pending():
            with_id(row.id, row.event)
            outbox.mark(row.number)


WAITS: tuple[Callable[..., Any], ...] = (
    _stops_after_the_first_round,
    _forgets_to_wait,
    _waits_no_time,
    _waits_an_hour,
    _yields_the_row,
    _returns_a_list,
    _twenty_rounds,
    _a_thousand_rounds,
    _ends_when_nothing_is_pending,
    _sleeps,
    _sleeps_and_yields,
    _waits_only_behind_a_row,
    _waits_behind_each_row,
    _looks_more_and_more_rarely,
    _yields_the_row_under_its_id,
    _yields_a_list,
    _yields_the_mark,
    _sets_sent,
    _publishes_without_a_yield,
)
