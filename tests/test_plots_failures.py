"""Pictures of what goes wrong: lost, rejected and expired copies, early acks, duplicates, outages, crashes, books.

Asserted on are the artists of a figure, its words and its text twin; no pixels.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest
from browser.runs import broken
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from pictures import OrderPlaced, bars, chain, drawn, eventful, ignore, shop, twelve, written

from eda_lab import Crash, EventBus, Faults, Outage, Retry, Slow
from eda_lab.columns import Outcome
from eda_lab.plots import Plot, outcomes, timeline
from eda_lab.plots.bars import LOOKS
from eda_lab.plots.endings import most_copies
from eda_lab.plots.holding import held

Run: TypeAlias = Callable[[], EventBus]


def test_the_outcomes_of_failures_look_different_from_all_others() -> None:
    """Lost, rejected and expired copies: each has its own hatch and mark, and its bars stand where the run says."""
    bus = broken()
    plot = timeline(bus)
    looks = [(look.hatch, look.mark) for look in LOOKS.values() if look.mark]
    assert len(set(looks)) == len(looks) == 8
    assert len({look.color for look in LOOKS.values()}) == len(LOOKS) == len(Outcome)
    for outcome in ("lost", "rejected", "expired"):
        times = [
            (d.ended_at if d.started_at is None else d.started_at, d.ended_at)
            for d in bus.trace.deliveries
            if d.outcome == outcome
        ]
        ends = [start if start == stop else stop for start, stop in times]
        assert len(bars(plot, outcome)) == len(times) > 0
        assert sorted(bar[0] for bar in bars(plot, outcome)) == pytest.approx(sorted(start for start, _ in times))
        marks = [line.get_xdata() for line in drawn(plot, Line2D, outcome)]
        assert sorted(x for xs in marks for x in xs) == pytest.approx(sorted(ends))
        assert outcome in written(plot)
        assert f" {outcome}" in plot.alt
        assert f": {outcome}" in plot.as_text


def test_an_early_ack_and_a_duplicate_are_marked_and_told() -> None:
    """A tick where the ack came, two squares where a second copy began, dots while a copy is on its way."""
    bus = broken()
    c, plot = bus.trace.columns, timeline(bus)
    ticks = [line.get_xdata()[0] for line in drawn(plot, Line2D, "acked early")]
    assert sorted(ticks) == pytest.approx(sorted(us / 1e6 for us in c.acked.values()))
    assert len(drawn(plot, Line2D, "duplicate")) == len(c.duplicated) > 0
    ways = [list(line.get_xdata()) for line in drawn(plot, Line2D, "on its way")]
    late = [row for row in range(len(c.message)) if c.groups[c.group[row]] == "inventory"]
    travels = [[c.published[c.message[row]] / 1e6, c.queued[row] / 1e6] for row in late]
    assert sorted(ways) == sorted(travels)
    legend = {"acked before the end of the work", "a duplicate", "on its way to the queue"}
    assert legend <= set(written(plot))
    assert f"{len(c.acked)} acked before the end of the work. {len(c.duplicated)} duplicates." in plot.alt
    assert "analytics, order_placed 2: lost, acked at 0 s" in plot.as_text
    assert ", a duplicate: done" in plot.as_text
    assert not legend & set(written(timeline(shop())))


def shaded(plot: Plot, kind: str) -> list[tuple[float, float, float]]:
    """Return start, end and top of the bands of a kind."""
    patches = drawn(plot, Rectangle, kind)
    return sorted((patch.get_x(), patch.get_x() + patch.get_width(), patch.get_y()) for patch in patches)


def troubles(until: float = 9.0) -> EventBus:
    """Return a run with an outage, a slow time, a pause that does not end, and a checkout that crashes."""
    crash = Crash("checkout", "3", 1, "before publish")
    faults = Faults(crashes=(crash,), outages=(Outage("email", 1, 3),), slow=(Slow("payment", 3, 2, 6),), down=2.0)
    bus = EventBus(faults=faults)

    def sell() -> Iterator[Any]:
        for number in range(3):
            yield OrderPlaced(str(number))
            yield 2.5

    bus.process("checkout", sell)
    payment = bus.subscribe(OrderPlaced, ignore, name="payment", takes=0.5, workers=2)
    bus.subscribe(OrderPlaced, ignore, name="email", takes=0.3)
    bus.run(until=5.0)
    payment.workers[1].pause()
    bus.run(until=until)
    return bus


def test_a_lane_is_shaded_while_its_consumer_is_down_paused_or_slow() -> None:
    """From the first moment to the last, in that consumer's lane alone, up to where the run stands."""
    plot = timeline(troubles())
    lanes = [word for word in written(plot) if word in ("published", "checkout", "payment", "payment-2", "email")]
    assert lanes == ["published", "checkout", "payment", "payment-2", "email"]
    top = [34.0 * place + 1 for place in range(5)]
    assert shaded(plot, "down") == [pytest.approx((1, 3, top[4])), pytest.approx((2.5, 4.5, top[1]))]
    assert shaded(plot, "slow") == [pytest.approx((2, 6, top[2])), pytest.approx((2, 6, top[3]))]
    assert [(start, lane) for start, _, lane in shaded(plot, "paused")] == [(5, top[3])]
    hatches = [drawn(plot, Rectangle, kind)[0].get_hatch() for kind in ("down", "slow", "paused")]
    assert len(set(hatches)) == 3
    assert {"down", "slow", "paused"} <= set(written(plot))
    assert "paused" not in written(timeline(shop()))


