"""Captions that share content with a query: by winnowed grams, by exact digest, by MinHash band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlite_utils import Database

from clonedetect.index.batches import batches
from clonedetect.index.keytable import Keys, KeyTable, Numbers, Places, expanded
from clonedetect.models.ids import Digest, TextId
from clonedetect.models.minhash import EMPTY, band_keys

__all__ = ["FREQUENCY_CAP", "READ_AT_MOST", "TextLayer", "TextPostings"]

FREQUENCY_CAP: Final = 2000
"""A gram that more captions hold than this is not looked up: it says little and costs most."""

READ_AT_MOST: Final = 4000
"""Entries that are read for one text, its rarest grams first: many captions cost no more than a few."""

_NO_KEYS: Final = np.empty(0, np.uint64)


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

    def grams_of(self, keys: Keys, cap: int) -> tuple[Places, Places, Places]:
        """Return where the captions with each of `keys` stand among the grams, and how many of them count.

        Where a key has more than `cap`, the count says only that it is more.
        """
        first, stop = self.grams.ranges(keys)
        counts = stop - first
        if len(self.gone):
            few = np.flatnonzero(counts <= cap + len(self.gone))
            which, _ = self.numbers_at(first[few], stop[few])
            counts[few] = np.bincount(which, minlength=len(few))
        return first, stop, counts

    def numbers_at(self, first: Places, stop: Places) -> tuple[Places, Numbers]:
        """Return (range number, caption) of the grams' entries in these ranges, as far as captions count."""
        which, places = expanded(first, stop)
        return self._living(which, self.grams.numbers[places])

    def with_bands(self, keys: Keys) -> tuple[Places, Numbers]:
        """Return (row, caption) of the captions that have a key of a row of `keys`, uint64 (n, bands)."""
        which, places = expanded(*self.bands.ranges(keys.reshape(-1)))
        return self._living(which // max(1, keys.shape[-1]), self.bands.numbers[places])

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
        read_at_most: int = READ_AT_MOST,
    ) -> None:
        self._db = db
        self.layers = layers
        self._captions = captions
        self._cap = frequency_cap
        self._budget = read_at_most

    def __len__(self) -> int:
        return self._captions

    def candidates(
        self, fingerprints: Sequence[Keys], limits: Sequence[int], least: float = 0.0
    ) -> tuple[tuple[tuple[TextId, float], ...], ...]:
        """Return for each text up to its limit of captions that share grams of its fingerprints, best first.

        fingerprints: uint64 (n,) each. The score is the sum of ``log(1 + captions
        / captions with the gram)`` over shared grams; under what `least` grams of
        one caption alone are worth it is no candidate, and ties go by number. Grams
        above the cap are passed over, and of each text only its rarest grams are
        read, as far as `READ_AT_MOST` entries go: what costs most says least.
        """
        distinct = [np.unique(np.asarray(keys, np.uint64)) for keys in fingerprints]
        texts = np.repeat(np.arange(len(distinct)), [len(keys) for keys in distinct])
        keys, place = np.unique(np.concatenate([_NO_KEYS, *distinct]), return_inverse=True)
        found = [layer.grams_of(keys, self._cap) for layer in self.layers]
        totals = np.sum([counts for _, _, counts in found], axis=0)
        counts = totals[place]
        read = np.flatnonzero((counts > 0) & (counts <= self._cap))
        read = read[_within_budget(texts[read], counts[read], self._budget)]
        weights = np.log1p(self._captions / np.maximum(totals, 1))[place]
        parts = [
            layer.numbers_at(first[place[read]], stop[place[read]])
            for layer, (first, stop, _) in zip(self.layers, found, strict=True)
        ]
        which = np.concatenate([part for part, _ in parts])
        numbers = np.concatenate([part for _, part in parts])
        bound = least * float(np.log1p(self._captions))
        return _ranked(texts[read][which], numbers, weights[read][which], limits, bound)

    def with_digests(self, exact: Sequence[Digest]) -> tuple[tuple[TextId, ...], ...]:
        """Return for each digest the captions whose normalised text has it, by number."""
        found: dict[str, list[TextId]] = {digest: [] for digest in exact}
        for some in batches(tuple(found)):
            marks = ",".join("?" * len(some))
            rows = self._db.execute(
                f"SELECT exact, text_id FROM texts WHERE exact IN ({marks}) ORDER BY text_id",  # noqa: S608  marks
                some,
            )
            for digest, text_id in rows.fetchall():
                found[digest].append(TextId(text_id))
        return tuple(tuple(found[digest]) for digest in exact)

    def near_duplicates(
        self, signatures: npt.NDArray[np.uint32], bands: int = 1
    ) -> tuple[tuple[TextId, ...], ...]:
        """Return for each of `signatures`, uint32 (n, p), the captions that share so many bands."""
        keys = band_keys(signatures)
        found = [layer.with_bands(keys) for layer in self.layers]
        which = np.concatenate([part for part, _ in found])
        numbers = np.concatenate([part for _, part in found])
        is_text = ~(signatures == EMPTY).all(axis=1)
        pairs, shared = np.unique((which.astype(np.int64) << 32) | numbers, return_counts=True)
        pairs = pairs[shared >= bands]
        edges = np.searchsorted(pairs >> 32, np.arange(len(signatures) + 1))
        captions = (pairs & 0xFFFFFFFF).tolist()
        return tuple(
            tuple(map(TextId, captions[edges[place] : edges[place + 1]])) if is_text[place] else ()
            for place in range(len(signatures))
        )

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


def _within_budget(texts: Places, counts: Places, budget: int) -> Places:
    """Return which entries, of rising text number, are read: each text's rarest, within `budget` in all."""
    order = np.lexsort((counts, texts))
    sums = np.cumsum(counts[order])
    starts = np.flatnonzero(np.r_[True, np.diff(texts[order]) != 0]) if len(order) else order
    before = np.repeat(sums[starts] - counts[order][starts], np.diff(np.r_[starts, len(order)]))
    return np.sort(order[sums - before <= budget])


def _ranked(
    texts: Places, numbers: Numbers, weights: npt.NDArray[np.float64], limits: Sequence[int], least: float
) -> tuple[tuple[tuple[TextId, float], ...], ...]:
    """Sum `weights` by text and caption; return each text's best captions."""
    pairs, where = np.unique((texts.astype(np.int64) << 32) | numbers, return_inverse=True)
    scores = np.bincount(where, weights=weights, minlength=len(pairs))
    kept = scores >= least
    pairs, scores = pairs[kept], scores[kept]
    owner, caption = pairs >> 32, pairs & 0xFFFFFFFF
    order = np.lexsort((caption, -scores, owner))
    edges = np.searchsorted(owner[order], np.arange(len(limits) + 1))
    ranked = []
    for place, limit in enumerate(limits):
        best = order[edges[place] : edges[place + 1]][: max(0, limit)]
        ranked.append(tuple(zip(map(TextId, caption[best].tolist()), scores[best].tolist(), strict=True)))
    return tuple(ranked)
