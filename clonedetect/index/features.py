"""Pictures that share local features with a query: inverted lists over words of 128-bit descriptors.

A descriptor is cut into eight words of 16 bits. Rows of all stores that agree with
a query descriptor in a word (or, while the lists are short, in all but one bit of
it) are compared in full; each query descriptor gives a picture at most one vote,
and a picture keeps the votes that agree on one scale and rotation. A descriptor
at 15 bits is found with probability 0.98 with one-bit probing and 0.7 without; a
picture has hundreds. The answer is not exact and need not be: it proposes, and
`match` confirms. But it follows from the pictures held alone: which lists are too
long, and which pictures are on the shortlist, is decided over all stores together.

The stores are segments of one generation of files (`featurefiles`), memory-mapped,
and in memory what was added since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from clonedetect.index.featurestore import (
    WORDS,
    FeatureRows,
    FeatureStore,
    loaded_loops,
    poses_of,
    words_of,
)
from clonedetect.index.hotfiles import ArrayFile
from clonedetect.index.merging import Merge
from clonedetect.models.ids import MediaId
from clonedetect.models.signal import FeatureSet

__all__ = ["FeatureIndex", "Layer"]

PROBE_BUDGET: Final = 1_500_000
"""Rows compared in full per query at most with one-bit probing; above it only equal words are looked at."""

LIST_CAP: Final = 4096
"""A list longer than this is a pattern that tells nothing (flat sky, halftone); it is not read."""

LIST_SHARE: Final = 8
"""Lists of a large index are longer: this many times the mean length is still read."""

SHORTLIST: Final = 128
"""Pictures whose agreements are examined for one scale and rotation."""

_SINGLE_BITS: Final = np.concatenate([[0], 1 << np.arange(16)]).astype(np.uint16)

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A store, which of its pictures still count, bool (m,), and the files it is mapped from, if any."""

    store: FeatureStore
    kept: npt.NDArray[np.bool_]
    files: Mapping[str, ArrayFile] = field(default_factory=dict)

    @classmethod
    def of(cls, store: FeatureStore, files: Mapping[str, ArrayFile] | None = None) -> Layer:
        """Take a store all of whose pictures count."""
        return cls(store, np.ones(len(store.rows.media), bool), files or {})

    def __len__(self) -> int:
        """Return how many pictures can be found."""
        return int(np.count_nonzero(self.kept))

    @property
    def size(self) -> int:
        """How many rows the pictures that count have."""
        return int(np.diff(self.store.rows.starts)[self.kept].sum())

    def without(self, media: I64) -> Layer:
        """Return this layer but for the pictures of these numbers."""
        gone = np.isin(self.store.rows.media, media)
        return replace(self, kept=self.kept & ~gone) if gone.any() else self

    def rows(self) -> FeatureRows:
        """Return the rows of the pictures that count."""
        return self.store.rows.only(self.kept)


class FeatureIndex:
    """Votes for pictures that share local features; implements `protocols.FeatureVotes`.

    Made of `layers` that share no picture that counts, and of what is added.
    Answers depend on the pictures held, not on the order they came in nor on
    how layers divide them.
    """

    def __init__(self, layers: Iterable[Layer] = ()) -> None:
        self.layers = tuple(layers)
        self.merge: Merge | None = None
        self._added: dict[MediaId, FeatureSet] = {}
        self._together: _Together | None = None

    def __len__(self) -> int:
        """Return the number of pictures that can be found."""
        return sum(map(len, self.layers)) + len(self._added)

    def close(self) -> None:
        """End a merge that is under way; what is in memory stays usable."""
        if self.merge is not None:
            self.merge.cancel()

    def add(self, media_id: MediaId, features: FeatureSet) -> None:
        """Store the features of one picture, in place of any it had; the next vote sees them."""
        self.remove([media_id])
        self._added[media_id] = features

    def remove(self, media_ids: Iterable[MediaId]) -> None:
        """Forget pictures; the next vote does not return them. Unknown ones are no error."""
        numbers = np.array([int(media_id) for media_id in media_ids], np.int64)
        for media_id in numbers.tolist():
            self._added.pop(MediaId(media_id), None)
        self.layers = tuple(layer.without(numbers) for layer in self.layers)
        self._together = None

    def vote(self, features: FeatureSet, limit: int) -> tuple[tuple[MediaId, int], ...]:
        """Return up to `limit` pictures with their number of votes, most first, ties by id.

        A picture needs three votes that agree on scale and rotation.
        """
        if not len(features.descriptors) or not len(self):
            return ()
        if self._together is None:
            added = FeatureRows.of_entries(self._added.items())
            new = (Layer.of(FeatureStore.of(added)),) if len(added) else ()
            self._together = _Together(tuple(layer for layer in self.layers if len(layer)) + new)
        votes = self._together.votes(features)
        return tuple(sorted(votes, key=lambda entry: (-entry[1], entry[0]))[:limit])


