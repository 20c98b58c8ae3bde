"""What every `HashIndex` promises, in every state, against counting the bits of every pair."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clonedetect.index import plans, segments
from clonedetect.index.hamming import HammingIndex
from clonedetect.models.reference import Generation
from clonedetect.protocols import HashIndex

Rows = list[tuple[bytes, int]]
Make = Callable[[Path, Rows], Any]
STRANGERS = [(bytes([value]) * 32, 2**62 + 1 + value) for value in (0, 1, 255)]
"""Rows that are deleted before anything is asked, under ids that no example has."""


def arrays(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    hashes = np.array([list(bits) for bits, _ in rows], np.uint8).reshape(-1, 32)
    return hashes, np.array([number for _, number in rows], np.int64)


def brute_force(folder: Path, rows: Rows) -> HashIndex:
    path = Path(__file__).parents[2] / "benchmarks" / "memory_index.py"
    specification = importlib.util.spec_from_file_location("contracts_memory_index", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    index: HashIndex = module.BruteForceHashes()
    index.add(*arrays(rows))
    return index


def in_memory(folder: Path, rows: Rows) -> HammingIndex:
    return HammingIndex(*arrays(rows))


def mapped(folder: Path, rows: Rows) -> HammingIndex:
    HammingIndex.build(folder, *arrays(rows))
    return HammingIndex.open(folder)


def all_added(folder: Path, rows: Rows) -> HammingIndex:
    index = mapped(folder, [])
    index.add(*arrays(rows))
    return index


def half_added(folder: Path, rows: Rows) -> HammingIndex:
    half = len(rows) // 2
    index = mapped(folder, rows[:half])
    index.add(*arrays(rows[half : half + 1]))
    index.add(*arrays(rows[half + 1 :]))
    return index


def some_deleted(folder: Path, rows: Rows) -> HammingIndex:
    half = len(rows) // 2
    index = mapped(folder, [*rows[:half], *STRANGERS])
    index.add(*arrays([*STRANGERS, *rows[half:]]))
    index.delete(np.array([number for _, number in STRANGERS], np.int64))
    return index


def merged(folder: Path, rows: Rows) -> HammingIndex:
    """Go on from merged files, with what was added and deleted while they were written."""
    third = len(rows) // 3
    index = some_deleted(folder, rows[:third])
    merge = index.merge_in_background(folder, generation=Generation(1, "sha256:merged"))
    index.add(*arrays([*rows[third:], *STRANGERS]))
    index.delete(np.array([number for _, number in STRANGERS], np.int64))
    assert merge.wait(60)
    assert merge.is_written
    return index


def reopened(folder: Path, rows: Rows) -> HammingIndex:
    some_deleted(folder, rows).compact(folder)
    return HammingIndex.open(folder)


STATES = (in_memory, mapped, all_added, half_added, some_deleted, merged, reopened)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: every example writes files through to the disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as path:
        yield Path(path) / "hot"


@pytest.fixture(
    params=[pytest.param((brute_force, "flat"), id="brute_force")]
    + [
        pytest.param((make, kind), id=f"{make.__name__}-{kind}")
        for make in STATES
        for kind in ("flat", "banded", "crowded")
    ]
)
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Each way to come by an index and to look up: flat, by bands however few, or as a crowd."""
    make, kind = request.param
    if kind != "flat":
        monkeypatch.setattr(segments, "BANDED_FROM", 0)
        monkeypatch.setattr(plans, "_PROBE_COST", 0)
        monkeypatch.setattr(plans, "_CANDIDATE_COST", 0)
        monkeypatch.setattr(plans, "_HEAVY_AT_LEAST", 1 if kind == "crowded" else 10**9)
        monkeypatch.setattr(plans, "_FULL_AT_LEAST", 1)
    return make


def oracle(rows: Rows, queries: list[bytes], radius: int) -> list[tuple[int, int, int]]:
    found = []
    for number, query in enumerate(queries):
        for bits, row_id in rows:
            distance = (int.from_bytes(query) ^ int.from_bytes(bits)).bit_count()
            if distance <= radius:
                found.append((number, row_id, distance))
    return sorted(found, key=lambda hit: (hit[0], hit[2], hit[1]))


def search(index: HashIndex, queries: list[bytes], radius: int) -> list[tuple[int, int, int]]:
    stacked = np.array([list(query) for query in queries], np.uint8).reshape(-1, 32)
    columns = index.range_search(stacked, radius)
    assert all(column.dtype == np.int64 for column in columns)
    return [tuple(map(int, hit)) for hit in zip(*columns, strict=True)]


base = st.sampled_from([bytes(32), b"\xff" * 32, bytes(range(32)), b"\x0f" * 16 + bytes(16)])


