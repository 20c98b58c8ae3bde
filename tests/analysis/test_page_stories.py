"""What is said of a page, story by story: each goes the whole way from the page's bytes to its verdict."""

from __future__ import annotations

import pytest

from clonedetect.demo.pages import CHALLENGE
from clonedetect.models.match import Ground, Verdict
from clonedetect.models.verdict import ItemRule, PageClass, PageKind
from clonedetect.settings.document import Allow
from tests.analysis.world import (
    ALLOWED,
    CHAINED,
    FITTING,
    LADLE,
    LAUNCH,
    PANTRY,
    PARTNER,
    SPOONS,
    WINTERS,
    Page,
    own_picture,
)

CLONE = "https://clone.example"
ESSAY = (
    "<p>The council has voted to widen the towpath, which the anglers oppose. Work begins after the spring"
    " floods and will take eleven weeks, and the lock keeper's cottage can only be reached on foot.</p>"
)
REPUBLICATION = "nothing that is configured or that the page is makes it anything else"
WHOLE = "the whole caption stands in the text, letter for letter"
SELF_SAID = "whoever copies may write so too, and it lowers nothing"


def document(body: str, head: str = "") -> str:
    return (
        f'<!doctype html><html lang="en"><head><title>A page</title>{head}</head><body>{body}</body></html>'
    )


