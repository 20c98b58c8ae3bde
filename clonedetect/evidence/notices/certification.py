"""A draft certification under FRE 902(13) and (14), with the digests of the records findings rest on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from clonedetect.archive.record import read_record
from clonedetect.errors import IncompleteError
from clonedetect.evidence.notices.attachment import SCHEMA, json_document, left_blank
from clonedetect.evidence.notices.kinds import CERTIFICATION_BLANKS
from clonedetect.evidence.notices.letters import render_text
from clonedetect.evidence.notices.material import Material
from clonedetect.evidence.notices.names import Names
from clonedetect.evidence.records import custody_lines
from clonedetect.models.capture import Capture, RecordRef, WireFidelity
from clonedetect.models.case import CaseContents
from clonedetect.models.ids import Digest, RecordId

__all__ = ["certification"]


@dataclass(frozen=True, slots=True)
class _Certified:
    """One record with its digests, the block's computed again from the archive."""

    number: int
    url: str
    is_hidden: bool
    received_at: datetime
    address: str
    port: int
    record_id: RecordId
    file: str
    block_digest: Digest
    payload_digest: Digest
    content_digest: Digest | None
    is_exact: bool


def certification(
    contents: CaseContents, folder: Path, material: tuple[Material, ...], names: Names
) -> tuple[str, bytes]:
    """Return the draft and its list as JSON.

    Raises VerificationError where a record does not have its digest or the custody log was changed,
    IncompleteError where either is missing.
    """
    records = _certified(folder, material, names)
    lines = custody_lines(folder / "custody.jsonl").splitlines(keepends=True)
    head = f"sha256:{hashlib.sha256(lines[-1]).hexdigest()}"
    software = contents.analyses[-1].environment if contents.analyses else ()
    text = render_text(
        "certification.txt.j2",
        case_id=contents.case_id,
        records=records,
        software=software,
        custody_length=len(lines),
        custody_head=head,
        blanks=CERTIFICATION_BLANKS,
    )
    document = {
        "schema": SCHEMA,
        "is_draft": True,
        "kind": "certification",
        "case_id": contents.case_id,
        "custody": {"lines": len(lines), "last_line": head},
        "records": records,
        "left_blank": left_blank(CERTIFICATION_BLANKS),
    }
    return text, json_document(msgspec.to_builtins(document))


def _certified(folder: Path, material: tuple[Material, ...], names: Names) -> tuple[_Certified, ...]:
    hidden: dict[RecordId, bool] = {}
    captures: dict[RecordId, Capture] = {}
    for one in material:
        for capture in filter(None, (one.page, one.media)):
            if capture.record_id is None:
                continue
            captures.setdefault(capture.record_id, capture)
            hides = any(names.hides(one.reference.item, url) for url in (capture.url, capture.final_url))
            hidden[capture.record_id] = hidden.get(capture.record_id, False) or hides
    ordered = sorted(captures.values(), key=lambda one: (one.captured_at, one.url, one.record_id or ""))
    found = []
    for number, capture in enumerate(ordered, 1):
        ref = _response(capture)
        read_record(folder, ref)
        found.append(
            _Certified(
                number=number,
                url=capture.final_url or capture.url,
                is_hidden=hidden[ref.record_id],
                received_at=capture.captured_at,
                address=capture.peer.address if capture.peer else "",
                port=capture.peer.port if capture.peer else 0,
                record_id=ref.record_id,
                file=ref.file,
                block_digest=ref.block_digest,
                payload_digest=ref.payload_digest,
                content_digest=capture.content_digest,
                is_exact=capture.fidelity is WireFidelity.EXACT,
            )
        )
    return tuple(found)


def _response(capture: Capture) -> RecordRef:
    for hop in reversed(capture.hops):
        if hop.response is not None and hop.response.record_id == capture.record_id:
            return hop.response
    raise IncompleteError(
        f"the capture of {capture.url!a} does not say where its record {capture.record_id} lies"
    )
