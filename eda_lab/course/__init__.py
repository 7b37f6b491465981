"""What the lessons are made of beside the library: predictions, exercises with their checks, and the glossary."""

from eda_lab.course.check import check, hint, solution
from eda_lab.course.glossary import glossary
from eda_lab.course.predict import predict, reconcile

__all__ = ["check", "glossary", "hint", "predict", "reconcile", "solution"]
