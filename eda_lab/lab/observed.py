"""What the lab's bus tells of its run, and to whom: the trace, those who watch it, and those who get it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from eda_lab.events import Message
from eda_lab.lab.engine import Engine
from eda_lab.roles import replay_table
from eda_lab.routing import GroupInfo

if TYPE_CHECKING:
    from eda_lab.table import Table
    from eda_lab.trace import Trace

__all__ = ["Observed", "Recorder"]


class Recorder(Protocol):
    """What keeps all that a bus publishes: an `EventStore`."""

    def record(self, bus: Any) -> object:
        """Append everything that a bus publishes, before any handler has it."""


class Observed:
    """The half of `EventBus` that is there for who looks at it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.clock, self.columns = engine.clock, engine.columns

    @cached_property
    def trace(self) -> Trace:
        """What happened so far. Its module is loaded when it is first asked for, so that the bus is quick to load."""
        from eda_lab.trace import Trace

        return Trace(self.columns, self._infos, self._standing)

    def _infos(self) -> tuple[GroupInfo, ...]:
        return tuple(group.info for group in self._engine.groups.values() if not group.closed)

    def _standing(self) -> dict[str, Any]:
        return {name: group.standing for name, group in self._engine.groups.items()}

    def watch(self, watcher: Callable[[Message], object]) -> Callable[[], None]:
        """Hand each message to a watcher, before any handler has it: what was published so far, and what comes.

        Return what ends this. A watcher is no handler: what it raises is raised by `publish` or `run`, and nobody gets
        that message.
        """
        for message in self.trace.messages:
            if message.position is None:  # what a store handed out again was not published here
                watcher(message)
        return self._engine.watchers.add(watcher)

    def replay(self, messages: Iterable[Message], *, side_effects: bool = False) -> Table:
        """Queue messages that were published once for projectors again, and with `side_effects` for all groups.

        They work in `run`. What they return is not published: it was published then. A group is a projector if all its
        handlers are.
        """
        groups = self._engine.groups
        counts = dict.fromkeys((name for name, group in groups.items() if not group.closed), 0)
        projects = {name: all(s.spec.projects for s in groups[name].subscriptions) for name in counts}
        chosen = {name for name in counts if projects[name] or side_effects}
        for message in messages:
            for name in self._engine.enter_again(message, chosen):
                counts[name] += 1
        return replay_table([(name, projects[name], count) for name, count in counts.items()], side_effects)
