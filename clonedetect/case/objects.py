"""Originals by digest: ``objects/ab/<sha256>``, written once, never named after a URL."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from clonedetect.errors import VerificationError
from clonedetect.models.ids import Digest, digest_of

__all__ = ["get_object", "object_path", "put_file", "put_object", "remove_leftovers"]

_PARTIAL = ".partial"
_CHUNK = 1 << 20


def object_path(folder: Path, digest: Digest) -> Path:
    """Return where the object of `digest` lies below the case `folder`."""
    name = digest.removeprefix("sha256:")
    return folder / "objects" / name[:2] / name


def put_object(folder: Path, data: bytes) -> Digest:
    """Keep `data` and return its digest once it is on disk; the same bytes are kept once."""
    digest = digest_of(data)
    path = object_path(folder, digest)
    if path.exists() and path.stat().st_size == len(data):
        return digest
    if not path.parent.exists():
        path.parent.mkdir(mode=0o700, parents=True)
        _sync(path.parent.parent)
    partial = path.with_name(f"{path.name}{_PARTIAL}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    partial.rename(path)
    _sync(path.parent)
    return digest


def put_file(folder: Path, source: Path) -> tuple[Digest, int]:
    """Keep the file at `source`, however large, and return digest and size once it is on disk.

    What is kept is what was read, once: `source` may change meanwhile. Raises OSError.
    """
    (folder / "objects").mkdir(mode=0o700, exist_ok=True)
    arriving = folder / "objects" / "00"
    arriving.mkdir(mode=0o700, exist_ok=True)
    partial = arriving / f"arriving{_PARTIAL}"
    hashed, size = sha256(), 0
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream, source.open("rb") as given:
        while data := given.read(_CHUNK):
            hashed.update(data)
            size += len(data)
            stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    digest = Digest(f"sha256:{hashed.hexdigest()}")
    path = object_path(folder, digest)
    if path.exists() and path.stat().st_size == size:
        partial.unlink()
        return digest, size
    path.parent.mkdir(mode=0o700, exist_ok=True)
    partial.rename(path)
    _sync(path.parent)
    _sync(path.parent.parent)
    return digest, size


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
