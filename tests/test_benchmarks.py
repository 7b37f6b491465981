"""The lab against queues known from elsewhere: SimPy's, Erlang's and Little's; and the benchmark script itself."""

import re
import subprocess
import sys
from pathlib import Path
from statistics import fmean, stdev

import pytest
from benchmarks.oracles import erlang_c_wait, given_times, lab_queue, poisson_queue, simpy_waits, waits_of
from hypothesis import given
from hypothesis import strategies as st

SCRIPT = Path(__file__).parent / "benchmarks" / "bench_bus.py"
STORE_SCRIPT = SCRIPT.with_name("bench_store.py")
# A few microseconds each, so that arrivals and ends of service often fall on one instant.
few_us = st.integers(min_value=0, max_value=6)
customers = st.lists(st.tuples(few_us, few_us), min_size=1, max_size=40)


@given(customers, st.integers(min_value=1, max_value=5))
def test_each_customer_waits_as_long_as_in_simpy(times: list[tuple[int, int]], servers: int) -> None:
    """Given the same arrivals and services, no customer's wait differs by a microsecond, whatever ties there are."""
    gaps, services = [gap for gap, _ in times], [service for _, service in times]
    assert waits_of(lab_queue(gaps, services, servers)()) == simpy_waits(gaps, services, servers)


@pytest.mark.parametrize("servers", [1, 5])
def test_long_waits_agree_with_simpy_too(servers: int) -> None:
    """The same for times of a second or so, whose microseconds are not exact as floats."""
    gaps, services = given_times(2_000, servers, load=0.95)
    waits = waits_of(lab_queue(gaps, services, servers)())
    assert waits == simpy_waits(gaps, services, servers)
    assert max(waits) > 1_000_000


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (1, 0.8), (5, 0.8)])
def test_the_mean_wait_is_what_erlang_says(servers: int, load: float) -> None:
    """The formula lies within the confidence interval of the run, and the run is long enough for that to say something.

    Waits of neighbours are alike, so the interval comes from 20 batch means: 3.88 standard errors hold 99.9 % of a t
    distribution with 19 degrees of freedom (the method of batch means; Law, Simulation Modeling and Analysis, ch. 9).
    """
    waits = waits_of(poisson_queue(60_000, servers, load, seed=1))
    batches = [fmean(waits[start : start + 3_000]) / 1e6 for start in range(0, 60_000, 3_000)]
    margin = 3.88 * stdev(batches) / len(batches) ** 0.5
    theory = erlang_c_wait(servers, load)
    assert margin < 0.25 * theory
    assert fmean(batches) == pytest.approx(theory, abs=margin)


@pytest.mark.parametrize(("servers", "load", "wait"), [(1, 0.5, 1.0), (2, 0.5, 1 / 3), (5, 0.8, 0.5541)])
def test_erlang_c_gives_the_known_numbers(servers: int, load: float, wait: float) -> None:
    """One server: load / (1 - load). Two: load² / (1 - load²). Five at 80 %: a probability to wait of 0.5541."""
    assert erlang_c_wait(servers, load) == pytest.approx(wait, abs=5e-5)


@given(customers, st.integers(min_value=1, max_value=5))
def test_little_s_law_holds_exactly(times: list[tuple[int, int]], servers: int) -> None:
    """L = lambda W over a run that begins and ends empty, for the queue and for the system, by areas (Little, 1961)."""
    bus = lab_queue([gap + 1 for gap, _ in times], [service for _, service in times], servers)()
    desk = bus.trace.metrics()["desk"]
    assert desk.done == len(times)
    assert desk.mean_in_system == pytest.approx(desk.throughput * desk.mean_latency, rel=1e-12)
    assert desk.mean_depth == pytest.approx(desk.throughput * desk.mean_wait, rel=1e-12)


def test_the_benchmark_runs_and_writes_nothing() -> None:
    """With tiny sizes every section prints its table, the waits agree, and no file is left behind."""
    before = sorted(SCRIPT.parent.rglob("*"))
    command = [sys.executable, "-B", SCRIPT, "--quick"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    tables = dict(re.findall(r"^## (\S+): .*\n((?:.+\n)+)", run.stdout, flags=re.MULTILINE))
    assert {section: len(table.splitlines()) - 2 for section, table in tables.items() if section != "queue"} == {
        "fan-out": 6,
        "routing": 3,
        "erlang": 2,
        "import": 5,
    }
    assert "all 200 waits agree to the microsecond" in tables["queue"]
    assert re.search(r"columns take \d+\.\d+ bytes per delivery \(<= 100: ok\)", tables["queue"])
    assert sorted(SCRIPT.parent.rglob("*")) == before


def test_the_benchmark_of_the_store_runs_and_leaves_nothing(tmp_path: Path) -> None:
    """With tiny sizes every section prints its table, and the folder that it was given is empty again."""
    command = [sys.executable, "-B", STORE_SCRIPT, "--quick", "--folder", tmp_path]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    tables = dict(re.findall(r"^## (\S+): .*\n((?:.+\n)+)", run.stdout, flags=re.MULTILINE))
    assert {section: len(table.splitlines()) - 2 for section, table in tables.items()} == {
        "single": 7,
        "batch-100": 7,
        "batch-1000": 7,
        "replay": 5,
        "stream": 4,
        "growth": 7,
    }
    assert len(re.findall(r"(?:ok|over)$", run.stdout, flags=re.MULTILINE)) == 8
    assert list(tmp_path.iterdir()) == []
