"""What a handler is for: a projector builds a view of what happened, a reactor acts on the world because of it.

Who replays a log runs projectors again, to build the view anew. Reactors are left out: no second e-mail is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any, TypeVar

from eda_lab.errors import HandlerError, shown

if TYPE_CHECKING:
    from eda_lab.table import Table

__all__ = ["is_projector", "projector", "reactor", "replay_table"]

F = TypeVar("F", bound=Callable[..., Any])
_ROLE = "eda_role"


def projector(handler: F) -> F:
    """Mark a handler, or a class of consumers, as one that only builds a view: a replay runs it again.

    >>> total = [0]
    >>> @projector
    ... def count(order):
    ...     total[0] += 1
    >>> is_projector(count), is_projector(print)
    (True, False)
    """
    return _mark(handler, "projector")


def reactor(handler: F) -> F:
    """Mark a handler, or a class of consumers, as one that acts on the world: a replay leaves it out.

    So it is with a handler that is not marked: that a view is missing is noticed, and a second charge cannot be undone.
    """
    return _mark(handler, "reactor")


def _mark(handler: F, role: str) -> F:
    if isinstance(handler, MethodType):
        raise HandlerError(handler, f"put @{role} right above the def of {handler.__name__}, or above its class")
    try:
        setattr(handler, _ROLE, role)
    except (AttributeError, TypeError):
        raise HandlerError(handler, f"{shown(handler)} cannot be marked: put @{role} above a def or a class") from None
    return handler


def is_projector(handler: Any) -> bool:
    """Whether a handler is marked as a projector: itself, its class, or (of a consumer) each of its methods."""
    while isinstance(handler, partial) and not hasattr(handler, _ROLE):
        handler = handler.func
    role = getattr(handler, _ROLE, None)
    if role is None:
        cls = handler if isinstance(handler, type) else type(handler)
        methods = [getattr(cls, name) for name in dir(cls) if hasattr(getattr(cls, name, None), "eda_topics")]
        return bool(methods) and all(getattr(method, _ROLE, None) == "projector" for method in methods)
    return bool(role == "projector")


def replay_table(rows: Iterable[tuple[str, bool, int]], side_effects: bool) -> Table:
    """Return the table of a replay: of each handler its name, whether it is a projector, and how much it got."""
    from eda_lab.table import Table  # not before somebody asks for it, so that the buses are quick to load

    kinds = {True: "projector", False: "reactor"}
    told = {True: "", False: "left out: side_effects=True runs it"}
    return Table(
        ["handler", "is a", "events", "note"],
        [(name, kinds[projects], count, told[projects or side_effects]) for name, projects, count in rows],
    )
