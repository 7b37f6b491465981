"""The pictures: what is drawn is what happened, each can be read as words, and nothing in them runs or collides.

Asserted on are the artists of a figure, its texts with the room they take, its words and its mime bundle; no pixels.
"""

import itertools
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, TypeAlias

import matplotlib
import pytest
from browser.runs import broken
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, Patch, PathPatch, Polygon, Rectangle, RegularPolygon
from matplotlib.transforms import Bbox
from pictures import (
    HOSTILE,
    MATHS,
    OrderPlaced,
    PaymentCaptured,
    bars,
    chain,
    drawn,
    eventful,
    five_services,
    hostile,
    ignore,
    poison,
    shop,
    texts,
    twelve,
    untouched,
    waiting,
    written,
)

from eda_lab import Crash, DirectBus, Event, EventBus, Faults, Retry, make_order, open_shop
from eda_lab.columns import Outcome
from eda_lab.errors import OptionError
from eda_lab.plots import Plot, described, lineage, outcomes, queue_depth, timeline, topology
from eda_lab.plots.canvas import fit, width_of
from eda_lab.shop import TAKES

RUNS: list[Callable[[], EventBus]] = [shop, chain, eventful, broken, twelve, hostile, untouched, waiting]
PICTURES = [topology, timeline, queue_depth, outcomes, lineage]
every_picture = pytest.mark.parametrize(
    ("run", "draw"), [pytest.param(r, d, id=f"{d.__name__}-{r.__name__}") for r in RUNS for d in PICTURES]
)
Run: TypeAlias = Callable[[], EventBus]
Draw: TypeAlias = Callable[[EventBus], Plot]


def room_of(plot: Plot) -> list[tuple[str, Bbox]]:
    """Return each text with the room that it takes."""
    plot.draw_without_rendering()
    unseen = []  # matplotlib keeps the labels of ticks beyond the ends of an axis, and does not draw them
    for axis in [axis for axes in plot.axes for axis in (axes.xaxis, axes.yaxis)]:
        low, high = axis.get_view_interval()
        unseen += [tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high]
    return [(text.get_text(), text.get_window_extent()) for text in texts(plot) if text not in unseen]


# --- what holds for every picture


@every_picture
def test_every_picture_says_in_words_what_it_shows(run: Run, draw: Draw) -> None:
    """Alt text, text twin and repr are there, and the words say as much as the alternative text at least."""
    plot = draw(run())
    assert isinstance(plot, Figure)
    assert len(plot.alt.split()) > 3
    assert repr(plot) == str(plot) == plot.as_text
    assert "object at 0x" not in plot.as_text


@every_picture
def test_nothing_that_is_written_collides_is_cut_off_or_too_small(run: Run, draw: Draw) -> None:
    """Each text has 9 points at least, lies in the picture, and takes no other's room."""
    plot = draw(run())
    assert plot.get_size_inches()[0] * 96 <= 760
    assert min(float(text.get_fontsize()) for text in texts(plot)) >= 9
    boxes = room_of(plot)
    assert boxes
    for word, box in boxes:
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= plot.bbox.x1 and box.y1 <= plot.bbox.y1
        assert inside, f"{word!r} is cut off"
    for (word, box), (other, another) in itertools.combinations(boxes, 2):
        apart = Bbox.intersection(box.padded(-1), another.padded(-1)) is None
        assert apart, f"{word!r} lies over {other!r}"


@pytest.mark.parametrize("run", [shop, eventful, broken, hostile, untouched])
@pytest.mark.parametrize("draw", PICTURES)
def test_a_notebook_gets_html_and_text_and_nothing_else(run: Run, draw: Draw) -> None:
    """The same run drawn twice gives the same bundle, to the last byte of the picture."""
    bundle = draw(run())._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle == draw(run())._repr_mimebundle_(include=None, exclude=None)


