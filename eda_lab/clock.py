"""Simulated time: an agenda of things to do, in whole microseconds, and the clock that jumps from one to the next.

The same agenda gives the same run on every machine: ties at one instant are broken by rank, then by order of entry.
"""

from __future__ import annotations

import math
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from heapq import heapify, heappop, heappush
from itertools import count
from random import Random
from typing import Any, Protocol

from eda_lab.errors import OptionError

__all__ = ["Background", "Clock", "Pause", "ServiceTime", "exponential", "in_lab", "microseconds", "sleep", "uniform"]

ServiceTime = Callable[[Random], float]
Action = Callable[[Any], object]

# What comes first at one and the same instant: the ends of work, faults, timeouts, arrivals.
END, FAULT, TIMEOUT, ARRIVAL = 0, 1 << 48, 2 << 48, 3 << 48
LONGEST = 1e12  # seconds, some 30,000 years: so that times keep well within the columns' 64 bits
LAST_US = 1 << 62  # what is due after that does not happen any more

in_lab: ContextVar[bool] = ContextVar("in_lab", default=False)


def microseconds(option: str, seconds: object) -> int:
    """Return a span of seconds as whole microseconds; raise `OptionError` unless it is a number from 0 to `LONGEST`."""
    if type(seconds) is float and 0.0 <= seconds <= LONGEST:  # nearly always, and often
        return round(seconds * 1e6)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise OptionError(option, seconds, "give a number of seconds")
    if not 0 <= seconds <= LONGEST:
        raise OptionError(option, seconds, f"give a number of seconds that is not negative, and at most {LONGEST:g}")
    return round(seconds * 1e6)


class Background(Protocol):
    """Something that waits for its time, but does not by itself keep a run going."""

    def needed(self) -> bool:
        """Whether something that has happened still waits for it."""


