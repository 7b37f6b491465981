"""Exercise 10-relay: the relay of an outbox. It is tried on more than 300 days of crashes, the simplest first.

It is judged by what was published and by what is marked in the end, so that every way to keep the promise is right.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding
from eda_lab.course.exercises import relay_ids, relay_wrong
from eda_lab.course.exercises.relay_days import Day, Run, days
from eda_lab.delivery import with_id
from eda_lab.errors import shown
from eda_lab.events import Message
from eda_lab.outbox import OutboxRow

__all__ = ["EXERCISE"]

LATEST = 60.0  # second until which all must be published: the last order comes at 10 s, and crashes take some seconds
Answer = Callable[[Any], Iterator[Any]]
_NUMBERS = count(50_000, 10)  # of rows that no function has seen before, in this check or an earlier one


def examine(answer: Answer) -> Iterator[Finding | EventBus]:
    """Play all days, the simplest first, and report the first on which the answer fails."""
    fault = _shape_fault(answer)
    yield Finding("it is a function of the outbox, and it yields", not fault, fault)
    if fault:
        return
    yield _of_two_days(answer)
    found: list[Finding | EventBus] = []
    for day in days():
        found = list(_judged(answer, day))
        if not all(isinstance(each, EventBus) or each.passed for each in found):
            break
    yield from found


def _shape_fault(answer: Answer) -> str:
    try:
        inspect.signature(answer).bind(None)
    except TypeError as error:
        return f"call it with one thing, the outbox: {error}"
    if inspect.isgeneratorfunction(answer):
        return ""
    if inspect.iscoroutinefunction(answer) or inspect.isasyncgenfunction(answer):
        return "it is an async def: write a plain def"
    return "there is no yield in it: yield with_id(...) publishes, and yield 1.0 waits a second"


def _of_two_days(answer: Answer) -> Finding:
    """Let the relay do its work for one outbox and then for another, new one, whose rows have the same numbers."""
    before = next(_NUMBERS)
    first, second = (len(Run(days()[0], answer, before).bus.trace.messages) for _ in range(2))
    seen = (
        "with a second outbox, new and with the same numbers, it published less than with the first: your function "
        "still remembered the first one, in a variable outside of it; a crash loses that, so mark the row"
    )
    return Finding("what it remembers is in the outbox", second >= first, seen)


def _judged(answer: Answer, day: Day) -> Iterator[Finding | EventBus]:
    run = Run(day, answer)
    yield run.bus
    story = _Story(run)
    yield Finding(
        "it waits when there is nothing to publish",
        not run.restless,
        "it looked or yielded 1000 times in one short day, and was stopped: wait a second with yield 1.0, "
        "each time that nothing is left to publish",
    )
    if run.restless:
        return
    yield Finding("nothing is published that is not in the outbox", not story.strange, story.told_strange)
    missing = [row for row in run.rows if row.number not in story.copies]
    yield story.finding("every event in the outbox is published", missing, story.told_missing)
    late = [row for row in run.rows if row.number in story.copies and story.copies[row.number][0].time > LATEST]
    yield story.finding("and soon", late, lambda row: f"only at second {story.copies[row.number][0].time:g}")
    yield Finding("the order of the rows is kept", story.in_order, story.told_order)
    pending = [row for row in run.outbox.pending() if row.number in story.copies]
    yield story.finding("what is published is marked in the end", pending, story.told_pending)
    yield Finding("a crash repeats one event at most", story.extra <= story.crashes, story.told_extra)
    unequal = [row for row in run.rows if len(story.ids(row.number)) > 1]
    yield story.finding("a repeat goes out under the same id", unequal, story.told_unequal)
    yield Finding("two events never share an id", not story.shared, story.told_shared)


class _Story:
    """What became of the rows of a day, and how it is told."""

    def __init__(self, run: Run) -> None:
        self.run = run
        messages = [message for message in run.bus.trace.messages if message.source == "relay"]
        number_of = {row.event: row.number for row in run.rows}
        known = [(number_of[message.data], message) for message in messages if message.data in number_of]
        self.strange = [message for message in messages if message.data not in number_of]
        self.copies: dict[int, list[Message]] = {}  # number of a row -> the messages that carried it, in order
        for row, message in known:
            self.copies.setdefault(row, []).append(message)
        self._order = list(self.copies)  # the rows by their first publication
        self.extra = len(known) - len(self.copies)
        self.crashes = run.starts - 1
        self.shared = next(iter(self._shared(known)), ())

    def _shared(self, known: list[tuple[int, Message]]) -> Iterator[tuple[str, int, int]]:
        first: dict[str, int] = {}
        for row, message in known:
            if first.setdefault(message.id, row) != row:
                yield message.id, first[message.id], row

    @property
    def in_order(self) -> bool:
        """Whether the events came out first in the order of their rows."""
        return self._order == sorted(self._order)

    def ids(self, row: int) -> set[str]:
        """Return the ids under which a row was published."""
        return {message.id for message in self.copies.get(row, [])}

    def finding(self, what: str, rows: list[OutboxRow], say: Callable[[OutboxRow], str]) -> Finding:
        """Return a finding that there is no such row, or the story of the first."""
        if not rows:
            return Finding(what, True)
        row = rows[0]
        others = f", and {len(rows) - 1} more" if len(rows) > 1 else ""
        return Finding(what, False, f"row {row.number}{others}: {say(row)}{self._crashed}")

    @property
    def _crashed(self) -> str:
        notes = [(us, who, what) for us, who, what in self.run.bus.columns.notes if what.startswith("crashed")]
        said = [f"{who} {what} at {us / 1e6:g} s" for us, who, what in notes[:2]]
        if not said:
            return "; nothing crashed on this day"
        return f"; {' and '.join(said)}{', and more crashes came' if len(notes) > 2 else ''}"

    def told_missing(self, row: OutboxRow) -> str:
        """Say of a row that was never published how it stands."""
        if not row.sent:
            return f"it is pending, and was never published; your relay was called {_times(self.run.starts)}"
        return "it is marked as sent, and was never published"

    def told_pending(self, row: OutboxRow) -> str:
        """Say of a row that was published and not marked what follows."""
        return f"it was published {_times(len(self.copies[row.number]))}, and is still not marked as sent"

    def told_unequal(self, row: OutboxRow) -> str:
        """Say under which ids the copies of a row went out."""
        ids = list(dict.fromkeys(message.id for message in self.copies[row.number]))
        said = f"{', then '.join(ids[:3])}{' and so on' if len(ids) > 3 else ''}"
        return f"it was published as {said}: an inbox takes these for different events; row.id stays the same"

    @property
    def told_strange(self) -> str:
        """Say what was published that is no event of the outbox."""
        return f"it published {shown(self.strange[0].data)}, which no row holds" if self.strange else ""

    @property
    def told_order(self) -> str:
        """Say in which order the rows were published."""
        rows = ", ".join(map(str, self._order[:6]))
        return f"the rows were published in this order: {rows}{self._crashed}"

    @property
    def told_extra(self) -> str:
        """Say how many repeats there were for so many crashes."""
        most = max(self.copies, key=lambda row: len(self.copies[row]), default=0)
        often = len(self.copies.get(most, ()))
        crashed = f"crashed {_times(self.crashes)}" if self.crashes else "never crashed"
        stopped = ", and was stopped" if self.run.stopped else ""
        return (
            f"your relay {crashed}, and repeated {_events(self.extra)}{stopped}; "
            f"row {most} alone was published {_times(often)}{self._crashed}"
        )

    @property
    def told_shared(self) -> str:
        """Say which two rows went out under one id."""
        if not self.shared:
            return ""
        id, first, second = self.shared
        return f"rows {first} and {second} were both published as {id}: an inbox would skip the second as a repeat"


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")


def _events(number: int) -> str:
    return "1 event" if number == 1 else f"{number} events"


def solution(outbox: Any) -> Iterator[Any]:
    while True:
        for row in outbox.pending():
            yield with_id(row.id, row.event)
            outbox.mark(row.number)
        yield 1.0


EXERCISE = Exercise(
    name="10-relay",
    task="Write the relay: whatever crashes, every event in the outbox is published, and a repeat has the same id.",
    examine=examine,
    hints=(
        "Three things are missing: which rows are already sent, where the mark goes, and under which id an event goes "
        "out. Ask of each: what does a relay know that was just called anew, after a crash?",
        "A crash can come between the publishing and the mark. With the mark first, the event would be lost. With the "
        "mark second, it is published once more: that is why it needs an id of its own, row.id.",
        "In the loop: yield with_id(row.id, row.event), and in the next line outbox.mark(row.number). Behind the loop, "
        "still inside of while True: yield 1.0.",
    ),
    solution=solution,
    wrong=(*relay_wrong.ANSWERS, *relay_ids.IDS),
)
