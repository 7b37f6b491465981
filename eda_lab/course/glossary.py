"""The words of the course: what each means, an example from the shop, and the lesson where it is met."""

from __future__ import annotations

import difflib
import html

import msgspec

from eda_lab.errors import OptionError

__all__ = ["Term", "glossary"]


class Term(msgspec.Struct, frozen=True):
    """One word of the field."""

    word: str
    meaning: str
    example: str
    lesson: str

    def __repr__(self) -> str:
        return f"{self.word}: {self.meaning}\nIn the shop: {self.example}\nLesson: {self.lesson}"

    def _repr_html_(self) -> str:
        word, meaning, example = html.escape(self.word), html.escape(self.meaning), html.escape(self.example)
        return f"<p><b>{word}</b>: {meaning}</p><p>In the shop: {example} (lesson {html.escape(self.lesson)})</p>"


_TERMS = [
    Term("event", "A fact: something that has happened. Its name is in the past tense, and it never changes.",
         "OrderPlaced: order 12345 was placed.", "00"),
    Term("producer", "Who publishes events. It knows no consumer.", "The checkout publishes OrderPlaced.", "00"),
    Term("bus", "What stands between producers and consumers: it takes events and hands each to all who listen.",
         "The EventBus of these lessons; Kafka, RabbitMQ and Redis in the world.", "00"),
    Term("consumer", "Who receives events and reacts.", "The e-mail service sends a confirmation.", "00"),
    Term("publish", "To hand an event to the bus.", "bus.publish(order)", "00"),
    Term("subscribe", "To tell the bus what to hand to a handler.",
         "bus.subscribe(OrderPlaced, send_confirmation)", "00"),
    Term("handler", "The function that a consumer runs for each event.",
         "def send_confirmation(order): ...", "01"),
    Term("coupling", "How much one part must know of another, and suffer from it.",
         "A checkout that calls the mail server fails when the mail server does.", "01"),
    Term("isolation", "A failure in one consumer reaches no other, and not the producer.",
         "The mail server is down; stock, card, parcel and statistics are untouched.", "01"),
    Term("dead letter", "A message that a consumer gave up on, kept with the reason, so that nothing is lost.",
         "The confirmation of order 12345, after the mail server was down.", "01"),
    Term("simulated time", "The lab's own clock. It jumps from one thing that happens to the next.",
         "A payment that takes 0.5 s is over at once, and the trace says 0.5 s.", "00"),
    Term("trace", "What the bus wrote down while it ran. Every picture is drawn from it.",
         "bus.trace.transcript()", "00"),
]  # fmt: skip
_BY_WORD = {term.word: term for term in _TERMS}


def glossary(word: str | None = None) -> Term | tuple[str, ...]:
    """Return what a word means; without a word, all the words.

    >>> glossary("event")
    event: A fact: something that has happened. Its name is in the past tense, and it never changes.
    In the shop: OrderPlaced: order 12345 was placed.
    Lesson: 00
    """
    if word is None:
        return tuple(_BY_WORD)
    term = _BY_WORD.get(word.strip().lower().replace("-", " "))
    if term is None:
        close = difflib.get_close_matches(word.lower(), _BY_WORD, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"the words are {', '.join(_BY_WORD)}"
        raise OptionError("word", word, hint)
    return term
