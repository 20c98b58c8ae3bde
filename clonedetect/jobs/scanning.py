"""The scan: from a grant, an index and a list of URLs to a case with verdicts."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from clonedetect.analysis.gaps import SEEN, gaps_of, last_answers
from clonedetect.analysis.site import Estimate, estimate_of
from clonedetect.archive.custody import CustodyLog
from clonedetect.archive.warc import WarcArchive
from clonedetect.case.store import CaseStore
from clonedetect.crawl.crawler import Crawler, CrawlLimits, Hooks
from clonedetect.crawl.events import CrawlEvent, CrawlSummary, RefusalEvent
from clonedetect.crawl.fetch import Fetcher, Limits
from clonedetect.crawl.frontier import Frontier
from clonedetect.crawl.pace import PaceLimits
from clonedetect.crawl.recorder import Recorder
from clonedetect.crawl.robots import RobotsRules
from clonedetect.crawl.rounds import Round, Rounds
from clonedetect.errors import DependencyError, InputError, NotPermittedError, UsageError
from clonedetect.extract.sandbox import Sandbox
from clonedetect.grant.file import SignedGrant, read_grant
from clonedetect.grant.keys import read_public_keys
from clonedetect.grant.permit import is_open, permit
from clonedetect.grant.terms import Grant, RobotsPolicy
from clonedetect.jobs.acting import acting
from clonedetect.jobs.analysing import PageDone, analyse_case
from clonedetect.jobs.authorities import asked_authorities
from clonedetect.jobs.banks import read_banks
from clonedetect.jobs.clock import read_clock
from clonedetect.jobs.drawing import SampleRequest, draw_seeds, keep_page_draw
from clonedetect.jobs.examining import Examiner
from clonedetect.jobs.negative import negative_bank
from clonedetect.jobs.opening import open_reference, shortfall
from clonedetect.jobs.reaching import sort_seeds, unreached
from clonedetect.jobs.reading import SandboxReader
from clonedetect.jobs.slotting import named_signals
from clonedetect.jobs.stamping import STAMP_EVERY_S, CaseStamper
from clonedetect.jobs.stopping import Stop, stoppable
from clonedetect.models.calibration import not_calibrated
from clonedetect.models.capture import FetchResult, Purpose, RefusalRecord
from clonedetect.models.case import CaseContents, GrantFile
from clonedetect.models.gap import Gap
from clonedetect.models.match import Finding, Verdict
from clonedetect.models.permit import Permit, Refusal
from clonedetect.models.sample import PageDraw
from clonedetect.settings.file import SettingsFile, read_settings
from clonedetect.timestamp.authorities import Asked

__all__ = [
    "FindingEvent",
    "NoteEvent",
    "ScanEvent",
    "ScanRequest",
    "ScanSummary",
    "StepEvent",
    "WarningEvent",
    "accept",
    "approvers_of",
    "open_case",
    "permits",
    "scan",
    "summary_of",
    "tell_all",
]


_LEARNING = "learning the index's captions, once only: {:,} so far"


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What the operator asked for; `approvers` are files of public keys.

    With `sample` the seeds are the list that it is drawn from, and only what is drawn is asked for.
    With `refetch` what was captured under this grant is asked again, conditionally; with `sitemaps`
    those of the sites are read.
    `fetching` bounds what is taken from a server; no command offers other bounds than the documented ones.
    `tsa` are URLs of timestamp authorities, `tsa_roots` the PEM they chain to; the settings' where not given.
    """

    grant: Path
    index: Path | None
    case: Path
    seeds: tuple[str, ...]
    approvers: tuple[Path, ...] = ()
    settings: Path | None = None
    crawl: bool = True
    analyse: bool = True
    workers: int = 2
    sample: SampleRequest | None = None
    fetching: Limits = field(default_factory=Limits)
    refetch: bool = False
    sitemaps: bool = False
    tsa: tuple[str, ...] = ()
    tsa_roots: Path | None = None
    stamp_every_s: float = STAMP_EVERY_S


@dataclass(frozen=True, slots=True)
class FindingEvent:
    """One finding was stored; `supplied` says of each file that its page rests on by whom it was supplied."""

    finding: Finding
    supplied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoteEvent:
    """Something the operator should know that is no result."""

    text: str


