"""Compiled loops over local features: lists of rows by word, and stored descriptors near a query's.

A list of rows that rise is kept by the lower 16 bits of each, beside bits that count
how far the upper ones have come (Elias, 1974; Fano, 1971): a zero for each block of
65,536 rows gone by, a one for each row. That is 2.25 bytes a row, wherever rows lie.

Loaded by `featurestore`; compiled as `kernels` is, and cached likewise. Lists come
from files: what they say is checked here, where it is used.
"""

# ruff: noqa: PLR0917  compiled loops know no keywords

from __future__ import annotations

from typing import Final

import numpy as np

from clonedetect.index.instructions import count_bits, lowest_bit
from clonedetect.index.kernels import Array, Number, compiled

__all__ = ["agreements", "count_words", "fill_lists", "rows_to_read"]

_WORDS: Final = 8
_ALL: Final = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


@compiled
def _word_of(half: Number, word: Number) -> Number:
    """Return a 16-bit word of a descriptor's first or second `half`.

    Words are big-endian pairs of bytes, halves little-endian: a word's bits lie together either way.
    """
    bits = np.int64((half >> np.uint64(16 * (word & 3))) & np.uint64(0xFFFF))
    return ((bits & 0xFF) << 8) | (bits >> 8)


@compiled
def count_words(descriptors: Array, counts: Array) -> None:
    """Add to `counts`, uint32 (8, 65536), how many of `descriptors`, uint64 (n, 2), have each word."""
    for row in range(len(descriptors)):
        for word in range(_WORDS):
            counts[word, _word_of(descriptors[row, word >> 2], word)] += 1


@compiled
def fill_lists(descriptors: Array, offsets: Array, low: Array, high: Array) -> None:
    """List the rows of `descriptors`, uint64 (n, 2), by word; within a list they rise.

    `offsets`, int64 (8, 65537), say where each list begins. Fills `low`, uint16 (8, n), and
    `high`, uint64 (8, k), all zero before; list k's bits begin where its rows do and k times
    the number of blocks later.
    """
    blocks = (len(descriptors) >> 16) + 1
    for word in range(_WORDS):
        places = offsets[word].copy()
        for row in range(len(descriptors)):
            key = _word_of(descriptors[row, word >> 2], word)
            place = places[key]
            places[key] = place + 1
            low[word, place] = row & 0xFFFF
            bit = place + key * blocks + (row >> 16)
            high[word, bit >> 6] |= np.uint64(1) << np.uint64(bit & 63)


@compiled
def rows_to_read(sizes: Array, words: Array, probes: Array, longest: Number) -> Number:
    """Count the rows `agreements` would compare in full, of all stores that `sizes` is the sum of."""
    total = np.int64(0)
    for word in range(_WORDS):
        for number in range(len(words)):
            for probe in probes:
                size = np.int64(sizes[word, np.int64(words[number, word] ^ probe)])
                total += size * (size <= longest)
    return total


@compiled
def agreements(
    descriptors: Array,
    offsets: Array,
    low: Array,
    high: Array,
    unread: Array,
    words: Array,
    queries: Array,
    probes: Array,
    radius: Number,
) -> Array:
    """Return (query number, row, distance) of rows within `radius` that share a probed word, each once.

    `descriptors`, uint64 (n, 2), lie in the lists that `fill_lists` made of them; those marked
    in `unread`, uint64 (8, 1024), a bit each, are not read. `words`, uint16 (q, 8), and
    `queries`, uint64 (q, 2), are the same bits; `probes` begin with 0 and have at most one bit set.
    """
    blocks = (len(descriptors) >> 16) + 1
    found = np.empty((4096, 3), np.int64)
    count = 0
    for word in range(_WORDS):
        for number in range(len(words)):
            for probe in probes:
                key = np.int64(words[number, word] ^ probe)
                start, stop = np.int64(offsets[word, key]), np.int64(offsets[word, key + 1])
                if start == stop or _is_marked(unread, word, key):
                    continue
                begin = start + key * blocks
                part = begin >> 6
                bits = high[word, part] & (_ALL << np.uint64(begin & 63))
                for place in range(start, stop):
                    while bits == 0 and part + 1 < high.shape[1]:
                        part += 1
                        bits = high[word, part]
                    if bits == 0:
                        break
                    bit = (part << 6) + np.int64(lowest_bit(bits))
                    bits &= bits - np.uint64(1)
                    row = ((bit - begin - (place - start)) << 16) | np.int64(low[word, place])
                    if row >= len(descriptors):
                        break
                    first = descriptors[row, 0] ^ queries[number, 0]
                    second = descriptors[row, 1] ^ queries[number, 1]
                    distance = np.int64(count_bits(first)) + np.int64(count_bits(second))
                    if distance > radius or _met_earlier(first, second, word, unread, words, number, probes):
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
def _is_marked(marks: Array, word: Number, key: Number) -> Number:
    return (marks[word, key >> 6] >> np.uint64(key & 63)) & np.uint64(1)


@compiled
def _met_earlier(
    first: Number,
    second: Number,
    word: Number,
    unread: Array,
    words: Array,
    number: Number,
    probes: Array,
) -> Number:
    """Whether an earlier word's list was read and holds the row whose difference is `first`, `second`."""
    for earlier in range(word):
        difference = _word_of(first if earlier < 4 else second, earlier)
        bits = np.int64(count_bits(np.uint64(difference)))
        if bits > 1 or (bits == 1 and len(probes) == 1):
            continue
        if not _is_marked(unread, earlier, np.int64(words[number, earlier]) ^ difference):
            return True
    return False