def half(caption: str) -> str:
    """Less than half of a caption: what a quotation takes."""
    words = caption.split()
    return " ".join(words[: len(words) * 2 // 5])


# ---------------------------------------------------------------- copies


def test_a_copied_picture_beside_words_of_its_own_is_confirmed_by_the_picture(world, judge) -> None:
    page = Page(
        f"{CLONE}/p/1",
        document(f'<img src="/1.jpg">{ESSAY}'),
        {f"{CLONE}/1.jpg": world.copied(PANTRY)},
    )
    told = judge(page)
    assert told.verdict is Verdict.CONFIRMED
    assert told.page.page_class is PageClass.REPUBLICATION
    assert told.page.page_class_reason == REPUBLICATION
    item = told.item(PANTRY)
    assert (item.verdict, item.grounds, item.rule) == (Verdict.CONFIRMED, (Ground.IMAGE,), ItemRule.SINGLE)
    assert item.reasons[0] == "its picture stands on the page: confirmed on this ground alone"
    assert (told.page.media_examined, told.page.media_confirmed, told.page.media_unexamined) == (1, 1, 0)
    account = told.account("marta")
    assert account.verdict is Verdict.POSSIBLE
    assert account.reasons == (
        "one confirmed post of this account, where 3 confirm it, and no independent ground beside it",
    )


def test_a_copied_caption_below_a_picture_of_its_own_is_confirmed_by_the_text(world, judge) -> None:
    page = Page(
        f"{CLONE}/p/2",
        document(f'<img src="/2.jpg"><p>{PANTRY.caption}</p>'),
        {f"{CLONE}/2.jpg": own_picture("camera")},
    )
    told = judge(page)
    assert told.verdict is Verdict.CONFIRMED
    assert told.page.reasons == (f"m-1: {WHOLE}",)
    item = told.item(PANTRY)
    assert (item.grounds, item.rule) == ((Ground.TEXT,), ItemRule.SINGLE)
    assert item.reasons[0] == "its text stands on the page: confirmed on this ground alone"
    assert (told.page.media_examined, told.page.media_confirmed) == (1, 0)


def test_a_picture_and_its_caption_are_two_grounds_that_confirm_item_and_account(world, judge) -> None:
    page = Page(
        f"{CLONE}/p/3",
        document(f'<img src="/3.jpg"><p>{PANTRY.caption}</p>'),
        {f"{CLONE}/3.jpg": world.copied(PANTRY)},
    )
    told = judge(page)
    item = told.item(PANTRY)
    assert (item.grounds, item.rule) == ((Ground.IMAGE, Ground.TEXT), ItemRule.INDEPENDENT)
    assert item.reasons[0] == (
        "its picture and its text stand on the page: independent grounds agree, so it is confirmed"
    )
    account = told.account("marta")
    assert (account.verdict, account.items) == (Verdict.CONFIRMED, ("m-1",))
    assert account.reasons == ("a confirmed picture and a confirmed text of this account stand on the page",)


def test_the_same_bytes_are_said_to_be_the_same(world, judge) -> None:
    page = Page(f"{CLONE}/p/4", document('<img src="/4.jpg">'), {f"{CLONE}/4.jpg": world.picture(PANTRY)})
    item = judge(page).item(PANTRY)
    assert item.grounds == (Ground.EXACT, Ground.IMAGE)
    assert item.reasons[0] == (
        "the very bytes of its picture stand on the page: confirmed on this ground alone"
    )


def test_one_text_in_caption_and_alternative_text_is_one_ground(world, judge) -> None:
    body = f'<img src="/5.jpg" alt="{PANTRY.caption}"><p>{PANTRY.caption}</p>'
    page = Page(f"{CLONE}/p/5", document(body), {f"{CLONE}/5.jpg": own_picture("brick")})
    told = judge(page)
    assert (told.item(PANTRY).grounds, told.item(PANTRY).rule) == ((Ground.TEXT,), ItemRule.SINGLE)
    assert told.account("marta").verdict is Verdict.POSSIBLE


def test_one_picture_shown_twice_is_one_ground_and_one_post(world, judge) -> None:
    copied = world.copied(PANTRY)
    page = Page(
        f"{CLONE}/p/6",
        document('<img src="/a.jpg"><img src="/b.jpg">'),
        {f"{CLONE}/a.jpg": copied, f"{CLONE}/b.jpg": copied},
    )
    told = judge(page)
    assert (told.item(PANTRY).grounds, told.item(PANTRY).rule) == ((Ground.IMAGE,), ItemRule.SINGLE)
    assert told.item(PANTRY).reasons[-1] == "what stands there more than once counts once"
    assert told.account("marta").verdict is Verdict.POSSIBLE
    assert (told.page.media_examined, told.page.media_confirmed) == (1, 1)


def test_three_posts_of_one_owner_confirm_the_account(judge) -> None:
    posts = (PANTRY, LAUNCH, FITTING)
    body = "".join(f"<article><p>{post.caption}</p><p>liked</p></article>" for post in posts)
    told = judge(Page(f"{CLONE}/profile/marta", document(body)))
    account = told.account("marta")
    assert (account.verdict, account.items) == (Verdict.CONFIRMED, ("m-1", "m-2", "m-3"))
    assert account.reasons == ("3 distinct posts of this account stand on the page, each confirmed",)
    assert told.page.page_kind is PageKind.PROFILE


def test_two_posts_of_one_owner_and_one_of_another_confirm_no_account(judge) -> None:
    posts = (PANTRY, LAUNCH, WINTERS)
    body = "".join(f"<article><p>{post.caption}</p><p>liked</p></article>" for post in posts)
    told = judge(Page(f"{CLONE}/feed", document(body)))
    assert told.verdict is Verdict.CONFIRMED
    assert [told.account(name).verdict for name in ("marta", "luis")] == [Verdict.POSSIBLE] * 2
    assert told.account("marta").reasons == (
        "2 confirmed posts of this account, where 3 confirm it, and no independent ground beside it",
    )


def test_three_texts_that_many_owners_share_accuse_nobody(judge) -> None:
    body = "".join(f"<article><p>{post.caption}</p><p>liked</p></article>" for post in CHAINED[::4])
    told = judge(Page(f"{CLONE}/wisdom", document(body)))
    assert told.verdict is Verdict.POSSIBLE
    shared = "several accounts of the platform hold this text, so it is nobody's alone"
    assert set(told.page.reasons) == {f"{post.item_id}: {shared}" for post in CHAINED}
    for number in range(4):
        account = told.account(f"owner-{number}")
        assert account.verdict is Verdict.POSSIBLE
        assert account.reasons == (
            "what stands of this account other accounts publish too, so it does not tell whose was taken",
        )


# ---------------------------------------------------------------- identifiers


def test_a_short_text_is_confirmed_by_the_native_id_in_the_clones_own_address(judge) -> None:
    told = judge(Page(f"{CLONE}/p/{SPOONS.code}/", document(f"<p>{SPOONS.caption}</p>{ESSAY}")))
    item = told.item(SPOONS)
    assert (item.verdict, item.rule) == (Verdict.CONFIRMED, ItemRule.CORROBORATED)
    assert item.grounds == (Ground.TEXT, Ground.NATIVE_ID)
    assert item.reasons[0] == (
        "its text and its native id stand on the page: what is possible by itself is confirmed by an"
        " independent ground"
    )
    account = told.account("sofia")
    assert account.verdict is Verdict.CONFIRMED
    assert account.reasons == ("a native id of this account stands beside what is confirmed of it",)


def test_a_native_id_alone_confirms_nothing(judge) -> None:
    told = judge(Page(f"{CLONE}/p/{SPOONS.code}/", document(ESSAY)))
    assert (told.verdict, told.page.page_class) == (Verdict.POSSIBLE, PageClass.UNCLASSED)
    assert told.item(SPOONS).rule is ItemRule.UNCONFIRMED
    assert told.account("sofia").reasons == (
        "only identifiers of this account stand on the page, which confirm nothing alone",
    )


def test_a_page_that_only_mentions_the_handle_is_clear(judge) -> None:
    told = judge(
        Page("https://blog.example/prose", document(f"<p>Thanks to @sofia.lumi for the tip.</p>{ESSAY}"))
    )
    assert told.verdict is Verdict.NONE
    assert told.page.page_class is PageClass.UNCLASSED
    assert told.page.account_verdicts == ()
    assert told.page.reasons == (
        "every text block and picture on the page was examined and nothing of the index was found",
    )


def test_a_mention_of_the_handle_cures_no_short_text(judge) -> None:
    body = f"<p>{SPOONS.caption}</p><p>Seen at @sofia.lumi this week.</p>{ESSAY}"
    told = judge(Page("https://blog.example/spoons", document(body)))
    assert told.verdict is Verdict.POSSIBLE
    assert told.item(SPOONS).rule is ItemRule.UNCONFIRMED
    assert (
        "the page mentions account sofia by its handle sofia.lumi: a mention is no copy" in told.page.reasons
    )


# ---------------------------------------------------------------- embeds and quotations


def player(post) -> str:
    return f'<iframe src="{post.permalink}embed/" width="400"></iframe>'


def card(post, text: str) -> str:
    return (
        f'<blockquote class="lumigram-media" data-lumigram-permalink="{post.permalink}"><p>{text}</p>'
        f'<a href="{post.permalink}">on Lumigram</a></blockquote>'
    )


SCRIPT = '<script async src="https://lumigram.example/embed.js"></script>'


def test_a_page_that_has_the_platforms_own_player_show_a_post_copies_nothing(judge) -> None:
    told = judge(Page("https://blog.example/towpath", document(f"{ESSAY}{player(PANTRY)}")))
    assert told.verdict is Verdict.NONE
    assert told.page.page_class is PageClass.EMBED
    shown = f"it has the platform itself show {PANTRY.permalink}embed/"
    assert told.page.page_class_reason == shown
    assert told.page.reasons[0] == shown


def test_a_player_beside_a_copy_excuses_nothing(world, judge) -> None:
    page = Page(
        f"{CLONE}/p/7",
        document(f'{player(PANTRY)}<img src="/7.jpg"><p>{PANTRY.caption}</p>'),
        {f"{CLONE}/7.jpg": world.copied(PANTRY)},
    )
    told = judge(page)
    assert told.verdict is Verdict.CONFIRMED
    assert told.page.page_class is PageClass.REPUBLICATION
    assert (
        f"the page also has the platform itself show {PANTRY.permalink}embed/; the rest is not shown by it"
        in told.page.reasons
    )


def test_a_frame_that_the_platform_would_send_elsewhere_is_no_player(judge) -> None:
    frame = '<iframe src="https://lumigram.example/go/1?u=https://clone.example/inner"></iframe>'
    told = judge(Page(f"{CLONE}/p/8", document(f"{ESSAY}{frame}")))
    assert told.verdict is Verdict.INCONCLUSIVE
    assert told.page.not_examined == (("frame: not captured", 1),)


def test_a_text_in_the_platforms_own_card_is_the_platforms_to_show(judge) -> None:
    told = judge(
        Page("https://blog.example/card", document(f"{ESSAY}{card(PANTRY, PANTRY.caption)}{SCRIPT}"))
    )
    assert told.verdict is Verdict.POSSIBLE
    assert told.page.page_class is PageClass.EMBED
    assert told.item(PANTRY).rule is ItemRule.CAPPED
    assert told.item(PANTRY).reasons[0] == (
        "its text stands on the page: it would be confirmed, and is possible because of what the page is"
    )
    assert told.account("marta").reasons == (
        f"it stands in the platform's own card for this post, {PANTRY.permalink}",
    )


@pytest.mark.parametrize(
    "body",
    [
        card(PANTRY, PANTRY.caption),
        f"{card(PANTRY, PANTRY.caption)}<p>{PANTRY.caption}</p>{SCRIPT}",
        f"{card(PANTRY, PANTRY.caption)}<p>{PANTRY.caption.replace('shelf', 'ledge')}!</p>{SCRIPT}",
        f"{card(PANTRY, PANTRY.caption)}<p>{chr(0x200B).join(PANTRY.caption)}</p>{SCRIPT}",
        f"<div>{PANTRY.caption}{card(PANTRY, PANTRY.caption)}</div>{SCRIPT}",
        f'{card(PANTRY, PANTRY.caption)}<img src="data:," alt="{PANTRY.caption}">{SCRIPT}',
        f"{card(LAUNCH, PANTRY.caption)}{SCRIPT}",
    ],
    ids=[
        "without the platform's script",
        "beside a copy",
        "beside a changed copy",
        "beside a copy with invisible characters",
        "within a copy",
        "beside a copy in an alternative text",
        "the card of another post",
    ],
)
def test_a_card_that_is_only_written_excuses_nothing(judge, body: str) -> None:
    told = judge(Page(f"{CLONE}/p/9", document(f"{ESSAY}{body}")))
    assert told.verdict is Verdict.CONFIRMED
    assert told.page.page_class is PageClass.REPUBLICATION
    assert any(reason.endswith(f"as a source: {SELF_SAID}") for reason in told.page.reasons)


def test_a_picture_from_the_clones_own_server_is_not_excused_by_the_card_around_it(world, judge) -> None:
    body = card(PANTRY, '<img src="/10.jpg">') + SCRIPT
    page = Page(f"{CLONE}/p/10", document(body), {f"{CLONE}/10.jpg": world.copied(PANTRY)})
    told = judge(page)
    assert (told.verdict, told.page.page_class) == (Verdict.CONFIRMED, PageClass.REPUBLICATION)


def test_a_short_excerpt_with_a_link_to_its_source_is_a_quotation(judge) -> None:
    quoted = f'<blockquote><p>{half(PANTRY.caption)}</p></blockquote><a href="{PANTRY.permalink}">more</a>'
    told = judge(Page("https://paper.example/1", document(f"{ESSAY}{quoted}")))
    assert told.verdict is Verdict.POSSIBLE
    assert told.page.page_class is PageClass.QUOTATION
    assert told.page.reasons[0] == "it quotes less than half of each text, and links to where it stands"


def test_an_excerpt_without_a_link_is_no_quotation(judge) -> None:
    told = judge(Page(f"{CLONE}/p/11", document(f"{ESSAY}<p>{half(PANTRY.caption)}</p>")))
    assert (told.verdict, told.page.page_class) == (Verdict.POSSIBLE, PageClass.REPUBLICATION)
    assert told.page.reasons == ("m-1: less than half of the caption stands here",)


def test_a_link_to_the_source_excuses_no_whole_copy(judge) -> None:
    body = f'<p>{PANTRY.caption}</p><a href="{PANTRY.permalink}">source</a>'
    told = judge(Page(f"{CLONE}/p/12", document(body)))
    assert (told.verdict, told.page.page_class) == (Verdict.CONFIRMED, PageClass.REPUBLICATION)
    assert "the page links to one of the posts on the platform; a link excuses no copy" in told.page.reasons


# ---------------------------------------------------------------- who may show it

CANONICAL = f'<link rel="canonical" href="{PANTRY.permalink}">'


def test_what_stands_on_an_allowed_domain_accuses_nobody(judge) -> None:
    page = Page("https://friend.example/1", document(f"<p>{PANTRY.caption}</p>"))
    told = judge(page, allow=Allow(("friend.example",)))
    assert (told.verdict, told.page.page_class) == (Verdict.POSSIBLE, PageClass.ALLOWED_DOMAIN)
    assert told.page.reasons[0] == "the domain is on the operator's allow list"
    assert told.account("marta").reasons == ("the domain is on the operator's allow list",)


def test_an_allowed_copy_that_names_its_original_is_syndication(judge) -> None:
    page = Page("https://friend.example/2", document(f"<p>{PANTRY.caption}</p>", CANONICAL))
    told = judge(page, allow=Allow(("friend.example",)))
    assert (told.verdict, told.page.page_class) == (Verdict.POSSIBLE, PageClass.SYNDICATION)
    assert told.page.reasons[0] == (
        "the domain is on the operator's allow list, and the page names the platform's post as its original"
    )


@pytest.mark.parametrize(
    "head",
    [
        CANONICAL,
        f'<meta property="og:url" content="{PANTRY.permalink}">',
        f'<link rel="via" href="{PANTRY.permalink}">',
        f'<source url="{PANTRY.permalink}">',
    ],
    ids=["canonical", "og:url", "via", "the source of a feed's entry"],
)
def test_a_clone_that_names_us_as_its_original_is_a_clone(judge, head: str) -> None:
    told = judge(Page(f"{CLONE}/p/13", document(f"<p>{PANTRY.caption}</p>", head)))
    assert (told.verdict, told.page.page_class) == (Verdict.CONFIRMED, PageClass.REPUBLICATION)
    assert f"the page says that its original is {PANTRY.permalink}: {SELF_SAID}" in told.page.reasons


def aggregated(*posts) -> str:
    return "".join(f"<article><p>{post.caption}</p><p>via a friend</p></article>" for post in posts)


def test_an_aggregator_of_items_that_are_all_allowed_accuses_nobody(judge) -> None:
    told = judge(Page(f"https://{PARTNER}/best", document(aggregated(*ALLOWED))))
    assert (told.verdict, told.page.page_class) == (Verdict.POSSIBLE, PageClass.AGGREGATOR)
    assert told.page.reasons[0] == "it collects 3 items of 2 accounts, each allowed here by its own entry"
    assert {told.item(post).rule for post in ALLOWED} == {ItemRule.CAPPED}


def test_an_allowed_item_that_names_its_original_is_syndication(judge) -> None:
    head = f'<link rel="canonical" href="{ALLOWED[0].permalink}">'
    told = judge(Page(f"https://{PARTNER}/one", document(aggregated(ALLOWED[0]), head)))
    assert (told.verdict, told.page.page_class) == (Verdict.POSSIBLE, PageClass.SYNDICATION)
    assert told.page.reasons[0] == (
        "the item may be shown on this domain, by its own entry, and the page names the platform's post as"
        " its original"
    )


def test_one_item_among_allowed_ones_that_is_not_allowed_is_accused_alone(judge) -> None:
    told = judge(Page(f"https://{PARTNER}/best", document(aggregated(*ALLOWED, PANTRY))))
    assert (told.verdict, told.page.page_class) == (Verdict.CONFIRMED, PageClass.REPUBLICATION)
    assert told.page.items == ("m-1",)
    assert {told.item(post).verdict for post in ALLOWED} == {Verdict.POSSIBLE}


@pytest.mark.parametrize(
    ("host", "verdict"), [("clone.example", Verdict.CONFIRMED), (PARTNER, Verdict.POSSIBLE)]
)
def test_what_may_be_shown_on_a_page_supports_no_accusation_there(world, judge, host: str, verdict) -> None:
    body = f'<img src="/1.jpg"><p>{LADLE.caption}</p>{ESSAY}'
    page = Page(f"https://{host}/x", document(body), {f"https://{host}/1.jpg": world.copied(ALLOWED[0])})
    told = judge(page)
    assert told.item(LADLE).verdict is verdict
    assert told.item(LADLE).rule is (
        ItemRule.CORROBORATED if verdict is Verdict.CONFIRMED else ItemRule.UNCONFIRMED
    )


def test_an_allowed_item_elsewhere_is_accused(judge) -> None:
    told = judge(Page(f"{CLONE}/best", document(aggregated(ALLOWED[0]))))
    assert (told.verdict, told.page.page_class) == (Verdict.CONFIRMED, PageClass.REPUBLICATION)


def test_one_allowed_item_alone_is_shown_as_allowed(judge) -> None:
    told = judge(Page(f"https://{PARTNER}/one", document(aggregated(ALLOWED[0]))))
    assert (told.verdict, told.page.page_class) == (Verdict.POSSIBLE, PageClass.ALLOWED_ITEMS)
    assert told.page.reasons[0] == "the item may be shown on this domain, by its own entry"


# ---------------------------------------------------------------- archives, caches, federation

ARCHIVED = f"/web/20260101000000/{PANTRY.permalink}"
MEMENTO = (
    ("Memento-Datetime", "Thu, 01 Jan 2026 00:00:00 GMT"),
    ("Link", f'<{PANTRY.permalink}>; rel="original"'),
)


def test_a_known_web_archives_copy_is_shown_as_one(judge) -> None:
    told = judge(Page(f"https://web.archive.org{ARCHIVED}", document(f"<p>{PANTRY.caption}</p>")))
    assert (told.verdict, told.page.page_class) == (Verdict.POSSIBLE, PageClass.WEB_ARCHIVE)
    assert told.page.reasons[0] == "web.archive.org is a web archive, and this is its copy of a page"
    assert told.page.page_kind is PageKind.POST


def test_any_archive_that_keeps_to_the_standard_is_shown_as_one(judge) -> None:
    page = Page(
        f"https://archive.library.example{ARCHIVED}", document(f"<p>{PANTRY.caption}</p>"), {}, MEMENTO
    )
    told = judge(page)
    assert (told.verdict, told.page.page_class) == (Verdict.POSSIBLE, PageClass.WEB_ARCHIVE)
    assert told.page.reasons[0] == (
        f"a web archive's copy of {PANTRY.permalink}: its address and its headers (RFC 7089) say so"
    )


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        (f"{CLONE}{ARCHIVED}", ()),
        (f"{CLONE}{ARCHIVED}", MEMENTO[:1]),
        (f"{CLONE}{ARCHIVED}", (MEMENTO[0], ("Link", f'<{LAUNCH.permalink}>; rel="original"'))),
    ],
    ids=["the address alone", "without the original", "of another original"],
)
def test_a_clone_with_an_archives_address_is_a_clone(judge, url: str, headers) -> None:
    told = judge(Page(url, document(f"<p>{PANTRY.caption}</p>"), {}, headers))
    assert (told.verdict, told.page.page_class) == (Verdict.CONFIRMED, PageClass.REPUBLICATION)
    assert f"its address is like a web archive's, of {PANTRY.permalink}: {SELF_SAID}" in told.page.reasons


