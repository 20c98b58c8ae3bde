"""SIGKILL among adds, removals, merges, renames: what is deleted stays so, what was added is found."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from clonedetect.index.audit import verify
from clonedetect.index.hotfiles import leftovers
from clonedetect.index.reference import OpenIndex
from clonedetect.index.store import IndexStore
from clonedetect.index.votes import feature_votes

MERGER = Path(__file__).with_name("killed_merger.py")


@pytest.fixture(scope="module")
def merger() -> ModuleType:
    """The program that is killed, for the check that it makes of itself."""
    sys.path.insert(0, str(MERGER.parent))
    try:
        specification = importlib.util.spec_from_file_location("killed_merger", MERGER)
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
    finally:
        sys.path.remove(str(MERGER.parent))
    return module


def killed(folder: Path, draw: random.Random) -> list[str]:
    """Run the program and kill it a moment after some line; return what it said."""
    command = [sys.executable, str(MERGER), str(folder), str(draw.randrange(10**6))]
    root = str(MERGER.parents[2])
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root, env={"PYTHONPATH": root}
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline() for _ in range(draw.randrange(1, 60))]
        try:
            process.wait(draw.random() * 0.03)
        except subprocess.TimeoutExpired:
            process.kill()
        lines += process.stdout.readlines()
        assert process.stderr.read() == ""
    assert process.returncode == -9
    return [line.strip() for line in lines]


def told(lines: list[str], known: dict[str, bool]) -> dict[str, bool]:
    """Return which items are in the index for certain, and which are not, after what was said."""
    known = dict(known)
    for line in lines:
        state, what, number = line.split()
        if what in {"add", "remove"}:
            known.pop(f"item-{number}", None)
            if state == "done":
                known[f"item-{number}"] = what == "add"
    return known


def check_kills(folder: Path, merger: ModuleType, *, seed: int, kills: int) -> None:
    draw = random.Random(seed)
    known: dict[str, bool] = {}
    for _ in range(kills):
        known = told(killed(folder, draw), known)
        if not (folder / "index.db").exists():
            continue
        with IndexStore.open_or_create(folder, algorithms=merger.ALGORITHMS) as store:
            assert verify(store).faults == ()
            held = set(store.item_ids())
        assert {name: name in held for name in known} == known
        for _ in range(2):  # brought up to date or built, then opened again
            with OpenIndex(IndexStore.open(folder), votes=feature_votes, model=lambda _: None) as index:
                merger.check(index)
                assert leftovers(folder / "hot" / "hashes") == ()
                assert leftovers(folder / "hot" / "features") == ()
    assert known


def test_a_killed_merge_loses_nothing_and_revives_nothing(tmp_path: Path, merger: ModuleType) -> None:
    check_kills(tmp_path / "index", merger, seed=5, kills=4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_many_killed_merges_lose_nothing_and_revive_nothing(
    tmp_path: Path, merger: ModuleType, seed: int
) -> None:
    check_kills(tmp_path / "index", merger, seed=seed, kills=25)
