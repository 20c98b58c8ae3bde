"""Links: absolute, http(s), of a known kind, once each."""

import pytest

from clonedetect.extract.page import PageLimits, read_page
from clonedetect.models.page import LinkKind

URL = "https://clone.example/v/name?x=1"


def links_of(html: str, **limits: int) -> list[tuple[str, LinkKind]]:
    page = read_page(html.encode(), URL, "text/html", PageLimits(**limits))
    return [(link.url, link.kind) for link in page.links]


@pytest.mark.parametrize(
    ("html", "url", "kind"),
    [
        ("<a href=/p/1>x</a>", "https://clone.example/p/1", LinkKind.PAGE),
        ("<a href='?page=2'>x</a>", "https://clone.example/v/name?page=2", LinkKind.PAGE),
        ("<a href='//other.example/#part'>x</a>", "https://other.example/", LinkKind.PAGE),
        ("<a href=' /p/\n1 '>x</a>", "https://clone.example/p/1", LinkKind.PAGE),
        ("<a href='\\p\\1'>x</a>", "https://clone.example/p/1", LinkKind.PAGE),
        ("<map><area href=/p/1></map>", "https://clone.example/p/1", LinkKind.PAGE),
        ("<meta http-equiv=refresh content='0; url=/p/1'>", "https://clone.example/p/1", LinkKind.PAGE),
        ("<a href=/api/feed>x</a>", "https://clone.example/api/feed", LinkKind.API),
        ("<div data-api-url=/feed></div>", "https://clone.example/feed", LinkKind.API),
        ("<a rel=next href='?p=2'>x</a>", "https://clone.example/v/name?p=2", LinkKind.PAGINATION),
        ("<link rel=next href='?p=2'>", "https://clone.example/v/name?p=2", LinkKind.PAGINATION),
        ("<div data-next=/more></div>", "https://clone.example/more", LinkKind.PAGINATION),
        ("<div data-next-url=/more></div>", "https://clone.example/more", LinkKind.PAGINATION),
        ("<script type=application/json>{\"next_url\": \"/more\"}</script>", "https://clone.example/more",
         LinkKind.PAGINATION),
        ("<iframe src=/embed></iframe>", "https://clone.example/embed", LinkKind.FRAME),
        ("<frameset><frame src=/embed></frameset>", "https://clone.example/embed", LinkKind.FRAME),
    ],
)  # fmt: skip
def test_a_link_is_found_in(html, url, kind):
    assert links_of(html) == [(url, kind)]


@pytest.mark.parametrize(
    "href",
    ["javascript:void(0)", "mailto:a@b.example", "tel:1", "file:///etc/passwd", "ftp://a.example/", "http://[",
     "", "data:text/html,x", "https://"],
)  # fmt: skip
def test_what_is_no_web_address_is_no_link(href):
    assert [url for url, _ in links_of(f"<a href='{href}'>x</a>") if url != URL] == []


def test_an_address_is_listed_once_with_its_more_telling_kind():
    assert links_of("<a href=/2>2</a><a rel=next href=/2#top>next</a>") == [
        ("https://clone.example/2", LinkKind.PAGINATION)
    ]


def test_links_beyond_the_limit_are_counted():
    html = "".join(f"<a href=/{number}>x</a>" for number in range(2_005))
    page = read_page(html.encode(), URL, "text/html")
    assert len(page.links) == 2_000
    assert page.omitted == (("too many links", 5),)


def test_a_cursor_is_no_address():
    assert links_of('<script type=application/json>{"next": "QVFEabc", "has_next": true}</script>') == []
