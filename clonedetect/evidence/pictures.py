"""Pictures for the report: decoded within limits, drawn anew by us, and the matched region on them."""

from __future__ import annotations

import base64
import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from clonedetect.errors import MediaError

__all__ = ["Picture", "polygon_through", "redrawn"]

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")
"""What is ever decoded for display; SVG, PDF and the like are not pictures here."""

MAX_PIXELS = 40_000_000
SHOWN_SIDE = 800
"""Longest side in the report: 85 mm on A4 at 240 dots per inch."""

Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as shown: our own JPEG as a ``data:`` URL; width and height are the upright original's."""

    url: str
    width: int
    height: int


def redrawn(data: bytes) -> Picture:
    """Decode a foreign picture and encode it anew, without metadata, at most `SHOWN_SIDE` pixels long.

    Raises MediaError for what is no picture, or one of more than `MAX_PIXELS`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit below is stricter than Pillow's warning
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    raise MediaError(f"{opened.width} x {opened.height} pixels are too many to show")
                size = _size_after_orientation(opened)
                opened.draft("RGB", (2 * SHOWN_SIDE, 2 * SHOWN_SIDE))
                upright = ImageOps.exif_transpose(opened)
                shown = _on_white(upright)
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
    shown.info.clear()  # Pillow hands a JPEG's comment on
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=85, optimize=False)
    return Picture(f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}", *size)


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


def polygon_through(matrix: tuple[float, ...], polygon: Polygon) -> Polygon | None:
    """Map `polygon` back through a homography (9 numbers, row by row), from its target to its source.

    None where the matrix cannot be inverted, or where the polygon meets the
    horizon, on which a point has no place.
    """
    if len(matrix) != 9 or len(polygon) < 3:
        return None
    forward = np.array(matrix, dtype=np.float64).reshape(3, 3)
    if not np.isfinite(forward).all() or abs(np.linalg.det(forward)) < 1e-12:
        return None
    points = np.column_stack([np.array(polygon, dtype=np.float64), np.ones(len(polygon))])
    x, y, w = np.linalg.inv(forward) @ points.T
    if not np.isfinite(w).all() or np.abs(w).min() < 1e-9 or (np.sign(w) != np.sign(w[0])).any():
        return None
    return tuple((float(a), float(b)) for a, b in zip(x / w, y / w, strict=True))
