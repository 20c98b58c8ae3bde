"""Take a stored HTTP response apart, offline, within bounds: heads, chunks, content encodings.

Everything here is a pure function of bytes, so that the analysis reads from an
archived record exactly what the fetcher read from the wire: there is no second
decoder. The stock client inflated 1.6 KB of Brotli to 1 GiB (measured); here
each step's output is bounded before it is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clonedetect.crawl.inflate import BombError, DecodeError, DecodeLimits, inflate

__all__ = [
    "DEFAULT_LIMITS",
    "BombError",
    "DecodeError",
    "DecodeLimits",
    "Head",
    "dechunk",
    "decode_content",
    "decode_record",
    "header",
    "message_length",
    "parse_head",
]

Headers = tuple[tuple[str, str], ...]

_STATUS_LINE = re.compile(rb"HTTP/1\.[01][ \t]+([1-9][0-9]{2})(?:[ \t].*)?\r?")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r?")
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BODYLESS = frozenset({204, 205, 304})
_MAX_CHUNK_LINE = 16_384

DEFAULT_LIMITS = DecodeLimits()
"""Those of the largest purpose; what the fetcher refused for a smaller one it recorded as such."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of the final response; `length` also counts interim heads before it."""

    status: int
    headers: Headers
    length: int


def header(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """Return the value of the only or, as a list, all fields called `name`; None if there is none."""
    found = [value for field, value in headers if field.lower() == name]
    return ", ".join(found) if found else None


def parse_head(response: bytes | bytearray) -> Head | None:
    """Return the final head in `response`, interim (1xx) ones skipped; None where none is complete.

    Lines may end in CRLF or LF, empty ones before the status line are passed
    over, folded ones are joined (RFC 9112, 5.2), values are Latin-1, so any byte
    survives. Raises DecodeError for what is no head.
    """
    start = 0
    while True:
        while response[start : start + 1] in (b"\r", b"\n"):
            start += 1
        end = _blank_line(response, start)
        if end is None:
            return None
        lines = bytes(response[start:end]).split(b"\n")
        matched = _STATUS_LINE.fullmatch(lines[0])
        if matched is None:
            raise DecodeError(f"the response does not begin with a status line: {lines[0][:60]!r}")
        status = int(matched[1])
        if not 100 <= status <= 199 or status == 101:
            return Head(status, tuple(_fields(lines[1:])), end)
        start = end


def _blank_line(data: bytes | bytearray, start: int) -> int | None:
    """Return the offset behind the first empty line at or after `start`."""
    position = start
    while True:
        newline = data.find(b"\n", position)
        if newline < 0:
            return None
        if data[position:newline] in (b"", b"\r"):
            return newline + 1
        position = newline + 1


def _fields(lines: list[bytes]) -> Iterator[tuple[str, str]]:
    pending: list[str] | None = None
    for line in lines:
        text = line.rstrip(b"\r").decode("latin-1")
        if not text.strip(" \t"):
            continue
        if text[0] in " \t":
            if pending is None:
                raise DecodeError("a folded line comes before any header field")
            pending[1] = " ".join((pending[1], text.strip(" \t"))).lstrip(" ")
            continue
        if pending is not None:
            yield pending[0], pending[1]
        name, colon, value = text.partition(":")
        if not colon or not _FIELD_NAME.fullmatch(name.rstrip(" \t")):
            raise DecodeError(f"a header line is no field: {text[:60]!r}")
        pending = [name.rstrip(" \t"), value.strip(" \t")]
    if pending is not None:
        yield pending[0], pending[1]


def dechunk(data: bytes) -> bytes:
    """Return the body inside chunked `data`, without extensions, trailers and what follows the end.

    Raises DecodeError where a size line is malformed or the last chunk is missing.
    """
    return _dechunk(data)[0]


def _dechunk(data: bytes) -> tuple[bytes, int]:
    """Return the body and the number of bytes its chunks and trailers took."""
    body = bytearray()
    position = 0
    while True:
        line_end = data.find(b"\n", position, position + _MAX_CHUNK_LINE)
        if line_end < 0:
            raise DecodeError(f"the chunked body is cut at byte {position}")
        matched = _CHUNK_SIZE.fullmatch(data, position, line_end)
        if matched is None:
            raise DecodeError(f"a chunk size is malformed: {data[position : position + 40]!r}")
        size = int(matched[1], 16)
        position = line_end + 1
        if size == 0:
            return bytes(body), _trailer_end(data, position)
        if position + size > len(data):
            raise DecodeError(f"the chunked body is cut inside a chunk of {size} bytes")
        body += memoryview(data)[position : position + size]
        position = _behind_newline(data, position + size)


def _behind_newline(data: bytes, position: int) -> int:
    if data[position : position + 2] == b"\r\n":
        return position + 2
    if data[position : position + 1] == b"\n":
        return position + 1
    raise DecodeError(f"a chunk does not end at byte {position}")


def _trailer_end(data: bytes, position: int) -> int:
    """Return the offset behind the trailer section, which may be empty and ends with a blank line."""
    while True:
        newline = data.find(b"\n", position)
        if newline < 0:
            raise DecodeError("the chunked body has no end: its trailer section is not closed")
        if data[position:newline] in (b"", b"\r"):
            return newline + 1
        position = newline + 1


def decode_content(
    stored_body: bytes,
    headers: Iterable[tuple[str, str]],
    limits: DecodeLimits = DEFAULT_LIMITS,
    *,
    status: int = 200,
) -> bytes:
    """Return the content of a body as stored, transfer and content encodings removed.

    Framing as RFC 9112, 6.3: no body for 204, 205 and 304, else chunks, else
    Content-Length, else all of it. Raises DecodeError for a cut or malformed
    body, for an unknown encoding and for more than one; BombError past `limits`.
    """
    fields = tuple(headers)
    framed, _ = _unframe(stored_body, fields, status)
    return inflate(framed, header(fields, "content-encoding"), limits)


def message_length(stored_body: bytes, headers: Iterable[tuple[str, str]], *, status: int = 200) -> int:
    """Return how many bytes of `stored_body` belong to the message; DecodeError where it is not whole."""
    return _unframe(stored_body, tuple(headers), status)[1]


def _unframe(stored_body: bytes, fields: Headers, status: int) -> tuple[bytes, int]:
    """Return the body without its framing, and the number of stored bytes that are the message's."""
    coding = header(fields, "transfer-encoding")
    length = header(fields, "content-length")
    if status in _BODYLESS:
        return b"", 0
    if coding is not None:
        if length is not None:
            raise DecodeError("both Transfer-Encoding and Content-Length frame the body")
        if coding.strip().lower() != "chunked":
            raise DecodeError(f"Transfer-Encoding {coding[:40]!r} is not chunked alone")
        return _dechunk(stored_body)
    if length is None:
        return stored_body, len(stored_body)
    if not re.fullmatch(r"[0-9]{1,18}", length, re.ASCII):
        raise DecodeError(f"Content-Length {length[:40]!r} is no single number")
    if len(stored_body) < int(length):
        raise DecodeError(f"the body ends after {len(stored_body)} of {int(length)} bytes")
    return stored_body[: int(length)], int(length)


def decode_record(response_bytes: bytes, header_length: int, limits: DecodeLimits = DEFAULT_LIMITS) -> bytes:
    """Return the content of one archived response; for the analysis, offline.

    `header_length` is the record's; 0 (no head was complete) raises DecodeError,
    as does a body that cannot be decoded whole. Raises BombError past `limits`.
    """
    if not 0 < header_length <= len(response_bytes):
        raise DecodeError("the record holds no complete response head")
    head = parse_head(response_bytes[:header_length])
    if head is None or head.length != header_length:
        raise DecodeError(f"the response head does not end at byte {header_length}")
    return decode_content(response_bytes[header_length:], head.headers, limits, status=head.status)
