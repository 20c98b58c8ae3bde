"""Multi-index hashing: find near hashes by sorting them once for each of 16 bands of 16 bits.

A pair within radius r differs in d_0, ..., d_15 bits of its bands, r in all.
Give the bands weights w that add up to r + 1. The differences d - w then add up
to less than 0 around the ring of bands, and so (the cycle lemma) some band b
exists from which every run stays below 0:

    d_b < w_b,   d_b + d_(b+1) < w_b + w_(b+1),   and so on around the ring.

So probing every band to radius w - 1 misses nothing, and nor does dropping a
candidate whose next band differs by more than the second line allows. The
next band's 16 bits, the fragment, lie beside each row number: in a bucket of
150, at radius 31, all but one in 400 fall by their fragment, read in order,
before a hash is touched. (The pigeonring principle: Qin and Xiao, VLDB 2018,
which sharpens the multi-index hashing of Norouzi, Punjani and Fleet, 2012.)

The weights depend on the radius asked for, the files do not: every radius is
answered exactly. Where a query would be compared with so many candidates that
a flat scan is cheaper, as for a picture nearly blank among many, it scans.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from clonedetect.errors import IndexFormatError
from clonedetect.index import kernels
from clonedetect.index.instructions import LANES

__all__ = ["BANDS", "BOUNDARIES", "Bands", "available_cores", "band_arrays", "flat", "weights_for"]

BANDS: Final = 16
BOUNDARIES: Final = tuple(range(0, 257, 16))
_VALUES: Final = 1 << 16

# How many hashes are scanned flat in the time of one bucket looked up and of one fragment compared,
# what follows from either included; measured (docs/performance.md).
_PROBE_COST: Final = 150
_CANDIDATE_COST: Final = 10
_TURN_AT_LEAST: Final = 64  # queries of one thread's turn: fewer are not worth waking a thread for
_TURN_AT_MOST: Final = 1024

Ids = npt.NDArray[np.int64]
Found = tuple[Ids, Ids, Ids]
Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """The sorted bands: `starts` uint32 (16, 65537); for each band row numbers uint32 (n,) and fragments."""

    starts: npt.NDArray[np.uint32]
    rows: tuple[npt.NDArray[np.uint32], ...]
    fragments: tuple[npt.NDArray[np.uint16], ...]

    @classmethod
    def of(cls, hashes: npt.NDArray[np.uint8]) -> Bands:
        """Sort `hashes`, uint8 (n, 32), in memory: 96 bytes each."""
        return cls.from_arrays(dict(band_arrays(hashes)), len(hashes))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], count: int) -> Bands:
        """Take the arrays that `band_arrays` made of `count` hashes.

        Raises IndexFormatError where one is missing or has another shape or
        type, or where buckets are not laid out one after another.
        """
        wanted: dict[str, tuple[tuple[int, ...], str]] = {"starts": ((BANDS, _VALUES + 1), "<u4")}
        for band in range(BANDS):
            wanted[f"rows{band:02}"] = ((count,), "<u4")
            wanted[f"fragments{band:02}"] = ((count + LANES,), "<u2")
        given = {name: (array.shape, array.dtype.str) for name, array in arrays.items()}
        if given != wanted:
            raise IndexFormatError("the arrays of its bands are not those of its hashes")
        views = {name: _frozen(array) for name, array in arrays.items()}
        starts = views["starts"]
        if starts[:, 0].any() or (starts[:, -1] != count).any() or (starts[:, 1:] < starts[:, :-1]).any():
            raise IndexFormatError("the buckets of its bands do not lie one after another")
        rows = tuple(views[f"rows{band:02}"] for band in range(BANDS))
        return cls(starts, rows, tuple(views[f"fragments{band:02}"] for band in range(BANDS)))

    def search(self, hashes: npt.NDArray[np.uint8], queries: Words, radius: int, threads: int) -> Found:
        """Return (query numbers, rows, distances) within `radius` of `queries`, uint64 (q, 4), unordered."""
        words = _frozen(hashes.view(np.uint64))
        return _in_turns(lambda part: self._search(words, part, radius), _frozen(queries), threads)

    def _search(self, hashes: Words, queries: Words, radius: int) -> Found:
        _, masks, probes = _probes(radius)
        looking_up = _PROBE_COST * int(probes.sum())
        if looking_up > len(hashes):
            return flat(hashes, queries, radius)
        candidates = kernels.candidates(self.starts, queries.view(np.uint16), masks, probes)
        is_banded = looking_up + _CANDIDATE_COST * candidates <= len(hashes)
        banded, scanned = np.flatnonzero(is_banded), np.flatnonzero(~is_banded)
        few = queries if is_banded.all() else _frozen(queries[banded])
        found = [_renumbered(self._probe(hashes, few, radius, band), banded) for band in range(BANDS)]
        if len(scanned):
            found.append(_renumbered(flat(hashes, _frozen(queries[scanned]), radius), scanned))
        return _joined(found)

    def _probe(self, hashes: Words, queries: Words, radius: int, band: int) -> Found:
        weights, masks, probes = _probes(radius)
        if not probes[band] or not len(queries):
            return _NONE
        hits, count = kernels.probe_band(
            band,
            self.starts[band],
            self.rows[band],
            self.fragments[band],
            hashes,
            queries,
            queries.view(np.uint16),
            masks,
            probes[band],
            weights,
            radius,
        )
        if count == kernels.DAMAGED:
            raise IndexFormatError(
                "the index of hashes is damaged: a band names a row that is not there; delete it"
            )
        return _columns(hits, count)


def band_arrays(hashes: npt.NDArray[np.uint8]) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the arrays of each band of `hashes`, uint8 (n, 32), by name, one band in memory at a time.

    Raises ValueError for more than 2**32 - 1 hashes: rows are numbered in 32 bits.
    """
    if len(hashes) >= 1 << 32:
        raise ValueError(f"{len(hashes)} hashes are more than one index can number; split them")
    shorts = _frozen(hashes.view(np.uint16))
    starts = np.zeros((BANDS, _VALUES + 1), np.uint32)
    for band in range(BANDS):
        rows, fragments = kernels.sort_band(shorts, band, starts[band])
        yield f"rows{band:02}", rows
        yield f"fragments{band:02}", fragments
    yield "starts", starts


