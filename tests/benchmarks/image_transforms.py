"""What clones do to pictures: seeded transformations, each from an RGB picture to an RGB picture.

`transformed` saves every result again as JPEG at quality 85, as a platform would.
Random choices come from a generator seeded by transformation and picture name.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Picture = Image.Image


class Random(np.random.Generator):
    """A seeded generator that also draws photographs: of `photographs` if there are any, else made up."""

    def __init__(self, seed: int, photographs: Sequence[Path] = ()) -> None:
        super().__init__(np.random.PCG64(seed))
        self._photographs = photographs

    def photograph(self, size: tuple[int, int]) -> Picture:
        """Return another photograph, cut to `size`."""
        if not self._photographs:
            return scenery(self, size)
        path = self._photographs[int(self.integers(0, len(self._photographs)))]
        with Image.open(path) as picture:
            return ImageOps.fit(picture.convert("RGB"), size, Image.Resampling.LANCZOS)


Transform = Callable[[Picture, Random], Picture]

TRANSFORMS: dict[str, Transform] = {}


def transformed(name: str, picture: Picture, seed: str, photographs: Sequence[Path] = ()) -> bytes:
    """Return the JPEG bytes of `picture` after the named transformation.

    Compositions put `photographs` beside it, none of which should be indexed.
    """
    random = Random(zlib.crc32(f"{name} {seed}".encode()), photographs)
    return jpeg(TRANSFORMS[name](picture.convert("RGB"), random), 85)


def jpeg(picture: Picture, quality: int) -> bytes:
    out = BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=quality)
    return out.getvalue()


def again(picture: Picture, form: str, quality: int) -> Picture:
    out = BytesIO()
    picture.save(out, form, quality=quality)
    return Image.open(BytesIO(out.getvalue())).convert("RGB")


def add(name: str) -> Callable[[Transform], Transform]:
    def register(transform: Transform) -> Transform:
        TRANSFORMS[name] = transform
        return transform

    return register


def resized(picture: Picture, longest: int) -> Picture:
    scale = longest / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def square(picture: Picture, side: int) -> Picture:
    return ImageOps.fit(picture, (side, side), Image.Resampling.LANCZOS)


def centre(picture: Picture, share: float) -> Picture:
    width, height = picture.width * share**0.5, picture.height * share**0.5
    left, top = (picture.width - width) / 2, (picture.height - height) / 2
    return picture.crop((round(left), round(top), round(left + width), round(top + height)))


def random_crop(picture: Picture, share: float, random: Random) -> Picture:
    width, height = round(picture.width * share**0.5), round(picture.height * share**0.5)
    left = int(random.integers(0, picture.width - width + 1))
    top = int(random.integers(0, picture.height - height + 1))
    return picture.crop((left, top, left + width, top + height))


def on(canvas: tuple[int, int], colour: tuple[int, int, int], picture: Picture) -> Picture:
    page = Image.new("RGB", canvas, colour)
    page.paste(picture, ((canvas[0] - picture.width) // 2, (canvas[1] - picture.height) // 2))
    return page


def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(8, size))


def warped(picture: Picture, matrix: np.ndarray, size: tuple[int, int] | None = None) -> Picture:
    size = size or picture.size
    pixels = cv2.warpPerspective(np.asarray(picture), matrix, size, flags=cv2.INTER_AREA)
    return Image.fromarray(pixels)


WORDS = [
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "a",
    "lazy",
    "dog",
    "while",
    "seven",
    "wizards",
    "box",
    "jugs",
    "of",
    "liquor",
    "quietly",
]


def text_lines(random: Random, lines: int, words: int = 6) -> str:
    return "\n".join(" ".join(random.choice(WORDS, words)) for _ in range(lines))


# Encoding and size -------------------------------------------------------------------------------------

add("identity")(lambda p, r: p)
for quality in (75, 50, 30, 10):
    add(f"jpeg-{quality}")(lambda p, r, q=quality: again(p, "JPEG", q))
add("webp-50")(lambda p, r: again(p, "WEBP", 50))
add("size-0.5")(lambda p, r: resized(p, max(p.size) // 2))
add("size-0.25")(lambda p, r: resized(p, max(p.size) // 4))
for side in (150, 320, 640):
    add(f"thumbnail-{side}")(lambda p, r, s=side: square(p, s))
add("feed-4:5")(lambda p, r: ImageOps.fit(p, (864, 1080)))
add("story-9:16")(lambda p, r: ImageOps.fit(p, (608, 1080)))

# Crops and frames --------------------------------------------------------------------------------------

for share in (90, 80, 70, 50, 30):
    add(f"crop-random-{share}")(lambda p, r, s=share: random_crop(p, s / 100, r))
for share in (70, 50):
    add(f"crop-centre-{share}")(lambda p, r, s=share: centre(p, s / 100))
add("side-15")(lambda p, r: p.crop((round(p.width * 0.15), 0, p.width, p.height)))
add("side-30")(lambda p, r: p.crop((0, 0, p.width, round(p.height * 0.7))))
add("border-white-5")(lambda p, r: ImageOps.expand(p, round(max(p.size) * 0.05), (255, 255, 255)))
add("border-black-15")(lambda p, r: ImageOps.expand(p, round(max(p.size) * 0.15), (0, 0, 0)))
add("letterbox-9:16")(lambda p, r: on((608, 1080), (0, 0, 0), ImageOps.contain(p, (608, 1080))))
add("white-square")(lambda p, r: on((1080, 1080), (255, 255, 255), ImageOps.contain(p, (1080, 1080))))


@add("blurred-9:16")
def _(picture: Picture, random: Random) -> Picture:
    page = ImageOps.fit(picture, (608, 1080)).filter(ImageFilter.GaussianBlur(25))
    inner = ImageOps.contain(picture, (608, 1080))
    page.paste(inner, ((608 - inner.width) // 2, (1080 - inner.height) // 2))
    return page


# Marks -------------------------------------------------------------------------------------------------


@add("mark-handle")
def _(picture: Picture, random: Random) -> Picture:
    picture = picture.copy()
    size = picture.width * 0.04
    ImageDraw.Draw(picture).text((size, picture.height - 2 * size), "@some_handle", "white", font=font(size))
    return picture


def overlay(picture: Picture, draw: Callable[[ImageDraw.ImageDraw, tuple[int, int]], None]) -> Picture:
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    draw(ImageDraw.Draw(layer), picture.size)
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


@add("mark-diagonal")
def _(picture: Picture, random: Random) -> Picture:
    side = max(picture.size)
    layer = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    ImageDraw.Draw(layer).text(
        (side * 0.05, side * 0.4), "WATERMARK", (255, 255, 255, 128), font=font(side / 7)
    )
    layer = layer.rotate(30).crop((0, 0, *picture.size))
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


@add("mark-tiled")
def _(picture: Picture, random: Random) -> Picture:
    def draw(pen: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
        step = size[0] / 5
        for x in np.arange(0, size[0], step):
            for y in np.arange(0, size[1], step * 0.6):
                pen.text((x, y), "stock.example", (255, 255, 255, 110), font=font(size[0] / 36))

    return overlay(picture, draw)


@add("mark-logo")
def _(picture: Picture, random: Random) -> Picture:
    def draw(pen: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
        side = min(size) * 0.18
        pen.ellipse((side * 0.2, side * 0.2, side * 1.2, side * 1.2), (220, 30, 90, 255))
        pen.text((side * 0.45, side * 0.4), "C", (255, 255, 255, 255), font=font(side * 0.5))

    return overlay(picture, draw)


def bar(picture: Picture, share: float, random: Random, *, top: bool) -> Picture:
    picture = picture.copy()
    high = round(picture.height * share)
    start = 0 if top else picture.height - high
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, start, picture.width, start + high), (255, 255, 255))
    lines = 2 if share < 0.3 else 5
    size = high / (lines + 1) / 1.3
    pen.text((size / 2, start + size / 3), text_lines(random, lines), (0, 0, 0), font=font(size))
    return picture


add("caption-top-18")(lambda p, r: bar(p, 0.18, r, top=True))
add("caption-bottom-18")(lambda p, r: bar(p, 0.18, r, top=False))
add("caption-top-40")(lambda p, r: bar(p, 0.4, r, top=True))


@add("meme-text")
def _(picture: Picture, random: Random) -> Picture:
    picture = picture.copy()
    size = picture.width / 11
    pen = ImageDraw.Draw(picture)
    style = {"fill": "white", "stroke_fill": "black", "stroke_width": max(1, round(size / 12))}
    pen.text((size / 2, size / 3), "WHEN THE CODE WORKS", font=font(size * 0.8), **style)
    pen.text((size / 2, picture.height - 1.5 * size), "AND NOBODY KNOWS", font=font(size * 0.8), **style)
    return picture


# Geometry ----------------------------------------------------------------------------------------------

add("mirror")(lambda p, r: ImageOps.mirror(p))
for degrees in (2, 5, 15):
    add(f"rotate-{degrees}")(lambda p, r, d=degrees: p.rotate(d, Image.Resampling.BICUBIC, expand=True))
add("rotate-5-cropped")(lambda p, r: centre(p.rotate(5, Image.Resampling.BICUBIC), 0.7))
add("rotate-90")(lambda p, r: p.transpose(Image.Transpose.ROTATE_90))
add("rotate-180")(lambda p, r: p.transpose(Image.Transpose.ROTATE_180))
add("stretch-1.2")(lambda p, r: p.resize((round(p.width * 1.2), p.height)))
add("stretch-0.75")(lambda p, r: p.resize((round(p.width * 0.75), p.height)))


@add("perspective")
def _(picture: Picture, random: Random) -> Picture:
    w, h = picture.size
    corners = np.float32([[0, 0], [w, 0], [w, h], [0, h]])
    moved = np.float32([[0.08 * w, 0.05 * h], [0.95 * w, 0], [w, h], [0, 0.92 * h]])
    return warped(picture, cv2.getPerspectiveTransform(corners, moved))


# Tone --------------------------------------------------------------------------------------------------

for factor in (1.5, 0.5):
    add(f"brightness-{factor}")(lambda p, r, f=factor: ImageEnhance.Brightness(p).enhance(f))
for factor in (1.6, 0.5):
    add(f"contrast-{factor}")(lambda p, r, f=factor: ImageEnhance.Contrast(p).enhance(f))
add("saturation-2")(lambda p, r: ImageEnhance.Color(p).enhance(2))
add("grey")(lambda p, r: p.convert("L").convert("RGB"))
add("sepia")(lambda p, r: ImageOps.colorize(p.convert("L"), (40, 26, 13), (255, 240, 200)))
add("duotone")(lambda p, r: ImageOps.colorize(p.convert("L"), (20, 10, 90), (255, 170, 150)))
for gamma in (0.6, 1.8):
    add(f"gamma-{gamma}")(lambda p, r, g=gamma: p.point(lambda v: round(255 * (v / 255) ** g)))
add("inversion")(lambda p, r: ImageOps.invert(p))


@add("vignette")
def _(picture: Picture, random: Random) -> Picture:
    y, x = np.mgrid[-1 : 1 : picture.height * 1j, -1 : 1 : picture.width * 1j]
    shade = np.clip(1.15 - 0.6 * (x * x + y * y), 0.1, 1)[:, :, None]
    return Image.fromarray((np.asarray(picture) * shade).astype(np.uint8))


# Blur and noise ----------------------------------------------------------------------------------------

add("blur-0.3")(lambda p, r: p.filter(ImageFilter.GaussianBlur(p.width * 0.003)))
add("blur-1.2")(lambda p, r: p.filter(ImageFilter.GaussianBlur(p.width * 0.012)))


def noise(picture: Picture, sigma: float, random: Random) -> Picture:
    pixels = np.asarray(picture, dtype=np.float64) + random.normal(0, sigma, (*picture.size[::-1], 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


add("noise-12")(lambda p, r: noise(p, 12, r))
add("noise-35")(lambda p, r: noise(p, 35, r))
add("sharpen-3")(lambda p, r: ImageEnhance.Sharpness(p).enhance(3))
add("pixelate")(
    lambda p, r: p.resize((p.width // 8, p.height // 8), Image.Resampling.BOX).resize(
        p.size, Image.Resampling.NEAREST
    )
)


@add("shuffle-8")
def _(picture: Picture, random: Random) -> Picture:
    """Eight per cent of the pixels change places."""
    pixels = np.asarray(picture).reshape(-1, 3).copy()
    chosen = random.choice(len(pixels), round(0.08 * len(pixels)), replace=False)
    pixels[chosen] = pixels[random.permutation(chosen)]
    return Image.fromarray(pixels.reshape(picture.height, picture.width, 3))


# Stickers ----------------------------------------------------------------------------------------------


def sticker(picture: Picture, share: float, count: int, random: Random) -> Picture:
    picture = picture.copy()
    pen = ImageDraw.Draw(picture)
    side = round(min(picture.size) * share)
    for _ in range(count):
        x = int(random.integers(0, picture.width - side))
        y = int(random.integers(0, picture.height - side))
        colour = tuple(int(v) for v in random.integers(60, 255, 3))
        pen.rounded_rectangle((x, y, x + side, y + side), side // 5, colour)
        eye = side // 7
        for at in (0.3, 0.6):
            pen.ellipse((x + side * at, y + side * 0.3, x + side * at + eye, y + side * 0.3 + eye), "black")
        pen.arc((x + side * 0.25, y + side * 0.4, x + side * 0.75, y + side * 0.8), 10, 170, "black", 4)
    return picture


add("stickers-3x20")(lambda p, r: sticker(p, 0.2, 3, r))
add("sticker-45")(lambda p, r: sticker(p, 0.45, 1, r))


@add("emoji")
def _(picture: Picture, random: Random) -> Picture:
    """Six faces of an eighth of the shorter side."""
    return sticker(picture, 0.125, 6, random)


@add("text-sticker")
def _(picture: Picture, random: Random) -> Picture:
    """A tilted label with two lines on it, as story editors make."""
    side = round(min(picture.size) * 0.6)
    label = Image.new("RGBA", (side, side // 3), (250, 210, 60, 255))
    text = text_lines(random, 2, 3)
    ImageDraw.Draw(label).text((side / 20, side / 30), text, (20, 20, 20), font=font(side / 11))
    label = label.rotate(-12, Image.Resampling.BICUBIC, expand=True)
    page = picture.convert("RGBA")
    x = int(random.integers(0, max(1, picture.width - label.width)))
    y = int(random.integers(0, max(1, picture.height - label.height)))
    page.alpha_composite(label, (x, y))
    return page.convert("RGB")


@add("stripes")
def _(picture: Picture, random: Random) -> Picture:
    picture = picture.copy()
    pen = ImageDraw.Draw(picture)
    step = picture.height / 8
    for i in range(8):
        pen.rectangle((0, i * step, picture.width, i * step + step * 0.35), (250, 250, 250))
    return picture


# Compositions ------------------------------------------------------------------------------------------


def scenery(random: Random, size: tuple[int, int]) -> Picture:
    """A made-up textured picture: smooth noise at three scales, different for each draw."""
    total = np.zeros((size[1], size[0], 3))
    for cells, weight in ((4, 90), (16, 50), (64, 25)):
        small = random.normal(0, weight, (cells, cells, 3)).astype(np.float32)
        total += cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
    return Image.fromarray(np.clip(total + 128, 0, 255).astype(np.uint8))


def collage(picture: Picture, cells: int, random: Random) -> Picture:
    side = 1080 // cells
    page = Image.new("RGB", (1080, 1080), (255, 255, 255))
    chosen = int(random.integers(0, cells * cells))
    for number in range(cells * cells):
        tile = square(picture, side - 6) if number == chosen else random.photograph((side - 6, side - 6))
        page.paste(tile, (number % cells * side + 3, number // cells * side + 3))
    return page


add("collage-2x2")(lambda p, r: collage(p, 2, r))
add("collage-3x3")(lambda p, r: collage(p, 3, r))


@add("side-by-side")
def _(picture: Picture, random: Random) -> Picture:
    page = Image.new("RGB", (1080, 540))
    page.paste(square(picture, 540), (0, 0))
    page.paste(random.photograph((540, 540)), (540, 0))
    return page


def pasted(picture: Picture, share: float, random: Random) -> Picture:
    page = random.photograph((1080, 1080))
    inner = ImageOps.contain(picture, (round(1080 * share), round(1080 * share)))
    page.paste(
        inner, (int(random.integers(0, 1080 - inner.width)), int(random.integers(0, 1080 - inner.height)))
    )
    return page


add("pasted-60")(lambda p, r: pasted(p, 0.6, r))
add("pasted-40")(lambda p, r: pasted(p, 0.4, r))


@add("inset-over")
def _(picture: Picture, random: Random) -> Picture:
    picture = picture.copy()
    side = round(min(picture.size) * 0.35)
    picture.paste(random.photograph((side, side)), (round(picture.width * 0.6), round(picture.height * 0.05)))
    return picture


def phone_screen(picture: Picture, *, dark: bool = False, handle: str = "some_handle") -> Picture:
    """A photo application's screen, 540 x 1170: the same pixels but for the photograph."""
    ground, ink = ((0, 0, 0), (240, 240, 240)) if dark else ((255, 255, 255), (20, 20, 20))
    page = Image.new("RGB", (540, 1170), ground)
    pen = ImageDraw.Draw(page)
    pen.text((30, 14), "9:41", ink, font=font(22))
    pen.text((430, 14), "5G  87%", ink, font=font(20))
    pen.text((20, 60), "Photogram", ink, font=font(34))
    for i in range(3):
        pen.ellipse((330 + 70 * i, 62, 370 + 70 * i, 102), outline=ink, width=4)
    pen.ellipse((18, 130, 74, 186), (200, 80, 130))
    pen.text((90, 136), handle, ink, font=font(22))
    pen.text((90, 162), "Sponsored - Lisbon, Portugal", ink, font=font(17))
    pen.text((490, 140), "...", ink, font=font(26))
    page.paste(ImageOps.fit(picture, (540, 600)), (0, 205))
    for i in range(4):
        pen.rounded_rectangle((20 + 60 * i, 825, 56 + 60 * i, 861), 8, outline=ink, width=4)
    pen.text((20, 880), "1,204 likes", ink, font=font(22))
    pen.text((20, 912), f"{handle} golden hour never gets old", ink, font=font(20))
    pen.text((20, 942), "View all 37 comments", ink, font=font(20))
    pen.text((20, 972), "anna.k  what a beautiful place, where is it?", ink, font=font(18))
    pen.text((20, 1000), "2 hours ago - See translation", ink, font=font(16))
    for i in range(5):
        pen.rectangle((30 + 108 * i, 1090, 72 + 108 * i, 1132), outline=ink, width=4)
        pen.text((38 + 108 * i, 1098), "HSRVP"[i], ink, font=font(22))
    return page


