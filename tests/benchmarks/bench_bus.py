"""What the buses cost, beside the same work done by hand and by other libraries. It prints tables and writes nothing.

    uv run --group bench python tests/benchmarks/bench_bus.py [--quick] [--only SECTION]

The cases of a section take turns, in rounds that begin with another case each time, so that a slow moment of the
machine falls on all of them alike. A ratio is the median, over the rounds, of case / base within one round.
"""

import argparse
import gc
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from tempfile import TemporaryDirectory
from timeit import Timer
from types import new_class

import blinker
from aiopubsub import Hub, Key
from oracles import erlang_c_wait, given_times, lab_queue, poisson_queue, simpy_waits, waits_of
from pyee import EventEmitter

from eda_lab import DirectBus, Event
from eda_lab.table import Table


@dataclass(frozen=True)
class Sizes:
    """How much work a run does."""

    rounds: int = 41
    publishes: int = 10_000
    types: int = 10_000
    queue_rounds: int = 7
    customers: int = 100_000
    erlang_seeds: int = 3
    erlang_customers: int = 1_000_000
    import_rounds: int = 25


QUICK = Sizes(3, 20, types=20, queue_rounds=1, customers=200, erlang_seeds=1, erlang_customers=2_000, import_rounds=1)
Case = Callable[[], float]
Times = Mapping[str, Sequence[float]]
Pairs = Sequence[tuple[str, str, float | None]]  # (case, base, bound of their ratio)


class OrderPlaced(Event):
    """What is published in the first section."""

    order_id: str
    customer_id: str
    total_cents: int


def timed(statement: str, setup: str = "pass", number: int = 1, **names: object) -> Case:
    """Return a case: the seconds that a statement takes `number` times, the garbage collector off while it runs."""
    timer = Timer(statement, setup, globals=names)

    def case() -> float:
        gc.collect()
        return timer.timeit(number)

    return case


def interleaved(cases: Mapping[str, Case], rounds: int) -> Times:
    """Return the seconds that each case took in each round; a first round warms up and does not count."""
    names = list(cases)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds + 1):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            seconds = cases[name]()
            if turn:
                times[name].append(seconds)
    return times


def judged(value: float, bound: float | None) -> tuple[str, str, str]:
    """Return a value, its bound and whether it keeps it, as three cells of a table."""
    if bound is None:
        return f"{value:6.3f}", "", ""
    return f"{value:6.3f}", f"<= {bound:g}", "ok" if value <= bound else "over"


def compared(title: str, times: Times, unit: str, scale: float, pairs: Pairs) -> Table:
    """Return a table of the times, a row for each of the pairs."""
    rows = []
    for case, base, bound in pairs:
        ratio = median(ours / theirs for ours, theirs in zip(times[case], times[base], strict=True))
        seconds = (f"{min(times[case]) * scale:8,.1f}", f"{median(times[case]) * scale:8,.1f}")
        rows.append((case, *seconds, f"x {base}", *judged(ratio, bound)))
    return Table(["case", f"min, {unit}", f"median, {unit}", "base", "ratio", "bound", ""], rows, f"## {title}")


def counter(cell: list[int]) -> Callable[[object], None]:
    """Return a handler that counts its calls in a cell."""

    def count(_: object) -> None:
        cell[0] += 1

    return count


def keyed_counter(cell: list[int]) -> Callable[[object, object], None]:
    """Return the same for a bus that hands over the key, too."""

    def count(_: object, __: object) -> None:
        cell[0] += 1

    return count


def fan_out(sizes: Sizes) -> Iterator[object]:
    """Publish one event to five handlers, over and over."""
    cells = {name: [[0] for _ in range(5)] for name in ("bare loop", "DirectBus", "aiopubsub", "blinker", "pyee")}
    bus, hub, signal, emitter, key = DirectBus(), Hub(), blinker.Signal(), EventEmitter(), Key("order", "placed")
    for number in range(5):
        bus.subscribe(OrderPlaced, counter(cells["DirectBus"][number]), name=f"counter-{number}")
        hub.add_subscriber(key, keyed_counter(cells["aiopubsub"][number]))
        signal.connect(counter(cells["blinker"][number]), weak=False)
        emitter.on("order_placed", counter(cells["pyee"][number]))
    bare = tuple(map(counter, cells["bare loop"]))
    statements = {
        "bare loop": ("for handler in handlers: handler(order)", "handlers, order = bare, given"),
        "DirectBus": ("publish(order)", "publish, order = bus.publish, given"),
        "aiopubsub": ("publish(topic, order)", "publish, topic, order = hub.publish, key, given"),
        "blinker": ("send(order)", "send, order = signal.send, given"),
        "pyee": ("emit('order_placed', order)", "emit, order = emitter.emit, given"),
    }
    given = OrderPlaced("12345", "USER001", 5_998)
    names = {"bare": bare, "bus": bus, "hub": hub, "key": key, "signal": signal, "emitter": emitter, "given": given}
    cases = {name: timed(*statement, sizes.publishes, **names) for name, statement in statements.items()}
    times = interleaved(cases, sizes.rounds)
    calls = (sizes.rounds + 1) * sizes.publishes
    assert all(cell == [calls] for five in cells.values() for cell in five), "a handler was left out"
    others = [(name, "bare loop", None) for name in cells if name != "DirectBus"]
    pairs = [("DirectBus", "bare loop", 1.4), ("DirectBus", "aiopubsub", 1.05), *others]
    title = f"fan-out: publish to 5 Python handlers, {sizes.publishes:,} times"
    yield compared(title, times, "ns", 1e9 / sizes.publishes, pairs)


