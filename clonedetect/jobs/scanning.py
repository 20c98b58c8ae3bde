"""The scan: from a grant, an index and a list of URLs to a case with verdicts."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from clonedetect.analysis.gaps import SEEN, gaps_of, last_answers
from clonedetect.analysis.site import Estimate, estimate_of
from clonedetect.archive.custody import CustodyLog
from clonedetect.archive.warc import WarcArchive
from clonedetect.case.store import CaseStore
from clonedetect.crawl.events import CrawlSummary, RefusalEvent
from clonedetect.errors import DependencyError, InputError, NotPermittedError, UsageError
from clonedetect.grant.file import SignedGrant, read_grant
from clonedetect.grant.keys import read_public_keys
from clonedetect.grant.permit import is_open
from clonedetect.grant.terms import Grant
from clonedetect.jobs.acting import acting
from clonedetect.jobs.analysing import PageDone, analyse_case
from clonedetect.jobs.asked import (
    FindingEvent,
    NoteEvent,
    ScanEvent,
    ScanRequest,
    ScanSummary,
    StepEvent,
    WarningEvent,
)
from clonedetect.jobs.authorities import asked_authorities
from clonedetect.jobs.banks import read_banks
from clonedetect.jobs.clock import read_clock
from clonedetect.jobs.crawling import Crawl, end_second_look
from clonedetect.jobs.drawing import draw_seeds
from clonedetect.jobs.examining import Examiner
from clonedetect.jobs.negative import negative_bank
from clonedetect.jobs.opening import open_reference, shortfall
from clonedetect.jobs.reaching import sort_seeds, unreached
from clonedetect.jobs.slotting import named_signals
from clonedetect.jobs.stamping import CaseStamper
from clonedetect.jobs.stopping import Stop, stoppable
from clonedetect.models.calibration import not_calibrated
from clonedetect.models.capture import Purpose, RefusalRecord
from clonedetect.models.case import CaseContents, GrantFile
from clonedetect.models.match import Verdict
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
    "scan",
    "summary_of",
    "tell_all",
]


_LEARNING = "learning the index's captions, once only: {:,} so far"


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
            crawl = Crawl(
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
            untimed = _bound_in_time(told, crawl.stamper, store, who, on_event)
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
        end_second_look(request, signed.grant, store, stopped_by)
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


def _bound_in_time(
    told: CrawlSummary,
    stamper: CaseStamper | None,
    store: CaseStore,
    who: str,
    on_event: Callable[[ScanEvent], None],
) -> tuple[str, ...]:
    """Note the clock and timestamp what was captured, but for a full disk, which takes neither."""
    if told.stopped_by.startswith("disk_full"):
        return ()
    store.note_clock(read_clock(_now()), actor=who)
    return _stamp(stamper, on_event)


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