def meme(picture: Picture) -> Picture:
    """A meme frame: big black words above and below, the same but for the photograph."""
    page = Image.new("RGB", (800, 1000), (255, 255, 255))
    pen = ImageDraw.Draw(page)
    pen.text((20, 20), "NOBODY:", "black", font=font(54))
    pen.text((20, 90), "ABSOLUTELY NOBODY AT ALL:", "black", font=font(46))
    pen.text((20, 150), "ME ON A MONDAY MORNING AT 5 AM:", "black", font=font(38))
    page.paste(ImageOps.fit(picture, (760, 620)), (20, 220))
    pen.text((20, 860), "made with memeforge.example", (90, 90, 90), font=font(34))
    pen.text((20, 920), "follow @daily_laughs for more", (90, 90, 90), font=font(34))
    return page


def desktop_screen(picture: Picture) -> Picture:
    """A browser window with a post beside two columns of text."""
    page = Image.new("RGB", (1280, 800), (246, 246, 248))
    pen = ImageDraw.Draw(page)
    pen.rectangle((0, 0, 1280, 70), (222, 224, 230))
    for i, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        pen.ellipse((20 + 30 * i, 24, 40 + 30 * i, 44), colour)
    pen.rounded_rectangle((140, 16, 1100, 54), 18, (255, 255, 255))
    pen.text((160, 22), "https://www.photogram.example/p/Cx81kd", (60, 60, 60), font=font(22))
    fixed = np.random.default_rng(7)
    pen.text((40, 110), text_lines(fixed, 22, 4), (40, 40, 40), font=font(20))
    pen.text((960, 110), text_lines(fixed, 22, 4), (40, 40, 40), font=font(20))
    page.paste(ImageOps.fit(picture, (560, 560)), (370, 100))
    pen.text((370, 680), text_lines(fixed, 3, 9), (40, 40, 40), font=font(20))
    return page


