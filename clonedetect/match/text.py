"""Captions of the index found in the text blocks of a page.

Candidates come from the index's postings, each is aligned exactly, and the
decision is made on bits of information under the index's character model.
What many people write proves nothing whatever its rarity, so gates come
before the verdict (`match.text_rules`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from clonedetect.match.align import Alignment, Shared, find_shared, whole_text
from clonedetect.match.text_evidence import Aligned, Costs, evidence_of, raw_spans
from clonedetect.match.text_queries import Query, candidates_of, queries_of
from clonedetect.match.text_rules import CALIBRATION, Decision, decide, is_nothing
from clonedetect.models.calibration import TEXTS_MEASURED_IN, Departure, departures, not_calibrated
from clonedetect.models.ids import Digest, ItemId, TextId
from clonedetect.models.match import Kind, Match, Region, RegionKind, TextMeasure, Verdict
from clonedetect.models.page import TextBlock
from clonedetect.models.reference import TextReference
from clonedetect.models.settings import TextThresholds
from clonedetect.protocols import CharacterModel, ReferenceIndex
from clonedetect.signals.charmodel import CAP_BITS, DENSE_CAP_BITS
from clonedetect.signals.normalise import Normalised, normalise
from clonedetect.signals.phrases import CommonPhrases
from clonedetect.signals.text import exact_digest

__all__ = ["block_digest", "is_too_short", "match_texts"]

_SHORT = 80
_LEAST_SHARE = 0.25
"""Longer captions are never under 60 bits, and a quarter of a short one is no half of its bits."""
_SAME_PASSAGE = 0.5
_NEARLY = 0.95
_RANK = {Verdict.CONFIRMED: 3, Verdict.POSSIBLE: 2, Verdict.INCONCLUSIVE: 1, Verdict.NONE: 0}


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """One reference in one block, with what chooses between two blocks that hold it."""

    match: Match
    bits: float
    size: int


def match_texts(
    blocks: Sequence[TextBlock],
    index: ReferenceIndex,
    thresholds: TextThresholds,
    common_phrases: CommonPhrases,
    repeated: Collection[Digest] = (),
) -> tuple[Match, ...]:
    """Return at most one match per item: the captions that stand in `blocks`, surest first.

    `common_phrases` are the shipped ones or the operator's, `repeated` the
    `block_digest` of texts that stand on several pages of the site. A caption
    that is there but too short, or made of common phrases, is `inconclusive`;
    nothing is returned for a caption that is not there. The span of a region
    is in code points of the block's raw text, from the first to the last
    matched character; `text.query_spans` are the runs between them.
    """
    page = _Page(Costs(index.model, common_phrases), thresholds, frozenset(repeated), departures(thresholds))
    queries = queries_of(blocks)
    aligned = _aligned(queries, candidates_of(queries, index, thresholds), page)
    told = tuple({one.reference.text_id for found in aligned for one in found if _may_tell(one, thresholds)})
    owners = dict(zip(told, index.owners(told), strict=True))
    best: dict[ItemId, _Found] = {}
    for query, found in zip(queries, aligned, strict=True):
        for one in found:
            held_by = _owners(one, found, owners.get(one.reference.text_id, 1), page)
            judged = _judge(query, one, held_by, page)
            if judged is not None:
                held = best.get(judged.match.item_id)
                best[judged.match.item_id] = judged if held is None else _tighter(held, judged)
    matches = [one.match for one in best.values()]
    return tuple(sorted(matches, key=lambda m: (-_RANK[m.verdict], -m.score, m.item_id)))


def block_digest(block: TextBlock) -> Digest:
    """Return what a repeated interface string is recognised by: the digest of the normalised text."""
    return exact_digest(normalise(block.text).text)


def is_too_short(blocks: Sequence[TextBlock], model: CharacterModel, thresholds: TextThresholds) -> bool:
    """Return whether no block of a page says enough to be matched, so that finding nothing means nothing."""
    return all(
        float(model.bits(query.text.text).sum()) < thresholds.possible_bits for query in queries_of(blocks)
    )


@dataclass(frozen=True, slots=True)
class _Page:
    """What all comparisons of one page have in common."""

    costs: Costs
    thresholds: TextThresholds
    repeated: frozenset[Digest]
    departures: tuple[Departure, ...]


def _aligned(
    queries: Sequence[Query], candidates: Sequence[tuple[TextReference, ...]], page: _Page
) -> list[list[Aligned]]:
    """Return what each text shares with its candidates.

    A caption that stood letter for letter in a shorter text is not looked for again
    in one that holds it: the smallest block shows it best.
    """
    whole: dict[TextId, str] = {}
    shared: list[list[tuple[TextReference, Shared]]] = []
    for query, references in zip(queries, candidates, strict=True):
        found = []
        for reference in references:
            seen = whole.get(reference.text_id)
            if seen is not None and seen in query.text.text:
                continue
            one = _shared(query.text, reference, page.thresholds)
            if one is not None:
                found.append((reference, one))
                if one.runs[0].length == len(reference.normalised):
                    whole[reference.text_id] = query.text.text
        shared.append(found)
    page.costs.learn(reference for found in shared for reference, _ in found)
    return [[_weighed(reference, one, page) for reference, one in found] for found in shared]


def _shared(query: Normalised, reference: TextReference, thresholds: TextThresholds) -> Shared | None:
    """Return what one reference shares with one text, None where that is too little to be weighed."""
    if reference.normalised == query.text:
        shared = whole_text(query.text)
    else:
        shared = find_shared(reference.normalised, query.text)
    if not shared.runs:
        return None
    length, cap = len(reference.normalised), DENSE_CAP_BITS if shared.is_dense else CAP_BITS
    if length > _SHORT and shared.most * cap < thresholds.possible_bits:
        return None
    dearest = shared.score(np.full(length, cap))
    is_short = length <= _SHORT and dearest.matched >= _LEAST_SHARE * length
    return shared if dearest.bits >= thresholds.possible_bits or is_short else None


def _weighed(reference: TextReference, shared: Shared, page: _Page) -> Aligned:
    bits = page.costs.of(reference).bits
    return Aligned(reference, shared.score(bits), float(bits.sum()))


def _may_tell(aligned: Aligned, thresholds: TextThresholds) -> bool:
    return aligned.alignment.bits >= thresholds.possible_bits


def _owners(aligned: Aligned, others: Sequence[Aligned], owners: int, page: _Page) -> int:
    """Return how many accounts hold the matched passage; `owners` hold all of this caption.

    Reworded and partly equal captions (a chain letter, a forecast with another
    date) show only here, where several of them meet the same passage.
    """
    least = page.thresholds.possible_bits
    holders = {
        _owner(other.reference)
        for other in others
        if other.alignment.bits >= least and _overlap(aligned.alignment, other.alignment) >= _SAME_PASSAGE
    }
    return max(owners, len(holders | {_owner(aligned.reference)}))


def _owner(reference: TextReference) -> str:
    return reference.item_id if reference.account_id is None else reference.account_id


def _overlap(one: Alignment, other: Alignment) -> float:
    """Return the share of the characters matched by `one` that `other` matches too."""
    both = sum(
        max(0, min(a.query + a.length, b.query + b.length) - max(a.query, b.query))
        for a in one.runs
        for b in other.runs
    )
    return both / one.matched


def _judge(asked: Query, aligned: Aligned, owners: int, page: _Page) -> _Found | None:
    """Return the match of an aligned reference, None where the rules find nothing in it."""
    query, block = asked.text, asked.block
    reference, alignment = aligned.reference, aligned.alignment
    if is_nothing(alignment.bits, aligned.total_bits, alignment.density, page.thresholds):
        return None
    original = normalise(reference.raw)
    is_repeated = bool(page.repeated) and exact_digest(query.text) in page.repeated
    evidence = evidence_of(query, aligned, original, page.costs, owners=owners, is_repeated=is_repeated)
    decision = decide(evidence, page.thresholds)
    if decision is None:
        return None
    measure = TextMeasure(
        text_id=reference.text_id,
        bits=round(alignment.bits, 2),
        total_bits=round(aligned.total_bits, 2),
        coverage=round(alignment.coverage, 4),
        density=round(alignment.density, 4),
        owners=owners,
        query_spans=raw_spans(query, tuple((run.query, run.length) for run in alignment.runs)),
        reference_spans=raw_spans(original, tuple((run.reference, run.length) for run in alignment.runs)),
        gates=decision.gates,
        model=page.costs.model.version,
        rule=decision.rule,
        distinctive_bits=round(evidence.distinctive_bits, 2),
        cautions=decision.cautions,
        calibration=CALIBRATION,
        calibration_run=TEXTS_MEASURED_IN,
        thresholds=page.thresholds,
        departures=page.departures,
    )
    match = _match(block, reference, alignment, decision, measure)
    return _Found(match, alignment.bits, len(block.text))


def _match(
    block: TextBlock, reference: TextReference, alignment: Alignment, decision: Decision, measure: TextMeasure
) -> Match:
    is_whole = alignment.coverage == 1.0 and len(alignment.runs) == 1
    whole = ("the whole caption stands in the text, letter for letter",) if is_whole else ()
    limits = not_calibrated(measure.departures)
    span = (measure.query_spans[0][0], measure.query_spans[-1][1])
    return Match(
        item_id=reference.item_id,
        account_id=reference.account_id,
        permalink=reference.permalink,
        verdict=decision.verdict,
        kinds=(Kind.TEXT,),
        score=decision.score,
        distance=None,
        reasons=(*whole, *decision.reasons, *limits),
        regions=(Region(RegionKind.TEXT, span=span, block=block.locator),),
        text=measure,
    )


def _tighter(held: _Found, found: _Found) -> _Found:
    """Return the better of two finds of one caption: surer, then nearly as much in the smaller block."""
    ranks = _RANK[held.match.verdict], _RANK[found.match.verdict]
    if ranks[0] != ranks[1]:
        return held if ranks[0] > ranks[1] else found
    most = max(held.bits, found.bits)
    if min(held.bits, found.bits) >= _NEARLY * most:
        return found if found.size < held.size else held
    return found if found.bits > held.bits else held
