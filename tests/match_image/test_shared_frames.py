"""Another photograph in the frame of an indexed meme: not confirmed, nor shown once the frame is known."""

import pytest

from clonedetect.demo.pictures import TEMPLATES, jpeg, photograph
from clonedetect.match.candidates import match_image
from clonedetect.models.match import Verdict
from clonedetect.models.settings import ImageThresholds
from clonedetect.signals.image import image_signals, query_image

THRESHOLDS = ImageThresholds()
OTHERS = ("camera", "ihc", "brick")


def _query(name: str, template: str):
    return query_image(jpeg(TEMPLATES[template](photograph(name))))


@pytest.fixture(scope="module")
def queries():
    return {(name, template): _query(name, template) for name in OTHERS for template in TEMPLATES}


@pytest.fixture
def one_framed_post(memory_index):
    def make(template: str):
        index = memory_index()
        framed = jpeg(TEMPLATES[template](photograph("rocket")))
        index.add("post", image_signals(framed), "account")
        return index

    return make


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_one_indexed_picture_of_a_frame_confirms_no_other_picture_in_it(
    one_framed_post, queries, template
) -> None:
    index = one_framed_post(template)
    for name in OTHERS:
        assert match_image(queries[name, template], index, THRESHOLDS).verdict is not Verdict.CONFIRMED


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_beside_others_in_the_same_frame_it_is_not_even_possible(one_framed_post, queries, template) -> None:
    index = one_framed_post(template)
    for name in OTHERS:
        beside = [queries[other, template] for other in OTHERS if other != name]
        assert match_image(queries[name, template], index, THRESHOLDS, siblings=beside).matches == ()


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_the_framed_post_itself_is_confirmed_beside_others_in_its_frame(
    one_framed_post, queries, template
) -> None:
    copy = query_image(jpeg(TEMPLATES[template](photograph("rocket")), quality=60))
    beside = [queries[other, template] for other in OTHERS]
    outcome = match_image(copy, one_framed_post(template), THRESHOLDS, siblings=beside)
    assert outcome.verdict is Verdict.CONFIRMED
