"""Every schedule of a small system: each order in which things may happen, and a crash at each point that is reached.

A test tries some schedules. Here all are tried, so what no ending breaks is true of this system.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeAlias

from eda_lab.bus import EventBus
from eda_lab.errors import OptionError, check_whole
from eda_lab.faults import CrashPlan, Faults
from eda_lab.testing.fingerprint import Memories, Numbers, copies_of, fingerprint, processes_of, remembered
from eda_lab.testing.schedules import Choices, Ending, Exploration, Way

__all__ = ["Scenario", "explore", "play"]

Scenario: TypeAlias = Callable[..., tuple[EventBus, Callable[[], Hashable]]]


def explore(scenario: Scenario, *, crashing: int = 3, most: int = 100_000) -> Exploration:
    """Go through all schedules of a system, and return what they come to.

    `scenario(**options)` builds the system anew: a bus, made as `EventBus(**options)`, on which things wait to happen;
    and a function that tells, as a value with a hash, all that handlers and processes keep or read outside of the bus
    (databases, effects, lists). The first `crashing` attempts at each copy may crash, at each point that they reach;
    so may a process, that often in all. What comes after that runs unharmed, so all runs end. A crashed consumer is up
    again, and what it had in hand is back, at once (`down=0`, `visibility=0`), in any order with all else.

    States that have the same fingerprint go on alike, so each is gone on from once. Schedules are counted exactly, as
    paths through the graph of states. Raises `OptionError` where there are more than `most` states, or where the
    scenario is not the same each time.

    >>> from eda_lab import OrderPlaced, example_order
    >>> def scenario(**options):
    ...     bus, mails = EventBus(**options), []
    ...     bus.subscribe(OrderPlaced, lambda order: mails.append(order.customer_id), name="email")
    ...     bus.publish(example_order())
    ...     return bus, lambda: len(mails)
    >>> found = explore(scenario, crashing=1)
    >>> found
    <Exploration: 15 states, 16 transitions, 5 schedules, 2 endings>
    >>> twice = found.breaking(lambda ending: ending.world == 1)
    >>> play(scenario, twice.choices).trace.deliveries[0].error
    'crashed before ack'
    """
    check_whole("crashing", crashing)
    check_whole("most", most, 1)
    search = _Search(scenario, crashing)
    search.go(most)
    return Exploration(len(search.places), search.transitions, search.endings())


def play(scenario: Scenario, choices: Choices, *, crashing: int = 3) -> EventBus:
    """Run one schedule to its end, and return the bus: its trace can be read, drawn and played.

    Raises `OptionError` for a schedule of another system.
    """
    run = _Run(scenario, crashing, choices)
    while run.bus.clock.has_work():
        run.bus.run(max_events=1)
    if run.misfit is None and len(run.asked) < len(choices):
        run.misfit = f"there are {len(run.asked)} choices, and this schedule has {len(choices)}"
    if run.misfit is not None:
        raise OptionError("choices", choices, f"this schedule is of another system: {run.misfit}")
    return run.bus


class _Plan(CrashPlan):
    """Asks at each point whether to crash there. The crashes of a process are counted, as its attempts are not."""

    def __init__(self, run: _Run, process: str | None) -> None:
        super().__init__(())
        self._run, self._process = run, process

    def crashes_at(self, number: int, name: str) -> bool:  # noqa: ARG002 - any point will do
        crashes = self._run.ask(2) == 1
        if crashes and self._process is not None:
            self._run.crashed[self._process] += 1
        return crashes


class _Anywhere(Faults, frozen=True, kw_only=True):
    """Crashes wherever a run chooses to."""

    run: Any

    def where(self, seed: object, consumer: str, message: str, attempt: int, process: bool = False) -> CrashPlan | None:  # noqa: ARG002
        """Return a plan that may crash anywhere, unless this consumer has crashed often enough."""
        before = self.run.crashed[consumer] if process else attempt - 1
        return _Plan(self.run, consumer if process else None) if before < self.run.crashing else None


class _Run:
    """One run of a system, along given choices and then along the first of all that may be chosen."""

    def __init__(self, scenario: Scenario, crashing: int, choices: Choices) -> None:
        self.crashing, self._given = crashing, iter(choices)
        self.asked: list[tuple[int, int]] = []  # what was chosen, of how many
        self.crashed: Counter[str] = Counter()  # process -> how often
        self.misfit: str | None = None  # why the given choices cannot be made
        faults = _Anywhere(run=self, down=0)
        self.bus, self.world = scenario(schedule=self.ask, faults=faults, visibility=0.0)
        on_bus = self.bus._engine.faults
        if self.bus.clock.choose != self.ask or not isinstance(on_bus, _Anywhere) or on_bus.run is not self:
            raise OptionError("scenario", scenario, "let it make its bus with the options given: EventBus(**options)")

    def tell(self) -> Hashable:
        """Return what the world outside of the bus is like now."""
        world = self.world()
        try:
            hash(world)
        except TypeError:
            what = "let the scenario tell of its world as a value with a hash: text, numbers, and tuples of such"
            raise OptionError("world", world, what) from None
        return world

    def ask(self, number: int) -> int:
        """Choose one of so many."""
        chosen = next(self._given, 0)
        if not 0 <= chosen < number:  # nothing is raised here, inside a handler, as it would be its failure
            self.misfit = f"choice {len(self.asked)} is one of {number}, and this schedule has {chosen} there"
            chosen = 0
        self.asked.append((chosen, number))
        return chosen


class _Place:
    """A state of the system: how it was first come to, and where each thing that may happen next leads."""

    def __init__(self, choices: Choices, things: int, key: Hashable, memories: Memories) -> None:
        self.choices, self.things, self.key, self.memories = choices, things, key, memories
        self.next: Counter[Hashable] = Counter()  # key -> in how many ways
        self.ending: Ending | None = None


class _Search:
    """Goes through the states, those first that fewer things lead to."""

    def __init__(self, scenario: Scenario, crashing: int) -> None:
        self.scenario, self.crashing = scenario, crashing
        self.numbers, self.places, self.transitions = Numbers(), dict[Hashable, _Place](), 0

    def go(self, most: int) -> None:
        """Find all states, and the transitions between them."""
        run = self._run(())
        first = _Place((), 0, self._key(run, {}), {})
        self.places[first.key] = first
        waiting = deque([first])
        while waiting:
            place = waiting.popleft()
            for reached in self._steps(place):
                self.transitions += 1
                place.next[reached.key] += 1
                if reached.key not in self.places:
                    self.places[reached.key] = reached
                    waiting.append(reached)
            if len(self.places) > most:
                raise OptionError("most", most, "the system has more states than that: explore a smaller one")

    def _run(self, choices: Choices) -> _Run:
        return _Run(self.scenario, self.crashing, choices)

    def _key(self, run: _Run, memories: Memories) -> Hashable:
        crashes = tuple(sorted(run.crashed.items()))
        return fingerprint(run.bus, run.tell(), crashes, memories, self.numbers)

    def _steps(self, place: _Place) -> Iterator[_Place]:
        """Yield where each thing that may happen next leads, with a crash at each point on its way, and with none."""
        ahead: list[Choices] = [()]
        while ahead:
            chosen = ahead.pop()
            run = self._run(place.choices + chosen)
            run.bus.run(max_events=place.things)
            if not chosen:
                self._check(run, place)
            if not run.bus.clock.has_work():
                place.ending = Ending(run.tell(), copies_of(run.bus.columns))
                return
            before, read = processes_of(run.bus), (run.bus.clock.now_us, run.tell())
            run.bus.run(max_events=1)
            asked = run.asked[len(place.choices) :]
            path = tuple(choice for choice, _ in asked)
            for depth in range(len(chosen), len(asked)):
                others = range(asked[depth][1] - 1, 0, -1)
                ahead.extend((*path[:depth], other) for other in others)
            memories = remembered(before, run.bus, place.memories, read, self.numbers)
            yield _Place(place.choices + path, place.things + 1, self._key(run, memories), memories)

    def _check(self, run: _Run, place: _Place) -> None:
        same = len(run.asked) == len(place.choices) and self._key(run, place.memories) == place.key
        if not same:
            what = "the same choices led elsewhere: let it build everything anew, and use no chance of its own"
            raise OptionError("scenario", self.scenario, what)

    def endings(self) -> dict[Ending, Way]:
        """Return the endings, with the numbers of paths that lead to them by length."""
        entrances = Counter(key for place in self.places.values() for key in place.next)
        lengths: dict[Hashable, Counter[int]] = {key: Counter() for key in self.places}
        first = next(iter(self.places))
        lengths[first][0] = 1
        free, ended = [first], dict[Ending, tuple[_Place, Counter[int]]]()
        while free:
            place = self.places[free.pop()]
            so_far = lengths.pop(place.key)
            for key, ways in place.next.items():
                for length, number in so_far.items():
                    lengths[key][length + 1] += number * ways
                entrances[key] -= 1
                if not entrances[key]:
                    free.append(key)
            if place.ending is not None:
                shortest, total = ended.get(place.ending, (place, Counter()))
                shortest = min(shortest, place, key=lambda each: (each.things, each.choices))
                ended[place.ending] = (shortest, total + so_far)
        if lengths:  # what is left lies on a cycle, or behind one
            raise OptionError("scenario", self.scenario, "it comes back to where it was, and so may go on for ever")
        return {ending: Way(place.choices, dict(sorted(total.items()))) for ending, (place, total) in ended.items()}
