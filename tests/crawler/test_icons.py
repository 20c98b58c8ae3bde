"""Icons of origins: asked for last, once an origin, over runs too, and bounded."""

from __future__ import annotations

from dataclasses import replace

from clonedetect.crawl.crawler import CrawlLimits
from clonedetect.crawl.discovery import discover_icons
from clonedetect.crawl.pace import PaceLimits
from clonedetect.models.capture import Outcome, Purpose
from clonedetect.models.page import Declaration, DeclarationKind, PageContent
from clonedetect.models.permit import Refusal

LIMITS = CrawlLimits(max_depth=10, disk_floor_bytes=0, icons_per_origin=2)


def icons_of(case) -> list[str]:
    return [one.url for one in case.store.captures() if one.purpose is Purpose.FAVICON]


def test_the_usual_icon_of_an_origin_is_asked_for_once_and_last(case, serve, loopback):
    site = serve()
    permits = loopback.permits(site.port)
    one_by_one = PaceLimits(min_delay_s=0.05, per_host=1, backoff_s=0)
    case.run(permits, [f"{site.base}/p/0"], limits=LIMITS, pace=one_by_one)
    assert icons_of(case) == [f"{site.base}/favicon.ico"]
    assert site.times[-1][0] == "/favicon.ico"
    assert list(case.store.captures())[-1].outcome is Outcome.GONE
    case.run(permits, [f"{site.base}/p/0", f"{site.base}/p/5"], limits=LIMITS)
    case.run(permits, [f"{site.base}/new"], limits=LIMITS)
    assert site.asked["/favicon.ico"] == 1


def test_icons_are_not_asked_for_where_the_caller_does_not_want_them(case, serve, loopback):
    site = serve()
    case.run(loopback.permits(site.port), [f"{site.base}/p/0"], limits=replace(LIMITS, icons_per_origin=0))
    assert icons_of(case) == []


def test_icons_are_no_pages_and_come_after_the_page_cap_too(case, serve, loopback):
    site = serve()
    limits = replace(LIMITS, max_pages=1)
    summary = case.run(loopback.permits(site.port), [f"{site.base}/p/0"], limits=limits)
    assert summary.stopped_by == "max_pages 1 reached"
    assert icons_of(case) == [f"{site.base}/favicon.ico"]


def _page(*icons: str) -> PageContent:
    named = tuple(Declaration(DeclarationKind.ICON, icon) for icon in icons)
    return PageContent("http://127.0.0.1:8081/p/0", declarations=named)


def test_named_icons_are_bounded_and_refusals_are_kept(loopback):
    permits = loopback.permits(8081)
    page = _page("http://127.0.0.1:8081/a.png", "http://127.0.0.1:8081/b.png")
    found = discover_icons(page, permits, 2)
    assert [entry.url.rpartition("/")[2] for entry in found.entries] == ["favicon.ico", "a.png"]
    outside = discover_icons(_page("http://cdn.example/i.png"), permits, 2)
    assert [entry.url.rpartition("/")[2] for entry in outside.entries] == ["favicon.ico"]
    assert outside.refusals == (
        Refusal("http://cdn.example/i.png", Purpose.FAVICON, "cdn.example is not granted"),
    )


def test_the_icon_at_the_usual_place_is_one_even_where_the_page_names_it(loopback):
    found = discover_icons(_page("http://127.0.0.1:8081/favicon.ico"), loopback.permits(8081), 2)
    assert len(found.entries) == 1


def test_an_icon_that_leads_out_of_the_grant_is_not_followed(case, serve, loopback):
    replies = loopback.small_site()
    replies["/favicon.ico"] = (302, {"Location": "http://elsewhere.example/i.ico"}, b"")
    site = serve(replies)
    case.run(loopback.permits(site.port), [f"{site.base}/p/0"], limits=LIMITS)
    (icon,) = [one for one in case.store.captures() if one.purpose is Purpose.FAVICON]
    assert icon.outcome is Outcome.BLOCKED_SCOPE
    refused = {(one.url, one.where, one.purpose) for one in case.store.refusals()}
    assert ("http://elsewhere.example/i.ico", "redirect", Purpose.FAVICON) in refused
