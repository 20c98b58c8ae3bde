"""The panels of a drawn exhibit: outlines, joined points, one picture laid on the other, the map of blocks.

All are legible in black and white: what colour says, shape says too. Pure: the same
values give the same pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from clonedetect.match.geometry import scaling
from clonedetect.match.lettering import write
from clonedetect.signals.display import ShownPicture

__all__ = ["LINES", "MARKS", "Fitted", "block_map", "checkered", "joined", "outlined", "swatch"]

LINES: Final = 12
"""Points that are joined by lines: more cannot be followed with the eye."""

MOST_BLOCKS: Final = 32
"""Blocks along a side that are drawn; a thumbnail has 16."""

TILES: Final = 8
"""Squares along the longer side of the checkered overlay."""

MARKS: Final = {
    "+": "agrees",
    "-": "differs",
    ".": "too even to tell",
    "#": "left out: template that others share",
    "x": "something was laid over it",
    " ": "not shown",
}
"""The symbols of `ImageMeasure.blocks`, in words."""

Pixels = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]
Points = tuple[tuple[float, float], ...]

_ORANGE: Final = (213, 94, 0)
_BLUE: Final = (0, 95, 160)
_BLACK: Final = (0, 0, 0)
_WHITE: Final = (255, 255, 255)
_SHIFT: Final = 4
_FINER: Final = 2
"""Overlays are drawn this many times larger, then averaged down."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A picture brought to the size of a panel; `to_panel` maps full-size pixels to the panel's."""

    pixels: Pixels
    to_panel: Matrix

    @classmethod
    def of(cls, picture: ShownPicture, width: int, height: int) -> Fitted:
        """Return `picture` as large as `width` x `height` lets it be; a small one is enlarged."""
        scale = min(width / picture.width, height / picture.height)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        is_smaller = size[0] < picture.pixels.shape[1]
        way = cv2.INTER_AREA if is_smaller else cv2.INTER_CUBIC
        pixels = np.asarray(cv2.resize(picture.pixels, size, interpolation=way), dtype=np.uint8)
        return cls(pixels, scaling(size[0] / picture.width, size[1] / picture.height))

    @classmethod
    def around(cls, picture: ShownPicture, polygon: Points, width: int, height: int) -> Fitted:
        """Return the part of `picture` around `polygon`, in full-size pixels, as `of` would return it."""
        to_panel, size = _view(picture, polygon, (width, height))
        fine = (_FINER * size[0], _FINER * size[1])
        pixels = _brought(picture, scaling(_FINER, _FINER) @ to_panel, fine)
        return cls(np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8), to_panel)


def outlined(fitted: Fitted, polygon: Points) -> Pixels:
    """Return a picture with `polygon`, in full-size pixels, drawn on it and the rest of it paler."""
    page = fitted.pixels.copy()
    if len(polygon) < 3:
        return page
    corners = _fixed(_mapped(fitted.to_panel, polygon))
    inside = np.zeros(page.shape[:2], np.uint8)
    cv2.fillPoly(inside, [corners], (255,), shift=_SHIFT)
    pale = _pale(page, 0.6)
    page[inside == 0] = pale[inside == 0]
    for colour, thickness in ((_WHITE, 9), (_BLACK, 6), (_ORANGE, 2)):
        cv2.polylines(page, [corners], True, colour, thickness, cv2.LINE_AA, _SHIFT)
    return page


