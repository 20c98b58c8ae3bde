"""Whether a query picture republishes one indexed picture: geometry, agreement, and the reasons.

What confirms is written in `match.rules`; here the figures are taken and the decision is worded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from clonedetect.match.bank import in_bank
from clonedetect.match.blocks import BLOCK_PX, BlockMap
from clonedetect.match.comparison import Comparison, Picture, compare, reference_features
from clonedetect.match.direct import HashRoute
from clonedetect.match.geometry import clipped, scaling
from clonedetect.match.mask import TemplateMask, sibling_mask
from clonedetect.match.overlay import Outline
from clonedetect.match.remainder import Remainder, outline_of, without_overlay, without_writing
from clonedetect.match.rules import (
    CALIBRATION,
    FEWEST_ANCHORS,
    Evidence,
    believed_change,
    evidence_of,
    rule_of,
)
from clonedetect.models.calibration import MEASURED_IN, departures, not_calibrated
from clonedetect.models.match import ImageMeasure, Region, RegionKind, Verdict
from clonedetect.models.reference import ImageReference
from clonedetect.models.settings import ImageThresholds
from clonedetect.models.signal import ImageSignals

__all__ = [
    "Judgement",
    "best_comparison",
    "caveats",
    "confirm_image",
    "is_low_content",
    "truncation",
]

LOW_QUALITY: Final = 50
"""PDQ's own advice: hashes of a lower quality tell too little."""
LOW_KEYPOINTS: Final = 30
POINTS_KEPT: Final = 60
REFUTING_TEXTURED: Final = 20
REFUTED_AGREE: Final = 0.2
LARGE_CHANGE: Final = 0.05
CONTRADICTED: Final = 1.5
"""Log odds that what differs lies over ours, under which a larger change stands against a confirmation."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was decided of one pair, the figures, the sentences that say why, and what of a bank was met."""

    verdict: Verdict
    measure: ImageMeasure
    reasons: tuple[str, ...]
    regions: tuple[Region, ...] = ()
    bank: tuple[str, ...] = ()


def is_low_content(signals: ImageSignals) -> bool:
    """Whether a picture holds too little for its hash to mean anything (an icon, a spacer, an even area)."""
    return signals.quality < LOW_QUALITY or min(signals.width, signals.height) < 48


def truncation(signals: ImageSignals) -> tuple[str, ...]:
    """Return the sentence that says how much of a truncated file was decoded, none for a whole one."""
    if "truncated" not in signals.flags:
        return ()
    if signals.share < 1:
        return (f"the file is truncated: {math.floor(100 * signals.share)}% of it was decoded",)
    of = "its first frame" if "animated" in signals.flags else "its area"
    less = "later frames are missing" if "animated" in signals.flags else "some of its detail is missing"
    return (f"the file is truncated: 100% of {of} was decoded, {less}",)


def caveats(signals: ImageSignals, thresholds: ImageThresholds) -> tuple[str, ...]:
    """Return what must be said beside whatever is found: the file is truncated, a threshold was loosened."""
    return (*truncation(signals), *not_calibrated(departures(thresholds)))


def best_comparison(
    pictures: tuple[Picture, ...], reference: ImageReference, thresholds: ImageThresholds
) -> Comparison | None:
    """Lay all forms of a query on a reference and return the one with most inliers, the first of equals."""
    features = reference_features(reference)
    if features is None:
        return None
    found = [compare(picture, reference, features, thresholds.block_ncc) for picture in pictures]
    return max((c for c in found if c is not None), key=lambda c: c.alignment.inliers, default=None)


