"""A second look: conditional, once a round, archived as what it is."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import clonedetect
from clonedetect.archive.custody import read_custody, verify_chain
from clonedetect.archive.record import field_of, read_record
from clonedetect.archive.warc import iterate, read_facts, restore
from clonedetect.case.store import CaseStore
from clonedetect.crawl.crawler import CrawlLimits
from clonedetect.crawl.events import CaptureEvent
from clonedetect.crawl.fetch import Fetcher
from clonedetect.crawl.pace import PaceLimits
from clonedetect.crawl.rounds import Rounds
from clonedetect.models.capture import Outcome, Purpose

OPEN = CrawlLimits(max_depth=10, disk_floor_bytes=0)


@pytest.fixture
def looked_at(case, serve, loopback):
    """A site whose replies carry validators, and a case that holds all of it."""
    site = serve(loopback.with_validators(loopback.small_site(4)))
    case.run(loopback.permits(site.port), [f"{site.base}/p/0"])
    return site


def begin(case, loopback):
    return Rounds(case.store.database).begin(loopback.GRANT, datetime.now(UTC))


def end(case, loopback):
    Rounds(case.store.database).end(loopback.GRANT, datetime.now(UTC))


def path_of(url: str) -> str:
    return "/" + url.partition("//")[2].partition("/")[2]


def by_outcome(case) -> Counter[Outcome]:
    return Counter(capture.outcome for capture in case.store.captures())


def test_what_has_not_changed_is_asked_conditionally_and_is_not_sent_again(case, looked_at, loopback):
    site = looked_at
    first = site.asked.copy()
    assert begin(case, loopback).urls == 9
    summary = case.run(loopback.permits(site.port), [])
    assert summary.outcomes == ((Outcome.NOT_MODIFIED, 9),)
    assert site.asked == Counter({path: 1 + (path != "/robots.txt") for path in first})
    assert site.unchanged == Counter({path: 1 for path in first if path != "/robots.txt"})


def test_a_304_is_a_revisit_record_that_refers_to_what_stands(case, looked_at, loopback):
    begin(case, loopback)
    case.run(loopback.permits(looked_at.port), [])
    captures = list(case.store.captures())
    first = {c.url: c for c in captures if c.outcome is Outcome.OK}
    again = [c for c in captures if c.outcome is Outcome.NOT_MODIFIED]
    assert len(again) == 9
    for capture in again:
        earlier = first[capture.url]
        (hop,) = capture.hops
        header, block = read_record(case.store.folder, hop.response)
        earlier_header, _ = read_record(case.store.folder, earlier.hops[0].response)
        assert field_of(header, "WARC-Type") == "revisit"
        assert (
            field_of(header, "WARC-Profile") == "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
        )
        assert field_of(header, "WARC-Refers-To") == field_of(earlier_header, "WARC-Record-ID")
        assert field_of(header, "WARC-Refers-To-Target-URI") == field_of(earlier_header, "WARC-Target-URI")
        assert field_of(header, "WARC-Refers-To-Date") == field_of(earlier_header, "WARC-Date")
        assert block.startswith(b"HTTP/1.1 304 ")
        assert (capture.refers_to, capture.content_digest) == (earlier.record_id, earlier.content_digest)
        assert case.store.content(capture.record_id) == case.store.content(earlier.record_id)
        assert read_facts(case.store.folder, capture).capture == replace(capture, facts=None)
        restored = restore(case.store.folder, capture, case.store.content(capture.record_id))
        assert restored.exchanges[0].response == block
    files = [str(case.store.folder / name) for name in case.archive.files()]
    check = [sys.executable, "-m", "warcio.cli", "check", *files]
    subprocess.run(check, check=True, capture_output=True)
    verify_chain(case.store.folder / "custody.jsonl")


def test_the_fetcher_itself_leaves_the_same_records(case, serve, loopback):
    site = serve(loopback.with_validators(loopback.small_site(2)))

    async def crawl():
        async with Fetcher(operator="Tests", contact="tests@example.org") as fetcher:
            crawler = case.crawler(loopback.permits(site.port), fetch=fetcher.fetch)
            return await crawler.run([f"{site.base}/p/0"], asyncio.Event())

    replies = {path: reply for path, reply in site.replies.items() if path.endswith(".png")}
    site.replies.update({p: (s, h, b"\x89PNG\r\n\x1a\n" + b) for p, (s, h, b) in replies.items()})
    asyncio.run(crawl())
    begin(case, loopback)
    assert asyncio.run(crawl()).outcomes == ((Outcome.NOT_MODIFIED, 5),)
    asked = [c for c in case.store.captures() if c.outcome is Outcome.NOT_MODIFIED]
    request = read_record(case.store.folder, asked[0].hops[0].request)[1]
    assert b"\r\nIf-None-Match: " in request


def test_what_has_changed_is_recorded_anew_and_its_links_are_followed(case, looked_at, loopback):
    site = looked_at
    changed = loopback.with_validators({"/p/3": loopback.page("/p/new"), "/p/new": loopback.page()})
    site.replies.update(changed)
    begin(case, loopback)
    summary = case.run(loopback.permits(site.port), [])
    assert dict(summary.outcomes) == {Outcome.OK: 2, Outcome.NOT_MODIFIED: 8}
    assert site.asked["/p/new"] == 1


def test_what_gave_no_validator_is_asked_plainly(case, serve, loopback):
    site = serve(loopback.small_site(2))
    case.run(loopback.permits(site.port), [f"{site.base}/p/0"])
    begin(case, loopback)
    assert case.run(loopback.permits(site.port), []).outcomes == ((Outcome.OK, 5),)
    assert not site.unchanged


def test_a_validator_that_came_over_a_redirect_makes_no_condition(case, serve, loopback):
    replies = {"/a": (302, {"Location": "/b"}, b""), "/b": loopback.page()}
    site = serve(loopback.with_validators(replies))
    case.run(loopback.permits(site.port), [f"{site.base}/a"])
    begin(case, loopback)
    assert case.run(loopback.permits(site.port), []).outcomes == ((Outcome.OK, 1),)
    assert not site.unchanged


def test_a_round_that_was_ended_is_followed_by_a_new_one(case, looked_at, loopback):
    permit_for = loopback.permits(looked_at.port)
    for number in (1, 2):
        round_ = begin(case, loopback)
        assert (round_.number, round_.urls, round_.is_new) == (number, 9, True)
        case.run(permit_for, [])
        end(case, loopback)
    assert by_outcome(case) == {Outcome.OK: 10, Outcome.NOT_MODIFIED: 18}


def test_a_round_that_is_open_asks_nothing_twice(case, looked_at, loopback):
    permit_for = loopback.permits(looked_at.port)
    begin(case, loopback)
    stop = asyncio.Event()

    def stop_after_three(event):
        if isinstance(event, CaptureEvent):
            stop.seen = getattr(stop, "seen", 0) + 1
            if stop.seen == 3:
                stop.set()

    slow = PaceLimits(min_delay_s=0.05, per_host=1, backoff_s=0)
    case.run(permit_for, [], stop=stop, on_event=stop_after_three, pace=slow)
    asked = by_outcome(case)[Outcome.NOT_MODIFIED]
    assert 3 <= asked < 9
    resumed = begin(case, loopback)
    assert (resumed.number, resumed.urls, resumed.is_new) == (1, 9 - asked, False)
    case.run(permit_for, [])
    assert begin(case, loopback).urls == 0
    assert max(looked_at.asked.values()) == 2
    assert case.store.contents().not_visited == ()


def test_only_what_this_grant_captured_is_asked_again(case, looked_at, loopback):
    begun = Rounds(case.store.database).begin("another grant", datetime.now(UTC))
    assert begun.urls == 0


def test_caps_count_second_looks(case, looked_at, loopback):
    permit_for = loopback.permits(looked_at.port)
    begin(case, loopback)
    summary = case.run(permit_for, [], limits=replace(OPEN, max_pages=6))
    pages = Counter(c.outcome for c in case.store.captures() if c.purpose is Purpose.PAGE)
    assert pages == {Outcome.OK: 4, Outcome.NOT_MODIFIED: 2}
    assert summary.stopped_by == "max_pages 6 reached"
    assert begin(case, loopback).is_new is False
    unseen = [one.url for one in case.store.contents().not_visited]
    assert [path_of(url) for url in unseen] == ["/private/x"]  # what was seen once is not unseen
    assert summary.not_visited == 1


# Kills


def run(folder: Path, base: str, kill_at: int, *how: str) -> int:
    script = Path(__file__).with_name("loopback.py")
    command = [sys.executable, str(script), str(folder), base, str(kill_at), *how]
    environment = {**os.environ, "PYTHONPATH": str(Path(clonedetect.__file__).parents[1])}
    return subprocess.run(command, check=False, timeout=100, env=environment).returncode


def check_each_once(folder: Path, urls: int) -> None:
    """Every URL is captured once, and once more as unchanged: in database, archive and custody."""
    with CaseStore.read(folder) as store:
        captures = list(store.captures())
    seen = Counter((c.url, c.outcome) for c in captures if c.purpose is not Purpose.ROBOTS)
    assert set(seen.values()) == {1}
    assert Counter(outcome for _, outcome in seen) == {Outcome.OK: urls, Outcome.NOT_MODIFIED: urls}
    archived = [
        field_of(record.header, "WARC-Record-ID")
        for path in sorted((folder / "archive").glob("*.warc.gz"))
        for record in iterate(path)
        if field_of(record.header, "WARC-Type") == "metadata"
    ]
    assert archived == [f"<{c.facts.record_id}>" for c in captures]
    logged = [e.subject.split()[0] for e in read_custody(folder / "custody.jsonl") if e.action == "capture"]
    assert Counter(logged) == Counter(c.facts.record_id for c in captures)


def has_ended(folder: Path) -> bool:
    """Whether the first second look is over, be it that a kill came between that and the program's end."""
    with CaseStore.read(folder) as store:
        return store.database.execute("SELECT count(ended_at) FROM rounds").fetchone()[0] > 0


def kill_second_looks(serve, loopback, tmp_path: Path, *, seed: int, kills: int, pages: int) -> None:
    site = serve(loopback.with_validators(loopback.small_site(pages)))
    folder, chance = tmp_path / "case", random.Random(seed)
    assert run(folder, site.base, 0) == 0
    killed = 0
    while killed < kills and not has_ended(folder):
        if run(folder, site.base, chance.randint(1, 150), "refetch") != -signal.SIGKILL:
            break
        killed += 1
    assert killed >= min(3, kills)
    if not has_ended(folder):
        assert run(folder, site.base, 0, "refetch") == 0
    check_each_once(folder, 2 * pages + 1)


def test_a_second_look_killed_again_and_again_asks_each_once(serve, loopback, tmp_path):
    kill_second_looks(serve, loopback, tmp_path, seed=20261126, kills=4, pages=6)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(6))
def test_second_looks_killed_at_any_step_ask_each_once(seed, serve, loopback, tmp_path):
    kill_second_looks(serve, loopback, tmp_path, seed=seed, kills=30, pages=16)
