"""The views of a picture that are hashed, their numbers, and the 256-bit hashes of them.

A view is a rectangle of the grey frame, resized to a fixed square of 64 pixels
(Lanczos) and given to PDQ. 64 is PDQ's own inner size: its smoothing then has
width one and its sampling no offset, which makes the eight dihedral hashes equal
those of the turned picture bit for bit. Measured on 40 photographs: at 128, 192
and 256 pixels the turned picture is up to 70 bits away, at 64 and 320 none;
resizing the file to a half, quarter and seventh moves 0.7, 1.1 and 1.3 bits at
64, 2.0, 5.9 and 8.7 at 256; hashes made by others from the full picture are 11
bits away on average.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import imagehash
import numpy as np
import numpy.typing as npt
import pdqhash
from PIL import Image

from clonedetect.models.signal import VIEWS_PER_MEDIA, Algorithm, ViewHash

__all__ = [
    "COMPLEMENT",
    "FORMS",
    "MIRRORED_FORMS",
    "PDQ",
    "PHASH16",
    "STORED_VIEWS",
    "Box",
    "content_box",
    "dihedral_hashes",
    "perceptual_hash",
    "query_views",
    "stored_views",
    "trimmed_box",
    "view_hash",
]

Grey = npt.NDArray[np.uint8]

SQUARE: Final = 64
PDQ: Final = Algorithm("pdq", 1, f"grey square={SQUARE} lanczos views=18")
PHASH16: Final = Algorithm("imagehash.phash", 1, "hash_size=16 highfreq_factor=4")

STORED_VIEWS: Final = (
    "full",
    "square",
    "portrait-4:5",
    "portrait-9:16",
    "centre-90",
    "centre-80",
    "centre-70",
    "centre-50",
    "without-left-30",
    "without-right-30",
    "without-top-30",
    "without-bottom-30",
    "without-left-15",
    "without-right-15",
    "without-top-15",
    "without-bottom-15",
    "square-start",
    "square-end",
)
"""The stored views; a view's number is its place here and never changes within PDQ's version."""

FORMS: Final = (
    "identity",
    "rotate-90",
    "rotate-180",
    "rotate-270",
    "flip-vertical",
    "flip-horizontal",
    "transpose",
    "transverse",
)
"""The dihedral forms in the order of ``pdqhash.compute_dihedral``: what was done to the query's
view before hashing; rotations are counter-clockwise."""

COMPLEMENT: Final = "complement"
"""The form in which dark and light are exchanged: every bit of the hash is turned over."""

MIRRORED_FORMS: Final = frozenset(FORMS[4:])

assert len(STORED_VIEWS) <= VIEWS_PER_MEDIA  # noqa: S101  a table that outgrows the id space must not import


class Box(NamedTuple):
    """A rectangle of a frame in its pixels; right and bottom are exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Pixels inside."""
        return (self.right - self.left) * (self.bottom - self.top)


def view_hash(image: Image.Image, box: Box | None = None) -> tuple[bytes, int]:
    """Return PDQ's 32 bytes (most significant bit first, as its hexadecimal form) and quality of one view."""
    bits, quality = pdqhash.compute(_square(image, box))
    return np.packbits(bits.astype(np.uint8)).tobytes(), int(quality)


def dihedral_hashes(image: Image.Image, view: str, box: Box | None = None) -> tuple[ViewHash, ...]:
    """Return the hashes of one view in all eight `FORMS`, at the price of one."""
    vectors, quality = pdqhash.compute_dihedral(_square(image, box))
    return tuple(
        ViewHash(view, form, np.packbits(bits.astype(np.uint8)).tobytes(), int(quality))
        for form, bits in zip(FORMS, vectors, strict=True)
    )


def perceptual_hash(image: Image.Image) -> bytes:
    """Return imagehash's 16 x 16 DCT hash as 32 bytes, row by row.

    Converted at once: imagehash's objects compare and hash in ways that surprise.
    """
    bits = imagehash.phash(image, hash_size=16).hash
    return np.packbits(np.asarray(bits, dtype=np.uint8).ravel()).tobytes()


def stored_views(image: Image.Image) -> tuple[ViewHash, ...]:
    """Return what an index holds of a grey picture: the full view first, then tiles that differ from it."""
    width, height = image.size
    result: list[ViewHash] = []
    taken: list[Box] = []
    for view in STORED_VIEWS:
        box = _stored_box(view, width, height)
        if any(_is_same(box, other, width, height) for other in taken):
            continue
        taken.append(box)
        result.append(ViewHash(view, FORMS[0], *view_hash(image, box)))
    return tuple(result)


