"""Every shape that clone pages are known to have, one small fixture each."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from clonedetect.extract.expiry import signed_expiry
from clonedetect.extract.identifiers import numeric_id
from clonedetect.extract.page import read_page
from clonedetect.models.item import MediaKind
from clonedetect.models.page import EmbedKind, IdentifierKind, LinkKind, PageContent
from clonedetect.models.platform import ExpiryBase, ExpiryParameter

SITE = "https://clone.example"
URL = f"{SITE}/profile/mara.k"
CAPTION = "Golden hour over the old town, worth every step"
BLANK = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
ORIGIN = "https://scontent.cdn.example/v/t51/1234_17841400000000001_998_n.jpg?oe=67A1B2C3&oh=00"


def page(markup: str, url: str = URL) -> PageContent:
    return read_page(markup.encode(), url, "text/html; charset=utf-8")


def answer(value: object, url: str) -> PageContent:
    return read_page(json.dumps(value).encode(), url, "application/json")


def pictures(content: PageContent) -> set[str]:
    shown = [ref for ref in content.media if not ref.source.endswith("(placeholder)")]
    return {ref.url.removeprefix(SITE) for ref in shown}


def data(value: object, **attributes: str) -> str:
    named = "".join(f' {name}="{one}"' for name, one in attributes.items())
    return f"<script{named}>{json.dumps(value)}</script>"


def linked_data(value: object) -> str:
    return data(value, type="application/ld+json")


PLACES = {
    "data-src": f'<img src="{BLANK}" data-src="/a">',
    "data-original": f'<img src="{BLANK}" data-original="/a">',
    "data-lazy": f'<img src="{BLANK}" data-lazy="/a">',
    "data-lazy-src": '<img src="/blank.gif" data-lazy-src="/a">',
    "data-flickity-lazyload": f'<img src="{BLANK}" data-flickity-lazyload="/a">',
    "data-echo": f'<img src="{BLANK}" data-echo="/a">',
    "lazy-src": f'<img src="{BLANK}" lazy-src="/a">',
    "data-bg": '<div data-bg="/a"></div>',
    "data-background-image": '<div data-background-image="url(/a)"></div>',
    "srcset": '<img srcset="/a">',
    "data-srcset": '<img data-srcset="/a 1080w">',
    "picture": '<picture><source srcset="/a" type="image/webp"></picture>',
    "css in an attribute": '<div style="background-image:url(&quot;/a&quot;)"></div>',
    "css in a sheet": "<style>.x{background:url('/a')}</style>",
    "css image-set": "<style>.x{background:image-set('/a' 1x)}</style>",
    "css -webkit-image-set": '<div style="background:-webkit-image-set(url(/a) 2x)"></div>',
    "css variable": '<div style="--cover:url(/a)"></div>',
    "noscript": '<noscript><img src="/a"></noscript>',
    "srcdoc": "<iframe srcdoc='<img src=\"/a\">'></iframe>",
    "og:image": '<meta property="og:image" content="/a">',
    "og:image:secure_url": '<meta property="og:image:secure_url" content="/a">',
    "twitter:image": '<meta name="twitter:image" content="/a">',
    "microdata": '<meta itemprop="image" content="/a">',
    "microdata link": '<link itemprop="thumbnailUrl" href="/a">',
    "JSON-LD": linked_data({"image": "/a"}),
    "JSON-LD object": linked_data({"image": {"@type": "ImageObject", "url": "/a"}}),
    "JSON-LD list": linked_data({"image": [{"url": "/a"}]}),
    "JSON-LD contentUrl": linked_data({"@type": "ImageObject", "contentUrl": "/a"}),
    "poster": '<video poster="/a"></video>',
    "template": '<template><img src="/a"></template>',
    "script template": '<script type="text/template"><img src="/a"></script>',
    "amp-img": '<amp-img src="/a"></amp-img>',
    "data in an attribute": '<div data-props=\'{"thumbnail_src":"/a"}\'></div>',
}


@pytest.mark.parametrize("place", PLACES)
def test_a_picture_is_found_wherever_it_hides(place: str) -> None:
    assert pictures(page(PLACES[place])) == {"/a"}


def test_a_placeholder_is_kept_as_one_and_stands_for_nothing() -> None:
    first, second = page(f'<img src="{BLANK}" data-src="/a">').media
    assert (first.source, second.source) == ("img[src] (placeholder)", "data-src")


def test_commas_inside_the_addresses_of_a_srcset_split_nothing() -> None:
    content = page('<img srcset="/w_100,h_100/a 100w, /w_800,h_800/a 800w">')
    assert pictures(content) == {"/w_100,h_100/a", "/w_800,h_800/a"}
    assert [ref.source for ref in content.media] == ["srcset", "srcset (largest)"]


def _shared_data() -> str:
    node = {
        "id": "17841400000000001",
        "shortcode": "CQx12ab_-Zz",
        "display_url": "/a",
        "edge_media_to_caption": {"edges": [{"node": {"text": CAPTION}}]},
    }
    data = {"graphql": {"user": {"username": "mara.k", "timeline": {"edges": [{"node": node}]}}}}
    return f"<script>window._sharedData = {json.dumps(data)};</script>"


def _next_data() -> str:
    post = {
        "code": "CQx12ab_-Zz",
        "image_versions2": {"candidates": [{"url": "/a"}]},
        "caption": {"text": CAPTION},
    }
    return data({"props": {"posts": [post]}}, id="__NEXT_DATA__", type="application/json")


def _flight() -> str:
    row = f'1:["$","li",null,{{"children":[["$","img",null,{{"src":"/a","alt":"{CAPTION}"}}]]}}]\n'
    pushes = (f"self.__next_f.push([1,{json.dumps(part)}])" for part in (row[:37], row[37:]))
    return "".join(f"<script>{push}</script>" for push in pushes)


def _nuxt() -> str:
    program = (
        f'window.__NUXT__=(function(a){{return {{posts:[{{img:"/a",caption:"{CAPTION}",by:a}}]}}}}("x"));'
    )
    return f"<script>{program}</script>"


_STATE = json.dumps({"display_url": "/a", "caption": CAPTION})

HYDRATION = {
    "_sharedData": _shared_data(),
    "__NEXT_DATA__": _next_data(),
    "flight, cut anywhere": _flight(),
    "__NUXT__": _nuxt(),
    "__NUXT_DATA__": data([{"image": 1, "caption": 2}, "/a.jpg", CAPTION], type="application/json"),
    "JSON.parse": f"<script>window.__STATE__=JSON.parse({json.dumps(_STATE)})</script>",
}


@pytest.mark.parametrize("form", HYDRATION)
def test_a_hydration_blob_gives_picture_and_caption(form: str) -> None:
    content = page(HYDRATION[form])
    assert pictures(content) in ({"/a"}, {"/a.jpg"})
    assert CAPTION in {block.text for block in content.blocks}


def test_captions_in_alternative_texts_are_blocks_of_their_entries() -> None:
    cells = "".join(f'<div class="cell"><img src="/{n}" alt="{CAPTION} {n}"></div>' for n in range(3))
    content = page(f'<div class="grid">{cells}</div>')
    entries = {ref.url: ref.entry for ref in content.media}
    assert {block.text: block.entry for block in content.blocks} == {
        f"{CAPTION} {n}": entries[f"{SITE}/{n}"] for n in range(3)
    }
    assert len(set(entries.values())) == 3


@pytest.mark.parametrize("is_text_first", [False, True])
def test_a_description_beside_its_photo_shares_its_entry(is_text_first: bool) -> None:
    parts = []
    for n in range(3):
        photo = f'<div class="photo"><a href="/p/{n}"><img src="/{n}"></a></div>'
        text = f'<div class="photo-description">{CAPTION} {n}</div>'
        parts += [text, photo] if is_text_first else [photo, text]
    content = page(f"<section>{''.join(parts)}</section>")
    entries = {ref.url.rpartition("/")[2]: ref.entry for ref in content.media}
    texts = {block.text[-1]: block.entry for block in content.blocks}
    assert texts == entries
    assert len(set(entries.values())) == 3


def test_siblings_that_only_alternate_stay_entries_of_their_own() -> None:
    posts = "".join(
        f'<div class="post"><img src="/{n}">{CAPTION}</div><div class="note"><img src="/n{n}">x</div>'
        for n in range(3)
    )
    assert len({ref.entry for ref in page(f"<section>{posts}</section>").media}) == 6


PROXIES = {
    "encoded parameter": f"https://media.clone.example/get?url={quote(ORIGIN, safe='')}",
    "base64url parameter": f"https://media.clone.example/?o={base64.urlsafe_b64encode(ORIGIN.encode()).decode().rstrip('=')}",
    "bars for slashes": f"{SITE}/img/{ORIGIN.replace('/', '||')}",
    "bars, encoded": f"{SITE}/img/{quote(ORIGIN.replace('/', '||'), safe='')}",
    "plain in the path": f"{SITE}/proxy/{ORIGIN}",
}


@pytest.mark.parametrize("form", PROXIES)
def test_a_proxy_s_address_gives_back_the_platform_s_with_id_and_expiry(form: str) -> None:
    (ref,) = page(f'<img src="{PROXIES[form]}">').media
    assert ref.unwrapped_url == ORIGIN
    found = {(one.kind, one.value) for one in page(f'<img src="{PROXIES[form]}">').identifiers}
    assert (IdentifierKind.ASSET_ID, "17841400000000001") in found
    assert (IdentifierKind.HOTLINK, ORIGIN) in found


def test_an_opaque_token_is_a_picture_and_hides_nothing_we_can_read() -> None:
    (ref,) = page('<img src="https://media.clone.example/i/Zm9vYmFyYmF6cXV4">').media
    assert ref.unwrapped_url is None


def test_shortcodes_are_numbers() -> None:
    assert numeric_id("CQx12ab_-Zz") == numeric_id("CQx12ab_-ZzPrivateTail") > 10**18


def test_the_signed_end_of_an_address_is_hexadecimal_seconds() -> None:
    end = signed_expiry(ORIGIN, (ExpiryParameter("oe", ExpiryBase.HEX),))
    assert end == datetime.fromtimestamp(0x67A1B2C3, UTC)


def test_a_viewer_s_answer_keeps_the_platform_s_names() -> None:
    user = {"pk": "123456789", "username": "mara.k", "profile_pic_url": "https://media.clone.example/t/1"}
    content = answer({"result": [{"user": user}]}, f"{SITE}/api/v1/userInfoByUsername/mara.k")
    assert pictures(content) == {"https://media.clone.example/t/1"}
    found = {(one.kind, one.value) for one in content.identifiers}
    assert {(IdentifierKind.HANDLE, "mara.k"), (IdentifierKind.NUMERIC_ID, "123456789")} <= found


def test_a_story_s_pictures_and_films_are_told_by_the_fields_around_them() -> None:
    story = {
        "id": "17841400000000001_55",
        "image_versions2": {"candidates": [{"url": "/g?t=1", "width": 1080}]},
        "video_versions": [{"url": "/g?t=2"}],
        "link": {"url": "/about"},
    }
    content = answer({"result": [story]}, f"{SITE}/api/v1/stories/55")
    assert {ref.url.removeprefix(SITE): ref.kind for ref in content.media} == {
        "/g?t=1": MediaKind.IMAGE,
        "/g?t=2": MediaKind.VIDEO,
    }
    assert [link.url for link in content.links] == [f"{SITE}/about"]


def test_a_paged_answer_leads_to_the_next() -> None:
    items = [{"shortcode": "CQx12ab_-Zz", "type": "image", "display_url": "/a", "caption": CAPTION}]
    content = answer({"items": items, "has_next": True, "next": "/api/feed?page=2"}, f"{SITE}/api/feed")
    assert [(link.kind, link.url) for link in content.links] == [
        (LinkKind.PAGINATION, f"{SITE}/api/feed?page=2")
    ]
    assert pictures(content) == {"/a"}


@pytest.mark.parametrize(
    ("markup", "kind", "leads_to"),
    [
        ('<div data-next="/more?page=2"></div>', LinkKind.PAGINATION, "/more?page=2"),
        ('<a data-next-url="/more?page=2">x</a>', LinkKind.PAGINATION, "/more?page=2"),
        ('<link rel="next" href="/more?page=2">', LinkKind.PAGINATION, "/more?page=2"),
        ('<amp-list src="/api/more.json"></amp-list>', LinkKind.API, "/api/more.json"),
    ],
)
def test_wrappers_of_further_pages_are_links(markup: str, kind: LinkKind, leads_to: str) -> None:
    assert [(link.kind, link.url) for link in page(markup).links] == [(kind, f"{SITE}{leads_to}")]


@pytest.mark.parametrize("locale", ["", "/en", "/pt-br", "/zh-TW"])
@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/profile/mara.k", (IdentifierKind.HANDLE, "mara.k")),
        ("/v/mara.k", (IdentifierKind.HANDLE, "mara.k")),
        ("/user-profile/mara.k", (IdentifierKind.HANDLE, "mara.k")),
        ("/profile/mara.k/17841400000000001", (IdentifierKind.NUMERIC_ID, "17841400000000001")),
        ("/media/17841400000000001", (IdentifierKind.NUMERIC_ID, "17841400000000001")),
        ("/p/CQx12ab_-Zz/", (IdentifierKind.SHORTCODE, "CQx12ab_-Zz")),
        ("/reel/CQx12ab_-Zz", (IdentifierKind.SHORTCODE, "CQx12ab_-Zz")),
        ("/post/CQx12ab_-Zz", (IdentifierKind.SHORTCODE, "CQx12ab_-Zz")),
        ("/tag/sunset", (IdentifierKind.HASHTAG, "sunset")),
        ("/tags/sunset/", (IdentifierKind.HASHTAG, "sunset")),
    ],
)
def test_addresses_name_what_they_show_behind_any_locale(locale: str, path: str, found: tuple) -> None:
    content = page("<p>x</p>", f"{SITE}{locale}{path}")
    assert found in {(one.kind, one.value) for one in content.identifiers}


AMP = {
    '<amp-instagram data-shortcode="CQx12ab_-Zz" data-captioned></amp-instagram>': (
        "www.instagram.com",
        "CQx12ab_-Zz",
    ),
    '<amp-twitter data-tweetid="1234567890123456789"></amp-twitter>': ("twitter.com", "1234567890123456789"),
    '<amp-tiktok data-src="6948210747285441798"></amp-tiktok>': ("www.tiktok.com", "6948210747285441798"),
    '<amp-facebook data-href="https://www.facebook.com/x/posts/123456"></amp-facebook>': (
        "www.facebook.com",
        "123456",
    ),
    '<amp-youtube data-videoid="dQw4w9WgXcQ"></amp-youtube>': ("www.youtube.com", ""),
    '<amp-iframe src="https://player.example/embed/1"></amp-iframe>': ("player.example", ""),
}


@pytest.mark.parametrize("markup", AMP)
def test_a_player_of_an_amp_page_is_a_frame_that_readers_see(markup: str) -> None:
    content = page(markup)
    (embed,) = content.embeds
    assert (embed.kind, embed.host, embed.native_id) == (EmbedKind.FRAME, *AMP[markup])
    assert [(link.kind, link.url) for link in content.links] == [(LinkKind.FRAME, embed.url)]


@pytest.mark.parametrize(
    "markup",
    [
        '<amp-instagram data-shortcode="../x"></amp-instagram>',
        "<amp-twitter></amp-twitter>",
        '<amp-carousel data-shortcode="CQx12ab_-Zz"></amp-carousel>',
    ],
)
def test_a_component_that_names_no_post_is_no_player(markup: str) -> None:
    assert page(markup).embeds == ()
