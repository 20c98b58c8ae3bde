"""What was drawn over a picture in even colours, and the picture as if it had not been.

Stripes, bars and labels have pixels of one exact level, which photographs have only
where they are blown out. Their edges take the keypoints that the picture needs, so
they are filled smoothly from what surrounds them before features are asked again.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["drawn_over", "filled"]

EVEN: Final = 3
LEVEL_SHARE: Final = 0.04
LEVELS: Final = 4
LEAST_GROUP: Final = 0.002
MARGIN_PX: Final = 3

Grey = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]


def drawn_over(frame: Grey) -> Flags:
    """Return where a grey frame, uint8 (height, width), is of one of its few even levels, with a margin.

    An even level covers a 25th of the frame or more; specks are left out.
    """
    kernel = np.ones((3, 3), np.uint8)
    even = cv2.dilate(frame, kernel).astype(np.int16) - cv2.erode(frame, kernel) <= EVEN
    levels = np.bincount(frame[even], minlength=256)
    found = np.zeros(frame.shape, dtype=bool)
    for _ in range(LEVELS):
        sums = np.convolve(levels, np.ones(5), "same")
        level = int(np.argmax(sums))
        if sums[level] < LEVEL_SHARE * frame.size:
            break
        found |= even & (np.abs(frame.astype(np.int16) - level) <= 2)
        levels[max(0, level - 4) : level + 5] = 0
    whole = cv2.dilate(found.astype(np.uint8), kernel)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(whole, connectivity=4)
    large = stats[:, cv2.CC_STAT_AREA] >= LEAST_GROUP * frame.size
    large[0] = False
    margin = np.ones((2 * MARGIN_PX + 1, 2 * MARGIN_PX + 1), np.uint8)
    return np.asarray(cv2.dilate(large[labels].astype(np.uint8), margin) > 0)


def filled(frame: Grey, gone: Flags) -> Grey:
    """Return `frame` with the pixels `gone` replaced by a smooth continuation of what surrounds them."""
    known = (~gone).astype(np.float32)
    result = _continued(frame.astype(np.float32) * known, known)
    return np.where(gone, np.clip(np.rint(result), 0, 255), frame).astype(np.uint8)


def _continued(weighted: npt.NDArray[np.float32], known: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Fill by halving: what a level does not know, it takes from the one below (push-pull)."""
    mean = weighted / np.maximum(known, 1e-6)
    if min(weighted.shape) < 4 or float(known.min()) > 0.5:
        return np.asarray(mean, dtype=np.float32)
    below = _continued(cv2.pyrDown(weighted).astype(np.float32), cv2.pyrDown(known).astype(np.float32))
    above = cv2.pyrUp(below, dstsize=(weighted.shape[1], weighted.shape[0]))
    share = np.minimum(known, 1.0)
    return np.asarray(share * mean + (1 - share) * above, dtype=np.float32)
