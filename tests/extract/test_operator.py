"""What a document says of its operator is told by structure, never by its prose or copied captions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.extract.operator import read_operator
from clonedetect.models.trait import PageTraits, TraitKind

URL = "https://clone.example/profile/mara"
AD, COUNTER, PLATFORM = TraitKind.AD_ACCOUNT, TraitKind.ANALYTICS_ACCOUNT, TraitKind.AD_PLATFORM


def read(markup: str, url: str = URL) -> PageTraits:
    return read_operator(f"<!doctype html><html><body>{markup}</body></html>".encode(), url, "text/html")


def script(code: str) -> str:
    return f"<script>{code}</script>"


FOUND = {
    "adsense loader": (
        '<script src="https://pagead2.googlesyndication.com/pagead/js/adsbygoogle.js?client=ca-pub-1111222233334444"></script>',
        (AD, "pub-1111222233334444"),
    ),
    "adsense slot": ('<ins data-ad-client="ca-pub-1111222233334444"></ins>', (AD, "pub-1111222233334444")),
    "adsense variable": (
        script('google_ad_client = "ca-pub-1111222233334444";'),
        (AD, "pub-1111222233334444"),
    ),
    "adsense push": (
        script("(adsbygoogle=window.adsbygoogle||[]).push({google_ad_client:'ca-pub-1111222233334444'})"),
        (AD, "pub-1111222233334444"),
    ),
    "adsense meta": (
        '<meta name="google-adsense-account" content="ca-pub-1111222233334444">',
        (AD, "pub-1111222233334444"),
    ),
    "ad platform": (
        '<ins data-ad-host="ca-host-pub-1556223355139109"></ins>',
        (PLATFORM, "host-pub-1556223355139109"),
    ),
    "google ads": (script("gtag('config', 'AW-123456789')"), (AD, "AW-123456789")),
    "ga4 loader": (
        '<script src="//www.googletagmanager.com/gtag/js?id=G-AB12CD34"></script>',
        (COUNTER, "G-AB12CD34"),
    ),
    "ga4 call": (script("gtag( 'config' , 'G-AB12CD34' );"), (COUNTER, "G-AB12CD34")),
    "ga4 in data": (
        '<script id="__NEXT_DATA__" type="application/json">{"env":{"gaId":"G-AB12CD34"}}</script>',
        (COUNTER, "G-AB12CD34"),
    ),
    "universal analytics": (script("ga('create', 'UA-778899-3', 'auto')"), (COUNTER, "UA-778899")),
    "classic analytics": (script("_gaq.push(['_setAccount','UA-778899-12']);"), (COUNTER, "UA-778899")),
    "amp analytics": (
        '<amp-analytics><script type="application/json">{"vars":{"account":"UA-778899-3"}}</script>',
        (COUNTER, "UA-778899"),
    ),
    "tag manager": (
        script("(function(w,d,s,l,i){})(window,document,'script','dataLayer','GTM-K7XY12');"),
        (COUNTER, "GTM-K7XY12"),
    ),
    "tag manager frame": (
        '<noscript><iframe src="https://www.googletagmanager.com/ns.html?id=GTM-K7XY12"></iframe></noscript>',
        (COUNTER, "GTM-K7XY12"),
    ),
    "metrica": (script('ym(88112233, "init", {webvisor:true});'), (COUNTER, "yandex:88112233")),
    "metrica object": (
        script("new Ya.Metrika2({ id:88112233, clickmap:true })"),
        (COUNTER, "yandex:88112233"),
    ),
    "metrica pixel": (
        '<noscript><img src="https://mc.yandex.ru/watch/88112233" alt=""></noscript>',
        (COUNTER, "yandex:88112233"),
    ),
    "meta pixel": (script("fbq('init', '123456789012345');"), (AD, "meta:123456789012345")),
    "meta pixel picture": (
        '<noscript><img src="https://www.facebook.com/tr?id=123456789012345&ev=PageView"></noscript>',
        (AD, "meta:123456789012345"),
    ),
    "tiktok pixel": (script("ttq.load('C4A1B2C3D4E5F6G7H8I9');"), (AD, "tiktok:C4A1B2C3D4E5F6G7H8I9")),
    "plausible": (
        '<script defer data-domain="pics.example" src="https://plausible.io/js/script.js"></script>',
        (COUNTER, "plausible:pics.example"),
    ),
    "matomo": (
        script(
            "var _paq=[];(function(){var u='//stats.op.example/m/';"
            "_paq.push(['setTrackerUrl',u+'matomo.php'])})()"
        ),
        (COUNTER, "matomo:stats.op.example/m"),
    ),
    "matomo pixel": (
        '<noscript><img src="https://stats.op.example/matomo.php?idsite=3&rec=1"></noscript>',
        (COUNTER, "matomo:stats.op.example"),
    ),
    "umami": (
        '<script src="/u.js" data-website-id="94db1cb1-74f4-4a40-ad6c-962362670409"></script>',
        (COUNTER, "umami:94db1cb1-74f4-4a40-ad6c-962362670409"),
    ),
    "cloudflare counter": (
        '<script src="/b.js" data-cf-beacon=\'{"token":"0123456789abcdef0123456789abcdef"}\'></script>',
        (COUNTER, "cloudflare:0123456789abcdef0123456789abcdef"),
    ),
    "clarity": (
        script('(function(c){})(window, document, "clarity", "script", "abcdefghij");'),
        (COUNTER, "clarity:abcdefghij"),
    ),
    "hotjar": (script("h._hjSettings={hjid:1234567,hjsv:6};"), (COUNTER, "hotjar:1234567")),
    "baidu": (
        '<script src="https://hm.baidu.com/hm.js?0123456789abcdef0123456789abcdef"></script>',
        (COUNTER, "baidu:0123456789abcdef0123456789abcdef"),
    ),
    "consent blocked": (
        '<script type="text/plain" data-src="https://www.googletagmanager.com/gtag/js?id=G-AB12CD34"></script>',
        (COUNTER, "G-AB12CD34"),
    ),
    "mail link": (
        '<footer><a href="mailto:Desk@Op.example?subject=x">write</a></footer>',
        (TraitKind.MAIL, "desk@op.example"),
    ),
    "mail text": ("<footer><p>Write to desk@op.example</p></footer>", (TraitKind.MAIL, "desk@op.example")),
    "covered mail": (
        '<div id="footer"><a data-cfemail="5b3f3e28301b342b753e233a362b373e">x</a></div>',
        (TraitKind.MAIL, "desk@op.example"),
    ),
    "profile": (
        '<footer><a href="https://t.me/op_channel">news</a></footer>',
        (TraitKind.PROFILE, "telegram:op_channel"),
    ),
    "profile below": (
        '<div role="contentinfo"><a href="https://www.youtube.com/channel/UCab12">y</a></div>',
        (TraitKind.PROFILE, "youtube:ucab12"),
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_each_place_of_an_id_or_contact_is_read(name: str) -> None:
    markup, expected = FOUND[name]
    assert expected in read(markup).values


NOT_FOUND = {
    "prose": "<p>My ids are ca-pub-1111222233334444, G-AB12CD34, UA-778899-3 and desk@op.example</p>",
    "caption in alt": "<img src=\"/1.jpg\" alt=\"gtag('config','G-AB12CD34')\">",
    "caption in a script's data": script(
        "window.__DATA__={\"caption\":\"gtag('config','G-AB12CD34'); fbq('init','123456789012345')\"}"
    ),
    "caption in a template literal": script("const caption = `ga('create','UA-778899-3')`;"),
    "caption in JSON": '<script type="application/json">{"caption":"G-AB12CD34","text":"UA-7-3"}</script>',
    "caption in linked data": '<script type="application/ld+json">{"gaId":"G-AB12CD34"}</script>',
    "comment": script("// gtag('config','G-AB12CD34')\n/* fbq('init','123456789012345') */"),
    "pattern": script(
        """var p = /'gtag\\('config','G-AB12CD34'\\)/; var q = x / 2 / "ga('create','UA-778899-3')".length;"""
    ),
    "frame within": "<iframe srcdoc=\"<script>gtag('config','G-AB12CD34')</script>\"></iframe>",
    "template within": "<template><script>gtag('config','G-AB12CD34')</script></template>",
    "sample": script("gtag('config','G-XXXXXXXX'); gtag('config', 'GTM-XXXX')"),
    "mail outside the foot": '<main><a href="mailto:mara@mail.example">write</a></main>',
    "mail in an entry's foot": "".join(
        f'<article class="post"><p>{n}</p><footer><a href="mailto:p{n}@mail.test">me</a></footer></article>'
        for n in range(4)
    ),
    "share buttons": '<footer><a href="https://twitter.com/intent/tweet?url=x">t</a><a href="https://www.facebook.com/sharer.php?u=1">f</a></footer>',
    "profile outside the foot": '<nav><a href="https://t.me/somebody">x</a></nav>',
    "file that reads like an address": "<footer><p>logo@2x.png</p></footer>",
}


