"""The findings of a case as tables: by page, site, account, item, or each of its own."""

from __future__ import annotations

import ipaddress
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from clonedetect.evidence.exhibits import latest_decisions
from clonedetect.models.capture import Capture, Outcome, Purpose
from clonedetect.models.case import CaseContents, DecisionKind
from clonedetect.models.match import Finding, Verdict
from clonedetect.models.reasons import limits_first
from clonedetect.models.standing import ItemStanding, standing_words
from clonedetect.models.verdict import PageVerdict

__all__ = [
    "NOT_JUDGED",
    "PACKAGED",
    "AccountRow",
    "By",
    "FindingRow",
    "ItemRow",
    "PageRow",
    "Row",
    "SiteRow",
    "columns",
    "rows_by",
    "site_of",
    "unjudged_pages",
]

NOT_JUDGED = "not judged"
"""What stands for the verdict of a page that was captured and that no analysis has looked at yet."""


class By(StrEnum):
    """What one row stands for."""

    PAGE = "page"
    SITE = "site"
    ACCOUNT = "account"
    ITEM = "item"
    FINDING = "finding"


PACKAGED = (By.PAGE, By.SITE, By.ACCOUNT, By.ITEM)
"""The tables of a package; single findings are in its matches, with everything there is of them."""


@dataclass(frozen=True, slots=True)
class PageRow:
    """One captured page, with or without findings; `outcome` is that of its latest capture.

    `verdict` is `not judged` where no analysis has looked at the page yet.

    `findings` are the ids that ``clonedetect decide`` takes, `rejected` and
    `unreviewed` how many of them a person rejected or nobody looked at.
    """

    page_url: str
    site: str
    outcome: str
    verdict: str
    items: tuple[str, ...]
    accounts: tuple[str, ...]
    kinds: tuple[str, ...]
    reasons: tuple[str, ...]
    first_seen: datetime | None
    last_seen: datetime | None
    findings: tuple[str, ...]
    rejected: int
    unreviewed: int


@dataclass(frozen=True, slots=True)
class SiteRow:
    """One registrable domain; `verdict` is the strongest of its pages, `outcomes` counts its pages."""

    site: str
    verdict: str
    pages: int
    pages_confirmed: int
    outcomes: tuple[str, ...]
    items: tuple[str, ...]
    accounts: tuple[str, ...]
    kinds: tuple[str, ...]
    first_seen: datetime | None
    last_seen: datetime | None
    rejected: int
    unreviewed: int


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One of the platform's accounts, with everything of it that was found."""

    account_id: str
    verdict: str
    items: tuple[str, ...]
    sites: tuple[str, ...]
    pages: tuple[str, ...]
    kinds: tuple[str, ...]
    first_seen: datetime | None
    last_seen: datetime | None
    findings: tuple[str, ...]
    rejected: int
    unreviewed: int


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One of the platform's posts, with everywhere it was found; `score` is the best."""

    item_id: str
    account_id: str
    permalink: str
    verdict: str
    score: float
    sites: tuple[str, ...]
    pages: tuple[str, ...]
    kinds: tuple[str, ...]
    reasons: tuple[str, ...]
    first_seen: datetime | None
    last_seen: datetime | None
    findings: tuple[str, ...]
    rejected: int
    unreviewed: int


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding; `reasons` begin with what limits it, `decision` is a person's last word or empty.

    `visibility` is the item's class when the page was captured (``public (assumed)`` where
    nobody gave one, empty where it is not known), `standing` what else is to be said of that moment.
    """

    finding_id: str
    verdict: str
    page_url: str
    media_url: str
    item_id: str
    account_id: str
    kinds: tuple[str, ...]
    score: float
    reasons: tuple[str, ...]
    decision: str
    visibility: str
    standing: tuple[str, ...]


Row = PageRow | SiteRow | AccountRow | ItemRow | FindingRow
_ROWS: dict[By, type[Row]] = {
    By.PAGE: PageRow,
    By.SITE: SiteRow,
    By.ACCOUNT: AccountRow,
    By.ITEM: ItemRow,
    By.FINDING: FindingRow,
}
_STRENGTH = (Verdict.NONE, Verdict.INCONCLUSIVE, NOT_JUDGED, Verdict.POSSIBLE, Verdict.CONFIRMED)


_SEEN = (Outcome.OK, Outcome.NOT_MODIFIED)


def columns(by: By) -> tuple[str, ...]:
    """Return the column names of one table, in order."""
    return tuple(field.name for field in fields(_ROWS[by]))


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def site_of(url: str) -> str:
    """Return the registrable domain of a URL (public suffix list), or its host where there is none."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return _suffixes().privatesuffix(host) or host


def rows_by(contents: CaseContents, by: By) -> tuple[Row, ...]:
    """Return the table, rows in a fixed order: pages and sites by address, the rest by id."""
    return _BUILDERS[by](_View(contents))


def unjudged_pages(contents: CaseContents) -> int:
    """Return how many captured pages wait for an analysis."""
    return sum(page.verdict == NOT_JUDGED for page in _pages(_View(contents)))


