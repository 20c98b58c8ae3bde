"""What pure rooms need from rooms they may not import."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from clonedetect.models.ids import Digest, ItemId, MediaId, RecordId, TextId
from clonedetect.models.item import Item
from clonedetect.models.page import IdentifierKind
from clonedetect.models.reference import Generation, Identified, ImageReference, TextReference
from clonedetect.models.signal import FeatureSet

__all__ = [
    "CharacterModel",
    "FeatureVotes",
    "HashIndex",
    "Neighbours",
    "Postings",
    "RecordReader",
    "ReferenceIndex",
]

Hits = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Query numbers, ids and distances, ordered by query, distance, id."""


class HashIndex(Protocol):
    """Lookup of 256-bit hashes by Hamming distance."""

    @property
    def exact(self) -> bool:
        """Whether every neighbour within the radius is always returned."""
        ...

    def range_search(self, queries: npt.NDArray[np.uint8], radius: int) -> Hits:
        """Return all stored hashes within `radius` bits of each of `queries`, uint8 (q, 32)."""
        ...

    def add(self, hashes: npt.NDArray[np.uint8], ids: npt.NDArray[np.int64]) -> None:
        """Store `hashes`, uint8 (n, 32), under `ids`; the next search finds them."""
        ...

    def delete(self, ids: npt.NDArray[np.int64]) -> None:
        """Forget all hashes stored under `ids`; the next search does not return them."""
        ...

    def snapshot(self) -> Generation:
        """Return which state of the index answers."""
        ...


class Neighbours(Protocol):
    """Lookup of the values of one of the operator's signals (`models.slot`)."""

    @property
    def exact(self) -> bool:
        """Whether every neighbour within the radius is always returned."""
        ...

    def range_search(self, queries: npt.NDArray[np.uint8], radius: int) -> Hits:
        """Return all stored values within `radius`, in its unit, of each of `queries`, uint8 (q, size)."""
        ...


class FeatureVotes(Protocol):
    """Lookup of pictures that share local features."""

    def vote(self, features: FeatureSet, limit: int) -> tuple[tuple[MediaId, int], ...]:
        """Return up to `limit` pictures with their number of votes, most first, ties by id."""
        ...


class Postings(Protocol):
    """Lookup of captions that share content."""

    def candidates(
        self, fingerprints: npt.NDArray[np.uint64], limit: int
    ) -> tuple[tuple[TextId, float], ...]:
        """Return up to `limit` captions that share winnowed grams, by summed inverse document frequency."""
        ...

    def with_digest(self, exact: Digest) -> tuple[TextId, ...]:
        """Return the captions whose normalised text has this digest."""
        ...

    def near_duplicates(self, minhash: npt.NDArray[np.uint32]) -> tuple[TextId, ...]:
        """Return the captions that share a MinHash band."""
        ...


class CharacterModel(Protocol):
    """How surprising each character of a normalised text is."""

    @property
    def version(self) -> str:
        """Name and version of the tables, background and index parts alike."""
        ...

    def bits(self, text: str, *, leave_out: str = "") -> npt.NDArray[np.float64]:
        """Return the information in bits of each character of `text`, capped per character.

        `leave_out` is one text whose own contribution to the model is subtracted.
        """
        ...

    def is_sufficient(self, text: str, *, leave_out: str = "") -> bool:
        """Whether the model has seen enough of the script of `text` to tell rare from common.

        `leave_out` is one text whose own contribution does not count.
        """
        ...


class ReferenceIndex(Protocol):
    """The reading side of an index: everything a verdict may take from it."""

    @property
    def hashes(self) -> HashIndex:
        """The 256-bit hashes of all views; ids as `models.signal.VIEWS_PER_MEDIA` says."""
        ...

    def neighbours(self, name: str) -> Neighbours:
        """Return the values of one of the operator's signals; ids as those of hashes.

        Raises ValueError for a signal the index does not hold.
        """
        ...

    @property
    def votes(self) -> FeatureVotes:
        """The local features."""
        ...

    @property
    def postings(self) -> Postings:
        """The captions' fingerprints."""
        ...

    @property
    def model(self) -> CharacterModel:
        """The character model built from background and captions."""
        ...

    def snapshot(self) -> Generation:
        """Return which state of the index answers."""
        ...

    def item(self, item_id: ItemId) -> Item | None:
        """Return one item, or None if the index has none of this id."""
        ...

    @property
    def has_identifiers(self) -> bool:
        """Whether `identified` looks anything up: an index of an older schema has no table for it."""
        ...

    def identified(
        self, wanted: Collection[tuple[IdentifierKind, str]]
    ) -> Mapping[tuple[IdentifierKind, str], Identified]:
        """Return the items that carry these identifiers, the first few of each; no entry where none does."""
        ...

    def images(self, ids: Sequence[MediaId]) -> tuple[ImageReference, ...]:
        """Return the indexed pictures of these ids, in the order given, removed ones left out."""
        ...

    def images_with_digest(self, digest: Digest) -> tuple[ImageReference, ...]:
        """Return the indexed pictures with exactly these bytes."""
        ...

    def texts(self, ids: Sequence[TextId]) -> tuple[TextReference, ...]:
        """Return the indexed captions of these ids, in the order given, removed ones left out."""
        ...


class RecordReader(Protocol):
    """Archived bytes by record."""

    def content(self, record_id: RecordId) -> bytes:
        """Return the decoded body of one response record, its digest checked.

        Raises VerificationError where the bytes are not those that were recorded.
        """
        ...
