"""Interface strings and copied pages of a site are told by what is said again."""

import random
from dataclasses import replace

import pytest

from clonedetect.analysis.repeated import repetition_of
from clonedetect.match.text import block_digest
from clonedetect.models.item import MediaKind
from clonedetect.models.page import BlockKind, MediaRef, PageContent, TextBlock

WORDS = (
    *("amber", "boat", "crab", "dune", "eel", "fog", "gull", "harbour", "island", "jetty"),
    *("kelp", "lamp", "mast", "net", "oar", "pier", "quay", "reef", "sand", "tide"),
)


def block(text: str) -> TextBlock:
    return TextBlock(text, BlockKind.LEAF, "p")


def page(number: int, *texts: str) -> tuple[str, PageContent]:
    url = f"https://clone.example/{number}"
    return url, PageContent(url, blocks=tuple(map(block, texts)))


def prose(seed: int, words: int = 120) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


@pytest.mark.parametrize(("pages", "is_repeated"), [(4, False), (5, True), (10, True)])
def test_a_string_on_five_pages_and_half_of_the_site_is_an_interface_string(
    pages: int, is_repeated: bool
) -> None:
    notice = "Download all photos and videos in full quality without an account"
    site = [page(n, notice if n < pages else "", prose(n)) for n in range(10)]
    assert (block_digest(block(notice)) in repetition_of(site).blocks) is is_repeated
    assert block_digest(block(prose(3))) not in repetition_of(site).blocks


def test_what_is_filled_into_an_interface_string_does_not_hide_it() -> None:
    notice = "photos, reels and stories without an account, in full quality and as often as you like, from"
    filled = [f"Browse and download all {900 + n} {notice} user{n}" for n in range(8)]
    repeated = repetition_of(page(n, filled[n], prose(n)) for n in range(8)).blocks
    assert {block_digest(block(text)) for text in filled} <= repeated


def test_different_captions_of_one_length_are_no_interface_string() -> None:
    assert repetition_of(page(n, prose(n, 30)) for n in range(12)).blocks == frozenset()


def test_a_page_under_another_address_is_a_near_copy() -> None:
    site = [
        page(0, prose(1)),
        page(1, prose(2)),
        page(2, prose(1).replace("amber", "Amber!", 1) + " 12 likes"),
    ]
    assert repetition_of(site).copies == {"https://clone.example/2": "https://clone.example/0"}


def test_interface_strings_alone_make_no_copy() -> None:
    furniture = prose(5)
    assert repetition_of(page(n, furniture, prose(n + 10, 60)) for n in range(6)).copies == {}
    assert repetition_of(page(n, furniture, "short") for n in range(6)).copies == {}


def test_sites_without_text_have_nothing_repeated() -> None:
    for site in ([], [page(0, "♥ ♥")]):
        found = repetition_of(site)
        assert (found.blocks, found.copies) == (frozenset(), {})


@pytest.mark.parametrize(("addresses", "is_stock"), [(2, False), (3, True), (7, True)])
def test_the_same_short_page_at_three_addresses_is_a_stock_answer(addresses: int, is_stock: bool) -> None:
    site = [page(n, "Viewer", "Nobody by that name lives here", "About us") for n in range(addresses)]
    others = [page(n, "Viewer", prose(n), "About us") for n in range(20, 24)]

    told = repetition_of([*site, *others]).stock

    assert dict(told) == ({url: addresses for url, _ in site} if is_stock else {})


def test_pages_with_a_picture_or_much_to_say_are_no_stock_answers() -> None:
    shown = MediaRef("https://clone.example/1.jpg", MediaKind.IMAGE, "img[src]", "img")
    url, said = page(1, "Boats")
    pictured = [(f"{url}/{n}", replace(said, media=(shown,))) for n in range(4)]
    long = [page(n, prose(1, 200)) for n in range(10, 14)]

    assert not repetition_of([*pictured, *long]).stock
