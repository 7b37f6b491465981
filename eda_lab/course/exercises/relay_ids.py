"""Wrong answers to exercise 10-relay whose fault is the id of an event: its check must refuse them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from eda_lab.delivery import with_id

__all__ = ["IDS"]


def _no_id(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield row.event
            outbox.mark(row.number)
        yield 1.0


def _a_fresh_id_each_time(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(str(uuid4()), row.event)
            outbox.mark(row.number)
        yield 1.0


def _the_number_of_the_order_as_id(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.event.order_id, row.event)
            outbox.mark(row.number)
        yield 1.0


def _a_counter_as_id(outbox: Any) -> Iterator[Any]:
    number = 0
    while True:
        for row in outbox.pending():
            number += 1
            yield with_id(f"event-{number}", row.event)
            outbox.mark(row.number)
        yield 1.0


def _one_id_for_all(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id("relay", row.event)
            outbox.mark(row.number)
        yield 1.0


def _the_place_in_the_list_as_id(outbox: Any) -> Iterator[Any]:
    while True:
        for place, row in enumerate(outbox.pending()):
            yield with_id(f"event-{place}", row.event)
            outbox.mark(row.number)
        yield 1.0


def _how_many_are_pending_in_the_id(outbox: Any) -> Iterator[Any]:
    while True:
        rows = outbox.pending()
        for row in rows:
            yield with_id(f"{row.number} of {len(rows)}", row.event)
            outbox.mark(row.number)
        yield 1.0


def _type_and_order_as_id(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(f"{type(row.event).__name__} {row.event.order_id}", row.event)
            outbox.mark(row.number)
        yield 1.0


def _the_event_as_text(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(repr(row.event)[:200], row.event)
            outbox.mark(row.number)
        yield 1.0


def _the_hash_of_the_event(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(str(hash(row.event)), row.event)
            outbox.mark(row.number)
        yield 1.0


def _the_hash_of_the_row_id(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(str(hash(row.id)), row.event)
            outbox.mark(row.number)
        yield 1.0


def _the_address_of_the_event(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(str(id(row.event)), row.event)
            outbox.mark(row.number)
        yield 1.0


IDS: tuple[Callable[..., Any], ...] = (
    _no_id,
    _a_fresh_id_each_time,
    _the_number_of_the_order_as_id,
    _a_counter_as_id,
    _one_id_for_all,
    _the_place_in_the_list_as_id,
    _how_many_are_pending_in_the_id,
    _type_and_order_as_id,
    _the_event_as_text,
    _the_hash_of_the_event,
    _the_hash_of_the_row_id,
    _the_address_of_the_event,
)
