"""How a scan stands, drawn: every line fits, says its state in words, and foreign names do no harm."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from clonedetect.analysis.page import PageAnalysis
from clonedetect.cli.crawl_view import crawl_view, state_of, wait_sentence
from clonedetect.cli.judging_view import Judged, judging_line, judging_view
from clonedetect.cli.lines import cell, count, fitting, room, size, span
from clonedetect.cli.live import LiveView
from clonedetect.crawl.events import (
    Budget,
    HostProgress,
    HostStatus,
    ProgressEvent,
    Waiting,
    WaitsFor,
)
from clonedetect.jobs.analysing import PageDone
from clonedetect.jobs.scanning import StepEvent
from clonedetect.models.match import Verdict
from clonedetect.models.verdict import PageVerdict

PARKED_UNTIL = datetime(2026, 11, 3, 14, 5, tzinfo=UTC)
HOSTS = (
    HostProgress("clone.example", HostStatus.ASKING, 0.3, 1.0, 340, ok=120, walls=1, refused=3),
    HostProgress("slow.example", HostStatus.ASKING, 12.0, 1.0, 40, ok=20),
    HostProgress("other.example", HostStatus.WAITING, 0.8, 1.0, 12, ok=2, errors=1),
    HostProgress("idle.example", HostStatus.WAITING, 0.0, 1.0, 12),
    HostProgress(
        "rate.example", HostStatus.PAUSED, 42, 1.0, 9, pause_s=120, is_pause_named=True, status_code=429
    ),
    HostProgress("park.example", HostStatus.PARKED, 7200, 1.0, 5, until=PARKED_UNTIL),
    HostProgress("full.example", HostStatus.CAPPED, pages=1000),
    HostProgress("shut.example", HostStatus.DISALLOWED, refused=4),
    HostProgress("wall.example", HostStatus.WALLED, walls=7),
)
EVENT = ProgressEvent(
    captures=1234,
    pending=5678,
    rate=3.2,
    hosts=HOSTS,
    totals=(
        (HostStatus.ASKING, 2),
        (HostStatus.DONE, 12),
        (HostStatus.PAUSED, 31),
        (HostStatus.WAITING, 250),
    ),
    budget=Budget(266, 1500, 800_000_000, 2_000_000_000, 11_100, 432_000),
    waits_for=WaitsFor(Waiting.PAUSE, "rate.example", 42, 0, 120, True),
    left_s=1740,
)


def drawn(view: RenderableType, width: int = 80) -> list[str]:
    """Return the lines of a view on a terminal, as they stand there."""
    console = Console(
        width=width, file=io.StringIO(), force_terminal=True, color_system=None, highlight=False
    )
    console.print(view)
    return console.file.getvalue().splitlines()


def hostile(name: str) -> ProgressEvent:
    hosts = (HostProgress(name, HostStatus.WAITING, 1, 1, 1), HostProgress(name, HostStatus.CAPPED))
    waits = WaitsFor(Waiting.TURN, name, 1, 0, 1)
    return ProgressEvent(1, 1, 1, hosts, waits_for=waits, budget=EVENT.budget, stopped_by=name)


def test_a_crawl_at_eighty_columns() -> None:
    assert drawn(crawl_view(EVENT, 80, 24)) == [
        "1,234 captured, 5,678 waiting, 3.2 a second, about 29 min for what is known",
        "left: 266 of 1,500 pages, 1.2 of 2.0 GB, run 3 h 05 min, grant 5 days",
        "waiting for rate.example: it asked for 120 s, 42 s are left",
        "",
        "host                  state                            ok wall err ref   left",
        "clone.example         asking                          120    1   0   3    340",
        "slow.example          asking for 12 s                  20    0   0   0     40",
        "other.example         waits 0.8 of 1.0 s                2    0   1   0     12",
        "idle.example          next                              0    0   0   0     12",
        "rate.example          paused 42 s: 429 Retry-After      0    0   0   0      9",
        "park.example          parked until 14:05 UTC            0    0   0   0      5",
        "full.example          cap of 1,000 pages reached        0    0   0   0      0",
        "shut.example          robots.txt allows none of it      0    0   0   4      0",
        "wall.example          gave nothing but walls            0    7   0   0      0",
        "other hosts: 248 asked in turn, 30 paused, 12 done",
    ]


@pytest.mark.parametrize("height", [4, 12, 24, 80])
@pytest.mark.parametrize("width", [1, 20, 40, 60, 66, 79, 80, 99, 100, 200])
@pytest.mark.parametrize(
    "event", [EVENT, hostile("x" * 300), hostile("界" * 90)], ids=["usual", "long", "wide"]
)
def test_every_line_fits_and_so_does_the_view(event: ProgressEvent, width: int, height: int) -> None:
    lines = drawn(crawl_view(event, width, height), width)
    assert len(lines) < height
    assert all(cell_len(line) <= max(1, width - 3) for line in lines)
    if width < 60 or height < 12:
        assert len(lines) == 1


def test_narrow_terminals_keep_what_matters() -> None:
    assert drawn(crawl_view(EVENT, 60, 24), 60)[4:6] == [
        "host           state                            ok   left",
        "clone.example  asking                          120    340",
    ]
    assert drawn(crawl_view(EVENT, 50, 24), 50) == ["1,234 captured, 5,678 waiting; paused 42 s"]
    assert drawn(crawl_view(EVENT, 100, 10), 100) == [
        "1,234 captured, 5,678 waiting; waiting for rate.example: it asked for 120 s, 42 s are left"
    ]


def test_half_of_the_rows_stay_for_hosts_that_are_asked() -> None:
    many = tuple(HostProgress(f"a{n}.example", HostStatus.WAITING) for n in range(16))
    many += tuple(HostProgress(f"p{n}.example", HostStatus.PAUSED, 9, status_code=503) for n in range(16))
    lines = drawn(crawl_view(ProgressEvent(1, 1, 1, many), 80, 18))
    assert [sum(line.startswith(letter) and "example" in line for line in lines) for letter in "ap"] == [5, 5]


@pytest.mark.parametrize(
    "name", ["\x1b[2Jx.example", "\u202eelpmaxe.evil", "a\nb\tc.example", "[bold]x[/red].example", "\x07"]
)
def test_hostile_names_steer_no_terminal(name: str) -> None:
    text = "\n".join(drawn(crawl_view(hostile(name), 80, 24)))
    assert not any(code in text for code in ("\x1b", "\u202e", "\x07", "\t"))
    assert len(text.splitlines()) == 7
    if "[bold]" in name:
        assert name in text


@pytest.mark.parametrize(
    ("host", "state"),
    [
        (HostProgress("h", HostStatus.PAUSED, 12, pause_s=30, status_code=503), "paused 12 s: answered 503"),
        (HostProgress("h", HostStatus.PAUSED, 12, pause_s=30), "paused 12 s: as told before"),
        (HostProgress("h", HostStatus.WAITING, 212, 300.0), "waits 4 min of 5 min"),
        (HostProgress("h", HostStatus.PARKED, 90_000, until=PARKED_UNTIL), "parked until 03 Nov 14:05 UTC"),
        (HostProgress("h", HostStatus.PARKED), "parked"),
        (HostProgress("h", HostStatus.CAPPED, waiting=5), "kept back by max_pages"),
        (HostProgress("h", HostStatus.DONE), "done"),
    ],
)
def test_states_are_words(host: HostProgress, state: str) -> None:
    assert state_of(host) == state
    assert cell_len(state) <= 29


@pytest.mark.parametrize(
    ("waits_for", "sentence"),
    [
        (WaitsFor(Waiting.ANSWER, "a.example", 0.4, 1), "asking a.example"),
        (WaitsFor(Waiting.ANSWER, "a.example", 12, 1), "asking a.example for 12 s"),
        (WaitsFor(Waiting.ANSWER, "a.example", 1, 7), "asking 7 hosts"),
        (WaitsFor(Waiting.ANSWER, "a.example", 9, 7), "asking 7 hosts, a.example for 9.0 s"),
        (WaitsFor(Waiting.TURN, "a.example", 1, 0, 2), "waiting for a.example: it is asked once in 2.0 s"),
        (
            WaitsFor(Waiting.PAUSE, "a.example", 12, 0, 30),
            "waiting for a.example: we pause 30 s, 12 s are left",
        ),
        (WaitsFor(Waiting.LINKS), "reading links"),
        (WaitsFor(Waiting.NOTHING), "nothing is left to ask"),
    ],
)
def test_what_is_waited_for_is_one_sentence(waits_for: WaitsFor, sentence: str) -> None:
    assert wait_sentence(waits_for) == sentence
    assert wait_sentence(waits_for, "max_bytes 5 reached") == "ending: max_bytes 5 reached"


def test_the_cap_that_comes_before_the_work_is_done_is_named() -> None:
    def first(**budget: float) -> str:
        pages_s = budget.pop("pages_s", None)
        event = ProgressEvent(1, 9, 1, budget=Budget(1, 1, 0, 1, **budget), left_s=600, pages_s=pages_s)
        return drawn(crawl_view(event, 80, 24))[0]

    assert "run_time_s comes first, in 5 min" in first(run_s=300, grant_s=400)
    assert "the grant's end comes first, in 60 s" in first(run_s=300, grant_s=60)
    assert "max_pages comes first, in 8.0 s" in first(run_s=300, pages_s=8)
    assert "about 10 min for what is known" in first(run_s=3000, pages_s=700)


def test_times_counts_and_sizes_are_short() -> None:
    assert [span(s) for s in (0.04, 9.9, 42, 120, 121, 7199, 200_000)] == [
        *("0.0 s", "9.9 s", "42 s", "120 s", "2 min", "2 h 00 min", "2 days")
    ]
    assert [count(n, 5) for n in (0, 9999, 10_000, 123_456, 12_345_678)] == [
        "0",
        "9,999",
        "10k",
        "123k",
        "12M",
    ]
    assert (size(1_200_000), size(2_000_000_000)) == ("1.2 MB", "2.0 GB")
    assert cell("abc.example", 6, keeps_end=True) == "…ample"
    assert cell("abc", 5, is_right=True) == "  abc"
    assert fitting(("one", "", "two", "three"), 9) == "one, two"
    assert [room(width) for width in (1, 80, 500)] == [1, 77, 117]


def judged(**counts: int) -> Judged:
    return Judged(began=0, last=10, **counts)


def test_an_analysis_at_eighty_columns() -> None:
    seen = judged(pages=21, total=41, confirmed=3, possible=2, none=10, inconclusive=6, stopped=1)
    assert drawn(judging_view(seen, 18, 80, 24)) == [
        "judged page 21 of 41, 2.0 a second, about 10 s left, on this page for 8.0 s",
        "findings so far: 3 confirmed, 2 possible",
        "pages without: 10 looked at whole (none), 6 not seen whole (inconclusive)",
        "1 times a worker was stopped on hostile input",
    ]
    assert len(drawn(judging_view(seen, 18, 40, 24), 40)) == 1
    assert judging_line(judged(pages=1, total=9), 11, 30) == "judged page 1 of 9"


def test_pages_are_counted_by_what_was_said_of_them() -> None:
    def done(verdict: Verdict, *reasons: tuple[str, int]) -> PageDone:
        page = PageVerdict("http://a.example/", verdict, not_examined=reasons)
        return PageDone(PageAnalysis(page, ()), 1, 3)

    so_far = Judged(0, 0).after(done(Verdict.NONE), 1)
    so_far = so_far.after(done(Verdict.INCONCLUSIVE, ("the parser was stopped: timeout", 2), ("video", 5)), 2)
    assert (so_far.none, so_far.inconclusive, so_far.stopped, so_far.last) == (1, 1, 2, 2)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _console(file: io.StringIO, **options: object) -> Console:
    environment = {"TERM": str(options.pop("term", "xterm")), "COLUMNS": "80", "LINES": "24"}
    return Console(file=file, _environ=environment, **options)


@pytest.mark.parametrize(
    ("file", "options", "is_shown"),
    [(io.StringIO(), {}, True), (_Terminal(), {"quiet": True}, True), (_Terminal(), {}, False)],
    ids=["no terminal", "quiet", "not wanted"],
)
def test_nothing_is_drawn_where_nobody_looks(file: io.StringIO, options: dict, is_shown: bool) -> None:
    with LiveView(_console(file, **options), is_shown=is_shown) as view:
        view.tell(EVENT)
        assert view.standing == "1,234 captured, 5,678 waiting"
    assert file.getvalue() == ""


def test_the_view_is_gone_at_the_end_and_the_cursor_is_back() -> None:
    file = _Terminal()
    with LiveView(_console(file), is_shown=True) as view:
        view.tell(StepEvent("opening the index"))
        view.tell(EVENT)
    text = file.getvalue()
    assert "1,234 captured" in text
    assert text.rstrip().endswith("\x1b[2K")
    assert text.index("\x1b[?25l") < text.index("1,234 captured") < text.index("\x1b[?25h")


def test_a_terminal_that_cannot_move_its_cursor_gets_a_line_now_and_then(monkeypatch) -> None:
    now = 0.0
    monkeypatch.setattr("clonedetect.cli.live.time.monotonic", lambda: now)
    file = _Terminal()
    with LiveView(_console(file, term="dumb"), is_shown=True) as view:
        for now in (1.0, 31.0, 45.0, 62.0):  # noqa: B007  the clock's value
            view.tell(EVENT)
    assert file.getvalue().count("1,234 captured, 5,678 waiting") == 2
    assert "\x1b" not in file.getvalue()
