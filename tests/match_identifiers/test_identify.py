"""Identifiers of items on pages: what is told, with which ground, and what never is."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clonedetect.index.reference import OpenIndex
from clonedetect.match.identify import identify
from clonedetect.match.native import NativeIds
from clonedetect.models.ids import AccountId, ItemId
from clonedetect.models.match import Ground, Kind, Match, Verdict
from clonedetect.models.page import Identifier, IdentifierKind, PageContent
from clonedetect.models.platform import Platform

Compare = Callable[..., tuple[Match, ...]]

FILE = "https://cdn.photos.example/v/t51/363312345_17841400000001001_512_n.jpg"
SIGNED = f"{FILE}?oh=1&oe=64F8A1B2"
CODE, NUMBER = "Cwr4rddlKTB", "3182886838844302529"
POST = f"https://photos.example/p/{CODE}/"


def beside(account: str = "a-1", item: str = "boat", verdict: Verdict = Verdict.POSSIBLE) -> Match:
    return Match(ItemId(item), AccountId(account), None, verdict, (Kind.TEXT,), 0.4, None, ("words",))


def told(matches: tuple[Match, ...]) -> list[tuple[str, Ground, bool]]:
    return [(one.item_id, one.identifier.ground, one.identifier.is_ground) for one in matches]


@pytest.mark.parametrize(
    ("html", "url", "ground", "sentence"),
    [
        ("<p>x</p>", f"https://viewer.example/p/{CODE}/", Ground.NATIVE_ID,
         f"the shortcode {CODE} of this post stands in the page's own address"),
        ("<p>x</p>", f"https://viewer.example/media/{NUMBER}_178414", Ground.NATIVE_ID,
         f"the numeric id {NUMBER} of this post stands in the page's own address"),
        (f"<a href=/en/reel/{CODE}>x</a>", "https://viewer.example/", Ground.NATIVE_ID,
         f"the shortcode {CODE} of this post stands in a link to another page of the same site"),
        (f"<a href=https://www.viewer.example/media/{NUMBER}>x</a>", "https://m.viewer.example/",
         Ground.NATIVE_ID,
         f"the numeric id {NUMBER} of this post stands in a link to another page of the same site"),
        (f'<script type=application/json>[{{"shortcode": "{CODE}"}}]</script>', "https://viewer.example/",
         Ground.NATIVE_ID, f"the shortcode {CODE} of this post stands in the page's data"),
        (f'<script type=application/json>[{{"media_id": "{NUMBER}_17841"}}]</script>', "https://viewer.example/",
         Ground.NATIVE_ID, f"the numeric id {NUMBER} of this post stands in the page's data"),
        ("<img src=/i/1_17841400000001001_9_n.jpg>", "https://viewer.example/", Ground.NATIVE_ID,
         "the picture's id 17841400000001001 of this post stands in the address of a picture or video"),
        (f"<img src='{SIGNED}'>", "https://viewer.example/", Ground.HOTLINK,
         "the picture's id 17841400000001001 of this post is loaded from the platform's own host cdn.photos"),
    ],
)  # fmt: skip
def test_a_native_id_names_its_post(compare: Compare, html, url, ground, sentence):
    (match,) = compare(html, url)
    assert (match.item_id, match.account_id, match.permalink) == ("boat", "a-1", POST)
    assert (match.verdict, match.kinds, match.image, match.text) == (
        Verdict.POSSIBLE,
        (Kind.IDENTIFIER,),
        None,
        None,
    )
    assert match.identifier.ground is ground
    assert match.identifier.is_ground
    assert match.reasons[0].startswith(sentence)


def test_an_id_says_when_it_was_made(compare: Compare):
    (match,) = compare("<p>x</p>", f"https://viewer.example/p/{CODE}/")
    assert match.identifier.created_at == datetime(2023, 9, 2, 10, 15, 0, 500_000, tzinfo=UTC)
    assert (
        "it carries the time 2023-09-02T10:15:00Z, the post was published at 2023-09-02T10:15:00Z"
        in match.reasons
    )


def test_an_id_whose_time_is_not_the_posts_is_told_and_counts_for_nothing(compare: Compare):
    (match,) = compare("<p>x</p>", "https://viewer.example/p/Cwr4rddlKTC/")
    assert told((match,)) == [("late", Ground.NATIVE_ID, False)]
    assert match.identifier.is_contradicted
    assert any(
        reason.endswith("published at 2024-03-01T00:00:00Z: it does not count") for reason in match.reasons
    )


@pytest.mark.parametrize(
    "address",
    [
        f"/get?url={quote(SIGNED, safe='')}",
        f"/get?o={base64.urlsafe_b64encode(SIGNED.encode()).decode().rstrip('=')}",
        f"https://proxy.example/img/{SIGNED}",
    ],
)
def test_a_proxied_picture_tells_its_source_and_until_when_it_was_signed(compare: Compare, address):
    (match,) = compare(f"<img src='{address}'>")
    assert told((match,)) == [("boat", Ground.HOTLINK, True)]
    assert match.reasons[0] == (
        "an image proxy is asked for the picture's id 17841400000001001 of this post "
        "on the platform's own host cdn.photos.example"
    )
    assert match.identifier.expires_at == datetime(2023, 9, 6, 15, 58, 42, tzinfo=UTC)
    assert "the address was signed until 2023-09-06T15:58:42Z" in match.reasons


def test_a_file_without_a_number_is_known_by_its_path_on_the_platforms_hosts_alone(compare: Compare):
    address = "https://cdn.photos.example/f/no-number-1-here.jpg?sig=2"
    (match,) = compare(f"<img src='{address}'>")
    assert told((match,)) == [("filed", Ground.HOTLINK, True)]
    assert match.reasons[0] == "a file of this post is loaded from the platform's own host cdn.photos.example"
    (match,) = compare(f"<img src='/get?url={quote(address, safe='')}'>")
    assert match.reasons[0].startswith(
        "an image proxy is asked for a file of this post on the platform's own"
    )
    assert match.identifier.seen == address
    assert compare("<img src='/f/no-number-1-here.jpg'>") == ()


def test_one_post_with_several_grounds_is_one_match_a_ground(compare: Compare):
    html = (
        f'<article class=c><p>a</p><img src="{SIGNED}"></article>'
        f'<article class=c><p>b</p><a href="/p/{CODE}">x</a></article>'
        f'<article class=c><p>b</p><a href="/media/{NUMBER}">x</a></article>'
    )
    assert told(compare(html)) == [("boat", Ground.HOTLINK, True), ("boat", Ground.NATIVE_ID, True)]
    native = compare(html)[1]
    assert "it stands in 1 more place of the page" in native.reasons
    assert native.identifier.entry == "/html/body/article[2]"


INNOCENT = {
    "a blog that mentions": f"<p>Lovely boats by @lena.fischt, see <a href='{POST}'>her post</a>.</p>",
    "a blog that embeds": f"<p>News</p><iframe src='{POST}embed/'></iframe>",
    "a blog with a card": f"<blockquote class=p-media data-permalink='{POST}'><a href='{POST}'>x</a>",
    "a card with its picture": f"<blockquote class=p-media cite='{POST}'><img src='{SIGNED}'><p>x</p>",
    "embedded data": f"<iframe src='{POST}embed'></iframe><script type=application/json>"
    f'[{{"shortcode": "{CODE}"}}]</script>',
    "a link to another viewer": f"<a href='https://other.example/p/{CODE}/'>x</a>",
    "a link to the profile": "<a href='https://photos.example/profile/lena.fischt'>Lena</a>",
    "a forum's short numbers": "<a href=/post/12345>x</a><a href=/post/12345678>x</a>",
    "a forum's own member": "<a href=/users/maria>x</a><a href=/users/jo>x</a>",
    "a member of the same odd name": "<a href=/users/lena.fischt>x</a>",
    "a section like a code": "<a href=/p/summer-2023>x</a>",
    "hashtags and place": "<p>#Kutterpullen #Husumerhafen at Krabbenbude am Außenhafen</p>",
    "a number in words": f"<p>Order {NUMBER}, 17841400000001001</p>",
    "many posts of one id": "<a href=/p/Xy1Zz2Ww3Qq>x</a>",
    "two accounts of one id": "<a href=/media/3182886838844302600>x</a>",
}


@pytest.mark.parametrize("html", INNOCENT.values(), ids=INNOCENT.keys())
def test_nothing_is_told_of(compare: Compare, html):
    assert compare(html) == ()


@pytest.mark.parametrize(
    ("name", "ground"),
    [
        ("a blog that mentions", Ground.NATIVE_ID),
        ("a blog that embeds", Ground.NATIVE_ID),
        ("embedded data", Ground.NATIVE_ID),
        ("a link to the profile", Ground.HANDLE),
    ],
)
def test_beside_other_matches_a_mention_is_told_as_one(compare: Compare, name, ground):
    found = [one for one in compare(INNOCENT[name], others=(beside(),)) if one.identifier.ground is ground]
    assert [(one.identifier.is_mention, one.identifier.is_ground) for one in found] == [(True, False)]
    assert any(reason.startswith("a mention: ") for reason in found[0].reasons)


def test_beside_other_matches_what_is_ambiguous_is_told_as_such(compare: Compare):
    (match,) = compare("<a href=/p/summer-2023>x</a>", others=(beside("a-2", "word"),))
    assert (match.identifier.is_ambiguous, match.identifier.is_ground) == (True, False)
    assert any("which others use too" in reason for reason in match.reasons)
    twins = compare("<a href=/media/3182886838844302600>x</a>", others=(beside("a-4", "twin-1"),))
    assert told(twins) == [("twin-1", Ground.NATIVE_ID, False)]
    assert any(reason.startswith("2 posts of the index have it") for reason in twins[0].reasons)


PROFILE = "https://viewer.example/profile/Lena.Fischt"


def test_a_handle_alone_needs_a_page_that_speaks_of_the_platform(compare: Compare):
    assert compare("<title>Photos of lena</title>", PROFILE) == ()
    for html in (
        "<title>Photogram viewer</title>",
        "<title>x</title><a href='https://photos.example/p/Aaa1Bbb2Ccc'>x</a>",
        "<title>x</title><img src='https://cdn.photos.example/a/strange_file_0001.jpg'>",
    ):
        (match,) = compare(html, PROFILE)
        assert told((match,)) == [("boat", Ground.HANDLE, True)]
        assert match.reasons[0] == "the handle Lena.Fischt of account a-1 stands in the page's own address"
        assert match.reasons[1].startswith("a name tells an account and none of its posts: boat stands for")
        assert not match.identifier.names_item


def test_a_handle_is_told_with_what_else_of_the_account_stands_there(compare: Compare):
    others = (beside(item="late"), beside(item="boat", verdict=Verdict.CONFIRMED), beside("a-9", "x"))
    (match,) = compare("<p>x</p>", PROFILE, others)
    assert told((match,)) == [("boat", Ground.HANDLE, True)]
    assert all("stands for all" not in reason for reason in match.reasons)
    (match,) = compare("<p>x</p>", PROFILE, (beside(item="late"),))
    assert match.item_id == "late"
    handle = compare(f"<a href=/p/{CODE}>x</a>", PROFILE)[1]
    assert (handle.item_id, len(handle.reasons)) == ("boat", 1)


def test_an_account_with_many_posts_is_one_match(compare: Compare):
    data = '[{"owner_id": "17841499999", "username": "busy_bee"}]'
    html = f"<title>photogram</title><script type=application/json>{data}</script>"
    assert compare(html) == ()
    assert told(compare(html, others=(beside("17841499999", "many-3"),))) == [("many-3", Ground.HANDLE, True)]
    (match,) = compare(html, "https://viewer.example/profile/busy_bee")
    assert told((match,)) == [("many-0", Ground.HANDLE, True)]
    assert match.reasons[-1] == "it stands in 2 more places of the page"


def test_posts_of_an_export_that_tells_no_account_are_one_owners(compare: Compare):
    url = "https://viewer.example/profile/only_handle"
    (match,) = compare("<title>photogram</title>", url)
    assert told((match,)) == [("export-0", Ground.HANDLE, True)]
    assert (
        match.reasons[0] == "the handle only_handle of account Only_Handle stands in the page's own address"
    )
    other = Match(ItemId("export-2"), None, None, Verdict.CONFIRMED, (Kind.IMAGE,), 1.0, 3, ("picture",))
    assert told(compare("<p>x</p>", url, (other,))) == [("export-2", Ground.HANDLE, True)]
    found = compare("<a href=/p/Ab1cD9eFgH>x</a>", url)
    assert told(found) == [("export-1", Ground.NATIVE_ID, True), ("export-1", Ground.HANDLE, True)]


@pytest.mark.parametrize(
    "picture", [f"/get?url={quote(SIGNED, safe='')}", "/i/1_17841400000001001_9_n.jpg"], ids=["proxy", "copy"]
)
def test_a_card_with_a_copied_picture_is_none(compare: Compare, picture):
    found = compare(f"<blockquote class=p-media cite='{POST}'><img src='{picture}'><p>x</p></blockquote>")
    assert [one.identifier.is_ground for one in found if one.identifier.kind is IdentifierKind.ASSET_ID] == [
        True
    ]


def test_an_embed_is_known_by_its_number_too(compare: Compare):
    data = f'[{{"media_id": "{NUMBER}_178"}}]'
    html = f"<iframe src='{POST}embed'></iframe><script type=application/json>{data}</script>"
    assert compare(html) == ()


def test_rare_hashtags_and_the_place_in_the_same_entry_are_told(compare: Compare):
    entry = "<article class=c><p>{}</p><a href=/p/{}>x</a><img src=/a.jpg></article>"
    other = entry.format("Nothing #sea", "q1") * 2
    (match,) = compare(
        entry.format("#kutterpullen #Husumerhafen #sea, Krabbenbude am Außenhafen", CODE) + other
    )
    shared = "#Kutterpullen, #Husumerhafen, #sea, Krabbenbude am Außenhafen"
    assert match.reasons[-1] == f"the same entry has what is rare of this post: {shared}"
    (match,) = compare(entry.format("#sea", CODE) + other)
    assert all("rare" not in reason for reason in match.reasons)
    (match,) = compare(entry.format("Words", CODE) + entry.format("#Kutterpullen #Husumerhafen", "q1") * 2)
    assert all("rare" not in reason for reason in match.reasons)


def test_the_platforms_own_pages_name_its_posts(compare: Compare):
    assert (
        compare(f"<a href=/p/{CODE}>x</a><img src='{SIGNED}'>", "https://www.photos.example/lena.fischt/")
        == ()
    )


def test_the_folders_of_a_saved_page_say_nothing(compare: Compare):
    assert compare("<title>photogram</title>", "file:///home/users/lena.fischt/p/Cwr4rddlKTB/page.html") == ()


def test_hosts_that_only_end_alike_are_strangers(compare: Compare):
    html = f"<img src='{SIGNED.replace('cdn.photos.example', 'evil-cdn.photos.example.evil.example')}'>"
    assert told(compare(html)) == [("boat", Ground.NATIVE_ID, True)]


def test_without_settings_nothing_is_the_platforms(index: OpenIndex):

    content = PageContent(
        "https://viewer.example/", identifiers=(Identifier(IdentifierKind.SHORTCODE, CODE, "#$.x"),)
    )
    assert told(identify(content, index, NativeIds.of(Platform()))) == [("boat", Ground.NATIVE_ID, True)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.text(max_size=80))
def test_any_address_is_answered(compare: Compare, text):
    for html in (
        f"<a href='/p/{text}'>x</a>",
        f"<img src='{text}'>",
        f"<iframe src='https://photos.example/{text}'>",
    ):
        assert all(one.verdict is Verdict.POSSIBLE for one in compare(html))
