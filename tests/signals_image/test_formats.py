"""Pictures in every form they come in: each made here, each compared with its plain twin."""

import struct
import subprocess
import sys
import time
import zlib
from io import BytesIO

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageOps

from clonedetect.errors import MediaError
from clonedetect.models.signal import VIEWS_PER_MEDIA
from clonedetect.signals.decode import FRAMES, decode
from clonedetect.signals.image import image_signals, query_image

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'


def encoded(picture: Image.Image, form: str, **options) -> bytes:
    out = BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def views(data: bytes) -> dict[str, bytes]:
    return {entry.view: entry.bits for entry in image_signals(data, features=False).hashes}


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def is_near(data: bytes, picture: Image.Image, bits: int = 8) -> bool:
    return distance(views(data)["whole"], views(encoded(picture, "PNG"))["whole"]) <= bits


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(rows: np.ndarray, depth: int, colour: int, *, before: bytes = b"") -> bytes:
    """Return a PNG of rows of bytes as they are stored, without filters."""
    height = len(rows)
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    width = rows.shape[1] * 8 // (depth * channels)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return b"\x89PNG\r\n\x1a\n" + header + before + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def with_chunk(png: bytes, kind: bytes, body: bytes) -> bytes:
    """Put a chunk behind a PNG's header."""
    return png[:33] + chunk(kind, body) + png[33:]


# --- colour models and depths


@pytest.mark.parametrize(("channels", "colour"), [(3, 2), (4, 6)], ids=["rgb", "rgba"])
def test_sixteen_bits_a_channel(photo, channels, colour):
    pixels = np.asarray(photo.convert("RGBA"), np.uint16)[:, :, :channels] * 257
    rows = pixels.astype(">u2").reshape(photo.height, -1).view(np.uint8)
    assert is_near(png_of(rows, 16, colour), photo, 2)


def test_sixteen_bit_grey_is_scaled_not_cut(photo):
    grey = np.asarray(photo.convert("L"), np.uint16) * 257
    rows = grey.astype(">u2").view(np.uint8)
    decoded = decode(png_of(rows, 16, 0))
    assert "sixteen-bit" in decoded.flags
    assert np.array_equal(decoded.grey, np.asarray(photo.convert("L")))


def test_one_bit_pictures(photo):
    drawn = photo.convert("L").point(lambda level: 255 * (level > 110)).convert("1")
    data = encoded(drawn, "PNG")
    assert set(np.unique(decode(data).grey)) == {0, 255}
    assert is_near(data, drawn.convert("L"), 0)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_laid_on_white_in_grey_and_colour(photo, mode):
    clear = photo.convert(mode)
    clear.putalpha(Image.linear_gradient("L").resize(photo.size))
    white = Image.alpha_composite(Image.new("RGBA", photo.size, "white"), clear.convert("RGBA"))
    assert is_near(encoded(clear, "PNG"), white.convert("RGB"), 2)


def test_a_palette_with_transparency_is_laid_on_white(photo):
    drawn = photo.quantize(64)
    kept = np.asarray(drawn) != 0
    data = encoded(drawn, "PNG", transparency=0)
    decoded = decode(data)
    assert {"alpha", "palette"} <= set(decoded.flags)
    assert (decoded.grey[~kept] == 255).all()
    assert np.abs(decoded.grey[kept].astype(int) - np.asarray(drawn.convert("L"), int)[kept]).max() <= 1


def test_a_colour_declared_transparent_is_white(photo):
    white_sky = np.asarray(photo).copy()
    white_sky[:60] = (1, 2, 3)
    data = encoded(Image.fromarray(white_sky), "PNG", transparency=(1, 2, 3))
    assert (decode(data).grey[:60] == 255).all()


def test_an_adobe_cmyk_jpeg_is_not_a_negative(photo):
    data = encoded(photo.convert("CMYK"), "JPEG", quality=92)
    assert b"Adobe" in data[:200]
    assert is_near(data, photo)
    assert not is_near(data, ImageOps.invert(photo), 100)


def test_ycck_is_read_as_its_cmyk_twin(photo):
    """Luma and colour of the three inks and black beside it, said by the Adobe marker's last byte."""
    inks = np.asarray(photo.convert("CMYK"))
    coded = np.asarray(Image.fromarray(inks[:, :, :3]).convert("YCbCr"))
    stored = np.dstack([coded, 255 - inks[:, :, 3]])
    plain = encoded(Image.fromarray(255 - stored, "CMYK"), "JPEG", quality=95)  # Pillow writes it inverted
    place = plain.index(b"Adobe") + 11
    assert plain[place] == 0
    data = plain[:place] + b"\x02" + plain[place + 1 :]
    assert is_near(data, photo)
    assert "cmyk" in decode(data).flags


