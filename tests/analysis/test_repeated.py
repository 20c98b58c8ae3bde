"""Interface strings and copied pages of a site are told by what is said again."""

import random

import pytest

from clonedetect.analysis.repeated import near_copies, repeated_blocks
from clonedetect.match.text import block_digest
from clonedetect.models.page import BlockKind, PageContent, TextBlock

WORDS = (
    *("amber", "boat", "crab", "dune", "eel", "fog", "gull", "harbour", "island", "jetty"),
    *("kelp", "lamp", "mast", "net", "oar", "pier", "quay", "reef", "sand", "tide"),
)


def block(text: str) -> TextBlock:
    return TextBlock(text, BlockKind.LEAF, "p")


def page(number: int, *texts: str) -> PageContent:
    return PageContent(f"https://clone.example/{number}", blocks=tuple(map(block, texts)))


def prose(seed: int, words: int = 120) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


@pytest.mark.parametrize(("pages", "is_repeated"), [(4, False), (5, True), (10, True)])
def test_a_string_on_five_pages_and_half_of_the_site_is_an_interface_string(
    pages: int, is_repeated: bool
) -> None:
    notice = "Download all photos and videos in full quality without an account"
    site = [page(n, notice if n < pages else "", prose(n)) for n in range(10)]
    assert (block_digest(block(notice)) in repeated_blocks(site)) is is_repeated
    assert block_digest(block(prose(3))) not in repeated_blocks(site)


def test_what_is_filled_into_an_interface_string_does_not_hide_it() -> None:
    notice = "photos, reels and stories without an account, in full quality and as often as you like, from"
    filled = [f"Browse and download all {900 + n} {notice} user{n}" for n in range(8)]
    repeated = repeated_blocks(page(n, filled[n], prose(n)) for n in range(8))
    assert {block_digest(block(text)) for text in filled} <= repeated


def test_different_captions_of_one_length_are_no_interface_string() -> None:
    assert repeated_blocks(page(n, prose(n, 30)) for n in range(12)) == frozenset()


def test_a_page_under_another_address_is_a_near_copy() -> None:
    site = [
        ("https://clone.example/a", page(0, prose(1))),
        ("https://clone.example/b", page(1, prose(2))),
        ("https://clone.example/a?ref=7", page(2, prose(1).replace("amber", "Amber!", 1) + " 12 likes")),
    ]
    assert near_copies(site) == {"https://clone.example/a?ref=7": "https://clone.example/a"}


def test_interface_strings_alone_make_no_copy() -> None:
    furniture = prose(5)
    site = [(f"https://clone.example/{n}", page(n, furniture, prose(n + 10, 60))) for n in range(6)]
    repeated = repeated_blocks(content for _, content in site)
    assert near_copies(site, repeated) == {}
    bare = [(url, page(0, furniture, "short")) for url, _ in site]
    assert near_copies(bare, repeated) == {}


def test_sites_without_text_have_nothing_repeated() -> None:
    assert repeated_blocks([]) == frozenset()
    assert near_copies([("https://clone.example/", page(0, "♥ ♥"))]) == {}
