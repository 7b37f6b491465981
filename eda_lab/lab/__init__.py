"""The inside of `EventBus`: groups and their queues, the life of a delivery, processes, and the engine."""
