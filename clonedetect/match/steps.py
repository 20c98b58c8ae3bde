"""How two pictures of one thing differ pixel by pixel, and how each changes across an outline.

Plain measurements, in thumbnail pixels; `overlay` weighs them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Steps", "changed", "edges", "normals", "steps", "tone_curve"]

Grey = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

_LEVELS: Final = 16
_LEAST_CHANGE: Final = 14.0
_ASIDE_PX: Final = 3
_REACH_PX: Final = 9
_SHIFTS: Final = tuple(
    (round(radius * np.sin(turn)), round(radius * np.cos(turn)))
    for radius in (8, 13, 19)
    for turn in np.arange(0, 2 * np.pi, np.pi / 6)
)
"""Places the outline is tried at, in thumbnail pixels: past its own thickness, near its surroundings."""


def changed(ours: Grey, theirs: Grey, agreeing: Flags) -> Flags:
    """Return where `theirs` is not what `ours` becomes under the tone curve of what agrees."""
    one, other = (np.asarray(cv2.GaussianBlur(p, (0, 0), 1.2), dtype=np.uint8) for p in (ours, theirs))
    change = np.asarray(np.abs(other.astype(np.float32) - tone_curve(one, other, agreeing)[one]))
    usual = float(np.median(change[agreeing])) if agreeing.any() else 0.0
    different = (change > max(_LEAST_CHANGE, 4 * usual)).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(different, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0)


def tone_curve(ours: Grey, theirs: Grey, agreeing: Flags) -> Floats:
    """Return what each of our 256 grey levels becomes in `theirs` where they agree: medians by level."""
    level = ours[agreeing].astype(np.int64) * _LEVELS // 256
    seen = theirs[agreeing]
    centres, medians = [], []
    for number in range(_LEVELS):
        values = seen[level == number]
        if len(values) >= 32:
            centres.append((number + 0.5) * 256 / _LEVELS)
            medians.append(float(np.median(values)))
    if not centres:
        return np.arange(256, dtype=np.float32)
    return np.asarray(np.interp(np.arange(256.0), centres, medians), dtype=np.float32)


def normals(part: Flags, rows: Places, columns: Places) -> tuple[Floats, Floats]:
    """Return the directions (down, across) that lead out of `part` at each place of its outline."""
    to_part = cv2.distanceTransform((~part).astype(np.uint8), cv2.DIST_L2, 5)
    to_rest = cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 5)
    signed = cv2.GaussianBlur(to_part - to_rest, (0, 0), 2.0)
    down, across = cv2.Sobel(signed, cv2.CV_32F, 0, 1), cv2.Sobel(signed, cv2.CV_32F, 1, 0)
    length = np.hypot(down, across) + 1e-6
    found = [np.asarray((way / length)[rows, columns], dtype=np.float32) for way in (down, across)]
    return found[0], found[1]


class Steps(NamedTuple):
    """How a picture changes across an outline, in grey levels.

    `mean` step over six pixels, and `relative` to that of shifted outlines;
    `continuity`: correlation of what lies inside and outside; `peaks`: share of the
    places where the sharpest change lies on the outline and not beside it, and
    `clear_peaks` where it is clearly the sharpest; `ridge`: logarithm of the mean change on the
    outline over that beside it; `median` of the change on it; `across`: logarithm of the mean
    change across the outline over that along it: texture changes both ways, an edge one.
    """

    mean: float
    relative: float
    continuity: float
    peaks: float
    clear_peaks: float
    ridge: float
    median: float
    across: float


def steps(
    picture: Grey, within: Flags, rows: Places, columns: Places, aside: tuple[Floats, Floats]
) -> Steps | None:
    """Return how a picture changes across the outline; None where too little of it can be followed."""
    smooth = cv2.GaussianBlur(picture, (0, 0), 1.0).astype(np.float32)
    valid = _are_within(within, rows, columns, aside)
    if valid.sum() < max(12, 0.5 * len(rows)):
        return None
    profile = _profile(smooth, rows, columns, aside)
    inner, outer = profile[_REACH_PX - _ASIDE_PX], profile[_REACH_PX + _ASIDE_PX]
    own = np.abs(outer - inner)
    relative = []
    for down, across in _SHIFTS:
        there = rows + down, columns + across
        kept = _are_within(within, *there, aside)
        if kept.sum() >= max(12, 0.5 * len(rows)):
            sides = _sides(smooth, *there, aside)
            relative.append(float(own[kept].mean() / (np.abs(sides[1] - sides[0])[kept].mean() + 2)))
    is_even = min(inner[valid].std(), outer[valid].std()) <= 1
    on, beside = _changes(profile[:, valid])
    return Steps(
        mean=float(own[valid].mean()),
        relative=float(np.mean(relative)) if relative else 1.0,
        continuity=0.0 if is_even else float(np.corrcoef(inner[valid], outer[valid])[0, 1]),
        peaks=float((on > beside).mean()),
        clear_peaks=float((on > 1.5 * beside + 3).mean()),
        ridge=float(np.log((on.mean() + 2) / (beside.mean() + 2))),
        median=float(np.median(on)),
        across=_across(smooth, rows[valid], columns[valid], (aside[0][valid], aside[1][valid])),
    )


def _across(smooth: Floats, rows: Places, columns: Places, aside: tuple[Floats, Floats]) -> float:
    """Return how much more a picture changes across the outline than along it, within a pixel of it."""
    away = np.arange(-1, 2, dtype=np.float32)[:, None]
    there = rows + away * aside[0], columns + away * aside[1]
    down, over = (
        _seen(np.asarray(cv2.Sobel(smooth, cv2.CV_32F, *order, scale=1 / 8), np.float32), *there)
        for order in ((0, 1), (1, 0))
    )
    across = np.abs(down * aside[0] + over * aside[1]).mean()
    along = np.abs(down * aside[1] - over * aside[0]).mean()
    return float(np.log((across + 1) / (along + 1)))


def _changes(profile: Floats) -> tuple[Floats, Floats]:
    """Return the sharpest change over two pixels within two of the outline, and beside it, at each place."""
    change = np.abs(profile[2:] - profile[:-2])
    middle = len(change) // 2
    on = change[middle - 2 : middle + 3].max(axis=0)
    beside = np.maximum(change[: middle - 3].max(axis=0), change[middle + 4 :].max(axis=0))
    return on, beside


def _profile(smooth: Floats, rows: Places, columns: Places, aside: tuple[Floats, Floats]) -> Floats:
    """Return what is seen from nine pixels inside to nine outside of each place, float32 (19, n)."""
    away = np.arange(-_REACH_PX, _REACH_PX + 1, dtype=np.float32)[:, None]
    return _seen(smooth, rows + away * aside[0], columns + away * aside[1])


def _sides(
    smooth: Floats, rows: Places, columns: Places, aside: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Return what is seen three pixels inside and three pixels outside of each place."""
    inner, outer = (
        _seen(smooth, (rows + way * aside[0])[None], (columns + way * aside[1])[None])[0]
        for way in (-_ASIDE_PX, _ASIDE_PX)
    )
    return inner, outer


