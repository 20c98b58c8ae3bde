"""Pictures of the operator's bank prove nothing: hidden in references, and confirming nothing alone."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from clonedetect.jobs.negative import bank_of
from clonedetect.match.candidates import match_image
from clonedetect.match.mask import MaskCache, template_mask
from clonedetect.models.match import Verdict
from clonedetect.models.settings import ImageThresholds
from clonedetect.signals.image import image_signals, query_image

THRESHOLDS = ImageThresholds()


def jpeg(picture: Image.Image, quality: int = 88) -> bytes:
    out = BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


@pytest.fixture(scope="module")
def photographs(ours):
    return {name: Image.open(path).convert("RGB") for name, path in ours.items()}


def bank(**pictures: Image.Image):
    return bank_of([(name, image_signals(jpeg(each))) for name, each in pictures.items()])


def template(side: int = 900) -> Image.Image:
    """A textured frame with an even place for a photograph: nothing of it looks drawn."""
    small = np.random.default_rng(5).normal(128, 45, (60, 60, 3)).astype(np.float32)
    page = cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)
    picture = Image.fromarray(np.clip(page, 0, 255).astype(np.uint8))
    picture.paste((128, 128, 128), (260, 260, 640, 640))
    return picture


def framed(photograph: Image.Image) -> Image.Image:
    page = template()
    page.paste(ImageOps.fit(photograph, (380, 380)), (260, 260))
    return page


def logo() -> Image.Image:
    """A busy emblem of one's own, as large as a picture."""
    picture = Image.new("RGB", (400, 400), (235, 240, 250))
    draw = ImageDraw.Draw(picture)
    generator = np.random.default_rng(11)
    for _ in range(90):
        x, y, w, h = (int(v) for v in generator.integers((0, 0, 12, 12), (380, 380, 70, 70)))
        colour = tuple(int(v) for v in generator.integers(0, 255, 3))
        (draw.ellipse if x % 2 else draw.rectangle)((x, y, x + w, y + h), fill=colour)
    return picture


def with_logo(photograph: Image.Image) -> Image.Image:
    page = ImageOps.fit(photograph, (560, 480))
    page.paste(logo(), (150, 70))
    return page


def ask(picture: Image.Image, index, negative, quality: int = 70):
    return match_image(query_image(jpeg(picture, quality)), index, THRESHOLDS, bank=negative)


def verdicts(outcome) -> dict[str, Verdict]:
    return {str(match.item_id): match.verdict for match in outcome.matches}


@pytest.fixture
def index(memory_index):
    return memory_index()


def add(index, name: str, picture: Image.Image, account: str = "a") -> None:
    index.add(name, image_signals(jpeg(picture)), account)


def test_another_photograph_in_a_template_of_the_bank_is_no_longer_shown_to_people(photographs, index):
    add(index, "coffee", framed(photographs["coffee.png"]))
    other = framed(photographs["astronaut.png"])
    assert verdicts(ask(other, index, None)) == {"coffee": Verdict.POSSIBLE}
    outcome = ask(other, index, bank(meme=template()))
    assert outcome.verdict is Verdict.NONE
    assert outcome.matches == ()
    assert any("in the negative bank: meme" in reason for reason in outcome.reasons)


def test_a_true_copy_in_a_template_of_the_bank_is_still_confirmed_on_what_is_left(photographs, index):
    add(index, "coffee", framed(photographs["coffee.png"]))
    outcome = ask(framed(photographs["coffee.png"]).resize((640, 640)), index, bank(meme=template()))
    assert verdicts(outcome) == {"coffee": Verdict.CONFIRMED}
    measure = outcome.matches[0].image
    assert measure.masked_share > 0.4
    assert measure.blocks[0].startswith("#")
    assert "#" not in measure.blocks[8][6:11]
    assert any("in the negative bank: meme" in reason for reason in outcome.matches[0].reasons)


def test_a_logo_on_two_different_pictures_is_no_common_content(photographs, index):
    add(index, "coffee", with_logo(photographs["coffee.png"]))
    other = with_logo(photographs["astronaut.png"])
    assert verdicts(ask(other, index, None)) == {"coffee": Verdict.POSSIBLE}
    outcome = ask(other, index, bank(logo=logo()))
    assert Verdict.CONFIRMED not in verdicts(outcome).values()
    said = [*outcome.reasons, *(reason for match in outcome.matches for reason in match.reasons)]
    assert any("in the negative bank: logo" in reason for reason in said)
    copy = ask(with_logo(photographs["coffee.png"]).resize((490, 420)), index, bank(logo=logo()))
    assert verdicts(copy) == {"coffee": Verdict.CONFIRMED}


