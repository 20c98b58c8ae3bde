"""An index without some of its items, so that one index serves as many."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clonedetect.models.ids import Digest, ItemId, MediaId, TextId
from clonedetect.models.item import Item
from clonedetect.models.page import IdentifierKind
from clonedetect.models.reference import Generation, Identified, ImageReference, TextReference
from clonedetect.models.signal import VIEWS_PER_MEDIA, FeatureSet
from clonedetect.protocols import (
    CharacterModel,
    FeatureVotes,
    HashIndex,
    Hits,
    Neighbours,
    Postings,
    ReferenceIndex,
)


@dataclass(frozen=True, slots=True)
class _HidingHashes:
    inner: HashIndex
    hidden: npt.NDArray[np.int64]
    state: Generation

    @property
    def exact(self) -> bool:
        return self.inner.exact

    def range_search(self, queries: npt.NDArray[np.uint8], radius: int) -> Hits:
        numbers, ids, distances = self.inner.range_search(queries, radius)
        kept = ~np.isin(ids // VIEWS_PER_MEDIA, self.hidden)
        return numbers[kept], ids[kept], distances[kept]

    def add(self, hashes: npt.NDArray[np.uint8], ids: npt.NDArray[np.int64]) -> None:
        raise TypeError("an index with hidden items is only read")

    def delete(self, ids: npt.NDArray[np.int64]) -> None:
        raise TypeError("an index with hidden items is only read")

    def snapshot(self) -> Generation:
        return self.state


@dataclass(frozen=True, slots=True)
class _HidingNeighbours:
    inner: Neighbours
    hidden: npt.NDArray[np.int64]

    @property
    def exact(self) -> bool:
        return self.inner.exact

    def range_search(self, queries: npt.NDArray[np.uint8], radius: int) -> Hits:
        numbers, ids, distances = self.inner.range_search(queries, radius)
        kept = ~np.isin(ids // VIEWS_PER_MEDIA, self.hidden)
        return numbers[kept], ids[kept], distances[kept]


@dataclass(frozen=True, slots=True)
class _HidingVotes:
    inner: FeatureVotes
    hidden: frozenset[int]

    def vote(self, features: FeatureSet, limit: int) -> tuple[tuple[MediaId, int], ...]:
        votes = self.inner.vote(features, limit + len(self.hidden))
        return tuple((media, count) for media, count in votes if int(media) not in self.hidden)[:limit]


class HidingIndex:
    """A `ReferenceIndex` that answers as `inner` would without the pictures `hidden` and their items.

    What is hidden is in no lookup, no neighbourhood and no template mask; captions are untouched.
    """

    def __init__(self, inner: ReferenceIndex, hidden: Collection[MediaId]) -> None:
        self._inner = inner
        self._hidden = frozenset(int(media) for media in hidden)
        self._items = frozenset(reference.item_id for reference in inner.images(sorted(hidden)))
        told = hashlib.sha256(repr(sorted(self._hidden)).encode()).hexdigest()[:16]
        state = inner.snapshot()
        self._snapshot = Generation(state.number, f"{state.snapshot_id} without {told}")
        self.hashes: HashIndex = _HidingHashes(
            inner.hashes, np.array(sorted(self._hidden), np.int64), self._snapshot
        )
        self.votes: FeatureVotes = _HidingVotes(inner.votes, self._hidden)

    def neighbours(self, name: str) -> Neighbours:
        return _HidingNeighbours(self._inner.neighbours(name), np.array(sorted(self._hidden), np.int64))

    @property
    def postings(self) -> Postings:
        return self._inner.postings

    @property
    def model(self) -> CharacterModel:
        return self._inner.model

    def snapshot(self) -> Generation:
        return self._snapshot

    def item(self, item_id: ItemId) -> Item | None:
        return None if item_id in self._items else self._inner.item(item_id)

    @property
    def has_identifiers(self) -> bool:
        return self._inner.has_identifiers

    def identified(
        self, wanted: Collection[tuple[IdentifierKind, str]]
    ) -> dict[tuple[IdentifierKind, str], Identified]:
        found = {}
        for one, known in self._inner.identified(wanted).items():
            items = tuple(item for item in known.items if item.item_id not in self._items)
            if items:
                found[one] = Identified(items, known.is_all)
        return found

    def images(self, ids: Sequence[MediaId]) -> tuple[ImageReference, ...]:
        return self._inner.images([media for media in ids if int(media) not in self._hidden])

    def images_with_digest(self, digest: Digest) -> tuple[ImageReference, ...]:
        found = self._inner.images_with_digest(digest)
        return tuple(reference for reference in found if int(reference.media_id) not in self._hidden)

    def texts(self, ids: Sequence[TextId]) -> tuple[TextReference, ...]:
        return self._inner.texts(ids)

    def owners(self, ids: Sequence[TextId]) -> tuple[int, ...]:
        return self._inner.owners(ids)
