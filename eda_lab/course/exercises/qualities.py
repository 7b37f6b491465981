"""What makes an event a good one, as far as a program can tell: its name, whether it can be changed, what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import msgspec

from eda_lab.events import type_name

__all__ = ["changeable", "differences", "name_fault"]

# Forms that do not end in -ed, and words in -ed that are no past tense.
PAST = {
    *("sold", "bought", "sent", "paid", "made", "taken", "given", "done", "gone", "begun", "met", "left", "spoken"),
    *("came", "heard", "rung", "written", "built", "kept", "found", "read", "chosen", "won", "lost", "held", "told"),
}
NOT_PAST = {"need", "feed", "seed", "speed", "proceed", "exceed", "succeed", "embed", "red", "bed", "indeed"}
# A name with one of these asks for something, whatever its tense.
ASKING = {"requested", "needed", "wanted", "required", "commanded", "expected", "demanded", "asked"}
ORDERS = {"send", "notify", "create", "do", "handle", "make", "please", "publish", "take", "tell"}
DEEPEST = 20


def name_fault(cls: type) -> str:
    """Return what is wrong with the name of an event class: a thing, then a verb in the past. Empty if nothing is.

    >>> class SendEmail: ...
    >>> name_fault(SendEmail)
    "SendEmail: 'send' tells somebody what to do"
    """
    name, words = cls.__name__, [word for word in type_name(cls).split("_") if word]
    if words[-1:] == ["event"]:
        words.pop()
    if not words:
        return f"{name} says nothing"
    if words[0] in ORDERS:
        return f"{name}: {words[0]!r} tells somebody what to do"
    if asking := ASKING.intersection(words):
        return f"{name}: {min(asking)!r} asks for something"
    last = words[-1]
    if last not in PAST and (not last.endswith("ed") or last in NOT_PAST):
        return f"{name} does not end in a verb in the past, such as Placed or Sold"
    return "" if len(words) > 1 else f"{name} does not say what it was that was {last}"


def changeable(thing: Any, path: str = "$", depth: int = 0) -> list[str]:
    """Return the places of an event that can be changed, found by assigning to each field what it holds already."""
    if thing is None or isinstance(thing, (str, bytes, int, float, Enum)) or depth > DEEPEST:
        return []
    if isinstance(thing, (tuple, frozenset)):
        return [place for n, part in enumerate(thing) for place in changeable(part, f"{path}[{n}]", depth + 1)]
    if isinstance(thing, (list, dict, set, bytearray)):
        return [f"{path} (a {type(thing).__name__})"]
    found = []
    for name in _fields(thing):
        value = getattr(thing, name)
        try:
            setattr(thing, name, value)
        except Exception:  # noqa: BLE001 - whatever it raises, it refuses
            found += changeable(value, f"{path}.{name}", depth + 1)
        else:
            found.append(f"{path}.{name}")
    return found


def _fields(thing: Any) -> list[str]:
    if isinstance(thing, msgspec.Struct):
        return list(thing.__struct_fields__)
    return [field.name for field in fields(thing)] if is_dataclass(thing) else list(getattr(thing, "__dict__", ()))


def differences(one: Any, other: Any, path: str = "$") -> list[str]:
    """Return the paths at which two JSON values differ.

    >>> differences({"a": [1, 2]}, {"a": [1, 3]})
    ['$.a[1]']
    """
    return list(_differences(one, other, path))


def _differences(one: Any, other: Any, path: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            if key in one and key in other:
                yield from _differences(one[key], other[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, f"{path}[{number}]")
    elif one != other:
        yield path
