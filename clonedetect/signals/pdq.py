"""PDQ's two halves: 64 x 64 samples of a picture, and the 256 bits of such samples.

Samples are taken in one of two ways. `reference_square` takes them where PDQ's
published code does (two box filters whose width is a 128th of the side rounded
up, then every 64th of the side rounded down), so that the hash meets hashes made
by anybody else from the full picture. Its sampling is off centre by up to a
pixel, to which PDQ is more sensitive than to anything done to the picture: the
same file at half the size is 10 bits away. `smooth_squares` weighs symmetrically
(Lanczos), so that turning or resizing a picture leaves the hash where it was.

Both are sums of products, one matrix a side, which makes many rectangles of one
picture cheap. The smooth ones are sums of whole numbers small enough for single
precision to be exact: the same pixels give the same bits on every processor.

PDQ: Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing
Algorithm", 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["BASE", "Span", "bits_of", "coefficients", "forms_of", "quality_of", "reference_square"]
__all__ += ["smooth_base", "smooth_squares"]

Grey = npt.NDArray[np.uint8]
Reals = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

SIDE: Final = 64
BASE: Final = 192
"""Side of the square of pixels from which smooth samples are taken; 256 and 640 move no more bits."""

Span = tuple[float, float]
"""Where a rectangle begins and ends along one side, 0-1 of that side."""

# Whole numbers stay exact in single precision below 2**24 = 16.8 million. Lanczos weights add up to at most
# 1.3 in magnitude: the first pass reaches 255 * 2**14 * 1.3 = 5.4 million, the second, of eighths of a grey
# level, 8 * 255 * 1.3 * 2**12 * 1.3 = 14.1 million.
_FIRST: Final = 2.0**14
_SECOND: Final = 2.0**12
_EIGHTHS: Final = 8.0

# Products of at most 2**18 steps: from there on OpenBLAS shares them among threads, and 19 views took 320 ms
# of processor time on two cores instead of 0.5.
_BLOCK: Final = 16
_ROWS_OF_BLOCKS: Final = (SIDE // _BLOCK, _BLOCK, BASE)

_FREQUENCIES: Final = np.arange(1, 17)
_COSINES: Final = np.sqrt(2 / SIDE) * np.cos(
    np.pi / (2 * SIDE) * _FREQUENCIES[:, None] * (2 * np.arange(SIDE) + 1)
)
_SIGNS: Final = (-1.0) ** _FREQUENCIES
"""What reading a side backwards does to its frequencies."""


def reference_square(grey: Grey, height: int, width: int) -> Reals:
    """Return the samples PDQ's published code takes of a picture of `height` x `width` pixels.

    `grey` is that picture, uint8 (rows, columns), or it reduced by averaging: the
    weights of the full size are then added up over each reduced pixel. float64 (64, 64).
    """
    down = _banded(grey, height)
    return _banded(np.ascontiguousarray(down.T), width).T


def smooth_base(frame: Grey) -> Singles:
    """Return a grey picture as the square of `BASE` pixels that `smooth_squares` samples, float32."""
    height, width = frame.shape
    shrunk = (min(width, BASE), min(height, BASE))
    if shrunk != (width, height):
        frame = np.asarray(cv2.resize(frame, shrunk, interpolation=cv2.INTER_AREA), np.uint8)
    if shrunk != (BASE, BASE):
        frame = np.asarray(cv2.resize(frame, (BASE, BASE), interpolation=cv2.INTER_LINEAR), np.uint8)
    return frame.astype(np.float32)


def smooth_squares(base: Singles, spans: Sequence[tuple[Span, Span]]) -> Reals:
    """Return the smooth samples of rectangles of a `smooth_base`, float64 (n, 64, 64).

    A rectangle is its span of rows and its span of columns. Pixels outside it have no part in it.
    """
    squares = np.empty((len(spans), SIDE, SIDE), np.float32)
    blocks = base.reshape(BASE, -1, _BLOCK).transpose(1, 0, 2).copy()
    passed: dict[Span, Singles] = {}
    for number, (rows, columns) in enumerate(spans):
        if rows not in passed:
            sums = (_weights(rows)[0] @ blocks).transpose(1, 0, 2).reshape(_ROWS_OF_BLOCKS)
            passed[rows] = np.rint(sums * np.float32(_EIGHTHS / _FIRST))
        squares[number] = (passed[rows] @ _weights(columns)[1]).reshape(SIDE, SIDE)
    return np.asarray(squares / (_EIGHTHS * _SECOND), np.float64)


def coefficients(squares: Reals) -> Reals:
    """Return the 16 x 16 frequencies PDQ compares, (n, 16, 16), of samples (n, 64, 64)."""
    product: Reals = _COSINES @ squares @ _COSINES.T
    return product


def forms_of(frequencies: Reals) -> Reals:
    """Return the frequencies of all eight dihedral forms of one square, (8, 16, 16) from (16, 16).

    In the order of `views.FORMS`: plain, turned by 90, 180 and 270 degrees counter-clockwise, turned
    upside down, mirrored, transposed, transposed about the other diagonal.
    """
    down, across = _SIGNS[:, None], _SIGNS[None, :]
    turned = frequencies.T
    return np.stack(
        (
            frequencies,
            turned * down,
            frequencies * down * across,
            turned * across,
            frequencies * down,
            frequencies * across,
            turned,
            turned * down * across,
        )
    )


def bits_of(frequencies: Reals) -> list[bytes]:
    """Return PDQ's 32 bytes of each (n, 16, 16): which exceed the lower median, highest frequency first."""
    flat = frequencies.reshape(-1, 256)
    median = np.partition(flat, 127, axis=1)[:, 127:128]
    packed = np.packbits((flat > median)[:, ::-1], axis=1)
    return [row.tobytes() for row in packed]


