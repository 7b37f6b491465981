"""The world outside the shop: card provider, mail server, parcel desk.

Each remembers what was done to it, and survives the crash of a consumer. Each call is a crash point, before and after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, TypeVar

import msgspec

from eda_lab.clock import microseconds
from eda_lab.errors import IdempotencyKeyError, OptionError, check_whole, shown
from eda_lab.faults import crash_point, is_share

__all__ = [
    "CardDeclinedError",
    "CardProvider",
    "Charge",
    "Mail",
    "MailServer",
    "Parcel",
    "ParcelDesk",
    "Switch",
    "effect",
]

T = TypeVar("T")


@contextmanager
def effect(name: str) -> Iterator[None]:
    """Mark one call on the outside world, which a consumer may crash just before or just after."""
    crash_point(f"before {name}")
    yield
    crash_point(f"after {name}")


class Switch:
    """Something that can be switched off (`down = True`), or can fail now and then: with a `ConnectionError`."""

    what = "service"

    def __init__(self) -> None:
        self.down = False
        self._rate, self._seed = 0.0, "0"
        self._tries: Counter[object] = Counter()

    def fails(self, rate: float, seed: object = 0) -> None:
        """Let each call fail with a probability of `rate` from now on.

        Which call fails is drawn from the seed, from what is asked for, and from how often that was asked before. So it
        does not depend on what others ask meanwhile.
        """
        if not is_share(rate):
            raise OptionError("rate", rate, "give a probability between 0 and 1")
        self._rate, self._seed = rate, f"{seed}/{self.what}"

    def outage(self, start: float, end: float) -> Iterator[float]:
        """Return a process that switches it off from second `start` to second `end`: `bus.process(name, ...)`."""
        if microseconds("start", start) >= microseconds("end", end):
            raise OptionError("end", end, f"give a second after start={start!r}")
        return self._outage(start, end)

    def _outage(self, start: float, end: float) -> Iterator[float]:
        yield start
        self.down = True
        yield end - start
        self.down = False

    def reach(self, call: object = None) -> None:
        """Get through to it; raise `ConnectionError` while it is down, or where this call fails."""
        if self.down:
            raise ConnectionError(f"the {self.what} is down")
        if self._rate:
            self._tries[call] += 1
            if Random(f"{self._seed}/{call}/{self._tries[call]}").random() < self._rate:
                raise ConnectionError(f"the {self.what} does not answer")


class _Keyed(Switch):
    """A service whose calls may carry an idempotency key: the same key again does nothing, and is answered as at first.

    `repeats` counts the calls that were answered so. A call that was refused keeps no key. The rule, and the error for
    a key that comes with other arguments, are those of card providers (Stripe API reference, "Idempotent requests").
    """

    def __init__(self) -> None:
        super().__init__()
        self.repeats = 0
        self._answers: dict[str, tuple[tuple[object, ...], Any]] = {}

    def _call(self, name: str, arguments: tuple[object, ...], key: str | None, work: Callable[[], T]) -> T:
        if key is not None and (not isinstance(key, str) or not key):
            raise OptionError("key", key, "give text, the same at each repeat, such as the id of the message")
        with effect(name):
            call = (name, *arguments)
            self.reach(call)
            if key is not None and key in self._answers:
                first, answer = self._answers[key]
                if first != call:
                    raise IdempotencyKeyError(key, _text(first), _text(call))
                self.repeats += 1
            else:
                answer = work()
                if key is not None:
                    self._answers[key] = (call, answer)
        return answer  # type: ignore[no-any-return]


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


class CardProvider(_Keyed):
    """Takes money. `charges` holds all that was captured and refunded, in order.

    >>> card = CardProvider()
    >>> card.charge("12345", 5000)
    Charge(order_id='12345', amount_cents=5000)
    >>> card.refund("12345")
    Charge(order_id='12345', amount_cents=-5000)
    >>> card.balance_cents
    0

    With a key, a repeat is recognised:

    >>> card.charge("12346", 700, key="message 7") is card.charge("12346", 700, key="message 7")
    True
    >>> card.balance_cents, card.repeats
    (700, 1)
    """

    what = "card provider"

    def __init__(self, limit_cents: int | None = None) -> None:
        super().__init__()
        if limit_cents is not None:
            check_whole("limit_cents", limit_cents)
        self.limit_cents = limit_cents
        self.charges: list[Charge] = []

    def charge(self, order_id: str, amount_cents: int, key: str | None = None) -> Charge:
        """Capture an amount; raise `CardDeclinedError` where it is over the limit of the card.

        With a `key` that was given before, nothing is captured again. Raises `IdempotencyKeyError` where that key was
        given for something else.
        """
        check_whole("amount_cents", amount_cents)
        return self._call("card.charge", (order_id, amount_cents), key, lambda: self._capture(order_id, amount_cents))

    def _capture(self, order_id: str, amount_cents: int) -> Charge:
        if self.limit_cents is not None and amount_cents > self.limit_cents:
            raise CardDeclinedError(order_id, amount_cents)
        return _kept(self.charges, Charge(order_id, amount_cents))

    def refund(self, order_id: str, key: str | None = None) -> Charge:
        """Give back what is still held for an order, once for each `key`."""
        return self._call(
            "card.refund",
            (order_id,),
            key,
            lambda: _kept(self.charges, Charge(order_id, -self.held_cents(order_id))),
        )

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


class MailServer(_Keyed):
    """Sends e-mails. `sent` holds them all."""

    what = "mail server"

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Mail] = []

    def send(self, to: str, subject: str, key: str | None = None) -> Mail:
        """Send one e-mail, once for each `key`."""
        return self._call("mail.send", (to, subject), key, lambda: _kept(self.sent, Mail(to, subject)))


class Parcel(msgspec.Struct, frozen=True):
    """A parcel that the desk was asked to send."""

    order_id: str
    customer_id: str


class ParcelDesk(_Keyed):
    """Sends parcels. `parcels` holds them all."""

    what = "parcel desk"

    def __init__(self) -> None:
        super().__init__()
        self.parcels: list[Parcel] = []

    def request(self, order_id: str, customer_id: str, key: str | None = None) -> Parcel:
        """Have a parcel sent, once for each `key`."""
        parcel = Parcel(order_id, customer_id)
        return self._call("parcels.request", (order_id, customer_id), key, lambda: _kept(self.parcels, parcel))


def _text(call: tuple[object, ...]) -> str:
    return f"{call[0]}({', '.join(map(shown, call[1:]))})"


def _kept(books: list[T], entry: T) -> T:
    books.append(entry)
    return entry
