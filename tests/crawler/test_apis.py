"""API answers lead on: cursors, posts by shortcode, and to nothing that cannot be told."""

from __future__ import annotations

import json

import pytest

from clonedetect.crawl.crawler import CrawlLimits
from clonedetect.crawl.templates import pages_for
from clonedetect.extract.page import read_page

OPEN = CrawlLimits(max_depth=10, disk_floor_bytes=0)
SITE = "https://clone.example"
CODES = ["CxYz12345Ab", "CaBc98765Zy", "DqWe45678Rt", "DzXc34567Vb"]


async def read(content, url, content_type):
    return read_page(content, url, content_type)


def answer(codes: list[str], **more: object) -> tuple[int, dict[str, str], bytes]:
    value = {"items": [{"shortcode": code, "type": "image"} for code in codes], **more}
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


@pytest.mark.parametrize(
    ("known", "made"),
    [
        (["/p/CxYz12345Ab/"], "/p/{}/"),
        (["/en/about", "/post/CxYz12345Ab", "/post/CaBc98765Zy", "/p/DqWe45678Rt"], "/post/{}"),
        (["/alice/p/CxYz12345Ab"], None),
        (["/profile/alice", "/media/31415"], None),
        (["/p/CxYz12345Ab?utm_source=home"], "/p/{}"),
        (["/p/CxYz12345Ab?from=home"], None),
        ([], None),
    ],
)
def test_posts_get_addresses_of_the_shape_that_the_site_uses(known, made):
    found = pages_for(CODES[2:], [SITE + path for path in known])
    assert found == (() if made is None else tuple(SITE + made.format(code) for code in CODES[2:]))


def test_an_api_is_followed_to_its_end_and_to_the_posts_it_names(case, serve, loopback):
    replies = {
        "/profile/alice": loopback.page(f"/p/{CODES[0]}/", apis=("/api/media?cursor=1",)),
        "/api/media?cursor=1": answer(CODES[:2], has_next=True, next="2"),
        "/api/media?cursor=2": answer(CODES[2:3], has_next=True, next="/api/media?cursor=3"),
        "/api/media?cursor=3": answer(CODES[3:], has_next=False, next="4"),
        **{f"/p/{code}/": loopback.page(images=(f"/i/{code}.png",)) for code in CODES},
        **{f"/i/{code}.png": loopback.picture(code) for code in CODES},
    }
    site = serve(replies)
    permit_for = loopback.permits(site.port)
    case.run(permit_for, [f"{site.base}/profile/alice"], limits=OPEN, read_page=read)
    assert site.asked == {**dict.fromkeys(replies, 1), "/robots.txt": 1}


def test_posts_of_which_the_site_shows_no_address_are_left_alone(case, serve, loopback):
    replies = {
        "/profile/alice": loopback.page(apis=("/api/media?cursor=1",)),
        "/api/media?cursor=1": answer(CODES, has_next=False),
    }
    site = serve(replies)
    case.run(loopback.permits(site.port), [f"{site.base}/profile/alice"], limits=OPEN, read_page=read)
    assert site.asked == {**dict.fromkeys(replies, 1), "/robots.txt": 1}


def test_an_api_that_the_grant_does_not_name_is_refused_and_listed(case, serve, loopback):
    script = b"<script>fetch('/graphql/userInfoByUsername/alice')</script>"
    site = serve({"/profile/alice": (200, {"Content-Type": "text/html"}, b"<p>a</p>" + script)})
    case.run(loopback.permits(site.port), [f"{site.base}/profile/alice"], limits=OPEN, read_page=read)
    assert [r.url for r in case.store.refusals()] == [f"{site.base}/graphql/userInfoByUsername/alice"]


def test_a_story_viewer_is_followed_from_the_name_to_the_stories_of_its_id(case, serve, loopback):
    script = (
        "<script>const load = name => fetch('/api/v1/userInfoByUsername/' + name);"
        "const show = id => fetch('/api/v1/stories/' + id);</script>"
    )
    told = {"user": {"username": "alice", "pk": "31415926535", "friends": [{"id": "27182818284"}]}}
    stories = {"items": [{"id": "16180339887", "display_url": "/i/1.jpg"}]}
    replies = {
        "/profile/alice": (200, {"Content-Type": "text/html"}, script.encode()),
        "/api/v1/userInfoByUsername/alice": (200, {}, json.dumps(told).encode()),
        "/api/v1/stories/31415926535": (200, {}, json.dumps(stories).encode()),
        "/i/1.jpg": loopback.picture("1"),
    }
    site = serve(replies)
    case.run(loopback.permits(site.port), [f"{site.base}/profile/alice"], limits=OPEN, read_page=read)
    assert site.asked == {**dict.fromkeys(replies, 1), "/robots.txt": 1}
    left_out = {one.url: one.reason for one in case.store.contents().not_visited}
    assert left_out == {f"{site.base}/api/v1/stories/": "an endpoint that takes an id"}
