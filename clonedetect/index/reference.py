"""The reading side of an index: one consistent state of it, with every lookup a verdict needs.

Hash, feature and caption lookups are answered from hot files below ``hot/`` plus, in
memory, what changed since those were written. They are built from the truth
when there are none, when more is new than old, or when something has been
removed since; whoever opens the index first does it. Hashes and features that are merely
behind are answered at once and merged into new files in the background. Where
the folder cannot be written to, everything is kept in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol, Self

import numpy as np
import numpy.typing as npt

from clonedetect.index.batches import batches
from clonedetect.index.hamming import HammingIndex
from clonedetect.index.hothashes import current_hashes
from clonedetect.index.hotsignals import SignalSource, current_signal, folder_of
from clonedetect.index.hotsource import HotSource
from clonedetect.index.identifiers import find
from clonedetect.index.models import ModelMaker, current_model
from clonedetect.index.postings import TextPostings
from clonedetect.index.rows import image_references
from clonedetect.index.store import HOT, IndexStore, SignalKind
from clonedetect.index.texts import text_postings
from clonedetect.index.vectors import VectorIndex
from clonedetect.models.ids import Digest, ItemId, MediaId, TextId
from clonedetect.models.item import Item
from clonedetect.models.minhash import ALIKE_BANDS, jaccard
from clonedetect.models.page import IdentifierKind
from clonedetect.models.reference import Generation, Identified, ImageReference, TextReference
from clonedetect.models.signal import Algorithm
from clonedetect.models.slot import StoredSignal
from clonedetect.protocols import CharacterModel, FeatureVotes

__all__ = ["HotSource", "OpenIndex", "VotesFactory", "open_index"]

NEAR_DUPLICATE: Final = 0.8
"""Estimated Jaccard similarity from which two captions count as one text with several owners."""


class OpenVotes(FeatureVotes, Protocol):
    """The lookup of local features, which may be writing files meanwhile."""

    def close(self) -> None:
        """End a merge that is under way."""
        ...


VotesFactory = Callable[[HotSource], OpenVotes]
"""Opens or builds the lookup of local features for one state of an index."""


def open_index(
    folder: str | Path,
    *,
    votes: VotesFactory,
    model: ModelMaker,
    algorithms: dict[SignalKind, Algorithm] | None = None,
    signals: Iterable[StoredSignal] = (),
) -> OpenIndex:
    """Open the index in `folder` for reading, in the state of its last commit.

    `votes` is called, and `model` asked, when first needed. Raises InputError where
    there is no index and IndexFormatError for another schema, other
    `algorithms`, or an index without one of these `signals`.
    """
    return OpenIndex(
        IndexStore.open(folder, algorithms=algorithms, signals=signals), votes=votes, model=model
    )


class OpenIndex:
    """One state of an index, unmoved by later commits; implements `protocols.ReferenceIndex`.

    Close it, or use it in a ``with`` block. Not to be shared between threads.
    """

    def __init__(self, store: IndexStore, *, votes: VotesFactory, model: ModelMaker) -> None:
        self._store = store
        self._make_votes = votes
        self._maker = model
        self._snapshot = store.snapshot()
        self._neighbours: dict[str, HammingIndex | VectorIndex] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database and end merges under way; lookups that were handed out no longer work."""
        for name in ("hashes", "votes"):
            if name in self.__dict__:
                getattr(self, name).close()
        for opened in self._neighbours.values():
            if isinstance(opened, HammingIndex):
                opened.close()
        self._store.close()

    @cached_property
    def hashes(self) -> HammingIndex:
        """The 256-bit hashes of all views; ids as `models.signal.VIEWS_PER_MEDIA` says."""
        return current_hashes(self._source("hashes"))

    def neighbours(self, name: str) -> HammingIndex | VectorIndex:
        """The values of one of the operator's signals, opened when first asked for.

        Raises ValueError for a signal the index does not hold.
        """
        if name not in self._neighbours:
            stored = next((signal for signal in self._store.signals if signal.name == name), None)
            if stored is None:
                raise ValueError(
                    f"{self._store.folder} holds no signal {name}; open it with that signal named"
                )
            source = self._source(folder_of(stored))
            self._neighbours[name] = current_signal(
                SignalSource(source.folder, source.generation, source.lineage, source.db, stored)
            )
        return self._neighbours[name]

    @cached_property
    def votes(self) -> OpenVotes:
        """The local features."""
        return self._make_votes(self._source("features"))

    @cached_property
    def postings(self) -> TextPostings:
        """The captions' fingerprints."""
        return text_postings(self._source("texts"))

    @cached_property
    def model(self) -> CharacterModel:
        """The character model, opened or learned when first asked for."""
        return current_model(self._source("characters"), self._maker)

    def snapshot(self) -> Generation:
        """Return which state of the index answers."""
        return self._snapshot

    def item(self, item_id: ItemId) -> Item | None:
        """Return one item, or None if the index has none of this id."""
        return self._store.item(item_id)

    @property
    def has_identifiers(self) -> bool:
        """Whether `identified` looks anything up: an index of an older schema has no table for it."""
        return self._store.has_identifiers

    def identified(
        self, wanted: Collection[tuple[IdentifierKind, str]]
    ) -> dict[tuple[IdentifierKind, str], Identified]:
        """Return the items that carry these identifiers, at most eight of each, by identifier.

        Spellings that differ in case of a handle, or in query and host of a media address, are one.
        Nothing is found in an index without identifiers.
        """
        return find(self._store.db, wanted) if self._store.has_identifiers else {}

    def images(self, ids: Sequence[MediaId]) -> tuple[ImageReference, ...]:
        """Return the indexed pictures of these ids, in the order given, removed ones left out."""
        wanted = [int(number) for number in ids]
        found = {}
        for number in dict.fromkeys(wanted):
            for reference in image_references(self._store.db, "media.media_id = ?", number):
                found[number] = reference
        return tuple(found[number] for number in wanted if number in found)

    def images_with_digest(self, digest: Digest) -> tuple[ImageReference, ...]:
        """Return the indexed pictures with exactly these bytes, by number.

        A picture of which only the digest is known has empty `bits`.
        """
        return tuple(image_references(self._store.db, "media.digest = ?", digest))

    def texts(self, ids: Sequence[TextId]) -> tuple[TextReference, ...]:
        """Return the indexed captions of these ids, in the order given, removed ones left out."""
        found: dict[int, TextReference] = {}
        for some in batches([int(number) for number in dict.fromkeys(ids)]):
            marks = ",".join("?" * len(some))
            rows = self._store.db.execute(
                "SELECT text_id, item_id, account_id, permalink, raw, normalised "  # noqa: S608  marks
                f"FROM texts JOIN items USING (item_id) WHERE text_id IN ({marks})",
                some,
            )
            found.update((row[0], TextReference(*row)) for row in rows.fetchall())
        return tuple(found[int(number)] for number in ids if int(number) in found)

    def owners(self, ids: Sequence[TextId]) -> tuple[int, ...]:
        """Return for each caption how many accounts hold its text or a near copy; 0 for a removed one.

        The accounts whose caption is the same after normalisation, or at least
        0.8 similar by MinHash; where an item names no account its handle counts,
        and without one the item itself: an unknown owner is never taken for a
        known one.
        """
        found: dict[int, tuple[str, npt.NDArray[np.uint32]]] = {}
        for some in batches([int(number) for number in dict.fromkeys(ids)]):
            marks = ",".join("?" * len(some))
            rows = self._store.db.execute(
                f"SELECT text_id, exact, minhash FROM texts WHERE text_id IN ({marks})",  # noqa: S608  marks
                some,
            )
            found.update(
                (row[0], (row[1], np.frombuffer(row[2], "<u4").astype(np.uint32))) for row in rows.fetchall()
            )
        if not found:
            return (0,) * len(ids)
        signatures = np.stack([signature for _, signature in found.values()])
        near = self.postings.near_duplicates(signatures, ALIKE_BANDS)
        counts = {
            number: len(self._owners(exact, signature, others))
            for (number, (exact, signature)), others in zip(found.items(), near, strict=True)
        }
        return tuple(counts.get(int(number), 0) for number in ids)

    def _owners(self, exact: str, minhash: npt.NDArray[np.uint32], near: Sequence[TextId]) -> set[str]:
        db = self._store.db
        same = db.execute("SELECT DISTINCT owner FROM texts WHERE exact = ?", (exact,))
        owners: set[str] = {row[0] for row in same}
        for numbers in batches(near):
            marks = ",".join("?" * len(numbers))
            rows = db.execute(f"SELECT owner, minhash FROM texts WHERE text_id IN ({marks})", numbers)  # noqa: S608  marks
            others = [row for row in rows if row[0] not in owners and len(row[1]) == minhash.nbytes]
            signatures = np.frombuffer(b"".join(row[1] for row in others), "<u4").reshape(-1, len(minhash))
            is_near = jaccard(minhash, signatures) >= NEAR_DUPLICATE
            owners.update(row[0] for row, near_enough in zip(others, is_near, strict=True) if near_enough)
        return owners

    def _source(self, name: str) -> HotSource:
        folder = self._store.folder / HOT
        writable = os.access(self._store.folder, os.W_OK)
        return HotSource(
            folder / name if writable else None, self._snapshot, self._store.lineage, self._store.db
        )
