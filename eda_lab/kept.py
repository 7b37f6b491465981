"""Events as text in a database, read back as what they were: for the inbox and the outbox.

>>> from eda_lab.orders import StockReserved
>>> written([StockReserved("12345")])
'[{"type":"stock_reserved","data":{"order_id":"12345"}}]'
>>> read(_)
[StockReserved(order_id='12345')]
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from eda_lab.delivery import Later
from eda_lab.errors import MalformedEventError, NotAnEventError, shown
from eda_lab.events import Command, Event, class_for, type_name
from eda_lab.wire import decode

__all__ = ["read", "written"]


class _Kept(msgspec.Struct, omit_defaults=True):
    """One event; `seconds` is there where it is to be published later."""

    type: str
    data: msgspec.Raw
    seconds: float | None = None


_ROWS = msgspec.json.Decoder(list[_Kept])


def written(events: Iterable[Any]) -> str:
    """Return events (or `Later`) as one line of JSON.

    Raises `NotAnEventError` for one of another class than `Event` or `Command`: the text would not say what it was.
    Raises `MalformedEventError` for one that cannot be written.
    """
    return msgspec.json.encode([_written(event) for event in events]).decode()


def _written(thing: Any) -> _Kept:
    event, seconds = (thing.event, thing.seconds) if isinstance(thing, Later) else (thing, None)
    if not isinstance(event, (Event, Command)):
        what_to_do = "is no instance of an Event class: a database in SQL keeps only these, as they can be read back"
        raise NotAnEventError(event, f"{shown(event)} {what_to_do}")
    try:
        data = msgspec.Raw(msgspec.json.encode(event))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise MalformedEventError("$", f"this event cannot be written as JSON: {error}") from error
    return _Kept(type_name(type(event)), data, seconds)


def read(text: str) -> list[Any]:
    """Return the events that `written` wrote.

    Raises `UnknownEventTypeError` where a class is not there any more, `MalformedEventError` where the text is damaged
    or does not fit its class.
    """
    try:
        rows = _ROWS.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise MalformedEventError("$", f"these are no events: {error}") from error
    return [_read(row) for row in rows]


def _read(row: _Kept) -> Any:
    class_for(row.type)  # raises where there is none: its plain data could not be published
    envelope = {"specversion": "1.0", "id": "1", "source": "kept", "type": row.type, "data": row.data}
    event = decode(msgspec.json.encode(envelope)).data
    return event if row.seconds is None else Later(row.seconds, event)
