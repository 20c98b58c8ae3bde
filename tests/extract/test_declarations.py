import pytest

from clonedetect.extract.page import PageLimits, read_page
from clonedetect.models.page import Declaration, DeclarationKind

URL = "https://clone.example/p/1"


def _told(html: str, limits: PageLimits | None = None) -> tuple[Declaration, ...]:
    return read_page(html.encode(), URL, "text/html; charset=utf-8", limits).declarations


@pytest.mark.parametrize(
    ("html", "kind", "value", "media_type"),
    [
        ('<link rel="canonical" href="/p/2">', "canonical", "https://clone.example/p/2", ""),
        (
            '<meta property="og:url" content="https://platform.example/p/1">',
            "canonical",
            "https://platform.example/p/1",
            "",
        ),
        (
            '<link rel="alternate" type="Application/Activity+JSON" href="https://a.example/n/1">',
            "alternate",
            "https://a.example/n/1",
            "application/activity+json",
        ),
        ('<a rel="nofollow via" href="https://a.example/1">x</a>', "source", "https://a.example/1", ""),
        ('<a class="u-syndication" href="https://a.example/1">x</a>', "source", "https://a.example/1", ""),
        (
            '<item><source url="https://a.example/feed">A</source></item>',
            "source",
            "https://a.example/feed",
            "",
        ),
        ('<meta property="og:type" content="Profile">', "type", "og:profile", ""),
        ('<div itemscope itemtype="https://schema.org/ProfilePage">x</div>', "type", "profilepage", ""),
        (
            '<script type="application/ld+json">{"@type": ["SearchResultsPage"]}</script>',
            "type",
            "searchresultspage",
            "",
        ),
        (
            '<script src="//platform.example/embed.js"></script>',
            "script",
            "https://platform.example/embed.js",
            "",
        ),
        ('<base href="https://other.example/x/">', "base", "https://other.example/x/", ""),
    ],
)
def test_what_a_page_says_of_itself_is_kept(html: str, kind: str, value: str, media_type: str) -> None:
    (one,) = _told(f"<html><head></head><body>{html}</body></html>")
    assert (one.kind, one.value, one.media_type) == (kind, value, media_type)
    assert one.locator.startswith("/html/")


@pytest.mark.parametrize(
    "html",
    [
        '<link rel="canonical" href="javascript:void(0)">',
        '<link rel="alternate" hreflang="de" href="/de">',
        '<a rel="nofollow" href="https://a.example/1">x</a>',
        '<iframe srcdoc="<link rel=canonical href=https://platform.example/p/1>"></iframe>',
    ],
    ids=["no web address", "another language", "an ordinary link", "a document within the page"],
)
def test_what_says_nothing_of_the_page_is_not(html: str) -> None:
    assert _told(f"<html><body>{html}</body></html>") == ()


def test_one_thing_said_twice_is_said_once_and_no_more_than_the_limit_is_kept() -> None:
    twice = '<link rel="canonical" href="/p/2">' * 2
    assert [one.kind for one in _told(twice)] == [DeclarationKind.CANONICAL]
    many = "".join(f'<script src="/{n}.js"></script>' for n in range(9))
    assert len(_told(many, PageLimits(declarations=4))) == 4
