"""Writing a new generation of files beside the work that goes on, in a thread of its own.

One merge at a time holds a folder's lock, in whatever process: another gives up
at once. It is abandoned between two arrays when it is cancelled or its program
ends, and then leaves nothing behind; killed, it leaves files that no plan names.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from clonedetect.errors import ClonedetectError, LockedError
from clonedetect.index.lock import FileLock

__all__ = ["Merge", "Steps"]

_CLOSING_S: Final = 2.0

Step = TypeVar("Step")


class _AbandonedError(Exception):
    """The merge was cancelled, or its program ends."""


class Steps:
    """Lets the work of a merge through, step by step, until it is cancelled."""

    def __init__(self, cancelled: threading.Event) -> None:
        self._cancelled = cancelled

    def __call__(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Yield from `steps` as long as somebody wants the result."""
        for step in steps:
            if self._cancelled.is_set() or not threading.main_thread().is_alive():
                raise _AbandonedError
            yield step


class Merge:
    """One attempt to write a generation; begins at once.

    `write` does the work, its steps drawn through the `Steps` it is given.
    `lock` is the file that one merge at a time holds.
    """

    def __init__(self, lock: Path, write: Callable[[Steps], Any]) -> None:
        self._cancelled = threading.Event()
        self._write = write
        self.is_written = False
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(lock,), name="clonedetect-merge")
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, one way or another."""
        return not self._thread.is_alive()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it has ended, for at most `timeout_s`; return whether it has."""
        self._thread.join(timeout_s)
        return self.is_over

    def cancel(self) -> None:
        """Have it abandoned after the array it is writing; wait two seconds at most."""
        self._cancelled.set()
        self.wait(_CLOSING_S)

    def _run(self, lock: Path) -> None:
        try:
            with FileLock(lock):
                self._write(Steps(self._cancelled))
            self.is_written = True
        except (_AbandonedError, LockedError):
            pass  # whoever asked goes on with what it has in memory
        except (OSError, MemoryError, ClonedetectError) as error:
            self.error = error  # a full disk: likewise, and it can be asked for
