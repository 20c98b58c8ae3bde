"""Captions that share content with a query: by winnowed grams, by exact digest, by MinHash band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlite_utils import Database

from clonedetect.index.keytable import Keys, KeyTable, Numbers, Places, expanded
from clonedetect.models.ids import Digest, TextId
from clonedetect.models.minhash import EMPTY, band_keys

__all__ = ["FREQUENCY_CAP", "TextLayer", "TextPostings"]

FREQUENCY_CAP: Final = 2000
"""A gram that more captions hold than this is not looked up: it says little and costs most."""


@dataclass(frozen=True, slots=True, eq=False)
class TextLayer:
    """The tables of some captions; `gone`, uint32, sorted, are those that no longer count."""

    grams: KeyTable
    bands: KeyTable
    gone: Numbers

    @property
    def tables(self) -> tuple[KeyTable, KeyTable]:
        """Grams and bands."""
        return self.grams, self.bands

    def grams_at_most(self, keys: Keys, cap: int) -> tuple[Places, Places, Numbers]:
        """Return how many captions have each of `keys`, and (key's place, number) of those with up to `cap`.

        Where a key has more, its count says only that it is more.
        """
        first, stop = self.grams.ranges(keys)
        counts = stop - first
        few = np.flatnonzero(counts <= cap + len(self.gone))
        which, places = expanded(first[few], stop[few])
        which, numbers = self._living(few[which], self.grams.numbers[places])
        counts[few] = np.bincount(which, minlength=len(keys))[few]
        return counts, which, numbers

    def with_bands(self, keys: Keys) -> Numbers:
        """Return the captions that have one of `keys`, each once."""
        _, places = expanded(*self.bands.ranges(keys))
        numbers = np.unique(self.bands.numbers[places])
        return self._living(np.zeros(len(numbers), np.int64), numbers)[1]

    def _living(self, which: Places, numbers: Numbers) -> tuple[Places, Numbers]:
        if not len(self.gone):
            return which, numbers
        place = np.minimum(np.searchsorted(self.gone, numbers), len(self.gone) - 1)
        is_living = self.gone[place] != numbers
        return which[is_living], numbers[is_living]


class TextPostings:
    """The lookups of one index open for reading, from `layers` that share no caption that counts.

    `captions` is how many there are in all. Implements `protocols.Postings`.
    """

    def __init__(
        self,
        db: Database,
        layers: tuple[TextLayer, ...],
        captions: int,
        *,
        frequency_cap: int = FREQUENCY_CAP,
    ) -> None:
        self._db = db
        self.layers = layers
        self._captions = captions
        self._cap = frequency_cap

    def __len__(self) -> int:
        return self._captions

    def candidates(
        self, fingerprints: npt.NDArray[np.uint64], limit: int
    ) -> tuple[tuple[TextId, float], ...]:
        """Return up to `limit` captions that share grams of `fingerprints`, uint64 (n,), best first.

        The score is the sum of ``log(1 + captions / captions with the gram)``
        over shared grams; ties go by number. Grams above the cap are passed over.
        """
        keys = np.unique(np.asarray(fingerprints, np.uint64))
        found = [layer.grams_at_most(keys, self._cap) for layer in self.layers]
        totals = np.stack([counts for counts, _, _ in found]).sum(axis=0)
        which = np.concatenate([part for _, part, _ in found])
        numbers = np.concatenate([part for _, _, part in found])
        is_counted = totals[which] <= self._cap
        which, numbers = which[is_counted], numbers[is_counted]
        if not len(numbers) or limit <= 0:
            return ()
        ids, where = np.unique(numbers, return_inverse=True)
        scores = np.bincount(where, weights=np.log1p(self._captions / np.maximum(totals, 1))[which])
        best = np.lexsort((ids, -scores))[:limit]
        return tuple((TextId(int(ids[i])), float(scores[i])) for i in best)

    def with_digest(self, exact: Digest) -> tuple[TextId, ...]:
        """Return the captions whose normalised text has the digest `exact`, by number."""
        rows = self._db.execute("SELECT text_id FROM texts WHERE exact = ? ORDER BY text_id", (exact,))
        return tuple(TextId(row[0]) for row in rows)

    def near_duplicates(self, minhash: npt.NDArray[np.uint32]) -> tuple[TextId, ...]:
        """Return the captions that share a band with `minhash`, by number."""
        if bool((minhash == EMPTY).all()):
            return ()
        keys = band_keys(minhash)
        found = np.concatenate([layer.with_bands(keys) for layer in self.layers])
        return tuple(map(TextId, np.sort(found).tolist()))

    def missed(self, grams: tuple[Keys, Numbers], bands: tuple[Keys, Numbers]) -> frozenset[int]:
        """Return which captions are not found by one of their keys, for a check of the files."""
        found = [np.zeros(len(keys), bool) for keys, _ in (grams, bands)]
        for layer in self.layers:
            for is_found, table, (keys, numbers) in zip(found, layer.tables, (grams, bands), strict=True):
                np.logical_or(is_found, table.holds(keys, numbers) & ~np.isin(numbers, layer.gone), is_found)
        lost = [numbers[~part] for part, (_, numbers) in zip(found, (grams, bands), strict=True)]
        return frozenset(np.concatenate(lost).tolist())

    def sizes(self) -> tuple[int, int]:
        """Return how many entries of captions that count there are, by gram and by band; reads all."""
        sizes = [
            sum(len(table) - int(np.isin(table.numbers, layer.gone).sum()) for layer, table in part)
            for part in zip(
                *([(layer, table) for table in layer.tables] for layer in self.layers), strict=True
            )
        ]
        return sizes[0], sizes[1]
