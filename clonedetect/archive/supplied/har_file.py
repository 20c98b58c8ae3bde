"""HAR 1.2, as browsers' developer tools save it: requests and responses told in JSON.

A HAR holds no bytes of the wire: heads are told as names and values, texts as Unicode,
encodings undone. What our record says is put together from that, and is
marked as reconstructed. Requests are left in the file: they may hold the
supplier's own cookies.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from clonedetect.archive.supplied.message import (
    MAX_BLOCK_BYTES,
    MAX_RECORDS,
    Fault,
    Found,
    Message,
    MessageKind,
    PassedOver,
    Software,
)
from clonedetect.models.supplied import HeadOrigin

__all__ = ["MAX_HAR_BYTES", "read_har"]

MAX_HAR_BYTES = 500_000_000
"""A HAR is one JSON document, read as a whole."""

_FRAMING = frozenset({"content-encoding", "transfer-encoding", "content-length", "content-type"})
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BREAKS = re.compile(r"[\r\n\x00]+")
_FIELDS = 256


class _Pair(msgspec.Struct):
    name: str = ""
    value: str = ""


class _Content(msgspec.Struct):
    size: float | None = None
    mimeType: str | None = None  # noqa: N815  HAR's own name
    text: str | None = None
    encoding: str | None = None


class _Response(msgspec.Struct):
    status: int | None = None
    statusText: str | None = None  # noqa: N815  HAR's own name
    headers: list[_Pair] = []
    content: _Content | None = None
    redirectURL: str | None = None  # noqa: N815  HAR's own name


class _Request(msgspec.Struct):
    method: str = "GET"
    url: str = ""


class _Entry(msgspec.Struct):
    request: _Request | None = None
    response: _Response | None = None
    startedDateTime: str | None = None  # noqa: N815  HAR's own name
    serverIPAddress: str | None = None  # noqa: N815  HAR's own name


class _Creator(msgspec.Struct):
    name: str = ""
    version: str = ""


class _Log(msgspec.Struct):
    entries: list[msgspec.Raw]
    creator: _Creator | None = None


class _Har(msgspec.Struct):
    log: _Log


def read_har(path: Path) -> Iterator[Found]:
    """Yield one message for each response of the HAR that has content or leads on, in order."""
    with path.open("rb") as stream:
        data = stream.read(MAX_HAR_BYTES + 1)
    if len(data) > MAX_HAR_BYTES:
        yield Fault("the file", f"larger than {MAX_HAR_BYTES} bytes", "too large")
        return
    try:
        log = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Har).log
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        yield Fault("the file", f"no HAR: {error}", "damaged")
        return
    if log.creator is not None:
        yield Software(f"{log.creator.name} {log.creator.version}".strip()[:300])
    for number, raw in enumerate(log.entries[:MAX_RECORDS], 1):
        place = f"entry {number}"
        try:
            entry = msgspec.json.decode(raw, type=_Entry)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            yield Fault(place, f"no entry of a HAR: {error}", "damaged")
            continue
        yield _told(entry, place)
    if len(log.entries) > MAX_RECORDS:
        yield Fault("the file", f"more than {MAX_RECORDS} entries", "too much in one file")


def _told(entry: _Entry, place: str) -> Found:
    request, response = entry.request or _Request(), entry.response or _Response()
    content = response.content or _Content()
    unusable = _unusable(request, response, content, place)
    if unusable is not None:
        return unusable
    try:
        body, is_text = _body(content)
    except ValueError as error:
        return Fault(place, f"its content cannot be read: {error}", "damaged", request.url)
    return Message(
        place=place,
        url=request.url,
        kind=MessageKind.HTTP,
        block=_head(response, content, is_text=is_text) + body,
        head=HeadOrigin.RECONSTRUCTED,
        claimed_at=_moment(entry.startedDateTime),
        claimed_peer=(entry.serverIPAddress or "")[:64],
    )


def _unusable(request: _Request, response: _Response, content: _Content, place: str) -> Found | None:
    """Return why an entry gives no message, None for one that does."""
    url, status = request.url, response.status or 0
    if not url:
        return Fault(place, "an entry without the address that was asked for", "no address")
    if not 100 <= status <= 599:
        return Fault(place, "no response was received", "no response", url)
    if not url.lower().startswith(("http:", "https:")):
        return PassedOver(f"{url.partition(':')[0].lower()[:20]}: address")
    if request.method.upper() != "GET":
        return PassedOver(f"answer to {request.method.upper()[:20]}")
    if content.text is None and status != 204 and not 300 <= status <= 399:
        size = f"{content.size:.0f} bytes" if content.size and content.size > 0 else "what came"
        return Fault(place, f"the HAR was saved without its content ({size})", "saved without content", url)
    return None


def _body(content: _Content) -> tuple[bytes, bool]:
    """Return the content's bytes, and whether they are of a text that the HAR holds as Unicode."""
    text = content.text or ""
    if (content.encoding or "").lower() != "base64":
        return text.encode("utf-8", "replace"), True
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError(f"no base64: {error}") from error
    if len(data) > MAX_BLOCK_BYTES:
        raise ValueError(f"{len(data)} bytes, more than {MAX_BLOCK_BYTES}")
    return data, False


def _head(response: _Response, content: _Content, *, is_text: bool) -> bytes:
    """Return an HTTP head that says what the HAR tells, but for the fields that framed the body."""
    lines = [f"HTTP/1.1 {response.status} {_clean(response.statusText or '')}".rstrip()]
    named = [(pair.name.strip(), pair.value) for pair in response.headers[:_FIELDS]]
    for name, value in named:
        if _NAME.fullmatch(name) and name.lower() not in _FRAMING:
            lines.append(f"{name}: {_clean(value)}")
    if response.redirectURL and not any(name.lower() == "location" for name, _ in named):
        lines.append(f"Location: {_clean(response.redirectURL)}")
    kind = next((value for name, value in named if name.lower() == "content-type"), content.mimeType or "")
    if kind:
        lines.append(f"Content-Type: {_typed(kind, is_text=is_text)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")


def _typed(kind: str, *, is_text: bool) -> str:
    """Return the content type, with the charset that the text now has."""
    media = _clean(kind).partition(";")[0].strip()
    return f"{media}; charset=utf-8" if is_text and media else _clean(kind)


def _clean(value: str) -> str:
    return _BREAKS.sub(" ", value).strip()


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat((text or "").strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
