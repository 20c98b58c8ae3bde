"""Heads and bodies of supplied responses: read as forgivingly as other tools write them, and no further.

Tools store responses after their own client has undone chunks or encodings, and leave the
fields that announced them; some write HTTP/2 on the status line. What is read is
then the body as it stands in the file, and a note says so.
"""

from __future__ import annotations

import json
import re

from clonedetect.crawl.decode import (
    DecodeError,
    DecodeLimits,
    Head,
    decode_content,
    header,
    parse_head,
)
from clonedetect.crawl.sniff import media_kind

__all__ = ["content_of", "head_of", "is_whole_range"]

_STATUS = re.compile(rb"HTTP/(?:[23](?:\.0)?|1\.[01])(?=[ \t])")
_HEAD_BYTES = 1 << 20
_CHUNK_LINE = re.compile(rb"[ \t]*[0-9A-Fa-f]{1,15}[ \t]*(?:;[^\n]*)?\r?\n")
_MAGIC = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
_RANGE = re.compile(r"bytes 0-(\d{1,18})/(\d{1,18})")

Headers = tuple[tuple[str, str], ...]


def head_of(block: bytes) -> Head | None:
    """Return status, fields and length of the head that `block` begins with, None where it has none."""
    version = _STATUS.match(block)
    if version is None:
        return None
    plain = b"HTTP/1.1"
    try:
        head = parse_head(plain + block[version.end() : _HEAD_BYTES])
    except DecodeError:
        return None
    return head and Head(head.status, head.headers, head.length - len(plain) + version.end())


def content_of(body: bytes, head: Head, limits: DecodeLimits) -> tuple[bytes, str]:
    """Return the content of a stored body, and what was odd about how it is stored.

    Raises DecodeError and BombError as `crawl.decode` does.
    """
    fields, notes = head.headers, []
    if header(fields, "transfer-encoding") and body and not _CHUNK_LINE.match(body):
        fields = _without(fields, "transfer-encoding", "content-length")
        notes.append("its head announces chunks, and the file holds it without")
    encoding = (header(fields, "content-encoding") or "").strip().lower()
    if encoding and not header(fields, "transfer-encoding") and _is_decoded(body, encoding):
        fields = _without(fields, "content-encoding", "content-length")
        notes.append(f"its head announces {encoding[:20]}, and the file holds it decoded")
    stated = header(fields, "content-length") or ""
    if stated.isascii() and stated.isdigit() and len(stated) < 19 and len(body) > int(stated):
        fields = _without(fields, "content-length")
        notes.append(f"its head announces {stated} bytes, and the file holds {len(body)}")
    status = 200 if head.status in (204, 205, 304) and body else head.status
    return decode_content(body, fields, limits, status=status), "; ".join(notes)


def _without(fields: Headers, *names: str) -> Headers:
    return tuple((name, value) for name, value in fields if name.lower() not in names)


def _is_decoded(body: bytes, encoding: str) -> bool:
    """Whether a body whose head announces `encoding` is none of it any more."""
    magic = _MAGIC.get(encoding)
    if magic is not None:
        return bool(body) and not body.startswith(magic)
    start = body[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    return (
        start.startswith((b"<!", b"<html", b"<HTML", b"<?xml"))
        or media_kind(body) is not None
        or _is_json(body)
    )


def _is_json(body: bytes) -> bool:
    if body[:1] not in (b"{", b"["):
        return False
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def is_whole_range(head: Head, size: int) -> bool:
    """Whether a 206 holds all of it: browsers ask for pictures and videos in ranges that begin at 0."""
    told = _RANGE.fullmatch((header(head.headers, "content-range") or "").strip())
    return told is not None and int(told[1]) + 1 == int(told[2]) == size
