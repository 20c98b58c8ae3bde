"""Hostile servers on loopback that keep, byte for byte, what they received and sent."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp.abc import AbstractResolver
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clonedetect.crawl.fetch import Fetcher, Limits
from clonedetect.models.capture import FetchResult, Purpose
from clonedetect.models.ids import Digest
from clonedetect.models.permit import Permit, Refusal

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@dataclass
class Server:
    """One listening loopback server and what went through it."""

    port: int
    host: str = "127.0.0.1"
    connections: int = 0
    received: list[bytes] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)


class Channel:
    """One connection as a script sees it; every byte sent is recorded."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.request = b""

    async def send(self, data: bytes) -> None:
        self.server.sent[-1] += data
        self.writer.write(data)
        await self.writer.drain()

    async def until_gone(self) -> None:
        await self.reader.read()

    def reset(self) -> None:
        self.writer.transport.abort()


Script = Callable[[Channel], Awaitable[None]]


@asynccontextmanager
async def serving(
    answer: bytes | Script | dict[str, bytes],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    waits: bool = True,
) -> AsyncIterator[Server]:
    """Serve fixed bytes, a script, or bytes by path; the connection closes after each answer.

    Without `waits` the script begins before any request has come.
    """
    server = Server(port, host)
    running: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        channel = Channel(server, reader, writer)
        try:
            if waits:
                channel.request = await reader.readuntil(b"\r\n\r\n")
                server.received.append(channel.request)
            server.sent.append(b"")
            if callable(answer):
                await answer(channel)
            elif isinstance(answer, dict):
                await channel.send(answer[channel.request.split(b" ")[1].decode()])
            else:
                await channel.send(answer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left; what had been sent stands
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    listener = await asyncio.start_server(connected, host, port, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        async with asyncio.timeout(20):  # the clients are gone, so every script ends
            await asyncio.gather(*running)
        await listener.wait_closed()


def permit_for(url: str, *, purpose: Purpose = Purpose.PAGE, **changes: Any) -> Permit:
    parts = urlsplit(url)
    permit = Permit(
        url=url,
        purpose=purpose,
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port or {"http": 80, "https": 443}[parts.scheme],
        grant_id="2026-0117",
        grant_digest=Digest("sha256:" + "0" * 64),
        rule="hosts[0]",
        valid_to=NOW + DAY,
        allow_loopback=True,
    )
    return replace(permit, **changes)


async def refuse_all(url: str) -> Permit | Refusal:
    return Refusal(url, Purpose.PAGE, "not in the grant")


class FixedResolver(AbstractResolver):
    """Answers each call with the next list of addresses, then always with the last."""

    def __init__(self, *answers: list[str] | OSError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, OSError):
            raise answer
        return [
            {"hostname": host, "host": address, "port": port, "family": 0, "proto": 0, "flags": 0}
            for address in answer
        ]

    async def close(self) -> None:
        raise AssertionError("a resolver that was given is closed by who gave it")


def open_fetcher(limits: Limits | None = None, **options: Any) -> Fetcher:
    return Fetcher(
        operator="Example Trust & Safety",
        contact="trust@example.org",
        limits=limits or Limits(idle_s=5, fetch_s=8),
        now=options.pop("now", lambda: NOW),
        **options,
    )


class Lab:
    """The shared tools, handed to tests as one fixture."""

    NOW = NOW
    Fixed = FixedResolver
    serving = staticmethod(serving)
    permit_for = staticmethod(permit_for)
    refuse_all = staticmethod(refuse_all)
    fetcher = staticmethod(open_fetcher)

    def fetch(
        self,
        answer: bytes | Script | dict[str, bytes],
        *,
        path: str = "/",
        purpose: Purpose = Purpose.PAGE,
        limits: Limits | None = None,
        granted: bool = True,
        **options: Any,
    ) -> tuple[FetchResult, Server]:
        """Serve `answer`, fetch `path` from it, and return the result with what the server saw."""

        async def run() -> tuple[FetchResult, Server]:
            async with serving(answer) as server, open_fetcher(limits) as fetcher:
                origin = f"http://127.0.0.1:{server.port}"

                async def follow(url: str) -> Permit | Refusal:
                    if granted and url.startswith(origin):
                        return permit_for(url, purpose=purpose)
                    return await refuse_all(url)

                permit = permit_for(f"{origin}{path}", purpose=purpose)
                return await fetcher.fetch(permit, follow=follow, **options), server

        return asyncio.run(run())


@pytest.fixture
def lab() -> Lab:
    return Lab()


@dataclass(frozen=True)
class Identity:
    """A self-signed certificate for clone.example with the server context that presents it."""

    pem: bytes
    der: bytes
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "clone.example")])
    start = dt.datetime.now(dt.UTC) - DAY
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + 30 * DAY)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("clone.example"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    file: Path = tmp_path_factory.mktemp("tls") / "identity.pem"
    file.write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return Identity(pem, certificate.public_bytes(serialization.Encoding.DER), context)
