"""What the crawl reads of a page is what the analysis will find on it, address by address."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clonedetect.errors import InputError
from clonedetect.extract.page import read_leads, read_page

PAGES = Path(__file__).parents[2] / "fixtures" / "pages"
SHAPES = sorted(path.name for path in PAGES.iterdir() if not path.name.endswith(".expected.json"))
URL = "https://picpeek.example/profile/lena.fischt"


def leads_of(page):
    return [(one.kind, one.url) for one in page.links], [
        (one.kind, one.url, one.source) for one in page.media
    ]


def assert_same(content: bytes, content_type: str) -> None:
    leads, page = read_leads(content, URL, content_type), read_page(content, URL, content_type)
    assert leads_of(leads) == leads_of(page)
    assert [one.value for one in leads.declarations] == [one.value for one in page.declarations]


@pytest.mark.parametrize("name", SHAPES)
def test_a_page_leads_where_its_reading_says(name):
    kind = "application/json" if name.endswith(".json") else "text/html; charset=utf-8"
    assert_same((PAGES / name).read_bytes(), kind)


ADDRESSES = st.sampled_from(
    [
        "/p/1",
        "b.jpg",
        "//cdn.example/c.webp",
        "https://x.example/?u=a.png",
        "#top",
        "data:image/gif;base64,R0",
        "",
    ]
)
NAME_WORDS = (
    "href src srcset data-src data-original data-lazy data-next data-api style poster content class id title"
    " alt data-srcset background data rel property itemprop imagesrcset data-bg name"
)
NAMES = NAME_WORDS.split()
VALUES = st.one_of(
    ADDRESSES,
    st.builds("url({})".format, ADDRESSES),
    st.builds('{{"image": "{}", "next": "/more"}}'.format, ADDRESSES),
    st.builds("<img src='{}'></img>".format, ADDRESSES),
    st.sampled_from(["og:image", "next", "preload", "caption", "two words"]),
)
TAG_WORDS = (
    "a area img div li span video source picture iframe object embed link meta base template noscript"
    " script style figure svg image amp-img input select td form blockquote"
)
TAGS = st.sampled_from(TAG_WORDS.split())


@st.composite
def element(draw, below):
    tag = draw(TAGS)
    attributes = draw(st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=3))
    inner = "".join(draw(st.lists(st.one_of(below, st.sampled_from(["words here", "/x.jpg"])), max_size=4)))
    written = "".join(f' {name}="{value.replace(chr(34), "&quot;")}"' for name, value in attributes)
    return f"<{tag}{written}>{inner}</{tag}>"


DOCUMENTS = st.recursive(st.just("<p>words</p>"), element, max_leaves=12)


@settings(max_examples=300, deadline=None)
@given(st.lists(DOCUMENTS, min_size=1, max_size=4))
def test_any_document_leads_where_its_reading_says(parts):
    assert_same("".join(parts).encode(), "text/html")


def test_a_picture_leads_nowhere():
    with pytest.raises(InputError, match="is no page"):
        read_leads(b"\x89PNG\r\n\x1a\n\x00\x00", URL, "text/html")
