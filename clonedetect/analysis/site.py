"""What is said of a site: counts over what was captured, and, from a random sample alone, shares of a list.

The two are never mixed. Pages that a crawl came to describe nothing but
themselves; a share of a list is estimated from the addresses that were drawn
from it, and those of them that could not be judged count both ways.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from clonedetect.analysis.accounts import own_posts
from clonedetect.analysis.intervals import Interval, bounded_share, clustered_share
from clonedetect.analysis.sampling import site_of_url
from clonedetect.models.ids import AccountId
from clonedetect.models.match import Finding, Verdict
from clonedetect.models.sample import Sample
from clonedetect.models.verdict import PageClass, PageKind, PageVerdict

__all__ = ["NO_SAMPLE", "Estimate", "SiteVerdict", "accounts_over_pages", "estimate_of", "judge_site"]

NO_SAMPLE = "no sample was drawn: these counts describe the pages that were captured and nothing else"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sample says of a list, or of the part of it on one site.

    `drawn` of `frame` addresses, those on `site` unless it is ""; `judged` were seen whole enough to say
    yes or no, `confirmed` are republications. `pages` is the share of the
    list, `media` that of the pictures on its pages (None where none was compared;
    pictures of pages that were not seen are in no count).
    """

    frame: int
    drawn: int
    judged: int
    confirmed: int
    pages: Interval
    media_examined: int
    media_confirmed: int
    media: Interval | None
    site: str = ""

    @property
    def is_census(self) -> bool:
        """Whether all of the list was drawn, so that nothing is left to chance."""
        return self.drawn == self.frame

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say it in words."""
        missed = self.drawn - self.judged
        frame = f"the list's {self.frame} on {self.site}" if self.site else f"a list of {self.frame}"
        how = "all of them were drawn" if self.is_census else "95 %, Wilson"
        told = f"{self.pages} of the listed pages republish posts ({how})"
        told += f": {self.confirmed} of the {self.drawn} addresses drawn from {frame} confirmed"
        if missed:
            told += f", {missed} could not be judged and count as none below and as all above"
        if self.media is None:
            return (told,)
        pictures = f"{self.media} of the pictures on them are copies (95 %, Wilson over pages)"
        pictures += f": {self.media_confirmed} of {self.media_examined} compared on the drawn pages"
        if missed:
            pictures += "; those of pages that were not seen are in no count"
        return told, pictures


@dataclass(frozen=True, slots=True)
class SiteVerdict:
    """What is said of one site beside the strongest verdict of its pages.

    `seen` counts the captured pages that were received and looked at. `kinds` and `classes`
    count those by kind and class, `accounts` are confirmed on one page or by posts on several.
    """

    site: str
    seen: int
    confirmed: int
    media_examined: int
    media_confirmed: int
    kinds: tuple[tuple[PageKind, int], ...]
    classes: tuple[tuple[PageClass, int], ...]
    accounts: tuple[AccountId, ...]
    estimate: Estimate | None
    reasons: tuple[str, ...]


def judge_site(
    site: str,
    captured: Collection[str],
    seen: Mapping[str, PageVerdict],
    findings: Sequence[Finding],
    *,
    sample: Sample | None,
    verdicts: Mapping[str, PageVerdict],
    least_posts: int,
) -> SiteVerdict:
    """Return what is said of `site`, of which the pages `captured` are known.

    `seen` are the verdicts on those that were received and judged, `findings`
    what stands on them, `verdicts` all of the case, by which a sample is read.
    """
    told = list(seen.values())
    looked_at = [one for one in told if one.page_kind_reason]  # older analyses said nothing of kind and class
    confirmed = sum(one.verdict is Verdict.CONFIRMED for one in told)
    on_pages = {
        account.account_id
        for one in told
        for account in one.account_verdicts
        if account.verdict is Verdict.CONFIRMED
    }
    estimate = None if sample is None else estimate_of(sample, verdicts, site)
    return SiteVerdict(
        site=site,
        seen=len(told),
        confirmed=confirmed,
        media_examined=sum(one.media_examined for one in told),
        media_confirmed=sum(one.media_confirmed for one in told),
        kinds=_counted([one.page_kind for one in looked_at], PageKind),
        classes=_counted([one.page_class for one in looked_at], PageClass),
        accounts=tuple(sorted(on_pages | _over_pages(findings, seen, least_posts))),
        estimate=estimate,
        reasons=(
            _observed(len(captured), len(told), confirmed),
            *_supplied(told),
            *_copied(told),
            *_estimated(sample, estimate),
        ),
    )


def _over_pages(
    findings: Sequence[Finding], seen: Mapping[str, PageVerdict], least_posts: int
) -> frozenset[AccountId]:
    """Return the accounts that pages together confirm: our own, or supplied ones, never some of each."""
    supplied = {url for url, one in seen.items() if one.supplied}
    apart = ([one for one in findings if (one.page_url in supplied) is side] for side in (False, True))
    return frozenset(account for group in apart for account in accounts_over_pages(group, least_posts))


def _supplied(told: Sequence[PageVerdict]) -> tuple[str, ...]:
    """Say how many of the pages that were seen others captured, and how many of these are confirmed."""
    supplied = [one for one in told if one.supplied]
    if not supplied:
        return ()
    confirmed = sum(one.verdict is Verdict.CONFIRMED for one in supplied)
    which = "1 of them was" if len(supplied) == 1 else f"{len(supplied)} of them were"
    return (f"{which} supplied by others and not captured by this tool, {confirmed} of these confirmed",)


def _copied(told: Sequence[PageVerdict]) -> tuple[str, ...]:
    """Say how many of the pages that were seen, and of the confirmed ones, another page's address repeats."""
    copies = [one for one in told if one.copy_of]
    if not copies:
        return ()
    confirmed = sum(one.verdict is Verdict.CONFIRMED for one in copies)
    which = "1 of them says" if len(copies) == 1 else f"{len(copies)} of them say"
    return (f"{which} what another page says under its own address, {confirmed} of these confirmed",)


