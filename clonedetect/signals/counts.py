"""Counts under 64-bit keys that grow and shrink cheaply: a few sorted runs, merged when they are many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

__all__ = ["KeyCounts", "lookup", "tally"]

Keys = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]
Places = npt.NDArray[np.int64]

_PENDING_LIMIT = 1 << 22
_GROWTH = 4
_PER_BUCKET = 8
_DIRECTORY_FROM = 1 << 14


def tally(keys: Keys, counts: Counts | None = None) -> tuple[Keys, Counts]:
    """Return the distinct keys, sorted, and the sum of the counts of each (of ones where none are given)."""
    if not keys.size:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    if counts is None:
        ordered = np.sort(keys)
    else:
        order = np.argsort(keys, kind="stable")
        ordered, counts = keys[order], counts[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    if counts is None:
        return ordered[starts], np.diff(np.r_[starts, ordered.size]).astype(np.int64)
    return ordered[starts], np.add.reduceat(counts, starts).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """Distinct sorted `keys` with `counts`, and where the keys with each value of leading bits begin.

    starts: int64 (2^b + 1,), of about eight keys a bucket; empty for a small run.
    """

    keys: Keys
    counts: npt.NDArray[np.signedinteger[Any]]
    starts: Places

    @classmethod
    def of(cls, keys: Keys, counts: npt.NDArray[np.signedinteger[Any]]) -> Self:
        if keys.size < _DIRECTORY_FROM:
            return cls(keys, counts, np.empty(0, dtype=np.int64))
        bits = (keys.size // _PER_BUCKET).bit_length()
        buckets = (keys >> np.uint64(64 - bits)).astype(np.int64)
        starts = np.zeros((1 << bits) + 1, dtype=np.int64)
        np.cumsum(np.bincount(buckets, minlength=1 << bits), out=starts[1:])
        return cls(keys, counts, starts)

    def of_keys(self, keys: Keys) -> Counts:
        """Return the count of each of `keys`, 0 where it is not here."""
        if not self.starts.size:
            return lookup(self.keys, self.counts, keys)
        bits = (self.starts.size - 1).bit_length() - 1
        bucket = (keys >> np.uint64(64 - bits)).astype(np.int64)
        low, high = self.starts[bucket], self.starts[bucket + 1]
        end = high.copy()
        open_ = np.flatnonzero(low < high)
        while open_.size:
            middle = (low[open_] + high[open_]) >> 1
            is_right = self.keys[middle] < keys[open_]
            low[open_[is_right]] = middle[is_right] + 1
            high[open_[~is_right]] = middle[~is_right]
            open_ = open_[low[open_] < high[open_]]
        found = np.zeros(keys.shape, dtype=np.int64)
        here = np.flatnonzero(low < end)
        here = here[self.keys[low[here]] == keys[here]]
        found[here] = self.counts[low[here]]
        return found


@dataclass(slots=True)
class KeyCounts:
    """How often each key was added, less how often it was removed.

    Additions wait in a list, become a sorted run at the next lookup, and runs
    merge once the newer is a quarter of the older: adding costs a logarithm of
    the whole, a lookup searches a handful of runs.
    """

    _runs: list[_Run] = field(default_factory=list)
    _pending: list[tuple[Keys, int]] = field(default_factory=list)
    _pending_size: int = 0

    def add(self, keys: Keys, sign: int = 1) -> None:
        """Count each of `keys` once more (`sign` 1) or once less (-1); repeats count."""
        self._pending.append((keys, sign))
        self._pending_size += keys.size
        if self._pending_size > _PENDING_LIMIT:
            self._settle()

    def of(self, keys: Keys) -> Counts:
        """Return the count of each of `keys`, int64 of the same shape, (n,)."""
        self._settle()
        found = np.zeros(keys.shape, dtype=np.int64)
        for run in self._runs:
            found += run.of_keys(keys)
        return found

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return all keys with a count other than zero, sorted, their counts, and where leading bits begin.

        keys: uint64 (n,); counts: int32 (n,); starts: int64 (2^b + 1,) or empty.
        """
        self._settle()
        keys, counts = _merged(self._runs)
        run = _Run.of(keys, counts.astype(np.int32))
        self._runs = [run] if keys.size else []
        return {"keys": run.keys, "counts": run.counts, "starts": run.starts}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> KeyCounts:
        """Return the counts that `to_arrays` gave; the arrays may be memory-mapped, and are not copied."""
        run = _Run(*(np.asarray(arrays[name]) for name in ("keys", "counts", "starts")))
        return cls(_runs=[run] if run.keys.size else [])

    def _settle(self) -> None:
        if not self._pending:
            return
        signs = {sign for _, sign in self._pending}
        for sign in sorted(signs):
            keys, counts = tally(np.concatenate([part for part, its in self._pending if its == sign]))
            self._runs.append(_Run.of(keys, sign * counts))
        self._pending, self._pending_size = [], 0
        while len(self._runs) > 1 and self._runs[-2].keys.size < _GROWTH * self._runs[-1].keys.size:
            self._runs[-2:] = [_Run.of(*_merged(self._runs[-2:]))]


def lookup(known: Keys, counts: npt.NDArray[np.signedinteger[Any]], keys: Keys) -> Counts:
    """Return the count of each of `keys` among the sorted `known`, 0 where it is not among them."""
    if known.size == 0:
        return np.zeros(keys.shape, dtype=np.int64)
    where = np.minimum(np.searchsorted(known, keys), known.size - 1)
    return np.where(known[where] == keys, counts[where], 0).astype(np.int64)


def _merged(runs: list[_Run]) -> tuple[Keys, Counts]:
    if not runs:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    keys, counts = tally(
        np.concatenate([run.keys for run in runs]),
        np.concatenate([run.counts.astype(np.int64) for run in runs]),
    )
    held = counts != 0
    return keys[held], counts[held]