@st.composite
def near(draw: st.DrawFn) -> bytes:
    """A hash a few bits away from one of four: ties, duplicates and skew are the rule."""
    value = int.from_bytes(draw(base))
    for bit in draw(st.lists(st.integers(0, 255), max_size=40)):
        value ^= 1 << bit
    return value.to_bytes(32)


hashes = near() | st.binary(min_size=32, max_size=32)
rows_of = st.lists(st.tuples(hashes, st.integers(-(2**62), 2**62) | st.integers(0, 5)), max_size=30)
radii = st.integers(0, 256) | st.sampled_from([0, 15, 31, 32, 255, 256])
examples = settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@examples
@given(rows=rows_of, queries=st.lists(hashes, max_size=6), radius=radii)
def test_search_returns_exactly_what_counting_bits_returns(
    make: Make, folder: Path, rows: Rows, queries: list[bytes], radius: int
) -> None:
    index = make(folder, rows)
    assert index.exact
    assert search(index, queries, radius) == oracle(rows, queries, radius)


steps = st.lists(
    st.tuples(st.just("add"), rows_of)
    | st.tuples(st.just("delete"), st.lists(st.integers(0, 5), max_size=3)),
    max_size=6,
)


@examples
@given(rows=rows_of, changes=steps, queries=st.lists(hashes, min_size=1, max_size=3))
def test_changes_are_seen_by_the_next_search(
    make: Make, folder: Path, rows: Rows, changes: list, queries: list[bytes]
) -> None:
    index = make(folder, rows)
    for what, values in changes:
        if what == "add":
            index.add(*arrays(values))
            rows = [*rows, *values]
        else:
            index.delete(np.array(values, np.int64))
            rows = [row for row in rows if row[1] not in values]
        for radius in (31, 256):
            assert search(index, queries, radius) == oracle(rows, queries, radius)


def test_an_id_added_again_after_its_deletion_is_found_once(make: Make, folder: Path) -> None:
    index = make(folder, [(bytes(32), 7), (b"\x01" + bytes(31), 8)])
    index.delete(np.array([7], np.int64))
    index.add(*arrays([(bytes(32), 7)]))
    assert search(index, [bytes(32)], 0) == [(0, 7, 0)]
    index.delete(np.array([7], np.int64))
    assert search(index, [bytes(32)], 256) == [(0, 8, 1)]


def test_nothing_is_found_in_nothing_or_by_nobody(make: Make, folder: Path) -> None:
    assert search(make(folder, []), [bytes(32)], 256) == []
    assert search(make(folder, [(bytes(32), 7)]), [], 256) == []


def test_what_is_handed_in_may_be_written_over(make: Make, folder: Path) -> None:
    index = make(folder, [])
    hashes, ids = arrays([(b"\x0f" * 32, 3)])
    index.add(hashes, ids)
    hashes[:], ids[:] = 0, 4
    assert search(index, [b"\x0f" * 32], 0) == [(0, 3, 0)]


@pytest.mark.parametrize("share", [0.02, 0.5, 1.0], ids=["few", "half", "all"])
def test_hashes_that_crowd_are_all_found(make: Make, folder: Path, share: float) -> None:
    """Nearly blank ones, ones that share two bands, and copies; asked about many at a time."""
    rng = np.random.default_rng(8)
    stored = rng.integers(0, 256, (600, 32), np.uint8)
    crowd = int(len(stored) * share)
    stored[:crowd] = np.packbits(rng.random((crowd, 256)) < 0.01, axis=1)
    stored[crowd : 2 * crowd, 6:10] = (0x5A, 0xC3, 0x11, 0x77)
    stored[-3:] = stored[0]
    rows = [(row.tobytes(), number // 2) for number, row in enumerate(stored)]
    queries = [row.tobytes() for row in stored[:: max(1, crowd // 5)][:40]] + [bytes(32)]
    index = make(folder, rows)
    for radius in (9, 31):
        assert search(index, queries, radius) == oracle(rows, queries, radius)


def test_blocks_of_rows_and_queries_leave_no_seam(make: Make, folder: Path) -> None:
    rng = np.random.default_rng(5)
    count, asked = segments._BLOCK_ROWS + 3, segments._BLOCK_QUERIES * 2 + 1
    stored = rng.integers(0, 256, (count, 32), np.uint8)
    where = np.array([0, segments._BLOCK_ROWS - 1, segments._BLOCK_ROWS, count - 1])
    queries = stored[np.resize(where, asked)]
    queries[:, 0] ^= 1
    index = HammingIndex() if make is half_added else make(folder, [])
    index.add(stored, np.arange(count))
    numbers, ids, distances = index.range_search(queries, 31)
    assert numbers.tolist() == list(range(asked))
    assert ids.tolist() == np.resize(where, asked).tolist()
    assert set(distances.tolist()) == {1}
