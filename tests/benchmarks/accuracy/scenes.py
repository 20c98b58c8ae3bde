"""The queries, made anew from their names when asked for: transformations, frames, backgrounds."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image, ImageFilter, ImageOps

import image_transforms as transforms
from accuracy.records import BACKGROUND, COPY, RECALL, STRANGER, TEMPLATE, Task
from accuracy.split import Part, Pictures, name_of, part_of, same_works, sampled

Picture = Image.Image

DRAWN_FRAMES: Final = (
    "phone-screen",
    "phone-screen-dark",
    "meme-frame",
    "desktop-screen",
    "web-page",
    "mobile-page",
    "story-frame",
)
"""Transformations that put a picture in a frame; seeded by the frame alone, all else on it is the same."""

SLOTS: Final = {
    "centre 18 %": (260, 260, 380, 380),
    "most": (0, 250, 900, 650),
    "half below": (0, 450, 900, 450),
    "half beside": (450, 0, 450, 900),
    "third below": (0, 600, 900, 300),
    "corner": (450, 450, 450, 450),
}
"""Left, top, width and height of the photograph that is exchanged in a photographic frame of 900 x 900."""

FRAME_PHOTOGRAPHS: Final = 2
FRAMED: Final = 4
"""Pictures of each frame in the index; queries are asked beside 1, 2 and 4 of them."""
COUNTS: Final = (1, 2, 4)
FRAME_QUERIES: Final = 8

BACKGROUNDS: Final = 14
DRAW: Final = 13
"""Seed of what frames, stands in frames and lies behind objects: those of earlier runs were looked at."""
SHARES: Final = (10, 25, 40)
SHAPES: Final = ("same shape", "another shape")
OBJECTS: Final = 5
"""Other objects that are asked about before each background."""

_FRAME_SIDE: Final = 900
_BACKGROUND_SIDE: Final = 800


def slot(frame: Picture, picture: Picture, box: tuple[int, int, int, int]) -> Picture:
    """Return `frame`, itself photographic, with `picture` in a box of it."""
    page = ImageOps.fit(frame, (_FRAME_SIDE, _FRAME_SIDE)).copy()
    left, top, width, height = box
    page.paste(ImageOps.fit(picture, (width, height)), (left, top))
    return page


def blob(random: np.random.Generator, side: int, share: float) -> Picture:
    """Return a soft-edged shape that fills `share` of a square, white on black: where an object stands."""
    rough = cv2.resize(
        random.normal(size=(5, 5)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC
    )
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    height = rough * 0.5 - 1.6 * (x * x + y * y)
    inside = (height > np.quantile(height, 1 - share)) * 255
    return Image.fromarray(inside.astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.2))


def on_background(background: Picture, thing: Picture, shape: Picture) -> Picture:
    """Return `thing`, cut to `shape`, before a background."""
    page = ImageOps.fit(background, shape.size).copy()
    page.paste(ImageOps.fit(thing, shape.size), (0, 0), shape)
    return page


def opened(path: Path) -> Picture:
    """Return a picture's pixels, RGB."""
    with Image.open(path) as picture:
        return picture.convert("RGB")


