"""Event sourcing upon an `EventStore`: state is a fold over events, and read models follow the log.

`Repository` loads, decides and appends; `Projection` keeps a read model; upcasters read old events as those of today.
"""

from eda_lab.sourcing.errors import ProjectionError, SnapshotError, UpcastError
from eda_lab.sourcing.projection import Projection
from eda_lab.sourcing.repository import Handled, Loaded, Repository, fold
from eda_lab.sourcing.upcasting import Upcasters, upcast, upcaster

__all__ = [
    "Handled",
    "Loaded",
    "Projection",
    "ProjectionError",
    "Repository",
    "SnapshotError",
    "UpcastError",
    "Upcasters",
    "fold",
    "upcast",
    "upcaster",
]
