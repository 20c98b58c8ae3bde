"""One request on one guarded connection, recorded byte for byte.

The recording stands between transport and protocol: `asyncio` calls a tee,
the tee keeps the bytes and passes them on, so nothing that aiohttp does with
its buffers (replaying early bytes, resuming) can double or lose any. Every
exchange has a connector, a session and a connection of its own: nothing is
shared between two permits, no pool, no DNS cache, no silent second attempt.

`guarded_sockets` is the only place of the crawl that makes a socket, and it
sees the final address of literals and of resolved names alike, so a name that
changes its answer between check and connection gains nothing.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Callable, Iterable
from typing import Any, cast

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler

from clonedetect.crawl.addresses import parse_address, refusal_of
from clonedetect.crawl.decode import Head
from clonedetect.crawl.tls import TlsNotes
from clonedetect.models.capture import Peer

__all__ = ["BlockedAddressError", "Guard", "Recording", "guarded_session"]

Guard = Callable[[str, int], str | None]
"""Why a connection to (address, port) is refused, or None."""

AddrInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]


class BlockedAddressError(OSError):
    """The socket guard refused an address; an OSError, so that the next address of a name is tried."""


class Recording:
    """What went over one connection; grows while the exchange runs.

    `limit_bytes` bounds `response`; the byte past it sets `is_over` and breaks
    the connection, so no server decides how much memory it takes. `head` is
    the response's, once it was complete and read.
    """

    __slots__ = (
        "attempted",
        "dns",
        "head",
        "is_over",
        "limit_bytes",
        "peer",
        "refusals",
        "request",
        "response",
        "tls",
        "transport",
    )

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.request = bytearray()
        self.response = bytearray()
        self.head: Head | None = None
        self.is_over = False
        self.peer: Peer | None = None
        self.attempted: Peer | None = None
        self.dns: tuple[str, ...] = ()
        self.refusals: list[str] = []
        self.tls = TlsNotes()
        self.transport: asyncio.Transport | None = None

    def connected_peer(self) -> Peer | None:
        """Return whom the socket reached; addresses are tried in turn, so it is the last one attempted."""
        if self.peer is None and (self.response or self.tls.connection is not None):
            return self.attempted
        return self.peer

    def hang_up(self) -> None:
        """End the connection now; a polite TLS farewell would wait half a minute for a server's reply."""
        if self.transport is not None:
            self.transport.abort()

    def keep(self, data: bytes) -> bytes:
        """Record what of `data` fits and return that."""
        fitting = data[: max(0, self.limit_bytes - len(self.response))]
        self.response += fitting
        self.is_over = self.is_over or len(fitting) < len(data)
        return fitting


class _RecordingTransport(asyncio.Transport):
    """The transport as the protocol sees it: what is written is recorded and goes on."""

    def __init__(self, transport: asyncio.Transport, recording: Recording) -> None:
        super().__init__()
        self._transport = transport
        self._recording = recording

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._recording.request += data
        self._transport.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()


class _Tee(asyncio.Protocol):
    """What asyncio calls from the first byte on; it records and passes on to aiohttp's protocol."""

    def __init__(self, inner: ResponseHandler, transport: asyncio.Transport, recording: Recording) -> None:
        self._inner = inner
        self._transport = transport
        self._recording = recording

    def data_received(self, data: bytes) -> None:
        fitting = self._recording.keep(data)
        if fitting:
            self._inner.data_received(fitting)
        if self._recording.is_over:
            self._transport.abort()

    def eof_received(self) -> None:
        self._inner.eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


