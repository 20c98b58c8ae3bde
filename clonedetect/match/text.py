"""Captions of the index found in the text blocks of a page.

Candidates come from the index's postings, each is aligned exactly, and the
decision is made on bits of information under the index's character model.
What many people write proves nothing whatever its rarity, so gates come
before the verdict (`match.text_rules`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from clonedetect.match.align import Alignment, Run, Shared, find_shared, holds_dense, whole_text
from clonedetect.match.quotation import end_of_own_words, is_quotation
from clonedetect.match.text_rules import CALIBRATION, Decision, Evidence, decide, is_nothing
from clonedetect.models.calibration import TEXTS_MEASURED_IN, Departure, departures, not_calibrated
from clonedetect.models.ids import Digest, ItemId, TextId
from clonedetect.models.match import Kind, Match, Region, RegionKind, TextMeasure, Verdict
from clonedetect.models.minhash import ALIKE_BANDS
from clonedetect.models.page import BlockKind, TextBlock
from clonedetect.models.reference import TextCost, TextReference
from clonedetect.models.settings import TextThresholds
from clonedetect.protocols import CharacterModel, ReferenceIndex
from clonedetect.signals.charmodel import CAP_BITS, DENSE_CAP_BITS
from clonedetect.signals.many import many_signals_of
from clonedetect.signals.normalise import Normalised, normalise
from clonedetect.signals.phrases import CommonPhrases
from clonedetect.signals.text import exact_digest

__all__ = ["LEAST_SHARED", "block_digest", "is_too_short", "match_texts"]

_FEWEST_CANDIDATES = 8
_MOST_CANDIDATES = 64
_CHARACTERS_PER_CANDIDATE = 100
LEAST_SHARED: Final = 2.5
"""What the grams that a candidate shares must say, in grams that it alone has. Of 600 true copies among
31,500 captions the lowest hundredth said 2.9 (half quoted in other texts) to 8 (verbatim), and of every other
text the most alike more than 2 in one of two."""
_SHORT = 80
_LEAST_SHARE = 0.25
"""Longer captions are never under 60 bits, and a quarter of a short one is no half of its bits."""
_SAME_PASSAGE = 0.5
_NEARLY = 0.95
_ELLIPSIS = re.compile(r"…|\.\.\.|&(?:amp;)?hellip;")
_RANK = {Verdict.CONFIRMED: 3, Verdict.POSSIBLE: 2, Verdict.INCONCLUSIVE: 1, Verdict.NONE: 0}
_SHOWN_FIRST = (BlockKind.LEAF, BlockKind.ENTRY, BlockKind.ALT, BlockKind.META, BlockKind.JSON)

Bits = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Spans = tuple[tuple[int, int], ...]


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
    page = _Page(_Costs(index.model, common_phrases), thresholds, frozenset(repeated), departures(thresholds))
    queries = _queries(blocks)
    aligned = _aligned(queries, _candidates(queries, index, thresholds), page)
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
        float(model.bits(query.text.text).sum()) < thresholds.possible_bits for query in _queries(blocks)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Query:
    """One text of a page, and the block it is shown in."""

    text: Normalised
    block: TextBlock


@dataclass(frozen=True, slots=True, eq=False)
class _Aligned:
    """One reference aligned in one block."""

    reference: TextReference
    alignment: Alignment
    total_bits: float


class _Costs:
    """What the characters of references cost, computed once per reference and only where it is asked."""

    def __init__(self, model: CharacterModel, phrases: CommonPhrases) -> None:
        self.model = model
        self._phrases = phrases
        self._known: dict[TextId, TextCost] = {}
        self._common: dict[TextId, Mask] = {}

    def learn(self, references: Iterable[TextReference]) -> None:
        """Ask the model about all of `references` at once."""
        new = {one.text_id: one.normalised for one in references if one.text_id not in self._known}
        self._known.update(zip(new, self.model.costs(tuple(new.values())), strict=True))

    def of(self, reference: TextReference) -> TextCost:
        """Return what a reference costs that was learned, the post itself left out."""
        return self._known[reference.text_id]

    def common(self, reference: TextReference) -> Mask:
        """Return which characters of a reference belong to common phrases."""
        if reference.text_id not in self._common:
            self._common[reference.text_id] = self._phrases.covered(reference.normalised)
        return self._common[reference.text_id]


def _queries(blocks: Sequence[TextBlock]) -> tuple[_Query, ...]:
    """Return each text of a page once, shortest first, in the block that shows it best."""
    distinct: dict[str, _Query] = {}
    for block in sorted(blocks, key=lambda one: _SHOWN_FIRST.index(one.kind)):
        text = normalise(block.text)
        if text.text:
            distinct.setdefault(text.text, _Query(text, block))
    return tuple(sorted(distinct.values(), key=lambda query: len(query.text.text)))


def _candidates(
    queries: Sequence[_Query], index: ReferenceIndex, thresholds: TextThresholds
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


@dataclass(frozen=True, slots=True)
class _Page:
    """What all comparisons of one page have in common."""

    costs: _Costs
    thresholds: TextThresholds
    repeated: frozenset[Digest]
    departures: tuple[Departure, ...]


def _aligned(
    queries: Sequence[_Query], candidates: Sequence[tuple[TextReference, ...]], page: _Page
) -> list[list[_Aligned]]:
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


def _weighed(reference: TextReference, shared: Shared, page: _Page) -> _Aligned:
    bits = page.costs.of(reference).bits
    return _Aligned(reference, shared.score(bits), float(bits.sum()))


def _may_tell(aligned: _Aligned, thresholds: TextThresholds) -> bool:
    return aligned.alignment.bits >= thresholds.possible_bits


def _owners(aligned: _Aligned, others: Sequence[_Aligned], owners: int, page: _Page) -> int:
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


def _judge(asked: _Query, aligned: _Aligned, owners: int, page: _Page) -> _Found | None:
    """Return the match of an aligned reference, None where the rules find nothing in it."""
    query, block = asked.text, asked.block
    reference, alignment = aligned.reference, aligned.alignment
    if is_nothing(alignment.bits, aligned.total_bits, alignment.density, page.thresholds):
        return None
    original = normalise(reference.raw)
    spans = _spans(original, tuple((run.reference, run.length) for run in alignment.runs))
    evidence = _evidence(query, aligned, original, spans, page)
    decision = decide(replace(evidence, owners=owners), page.thresholds)
    if decision is None:
        return None
    measure = TextMeasure(
        text_id=reference.text_id,
        bits=round(alignment.bits, 2),
        total_bits=round(aligned.total_bits, 2),
        coverage=round(alignment.coverage, 4),
        density=round(alignment.density, 4),
        owners=owners,
        query_spans=_spans(query, tuple((run.query, run.length) for run in alignment.runs)),
        reference_spans=spans,
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


def _evidence(
    query: Normalised, aligned: _Aligned, original: Normalised, spans: Spans, page: _Page
) -> Evidence:
    """Return the figures of one aligned reference, but for its owners."""
    reference, alignment = aligned.reference, aligned.alignment
    bits, common = page.costs.of(reference).bits, page.costs.common(reference)
    matched = _mask(alignment.runs, len(bits))
    own = original.starts < end_of_own_words(reference.raw)
    return Evidence(
        bits=alignment.bits,
        distinctive_bits=max(0.0, alignment.bits - float(bits[matched & common].sum())),
        total_bits=aligned.total_bits,
        distinctive_total=aligned.total_bits - float(bits[common].sum()),
        coverage=alignment.coverage,
        density=alignment.density,
        own_coverage=_share(bits, own & _spanned(alignment, len(bits)), own),
        before=float(bits[: alignment.runs[0].reference].sum()) / aligned.total_bits,
        breaks_off=_breaks_off(query, original, alignment),
        is_repeated=bool(page.repeated) and exact_digest(query.text) in page.repeated,
        is_quotation=is_quotation(reference.raw, spans),
        is_model_sufficient=page.costs.of(reference).is_sufficient,
    )


def _mask(runs: Sequence[Run], length: int) -> Mask:
    mask = np.zeros(length, dtype=bool)
    for run in runs:
        mask[run.reference : run.reference + run.length] = True
    return mask


def _spanned(alignment: Alignment, length: int) -> Mask:
    """Return which characters of the reference lie between the first and the last that were found."""
    last = alignment.runs[-1]
    mask = np.zeros(length, dtype=bool)
    mask[alignment.runs[0].reference : last.reference + last.length] = True
    return mask


def _share(bits: Bits, part: Mask, whole: Mask) -> float:
    """Return which share of the bits of `whole` is in `part`; all of nothing."""
    total = float(bits[whole].sum())
    return float(bits[part].sum()) / total if total > 0 else 1.0


def _breaks_off(query: Normalised, original: Normalised, alignment: Alignment) -> bool:
    """Return whether an ellipsis stands in the raw text where the last run ends, and none in the caption.

    Before the next letter, that is: behind punctuation, emoji, tags and addresses.
    """
    last = alignment.runs[-1]
    ours = _after(original, last.reference + last.length)
    return bool(_ELLIPSIS.search(_after(query, last.query + last.length))) and not _ELLIPSIS.search(ours)


def _after(text: Normalised, end: int) -> str:
    """Return what the raw text has between the normalised characters before and at `end`."""
    following = int(text.starts[end]) if end < len(text.text) else len(text.raw)
    return text.raw[int(text.ends[end - 1]) : following]


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


def _spans(text: Normalised, runs: tuple[tuple[int, int], ...]) -> Spans:
    """Return the raw spans of runs (start, length), those that touch joined."""
    spans: list[tuple[int, int]] = []
    for start, length in runs:
        first, last = text.raw_span(start, start + length)
        if spans and first <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(last, spans[-1][1]))
        else:
            spans.append((first, last))
    return tuple(spans)


def _tighter(held: _Found, found: _Found) -> _Found:
    """Return the better of two finds of one caption: surer, then nearly as much in the smaller block."""
    ranks = _RANK[held.match.verdict], _RANK[found.match.verdict]
    if ranks[0] != ranks[1]:
        return held if ranks[0] > ranks[1] else found
    most = max(held.bits, found.bits)
    if min(held.bits, found.bits) >= _NEARLY * most:
        return found if found.size < held.size else held
    return found if found.bits > held.bits else held
