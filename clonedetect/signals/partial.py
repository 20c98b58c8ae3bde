"""What is there of a picture whose file ends early: its own pixels told from a decoder's filler.

Where nothing came, decoders leave black, white, a transparent colour or the grey of JPEG's
empty blocks, all of which could be somebody's picture. So a file is decoded twice, over
a dark and over a light ground: what is not the same both times did not come from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from clonedetect.errors import MediaError

__all__ = ["Part", "continued", "decoded_part", "is_cut_webp"]

Flags = npt.NDArray[np.bool_]
Open = Callable[[bytes], Image.Image]

STEPS: Final = (1, 2, 4, 8)
"""Every so many rows and columns of an interlaced picture are whole after its passes."""

EMPTY_GREY: Final = 128
"""Luma of a JPEG's block of which no coefficient came."""

SMOOTHED_ROWS: Final = 32
"""Rows before the first empty ones that libjpeg's smoothing may have made up: two blocks, of 16 rows."""

MOST_MISSING: Final = 64 << 20
_END: Final = b"\xff\xd9"
_OTHER_CODES: Final = bytes(range(1, 255)) * 8
_LOSSLESS_TAILS: Final = tuple(bytes([level]) * 64 for level in (0x55, 0xA5, 0x33, 0xCC, 0x80, 0x40, 0x10, 1))
_BLOCK_BYTES: Final = 128
"""More than a WebP's block of 16 x 16 pixels takes of nothing but zeros."""


class Part(NamedTuple):
    """The largest band of rows of which every pixel came from the file, or every so many.

    `top` and `bottom` are shares of the picture's height as it is stored, `share`
    that of its pixels that came. One that `is_coarse` may lack detail everywhere:
    a progressive file comes in passes.
    """

    image: Image.Image
    top: float
    bottom: float
    share: float
    is_coarse: bool = False


def decoded_part(data: bytes, opened: Open) -> Part:
    """Return what can be decoded of `data`, whose file ends early.

    `opened` opens bytes anew, not yet loaded. Raises MediaError where nothing came.
    """
    if is_cut_webp(data):
        return _largest(*_two_ends_of_webp(data, opened))
    image, known = _over_two_grounds(data, opened)
    if not data.startswith(b"\xff\xd8"):
        return _largest(image, known)
    if not known.any():  # in passes, of which libjpeg wants all
        return _largest(*_with_its_end(data, opened))._replace(is_coarse=True)
    whole = _but_for_its_end(data, opened)
    return _largest(image, known) if whole is None else Part(whole, 0.0, 1.0, 1.0)


def is_cut_webp(data: bytes) -> bool:
    """Whether a WebP is shorter than it says."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP" and _missing(data) > 0


def continued(data: bytes, tail: bytes = b"") -> bytes:
    """Return a WebP that ends early in the length it claims, with `tail` and zeros behind what came.

    libwebp refuses a file that is cut, and decodes one whose end is wrong.
    Raises MediaError where it claims more than 64 MB that did not come.
    """
    missing = _missing(data)
    if missing > MOST_MISSING:
        raise MediaError(f"the picture's file ends early: {missing} bytes of it are missing")
    return data + tail[:missing] + bytes(max(0, missing - len(tail)))


def _missing(data: bytes) -> int:
    return int.from_bytes(data[4:8], "little") + 8 - len(data)


def _two_ends_of_webp(data: bytes, opened: Open) -> tuple[Image.Image, Flags]:
    """Decode a WebP with two ends, and believe the rows before the first in which these make a difference."""
    place = _cut_chunk(data)
    kind = data[place : place + 4]
    image = _loaded(opened(continued(data)))
    ends: Iterator[bytes]
    if kind == b"VP8 ":
        # All zeros and all ones, as long as it claims to be, bound every end that an arithmetic decoder
        # could have met; it may take more than is there, so zeros follow.
        more = _BLOCK_BYTES * (-(-image.width // 16) * -(-image.height // 16) + 1)
        image = _loaded(opened(_prolonged(data, place, b"\0", more)))
        ends = iter((_prolonged(data, place, b"\xff", more),))
    else:  # one stream of prefix codes: not every end is one
        ends = (continued(data, tail) for tail in _LOSSLESS_TAILS if kind == b"VP8L")
    for end in ends:
        try:
            other = _loaded(opened(end))
        except OSError:
            continue
        known = _same(np.asarray(image), np.asarray(other))
        known &= np.logical_and.accumulate(known.all(axis=1))[:, None]
        return image, known
    raise MediaError("a WEBP picture whose file ends early: what came of it cannot be told apart")


def _cut_chunk(data: bytes) -> int:
    """Return where the chunk begins in which a WebP ends."""
    place = 12
    while place + 8 <= len(data):
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        if place + 8 + size > len(data):
            return place
        place += 8 + size + size % 2
    return place


def _prolonged(data: bytes, place: int, byte: bytes, more: int) -> bytes:
    """Return a WebP whose last chunk, at `place`, ends in `byte`, and goes on with `more` zeros."""
    claimed = int.from_bytes(data[place + 4 : place + 8], "little")
    body = data[place + 8 :]
    body += byte * (claimed - len(body)) + bytes(more + (claimed + more) % 2)
    chunk = data[place : place + 4] + len(body).to_bytes(4, "little") + body
    whole = data[8:place] + chunk
    return data[:4] + len(whole).to_bytes(4, "little") + whole


def _loaded(image: Image.Image) -> Image.Image:
    image.load()
    return image


def _over_two_grounds(data: bytes, opened: Open) -> tuple[Image.Image, Flags]:
    dark, light = (_loaded_over(opened(data), level) for level in (0, 255))
    pixels = np.asarray(dark)
    known = _same(pixels, np.asarray(light))
    ground = dark.info.get("transparency")
    if dark.mode in {"P", "L"} and isinstance(ground, int):  # Pillow lays a GIF on its transparent colour
        known &= (pixels[:, -1] != ground)[:, None]  # a row that ends in it may not have come
    return dark, known


def _loaded_over(image: Image.Image, level: int) -> Image.Image:
    """Load what comes of a picture over a ground of one level, without Pillow's global switch."""
    bands = len(image.getbands())
    is_laid_on_its_own = image.format == "GIF" and "transparency" in image.info
    if not is_laid_on_its_own:
        image.im = Image.new(image.mode, image.size, level if bands == 1 else (level,) * bands).im
    try:
        image.load()
    except OSError:
        if not isinstance(image, ImageFile.ImageFile) or not image.tile:
            raise
        image.tile = []  # the rest is done, for this one picture
        image.load()
    return image


