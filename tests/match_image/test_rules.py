from dataclasses import replace

import cv2
import numpy as np
import pytest

from clonedetect.match.blocks import agreement, synthetic_share
from clonedetect.match.geometry import align, scaling
from clonedetect.match.rules import Evidence, covered_rule_of, rule_of
from clonedetect.models.settings import ImageThresholds
from clonedetect.models.signal import FeatureSet

GOOD = Evidence(
    inliers=100,
    textured=120,
    agree=0.95,
    differing=0.01,
    visible=1.0,
    masked=0.0,
    synthetic=0.05,
    keypoints=300,
    is_spread=True,
    is_near=False,
)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, "close copy"),
        ({"inliers": 15, "agree": 0.8, "differing": 0.08}, "close copy"),
        ({"inliers": 14, "agree": 0.8}, ""),
        ({"inliers": 8, "agree": 0.97, "differing": 0.02, "is_spread": False}, "close copy throughout"),
        ({"inliers": 7, "agree": 0.97, "differing": 0.02}, ""),
        ({"inliers": 8, "agree": 0.96, "differing": 0.02}, ""),
        ({"inliers": 8, "agree": 0.97, "differing": 0.03}, ""),
        ({"inliers": 8, "agree": 0.97, "textured": 59}, ""),
        ({"inliers": 12, "agree": 0.97, "textured": 30}, "close copy throughout"),
        ({"inliers": 12, "agree": 0.97, "textured": 29}, ""),
        ({"inliers": 11, "agree": 0.97, "textured": 30}, ""),
        ({"inliers": 39, "agree": 0.79}, ""),
        ({"inliers": 40, "agree": 0.4, "differing": 0.12}, "altered copy"),
        ({"inliers": 40, "agree": 0.39, "differing": 0.12}, ""),
        ({"agree": 0.7, "differing": 0.13}, ""),
        ({"visible": 0.14}, ""),
        ({"agree": 0.96, "is_spread": False}, ""),
        ({"textured": 7}, ""),
        ({"synthetic": 0.5, "agree": 0.89}, ""),
        ({"synthetic": 0.5, "agree": 0.9, "inliers": 39}, ""),
        ({"synthetic": 0.5, "agree": 0.9, "differing": 0.06}, ""),
        ({"synthetic": 0.5, "agree": 0.9, "differing": 0.05, "inliers": 40}, "close copy"),
        ({"synthetic": 0.5, "agree": 1.0, "differing": 0.0}, "close copy"),
        ({"inliers": 16, "agree": 0.6}, ""),
        ({"inliers": 16, "agree": 0.6, "is_near": True}, "close copy by hash and content"),
        ({"inliers": 16, "agree": 0.6, "is_near": True, "masked": 0.1}, ""),
        ({"inliers": 0, "agree": 0.9, "is_near": True, "is_spread": False}, "close copy by hash and content"),
        ({"inliers": 0, "agree": 0.9, "is_near": True, "textured": 59, "is_spread": False}, ""),
        ({"inliers": 0, "agree": 0.9, "is_near": True, "keypoints": 29, "is_spread": False}, ""),
        (
            {"inliers": 0, "agree": 0.97, "is_near": True, "textured": 24, "is_spread": False},
            "close copy by hash and content",
        ),
        ({"inliers": 0, "agree": 0.96, "is_near": True, "textured": 24, "is_spread": False}, ""),
        ({"inliers": 0, "agree": 0.99, "is_near": True, "synthetic": 0.5}, "close copy by hash and content"),
        ({"inliers": 0, "agree": 0.98, "is_near": True, "synthetic": 0.5}, ""),
        ({"inliers": 16, "agree": 0.6, "is_near": True, "synthetic": 0.5}, ""),
    ],
)
def test_each_rule_has_its_bounds(changes, rule):
    found, objections = rule_of(replace(GOOD, **changes), ImageThresholds())
    assert found == rule
    assert not (found and objections)


def features(points: np.ndarray, seed: int) -> FeatureSet:
    descriptors = np.random.default_rng(seed).integers(0, 256, (len(points), 16), dtype=np.uint8)
    return FeatureSet(points.astype(np.float32), descriptors, 400, 300)