def weights_for(radius: int) -> Ids:
    """Return a weight for each band, `radius` + 1 in all, as even as can be; one less is its probe radius."""
    least, more = divmod(radius + 1, BANDS)
    return np.array([least + (band < more) for band in range(BANDS)], np.int64)


def flat(hashes: Words, queries: Words, radius: int) -> Found:
    """Compare each of `queries`, uint64 (q, 4), with each of `hashes`, uint64 (n, 4)."""
    return _columns(*kernels.scan_flat(hashes, queries, radius))


def available_cores() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _in_turns(search: Callable[[Words], Found], queries: Words, threads: int) -> Found:
    """Search parts of `queries` in as many threads, which share nothing but the stored arrays."""
    size = min(max(-(-len(queries) // (2 * threads)), _TURN_AT_LEAST), _TURN_AT_MOST)
    firsts = range(0, len(queries), size)
    if len(firsts) <= 1:
        return search(queries)
    parts = [queries[first : first + size] for first in firsts]
    if threads == 1:
        found = list(map(search, parts))
    else:
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(search, parts))
    return _joined(
        [(numbers + first, rows, away) for first, (numbers, rows, away) in zip(firsts, found, strict=True)]
    )


@cache
def _masks() -> tuple[npt.NDArray[np.uint16], Ids]:
    """Return all 16-bit values by number of set bits, and how many have at most 0, 1, ..., 16."""
    values = np.arange(_VALUES, dtype=np.uint16)
    counts = np.bitwise_count(values)
    return values[np.argsort(counts, kind="stable")], np.cumsum(np.bincount(counts, minlength=BANDS + 1))


@cache
def _probes(radius: int) -> tuple[Ids, npt.NDArray[np.uint16], Ids]:
    """Return the bands' weights, masks to apply to a band, and how many of them each band is probed with."""
    weights = weights_for(radius)
    masks, counts = _masks()
    return weights, masks, np.where(weights > 0, counts[np.minimum(weights, BANDS + 1) - 1], 0)


_NONE: Final[Found] = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))


def _columns(hits: Ids, count: int) -> Found:
    return hits[:count, 0], hits[:count, 1], hits[:count, 2]


def _renumbered(found: Found, numbers: Ids) -> Found:
    return numbers[found[0]], found[1], found[2]


def _joined(found: list[Found]) -> Found:
    numbers, rows, distances = (np.concatenate(column) for column in zip(*found, strict=True))
    return numbers, rows, distances


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a plain read-only view: loops are compiled for each kind of array, so they meet one."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
