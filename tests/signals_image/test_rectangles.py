"""Pasted pictures end in straight steps, and are found by them."""

from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image, ImageOps

from clonedetect.signals.boxes import PANEL, query_box
from clonedetect.signals.rectangles import MOST, rectangles
from clonedetect.signals.views import panel_views


@pytest.fixture(scope="module")
def grey():
    folder = Path(skimage.__file__).parent / "data"
    names = ("astronaut.png", "chelsea.png", "coffee.png", "camera.png")
    return {name: Image.open(folder / name).convert("L") for name in names}


def pasted(grey, box: tuple[int, int, int, int], side: int = 640) -> np.ndarray:
    page = ImageOps.fit(grey["coffee.png"], (side, side)).copy()
    page.paste(ImageOps.fit(grey["astronaut.png"], (box[2] - box[0], box[3] - box[1])), box[:2])
    return np.asarray(page)


@pytest.mark.parametrize(
    "box", [(100, 60, 360, 320), (0, 200, 300, 500), (330, 330, 640, 640), (20, 400, 300, 560)]
)
def test_a_picture_pasted_on_another_is_among_the_first(grey, box) -> None:
    found = rectangles(pasted(grey, box))
    away = [max(abs(a - b) for a, b in zip(each, box, strict=True)) for each in found[:3]]
    assert min(away) <= 2


def test_every_cell_of_a_collage_is_found(grey) -> None:
    page = Image.new("L", (630, 630), 255)
    names = ("astronaut.png", "chelsea.png", "coffee.png", "camera.png")
    for number in range(9):
        cell = ImageOps.fit(grey[names[number % 4]], (204, 204))
        page.paste(cell, (3 + 210 * (number % 3), 3 + 210 * (number // 3)))
    found = rectangles(np.asarray(page))
    for number in range(9):
        left, top = 3 + 210 * (number % 3), 3 + 210 * (number // 3)
        wanted = (left, top, left + 204, top + 204)
        assert any(max(abs(a - b) for a, b in zip(each, wanted, strict=True)) <= 3 for each in found), wanted
    assert len(found) <= MOST


def test_even_pictures_and_slivers_have_none() -> None:
    assert rectangles(np.full((480, 640), 90, np.uint8)) == ()
    assert rectangles(np.zeros((10, 640), np.uint8)) == ()
    ramp = np.tile(np.linspace(0, 255, 640).astype(np.uint8), (480, 1))
    assert rectangles(ramp) == ()


def test_the_whole_frame_is_no_rectangle_within_it(grey) -> None:
    frame = np.asarray(ImageOps.fit(grey["chelsea.png"], (640, 480)))
    assert all(box.area < 0.99 * frame.size for box in rectangles(frame))


def test_a_panel_is_hashed_plain_and_mirrored_and_its_view_names_its_box(grey) -> None:
    frame = pasted(grey, (100, 60, 360, 320))
    boxes = rectangles(frame)[:2]
    views = panel_views(frame, boxes)
    assert [view.form for view in views] == ["identity", "flip-horizontal"] * 2
    assert views[0].view == views[1].view
    assert views[0].view.startswith(PANEL)
    assert query_box(views[0].view, frame) == boxes[0]
    assert panel_views(frame, ()) == ()
