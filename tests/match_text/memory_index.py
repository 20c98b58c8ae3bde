"""A real, small ReferenceIndex for texts: dictionaries instead of tables."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

import numpy as np

from clonedetect.models.ids import AccountId, Digest, ItemId, MediaId, TextId
from clonedetect.models.item import Item
from clonedetect.models.minhash import band_keys
from clonedetect.models.page import IdentifierKind
from clonedetect.models.reference import Generation, Identified, ImageReference, TextReference
from clonedetect.protocols import FeatureVotes, HashIndex
from clonedetect.signals.background import background_model
from clonedetect.signals.charmodel import CharModel
from clonedetect.signals.text import text_signals

_MAX_DOCUMENT_SHARE = 0.1
_MIN_DOCUMENTS = 200


class MemoryPostings:
    """Fingerprint -> captions, ranked by summed inverse document frequency; rare fingerprints only."""

    def __init__(self) -> None:
        self._grams: dict[int, list[TextId]] = defaultdict(list)
        self._digests: dict[Digest, list[TextId]] = defaultdict(list)
        self._bands: dict[int, set[TextId]] = defaultdict(set)
        self._size = 0

    def add(self, text_id: TextId, raw: str) -> str:
        signals = text_signals(raw)
        for gram in signals.fingerprints.tolist():
            self._grams[gram].append(text_id)
        self._digests[signals.exact].append(text_id)
        for key in band_keys(signals.minhash).tolist():
            self._bands[key].add(text_id)
        self._size += 1
        return signals.normalised

    def candidates(
        self, fingerprints: Sequence[np.ndarray], limits: Sequence[int], least: float = 0.0
    ) -> tuple[tuple[tuple[TextId, float], ...], ...]:
        return tuple(
            self._candidates(part, limit, least) for part, limit in zip(fingerprints, limits, strict=True)
        )

    def _candidates(
        self, fingerprints: np.ndarray, limit: int, least: float
    ) -> tuple[tuple[TextId, float], ...]:
        votes: Counter[TextId] = Counter()
        cap = max(_MIN_DOCUMENTS, _MAX_DOCUMENT_SHARE * self._size)
        for gram in fingerprints.tolist():
            holders = self._grams.get(gram, ())
            if holders and len(holders) <= cap:
                weight = math.log(1 + self._size / len(holders))
                for text_id in holders:
                    votes[text_id] += weight
        ranked = sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))
        return tuple(
            (text_id, float(weight))
            for text_id, weight in ranked[:limit]
            if weight >= least * math.log1p(self._size)
        )

    def with_digests(self, exact: Sequence[Digest]) -> tuple[tuple[TextId, ...], ...]:
        return tuple(tuple(self._digests.get(digest, ())) for digest in exact)

    def near_duplicates(self, signatures: np.ndarray, bands: int = 1) -> tuple[tuple[TextId, ...], ...]:
        shared = (
            Counter(n for key in band_keys(row).tolist() for n in self._bands.get(key, ()))
            for row in signatures
        )
        return tuple(tuple(sorted(n for n, count in one.items() if count >= bands)) for one in shared)


class MemoryIndex:
    """Captions by number; owners are the accounts that hold an equal or nearly equal caption."""

    def __init__(self, posts: Sequence[tuple[str, str]], *, with_background: bool = True) -> None:
        """Index `posts` as (account, caption)."""
        self.postings = MemoryPostings()
        self.model = CharModel(background_model() if with_background else None)
        self._references: dict[TextId, TextReference] = {}
        self._owners: dict[TextId, int] = {}
        holders: dict[str, set[str]] = defaultdict(set)
        rows = []
        for number, (account, caption) in enumerate(posts):
            text_id = TextId(number)
            normalised = self.postings.add(text_id, caption)
            if account not in holders[normalised]:
                self.model.add(normalised)
            holders[normalised].add(account)
            rows.append((text_id, account, caption, normalised))
        for text_id, account, caption, normalised in rows:
            self._references[text_id] = TextReference(
                text_id,
                ItemId(f"post-{text_id}"),
                AccountId(account),
                f"https://platform.example/p/{text_id}",
                caption,
                normalised,
            )
            self._owners[text_id] = len(holders[normalised])

    @property
    def hashes(self) -> HashIndex:
        raise NotImplementedError("an index of captions has no pictures")

    @property
    def votes(self) -> FeatureVotes:
        raise NotImplementedError("an index of captions has no pictures")

    def snapshot(self) -> Generation:
        return Generation(1, "sha256:" + "0" * 64)

    def item(self, item_id: ItemId) -> Item | None:
        return next(
            (Item(r.item_id, caption=r.raw) for r in self._references.values() if r.item_id == item_id), None
        )

    has_identifiers = False

    def identified(
        self, wanted: Collection[tuple[IdentifierKind, str]]
    ) -> dict[tuple[IdentifierKind, str], Identified]:
        return {}

    def images(self, ids: Sequence[MediaId]) -> tuple[ImageReference, ...]:
        return ()

    def images_with_digest(self, digest: Digest) -> tuple[ImageReference, ...]:
        return ()

    def texts(self, ids: Sequence[TextId]) -> tuple[TextReference, ...]:
        return tuple(self._references[text_id] for text_id in ids if text_id in self._references)

    def owners(self, ids: Sequence[TextId]) -> tuple[int, ...]:
        return tuple(self._owners.get(text_id, 0) for text_id in ids)
