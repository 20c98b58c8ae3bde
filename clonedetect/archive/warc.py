"""The archive of a case: append-only WARC 1.1 files of wire-exact exchanges.

A fetch leaves one group of records: per exchange ``request`` and
``response``, then a ``metadata`` record with everything else of the capture,
which closes the group. A group is written in one go, synced, and read back
before `append` returns. The archive is the truth: a group that is whole on
disk is a capture, whether or not a database knows it yet.
"""

from __future__ import annotations

import dataclasses
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from clonedetect import __version__
from clonedetect.archive.custody import CustodyLog
from clonedetect.archive.facts import CaptureFacts, ExchangeFacts, decode_facts
from clonedetect.archive.group import Fetched, capture_group
from clonedetect.archive.record import (
    ArchivedRecord,
    build_member,
    field_of,
    iterate,
    plain_header_length,
    read_record,
    warc_date,
)
from clonedetect.archive.recovery import read_tail
from clonedetect.archive.torn import set_aside, sync_folder
from clonedetect.errors import VerificationError
from clonedetect.models.capture import Capture, Exchange, FetchResult, RecordRef
from clonedetect.models.ids import RecordId, digest_of
from clonedetect.models.permit import Permit

__all__ = [
    "ROTATE_BYTES",
    "WarcArchive",
    "body_of",
    "iterate",
    "read_facts",
    "read_record",
    "response_of",
    "restore",
]

ROTATE_BYTES = 1_000_000_000
"""A file that has reached this size is followed by a new one (WARC 1.1, annex C.1, recommends 1 GB)."""


_CHUNK = 1 << 20


def new_record_id() -> RecordId:
    """Return a fresh ``urn:uuid``."""
    return RecordId(f"urn:uuid:{uuid.uuid4()}")


