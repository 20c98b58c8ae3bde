"""Redirects go where a permit leads, and end with a type where none does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from clonedetect.crawl.fetch import Limits
from clonedetect.models.capture import Outcome, Purpose
from clonedetect.models.permit import Refusal

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def to(location: str, status: int = 302, rest: bytes = b"Content-Length: 0\r\n\r\n") -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n".encode() + rest


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_each_hop_is_an_exchange_of_its_own(lab, status: int):
    result, server = lab.fetch({"/": to("/a?x=1", status), "/a?x=1": to("b#part", status), "/b": OK})
    assert result.outcome is Outcome.OK
    assert result.content == b"hello"
    assert [exchange.status for exchange in result.exchanges] == [status, status, 200]
    assert result.url.endswith("/")
    assert result.final_url == result.exchanges[-1].url == f"http://127.0.0.1:{server.port}/b"
    assert [exchange.response for exchange in result.exchanges] == server.sent
    assert [exchange.request for exchange in result.exchanges] == server.received


def test_five_redirects_are_followed_and_a_sixth_is_not(lab):
    chain = {f"/{n}": to(f"/{n + 1}") for n in range(7)}
    result, server = lab.fetch(chain | {"/5": OK}, path="/0")
    assert (result.outcome, server.connections) == (Outcome.OK, 6)
    result, server = lab.fetch(chain, path="/0")
    assert (result.outcome, server.connections) == (Outcome.REDIRECT_LOOP, 6)


def test_leave_is_not_asked_for_a_redirect_too_many(lab):
    asked = []

    async def run():
        chain = {f"/{n}": to(f"/{n + 1}") for n in range(7)}
        async with lab.serving(chain) as server, lab.fetcher(Limits(redirects=2)) as fetcher:

            async def follow(target: str):
                asked.append(target)
                return lab.permit_for(target)

            return await fetcher.fetch(lab.permit_for(f"http://127.0.0.1:{server.port}/0"), follow=follow)

    assert asyncio.run(run()).outcome is Outcome.REDIRECT_LOOP
    assert [target[-2:] for target in asked] == ["/1", "/2"]


def test_a_304_that_a_redirect_leads_to_answers_no_condition_of_ours(lab):
    pages = {"/": to("/b"), "/b": b"HTTP/1.1 304 Not Modified\r\n\r\n"}
    result, _ = lab.fetch(pages, etag='"1"')
    assert result.outcome is Outcome.HTTP_ERROR


@pytest.mark.parametrize("pages", [{"/": to("/")}, {"/": to("/a"), "/a": to("/")}], ids=["self", "two"])
def test_a_loop_ends_at_its_first_repetition(lab, pages):
    result, server = lab.fetch(pages)
    assert result.outcome is Outcome.REDIRECT_LOOP
    assert server.connections == len(pages)


def test_a_body_that_fails_does_not_stop_a_redirect(lab):
    result, _ = lab.fetch({"/": to("/b", rest=b"Content-Length: 500\r\n\r\ncut"), "/b": OK})
    assert result.outcome is Outcome.OK
    assert result.exchanges[0].truncated


@pytest.mark.parametrize(
    "location",
    ["http://[::1", "http://a b/", "http://127.0.0.1:port/", "http://127.0.0.1:99999/"],
)
def test_a_malformed_location_is_a_protocol_error(lab, location: str):
    result, _ = lab.fetch({"/": to(location)})
    assert result.outcome is Outcome.PROTOCOL_ERROR
    assert "leads nowhere" in result.reason


@pytest.mark.parametrize(
    ("location", "outcome"),
    [
        ("http://127.0.0.2:9/", Outcome.REDIRECTED_AWAY),
        ("//other.example/", Outcome.REDIRECTED_AWAY),
        ("https://127.0.0.1/elsewhere", Outcome.BLOCKED_SCOPE),
        ("http://169.254.169.254/latest/meta-data/", Outcome.REDIRECTED_AWAY),
        ("http://2130706433/", Outcome.REDIRECTED_AWAY),
        ("http://0x7f000001/", Outcome.REDIRECTED_AWAY),
        ("http://127.1/", Outcome.REDIRECTED_AWAY),
        ("http://[::ffff:127.0.0.1]/", Outcome.REDIRECTED_AWAY),
        ("file:///etc/passwd", Outcome.BLOCKED_SCOPE),
        ("javascript:alert(1)", Outcome.BLOCKED_SCOPE),
        ("ftp://127.0.0.1/", Outcome.BLOCKED_SCOPE),
    ],
)
def test_a_refused_target_is_named_and_never_asked(lab, location: str, outcome: Outcome):
    result, server = lab.fetch({"/": to(location)}, granted=False)
    assert result.outcome is outcome
    assert location.removeprefix("//") in result.reason
    assert "not in the grant" in result.reason
    assert server.connections == len(result.exchanges) == 1


def test_a_target_in_another_host_of_the_same_site_is_a_matter_of_scope(lab):
    async def run():
        async with lab.serving(to("http://www.clone.co.uk/x")) as server, lab.fetcher() as fetcher:
            permit = lab.permit_for("http://clone.co.uk/", pinned=("127.0.0.1", server.port))
            return await fetcher.fetch(permit, follow=lab.refuse_all)

    assert asyncio.run(run()).outcome is Outcome.BLOCKED_SCOPE


def test_a_target_past_its_length_is_not_even_put_to_the_grant(lab):
    result, _ = lab.fetch({"/": to("/" + "a" * 3_000)}, granted=False)
    assert result.outcome is Outcome.BLOCKED_SCOPE
    assert "not in the grant" not in result.reason


def test_a_permit_past_the_length_is_not_asked(lab):
    async def run():
        async with lab.serving({"/": to("/b"), "/b": OK}) as server, lab.fetcher() as fetcher:

            async def follow(target: str):
                return lab.permit_for(target + "?" + "a" * 2_083)

            return await fetcher.fetch(lab.permit_for(f"http://127.0.0.1:{server.port}/"), follow=follow)

    result = asyncio.run(run())
    assert result.outcome is Outcome.BLOCKED_SCOPE
    assert len(result.exchanges) == 1


def test_bytes_outside_ascii_in_a_location_are_percent_encoded(lab):
    result, _ = lab.fetch({"/": to("/caf\u00e9"), "/caf%C3%A9": OK})
    assert result.outcome is Outcome.OK


def test_the_grant_may_end_between_two_hops(lab):
    async def run():
        async with lab.serving({"/": to("/b"), "/b": OK}) as server, lab.fetcher() as fetcher:
            url = f"http://127.0.0.1:{server.port}/"

            async def follow(target: str):
                return replace(lab.permit_for(target), valid_to=lab.NOW - timedelta(seconds=1))

            return await fetcher.fetch(lab.permit_for(url), follow=follow), server

    result, server = asyncio.run(run())
    assert result.outcome is Outcome.GRANT_EXPIRED
    assert len(result.exchanges) == server.connections == 1


def test_conditions_go_with_the_first_request_only(lab):
    _, server = lab.fetch({"/": to("/b"), "/b": OK}, etag='"1"')
    assert [b"If-None-Match" in request for request in server.received] == [True, False]


def test_waiting_for_leave_to_follow_is_not_network_time(lab):
    async def run():
        limits = Limits(idle_s=5, fetch_s=0.8)
        async with lab.serving({"/": to("/b"), "/b": OK}) as server, lab.fetcher(limits) as fetcher:

            async def follow(target: str):
                await asyncio.sleep(1.0)
                return lab.permit_for(target)

            return await fetcher.fetch(lab.permit_for(f"http://127.0.0.1:{server.port}/"), follow=follow)

    assert asyncio.run(run()).outcome is Outcome.OK


def test_all_hops_share_one_allowance_of_network_time(lab):
    async def slow(channel) -> None:
        await asyncio.sleep(0.15)
        number = int(channel.request.split(b" ")[1][1:])
        await channel.send(to(f"/{number + 1}"))

    result, _ = lab.fetch(slow, path="/0", limits=Limits(fetch_s=0.4))
    assert result.outcome is Outcome.TIMEOUT
    assert len(result.exchanges) <= 3


def test_the_reason_of_a_refusal_is_passed_on(lab):
    async def run():
        async with lab.serving(to("/private")) as server, lab.fetcher() as fetcher:

            async def follow(target: str):
                return Refusal(target, Purpose.PAGE, "robots.txt disallows it")

            return await fetcher.fetch(lab.permit_for(f"http://127.0.0.1:{server.port}/"), follow=follow)

    result = asyncio.run(run())
    assert result.outcome is Outcome.BLOCKED_SCOPE
    assert result.reason.endswith("robots.txt disallows it")