def confirm_image(
    query: ImageSignals,
    reference: ImageReference,
    comparison: Comparison | None,
    mask: TemplateMask | None,
    *,
    thresholds: ImageThresholds,
    route: HashRoute | None = None,
    siblings: tuple[Picture, ...] = (),
) -> Judgement:
    """Decide one pair from its `best_comparison`, on what `mask` and the query's `siblings` leave.

    `mask` may be None in a first look; the caller asks again with it before
    believing a confirmation.
    """
    if comparison is None:
        return _unaligned(query, reference, thresholds, route)
    hidden = comparison.blocks.hidden if mask is None else mask.hidden
    if siblings:
        hidden = hidden | sibling_mask(comparison, reference, siblings, thresholds)
    masked = replace(comparison, blocks=comparison.blocks.masked(hidden))
    is_near = route is not None and _is_near(query, reference, route, thresholds)
    evidence = evidence_of(masked, reference, is_near=is_near)
    rule, objections = rule_of(evidence, thresholds)
    is_drawn = masked.blocks.drawn is not None
    is_small = bool(rule) and not is_drawn and evidence.differing <= believed_change(evidence)
    is_hopeless = not rule and not is_drawn and comparison.alignment.inliers < FEWEST_ANCHORS
    outline = None if is_small or is_hopeless else outline_of(masked, reference)
    if is_drawn or not (is_small or _is_believed(outline, evidence)):
        rule = ""  # what differs, or was left out, must first be shown to lie over ours
    rest = None if rule else _rest(masked, reference, thresholds, outline)
    if rest is not None:
        masked, rule, objections = rest.comparison, rest.rule, ()  # what stood against the whole is answered
    support = masked.supported()
    accounts = 0 if mask is None else mask.accounts
    if accounts:
        objections += (f"other accounts publish this picture too ({accounts})",)
    bank = () if mask is None else mask.bank
    if bank:
        objections += (f"what is left out is {in_bank(bank)}",)
    objections += caveats(query, thresholds)
    gates = (*(("shared",) if accounts else ()), *(("bank",) if bank else ()))
    plain = replace(_measure(query, reference, masked, support), other_accounts=accounts, gates=gates)
    measure = _under(thresholds, _with_route(plain, route, rule))
    figures = _figures(measure, masked, route) + (() if rest is None else (rest.reason,))
    window = None if rest is None else rest.window
    regions = (Region(RegionKind.IMAGE, polygon=_polygon(query, masked, reference, window)),)
    if rule:
        return Judgement(Verdict.CONFIRMED, measure, figures + objections, regions)
    possible = (
        measure.inliers >= thresholds.possible_inliers and measure.agree >= thresholds.possible_agree
    ) or _is_alike_unmasked(comparison, thresholds, hidden)
    if (possible or is_near) and not _is_refuted(masked.blocks):
        return Judgement(Verdict.POSSIBLE, measure, figures + objections, regions)
    return Judgement(Verdict.NONE, measure, figures + objections, bank=bank)


def _is_believed(outline: Outline | None, evidence: Evidence) -> bool:
    """Whether a change that is not small may lie over ours: what cannot be followed, or is no edge, not."""
    if outline is None or outline.log_odds < CONTRADICTED:
        return False
    return outline.is_edge_of_theirs or evidence.differing <= LARGE_CHANGE


def _rest(
    comparison: Comparison, reference: ImageReference, thresholds: ImageThresholds, outline: Outline | None
) -> Remainder | None:
    """Return what confirms without what was laid, or was written, over our picture."""
    laid = None if outline is None else without_overlay(comparison, reference, thresholds, outline)
    return without_writing(comparison, reference, thresholds) if laid is None else laid


def _is_alike_unmasked(
    comparison: Comparison, thresholds: ImageThresholds, hidden: npt.NDArray[np.bool_]
) -> bool:
    """Whether the mask alone took a pair below what people are shown; they are shown it, with that reason."""
    if not hidden.any():
        return False
    inliers = int(comparison.supported().sum())
    return (
        inliers >= thresholds.possible_inliers and comparison.blocks.agree_share >= thresholds.possible_agree
    )


def _is_refuted(blocks: BlockMap) -> bool:
    """Whether what is shown outside a shared template is another picture: textured, and agreeing nowhere.

    Ten posts in one meme frame would otherwise all be put before a person
    because of the frame; what the mask leaves has answered the question.
    """
    return (
        bool((blocks.hidden & blocks.inside).any())
        and blocks.textured_count >= REFUTING_TEXTURED
        and blocks.agree_share <= REFUTED_AGREE
    )


def _is_near(
    query: ImageSignals, reference: ImageReference, route: HashRoute, thresholds: ImageThresholds
) -> bool:
    return route.distance <= thresholds.exact_radius and min(query.quality, reference.quality) >= LOW_QUALITY


def _unaligned(
    query: ImageSignals,
    reference: ImageReference,
    thresholds: ImageThresholds,
    route: HashRoute | None,
) -> Judgement:
    """Decide a pair without a transform: hash-only references and low texture go to people."""
    bare = ImageMeasure(reference.media_id, reference.digest, 0, 0.0, 0.0, 0.0)
    measure = _under(thresholds, _with_route(bare, route))
    near = (*_route_reasons(route), *caveats(query, thresholds))
    if route is None:
        return Judgement(Verdict.NONE, measure, ("no transform lays our picture on this one",))
    features = reference_features(reference)
    if reference.thumbnail is None or features is None:
        reason = "of our picture only a hash is known; it cannot be laid on this one"
        return Judgement(Verdict.POSSIBLE, measure, (*near, reason))
    if min(query.quality, reference.quality) < LOW_QUALITY or len(features.points) < LOW_KEYPOINTS:
        reason = "too little texture to find keypoints: a person must compare"
        return Judgement(Verdict.POSSIBLE, measure, (*near, reason))
    reason = "no transform lays our picture on this one"
    verdict = Verdict.POSSIBLE if route.distance <= thresholds.exact_radius else Verdict.NONE
    return Judgement(verdict, measure, (*near, reason))


