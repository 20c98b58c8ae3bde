"""Merges beside the work that goes on: nobody waits, nothing is lost, one at a time, all or nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clonedetect.errors import LockedError
from clonedetect.index import hamming, hotfiles, segments
from clonedetect.index.hamming import HammingIndex
from clonedetect.index.lock import FileLock
from clonedetect.index.merging import Merge
from clonedetect.models.reference import Generation

COUNT = 3000


@pytest.fixture
def stored() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (COUNT, 32), np.uint8)


@pytest.fixture(params=["flat", "mih"])
def folder(
    request: pytest.FixtureRequest, stored: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The first half of the hashes as files, flat or banded."""
    if request.param == "mih":
        monkeypatch.setattr(segments, "BANDED_FROM", 300)
    HammingIndex.build(tmp_path / "hot", stored[: COUNT // 2], np.arange(COUNT // 2))
    return tmp_path / "hot"


class Gate:
    """Holds the writing of arrays up at the second one until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        write = hotfiles._write_array

        def held(folder: Path, name: str, array: np.ndarray) -> Any:
            if name == "ids":
                self.reached.set()
                assert self.open.wait(60)
            return write(folder, name, array)

        monkeypatch.setattr(hotfiles, "_write_array", held)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate(monkeypatch)
    yield gate
    gate.open.set()


def found(index: HammingIndex, hashes: np.ndarray) -> list[int]:
    """Return the ids that are found of exactly these hashes."""
    return sorted(index.range_search(hashes, 0)[1].tolist())


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_searches_and_changes_go_on_during_a_merge_and_outlast_it(
    folder: Path, stored: np.ndarray, gate: Gate
) -> None:
    half = COUNT // 2
    index = HammingIndex.open(folder)
    index.add(stored[half : half + 500], np.arange(half, half + 500))
    index.delete(np.arange(100))
    merge = index.merge_in_background(folder, generation=Generation(1, "sha256:b"), lineage="l")
    assert gate.reached.wait(60)
    assert found(index, stored) == list(range(100, half + 500))
    index.add(stored[half + 500 :], np.arange(half + 500, COUNT))
    index.delete(np.arange(half, half + 10))
    wanted = [*range(100, half), *range(half + 10, COUNT)]
    assert found(index, stored) == wanted
    state = index.snapshot()
    gate.open.set()
    assert merge.wait(60)
    assert merge.is_written
    assert found(index, stored) == wanted
    assert index.changed == COUNT - half - 500 + 10
    assert index.snapshot() == state
    index.delete(np.arange(half, COUNT))
    assert found(index, stored) == list(range(100, half))
    again = HammingIndex.open(folder)
    assert (again.snapshot(), again.lineage) == (Generation(1, "sha256:b"), "l")
    assert found(again, stored) == list(range(100, half + 500))


def test_an_index_merges_itself_when_enough_has_changed(folder: Path, stored: np.ndarray) -> None:
    half = COUNT // 2
    index = HammingIndex.open(folder, merge_from=400)
    for first in range(half, COUNT, 50):
        index.add(stored[first : first + 50], np.arange(first, first + 50))
        index.delete(np.array([first - half]))
        assert index.range_search(stored[first : first + 1], 0)[1].tolist() == [first]
    wanted = [number for number in range(COUNT) if number >= half or number % 50]
    assert found(index, stored) == wanted
    merging = index._merge
    assert merging is None or merging.merge.wait(60)
    assert found(index, stored) == wanted
    written = len(HammingIndex.open(folder))
    assert half < written <= COUNT
    index.close()
    index.add(stored[:1], np.array([9999]))
    assert index._merge is None
    assert 9999 in found(index, stored)


def test_a_second_merge_gives_up_while_one_is_under_way(folder: Path, stored: np.ndarray, gate: Gate) -> None:
    first, second = HammingIndex.open(folder), HammingIndex.open(folder)
    second.add(stored[-1:], np.array([7777]))
    merge = first.merge_in_background(folder, generation=Generation(1, "sha256:b"))
    assert gate.reached.wait(60)
    assert first.merge_in_background(folder) is merge
    refused = second.merge_in_background(folder)
    assert refused.wait(60)
    assert not refused.is_written
    assert refused.error is None
    assert 7777 in found(second, stored)
    gate.open.set()
    assert merge.wait(60)
    assert merge.is_written
    assert second.range_search(stored[-1:], 0)[1].tolist() == [7777]


def test_a_merge_of_another_process_is_not_disturbed(folder: Path, stored: np.ndarray) -> None:
    program = (
        "import sys; from pathlib import Path; from clonedetect.index.lock import FileLock\n"
        "FileLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", program, str(folder.parent / "build.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        before = names(folder)
        merge = HammingIndex.open(folder).merge_in_background(folder, generation=Generation(5, "sha256:c"))
        assert merge.wait(60)
        assert not merge.is_written
        assert names(folder) == before
        holder.communicate("\n")
    assert HammingIndex.open(folder).snapshot().number == 0


def test_closing_abandons_a_merge_and_leaves_the_old_generation(
    folder: Path, stored: np.ndarray, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clonedetect.index.merging._CLOSING_S", 0.01)
    before = names(folder)
    index = HammingIndex.open(folder)
    index.add(stored[-5:], np.arange(5) + 5000)
    merge = index.merge_in_background(folder)
    assert gate.reached.wait(60)
    index.close()
    assert not merge.is_over
    gate.open.set()
    if folder_is_banded(folder):
        assert merge.wait(60)
        assert not merge.is_written
        assert names(folder) == before
    else:  # the array that it was writing was the last
        assert merge.wait(60)
        assert len(HammingIndex.open(folder)) == COUNT // 2 + 5
    assert len(index) == COUNT // 2 + 5


def folder_is_banded(folder: Path) -> bool:
    return HammingIndex.open(folder).layout is hamming.Layout.MIH


def test_a_program_that_ends_does_not_wait_for_its_merge(folder: Path) -> None:
    program = (
        "import sys, threading\nfrom pathlib import Path\nfrom clonedetect.index.merging import Merge\n"
        "def write(steps):\n"
        "    for step in steps(iter(int, 1)):\n"
        "        begun.set()\n"
        "begun = threading.Event()\n"
        "Merge(Path(sys.argv[1]), write)\n"
        "print(begun.wait(60))"
    )
    command = [sys.executable, "-c", program, str(folder.parent / "build.lock")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "True\n"
    assert done.stderr == ""


@pytest.mark.parametrize("failing", ["disk full", "out of memory"])
def test_a_merge_that_fails_leaves_the_old_generation_and_says_why(
    folder: Path, stored: np.ndarray, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    before = names(folder)
    write = hotfiles._write_array

    def fails(target: Path, name: str, array: np.ndarray) -> Any:
        if name == "ids":
            (target / "ids-half.tmp").write_bytes(b"half")
            raise OSError(28, failing) if failing == "disk full" else MemoryError(failing)
        return write(target, name, array)

    monkeypatch.setattr(hotfiles, "_write_array", fails)
    index = HammingIndex.open(folder)
    index.add(stored[-5:], np.arange(5) + 5000)
    merge = index.merge_in_background(folder)
    assert merge.wait(60)
    assert failing in str(merge.error)
    assert names(folder) == before
    assert len(found(index, stored)) == COUNT // 2 + 5


def test_files_replaced_by_somebody_else_are_not_adopted(folder: Path, stored: np.ndarray) -> None:
    index = HammingIndex.open(folder)
    index.add(stored[-5:], np.arange(5) + 5000)
    merge = index.merge_in_background(folder)
    assert merge.wait(60)
    HammingIndex.build(folder, stored[:1], np.arange(1), generation=Generation(9, "sha256:z"))
    assert len(found(index, stored)) == COUNT // 2 + 5


def test_files_that_are_no_longer_wanted_are_dropped(folder: Path) -> None:
    answers = iter([True, False])
    index = HammingIndex.open(folder)
    merge = index.merge_in_background(folder, is_wanted=lambda: next(answers))
    assert merge.wait(60)
    assert names(folder) == set()
    assert len(index) == COUNT // 2


def test_searches_in_threads_see_every_hash_while_merges_replace_the_files(
    folder: Path, stored: np.ndarray
) -> None:
    index = HammingIndex.open(folder, merge_from=100)
    half, done = COUNT // 2, threading.Event()
    wrong: list[list[int]] = []

    def search() -> None:
        while not done.is_set():
            readers = (index, HammingIndex.open(folder))
            seen = [found(reader, stored[100:half]) for reader in readers]
            wrong.extend(ids for ids in seen if ids != list(range(100, half)))

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for first in range(half, COUNT, 60):
            index.add(stored[first : first + 60], np.arange(first, first + 60))
            index.delete(np.arange(100))
            index.add(stored[:100], np.arange(100))
            if index._merge is not None and first % 180 == 0:
                index._merge.merge.wait(60)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    index.close()
    assert not wrong
    assert found(index, stored) == list(range(COUNT))


def test_leftovers_are_what_no_plan_names(folder: Path) -> None:
    stray = [folder / "rows00-0123.tmp", folder / "hash-0123.npy"]
    for path in stray:
        path.write_bytes(b"half")
    (folder / "note.txt").write_bytes(b"not ours")
    assert set(hotfiles.leftovers(folder)) == set(stray)
    assert hotfiles.drop_leftovers(folder)
    assert not hotfiles.drop_leftovers(folder)
    assert len(HammingIndex.open(folder)) == COUNT // 2
    assert (folder / "note.txt").exists()


def test_the_lock_is_given_back_when_a_merge_ends(tmp_path: Path) -> None:
    ended: list[Callable[..., Any]] = []
    merge = Merge(tmp_path / "build.lock", ended.append)
    assert merge.wait(60)
    assert len(ended) == 1
    with FileLock(tmp_path / "build.lock"), pytest.raises(LockedError):
        FileLock(tmp_path / "build.lock")
