"""The fingerprints of an icon: the number under which search engines for hosts list it, and how it looks."""

from __future__ import annotations

import base64
import struct
import warnings
from io import BytesIO

import imagehash
import mmh3
import numpy as np
from PIL import Image

from clonedetect.errors import MediaError
from clonedetect.models.signal import Algorithm
from clonedetect.models.trait import IconPrint
from clonedetect.signals.decode import FORMATS

__all__ = ["LOOK", "MMH3", "icon_print"]

MMH3 = Algorithm(
    "mmh3",
    1,
    "x86 32-bit, seed 0, signed, over base64 in lines of 76 (RFC 2045) as search engines for hosts do",
)
LOOK = Algorithm("phash", 1, "64 bits, largest frame on white, imagehash")

_ICO = b"\x00\x00\x01\x00"
_MAX_SIDE = 2_048
_LEAST_CONTRAST = 4.0
"""Standard deviation of grey levels below which an icon is one flat colour, and looks like any other."""

_MARKUP = (b"<svg", b"<?xml")


def icon_print(data: bytes) -> IconPrint:
    """Return the fingerprints of an icon's bytes; raises MediaError for what is no icon.

    SVG is told by its beginning and never drawn: it has no look. A picture that cannot be decoded is no icon:
    many servers answer with a page whatever is asked for.
    """
    number = str(mmh3.hash(base64.encodebytes(data), signed=True))
    if data.lstrip()[:5].lower().startswith(_MARKUP) and b"<svg" in data[:2_048].lower():
        return IconPrint(number, "")
    return IconPrint(number, _look(data))


def _look(data: bytes) -> str:
    formats = ("ICO",) if data.startswith(_ICO) else FORMATS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=formats) as opened:
                if max(opened.size) > _MAX_SIDE:
                    raise MediaError(f"{opened.width} x {opened.height} pixels are no icon")
                layer = opened.convert("RGBA")
    except (OSError, SyntaxError, ValueError, ArithmeticError, LookupError, struct.error, Warning) as error:
        raise MediaError(f"no icon: {type(error).__name__}") from error
    grey = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("L")
    if float(np.asarray(grey, np.float64).std()) < _LEAST_CONTRAST:
        return ""
    return str(imagehash.phash(grey, hash_size=8))
