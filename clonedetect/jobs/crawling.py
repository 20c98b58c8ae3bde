"""One crawl into an open case: the crawler with the real fetcher, grant, parsers and limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache

from clonedetect.archive.warc import WarcArchive
from clonedetect.case.store import CaseStore
from clonedetect.crawl.crawler import Crawler, CrawlLimits, Hooks
from clonedetect.crawl.events import CrawlSummary
from clonedetect.crawl.fetch import Fetcher
from clonedetect.crawl.frontier import Frontier
from clonedetect.crawl.pace import PaceLimits
from clonedetect.crawl.recorder import Recorder
from clonedetect.crawl.robots import RobotsRules
from clonedetect.crawl.rounds import Round, Rounds
from clonedetect.errors import ClonedetectError
from clonedetect.extract.sandbox import Sandbox
from clonedetect.grant.permit import is_open, permit
from clonedetect.grant.terms import Grant, RobotsPolicy
from clonedetect.jobs.acting import acting
from clonedetect.jobs.asked import NoteEvent, ScanEvent, ScanRequest
from clonedetect.jobs.drawing import keep_page_draw
from clonedetect.jobs.reaching import sort_seeds, unreached
from clonedetect.jobs.reading import SandboxReader
from clonedetect.jobs.stamping import CaseStamper
from clonedetect.jobs.stopping import Stop
from clonedetect.models.capture import FetchResult, Purpose
from clonedetect.models.permit import Permit, Refusal

__all__ = ["Crawl", "end_second_look", "permits"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Crawl:
    """One crawl into an open case."""

    request: ScanRequest
    grant: Grant
    operator: str
    actor: str
    store: CaseStore
    archive: WarcArchive
    on_event: Callable[[ScanEvent], None]
    stop: Stop
    stamper: CaseStamper | None

    async def run(self) -> CrawlSummary:
        """Crawl until nothing is left, a cap is met or the operator stops it."""
        event = asyncio.Event()
        self.stop.attach(event)
        with Sandbox(self.request.workers) as sandbox:
            reader = SandboxReader(sandbox)
            async with Fetcher(
                operator=self.operator, contact=self.grant.contact, limits=self.request.fetching
            ) as fetcher:
                hooks = Hooks(
                    fetch=fetcher.fetch,
                    permit_for=permits(self.grant),
                    read_page=reader.read,
                    robots_rules=_robots(self.grant),
                    examine=reader.examine,
                    on_event=self.on_event,
                )
                seed = self.store.draw_seed(self.grant.digest)
                frontier = Frontier(self.store.database, draw_seed=seed)
                named, _ = sort_seeds(self.grant, self.request.seeds, _now())
                for url in unreached(named, self.store):
                    frontier.revive(url, Purpose.PAGE)
                rounds = Rounds(self.store.database)
                if self.request.refetch:
                    self.on_event(NoteEvent(_told(rounds.begin(self.grant.grant_id, _now()))))
                crawler = Crawler(
                    Recorder(self.store, self.archive, frontier, actor=acting(self.actor, "crawl")),
                    hooks,
                    grant_id=self.grant.grant_id,
                    limits=replace(_limits(self.grant), sitemaps=self.request.sitemaps),
                    pace=PaceLimits(
                        min_delay_s=self.grant.limits.min_delay_s, per_host=self.grant.limits.per_host
                    ),
                )
                async with self._stamping():
                    told = await crawler.run(self.request.seeds, event)
                if told.stopped_by.startswith("max_pages"):
                    actor = acting(self.actor, "crawl")
                    keep_page_draw(self.store, seed=seed, stopped_by=told.stopped_by, now=_now(), actor=actor)
                return told

    @asynccontextmanager
    async def _stamping(self) -> AsyncIterator[None]:
        """Timestamp what was captured now and then, for as long as the block lasts."""
        if self.stamper is None:
            yield
            return
        task = asyncio.create_task(self.stamper.keep_stamping(self.request.stamp_every_s))
        try:
            yield
        finally:
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
            except (
                OSError,
                ClonedetectError,
            ) as error:  # what was captured counts, whatever became of its time
                self.on_event(NoteEvent(f"timestamps on the way ended: {error}"))


def end_second_look(request: ScanRequest, grant: Grant, store: CaseStore, stopped_by: str) -> None:
    """Close the round that was gone through and judged, so that the next second look is another."""
    if request.crawl and not stopped_by:
        Rounds(store.database).end(grant.grant_id, _now())


def _told(second_look: Round) -> str:
    asked = f"second look {second_look.number}: {second_look.urls} URLs are asked again"
    return asked if second_look.is_new else f"{asked}, the rest of one that was interrupted"


def permits(grant: Grant) -> Callable[[str, Purpose], Permit | Refusal]:
    """Return `permit` at this moment; within the window it depends on URL and purpose, and is kept."""

    @lru_cache(maxsize=2_048)
    def within(url: str, purpose: Purpose) -> Permit | Refusal:
        return permit(grant, url, purpose, grant.valid_from)

    def decide(url: str, purpose: Purpose) -> Permit | Refusal:
        now = _now()
        return within(url, purpose) if is_open(grant, now) else permit(grant, url, purpose, now)

    return decide


def _robots(grant: Grant) -> Callable[[FetchResult], RobotsRules]:
    if grant.robots.policy is RobotsPolicy.OVERRIDE:
        reason = f"overridden by the countersigned grant: {grant.robots.reason}"
        return lambda _: RobotsRules.allowing_all(reason)
    return RobotsRules.of_result


def _limits(grant: Grant) -> CrawlLimits:
    return CrawlLimits(
        max_pages=grant.limits.max_pages,
        max_bytes=grant.limits.max_bytes,
        max_depth=grant.limits.max_depth,
        run_time_s=grant.limits.run_time_s,
        ends_at=grant.valid_to,
        icons_per_origin=2,
    )
