"""Prove at start-up, on a loopback socket, that the wire recording is exact.

The recording goes in through a door that aiohttp does not promise to keep. If
a release closes it, the fetcher still works, and every record then says
`reconstructed` instead of claiming bytes that nobody saw.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import ClientError, ClientTimeout

from clonedetect.crawl.resolver import SystemResolver
from clonedetect.crawl.wire import Recording, guarded_session, loopback_guard
from clonedetect.models.capture import WireFidelity

__all__ = ["SelfTest", "self_test"]

# Spacing, case, an interim response, chunk extensions and a trailer: whatever a
# client that rebuilds messages would not give back.
_RESPONSE = (
    b"HTTP/1.1 103 Early Hints\r\nLink:  </a>\r\n\r\n"
    b"HTTP/1.1 200  Fine\r\nx-ODD:\t  spacing \r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    b'005;name="value"\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'
)
_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Whether the recording gave back exactly the bytes of the socket, and what was found if not."""

    is_exact: bool
    detail: str

    @property
    def fidelity(self) -> WireFidelity:
        """What records made now may claim."""
        return WireFidelity.EXACT if self.is_exact else WireFidelity.RECONSTRUCTED


async def self_test() -> SelfTest:
    """Exchange one odd message with an own loopback server and compare both sides byte for byte."""
    seen = bytearray()
    is_done = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            seen.extend(await reader.readuntil(b"\r\n\r\n"))
            writer.write(_RESPONSE)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        finally:
            is_done.set()

    recording = Recording(1_000_000)
    try:
        async with asyncio.timeout(_PATIENCE_S), await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            body = await _exchange(recording, server.sockets[0].getsockname()[1])
            await is_done.wait()
    except (OSError, ClientError) as error:
        return SelfTest(False, f"the loopback exchange failed: {error or type(error).__name__}")
    return _judge(recording, bytes(seen), body)


async def _exchange(recording: Recording, port: int) -> bytes:
    session = guarded_session(
        recording,
        guard=loopback_guard(("127.0.0.1", port), allow_loopback=True, only_loopback=True),
        resolver=SystemResolver(),
        pinned=("127.0.0.1", port),
        tls=None,
        timeout=ClientTimeout(total=_PATIENCE_S),
        max_headers=128,
        max_field_bytes=8_192,
        is_exact=True,
    )
    async with session, session.get("http://self-test.invalid/", allow_redirects=False) as response:
        return await response.read()


def _judge(recording: Recording, seen: bytes, body: bytes) -> SelfTest:
    for name, recorded, true in (
        ("request", bytes(recording.request), seen),
        ("response", bytes(recording.response), _RESPONSE),
        ("body", body, b"hello"),
    ):
        if recorded != true:
            return SelfTest(False, f"the recorded {name} differs from the socket's: {recorded[:80]!r}")
    if recording.peer is None:
        return SelfTest(False, "the peer of the connection was not seen")
    return SelfTest(True, "requests and responses are recorded byte for byte")