class Tags(HTMLParser):
    """Collects the tags, attributes and text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("draw", PICTURES)
def test_what_comes_from_events_is_shown_as_the_characters_it_consists_of(draw: Draw) -> None:
    """Names that are markup add no tag and no attribute; alt text and words have them as they were."""
    plot = draw(hostile())
    page = Tags(plot.html)
    assert page.tags == ["figure", "img", "figcaption", "details", "summary", "pre"]
    assert set(page.attributes) == {"style", "alt", "width", "src"}
    assert page.attributes["alt"] == plot.alt
    assert plot.as_text in page.text
    assert HOSTILE in plot.as_text or MATHS in plot.as_text


@pytest.mark.parametrize("draw", PICTURES)
def test_a_dollar_sign_is_a_dollar_sign(draw: Draw) -> None:
    """No label is read as a formula, whatever it holds."""
    plot = draw(hostile())
    assert any("$" in word for word in written(plot))
    assert not [text for text in texts(plot) if "$" in text.get_text() and (text.get_parse_math() or text.get_usetex())]


def test_signs_that_the_font_lacks_become_boxes_and_no_warning() -> None:
    """A picture has a box for each; its words have the signs themselves."""
    plot = topology(hostile())
    assert any(word.startswith("□□□") for word in written(plot))
    assert "🍕🍕🍕" in plot.as_text


def chunks(png: bytes) -> Iterator[bytes]:
    """Yield the names of a PNG's chunks."""
    place = 8
    while place < len(png):
        yield png[place + 4 : place + 8]
        place += 12 + int.from_bytes(png[place : place + 4], "big")


def test_the_png_is_sharp_and_carries_no_date_and_no_version() -> None:
    """It has two dots for each CSS pixel of the width that the HTML asks for."""
    plot = topology(shop())
    png = plot.png()
    assert int.from_bytes(png[16:20], "big") == 2 * 760
    assert Tags(plot.html).attributes["width"] == "760"
    assert {b"tEXt", b"iTXt", b"zTXt", b"tIME"} & set(chunks(png)) == set()


def test_the_style_of_a_notebook_changes_no_picture_and_is_left_alone() -> None:
    """A learner's dark style with a larger font is there before and after, and the picture does not look at it."""
    bus = shop()
    plain = timeline(bus).png()
    with style.context("dark_background"), matplotlib.rc_context({"font.size": 20, "savefig.bbox": "tight"}):
        before = dict(matplotlib.rcParams)
        assert timeline(bus).png() == plain
        assert dict(matplotlib.rcParams) == before


def script(code: str) -> str:
    """Return what a script prints in an interpreter of its own."""
    root = Path(__file__).parent.parent
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_importing_the_pictures_sets_nothing_up() -> None:
    """No pyplot, no backend chosen, no setting changed."""
    code = """
import sys, matplotlib
before = matplotlib.rcParams.copy()  # to read the backend from it would choose one
import eda_lab.plots
print("matplotlib.pyplot" in sys.modules, before == matplotlib.rcParams.copy())
"""
    assert script(code) == "False True"


def test_inline_plotting_adds_no_second_picture() -> None:
    """In a kernel `%matplotlib inline` prints every figure as PNG; ours come as HTML and text alone, others as ever."""
    code = """
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import select_figure_formats
from matplotlib.figure import Figure
from eda_lab import EventBus
from eda_lab.plots import topology
shell = InteractiveShell.instance(history_load_length=0)
select_figure_formats(shell, {"png", "svg"})
other = Figure()
other.subplots()
print(*(sorted(shell.display_formatter.format(figure)[0]) for figure in (topology(EventBus()), other)))
"""
    assert script(code) == "['text/html', 'text/plain'] ['image/png', 'image/svg+xml', 'text/plain']"


def test_what_has_no_trace_is_refused_with_a_hint() -> None:
    """A `DirectBus` has no clock and so no timeline."""
    for draw in (timeline, queue_depth, outcomes, lineage):
        with pytest.raises(OptionError, match="give an EventBus"):
            draw(DirectBus())


@pytest.mark.parametrize("draw", [timeline, queue_depth, outcomes])
def test_a_mistyped_group_is_refused_with_those_that_there_are(draw: Callable[..., Plot]) -> None:
    """The error names all groups."""
    with pytest.raises(OptionError, match="inventory, payment, email, shipping, analytics"):
        draw(shop(), "emial")


# --- the topology


def bounds(patch: Patch) -> Bbox:
    """Return the box around a patch, in the pixels of its sheet."""
    return patch.get_path().get_extents(patch.get_patch_transform())


