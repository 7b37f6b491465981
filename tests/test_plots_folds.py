"""The pictures of event sourcing: a stream with its state, and the loads of a stream while it grew."""

from __future__ import annotations

import pytest
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text

from eda_lab.errors import OptionError
from eda_lab.plots import Plot, loads, stream

STATE = {"status": "placed", "total": "50.00"}


def texts(plot: Plot) -> list[str]:
    return [text.get_text() for axes in plot.axes for text in axes.findobj(Text) if text.get_text()]


def boxes(plot: Plot) -> list[FancyBboxPatch]:
    return [patch for axes in plot.axes for patch in axes.patches if isinstance(patch, FancyBboxPatch)]


@pytest.mark.parametrize("version", [0, 1, 3, 5])
def test_what_is_folded_is_filled_and_what_came_later_is_dashed(version: int) -> None:
    plot = stream([f"event {n}" for n in range(1, 6)], version, STATE)
    dashed = [patch for patch in boxes(plot) if patch.get_linestyle() not in ("-", "solid")]
    assert len(dashed) == 5 - version
    assert {"placed", "50.00", f"after version {version}"} <= set(texts(plot))
    assert ("fold" in texts(plot)) == (version > 0)
    assert plot.as_text.count("  read") == version
    assert plot.alt.startswith(f"The state after version {version} of 5")


@pytest.mark.parametrize("version", [0, 1, 50, 99, 100])
def test_of_a_long_stream_what_is_near_to_the_version_is_drawn(version: int) -> None:
    plot = stream([f"event {n}" for n in range(1, 101)], version, STATE)
    drawn = [text for text in texts(plot) if text.startswith("event ")]
    assert len(drawn) == 26
    assert version == 0 or f"event {version}" in drawn
    assert any(text.endswith("of 100") for text in texts(plot))


def test_no_text_of_a_stream_leaves_the_picture() -> None:
    plot = stream(["x" * 300, "$a$ <b>"], 1, {"items": "y" * 300, "z" * 90: ""})
    plot.draw_without_rendering()
    for axes in plot.axes:
        for text in filter(Text.get_text, axes.texts):
            box = text.get_window_extent()
            assert 0 <= box.x0 <= box.x1 <= plot.bbox.width
            assert 0 <= box.y0 <= box.y1 <= plot.bbox.height
    assert "$a$ <b>" in texts(plot)
    assert "&lt;b&gt;" in plot.html


@pytest.mark.parametrize(("read", "kept"), [(5, 0), (4, 1), (0, 5), (None, 0)])
def test_what_is_in_the_snapshot_was_not_read(read: int | None, kept: int) -> None:
    plot = stream([f"event {n}" for n in range(1, 8)], 5, STATE, read)
    assert plot.as_text.count("in the snapshot") == kept
    assert plot.as_text.count("  read") == 5 - kept
    assert texts(plot).count("snapshot") == min(kept, 1)
    assert (f"a snapshot at version {kept} and {5 - kept} events" in plot.alt) == (kept > 0)


def test_more_than_there_is_cannot_have_been_read() -> None:
    with pytest.raises(OptionError, match="read"):
        stream(["a", "b"], 1, STATE, 2)


def test_an_empty_stream_has_a_state_too() -> None:
    assert stream([], 0, STATE).alt == "The state after version 0 of 0: status placed, total 50.00."


@pytest.mark.parametrize("version", [-1, 3, 1.5, True])
def test_a_version_that_is_not_in_the_stream_is_refused(version: int) -> None:
    with pytest.raises(OptionError, match="version"):
        stream(["a", "b"], version, STATE)


def test_the_line_of_the_loads_is_what_was_read() -> None:
    read = {length: length % 4 for length in range(10)}
    plot = loads(read, 7)
    curves = [list(curve.get_ydata()) for axes in plot.axes for curve in axes.lines]
    assert list(read.values()) in curves
    assert list(read) in curves  # a load that reads all events
    assert [3] in curves
    assert plot.alt == "10 loads read 13 events, the longest one 3. With 7 events in the stream, it read 3."
    assert len(plot.as_text.splitlines()) == 1 + 2 + 10


def test_the_loads_of_no_version_and_of_nothing() -> None:
    assert "With" not in loads({5: 5}).alt
    assert loads({}).alt == "Loads: nothing was loaded yet"
    with pytest.raises(OptionError, match="version"):
        loads({5: 5}, 4)