class _View:
    """A case turned round so that rows can be read off it."""

    def __init__(self, contents: CaseContents) -> None:
        self.findings = sorted(contents.findings, key=lambda f: (f.page_url, f.match.item_id, f.finding_id))
        self.verdicts = {verdict.page_url: verdict for verdict in contents.verdicts}
        self.decided = {key: one.decision for key, one in latest_decisions(contents).items()}
        self.by_page: dict[str, list[Finding]] = defaultdict(list)
        for finding in self.findings:
            self.by_page[finding.page_url].append(finding)
        self.captures: dict[str, list[Capture]] = defaultdict(list)
        for capture in contents.captures:
            for url in self._page_urls(capture):
                self.captures[url].append(capture)

    def _page_urls(self, capture: Capture) -> tuple[str, ...]:
        """The addresses under which verdicts and findings know this capture; none for what is no page."""
        if capture.purpose not in (Purpose.PAGE, Purpose.API):
            return ()
        asked = dict.fromkeys((capture.url, capture.final_url))
        known = tuple(url for url in asked if url in self.verdicts or url in self.by_page)
        return known or ((capture.url,) if capture.purpose is Purpose.PAGE else ())

    def times(self, pages: Iterable[str]) -> tuple[datetime | None, datetime | None]:
        """When any of `pages` was first and last captured."""
        times = [capture.captured_at for page in pages for capture in self.captures.get(page, ())]
        return (min(times), max(times)) if times else (None, None)

    def counts(self, findings: Iterable[Finding]) -> tuple[int, int]:
        """How many of `findings` a person rejected, and how many nobody looked at."""
        said = [self.decided.get(finding.finding_id) for finding in findings]
        return said.count(DecisionKind.REJECT), said.count(None)


def _pages(view: _View) -> tuple[PageRow, ...]:
    urls = sorted(view.captures.keys() | view.by_page.keys() | view.verdicts.keys())
    return tuple(_page(view, url) for url in urls)


def _page(view: _View, url: str) -> PageRow:
    captures = sorted(view.captures.get(url, ()), key=lambda capture: capture.captured_at)
    findings = view.by_page.get(url, [])
    verdict = view.verdicts.get(url) or _unjudged(url, captures)
    is_waiting = url not in view.verdicts and bool(captures) and captures[-1].outcome in _SEEN
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
    )


def _unjudged(url: str, captures: list[Capture]) -> PageVerdict:
    """What is said of a page that no analysis has judged: never that nothing is there."""
    if not captures:
        reason = "no capture of this page is in the case"
    elif captures[-1].outcome in _SEEN:
        reason = "captured, not analysed yet"
    else:
        reason = captures[-1].reason or f"could not be seen: {captures[-1].outcome}"
    return PageVerdict(url, Verdict.INCONCLUSIVE, reasons=(reason,))


def _sites(view: _View) -> tuple[SiteRow, ...]:
    grouped: dict[str, list[PageRow]] = defaultdict(list)
    for page in _pages(view):
        grouped[page.site].append(page)
    return tuple(_site(site, grouped[site]) for site in sorted(grouped))


def _site(site: str, pages: list[PageRow]) -> SiteRow:
    outcomes = Counter(page.outcome for page in pages)
    return SiteRow(
        site=site,
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
    )


def _accounts(view: _View) -> tuple[AccountRow, ...]:
    grouped = _grouped(view.findings, lambda finding: finding.match.account_id or "")
    return tuple(_account(view, account, grouped[account]) for account in sorted(grouped))


def _account(view: _View, account: str, findings: list[Finding]) -> AccountRow:
    pages = _distinct(finding.page_url for finding in findings)
    first, last = view.times(pages)
    rejected, unreviewed = view.counts(findings)
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
    )


def _items(view: _View) -> tuple[ItemRow, ...]:
    grouped = _grouped(view.findings, lambda finding: finding.match.item_id)
    return tuple(_item(view, item, grouped[item]) for item in sorted(grouped))


def _item(view: _View, item: str, findings: list[Finding]) -> ItemRow:
    pages = _distinct(finding.page_url for finding in findings)
    first, last = view.times(pages)
    rejected, unreviewed = view.counts(findings)
    best = max(findings, key=lambda finding: (_STRENGTH.index(finding.match.verdict), finding.match.score))
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
    )


def _grouped(findings: Iterable[Finding], key: Callable[[Finding], str]) -> dict[str, list[Finding]]:
    grouped: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        grouped[key(finding)].append(finding)
    return grouped


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({str(value) for value in values}))


def _findings(view: _View) -> tuple[FindingRow, ...]:
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
        )
        for finding in view.findings
    )


def _visibility(standing: ItemStanding | None) -> str:
    if standing is None or standing.at_capture is None:
        return ""
    return f"{standing.at_capture}{' (assumed)' if standing.is_assumed else ''}"


def _strongest(verdicts: Iterable[str]) -> str:
    return max(map(str, verdicts), key=_STRENGTH.index)


_BUILDERS: Mapping[By, Callable[[_View], tuple[Row, ...]]] = {
    By.PAGE: _pages,
    By.SITE: _sites,
    By.ACCOUNT: _accounts,
    By.ITEM: _items,
    By.FINDING: _findings,
}