@dataclass(frozen=True, eq=False)
class _Agreements:
    """Rows that agree with a query's: its row, theirs, the distance, the picture's place, their poses."""

    query: I64
    row: I64
    distance: I64
    place: I64
    poses: npt.NDArray[np.uint8]

    def only(self, chosen: npt.NDArray[np.bool_] | I64) -> _Agreements:
        return _Agreements(*(getattr(self, name)[chosen] for name in _COLUMNS))


_COLUMNS: Final = tuple(each.name for each in fields(_Agreements))


@dataclass(frozen=True, eq=False)
class _Together:
    """Layers that answer as if they were one."""

    layers: tuple[Layer, ...]

    @cached_property
    def media(self) -> I64:
        """The number of the picture at each place, layer after layer."""
        return np.concatenate([layer.store.rows.media for layer in self.layers])

    @cached_property
    def sizes(self) -> npt.NDArray[np.uint32]:
        """How many rows that count have each word, uint32 (8, 65536)."""
        sizes = np.zeros((WORDS, 65536), np.uint32)
        for layer in self.layers:
            sizes += np.diff(layer.store.offsets)
            sizes -= layer.store.rows.only(~layer.kept).words()
        return sizes

    @cached_property
    def longest(self) -> int:
        """How many rows the longest list has that is read."""
        return max(LIST_CAP, LIST_SHARE * int(self.sizes[0].sum()) // 65536)

    @cached_property
    def unread(self) -> npt.NDArray[np.uint64]:
        """Which lists are longer, uint64 (8, 1024), a bit each."""
        return np.packbits(self.sizes > self.longest, axis=1, bitorder="little").view("<u8").astype(np.uint64)

    def votes(self, features: FeatureSet) -> list[tuple[MediaId, int]]:
        """Return every picture with three votes or more, in no order."""
        found = self._agreements(features)
        found = found.only(_telling(found.query, found.place, len(self.media)))
        places, picture = np.unique(found.place, return_inverse=True)
        # One vote per query descriptor and picture: its nearest row, the lower row where two are as near.
        order = np.lexsort((found.row, found.distance, found.query, picture))
        found, picture = found.only(order), picture[order]
        first = np.ones(len(picture), bool)
        first[1:] = (picture[1:] != picture[:-1]) | (found.query[1:] != found.query[:-1])
        found, picture = found.only(first), picture[first]
        turn = poses_of(features.points)[found.query].astype(np.int64) - found.poses.astype(np.int64)
        scale_bin = (turn[:, 0] + 256) // 8  # half octaves, 0 to 64
        angle_bin = (turn[:, 1] % 256) // 16  # 22.5 degrees, 0 to 15
        # Each vote falls in four overlapping cells of one octave by 45 degrees: none is cut by an edge.
        cells = [
            (picture * 66 + scale_bin + up) * 16 + (angle_bin + on) % 16 for up in (0, 1) for on in (0, 1)
        ]
        numbers, counts = np.unique(np.concatenate(cells), return_counts=True)
        best = np.zeros(len(places), np.int64)
        np.maximum.at(best, numbers // (66 * 16), counts)
        return [(MediaId(int(self.media[places[i]])), int(best[i])) for i in np.flatnonzero(best >= 3)]

    def _agreements(self, features: FeatureSet) -> _Agreements:
        words = words_of(features.descriptors)
        reading = loaded_loops().rows_to_read(self.sizes, words, _SINGLE_BITS, self.longest)
        probes = _SINGLE_BITS if reading <= PROBE_BUDGET else _SINGLE_BITS[:1]
        parts = []
        before = 0
        for layer in self.layers:
            query, row, distance = layer.store.near(features, probes, self.unread)
            rows = layer.store.rows
            picture = np.searchsorted(rows.starts, row, side="right") - 1
            part = _Agreements(query, row, distance, picture + before, rows.poses[row])
            parts.append(part if layer.kept.all() else part.only(layer.kept[picture]))
            before += len(rows.media)
        return _Agreements(*(np.concatenate([getattr(p, name) for p in parts]) for name in _COLUMNS))


def _telling(query: I64, picture: I64, pictures: int) -> npt.NDArray[np.bool_]:
    """Return which agreements are with one of the pictures that share most rare descriptors, all of equals.

    An agreement weighs the inverse of how many its query descriptor has: without
    that, pictures of grass and gravel crowd the shortlist.
    """
    if pictures <= SHORTLIST:
        return np.ones(len(picture), dtype=bool)
    weight = 1.0 / np.bincount(query)[query]
    total = np.bincount(picture, weights=weight, minlength=pictures)
    least = np.partition(total, pictures - SHORTLIST)[pictures - SHORTLIST]
    return np.asarray((total >= max(float(least), 1e-9))[picture])
