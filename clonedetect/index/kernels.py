"""Compiled loops over bands and hashes: counting sort, probing, flat scan.

Every loop releases the interpreter lock, so that threads share a batch of
queries. They are compiled once per machine and kept in numba's cache; where
no cache can be written they are compiled anew in each process (some seconds).

A band is 16 bits, so a hash is 16 bands: ``hashes.view(uint16)``. The loops
trust the sizes of their arrays; `mih` checks them when files are opened. Row
numbers come from files too and are checked here, where they are used.
"""

# ruff: noqa: PLR0917  compiled loops know no keywords

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar, cast

import numpy as np
from numba import njit

from clonedetect.index.instructions import (
    LANES,
    WIDE,
    count_bits,
    lowest_bit,
    near_fragments,
    near_halves,
    prefetch,
)

__all__ = [
    "DAMAGED",
    "Array",
    "Number",
    "candidates",
    "compiled",
    "full_rows",
    "probe_band",
    "scan_flat",
    "sort_band",
]

DAMAGED: Final = -1
"""Returned as the number of hits when a row number lies outside the stored hashes."""

_BANDS: Final = 16
_PROBES: Final = 512  # bucket bounds read ahead of their fragments, which then fit the second-level cache
_SURVIVORS: Final = 256  # compared with whole hashes in one go
_LINE: Final = 32  # fragments in a cache line
_AHEAD: Final = 8 * _LINE
_FLAT_ROWS: Final = 1024  # two columns of them are 16 KB: in the first-level cache

Array: TypeAlias = Any
"""A numpy array; the docstrings name its elements, for numba infers them and rejects what does not fit."""

Number: TypeAlias = Any
"""An integer of the machine, of the width and sign numba infers."""

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(function: Loop) -> Loop:
    """Compile a loop when it is first called, and keep it in numba's cache where one can be written."""
    try:
        made: Any = njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba found no folder it may write its cache to
        made = njit(nogil=True)(function)
    return cast("Loop", made)


@compiled
def sort_band(shorts: Array, band: Number, starts: Array) -> tuple[Array, Array]:
    """Sort the rows of `shorts`, (n, 16), by their value in `band`; within a value by row number.

    Fills `starts`, 65,537 long, with where each value begins, and returns row
    numbers and, beside each, the value of the band that follows.
    """
    count = len(shorts)
    rows = np.empty(count, np.uint32)
    fragments = np.zeros(count + LANES, np.uint16)
    following = (band + 1) % _BANDS
    starts[:] = 0
    for row in range(count):
        starts[np.int64(shorts[row, band]) + 1] += 1
    for value in range(len(starts) - 1):
        starts[value + 1] += starts[value]
    places = starts.copy()
    for row in range(count):
        value = shorts[row, band]
        place = places[value]
        places[value] = place + 1
        rows[place] = row
        fragments[place] = shorts[row, following]
    return rows, fragments


@compiled
def candidates(
    starts: Array,
    queries: Array,
    masks: Array,
    probes: Array,
) -> Array:
    """Count the fragments each of `queries`, (q, 16), would be compared with, int64 (q, 16) by band."""
    counts = np.zeros((len(queries), _BANDS), np.int64)
    for band in range(_BANDS):
        for number in range(len(queries)):
            key = np.int64(queries[number, band])
            total = np.int64(0)
            for probe in range(probes[band]):
                bucket = key ^ np.int64(masks[probe])
                total += np.int64(starts[band, bucket + 1]) - np.int64(starts[band, bucket])
            counts[number, band] = total
    return counts


@compiled
def _found_earlier(
    hashes: Array,
    row: Number,
    query: Array,
    band: Number,
    weights: Array,
) -> Number:
    """Whether a band before `band` finds this row for this query too."""
    for earlier in range(band):
        following = (earlier + 1) % _BANDS
        first = (
            (query[earlier >> 2] ^ hashes[row, earlier >> 2]) >> np.uint64(16 * (earlier & 3))
        ) & np.uint64(0xFFFF)
        own = np.int64(count_bits(first))
        if own >= weights[earlier]:
            continue
        second = (
            (query[following >> 2] ^ hashes[row, following >> 2]) >> np.uint64(16 * (following & 3))
        ) & np.uint64(0xFFFF)
        if own + np.int64(count_bits(second)) < weights[earlier] + weights[following]:
            return True
    return False


