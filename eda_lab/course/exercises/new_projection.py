"""Exercise 08-projection: a view that can be built from event 1 at any time, and is then as the one that was kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding
from eda_lab.course.exercises import view_takings, view_wrong
from eda_lab.course.exercises.stand_ins import kind_fault
from eda_lab.course.exercises.view_histories import Played, ViewFront, histories, plain_history
from eda_lab.database import Database
from eda_lab.delivery import Delivery
from eda_lab.effects import MailServer
from eda_lab.errors import shown
from eda_lab.handlers import Handler
from eda_lab.orders import OrderPlaced
from eda_lab.roles import projector

__all__ = ["EXERCISE"]

Answer = Callable[[Any], Handler]
_NUMBERS = count(50_000)  # of orders that no function has seen before, in this check or an earlier one
_NEW = {9: 700}  # what the order that comes after the replay brings in


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
    yield from found


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


def _told(view: Mapping[Any, Any]) -> str:
    days = [f"day {day}: {cents}" for day, cents in sorted(view.items())]
    return ", ".join(days[:4]) or "nothing"


def _judged(played: Played) -> Iterator[Finding | EventBus]:
    yield played.bus
    due, live = played.history.takings, played.live
    head = f"a history of {played.history}"
    seen = f"{head}: orders brought in {_told(due)}; the live view has {_told(live)}{played.story()}"
    over = [day for day, cents in live.items() if cents > due.get(day, 0) or day not in due]
    under = [day for day, cents in due.items() if live.get(day, 0) < cents]
    yield Finding("live, nothing is counted twice or on a wrong day", not over, seen)
    yield Finding("live, every order is counted, on its day", not under, seen)
    letters = list(played.letters())
    yield Finding(
        "it raises no error, whatever type of event comes", not letters, f"{head}: {letters[0]}" if letters else ""
    )
    mails = len(played.mail.sent)
    yield Finding(
        "it sends no e-mail", not mails, f"{head}, live and in a replay: {mails} went out; a view only writes down"
    )
    made = ", ".join(played.published[:3])
    yield Finding("it publishes nothing", not made, f"{head}: it returned {made}, and the bus published that")
    unmarked = "the replay left it out: it is not marked, so it counts as a reactor; put @projector above its def"
    yield Finding("a replay hands the events to it", not played.skipped, unmarked)
    if played.skipped:
        return
    rebuilt, again, later = played.rebuilt, played.again, played.later
    seen = f"{head}: the live view has {_told(live)}; rebuilt from event 1 it has {_told(rebuilt)}"
    yield Finding("rebuilt from event 1, it equals the live view", rebuilt == live, seen)
    seen = f"{head}: rebuilt it had {_told(rebuilt)}; some events were replayed once more: {_told(again)}"
    yield Finding("events that are replayed once more change nothing", again == rebuilt, seen)
    wanted = {**again, **{day: again.get(day, 0) + cents for day, cents in _NEW.items()}}
    seen = f"{head}: it had {_told(again)}; an order of 700 cents came on day 9: {_told(later)}"
    yield Finding("after a replay, it counts what is new", later == wanted, seen)


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
    wrong=(*view_wrong.ANSWERS, *view_takings.COUNTS),
)
