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
    Term("command", "A message that tells somebody what to do. Exactly one handler must be there for it.",
         "SendEmail: nobody listens, and publish raises an error.", "02"),
    Term("envelope", "What is written around an event: its id, its source, its type, its time.",
         "Order 12345 travels as id 1, from checkout, of type order_placed.", "02"),
    Term("message", "An event (or a command) in its envelope: with an id, a time, and who published it.",
         "Message 1 carries the OrderPlaced of order 12345.", "00"),
    Term("fat event", "An event that carries all that its consumers need.",
         "OrderPlaced: the customer, the items, their prices.", "02"),
    Term("thin event", "An event that carries little more than an id. Whoever needs more must ask back.",
         "OrderNoted: the number 12345 and nothing else.", "02"),
    Term("validation", "To compare data with the types that were declared for it, and refuse what does not fit.",
         '"PROD1" where a whole number was declared: refused, with its place.', "02"),
    Term("group", "All consumers that share one queue. Each group gets its own copy of an event; one member takes it.",
         "Ann, Ben and Cleo are the group of packers: each order is packed by one of them.", "03"),
    Term("queue", "Where events wait for the members of a group. What one of them has taken is gone for the others.",
         "12 orders in the packers' queue make 12 parcels.", "03"),
    Term("broadcast", "Each subscriber is a group of its own, so each gets a copy of every event.",
         "Stock, card and e-mail each see order 12345.", "03"),
    Term("log", "A list of all events in order, kept after they were read. A new group may read it from the start.",
         "Analytics opens after 12 orders, and still counts all 12.", "03"),
    Term("routing", "How the bus finds the groups that an event goes to: by its type, or by a pattern of names.",
         'bus.subscribe("order_*", audit) gets OrderPlaced and OrderCounted.', "03"),
    Term("topic", "The name under which events are published and asked for. By default it is the type's name.",
         "OrderPlaced travels under order_placed.", "03"),
    Term("pattern", "A name with a * in it, which stands for any letters.",
         "order_* matches order_placed and order_counted.", "03"),
    Term("acked", "Done, and said so: the bus may forget this delivery.", "email acked order_placed 1", "00"),
    Term("delivery", "One message on its way to one group.", "Order 12345 makes five deliveries.", "00"),
    Term("in flight", "Taken up by a consumer, and not yet done.", "Payment is at it since 0.2 seconds.", "00"),
    Term("scenario", "A function that builds a bus and publishes to it; a panel runs it again and again.",
         "def one_order(until=0.6, pieces=2): ...", "00"),
    Term("redrive", "To hand a dead letter to its group once more.", 'bus.redrive("email")', "01"),
    Term("worker", "One who takes deliveries from a group's queue, one at a time.",
         "Two workers of payment charge two cards at once.", "04"),
    Term("cascade", "Events that cause events: what a handler returns is published in turn.",
         "OrderPlaced leads to PaymentCaptured, and that to ConfirmationSent.", "04"),
    Term("causation id", "On an envelope: the id of the message that led to this one.",
         "On PaymentCaptured it is 1, the id of OrderPlaced.", "04"),
    Term("correlation id", "On an envelope: the id of the first message of the story. All that follows carries it.",
         "All events of order 12345 carry correlation id 1.", "04"),
    Term("visibility timeout", "How long after a delivery was taken it comes back to the queue, if its worker is lost.",
         "A worker of payment is killed at 4 s; at 10 s its order is back in the queue.", "04"),
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