def test_an_rgb_jpeg_without_luma_is_read_too(photo):
    data = encoded(photo, "JPEG", quality=92, keep_rgb=True)
    assert is_near(data, photo)


def test_progressive_jpegs(photo):
    assert is_near(encoded(photo, "JPEG", quality=90, progressive=True), photo)


def test_of_an_mpo_the_first_picture_is_taken(photo):
    data = encoded(photo, "MPO", save_all=True, append_images=[photo.rotate(180)])
    decoded = decode(data)
    assert "animated" not in decoded.flags
    assert is_near(data, photo)


# --- orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_gives_the_upright_pictures_hash(photo, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = encoded(photo, "JPEG", quality=95, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(BytesIO(turned)))
    assert is_near(turned, upright, 2)


@pytest.mark.parametrize("orientation", [2, 3, 6, 7])
@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_orientation_is_obeyed_outside_jpeg_too(photo, form, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if form == "WEBP" else {}
    data = encoded(photo, form, exif=exif, **options)
    exif[0x0112] = orientation
    jpeg = encoded(photo, "JPEG", quality=95, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(BytesIO(jpeg)))
    assert (decode(data).width, decode(data).height) == upright.size
    assert is_near(data, upright, 2)


def test_an_orientation_that_is_none_is_left_alone(photo):
    exif = Image.Exif()
    exif[0x0112] = 900
    assert "oriented" not in decode(encoded(photo, "JPEG", exif=exif)).flags


# --- animation


def moving(photo: Image.Image, count: int, form: str) -> bytes:
    """Return an animation whose every frame shows another part of the photograph."""
    frames = [photo.crop((n * 10, n * 5, n * 10 + 300, n * 5 + 200)).rotate(20 * n) for n in range(count)]
    options = {"lossless": True} if form == "WEBP" else {}
    return encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=40, **options)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "AVIF"])
def test_frames_of_an_animation_are_sampled_evenly(photo, form):
    decoded = decode(moving(photo, 12, form))
    assert "animated" in decoded.flags
    assert decoded.frames == 12
    assert len(decoded.stills) == FRAMES
    last = photo.crop((110, 55, 410, 255)).rotate(220).convert("L")
    assert np.abs(decoded.stills[-1].astype(int) - np.asarray(last, int)).mean() < 20


def test_a_still_of_any_sampled_frame_meets_the_animation(photo):
    data = moving(photo, 5, "GIF")
    stored = image_signals(data, features=False).hashes
    assert len(stored) <= VIEWS_PER_MEDIA
    for number in range(5):
        still = photo.crop((number * 10, number * 5, number * 10 + 300, number * 5 + 200)).rotate(20 * number)
        bits = views(encoded(still, "PNG"))["whole"]
        assert min(distance(bits, entry.bits) for entry in stored) <= 10
        asked = query_image(data).hashes
        assert min(distance(bits, entry.bits) for entry in asked) <= 10


def test_an_animation_that_begins_with_a_blank_is_known_by_a_frame_that_shows_something(photo):
    blank = Image.new("RGB", photo.size, "white")
    data = encoded(blank, "GIF", save_all=True, append_images=[photo], duration=40)
    signals = image_signals(data, features=False)
    assert signals.quality >= 50
    assert is_near(data, photo)


def test_frames_that_repeat_are_stored_once(photo):
    data = encoded(photo, "GIF", save_all=True, append_images=[photo] * 3, duration=40)
    assert not [name for name in views(data) if name.startswith("frame-")]


def test_no_more_frames_are_decoded_than_one_picture_may_have_pixels(photo):
    data = moving(photo, 6, "GIF")
    assert len(decode(data, max_pixels=300 * 200).stills) == 1
    assert len(decode(data, max_pixels=3 * 300 * 200).stills) == 3


