"""No grant, no socket: where the fetcher connects to, and where it never does."""

from __future__ import annotations

import ast
import asyncio
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import clonedetect.crawl.fetch
from clonedetect.crawl.resolver import SystemResolver
from clonedetect.models.capture import Outcome, Peer
from clonedetect.models.permit import Refusal

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
_connects: list[tuple[object, ...]] | None = None


def _listen_to_connects(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and _connects is not None:
        _connects.append(tuple(arguments[1]) if isinstance(arguments[1], tuple) else (arguments[1],))


sys.addaudithook(_listen_to_connects)


@pytest.fixture
def connects() -> Iterator[list[tuple[object, ...]]]:
    """Every address that this process connects to during the test, as the interpreter itself sees it."""
    global _connects  # noqa: PLW0603  an audit hook cannot be removed
    _connects = []
    yield _connects
    _connects = None


def test_a_redirect_to_another_loopback_address_is_not_followed(lab, connects):
    async def run():
        async with lab.serving(OK, host="127.0.0.2") as honeypot:
            trap = f"http://127.0.0.2:{honeypot.port}/"
            answer = f"HTTP/1.1 302 Found\r\nLocation: {trap}\r\nContent-Length: 0\r\n\r\n".encode()
            async with lab.serving(answer) as server, lab.fetcher() as fetcher:
                connects.clear()
                permit = lab.permit_for(f"http://127.0.0.1:{server.port}/")
                result = await fetcher.fetch(permit, follow=lab.refuse_all)
            return result, server, honeypot

    result, server, honeypot = asyncio.run(run())
    assert result.outcome is Outcome.REDIRECTED_AWAY
    assert honeypot.connections == 0
    assert connects == [("127.0.0.1", server.port)]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "169.254.169.254",
        "10.0.0.1",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "168.63.129.16",
        "224.0.0.1",
    ],
)
def test_a_literal_that_is_not_public_is_blocked_at_the_socket(lab, connects, host: str):
    async def run():
        async with lab.fetcher() as fetcher:
            connects.clear()
            permit = lab.permit_for(f"http://{host}:8080/", allow_loopback=False)
            return await fetcher.fetch(permit, follow=lab.refuse_all)

    result = asyncio.run(run())
    assert result.outcome is Outcome.BLOCKED_ADDRESS
    assert result.reason
    assert connects == []


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0177.0.0.1", "127.0.0.01"])
def test_numbers_in_disguise_are_blocked_even_where_loopback_is_allowed(lab, connects, host: str):
    async def run():
        async with lab.fetcher(resolver=SystemResolver()) as fetcher:
            connects.clear()
            return await fetcher.fetch(lab.permit_for(f"http://{host}:8080/"), follow=lab.refuse_all)

    result = asyncio.run(run())
    assert result.outcome is Outcome.BLOCKED_ADDRESS
    assert connects == []


@pytest.mark.parametrize("allow_loopback", [False, True])
def test_loopback_permission_lets_in_nothing_else_that_is_private(lab, connects, allow_loopback: bool):
    async def run():
        resolver = lab.Fixed(["10.0.0.1", "192.168.1.1", "169.254.169.254", "::ffff:127.0.0.1"])
        async with lab.fetcher(resolver=resolver) as fetcher:
            connects.clear()
            permit = lab.permit_for("http://clone.example/", allow_loopback=allow_loopback)
            return await fetcher.fetch(permit, follow=lab.refuse_all)

    result = asyncio.run(run())
    assert result.outcome is Outcome.BLOCKED_ADDRESS
    assert all(word in result.reason for word in ("10.0.0.1", "192.168.1.1", "metadata", "mapped"))
    assert result.exchanges[0].dns == ("10.0.0.1", "192.168.1.1", "169.254.169.254", "::ffff:127.0.0.1")
    assert result.exchanges[0].peer is None
    assert connects == []


