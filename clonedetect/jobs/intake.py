"""Files that were handed over, taken into an open case: bytes first, then record by record.

The order loses nothing and doubles nothing: the file is kept whole and read from there, each
capture is recorded as a crawl records it, and the file's own row closes it. Killed at any moment
and run again, what is there is known by the file's digest and the place within it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from clonedetect.archive.custody import read_custody
from clonedetect.archive.group import has_content
from clonedetect.archive.supplied.formats import LOOK_BYTES, format_of, read_supplied
from clonedetect.archive.supplied.message import (
    MAX_BLOCK_BYTES,
    Fault,
    Found,
    Message,
    MessageKind,
    PassedOver,
    Software,
)
from clonedetect.archive.warc import WarcArchive
from clonedetect.case.objects import object_path
from clonedetect.case.store import CaseStore
from clonedetect.crawl.events import CaptureEvent, RefusalEvent
from clonedetect.crawl.sniff import media_kind
from clonedetect.errors import IncompleteError, InputError
from clonedetect.extract.sandbox import Killed, Sandbox
from clonedetect.extract.walls import classify
from clonedetect.grant.permit import permit
from clonedetect.grant.terms import Grant
from clonedetect.jobs.assembling import Assembled, Whole, assembled
from clonedetect.jobs.stopping import Stop
from clonedetect.jobs.supplying import Unwanted, prepared
from clonedetect.models.capture import Capture, FetchResult, Outcome, Purpose, RefusalRecord
from clonedetect.models.ids import Digest
from clonedetect.models.item import MediaKind
from clonedetect.models.permit import Permit, Refusal
from clonedetect.models.supplied import HeadOrigin, Origin, SuppliedFile, SuppliedFormat

__all__ = ["Intake"]

_CLASSIFIED = (Purpose.PAGE, Purpose.API)
_NOT_GRANTED = "not granted"
_BATCH = 200
_CHUNK = 1 << 20
_PICTURE_TYPES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG", "image/png"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True, eq=False)
class Intake:
    """Takes files into one open case; counts what became of everything in them.

    `taken` are new captures, `known` those that were there; `page` is the address of the page
    that pictures show, "" where none was named. `on_event` is told captures and refusals. What the
    case held before is read once: `held` captures, `files`, and what custody has `noted` of them.
    """

    store: CaseStore
    archive: WarcArchive
    actor: str
    sandbox: Sandbox
    grant: Grant
    by: str
    page: str
    on_event: Callable[[CaptureEvent | RefusalEvent], None]
    stop: Stop
    taken: int = 0
    known: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    held: set[tuple[Digest, str]] = field(init=False)
    noted: set[str] = field(init=False)
    files: dict[Digest, SuppliedFile] = field(init=False)
    _waiting: list[RefusalRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        origins = (capture.origin for capture in self.store.captures())
        self.held = {(origin.file_digest, origin.place) for origin in origins if origin is not None}
        acts = read_custody(self.store.folder / "custody.jsonl")
        self.noted = {act.subject for act in acts if act.action == "supplied"}
        self.files = {one.digest: one for one in self.store.supplied()}

    def take(self, path: Path) -> None:
        """Take one file in: its bytes, what it holds, and how it ended.

        Raises InputError where it cannot be read, IncompleteError where it cannot be kept.
        """
        try:
            with path.open("rb") as stream:
                form = _format(stream.read(LOOK_BYTES))
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from error
        reason = self._objection(form)
        is_kept = not reason
        try:
            digest, size = self.store.put_file(path) if is_kept else _measured(path)
        except OSError as error:
            raise IncompleteError(f"{path} cannot be kept in the case: {error.strerror}") from error
        known = self.files.get(digest)
        file = SuppliedFile(
            digest=digest,
            name=_recordable(path.name),
            format=form,
            size_bytes=size,
            supplied_by=known.supplied_by if known else self.by,
            supplied_at=known.supplied_at if known else _now(),
            grant_id=self.grant.grant_id,
            is_kept=is_kept or (known is not None and known.is_kept),
        )
        reading = _Reading(self, file)
        if reason:
            reading.refuse_all(reason)
        else:
            reading.run()

    def _objection(self, form: SuppliedFormat) -> str:
        if form is SuppliedFormat.OTHER:
            return "neither WARC, WACZ, HAR, MHTML nor a picture"
        if form is SuppliedFormat.PICTURE and not self.page:
            return "a picture has no address: name the page it shows with --page"
        return ""

    def record(self, result: FetchResult, allowed: Permit, now: datetime, parent: str | None) -> Capture:
        """Record one supplied answer in the order of a crawl, object, archive, custody, row, and return it.

        The frontier is left alone: what was supplied answers no question of ours.
        """
        if has_content(result):
            self.store.put_object(result.content)
        capture = self.archive.append(result, allowed, captured_at=now, parent_url=parent)
        self.store.record_capture(capture, actor=self.actor)
        return capture

    def refuse(self, record: RefusalRecord) -> None:
        """Keep a refusal, soon; the same one is kept and told once."""
        self._waiting.append(record)
        if len(self._waiting) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Have all refusals on record, and tell those that are new."""
        for new in self.store.record_refusals(self._waiting) if self._waiting else ():
            self.on_event(RefusalEvent(new))
        self._waiting.clear()


