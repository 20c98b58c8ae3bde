"""Compiled loop over local features: stored descriptors that are near a query's, found by equal words.

Loaded by `features`; compiled as `kernels` is, and cached likewise.
"""

# ruff: noqa: PLR0917  compiled loops know no keywords

from __future__ import annotations

from typing import Final

import numpy as np

from clonedetect.index.instructions import count_bits
from clonedetect.index.kernels import Array, Number, compiled

__all__ = ["agreements", "rows_to_read"]

_WORDS: Final = 8


@compiled
def rows_to_read(offsets: Array, words: Array, probes: Array, longest: Number) -> Number:
    """Count the rows `agreements` would compare in full."""
    total = 0
    for word in range(_WORDS):
        for number in range(len(words)):
            for probe in probes:
                key = np.int64(words[number, word] ^ probe)
                size = offsets[word, key + 1] - offsets[word, key]
                if size <= longest:
                    total += size
    return total


@compiled
def agreements(
    descriptors: Array,
    offsets: Array,
    rows: Array,
    words: Array,
    queries: Array,
    probes: Array,
    radius: Number,
    longest: Number,
) -> Array:
    """Return (query number, row, distance) of rows within `radius` that share a probed word, each once.

    `descriptors`, uint64 (2, n), lie in lists `rows`, uint32 (8, n), that `offsets`,
    int64 (8, 65537), delimit; lists over `longest` are not read. `words`, uint16 (q, 8),
    and `queries`, uint64 (2, q), are the same bits; `probes` begin with 0 and have
    at most one bit set.
    """
    found = np.empty((4096, 3), np.int64)
    count = 0
    for word in range(_WORDS):
        for number in range(len(words)):
            low, high = queries[0, number], queries[1, number]
            for probe in probes:
                key = np.int64(words[number, word] ^ probe)
                start, stop = offsets[word, key], offsets[word, key + 1]
                if stop - start > longest:
                    continue
                for place in range(start, stop):
                    row = np.int64(rows[word, place])
                    first, second = descriptors[0, row] ^ low, descriptors[1, row] ^ high
                    distance = np.int64(count_bits(first)) + np.int64(count_bits(second))
                    if distance > radius or _met_earlier(
                        first, second, word, offsets, words, number, probes, longest
                    ):
                        continue
                    if count == len(found):
                        larger = np.empty((2 * count, 3), np.int64)
                        larger[:count] = found
                        found = larger
                    found[count, 0] = number
                    found[count, 1] = row
                    found[count, 2] = distance
                    count += 1
    return found[:count]


@compiled
def _met_earlier(
    first: Number,
    second: Number,
    word: Number,
    offsets: Array,
    words: Array,
    number: Number,
    probes: Array,
    longest: Number,
) -> Number:
    """Whether an earlier word's list was read and holds the row whose difference is `first`, `second`."""
    for earlier in range(word):
        half = first if earlier < 4 else second
        # Words are big-endian pairs of bytes, halves little-endian: a word's bits lie together either way.
        shift = np.uint64(16 * (earlier & 3))
        difference = (half >> shift) & np.uint64(0xFFFF)
        bits = np.int64(count_bits(difference))
        if bits > 1 or (bits == 1 and len(probes) == 1):
            continue
        swapped = ((difference & np.uint64(0xFF)) << np.uint64(8)) | (difference >> np.uint64(8))
        key = np.int64(words[number, earlier]) ^ np.int64(swapped)
        if offsets[earlier, key + 1] - offsets[earlier, key] <= longest:
            return True
    return False
