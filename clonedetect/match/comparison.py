"""One picture laid on one reference: the best transform, and what agrees under it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from clonedetect.match.blocks import BLOCK_PX, BlockMap, agreement
from clonedetect.match.geometry import Alignment, align, scaling
from clonedetect.match.refinement import settled
from clonedetect.models.reference import ImageReference
from clonedetect.models.signal import FeatureSet
from clonedetect.signals.boxes import trimmed_box
from clonedetect.signals.drawing import drawn_over, filled
from clonedetect.signals.features import complement, local_features, mirror
from clonedetect.signals.image import QUERY_KEYPOINTS, QUERY_SIZE, QueryImage
from clonedetect.signals.rectangles import rectangles

__all__ = [
    "Comparison",
    "Picture",
    "bare_picture",
    "closer_picture",
    "compare",
    "picture_of",
    "pictures_of",
    "reference_features",
]

PLAIN: Final = "plain"
MIRRORED: Final = "mirrored"
COMPLEMENTED: Final = "complemented"
LEAST_DETAIL: Final = 1.2
SMALL_PART: Final = 0.62
PART_MARGIN: Final = 0.05
PART_SIZE: Final = 512
PART_KEYPOINTS: Final = 480
LEAST_DRAWN: Final = 0.1
MOST_DRAWN: Final = 0.7

Grey = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Picture:
    """One form of a picture that is laid on references: grey pixels and features.

    `form` says what was done to it; `to_plain` maps pixels of `frame` back to
    pixels of the unchanged picture's frame, which has the `shape` (height, width).
    Pixels of `frame` that are `drawn` over it in even colours do not count;
    `features` are then those without them.
    """

    form: str
    frame: Grey
    features: FeatureSet
    to_plain: Matrix
    shape: tuple[int, ...]
    drawn: npt.NDArray[np.bool_] | None = None

    @cached_property
    def rectangles(self) -> tuple[Matrix, ...]:
        """The corners of rectangles within the frame, float64 (4, 2) each, in its pixels."""
        return tuple(
            np.array([(b.left, b.top), (b.right, b.top), (b.right, b.bottom), (b.left, b.bottom)]) - 0.5
            for b in rectangles(self.frame)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A picture laid on a reference: `homography` maps thumbnail pixels to pixels of `picture.frame`.

    `thumbnail_size` is (width, height).
    """

    picture: Picture
    alignment: Alignment
    homography: Matrix
    blocks: BlockMap
    thumbnail_size: tuple[int, int]

    @property
    def is_partial(self) -> bool:
        """Whether a connected part differs or was left out: what two pictures in one template look like."""
        return self.blocks.drawn is not None or self.blocks.largest_disagreement > 0.08

    def on_grid(self, points: Matrix) -> Matrix:
        """Return points of the picture's frame, float64 (n, 2), in pixels of the grid of blocks."""
        high, wide = self.blocks.inside.shape
        reference = self.thumbnail_size
        to_grid = scaling(wide * BLOCK_PX / reference[0], high * BLOCK_PX / reference[1])
        mapped = cv2.perspectiveTransform(points[:, None, :], to_grid @ np.linalg.inv(self.homography))
        return np.asarray(mapped[:, 0, :], dtype=np.float64)

    def supported(self) -> npt.NDArray[np.bool_]:
        """Return which inliers lie in blocks that count and agree.

        Inliers on what is masked, differs, or is flat support nothing.
        """
        rows, columns = self.blocks.at(self.alignment.reference, *self.alignment.reference_size)
        return np.asarray((self.blocks.counted & self.blocks.agree)[rows, columns])


def pictures_of(query: QueryImage, *, complemented: bool = False) -> tuple[Picture, ...]:
    """Return the forms in which a query is laid on references: plain and mirrored, or both complemented."""
    shape = query.frame.shape
    width = shape[1]
    unchanged = np.eye(3)
    turned = np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    flipped = np.ascontiguousarray(query.frame[:, ::-1])
    pictures = (
        Picture(PLAIN, query.frame, query.features, unchanged, shape),
        Picture(MIRRORED, flipped, mirror(query.features), turned, shape),
    )
    if not complemented:
        return pictures
    return tuple(
        replace(
            each,
            form=COMPLEMENTED if each.form == PLAIN else f"{COMPLEMENTED} {each.form}",
            frame=255 - each.frame,
            features=complement(each.features),
        )
        for each in pictures
    )