def _format(start: bytes) -> SuppliedFormat:
    if media_kind(start) is MediaKind.IMAGE:
        return SuppliedFormat.PICTURE
    return format_of(start) or SuppliedFormat.OTHER


def _measured(path: Path) -> tuple[Digest, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while data := stream.read(_CHUNK):
            digest.update(data)
            size += len(data)
    return Digest(f"sha256:{digest.hexdigest()}"), size


def _recordable(text: str) -> str:
    """Return a name or address as records can hold it."""
    return text.encode("utf-8", "backslashreplace").decode()


@dataclass(slots=True, eq=False)
class _Reading:
    """One file on its way into the case."""

    intake: Intake
    file: SuppliedFile
    taken: int = 0
    made_with: str = ""
    refused: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)

    def refuse_all(self, reason: str) -> None:
        """Refuse the file as a whole."""
        self._refuse(Refusal(f"urn:{self.file.digest}", Purpose.PAGE, f"{self.file.name}: {reason}"), reason)
        self._close()

    def run(self) -> None:
        """Take in everything that the file holds, and close it unless the operator stopped meanwhile."""
        if self.file.digest not in self.intake.files:
            self._keep(self.file)
        for one in assembled(self._found):
            self._one(one)
            if self.intake.stop.is_set:
                self.intake.flush()
                return
        self._close()

    def _found(self) -> Iterator[Found]:
        path = object_path(self.intake.store.folder, self.file.digest)
        if self.file.format is not SuppliedFormat.PICTURE:
            yield from read_supplied(path, self.file.format)
            return
        with path.open("rb") as stream:
            data = stream.read(MAX_BLOCK_BYTES)
        kind = next((kind for start, kind in _PICTURE_TYPES if data.startswith(start)), "image/*")
        page = self.intake.page
        yield Message(
            place=f"the picture, of {page}",
            url=page,
            kind=MessageKind.RESOURCE,
            block=data,
            head=HeadOrigin.NONE,
            content_type="application/octet-stream" if kind == "image/*" else kind,
            is_screenshot=True,
        )

    def _one(self, one: Assembled) -> None:
        if isinstance(one, Software):
            self.made_with = self.made_with or _recordable(one.name)
        elif isinstance(one, PassedOver):
            self._pass_over(one.what)
        elif isinstance(one, Fault):
            reason = f"{self.file.name}, {one.place}: {one.reason}"
            url = one.url or f"urn:{self.file.digest}"
            self._refuse(Refusal(url, Purpose.PAGE, reason), one.kind)
        elif (self.file.digest, one.place) in self.intake.held:
            self.taken += 1
            self.intake.known += 1
        else:
            self._take(one)

    def _take(self, whole: Whole) -> None:
        now = _now()
        answer = prepared(whole, self._origin(whole), partial(self._permit, now), now)
        if isinstance(answer, Unwanted):
            self._pass_over(answer.what)
        elif isinstance(answer, Refusal):
            self._refuse(answer, _NOT_GRANTED)
        else:
            result = self._classified(answer.result)
            capture = self.intake.record(result, answer.permit, now, whole.messages[0].page or None)
            self.intake.held.add((self.file.digest, whole.place))
            self.taken += 1
            self.intake.taken += 1
            self.intake.on_event(CaptureEvent(capture))

    def _permit(self, now: datetime, url: str, purpose: Purpose) -> Permit | Refusal:
        return permit(self.intake.grant, url, purpose, now)

    def _origin(self, whole: Whole) -> Origin:
        final = whole.messages[-1]
        heads = {message.head for message in whole.messages}
        weakest = (HeadOrigin.RECONSTRUCTED, HeadOrigin.REVISIT, HeadOrigin.AS_SUPPLIED)
        return Origin(
            supplied_by=self.file.supplied_by,
            file_digest=self.file.digest,
            file_name=self.file.name,
            format=self.file.format,
            place=whole.place,
            head=next((head for head in weakest if head in heads), HeadOrigin.NONE),
            claimed_at=final.claimed_at,
            claimed_peer=final.claimed_peer,
            claimed_record_id=_recordable(final.record_id),
            stated_digests=tuple(map(_recordable, final.stated_digests)),
            content_id=_recordable(final.content_id),
            is_screenshot=final.is_screenshot,
        )

    def _classified(self, result: FetchResult) -> FetchResult:
        """Return the result with a finer outcome where the page is a wall, as a crawl tells it."""
        origin, last = result.origin, result.exchanges[-1]
        if result.purpose not in _CLASSIFIED or (origin is not None and origin.is_screenshot):
            return result
        status = 200 if last.status is None else last.status
        try:
            wall = self.intake.sandbox.call(
                classify, status, last.headers, result.content, result.url, result.final_url
            )
        except InputError as error:
            return replace(result, outcome=Outcome.PARSE_KILLED, reason=str(error))
        if isinstance(wall, Killed):
            reason = f"the parser was stopped: {wall.reason}"
            return replace(result, outcome=Outcome.PARSE_KILLED, reason=reason)
        return result if wall is None else replace(result, outcome=wall[0], reason=wall[1])

    def _refuse(self, refusal: Refusal, kind: str) -> None:
        self.refused[kind] += 1
        self.intake.refused[kind] += 1
        self.intake.refuse(
            RefusalRecord(
                url=_recordable(refusal.url),
                purpose=refusal.purpose,
                reason=_recordable(refusal.reason),
                where="ingest",
                refused_at=_now(),
                parent_url=f"urn:{self.file.digest}",
            )
        )

    def _pass_over(self, what: str) -> None:
        told = _recordable(what)[:60]
        self.passed_over[told] += 1
        self.intake.passed_over[told] += 1

    def _close(self) -> None:
        """Have everything of the file on record: its refusals, its row, its lines in custody."""
        self.intake.flush()
        file = replace(
            self.file,
            made_with=self.made_with,
            taken=self.taken,
            refused=tuple(sorted(self.refused.items())),
            passed_over=tuple(sorted(self.passed_over.items())),
        )
        refused = (f"{file.digest} refused {count} x {kind}" for kind, count in file.refused)
        counts = f"{file.digest} {file.taken} captures" if file.is_kept else f"{file.digest} not kept"
        self._keep(file, counts, *refused)

    def _keep(self, file: SuppliedFile, *notes: str) -> None:
        """Keep the file's row, and its lines in custody that are not there yet."""
        told = f"{file.digest} {file.format} of {file.size_bytes} bytes, {file.name}, by {file.supplied_by}"
        intake = self.intake
        new = tuple(note for note in (told, *notes) if note not in intake.noted)
        if new or intake.files.get(file.digest) != file:
            intake.store.put_supplied(file, new, actor=intake.actor)
        intake.noted.update(new)
        intake.files[file.digest] = file
