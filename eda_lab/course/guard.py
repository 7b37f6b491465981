"""A limit to how long a learner's code may run: an endless loop ends with a message, not with a hung kernel."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from eda_lab.errors import EdaLabError

__all__ = ["TimeLimitError", "time_limit"]

AGAIN = 0.2  # seconds after which code that has caught the interrupt is interrupted again


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

    Code that catches the interrupt is interrupted again, in the middle of what it does about it. A Ctrl-C of the user
    passes through. It works in the main thread, where notebooks run their cells; elsewhere there is no limit.

    >>> with time_limit(5):
    ...     print("quick")
    quick
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    over, lock = threading.Event(), threading.Lock()
    fired = False
    end = sys._getframe(2)  # behind this generator and what enters it: the code with the `with`

    def watch() -> None:
        nonlocal fired
        pause = seconds
        while not over.wait(pause):
            with lock:
                if not over.is_set():
                    fired = True
                    _thread.interrupt_main()
            pause = AGAIN

    def interrupt(_signal: int, frame: FrameType | None) -> None:
        if over.is_set():
            return  # it came when all was done already
        if fired:
            _trace(frame, end)
        raise KeyboardInterrupt

    watcher = threading.Thread(target=watch, daemon=True)
    before, tracing = signal.signal(signal.SIGINT, interrupt), sys.gettrace()
    watcher.start()
    try:
        try:
            yield
        finally:
            sys.settrace(tracing)  # before anything else, or it would raise in here
            with lock:
                over.set()
            watcher.join()
            signal.signal(signal.SIGINT, before)
    except KeyboardInterrupt:
        if not fired:
            raise
    if fired:
        raise TimeLimitError(seconds)


def _trace(frame: FrameType | None, end: FrameType) -> None:
    """Have the code that is running raise the interrupt again in its next line, if it is about to deal with it.

    So a bare `except:` cannot hold it up. Only the frames from `frame` up to, not including, `end` are concerned.
    """
    frames = set()
    while frame is not None and frame is not end:
        frames.add(frame)
        frame = frame.f_back

    def raise_again(running: FrameType, event: str, _argument: Any) -> Any:
        if running not in frames:
            return None
        if event == "line" and isinstance(sys.exception(), KeyboardInterrupt):
            raise KeyboardInterrupt
        return raise_again

    sys.settrace(raise_again)
    for running in frames:
        running.f_trace = raise_again
