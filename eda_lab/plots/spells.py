"""When something was wrong with somebody, read from the notes of a run: consumers down, paused or slow; crashes.

The player and the timeline both read it here, so that they cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from eda_lab.columns import Columns, Origin
from eda_lab.graphs import counted
from eda_lab.plots.canvas import shortened
from eda_lab.table import visible

__all__ = ["Change", "Spell", "changes", "crashes", "on_its_way", "said_shortly", "spells", "told"]

_STATE, _PACE, _CRASH = re.compile(r"is (up|down|paused)"), re.compile(r"needs (\S+) times as long"), "crashed "
_NORMAL = "works at its normal pace"


class Change(NamedTuple):
    """A note as data. `group` and `worker` are numbers, -1 for a publisher.

    `state` is "up", "down", "paused" or "crashed", and "" where only the pace changes; `factor` is how many times as
    long the work takes from now on, and 0 where the pace stays.
    """

    time: int
    who: str
    group: int
    worker: int
    state: str
    factor: float
    words: str


class Spell(NamedTuple):
    """A time in which somebody was `kind`: "down", "paused", "slow" or "quick"; an `end` of -1 is still to come."""

    who: str
    group: int
    worker: int
    kind: str
    start: int
    end: int
    words: str

    @property
    def when(self) -> str:
        """From when to when, in seconds."""
        return f"from {self.start / 1e6:g} {f'to {self.end / 1e6:g} s' if self.end >= 0 else 's on'}"


def changes(c: Columns) -> list[Change]:
    """Return the notes of a run as data, in their order."""
    consumers = {name: (group, n) for group, names in enumerate(c.workers) for n, name in enumerate(names)}
    crashed: set[str] = set()  # a process may have the name of a consumer; after a crash it is the process that is up
    found = []
    for time, who, words in c.notes:
        state, pace, factor = _STATE.fullmatch(words), _PACE.fullmatch(words), 1.0 if words == _NORMAL else 0.0
        is_now = state[1] if state else ""
        if words.startswith(_CRASH):
            crashed.add(who)
            is_now = "crashed"
        publishes = who in crashed and is_now in ("up", "crashed")
        if is_now == "up":
            crashed.discard(who)
        group, worker = (-1, -1) if publishes else consumers.get(who, (-1, -1))
        found.append(Change(time, who, group, worker, is_now, float(pace[1]) if pace else factor, words))
    return found


def spells(notes: Sequence[Change]) -> list[Spell]:
    """Return from when to when somebody was down, paused or not at the normal pace, in the order of the beginnings."""
    found: list[Spell] = []
    going_on: dict[tuple[str, int, bool], int] = {}  # whose state or pace -> the place of that spell
    for change in notes:
        if not change.state and not change.factor:
            continue
        key = change.who, change.group, bool(change.state)
        if key in going_on:
            place = going_on.pop(key)
            found[place] = found[place]._replace(end=change.time)
        kind, words = _kind(change)
        if kind:
            going_on[key] = len(found)
            found.append(Spell(change.who, change.group, change.worker, kind, change.time, -1, words))
    return [spell for spell in found if spell.end != spell.start]


def _kind(change: Change) -> tuple[str, str]:
    """Return what begins with a change, and in which words; twice "" where all is well from then on."""
    if change.state:
        kind = {"up": "", "crashed": "down"}.get(change.state, change.state)
        return kind, f"was {kind}"
    if change.factor == 1:
        return "", ""
    return "slow" if change.factor > 1 else "quick", f"needed {change.factor:g} times as long"


def crashes(notes: Sequence[Change]) -> dict[str, list[int]]:
    """Return when each publisher crashed, in microseconds; consumers that crash are down."""
    found: dict[str, list[int]] = {}
    for note in notes:
        if note.state == "crashed":
            found.setdefault(note.who, []).append(note.time)
    return found


def said_shortly(found: Sequence[Spell], notes: Sequence[Change]) -> str:
    """Return in a sentence each who crashed, was down, paused or slow, and when or how often.

    >>> outage = Spell("email", 2, 0, "down", 10_000_000, 20_000_000, "was down")
    >>> said_shortly([outage], [])
    'email was down from 10 to 20 s.'
    >>> said_shortly([outage] * 3, [])
    'email was down 3 times.'
    """
    alike: dict[tuple[str, str], list[Spell]] = {}
    for spell in found:
        if spell.group >= 0:
            alike.setdefault((spell.who, spell.kind), []).append(spell)
    says = [f"{visible(who, 40)} crashed {counted(len(times), 'time')}." for who, times in crashes(notes).items()]
    for (name, kind), same in alike.items():
        once, often = f"{same[0].words} {same[0].when}", f"was {kind} {counted(len(same), 'time')}"
        says.append(f"{visible(name, 40)} {once if len(same) == 1 else often}.")
    return " ".join(shortened(says, most=8))


def told(found: Sequence[Spell], notes: Sequence[Change]) -> list[str]:
    """Return a line for each with whom something was wrong: where a publisher crashed, and what was when."""
    words = [
        (note.time, note.who, f"{note.words} at {note.time / 1e6:g} s") for note in notes if note.state == "crashed"
    ]
    words += [(spell.start, spell.who, f"{spell.words} {spell.when}") for spell in found]
    lines: dict[str, list[str]] = {}
    for _, who, what in sorted(words, key=lambda entry: entry[0]):
        lines.setdefault(who, []).append(what)
    return [f"{visible(who)} {', '.join(shortened(parts, most=12))}" for who, parts in lines.items()]


def on_its_way(c: Columns, row: int) -> bool:
    """Whether a copy travelled for a while between the bus and the queue of its group, or still does."""
    late = c.queued[row] > c.published[c.message[row]]
    return late and c.origin(row) in (Origin.ROUTED, Origin.DUPLICATED)