def _seen(smooth: Floats, rows: Floats, columns: Floats) -> Floats:
    seen = cv2.remap(
        smooth,
        columns.astype(np.float32),
        rows.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(seen, dtype=np.float32)


def _are_within(within: Flags, rows: Places, columns: Places, aside: tuple[Floats, Floats]) -> Flags:
    """Return at which places both sides of the outline are inside what is shown."""
    kept = np.ones(len(rows), dtype=bool)
    for way in (-_ASIDE_PX - 1, _ASIDE_PX + 1):
        y = np.rint(rows + way * aside[0]).astype(np.int64)
        x = np.rint(columns + way * aside[1]).astype(np.int64)
        valid = (y >= 0) & (x >= 0) & (y < within.shape[0]) & (x < within.shape[1])
        valid[valid] = within[y[valid], x[valid]]
        kept &= valid
    return kept


def edges(picture: Grey) -> Floats:
    """Return how strong the strongest edge within two pixels is, as a rank of 0-1 over the picture."""
    smooth = cv2.GaussianBlur(picture, (0, 0), 0.8).astype(np.float32)
    strength = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    near = cv2.dilate(strength, np.ones((5, 5), np.uint8))
    ordered = np.sort(near, axis=None)
    return np.asarray(np.searchsorted(ordered, near, side="left") / near.size, dtype=np.float32)