@pytest.mark.parametrize("run", RUNS)
def test_every_arrow_ends_at_the_border_of_a_node(run: Run) -> None:
    """The tip of each arrowhead lies on the left or right edge of a box or a hexagon, within its height."""
    plot = topology(run())
    edges = [(x, box) for patch in drawn(plot, FancyBboxPatch) for box in [bounds(patch)] for x in (box.x0, box.x1)] + [
        (bounds(patch).x0, bounds(patch)) for patch in drawn(plot, RegularPolygon)
    ]
    for head in drawn(plot, Polygon):
        x, y = head.get_xy()[0]
        assert any(abs(x - edge) < 2 and box.y0 <= y <= box.y1 for edge, box in edges)


def test_shapes_and_lines_tell_the_kinds_apart() -> None:
    """Round ends are producers, hexagons consumers, dashes what a group publishes in turn."""
    plot = topology(chain(workers=3))
    nodes = drawn(plot, FancyBboxPatch)
    assert len(nodes) == 1 + 1 + 4
    assert len({node.get_boxstyle().rounding_size for node in nodes}) == 3
    assert len(drawn(plot, RegularPolygon)) == 3
    dashed = [patch for patch in drawn(plot, PathPatch) if patch.get_linestyle() != "solid"]
    assert len(dashed) == 2
    assert {"producer", "bus", "group, 1 consumer", "group, 3 consumers", "2 x payment_captured"} <= set(written(plot))
    assert "Dashed" in plot.caption
    assert "Dashed" not in topology(shop()).caption


def test_a_process_that_publishes_nothing_has_no_arrow() -> None:
    """It is drawn, and called a process; the only arrows are those of the relay, and to the group."""
    bus = EventBus()
    bus.subscribe(OrderPlaced, ignore, name="shipping")
    bus.process("checkout", iter([1.0]))
    bus.process("relay", iter([OrderPlaced()]))
    bus.run()
    plot = topology(bus)
    assert len(drawn(plot, Polygon)) == 2
    assert {"checkout", "process", "relay", "producer"} <= set(written(plot))
    assert plot.alt == "relay publishes to the bus, which serves 1 group: shipping. checkout publishes nothing."


def test_more_consumers_than_fit_are_counted() -> None:
    """Of six consumers three are drawn, and the rest is said."""
    plot = topology(chain(workers=6))
    assert len(drawn(plot, RegularPolygon)) == 3
    assert "+ 3 more" in written(plot)


def test_long_names_are_cut_in_the_picture_and_whole_in_its_words() -> None:
    """An ellipsis says that there is more."""
    plot = topology(twelve())
    assert any(word.startswith("service_1_") and word.endswith("…") for word in written(plot))
    assert "service_1_with_a_name_that_does_not_end" in plot.as_text


def test_a_direct_bus_is_drawn_without_queues() -> None:
    """The three slots that stand for a queue are those of an `EventBus` alone."""
    bus = DirectBus()
    open_shop(bus)
    assert written(topology(bus)).count("handler") == 5
    assert len(topology(bus).axes[0].lines) == 0
    assert len(topology(shop()).axes[0].lines) == 5 * 3


def test_an_empty_bus_says_what_to_do() -> None:
    """The picture of a new bus is no error."""
    plot = topology(EventBus())
    assert "nobody listens yet: bus.subscribe(...)" in written(plot)
    assert plot.alt == "checkout publishes to the bus, but nobody listens."
    assert "nobody has published yet" in written(topology(EventBus().trace))


def test_groups_beyond_what_one_picture_holds_are_counted_in_the_caption() -> None:
    """45 groups: 40 are drawn, all are in the words."""
    bus = EventBus()
    for number in range(45):
        bus.subscribe(OrderPlaced, ignore, name=f"group_{number}")
    plot = topology(bus)
    assert plot.caption.endswith("Not drawn: 5 more groups.")
    assert sum(word.startswith("group_") for word in written(plot)) == 40
    assert plot.as_text.count("bus -> group_") == 45


# --- who worked when