def test_a_name_that_rebinds_is_blocked_by_the_address_it_finally_gives(lab, connects):
    async def run():
        async with lab.serving(OK) as honeypot:
            resolver = lab.Fixed(["192.0.0.1"], ["127.0.0.1"])
            async with lab.fetcher(resolver=resolver) as fetcher:
                connects.clear()
                permit = lab.permit_for(f"http://clone.example:{honeypot.port}/", allow_loopback=False)
                results = [await fetcher.fetch(permit, follow=lab.refuse_all) for _ in range(3)]
            return results, honeypot, resolver

    results, honeypot, resolver = asyncio.run(run())
    assert [result.outcome for result in results] == [Outcome.BLOCKED_ADDRESS] * 3
    assert [result.exchanges[0].dns for result in results] == [
        ("192.0.0.1",),
        ("127.0.0.1",),
        ("127.0.0.1",),
    ]
    assert resolver.asked == ["clone.example"] * 3
    assert honeypot.connections == 0
    assert connects == []


def test_a_name_with_one_good_address_is_reached_there(lab, connects):
    async def run():
        resolver = lab.Fixed(["10.0.0.1", "127.0.0.1"])
        async with lab.serving(OK) as server, lab.fetcher(resolver=resolver) as fetcher:
            connects.clear()
            permit = lab.permit_for(f"http://clone.example:{server.port}/")
            return await fetcher.fetch(permit, follow=lab.refuse_all), server

    result, server = asyncio.run(run())
    assert result.outcome is Outcome.OK
    assert connects == [("127.0.0.1", server.port)]
    assert b"Host: clone.example:%d\r\n" % server.port in server.received[0]


def test_the_next_address_is_tried_where_one_does_not_answer(lab):
    async def run():
        resolver = lab.Fixed(["127.0.0.9", "127.0.0.1"])
        async with lab.serving(OK) as server, lab.fetcher(resolver=resolver) as fetcher:
            permit = lab.permit_for(f"http://clone.example:{server.port}/")
            return await fetcher.fetch(permit, follow=lab.refuse_all), server

    result, server = asyncio.run(run())
    assert result.exchanges[0].peer == Peer("127.0.0.1", server.port)


@pytest.mark.parametrize(
    "answer",
    [socket.gaierror(-2, "Name or service not known"), []],
    ids=["unknown", "no address"],
)
def test_a_name_without_address_is_a_dns_error(lab, answer):
    async def run():
        async with lab.fetcher(resolver=lab.Fixed(answer)) as fetcher:
            return await fetcher.fetch(lab.permit_for("http://gone.example/"), follow=lab.refuse_all)

    result = asyncio.run(run())
    assert result.outcome is Outcome.DNS_ERROR
    assert result.exchanges[0].request == result.exchanges[0].response == b""


def test_a_label_that_no_name_can_have_is_a_dns_error(lab):
    async def run():
        async with lab.fetcher() as fetcher:
            permit = lab.permit_for(f"http://{'a' * 70}.invalid/")
            return await fetcher.fetch(permit, follow=lab.refuse_all)

    assert asyncio.run(run()).outcome is Outcome.DNS_ERROR


def test_a_pinned_name_is_answered_by_its_loopback_server_and_not_by_dns(lab, connects):
    async def run():
        resolver = lab.Fixed(["93.184.216.34"])
        async with lab.serving(OK) as server, lab.fetcher(resolver=resolver) as fetcher:
            connects.clear()
            permit = lab.permit_for(
                "http://clone.example/", pinned=("127.0.0.1", server.port), allow_loopback=False
            )
            return await fetcher.fetch(permit, follow=lab.refuse_all), server, resolver

    result, server, resolver = asyncio.run(run())
    assert result.outcome is Outcome.OK
    assert result.exchanges[0].dns == ("127.0.0.1",)
    assert result.exchanges[0].peer == Peer("127.0.0.1", server.port)
    assert b"\r\nHost: clone.example\r\n" in server.received[0]
    assert resolver.asked == []
    assert connects == [("127.0.0.1", server.port)]


