"""What may go wrong is read off a good run, and the smallest schedule that breaks a promise is found."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from eda_lab import EventBus, Faults, OrderPlaced, Retry, Shop, example_order, make_order
from eda_lab.course.three_shops import SHOPS, Promises, open_services
from eda_lab.errors import OptionError
from eda_lab.testing import find_failing, mishaps


def one_order(name: str, faults: Faults | None = None) -> tuple[EventBus, Promises]:
    """Return one of the four shops, with one order to come."""
    bus, promises = open_services(name, faults=faults)
    bus.publish(example_order())
    return bus, promises


def kept(promises: Promises) -> bool:
    """Whether a shop kept its promises."""
    return promises.kept


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("Anna", "order_placed 1 comes twice to payment"),
        ("Ben", "order_placed 1 comes late to email"),
        ("Cleo", "email works on payment_captured checkout-1/payment.1, and mail.send fails once"),
    ],
)
def test_each_of_the_three_shops_has_its_own_smallest_schedule(name: str, what: str) -> None:
    search = find_failing(partial(one_order, name), kept)
    assert search.schedule is not None
    assert [str(mishap) for mishap in search.schedule] == [what]
    assert not search.passed
    assert not search.world.kept
    assert search.bus.trace.messages
    assert what in repr(search)


def test_the_careful_shop_keeps_its_promises_on_all_schedules_of_two_mishaps() -> None:
    search = find_failing(partial(one_order, "careful"), kept)
    assert search.passed
    assert (search.schedule, search.bus, search.world) == (None, None, None)
    single = len(mishaps(partial(one_order, "careful")))
    assert 1 + single < search.tried <= 1 + single + single * (single - 1) // 2


@pytest.mark.parametrize("name", SHOPS)
def test_all_shops_pass_the_happy_test(name: str) -> None:
    bus, promises = one_order(name)
    assert not promises.kept
    bus.run()
    assert promises.kept
    assert find_failing(partial(one_order, name), kept, most=0).passed


def test_every_crash_point_and_each_call_on_the_outside_is_among_the_mishaps() -> None:
    found = [each.what for each in mishaps(partial(one_order, "Anna")) if each.group == "payment"]
    points = ["before work", "before card.charge", "after card.charge", "before publish", "after publish", "before ack"]
    assert found == ["comes twice", "comes late", "card.charge fails", *(f"crash {point}" for point in points)]


def test_two_mishaps_are_found_where_one_is_not_enough() -> None:
    """Two attempts are allowed, so one failing call does no harm; two orders, and each may fail once."""

    def scenario(faults: Faults) -> tuple[EventBus, list[str]]:
        bus, failed, shop = EventBus(faults=faults), list[str](), Shop()

        def email(order: OrderPlaced) -> None:
            try:
                shop.send_confirmation(order)
            except ConnectionError:
                failed.append(order.order_id)
                raise

        bus.subscribe(OrderPlaced, email, name="email", retry=Retry(max_attempts=2))
        for n in (1, 2):
            bus.publish(make_order(n))
        return bus, failed

    assert find_failing(scenario, lambda failed: len(failed) < 2, most=1).passed
    search = find_failing(scenario, lambda failed: len(failed) < 2)
    assert search.schedule is not None
    assert [(each.message, each.what) for each in search.schedule] == [
        ("1", "mail.send fails"),
        ("2", "mail.send fails"),
    ]


def test_a_promise_that_a_good_run_breaks_needs_no_mishap() -> None:
    search = find_failing(partial(one_order, "careful"), lambda promises: False)
    assert (search.tried, search.schedule) == (1, ())
    assert "nothing goes wrong" in repr(search)


def test_a_scenario_that_does_not_take_the_faults_is_refused() -> None:
    def deaf(faults: Any) -> EventBus:
        return EventBus()

    with pytest.raises(OptionError, match="let it make its bus with the faults given"):
        find_failing(deaf, lambda bus: True)


def test_a_shop_that_is_not_there_is_told() -> None:
    with pytest.raises(OptionError, match="the shops are Anna, Ben, Cleo, careful"):
        open_services("Dora")
