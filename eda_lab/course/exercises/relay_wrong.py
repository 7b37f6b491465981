"""Wrong answers to exercise 10-relay, each of which somebody would write: its check must refuse them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from eda_lab.delivery import with_id

__all__ = ["ANSWERS"]


def _nothing(outbox: Any) -> Iterator[Any]:
    while True:
        yield 1.0


def _twice(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
        yield 1.0


def _marks_first(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            outbox.mark(row.number)
            yield with_id(row.id, row.event)
        yield 1.0


def _marks_at_the_end_of_the_batch(outbox: Any) -> Iterator[Any]:
    while True:
        rows = outbox.pending()
        for row in rows:
            yield with_id(row.id, row.event)
        for row in rows:
            outbox.mark(row.number)
        yield 1.0


def _marks_nothing(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
        yield 1.0


def _marks_and_publishes_nothing(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            outbox.mark(row.number)
        yield 1.0


def _only_the_last_row(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending()[-1:]:
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
        yield 1.0


def _reads_the_outbox_once(outbox: Any) -> Iterator[Any]:
    rows = outbox.pending()
    while True:
        for row in rows:
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
        yield 1.0


def _remembers_in_a_variable(outbox: Any) -> Iterator[Any]:
    sent = set()
    while True:
        for row in outbox.pending():
            if row.number not in sent:
                yield with_id(row.id, row.event)
                sent.add(row.number)
        yield 1.0


def _remembers_and_marks_later(outbox: Any) -> Iterator[Any]:
    sent: set[int] = set()
    while True:
        rows = outbox.pending()
        for row in rows:
            if row.number not in sent:
                sent.add(row.number)
                yield with_id(row.id, row.event)
        if not rows:
            yield 1.0
        for row in rows:
            outbox.mark(row.number)


_SENT: set[int] = set()


def _a_set_of_the_module(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            if row.number not in _SENT:
                _SENT.add(row.number)
                yield with_id(row.id, row.event)
            outbox.mark(row.number)
        yield 1.0


def _newest_first(outbox: Any) -> Iterator[Any]:
    while True:
        for row in reversed(outbox.pending()):
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
        yield 1.0


def _two_at_a_time(outbox: Any) -> Iterator[Any]:
    while True:
        rows = outbox.pending(2)
        for row in rows:
            yield with_id(row.id, row.event)
        for row in rows:
            outbox.mark(row.number)
        yield 1.0


def _always_one_behind(outbox: Any) -> Iterator[Any]:
    last = None
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            if last is not None:
                outbox.mark(last)
            last = row.number
        yield 1.0


def _marks_all_when_it_starts(outbox: Any) -> Iterator[Any]:
    for row in outbox.pending()[:1]:
        yield with_id(row.id, row.event)
        outbox.mark(row.number)
    for row in outbox.pending():
        outbox.mark(row.number)
    yield from _marks_first(outbox)


def _mark_in_finally(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            try:
                outbox.mark(row.number)
            finally:
                with suppress(Exception):
                    yield with_id(row.id, row.event)
        yield 1.0


def _each_event_once(outbox: Any) -> Iterator[Any]:
    sent: list[Any] = []
    while True:
        for row in outbox.pending():
            if row.event not in sent:
                yield with_id(row.id, row.event)
                sent.append(row.event)
            outbox.mark(row.number)
        yield 1.0


def _marks_all_and_publishes_fifty(outbox: Any) -> Iterator[Any]:
    while True:
        for place, row in enumerate(outbox.pending()):
            if place < 50:
                yield with_id(row.id, row.event)
            outbox.mark(row.number)
        yield 1.0


def _marks_the_id(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            outbox.mark(row.id)
        yield 1.0


def _asks_the_database(outbox: Any) -> Iterator[Any]:
    while True:
        yield from outbox.db.table("orders").values()
        yield 1.0


ANSWERS: tuple[Callable[..., Any], ...] = (
    _nothing,
    _twice,
    _marks_first,
    _marks_at_the_end_of_the_batch,
    _marks_nothing,
    _marks_and_publishes_nothing,
    _only_the_last_row,
    _reads_the_outbox_once,
    _remembers_in_a_variable,
    _remembers_and_marks_later,
    _a_set_of_the_module,
    _newest_first,
    _two_at_a_time,
    _always_one_behind,
    _marks_all_when_it_starts,
    _mark_in_finally,
    _each_event_once,
    _marks_all_and_publishes_fifty,
    _marks_the_id,
    _asks_the_database,
)
