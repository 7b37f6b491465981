"""Exercise 03-groups, its schedules: who subscribes when, what is published, and what is wrong with what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

from eda_lab.orders import OrderPlaced, make_order

__all__ = [
    "ALL",
    "ONCE",
    "ORDER",
    "RULES",
    "SMALL",
    "TURNS",
    "Schedule",
    "drawn",
    "in_two_places",
    "judged",
    "with_an_error",
]

ALL = "every group sees every event of its topics"
ONCE = "no group sees an event twice, or one that is not for it"
TURNS = "the members of a group take turns"
ORDER = "each member sees its events in the order in which they were published"
BOTH = "who is a member of two groups, or listens to two topics, gets each copy"
ERRORS = "an error of a handler reaches the publisher"
RULES = (ALL, ONCE, TURNS, ORDER, BOTH, ERRORS)


class Join(NamedTuple):
    """A step of a schedule: a member subscribes. A step that is a plain text publishes an event to that topic."""

    topic: str
    group: str
    member: str


Schedule = list[Join | str]
ORDERS, MAILS = "order_placed", "mail_sent"
SMALL: list[Schedule] = [
    [Join(ORDERS, "packers", "ann"), ORDERS],
    [Join(ORDERS, "packers", "ann"), Join(ORDERS, "packers", "ben"), *[ORDERS] * 4],
    [Join(ORDERS, group, member) for group in ("packers", "stock") for member in ("ann", "ben")] + [ORDERS] * 4,
    [*(Join(topic, "packers", member) for topic in (ORDERS, MAILS) for member in ("ann", "ben")), *[ORDERS, MAILS] * 3],
    [Join(ORDERS, "packers", "ann"), ORDERS, ORDERS, Join(ORDERS, "packers", "ben"), *[ORDERS] * 4],
    [ORDERS, Join(ORDERS, "packers", "ann"), ORDERS, Join(ORDERS, "stock", "ben"), ORDERS],
    [MAILS, Join(ORDERS, "packers", "ann"), MAILS],
]


def drawn(seed: int) -> Schedule:
    rng = Random(seed)
    topics = [ORDERS, MAILS, "order"][: 1 + seed % 3]
    joins = [
        Join(topic, group, member)
        for topic in topics
        for group in ("packers", "stock", "mail")[: 1 + int(rng.random() * 3)]
        for member in ("ann", "ben", "cleo")[: int(rng.random() * 4)]
    ]
    steps: Schedule = []
    while joins or len(steps) < 10 + seed // 8:
        if joins and rng.random() < 0.4:
            steps.append(joins.pop(int(rng.random() * len(joins))))
        else:
            steps.append(topics[int(rng.random() * len(topics))])
    return steps


def judged(schedule: Schedule, bus: Any) -> dict[str, str]:
    """Play a schedule; return what is wrong, by the name of the finding: the first of each kind."""
    got: dict[Join, list[int | None]] = {}
    published: list[tuple[str, OrderPlaced]] = []
    rows: dict[tuple[str, str], list[tuple[int, int]]] = {}  # what a group is to see: (event, members at that time)
    begins: dict[Join, int] = {}

    def handler(step: Join) -> Callable[[Any], None]:
        def note(event: Any) -> None:
            got[step].append(next((n for n, (_, made) in enumerate(published, 1) if made == event), None))

        return note

    for step in schedule:
        if isinstance(step, Join):
            got[step], begins[step] = [], len(published) + 1
            bus.subscribe(step.topic, handler(step), step.group)
            continue
        published.append((step, make_order(len(published) + 1)))
        for topic, group in dict.fromkeys(join[:2] for join in got):
            members = sum(join[:2] == (topic, group) for join in got)
            if topic == step:
                rows.setdefault((topic, group), []).append((len(published), members))
        bus.publish(*published[-1])
    trouble: dict[str, str] = {}
    for topic, group in dict.fromkeys(join[:2] for join in got):
        team = {join: numbers for join, numbers in got.items() if join[:2] == (topic, group)}
        for what, seen in _of_group(team, rows.get((topic, group), []), begins):
            trouble.setdefault(what, seen)
    return trouble


def _of_group(
    team: dict[Join, list[int | None]], due: list[tuple[int, int]], begins: dict[Join, int]
) -> Iterator[tuple[str, str]]:
    who = {n: [join.member for join, numbers in team.items() for each in numbers if each == n] for n, _ in due}

    def went(numbers: Iterable[int]) -> str:
        first = next(iter(team))
        to = "; ".join(f"event {n} went to {' and '.join(who[n]) or 'nobody'}" for n in numbers)
        return f"group {first.group} of topic {first.topic}, with {', '.join(join.member for join in team)}: {to}"

    missed, twice = [n for n in who if not who[n]], [n for n in who if len(who[n]) > 1]
    strange = [(join, n) for join, numbers in team.items() for n in numbers if n not in who or n < begins[join]]
    if missed:
        yield ALL, went(missed[:1])
    for join, n in strange[:1]:
        what = "what nobody published" if n is None else f"event {n}, which was published "
        why = "" if n is None else "to another topic" if n >= begins[join] else "before it came"
        yield ONCE, f"{join.member} of group {join.group}, which listens to {join.topic}, got {what}{why}"
    if twice:
        yield ONCE, went(twice[:1])
    for start, (_, size) in enumerate(due):
        stretch = [n for n, now in due[start : start + size] if now == size]
        members = [member for n in stretch for member in who[n]]
        if len(set(members)) < len(members) and not twice:
            yield TURNS, went(stretch)
            break
    for join, numbers in team.items():
        order = [n for n in numbers if n is not None]
        if any(later < earlier for earlier, later in pairwise(order)):
            yield ORDER, f"{join.member} got the events in the order {', '.join(map(str, order))}"


def in_two_places(answer: Callable[[], Any]) -> dict[str, str]:
    """Let one handler be a member of two groups, and then listen to two topics; return what is wrong."""
    for places in (((ORDERS, "packers"), (ORDERS, "stock")), ((ORDERS, "packers"), (MAILS, "packers"))):
        bus, copies = answer(), list[Any]()
        for topic, group in places:
            bus.subscribe(topic, copies.append, group)
        for n in (1, 2, 3):
            for topic in dict.fromkeys(topic for topic, _ in places):
                bus.publish(topic, make_order(n))
        if len(copies) != 6:
            names = " and in ".join(f"group {group} of topic {topic}" for topic, group in places)
            return {BOTH: f"one handler, alone in {names}: of 6 copies it got {len(copies)}"}
    return {}


class PackingError(Exception):
    """What a handler of the examination raises."""


def with_an_error(answer: Callable[[], Any]) -> dict[str, str]:
    """Let the only handler of a topic raise; return what is wrong if `publish` does not raise the same."""
    called: list[Any] = []

    def drop(event: Any) -> None:
        called.append(event)
        raise PackingError("dropped")

    bus = answer()
    bus.subscribe(ORDERS, drop, "packers")
    try:
        bus.publish(ORDERS, make_order(1))
    except PackingError:
        return {}
    seen = "the handler of the only group raised, and publish said nothing"
    return {ERRORS: seen} if called else {}
