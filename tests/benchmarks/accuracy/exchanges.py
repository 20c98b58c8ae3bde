"""Pairs for the score of outlines: things laid over a picture, and pictures exchanged in what two share.

Everything is seeded; the pictures are of one part of the folder, and so are the
photographs that are laid over them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageOps

import image_transforms as transforms
from accuracy.scenes import SLOTS, blob, on_background, opened, slot
from accuracy.split import Part, Pictures, name_of, part_of, sampled

Picture = Image.Image

OVERLAYS: Final = (
    "caption-top-40",
    "caption-top-18",
    "caption-bottom-18",
    "sticker-45",
    "stickers-3x20",
    "emoji",
    "inset-over",
    "text-sticker",
    "meme-text",
    "collage-2x2",
    "collage-3x3",
    "desktop-screen",
    "mobile-page",
    "mark-diagonal",
    "mark-tiled",
    "mark-logo",
    "mark-handle",
    "side-by-side",
    "meme-frame",
    "chain-crop-rotate-caption",
    "chain-crop-mark-jpeg",
    "brightness-1.5",
    "vignette",
    "gamma-1.8",
    "saturation-2",
    "contrast-1.6",
    "crop-random-50",
    "web-page",
    "phone-screen",
    "story-frame",
    "blur-1.2",
    "pixelate",
)
"""Transformations after which part of a copy differs."""

ASKED: Final = 0.6
"""Share of them that is asked of each picture."""

BOXES: Final = {
    **SLOTS,
    "centre 36 %": (180, 180, 540, 540),
    "fifth below": (0, 720, 900, 180),
    "both sides": (150, 0, 600, 900),
}
ANYWHERE: Final = 3
CROPPED: Final = 0.3
"""Share of the slots of which the query is a crop: its outline is not ours, as that of a window."""
SHARES: Final = (0.08, 0.1, 0.15, 0.25, 0.4)
TEMPLATES: Final = (
    "phone-screen",
    "phone-screen-dark",
    "meme-frame",
    "desktop-screen",
    "story-frame",
    "web-page",
    "mobile-page",
)

_FRAME_SIDE: Final = 900
_OBJECT_SIDE: Final = 800
_FLAT: Final = 600


@dataclass(frozen=True, slots=True)
class Pair:
    """Bytes of ours and of a query, what was done, whether it shows ours; `picture` groups pairs."""

    kind: str
    picture: str
    is_ours: bool
    reference: bytes
    query: bytes


def pairs(pictures: Pictures, part: Part, count: int, seed: int, *, start: int = 0) -> Iterator[Pair]:
    """Yield the pairs around `count` pictures of `part`: some 27 copies and 29 exchanges of each."""
    ours = pictures.part(part)
    floors = tuple(path for path in pictures.distractors if part_of(path.name) is part)
    for number in range(start, start + count):
        random = transforms.Random(zlib.crc32(f"{seed} {number}".encode()), (*ours, *floors))
        path = sampled(ours, len(ours), seed)[number % len(ours)]
        name, reference, picture = name_of(path), path.read_bytes(), opened(path)
        for kind, query in _copies(picture, name, pictures, random):
            yield Pair(kind, name, True, reference, query)
        for kind, first, second in _exchanges(pictures, random):
            yield Pair(kind, name, False, first, second)


def _copies(
    picture: Picture, name: str, pictures: Pictures, random: transforms.Random
) -> Iterator[tuple[str, bytes]]:
    for kind in OVERLAYS:
        if random.random() < ASKED:
            yield kind, transforms.transformed(kind, picture, name, pictures.backdrops)
    for _ in range(3):
        yield "photograph laid over", _saved(_inset(picture, random.photograph((600, 600)), random), random)
        yield "object laid over", _saved(_object(picture, random.photograph(picture.size), random), random)
    for _ in range(2):
        yield "drawing laid over", _saved(_inset(picture, drawing(random), random), random)


def _exchanges(pictures: Pictures, random: transforms.Random) -> Iterator[tuple[str, bytes, bytes]]:
    side = (_FRAME_SIDE, _FRAME_SIDE)
    frame = random.photograph(side)
    boxes = [*BOXES.items(), *(("anywhere", _anywhere(random)) for _ in range(ANYWHERE))]
    for name, box in boxes:
        (inner, other), fate = _two(random, side), random.random()
        kind = f"slot {name}"
        if fate < 0.25:
            kind, other = f"{kind}, a drawing now", drawing(random)
        elif fate < 0.35:
            kind, inner = f"{kind}, a drawing before", drawing(random)
        shown = slot(frame, other, box)
        cut = _cropped(shown, box, random) if random.random() < CROPPED else None
        if cut is not None:
            kind, shown = f"{kind}, cropped", cut
        yield kind, transforms.jpeg(slot(frame, inner, box), 85), _saved(shown, random)
    size = (_OBJECT_SIDE, _OBJECT_SIDE)
    for share in SHARES:
        for is_same in (False, True):
            shapes = [blob(random, _OBJECT_SIDE, share) for _ in range(2)]
            things = _two(random, size)
            first = on_background(frame, things[0], shapes[0])
            second = on_background(frame, things[1], shapes[0 if is_same else 1])
            name = f"object of {share:.0%}, {'same' if is_same else 'another'} shape"
            yield name, transforms.jpeg(first, 85), _saved(second, random)
    for name in TEMPLATES:
        seed = int(random.integers(1_000_000))
        framed = (
            transforms.TRANSFORMS[name](each, transforms.Random(seed, pictures.backdrops))
            for each in _two(random, side)
        )
        yield f"template {name}", transforms.jpeg(next(framed), 85), _saved(next(framed), random)


def _two(random: transforms.Random, size: tuple[int, int]) -> tuple[Picture, Picture]:
    """Return two photographs that are not the same one."""
    first = second = random.photograph(size)
    while second.tobytes() == first.tobytes():
        second = random.photograph(size)
    return first, second


def drawing(random: np.random.Generator) -> Picture:
    """Return an even, shaded, lettered or drawn picture: what exchanged pictures are when no photographs."""

    def colour() -> tuple[int, int, int]:
        red, green, blue = (int(v) for v in random.integers(0, 256, 3))
        return red, green, blue

    kind = int(random.integers(5))
    if kind == 1:
        down = np.linspace(0, 1, _FLAT)[:, None, None]
        shades = np.array(colour()) * (1 - down) + np.array(colour()) * down
        return Image.fromarray(np.broadcast_to(shades, (_FLAT, _FLAT, 3)).astype(np.uint8))
    page = Image.new("RGB", (_FLAT, _FLAT), colour())
    pen = ImageDraw.Draw(page)
    if kind == 2:
        pen.text((60, 220), "SALE -50%\nonly today", colour(), font=transforms.font(80))
    elif kind == 3:
        for x, y, side in random.integers(60, 400, (4, 3)):
            pen.ellipse((int(x), int(y), int(x + side), int(y + side)), colour())
    elif kind == 4:
        words = transforms.text_lines(transforms.Random(int(random.integers(1_000_000))), 12, 7)
        pen.text((30, 20), words, (30, 30, 30), font=transforms.font(30))
    return page


def _saved(picture: Picture, random: np.random.Generator) -> bytes:
    """Save as a clone would, in some size and quality."""
    scale = float(random.uniform(0.6, 1))
    size = (max(64, round(picture.width * scale)), max(64, round(picture.height * scale)))
    return transforms.jpeg(picture.resize(size, Image.Resampling.LANCZOS), int(random.integers(55, 92)))


def _cropped(picture: Picture, box: tuple[int, int, int, int], random: np.random.Generator) -> Picture | None:
    """Return a crop that shows two thirds of a box (left, top, width, height); None where no draw does."""
    left, top, wide, high = box
    for _ in range(8):
        across, down = (round(side * float(random.uniform(0.82, 0.95))) for side in picture.size)
        x, y = (
            int(random.integers(side - cut + 1))
            for side, cut in zip(picture.size, (across, down), strict=True)
        )
        shown = max(0, min(left + wide, x + across) - max(left, x)) * max(
            0, min(top + high, y + down) - max(top, y)
        )
        if shown >= wide * high * 2 / 3:
            return picture.crop((x, y, x + across, y + down))
    return None


def _inset(picture: Picture, other: Picture, random: np.random.Generator) -> Picture:
    picture = picture.copy()
    wide = round(min(picture.size) * float(random.uniform(0.2, 0.55)))
    high = min(round(wide * float(random.uniform(0.6, 1.5))), picture.height - 2)
    place = (int(random.integers(picture.width - wide)), int(random.integers(picture.height - high)))
    picture.paste(ImageOps.fit(other, (wide, high)), place)
    return picture


def _object(picture: Picture, thing: Picture, random: np.random.Generator) -> Picture:
    shape = blob(random, 400, float(random.uniform(0.05, 0.4))).resize(picture.size)
    away = [int(random.integers(-side // 4, side // 4)) for side in picture.size]
    moved = shape.transform(shape.size, Image.Transform.AFFINE, (1, 0, away[0], 0, 1, away[1]))
    picture = picture.copy()
    picture.paste(thing, (0, 0), moved)
    return picture


def _anywhere(random: np.random.Generator) -> tuple[int, int, int, int]:
    wide, high = (int(side) for side in random.integers(200, 700, 2))
    return (
        int(random.integers(_FRAME_SIDE - wide)),
        int(random.integers(_FRAME_SIDE - high)),
        wide,
        high,
    )
