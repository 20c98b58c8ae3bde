"""One run: lease, permit, visit, read links; until nothing is left or a cap is met.

Every URL passes the grant when it is found, when it is leased and at each
redirect, and robots.txt before it is fetched. A refusal is kept with its
place. What was recorded is never fetched again by a later run.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import sqlite3
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from urllib.parse import urljoin

from clonedetect.case.store import Usage
from clonedetect.crawl.board import Board, Standing
from clonedetect.crawl.events import Budget, CrawlEvent, CrawlSummary
from clonedetect.crawl.frontier import Entry, NewEntry, State
from clonedetect.crawl.hooks import CrawlLimits, Hooks, RobotsRules
from clonedetect.crawl.pace import Pace, PaceLimits, Pacer, host_key
from clonedetect.crawl.recorder import LEADING, Recorder
from clonedetect.crawl.sieve import Sieve
from clonedetect.crawl.sitemap_reader import SitemapReader
from clonedetect.crawl.turns import Turns
from clonedetect.crawl.visit import FetchDefectError, Later, Refused, Visitor
from clonedetect.errors import ClonedetectError
from clonedetect.models.capture import Purpose
from clonedetect.models.permit import Permit, Refusal

__all__ = ["CrawlLimits", "Crawler", "Hooks", "RobotsRules"]

_logger = logging.getLogger(__name__)

_PAGES = (Purpose.PAGE, Purpose.API)
_PROGRESS_S = 1.0
_WRITING = 4
"""How many times as many visits as are fetching may be under way, those being written included."""


class _Once:
    """Calls what it was made of the first time it is called."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def __call__(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call()


