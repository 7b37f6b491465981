"""The event store: `EventStore`, an append-only log on SQLite, in a file for each of its parts."""

from eda_lab.store.eventstore import ANY, NONE, EventStore, Snapshot

__all__ = ["ANY", "NONE", "EventStore", "Snapshot"]
