"""Local features: SIFT keypoints spread over the picture, each binarised to 128 bits.

Keypoints are taken in turn from an 8 x 8 grid of buckets, strongest first within
each; the strongest overall would all land on caption text (top-1 retrieval 31 %
against 89 %). A bit is set where the descriptor's entry exceeds the descriptor's
own median, which any fixed permutation of the entries leaves alone: mirrored and
inverted pictures are looked up by reordering bits, without touching pixels.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from clonedetect.models.signal import Algorithm, FeatureSet

__all__ = ["SIFT", "complement", "local_features", "mirror"]

KEYPOINTS: Final = 320
REFERENCE_SIZE: Final = 448
SMALLEST_SIZE: Final = 256
GRID: Final = 8
CONTRAST: Final = 0.02
FAINT_UNDER: Final = 200
FAINT_CONTRAST: Final = 0.006
"""Pictures with fewer keypoints (night skies, soft drawings) are asked again for fainter ones."""
SIFT: Final = Algorithm(
    "sift-median-128",
    2,
    f"keypoints={KEYPOINTS} grid={GRID} size={SMALLEST_SIZE}-{REFERENCE_SIZE} faint={FAINT_UNDER}",
)

# SIFT's 128 entries are 4 rows x 4 columns x 8 directions in the keypoint's own turned frame. A mirror
# image keeps the columns along the keypoint's direction, and turns over the rows and the sense of turning.
_ENTRIES: Final = np.arange(128).reshape(4, 4, 8)
_MIRROR: Final = _ENTRIES[::-1, :, (-np.arange(8)) % 8].ravel()
# Exchanging dark and light turns every gradient round, and with it the keypoint's frame by 180 degrees.
_COMPLEMENT: Final = _ENTRIES[::-1, ::-1, :].ravel()


def local_features(
    frame: npt.NDArray[np.uint8], *, size: int = REFERENCE_SIZE, keypoints: int = KEYPOINTS
) -> FeatureSet:
    """Return up to `keypoints` features of a grey frame, uint8 (height, width).

    The frame is first brought to a longest side of at most `size` and at least
    256 pixels; `points` are in that size. Even pictures give none.
    """
    working = _resized(frame, size)
    detector = cv2.SIFT.create(0, 3, CONTRAST, 10, 1.6, enable_precise_upscale=True)
    detected = list(detector.detect(working, None))
    if len(detected) < FAINT_UNDER:
        detector = cv2.SIFT.create(0, 3, FAINT_CONTRAST, 10, 1.6, enable_precise_upscale=True)
        detected = list(detector.detect(working, None))
    found = _spread(detected, working.shape, keypoints)
    height, width = working.shape
    if not found:
        return FeatureSet(np.zeros((0, 4), np.float32), np.zeros((0, 16), np.uint8), width, height)
    kept, descriptors = detector.compute(working, found)
    points = np.array([(*p.pt, p.size, p.angle) for p in kept], dtype=np.float32).reshape(-1, 4)
    return FeatureSet(points, _binarised(np.asarray(descriptors)), width, height)


def mirror(features: FeatureSet) -> FeatureSet:
    """Return the features the left-right mirrored picture would have; its own inverse."""
    points = features.points.copy()
    points[:, 0] = features.width - 1 - points[:, 0]
    points[:, 3] = (180 - points[:, 3]) % 360
    return FeatureSet(points, _permuted(features.descriptors, _MIRROR), features.width, features.height)


def complement(features: FeatureSet) -> FeatureSet:
    """Return the features the picture with dark and light exchanged would have; its own inverse."""
    points = features.points.copy()
    points[:, 3] = (points[:, 3] + 180) % 360
    return FeatureSet(points, _permuted(features.descriptors, _COMPLEMENT), features.width, features.height)


def _resized(frame: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    longest = max(frame.shape)
    target = min(max(longest, SMALLEST_SIZE), size)
    if target == longest:
        return frame
    scale = target / longest
    wanted = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(frame, wanted, interpolation=way), dtype=np.uint8)


def _spread(found: list[cv2.KeyPoint], shape: tuple[int, ...], keypoints: int) -> list[cv2.KeyPoint]:
    """Take the strongest of every bucket, then the second of every bucket, and so on, in a fixed order."""
    height, width = shape[:2]
    found.sort(key=lambda p: (-p.response, p.pt, p.size, p.angle))
    ranks: dict[tuple[int, int], int] = {}
    ranked = []
    for order, point in enumerate(found):
        bucket = (int(point.pt[0] * GRID / width), int(point.pt[1] * GRID / height))
        ranks[bucket] = ranks.get(bucket, 0) + 1
        ranked.append((ranks[bucket], order, point))
    ranked.sort(key=lambda entry: entry[:2])
    return [point for _, _, point in ranked[:keypoints]]


def _binarised(descriptors: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    return np.packbits(descriptors > np.median(descriptors, axis=1, keepdims=True), axis=1)


def _permuted(descriptors: npt.NDArray[np.uint8], order: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    return np.packbits(np.unpackbits(descriptors, axis=1)[:, order], axis=1)