@dataclass(frozen=True, slots=True)
class WarningEvent:
    """Something that makes the results of this run worth less than is published."""

    text: str


@dataclass(frozen=True, slots=True)
class StepEvent:
    """What is done now that takes a while and gives nothing yet, as a phrase."""

    text: str


ScanEvent = CrawlEvent | FindingEvent | PageDone | NoteEvent | StepEvent | WarningEvent


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """How the case stands after the scan; counts are of the whole case but for the crawl's own.

    `estimate` is what the case's sample says of its list, None where none was drawn. `verdicts` counts
    judged pages, `unjudged` captured pages that no analysis has looked at; `gaps` are what was not seen.
    Of `pages_known` pages `pages_asked` were asked for, chosen by `page_draw` where a cap kept it from all.
    `untimed` says which timestamp authorities failed at the end of the crawl, and why.
    """

    captures: int
    outcomes: tuple[tuple[str, int], ...]
    refusals: int
    not_visited: int
    confirmed_items: int
    confirmed_accounts: int
    pages_confirmed: int
    possible_findings: int
    pages: int
    seconds: float
    stopped_by: str
    estimate: Estimate | None = None
    pages_asked: int = 0
    pages_known: int = 0
    page_draw: PageDraw | None = None
    verdicts: tuple[tuple[Verdict, int], ...] = ()
    unjudged: int = 0
    gaps: tuple[Gap, ...] = ()
    untimed: tuple[str, ...] = ()


def scan(request: ScanRequest, on_event: Callable[[ScanEvent], None]) -> ScanSummary:
    """Crawl what the grant permits and judge what was captured; run again, it goes on where it was.

    Raises NotPermittedError for a grant that is not authorized, out of its
    window, or refuses every seed; DependencyError where no seed could be
    reached; InputError for settings or an index that cannot be used;
    LockedError while another process writes the case. KeyboardInterrupt after
    a clean end that SIGINT or SIGTERM asked for.
    """
    began = time.monotonic()
    chosen = read_settings(request.settings, request.index)
    loosened = not_calibrated(chosen.settings.thresholds.departures)
    for text in loosened if request.analyse else ():
        on_event(WarningEvent(text))
    banks = read_banks(chosen)
    bank = negative_bank(banks.negative) if request.analyse else None  # told before the first request
    signals = named_signals(chosen.settings.signals.active) if request.analyse else ()
    signed = read_grant(request.grant)
    approver = signed.authorize(approvers_of(request.approvers, chosen)).approver
    asked = asked_authorities(request.tsa, request.tsa_roots, chosen) if request.crawl else None
    if request.analyse and request.index is None:
        raise UsageError("an analysis needs an index: name it with --index, or crawl only with --crawl-only")
    if request.crawl and not request.seeds and not (request.case / "case.db").exists():
        raise UsageError("a new case needs URLs: name some, or a list of them with @FILE")
    if request.index is not None:
        # A wrong index is told before the first request.
        with open_reference(request.index, signals=signals) as opened:
            missing = shortfall(opened)
        if missing:
            on_event(WarningEvent(missing))
    if not request.crawl and not (request.case / "case.db").exists():
        raise InputError(f"{request.case} holds no case: there is nothing to analyse")
    who = acting(chosen.settings.signing.actor)
    with stoppable() as stop, open_case(request.case, signed.grant.case_id, who) as (store, custody):
        accept(store, signed, approver, actor=who)
        for text in _unused(signed.grant):
            on_event(NoteEvent(text))
        stopped_by, is_anew = "", False
        untimed: tuple[str, ...] = ()
        if request.crawl:
            request = _drawn(request, store, on_event, actor=who)
            _require_open_window(request, signed.grant, store, on_event)
            archive = WarcArchive.open(
                store.folder,
                store.case_id,
                known=store.archived_until(),
                custody=custody,
                now=_now(),
            )
            operator = chosen.settings.signing.actor or chosen.settings.claimant.name
            crawl = _Crawl(
                request=request,
                grant=signed.grant,
                operator=operator or signed.grant.approved_by,
                actor=chosen.settings.signing.actor,
                store=store,
                archive=archive,
                on_event=on_event,
                stop=stop,
                stamper=_stamper(asked, store, custody, who, stop),
            )
            store.note_clock(read_clock(_now()), actor=who)
            told = asyncio.run(crawl.run())
            store.note_clock(read_clock(_now()), actor=who)
            untimed = _stamp(crawl.stamper, on_event)
            stopped_by, is_anew = told.stopped_by, told.captures + told.adopted > 0
            if not stop.is_set:
                _mind_seeds(request, signed.grant, told, store)
        if request.analyse and request.index is not None and not stop.is_set:
            on_event(StepEvent("opening the index, reading what was captured"))
            with (
                open_reference(
                    request.index,
                    signals=signals,
                    background=banks.background,
                    on_learning=lambda learned: on_event(StepEvent(_LEARNING.format(learned))),
                ) as index,
                Examiner(
                    index,
                    chosen.settings,
                    banks.phrases,
                    workers=request.workers,
                    bank=bank,
                    signals=signals,
                ) as examiner,
            ):
                pages = analyse_case(store, index, examiner, banks, now=_now, is_anew=is_anew)
                tell_all(pages, examiner, on_event, stop)
        if stop.is_set:
            raise KeyboardInterrupt
        _end_second_look(request, signed.grant, store, stopped_by)
        summary = replace(summary_of(store, stopped_by), untimed=untimed)
        return replace(summary, seconds=round(time.monotonic() - began, 3))