def scattered(count: int = 60, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.column_stack([random.uniform(0, [400, 300], (count, 2)), np.full(count, 8), np.full(count, 30)])


def test_a_known_transform_is_found_again():
    ours = features(scattered(), 2)
    moved = ours.points.copy()
    moved[:, :2] = moved[:, :2] * 0.5 + (40, 20)
    moved[:, 2] *= 0.5
    theirs = FeatureSet(moved, ours.descriptors, 300, 200)
    found = align(theirs, ours)
    assert found is not None
    assert found.inliers == 60
    assert np.allclose(
        found.homography / found.homography[2, 2], [[0.5, 0, 40], [0, 0.5, 20], [0, 0, 1]], atol=0.05
    )


@pytest.mark.parametrize(
    "move",
    [
        pytest.param(lambda p: np.column_stack([400 - p[:, 0], p[:, 1]]), id="mirror"),
        pytest.param(lambda p: p * (1.0, 0.2), id="stretch"),
        pytest.param(lambda p: p * 0.02, id="collapse"),
        pytest.param(lambda p: p / (1 + p[:, :1] / 100), id="tilt"),
    ],
)
def test_a_transform_no_picture_undergoes_is_refused(move):
    ours = features(scattered(), 2)
    moved = ours.points.copy()
    moved[:, :2] = move(moved[:, :2].astype(np.float64))
    assert align(FeatureSet(moved, ours.descriptors, 400, 300), ours) is None


def test_too_few_or_unlike_features_do_not_align():
    assert align(features(scattered(5), 2), features(scattered(5), 2)) is None
    assert align(features(scattered(1), 2), features(scattered(1), 2)) is None
    assert align(features(scattered(), 2), features(scattered(), 3)) is None


def texture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (192, 192), dtype=np.uint8)


def test_a_picture_agrees_with_itself_and_not_with_another():
    same = agreement(texture(1), texture(1), np.eye(3), 0.55)
    assert same.agree_share == 1
    assert same.largest_disagreement == 0
    other = agreement(texture(1), texture(2), np.eye(3), 0.55)
    assert other.agree_share < 0.05
    assert other.largest_disagreement > 0.9


def test_an_exchanged_part_is_one_connected_disagreement():
    query = texture(1)
    query[48:144, 48:144] = texture(2)[48:144, 48:144]
    found = agreement(texture(1), query, np.eye(3), 0.55)
    assert found.largest_disagreement == pytest.approx(0.25, abs=0.02)


