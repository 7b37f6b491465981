"""`async def` handlers in the lab: they run from one sleep to the next, and others run in between."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from eda_lab import Consumer, Event, EventBus, Retry, handles, sleep
from eda_lab.database import Database


class ItemSold(Event):
    """A piece left the shop."""

    pieces: int = 1


def test_two_that_read_before_they_write_lose_an_update() -> None:
    """Both see ten pieces; the second to write does not know of the first. One after the other, they would."""
    stock = {"PROD1": 10}
    story: list[tuple[float, str]] = []

    async def sell(sold: ItemSold, delivery: Any) -> None:
        left = stock["PROD1"]
        story.append((bus.clock.now, f"{delivery.consumer} read {left}"))
        await sleep(1)
        stock["PROD1"] = left - sold.pieces
        story.append((bus.clock.now, f"{delivery.consumer} wrote {stock['PROD1']}"))

    for workers, rest in ((2, 9), (1, 8)):
        stock["PROD1"] = 10
        story.clear()
        bus = EventBus()
        bus.subscribe(ItemSold, sell, name="stock", workers=workers, takes=0.5)
        bus.publish(ItemSold())
        bus.publish(ItemSold())
        bus.run()
        assert stock["PROD1"] == rest
        if workers == 2:
            assert story == [
                (0.5, "stock read 10"),
                (0.5, "stock-2 read 10"),
                (1.5, "stock wrote 9"),
                (1.5, "stock-2 wrote 9"),
            ]


def test_it_is_busy_from_its_start_to_its_end() -> None:
    """Service time and sleeps add up, sleeps times the factor of a slow worker; then what it returned is published."""

    async def work(_: object) -> list[ItemSold]:
        await sleep(1)
        await sleep(0)
        await sleep(2)
        return [ItemSold(2), ItemSold(3)]

    bus = EventBus()
    shop = bus.subscribe("order", work, name="shop", takes=0.5)
    bus.publish("order", {})
    bus.publish("order", {})
    bus.run(until=3.5)
    shop.slow(2)
    bus.run()
    assert [(d.started_at, d.ended_at) for d in bus.trace.deliveries] == [(0.0, 3.5), (3.5, 10.0)]
    assert [(m.data.pieces, m.time) for m in bus.trace.messages[2:]] == [(2, 3.5), (3, 3.5), (2, 10.0), (3, 10.0)]


def test_it_may_fail_in_any_half_and_is_tried_from_the_start() -> None:
    """Each attempt is a new coroutine."""
    halves: list[str] = []

    async def work(_: object, delivery: Any) -> None:
        halves.append("first")
        if delivery.attempt == 1:
            raise ConnectionError
        await sleep(1)
        halves.append("second")
        if delivery.attempt == 2:
            raise ConnectionError

    bus = EventBus()
    bus.subscribe("order", work, name="shop", retry=Retry(backoff=1))
    bus.publish("order", {})
    bus.run()
    assert halves == ["first", "first", "second", "first", "second"]
    assert [(d.outcome, d.ended_at) for d in bus.trace.deliveries] == [("failed", 0.0), ("failed", 2.0), ("done", 5.0)]


class AsyncCounter(Consumer):
    """Consumers may have `async def` methods beside plain ones."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @handles(ItemSold)
    async def sold(self, sold: ItemSold) -> None:
        await sleep(1)
        self.seen.append(f"{sold.pieces} sold")

    @handles("closed")
    def closed(self, _: object) -> None:
        self.seen.append("closed")


def test_whatever_can_be_called_may_be_async() -> None:
    """A consumer's method, a partial, an object whose `__call__` is."""

    class Sleeper:
        async def __call__(self, _: object) -> None:
            await sleep(3)

    counter = AsyncCounter()
    bus = EventBus()
    bus.subscribe((ItemSold, "closed"), counter, name="counter")
    bus.subscribe(ItemSold, Sleeper(), name="sleeper")
    bus.publish(ItemSold(2))
    bus.publish("closed", {})
    bus.run()
    assert counter.seen == ["2 sold", "closed"]
    assert [(d.group, d.ended_at) for d in bus.trace.deliveries] == [
        ("counter", 1.0),
        ("sleeper", 3.0),
        ("counter", 1.0),
    ]


class Never:
    """Something that can be awaited, and that the lab knows nothing of."""

    def __await__(self) -> Any:
        yield "never"


FOREIGN: dict[str, Callable[[], Awaitable[object]]] = {
    "asyncio.sleep": lambda: asyncio.sleep(1),
    "asyncio.sleep(0)": lambda: asyncio.sleep(0),
    "a Queue": lambda: asyncio.Queue().get(),
    "an Event": lambda: asyncio.Event().wait(),
    "somebody else's": lambda: Never(),
}


@pytest.mark.parametrize("awaited", FOREIGN)
@pytest.mark.parametrize("in_notebook", [False, True])
def test_whatever_else_is_awaited_is_refused_with_its_remedy(awaited: str, in_notebook: bool) -> None:
    """In a script no event loop runs, in a notebook one does: the answer is the same, and it is final."""
    cleaned: list[str] = []

    async def work(_: object) -> None:
        try:
            await FOREIGN[awaited]()
        finally:
            cleaned.append("up")

    bus = EventBus()
    bus.subscribe("order", work, name="shop", retry=Retry(max_attempts=5))
    bus.publish("order", {})
    if in_notebook:

        async def cell() -> None:
            bus.run()
            await asyncio.sleep(0)

        asyncio.run(cell())
    else:
        bus.run()
    (letter,) = bus.dead_letters()
    assert letter.attempts == 1
    assert letter.error.startswith("LabAwaitError: the lab cannot wait for")
    assert "eda_lab.sleep(seconds)" in letter.error
    assert cleaned == ["up"]
    bus.trace.check_conservation()


def test_an_error_of_the_handlers_own_is_not_taken_for_a_wrong_await() -> None:
    """What asyncio raises where nothing was awaited is the handler's affair, and may be tried again."""

    async def work(_: object) -> None:
        asyncio.Queue().get_nowait()

    bus = EventBus()
    bus.subscribe("order", work, name="shop", retry=Retry(max_attempts=2))
    bus.publish("order", {})
    bus.run()
    assert [(letter.error, letter.attempts) for letter in bus.dead_letters()] == [("QueueEmpty", 2)]


def test_a_transaction_left_open_over_a_sleep_is_rolled_back_by_a_kill() -> None:
    """What was changed and not committed is nobody's."""
    db = Database(stock={"PROD1": 10})

    async def sell(sold: ItemSold) -> None:
        with db.transaction() as tables:
            tables["stock"]["PROD1"] -= sold.pieces
            await sleep(5)

    bus = EventBus(visibility=20)
    stock = bus.subscribe(ItemSold, sell, name="stock")
    bus.publish(ItemSold(3))
    bus.run(until=2)
    stock.kill()
    assert (db.table("stock")["PROD1"], db.commits) == (10, 0)
    stock.restart()
    bus.run()
    assert (db.table("stock")["PROD1"], db.commits) == (7, 1)
    assert bus.clock.now == 25.0
