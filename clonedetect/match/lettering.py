"""Writing on drawn exhibits, in the font that comes with Pillow: nothing foreign hides or turns in it.

The font draws ASCII. Every other code point is spelled out, so that two strings that differ never
look alike, and a string that would run from right to left does not.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

__all__ = ["BODY", "SMALL", "TITLE", "lettered", "spelled", "width_of", "write"]

TITLE: Final = 34
BODY: Final = 24
SMALL: Final = 22
"""Sizes in pixels; at 230 dots per inch 11, 7.5 and 7 points."""

LINE: Final = 1.3
LONGEST: Final = 240
_DRAWN: Final = range(0x20, 0x7F)


def spelled(text: str, longest: int = LONGEST) -> str:
    """Return `text` in ASCII, every other code point as ``<U+202E>``, cut after `longest` code points."""
    kept = "".join(c if ord(c) in _DRAWN else f"<U+{ord(c):04X}>" for c in text[:longest])
    left = len(text) - longest
    return f"{kept} ... ({left} more characters)" if left > 0 else kept


def lettered(paragraphs: tuple[tuple[str, int], ...], width: int) -> Image.Image:
    """Return paragraphs, each with its size in pixels, black on white, wrapped to `width`."""
    lines = [(line, size) for text, size in paragraphs for line in _wrapped(text, size, width)]
    page = Image.new("RGB", (width, max(1, sum(round(LINE * size) for _, size in lines))), "white")
    top = 0
    for line, size in lines:
        write(page, (0, top), line, size)
        top += round(LINE * size)
    return page


def write(page: Image.Image, place: tuple[float, float], text: str, size: int, *, anchor: str = "la") -> None:
    """Write one line of ASCII on `page` at `place`, in pixels; `anchor` is Pillow's."""
    ImageDraw.Draw(page).text(place, text, fill="black", font=_font(size), anchor=anchor)


def width_of(line: str, size: int) -> int:
    """Return how many pixels wide a line of ASCII is, at least."""
    return math.ceil(_font(size).getlength(line)) + 1


def _wrapped(text: str, size: int, width: int) -> list[str]:
    """Break at spaces, and within a word that fills a line of its own."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if _font(size).getlength(longer) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and _font(size).getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
