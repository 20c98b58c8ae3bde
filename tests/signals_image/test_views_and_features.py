from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from clonedetect.models.signal import VIEWS_PER_MEDIA
from clonedetect.signals.boxes import content_box, trimmed_box
from clonedetect.signals.features import complement, local_features, mirror
from clonedetect.signals.image import (
    IMAGE_ALGORITHMS,
    image_signals,
    query_hashes,
    query_image,
)
from clonedetect.signals.views import (
    COMPLEMENT,
    FORMS,
    STORED_VIEWS,
    query_views,
    sampled,
    stored_views,
)

TURNED = {
    "identity": lambda a: a,
    "rotate-90": np.rot90,
    "rotate-180": lambda a: np.rot90(a, 2),
    "rotate-270": lambda a: np.rot90(a, 3),
    "flip-vertical": lambda a: a[::-1],
    "flip-horizontal": lambda a: a[:, ::-1],
    "transpose": lambda a: a.T,
    "transverse": lambda a: np.rot90(a, 2).T,
}


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def grey_of(photo) -> np.ndarray:
    return np.asarray(photo.convert("L"))


def noise_picture(seed: int, height: int, width: int) -> np.ndarray:
    small = np.random.default_rng(seed).normal(128, 60, (12, 12)).astype(np.float32)
    return np.clip(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def forms(grey: np.ndarray) -> dict[str, bytes]:
    """Hashes of the whole picture in every form, as a query asks for them; equal ones it asks for once."""
    views = query_views(sampled(grey))
    return {entry.form: entry.bits for entry in views if entry.view in {"full", "whole"}}


def whole(grey: np.ndarray) -> bytes:
    return stored_views(sampled(grey))[-1].bits


@pytest.mark.parametrize("form", FORMS)
def test_a_dihedral_form_equals_hashing_the_turned_picture(photo, form):
    grey = grey_of(photo)
    turned = np.ascontiguousarray(TURNED[form](grey))
    assert distance(forms(grey)[form], whole(turned)) <= 2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(64, 300), st.integers(64, 300))
def test_turning_a_picture_permutes_its_dihedral_hashes(seed, height, width):
    grey = noise_picture(seed, height, width)
    hashes, mirrored = forms(grey), forms(grey[:, ::-1].copy())
    assert distance(hashes["flip-horizontal"], mirrored["identity"]) <= 4
    assert distance(hashes["rotate-180"], mirrored["flip-vertical"]) <= 4


def test_the_complement_is_the_hash_of_the_inverted_picture(photo):
    grey = grey_of(photo)
    assert distance(forms(grey)[COMPLEMENT], whole(255 - grey)) <= 2
    assert distance(forms(grey)[f"{COMPLEMENT} flip-horizontal"], whole(255 - grey[:, ::-1])) <= 2


@pytest.mark.parametrize("share", [0.5, 0.33])
def test_a_resized_file_keeps_its_hash(photo, share):
    grey = Image.fromarray(grey_of(photo))
    smaller = grey.resize((round(grey.width * share), round(grey.height * share)), Image.Resampling.LANCZOS)
    assert distance(whole(np.asarray(smaller)), whole(grey_of(photo))) <= 6


def test_stored_views_are_numbered_by_a_table_that_fits_the_ids(photo):
    views = stored_views(sampled(grey_of(photo)))
    assert (views[0].view, views[-1].view) == ("full", "whole")
    assert len(STORED_VIEWS) == len(set(STORED_VIEWS)) <= VIEWS_PER_MEDIA
    assert [v.view for v in views] == [v for v in STORED_VIEWS if v in {w.view for w in views}]
    assert all(len(v.bits) == 32 for v in views)


def test_a_square_picture_does_not_store_its_square_twice():
    names = [v.view for v in stored_views(sampled(noise_picture(1, 200, 200)))]
    assert "full" in names
    assert "square" not in names


def test_a_centre_crop_meets_its_stored_tile(photo):
    tiles = {v.view: v.bits for v in stored_views(sampled(grey_of(photo)))}
    thumbnail = ImageOps.fit(photo.convert("L"), (150, 150), Image.Resampling.LANCZOS)
    assert distance(whole(np.asarray(thumbnail)), tiles["square"]) <= 8


@pytest.mark.parametrize("colour", [0, 255])
def test_even_borders_are_trimmed(photo, colour):
    framed = np.asarray(ImageOps.expand(photo.convert("L"), 40, colour))
    box = trimmed_box(framed)
    assert box is not None
    assert np.allclose(box, (40, 40, photo.width + 40, photo.height + 40), atol=1)


