"""Which findings become exhibits, in which order, and why the others do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from clonedetect.errors import IncompleteError
from clonedetect.models.case import CaseContents, Decision, DecisionKind, ReferenceCopy
from clonedetect.models.ids import Digest
from clonedetect.models.match import Finding, Verdict

__all__ = ["Exhibit", "LeftOut", "Selection", "latest_decisions", "reference_finder", "select", "unreviewed"]


_ANY_PICTURE = -1
"""Stands for a media id where a picture was matched without saying with which of the item's."""


class LeftOut(StrEnum):
    """Why a finding is listed and not shown."""

    REJECTED = "a person rejected it"
    MINOR = "the item is marked as showing a minor"
    BLOCKED = "its picture is on the list of pictures that are never shown"
    UNDECIDED = "the machine's verdict is neither confirmed nor possible"


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One finding with its number, the platform's own side, and what a person said last."""

    number: int
    finding: Finding
    reference: ReferenceCopy
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class Selection:
    """All findings: exhibits in order, and the rest with the reason."""

    exhibits: tuple[Exhibit, ...]
    left_out: tuple[tuple[Finding, LeftOut], ...]


def latest_decisions(contents: CaseContents) -> dict[str, Decision]:
    """Return the last decision on each finding; of equal times the later in the log stands."""
    ordered = sorted(contents.decisions, key=lambda decision: decision.decided_at)
    return {decision.finding_id: decision for decision in ordered}


def unreviewed(contents: CaseContents) -> int:
    """Return how many findings nobody has looked at."""
    decided = latest_decisions(contents)
    return sum(finding.finding_id not in decided for finding in contents.findings)


def select(contents: CaseContents, blocked: frozenset[Digest] = frozenset()) -> Selection:
    """Choose the exhibits: one for each finding that stands, by account, item, page and id.

    `blocked` are digests that are never copied or shown. Raises
    IncompleteError where the platform's own side of a finding is not in the case.
    """
    decisions = latest_decisions(contents)
    references = _references(contents)
    exhibits: list[Exhibit] = []
    left_out: list[tuple[Finding, LeftOut]] = []
    for finding in sorted(contents.findings, key=_order):
        reference = _reference(references, finding)
        decision = decisions.get(finding.finding_id)
        reason = _left_out(finding, reference, decision, blocked)
        if reason is not None:
            left_out.append((finding, reason))
        else:
            exhibits.append(Exhibit(len(exhibits) + 1, finding, reference, decision))
    return Selection(tuple(exhibits), tuple(left_out))


def reference_finder(contents: CaseContents) -> Callable[[Finding], ReferenceCopy]:
    """Return what gives the platform's own side of a finding, or raises IncompleteError."""
    return partial(_reference, _references(contents))


def _order(finding: Finding) -> tuple[str, str, str, str]:
    return finding.match.account_id or "", finding.match.item_id, finding.page_url, finding.finding_id


def _references(contents: CaseContents) -> dict[tuple[str, int | None], ReferenceCopy]:
    found: dict[tuple[str, int | None], ReferenceCopy] = {}
    for copy in contents.references:
        found.setdefault((copy.item.item_id, copy.media_id), copy)
    for copy in contents.references:  # where none of its own was kept, any copy of the item tells its caption
        found.setdefault((copy.item.item_id, None), copy)
        if copy.object_digest is not None:
            found.setdefault((copy.item.item_id, _ANY_PICTURE), copy)
    return found


def _reference(references: dict[tuple[str, int | None], ReferenceCopy], finding: Finding) -> ReferenceCopy:
    item, image = finding.match.item_id, finding.match.image
    copy = references.get((item, image.media_id if image else None))
    if image is None and finding.media_url is not None:
        copy = references.get((item, _ANY_PICTURE), copy)
    if copy is None:
        raise IncompleteError(
            f"finding {finding.finding_id}: the case holds no copy of item {finding.match.item_id};"
            " run the analysis again where the index can be read"
        )
    return copy


def _left_out(
    finding: Finding, reference: ReferenceCopy, decision: Decision | None, blocked: frozenset[Digest]
) -> LeftOut | None:
    if finding.content_digest in blocked or reference.object_digest in blocked:
        return LeftOut.BLOCKED
    if reference.item.minor:
        return LeftOut.MINOR
    if decision is not None and decision.decision is DecisionKind.REJECT:
        return LeftOut.REJECTED
    if finding.match.verdict not in (Verdict.CONFIRMED, Verdict.POSSIBLE):
        return LeftOut.UNDECIDED
    return None
