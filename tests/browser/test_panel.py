"""A panel under a person's hands: fast, into errors, through runs that take long, and from code."""

import pytest
from playwright.sync_api import Locator, expect

from browser.lab import write_notebook
from browser.lessons import picture_of, rows_of, wait_for_another_picture, words_of
from browser.pages import Desk, Notebook

CELLS = [
    """from eda_lab import EventBus, OrderPlaced, checkout, make_order, open_shop
from eda_lab.widgets import Panel
runs = []

def story(orders=1, email_down=False):
    runs.append(orders)
    if orders == 13:
        raise ValueError("<b>thirteen</b> brings bad luck")
    bus = EventBus(seed=1)
    shop = open_shop(bus)
    shop.mail.down = email_down
    for n in range(1, orders + 1):
        checkout(bus, make_order(n))
    return bus, shop

panel = Panel(story, orders=(1, 60))
panel""",
    "runs",
    "panel.set(orders=3, email_down=True)\npanel.world.done['e-mails sent']",
    """def endless(rate=1):
    bus = EventBus(seed=1)
    bus.subscribe(OrderPlaced, lambda order: None, name="inventory", takes=0.001)
    def producer():
        for n in range(1 if rate == 1 else 10**9):
            yield make_order(n + 1)
            yield 0.01
    bus.process("checkout", producer())
    return bus

slow = Panel(endless, rate=(1, 9))
slow""",
    "6 * 7",
]


class Hands:
    """The panel of a cell, and the ways to move it."""

    def __init__(self, notebook: Notebook, cell: int) -> None:
        self.panel: Locator = notebook.cell(cell).locator(".eda-panel")
        self.field = self.panel.locator("input[type=number]").first
        self.slider = self.panel.locator(".noUi-handle").first

    def type(self, value: str) -> None:
        """Type a number into the field."""
        self.field.fill(value)
        self.field.press("Enter")

    def drag(self, *shares: float) -> None:
        """Take the slider with the mouse, pull it to these places between its ends, and let go."""
        rail = self.panel.locator(".noUi-base").first.bounding_box()
        assert rail is not None
        mouse = self.panel.page.mouse
        self.slider.hover()
        mouse.down()
        for share in shares:
            mouse.move(rail["x"] + share * rail["width"], rail["y"] + rail["height"] / 2)
        mouse.up()


@pytest.fixture(scope="module")
def panels(whole_desk: Desk) -> Notebook:
    """Give a notebook with two panels."""
    name = write_notebook(whole_desk.lab, "panels.ipynb", CELLS)
    notebook = whole_desk.open(name)
    notebook.run_all()
    return notebook


@pytest.fixture
def hands(panels: Notebook, desk: Desk) -> Hands:
    """Give the first panel, at one order, and no trouble so far."""
    hands = Hands(panels, 1)
    panels.run(1)
    expect(hands.field).to_have_value("1")
    return hands


def test_a_slider_that_is_dragged_fast_ends_with_its_last_value(panels: Notebook, hands: Hands) -> None:
    """The picture and the table are those of where the mouse let go, and most of the way there was never run."""
    before = picture_of(hands.panel)
    hands.drag(*(step / 100 for step in range(1, 101)))
    wait_for_another_picture(hands.panel, before)
    expect(hands.field).to_have_value("60")
    expect(hands.panel.locator("tbody tr").nth(1)).to_have_text("cards charged6060")
    assert "300 deliveries to 5 consumers" in words_of(hands.panel)
    runs = [int(number) for number in panels.run(2).strip("[]").split(", ")]
    assert runs[0] == 1
    assert runs[-1] == 60
    assert len(runs) < 30


def test_a_setting_that_fails_says_so_and_keeps_the_last_good_picture(hands: Hands) -> None:
    """The error stands in the panel as an alert, as text; the next good setting takes it away."""
    hands.type("12")
    expect(hands.panel.locator("tbody tr").nth(1)).to_have_text("cards charged1212")
    good = picture_of(hands.panel), rows_of(hands.panel)
    hands.type("13")
    expect(hands.panel.get_by_role("alert")).to_have_text(
        "This setting fails. ValueError: <b>thirteen</b> brings bad luck"
    )
    assert (picture_of(hands.panel), rows_of(hands.panel)) == good
    hands.type("14")
    expect(hands.panel.locator("tbody tr").nth(1)).to_have_text("cards charged1414")
    expect(hands.panel.get_by_role("alert")).to_have_count(0)


def test_the_player_follows_the_panel(hands: Hands) -> None:
    """The tab Player plays the run of the last setting."""
    hands.panel.get_by_role("tab", name="Player").click()
    hands.type("2")
    expect(hands.panel.get_by_role("slider", name="Moment of the run")).to_have_attribute("max", "22")
    hands.panel.get_by_role("button", name="Last").click()
    expect(hands.panel.locator(".eda-group").first).to_contain_text("done 2")
    hands.panel.get_by_role("tab", name="Picture").click()


def test_code_moves_a_panel_as_the_mouse_does(panels: Notebook, hands: Hands) -> None:
    """`panel.set` moves field, slider and check box; the picture follows, and the next line sees the new run."""
    before = picture_of(hands.panel)
    assert panels.run(3) == "0"
    wait_for_another_picture(hands.panel, before)
    expect(hands.field).to_have_value("3")
    expect(hands.slider).to_have_attribute("aria-valuenow", "3.0")
    expect(hands.panel.get_by_label("email down")).to_be_checked()
    expect(hands.panel.locator("tbody tr").nth(2)).to_have_text("e-mails sent30, differs")


def test_a_run_that_takes_long_can_be_stopped(panels: Notebook, desk: Desk) -> None:
    """It says how far it is, the kernel answers meanwhile, Stop ends it, and the last good picture stays."""
    hands = Hands(panels, 4)
    good = picture_of(hands.panel)
    stop = hands.panel.get_by_role("button", name="Stop this run")
    expect(stop).to_be_hidden()
    hands.type("2")
    expect(hands.panel.locator("progress")).to_be_visible()
    expect(stop).to_be_visible()
    said = hands.panel.get_by_text("Running: it is second")
    first = said.text_content() or ""
    expect(said).not_to_have_text(first)  # it goes on
    assert panels.run(5) == "42"  # and so does the kernel
    stop.click()
    expect(hands.panel.get_by_text("Stopped. The picture is of the last run that was finished.")).to_be_visible()
    expect(stop).to_be_hidden()
    expect(hands.panel.locator("progress")).to_have_count(0)
    assert picture_of(hands.panel) == good
    hands.type("1")
    expect(hands.panel.get_by_text("Stopped.")).to_have_count(0)


def test_the_keys_of_a_list_stay_with_the_list(panels: Notebook, hands: Hands) -> None:
    """An x typed on a control cuts no cell, and an arrow selects no other cell."""
    cells = panels.panel.locator(".jp-Cell")
    before = cells.count()
    hands.slider.focus()
    for key in ("x", "ArrowUp", "ArrowDown", "a", "b"):
        hands.slider.press(key)
        assert cells.count() == before, key
    expect(panels.panel.locator(".jp-Cell.jp-mod-active")).to_have_count(1)
    assert panels.cell(1).evaluate("cell => cell.contains(document.activeElement)")
