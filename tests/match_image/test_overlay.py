"""What was laid over a picture is told from another picture in a shared frame."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from clonedetect.match.blocks import agreement, on_grid
from clonedetect.match.overlay import INTERLEAVED, LEAST_ODDS, WEIGHTS, Outline, Shape, laid_over
from clonedetect.signals.rectangles import rectangles

SIDE = 192


def scene(seed: int) -> np.ndarray:
    """A smooth made-up picture whose parts go on into each other."""
    rng = np.random.default_rng(seed)
    total = np.zeros((SIDE, SIDE), np.float32)
    for cells, weight in ((4, 55), (12, 35), (48, 14)):
        small = rng.normal(0, weight, (cells, cells)).astype(np.float32)
        total += cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return np.clip(total + 128, 0, 255).astype(np.uint8)


def outline(ours: np.ndarray, theirs: np.ndarray) -> Outline | None:
    shapes = [
        np.array([(b.left, b.top), (b.right, b.top), (b.right, b.bottom), (b.left, b.bottom)]) - 0.5
        for b in rectangles(theirs)
    ]
    return laid_over(agreement(ours, theirs, np.eye(3), 0.55), on_grid(ours), rectangles=shapes)


def caption(picture: np.ndarray, share: float) -> np.ndarray:
    page = Image.fromarray(picture)
    high = round(SIDE * share)
    pen = ImageDraw.Draw(page)
    pen.rectangle((0, 0, SIDE, high), 250)
    for line in range(2):
        pen.text((6, 4 + line * high // 2), "words upon words of it", 10)
    return np.asarray(page)


def sticker(picture: np.ndarray) -> np.ndarray:
    page = Image.fromarray(picture)
    ImageDraw.Draw(page).rounded_rectangle((60, 70, 130, 140), 14, 252)
    return np.asarray(page)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "cover",
    [lambda p: caption(p, 0.2), lambda p: caption(p, 0.4), sticker],
    ids=["caption", "large caption", "sticker"],
)
def test_captions_and_stickers_lie_over_the_picture(cover, seed):
    found = outline(scene(seed), cover(scene(seed)))
    assert found is not None
    assert found.is_laid_over
    assert found.theirs.mean > 1.5 * found.ours.mean


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("top", "left", "high", "wide"),
    [(56, 56, 80, 80), (96, 0, 96, 192), (96, 96, 96, 96), (150, 0, 42, 192)],
    ids=["centre", "half", "corner", "fifth"],
)
def test_a_picture_exchanged_in_its_slot_is_no_overlay(top, left, high, wide, seed):
    ours, theirs = scene(seed), scene(seed)
    place = (slice(top, top + high), slice(left, left + wide))
    ours[place] = scene(seed + 50)[place]
    theirs[place] = scene(seed + 90)[place]
    found = outline(ours, theirs)
    assert found is not None
    assert not found.is_laid_over


def test_nothing_different_has_no_outline():
    assert outline(scene(1), scene(1)) is None


def test_every_weighed_trait_is_measured():
    found = outline(scene(1), sticker(scene(1)))
    assert found is not None
    assert set(found.traits) == set(WEIGHTS)
    exchanged = found.ours._replace(mean=200.0, relative=9.0, peaks=0.9, clear_peaks=0.8)
    assert replace(found, ours=exchanged, edge_gain=-0.5).log_odds < min(LEAST_ODDS.values())


def test_what_differs_is_left_out_with_a_margin():
    found = outline(scene(1), sticker(scene(1)))
    assert found is not None
    assert found.differing[7, 7]
    assert not found.differing[0, 0]


@pytest.mark.parametrize(("high", "is_beside"), [(8, True), (60, False)], ids=["stripes", "slots"])
def test_stripes_have_agreeing_blocks_beside_them_and_slots_have_not(high, is_beside):
    ours = scene(2)
    theirs, drawn = ours.copy(), np.zeros(ours.shape, bool)
    for top in range(2, SIDE - high, 3 * high):
        drawn[top : top + high] = True
    theirs[drawn] = 250
    found = laid_over(agreement(ours, theirs, np.eye(3), 0.55, drawn=drawn), on_grid(ours))
    assert found is not None
    assert found.is_drawn
    assert (found.interleaved >= INTERLEAVED) is is_beside


def test_the_sides_of_a_rectangle_are_its_outline():
    ours = scene(3)
    theirs = ours.copy()
    theirs[50:130, 70:150] = scene(60)[50:130, 70:150]
    blocks = agreement(ours, theirs, np.eye(3), 0.55)
    corners = np.array([(70, 50), (150, 50), (150, 130), (70, 130)], dtype=np.float64)
    rough, straight = (
        laid_over(blocks, on_grid(ours), rectangles=shapes) for shapes in ((), (corners - 0.5,))
    )
    assert rough is not None
    assert straight is not None
    assert straight.is_straight
    assert not rough.is_straight
    assert straight.theirs.peaks > rough.theirs.peaks
    elsewhere = laid_over(blocks, on_grid(ours), rectangles=(corners + 60,))
    assert elsewhere is not None
    assert not elsewhere.is_straight


def cell(ours: np.ndarray, seed: int) -> np.ndarray:
    """What a collage shows where ours would be: a window of ours, and other pictures beyond."""
    page = scene(seed)
    page[24:168, 24:168] = ours[24:168, 24:168]
    return page


CELL = np.array([(24, 24), (168, 24), (168, 168), (24, 168)], dtype=np.float64) - 0.5


@pytest.mark.parametrize("seed", range(4))
def test_what_lies_beyond_the_cell_of_a_collage_is_left_out_along_its_sides(seed):
    ours = scene(seed)
    blocks = agreement(ours, cell(ours, seed + 80), np.eye(3), 0.55)
    found = laid_over(blocks, on_grid(ours), is_cut=True, rectangles=(CELL, CELL + 9))
    assert found is not None
    assert found.is_window
    assert found.shape is Shape.WINDOW
    assert np.allclose(found.shown, (24, 24, 168, 168), atol=1)
    assert found.is_laid_over
    assert found.differing[0].all()
    assert not found.differing[4:12, 4:12].any()


def test_a_page_that_is_shown_whole_is_no_window():
    ours = scene(1)
    blocks = agreement(ours, cell(ours, 81), np.eye(3), 0.55)
    found = laid_over(blocks, on_grid(ours), rectangles=(CELL,))
    assert found is not None
    assert not found.is_window
    assert found.shape is not Shape.WINDOW


@pytest.mark.parametrize("seed", range(3))
def test_a_change_runs_across_an_edge_and_both_ways_in_texture(seed):
    ours = scene(seed)
    theirs = ours.copy()
    theirs[50:130, 70:150] = 255 - scene(seed + 60)[50:130, 70:150] // 4
    corners = np.array([(70, 50), (150, 50), (150, 130), (70, 130)], dtype=np.float64) - 0.5
    found = laid_over(agreement(ours, theirs, np.eye(3), 0.55), on_grid(ours), rectangles=(corners,))
    assert found is not None
    assert found.theirs.across > 1
    assert abs(found.ours.across) < 0.5


def striped(ours: np.ndarray, high: int, level: int) -> Outline | None:
    theirs, drawn = ours.copy(), np.zeros(ours.shape, bool)
    for top in range(6, SIDE - high, 4 * high):
        drawn[top : top + high] = True
    theirs[drawn] = level
    return laid_over(agreement(ours, theirs, np.eye(3), 0.55, drawn=drawn), on_grid(ours))


def test_stripes_that_cover_no_block_are_interleaved():
    found = striped(scene(2), 4, 250)
    assert found is not None
    assert found.interleaved == 1
    assert found.is_laid_over


def test_what_is_drawn_where_ours_changes_more_is_not_believed():
    found = striped(scene(2), 8, 250)
    assert found is not None
    assert found.is_laid_over
    ours_steeper = replace(found, ours=found.ours._replace(mean=found.theirs.mean + 1))
    assert not ours_steeper.is_laid_over