def closer_picture(query: QueryImage, found: Comparison) -> Picture | None:
    """Return the part of a query in which `found` shows a reference small, as the file has it.

    Keypoints there are many where the whole query had few. None where the part
    is not small, the file has no more detail, or the query's colours were exchanged.
    """
    frame = found.picture.frame
    ratio = query.detail.shape[1] / frame.shape[1]
    if (
        ratio < LEAST_DETAIL
        or found.picture.form not in {PLAIN, MIRRORED}
        or frame.shape != found.picture.shape
    ):
        return None
    high, wide = (count * BLOCK_PX for count in found.blocks.inside.shape)
    corners = np.array([[[0, 0]], [[wide, 0]], [[wide, high]], [[0, high]]], dtype=np.float64)
    placed = cv2.perspectiveTransform(corners, found.homography)[:, 0, :]
    margin = PART_MARGIN * (placed.max(axis=0) - placed.min(axis=0))
    start = np.maximum(placed.min(axis=0) - margin, 0)
    end = np.minimum(placed.max(axis=0) + margin, (frame.shape[1], frame.shape[0]))
    if (end - start).max() > SMALL_PART * max(frame.shape) or (end - start).min() < 24:
        return None
    detail = query.detail if found.picture.form == PLAIN else query.detail[:, ::-1]
    left, top = np.floor(start * ratio).astype(int)
    right, bottom = np.ceil(end * ratio).astype(int)
    part = np.ascontiguousarray(detail[top:bottom, left:right])
    moved = np.array([[1.0, 0.0, left], [0.0, 1.0, top], [0.0, 0.0, 1.0]])
    to_plain = found.picture.to_plain @ scaling(1 / ratio, 1 / ratio) @ moved
    features = local_features(part, size=PART_SIZE, keypoints=PART_KEYPOINTS)
    return Picture(found.picture.form, part, features, to_plain, query.frame.shape)


def undrawn_picture(query: QueryImage) -> Picture | None:
    """Return a query without what was drawn over it in even colours; None where that is little or most."""
    frame = query.frame
    drawn = drawn_over(frame)
    inner = trimmed_box(frame)
    left, top, right, bottom = (round(side) for side in inner or (0, 0, frame.shape[1], frame.shape[0]))
    if not LEAST_DRAWN <= float(drawn[top:bottom, left:right].mean()) <= MOST_DRAWN:
        return None
    features = local_features(filled(frame, drawn), size=QUERY_SIZE, keypoints=QUERY_KEYPOINTS)
    return Picture(PLAIN, frame, features, np.eye(3), frame.shape, drawn)


def bare_picture(frame: Grey, *, complemented: bool = False) -> Picture:
    """Return a query's frame as a picture without features, dark and light exchanged if `complemented`."""
    none = FeatureSet(
        np.zeros((0, 4), np.float32), np.zeros((0, 16), np.uint8), frame.shape[1], frame.shape[0]
    )
    form, shown = (COMPLEMENTED, 255 - frame) if complemented else (PLAIN, frame)
    return Picture(form, shown, none, np.eye(3), frame.shape)


def picture_of(reference: ImageReference) -> Picture | None:
    """Return an indexed picture as one that can be laid on others; None where only its hash is known."""
    features = reference_features(reference)
    if reference.thumbnail is None or features is None:
        return None
    pixels = reference.thumbnail.pixels
    return Picture(PLAIN, pixels, features, np.eye(3), pixels.shape)


def reference_features(reference: ImageReference) -> FeatureSet | None:
    """Return the indexed features, or the thumbnail's own where the index kept none."""
    if reference.features is not None:
        return reference.features
    return None if reference.thumbnail is None else local_features(reference.thumbnail.pixels)


def compare(
    picture: Picture, reference: ImageReference, features: FeatureSet, block_ncc: float
) -> Comparison | None:
    """Lay `picture` on `reference`, whose `reference_features` are given; None where no transform fits."""
    if reference.thumbnail is None:
        return None
    alignment = align(picture.features, features)
    if alignment is None:
        return None
    thumbnail = reference.thumbnail.pixels
    to_features = scaling(features.width / thumbnail.shape[1], features.height / thumbnail.shape[0])
    high, wide = picture.frame.shape
    to_frame = scaling(wide / picture.features.width, high / picture.features.height)
    homography = to_frame @ alignment.homography @ to_features
    blocks = agreement(thumbnail, picture.frame, homography, block_ncc, drawn=picture.drawn)
    better, blocks = settled(picture.frame, thumbnail, homography, blocks, block_ncc, drawn=picture.drawn)
    if better is not homography:
        alignment = alignment.under(np.linalg.inv(to_frame) @ better @ np.linalg.inv(to_features))
    return Comparison(picture, alignment, better, blocks, (thumbnail.shape[1], thumbnail.shape[0]))