class Clock:
    """The lab's clock and its agenda. `now` is in seconds since the start of the run.

    >>> clock = Clock()
    >>> clock.at(2_000_000, print, "two")
    >>> clock.at(1_000_000, print, "one")
    >>> clock.run()
    one
    two
    2
    >>> clock.now
    2.0
    """

    __slots__ = ("_entries", "agenda", "background", "breaking", "busy", "choose", "counting", "now_us", "ready")

    def __init__(self) -> None:
        self.now_us = 0
        self.agenda: list[tuple[int, int, Action, Any]] = []
        self.ready: deque[tuple[Action, Any]] = deque()  # what is to be done at this very instant, in order
        self.busy: object = None  # the worker whose handler is running: it alone may be interrupted in the middle
        self.breaking = False  # Ctrl-C was pressed, and the run is to stop before the next thing
        self.counting = False  # whether this run is to stop after a number of things
        self.background = 0  # how many entries of the agenda do not by themselves keep a run going
        self.choose: Callable[[int], int] | None = None  # which of so many things comes first, where it may be any
        self._entries = 0

    @property
    def now(self) -> float:
        """The simulated time in seconds."""
        return self.now_us / 1e6

    def at(self, time_us: int, action: Action, argument: Any, rank: int = ARRIVAL) -> None:
        """Enter `action(argument)` into the agenda for a time in microseconds."""
        self._entries = entry = self._entries + 1
        heappush(self.agenda, (time_us, rank + entry, action, argument))

    def at_leisure(self, time_us: int, action: Action, argument: Background, rank: int = ARRIVAL) -> None:
        """Enter something that a run does not wait for, unless it is needed."""
        self.background += 1
        self.at(time_us, self._act_at_leisure, (action, argument), rank)

    def _act_at_leisure(self, entry: tuple[Action, Any]) -> None:
        self.background -= 1
        action, argument = entry
        action(argument)

    def _rests(self) -> bool:
        """Whether all that is left is in the background, and nothing needs it."""
        if self.ready or len(self.agenda) != self.background:
            return False
        return not any(entry[3][1].needed() for entry in self.agenda)

    def cancel(self, argument: object) -> None:
        """Take out of the agenda whatever was entered with this very argument."""
        self.agenda[:] = [entry for entry in self.agenda if entry[3] is not argument]
        heapify(self.agenda)
        for entry in list(self.ready):  # a copy, since Ctrl-C may put something in front meanwhile
            if entry[1] is argument:
                self.ready.remove(entry)

    def step(self) -> bool:
        """Do the next thing; return whether there was one."""
        return self.run(limit=1) == 1

    def run(self, until_us: int | None = None, limit: int | None = None) -> int:
        """Do what stands in the agenda up to and including `until_us`, at most `limit` things; return how many.

        A run that was not cut short by `limit` leaves the clock at `until_us`. An interrupt from the keyboard comes
        between two things, or breaks off the handler that is running; the clock can be run again afterwards.
        """
        agenda, ready = self.agenda, self.ready
        horizon = LAST_US if until_us is None else until_us
        self.counting = limit is not None
        with self._interruptible():
            for done in count() if limit is None else range(limit):
                if self.choose is not None and not (until_us is None and self.background and self._rests()):
                    self._bring_forward(self.choose, horizon)
                if ready:
                    action, argument = ready.popleft()
                elif (
                    agenda and agenda[0][0] <= horizon and not (self.background and until_us is None and self._rests())
                ):
                    self.now_us, _, action, argument = heappop(agenda)
                else:
                    if until_us is not None and until_us > self.now_us:
                        self.now_us = until_us
                    return done
                action(argument)
        return limit or 0

    def has_work(self, until: float | None = None) -> bool:
        """Whether something is left to do, up to and including second `until`."""
        horizon = LAST_US if until is None else microseconds("until", until)
        due = bool(self.ready or (self.agenda and self.agenda[0][0] <= horizon))
        return due and not (until is None and self.background and self._rests())

    def _bring_forward(self, choose: Callable[[int], int], horizon: int) -> None:
        """Of all that may happen next at this instant, put what was chosen to the front of what is ready."""
        instant = self.now_us if self.ready or not self.agenda else self.agenda[0][0]
        due = sorted(entry for entry in self.agenda if entry[0] == instant <= horizon)
        if len(self.ready) + len(due) > 1 and not self.breaking:
            number = len(self.ready) + len(due)
            chosen = choose(number)
            if isinstance(chosen, bool) or not isinstance(chosen, int) or not 0 <= chosen < number:
                raise OptionError("schedule", chosen, f"let it return a whole number from 0 to {number - 1}")
            if chosen < len(self.ready):
                action, argument = self.ready[chosen]
                del self.ready[chosen]
            else:
                entry = due[chosen - len(self.ready)]
                self.agenda.remove(entry)
                heapify(self.agenda)
                self.now_us, _, action, argument = entry
            self.ready.appendleft((action, argument))

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Let Ctrl-C stop a run where nothing is half done; a second one stops it wherever it hangs."""
        ours = threading.current_thread() is threading.main_thread()
        if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, self._interrupt)
        broken = False
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            broken, self.breaking = self.breaking, False
            if broken and (self._break, None) in self.ready:
                self.ready.remove((self._break, None))
        if broken:  # it came during the last thing of a run
            raise KeyboardInterrupt

    def _interrupt(self, _signal: int, _frame: object) -> None:
        if self.busy is not None or self.breaking:
            raise KeyboardInterrupt
        self.breaking = True
        self.ready.appendleft((self._break, None))

    def _break(self, _: None) -> None:
        raise KeyboardInterrupt


class Pause:
    """What `sleep` hands to the lab: how long the handler wants to wait."""

    __slots__ = ("us",)

    def __init__(self, us: int) -> None:
        self.us = us

    def __await__(self) -> Generator[Pause, None, None]:
        yield self


async def sleep(seconds: float) -> None:
    """Wait inside an `async def` handler: on the simulated clock in the lab, in real time elsewhere."""
    us = microseconds("sleep", seconds)
    if in_lab.get():
        await Pause(us)
    else:
        import asyncio  # not at the top: the lab runs without it, and it takes long to load

        await asyncio.sleep(seconds)


def exponential(mean: float) -> ServiceTime:
    """Return a service time that is exponentially distributed, by inversion: -mean * ln(1 - u).

    >>> exponential(mean=0.5)(Random(1))
    0.0721...
    """
    microseconds("mean", mean)
    return lambda rng: -mean * math.log(1.0 - rng.random())


def uniform(low: float, high: float) -> ServiceTime:
    """Return a service time that is uniformly distributed between two numbers of seconds."""
    if microseconds("low", low) > microseconds("high", high):
        raise OptionError("low", low, f"give a number that is at most high={high!r}")
    return lambda rng: low + (high - low) * rng.random()
