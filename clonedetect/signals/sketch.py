"""How alike two sets of paths are: MinHash, with the permutations that texts are compared with."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import xxhash

from clonedetect.models.signal import Algorithm
from clonedetect.signals.fingerprints import MINHASH_SCHEME, MINHASH_SEED, NUM_PERM, minhash

__all__ = ["SKETCH", "sketch_of", "sketch_values"]

SKETCH = Algorithm(
    "minhash", 1, f"scheme={MINHASH_SCHEME},seed={MINHASH_SEED},num_perm={NUM_PERM},xxh64 low 32 bits"
)
"""What makes a sketch of distinct strings."""


def sketch_of(words: Iterable[str]) -> bytes:
    """Return the MinHash of a set of strings, four bytes a value, the greatest first; all ones for none."""
    hashes = np.fromiter((xxhash.xxh64_intdigest(word.encode()) for word in set(words)), np.uint64)
    return minhash(hashes).astype(">u4").tobytes()


def sketch_values(sketches: Iterable[bytes]) -> npt.NDArray[np.uint32]:
    """Return the values of sketches, uint32 (sketches, 128); ValueError for bytes that are none."""
    rows = [np.frombuffer(one, ">u4").astype(np.uint32) for one in sketches]
    if any(row.shape != (NUM_PERM,) for row in rows):
        raise ValueError(f"a sketch has {NUM_PERM} values of four bytes")
    return np.stack(rows) if rows else np.empty((0, NUM_PERM), np.uint32)