def test_the_bars_are_the_times_of_the_run() -> None:
    """The five services start together and take as long as they take."""
    plot = timeline(shop())
    assert bars(plot, "done") == [pytest.approx((0, takes)) for takes in sorted(TAKES.values())]
    assert {"published", *TAKES} <= set(written(plot))
    assert plot.alt == "5 deliveries to 5 consumers in 0.5 s: 5 done. Nobody had to wait."


def test_attempts_are_bars_of_their_own() -> None:
    """E-mail fails twice and then succeeds: two hatched bars, one plain one, numbered."""
    bus = EventBus()
    failures = iter([ConnectionError("down"), ConnectionError("down")])

    def flaky(_: Any) -> None:
        for error in failures:
            raise error

    bus.subscribe(OrderPlaced, flaky, name="email", takes=0.3, retry=Retry(max_attempts=3))
    bus.publish(OrderPlaced())
    bus.run()
    plot = timeline(bus)
    assert bars(plot, "failed") == [pytest.approx((0, 0.3)), pytest.approx((1.3, 1.6))]
    assert bars(plot, "done") == [pytest.approx((3.6, 3.9))]
    assert [bool(patch.get_hatch()) for patch in drawn(plot, Rectangle, "failed")] == [True, True]
    assert {"1", "2", "3"} <= set(written(plot))
    assert plot.as_text.endswith("3.6 to 3.9 s: email, order_placed 1, attempt 3: done")


def test_every_outcome_has_a_look_of_its_own_and_is_explained() -> None:
    """Told by colour, hatch and mark, and named in the legend."""
    bus = eventful()
    plot = timeline(bus)
    outcomes = {delivery.outcome for delivery in bus.trace.deliveries}
    assert outcomes >= {"done", "failed", "crashed", "dead lettered", "dropped", "in flight", "queued"}
    signs = set()
    for outcome in sorted(outcomes - {"queued", "waiting"}):
        bar = drawn(plot, Rectangle, outcome)[0]
        marks = [line.get_marker() for line in drawn(plot, Line2D, outcome)]
        signs.add((bar.get_hatch(), marks[0] if marks else ""))
        assert outcome in written(plot)
    assert len(signs) == 6
    assert {"waiting in the queue", "order_placed", "payment_captured"} <= set(written(plot))


def test_what_takes_no_time_can_still_be_seen() -> None:
    """A bar of length zero is drawn a few pixels wide."""
    bus = EventBus()
    bus.subscribe(OrderPlaced, ignore, name="email")
    bus.publish(OrderPlaced(), at=0.0)
    bus.publish(OrderPlaced(), at=100.0)
    bus.run()
    plot = timeline(bus)
    for bar in drawn(plot, Rectangle, "done"):
        assert bar.get_window_extent().width >= 2


def test_waiting_is_a_thin_line_from_queued_to_started() -> None:
    """Three orders at once, one consumer: the second waits 0.5 s, the third 1 s, the first not at all."""
    bus = EventBus()
    bus.subscribe(OrderPlaced, ignore, name="payment", takes=0.5)
    for number in range(3):
        bus.publish(OrderPlaced(str(number)))
    bus.run()
    plot = timeline(bus)
    lines = [line.get_xdata() for line in drawn(plot, Line2D, "waiting")]
    waits = sorted({(start, stop) for start, stop in lines if start != stop and stop <= 1.5})
    assert waits == [pytest.approx((0, 0.5)), pytest.approx((0, 1.0))]
    assert "The longest wait: 1 s, in the queue of payment." in plot.alt
    assert "waiting in the queue" in written(plot)
    assert {"1", "2", "3"} <= set(written(plot))


def test_what_was_published_stands_above_with_a_mark_for_each_type() -> None:
    """Filled by a producer, hollow by a handler, at the seconds of the run."""
    bus = chain()
    plot = timeline(bus)
    for name in ("order_placed", "payment_captured", "parcel_shipped"):
        (mark,) = drawn(plot, Line2D, name)
        assert list(mark.get_xdata()) == [m.time for m in bus.trace.messages if m.type == name]
        assert (mark.get_markerfacecolor() == "white") == (name != "order_placed")
        assert name in written(plot)
    marks = [drawn(plot, Line2D, name)[0] for name in bus.trace.columns.types]
    assert len({mark.get_marker() for mark in marks}) == len({mark.get_ydata()[0] for mark in marks}) == 3


