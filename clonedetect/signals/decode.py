"""Bytes of a picture to grey pixels, within limits, the same way for index and query.

What arrives here was made by strangers. The format list is closed, the size is
checked before a pixel is decoded, Pillow's bomb warning is an error, texts and
colour profiles inside a PNG are cut out before they are unpacked, and no global
switch of Pillow is touched: of a truncated file only what came of it is taken (see
`partial`), and its flags and share say so.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, UnidentifiedImageError, features

from clonedetect.errors import MediaError
from clonedetect.signals.partial import Part, continued, decoded_part, is_cut_webp

__all__ = ["FORMATS", "FRAMES", "MAX_PIXELS", "WORKING_SIZE", "DecodedImage", "decode", "grey_frame"]

WORKING_SIZE: Final = 640
"""Longest side in pixels of the grey frame from which features and smooth hashes are made."""

MAX_PIXELS: Final = 40_000_000
"""A picture that claims more is refused unread: 12 to 24 megapixels is what phones publish."""

FRAMES: Final = 8
"""How many frames of an animation are looked at, evenly spaced, the first always among them."""

try:
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, decode_threads=1)
except ImportError:  # the extra `heic` is not there
    HEIF_OPENS = False
else:
    HEIF_OPENS = True

FORMATS: Final = (
    ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
    + (("AVIF",) if features.check("avif") else ())
    + (("HEIF",) if HEIF_OPENS else ())
)
"""Pillow's names of the formats that are opened; MPO (a JPEG with a second picture) comes in as JPEG."""