def test_headers_of_an_archive_on_an_ordinary_address_change_nothing(judge) -> None:
    told = judge(Page(f"{CLONE}/p/14", document(f"<p>{PANTRY.caption}</p>"), {}, MEMENTO))
    assert (told.verdict, told.page.page_class) == (Verdict.CONFIRMED, PageClass.REPUBLICATION)


def test_a_page_that_archives_itself_is_no_archive(judge) -> None:
    own = f"{CLONE}/web/20260101000000/{CLONE}/p/1"
    headers = (MEMENTO[0], ("Link", f'<{CLONE}/p/1>; rel="original"'))
    told = judge(Page(own, document(f"<p>{PANTRY.caption}</p>"), {}, headers))
    assert (told.verdict, told.page.page_class) == (Verdict.CONFIRMED, PageClass.REPUBLICATION)


def test_a_search_engines_cache_is_shown_as_one(judge) -> None:
    url = f"https://webcache.googleusercontent.com/search?q=cache:{PANTRY.permalink}"
    told = judge(Page(url, document(f"<p>{PANTRY.caption}</p>")))
    assert (told.verdict, told.page.page_class) == (Verdict.POSSIBLE, PageClass.SEARCH_CACHE)
    assert told.page.reasons[0] == "webcache.googleusercontent.com keeps copies for a search engine"


