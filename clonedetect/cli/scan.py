"""``clonedetect scan``."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from clonedetect.analysis.site import Estimate
from clonedetect.case.store import CaseStore
from clonedetect.cli.console import emit, json_option, plain, quiet_option, stderr, stdout, wants_json, warn
from clonedetect.cli.live import LiveView
from clonedetect.cli.timestamps import tsa_options
from clonedetect.cli.unseen import gap_row, not_seen, page_counts
from clonedetect.crawl.events import CaptureEvent, RefusalEvent
from clonedetect.errors import DependencyError, ExitCode
from clonedetect.jobs.drawing import SampleRequest
from clonedetect.jobs.scanning import (
    FindingEvent,
    NoteEvent,
    ScanEvent,
    ScanRequest,
    ScanSummary,
    WarningEvent,
    scan,
)
from clonedetect.jobs.seeds import read_seeds
from clonedetect.models.capture import Capture, Outcome, Purpose, RefusalRecord
from clonedetect.models.match import Finding, Verdict
from clonedetect.models.sample import told_of_pages

__all__ = ["Teller", "scan_command", "summary_row"]

_SHOWN_REASONS = 3
_PATH = click.Path(path_type=Path)


@click.command(name="scan")
@click.argument("urls", nargs=-1, metavar="[URL...|@FILE]")
@click.option("--grant", type=_PATH, required=True, help="The signed grant.")
@click.option("--index", type=_PATH, help="The index of the platform's own content.")
@click.option("--case", type=_PATH, required=True, help="The case folder; made if there is none.")
@click.option("--approvers", type=_PATH, multiple=True, help="PEM of public keys whose grants are accepted.")
@click.option("--settings", type=_PATH, help="Settings instead of INDEX/settings.toml.")
@click.option("--crawl-only", is_flag=True, help="Capture, and judge later.")
@click.option("--analyse-only", is_flag=True, help="Judge what was captured; no connection is made.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Analysis processes."
)
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Ask for N of the URLs, drawn at random.")
@click.option("--sample-seed", metavar="TEXT", help="What the sample is drawn by; anyone can draw it again.")
@click.option("--refetch", is_flag=True, help="Ask again for what was captured, if it has changed.")
@click.option("--sitemaps", is_flag=True, help="Read the sites' sitemaps too, after all that is linked.")
@tsa_options
@click.option("--fail-on-findings", is_flag=True, help="Exit 1 if anything is confirmed or possible.")
@json_option
@quiet_option
def scan_command(
    urls: tuple[str, ...],
    grant: Path,
    index: Path | None,
    case: Path,
    approvers: tuple[Path, ...],
    settings: Path | None,
    crawl_only: bool,
    analyse_only: bool,
    workers: int,
    sample: int | None,
    sample_seed: str | None,
    refetch: bool,
    sitemaps: bool,
    tsa: tuple[str, ...],
    tsa_roots: Path | None,
    fail_on_findings: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Fetch what GRANT permits, keep it in CASE, and judge it against INDEX.

    URLs may also come from a file: TXT, CSV, XLSX or JSON lines. Run again, it
    goes on where it was; nothing that was recorded is fetched twice, unless --refetch
    asks for a second look: with conditional requests, each URL once. With --sample the
    URLs are the list that a recorded random sample is drawn from: only then can
    `findings --by site` estimate what share of the list is republished. With --tsa the
    custody log is timestamped when the crawl ends, and every quarter of an hour before.

    \b
    Example:  clonedetect scan --grant grant.toml --approvers approver.pem.pub.pem --index INDEX \\
                  --case CASE @urls.txt
    """
    if crawl_only and analyse_only:
        raise click.UsageError("--crawl-only and --analyse-only together leave nothing to do")
    if (sample is None) != (sample_seed is None):
        raise click.UsageError("--sample and --sample-seed belong together: a seed makes the draw repeatable")
    if refetch and analyse_only:
        raise click.UsageError("--refetch asks the sites again, and --analyse-only makes no connection")
    if analyse_only and (tsa or tsa_roots):
        raise click.UsageError("--tsa is of no use with --analyse-only, which makes no connection")
    if sample is not None and (analyse_only or not urls):
        raise click.UsageError("--sample draws from the URLs that are named, before any is asked for")
    request = ScanRequest(
        grant=grant,
        index=index,
        case=case,
        seeds=read_seeds(urls, is_distinct=sample is None),
        approvers=approvers,
        settings=settings,
        crawl=not analyse_only,
        analyse=not crawl_only,
        workers=workers,
        refetch=refetch,
        sitemaps=sitemaps,
        sample=None if sample is None or sample_seed is None else SampleRequest(sample, sample_seed),
        tsa=tsa,
        tsa_roots=tsa_roots,
    )
    is_json = wants_json(as_json)
    with Teller(stderr(quiet=quiet), is_json=is_json) as teller:
        summary = scan(request, teller.tell)
    if is_json:
        emit(summary_row(summary))
    else:
        _show(summary, _crawled(case))
    if summary.untimed:
        raise DependencyError(f"captured, but not timestamped: {'; '.join(summary.untimed)}; run it again")
    if fail_on_findings and (summary.pages_confirmed or summary.possible_findings):
        raise SystemExit(int(ExitCode.FINDINGS))


