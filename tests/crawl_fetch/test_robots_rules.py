"""What a robots.txt, or the lack of one, means for us."""

from __future__ import annotations

import asyncio

import pytest

from clonedetect.crawl.fetch import Limits
from clonedetect.crawl.robots import MAX_ROBOTS_BYTES, RobotsRules
from clonedetect.models.capture import FetchResult, Outcome, Purpose

URL = "https://clone.example/robots.txt"


def rules(text: str | bytes) -> RobotsRules:
    return RobotsRules.of_bytes(text if isinstance(text, bytes) else text.encode(), URL)


def test_our_own_group_counts_and_not_that_of_others():
    found = rules(
        "User-agent: *\nDisallow: /\n\nUser-agent: CloneDetect\nDisallow: /private\nAllow: /private/open\n"
    )
    assert found.allows("https://clone.example/")
    assert not found.allows("https://clone.example/private/x")
    assert found.allows("https://clone.example/private/open/x")


def test_without_a_group_of_our_own_that_for_all_counts():
    assert not rules("User-agent: *\nDisallow: /p\n").allows("https://clone.example/p/1")


@pytest.mark.parametrize("text", ["", "<html>no robots here</html>", "\x00\xff" * 100, b"\xff\xfe\x00"])
def test_a_file_without_rules_allows_all(text):
    assert rules(text).allows("https://clone.example/x")


def test_a_byte_order_mark_does_not_hide_the_first_line():
    assert not rules(b"\xef\xbb\xbfUser-agent: *\nDisallow: /\n").allows("https://clone.example/x")


@pytest.mark.parametrize(
    ("value", "delay"),
    [("2.5", 2.5), ("900", 300.0), ("1e9", 300.0), ("0", None), ("-3", None), ("nan", None), ("soon", None)],
)
def test_the_crawl_delay_is_honoured_up_to_five_minutes(value: str, delay: float | None):
    assert rules(f"User-agent: *\nCrawl-delay: {value}\n").crawl_delay_s == delay


def test_sitemaps_are_listed_once_and_absolute():
    found = rules(
        "Sitemap: /a.xml\nSitemap: https://clone.example/a.xml\nSitemap: http://[::1\nSitemap: b.xml\n"
    )
    assert found.sitemaps == ("https://clone.example/a.xml", "https://clone.example/b.xml")
    assert len(rules("".join(f"Sitemap: /{n}.xml\n" for n in range(500))).sitemaps) == 100


def test_what_follows_the_first_500_kib_is_not_read():
    text = b"User-agent: *\nDisallow: /early\n" + b"#" * MAX_ROBOTS_BYTES + b"\nDisallow: /late\n"
    found = rules(text)
    assert not found.allows("https://clone.example/early")
    assert found.allows("https://clone.example/late")
    assert "first 500 KiB" in found.basis


def reply(status: str, body: bytes = b"", extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n" % (status.encode(), len(body), extra) + body


@pytest.mark.parametrize(
    ("answer", "is_allowed"),
    [
        (reply("200 OK", b"User-agent: *\nDisallow: /x"), False),
        (reply("200 OK", b"User-agent: *\nDisallow: /y"), True),
        (reply("404 Not Found"), True),
        (reply("410 Gone"), True),
        (reply("401 Unauthorized"), True),
        (reply("403 Forbidden"), True),
        (reply("403 Forbidden", extra=b"cf-mitigated: challenge\r\n"), True),
        (reply("429 Too Many Requests"), False),
        (reply("500 Oops"), False),
        (reply("503 Busy"), False),
        (reply("302 Found", extra=b"Location: https://other.example/\r\n"), False),
        (b"", False),
        (b"garbage", False),
        (reply("200 OK", b"\x1f\x8bno gzip", b"Content-Encoding: gzip\r\n"), False),
    ],
)
def test_each_answer_for_robots_txt_has_its_meaning(lab, answer: bytes, is_allowed: bool):
    result, server = lab.fetch(answer, path="/robots.txt", purpose=Purpose.ROBOTS, granted=False)
    found = RobotsRules.of_result(result)
    assert found.allows(f"http://127.0.0.1:{server.port}/x") is is_allowed
    assert "robots.txt" in found.basis


def test_the_beginning_of_an_oversized_file_counts(lab):
    body = b"User-agent: *\nDisallow: /x\n" + b"# padding\n" * 200_000
    result, server = lab.fetch(reply("200 OK", body), path="/robots.txt", purpose=Purpose.ROBOTS)
    assert result.outcome is Outcome.TOO_LARGE
    found = RobotsRules.of_result(result)
    assert not found.allows(f"http://127.0.0.1:{server.port}/x")
    assert found.allows(f"http://127.0.0.1:{server.port}/y")


def test_an_oversized_file_that_cannot_be_read_in_part_allows_nothing(lab):
    answer = reply("200 OK", b"x" * 5000, b"Content-Encoding: gzip\r\n")
    limits = Limits(robots_bytes=1000)
    result, _ = lab.fetch(answer, path="/robots.txt", purpose=Purpose.ROBOTS, limits=limits)
    assert result.outcome is Outcome.TOO_LARGE
    assert not RobotsRules.of_result(result).allows("http://127.0.0.1/x")


def test_no_answer_at_all_allows_nothing(lab):
    async def run():
        async with lab.fetcher(resolver=lab.Fixed(OSError("no such name"))) as fetcher:
            permit = lab.permit_for(URL, purpose=Purpose.ROBOTS)
            return await fetcher.fetch(permit, follow=lab.refuse_all)

    assert not RobotsRules.of_result(asyncio.run(run())).allows("https://clone.example/")


def test_a_fetch_without_exchange_allows_nothing():
    result = FetchResult(URL, URL, Purpose.ROBOTS, Outcome.GRANT_EXPIRED, "the grant ended")
    found = RobotsRules.of_result(result)
    assert not found.allows("https://clone.example/")
    assert "the grant ended" in found.basis
