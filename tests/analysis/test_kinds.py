"""What a page shows, in no language: by address, structured data, structure."""

import pytest

from clonedetect.analysis.kinds import kind_of
from clonedetect.extract.page import read_page
from clonedetect.models.verdict import PageKind

ROOT = "https://clone.example"


def _kind(url: str, body: str = "<p>x</p>") -> tuple[PageKind, str]:
    return kind_of(read_page(f"<html><body>{body}</body></html>".encode(), url, "text/html"))


@pytest.mark.parametrize(
    ("path", "kind", "reason"),
    [
        ("/p/Ca1bXyz0001/", PageKind.POST, "its address has /p/..."),
        ("/fr/reel/Ca1bXyz0001", PageKind.POST, "its address has /reel/..."),
        ("/profile/marta/p/Ca1bXyz0001", PageKind.POST, "its address has /p/..."),
        ("/@marta/112233445566", PageKind.POST, "its address has /@name/number"),
        ("/stories/marta/123456", PageKind.STORY, "its address has /stories/..."),
        ("/explore/tags/sea", PageKind.HASHTAG, "its address has /tags/..."),
        ("/hashtag/%E6%B5%B7", PageKind.HASHTAG, "its address has /hashtag/..."),
        ("/explore/locations/212988663/nida", PageKind.LOCATION, "its address has /locations/..."),
        ("/profile/marta", PageKind.PROFILE, "its address has /profile/..."),
        ("/@marta", PageKind.PROFILE, "its address has /@name"),
        ("/@marta@lumigram.example", PageKind.PROFILE, "its address has /@name"),
        ("/search?q=sea", PageKind.SEARCH, "its address ends in /search"),
        ("/find?query=sea", PageKind.SEARCH, "its address asks with ?query="),
        ("/search/sea", PageKind.SEARCH, "its address has /search/..."),
        ("/feed", PageKind.FEED, "its address ends in /feed"),
        ("/explore", PageKind.FEED, "its address ends in /explore"),
        ("/about", PageKind.OTHER, "nothing tells what it shows"),
        ("/", PageKind.OTHER, "nothing tells what it shows"),
        ("/p", PageKind.OTHER, "nothing tells what it shows"),
    ],
)
def test_the_shape_of_the_address_tells(path: str, kind: PageKind, reason: str) -> None:
    assert _kind(f"{ROOT}{path}") == (kind, reason)


@pytest.mark.parametrize(
    ("body", "kind", "name"),
    [
        ('<meta property="og:type" content="profile">', PageKind.PROFILE, "og:profile"),
        ('<meta property="og:type" content="article">', PageKind.POST, "og:article"),
        (
            '<script type="application/ld+json">{"@type": "ProfilePage"}</script>',
            PageKind.PROFILE,
            "profilepage",
        ),
        (
            '<script type="application/ld+json">{"@type": "SearchResultsPage"}</script>',
            PageKind.SEARCH,
            "searchresultspage",
        ),
        ('<div itemtype="https://schema.org/SocialMediaPosting"></div>', PageKind.POST, "socialmediaposting"),
        (
            '<script type="application/ld+json">{"@type": "ProfilePage", "hasPart":'
            ' [{"@type": "SocialMediaPosting"}]}</script>',
            PageKind.PROFILE,
            "profilepage",
        ),
    ],
)
def test_structured_data_tell_where_the_address_does_not(body: str, kind: PageKind, name: str) -> None:
    assert _kind(f"{ROOT}/x", body) == (kind, f"its structured data says {name}")


def test_the_address_is_steadier_than_what_a_page_says_of_itself() -> None:
    kind, _ = _kind(f"{ROOT}/p/Ca1bXyz0001", '<meta property="og:type" content="profile">')
    assert kind is PageKind.POST


def _entries(count: int) -> str:
    return "".join(f'<article><img src="/{n}.jpg"><p>words {n}</p></article>' for n in range(count))


def test_entries_with_pictures_make_a_feed() -> None:
    assert _kind(f"{ROOT}/", _entries(4)) == (PageKind.FEED, "4 entries with pictures")
    assert _kind(f"{ROOT}/", _entries(2))[0] is PageKind.OTHER


@pytest.mark.parametrize(
    ("path", "heading", "kind"),
    [
        ("/marta", "@marta", PageKind.PROFILE),
        ("/v/marta.orbits/", "marta.orbits", PageKind.PROFILE),
        ("/v/luis", "@marta", PageKind.FEED),
        ("/about", "about", PageKind.FEED),
        ("/marta.html", "About marta.html", PageKind.FEED),
    ],
)
def test_a_name_at_the_end_of_the_address_that_the_page_shows_is_a_profile(
    path: str, heading: str, kind: PageKind
) -> None:
    found, reason = _kind(f"{ROOT}{path}", f"<h1>{heading}</h1>{_entries(4)}")
    assert found is kind
    if kind is PageKind.PROFILE:
        name = heading.removeprefix("@")
        assert reason == f"its address ends in {name}, which the page shows as a name"


@pytest.mark.parametrize("url", ["https://[clone/p/1", f"{ROOT}/?{'a=1&' * 100}"])
def test_an_address_that_cannot_be_read_tells_nothing(url: str) -> None:
    kind, reason = _kind(url)
    assert kind is PageKind.OTHER
    assert reason
