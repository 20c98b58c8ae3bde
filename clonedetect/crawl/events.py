"""What a run tells as it goes; each is told after its record is safe."""

from __future__ import annotations

from dataclasses import dataclass

from clonedetect.crawl.pace import HostState
from clonedetect.models.capture import Capture, Outcome, RefusalRecord

__all__ = ["CaptureEvent", "CrawlEvent", "CrawlSummary", "ProgressEvent", "RefusalEvent"]


@dataclass(frozen=True, slots=True)
class CaptureEvent:
    """One fetch was recorded: page, media, robots.txt alike."""

    capture: Capture


@dataclass(frozen=True, slots=True)
class RefusalEvent:
    """One URL was refused for the first time."""

    refusal: RefusalRecord


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """How the run stands; `rate` is captures a second so far."""

    captures: int
    pending: int
    rate: float
    hosts: tuple[HostState, ...]


CrawlEvent = CaptureEvent | RefusalEvent | ProgressEvent


@dataclass(frozen=True, slots=True)
class CrawlSummary:
    """How a run ended; `stopped_by` is "" when there was nothing left to ask.

    Counts are of this run but for `not_visited`, which is what the case knows
    and never asked. `adopted` captures were recorded by a run that was killed.
    """

    captures: int
    adopted: int
    outcomes: tuple[tuple[Outcome, int], ...]
    refusals: int
    seeds_refused: int
    not_visited: int
    stopped_by: str
    seconds: float
