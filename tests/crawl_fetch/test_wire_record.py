"""What is recorded is what went over the socket, on both sides, however odd."""

from __future__ import annotations

import asyncio
import gzip
import random

import pytest

from clonedetect.crawl import exchange, wire
from clonedetect.crawl.decode import decode_record
from clonedetect.crawl.selftest import SelfTest, self_test
from clonedetect.models.capture import Outcome, Peer, Purpose, WireFidelity

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
PACKED = gzip.compress(b"<p>caption</p>")

ODD = {
    "header spacing": b"HTTP/1.1 200  All  Right\r\ncontent-LENGTH:   5\r\n"
    b"X-Empty:\r\nX-Tab:\tone\t\r\n\r\nhello",
    "chunks with extensions and trailers": CHUNKED + b"Trailer: X-Sum\r\n\r\n"
    + b'2;name="a b"\r\nhe\r\n0003\r\nllo\r\n0\r\nX-Sum: 1\r\n\r\n',
    "interim responses": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "an empty line first": b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "until the connection ends": b"HTTP/1.0 200 OK\r\n\r\nhello",
    "bytes behind the end": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello world",
    "a body with 204": b"HTTP/1.1 204 No Content\r\n\r\nhello",
    "a name with odd characters": b"HTTP/1.1 200 OK\r\nX.Odd!~: 1\r\nContent-Length: 5\r\n\r\nhello",
    "100 cookies": b"HTTP/1.1 200 OK\r\n" + b"Set-Cookie: a=b\r\n" * 100 + b"\r\nhello",
    "bytes outside ascii": b"HTTP/1.1 200 OK\r\nX-Name: \xc3\xa9\xff\r\nContent-Length: 5\r\n\r\nhello",
    "gzip in chunks": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"%x\r\n%b\r\n0\r\n\r\n" % (len(PACKED), PACKED),
}  # fmt: skip

BROKEN = {
    "duplicate content-length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "two framings": CHUNKED + b"Content-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a folded line first": b"HTTP/1.1 200 OK\r\n Content-Length: 5\r\n\r\nhello",
    "300 cookies": b"HTTP/1.1 200 OK\r\n" + b"Set-Cookie: a=b\r\n" * 300 + b"\r\nhello",
    "http/0.9": b"<html>hello</html>",
    "random bytes": bytes(range(256)),
    "short content-length": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
    "cut chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "bad chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n",
    "head without end": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\nhello",
    "part that nobody asked for": b"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\nhello",
    "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
}


@pytest.mark.parametrize("response", ODD.values(), ids=ODD.keys())
def test_an_odd_response_is_kept_to_the_byte_and_read(lab, response: bytes):
    result, server = lab.fetch(response)
    exchange = result.exchanges[0]
    assert result.outcome is Outcome.OK, result.reason
    assert exchange.response == server.sent[0] == response
    assert exchange.request == server.received[0]
    assert exchange.fidelity is WireFidelity.EXACT
    assert exchange.truncated is None
    assert decode_record(exchange.response, exchange.header_length) == result.content


@pytest.mark.parametrize("response", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_response_leaves_its_bytes_and_a_typed_outcome(lab, response: bytes):
    result, server = lab.fetch(response)
    exchange = result.exchanges[0]
    assert result.outcome in (Outcome.PROTOCOL_ERROR, Outcome.HTTP_ERROR), result
    assert exchange.response == server.sent[0] == response
    assert exchange.request == server.received[0]
    assert result.reason
    assert result.outcome is Outcome.PROTOCOL_ERROR or exchange.status == 101


def test_an_excess_does_not_excuse_a_head_that_is_refused(lab):
    head = b"HTTP/1.1 200 OK\r\nX-Large: " + b"y" * 100_000 + b"\r\nContent-Length: 5\r\n\r\n"
    result, _ = lab.fetch(head + b"hello world")
    assert result.outcome is Outcome.PROTOCOL_ERROR


def mutated(response: bytes, dice: random.Random) -> bytes:
    """Return `response` with a few bytes removed, doubled, replaced or put in that parsers trip over."""
    data = bytearray(response)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data) + 1)
        kind = dice.randrange(4)
        if kind == 0:
            del data[at : at + dice.randint(1, 6)]
        elif kind == 1:
            data[at:at] = data[at : at + dice.randint(1, 20)]
        elif kind == 2:
            data[at : at + 1] = bytes([dice.randrange(256)])
        else:
            data[at:at] = dice.choice([b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"\t", b";", b"\xff", b"0"])
    return bytes(data)


