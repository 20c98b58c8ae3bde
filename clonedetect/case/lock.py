"""One writer for a case, and the pid of whoever is it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from clonedetect.errors import LockedError

__all__ = ["CaseLock"]

_held: set[Path] = set()


class CaseLock:
    """The writer's lock on one case folder; released by `close` and by the death of its process.

    A POSIX record lock: it belongs to the process, so that worker processes
    which outlive a killed parent do not keep the case locked, as they would
    with flock's descriptor. Within one process a registry refuses a second.
    """

    def __init__(self, folder: Path) -> None:
        """Take the lock; raises LockedError that names the pid of the holder."""
        self._path = (folder / "case.lock").resolve()
        if self._path in _held:
            raise LockedError(f"{folder} is being written by this very process ({os.getpid()})")
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise LockedError(
                f"{folder} is being written by process {pid}; wait until it has ended, or end it"
            ) from error
        _held.add(self._path)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let others write; closing twice does no harm."""
        if self._path in _held:
            _held.discard(self._path)
            os.close(self._descriptor)