def test_many_types_share_the_last_mark_and_are_counted() -> None:
    """Nine types: five have marks of their own, the legend counts the others."""
    bus = EventBus()
    bus.subscribe("*", ignore, name="all", takes=1.0)
    for number in range(9):
        bus.publish(f"type_{number}", {})
    bus.run()
    words = written(timeline(bus))
    assert [word for word in words if word.startswith("type_")] == [f"type_{number}" for number in range(5)]
    assert "4 other types" in words


def test_the_caption_tells_of_numbers_in_bars_only_where_a_bar_is_wide_enough() -> None:
    """The same two messages: in a short run their ids stand in the bars; in an hour no bar has room for one."""
    bus = EventBus()
    bus.subscribe(OrderPlaced, ignore, name="email", takes=1.0)
    bus.publish(OrderPlaced())
    bus.publish(OrderPlaced())
    bus.run()
    short, hour = timeline(bus), timeline(bus, until=3600)
    assert "1" in written(short)
    assert short.caption == "A bar is one attempt at a delivery; the number in it is the id of its message."
    assert hour.caption == "A bar is one attempt at a delivery."


def test_some_groups_can_be_looked_at_alone() -> None:
    """One name or several; the others have no lane and no bar."""
    bus = shop()
    plot = timeline(bus, "email")
    assert bars(plot, "done") == [pytest.approx((0, 0.3))]
    assert "payment" not in written(plot)
    assert len(bars(timeline(bus, ["email", "payment"]), "done")) == 2
    assert "email" in queue_depth(bus, "email").as_text
    assert "payment" not in queue_depth(bus, ["email"]).as_text


def test_idle_consumers_have_a_lane() -> None:
    """Two of three consumers had nothing to do, and that can be seen."""
    bus = EventBus()
    bus.subscribe(OrderPlaced, ignore, name="email", workers=3, takes=1.0)
    bus.publish(OrderPlaced())
    bus.run()
    plot = timeline(bus)
    assert {"email", "email-2", "email-3"} <= set(written(plot))
    assert plot.as_text.splitlines()[1:4] == ["email: 1 done", "email-2: idle", "email-3: idle"]


def test_thinning_is_said_and_what_is_drawn_is_complete() -> None:
    """Of 500 deliveries the first 400 are drawn; the axis ends where the picture would begin to lack some."""
    bus = five_services(100)
    plot = timeline(bus)
    assert "Drawn: the first 400 of 500 deliveries, up to " in plot.caption
    assert len(bars(plot, "done")) == 400
    end = plot.axes[0].get_xlim()[1] / 1.02
    assert sum(d.started_at is not None and d.started_at < end for d in bus.trace.deliveries) <= 400
    assert "500 done" in plot.alt
    assert "and 440 more" in plot.as_text
    assert "Drawn" not in timeline(five_services(80)).caption


@pytest.mark.parametrize("draw", [timeline, queue_depth])
def test_before_the_run_a_card_says_what_to_do(draw: Callable[..., Plot]) -> None:
    """Nothing published, nothing run, nobody listening: each has its sentence."""
    assert "bus.publish(...), then bus.run()" in draw(EventBus()).as_text
    assert "nothing happened yet: bus.run() (5 deliveries queued)" in draw(waiting()).as_text
    bus = EventBus()
    bus.publish(OrderPlaced())
    bus.run()
    assert "nobody listens" in draw(bus).alt
    assert "nothing happened yet" in lineage(EventBus()).alt


SERVICES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.7, 2.0]), st.integers(1, 3), st.sampled_from([ignore, poison])), max_size=5
)
ARRIVALS = st.lists(st.sampled_from([0.0, 0.3, 1.0, 1.1]), max_size=12)


