"""Tables of keys larger than memory, built by way of temporary files.

Entries are split by their keys' leading bits over nameless files as they
come; each file is then sorted by itself and set behind the one before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Final, Self

import numpy as np
import numpy.typing as npt

from clonedetect.index.keytable import Keys, Numbers, bucket_bits, parts_of

__all__ = ["Spool"]

_ENTRIES_PER_FILE: Final = 4_000_000  # about 200 MB while it is sorted
_MOST_FILE_BITS: Final = 7
_ENTRY: Final = np.dtype([("key", "<u8"), ("number", "<u4")])


class Spool:
    """Entries on their way into one table, `expected` or about as many. Use in a ``with`` block."""

    def __init__(self, folder: Path, expected: int, *, per_file: int = _ENTRIES_PER_FILE) -> None:
        self._folder = folder
        self._bits = min((expected // per_file).bit_length(), _MOST_FILE_BITS)
        self._open = ExitStack()
        self._files = [self._temporary() for _ in range(1 << self._bits)]
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def add(self, keys: Keys, numbers: Numbers) -> None:
        """Take entries, (n,) each."""
        entries = np.empty(len(keys), _ENTRY)
        entries["key"], entries["number"] = keys, numbers
        self._count += len(entries)
        if not self._bits:
            self._files[0].write(entries.tobytes())
            return
        files = (keys >> np.uint64(64 - self._bits)).astype(np.uint8)
        entries = entries[np.argsort(files, kind="stable")]
        ends = np.cumsum(np.bincount(files, minlength=len(self._files)))
        for file, part in zip(self._files, np.split(entries, ends[:-1]), strict=True):
            file.write(part.tobytes())

    def arrays(self, prefix: str) -> Iterator[tuple[str, npt.NDArray[np.int64] | Numbers]]:
        """Yield the table's arrays by name, as `KeyTable.from_arrays` takes them."""
        bits = bucket_bits(self._count)
        starts = np.zeros((1 << bits) + 1, np.int64)
        fragments, numbers = self._temporary(), self._temporary()
        for file in self._files:
            file.seek(0)
            entries = np.frombuffer(file.read(), _ENTRY)
            buckets, *ordered = parts_of(entries["key"], entries["number"], bits)
            starts[1:] += np.bincount(buckets, minlength=1 << bits)
            for target, array in zip((fragments, numbers), ordered, strict=True):
                target.write(array.tobytes())
        np.cumsum(starts, out=starts)
        yield f"{prefix}-starts", starts
        yield f"{prefix}-fragments", self._mapped(fragments)
        yield f"{prefix}-numbers", self._mapped(numbers)

    def _mapped(self, file: IO[bytes]) -> Numbers:
        file.flush()
        if not self._count:
            return np.empty(0, np.uint32)
        return np.memmap(file, np.uint32, mode="r", shape=(self._count,))

    def _temporary(self) -> IO[bytes]:
        return self._open.enter_context(tempfile.TemporaryFile(dir=self._folder))
