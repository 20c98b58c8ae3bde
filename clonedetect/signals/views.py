"""The views of a picture that are hashed, their numbers, and the 256-bit hashes of them.

The view `full` is sampled where PDQ's published code samples the picture in full
size: it is the hash others have, and that others can use. All other views are
rectangles of the grey frame, sampled smoothly (`signals.pdq` says how), `whole`
among them: they are what a turned, resized or cropped copy meets. Figures are in
docs/images.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

from clonedetect.models.signal import VIEWS_PER_MEDIA, Algorithm, ViewHash
from clonedetect.signals.boxes import PANEL, Box, content_box, is_same, stored_box, trimmed_box
from clonedetect.signals.decode import FRAMES, grey_frame
from clonedetect.signals.pdq import (
    BASE,
    Span,
    bits_of,
    coefficients,
    forms_of,
    quality_of,
    reference_square,
    smooth_base,
    smooth_squares,
)

__all__ = [
    "COMPLEMENT",
    "FORMS",
    "MIRRORED_FORMS",
    "PDQ",
    "PHASH16",
    "STORED_VIEWS",
    "Sampled",
    "panel_views",
    "perceptual_hash",
    "query_views",
    "sampled",
    "stored_views",
]

Grey = npt.NDArray[np.uint8]
Reals = npt.NDArray[np.float64]

PDQ: Final = Algorithm("pdq", 2, f"full by the reference, others lanczos of {BASE}, views=19 frames={FRAMES}")
PHASH16: Final = Algorithm("imagehash.phash", 2, "hash_size=16 highfreq_factor=4 of the whole view")

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
    "whole",
)
"""The views of a picture that does not move; a view's number is its place here and never changes within PDQ's
version. The later frames of an animation follow as ``frame-2`` and so on."""

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
"""The dihedral forms: what was done to the query's view before hashing; rotations are counter-clockwise."""

COMPLEMENT: Final = "complement"
"""The form in which dark and light are exchanged: every bit of the hash is turned over."""

MIRRORED_FORMS: Final = frozenset(FORMS[4:])

_FLIPPED: Final = FORMS.index("flip-horizontal")
_WHOLE: Final[tuple[Span, Span]] = ((0.0, 1.0), (0.0, 1.0))
_NARROW: Final = 0.6
"""Share of a side under which a rectangle has too few pixels in the base: 115 for 64 samples."""

assert len(STORED_VIEWS) + FRAMES - 1 <= VIEWS_PER_MEDIA  # noqa: S101  a table that outgrows the id space must not import


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """A grey picture made ready for hashing.

    `frame` is the picture, uint8 (height, width), longest side at most 640; `base`
    what smooth views are sampled from; `reference` and `whole` are the samples,
    float64 (64, 64), that the views ``full`` and ``whole`` are made of.
    """

    frame: Grey
    base: npt.NDArray[np.float32]
    reference: Reals
    whole: Reals


def sampled(grey: Grey, height: int | None = None, width: int | None = None) -> Sampled:
    """Make a picture ready; `height` and `width` are its own where `grey` shows it reduced."""
    frame = grey_frame(grey)
    base = smooth_base(frame)
    reference = reference_square(grey, height or grey.shape[0], width or grey.shape[1])
    return Sampled(frame, base, reference, smooth_squares(base, [_WHOLE])[0])


def perceptual_hash(picture: Sampled) -> bytes:
    """Return imagehash's 16 x 16 DCT hash as 32 bytes, row by row.

    Converted at once: imagehash's objects compare and hash in ways that surprise.
    """
    square = np.clip(np.rint(picture.whole), 0, 255).astype(np.uint8)
    bits = imagehash.phash(Image.fromarray(square), hash_size=16).hash
    return np.packbits(np.asarray(bits, dtype=np.uint8).ravel()).tobytes()


def stored_views(picture: Sampled, later: Sequence[Sampled] = ()) -> tuple[ViewHash, ...]:
    """Return what an index holds of a picture: the full view, tiles that differ from it, the whole.

    `later` are further frames of an animation; those that look like an earlier one are left out.
    """
    height, width = picture.frame.shape
    boxes = _distinct(STORED_VIEWS[1:-1], width, height)
    squares = [picture.reference, *_squares(picture, list(boxes.values())), picture.whole]
    names = [STORED_VIEWS[0], *boxes, STORED_VIEWS[-1]]
    views = _plain(names, squares)
    return (*views, *_frames(views[-1], later))


