"""Exercise 07-redrive, its days: orders, a bank or a parcel desk that is away, articles that nobody knows."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import msgspec

from eda_lab.orders import Item, OrderPlaced

__all__ = ["EVENING", "KNOWN", "Day", "Trouble", "days"]

DAYS = 300  # that are drawn; some more are made on purpose
EVENING = 3_600.0  # second at which the article is entered, and the dead letters are looked at
KNOWN = frozenset({"PROD1", "PROD3"})  # the articles that the desk knows in the morning
SLIPS = ("PORD1", "PROD1 ", "prod1")  # no article of the shop; nobody will ever enter them
CUSTOMERS = ("ADA", "BOB", "CLEO")


class Trouble(msgspec.Struct, frozen=True):
    """Who is away from when to when: "desk", or the customer whose bank does not answer.

    With `lost` the bank does its work, and it is the answer that does not arrive.
    """

    who: str
    begins: float
    ends: float
    lost: bool = False

    @property
    def all_day(self) -> bool:
        """Whether it lasts until the evening, which is longer than anybody goes on trying."""
        return self.ends >= EVENING

    def __str__(self) -> str:
        when = "all day" if self.all_day else f"from {self.begins:g} to {self.ends:g} s"
        if self.who == "desk":
            return f"the parcel desk is away {when}"
        return f"the answers of {self.who}'s bank are lost {when}" if self.lost else f"{self.who}'s bank is away {when}"


class Day(msgspec.Struct, frozen=True):
    """Orders, with the second at which each is placed; what goes wrong; the article that the desk learns at night."""

    orders: tuple[tuple[float, OrderPlaced], ...]
    learns: str
    trouble: Trouble | None = None

    @property
    def known(self) -> frozenset[str]:
        """The articles that the desk knows after the fix."""
        return KNOWN | {self.learns}

    def is_away(self, who: str, now: float) -> bool:
        """Whether the desk, or the bank of a customer, cannot be heard at that second."""
        trouble = self.trouble
        return trouble is not None and trouble.who == who and trouble.begins <= now < trouble.ends

    @property
    def size(self) -> tuple[float, ...]:
        """How much there is to read in a day."""
        skus = [item.sku for _, order in self.orders for item in order.items]
        rank = 0 if self.trouble is None else 1 + self.trouble.lost + 2 * self.trouble.all_day
        lasts = self.trouble.ends - self.trouble.begins if self.trouble else 0.0
        return len(self.orders), rank, len(skus), sum(sku not in KNOWN for sku in skus), lasts

    def __str__(self) -> str:
        return str(self.trouble) if self.trouble else "nobody is away"


@cache
def days() -> list[Day]:
    """Return the days on which an answer is tried, the simplest first."""
    return sorted([*map(_day, range(DAYS)), *_made()], key=lambda day: day.size)


def _day(seed: int) -> Day:
    rng = Random(f"redrive/{seed}")

    def pick(*options: Any) -> Any:
        return options[int(rng.random() * len(options))]

    # Two articles are missing, and one of them is entered. They have other names each day.
    learns, stays = f"PROD{20 + int(rng.random() * 40)}", f"PROD{60 + int(rng.random() * 40)}"
    if pick(True, False):
        learns, stays = stays, learns
    at, orders = 0.0, []
    for n in range(1 + seed % 6):
        skus = [pick("PROD1", "PROD1", "PROD3", learns, learns, stays, pick(*SLIPS)) for _ in range(pick(1, 1, 2))]
        items = tuple(Item(sku, pick(1, 2)) for sku in dict.fromkeys(skus))
        orders.append((at, OrderPlaced(str(20_000 + 10 * seed + n), pick(*CUSTOMERS), items)))
        at += pick(0.0, 0.5, 2.0, 10.0)
    who = pick(None, None, "desk", "desk", orders[0][1].customer_id, orders[0][1].customer_id, "BOB")
    begins, lasts = pick(0.0, 0.0, 0.2, 1.0), pick(5.0, 20.0, 60.0, 60.0, EVENING)
    lost = pick(False, False, True)
    if who is None:
        return Day(tuple(orders), learns)
    return Day(tuple(orders), learns, Trouble(who, begins, min(begins + lasts, EVENING), lost and who != "desk"))


def _made() -> list[Day]:
    """Return days with one order and each trouble, with all known articles, with more failing orders than workers."""
    alone = ((0.0, OrderPlaced("29001", "ADA", (Item("PROD1", 1),))),)
    troubles = [
        Trouble(who, 0.0, ends, lost)
        for who, lost in (("ADA", False), ("ADA", True), ("desk", False))
        for ends in (5.0, 60.0, EVENING)
    ]
    crowd = tuple((0.0, OrderPlaced(str(29_010 + n), "ADA", (Item("PROD1", 1),))) for n in range(12))
    behind = ((1.0, OrderPlaced("29050", "BOB", (Item("PROD3", 1),))),)
    return [
        Day(
            ((0.0, OrderPlaced("29060", "BOB", tuple(Item(sku, 1) for sku in ("PROD1", "PROD3", "PROD20")))),), "PROD20"
        ),
        *(Day(alone, "PROD20", trouble) for trouble in troubles),
        *(Day(crowd + behind, "PROD20", trouble) for trouble in troubles if trouble.who == "ADA"),
    ]
