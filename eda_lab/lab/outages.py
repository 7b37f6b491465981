"""Faults that come and go by the clock: outages, during which a group's consumers are down, and slow consumers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Protocol

from eda_lab.clock import FAULT, Clock, microseconds
from eda_lab.faults import Faults, Outage, Slow
from eda_lab.handlers import LabWarning
from eda_lab.lab.queueing import GroupQueue
from eda_lab.lab.subscription import Worker

__all__ = ["Site", "afflict", "arrange", "warn_of_unknown"]


class Site(Protocol):
    """What these faults need of a bus."""

    clock: Clock

    @property
    def groups(self) -> Mapping[str, GroupQueue]:
        """Its groups, by name."""


class Turn:
    """The moment at which an outage or a slow time begins or ends. A run does not wait for it, unless work does."""

    def __init__(self, site: Site, faults: Faults, fault: Outage | Slow, ends: bool) -> None:
        self.site, self.faults, self.fault, self.ends = site, faults, fault, ends

    def needed(self) -> bool:
        """Whether messages wait for the end of an outage."""
        group = self.site.groups.get(self.fault.group)
        if group is None or not self.ends or isinstance(self.fault, Slow):
            return False
        return bool(group.queue) and any(worker.taken for worker in group.members)

    def come(self) -> None:
        """Bring the change about."""
        group, fault = self.site.groups.get(self.fault.group), self.fault
        for worker in group.members if group is not None else ():
            if isinstance(fault, Slow):
                worker.slow(_pace(self.faults, fault.group, self.site.clock.now_us))
            elif not self.ends:
                _take_down(worker)
            elif worker.taken and not _is_out(self.faults, fault.group, self.site.clock.now_us):
                worker.restart()


def arrange(faults: Faults, site: Site) -> None:
    """Enter the beginnings and ends of all outages and slow times into the agenda."""
    both: tuple[Outage | Slow, ...] = (*faults.outages, *faults.slow)
    for fault in both:
        moments: tuple[tuple[float | None, bool], ...] = ((fault.start, False), (fault.end, True))
        for second, ends in moments:
            if second is not None:
                turn = Turn(site, faults, fault, ends)
                site.clock.at_leisure(microseconds("second", second), Turn.come, turn, FAULT)


def afflict(faults: Faults, group: str, worker: Worker, now_us: int) -> None:
    """Let a worker that is new begin as its group stands now: down, or slow."""
    worker.slow(_pace(faults, group, now_us))
    if _is_out(faults, group, now_us):
        _take_down(worker)


def warn_of_unknown(faults: Faults | None, known: set[str]) -> None:
    """Warn where faults are to happen to somebody who is not there: a name is easily mistyped."""
    unknown = faults.names - known if faults is not None else set()
    if unknown:
        there = ", ".join(sorted(known)) or "none"
        what = f"faults name {', '.join(sorted(unknown))}: there is no such group or process; there are {there}"
        warnings.warn(what, LabWarning, stacklevel=4)


def _take_down(worker: Worker) -> None:
    if worker.comes_back or worker.state in ("up", "paused"):
        worker.kill()
        worker.taken = True


def _pace(faults: Faults, group: str, now_us: int) -> float:
    return math.prod(slow.factor for slow in faults.slow if slow.group == group and _covers(slow, now_us))


def _is_out(faults: Faults, group: str, now_us: int) -> bool:
    return any(outage.group == group and _covers(outage, now_us) for outage in faults.outages)


def _covers(fault: Outage | Slow, now_us: int) -> bool:
    return round(fault.start * 1e6) <= now_us and (fault.end is None or now_us < round(fault.end * 1e6))
