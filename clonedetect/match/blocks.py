"""Which parts of a reference are really in the query: correlation block by block.

The query is brought into the reference's thumbnail by the transform, both are
cut into blocks of 12 pixels, and each block's grey levels are correlated. A
template shared by two pictures agrees in its own blocks and not in the
photograph's; that map is what every decision is taken from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from clonedetect.match.geometry import scaling
from clonedetect.match.tone import ended, off_tone_of, tone_of
from clonedetect.signals.drawing import filled

__all__ = [
    "BLOCK_PX",
    "TEXTURED",
    "BlockMap",
    "agreement",
    "beside",
    "bring",
    "even",
    "grid_shape",
    "on_grid",
    "synthetic_share",
]

BLOCK_PX: Final = 12
"""Side of a block in thumbnail pixels: 16 blocks along a 192 pixel thumbnail."""

TEXTURED: Final = 4.0
"""Standard deviation in grey levels above which a reference block has something to correlate."""

FAINT: Final = 1.5
FEW_TEXTURED: Final = 64
"""The same for pictures of which fewer blocks have as much."""

OVERLAID: Final = 10.0
"""The same for the query where the reference is flat: something was laid over it."""

EXACTLY: Final = 1
LEAST_LEFT: Final = 0.4
"""Share of a block that must be left beside what was drawn over it."""
MOST_LONE: Final = 1
"""Textured blocks under writing that may have no agreeing block beside them: a striped dress has more."""

Grey = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BlockMap:
    """The blocks of one reference under one transform; all arrays have shape (rows, columns).

    `inside`: the query shows it; `textured`: there is something to correlate;
    `agree`: correlation over the threshold (only where inside and textured);
    `hidden`: masked as template; `covered`: something was laid over it; `off_tone`: its mean is
    not that of ours under the tone that agreeing blocks have. `brought` is the
    query laid under the grid, uint8 (12 rows, 12 columns), and `drawn` its pixels that
    were left out as drawn in even colours, bool of that shape, None where none were.
    """

    inside: Flags
    textured: Flags
    agree: Flags
    hidden: Flags
    covered: Flags
    off_tone: Flags
    brought: Grey
    drawn: Flags | None = None

    @property
    def counted(self) -> Flags:
        """Blocks that are shown, not hidden and not covered."""
        return self.inside & ~self.hidden & ~self.covered

    @property
    def textured_count(self) -> int:
        """Textured blocks that count."""
        return int((self.counted & self.textured).sum())

    @property
    def agree_share(self) -> float:
        """Agreeing share of the textured blocks that count, 0 where there are none."""
        total = self.textured_count
        return int((self.counted & self.agree).sum()) / total if total else 0.0

    @property
    def largest_disagreement(self) -> float:
        """Largest connected disagreeing group as a share of the blocks that count."""
        counted = int(self.counted.sum())
        return int(self._differing().sum()) / counted if counted else 0.0

    @property
    def largest_change(self) -> float:
        """Largest connected group that disagrees or has another tone, as a share of the blocks that count.

        Even blocks have nothing to correlate, and yet are another picture's where their grey
        level is not what the tone of the agreeing blocks, smooth over the picture, makes of ours.
        """
        counted = int(self.counted.sum())
        changed = self.counted & ((self.textured & ~self.agree) | self.off_tone)
        count, _, stats, _ = cv2.connectedComponentsWithStats(changed.astype(np.uint8), connectivity=8)
        return int(stats[1:, cv2.CC_STAT_AREA].max()) / counted if count > 1 else 0.0

    def difference_where_differing(self, other: BlockMap) -> float:
        """Return the mean difference in grey levels to `other` within our largest disagreement.

        What was left out as drawn belongs to it. `other` is another picture on the same reference.
        """
        inside = np.kron(self._differing(), np.ones((BLOCK_PX, BLOCK_PX), bool))
        if self.drawn is not None:
            inside |= self.drawn
        if not inside.any():
            return 0.0
        return float(np.abs(self.brought[inside].astype(np.int16) - other.brought[inside]).mean())

    def _differing(self) -> Flags:
        """Return the largest connected disagreeing group of the blocks that count."""
        differing = (self.counted & self.textured & ~self.agree).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(differing, connectivity=4)
        if count < 2:
            return np.zeros(differing.shape, dtype=bool)
        return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))

    @property
    def visible_share(self) -> float:
        """Share of the reference that the query shows, uncovered."""
        return float((self.inside & ~self.covered).mean())

    @property
    def covered_share(self) -> float:
        """Share of the shown blocks that something was laid over."""
        shown = int(self.inside.sum())
        return int((self.inside & self.covered).sum()) / shown if shown else 0.0

    @property
    def masked_share(self) -> float:
        """Share of the shown blocks that are hidden."""
        shown = int(self.inside.sum())
        return int((self.inside & self.hidden).sum()) / shown if shown else 0.0

    def masked(self, hidden: Flags) -> BlockMap:
        """Return the map with `hidden` in place of what was hidden."""
        return replace(self, hidden=hidden)

    def uncovered(self, covered: Flags) -> BlockMap:
        """Return the map with `covered` in place of what was covered."""
        return replace(self, covered=covered)

    def covered_beside(self, ours: Grey) -> tuple[int, int]:
        """Count the covered blocks textured in `ours`, on the grid, and those beside an agreeing one."""
        rows, columns = self.inside.shape
        spread = ours.reshape(rows, BLOCK_PX, columns, BLOCK_PX).std(axis=(1, 3))
        hidden = self.inside & self.covered & (spread > TEXTURED)
        agreeing = (self.counted & self.agree).astype(np.uint8)
        near = cv2.dilate(agreeing, np.ones((3, 3), np.uint8)) > 0
        return int(hidden.sum()), int((hidden & near).sum())

    def is_interleaved(self, ours: Grey) -> bool:
        """Whether every covered block of `ours`, on the grid, but one has an agreeing block beside it."""
        hidden, near = self.covered_beside(ours)
        return hidden - near <= MOST_LONE

    def rows(self) -> tuple[str, ...]:
        """Return the map as text: ``+`` agrees, ``-`` differs, ``.`` flat, ``#`` masked, ``x`` laid over."""
        shown = np.where(self.textured, np.where(self.agree, "+", "-"), ".")
        shown = np.where(self.covered, "x", np.where(self.hidden, "#", shown))
        return tuple("".join(row) for row in np.where(self.inside, shown, " "))

    def centres(self, width: float, height: float) -> Matrix:
        """Return the centres of the blocks that count and agree, float64 (n, 2), in a frame of this size.

        Every so many of them, so that the first few are spread over the picture.
        """
        rows, columns = np.nonzero(self.counted & self.agree)
        high, wide = self.inside.shape
        places = np.stack([(columns + 0.5) * width / wide, (rows + 0.5) * height / high], axis=1) - 0.5
        return places[np.argsort((7 * columns + 11 * rows) % 13, kind="stable")]

    def at(self, points: Matrix, width: float, height: float) -> tuple[npt.NDArray[np.intp], ...]:
        """Return (rows, columns) of the blocks of `points`, (n, 2), in a frame of `width` x `height`."""
        count_y, count_x = self.inside.shape
        columns = np.clip((points[:, 0] * count_x / width).astype(np.intp), 0, count_x - 1)
        rows = np.clip((points[:, 1] * count_y / height).astype(np.intp), 0, count_y - 1)
        return rows, columns


