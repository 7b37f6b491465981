"""The player in a notebook: it talks with Python, stands in both themes, and shows untrusted text as text."""

import pytest
from playwright.sync_api import Locator, expect

from browser.lab import write_notebook
from browser.pages import Desk, Notebook
from browser.players import Player
from browser.runs import HOSTILE, hostile, moments_of, troubled

CELLS = [
    """from browser.runs import HOSTILE, hostile, troubled
from eda_lab import plots
from eda_lab.widgets import FlowPlayer, Panel

bus = troubled()
player = FlowPlayer(bus)
player""",
    "player.moment",
    "player.moment = 5",
    "player.show(hostile())",
    "bad = hostile()\nFlowPlayer(bad)",
    "bad.trace.table()",
    "print(bad.trace.transcript())",
    "plots.timeline(bad)",
    "plots.topology(bad)",
    "bad.dead_letters()",
    """from eda_lab.course import check

def my_order(bus):
    raise ValueError(HOSTILE)

check("00-publish", my_order)""",
    "Panel(lambda name=HOSTILE: hostile())",
]
# The contrast of each text with what it stands on, by WCAG 2.1: the nearest painted ground behind it.
CONTRAST = """root => {
    const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgb = colour => {
        paint.clearRect(0, 0, 1, 1); paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
        return [...paint.getImageData(0, 0, 1, 1).data];
    };
    const light = colour => rgb(colour).slice(0, 3)
        .map(part => part / 255).map(part => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
    const solid = colour => rgb(colour)[3] === 255;
    const ground = element => {
        const near = element.parentElement;
        const shape = near.matches(".eda-dot") ? near.querySelector("path:not(.eda-twin)")
            : near.matches(".eda-bus") ? near.querySelector("rect") : null;
        if (shape) return getComputedStyle(shape).fill;
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (solid(colour)) return colour;
        }
    };
    return [...root.querySelectorAll("text, p, button, label, select, input[type=number], summary, .eda-flow-at")]
        .filter(element => element.checkVisibility() && (element.textContent || element.value))
        .map(element => {
            const style = getComputedStyle(element), ink = element.matches("text") ? style.fill : style.color;
            const [low, high] = [light(ink), light(ground(element))].sort((a, b) => a - b);
            return [(high + 0.05) / (low + 0.05), element.textContent || element.value];
        });
}"""


@pytest.fixture(scope="module")
def notebook(whole_desk: Desk) -> Notebook:
    """Give a notebook with players, tables and pictures of a hostile run."""
    name = write_notebook(whole_desk.lab, "players.ipynb", CELLS)
    notebook = whole_desk.open(name)
    notebook.run_all()
    return notebook


@pytest.fixture
def player(notebook: Notebook, desk: Desk) -> Player:
    """Give a player of the run with every kind of trouble."""
    notebook.run(1)
    return Player(notebook.cell(1).locator(".eda-flow"))


def test_it_plays_in_the_notebook(player: Player) -> None:
    """A message flies from the checkout to the bus; at the end of the run the player rests."""
    player.button("Play").click()
    places = player.flight()
    assert len(set(places)) >= 5
    assert places == sorted(places)
    player.go(player.length - 4)
    player.button("Play").click()
    expect(player.button("Pause")).to_be_visible()
    expect(player.button("Play")).to_be_visible()
    assert player.moment == player.length


def test_python_moves_the_player(notebook: Notebook, player: Player) -> None:
    """`player.moment = 5` in a cell moves the player that is on the page."""
    notebook.run(3)
    expect(player.scrub).to_have_value("5")
    expect(player.sentence).to_have_text(moments_of(troubled().trace)[4].sentence)


def test_python_knows_where_the_player_stands(notebook: Notebook, player: Player) -> None:
    """After a step, a scrub and a pause, the next cell sees the moment."""
    for _ in range(3):
        player.button("Step").click()
    assert notebook.run(2) == "3"
    player.scrub.focus()
    player.scrub.press("End")
    assert notebook.run(2) == str(len(moments_of(troubled().trace)))
    player.button("First").click()
    player.speed.select_option("4")
    player.button("Play").click()
    player.wait_for(2)
    player.button("Pause").click()
    assert notebook.run(2) == str(player.moment)


def test_python_shows_another_run_in_place(notebook: Notebook, player: Player) -> None:
    """`player.show(bus)` changes the run of the player that is on the page."""
    player.button("Last").click()
    notebook.run(4)
    expect(player.root.locator(".eda-group")).to_have_count(2)
    assert player.moment == player.length == len(moments_of(hostile().trace))


def test_the_player_s_keys_stay_in_the_player(notebook: Notebook, player: Player) -> None:
    """An arrow or a letter pressed on it selects, cuts and adds no cell."""
    before = notebook.panel.locator(".jp-Cell").count()
    player.button("Step").click()
    for key in ("ArrowDown", "x", "ArrowRight", "b", "ArrowUp", "ArrowLeft"):
        player.page.keyboard.press(key)
        assert notebook.panel.locator(".jp-Cell").count() == before, key
    assert notebook.cell(1).evaluate("cell => cell.contains(document.activeElement)")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_each_text_can_be_read_in_both_themes(desk: Desk, player: Player, theme: str) -> None:
    """All texts of the player, those on messages too, stand out by 4.5 to 1."""
    desk.choose_theme(theme)
    player.go(20)
    player.number.fill("3")
    player.number.press("Enter")
    measured = player.root.evaluate(CONTRAST)
    assert len(measured) > 30
    assert [(round(ratio, 2), text) for ratio, text in measured if ratio < 4.5] == []


@pytest.mark.parametrize("cell", range(5, 13))
def test_markup_in_a_run_is_shown_as_its_characters(notebook: Notebook, desk: Desk, cell: int) -> None:
    """In player, table, transcript, figure, dead letters, findings and panel an order id makes no element."""
    output: Locator = notebook.cell(cell).locator(".jp-Cell-outputWrapper")
    expect(output.locator(".jp-OutputArea-output").first).to_be_attached()
    if "FlowPlayer" in CELLS[cell - 1]:
        output.get_by_role("button", name="Last").click()
    shown = [output.text_content() or "", *output.locator("img").evaluate_all("all => all.map(image => image.alt)")]
    assert any(HOSTILE in text for text in shown)
    assert output.locator("img[src=x], [onerror]").count() == 0
