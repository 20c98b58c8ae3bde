"""Pictures and videos are told by their first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.crawl.sniff import SNIFF_BYTES, media_kind
from clonedetect.models.item import MediaKind

PACKET = b"G" + bytes(187)


@pytest.mark.parametrize(
    "start",
    [
        b"\xff\xd8\xff\xe1",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"RIFF\x10\0\0\0WEBPVP8L",
        b"BM\x36\0\0\0\0\0\0\0\x36",
        b"II*\0",
        b"\0\0\x01\0",
        b"\0\0\0\x20ftypheic",
        b"\0\0\0\x20ftypavif",
        b"\0\0\0\x0cJXL \r\n\x87\n",
    ],
)
def test_pictures(start: bytes):
    assert media_kind(start + bytes(600)) is MediaKind.IMAGE


@pytest.mark.parametrize(
    "start",
    [
        b"\0\0\0\x20ftypmp42",
        b"\0\0\0\x14ftypqt  ",
        b"\x1a\x45\xdf\xa3",
        b"RIFF\x10\0\0\0AVI LIST",
        b"FLV\x01",
        PACKET * 3,
    ],
)
def test_videos(start: bytes):
    assert media_kind(start + bytes(600)) is MediaKind.VIDEO


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!doctype html>",
        b"<svg/>",
        b"BMW and other cars",
        b"Good morning" * 60,
        b"\0\0\0\x20ftypM4A ",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"%PDF-1.7",
        b"#EXTM3U\n",
    ],
)
def test_neither(data: bytes):
    assert media_kind(data) is None


@given(st.binary(max_size=700))
def test_the_first_bytes_decide(data: bytes):
    assert media_kind(data) is media_kind(data[:SNIFF_BYTES])
