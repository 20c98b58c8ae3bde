"""Where one picture stands in another: matched keypoints, one transform, and whether it is sane.

Deterministic throughout: brute-force Hamming matching, a scale and rotation vote,
then MAGSAC++ with a fixed seed and no threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

import cv2
import numpy as np
import numpy.typing as npt

from clonedetect.models.signal import FeatureSet

__all__ = ["Alignment", "align", "clipped", "is_sane", "scaling"]

RATIO: Final = 0.86
FARTHEST: Final = 44
REPROJECTION_PX: Final = 3.0
FEWEST: Final = 6
SEED: Final = 20260117

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """A transform of the reference's feature frame into the query's, and the keypoints that agree on it.

    homography: float64 (3, 3); reference and query: float64 (n, 2), the same
    keypoints in both frames; `reference_size` is the reference frame's width and height;
    `matched` are all keypoints that were matched, the same way, agreeing or not.
    """

    homography: Matrix
    reference: Matrix
    query: Matrix
    reference_size: tuple[int, int]
    matched: tuple[Matrix, Matrix] = (np.zeros((0, 2)), np.zeros((0, 2)))

    @property
    def inliers(self) -> int:
        """Keypoints that agree on the transform."""
        return len(self.reference)

    def under(self, homography: Matrix) -> Alignment:
        """Return the keypoints that agree on another transform instead."""
        return _inliers(homography, *self.matched, self.reference_size)


def scaling(x: float, y: float) -> Matrix:
    """Return the matrix of a resize by `x` and `y`, counted from the first pixel's centre."""
    return np.array([[x, 0.0, (x - 1) / 2], [0.0, y, (y - 1) / 2], [0.0, 0.0, 1.0]])


def clipped(corners: Matrix, box: tuple[float, float, float, float]) -> Matrix:
    """Return the part of a convex polygon, float64 (n, 2), in a box (left, top, right, bottom), maybe (0, 2).

    Side after side (Sutherland and Hodgman, 1974): OpenCV's intersection answers
    with the whole box where a corner lies just beside a side.
    """
    left, top, right, bottom = box
    kept = [(float(x), float(y)) for x, y in corners]
    for axis, limit, sign in ((0, left, 1), (1, top, 1), (0, right, -1), (1, bottom, -1)):
        inside = [sign * (point[axis] - limit) for point in kept]
        found: list[tuple[float, float]] = []
        for number, (point, depth) in enumerate(zip(kept, inside, strict=True)):
            before, depth_before = kept[number - 1], inside[number - 1]
            if (depth > 0) != (depth_before > 0):
                share = depth_before / (depth_before - depth)
                x, y = (a + share * (b - a) for a, b in zip(before, point, strict=True))
                found.append((x, y))
            if depth > 0:
                found.append(point)
        kept = found
    return np.array(kept, dtype=np.float64).reshape(-1, 2)


def align(query: FeatureSet, reference: FeatureSet) -> Alignment | None:
    """Return how `reference` lies in `query`, or None where no sane transform explains six keypoints."""
    pairs = _consistent(query, reference, _matches(query, reference))
    if len(pairs) < FEWEST:
        return None
    target = query.points[pairs[:, 0], :2].astype(np.float64)
    source = reference.points[pairs[:, 1], :2].astype(np.float64)
    best: Alignment | None = None
    for homography in (_homography(source, target), _affine(source, target)):
        if homography is None or not is_sane(homography, reference.width, reference.height):
            continue
        found = _inliers(homography, source, target, (reference.width, reference.height))
        # A homography bends to a few points; it must explain clearly more than the affine map does.
        if found.inliers >= FEWEST and (best is None or found.inliers > 1.15 * best.inliers + 2):
            best = found
    return best


