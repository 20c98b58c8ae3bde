"""Rectangles of a grey frame: the stored views, what borders leave, and the busy part of a page."""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["PANEL", "WHOLE_VIEWS", "Box", "content_box", "is_same", "query_box", "stored_box", "trimmed_box"]

Grey = npt.NDArray[np.uint8]

WHOLE_VIEWS: Final = frozenset({"full", "whole"})
"""Views of all of a picture, sampled in different ways."""

PANEL: Final = "panel "
"""The view of a rectangle found within a query; its left, top, right and bottom follow."""

SAME: Final = 0.02
"""Share of a side by which two rectangles may differ and be hashed once."""


class Box(NamedTuple):
    """A rectangle of a frame in its pixels; right and bottom are exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Pixels inside."""
        return (self.right - self.left) * (self.bottom - self.top)


def query_box(view: str, frame: Grey) -> Box | None:
    """Return the rectangle of a query's view in its frame, None for a view that is none of this frame's."""
    if view == "trimmed":
        return trimmed_box(frame)
    if view == "content":
        return content_box(frame)
    if view.startswith(PANEL):
        return Box(*(float(side) for side in view.removeprefix(PANEL).split(",")))
    return stored_box(view, frame.shape[1], frame.shape[0])


def trimmed_box(frame: Grey, tolerance: float = 6.0) -> Box | None:
    """Return what is left of a frame without its even borders, None where there are none.

    A line is border while its pixels spread less than `tolerance` grey levels
    (standard deviation) around the mean of the outermost line. At least a
    fifth of each side stays, or there is no box.
    """
    height, width = frame.shape
    top, bottom = _even_lines(frame, tolerance)
    left, right = _even_lines(np.ascontiguousarray(frame.T), tolerance)
    if top + bottom + left + right == 0:
        return None
    if width - left - right < width / 5 or height - top - bottom < height / 5:
        return None
    return Box(left, top, width - right, height - bottom)


def content_box(frame: Grey) -> Box | None:
    """Return the bounding box of the largest busy part of a screen or collage page, if there is a clear one.

    Blocks of a 32nd of the longer side are busy where their grey levels spread;
    the largest connected group wins, and must fill over half of its own box.
    """
    height, width = frame.shape
    step = max(4, max(height, width) // 32)
    rows, columns = height // step, width // step
    if rows < 4 or columns < 4:
        return None
    blocks = frame[: rows * step, : columns * step].reshape(rows, step, columns, step)
    busy = (blocks.std(axis=(1, 3)) > 6).astype(np.uint8)
    busy = cv2.morphologyEx(busy, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(busy, connectivity=4)
    if count < 2:
        return None
    left, top, wide, high, filled = (int(n) for n in stats[1 + int(np.argmax(stats[1:, 4]))])
    if filled < wide * high / 2 or wide * high < rows * columns * 0.05:
        return None
    return Box(left * step, top * step, (left + wide) * step, (top + high) * step)


def _even_lines(lines: Grey, tolerance: float) -> tuple[int, int]:
    """Return how many lines at the start and at the end of `lines` are even and alike."""
    across = lines.shape[1]
    mean = cv2.reduce(lines, 1, cv2.REDUCE_SUM, dtype=cv2.CV_64F)[:, 0] / across
    squares = cv2.reduce(lines, 1, cv2.REDUCE_SUM2, dtype=cv2.CV_64F)[:, 0] / across
    spread = np.sqrt(np.maximum(0.0, squares - mean**2))
    counts = []
    for order in (slice(None), slice(None, None, -1)):
        even = (spread[order] < tolerance) & (np.abs(mean[order] - mean[order][0]) < 2 * tolerance)
        counts.append(int(np.argmin(even)) if not even.all() else 0)
    return counts[0], counts[1]


def stored_box(view: str, width: int, height: int) -> Box | None:
    """Return the rectangle of a stored view in a frame of this size, None for a view that is none of it."""
    if view in WHOLE_VIEWS:
        return Box(0, 0, width, height)
    name, _, figure = view.rpartition("-")
    if view.startswith("square"):
        side = min(width, height)
        place = {"square": 0.5, "square-start": 0.0, "square-end": 1.0}[view]
        return _placed(width, height, side, side, place)
    if name == "portrait":
        across, down = (int(part) for part in figure.split(":"))
        unit = min(width / across, height / down)
        return _placed(width, height, unit * across, unit * down, 0.5)
    if not figure.isdigit():
        return None
    share = int(figure) / 100
    if name == "centre":
        return _placed(width, height, width * share**0.5, height * share**0.5, 0.5)
    left, top, right, bottom = 0.0, 0.0, float(width), float(height)
    return {
        "without-left": Box(width * share, top, right, bottom),
        "without-right": Box(left, top, width * (1 - share), bottom),
        "without-top": Box(left, height * share, right, bottom),
        "without-bottom": Box(left, top, right, height * (1 - share)),
    }.get(name)


def _placed(width: int, height: int, wide: float, high: float, place: float) -> Box:
    left, top = (width - wide) * place, (height - high) * place
    return Box(left, top, left + wide, top + high)


def is_same(box: Box, other: Box, width: int, height: int) -> bool:
    """Whether two rectangles differ by less than two hundredths of the frame on every side."""
    return all(
        abs(a - b) < SAME * side
        for a, b, side in zip(box, other, (width, height, width, height), strict=True)
    )
