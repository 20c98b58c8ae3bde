"""A case as JSON lines: what package, schemas and verifiers agree on."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from clonedetect.errors import IncompleteError
from clonedetect.evidence.clock import ClockAccount, clock_account
from clonedetect.evidence.exhibits import Exhibit, LeftOut, Selection
from clonedetect.evidence.records import JoinedArchive
from clonedetect.evidence.shipped.verify import Record
from clonedetect.models.capture import Capture, Hop
from clonedetect.models.case import Analysis, CaseContents, GrantFile
from clonedetect.models.ids import Digest, RecordId
from clonedetect.models.match import Finding

__all__ = [
    "SCHEMA",
    "captures",
    "clock",
    "decisions",
    "json_lines",
    "matches",
    "network",
    "not_visited",
    "object_path",
    "provenance",
    "refusals",
    "sample",
    "verdicts",
]

SCHEMA = 1
FACTS_TYPE = "application/vnd.clonedetect.capture+json"
"""Content type of the metadata record that closes each capture's group in the archive."""

Row = dict[str, Any]
_encoder = msgspec.json.Encoder(order="sorted")


def json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return rows as JSON lines, keys sorted."""
    return b"".join(_encoder.encode(row) + b"\n" for row in rows)


def object_path(digest: Digest) -> str:
    """Return where an object lies below ``data/`` and the case: by digest, never by a name it came with."""
    hexadecimal = digest.removeprefix("sha256:")
    return f"objects/{hexadecimal[:2]}/{hexadecimal}"


def _row(value: object) -> Row:
    row: Row = msgspec.to_builtins(value)
    return {"schema": SCHEMA, **row}


def captures(contents: CaseContents, archive: JoinedArchive) -> list[Row]:
    """Return every capture with the places of its records in the joined archive, in the order of the case."""
    return [_row(archive.moved(capture)) for capture in contents.captures]


def refusals(contents: CaseContents) -> list[Row]:
    """Return every URL that was refused, why and where."""
    return [_row(refusal) for refusal in contents.refusals]


def not_visited(contents: CaseContents) -> list[Row]:
    """Return every URL that was known and never asked."""
    return [_row(skipped) for skipped in contents.not_visited]


def verdicts(contents: CaseContents) -> list[Row]:
    """Return what is said of each page."""
    return [_row(verdict) for verdict in contents.verdicts]


def sample(contents: CaseContents) -> bytes:
    """Return sample.json: what was drawn from which list by which seed; empty where nothing was."""
    if contents.sample is None:
        return b""
    document = {**_row(contents.sample), "frame": f"data/{object_path(contents.sample.frame_digest)}"}
    return msgspec.json.format(_encoder.encode(document), indent=1) + b"\n"


def decisions(contents: CaseContents) -> list[Row]:
    """Return what people decided, oldest first."""
    return [_row(decision) for decision in contents.decisions]


def network(contents: CaseContents, archive: JoinedArchive) -> list[Row]:
    """Return one row for each hop of each capture: address, peer, and what the records say of the connection.

    ``recorded`` is what the metadata record beside the response tells (names'
    answers, TLS version, cipher, certificates, times), as it stands there.
    """
    by_id = {record.record_id: record for record in archive.records}
    exchanges = _exchanges(archive.records)
    rows = []
    for capture in contents.captures:
        own = exchanges.get(capture.facts.record_id, []) if capture.facts else []
        for number, hop in enumerate(capture.hops):
            fields = _fields(by_id, hop)
            row = {
                "schema": SCHEMA,
                "capture_url": capture.url,
                "captured_at": capture.captured_at,
                "purpose": capture.purpose,
                "fidelity": capture.fidelity,
                "hop": number + 1,
                "url": hop.url,
                "status": hop.status,
                "location": hop.location,
                "peer": msgspec.to_builtins(hop.peer),
                "request_id": hop.request.record_id if hop.request else None,
                "response_id": hop.response.record_id if hop.response else None,
                "warc": {name: fields[name] for name in _CONNECTION_FIELDS if name in fields},
                "recorded": own[number] if number < len(own) else None,
            }
            rows.append(row)
    return rows


def _fields(by_id: Mapping[str, Record], hop: Hop) -> Mapping[str, str]:
    if hop.response is None:
        return {}
    if hop.response.record_id not in by_id:
        raise IncompleteError(
            f"{hop.response.record_id}, the record of {hop.url!a}, is not in the case's archive"
        )
    return by_id[hop.response.record_id].fields


_CONNECTION_FIELDS = ("warc-cipher-suite", "warc-date", "warc-ip-address", "warc-protocol", "warc-truncated")
_RECORDED = ("certificate_digests", "dns", "finished_at", "started_at", "tls", "truncated")


def _exchanges(records: Iterable[Record]) -> dict[str, list[Row]]:
    """Return by record id what our own metadata records tell of each exchange, in the order of the hops."""
    found = {}
    for record in records:
        if record.fields.get("content-type", "").startswith(FACTS_TYPE) and record.block:
            told = json.loads(record.block)["exchanges"]
            found[record.record_id] = [{key: one.get(key) for key in _RECORDED} for one in told]
    return found


def matches(contents: CaseContents, selection: Selection) -> list[Row]:
    """Return every finding: both digests, all measures, the settings that decided, its exhibit number."""
    analyses = _analyses_by_finding(contents)
    by_record = {capture.record_id: capture for capture in contents.captures if capture.record_id}
    rows = [
        _match(contents, exhibit.finding, by_record, analyses[exhibit.finding.finding_id]) | _shown(exhibit)
        for exhibit in selection.exhibits
    ]
    rows += [
        _match(contents, finding, by_record, analyses[finding.finding_id]) | _withheld(finding, reason)
        for finding, reason in selection.left_out
    ]
    return sorted(rows, key=lambda row: (row["exhibit"] is None, row["exhibit"], row["finding_id"]))


def _analyses_by_finding(contents: CaseContents) -> dict[str, Analysis | None]:
    """Return by finding the analysis that made it; the last one where the case does not say."""
    known = {one.analysis_id: one for one in contents.analyses}
    made = dict(contents.judged_by)
    last = contents.analyses[-1] if contents.analyses else None
    ids = (finding.finding_id for finding in contents.findings)
    return {finding_id: known.get(made.get(finding_id, -1), last) for finding_id in ids}


def _match(
    contents: CaseContents, finding: Finding, by_record: Mapping[RecordId, Capture], analysis: Analysis | None
) -> Row:
    capture = by_record.get(finding.record_id)
    match: Row = msgspec.to_builtins(finding.match)
    return {
        "schema": SCHEMA,
        "finding_id": finding.finding_id,
        "page_url": finding.page_url,
        "media_url": finding.media_url,
        "page_record_id": finding.page_record_id,
        "record_id": finding.record_id,
        "captured_at": capture.captured_at if capture else None,
        "payload_digest": capture.payload_digest if capture else None,
        "quoted_text": finding.quoted_text,
        **match,
        "standing": msgspec.to_builtins(finding.standing),
        "decisions": [
            msgspec.to_builtins(decision)
            for decision in contents.decisions
            if decision.finding_id == finding.finding_id
        ],
        "analysis": analysis
        and {
            "analysis_id": analysis.analysis_id,
            "index_generation": analysis.index_generation,
            "index_snapshot": analysis.index_snapshot,
            "settings_digest": analysis.settings_digest,
        },
    }


def _shown(exhibit: Exhibit) -> Row:
    copy, suspect = exhibit.reference, exhibit.finding.content_digest
    item: Row = msgspec.to_builtins(copy.item)
    for media in item["media"]:
        del media["path"]  # a path of the operator's machine says nothing to a reader
    return {
        "exhibit": exhibit.number,
        "left_out": None,
        "suspect": {
            "content_digest": suspect,
            "object": f"data/{object_path(suspect)}",
            "object_digest": suspect,
        },
        "reference": {
            "item": item,
            "media_id": copy.media_id,
            "is_original": copy.is_original,
            "media_type": copy.media_type,
            "object": f"data/{object_path(copy.object_digest)}" if copy.object_digest else None,
            "object_digest": copy.object_digest,
        },
    }


def _withheld(finding: Finding, reason: LeftOut) -> Row:
    return {
        "exhibit": None,
        "left_out": reason,
        "suspect": {"content_digest": finding.content_digest, "object": None, "object_digest": None},
        "reference": {
            "item": None,
            "media_id": finding.match.image.media_id if finding.match.image else None,
            "is_original": None,
            "media_type": None,
            "object": None,
            "object_digest": None,
        },
    }


def clock(contents: CaseContents, archive: JoinedArchive) -> ClockAccount:
    """Return what is known of the clock that the captures' times were read from."""
    told = (
        one
        for record in archive.records
        if record.fields.get("content-type", "").startswith(FACTS_TYPE) and record.block
        for one in json.loads(record.block)["exchanges"]
    )
    return clock_account(contents.clock, told)


