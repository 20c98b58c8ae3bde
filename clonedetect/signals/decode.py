"""Bytes of a picture to pixels, within limits, the same way for index and query.

What arrives here was made by strangers. The format list is closed, the size is
checked before a pixel is decoded, Pillow's bomb warning is an error, and no
global switch of Pillow is touched: a truncated file is loaded by this call
alone as far as it goes, and says so in its flags.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, UnidentifiedImageError, features

from clonedetect.errors import MediaError

__all__ = ["FORMATS", "MAX_PIXELS", "WORKING_SIZE", "DecodedImage", "decode", "grey_frame"]

WORKING_SIZE: Final = 640
"""Longest side in pixels of the grey frame from which every signal is made."""

MAX_PIXELS: Final = 40_000_000
"""A picture that claims more is refused unread: 12 to 24 megapixels is what phones publish."""

FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF") + (("AVIF",) if features.check("avif") else ())
"""Pillow's names of the formats that are opened; MPO (a JPEG with a second picture) comes in as JPEG."""

Image.init()  # registers every plugin: naming a format Pillow has not met yet is a KeyError there
_ANIMATED_FORMATS: Final = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
_ORIENTATION_TAG: Final = 0x0112
_TRANSPOSITIONS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Pillow's decoders raise all of these on hostile input; each of them means "not a picture we can use".
_DECODER_ERRORS: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """One picture as it is seen: oriented, on white, 8 bits a channel.

    `image` has mode ``L`` or ``RGB`` and may be smaller than the file's
    picture (a JPEG is decoded at a fraction where that suffices); `width` and
    `height` are the file's own, after EXIF orientation. `frames` is the number
    of frames of an animation where the file says it cheaply, else 1. `flags`
    names what was met, in alphabetical order: ``alpha``, ``animated``,
    ``cmyk``, ``oriented``, ``palette``, ``reduced``, ``sixteen-bit``, ``truncated``.
    """

    image: Image.Image
    width: int
    height: int
    format: str
    frames: int
    flags: tuple[str, ...]


def decode(
    data: bytes, *, working_size: int = WORKING_SIZE, max_pixels: int = MAX_PIXELS, frame: int = 0
) -> DecodedImage:
    """Decode `data` to one upright picture on white, or refuse it.

    `working_size` is the longest side the caller will work at: a JPEG is drafted
    to no less than twice that. `frame` picks a frame of an animation.
    Raises MediaError for anything that is no picture of an allowed format, is
    empty, claims more than `max_pixels`, or does not decode at all.
    """
    if not data:
        raise MediaError("no picture: the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(data, working_size, max_pixels, frame)
    except UnidentifiedImageError as error:
        raise MediaError(
            f"not a picture of a format we open ({', '.join(FORMATS)}): {len(data)} bytes"
        ) from error
    except _DECODER_ERRORS as error:
        raise MediaError(f"the picture does not decode ({type(error).__name__}: {error})") from error


def grey_frame(decoded: DecodedImage, size: int = WORKING_SIZE) -> npt.NDArray[np.uint8]:
    """Return the luma of a decoded picture, uint8 (height, width), longest side at most `size`."""
    image = decoded.image
    scale = size / max(decoded.width, decoded.height)
    if scale < 1:
        target = (max(1, round(decoded.width * scale)), max(1, round(decoded.height * scale)))
        image = image.resize(target, Image.Resampling.BOX, reducing_gap=3.0)
    elif image.size != (decoded.width, decoded.height):
        image = image.resize((decoded.width, decoded.height), Image.Resampling.BOX)
    return np.asarray(image.convert("L"), dtype=np.uint8).copy()


def _decode(data: bytes, working_size: int, max_pixels: int, frame: int) -> DecodedImage:
    flags: set[str] = set()
    with Image.open(BytesIO(data), formats=FORMATS) as image:
        _check_size(image, max_pixels)
        frames = _frames(image)
        if image.format in _ANIMATED_FORMATS and frames > 1:
            flags.add("animated")
        if frame:
            image.seek(frame)
            _check_size(image, max_pixels)
        orientation = _orientation(image)
        size = image.size
        if image.format in {"JPEG", "MPO"}:
            # In the picture's own proportions: draft keeps both sides at least as large as asked.
            wanted = [max(1, 2 * working_size * side // max(size)) for side in size]
            image.draft(None, (wanted[0], wanted[1]))
            if image.size != size:
                flags.add("reduced")
        if not _load(image):
            flags.add("truncated")
        flat = _flatten(image, flags)
        form = image.format or ""
    if orientation in _TRANSPOSITIONS:
        flat = flat.transpose(_TRANSPOSITIONS[orientation])
        flags.add("oriented")
        if orientation >= 5:
            size = (size[1], size[0])
    return DecodedImage(flat, size[0], size[1], form, frames, tuple(sorted(flags)))


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise MediaError(f"the picture has no pixels ({width} x {height})")
    if width * height > max_pixels:
        raise MediaError(
            f"the picture claims {width} x {height} pixels, more than the {max_pixels} we decode"
        )


def _frames(image: Image.Image) -> int:
    """Return the number of frames; a damaged tail must not cost us the first frame."""
    try:
        return int(getattr(image, "n_frames", 1)) if getattr(image, "is_animated", False) else 1
    except _DECODER_ERRORS:
        return 1


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 where it is absent or unreadable."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except _DECODER_ERRORS:
        return 1
    return value if isinstance(value, int) else 1


def _load(image: Image.Image) -> bool:
    """Load the pixels; return False where the file ended early but part of it is there.

    Pillow has filled its buffer up to the damage when it raises. Emptying the
    list of tiles declares the rest done, for this one picture; the documented
    alternative is a global that would let every thread accept damaged files.
    """
    try:
        image.load()
    except OSError:
        if not isinstance(image, ImageFile.ImageFile) or not image.tile:
            raise
        image.tile = []
        image.load()
        return False
    return True


def _flatten(image: Image.Image, flags: set[str]) -> Image.Image:
    """Return an 8-bit ``L`` or ``RGB`` picture: on white, without palette, CMYK or depth."""
    if image.mode in {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}:
        flags.add("sixteen-bit")
        return _from_deep(image)
    if image.mode == "CMYK":
        flags.add("cmyk")
    if image.mode in {"P", "PA"}:
        flags.add("palette")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        return _on_white(image, flags)
    if image.mode in {"L", "RGB"}:
        return image.copy()
    return image.convert("L" if image.mode == "1" else "RGB")


def _on_white(image: Image.Image, flags: set[str]) -> Image.Image:
    """Lay a picture with transparency on white, as a browser shows it."""
    with_alpha = image.convert("RGBA")
    if with_alpha.getchannel("A").getextrema() == (255, 255):
        return with_alpha.convert("RGB")
    flags.add("alpha")
    white = Image.new("RGBA", with_alpha.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, with_alpha).convert("RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """Bring 16 bits and more to 8 by a fixed factor, so that an 8-bit twin gives the same pixels."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    top = float(values.max(initial=0.0))
    if image.mode == "F" and top <= 1.0:
        values = values * 255
    elif top > 255 or image.mode.startswith("I;16"):
        values = values / 257
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))
