"""Bytes of a picture to its signals: hashes first, local features only for who asks.

The index asks `image_signals` for everything. A query is prepared by
`query_image` in a few milliseconds (decode, hashes), and its features are
computed only where the hashes leave the question open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from clonedetect.models.ids import digest_of
from clonedetect.models.signal import Algorithm, FeatureSet, ImageSignals, Thumbnail, ViewHash
from clonedetect.models.slot import Signal
from clonedetect.signals.boxes import trimmed_box
from clonedetect.signals.decode import DecodedImage, decode, grey_frame
from clonedetect.signals.features import SIFT, local_features
from clonedetect.signals.pdq import quality_of
from clonedetect.signals.rectangles import rectangles
from clonedetect.signals.views import (
    PDQ,
    PHASH16,
    Sampled,
    panel_views,
    perceptual_hash,
    query_views,
    sampled,
    stored_views,
)

__all__ = [
    "IMAGE_ALGORITHMS",
    "THUMBNAIL",
    "QueryImage",
    "image_signals",
    "image_signals_with",
    "query_hashes",
    "query_image",
]

THUMBNAIL_SIZE: Final = 192
QUERY_SIZE: Final = 512
DETAIL_SIZE: Final = 1280
QUERY_KEYPOINTS: Final = 512
TELLING_QUALITY: Final = 50
"""PDQ's own advice: hashes of a lower quality tell too little."""
THUMBNAIL: Final = Algorithm("grey-thumbnail", 1, f"size={THUMBNAIL_SIZE} area")
IMAGE_ALGORITHMS: Final = (PDQ, PHASH16, THUMBNAIL, SIFT)
"""What made an `ImageSignals`, for the index to store beside it; signals of other versions do not compare."""


@dataclass(frozen=True, eq=False)
class QueryImage:
    """A picture that is asked about.

    `signals` are those an index would hold, `hashes` the variants to look up,
    `frame` the grey picture, uint8 (height, width), longest side at most 640,
    `detail` the same at twice that where the file has as much.
    """

    signals: ImageSignals
    hashes: tuple[ViewHash, ...]
    frame: npt.NDArray[np.uint8]
    detail: npt.NDArray[np.uint8]

    @cached_property
    def content(self) -> float:
        """The share of the picture within its even borders, 1 where it has none."""
        inner = trimmed_box(self.frame)
        return 1.0 if inner is None else inner.area / self.frame.size

    @cached_property
    def panels(self) -> tuple[ViewHash, ...]:
        """The hashes of rectangles within the picture, made when first asked for."""
        return panel_views(self.frame, rectangles(self.frame))

    @cached_property
    def features(self) -> FeatureSet:
        """The local features, made when first asked for.

        More than a reference's, because a query may show the reference small; with 640 in 640
        pixels, at a quarter more time, no more copies were confirmed (docs/images.md).
        """
        return local_features(self.frame, size=QUERY_SIZE, keypoints=QUERY_KEYPOINTS)


def image_signals(data: bytes, *, features: bool = True) -> ImageSignals:
    """Return the signals an index holds of the picture in `data`.

    Without `features` only the hashes and the thumbnail are made.
    Raises MediaError where `data` is no usable picture.
    """
    made, frame = _made(data)
    return replace(made, features=local_features(frame)) if features else made


def image_signals_with(data: bytes, signals: Sequence[Signal]) -> ImageSignals:
    """Return what `image_signals` returns, and the values of the operator's `signals`.

    Raises MediaError where `data` is no usable picture, DependencyError where one of `signals` fails.
    """
    made, frame = _made(data)
    values = tuple((signal.name, signal.value(frame)) for signal in signals)
    return replace(made, features=local_features(frame), values=values)


def _made(data: bytes) -> tuple[ImageSignals, npt.NDArray[np.uint8]]:
    decoded = decode(data)
    picture, later = _main_still(decoded)
    return _signals(data, decoded, picture, later), picture.frame


def query_image(data: bytes) -> QueryImage:
    """Prepare the picture in `data` to be asked about: signals and query hashes, no features yet.

    Raises MediaError where `data` is no usable picture.
    """
    decoded = decode(data)
    picture, later = _main_still(decoded)
    signals = _signals(data, decoded, picture, later)
    detail = grey_frame(decoded.stills[0], DETAIL_SIZE) if not later else picture.frame
    return QueryImage(signals, query_views(picture, later), picture.frame, detail)


def query_hashes(data: bytes) -> tuple[ViewHash, ...]:
    """Return the hashes to look up for the picture in `data`, its full view first.

    Raises MediaError where `data` is no usable picture.
    """
    return query_image(data).hashes


def _main_still(decoded: DecodedImage) -> tuple[Sampled, list[Sampled]]:
    """Return the frame that stands for a picture, and the other sampled frames.

    The first, unless it tells too little and a later one does not: animations begin with a blank, or fade in.
    """
    stills = [sampled(still, decoded.height, decoded.width) for still in decoded.stills]
    quality = [quality_of(still.reference[None])[0] for still in stills]
    chosen = 0 if quality[0] >= TELLING_QUALITY else quality.index(max(quality))
    return stills[chosen], stills[:chosen] + stills[chosen + 1 :]


def _signals(data: bytes, decoded: DecodedImage, picture: Sampled, later: list[Sampled]) -> ImageSignals:
    hashes = stored_views(picture, later)
    return ImageSignals(
        digest=digest_of(data),
        width=decoded.width,
        height=decoded.height,
        quality=hashes[0].quality,
        hashes=hashes,
        phash16=perceptual_hash(picture),
        thumbnail=_thumbnail(picture.frame),
        features=None,
        flags=decoded.flags,
        share=decoded.share,
        origin=decoded.origin,
    )


def _thumbnail(frame: npt.NDArray[np.uint8]) -> Thumbnail:
    scale = THUMBNAIL_SIZE / max(frame.shape)
    if scale >= 1:
        return Thumbnail(frame.copy())
    size = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
    return Thumbnail(np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8))
