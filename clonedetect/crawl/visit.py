"""One visit: robots.txt, pace, fetch with permission at each hop, record."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urljoin, urlsplit

from clonedetect.archive.group import Fetched
from clonedetect.archive.warc import restore
from clonedetect.crawl.discovery import Discovery, discover, discover_icons
from clonedetect.crawl.events import CaptureEvent, RefusalEvent
from clonedetect.crawl.frontier import Entry
from clonedetect.crawl.hooks import CrawlLimits, Examined, Follow, Hooks, RobotsRules
from clonedetect.crawl.pace import Answer, Pacer, address_key, host_key
from clonedetect.crawl.recorder import THROTTLED_STATUSES, Finished, Found, Recorder, is_throttled
from clonedetect.crawl.repeated import with_repeated_body
from clonedetect.crawl.second_look import Conditions, conditions_of
from clonedetect.crawl.sieve import Sieve
from clonedetect.crawl.turns import Turns
from clonedetect.models.capture import READABLE, Capture, FetchResult, Outcome, Peer, Purpose, RefusalRecord
from clonedetect.models.page import PageContent
from clonedetect.models.permit import Permit, Refusal

__all__ = ["FetchDefectError", "Later", "Refused", "Visitor"]

_CLASSIFIED = (Purpose.PAGE, Purpose.API)


def _nothing() -> None:
    """Nobody wants to know."""


class FetchDefectError(Exception):
    """The fetch raised, which it never should: a defect of ours, kept with its URL."""


@dataclass(frozen=True, slots=True)
class Later:
    """The host asks to come back in so many seconds (infinite: it is parked)."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal, and where it was made."""

    refusal: Refusal
    where: str


