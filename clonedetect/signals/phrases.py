"""Phrases that everybody writes, and which part of a text they make up."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
import numpy.typing as npt

from clonedetect.signals.background import background_phrases
from clonedetect.signals.fingerprints import run_hashes
from clonedetect.signals.normalise import normalise
from clonedetect.signals.scripts import code_points, is_dense, script_numbers

__all__ = ["CommonPhrases", "shipped_phrases"]

_RUN = 10
_DENSE_RUN = 4


class CommonPhrases:
    """A set of phrases, by their runs of ten characters (four of CJK).

    A character is covered where such a run of any phrase stands over it, so a
    phrase that was shortened or reworded still counts for what is left of it.
    Phrases shorter than a run are whole runs of their own from five characters
    on (two of CJK).
    """

    def __init__(self, normalised: Iterable[str]) -> None:
        runs: dict[int, list[npt.NDArray[np.uint64]]] = {}
        for phrase in normalised:
            points = code_points(phrase)
            length = _run_length(points)
            if length:
                runs.setdefault(length, []).append(run_hashes(points, length))
        self._runs = {length: np.unique(np.concatenate(parts)) for length, parts in sorted(runs.items())}

    @classmethod
    def of(cls, phrases: Iterable[str]) -> CommonPhrases:
        """Return the set of raw `phrases` (an operator's corpus)."""
        return cls(normalise(phrase).text for phrase in phrases)

    def covered(self, text: str) -> npt.NDArray[np.bool_]:
        """Return which characters of normalised `text` belong to a common phrase, bool (n,)."""
        points = code_points(text)
        covered = np.zeros(points.size, dtype=bool)
        dense = is_dense(script_numbers(points))
        for length, known in self._runs.items():
            hashes = run_hashes(points, length)
            if hashes.size == 0:
                continue
            where = np.minimum(np.searchsorted(known, hashes), known.size - 1)
            found = known[where] == hashes
            if length <= _DENSE_RUN:
                found &= dense[: hashes.size]
            for start in np.flatnonzero(found):
                covered[start : start + length] = True
        return covered


@cache
def shipped_phrases() -> CommonPhrases:
    """Return the phrases that ship with the program."""
    return CommonPhrases(background_phrases())


def _run_length(points: npt.NDArray[np.uint32]) -> int:
    """Return how long the runs of one phrase are, 0 for a phrase that says too little to count."""
    if points.size and is_dense(script_numbers(points)).mean() > 0.5:
        return min(_DENSE_RUN, points.size) if points.size > 1 else 0
    return min(_RUN, points.size) if points.size > 4 else 0