def _with_its_end(data: bytes, opened: Open) -> tuple[Image.Image, Flags]:
    """Decode a JPEG of several passes as far as they came; rows of empty blocks at the end did not."""
    image = _loaded(opened(data + _END))
    pixels = np.asarray(image)
    filler = pixels[-1, -1]
    is_empty = (pixels == filler).reshape(len(pixels), -1).all(axis=1)
    known = np.ones(pixels.shape[:2], dtype=bool)
    if is_empty[-1] and (image.mode != "L" or filler == EMPTY_GREY):
        rows = len(pixels) - int(np.argmin(is_empty[::-1])) if not is_empty.all() else 0
        known[max(0, rows - SMOOTHED_ROWS) :] = False
    return image, known


def _but_for_its_end(data: bytes, opened: Open) -> Image.Image | None:
    """Return a JPEG of which nothing but the end is missing; None where codes of its pixels are."""
    one, other = (_loaded(opened(data.rstrip(b"\xff") + tail + _END)) for tail in (b"", _OTHER_CODES))
    if not _same(np.asarray(one), np.asarray(other)).all():
        return None
    is_empty = one.mode == "L" and bool((np.asarray(one)[-2:, -2:] == EMPTY_GREY).all())
    return None if is_empty else one


def _same(one: npt.NDArray[np.generic], other: npt.NDArray[np.generic]) -> Flags:
    same = np.equal(one, other)
    return np.asarray(same if same.ndim == 2 else same.all(axis=2), dtype=bool)


def _largest(image: Image.Image, known: Flags) -> Part:
    """Return the highest band; of those as high the one of most pixels."""
    height, width = known.shape
    bands = [(stop - start, -step, start, stop) for step, start, stop in _bands(known)]
    rows, minus_step, start, stop = max(bands)
    if rows <= 0:
        raise MediaError("the picture's file ends early: none of it can be decoded")
    step = -minus_step
    band = image.crop((0, start, width, stop))
    if step > 1:
        size = (-(-width // step), -(-rows // step))
        middle = 0.5 - step / 2  # the first of each so many, not the middle one
        places = (step, 0, middle, 0, step, middle)
        band = band.transform(size, Image.Transform.AFFINE, places, Image.Resampling.NEAREST)
    return Part(band, start / height, stop / height, float(known.mean()))


def _bands(known: Flags) -> Iterator[tuple[int, int, int]]:
    """Yield (step, first row, end) of the highest band that is whole at each step."""
    for step in STEPS:
        whole = known[::step, ::step].all(axis=1)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], whole, [False]]).astype(np.int8)))
        starts, ends = edges[::2] * step, (edges[1::2] - 1) * step + 1
        best = int(np.argmax(ends - starts)) if len(starts) else -1
        yield (step, int(starts[best]), int(ends[best])) if best >= 0 else (step, 0, 0)