@pytest.mark.parametrize("name", NOT_FOUND)
def test_what_is_said_and_not_done_is_nothing(name: str) -> None:
    assert read(NOT_FOUND[name]).values == ()


def test_a_contact_page_speaks_of_the_site_outside_its_foot_too() -> None:
    page = read('<main><a href="mailto:legal@op.example">x</a></main>', "https://clone.example/dmca")
    assert page.values == ((TraitKind.MAIL, "legal@op.example"),)


def test_a_list_of_sellers_names_the_publisher_s_own_accounts_alone() -> None:
    lines = (
        "# ads",
        "google.com, pub-1111222233334444, DIRECT, f08c47fec0942fa0",
        "other.example, 77x, RESELLER",
        "adx.example,A-9,direct",
    )
    text = "\n".join(lines)
    page = read_operator(text.encode(), "https://clone.example/ads.txt", "text/plain")
    assert page.values == ((AD, "pub-1111222233334444"), (AD, "adx.example:A-9"))


@pytest.mark.parametrize(
    ("markup", "told"),
    [
        ('<meta name="generator" content="WordPress 6.5">', "WordPress"),
        ('<link rel="stylesheet" href="/wp-content/themes/x/style.css">', "WordPress"),
        ('<meta name="generator" content="our own">', ""),
    ],
)
def test_a_public_system_is_told_by_its_generator_or_its_paths(markup: str, told: str) -> None:
    assert read(markup).made_with == told


