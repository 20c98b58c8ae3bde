"""The findings of a case as tables: by page, site, account, item, or each of its own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from clonedetect.analysis.placing import grounds_of
from clonedetect.analysis.site import SiteVerdict, accounts_over_pages
from clonedetect.evidence.rows import (
    CAPTURED,
    NOT_JUDGED,
    SUPPLIED,
    AccountRow,
    By,
    FindingRow,
    ItemRow,
    PageRow,
    Row,
    SiteRow,
)
from clonedetect.evidence.signals import Signals
from clonedetect.evidence.view import SEEN, CaseView, site_of
from clonedetect.models.capture import Capture, Outcome
from clonedetect.models.case import CaseContents
from clonedetect.models.ids import AccountId
from clonedetect.models.match import Finding, Verdict
from clonedetect.models.reasons import limits_first
from clonedetect.models.standing import ItemStanding, standing_words
from clonedetect.models.verdict import AccountVerdict, ItemVerdict, PageVerdict

__all__ = ["rows_by", "site_verdict", "unjudged_pages"]

_STRENGTH = (Verdict.NONE, Verdict.INCONCLUSIVE, NOT_JUDGED, Verdict.POSSIBLE, Verdict.CONFIRMED)


def site_verdict(contents: CaseContents, site: str) -> SiteVerdict:
    """Return what is said of one site of the case."""
    view = CaseView(contents)
    return view.site(site, [page.page_url for page in _pages(view) if page.site == site])


def rows_by(contents: CaseContents, by: By) -> tuple[Row, ...]:
    """Return the table, rows in a fixed order: pages and sites by address, the rest by id."""
    return _BUILDERS[by](CaseView(contents))


def unjudged_pages(contents: CaseContents) -> int:
    """Return how many captured pages wait for an analysis."""
    return sum(page.verdict == NOT_JUDGED for page in _pages(CaseView(contents)))


def _pages(view: CaseView) -> tuple[PageRow, ...]:
    urls = sorted(view.captures.keys() | view.by_page.keys() | view.verdicts.keys())
    return tuple(_page(view, url) for url in urls)


def _page(view: CaseView, url: str) -> PageRow:
    known = sorted(view.captures.get(url, ()), key=lambda capture: capture.captured_at)
    own = [capture for capture in known if capture.origin is None]
    rests_on_supplied = view.rests_on_supplied(url) or not own
    supplied = [capture for capture in known if capture.origin is not None]
    captures = supplied if rests_on_supplied else own
    findings = view.by_page.get(url, [])
    verdict = view.verdicts.get(url) or _unjudged(url, captures)
    is_waiting = url not in view.verdicts and bool(captures) and captures[-1].outcome in SEEN
    outcome = captures[-1].outcome if captures else Outcome.NOT_VISITED
    first, last = view.times([url])
    rejected, unreviewed = view.counts(findings)
    return PageRow(
        page_url=url,
        site=site_of(url),
        outcome=outcome,
        verdict=NOT_JUDGED if is_waiting else verdict.verdict,
        items=tuple(verdict.items),
        accounts=tuple(verdict.accounts),
        kinds=tuple(verdict.kinds),
        reasons=verdict.reasons,
        first_seen=first,
        last_seen=last,
        findings=tuple(finding.finding_id for finding in findings),
        rejected=rejected,
        unreviewed=unreviewed,
        page_kind=verdict.page_kind,
        page_class=verdict.page_class,
        class_reason=verdict.page_class_reason,
        grounds=tuple(grounds_of(finding.match for finding in findings)),
        item_verdicts=tuple(map(_item_words, verdict.item_verdicts)),
        account_verdicts=tuple(map(_account_words, verdict.account_verdicts)),
        media_examined=verdict.media_examined,
        media_confirmed=verdict.media_confirmed,
        origin=SUPPLIED if rests_on_supplied and captures else CAPTURED,
        supplied=verdict.supplied,
        claimed_at=_claimed_at(captures),
        supplied_beside=0 if rests_on_supplied else len(supplied),
    )


def _claimed_at(captures: Iterable[Capture]) -> datetime | None:
    """Return the latest time of capture that the files claim, None for captures of our own."""
    claimed = [one.origin.claimed_at for one in captures if one.origin and one.origin.claimed_at]
    return max(claimed, default=None)


def _item_words(verdict: ItemVerdict) -> str:
    return f"{verdict.item_id} {verdict.verdict} ({', '.join(verdict.grounds)}): {verdict.rule}"


def _account_words(verdict: AccountVerdict) -> str:
    return f"{verdict.account_id} {verdict.verdict}: {'; '.join(verdict.reasons)}"


def _unjudged(url: str, captures: list[Capture]) -> PageVerdict:
    """What is said of a page that no analysis has judged: never that nothing is there."""
    if not captures:
        reason = "no capture of this page is in the case"
    elif captures[-1].outcome in SEEN:
        reason = "captured, not analysed yet"
    else:
        reason = captures[-1].reason or f"could not be seen: {captures[-1].outcome}"
    return PageVerdict(url, Verdict.INCONCLUSIVE, reasons=(reason,))


def _sites(view: CaseView) -> tuple[SiteRow, ...]:
    grouped: dict[str, list[PageRow]] = defaultdict(list)
    for page in _pages(view):
        grouped[page.site].append(page)
    traits = Signals.of(view.traits)
    return tuple(
        _site(view.site(site, [page.page_url for page in grouped[site]]), grouped[site], traits)
        for site in sorted(grouped)
    )


def _site(told: SiteVerdict, pages: list[PageRow], traits: Signals) -> SiteRow:
    outcomes, estimate = Counter(page.outcome for page in pages), told.estimate
    media = estimate.media if estimate else None
    return SiteRow(
        site=told.site,
        verdict=_strongest(page.verdict for page in pages),
        pages=len(pages),
        pages_confirmed=sum(page.verdict == Verdict.CONFIRMED for page in pages),
        outcomes=tuple(f"{name} {count}" for name, count in sorted(outcomes.items())),
        items=_distinct(item for page in pages for item in page.items),
        accounts=_distinct(account for page in pages for account in page.accounts),
        kinds=_distinct(kind for page in pages for kind in page.kinds),
        first_seen=min((page.first_seen for page in pages if page.first_seen), default=None),
        last_seen=max((page.last_seen for page in pages if page.last_seen), default=None),
        rejected=sum(page.rejected for page in pages),
        unreviewed=sum(page.unreviewed for page in pages),
        pages_seen=told.seen,
        observed_share=_share(told.confirmed / told.seen) if told.seen else None,
        media_examined=told.media_examined,
        media_confirmed=told.media_confirmed,
        page_kinds=tuple(f"{kind} {count}" for kind, count in told.kinds),
        page_classes=tuple(f"{kind} {count}" for kind, count in told.classes),
        accounts_confirmed=tuple(told.accounts),
        sample_frame=estimate.frame if estimate else None,
        sample_drawn=estimate.drawn if estimate else None,
        sample_judged=estimate.judged if estimate else None,
        sample_confirmed=estimate.confirmed if estimate else None,
        estimated_low=_share(estimate.pages.low) if estimate else None,
        estimated_high=_share(estimate.pages.high) if estimate else None,
        estimated_media_low=_share(media.low) if media else None,
        estimated_media_high=_share(media.high) if media else None,
        reasons=told.reasons,
        pages_supplied=sum(page.origin == SUPPLIED for page in pages),
        traits=traits.cells(told.site),
        related=traits.related(told.site),
    )


def _share(value: float) -> float:
    return round(value, 4)


def _accounts(view: CaseView) -> tuple[AccountRow, ...]:
    grouped = _grouped(view.findings, lambda finding: finding.match.account_id or "")
    return tuple(_account(view, account, grouped[account]) for account in sorted(grouped))


def _account(view: CaseView, account: str, findings: list[Finding]) -> AccountRow:
    pages = _distinct(finding.page_url for finding in findings)
    first, last = view.times(pages)
    rejected, unreviewed = view.counts(findings)
    said = _account_verdicts(view, account, findings)
    confirmed = [page for page, one in said if one.verdict is Verdict.CONFIRMED]
    over_pages = _confirmed_over_pages(view, account, findings)
    return AccountRow(
        account_id=account,
        verdict=_strongest(finding.match.verdict for finding in findings),
        items=_distinct(finding.match.item_id for finding in findings),
        sites=_distinct(site_of(page) for page in pages),
        pages=pages,
        kinds=_distinct(kind for finding in findings for kind in finding.match.kinds),
        first_seen=first,
        last_seen=last,
        findings=tuple(finding.finding_id for finding in findings),
        rejected=rejected,
        unreviewed=unreviewed,
        account_verdict=Verdict.CONFIRMED
        if confirmed or over_pages
        else _strongest(one.verdict for _, one in said)
        if said
        else "",
        grounds=tuple(grounds_of(finding.match for finding in findings)),
        pages_confirmed=tuple(confirmed),
        sites_confirmed=_distinct((*map(site_of, confirmed), *over_pages)),
        account_reasons=_account_reasons(said, over_pages),
        pages_supplied=tuple(filter(view.rests_on_supplied, pages)),
    )


def _account_verdicts(
    view: CaseView, account: str, findings: Iterable[Finding]
) -> list[tuple[str, AccountVerdict]]:
    """Return what is said of an account on each page where something of it was found."""
    pages = _distinct(finding.page_url for finding in findings)
    verdicts = [view.verdicts[page] for page in pages if page in view.verdicts]
    return [
        (page.page_url, one)
        for page in verdicts
        for one in page.account_verdicts
        if one.account_id == account
    ]


def _confirmed_over_pages(view: CaseView, account: str, findings: Iterable[Finding]) -> dict[str, int]:
    """Return the sites on whose pages, taken together, enough posts of an account are confirmed."""
    apart = _grouped(findings, lambda one: f"{view.rests_on_supplied(one.page_url)} {site_of(one.page_url)}")
    counts: dict[str, dict[AccountId, int]] = defaultdict(dict)
    for key, group in sorted(apart.items(), reverse=True):  # our own pages last: what they confirm stands
        counts[key.partition(" ")[2]] |= accounts_over_pages(group, view.least_posts)
    return {site: found[AccountId(account)] for site, found in counts.items() if AccountId(account) in found}


def _account_reasons(
    said: Iterable[tuple[str, AccountVerdict]], over_pages: Mapping[str, int]
) -> tuple[str, ...]:
    """Return the reasons of the surest pages, and of the sites where posts on several pages confirm."""
    told = list(said)
    best = _strongest(one.verdict for _, one in told) if told else ""
    reasons = [f"{page}: {reason}" for page, one in told if one.verdict == best for reason in one.reasons]
    reasons += [
        f"{site}: {count} distinct posts of this account stand on its pages, each confirmed"
        for site, count in sorted(over_pages.items())
    ]
    return tuple(reasons)


def _items(view: CaseView) -> tuple[ItemRow, ...]:
    grouped = _grouped(view.findings, lambda finding: finding.match.item_id)
    return tuple(_item(view, item, grouped[item]) for item in sorted(grouped))


def _item(view: CaseView, item: str, findings: list[Finding]) -> ItemRow:
    pages = _distinct(finding.page_url for finding in findings)
    first, last = view.times(pages)
    rejected, unreviewed = view.counts(findings)
    best = max(findings, key=lambda finding: (_STRENGTH.index(finding.match.verdict), finding.match.score))
    told = [one for page in pages for one in _item_verdicts(view, page) if one.item_id == item]
    surest = max(told, key=lambda one: _STRENGTH.index(one.verdict), default=None)
    return ItemRow(
        item_id=item,
        account_id=best.match.account_id or "",
        permalink=best.match.permalink or "",
        verdict=best.match.verdict,
        score=best.match.score,
        sites=_distinct(site_of(page) for page in pages),
        pages=pages,
        kinds=_distinct(kind for finding in findings for kind in finding.match.kinds),
        reasons=best.match.reasons,
        first_seen=first,
        last_seen=last,
        findings=tuple(finding.finding_id for finding in findings),
        rejected=rejected,
        unreviewed=unreviewed,
        grounds=tuple(grounds_of(finding.match for finding in findings)),
        rule=surest.rule if surest else "",
        item_reasons=surest.reasons if surest else (),
        pages_supplied=tuple(filter(view.rests_on_supplied, pages)),
    )


def _item_verdicts(view: CaseView, page: str) -> tuple[ItemVerdict, ...]:
    return view.verdicts[page].item_verdicts if page in view.verdicts else ()


def _grouped(findings: Iterable[Finding], key: Callable[[Finding], str]) -> dict[str, list[Finding]]:
    grouped: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        grouped[key(finding)].append(finding)
    return grouped


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({str(value) for value in values}))


def _findings(view: CaseView) -> tuple[FindingRow, ...]:
    return tuple(
        FindingRow(
            finding_id=finding.finding_id,
            verdict=finding.match.verdict,
            page_url=finding.page_url,
            media_url=finding.media_url or "",
            item_id=finding.match.item_id,
            account_id=finding.match.account_id or "",
            kinds=tuple(finding.match.kinds),
            score=finding.match.score,
            reasons=limits_first(finding.match.verdict, finding.match.reasons),
            decision=view.decided.get(finding.finding_id) or "",
            visibility=_visibility(finding.standing),
            standing=standing_words(finding.standing) if finding.standing else (),
            grounds=tuple(grounds_of((finding.match,))),
            page_kind=view.kind_and_class(finding.page_url)[0],
            page_class=view.kind_and_class(finding.page_url)[1],
            supplied=view.origins(finding).sentences,
        )
        for finding in view.findings
    )


def _visibility(standing: ItemStanding | None) -> str:
    if standing is None or standing.at_capture is None:
        return ""
    return f"{standing.at_capture}{' (assumed)' if standing.is_assumed else ''}"


def _strongest(verdicts: Iterable[str]) -> str:
    return max(map(str, verdicts), key=_STRENGTH.index)


_BUILDERS: Mapping[By, Callable[[CaseView], tuple[Row, ...]]] = {
    By.PAGE: _pages,
    By.SITE: _sites,
    By.ACCOUNT: _accounts,
    By.ITEM: _items,
    By.FINDING: _findings,
}
