"""A picture of a whole page, many screens tall, cut into overlapping bands of about two screens each.

What a page shows is small beside the whole of such a picture: of four posts on sixteen photographs
in 1280 x 11080 pixels none was found in the whole, and all were in bands of it. Each band overlaps the
next by half, so that whatever is no taller than the page is wide stands whole in one of them.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Final

from PIL import Image

from clonedetect.errors import MediaError
from clonedetect.signals.decode import FORMATS, MAX_PIXELS

__all__ = ["MOST_BANDS", "TALL", "Band", "bands"]

TALL: Final = 2
"""Heights in widths above which a picture is cut; below it everything was found in the whole."""

MOST_BANDS: Final = 40

_NO_PICTURE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    ArithmeticError,
    LookupError,
    Image.DecompressionBombError,
)


@dataclass(frozen=True, slots=True)
class Band:
    """Rows `top` to `bottom` of a picture, as a PNG of their own."""

    top: int
    bottom: int
    png: bytes


def bands(data: bytes) -> tuple[Band, ...]:
    """Return the bands, from the top, of a picture more than `TALL` times as tall as wide; else none.

    At most `MOST_BANDS`: what lies below is in none. Raises MediaError for what does not decode whole.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit is stricter than Pillow's warning
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise MediaError(f"{width} x {height} pixels are too many")
                if height <= TALL * width:
                    return ()
                layer = image.convert("RGBA")
                page = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    except _NO_PICTURE as error:
        raise MediaError(f"a screenshot that cannot be decoded: {type(error).__name__}") from error
    tops = range(0, max(1, height - width), width)[:MOST_BANDS]
    return tuple(_band(page, top, min(height, top + TALL * width)) for top in tops)


def _band(page: Image.Image, top: int, bottom: int) -> Band:
    buffer = io.BytesIO()
    page.crop((0, top, page.width, bottom)).save(buffer, "PNG", compress_level=1)
    return Band(top, bottom, buffer.getvalue())
