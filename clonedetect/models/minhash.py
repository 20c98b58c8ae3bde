"""What a MinHash signature tells: how similar two texts are, and which bands near copies share.

37 bands of 3 values: two texts of Jaccard similarity 0.8 share a band but for
3 in 10^12, of 0.5 but for 0.7 %, of 0.1 with 3.6 %. Keys of bands are computed
from signatures whenever they are needed and stored in nothing but hot files.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["ALIKE_BANDS", "BANDS", "BAND_ROWS", "EMPTY", "MULTIPLIER", "band_keys", "jaccard", "mix"]

BANDS: Final = 37
BAND_ROWS: Final = 3
ALIKE_BANDS: Final = 2
"""Bands that near duplicates share: of similarity 0.8 all but one in 10^10 pairs share two, of 0.5 95 %, of
0.1 one in 1,500, where one band in common is no rarity among a million captions."""
EMPTY: Final = np.uint32(0xFFFFFFFF)
"""What fills the signature of a text without grams."""
MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)

Keys = npt.NDArray[np.uint64]


def mix(values: Keys) -> Keys:
    """Return splitmix64's finaliser of each value: a bijection that spreads every bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def band_keys(signatures: npt.NDArray[np.uint32]) -> Keys:
    """Return one key per band, uint64 (..., 37), of each of `signatures`, uint32 (..., 111 or more).

    Near duplicates share a key. The band's number is hashed with its values, so
    that keys of all bands live in one table. Raises ValueError for other arrays.
    """
    if signatures.dtype != np.uint32 or not signatures.ndim or signatures.shape[-1] < BANDS * BAND_ROWS:
        raise ValueError(
            f"a signature is uint32 ({BANDS * BAND_ROWS} or more,), not {signatures.dtype} {signatures.shape}"
        )
    rows = signatures[..., : BANDS * BAND_ROWS].reshape(*signatures.shape[:-1], BANDS, BAND_ROWS)
    keys = np.broadcast_to(np.arange(BANDS, dtype=np.uint64), rows.shape[:-1])
    for column in range(BAND_ROWS):
        keys = mix(keys * MULTIPLIER + rows[..., column].astype(np.uint64) + np.uint64(1))
    return keys


def jaccard(one: npt.NDArray[np.uint32], many: npt.NDArray[np.uint32]) -> npt.NDArray[np.float64]:
    """Return the estimated similarity of `one`, uint32 (p,), with each row of `many`, uint32 (n, p)."""
    return np.asarray((many == one).mean(axis=1), np.float64)