def test_even_parts_of_another_tone_differ_though_there_is_nothing_to_correlate():
    ours = texture(1)
    ours[48:144, 48:144] = 120
    theirs = ours.copy()
    theirs[48:144, 48:144] = 200
    found = agreement(ours, theirs, np.eye(3), 0.55)
    assert found.largest_disagreement < 0.02
    assert found.largest_change == pytest.approx(0.25, abs=0.02)
    assert agreement(ours, (theirs // 2 + 60).astype(np.uint8), np.eye(3), 0.55).largest_change > 0.2


@pytest.mark.parametrize("gain", [0.5, 0.8, 1.0])
def test_a_change_of_tone_over_the_whole_picture_is_no_difference(gain):
    ours = texture(1)
    ours[48:144, 48:144] = 120
    shade = np.linspace(gain, 1, 192)[None, :]
    found = agreement(ours, np.rint(ours * shade).astype(np.uint8), np.eye(3), 0.55)
    assert found.largest_change == 0


def smooth(seed: int, level: float, spread: float) -> np.ndarray:
    """A soft picture whose blocks spread by about this many grey levels."""
    rough = np.random.default_rng(seed).normal(0, 1, (64, 64)).astype(np.float32)
    soft = cv2.resize(rough, (192, 192), interpolation=cv2.INTER_CUBIC)
    return np.clip(level + spread * soft / soft.std(), 0, 255).astype(np.uint8)


def test_brightened_parts_that_end_at_white_do_not_differ():
    ours = smooth(3, 150, 30)
    ours[:, 96:] = smooth(4, 215, 12)[:, 96:]
    bright = np.clip(ours.astype(np.float64) * 1.4, 0, 255).astype(np.uint8)
    assert (bright == 255).mean() > 0.4
    found = agreement(ours, bright, np.eye(3), 0.55)
    assert found.largest_change < 0.02
    assert found.agree_share > 0.95


def test_a_white_picture_put_into_a_dark_part_differs():
    ours = smooth(3, 120, 30)
    theirs = ours.copy()
    theirs[48:144, 48:144] = 255
    assert agreement(ours, theirs, np.eye(3), 0.55).largest_change > 0.2


def test_a_vignette_is_no_difference():
    ours = smooth(5, 130, 18)
    y, x = np.mgrid[-1:1:192j, -1:1:192j]
    shaded = np.rint(ours * (1 - 0.42 * (x * x + y * y))).astype(np.uint8)
    found = agreement(ours, shaded, np.eye(3), 0.55)
    assert found.agree_share > 0.95
    assert found.largest_change < 0.02


def test_faint_blocks_of_a_dark_picture_count_and_ramps_do_not():
    dark = smooth(6, 30, 3)
    found = agreement(dark, dark, np.eye(3), 0.55)
    assert found.textured_count > 200
    assert found.agree_share > 0.95
    assert agreement(dark, smooth(7, 30, 3), np.eye(3), 0.55).agree_share < 0.2
    ramp = np.tile(np.linspace(20, 60, 192), (192, 1)).astype(np.uint8)
    assert agreement(ramp, ramp, np.eye(3), 0.55).textured_count == 0


@pytest.mark.parametrize(
    ("changes", "is_told_by_shape", "is_confirmed"),
    [
        ({}, False, True),
        ({"inliers": 8, "agree": 1.0, "textured": 60}, False, True),
        ({"inliers": 8, "agree": 1.0, "textured": 59}, False, False),
        ({"agree": 0.8, "differing": 0.08, "textured": 24, "inliers": 15}, False, True),
        ({"agree": 0.8, "differing": 0.08, "textured": 23, "inliers": 15}, False, False),
        ({"visible": 0.24}, True, False),
        ({"is_spread": False}, True, False),
        ({"synthetic": 0.5, "agree": 0.99}, False, False),
        ({"synthetic": 0.5, "agree": 0.99}, True, True),
        ({"synthetic": 0.5, "agree": 0.98}, True, False),
        ({"synthetic": 0.5, "agree": 0.99, "differing": 0.02}, True, False),
        ({"synthetic": 0.5, "agree": 0.99, "textured": 39}, True, False),
        ({"synthetic": 0.5, "agree": 0.99, "inliers": 11}, True, False),
    ],
)
def test_what_is_left_of_a_covered_picture_must_be_a_close_copy(changes, is_told_by_shape, is_confirmed):
    rule = covered_rule_of(replace(GOOD, **changes), ImageThresholds(), is_told_by_shape=is_told_by_shape)
    assert bool(rule) is is_confirmed


def test_what_the_query_does_not_show_is_blank_and_what_is_masked_does_not_count():
    found = agreement(texture(1), texture(1)[:, :96].copy(), np.eye(3), 0.55)
    assert found.visible_share == pytest.approx(0.5, abs=0.07)
    assert found.rows()[3] == "+" * 8 + " " * 8
    hidden = np.zeros((16, 16), bool)
    hidden[:8] = True
    masked = found.masked(hidden)
    assert masked.masked_share == 0.5
    assert masked.rows()[0] == "#" * 8 + " " * 8
    assert masked.textured_count == 64
    assert found.masked(np.ones((16, 16), bool)).agree_share == 0


def test_flat_blocks_prove_nothing():
    flat = np.full((192, 192), 120, np.uint8)
    found = agreement(flat, flat, np.eye(3), 0.55)
    assert found.textured_count == 0
    assert found.agree_share == 0
    assert found.largest_change == 0


def test_screens_are_told_from_photographs():
    page = np.full((192, 108), 250, np.uint8)
    page[60:120] = texture(3)[60:120, :108]
    everything = np.ones((16, 9), bool)
    assert synthetic_share(page, everything) > 0.5
    assert synthetic_share(texture(1), np.ones((16, 16), bool)) < 0.05
    assert synthetic_share(page, np.zeros((16, 9), bool)) == 0
    night = (20 + np.mgrid[0:192, 0:192][0] / 6 + np.random.default_rng(1).integers(0, 3, (192, 192))).astype(
        np.uint8
    )
    assert synthetic_share(night, np.ones((16, 16), bool)) < 0.1


def test_scaling_keeps_pixel_centres():
    assert np.allclose(scaling(2, 4) @ (0, 0, 1), (0.5, 1.5, 1))
