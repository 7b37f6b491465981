"""The world outside the shop: card provider, mail server, parcel desk, and a small database that commits.

Each remembers what was done to it, and survives the crash of a consumer. Each call is a crash point, before and after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from types import MappingProxyType
from typing import Any

import msgspec

from eda_lab.delivery import crash_point
from eda_lab.errors import OptionError, check_whole

__all__ = [
    "CardDeclinedError",
    "CardProvider",
    "Charge",
    "Database",
    "Mail",
    "MailServer",
    "Parcel",
    "ParcelDesk",
    "TransactionConflictError",
]


@contextmanager
def _call(name: str) -> Iterator[None]:
    """Mark one call on the outside world, which a consumer may crash just before or just after."""
    crash_point(f"before {name}")
    yield
    crash_point(f"after {name}")


class _Switch:
    """Something that can be switched off, and then refuses with a `ConnectionError`."""

    what = "service"

    def __init__(self) -> None:
        self.down = False

    def _reach(self) -> None:
        if self.down:
            raise ConnectionError(f"the {self.what} is down")


class CardDeclinedError(Exception):
    """The card provider refused a charge. Trying again does not help.

    Attributes: `order_id`, `amount_cents`.
    """

    def __init__(self, order_id: str, amount_cents: int) -> None:
        super().__init__(f"the card was declined for order {order_id}: {amount_cents} cents")
        self.order_id, self.amount_cents = order_id, amount_cents


class Charge(msgspec.Struct, frozen=True):
    """Money taken from a customer (or, where the amount is negative, given back), in cents."""

    order_id: str
    amount_cents: int


class CardProvider(_Switch):
    """Takes money. `charges` holds all that was captured and refunded, in order.

    >>> card = CardProvider()
    >>> card.charge("12345", 5000)
    Charge(order_id='12345', amount_cents=5000)
    >>> card.refund("12345")
    Charge(order_id='12345', amount_cents=-5000)
    >>> card.balance_cents
    0
    """

    what = "card provider"

    def __init__(self, limit_cents: int | None = None) -> None:
        super().__init__()
        if limit_cents is not None:
            check_whole("limit_cents", limit_cents)
        self.limit_cents = limit_cents
        self.charges: list[Charge] = []

    def charge(self, order_id: str, amount_cents: int) -> Charge:
        """Capture an amount; raise `CardDeclinedError` where it is over the limit of the card."""
        check_whole("amount_cents", amount_cents)
        with _call("card.charge"):
            self._reach()
            if self.limit_cents is not None and amount_cents > self.limit_cents:
                raise CardDeclinedError(order_id, amount_cents)
            self.charges.append(Charge(order_id, amount_cents))
        return self.charges[-1]

    def refund(self, order_id: str) -> Charge:
        """Give back what is still held for an order."""
        with _call("card.refund"):
            self._reach()
            self.charges.append(Charge(order_id, -self.held_cents(order_id)))
        return self.charges[-1]

    def held_cents(self, order_id: str) -> int:
        """Return what was captured for an order and not given back, in cents."""
        return sum(charge.amount_cents for charge in self.charges if charge.order_id == order_id)

    @property
    def balance_cents(self) -> int:
        """All that was captured and not given back, in cents."""
        return sum(charge.amount_cents for charge in self.charges)


class Mail(msgspec.Struct, frozen=True):
    """One e-mail."""

    to: str
    subject: str


class MailServer(_Switch):
    """Sends e-mails. `sent` holds them all."""

    what = "mail server"

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Mail] = []

    def send(self, to: str, subject: str) -> Mail:
        """Send one e-mail."""
        with _call("mail.send"):
            self._reach()
            self.sent.append(Mail(to, subject))
        return self.sent[-1]


class Parcel(msgspec.Struct, frozen=True):
    """A parcel that the desk was asked to send."""

    order_id: str
    customer_id: str


class ParcelDesk(_Switch):
    """Sends parcels. `parcels` holds them all."""

    what = "parcel desk"

    def __init__(self) -> None:
        super().__init__()
        self.parcels: list[Parcel] = []

    def request(self, order_id: str, customer_id: str) -> Parcel:
        """Have a parcel sent."""
        with _call("parcels.request"):
            self._reach()
            self.parcels.append(Parcel(order_id, customer_id))
        return self.parcels[-1]


class TransactionConflictError(Exception):
    """Two transactions overlapped, and the other one committed first. Trying again helps."""

    def __init__(self) -> None:
        super().__init__("another transaction has committed meanwhile: try again")


class Database(_Switch):
    """A small database: tables of rows, changed in transactions that happen as a whole or not at all.

    >>> db = Database(stock={"PROD1": 10})
    >>> with db.transaction() as tables:
    ...     tables["stock"]["PROD1"] -= 2
    >>> db.table("stock")["PROD1"]
    8
    """

    what = "database"

    def __init__(self, **tables: Mapping[str, Any]) -> None:
        super().__init__()
        for name, rows in tables.items():
            if not isinstance(rows, Mapping):
                raise OptionError(name, rows, "give a table as a mapping of keys to rows")
        self._tables = _copied(tables)
        self.commits = 0

    def table(self, name: str) -> Mapping[str, Any]:
        """Return a table as it was last committed, to be read only."""
        return MappingProxyType(self._tables.get(name, {}))

    @contextmanager
    def transaction(self) -> Iterator[dict[str, dict[str, Any]]]:
        """Hand out the tables to be changed; commit at the end, unless an error or a crash comes first.

        Raises `TransactionConflictError` where another transaction has committed meanwhile: its changes would be lost.
        """
        self._reach()
        changed, begun = _copied(self._tables), self.commits
        yield changed
        with _call("db.commit"):
            if self.commits != begun:
                raise TransactionConflictError
            self._tables = changed
            self.commits += 1


def _copied(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Copy tables down to the rows: a row that can be changed is changed in a transaction or not at all."""
    values = (str, int, float, type(None))  # these need no copy, and most rows are such
    return {
        name: {key: row if isinstance(row, values) else deepcopy(row) for key, row in rows.items()}
        for name, rows in tables.items()
    }
