"""Hostile and unusual pictures, and what the page that shows each must say.

The platform published the photograph; a clone serves it in every form that browsers show, and much
that is no picture at all. What can be decoded must be found; what cannot must be said.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import numpy as np
import pillow_heif
from PIL import Image, ImageOps

from clonedetect.demo.pictures import jpeg, photograph
from tests.adversarial.arena import reply

pillow_heif.register_heif_opener(thumbnails=False)

SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>"
PAGE = b"<!doctype html><title>Viewer</title><h1>Pictures of everybody</h1><p>Posted today.</p>"


@dataclass(frozen=True, slots=True)
class PictureCase:
    """One file behind an `<img>`: its capture's `outcome`, and what its page says: `verdict`, `unseen`."""

    name: str
    what: str
    data: Callable[[], bytes]
    outcome: str = "ok"
    verdict: str = "confirmed"
    unseen: str = ""
    content_type: str = "image/jpeg"

    def answer(self) -> bytes:
        """Return the response that serves it."""
        return reply(self.data(), self.content_type)


@cache
def original() -> Image.Image:
    """The photograph that the platform published."""
    picture = photograph("chelsea")
    picture.thumbnail((480, 480))
    return picture


def encoded(picture: Image.Image, form: str, **options: object) -> bytes:
    """Return a picture as a file."""
    out = BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(original().transpose(Image.Transpose.ROTATE_90), "JPEG", quality=90, exif=exif)


def _deep() -> bytes:
    return encoded(Image.fromarray(np.asarray(original().convert("L"), np.uint16) * 257), "PNG")


def _moving() -> bytes:
    others = [ImageOps.mirror(photograph(name).resize(original().size)) for name in ("brick", "grass")]
    return encoded(original(), "GIF", save_all=True, append_images=others, duration=60)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, *, depth: int = 1, colour: int = 0) -> bytes:
    """Return a PNG that claims its size and really has the pixels, all of them black."""
    row = bytes(1 + (width * depth * {0: 1, 2: 3, 6: 4}[colour] + 7) // 8)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _with_text_bomb() -> bytes:
    whole = encoded(original(), "PNG")
    packed = zlib.compress(bytes(300_000_000), 9)
    return whole[:33] + _chunk(b"zTXt", b"Comment\0\0" + packed) + whole[33:]


def _polyglot() -> bytes:
    """A JPEG that is a page and a script as well, from its first comment on."""
    whole = jpeg(original())
    code = b"*/=1;/*<html><script>alert(1)</script><img src='http://honeypot.example/x.jpg'>*/"
    comment = b"\xff\xfe" + struct.pack(">H", len(code) + 2) + code
    return whole[:2] + comment + whole[2:] + b"<script>1</script>"


def _cut(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


def _hollow() -> bytes:
    """A PNG that claims 3.6 gigapixels and has none."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    body = _chunk(b"IDAT", zlib.compress(bytes(1_000))) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + body


PICTURES = (
    PictureCase("plain", "a JPEG like any other", lambda: jpeg(original(), 70)),
    PictureCase(
        "html", "a page served as image/jpeg", lambda: PAGE, "not_media", "inconclusive", "picture: not_media"
    ),
    PictureCase("polyglot", "a JPEG that is a page and a script too", _polyglot),
    PictureCase(
        "svg",
        "an SVG with a script",
        lambda: SVG,
        "not_media",
        "inconclusive",
        "picture: not_media",
        "image/svg+xml",
    ),
    PictureCase("zero", "no bytes at all", lambda: b"", "not_media", "inconclusive", "picture: not_media"),
    PictureCase(
        "zeros", "10,000 zero bytes", lambda: bytes(10_000), "not_media", "inconclusive", "picture: not_media"
    ),
    PictureCase(
        "head-only",
        "a JPEG's first 60 bytes",
        lambda: jpeg(original())[:60],
        "ok",
        "inconclusive",
        "no usable picture",
    ),
    PictureCase("truncated", "a JPEG that ends after two thirds", lambda: _cut(jpeg(original(), 90))),
    PictureCase(
        "truncated-png", "a PNG that ends after two thirds", lambda: _cut(encoded(original(), "PNG"))
    ),
    PictureCase("cmyk", "CMYK", lambda: encoded(original().convert("CMYK"), "JPEG", quality=90)),
    PictureCase("palette", "a palette of 128 colours", lambda: encoded(original().quantize(128), "PNG")),
    PictureCase("deep", "16 bits a sample", _deep),
    PictureCase("turned", "stored on its side, turned by EXIF", _turned),
    PictureCase(
        "huge",
        "169 megapixels in 21 KB",
        lambda: _png(13_000, 13_000),
        "ok",
        "inconclusive",
        "claims more pixels than the 40000000 we decode",
    ),
    PictureCase(
        "huge-claim",
        "60,000 x 60,000 pixels claimed, none there",
        _hollow,
        "ok",
        "inconclusive",
        "claims more pixels than the 40000000 we decode",
    ),
    PictureCase(
        "largest",
        "39 megapixels in colour, all black: just within the limit",
        lambda: _png(6_500, 6_000, depth=8, colour=2),
        "ok",
        "inconclusive",
        "picture",
    ),
    PictureCase(
        "largest-clear",
        "the same with transparency",
        lambda: _png(6_500, 6_000, depth=8, colour=6),
        "ok",
        "inconclusive",
        "picture",
    ),
    PictureCase("text-bomb", "a PNG whose zTXt unpacks to 300 MB", _with_text_bomb),
    PictureCase("animated", "an animation", _moving, content_type="image/gif"),
    PictureCase("avif", "AVIF", lambda: encoded(original(), "AVIF", quality=80)),
    PictureCase("heic", "HEIC", lambda: encoded(original(), "HEIF", quality=80)),
    PictureCase("bmp-lie", "a BMP that says it is a JPEG", lambda: encoded(original(), "BMP")),
    PictureCase(
        "noise",
        "a JPEG's head, then noise",
        lambda: jpeg(original())[:700] + bytes(range(256)) * 40,
        "ok",
        "inconclusive",
        "",
    ),
)
