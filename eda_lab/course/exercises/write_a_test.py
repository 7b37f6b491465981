"""Exercise 09-test: a test that tells three buggy shipping services from right ones.

The test is called with each service several times, in an order drawn from a seed. It sees what opens a service, and not
which one. For a buggy one that it lets pass, the smallest schedule that shows the fault is found and played.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterator
from random import Random
from types import CodeType
from typing import Any

from eda_lab.attempt import describe
from eda_lab.bus import EventBus
from eda_lab.course.exercise import Exercise, Finding
from eda_lab.course.exercises import bad_tests
from eda_lab.course.exercises.shippings import BUGGY, MORE, RIGHT, Open, Opened
from eda_lab.course.exercises.stand_ins import kind_fault
from eda_lab.database import Database
from eda_lab.delivery import Retry
from eda_lab.effects import Parcel, ParcelDesk
from eda_lab.errors import shown
from eda_lab.faults import Faults
from eda_lab.orders import OrderPlaced, PaymentCaptured, example_order
from eda_lab.testing import Search, find_failing

__all__ = ["EXERCISE"]

ROUNDS = 3  # times that the test is tried on each service
Test = Callable[[Any], Any]


class _Sealed:
    """What opens a service, and tells nothing of it: all of them look alike."""

    __slots__ = ("__open",)

    def __init__(self, opens: Open) -> None:
        self.__open = opens

    def __call__(self, desk: ParcelDesk) -> Opened:
        if not isinstance(desk, ParcelDesk):
            raise TypeError(f"open_shipping(desk) needs a ParcelDesk, and got {shown(desk)}")
        handler = self.__open(desk, Database(placed={}, paid={}, asked={}))

        def shipping(event: OrderPlaced | PaymentCaptured) -> Any:
            return handler(event)

        return shipping

    def __repr__(self) -> str:
        return "open_shipping"


def examine(answer: Test) -> Iterator[Finding | EventBus]:
    """Call the test with each service, and judge it by which ones it lets pass."""
    try:
        inspect.signature(answer).bind(1)
        fault = kind_fault(answer)
    except TypeError as error:
        fault = str(error)
    if fault:
        yield Finding("your test is a plain function of open_shipping", False, fault)
        return
    private = next(_private(answer.__code__), None) if hasattr(answer, "__code__") else None
    yield Finding("it looks at what a shipping does, and not into it", not private, f"it reads {private}")
    refused, returned = _tried(answer)
    first, others = RIGHT[0], RIGHT[1:]
    yield Finding("your test passes for a right shipping", not refused[first], _why(refused[first]))
    wrongly = next((each for each in others if refused[each]), None)
    seen = "another right shipping, which has the same parcels sent, was refused: "
    seen = f"{seen}{_why(refused[wrongly])}" if wrongly else ""
    yield Finding("it passes for right ones that were written in another way", not wrongly, seen)
    torn = [each for each, whys in refused.items() if 0 < len(whys) < ROUNDS]
    seen = f"tried {ROUNDS} times on the same shipping, it failed {len(refused[torn[0]])} times" if torn else ""
    yield Finding("it says the same each time", not torn, seen)
    missed = None
    for services, what in ((BUGGY, "mutants killed"), (MORE, "more mutants killed")):
        passed = [each for each in services if len(refused[each]) < ROUNDS]
        missed = missed or next(iter(passed), None)
        seen = f"your test passed for {services[passed[0]]}" if passed else ""
        if passed and returned is not None:
            seen += f"; it returned {returned}, which nobody looks at: a test fails by raising, as assert does"
        if passed and missed is passed[0] and not refused[first]:
            found = _shown_by(passed[0])
            seen += f". The smallest run that shows it: {'; '.join(map(str, found.schedule or ())) or 'a plain one'}"
            yield found.bus
        yield Finding(f"{what}: {len(services) - len(passed)} of {len(services)}", not passed, seen)


def _tried(answer: Test) -> tuple[dict[Open, list[str]], str | None]:
    """Return, for each service, why the test failed, as often as it did; and what it returned, if anything."""
    refused: dict[Open, list[str]] = {each: [] for each in (*RIGHT, *BUGGY, *MORE)}
    rng, returned = Random("09-test"), None
    for _ in range(ROUNDS):
        for opens in sorted(refused, key=lambda _: rng.random()):
            try:
                result = answer(_Sealed(opens))
                returned = returned if result is None else shown(result)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - a test may fail with anything, as pytest's own do
                refused[opens].append(f"{describe(error)}{_line(answer, error)}")
    return refused, returned


def _private(code: CodeType) -> Iterator[str]:
    """Yield what a function reads, itself or in a function within, of the inside of a shipping or of its desk."""
    inside = {name for thing in (ParcelDesk(), _Sealed(RIGHT[0]), _private) for name in dir(thing) if name[0] == "_"}
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_ATTR", "LOAD_METHOD") and step.argval in inside:
            yield str(step.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _private(constant)
        elif isinstance(constant, str) and constant in inside:
            yield constant


def _why(whys: list[str]) -> str:
    return f"it failed with {whys[0]}" if whys else ""


def _line(answer: Test, error: BaseException) -> str:
    """Return the line of the learner's test at which it failed."""
    code, place, found = getattr(answer, "__code__", None), error.__traceback__, ""
    while code is not None and place is not None:
        if place.tb_frame.f_code is code:
            found = f", in line {place.tb_lineno - code.co_firstlineno + 1} of your test"
        place = place.tb_next
    return found


def _shown_by(opens: Open) -> Search:
    """Return the smallest schedule on which a buggy service breaks its promise."""

    def scenario(faults: Faults) -> tuple[EventBus, ParcelDesk]:
        bus, desk = EventBus(faults=faults, visibility=10.0), ParcelDesk()
        again = Retry(max_attempts=3, backoff=1.0)
        shipping = _Sealed(opens)(desk)
        bus.subscribe((OrderPlaced, PaymentCaptured), shipping, name="shipping", takes=0.4, retry=again)
        order = example_order()
        bus.publish(order)
        bus.publish(PaymentCaptured(order.order_id, order.total_cents), at=1.0, source="payment")
        return bus, desk

    return find_failing(scenario, lambda desk: desk.parcels == [Parcel("12345", "USER001")])


def solution(open_shipping: Callable[..., Any]) -> None:
    from eda_lab.effects import Parcel, ParcelDesk
    from eda_lab.orders import PaymentCaptured, example_order

    order, paid = example_order(), PaymentCaptured("12345", 5000)
    one_parcel = [Parcel("12345", "USER001")]

    for events in ([order, paid], [paid, order], [order, paid, paid], [order, paid, order]):
        desk = ParcelDesk()
        shipping = open_shipping(desk)
        for event in events:
            shipping(event)
        assert desk.parcels == one_parcel

    desk = ParcelDesk()
    shipping = open_shipping(desk)
    shipping(order)
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
        "Build a new desk and a new shipping for each case: order, paid, paid; order, paid, order; paid, order. In "
        "each case, desk.parcels holds one parcel in the end.",
        "For the error: desk.down = True, then call shipping(paid) in a try: with except ConnectionError:. A right "
        "shipping raises it. Then desk.down = False, and shipping(paid) once more: now there is one parcel.",
    ),
    solution=solution,
    wrong=bad_tests.ANSWERS,
)