def _drawn(
    request: ScanRequest, store: CaseStore, on_event: Callable[[ScanEvent], None], *, actor: str
) -> ScanRequest:
    """Return the request with the addresses that are really asked for, and say so where not all are."""
    seeds, told = draw_seeds(store, request.seeds, request.sample, now=_now(), actor=actor)
    if told:
        on_event(NoteEvent(told))
    return replace(request, seeds=tuple(seeds))


def _stamper(
    asked: Asked | None, store: CaseStore, custody: CustodyLog, who: str, stop: Stop
) -> CaseStamper | None:
    return CaseStamper(store, custody, asked, who, lambda: stop.is_set) if asked else None


def _stamp(stamper: CaseStamper | None, on_event: Callable[[ScanEvent], None]) -> tuple[str, ...]:
    """Timestamp what was captured, and tell of each authority that failed."""
    if stamper is None:
        return ()
    on_event(StepEvent("asking the timestamp authorities"))
    told = tuple(f"{one.authority.url}: {one.reason}" for one in stamper.stamp())
    for text in told:
        on_event(WarningEvent(f"no timestamp from {text}; the next run asks again"))
    return told


def _now() -> datetime:
    return datetime.now(UTC)


def _unused(grant: Grant) -> Iterator[str]:
    """Say what the grant allows and this version does not do, so that nobody waits for it."""
    if grant.browser.allowed:
        yield "the grant allows a browser; this version renders no page: pages shown by scripts stay unseen"
    if grant.lookups.rdap:
        yield "the grant allows RDAP look-ups; this version makes none"


def approvers_of(approvers: Iterable[Path], chosen: SettingsFile) -> list[Ed25519PublicKey]:
    """Return the keys whose grants are accepted: those named, and those of the settings."""
    named = [chosen.located(name) for name in chosen.settings.signing.approvers]
    return [key for path in (*approvers, *named) for key in read_public_keys(path)]


@contextmanager
def open_case(
    folder: Path, case_id: str, actor: str = "clonedetect"
) -> Iterator[tuple[CaseStore, CustodyLog]]:
    """Open the case in `folder` for writing, made if there is none, with its custody log."""
    opened: list[CustodyLog] = []

    def custody(path: Path, now: datetime) -> CustodyLog:
        opened.append(CustodyLog.open(path, now))
        return opened[-1]

    if (folder / "case.db").exists():
        store = CaseStore.open(folder, custody=custody, now=_now())
    else:
        store = CaseStore.create(folder, case_id, custody=custody, now=_now(), actor=actor)
    with store:
        yield store, opened[-1]


def accept(store: CaseStore, signed: SignedGrant, approver: str, *, actor: str) -> None:
    """Take the grant into the case."""
    grant = signed.grant
    file = GrantFile(
        grant.grant_id,
        grant.digest,
        signed.data,
        signed.signature,
        signed.countersignature,
        approver,
        _now(),
    )
    store.accept_grant(file, grant.case_id, is_rehearsal=grant.is_rehearsal, actor=actor)


