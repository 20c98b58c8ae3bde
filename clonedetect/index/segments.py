"""Hashes and ids that are looked up together: scanned flat while few, by bands when many.

Few hashes are scanned flat: numpy's ``bitwise_count`` over words of 64 bits,
in blocks, so that memory stays bounded. Half of a hash decides most pairs: at
radius 31 two random hashes agree that well on their first 128 bits once in
10^9, so the second half is read for survivors only. Many are sorted by bands
(see `mih`) and looked up by compiled loops, which are loaded for them alone.
Both answer alike, hit by hit.

A segment is never changed: what is deleted from it gives a new one, which
shares its arrays. So whoever searches one is not disturbed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from types import ModuleType
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from clonedetect.index import mih

__all__ = [
    "BANDED_FROM",
    "HASH_BYTES",
    "Found",
    "Hashes",
    "Ids",
    "Layout",
    "Segment",
    "checked",
    "checked_hashes",
    "layout_for",
    "loaded_mih",
]

HASH_BYTES: Final = 32
BANDED_FROM: Final = 200_000
"""Number of hashes from which bands answer faster than a flat scan, loading them included; measured."""

_BLOCK_ROWS: Final = 8192
_BLOCK_QUERIES: Final = 32  # 32 x 8192 words of 8 bytes: 2 MB a step, in the second-level cache
_HALF_BITS: Final = 128

Hashes = npt.NDArray[np.uint8]
Ids = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Found = tuple[Ids, Ids, Ids]


class Layout(StrEnum):
    """How stored hashes are looked up; what is found does not depend on it."""

    FLAT = "flat"
    MIH = "mih"


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Hashes uint8 (n, 32), their ids int64 (n,), their bands if they have any, and which are deleted."""

    hashes: Hashes
    ids: Ids
    bands: mih.Bands | None = None
    dead: npt.NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, hashes: Hashes, ids: Ids, layout: Layout | None = None) -> Segment:
        """Take checked arrays, sorted by bands in memory where the layout, or else their number, asks."""
        is_banded = (layout or layout_for(len(hashes))) is Layout.MIH
        return cls(hashes, ids, loaded_mih().Bands.of(hashes) if is_banded else None)

    def __len__(self) -> int:
        """Return how many hashes a search may return."""
        return len(self.ids) - (0 if self.dead is None else int(np.count_nonzero(self.dead)))

    def without(self, ids: Ids) -> Segment:
        """Return these hashes but for those under `ids`."""
        gone = np.isin(self.ids, ids)
        if not gone.any():
            return self
        return replace(self, dead=gone if self.dead is None else self.dead | gone)

    def alive(self) -> tuple[Hashes, Ids]:
        """Return what a search may return."""
        if self.dead is None:
            return self.hashes, self.ids
        return self.hashes[~self.dead], self.ids[~self.dead]

    def search(self, queries: Words, radius: int, threads: int | None) -> Iterator[Found]:
        """Yield (query numbers, ids, distances) within `radius` of `queries`, uint64 (q, 4), in no order."""
        for numbers, rows, away in self._near(queries, radius, threads):
            if self.dead is None:
                yield numbers, self.ids[rows], away
            else:
                kept = ~self.dead[rows]
                yield numbers[kept], self.ids[rows[kept]], away[kept]

    def _near(self, queries: Words, radius: int, threads: int | None) -> Iterator[Found]:
        if self.bands is None:
            yield from _scan(self.hashes, queries, radius)
        else:
            cores = threads or loaded_mih().available_cores()
            yield self.bands.search(self.hashes, queries, radius, cores)


def layout_for(count: int) -> Layout:
    """Return the layout that answers fastest for so many hashes."""
    return Layout.MIH if count >= BANDED_FROM else Layout.FLAT


def loaded_mih() -> ModuleType:
    """Load the compiled loops: half a second that no small index shall cost."""
    from clonedetect.index import mih  # noqa: PLC0415  see above

    return mih


def checked_hashes(hashes: Hashes) -> Hashes:
    """Return `hashes` in one piece; raises ValueError unless they are uint8 (n, 32)."""
    if hashes.dtype != np.uint8 or hashes.ndim != 2 or hashes.shape[1] != HASH_BYTES:
        raise ValueError(f"hashes must be uint8 (n, {HASH_BYTES}), not {hashes.dtype} {hashes.shape}")
    return np.ascontiguousarray(hashes)


def checked(hashes: Hashes, ids: Ids) -> tuple[Hashes, Ids]:
    """Return `hashes` and `ids` in one piece; raises ValueError unless there is an int64 for each hash."""
    hashes = checked_hashes(hashes)
    if ids.dtype != np.int64 or ids.shape != (len(hashes),):
        raise ValueError(f"ids must be int64 ({len(hashes)},), not {ids.dtype} {ids.shape}")
    return hashes, np.ascontiguousarray(ids)


def _scan(hashes: Hashes, queries: Words, radius: int) -> Iterator[Found]:
    """Yield (query numbers, rows, distances) block by block."""
    words = hashes.view(np.uint64)
    for start in range(0, len(words), _BLOCK_ROWS):
        block = np.ascontiguousarray(words[start : start + _BLOCK_ROWS].T)
        for first in range(0, len(queries), _BLOCK_QUERIES):
            numbers, rows, distances = _compare(block, queries[first : first + _BLOCK_QUERIES], radius)
            if len(rows):
                yield numbers + first, rows + start, distances


def _compare(block: Words, queries: Words, radius: int) -> Found:
    """Compare word columns, uint64 (4, rows), with queries, uint64 (q, 4)."""
    half = np.bitwise_count(queries[:, 0, None] ^ block[0])
    half += np.bitwise_count(queries[:, 1, None] ^ block[1])
    numbers, rows = np.nonzero(half <= min(radius, _HALF_BITS))
    distances = half[numbers, rows].astype(np.int64)
    for column in (2, 3):
        distances += np.bitwise_count(queries[numbers, column] ^ block[column, rows])
    keep = distances <= radius
    return numbers[keep], rows[keep], distances[keep]
