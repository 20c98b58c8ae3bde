"""What hot files are built from: one commit of an index, read from its database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlite_utils import Database

from clonedetect.index.rows import unpacked_features
from clonedetect.index.segments import HASH_BYTES
from clonedetect.models.reference import Generation
from clonedetect.models.signal import VIEWS_PER_MEDIA

__all__ = ["FeatureBlock", "HotSource"]

FEATURE_BYTES: Final = 16
_PICTURES_AT_ONCE: Final = 1024

FeatureBlock = tuple[
    npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.uint8]
]
"""Numbers of pictures, (m,), how many features each has, (m,), their points, (n, 4), and bits, (n, 16)."""


@dataclass(frozen=True, slots=True, eq=False)
class HotSource:
    """What hot files are built from, and whether those that exist may still answer.

    `folder` is the lookup's own (None: nothing may be written), `generation`
    and `lineage` name the state to be answered from.
    """

    folder: Path | None
    generation: Generation
    lineage: str
    db: Database

    def covers(self, number: int, lineage: str) -> bool:
        """Whether files of that generation plus `added_since` and `removed_since` make up this state.

        They do not if that commit is none of this index, or something was
        removed for good after it.
        """
        row = self.db.execute("SELECT lineage FROM generations WHERE number = ?", (number,)).fetchone()
        (purged,) = self.db.execute("SELECT value FROM meta WHERE key = 'purged'").fetchone()
        return row is not None and row[0] == lineage and number >= purged

    def features(self, since: int = 0) -> Iterator[FeatureBlock]:
        """Yield the local features of pictures stored after generation `since`, by number, many at once."""
        rows = self.db.execute(
            "SELECT media_id, points, descriptors FROM features JOIN media USING (media_id) "
            "WHERE generation > ? ORDER BY media_id",
            (since,),
        )
        while block := rows.fetchmany(_PICTURES_AT_ONCE):
            numbers = [media_id for media_id, _, _ in block]
            parts = [unpacked_features(points, descriptors) for _, points, descriptors in block]
            points, descriptors = zip(*parts, strict=True)
            yield (
                np.array(numbers, np.int64),
                np.array([len(bits) // FEATURE_BYTES for bits in descriptors], np.int64),
                np.frombuffer(b"".join(points), "<f4").astype(np.float32).reshape(-1, 4),
                np.frombuffer(b"".join(descriptors), np.uint8).reshape(-1, FEATURE_BYTES),
            )

    def pictures_with_features(self, since: int = 0) -> int:
        """Return of how many pictures local features were stored after generation `since`."""
        (count,) = self.db.execute(
            "SELECT count(*) FROM features JOIN media USING (media_id) WHERE generation > ?", (since,)
        ).fetchone()
        return int(count)

    def hashes(self, since: int = 0) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Return hashes uint8 (n, 32) and ids int64 (n,) of pictures stored after generation `since`."""
        condition = "FROM hashes JOIN media USING (media_id) WHERE generation > ?"
        (size,) = self.db.execute(
            f"SELECT coalesce(sum(length(bits)), 0) {condition}",
            (since,),
        ).fetchone()
        hashes = np.empty((size // HASH_BYTES, HASH_BYTES), np.uint8)
        ids = np.empty(len(hashes), np.int64)
        start = 0
        for media_id, bits in self.db.execute(
            f"SELECT media_id, bits {condition} ORDER BY media_id",
            (since,),
        ):
            stop = start + len(bits) // HASH_BYTES
            hashes[start:stop] = np.frombuffer(bits, np.uint8).reshape(-1, HASH_BYTES)
            ids[start:stop] = media_id * VIEWS_PER_MEDIA + np.arange(stop - start)
            start = stop
        return hashes, ids

    def removed_since(self, number: int) -> npt.NDArray[np.int64]:
        """Return the numbers of pictures that went after generation `number`."""
        rows = self.db.execute(
            "SELECT media_id FROM removed_media WHERE generation > ? ORDER BY media_id", (number,)
        ).fetchall()
        return np.array(rows, np.int64).reshape(-1)