class WarcArchive:
    """The writing end of ``archive/`` in one case folder; open it under the case's lock.

    `recovered` holds captures that are whole on disk beyond what `known`
    named: a kill came between record and database; the case adopts them.
    """

    def __init__(
        self, folder: Path, case_id: str, *, rotate_bytes: int, new_id: Callable[[], RecordId]
    ) -> None:
        self.folder = folder
        self.recovered: tuple[Capture, ...] = ()
        self._case_id = case_id
        self._rotate_bytes = rotate_bytes
        self._new_id = new_id
        self._serial = 1
        self._warcinfo: RecordId | None = None
        self._is_broken = False
        self._written: list[Path] = []

    @classmethod
    def open(
        cls,
        folder: Path,
        case_id: str,
        *,
        known: Mapping[str, int],
        custody: CustodyLog,
        now: datetime,
        actor: str = "clonedetect",
        rotate_bytes: int = ROTATE_BYTES,
        new_id: Callable[[], RecordId] = new_record_id,
    ) -> WarcArchive:
        """Open the archive below the case `folder`, and bring its end in order.

        `known` maps file names (``archive/00001.warc.gz``) to the byte up to
        which their captures are in the database; files are read from there
        on only. A torn end is moved to ``archive/torn/``, and custody says so.
        Raises VerificationError if a known file is missing or shorter than
        known, or is damaged anywhere but at its end.
        """
        archive = cls(folder, case_id, rotate_bytes=rotate_bytes, new_id=new_id)
        (folder / "archive").mkdir(mode=0o700, exist_ok=True)
        files = archive.files()
        if lost := sorted(set(known) - set(files)):
            raise VerificationError(f"{folder / lost[0]} is missing; restore it from a copy")
        recovered: list[Capture] = []
        for name in files:
            tail = read_tail(folder, name, known.get(name, 0))
            if tail.torn_at is not None:
                if name != files[-1]:
                    raise VerificationError(
                        f"{folder / name} is damaged at {tail.torn_at}; restore it from a copy"
                    )
                subject = archive._keep_torn(name, tail.torn_at)
                if not custody.holds("torn_record", subject):
                    custody.append(time=now, actor=actor, action="torn_record", grant="", subject=subject)
                archive._truncate(name, tail.torn_at)
            recovered.extend(tail.captures)
        archive.recovered = tuple(recovered)
        archive._continue(files)
        return archive

    def files(self) -> tuple[str, ...]:
        """Return the names of all archive files below the case folder, oldest first."""
        return tuple(f"archive/{path.name}" for path in sorted((self.folder / "archive").glob("*.warc.gz")))

    def append(
        self,
        result: FetchResult,
        permit: Permit,
        *,
        captured_at: datetime,
        parent_url: str | None = None,
        depth: int = 0,
    ) -> Capture:
        """Write one fetch as `append_all` does, and return its capture."""
        return self.append_all([Fetched(result, permit, captured_at, parent_url, depth)])[0]

    def append_all(self, batch: Sequence[Fetched]) -> tuple[Capture, ...]:
        """Write fetches, synced together and read back, and return their captures.

        Raises VerificationError if what is read back is not what was written,
        OSError if it could not be written; in both cases nothing counts as
        recorded, and the archive takes no more until it is opened again.
        """
        captures = self.write_all(batch)
        self.sync()
        return captures

    def write_all(self, batch: Sequence[Fetched]) -> tuple[Capture, ...]:
        """Write and read back as `append_all` does; nothing is recorded before `sync` returns."""
        if self._is_broken:
            raise VerificationError("an earlier record could not be written; open the archive again")
        self._is_broken = True
        captures: list[Capture] = []
        while len(captures) < len(batch):
            captures += self._append_to_file(batch[len(captures) :])
        self._is_broken = False
        return tuple(captures)

    def sync(self) -> None:
        """Have everything that was written on disk when this returns; from any one thread."""
        self._is_broken = True
        written, self._written = self._written, []
        for path in written:
            with path.open("rb+") as stream:
                os.fsync(stream.fileno())
        self._is_broken = False

    def _append_to_file(self, batch: Sequence[Fetched]) -> list[Capture]:
        """Write as many of `batch` as the current file takes, one at least."""
        path = self._current()
        start = path.stat().st_size
        parts = [] if self._warcinfo else [self._begin_file(path, batch[0].captured_at)]
        size = sum(map(len, parts))
        captures: list[Capture] = []
        for fetched in batch:
            if captures and start + size >= self._rotate_bytes:
                break
            group = capture_group(
                fetched,
                file=f"archive/{path.name}",
                offset=start + size,
                warcinfo=self._warcinfo or RecordId(""),
                new_id=self._new_id,
            )
            parts.append(group.data)
            size += len(group.data)
            captures.append(group.capture)
        data = b"".join(parts)
        self._write(path, data)
        if path not in self._written:
            self._written.append(path)
        self._read_back(path, start, data)
        return captures

    def _current(self) -> Path:
        path = self.folder / "archive" / f"{self._serial:05d}.warc.gz"
        if path.exists() and path.stat().st_size >= self._rotate_bytes:
            self._serial += 1
            self._warcinfo = None
            path = path.with_name(f"{self._serial:05d}.warc.gz")
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            sync_folder(path.parent)
        return path

    def _begin_file(self, path: Path, now: datetime) -> bytes:
        self._warcinfo = self._new_id()
        block = (
            f"software: clonedetect/{__version__}\r\nformat: WARC File Format 1.1\r\n"
            "conformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n"
            f"isPartOf: {self._case_id}\r\n"
        ).encode()
        fields = (
            ("WARC-Type", "warcinfo"),
            ("WARC-Record-ID", f"<{self._warcinfo}>"),
            ("WARC-Date", warc_date(now)),
            ("WARC-Filename", path.name),
            ("Content-Type", "application/warc-fields"),
            ("WARC-Block-Digest", digest_of(block)),
        )
        return build_member(fields, block)

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        with path.open("ab") as stream:
            stream.write(data)

    @staticmethod
    def _read_back(path: Path, start: int, data: bytes) -> None:
        """Compare the file, byte for byte, with what was to be written: more than its digests would."""
        view = memoryview(data)
        with path.open("rb") as stream:
            stream.seek(start)
            while view:
                if stream.read(len(view[:_CHUNK])) != view[:_CHUNK]:
                    raise VerificationError(f"{path} at {start} does not hold what was written to it")
                view = view[_CHUNK:]
            if stream.read(1):
                raise VerificationError(f"{path} holds more behind {start} than was written to it")

    def _keep_torn(self, name: str, torn_at: int) -> str:
        path = self.folder / name
        torn = path.read_bytes()[torn_at:]
        digest = set_aside(path.parent / "torn", f"{path.name}.{torn_at}", torn)
        return f"{name} at {torn_at} {len(torn)} bytes {digest}"

    def _truncate(self, name: str, length: int) -> None:
        with (self.folder / name).open("r+b") as stream:
            stream.truncate(length)
            stream.flush()
            os.fsync(stream.fileno())

    def _continue(self, files: tuple[str, ...]) -> None:
        if not files:
            return
        last = self.folder / files[-1]
        self._serial = int(last.name.partition(".")[0])
        first: ArchivedRecord | None = next(iterate(last), None)
        if first is not None:
            self._warcinfo = RecordId((field_of(first.header, "WARC-Record-ID") or "").strip("<>"))