def query_views(picture: Sampled, later: Sequence[Sampled] = ()) -> tuple[ViewHash, ...]:
    """Return the hashes a query asks for, its full view first.

    {whole, trimmed, content box} in eight forms, six centred crops plain and
    mirrored, the complement of the whole plain and mirrored, and further frames
    of an animation likewise. Equal hashes are asked for once.
    """
    height, width = picture.frame.shape
    boxes = _distinct(STORED_VIEWS[1:3] + STORED_VIEWS[4:8], width, height)
    parts = _parts(picture.frame, list(boxes.values()))
    squares = [picture.whole, *(square for _, square in parts), *_squares(picture, list(boxes.values()))]
    quality = quality_of(np.stack(squares))
    hashes = list(_plain(STORED_VIEWS[:1], [picture.reference]))
    for number, name in enumerate((STORED_VIEWS[-1], *(name for name, _ in parts), *boxes)):
        bits = bits_of(forms_of(coefficients(squares[number])))
        kept = range(len(FORMS)) if name not in boxes else (0, _FLIPPED)
        hashes.extend(ViewHash(name, FORMS[form], bits[form], quality[number]) for form in kept)
    plain = {entry.form: entry for entry in hashes[1 : 1 + len(FORMS)]}
    hashes.extend(
        ViewHash("whole", form, bytes(255 - byte for byte in plain[of].bits), plain[of].quality)
        for form, of in ((COMPLEMENT, FORMS[0]), (f"{COMPLEMENT} {FORMS[_FLIPPED]}", FORMS[_FLIPPED]))
    )
    hashes.extend(_frames(plain[FORMS[0]], later, mirrored=True))
    return tuple({entry.bits: entry for entry in reversed(hashes)}.values())[::-1]


def panel_views(frame: Grey, boxes: Sequence[Box]) -> tuple[ViewHash, ...]:
    """Return the hashes of rectangles of a query's frame, each plain and mirrored."""
    if not boxes:
        return ()
    squares = [_part(frame, box) for box in boxes]
    quality = quality_of(np.stack(squares))
    found = []
    for box, square, good in zip(boxes, squares, quality, strict=True):
        bits = bits_of(forms_of(coefficients(square)))
        name = PANEL + ",".join(f"{side:g}" for side in box)
        found += [ViewHash(name, FORMS[form], bits[form], good) for form in (0, _FLIPPED)]
    return tuple(found)


def _plain(names: Sequence[str], squares: Sequence[Reals]) -> tuple[ViewHash, ...]:
    together = np.stack(squares)
    entries = zip(names, bits_of(coefficients(together)), quality_of(together), strict=True)
    return tuple(ViewHash(name, FORMS[0], bits, quality) for name, bits, quality in entries)


def _frames(first: ViewHash, later: Sequence[Sampled], *, mirrored: bool = False) -> list[ViewHash]:
    """Return the whole view of each later frame that differs from all before it."""
    taken, found = {first.bits}, []
    for number, frame in enumerate(later, start=2):
        (quality,) = quality_of(frame.whole[None])
        bits = bits_of(forms_of(coefficients(frame.whole)))
        if bits[0] in taken:
            continue
        taken.add(bits[0])
        kept = (0, _FLIPPED) if mirrored else (0,)
        found += [ViewHash(f"frame-{number}", FORMS[form], bits[form], quality) for form in kept]
    return found


def _squares(picture: Sampled, boxes: Sequence[Box]) -> list[Reals]:
    """Return the smooth samples of rectangles of a picture.

    A rectangle that is narrow in the base is sampled from the frame, where it has more pixels.
    """
    height, width = picture.frame.shape
    spans = [
        ((box.top / height, box.bottom / height), (box.left / width, box.right / width)) for box in boxes
    ]
    is_narrow = [min(rows[1] - rows[0], columns[1] - columns[0]) < _NARROW for rows, columns in spans]
    wide = [span for span, narrow in zip(spans, is_narrow, strict=True) if not narrow]
    squares = iter(smooth_squares(picture.base, wide))
    return [
        _part(picture.frame, box) if narrow else next(squares)
        for box, narrow in zip(boxes, is_narrow, strict=True)
    ]


def _part(frame: Grey, box: Box) -> Reals:
    """Return the smooth samples of a rectangle as if it were a picture of its own, in whole pixels."""
    left, top, right, bottom = (round(side) for side in box)
    part = frame[top : max(bottom, top + 1), left : max(right, left + 1)]
    square: Reals = smooth_squares(smooth_base(np.ascontiguousarray(part)), [_WHOLE])[0]
    return square


def _parts(frame: Grey, others: Sequence[Box]) -> list[tuple[str, Reals]]:
    """Return the trimmed and the content box of a frame, where there are any and they are something else."""
    height, width = frame.shape
    taken = [Box(0, 0, width, height), *others]
    found = []
    for view, box in (("trimmed", trimmed_box(frame)), ("content", content_box(frame))):
        if box is not None and not any(is_same(box, other, width, height) for other in taken):
            taken.append(box)
            found.append((view, _part(frame, box)))
    return found


def _distinct(views: Sequence[str], width: int, height: int) -> dict[str, Box]:
    """Return the rectangles of stored views that are neither the whole nor one of each other."""
    taken = {"whole": Box(0, 0, width, height)}
    for view in views:
        box = stored_box(view, width, height)
        if box is not None and not any(is_same(box, other, width, height) for other in taken.values()):
            taken[view] = box
    return {view: box for view, box in taken.items() if view != "whole"}