def query_views(image: Image.Image, frame: Grey) -> tuple[ViewHash, ...]:
    """Return the hashes a query asks for, its plain full view first.

    {full, trimmed, content box} in eight forms, six centred crops plain and
    mirrored, and the complement of the full view plain and mirrored. `frame`
    is `image` as an array. Equal hashes are asked for once.
    """
    width, height = image.size
    full = dihedral_hashes(image, "full")
    hashes = list(full)
    taken = [Box(0, 0, width, height)]
    for view, box in (("trimmed", trimmed_box(frame)), ("content", content_box(frame))):
        if box is not None and not any(_is_same(box, other, width, height) for other in taken):
            taken.append(box)
            hashes.extend(dihedral_hashes(image, view, box))
    for view in STORED_VIEWS[1:3] + STORED_VIEWS[4:8]:
        box = _stored_box(view, width, height)
        if not any(_is_same(box, other, width, height) for other in taken):
            forms = dihedral_hashes(image, view, box)
            hashes.extend((forms[0], forms[FORMS.index("flip-horizontal")]))
    hashes.extend(
        ViewHash("full", form, bytes(255 - byte for byte in plain.bits), plain.quality)
        for form, plain in ((COMPLEMENT, full[0]), (f"{COMPLEMENT} flip-horizontal", full[5]))
    )
    return tuple({entry.bits: entry for entry in reversed(hashes)}.values())[::-1]


def trimmed_box(frame: Grey, tolerance: float = 6.0) -> Box | None:
    """Return what is left of a frame without its even borders, None where there are none.

    A line is border while its pixels spread less than `tolerance` grey levels
    (standard deviation) around the mean of the outermost line. At least a
    fifth of each side stays, or there is no box.
    """
    height, width = frame.shape
    top, bottom = _even_lines(frame, tolerance)
    left, right = _even_lines(frame.T, tolerance)
    if top + bottom + left + right == 0:
        return None
    if width - left - right < width / 5 or height - top - bottom < height / 5:
        return None
    return Box(left, top, width - right, height - bottom)


def content_box(frame: Grey) -> Box | None:
    """Return the bounding box of the largest busy part of a screen or collage page, if there is a clear one.

    Blocks of a 32nd of the longer side are busy where their grey levels spread;
    the largest connected group wins, and must fill over half of its own box.
    """
    height, width = frame.shape
    step = max(4, max(height, width) // 32)
    rows, columns = height // step, width // step
    if rows < 4 or columns < 4:
        return None
    blocks = frame[: rows * step, : columns * step].reshape(rows, step, columns, step)
    busy = (blocks.std(axis=(1, 3)) > 6).astype(np.uint8)
    busy = cv2.morphologyEx(busy, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(busy, connectivity=4)
    if count < 2:
        return None
    left, top, wide, high, filled = (int(n) for n in stats[1 + int(np.argmax(stats[1:, 4]))])
    if filled < wide * high / 2 or wide * high < rows * columns * 0.05:
        return None
    return Box(left * step, top * step, (left + wide) * step, (top + high) * step)


def _square(image: Image.Image, box: Box | None) -> Grey:
    """Return a view as the fixed square, uint8 (64, 64, 3) with three equal channels."""
    small = image.resize((SQUARE, SQUARE), Image.Resampling.LANCZOS, box=box)
    return np.repeat(np.asarray(small, dtype=np.uint8)[:, :, None], 3, axis=2)


def _even_lines(lines: Grey, tolerance: float) -> tuple[int, int]:
    """Return how many lines at the start and at the end of `lines` are even and alike."""
    spread = lines.std(axis=1)
    mean = lines.mean(axis=1)
    counts = []
    for order in (slice(None), slice(None, None, -1)):
        even = (spread[order] < tolerance) & (np.abs(mean[order] - mean[order][0]) < 2 * tolerance)
        counts.append(int(np.argmin(even)) if not even.all() else 0)
    return counts[0], counts[1]


def _stored_box(view: str, width: int, height: int) -> Box:
    """Return the rectangle of a stored view in a frame of this size."""
    if view == "full":
        return Box(0, 0, width, height)
    name, _, figure = view.rpartition("-")
    if view.startswith("square"):
        side = min(width, height)
        place = {"square": 0.5, "square-start": 0.0, "square-end": 1.0}[view]
        return _placed(width, height, side, side, place)
    if name == "portrait":
        across, down = (int(part) for part in figure.split(":"))
        unit = min(width / across, height / down)
        return _placed(width, height, unit * across, unit * down, 0.5)
    share = int(figure) / 100
    if name == "centre":
        return _placed(width, height, width * share**0.5, height * share**0.5, 0.5)
    left, top, right, bottom = 0.0, 0.0, float(width), float(height)
    return {
        "without-left": Box(width * share, top, right, bottom),
        "without-right": Box(left, top, width * (1 - share), bottom),
        "without-top": Box(left, height * share, right, bottom),
        "without-bottom": Box(left, top, right, height * (1 - share)),
    }[name]


def _placed(width: int, height: int, wide: float, high: float, place: float) -> Box:
    left, top = (width - wide) * place, (height - high) * place
    return Box(left, top, left + wide, top + high)


def _is_same(box: Box, other: Box, width: int, height: int) -> bool:
    """Whether two rectangles differ by less than two hundredths of the frame on every side."""
    return all(
        abs(a - b) < 0.02 * side
        for a, b, side in zip(box, other, (width, height, width, height), strict=True)
    )
