"""How fast the player and the panels are in a real browser. It prints tables and writes nothing.

    uv run python tests/benchmarks/bench_player.py [--quick]

It starts a JupyterLab and a Chromium of its own, as the browser tests do, and ends them.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, it finds its neighbours here

from browser.lab import NOTEBOOKS, browser_path, chromium, jupyterlab, write_notebook
from browser.lessons import Lesson
from browser.pages import Desk, opened
from browser.players import saved
from browser.runs import busy
from playwright.sync_api import Browser

from eda_lab.metrics import percentile
from eda_lab.table import Table

# Milliseconds from one frame to the next, while the player plays.
INTERVALS = """([root, count]) => new Promise(done => {
    const times = [];
    const frame = now => {
        times.push(now);
        if (times.length <= count) requestAnimationFrame(frame);
        else done(times.slice(1).map((time, i) => time - times[i]));
    };
    requestAnimationFrame(frame);
})"""
# Milliseconds from the key by which a control takes its value to the new picture, decoded and ready to be painted.
LATENCY = """panel => {
    window.latencies = [];
    const picture = () => panel.querySelector("figure img");
    let pressed = 0, before = picture().src;
    panel.addEventListener("keydown", event => { if (event.key === "Enter") pressed = performance.now(); }, true);
    new MutationObserver(async () => {
        const now = picture();
        if (!pressed || !now || now.src === before) return;
        const since = pressed;
        [pressed, before] = [0, now.src];
        await now.decode().catch(() => {});
        window.latencies.push(performance.now() - since);
    }).observe(panel.querySelector(".widget-tab-contents"), { childList: true, subtree: true, attributes: true });
}"""
# A control of each lesson, and values that all give another picture than the one before.
MOVED = {
    "00_start_here": ("until", ["0.1", "0.25", "0.35", "0.45"]),
    "02_events_and_producers": ("rate", ["0.8", "1.2", "2", "2.4"]),
    "03_inside_the_bus": ("orders", ["3", "6", "12", "24"]),
    "04_consumers": ("slower", ["1.5", "2", "3", "4"]),
}


def frames(browser: Browser, folder: Path, messages: Sequence[int], count: int) -> Table:
    """Play runs in which many messages wait at once, and look at the time between frames."""
    rows = []
    for number in messages:
        with opened(browser) as watched:
            player = saved(watched, busy(number), folder)
            player.button("Play").click()
            intervals = sorted(watched.page.evaluate(INTERVALS, [player.root.element_handle(), count]))
            rows.append(
                (
                    f"{number:,}",
                    f"{1000 * len(intervals) / sum(intervals):.1f}",
                    f"{median(intervals):.1f}",
                    f"{percentile(intervals, 0.99):.1f}",
                    f"{sum(interval > 25 for interval in intervals)} of {len(intervals)}",
                )
            )
    columns = ["messages", "frames per second", "median, ms", "p99, ms", "late by half a frame"]
    return Table(columns, rows, "## frames: while the player plays; the aim is 60 with 500 messages")


def opening(browser: Browser, desk: Desk, folder: Path, records: Sequence[int]) -> Table:
    """Open long runs, as a saved page and in a notebook."""
    rows = []
    for number in records:
        bus = busy(number // 16)
        with opened(browser) as watched:
            start = time.perf_counter()
            player = saved(watched, bus, folder)
            written = (folder / "run.html").stat().st_size / 1e6
            player.button("Step").click()
            page = time.perf_counter() - start
        cells = [
            f"from browser.runs import busy\nfrom eda_lab.widgets import FlowPlayer\nbus = busy({number // 16})",
            "FlowPlayer(bus)",
        ]
        notebook = desk.open(write_notebook(desk.lab, f"bench-{number}.ipynb", cells))
        notebook.run(1)
        start = time.perf_counter()
        notebook.run(2)
        notebook.cell(2).get_by_role("button", name="Step").click()
        cell = time.perf_counter() - start
        rows.append((f"{len(bus.trace.log):,}", f"{page:.2f}", f"{cell:.2f}", f"{written:.1f}"))
    columns = ["records", "saved and opened, s", "cell run and shown, s", "page, MB"]
    return Table(columns, rows, "## opening: until the first step is done; the aim is 2 s with 50,000 records")


def latency(desk: Desk, moves: int) -> Table:
    """Set a control of the lessons' panels, over and over, each time waiting for the picture."""
    rows = []
    for name, (control, values) in MOVED.items():
        lesson = Lesson(desk, name)
        field = lesson.controls.get_by_label(control, exact=True)
        lesson.controls.evaluate(LATENCY)
        for move in range(moves):
            field.fill(values[move % len(values)])
            field.press("Enter")
            desk.page.wait_for_function("count => window.latencies.length > count", arg=move)
        times = sorted(desk.page.evaluate("latencies"))
        rows.append((name, control, f"{median(times):.0f}", f"{percentile(times, 0.95):.0f}", f"{max(times):.0f}"))
    columns = ["lesson", "control", "median, ms", "p95, ms", "most, ms"]
    return Table(columns, rows, "## latency: from the Enter key to the new picture; the aim is a median below 150 ms")


def main() -> None:
    """Measure, and print as it goes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    quick = parser.parse_args().quick
    path = browser_path()
    if path is None:
        sys.exit("no chromium, google-chrome or msedge on the path; set CHROMIUM to the browser's file")
    with TemporaryDirectory() as place, chromium(path) as browser:
        home = Path(place)
        print(frames(browser, home, [5] if quick else [50, 500, 2_000], 30 if quick else 300), end="\n\n")
        lessons = sorted(NOTEBOOKS.glob("*.ipynb"))
        with jupyterlab(home, lessons) as lab, opened(browser) as watched:
            desk = Desk(watched.page, lab)
            print(opening(browser, desk, home, [160] if quick else [5_000, 50_000]), end="\n\n")
            print(latency(desk, 3 if quick else 40))


if __name__ == "__main__":
    main()
