"""Ask one permitted URL once, without following anything, and say how it ended.

Whatever happens, the bytes that came are kept, and every failure has a type.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientTimeout
from aiohttp.abc import AbstractResolver
from aiohttp.client_exceptions import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientOSError,
    ClientPayloadError,
    ClientResponseError,
    ClientSSLError,
    ConnectionTimeoutError,
    InvalidURL,
    ServerDisconnectedError,
    SocketTimeoutError,
)
from aiohttp.http_exceptions import BadStatusLine, HttpProcessingError
from yarl import URL

from clonedetect.crawl.decode import DecodeError, Head, message_length, parse_head
from clonedetect.crawl.limits import Limits
from clonedetect.crawl.sniff import SNIFF_BYTES, media_kind
from clonedetect.crawl.tls import context_for, taking_notes
from clonedetect.crawl.wire import Recording, guarded_session, loopback_guard, note_connection
from clonedetect.models.capture import Exchange, Outcome, Purpose, WireFidelity
from clonedetect.models.item import MediaKind
from clonedetect.models.permit import Permit

__all__ = ["Answer", "Circumstances", "Failure", "ask"]

_FAILURES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Outcome, str], ...] = (
    (ClientConnectorDNSError, Outcome.DNS_ERROR, "the name gave no address"),
    (InvalidURL, Outcome.BLOCKED_ADDRESS, "not a host that is asked"),
    (ClientSSLError, Outcome.TLS_ERROR, "TLS failed"),
    (ClientConnectorError, Outcome.CONNECT_ERROR, "no connection"),
    (
        (ClientResponseError, HttpProcessingError, ClientPayloadError),
        Outcome.PROTOCOL_ERROR,
        "not a whole HTTP response",
    ),
)
"""What aiohttp's errors mean, narrower classes first."""

