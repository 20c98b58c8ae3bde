"""What a run is given: the fetch, the grant, the page reader, clocks; and its limits."""

from __future__ import annotations

import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from clonedetect.crawl.discovery import PermitFor
from clonedetect.crawl.events import CrawlEvent
from clonedetect.models.capture import FetchResult, Outcome
from clonedetect.models.page import PageContent
from clonedetect.models.permit import Permit, Refusal

__all__ = ["CrawlLimits", "Examined", "Fetch", "Follow", "Hooks", "RobotsRules"]

Follow = Callable[[str], Awaitable[Permit | Refusal]]
"""Asked for every redirect target; applies grant, robots.txt and pace, and may wait."""


class Fetch(Protocol):
    """Fetches what the permit allows; never raises for what servers do."""

    async def __call__(
        self, permit: Permit, *, follow: Follow, etag: str | None = None, last_modified: str | None = None
    ) -> FetchResult:
        """Return all exchanges and how it ended; with validators the first request is conditional."""
        ...


class RobotsRules(Protocol):
    """What one origin's robots.txt asks of us."""

    @property
    def crawl_delay_s(self) -> float | None:
        """Seconds between requests, None where none is asked."""
        ...

    @property
    def sitemaps(self) -> tuple[str, ...]:
        """Absolute addresses of the sitemaps that it announces."""
        ...

    @property
    def basis(self) -> str:
        """What the rules rest on, as a sentence."""
        ...

    def allows(self, url: str) -> bool:
        """Whether `url`, of this origin, may be fetched."""
        ...


ReadPage = Callable[[bytes, str, str], Awaitable[PageContent]]
"""Decoded body, final URL and content type to content; raises ClonedetectError where it cannot."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What one look at a fetched page showed.

    `wall` is a finer outcome and its reason (challenge, login wall, soft 404,
    parked), None to leave it; `page` is what it leads to, None where that is
    still to be read, or cannot be, and `problem` then says why.
    """

    wall: tuple[Outcome, str] | None = None
    page: PageContent | None = None
    problem: str = ""


Examine = Callable[[FetchResult], Awaitable[Examined]]
"""Looks at a page or API answer that came, before it is recorded."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


async def _look_at_nothing(_: FetchResult) -> Examined:
    return Examined()


def _ignore(_: CrawlEvent) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Hooks:
    """Everything a run calls; `now` is wall time in UTC, `clock` any monotonic seconds."""

    fetch: Fetch
    permit_for: PermitFor
    read_page: ReadPage
    robots_rules: Callable[[FetchResult], RobotsRules]
    examine: Examine = _look_at_nothing
    on_event: Callable[[CrawlEvent], None] = _ignore
    now: Callable[[], datetime] = _utc_now
    clock: Callable[[], float] = time.monotonic
    free_bytes: Callable[[Path], int] = _free_bytes


@dataclass(frozen=True, slots=True)
class CrawlLimits:
    """Caps of a run; the first four count over all runs of the grant.

    Pages are captures of pages and API answers, repeated ones included;
    media, robots.txt and the rest count in bytes only. Bytes are those
    received; what is under way when the cap is met may pass it. `pages_per_shape` holds for
    shapes that a server can make up without end. With `sitemaps` those of every origin of which a
    page was captured are read. `icons_per_origin` icons are asked for, once an origin, behind
    everything else. At `ends_at` the grant ends, and with it the run.
    """

    max_pages: int = 1_000
    max_bytes: int = 2_000_000_000
    max_depth: int = 3
    run_time_s: float = 14_400
    pages_per_host: int = 1_000
    pages_per_shape: int = 300
    sitemaps: bool = False
    links_per_page: int = 2_000
    media_per_page: int = 500
    icons_per_origin: int = 0
    concurrency: int = 16
    disk_floor_bytes: int = 2_000_000_000
    lease_s: float = 600
    grace_s: float = 3.0
    robots_age_s: float = 86_400
    ends_at: datetime | None = None
