"""The picture that ``index stats --plot`` draws: how evenly hashes are spread."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from clonedetect.index.balance import BANDS, BUCKETS, Balance, Bin

__all__ = ["spread_chart"]

_WIDTH, _HEIGHT = 1200, 960
_INK, _QUIET, _GRID = "#1f2933", "#52606d", "#e4e7eb"
_BAR, _LINE, _ODD = "#2f6f9f", "#c2410c", "#b91c1c"
_ODD_SHARE: Final = 0.1
"""Distance from one half at which a bit is drawn as odd: it tells less apart."""

_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Frame:
    """A plot's rectangle in pixels and its scale upwards, from `low` to `high`."""

    left: int
    top: int
    right: int
    bottom: int
    low: float
    high: float

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.bottom - min(1.0, max(0.0, share)) * (self.bottom - self.top)

    def x(self, share: float) -> float:
        return self.left + share * (self.right - self.left)


def spread_chart(balance: Balance) -> Image.Image:
    """Draw the share of ones of every bit, and bucket sizes beside those of evenly spread hashes."""
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    _draw_bits(draw, balance)
    _draw_buckets(draw, balance)
    return picture


def _draw_bits(draw: ImageDraw.ImageDraw, balance: Balance) -> None:
    frame = _Frame(110, 110, _WIDTH - 40, 400, 0.0, 1.0)
    odd = sum(abs(share - 0.5) > _ODD_SHARE for share in balance.ones)
    told = f"{balance.hashes:,} hashes, {odd} of {len(balance.ones)} bits off by more than {_ODD_SHARE} (red)"
    _title(
        draw,
        frame,
        "Balance of the bits",
        f"share of ones, near 0.5 if even; {told if balance.ones else 'no hashes yet'}",
    )
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        _level(draw, frame, tick, f"{tick:.2f}")
    step = 1 / max(1, len(balance.ones))
    for number, share in enumerate(balance.ones):
        colour = _ODD if abs(share - 0.5) > _ODD_SHARE else _BAR
        low, high = sorted((frame.y(share), frame.y(0.5)))
        draw.rectangle((frame.x(number * step), low, frame.x((number + 0.85) * step), high), fill=colour)
    draw.line((frame.left, frame.y(0.5), frame.right, frame.y(0.5)), fill=_INK, width=2)
    for tick in range(0, 257, 32):
        _text(draw, (frame.x(tick / 256), frame.bottom + 8), str(tick), 16, _QUIET, "ma")
    _text(draw, (frame.x(0.5), frame.bottom + 34), "number of the bit", 17, _INK, "ma")


def _draw_buckets(draw: ImageDraw.ImageDraw, balance: Balance) -> None:
    high = math.log10(BANDS * BUCKETS) + 0.3
    frame = _Frame(110, 580, _WIDTH - 40, 870, -0.3, high)
    subtitle = (
        f"buckets by their hashes, of {BANDS} bands of {BUCKETS:,}; the fullest holds {balance.largest:,}; "
        f"a lookup meets {balance.load:,.2f} x what even hashes would"
    )
    _title(draw, frame, "Sizes of the buckets", subtitle)
    for power in range(int(high) + 1):
        _level(draw, frame, power, f"{10**power:,}")
    step = 1 / len(balance.bins)
    for number, one in enumerate(balance.bins):
        if one.buckets:
            sides = frame.x((number + 0.15) * step), frame.x((number + 0.85) * step)
            draw.rectangle((sides[0], frame.y(math.log10(one.buckets)), sides[1], frame.bottom), fill=_BAR)
    _draw_expectation(draw, frame, balance.bins)
    size = 16 if len(balance.bins) <= 14 else 12
    for number, one in enumerate(balance.bins):
        _text(draw, (frame.x((number + 0.5) * step), frame.bottom + 8), _range(one), size, _QUIET, "ma")
    _text(draw, (frame.x(0.5), frame.bottom + 34), "hashes in the bucket", 17, _INK, "ma")
    _legend(draw, frame)


def _draw_expectation(draw: ImageDraw.ImageDraw, frame: _Frame, bins: Iterable[Bin]) -> None:
    """Draw a mark over each bin of which evenly spread hashes give at least half a bucket."""
    marks = [(number, one.expected) for number, one in enumerate(bins)]
    step = 1 / len(marks)
    points: list[_Point] = [
        (frame.x((number + 0.5) * step), frame.y(math.log10(expected)))
        for number, expected in marks
        if expected >= 0.5
    ]
    draw.line(points, fill=_LINE, width=2)
    for x, y in points:
        draw.ellipse((x - 6, y - 6, x + 6, y + 6), fill="white", outline=_LINE, width=3)


def _legend(draw: ImageDraw.ImageDraw, frame: _Frame) -> None:
    top = frame.top - 26
    draw.rectangle((frame.right - 330, top, frame.right - 314, top + 16), fill=_BAR)
    _text(draw, (frame.right - 306, top + 8), "in this index", 16, _INK, "lm")
    draw.ellipse((frame.right - 184, top + 2, frame.right - 172, top + 14), outline=_LINE, width=3)
    _text(draw, (frame.right - 164, top + 8), "evenly spread hashes", 16, _INK, "lm")


def _title(draw: ImageDraw.ImageDraw, frame: _Frame, title: str, subtitle: str) -> None:
    _text(draw, (30, frame.top - 86), title, 26, _INK, "la")
    _text(draw, (30, frame.top - 52), subtitle, 17, _QUIET, "la")


def _level(draw: ImageDraw.ImageDraw, frame: _Frame, value: float, label: str) -> None:
    y = frame.y(value)
    draw.line((frame.left, y, frame.right, y), fill=_GRID)
    _text(draw, (frame.left - 10, y), label, 16, _QUIET, "rm")


def _range(one: Bin) -> str:
    return str(one.least) if one.least == one.most else f"{_short(one.least)}-{_short(one.most)}"


def _short(number: int) -> str:
    return str(number) if number < 10_000 else f"{number / 1000:.0f}k"


def _text(draw: ImageDraw.ImageDraw, at: _Point, text: str, size: int, colour: str, anchor: str) -> None:
    draw.text(at, text, fill=colour, font=ImageFont.load_default(size=size), anchor=anchor)
