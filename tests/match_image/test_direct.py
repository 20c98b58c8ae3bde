"""Pictures laid on each other as their hashes say: every form and view, without keypoints."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageOps

from clonedetect.match.comparison import bare_picture
from clonedetect.match.direct import HashRoute, compare_directly
from clonedetect.signals.boxes import stored_box
from clonedetect.signals.image import image_signals, query_image
from clonedetect.signals.views import FORMS

TURNS = {
    "identity": lambda p: p,
    "rotate-90": lambda p: p.transpose(Image.Transpose.ROTATE_90),
    "rotate-180": lambda p: p.transpose(Image.Transpose.ROTATE_180),
    "rotate-270": lambda p: p.transpose(Image.Transpose.ROTATE_270),
    "flip-vertical": ImageOps.flip,
    "flip-horizontal": ImageOps.mirror,
    "transpose": lambda p: p.transpose(Image.Transpose.TRANSPOSE),
    "transverse": lambda p: p.transpose(Image.Transpose.TRANSVERSE),
}


@pytest.fixture(scope="module")
def photograph(photographs):
    return photographs["coffee.png"].convert("RGB")


def laid(photograph, query, route, memory_index, *, complemented=False):
    index = memory_index()
    media = index.add("coffee", image_signals(as_png(photograph)))
    frame = query_image(as_png(query)).frame
    return compare_directly(
        bare_picture(frame, complemented=complemented), index.pictures[media], route, 0.55
    )


def as_png(picture):

    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_undone(photograph, memory_index, form):
    """`form` is what was done to the query before it was hashed, so the query is turned the other way."""
    undo = {"rotate-90": "rotate-270", "rotate-270": "rotate-90"}.get(form, form)
    found = laid(photograph, TURNS[undo](photograph), HashRoute(0, "whole", form, 0, "whole"), memory_index)
    assert found is not None
    assert found.blocks.agree_share > 0.97
    assert found.alignment.inliers == 0
    assert bool(np.linalg.det(found.homography) < 0) is (form in FORMS[4:])


def test_the_complement_is_laid_dark_for_light(photograph, memory_index):
    route = HashRoute(0, "whole", "complement", 0, "whole")
    found = laid(photograph, ImageOps.invert(photograph), route, memory_index, complemented=True)
    assert found is not None
    assert found.blocks.agree_share > 0.97


@pytest.mark.parametrize("view", ["square", "centre-70", "without-left-30", "portrait-4:5"])
def test_a_stored_view_says_where_the_query_lies(photograph, memory_index, view):
    box = stored_box(view, *photograph.size)
    assert box is not None
    query = photograph.crop(tuple(round(side) for side in box))
    found = laid(photograph, query, HashRoute(0, "whole", "identity", 0, view), memory_index)
    assert found is not None
    assert found.blocks.agree_share > 0.95
    assert found.blocks.visible_share == pytest.approx(
        box.area / (photograph.width * photograph.height), abs=0.12
    )


def test_a_view_a_little_off_is_settled_by_correlation(photograph, memory_index):
    """A crop of 65 % is hashed near the view of 70 %: four per cent of a side are eight pixels off."""
    wide, high = (side * 0.65**0.5 for side in photograph.size)
    left, top = (photograph.width - wide) / 2, (photograph.height - high) / 2
    query = photograph.crop((round(left), round(top), round(left + wide), round(top + high)))
    found = laid(photograph, query, HashRoute(20, "whole", "identity", 0, "centre-70"), memory_index)
    assert found is not None
    settled = found.homography[0, 0] / (query_image(as_png(query)).frame.shape[1] / (192 * 0.7**0.5))
    assert settled == pytest.approx((0.7 / 0.65) ** 0.5, abs=0.01)


@pytest.mark.parametrize(
    "route",
    [
        HashRoute(0, "trimmed", "identity", 0, "whole"),
        HashRoute(0, "whole", "identity", 0, "frame-2"),
        HashRoute(0, "whole", "identity", 40, ""),
    ],
    ids=["no border", "another frame", "unknown"],
)
def test_a_view_that_is_not_there_lays_nothing(photograph, memory_index, route):
    assert laid(photograph, photograph, route, memory_index) is None


def test_another_picture_does_not_agree(photograph, photographs, memory_index):
    route = HashRoute(0, "whole", "identity", 0, "whole")
    found = laid(photograph, photographs["chelsea.png"].convert("RGB"), route, memory_index)
    assert found is None or found.blocks.agree_share < 0.3
