"""What stands at the end of an archive file beyond what the database knows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from clonedetect.archive.facts import decode_facts
from clonedetect.archive.group import FACTS_PROFILE
from clonedetect.archive.record import ArchivedRecord, field_of, iterate, read_record
from clonedetect.errors import VerificationError
from clonedetect.models.capture import Capture, RecordRef
from clonedetect.models.ids import Digest, RecordId, digest_of

__all__ = ["Tail", "read_tail"]

_GZIP_MAGIC = b"\x1f\x8b\x08"


@dataclass(frozen=True, slots=True)
class Tail:
    """The whole captures found, and where an unfinished group begins (None: nowhere)."""

    file: str
    captures: tuple[Capture, ...]
    torn_at: int | None


def read_tail(folder: Path, file: str, start: int) -> Tail:
    """Return what `file` below the case `folder` holds from byte `start` on.

    A group without its closing record, or with bytes that are no record, is
    what a kill leaves behind, and can only be the last. Raises
    VerificationError if the file is shorter than `start`, or if whole
    captures stand behind the damage: no kill does that.
    """
    path = folder / file
    size = path.stat().st_size
    if size < start:
        raise VerificationError(f"{path} has {size} bytes and once had {start}; restore it from a copy")
    captures: list[Capture] = []
    good_end = start
    try:
        for record in iterate(path, start):
            kind = field_of(record.header, "WARC-Type")
            if kind == "metadata":
                captures.append(_capture_in(record, file, path))
            if kind in ("metadata", "warcinfo"):
                good_end = record.offset + record.length
    except VerificationError:
        _refuse_damage(folder, file, good_end)
    return Tail(file, tuple(captures), None if good_end == size else good_end)


def _capture_in(record: ArchivedRecord, file: str, path: Path) -> Capture:
    if field_of(record.header, "Content-Type") != FACTS_PROFILE:
        raise VerificationError(f"{path} at {record.offset} holds a record that is none of ours")
    facts = decode_facts(record.block, f"{path} at {record.offset}")
    record_id = RecordId((field_of(record.header, "WARC-Record-ID") or "").strip("<>"))
    digest: Digest = digest_of(record.block)
    ref = RecordRef(record_id, file, record.offset, record.length, digest, digest)
    return dataclasses.replace(facts.capture, facts=ref)


def _refuse_damage(folder: Path, file: str, start: int) -> None:
    """Raise if any whole group can be found behind the unreadable place that follows `start`."""
    path = folder / file
    data = path.read_bytes()[start:]
    at = data.find(_GZIP_MAGIC)
    while at >= 0:
        if _is_whole_group(folder, file, path, start + at):
            raise VerificationError(
                f"{path} is damaged between {start} and {start + at}, and whole captures follow; "
                "restore it from a copy"
            )
        at = data.find(_GZIP_MAGIC, at + 1)


def _is_whole_group(folder: Path, file: str, path: Path, offset: int) -> bool:
    try:
        record = next(iterate(path, offset), None)
        if record is None or field_of(record.header, "WARC-Type") != "metadata":
            return False
        capture = _capture_in(record, file, path)
        for hop in capture.hops:
            for ref in (hop.request, hop.response):
                if ref is not None:
                    read_record(folder, ref)
    except VerificationError:
        return False
    return True
