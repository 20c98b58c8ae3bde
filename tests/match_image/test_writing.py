"""Letters and half-transparent words are told from pictures exchanged and from other letters."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from clonedetect.match.blocks import agreement, beside, on_grid
from clonedetect.match.candidates import match_image
from clonedetect.match.remainder import is_clear
from clonedetect.match.writing import (
    FINER,
    LEAST_BLENDED,
    LEAST_EXPLAINED,
    LEAST_INK,
    LEAST_SHARPER,
    Writing,
    finer,
    writing_over,
)
from clonedetect.models.match import Verdict
from clonedetect.models.settings import ImageThresholds
from clonedetect.signals.image import image_signals, query_image

SIDE = 192
LARGE = 3 * SIDE
WORDS = ("WHEN THE CODE WORKS", "AND NOBODY KNOWS")
OTHERS = ("MONDAY MORNING AGAIN", "COFFEE BEFORE TALK")


def scene(seed: int) -> Image.Image:
    """A made-up picture, textured everywhere, in three times a thumbnail's size."""
    rng = np.random.default_rng(seed)
    total = np.zeros((LARGE, LARGE), np.float32)
    for cells, weight in ((4, 45), (12, 30), (48, 18), (96, 8)):
        small = rng.normal(0, weight, (cells, cells)).astype(np.float32)
        total += cv2.resize(small, (LARGE, LARGE), interpolation=cv2.INTER_CUBIC)
    return Image.fromarray(np.clip(total + 128, 0, 255).astype(np.uint8))


def lettered(picture: Image.Image, words: tuple[str, str] = WORDS) -> Image.Image:
    """White letters with black outlines, above and below, as memes have them."""
    page = picture.copy()
    size = page.width / 11
    pen = ImageDraw.Draw(page)
    font = ImageFont.load_default(size * 0.8)
    for top, text in zip((size / 3, page.height - 1.5 * size), words, strict=True):
        pen.text((size / 2, top), text, 255, font, stroke_fill=0, stroke_width=round(size / 12))
    return page


def marked(picture: Image.Image) -> Image.Image:
    """A word that covers half of what is under it, from one corner towards the other."""
    layer = Image.new("LA", picture.size, (255, 0))
    font = ImageFont.load_default(LARGE / 7)
    ImageDraw.Draw(layer).text((LARGE * 0.05, LARGE * 0.4), "WATERMARK", (255, 128), font)
    layer = layer.rotate(30)
    return Image.composite(Image.new("L", picture.size, 255), picture, layer.getchannel("A"))


def exchanged(picture: Image.Image, seed: int, box: tuple[int, int, int, int]) -> Image.Image:
    page = picture.copy()
    page.paste(scene(seed).crop(box), box[:2])
    return page


def blocks_of(ours: Image.Image, theirs: Image.Image):
    thumbnail = np.asarray(ours.resize((SIDE, SIDE), Image.Resampling.BOX))
    frame = np.asarray(theirs)
    to_frame = np.array([[3.0, 0, 1], [0, 3.0, 1], [0, 0, 1]])
    blocks = agreement(thumbnail, frame, to_frame, 0.55)
    return blocks, on_grid(thumbnail), finer(frame, to_frame, (SIDE, SIDE), blocks)


def found_in(ours: Image.Image, theirs: Image.Image) -> tuple[Writing | None, bool]:
    """Return the writing over ours, and whether ours goes on beside it."""
    blocks, grid, seen = blocks_of(ours, theirs)
    writing = writing_over(blocks, grid, seen)
    return writing, writing is not None and is_clear(beside(blocks, grid, writing.strokes, 0.55), grid)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("write", "told"),
    [(lettered, "in black and white"), (marked, "in half-transparent white")],
    ids=["letters", "half-transparent"],
)
def test_what_was_written_over_a_picture_is_told_and_the_picture_goes_on_beside_it(write, told, seed):
    writing, goes_on = found_in(scene(seed), write(scene(seed)))
    assert writing is not None
    assert writing.is_writing
    assert writing.told == told
    assert goes_on


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "box",
    [(168, 168, 408, 408), (0, 288, 576, 576), (0, 460, 576, 576), (300, 60, 420, 140)],
    ids=["centre", "half", "fifth", "small"],
)
def test_a_picture_that_was_exchanged_is_no_writing(box, seed):
    writing, goes_on = found_in(scene(seed), exchanged(scene(seed), seed + 70, box))
    assert not (goes_on and writing is not None and writing.is_writing)


@pytest.mark.parametrize("seed", range(4))
def test_letters_do_not_explain_a_picture_that_was_exchanged_too(seed):
    both = lettered(exchanged(scene(seed), seed + 70, (200, 200, 380, 380)))
    writing, goes_on = found_in(scene(seed), both)
    assert not (goes_on and writing is not None and writing.is_writing)


@pytest.mark.parametrize("seed", range(4))
def test_other_letters_in_the_place_of_ours_are_no_writing_over_ours(seed):
    writing, goes_on = found_in(lettered(scene(seed)), lettered(scene(seed), OTHERS))
    assert not (goes_on and writing is not None and writing.is_writing)


def test_an_even_picture_in_ours_is_no_stroke():
    covered = scene(1)
    covered.paste(255, (200, 200, 340, 340))
    writing, _ = found_in(scene(1), covered)
    assert writing is None or not writing.is_writing


def test_where_nothing_differs_there_is_no_writing():
    assert found_in(scene(1), scene(1)) == (None, False)


@pytest.mark.parametrize(
    ("trait", "bound"), [("ink", LEAST_INK), ("explained", LEAST_EXPLAINED), ("sharper", LEAST_SHARPER)]
)
def test_each_trait_must_reach_its_bound(trait, bound):
    told = {
        "ink": 1.0,
        "explained": 1.0,
        "sharper": 9.0,
        "written": 0.1,
        "told": "in white",
        "is_blended": False,
    }
    strokes = np.zeros((SIDE, SIDE), bool)
    assert Writing(strokes, **{**told, trait: bound}).is_writing
    assert not Writing(strokes, **{**told, trait: bound - 0.01}).is_writing
    assert not Writing(strokes, **{**told, "written": 0.31}).is_writing
    assert not Writing(strokes, **{**told, "is_blended": True, "explained": LEAST_BLENDED - 0.01}).is_writing


def test_strokes_are_looked_for_on_a_finer_grid():
    blocks, grid, seen = blocks_of(scene(2), lettered(scene(2)))
    assert seen.shape == tuple(FINER * side for side in grid.shape)
    writing = writing_over(blocks, grid, seen)
    assert writing is not None
    assert writing.strokes.shape == grid.shape
    assert 0.05 < writing.written < 0.2


def test_a_written_copy_is_confirmed_and_says_so(photographs, transforms, memory_index, ours):
    index = memory_index()
    index.add("cup", image_signals(ours["coffee.png"].read_bytes()), "us")
    query = query_image(transforms.transformed("meme-text", photographs["coffee.png"], "coffee.png"))
    outcome = match_image(query, index, ImageThresholds())
    assert outcome.verdict is Verdict.CONFIRMED
    said = "writing lies over it, in black and white"
    assert any(reason.startswith(said) for reason in outcome.matches[0].reasons)