@dataclass(frozen=True)
class Scenes:
    """Everything that is asked, and the framed pictures that are indexed, of one part of a folder."""

    pictures: Pictures
    part: Part = Part.TABLE

    @cached_property
    def frames(self) -> tuple[str, ...]:
        """The names of all frames, drawn and photographic."""
        slots = (f"photograph {n}, {box}" for n in range(FRAME_PHOTOGRAPHS) for box in SLOTS)
        return (*DRAWN_FRAMES, *slots)

    def framed(self, frame: str, picture: Picture) -> Picture:
        """Return a picture in a frame; of one frame all else is the same pixels."""
        if frame in DRAWN_FRAMES:
            random = transforms.Random(zlib.crc32(frame.encode()), self.pictures.backdrops)
            return transforms.TRANSFORMS[frame](picture, random)
        number, box = frame.removeprefix("photograph ").split(", ")
        return slot(opened(self._grounds[int(number)]), picture, SLOTS[box])

    def in_frame(self, frame: str) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """Return the pictures that are indexed in a frame, and those that are asked about."""
        chosen = sampled(self._single, FRAMED + FRAME_QUERIES, zlib.crc32(f"{DRAW} {frame}".encode()))
        return chosen[:FRAMED], chosen[FRAMED:]

    def references(self) -> dict[str, Callable[[], bytes]]:
        """Return, by item, how each framed or composed picture of the second index is made."""
        made: dict[str, Callable[[], bytes]] = {}
        for frame in self.frames:
            for number, path in enumerate(self.in_frame(frame)[0]):
                made[framed_item(frame, number)] = lambda f=frame, p=path: self._framed_bytes(f, p)
        for number in range(self._backgrounds):
            for share in SHARES:
                made[background_item(number, share)] = lambda n=number, s=share: transforms.jpeg(
                    self._composed(n, s, 0, SHAPES[0]), 85
                )
        return made

    def query(self, task: Task) -> bytes:
        """Return the bytes of a query, the same for the same task and folder."""
        if task.kind == RECALL:
            path = self.pictures.named(task.picture)
            return transforms.transformed(task.group, opened(path), path.name, self.pictures.backdrops)
        if task.kind == STRANGER:
            return self.pictures.named(task.picture).read_bytes()
        if task.kind == TEMPLATE:
            framed = self.framed(task.group, opened(self.pictures.named(task.picture)))
            return transforms.jpeg(framed, 80)
        if task.kind == COPY:
            path = self.in_frame(task.group)[0][int(task.picture)]
            return transforms.jpeg(transforms.resized(self.framed(task.group, opened(path)), 640), 70)
        number, thing = (int(part) for part in task.picture.split("+"))
        share, shape = task.group.split(" %, ")
        return transforms.jpeg(self._composed(number, int(share), thing, shape), 80)

    def hardest_tasks(self) -> tuple[Task, ...]:
        """Return the queries in frames and before backgrounds."""
        tasks = []
        for frame in self.frames:
            for count in COUNTS:
                asked = self.in_frame(frame)[1]
                tasks += [Task(TEMPLATE, frame, name_of(path), count) for path in asked]
                tasks += [Task(COPY, frame, str(number), count) for number in range(count)]
        for share in SHARES:
            for shape in SHAPES:
                pairs = [(n, k) for n in range(self._backgrounds) for k in range(1, OBJECTS + 1)]
                tasks += [Task(BACKGROUND, f"{share} %, {shape}", f"{n}+{k}", 1) for n, k in pairs]
        return tuple(tasks)

    @cached_property
    def _single(self) -> tuple[Path, ...]:
        """Pictures that are one work each: two versions of one work in a frame are no false accept."""
        part = self.pictures.asked(self.part)
        return tuple(path for path in part if len(same_works(name_of(path))) == 1)

    @cached_property
    def _grounds(self) -> tuple[Path, ...]:
        """Distractors of the part that frame pictures, and then those that lie behind objects."""
        here = tuple(path for path in self.pictures.distractors if part_of(path.name) is self.part)
        needed = FRAME_PHOTOGRAPHS + BACKGROUNDS
        if len(here) < needed:
            here = (*self.pictures.distractors, *self.pictures.backdrops)
        return sampled(here, needed, DRAW)

    @property
    def _backgrounds(self) -> int:
        return len(self._grounds) - FRAME_PHOTOGRAPHS

    def _framed_bytes(self, frame: str, path: Path) -> bytes:
        return transforms.jpeg(self.framed(frame, opened(path)), 85)

    def _composed(self, number: int, share: int, thing: int, shape: str) -> Picture:
        """Return object `thing` before background `number`; 0 is the one that is indexed."""
        things = sampled(self._single, len(self._single), DRAW)
        path = things[(number * (OBJECTS + 1) + thing) % len(things)]
        seed = (number, 0 if shape == SHAPES[0] else thing)
        outline = blob(np.random.default_rng(seed), _BACKGROUND_SIDE, share / 100)
        background = opened(self._grounds[FRAME_PHOTOGRAPHS + number])
        return on_background(background, opened(path), outline)


def framed_item(frame: str, number: int) -> str:
    """Return the item of the numbered picture in a frame."""
    return f"{TEMPLATE}/{frame}/{number}"


def background_item(number: int, share: int) -> str:
    """Return the item of the object that is indexed before a background, filling `share` per cent."""
    return f"{BACKGROUND}/{share}/{number}"
