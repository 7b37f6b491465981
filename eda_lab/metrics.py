"""Numbers from a run's columns: waiting and response times, queue depth, utilisation, throughput.

All are computed from what was written down, none from what a queue ought to do.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from eda_lab.columns import Columns, Outcome
from eda_lab.table import Table

__all__ = [
    "GroupMetrics",
    "Metrics",
    "depth",
    "measure",
    "percentile",
]


class GroupMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """One group's numbers. Times are in simulated seconds; `latency` is from queued to ended, of attempts done.

    `failed` counts the attempts that did not end well, whatever became of the message: tried again, dead, or lost.
    `mean_depth` is the mean number waiting in the queue, `mean_in_system` that number with those in flight added,
    both as areas over the window from 0 to the end of the run; `utilisation` is the busy share of the workers' time;
    `throughput` is in messages done per second.
    """

    group: str
    workers: int
    done: int
    failed: int
    dead_lettered: int
    lost: int
    rejected: int
    expired: int
    mean_wait: float
    mean_latency: float
    p50: float
    p95: float
    p99: float
    mean_depth: float
    max_depth: int
    mean_in_system: float
    utilisation: float
    throughput: float


class Metrics(Mapping[str, GroupMetrics]):
    """The numbers of all groups, by group name; shows as a table."""

    def __init__(self, groups: Sequence[GroupMetrics]) -> None:
        self._groups = {metrics.group: metrics for metrics in groups}

    def __getitem__(self, group: str) -> GroupMetrics:
        return self._groups[group]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)

    def table(self) -> Table:
        """Return the numbers as a table, a row for each group; what happened to no group has no column."""
        rare = [
            name for name in ("lost", "rejected", "expired") if any(getattr(g, name) for g in self._groups.values())
        ]
        columns = ["group", "done", "failed", "dead", *rare, "mean wait", "p95 latency", "max depth", "utilisation"]
        return Table(
            columns,
            [
                (
                    g.group,
                    g.done,
                    g.failed,
                    g.dead_lettered,
                    *(getattr(g, name) for name in rare),
                    round(g.mean_wait, 3),
                    round(g.p95, 3),
                    g.max_depth,
                    round(g.utilisation, 3),
                )
                for g in self._groups.values()
            ],
        )

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile of sorted values: the smallest that at least that share does not exceed.

    >>> percentile([1, 2, 3, 4], 0.5), percentile([1, 2, 3, 4], 0.95)
    (2, 4)
    """
    if not ordered:
        return 0.0
    rank = math.ceil(round(share * len(ordered), 9))  # 0.07 of 100 is the 7th, though 0.07 * 100 is a little more
    return ordered[max(0, rank - 1)]


def depth(columns: Columns, group: int, *, in_flight: bool = False) -> list[tuple[int, int]]:
    """Return (microsecond, number) steps of how many attempts wait in a group's queue (or wait and are worked on)."""
    change: Counter[int] = Counter()
    for row in _rows(columns, group):
        if columns.outcome[row] == Outcome.WAITING:
            continue
        change[columns.queued[row]] += 1
        left = columns.ended[row] if in_flight or columns.started[row] < 0 else columns.started[row]
        if left >= 0:
            change[left] -= 1
    steps: list[tuple[int, int]] = []
    level = 0
    for moment in sorted(change):
        level += change[moment]
        if not steps or steps[-1][1] != level:
            steps.append((moment, level))
    return steps


def measure(columns: Columns) -> Metrics:
    """Compute the metrics of every group over the window from 0 to `columns.now_us`."""
    return Metrics([_measure(columns, group) for group in range(len(columns.groups))])


def _measure(columns: Columns, group: int) -> GroupMetrics:
    rows = _rows(columns, group)
    window = columns.now_us
    outcomes = Counter(columns.outcome[row] for row in rows)
    done = [row for row in rows if columns.outcome[row] == Outcome.DONE]
    waits = [columns.started[row] - columns.queued[row] for row in rows if columns.started[row] >= 0]
    latencies = sorted(columns.ended[row] - columns.queued[row] for row in done)
    workers = len(columns.workers[group])
    busy = sum(
        (columns.ended[row] if columns.ended[row] >= 0 else window) - columns.started[row]
        for row in rows
        if columns.started[row] >= 0
    )
    queue = depth(columns, group)
    return GroupMetrics(
        group=columns.groups[group],
        workers=workers,
        done=len(done),
        failed=sum(outcomes[each] for each in (Outcome.FAILED, Outcome.CRASHED, Outcome.DEAD_LETTERED, Outcome.LOST)),
        dead_lettered=outcomes[Outcome.DEAD_LETTERED],
        lost=outcomes[Outcome.LOST],
        rejected=outcomes[Outcome.REJECTED],
        expired=outcomes[Outcome.EXPIRED],
        mean_wait=_mean(waits) / 1e6,
        mean_latency=_mean(latencies) / 1e6,
        p50=percentile(latencies, 0.50) / 1e6,
        p95=percentile(latencies, 0.95) / 1e6,
        p99=percentile(latencies, 0.99) / 1e6,
        mean_depth=_area(queue, window) / window if window else 0.0,
        max_depth=max((level for _, level in queue), default=0),
        mean_in_system=_area(depth(columns, group, in_flight=True), window) / window if window else 0.0,
        utilisation=busy / (workers * window) if window and workers else 0.0,
        throughput=len(done) / window * 1e6 if window else 0.0,
    )


def _rows(columns: Columns, group: int) -> list[int]:
    return [row for row, of in enumerate(columns.group) if of == group]


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values) if values else 0.0


def _area(steps: Sequence[tuple[int, int]], window: int) -> int:
    """Return the area under a step function from its first step, if any, to the end of the window."""
    if not steps:
        return 0
    ends = [moment for moment, _ in steps[1:]] + [window]
    return sum((end - start) * level for (start, level), end in zip(steps, ends, strict=True))
