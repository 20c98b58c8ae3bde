"""What a pair must show to be confirmed without a person.

A hash distance alone never confirms. What does is R6 of the measurements, tightened
so that a single picture of a template in the index is not enough for a false accusation:

1. the reference is shown to at least `FEWEST_VISIBLE`;
2. inliers are counted only in blocks that count and agree, and must be spread:
   `FEWEST_PLACES` blocks, over a hull of a twentieth of the reference, with at least
   `FEWEST_TEXTURED` textured blocks that no other item shares (the mask);
3. close copy: 15 inliers, 80 % of the textured blocks agree, no connected
   disagreement over 8 %;
4. altered copy: 40 inliers and 40 % agree, no connected change over an eighth: a
   photograph that was exchanged inside a frame is one connected disagreement too;
5. close copy by hash: nothing masked, PDQ within 31 bits, and either 3 with 60 % (a dense
   watermark leaves the hash alone), or any transform under which 90 % of 60 and more textured
   blocks agree with none over 3 % (a strong blur leaves few keypoints): two independent
   kinds of evidence;
6. a reference that is mostly one or two even colours (a screen, a meme, a document)
   is a close copy only where nothing differs (99 % agree, no connected 1 % differs): its
   photograph may be small; or, with 40 inliers and 90 %, where no more than 5 % differs,
   and it looks laid over ours (a mark, a logo);
7. something laid over ours (`overlay`: the outline of all that differs is an edge of the query
   and none of ours), written on it (`writing`), or beyond a window of it that the query shows (a
   collage, a page): what is left is a close copy (3) of at least a quarter of our picture, with
   24 textured blocks; of a mostly even one what is left agrees as in 6, and the shape of what
   differs is none an exchanged photograph has;
   Under 2 to 6 too, a connected change of over 3 % must look laid over ours rather than not;
8. close copy throughout: 8 inliers anywhere, 60 textured blocks of which 97 % agree and no
   connected 2 % differs (99 % and 1 % as in 6): where little gives keypoints, blocks tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from clonedetect.match.blocks import BlockMap, synthetic_share
from clonedetect.match.comparison import Comparison, reference_features
from clonedetect.models.reference import ImageReference
from clonedetect.models.settings import ImageThresholds

__all__ = [
    "CALIBRATION",
    "Evidence",
    "believed_change",
    "covered_rule_of",
    "evidence_of",
    "is_to_explain",
    "rule_of",
]

CALIBRATION: Final = "pictures-5"
"""Name of the bounds that decide on pictures, as docs/accuracy.md measures them; others need a new name."""

FEWEST_VISIBLE: Final = 0.15
FEWEST_UNCOVERED: Final = 0.25
UNCOVERED_TEXTURED: Final = 24
EVEN_TEXTURED: Final = 40
FEWEST_EVEN_INLIERS: Final = 12
FEWEST_TEXTURED: Final = 8
FEWEST_PLACES: Final = 6
FEWEST_HULL: Final = 0.05
ALTERED_DISAGREEMENT: Final = 0.12
NEAR_AGREE: Final = 0.6
THROUGHOUT_AGREE: Final = 0.9
THROUGHOUT_TEXTURED: Final = 60
THROUGHOUT_DISAGREEMENT: Final = 0.03
FEWEST_ANCHORS: Final = 8
THROUGHOUT: Final = ((FEWEST_ANCHORS, 60), (12, 30))
"""Keypoints and textured blocks that are enough together where all agrees."""
THROUGHOUT_KEYPOINTS: Final = 30
FEW_TEXTURED: Final = 24
FEW_AGREE: Final = 0.97
FEW_DISAGREEMENT: Final = 0.02
SYNTHETIC: Final = 0.26
SYNTHETIC_AGREE: Final = 0.99
SYNTHETIC_DISAGREEMENT: Final = 0.01
BELIEVED_CHANGE: Final = 0.03
MARKED_INLIERS: Final = 40
MARKED_AGREE: Final = 0.9
MARKED_DISAGREEMENT: Final = 0.05


@dataclass(frozen=True, slots=True)
class Evidence:
    """The figures of one pair that the rules look at; shares are 0-1, over what is shown and not masked.

    `textured` counts blocks, `differing` is the largest connected change, `synthetic` and
    `keypoints` are of our picture, `is_near` says whether a hash says so too.
    """

    inliers: int
    textured: int
    agree: float
    differing: float
    visible: float
    masked: float
    synthetic: float
    keypoints: int
    is_spread: bool
    is_near: bool


def evidence_of(comparison: Comparison, reference: ImageReference, *, is_near: bool) -> Evidence:
    """Gather the figures of one comparison; inliers are those in blocks that count and agree."""
    blocks = comparison.blocks
    features = reference_features(reference)
    points = comparison.alignment.reference[comparison.supported()]
    return Evidence(
        inliers=len(points),
        textured=blocks.textured_count,
        agree=blocks.agree_share,
        differing=blocks.largest_change,
        visible=blocks.visible_share,
        masked=blocks.masked_share,
        synthetic=0.0
        if reference.thumbnail is None
        else synthetic_share(reference.thumbnail.pixels, blocks.counted),
        keypoints=0 if features is None else len(features.points),
        is_spread=_is_spread(points, blocks, comparison.alignment.reference_size),
        is_near=is_near,
    )


def rule_of(evidence: Evidence, thresholds: ImageThresholds) -> tuple[str, tuple[str, ...]]:
    """Return the rule that confirms (see the module), or an empty one and what stands against each."""
    shared = (f"{evidence.masked:.0%} of what is shown is shared with other pictures",)
    objections: tuple[str, ...] = shared if evidence.masked > 0 else ()
    if evidence.keypoints < THROUGHOUT_KEYPOINTS:
        objections += ("too little texture in our picture to find keypoints: a person must compare",)
    if evidence.visible < FEWEST_VISIBLE:  # 1
        return "", (*objections, f"only {evidence.visible:.0%} of our picture is shown")
    is_synthetic = evidence.synthetic > SYNTHETIC
    is_enough = evidence.textured >= FEWEST_TEXTURED and evidence.is_spread  # 2
    close = {
        "close copy by hash and content": _is_close_by_hash(evidence, thresholds, is_synthetic=is_synthetic),
        "close copy": is_enough and _is_close(evidence, thresholds, is_synthetic=is_synthetic),
        "close copy throughout": _is_throughout(evidence, is_synthetic=is_synthetic),
    }
    for rule, is_met in close.items():  # 5; 3 and 6; 8
        if is_met:
            return rule, ()
    if not is_enough:
        return "", (*objections, "keypoints and textured blocks agree in too small a part of our picture")
    if is_synthetic:  # 6
        return "", (*objections, "our picture is mostly even colour, as screens and templates are")
    return _altered(evidence, thresholds, objections)  # 4


def covered_rule_of(evidence: Evidence, thresholds: ImageThresholds, *, is_told_by_shape: bool) -> str:
    """Return the rule that confirms what something laid over our picture leaves, or an empty one (7).

    `is_told_by_shape`: what differs is a mark, in even colours, or beyond a window; only
    then is a picture of mostly even colour believed, as no exchanged photograph looks so.
    """
    if evidence.visible < FEWEST_UNCOVERED or not evidence.is_spread:
        return ""
    if evidence.synthetic > SYNTHETIC:
        is_close = (
            is_told_by_shape
            and evidence.textured >= EVEN_TEXTURED
            and evidence.inliers >= FEWEST_EVEN_INLIERS
            and evidence.agree >= SYNTHETIC_AGREE
            and evidence.differing <= SYNTHETIC_DISAGREEMENT
        )
    else:
        is_close = _is_throughout(evidence, is_synthetic=False) or (
            evidence.textured >= UNCOVERED_TEXTURED and _is_close(evidence, thresholds, is_synthetic=False)
        )
    return "close copy, partly covered or cut off" if is_close else ""


def _is_close(evidence: Evidence, thresholds: ImageThresholds, *, is_synthetic: bool) -> bool:
    if not is_synthetic:
        bounds = [(thresholds.inliers, thresholds.agree, thresholds.largest_disagreement)]
    else:
        bounds = [
            (thresholds.inliers, SYNTHETIC_AGREE, SYNTHETIC_DISAGREEMENT),
            (MARKED_INLIERS, MARKED_AGREE, MARKED_DISAGREEMENT),
        ]
    return any(
        evidence.inliers >= inliers and evidence.agree >= agree and evidence.differing <= differing
        for inliers, agree, differing in bounds
    )


def believed_change(evidence: Evidence) -> float:
    """Return the connected change, as a share of what is shown, up to which nothing need explain it."""
    return SYNTHETIC_DISAGREEMENT if evidence.synthetic > SYNTHETIC else BELIEVED_CHANGE


def is_to_explain(change: float) -> bool:
    """Whether a connected change, as a share of what is shown, is more than nothing need explain."""
    return change > BELIEVED_CHANGE


def _is_close_by_hash(evidence: Evidence, thresholds: ImageThresholds, *, is_synthetic: bool) -> bool:
    if not evidence.is_near or evidence.masked > 0:
        return False
    if _is_alike_throughout(evidence, is_synthetic=is_synthetic):
        return True
    return (
        not is_synthetic
        and evidence.is_spread
        and evidence.inliers >= thresholds.inliers
        and evidence.agree >= NEAR_AGREE
        and evidence.differing <= thresholds.largest_disagreement
    )


def _is_throughout(evidence: Evidence, *, is_synthetic: bool) -> bool:
    """Whether all of many blocks agree under a transform that few keypoints gave; they need not be spread."""
    agree = SYNTHETIC_AGREE if is_synthetic else FEW_AGREE
    differing = SYNTHETIC_DISAGREEMENT if is_synthetic else FEW_DISAGREEMENT
    if evidence.agree < agree or evidence.differing > differing:
        return False
    return any(evidence.inliers >= inliers and evidence.textured >= blocks for inliers, blocks in THROUGHOUT)


def _is_alike_throughout(evidence: Evidence, *, is_synthetic: bool) -> bool:
    """Whether so many blocks agree that no keypoint is needed; fewer blocks must agree better."""
    if evidence.keypoints < THROUGHOUT_KEYPOINTS:  # soft shapes: blocks would say again what the hash says
        return False
    if is_synthetic:
        agree, differing, textured = SYNTHETIC_AGREE, SYNTHETIC_DISAGREEMENT, FEW_TEXTURED
    elif evidence.textured >= THROUGHOUT_TEXTURED:
        agree, differing, textured = THROUGHOUT_AGREE, THROUGHOUT_DISAGREEMENT, THROUGHOUT_TEXTURED
    else:
        agree, differing, textured = FEW_AGREE, FEW_DISAGREEMENT, FEW_TEXTURED
    return evidence.textured >= textured and evidence.agree >= agree and evidence.differing <= differing


def _altered(
    evidence: Evidence, thresholds: ImageThresholds, objections: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    if evidence.inliers < thresholds.strong_inliers or evidence.agree < thresholds.strong_agree:
        return "", objections
    if evidence.differing <= ALTERED_DISAGREEMENT:
        return "altered copy", ()
    objection = f"a connected {evidence.differing:.0%} differs, as when two pictures share a frame"
    return "", (*objections, objection)


def _is_spread(points: npt.NDArray[np.float64], blocks: BlockMap, size: tuple[int, int]) -> bool:
    if len(points) < 3:
        return False
    rows, columns = blocks.at(points, size[0], size[1])
    places = len(np.unique(rows * blocks.inside.shape[1] + columns))
    hull = cv2.contourArea(cv2.convexHull(points.astype(np.float32)))
    return places >= FEWEST_PLACES and hull >= FEWEST_HULL * size[0] * size[1]
