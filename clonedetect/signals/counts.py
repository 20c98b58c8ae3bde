"""Counts under 64-bit keys that grow and shrink cheaply: a few sorted runs, merged when they are many."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["KeyCounts", "tally"]

Keys = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]

_PENDING_LIMIT = 1 << 20
_GROWTH = 4


def tally(keys: Keys, counts: Counts | None = None) -> tuple[Keys, Counts]:
    """Return the distinct keys, sorted, and the sum of the counts of each (of ones where none are given)."""
    distinct, inverse = np.unique(keys, return_inverse=True)
    weights = np.ones(keys.size, dtype=np.int64) if counts is None else counts
    sums = np.zeros(distinct.size, dtype=np.int64)
    np.add.at(sums, inverse, weights)
    return distinct, sums


@dataclass(slots=True)
class KeyCounts:
    """How often each key was added, less how often it was removed.

    Additions wait in a list, become a sorted run at the next lookup, and runs
    merge once the newer is a quarter of the older: adding costs a logarithm of
    the whole, a lookup searches a handful of runs.
    """

    _runs: list[tuple[Keys, Counts]] = field(default_factory=list)
    _pending: list[tuple[Keys, int]] = field(default_factory=list)
    _pending_size: int = 0

    def add(self, keys: Keys, sign: int = 1) -> None:
        """Count each of `keys` once more (`sign` 1) or once less (-1); repeats count."""
        self._pending.append((keys, sign))
        self._pending_size += keys.size
        if self._pending_size > _PENDING_LIMIT:
            self._settle()

    def of(self, keys: Keys) -> Counts:
        """Return the count of each of `keys`, int64 of the same shape."""
        self._settle()
        found = np.zeros(keys.shape, dtype=np.int64)
        for known, counts in self._runs:
            found += lookup(known, counts, keys)
        return found

    def to_arrays(self) -> tuple[Keys, Counts]:
        """Return all keys with a count other than zero, sorted, and their counts."""
        self._settle()
        if not self._runs:
            return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
        keys, counts = _merged(self._runs)
        self._runs = [(keys, counts)]
        return keys, counts

    @classmethod
    def from_arrays(cls, keys: Keys, counts: Counts) -> KeyCounts:
        """Return the counts that `to_arrays` gave; the arrays may be memory-mapped."""
        return cls(_runs=[(keys, counts)] if keys.size else [])

    def _settle(self) -> None:
        if not self._pending:
            return
        keys = np.concatenate([keys for keys, _ in self._pending])
        signs = np.repeat([sign for _, sign in self._pending], [keys.size for keys, _ in self._pending])
        self._pending, self._pending_size = [], 0
        self._runs.append(tally(keys, signs))
        while len(self._runs) > 1 and self._runs[-2][0].size < _GROWTH * self._runs[-1][0].size:
            self._runs[-2:] = [_merged(self._runs[-2:])]


def lookup(known: Keys, counts: Counts, keys: Keys) -> Counts:
    """Return the count of each of `keys` among the sorted `known`, 0 where it is not among them."""
    if known.size == 0:
        return np.zeros(keys.shape, dtype=np.int64)
    where = np.minimum(np.searchsorted(known, keys), known.size - 1)
    return np.where(known[where] == keys, counts[where], 0)


def _merged(runs: list[tuple[Keys, Counts]]) -> tuple[Keys, Counts]:
    keys, counts = tally(np.concatenate([k for k, _ in runs]), np.concatenate([c for _, c in runs]))
    held = counts != 0
    return keys[held], counts[held]
