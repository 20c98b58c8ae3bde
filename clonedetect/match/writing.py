"""Writing over a picture: thin letters and marks, in inks that cover or in one that lets ours through.

Big white letters with black outlines, a half-transparent word: what differs is many thin
strokes, all of one or two levels near white and black, or all the same blend of our picture
with white or black (query = (1 - share) ours + share level), and between the strokes our picture
goes on. A photograph or an object that was exchanged is neither thin nor of one ink, and shows
nothing of ours between. `beside` asks the blocks again without the strokes; what they
say decides, and the bounds here only say that the strokes are writing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from clonedetect.match.blocks import BLOCK_PX, BlockMap, bring
from clonedetect.match.geometry import scaling
from clonedetect.match.steps import tone_curve

__all__ = ["FINER", "Writing", "finer", "writing_over"]

FINER: Final = 3
"""Pixels along a pixel of the grid: strokes are as wide as one there, and their ink must be seen unmixed."""

LEAST_INK: Final = 0.33
LEAST_EXPLAINED: Final = 0.8
LEAST_BLENDED: Final = 0.9
"""Share of what differs that strokes cover; of a blend more, as a shadow is like one."""
LEAST_SHARPER: Final = 1.2
MOST_WRITTEN: Final = 0.3

_NEAR_LEVEL: Final = 10
_DARK: Final = 40
_LIGHT: Final = 215
_LEAST_CHANGE: Final = 20.0
_LEAST_PIXELS: Final = 100
_MOST_PIXELS: Final = 5000
_LEAST_SECOND: Final = 0.05
_SHARES: Final = np.arange(0.25, 0.9, 0.05)
_LEAST_PART: Final = 0.12
"""Share of an ink at the rims of strokes."""
_THICK_PX: Final = 19
_LEAST_STROKE: Final = 24
_MARGIN_PX: Final = 5

Grey = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Writing:
    """Thin strokes over a picture, bool of its grid (12 rows, 12 columns), and what tells writing.

    `told` names the inks, which ours shows through where it `is_blended`; `ink`: share of the
    changed pixels that are of the inks unmixed; `explained`: share of the changed pixels that the
    strokes cover; `written`: the same of what is shown; `sharper`: change from pixel to pixel
    under the strokes, relative to ours: letters that stand where ours has others add none.
    """

    strokes: Flags
    told: str
    is_blended: bool
    ink: float
    explained: float
    written: float
    sharper: float

    @property
    def is_writing(self) -> bool:
        """Whether all says that this was written over ours."""
        return (
            self.ink >= LEAST_INK
            and self.explained >= (LEAST_BLENDED if self.is_blended else LEAST_EXPLAINED)
            and self.written <= MOST_WRITTEN
            and self.sharper >= LEAST_SHARPER
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Inks:
    """Levels that cover, or one `level` of which a `share` is blended in; `unmixed` is what they tell."""

    levels: tuple[int, ...]
    share: float
    unmixed: float

    @property
    def told(self) -> str:
        """The inks in words."""
        names = " and ".join("black" if level <= _DARK else "white" for level in self.levels)
        return f"in {names}" if self.share == 1 else f"in half-transparent {names}"

    def strokes(self, expected: Floats, seen: Floats) -> tuple[Flags, ...]:
        """Return where `seen` is of each ink, given what was `expected`."""
        if self.share == 1:
            return tuple(np.abs(seen - level) <= _NEAR_LEVEL + 4 for level in self.levels)
        part = _part(expected, seen, self.levels[0])
        return ((part >= _LEAST_PART) & (part <= self.share + 0.1),)


def finer(query: Grey, homography: Matrix, thumbnail_size: tuple[int, int], blocks: BlockMap) -> Grey:
    """Return the query under the grid of `blocks`, `FINER` pixels a pixel; map as in `Comparison`."""
    rows, columns = blocks.inside.shape
    canvas = (columns * BLOCK_PX * FINER, rows * BLOCK_PX * FINER)
    to_query = homography @ scaling(thumbnail_size[0] / canvas[0], thumbnail_size[1] / canvas[1])
    return bring(query, to_query, canvas)[0]


def writing_over(blocks: BlockMap, ours: Grey, seen: Grey) -> Writing | None:
    """Return the strokes that explain what differs; None where nothing does, or no ink is found.

    `ours` is the reference on the grid of `blocks`, `seen` the query, `finer`.
    """
    curve = tone_curve(ours, blocks.brought, _pixels(blocks.counted & blocks.agree, BLOCK_PX))
    size = (seen.shape[1], seen.shape[0])
    expected = np.asarray(cv2.resize(curve[ours], size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    side = FINER * BLOCK_PX
    shown = _pixels(blocks.inside & ~blocks.hidden, side)
    differing = blocks.counted & ((blocks.textured & ~blocks.agree) | blocks.off_tone)
    near = _pixels(_grown(differing, 3), side) & shown
    smooth = cv2.GaussianBlur(seen, (0, 0), 2.0).astype(np.float32)
    away = np.abs(smooth - cv2.GaussianBlur(expected, (0, 0), 1.0))
    agreeing = away[::FINER, ::FINER][_pixels(blocks.counted & blocks.agree, BLOCK_PX)]
    least = max(_LEAST_CHANGE, 5 * float(np.median(agreeing))) if len(agreeing) else _LEAST_CHANGE
    changed = (away > least) & near
    if changed.sum() < _LEAST_PIXELS:
        return None
    sharp = cv2.GaussianBlur(seen, (0, 0), 0.7).astype(np.float32)
    other = np.abs(sharp - expected) > least
    inks = _inks(np.asarray(expected[other & near]), np.asarray(sharp[other & near]))
    if inks is None or inks.unmixed < LEAST_INK:
        return None  # nearly all that is no writing ends here
    strokes = np.zeros(changed.shape, dtype=bool)
    for stroke in inks.strokes(expected, sharp):
        strokes |= _thin(stroke & other & shown)
    strokes = _grown(_large(strokes), _MARGIN_PX)
    grid = cv2.resize(255 * strokes.astype(np.uint8), ours.shape[::-1], interpolation=cv2.INTER_AREA) > 100
    return Writing(
        strokes=np.asarray(grid),
        told=inks.told,
        is_blended=inks.share < 1,
        ink=inks.unmixed,
        explained=float((changed & strokes).sum() / changed.sum()),
        written=float(strokes[shown].mean()),
        sharper=_sharper(ours, blocks.brought, np.asarray(grid)),
    )


def _inks(expected: Floats, seen: Floats) -> _Inks | None:
    """Return the inks that most changed pixels are of: white and black, or one that is blended in."""
    if len(seen) < _LEAST_PIXELS:
        return None
    each = max(1, len(seen) // _MOST_PIXELS)
    expected, seen = expected[::each], seen[::each]
    found = [_opaque(seen)]
    for level in (0, 255):
        for share in _SHARES:
            unmixed = np.abs(seen - ((1 - share) * expected + share * level)) <= _NEAR_LEVEL
            found.append(_Inks((level,), float(share), float(unmixed.mean())))
    best = max(found, key=lambda inks: inks.unmixed)
    return best if best.unmixed > 0 else None


def _opaque(seen: Floats) -> _Inks:
    """Return the commonest of the lightest and of the darkest levels, each where it is not rare."""
    levels = np.bincount(np.clip(seen, 0, 255).astype(np.uint8), minlength=256)
    sums = np.convolve(levels, np.ones(2 * _NEAR_LEVEL + 1), "same") / len(seen)
    dark, light = int(np.argmax(sums[: _DARK + 1])), _LIGHT + int(np.argmax(sums[_LIGHT:]))
    kept = tuple(level for level in (dark, light) if sums[level] >= _LEAST_SECOND)
    return _Inks(kept, 1.0, float(sum(sums[level] for level in kept)))


def _part(expected: Floats, seen: Floats, level: int) -> Floats:
    """Return which part of the way from what is expected to `level` each pixel has gone."""
    way = level - expected
    return np.asarray((seen - expected) / np.where(np.abs(way) < 1, 1, way), dtype=np.float32)


def _thin(stroke: Flags) -> Flags:
    """Return strokes without what is thicker than any letter's."""
    kernel = np.ones((3, 3), np.uint8)
    closed = cv2.morphologyEx(stroke.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    core = cv2.distanceTransform(closed, cv2.DIST_L2, 3) > _THICK_PX / 2
    if not core.any():
        return np.asarray(closed > 0)
    near = cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 3) <= _THICK_PX
    return np.asarray((closed > 0) & ~near)


def _large(strokes: Flags) -> Flags:
    """Return strokes without specks."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(strokes.astype(np.uint8), connectivity=8)
    kept = stats[:, cv2.CC_STAT_AREA] >= _LEAST_STROKE
    kept[0] = False
    return np.asarray(kept[labels])


def _sharper(ours: Grey, theirs: Grey, strokes: Flags) -> float:
    """Return how much steeper `theirs` is under the strokes than `ours`."""
    if not strokes.any():
        return 0.0
    one, other = (
        float(np.hypot(cv2.Sobel(p, cv2.CV_32F, 1, 0), cv2.Sobel(p, cv2.CV_32F, 0, 1))[strokes].mean())
        for p in (ours, theirs)
    )
    return (other + 1) / (one + 1)


def _grown(flags: Flags, side: int) -> Flags:
    kernel = np.ones((3, 3), np.uint8) if side == 3 else _disc(side)
    return np.asarray(cv2.dilate(flags.astype(np.uint8), kernel) > 0)


def _disc(side: int) -> Grey:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), dtype=np.uint8)


def _pixels(flags: Flags, side: int) -> Flags:
    return np.repeat(np.repeat(flags, side, axis=0), side, axis=1)