Image.init()  # registers every plugin: naming a format Pillow has not met yet is a KeyError there
_ANIMATED_FORMATS: Final = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
_DEEP_MODES: Final = frozenset({"I;16", "I;16L", "I;16B", "I;16N", "I", "F"})
_WHOLE_PIXELS: Final = 4_000_000
_BAND_PIXELS: Final = 500_000
_ORIENTATION_TAG: Final = 0x0112
_UPRIGHT: Final = {
    2: (True, 0),
    3: (False, 2),
    4: (True, 2),
    5: (True, 1),
    6: (False, 3),
    7: (True, 3),
    8: (False, 1),
}
"""What undoes an EXIF orientation: whether to mirror, then how many quarter turns counter-clockwise."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PACKED_CHUNKS: Final = frozenset({b"zTXt", b"iTXt", b"tEXt", b"iCCP"})
_HEIF_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
_HEADS: Final = {
    b"\xff\xd8\xff": "JPEG",
    _PNG: "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"RIFF": "WEBP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
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
    """One picture as it is seen: oriented, on white, its luma in 8 bits.

    `stills` are uint8 (rows, columns), the first frame first and of an animation
    up to `FRAMES`; a longest side of two working sizes and more is halved until
    it is between one and two. `width` and `height` are the file's own,
    after EXIF orientation; of a truncated file they and the stills are those of the part that came,
    `origin` is that part's top left corner in the picture (x, y), and `share` (0-1) how many
    of its pixels came. `frames` is the number of frames of an animation where
    the file says it cheaply, else 1. `flags` names what was met, in alphabetical
    order: ``alpha``, ``animated``, ``cmyk``, ``oriented``, ``palette``,
    ``reduced``, ``sixteen-bit``, ``truncated``.
    """

    stills: tuple[npt.NDArray[np.uint8], ...]
    width: int
    height: int
    format: str
    frames: int
    flags: tuple[str, ...]
    share: float = 1.0
    origin: tuple[int, int] = (0, 0)

    @property
    def grey(self) -> npt.NDArray[np.uint8]:
        """The first frame."""
        return self.stills[0]


def decode(data: bytes, *, working_size: int = WORKING_SIZE, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Decode `data` to one upright grey picture on white, or refuse it.

    `working_size` is the longest side the caller will work at: a JPEG is decoded
    at a fraction that is no less than twice that.
    Raises MediaError for anything that is no picture of an allowed format, is
    empty, claims more than `max_pixels`, or does not decode at all.
    """
    if not data:
        raise MediaError("no picture: the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(data, working_size, max_pixels)
    except UnidentifiedImageError as error:
        raise MediaError(_unopened(data)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaError(f"the picture claims more pixels than the {max_pixels} we decode") from error
    except _DECODER_ERRORS as error:
        if named := _named(data):
            why = f"{type(error).__name__}: {error}"
            raise MediaError(f"a {named} picture that is damaged or ends early: {why}") from error
        raise MediaError(f"the picture does not decode ({type(error).__name__}: {error})") from error


def grey_frame(grey: npt.NDArray[np.uint8], size: int = WORKING_SIZE) -> npt.NDArray[np.uint8]:
    """Return a grey picture, uint8 (height, width), with a longest side of at most `size`."""
    scale = size / max(grey.shape)
    if scale >= 1:
        return grey
    wanted = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    return np.asarray(cv2.resize(grey, wanted, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _decode(data: bytes, working_size: int, max_pixels: int) -> DecodedImage:
    flags: set[str] = set()
    data = _without_packed_chunks(data)
    with _opened(continued(data) if is_cut_webp(data) else data) as image:
        _check_size(image, max_pixels)
        frames = _frames(image)
        if frames > 1:
            flags.add("animated")
        size = image.size
        _draft(image, working_size)
        if image.size != size:
            flags.add("reduced")
        form = image.format or ""
        part = None if not is_cut_webp(data) and _load(image) else _part(data, working_size)
        orientation = _orientation(image)
        stills = [_still(image if part is None else part.image, flags, orientation, working_size)]
        for number in _sampled(frames, max_pixels // (size[0] * size[1])) if part is None else ():
            try:
                image.seek(number)
                _check_size(image, max_pixels)
                image.load()
            except _DECODER_ERRORS:
                flags.add("truncated")
                break
            stills.append(_still(image, flags, orientation, working_size))
    if part is not None and (part.share < 1 or part.is_coarse):
        flags.add("truncated")
    if orientation in _UPRIGHT:
        flags.add("oriented")
    left, top, right, bottom = _upright_box(part, size, orientation)
    return DecodedImage(
        tuple(stills),
        right - left,
        bottom - top,
        form,
        frames,
        tuple(sorted(flags)),
        1.0 if part is None else part.share,
        (left, top),
    )


def _opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data), formats=FORMATS)


def _draft(image: Image.Image, working_size: int) -> None:
    """Have a JPEG decoded no larger than needed.

    In the picture's own proportions: draft keeps both sides at least as large as asked. Luma is
    what a JPEG stores; asking for it alone leaves colour undecoded.
    """
    if image.format in {"JPEG", "MPO"}:
        wanted = [max(1, 2 * working_size * side // max(image.size)) for side in image.size]
        image.draft("L", (wanted[0], wanted[1]))


def _part(data: bytes, working_size: int) -> Part:
    """Return what came of a file that ends early, drafted as the whole would be."""

    def opened(content: bytes) -> Image.Image:
        image = _opened(content)
        _draft(image, working_size)
        return image

    return decoded_part(data, opened)


def _upright_box(part: Part | None, size: tuple[int, int], orientation: int) -> tuple[int, int, int, int]:
    """Return where the part of a stored picture of `size` lies once upright: left, top, right, bottom."""
    width, height = size
    left, top, right, bottom = 0, 0, width, height
    if part is not None:
        top = round(part.top * height)
        bottom = max(top + 1, round(part.bottom * height))
    is_mirrored, turns = _UPRIGHT.get(orientation, (False, 0))
    if is_mirrored:
        left, right = width - right, width - left
    for _ in range(turns):
        left, top, right, bottom = top, width - right, bottom, width - left
        width, height = height, width
    return left, top, right, bottom


def _still(image: Image.Image, flags: set[str], orientation: int, working_size: int) -> npt.NDArray[np.uint8]:
    """Return what is loaded as grey pixels of its own: flat, no larger than needed, upright."""
    grey = _grey(image, flags)
    times = 1 << max(0, (max(grey.shape) // working_size).bit_length() - 1)
    if times > 1:
        rows, columns = (max(times, side // times * times) for side in grey.shape)
        whole = (max(1, columns // times), max(1, rows // times))
        grey = np.asarray(cv2.resize(grey[:rows, :columns], whole, interpolation=cv2.INTER_AREA), np.uint8)
    return np.array(_upright(grey, orientation), order="C")


def _grey(image: Image.Image, flags: set[str]) -> npt.NDArray[np.uint8]:
    """Return what is loaded as luma; a large picture band by band, for whole it would be held five times."""
    width, height = image.size
    if width * height <= _WHOLE_PIXELS or image.mode in _DEEP_MODES:
        return np.asarray(_flatten(image, flags), dtype=np.uint8)
    grey = np.empty((height, width), np.uint8)
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        grey[top:bottom] = np.asarray(_flatten(image.crop((0, top, width, bottom)), flags), dtype=np.uint8)
    return grey


def _upright(grey: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    is_mirrored, turns = _UPRIGHT.get(orientation, (False, 0))
    return np.rot90(grey[:, ::-1] if is_mirrored else grey, turns)


def _sampled(frames: int, affordable: int) -> list[int]:
    """Return the numbers of the frames after the first to look at, evenly spaced over those we can afford."""
    last = max(0, min(frames, affordable) - 1)
    count = min(FRAMES - 1, last)
    return [round(last * step / count) for step in range(1, count + 1)]


def _without_packed_chunks(data: bytes) -> bytes:
    """Return a PNG without its texts and colour profile, anything else as it is.

    They say nothing of the pixels, and Pillow refuses the whole picture where one unpacks to too
    much, while browsers show it: a copy could hide behind a text.
    """
    if not data.startswith(_PNG):
        return data
    kept, place = [_PNG], len(_PNG)
    while place + 8 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4])
        if data[place + 4 : place + 8] not in _PACKED_CHUNKS:
            kept.append(data[place:end])
        place = end
    kept.append(data[place:])
    return b"".join(kept)


def _unopened(data: bytes) -> str:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS and not HEIF_OPENS:
        return "a HEIC picture: to open these install the extra, pip install 'clonedetect[heic]'"
    if named := _named(data):
        return f"a {named} picture that is damaged or ends early: nothing of it can be decoded"
    return f"not a picture of a format we open ({', '.join(FORMATS)}): {len(data)} bytes"


def _named(data: bytes) -> str:
    """Return the format that a file's first bytes claim, "" for none that is opened."""
    if data[4:8] == b"ftyp":
        return "AVIF" if data[8:12] in _AVIF_BRANDS else "HEIF" if data[8:12] in _HEIF_BRANDS else ""
    return next((name for head, name in _HEADS.items() if data.startswith(head)), "")


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise MediaError(f"the picture has no pixels ({width} x {height})")
    if width * height > max_pixels:
        raise MediaError(
            f"the picture claims {width} x {height} pixels, more than the {max_pixels} we decode"
        )


def _frames(image: Image.Image) -> int:
    """Return the number of frames that move; a damaged tail must not cost us the first frame."""
    if image.format not in _ANIMATED_FORMATS:
        return 1
    try:
        return int(getattr(image, "n_frames", 1)) if getattr(image, "is_animated", False) else 1
    except _DECODER_ERRORS:
        return 1


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation that is still to be undone, 1 where it is absent or unreadable.

    A TIFF is turned upright by Pillow itself, when it is loaded; its size is the upright one from the start.
    """
    if image.format == "TIFF":
        return 1
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except _DECODER_ERRORS:
        return 1
    return value if isinstance(value, int) else 1


def _load(image: Image.Image) -> bool:
    """Load the pixels; return False where the file ended early: Pillow then raises with tiles to do."""
    try:
        image.load()
    except OSError:
        if not isinstance(image, ImageFile.ImageFile) or not image.tile:
            raise
        return False
    return True


def _flatten(image: Image.Image, flags: set[str]) -> Image.Image:
    """Return the 8-bit luma, mode ``L``: on white, without palette, CMYK or depth."""
    if image.mode in _DEEP_MODES:
        flags.add("sixteen-bit")
        return _from_deep(image)
    if image.mode == "CMYK":
        flags.add("cmyk")
    if image.mode in {"P", "PA"}:
        flags.add("palette")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        return _on_white(image, flags)
    if image.mode in {"L", "1", "RGB"}:
        return image.convert("L")
    return image.convert("RGB").convert("L")


def _on_white(image: Image.Image, flags: set[str]) -> Image.Image:
    """Lay a picture with transparency on white, as a browser shows it."""
    with_alpha = image.convert("RGBA")
    if with_alpha.getchannel("A").getextrema() == (255, 255):
        return with_alpha.convert("RGB").convert("L")
    flags.add("alpha")
    white = Image.new("RGBA", with_alpha.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, with_alpha).convert("RGB").convert("L")


def _from_deep(image: Image.Image) -> Image.Image:
    """Bring 16 bits and more to 8 by a fixed factor, so that an 8-bit twin gives the same pixels."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    top = float(values.max(initial=0.0))
    if image.mode == "F" and top <= 1.0:
        values = values * 255
    elif top > 255 or image.mode.startswith("I;16"):
        values = values / 257
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))