def test_a_picture_without_borders_is_not_trimmed(photo):
    assert trimmed_box(grey_of(photo)) is None
    assert trimmed_box(np.full((50, 50), 7, np.uint8)) is None


def test_the_busy_part_of_a_page_is_found():
    page = np.full((600, 400), 250, np.uint8)
    page[150:450, 20:380] = np.random.default_rng(2).integers(0, 255, (300, 360))
    box = content_box(page)
    assert box is not None
    assert np.allclose(box, (20, 150, 380, 450), atol=40)
    assert content_box(np.full((600, 400), 250, np.uint8)) is None


def test_mirrored_features_are_those_of_the_mirrored_picture(photo):
    grey = grey_of(photo)
    ours, theirs = mirror(local_features(grey)), local_features(np.ascontiguousarray(grey[:, ::-1]))
    assert same_share(ours, theirs) > 0.8


def test_complemented_features_are_those_of_the_inverted_picture(photo):
    grey = grey_of(photo)
    assert same_share(complement(local_features(grey)), local_features(255 - grey)) > 0.8


def same_share(ours, theirs) -> float:
    """Share of the features with a partner within two pixels, ten degrees and eight bits."""
    found = 0
    for (x, y, _, angle), bits in zip(ours.points, ours.descriptors, strict=True):
        near = np.hypot(theirs.points[:, 0] - x, theirs.points[:, 1] - y) < 2
        near &= np.abs((theirs.points[:, 3] - angle + 180) % 360 - 180) < 10
        near &= np.bitwise_count(theirs.descriptors ^ bits).sum(axis=1) <= 8
        found += bool(near.any())
    return found / len(ours.points)


def test_mirror_and_complement_undo_themselves(photo):
    features = local_features(grey_of(photo))
    for turn in (mirror, complement):
        again = turn(turn(features))
        assert np.array_equal(again.descriptors, features.descriptors)
        assert np.allclose(again.points, features.points, atol=1e-3)


def test_keypoints_are_spread_over_the_picture(photo):
    page = np.full((400, 400), 128, np.uint8)
    page[:100, :100] = np.random.default_rng(3).integers(0, 255, (100, 100))
    page[300:, 300:] = noise_picture(5, 100, 100)
    buckets = {(int(x // 50), int(y // 50)) for x, y in local_features(page, keypoints=40).points[:, :2]}
    assert any(x >= 5 and y >= 5 for x, y in buckets)


def test_an_even_picture_has_no_features():
    features = local_features(np.full((300, 200), 90, np.uint8))
    assert features.points.shape == (0, 4)
    assert features.descriptors.shape == (0, 16)
    assert mirror(features).points.shape == (0, 4)


def test_signals_are_the_same_every_time(photo_png):
    one, other = image_signals(photo_png), image_signals(photo_png)
    assert one.hashes == other.hashes
    assert one.phash16 == other.phash16
    assert one.digest == other.digest
    assert one.features is not None
    assert other.features is not None
    assert np.array_equal(one.features.points, other.features.points)
    assert np.array_equal(one.features.descriptors, other.features.descriptors)
    assert np.array_equal(one.thumbnail.pixels, other.thumbnail.pixels)


def test_signals_hold_what_the_index_stores(photo, photo_png):
    signals = image_signals(photo_png)
    assert (signals.width, signals.height) == photo.size
    assert max(signals.thumbnail.pixels.shape) == 192
    assert len(signals.phash16) == 32
    assert signals.features is not None
    assert 100 < len(signals.features.points) <= 320
    assert image_signals(photo_png, features=False).features is None
    assert {a.name for a in IMAGE_ALGORITHMS} == {
        "pdq",
        "imagehash.phash",
        "grey-thumbnail",
        "sift-median-128",
    }


def test_a_query_gets_its_features_only_when_asked(photo_png):
    query = query_image(photo_png)
    assert "features" not in vars(query)
    assert query.features is query.features


def test_query_hashes_are_distinct_and_start_with_the_plain_view(photo_png):
    hashes = query_hashes(photo_png)
    assert (hashes[0].view, hashes[0].form) == ("full", "identity")
    assert len({h.bits for h in hashes}) == len(hashes)
    assert {h.form for h in hashes if h.view == "whole"} >= set(FORMS)


def test_pictures_of_any_shape_have_signals():
    for size in ((1, 1), (3, 400), (1200, 2), (17, 17)):
        out = BytesIO()
        Image.fromarray(noise_picture(9, size[1], size[0])).save(out, "PNG")
        signals = image_signals(out.getvalue())
        assert signals.hashes[0].view == "full"
        assert query_hashes(out.getvalue())
