"""A random sample of a list of addresses, so that a share of the list can be estimated."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from clonedetect.models.ids import Digest

__all__ = ["PageDraw", "Sample", "order_of", "told_of_pages"]


def order_of(seed: str, url: str) -> str:
    """Return the hexadecimal SHA-256 that an address is drawn by: the smaller, the earlier."""
    return hashlib.sha256(f"{seed}\n{url}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Sample:
    """What was drawn from which list, by which seed: enough for anyone to draw it again.

    The frame is the list of addresses that were named, in normal form, each
    once, sorted; `frame_digest` is the digest of these lines, under which
    the list itself lies among the case's objects. `duplicates` were named
    again, `unusable` are no http(s) addresses; neither is in the frame.
    `sites` counts the frame's addresses by registrable domain. `drawn` are in
    the order of the draw; fewer than `size` where the frame holds fewer.
    """

    seed: str
    size: int
    frame_digest: Digest
    frame_size: int
    duplicates: int
    unusable: int
    sites: tuple[tuple[str, int], ...]
    drawn: tuple[str, ...]
    drawn_at: datetime


@dataclass(frozen=True, slots=True)
class PageDraw:
    """Which of the pages that a crawl knew it asked for, where a cap kept it from all of them.

    The frame is every page that a wider cap would have let it ask for, asked
    ones included; `frame_digest` is the digest of these addresses, sorted, one a line,
    under which the list lies among the case's objects. Pages of one priority
    were taken in the order of the draw by `seed`. `strata` holds (why, asked,
    known) by priority, first those that came first. It is no random sample of a
    site: a crawl knows only what it came to.
    """

    seed: str
    asked: int
    known: int
    frame_digest: Digest
    strata: tuple[tuple[str, int, int], ...]
    stopped_by: str
    drawn_at: datetime


def told_of_pages(asked: int, known: int, draw: PageDraw | None) -> str:
    """Return the sentence on how many of the known pages were asked for, and how they were chosen."""
    told = f"{asked} of {known} known pages asked"
    if draw is None:
        return told
    return (
        f"{told}, at the last cap ({draw.stopped_by}) those that looked worth most, and of equal ones "
        f"the first by SHA-256 over the seed {draw.seed} and the address"
    )