@pytest.mark.parametrize(
    ("url", "head", "of"),
    [
        (f"{CLONE}/search?q=cache:{PANTRY.permalink}", "", f"cache:{PANTRY.permalink}"),
        (
            f"{CLONE}/view?url={PANTRY.permalink}",
            '<base href="https://lumigram.example/">',
            PANTRY.permalink,
        ),
    ],
    ids=["an address of a cache", "a proxy with a base"],
)
def test_a_clone_with_a_caches_address_is_a_clone(judge, url: str, head: str, of: str) -> None:
    told = judge(Page(url, document(f"<p>{PANTRY.caption}</p>", head)))
    assert (told.verdict, told.page.page_class) == (Verdict.CONFIRMED, PageClass.REPUBLICATION)
    assert f"its address is like a cache's, of {of}: {SELF_SAID}" in told.page.reasons


FEDERATED = Page(
    "https://social.example/@marta@lumigram.example/1",
    document(
        f'<p>{PANTRY.caption}</p><a href="{PANTRY.permalink}">original page</a>',
        f'<link rel="alternate" type="application/activity+json" href="{PANTRY.permalink}">',
    ),
)


def test_a_federated_copy_is_one_where_the_operator_says_that_its_posts_are_federated(judge) -> None:
    told = judge(FEDERATED, allow=Allow(federation=True))
    assert (told.verdict, told.page.page_class) == (Verdict.POSSIBLE, PageClass.FEDERATION)
    assert told.page.reasons[0] == f"a federated copy of {PANTRY.permalink}, as the operator's posts have"


