"""Each construct that hides a picture, one test each."""

import json

import pytest

from clonedetect.extract.page import PageLimits, read_page
from clonedetect.models.item import MediaKind
from clonedetect.models.page import MediaRef, PageContent

URL = "https://clone.example/v/name"


def page_of(html: str, url: str = URL, **limits: int) -> PageContent:
    return read_page(html.encode(), url, "text/html; charset=utf-8", PageLimits(**limits))


def media_of(html: str) -> dict[str, MediaRef]:
    return {ref.url.removeprefix("https://clone.example"): ref for ref in page_of(html).media}


@pytest.mark.parametrize(
    ("html", "url", "source"),
    [
        ("<img src=/a.jpg>", "/a.jpg", "img[src]"),
        ("<img src=/opaque/token>", "/opaque/token", "img[src]"),
        ("<img data-src=/a.jpg>", "/a.jpg", "data-src"),
        ("<img data-src=/opaque/token>", "/opaque/token", "data-src"),
        ("<img data-original=/a.jpg>", "/a.jpg", "data-original"),
        ("<img data-lazy=/a.jpg>", "/a.jpg", "data-lazy"),
        ("<img data-lazy-src=/opaque/token>", "/opaque/token", "data-lazy-src"),
        ("<div data-anything=/a.jpg></div>", "/a.jpg", "data-anything"),
        ("<div data-bg=\"url('/a.jpg')\"></div>", "/a.jpg", "data-bg"),
        ("<div data-zoom=/a.jpg:large></div>", "/a.jpg:large", "data-zoom"),
        ("<img srcset=/a.jpg>", "/a.jpg", "srcset"),
        ("<img data-srcset='/a.jpg 1x, /b.jpg 2x'>", "/b.jpg", "data-srcset (largest)"),
        ("<picture><source srcset=/a.webp></picture>", "/a.webp", "srcset"),
        ("<div style='background:url(/a.jpg)'></div>", "/a.jpg", "css"),
        ("<style>.x{background:url('/a.jpg')}</style>", "/a.jpg", "css"),
        ("<style>.x{background:image-set('/a.avif' 1x)}</style>", "/a.avif", "css"),
        ("<noscript><img src=/a.jpg></noscript>", "/a.jpg", "img[src]"),
        ("<iframe srcdoc='<img src=/a.jpg>'></iframe>", "/a.jpg", "img[src]"),
        ("<template><p><img src=/a.jpg></p></template>", "/a.jpg", "img[src]"),
        ("<template><template><img src=/a.jpg></template></template>", "/a.jpg", "img[src]"),
        ("<script type=text/template><img src=/a.jpg></script>", "/a.jpg", "img[src]"),
        ("<meta property=og:image content=/a>", "/a", "meta:og:image"),
        ("<meta name=twitter:image content=/a>", "/a", "meta:twitter:image"),
        ("<meta itemprop=image content=/a>", "/a", "meta:image"),
        ("<link rel=image_src href=/a>", "/a", "link[rel=image_src]"),
        ("<link rel=preload as=image href=/a>", "/a", "link[as=image]"),
        ("<link rel=preload as=image imagesrcset='/a 1x, /b 2x'>", "/b", "imagesrcset (largest)"),
        ("<video poster=/a></video>", "/a", "poster"),
        ("<input type=image src=/a>", "/a", "input[src]"),
        ("<svg><image href=/a></image></svg>", "/a", "image[href]"),
        ("<body background=/a.jpg>", "/a.jpg", "body[background]"),
        ("<object data=/a.jpg></object>", "/a.jpg", "object[data]"),
        ("<a href=/full.jpeg>full</a>", "/full.jpeg", "a[href]"),
        ("<a download href='/get?url=https%3A%2F%2Fc.example%2Fx.jpg'>full</a>",
         "/get?url=https%3A%2F%2Fc.example%2Fx.jpg", "a[href]"),
        ("<amp-img src=/a></amp-img>", "/a", "amp-img[src]"),
        ("<script>var picture = '/x/a.jpg';</script>", "/x/a.jpg", "script"),
        ("<script type=application/ld+json>{\"image\": \"/a\"}</script>", "/a", "json"),
        ("<div data-state='{\"thumb_url\": \"/a\"}'></div>", "/a", "json"),
    ],
)  # fmt: skip
def test_a_picture_is_found_in(html, url, source):
    assert media_of(html)[url].source == source
    assert media_of(html)[url].kind is MediaKind.IMAGE


@pytest.mark.parametrize(
    ("html", "url"),
    [
        ("<video src=/v></video>", "/v"),
        ("<video><source src=/v type=video/mp4></video>", "/v"),
        ("<meta property=og:video content=/v>", "/v"),
        ("<a href=/v.mp4>video</a>", "/v.mp4"),
        ("<div data-video=/v.webm></div>", "/v.webm"),
        ('<script type=application/json>{"video_url": "/v"}</script>', "/v"),
    ],
)
def test_a_video_is_found_and_called_one(html, url):
    assert media_of(html)[url].kind is MediaKind.VIDEO


