"""Originals by digest: ``objects/ab/<sha256>``, written once, never named after a URL."""

from __future__ import annotations

import os
from io import RawIOBase
from pathlib import Path

from clonedetect.errors import VerificationError
from clonedetect.models.ids import Digest, digest_of

__all__ = ["get_object", "holds_object", "object_path", "put_object", "remove_leftovers"]

_PARTIAL = ".partial"


def object_path(folder: Path, digest: Digest) -> Path:
    """Return where the object of `digest` lies below the case `folder`."""
    name = digest.removeprefix("sha256:")
    return folder / "objects" / name[:2] / name


def put_object(folder: Path, data: bytes, *, is_synced: bool = True) -> Digest:
    """Keep `data` and return its digest once it is on disk; the same bytes are kept once.

    With `is_synced` false a power cut, though no kill, may take it back: for
    what can be made again from a record of the archive.
    """
    digest = digest_of(data)
    if holds_object(folder, digest, len(data)):
        return digest
    path = str(object_path(folder, digest))
    partial = path + _PARTIAL
    try:
        descriptor = _create(partial)
    except FileNotFoundError:
        parent = Path(path).parent
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync(parent.parent)
        descriptor = _create(partial)
    with os.fdopen(descriptor, "wb", buffering=0) as stream:
        _write(stream, data)
        if is_synced:
            os.fsync(descriptor)
    os.rename(partial, path)  # noqa: PTH104  a page is written in a tenth of a millisecond; Path would double it
    if is_synced:
        _sync(Path(path).parent)
    return digest


def _create(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)


def _write(stream: RawIOBase, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = stream.write(view)
        view = view[written or 0 :]


def holds_object(folder: Path, digest: Digest, size: int) -> bool:
    """Whether there is a file of `size` bytes for the object of `digest`; its bytes are not looked at."""
    try:
        return object_path(folder, digest).stat().st_size == size
    except FileNotFoundError:
        return False


def get_object(folder: Path, digest: Digest) -> bytes:
    """Return the object of `digest`.

    Raises VerificationError if it is missing or its bytes have another digest.
    """
    path = object_path(folder, digest)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise VerificationError(f"object {digest} cannot be read: {error}") from error
    if digest_of(data) != digest:
        raise VerificationError(
            f"{path} has changed: its digest is {digest_of(data)}; restore it from a copy"
        )
    return data


def remove_leftovers(folder: Path) -> None:
    """Remove what a kill left of objects that were never finished; nothing refers to them."""
    for partial in (folder / "objects").glob(f"*/*{_PARTIAL}"):
        partial.unlink()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
