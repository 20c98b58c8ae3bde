from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import clonedetect
from clonedetect.archive.custody import read_custody
from clonedetect.archive.warc import iterate, read_facts
from clonedetect.case.store import CaseStore

SCRIPT = Path(__file__).with_name("loopback.py")


def run(folder: Path, base: str, kill_at: int) -> int:
    command = [sys.executable, str(SCRIPT), str(folder), base, str(kill_at)]
    environment = {**os.environ, "PYTHONPATH": str(Path(clonedetect.__file__).parents[1])}
    return subprocess.run(command, check=False, timeout=100, env=environment).returncode


def check_whole(folder: Path, expected: Counter[tuple[str, str]]) -> None:
    """Captures are those of an uninterrupted run, each once, in database, archive and custody alike."""
    with CaseStore.read(folder) as store:
        captures = list(store.captures())
        for capture in captures:
            assert read_facts(folder, capture).capture.url == capture.url
            store.content(capture.record_id)
    assert Counter((c.url, c.purpose.value) for c in captures) == expected
    archived = [
        dict(record.header)["WARC-Record-ID"]
        for path in sorted((folder / "archive").glob("*.warc.gz"))
        for record in iterate(path)
        if dict(record.header)["WARC-Type"] == "metadata"
    ]
    assert archived == [f"<{c.facts.record_id}>" for c in captures]
    logged = [e.subject.split()[0] for e in read_custody(folder / "custody.jsonl") if e.action == "capture"]
    assert Counter(logged) == Counter(c.facts.record_id for c in captures)
    files = [str(path) for path in (folder / "archive").glob("*.warc.gz")]
    subprocess.run([sys.executable, "-m", "warcio.cli", "check", *files], check=True, capture_output=True)


def kill_and_resume(
    serve, loopback, tmp_path: Path, *, seed: int, kills: int, pages: int, steps: int
) -> None:
    site = serve(loopback.small_site(pages))
    whole = tmp_path / "whole"
    assert run(whole, site.base, 0) == 0
    with CaseStore.read(whole) as store:
        expected = Counter((c.url, c.purpose.value) for c in store.captures())
    assert expected.total() == 2 * pages + 2
    check_whole(whole, expected)
    folder, chance, killed = tmp_path / "killed", random.Random(seed), 0
    while killed < kills:
        code = run(folder, site.base, chance.randint(1, steps))
        if code == 0:
            break
        assert code == -signal.SIGKILL
        killed += 1
    assert killed >= min(3, kills)
    assert run(folder, site.base, 0) == 0
    check_whole(folder, expected)


def test_a_run_killed_again_and_again_loses_and_doubles_nothing(serve, loopback, tmp_path):
    kill_and_resume(serve, loopback, tmp_path, seed=20261122, kills=5, pages=8, steps=150)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(8))
def test_runs_killed_at_any_step_lose_and_double_nothing(seed, serve, loopback, tmp_path):
    kill_and_resume(serve, loopback, tmp_path, seed=seed, kills=40, pages=20, steps=120)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_run_killed_at_each_of_its_first_steps_loses_and_doubles_nothing(serve, loopback, tmp_path):
    site = serve(loopback.small_site(2))
    whole = tmp_path / "whole"
    assert run(whole, site.base, 0) == 0
    with CaseStore.read(whole) as store:
        expected = Counter((c.url, c.purpose.value) for c in store.captures())
    for step in range(1, 140, 3):
        folder = tmp_path / str(step)
        run(folder, site.base, step)
        assert run(folder, site.base, 0) == 0
        check_whole(folder, expected)