@dataclass(frozen=True, slots=True)
class _Crawl:
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
            with suppress(asyncio.CancelledError):
                await task


def _end_second_look(request: ScanRequest, grant: Grant, store: CaseStore, stopped_by: str) -> None:
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


def _mind_seeds(request: ScanRequest, grant: Grant, told: CrawlSummary, store: CaseStore) -> None:
    if request.seeds and told.seeds_refused == len(set(request.seeds)):
        raise NotPermittedError(
            "the grant refuses every URL of the list; `clonedetect grant check` says why for each"
        )
    urls, _ = sort_seeds(grant, request.seeds, _now())
    failed = unreached(urls, store)
    if failed and len(failed) == len(urls):
        first = next(iter(failed.values()))
        raise DependencyError(
            f"no URL of the list could be reached: {first.url}: {first.outcome} ({first.reason})"
        )


def _require_open_window(
    request: ScanRequest, grant: Grant, store: CaseStore, on_event: Callable[[ScanEvent], None]
) -> None:
    """Refuse all seeds, and leave what earlier runs found for a grant whose window is open."""
    now = _now()
    if is_open(grant, now):
        return
    _, refused = sort_seeds(grant, request.seeds, now)
    records = [RefusalRecord(one.url, one.purpose, one.reason, "enqueue", now) for one in refused]
    for record in store.record_refusals(records):
        on_event(RefusalEvent(record))
    raise NotPermittedError(
        f"grant {grant.grant_id} is in force from {grant.valid_from:%Y-%m-%dT%H:%M:%SZ} "
        f"until {grant.valid_to:%Y-%m-%dT%H:%M:%SZ} only: nothing may be fetched now"
    )


def tell_all(
    pages: Iterator[PageDone], examiner: Examiner, on_event: Callable[[ScanEvent], None], stop: Stop
) -> None:
    """Tell each judged page and its findings; a stop ends what is under way."""
    stop.hurry = examiner.close
    try:
        for done in pages:
            on_event(done)
            for finding in done.analysis.findings:
                on_event(FindingEvent(finding, done.analysis.verdict.supplied))
            if stop.is_set:
                return
    except UsageError:
        if not stop.is_set:
            raise
    finally:
        stop.hurry = None


def summary_of(store: CaseStore, stopped_by: str) -> ScanSummary:
    """Return how the case stands."""
    contents = store.contents()
    outcomes: dict[str, int] = {}
    for capture in contents.captures:
        outcomes[capture.outcome] = outcomes.get(capture.outcome, 0) + 1
    found = Counter(one.verdict for one in contents.verdicts)
    confirmed = [one.match for one in contents.findings if one.match.verdict is Verdict.CONFIRMED]
    return ScanSummary(
        captures=len(contents.captures),
        outcomes=tuple(sorted(outcomes.items())),
        refusals=len(contents.refusals),
        not_visited=len(contents.not_visited),
        confirmed_items=len({match.item_id for match in confirmed}),
        confirmed_accounts=len({match.account_id for match in confirmed if match.account_id is not None}),
        pages_confirmed=sum(one.verdict is Verdict.CONFIRMED for one in contents.verdicts),
        possible_findings=len(contents.findings) - len(confirmed),
        pages=len(contents.verdicts),
        seconds=0.0,
        stopped_by=stopped_by,
        estimate=_estimate(contents),
        pages_asked=contents.pages_asked,
        pages_known=contents.pages_known,
        page_draw=contents.page_draw,
        verdicts=tuple((verdict, found[verdict]) for verdict in Verdict),
        unjudged=_unjudged(contents),
        gaps=gaps_of(contents, store.pauses(), _now()),
    )


def _unjudged(contents: CaseContents) -> int:
    """Return how many pages were received and wait for an analysis."""
    judged = {one.page_url for one in contents.verdicts}
    pages = (one for one in last_answers(contents.captures) if one.purpose is Purpose.PAGE)
    return sum(one.outcome in SEEN and one.url not in judged for one in pages)


def _estimate(contents: CaseContents) -> Estimate | None:
    if contents.sample is None:
        return None
    return estimate_of(contents.sample, {verdict.page_url: verdict for verdict in contents.verdicts})
