"""The books of a run: nothing is lost and nothing is counted twice, in any group, at any time.

They are made from what was written down, and held against what really stands in the queues.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from eda_lab.columns import Columns, Origin, Outcome
from eda_lab.errors import EdaLabError
from eda_lab.table import Table

__all__ = ["ConservationError", "census", "check_conservation"]


class ConservationError(EdaLabError):
    """A delivery got lost or was counted twice: the run's own books do not balance."""


def census(columns: Columns) -> dict[str, Counter[Outcome]]:
    """Count the attempts of each group by outcome."""
    counts: dict[str, Counter[Outcome]] = {name: Counter() for name in columns.groups}
    for group, outcome in zip(columns.group, columns.outcome, strict=True):
        counts[columns.groups[group]][Outcome(outcome)] += 1
    return counts


_CAME = (
    Origin.ROUTED,
    Origin.DUPLICATED,
    Origin.REDRIVEN,
    Origin.REPLAYED,
)  # the ways in which a copy comes into a group
# For each outcome: whether such an attempt was started, whether it ended, and whether an error is written beside it.
_MARKS = {
    Outcome.WAITING: (False, False, False),
    Outcome.QUEUED: (False, False, False),
    Outcome.IN_FLIGHT: (True, False, False),
    Outcome.DONE: (True, True, False),
    Outcome.FAILED: (True, True, True),
    Outcome.CRASHED: (True, True, None),  # a crash is written down, a kill is not
    Outcome.DEAD_LETTERED: (True, True, True),
    Outcome.DROPPED: (False, True, False),
    Outcome.LOST: (True, True, None),
    Outcome.REJECTED: (True, True, None),
    Outcome.EXPIRED: (False, True, False),
}
# How a copy may stand at last, or stand now: with what came in they make up the books of a group.
_STANDS = (
    Outcome.DONE,
    Outcome.LOST,
    Outcome.DEAD_LETTERED,
    Outcome.REJECTED,
    Outcome.EXPIRED,
    Outcome.DROPPED,
    Outcome.QUEUED,
    Outcome.IN_FLIGHT,
    Outcome.WAITING,
)


def _check_attempts(columns: Columns) -> None:
    """Raise `ConservationError` where an attempt has no origin, no successor, or an outcome that cannot be."""
    first: Counter[tuple[int, int]] = Counter()  # of (message, group), how many entered a queue for the first time
    again: Counter[tuple[int, int, int]] = Counter()  # of (message, group, attempt), those due less those that came
    for row, (message, group, attempt) in enumerate(zip(columns.message, columns.group, columns.attempt, strict=True)):
        outcome, started, ended = Outcome(columns.outcome[row]), columns.started[row], columns.ended[row]
        *marks, error = _MARKS[outcome]
        if marks != [started >= 0, ended >= 0] or error is (row not in columns.errors) or attempt < 1:
            raise ConservationError(f"attempt {row} of {columns.groups[group]} cannot be {outcome.word}")
        moments = [columns.published[message], columns.queued[row], *(us for us in (started, ended) if us >= 0)]
        if moments != sorted(moments):
            raise ConservationError(f"attempt {row} of {columns.groups[group]} started or ended before its time")
        if attempt > 1:
            again[message, group, attempt] -= 1
        elif row not in columns.redriven and row not in columns.duplicated:
            first[message, group] += 1
        if outcome is Outcome.LOST and row not in columns.acked:
            raise ConservationError(f"attempt {row} of {columns.groups[group]} was lost, but never acked")
        if outcome in (Outcome.FAILED, Outcome.CRASHED):
            again[message, group, attempt + 1] += 1
    late = {(columns.message[row], columns.group[row]) for row in columns.replayed}
    entered = Counter(message for message, group in first if (message, group) not in late)
    for message, routed in enumerate(columns.routed):
        if entered[message] != routed:
            raise ConservationError(
                f"message {columns.message_id(message)} was routed to {routed} groups, but entered {entered[message]}"
            )
    for (message, group), copies in first.items():
        if copies > 1:
            name = columns.groups[group]
            raise ConservationError(f"message {columns.message_id(message)} entered {name} {copies} times")
    for (message, group, attempt), number in again.items():
        if number:
            which = f"message {columns.message_id(message)} of {columns.groups[group]}"
            raise ConservationError(f"{which} {'lacks' if number > 0 else 'has an unasked'} attempt {attempt}")


def check_conservation(columns: Columns, actual: Mapping[str, Mapping[Outcome, int]]) -> Table:
    """Hold the books of every group against each other, and return them; raise `ConservationError` if they differ.

    For each group: routed + duplicated + redriven + replayed = done + lost + dead-lettered + rejected + expired +
    dropped + queued + in flight + waiting; each attempt that was tried again has one successor; each message entered
    as many groups as it was routed to, each once; every outcome fits the times and errors beside it; and `actual`, what
    really stands in the queues and with the workers, is what the columns say.
    """
    _check_attempts(columns)
    counts = census(columns)
    origins: dict[str, Counter[Origin]] = {name: Counter() for name in columns.groups}
    for row, group in enumerate(columns.group):
        origins[columns.groups[group]][columns.origin(row)] += 1
    for name, count in counts.items():
        again = count[Outcome.FAILED] + count[Outcome.CRASHED]
        came = sum(origins[name][origin] for origin in _CAME)
        if origins[name][Origin.RETRIED] != again or came != count.total() - again:
            raise ConservationError(f"{name}: {came} copies came, but the attempts say {dict(count)}")
        for outcome, number in actual.get(name, {}).items():
            if count[outcome] != number:
                raise ConservationError(f"{name}: {number} are {outcome.word}, but the trace has {count[outcome]}")
    # What no group has had to do with is left out, so that the table of a plain run stays short.
    rare = (Origin.DUPLICATED, Outcome.LOST, Outcome.REJECTED, Outcome.EXPIRED)
    ways = [o for o in _CAME if o not in rare or any(count[o] for count in origins.values())]
    final = [o for o in _STANDS if o not in rare or any(count[o] for count in counts.values())]
    return Table(
        ["group", *(origin.name.lower() for origin in ways), *(outcome.word for outcome in final)],
        [
            (name, *(origins[name][origin] for origin in ways), *(counts[name][outcome] for outcome in final))
            for name in columns.groups
        ],
    )
