"""Sitemaps are read last, within bounds, through the grant, and only where they are asked for."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from clonedetect.crawl.crawler import CrawlLimits
from clonedetect.crawl.inflate import BombError, DecodeError
from clonedetect.crawl.pace import PaceLimits
from clonedetect.crawl.sitemaps import MOST_ADDRESSES, MOST_FILES, read_sitemap
from clonedetect.models.capture import Outcome, Purpose

READING = CrawlLimits(max_depth=10, disk_floor_bytes=0, sitemaps=True)
ONE_BY_ONE = PaceLimits(min_delay_s=0.05, per_host=1, backoff_s=0)  # longer than records wait for others
SITE = "https://clone.example"


def urlset(*urls: str, root: str = "urlset") -> bytes:
    inner = "sitemap" if root == "sitemapindex" else "url"
    listed = "".join(f"<{inner}><loc>{url}</loc></{inner}>" for url in urls)
    return (
        f'<?xml version="1.0"?><{root} xmlns="http://www.sitemaps.org/schemas/0.9">{listed}</{root}>'.encode()
    )


def served(body: bytes) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/xml"}, body


# Reading


def test_pages_are_read_from_xml_text_and_gzip():
    expected = (f"{SITE}/a?b=1&c=2", f"{SITE}/d")
    told = urlset(f"{SITE}/a?b=1&amp;c=2", f"\n  <![CDATA[{SITE}/d]]>\n")
    assert read_sitemap(told).pages == expected
    assert read_sitemap(gzip.compress(told)).pages == expected
    assert read_sitemap(f"{expected[0]}\n{expected[1]}\n".encode()).pages == expected


def test_an_index_names_sitemaps():
    assert read_sitemap(urlset(f"{SITE}/1.xml", root="sitemapindex")).sitemaps == (f"{SITE}/1.xml",)


def test_what_is_beyond_the_bound_is_counted():
    sitemap = read_sitemap(urlset(*(f"{SITE}/{n}" for n in range(MOST_ADDRESSES + 7))))
    assert (len(sitemap.pages), sitemap.left_out) == (MOST_ADDRESSES, 7)


def test_entities_of_the_document_are_not_expanded():
    bomb = b'<!DOCTYPE x [<!ENTITY a "https://clone.example/x">]><urlset><url><loc>&a;</loc></url></urlset>'
    assert read_sitemap(bomb).pages == ("&a;",)  # which the grant then refuses


def test_gzip_that_is_cut_or_a_bomb_is_refused():
    with pytest.raises(DecodeError):
        read_sitemap(gzip.compress(urlset(f"{SITE}/a"))[:-9])
    with pytest.raises(BombError):
        read_sitemap(gzip.compress(b" " * 20_000_000))


def test_a_page_is_no_sitemap():
    assert read_sitemap(b"<html><body><a href='https://clone.example/x'>x</a></body></html>").pages == ()


# Crawling


def world(loopback, serve, robots: bytes = b""):
    site = serve({})
    base = site.base
    site.replies.update(
        {
            "/robots.txt": (200, {}, b"User-agent: *\nDisallow: /private\n" + robots),
            "/": loopback.page("/linked"),
            "/linked": loopback.page(),
            "/hidden/1": loopback.page("/deeper"),
            "/hidden/2": loopback.page(),
            "/deeper": loopback.page(),
            "/sitemap.xml": served(urlset(f"{base}/maps/1.xml.gz", root="sitemapindex")),
            "/maps/1.xml.gz": served(
                gzip.compress(
                    urlset(
                        *(f"{base}/hidden/{n}" for n in (1, 2)),
                        f"{base}/linked",
                        f"{base}/private/x",
                        "http://elsewhere.example/x",
                    )
                )
            ),
        }
    )
    return site


def test_a_sitemap_is_read_after_what_is_linked_and_its_pages_last(case, serve, loopback):
    site = world(loopback, serve)
    summary = case.run(loopback.permits(site.port), [f"{site.base}/"], limits=READING, pace=ONE_BY_ONE)
    asked = [path for path, _ in sorted(site.times, key=lambda one: one[1])]
    assert asked[:5] == ["/robots.txt", "/", "/linked", "/sitemap.xml", "/maps/1.xml.gz"]
    assert sorted(asked[5:]) == ["/deeper", "/hidden/1", "/hidden/2"]
    refused = {r.url.rpartition("/")[0]: r.where for r in case.store.refusals()}
    assert refused == {f"{site.base}/private": "robots", "http://elsewhere.example": "enqueue"}
    assert summary.stopped_by == ""
    kept = [c for c in case.store.captures() if c.purpose is Purpose.SITEMAP]
    assert [c.outcome for c in kept] == [Outcome.OK, Outcome.OK]


def test_robots_txt_announces_sitemaps(case, serve, loopback):
    site = world(loopback, serve, b"Sitemap: /other.txt\n")
    site.replies["/other.txt"] = (200, {}, f"{site.base}/announced\n".encode())
    site.replies["/announced"] = loopback.page()
    case.run(loopback.permits(site.port), [f"{site.base}/"], limits=READING)
    assert site.asked["/announced"] == 1


def test_no_sitemap_is_asked_for_unless_it_is_wanted(case, serve, loopback):
    site = world(loopback, serve, b"Sitemap: /sitemap.xml\n")
    case.run(loopback.permits(site.port), [f"{site.base}/"], limits=replace(READING, sitemaps=False))
    assert set(site.asked) == {"/robots.txt", "/", "/linked"}


def test_a_later_run_may_read_them(case, serve, loopback):
    site = world(loopback, serve, b"Sitemap: /other.txt\n")
    site.replies["/other.txt"] = (200, {}, f"{site.base}/announced\n".encode())
    case.run(loopback.permits(site.port), [f"{site.base}/"], limits=replace(READING, sitemaps=False))
    case.run(loopback.permits(site.port), [], limits=READING)
    assert site.asked["/hidden/1"] == site.asked["/announced"] == 1
    assert site.asked["/"] == 1


def test_the_number_of_sitemaps_of_a_host_is_bounded(case, serve, loopback):
    site = serve({"/": loopback.page()})
    maps = [f"{site.base}/maps/{n}.xml" for n in range(MOST_FILES + 30)]
    site.replies["/sitemap.xml"] = served(urlset(*maps, root="sitemapindex"))
    site.replies |= {f"/maps/{n}.xml": served(urlset(f"{site.base}/p/{n}")) for n in range(len(maps))}
    case.run(loopback.permits(site.port), [f"{site.base}/"], limits=READING)
    assert sum(path.startswith("/maps/") for path in site.asked) == MOST_FILES - 1


def test_what_a_sitemap_and_a_page_name_is_asked_when_the_page_says(case, serve, loopback):
    site = world(loopback, serve)
    site.replies["/late"] = loopback.page("/hidden/2")
    site.replies["/linked"] = loopback.page("/late")
    case.run(loopback.permits(site.port), [f"{site.base}/"], limits=READING, pace=ONE_BY_ONE)
    asked = [path for path, _ in sorted(site.times, key=lambda one: one[1])]
    assert asked.index("/hidden/2") < asked.index("/sitemap.xml")


def test_a_sitemap_is_no_page_of_a_cap(case, serve, loopback):
    site = world(loopback, serve)
    limits = replace(READING, max_pages=3)
    summary = case.run(loopback.permits(site.port), [f"{site.base}/"], limits=limits, pace=ONE_BY_ONE)
    assert summary.stopped_by == "max_pages 3 reached"
    assert site.asked["/maps/1.xml.gz"] == 1
    assert sum(site.asked[f"/hidden/{n}"] for n in (1, 2)) == 1