class Visitor:
    """Makes visits of one run; counts what it recorded."""

    def __init__(
        self,
        hooks: Hooks,
        recorder: Recorder,
        pacer: Pacer,
        turns: Turns,
        sieve: Sieve,
        *,
        limits: CrawlLimits,
    ) -> None:
        self.captures: Counter[Outcome] = Counter()
        self.refusals = 0
        self.wire_bytes = 0
        self.origins_with_icons: set[str] = set()
        self._hooks = hooks
        self._recorder = recorder
        self._pacer = pacer
        self._turns = turns
        self._sieve = sieve
        self._limits = limits
        self._rules: dict[str, RobotsRules] = {}
        self._robots_tries: dict[str, int] = defaultdict(int)
        self._origins: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def visit(
        self, permit: Permit, entry: Entry, fetched: Callable[[], None] = _nothing
    ) -> Capture | Refused | Later:
        """Return the capture of ``permit.url``, recorded; or why there is none.

        `fetched` is called when its host is done with, before the record is written.
        """
        objection = await self._robots_objection(permit)
        if objection is not None:
            return objection
        return await self._ask(permit, entry, fetched)

    def announced_sitemaps(self, url: str) -> tuple[str, ...]:
        """Return the sitemaps that robots.txt of the origin of `url` announces; none while it is unknown."""
        parts = urlsplit(url)
        rules = self._rules.get(f"{parts.scheme}://{parts.netloc}")
        return () if rules is None else rules.sitemaps

    def refuse(self, refusals: Iterable[Refused], parent_url: str | None) -> None:
        """Keep refusals and tell those that are new."""
        moment = self._hooks.now()
        records = [
            RefusalRecord(
                _recordable(r.refusal.url), r.refusal.purpose, r.refusal.reason, r.where, moment, parent_url
            )
            for r in refusals
        ]
        self.announce(self._recorder.store.record_refusals(records))

    def announce(self, new: Iterable[RefusalRecord]) -> None:
        """Count and tell refusals that are on record."""
        for record in new:
            self.refusals += 1
            self._hooks.on_event(RefusalEvent(record))

    async def _robots_objection(self, permit: Permit) -> Refused | Later | None:
        rules = await self._rules_for(permit)
        if isinstance(rules, Refused | Later):
            return rules
        if rules.allows(permit.url):
            return None
        reason = f"robots.txt does not allow it ({rules.basis})"
        return Refused(Refusal(permit.url, permit.purpose, reason), "robots")

    async def _rules_for(self, permit: Permit) -> RobotsRules | Refused | Later:
        """Return the rules of the permit's origin: known, recorded within a day, or fetched now."""
        parts = urlsplit(permit.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        async with self._origins[origin]:
            if origin in self._rules:
                return self._rules[origin]
            robots = self._hooks.permit_for(f"{origin}/robots.txt", Purpose.ROBOTS)
            if isinstance(robots, Refusal):
                return Refused(robots, "robots")
            result = self._recorded_robots(robots)
            if result is None:
                capture = await self._ask(robots)
                if isinstance(capture, Later):
                    return capture
                self._robots_tries[origin] += 1
                if is_throttled(capture) and self._robots_tries[origin] <= self._recorder.retries:
                    return Later(self._wait_s(host_key(robots)))
                result = self._restored(capture)
            rules = self._hooks.robots_rules(result)
            if rules.crawl_delay_s is not None:
                self._pacer.pace.honour_crawl_delay(host_key(robots), rules.crawl_delay_s)
            self._rules[origin] = rules
            return rules

    def _recorded_robots(self, robots: Permit) -> FetchResult | None:
        """Return what the origin last said, if it said something and not over a day ago (RFC 9309, 2.4)."""
        capture = self._recorder.store.latest_capture(robots.url, Purpose.ROBOTS)
        if capture is None or capture.status is None or is_throttled(capture) or capture.status >= 500:
            return None
        age_s = (self._hooks.now() - capture.captured_at).total_seconds()
        return self._restored(capture) if 0 <= age_s < self._limits.robots_age_s else None

    def _restored(self, capture: Capture) -> FetchResult:
        store = self._recorder.store
        content = store.object(capture.content_digest) if capture.content_digest else b""
        return restore(store.folder, capture, content)

    async def _ask(
        self, permit: Permit, entry: Entry | None = None, fetched: Callable[[], None] = _nothing
    ) -> Capture | Later:
        """Wait for the host's turn, fetch, look at what came, and record."""
        hosts = [host_key(permit)]
        self._learn(permit)
        if not await self._pacer.turn(hosts[0]):
            return Later(self._wait_s(hosts[0]))

        async def follow(url: str) -> Permit | Refusal:
            return await self._follow(url, permit, hosts)

        conditions = None
        if entry is not None and entry.round:
            conditions = conditions_of(self._recorder.store, permit.url, permit.purpose)
        try:
            result = await self._fetch(permit, follow, conditions)
        finally:
            for host in hosts[1:]:
                self._pacer.pace.leave(host)
                self._turns.call(host)
        self._take_in(result, hosts[-1])
        examined = await self._hooks.examine(result) if permit.purpose in _CLASSIFIED else Examined()
        if examined.wall is not None:
            result = replace(result, outcome=examined.wall[0], reason=examined.wall[1])
        fetched()
        result = with_repeated_body(self._recorder.store, result)
        return await self._record(result, permit, entry, hosts[-1], examined)

    async def _record(
        self, result: FetchResult, permit: Permit, entry: Entry | None, host: str, examined: Examined
    ) -> Capture:
        moment = self._hooks.now()
        found = None
        if result.outcome in READABLE and entry is not None and examined.page is not None:
            found = self.found_on(entry, examined.page, entry.depth)
        finished = Finished(
            fetched=Fetched(
                result,
                permit,
                captured_at=moment,
                parent_url=entry.parent if entry else None,
                depth=entry.depth if entry else 0,
            ),
            retry_at=moment.timestamp() + min(self._wait_s(host), 1e9),
            tell=partial(self._tell, permit, host, found),
            entry=entry,
            found=found,
            reason=examined.problem,
        )
        return await self._recorder.record(finished)

    def found_on(self, entry: Entry, page: PageContent, depth: int) -> Found:
        """Return what `page`, that of `entry`, leads to from `depth`, the icons of its origin included."""
        discovery = discover(
            self._sieve.with_inferred(entry, page),
            self._hooks.permit_for,
            depth=depth,
            max_depth=self._limits.max_depth,
            max_links=self._limits.links_per_page,
            max_media=self._limits.media_per_page,
        )
        icons = self._icons(page) if entry.purpose is Purpose.PAGE else Discovery((), ())
        moment = self._hooks.now()
        return Found(
            (*discovery.entries, *icons.entries),
            tuple(
                RefusalRecord(r.url, r.purpose, r.reason, "enqueue", moment, page.url)
                for r in (*discovery.refusals, *icons.refusals)
            ),
        )

    def _icons(self, page: PageContent) -> Discovery:
        """Return the icons of the page's origin, nothing where they are known."""
        origin = urljoin(page.url, "/")
        if origin in self.origins_with_icons or not self._limits.icons_per_origin:
            return Discovery((), ())
        self.origins_with_icons.add(origin)
        return discover_icons(page, self._hooks.permit_for, self._limits.icons_per_origin)

    def _tell(
        self,
        permit: Permit,
        host: str,
        found: Found | None,
        capture: Capture,
        refusals: tuple[RefusalRecord, ...],
    ) -> None:
        """Count and tell a capture that is on disk, and have what it leads to looked at."""
        self._turns.call(*(one.host for one in found.entries) if found else ())
        self._remember_pause(
            host, capture.status
        )  # once more: the URL itself waits again since it was recorded
        self.captures[capture.outcome] += 1
        self.wire_bytes += capture.wire_size
        self._hooks.on_event(CaptureEvent(capture))
        self.announce(refusals)
        if capture.outcome is Outcome.BLOCKED_ADDRESS:
            refusal = Refusal(permit.url, permit.purpose, capture.reason)
            self.refuse([Refused(refusal, "socket")], capture.parent_url)

    async def _fetch(self, permit: Permit, follow: Follow, conditions: Conditions | None) -> FetchResult:
        try:
            if conditions is None:
                return await self._hooks.fetch(permit, follow=follow)
            etag, modified = conditions.etag, conditions.last_modified
            result = await self._hooks.fetch(permit, follow=follow, etag=etag, last_modified=modified)
        except Exception as error:
            raise FetchDefectError(
                f"fetching {permit.url} failed: {type(error).__name__}: {error}"
            ) from error
        is_standing = result.outcome is Outcome.NOT_MODIFIED
        return replace(result, earlier=conditions.earlier) if is_standing else result

    async def _follow(self, url: str, permit: Permit, hosts: list[str]) -> Permit | Refusal:
        """Decide on one redirect target: the grant, robots.txt, then the host's turn."""
        answer = self._hooks.permit_for(url, permit.purpose)
        if isinstance(answer, Refusal):
            self.refuse([Refused(answer, "redirect")], permit.url)
            return answer
        if permit.purpose is not Purpose.ROBOTS:
            objection = await self._robots_objection(answer)
            if isinstance(objection, Refused):
                self.refuse([objection], permit.url)
                return objection.refusal
            if objection is not None:
                return Refusal(url, permit.purpose, "its host asks to come back later")
        self._learn(answer)
        self._pacer.pace.end(hosts[-1], self._hooks.clock())
        if not await self._pacer.turn(host_key(answer)):
            return Refusal(url, permit.purpose, "its host asks to come back much later")
        hosts.append(host_key(answer))
        self._pacer.pace.enter(hosts[-1])  # nobody else asks it until this fetch is over
        return answer

    def _learn(self, permit: Permit) -> None:
        if permit.pinned is not None:
            self._pacer.pace.learn_address(host_key(permit), address_key(Peer(*permit.pinned)))

    def _take_in(self, result: FetchResult, host: str) -> None:
        last = result.exchanges[-1] if result.exchanges else None
        status = last.status if last else None
        elapsed = (last.finished_at - last.started_at).total_seconds() if last else 0.0
        answer = Answer(
            is_ok=result.outcome in (Outcome.OK, Outcome.NOT_MODIFIED),
            is_throttled=result.outcome is Outcome.RATE_LIMITED or status in THROTTLED_STATUSES,
            elapsed_s=elapsed,
            retry_after_s=result.retry_after_s,
            address=address_key(last.peer) if last and last.peer else None,
        )
        self._pacer.pace.finish(host, self._hooks.clock(), answer)
        self._remember_pause(host, status)

    def _wait_s(self, host: str) -> float:
        return self._pacer.pace.next_slot(host, self._hooks.clock())

    def _remember_pause(self, host: str, status: int | None) -> None:
        """Keep a pause over runs, and set a parked host's URLs aside until it is over."""
        state = self._pacer.pace.state(host, self._hooks.clock())
        if not state.paused_s:
            return
        until = self._hooks.now().timestamp() + state.paused_s
        reason = f"{host} answered {status} and asked to wait {state.paused_s:.0f} s"
        self._recorder.frontier.pause(host, until, reason)
        if state.is_parked:
            self._recorder.frontier.park(host, until, reason)


def _recordable(url: str) -> str:
    """Return an address as records can hold it: bytes of a list that are no UTF-8 come as half surrogates."""
    return url.encode("utf-8", "backslashreplace").decode()
