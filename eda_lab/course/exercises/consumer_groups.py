"""Exercise 03-groups: the bus of ten lines learns consumer groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from eda_lab.course.exercise import Exercise, Finding
from eda_lab.course.exercises.group_answers import WRONG, GroupBus
from eda_lab.course.exercises.group_schedules import (
    ALL,
    ONCE,
    ORDER,
    RULES,
    SMALL,
    TURNS,
    drawn,
    in_two_places,
    judged,
    with_an_error,
)
from eda_lab.orders import make_order

__all__ = ["EXERCISE"]


def examine(answer: Callable[[], Any]) -> Iterator[Finding]:
    """Build buses, and let each go through a schedule of subscribers and events: small ones first, then 200 drawn."""
    bus, other = answer(), answer()
    able = all(callable(getattr(bus, name, None)) for name in ("subscribe", "publish"))
    yield Finding("it builds a bus with subscribe and publish", able, f"it builds {type(bus).__name__}")
    if not able:
        return
    heard: list[Any] = []
    bus.subscribe("opened", heard.append, "all")
    other.publish("opened", make_order(1))
    yield Finding("each bus has its own subscribers", not heard, "an event on one bus reached a handler on another")
    trouble: dict[str, str] = {}
    for schedule in [*SMALL, *map(drawn, range(200))]:
        trouble = judged(schedule, answer()) or trouble
        if trouble:
            break
    trouble = {**in_two_places(answer), **with_an_error(answer), **trouble}
    for what in RULES:
        if what in (TURNS, ORDER) and (ALL in trouble or ONCE in trouble):
            continue  # there is nothing to say about turns where events are lost or handed out twice
        yield Finding(what, what not in trouble, trouble.get(what, ""))


EXERCISE = Exercise(
    name="03-groups",
    task="Give the bus consumer groups: each group sees each event once, and its members take turns.",
    examine=examine,
    hints=(
        "A topic has several groups, and a group has several members. What do you have to keep, to find the members of "
        "one group of one topic?",
        "self.groups.setdefault((topic, group), []).append(handler) keeps a line of members for each group. "
        "publish goes through all of them whose topic is the right one, and picks one member of each.",
        "Taking turns: handler = line.pop(0) takes the first of the line, line.append(handler) puts it at the end.",
    ),
    solution=GroupBus,
    wants="class",
    wrong=WRONG,
)
