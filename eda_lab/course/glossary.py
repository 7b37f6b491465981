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
    Term("ack", "The consumer's word to the bus for one delivery: done, forget it. Short for acknowledgement.",
         'delivery.ack(), or the bus does it: ack="after".', "05"),
    Term("crash point", "A place in a handler's work where a crash makes a difference: before the charge, or after it.",
         'Crash("payment", "1", 1, "after card.charge")', "05"),
    Term("at most once", "The ack comes before the work: a crash may lose an order, but nothing is repeated.",
         "Order 12345 is acked, payment crashes, and nobody charges the card.", "05"),
    Term("at least once", "The ack comes after the work: nothing is lost, but a crash may repeat the work.",
         "The card is charged, payment crashes, and the order comes back: a second charge.", "05"),
    Term("idempotent", "Done twice, it is as if it was done once: a repeat does no harm.",
         "Order 12345 comes twice, and its two pieces leave the stock once.", "06"),
    Term("transaction", "Changes to one database that happen together: all of them, or none.",
         "with db.transaction(): two pieces leave the stock, and the order is marked as done.", "06"),
    Term("inbox", "A table in the consumer's own database, with a mark for each message that it has done.",
         "Message 1 is marked. It comes again, and inventory skips it.", "06"),
    Term("idempotency key", "A text that goes with a request to somebody else. The same key again does nothing new.",
         'card.charge("12345", 5000, key="1"), twice: one charge.', "06"),
    Term("exactly once", "What a delivery cannot be, and an effect can: delivered at least once, the repeat harmless.",
         "Order 12345 is delivered twice, and charged once.", "06"),
    Term("transient error", "An error that passes by itself: the same call may work a little later.",
         "ConnectionError: the mail server is down. A minute later it answers.", "07"),
    Term("permanent error", "An error that stays until somebody repairs something. Trying again does not help.",
         "KeyError: 'PROD9': nobody has entered the name of that article.", "07"),
    Term("poison message", "A message that fails at every try.",
         "The order of PROD9, as long as the e-mail service has no name for PROD9.", "07"),
    Term("backoff", "The pause before the next try. It grows from try to try, to give the other side time.",
         "Retry(backoff=1.0): 1, 2, 4, 8 seconds.", "07"),
    Term("jitter", "A random share that is taken off each pause, so that those who failed together do not come back "
         "together.", "Retry(jitter=1.0): a pause of 4 seconds becomes one between 0 and 4.", "07"),
    Term("retry storm", "Many who failed together try again together, and hit the same service at one instant.",
         "100 e-mails fail, and all come back exactly one second later.", "07"),
    Term("delivery limit", "How often a message may come back unacked before it becomes a dead letter.",
         "An order that crashes its consumer each time is set aside after 20 returns.", "07"),
    Term("happy path", "The run in which nothing goes wrong. A test of it alone says little.",
         "Order 12345 comes once, the card is charged, and the mail server answers.", "09"),
    Term("given when then", "The form of a test: given what was before, when an event comes, then this follows.",
         'given(payment).when(order).then(PaymentCaptured("12345", 5000))', "09"),
    Term("fake", "A simple stand-in for a system outside, for tests. It works, and remembers what was done to it.",
         "The MailServer of the lab sends nothing, and keeps each e-mail in a list.", "09"),
    Term("schedule", "What happens in a run, and when: who comes first, what comes twice, where it crashes.",
         "Order 12345 comes late to e-mail, and all else as usual.", "09"),
    Term("mutant", "A program with a mistake put in on purpose. A good test fails for it: it kills the mutant.",
         "A shipping service that swallows the error of the parcel desk.", "09"),
    Term("event store", "A database of events. One can add at its end, and read; nothing in it is ever changed.",
         "All events of order 12345 are in it: placed, stock reserved, paid, mailed, shipped, counted.", "08"),
    Term("stream", "All events of one thing, in order. An event's place in its stream is its version, from 1.",
         "order-12345 is a stream of six events.", "08"),
    Term("position", "An event's place in the whole log, from 1.", "Order 12346 begins at position 7.", "08"),
    Term("replay", "To hand events that are stored to handlers once more, in the order in which they happened.",
         "store.replay(books.note) builds the books again, from event 1.", "08"),
    Term("projector", "A handler that builds a view from events and does nothing else. A replay may run it again.",
         "The books note 5000 cents for order 12345.", "08"),
    Term("reactor", "A handler that acts on the world because of an event. A replay leaves it out.",
         "E-mail sends a confirmation of order 12345.", "08"),
    Term("crypto shredding", "To erase data by throwing away the only key that opens it.",
         "Ada's address stays in the log, sealed. Her key is gone, so nobody can read it.", "08"),
    Term("dual write", "One thing is written to two systems, in two steps. A crash can come between them.",
         "Order 12345 is committed to the database, and then published to the bus.", "10"),
    Term("ghost", "An event of something that is not in the database of the service that published it.",
         "OrderPlaced went out, the checkout crashed before its commit: a parcel, and no order.", "10"),
    Term("silent order", "An order that is in the database, and of which nobody was told.",
         "12345 was committed, the checkout crashed before it published: no parcel.", "10"),
    Term("outbox", "A table in a service's own database, of the events that it has still to publish.",
         "Order 12345 and its OrderPlaced are committed together, in one transaction.", "10"),
    Term("relay", "What publishes the rows of an outbox, and marks each as sent.",
         "It publishes row 1 as outbox-1. After a crash it may do so twice, under the same id.", "10"),
    Term("event sourcing", "To keep what happened as events, and to compute from them what is.",
         "No row says that order 12345 is paid. Its stream says so: placed, item added, paid.", "13"),
    Term("decide", "The function that says what a command leads to: events, or a refusal. It changes nothing.",
         "PayOrder, and the order is placed: PaymentCaptured. AddItem, and it is paid: refused.", "13"),
    Term("evolve", "The function that takes a state one event further. It refuses nothing: the event has happened.",
         "2 x PROD1, then ItemRemoved of one: 1 x PROD1.", "13"),
    Term("fold", "To go through a list from its beginning, and to take a state one step further with each thing in it.",
         "Placed with 2 pieces, 1 added, 1 removed: 2, 3, 2.", "13"),
    Term("snapshot", "A note of the state at one version of a stream, so that what came before need not be read.",
         "At version 100 the order had 35 pieces. A load begins there.", "13"),
    Term("lost update", "A change that was saved, and that a later save has written over without having seen it.",
         "Ann adds PROD2 to order 12345. Ben saves what his form shows, and PROD2 is gone.", "14"),
    Term("optimistic concurrency", "Nobody locks anything. A save says on which version it was decided, and is refused "
         "if there is a newer one.", "Ben saves upon version 7. The order is at version 8: refused.", "14"),
    Term("read model", "Data in the form in which it is asked for, built from events. It is a little behind them.",
         "The page 'my orders': a row for each order, with its items.", "14"),
    Term("projection", "What follows the log and keeps a read model, event by event.",
         "It reads OrderPlaced at position 8, and puts a row onto the page.", "14"),
    Term("cqrs", "Commands go to one model, questions to another. Short for command query responsibility segregation.",
         "AddItem goes to the order's stream. 'What did I order?' goes to the page.", "14"),
    Term("stale read", "An answer from a read model that has not heard of the newest events yet.",
         "Order 12345 is in the log, and the page still says: no orders.", "14"),
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
