"""Rectangles with straight sides in a picture: the cells of a collage, a photograph in a page, an inset.

A pasted picture ends in a straight step along each of its sides, which photographs
seldom have over a tenth of their width. Lines of such steps are found, and
rectangles of which all four sides lie on lines, or at the end of the picture.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from clonedetect.signals.boxes import Box, is_same

__all__ = ["rectangles"]

STEP: Final = 7
"""Grey levels across two pixels that make a step."""

LINE: Final = 0.1
"""Share of the longer side that a line runs at least."""

LINE_DENSITY: Final = 0.6
"""Share of a line's pixels that are steps."""

SIDE_DENSITY: Final = 0.5
"""Share of each side of a rectangle that is a step."""

LEAST_SIDE: Final = 0.13
"""Sides of a rectangle, as a share of the picture's longer side."""

MOST_LINES: Final = 22
"""Lines each way that are combined, the longest first."""

CONSIDERED: Final = 120
MOST: Final = 12
"""Rectangles that are returned, those with the clearest sides first."""

Grey = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


def rectangles(frame: Grey) -> tuple[Box, ...]:
    """Return rectangles of a grey frame, uint8 (height, width), with steps for sides, clearest first.

    The whole frame is none of them. Two that share nearly all sides are one.
    """
    height, width = frame.shape
    least = round(LINE * max(height, width))
    if min(height, width) < 2 * least:
        return ()
    upright, level = _steps(frame), _steps(np.ascontiguousarray(frame.T))
    across, down = _lines(upright, least), _lines(level, least)
    return _chosen(_combined(upright, level, across, down), width, height)


def _steps(frame: Grey) -> Flags:
    """Return before which columns a row steps more than beside it, bool (height, width + 1)."""
    height, width = frame.shape
    smooth = cv2.blur(frame, (1, 3)).astype(np.int16)
    change = np.zeros((height, width + 1), np.int16)
    change[:, 1:-1] = np.abs(smooth[:, 1:] - smooth[:, :-1])
    wide = np.zeros_like(change)
    wide[:, 2:-2] = np.abs(smooth[:, 3:] - smooth[:, :-3])
    peaks = change >= cv2.dilate(change, np.ones((1, 5), np.uint8))
    steps = peaks & (np.maximum(change, wide) >= STEP)
    return np.asarray(cv2.dilate(steps.astype(np.uint8), np.ones((1, 3), np.uint8)) > 0)


def _lines(steps: Flags, least: int) -> Places:
    """Return the columns before which long lines of steps run, and both ends of the picture, in order."""
    density = cv2.boxFilter(steps.astype(np.float32), -1, (1, least), borderType=cv2.BORDER_CONSTANT)
    length = (density >= LINE_DENSITY).sum(axis=0)
    ends = [0, steps.shape[1] - 1]
    found: list[int] = []
    for column in np.argsort(-length, kind="stable"):
        if length[column] == 0 or len(found) == MOST_LINES:
            break
        if all(abs(column - other) > 3 for other in (*found, *ends)):
            found.append(int(column))
    return np.array(sorted((*found, *ends)), dtype=np.int64)


def _combined(upright: Flags, level: Flags, across: Places, down: Places) -> list[Box]:
    """Return the rectangles between lines of which all sides are steps, clearest first.

    How clear a rectangle is: the share of steps along the worst side, less half of that along the
    clearest line through all of it: two cells of a collage are no picture.
    """
    beside, above = _densities(upright, across, down), _densities(level, down, across)
    height, width = upright.shape[0], level.shape[0]
    least = LEAST_SIDE * max(height, width)
    columns = [(a, b) for a in range(len(across)) for b in range(a + 1, len(across))]
    columns = [(a, b) for a, b in columns if across[b] - across[a] >= least]
    rows = [(a, b) for a in range(len(down)) for b in range(a + 1, len(down)) if down[b] - down[a] >= least]
    if not columns or not rows:
        return []
    left, right = np.array(columns).T[:, :, None]
    top, bottom = np.array(rows).T[:, None, :]
    sides = np.stack(
        [
            beside[left, top, bottom],
            beside[right, top, bottom],
            above[top, left, right],
            above[bottom, left, right],
        ]
    )
    worst = sides.min(axis=0)
    worst[(across[right] - across[left] == width) & (down[bottom] - down[top] == height)] = 0
    inner = np.maximum(_within(beside)[left, right, top, bottom], _within(above)[top, bottom, left, right])
    clear = np.where(worst >= SIDE_DENSITY, worst - inner / 2, -1.0)
    best = np.argsort(-clear, axis=None, kind="stable")[:CONSIDERED]
    places = [np.unravel_index(int(n), clear.shape) for n in best if clear.flat[n] > -1]
    ends = (across[left[:, 0]], down[top[0]], across[right[:, 0]], down[bottom[0]])
    return [Box(*(float(side[at[n % 2]]) for n, side in enumerate(ends))) for at in places]


def _within(densities: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the densest line between two others, for each span of it: (n, n, m, m)."""
    count, spans = densities.shape[:2]
    most = np.zeros((count, count, spans, spans))
    for first in range(count - 2):
        most[first, first + 2 :] = np.maximum.accumulate(densities[first + 1 : -1], axis=0)
    return most


def _densities(steps: Flags, places: Places, between: Places) -> npt.NDArray[np.float64]:
    """Return the share of steps along each of `places` from one of `between` to another, (n, m, m).

    The picture ends at its ends: these are sides.
    """
    sums = np.zeros((len(places), steps.shape[0] + 1))
    sums[:, 1:] = np.cumsum(steps[:, places].T, axis=1)
    at = sums[:, between]
    length = np.maximum(1, between[None, :] - between[:, None])
    density = (at[:, None, :] - at[:, :, None]) / length
    density[[0, -1]] = 1.0
    return np.asarray(density)


def _chosen(found: list[Box], width: int, height: int) -> tuple[Box, ...]:
    kept: list[Box] = []
    for box in found:
        if len(kept) < MOST and not any(is_same(box, other, width, height) for other in kept):
            kept.append(box)
    return tuple(kept)