class Crawler:
    """Runs once over the frontier of one case, under one grant.

    `recorder` writes into the case, whose lock the caller holds. Reaching a
    cap, a full disk and the caller's stop end the run cleanly; what is left
    stays in the frontier for the next one.
    """

    def __init__(
        self,
        recorder: Recorder,
        hooks: Hooks,
        *,
        grant_id: str,
        limits: CrawlLimits,
        pace: PaceLimits,
    ) -> None:
        self._recorder = recorder
        self._store = recorder.store
        self._frontier = recorder.frontier
        self._hooks = hooks = replace(hooks, on_event=self._telling(hooks.on_event))
        self._grant_id = grant_id
        self._limits = limits
        self._sieve = Sieve(
            recorder.frontier, pages_per_shape=limits.pages_per_shape, pages_left=self._pages_left
        )
        recorder.take_in = self._sieve.take_in
        self._pace = Pace(pace)
        self._pacer = Pacer(self._pace, hooks.clock)
        self._turns = Turns()
        self._visitor = Visitor(hooks, recorder, self._pacer, self._turns, self._sieve, limits=limits)
        self._sitemaps = SitemapReader(self._frontier, self._sieve, self._visitor, hooks)
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy = 0
        self._expanding: set[int] = set()
        self._changed = asyncio.Event()
        self._stopped_by = ""
        self._is_disk_full = False
        self._began = 0.0
        self._used = Usage(0, 0, 0.0)
        self._pages = 0
        self._host_pages: Counter[str] = Counter()
        self._pages_in_flight: Counter[str] = Counter()
        self._seeds_refused = 0
        self._board = Board(
            self._pace,
            self._frontier.backlogs,
            host_pages=self._host_pages,
            page_cap=limits.pages_per_host,
            clock=hooks.clock,
        )

    async def run(self, seeds: Iterable[str], stop: asyncio.Event) -> CrawlSummary:
        """Crawl from `seeds` and whatever an earlier run left; set `stop` to end within seconds.

        Errors of archive and database end the run with their exception;
        nothing that was recorded is lost.
        """
        self._began = self._hooks.clock()
        actor, now = self._recorder.actor, self._hooks.now
        adopted = self._recorder.adopt()
        self._recorder.run_id = run_id = self._store.begin_run(self._grant_id, now(), actor=actor)
        self._resume()
        self._sow(seeds)
        self._turns.call(*self._frontier.pending_hosts())
        try:
            async with asyncio.TaskGroup() as group:
                watcher = group.create_task(self._watch(stop))
                teller = group.create_task(self._tell())
                await self._dispatch(group, stop)
                self._progress()
                await self._drain()
                await self._write_out()
                watcher.cancel()
                teller.cancel()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        if not self._is_disk_full:
            self._frontier.explain_pending(self._stopped_by)
            self._store.end_run(run_id, now(), self._stopped_by, actor=actor)
        self._progress(is_last=True)
        return self._summary(len(adopted))

    def _resume(self) -> None:
        now = self._hooks.now().timestamp()
        self._frontier.recover(now, is_only_writer=True)
        for host, until in self._frontier.pauses(now):
            self._pace.pause(host, self._hooks.clock(), until - now)
        self._used = self._store.usage(self._grant_id)
        self._pages = self._used.pages
        self._sieve.begin()
        if self._limits.sitemaps:
            self._sitemaps.begin()
        counts = self._frontier.host_counts()
        self._host_pages.update({host: pages for host, (_, pages) in counts.items()})
        self._visitor.origins_with_icons = {urljoin(url, "/") for url in self._frontier.icon_parents()}

    def _sow(self, seeds: Iterable[str]) -> None:
        entries, refused = [], []
        for url in dict.fromkeys(seeds):
            answer = self._hooks.permit_for(url, Purpose.PAGE)
            if isinstance(answer, Refusal):
                refused.append(Refused(answer, "enqueue"))
            else:
                entries.append(NewEntry(answer.url, Purpose.PAGE, host_key(answer)))
        self._frontier.enqueue(entries)
        self._frontier.draw.mind_budget(self._pages_left())
        self._visitor.refuse(refused, None)
        self._seeds_refused = len(refused)

    async def _watch(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._changed.set()

    # Choosing what is next

    async def _dispatch(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        while True:
            self._changed.clear()
            self._stopped_by = self._stopped_by or self._cap(stop)
            if self._stopped_by:
                return
            wait = self._start_all(group)
            if not self._tasks and wait == math.inf and not self._look_again(group):
                self._stopped_by = self._page_cap()
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(min(wait, self._remaining_s())):
                    await self._changed.wait()

    def _look_again(self, group: asyncio.TaskGroup) -> bool:
        """Look at every host once more before the run ends, and return whether any has something to give."""
        self._turns.call(*self._frontier.pending_hosts())
        wait = self._start_all(group)
        return bool(self._tasks) or wait < math.inf

    def _cap(self, stop: asyncio.Event) -> str:
        """Return what ends the run now, or ""."""
        if stop.is_set():
            return "stopped by the operator"
        if self._limits.ends_at is not None and self._hooks.now() >= self._limits.ends_at:
            return f"the grant ended at {self._limits.ends_at:%Y-%m-%dT%H:%M:%SZ}"
        if self._used.wire_bytes + self._visitor.wire_bytes >= self._limits.max_bytes:
            return f"max_bytes {self._limits.max_bytes} reached"
        if self._remaining_s() <= 0:
            return f"run_time_s {self._limits.run_time_s:.0f} reached"
        if self._hooks.free_bytes(self._store.folder) < self._limits.disk_floor_bytes:
            return f"disk_full: less than {self._limits.disk_floor_bytes} bytes are free"
        return ""

    def _page_cap(self) -> str:
        """Return the page cap if pages are left that it keeps us from."""
        is_left = self._frontier.counts().get(State.PENDING, 0) > 0
        return f"max_pages {self._limits.max_pages} reached" if is_left and self._pages_left() <= 0 else ""

    def _remaining_s(self) -> float:
        return self._limits.run_time_s - self._used.run_time_s - (self._hooks.clock() - self._began)

    def _pages_left(self) -> int:
        return self._limits.max_pages - self._pages - self._pages_in_flight.total()

    def _start_all(self, group: asyncio.TaskGroup) -> float:
        """Start all that may start now; return the seconds until more may, infinite if tasks decide."""
        for entry in self._frontier.captured(self._limits.concurrency):
            if self._has_worker() and entry.id not in self._expanding:
                self._expanding.add(entry.id)
                self._spawn(group, partial(self._expand, entry))
        for host in self._turns.due(self._hooks.clock()):
            if not self._has_worker():
                self._turns.call(host)  # it keeps its claim, behind those that were not looked at yet
                continue
            wait = self._start_host(group, host)
            self._turns.call_at(host, self._hooks.clock() + wait)
        return self._turns.wait(self._hooks.clock()) if self._has_worker() else math.inf

    def _has_worker(self) -> bool:
        limit = self._limits.concurrency
        return self._busy < limit and len(self._tasks) < _WRITING * limit

    def _start_host(self, group: asyncio.TaskGroup, host: str) -> float:
        """Start what `host` has room for; return the seconds until it has more; infinite: a task decides."""
        now = self._hooks.now().timestamp()
        state = self._pace.state(host, self._hooks.clock())
        if state.is_parked:
            self._frontier.park(host, now + state.paused_s, f"{host} asked to wait {state.paused_s:.0f} s")
        while self._pace.has_room(host) and self._has_worker():
            only_media = self._pages_left() <= 0
            if only_media and self._frontier.next_due(host, only_media=True) is None:
                return math.inf
            slot = self._pace.next_slot(host, self._hooks.clock())
            if slot > 0:
                return slot
            self._mind_host_cap(host)
            entries = self._frontier.lease(
                host, now, now + self._limits.lease_s, limit=self._room(host), only_media=only_media
            )
            if not entries:
                due = self._frontier.next_due(host, only_media=only_media)
                return math.inf if due is None else max(0.0, due - now)
            for entry in entries:
                self._begin(group, host, entry)
        return math.inf if self._has_worker() else 0.0

    def _room(self, host: str) -> int:
        """Return how many URLs of `host` may be asked at once; one where they are spaced or pages run out."""
        cap = self._limits.pages_per_host
        pages = min(self._pages_left(), cap - self._host_pages[host] - self._pages_in_flight[host])
        workers = self._limits.concurrency - self._busy
        return max(1, min(self._pace.room(host), workers, pages))

    def _mind_host_cap(self, host: str) -> None:
        cap = self._limits.pages_per_host
        if self._host_pages[host] + self._pages_in_flight[host] >= cap:
            self._frontier.skip_pages(host, f"more than {cap} pages of {host}")

    def _begin(self, group: asyncio.TaskGroup, host: str, entry: Entry) -> None:
        permit = self._hooks.permit_for(entry.url, entry.purpose)
        if isinstance(permit, Refusal):
            self._refuse(entry, Refused(permit, "dequeue"))
            return
        self._pace.enter(host)
        self._busy += 1
        self._pages_in_flight[host] += entry.purpose in _PAGES
        self._spawn(group, partial(self._visit, entry, permit, host))

    def _spawn(self, group: asyncio.TaskGroup, work: Callable[[], Coroutine[None, None, None]]) -> None:
        task = group.create_task(self._mind_the_disk(work))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed.set()

    async def _drain(self) -> None:
        """Let what is under way end, for a moment; what does not is asked again by the next run."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._limits.grace_s)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _write_out(self) -> None:
        """Write what was handed over and still waits; its disk may be full by now."""
        try:
            await self._recorder.finish()
        except (OSError, sqlite3.OperationalError) as error:
            if not _is_disk_full(error):
                raise
            self._stop_at_full_disk(error)

    # One URL

    async def _visit(self, entry: Entry, permit: Permit, host: str) -> None:
        fetched = _Once(partial(self._leave, host))
        try:
            found = await self._visitor.visit(permit, entry, fetched)
        except FetchDefectError as error:
            _logger.exception("a defect ended one visit; the run goes on")
            self._frontier.fail(entry.id, State.FAILED, str(error))
            return
        finally:
            fetched()
            self._pages_in_flight[host] -= entry.purpose in _PAGES
        if isinstance(found, Refused):
            self._refuse(entry, found)
        elif isinstance(found, Later):
            self._postpone(entry, found)
        else:
            self._captured(entry, host)

    def _leave(self, host: str) -> None:
        """Let the host, and whoever waits for a worker, be asked while what came is being written."""
        self._pace.leave(host)
        self._busy -= 1
        self._turns.call(host)
        self._changed.set()

    async def _mind_the_disk(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await work()
        except (OSError, sqlite3.OperationalError) as error:
            if not _is_disk_full(error):
                raise
            self._stop_at_full_disk(error)

    def _stop_at_full_disk(self, error: Exception) -> None:
        """End all that is under way: the archive takes no more, so nothing more may be asked."""
        self._is_disk_full = True
        self._stopped_by = f"disk_full: {error}"
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()

    def _refuse(self, entry: Entry, refused: Refused) -> None:
        self._visitor.refuse([refused], entry.parent)
        self._frontier.fail(entry.id, State.REFUSED, refused.refusal.reason)

    def _postpone(self, entry: Entry, later: Later) -> None:
        now = self._hooks.now().timestamp()
        if later.wait_s == math.inf:
            self._frontier.release(entry.id, not_before=now)
            self._frontier.park(
                entry.host, now + self._pace.limits.longest_pause_s, f"{entry.host} is parked"
            )
        else:
            self._frontier.release(entry.id, not_before=now + later.wait_s)

    def _captured(self, entry: Entry, host: str) -> None:
        if entry.purpose in _PAGES:
            self._pages += 1
            self._host_pages[host] += 1
            self._sieve.captured(entry)
        if self._limits.sitemaps and entry.purpose in (Purpose.PAGE, Purpose.SITEMAP):
            self._sitemaps.look_for(entry.url)

    async def _expand(self, entry: Entry) -> None:
        """Read the links of a page that was recorded without them into the frontier, and close its row."""
        try:
            capture = self._store.latest_capture(entry.url, entry.purpose)
            if capture is None or capture.outcome not in LEADING or capture.content_digest is None:
                self._frontier.complete([entry.id], "there is nothing to read links from")
                return
            content = self._store.object(capture.content_digest)
            if entry.purpose is Purpose.SITEMAP:
                await self._sitemaps.read(entry, content)
                return
            try:
                page = await self._hooks.read_page(content, capture.final_url, capture.content_type)
            except ClonedetectError as error:
                self._frontier.complete([entry.id], f"its links could not be read: {error}")
                return
            found = self._visitor.found_on(entry, page, self._frontier.state_of(entry.id)[1])

            def close() -> None:
                self._sieve.take_in(entry, content, found.entries)
                self._frontier.complete([entry.id])

            self._visitor.announce(self._store.record_refusals(found.refusals, then=close))
            self._turns.call(*(one.host for one in found.entries))
        finally:
            self._expanding.discard(entry.id)

    # Telling

    def _telling(self, on_event: Callable[[CrawlEvent], None]) -> Callable[[CrawlEvent], None]:
        def tell(event: CrawlEvent) -> None:
            self._board.note(event)
            on_event(event)

        return tell

    async def _tell(self) -> None:
        """Say how the run stands, again and again, also while it only waits."""
        while True:
            await asyncio.sleep(_PROGRESS_S)
            self._progress()

    def _progress(self, *, is_last: bool = False) -> None:
        self._hooks.on_event(self._board.progress(self._standing(), is_last=is_last))

    def _standing(self) -> Standing:
        limits, now = self._limits, self._hooks.now()
        budget = Budget(
            pages_left=max(0, self._pages_left()),
            max_pages=limits.max_pages,
            wire_bytes=self._used.wire_bytes + self._visitor.wire_bytes,
            max_bytes=limits.max_bytes,
            run_s=max(0.0, self._remaining_s()),
            grant_s=None if limits.ends_at is None else max(0.0, (limits.ends_at - now).total_seconds()),
        )
        return Standing(
            clock=self._hooks.clock(),
            now=now,
            captures=self._visitor.captures.total(),
            budget=budget,
            is_reading=bool(self._expanding),
            stopped_by=self._stopped_by,
        )

    def _summary(self, adopted: int) -> CrawlSummary:
        outcomes = self._visitor.captures
        return CrawlSummary(
            captures=outcomes.total(),
            adopted=adopted,
            outcomes=tuple(sorted(outcomes.items())),
            refusals=self._visitor.refusals,
            seeds_refused=self._seeds_refused,
            not_visited=self._frontier.unvisited(),
            stopped_by=self._stopped_by,
            seconds=self._hooks.clock() - self._began,
        )


def _is_disk_full(error: OSError | sqlite3.OperationalError) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode == sqlite3.SQLITE_FULL
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
