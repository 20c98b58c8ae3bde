"""Captures bound in time when they are made, and authorities that are down meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time

import pytest

from clonedetect.archive.custody import CustodyLog, read_custody, verify_chain
from clonedetect.errors import VerificationError
from clonedetect.evidence.verify import verify
from clonedetect.jobs.scanning import ScanRequest, scan
from clonedetect.timestamp.custody import CustodyStamp
from tests.jobs.playground import NOW, command
from tests.timestamp.authority import authority, new_authority

__all__ = ["authority", "new_authority"]

ROOT = "http://clone.example/"
PAGES = {ROOT: b"<html><body><p>nothing of anybody's</p></body></html>", f"{ROOT}2": b"<p>a second page</p>"}


@pytest.fixture
def walk(scene, serve):
    """A scene whose two pages can be crawled."""
    return scene(serve(PAGES))


def crawl(walk, authority, *seeds: str):
    given = ("--tsa", authority.url, "--tsa-roots", authority.roots)
    return walk.scan(*(seeds or (ROOT,)), "--crawl-only", *given, "--json")


def acts(walk, action: str) -> list:
    return [one for one in read_custody(walk.case / "custody.jsonl") if one.action == action]


def test_at_the_end_of_a_crawl_custody_is_timestamped_and_the_package_proves_it(walk, authority):
    done = crawl(walk, authority)
    assert done.code == 0, done.err
    (line,) = acts(walk, "timestamped")
    stamp = CustodyStamp.parse(line.subject)
    assert stamp.length == line.seq - 1
    assert stamp.head == f"sha256:{line.prev}"
    assert stamp.length >= acts(walk, "capture")[-1].seq
    assert done.summary["not_timestamped"] == []
    assert command("export", walk.case, walk.folder / "out").code == 0
    report = verify(walk.folder / "out", roots=authority.roots.read_bytes())
    assert report.exit_code == 0
    told = {check.name: check for check in report.checks}
    assert told["captures in time"].result.value == "passed"
    assert told["timestamp roots"].result.value == "passed"
    shell = subprocess.run(
        ["sh", "verify.sh"], cwd=walk.folder / "out", capture_output=True, text=True, check=False
    )
    assert shell.returncode == 0, shell.stdout
    assert f"custody up to line {stamp.length}, by {authority.url}" in shell.stdout


def test_what_has_been_timestamped_is_not_asked_about_again(walk, authority):
    crawl(walk, authority)
    assert crawl(walk, authority).code == 0
    assert len(authority.asked) == 1
    assert crawl(walk, authority, f"{ROOT}2").code == 0
    assert len(authority.asked) == 2
    assert len(acts(walk, "timestamped")) == 2


def test_an_authority_that_is_down_stops_nothing_and_is_asked_by_the_next_run(walk, authority):
    authority.answer = authority.fail
    done = crawl(walk, authority)
    assert done.code == 5
    assert done.summary["captures"] == 3
    assert f"{authority.url}: HTTP 503" in done.summary["not_timestamped"][0]
    assert "captured, but not timestamped" in done.err
    (failed,) = acts(walk, "timestamp_failed")
    assert authority.url in failed.subject
    authority.answer = authority.stamp
    again = crawl(walk, authority)
    assert again.code == 0, again.err
    (stamped,) = acts(walk, "timestamped")
    assert CustodyStamp.parse(stamped.subject).length > failed.seq
    assert command("export", walk.case, walk.folder / "out").code == 0
    assert "captures in time" not in verify(walk.folder / "out").not_checked


def test_of_two_authorities_the_one_that_answers_counts(walk, authority, new_authority):
    other = new_authority()
    authority.answer = authority.fail
    roots = walk.folder / "roots.pem"
    roots.write_bytes(authority.roots.read_bytes() + other.roots.read_bytes())
    given = ("--tsa", authority.url, "--tsa", other.url, "--tsa-roots", roots, "--crawl-only")
    assert walk.scan(ROOT, *given).code == 5
    assert [CustodyStamp.parse(one.subject).url for one in acts(walk, "timestamped")] == [other.url]
    authority.answer = authority.stamp
    assert walk.scan(ROOT, *given).code == 0
    assert (len(authority.asked), len(other.asked)) == (2, 1)


def test_settings_name_the_authorities_of_a_crawl(walk, authority):
    settings = walk.folder / "settings.toml"
    settings.write_text(f'[timestamp]\nauthorities = ["{authority.url}"]\nroots = "{authority.roots}"\n')
    assert walk.scan(ROOT, "--crawl-only", "--settings", settings).code == 0
    assert len(acts(walk, "timestamped")) == 1


def test_an_analysis_alone_asks_nobody(walk, authority):
    walk.scan(ROOT, "--crawl-only")
    given = ("--tsa", authority.url, "--tsa-roots", authority.roots)
    assert walk.scan("--analyse-only", *given).code == 2
    settings = walk.folder / "settings.toml"
    settings.write_text(f'[timestamp]\nauthorities = ["{authority.url}"]\nroots = "{authority.roots}"\n')
    assert walk.scan("--analyse-only", "--settings", settings).code == 0
    assert authority.asked == []


def test_authorities_without_roots_are_refused_before_anything_is_fetched(walk, authority):
    assert walk.scan(ROOT, "--crawl-only", "--tsa", authority.url).code == 2
    assert not walk.case.exists()


def test_a_long_crawl_is_timestamped_on_its_way(scene, serve, authority):
    """The second page is answered only when the first is bound in time."""

    def second():
        until = time.monotonic() + 60
        while not acts(walk, "timestamped"):
            assert time.monotonic() < until
            time.sleep(0.02)
        return 200, "text/html", b"<p>later</p>"

    walk = scene(serve({ROOT: b'<a href="/2">on</a>', f"{ROOT}2": second}))
    request = ScanRequest(
        grant=walk.grant,
        index=None,
        case=walk.case,
        seeds=(ROOT,),
        analyse=False,
        workers=1,
        tsa=(authority.url,),
        tsa_roots=authority.roots,
        stamp_every_s=0.2,
    )
    assert scan(request, lambda event: None).untimed == ()
    second_page = acts(walk, "capture")[-1].seq
    lengths = [CustodyStamp.parse(one.subject).length for one in acts(walk, "timestamped")]
    assert lengths[0] < second_page < lengths[-1]
    verify_chain(walk.case / "custody.jsonl")


def test_a_mute_authority_does_not_hold_up_a_crawl_that_is_to_stop(walk, authority):
    """SIGINT while the authority is waited for: the end is clean, and within five seconds."""
    asked, over = threading.Event(), threading.Event()
    authority.answer = lambda query: (asked.set(), over.wait(60), (503, {}, b""))[2]
    words = ["scan", "--grant", walk.grant, "--case", walk.case, "--crawl-only", ROOT]
    words += ["--tsa", authority.url, "--tsa-roots", authority.roots]
    running = subprocess.Popen(
        [sys.executable, "-m", "clonedetect", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert asked.wait(60)
    began = time.monotonic()
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=30)
    over.set()
    assert time.monotonic() - began < 5
    assert running.returncode == 130, told
    assert acts(walk, "timestamp_failed") == []
    verify_chain(walk.case / "custody.jsonl")


def test_the_last_line_of_a_log_is_the_one_its_head_is_of(tmp_path):
    log = CustodyLog.open(tmp_path / "custody.jsonl", NOW)
    with pytest.raises(VerificationError):
        log.last_line()
    for subject in ("short", "long " * 3000, "é" * 2047):
        log.append(time=NOW, actor="test", action="run_begun", grant="", subject=subject)
        number, line = log.last_line()
        assert (number, json.loads(line)["subject"]) == (log.length, subject)
    log.close()
