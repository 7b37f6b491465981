"""Panels: controls from a scenario's parameters, and pictures that follow them."""

from __future__ import annotations

from typing import Any

import ipywidgets as ipw
import pytest

from eda_lab import EventBus, Shop, checkout, example_order, make_order, open_shop
from eda_lab.course import predict
from eda_lab.errors import OptionError
from eda_lab.plots import outcomes
from eda_lab.table import Table
from eda_lab.widgets import Compare, Panel


def done_by(bus: EventBus) -> Table:
    """Stand in for a picture: who did how much."""
    return Table(["group", "done"], [(name, metrics.done) for name, metrics in bus.trace.metrics().items()])


def story(orders: int = 1, email_down: bool = False, until: float = 9.0, seed: int = 1) -> tuple[EventBus, Shop]:
    bus = EventBus(seed=seed)
    shop = open_shop(bus)
    shop.mail.down = email_down
    for n in range(1, orders + 1):
        checkout(bus, make_order(n))
    return bus, shop


@pytest.fixture
def panel() -> Panel:
    return Panel(story, views=[done_by], orders=(1, 60), until=(0.0, 9.0), seed=[1, 2, 3])


def test_each_parameter_becomes_a_control_of_its_kind(panel: Panel) -> None:
    kinds = {name: type(control) for name, control in panel.controls.items()}
    assert kinds == {
        "orders": ipw.BoundedIntText,
        "email_down": ipw.Checkbox,
        "until": ipw.BoundedFloatText,
        "seed": ipw.Dropdown,
    }


def test_the_field_and_the_slider_beside_it_move_together(panel: Panel) -> None:
    field, slider = panel.children[0].children[0].children
    slider.value = 7
    assert field.value == 7
    assert panel.world.done["e-mails sent"] == 7


def test_a_slider_s_rounded_answer_does_not_undo_what_was_typed(panel: Panel) -> None:
    """The browser answers a value with the nearest step; only another step than that of the field is a move."""
    field, slider = panel.children[0].children[2].children
    field.value = 0.3
    runs = panel.run
    slider.value = 0.45  # its steps are 0.45 long
    assert (field.value, panel.run) == (0.3, runs)
    slider.value = 0.9000000000000001
    assert field.value == 0.9
    assert panel.run is not runs


def test_moving_a_control_changes_run_table_and_picture_in_place(panel: Panel) -> None:
    table, picture = panel.table, panel.pictures[0]
    before = (table.value, picture.value)
    panel.controls["email_down"].value = True
    assert (table, picture) == (panel.table, panel.pictures[0])
    assert panel.world.done["e-mails sent"] == 0
    assert "0, differs" in table.value
    assert "0, differs" not in before[0]
    assert picture.value != before[1]


def test_code_can_set_several_controls_and_the_scenario_runs_once(panel: Panel) -> None:
    runs: list[Any] = []

    def counted(rate: int = 1, size: int = 1) -> EventBus:
        runs.append((rate, size))
        return EventBus()

    counting = Panel(counted, views=[])
    counting.set(rate=3, size=5)
    assert runs == [(1, 1), (3, 5)]


def test_pictures_with_an_axis_of_copies_reach_as_far_as_the_fullest_run() -> None:
    """In a panel as far as any run so far; in a comparison both alike."""
    reached: list[int] = []

    def axis(bus: EventBus, *, copies: int = 0) -> str:
        reached.append(copies)
        return f"up to {copies}"

    panel = Panel(story, views=[axis], player=False, orders=(1, 60))
    panel.set(orders=40)
    panel.set(orders=2)
    assert reached == [1, 40, 40]
    assert "up to 40" in repr(panel)
    reached.clear()
    Compare(story, views=[axis], orders=(3, 5))
    assert reached == [5, 5]
    assert repr(Compare(story, views=[outcomes], orders=(1, 2))).count("copies for 5 groups") == 2


def test_a_view_that_has_a_parameter_world_gets_the_shop_of_the_run() -> None:
    """In a panel that of the last run; in a comparison each its own. A world that is not there is None."""

    def letters(bus: EventBus, world: Shop | None) -> str:
        return f"{len(bus.trace.messages)} orders, {None if world is None else len(world.mail.sent)} letters"

    panel = Panel(story, views=[letters], orders=(1, 60))
    panel.set(orders=3)
    assert "3 orders, 3 letters" in panel.pictures[0].value
    assert "3 orders, 3 letters" in repr(panel)
    panel.set(email_down=True)
    assert "3 orders, 0 letters" in panel.pictures[0].value
    both = repr(Compare(story, views=[letters], email_down=(False, True)))
    assert both.index("1 orders, 1 letters") < both.index("1 orders, 0 letters")
    assert "0 orders, None letters" in repr(Panel(lambda: EventBus(), views=[letters], player=False))


