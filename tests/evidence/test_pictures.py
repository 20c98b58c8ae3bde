"""Foreign pictures are drawn anew, upright and within limits; regions find their place on both."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from clonedetect.errors import MediaError
from clonedetect.evidence.pictures import Picture, redrawn
from clonedetect.match.sheet import polygon_through
from clonedetect.signals.display import SHOWN_SIDE


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def shown(picture: Picture) -> Image.Image:
    head, _, data = picture.url.partition(",")
    assert head == "data:image/jpeg;base64"
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    image.load()
    return image


def half_red(size: tuple[int, int]) -> Image.Image:
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    return image


def test_a_large_picture_is_shown_small_and_keeps_its_size_in_words():
    picture = redrawn(encoded(half_red((3000, 1500)), "JPEG"))
    assert (picture.width, picture.height) == (3000, 1500)
    assert shown(picture).size == (SHOWN_SIDE, SHOWN_SIDE // 2)


def test_a_small_picture_is_not_enlarged():
    assert shown(redrawn(encoded(half_red((40, 20))))).size == (40, 20)


def test_a_turned_photograph_is_shown_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = redrawn(encoded(half_red((80, 40)), "JPEG", exif=exif.tobytes()))
    assert (picture.width, picture.height) == (40, 80)
    red, _, blue = shown(picture).getpixel((20, 5))
    assert red > 200 > blue


def test_nothing_of_the_file_but_its_pixels_survives():
    exif = Image.Exif()
    exif[0x010E] = "secret<script>"
    data = encoded(half_red((80, 40)), "JPEG", exif=exif.tobytes(), comment=b"secret too")
    assert b"secret" in data
    assert b"secret" not in base64.b64decode(redrawn(data).url.partition(",")[2])


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "I;16", "LA", "RGBA", "I", "F"])
def test_every_kind_of_pixel_is_shown(mode):
    kind = "TIFF" if mode in ("CMYK", "F", "I") else "PNG"
    grey = Image.linear_gradient("L").resize((32, 32))
    image = (
        Image.fromarray(np.asarray(grey).astype(np.uint16) * 256) if mode == "I;16" else grey.convert(mode)
    )
    drawn = np.asarray(shown(redrawn(encoded(image, kind))).convert("L"), dtype=int)
    assert drawn[2].mean() < drawn[-3].mean()


def test_what_is_transparent_is_shown_on_white():
    drawn = shown(redrawn(encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 0)))))
    assert min(drawn.getpixel((4, 4))) > 250


@pytest.mark.parametrize(
    "data",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n broken", b"GIF89a"],
    ids=["empty", "svg", "pdf", "broken png", "cut gif"],
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(MediaError):
        redrawn(data)


def test_a_picture_cut_short_is_refused():
    with pytest.raises(MediaError):
        redrawn(encoded(half_red((400, 400)), "JPEG")[:400])


def test_a_picture_of_too_many_pixels_is_never_decoded():
    with pytest.raises(MediaError, match="too many"):
        redrawn(encoded(Image.new("1", (13_000, 13_000)), "PNG"))


SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))


@given(
    st.floats(-3, 3),
    st.floats(0.3, 3),
    st.tuples(st.floats(-100, 100), st.floats(-100, 100)),
    st.floats(-1e-4, 1e-4),
)
def test_a_polygon_goes_there_and_back(angle, scale, move, tilt):
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.array([[cos, -sin, move[0]], [sin, cos, move[1]], [tilt, tilt, 1]])
    points = matrix @ np.column_stack([SQUARE, np.ones(4)]).T
    there = tuple((float(x), float(y)) for x, y in (points[:2] / points[2]).T)
    back = polygon_through(tuple(float(v) for v in matrix.ravel()), there)
    assert back is not None
    assert np.allclose(back, SQUARE, atol=1e-4)


@pytest.mark.parametrize(
    "matrix",
    [(), (0.0,) * 9, (1.0,) * 9, (float("nan"),) * 9, (1, 0, 0, 0, 1, 0, -0.2, 0, 1)],
    ids=["none", "zero", "singular", "not a number", "over the horizon"],
)
def test_a_map_that_leads_nowhere_draws_nothing(matrix):
    assert polygon_through(matrix, ((-20.0, 0.0), (20.0, 0.0), (20.0, 5.0))) is None


def test_two_points_are_no_polygon():
    assert polygon_through((1, 0, 0, 0, 1, 0, 0, 0, 1), ((0, 0), (1, 1))) is None
