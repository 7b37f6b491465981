"""What holds for all tests: they are the same on every machine, and leave a learner's own progress alone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from eda_lab import orders
from eda_lab.events import _REGISTRY, Command, Event, type_name

# Whoever runs the tests gets the same examples. `HYPOTHESIS_PROFILE=explore` looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

# Set here and not in a fixture: the kernels that run the lessons inherit it.
os.environ["EDA_LAB_PROGRESS"] = str(Path(tempfile.mkdtemp(prefix="eda_lab-")) / "progress.jsonl")


@pytest.fixture(scope="module", autouse=True)
def own_events(request: pytest.FixtureRequest) -> None:
    """Let the shop's events and those of a module's own be known by their names: other modules have some alike."""
    for scope in (vars(orders), vars(getattr(request, "module", None) or orders)):
        for thing in scope.values():
            if isinstance(thing, type) and issubclass(thing, (Event, Command)) and thing not in (Event, Command):
                _REGISTRY[type_name(thing)] = thing
