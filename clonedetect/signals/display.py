"""A foreign picture as people are shown it: decoded within limits, upright, small, nothing but pixels."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from clonedetect.errors import MediaError
from clonedetect.signals.decode import FORMATS, MAX_PIXELS

__all__ = ["SHOWN_SIDE", "ShownPicture", "shown_picture"]

SHOWN_SIDE: Final = 800
"""Longest side in pixels of what is shown: 85 mm on A4 at 240 dots per inch."""


@dataclass(frozen=True, slots=True, eq=False)
class ShownPicture:
    """Colour pixels, uint8 (rows, columns, 3), of a picture that is `width` x `height` in full size.

    Measures are in full-size pixels; what stands in for a file that is gone may be far smaller.
    """

    pixels: npt.NDArray[np.uint8]
    width: int
    height: int

    @classmethod
    def of(cls, image: Image.Image, width: int, height: int) -> Self:
        """Return an RGB `image` as it is, standing for a picture of `width` x `height`."""
        return cls(np.asarray(image, dtype=np.uint8).copy(), width, height)


def shown_picture(data: bytes) -> ShownPicture:
    """Decode a foreign picture for display, upright, on white, at most `SHOWN_SIDE` pixels long.

    Raises MediaError for what is no picture of a format we open, is cut short, or
    has more than `MAX_PIXELS`; SVG, PDF and the like are not pictures here.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit below is stricter than Pillow's warning
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    raise MediaError(f"{opened.width} x {opened.height} pixels are too many to show")
                size = _size_after_orientation(opened)
                opened.draft("RGB", (2 * SHOWN_SIDE, 2 * SHOWN_SIDE))
                shown = _on_white(ImageOps.exif_transpose(opened))
    except (
        OSError,
        SyntaxError,
        ValueError,
        ArithmeticError,
        LookupError,
        Image.DecompressionBombError,
    ) as error:
        kind = "no picture we know" if isinstance(error, UnidentifiedImageError) else type(error).__name__
        raise MediaError(f"cannot be decoded for display: {kind}") from error
    shown.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS)
    return ShownPicture.of(shown, *size)


def _size_after_orientation(image: Image.Image) -> tuple[int, int]:
    is_turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (image.height, image.width) if is_turned else image.size


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = np.asarray(image, dtype=np.float64)
        low, span = float(values.min()), float(np.ptp(values)) or 1.0
        return Image.fromarray(((values - low) * (255 / span)).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")