def _matches(query: FeatureSet, reference: FeatureSet) -> npt.NDArray[np.int64]:
    """Return (query, reference) keypoint numbers that pass the ratio test, one partner each."""
    if len(query.descriptors) < 2 or len(reference.descriptors) < 2:
        return np.zeros((0, 2), np.int64)
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING)
    nearest = matcher.knnMatch(query.descriptors, reference.descriptors, k=2)
    kept = [
        (first.distance, first.queryIdx, first.trainIdx)
        for first, second in nearest
        if first.distance <= FARTHEST and first.distance < RATIO * second.distance
    ]
    kept.sort()
    taken: set[int] = set()
    pairs = []
    for _, asked, answered in kept:
        if answered not in taken:
            taken.add(answered)
            pairs.append((asked, answered))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _consistent(
    query: FeatureSet, reference: FeatureSet, pairs: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Keep the pairs around the commonest change of scale (an octave wide) and rotation (60 degrees wide)."""
    if len(pairs) < FEWEST:
        return pairs
    asked, answered = query.points[pairs[:, 0]], reference.points[pairs[:, 1]]
    scale = np.log2(np.maximum(asked[:, 2], 1e-3) / np.maximum(answered[:, 2], 1e-3))
    angle = asked[:, 3] - answered[:, 3]
    turned = np.abs((angle[:, None] - angle[None, :] + 180) % 360 - 180)
    near = (np.abs(scale[:, None] - scale[None, :]) <= 0.7) & (turned <= 30)
    return np.asarray(pairs[near[int(np.argmax(near.sum(axis=1)))]])


def _homography(source: Matrix, target: Matrix) -> Matrix | None:
    parameters = cast("Any", cv2.UsacParams())
    parameters.threshold = REPROJECTION_PX
    parameters.confidence = 0.999
    parameters.maxIterations = 3000
    parameters.isParallel = False
    parameters.randomGeneratorState = SEED
    parameters.score = cv2.SCORE_METHOD_MAGSAC
    parameters.sampler = cv2.SAMPLING_PROSAC
    parameters.loMethod = cv2.LOCAL_OPTIM_SIGMA
    parameters.final_polisher = cv2.MAGSAC
    try:
        found, _ = cast("Any", cv2).findHomography(source, target, parameters)
    except cv2.error:
        return None  # degenerate samples: no transform is the answer, and the affine map is still asked
    return None if found is None else np.asarray(found, dtype=np.float64)


def _affine(source: Matrix, target: Matrix) -> Matrix | None:
    found, _ = cast("Any", cv2).estimateAffine2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=REPROJECTION_PX, confidence=0.999
    )
    if found is None or not np.isfinite(found).all():
        return None
    return np.vstack([found, [0.0, 0.0, 1.0]])


def _inliers(homography: Matrix, source: Matrix, target: Matrix, size: tuple[int, int]) -> Alignment:
    mapped = cv2.perspectiveTransform(source[:, None, :], homography)[:, 0, :]
    near = np.linalg.norm(mapped - target, axis=1) <= REPROJECTION_PX
    # Several keypoints of one place (SIFT gives one per direction) are one witness.
    _, first = np.unique(np.rint(source[near]), axis=0, return_index=True)
    first.sort()
    return Alignment(homography, source[near][first], target[near][first], size, (source, target))


def is_sane(homography: Matrix, width: int, height: int) -> bool:
    """Whether a transform is one a picture can undergo: no fold, no mirror, no extreme stretch or tilt.

    1. finite, and no point of the reference on or behind the horizon;
    2. turning sense kept everywhere (mirrors are asked for by mirrored features);
    3. size between a twentieth and twenty-fold, stretch at most three-fold;
    4. area changes at most four-fold from corner to corner.
    """
    if not np.isfinite(homography).all() or abs(homography[2, 2]) < 1e-9:
        return False
    h = homography / homography[2, 2]
    corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], dtype=np.float64)
    depth = corners @ h[2]
    if (depth < 0.2).any():  # 1
        return False
    determinant = float(np.linalg.det(h))
    if determinant <= 0:  # 2
        return False
    areas = determinant / depth**3
    middle = np.array([width / 2, height / 2, 1.0])
    place = h @ middle
    jacobian = (h[:2, :2] - np.outer(place[:2] / place[2], h[2, :2])) / place[2]
    large, small = np.linalg.svd(jacobian, compute_uv=False)
    if small < 0.05 or large > 20 or large > 3 * small:  # 3
        return False
    return float(areas.max()) <= 4 * float(areas.min())  # 4
