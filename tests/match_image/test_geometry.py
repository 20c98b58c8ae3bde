"""Polygons are cut at the picture's edges, whatever lies on them."""

import numpy as np
import pytest

from clonedetect.match.geometry import clipped

BOX = (0.0, 0.0, 100.0, 80.0)


def area(points: np.ndarray) -> float:
    x, y = points[:, 0], points[:, 1]
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)


@pytest.mark.parametrize(
    ("corners", "wanted"),
    [
        ([(10, 10), (30, 10), (30, 20), (10, 20)], 200.0),
        ([(-10, -10), (110, -10), (110, 90), (-10, 90)], 8000.0),
        ([(50, 0), (150, 0), (150, 80), (50, 80)], 4000.0),
        ([(0, 0), (100, 0), (100, 80), (0, 80)], 8000.0),
        ([(-1e-5, -1e-5), (50, 1e-6), (50, 40), (0, 40)], 2000.0),
        ([(0, -30), (50, 0), (0, 30)], 750.0),
        ([(200, 10), (300, 10), (300, 20), (200, 20)], 0.0),
    ],
    ids=["inside", "around", "half", "equal", "corner on a corner", "turned", "outside"],
)
def test_what_is_left_is_the_common_part(corners, wanted) -> None:
    for turned in (corners, corners[::-1]):
        found = clipped(np.array(turned, dtype=np.float64), BOX)
        assert (area(found) if len(found) else 0.0) == pytest.approx(wanted, abs=0.01)
        if len(found):
            assert found.min() >= 0
            assert found[:, 0].max() <= 100
            assert found[:, 1].max() <= 80


def test_a_tile_in_a_corner_is_not_the_whole_page() -> None:
    """OpenCV's intersection gave all of the page for corners a ten-millionth beside its sides."""
    side = 534.9375
    tile = np.array([(0.0, 0.0), (side, -1e-7), (side, side), (1e-7, side)])
    assert area(clipped(tile, (0, 0, 1080, 1080))) == pytest.approx(side * side, rel=1e-4)
