"""Hashes of character grams: winnowed for lookup, MinHashed for near-duplicates.

Grams are of five characters, of three where the first is CJK (a character
there is a syllable or a word). Winnowing keeps the least hash of every four
neighbours (Schleimer, Wilkerson, Aiken 2003): two texts that share eight
characters in a row (six of CJK) share a fingerprint. MinHash is datasketch's
``affine32``, computed here for all permutations at once; a test holds it equal
to datasketch bit for bit.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from clonedetect.errors import IndexFormatError
from clonedetect.models.minhash import BAND_ROWS, BANDS, EMPTY, MULTIPLIER, mix
from clonedetect.models.signal import Algorithm
from clonedetect.signals.normalise import normaliser
from clonedetect.signals.scripts import code_points, is_dense, script_numbers

__all__ = [
    "DENSE_GRAM",
    "GRAM",
    "MINHASH_SCHEME",
    "MINHASH_SEED",
    "NUM_PERM",
    "WINDOW",
    "Hashes",
    "gram_hashes",
    "minhash",
    "minhash_algorithm",
    "minhash_values",
    "permutations",
    "require_same",
    "run_hashes",
    "winnow",
    "winnow_algorithm",
]

GRAM = 5
DENSE_GRAM = 3
WINDOW = 4
NUM_PERM = 128
MINHASH_SEED = 1
MINHASH_SCHEME = "affine32"

Hashes = npt.NDArray[np.uint64]


def winnow_algorithm() -> Algorithm:
    """Return what the stored fingerprints were made with."""
    return Algorithm("winnow", 1, f"gram={GRAM},cjk={DENSE_GRAM},window={WINDOW};{normaliser()}")


def minhash_algorithm() -> Algorithm:
    """Return what the stored MinHashes and band keys were made with."""
    return Algorithm(
        "minhash",
        1,
        f"scheme={MINHASH_SCHEME},seed={MINHASH_SEED},num_perm={NUM_PERM},bands={BANDS}x{BAND_ROWS},"
        f"gram={GRAM},cjk={DENSE_GRAM};{normaliser()}",
    )


def require_same(stored: Algorithm, ours: Algorithm) -> None:
    """Raise IndexFormatError unless signals made by `stored` compare with ours."""
    if stored != ours:
        raise IndexFormatError(
            f"these text signals were made by {stored}, this program makes {ours}: build the index again"
        )


def gram_hashes(text: str) -> Hashes:
    """Return one 64-bit hash per gram of normalised `text`, in order of position, uint64 (n,).

    A text shorter than a gram is one gram of its whole.
    """
    points = code_points(text)
    if points.size == 0:
        return np.empty(0, dtype=np.uint64)
    dense = is_dense(script_numbers(points))
    short = run_hashes(points, DENSE_GRAM)
    long = run_hashes(points, GRAM)
    if short.size == 0 or (long.size == 0 and not dense[: short.size].any()):
        return run_hashes(points, points.size)
    if not dense.any():
        return long
    chosen = short.copy()
    chosen[: long.size] = np.where(dense[: long.size], short[: long.size], long)
    kept = np.ones(short.size, dtype=bool)
    kept[long.size :] = dense[long.size : short.size]
    return chosen[kept]


def winnow(grams: Hashes) -> Hashes:
    """Return the fingerprints of a text's gram hashes: sorted, distinct, uint64 (n,)."""
    if grams.size <= WINDOW:
        return np.unique(grams.min(keepdims=True)) if grams.size else grams
    neighbours = np.lib.stride_tricks.sliding_window_view(grams, WINDOW)
    return np.unique(neighbours.min(axis=1))


def minhash(grams: Hashes) -> npt.NDArray[np.uint32]:
    """Return the MinHash of the set of `grams`, uint32 (NUM_PERM,); all ones for no grams.

    Equal to ``datasketch.MinHash(scheme="affine32")`` over the low 32 bits of each gram.
    """
    values = minhash_values(np.unique(grams.astype(np.uint32)))
    if values.size == 0:
        return np.full(NUM_PERM, EMPTY, dtype=np.uint32)
    factors, offsets = permutations()
    least = (factors[:, None] * values + offsets[:, None]).min(axis=1)
    return np.asarray(least, dtype=np.uint32)


def minhash_values(grams: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.uint32]:
    """Return what MinHash permutes for each of `grams`: its low 32 bits, mixed as datasketch does."""
    values = grams.astype(np.uint32)
    values = (values ^ (values >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    values = (values ^ (values >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return values ^ (values >> np.uint32(16))


def run_hashes(points: npt.NDArray[np.uint32], length: int) -> Hashes:
    """Return one hash per run of `length` code points, in order of position, uint64 (n - length + 1,)."""
    count = points.size - length + 1
    if count <= 0:
        return np.empty(0, dtype=np.uint64)
    wide = points.astype(np.uint64)
    value = np.full(count, np.uint64(length), dtype=np.uint64)
    for shift in range(length):
        value = value * MULTIPLIER + wide[shift : shift + count]
    return mix(value)


@cache
def permutations() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Return datasketch's own factors and offsets for our seed."""
    from datasketch import MinHash  # noqa: PLC0415  half a second of imports that only MinHashing needs

    factors, offsets = MinHash(num_perm=NUM_PERM, seed=MINHASH_SEED, scheme=MINHASH_SCHEME).permutations
    return np.asarray(factors, dtype=np.uint32), np.asarray(offsets, dtype=np.uint32)
