"""Captions that share content with a query: by winnowed grams, by exact digest, by MinHash band."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlite_utils import Database

from clonedetect.index.bands import band_keys
from clonedetect.models.ids import Digest, TextId

__all__ = ["FREQUENCY_CAP", "SqlitePostings"]

FREQUENCY_CAP: Final = 2000
"""A gram that more captions hold than this is not looked up: it says little and costs most."""


class SqlitePostings:
    """The lookups of one index that is open for reading, so that it answers from one snapshot."""

    def __init__(self, db: Database, *, frequency_cap: int = FREQUENCY_CAP) -> None:
        self._db = db
        self._cap = frequency_cap
        (self._captions,) = db.execute("SELECT count(*) FROM texts").fetchone()

    def candidates(
        self, fingerprints: npt.NDArray[np.uint64], limit: int
    ) -> tuple[tuple[TextId, float], ...]:
        """Return up to `limit` captions that share grams of `fingerprints`, uint64 (n,), best first.

        The score is the sum of ``log(1 + captions / captions with the gram)``
        over shared grams; ties go by number. Grams above the cap are passed over.
        """
        grams = np.unique(np.asarray(fingerprints, np.uint64)).view(np.int64)
        found: list[npt.NDArray[np.int64]] = []
        weights: list[npt.NDArray[np.float64]] = []
        for gram in grams.tolist():
            rows = self._db.execute(
                "SELECT text_id FROM postings WHERE gram = ? LIMIT ?", (gram, self._cap + 1)
            ).fetchall()
            if rows and len(rows) <= self._cap:
                found.append(np.array(rows, np.int64).reshape(-1))
                weights.append(np.full(len(rows), math.log1p(self._captions / len(rows))))
        if not found or limit <= 0:
            return ()
        ids, where = np.unique(np.concatenate(found), return_inverse=True)
        scores = np.bincount(where, weights=np.concatenate(weights))
        best = np.lexsort((ids, -scores))[:limit]
        return tuple((TextId(int(ids[i])), float(scores[i])) for i in best)

    def with_digest(self, exact: Digest) -> tuple[TextId, ...]:
        """Return the captions whose normalised text has the digest `exact`, by number."""
        rows = self._db.execute("SELECT text_id FROM texts WHERE exact = ? ORDER BY text_id", (exact,))
        return tuple(TextId(row[0]) for row in rows)

    def near_duplicates(self, minhash: npt.NDArray[np.uint32]) -> tuple[TextId, ...]:
        """Return the captions that share a band with `minhash`, by number."""
        keys = band_keys(minhash)
        marks = ",".join("?" * len(keys))
        rows = self._db.execute(
            f"SELECT DISTINCT text_id FROM bands WHERE band IN ({marks}) ORDER BY text_id",  # noqa: S608  marks
            keys,
        )
        return tuple(TextId(row[0]) for row in rows)