def _own(verdict: PageVerdict | None) -> PageVerdict | None:
    """Return a verdict on what this program captured: what somebody chose to supply is no random draw."""
    return None if verdict is None or verdict.supplied else verdict


def accounts_over_pages(findings: Sequence[Finding], least_posts: int) -> dict[AccountId, int]:
    """Return the accounts of which distinct posts are confirmed on the pages of one site, with how many."""
    grouped: dict[AccountId, list[Finding]] = {}
    for finding in findings:
        if finding.match.account_id is not None:
            grouped.setdefault(finding.match.account_id, []).append(finding)
    counts = {account: len(own_posts(group)) for account, group in grouped.items()}
    return {account: count for account, count in counts.items() if count >= least_posts}


def estimate_of(sample: Sample, verdicts: Mapping[str, PageVerdict], site: str = "") -> Estimate | None:
    """Return what `sample` says of its list, or of the part on `site`; None where nothing of it was drawn."""
    drawn = [url for url in sample.drawn if not site or site_of_url(url) == site]
    if not drawn:
        return None
    frame = dict(sample.sites)[site] if site else sample.frame_size
    told = [_own(verdicts.get(url)) for url in drawn]
    judged = [one for one in told if one is not None and _is_judged(one)]
    confirmed = sum(one.verdict is Verdict.CONFIRMED for one in judged)
    groups = [
        (one.media_confirmed, one.media_unexamined, one.media_examined + one.media_unexamined)
        for one in told
        if one is not None
    ]
    is_any_compared = any(one is not None and one.media_examined for one in told)
    missed = len(drawn) - len(judged)
    return Estimate(
        frame=frame,
        drawn=len(drawn),
        judged=len(judged),
        confirmed=confirmed,
        pages=bounded_share(confirmed, missed, len(drawn), is_census=len(drawn) == frame),
        media_examined=sum(one.media_examined for one in told if one is not None),
        media_confirmed=sum(one.media_confirmed for one in told if one is not None),
        media=clustered_share(groups) if is_any_compared else None,
        site=site,
    )


def _is_judged(verdict: PageVerdict) -> bool:
    """Return whether a page was seen whole enough to say yes or no; for a no it was looked at whole."""
    if verdict.verdict is Verdict.CONFIRMED:
        return True
    return verdict.verdict is not Verdict.INCONCLUSIVE and not verdict.not_examined


Counted = TypeVar("Counted", PageKind, PageClass)


def _counted(values: Iterable[Counted], order: Iterable[Counted]) -> tuple[tuple[Counted, int], ...]:
    counts = Counter(values)
    return tuple((value, counts[value]) for value in order if counts[value])


def _observed(captured: int, seen: int, confirmed: int) -> str:
    pages = "page" if captured == 1 else "pages"
    if not seen:
        return f"none of its {captured} {pages} could be seen: nothing can be said of the site"
    return f"observed: {captured} {pages} captured, {seen} of these seen, {confirmed} confirmed"


def _estimated(sample: Sample | None, estimate: Estimate | None) -> tuple[str, ...]:
    if sample is None:
        return (NO_SAMPLE,)
    if estimate is None:
        return (
            "nothing of the case's sample lies on this site: these counts describe the captured pages alone",
        )
    return tuple(f"estimated: {sentence}" for sentence in estimate.sentences)