@pytest.mark.parametrize("form", ["same bytes", "encoded again", "mirrored", "framed"])
def test_a_stock_picture_of_the_bank_confirms_nothing(form, photographs, index):
    stock = photographs["china.jpg"]
    add(index, "poster", stock)
    negative = bank(stock=stock)
    query = {"mirrored": ImageOps.mirror(stock), "framed": ImageOps.expand(stock, 40, (255, 255, 255))}
    data = jpeg(query.get(form, stock), 88 if form == "same bytes" else 60)
    assert match_image(query_image(data), index, THRESHOLDS).verdict is Verdict.CONFIRMED
    outcome = match_image(query_image(data), index, THRESHOLDS, bank=negative)
    assert verdicts(outcome) == {"poster": Verdict.POSSIBLE}
    assert "in the negative bank: stock" in outcome.matches[0].reasons


def test_a_query_that_is_a_picture_of_the_bank_is_named_where_nothing_matches(photographs, index):
    add(index, "coffee", photographs["coffee.png"])
    outcome = ask(photographs["flower.jpg"], index, bank(flower=photographs["flower.jpg"]))
    assert (outcome.verdict, outcome.matches) == (Verdict.NONE, ())
    assert outcome.reasons[0] == "in the negative bank: flower"


def test_a_bank_says_nothing_of_other_pictures(photographs, index):
    add(index, "coffee", photographs["coffee.png"])
    negative = bank(flower=photographs["flower.jpg"], meme=template(), logo=logo())
    data = query_image(jpeg(photographs["coffee.png"], 60))
    assert match_image(data, index, THRESHOLDS, bank=negative) == match_image(data, index, THRESHOLDS)
    assert template_mask(index.images([1])[0], index, THRESHOLDS, negative).bank == ()


def test_a_framed_photograph_is_more_than_the_template_of_the_bank(photographs):
    negative = bank(meme=template())
    assert negative.named(query_image(jpeg(template(), 60)), THRESHOLDS) == ("meme",)
    for name in ("coffee.png", "astronaut.png", "chelsea.png"):
        assert negative.named(query_image(jpeg(framed(photographs[name]))), THRESHOLDS) == ()


def test_a_cache_asked_with_another_bank_forgets(photographs, index):
    add(index, "coffee", framed(photographs["coffee.png"]))
    masks, reference = MaskCache(), index.images([1])[0]
    assert not masks.mask(reference, index, THRESHOLDS).hidden.any()
    first = masks.mask(reference, index, THRESHOLDS, bank(meme=template()))
    assert first.hidden.any()
    assert masks.mask(reference, index, THRESHOLDS, bank(meme=template())) is first
    assert not masks.mask(reference, index, THRESHOLDS, bank(logo=logo())).hidden.any()


def test_three_owners_besides_the_own_one_hide_what_they_share(photographs, index):
    for number, name in enumerate(("coffee.png", "china.jpg", "flower.jpg")):
        add(index, name, framed(photographs[name]), f"owner {number}")
    assert not template_mask(index.images([1])[0], index, THRESHOLDS).hidden.any()
    add(index, "chelsea.png", framed(photographs["chelsea.png"]), "owner 3")
    mask = template_mask(index.images([1])[0], index, THRESHOLDS)
    assert mask.hidden[0].all()
    assert not mask.hidden[8, 8]


def test_a_small_logo_hides_only_where_it_stands(photographs, index):
    page = photographs["coffee.png"].resize((800, 600))
    page.paste(logo().resize((200, 200)), (560, 380))
    add(index, "coffee", page)
    mask = template_mask(index.images([1])[0], index, THRESHOLDS, bank(logo=logo()))
    assert mask.bank == ("logo",)
    rows, columns = np.nonzero(mask.hidden)
    assert 6 <= len(rows) <= 25
    high, wide = mask.hidden.shape
    assert rows.min() >= int(high * 380 / 600)
    assert columns.min() >= int(wide * 560 / 800)


def test_a_bank_of_textures_hides_nothing_of_other_photographs(photographs, strangers, index):
    negative = bank(**{name: Image.open(path).convert("RGB") for name, path in strangers.items()})
    for name, picture in photographs.items():
        add(index, name, picture)
    for reference in index.pictures.values():
        assert template_mask(reference, index, THRESHOLDS, negative).bank == (), reference.item_id
