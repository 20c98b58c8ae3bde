"""How evenly the hashes of an index are spread, on which the speed of their lookup rests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from clonedetect.index.hamming import HASH_BYTES
from clonedetect.index.store import IndexStore

__all__ = ["BANDS", "BUCKETS", "Balance", "Bin", "hash_balance"]

BANDS: Final = 16
BUCKETS: Final = 1 << 16
_CHUNK_HASHES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Bin:
    """Buckets that hold `least` to `most` hashes: how many there are, and how many even hashes would give."""

    least: int
    most: int
    buckets: int
    expected: float


@dataclass(frozen=True, slots=True)
class Balance:
    """Shares of ones of the 256 bits, and how full the 16 x 65,536 buckets of the bands are.

    `load` is how many times as many hashes stand in a stored hash's own buckets
    as with evenly spread ones: 1 is ideal, and a lookup's work grows with it.
    """

    hashes: int
    ones: tuple[float, ...]
    bins: tuple[Bin, ...]
    largest: int
    load: float


def hash_balance(store: IndexStore) -> Balance:
    """Count over every stored hash of `store`, in some 20 MB of memory; of none there are no shares."""
    ones = np.zeros(8 * HASH_BYTES, np.int64)
    buckets = np.zeros((BANDS, BUCKETS), np.int64)
    count = 0
    for hashes in _chunks(store):
        count += len(hashes)
        ones += np.unpackbits(hashes, axis=1).sum(axis=0, dtype=np.int64)
        for band, values in enumerate(hashes.view(">u2").T):
            buckets[band] += np.bincount(values, minlength=BUCKETS)
    sizes = np.bincount(buckets.reshape(-1))
    return Balance(
        hashes=count,
        ones=tuple((ones / count).tolist()) if count else (),
        bins=_bins(sizes, count),
        largest=int(buckets.max()),
        load=_load(sizes, count),
    )


def _chunks(store: IndexStore) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield stored hashes, uint8 (n, 32), some 65,536 at a time."""
    parts: list[bytes] = []
    size = 0
    for (bits,) in store.db.execute("SELECT bits FROM hashes"):
        parts.append(bits)
        size += len(bits)
        if size >= _CHUNK_HASHES * HASH_BYTES:
            yield np.frombuffer(b"".join(parts), np.uint8).reshape(-1, HASH_BYTES)
            parts, size = [], 0
    if parts:
        yield np.frombuffer(b"".join(parts), np.uint8).reshape(-1, HASH_BYTES)


def _bins(sizes: npt.NDArray[np.int64], count: int) -> tuple[Bin, ...]:
    """Return bins 0, 1, 2-3, 4-7 ... of `sizes`, which holds at n the number of buckets of n hashes."""
    most_of = [0]
    while most_of[-1] < len(sizes) - 1:
        most_of.append(2 * most_of[-1] + 1)
    mean = count / BUCKETS
    poisson = _poisson(
        mean, min(most_of[-1], int(mean + 40 * mean**0.5) + 100)
    )  # no chance worth a digit above
    least_of = [0, *(most + 1 for most in most_of[:-1])]
    return tuple(
        Bin(
            least,
            most,
            int(sizes[least : most + 1].sum()),
            float(poisson[least : most + 1].sum()) * BANDS * BUCKETS,
        )
        for least, most in zip(least_of, most_of, strict=True)
    )


def _poisson(mean: float, most: int) -> npt.NDArray[np.float64]:
    """Return the chances of 0 to `most` hashes in one bucket, if all buckets are as likely."""
    numbers = np.arange(most + 1)
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, most + 1)))))
    log_mean = np.log(mean) if mean else -np.inf
    with np.errstate(invalid="ignore"):
        powers = np.where(numbers == 0, 0.0, numbers * log_mean)
    chances: npt.NDArray[np.float64] = np.exp(powers - mean - logs)
    return chances


def _load(sizes: npt.NDArray[np.int64], count: int) -> float:
    """Return the mean number of hashes in a stored hash's buckets, in multiples of what is expected."""
    if not count:
        return 1.0
    met = float((np.arange(len(sizes), dtype=np.float64) ** 2 * sizes).sum()) / BANDS / count
    return met / (1 + (count - 1) / BUCKETS)
