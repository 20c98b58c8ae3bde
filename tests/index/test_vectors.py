"""Cosine lookup against whole-number arithmetic, hit by hit, in every state of the index."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from pathlib import Path

import numpy as np
import pytest

from clonedetect.errors import IndexFormatError
from clonedetect.index import vectors
from clonedetect.index.hotfiles import write_generation
from clonedetect.index.vectors import VectorIndex
from clonedetect.models.reference import Generation

SIZE = 24
COUNT = 90


def drawn(seed: int, count: int, size: int = SIZE) -> np.ndarray:
    random = np.random.default_rng(seed)
    values = random.integers(-128, 128, (count, size))
    values[::9] = 0
    values[1::9] = values[2::9][: len(values[1::9])] if count > 2 else values[1::9]
    return values.astype(np.int8).view(np.uint8)


def exact_distance(one: bytes, other: bytes) -> int:
    """Thousandths of one minus the cosine, rounded, without a floating-point number."""
    first, second = (np.frombuffer(value, np.int8).astype(object) for value in (one, other))
    product, squares = int((first * second).sum()), int((first**2).sum()) * int((second**2).sum())
    if squares == 0:
        return 2000
    root = Fraction(isqrt(squares * 10**24), 10**12)
    return round(1000 * (1 - Fraction(product) / root))


def oracle(stored: dict[int, bytes], queries: np.ndarray, radius: int) -> list[tuple[int, int, int]]:
    hits = [
        (number, distance, media)
        for number, query in enumerate(queries)
        for media, value in stored.items()
        if (distance := exact_distance(query.tobytes(), value)) <= radius
    ]
    return [(number, media, distance) for number, distance, media in sorted(hits)]


def found(index: VectorIndex, queries: np.ndarray, radius: int) -> list[tuple[int, int, int]]:
    return list(zip(*(column.tolist() for column in index.range_search(queries, radius)), strict=True))


@pytest.fixture(params=["in memory", "files", "files and changes"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[VectorIndex, dict[int, bytes]]:
    values, ids = drawn(1, COUNT), np.arange(COUNT, dtype=np.int64) * 32
    stored = {int(media): value.tobytes() for media, value in zip(ids, values, strict=True)}
    if request.param == "in memory":
        return VectorIndex(values, ids), stored
    VectorIndex.build(tmp_path / "v", values, ids, generation=Generation(4, "four"), lineage="ab")
    index = VectorIndex.open(tmp_path / "v")
    assert (index.snapshot(), index.lineage, index.size) == (Generation(4, "four"), "ab", SIZE)
    if request.param == "files and changes":
        index.delete(np.array([0, 64, 96, 31], np.int64))
        more = drawn(2, 40)
        index.add(more, np.arange(40, dtype=np.int64) * 32 + 32_000)
        index.delete(np.array([32_000], np.int64))
        index.add(values[:1], np.zeros(1, np.int64))
        for gone in (64, 96):
            del stored[gone]
        stored |= {32_000 + 32 * number: more[number].tobytes() for number in range(1, 40)}
    return index, stored


@pytest.mark.parametrize("radius", [0, 400, 900, 1999])
@pytest.mark.parametrize("block", [7, 8192])
def test_every_hit_is_the_one_that_whole_numbers_give(
    state: tuple[VectorIndex, dict[int, bytes]], radius: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_BLOCK_ROWS", block)
    monkeypatch.setattr(vectors, "_BLOCK_QUERIES", 3)
    index, stored = state
    queries = np.concatenate([drawn(1, COUNT)[:5], drawn(5, 4)])
    assert found(index, queries, radius) == oracle(stored, queries, radius)
    assert len(index) == len(stored)


def test_the_longest_values_are_compared_exactly() -> None:
    """1024 products of -128 by -128 are 2**24, the last number that single precision counts to."""
    values = np.full((2, 1024), 128, np.uint8)
    values[1, 0] = 129  # -127
    index = VectorIndex(values, np.array([0, 32], np.int64))
    assert found(index, values[:1], 0) == [(0, 0, 0), (0, 32, 0)]
    assert found(index, (~values[:1]) + 1 - 1, 1999) == []
    assert exact_distance(values[0].tobytes(), values[1].tobytes()) == 0


def test_what_has_no_direction_is_near_nothing() -> None:
    index = VectorIndex(np.zeros((1, 4), np.uint8), np.zeros(1, np.int64))
    assert found(index, np.zeros((1, 4), np.uint8), 1999) == []


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    VectorIndex.build(tmp_path / "v", drawn(1, 0), np.zeros(0, np.int64), generation=Generation(0, ""))
    assert found(VectorIndex.open(tmp_path / "v"), drawn(1, 2), 1999) == []


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        (np.zeros((2, 1025), np.uint8), np.zeros(2, np.int64)),
        (np.zeros((2, 4), np.int8), np.zeros(2, np.int64)),
        (np.zeros((2, 4), np.uint8), np.zeros(3, np.int64)),
    ],
    ids=["too long", "signed", "other count"],
)
def test_other_arrays_are_refused(values: np.ndarray, ids: np.ndarray) -> None:
    with pytest.raises(ValueError, match="must be"):
        VectorIndex(values, ids)


def test_other_questions_are_refused() -> None:
    index = VectorIndex(drawn(1, 3), np.arange(3, dtype=np.int64))
    with pytest.raises(ValueError, match=r"must be uint8 \(q, 24\)"):
        index.range_search(np.zeros((1, 23), np.uint8), 10)
    with pytest.raises(ValueError, match="0-1999"):
        index.range_search(drawn(1, 1), 2000)


def test_files_of_something_else_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "v"
    with pytest.raises(FileNotFoundError):
        VectorIndex.open(folder)
    VectorIndex.build(folder, drawn(1, 9), np.arange(9, dtype=np.int64), generation=Generation(1, "one"))
    whole = (folder / "plan.json").read_text()
    (folder / "plan.json").write_text(whole.replace('"vectors"', '"flat"'))
    with pytest.raises(IndexFormatError, match="has layout 'flat'"):
        VectorIndex.open(folder)
    arrays = {
        "values": drawn(1, 9).view(np.int8),
        "squares": np.zeros(9, np.int64),
        "ids": np.zeros(8, np.int64),
    }
    write_generation(folder, arrays.items(), schema=vectors.SCHEMA, layout=vectors.LAYOUT)
    with pytest.raises(IndexFormatError, match="do not belong together"):
        VectorIndex.open(folder)
