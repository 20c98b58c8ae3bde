"""What was not seen: robots.txt apart, the rest by purpose, and the addresses of pages one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from clonedetect.analysis.gaps import SEEN, last_answers
from clonedetect.evidence.view import site_of
from clonedetect.evidence.words import OUTCOMES, PURPOSES
from clonedetect.models.capture import Capture, Outcome, Purpose
from clonedetect.models.case import CaseContents

__all__ = ["MAX_LISTED", "Listed", "Unseen", "unseen"]

MAX_LISTED = 300
"""Addresses listed of a kind: a crawl may refuse ten thousand links, and nobody prints these."""

_PAGES = (Purpose.PAGE, Purpose.API)


@dataclass(frozen=True, slots=True)
class Listed:
    """Addresses with what kept us from each, at most `MAX_LISTED`; `more` were left off."""

    rows: tuple[tuple[str, str], ...]
    more: int


@dataclass(frozen=True, slots=True)
class Unseen:
    """What did not end with something to look at, and what was never asked for.

    `counts` holds (what it was, outcome, addresses), `robots` a sentence for
    each way in which robots.txt was not received; `refusals` and `not_visited`
    (reason, addresses).
    """

    robots: tuple[str, ...]
    counts: tuple[tuple[str, Outcome, int], ...]
    pages: Listed
    refusals: tuple[tuple[str, int], ...]
    refused_pages: Listed
    not_visited: tuple[tuple[str, int], ...]
    never_asked: Listed


def unseen(contents: CaseContents) -> Unseen:
    """Return what was not seen; of an address that was asked for repeatedly the last answer counts."""
    missed = [one for one in last_answers(contents.captures) if one.outcome not in SEEN]
    others = [one for one in missed if one.purpose is not Purpose.ROBOTS]
    counts = Counter((one.purpose, one.outcome) for one in others)
    ranked = sorted(counts.items(), key=lambda entry: (list(Purpose).index(entry[0][0]), -entry[1], entry[0]))
    pages = {one.url: OUTCOMES[one.outcome] for one in others if one.purpose in _PAGES}
    refused = {one.url: one.reason for one in contents.refusals if one.purpose in _PAGES}
    return Unseen(
        robots=_robots(one for one in missed if one.purpose is Purpose.ROBOTS),
        counts=tuple((PURPOSES[purpose], outcome, count) for (purpose, outcome), count in ranked),
        pages=_listed(pages),
        refusals=_counted(refusal.reason for refusal in contents.refusals),
        refused_pages=_listed(refused),
        not_visited=_counted(skipped.reason for skipped in contents.not_visited),
        never_asked=_listed({skipped.url: skipped.reason for skipped in contents.not_visited}),
    )


def _robots(captures: Iterable[Capture]) -> tuple[str, ...]:
    """Return what is said of each robots.txt that did not come: that a site has none says nothing of it."""
    sites: dict[Outcome, set[str]] = {}
    for capture in captures:
        sites.setdefault(capture.outcome, set()).add(site_of(capture.url))
    said = []
    for outcome, names in sorted(sites.items()):
        count = f"{len(names)} site{'' if len(names) == 1 else 's'}"
        if outcome is Outcome.GONE:
            said.append(f"{count} {'has' if len(names) == 1 else 'have'} no robots.txt.")
        else:
            said.append(f"The robots.txt of {count} was not received: {OUTCOMES[outcome]}.")
    return tuple(said)


def _counted(reasons: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(reasons).items(), key=lambda pair: (-pair[1], pair[0])))


def _listed(addresses: dict[str, str]) -> Listed:
    rows = tuple(sorted(addresses.items()))
    return Listed(rows[:MAX_LISTED], max(0, len(rows) - MAX_LISTED))