_ERRNO = re.compile(r"\[Errno (?P<number>\d+)\] (?P<text>[^,\[]*)")

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no whole response; `is_stray_line` where something else stood for a status line."""

    outcome: Outcome
    reason: str
    is_stray_line: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One exchange, and its failure if it has one; `note` says what was odd about a good one."""

    exchange: Exchange
    failure: Failure | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What all exchanges of one fetcher share; `large_bodies` lets one video at a time into memory."""

    limits: Limits
    resolver: AbstractResolver
    now: Callable[[], datetime]
    fidelity: WireFidelity
    large_bodies: asyncio.Semaphore


class _BrokenConnectionError(ClientError):
    """A connection that broke; of a class of its own, because aiohttp silently asks again on its own two."""


async def _only_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    try:
        return await handler(request)
    except ClientConnectorError:
        raise
    except (ClientOSError, ServerDisconnectedError) as error:
        raise _BrokenConnectionError(str(error) or type(error).__name__) from error


async def ask(
    permit: Permit, headers: Mapping[str, str], circumstances: Circumstances, *, time_s: float
) -> Answer:
    """Ask for ``permit.url`` with `headers` within `time_s` and return what was exchanged.

    Host and SNI are the permit's name, wherever a rehearsal answers for it.
    Never raises for what a server does; GrantError for an unusable trust root.
    """
    recording = Recording(circumstances.limits.head_bytes)
    started_at = circumstances.now()
    failure = await _converse(permit, headers, circumstances, recording, time_s)
    head, peer = recording.head or _head_in(recording.response), recording.connected_peer()
    response = bytes(recording.response)
    recording.response.clear()
    note = ""
    if failure is None and head is None:
        failure = Failure(Outcome.PROTOCOL_ERROR, "the response's head can be read in two ways")
    if failure is not None and head is not None and _is_excess(failure, head, response):
        note = "bytes followed the end of the response; they are kept and not read"
        failure = None
    exchange = Exchange(
        url=permit.url,
        request=bytes(recording.request),
        response=response,
        header_length=head.length if head else 0,
        started_at=started_at,
        finished_at=circumstances.now(),
        status=head.status if head else None,
        headers=head.headers if head else (),
        peer=peer,
        tls=recording.tls.facts(verified=failure is None or failure.outcome is not Outcome.TLS_ERROR),
        dns=recording.dns,
        fidelity=circumstances.fidelity,
        truncated=failure.reason if failure else None,
    )
    return Answer(exchange, failure, note)


async def _converse(
    permit: Permit,
    headers: Mapping[str, str],
    circumstances: Circumstances,
    recording: Recording,
    time_s: float,
) -> Failure | None:
    limits = circumstances.limits
    is_encrypted = permit.scheme == "https" and not permit.is_clear_tls
    session = guarded_session(
        recording,
        guard=loopback_guard(
            permit.pinned,
            allow_loopback=permit.allow_loopback,
            only_loopback=permit.is_clear_tls or permit.is_loopback_only,
        ),
        resolver=circumstances.resolver,
        pinned=permit.pinned,
        tls=context_for(permit.trust_root) if is_encrypted else None,
        timeout=ClientTimeout(
            total=None, sock_connect=limits.connect_s, sock_read=limits.idle_s, ceil_threshold=3600
        ),
        max_headers=limits.headers,
        max_field_bytes=limits.field_bytes,
        is_exact=circumstances.fidelity is WireFidelity.EXACT,
    )
    with taking_notes(recording.tls):
        async with session:
            try:
                async with asyncio.timeout(time_s):
                    response = await session.request(
                        "GET",
                        _wire_url(permit, is_encrypted=is_encrypted),
                        headers={"Host": host_header(permit), **headers, "Connection": "close"},
                        allow_redirects=False,
                        middlewares=(_only_once,),
                    )
                    await _receive(response, permit.purpose, circumstances, recording)
            except (ClientError, HttpProcessingError, OSError) as error:
                return _failure_of(error, recording, limits)
            finally:
                recording.hang_up()
    # A body that lasts until the connection ends looks whole when we end the connection.
    return _too_large(recording) if recording.is_over else None


def host_header(permit: Permit) -> str:
    """Return the Host field of the permit's origin, the port only where it is not the scheme's own."""
    host = f"[{permit.host}]" if ":" in permit.host else permit.host
    return host if _DEFAULT_PORTS.get(permit.scheme) == permit.port else f"{host}:{permit.port}"


def _wire_url(permit: Permit, *, is_encrypted: bool) -> URL:
    parts = urlsplit(permit.url)
    host = f"[{permit.host}]" if ":" in permit.host else permit.host
    query = f"?{parts.query}" if parts.query else ""
    scheme = "https" if is_encrypted else "http"
    return URL(f"{scheme}://{host}:{permit.port}{parts.path or '/'}{query}", encoded=True)


async def _receive(
    response: ClientResponse, purpose: Purpose, circumstances: Circumstances, recording: Recording
) -> None:
    """Read the body to its end, so that the recording has it; bounded by purpose, and by kind for media."""
    limits = circumstances.limits
    is_exact = circumstances.fidelity is WireFidelity.EXACT
    if not is_exact:
        _reconstruct_head(response, recording)
    head = recording.head = _head_in(recording.response)
    head_length = head.length if head else 0
    recording.limit_bytes = head_length + limits.body_bytes(purpose)
    start, is_admitted = b"", False
    try:
        async for piece in response.content.iter_any():
            if purpose is Purpose.MEDIA and len(start) < SNIFF_BYTES:
                start += piece[:SNIFF_BYTES]
                if media_kind(start) is MediaKind.VIDEO:
                    recording.limit_bytes = head_length + limits.video_bytes
            if not is_exact:
                recording.keep(piece)
            if recording.is_over or len(recording.response) > recording.limit_bytes:
                recording.is_over = True
                return
            if not is_admitted and len(recording.response) > head_length + limits.image_bytes:
                is_admitted = await circumstances.large_bodies.acquire()
    finally:
        response.close()
        if is_admitted:
            circumstances.large_bodies.release()


def _reconstruct_head(response: ClientResponse, recording: Recording) -> None:
    """Write request and response head as aiohttp understood them; used only where the tee does not work.

    The body is recorded without its transfer coding, so that field is left out.
    """
    url, sent = response.request_info.url, response.request_info.headers
    request = [f"GET {url.raw_path_qs} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    recording.request += ("\r\n".join(request) + "\r\n\r\n").encode("latin-1", "replace")
    recording.response += f"HTTP/1.1 {response.status} {response.reason or ''}\r\n".encode("utf-8", "replace")
    for name, value in response.raw_headers:
        if name.lower() != b"transfer-encoding":
            recording.response += name + b": " + value + b"\r\n"
    recording.response += b"\r\n"
    if response.connection is not None and response.connection.transport is not None:
        note_connection(recording, response.connection.transport)


def _head_in(response: bytes | bytearray) -> Head | None:
    try:
        return parse_head(response)
    except DecodeError:
        return None


def _is_excess(failure: Failure, head: Head, response: bytes) -> bool:
    """Whether all that is wrong is that bytes follow a response which is whole.

    Pages whose Content-Length counts characters do that, and browsers show
    them; aiohttp reads the rest as a second, malformed response.
    """
    if not failure.is_stray_line:
        return False
    stored = response[head.length :]
    try:
        return message_length(stored, head.headers, status=head.status) < len(stored)
    except DecodeError:
        return False


def _too_large(recording: Recording) -> Failure:
    if _head_in(recording.response) is None:
        return Failure(
            Outcome.PROTOCOL_ERROR, f"the response head has no end within {recording.limit_bytes} bytes"
        )
    return Failure(Outcome.TOO_LARGE, f"the response goes on past {recording.limit_bytes} bytes")


def _failure_of(error: Exception, recording: Recording, limits: Limits) -> Failure:
    """Return the type of a failure; the order goes from our own decisions to the server's faults."""
    if recording.is_over:
        return _too_large(recording)
    if isinstance(error, TimeoutError):
        return Failure(Outcome.TIMEOUT, _waited(error, recording, limits))
    if recording.refusals and recording.attempted is None:
        return Failure(Outcome.BLOCKED_ADDRESS, "; ".join(dict.fromkeys(recording.refusals)))
    for kinds, outcome, meaning in _FAILURES:
        if isinstance(error, kinds):
            return Failure(outcome, f"{meaning}: {_text(error)}", isinstance(_root(error), BadStatusLine))
    if not recording.response:
        return Failure(Outcome.CONNECT_ERROR, "the connection ended without an answer")
    received = len(recording.response)
    return Failure(Outcome.PROTOCOL_ERROR, f"the connection broke after {received} bytes: {_text(error)}")


def _waited(error: TimeoutError, recording: Recording, limits: Limits) -> str:
    if isinstance(error, ConnectionTimeoutError):
        return f"no connection within {limits.connect_s:g} s"
    if isinstance(error, SocketTimeoutError):
        return f"nothing came for {limits.idle_s:g} s, after {len(recording.response)} bytes"
    if recording.attempted is None:
        return f"the name gave no address within {limits.fetch_s:g} s"
    return f"not finished within {limits.fetch_s:g} s: {len(recording.response)} bytes had come"


def _root(error: BaseException) -> BaseException:
    """Return what an error was first raised as."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _text(error: BaseException) -> str:
    """Return an error's message on one line, its numbers in words, cut to a readable length."""
    cause = error.os_error if isinstance(error, ClientConnectorError) else error
    worded = _ERRNO.sub(_in_words, " ".join(str(cause).split()))
    return worded[:300] or type(cause).__name__


def _in_words(found: re.Match[str]) -> str:
    meaning = os.strerror(int(found["number"]))
    return meaning if found["text"] == meaning else f"{meaning}: {found['text']}"
