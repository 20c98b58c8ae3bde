import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageFile, features

from clonedetect.errors import MediaError
from clonedetect.signals.decode import MAX_PIXELS, decode, grey_frame
from clonedetect.signals.image import image_signals


def encoded(picture: Image.Image, form: str, **options) -> bytes:
    out = BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def whole_hash(data: bytes) -> bytes:
    """The whole view: the one that survives what another mode does to single pixels."""
    views = {entry.view: entry for entry in image_signals(data, features=False).hashes}
    return views["whole"].bits


@pytest.fixture(scope="module")
def plain_hash(photo) -> bytes:
    return whole_hash(encoded(photo, "PNG"))


def deep(photo: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(photo.convert("L"), dtype=np.uint16) * 257)


@pytest.mark.parametrize(
    ("form", "convert", "options", "flag"),
    [
        pytest.param("JPEG", lambda p: p, {"quality": 90}, None, id="jpeg"),
        pytest.param("JPEG", lambda p: p.convert("CMYK"), {"quality": 90}, "cmyk", id="cmyk"),
        pytest.param(
            "PNG", lambda p: p.convert("P", palette=Image.Palette.ADAPTIVE), {}, "palette", id="palette"
        ),
        pytest.param("PNG", deep, {}, "sixteen-bit", id="sixteen-bit"),
        pytest.param("TIFF", deep, {}, "sixteen-bit", id="sixteen-bit-tiff"),
        pytest.param(
            "TIFF",
            lambda p: Image.fromarray(np.asarray(p.convert("L"), np.float32) / 255),
            {},
            None,
            id="float",
        ),
        pytest.param("PNG", lambda p: p.convert("RGBA"), {}, None, id="opaque-alpha"),
        pytest.param("PNG", lambda p: p.convert("L"), {}, None, id="grey"),
        pytest.param("WEBP", lambda p: p, {"quality": 85}, None, id="webp"),
        pytest.param("BMP", lambda p: p, {}, None, id="bmp"),
        pytest.param("GIF", lambda p: p, {}, "palette", id="gif"),
        pytest.param("TIFF", lambda p: p.convert("LAB"), {}, None, id="lab"),
    ],
)
def test_the_same_picture_in_another_mode_has_nearly_the_same_hash(  # noqa: PLR0917  parametrised
    photo, plain_hash, form, convert, options, flag
):
    data = encoded(convert(photo), form, **options)
    assert distance(whole_hash(data), plain_hash) <= 8
    assert flag is None or flag in decode(data).flags


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif_is_opened(photo, plain_hash):
    assert distance(whole_hash(encoded(photo, "AVIF", quality=80)), plain_hash) <= 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(photo, plain_hash, orientation):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = photo.transpose(undo[orientation]) if orientation > 1 else photo
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(stored, "JPEG", quality=92, exif=exif)
    decoded = decode(data)
    assert (decoded.width, decoded.height) == photo.size
    assert ("oriented" in decoded.flags) == (orientation > 1)
    assert distance(whole_hash(data), plain_hash) <= 8


def test_transparency_is_laid_on_white(photo):
    clear = photo.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(photo.size))
    white = Image.new("RGBA", photo.size, "white")
    shown = Image.alpha_composite(white, clear).convert("L")
    data = encoded(clear, "PNG")
    assert "alpha" in decode(data).flags
    assert np.abs(decode(data).grey.astype(int) - np.asarray(shown, int)).max() <= 1


def test_large_jpegs_are_decoded_smaller_and_keep_their_stated_size(photo):
    large = photo.resize((3200, 2400))
    decoded = decode(encoded(large, "JPEG", quality=90))
    assert "reduced" in decoded.flags
    assert (decoded.width, decoded.height) == (3200, 2400)
    assert decoded.grey.shape == (600, 800)  # half the size is decoded, then divided by two
    assert max(grey_frame(decoded.grey).shape) == 640


def test_small_pictures_are_not_enlarged():
    assert grey_frame(decode(encoded(Image.new("L", (7, 3), 9), "PNG")).grey).shape == (3, 7)


def test_a_truncated_file_gives_what_is_there_and_says_so(photo):
    data = encoded(photo, "JPEG", quality=90)
    decoded = decode(data[: len(data) // 2])
    assert "truncated" in decoded.flags
    top = decoded.grey.astype(int)[: photo.height // 4]
    assert np.abs(top - np.asarray(photo.convert("L"), int)[: photo.height // 4]).mean() < 8
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 100)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "size", [(9000, 9000), (30000, 30000), (2**31 - 1, 2**31 - 1), (0, 10), (MAX_PIXELS + 1, 1)]
)
def test_a_bomb_is_refused_before_its_pixels_are_read(size):
    with pytest.raises(MediaError):
        decode(png_claiming(*size))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"<html>not a picture</html>",
        b"\xff\xd8\xff\xe0" + bytes(200),
        b"\x89PNG\r\n\x1a\n" + bytes(64),
        b"RIFF\x10\0\0\0WEBPVP8 " + bytes(30),
        b"II*\0\x08\0\0\0" + b"\xff" * 60,
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        bytes(range(256)) * 8,
    ],
    ids=["empty", "gif", "html", "jpeg", "png", "webp", "tiff", "eps", "bytes"],
)
def test_garbage_is_refused_by_name(data):
    with pytest.raises(MediaError):
        decode(data)


def test_every_damage_to_a_file_ends_in_a_picture_or_a_media_error(photo):
    small = photo.resize((64, 48))
    random = np.random.default_rng(4)
    refused = 0
    for form in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"):
        whole = bytearray(encoded(small, form))
        for _ in range(25):
            damaged = bytearray(whole)
            for place in random.integers(0, len(whole), 6):
                damaged[place] = int(random.integers(0, 256))
            cut = bytes(damaged[: int(random.integers(len(whole) // 2, len(whole)))])
            try:
                decoded = decode(cut)
            except MediaError:
                refused += 1
            else:
                assert decoded.width * decoded.height <= MAX_PIXELS
    assert refused > 0


@pytest.mark.parametrize(
    ("mode", "options"),
    [("RGB", {}), ("RGBA", {}), ("LA", {}), ("P", {"transparency": 3}), ("CMYK", {})],
    ids=["rgb", "alpha", "grey and alpha", "palette with a clear colour", "cmyk"],
)
def test_a_large_picture_is_flattened_in_bands_to_the_very_same_pixels(mode, options, photo, monkeypatch):
    picture = photo.convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(photo.size).point(lambda level: min(255, 2 * level)))
    shown = picture.convert("RGB").quantize(64) if mode == "P" else picture.convert(mode)
    data = encoded(shown, "TIFF" if mode == "CMYK" else "PNG", **options)
    whole = decode(data)
    for name in ("_WHOLE_PIXELS", "_BAND_PIXELS"):
        monkeypatch.setattr(f"clonedetect.signals.decode.{name}", 10_000)

    banded = decode(data)

    assert np.array_equal(banded.grey, whole.grey)
    assert banded.flags == whole.flags
