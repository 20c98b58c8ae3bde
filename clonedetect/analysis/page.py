"""One explained verdict per page from everything that was compared on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from clonedetect.analysis.accounts import judge_accounts
from clonedetect.analysis.classes import Circumstances, Classified, classify
from clonedetect.analysis.findings import ExaminedMedia, FindingPage
from clonedetect.analysis.items import judge_items
from clonedetect.analysis.kinds import kind_of
from clonedetect.analysis.placing import Placed, is_picture
from clonedetect.extract.harvest import Omission
from clonedetect.match.corroborate import corroborate
from clonedetect.models.capture import Capture, Outcome
from clonedetect.models.ids import AccountId
from clonedetect.models.match import Finding, Match, Verdict
from clonedetect.models.page import PageContent
from clonedetect.models.reasons import limits_first
from clonedetect.models.settings import TextThresholds
from clonedetect.models.verdict import PageClass, PageVerdict

__all__ = [
    "SCRIPTS_ONLY",
    "UNCAPTURED_FRAME",
    "ExaminedMedia",
    "PageAnalysis",
    "judge_page",
    "judge_redirected",
    "judge_unseen",
]

SCRIPTS_ONLY = "shown by scripts only"
UNCAPTURED_FRAME = "frame: not captured"
"""Reasons under which a page counts what was not examined on it."""

_RANK = {Verdict.CONFIRMED: 3, Verdict.POSSIBLE: 2, Verdict.INCONCLUSIVE: 1, Verdict.NONE: 0}
_SHOWN = (Verdict.CONFIRMED, Verdict.POSSIBLE)
_HARMLESS = frozenset({Omission.SMALLER, Omission.IDENTIFIERS, Omission.EMBEDS})
_MENTIONS = 5
"""Mentions told one by one; a page may hold two hundred."""

_ACCUSING = frozenset({PageClass.UNCLASSED, PageClass.REPUBLICATION})


@dataclass(frozen=True, slots=True)
class PageAnalysis:
    """The verdict on a page and the findings it stands on."""

    verdict: PageVerdict
    findings: tuple[Finding, ...]

    def as_copy_of(self, url: str) -> PageAnalysis:
        """Return the same of a page that says what the page at `url` says; as it is where that is empty."""
        return replace(self, verdict=replace(self.verdict, copy_of=url)) if url else self


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
    circumstances: Circumstances | None = None,
) -> PageAnalysis:
    """Return the one verdict on a captured page, with every finding and what was not examined.

    `texts` are the matches of its text blocks and of its identifiers.

    1. A mention of an account, or a link to a post, is no finding; it is shown.
    2. What the page is (`classify`) keeps findings at possible: they accuse nobody,
       and support none.
    3. A pair that is only possible is confirmed where an independent kind of ground
       of the same item or account supports it (`corroborate`).
    4. Items and accounts are judged on what is left; the page is confirmed or possible
       by its best finding.
    5. `none` is said only if every text block and media reference was
       examined; otherwise the page is inconclusive, with counts by reason.
    """
    if capture.outcome is not Outcome.OK or capture.record_id is None or capture.content_digest is None:
        return judge_unseen(capture)
    page = FindingPage(capture.url, capture.record_id, capture.content_digest, content)
    told = tuple(texts)
    mentions = [match for match in told if match.identifier is not None and not match.identifier.is_ground]
    seen = [page.pictured(picture, match) for picture in media for match in picture.matches]
    seen += [page.told(match) for match in told if match not in mentions]  # 1
    shown = [one for one in seen if one.match.verdict in _SHOWN]
    classified = classify(content, shown, circumstances or Circumstances(), mentions)  # 2
    weighed, lifted = _weighed(seen, classified.capped)  # 3
    placed = [one for one in weighed if one.match.verdict in _SHOWN]
    evidence = _Evidence(
        content=content,
        media=media,
        mentions=mentions,
        classified=classified,
        findings=tuple(sorted((_capped(one, classified) for one in placed), key=_order)),
        lifted=lifted,
        confirmed=frozenset(_id(one) for one in placed if one.match.verdict is Verdict.CONFIRMED),
        doubts=len(weighed) - len(placed),
    )
    verdict = _verdict(capture.url, evidence, thresholds.account_posts)
    return PageAnalysis(verdict, tuple(one.finding for one in evidence.findings))


@dataclass(frozen=True, slots=True, eq=False)
class _Evidence:
    """All that a verdict is made of; `findings` are capped, `confirmed` the ids of those that were before."""

    content: PageContent
    media: Sequence[ExaminedMedia]
    mentions: Sequence[Match]
    classified: Classified
    findings: tuple[Placed, ...]
    lifted: frozenset[str]
    confirmed: frozenset[str]
    doubts: int

    @property
    def lowered(self) -> Mapping[str, str]:
        """The findings that what the page is took from confirmed to possible, with why."""
        capped = self.classified.capped
        return {finding_id: capped[finding_id] for finding_id in self.confirmed & capped.keys()}


def _id(placed: Placed) -> str:
    return placed.finding.finding_id


def _weighed(seen: Sequence[Placed], capped: Mapping[str, str]) -> tuple[list[Placed], frozenset[str]]:
    """Let independent kinds support each other, keep the strongest of each id; also the ids so confirmed."""
    excused = [_id(one) in capped for one in seen]
    told = corroborate([one.match for one in seen], [one.entry for one in seen], excused)
    supported = [
        (_with(one, match), is_lifted)
        for one, match, is_lifted in zip(seen, told.matches, told.lifted, strict=True)
    ]
    best: dict[str, tuple[Placed, bool]] = {}
    for one, is_lifted in supported:
        known = best.get(_id(one))
        if known is None or _strength(one) > _strength(known[0]):
            best[_id(one)] = (one, is_lifted)
    lifted = frozenset(finding_id for finding_id, (_, is_lifted) in best.items() if is_lifted)
    return [one for one, _ in best.values()], lifted


def _with(placed: Placed, match: Match) -> Placed:
    return replace(placed, finding=replace(placed.finding, match=match))


def _capped(placed: Placed, classified: Classified) -> Placed:
    reason, match = classified.capped.get(_id(placed)), placed.match
    if reason is None:
        return placed
    verdict = Verdict.POSSIBLE if match.verdict is Verdict.CONFIRMED else match.verdict
    return _with(placed, replace(match, verdict=verdict, reasons=(*match.reasons, reason)))


def _strength(placed: Placed) -> tuple[int, float]:
    return _RANK[placed.match.verdict], placed.match.score


def _order(placed: Placed) -> tuple[int, float, str]:
    """Order by verdict, score, id."""
    rank, score = _strength(placed)
    return -rank, -score, _id(placed)


def _verdict(url: str, evidence: _Evidence, least_posts: int) -> PageVerdict:
    omitted = _omitted(evidence)
    top = max((one.match.verdict for one in evidence.findings), key=_RANK.__getitem__, default=None)
    if top is None:
        top = Verdict.INCONCLUSIVE if omitted else Verdict.NONE  # 5
    grounds = [one.match for one in evidence.findings if one.match.verdict is top]
    kind, kind_reason = kind_of(evidence.content)
    pictures = [one for one in evidence.media if one.is_photograph]
    compared = {one.content_digest for one in pictures if not one.not_examined and one.content_digest}
    copied = {
        one.finding.content_digest
        for one in evidence.findings
        if is_picture(one.match) and one.match.verdict is Verdict.CONFIRMED
    }
    return PageVerdict(
        page_url=url,
        verdict=top,
        kinds=tuple(dict.fromkeys(kind for match in grounds for kind in match.kinds)),
        items=tuple(dict.fromkeys(match.item_id for match in grounds)),
        accounts=_accounts(grounds),
        reasons=_reasons(grounds, omitted, evidence),
        not_examined=tuple(sorted(omitted.items())),
        page_kind=kind,
        page_kind_reason=kind_reason,
        page_class=evidence.classified.page_class,
        page_class_reason=evidence.classified.reason,
        item_verdicts=judge_items(evidence.findings, evidence.lifted, frozenset(evidence.lowered)),
        account_verdicts=judge_accounts(evidence.findings, least_posts, evidence.lowered),
        media_examined=len(compared),
        media_confirmed=len(compared & copied),
        media_unexamined=sum(bool(one.not_examined) for one in pictures),
    )


def _omitted(evidence: _Evidence) -> Counter[str]:
    """Count by reason what was not examined."""
    content = evidence.content
    omitted = Counter({reason: count for reason, count in content.omitted if reason not in _HARMLESS})
    omitted.update(picture.not_examined for picture in evidence.media if picture.not_examined)
    if evidence.doubts:
        omitted["too little to tell"] += evidence.doubts
    if content.is_script_only:
        omitted[SCRIPTS_ONLY] += 1
    return omitted


def _accounts(grounds: Iterable[Match]) -> tuple[AccountId, ...]:
    return tuple(dict.fromkeys(one.account_id for one in grounds if one.account_id is not None))


def _reasons(grounds: Sequence[Match], omitted: Counter[str], evidence: _Evidence) -> tuple[str, ...]:
    """Return what the page is, why it is judged so, and what it says of itself, each sentence once."""
    classified = evidence.classified
    reasons = list(classified.capped.values())
    if classified.page_class not in _ACCUSING:
        reasons.insert(0, classified.reason)
    reasons += [
        f"{one.item_id}: {limits_first(one.verdict, one.reasons)[0]}" for one in grounds if one.reasons
    ]
    if not grounds and not omitted:
        reasons.append(
            "every text block and picture on the page was examined and nothing of the index was found"
        )
    reasons += classified.notes
    mentions = list(dict.fromkeys(map(_mention, evidence.mentions)))
    reasons += mentions[:_MENTIONS]
    if len(mentions) > _MENTIONS:
        reasons.append(f"and {len(mentions) - _MENTIONS} more identifiers that count for nothing")
    reasons += [f"not examined: {count} x {reason}" for reason, count in sorted(omitted.items())]
    return tuple(dict.fromkeys(reasons))


def _mention(match: Match) -> str:
    """Return what is said of an identifier that is no ground."""
    identifier = match.identifier
    if identifier is None or identifier.is_contradicted:
        return f"{match.item_id}: {match.reasons[0]}" if match.reasons else "an identifier is contradicted"
    whose = f"account {match.account_id}" if match.account_id else f"item {match.item_id}"
    return f"the page mentions {whose} by its {identifier.ground} {identifier.seen}: a mention is no copy"
