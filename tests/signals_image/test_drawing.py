"""What is drawn over a picture in even colours is found, and filled from what surrounds it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from clonedetect.signals.drawing import drawn_over, filled


@pytest.fixture
def noise() -> np.ndarray:
    small = np.random.default_rng(4).integers(30, 220, (40, 60), np.uint8)
    return np.asarray(Image.fromarray(small).resize((600, 400), Image.Resampling.BICUBIC))


def test_a_photograph_has_nothing_drawn_over_it(noise):
    assert drawn_over(noise).mean() < 0.01


def test_stripes_are_found_with_a_margin_and_nothing_else(noise):
    striped = noise.copy()
    for start in range(0, 400, 50):
        striped[start : start + 18] = 250
    found = drawn_over(striped)
    assert found[:18].all()
    assert found[50:68].all()
    assert not found[25:45].any()
    assert 0.36 < found.mean() < 0.52


def test_specks_are_no_drawing(noise):
    spotted = noise.copy()
    for row in range(10, 390, 40):
        for column in range(10, 590, 40):
            spotted[row : row + 4, column : column + 4] = 255
    assert drawn_over(spotted).mean() < 0.01


def test_what_is_filled_goes_on_smoothly_and_the_rest_stays(noise):
    ramp = np.tile(np.linspace(20, 230, 600), (400, 1)).astype(np.uint8)
    gone = np.zeros(ramp.shape, dtype=bool)
    gone[150:190] = True
    covered = np.where(gone, 0, ramp).astype(np.uint8)
    result = filled(covered, gone)
    assert np.array_equal(result[~gone], ramp[~gone])
    assert np.abs(result[gone].astype(int) - ramp[gone]).mean() < 6


def test_a_frame_without_anything_left_is_filled_with_something():
    assert filled(np.full((50, 50), 9, np.uint8), np.ones((50, 50), bool)).shape == (50, 50)
