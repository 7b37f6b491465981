"""A limit to how long a learner's code may run: an endless loop ends with a message, not with a hung kernel."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from eda_lab.errors import EdaLabError

__all__ = ["TimeLimitError", "time_limit"]


class TimeLimitError(EdaLabError):
    """The code did not come to an end in time.

    Attribute: `seconds`, the limit.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it was still running after {seconds:g} seconds and was stopped: is there an endless loop?")
        self.seconds = seconds


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Break off what runs inside after so many seconds, as Ctrl-C would, and raise `TimeLimitError`.

    Code that catches the interrupt and goes on is interrupted again and again. A Ctrl-C of the user passes through.
    It works in the main thread, where notebooks run their cells; elsewhere there is no limit.

    >>> with time_limit(5):
    ...     print("quick")
    quick
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    over, lock = threading.Event(), threading.Lock()
    fired = False

    def watch() -> None:
        nonlocal fired
        pause = seconds
        while not over.wait(pause):
            with lock:
                if not over.is_set():
                    fired = True
                    _thread.interrupt_main()
            pause = 0.2

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        try:
            yield
        finally:
            with lock:
                over.set()
            watcher.join()
    except KeyboardInterrupt:
        if not fired:
            raise
    if fired:
        raise TimeLimitError(seconds)
