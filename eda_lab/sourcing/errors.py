"""What can go wrong between what is stored and what a program makes of it: old events, and read models."""

from __future__ import annotations

from eda_lab.errors import EdaLabError, one_line, shown
from eda_lab.events import Message

__all__ = ["ProjectionError", "SnapshotError", "UpcastError"]


class UpcastError(EdaLabError):
    """A stored event cannot be read as one of today. The store is as it was.

    Attributes: `type`; `dataversion`, that of the stored event; `known`, the one that it is wanted in; `position` in
    the store, None for a message from elsewhere; `reason`.
    """

    def __init__(self, message: Message, known: int, reason: str) -> None:
        where = f" at position {message.position}" if message.position is not None else ""
        what = f"{one_line(message.type, 60)} of version {message.dataversion}{where}"
        super().__init__(f"{what} cannot be read as version {known}: {reason}")
        self.type, self.dataversion, self.known = message.type, message.dataversion, known
        self.position, self.reason = message.position, reason


class SnapshotError(EdaLabError):
    """A state cannot be kept as a snapshot, as it would not come back as it is. The events are all there.

    Attributes: `state`; `reason`.
    """

    def __init__(self, state: object, reason: str) -> None:
        what_to_do = "give state_type=, or a state of plain values and typed classes"
        super().__init__(f"no snapshot can be kept of {shown(state)}: {one_line(reason, 200)} ({what_to_do})")
        self.state, self.reason = state, reason


class ProjectionError(EdaLabError):
    """A read model cannot be kept by this projection. It is as it was.

    Attributes: `name` of the projection; `reason`.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"the projection {shown(name)}: {reason}")
        self.name, self.reason = name, reason