def grid_shape(reference: Grey) -> tuple[int, int]:
    """Return (rows, columns) of a thumbnail's grid: as many whole blocks as fit best, two at least."""
    high, wide = reference.shape
    return max(2, round(high / BLOCK_PX)), max(2, round(wide / BLOCK_PX))


def on_grid(reference: Grey) -> Grey:
    """Return a thumbnail resized to whole blocks, uint8 (12 rows, 12 columns)."""
    rows, columns = grid_shape(reference)
    canvas = (columns * BLOCK_PX, rows * BLOCK_PX)
    return np.asarray(cv2.resize(reference, canvas, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def agreement(
    reference: Grey, query: Grey, homography: Matrix, block_ncc: float, *, drawn: Flags | None = None
) -> BlockMap:
    """Correlate a reference thumbnail with the part of `query` that `homography` says shows it.

    `homography` maps thumbnail pixels to pixels of `query`. A block agrees when
    its normalised cross-correlation exceeds `block_ncc`. Pixels of the query
    that are `drawn`, bool of its shape, do not count; a block that has under
    two fifths of others is covered.
    """
    rows, columns = grid_shape(reference)
    canvas = (columns * BLOCK_PX, rows * BLOCK_PX)
    to_query = homography @ scaling(reference.shape[1] / canvas[0], reference.shape[0] / canvas[1])
    brought, shown, blur = bring(query, to_query, canvas)
    left_out = None if drawn is None else _brought_flags(drawn, to_query, canvas)
    ours = _blocks(cv2.GaussianBlur(on_grid(reference), (0, 0), blur).astype(np.float64), rows, columns)
    inside = _blocks(shown, rows, columns).mean(axis=2) > 0.95
    return _compared(ours, brought, inside, left_out, block_ncc)


def beside(blocks: BlockMap, ours: Grey, strokes: Flags, block_ncc: float) -> BlockMap:
    """Return `blocks` correlated again without the pixels of `strokes`, bool (12 rows, 12 columns).

    `ours` is the reference on the grid, of the query's detail or finer.
    """
    rows, columns = blocks.inside.shape
    cut = _blocks(cv2.GaussianBlur(ours, (0, 0), 0.8).astype(np.float64), rows, columns)
    found = _compared(cut, blocks.brought, blocks.inside, strokes, block_ncc)
    return found.masked(blocks.hidden)


def _compared(
    ours: Matrix, brought: Grey, inside: Flags, left_out: Flags | None, block_ncc: float
) -> BlockMap:
    """Compare our blocks, (rows, columns, 144), with the query `brought` under them, less `left_out`."""
    rows, columns = inside.shape
    seen = brought if left_out is None else filled(brought, left_out)
    weight = None if left_out is None else _blocks((~left_out).astype(np.float64), rows, columns)
    theirs = _blocks(cv2.GaussianBlur(seen, (0, 0), 0.8).astype(np.float64), rows, columns)
    textured, agree = _agreeing(ours, theirs, weight, block_ncc)
    textured, agree = textured & inside, agree & inside
    ours_mean, theirs_mean = ours.mean(axis=2), theirs.mean(axis=2)
    off_tone = none = np.zeros_like(inside)
    tone = tone_of(ours_mean, theirs_mean, agree, inside & ~textured)
    if tone is not None:
        cut = np.abs(tone.shown(ours) - ours).max(axis=2) > 1
        if (cut & textured & ~agree).any():
            again = _agreeing(tone.shown(ours), theirs, weight, block_ncc)
            textured, agree = (
                np.where(cut, new & inside, old) for new, old in zip(again, (textured, agree), strict=True)
            )
        textured &= ~ended(tone, ours_mean, theirs)
        agree &= textured
        off_tone = inside & off_tone_of(tone, ours_mean, theirs_mean, agree)
    covered = none if weight is None else inside & (weight.mean(axis=2) < LEAST_LEFT)
    return BlockMap(inside, textured, agree, none, covered, off_tone, brought, left_out)


def _agreeing(ours: Matrix, theirs: Matrix, weight: Matrix | None, block_ncc: float) -> tuple[Flags, Flags]:
    """Return which blocks, (rows, columns, pixels), have something to correlate, and which of these agree."""
    ncc, spread_a, spread_b = _correlation(ours, theirs, weight)
    # A block the query shows as even, where the reference is not, was covered: noise must not correlate.
    ncc = np.where(spread_b < 0.5, 0.0, ncc)
    textured = (spread_a > TEXTURED) | (spread_b > OVERLAID)
    # Vignettes and shades lay a ramp over a block; what is left without it still says what it shows.
    again, faint_a, faint_b = _correlation(_without_ramp(ours), _without_ramp(theirs), weight)
    again = np.where((spread_b < 0.5) | (np.minimum(faint_a, faint_b) < FAINT), 0.0, again)
    if np.count_nonzero(spread_a > TEXTURED) < FEW_TEXTURED:
        # Of dark and soft pictures fainter blocks count too, but not as ramps, which are alike everywhere.
        ncc = np.where(textured, ncc, again)
        textured |= faint_a > FAINT
    best = np.minimum(np.maximum(ncc, again), 1.0)  # equal blocks correlate a rounding error over one
    return textured, textured & (best > block_ncc)


def _without_ramp(blocks: Matrix) -> Matrix:
    """Return blocks, (rows, columns, 144), less the plane that fits each best."""
    line = np.arange(BLOCK_PX) - (BLOCK_PX - 1) / 2
    ramps = np.stack([np.tile(line, BLOCK_PX), np.repeat(line, BLOCK_PX)])
    return np.asarray(blocks - (blocks @ ramps.T) @ ramps / float((ramps[0] ** 2).sum()))


def _correlation(
    a: Matrix, b: Matrix, weight: Matrix | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return each block's normalised cross-correlation and both standard deviations, (rows, columns) each."""
    if weight is None:
        weight = np.ones((1, 1, a.shape[2]))
    total = np.maximum(weight.sum(axis=2, keepdims=True), 1e-6)
    a = a - (a * weight).sum(axis=2, keepdims=True) / total
    b = b - (b * weight).sum(axis=2, keepdims=True) / total
    scale = total[:, :, 0]
    spread_a = np.sqrt((a * a * weight).sum(axis=2) / scale)
    spread_b = np.sqrt((b * b * weight).sum(axis=2) / scale)
    ncc = (a * b * weight).sum(axis=2) / scale / np.maximum(spread_a * spread_b, 1e-6)
    return ncc, spread_a, spread_b


def _brought_flags(flags: Flags, to_query: Matrix, canvas: tuple[int, int]) -> Flags:
    """Return where the canvas shows any flagged pixel of the query."""
    brought, _, _ = bring(np.where(flags, np.uint8(255), np.uint8(0)), to_query, canvas)
    return brought > 64


def synthetic_share(pixels: Grey, counted: Flags) -> float:
    """Return the share of the counted blocks' pixels that are exactly even and of the two commonest levels.

    Screens, memes and documents are mostly one or two even colours; photographs are
    not, but for cut-outs on white: their darkest skies change by a level every few pixels.
    `counted` is a grid over the picture.
    """
    shown = cv2.resize(counted.astype(np.uint8), pixels.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    if not shown.any():
        return 0.0
    levels = np.bincount(pixels[shown & even(pixels, EXACTLY)], minlength=256)
    first = int(np.argmax(levels))
    total = int(levels[first])
    levels[max(0, first - 1) : first + 2] = 0
    return float((total + levels.max()) / shown.sum())


def even(pixels: Grey, levels: int = 3) -> Flags:
    """Return where the nine pixels around differ by no more than so many grey levels."""
    kernel = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.dilate(pixels, kernel).astype(np.int16) - cv2.erode(pixels, kernel) <= levels)


def bring(
    query: Grey, to_query: Matrix, canvas: tuple[int, int]
) -> tuple[Grey, npt.NDArray[np.float64], float]:
    """Return the query on the canvas, where it has pixels (0 or 1), and the blur that equals its detail."""
    middle = np.array([canvas[0] / 2, canvas[1] / 2, 1.0])
    place = to_query @ middle
    jacobian = (to_query[:2, :2] - np.outer(place[:2] / place[2], to_query[2, :2])) / place[2]
    scale = float(np.sqrt(abs(np.linalg.det(jacobian))))
    if scale > 1.3:  # the query is finer than the thumbnail: average it down, or it aliases
        size = (max(1, round(query.shape[1] / scale)), max(1, round(query.shape[0] / scale)))
        shrunk = cv2.resize(query, size, interpolation=cv2.INTER_AREA)
        to_query = scaling(size[0] / query.shape[1], size[1] / query.shape[0]) @ to_query
        query = np.asarray(shrunk, dtype=np.uint8)
    way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    brought = cv2.warpPerspective(query, to_query, canvas, flags=way, borderMode=cv2.BORDER_REPLICATE)
    whole = np.ones(query.shape, np.uint8)
    shown = cv2.warpPerspective(
        whole, to_query, canvas, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP, borderValue=(0,)
    )
    blur = max(0.8, 0.6 / max(scale, 0.1)) if scale < 1 else 0.8
    return np.asarray(brought, dtype=np.uint8), shown.astype(np.float64), blur


def _blocks(canvas: npt.NDArray[np.float64], rows: int, columns: int) -> npt.NDArray[np.float64]:
    """Return (rows, columns, 144) blocks of a canvas."""
    cut = canvas.reshape(rows, BLOCK_PX, columns, BLOCK_PX)
    return cut.transpose(0, 2, 1, 3).reshape(rows, columns, BLOCK_PX * BLOCK_PX)