def test_whatever_a_server_sends_ends_in_a_type_and_in_its_own_bytes(lab):
    dice = random.Random(20261122)
    extra = b"Set-Cookie: a=b; Path=/\r\nLocation: /x\r\nContent-Type: text/html; charset=x\r\n"
    sources = [*ODD.values(), *BROKEN.values()]
    sources += [source.replace(b"\r\n", b"\r\n" + extra, 1) for source in sources]
    responses = {f"/{n}": mutated(dice.choice(sources), dice) for n in range(600)}

    async def run():
        limits = exchange.Limits(idle_s=5, fetch_s=8)
        async with lab.serving(responses) as server, lab.fetcher(limits) as fetcher:
            gate = asyncio.Semaphore(8)

            async def fetch(path: str):
                async with gate:
                    permit = lab.permit_for(f"http://127.0.0.1:{server.port}{path}")
                    return path, await fetcher.fetch(permit, follow=lab.refuse_all)

            return await asyncio.gather(*map(fetch, responses))

    outcomes = set()
    for path, result in asyncio.run(run()):
        asked = result.exchanges[0]
        outcomes.add(result.outcome)
        assert responses[path].startswith(asked.response)
        if result.outcome is Outcome.OK:
            assert decode_record(asked.response, asked.header_length) == result.content
        else:
            assert result.reason
    assert {Outcome.OK, Outcome.PROTOCOL_ERROR, Outcome.DECODE_ERROR} <= outcomes
    assert Outcome.TIMEOUT not in outcomes


def test_what_followed_a_whole_response_is_said(lab):
    result, _ = lab.fetch(ODD["bytes behind the end"])
    assert result.content == b"hello"
    assert "followed the end" in result.reason


