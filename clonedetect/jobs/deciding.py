"""A person's decision on a finding."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from clonedetect.archive.custody import CustodyLog
from clonedetect.case.store import CaseStore
from clonedetect.models.case import Decision, DecisionKind

__all__ = ["decide_finding"]


def decide_finding(
    case: Path,
    finding_id: str,
    decision: DecisionKind,
    *,
    by: str,
    note: str,
    seconds: float | None,
    now: datetime,
) -> Decision:
    """Append the decision to the case and its custody log, and return it with the finding's whole id.

    `finding_id` may be the beginning of an id that no other finding's has.
    Raises InputError where the case has no such finding.
    """
    with CaseStore.open(case, custody=CustodyLog.open, now=now) as store:
        made = Decision(store.finding_id(finding_id), decision, by, note, seconds, now)
        store.decide(made)
    return made
