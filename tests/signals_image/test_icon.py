"""Fingerprints of icons: the number that search engines for hosts use, and the look."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image, ImageDraw

from clonedetect.errors import MediaError
from clonedetect.signals.icon import icon_print


def icon(form: str, size: int = 32, ink: str = "#ffe9a8", **options: object) -> bytes:
    image = Image.new("RGBA", (size, size), "#1f4e79")
    ImageDraw.Draw(image).polygon([(2, 2), (size - 4, size // 3), (size // 3, size - 3)], fill=ink)
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def test_the_number_is_murmurhash3_of_base64_in_lines() -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    # MurmurHash3 x86 32-bit (Appleby), written out here as an oracle for the library.
    assert icon_print(svg).mmh3 == str(_murmur(base64.encodebytes(svg)))
    assert base64.encodebytes(bytes(100)).count(b"\n") == 2


def _murmur(data: bytes) -> int:
    state, mask = 0, 0xFFFFFFFF
    for start in range(0, len(data) - len(data) % 4, 4):
        state ^= _mixed(int.from_bytes(data[start : start + 4], "little"))
        state = ((state << 13 | state >> 19) * 5 + 0xE6546B64) & mask
    if len(data) % 4:
        state ^= _mixed(int.from_bytes(data[len(data) - len(data) % 4 :], "little"))
    state ^= len(data)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        state = (state ^ state >> shift) * factor & mask
    state ^= state >> 16
    return state - (1 << 32) if state >> 31 else state


def _mixed(value: int) -> int:
    value = value * 0xCC9E2D51 & 0xFFFFFFFF
    return (value << 15 | value >> 17) * 0x1B873593 & 0xFFFFFFFF


def test_one_drawing_looks_the_same_whatever_its_file() -> None:
    files = (icon("ICO", sizes=[(32, 32)]), icon("PNG"), icon("PNG", compress_level=0))
    assert {icon_print(data).look for data in files} == {icon_print(files[0]).look} != {""}
    assert len({icon_print(data).mmh3 for data in files}) == 3


def test_another_drawing_looks_different_and_a_flat_one_has_no_look() -> None:
    assert icon_print(icon("PNG")).look != icon_print(icon("PNG", ink="#000000")).look
    assert icon_print(icon("PNG", ink="#1f4e79")).look == ""


@pytest.mark.parametrize(
    "data",
    [b"", b"<!doctype html><p>not found", b"\x00\x00\x01\x00\x01\x00", icon("PNG")[:60], icon("PNG", 2_100)],
    ids=["empty", "page", "cut ico", "cut png", "too large"],
)
def test_what_is_no_icon_is_an_error(data: bytes) -> None:
    with pytest.raises(MediaError):
        icon_print(data)