@compiled
def _distance(hashes: Array, row: Number, query: Array) -> Number:
    """Count the bits in which a stored hash, (n, 4) words, differs from `query`, (4,)."""
    total = np.uint64(0)
    for word in range(4):
        total += count_bits(hashes[row, word] ^ query[word])
    return np.int64(total)


@compiled
def _with_room(hits: Array, count: Number, more: Number) -> Array:
    """Return `hits`, or a copy of twice the size and more, so that `more` fit behind the first `count`."""
    if count + more <= len(hits):
        return hits
    larger = np.empty((2 * (count + more), 3), np.int64)
    larger[:count] = hits[:count]
    return larger


@compiled
def _put(hits: Array, count: Number, number: Number, row: Number, distance: Number) -> None:
    """Write hit number `count`, for which `_with_room` made room: an array handed back costs 50 ns a hit."""
    hits[count, 0] = number
    hits[count, 1] = row
    hits[count, 2] = distance


@compiled
def _verify(
    survivors: Array,
    size: Number,
    rows: Array,
    hashes: Array,
    queries: Array,
    band: Number,
    weights: Array,
    radius: Number,
    hits: Array,
    count: Number,
) -> Number:
    """Compare whole hashes: first all row numbers, then all hashes, so that the loads overlap."""
    for step in range(size):
        row = np.int64(rows[survivors[step, 1]])
        if row >= len(hashes):
            return DAMAGED
        survivors[step, 1] = row
        prefetch(hashes, 4 * row)
    for step in range(size):
        number, row = survivors[step, 0], survivors[step, 1]
        distance = _distance(hashes, row, queries[number])
        if distance <= radius and not _found_earlier(hashes, row, queries[number], band, weights):
            _put(hits, count, number, row, distance)
            count += 1
    return count


@compiled
def _look_up(
    starts: Array,
    fragments: Array,
    key: Number,
    masks: Array,
    probes: Number,
    limit: Number,
    full: Number,
    bounds: Array,
    pending: Number,
    number: Number,
) -> Number:
    """Append the buckets near `key` to `bounds`, ask for their fragments, and return how many there are.

    Those of more than `full` fragments are left out.
    """
    for probe in range(probes):
        mask = np.int64(masks[probe])
        start, stop = np.int64(starts[key ^ mask]), np.int64(starts[(key ^ mask) + 1])
        if start < stop <= start + full:
            for place in range(start, min(stop, start + _AHEAD), _LINE):
                prefetch(fragments, place)
            bounds[pending, 0] = number
            bounds[pending, 1] = start
            bounds[pending, 2] = stop
            bounds[pending, 3] = min(limit - np.int64(count_bits(np.uint64(mask))), 16)
            pending += 1
    return pending


@compiled
def _collect(
    fragments: Array,
    rows: Array,
    shorts: Array,
    following: Number,
    bounds: Array,
    entry: Number,
    pending: Number,
    survivors: Array,
    size: Number,
) -> tuple[Number, Number]:
    """Append what passes by its fragment to `survivors` until they are enough; return the next entry.

    A loop of its own: it holds no reference to an array that may be replaced,
    whose counting costs four times the comparison.
    """
    while entry < pending:
        number, stop = bounds[entry, 0], bounds[entry, 2]
        wanted, bound = shorts[number, following], np.uint16(bounds[entry, 3])
        for place in range(bounds[entry, 1], stop, LANES):
            near = near_fragments(fragments, place, wanted, bound)
            if stop - place < LANES:
                near &= (np.uint64(1) << np.uint64(stop - place)) - np.uint64(1)
            while near:
                survivors[size, 0] = number
                survivors[size, 1] = place + lowest_bit(near)
                near &= near - np.uint64(1)
                prefetch(rows, survivors[size, 1])
                size += 1
            if size >= _SURVIVORS:
                bounds[entry, 1] = place + LANES
                return entry, size
        entry += 1
    return entry, size


