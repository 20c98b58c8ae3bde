"""What a case folder holds, as values; the evidence package is made from these alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clonedetect.models.capture import Capture, RefusalRecord
from clonedetect.models.clock import ClockReading
from clonedetect.models.ids import Digest, ItemId, MediaId
from clonedetect.models.item import Item
from clonedetect.models.match import Finding
from clonedetect.models.sample import PageDraw, Sample
from clonedetect.models.supplied import SuppliedFile
from clonedetect.models.trait import Trait
from clonedetect.models.verdict import PageVerdict

__all__ = [
    "Analysis",
    "CaseContents",
    "CustodyAct",
    "Decision",
    "DecisionKind",
    "GrantFile",
    "HostPause",
    "NotVisited",
    "ReferenceCopy",
]


class DecisionKind(StrEnum):
    """What a person said of a finding."""

    CONFIRM = "confirm"
    REJECT = "reject"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class CustodyAct:
    """What is to become a line of the custody log; `time` carries its zone, `grant` is a grant's id or ""."""

    time: datetime
    actor: str
    action: str
    grant: str
    subject: str


@dataclass(frozen=True, slots=True)
class GrantFile:
    """A grant byte for byte, with its signatures as they were given (None: unsigned)."""

    grant_id: str
    digest: Digest
    data: bytes
    signature: bytes | None
    countersignature: bytes | None
    approver: str
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class Analysis:
    """One run of the analysis: what it used, so that it can be repeated.

    `settings` is the settings document as used; `environment` holds
    (name, version) of the software that decided, our own first.
    """

    analysis_id: int
    started_at: datetime
    index_generation: int
    index_snapshot: str
    settings: str
    settings_digest: Digest
    environment: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ReferenceCopy:
    """The platform's own side of a finding, copied into the case.

    `object_digest` names the file in ``objects/`` that shows the picture:
    the original (`is_original`) or the index's thumbnail as PNG. None for a
    finding on text alone.
    """

    item: Item
    media_id: MediaId | None
    object_digest: Digest | None
    is_original: bool
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's decision on one finding."""

    finding_id: str
    decision: DecisionKind
    by: str
    note: str
    seconds: float | None
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class NotVisited:
    """A URL that was known and never asked, and why."""

    url: str
    reason: str


@dataclass(frozen=True, slots=True)
class HostPause:
    """Until when a host asked us not to come, by the last run that met it."""

    host: str
    until: datetime


@dataclass(frozen=True, slots=True)
class CaseContents:
    """Everything of a case but the bytes below ``archive/`` and ``objects/``.

    `references` are keyed by (item_id, media_id or None) through their fields;
    `analyses` oldest first, findings and verdicts those that stand. `judged_by`
    holds (finding_id, analysis_id): a later analysis may not have come to all. `sample` is
    None where no sample of addresses was drawn, `clock` what was noted of the machine's clock, oldest first;
    `supplied` are the files that were handed over, `traits` the standing signals of who runs the sites.
    `pages_known` are the pages and API answers that the crawl asked for, or would with a
    wider cap; `page_draw` says how they were chosen when a cap was last met, None if none ever was.
    """

    case_id: str
    is_rehearsal: bool
    grants: tuple[GrantFile, ...]
    captures: tuple[Capture, ...]
    refusals: tuple[RefusalRecord, ...]
    not_visited: tuple[NotVisited, ...]
    analyses: tuple[Analysis, ...]
    verdicts: tuple[PageVerdict, ...]
    findings: tuple[Finding, ...]
    references: tuple[ReferenceCopy, ...]
    decisions: tuple[Decision, ...]
    archive_files: tuple[str, ...]
    judged_by: tuple[tuple[str, int], ...] = ()
    sample: Sample | None = None
    pages_asked: int = 0
    pages_known: int = 0
    page_draw: PageDraw | None = None
    clock: tuple[ClockReading, ...] = ()
    supplied: tuple[SuppliedFile, ...] = ()
    traits: tuple[Trait, ...] = ()

    def reference(self, item_id: ItemId, media_id: MediaId | None) -> ReferenceCopy | None:
        """Return the copied reference of one side of a finding."""
        for copy in self.references:
            if copy.item.item_id == item_id and copy.media_id == media_id:
                return copy
        return None
