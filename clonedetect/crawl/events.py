"""What a run tells as it goes; each is told after its record is safe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clonedetect.models.capture import Capture, Outcome, RefusalRecord

__all__ = [
    "Budget",
    "CaptureEvent",
    "CrawlEvent",
    "CrawlSummary",
    "HostProgress",
    "HostStatus",
    "ProgressEvent",
    "RefusalEvent",
    "Waiting",
    "WaitsFor",
]


@dataclass(frozen=True, slots=True)
class CaptureEvent:
    """One fetch was recorded: page, media, robots.txt alike."""

    capture: Capture


@dataclass(frozen=True, slots=True)
class RefusalEvent:
    """One URL was refused for the first time."""

    refusal: RefusalRecord


class HostStatus(StrEnum):
    """What is the matter with a host at this moment."""

    ASKING = "asking"
    WAITING = "waiting"
    PAUSED = "paused"
    PARKED = "parked"
    CAPPED = "capped"
    DISALLOWED = "disallowed"
    WALLED = "walled"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class HostProgress:
    """How one host stands.

    `seconds` is for how long it has been asked, or what remains until it may
    be. `until` is when a parked one may be asked again (UTC), `pause_s` the
    whole pause, named by the host itself where `is_pause_named`; `status_code` is what
    it answered last that made us pause, None where an earlier run was told. `waiting` counts its
    known URLs that are still to be asked (of a parked or capped one, those set aside), the rest what its
    URLs ended in, robots.txt apart.
    """

    host: str
    status: HostStatus
    seconds: float = 0.0
    delay_s: float = 0.0
    waiting: int = 0
    ok: int = 0
    walls: int = 0
    errors: int = 0
    refused: int = 0
    pages: int = 0
    until: datetime | None = None
    pause_s: float = 0.0
    is_pause_named: bool = False
    status_code: int | None = None


class Waiting(StrEnum):
    """What a run as a whole waits for."""

    ANSWER = "an answer"
    TURN = "a host's turn"
    PAUSE = "the end of a host's pause"
    LINKS = "links to be read"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class WaitsFor:
    """What has to happen before the run goes on.

    `hosts` counts those asked at this moment, `host` is the one that has been
    asked longest, for `seconds`; or the one that may be asked next, in
    `seconds`, after a delay or pause of `whole_s`.
    """

    what: Waiting
    host: str = ""
    seconds: float = 0.0
    hosts: int = 0
    whole_s: float = 0.0
    is_pause_named: bool = False


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of the grant's limits; times in seconds, `grant_s` None where no end is known."""

    pages_left: int
    max_pages: int
    wire_bytes: int
    max_bytes: int
    run_s: float
    grant_s: float | None = None


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """How the run stands; `rate` is captures a second, over the last half minute.

    `hosts` are some of each status, those that matter most first; `totals`
    counts all hosts by status. `left_s` is how long the URLs known by now take at
    this rate and at each host's pace, None where nothing tells. Once no page is left
    of the grant's, `pending` counts the rest alone, and `beyond_cap` the known pages.
    `pages_s` is when the grant's pages are used up at the rate of the last half minute.
    """

    captures: int
    pending: int
    rate: float
    hosts: tuple[HostProgress, ...] = ()
    totals: tuple[tuple[HostStatus, int], ...] = ()
    budget: Budget | None = None
    waits_for: WaitsFor = WaitsFor(Waiting.NOTHING)
    left_s: float | None = None
    stopped_by: str = ""
    beyond_cap: int = 0
    pages_s: float | None = None


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
