"""Exercise 02-events, its sales: whose card and address differ, or are missing, and how traces of them are found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from random import Random
from typing import Any

from eda_lab.orders import Item

__all__ = ["CALLERS", "Sale", "changes", "private_parts", "sale_of"]

# Who calls, after the first: the same sale, with another card and address.
CALLERS = {1: "another card and address", 2: "another card and no address", 3: "neither card nor address"}
_WORDS = ("card", "mail", "address", "passw")
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_CARD = re.compile(r"(?:\d[ -]?){13,19}|\b1111\b")  # and the end of the number in the lesson


@dataclass
class Sale:
    """All that the clerk at the telephone has heard."""

    order_id: str
    customer_id: str
    email: str | None
    card_number: str | None
    items: list[Item]


def sale_of(seed: int, caller: int) -> Sale:
    """Return the sale of a seed; callers have cards and e-mail addresses of their own, of other lengths, or none."""
    rng, own = Random(seed), Random(f"{seed}/{caller}")

    def up_to(most: int) -> int:
        return 1 + int(rng.random() * most)

    items = [Item(f"PROD{up_to(2)}", up_to(3), 100 * up_to(90)) for _ in range(up_to(3))]
    card: str | None = " ".join(f"{int(own.random() * 1e4):04d}" for _ in range(4))
    email: str | None = (
        f"{'abcdefgh'[int(own.random() * 8)]}{int(own.random() * 1e6)}@example{int(own.random() * 1e4)}.org"
    )
    if caller == 2:
        card, email = f"{int(own.random() * 1e15):015d}", ""
    elif caller == 3:
        card, email = None, None
    return Sale(str(20001 + seed), f"CUST{up_to(900):03d}", email, card, items)


def changes(before: Sale, after: Sale) -> list[str]:
    """Return the names of what is not as it was in a sale."""
    known = [field.name for field in fields(Sale)]
    gone = [name for name in known if getattr(after, name, None) != getattr(before, name)]
    return gone + [name for name in vars(after) if name not in known]


def private_parts(value: Any, path: str = "$") -> Iterator[str]:
    """Yield what in a JSON value looks like a card or an e-mail address, or is named after one."""
    if isinstance(value, dict):
        for key, part in value.items():
            if any(word in str(key).lower() for word in _WORDS):
                yield f"{path} has a field {key!r}"
            yield from private_parts(part, f"{path}.{key}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from private_parts(part, f"{path}[{number}]")
    elif isinstance(value, (str, int)) and (found := _ADDRESS.search(str(value)) or _CARD.search(str(value))):
        yield f"{path} holds {found[0]!r:.40}"