def provenance(
    contents: CaseContents,
    grants: Iterable[tuple[GrantFile, str]],
    software: tuple[tuple[str, str], ...],
    clock_known: ClockAccount,
) -> bytes:
    """Return provenance.json: what made this, from what, with which settings; `grants` with their paths."""
    document = {
        "schema": SCHEMA,
        "case_id": contents.case_id,
        "is_rehearsal": contents.is_rehearsal,
        "packaged_by": software,
        "clock": msgspec.to_builtins(clock_known),
        "analyses": [
            {**msgspec.to_builtins(analysis), "settings_sha256": _sha256(analysis.settings)}
            for analysis in contents.analyses
        ],
        "grants": [
            {
                "grant_id": grant.grant_id,
                "digest": grant.digest,
                "path": path,
                "approver": grant.approver,
                "accepted_at": grant.accepted_at,
                "is_signed": grant.signature is not None,
                "is_countersigned": grant.countersignature is not None,
            }
            for grant, path in grants
        ],
        "counts": {
            "captures": len(contents.captures),
            "outcomes": dict(Counter(capture.outcome for capture in contents.captures)),
            "refusals": len(contents.refusals),
            "not_visited": len(contents.not_visited),
            "pages_judged": len(contents.verdicts),
            "findings": len(contents.findings),
            "decisions": len(contents.decisions),
        },
    }
    return msgspec.json.format(_encoder.encode(document), indent=1) + b"\n"


def _sha256(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
