"""eda_lab: event-driven architecture to play with.

`DirectBus` and `EventBus` deliver events to handlers; everything else draws, measures or breaks what they do.
Names are loaded when they are first used, so that `import eda_lab` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eda_lab.bus import EventBus as EventBus
    from eda_lab.clock import exponential as exponential
    from eda_lab.clock import sleep as sleep
    from eda_lab.clock import uniform as uniform
    from eda_lab.consumers import Consumer as Consumer
    from eda_lab.consumers import handles as handles
    from eda_lab.database import Database as Database
    from eda_lab.delivery import AckPolicy as AckPolicy
    from eda_lab.delivery import DeadLetter as DeadLetter
    from eda_lab.delivery import Delivery as Delivery
    from eda_lab.delivery import Retry as Retry
    from eda_lab.delivery import later as later
    from eda_lab.delivery import with_id as with_id
    from eda_lab.direct import DirectBus as DirectBus
    from eda_lab.erasing import KeyRing as KeyRing
    from eda_lab.erasing import Sealed as Sealed
    from eda_lab.errors import CascadeLimitError as CascadeLimitError
    from eda_lab.errors import EdaLabError as EdaLabError
    from eda_lab.events import Command as Command
    from eda_lab.events import Event as Event
    from eda_lab.events import Message as Message
    from eda_lab.faults import Crash as Crash
    from eda_lab.faults import Faults as Faults
    from eda_lab.faults import Link as Link
    from eda_lab.faults import Outage as Outage
    from eda_lab.faults import Slow as Slow
    from eda_lab.handlers import LabWarning as LabWarning
    from eda_lab.inbox import Inbox as Inbox
    from eda_lab.orders import Item as Item
    from eda_lab.orders import OrderPlaced as OrderPlaced
    from eda_lab.orders import example_order as example_order
    from eda_lab.orders import make_order as make_order
    from eda_lab.outbox import Outbox as Outbox
    from eda_lab.producers import burst as burst
    from eda_lab.producers import poisson as poisson
    from eda_lab.producers import scheduled as scheduled
    from eda_lab.producers import steady as steady
    from eda_lab.roles import projector as projector
    from eda_lab.roles import reactor as reactor
    from eda_lab.shop import Shop as Shop
    from eda_lab.shop import checkout as checkout
    from eda_lab.shop import in_sequence as in_sequence
    from eda_lab.shop import open_shop as open_shop
    from eda_lab.sourcing import Projection as Projection
    from eda_lab.sourcing import Repository as Repository
    from eda_lab.sourcing import Upcasters as Upcasters
    from eda_lab.sourcing import fold as fold
    from eda_lab.sourcing import upcast as upcast
    from eda_lab.sourcing import upcaster as upcaster
    from eda_lab.sqldatabase import SqlDatabase as SqlDatabase
    from eda_lab.store import ANY as ANY
    from eda_lab.store import NONE as NONE
    from eda_lab.store import EventStore as EventStore
    from eda_lab.store.errors import DuplicateIdError as DuplicateIdError
    from eda_lab.store.errors import StoreError as StoreError
    from eda_lab.store.errors import WrongExpectedVersionError as WrongExpectedVersionError
    from eda_lab.wire import decode as decode
    from eda_lab.wire import encode as encode

_HOMES = {
    "ANY": "store",
    "AckPolicy": "delivery",
    "CascadeLimitError": "errors",
    "Command": "events",
    "Consumer": "consumers",
    "Crash": "faults",
    "Database": "database",
    "DeadLetter": "delivery",
    "Delivery": "delivery",
    "DirectBus": "direct",
    "DuplicateIdError": "store.errors",
    "EdaLabError": "errors",
    "Event": "events",
    "EventBus": "bus",
    "EventStore": "store",
    "Faults": "faults",
    "Inbox": "inbox",
    "Item": "orders",
    "KeyRing": "erasing",
    "LabWarning": "handlers",
    "Link": "faults",
    "Message": "events",
    "NONE": "store",
    "OrderPlaced": "orders",
    "Outage": "faults",
    "Outbox": "outbox",
    "Projection": "sourcing",
    "Repository": "sourcing",
    "Retry": "delivery",
    "Sealed": "erasing",
    "Shop": "shop",
    "Slow": "faults",
    "SqlDatabase": "sqldatabase",
    "StoreError": "store.errors",
    "Upcasters": "sourcing",
    "WrongExpectedVersionError": "store.errors",
    "burst": "producers",
    "checkout": "shop",
    "decode": "wire",
    "encode": "wire",
    "example_order": "orders",
    "exponential": "clock",
    "fold": "sourcing",
    "handles": "consumers",
    "in_sequence": "shop",
    "later": "delivery",
    "make_order": "orders",
    "open_shop": "shop",
    "poisson": "producers",
    "projector": "roles",
    "reactor": "roles",
    "scheduled": "producers",
    "sleep": "clock",
    "steady": "producers",
    "uniform": "clock",
    "upcast": "sourcing",
    "upcaster": "sourcing",
    "with_id": "delivery",
}
__all__ = sorted(_HOMES)
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'eda_lab' has no attribute {name!r}")
    value = getattr(import_module(f"eda_lab.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