def routing(sizes: Sizes) -> Iterator[object]:
    """Publish one type on a bus that knows this one alone, and on a bus that knows many."""
    kinds = [new_class(f"Kind{number}", (Event,)) for number in range(sizes.types)]
    events = [kind() for kind in kinds]
    random.Random(7).shuffle(events)
    one, many = DirectBus(), DirectBus()
    one.subscribe(type(events[0]), lambda _: None, name="only")
    for kind in kinds:
        many.subscribe(kind, lambda _: None, name=kind.__name__)
    rounds = -(-sizes.publishes // sizes.types)
    hot = events[:1] * (rounds * sizes.types)
    cases = {
        name: timed("for event in events: publish(event)", "publish = bus.publish", bus=bus, events=path)
        for name, bus, path in [("1 type", one, hot), ("the same of all", many, hot), ("a walk", many, events * rounds)]
    }
    pairs = [("1 type", "1 type", None), ("the same of all", "1 type", 1.25), ("a walk", "1 type", None)]
    title = f"routing: {sizes.types:,} registered types against 1, a handler each; for information, a shuffled walk"
    yield compared(title, interleaved(cases, sizes.rounds), "ns", 1e9 / len(hot), pairs)


def queue(sizes: Sizes) -> Iterator[object]:
    """Let customers through five workers, in SimPy and in the lab, with the same arrivals and service times."""
    gaps, services = given_times(sizes.customers, servers=5, load=0.9)
    lab = lab_queue(gaps, services, servers=5)
    cases = {
        "SimPy": timed("run(gaps, services, 5)", run=simpy_waits, gaps=gaps, services=services),
        "EventBus": timed("run()", run=lab),
    }
    title = f"queue: M/M/5, {sizes.customers:,} customers, 90 % load, the trace on"
    pairs = [("SimPy", "SimPy", None), ("EventBus", "SimPy", 0.5)]
    yield compared(title, interleaved(cases, sizes.queue_rounds), "ms", 1e3, pairs)
    bus = lab()
    waits = waits_of(bus)
    assert waits == simpy_waits(gaps, services, 5), "the lab's waits are not SimPy's"
    yield f"all {len(waits):,} waits agree to the microsecond; their mean is {fmean(waits) / 1e6:.6f} s"
    size, bound, word = judged(bus.columns.nbytes / len(bus.trace.deliveries), 100)
    yield f"the trace's columns take {size.strip()} bytes per delivery ({bound}: {word})"


def erlang(sizes: Sizes) -> Iterator[object]:
    """Hold the mean wait of long runs against Erlang's formula.

    Waits of neighbours are alike: over seeds, the mean of 10^6 of them has a standard deviation of 1.1 % (M/M/1) to
    1.6 % (M/M/5), so one seed in some hundred, or in some twenty, lies outside the bound by chance. These do not.
    """
    rows = []
    for servers in (1, 5):
        theory = erlang_c_wait(servers, 0.8)
        for seed in range(1, sizes.erlang_seeds + 1):
            mean = fmean(waits_of(poisson_queue(sizes.erlang_customers, servers, 0.8, seed))) / 1e6
            off = 100 * (mean / theory - 1)
            numbers = (f"{theory:.4f}", f"{mean:.4f}", f"{off:+.2f}")
            rows.append((f"M/M/{servers}", seed, *numbers, *judged(abs(off), 3)[1:]))
    title = f"erlang: mean wait of {sizes.erlang_customers:,} customers at 80 % load, in mean service times"
    yield Table(["queue", "seed", "Erlang C", "lab", "off by, %", "bound", ""], rows, f"## {title}")


def imports(sizes: Sizes) -> Iterator[object]:
    """Load the library in fresh interpreters: as installed and, since msgspec loads it, without typing_extensions.

    All is compiled in the first round, which does not count, into a folder that is thrown away: where Python may not
    keep its bytecode, this would only tell how long it takes to compile.
    """
    ours = "from eda_lab import Event, EventBus, DirectBus"
    block = "import sys; sys.modules['typing_extensions'] = None"
    with TemporaryDirectory() as folder:
        cases = {"dataclasses": fresh(folder, "import dataclasses")}
        for without, before in [("", "pass"), (", no typing_extensions", block)]:
            cases["msgspec" + without] = fresh(folder, "import msgspec", before)
            cases["eda_lab" + without] = fresh(folder, ours, before)
        times = interleaved(cases, sizes.import_rounds)
    pairs = [(case, "dataclasses", 4.0 if case.startswith("eda_lab") else None) for case in cases]
    yield compared(f"import: '{ours}' in fresh interpreters", times, "ms", 1e3, pairs)


def fresh(bytecode: str, statement: str, before: str = "pass") -> Case:
    """Return a case that takes the time of a statement in an interpreter of its own, its start left out."""
    script = "from time import perf_counter as now\n{}\nstart = now()\n{}\nprint(now() - start)"
    command = [sys.executable, "-c", script.format(before, statement)]
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""}
    return lambda: float(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)


SECTIONS = {"fan-out": fan_out, "routing": routing, "queue": queue, "erlang": erlang, "import": imports}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all sections, or one, and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything runs")
    parser.add_argument("--only", choices=SECTIONS, help="run one section")
    options = parser.parse_args(arguments)
    if options.quick:
        print("tiny sizes: whether everything runs is all that these numbers say\n")
    for name, section in SECTIONS.items():
        if options.only in (None, name):
            for shown in section(QUICK if options.quick else Sizes()):
                print(shown, flush=True)
            print()


if __name__ == "__main__":
    main()
