"""SIGINT and SIGTERM end a scan cleanly, with 130, and the next run completes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from clonedetect.case.store import CaseStore
from clonedetect.jobs import analysing
from tests.jobs.playground import Platform, Web, copy_page, recompressed, standing

ROOT = "http://clone.example/"


def _replies(platform: Platform, pages: int = 3) -> dict[str, object]:
    links = "".join(f'<a href="/p/{number}">{number}</a>' for number in range(pages))
    replies: dict[str, object] = {ROOT: f"<html><body>{links}</body></html>".encode()}
    for number in range(pages):
        replies[f"{ROOT}p/{number}"] = copy_page("p-1001", f"/{number}.jpg")
        picture = recompressed(platform.picture("p-1001"), 60 + number)
        replies[f"{ROOT}{number}.jpg"] = (200, "image/jpeg", picture)
    return replies


def _signalling(web: Web, url: str, number: signal.Signals) -> None:
    """Send `number` to this very process when `url` is asked for the first time."""
    body = web.replies[url]

    def answer() -> tuple[int, str, bytes]:
        if web.asked[url] == 1:
            os.kill(os.getpid(), number)
        return body if isinstance(body, tuple) else (200, "text/html", body)

    web.replies[url] = answer


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_crawl_that_is_stopped_ends_in_130_and_is_completed_by_the_next(
    serve, scene, platform, tmp_path: Path, number: signal.Signals
) -> None:
    web = serve(_replies(platform))
    prepared = scene(web)
    _signalling(web, f"{ROOT}p/1", number)
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    stopped = prepared.scan("--crawl-only", ROOT)
    assert stopped.code == 130
    assert stopped.err.endswith("interrupted\n")
    assert stopped.of("summary") == []
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    asked = set(web.asked)
    with CaseStore.read(prepared.case) as store:
        kept = {one.url for one in store.captures()}
        assert {one.url for one in store.contents().not_visited}
    assert kept <= asked
    rest = prepared.scan("--crawl-only", ROOT)
    assert rest.code == 0
    assert {one["url"] for one in rest.of("capture")}.isdisjoint(kept)
    assert {f"{ROOT}{number}.jpg" for number in range(3)} <= set(web.asked)
    assert rest.summary["not_visited"] == 0


def test_a_stop_before_anything_was_reached_is_no_failure_of_the_network(serve, scene, platform) -> None:
    web = serve(_replies(platform))
    prepared = scene(web)
    web.replies[f"{ROOT}robots.txt"] = b""
    _signalling(web, f"{ROOT}robots.txt", signal.SIGTERM)
    assert prepared.scan("--crawl-only", ROOT).code == 130


def test_an_analysis_that_is_stopped_keeps_what_was_judged_and_goes_on(
    serve, scene, platform, tmp_path: Path, monkeypatch
) -> None:
    web = serve(_replies(platform, 1))
    prepared = scene(web)
    assert prepared.scan("--crawl-only", ROOT).code == 0
    judge = analysing.judge_page
    judged: list[str] = []

    def judge_and_stop(capture, *rest, **options):
        judged.append(capture.url)
        if len(judged) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return judge(capture, *rest, **options)

    monkeypatch.setattr(analysing, "judge_page", judge_and_stop)
    stopped = prepared.scan("--analyse-only")
    assert (stopped.code, len(standing(prepared.case))) == (130, 1)
    rest = prepared.scan("--analyse-only")
    assert rest.code == 0
    assert sorted(judged) == sorted([ROOT, f"{ROOT}p/0"])
    assert rest.summary["pages_confirmed"] == 1
    with CaseStore.read(prepared.case) as store:
        assert len(store.contents().analyses) == 1


def test_a_picture_that_keeps_the_decoder_busy_does_not_hold_up_the_end(
    serve, scene, platform, monkeypatch
) -> None:
    web = serve(_replies(platform, 1))
    prepared = scene(web)
    assert prepared.scan("--crawl-only", ROOT).code == 0
    compared = threading.Event()

    def stop_and_wait(examiner, query, siblings=()):
        os.kill(os.getpid(), signal.SIGTERM)
        assert closed.wait(30), "nobody closed the examiner"
        compared.set()
        return original(examiner, query, siblings)

    closed = threading.Event()
    original, close = analysing.Examiner.picture, analysing.Examiner.close
    monkeypatch.setattr(analysing.Examiner, "picture", stop_and_wait)
    monkeypatch.setattr(analysing.Examiner, "close", lambda self: (close(self), closed.set()))
    assert prepared.scan("--analyse-only").code == 130
    assert compared.is_set()
    assert not any(row[0] == "confirmed" for row in standing(prepared.case).values())


def test_the_installed_command_ends_in_130_too(serve, scene, platform, tmp_path: Path) -> None:
    """click would end an interruption in 1, which is the code of findings."""
    web = serve(_replies(platform))
    prepared = scene(web)
    asked = threading.Event()

    def slow() -> tuple[int, str, bytes]:
        asked.set()
        return 200, "text/html", b"<p>slow</p>" * 10

    web.replies[f"{ROOT}p/1"] = slow
    words = ["scan", "--grant", prepared.grant, "--index", prepared.index, "--case", prepared.case, ROOT]
    command = [sys.executable, "-m", "clonedetect", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert asked.wait(60)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert b"interrupted" in err
    assert b"Aborted" not in err
