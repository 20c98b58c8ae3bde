"""PDQ's published code, as `pdqhash` builds it, is the oracle."""

import cv2
import numpy as np
import pdqhash
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clonedetect.signals.pdq import (
    bits_of,
    coefficients,
    forms_of,
    quality_of,
    reference_square,
    smooth_base,
    smooth_squares,
)
from clonedetect.signals.views import sampled, stored_views

WHOLE = ((0.0, 1.0), (0.0, 1.0))


def oracle(grey: np.ndarray) -> tuple[bytes, int]:
    bits, quality = pdqhash.compute(np.repeat(grey[:, :, None], 3, axis=2))
    return np.packbits(bits.astype(np.uint8)).tobytes(), int(quality)


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def shapes(seed: int, height: int, width: int) -> np.ndarray:
    small = np.random.default_rng(seed).normal(128, 70, (28, 36)).astype(np.float32)
    return np.clip(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(64, 700), st.integers(64, 700))
def test_the_reference_samples_give_the_published_hash_and_quality(seed, height, width):
    grey = shapes(seed, height, width)
    square = reference_square(grey, height, width)[None]
    bits, quality = oracle(grey)
    assert distance(bits_of(coefficients(square))[0], bits) <= 2  # the oracle adds up in single precision
    assert abs(quality_of(square)[0] - quality) <= 1


@pytest.mark.parametrize("size", [(512, 512), (1024, 768), (300, 1001), (129, 128), (64, 64)])
def test_the_full_view_of_a_photograph_is_the_published_hash(photo, size):
    grey = np.asarray(photo.convert("L").resize(size))
    full = stored_views(sampled(grey))[0]
    assert (full.bits, full.quality) == oracle(grey)


@pytest.mark.parametrize("times", [2, 3, 4])
def test_a_reduced_picture_is_sampled_where_the_full_one_would_be(times):
    grey = shapes(3, 1440, 1920)
    reduced = cv2.resize(grey, (1920 // times, 1440 // times), interpolation=cv2.INTER_AREA)
    ours = bits_of(coefficients(reference_square(reduced, 1440, 1920)[None]))[0]
    assert distance(ours, oracle(grey)[0]) <= 2


def test_the_eight_forms_are_those_of_the_published_code(photo):
    grey = np.asarray(photo.convert("L").resize((64, 64)))
    vectors, _ = pdqhash.compute_dihedral(np.repeat(grey[:, :, None], 3, axis=2))
    theirs = [np.packbits(bits.astype(np.uint8)).tobytes() for bits in vectors]
    assert bits_of(forms_of(coefficients(grey.astype(np.float64)))) == theirs


def test_smooth_samples_are_whole_numbers_that_single_precision_holds(photo):
    """Sums in single and in double precision agree to the last bit, so no processor can differ."""
    stripes = np.where(np.arange(192) % 6 < 3, 255, 0).astype(np.uint8)
    for grey in (
        np.asarray(photo.convert("L")),
        np.tile(stripes, (192, 1)),
        np.full((192, 192), 255, np.uint8),
    ):
        base = smooth_base(grey)
        spans = [WHOLE, ((0.3, 1.0), (0.1, 0.8))]
        assert np.array_equal(smooth_squares(base, spans), smooth_squares(base.astype(np.float64), spans))


def test_a_rectangle_is_sampled_from_its_own_pixels_alone(photo):
    grey = np.asarray(photo.convert("L"))
    painted = grey.copy()
    painted[:, : round(0.25 * grey.shape[1])] = 255
    span = ((0.0, 1.0), (0.3, 1.0))
    one, other = (smooth_squares(smooth_base(picture), [span])[0] for picture in (grey, painted))
    assert np.array_equal(one, other)


def test_a_picture_of_one_pixel_has_samples():
    assert quality_of(sampled(np.full((1, 1), 9, np.uint8)).whole[None]) == [0]
    assert len(stored_views(sampled(np.full((3, 900), 9, np.uint8)))[0].bits) == 32
