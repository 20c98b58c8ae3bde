"""What is left of a comparison without what was laid or written over our picture, and whether it confirms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from clonedetect.match.blocks import BlockMap, beside, on_grid
from clonedetect.match.comparison import Comparison
from clonedetect.match.overlay import MOST_BESIDE, Outline, Shape, is_cut_out, laid_over
from clonedetect.match.rules import FEWEST_ANCHORS, covered_rule_of, evidence_of
from clonedetect.match.writing import Writing, finer, writing_over
from clonedetect.models.reference import ImageReference
from clonedetect.models.settings import ImageThresholds

__all__ = ["Remainder", "is_clear", "outline_of", "without_overlay", "without_writing", "writing_of"]

TOLD_BY_SHAPE: Final = frozenset({Shape.MARK, Shape.BAR, Shape.STICKER, Shape.WINDOW})
"""Shapes that photographs exchanged in a page of even colours do not have."""
WRITTEN_AGREE: Final = 0.4
WRITTEN_CHANGE: Final = 0.3
"""Agreeing share from which, and connected change up to which, writing is looked for."""
BESIDE_AGREE: Final = 0.9
"""Share of the textured blocks that must agree beside writing."""


@dataclass(frozen=True, slots=True)
class Remainder:
    """A comparison without what lies over it, the rule that confirms what is left, and the reason.

    `window`: left, top, right and bottom of what is shown, in pixels of the grid, where it is a window.
    """

    comparison: Comparison
    rule: str
    reason: str
    window: tuple[int, int, int, int] | None = None


def outline_of(comparison: Comparison, reference: ImageReference) -> Outline | None:
    """Return the outline of what differs under a comparison; None where there is none to follow."""
    if reference.thumbnail is None:
        return None
    pixels = reference.thumbnail.pixels
    picture = comparison.picture
    is_cut = is_cut_out(
        picture.to_plain @ comparison.homography, pixels.shape, (picture.shape[0], picture.shape[1])
    )
    shapes = tuple(comparison.on_grid(corners) for corners in picture.rectangles)
    return laid_over(comparison.blocks, on_grid(pixels), is_cut=is_cut, rectangles=shapes)


def without_overlay(
    comparison: Comparison, reference: ImageReference, thresholds: ImageThresholds, outline: Outline
) -> Remainder | None:
    """Return what confirms without what was laid over ours; None where nothing was, or the rest does not."""
    if comparison.alignment.inliers < FEWEST_ANCHORS or not outline.is_laid_over:
        return None
    left = replace(comparison, blocks=comparison.blocks.uncovered(outline.differing))
    rule = covered_rule_of(
        evidence_of(left, reference, is_near=False),
        thresholds,
        is_told_by_shape=outline.shape in TOLD_BY_SHAPE,
    )
    said = (
        f"{outline.shape} ({left.blocks.covered_share:.0%} left out): the outline is a step of "
        f"{outline.theirs.mean:.0f} grey levels here and of {outline.ours.mean:.0f} in our picture"
    )
    window = outline.shown if outline.shape is Shape.WINDOW else None
    return Remainder(left, rule, said, window) if rule else None


def without_writing(
    comparison: Comparison, reference: ImageReference, thresholds: ImageThresholds
) -> Remainder | None:
    """Return what confirms beside writing over ours; None where there is none, or the rest does not."""
    blocks = comparison.blocks
    if reference.thumbnail is None or blocks.drawn is not None or not _may_be_written(comparison):
        return None
    writing = writing_of(comparison, reference.thumbnail.pixels)
    if writing is None or not writing.is_writing:
        return None
    ours = on_grid(reference.thumbnail.pixels)
    left = replace(comparison, blocks=beside(blocks, ours, writing.strokes, thresholds.block_ncc))
    if not is_clear(left.blocks, ours):
        return None
    rule = covered_rule_of(evidence_of(left, reference, is_near=False), thresholds, is_told_by_shape=False)
    said = (
        f"writing lies over it, {writing.told} ({writing.written:.0%} left out): "
        f"its strokes are {writing.explained:.0%} of what differs, and between them our picture goes on"
    )
    return Remainder(left, rule, said) if rule else None


def writing_of(comparison: Comparison, thumbnail: npt.NDArray[np.uint8]) -> Writing | None:
    """Return the writing that lies over our `thumbnail` under a comparison, if any explains what differs."""
    seen = finer(
        comparison.picture.frame, comparison.homography, comparison.thumbnail_size, comparison.blocks
    )
    return writing_over(comparison.blocks, on_grid(thumbnail), seen)


def is_clear(blocks: BlockMap, ours: npt.NDArray[np.uint8]) -> bool:
    """Whether `ours`, on the grid, goes on beside writing: all agrees, and next to all that is covered."""
    is_alike = blocks.agree_share >= BESIDE_AGREE and blocks.largest_change <= MOST_BESIDE
    return is_alike and blocks.is_interleaved(ours)


def _may_be_written(comparison: Comparison) -> bool:
    blocks = comparison.blocks
    return (
        comparison.alignment.inliers >= FEWEST_ANCHORS
        and blocks.agree_share >= WRITTEN_AGREE
        and blocks.largest_change <= WRITTEN_CHANGE
    )
