"""A case turned round so that rows can be read off it."""

from __future__ import annotations

import ipaddress
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from clonedetect.analysis.site import SiteVerdict, judge_site
from clonedetect.evidence.exhibits import latest_decisions
from clonedetect.evidence.supplied import FindingOrigins, captures_by_record, finding_origins
from clonedetect.models.capture import Capture, Outcome, Purpose
from clonedetect.models.case import CaseContents, DecisionKind
from clonedetect.models.match import Finding
from clonedetect.models.settings import TextThresholds

__all__ = ["SEEN", "CaseView", "site_of"]

SEEN: Final = (Outcome.OK, Outcome.NOT_MODIFIED)
"""Outcomes of a page that was received whole."""


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


def _least_posts(contents: CaseContents) -> int:
    """Return how many posts confirm an account, by the settings of the last analysis."""
    standard = TextThresholds().account_posts
    try:
        settings = tomllib.loads(contents.analyses[-1].settings) if contents.analyses else {}
        return int(settings.get("thresholds", {}).get("text", {}).get("account_posts", standard))
    except (tomllib.TOMLDecodeError, AttributeError, ValueError, TypeError):
        return standard


class CaseView:
    """A case turned round so that rows can be read off it."""

    def __init__(self, contents: CaseContents) -> None:
        self.findings = sorted(contents.findings, key=lambda f: (f.page_url, f.match.item_id, f.finding_id))
        self.verdicts = {verdict.page_url: verdict for verdict in contents.verdicts}
        self.sample = contents.sample
        self._by_record = captures_by_record(contents.captures)
        self.traits = contents.traits
        self.least_posts = _least_posts(contents)
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

    def rests_on_supplied(self, page: str) -> bool:
        """Whether the verdict on a page rests on captures that somebody supplied."""
        return page in self.verdicts and bool(self.verdicts[page].supplied)

    def origins(self, finding: Finding) -> FindingOrigins:
        """Where the records of a finding come from."""
        return finding_origins(finding, self._by_record)

    def is_seen(self, page: str) -> bool:
        """Whether a page was received and looked at where it stands, and not led from to another site."""
        own = site_of(page)
        captures = self.captures.get(page, ())
        return page in self.verdicts and any(
            capture.outcome in SEEN and site_of(capture.final_url or capture.url) == own
            for capture in captures
        )

    def site(self, site: str, pages: Iterable[str]) -> SiteVerdict:
        """What is said of a site whose pages are these."""
        urls = tuple(pages)
        seen = {url: self.verdicts[url] for url in urls if self.is_seen(url)}
        return judge_site(
            site,
            urls,
            seen,
            [finding for url in urls for finding in self.by_page.get(url, ())],
            sample=self.sample,
            verdicts=self.verdicts,
            least_posts=self.least_posts,
        )

    def times(self, pages: Iterable[str]) -> tuple[datetime | None, datetime | None]:
        """When any of `pages` was first and last captured."""
        times = [capture.captured_at for page in pages for capture in self.captures.get(page, ())]
        return (min(times), max(times)) if times else (None, None)

    def kind_and_class(self, page: str) -> tuple[str, str]:
        """What kind of page it is, and what it is to the platform, empty where nobody said."""
        verdict = self.verdicts.get(page)
        return (verdict.page_kind, verdict.page_class) if verdict else ("", "")

    def counts(self, findings: Iterable[Finding]) -> tuple[int, int]:
        """How many of `findings` a person rejected, and how many nobody looked at."""
        said = [self.decided.get(finding.finding_id) for finding in findings]
        return said.count(DecisionKind.REJECT), said.count(None)
