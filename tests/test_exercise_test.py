"""Exercise 09-test: the shippings are what they are said to be, tests of many kinds pass, and slips are named."""

from __future__ import annotations

import linecache
import warnings
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from eda_lab import EventBus, Faults, OrderPlaced, Retry, example_order
from eda_lab.course import check
from eda_lab.course.exercises import bad_tests, blind_tests
from eda_lab.course.exercises.shippings import BUGGY, MORE, RIGHT
from eda_lab.course.exercises.write_a_test import _shown_by
from eda_lab.effects import Parcel, ParcelDesk
from eda_lab.orders import PaymentCaptured
from eda_lab.testing import find_failing, given

ORDER, PAID, OTHERS = example_order(), PaymentCaptured("12345", 5000), PaymentCaptured("12346", 700)
ONE = [Parcel("12345", "USER001")]
Open = Callable[..., Any]


def after(open_shipping: Open, *events: Any, desk: ParcelDesk | None = None) -> list[Parcel]:
    """Return the parcels that were asked for after some events."""
    desk = desk or ParcelDesk()
    shipping = open_shipping(desk)
    for event in events:
        shipping(event)
    return desk.parcels


def days(open_shipping: Open) -> None:
    """Test all that needs no error."""
    for events in ([ORDER, PAID], [PAID, ORDER], [ORDER, PAID, PAID], [ORDER, PAID, ORDER], [ORDER, ORDER, PAID]):
        assert after(open_shipping, *events) == ONE
    assert after(open_shipping, ORDER, OTHERS) == after(open_shipping, ORDER) == []


@pytest.mark.parametrize("number", range(len(RIGHT)))
def test_a_right_shipping_keeps_its_promise_whatever_goes_wrong(number: int) -> None:
    assert _shown_by(RIGHT[number]).passed


@pytest.mark.parametrize("what", [*BUGGY.values(), *MORE.values()])
def test_a_buggy_shipping_has_a_run_that_shows_it(what: str) -> None:
    opens = next(each for each, text in {**BUGGY, **MORE}.items() if text == what)
    search = _shown_by(opens)
    assert search.schedule is not None
    assert len(search.schedule) <= 1


def with_given(open_shipping: Open) -> None:
    days(open_shipping)
    desk = ParcelDesk()
    desk.down = True
    case = given(open_shipping(desk), ORDER).when(PAID).fails(ConnectionError)
    desk.down = False
    case.when(PAID)
    assert len(desk.parcels) == 1


def with_pytest(open_shipping: Open) -> None:
    days(open_shipping)
    desk = ParcelDesk()
    shipping = open_shipping(desk)
    shipping(PAID)
    desk.fails(1.0)
    with pytest.raises(ConnectionError):
        shipping(ORDER)
    desk.fails(0.0)
    shipping(ORDER)
    assert len(desk.parcels) == 1


def by_search(open_shipping: Open) -> None:
    def scenario(faults: Faults) -> tuple[EventBus, ParcelDesk]:
        bus, desk = EventBus(faults=faults), ParcelDesk()
        bus.subscribe((OrderPlaced, PaymentCaptured), open_shipping(desk), name="shipping", retry=Retry())
        bus.publish(ORDER)
        bus.publish(PAID, at=1.0)
        return bus, desk

    assert find_failing(scenario, lambda desk: desk.parcels == ONE, most=1).passed
    assert after(open_shipping, ORDER, OTHERS) == after(open_shipping, ORDER) == []


def in_all_orders(open_shipping: Open) -> None:
    for events in permutations([ORDER, ORDER, PAID, PAID]):
        assert after(open_shipping, *events) == ONE
    desk = ParcelDesk()
    shipping = open_shipping(desk)
    for early in (ORDER, OTHERS, ORDER):
        shipping(early)
        assert not desk.parcels
    desk.down = True
    for _ in range(3):
        try:
            shipping(PAID)
        except OSError:
            continue
        raise ValueError("no error")
    desk.down = False
    shipping(PAID)
    assert desk.parcels == ONE


def by_the_name_of_the_error(open_shipping: Open) -> None:
    days(open_shipping)
    desk = ParcelDesk()
    shipping = open_shipping(desk)
    shipping(ORDER)
    desk.down = True
    names = []
    try:
        shipping(PAID)
    except Exception as error:  # noqa: BLE001 - as a learner may write it
        names = [type(error).__name__, error.__class__.__qualname__]
    assert names == ["ConnectionError"] * 2
    desk.down = False
    shipping(PAID)
    assert desk.parcels == ONE


