"""A flow player on a page: its parts by the names that a person knows them by, and what it shows as numbers."""

import re
from pathlib import Path

from playwright.sync_api import Locator

from browser.pages import Watched
from browser.runs import Books
from eda_lab import EventBus
from eda_lab.widgets import FlowPlayer

__all__ = ["Player", "saved"]

MOVING = ".eda-dot[aria-label*='on its way']:visible, .eda-dot[aria-label*='taken up']:visible"
# Where a message on its way is, frame by frame, until it is there; for ten seconds at most.
WATCH = """(root) => new Promise(done => {
    const seen = [];
    let frames = 600;
    const look = () => {
        const dot = [...root.querySelectorAll(".eda-dot")].find(
            dot => dot.style.display !== "none" && /on its way to the bus/.test(dot.getAttribute("aria-label")));
        if (dot) seen.push(Number(dot.getAttribute("transform").match(/[-0-9.]+/)[0]));
        if ((seen.length && !dot) || frames-- === 0) done(seen);
        else requestAnimationFrame(look);
    };
    look();
})"""
# All that can be seen or heard of the picture, in the order in which it is drawn.
PICTURE = """root => {
    const names = ["class", "aria-label", "transform", "data-state", "data-pace"];
    return [...root.querySelectorAll("svg text, svg g")]
        .filter(part => !part.closest("[style*='display: none']"))
        .map(part => [part.matches("text") ? part.textContent : "", ...names.map(name => part.getAttribute(name))])
        .map(facts => facts.join("|"));
}"""
FRAMES = """count => new Promise(done => {
    const next = () => (count-- > 0 ? requestAnimationFrame(next) : done());
    next();
})"""


class Player:
    """A player that is open on a page."""

    def __init__(self, root: Locator) -> None:
        self.root = root
        self.page = root.page
        self.sentence = root.locator(".eda-flow-sentence")
        self.announced = root.get_by_role("status")  # the one live region
        self.story = root.locator(".eda-flow-story")
        self.scrub = root.get_by_role("slider", name="Moment of the run")
        self.number = root.get_by_role("spinbutton", name="Show the story of message number")
        self.speed = root.get_by_role("combobox", name="Speed")
        self.dots = root.locator(".eda-dot:visible")
        self.moving = root.locator(MOVING)

    def button(self, name: str) -> Locator:
        """Return one of the player's buttons."""
        return self.root.get_by_role("button", name=name)

    @property
    def moment(self) -> int:
        """How many moments are over."""
        return int(self.scrub.input_value())

    @property
    def length(self) -> int:
        """How many moments the run has."""
        return int(self.scrub.get_attribute("max") or 0)

    def go(self, moment: int) -> None:
        """Drag the scrubber there."""
        self.scrub.fill(str(moment))

    def wait_for(self, moment: int) -> None:
        """Wait until the run has played so far."""
        self.page.wait_for_function(
            "([scrub, moment]) => Number(scrub.value) >= moment", arg=[self.scrub.element_handle(), moment]
        )

    def frames(self, count: int) -> None:
        """Let the browser paint so many frames."""
        self.page.evaluate(FRAMES, count)

    def flight(self) -> list[float]:
        """Watch the next message that flies to the bus; return where it was, frame by frame."""
        seen: list[float] = self.root.evaluate(WATCH)
        return seen

    def picture(self) -> list[str]:
        """Read all that the picture shows: words, messages with their places, states."""
        seen: list[str] = self.root.evaluate(PICTURE)
        return seen

    def books(self) -> dict[str, Books]:
        """Read what stands on the nodes. A queue and its workers are counted by the messages drawn in that node."""
        found = {}
        dots = [
            (dot.get_attribute("aria-label") or "", float((dot.get_attribute("transform") or "").split(",")[1][:-1]))
            for dot in self.dots.all()
        ]
        for node in self.root.locator(".eda-group").all():
            name = (
                (node.locator("title").first.text_content() or "").removeprefix("group ").partition(", listens to ")[0]
            )
            texts = node.locator(".eda-counts, .eda-ends").all_text_contents()
            counts = {word: int(number) for text in texts for word, number in re.findall(r"([a-z][a-z ]*) (\d+)", text)}
            more = re.fullmatch(r"\+(\d+)", node.locator(".eda-more").text_content() or "")
            box = node.locator(".eda-box")
            top = float(box.get_attribute("y") or 0)
            here = [label for label, y in dots if top < y < top + float(box.get_attribute("height") or 0)]
            found[name] = Books(
                *(counts.get(word, 0) for word in ("done", "failed", "crashed")),
                counts.get("retrying", 0) + counts.get("on the way", 0),
                *(counts.get(word, 0) for word in ("dead letters", "lost", "rejected", "expired", "dropped")),
                counts.get("duplicates", 0),
                queued=sum("waits in the queue" in label for label in here) + (int(more[1]) if more else 0),
                in_flight=sum("is being worked on" in label for label in here),
            )
        return found


def saved(watched: Watched, bus: EventBus, folder: Path, title: str = "A shop") -> Player:
    """Save a run as a page, and open it from the disk."""
    page = FlowPlayer(bus).save_html(folder / "run.html", title=title)
    watched.page.goto(page.as_uri())
    return Player(watched.page.locator(".eda-flow"))
