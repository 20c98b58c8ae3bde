"""A foreign picture as people are shown it: decoded within limits, upright, small, nothing but pixels."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from clonedetect.errors import MediaError
from clonedetect.signals.decode import FORMATS, MAX_PIXELS
from clonedetect.signals.partial import continued, decoded_part, is_cut_webp

__all__ = ["SHOWN_SIDE", "ShownPicture", "shown_picture"]

SHOWN_SIDE: Final = 800
"""Longest side in pixels of what is shown: 85 mm on A4 at 240 dots per inch."""

_ORIENTATION: Final = 0x0112


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

    Where a file ends early, what did not come is hatched. Raises MediaError for what is no
    picture of a format we open, gives no pixel, or has more than `MAX_PIXELS`; SVG, PDF and the
    like are not pictures here.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit below is stricter than Pillow's warning
            with _opened(continued(data) if is_cut_webp(data) else data) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    raise MediaError(f"{opened.width} x {opened.height} pixels are too many to show")
                size = opened.size
                shown = _whole_or_part(_draft(opened), data)
                orientation = _orientation(opened)
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
    shown = _upright(shown, orientation)
    shown.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS)
    return ShownPicture.of(shown, *(size[::-1] if orientation in {5, 6, 7, 8} else size))


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=FORMATS)


def _draft(image: Image.Image) -> Image.Image:
    image.draft("RGB", (2 * SHOWN_SIDE, 2 * SHOWN_SIDE))
    return image


def _whole_or_part(image: Image.Image, data: bytes) -> Image.Image:
    """Return the picture on white as it is stored; of a file that ends early what came, over hatching."""
    if not is_cut_webp(data):
        try:
            return _on_white(image)
        except OSError:
            if not getattr(image, "tile", ()):
                raise
    part = decoded_part(data, lambda content: _draft(_opened(content)))
    top, bottom = round(part.top * image.height), max(1, round(part.bottom * image.height))
    whole = _hatched(image.width, image.height)
    whole.paste(_on_white(part.image).resize((image.width, bottom - top)), (0, top))
    return whole


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation that is still to be undone, once loaded; 1 where it cannot be read."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error):
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    image.info["exif"] = exif.tobytes()
    return ImageOps.exif_transpose(image)


def _hatched(width: int, height: int) -> Image.Image:
    """Return an area that nobody takes for a picture: diagonal stripes of two light greys."""
    places = np.add.outer(np.arange(height), np.arange(width)) * 48 // (width + height) % 2
    levels = np.where(places, 235, 205).astype(np.uint8)
    return Image.fromarray(levels).convert("RGB")


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
