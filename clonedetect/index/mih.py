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

Any weights will do, and any radius: the files depend on neither. Buckets of
hashes that agree more than chance would have it, full ones, are kept from
costing more than the rest (see `plans`): a query that meets them in few bands
gives those the weight 0, so that they are not looked up, and the others more.
Queries that meet them in many bands are in a crowd, as a nearly blank picture
among such pictures: the rows of full buckets are gathered once for all such
queries of a batch and compared with each. Where even that would be more than
a flat scan, it scans. All ways are exact.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from clonedetect.errors import IndexFormatError
from clonedetect.index import kernels
from clonedetect.index.instructions import LANES
from clonedetect.index.plans import BANDS, NO_BAND, Probes, Way, full_size, is_flat_cheaper, probes_for, ways

__all__ = ["BANDS", "BOUNDARIES", "Bands", "available_cores", "band_arrays", "flat"]

BOUNDARIES: Final = tuple(range(0, 257, 16))
_VALUES: Final = 1 << 16
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
        """Return (query numbers, rows, distances) within `radius` of `queries`, uint64 (q, 4), unordered.

        Turns of a batch are shared by `threads`, which share nothing but the stored arrays.
        """
        if not len(queries):
            return _NONE
        words, queries = _frozen(hashes.view(np.uint64)), _frozen(queries)
        turns = _turns(np.arange(len(queries)), threads)
        with ThreadPoolExecutor(threads) if len(turns) > 1 < threads else nullcontext() as pool:
            run: Callable[..., Iterator[Any]] = map if pool is None else pool.map
            if is_flat_cheaper(radius, len(words)):
                planned = [(Way.FLAT, NO_BAND, turn) for turn in turns]
            else:
                counts = run(lambda turn: self._candidates(_frozen(queries[turn]), radius), turns)
                planned = [
                    (way, left_out, turn)
                    for way, left_out, numbers in ways(np.concatenate(list(counts)), radius, len(words))
                    for turn in ([numbers] if way is Way.CROWDED else _turns(numbers, threads))
                ]

            def look_up(way: Way, left_out: tuple[int, ...], numbers: Ids) -> Found:
                part = queries if len(numbers) == len(queries) else _frozen(queries[numbers])
                return _renumbered(self._found(words, part, radius, way=way, left_out=left_out), numbers)

            return _joined(list(run(lambda plan: look_up(*plan), planned)))

    def _candidates(self, queries: Words, radius: int) -> Ids:
        plan = probes_for(radius)
        counted: Ids = kernels.candidates(self.starts, queries.view(np.uint16), plan.masks, plan.counts)
        return counted

    def _found(
        self, hashes: Words, queries: Words, radius: int, *, way: Way, left_out: tuple[int, ...]
    ) -> Found:
        if way is Way.FLAT:
            return flat(hashes, queries, radius)
        plan = probes_for(radius, left_out)
        if way is Way.CROWDED:
            return self._crowded(hashes, queries, radius, plan)
        return self._probed(hashes, queries, radius, plan, full=len(hashes))

    def _probed(self, hashes: Words, queries: Words, radius: int, plan: Probes, *, full: int) -> Found:
        found = [self._probe(hashes, queries, radius, plan, band=band, full=full) for band in range(BANDS)]
        return _joined(found)

    def _crowded(self, hashes: Words, queries: Words, radius: int, plan: Probes) -> Found:
        """Read each full bucket once for all `queries`; what is in none is found as ever."""
        full = full_size(len(hashes))
        seen = np.zeros(-(-len(hashes) // 64), np.uint64)
        crowd = np.concatenate(
            [self._full_rows(queries, plan, band=band, full=full, seen=seen) for band in range(BANDS)]
        )
        numbers, rows, distances = self._probed(hashes, queries, radius, plan, full=full)
        kept = ~_is_marked(seen, rows)
        among, places, away = flat(_frozen(hashes[crowd]), queries, radius)
        return _joined([(numbers[kept], rows[kept], distances[kept]), (among, crowd[places], away)])

    def _full_rows(self, queries: Words, plan: Probes, *, band: int, full: int, seen: Words) -> Ids:
        rows, count = kernels.full_rows(
            band,
            self.starts[band],
            self.rows[band],
            queries.view(np.uint16),
            plan.masks,
            plan.counts[band],
            full,
            len(self.rows[band]),
            seen,
        )
        _refuse_damaged(count)
        found: Ids = rows[:count]
        return found

    def _probe(
        self, hashes: Words, queries: Words, radius: int, plan: Probes, *, band: int, full: int
    ) -> Found:
        if not plan.counts[band] or not len(queries):
            return _NONE
        hits, count = kernels.probe_band(
            band,
            self.starts[band],
            self.rows[band],
            self.fragments[band],
            hashes,
            queries,
            queries.view(np.uint16),
            plan.masks,
            plan.counts[band],
            plan.weights,
            radius,
            full,
        )
        _refuse_damaged(count)
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


def flat(hashes: Words, queries: Words, radius: int) -> Found:
    """Compare each of `queries`, uint64 (q, 4), with each of `hashes`, uint64 (n, 4)."""
    return _columns(*kernels.scan_flat(hashes, queries, radius))


def available_cores() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _turns(numbers: Ids, threads: int) -> list[Ids]:
    """Cut the numbers of queries into turns for as many threads; two each, so that no thread waits long."""
    size = min(max(-(-len(numbers) // (2 * threads)), _TURN_AT_LEAST), _TURN_AT_MOST)
    return [numbers[first : first + size] for first in range(0, len(numbers), size)]


def _refuse_damaged(count: int) -> None:
    if count == kernels.DAMAGED:
        raise IndexFormatError(
            "the index of hashes is damaged: a band names a row that is not there; delete it"
        )


def _is_marked(seen: Words, rows: Ids) -> npt.NDArray[np.bool_]:
    marked: npt.NDArray[np.bool_] = (seen[rows >> 6] >> (rows & 63).astype(np.uint64) & np.uint64(1)) > 0
    return marked


_NONE: Final[Found] = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))


def _columns(hits: Ids, count: int) -> Found:
    return hits[:count, 0], hits[:count, 1], hits[:count, 2]


def _renumbered(found: Found, numbers: Ids) -> Found:
    return numbers[found[0]], found[1], found[2]


def _joined(found: list[Found]) -> Found:
    if not found:
        return _NONE
    numbers, rows, distances = (np.concatenate(column) for column in zip(*found, strict=True))
    return numbers, rows, distances


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a plain read-only view: loops are compiled for each kind of array, so they meet one."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
