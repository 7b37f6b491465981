"""The books of a run: nothing is lost and nothing is counted twice, in any group, at any time.

They are made from what was written down, and held against what really stands in the queues.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from eda_lab.columns import Columns, Origin, Outcome, Record
from eda_lab.errors import EdaLabError
from eda_lab.table import Table

__all__ = ["ConservationError", "census", "check_conservation"]


class ConservationError(EdaLabError):
    """A delivery got lost or was counted twice: the run's own books do not balance."""


# As plain numbers, since there are many of them to look at.
QUEUED, STARTED, ENDED, ACKED = map(int, (Record.QUEUED, Record.STARTED, Record.ENDED, Record.ACKED))


def census(columns: Columns) -> dict[str, Counter[Outcome]]:
    """Count the attempts of each group by outcome."""
    counts: dict[str, Counter[Outcome]] = {name: Counter() for name in columns.groups}
    for group, outcome in zip(columns.group, columns.outcome, strict=True):
        counts[columns.groups[group]][Outcome(outcome)] += 1
    return counts


# The ways in which a copy comes into a group.
_CAME = (Origin.ROUTED, Origin.DUPLICATED, Origin.REDRIVEN, Origin.REPLAYED)
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
        if outcome is Outcome.EXPIRED and columns.expires.get(message, ended + 1) > ended:
            raise ConservationError(f"attempt {row} of {columns.groups[group]} expired before its time")
        if outcome in (Outcome.FAILED, Outcome.CRASHED):
            again[message, group, attempt + 1] += 1
    late = {(columns.message[row], columns.group[row]) for row in columns.replayed}
    entered = Counter(message for message, group in first if (message, group) not in late)
    for message, routed in enumerate(columns.routed):
        if entered[message] != routed:
            raise ConservationError(
                f"message {columns.message_id(message)} was routed to {routed} groups, but entered {entered[message]}"
            )
    for row in columns.duplicated:
        if (columns.message[row], columns.group[row]) not in first:
            raise ConservationError(f"attempt {row} is a copy of one that never came")
    for (message, group), copies in first.items():
        if copies > 1:
            name = columns.groups[group]
            raise ConservationError(f"message {columns.message_id(message)} entered {name} {copies} times")
    for (message, group, attempt), number in again.items():
        if number:
            which = f"message {columns.message_id(message)} of {columns.groups[group]}"
            raise ConservationError(f"{which} {'lacks' if number > 0 else 'has an unasked'} attempt {attempt}")


def _check_marks(columns: Columns) -> None:
    """Raise `ConservationError` where what is noted beside the attempts does not fit them: acks, redrives, doubles."""
    noted = {*columns.acked, *columns.redriven, *columns.duplicated, *columns.replayed}
    if noted and max(noted) >= len(columns.message):
        raise ConservationError(f"attempt {max(noted)} is noted, but it is not there")
    new = (*columns.redriven, *columns.replayed, *columns.duplicated)
    for row, times in Counter(new).items():
        if times > 1 or columns.attempt[row] != 1:
            raise ConservationError(f"attempt {row} cannot have come in two ways")
    for row, moment in columns.acked.items():
        outcome, ended = Outcome(columns.outcome[row]), columns.ended[row]
        if outcome not in (Outcome.IN_FLIGHT, Outcome.DONE, Outcome.LOST):
            raise ConservationError(f"attempt {row} was acked, so it cannot be {outcome.word}")
        if moment < columns.started[row] or 0 <= ended < moment:
            raise ConservationError(f"attempt {row} was acked while nobody worked on it")
    dead = (row for row, outcome in enumerate(columns.outcome) if outcome == Outcome.DEAD_LETTERED)
    copies, redriven, letters = (
        Counter((columns.message[row], columns.group[row]) for row in rows)
        for rows in (columns.duplicated, columns.redriven, dead if columns.redriven else ())
    )
    for message, group in [pair for pair in copies if copies[pair] > 1] + [*(redriven - letters)]:
        which = f"message {columns.message_id(message)} of {columns.groups[group]}"
        raise ConservationError(f"{which} was doubled or redriven more often than can be")


def _check_log(columns: Columns) -> None:
    """Raise `ConservationError` where the log, which tells of each thing once, does not tell what the columns say.

    Nor may anybody, as it tells, have had two things in hand at once.
    """
    told = Counter(columns.log)
    in_hand: dict[tuple[int, int], int] = {}
    for entry in columns.log:
        row, kind = entry >> 3, entry & 7
        if kind == STARTED:
            who = columns.group[row], columns.worker[row]
            if in_hand.setdefault(who, row) != row:
                raise ConservationError(f"{columns.groups[who[0]]} had two things in hand, says the log")
        elif kind == ENDED and columns.started[row] >= 0:
            if in_hand.pop((columns.group[row], columns.worker[row]), -1) != row:
                raise ConservationError(f"attempt {row} ended, but nobody had it in hand, says the log")
    for row, outcome in enumerate(columns.outcome):
        started, ended = columns.started[row] >= 0, columns.ended[row] >= 0
        queued = told[row * 8 + QUEUED]
        if queued > (outcome != Outcome.WAITING) or ((started or outcome == Outcome.QUEUED) and not queued):
            raise ConservationError(f"attempt {row} was queued {queued} times, says the log")
        for kind, number in ((STARTED, started), (ENDED, ended), (ACKED, row in columns.acked)):
            if told[row * 8 + kind] != number:
                raise ConservationError(f"attempt {row} was {Record(kind).name.lower()} otherwise, says the log")
    for message in range(len(columns.data)):
        if told[message * 8] != 1:  # Record.PUBLISHED
            raise ConservationError(f"message {columns.message_id(message)} was not published once, says the log")


def check_conservation(columns: Columns, actual: Mapping[str, Mapping[Outcome, int]]) -> Table:
    """Hold the books of every group against each other, and return them; raise `ConservationError` if they differ.

    For each group: routed + duplicated + redriven + replayed = done + lost + dead-lettered + rejected + expired +
    dropped + queued + in flight + waiting; each attempt that was tried again has one successor; each message entered
    as many groups as it was routed to, each once; every outcome fits the times and errors beside it, and the log; and
    `actual`, what really stands in the queues and with the workers, is what the columns say.

    The table has a column for what was routed, for what was done, and for each of the others that any group has had to
    do with.
    """
    _check_marks(columns)
    _check_attempts(columns)
    _check_log(columns)
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
    # The table of a plain run stays short.
    ways = [o for o in _CAME if o is Origin.ROUTED or any(count[o] for count in origins.values())]
    final = [o for o in _STANDS if o is Outcome.DONE or any(count[o] for count in counts.values())]
    return Table(
        ["group", *(origin.name.lower() for origin in ways), *(outcome.word for outcome in final)],
        [
            (name, *(origins[name][origin] for origin in ways), *(counts[name][outcome] for outcome in final))
            for name in columns.groups
        ],
    )
