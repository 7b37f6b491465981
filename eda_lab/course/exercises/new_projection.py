"""Exercise 08-projection: a view that can be built from event 1 at any time, and is then as the one that was kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding, so_far
from eda_lab.course.exercises import view_rare, view_takings, view_wrong
from eda_lab.course.exercises.stand_ins import kind_fault
from eda_lab.course.exercises.view_histories import histories, plain_history
from eda_lab.course.exercises.view_played import NEW_CENTS, Played, ViewFront
from eda_lab.database import Database
from eda_lab.delivery import Delivery
from eda_lab.effects import MailServer
from eda_lab.errors import shown
from eda_lab.handlers import Handler
from eda_lab.orders import OrderPlaced
from eda_lab.roles import projector

__all__ = ["EXERCISE"]

Answer = Callable[[Any], Handler]
View = Mapping[Any, Any]
_NUMBERS = count(50_000)  # of orders that no function has seen before, in this check or an earlier one
_TOLD = 4  # days that are told of a view


def examine(answer: Answer) -> Iterator[Finding | EventBus]:
    """Play all histories, the simplest first, and report the first on which the answer fails."""
    fault = kind_fault(answer) or _shape_fault(answer(ViewFront(Database(takings={}, inbox={}), MailServer())))
    yield Finding("it returns one plain function", not fault, fault)
    if fault:
        return
    yield _of_two_shops(answer)
    found: list[Finding | EventBus] = []
    for history in histories():
        found = list(_judged(Played(history, answer)))
        if not all(isinstance(each, EventBus) or each.passed for each in found):
            break
    # What failed comes first; the rest of that history's findings are not judged yet.
    yield from sorted(so_far(found), key=lambda each: isinstance(each, Finding) and each.passed is None)


def _shape_fault(made: Any) -> str:
    if isinstance(made, type):
        return "it returned a class; return the function that takes an event"
    if not callable(made):
        return f"it returned {shown(made)}; end it with: return takings"
    return kind_fault(made)


def _of_two_shops(answer: Answer) -> Finding:
    """Let the same order come to one shop and then to another, new one, which must do its own work."""
    history = plain_history(next(_NUMBERS))
    first, second = Played(history, answer).live, Played(history, answer).live
    seen = (
        f"one order came to a shop, and then to another, new one; takings of the first: {_told(first)}, of the second: "
        f"{_told(second)}; your function still remembered the first one, in a variable: remember in shop.db"
    )
    return Finding("what it remembers is in the shop's own database", first == second, seen)


def _told(view: View, *others: View) -> str:
    """Say what is in a view; of many days those at which it differs from another one."""
    days = sorted({*view, *(day for other in others for day in other)})
    if len(days) > _TOLD:
        days = [day for day in days if any(view.get(day) != other.get(day) for other in others)]
    return ", ".join(f"day {day}: {view[day]}" for day in days[:_TOLD] if day in view) or "nothing"


def _judged(played: Played) -> Iterator[Finding | EventBus]:
    yield played.bus
    head = f"a history of {played.history}"
    errors, made = played.errors, ", ".join(list(dict.fromkeys(played.returned))[:3])
    seen = f"{head}: it returned {made}, and a bus publishes what a handler returns; a view returns nothing"
    yield Finding("it publishes nothing", not made, seen)
    failed = f"{head}: {errors[0]}" if errors else ""
    yield Finding("it raises no error, whatever type of event comes", not errors, failed)
    mails = ", ".join(f"{number} {part}" for part, number in played.mails.items() if number)
    yield Finding("it sends no e-mail", not mails, f"{head}; e-mails: {mails}; a view only writes down")
    unmarked = "the replay left it out: it is not marked, so it counts as a reactor; put @projector above its def"
    yield Finding("a replay hands the events to it", not played.skipped, unmarked)
    due, live = played.history.takings, played.live
    seen = f"{head}: orders brought in {_told(due, live)}; the live view has {_told(live, due)}{played.story()}"
    too_much, too_little = _is_over(live, due), _is_over(due, live)
    forgot = _forgot(played, lambda other: other.live == due) if too_much or too_little else ""
    yield Finding("live, nothing is counted twice or on a wrong day", not too_much, seen + forgot)
    yield Finding("live, every order is counted, on its day", not too_little, seen + forgot)
    if not played.skipped:
        yield from _judged_replays(played, head)


def _is_over(view: View, other: View) -> bool:
    return any(cents > other.get(day, 0) for day, cents in view.items())


def _judged_replays(played: Played, head: str) -> Iterator[Finding]:
    live, rebuilt, again, later = played.live, played.rebuilt, played.again, played.later

    def finding(what: str, view: View, wanted: View, seen: str, is_right: Callable[[Played], bool]) -> Finding:
        forgot = "" if view == wanted else _forgot(played, is_right)
        return Finding(what, view == wanted, f"{head}: {seen}{forgot}")

    seen = f"the live view has {_told(live, rebuilt)}; rebuilt from event 1 it has {_told(rebuilt, live)}"
    same = "rebuilt from event 1, it equals the live view"
    yield finding(same, rebuilt, live, seen, lambda other: other.rebuilt == other.live)
    seen = f"rebuilt it had {_told(rebuilt, again)}; some events were replayed once more: {_told(again, rebuilt)}"
    quiet = "events that are replayed once more change nothing"
    yield finding(quiet, again, rebuilt, seen, lambda other: other.again == other.rebuilt)
    new = f"an order of {NEW_CENTS} cents came on day {played.history.new_day}"
    seen = f"it had {_told(again, later)}; {new}: {_told(later, again)}"
    yield finding("after a replay, it counts what is new", later, _with_new(played), seen, _counts_new)


def _with_new(played: Played) -> View:
    day = played.history.new_day
    return {**played.again, day: played.again.get(day, 0) + NEW_CENTS}


def _counts_new(played: Played) -> bool:
    return played.later == _with_new(played)


def _forgot(played: Played, is_right: Callable[[Played], bool]) -> str:
    """Say that a memory was lost, where the same history goes well with one that lasts."""
    if not is_right(Played(played.history, played.answer, lasting=True)):
        return ""
    if played.asked:
        return f"; after a restart yours is a new process, in which {min(played.asked)}(...) gives another number"
    return "; after a crash or a restart your variables are gone: remember in shop.db"


def open_view(shop: Any) -> Handler:
    @projector
    def takings(event: Any, delivery: Delivery) -> None:
        if not isinstance(event, OrderPlaced):
            return
        day = int(delivery.message.time // 86_400)
        with shop.db.transaction() as tables:
            if delivery.message.id not in tables["inbox"]:
                tables["takings"][day] = tables["takings"].get(day, 0) + event.total_cents
                tables["inbox"][delivery.message.id] = "done"

    return takings


EXERCISE = Exercise(
    name="08-projection",
    task="Write open_view(shop): the takings of each day, the same whether kept live or rebuilt from event 1.",
    examine=examine,
    hints=(
        "A replay must be able to run it without harm. So it sends nothing, and it is marked: @projector.",
        "In a replay all events arrive today. The day on which something happened stands on its envelope: "
        "delivery.message.time, in seconds. int(... // 86_400) makes a day of it.",
        'A repeat is found as in lesson 06, in the same transaction: is delivery.message.id in tables["inbox"]? If it '
        "is not, add the order's cents, and put the id in.",
    ),
    solution=open_view,
    wrong=(*view_wrong.ANSWERS, *view_takings.COUNTS, *view_rare.RARE),
)
