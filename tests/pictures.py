"""Runs to be drawn, and what is in a figure: its words and its artists."""

from typing import Any

from matplotlib.patches import Rectangle
from matplotlib.text import Text

from eda_lab import Crash, Event, EventBus, Faults, Retry, make_order, open_shop
from eda_lab.plots import Plot
from eda_lab.shop import TAKES

__all__ = [
    "HOSTILE",
    "MATHS",
    "OrderPlaced",
    "PaymentCaptured",
    "bars",
    "chain",
    "drawn",
    "eventful",
    "five_services",
    "hostile",
    "ignore",
    "poison",
    "shop",
    "texts",
    "twelve",
    "untouched",
    "waiting",
    "written",
]

HOSTILE = '"><img src=x onerror=alert(1)>'
MATHS = r"$\frac{1}{$ & $x^2$"


class OrderPlaced(Event):
    """The first cause of all that happens here."""

    order_id: str = "12345"


class PaymentCaptured(Event):
    """What the payment service publishes."""

    order_id: str


class ParcelShipped(Event):
    """What the shipping service publishes."""

    order_id: str


def ignore(_: Any) -> None:
    """Do nothing with an event."""


def shop() -> EventBus:
    """Return the standard shop with one order, run."""
    bus = waiting()
    bus.run()
    return bus


def five_services(orders: int, until: float | None = None) -> EventBus:
    """Return a run of five services that do nothing but take time, each with so many orders at once."""
    bus = EventBus()
    for name, takes in TAKES.items():
        bus.subscribe(OrderPlaced, ignore, name=name, takes=takes)
    for number in range(orders):
        bus.publish(OrderPlaced(str(number)))
    bus.run(until=until)
    return bus


def chain(orders: int = 2, workers: int = 1) -> EventBus:
    """Return a shop in which payment and shipping publish in turn, run."""
    bus = EventBus(seed=1)
    bus.subscribe(OrderPlaced, lambda order: PaymentCaptured(order.order_id), name="payment", takes=0.5)
    bus.subscribe(PaymentCaptured, lambda paid: ParcelShipped(paid.order_id), name="shipping", takes=0.4)
    bus.subscribe((OrderPlaced, PaymentCaptured, ParcelShipped, "a*"), ignore, name="email", takes=0.3)
    bus.subscribe("*", ignore, name="analytics", takes=0.1, workers=workers)
    for number in range(orders):
        bus.publish(OrderPlaced(str(number)))
    bus.run()
    return bus


def eventful() -> EventBus:
    """Return a run in which every outcome there is can be seen, the open ones included."""
    crash = Crash("payment", "2", 1, "before ack")
    bus = EventBus(seed=1, faults=Faults(crashes=(crash,), down=1.0), visibility=2.0)
    bus.subscribe(OrderPlaced, ignore, name="inventory", takes=0.2, workers=3)
    bus.subscribe(OrderPlaced, lambda order: PaymentCaptured(order.order_id), name="payment", takes=0.5)
    bus.subscribe(OrderPlaced, poison, name="email", takes=0.3, retry=Retry(max_attempts=2, backoff=0.5))
    bus.subscribe(OrderPlaced, ignore, name="instant")
    bus.subscribe(OrderPlaced, ignore, name="slow", takes=3.0, workers=2)
    leaving = bus.subscribe(OrderPlaced, ignore, name="leaving", takes=2.0)
    for number in range(5):
        bus.publish(OrderPlaced(str(number)), at=number * 0.7)
    bus.run(until=2.0)
    leaving.unsubscribe()
    bus.run(until=3.2)
    return bus


def poison(_: Any) -> None:
    """Fail at every attempt."""
    raise ConnectionError("the mail server is down")


def twelve() -> EventBus:
    """Return twelve groups with names of all lengths, and three producers."""
    bus = EventBus()
    for number in range(12):
        name = f"service_{number}" + "_with_a_name_that_does_not_end" * (number % 3)
        bus.subscribe(OrderPlaced, ignore, name=name, takes=0.1 * number, workers=1 + 2 * (number % 2))
    for source in ("checkout", "call centre", "a marketplace with a very long name indeed"):
        bus.publish(OrderPlaced(), source=source)
        bus.publish("an_event_with_a_very_long_name_that_does_not_end", {}, source=source)
    bus.run()
    return bus


def hostile() -> EventBus:
    """Return a run whose names are markup, formulas and signs that no font has."""
    bus = EventBus(source=HOSTILE)
    bus.subscribe("*", ignore, name=MATHS, takes=1.0)
    bus.subscribe("*", ignore, name="🍕" * 50 + HOSTILE)
    bus.publish("<b>$x_1", {"id": HOSTILE})
    bus.run()
    return bus


def untouched() -> EventBus:
    """Return a bus that nobody uses."""
    return EventBus()


def waiting() -> EventBus:
    """Return a shop with an order that was published, but not run."""
    bus = EventBus()
    open_shop(bus)
    bus.publish(make_order(1))
    return bus


def texts(plot: Plot) -> list[Text]:
    """Return what is written in a figure, the empty labels of axes left out."""
    return [text for text in plot.findobj(Text) if isinstance(text, Text) and text.get_text() and text.get_visible()]


def written(plot: Plot) -> list[str]:
    """Return the words in a figure."""
    return [text.get_text() for text in texts(plot)]


def drawn(plot: Plot, kind: type, gid: str | None = None) -> list[Any]:
    """Return the artists of a kind, or those of them that carry this id."""
    return [artist for artist in plot.findobj(kind) if gid is None or artist.get_gid() == gid]


def bars(plot: Plot, outcome: str) -> list[tuple[float, float]]:
    """Return start and end of the bars of an outcome."""
    patches = drawn(plot, Rectangle, outcome)
    return sorted((patch.get_x(), patch.get_x() + patch.get_width()) for patch in patches)
