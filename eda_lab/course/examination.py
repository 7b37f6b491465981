"""An examination: a learner's code is run, on the schedules of an exercise, until it fails or there are no more.

It never runs for ever, never lets an error of the learner's code through, and looks for the smallest schedule that
shows the fault: `hypothesis` finds one and shrinks it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from random import Random
from types import CodeType
from typing import Any

from eda_lab.attempt import describe
from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding, Verdict
from eda_lab.course.guard import TimeLimitError, time_limit

__all__ = ["examined"]

LIMIT = 20.0  # seconds that an examination may take
MOST = 200  # schedules that are tried
Judged = tuple[list[Finding], EventBus | None]


def examined(exercise: Exercise, answer: Any) -> Verdict:
    """Run an answer and judge it."""
    try:
        with time_limit(LIMIT):
            findings, bus = _judged(exercise, answer) if exercise.schedules is None else _searched(exercise, answer)
    except TimeLimitError as error:
        findings, bus = [Finding("the code comes to an end", False, str(error))], None
    return Verdict(exercise.name, findings, bus)


def _judged(exercise: Exercise, answer: Any, *schedule: Any) -> Judged:
    findings: list[Finding] = []
    bus = None
    try:
        for found in exercise.examine(answer, *schedule):
            if isinstance(found, EventBus):
                bus = found
            else:
                findings.append(found)
    except KeyboardInterrupt:
        raise  # of the user, or of the time limit
    except BaseException as raised:  # noqa: BLE001 - whatever it is, the learner's code has raised it
        # A StopIteration of theirs comes out of our generator as the cause of a RuntimeError.
        error = raised.__cause__ if isinstance(raised.__cause__, StopIteration) else raised
        findings.append(Finding("the code runs", False, f"{describe(error)}{_line(answer, error)}"))
    return findings, bus


def _searched(exercise: Exercise, answer: Any) -> Judged:
    """Look for the smallest schedule on which the answer fails; where there is none, judge it on a plain one."""
    # Not at the top: it takes long to load, and most of a lesson needs it not.
    from hypothesis import HealthCheck, Phase, find, settings
    from hypothesis.configuration import set_hypothesis_home_dir
    from hypothesis.errors import Flaky, NoSuchExample

    assert exercise.schedules is not None
    set_hypothesis_home_dir(tempfile.gettempdir())  # or it would leave a folder beside the lessons
    rules = settings(
        max_examples=MOST,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    last: list[Judged] = []

    def fails(schedule: Any) -> bool:
        last[:] = [_judged(exercise, answer, schedule)]
        return not all(finding.passed for finding in last[0][0])

    try:
        smallest = find(exercise.schedules(), fails, settings=rules, random=Random(1))
    except NoSuchExample:
        return last[0]
    except Flaky:
        seen = "it failed on a schedule, and passed on the same one later"
        return [Finding("the same orders have the same result each time", False, seen)], None
    return _judged(exercise, answer, smallest)


def _line(answer: Any, error: BaseException) -> str:
    """Return where in the learner's own function, or in a method of their class, an error arose."""
    methods = [part for part in getattr(answer, "__dict__", {}).values() if hasattr(part, "__code__")]
    own = {code: part.__code__ for part in (answer, *methods) if hasattr(part, "__code__") for code in _within(part)}
    place, found = error.__traceback__, ""
    while place is not None:
        outer = own.get(place.tb_frame.f_code)
        if outer is not None:
            where = outer.co_name if isinstance(answer, type) else "your function"
            found = f", in line {place.tb_lineno - outer.co_firstlineno + 1} of {where}"
        place = place.tb_next
    return found


def _within(function: Any) -> Iterator[CodeType]:
    """Yield the code of a function and of all functions that are defined in it."""
    waiting = [function.__code__]
    while waiting:
        code = waiting.pop()
        yield code
        waiting.extend(constant for constant in code.co_consts if isinstance(constant, CodeType))
