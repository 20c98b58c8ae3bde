"""The rehearsal's photographs, and what clone sites do to them."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from clonedetect.errors import InputError

__all__ = ["INNOCENT_PICTURES", "MANIPULATIONS", "TEMPLATES", "jpeg", "photograph"]

INNOCENT_PICTURES = ("camera", "moon", "ihc", "brick", "grass", "gravel")

_FOLDERS = (("skimage", "data"), ("sklearn", "datasets/images"))
_LONGEST_SIDE = 1080


def photograph(name: str) -> Image.Image:
    """Return one photograph of the wheels by its stem, RGB, longest side at most 1080 pixels.

    Raises InputError, with the command that installs it, where the wheel is missing.
    """
    for package, folder in _FOLDERS:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        for path in sorted((Path(spec.origin).parent / folder).glob(f"{name}.*")):
            if path.suffix in {".png", ".jpg"}:
                with Image.open(path) as image:
                    picture = image.convert("RGB")
                picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
                return picture
    raise InputError(f"the photograph {name!r} is not installed: pip install 'clonedetect[demo]'")


def jpeg(picture: Image.Image, quality: int = 88) -> bytes:
    """Return `picture` as JPEG bytes."""
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _again(picture: Image.Image, quality: int) -> Image.Image:
    with Image.open(io.BytesIO(jpeg(picture, quality))) as image:
        return image.convert("RGB")


def _square_thumbnail(picture: Image.Image) -> Image.Image:
    return ImageOps.fit(picture, (320, 320))


def _watermark(picture: Image.Image) -> Image.Image:
    """Write the site's name across the middle, half transparent, and again in a corner."""
    marked = picture.copy()
    draw = ImageDraw.Draw(marked, "RGBA")
    large = ImageFont.load_default(size=max(18, picture.width // 9))
    small = ImageFont.load_default(size=max(12, picture.width // 30))
    middle = (picture.width // 2, picture.height // 2)
    draw.text(middle, "toppost.example", font=large, fill=(255, 255, 255, 120), anchor="mm")
    corner = (picture.width - 10, picture.height - 10)
    draw.text(corner, "@toppost.example", font=small, fill=(255, 255, 255, 220), anchor="rs")
    return marked


def _dense_watermark(picture: Image.Image) -> Image.Image:
    """Write the site's name in four rows all over the picture."""
    marked = picture.copy()
    draw = ImageDraw.Draw(marked, "RGBA")
    font = ImageFont.load_default(size=max(16, picture.width // 14))
    step_x, step_y = picture.width // 2, max(1, picture.height // 4)
    for row in range(4):
        for column in range(2):
            where = (column * step_x + (row % 2) * step_x // 4, row * step_y + step_y // 3)
            draw.text(where, "toppost.example", font=font, fill=(255, 255, 255, 110))
    return marked


def _crop(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    return picture.crop((width // 12, height // 14, width - width // 10, height - height // 12))


def _frame(picture: Image.Image) -> Image.Image:
    return ImageOps.expand(picture, border=max(8, picture.width // 14), fill=(255, 255, 255))


def _small(picture: Image.Image) -> Image.Image:
    return picture.resize((max(1, picture.width * 2 // 5), max(1, picture.height * 2 // 5)))


def screenshot(picture: Image.Image) -> Image.Image:
    """Return `picture` shown in a phone application: bars, avatar, buttons and strings around it."""
    page = Image.new("RGB", (720, 1280), (250, 250, 250))
    draw = ImageDraw.Draw(page)
    small, large = ImageFont.load_default(size=22), ImageFont.load_default(size=30)
    draw.rectangle((0, 0, 720, 56), fill=(20, 20, 24))
    draw.text((28, 14), "21:47", font=small, fill="white")
    draw.text((560, 14), "LTE  81%", font=small, fill="white")
    draw.text((28, 82), "Lumigram", font=large, fill=(30, 30, 30))
    draw.ellipse((28, 144, 92, 208), fill=(214, 90, 110))
    draw.text((110, 160), "Suggested for you", font=small, fill=(60, 60, 60))
    draw.text((600, 160), "Follow", font=small, fill=(0, 110, 220))
    page.paste(ImageOps.fit(picture, (720, 720)), (0, 230))
    for index, colour in enumerate(((220, 40, 60), (40, 40, 40), (40, 40, 40))):
        draw.ellipse((28 + 70 * index, 972, 76 + 70 * index, 1020), outline=colour, width=5)
    draw.text((28, 1040), "Liked by maya and 1,204 others", font=small, fill=(40, 40, 40))
    draw.text((28, 1080), "View all 86 comments", font=small, fill=(130, 130, 130))
    draw.line((0, 1180, 720, 1180), fill=(210, 210, 210), width=2)
    for index in range(5):
        draw.rectangle((50 + 136 * index, 1206, 96 + 136 * index, 1252), outline=(50, 50, 50), width=4)
    return page


def meme(picture: Image.Image) -> Image.Image:
    """Return `picture` between two black bars of large lettering."""
    page = Image.new("RGB", (800, 800), "black")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(size=62)
    page.paste(ImageOps.fit(picture, (760, 520)), (20, 140))
    draw.text((400, 70), "NOBODY:  ABSOLUTELY NOBODY:", font=font, fill="white", anchor="mm")
    draw.text((400, 730), "ME ON A MONDAY MORNING", font=font, fill="white", anchor="mm")
    return page


TEMPLATES: dict[str, Callable[[Image.Image], Image.Image]] = {"screenshot": screenshot, "meme": meme}

MANIPULATIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "plain copy": lambda picture: picture,
    "thumbnail": _square_thumbnail,
    "recompression": lambda picture: _again(picture, 35),
    "watermark": _watermark,
    "dense watermark": _dense_watermark,
    "flip": ImageOps.mirror,
    "crop": _crop,
    "frame": _frame,
    "small": _small,
    "screenshot": screenshot,
}
"""What was done to a picture; each takes and returns RGB."""
