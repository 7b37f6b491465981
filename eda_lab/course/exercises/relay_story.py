"""Exercise 10-relay, its words: what became of the rows of a day, told to the one who wrote the relay."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from eda_lab.course.exercise import Finding
from eda_lab.course.exercises.relay_days import SOON, Run
from eda_lab.errors import shown
from eda_lab.events import Message
from eda_lab.outbox import OutboxRow

__all__ = ["Story"]

# Where a relay or a checkout crashed, as somebody says it who has written a relay.
_POINTS = {
    "before publish": "right before it published",
    "after publish": "right after it published",
    "before db.commit": "right before its {mark}",
    "after db.commit": "right after its {mark}",
}


class Story:
    """What became of the rows of a day, and how it is told."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.rows = {row.number: row for row in run.rows}
        self.copies: dict[int, list[Message]] = {}  # number of a row -> the messages that carried it, in order
        self.strange: list[Message] = []
        for message in run.bus.trace.messages:
            if message.source != "relay":
                continue
            row = self._row_of(message)
            if row is None:
                self.strange.append(message)
            else:
                self.copies.setdefault(row, []).append(message)
        self._order = list(self.copies)  # the rows by their first publication
        self.extra = sum(len(copies) - 1 for copies in self.copies.values())
        self.crashes = run.starts - 1
        self.shared = next(iter(self._shared()), ())

    def _row_of(self, message: Message) -> int | None:
        """Return the row of an event: that from which it was handed out, or else one with an equal event."""
        if id(message.data) in self.run.handed:
            row = self.run.handed[id(message.data)][0]
            return row if row in self.rows else None
        equal = [number for number, row in self.rows.items() if row.event == message.data]
        return next((number for number in equal if number not in self.copies), equal[-1] if equal else None)

    def _shared(self) -> Iterator[tuple[str, int, int]]:
        first: dict[str, int] = {}
        for row, copies in self.copies.items():
            for message in copies:
                if first.setdefault(message.id, row) != row:
                    yield message.id, first[message.id], row

    @property
    def in_order(self) -> bool:
        """Whether the events came out first in the order of their rows."""
        return self._order == sorted(self._order)

    def late(self, row: OutboxRow) -> bool:
        """Whether a row was published long after it came; each crash takes a second of its own."""
        copies = self.copies.get(row.number, [])
        return bool(copies) and copies[0].time - self.run.came[row.number] > SOON + self.crashes

    def ids(self, row: OutboxRow) -> list[str]:
        """Return the different ids under which a row was published."""
        return list(dict.fromkeys(message.id for message in self.copies.get(row.number, [])))

    def finding(self, what: str, rows: list[OutboxRow], say: Callable[[OutboxRow], str]) -> Finding:
        """Return a finding that there is no such row, or the story of the first."""
        if not rows:
            return Finding(what, True)
        others = f", and {len(rows) - 1} more" if len(rows) > 1 else ""
        return Finding(what, False, f"row {rows[0].number}{others}: {say(rows[0])}")

    @property
    def crashed(self) -> str:
        """Who crashed where, and when."""
        notes = [(us, who, what) for us, who, what in self.run.bus.columns.notes if what.startswith("crashed")]
        said = [f"{who} crashed {_point(who, what)} at {us / 1e6:g} s" for us, who, what in notes[:2]]
        if not said:
            return "; nothing crashed on this day"
        return f"; {' and '.join(said)}{', and more crashes came' if len(notes) > 2 else ''}"

    @property
    def _forgot(self) -> str:
        """Say of an id what has changed it, as the row has not."""
        if self.run.asked:
            called = " and ".join(f"{name}(...)" for name in sorted(self.run.asked))
            return f"; {called} gives other numbers in another process, and so after a crash"
        return self.crashed if self.crashes else ""

    def told_missing(self, row: OutboxRow) -> str:
        """Say of a row that was never published how it stands."""
        if not row.sent:
            return (
                f"it is pending, and was never published; your relay was called {_times(self.run.starts)}{self.crashed}"
            )
        equal = self._equal(row)
        why = f"; row {equal} holds an equal event, and both count" if equal else self.crashed
        return f"it is marked as sent, and was never published{why}"

    def told_late(self, row: OutboxRow) -> str:
        """Say of a row that was published late how late it was."""
        came, went = self.run.came[row.number], self.copies[row.number][0].time
        return f"it came at second {came:g}, and was published only at second {went:g}: your relay is too slow"

    def told_pending(self, row: OutboxRow) -> str:
        """Say of a row that was published and not marked what follows."""
        often = _times(len(self.copies[row.number]))
        return f"it was published {often}, and is still not marked as sent{self.crashed}"

    def told_unequal(self, row: OutboxRow) -> str:
        """Say under which ids the copies of a row went out."""
        ids = self.ids(row)
        said = f"{', then '.join(ids[:3])}{' and so on' if len(ids) > 3 else ''}"
        why = "an inbox takes these for different events; row.id stays the same"
        return f"it was published as {said}: {why}{self._forgot}"

    @property
    def told_end(self) -> str:
        """Say when the relay came to its end."""
        if self.run.ended is None:
            return ""
        return f"your relay came to its end at {self.run.ended:g} s, and nobody calls it again"

    @property
    def told_strange(self) -> str:
        """Say what was published that is no event of the outbox."""
        return f"it published {shown(self.strange[0].data)}, which no row holds" if self.strange else ""

    @property
    def told_order(self) -> str:
        """Say in which order the rows were published."""
        rows = ", ".join(map(str, self._order[:6]))
        return f"the rows were published in this order: {rows}{self.crashed}"

    @property
    def told_extra(self) -> str:
        """Say how many repeats there were for so many crashes."""
        most = max(self.copies, key=lambda row: len(self.copies[row]), default=0)
        often = len(self.copies.get(most, ()))
        crashed = f"crashed {_times(self.crashes)}" if self.crashes else "never crashed"
        repeated = "1 event" if self.extra == 1 else f"{self.extra} events"
        stopped = ", and was stopped" if self.run.stopped else ""
        return (
            f"your relay {crashed}, and repeated {repeated}{stopped}; "
            f"row {most} alone was published {_times(often)}{self.crashed}"
        )

    @property
    def told_shared(self) -> str:
        """Say which two rows went out under one id."""
        if not self.shared:
            return ""
        id, first, second = self.shared
        why = self._forgot
        if self._equal(self.rows[second]) == first:
            why = "; their events are equal, and both count"
        elif self.crashes and not self.run.asked:
            why += ", and what it counted in a variable began again"
        return f"rows {first} and {second} were both published as {id}: an inbox would skip the second as a repeat{why}"

    def _equal(self, row: OutboxRow) -> int | None:
        """Return the first other row that holds an equal event."""
        others = (other for other in self.run.rows if other.number != row.number)
        return next((other.number for other in others if other.event == row.event), None)


def _point(who: str, what: str) -> str:
    name = what.removeprefix("crashed ")
    return _POINTS.get(name, name).format(mark="mark" if who == "relay" else "commit")


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")
