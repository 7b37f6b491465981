"""Exercise 03-groups: an answer that is a class, and the rule about turns on schedules written by hand."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from eda_lab.course import check
from eda_lab.course.exercises.group_answers import WRONG, GroupBus
from eda_lab.course.exercises.group_schedules import ORDERS, TURNS, Join, Schedule, judged


class CountingBus:
    """Right in another way: one counter for each topic, which all of its groups read."""

    def __init__(self) -> None:
        self.groups: dict[str, dict[str, list[Any]]] = defaultdict(dict)
        self.counts: dict[str, int] = defaultdict(int)

    def subscribe(self, topic: str, handler: Any, group: str) -> None:
        self.groups[topic].setdefault(group, []).append(handler)

    def publish(self, topic: str, event: Any) -> None:
        for line in self.groups[topic].values():
            line[self.counts[topic] % len(line)](event)
        self.counts[topic] += 1


class LeastBusyBus(CountingBus):
    """Lets a newcomer do all the work until it has done as much as the others."""

    def publish(self, topic: str, event: Any) -> None:
        for group, line in self.groups[topic].items():
            place = min(range(len(line)), key=lambda place: self.counts[f"{topic} {group} {place}"])
            self.counts[f"{topic} {group} {place}"] += 1
            line[place](event)


class ForgetfulBus(GroupBus):
    """Knows no topic that nobody asked for."""

    def publish(self, topic: str, event: Any) -> None:
        first = [line for (wanted, _), line in self.groups.items() if wanted == topic][-1]
        first[0](event)


def test_every_way_of_taking_turns_is_accepted() -> None:
    assert check("03-groups", CountingBus).passed


def test_a_newcomer_that_does_all_the_work_is_no_turn() -> None:
    seen = repr(check("03-groups", LeastBusyBus))
    assert "event 3 went to ben; event 4 went to ben" in seen


def test_an_error_in_a_method_is_shown_with_its_line() -> None:
    assert "IndexError: list index out of range, in line 2 of publish" in repr(check("03-groups", ForgetfulBus))


@pytest.mark.parametrize(("answer", "better"), [(CountingBus(), "the ()"), ("CountingBus", "the quotes")])
def test_what_is_no_class_is_told_so(answer: object, better: str) -> None:
    verdict = check("03-groups", answer)
    assert verdict.findings[0].what == "the answer is a class"
    assert f"leave out {better}" in repr(verdict)


def test_an_error_that_is_kept_until_all_groups_had_theirs_reaches_the_publisher() -> None:
    class PatientBus(GroupBus):
        def publish(self, topic: str, event: Any) -> None:
            raised = []
            for line in [line for (wanted, _), line in self.groups.items() if wanted == topic]:
                line.append(line.pop(0))
                try:
                    line[-1](event)
                except Exception as error:  # noqa: BLE001 - any error of a handler
                    raised.append(error)
            for first in raised[:1]:
                raise first

    assert check("03-groups", PatientBus).passed


def test_an_error_that_is_swallowed_is_told() -> None:
    swallows = next(answer for answer in WRONG if answer.__name__ == "_swallows_errors")
    assert "the only group raised, and publish said nothing" in repr(check("03-groups", swallows))


def test_turns_begin_anew_when_a_member_joins() -> None:
    ann, ben, cleo = (Join(ORDERS, "packers", name) for name in ("ann", "ben", "cleo"))
    schedule: Schedule = [ann, ORDERS, ben, ORDERS, ORDERS, ORDERS, cleo, *[ORDERS] * 6]
    assert judged(schedule, GroupBus()) == {}
    assert TURNS in judged(schedule, LeastBusyBus())
