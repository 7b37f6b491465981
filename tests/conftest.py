"""What holds for all tests: a learner's own progress, in their home folder, is not touched by a test run."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Set here and not in a fixture: the kernels that run the lessons inherit it.
os.environ["EDA_LAB_PROGRESS"] = str(Path(tempfile.mkdtemp(prefix="eda_lab-")) / "progress.jsonl")
