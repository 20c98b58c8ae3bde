"""Typed fingerprints, each with algorithm, parameters and version."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clonedetect.models.ids import Digest

__all__ = [
    "VIEWS_PER_MEDIA",
    "Algorithm",
    "FeatureSet",
    "ImageSignals",
    "TextSignals",
    "Thumbnail",
    "ViewHash",
]

VIEWS_PER_MEDIA = 32
"""A stored hash's id is ``media_id * VIEWS_PER_MEDIA + view number``."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What made a signal; two signals compare only if these are equal."""

    name: str
    version: int
    parameters: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}({self.parameters})"


@dataclass(frozen=True, slots=True)
class ViewHash:
    """A 256-bit hash (32 bytes) of one view of a picture in one dihedral form.

    `quality` is PDQ's own, 0-100.
    """

    view: str
    form: str
    bits: bytes
    quality: int


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """Grey pixels, uint8 (height, width), longest side at most 192."""

    pixels: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureSet:
    """Local features of one picture, in a frame whose longest side is `frame` pixels.

    points: float32 (n, 4) of x, y, scale, angle in degrees;
    descriptors: uint8 (n, 16), 128 bits each.
    """

    points: npt.NDArray[np.float32]
    descriptors: npt.NDArray[np.uint8]
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class ImageSignals:
    """All signals of one picture after EXIF orientation; width and height in pixels.

    `hashes` holds what the index stores (full view first); `flags` names what
    decoding met (``truncated``, ``animated``, ``alpha``, ``cmyk`` ...). Of a
    truncated file everything is of the part that came: `origin` is its top left corner (x, y) in the
    picture, `share` (0-1) how many of the picture's pixels came. `values` are
    those of the operator's signals (`models.slot`), by name.
    """

    digest: Digest
    width: int
    height: int
    quality: int
    hashes: tuple[ViewHash, ...]
    phash16: bytes
    thumbnail: Thumbnail
    features: FeatureSet | None
    flags: tuple[str, ...] = ()
    share: float = 1.0
    origin: tuple[int, int] = (0, 0)
    values: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TextSignals:
    """Fingerprints of one normalised text.

    fingerprints: uint64 (n,), sorted, distinct (winnowed grams);
    minhash: uint32 (num_perm,); `exact` is the digest of the normalised text.
    """

    normalised: str
    exact: Digest
    fingerprints: npt.NDArray[np.uint64]
    minhash: npt.NDArray[np.uint32]
