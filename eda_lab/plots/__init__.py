"""Pictures of a bus and of what happened on it. Each returns a `Plot`: a figure that shows with its words.

`topology` draws who hands events to whom, `timeline` who worked when, `queue_depth` how many waited, `outcomes` what
became of the copies of each group, `lineage` which message led to which, `history` how numbers changed from
event to event, `stream` which events a state is folded from, `loads` how many were read for it. `described` gives
words to a figure of your own.

>>> from eda_lab import EventBus
>>> bus = EventBus()
>>> _ = bus.subscribe("order_placed", lambda order: None, name="email", takes=0.3)
>>> topology(bus)
1 producer, the bus, 1 group
checkout -> bus
bus -> email (order_placed)
>>> topology(bus).alt
'checkout publishes to the bus, which serves 1 group: email.'
"""

from eda_lab.plots.canvas import PALETTE
from eda_lab.plots.endings import outcomes
from eda_lab.plots.figure import Plot, described
from eda_lab.plots.folds import loads, stream
from eda_lab.plots.histories import history
from eda_lab.plots.lineages import lineage
from eda_lab.plots.queues import queue_depth
from eda_lab.plots.timelines import timeline
from eda_lab.plots.topologies import topology

__all__ = [
    "PALETTE",
    "Plot",
    "described",
    "history",
    "lineage",
    "loads",
    "outcomes",
    "queue_depth",
    "stream",
    "timeline",
    "topology",
]