def test_a_page_that_says_it_is_a_federated_copy_is_not_believed_otherwise(judge) -> None:
    told = judge(FEDERATED)
    assert (told.verdict, told.page.page_class) == (Verdict.CONFIRMED, PageClass.REPUBLICATION)
    assert (
        f"the page says that it is a federated copy of {PANTRY.permalink}: {SELF_SAID}" in told.page.reasons
    )


def test_a_federated_copy_on_an_allowed_domain_is_shown_as_one(judge) -> None:
    told = judge(FEDERATED, allow=Allow(("social.example",)))
    assert (told.verdict, told.page.page_class) == (Verdict.POSSIBLE, PageClass.FEDERATION)


def test_a_clone_that_says_all_of_it_at_once_is_a_clone(judge) -> None:
    head = (
        f'{CANONICAL}<link rel="via" href="{PANTRY.permalink}"><base href="https://lumigram.example/">'
        f'<link rel="alternate" type="application/activity+json" href="{PANTRY.permalink}">'
    )
    body = f"{card(PANTRY, PANTRY.caption)}{player(PANTRY)}<a href='{PANTRY.permalink}'>source</a>"
    page = Page(f"{CLONE}{ARCHIVED}?q=cache:x", document(body, head), {}, MEMENTO[:1])
    told = judge(page)
    assert (told.verdict, told.page.page_class) == (Verdict.CONFIRMED, PageClass.REPUBLICATION)
    said = [reason for reason in told.page.reasons if reason.endswith(SELF_SAID)]
    assert len(said) == 3


