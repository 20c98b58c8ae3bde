"""What came of a file that ends early is told to the pixel from what a decoder put in its place."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from clonedetect.errors import MediaError
from clonedetect.signals.decode import decode
from clonedetect.signals.display import shown_picture


def encoded(picture: Image.Image, form: str, **options) -> bytes:
    out = BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def adam7(picture: Image.Image) -> bytes:
    """Return a grey PNG in seven passes, which Pillow reads and does not write."""
    pixels = np.asarray(picture.convert("L"))
    starts = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    rows = b"".join(
        b"\0" + row.tobytes() for top, left, down, across in starts for row in pixels[top::down, left::across]
    )

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", picture.width, picture.height, 8, 0, 0, 0, 1)
    data = zlib.compress(rows, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize(
    ("form", "options"),
    [
        pytest.param("JPEG", {"quality": 88}, id="jpeg"),
        pytest.param("PNG", {}, id="png"),
        pytest.param("WEBP", {"lossless": True, "method": 0}, id="webp-lossless"),
        pytest.param("WEBP", {"quality": 85}, id="webp"),
        pytest.param("GIF", {"interlace": 0}, id="gif"),
        pytest.param("TIFF", {}, id="tiff"),
    ],
)
def test_every_row_that_is_taken_is_that_of_the_whole_file(photo, form, options, share):
    data = encoded(photo, form, **options)
    whole, part = decode(data), decode(cut(data, share))
    assert "truncated" in part.flags
    assert part.origin == (0, 0)
    assert part.height == len(part.grey)
    assert part.share == pytest.approx(part.height / photo.height, abs=0.01)
    assert 0.3 * share < part.share < min(1.0, share + 0.2)
    assert np.array_equal(part.grey, whole.grey[: part.height])


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_of_a_webp_whose_modes_alone_came_nothing_is_taken(photo, share):
    """They come first, for the whole picture, and any decoder then shows something everywhere."""
    with pytest.raises(MediaError, match="none of it can be decoded"):
        decode(cut(encoded(photo, "WEBP", quality=85), share))


def test_a_bmp_comes_from_below(photo):
    part = decode(cut(encoded(photo, "BMP"), 0.5))
    assert part.origin == (0, photo.height - part.height)
    assert np.array_equal(part.grey, np.asarray(photo.convert("L"))[-part.height :])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_part_lies_where_the_upright_picture_has_it(photo, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photo, "PNG", exif=exif)
    whole, part = decode(data), decode(cut(data, 0.5))
    left, top = part.origin
    assert 0.3 < part.share < 0.7
    assert np.array_equal(part.grey, whole.grey[top : top + part.height, left : left + part.width])


def test_a_progressive_jpeg_comes_in_passes_and_its_empty_blocks_are_no_picture(photo):
    data = encoded(photo, "JPEG", quality=88, progressive=True)
    first = decode(cut(data, 0.05))
    assert 0.2 < first.share < 0.9
    truth = np.asarray(photo.convert("L"), int)[: first.height]
    assert np.abs(first.grey.astype(int) - truth).mean() < 14
    assert (first.grey[-1] != 128).any()
    later = decode(cut(data, 0.5))
    assert later.share == 1
    assert "truncated" in later.flags
    assert later.height == photo.height


def test_of_an_interlaced_png_every_second_row_and_column_is_enough(photo):
    grey = np.asarray(photo.convert("L"))
    assert np.array_equal(decode(adam7(photo)).grey, grey)
    part = decode(cut(adam7(photo), 0.55))
    assert 0.4 < part.share < 0.6
    assert (part.width, part.height) == (photo.width, photo.height - 1)  # its last row is an odd one
    assert np.array_equal(part.grey, grey[::2, ::2])


def test_of_an_interlaced_gif_whole_rows_are_taken_and_none_between(photo):
    data = encoded(photo, "GIF", interlace=1)
    part = decode(cut(data, 0.4))
    assert "truncated" in part.flags
    assert np.array_equal(part.grey, decode(data).grey[::4, ::4][: len(part.grey)])


def test_the_transparent_ground_of_a_gif_did_not_come(photo):
    drawn = photo.quantize(64)
    data = encoded(drawn, "GIF", transparency=5, interlace=0)
    part = decode(cut(data, 0.5))
    assert 0.3 < part.share < 0.7
    assert np.array_equal(part.grey, decode(data).grey[: part.height])


def test_black_white_and_grey_pictures_that_came_are_told_from_filler(photo):
    """An even picture of a filler's level is there as far as the file goes, not further and not less."""
    for level in (0, 128, 255):
        pixels = np.asarray(photo.convert("L")).copy()
        pixels[100:220] = level
        part = decode(cut(encoded(Image.fromarray(pixels), "BMP"), 0.5))
        assert abs(part.height - photo.height / 2) <= 6


def test_a_jpeg_that_lacks_its_last_two_bytes_is_whole(photo):
    data = encoded(photo, "JPEG", quality=88)
    decoded = decode(data[:-2])
    assert "truncated" not in decoded.flags
    assert np.array_equal(decoded.grey, decode(data).grey)


@pytest.mark.parametrize(
    "options", [{}, {"restart_marker_rows": 1}, {"keep_rgb": True}], ids=["", "restart", "rgb"]
)
def test_a_jpeg_cut_at_any_place_is_never_taken_for_whole(photo, options):
    data = encoded(photo, "JPEG", quality=80, **options)
    grey = decode(data).grey
    places = np.random.default_rng(7).integers(2000, len(data) - 40, 60)
    for place in [*places.tolist(), *(at + 1 for at in range(2000, len(data) - 40) if data[at] == 0xFF)][:90]:
        part = decode(data[:place])
        assert "truncated" in part.flags
        assert np.array_equal(part.grey, grey[: part.height])


def test_a_large_jpeg_is_cut_where_its_smaller_decode_ends(photo):
    large = photo.resize((3200, 2400))
    part = decode(cut(encoded(large, "JPEG", quality=88), 0.5))
    assert "reduced" in part.flags
    assert part.width == 3200
    assert part.height == pytest.approx(part.share * 2400, abs=2)
    assert part.grey.shape[1] == 800


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "HEIF"])
def test_a_file_that_ends_before_its_pixels_is_refused_in_words(photo, form):
    data = encoded(photo, form)
    with pytest.raises(MediaError, match=r"early|damaged"):
        decode(data[:60] if form in {"WEBP", "GIF", "BMP"} else data[: min(200, len(data) // 50)])


def test_a_webp_that_claims_gigabytes_is_not_filled_up(photo):
    data = encoded(photo, "WEBP", quality=80)
    with pytest.raises(MediaError, match="bytes of it are missing"):
        decode(data[:4] + struct.pack("<I", 0xFFFFFF00) + data[8:])


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_picture_is_shown_with_what_is_missing_hatched(photo, form):
    data = encoded(photo, form, **({"lossless": True} if form == "WEBP" else {}))
    shown, whole = shown_picture(cut(data, 0.5)), shown_picture(data)
    assert (shown.width, shown.height) == photo.size
    assert shown.pixels.shape == whole.pixels.shape
    assert np.abs(shown.pixels[:80].astype(int) - whole.pixels[:80]).mean() < 2
    assert set(np.unique(shown.pixels[-40:])) == {205, 235}
