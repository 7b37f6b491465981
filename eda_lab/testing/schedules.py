"""What the schedules of a small system come to: its endings, and how many schedules lead to each.

`exhaustive` finds them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import comb
from typing import Any, NamedTuple

import msgspec

__all__ = ["Choices", "Ending", "Exploration", "Size", "Way", "shuffled"]

Choices = tuple[int, ...]


class Ending(msgspec.Struct, frozen=True):
    """How a run ended: the world outside of the bus, and each copy as (group, message id, outcome)."""

    world: Any
    copies: tuple[tuple[str, str, str], ...]

    def count(self, outcome: str) -> int:
        """Return how many copies ended with an outcome, such as "done" or "lost"."""
        return sum(word == outcome for *_, word in self.copies)


class Way(msgspec.Struct, frozen=True):
    """How an ending is come to: the shortest schedule, and how many schedules of each length lead to it.

    The length of a schedule is the number of things that happen in it.
    """

    choices: Choices
    lengths: dict[int, int]

    @property
    def schedules(self) -> int:
        """How many schedules lead there."""
        return sum(self.lengths.values())


class Size(NamedTuple):
    """How large a system is: the states it can be in, the steps between them, and the paths from first to last."""

    states: int
    transitions: int
    schedules: int

    def __str__(self) -> str:
        return f"{self.states:,} states, {self.transitions:,} transitions, {self.schedules:,} schedules"


class Exploration(msgspec.Struct, frozen=True):
    """What a system can come to. `endings` holds every ending that any schedule has."""

    states: int
    transitions: int
    endings: dict[Ending, Way]

    @property
    def size(self) -> Size:
        """How large the system is."""
        return Size(self.states, self.transitions, sum(way.schedules for way in self.endings.values()))

    def breaking(self, holds: Callable[[Ending], bool]) -> Way | None:
        """Return the shortest of all schedules whose ending breaks a promise, or None where each one keeps it."""
        broken = [way for ending, way in self.endings.items() if not holds(ending)]
        return min(broken, key=lambda way: (min(way.lengths), way.choices), default=None)

    def __repr__(self) -> str:
        return f"<Exploration: {self.size}, {len(self.endings)} endings>"


def shuffled(*explorations: Exploration) -> Size:
    """Return the size of a system whose parts were explored each by itself, and share nothing.

    A part takes its own steps, whatever the others do. So each state is a state of every part, and each schedule is a
    shuffle: one schedule of every part, interleaved in any way.
    """
    states, transitions, lengths = 1, 0, Counter({0: 1})
    for part in explorations:
        transitions = transitions * part.states + states * part.transitions
        states *= part.states
        mixed: Counter[int] = Counter()
        for way in part.endings.values():
            for own, schedules in way.lengths.items():
                for others, number in lengths.items():
                    mixed[own + others] += schedules * number * comb(own + others, own)
        lengths = mixed
    return Size(states, transitions, lengths.total())
