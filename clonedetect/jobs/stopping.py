"""SIGINT and SIGTERM end a run cleanly, whatever it is at."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

__all__ = ["Stop", "stoppable"]


class Stop:
    """SIGINT or SIGTERM asked for a clean end."""

    def __init__(self) -> None:
        self.is_set = False
        self.event: asyncio.Event | None = None
        self.hurry: Callable[[], None] | None = None
        """What ends the work under way at once; called in a thread of its own."""
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, event: asyncio.Event) -> None:
        """Let the running loop know too."""
        self.event, self._loop = event, asyncio.get_running_loop()
        if self.is_set:
            event.set()

    def __call__(self, number: int, frame: object) -> None:  # noqa: ARG002  a signal handler's signature
        """Handle one signal: ask for the end, and hurry what is under way."""
        self.is_set = True
        if self.event is not None and self._loop is not None:
            with suppress(RuntimeError):  # the crawl is over and its loop closed
                self._loop.call_soon_threadsafe(self.event.set)
        if self.hurry is not None:
            threading.Thread(target=self.hurry, daemon=True).start()


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Take SIGINT and SIGTERM for the time of the block, and give them back as they were."""
    stop = Stop()
    before = [(number, signal.signal(number, stop)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield stop
    finally:
        for number, handler in before:
            signal.signal(number, handler)
