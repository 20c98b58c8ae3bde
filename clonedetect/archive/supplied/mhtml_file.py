"""MHTML (RFC 2557): a page and what belongs to it, as browsers save it in one file.

The parts are cut along their boundaries, in one pass and without recursion, however deep
they are nested. A part is no HTTP response: it has a content type and an address,
and is kept as a resource.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message as EmailMessage
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urljoin

from clonedetect.archive.supplied.message import Fault, Found, Message, MessageKind, PassedOver, Software
from clonedetect.models.supplied import HeadOrigin

__all__ = ["MAX_MHTML_BYTES", "read_mhtml"]

MAX_MHTML_BYTES = 500_000_000
"""A saved page is read as a whole."""

_HEAD_BYTES = 16_384
_PARTS = 20_000
_DEPTH = 8
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_URL_BYTES = 8_192


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of the file from its head to the end of its body.

    `base` is what its address is read against, `own` its address where it states none,
    `page` that of the whole.
    """

    start: int
    end: int
    depth: int
    base: str
    own: str = ""
    page: str = ""

    @property
    def place(self) -> str:
        return f"byte {self.start}"


def read_mhtml(path: Path) -> Iterator[Found]:
    """Yield one message for each part of the file that has a web address or a name, in order."""
    with path.open("rb") as stream:
        data = stream.read(MAX_MHTML_BYTES + 1)
    if len(data) > MAX_MHTML_BYTES:
        yield Fault("the file", f"larger than {MAX_MHTML_BYTES} bytes", "too large")
        return
    root, _ = _head_of(data, 0, len(data))
    if root is None:
        yield Fault("byte 0", "the head of the file has no end", "damaged")
        return
    if named := str(root.get("From", "")).strip():
        yield Software(named.strip("<>")[:300])
    page = _location(root, "Snapshot-Content-Location") or _location(root, "Content-Location")
    claimed_at = _moment(str(root.get("Date", "")))
    pending = [_Part(0, len(data), 0, page, page, page)]
    parts = 0
    while pending:
        part = pending.pop()
        parts += 1
        if parts > _PARTS:
            yield Fault(part.place, f"more than {_PARTS} parts", "too much in one file")
            return
        found, inner = _told(data, part, claimed_at)
        if found is not None:
            yield found
        pending.extend(reversed(inner))


def _told(data: bytes, part: _Part, claimed_at: datetime | None) -> tuple[Found | None, list[_Part]]:
    head, body = _head_of(data, part.start, part.end)
    if head is None:
        return Fault(part.place, "the head of a part has no end", "damaged"), []
    if head.get_content_maintype() == "multipart":
        return _multipart(data, part, head, body)
    return _leaf(data[body : part.end], part, head, claimed_at), []


def _multipart(data: bytes, part: _Part, head: EmailMessage, body: int) -> tuple[Found | None, list[_Part]]:
    """Return the parts of a part; the first has the address of the whole where it states none."""
    boundary = head.get_boundary()
    if not boundary:
        return Fault(part.place, "parts without a boundary between them", "damaged"), []
    if part.depth >= _DEPTH:
        return Fault(part.place, f"parts nested more than {_DEPTH} deep", "nested too deep"), []
    location = _absolute(part.base, _location(head, "Content-Location"))
    base = _absolute(part.base, _location(head, "Content-Base")) or location or part.base
    inner, is_whole = _cut(data, body, part.end, boundary.encode("utf-8", "replace"))
    own = location or part.own
    parts = [
        _Part(start, end, part.depth + 1, base, "" if number else own, part.page)
        for number, (start, end) in enumerate(inner)
    ]
    return None if is_whole else Fault(part.place, "the last boundary is missing", "cut short"), parts


def _leaf(body: bytes, part: _Part, head: EmailMessage, claimed_at: datetime | None) -> Found:
    name = str(head.get("Content-ID", "")).strip().strip("<>")[:500]
    location = _absolute(part.base, _location(head, "Content-Location")) or part.own
    is_web = location.lower().startswith(("http:", "https:"))
    if not is_web and name and head.get_content_maintype() == "image":
        location = f"cid:{name}"
    elif not is_web:
        return PassedOver(f"{head.get_content_type()[:40]} without a web address")
    try:
        content = _decoded(body, str(head.get("Content-Transfer-Encoding", "")))
    except ValueError as error:
        return Fault(part.place, str(error), "damaged", location)
    return Message(
        place=part.place,
        url=location,
        kind=MessageKind.RESOURCE,
        block=content,
        head=HeadOrigin.NONE,
        claimed_at=claimed_at,
        content_type=_one_line(str(head.get("Content-Type", ""))),
        content_id=name,
        page=part.page,
    )


def _head_of(data: bytes, start: int, end: int) -> tuple[EmailMessage | None, int]:
    """Return the fields at `start` and where the body begins; None where no empty line ends them."""
    if data[start : start + 2] == b"\r\n":
        return EmailMessage(), start + 2
    if data[start : start + 1] == b"\n":
        return EmailMessage(), start + 1
    found = _HEAD_END.search(data, start, min(end, start + _HEAD_BYTES))
    if found is None:
        return None, start
    return BytesHeaderParser(policy=compat32).parsebytes(
        data[start : found.start()] + b"\r\n\r\n"
    ), found.end()


def _cut(data: bytes, start: int, end: int, boundary: bytes) -> tuple[list[tuple[int, int]], bool]:
    """Return where the parts between boundaries begin and end, and whether the last boundary is there.

    A boundary stands at the beginning of a line (RFC 2046, 5.1.1); the line end before it is its own.
    """
    parts: list[tuple[int, int]] = []
    begun: int | None = None
    mark = b"--" + boundary
    at = data.find(mark, start, end)
    while at >= 0 and len(parts) <= _PARTS:
        behind = at + len(mark)
        is_line = at in (0, start) or data[at - 1 : at] == b"\n"
        is_last = data[behind : behind + 2] == b"--"
        line_end = data.find(b"\n", behind, end)
        rest = data[behind + 2 * is_last : line_end if line_end >= 0 else end]
        if is_line and not rest.strip(b" \t\r"):
            if begun is not None:
                before = at - 1 if data[at - 1 : at] == b"\n" else at
                before -= data[before - 1 : before] == b"\r"
                parts.append((begun, max(begun, before)))
            if is_last:
                return parts, True
            begun = line_end + 1 if line_end >= 0 else end
        at = data.find(mark, behind, end)
    if begun is not None and begun < end:
        parts.append((begun, end))
    return parts, False


def _decoded(body: bytes, encoding: str) -> bytes:
    name = encoding.strip().lower()
    if name == "base64":
        try:
            return binascii.a2b_base64(body)
        except binascii.Error as error:
            raise ValueError(f"a part is no base64: {error}") from error
    if name == "quoted-printable":
        return binascii.a2b_qp(body)
    if name in ("", "7bit", "8bit", "binary"):
        return body
    raise ValueError(f"a part in the unknown encoding {encoding[:40]!r}")


def _location(head: EmailMessage, name: str) -> str:
    """Return an address field, unfolded: long ones are broken over lines."""
    return "".join(str(head.get(name, "")).split())[:_URL_BYTES]


def _absolute(base: str, address: str) -> str:
    if not address:
        return ""
    try:
        return urljoin(base, address) if base else address
    except ValueError:
        return ""


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500]


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
