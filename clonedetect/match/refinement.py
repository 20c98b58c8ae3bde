"""A transform brought from a keypoint's accuracy to a pixel's, by correlation of the pictures under it.

Enhanced correlation (ECC, Evangelidis and Psarakis, 2008) looks at all pixels where the
pictures agree already or nearly: small pictures on a large page have too few keypoints
to be laid straight, and then disagree along their sides.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from clonedetect.match.blocks import BLOCK_PX, BlockMap, agreement, bring
from clonedetect.match.geometry import is_sane

__all__ = ["settled"]

SETTLED: Final = 0.97
"""Agreeing share from which nothing would change."""
HOPELESS: Final = 0.25
"""Agreeing share under which correlation has nothing to start from."""

KEPT: Final = 0.7
"""Share of the textured blocks that must still be shown: showing less must not pass for agreeing better."""

STOP: Final = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 3e-4)
SMOOTHING: Final = 5

Grey = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]


def settled(
    frame: Grey,
    thumbnail: Grey,
    homography: Matrix,
    blocks: BlockMap,
    block_ncc: float,
    *,
    drawn: npt.NDArray[np.bool_] | None = None,
) -> tuple[Matrix, BlockMap]:
    """Return `homography`, which maps `thumbnail` to `frame`, and its `blocks`, or better ones of both.

    What is `drawn` over the frame is passed on to `agreement`.
    """
    is_settled = blocks.agree_share >= SETTLED and blocks.largest_disagreement == 0
    if is_settled or blocks.agree_share < HOPELESS:
        return homography, blocks
    refined = _refined(frame, thumbnail, homography, blocks)
    if refined is None:
        return homography, blocks
    again = agreement(thumbnail, frame, refined, block_ncc, drawn=drawn)
    is_as_much = again.textured_count >= KEPT * blocks.textured_count
    return (refined, again) if is_as_much and again.agree_share > blocks.agree_share else (homography, blocks)


def _refined(frame: Grey, thumbnail: Grey, homography: Matrix, blocks: BlockMap) -> Matrix | None:
    """Return `homography` after the affine change of the thumbnail that correlates best with the frame."""
    high, wide = thumbnail.shape
    brought, shown, _ = bring(frame, homography, (wide, high))
    near = cv2.dilate((blocks.agree | ~blocks.textured).astype(np.uint8), np.ones((3, 3), np.uint8))
    pixels = np.kron(near, np.ones((BLOCK_PX, BLOCK_PX), np.uint8))
    mask = cv2.resize(pixels, (wide, high), interpolation=cv2.INTER_NEAREST) * shown.astype(np.uint8)
    start = np.eye(2, 3, dtype=np.float32)
    try:
        _, found = cv2.findTransformECC(
            thumbnail, brought, start, cv2.MOTION_AFFINE, STOP, 255 * mask, SMOOTHING
        )
    except cv2.error:
        return None  # it did not converge: the first transform stands
    change = np.vstack([found.astype(np.float64), [0.0, 0.0, 1.0]])
    return homography @ change if is_sane(change, wide, high) else None
