"""Exercise 07-redrive: tell errors that pass from errors that stay, and redrive what was repaired. Tried on some days.

A day has its orders, now and then a bank or a parcel desk that is away, and articles that the desk does not know. In
the evening the desk learns one of them; what has another one stays a dead letter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding, so_far
from eda_lab.course.exercises.redrive_books import Books
from eda_lab.course.exercises.redrive_charges import CHARGES
from eda_lab.course.exercises.redrive_days import EVENING, Day, days
from eda_lab.course.exercises.redrive_handlers import HANDLERS
from eda_lab.course.exercises.redrive_rules import RULES
from eda_lab.course.exercises.redrive_world import Front, World, takes_one
from eda_lab.course.exercises.stand_ins import in_new_process, kind_fault
from eda_lab.delivery import Retry
from eda_lab.errors import shown
from eda_lab.orders import OrderPlaced
from eda_lab.producers import scheduled
from eda_lab.shop import Shop

__all__ = ["EXERCISE"]

MOST = 6_000  # things that may happen in a day; an honest one has fewer than 1,000
SHAPE = "your function returns after_the_fix, a plain function of `known`"
Answer = Callable[[Any, Shop], Any]


def examine(answer: Answer) -> Iterator[Finding | EventBus]:
    """Try the answer on all days, the simplest first, and report the first on which it fails."""
    fault = kind_fault(answer)
    if fault:
        yield Finding("your function is a plain one", False, fault)
        return
    fault = _shape_fault(answer)
    yield Finding(SHAPE, not fault, fault)
    if fault:
        return
    for day in days():
        found = list(_examine_one(answer, day))
        if not all(isinstance(each, EventBus) or each.passed for each in found):
            break
    else:
        found.append(_same_keys(answer, days()[0]))
    yield from so_far(found)


def _shape_fault(answer: Answer) -> str:
    bus = EventBus(seed=1)
    world = World(days()[0], lambda: 0.0)
    after_the_fix = answer(Front(bus, lambda: False), world.shop)
    if not callable(after_the_fix):
        return f"it returned {shown(after_the_fix)}: end it with return after_the_fix, without ()"
    if not takes_one(after_the_fix):
        return "after_the_fix takes `known`, and nothing else: def after_the_fix(known)"
    return kind_fault(after_the_fix)


def _examine_one(answer: Answer, day: Day) -> Iterator[Finding | EventBus]:
    bus, world, after_the_fix = _opened(answer, day)
    bus.run(until=EVENING, max_events=MOST)
    yield bus
    by_evening = Books(world, bus)
    world.learn()
    after_the_fix(set(day.known))
    bus.run(until=2 * EVENING, max_events=MOST)
    at_the_end = Books(world, bus)
    yield from by_evening.before_the_fix()
    yield from at_the_end.after_the_fix()


def _opened(answer: Answer, day: Day) -> tuple[EventBus, World, Callable[[set[str]], Any]]:
    bus = EventBus(seed=1)
    world = World(day, lambda: bus.clock.now)
    front = Front(bus, lambda: world.is_repaired)
    after_the_fix = answer(front, world.shop)
    front.close()
    bus.process("checkout", scheduled(day.orders))
    return bus, world, after_the_fix


def _same_keys(answer: Answer, day: Day) -> Finding:
    """Play one day in two processes: a key is of use after a restart only if it is the same in both."""
    asked, keys = set[str](), []
    for process in (1, 2):
        bus, world, _ = _opened(in_new_process(answer, process, asked), day)
        bus.run(until=EVENING, max_events=MOST)
        keys.append([(call.order_id, call.key) for call in world.calls])
    other = [(was, now) for was, now in zip(*keys, strict=False) if was != now]
    why = f"{min(asked)}(...) gives another number in each process" if asked else "it is another one in each process"
    seen = "".join(f"order {was[0]} has the key {shown(was[1])}, then {shown(now[1])}: {why}" for was, now in other[:1])
    return Finding("the key of an order is the same after a restart", not other, seen)


def solution(bus: Any, shop: Shop) -> Callable[[set[str]], None]:
    def bill(order: OrderPlaced) -> None:
        shop.card.charge(order.order_id, order.total_cents, key=order.order_id)
        shop.parcels.request(order.order_id, order.customer_id, key=order.order_id)

    passing = Retry(max_attempts=20, retry_on=(ConnectionError, TimeoutError))
    bus.subscribe("order_placed", bill, name="billing", takes=0.5, retry=passing)

    def after_the_fix(known: set[str]) -> None:
        bus.redrive("billing", where=lambda letter: {item.sku for item in letter.message.data.items} <= known)

    return after_the_fix


EXERCISE = Exercise(
    name="07-redrive",
    task="Let errors that pass be tried again, give up on the others at once, and redrive what was repaired.",
    examine=examine,
    hints=(
        "There are three faults, and they stand in three lines: which errors are tried again and how long, what a "
        "second try does to a card, and which dead letters come back.",
        "Retry(max_attempts=..., retry_on=(ConnectionError, TimeoutError)) tries again only what can pass. The pauses "
        "are 1, 2, 4, 8, 16, 32 and then 60 s: how many attempts last longer than a minute? A charge with "
        "key=order.order_id is made once, however often you ask.",
        'bus.redrive("billing", where=f) asks f about each dead letter. letter.message.data is the order. It is '
        "repaired if all its articles are in `known`.",
    ),
    solution=solution,
    wrong=(*RULES, *HANDLERS, *CHARGES),
)
