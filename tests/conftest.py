"""What holds for all tests: they are the same on every machine, and leave a learner's own progress alone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import settings

# Whoever runs the tests gets the same examples. `HYPOTHESIS_PROFILE=explore` looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

# Set here and not in a fixture: the kernels that run the lessons inherit it.
os.environ["EDA_LAB_PROGRESS"] = str(Path(tempfile.mkdtemp(prefix="eda_lab-")) / "progress.jsonl")
