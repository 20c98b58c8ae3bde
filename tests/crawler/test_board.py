"""How a run stands: the state of each host, what is waited for, how long it takes, what telling costs."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clonedetect.crawl.board import MOST_OF_EACH, Board, Standing
from clonedetect.crawl.crawler import CrawlLimits
from clonedetect.crawl.events import (
    Budget,
    CaptureEvent,
    HostProgress,
    HostStatus,
    ProgressEvent,
    RefusalEvent,
    Waiting,
)
from clonedetect.crawl.frontier import NewEntry, State
from clonedetect.crawl.pace import Answer, Pace, PaceLimits
from clonedetect.crawl.tally import Tally, host_of
from clonedetect.models.capture import Capture, Outcome, Purpose, RefusalRecord
from clonedetect.models.ids import Digest

NOW = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
BUDGET = Budget(100, 200, 0, 1_000_000, 3600)


class Run:
    """A board over a queue that a test sets, at a time that a test sets."""

    def __init__(
        self, backlogs: dict[str, tuple[int, int]], *, cost_s: float = 0.0, page_cap: int = 9
    ) -> None:
        self.backlogs, self.media = backlogs, dict[str, tuple[int, int]]()
        self.surveys, self.time, self._cost_s = 0, 0.0, cost_s
        self.pace = Pace(PaceLimits(min_delay_s=1))
        self.pages = Counter[str]()
        self.board = Board(
            self.pace, self._read, host_pages=self.pages, page_cap=page_cap, clock=lambda: self.time
        )

    def _read(self, *, only_media: bool = False) -> dict[str, tuple[int, int]]:
        self.surveys += 1
        self.time += self._cost_s
        return self.media if only_media else self.backlogs

    def at(self, clock: float, captures: int = 0, **standing: object) -> ProgressEvent:
        self.time = clock
        return self.board.progress(
            replace(Standing(clock, NOW, captures, BUDGET, is_reading=False), **standing)
        )

    def host(self, name: str, clock: float = 0) -> HostProgress:
        return next(one for one in self.at(clock).hosts if one.host == name)


def capture(
    url: str, outcome: Outcome, *, status: int = 200, purpose: Purpose = Purpose.PAGE
) -> CaptureEvent:
    return CaptureEvent(
        Capture(url, url, purpose, outcome, "", NOW, "g", Digest("sha256:0"), "rule", status=status)
    )


def refusal(url: str, where: str) -> RefusalEvent:
    return RefusalEvent(RefusalRecord(url, Purpose.PAGE, "no", where, NOW))


def test_a_host_is_next_then_asked_then_waits_for_its_turn() -> None:
    run = Run({"a.example": (5, 0)})
    assert (run.host("a.example").status, run.host("a.example").seconds) == (HostStatus.WAITING, 0)
    run.pace.enter("a.example")
    run.pace.start("a.example", 0)
    asked = run.host("a.example", 3)
    assert (asked.status, asked.seconds) == (HostStatus.ASKING, 3)
    run.pace.finish("a.example", 4, Answer(True, False, 2))
    run.pace.leave("a.example")
    waits = run.host("a.example", 4)
    assert waits.status is HostStatus.WAITING
    assert (waits.seconds, waits.delay_s, waits.waiting) == (1.5, 1.5, 5), "from the end of the last request"


@pytest.mark.parametrize(("named", "pause_s"), [(120.0, 120.0), (None, 30.0)], ids=["Retry-After", "ours"])
def test_a_paused_host_tells_whose_pause_it_is(named: float | None, pause_s: float) -> None:
    run = Run({"a.example": (5, 0)})
    run.board.note(capture("https://a.example/", Outcome.RATE_LIMITED, status=429))
    run.pace.finish("a.example", 10, Answer(False, True, 1, named))
    found = run.host("a.example", 20)
    assert (found.status, found.seconds, found.pause_s) == (HostStatus.PAUSED, pause_s - 10, pause_s)
    assert (found.is_pause_named, found.status_code, found.walls) == (named is not None, 429, 1)
    waits = run.at(20).waits_for
    assert (waits.what, waits.host, waits.seconds) == (Waiting.PAUSE, "a.example", pause_s - 10)
    assert (waits.whole_s, waits.is_pause_named) == (pause_s, named is not None)


def test_a_parked_host_tells_when_it_may_be_asked_again_and_what_is_set_aside() -> None:
    run = Run({"a.example": (0, 7)})
    run.pace.pause("a.example", 0, 7200, is_named=True)
    found = run.host("a.example", 600)
    assert (found.status, found.waiting) == (HostStatus.PARKED, 7)
    assert found.until == NOW + timedelta(seconds=6600)
    assert run.at(600).waits_for.what is Waiting.NOTHING


def test_hosts_that_give_nothing_are_told_apart() -> None:
    run = Run({"open.example": (1, 0)}, page_cap=3)
    run.board.note(capture("https://shut.example/robots.txt", Outcome.OK, purpose=Purpose.ROBOTS))
    run.board.note(refusal("https://shut.example/", "robots"))
    run.board.note(capture("https://wall.example/", Outcome.CHALLENGE_PAGE, status=403))
    run.board.note(capture("https://full.example/", Outcome.OK))
    run.board.note(capture("https://done.example/", Outcome.OK))
    run.pages["full.example"] = 3
    event = run.at(1)
    assert dict(event.totals) == {
        HostStatus.WAITING: 1,
        HostStatus.CAPPED: 1,
        HostStatus.DISALLOWED: 1,
        HostStatus.WALLED: 1,
        HostStatus.DONE: 1,
    }
    assert [one.host for one in event.hosts] == [
        "open.example",
        "full.example",
        "shut.example",
        "wall.example",
    ]


def test_pages_beyond_the_grants_are_no_work_that_is_left() -> None:
    run = Run({"a.example": (50, 0), "b.example": (9, 0)})
    run.media = {"b.example": (4, 0)}
    event = run.at(1, budget=replace(BUDGET, pages_left=0))
    assert (event.pending, event.beyond_cap) == (4, 55)
    assert {one.host: (one.status, one.waiting) for one in event.hosts} == {
        "b.example": (HostStatus.WAITING, 4),
        "a.example": (HostStatus.CAPPED, 50),
    }


def test_the_host_that_is_asked_longest_is_named() -> None:
    run = Run({"a.example": (5, 0), "b.example": (5, 0)})
    for host, began in (("b.example", 0), ("a.example", 7)):
        run.pace.enter(host)
        run.pace.start(host, began)
    waits = run.at(8).waits_for
    assert (waits.what, waits.host, waits.seconds, waits.hosts) == (Waiting.ANSWER, "b.example", 8, 2)
    assert run.at(8).hosts[0].host == "b.example"


def test_reading_links_is_what_is_waited_for_where_nobody_is_asked() -> None:
    assert Run({}).at(1, is_reading=True).waits_for.what is Waiting.LINKS


def test_the_time_left_is_that_of_the_slowest_domain_or_of_all_together() -> None:
    run = Run({"a.example": (10, 0), "www.a.example": (5, 0), "b.example": (2, 0)})
    run.pace.honour_crawl_delay("www.a.example", 20)
    assert run.at(0).left_s == 110
    assert run.at(10, captures=1).left_s == pytest.approx(170)  # 17 at one in ten seconds
    assert Run({}).at(5).left_s == 0


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    run = Run({"a.example": (10, 0)})
    for second in range(61):
        event = run.at(second, captures=min(second, 31) * 10)
    assert event.rate == 0
    assert run.at(61, captures=339).rate == pytest.approx(1.0, abs=0.1)


def test_the_grants_pages_are_used_up_at_the_rate_of_pages_alone() -> None:
    run = Run({"a.example": (10, 0)})
    assert run.at(0, budget=replace(BUDGET, pages_left=100)).pages_s is None
    assert run.at(10, captures=50, budget=replace(BUDGET, pages_left=80)).pages_s == 40


def test_looking_at_every_host_takes_a_hundredth_of_the_run() -> None:
    run = Run({f"h{number}.example": (1, 0) for number in range(300)}, cost_s=0.05)
    for tick in range(100):
        run.at(tick)
    assert 18 <= run.surveys <= 21


def test_rows_are_bounded_however_many_hosts_there_are() -> None:
    run = Run({f"h{number}.example": (number, 0) for number in range(1, 3000)})
    event = run.at(1)
    assert len(event.hosts) == MOST_OF_EACH
    assert event.hosts[0].waiting == 2999
    assert dict(event.totals) == {HostStatus.WAITING: 2999}
    assert event.pending == sum(range(1, 3000))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://a.example./x", "a.example"),
        ("http://127.0.0.1:8081/", "127.0.0.1:8081"),
        ("http://127.0.0.1/", "127.0.0.1:80"),
        ("https://[::1]/", "::1:443"),
        ("http://[bad", ""),
        ("http://a.example:99999999/", ""),
    ],
)
def test_hosts_of_urls_are_those_of_the_pace(url: str, host: str) -> None:
    assert host_of(url) == host


def test_what_is_refused_of_hosts_that_are_never_asked_is_not_kept() -> None:
    tally = Tally()
    for number in range(100):
        tally.note(refusal(f"https://h{number}.example/", "enqueue"))
    tally.of("h1.example")
    assert list(tally.hosts()) == []


def test_backlogs_count_what_waits_and_what_is_set_aside(case) -> None:
    case.frontier.enqueue(
        [
            NewEntry("https://a.example/", Purpose.PAGE, "a.example"),
            NewEntry("https://a.example/i", Purpose.MEDIA, "a.example"),
            NewEntry("https://a.example/d", Purpose.PAGE, "a.example", state=State.SKIPPED),
            NewEntry("https://b.example/", Purpose.PAGE, "b.example"),
        ]
    )
    case.frontier.park("b.example", 9e9, "b.example is parked")
    assert case.frontier.backlogs() == {"a.example": (2, 0), "b.example": (0, 1)}
    assert case.frontier.backlogs(only_media=True) == {"a.example": (1, 0)}


def test_a_run_tells_how_it_stands_while_it_only_waits(case, serve, loopback) -> None:
    site = serve({"/p/0": loopback.page("/p/1"), "/p/1": (429, {"Retry-After": "2"}, b"")})
    stop = asyncio.Event()
    told: list[ProgressEvent] = []

    def on_event(event: object) -> None:
        if isinstance(event, ProgressEvent):
            told.append(event)
            if event.waits_for.what is Waiting.PAUSE:
                stop.set()

    limits = CrawlLimits(max_pages=50, disk_floor_bytes=0)
    case.run(loopback.permits(site.port), [f"{site.base}/p/0"], on_event=on_event, stop=stop, limits=limits)
    paused = next(one for one in told if one.waits_for.what is Waiting.PAUSE)
    assert paused.waits_for.is_pause_named
    (host,) = paused.hosts
    assert (host.host, host.status, host.ok, host.walls) == (
        f"127.0.0.1:{site.port}",
        HostStatus.PAUSED,
        1,
        1,
    )
    assert paused.budget is not None
    assert (paused.budget.max_pages, paused.budget.pages_left) == (50, 48)
    assert paused.budget.wire_bytes > 0
    assert told[-1].stopped_by == "stopped by the operator"
