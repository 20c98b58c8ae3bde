"""Groups of what is alike by MinHash, without comparing each with each."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from clonedetect.models.minhash import EMPTY, band_keys, jaccard

__all__ = ["alike_groups"]


def alike_groups(signatures: npt.NDArray[np.uint32], least: float) -> list[list[int]]:
    """Return groups of two signatures or more that are alike, directly or through others, by their places.

    `signatures` is uint32 (n, p); `least` the estimated Jaccard similarity of neighbours. A
    signature of nothing is like none.
    """
    if len(signatures) < 2:
        return []
    parent = np.arange(len(signatures))
    for one, other in _pairs(signatures):
        if float(jaccard(signatures[one], signatures[other][None])[0]) >= least:
            parent[_root(parent, other)] = _root(parent, one)
    groups: dict[int, list[int]] = defaultdict(list)
    for place in range(len(signatures)):
        groups[_root(parent, place)].append(place)
    return [group for group in groups.values() if len(group) > 1]


def _pairs(signatures: npt.NDArray[np.uint32]) -> set[tuple[int, int]]:
    """Return neighbours among the signatures that share a band: enough to join all of them."""
    filled = np.flatnonzero(~(signatures == EMPTY).all(axis=1))
    keys = band_keys(signatures[filled])
    pairs: set[tuple[int, int]] = set()
    for band in range(keys.shape[1]):
        order = np.argsort(keys[:, band], kind="stable")
        is_same = keys[order[1:], band] == keys[order[:-1], band]
        numbers = filled[order]
        pairs.update(pair for pair, same in zip(pairwise(numbers.tolist()), is_same, strict=True) if same)
    return pairs


def _root(parent: npt.NDArray[np.int64], place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = int(parent[place])
    return place
