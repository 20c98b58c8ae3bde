"""How a run stands, told so that telling it never slows the run.

Looking at every host takes time in proportion to their number. So that is
done at most as often as makes it a hundredth of the run; between two such
surveys only the hosts that are shown and those under way are looked at, and
both are bounded.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from clonedetect.crawl.events import (
    Budget,
    CrawlEvent,
    HostProgress,
    HostStatus,
    ProgressEvent,
    Waiting,
    WaitsFor,
)
from clonedetect.crawl.pace import HostState, Pace, domain_key
from clonedetect.crawl.tally import Tally

__all__ = ["MOST_OF_EACH", "Board", "Standing"]

MOST_OF_EACH = 16
"""Hosts of one status that are told one by one."""

_SURVEY_SHARE = 0.01
_RATE_TICKS = 30
_SLOW_S = 5.0
"""An answer that is waited for longer than this is told before the others."""

_ENDED = (HostStatus.CAPPED, HostStatus.DISALLOWED, HostStatus.WALLED)
Backlogs = Mapping[str, tuple[int, int]]


class ReadBacklogs(Protocol):
    """Counts pending and parked URLs by host."""

    def __call__(self, *, only_media: bool = False) -> Backlogs:
        """Return them, those of pages left out where `only_media`."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What the crawler knows of its run at one moment; `clock` in monotonic seconds."""

    clock: float
    now: datetime
    captures: int
    budget: Budget
    is_reading: bool
    stopped_by: str = ""


@dataclass(frozen=True, slots=True)
class _Survey:
    """What looking at every host gave; `pace_s` is the least time that their own pace asks for."""

    at: float = -math.inf
    pending: int = 0
    beyond_cap: int = 0
    shown: tuple[str, ...] = ()
    totals: tuple[tuple[HostStatus, int], ...] = ()
    next_host: str = ""
    pace_s: float = 0.0


class Board:
    """Counts what is told, and says how the run stands when asked.

    `backlogs` gives pending and parked URLs by host, `host_pages` the captured
    pages, of which a host gives at most `page_cap`.
    """

    def __init__(
        self,
        pace: Pace,
        backlogs: ReadBacklogs,
        *,
        host_pages: Mapping[str, int],
        page_cap: int,
        clock: Callable[[], float],
    ) -> None:
        self._pace = pace
        self._read_backlogs = backlogs
        self._backlogs: Backlogs = {}
        self._askable: Backlogs = {}
        self._host_pages = host_pages
        self._page_cap = page_cap
        self._clock = clock
        self._tally = Tally()
        self._survey = _Survey()
        self._next_survey = -math.inf
        self._ticks: deque[tuple[float, int, int]] = deque(maxlen=_RATE_TICKS)

    def note(self, event: CrawlEvent) -> None:
        """Count what was captured and refused."""
        self._tally.note(event)

    def progress(self, standing: Standing, *, is_last: bool = False) -> ProgressEvent:
        """Return how the run stands."""
        self._ticks.append((standing.clock, standing.captures, standing.budget.pages_left))
        rate, page_rate = self._rates()
        if is_last or standing.clock >= self._next_survey:
            self._look(standing)
        survey = self._survey
        hosts = dict.fromkeys((*survey.shown, *self._pace.busy()))
        return ProgressEvent(
            captures=standing.captures,
            pending=survey.pending,
            rate=rate,
            hosts=_ranked(self._host(host, standing) for host in hosts),
            totals=survey.totals,
            budget=standing.budget,
            waits_for=self._waits_for(standing),
            left_s=self._left_s(rate, standing.clock),
            stopped_by=standing.stopped_by,
            beyond_cap=survey.beyond_cap,
            pages_s=standing.budget.pages_left / page_rate if page_rate > 0 else None,
        )

    def _rates(self) -> tuple[float, float]:
        """Return captures and pages a second."""
        (began, captures, left), (ended, more, fewer) = self._ticks[0], self._ticks[-1]
        elapsed = ended - began
        return ((more - captures) / elapsed, (left - fewer) / elapsed) if elapsed > 0 else (0.0, 0.0)

    def _left_s(self, rate: float, clock: float) -> float | None:
        """Return the seconds that what is known takes, by each host's pace and by the rate of all."""
        survey = self._survey
        if not survey.pending:
            return 0.0
        if rate <= 0 and survey.pace_s <= 0:
            return None
        by_rate = survey.pending / rate if rate > 0 else 0.0
        return max(0.0, max(survey.pace_s, by_rate) - (clock - survey.at))

    # Looking at every host

    def _look(self, standing: Standing) -> None:
        began = self._clock()
        is_capped = standing.budget.pages_left <= 0
        self._backlogs = backlogs = self._read_backlogs()
        self._askable = self._read_backlogs(only_media=True) if is_capped else backlogs
        marked = dict.fromkeys((*backlogs, *self._pace.busy(), *self._tally.fruitless(), *self._capped()))
        rows = [self._host(host, standing) for host in marked]
        totals = Counter(row.status for row in rows)
        totals[HostStatus.DONE] += sum(host not in marked for host in self._tally.hosts())
        waiting = [row for row in rows if row.status in (HostStatus.WAITING, HostStatus.PAUSED)]
        self._survey = _Survey(
            at=standing.clock,
            pending=_pending(self._askable),
            beyond_cap=_pending(backlogs) - _pending(self._askable),
            shown=tuple(
                row.host for row in _ranked(row for row in rows if row.status is not HostStatus.DONE)
            ),
            totals=tuple(sorted((status, number) for status, number in totals.items() if number)),
            next_host=min(waiting, key=lambda row: (row.seconds, row.host)).host if waiting else "",
            pace_s=_pace_s(rows),
        )
        self._next_survey = standing.clock + (self._clock() - began) / _SURVEY_SHARE

    def _capped(self) -> Iterable[str]:
        return (host for host, pages in self._host_pages.items() if pages >= self._page_cap)

    # Looking at one

    def _host(self, host: str, standing: Standing) -> HostProgress:
        state = self._pace.state(host, standing.clock)
        pending, parked = self._backlogs.get(host, (0, 0))
        askable, _ = self._askable.get(host, (0, 0))
        status, seconds = self._status(state, standing.clock)
        tally = self._tally.of(host)
        is_parked = status is HostStatus.PARKED
        return HostProgress(
            host=host,
            status=status,
            seconds=seconds,
            delay_s=state.delay_s,
            waiting=_waiting(status, askable, pending, parked),
            ok=tally.ok,
            walls=tally.walls,
            errors=tally.errors,
            refused=tally.refused,
            pages=self._host_pages.get(host, 0),
            until=standing.now + timedelta(seconds=state.paused_s) if is_parked else None,
            pause_s=state.pause_s,
            is_pause_named=state.is_pause_named,
            status_code=tally.throttled_by,
        )

    def _status(self, state: HostState, clock: float) -> tuple[HostStatus, float]:
        pending, parked = self._backlogs.get(state.host, (0, 0))
        askable, _ = self._askable.get(state.host, (0, 0))
        if state.asking_s is not None:
            return HostStatus.ASKING, state.asking_s
        if state.is_parked or (parked and not pending):
            return HostStatus.PARKED, state.paused_s
        if state.paused_s and (pending or state.in_flight):
            return HostStatus.PAUSED, state.paused_s
        if askable or state.in_flight:
            return HostStatus.WAITING, self._pace.next_slot(state.host, clock)
        return self._ended(state.host), 0.0

    def _ended(self, host: str) -> HostStatus:
        kept, _ = self._backlogs.get(host, (0, 0))
        if kept or self._host_pages.get(host, 0) >= self._page_cap:
            return HostStatus.CAPPED
        if self._tally.is_disallowed(host):
            return HostStatus.DISALLOWED
        return HostStatus.WALLED if self._tally.is_walled(host) else HostStatus.DONE

    def _waits_for(self, standing: Standing) -> WaitsFor:
        """Say what has to happen next: an answer, links that are read, or a host's turn."""
        states = [self._pace.state(host, standing.clock) for host in self._pace.busy()]
        asked = [state for state in states if state.asking_s is not None]
        if asked:
            longest = max(asked, key=lambda state: (state.asking_s or 0.0, state.host))
            return WaitsFor(Waiting.ANSWER, longest.host, longest.asking_s or 0.0, len(asked))
        if standing.is_reading:
            return WaitsFor(Waiting.LINKS)
        host = next((state.host for state in states), "") or self._survey.next_host
        if not host:
            return WaitsFor(Waiting.NOTHING)
        state = self._pace.state(host, standing.clock)
        if state.paused_s and not state.is_parked:
            return WaitsFor(Waiting.PAUSE, host, state.paused_s, 0, state.pause_s, state.is_pause_named)
        seconds = self._pace.next_slot(host, standing.clock)
        return WaitsFor(Waiting.TURN, host, 0.0 if math.isinf(seconds) else seconds, 0, state.delay_s)