class Teller:
    """Tells events as JSON lines, notes and warnings as sentences, and all to the live view."""

    def __init__(self, console: Console, *, is_json: bool) -> None:
        self._is_json = is_json
        self._console = console
        # JSON lines on the terminal itself would be drawn over.
        self.view = LiveView(console, is_shown=not (is_json and sys.stdout.isatty()))

    def __enter__(self) -> Teller:
        self.view.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.view.__exit__(kind, error, trace)
        if isinstance(error, KeyboardInterrupt) and self.view.standing:
            text = f"stopped: {self.view.standing}; the same command goes on from there"
            self._console.print(text, soft_wrap=True)

    def tell(self, event: ScanEvent) -> None:
        """Show one event."""
        self.view.tell(event)
        match event:
            case CaptureEvent(capture):
                self._emit(_capture_row(capture))
            case RefusalEvent(refusal):
                self._emit(_refusal_row(refusal))
            case FindingEvent(finding, supplied):
                self._emit({**_finding_row(finding), "supplied": supplied})
            case NoteEvent(text):
                self._console.print(f"[yellow]note:[/] {escape(text)}", soft_wrap=True)
            case WarningEvent(text):
                warn(text)

    def _emit(self, row: dict[str, object]) -> None:
        if self._is_json:
            emit(row)


def _capture_row(capture: Capture) -> dict[str, object]:
    return {
        "event": "capture",
        "schema": 1,
        "url": capture.url,
        "purpose": capture.purpose,
        "final_url": capture.final_url,
        "outcome": capture.outcome,
        "status": capture.status,
        "reason": capture.reason,
        "payload_digest": capture.payload_digest,
        "content_digest": capture.content_digest,
        "record_id": capture.record_id,
        "peer": str(capture.peer) if capture.peer else None,
        "supplied": capture.origin.sentence if capture.origin else None,
        "hops": [{"url": hop.url, "status": hop.status, "location": hop.location} for hop in capture.hops],
    }


def _refusal_row(refusal: RefusalRecord) -> dict[str, object]:
    return {
        "event": "refusal",
        "schema": 1,
        "url": refusal.url,
        "purpose": refusal.purpose,
        "reason": refusal.reason,
        "where": refusal.where,
    }


def _finding_row(finding: Finding) -> dict[str, object]:
    return {
        "event": "finding",
        "schema": 1,
        "finding_id": finding.finding_id,
        "page_url": finding.page_url,
        "media_url": finding.media_url,
        "item_id": finding.match.item_id,
        "account_id": finding.match.account_id,
        "verdict": finding.match.verdict,
        "kinds": finding.match.kinds,
        "score": round(finding.match.score, 4),
        "reasons": finding.match.reasons,
        "record_id": finding.record_id,
        "identifier": msgspec.to_builtins(finding.match.identifier),
        "standing": msgspec.to_builtins(finding.standing),
    }


