"""Given, when, then: a handler is tried without a bus, and a test that is not met says what was there instead."""

from __future__ import annotations

from typing import Any

import pytest

from eda_lab import Delivery, Shop, example_order, later
from eda_lab.errors import EdaLabError, HandlerError, HandlerResultError, NotAnEventError
from eda_lab.orders import ConfirmationSent, OrderPlaced, PaymentCaptured
from eda_lab.testing import ExpectationError, given

ORDER = example_order()
PAID, SENT = PaymentCaptured("12345", 5000), ConfirmationSent("12345")


def test_a_handler_causes_what_is_expected() -> None:
    shop = Shop()
    given(shop.capture_payment).when(ORDER).then(PAID)
    assert len(shop.card.charges) == 1


def test_what_it_has_seen_before_has_happened_and_is_not_part_of_then() -> None:
    shop = Shop()
    given(shop.capture_payment, ORDER).when(ORDER).then(PAID)
    assert len(shop.card.charges) == 2


@pytest.mark.parametrize(
    ("caused", "expected"),
    [((), (PAID,)), ((PAID,), ()), ((PAID, SENT), (PAID,)), ((PAID,), (PAID, PAID)), ((SENT,), (PAID,))],
)
def test_one_event_too_many_or_too_few_is_an_error_with_both_sides(caused: tuple[Any], expected: tuple[Any]) -> None:
    with pytest.raises(ExpectationError) as raised:
        given(lambda order: caused).when(ORDER).then(*expected)
    assert (raised.value.expected, raised.value.seen) == (expected, caused)
    assert isinstance(raised.value, AssertionError)
    assert isinstance(raised.value, EdaLabError)


def test_the_order_of_the_events_is_free() -> None:
    case = given(lambda order: [PAID, SENT]).when(ORDER)
    assert case.then(SENT, PAID) is case.then(PAID, SENT)
    with pytest.raises(ExpectationError):
        case.then(SENT, SENT)


def test_a_timeout_is_what_was_returned() -> None:
    given(lambda order: later(60, PAID)).when(ORDER).then(later(60, PAID))
    with pytest.raises(ExpectationError):
        given(lambda order: later(60, PAID)).when(ORDER).then(later(61, PAID))


def test_an_error_is_expected_or_it_comes_out() -> None:
    shop = Shop()
    shop.mail.down = True
    case = given(shop.send_confirmation).when(ORDER).fails(ConnectionError)
    assert "ConnectionError" in repr(case)
    shop.mail.down = False
    case.when(ORDER).then(SENT)
    shop.mail.down = True
    for go_on in (lambda case: case.then(), lambda case: case.when(ORDER)):
        with pytest.raises(ConnectionError):
            go_on(given(shop.send_confirmation).when(ORDER))
    with pytest.raises(ConnectionError):
        given(shop.send_confirmation, ORDER)


def test_an_error_that_did_not_come_or_is_another_is_told() -> None:
    shop = Shop()
    with pytest.raises(ExpectationError, match="expected ConnectionError, and there was ConfirmationSent"):
        given(shop.send_confirmation).when(ORDER).fails(ConnectionError)
    shop.mail.down = True
    with pytest.raises(ExpectationError, match="expected KeyError, and there was ConnectionError"):
        given(shop.send_confirmation).when(ORDER).fails(KeyError)


def test_what_is_no_event_or_no_plain_handler_is_refused() -> None:
    async def slow(order: OrderPlaced) -> None: ...

    def settles(order: OrderPlaced, delivery: Delivery) -> None: ...

    for handler in (slow, settles):
        with pytest.raises(HandlerError, match="try it on a bus"):
            given(handler)
    with pytest.raises(NotAnEventError):
        given(lambda order: None).when("12345")
    with pytest.raises(NotAnEventError):
        given(lambda order: None).when(ORDER).then(PaymentCaptured)
    with pytest.raises(HandlerResultError):
        given(lambda order: "12345").when(ORDER).then()
