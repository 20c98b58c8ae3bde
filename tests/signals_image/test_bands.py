"""Pictures of whole pages, cut into overlapping bands."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from clonedetect.errors import MediaError
from clonedetect.signals.bands import MOST_BANDS, bands


def _png(width: int, height: int, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("height", [50, 100, 200])
def test_what_is_not_tall_is_not_cut(height: int) -> None:
    assert bands(_png(100, height)) == ()


@pytest.mark.parametrize("height", [201, 300, 301, 999, 1000, 4000])
def test_whatever_is_no_taller_than_the_page_is_wide_stands_whole_in_a_band(height: int) -> None:
    cut = bands(_png(100, height, "RGBA"))
    for top in range(height - 99):
        assert any(band.top <= top and top + 100 <= band.bottom for band in cut), top
    for band in cut:
        with Image.open(io.BytesIO(band.png)) as image:
            assert image.size == (100, band.bottom - band.top)
    assert (cut[0].top, cut[-1].bottom) == (0, height)


def test_a_thread_of_a_picture_gives_no_more_bands_than_are_looked_at() -> None:
    assert len(bands(_png(10, 9_000))) == MOST_BANDS


@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG\r\n\x1a\n", _png(10, 100)[:60]], ids=["empty", "head", "cut"]
)
def test_what_does_not_decode_whole_is_no_picture(data: bytes) -> None:
    with pytest.raises(MediaError):
        bands(data)
