"""Tests of event-driven code: given, when, then for a handler; schedules of mishaps; every schedule there is."""

from eda_lab.testing.exhaustive import Scenario, explore, play
from eda_lab.testing.scenarios import Case, ExpectationError, Mishap, Search, find_failing, given, mishaps

__all__ = [
    "Case",
    "ExpectationError",
    "Mishap",
    "Scenario",
    "Search",
    "explore",
    "find_failing",
    "given",
    "mishaps",
    "play",
]
