"""The operator's signals propose pictures; geometry decides, and the reasons name who proposed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from clonedetect.index.features import FeatureIndex
from clonedetect.match.candidates import hash_candidates, image_candidates, match_image
from clonedetect.match.proposals import propose
from clonedetect.models.match import Verdict
from clonedetect.models.reasons import limits_first
from clonedetect.models.settings import ImageThresholds
from clonedetect.models.signal import Algorithm
from clonedetect.models.slot import Distance, Signal
from clonedetect.signals.image import image_signals_with, query_image
from clonedetect.signals.slot import BUILT_IN, block_mean

THRESHOLDS = ImageThresholds()
BLOCK_MEAN, GRADIENTS = BUILT_IN
EVERYTHING = Signal(Algorithm("everything", 1, ""), lambda _: bytes([1] * 8), 8, Distance.COSINE, radius=0)
"""A signal to which all pictures are the same: it proposes them all."""
SIGNALS = (*BUILT_IN, EVERYTHING)


@pytest.fixture(scope="module")
def index(ours, memory_index):
    """The ten photographs; local features are not looked up, so that hashes and signals alone propose."""
    held = memory_index(SIGNALS)
    for name, path in ours.items():
        held.add(name, image_signals_with(path.read_bytes(), SIGNALS), f"account of {name}")
    held.votes = FeatureIndex()
    return held


def altered(transforms, photographs, name: str, transform: str):
    return query_image(transforms.transformed(transform, photographs[name], name))


CASES = (
    ("coffee.png", "crop-random-90", BLOCK_MEAN),
    ("coffee.png", "chain-flip-crop", BLOCK_MEAN),
    ("rocket.jpg", "perspective", BLOCK_MEAN),
    ("astronaut.png", "rotate-5-cropped", GRADIENTS),
    ("chelsea.png", "chain-flip-crop", GRADIENTS),
    ("coffee.png", "sticker-45", GRADIENTS),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]} {case[2].name}")
def test_what_a_signal_alone_proposes_is_confirmed_by_geometry(
    photographs, transforms, index, case: tuple[str, str, Signal]
) -> None:
    name, transform, signal = case
    query = altered(transforms, photographs, name, transform)
    hashed = {candidate.media_id for candidate in hash_candidates(query, index, THRESHOLDS)}
    assert name not in {each.item_id for each in index.images(list(hashed))}
    assert match_image(query, index, THRESHOLDS).verdict is Verdict.NONE
    (match,) = match_image(query, index, THRESHOLDS, signals=(signal,)).matches
    assert (match.item_id, match.verdict, match.distance) == (name, Verdict.CONFIRMED, None)
    assert match.image is not None
    assert match.image.inliers >= THRESHOLDS.inliers
    told = [
        reason for reason in match.reasons if reason.startswith(f"proposed by {signal.name} at distance ")
    ]
    assert len(told) == 1
    assert match.image.mirrored == ("mirrored" in told[0])


def test_the_distance_is_told_in_the_unit_of_the_signal(photographs, transforms, index) -> None:
    query = altered(transforms, photographs, "coffee.png", "crop-random-90")
    by_bits = propose(query, index, (BLOCK_MEAN,), set()).candidates
    by_angle = propose(query, index, (GRADIENTS,), set()).candidates
    assert by_bits[0].signal is not None
    assert by_bits[0].signal.reason == "proposed by block-mean at distance 20 of 256 bits, whole"
    assert by_angle[0].signal is not None
    assert by_angle[0].signal.reason == "proposed by gradients at distance 0.121 (one minus cosine), whole"


def test_a_signal_that_proposes_everything_confirms_nothing(strangers, index) -> None:
    for path in strangers.values():
        query = query_image(path.read_bytes())
        found = propose(query, index, (EVERYTHING,), set()).candidates
        assert [candidate.media_id for candidate in found] == list(range(1, 9))
        outcome = match_image(query, index, THRESHOLDS, signals=(EVERYTHING,))
        assert outcome.compared >= EVERYTHING.most
        assert outcome.matches == ()


def test_each_picture_is_proposed_once_nearest_first_and_nothing_that_was_seen(
    photographs, transforms, index
) -> None:
    query = altered(transforms, photographs, "rocket.jpg", "perspective")
    wide = replace(GRADIENTS, radius=1999, most=100)
    found = propose(query, index, (wide, EVERYTHING), {1, 2}).candidates
    media = [candidate.media_id for candidate in found]
    assert sorted(media) == list(range(3, 11))
    assert {candidate.signal.signal for candidate in found if candidate.signal} == {"gradients"}
    told = [float(candidate.signal.distance.split()[0]) for candidate in found if candidate.signal]
    assert told == sorted(told)
    few = propose(query, index, (replace(wide, most=3), EVERYTHING), {1, 2}).candidates
    assert [one.media_id for one in few[:3]] == media[:3]
    assert {one.signal.signal for one in few[3:] if one.signal} == {"everything"}


def test_all_candidates_are_listed_with_those_of_signals_last(photographs, transforms, index) -> None:
    query = altered(transforms, photographs, "coffee.png", "crop-random-90")
    plain = image_candidates(query, index, THRESHOLDS)
    with_signals = image_candidates(query, index, THRESHOLDS, (GRADIENTS,))
    assert with_signals[: len(plain)] == plain
    assert [one.signal.signal for one in with_signals[len(plain) :] if one.signal] == ["gradients"]


def test_a_plain_copy_is_confirmed_without_asking_a_signal(photographs, transforms, index) -> None:
    def fails(_: np.ndarray) -> bytes:
        raise AssertionError("asked")

    signal = replace(BLOCK_MEAN, of=fails)
    outcome = match_image(
        altered(transforms, photographs, "coffee.png", "jpeg-30"), index, THRESHOLDS, signals=(signal,)
    )
    assert outcome.verdict is Verdict.CONFIRMED
    assert outcome.reasons == ()


def test_a_signal_that_fails_leaves_the_question_open(strangers, index) -> None:
    def fails(_: np.ndarray) -> bytes:
        raise RuntimeError("no device")

    query = query_image(strangers["camera.png"].read_bytes())
    assert match_image(query, index, THRESHOLDS).verdict is Verdict.NONE
    outcome = match_image(query, index, THRESHOLDS, signals=(replace(BLOCK_MEAN, of=fails), GRADIENTS))
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.reasons == ("the signal block-mean failed on a picture (RuntimeError: no device)",)


def test_smooth_pictures_are_not_asked_about(transforms, index) -> None:
    calls = []

    def counted(frame: np.ndarray) -> bytes:
        calls.append(frame.shape)
        return block_mean(frame)

    rows = np.linspace(90, 140, 300).astype(np.uint8)
    smooth = Image.fromarray(np.repeat(rows[:, None], 400, axis=1))
    query = query_image(transforms.jpeg(smooth, 95))
    assert query.signals.quality < BLOCK_MEAN.least_quality
    propose(query, index, (replace(BLOCK_MEAN, of=counted),), set())
    assert calls == []


def test_who_proposed_is_a_figure_and_no_limit() -> None:
    reasons = ("nothing speaks for it", "proposed by own-network at distance 0.200 (one minus cosine), whole")
    assert limits_first(Verdict.POSSIBLE, reasons[::-1]) == reasons
