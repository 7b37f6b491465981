"""Exercise 09-test: a test that tells buggy shipping services, the mutants, from right ones.

For a mutant that the test lets pass, the smallest schedule that shows the fault is found and played.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding
from eda_lab.course.exercises import bad_tests, blind_tests
from eda_lab.course.exercises.reading_tests import forgets_retry, private, replaces_request, slips
from eda_lab.course.exercises.shippings import BUGGY, MORE, RIGHT, Event, Open
from eda_lab.course.exercises.stand_ins import kind_fault
from eda_lab.course.exercises.trials import ROUNDS, OpenShipping, Trial
from eda_lab.delivery import Retry
from eda_lab.effects import Parcel, ParcelDesk
from eda_lab.faults import Faults
from eda_lab.orders import OrderPlaced, PaymentCaptured, example_order
from eda_lab.testing import Search, find_failing

__all__ = ["EXERCISE"]

OTHER = "12346"  # an order that is paid as well
Test = Callable[[Any], Any]


def examine(answer: Test) -> Iterator[Finding | EventBus]:
    """Call the test with each service, and judge it by which ones it lets pass."""
    try:
        inspect.signature(answer).bind(1)
        fault = kind_fault(answer)
    except (TypeError, ValueError) as error:
        fault = str(error)
    if fault:
        yield Finding("your test is a plain function of open_shipping", False, fault)
        return
    inside = next(private(answer, (ParcelDesk(), OpenShipping(RIGHT[0], []), examine)), None)
    yield Finding("it looks at what a shipping does, and not into it", not inside, f"it reads {inside}")
    trial = Trial(answer, (*RIGHT, *BUGGY, *MORE))
    if trial.changed:
        seen = f"your test changed {trial.changed[0]} for all who use it (it is put back): write a class of your own, "
        yield Finding("it leaves the lab as it is", False, f"{seen}as in class MyDesk(ParcelDesk)")
    first, *others = RIGHT
    wrongly = next((each for each in others if trial.refused[each]), None)
    what = "your test passes for a right shipping", "it passes for right ones that were written in another way"
    if trial.refused[first]:
        yield Finding(what[0], False, f"it failed with {trial.refused[first][0]}{_advice(answer)}")
        yield Finding(what[1], None, "not judged yet")
    else:
        yield Finding(what[0], True)
        seen = "another right shipping, which has the same parcels sent, was refused: it failed with "
        yield Finding(what[1], not wrongly, f"{seen}{trial.refused[wrongly][0]}{_advice(answer)}" if wrongly else "")
    torn = [each for each, whys in trial.refused.items() if 0 < len(whys) < ROUNDS]
    seen = f"tried {ROUNDS} times on the same shipping, it failed {len(trial.refused[torn[0]])} times" if torn else ""
    yield Finding("it says the same each time", not torn, seen)
    if inside or trial.changed or trial.refused[first] or wrongly:
        for each in ("mutants killed", "more mutants killed"):
            yield Finding(each, None, "not counted yet: first your test has to be right in the points above")
    else:
        yield from _kills(answer, trial)


def _kills(answer: Test, trial: Trial) -> Iterator[Finding | EventBus]:
    """Count the mutants that a fair test kills, and play the first that it lets pass."""
    played = False
    for services, what in ((BUGGY, "mutants killed"), (MORE, "more mutants killed")):
        passed = [each for each in services if len(trial.refused[each]) < ROUNDS]
        seen = f"your test passed for {services[passed[0]]}" if passed else ""
        if passed and trial.returned is not None:
            seen += f"; it returned {trial.returned}, which nobody looks at: a test fails by raising, as assert does"
        if passed and not played:
            found, played = _shown_by(passed[0]), True
            if not found.passed:
                seen += f". The smallest run that shows it: {_in_words(found)}"
                yield found.bus
            seen += "".join(f". Look at your test: {slip}" for slip in list(slips(answer))[:1])
        yield Finding(f"{what}: {len(services) - len(passed)} of {len(services)}", not passed, seen)


def _advice(answer: Test) -> str:
    """Return what may have made a test refuse a right shipping, to be added to the error."""
    if forgets_retry(answer):
        return "; your bus needs a retry: without one, an event whose attempt fails is not tried again"
    if replaces_request(answer):
        return "; a right one may ask twice with the same key, which is one parcel: look at desk.parcels"
    return ""


def _in_words(found: Search) -> str:
    words = [f"{each}{' (so it comes again)' if 'crash' in each.what else ''}" for each in found.schedule or ()]
    words += [f"order {OTHER} is paid first"] * any(OTHER in str(each.data) for each in found.bus.trace.messages)
    return "; ".join(words) or "a day on which nothing goes wrong"


def _shown_by(opens: Open) -> Search:
    """Return the smallest schedule on which a buggy service breaks its promise; if need be, with another order paid."""
    alone = find_failing(partial(_evening, opens, False), _kept)
    return find_failing(partial(_evening, opens, True), _kept) if alone.passed else alone


def _evening(opens: Open, other: bool, faults: Faults) -> tuple[EventBus, tuple[ParcelDesk, list[Parcel]]]:
    """Build a bus on which an order is placed and paid; its world is the desk, and the parcels that were too early."""
    bus, desk, early = EventBus(faults=faults, visibility=10.0), ParcelDesk(), list[Parcel]()
    came: set[tuple[type, str]] = set()
    opened = OpenShipping(opens, [])(desk)

    def shipping(event: Event) -> Any:
        came.add((type(event), event.order_id))
        try:
            return opened(event)
        finally:
            kinds = (OrderPlaced, PaymentCaptured)
            early.extend(each for each in desk.parcels if any((kind, each.order_id) not in came for kind in kinds))

    again = Retry(max_attempts=3, backoff=1.0)
    bus.subscribe((OrderPlaced, PaymentCaptured), shipping, name="shipping", takes=0.4, retry=again)
    order = example_order()
    bus.publish(order)
    if other:
        bus.publish(PaymentCaptured(OTHER, order.total_cents), at=0.5, source="payment")
    bus.publish(PaymentCaptured(order.order_id, order.total_cents), at=1.0, source="payment")
    return bus, (desk, early)


def _kept(world: tuple[ParcelDesk, list[Parcel]]) -> bool:
    desk, early = world
    return not early and desk.parcels == [Parcel("12345", "USER001")]


def solution(open_shipping: Callable[..., Any]) -> None:
    from eda_lab.effects import Parcel, ParcelDesk
    from eda_lab.orders import PaymentCaptured, example_order

    order, paid = example_order(), PaymentCaptured("12345", 5000)
    one_parcel = [Parcel("12345", "USER001")]

    for events in ([order, paid], [paid, order], [order, paid, paid], [order, paid, order], [order, order, paid]):
        desk = ParcelDesk()
        shipping = open_shipping(desk)
        for event in events:
            shipping(event)
        assert desk.parcels == one_parcel

    desk = ParcelDesk()
    shipping = open_shipping(desk)
    shipping(order)
    shipping(PaymentCaptured("12346", 700))
    assert desk.parcels == []  # order 12345 is not paid yet

    desk.down = True
    try:
        shipping(paid)
    except ConnectionError:
        desk.down = False
    assert not desk.down, "the error was swallowed"
    shipping(paid)
    assert desk.parcels == one_parcel


EXERCISE = Exercise(
    name="09-test",
    task="Write test_shipping(open_shipping): it passes for a right shipping, and fails for each buggy one.",
    examine=examine,
    hints=(
        "The happy test sends two events, once each, in the usual order, to a desk that works. Which three of these "
        "can be otherwise?",
        "Build a new desk and a new shipping for each case: order, paid; paid, order; order, paid, paid; order, paid, "
        "order; order, order, paid. In each, desk.parcels holds one parcel in the end. But after the order alone, and "
        "after a payment of order 12346, there is no parcel yet.",
        "For the error: desk.down = True, then call shipping(paid) in a try: with except ConnectionError:. A right "
        "shipping raises it. Then desk.down = False, and shipping(paid) once more: now there is one parcel.",
    ),
    solution=solution,
    wrong=(*blind_tests.ANSWERS, *bad_tests.ANSWERS),
)
