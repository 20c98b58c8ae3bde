"""MinHash signatures cut into bands: near duplicates share one, strangers hardly ever do.

37 bands of 3 values: two texts of Jaccard similarity 0.8 share a band but for
3 in 10^12, of 0.5 but for 0.7 %, of 0.1 with 3.6 %.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import xxhash

__all__ = ["BANDS", "ROWS", "band_keys", "jaccard"]

BANDS: Final = 37
ROWS: Final = 3

Signature = npt.NDArray[np.uint32]
_EMPTY: Final = np.iinfo(np.uint32).max


def band_keys(minhash: Signature) -> list[int]:
    """Return one signed 64-bit key for each band of `minhash`, uint32 (111 or more,).

    The band's number is hashed with its values, so that keys of all bands live
    in one table. The signature of nothing (all maxima) has no bands: empty
    texts are no near duplicates of each other.
    """
    if minhash.dtype != np.uint32 or minhash.ndim != 1 or len(minhash) < BANDS * ROWS:
        raise ValueError(
            f"a signature is uint32 ({BANDS * ROWS} or more,), not {minhash.dtype} {minhash.shape}"
        )
    if bool((minhash == _EMPTY).all()):
        return []
    data = np.empty((BANDS, ROWS + 1), "<u4")
    data[:, 0] = np.arange(BANDS)
    data[:, 1:] = minhash[: BANDS * ROWS].reshape(BANDS, ROWS)
    keys = np.array([xxhash.xxh3_64_intdigest(row.tobytes()) for row in data], np.uint64)
    signed: list[int] = keys.view(np.int64).tolist()
    return signed


def jaccard(one: Signature, many: npt.NDArray[np.uint32]) -> npt.NDArray[np.float64]:
    """Return the estimated similarity of `one`, uint32 (p,), with each row of `many`, uint32 (n, p)."""
    return np.asarray((many == one).mean(axis=1), np.float64)