def web_page(picture: Picture, random: Random) -> Picture:
    """A clone page: head line, the picture in a column, other pictures beside it, words below."""
    page = Image.new("RGB", (1080, 1350), (255, 255, 255))
    pen = ImageDraw.Draw(page)
    pen.rectangle((0, 0, 1080, 90), (38, 70, 120))
    pen.text((30, 24), "picviewer.example", "white", font=font(38))
    pen.text((40, 110), "@some_handle - photos and videos", (30, 30, 30), font=font(30))
    column = ImageOps.contain(picture, (680, 800))
    page.paste(column, (40, 170))
    for number in range(3):
        page.paste(random.photograph((260, 260)), (780, 170 + 280 * number))
    pen.text((40, 190 + column.height), text_lines(random, 5, 9), (40, 40, 40), font=font(24))
    return page


def mobile_page(picture: Picture, random: Random) -> Picture:
    """A phone's screen of a grid of nine, the first of which is the picture."""
    page = Image.new("RGB", (540, 1170), (250, 250, 250))
    pen = ImageDraw.Draw(page)
    pen.ellipse((24, 120, 144, 240), (140, 110, 200))
    pen.text((180, 140), "some_handle", (20, 20, 20), font=font(28))
    pen.text((180, 185), "312 posts   9,120 followers", (60, 60, 60), font=font(20))
    pen.text((24, 260), text_lines(random, 2, 6), (60, 60, 60), font=font(20))
    page.paste(ImageOps.fit(picture, (540, 540)), (0, 340))
    for number in range(3):
        page.paste(random.photograph((178, 178)), (181 * number, 883))
    pen.rectangle((0, 1080, 540, 1170), (235, 235, 240))
    return page


