"""An index held in memory: brute-force hashes, the real feature index, nothing else."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from clonedetect.index.features import FeatureIndex
from clonedetect.index.hamming import HammingIndex
from clonedetect.index.identifiers import as_stored, identifiers_of
from clonedetect.index.vectors import VectorIndex
from clonedetect.models.ids import AccountId, Digest, ItemId, MediaId, TextId
from clonedetect.models.item import Item
from clonedetect.models.page import IdentifierKind
from clonedetect.models.reference import Generation, Identified, ImageReference, TextReference
from clonedetect.models.signal import VIEWS_PER_MEDIA, ImageSignals
from clonedetect.models.slot import Distance, Signal
from clonedetect.protocols import CharacterModel, Hits, Postings


class BruteForceHashes:
    """Every stored hash against every query; exact by construction."""

    exact = True

    def __init__(self) -> None:
        self._hashes: list[bytes] = []
        self._ids: list[int] = []

    def add(self, hashes: npt.NDArray[np.uint8], ids: npt.NDArray[np.int64]) -> None:
        self._hashes.extend(row.tobytes() for row in hashes)
        self._ids.extend(ids.tolist())

    def delete(self, ids: npt.NDArray[np.int64]) -> None:
        gone = set(ids.tolist())
        kept = [(h, i) for h, i in zip(self._hashes, self._ids, strict=True) if i not in gone]
        self._hashes, self._ids = [h for h, _ in kept], [i for _, i in kept]

    def range_search(self, queries: npt.NDArray[np.uint8], radius: int) -> Hits:
        stored = np.frombuffer(b"".join(self._hashes), dtype=np.uint64).reshape(-1, 4)
        asked = np.ascontiguousarray(queries).view(np.uint64).reshape(-1, 4)
        ids = np.array(self._ids, dtype=np.int64)
        distances = np.zeros((len(asked), len(stored)), np.int64)
        for row, query in zip(distances, asked, strict=True):
            row[:] = np.bitwise_count(stored ^ query).sum(axis=1)
        number, place = np.nonzero(distances <= radius)
        found = distances[number, place]
        order = np.lexsort((ids[place], found, number))
        return number[order].astype(np.int64), ids[place][order], found[order]

    def snapshot(self) -> Generation:
        return Generation(len(self._ids), "memory")


class MemoryIndex:
    """A `ReferenceIndex` of pictures only, with the values of `signals` where pictures come with them."""

    def __init__(self, signals: Sequence[Signal] = ()) -> None:
        self.hashes = BruteForceHashes()
        self._neighbours: dict[str, HammingIndex | VectorIndex] = {
            signal.name: HammingIndex()
            if signal.distance is Distance.HAMMING
            else VectorIndex(np.empty((0, signal.size_bytes), np.uint8), np.empty(0, np.int64))
            for signal in signals
        }
        self.votes = FeatureIndex()
        self.pictures: dict[MediaId, ImageReference] = {}

    def add(
        self, item_id: str, signals: ImageSignals, account: str | None = None, *, hash_only: bool = False
    ) -> MediaId:
        media = MediaId(len(self.pictures) + 1)
        views = np.array([list(view.bits) for view in signals.hashes], dtype=np.uint8)
        self.hashes.add(views, int(media) * VIEWS_PER_MEDIA + np.arange(len(views), dtype=np.int64))
        for name, value in signals.values:
            row = np.frombuffer(value, np.uint8).reshape(1, -1)
            self._neighbours[name].add(row, np.array([int(media) * VIEWS_PER_MEDIA], np.int64))
        if signals.features is not None and not hash_only:
            self.votes.add(media, signals.features)
        self.pictures[media] = ImageReference(
            media_id=media,
            item_id=ItemId(item_id),
            account_id=None if account is None else AccountId(account),
            permalink=f"https://platform.example/p/{item_id}",
            digest=None if hash_only else signals.digest,
            width=signals.width,
            height=signals.height,
            quality=signals.quality,
            bits=signals.hashes[0].bits,
            thumbnail=None if hash_only else signals.thumbnail,
            features=None if hash_only else signals.features,
            views=tuple(view.view for view in signals.hashes),
        )
        return media

    def neighbours(self, name: str) -> HammingIndex | VectorIndex:
        return self._neighbours[name]

    @property
    def postings(self) -> Postings:
        raise NotImplementedError("pictures only")

    @property
    def model(self) -> CharacterModel:
        raise NotImplementedError("pictures only")

    def snapshot(self) -> Generation:
        return Generation(len(self.pictures), f"memory {len(self.pictures)}")

    def item(self, item_id: ItemId) -> Item | None:
        return Item(item_id) if any(p.item_id == item_id for p in self.pictures.values()) else None

    has_identifiers = True

    def identified(
        self, wanted: Collection[tuple[IdentifierKind, str]]
    ) -> dict[tuple[IdentifierKind, str], Identified]:
        items = {
            one.item_id: Item(one.item_id, account_id=one.account_id, permalink=one.permalink)
            for one in self.pictures.values()
        }
        found = {
            one: tuple(item for item in items.values() if as_stored(*one) in identifiers_of(item))
            for one in wanted
        }
        return {one: Identified(same) for one, same in found.items() if same}

    def images(self, ids: Sequence[MediaId]) -> tuple[ImageReference, ...]:
        return tuple(self.pictures[i] for i in ids if i in self.pictures)

    def images_with_digest(self, digest: Digest) -> tuple[ImageReference, ...]:
        return tuple(p for p in self.pictures.values() if p.digest == digest)

    def texts(self, ids: Sequence[TextId]) -> tuple[TextReference, ...]:
        return ()

    def owners(self, ids: Sequence[TextId]) -> tuple[int, ...]:
        return (0,) * len(ids)