def test_what_was_wrong_is_told_in_words() -> None:
    """The sentence has who and when; the twin has it line by line, where the publisher crashed included."""
    plot = timeline(troubles())
    assert plot.alt.endswith(
        "checkout crashed 1 time. email was down from 1 to 3 s. payment needed 3 times as long from 2 to 6 s. "
        "payment-2 needed 3 times as long from 2 to 6 s. payment-2 was paused from 5 s on."
    )
    assert "\ncheckout crashed before publish at 2.5 s, was down from 2.5 to 4.5 s\n" in plot.as_text
    assert "\npayment-2 needed 3 times as long from 2 to 6 s, was paused from 5 s on\n" in plot.as_text
    assert "checkout" not in timeline(shop()).as_text.partition(" s: ")[0]


def test_a_crash_of_a_publisher_is_marked_where_it_was() -> None:
    """A cross in a lane of its own; who never crashed has none."""
    plot = timeline(troubles())
    assert [list(line.get_xdata()) for line in drawn(plot, Line2D, "crashed publisher")] == [[2.5]]
    assert "a publisher crashed" in written(plot)
    calm = timeline(shop())
    assert not {"checkout", "a publisher crashed"} & set(written(calm))


def test_a_consumer_that_is_down_again_and_again_is_counted() -> None:
    """Twelve crashes make one sentence; the twin has the first of them and how many more."""
    bus = EventBus(faults=Faults(rate=1.0, point="before work", down=0.5), visibility=1.0)
    bus.subscribe(OrderPlaced, ignore, name="email", takes=0.25, delivery_limit=15)
    bus.publish(OrderPlaced())
    bus.run()
    plot = timeline(bus)
    assert len(shaded(plot, "down")) == 15
    assert "email was down 15 times." in plot.alt
    assert "... and 3 more" in plot.as_text


def test_other_groups_troubles_are_left_out() -> None:
    """Whoever looks at e-mail alone is told of e-mail and of the publisher."""
    plot = timeline(troubles(), "email")
    assert len(shaded(plot, "slow")) == 0
    assert len(shaded(plot, "down")) == 2
    assert "payment" not in plot.as_text


