"""Every finding says by which bounds it was judged, and whether their error was ever measured."""

import re
from dataclasses import fields, replace
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from clonedetect.case.rows import decode, encode
from clonedetect.match.candidates import match_image
from clonedetect.match.rules import CALIBRATION
from clonedetect.models.calibration import MEASURED_IN, departures, not_calibrated
from clonedetect.models.match import ImageMeasure, Match
from clonedetect.models.settings import ImageThresholds
from clonedetect.signals.image import image_signals, query_image

ACCURACY = Path(__file__).parents[2] / "docs" / "accuracy.md"
LOOSER = {
    "exact_radius": 40,
    "strong_inliers": 30,
    "strong_agree": 0.3,
    "inliers": 13,
    "agree": 0.7,
    "largest_disagreement": 0.2,
    "possible_inliers": 8,
    "possible_agree": 0.4,
}
STRICTER = {
    "exact_radius": 20,
    "strong_inliers": 60,
    "strong_agree": 0.5,
    "inliers": 20,
    "agree": 0.9,
    "largest_disagreement": 0.05,
    "possible_inliers": 14,
    "possible_agree": 0.6,
}


@pytest.fixture(scope="module")
def asked(photographs, memory_index):
    """A query, and an index that holds its picture."""
    data = BytesIO()
    photographs["coffee.png"].resize((480, 320)).save(data, "JPEG", quality=85)
    original = BytesIO()
    photographs["coffee.png"].save(original, "PNG")
    held = memory_index()
    held.add("coffee", image_signals(original.getvalue()), "a")
    held.add("bare", replace(image_signals(original.getvalue()), digest="sha256:" + "0" * 64), "b")
    return (query_image(data.getvalue()), query_image(original.getvalue())), held


def matches(asked, thresholds: ImageThresholds) -> list[Match]:
    queries, held = asked
    return [match for query in queries for match in match_image(query, held, thresholds).matches]


def test_the_run_is_the_one_that_the_published_table_is_of():
    assert re.findall(r"^- Run `([0-9a-f]{12})`", ACCURACY.read_text("utf-8"), re.MULTILINE) == [MEASURED_IN]


def test_a_finding_carries_all_thresholds_and_the_name_and_run_of_the_calibration(asked):
    found = matches(asked, ImageThresholds())
    assert len(found) >= 3
    for match in found:
        assert match.image.thresholds == ImageThresholds()
        assert (match.image.calibration, match.image.calibration_run) == (CALIBRATION, MEASURED_IN)
        assert match.image.departures == ()
        assert not any("not calibrated" in reason for reason in match.reasons)


@pytest.mark.parametrize("name", LOOSER)
def test_a_loosened_threshold_is_said_in_every_finding(asked, name):
    thresholds = replace(ImageThresholds(), **{name: LOOSER[name]})
    (departure,) = departures(thresholds)
    assert (departure.name, departure.value, departure.is_looser) == (name, LOOSER[name], True)
    said = (
        f"not calibrated: {name} {LOOSER[name]} instead of {getattr(ImageThresholds(), name):g}; "
        "the published error rates do not hold"
    )
    assert not_calibrated((departure,)) == (said,)
    found = matches(asked, thresholds)
    assert found
    assert all(match.reasons.count(said) == 1 for match in found)
    assert all(match.image.departures == (departure,) for match in found)


@pytest.mark.parametrize("name", STRICTER)
def test_a_tightened_threshold_is_shown_and_no_warning(name):
    (departure,) = departures(replace(ImageThresholds(), **{name: STRICTER[name]}))
    assert not departure.is_looser
    assert not_calibrated((departure,)) == ()


@pytest.mark.parametrize(("name", "values"), [("candidate_radius", (40, 60)), ("block_ncc", (0.5, 0.6))])
def test_what_masks_are_made_by_too_is_not_calibrated_either_way(name, values):
    for value in values:
        (departure,) = departures(replace(ImageThresholds(), **{name: value}))
        assert departure.is_looser


def test_every_threshold_has_a_direction():
    assert {entry.name for entry in fields(ImageThresholds)} == {*LOOSER, "candidate_radius", "block_ncc"}
    assert set(LOOSER) == set(STRICTER)


def test_measures_survive_the_case_and_older_ones_open(asked):
    match = matches(asked, replace(ImageThresholds(), agree=0.7))[0]
    assert decode(encode(match), Match, "findings").image == match.image
    old = msgspec.to_builtins(match.image)
    for key in ("calibration", "calibration_run", "thresholds", "departures"):
        del old[key]
    opened = decode(encode(old), ImageMeasure, "findings")
    assert (opened.thresholds, opened.departures, opened.calibration) == (None, (), "")


def test_the_bounds_take_little_room(asked):
    match = matches(asked, replace(ImageThresholds(), agree=0.7, inliers=13))[0]
    bare = replace(match.image, thresholds=None, departures=(), calibration_run="")
    assert len(encode(match.image)) - len(encode(bare)) < 500


def test_a_picture_of_which_a_hash_alone_is_known_says_it_too(photographs, memory_index):
    data = BytesIO()
    photographs["coffee.png"].save(data, "PNG")
    held = memory_index()
    held.add("hash", replace(image_signals(data.getvalue()), thumbnail=None, features=None), "a")
    other = BytesIO()
    Image.open(BytesIO(data.getvalue())).save(other, "JPEG", quality=90)
    outcome = match_image(query_image(other.getvalue()), held, replace(ImageThresholds(), inliers=13))
    (match,) = outcome.matches
    assert match.image.thresholds.inliers == 13
    assert any(reason.startswith("not calibrated: inliers 13 instead of 15") for reason in match.reasons)