def test_a_damaged_later_frame_leaves_the_first(photo):
    data = moving(photo, 6, "GIF")
    decoded = decode(data[: len(data) // 2])
    assert 1 <= len(decoded.stills) < 6


# --- what hides, and what is huge


def test_a_text_that_unpacks_to_gigabytes_does_not_hide_a_picture(photo):
    packed = zlib.compress(bytes(200_000_000), 9)
    bombed = with_chunk(encoded(photo, "PNG"), b"zTXt", b"note\0\0" + packed)
    bombed = with_chunk(bombed, b"iCCP", b"profile\0\0" + packed)
    bombed = with_chunk(bombed, b"iTXt", b"note\0\1\0\0\0" + packed)
    started = time.process_time()
    assert views(bombed) == views(encoded(photo, "PNG"))
    assert time.process_time() - started < 5


def test_exif_of_entries_without_end_costs_nothing(photo):
    entry = struct.pack(">HHII", 0x8769, 4, 0xFFFFFFFF, 8)
    exif = b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", 5000) + entry * 5000
    data = encoded(photo, "JPEG", quality=90, exif=exif[:65000])
    started = time.process_time()
    assert is_near(data, photo)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("behind", [b"<script>alert(1)</script>", b"PK\3\4" + bytes(60), b"%PDF-1.7\n"])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF"])
def test_what_hangs_behind_a_picture_changes_none_of_its_hashes(photo, form, behind):
    plain = encoded(photo, form)
    assert views(plain + behind * 20) == views(plain)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!doctype html><title>Not found</title>",
        SVG,
        b'<?xml version="1.0"?>' + SVG,
        b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(60),
        b"%PDF-1.7\n1 0 obj",
        b"8BPS\0\1" + bytes(40),
        b"\0\0\1\0\1\0\x10\x10" + bytes(60),
    ],
    ids=["empty", "html", "svg", "svg-xml", "jpeg-2000", "pdf", "psd", "ico"],
)
def test_what_is_no_photograph_is_refused(data):
    with pytest.raises(MediaError):
        decode(data)


@pytest.mark.parametrize("form", ["BMP", "TIFF", "GIF"])
def test_bombs_of_other_formats_are_refused_unread(form):
    data = bytearray(encoded(Image.new("L", (40, 30)), form))
    if form == "BMP":
        data[18:26] = struct.pack("<ii", 60_000, 60_000)
    elif form == "GIF":
        data[6:10] = struct.pack("<HH", 65_535, 65_535)
    else:
        data = data.replace(struct.pack("<HHII", 256, 4, 1, 40), struct.pack("<HHII", 256, 4, 1, 900_000))
        data = data.replace(struct.pack("<HHII", 257, 4, 1, 30), struct.pack("<HHII", 257, 4, 1, 900_000))
    with pytest.raises(MediaError, match=r"claims|Bomb|pixels"):
        decode(bytes(data))


# --- HEIC


def test_heic_is_opened_by_the_extra(photo):
    assert pillow_heif.libheif_version()
    data = encoded(photo, "HEIF", quality=80)
    assert decode(data).format == "HEIF"
    assert is_near(data, photo)


def test_without_the_extra_heic_is_refused_by_its_name(photo):
    program = (
        "import sys; sys.modules['pillow_heif'] = None\n"
        "from clonedetect.errors import MediaError\n"
        "from clonedetect.signals.decode import decode\n"
        "try:\n    decode(sys.stdin.buffer.read())\nexcept MediaError as error:\n    print(error)\n"
    )
    data = encoded(photo, "HEIF", quality=80)
    ended = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, check=True)
    assert b"clonedetect[heic]" in ended.stdout


# --- too little to tell


@pytest.mark.parametrize(
    "pixels",
    [np.full((300, 400), 90, np.uint8), np.tile(np.linspace(0, 255, 400).astype(np.uint8), (300, 1))],
    ids=["even", "gradient"],
)
def test_what_tells_too_little_keeps_its_hashes_and_says_so(pixels):
    """The quality is what makes such a picture `inconclusive`; to drop it would call it unknown."""
    data = encoded(Image.fromarray(pixels), "PNG")
    signals = image_signals(data, features=False)
    assert signals.quality < 50
    assert len(signals.hashes[0].bits) == 32
    assert query_image(data).hashes[0].quality == signals.quality


def test_a_truncated_picture_is_hashed_as_far_as_it_goes_and_says_so(photo):
    data = encoded(photo, "JPEG", quality=90)
    signals = image_signals(data[: len(data) * 2 // 3], features=False)
    assert "truncated" in signals.flags
    assert signals.width == photo.width
    assert signals.height == round(signals.share * photo.height)
