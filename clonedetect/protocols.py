"""What pure rooms need from rooms they may not import."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from clonedetect.models.ids import Digest, ItemId, MediaId, RecordId, TextId
from clonedetect.models.item import Item
from clonedetect.models.page import IdentifierKind
from clonedetect.models.reference import Generation, Identified, ImageReference, TextCost, TextReference
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
    """Lookup of captions that share content, for all texts of a page at once."""

    def candidates(
        self, fingerprints: Sequence[npt.NDArray[np.uint64]], limits: Sequence[int], least: float = 0.0
    ) -> tuple[tuple[tuple[TextId, float], ...], ...]:
        """Return for each text up to its limit of captions that share winnowed grams.

        By summed inverse document frequency, highest first; what `least` grams that one
        caption alone has are worth, or more.
        """
        ...

    def with_digests(self, exact: Sequence[Digest]) -> tuple[tuple[TextId, ...], ...]:
        """Return for each digest the captions whose normalised text has it."""
        ...

    def near_duplicates(
        self, signatures: npt.NDArray[np.uint32], bands: int = 1
    ) -> tuple[tuple[TextId, ...], ...]:
        """Return for each of `signatures`, uint32 (n, p), the captions that share so many MinHash bands."""
        ...


class CharacterModel(Protocol):
    """How surprising each character of a normalised text is."""

    @property
    def version(self) -> str:
        """Name and version of the tables, background and index parts alike."""
        ...

    def bits(self, text: str) -> npt.NDArray[np.float64]:
        """Return the information in bits of each character of `text`, capped per character."""
        ...

    def costs(self, texts: Sequence[str]) -> tuple[TextCost, ...]:
        """Return what each of `texts`, captions the model has learned, costs with itself left out."""
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

    def owners(self, ids: Sequence[TextId]) -> tuple[int, ...]:
        """Return for each caption how many accounts hold its text or a near copy; 0 for a removed one."""
        ...


class RecordReader(Protocol):
    """Archived bytes by record."""

    def content(self, record_id: RecordId) -> bytes:
        """Return the decoded body of one response record, its digest checked.

        Raises VerificationError where the bytes are not those that were recorded.
        """
        ...