@settings(deadline=None, max_examples=40)
@given(SERVICES, ARRIVALS, st.sampled_from([0.0, 1.0, 2.5, 1000.0]))
def test_there_is_a_bar_for_every_attempt_that_began(services: Any, arrivals: list[float], until: float) -> None:
    """Whatever the run, stopped whenever: as many bars of each outcome as the trace has attempts of it."""
    bus = EventBus()
    for number, (takes, workers, handler) in enumerate(services):
        retry = Retry(max_attempts=2, backoff=0.4)
        bus.subscribe(OrderPlaced, handler, name=f"s{number}", takes=takes, workers=workers, retry=retry)
    for at in arrivals:
        bus.publish(OrderPlaced(), at=at)
    bus.run(until=until)
    plot = timeline(bus)
    expected = Counter(d.outcome for d in bus.trace.deliveries if d.started_at is not None)
    if "nothing happened yet" not in plot.as_text and "nobody listens" not in plot.as_text:
        assert {o.word: len(bars(plot, o.word)) for o in Outcome if bars(plot, o.word)} == expected
    else:
        assert not expected


# --- how many waited


def test_the_lines_are_the_depths_of_the_queues() -> None:
    """Each line has the steps that the trace tells, and goes on to the end of the run, stopped after 1.5 s."""
    bus = five_services(10, until=1.5)
    plot = queue_depth(bus)
    lasts = []
    for name in TAKES:
        (line,) = drawn(plot, Line2D, name)
        steps = list(zip(line.get_xdata(), line.get_ydata(), strict=True))
        lasts.append(bus.trace.depth(name)[-1][1])
        assert steps == [(0, 0), *bus.trace.depth(name), (1.5, lasts[-1])]
        assert line.get_drawstyle() == "steps-post"
    assert lasts == [2, 6, 4, 6, 0]
    assert plot.alt == "The longest queue is that of inventory: 9 waiting at 0 s, 2 at the end."
    assert "payment, max 9" in written(plot)


def test_no_two_queues_have_the_same_line() -> None:
    """Colour and pattern differ for twelve groups, and the pattern alone for neighbours."""
    plot = queue_depth(twelve())
    lines = [line for line in drawn(plot, Line2D) if str(line.get_gid()).startswith("service_")]
    looks = [(line.get_color(), str(line._unscaled_dash_pattern)) for line in lines]
    assert len(set(looks)) == len(lines) == 12
    assert all(a[1] != b[1] for a, b in itertools.pairwise(looks))


def test_nobody_waited_is_a_finding() -> None:
    """With one order each service takes its copy up at once."""
    assert queue_depth(shop()).alt == "Nobody waited in any of 5 queues: each delivery was taken up at once."


# --- which message led to which


def places(plot: Plot) -> list[tuple[float, float]]:
    """Return the upper left corners of the boxes."""
    return [(round(bounds(patch).x0), round(bounds(patch).y0)) for patch in drawn(plot, FancyBboxPatch)]


def test_each_generation_stands_further_to_the_right() -> None:
    """Two orders, their payments, their parcels: three columns of two boxes, joined by four arrows."""
    plot = lineage(chain())
    columns = Counter(x for x, _ in places(plot))
    assert list(columns.values()) == [2, 2, 2]
    upper, lower = sorted({y for _, y in places(plot)})
    assert lower - upper < 2 * bounds(drawn(plot, FancyBboxPatch)[0]).height
    assert len(drawn(plot, Polygon)) == 4
    assert {"order_placed", "id 1", "by checkout, 0 s", "by payment, 0.5 s"} <= set(written(plot))
    assert plot.alt == "2 messages from producers led to 4 messages more, in at most 2 steps."


def test_a_cause_stands_at_the_middle_of_what_it_led_to() -> None:
    """One order led to five events, in rows that follow on one another, in the order in which they were published."""
    bus = EventBus()
    open_shop(bus, chain=True)
    bus.publish(make_order(1))
    bus.run()
    plot = lineage(bus)
    (_, middle), *effects = places(plot)
    rows = [y for _, y in effects]
    assert [b - a for a, b in itertools.pairwise(rows)] == [rows[1] - rows[0]] * 4
    assert middle == rows[2]
    types = [word for word in written(plot) if word in bus.trace.columns.types]
    assert types == [message.type for message in bus.trace.messages]