def with_a_desk_of_its_own(open_shipping: Open) -> None:
    class Desk(ParcelDesk):
        def __init__(self) -> None:
            super().__init__()
            self.asked: list[str] = []

        def request(self, order_id: str, customer_id: str, key: str | None = None) -> Parcel:
            self.asked.append(order_id)
            return super().request(order_id, customer_id, key)

    days(open_shipping)
    desk = Desk()
    assert after(open_shipping, PAID, ORDER, desk=desk) == ONE
    assert set(desk.asked) == {"12345"}
    by_the_name_of_the_error(open_shipping)


class AsAnObject:
    """A test that is an object which can be called."""

    def __call__(self, open_shipping: Open) -> None:
        with_given(open_shipping)


GOOD = [
    with_given,
    with_pytest,
    by_search,
    in_all_orders,
    by_the_name_of_the_error,
    with_a_desk_of_its_own,
    blind_tests.everything,
    AsAnObject(),
    lambda open_shipping: with_given(open_shipping),
]


@pytest.mark.parametrize("answer", GOOD)
def test_good_tests_of_other_kinds_pass(answer: Callable[..., Any]) -> None:
    verdict = check("09-test", answer)
    assert verdict.passed, verdict


def test_what_was_missed_is_played() -> None:
    def repeats_forgotten(open_shipping: Open) -> None:
        for events in ([ORDER, PAID], [PAID, ORDER]):
            assert len(after(open_shipping, *events)) == 1

    verdict = check("09-test", repeats_forgotten)
    assert "payment_captured 2 comes twice to shipping" in repr(verdict)
    assert verdict.bus is not None
    assert "(a duplicate)" in verdict.bus.trace.transcript()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (blind_tests._always_paid_first, "one that drops an order which comes before its payment"),
        (blind_tests._only_the_end, "one that asks for the parcel before the order is paid"),
        (blind_tests._only_its_own_order, "The smallest run that shows it: order 12346 is paid first"),
        (blind_tests._only_the_payment_repeated, "crash after db.commit (so it comes again)"),
        (blind_tests._asserts_inside_its_own_except, "except Exception: it also catches the error of your own assert"),
        (bad_tests._counts_requests, "a right one may ask twice with the same key, which is one parcel"),
        (
            bad_tests._counts_requests,
            'at "assert desk.asked == 1", after shipping got OrderPlaced, ',
        ),
        (bad_tests._counts_requests, "not counted yet"),
        (bad_tests._a_desk_of_its_own, "got a Desk: if it is a class of yours, begin it with class Desk(ParcelDesk)"),
        (bad_tests._patches_the_desk, "your test changed ParcelDesk.request for all who use it (it is put back)"),
        (bad_tests._reads_inside_in_a_helper, "it reads __closure__"),
    ],
)
def test_a_learner_is_told_what_is_wrong(answer: Callable[..., Any], told: str) -> None:
    assert told in repr(check("09-test", answer))


def test_a_class_that_a_test_has_changed_is_put_back() -> None:
    before = dict(vars(ParcelDesk)), dict(vars(Parcel))
    for answer in (bad_tests._patches_the_desk, bad_tests._patches_the_parcels):
        assert not check("09-test", answer).passed
    assert (dict(vars(ParcelDesk)), dict(vars(Parcel))) == before


def test_a_search_without_a_retry_is_told_so() -> None:
    def searches(open_shipping: Open) -> None:
        def scenario(faults: Faults) -> tuple[EventBus, ParcelDesk]:
            bus, desk = EventBus(faults=faults), ParcelDesk()
            bus.subscribe((OrderPlaced, PaymentCaptured), open_shipping(desk), name="shipping")
            bus.publish(ORDER)
            bus.publish(PAID)
            return bus, desk

        assert find_failing(scenario, lambda desk: desk.parcels == ONE, most=1).passed

    assert "your bus needs a retry" in repr(check("09-test", searches))


def learned(source: str) -> Callable[..., Any]:
    """Return a test as a learner writes it in a cell."""
    scope: dict[str, Any] = {"after": after, "ORDER": ORDER, "PAID": PAID, "ONE": ONE}
    linecache.cache["a cell"] = (len(source), None, source.splitlines(keepends=True), "a cell")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of what some of these do
        exec(compile(source, "a cell", "exec"), scope)
    return scope["test"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('assert (after(o, ORDER, PAID, PAID) == ONE, "one")', "is always true: leave out the parentheses"),
        ("after(o, ORDER, PAID, PAID) == ONE", "alone does nothing: write assert before it"),
        ("return after(o, ORDER, PAID, PAID) == ONE", "it returned True, which nobody looks at"),
    ],
)
def test_a_test_that_cannot_fail_is_told_so(line: str, told: str) -> None:
    assert told in repr(check("09-test", learned(f"def test(o):\n    {line}\n")))