def test_a_page_of_the_platform_itself_accuses_nobody(judge) -> None:
    told = judge(Page(PANTRY.permalink, document(f"<p>{PANTRY.caption}</p>")))
    assert (told.verdict, told.page.page_class) == (Verdict.POSSIBLE, PageClass.ALLOWED_DOMAIN)
    assert told.page.reasons[0] == "the page is on the platform's own host"


# ---------------------------------------------------------------- what could not be seen


def test_a_challenge_page_is_inconclusive_whatever_stands_on_it(judge) -> None:
    told = judge(Page(f"{CLONE}/p/15", CHALLENGE))
    assert told.verdict is Verdict.INCONCLUSIVE
    assert told.page.page_class is PageClass.UNCLASSED
    assert told.page.reasons[0].startswith("the page could not be examined: challenge_page (")
    assert told.page.not_examined == (("challenge_page", 1),)


@pytest.mark.parametrize(
    ("html", "outcome"),
    [
        ('<title>Sign in</title><form><input name="u"><input type="password"></form>', "login_wall"),
        ("<title>Page not found</title><h1>Not found</h1><p>Nothing here.</p>", "soft_404"),
        ("<title>clone.example is for sale</title><h1>clone.example</h1><p>Buy this domain.</p>", "parked"),
    ],
    ids=["a login wall", "a page that says there is nothing", "a parked domain"],
)
def test_what_keeps_the_content_from_us_is_never_clear(judge, html: str, outcome: str) -> None:
    told = judge(Page(f"{CLONE}/p/16", document(html)))
    assert told.verdict is Verdict.INCONCLUSIVE
    assert told.page.not_examined == ((outcome, 1),)


def test_a_page_whose_picture_was_not_captured_is_not_clear(judge) -> None:
    told = judge(Page(f"{CLONE}/p/17", document(f'{ESSAY}<img src="/17.jpg">')))
    assert told.verdict is Verdict.INCONCLUSIVE
    assert told.page.reasons == ("not examined: 1 x not captured",)
    assert told.page.media_unexamined == 1