class _RecordedHandler(ResponseHandler):
    """aiohttp's protocol, put behind a tee as soon as its connection is made."""

    def __init__(self, loop: asyncio.AbstractEventLoop, recording: Recording) -> None:
        super().__init__(loop)
        self._recording = recording

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the peer and the encryption of this very socket, and begin to record."""
        stream = cast("asyncio.Transport", transport)  # that of a TCP or TLS connection always is one
        self._recording.transport = stream
        note_connection(self._recording, stream)
        stream.set_protocol(_Tee(self, stream, self._recording))
        super().connection_made(_RecordingTransport(stream, self._recording))


def note_connection(recording: Recording, transport: asyncio.BaseTransport) -> None:
    """Write peer and TLS facts of an established connection into `recording`."""
    name = transport.get_extra_info("peername")  # None where the other side is gone already
    recording.peer = Peer(name[0], name[1]) if name else recording.attempted
    encrypted = transport.get_extra_info("ssl_object")
    if encrypted is not None:
        recording.tls.note_established(encrypted)


def guarded_sockets(guard: Guard, recording: Recording) -> Callable[[AddrInfo], socket.socket]:
    """Return the socket factory that asks `guard` about the final address and makes nothing it refuses."""

    def make(info: AddrInfo) -> socket.socket:
        family, kind, protocol, _, (address, port, *_rest) = info
        refusal = guard(address, port)
        if refusal is not None:
            recording.refusals.append(refusal)
            raise BlockedAddressError(refusal)
        recording.attempted = Peer(address, port)
        recording.tls.forget()
        parsed = parse_address(address)
        if parsed is not None:  # for a literal aiohttp leaves the family open
            family = socket.AF_INET if parsed.version == 4 else socket.AF_INET6
        return socket.socket(family, kind, protocol)

    return make


class _NotedResolver(AbstractResolver):
    """Asks `resolver`, or answers with the pinned address, and notes what came."""

    def __init__(
        self, resolver: AbstractResolver, pinned: tuple[str, int] | None, recording: Recording
    ) -> None:
        self._resolver = resolver
        self._pinned = pinned
        self._recording = recording

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if self._pinned is not None:
            answers = [_answer(host, *self._pinned)]
        else:
            try:
                answers = await self._resolver.resolve(host, port, family)
            except UnicodeError as error:  # a label that IDNA cannot carry
                raise OSError(None, f"not a name that can be asked: {error}") from error
        if not answers:
            raise OSError(None, "the name has no address")
        self._recording.dns = tuple(answer["host"] for answer in answers)
        return answers

    async def close(self) -> None:
        """Leave the resolver open; its owner closes it."""


def _answer(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
    )


def loopback_guard(pinned: tuple[str, int] | None, *, allow_loopback: bool, only_loopback: bool) -> Guard:
    """Return the guard of one permit.

    A pinned name reaches exactly its pinned loopback (address, port); with
    `only_loopback` (rehearsals, https spoken in clear) nothing but loopback is reached.
    """

    def refusal(address: str, port: int) -> str | None:
        if pinned is not None and (address, port) != pinned:
            return f"{address} port {port} is not the rehearsal's {pinned[0]} port {pinned[1]}"
        parsed = parse_address(address)
        is_loopback = parsed is not None and parsed.is_loopback
        if (pinned is not None or only_loopback) and not is_loopback:
            return f"{address} is not loopback, which a rehearsal's name must be"
        return refusal_of(address, allow_loopback=allow_loopback or pinned is not None)

    return refusal


def guarded_session(
    recording: Recording,
    *,
    guard: Guard,
    resolver: AbstractResolver,
    pinned: tuple[str, int] | None,
    tls: Any,
    timeout: ClientTimeout,
    max_headers: int,
    max_field_bytes: int,
    is_exact: bool,
) -> ClientSession:
    """Return a session for one exchange whose sockets are guarded and, with `is_exact`, recorded.

    No cookies, no environment, no proxies, no decompression, no pool.
    Addresses are tried in turn, not raced, so that the one attempted is known.
    """
    connector = TCPConnector(
        socket_factory=guarded_sockets(guard, recording),
        resolver=_NotedResolver(resolver, pinned, recording),
        use_dns_cache=False,
        force_close=True,
        happy_eyeballs_delay=None,
        ssl=tls if tls is not None else True,
    )
    if is_exact:
        # There is no public door for a protocol class; the self-test guards this one.
        recorded = functools.partial(_RecordedHandler, asyncio.get_running_loop(), recording)
        connector._factory = recorded  # type: ignore[assignment]  # noqa: SLF001  proved by the self-test
    return ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        timeout=timeout,
        max_headers=max_headers,
        max_field_size=max_field_bytes,
        max_line_size=max_field_bytes,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    )
