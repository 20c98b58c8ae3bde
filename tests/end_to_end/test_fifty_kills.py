"""One scan, crawl and analysis, killed at moments spread over it: nothing is lost, nothing comes twice."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from clonedetect.archive.custody import read_custody, verify_chain
from clonedetect.archive.record import iterate
from clonedetect.case.store import CaseStore
from clonedetect.demo.pictures import jpeg, photograph
from clonedetect.errors import VerificationError
from clonedetect.evidence.package import export
from clonedetect.jobs.doctor import software
from tests.adversarial.arena import Arena, Host, Hosts, page, redirect, reply
from tests.end_to_end.rehearsed import WARCIO

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]

PAGES = 10
NAMES = ("chelsea", "camera", "coffee", "rocket", "brick", "grass", "gravel")
LIMITS = "min_delay_s = 0.05"
SEED = "http://clone.example/0"


@dataclass(frozen=True)
class Scene:
    """A clone that runs, its grant and index, and how a scan that nobody killed left its case."""

    arena: Arena
    grant: Path
    index: Path
    whole: Path

    def command(self, case: Path) -> list[str]:
        words = ["scan", "--grant", self.grant, "--index", self.index, "--case", case, "--json"]
        return [sys.executable, "-m", "clonedetect", *map(str, words), "--workers", "1", SEED]


def clone() -> Host:
    """Pages that lead to one another and show copies, and some that end in other ways."""
    replies: dict[str, bytes] = {
        "/gone.jpg": b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
        "/moved": redirect("/0"),
        "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<p>cut",
        "/login": page('<form><input type="password"></form>'),
    }
    for number in range(PAGES):
        links = "".join(f'<a href="/{n}">x</a>' for n in (2 * number + 1, 2 * number + 2) if n < PAGES)
        other = '<a href="/moved">x</a><a href="/cut">x</a><img src="/gone.jpg"><a href="/login">x</a>'
        shown = f'<img src="/{number}.jpg">'
        replies[f"/{number}"] = page(f"<p>page {number}</p>{links}{shown}{other if number == 3 else ''}")
        picture = photograph(NAMES[number % len(NAMES)])
        picture.thumbnail((400, 400))
        replies[f"/{number}.jpg"] = reply(jpeg(picture, 60 + number), "image/jpeg")
    return Host("clone.example", replies)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Hosts([clone()]) as hosts:
        arena = Arena(tmp_path_factory.mktemp("kills"), hosts)
        rows = [
            {
                "item_id": name,
                "account_id": "owner",
                "media": [{"path": arena.picture(f"{name}.jpg", jpeg(photograph(name)))}],
            }
            for name in NAMES[:3]
        ]
        made = Scene(arena, arena.grant(limits=LIMITS), arena.index(rows), arena.folder / "whole")
        done = subprocess.run(made.command(made.whole), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        yield made


def progress(case: Path) -> int:
    """Return how many captures and verdicts the case holds at this moment."""
    if not (case / "case.db").exists():
        return 0
    query = "SELECT (SELECT count(*) FROM captures) + (SELECT count(*) FROM verdicts WHERE standing)"
    try:
        with closing(sqlite3.connect(f"file:{case / 'case.db'}?mode=ro", uri=True)) as database:
            return int(database.execute(query).fetchone()[0])
    except sqlite3.OperationalError:  # its tables are just being made
        return 0


def captured(case: Path) -> Counter[tuple[str, ...]]:
    with CaseStore.read(case) as store:
        return Counter(
            (one.url, str(one.purpose), str(one.outcome), str(one.content_digest)) for one in store.captures()
        )


def judged(case: Path) -> set[tuple[str, ...]]:
    with CaseStore.read(case) as store:
        contents = store.contents()
    pages = {(one.page_url, str(one.verdict), *one.reasons) for one in contents.verdicts}
    return pages | {(one.finding_id, str(one.match.verdict)) for one in contents.findings}


def killed(command: list[str], case: Path, at: int, chance: random.Random) -> int:
    """Run the scan until it has come as far as `at`, or for a moment if it has already, and kill it."""
    extra_s = chance.uniform(0.0, 1.5) if progress(case) >= at else chance.uniform(0.0, 0.06)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and progress(case) < at:
            time.sleep(0.003)
        time.sleep(extra_s)
        process.kill()
        return process.wait()


def check_after_a_kill(case: Path, scratch: Path) -> None:
    """Custody holds, no capture stands twice, and another reader finds every whole record clean."""
    if not (case / "case.db").exists():
        return
    verify_chain(case / "custody.jsonl")
    assert max(captured(case).values(), default=1) == 1
    for archive in sorted(case.glob("archive/*.warc.gz")):
        end = 0
        try:
            for record in iterate(archive):
                end = record.offset + record.length
        except VerificationError:
            pass  # the kill came within a write; the next run sets that end aside
        whole = scratch / archive.name
        shutil.copyfile(archive, whole)
        with whole.open("r+b") as stream:
            stream.truncate(end)
        told = subprocess.run([WARCIO, "check", whole], capture_output=True, text=True, check=False)
        assert (told.returncode, told.stdout) == (0, "")


def check_as_if_never_killed(scene: Scene, case: Path) -> None:
    assert captured(case) == captured(scene.whole)
    assert judged(case) == judged(scene.whole)
    with CaseStore.read(case) as store:
        ids = Counter(one.facts.record_id for one in store.captures() if one.facts)
        contents = store.contents()
    logged = [
        one.subject.split()[0] for one in read_custody(case / "custody.jsonl") if one.action == "capture"
    ]
    assert Counter(logged) == ids
    out = case.with_name(f"{case.name}-package")
    export(contents, case, out, key=None, as_zip=False, software=software())


def kill(scene: Scene, case: Path, kills: int, seed: int) -> int:
    """Kill one scan `kills` times over its length, let it end, and return how many kills met it."""
    chance, met = random.Random(seed), 0
    steps = progress(scene.whole)
    moments = sorted(round(steps * (number + chance.random()) / kills) for number in range(kills))
    for at in moments:
        met += killed(scene.command(case), case, min(at, steps - 1), chance) == -9
        check_after_a_kill(case, case.parent)
    done = subprocess.run(scene.command(case), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    check_as_if_never_killed(scene, case)
    return met


def test_a_scan_killed_five_times_over_its_length_ends_as_if_never_killed(
    scene: Scene, tmp_path: Path
) -> None:
    assert kill(scene, tmp_path / "case", kills=5, seed=20261126) == 5


@pytest.mark.slow
def test_a_scan_killed_fifty_times_over_its_length_ends_as_if_never_killed(
    scene: Scene, tmp_path: Path
) -> None:
    assert kill(scene, tmp_path / "case", kills=50, seed=20261127) >= 45