def test_the_message_that_was_asked_for_stands_out() -> None:
    """By the width of its border, and the caption says so."""
    plot = lineage(chain(), "checkout-1/payment.1")
    widths = [patch.get_linewidth() for patch in drawn(plot, FancyBboxPatch)]
    assert sorted(widths) == [1.2, 1.2, 3.0]
    assert "Thick border" in plot.caption


def test_a_deep_cascade_goes_down_like_a_stair() -> None:
    """Nine steps are too many for columns: each message has a row of its own, further in than its cause."""
    bus = EventBus()
    types = [type(f"Step{number}", (Event,), {"__annotations__": {}}) for number in range(10)]
    for kind, effect in itertools.pairwise(types):
        bus.subscribe(kind, lambda _, effect=effect: effect(), name=f"after_{kind.__name__}", takes=0.5)
    bus.publish(types[0]())
    bus.run()
    stair = places(lineage(bus))
    assert len(stair) == 10
    assert stair == sorted(stair)
    assert len({x for x, _ in stair}) == len({y for _, y in stair}) == 10


def test_a_message_published_twice_shows_how_often() -> None:
    """A crash before the ack, and payment published the same event again."""
    bus = EventBus(faults=Faults(crashes=(Crash("payment", "1", 1, "before ack"),)))
    bus.subscribe(OrderPlaced, lambda order: PaymentCaptured(order.order_id), name="payment")
    bus.publish(OrderPlaced())
    bus.run()
    plot = lineage(bus)
    assert len(drawn(plot, FancyBboxPatch)) == 3
    assert "Two borders" in plot.caption
    assert "2x by payment, 0 s" in written(plot)


def test_a_large_lineage_is_thinned_and_says_so() -> None:
    """Of 100 orders with a payment and a parcel each, 24 messages are drawn; without any effect, 8."""
    plot = lineage(chain(100))
    assert len(drawn(plot, FancyBboxPatch)) == 24
    assert plot.caption.endswith("Drawn: 24 of 300 messages.")
    alone = lineage(five_services(100))
    assert len(drawn(alone, FancyBboxPatch)) == 8
    assert "none led to another" in alone.alt
    assert "and 41 more" in alone.as_text


# --- a learner's own figures


def test_a_figure_of_ones_own_gets_its_words() -> None:
    """It stays the same object, its labels may be formulas, and it shows like the others."""
    figure = Figure(figsize=(4, 3))
    axes = figure.subplots()
    axes.plot([1, 2, 4])
    axes.set_title("$2^n$")
    plot = described(figure, alt="It <doubles>.", text="1, 2, 4", caption="Each second.")
    assert plot is figure
    assert repr(figure) == "1, 2, 4"
    page = Tags(plot.html)
    assert page.attributes["alt"] == "It <doubles>."
    assert page.text == "Each second.In words1, 2, 4"
    assert plot.suptitle("still a figure").get_text() == "still a figure"


@pytest.mark.parametrize(("alt", "text"), [("", "1, 2, 4"), ("It doubles.", "  ")])
def test_a_figure_without_words_is_refused(alt: str, text: str) -> None:
    """An empty alternative text would be worse than none."""
    with pytest.raises(OptionError, match="say in words"):
        described(Figure(), alt=alt, text=text)


def test_a_figure_of_pyplot_is_not_shown_twice() -> None:
    """A notebook shows what pyplot still holds at the end of a cell; the described figure is shown by itself."""
    code = """
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
from eda_lab.plots import described
figure, axes = plt.subplots()
plt.figure()
described(figure, alt="Empty axes.", text="nothing")
print(len(plt.get_fignums()))
"""
    assert script(code) == "1"


# --- words that fit


@settings(deadline=None)
@given(st.text(max_size=80), st.integers(20, 300), st.booleans())
def test_a_cut_text_fits_and_says_that_it_was_cut(text: str, room: int, middle: bool) -> None:
    """Whatever the text: it takes no more than its room, on one line, and an ellipsis stands where it was cut."""
    shown = fit(text, room, middle=middle)
    assert width_of(shown) <= room
    assert shown.isprintable()
    if width_of(text) > room:
        start, end = shown.split("…", 1) if "…" not in text else (shown[:1], shown[-1:])
        whole = fit(text, 1e6)
        assert whole.startswith(start)
        assert whole.endswith(end) if middle else shown.endswith("…")
