import json

import numpy as np
import pytest

from accuracy.hiding import HidingIndex
from clonedetect.jobs.indexing import add_sources
from clonedetect.jobs.opening import open_reference
from clonedetect.match.candidates import match_image
from clonedetect.match.mask import MaskCache
from clonedetect.models.ids import ItemId, digest_of
from clonedetect.models.match import Verdict
from clonedetect.models.page import IdentifierKind
from clonedetect.models.settings import ImageThresholds
from clonedetect.signals.image import image_signals, query_image


@pytest.fixture(scope="module")
def folder(tmp_path_factory, photographs):
    base = tmp_path_factory.mktemp("hiding")
    rows = []
    for name, data in photographs.items():
        (base / name).write_bytes(data)
        rows.append({"item_id": name, "account_id": name, "media": [{"path": name}]})
    for label, kept in (("all", rows), ("fewer", [row for row in rows if row["item_id"] != "coffee.png"])):
        source = base / f"{label}.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in kept))
        assert add_sources(base / label, [source], workers=1).refused == 0
    return base


@pytest.fixture
def everything(folder):
    with open_reference(folder / "all") as index:
        yield index


@pytest.fixture
def hiding(everything, photographs):
    (reference,) = everything.images_with_digest(digest_of(photographs["coffee.png"]))
    return HidingIndex(everything, [reference.media_id]), reference


def test_what_is_hidden_is_in_no_lookup(everything, hiding, photographs) -> None:
    index, reference = hiding
    bits = np.frombuffer(reference.bits, np.uint8).reshape(1, 32)
    features = image_signals(photographs["coffee.png"]).features
    assert len(everything.hashes.range_search(bits, 0)[1]) > 0
    assert everything.votes.vote(features, 1)[0][0] == reference.media_id
    assert len(index.hashes.range_search(bits, 0)[1]) == 0
    assert reference.media_id not in [media for media, _ in index.votes.vote(features, 10)]
    assert index.images([reference.media_id]) == ()
    assert index.images_with_digest(reference.digest) == ()
    assert index.item(reference.item_id) is None
    assert index.item(ItemId("chelsea.png")) is not None
    owners = [(IdentifierKind.ACCOUNT, name) for name in ("coffee.png", "chelsea.png")]
    assert set(everything.identified(owners)) == set(owners)
    assert set(index.identified(owners)) == set(owners[1:])


def test_it_answers_as_an_index_that_never_held_it(folder, hiding, photographs) -> None:
    index, _ = hiding
    with open_reference(folder / "fewer") as fewer:
        for data in photographs.values():
            features = query_image(data).features
            names = [
                [(each.images([media])[0].item_id, count) for media, count in each.votes.vote(features, 3)]
                for each in (index, fewer)
            ]
            assert names[0] == names[1]


def test_a_copy_of_what_is_hidden_is_not_found_and_of_the_rest_is(everything, hiding, photographs) -> None:
    index, _ = hiding
    masks = MaskCache()
    asked = {name: query_image(photographs[name] + b"\0") for name in ("coffee.png", "chelsea.png")}
    found = {name: match_image(q, index, ImageThresholds(), masks=masks) for name, q in asked.items()}
    assert found["coffee.png"].matches == ()
    assert [match.item_id for match in found["chelsea.png"].matches] == ["chelsea.png"]
    whole = match_image(asked["coffee.png"], everything, ImageThresholds(), masks=masks)
    assert whole.verdict is Verdict.CONFIRMED


def test_masks_of_one_state_are_not_taken_for_another(everything, hiding) -> None:
    index, _ = hiding
    assert index.snapshot() != everything.snapshot()


def test_it_is_only_read(hiding) -> None:
    index, reference = hiding
    with pytest.raises(TypeError, match="only read"):
        index.hashes.delete(np.array([int(reference.media_id)]))