def joined(left: Fitted, right: Fitted, pairs: tuple[tuple[float, float, float, float], ...]) -> Image.Image:
    """Return two pictures side by side, and `LINES` of the point `pairs` (left x, y, right x, y) joined.

    Each pair bears the same number at both ends.
    """
    gap = 40
    high = max(len(left.pixels), len(right.pixels))
    start = left.pixels.shape[1] + gap
    page = np.full((high, start + right.pixels.shape[1], 3), 255, np.uint8)
    page[: len(left.pixels), : left.pixels.shape[1]] = _pale(left.pixels, 0.35)
    page[: len(right.pixels), start:] = _pale(right.pixels, 0.35)
    chosen = _spread(pairs)
    ends = [
        (_mapped(left.to_panel, ((x, y),))[0], _mapped(right.to_panel, ((u, v),))[0] + (start, 0))
        for x, y, u, v in chosen
    ]
    for colour, thickness in ((_WHITE, 5), (_BLUE, 2)):
        for one, other in ends:
            cv2.line(page, _point(one), _point(other), colour, thickness, cv2.LINE_AA, _SHIFT)
    for end in (place for both in ends for place in both):
        cv2.circle(page, _point(end), 12 << _SHIFT, _WHITE, -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(page, _point(end), 12 << _SHIFT, _BLACK, 2, cv2.LINE_AA, _SHIFT)
    image = Image.fromarray(page)
    for number, both in enumerate(ends, 1):
        for x, y in both:
            write(image, (float(x), float(y)), str(number), 15, anchor="mm")
    return image


def checkered(
    query: ShownPicture, ours: ShownPicture, homography: Matrix, polygon: Points, size: tuple[int, int]
) -> Pixels:
    """Return the part of the query around `polygon`, every other square of it ours, laid on by `homography`.

    `homography` maps our picture to the query, both in full-size pixels; the panel fits `size`. Our
    squares are framed. Where contours run on from square to square, the pictures are one.
    """
    to_panel, (wide, high) = _view(query, polygon, size)
    fine = scaling(_FINER, _FINER) @ to_panel
    canvas = (_FINER * wide, _FINER * high)
    theirs = _brought(query, fine, canvas)
    mine = _brought(ours, fine @ homography, canvas)
    whole = np.full(ours.pixels.shape[:2], 255, np.uint8)
    is_ours = _warped(whole, fine @ homography @ np.linalg.inv(_to_shown(ours)), canvas) > 127
    tile = max(8, -(-max(canvas) // TILES))
    rows, columns = np.indices((canvas[1], canvas[0])) // tile
    squares = ((rows + columns) % 2 == 0) & is_ours
    page = np.where(squares[:, :, None], mine, theirs).astype(np.uint8)
    edges, _ = cv2.findContours(squares.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for colour, thickness in ((_WHITE, 2 * _FINER + 1), (_BLACK, _FINER)):
        cv2.drawContours(page, edges, -1, colour, thickness)
    return np.asarray(cv2.resize(page, (wide, high), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def block_map(ours: ShownPicture, blocks: tuple[str, ...], width: int, height: int) -> Pixels:
    """Return our picture, pale, with the mark of each block of it; `blocks` as in `ImageMeasure`."""
    blocks = tuple(line[:MOST_BLOCKS] for line in blocks[:MOST_BLOCKS])
    rows, columns = len(blocks), max(1, *map(len, blocks))
    cell = max(6, min(width // columns, height // rows))
    size = (columns * cell, rows * cell)
    grey = cv2.cvtColor(ours.pixels, cv2.COLOR_RGB2GRAY)
    pale = _pale(np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8), 0.55)
    page = np.repeat(pale[:, :, None], 3, axis=2)
    for row, line in enumerate(blocks):
        for column, mark in enumerate(line.ljust(columns)):
            _mark(page[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell], mark)
    cv2.rectangle(page, (0, 0), (size[0] - 1, size[1] - 1), _BLACK, 1)
    return page


def swatch(mark: str, side: int) -> Pixels:
    """Return the mark of one kind of block alone, for a legend."""
    page = np.full((side, side, 3), 225, np.uint8)
    _mark(page, mark)
    cv2.rectangle(page, (0, 0), (side - 1, side - 1), _BLACK, 1)
    return page


def _mark(cell: Pixels, mark: str) -> None:
    """Draw the mark of one block into its cell, in place."""
    side = len(cell)
    middle, reach = (side << _SHIFT) // 2, (side << _SHIFT) // 4
    drawn = np.ascontiguousarray(cell)
    if mark == "+":
        cv2.circle(drawn, (middle, middle), reach, _BLUE, -1, cv2.LINE_AA, _SHIFT)
    elif mark == "-":
        drawn[:] = _WHITE
        for way in (1, -1):
            ends = ((middle - reach, middle - way * reach), (middle + reach, middle + way * reach))
            cv2.line(drawn, *ends, _ORANGE, max(2, side // 6), cv2.LINE_AA, _SHIFT)
    elif mark == "#":
        rows, columns = np.indices((side, side))
        drawn[(rows + columns) % 6 < 2] = _BLACK
    elif mark == "x":
        drawn[:] = (70, 70, 70)
    elif mark == " ":
        drawn[:] = _WHITE
    cell[:] = drawn
    if mark != " ":
        cell[-1], cell[:, -1] = 190, 190


def _view(query: ShownPicture, polygon: Points, size: tuple[int, int]) -> tuple[Matrix, tuple[int, int]]:
    """Return the map of the query's full-size pixels to a panel around `polygon`, and the panel's size."""
    corners = np.array(polygon or ((0, 0), (query.width, query.height)), dtype=np.float64)
    margin = 0.06 * float(np.ptp(corners, axis=0).max())
    low = np.maximum(corners.min(axis=0) - margin, 0)
    top = np.minimum(corners.max(axis=0) + margin, (query.width, query.height))
    wide, high = np.maximum(top - low, 1)
    scale = min(size[0] / wide, size[1] / high)
    move = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1.0]])
    return scaling(scale, scale) @ move, (max(1, round(wide * scale)), max(1, round(high * scale)))


def _to_shown(picture: ShownPicture) -> Matrix:
    """Return the map of a picture's full-size pixels to those that are there."""
    high, wide = picture.pixels.shape[:2]
    return scaling(wide / picture.width, high / picture.height)


def _brought(picture: ShownPicture, to_canvas: Matrix, canvas: tuple[int, int]) -> Pixels:
    return _warped(picture.pixels, to_canvas @ np.linalg.inv(_to_shown(picture)), canvas)


def _warped(pixels: Pixels, matrix: Matrix, canvas: tuple[int, int]) -> Pixels:
    white = (255,) * 3 if pixels.ndim == 3 else (0,)
    warped = cv2.warpPerspective(pixels, matrix, canvas, flags=cv2.INTER_LINEAR, borderValue=white)
    return np.asarray(warped, dtype=np.uint8)


def _pale(pixels: Pixels, share: float) -> Pixels:
    """Return pixels brought towards white by `share`."""
    return np.asarray(np.rint(pixels * (1 - share) + 255 * share), dtype=np.uint8)


def _spread(
    pairs: tuple[tuple[float, float, float, float], ...],
) -> tuple[tuple[float, float, float, float], ...]:
    """Return up to `LINES` pairs as far apart as can be on the left, beginning with the first."""
    if len(pairs) <= LINES:
        return pairs
    places = np.array(pairs, dtype=np.float64)[:, :2]
    chosen = [0]
    farness = np.hypot(*(places - places[0]).T)
    while len(chosen) < LINES:
        chosen.append(int(np.argmax(farness)))
        farness = np.minimum(farness, np.hypot(*(places - places[chosen[-1]]).T))
    return tuple(pairs[number] for number in chosen)


def _mapped(matrix: Matrix, points: Points) -> Matrix:
    spread = np.array(points, dtype=np.float64).reshape(-1, 1, 2)
    return np.asarray(cv2.perspectiveTransform(spread, matrix), dtype=np.float64)[:, 0, :]


def _fixed(points: Matrix) -> npt.NDArray[np.int32]:
    """Return points as OpenCV's fixed-point numbers, kept where its drawing does not overflow."""
    return np.clip(np.rint(points * (1 << _SHIFT)), -(1 << 24), 1 << 24).astype(np.int32)


def _point(place: Matrix) -> tuple[int, int]:
    x, y = _fixed(place)
    return int(x), int(y)