def stubborn(in_place: bool, arrivals: list[float], workers: int = 1, backoff: float = 1.0) -> EventBus:
    """Return a run in which every third order fails for ever."""
    bus = EventBus()

    def send(order: OrderPlaced) -> None:
        if int(order.order_id) % 3 == 0:
            raise ConnectionError("down")

    retry = Retry(max_attempts=None, backoff=backoff, in_place=in_place)
    bus.subscribe(OrderPlaced, send, name="email", takes=0.3, retry=retry, workers=workers)
    for number, at in enumerate(arrivals):
        bus.publish(OrderPlaced(str(number)), at=at)
    bus.run(until=9.0)
    return bus


def test_a_worker_that_waits_with_a_failed_message_is_shown_to_hold_it() -> None:
    """In place, the queue stands still behind it; outside, the others go on, and nothing is held."""
    plot = timeline(stubborn(True, [0, 0, 0]))
    waits = sorted((bar.get_x(), bar.get_x() + bar.get_width()) for bar in drawn(plot, Rectangle, "held"))
    assert waits == [
        pytest.approx((0.3, 1.3)),
        pytest.approx((1.6, 3.6)),
        pytest.approx((3.9, 7.9)),
        pytest.approx((8.2, 9)),
    ]
    assert "held for its next attempt" in written(plot)
    assert "Workers held a failed message 4 times" in plot.alt
    assert "0 to 0.3 s: email, order_placed 1: failed, then held until 1.3 s" in plot.as_text
    assert "held" not in timeline(stubborn(False, [0, 0, 0])).as_text


@settings(deadline=None, max_examples=60)
@given(
    st.booleans(),
    st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0, 2.5]), min_size=1, max_size=9),
    st.integers(1, 3),
    st.sampled_from([0.05, 0.3, 1.0]),
)
def test_only_what_is_tried_again_in_place_is_shown_as_held(
    in_place: bool, arrivals: list[float], workers: int, backoff: float
) -> None:
    """Whatever the run: outside nothing is; in place all failed attempts are, or, where nobody came meanwhile, none."""
    bus = stubborn(in_place, arrivals, workers, backoff)
    failed = [row for row, delivery in enumerate(bus.trace.deliveries) if delivery.outcome == "failed"]
    assert sorted(held(bus.trace.columns)) in ([[]] if not in_place else [[], failed])


# --- what became of them


def parts(plot: Plot) -> dict[str, list[float]]:
    """Return the widths of the parts of all bars, by outcome."""
    return {o.word: [bar.get_width() for bar in drawn(plot, Rectangle, o.word)] for o in LOOKS}


@pytest.mark.parametrize("run", [shop, chain, eventful, broken, twelve])
def test_the_parts_of_the_bars_are_the_books_of_the_groups(run: Run) -> None:
    """For each outcome that ends a copy: the widths are the numbers in the table of conservation."""
    bus = run()
    books = bus.trace.check_conservation()
    drawn_parts = parts(outcomes(bus))
    for outcome in set(books.columns) & set(drawn_parts) - {"dead lettered"}:
        assert sorted(drawn_parts[outcome]) == sorted(n for n in books.column(outcome) if n)
    letters = [len(bus.dead_letters(str(group))) for group in books.column("group")]
    assert sorted(drawn_parts["dead lettered"]) == sorted(n for n in letters if n)
    assert drawn_parts["failed"] == drawn_parts["crashed"] == []


def lossy(orders: int, ack: str) -> EventBus:
    """Return a run in which every tenth attempt crashes."""
    bus = EventBus(seed=1, faults=Faults(rate=0.1, point="before work", down=0.0), visibility=0.5)
    bus.subscribe(OrderPlaced, ignore, name="payment", takes=0.01, ack=ack)
    for number in range(orders):
        bus.publish(OrderPlaced(str(number)))
    bus.run()
    return bus


