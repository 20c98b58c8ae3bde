"""SIGKILL at moments drawn from a seed: the index opens, is sound, and a repeat completes it."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from clonedetect.index.audit import verify
from clonedetect.index.reference import OpenIndex
from clonedetect.index.store import IndexStore

WRITER = Path(__file__).with_name("killed_writer.py")
COUNT = 120


def run(folder: Path, *, commit_every: int = 7, kill_after: int | None = None) -> list[str]:
    """Run the writer; with `kill_after` it is killed in what it does after so many lines."""
    command = [sys.executable, str(WRITER), str(folder), str(COUNT), str(commit_every)]
    root = str(WRITER.parents[2])
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root, env={"PYTHONPATH": root}
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            process.stdin.write("\n")
            process.stdin.flush()
            if kill_after is not None and len(lines) >= kill_after:
                process.kill()
                break
    assert process.returncode == (0 if kill_after is None else -9)
    return lines


def check_kills(folder: Path, *, seed: int, kills: int) -> None:
    draw = random.Random(seed)
    run(folder / "whole")
    counts = [0]
    for _ in range(kills):
        run(folder / "killed", kill_after=draw.randrange(1, COUNT), commit_every=draw.randrange(1, 20))
        with IndexStore.open(folder / "killed") as store:
            assert verify(store).faults == ()
            counts.append(store.count())
        if draw.random() < 0.5:
            with OpenIndex(
                IndexStore.open(folder / "killed"), votes=lambda _: None, model=lambda _: None
            ) as opened:
                assert len(opened.hashes) == store_hashes(folder / "killed")
    assert counts == sorted(counts)
    changes = [line.split()[1] for line in run(folder / "killed")]
    assert changes.count("unchanged") >= counts[-1]
    with IndexStore.open(folder / "whole") as whole, IndexStore.open(folder / "killed") as killed:
        assert killed.count() == COUNT
        assert verify(killed).faults == ()
        assert killed.snapshot().snapshot_id == whole.snapshot().snapshot_id


def store_hashes(folder: Path) -> int:
    with IndexStore.open(folder) as store:
        return int(store.db.execute("SELECT sum(length(bits)) / 32 FROM hashes").fetchone()[0] or 0)


def test_a_killed_import_is_sound_and_completed_by_a_repeat(tmp_path: Path) -> None:
    check_kills(tmp_path, seed=17, kills=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_many_kills_lose_nothing(tmp_path: Path, seed: int) -> None:
    check_kills(tmp_path, seed=seed, kills=15)
