"""`over_seeds`: a number that comes from chance, as the mean over many runs with its band, beside the theory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import mean
from typing import Any

from eda_lab.errors import OptionError, check_whole
from eda_lab.table import Table
from eda_lab.widgets.scenario import Run

__all__ = ["OverSeeds", "over_seeds"]


class OverSeeds(Table):
    """A row for each number: what the theory says, the mean over the runs, the lowest and the highest of them."""

    def __init__(self, theory: Mapping[str, float], found: Mapping[str, list[float]]) -> None:
        self.means = {name: mean(numbers) for name, numbers in found.items()}
        runs = max(map(len, found.values()))
        super().__init__(
            ["What happened", "Theory", f"Mean of {runs} runs", "Lowest", "Highest"],
            [
                (name, round(float(theory[name]), 1), round(self.means[name], 1), min(numbers), max(numbers))
                for name, numbers in found.items()
            ],
        )


def over_seeds(
    scenario: Callable[..., Any], theory: Mapping[str, float], *, seeds: int = 100, **settings: Any
) -> OverSeeds:
    """Run a scenario that has a parameter `seed` with the seeds 0, 1, 2, ... and hold what happened beside the theory.

    `theory` names the numbers: each is looked up in `done` of the world that the scenario returns beside its bus.
    Raises `OptionError` for one that the world does not count.
    """
    check_whole("seeds", seeds, 1)
    if not theory:
        raise OptionError("theory", theory, "name at least one number, as in {'extra charges': 111.1}")
    found: dict[str, list[float]] = {name: [] for name in theory}
    for seed in range(seeds):
        done = Run(scenario, {"seed": seed, **settings}).finish().world.done
        for name, numbers in found.items():
            if name not in done:
                raise OptionError("theory", name, f"the scenario counts {', '.join(done)}")
            numbers.append(done[name])
    return OverSeeds(theory, found)