def _waiting(status: HostStatus, askable: int, pending: int, parked: int) -> int:
    if status is HostStatus.PARKED:
        return parked + pending
    return pending if status is HostStatus.CAPPED else askable


def _pending(backlogs: Backlogs) -> int:
    return sum(pending for pending, _ in backlogs.values())


def _ranked(rows: Iterable[HostProgress]) -> tuple[HostProgress, ...]:
    """Return the rows that matter most of each status, statuses in the order of their list."""
    groups: dict[bool | HostStatus, list[HostProgress]] = {}
    for row in rows:
        is_active = row.status in (HostStatus.ASKING, HostStatus.WAITING)
        groups.setdefault(is_active or row.status, []).append(row)
    order: list[bool | HostStatus] = [True, HostStatus.PAUSED, HostStatus.PARKED, *_ENDED, HostStatus.DONE]
    return tuple(row for name in order for row in sorted(groups.get(name, ()), key=_weight)[:MOST_OF_EACH])


def _weight(row: HostProgress) -> tuple[bool, float, str]:
    """Order by: waited for too long, most left to do, name. Both change slowly, so rows stay in place."""
    is_slow = row.status is HostStatus.ASKING and row.seconds > _SLOW_S
    return not is_slow, -row.waiting, row.host


def _pace_s(rows: Iterable[HostProgress]) -> float:
    """Return the least time in which the hosts' own pace lets everything be asked."""
    spacing: Counter[str] = Counter()
    pauses: dict[str, float] = {}
    longest = 0.0
    for row in rows:
        if row.status in (HostStatus.ASKING, HostStatus.WAITING, HostStatus.PAUSED):
            domain = domain_key(row.host)
            spacing_s = row.waiting * row.delay_s
            spacing[domain] += math.ceil(spacing_s)
            pauses[domain] = max(
                pauses.get(domain, 0.0), row.seconds if row.status is HostStatus.PAUSED else 0.0
            )
            longest = max(longest, spacing[domain] + pauses[domain])
    return longest
