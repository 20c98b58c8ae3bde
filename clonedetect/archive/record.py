"""One WARC 1.1 record (ISO 28500:2017) as one gzip member: built, read, checked.

Records are raw blocks: nothing is parsed and put together again, so that odd
header spacing, chunk sizes and encodings stay as the socket gave them.
Digests are written ``sha256:<hex>``. WARC leaves the spelling open; readers
that expect base32 accept base16 by its length, and verify it (warcio does).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from clonedetect.errors import VerificationError
from clonedetect.models.capture import RecordRef
from clonedetect.models.ids import Digest, digest_of

__all__ = [
    "ArchivedRecord",
    "RecordHeader",
    "build_member",
    "field_of",
    "iterate",
    "plain_header_length",
    "read_record",
    "warc_date",
]

RecordHeader = tuple[tuple[str, str], ...]
"""Field names and values of one record, in order."""

MAX_RECORD_BYTES = 1 << 30
"""Longest record that is read; a file handed to us may be a compression bomb."""

_VERSION = b"WARC/1.1"
_GZIP = 16 + zlib.MAX_WBITS
_LARGE = (_GZIP, zlib.DEF_MEM_LEVEL)
_SMALL = (16 + 12, 5)
_SMALL_BYTES = 4096
"""Records that fit the small window are packed with it: clearing the large one takes longer than they do."""
_LEVEL = 3  # a page takes a third of the time of level 6, and a tenth more space
_CHUNK = 1 << 16
_URI_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"<>\\^`{|}')


@dataclass(frozen=True, slots=True)
class ArchivedRecord:
    """One record with its place in the file; `length` is of the gzip member."""

    offset: int
    length: int
    header: RecordHeader
    block: bytes


def warc_date(moment: datetime) -> str:
    """Return `moment` in UTC with microseconds, as WARC 1.1 (5.4) allows."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def field_of(header: RecordHeader, name: str) -> str | None:
    """Return the first value of field `name`, whatever its case, or None."""
    wanted = name.lower()
    return next((value for key, value in header if key.lower() == wanted), None)


def build_member(fields: RecordHeader, block: bytes) -> bytes:
    """Return one record as a gzip member; the same record gives the same bytes.

    The gzip header holds no time and no name. Values come from hostile
    places (URLs), so everything that could end a line is refused or quoted.
    """
    lines = [_VERSION]
    for name, value in (*fields, ("Content-Length", str(len(block)))):
        lines.append(f"{name}: {_safe_value(name, value)}".encode())
    head = b"\r\n".join([*lines, b"", b""])
    is_small = len(head) + len(block) <= _SMALL_BYTES
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, *(_SMALL if is_small else _LARGE))
    if is_small:
        return packer.compress(b"".join([head, block, b"\r\n\r\n"])) + packer.flush()
    # A large block is not copied to stand beside its header.
    parts = [packer.compress(head), packer.compress(block), packer.compress(b"\r\n\r\n"), packer.flush()]
    return b"".join(parts)


def _safe_value(name: str, value: str) -> str:
    if name in {"WARC-Target-URI", "WARC-Refers-To-Target-URI"}:
        return quote(value, safe=_URI_SAFE, errors="surrogatepass")
    if value.isprintable():
        return value
    return "".join(character if character.isprintable() else " " for character in value)


def plain_header_length(response: bytes) -> int | None:
    """Return where a line-by-line reader sees the HTTP header section end, or None.

    Interim responses, blanks instead of an empty line and the like make
    readers disagree on what the payload is; WARC-Payload-Digest is written
    only where they cannot.
    """
    start = 0
    while (end := response.find(b"\n", start)) >= 0:
        if not _text(response[start:end]).strip():
            return end + 1
        start = end + 1
    return None


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def read_record(folder: Path, ref: RecordRef) -> tuple[RecordHeader, bytes]:
    """Return header and block of the record at `ref`, below the case `folder`.

    Raises VerificationError unless the member has exactly the recorded
    length, the record the recorded id, and its block the recorded digest.
    """
    where = f"{ref.file} at {ref.offset}"
    try:
        with (folder / ref.file).open("rb") as stream:
            stream.seek(ref.offset)
            raw, _, length = _read_member(stream.read, b"", where)
    except OSError as error:
        raise VerificationError(f"record {ref.record_id} cannot be read from {where}: {error}") from error
    if length != ref.length:
        raise VerificationError(f"record {ref.record_id} in {where} does not have its {ref.length} bytes")
    header, block = _parse(raw, where)
    if field_of(header, "WARC-Record-ID") != f"<{ref.record_id}>":
        raise VerificationError(f"{where} holds another record than {ref.record_id}")
    if digest_of(block) != ref.block_digest:
        raise VerificationError(
            f"record {ref.record_id} in {where} has changed: its block is {digest_of(block)}, "
            f"recorded was {ref.block_digest}; restore the file from a copy"
        )
    return header, block


def iterate(path: Path, start: int = 0) -> Iterator[ArchivedRecord]:
    """Yield every record of the file from the member at byte `start` on.

    Each block is checked against its own WARC-Block-Digest. Raises
    VerificationError, naming the offset, at the first byte that is no record.
    """
    with path.open("rb") as stream:
        stream.seek(start)
        offset, pending = start, b""
        while True:
            where = f"{path.name} at {offset}"
            raw, pending, length = _read_member(stream.read, pending, where)
            if not length:
                return
            header, block = _parse(raw, where)
            stated = field_of(header, "WARC-Block-Digest")
            if stated is not None and Digest(stated) != digest_of(block):
                raise VerificationError(f"the record in {where} does not have the digest it states")
            yield ArchivedRecord(offset, length, header, block)
            offset += length


def _read_member(read: Callable[[int], bytes], pending: bytes, where: str) -> tuple[bytes, bytes, int]:
    """Return one gzip member's content, the bytes read past it, and its length (0 at the end)."""
    unpacker = zlib.decompressobj(_GZIP)
    parts: list[bytes] = []
    taken = size = 0
    while not unpacker.eof:
        data, pending = pending or read(_CHUNK), b""
        if not data:
            if taken:
                raise VerificationError(f"{where} ends within a record")
            return b"", b"", 0
        try:
            parts.append(unpacker.decompress(data))
        except zlib.error as error:
            raise VerificationError(f"{where} is not a compressed record: {error}") from error
        taken, size = taken + len(data), size + len(parts[-1])
        if size > MAX_RECORD_BYTES:
            raise VerificationError(f"{where} inflates to more than {MAX_RECORD_BYTES} bytes")
    return b"".join(parts), unpacker.unused_data, taken - len(unpacker.unused_data)


def _parse(raw: bytes, where: str) -> tuple[RecordHeader, bytes]:
    end = raw.find(b"\r\n\r\n")  # no partition: it would hold a record of 20 MB twice more
    version, *lines = raw[: max(0, end)].split(b"\r\n")
    if version != _VERSION or end < 0:
        raise VerificationError(f"{where} holds no WARC 1.1 record")
    header: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.decode(errors="replace").partition(":")
        if not colon:
            raise VerificationError(f"{where} has a header line without a colon")
        header.append((name, value.strip()))
    length, start = field_of(tuple(header), "Content-Length") or "", end + 4
    if not (length.isascii() and length.isdigit()) or raw[start + int(length) :] != b"\r\n\r\n":
        raise VerificationError(f"{where} does not have the length it states")
    return tuple(header), raw[start : start + int(length)]
