"""One explained verdict per page from everything that was compared on it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from clonedetect.extract.harvest import Omission
from clonedetect.match.corroborate import corroborate
from clonedetect.models.capture import Capture, Outcome
from clonedetect.models.ids import AccountId, Digest, ItemId, RecordId
from clonedetect.models.match import Finding, Kind, Match, PageVerdict, Verdict
from clonedetect.models.page import PageContent, TextBlock
from clonedetect.models.settings import TextThresholds

__all__ = ["ExaminedMedia", "PageAnalysis", "Tolerance", "judge_page", "judge_redirected", "judge_unseen"]

_RANK = {Verdict.CONFIRMED: 3, Verdict.POSSIBLE: 2, Verdict.INCONCLUSIVE: 1, Verdict.NONE: 0}
_HARMLESS = frozenset({Omission.SMALLER, Omission.IDENTIFIERS, Omission.EMBEDS})
_PICTURE_KINDS = frozenset({Kind.EXACT, Kind.IMAGE, Kind.VIDEO})


Tolerance = Callable[[ItemId], str]
"""Why an item may stand on the page at hand, as a sentence, "" where nobody allowed it."""


def _tolerate_nothing(_: ItemId) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class ExaminedMedia:
    """One picture referenced by a page: what comparing it gave, or why it was not compared.

    `not_examined` is empty where it was; `record_id` and `content_digest` are
    those of the bytes that were compared.
    """

    url: str
    matches: tuple[Match, ...] = ()
    record_id: RecordId | None = None
    content_digest: Digest | None = None
    not_examined: str = ""


@dataclass(frozen=True, slots=True)
class PageAnalysis:
    """The verdict on a page and the findings it stands on."""

    verdict: PageVerdict
    findings: tuple[Finding, ...]


def judge_unseen(capture: Capture) -> PageAnalysis:
    """Return the verdict on a page whose content could not be had: inconclusive, with the outcome."""
    reason = f"the page could not be examined: {capture.outcome}"
    if capture.reason:
        reason += f" ({capture.reason})"
    verdict = PageVerdict(
        capture.url,
        Verdict.INCONCLUSIVE,
        reasons=(reason,),
        not_examined=((str(capture.outcome), 1),),
    )
    return PageAnalysis(verdict, ())


def judge_redirected(capture: Capture) -> PageAnalysis:
    """Return the verdict on an address that led to another site: what came is judged as that site's."""
    reason = f"redirected to {capture.final_url}, another site: what it shows is judged there"
    not_examined = (("redirected to another site", 1),)
    return PageAnalysis(
        PageVerdict(capture.url, Verdict.INCONCLUSIVE, reasons=(reason,), not_examined=not_examined), ()
    )


def judge_page(
    capture: Capture,
    content: PageContent,
    media: Sequence[ExaminedMedia],
    texts: Iterable[Match],
    thresholds: TextThresholds,
    *,
    tolerance: Tolerance = _tolerate_nothing,
) -> PageAnalysis:
    """Return the one verdict on a captured page, with every finding and what was not examined.

    1. A pair that is only possible is confirmed where a confirmed pair of an
       independent kind (a picture, a caption) on the same page supports it.
    2. What `tolerance` knows a reason for is shown and accuses nobody: possible at most.
    3. The page is confirmed or possible by its best finding.
    4. `none` is said only if every text block and media reference was
       examined; otherwise the page is inconclusive, with counts by reason.
    """
    if capture.outcome is not Outcome.OK or capture.record_id is None or capture.content_digest is None:
        return judge_unseen(capture)
    page = _PageRecord(capture.url, capture.record_id, capture.content_digest)
    blocks = {block.locator: block for block in content.blocks}
    seen = [_picture_finding(page, picture, match) for picture in media for match in picture.matches]
    seen += [_text_finding(page, blocks, match) for match in texts]
    weighed = _best_of_each(_tolerated(one, tolerance) for one in _corroborated(seen, thresholds))
    findings = tuple(one for one in weighed if one.match.verdict in (Verdict.CONFIRMED, Verdict.POSSIBLE))
    verdict = _verdict(capture, content, media, findings, doubts=len(weighed) - len(findings))
    reasons = dict.fromkeys(filter(None, (tolerance(one.match.item_id) for one in findings)))
    return PageAnalysis(replace(verdict, reasons=(*reasons, *verdict.reasons)), findings)


@dataclass(frozen=True, slots=True)
class _PageRecord:
    url: str
    record_id: RecordId
    content_digest: Digest


def _picture_finding(page: _PageRecord, picture: ExaminedMedia, match: Match) -> Finding:
    return Finding(
        finding_id=_finding_id(page.url, picture.url, match),
        page_url=page.url,
        media_url=picture.url,
        page_record_id=page.record_id,
        record_id=picture.record_id or page.record_id,
        content_digest=picture.content_digest or page.content_digest,
        quoted_text="",
        match=match,
    )