def test_a_parameter_called_until_stops_the_run_at_that_second(panel: Panel) -> None:
    panel.set(until=0.25)
    assert panel.bus.clock.now == 0.25
    assert {name for name, metrics in panel.bus.trace.metrics().items() if metrics.done} == {"inventory", "analytics"}


def test_a_setting_that_fails_is_told_and_the_last_good_picture_stays(panel: Panel) -> None:
    def fragile(divisor: int = 1) -> EventBus:
        bus = EventBus()
        bus.subscribe("order_placed", lambda order: None, name="email", takes=1 / divisor)
        bus.publish("order_placed", {})
        return bus

    fragile_panel = Panel(fragile, views=[done_by])
    picture = fragile_panel.pictures[0].value
    fragile_panel.controls["divisor"].value = 0
    assert "ZeroDivisionError" in fragile_panel.trouble.value
    assert fragile_panel.pictures[0].value == picture
    fragile_panel.controls["divisor"].value = 2
    assert fragile_panel.trouble.value == ""


def test_a_scenario_that_fails_from_the_start_raises_at_once() -> None:
    def broken(n: int = 0) -> EventBus:
        raise ZeroDivisionError(n)

    with pytest.raises(ZeroDivisionError):
        Panel(broken)


def test_an_error_with_hostile_text_shows_as_characters() -> None:
    def hostile(n: int = 0) -> EventBus:
        if n:
            raise ValueError("<script>alert(1)</script>")
        return EventBus()

    panel = Panel(hostile, views=[])
    panel.controls["n"].value = 1
    assert "<script>" not in panel.trouble.value
    assert "&lt;script&gt;" in panel.trouble.value


@pytest.mark.parametrize(
    ("controls", "hint"),
    [
        ({"order": (1, 2)}, "no such parameter"),
        ({"orders": (5, 9)}, "outside this range"),
        ({"orders": (9, 5)}, "give a range"),
        ({"orders": ()}, "at least one value"),
        ({"seed": []}, "at least one value"),
        ({"seed": [7, 8]}, "not among these"),
        ({"orders": (1, 2, 3, 4)}, "give a range"),
    ],
)
def test_a_control_that_cannot_be_made_is_refused(controls: dict[str, Any], hint: str) -> None:
    with pytest.raises(OptionError, match=hint):
        Panel(story, **controls)


def test_a_control_that_is_not_there_cannot_be_set(panel: Panel) -> None:
    with pytest.raises(OptionError, match="the controls are orders, email_down, until, seed"):
        panel.set(order=2)


def test_a_panel_has_a_text_twin_that_is_whole_and_stable(panel: Panel) -> None:
    text = panel._repr_mimebundle_()["text/plain"]
    assert text == repr(panel)
    assert "What the shop needs" in text
    assert "analytics" in text
    assert " at 0x" not in text


def test_a_comparison_differs_in_one_control_only() -> None:
    comparison = Compare(story, email_down=(False, True), views=[done_by], orders=3)
    rows = {row[0]: row[1:] for row in comparison.table.rows}
    assert rows["e-mails sent"] == (3, 0, "differs")
    assert rows["cards charged"] == (3, 3, "")
    assert rows["last work ended at second"][2] == ""


@pytest.mark.parametrize("settings", [{}, {"orders": (1, 2), "email_down": (False, True)}, {"orders": 1}])
def test_a_comparison_needs_exactly_one_pair(settings: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="exactly one parameter as a pair"):
        Compare(story, views=[done_by], **settings)


def test_a_scenario_may_return_a_bus_alone() -> None:
    def alone(seed: int = 1) -> EventBus:
        bus = EventBus(seed=seed)
        open_shop(bus)
        checkout(bus, example_order())
        return bus

    panel = Panel(alone, views=[done_by])
    assert panel.world is None
    assert panel.table.value == ""
    assert panel.bus.trace.check_conservation()


def test_the_guess_of_a_prediction_stands_in_the_row_that_it_was_about() -> None:
    guess = predict("How many e-mails?", ["none", "one"], answer="one", why="")
    panel = Panel(story, views=[done_by], guess=guess, about="e-mails sent", player=False)
    guess.guess = "none"
    panel.set(orders=2)
    rows = {row[0]: row[1:] for row in panel.run.needs(panel._guesses).rows}
    assert rows["e-mails sent"] == (2, "2", "none")
    assert rows["cards charged"] == (2, "2", "")
    assert "Your guess" in panel.table.value
