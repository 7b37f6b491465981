"""What the lessons are made of beside the library: predictions, exercises with their checks, and the glossary."""

from eda_lab.course.check import check, hint, solution
from eda_lab.course.glossary import glossary
from eda_lab.course.predict import predict, reconcile
from eda_lab.course.progress import progress

__all__ = ["check", "glossary", "hint", "predict", "progress", "reconcile", "solution"]
