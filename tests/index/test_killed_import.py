"""SIGKILL over imports of captions: what was committed stays, a repeat ends in the uninterrupted state."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clonedetect.index.audit import verify
from clonedetect.index.reference import open_index
from clonedetect.index.store import IndexStore

IMPORTER = Path(__file__).with_name("killed_import.py")
COUNT = 700


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "posts.jsonl"
    rows = (
        {
            "item_id": f"post-{number}",
            "account_id": f"a{number % 9}",
            "caption": f"Boat {number} at {number**3}",
        }
        for number in range(COUNT)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(folder: Path, source: Path, draw: random.Random, *, kill: bool) -> str:
    """Run an import and return its last line; with `kill` it dies soon after it told of some rows."""
    command = [sys.executable, str(IMPORTER), str(folder), str(source)]
    command += [str(draw.randrange(5, 90)), str(draw.randrange(1, 200))]
    root = str(IMPORTER.parents[2])
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root, env={"PYTHONPATH": root}
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        last, until = "", draw.randrange(1, COUNT)
        for line in process.stdout:
            last = line
            if kill and int(line.split()[0]) >= until:
                process.stdin.write("\n")
                process.stdin.flush()
                time.sleep(draw.random() * 0.02)  # somewhere in what it does next
                process.kill()
                break
            if " " not in line:
                process.stdin.write("\n")
                process.stdin.flush()
    assert process.returncode == (-9 if kill else 0)
    return last


def check_kills(folder: Path, source: Path, *, seed: int, kills: int) -> None:
    draw = random.Random(seed)
    assert run(folder / "whole", source, draw, kill=False) == f"{COUNT} 0\n"
    counts = [0]
    for _ in range(kills):
        run(folder / "killed", source, draw, kill=True)
        with IndexStore.open(folder / "killed") as store:
            assert verify(store).faults == ()
            counts.append(store.count())
        if draw.random() < 0.5:
            with open_index(folder / "killed", votes=lambda _: None, model=lambda _: None) as opened:
                assert len(opened.postings) == counts[-1]
    assert counts == sorted(counts)
    added, unchanged = map(int, run(folder / "killed", source, draw, kill=False).split())
    assert unchanged == counts[-1]
    assert added == COUNT - unchanged
    with IndexStore.open(folder / "whole") as whole, IndexStore.open(folder / "killed") as killed:
        assert verify(killed).faults == ()
        assert killed.snapshot().snapshot_id == whole.snapshot().snapshot_id
        rows = "SELECT text_id, item_id, content, fingerprints, minhash FROM texts ORDER BY text_id"
        assert killed.db.execute(rows).fetchall() == whole.db.execute(rows).fetchall()


def test_a_killed_import_of_captions_is_completed_by_a_repeat(tmp_path: Path, source: Path) -> None:
    check_kills(tmp_path, source, seed=5, kills=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_many_kills_of_imports_lose_nothing(tmp_path: Path, source: Path, seed: int) -> None:
    check_kills(tmp_path, source, seed=seed, kills=12)
