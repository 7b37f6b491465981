"""Exercise 09-test, a learner's test is tried on each shipping service: several times, in an order drawn from a seed.

It sees what opens a service, and not which one. What it changes on the classes of the lab is put back.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from eda_lab.attempt import describe
from eda_lab.course.exercises.shippings import Event, Open, Opened
from eda_lab.database import Database
from eda_lab.effects import Parcel, ParcelDesk
from eda_lab.errors import shown

__all__ = ["ROUNDS", "OpenShipping", "Trial"]

ROUNDS = 3  # times that the test is tried on each service
Test = Callable[[Any], Any]


class OpenShipping:
    """What opens a service, and tells nothing of it: all look alike. `got` is filled with the events that it gets."""

    __slots__ = ("__got", "__open")

    def __init__(self, opens: Open, got: list[Any]) -> None:
        self.__open, self.__got = opens, got

    def __call__(self, desk: ParcelDesk) -> Opened:
        """Open it, with a database of its own."""
        if not isinstance(desk, ParcelDesk):
            made = type(desk).__name__
            what = f"open_shipping(desk) needs a ParcelDesk, and got a {made}"
            raise TypeError(f"{what}: if it is a class of yours, begin it with class {made}(ParcelDesk)")
        handler, got = self.__open(desk, Database(placed={}, paid={}, asked={})), self.__got
        got.clear()

        def shipping(event: Event) -> Any:
            got.append(event)
            return handler(event)

        return shipping

    def __repr__(self) -> str:
        return "open_shipping"


class Trial:
    """What became of a test: `refused` says for each service why the test failed, as often as it did.

    `returned` is what it returned, if anything; `changed` is what it changed on the classes of the lab.
    """

    def __init__(self, answer: Test, services: Iterable[Open]) -> None:
        self.refused: dict[Open, list[str]] = {each: [] for each in services}
        self.returned: str | None = None
        self.changed: list[str] = []
        rng = Random("09-test")
        for _ in range(ROUNDS):
            for opens in sorted(self.refused, key=lambda _: rng.random()):
                with _put_back(self.changed):
                    self._try(answer, opens)

    def _try(self, answer: Test, opens: Open) -> None:
        got: list[Any] = []
        try:
            result = answer(OpenShipping(opens, got))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a test may fail with anything, as pytest's own do
            after = ", ".join(type(event).__name__ for event in got)
            after = f", after shipping got {after}" if after else ""
            self.refused[opens].append(f"{describe(error)}{_line(answer, error)}{after}")
        else:
            self.returned = self.returned if result is None else shown(result)


@contextmanager
def _put_back(changed: list[str]) -> Iterator[None]:
    """Undo at the end what was changed on the parcel desk's classes, and name it in `changed`."""
    before = {each: dict(vars(each)) for each in (Parcel, *ParcelDesk.__mro__[:-1])}
    try:
        yield
    finally:
        for owner, parts in before.items():
            now = dict(vars(owner))
            for name in {**parts, **now}:
                if name not in parts:
                    delattr(owner, name)
                elif name not in now or now[name] is not parts[name]:
                    setattr(owner, name, parts[name])
                else:
                    continue
                changed.append(f"{owner.__name__}.{name}")


def _line(answer: Test, error: BaseException) -> str:
    """Return the line of the learner's test at which it failed."""
    code, place, found = getattr(answer, "__code__", None), error.__traceback__, ""
    while code is not None and place is not None:
        if place.tb_frame.f_code is code:
            text = linecache.getline(code.co_filename, place.tb_lineno).strip()
            found = f' at "{text}"' if text else f" in line {place.tb_lineno - code.co_firstlineno + 1} of your test"
        place = place.tb_next
    return found