def read_facts(folder: Path, capture: Capture) -> CaptureFacts:
    """Return TLS, DNS, times and records of every hop of `capture`, its digest checked.

    Raises VerificationError if the record is not as it was written.
    """
    ref = _facts_ref(capture)
    return decode_facts(read_record(folder, ref)[1], f"record {ref.record_id}")


def _facts_ref(capture: Capture) -> RecordRef:
    if capture.facts is None:
        raise VerificationError(f"the capture of {capture.url} names no record of its own")
    return capture.facts


def body_of(folder: Path, ref: RecordRef) -> bytes:
    """Return the body of the response record at `ref`, as it came.

    Raises VerificationError unless the record is a response that has the recorded digests.
    """
    header, block = read_record(folder, ref)
    body = block[plain_header_length(block) or 0 :]
    if field_of(header, "WARC-Type") != "response" or digest_of(body) != ref.payload_digest:
        raise VerificationError(f"record {ref.record_id} does not hold the body that was recorded in it")
    return body


def response_of(folder: Path, fact: ExchangeFacts) -> bytes:
    """Return the response of one exchange as it came, also where its body lies in an earlier record.

    Raises VerificationError where records are not those recorded.
    """
    if fact.response is None:
        return b""
    response = read_record(folder, fact.response)[1]
    if fact.body is not None:
        response += body_of(folder, fact.body)
    if digest_of(response[fact.header_length :]) != fact.response.payload_digest:
        raise VerificationError(f"the body of {fact.url} is not the one recorded")
    return response


def restore(folder: Path, capture: Capture, content: bytes) -> FetchResult:
    """Return the fetch that left `capture`, from its records; `content` is its decoded body.

    Raises VerificationError where records or `content` are not those recorded.
    """
    if capture.content_digest is not None and digest_of(content) != capture.content_digest:
        raise VerificationError(f"the content given for {capture.url} is not the one recorded")
    facts = read_facts(folder, capture)
    exchanges = []
    for fact in facts.exchanges:
        request = read_record(folder, fact.request)[1] if fact.request else b""
        response = response_of(folder, fact)
        known = {f.name: getattr(fact, f.name) for f in dataclasses.fields(Exchange) if hasattr(fact, f.name)}
        exchanges.append(Exchange(**{**known, "request": request, "response": response}))
    return FetchResult(
        url=capture.url,
        final_url=capture.final_url,
        purpose=capture.purpose,
        outcome=capture.outcome,
        reason=capture.reason,
        exchanges=tuple(exchanges),
        content=content,
        content_type=capture.content_type,
        retry_after_s=facts.retry_after_s,
    )
