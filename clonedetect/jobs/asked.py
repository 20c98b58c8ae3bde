"""What a scan is asked for, what it tells as it goes, and how it ended: values alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from clonedetect.analysis.site import Estimate
from clonedetect.crawl.events import CrawlEvent
from clonedetect.crawl.limits import Limits
from clonedetect.jobs.analysing import PageDone
from clonedetect.jobs.drawing import SampleRequest
from clonedetect.jobs.stamping import STAMP_EVERY_S
from clonedetect.models.gap import Gap
from clonedetect.models.match import Finding, Verdict
from clonedetect.models.sample import PageDraw

__all__ = [
    "FindingEvent",
    "NoteEvent",
    "ScanEvent",
    "ScanRequest",
    "ScanSummary",
    "StepEvent",
    "WarningEvent",
]


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
