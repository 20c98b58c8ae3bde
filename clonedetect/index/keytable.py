"""64-bit keys to text numbers, sorted: 8 bytes an entry, memory-mapped or in memory.

A key's leading bits name its bucket, of about 32 entries; the 32 bits after
those, the fragment, are kept beside each number, in the order of fragment and
number. So 48 bits of a key decide at the least, and more the larger the table:
a key is taken for another of n with probability n / 2^48 or less, of a
hundred million with one in 10^8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from clonedetect.errors import IndexFormatError

__all__ = ["MAX_NUMBER", "KeyTable", "Keys", "Numbers", "bucket_bits", "expanded", "parts_of"]

MAX_NUMBER: Final = 2**32 - 1
_FRAGMENT_BITS: Final = 32
_LEAST_BITS: Final = 16
_MOST_BITS: Final = 28
_PER_BUCKET: Final = 32

Keys = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.uint32]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class KeyTable:
    """`starts` int64 (2^b + 1,) of buckets; by entry `fragments` uint32 (n,) and `numbers` uint32 (n,)."""

    starts: Places
    fragments: npt.NDArray[np.uint32]
    numbers: Numbers

    @classmethod
    def of(cls, keys: Keys, numbers: Numbers) -> Self:
        """Sort `keys` with the `numbers` that have them, both (n,), in memory; numbers never decrease."""
        bits = bucket_bits(len(keys))
        buckets, fragments, ordered = parts_of(keys, numbers, bits)
        starts = np.zeros((1 << bits) + 1, np.int64)
        np.cumsum(np.bincount(buckets, minlength=1 << bits), out=starts[1:])
        return cls(starts, fragments, ordered)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> Self:
        """Take the arrays named `prefix` and ``-starts``, ``-fragments`` or ``-numbers``.

        Raises IndexFormatError where one is missing, has another shape or type,
        or where buckets do not lie one after another.
        """
        try:
            table = cls(
                *(np.asarray(arrays[f"{prefix}-{name}"]) for name in ("starts", "fragments", "numbers"))
            )
        except KeyError as error:
            raise IndexFormatError(f"the array {error} of its texts is missing") from error
        starts, size = table.starts, len(table.numbers)
        is_sound = (
            starts.dtype == np.int64
            and table.fragments.dtype == table.numbers.dtype == np.uint32
            and starts.ndim == table.fragments.ndim == table.numbers.ndim == 1
            and len(table.fragments) == size
            and len(starts) - 1 in {1 << bits for bits in range(_LEAST_BITS, _MOST_BITS + 1)}
            and starts[0] == 0
            and starts[-1] == size
            and not (starts[1:] < starts[:-1]).any()
        )
        if not is_sound:
            raise IndexFormatError(f"the arrays of its {prefix} are not those of a table of keys")
        return table

    def __len__(self) -> int:
        return len(self.numbers)

    def ranges(self, keys: Keys) -> tuple[Places, Places]:
        """Return the first entry of each of `keys` and the one after its last, int64 (k,) each."""
        buckets, fragments = _split(keys, (len(self.starts) - 1).bit_length() - 1)
        first, stop = self.starts[buckets], self.starts[buckets + 1]
        low = _bisected(self.fragments, fragments, first, stop, is_after=False)
        return low, _bisected(self.fragments, fragments, low, stop, is_after=True)

    def holds(self, keys: Keys, numbers: Numbers) -> npt.NDArray[np.bool_]:
        """Return whether each key has the number beside it, bool (k,)."""
        first, stop = self.ranges(keys)
        place = _bisected(self.numbers, numbers, first, stop, is_after=False)
        is_there = place < stop
        is_there[is_there] = self.numbers[place[is_there]] == numbers[is_there]
        return is_there


def bucket_bits(entries: int) -> int:
    """Return how many leading bits name the bucket in a table of so many entries."""
    return min(max((entries // _PER_BUCKET).bit_length(), _LEAST_BITS), _MOST_BITS)


def parts_of(keys: Keys, numbers: Numbers, bits: int) -> tuple[Places, npt.NDArray[np.uint32], Numbers]:
    """Return bucket, fragment and number of each entry, in the table's order; `numbers` never decrease."""
    short = keys >> np.uint64(64 - _FRAGMENT_BITS - bits)
    order = np.argsort(short, kind="stable")
    short = short[order]
    buckets = (short >> np.uint64(_FRAGMENT_BITS)).astype(np.int64)
    return buckets, short.astype(np.uint32), np.asarray(numbers, np.uint32)[order]


def expanded(first: Places, stop: Places) -> tuple[Places, Places]:
    """Return (range number, place) for each place of each range, range by range."""
    counts = stop - first
    which = np.repeat(np.arange(len(first)), counts)
    ends = np.cumsum(counts)
    return which, np.arange(int(counts.sum())) + np.repeat(first - (ends - counts), counts)


def _split(keys: Keys, bits: int) -> tuple[Places, npt.NDArray[np.uint32]]:
    short = keys >> np.uint64(64 - _FRAGMENT_BITS - bits)
    return (short >> np.uint64(_FRAGMENT_BITS)).astype(np.int64), short.astype(np.uint32)


def _bisected(
    values: npt.NDArray[np.uint32],
    wanted: npt.NDArray[np.uint32],
    first: Places,
    stop: Places,
    *,
    is_after: bool,
) -> Places:
    """Search each of `wanted` in its own sorted range of `values`, all at once: before its like, or after."""
    low, high = first.copy(), stop.copy()
    open_ = np.flatnonzero(low < high)
    while len(open_):
        middle = (low[open_] + high[open_]) >> 1
        found = values[middle]
        is_right = found <= wanted[open_] if is_after else found < wanted[open_]
        low[open_[is_right]] = middle[is_right] + 1
        high[open_[~is_right]] = middle[~is_right]
        open_ = open_[low[open_] < high[open_]]
    return low
