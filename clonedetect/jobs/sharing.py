"""What pictures of an index share with each other: the same picture of several owners, and templates.

Both say how far the matches of an index carry: a picture that many publish, or one that is mostly a
frame others fill, proves little against whoever shows it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from clonedetect.index.reference import OpenIndex
from clonedetect.index.store import IndexStore
from clonedetect.jobs.opening import open_reference
from clonedetect.match.mask import template_mask
from clonedetect.models.ids import ItemId, MediaId
from clonedetect.models.settings import ImageThresholds
from clonedetect.models.signal import VIEWS_PER_MEDIA
from clonedetect.settings.file import read_settings

__all__ = ["SAMPLE", "Sharing", "picture_sharing"]

NEAR_BITS: Final = 8
"""Distance of full views up to which two pictures count as one."""

LEAST_QUALITY: Final = 50
"""Hashes of a lower quality are near to everything; such pictures are the same by equal bytes alone."""

TEMPLATE_SHARE: Final = 0.2
"""Share of a picture's blocks that three other items share, from which on it is called template-like."""

SAMPLE: Final = 500
"""Pictures that are compared with their neighbours; each takes a tenth to a quarter of a second."""

SEED: Final = 1
LISTED: Final = 20
_AT_ONCE: Final = 64

Track = Callable[[Iterable[MediaId], int], Iterable[MediaId]]


@dataclass(frozen=True, slots=True)
class Sharing:
    """What was counted over all pictures, and what was found in those that were compared.

    `shared` pictures are other owners' too (equal bytes, or full views within 8 bits);
    `most_owners` is how many owners one of them has. Of `pictures`, `examined` were compared, all or a
    sample drawn with `seed`; of these `template_like` show over a fifth of blocks that three other
    items share, the first of them in `items`.
    """

    pictures: int
    shared: int
    most_owners: int
    examined: int
    seed: int | None
    template_like: int
    items: tuple[ItemId, ...]


@dataclass(frozen=True, slots=True)
class _Held:
    """One picture: whose it is, its bytes' digest, and its full view where that tells anything."""

    owner: str
    digest: str | None
    bits: bytes | None


def picture_sharing(folder: Path, *, sample: int = SAMPLE, track: Track | None = None) -> Sharing:
    """Count shared pictures, and compare up to `sample` pictures with their neighbours.

    Compared under the thresholds of the index's own settings, as its matches are. `track` may
    wrap what is gone through, to show progress. Raises InputError where there is no index.
    """
    thresholds = read_settings(None, folder).settings.thresholds.image
    with IndexStore.open(folder) as store:
        held = dict(_held(store))
        comparable = [
            MediaId(row[0]) for row in store.db.execute("SELECT media_id FROM images ORDER BY media_id")
        ]
    is_sampled = len(comparable) > sample
    drawn = random.Random(SEED).sample  # noqa: S311  a sample that can be drawn again, no secret
    chosen = sorted(drawn(comparable, sample)) if is_sampled else comparable
    with open_reference(folder) as index:
        owners = [len(each) for each in _owners(held, index)]
        found = list(
            _template_like(index, thresholds, chosen if track is None else track(chosen, len(chosen)))
        )
    return Sharing(
        pictures=len(held),
        shared=sum(count > 1 for count in owners),
        most_owners=max(owners, default=0),
        examined=len(chosen),
        seed=SEED if is_sampled else None,
        template_like=len(found),
        items=tuple(dict.fromkeys(found))[:LISTED],
    )


def _held(store: IndexStore) -> Iterator[tuple[int, _Held]]:
    rows = store.db.execute(
        "SELECT media.media_id, coalesce('a ' || account_id, 'h ' || handle, 'i ' || items.item_id), "
        "media.digest, substr(bits, 1, 32), quality FROM media JOIN items USING (item_id) "
        "LEFT JOIN hashes USING (media_id) LEFT JOIN images USING (media_id) "
        "WHERE media.kind = 'image' ORDER BY media.media_id"
    )
    for media_id, owner, digest, bits, quality in rows:
        is_telling = bool(bits) and (quality is None or quality >= LEAST_QUALITY)
        yield media_id, _Held(owner, digest, bits if is_telling else None)


def _owners(held: Mapping[int, _Held], index: OpenIndex) -> Iterator[set[str]]:
    """Yield for each picture the owners of it and of those that are the same."""
    by_digest: dict[str, set[str]] = {}
    for one in held.values():
        if one.digest is not None:
            by_digest.setdefault(one.digest, set()).add(one.owner)
    telling = [number for number, one in held.items() if one.bits is not None]
    near: dict[int, set[str]] = {}
    for start in range(0, len(telling), _AT_ONCE):
        near |= _near(telling[start : start + _AT_ONCE], held, index)
    for number, one in held.items():
        yield {one.owner} | by_digest.get(one.digest or "", set()) | near.get(number, set())


def _near(numbers: Sequence[int], held: Mapping[int, _Held], index: OpenIndex) -> dict[int, set[str]]:
    bits = np.frombuffer(b"".join(held[number].bits or b"" for number in numbers), dtype=np.uint8)
    queries, ids, _ = index.hashes.range_search(bits.reshape(-1, 32), NEAR_BITS)
    is_full = ids % VIEWS_PER_MEDIA == 0
    found: dict[int, set[str]] = {}
    for query, media in zip(queries[is_full], ids[is_full] // VIEWS_PER_MEDIA, strict=True):
        other = held.get(int(media))
        if other is not None and other.bits is not None:
            found.setdefault(numbers[int(query)], set()).add(other.owner)
    return found


def _template_like(
    index: OpenIndex, thresholds: ImageThresholds, pictures: Iterable[MediaId]
) -> Iterator[ItemId]:
    for media_id in pictures:
        for reference in index.images([media_id]):
            hidden = template_mask(reference, index, thresholds).hidden
            if hidden.size and float(hidden.mean()) >= TEMPLATE_SHARE:
                yield reference.item_id