@compiled
def probe_band(
    band: Number,
    starts: Array,
    rows: Array,
    fragments: Array,
    hashes: Array,
    queries: Array,
    shorts: Array,
    masks: Array,
    probes: Number,
    weights: Array,
    radius: Number,
    full: Number,
) -> tuple[Array, Number]:
    """Return (query number, row, distance) of what `band` is the first to find, and how many those are.

    `queries`, (q, 4), and `shorts`, (q, 16), are the same bits; `masks` begin
    with the `probes` that belong to this band's radius. Buckets of more than
    `full` rows are passed over: see `full_rows`. The count is `DAMAGED` where
    `rows` names a hash that is not there.
    """
    bounds = np.empty((max(_PROBES, probes), 4), np.int64)
    survivors = np.empty((_SURVIVORS + LANES, 2), np.int64)
    hits = np.empty((64, 3), np.int64)
    count = 0
    size = 0
    following = (band + 1) % _BANDS
    limit = weights[band] + weights[following] - 1
    tile = max(1, _PROBES // probes)
    for first in range(0, len(queries), tile):
        pending = 0
        for number in range(first, min(first + tile, len(queries))):
            key = np.int64(shorts[number, band])
            pending = _look_up(starts, fragments, key, masks, probes, limit, full, bounds, pending, number)
        entry = 0
        while entry < pending:
            entry, size = _collect(
                fragments, rows, shorts, following, bounds, entry, pending, survivors, size
            )
            if size >= _SURVIVORS:
                hits = _with_room(hits, count, size)
                count = _verify(survivors, size, rows, hashes, queries, band, weights, radius, hits, count)
                size = 0
                if count == DAMAGED:
                    return hits, count
    hits = _with_room(hits, count, size)
    return hits, _verify(survivors, size, rows, hashes, queries, band, weights, radius, hits, count)


@compiled
def full_rows(
    band: Number,
    starts: Array,
    rows: Array,
    shorts: Array,
    masks: Array,
    probes: Number,
    full: Number,
    count: Number,
    seen: Array,
) -> tuple[Array, Number]:
    """Return what lies in buckets of more than `full` rows that `shorts`, (q, 16), meet, and how many.

    A bucket is read once, however many queries meet it. Left out are rows
    marked in `seen`, a bit a row; those returned are marked. The number is
    `DAMAGED` where a row is not among the first `count`.
    """
    is_met = np.zeros(len(starts), np.uint8)
    size = np.int64(0)
    for number in range(len(shorts)):
        for probe in range(probes):
            bucket = np.int64(shorts[number, band]) ^ np.int64(masks[probe])
            length = np.int64(starts[bucket + 1]) - np.int64(starts[bucket])
            if length > full and not is_met[bucket]:
                is_met[bucket] = 1
                size += length
    found = np.empty(size, np.int64)
    size = np.int64(0)
    for bucket in np.flatnonzero(is_met):
        for place in range(np.int64(starts[bucket]), np.int64(starts[bucket + 1])):
            row = np.int64(rows[place])
            if row >= count:
                return found, DAMAGED
            bit = np.uint64(1) << np.uint64(row & 63)
            if not seen[row >> 6] & bit:
                seen[row >> 6] |= bit
                found[size] = row
                size += 1
    return found, size


@compiled
def _near_rows(
    low: Array,
    high: Array,
    size: Number,
    one: Number,
    two: Number,
    bound: Number,
    places: Array,
) -> Number:
    """Write where two columns together are within `bound` bits of two words, and return how often."""
    found = 0
    for step in range(0, size, WIDE):
        near = near_halves(low, high, step, one, two, bound)
        while near:
            places[found] = step + lowest_bit(near)
            near &= near - np.uint64(1)
            found += 1
    return found


@compiled
def _measured(
    hashes: Array,
    first: Number,
    places: Array,
    found: Number,
    number: Number,
    query: Array,
    radius: Number,
    hits: Array,
    count: Number,
) -> Number:
    for near in range(found):
        row = first + places[near]
        if row < len(hashes):  # the last columns hold leftovers of the block before
            distance = _distance(hashes, row, query)
            if distance <= radius:
                _put(hits, count, number, row, distance)
                count += 1
    return count


@compiled
def scan_flat(hashes: Array, queries: Array, radius: Number) -> tuple[Array, Number]:
    """Return (query number, row, distance) of every hash within `radius`, and how many those are.

    Half of a hash decides most pairs; the second half is read for survivors only.
    """
    low = np.zeros(_FLAT_ROWS, np.uint64)
    high = np.zeros(_FLAT_ROWS, np.uint64)
    places = np.empty(_FLAT_ROWS, np.int64)
    hits = np.empty((64, 3), np.int64)
    count = 0
    for first in range(0, len(hashes), _FLAT_ROWS):
        size = min(_FLAT_ROWS, len(hashes) - first)
        for step in range(size):
            low[step] = hashes[first + step, 0]
            high[step] = hashes[first + step, 1]
        for number in range(len(queries)):
            found = _near_rows(
                low, high, size, queries[number, 0], queries[number, 1], np.uint64(radius), places
            )
            hits = _with_room(hits, count, found)
            count = _measured(hashes, first, places, found, number, queries[number], radius, hits, count)
    return hits, count
