"""Files that end early: what is missing of them never agrees, and what is there is judged as a crop is."""

import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from clonedetect.jobs.examining import Examiner, Unexamined
from clonedetect.match.candidates import match_image
from clonedetect.models.match import Verdict
from clonedetect.models.settings import ImageThresholds
from clonedetect.settings.document import Settings
from clonedetect.signals.image import image_signals, query_image

NAME = "coffee.png"
FORMS = {
    "jpeg": ("JPEG", {"quality": 88}),
    "progressive": ("JPEG", {"quality": 88, "progressive": True}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {"quality": 85}),
    "webp-lossless": ("WEBP", {"lossless": True, "method": 0}),
    "gif": ("GIF", {"interlace": 0}),
    "gif-interlaced": ("GIF", {"interlace": 1}),
    "bmp": ("BMP", {}),
}


@pytest.fixture(scope="module")
def index(ours, memory_index):
    held = memory_index()
    for name, path in ours.items():
        held.add(name, image_signals(path.read_bytes()), f"account of {name}")
    return held


def encoded(picture: Image.Image, form: str, **options) -> bytes:
    out = BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def ask(data: bytes, index):
    return match_image(query_image(data), index, ImageThresholds())


@pytest.mark.parametrize("form", FORMS)
def test_what_a_truncated_copy_shows_confirms_and_the_finding_says_how_much_it_is(form, photographs, index):
    kind, options = FORMS[form]
    data = cut(encoded(photographs[NAME], kind, **options), 0.62)
    outcome = ask(data, index)
    assert [(match.item_id, match.verdict) for match in outcome.matches] == [(NAME, Verdict.CONFIRMED)]
    said = [reason for reason in outcome.matches[0].reasons if reason.startswith("the file is truncated: ")]
    assert len(said) == 1
    assert "% of" in said[0]


@pytest.mark.parametrize("form", ["jpeg", "png", "webp-lossless", "gif"])
def test_no_block_below_the_cut_is_looked_at(form, photographs, index):
    kind, options = FORMS[form]
    (match,) = ask(cut(encoded(photographs[NAME], kind, **options), 0.5), index).matches
    shown = [any(block != " " for block in row) for row in match.image.blocks]
    assert shown[0]
    assert not shown[-1]
    bottom = max(y for region in match.regions for _, y in region.polygon)
    assert bottom <= 0.75 * photographs[NAME].height


@pytest.mark.parametrize("form", ["jpeg", "png", "bmp"])
def test_a_sliver_of_a_copy_is_not_confirmed(form, photographs, index):
    kind, options = FORMS[form]
    outcome = ask(cut(encoded(photographs[NAME], kind, **options), 0.07), index)
    assert outcome.verdict in {Verdict.POSSIBLE, Verdict.INCONCLUSIVE}
    told = [*outcome.reasons, *(reason for match in outcome.matches for reason in match.reasons)]
    assert any(reason.startswith("the file is truncated: ") for reason in told)


@pytest.mark.parametrize("filler", [0, 128])
def test_the_filler_of_decoders_is_no_content_of_ours(filler, photographs, memory_index):
    """Ours is a photograph over an area as even as what decoders put where nothing came."""
    whole = np.array(photographs[NAME])
    ours = whole.copy()
    ours[len(ours) // 2 :] = filler
    held = memory_index()
    held.add("ours", image_signals(encoded(Image.fromarray(ours), "PNG")), "a")
    (match,) = ask(cut(encoded(Image.fromarray(whole), "JPEG", quality=88), 0.4), held).matches
    assert not any(block != " " for row in match.image.blocks[-6:] for block in row)


def test_a_turned_truncated_copy_lies_where_the_file_shows_it(photographs, index):
    """The camera held upside down: what is missing of the file is the top of what people see."""
    exif = Image.Exif()
    exif[0x0112] = 3
    photo = photographs[NAME]
    data = cut(encoded(photo.rotate(180), "JPEG", quality=88, exif=exif), 0.5)
    (match,) = ask(data, index).matches
    assert match.verdict is Verdict.CONFIRMED
    ys = [y for region in match.regions for _, y in region.polygon]
    assert min(ys) > 0.3 * photo.height
    assert abs(max(ys) - photo.height) < 4
    full = np.array(match.image.homography).reshape(3, 3)
    assert np.allclose(full / full[2, 2], np.eye(3), atol=3)


def test_a_truncated_stranger_is_inconclusive_by_how_much_was_seen(strangers, index):
    data = encoded(Image.open(strangers["grass.png"]).convert("RGB"), "JPEG", quality=90)
    outcome = ask(cut(data, 0.5), index)
    assert outcome.verdict is Verdict.INCONCLUSIVE
    said = re.fullmatch(r"the file is truncated: (\d+)% of it was decoded", outcome.reasons[0])
    assert said is not None
    assert 40 <= int(said[1]) <= 55


def test_what_came_of_a_narrow_picture_is_not_taken_for_an_icon(photographs, index):
    data = cut(encoded(photographs[NAME].crop((0, 0, 40, 400)), "BMP"), 0.1)
    with Examiner(index, Settings(), workers=1) as examiner:
        query = examiner.query(data)
        assert max(query.signals.width, query.signals.height) < 48
        outcome = examiner.picture(query)
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.reasons[0].startswith("the file is truncated: ")


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
def test_formats_that_give_nothing_of_a_part_say_that(form, photographs, index):
    data = encoded(photographs[NAME], form, quality=80)
    with Examiner(index, Settings(), workers=1) as examiner:
        found = examiner.query(cut(data, 0.6))
    assert isinstance(found, Unexamined)
    assert f"{form} picture" in found.reason
    assert "ends early" in found.reason
