"""Bytes of a record that was never finished: kept apart, never deleted silently."""

from __future__ import annotations

import os
from pathlib import Path

from clonedetect.models.ids import Digest, digest_of

__all__ = ["set_aside", "sync_folder"]


def set_aside(folder: Path, name: str, data: bytes) -> Digest:
    """Keep `data` in `folder` under `name` and its digest, synced, and return the digest.

    The same bytes are set aside once, so that a second kill on the way leaves no second copy.
    """
    digest = digest_of(data)
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{name}.{digest.removeprefix('sha256:')[:16]}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(folder)
    return digest


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