def summary_row(summary: ScanSummary) -> dict[str, object]:
    """Return the summary as an event."""
    return {
        "event": "summary",
        "schema": 1,
        "captures": summary.captures,
        "outcomes": dict(summary.outcomes),
        "refusals": summary.refusals,
        "not_visited": summary.not_visited,
        "confirmed_items": summary.confirmed_items,
        "confirmed_accounts": summary.confirmed_accounts,
        "pages_confirmed": summary.pages_confirmed,
        "possible_findings": summary.possible_findings,
        "stopped_by": summary.stopped_by,
        "seconds": summary.seconds,
        "verdicts": dict(summary.verdicts),
        "not_judged": summary.unjudged,
        "not_timestamped": summary.untimed,
        "not_seen": [gap_row(gap) for gap in summary.gaps],
        "sample": None if summary.estimate is None else _sample_row(summary.estimate),
        "pages_asked": summary.pages_asked,
        "pages_known": summary.pages_known,
        "page_draw": msgspec.to_builtins(summary.page_draw),
    }


def _sample_row(estimate: Estimate) -> dict[str, object]:
    return {
        "frame": estimate.frame,
        "drawn": estimate.drawn,
        "judged": estimate.judged,
        "confirmed": estimate.confirmed,
        "low": round(estimate.pages.low, 4),
        "high": round(estimate.pages.high, 4),
        "reasons": estimate.sentences,
    }


@dataclass(frozen=True, slots=True)
class _Crawled:
    """What the case says of its captures, robots.txt apart, and of what was refused."""

    captures: str
    robots: str
    refused: str


def _crawled(case: Path) -> _Crawled:
    with CaseStore.read(case) as store:
        captures = list(store.captures())
        reasons = Counter(refusal.reason for refusal in store.refusals())
    robots = {one.url: one.outcome for one in captures if one.purpose is Purpose.ROBOTS}
    absent_icons = (Purpose.FAVICON, Outcome.GONE)
    others = [one for one in captures if (one.purpose, one.outcome) != absent_icons]
    outcomes = Counter(one.outcome for one in others if one.purpose is not Purpose.ROBOTS)
    absent = sum(outcome is Outcome.GONE for outcome in robots.values())
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    more = f"; and {len(reasons) - _SHOWN_REASONS} other reasons" if len(reasons) > _SHOWN_REASONS else ""
    first = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common(_SHOWN_REASONS))
    return _Crawled(
        captures=f"{outcomes.total()} ({told})" if told else "0",
        robots=f"{absent} of {len(robots)} sites have none" if robots else "",
        refused=f"{reasons.total()} ({first}{more})" if reasons else "0",
    )


def _show(summary: ScanSummary, crawled: _Crawled) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("captures", plain(crawled.captures))
    if crawled.robots:
        table.add_row("robots.txt", plain(crawled.robots))
    table.add_row("refused", plain(crawled.refused))
    table.add_row("not visited", str(summary.not_visited))
    if summary.pages_asked < summary.pages_known:
        table.add_row(
            "asked", plain(told_of_pages(summary.pages_asked, summary.pages_known, summary.page_draw))
        )
    table.add_row("pages", plain(page_counts(summary.verdicts, summary.unjudged)))
    table.add_row(
        "items", f"{summary.confirmed_items} items of {summary.confirmed_accounts} accounts confirmed"
    )
    table.add_row("for people", f"{summary.possible_findings} {Verdict.POSSIBLE} findings")
    if summary.estimate:
        table.add_row("sample", plain(summary.estimate.sentences[0]))
    if summary.stopped_by:
        table.add_row("stopped", plain(summary.stopped_by))
    table.add_row("seconds", f"{summary.seconds:.1f}")
    console = stdout()
    for part in not_seen(summary.gaps, summary.unjudged, console.width):
        console.print(part)
    console.print(Text(""))
    console.print(table)  # last, so that a terminal of 24 lines shows what was found
