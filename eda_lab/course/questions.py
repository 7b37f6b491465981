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
}
