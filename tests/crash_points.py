"""Crashes on order: at points that are named or numbered, and at each point that some work passes, in turn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from eda_lab.faults import Crashed, CrashPlan, current_plan

__all__ = ["crashing", "points_of", "survived"]


@contextmanager
def crashing(*points: int | str) -> Iterator[CrashPlan]:
    """Have the consumer that works inside crash at these points."""
    plan = CrashPlan(points)
    token = current_plan.set(plan)
    try:
        yield plan
    finally:
        current_plan.reset(token)


def survived(work: Callable[[], object], *points: int | str) -> bool:
    """Do some work that crashes at these points, if it reaches them; return whether it came to its end."""
    with crashing(*points):
        try:
            work()
        except Crashed:
            return False
    return True


def points_of(work: Callable[[], object]) -> int:
    """Return how many crash points some work passes."""
    with crashing() as plan:
        work()
    return plan.reached
