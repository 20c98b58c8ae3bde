"""Files of hashes: built whole, opened or refused; `contracts` has what is found in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clonedetect.errors import IndexFormatError
from clonedetect.index.hamming import HammingIndex
from clonedetect.models.reference import Generation

Rows = list[tuple[bytes, int]]


def built(folder: Path, rows: Rows) -> HammingIndex:
    HammingIndex.build(folder, *arrays(rows))
    return HammingIndex.open(folder)


def arrays(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    hashes = np.array([list(bits) for bits, _ in rows], np.uint8).reshape(-1, 32)
    return hashes, np.array([number for _, number in rows], np.int64)


def search(index: HammingIndex, queries: list[bytes], radius: int) -> list[tuple[int, int, int]]:
    columns = index.range_search(arrays([(query, 0) for query in queries])[0], radius)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("radius", [-1, 257])
def test_a_radius_outside_the_hash_is_refused(radius: int) -> None:
    with pytest.raises(ValueError, match="radius"):
        HammingIndex().range_search(np.zeros((1, 32), np.uint8), radius)


@pytest.mark.parametrize(
    ("hashes", "ids"),
    [
        (np.zeros((2, 31), np.uint8), np.zeros(2, np.int64)),
        (np.zeros((2, 32), np.int8), np.zeros(2, np.int64)),
        (np.zeros((2, 32), np.uint8), np.zeros(3, np.int64)),
        (np.zeros((2, 32), np.uint8), np.zeros(2, np.int32)),
    ],
    ids=["short hashes", "signed hashes", "too many ids", "narrow ids"],
)
def test_arrays_of_another_shape_or_type_are_refused(
    tmp_path: Path, hashes: np.ndarray, ids: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="must be"):
        HammingIndex.build(tmp_path / "hot", hashes, ids)


def test_a_built_index_answers_after_reopening_and_names_its_generation(tmp_path: Path) -> None:
    rows = [(bytes([n]) * 32, n) for n in range(50)]
    HammingIndex.build(tmp_path / "hot", *arrays(rows), generation=Generation(4, "sha256:x"), lineage="abc")
    index = HammingIndex.open(tmp_path / "hot")
    assert (index.snapshot(), index.lineage) == (Generation(4, "sha256:x"), "abc")
    assert search(index, [bytes([3]) * 32], 40) == [(0, 3, 0), *((0, n, 32) for n in (1, 2, 7, 11, 19, 35))]


def test_changes_since_give_the_snapshot_another_name(tmp_path: Path) -> None:
    index = built(tmp_path / "hot", [(bytes(32), 1)])
    before = index.snapshot()
    index.delete(np.array([1], np.int64))
    assert index.snapshot().number == before.number
    assert index.snapshot().snapshot_id.startswith(before.snapshot_id + "+")


def test_rebuilding_replaces_the_files_while_readers_keep_theirs(tmp_path: Path) -> None:
    old = built(tmp_path / "hot", [(bytes(32), 1)])
    new = built(tmp_path / "hot", [(b"\xff" * 32, 2)])
    assert search(old, [bytes(32)], 0) == [(0, 1, 0)]
    assert search(new, [bytes(32)], 256) == [(0, 2, 256)]
    assert len(list((tmp_path / "hot").iterdir())) == 3


def test_a_build_cut_short_leaves_the_old_generation(tmp_path: Path) -> None:
    built(tmp_path / "hot", [(bytes(32), 1)])
    (tmp_path / "hot" / "hash-0123.tmp").write_bytes(b"half")
    (tmp_path / "hot" / "hash-0123.npy").write_bytes(b"whole, but named by no plan")
    assert search(HammingIndex.open(tmp_path / "hot"), [bytes(32)], 0) == [(0, 1, 0)]
    built(tmp_path / "hot", [(bytes(32), 1)])
    assert not (tmp_path / "hot" / "hash-0123.npy").exists()


def test_nothing_built_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        HammingIndex.open(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"schema": 1', '"schema": 2'),
        ('"layout": "flat"', '"layout": "bands"'),
        ("{", "{{"),
        ("    2,", "    1,"),
        ("|u1", "<f4"),
    ],
    ids=["newer schema", "other layout", "no json", "other shape", "other type"],
)
def test_a_plan_that_does_not_fit_is_refused(tmp_path: Path, old: str, new: str) -> None:
    built(tmp_path / "hot", [(bytes(32), 1), (bytes(32), 2)])
    plan = tmp_path / "hot" / "plan.json"
    text = plan.read_text()
    assert old in text
    plan.write_text(text.replace(old, new, 1))
    with pytest.raises(IndexFormatError, match="hot"):
        HammingIndex.open(tmp_path / "hot")


@pytest.mark.parametrize("size", [0, 100, 180])
def test_a_file_cut_short_is_refused(tmp_path: Path, size: int) -> None:
    built(tmp_path / "hot", [(bytes(32), 1), (bytes(32), 2)])
    (path,) = (tmp_path / "hot").glob("hash-*.npy")
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(IndexFormatError, match="damaged"):
        HammingIndex.open(tmp_path / "hot")


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    built(tmp_path / "hot", [(bytes(32), 1)])
    (path,) = (tmp_path / "hot").glob("ids-*.npy")
    np.save(path, np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(IndexFormatError, match="damaged"):
        HammingIndex.open(tmp_path / "hot")
