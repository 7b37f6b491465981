"""`progress`: how far a learner has come. What they did is an event log, and the bar is a projection of it.

The log is a file of CloudEvents, one a line, in the learner's home folder. Deleting it loses nothing else.
"""

from __future__ import annotations

import html
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from eda_lab.course.exercises import EXERCISES
from eda_lab.errors import MalformedEventError
from eda_lab.events import Event, Message, type_name
from eda_lab.table import Table
from eda_lab.wire import decode, encode

__all__ = ["ExerciseChecked", "HelpShown", "Progress", "QuestionGuessed", "happened", "log_file", "progress"]

VARIABLE = "EDA_LAB_PROGRESS"  # names another file


class QuestionGuessed(Event):
    """The learner answered a question before the run."""

    question: str
    right: bool


class ExerciseChecked(Event):
    """The learner had an answer to an exercise checked."""

    exercise: str
    passed: bool


class HelpShown(Event):
    """The learner opened a hint (1 to 3) or, as step 0, the solution."""

    exercise: str
    step: int


def log_file() -> Path:
    """Return where the log is kept."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path.home() / ".eda_lab" / "progress.jsonl"


def happened(event: Event) -> None:
    """Add an event to the log. Where it cannot be written the lesson goes on, and `progress` says why it is missing."""
    now, kind = time.time(), type_name(type(event))
    message = Message(id=f"{kind}-{time.time_ns()}", source="learner", type=kind, time=now, data=event)
    try:
        log_file().parent.mkdir(parents=True, exist_ok=True)
        with log_file().open("ab") as log:
            log.write(encode(message) + b"\n")
    except OSError as error:
        _trouble[:] = [f"Not kept: {log_file()} cannot be written ({error.strerror or error})."]
    else:
        _trouble.clear()


_trouble: list[str] = []


def _read() -> Iterator[Event | None]:
    """Yield the events of the log, and None for a line that is none."""
    try:
        lines = log_file().read_bytes().splitlines()
    except OSError:  # there is no log yet, or none that this person may read
        return
    for line in lines:
        try:
            event = decode(line).data
        except MalformedEventError:
            event = None
        yield event if isinstance(event, (QuestionGuessed, ExerciseChecked, HelpShown)) else None


class _Lesson(msgspec.Struct):
    guess: str = "-"
    exercise: str = "-"
    tries: int = 0
    hints: int = 0
    solution: bool = False


class Progress:
    """How far a learner has come: a row for each lesson, and the share of exercises that were passed."""

    def __init__(self, exercises: Iterable[str], events: list[Event | None], trouble: list[str]) -> None:
        self._lessons = {name[:2]: _Lesson() for name in exercises}
        self.unread = events.count(None)
        for event in events:
            if event is not None:
                self._apply(event)
        self._trouble = trouble

    def _apply(self, event: Event) -> None:
        if isinstance(event, QuestionGuessed):
            self._lesson(event.question).guess = "right" if event.right else "surprised"
        elif isinstance(event, ExerciseChecked):
            lesson = self._lesson(event.exercise)
            if lesson.exercise != "passed":
                lesson.tries += 1
                lesson.exercise = "passed" if event.passed else "not yet"
        elif isinstance(event, HelpShown):
            lesson = self._lesson(event.exercise)
            lesson.hints = max(lesson.hints, event.step)
            lesson.solution = lesson.solution or event.step == 0

    def _lesson(self, name: str) -> _Lesson:
        return self._lessons.setdefault(name[:2], _Lesson())

    @property
    def passed(self) -> int:
        """The number of lessons whose exercise was passed."""
        return sum(lesson.exercise == "passed" for lesson in self._lessons.values())

    @property
    def table(self) -> Table:
        """A row for each lesson."""
        rows = [
            (name, x.guess, x.exercise, x.tries, x.hints, "yes" if x.solution else "no")
            for name, x in sorted(self._lessons.items())
        ]
        return Table(["lesson", "guess", "exercise", "tries", "hints", "saw the solution"], rows)

    @property
    def _words(self) -> list[str]:
        unread = [f"{self.unread} lines of the log could not be read, and are left out."] if self.unread else []
        return [f"{self.passed} of {len(self._lessons)} exercises passed.", *unread, *self._trouble]

    def __repr__(self) -> str:
        return "\n".join([repr(self.table), *self._words])

    def _repr_html_(self) -> str:
        share = f'<progress max="{len(self._lessons)}" value="{self.passed}" aria-label="exercises passed"></progress>'
        words = html.escape(" ".join(self._words))
        return f"{self.table._repr_html_()}<p>{share} {words} The log is {html.escape(str(log_file()))}.</p>"


def progress() -> Progress:
    """Return how far you have come, replayed from the log of what you did."""
    return Progress(EXERCISES, list(_read()), list(_trouble))
