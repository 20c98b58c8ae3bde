"""WARC files of any writer: versions 1.0 and 1.1, plain or gzip, one member or many.

Read record by record within bounds. Digests that a record states are
recomputed, and a record that does not have them is refused. What is damaged
is told with its place, and reading goes on at the next record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO

from clonedetect.archive.record import RecordHeader, field_of, plain_header_length
from clonedetect.archive.supplied import chunks
from clonedetect.archive.supplied.digests import is_known, is_stated_of
from clonedetect.archive.supplied.message import (
    MAX_BLOCK_BYTES,
    MAX_FAULTS,
    MAX_RECORDS,
    Fault,
    Found,
    Message,
    MessageKind,
    PassedOver,
    Reference,
    Software,
)
from clonedetect.archive.supplied.stream import DamagedError, PlainStream
from clonedetect.models.supplied import HeadOrigin

__all__ = ["payload_forms", "read_warc"]

_VERSION = re.compile(rb"WARC/1\.[01]\r?\n")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_BYTES = 1 << 20
_LINE_BYTES = 1 << 16
_FIELDS = 256
_SOFTWARE = re.compile(rb"^software:[ \t]*([^\r\n]{1,300})", re.IGNORECASE | re.MULTILINE)
_SCREENSHOT = re.compile(r"urn:(?:view|fullpage|thumbnail):(?=https?://)", re.IGNORECASE)
"""How crawlers with a browser name the pictures that they take of a page."""


@dataclass(frozen=True, slots=True)
class _Record:
    """One record in memory; `block` is empty where it was not wanted."""

    place: str
    header: RecordHeader
    block: bytes

    def field(self, name: str) -> str:
        return field_of(self.header, name) or ""

    @property
    def url(self) -> str:
        # Writers of version 1.0 took its grammar's angle brackets for part of the value.
        return self.field("WARC-Target-URI").strip().removeprefix("<").removesuffix(">")

    @property
    def record_id(self) -> str:
        return self.field("WARC-Record-ID").strip().strip("<>")


def read_warc(stream: IO[bytes], size: int, within: str = "") -> Iterator[Found]:
    """Yield everything that the WARC file holds, in order; `within` names the archive it lies in.

    `size` is the file's, in bytes. Faults are told and never raised: what is
    damaged is passed over, what ends too early is told as such.
    """
    plain = PlainStream(stream, size)
    prefix = f"{within}, " if within else ""
    records = faults = 0
    while faults < MAX_FAULTS and records < MAX_RECORDS:
        place = ""
        try:
            if not _at_record(plain):
                return
            place = prefix + plain.place()
            record = _read_record(plain, place)
            yield from _told(record)
            records += 1
        except DamagedError as error:
            faults += 1
            yield Fault(place or prefix + plain.place(), error.reason, _kind(error))
            if error.is_bomb or error.is_end or not _recovered(plain):
                return
    what = f"more than {MAX_FAULTS} faults" if faults >= MAX_FAULTS else f"more than {MAX_RECORDS} records"
    yield Fault(prefix + plain.place(), f"{what}: the rest of the file is not read", "too much in one file")


def _kind(error: DamagedError) -> str:
    if error.is_bomb:
        return "it inflates too far"
    return "cut short" if error.is_end else "damaged"


def _recovered(plain: PlainStream) -> bool:
    while True:
        try:
            return plain.recover()
        except DamagedError as error:
            if error.is_end or error.is_bomb:
                return False


def _at_record(plain: PlainStream) -> bool:
    """Whether a record follows; line ends between records are passed over, however many."""
    while plain.peek(1) in (b"\r", b"\n"):
        plain.take(1)
    return bool(plain.peek(1))


def _read_record(plain: PlainStream, place: str) -> _Record:
    version = plain.line(_LINE_BYTES)
    if not _VERSION.fullmatch(version):
        raise DamagedError(f"no WARC record begins here: {version[:40]!r}")
    header = _read_header(plain)
    stated = (field_of(header, "Content-Length") or "").strip()
    if not re.fullmatch(r"[0-9]{1,15}", stated, re.ASCII):
        raise DamagedError(f"Content-Length {stated[:40]!r} is no length")
    length = int(stated)
    record = _Record(place, header, b"")
    if _unwanted(record, length) is not None:
        if plain.skip(length) < length:
            raise DamagedError(f"the file ends within a record of {length} bytes", is_end=True)
    else:
        block = plain.read(length)
        if len(block) < length:
            raise DamagedError(f"the file ends after {len(block)} of {length} bytes of a record", is_end=True)
        record = _Record(place, header, block)
    end = plain.peek(4)
    if end and not end.startswith((b"\r\n", b"\n")):
        raise DamagedError(f"a record does not end where its Content-Length {length} says")
    return record


def _read_header(plain: PlainStream) -> RecordHeader:
    fields: list[tuple[str, str]] = []
    taken = 0
    while (line := plain.line(_LINE_BYTES)).strip(b"\r\n"):
        taken += len(line)
        if taken > _HEADER_BYTES or len(fields) >= _FIELDS:
            raise DamagedError("the header of a record does not end")
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text[0] in " \t" and fields:
            name, value = fields.pop()
            fields.append((name, f"{value} {text.strip()}"))
            continue
        name, colon, value = text.partition(":")
        if not colon or not _NAME.fullmatch(name.strip()):
            raise DamagedError(f"a line of a record's header is no field: {text[:60]!r}")
        fields.append((name.strip(), value.strip()))
    if not line:
        raise DamagedError("the file ends within the header of a record", is_end=True)
    return tuple(fields)


def _unwanted(record: _Record, length: int) -> str | None:
    """Return what a record is that is not taken into memory, or None."""
    kind = record.field("WARC-Type").lower()
    if kind not in ("warcinfo", "response", "resource", "revisit"):
        return f"{kind or 'untyped'} record"
    if length > MAX_BLOCK_BYTES:
        return "too large"
    return None


def _told(record: _Record) -> Iterator[Found]:
    length = int(record.field("Content-Length"))
    kind = record.field("WARC-Type").lower()
    unwanted = _unwanted(record, length)
    if unwanted == "too large":
        yield Fault(
            record.place, f"a record of {length} bytes, more than {MAX_BLOCK_BYTES}", unwanted, record.url
        )
    elif unwanted is not None:
        yield PassedOver(unwanted)
    elif kind == "warcinfo":
        named = _SOFTWARE.search(record.block)
        if named is not None:
            yield Software(named[1].decode("utf-8", "replace").strip())
    else:
        yield _message(record, kind)


def _message(record: _Record, kind: str) -> Found:
    url = record.url
    if not url:
        return Fault(record.place, f"a {kind} record without WARC-Target-URI", "no address")
    if record.field("WARC-Segment-Number"):
        return Fault(record.place, "a record in segments: they are not joined", "in segments", url)
    wrong = _wrong_digest(record, kind)
    if wrong:
        return Fault(record.place, wrong, "not the digest that it states", url)
    screenshot = _SCREENSHOT.match(url)
    is_http = record.field("Content-Type").replace(" ", "").lower().startswith("application/http")
    if url.lower().startswith("dns:") or (screenshot is None and url.lower().startswith("urn:")):
        return PassedOver(f"{url.partition(':')[0].lower()} record")
    if kind == "response" and not is_http and not record.block.startswith(b"HTTP/"):
        return PassedOver("response of another protocol")
    message_kind = {
        "revisit": MessageKind.REVISIT,
        "response": MessageKind.HTTP,
    }.get(kind, MessageKind.RESOURCE)
    return Message(
        place=record.place,
        url=url[screenshot.end() :] if screenshot else url,
        kind=message_kind,
        block=record.block,
        head=HeadOrigin.NONE if message_kind is MessageKind.RESOURCE else HeadOrigin.AS_SUPPLIED,
        claimed_at=_moment(record.field("WARC-Date")),
        claimed_peer=record.field("WARC-IP-Address")[:64],
        record_id=record.record_id[:200],
        content_type=record.field("Content-Type") if message_kind is MessageKind.RESOURCE else "",
        stated_digests=tuple(value for _, value in _stated(record, kind) if is_known(value)),
        truncated=record.field("WARC-Truncated") or None,
        is_screenshot=screenshot is not None,
        reference=_reference(record) if kind == "revisit" else None,
    )


def _stated(record: _Record, kind: str) -> Iterator[tuple[str, str]]:
    block, payload = record.field("WARC-Block-Digest"), record.field("WARC-Payload-Digest")
    if block:
        yield "block", block
    if payload and kind != "revisit":  # a revisit's is that of another record's payload
        yield "payload", payload


def _wrong_digest(record: _Record, kind: str) -> str:
    for part, stated in _stated(record, kind):
        if not is_known(stated):
            continue
        forms = (record.block,) if part == "block" else payload_forms(record.block, kind == "response")
        if not is_stated_of(stated, forms):
            return f"the {part} does not have the digest that the record states ({stated[:150]})"
    return ""


def payload_forms(block: bytes, is_http: bool) -> tuple[bytes, ...]:
    """Return what writers take for the payload of `block`: the body as stored, and without its chunks."""
    if not is_http:
        return (block,)
    head = plain_header_length(block)
    if head is None:
        return (block, b"")
    body = block[head:]
    whole = chunks.joined(body)
    return (body,) if whole is None else (body, whole)


def _reference(record: _Record) -> Reference:
    return Reference(
        record_id=record.field("WARC-Refers-To").strip().strip("<>"),
        url=record.field("WARC-Refers-To-Target-URI").strip().strip("<>"),
        date=record.field("WARC-Refers-To-Date").strip(),
        payload_digest=record.field("WARC-Payload-Digest"),
        is_not_modified="not-modified" in record.field("WARC-Profile").lower(),
    )


def _moment(text: str) -> datetime | None:
    """Return WARC-Date (W3C profile of ISO 8601, in UTC), None where it is none."""
    try:
        moment = datetime.fromisoformat(text.strip().replace("z", "Z"))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