def test_a_name_pinned_elsewhere_than_to_loopback_is_blocked(lab, connects):
    async def run():
        async with lab.fetcher() as fetcher:
            connects.clear()
            permit = lab.permit_for("http://clone.example/", pinned=("93.184.216.34", 80))
            return await fetcher.fetch(permit, follow=lab.refuse_all)

    assert asyncio.run(run()).outcome is Outcome.BLOCKED_ADDRESS
    assert connects == []


def test_a_literal_host_cannot_slip_past_its_pin(lab, connects):
    async def run():
        async with lab.serving(OK) as server, lab.fetcher() as fetcher:
            connects.clear()
            permit = lab.permit_for(f"http://127.0.0.1:{server.port}/", pinned=("127.0.0.1", 1))
            return await fetcher.fetch(permit, follow=lab.refuse_all)

    assert asyncio.run(run()).outcome is Outcome.BLOCKED_ADDRESS
    assert connects == []


@pytest.mark.parametrize(
    ("url", "restriction"),
    [("https://clone.example/", "is_clear_tls"), ("http://clone.example/", "is_loopback_only")],
    ids=["https in clear", "rehearsal"],
)
def test_a_permit_restricted_to_loopback_reaches_nothing_else(lab, connects, url: str, restriction: str):
    async def run():
        async with lab.fetcher(resolver=lab.Fixed(["93.184.216.34"])) as fetcher:
            connects.clear()
            permit = lab.permit_for(url, **{restriction: True})
            return await fetcher.fetch(permit, follow=lab.refuse_all)

    assert asyncio.run(run()).outcome is Outcome.BLOCKED_ADDRESS
    assert connects == []


def test_proxies_of_the_environment_are_not_used(lab, connects, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.3:9/")
    result, server = lab.fetch(OK)
    assert result.outcome is Outcome.OK
    assert ("127.0.0.3", 9) not in connects
    assert ("127.0.0.1", server.port) in connects


def test_a_refusal_is_no_permit(lab, connects):
    async def run():
        async with lab.fetcher() as fetcher:
            connects.clear()
            refusal = Refusal("http://127.0.0.1/", clonedetect.crawl.fetch.Purpose.PAGE, "no")
            with pytest.raises(AttributeError):
                await fetcher.fetch(refusal, follow=lab.refuse_all)

    asyncio.run(run())
    assert connects == []


OPENERS = {
    "socket",
    "create_connection",
    "create_server",
    "create_datagram_endpoint",
    "open_connection",
    "open_unix_connection",
    "start_server",
    "TCPConnector",
    "UnixConnector",
    "ClientSession",
    "request",
    "urlopen",
    "HTTPConnection",
    "HTTPSConnection",
    "sock_connect",
}
ALLOWED_OPENERS = {
    ("crawl/wire.py", "socket"),  # behind the guard
    ("crawl/wire.py", "TCPConnector"),  # with the guard as its socket factory
    ("crawl/wire.py", "ClientSession"),
    ("crawl/exchange.py", "request"),  # on that session
    ("crawl/selftest.py", "start_server"),  # our own loopback listener
    # The one connection outside a grant: to the timestamp authorities that the operator names.
    ("timestamp/wire.py", "HTTPConnection"),
    ("timestamp/wire.py", "HTTPSConnection"),
    ("timestamp/wire.py", "request"),
}


def test_only_the_named_places_of_the_package_can_open_a_socket():
    found = set()
    package = Path(clonedetect.__file__).parent
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                if name in OPENERS:
                    found.add((file.relative_to(package).as_posix(), name))
    assert found == ALLOWED_OPENERS


def test_the_connection_to_authorities_is_used_where_a_person_named_them_and_nowhere_else():
    package = Path(clonedetect.__file__).parent
    importers = {
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "clonedetect.timestamp.wire"
    }
    assert importers == {"timestamp/inquiry.py"}
