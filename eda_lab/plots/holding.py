"""Which failed messages a worker has waited with, to try them again in place, while others stood in its queue.

A run does not write that down; it is to be seen in what the worker did next.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, zip_longest

from eda_lab.columns import Columns, Outcome, Record
from eda_lab.plots.spells import changes, spells

__all__ = ["held"]

NEVER = 1 << 62


def held(c: Columns) -> dict[int, int]:
    """Return the failed attempts that a worker waited with, each with the microsecond until which it did, or does.

    A worker that is there, and takes up nothing but the next attempt while others stand in its queue, waits with it.
    What is seen so once goes for the whole group, also for the times when nobody else came.
    """
    found = _alone(c)
    queues = {group: _Standing(c, group) for group in {c.group[row] for row in found}}
    proven = {c.group[row] for row, until in found.items() if queues[c.group[row]].between(c.ended[row], until)}
    return {row: until for row, until in found.items() if c.group[row] in proven}


def _alone(c: Columns) -> dict[int, int]:
    """Return the failed attempts whose worker took up nothing before the next attempt, and when that one was due."""
    nexts = {(c.message[row], c.group[row], c.attempt[row]): row for row in range(len(c.message))}
    taken: dict[tuple[int, int], list[int]] = {}
    for entry in c.log:
        if entry % 8 == Record.STARTED:
            taken.setdefault((c.group[entry // 8], c.worker[entry // 8]), []).append(entry // 8)
    away: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for spell in spells(changes(c)):
        if spell.kind in ("down", "paused"):
            end = spell.end if spell.end >= 0 else NEVER
            away.setdefault((spell.group, spell.worker), []).append((spell.start, end))
    found = {}
    for worker, rows in taken.items():
        for row, later in zip_longest(rows, rows[1:], fillvalue=-1):
            again = nexts.get((c.message[row], c.group[row], c.attempt[row] + 1), -1)
            if c.outcome[row] != Outcome.FAILED or again < 0:
                continue
            waits = later < 0 and c.outcome[again] == Outcome.WAITING
            start, end = c.ended[row], c.now_us if waits else c.queued[again]
            there = not any(gone < end and start < back for gone, back in away.get(worker, ()))
            if (waits or later == again) and start < end and there:
                found[row] = c.queued[again]
    return found


class _Standing:
    """What stood in the queue of a group, and when."""

    def __init__(self, c: Columns, group: int) -> None:
        rows = [row for row, of in enumerate(c.group) if of == group and c.outcome[row] != Outcome.WAITING]
        stood = sorted((c.queued[row], _left(c, row)) for row in rows if c.queued[row] < _left(c, row))
        self.came = [came for came, _ in stood]
        self.stayed = list(accumulate((left for _, left in stood), max))

    def between(self, start: int, end: int) -> bool:
        """Whether something stood there for a while between two moments."""
        place = bisect_left(self.came, end)
        return place > 0 and self.stayed[place - 1] > start


def _left(c: Columns, row: int) -> int:
    return next((moment for moment in (c.started[row], c.ended[row]) if moment >= 0), NEVER)
