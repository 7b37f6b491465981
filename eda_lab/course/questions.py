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
            "the other four work, and the checkout sees nothing",
            "the other four work, and the checkout sees the exception",
            "only inventory and payment work, and the checkout sees the exception",
        ),
        "only inventory and payment work, and the checkout sees the exception",
        "A loop of plain calls is still a row of calls: an exception leaves the loop, and then the publisher.",
    ),
}
