"""What notices may speak of: findings a person confirmed and where they were received; and why not others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from clonedetect.errors import IncompleteError
from clonedetect.evidence.exhibits import latest_decisions, reference_finder
from clonedetect.models.capture import Capture, Outcome, WireFidelity
from clonedetect.models.case import CaseContents, Decision, DecisionKind, ReferenceCopy
from clonedetect.models.ids import Digest, RecordId
from clonedetect.models.match import Finding, Kind
from clonedetect.models.verdict import PageClass

__all__ = ["Gathered", "Left", "Material", "gather"]

_EXCUSED = {
    PageClass.ALLOWED_DOMAIN: "the settings allow what this domain shows",
    PageClass.ALLOWED_ITEMS: "the posts' own entries allow this domain",
    PageClass.AGGREGATOR: "the posts' own entries allow this domain",
    PageClass.SYNDICATION: "it is an allowed copy that names the original",
    PageClass.FEDERATION: "the settings say that the platform federates to such servers",
    PageClass.EMBED: "the platform itself shows the post there",
}
_TAKEN_DOWN = (Outcome.GONE, Outcome.SOFT_404, Outcome.PARKED)


@dataclass(frozen=True, slots=True)
class Material:
    """One finding that a person confirmed, with the records of where it was received.

    `media` is the capture of the copied picture, None for a text; `last` and `last_media` are
    the latest captures of both, whatever they ended in.
    """

    finding: Finding
    reference: ReferenceCopy
    decision: Decision
    page: Capture
    media: Capture | None
    last: Capture
    last_media: Capture | None
    page_class: PageClass

    @property
    def is_copy(self) -> bool:
        """Whether something of the post itself was found, not only a name or a number of it."""
        return any(kind is not Kind.IDENTIFIER for kind in self.finding.match.kinds)


@dataclass(frozen=True, slots=True)
class Left:
    """A confirmed finding that stays out of a kind of letter ("" for all), and what to use instead."""

    finding_id: str
    item_id: str
    page_url: str
    kind: str
    reason: str
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gathered:
    """What may be spoken of, what may not though it was confirmed, and how many nobody confirmed."""

    material: tuple[Material, ...]
    left: tuple[Left, ...]
    rejected: int
    unsure: int
    undecided: int


def gather(contents: CaseContents, blocked: frozenset[Digest]) -> Gathered:
    """Return the confirmed findings of a case, by page, item and id.

    Raises IncompleteError where a record or the platform's own side of one is not in the case.
    """
    decided = latest_decisions(contents)
    said = Counter(decided[one.finding_id].decision for one in contents.findings if one.finding_id in decided)
    records = _Records(contents)
    material, left = [], []
    for finding in sorted(contents.findings, key=lambda f: (f.page_url, f.match.item_id, f.finding_id)):
        decision = decided.get(finding.finding_id)
        if decision is None or decision.decision is not DecisionKind.CONFIRM:
            continue
        one = records.material(finding, decision)
        reason = _left_out(one, blocked)
        if reason:
            left.append(Left(finding.finding_id, finding.match.item_id, finding.page_url, "", reason))
        else:
            material.append(one)
    return Gathered(
        material=tuple(material),
        left=tuple(left),
        rejected=said[DecisionKind.REJECT],
        unsure=said[DecisionKind.UNSURE],
        undecided=len(contents.findings) - sum(said.values()),
    )


class _Records:
    """Captures by record and by address, and what each page is to the platform."""

    def __init__(self, contents: CaseContents) -> None:
        self._by_record = {one.record_id: one for one in contents.captures if one.record_id}
        self._reference = reference_finder(contents)
        self._classes = {one.page_url: one.page_class for one in contents.verdicts}
        self._last: dict[str, Capture] = {}
        for capture in sorted(contents.captures, key=lambda one: one.captured_at):
            for url in (capture.url, capture.final_url):
                self._last[url] = capture

    def material(self, finding: Finding, decision: Decision) -> Material:
        page = self._capture(finding, finding.page_record_id)
        media = None
        if finding.record_id != finding.page_record_id:
            media = self._capture(finding, finding.record_id)
        return Material(
            finding=finding,
            reference=self._reference(finding),
            decision=decision,
            page=page,
            media=media,
            last=self._last.get(finding.page_url, page),
            last_media=self._last.get(finding.media_url or media.url, media) if media else None,
            page_class=self._classes.get(finding.page_url, PageClass.UNCLASSED),
        )

    def _capture(self, finding: Finding, record: RecordId) -> Capture:
        if record not in self._by_record:
            raise IncompleteError(
                f"finding {finding.finding_id}: the case holds no capture of record {record}"
            )
        return self._by_record[record]


def _left_out(one: Material, blocked: frozenset[Digest]) -> str:
    """Return why a confirmed finding is spoken of in no letter at all, "" where it may be."""
    return next(_objections(one, blocked), "")


def _objections(one: Material, blocked: frozenset[Digest]) -> Iterator[str]:
    """Give what speaks against a letter.

    1. Content on the blocked list is reported where the law says, not in these letters.
    2. Material that was handed over proves no connection, and so no recipient.
    3. Without a recorded peer nobody is known to have served it.
    4. What is gone needs no letter.
    5. What the operator's own records allow is not complained of.
    6. A page that was captured before the post existed did not copy it.
    """
    captures = [one.page] + ([one.media] if one.media else [])
    if one.finding.content_digest in blocked or one.reference.object_digest in blocked:
        yield "its content is on the list of what is never shown: report it as the law provides"
    if any(capture.fidelity is WireFidelity.SUPPLIED for capture in captures):
        yield (
            "it was supplied, not received over a connection of ours, so that who served it is not recorded:"
            " capture the page under a grant"
        )
    if any(capture.peer is None for capture in captures):
        yield "the case records no network address that served it: capture the page again"
    for what, last in (("page", one.last), ("picture", one.last_media)):
        if last is not None and last.outcome in _TAKEN_DOWN:
            at = f"{last.captured_at:%Y-%m-%d %H:%M} UTC"
            yield f"the {what} was gone when it was last asked for ({last.outcome}, {at})"
    if one.page_class in _EXCUSED:
        yield f"the page is no clone by the operator's own records: {_EXCUSED[one.page_class]}"
    host = urlsplit(one.page.final_url or one.page.url).hostname or ""
    if any(host == name or host.endswith(f".{name}") for name in one.reference.item.allowed_domains):
        yield "the post's own entry allows this domain"
    standing = one.finding.standing
    if standing is not None and standing.published_after_s is not None:
        yield "the page was captured before the post was published: it has what both show from elsewhere"
