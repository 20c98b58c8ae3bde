"""Which page is asked next: what looks worth most, nearest first, and among equals by a recorded draw."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.crawl.crawler import CrawlLimits
from clonedetect.crawl.frontier import Frontier, NewEntry
from clonedetect.crawl.order import SEED_PRIORITY, Worth, priority_of, reason_of, worth_of
from clonedetect.crawl.pace import PaceLimits
from clonedetect.crawl.shapes import is_aside, is_endless, is_last, shape_of
from clonedetect.extract.page import read_page
from clonedetect.models.capture import Purpose
from clonedetect.models.match import Verdict
from clonedetect.models.sample import order_of
from clonedetect.models.verdict import PageVerdict

OPEN = CrawlLimits(max_depth=10, disk_floor_bytes=0)
ONE_BY_ONE = PaceLimits(min_delay_s=0.05, per_host=1, backoff_s=0)  # longer than records wait for others
SITE = "https://clone.example"


async def read(content, url, content_type):
    return read_page(content, url, content_type)


def asked(site) -> list[str]:
    return [path for path, _ in sorted(site.times, key=lambda one: one[1]) if path != "/robots.txt"]


# Shapes


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/", "/"),
        ("/profile/alice", "/profile/{name}"),
        ("/profile/alice/", "/profile/{name}"),
        ("/en/profile/bob?utm_source=x", "/{lang}/profile/{name}"),
        ("/media/3141592653589793238", "/media/{n}"),
        ("/p/CxYz12345Ab/", "/p/{code}"),
        ("/alice/p/CxYz12345Ab", "/{name}/p/{code}"),
        ("/view.php?id=17&PHPSESSID=abc", "/view.php?id"),
        ("/shop?c=1&a=2&b=3", "/shop?{*}"),
        ("/calendar/2031/05/12", "/calendar/{n}/{n}/{n}"),
        ("/a;jsessionid=0A/b", "/{name}/{name}"),
        ("/Tag/Sea.html", "/tag/{name}.html"),
        ("/a1/b1/c1/d1/e1/f1/g1/h1", "/{name}/{name}/{name}/{name}/{name}/{name}/{*}"),
    ],
)
def test_the_shape_of_an_address(path, shape):
    assert shape_of(SITE + path) == shape


@pytest.mark.parametrize(
    ("path", "claims"),
    [
        ("/profile/alice", ""),
        ("/p/CxYz12345Ab/", ""),
        ("/view.php?id=17", ""),
        ("/tag/sea", "aside endless"),
        ("/search?q=alice", "aside endless"),
        ("/login", "last"),
        ("/privacy.html", "last"),
        ("/profile/alice?page=3", "endless"),
        ("/events/2031/05", "endless"),
        ("/shop?color=red&size=l", "endless"),
    ],
)
def test_what_a_shape_says(path, claims):
    shape = shape_of(SITE + path)
    told = {"aside": is_aside(shape), "last": is_last(shape), "endless": is_endless(shape)}
    assert {name for name, holds in told.items() if holds} == set(claims.split())


# Priorities


def test_priorities_put_worth_before_depth_and_depth_before_nothing():
    order = [
        SEED_PRIORITY,
        priority_of(Worth.CONFIRMED, 9),
        priority_of(Worth.SHOWN, 1),
        priority_of(Worth.UNKNOWN, 1),
        priority_of(Worth.UNKNOWN, 2),
        priority_of(Worth.ASIDE, 1),
        priority_of(Worth.LAST, 1),
        priority_of(Worth.SITEMAP, 0),
    ]
    assert order == sorted(order)
    assert len(set(map(reason_of, order))) == 7  # the two of unknown shapes differ in depth alone


@given(st.sampled_from(Worth), st.integers(0, 10_000))
def test_a_priority_says_its_reason(worth, depth):
    assert reason_of(priority_of(worth, depth)) == reason_of(priority_of(worth, 0))


@pytest.mark.parametrize(
    ("shape", "learned", "worth"),
    [
        ("/profile/{name}", None, Worth.UNKNOWN),
        ("/profile/{name}", Worth.SHOWN, Worth.SHOWN),
        ("/tag/{name}", Worth.SHOWN, Worth.ASIDE),
        ("/tag/{name}", Worth.CONFIRMED, Worth.CONFIRMED),
        ("/login", Worth.SHOWN, Worth.LAST),
    ],
)
def test_what_siblings_showed_counts(shape, learned, worth):
    assert worth_of(shape, learned) is worth


# Crawls


def test_siblings_of_pages_that_show_pictures_come_first_and_legal_pages_last(case, serve, loopback):
    links = ["/login", "/tag/sea", *(f"/list/{n}" for n in range(3)), *(f"/v/alice{n}" for n in range(4))]
    replies = {"/": loopback.page(*links), "/login": loopback.page(), "/tag/sea": loopback.page()}
    replies |= {f"/list/{n}": loopback.page() for n in range(3)}
    replies |= {f"/v/alice{n}": loopback.page(images=(f"/i/{n}.png",)) for n in range(4)}
    replies |= {f"/i/{n}.png": loopback.picture(str(n)) for n in range(4)}
    site = serve(replies)
    case.run(loopback.permits(site.port), [f"{site.base}/"], pace=ONE_BY_ONE, limits=OPEN)
    pages = [path for path in asked(site) if not path.endswith(".png")]
    first = pages.index("/v/alice0")
    assert pages[first : first + 4] == [f"/v/alice{n}" for n in range(4)]
    assert pages[-2:] == ["/tag/sea", "/login"]


def test_what_is_learned_moves_waiting_siblings_forward(case, serve, loopback):
    links = ["/v/a1", *(f"/list/{n}" for n in range(6)), "/v/a2"]
    replies = {"/": loopback.page(*links), **{f"/list/{n}": loopback.page() for n in range(6)}}
    replies |= {f"/v/a{n}": loopback.page(images=(f"/i/{n}.png",)) for n in (1, 2)}
    site = serve(replies)
    case.run(loopback.permits(site.port), [f"{site.base}/"], pace=ONE_BY_ONE, limits=OPEN)
    pages = [path for path in asked(site) if not path.endswith(".png")]
    assert pages[:3] == ["/", "/v/a1", "/v/a2"]


def test_verdicts_of_earlier_analyses_come_before_everything_else(case, serve, loopback):
    links = [*(f"/list/{n}" for n in range(4)), "/x/a", "/x/b"]
    site = serve({"/": loopback.page(*links), **{link: loopback.page() for link in links}})
    permit_for = loopback.permits(site.port)
    seeds = [f"{site.base}/x/a", f"{site.base}/"]
    stopped = CrawlLimits(max_depth=10, disk_floor_bytes=0, max_pages=2)
    case.run(permit_for, seeds, pace=ONE_BY_ONE, limits=stopped)
    analysis = case.store.begin_analysis(
        started_at=datetime.now(UTC),
        index_generation=1,
        index_snapshot="s",
        settings="",
        environment=(),
        actor="t",
    )
    verdict = PageVerdict(f"{site.base}/x/a", Verdict.CONFIRMED)
    case.store.put_page_analysis(analysis.analysis_id, verdict, (), (), now=datetime.now(UTC), actor="t")
    case.run(permit_for, [], pace=ONE_BY_ONE, limits=OPEN)
    assert asked(site)[:3] == ["/x/a", "/", "/x/b"]


def test_a_cap_draws_among_pages_of_one_priority_and_a_wider_one_leaves_them_their_order(
    case, serve, loopback
):
    links = [f"/list/{n}" for n in range(12)]
    site = serve({"/": loopback.page(*links), **{link: loopback.page() for link in links}})
    case.frontier = case.recorder.frontier = Frontier(case.store.database, draw_seed="2026-11")
    short = replace(OPEN, max_pages=7)
    case.run(loopback.permits(site.port), [f"{site.base}/"], pace=ONE_BY_ONE, limits=short)
    expected = sorted(links, key=lambda link: order_of("2026-11", site.base + link))
    assert asked(site)[1:] == expected[:6]
    case.run(loopback.permits(site.port), [], pace=ONE_BY_ONE, limits=replace(OPEN, max_pages=9))
    assert asked(site)[7:] == expected[6:8]
    case.run(loopback.permits(site.port), [], pace=ONE_BY_ONE, limits=OPEN)
    assert asked(site)[9:] == [link for link in links if link not in expected[:8]]


def test_pages_of_a_case_from_before_shapes_get_one(case):
    url = f"{SITE}/v/alice?utm_source=x"
    case.frontier.enqueue([NewEntry(url, Purpose.PAGE, "clone.example")])
    case.store.database.execute("UPDATE frontier SET shape = NULL, spelling = NULL")
    case.frontier.recover(0, is_only_writer=True)
    rows = list(case.store.database.execute("SELECT shape, spelling FROM frontier"))
    assert rows == [("/v/{name}", f"{SITE}/v/alice")]
