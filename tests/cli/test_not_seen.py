"""What a scan did not see is named with its reason, counted once, and never passes for clear."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from clonedetect.analysis.gaps import gaps_of
from clonedetect.case.store import CaseStore
from clonedetect.cli.unseen import gap_row, not_seen, page_counts
from clonedetect.models.capture import Capture, Outcome, Purpose, RefusalRecord
from clonedetect.models.case import CaseContents, HostPause, NotVisited
from clonedetect.models.gap import Gap, GapKind
from clonedetect.models.ids import Digest
from clonedetect.models.match import Verdict
from clonedetect.models.verdict import PageVerdict
from tests.jobs.playground import HTML, copy_page

ROOT = "http://clone.example/"
NOW = datetime(2026, 11, 3, 9, 30, 20, tzinfo=UTC)
SHELL = b'<html><body><div id="root"></div>' + b"<script>var a = 1;</script>" * 20 + b"</body></html>"
CHALLENGE = b"<html><title>Just a moment...</title><script src='/cdn-cgi/challenge-platform/x.js'></script>"


def contents(**parts: tuple[object, ...]) -> CaseContents:
    names = (
        "grants captures refusals not_visited analyses verdicts findings references decisions archive_files"
    )
    return CaseContents("C", False, **{name: parts.get(name, ()) for name in names.split()})


def capture(url: str, outcome: Outcome, *, purpose: Purpose = Purpose.PAGE, minute: int = 0) -> Capture:
    at = NOW + timedelta(minutes=minute)
    return Capture(url, url, purpose, outcome, "", at, "g", Digest("sha256:0"), "rule")


def refusal(
    url: str, where: str, reason: str = "no", *, purpose: Purpose = Purpose.PAGE, parent: str | None = ROOT
):
    return RefusalRecord(url, purpose, reason, where, NOW, parent)


def told(case: CaseContents, *pauses: HostPause) -> list[tuple[GapKind, int]]:
    return [(gap.kind, gap.count) for gap in gaps_of(case, pauses, NOW)]


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.OK, Outcome.NOT_MODIFIED}))
def test_every_outcome_but_a_whole_answer_is_a_gap_with_words_of_its_own(outcome: Outcome) -> None:
    (gap,) = gaps_of(contents(captures=(capture(ROOT, outcome),)), (), NOW)
    assert (gap.count, gap.examples) == (1, (ROOT,))
    assert gap.kind is not GapKind.OTHER or outcome is Outcome.NOT_VISITED


def test_the_last_answer_counts_and_robots_txt_is_no_content() -> None:
    captures = (
        capture(ROOT, Outcome.TIMEOUT),
        capture(ROOT, Outcome.OK, minute=1),
        capture(f"{ROOT}a", Outcome.OK),
        capture(f"{ROOT}a", Outcome.GONE, minute=1),
        capture(f"{ROOT}robots.txt", Outcome.GONE, purpose=Purpose.ROBOTS),
    )
    assert told(contents(captures=captures)) == [(GapKind.GONE, 1)]


def test_refusals_are_told_by_what_they_keep_from_us() -> None:
    refusals = (
        refusal("http://seed.example/", "enqueue", parent=None),
        refusal("http://else.example/", "enqueue"),
        refusal("http://else.example/", "dequeue"),
        refusal("http://img.example/1.jpg", "enqueue", purpose=Purpose.MEDIA),
        refusal(f"{ROOT}private", "robots"),
        refusal(f"{ROOT}late", "dequeue", "the grant ended at 2026-11-03T09:00:00Z"),
        refusal("http://away.example/", "redirect"),
        refusal("http://inside.example/", "socket"),
        refusal(f"{ROOT}later", "enqueue"),
    )
    case = contents(refusals=refusals, captures=(capture(f"{ROOT}later", Outcome.OK),))
    assert told(case) == [
        (GapKind.SEED, 1),
        (GapKind.ROBOTS, 1),
        (GapKind.MEDIA, 1),
        (GapKind.GRANT_END, 1),
        (GapKind.LINK, 1),
    ]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("deeper than max_depth 3", GapKind.TOO_DEEP),
        ("more than 1000 pages of clone.example", GapKind.HOST_CAP),
        ("video is not examined", GapKind.VIDEO),
        ("max_pages 400 reached", GapKind.PAGE_CAP),
        ("max_bytes 2000 reached", GapKind.BYTES),
        ("run_time_s 14400 reached", GapKind.TIME),
        ("disk_full: less than 5 bytes are free", GapKind.DISK),
        ("the grant ended at 2026-11-03T09:00:00Z", GapKind.GRANT_END),
        ("stopped by the operator", GapKind.INTERRUPTED),
        ("clone.example answered 429 and asked to wait 7200 s", GapKind.PARKED_HOST),
        ("clone.example asked to wait 7200 s", GapKind.PARKED_HOST),
        ("clone.example is parked", GapKind.PARKED_HOST),
        ("fetching http://clone.example/ failed: ValueError: x", GapKind.DEFECT),
        ("known, and not asked for when the run ended", GapKind.QUEUED),
        ("worded by another version", GapKind.QUEUED),
    ],
)
def test_why_a_url_was_never_asked_is_read_off_its_record(reason: str, kind: GapKind) -> None:
    assert told(contents(not_visited=(NotVisited(ROOT, reason),))) == [(kind, 1)]


def test_pages_tell_what_captures_cannot() -> None:
    page = PageVerdict(
        ROOT,
        Verdict.INCONCLUSIVE,
        not_examined=(
            ("shown by scripts only", 1),
            ("the picture decoder was stopped: timeout", 2),
            ("no usable picture: not an image", 3),
            ("too many media", 40),
            ("frame: not captured", 1),
            ("not captured", 9),
            ("video", 9),
            ("picture: timeout", 9),
            ("too little to tell", 9),
        ),
    )
    assert told(contents(verdicts=(page,))) == [
        (GapKind.RENDERING, 1),
        (GapKind.STOPPED_PARSER, 2),
        (GapKind.UNREADABLE, 3),
        (GapKind.CUT, 40),
        (GapKind.FRAME, 1),
    ]


def test_hosts_that_sent_us_away_are_named_with_the_minute_from_which_they_may_be_asked() -> None:
    case = contents(not_visited=(NotVisited(ROOT, "clone.example is parked"),))
    pauses = [
        HostPause("later.example", NOW + timedelta(days=1)),
        HostPause("over.example", NOW - timedelta(minutes=1)),
        HostPause("clone.example", NOW + timedelta(hours=2)),
    ]
    (gap,) = gaps_of(case, pauses, NOW)
    assert gap.next_steps == (
        "run again after 11:31 UTC: clone.example",
        "run again after 04 Nov 09:31 UTC: later.example",
    )
    (over,) = gaps_of(case, pauses[1:2], NOW)
    assert over.next_steps == ("run the same command again: the pauses of parked hosts are over",)
    many = [HostPause(f"h{n}.example", NOW + timedelta(hours=n)) for n in range(1, 9)]
    (gap,) = gaps_of(case, many, NOW)
    assert gap.next_steps[-1] == "5 hosts more may be asked later, the last after 17:31 UTC"


def test_media_hosts_are_named_with_what_a_grant_for_them_would_show() -> None:
    urls = [f"http://img.example/{n}.jpg" for n in range(12)] + ["http://one.example/x.jpg"]
    refusals = tuple(refusal(url, "enqueue", purpose=Purpose.MEDIA) for url in urls)
    (gap,) = gaps_of(contents(refusals=refusals), (), NOW)
    assert gap.count == 13
    assert gap.examples == tuple(urls[:3])
    assert gap.next_steps == (
        "grant media host img.example to see 12 pictures",
        "grant media host one.example to see 1 picture",
    )


def test_clear_pages_stand_apart_from_those_that_could_not_be_seen() -> None:
    counts = [(Verdict.CONFIRMED, 2), (Verdict.POSSIBLE, 0), (Verdict.NONE, 3), (Verdict.INCONCLUSIVE, 4)]
    assert page_counts(counts, 5) == (
        "2 of 9 confirmed, 3 looked at whole and clear (none), "
        "4 not seen whole or too little to tell (inconclusive), 5 not judged yet"
    )
    assert page_counts([], 0) == "0"


def shown(gaps: list[Gap], width: int, unjudged: int = 0) -> str:
    console = Console(width=width, file=io.StringIO(), highlight=False)
    for part in not_seen(gaps, unjudged, width):
        console.print(part)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_summary_fits_and_keeps_every_word(width: int) -> None:
    step = "run again after 14:05 UTC: " + "long." * 20 + "example"
    gaps = [
        Gap(GapKind.WALL, "pages", "behind a login", 1_234_567, ("https://" + "x" * 200,), (step,)),
        Gap(GapKind.LINK, "links", "that the grant does not allow", 3, ("http://a.example/\x1b[2J\u202e",)),
    ]
    text = shown(gaps, width, unjudged=7)
    assert all(len(line) <= width for line in text.splitlines())
    assert "\x1b" not in text
    assert "\u202e" not in text
    joined = "".join(text.split())
    assert "1,234,567" in joined
    assert "".join(step.split()) in joined
    assert "7pagesnotjudgedyet" in joined
    assert ("⟨U+001B⟩" in text) == (width >= 80)


def test_nothing_is_said_where_nothing_is_missing() -> None:
    assert shown([], 80) == ""


def test_a_program_gets_each_reason_with_its_first_addresses() -> None:
    gap = Gap(GapKind.WALL, "pages", "behind a login", 4, ("http://a.example/",), ("do this",))
    assert gap_row(gap) == {
        "kind": "wall",
        "reason": "pages behind a login",
        "count": 4,
        "examples": ("http://a.example/",),
        "next": ("do this",),
    }


def _replies(platform) -> dict[str, object]:
    links = "".join(f'<a href="/{name}">{name}</a>' for name in ("challenge", "login", "gone", "shell"))
    more = "".join(
        f'<a href="http://{host}/">x</a>' for host in ("shut.example", "park.example", "else.example")
    )
    media = '<img src="http://cdn.example/1.jpg"><img src="/broken.jpg"><video src="/v.mp4"></video>'
    first = f"<html><body><p>Hello there</p>{links}{more}{media}<a href='/deep'>d</a></body></html>"
    return {
        ROOT: first.encode(),
        f"{ROOT}challenge": (403, HTML, CHALLENGE),
        f"{ROOT}login": (401, HTML, b"log in"),
        f"{ROOT}shell": SHELL,
        f"{ROOT}broken.jpg": (200, "image/jpeg", b"\xff\xd8\xff\xe0" + b"\x00" * 400),
        f"{ROOT}deep": copy_page("p-1001", "/deep.jpg") + b"<a href='/deeper'>d</a>",
        f"{ROOT}deep.jpg": (200, "image/jpeg", platform.picture("p-1001")),
        "http://shut.example/robots.txt": (200, "text/plain", b"User-agent: *\nDisallow: /\n"),
        "http://park.example/": (429, HTML, b"go away"),
    }


@pytest.fixture
def scanned(serve, scene, platform):
    """A scan of a site that has one of everything that cannot be seen."""
    web = serve(_replies(platform))
    prepared = scene(
        web, "clone.example", "shut.example", "park.example", limits="max_depth = 1\nrun_time_s = 4"
    )
    return prepared, prepared.scan(ROOT)


def test_a_scan_names_each_kind_of_unseen_thing_for_a_program(scanned) -> None:
    prepared, ended = scanned
    assert ended.code == 0, ended.err
    found = {(row["kind"], row["reason"]): row for row in ended.summary["not_seen"]}
    kinds = {kind for kind, _ in found}
    assert kinds >= {
        "wall",
        "robots",
        "rendering",
        "unreadable",
        "media",
        "video",
        "max_depth",
        "link",
        "gone",
    }
    walls = {reason: row["examples"] for (kind, reason), row in found.items() if kind == "wall"}
    assert walls["pages behind a challenge page"] == [f"{ROOT}challenge"]
    assert walls["pages behind a login"] == [f"{ROOT}login"]
    assert walls["pages rate limited: asked to slow down"] == ["http://park.example/"]
    media = found["media", "pictures that the grant does not allow"]
    assert media["next"] == ["grant media host cdn.example to see 1 picture"]
    assert found["max_depth", "addresses deeper than max_depth 1"]["examples"] == [f"{ROOT}deeper"]
    verdicts = ended.summary["verdicts"]
    assert verdicts["confirmed"] == 1
    assert verdicts["none"] == 0
    assert verdicts["inconclusive"] >= 6
    with CaseStore.read(prepared.case) as store:
        assert sum(verdicts.values()) == len(store.contents().verdicts)


def test_a_scan_names_them_for_a_person(scanned, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared, _ = scanned
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("clonedetect.cli.scan.wants_json", lambda _: False)
    out = prepared.scan("--analyse-only").out
    assert "Not seen, and why" in out
    assert "pages behind a login" in out
    assert "What may be done" in out
    assert "grant media host cdn.example to see 1 picture" in out
    assert "(inconclusive)" in out
    assert "(none)" not in out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_what_was_only_captured_waits_for_a_judgement(serve, scene, platform, tmp_path: Path) -> None:
    prepared = scene(serve({ROOT: b"<html><body><p>Only words</p></body></html>"}))
    ended = prepared.scan("--crawl-only", ROOT)
    assert ended.summary["not_judged"] == 1
    assert set(ended.summary["verdicts"].values()) == {0}
    assert prepared.scan("--analyse-only").summary["not_judged"] == 0
