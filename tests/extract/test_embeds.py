"""Embeds: frames and cards of other hosts, told from copies."""

import pytest

from clonedetect.extract.page import PageLimits, read_page
from clonedetect.models.page import EmbedKind, PageContent

URL = "https://blog.example/post"
POST = "https://platform.example/p/CxHarbour01/"
STATUS = "https://social.example/@lena/112233445566778899"


def page_of(html: str, **limits: int) -> PageContent:
    return read_page(html.encode(), URL, "text/html", PageLimits(**limits))


@pytest.mark.parametrize(
    ("html", "kind", "permalink", "native_id"),
    [
        (f'<iframe src="{POST}embed/captioned/?v=14"></iframe>', EmbedKind.FRAME, POST, "CxHarbour01"),
        (f'<iframe src="{POST}embed"></iframe>', EmbedKind.FRAME, POST, "CxHarbour01"),
        (f'<iframe data-lazy-src="{POST}embed/"></iframe>', EmbedKind.FRAME, POST, "CxHarbour01"),
        (f'<iframe src="about:blank" data-src="{POST}embed"></iframe>', EmbedKind.FRAME, POST,
         "CxHarbour01"),
        (f'<iframe src="{STATUS}/embed" class="x"></iframe>', EmbedKind.FRAME, f"{STATUS}/",
         "112233445566778899"),
        (f'<object data="{POST}embed"></object>', EmbedKind.FRAME, POST, "CxHarbour01"),
        ('<iframe src="https://platform.example/plugins/post?href=https%3A%2F%2Fplatform.example%2Fp%2FCxHarbour01%2F">'
         "</iframe>", EmbedKind.FRAME, POST, "CxHarbour01"),
        (f'<blockquote class="photo-media" data-p-permalink="{POST}?utm_source=embed"><p>x</p></blockquote>',
         EmbedKind.QUOTE, POST, "CxHarbour01"),
        (f'<blockquote class="clip-embed" cite="{STATUS}" data-id="1">x</blockquote>', EmbedKind.QUOTE,
         STATUS, "112233445566778899"),
        (f'<blockquote data-embed-url="{STATUS}/embed">x</blockquote>', EmbedKind.QUOTE, f"{STATUS}/",
         "112233445566778899"),
        ('<blockquote class="short-tweet"><p>Words <a href="https://t.example/x">t</a></p> Lena '
         f'<a href="{STATUS}?ref=1">May 1</a></blockquote>', EmbedKind.QUOTE, STATUS, "112233445566778899"),
        (f'<div class="fb-post" data-href="{POST}"></div>', EmbedKind.QUOTE, POST, "CxHarbour01"),
        ('<iframe src="https://platform.example/"></iframe>', EmbedKind.FRAME, "", ""),
        ('<iframe src="https://video.example/embed/Abc"></iframe>', EmbedKind.FRAME,
         "https://video.example/embed/Abc", ""),
    ],
)  # fmt: skip
def test_an_embed_is_read(html, kind, permalink, native_id):
    (embed,) = page_of(html).embeds
    assert (embed.kind, embed.permalink, embed.native_id) == (kind, permalink, native_id)
    assert embed.host in embed.url


@pytest.mark.parametrize(
    "html",
    [
        '<iframe src="/p/CxHarbour01/embed"></iframe>',
        '<iframe src="https://blog.example/p/CxHarbour01/embed"></iframe>',
        '<iframe srcdoc="<p>x</p>"></iframe>',
        f'<a href="{POST}">the post</a>',
        f'<blockquote>Words <a href="{POST}">source</a></blockquote>',
        f'<blockquote class="pull-quote">Words <a href="{POST}">source</a></blockquote>',
        f'<div class="photo-post"><a href="{POST}">source</a></div>',
        '<blockquote class="short-tweet">Words <a href="https://platform.example/about">x</a></blockquote>',
        '<embed src="https://platform.example/photo.jpg">',
        f'<blockquote class="short-tweet">Words</blockquote><a href="{POST}">x</a>',
    ],
)
def test_what_is_no_embed(html):
    assert page_of(html).embeds == ()


def test_what_stands_inside_a_card_is_known_by_its_locator():
    page = page_of(f'<p>Mine</p><blockquote cite="{POST}"><p>Quoted words</p></blockquote>')
    inside = [block.text for block in page.blocks if block.locator.startswith(page.embeds[0].locator)]
    assert inside == ["Quoted words"]


def test_cards_in_json_are_read_and_one_place_is_one_embed():
    page = page_of(
        f'<script type=application/json>{{"html": "<iframe src=\'{POST}embed\'></iframe>"}}</script>'
    )
    assert [embed.native_id for embed in page.embeds] == ["CxHarbour01"]
    card = f'class="a-media" cite="{POST}" data-permalink="{POST}"'
    assert len(page_of(f'<blockquote {card}><a href="{POST}">x</a></blockquote>').embeds) == 1


def test_an_embed_in_an_entry_names_it():
    card = f'<article class=c><p>Words</p><img src=a.jpg><iframe src="{POST}embed"></iframe></article>'
    page = page_of(card * 3)
    assert [embed.entry for embed in page.embeds] == [
        block.entry for block in page.blocks if block.text == "Words"
    ]


def test_embeds_beyond_the_limit_are_counted():
    html = "".join(f'<iframe src="https://p{number}.example/embed"></iframe>' for number in range(5))
    page = page_of(html, embeds=3)
    assert len(page.embeds) == 3
    assert dict(page.omitted)["too many embeds"] == 2


@pytest.mark.parametrize(
    "url", ["https://p.example/?href=https://[", "//[::1/embed", "https://p.example/?" + "a&" * 99]
)
def test_malformed_addresses_do_no_harm(url):
    assert all(embed.permalink == "" for embed in page_of(f'<iframe src="{url}"></iframe>').embeds)
