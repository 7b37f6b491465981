"""The questions that the lessons ask before a run, kept here so that a lesson does not show the answer with them."""

from __future__ import annotations

import msgspec

from eda_lab.errors import OptionError

__all__ = ["QUESTIONS", "SKIP", "Question"]

SKIP = "skip"  # what stands for no guess


class Question(msgspec.Struct, frozen=True):
    """A question, its options, which of them is right, and why."""

    text: str
    options: tuple[str, ...]
    answer: str
    why: str

    def __post_init__(self) -> None:
        if self.answer not in self.options:
            raise OptionError("answer", self.answer, "give one of the options")
        if len(set(self.options)) < 2 or SKIP in self.options:
            raise OptionError("options", self.options, f"give at least two different options, none of them {SKIP!r}")


QUESTIONS = {
    "00-checkout": Question(
        "Four services are open. Tonight a fifth, analytics, is added. How many lines of the checkout must change?",
        ("none", "one: the call of the new service", "two: the call, and what to do if it fails"),
        "none",
        "The checkout says what happened. It names no service, so a new service changes nothing in it.",
    ),
    "01-tiny-bus": Question(
        "Five services subscribe: inventory, payment, email, shipping, analytics. Email raises. What happens?",
        (
            "the other four work; the checkout sees nothing",
            "the other four work; the checkout sees the error",
            "only inventory and payment work; the checkout sees the error",
        ),
        "only inventory and payment work; the checkout sees the error",
        "A loop of plain calls is still a row of calls: an exception leaves the loop, and then the publisher.",
    ),
    "02-nobody-listens": Question(
        "Nobody is subscribed. The checkout publishes order 12345. What does the checkout notice?",
        ("nothing", "an exception: nobody listens", "it waits until somebody subscribes"),
        "nothing",
        "A producer says what happened, and is done. It does not know whether five listen, or none.",
    ),
    "03-deliveries": Question(
        "12 orders, 3 packers. First they share one queue, then each has a queue of their own. How many deliveries?",
        ("12, then 12", "12, then 36", "36, then 36"),
        "12, then 36",
        "A queue holds each order once, however many work on it. Each further queue gets its own copy of every order.",
    ),
    "04-email": Question(
        "E-mail listens to OrderPlaced. Inventory takes 1.0 s, payment 5.0 s, e-mail 0.3 s. "
        "The order is placed at second 0. The e-mail goes out at second ...",
        ("0.3", "5.3", "6.3"),
        "0.3",
        "E-mail has a queue and a worker of its own. It waits for nobody: not for the stock, and not for the money.",
    ),
    "05-acks": Question(
        "1000 orders. In 1 of 10 attempts, payment crashes after the charge and before the ack. "
        "Such an order comes back until it is acked. How many extra charges are there, beyond one for each order?",
        ("0", "about 100", "about 111"),
        "about 111",
        "100 orders crash and come back. Of these 100 repeats 10 crash too, and of those 10 one more: 100 + 10 + 1.",
    ),
    "06-mark-first": Question(
        "Payment first writes down 'order 12345 is charged', and then charges the card. In 1 of 10 attempts it crashes "
        "between the two. Such an order comes back until it is acked. Of 1000 orders, how many are charged?",
        ("1000", "about 900", "about 1110"),
        "about 900",
        "The crash leaves the note without the charge. The order comes back, payment finds the note, and skips it.",
    ),
    "07-poison": Question(
        "One worker sends the e-mails. It holds a failed message, waits, and tries it again, without an end. The first "
        "message fails each time, and 20 good orders stand behind it. How many of the 20 have their e-mail after an "
        "hour?",
        ("0", "19", "20"),
        "0",
        "The worker waits with the first message in its hand, so it never takes the second one out of the queue.",
    ),
    "09-happy-test": Question(
        "Three shops, and the same test for each: one order is placed, then there is one charge and one e-mail. "
        "All three pass. How many of the three can still charge twice, or lose an e-mail?",
        ("none of them", "one of the three", "two of the three", "all three"),
        "all three",
        "The test tries one day on which nothing goes wrong. A repeat, another order of arrival and an error are three "
        "other days, and each shop fails on one of them.",
    ),
    "08-replay": Question(
        "500 orders are in the log, and each customer has had an e-mail. Now the shop reads the log again: it hands "
        "all 500 orders to every handler once more. How many more e-mails go out?",
        ("0", "1", "500"),
        "500",
        "A handler cannot tell an old event from a new one. It gets 500 orders, so it sends 500 e-mails. "
        "With the key of lesson 06 a mail server would send none, if it still knew the keys. After a year, it may not.",
    ),
    "10-dual-write": Question(
        "The checkout writes each order into its database, and publishes it to the bus. In 1 of 20 orders it crashes "
        "between these two steps. Which way is safe?",
        ("first commit, then publish", "first publish, then commit", "neither"),
        "neither",
        "First commit, and a crash leaves an order of which nobody was told. First publish, and a crash leaves a "
        "parcel for an order that is not in the database. Between two steps a crash always fits.",
    ),
    "13-snapshot": Question(
        "A hotel keeps one order open, and changes it all year. Its stream grows to 10,000 events, one by one. "
        "A snapshot is kept after every 100 events. How many events does a load read at most, whenever it comes?",
        ("99", "5,000", "10,000"),
        "99",
        "The newest snapshot stands for all events before it. After 99 more events there are 99 to read, and with the "
        "next one there is a new snapshot. How long the stream is makes no difference.",
    ),
    "14-two-clerks": Question(
        "Ann and Ben open order 12345 at version 7. Both add a piece. Ann saves at 2 s, Ben at 3 s. Each save says: "
        "this was decided on version 7. Who wins?",
        (
            "the first: the second is refused",
            "the last: the first change is gone",
            "both: the store merges them",
            "nobody: the database crashes",
        ),
        "the first: the second is refused",
        "Ann's save makes version 8. Ben's save says version 7, and the order has that no longer. So the store refuses "
        "it, and Ben has to decide again, on version 8.",
    ),
}
