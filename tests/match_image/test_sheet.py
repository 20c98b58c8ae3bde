"""What a person is shown of a match: the pair, how it lies on each other, and no foreign string at work."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageOps

from clonedetect.match.candidates import match_image
from clonedetect.match.lettering import spelled
from clonedetect.match.panels import LINES, MARKS, Fitted, block_map, checkered, joined, outlined, swatch
from clonedetect.match.sheet import MADE_BY, WIDTH, Side, comparison_strip, match_sheet
from clonedetect.models.match import Match, Verdict
from clonedetect.models.settings import ImageThresholds
from clonedetect.signals.display import SHOWN_SIDE, ShownPicture, shown_picture
from clonedetect.signals.image import image_signals, query_image

NAMES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
HOSTILE = "post\u202egpj.\u2066exe\x00\n\ud800<script>" + "\u4e2d" * 300


@pytest.fixture(scope="module")
def photographs(ours):
    return {name: Image.open(ours[name]).convert("RGB") for name in NAMES}


@pytest.fixture(scope="module")
def index(ours, memory_index):
    held = memory_index()
    for name in NAMES:
        held.add(name, image_signals(ours[name].read_bytes()), f"account of {name}")
    return held


def altered(form: str, photographs) -> tuple[str, Image.Image]:
    if form == "mirrored":
        return "astronaut.png", ImageOps.mirror(photographs["astronaut.png"])
    if form == "rotated":
        return "chelsea.png", photographs["chelsea.png"].rotate(15, expand=True, fillcolor="white")
    if form == "covered":
        picture = photographs["coffee.png"].copy()
        picture.paste((250, 250, 250), (150, 120, 380, 300))
        return "coffee.png", picture
    page = Image.new("RGB", (1000, 1000))
    for number, name in enumerate(NAMES):
        place = (number % 2 * 500, number // 2 * 500)
        page.paste(ImageOps.fit(photographs[name], (500, 500)), place)
    return "astronaut.png", page


FORMS = ("mirrored", "rotated", "covered", "collage")


@pytest.fixture(scope="module")
def matched(photographs, index, ours):
    """Each altered picture with its confirmed match, as shown: (found, ours, match)."""
    pairs = {}
    for form in FORMS:
        name, picture = altered(form, photographs)
        out = BytesIO()
        picture.save(out, "JPEG", quality=85)
        outcome = match_image(query_image(out.getvalue()), index, ImageThresholds())
        match = next(one for one in outcome.matches if one.item_id == name)
        assert match.verdict is Verdict.CONFIRMED, form
        pairs[form] = (shown_picture(out.getvalue()), shown_picture(ours[name].read_bytes()), match)
    return pairs


def opened(sheet: bytes) -> Image.Image:
    image = Image.open(BytesIO(sheet))
    image.load()
    return image


def drawn(found: ShownPicture | None, ours: ShownPicture | None, match: Match, note: str = "") -> bytes:
    return match_sheet(Side(found, f"sha256:{'a' * 64}"), Side(ours, f"sha256:{'b' * 64}", note), match)


@pytest.mark.parametrize("form", FORMS)
def test_a_sheet_is_a_png_as_wide_as_paper_and_the_same_each_time(form, matched) -> None:
    sheet = drawn(*matched[form])
    image = opened(sheet)
    assert (image.format, image.width) == ("PNG", WIDTH)
    assert image.info["Software"] == MADE_BY
    assert image.height < 1.45 * WIDTH, "it must fit a page of A4"
    assert sheet == drawn(*matched[form])


def laid(found: ShownPicture, ours: ShownPicture, match: Match, matrix: np.ndarray) -> float:
    """The share of the panel that changes where our squares are laid on the query, their frames included."""
    polygon = match.regions[0].polygon
    nothing = np.array([[1.0, 0, 1e6], [0, 1, 1e6], [0, 0, 1]])
    alone, squares = (checkered(found, ours, each, polygon, (364, 440)) for each in (nothing, matrix))
    assert alone.shape == squares.shape
    return float((np.abs(alone.astype(int) - squares).max(axis=2) > 30).mean())


@pytest.mark.parametrize("form", FORMS)
def test_our_squares_continue_what_was_found(form, matched) -> None:
    found, ours, match = matched[form]
    matrix = np.array(match.image.homography).reshape(3, 3)
    moved = np.array([[1, 0, 40.0], [0, 1, 40.0], [0, 0, 1]]) @ matrix
    assert laid(found, ours, match, matrix) < (0.35 if form == "covered" else 0.2)
    assert laid(found, ours, match, moved) > 1.4 * laid(found, ours, match, matrix)


def test_the_part_outside_the_region_is_paler(matched) -> None:
    found, _, match = matched["collage"]
    fitted = Fitted.of(found, 500, 500)
    page = outlined(fitted, match.regions[0].polygon)
    assert (page[20:230:9, 20:230:9] == fitted.pixels[20:230:9, 20:230:9]).all()
    assert page[300:480, 300:480].mean() > fitted.pixels[300:480, 300:480].mean() + 40


def test_equal_points_are_joined_and_no_more_than_can_be_followed(matched) -> None:
    found, ours, match = matched["rotated"]
    assert len(match.image.points) > LINES
    left, right = Fitted.of(found, 300, 300), Fitted.of(ours, 300, 300)
    pairs = tuple((u, v, x, y) for x, y, u, v in match.image.points)
    page = np.asarray(joined(left, right, pairs))
    bare = np.asarray(joined(left, right, ()))
    gap = slice(left.pixels.shape[1] + 5, left.pixels.shape[1] + 35)
    assert page.shape == bare.shape
    assert (bare[:, gap] == 255).all()
    crossings = np.diff((page[:, gap.start + 15].min(axis=1) < 128).astype(int)) == 1
    assert 4 <= crossings.sum() <= LINES


def test_every_mark_differs_from_every_other_without_colour() -> None:
    grey = {mark: np.asarray(Image.fromarray(swatch(mark, 24)).convert("L"), int) for mark in MARKS}
    for one, other in combinations(MARKS, 2):
        apart = np.abs(grey[one] - grey[other]) > 25
        assert apart.mean() > 0.08, (one, other)


def test_the_map_marks_each_block_where_it_is(matched) -> None:
    _, ours, match = matched["covered"]
    blocks = match.image.blocks
    assert any("x" in row for row in blocks)
    page = np.asarray(block_map(ours, blocks, 364, 440))
    cell = page.shape[1] // len(blocks[0])
    for row, line in enumerate(blocks):
        for column, mark in enumerate(line):
            middle = page[row * cell + cell // 2, column * cell + cell // 2]
            assert (mark == "x") == bool((middle == 70).all()), (row, column)


def test_hostile_strings_are_spelled_out_and_cut(matched) -> None:
    text = spelled(HOSTILE)
    assert text.isascii()
    assert "<U+202E>" in text
    assert "<U+0000><U+000A><U+D800>" in text
    assert text.endswith("more characters)")
    found, ours, match = matched["mirrored"]
    loud = replace(match, item_id=HOSTILE, account_id=HOSTILE, reasons=(HOSTILE,) * 3)
    image = opened(drawn(found, ours, loud, HOSTILE))
    assert image.width == WIDTH
    assert drawn(found, ours, replace(loud, item_id=f"{HOSTILE}x")) != drawn(found, ours, loud)


def test_a_stand_in_is_drawn_in_the_place_of_the_full_picture(matched, index) -> None:
    found, ours, match = matched["rotated"]
    reference = index.images([match.image.media_id])[0]
    grey = Image.fromarray(reference.thumbnail.pixels).convert("RGB")
    small = ShownPicture.of(grey, reference.width, reference.height)
    matrix = np.array(match.image.homography).reshape(3, 3)
    page = checkered(found, small, matrix, match.regions[0].polygon, (364, 440))
    full = checkered(found, ours, matrix, match.regions[0].polygon, (364, 440))
    levels = [np.asarray(Image.fromarray(each).convert("L"), int) for each in (page, full)]
    assert np.median(np.abs(levels[0] - levels[1])) <= 3
    assert drawn(found, small, match, "it stands in") != drawn(found, small, match)


def test_what_cannot_be_laid_is_shown_without_a_strip(matched) -> None:
    found, ours, match = matched["mirrored"]
    bare = replace(match, image=replace(match.image, homography=(), blocks=(), points=()))
    broken = replace(match, image=replace(match.image, homography=(1.0,) * 9))
    for one in (bare, broken, replace(match, image=None)):
        assert comparison_strip(found, ours, one) is None
        assert opened(drawn(found, ours, one)).width == WIDTH
    assert comparison_strip(found, None, match) is None
    assert opened(drawn(found, None, match, "only a hash is known")).width == WIDTH


def test_a_shown_picture_is_small_upright_and_keeps_its_size_in_words() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    out = BytesIO()
    Image.new("RGB", (3000, 1500), "red").save(out, "JPEG", exif=exif.tobytes())
    shown = shown_picture(out.getvalue())
    assert (shown.width, shown.height) == (1500, 3000)
    assert shown.pixels.shape == (SHOWN_SIDE, SHOWN_SIDE // 2, 3)
