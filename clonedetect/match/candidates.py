"""From one query picture to its matches: hashes propose first, local features where they leave it open."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from clonedetect.match.bank import NegativeBank, in_bank
from clonedetect.match.comparison import (
    Comparison,
    Picture,
    bare_picture,
    closer_picture,
    pictures_of,
    undrawn_picture,
)
from clonedetect.match.direct import HashRoute, compare_directly
from clonedetect.match.image import (
    Judgement,
    best_comparison,
    caveats,
    confirm_image,
    is_low_content,
    truncation,
)
from clonedetect.match.mask import MaskCache
from clonedetect.match.proposals import ImageCandidate, hash_candidates, panel_candidates, propose
from clonedetect.match.rules import is_to_explain
from clonedetect.models.ids import ItemId, MediaId
from clonedetect.models.match import ImageMeasure, Kind, Match, Region, RegionKind, Verdict
from clonedetect.models.reference import ImageReference
from clonedetect.models.settings import ImageThresholds
from clonedetect.models.slot import Signal
from clonedetect.protocols import ReferenceIndex
from clonedetect.signals.image import QueryImage
from clonedetect.signals.views import COMPLEMENT, MIRRORED_FORMS

__all__ = ["ImageCandidate", "ImageOutcome", "hash_candidates", "image_candidates", "match_image"]

HASH_CANDIDATES: Final = 48
"""Near hashes that are compared, nearest first; how many more there were is said in the outcome."""
VOTED_CANDIDATES: Final = 8
FEWEST_VOTES: Final = 7
CLOSER_INLIERS: Final = 7
CLOSER_AGREE: Final = 0.35
COVERED: Final = 0.6
"""Share of the query within its borders that a confirmed picture must cover to end the search."""
SHARED_BY: Final = 3
"""Accounts that publish the same bytes before the bytes alone no longer say whose they are."""
FEWEST_KEYPOINTS: Final = 15
"""Keypoints without which no rule could have confirmed: finding nothing then says nothing."""


@dataclass(frozen=True, slots=True)
class ImageOutcome:
    """What came of one query: its matches, best first, and the verdict over all of them.

    Without matches the verdict is `none` (looked, nothing) or `inconclusive`
    (too little to tell), and `reasons` say which. `compared` counts the
    references that were laid on the query.
    """

    verdict: Verdict
    matches: tuple[Match, ...]
    reasons: tuple[str, ...] = ()
    compared: int = 0


def match_image(
    query: QueryImage,
    index: ReferenceIndex,
    thresholds: ImageThresholds,
    *,
    siblings: Sequence[QueryImage] = (),
    masks: MaskCache | None = None,
    bank: NegativeBank | None = None,
    signals: Sequence[Signal] = (),
) -> ImageOutcome:
    """Find every indexed item whose picture `query` republishes, one match an item.

    Exact bytes; then what hashes propose, laid on the query as they say; then,
    while no confirmed picture covers most of the query, the same by local
    features, and what those propose, and what the operator's `signals` propose;
    then without what is drawn over it. `siblings` are other pictures of the
    query's site: what they share with a reference is template. `masks` keeps
    template masks between queries. What is in `bank` proves nothing, and is named in the
    reasons. Pure: the same values give the same outcome.
    """
    masks = MaskCache() if masks is None else masks
    exact = index.images_with_digest(query.signals.digest)
    hashed = hash_candidates(query, index, thresholds)
    if not hashed and not exact and query.signals.quality == 0:
        return ImageOutcome(Verdict.INCONCLUSIVE, (), ("the picture is even: there is nothing to compare",))
    search = _Search(query, index, thresholds, masks, tuple(siblings), bank)
    held = {reference.media_id for reference in exact}
    near = [candidate for candidate in hashed[:HASH_CANDIDATES] if candidate.media_id not in held]
    judged = [(reference, search.exact(reference, exact)) for reference in exact]
    judged += search.laid(near)
    if _covered(query, judged) < COVERED:
        known = held | {candidate.media_id for candidate in hashed}
        within = panel_candidates(query, index, thresholds)
        panelled = [candidate for candidate in within if candidate.media_id not in known][:HASH_CANDIDATES]
        judged += search.laid(panelled)
        near += panelled
    if _covered(query, judged) < COVERED:
        told = {reference.media_id for reference, found in judged if found.verdict is Verdict.CONFIRMED}
        judged += search.aligned([candidate for candidate in near if candidate.media_id not in told])
    seen = held | {candidate.media_id for candidate in (*hashed, *near)}
    for is_mirrored in (False, True):
        if _covered(query, judged) < COVERED:
            voted = search.voted(is_mirrored=is_mirrored)
            judged += search.aligned([candidate for candidate in voted if candidate.media_id not in seen])
    failures: tuple[str, ...] = ()
    if signals and _covered(query, judged) < COVERED:
        proposed = propose(query, index, signals, _media(judged))
        judged += search.aligned(proposed.candidates)
        failures = proposed.failures
    if _covered(query, judged) < COVERED:
        judged += search.undrawn(seen - {candidate.media_id for candidate in near})
    compared = len(_media(judged))
    left_out = (*_left_out(hashed), *failures)
    banked = () if bank is None else bank.named(query, thresholds)
    matches = _matches([(reference, _beside_bank(found, banked)) for reference, found in judged], held)
    if matches:
        return ImageOutcome(matches[0].verdict, matches, left_out, compared)
    outcome = _without_matches(search.query, left_out)
    if banked:
        return ImageOutcome(Verdict.NONE, (), (in_bank(banked), *outcome.reasons), compared)
    met = tuple(sorted({name for _, found in judged for name in found.bank}))
    shared = (f"what it shares with an indexed picture is {in_bank(met)}",) if met else ()
    return replace(outcome, reasons=outcome.reasons + shared, compared=compared)


def image_candidates(
    query: QueryImage, index: ReferenceIndex, thresholds: ImageThresholds, signals: Sequence[Signal] = ()
) -> tuple[ImageCandidate, ...]:
    """Return all candidates: of hashes (nearest first), of votes (most first), of signals (nearest first)."""
    hashed = hash_candidates(query, index, thresholds)
    seen = {candidate.media_id for candidate in hashed}
    search = _Search(query, index, thresholds, MaskCache(), ())
    voted = [*search.voted(is_mirrored=False), *search.voted(is_mirrored=True)]
    best = {candidate.media_id: candidate for candidate in sorted(voted, key=lambda each: each.votes)}
    ordered = sorted(best.values(), key=lambda each: (-each.votes, each.media_id))
    told = (*hashed, *(candidate for candidate in ordered if candidate.media_id not in seen))
    proposed = propose(query, index, signals, {candidate.media_id for candidate in told})
    return (*told, *proposed.candidates)


@dataclass(frozen=True, eq=False)
class _Search:
    """One query against one index; its features are computed when a hash leaves a question open."""

    query: QueryImage
    index: ReferenceIndex
    thresholds: ImageThresholds
    masks: MaskCache
    siblings: tuple[QueryImage, ...]
    bank: NegativeBank | None = None

    @cached_property
    def pictures(self) -> tuple[Picture, ...]:
        """The forms in which the query is laid on references by its features."""
        return pictures_of(self.query)

    def voted(self, *, is_mirrored: bool) -> list[ImageCandidate]:
        """Return the candidates of local features in one form, most votes first."""
        votes = self.index.votes.vote(self.pictures[is_mirrored].features, VOTED_CANDIDATES)
        return [
            ImageCandidate(media, None, count, is_mirrored=is_mirrored)
            for media, count in votes
            if count >= FEWEST_VOTES
        ]

    def laid(self, candidates: Sequence[ImageCandidate]) -> list[tuple[ImageReference, Judgement]]:
        """Judge candidates of hashes as those say they lie, without features."""
        return [
            (reference, self._decided(reference, self._laid(reference, candidate.route), candidate.route))
            for reference, candidate in self._references(candidates)
            if candidate.route is not None
        ]

    def aligned(self, candidates: Sequence[ImageCandidate]) -> list[tuple[ImageReference, Judgement]]:
        """Judge candidates as local features say they lie, whoever proposed them."""
        return [
            (
                reference,
                _proposed(
                    self._decided(reference, self._aligned(reference, candidate), candidate.route), candidate
                ),
            )
            for reference, candidate in self._references(candidates)
        ]

    def undrawn(self, seen: Set[MediaId]) -> list[tuple[ImageReference, Judgement]]:
        """Judge candidates, none of `seen`, of features without what is drawn over the query."""
        picture = undrawn_picture(self.query)
        if picture is None:
            return []
        votes = self.index.votes.vote(picture.features, VOTED_CANDIDATES)
        wanted = [media for media, count in votes if count >= FEWEST_VOTES and media not in seen]
        references = self.index.images(wanted)
        return [
            (each, self._decided(each, best_comparison((picture,), each, self.thresholds), None))
            for each in references
        ]

    def _references(
        self, candidates: Sequence[ImageCandidate]
    ) -> list[tuple[ImageReference, ImageCandidate]]:
        wanted = {candidate.media_id: candidate for candidate in candidates}
        return [(each, _named(wanted[each.media_id], each)) for each in self.index.images(list(wanted))]

    def _laid(self, reference: ImageReference, route: HashRoute) -> Comparison | None:
        picture = bare_picture(self.query.frame, complemented=route.form.startswith(COMPLEMENT))
        return compare_directly(picture, reference, route, self.thresholds.block_ncc)

    def _aligned(self, reference: ImageReference, candidate: ImageCandidate) -> Comparison | None:
        """Lay a reference on the query in the form that proposed it; only a hash knows the complement."""
        pictures: tuple[Picture, ...]
        if candidate.route is None:
            pictures = (self.pictures[candidate.is_mirrored],)
        elif candidate.route.form.startswith(COMPLEMENT):
            pictures = pictures_of(self.query, complemented=True)
        else:
            pictures = (self.pictures[candidate.route.form in MIRRORED_FORMS],)
        found = best_comparison(pictures, reference, self.thresholds)
        return None if found is None else self._closer(reference, found)

    def _closer(self, reference: ImageReference, found: Comparison) -> Comparison:
        """Return `found`, or the same seen from nearer where that shows more that agrees."""
        is_promising = found.alignment.inliers >= CLOSER_INLIERS and found.blocks.agree_share >= CLOSER_AGREE
        if not is_promising or int(found.supported().sum()) >= self.thresholds.strong_inliers:
            return found
        part = closer_picture(self.query, found)
        nearer = None if part is None else best_comparison((part,), reference, self.thresholds)
        if nearer is None or nearer.supported().sum() <= found.supported().sum():
            return found
        return nearer

    def exact(self, reference: ImageReference, holders: Sequence[ImageReference]) -> Judgement:
        """Judge a reference of the query's very bytes: a copy, unless low in content or everybody's."""
        query = self.query.signals
        comparison = best_comparison(self.pictures, reference, self.thresholds)
        mask = self.masks.mask(reference, self.index, self.thresholds, self.bank)
        judged = confirm_image(query, reference, comparison, mask, thresholds=self.thresholds)
        accounts = {holder.account_id for holder in holders if holder.account_id is not None}
        reasons = ["exactly the bytes we hold"]
        if len(accounts) > 1:
            reasons.append(f"{len(accounts)} accounts publish these bytes")
        gates = list(judged.measure.gates)
        closed = len(gates)
        if len(accounts) >= SHARED_BY:
            gates.append("shared")
        if is_low_content(query):
            gates.append("low content")
            reasons.append("the picture holds too little to be anybody's own")
        if judged.measure.masked_share > 0.8:
            gates.append("masked")
            reasons.append("nearly all of it is shared with other items of the index")
        verdict = Verdict.POSSIBLE if len(gates) > closed else Verdict.CONFIRMED
        left, top = (float(side) for side in query.origin)
        right, bottom = left + query.width, top + query.height
        outline = ((left, top), (right, top), (right, bottom), (left, bottom))
        region = Region(RegionKind.IMAGE, polygon=outline)
        figures = judged.reasons if comparison is not None else caveats(query, self.thresholds)
        others = max(judged.measure.other_accounts, len(accounts - {reference.account_id}))
        measure = replace(judged.measure, other_accounts=others, gates=tuple(dict.fromkeys(gates)))
        return Judgement(verdict, measure, (*reasons, *figures), (region,))

    def _decided(
        self, reference: ImageReference, comparison: Comparison | None, route: HashRoute | None
    ) -> Judgement:
        """Decide one comparison, behind its template mask if it stands a first look."""
        query = self.query.signals
        first = confirm_image(query, reference, comparison, None, thresholds=self.thresholds, route=route)
        is_partial = comparison is not None and comparison.is_partial
        is_changed = is_partial or is_to_explain(first.measure.largest_disagreement)
        if first.verdict is Verdict.NONE or (first.verdict is Verdict.POSSIBLE and not is_changed):
            return first
        mask = self.masks.mask(reference, self.index, self.thresholds, self.bank)
        beside = self._siblings() if is_partial else ()
        return confirm_image(
            query, reference, comparison, mask, thresholds=self.thresholds, route=route, siblings=beside
        )

    def _siblings(self) -> tuple[Picture, ...]:
        """Return the other pictures of the site, each content once."""
        own = self.query.signals.digest
        others = {s.signals.digest: s for s in self.siblings if s.signals.digest != own}
        return tuple(pictures_of(sibling)[0] for sibling in others.values())


def _named(candidate: ImageCandidate, reference: ImageReference) -> ImageCandidate:
    """Return a candidate whose route knows the name of the stored view."""
    if candidate.route is None:
        return candidate
    name = reference.view(candidate.route.stored)
    return replace(candidate, route=replace(candidate.route, stored_view=name))


def _proposed(found: Judgement, candidate: ImageCandidate) -> Judgement:
    """Return what was decided of a candidate, with the signal that proposed it, if one did."""
    if candidate.signal is None:
        return found
    return replace(found, reasons=(*found.reasons, candidate.signal.reason))


def _media(judged: Sequence[tuple[ImageReference, Judgement]]) -> set[MediaId]:
    return {reference.media_id for reference, _ in judged}


def _beside_bank(found: Judgement, names: tuple[str, ...]) -> Judgement:
    """Return what is decided of a pair whose query is in the bank, and nothing else: nothing is confirmed."""
    if not names:
        return found
    verdict = Verdict.POSSIBLE if found.verdict is Verdict.CONFIRMED else found.verdict
    measure = replace(found.measure, gates=tuple(dict.fromkeys((*found.measure.gates, "bank"))))
    return replace(found, verdict=verdict, measure=measure, reasons=(*found.reasons, in_bank(names)))


def _left_out(hashed: Sequence[ImageCandidate]) -> tuple[str, ...]:
    more = len(hashed) - HASH_CANDIDATES
    return (f"{more} further pictures with near hashes were not compared",) if more > 0 else ()


def _covered(query: QueryImage, judged: Sequence[tuple[ImageReference, Judgement]]) -> float:
    """Return the share of the query, even borders left out, that the largest confirmed region covers."""
    areas = [
        _area(region.polygon)
        for _, judgement in judged
        if judgement.verdict is Verdict.CONFIRMED
        for region in judgement.regions
    ]
    if not areas:
        return 0.0
    return max(areas) / (query.signals.width * query.signals.height * query.content)


def _area(polygon: tuple[tuple[float, float], ...]) -> float:
    points = np.array(polygon, dtype=np.float64).reshape(-1, 2)
    x, y = points[:, 0], points[:, 1]
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)


def _matches(judged: Sequence[tuple[ImageReference, Judgement]], exact: set[MediaId]) -> tuple[Match, ...]:
    """Return the best judgement of each item as a match, best first; what was refuted is left out."""
    best: dict[ItemId, Match] = {}
    for reference, judgement in judged:
        if judgement.verdict not in {Verdict.CONFIRMED, Verdict.POSSIBLE}:
            continue
        is_exact = reference.media_id in exact
        match = Match(
            item_id=reference.item_id,
            account_id=reference.account_id,
            permalink=reference.permalink,
            verdict=judgement.verdict,
            kinds=(Kind.EXACT, Kind.IMAGE) if is_exact else (Kind.IMAGE,),
            score=_score(judgement.verdict, judgement.measure, is_exact=is_exact),
            distance=judgement.measure.hash_distance,
            reasons=judgement.reasons,
            regions=judgement.regions,
            image=judgement.measure,
        )
        if match.item_id not in best or _order(match) < _order(best[match.item_id]):
            best[match.item_id] = match
    return tuple(sorted(best.values(), key=_order))


def _order(match: Match) -> tuple[bool, float, str]:
    return (match.verdict is not Verdict.CONFIRMED, -match.score, match.item_id)


def _score(verdict: Verdict, measure: ImageMeasure, *, is_exact: bool) -> float:
    """Return 0-1: confirmed pairs lie in 0.9-1, possible ones below, by agreement and keypoints within."""
    if is_exact and verdict is Verdict.CONFIRMED:
        return 1.0
    strength = 0.7 * measure.agree + 0.3 * min(1.0, measure.inliers / 80)
    if verdict is Verdict.CONFIRMED:
        return round(0.9 + 0.09 * strength, 4)
    nearness = 0.0 if measure.hash_distance is None else max(0.0, 1 - measure.hash_distance / 64)
    return round(0.2 + 0.6 * max(strength, nearness), 4)


def _without_matches(query: QueryImage, left_out: tuple[str, ...]) -> ImageOutcome:
    """Say whether nothing was found, or nothing could be."""
    reasons = [*left_out, *truncation(query.signals)]
    if "animated" in query.signals.flags:
        reasons.append("the picture moves: one of its frames was compared")
    keypoints = len(query.features.points)
    if keypoints < FEWEST_KEYPOINTS or (is_low_content(query.signals) and keypoints < 2 * FEWEST_KEYPOINTS):
        reasons.append(
            f"too little in the picture to tell (quality {query.signals.quality}, {keypoints} keypoints)"
        )
    if reasons:
        return ImageOutcome(Verdict.INCONCLUSIVE, (), tuple(reasons))
    return ImageOutcome(Verdict.NONE, (), ("no indexed picture was found in this one",))
