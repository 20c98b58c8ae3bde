"""A scan killed with SIGKILL at random moments and run again ends as if it had never been killed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clonedetect.case.store import CaseStore
from clonedetect.demo.rehearsal import Rehearsal, serving, write_grant
from clonedetect.errors import ExitCode
from tests.end_to_end.rehearsed import WARCIO, Played

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600), pytest.mark.xdist_group("rehearsal")]


def _scan(rehearsal: Rehearsal, grant: Path, case: Path) -> list[str]:
    words = ["scan", "--grant", grant, "--index", rehearsal.out / "index", "--case", case, "--json"]
    words += ["--settings", rehearsal.settings]
    return [sys.executable, "-m", "clonedetect", *map(str, words), f"@{rehearsal.seeds}"]


def _killed_until_done(command: list[str], rng: random.Random, kills: int) -> int:
    """Kill the command after a random number of its output lines, `kills` times, then let it end."""
    for _ in range(kills):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            for _ in range(rng.randrange(1, 40)):
                if not process.stdout.readline():
                    break
            process.send_signal(signal.SIGKILL)
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False, timeout=240).returncode


def _findings(case: Path) -> set[tuple[str, str, str, str]]:
    with CaseStore.read(case) as store:
        return {
            (one.finding_id, one.match.item_id, str(one.match.verdict), one.content_digest)
            for one in store.findings()
        }


def _recorded(case: Path) -> Counter[tuple[str, str]]:
    with CaseStore.read(case) as store:
        return Counter((one.url, str(one.outcome)) for one in store.captures())


def _check(played: Played, tmp_path: Path, seed: int, kills: int) -> None:
    rehearsal = Rehearsal(tmp_path)
    network = tmp_path / "network"
    network.symlink_to(played.rehearsal.network.resolve(), target_is_directory=True)
    rehearsal.seeds.write_text(played.rehearsal.seeds.read_text())
    rehearsal.settings.write_text(played.rehearsal.settings.read_text())
    (tmp_path / "index").symlink_to(played.rehearsal.out.resolve() / "index", target_is_directory=True)
    case = tmp_path / "case"
    (played.rehearsal.network / "requests.jsonl").unlink(missing_ok=True)
    with serving(rehearsal) as ports:
        write_grant(rehearsal, ports, datetime.now(UTC))
        assert _killed_until_done(_scan(rehearsal, rehearsal.grant, case), random.Random(seed), kills) == 0
    assert _findings(case) == _findings(played.rehearsal.out / "case")
    recorded, whole = _recorded(case), _recorded(played.rehearsal.out / "case")
    finished = {key: count for key, count in recorded.items() if key[1] == "ok"}
    assert finished == {key: count for key, count in whole.items() if key[1] == "ok"}
    assert max(finished.values()) == 1
    asked = Counter(
        (row["host"], row["target"])
        for row in map(json.loads, (played.rehearsal.network / "requests.jsonl").read_text().splitlines())
    )
    # Beyond one request a target: one that was under way at a kill, and the retries after 429.
    assert sum(asked.values()) - len(asked) <= kills * 16 + 2
    for archive in sorted((case / "archive").glob("*.warc.gz")):
        checked = subprocess.run([WARCIO, "check", archive], capture_output=True, text=True, check=False)
        assert checked.returncode == ExitCode.DONE, checked.stdout


@pytest.mark.timeout(400)
def test_a_killed_scan_ends_in_the_same_findings(played: Played, tmp_path: Path) -> None:
    _check(played, tmp_path, seed=20261122, kills=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_scans_killed_many_times_end_in_the_same_findings(played: Played, tmp_path: Path, seed: int) -> None:
    _check(played, tmp_path, seed=seed, kills=10)
