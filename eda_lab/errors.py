"""Everything that can go wrong, by name: one root, and a child for each kind of mistake.

Each error is one sentence that says what is wrong and what to do; the facts are attributes.
"""

from __future__ import annotations

__all__ = [
    "CascadeLimitError",
    "CommandRoutingError",
    "DuplicateNameError",
    "EdaLabError",
    "EndlessResultError",
    "HandlerError",
    "HandlerResultError",
    "IdempotencyKeyError",
    "LabAwaitError",
    "MalformedEventError",
    "NestedTransactionError",
    "NotAnEventError",
    "OptionError",
    "SettledError",
    "UnknownEventTypeError",
    "check_whole",
    "one_line",
    "shown",
]


def one_line(text: str, width: int) -> str:
    """Return a text as one line of at most `width` characters, control characters written out."""
    head = text[: width + 1]  # more of it cannot be seen, and it may be millions of characters
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in head)
    return line if len(line) <= width else line[: width - 1] + "…"


def shown(thing: object) -> str:
    """Return any object as an error shows it: its `repr` in one short line, or its type where it has none to give."""
    try:
        return one_line(repr(thing), 60)
    except Exception:  # noqa: BLE001 - an object that cannot even be shown is still to be complained about
        return f"<{type(thing).__name__}>"


class EdaLabError(Exception):
    """The root of all errors that this package raises by itself. What it says is always one line."""

    def __init__(self, what: str) -> None:
        super().__init__(one_line(what, 500))


class OptionError(EdaLabError):
    """An option is unknown, or its value cannot be used.

    Attributes: `option`, the name of the option; `value`, what was given.
    """

    def __init__(self, option: str, value: object, what_to_do: str) -> None:
        super().__init__(f"{one_line(option, 60)}={shown(value)}: {what_to_do}")
        self.option = option
        self.value = value


def check_whole(option: str, value: object, least: int = 0) -> None:
    """Raise `OptionError` unless a value is a whole number of at least so many."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise OptionError(option, value, f"give a whole number of at least {least}")


class NotAnEventError(EdaLabError):
    """What was published (or returned by a handler) is no event.

    Attribute: `given`, the object.
    """

    def __init__(self, given: object, what_to_do: str) -> None:
        super().__init__(what_to_do)
        self.given = given


class MalformedEventError(EdaLabError):
    """An event cannot be written, or what was read is no such event.

    Attributes: `path`, the place of the fault (`$.data.items[0].quantity`); `reason`, what is wrong there.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{one_line(reason, 300)} - at {path}")
        self.path = path
        self.reason = reason


class UnknownEventTypeError(EdaLabError):
    """No class in this program carries that type name.

    Attribute: `type`, the name that was asked for.
    """

    def __init__(self, name: str, close: str | None = None) -> None:
        hint = f"did you mean {close!r}?" if close else "define a class for it, or use the message's plain .data"
        super().__init__(f"no event class is called {shown(name)} here: {hint}")
        self.type = name


class HandlerError(EdaLabError):
    """The object cannot serve as a handler: it is not callable, or takes the wrong arguments.

    Attribute: `handler`, the object.
    """

    def __init__(self, handler: object, what_to_do: str) -> None:
        super().__init__(what_to_do)
        self.handler = handler


class HandlerResultError(EdaLabError):
    """A handler returned something that is no event.

    Attributes: `handler`, its name; `result`, what it returned.
    """

    def __init__(self, handler: str, result: object) -> None:
        kind = "the class" if isinstance(result, type) else type(result).__name__
        order = ", which has no order" if isinstance(result, (set, frozenset)) else ""
        what_to_do = "a handler returns nothing, an event, or an iterable of events"
        super().__init__(f"{handler} returned {kind} {shown(result)}{order}: {what_to_do}")
        self.handler = handler
        self.result = result


class EndlessResultError(EdaLabError):
    """A handler's result does not come to an end, or not before a limit.

    Attributes: `handler`, its name; `limit`, the number of events that one result may have.
    """

    def __init__(self, handler: str, limit: int) -> None:
        super().__init__(f"{handler} returned more than {limit:,} events at once: let its generator come to an end")
        self.handler = handler
        self.limit = limit


class LabAwaitError(EdaLabError):
    """An `async def` handler awaited something that the simulated clock cannot wait for.

    Attribute: `awaited`, what it was.
    """

    def __init__(self, awaited: object) -> None:
        super().__init__(
            f"the lab cannot wait for {type(awaited).__name__}: in a handler await only eda_lab.sleep(seconds), "
            "which waits on the simulated clock here and in real time on a live bus"
        )
        self.awaited = awaited


class DuplicateNameError(EdaLabError):
    """A subscription or a process of that name exists already.

    Attribute: `name`.
    """

    def __init__(self, name: str, what_to_do: str) -> None:
        super().__init__(f"{shown(name)} is taken: {what_to_do}")
        self.name = name


class CommandRoutingError(EdaLabError):
    """A command must have exactly one group that handles it.

    Attributes: `type`, the command's type name; `groups`, the names of those that would get it.
    """

    def __init__(self, name: str, groups: tuple[str, ...]) -> None:
        who = f"{len(groups)} groups listen ({', '.join(groups)})" if groups else "nobody listens"
        super().__init__(f"the command {name!r} needs exactly one handler, but {who}")
        self.type = name
        self.groups = groups


class SettledError(EdaLabError):
    """A delivery was acked, nacked or rejected where that is not the handler's to do, or twice.

    Attributes: `consumer`, its name; `how`, what it tried.
    """

    def __init__(self, consumer: str, how: str, why: str) -> None:
        super().__init__(f"{consumer} cannot {how} this delivery: {why}")
        self.consumer = consumer
        self.how = how


class IdempotencyKeyError(EdaLabError):
    """An idempotency key came again with another call than the one that it was first given for.

    Attributes: `key`; `first` and `now`, the two calls as text.
    """

    def __init__(self, key: str, first: str, now: str) -> None:
        calls = f"was given for {one_line(first, 60)}, and now comes with {one_line(now, 60)}"
        super().__init__(f"the key {shown(key)} {calls}: use one key for each thing that is to be done once")
        self.key = key
        self.first = first
        self.now = now


class NestedTransactionError(EdaLabError):
    """A handler is in a transaction already, and began another one on the same database.

    Attribute: `what`, the kind of database.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"this {what} is in a transaction already: use the one that the handler was given")
        self.what = what


class CascadeLimitError(EdaLabError):
    """Events cause one another without end.

    Attributes: `cycle`, the type names that go round; `limit`, the number of generations that was reached.
    """

    def __init__(self, cycle: tuple[str, ...], limit: int) -> None:
        super().__init__(
            f"after {limit} generations events still cause events: {' -> '.join([*cycle, cycle[0]])}; "
            "let one of these handlers return nothing, or later(seconds, event) if it is meant to go on"
        )
        self.cycle = cycle
        self.limit = limit
