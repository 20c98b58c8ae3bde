"""Which bands are probed how far, and which way a query goes; the lemma of `mih` makes every plan exact.

Costs are counted in rows of a flat scan, of which a core does one in 0.08 ns;
measured (docs/performance.md). They decide how fast an answer comes, and
nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = [
    "BANDS",
    "NO_BAND",
    "Probes",
    "Way",
    "full_size",
    "is_flat_cheaper",
    "probes_for",
    "ways",
    "weights_for",
]

BANDS: Final = 16
NO_BAND: Final[tuple[int, ...]] = ()
_VALUES: Final = 1 << 16

_PROBE_COST: Final = 150  # a bucket looked up, and what follows from it
_CANDIDATE_COST: Final = 10  # a fragment compared, and what follows from it where few are near
_HEAVY_SHARE: Final = 512  # a band in which a query meets this part of all rows more than chance has it
_HEAVY_AT_LEAST: Final = 256
_FULL_SHARE: Final = _VALUES // 2  # a bucket twice as full as chance has it is read once a batch
_FULL_AT_LEAST: Final = 64
_MORE_PROBES: Final = 4  # so many times the buckets are looked up rather than read a heavy band

Ids = npt.NDArray[np.int64]

_NO_QUERY: Final[Ids] = np.empty(0, np.int64)


class Way(StrEnum):
    """How queries are looked up; what is found does not depend on it."""

    BANDED = "banded"
    CROWDED = "crowded"
    FLAT = "flat"


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """The bands' weights, int64 (16,); masks to apply to a band, and how many of them each is probed with."""

    weights: Ids
    masks: npt.NDArray[np.uint16]
    counts: Ids


def weights_for(radius: int, left_out: tuple[int, ...] = NO_BAND) -> Ids:
    """Return a weight for each band, `radius` + 1 in all, as even as can be; one less is its probe radius.

    Bands `left_out` have 0: they are not probed. One at least must be left.
    """
    probed = [band for band in range(BANDS) if band not in left_out]
    least, more = divmod(radius + 1, len(probed))
    weights = np.zeros(BANDS, np.int64)
    weights[probed] = least
    weights[probed[:more]] += 1
    return weights


@cache
def probes_for(radius: int, left_out: tuple[int, ...] = NO_BAND) -> Probes:
    """Return what to probe for all hashes within `radius`, without the bands `left_out`."""
    weights = weights_for(radius, left_out)
    masks, counts = _masks()
    return Probes(weights, masks, np.where(weights > 0, counts[np.minimum(weights, BANDS + 1) - 1], 0))


def full_size(rows: int) -> int:
    """Return how many rows of so many make a bucket full when it has more."""
    return max(rows // _FULL_SHARE, _FULL_AT_LEAST)


def is_flat_cheaper(radius: int, rows: int) -> bool:
    """Whether so many rows are scanned in less time than the buckets of `radius` are looked up."""
    return _PROBE_COST * int(probes_for(radius).counts.sum()) > rows


def ways(candidates: Ids, radius: int, rows: int) -> list[tuple[Way, tuple[int, ...], Ids]]:
    """Return each way, the bands it leaves out and the numbers of the queries that go it; the longest first.

    `candidates`, int64 (q, 16), are the fragments each query meets in each band
    of `rows` hashes. A band is heavy where they are many more than chance has
    it. Few heavy bands are left out; a query with more is in a crowd. Numbers
    rise within a way.
    """
    chance = probes_for(radius).counts * (rows / _VALUES)
    heavy = candidates - chance > max(rows / _HEAVY_SHARE, _HEAVY_AT_LEAST)
    patterns = heavy @ (1 << np.arange(BANDS))
    light = np.where(heavy, 0, candidates).sum(axis=1)
    banded: list[tuple[Way, tuple[int, ...], Ids]] = []
    crowded, flat = [_NO_QUERY], [_NO_QUERY]
    for pattern in np.unique(patterns).tolist():
        left_out = tuple(band for band in range(BANDS) if pattern >> band & 1)
        numbers = np.flatnonzero(patterns == pattern)
        more = _times_probed(left_out, radius)
        if more <= _MORE_PROBES:
            is_flat = _cost(radius, more, light[numbers]) > rows
            banded.append((Way.BANDED, left_out, numbers[~is_flat]))
        else:
            is_flat = _cost(radius, 1.0, candidates[numbers].sum(axis=1)) > rows
            crowded.append(numbers[~is_flat])
        flat.append(numbers[is_flat])
    shared = ((Way.FLAT, flat), (Way.CROWDED, crowded))
    found = [(way, NO_BAND, np.sort(np.concatenate(parts))) for way, parts in shared]
    return [plan for plan in (*found, *banded) if len(plan[2])]


def _times_probed(left_out: tuple[int, ...], radius: int) -> float:
    """Return how many times the buckets are looked up when these bands are left out."""
    if len(left_out) == BANDS:
        return math.inf
    return float(probes_for(radius, left_out).counts.sum() / probes_for(radius).counts.sum())


def _cost(radius: int, more: float, candidates: Ids) -> npt.NDArray[np.float64]:
    buckets = int(probes_for(radius).counts.sum())
    return more * (_PROBE_COST * buckets + _CANDIDATE_COST * candidates.astype(np.float64))


@cache
def _masks() -> tuple[npt.NDArray[np.uint16], Ids]:
    """Return all 16-bit values by number of set bits, and how many have at most 0, 1, ..., 16."""
    values = np.arange(_VALUES, dtype=np.uint16)
    counts = np.bitwise_count(values)
    return values[np.argsort(counts, kind="stable")], np.cumsum(np.bincount(counts, minlength=BANDS + 1))