def test_a_bar_tells_what_was_lost_and_what_came_back() -> None:
    """Acked before the work, some are lost; acked after it, all are done, and some attempts crashed."""
    bus = lossy(200, "before")
    lost = sum(delivery.outcome == "lost" for delivery in bus.trace.deliveries)
    plot = outcomes(bus)
    assert 5 < lost < 40
    assert plot.alt == f"200 copies for 1 group: {200 - lost} done, {lost} lost."
    assert {str(200 - lost), str(lost), f"{200 - lost} done, {lost} lost"} <= set(written(plot))
    assert plot.as_text.splitlines()[1] == f"payment, 200 copies: {200 - lost} done, {lost} lost"
    again = lossy(200, "after")
    crashed = sum(delivery.outcome == "crashed" for delivery in again.trace.deliveries)
    plot = outcomes(again)
    assert plot.alt == "200 copies for 1 group: 200 done. All work is done."
    assert plot.as_text.endswith(f"200 copies: 200 done; tried again after {crashed} crashed attempts")
    assert "An attempt that is tried again ends no copy." in plot.caption


def test_a_dead_letter_that_was_redriven_counts_as_what_became_of_it() -> None:
    """Three dead letters; two are redriven when all is well again."""
    bus, well = EventBus(), list[bool]()

    def send(_: Any) -> None:
        if not well:
            raise ConnectionError("down")

    bus.subscribe(OrderPlaced, send, name="email")
    for number in range(3):
        bus.publish(OrderPlaced(str(number)))
    bus.run()
    assert outcomes(bus).alt == "3 copies for 1 group: 3 dead lettered."
    well.append(True)
    bus.redrive("email", where=lambda letter: letter.message.id != "2")
    assert outcomes(bus).alt == "3 copies for 1 group: 1 dead lettered, 2 queued."
    bus.run()
    assert outcomes(bus).alt == "3 copies for 1 group: 2 done, 1 dead lettered."
    assert most_copies(bus.trace.columns) == 3


def test_pictures_that_are_compared_have_the_same_axis() -> None:
    """`copies` sets how far the axis reaches at least, and cuts nothing off."""
    ends = [outcomes(lossy(20, "after"), copies=copies).axes[0].get_xlim()[1] for copies in (0, 20, 50, 10)]
    assert ends == pytest.approx([20.4, 20.4, 51, 20.4])


def test_duplicates_are_told_apart_from_what_was_published() -> None:
    """Seven copies were published for inventory; the link has added some."""
    bus = broken()
    twice = len(bus.trace.columns.duplicated)
    row = next(line for line in outcomes(bus).as_text.splitlines() if line.startswith("inventory"))
    assert row.startswith(f"inventory, {7 + twice} copies: {7 + twice} done; {twice} duplicates among them")


def test_the_smallest_part_can_still_be_seen() -> None:
    """One dead letter among 2,000 has no room for its number, but for a few pixels; its number stands below."""
    bus = EventBus(wire=False)

    def send(order: OrderPlaced) -> None:
        if order.order_id == "7":
            raise ValueError("poison")

    bus.subscribe(OrderPlaced, send, name="email")
    for number in range(2000):
        bus.publish(OrderPlaced(str(number)))
    bus.run()
    plot = outcomes(bus)
    (part,) = drawn(plot, Rectangle, "dead lettered")
    assert part.get_window_extent().width >= 2
    assert "1,999 done, 1 dead lettered" in written(plot)


def test_more_groups_than_one_picture_holds_are_said() -> None:
    """30 groups: 24 are drawn, all are in the words."""
    bus = EventBus()
    for number in range(30):
        bus.subscribe(OrderPlaced, ignore, name=f"group_{number}")
    bus.publish(OrderPlaced())
    plot = outcomes(bus)
    assert plot.caption.endswith("Not drawn: 6 more groups.")
    assert len(plot.as_text.splitlines()) == 31
    assert "nobody got anything yet" in outcomes(EventBus()).alt