def _measure(
    query: ImageSignals,
    reference: ImageReference,
    comparison: Comparison,
    support: npt.NDArray[np.bool_],
) -> ImageMeasure:
    """Return the figures of an alignment; hash and rule are the caller's to add."""
    ours = comparison.alignment.reference_size
    theirs = comparison.picture.features
    high, wide = comparison.picture.frame.shape
    to_ours = scaling(reference.width / ours[0], reference.height / ours[1])
    to_theirs = _full_size(query, comparison) @ scaling(wide / theirs.width, high / theirs.height)
    full = to_theirs @ comparison.alignment.homography @ np.linalg.inv(to_ours)
    full /= full[2, 2]
    points = comparison.alignment.reference[support][:POINTS_KEPT]
    seen = comparison.alignment.query[support][:POINTS_KEPT]
    if not comparison.alignment.inliers:
        points = comparison.blocks.centres(*ours)[:POINTS_KEPT]
        seen = _mapped(comparison.alignment.homography, points)
    sources, targets = _mapped(to_ours, points), _mapped(to_theirs, seen)
    pairs = np.round(np.concatenate([sources, targets], axis=1), 1).tolist()
    blocks = comparison.blocks
    return ImageMeasure(
        media_id=reference.media_id,
        reference_digest=reference.digest,
        inliers=int(support.sum()),
        agree=round(blocks.agree_share, 4),
        largest_disagreement=round(blocks.largest_change, 4),
        masked_share=round(blocks.masked_share, 4),
        homography=tuple(float(f"{value:.9g}") for value in full.ravel()),
        mirrored=bool(np.linalg.det(full) < 0),
        blocks=blocks.rows(),
        points=tuple((a, b, c, d) for a, b, c, d in pairs),
    )


def _under(thresholds: ImageThresholds, measure: ImageMeasure) -> ImageMeasure:
    """Return a measure with the bounds it was judged by, and where their error rates were measured."""
    return replace(
        measure,
        calibration=CALIBRATION,
        calibration_run=MEASURED_IN,
        thresholds=thresholds,
        departures=departures(thresholds),
    )


def _with_route(measure: ImageMeasure, route: HashRoute | None, rule: str = "") -> ImageMeasure:
    if route is None:
        return replace(measure, rule=rule)
    view = f"{route.view} on {route.stored_view}"
    return replace(measure, rule=rule, hash_distance=route.distance, hash_view=view, hash_form=route.form)


def _full_size(query: ImageSignals, comparison: Comparison) -> npt.NDArray[np.float64]:
    """Return the map of the compared form's frame to the query in full-size, unmirrored pixels.

    A truncated query's frame is the part that came, which lies at its origin in the picture.
    """
    high, wide = comparison.picture.shape
    moved = np.eye(3)
    moved[:2, 2] = query.origin
    return moved @ scaling(query.width / wide, query.height / high) @ comparison.picture.to_plain


def _polygon(
    query: ImageSignals,
    comparison: Comparison,
    reference: ImageReference,
    window: tuple[int, int, int, int] | None,
) -> tuple[tuple[float, float], ...]:
    """Return where our picture, or a `window` of its grid, stands on the query, cut at its edges."""
    assert reference.thumbnail is not None  # noqa: S101  there is no comparison without one
    high, wide = reference.thumbnail.pixels.shape
    rows, columns = comparison.blocks.inside.shape
    left, top, right, bottom = window or (0, 0, columns * BLOCK_PX, rows * BLOCK_PX)
    sides = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)
    outline = sides * (wide / (columns * BLOCK_PX), high / (rows * BLOCK_PX)) - 0.5
    corners = _mapped(_full_size(query, comparison) @ comparison.homography, outline) + 0.5
    x, y = query.origin
    cut = clipped(corners, (x, y, x + query.width, y + query.height))
    return tuple((round(float(a), 1), round(float(b), 1)) for a, b in cut)


def _mapped(matrix: npt.NDArray[np.float64], points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if len(points) == 0:
        return np.zeros((0, 2))
    mapped = cv2.perspectiveTransform(points[:, None, :].astype(np.float64), matrix)
    return np.asarray(mapped, dtype=np.float64)[:, 0, :]


def _figures(measure: ImageMeasure, comparison: Comparison, route: HashRoute | None) -> tuple[str, ...]:
    named = comparison.picture.form
    if measure.mirrored and "mirrored" not in named:
        named = "mirrored" if named == "plain" else f"{named} mirrored"
    form = "" if named == "plain" else f", {named}"
    laid = (
        f"{measure.inliers} keypoints agree on one transform"
        if comparison.alignment.inliers
        else "laid on each other as their hashes say, and by correlation"
    )
    return (
        *((f"{measure.rule}{form}",) if measure.rule else ()),
        f"{laid}{'' if measure.rule else form}",
        f"{measure.agree:.0%} of {comparison.blocks.textured_count} textured blocks agree, "
        f"the largest connected difference is {measure.largest_disagreement:.0%}",
        *_route_reasons(route),
    )


def _route_reasons(route: HashRoute | None) -> tuple[str, ...]:
    if route is None:
        return ()
    return (
        f"PDQ hashes {route.distance} of 256 bits apart ({route.view} view, {route.form}, "
        f"against our {route.stored_view} view)",
    )
