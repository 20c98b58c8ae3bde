"""How sure a share is: intervals of counts, and bounds where nothing was seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

Z95: Final = 1.959963984540054


def wilson(hits: int, asked: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share (Wilson, 1927); all of 0-1 where nothing was asked."""
    if asked == 0:
        return 0.0, 1.0
    share, spread = hits / asked, Z95 * Z95 / asked
    centre = (share + spread / 2) / (1 + spread)
    half = Z95 * (share * (1 - share) / asked + spread / (4 * asked)) ** 0.5 / (1 + spread)
    return min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))


def upper_bound(hits: int, asked: int) -> float:
    """Return what a rate lies under: 3/n where nothing was seen (the rule of three, 95 %), else Wilson's."""
    if asked == 0:
        return 1.0
    return min(1.0, 3 / asked) if hits == 0 else wilson(hits, asked)[1]


def by_picture(shares: Sequence[float], *, draws: int = 2000) -> tuple[float, float]:
    """Return a 95 % interval of the mean of `shares`, one a picture, by drawing pictures anew.

    One picture's queries are no independent trials; a picture that is hard is so in many of them.
    """
    if not shares:
        return 0.0, 1.0
    values = np.asarray(shares, dtype=np.float64)
    drawn = np.random.default_rng(1).integers(0, len(values), (draws, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)
