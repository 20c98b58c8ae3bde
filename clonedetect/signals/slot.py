"""Signals that fill the slot beside the program's own, built in and off unless the settings name them.

An operator's own come from installed packages (`jobs.slotting`, docs/signals.md); these two
are the examples, one for each distance, and what benchmarks compare others with.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from clonedetect.models.signal import Algorithm
from clonedetect.models.slot import Distance, Signal

__all__ = ["BUILT_IN", "quantised"]

Grey = npt.NDArray[np.uint8]
Reals = npt.NDArray[np.float64]

_GRID: Final = 16
_CELLS: Final = 8
_CELL_PX: Final = 8
_DIRECTIONS: Final = 9
_FAINT: Final = 10.0
"""Added to a neighbourhood's gradients, so that noise in even areas is not blown up to their strength."""


def quantised(vector: Reals) -> bytes:
    """Return a vector as signed bytes, its largest entry 127; zeros, where it has no direction."""
    largest = float(np.abs(vector).max(initial=0.0))
    if largest == 0:
        return bytes(len(vector))
    return np.rint(vector * (127 / largest)).astype(np.int8).tobytes()


def block_mean(frame: Grey) -> bytes:
    """Return 256 bits: which of 16 x 16 blocks are at least as light as their median.

    Block mean value hash, first method: Yang, Gu and Niu, "Block Mean Value Based Image Perceptual
    Hashing", IIH-MSP 2006; ``BlockMeanHash`` mode 0 of OpenCV's contributed modules.
    """
    side = _GRID * _GRID
    square = cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA).astype(np.int64)
    sums = square.reshape(_GRID, _GRID, _GRID, _GRID).sum(axis=(1, 3)).reshape(-1)
    return np.packbits(sums >= np.median(sums)).tobytes()


def gradients(frame: Grey) -> bytes:
    """Return 576 signed bytes: histograms of nine directions of gradients in 8 x 8 cells, without their mean.

    Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005, over the whole
    picture: unsigned directions, two bins a pixel, each cell against its 3 x 3 neighbourhood.
    """
    side = _CELLS * _CELL_PX
    grey = cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA).astype(np.float64)
    down, across = np.gradient(grey)
    strength = np.hypot(across, down)
    place = np.arctan2(down, across) % np.pi * (_DIRECTIONS / np.pi) - 0.5
    lower = np.floor(place).astype(np.int64)
    share = place - lower
    rows, columns = np.mgrid[0:side, 0:side] // _CELL_PX
    cells = np.zeros((_CELLS, _CELLS, _DIRECTIONS))
    np.add.at(cells, (rows, columns, lower % _DIRECTIONS), strength * (1 - share))
    np.add.at(cells, (rows, columns, (lower + 1) % _DIRECTIONS), strength * share)
    energy = cv2.blur(np.square(cells).sum(axis=2), (3, 3), borderType=cv2.BORDER_REPLICATE) * 9
    vector = (cells / np.sqrt(energy + _FAINT**2)[:, :, None]).reshape(-1)
    return quantised(vector - vector.mean())


BUILT_IN: Final = (
    Signal(
        Algorithm("block-mean", 1, f"{_GRID} x {_GRID} blocks, median"),
        block_mean,
        size_bytes=32,
        distance=Distance.HAMMING,
        radius=48,
    ),
    Signal(
        Algorithm("gradients", 1, f"{_CELLS} x {_CELLS} cells of {_CELL_PX} px, {_DIRECTIONS} directions"),
        gradients,
        size_bytes=_CELLS * _CELLS * _DIRECTIONS,
        distance=Distance.COSINE,
        radius=500,
    ),
)
"""Their radii: see docs/signals.md for what lies within."""
