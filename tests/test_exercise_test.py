"""Exercise 09-test: the shippings are what they are said to be, and tests of many kinds pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eda_lab import EventBus, Faults, OrderPlaced, Retry, example_order
from eda_lab.course import check
from eda_lab.course.exercises.shippings import BUGGY, MORE, RIGHT
from eda_lab.course.exercises.write_a_test import _shown_by
from eda_lab.effects import Parcel, ParcelDesk
from eda_lab.orders import PaymentCaptured
from eda_lab.testing import find_failing, given

ORDER, PAID = example_order(), PaymentCaptured("12345", 5000)


@pytest.mark.parametrize("number", range(len(RIGHT)))
def test_a_right_shipping_keeps_its_promise_whatever_goes_wrong(number: int) -> None:
    assert _shown_by(RIGHT[number]).passed


@pytest.mark.parametrize("what", [*BUGGY.values(), *MORE.values()])
def test_a_buggy_shipping_has_a_run_that_shows_it(what: str) -> None:
    opens = next(each for each, text in {**BUGGY, **MORE}.items() if text == what)
    search = _shown_by(opens)
    assert search.schedule is not None
    assert len(search.schedule) <= 1


def with_given(open_shipping: Callable[..., Any]) -> None:
    for events in ([ORDER, PAID], [PAID, ORDER], [ORDER, PAID, PAID], [ORDER, PAID, ORDER]):
        desk = ParcelDesk()
        given(open_shipping(desk), *events)
        assert [parcel.customer_id for parcel in desk.parcels] == ["USER001"]
    desk = ParcelDesk()
    desk.down = True
    case = given(open_shipping(desk), ORDER).when(PAID).fails(ConnectionError)
    desk.down = False
    case.when(PAID)
    assert len(desk.parcels) == 1


def with_pytest(open_shipping: Callable[..., Any]) -> None:
    for events in ([ORDER, PAID], [PAID, ORDER], [PAID, ORDER, PAID], [PAID, ORDER, ORDER]):
        desk = ParcelDesk()
        shipping = open_shipping(desk)
        for event in events:
            shipping(event)
        assert desk.parcels == [Parcel("12345", "USER001")]
    desk = ParcelDesk()
    shipping = open_shipping(desk)
    shipping(PAID)
    desk.fails(1.0)
    with pytest.raises(ConnectionError):
        shipping(ORDER)
    desk.fails(0.0)
    shipping(ORDER)
    assert len(desk.parcels) == 1


def by_search(open_shipping: Callable[..., Any]) -> None:
    def scenario(faults: Faults) -> tuple[EventBus, ParcelDesk]:
        bus, desk = EventBus(faults=faults), ParcelDesk()
        bus.subscribe((OrderPlaced, PaymentCaptured), open_shipping(desk), name="shipping", retry=Retry())
        bus.publish(ORDER)
        bus.publish(PAID, at=1.0)
        return bus, desk

    assert find_failing(scenario, lambda desk: desk.parcels == [Parcel("12345", "USER001")], most=1).passed


@pytest.mark.parametrize("answer", [with_given, with_pytest, by_search])
def test_good_tests_of_other_kinds_pass(answer: Callable[..., Any]) -> None:
    verdict = check("09-test", answer)
    assert verdict.passed, verdict


def test_what_was_missed_is_played() -> None:
    def repeats_forgotten(open_shipping: Callable[..., Any]) -> None:
        for events in ([ORDER, PAID], [PAID, ORDER]):
            desk = ParcelDesk()
            given(open_shipping(desk), *events)
            assert len(desk.parcels) == 1

    verdict = check("09-test", repeats_forgotten)
    assert "payment_captured 2 comes twice to shipping" in repr(verdict)
    assert verdict.bus is not None
    assert "(a duplicate)" in verdict.bus.trace.transcript()
