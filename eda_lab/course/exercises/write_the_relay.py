"""Exercise 10-relay: the relay of an outbox. It is tried on more than 300 days of crashes, the simplest first.

It is judged by what was published and by what is marked in the end, so that every way to keep the promise is right.
"""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from itertools import count
from typing import Any

from eda_lab import handlers
from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding, so_far
from eda_lab.course.exercises import relay_ids, relay_waits, relay_wrong
from eda_lab.course.exercises.relay_days import SOON, Day, Run, days
from eda_lab.course.exercises.relay_front import OutboxFront, RestlessError, not_asleep
from eda_lab.course.exercises.relay_story import Story
from eda_lab.database import Database
from eda_lab.delivery import with_id
from eda_lab.errors import shown
from eda_lab.outbox import Outbox

__all__ = ["EXERCISE"]

ROUNDS = 100_000  # for which a relay must go on with an empty outbox
Answer = Callable[[Any], Iterator[Any]]
_NUMBERS = count(50_000, 10)  # of rows that no function has seen before, in this check or an earlier one
_END = "it never comes to an end"
_NO_YIELD = "there is no yield in it: yield with_id(...) publishes, and yield 1.0 waits a second"


def examine(answer: Answer) -> Iterator[Finding | EventBus]:
    """Play all days, the simplest first, and report the first on which the answer fails."""
    fault = _shape_fault(answer)
    yield Finding("it is a function of the outbox, and it yields", not fault, fault)
    if fault:
        return
    found: list[Finding | EventBus] = []
    for day in days():
        found = list(_judged(answer, day))
        if not all(isinstance(each, EventBus) or each.passed for each in found):
            break
    else:
        end = _of_an_empty_outbox(answer)
        found = [end if isinstance(each, Finding) and each.what == end.what else each for each in found]
    yield _of_two_days(answer)
    yield from so_far(found)


def _shape_fault(answer: Answer) -> str:
    try:
        inspect.signature(answer).bind(None)
    except TypeError as error:
        return f"call it with one thing, the outbox: {error}"
    if inspect.iscoroutinefunction(answer) or inspect.isasyncgenfunction(answer):
        return "it is an async def: write a plain def"
    if any("time.sleep" in said for said in handlers.examine(answer).real_time):
        return "time.sleep stops the whole lab, and yields nothing: wait with yield 1.0"
    looked = 0

    def done(what: str) -> None:
        nonlocal looked
        looked += 1
        if looked > ROUNDS:
            raise RestlessError

    try:
        with not_asleep():
            made = answer(OutboxFront(Outbox(Database()), done, {}))
    except RestlessError:
        return f"it goes round for ever, and {_NO_YIELD}"
    if hasattr(made, "__next__"):
        return ""
    return _NO_YIELD if made is None else f"it returned {shown(made)}, and {_NO_YIELD}"


def _of_two_days(answer: Answer) -> Finding:
    """Let the relay do its work for one outbox and then for another, new one, whose rows have the same numbers."""
    before = next(_NUMBERS)
    first, second = (len(Run(days()[0], answer, before).bus.trace.messages) for _ in range(2))
    seen = (
        "with a second outbox, new and with the same numbers, it published less than with the first: your function "
        "still remembered the first one, in a variable outside of it; a crash loses that, so mark the row"
    )
    return Finding("what it remembers is in the outbox", second >= first, seen)


def _of_an_empty_outbox(answer: Answer) -> Finding:
    """Let the relay look into an empty outbox, again and again, without a bus: that would take too long."""
    made = answer(OutboxFront(Outbox(Database()), lambda _: None, {}))
    with not_asleep(), redirect_stdout(io.StringIO()):  # it may print something each time
        rounds = sum(1 for _, _ in zip(range(ROUNDS), made, strict=False))
    seen = f"your relay came to its end after {rounds:,} waits for a row, and nobody calls it again"
    return Finding(_END, rounds == ROUNDS, seen)


def _judged(answer: Answer, day: Day) -> Iterator[Finding | EventBus]:
    run = Run(day, answer)
    yield run.bus
    story = Story(run)
    yield Finding("it yields events, and seconds to wait", not run.fault, run.fault)
    yield Finding("it waits when there is nothing to publish", not run.restless, run.restless)
    if run.fault or run.restless:
        return
    yield Finding(_END, run.ended is None, story.told_end)
    yield Finding("nothing is published that is not in the outbox", not story.strange, story.told_strange)
    missing = [row for row in run.rows if row.number not in story.copies]
    yield story.finding("every event in the outbox is published", missing, story.told_missing)
    late = [row for row in run.rows if story.late(row)]
    yield story.finding(f"and within {SOON:g} seconds", late, story.told_late)
    yield Finding("the order of the rows is kept", story.in_order, story.told_order)
    pending = [row for row in run.outbox.pending() if row.number in story.copies]
    yield story.finding("what is published is marked in the end", pending, story.told_pending)
    yield Finding("no repeat without a crash, and one at most with it", story.extra <= story.crashes, story.told_extra)
    unequal = [row for row in run.rows if len(story.ids(row)) > 1]
    yield story.finding("a repeat goes out under the same id", unequal, story.told_unequal)
    yield Finding("two events never share an id", not story.shared, story.told_shared)


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
    wrong=(*relay_wrong.ANSWERS, *relay_ids.IDS, *relay_waits.WAITS),
)
