"""The texts of a page, each once, and the captions of the index that may stand in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from clonedetect.match.align import holds_dense
from clonedetect.models.minhash import ALIKE_BANDS
from clonedetect.models.page import BlockKind, TextBlock
from clonedetect.models.reference import TextReference
from clonedetect.models.settings import TextThresholds
from clonedetect.protocols import ReferenceIndex
from clonedetect.signals.charmodel import CAP_BITS, DENSE_CAP_BITS
from clonedetect.signals.many import many_signals_of
from clonedetect.signals.normalise import Normalised, normalise

__all__ = ["LEAST_SHARED", "Query", "candidates_of", "queries_of"]

_FEWEST_CANDIDATES = 8
_MOST_CANDIDATES = 64
_CHARACTERS_PER_CANDIDATE = 100
LEAST_SHARED: Final = 2.5
"""What the grams that a candidate shares must say, in grams that it alone has. Of 600 true copies among
31,500 captions the lowest hundredth said 2.9 (half quoted in other texts) to 8 (verbatim), and of every other
text the most alike more than 2 in one of two."""
_SHOWN_FIRST = (BlockKind.LEAF, BlockKind.ENTRY, BlockKind.ALT, BlockKind.META, BlockKind.JSON)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """One text of a page, and the block it is shown in."""

    text: Normalised
    block: TextBlock


def queries_of(blocks: Sequence[TextBlock]) -> tuple[Query, ...]:
    """Return each text of a page once, shortest first, in the block that shows it best."""
    distinct: dict[str, Query] = {}
    for block in sorted(blocks, key=lambda one: _SHOWN_FIRST.index(one.kind)):
        text = normalise(block.text)
        if text.text:
            distinct.setdefault(text.text, Query(text, block))
    return tuple(sorted(distinct.values(), key=lambda query: len(query.text.text)))


def candidates_of(
    queries: Sequence[Query], index: ReferenceIndex, thresholds: TextThresholds
) -> list[tuple[TextReference, ...]]:
    """Return for each text the captions that may stand in it: equal, sharing grams, nearly equal.

    A text that is too short to be evidence can only show a caption that is too: it is looked up whole.
    """
    signals = many_signals_of([query.text.text for query in queries])
    postings = index.postings
    equal = postings.with_digests([one.exact for one in signals])
    ids = [dict.fromkeys(found[:_MOST_CANDIDATES]) for found in equal]
    long = [
        place for place, query in enumerate(queries) if _dearest(query.text.text) >= thresholds.possible_bits
    ]
    if long:
        limits = [
            min(
                _FEWEST_CANDIDATES + len(queries[place].text.text) // _CHARACTERS_PER_CANDIDATE,
                _MOST_CANDIDATES,
            )
            for place in long
        ]
        sharing = postings.candidates([signals[place].fingerprints for place in long], limits, LEAST_SHARED)
        near = postings.near_duplicates(np.stack([signals[place].minhash for place in long]), ALIKE_BANDS)
        for place, scored, alike in zip(long, sharing, near, strict=True):
            ids[place].update(dict.fromkeys(text_id for text_id, _ in scored))
            ids[place].update(dict.fromkeys(alike[:_MOST_CANDIDATES]))
    wanted = tuple(dict.fromkeys(text_id for found in ids for text_id in found))
    known = {reference.text_id: reference for reference in index.texts(wanted)}
    return [tuple(known[text_id] for text_id in found if text_id in known) for found in ids]


def _dearest(text: str) -> float:
    """Return the most bits that normalised `text` can hold under any model."""
    return DENSE_CAP_BITS * len(text) if holds_dense(text) else CAP_BITS * len(text)