def story_frame(picture: Picture, random: Random) -> Picture:
    """A story: two-coloured ground, the picture tilted and rounded on it, a head and an answer line."""
    page = Image.new("RGB", (608, 1080))
    for y in range(1080):
        page.paste((200 - y // 12, 90, 120 + y // 10), (0, y, 608, y + 1))
    pen = ImageDraw.Draw(page)
    pen.rectangle((16, 16, 592, 20), (255, 255, 255))
    pen.ellipse((20, 36, 76, 92), (240, 180, 60))
    pen.text((90, 48), "some_handle  3h", "white", font=font(24))
    inner = ImageOps.contain(picture, (500, 700)).convert("RGBA")
    inner = inner.rotate(4, Image.Resampling.BICUBIC, expand=True)
    page.paste(inner, ((608 - inner.width) // 2, (1080 - inner.height) // 2), inner)
    pen.rounded_rectangle((24, 1000, 584, 1056), 28, outline="white", width=3)
    pen.text((56, 1014), "Send a message", "white", font=font(22))
    return page


add("web-page")(web_page)
add("mobile-page")(mobile_page)
add("story-frame")(story_frame)
add("phone-screen")(lambda p, r: phone_screen(p))
add("phone-screen-dark")(lambda p, r: phone_screen(p, dark=True))
add("meme-frame")(lambda p, r: meme(p))
add("desktop-screen")(lambda p, r: desktop_screen(p))


# Chains ------------------------------------------------------------------------------------------------


def chain(*names: str) -> Transform:
    def run(picture: Picture, random: Random) -> Picture:
        for name in names:
            picture = TRANSFORMS[name](picture, random)
        return picture

    return run


add("chain-crop-mark-jpeg")(chain("crop-random-80", "mark-handle", "jpeg-50"))
add("chain-thumbnail-webp")(chain("thumbnail-320", "webp-50"))
add("chain-flip-crop")(chain("mirror", "crop-random-70"))
add("chain-filter-border-mark")(chain("sepia", "border-white-5", "mark-handle"))
add("chain-crop-rotate-caption")(chain("crop-random-80", "rotate-5-cropped", "caption-bottom-18"))
add("chain-screen-crop")(chain("phone-screen", "crop-centre-70"))
add("chain-flip-story-small")(chain("mirror", "blurred-9:16", "size-0.5"))