def test_the_request_names_tool_operator_and_contact_and_nothing_else(lab):
    _, server = lab.fetch(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", path="/a%2Cb/%C3%A9?q=1%20+2")
    lines = server.received[0].decode().split("\r\n")
    assert lines[0] == "GET /a%2Cb/%C3%A9?q=1%20+2 HTTP/1.1"
    names = [line.partition(":")[0] for line in lines[1:] if line]
    assert names == ["Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"]
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert "Accept-Encoding: gzip" in lines
    agent = next(line for line in lines if line.startswith("User-Agent"))
    assert agent.startswith("User-Agent: clonedetect/")
    assert "Example Trust & Safety; trust@example.org" in agent


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/a//b//",
        "/a;p=1/",
        "/%7Ea/%2e%2E/",
        "/a|b",
        "/?q=[1]&r={2}",
        "/?a=1&a=2&=",
        "/proxy/https:||x||y",
        "/+",
    ],
)
def test_the_url_is_asked_for_letter_by_letter(lab, target: str):
    _, server = lab.fetch(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", path=target)
    assert server.received[0].split(b"\r\n")[0] == b"GET " + target.encode() + b" HTTP/1.1"


def test_no_cookie_comes_back(lab):
    async def run():
        answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: id=1\r\nContent-Length: 0\r\n\r\n"
        async with lab.serving(answer) as server, lab.fetcher() as fetcher:
            permit = lab.permit_for(f"http://127.0.0.1:{server.port}/")
            for _ in range(2):
                await fetcher.fetch(permit, follow=lab.refuse_all)
        return server

    server = asyncio.run(run())
    assert server.connections == 2
    assert not any(b"cookie" in request.lower() for request in server.received)


def test_the_peer_is_that_of_the_socket_and_times_are_those_of_the_clock(lab):
    result, server = lab.fetch(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    exchange = result.exchanges[0]
    assert exchange.peer == Peer("127.0.0.1", server.port)
    assert exchange.started_at == exchange.finished_at == lab.NOW
    assert exchange.tls is None


def test_a_server_that_speaks_first_is_not_recorded_twice(lab):
    response = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

    async def speak(channel) -> None:
        await channel.send(response)
        await channel.until_gone()

    async def run():
        async with lab.serving(speak, waits=False) as server, lab.fetcher() as fetcher:
            permit = lab.permit_for(f"http://127.0.0.1:{server.port}/")
            return await fetcher.fetch(permit, follow=lab.refuse_all)

    assert asyncio.run(run()).exchanges[0].response == response


def test_many_exchanges_at_once_do_not_mix(lab):
    async def echo(channel):
        body = channel.request.split(b" ")[1] * 2000
        await channel.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async def run():
        async with lab.serving(echo) as server, lab.fetcher() as fetcher:
            urls = [f"http://127.0.0.1:{server.port}/page-{n:02}" for n in range(24)]
            fetches = [fetcher.fetch(lab.permit_for(url), follow=lab.refuse_all) for url in urls]
            return await asyncio.gather(*fetches), server

    results, server = asyncio.run(run())
    for number, result in enumerate(results):
        assert result.content == b"/page-%02d" % number * 2000
    assert sorted(result.exchanges[0].response for result in results) == sorted(server.sent)
    assert sorted(result.exchanges[0].request for result in results) == sorted(server.received)


def test_the_self_test_proves_the_hook():
    found = asyncio.run(self_test())
    assert found == SelfTest(True, "requests and responses are recorded byte for byte")
    assert found.fidelity is WireFidelity.EXACT


class _Deaf(wire.Recording):
    """A recording whose hook stopped working."""

    def keep(self, data: bytes) -> bytes:
        return data


class _Bent(wire.Recording):
    """A recording that normalises, as clients that rebuild messages do."""

    def keep(self, data: bytes) -> bytes:
        return super().keep(data.replace(b"x-ODD", b"X-Odd"))


@pytest.mark.parametrize("recording", [_Deaf, _Bent])
def test_the_self_test_finds_a_hook_that_does_not_hold(monkeypatch, recording):
    monkeypatch.setattr("clonedetect.crawl.selftest.Recording", recording)
    found = asyncio.run(self_test())
    assert not found.is_exact
    assert "response differs" in found.detail
    assert found.fidelity is WireFidelity.RECONSTRUCTED


def test_the_self_test_needs_a_listener(monkeypatch):
    async def no_listener(*arguments):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(asyncio, "start_server", no_listener)
    found = asyncio.run(self_test())
    assert not found.is_exact
    assert "not permitted" in found.detail


def test_the_self_test_needs_the_peer(monkeypatch):
    monkeypatch.setattr(wire, "note_connection", lambda recording, transport: None)
    found = asyncio.run(self_test())
    assert not found.is_exact
    assert "peer" in found.detail


def test_an_open_fetcher_tells_what_its_self_test_found(lab):
    async def run():
        async with lab.fetcher() as fetcher:
            return fetcher.wire_test

    assert asyncio.run(run()).is_exact


def test_the_self_test_finds_a_door_that_is_closed(monkeypatch):
    monkeypatch.setattr(wire, "_RecordedHandler", lambda loop, recording: wire.ResponseHandler(loop))
    found = asyncio.run(self_test())
    assert "request differs" in found.detail


def test_without_a_working_hook_records_say_that_they_are_reconstructed(lab, monkeypatch):
    monkeypatch.setattr(wire, "_RecordedHandler", lambda loop, recording: wire.ResponseHandler(loop))
    result, server = lab.fetch(ODD["gzip in chunks"])
    exchange = result.exchanges[0]
    assert exchange.fidelity is WireFidelity.RECONSTRUCTED
    assert result.outcome is Outcome.OK
    assert result.content == b"<p>caption</p>"
    assert decode_record(exchange.response, exchange.header_length) == b"<p>caption</p>"
    assert exchange.request.split(b"\r\n")[0] == server.received[0].split(b"\r\n")[0]
    assert exchange.peer == Peer("127.0.0.1", server.port)


def test_without_a_working_hook_the_limits_still_hold(lab, monkeypatch):
    monkeypatch.setattr(wire, "_RecordedHandler", lambda loop, recording: wire.ResponseHandler(loop))
    result, _ = lab.fetch(endless, limits=exchange.Limits(page_bytes=50_000))
    assert result.outcome is Outcome.TOO_LARGE
    assert len(result.exchanges[0].response) < 200_000


async def endless(channel) -> None:
    await channel.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await channel.send(b"x" * 10_000)


def test_a_favicon_is_asked_for_as_a_picture(lab):
    _, server = lab.fetch(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", purpose=Purpose.FAVICON)
    assert b"Accept: image/*" in server.received[0]
