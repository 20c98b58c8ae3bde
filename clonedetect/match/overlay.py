"""Whether what differs was laid over our picture, or is another picture in a shared frame.

A caption, a sticker, an inset or the rest of a page beyond a crop puts an edge into the
query where our picture goes on as if nothing were there. A photograph exchanged inside a
frame has an edge in both: its slot is in our picture too, and so is the contour of an
object before a shared background. So the outline of all that differs is followed in both
pictures, and how both change across it is weighed, with the shape of what agrees.

The weights are a logistic regression over pairs made from development pictures; how
much is enough for each shape was picked on pairs of calibration pictures. `make
bench-outlines` makes both, and docs/images.md has what each bound let through. Bounds
by shape stand beside the score: a half that differs is believed to be a cut only where
our outline lies elsewhere than the query's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import permutations
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from clonedetect.match.blocks import BLOCK_PX, BlockMap, even
from clonedetect.match.steps import Steps, changed, edges, normals, steps

__all__ = ["MOST_BESIDE", "Outline", "Shape", "is_cut_out", "laid_over"]

Grey = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.float64]

INTERLEAVED: Final = 0.85
"""For what is drawn in stripes and marks: no other picture is exchanged in strips a block wide."""

FEWEST_HIDDEN: Final = 12
FEW_HIDDEN: Final = 2
MOST_BESIDE: Final = 0.03
"""What may differ beside it, connected, as a share of what is shown: it explains itself and nothing else."""

LEAST_TOUCHED: Final = 0.25
EQUALLY: Final = 0.08
LEAST_ALIKE: Final = 0.6
"""Share of a rectangle and of what differs that both must have in common to be one."""

FLAT: Final = 0.33
WINDOW: Final = 0.95
WHOLE_SIDE: Final = 0.06


class Shape(StrEnum):
    """What a difference looks like, in the words of the reasons; the first that fits."""

    MARK = "thin marks lie over it"
    BAR = "a bar in even colours lies over it"
    STICKER = "something in even colours lies over it"
    WINDOW = "a window of it is shown"
    INSET = "a rectangle lies over it"
    PART = "a part of it is covered"


LEAST_ODDS: Final = MappingProxyType(
    {
        Shape.MARK: 3.5,
        Shape.BAR: 1.0,
        Shape.STICKER: 1.5,
        Shape.WINDOW: 1.5,
        Shape.INSET: 1.5,
        Shape.PART: 3.3,
    }
)
"""Log odds from which a difference of each shape counts as laid over ours."""

MOST_SHARE: Final = MappingProxyType(
    {
        Shape.MARK: 0.25,
        Shape.BAR: 0.5,
        Shape.STICKER: 0.35,
        Shape.WINDOW: 0.6,
        Shape.INSET: 0.3,
        Shape.PART: 0.2,
    }
)
"""Share of what is shown that may differ so."""

BIAS: Final = 25.47
WEIGHTS: Final = MappingProxyType(
    {
        "log_ours": 1.43,
        "log_theirs": -1.45,
        "edge_gain": 3.18,
        "log_usual": 0.23,
        "continuity": 2.9,
        "their_continuity": 0.44,
        "peaks": -9.28,
        "their_peaks": 7.74,
        "clear_peaks": -4.65,
        "their_clear_peaks": 0.26,
        "ridge": -0.7,
        "their_ridge": -2.99,
        "across": -4.85,
        "their_across": 2.33,
        "log_median": 0.04,
        "window": -4.4,
        "flat": 2.44,
        "largest": -7.47,
        "log_length": -2.9,
        "share": -5.23,
        "left": -6.05,
    }
)
"""Weight of each trait of an outline (`Outline.traits`) in the log odds."""

_LEAST_GROUP: Final = 0.02
_LEAST_OUTLINE: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """What differs, bool (rows, columns) of blocks, and how both pictures change across its outline.

    `ours` and `theirs` are mean steps in grey levels, `edge_gain` how much
    stronger (in ranks) the query's edge is, `usual` our step relative to shifted
    outlines, `continuity` the correlation of what lies inside and outside it, in
    ours and theirs, `flat` the share of the difference that is of two even
    levels, `window` the share of the rectangle around what agrees in which nothing
    differs, `largest` the largest connected difference (`BlockMap.largest_change`),
    `share` and `left` how much of what is shown differs and of ours is left, `length`
    of the outline in pixels; `beyond` is the share of the difference outside the
    rectangle around what agrees; it `is_thin` where no block has only differing
    neighbours, it `is_cut` where our outline does not lie on the query's, as that of a
    whole page in a shared frame does; `is_drawn` says whether drawn pixels belong to it, and
    `interleaved` which share of the textured blocks under them has an agreeing neighbour; it `is_straight`
    where it is a rectangle of the query, and `is_window` where it is all beyond one; `shown` is
    the left, top, right and bottom of what does not differ, in pixels of the grid.
    """

    differing: Flags
    ours: Steps
    theirs: Steps
    edge_gain: float
    flat: float
    window: float
    largest: float
    share: float
    left: float
    length: int
    beyond: float
    is_thin: bool
    is_cut: bool
    is_drawn: bool
    is_straight: bool
    is_window: bool
    shown: tuple[int, int, int, int]
    interleaved: float

    @property
    def traits(self) -> dict[str, float]:
        """What is weighed, by the names of `WEIGHTS`."""
        return {
            "log_ours": math.log(self.ours.mean + 1),
            "log_theirs": math.log(self.theirs.mean + 1),
            "edge_gain": self.edge_gain,
            "log_usual": math.log(self.ours.relative + 0.05),
            "continuity": self.ours.continuity,
            "their_continuity": self.theirs.continuity,
            "peaks": self.ours.peaks,
            "their_peaks": self.theirs.peaks,
            "clear_peaks": self.ours.clear_peaks,
            "their_clear_peaks": self.theirs.clear_peaks,
            "ridge": self.ours.ridge,
            "their_ridge": self.theirs.ridge,
            "across": self.ours.across,
            "their_across": self.theirs.across,
            "log_median": math.log(self.ours.median + 1) - math.log(self.theirs.median + 1),
            "window": self.window,
            "flat": self.flat,
            "largest": self.largest,
            "log_length": math.log(self.length),
            "share": self.share,
            "left": self.left,
        }

    @property
    def log_odds(self) -> float:
        """The logarithm of the odds that what differs was laid over ours."""
        traits = self.traits
        return BIAS + sum(weight * traits[name] for name, weight in WEIGHTS.items())

    @property
    def shape(self) -> Shape:
        """What the difference looks like."""
        is_apart = min(self.window, self.beyond) >= WINDOW
        if self.is_thin:
            return Shape.MARK
        if self.flat >= FLAT:
            return Shape.BAR if is_apart else Shape.STICKER
        if self.is_window or (is_apart and self.is_cut):
            return Shape.WINDOW
        return Shape.INSET if self.is_straight else Shape.PART

    @property
    def is_edge_of_theirs(self) -> bool:
        """Whether the outline is an edge of the query by every measure more than of ours."""
        return self.is_steeper and self.ours.peaks < self.theirs.peaks

    @property
    def is_steeper(self) -> bool:
        """Whether the query changes more across the outline than ours, and its edge is the stronger."""
        return self.ours.mean < self.theirs.mean and self.edge_gain > 0

    @property
    def is_laid_over(self) -> bool:
        """Whether the query has an edge along the outline that our picture does not know.

        What was drawn is told by where it lies, not by the score, which knows differences alone.
        """
        if self.is_drawn:
            is_steeper = self.ours.mean < self.theirs.mean
            return is_steeper and self.interleaved >= INTERLEAVED and self.largest <= MOST_BESIDE
        is_enough = self.log_odds >= LEAST_ODDS[self.shape] and self.share <= MOST_SHARE[self.shape]
        return is_enough and (self.is_edge_of_theirs or (self.shape is Shape.WINDOW and self.is_steeper))


def laid_over(
    blocks: BlockMap, ours: Grey, *, is_cut: bool = False, rectangles: Sequence[Matrix] = ()
) -> Outline | None:
    """Return the outline of all that differs, in groups of 2 % and more; None where there is none to follow.

    What `blocks` left out as drawn belongs to it. `ours` is the reference on the
    grid of `blocks`, uint8 (12 rows, 12 columns). An outline along the end of
    what is shown says nothing and is left out. Where what differs is one of the `rectangles`
    of the query, float64 (4, 2) in pixels of ours, its sides are the outline.
    """
    groups = _groups(blocks)
    if not groups.any() and blocks.drawn is None:
        return None
    inside = _pixels(blocks.inside)
    part = _part(blocks, groups, ours, inside)
    if blocks.drawn is not None:
        part |= blocks.drawn & inside
    differing = blocks.covered | (cv2.dilate(groups.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    window, beyond = _window(blocks, groups, differing)
    around_window = _beyond(blocks, part, rectangles, inside) if is_cut else None
    straight = None if around_window is not None else _straight(part, rectangles, inside)
    if around_window is not None:
        part = around_window
        differing |= _touched(around_window, differing.shape) & blocks.inside
    elif straight is not None:
        part = straight
    within = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0
    rows, columns = np.nonzero(_rim(part) & within)
    if len(rows) < _LEAST_OUTLINE:
        return None
    aside = normals(part, rows, columns)
    own = steps(ours, within, rows, columns, aside)
    other = steps(blocks.brought, within, rows, columns, aside)
    if own is None or other is None:
        return None
    gain = edges(blocks.brought)[rows, columns].mean() - edges(ours)[rows, columns].mean()
    return Outline(
        differing=differing | blocks.off_tone,
        ours=own,
        theirs=other,
        edge_gain=float(gain),
        flat=_flat_share(blocks.brought, part),
        window=window,
        beyond=beyond,
        largest=blocks.largest_change,
        share=float(part[inside].mean()),
        left=blocks.uncovered(differing).visible_share,
        length=len(rows),
        is_thin=_is_thin(groups | (blocks.off_tone & blocks.counted)),
        is_cut=is_cut,
        is_drawn=blocks.drawn is not None,
        is_straight=straight is not None,
        is_window=around_window is not None,
        shown=_box(_pixels(blocks.agree & ~groups) if around_window is None else inside & ~around_window),
        interleaved=_interleaved(blocks, ours),
    )


def is_cut_out(homography: Matrix, ours: tuple[int, int], theirs: tuple[int, int]) -> bool:
    """Whether our outline lies elsewhere than the query's: a 16th of a side away at one corner or more.

    `homography` maps pixels of ours to theirs, sizes are (height, width). A photograph
    exchanged in a page that is shown whole leaves the page's outline where it was.
    """
    corners = np.array([[x, y] for y in (-0.5, ours[0] - 0.5) for x in (-0.5, ours[1] - 0.5)])
    placed = cv2.perspectiveTransform(corners[:, None, :], homography)[:, 0, :]
    high, wide = theirs
    ends = np.array([[x, y] for y in (-0.5, high - 0.5) for x in (-0.5, wide - 0.5)])
    turned = (ends[list(order)] for order in permutations(range(4)))
    away = [np.abs(placed - end) / (wide, high) for end in turned]
    return bool(min(float(each.max()) for each in away) > WHOLE_SIDE)


def _interleaved(blocks: BlockMap, ours: Grey) -> float:
    """Return the share of the covered blocks that are textured in ours and lie beside an agreeing block."""
    hidden, near = blocks.covered_beside(ours)
    if hidden <= FEW_HIDDEN:
        return 1.0  # narrower than a block: every block was compared by what is left of it
    # A compact hole of under a dozen blocks is nearly all rim.
    return near / max(FEWEST_HIDDEN, hidden)


def _window(blocks: BlockMap, groups: Flags, differing: Flags) -> tuple[float, float]:
    """Return the undisturbed share of the rectangle around what agrees, and that of the rest outside it."""
    rows, columns = np.nonzero(blocks.agree & ~differing)
    if not len(rows):
        return 0.0, 0.0
    inner = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    shown = blocks.inside[inner]
    within = int(groups[inner].sum())
    window = float((shown & ~groups[inner]).sum() / max(1, int(shown.sum())))
    return window, 1 - within / max(1, int(groups.sum()))


def _is_thin(changed: Flags) -> bool:
    """Whether no block has only changed neighbours."""
    core = cv2.erode(changed.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
    return not core.any()


def _groups(blocks: BlockMap) -> Flags:
    """Return the connected groups of differing blocks that are more than an accident."""
    differing = (blocks.counted & blocks.textured & ~blocks.agree).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(differing, connectivity=8)
    least = max(3.0, _LEAST_GROUP * int(blocks.counted.sum()))
    large = [number for number in range(1, count) if stats[number, cv2.CC_STAT_AREA] >= least]
    return np.isin(labels, large)


def _part(blocks: BlockMap, groups: Flags, ours: Grey, inside: Flags) -> Flags:
    """Return the pixels of the groups: what changed in and around their blocks, and all of their insides."""
    near = _pixels(cv2.dilate(groups.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    core = _pixels(cv2.erode(groups.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) > 0)
    other = changed(ours, blocks.brought, _pixels(blocks.agree)) & inside
    part = ((other & near) | core).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(part, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)


def _straight(part: Flags, rectangles: Sequence[Matrix], inside: Flags) -> Flags | None:
    """Return the rectangle that is `part`, None where none is nearly the same."""
    best, alike = None, LEAST_ALIKE
    for corners in rectangles:
        whole = _filled(corners, part.shape) & inside
        share = _alike(whole, part)
        if share >= alike:
            best, alike = whole, share
    return best


def _beyond(blocks: BlockMap, part: Flags, rectangles: Sequence[Matrix], inside: Flags) -> Flags | None:
    """Return what lies beyond a rectangle where that is nearly `part`; of equals, that of sharpest sides."""
    around = [inside & ~_filled(corners, part.shape) for corners in rectangles]
    alike = [_alike(whole, part) for whole in around]
    if max(alike, default=0.0) < LEAST_ALIKE:
        return None
    strength = edges(blocks.brought)
    equals = [
        whole
        for whole, share in zip(around, alike, strict=True)
        if share >= max(LEAST_ALIKE, max(alike) - EQUALLY)
    ]
    return max(
        equals, key=lambda whole: float(strength[_rim(whole) & inside].sum() / (1 + _rim(whole).sum()))
    )


def _rim(part: Flags) -> Flags:
    """Return the pixels around a part."""
    return np.asarray(cv2.dilate(part.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~part


def _box(flags: Flags) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of what is flagged, all 0 where nothing is."""
    rows, columns = np.nonzero(flags)
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def _filled(corners: Matrix, shape: tuple[int, ...]) -> Flags:
    page = np.zeros(shape, np.uint8)
    return np.asarray(cv2.fillConvexPoly(page, np.rint(corners).astype(np.int32), 1) > 0)


def _alike(one: Flags, other: Flags) -> float:
    """Return what two areas have in common as a share of what is of either."""
    union = int((one | other).sum())
    return int((one & other).sum()) / union if union else 0.0


def _touched(part: Flags, shape: tuple[int, ...]) -> Flags:
    """Return the blocks of which a quarter is of `part`."""
    cut = part.reshape(shape[0], BLOCK_PX, shape[1], BLOCK_PX)
    return np.asarray(cut.mean(axis=(1, 3)) > LEAST_TOUCHED)


def _flat_share(picture: Grey, part: Flags) -> float:
    """Return the share of `part` that is even and of its two commonest levels, five grey levels wide."""
    levels = np.bincount(picture[part & even(picture)], minlength=256)
    total = 0.0
    for _ in range(2):
        sums = np.convolve(levels, np.ones(5), "same")
        first = int(np.argmax(sums))
        total += float(sums[first])
        levels[max(0, first - 4) : first + 5] = 0
    return total / max(1, int(part.sum()))


def _pixels(flags: Flags) -> Flags:
    return np.kron(flags, np.ones((BLOCK_PX, BLOCK_PX), bool))