def _text_finding(page: _PageRecord, blocks: Mapping[str, TextBlock], match: Match) -> Finding:
    locator = next((region.block for region in match.regions if region.block), "")
    block = blocks.get(locator)
    quoted = block.text if block else ""
    if match.identifier is not None:
        locator, quoted = match.identifier.locator, match.identifier.seen
    return Finding(
        finding_id=_finding_id(page.url, locator, match),
        page_url=page.url,
        media_url=None,
        page_record_id=page.record_id,
        record_id=page.record_id,
        content_digest=page.content_digest,
        quoted_text=quoted,
        match=match,
    )


def _finding_id(page_url: str, where: str, match: Match) -> str:
    """Return an id that repeated analysis gives again: page, place, item and leading kind, 16 hex digits."""
    kind = "picture" if _PICTURE_KINDS & set(match.kinds) else "text"
    if match.identifier is not None:
        kind = match.identifier.ground
    text = "\x00".join((page_url, where, match.item_id, kind))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _corroborated(findings: Sequence[Finding], thresholds: TextThresholds) -> list[Finding]:
    """Let independent kinds support each other: texts as `corroborate` says, pictures by a confirmed text."""
    told = corroborate([finding.match for finding in findings], thresholds).matches
    written = {
        match.item_id for match in told if match.text is not None and match.verdict is Verdict.CONFIRMED
    }
    return [
        replace(finding, match=_supported(match) if match.item_id in written else match)
        for finding, match in zip(findings, told, strict=True)
    ]


def _supported(match: Match) -> Match:
    if match.verdict is not Verdict.POSSIBLE or match.image is None:
        return match
    reason = "corroborated: the caption of the same item stands on the same page"
    return replace(match, verdict=Verdict.CONFIRMED, reasons=(*match.reasons, reason))


def _tolerated(finding: Finding, tolerance: Tolerance) -> Finding:
    reason, match = tolerance(finding.match.item_id), finding.match
    if not reason:
        return finding
    verdict = Verdict.POSSIBLE if match.verdict is Verdict.CONFIRMED else match.verdict
    return replace(finding, match=replace(match, verdict=verdict, reasons=(*match.reasons, reason)))


def _best_of_each(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Keep the strongest finding of each id; order by verdict, score, id."""
    best: dict[str, Finding] = {}
    for finding in findings:
        known = best.get(finding.finding_id)
        if known is None or _strength(finding) > _strength(known):
            best[finding.finding_id] = finding
    return tuple(sorted(best.values(), key=lambda one: (*(-part for part in _strength(one)), one.finding_id)))


def _strength(finding: Finding) -> tuple[int, float]:
    return _RANK[finding.match.verdict], finding.match.score


def _verdict(
    capture: Capture,
    content: PageContent,
    media: Sequence[ExaminedMedia],
    findings: Sequence[Finding],
    doubts: int,
) -> PageVerdict:
    omitted = Counter({reason: count for reason, count in content.omitted if reason not in _HARMLESS})
    omitted.update(picture.not_examined for picture in media if picture.not_examined)
    if doubts:
        omitted["too little to tell"] += doubts
    if content.is_script_only:
        omitted["shown by scripts only"] += 1
    top = max((one.match.verdict for one in findings), key=_RANK.__getitem__, default=None)
    if top is None:
        top = Verdict.INCONCLUSIVE if omitted else Verdict.NONE
    grounds = [one for one in findings if one.match.verdict is top]
    return PageVerdict(
        page_url=capture.url,
        verdict=top,
        kinds=tuple(dict.fromkeys(kind for one in grounds for kind in one.match.kinds)),
        items=tuple(dict.fromkeys(one.match.item_id for one in grounds)),
        accounts=_accounts(grounds),
        reasons=_reasons(grounds, omitted),
        not_examined=tuple(sorted(omitted.items())),
    )


def _accounts(grounds: Iterable[Finding]) -> tuple[AccountId, ...]:
    named = (one.match.account_id for one in grounds)
    return tuple(dict.fromkeys(account for account in named if account is not None))


def _reasons(grounds: Sequence[Finding], omitted: Counter[str]) -> tuple[str, ...]:
    reasons = [f"{one.match.item_id}: {one.match.reasons[0]}" for one in grounds if one.match.reasons]
    if not grounds and not omitted:
        reasons.append(
            "every text block and picture on the page was examined and nothing of the index was found"
        )
    reasons += [f"not examined: {count} x {reason}" for reason, count in sorted(omitted.items())]
    return tuple(reasons)
