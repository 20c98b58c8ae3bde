"""Page shapes with every reference listed by hand beside them."""

import json
from pathlib import Path

import pytest

from clonedetect.extract.page import read_page
from clonedetect.models.page import BlockKind, PageContent

PAGES = Path(__file__).parents[2] / "fixtures" / "pages"
SHAPES = sorted(path.name.removesuffix(".expected.json") for path in PAGES.glob("*.expected.json"))


def content_of(name: str) -> PageContent:
    path = next(one for one in PAGES.glob(f"{name}.*") if not one.name.endswith(".expected.json"))
    kind = "text/html; charset=utf-8" if path.suffix == ".html" else "application/json"
    return read_page(path.read_bytes(), "https://picpeek.example/profile/lena.fischt", kind)


def expected_of(name: str) -> dict:
    return json.loads((PAGES / f"{name}.expected.json").read_text())


@pytest.mark.parametrize("name", SHAPES)
def test_every_listed_picture_and_no_other_is_found(name):
    found = [ref.url for ref in content_of(name).media]
    assert sorted(found) == sorted(expected_of(name)["media"])


@pytest.mark.parametrize("name", SHAPES)
def test_every_wrapped_address_is_recovered(name):
    found = [ref.unwrapped_url for ref in content_of(name).media if ref.unwrapped_url]
    assert sorted(found) == sorted(expected_of(name)["unwrapped"])


@pytest.mark.parametrize("name", SHAPES)
def test_every_listed_link_and_no_other_is_found(name):
    found = [[link.kind.value, link.url] for link in content_of(name).links]
    assert sorted(found) == sorted(expected_of(name)["links"])


@pytest.mark.parametrize("name", SHAPES)
def test_every_caption_is_a_block_of_its_own(name):
    texts = {" ".join(block.text.split()) for block in content_of(name).blocks}
    assert set(expected_of(name)["captions"]) <= texts


@pytest.mark.parametrize("name", SHAPES)
def test_a_caption_shares_its_entry_with_its_picture(name):
    page = content_of(name)
    for caption, picture in expected_of(name)["captions"].items():
        if picture is None:
            continue
        entries = {
            block.entry
            for block in page.blocks
            if " ".join(block.text.split()) == caption and block.kind is not BlockKind.META
        }
        pictures = {ref.entry for ref in page.media if picture in ref.url and "meta" not in ref.source}
        assert entries == pictures
        assert "" not in entries


@pytest.mark.parametrize("name", SHAPES)
def test_native_identifiers_are_found(name):
    found = {(one.kind.value, one.value) for one in content_of(name).identifiers}
    assert {tuple(pair) for pair in expected_of(name)["identifiers"]} <= found


@pytest.mark.parametrize("name", SHAPES)
def test_title_language_and_emptiness_are_told(name):
    page, expected = content_of(name), expected_of(name)
    assert page.title == expected["title"]
    assert page.lang == expected["lang"]
    assert page.is_script_only is expected["script_only"]
    assert page.omitted == ()
