"""TLS is verified; what was presented is kept, also by those that are refused."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.crawl import tls
from clonedetect.crawl.tls import certificates_in, context_for
from clonedetect.errors import GrantError
from clonedetect.models.capture import Outcome, Peer, TlsFacts

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def fetch_tls(lab, context, *, host: str = "clone.example", **changes):
    async def run():
        async with lab.serving(OK, tls=context) as server, lab.fetcher() as fetcher:
            pinned = ("127.0.0.1", server.port)
            permit = lab.permit_for(f"https://{host}/page", **({"pinned": pinned} | changes))
            return await fetcher.fetch(permit, follow=lab.refuse_all), server

    return asyncio.run(run())


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def version(request, identity):
    context = identity.context
    before = context.minimum_version, context.maximum_version
    context.minimum_version = context.maximum_version = request.param
    yield request.param.name.replace("_", ".")
    context.minimum_version, context.maximum_version = before


def test_a_self_signed_certificate_is_refused_and_kept(lab, identity, version):
    result, server = fetch_tls(lab, identity.context)
    exchange = result.exchanges[0]
    assert result.outcome is Outcome.TLS_ERROR
    assert "self-signed certificate" in result.reason
    assert exchange.tls is not None
    assert exchange.tls.certificates == (identity.der,)
    assert exchange.tls.verified is False
    assert exchange.peer == Peer("127.0.0.1", server.port)
    assert exchange.request == exchange.response == b""
    assert server.received == []


def test_a_root_that_the_grant_trusts_makes_it_good(lab, identity, version):
    result, server = fetch_tls(lab, identity.context, trust_root=identity.pem)
    exchange = result.exchanges[0]
    assert result.outcome is Outcome.OK, result.reason
    assert isinstance(exchange.tls, TlsFacts)
    assert (exchange.tls.version, exchange.tls.verified) == (version, True)
    assert exchange.tls.cipher
    assert exchange.tls.certificates == (identity.der,)
    assert exchange.response == server.sent[0] == OK
    assert exchange.request == server.received[0]
    assert b"\r\nHost: clone.example\r\n" in exchange.request


def test_a_root_trusted_for_one_permit_is_not_trusted_for_the_next(lab, identity):
    assert fetch_tls(lab, identity.context, trust_root=identity.pem)[0].outcome is Outcome.OK
    assert fetch_tls(lab, identity.context)[0].outcome is Outcome.TLS_ERROR


def test_a_certificate_for_another_name_is_refused_and_kept(lab, identity):
    result, _ = fetch_tls(lab, identity.context, host="other.example", trust_root=identity.pem)
    assert result.outcome is Outcome.TLS_ERROR
    assert "other.example" in result.reason
    assert result.exchanges[0].tls.certificates == (identity.der,)


def test_a_port_that_does_not_speak_tls_is_a_tls_error_without_certificate(lab):
    async def plain(channel) -> None:
        await channel.reader.read(10)
        await channel.send(b"HTTP/1.1 400 Speak plainly\r\n\r\n")

    async def run():
        async with lab.serving(plain, waits=False) as server, lab.fetcher() as fetcher:
            permit = lab.permit_for("https://clone.example/", pinned=("127.0.0.1", server.port))
            return await fetcher.fetch(permit, follow=lab.refuse_all)

    result = asyncio.run(run())
    assert result.outcome is Outcome.TLS_ERROR
    assert result.exchanges[0].tls is None


def test_https_in_clear_speaks_http_under_the_https_name(lab):
    result, server = fetch_tls(lab, None, is_clear_tls=True)
    exchange = result.exchanges[0]
    assert result.outcome is Outcome.OK
    assert exchange.url == result.final_url == "https://clone.example/page"
    assert exchange.tls is None
    assert b"\r\nHost: clone.example\r\n" in server.received[0]


def test_handshakes_at_once_keep_their_own_certificates(lab, identity):
    async def run():
        async with lab.serving(OK, tls=identity.context) as server, lab.fetcher() as fetcher:
            pinned = ("127.0.0.1", server.port)
            permits = [
                lab.permit_for(
                    f"https://clone.example/{n}", pinned=pinned, trust_root=identity.pem if n % 2 else None
                )
                for n in range(8)
            ]
            return await asyncio.gather(*(fetcher.fetch(p, follow=lab.refuse_all) for p in permits))

    for number, result in enumerate(asyncio.run(run())):
        assert result.outcome is (Outcome.OK if number % 2 else Outcome.TLS_ERROR)
        assert result.exchanges[0].tls.verified is bool(number % 2)
        assert result.exchanges[0].tls.certificates == (identity.der,)


def test_without_the_callback_the_leaf_of_a_good_connection_is_still_kept(lab, identity, monkeypatch):
    monkeypatch.setattr(tls, "certificates_in", lambda data, is_tls13: ())
    result, _ = fetch_tls(lab, identity.context, trust_root=identity.pem)
    assert result.exchanges[0].tls.certificates == (identity.der,)


def test_a_trust_root_that_is_no_certificate_is_the_grants_fault():
    with pytest.raises(GrantError, match="PEM"):
        context_for(b"not a certificate")


def message(certificates: list[bytes], *, is_tls13: bool) -> bytes:
    entries = b"".join(
        len(der).to_bytes(3, "big") + der + (b"\0\2xx" if is_tls13 else b"") for der in certificates
    )
    body = (b"\3ctx" if is_tls13 else b"") + len(entries).to_bytes(3, "big") + entries
    return b"\x0b" + len(body).to_bytes(3, "big") + body


@given(st.lists(st.binary(min_size=1, max_size=400), max_size=8), st.booleans())
def test_the_chain_is_read_from_the_handshake_leaf_first(certificates: list[bytes], is_tls13: bool):
    found = certificates_in(message(certificates, is_tls13=is_tls13), is_tls13=is_tls13)
    assert found == tuple(certificates)


@given(st.binary(max_size=200), st.booleans())
def test_a_malformed_handshake_message_never_raises(data: bytes, is_tls13: bool):
    assert all(part in data for part in certificates_in(data, is_tls13=is_tls13))
