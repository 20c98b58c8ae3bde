"""Reports in XARF 4 (https://xarf.org), one for each address complained of, for programs to read."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from clonedetect.evidence.notices.attachment import json_document
from clonedetect.evidence.notices.groups import Entry, Place
from clonedetect.evidence.notices.kinds import Grouping, NoticeKind
from clonedetect.evidence.notices.material import Material
from clonedetect.evidence.notices.names import Names
from clonedetect.evidence.notices.origins import Origin
from clonedetect.evidence.notices.rights import Basis, basis_of
from clonedetect.evidence.view import site_of
from clonedetect.models.capture import Capture
from clonedetect.models.match import Kind
from clonedetect.settings.document import Settings

__all__ = ["VERSION", "Reporter", "reports"]

VERSION: Final = "4.2.0"
"""The version of the specification that the reports are written to."""

_DOMAIN: Final = re.compile(r"([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,}")
Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reporter:
    """What all reports of a run share."""

    settings: Settings
    grouping: Grouping
    names: Names
    origin: Callable[[Capture], Origin]
    has_standing: Callable[[Material], bool]


def reports(kind: NoticeKind, entries: Iterable[Entry], reporter: Reporter) -> tuple[bytes, ...]:
    """Return one report for each served address, in order; terms and privacy have no type in XARF 4.

    A DSA notice has reports of what may be claimed as copyright. Equal reports have equal ids.
    """
    if kind in (NoticeKind.DMCA, NoticeKind.DSA):
        found = _copyright(entries, reporter)
    elif kind is NoticeKind.TRADEMARK:
        found = _brand(entries, reporter)
    else:
        found = []
    return tuple(json_document(_numbered(report)) for report in found)


def _copyright(entries: Iterable[Entry], reporter: Reporter) -> list[Report]:
    works: dict[Place, list[Entry]] = {}
    for entry in entries:
        if any(reporter.has_standing(one) for one in entry.material):
            for place in entry.served:
                works.setdefault(place, []).append(entry)
    return [_copyright_report(place, copied, reporter) for place, copied in works.items()]


def _copyright_report(place: Place, copied: list[Entry], reporter: Reporter) -> Report:
    items = {entry.item.item_id: entry.item for entry in copied}
    kinds = {kind for entry in copied for one in entry.material for kind in one.finding.match.kinds}
    report = _core(place, copied, reporter) | {
        "category": "copyright",
        "type": "copyright",
        "infringing_url": place.located,
    }
    titles = [f"post {item_id}" for item_id in items]
    report["work_title"] = titles[0] if len(titles) == 1 else f"{len(titles)} posts, listed in the evidence"
    if len(items) == 1 and (original := reporter.names.permalink(next(iter(items.values())))):
        report["original_url"] = original
    if all(basis_of(item.rights_basis) is Basis.OWNER for item in items.values()):
        report["rights_holder"] = reporter.settings.claimant.name[:200]
    if kinds == {Kind.EXACT}:
        report["infringement_type"] = "direct_copy"
    return report


def _brand(entries: Iterable[Entry], reporter: Reporter) -> list[Report]:
    pages: dict[Place, list[Entry]] = {}
    for entry in entries:
        if entry.page in entry.served:
            pages.setdefault(entry.page, []).append(entry)
    return [_brand_report(page, copied, reporter) for page, copied in pages.items()]


def _brand_report(page: Place, copied: list[Entry], reporter: Reporter) -> Report:
    platform = reporter.settings.platform
    report = _core(page, copied, reporter) | {
        "category": "content",
        "type": "brand_infringement",
        "url": page.located,
        "infringement_type": "trademark_violation",
        "legitimate_site": f"https://{platform.hosts[0]}/",
        "target_brand": platform.name,
        "infringing_elements": ["brand_name"],
        "verified_at": page.capture.captured_at,
        "verification_method": "manual",
    }
    site = site_of(page.located)
    if _DOMAIN.fullmatch(site):
        report["domain"] = site
    return report


def _core(place: Place, copied: list[Entry], reporter: Reporter) -> Report:
    claimant = reporter.settings.claimant
    contact = {
        "org": claimant.name[:200],
        "contact": claimant.email,
        "domain": claimant.email.rpartition("@")[2].lower(),
    }
    is_host = reporter.grouping is Grouping.HOST
    origin = reporter.origin(place.capture)
    return {
        "xarf_version": VERSION,
        "timestamp": place.capture.captured_at,
        "reporter": contact,
        "sender": contact,
        "source_identifier": origin.address if is_host else site_of(place.located),
        "source_port": origin.port,
        "evidence_source": "crawler",
        "description": (
            f"{len(copied)} post(s) of another service found at this address; each was confirmed by a person."
            " Goes with a letter that a person completes and signs, and is a draft without it."
        ),
        "evidence": [_evidence(place, copied)],
    }


def _evidence(place: Place, copied: list[Entry]) -> Report:
    capture = place.capture
    payload = json_document(
        {
            "received_at": capture.captured_at,
            "peer": str(capture.peer),
            "record_id": capture.record_id,
            "payload_digest": capture.payload_digest,
            "content_digest": capture.content_digest,
            "posts": sorted({entry.item.item_id for entry in copied}),
        }
    )
    return {
        "content_type": "application/json",
        "description": "The capture of this address: time, network address, record and digests, posts found",
        "payload": base64.b64encode(payload).decode(),
        "hash": f"sha256:{hashlib.sha256(payload).hexdigest()}",
        "size": len(payload),
    }


def _numbered(report: Report) -> Report:
    """Give a report the id that its own content makes, so that sent twice it is known for the same."""
    digest = hashlib.sha256(json_document(report)).digest()
    return {"report_id": str(uuid.UUID(bytes=digest[:16], version=4)), **report}