def test_icons_in_the_page_itself_are_kept() -> None:
    assert read('<link rel="shortcut icon" href="data:image/png;base64,AAAA">').inline_icons == (
        "data:image/png;base64,AAAA",
    )


def test_an_answer_in_json_has_the_paths_of_its_fields_and_no_value() -> None:
    body = b'{"items":[{"code":"C1","user":{"name":"mara"}},{"code":"C2","12345":1}],"has_next":false}'
    page = read_operator(body, "https://clone.example/api/feed", "application/json")
    assert page.keys == (
        ".has_next",
        ".items",
        ".items[].*",
        ".items[].code",
        ".items[].user",
        ".items[].user.name",
    )
    assert (page.values, page.outline) == ((), ())


def test_bytes_that_are_no_document_say_nothing() -> None:
    assert read_operator(b"\x89PNG\r\n\x1a\n\x00\x00\x00", URL, "image/png") == PageTraits()


def test_how_often_something_is_repeated_does_not_change_the_outline() -> None:
    card = '<div class="card"><img src="/{0}.jpg"><p>{0}</p></div>'
    few, many = (read("".join(card.format(n) for n in range(count))).outline for count in (2, 40))
    assert few == many


@given(st.text(max_size=200))
def test_no_text_of_a_caption_makes_a_trait(caption: str) -> None:
    import html
    import json

    data = json.dumps({"caption": caption}).replace("</", "<\\/").replace("<!--", "<\\u0021--")
    page = read(f"<p>{html.escape(caption)}</p><script>window.__D__={data};</script>")
    assert page.values == ()


@given(st.text(alphabet="'\"`/\\()[]{},:=\n gtagconfiG-AB12*+;", max_size=80))
def test_any_script_is_read_to_an_end(code: str) -> None:
    read(script(code))


@pytest.mark.parametrize("row", ["'\\", '"\\', "`\\", "/[", "a(", "gtag('config',"])
def test_a_hostile_script_is_read_in_one_pass(row: str) -> None:
    counter = script("gtag('config','G-AB12CD34')")
    assert read(script(row * 100_000) + counter).values == ((COUNTER, "G-AB12CD34"),)
