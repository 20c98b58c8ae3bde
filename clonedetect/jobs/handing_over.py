"""An index into one file of hashes, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from clonedetect.errors import InputError
from clonedetect.index.handover import hash_lines
from clonedetect.index.store import IndexStore

__all__ = ["export_hashes"]


def export_hashes(index_folder: Path, out: Path, *, key_file: Path | None = None) -> int:
    """Write every item of the index as one line of hashes to the new file `out` (mode 0600); return how many.

    Raises InputError where `out` exists, or the key cannot be read or is short;
    what ends early leaves no file of that name.
    """
    key = None if key_file is None else _key(key_file)
    if out.exists():
        raise InputError(f"{out} exists; name a new file")
    partial = out.with_name(f"{out.name}.{os.getpid()}.partial")
    try:
        count = _write(index_folder, partial, key)
        os.link(partial, out)  # unlike a rename, a link never replaces what came into being meanwhile
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror})") from error
    finally:
        partial.unlink(missing_ok=True)
    return count


def _write(index_folder: Path, partial: Path, key: bytes | None) -> int:
    count = 0
    with IndexStore.open(index_folder) as store:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for count, line in enumerate(hash_lines(store, key), 1):  # noqa: B007  the last number is the count
                file.write(line)
            file.flush()
            os.fsync(file.fileno())
    return count


def _key(path: Path) -> bytes:
    try:
        return path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise InputError(f"{path} cannot be read as a key ({error.strerror})") from error
