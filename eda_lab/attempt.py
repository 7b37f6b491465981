"""One attempt of a handler at an event, in the lab: up to its next sleep or its end, with the crash points on its way.

It knows neither queues nor buses; it returns what the handler caused, or that it sleeps.
"""

from __future__ import annotations

import traceback
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from eda_lab.clock import Pause, in_lab
from eda_lab.errors import LabAwaitError
from eda_lab.faults import Crashed, CrashPlan, crash_point, current_plan
from eda_lab.handlers import Handler, caused_by

__all__ = ["attempt", "describe", "discard", "handler_traceback"]

MOST = 20_000  # characters of a traceback that are kept


def attempt(
    name: str, run: Handler, event: Any, sleeping: Coroutine[Any, Any, Any] | None, plan: CrashPlan | None
) -> tuple[list[Any] | None, Coroutine[Any, Any, Any] | None, int]:
    """Run a handler, or wake one that sleeps.

    Returns (the events it caused or None, the coroutine that sleeps or None, for how many microseconds). Raises what
    the handler raises, `Crashed` where the plan says so (even if the handler held it up), and `LabAwaitError` where it
    awaits anything but `sleep`.
    """
    planned, lab = current_plan.set(plan), in_lab.set(True)
    try:
        result: Any = sleeping
        if sleeping is None:
            crash_point("before work")
            result = run(event)
        if isinstance(result, Coroutine):
            try:
                pause = _send(result)
            except StopIteration as stop:
                result = stop.value
            else:
                if plan is not None and plan.crash is not None:
                    discard(result)
                return None, result, pause.us
        return None if result is None else caused_by(name, result), None, 0
    finally:
        current_plan.reset(planned)
        in_lab.reset(lab)
        if plan is not None and plan.crash is not None:
            raise plan.crash


def discard(sleeping: Coroutine[Any, Any, Any]) -> None:
    """End a handler whose consumer is lost. What it still does, as in a `finally`, reaches nothing outside."""
    planned = current_plan.set(CrashPlan.lost())
    with suppress(Exception, Crashed):  # its consumer is no more, so nobody is there to fail
        sleeping.close()
    current_plan.reset(planned)


def _send(coroutine: Coroutine[Any, Any, Any]) -> Pause:
    try:
        awaited = coroutine.send(None)
    except (RuntimeError, AttributeError) as error:
        if _misses_a_loop(error):
            raise LabAwaitError(coroutine) from error
        raise
    if type(awaited) is not Pause:
        coroutine.close()
        raise LabAwaitError(awaited)
    return awaited


def _misses_a_loop(error: BaseException) -> bool:
    """Whether asyncio failed inside itself, as it does where no event loop is at work, such as in a plain script."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and str(place.tb_frame.f_globals.get("__name__")).startswith("asyncio.")


def describe(error: BaseException) -> str:
    """Return an error as it is shown in tables: its class and what it says.

    >>> describe(ConnectionError("the mail server is down"))
    'ConnectionError: the mail server is down'
    """
    try:
        said = str(error)[:1000]
    except Exception:  # noqa: BLE001 - an error that cannot even say what it is has still happened
        said = ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def handler_traceback(error: BaseException) -> str:
    """Return the traceback of what a handler raised, without the frames of the lab that called it."""
    place = error.__traceback__
    while place is not None and str(place.tb_frame.f_globals.get("__package__")).partition(".")[0] == __package__:
        place = place.tb_next
    text = "".join(traceback.format_exception(type(error), error, place or error.__traceback__))
    return text if len(text) <= MOST else f"{text[: MOST // 2]}\n...\n{text[-MOST // 2 :]}"
