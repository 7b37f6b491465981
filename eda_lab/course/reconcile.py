"""`reconcile`: after the run, what the shop needs, what happened, and what the learner had guessed, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eda_lab.course.predict import Prediction
from eda_lab.errors import OptionError
from eda_lab.table import Table
from eda_lab.widgets.shown import needs_table

__all__ = ["reconcile"]


def reconcile(
    needed: Mapping[str, Any], happened: Mapping[str, Any], guess: Prediction | None = None, about: str | None = None
) -> Table:
    """Return the table What the shop needs / What happened / Your guess, a row for each thing needed.

    The guess of a prediction stands in the row that it was `about`; without one there is no such column. Raises `OptionError` where there is no such row.

    >>> reconcile({"e-mails sent": 1}, {"e-mails sent": 0})
    What the shop needs  Needed  What happened
    -------------------  ------  -------------
    e-mails sent              1  0, differs
    """
    if about is not None and about not in needed:
        raise OptionError("about", about, f"give one of {', '.join(needed)}")
    if guess is None or about is None:
        return needs_table(needed, happened)
    return needs_table(needed, happened, {about: guess.guess or "skipped"})
