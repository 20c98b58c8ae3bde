"""Copies within an index: captions that say the same, pictures that show the same.

A text or picture that many accounts published proves little against whoever
shows it; how much of an index is of that kind says how far its matches carry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import xxhash

from clonedetect.index.hamming import HASH_BYTES, HammingIndex, Layout
from clonedetect.index.store import IndexStore

__all__ = ["NEAR_BITS", "Clusters", "caption_clusters", "picture_clusters"]

NEAR_BITS: Final = 10
"""Distance of full views up to which two pictures count as one: saving again does that, editing does not."""

MIN_QUALITY: Final = 50
"""Hashes below it are near to everything; such pictures are only joined by equal bytes."""

BANDED_FROM: Final = 20_000
"""Number of hashes from which bands answer faster: all are asked for, and a flat scan grows squared."""

_FULL: Final = re.compile(rb'\s*\[\s*\[\s*"full"\s*,\s*"identity"\s*,\s*(\d+)')
_HITS_AT_ONCE: Final = 2_000_000  # 24 bytes each
_MOST_QUERIES: Final = 4096

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Clusters:
    """Groups of two and more items: how many, their items, the largest one's, and those of several owners.

    An item with several pictures may stand in several groups, and counts once in `items`.
    """

    clusters: int
    items: int
    largest: int
    shared: int
    shared_items: int


def caption_clusters(store: IndexStore) -> Clusters:
    """Group captions that are equal once normalised."""
    row = store.db.execute(
        "SELECT count(*), coalesce(sum(n), 0), coalesce(max(n), 0), coalesce(sum(owners > 1), 0), "
        "coalesce(sum(n * (owners > 1)), 0) FROM (SELECT count(*) AS n, count(DISTINCT owner) AS owners "
        "FROM texts GROUP BY exact HAVING n > 1)"
    ).fetchone()
    return Clusters(*row)


def picture_clusters(store: IndexStore) -> Clusters:
    """Group pictures of equal bytes, or of full views up to `NEAR_BITS` apart, over any number of steps.

    Looks up every hash among all: minutes for tens of millions. Memory: some
    100 bytes a picture, and the compared hashes with their bands.
    """
    pictures = _Pictures.of(store)
    labels = np.arange(len(pictures.items))
    for first, second in pictures.pairs():
        labels = _joined(labels, first, second)
    return _counted(labels, pictures.items, pictures.owners)


@dataclass(frozen=True, slots=True, eq=False)
class _Pictures:
    """One row each: numbers of item, owner and bytes (-1: unknown), and the row of a usable hash (or -1)."""

    items: Labels
    owners: Labels
    digests: Labels
    rows: Labels
    hashes: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, store: IndexStore) -> _Pictures:
        (most,) = store.db.execute("SELECT count(*) FROM media WHERE kind = 'image'").fetchone()
        columns = np.empty((most, 4), np.int64)
        hashes = np.empty((most, HASH_BYTES), np.uint8)
        count = hashed = 0
        for item, owner, digest, views, bits in store.db.execute(
            "SELECT items.rowid, coalesce('a' || account_id, 'h' || handle, 'i' || items.item_id), "
            "media.digest, substr(views, 1, 60), substr(bits, 1, 32) FROM media JOIN items USING (item_id) "
            "LEFT JOIN hashes USING (media_id) WHERE kind = 'image'"
        ):
            bytes_number = -1 if digest is None else _number(digest)
            columns[count] = (item, _number(owner), bytes_number, -1)
            if bits is not None and (found := _FULL.match(bytes(views))) and int(found[1]) >= MIN_QUALITY:
                columns[count, 3] = hashed
                hashes[hashed] = np.frombuffer(bits, np.uint8)
                hashed += 1
            count += 1
        items, owners, digests, rows = columns[:count].T.copy()
        return cls(items, owners, digests, rows, hashes[:hashed])

    def pairs(self) -> Iterator[tuple[Labels, Labels]]:
        """Yield what belongs together, as two arrays of rows."""
        known = np.flatnonzero(self.digests >= 0)
        yield _neighbours(known, self.digests[known])
        hashed = np.flatnonzero(self.rows >= 0)
        if not len(hashed):
            return
        words = self.hashes.view("V32").reshape(-1)
        _, first, inverse = np.unique(words, return_index=True, return_inverse=True)
        yield _neighbours(hashed, inverse.reshape(-1))
        distinct = np.ascontiguousarray(self.hashes[first])
        for numbers, ids in _near(distinct):
            yield hashed[first[numbers]], hashed[first[ids]]


def _near(hashes: npt.NDArray[np.uint8]) -> Iterator[tuple[Labels, Labels]]:
    """Yield pairs of rows that are near, each once; the batch shrinks where neighbours are many."""
    layout = Layout.MIH if len(hashes) >= BANDED_FROM else Layout.FLAT
    index = HammingIndex(hashes, np.arange(len(hashes)), layout=layout)
    start, size = 0, _MOST_QUERIES // 16
    while start < len(hashes):
        numbers, ids, _ = index.range_search(hashes[start : start + size], NEAR_BITS)
        hits = len(ids)
        numbers = numbers + start
        later = numbers < ids
        yield numbers[later], ids[later]
        start += size
        size = max(1, min(2 * size, _MOST_QUERIES, size * _HITS_AT_ONCE // max(1, hits)))


def _number(text: str) -> int:
    return (
        xxhash.xxh3_64_intdigest(text.encode()) >> 1
    )  # 63 bits: two of a million owners are one in 10^7 indexes


def _neighbours(rows: Labels, keys: Labels) -> tuple[Labels, Labels]:
    """Return pairs of `rows` that chain all rows of one key."""
    order = np.argsort(keys, kind="stable")
    same = keys[order[1:]] == keys[order[:-1]]
    return rows[order[:-1][same]], rows[order[1:][same]]


def _joined(labels: Labels, first: Labels, second: Labels) -> Labels:
    """Return `labels`, the smallest row of each group, after joining the groups of `first` and `second`."""
    while True:
        left, right = labels[first], labels[second]
        differ = left != right
        if not differ.any():
            return labels
        low, high = np.minimum(left, right)[differ], np.maximum(left, right)[differ]
        np.minimum.at(labels, high, low)
        while not np.array_equal(shorter := labels[labels], labels):
            labels = shorter


def _counted(labels: Labels, items: Labels, owners: Labels) -> Clusters:
    """Count groups of two and more items; an item that shows a picture twice is no group."""
    members = np.unique(np.stack((labels, items), axis=1), axis=0)
    groups, sizes = np.unique(members[:, 0], return_counts=True)
    held = np.unique(np.stack((labels, owners), axis=1), axis=0)
    holders = np.unique(held[:, 0], return_counts=True)[1]
    large, shared = sizes > 1, (sizes > 1) & (holders > 1)

    def items_of(chosen: npt.NDArray[np.bool_]) -> int:
        return len(np.unique(members[np.isin(members[:, 0], groups[chosen]), 1]))

    return Clusters(
        clusters=int(large.sum()),
        items=items_of(large),
        largest=int(sizes[large].max(initial=0)),
        shared=int(shared.sum()),
        shared_items=items_of(shared),
    )