def quality_of(squares: Reals) -> list[int]:
    """Return PDQ's quality, 0-100, of each of (n, 64, 64): how much neighbouring samples differ."""
    down = np.abs(np.trunc(np.diff(squares, axis=1) * (100 / 255))).sum(axis=(1, 2))
    across = np.abs(np.trunc(np.diff(squares, axis=2) * (100 / 255))).sum(axis=(1, 2))
    return [min(100, int(total / 90)) for total in down + across]


def _banded(picture: Grey | Reals, full: int) -> Reals:
    """Return the 64 weighted sums of a picture's lines that the reference takes of `full` lines."""
    result = np.zeros((SIDE, picture.shape[1]))
    for number, (start, weights) in enumerate(_reference_weights(full, len(picture))):
        np.einsum("k,kw->w", weights, picture[start : start + len(weights)], out=result[number])
    return result


@lru_cache(maxsize=512)
def _reference_weights(full: int, lines: int) -> tuple[tuple[int, Reals], ...]:
    """Return the first line each of 64 samples weighs, and its weights, of `lines` that were `full`."""
    window = (full + 127) // 128
    inner = _two_boxes(4 * window, window, 8 * window)
    result = []
    for sample in range(SIDE):
        centre = int((sample + 0.5) * full / SIDE)
        is_clipped = sample in {0, SIDE - 1}
        start, weights = (
            _two_boxes(centre, window, full) if is_clipped else (inner[0] + centre - 4 * window, inner[1])
        )
        result.append((start, weights) if lines == full else _reduced(start, weights, lines / full))
    return tuple(result)


def _two_boxes(centre: int, window: int, full: int) -> tuple[int, Reals]:
    """Return the weights of one sample after two box filters, each averaging what of its window exists."""
    first, last = _window(np.array([centre]), window, full)
    firsts, lasts = _window(np.arange(first[0], last[0]), window, full)
    steps = np.zeros(int(lasts[-1] - firsts[0]) + 1)
    shares = 1 / ((lasts - firsts) * len(firsts))
    np.add.at(steps, firsts - firsts[0], shares)
    np.add.at(steps, lasts - firsts[0], -shares)
    return int(firsts[0]), np.cumsum(steps[:-1])


def _window(
    places: npt.NDArray[np.int64], window: int, full: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where the reference's box begins and ends at each place; an even one reaches further ahead."""
    ahead = window // 2 + 1
    return np.maximum(0, places + ahead - window), np.minimum(full, places + ahead)


def _reduced(start: int, weights: Reals, scale: float) -> tuple[int, Reals]:
    """Return the weights of lines each of which is the average of 1 / `scale` lines."""
    knots = (start + np.arange(len(weights) + 1)) * scale
    first, last = int(knots[0]), int(np.ceil(knots[-1] - 1e-9))
    before = np.interp(np.arange(first, last + 1), knots, np.concatenate(([0.0], np.cumsum(weights))))
    return first, np.diff(before)


@lru_cache(maxsize=512)
def _weights(span: Span) -> tuple[Singles, Singles]:
    """Return the Lanczos weights of one span of the base as whole numbers: (64, BASE), and (BASE, 64)."""
    start, end = span[0] * BASE, span[1] * BASE
    step = (end - start) / SIDE
    centres = start + (np.arange(SIDE) + 0.5) * step
    away = (np.arange(BASE) + 0.5 - centres[:, None]) / max(step, 1.0)
    near = np.abs(away) < 3
    lobes = np.zeros(away.shape)
    lobes[near] = np.sinc(away[near]) * np.sinc(away[near] / 3)
    edges = np.arange(BASE + 1.0)
    lobes *= np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], start), 0, 1)
    shares = lobes / lobes.sum(axis=1, keepdims=True)
    first = np.rint(shares * _FIRST).astype(np.float32)
    second = np.rint(shares * _SECOND).astype(np.float32)
    return first, np.ascontiguousarray(second.T)