@pytest.mark.parametrize(
    "html",
    [
        "<style>@import url(/a.css); @font-face{src:url(/f.woff2)}</style>",
        "<style>/* url(/a.jpg) */</style>",
        "<!-- <img src=/a.jpg> -->",
        "<script src=/a.js></script>",
        "<link rel=icon href=/favicon.ico>",
        "<link rel=stylesheet href=/a.css>",
        "<img src=''><img src='#'>",
        "<audio src=/a.mp3></audio>",
        "<svg><use href='#icon'></use></svg>",
        "<textarea><img src=/a.jpg></textarea>",
        "<div data-id=12345 data-name=photo></div>",
        "<p data-note='see photo.jpg in the album'></p>",
    ],
)
def test_nothing_is_taken_for_a_picture_in(html):
    assert media_of(html) == {}


def test_every_srcset_candidate_is_kept_and_the_largest_marked():
    media = media_of("<img srcset='/r/w_320,h_400/a.jpg 320w, /r/w_1080/a.jpg 1080w, /r/w_640/a.jpg 640w'>")
    assert {url: ref.source for url, ref in media.items()} == {
        "/r/w_320,h_400/a.jpg": "srcset",
        "/r/w_1080/a.jpg": "srcset (largest)",
        "/r/w_640/a.jpg": "srcset",
    }


@pytest.mark.parametrize(
    "html",
    [
        "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw=' data-src=/real.jpg>",
        "<img src=/pixel width=1 height=1>",
        "<img src=/img/blank.gif data-src=/real.jpg>",
        "<img src=/lazy-loading.svg data-srcset='/real.jpg 2x'>",
    ],
)
def test_a_placeholder_is_kept_and_marked(html):
    assert page_of(html).media[0].source == "img[src] (placeholder)"


def test_a_placeholder_belongs_to_no_entry():
    card = "<li><img src='data:image/gif;base64,R0lGODlhAQABAAAAACw=' data-src=/{}.jpg><p>text</p></li>"
    media = page_of("<ul>" + "".join(card.format(number) for number in range(3)) + "</ul>").media
    assert [bool(ref.entry) for ref in media] == [False, True, True, True]


def test_a_picture_that_is_a_placeholder_elsewhere_is_none():
    media = media_of("<img src=/a/blank.gif data-src=/b.jpg><img src=/a/blank.gif>")
    assert media["/a/blank.gif"].source == "img[src]"


def test_a_data_url_is_kept_whole():
    url = "data:image/png;base64," + "QUJD" * 1000
    (ref,) = page_of(f"<img src='{url}' alt=inline>").media
    assert (ref.url, ref.source, ref.unwrapped_url) == (url, "img[src]", None)


def test_one_address_is_one_picture_with_the_best_alt_and_entry():
    html = (
        "<meta property=og:image content=/a.jpg><ul><li><img src=/a.jpg alt='said later'><p>x</p></li>"
        "<li>y</li><li>z</li></ul>"
    )
    (ref,) = page_of(html).media
    assert (ref.alt, ref.entry) == ("said later", "/html/body/ul[1]/li[1]")


def test_media_without_a_fetchable_address_are_counted():
    page = page_of(
        "<video src='blob:https://clone.example/1'></video><img src='http://['><img src='file:///a.jpg'>"
    )
    assert page.media == ()
    assert page.omitted == (("media without a fetchable address", 3),)


def test_media_beyond_the_limit_are_counted():
    page = page_of("".join(f"<img src=/{number}.jpg>" for number in range(12)), media=5)
    assert [ref.url for ref in page.media] == [f"https://clone.example/{number}.jpg" for number in range(5)]
    assert page.omitted == (("too many media", 7),)


def test_smaller_copies_go_before_other_pictures():
    html = "".join(f"<img srcset='/{number}s.jpg 1x, /{number}l.jpg 2x'>" for number in range(5))
    page = page_of(html, media=5)
    assert [ref.url[-7:] for ref in page.media] == [f"/{number}l.jpg" for number in range(5)]
    assert page.omitted == (("smaller copies of a kept picture", 5),)


def test_a_base_address_is_honoured():
    page = page_of("<base href='//files.example/x/'><img src=a.jpg><a href=b>b</a>")
    assert page.media[0].url == "https://files.example/x/a.jpg"
    assert page.links[0].url == "https://files.example/x/b"


def test_a_locator_finds_the_element_in_the_document():
    page = page_of("<div><p>x</p></div><div><p>y</p><p><img src=/a.jpg></p></div>")
    assert page.media[0].locator == "/html/body/div[2]/p[2]/img[1]"


def test_locators_tell_nested_documents_apart():
    page = page_of(
        '<iframe srcdoc=\'<img src=/a.jpg>\'></iframe><script type=application/json>[{"image":"/b"}]</script>'
    )
    assert [ref.locator for ref in page.media] == [
        "/html/body/iframe[1]#srcdoc/html/body/img[1]",
        "/html/body/script[1]#$[0].image",
    ]


def test_frames_within_frames_end_at_a_limit():
    html = "<img src=/deep.jpg>"
    for _ in range(8):
        html = f'<iframe srcdoc="{html.replace("&", "&amp;").replace(chr(34), "&quot;")}"></iframe>'
    page = page_of(html)
    assert page.media == ()
    assert page.omitted == (("documents nested too deep", 1),)


def test_escapes_of_json_are_undone():
    state = (
        json.dumps({"image": "https://c.example/a.jpg?x=1&y=2"}).replace("/", "\\/").replace("&", "\\u0026")
    )
    assert (
        page_of(f"<script>window.__STATE__ = {state};</script>").media[0].url
        == "https://c.example/a.jpg?x=1&y=2"
    )
