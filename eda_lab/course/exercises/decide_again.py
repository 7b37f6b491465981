"""Exercise 14-retry: a decision that meets a conflict is made again. It is tried on more than 200 days.

It is judged by what it saved: each save has to be what the rules decide upon the order as it was right before.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from eda_lab.attempt import describe
from eda_lab.bus import EventBus
from eda_lab.course.desks import items_in_words
from eda_lab.course.exercise import Exercise, Finding, so_far
from eda_lab.course.exercises import retry_wrong
from eda_lab.course.exercises.retry_days import Day, days, decide
from eda_lab.course.exercises.retry_shift import ATTEMPTS, Try, played
from eda_lab.errors import shown
from eda_lab.events import type_name
from eda_lab.order_history import OrderRefusedError
from eda_lab.sourcing import Loaded
from eda_lab.store.errors import WrongExpectedVersionError

__all__ = ["EXERCISE"]

Answer = Callable[[Any, Any], Any]
KEPT = (
    "(A simpler day went well before, and goes wrong now: something was kept from an earlier day, such as a counter. "
    "Begin anew in each call.)"
)


def examine(answer: Answer) -> Iterator[Finding | EventBus]:
    """Play all days, the simplest first, and report the first on which the answer fails."""
    fault = _shape_fault(answer)
    yield Finding("it is a plain function of the orders and the wish", not fault, fault)
    if fault:
        return
    found: list[Finding | EventBus] = []
    for number, day in enumerate(days()):
        found = list(_judged(answer, day))
        if not _well(found):
            kept = " " + KEPT if _keeps(answer, days()[:number]) else ""
            found = [_with(each, kept) for each in found]
            break
    yield from so_far(found)


def _well(found: Iterable[Finding | EventBus]) -> bool:
    return all(isinstance(each, EventBus) or each.passed for each in found)


def _keeps(answer: Answer, before: Iterable[Day]) -> bool:
    """Whether a day that went well before goes wrong now: then the function remembers something."""
    try:
        return not all(_well(_judged(answer, day)) for day in before)
    except Exception:  # noqa: BLE001 - an error of the learner's, on a day that had none
        return True


def _with(each: Finding | EventBus, more: str) -> Finding | EventBus:
    return each if isinstance(each, EventBus) or each.passed else Finding(each.what, False, each.seen + more)


def _shape_fault(answer: Answer) -> str:
    try:
        inspect.signature(answer).bind(None, None)
    except TypeError as error:
        return f"call it with two things, the orders and the wish: {error}"
    if inspect.iscoroutinefunction(answer) or inspect.isasyncgenfunction(answer):
        return "it is an async def: write a plain def"
    return "there is a yield in it: write a plain def, which does its work when it is called" * (
        inspect.isgeneratorfunction(answer)
    )


def _judged(answer: Answer, day: Day) -> Iterator[Finding | EventBus]:
    shift, tries = played(day, answer)
    yield shift.bus()

    def finding(what: str, say: Callable[[Try], str]) -> Finding:
        said = next(((now, seen) for now in tries if (seen := say(now))), None)
        return Finding(what, said is None, "" if said is None else f"{_wish(said[0])}: {said[1]}")

    yield finding("it comes to an end", _endless)
    yield finding("what it saves was decided on the order as it is", _old)
    yield finding("no wish is saved twice", _twice)
    yield finding("a wish that the rules allow is saved", _unsaved)
    yield finding("a conflict is tried again, up to 5 times, and the fifth reaches the caller", _gave_up)
    yield finding("and not more often", _too_often)
    yield finding("what the rules refuse is not tried again, and the caller hears it", _refusal)
    yield finding("any other error is not tried again, and the caller hears it", _other_error)


def _wish(now: Try) -> str:
    return f"the wish was {type_name(type(now.wish))} of order {now.wish.order_id}"


def _endless(now: Try) -> str:
    if not now.stopped:
        return ""
    return f"your function made {now.calls - 1} calls for it, tried to save {_times(now.attempts)}, and was stopped"


def _old(now: Try) -> str:
    for before, events in now.saves:
        try:
            right: list[Any] | OrderRefusedError = decide(now.wish, before.state)
        except OrderRefusedError as error:
            right = error
        if isinstance(right, OrderRefusedError):
            return (
                f"at version {before.version} this was no longer allowed ({right.reason}), "
                f"and your function saved {_said(events)} all the same"
            )
        if events != right:
            return f"{_stood(before)}; decided on that, it is {_said(right)}; your function saved {_said(events)}"
    return ""


def _stood(before: Loaded) -> str:
    return f"at version {before.version} the order was {items_in_words(before.state.items)}"


def _said(events: list[Any]) -> str:
    def said(event: Any) -> str:
        items = getattr(event, "items", None)
        return f"{type_name(type(event))} ({items_in_words(items)})" if items else shown(event)

    return " and ".join(map(said, events))


def _twice(now: Try) -> str:
    versions = [str(before.version + 1) for before, _ in now.saves]
    if len(versions) < 2:
        return ""
    silent = f", and raised {describe(now.fault)}" if now.fault is not None and now.failed == "append" else ""
    again = ", ".join(versions[1:])
    return f"the store saved it at version {versions[0]}{silent}; your function saved it again at {again}"


def _unsaved(now: Try) -> str:
    if now.saves or now.raised is not None or now.stopped or now.refused or now.fault:
        return ""
    after = f" after {_conflicts(now)}" if now.conflicts else ""
    return (
        f"your function returned{after} as if all was well, and saved nothing: the clerk tells the customer it is done"
    )


def _gave_up(now: Try) -> str:
    if isinstance(now.due, WrongExpectedVersionError) and now.raised not in (None, now.due):
        return f"the fifth conflict must come out as it is; your function raised {_named(now.raised)}"
    if not isinstance(now.raised, WrongExpectedVersionError) or len(now.met) >= ATTEMPTS:
        return ""
    if not now.conflicts:
        return f"your function raised a conflict, and there was none{_refused(now)}"
    if now.conflicts > len(now.met):
        same = "it said again that it was decided on a version that the order had no longer: load it anew"
        return f"your function tried to save {_times(now.attempts)}, and gave up; {same}"
    return f"your function gave up after {_conflicts(now)}, and nothing is saved"


def _too_often(now: Try) -> str:
    if now.attempts <= ATTEMPTS:
        return ""
    return f"the other clerk was quicker each time, and your function tried to save {_times(now.attempts)}"


def _refusal(now: Try) -> str:
    if now.refusals > 1:
        return f"they refused it, and your function asked them {_times(now.refusals)}: only a conflict is tried again"
    if now.refused is not None and now.raised is None:
        return f"the rules refused it ({now.refused.reason}), and your function returned as if it was done"
    if now.refused is not None and now.due is now.refused is not now.raised:
        return f"the rules refused it ({now.refused.reason}); your function raised {_named(now.raised)}"
    if now.saves or not isinstance(now.raised, OrderRefusedError):
        return ""
    try:
        decide(now.wish, now.seen)
    except OrderRefusedError:
        return ""
    return f"the rules allow it, and your function raised {describe(now.raised)}"


def _other_error(now: Try) -> str:
    if now.fault is None:
        return ""
    failed = f"orders.{now.failed} raised {describe(now.fault)}"
    if now.failed == "append":
        failed += ", and nobody knows whether it has saved"
    if now.after_fault:
        return f"{failed}; your function called it again: only a conflict is tried again"
    if now.raised is None:
        return f"{failed}; your function returned as if all was well"
    return "" if now.raised is now.fault else f"{failed}; your function raised {_named(now.raised)}"


def _named(error: Exception | None) -> str:
    return "nothing" if error is None else f"another error instead, {describe(error)}"


def _refused(now: Try) -> str:
    return "" if now.refused is None else f": the rules refused it ({now.refused.reason})"


def _conflicts(now: Try) -> str:
    return "1 conflict" if now.conflicts == 1 else f"{now.conflicts} conflicts"


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")


def solution(orders: Any, wish: Any) -> None:
    for attempt in range(1, 6):
        order = orders.load(wish.order_id)
        events = orders.decide(wish, order.state)
        try:
            orders.append(wish.order_id, events, order.version)
            return
        except WrongExpectedVersionError:
            if attempt == 5:
                raise


EXERCISE = Exercise(
    name="14-retry",
    task="Write change(orders, wish): whoever comes in between, no change is lost, and none is forced.",
    examine=examine,
    hints=(
        "Two things are missing. The save has to say upon which version it was decided. And when it is refused, "
        "somebody has to act. What has to be done anew then: only the save, or more?",
        "Give order.version to orders.append. When it raises WrongExpectedVersionError, go back to the load: the order "
        "is another one now, so the old events are worth nothing. Catch no other error.",
        "for attempt in range(1, 6): load, decide, and then append inside of try. Behind a good append: return. In "
        "except WrongExpectedVersionError: if attempt == 5: raise.",
    ),
    solution=solution,
    wrong=retry_wrong.ANSWERS,
)
