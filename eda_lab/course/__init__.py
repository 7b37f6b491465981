"""What the lessons are made of beside the library: predictions, exercises with their checks, and the glossary."""

from eda_lab.course.books import Books, Recovery
from eda_lab.course.check import check, hint, solution
from eda_lab.course.checkouts import Checkouts
from eda_lab.course.glossary import glossary
from eda_lab.course.order_loads import OrderLoads, answers, event_in_words, order_in_words
from eda_lab.course.payments import Payments
from eda_lab.course.predict import predict, reconcile
from eda_lab.course.progress import progress
from eda_lab.course.seeds import over_seeds

__all__ = [
    "Books",
    "Checkouts",
    "OrderLoads",
    "Payments",
    "Recovery",
    "answers",
    "check",
    "event_in_words",
    "glossary",
    "hint",
    "order_in_words",
    "over_seeds",
    "predict",
    "progress",
    "reconcile",
    "solution",
]
