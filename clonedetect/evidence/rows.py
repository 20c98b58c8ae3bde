"""The rows of the tables: what one stands for, and its columns; columns are only ever added at the end."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

__all__ = [
    "CAPTURED",
    "NOT_JUDGED",
    "PACKAGED",
    "SUPPLIED",
    "AccountRow",
    "By",
    "FindingRow",
    "ItemRow",
    "PageRow",
    "RelatedSite",
    "Row",
    "SiteRow",
    "TraitCell",
    "columns",
]

CAPTURED, SUPPLIED = "captured", "supplied"
"""Whose captures a verdict rests on: this program's, or those that somebody handed over."""

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

    `origin` is ``captured`` or ``supplied``: whose captures the verdict rests on; `supplied` says of
    each file by whom, `claimed_at` when the page was captured as the file claims. The times above are
    then those at which the files were taken in. `supplied_beside` counts supplied captures of the page
    that are kept and not judged, because our own stands.
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
    page_kind: str
    page_class: str
    class_reason: str
    grounds: tuple[str, ...]
    item_verdicts: tuple[str, ...]
    account_verdicts: tuple[str, ...]
    media_examined: int
    media_confirmed: int
    origin: str
    supplied: tuple[str, ...]
    claimed_at: datetime | None
    supplied_beside: int


@dataclass(frozen=True, slots=True)
class TraitCell:
    """A signal of who runs a site: it decides nothing.

    `weight` is in bits, 0 for a value that unrelated sites are known to share
    (`common` says why). `shared_with` are the other sites of the case that show it,
    `source` the record it was read from.
    """

    kind: str
    value: str
    weight: float
    shared_with: tuple[str, ...]
    common: str
    source: str
    digest: str

    def __str__(self) -> str:
        others = f"; also {', '.join(self.shared_with)}" if self.shared_with else ""
        return f"{self.kind} {self.value} ({self.weight:.1f} bits{others})"


@dataclass(frozen=True, slots=True)
class RelatedSite:
    """Another site of the case that shares rare traits: how much in bits, and each trait explained."""

    site: str
    bits: float
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.site} ({self.bits:.1f} bits)"


@dataclass(frozen=True, slots=True)
class SiteRow:
    """One registrable domain; `verdict` is the strongest of its pages, `outcomes` counts its pages.

    `pages_seen` and what follows it to `accounts_confirmed` is observed: counts over all
    captured pages that were seen. From `sample_frame` on it is estimated: of the
    part of the case's sample that lies on the site, empty where there is none.
    Shares are 0-1, intervals of 95 %; `reasons` say both in words. `traits` are signals of who runs
    the site, the weightiest first, `related` the sites of the case that share rare ones; neither
    says anything of the verdict.
    """

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
    pages_seen: int
    observed_share: float | None
    media_examined: int
    media_confirmed: int
    page_kinds: tuple[str, ...]
    page_classes: tuple[str, ...]
    accounts_confirmed: tuple[str, ...]
    sample_frame: int | None
    sample_drawn: int | None
    sample_judged: int | None
    sample_confirmed: int | None
    estimated_low: float | None
    estimated_high: float | None
    estimated_media_low: float | None
    estimated_media_high: float | None
    reasons: tuple[str, ...]
    pages_supplied: int
    traits: tuple[TraitCell, ...] = ()
    related: tuple[RelatedSite, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One of the platform's accounts, with everything of it that was found.

    `verdict` is the strongest of its findings, `account_verdict` what is said of
    the account itself: confirmed on a page, or by posts on several pages of one site;
    empty where an older analysis did not say. `pages_confirmed` and `sites_confirmed`
    are where it is.
    """

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
    account_verdict: str
    grounds: tuple[str, ...]
    pages_confirmed: tuple[str, ...]
    sites_confirmed: tuple[str, ...]
    account_reasons: tuple[str, ...]
    pages_supplied: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One of the platform's posts, with everywhere it was found; `score` is the best.

    `grounds` are those of all pages, each kind once; `rule` is what decided where the verdict is strongest.
    """

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
    grounds: tuple[str, ...]
    rule: str
    item_reasons: tuple[str, ...]
    pages_supplied: tuple[str, ...]


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
    grounds: tuple[str, ...]
    page_kind: str
    page_class: str
    supplied: tuple[str, ...]


Row = PageRow | SiteRow | AccountRow | ItemRow | FindingRow
_ROWS: dict[By, type[Row]] = {
    By.PAGE: PageRow,
    By.SITE: SiteRow,
    By.ACCOUNT: AccountRow,
    By.ITEM: ItemRow,
    By.FINDING: FindingRow,
}


def columns(by: By) -> tuple[str, ...]:
    """Return the column names of one table, in order."""
    return tuple(field.name for field in fields(_ROWS[by]))
