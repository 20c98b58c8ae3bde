"""One writer at a time, told by the kernel."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

from clonedetect.errors import LockedError

__all__ = ["FileLock"]


class FileLock:
    """An exclusive lock on a file, held until closed or until its process ends, however it ends.

    The file names the holder's pid for whoever is refused; its content decides nothing.
    """

    def __init__(self, path: Path, *, wait: bool = False) -> None:
        """Take the lock; raises LockedError, naming the pid, if it is held and `wait` is false."""
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            holder = os.pread(self._handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._handle)
            raise LockedError(
                f"{path.parent} is being written by process {holder}; wait until it ends, or stop it"
            ) from error
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Give the lock back."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
