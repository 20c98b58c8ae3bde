"""Bands find what a flat scan finds, hit by hit, whatever the hashes are like; damage is refused."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.errors import IndexFormatError
from clonedetect.index import kernels, mih, plans
from clonedetect.index.hamming import HammingIndex, Layout
from clonedetect.index.segments import BANDED_FROM
from clonedetect.models.reference import Generation

COUNT = 60_000


def flipped(bits: np.ndarray, distance: int, rng: np.random.Generator) -> np.ndarray:
    places = np.zeros(256, np.uint8)
    places[rng.choice(256, distance, replace=False)] = 1
    return bits ^ np.packbits(places)


@pytest.fixture(scope="module")
def skewed() -> np.ndarray:
    """Random hashes, of which 1 % share two bands, 0.5 % are nearly blank and 0.5 % stand there twice."""
    rng = np.random.default_rng(11)
    hashes = rng.integers(0, 256, (COUNT, 32), np.uint8)
    hashes[: COUNT // 100, 6:10] = (0x5A, 0xC3, 0x11, 0x77)
    blank = slice(COUNT // 100, COUNT // 100 + COUNT // 200)
    hashes[blank] = [flipped(np.zeros(32, np.uint8), int(d), rng) for d in rng.integers(0, 6, COUNT // 200)]
    hashes[-(COUNT // 200) :] = hashes[-(COUNT // 100) : -(COUNT // 200)]
    return hashes


@pytest.fixture(scope="module")
def ids() -> np.ndarray:
    """Ids in an order of their own, some given twice."""
    return np.random.default_rng(12).permutation(COUNT).astype(np.int64) // 2


@pytest.fixture(scope="module")
def planted(skewed: np.ndarray) -> np.ndarray:
    """For each distance 0-60 a query that far from a stored hash, then the blank one, then strangers."""
    rng = np.random.default_rng(13)
    near = [flipped(skewed[20_000 + 7 * distance], distance, rng) for distance in range(61)]
    return np.concatenate(
        (near, np.zeros((1, 32), np.uint8), skewed[:3], rng.integers(0, 256, (200, 32), np.uint8))
    )


@pytest.fixture(scope="module")
def folder(skewed: np.ndarray, ids: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hot")
    HammingIndex.build(
        path, skewed, ids, generation=Generation(3, "sha256:a"), lineage="x", layout=Layout.MIH
    )
    return path


@pytest.fixture(scope="module")
def scanned(skewed: np.ndarray, ids: np.ndarray) -> HammingIndex:
    return HammingIndex(skewed, ids, layout=Layout.FLAT)


def assert_equal(found: tuple[np.ndarray, ...], wanted: tuple[np.ndarray, ...]) -> None:
    for column, expected in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(column, expected)


@pytest.fixture(params=[True, False], ids=["guarded", "unguarded"])
def index(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> HammingIndex:
    """The banded files opened, looked up by bands where that pays or always."""
    if not request.param:
        monkeypatch.setattr(plans, "_PROBE_COST", 0)
        monkeypatch.setattr(plans, "_CANDIDATE_COST", 0)
    return HammingIndex.open(folder)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("radius", [0, 9, 15, 31, 32, 48, 60])
def test_bands_and_a_flat_scan_return_the_same_hits_in_the_same_order(
    index: HammingIndex, scanned: HammingIndex, planted: np.ndarray, radius: int, threads: int
) -> None:
    assert index.exact
    assert index.layout is Layout.MIH
    found = index.range_search(planted, radius, threads=threads)
    assert_equal(found, scanned.range_search(planted, radius))
    distances = {
        int(away)
        for number, away in zip(found[0], found[2], strict=True)
        if number == away  # query number d was planted d bits away
    }
    assert distances == set(range(radius + 1))
    assert set(found[0][found[0] < 61]) == set(range(radius + 1))


def test_queries_one_at_a_time_return_what_they_return_together(folder: Path, planted: np.ndarray) -> None:
    index = HammingIndex.open(folder)
    numbers, ids, distances = index.range_search(planted, 31)
    for number in range(70):
        own = numbers == number
        alone = index.range_search(planted[number : number + 1], 31)
        assert_equal(alone, (np.zeros(own.sum(), np.int64), ids[own], distances[own]))


def ways_of(index: HammingIndex, queries: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Search, and return how many queries went which way."""
    taken: dict[str, int] = {}
    found = mih.Bands._found

    def counted(self: mih.Bands, hashes: np.ndarray, asked: np.ndarray, radius: int, **plan: Any) -> Any:
        name = f"{plan['way']} without {plan['left_out']}" if plan["left_out"] else str(plan["way"])
        taken[name] = taken.get(name, 0) + len(asked)
        return found(self, hashes, asked, radius, **plan)

    monkeypatch.setattr(mih.Bands, "_found", counted)
    index.range_search(queries, 15)
    return taken


def test_heavy_bands_are_left_out_and_crowds_read_once(
    folder: Path, skewed: np.ndarray, planted: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "_HEAVY_AT_LEAST", 100)
    blank = slice(COUNT // 100, COUNT // 100 + 7)
    queries = np.concatenate((planted[-100:], skewed[:9], skewed[blank]))
    taken = ways_of(HammingIndex.open(folder), queries, monkeypatch)
    assert taken == {"banded": 100, "banded without (3, 4)": 9, "crowded": 7}


def test_a_query_with_too_many_candidates_is_scanned(
    folder: Path, planted: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "_CANDIDATE_COST", 40)  # as if buckets were as full as in an index of millions
    taken = ways_of(HammingIndex.open(folder), planted[61:], monkeypatch)
    assert taken["flat"] == 1
    assert sum(taken.values()) == len(planted) - 61


def test_changes_over_banded_files_are_seen_and_compacted(
    folder: Path, skewed: np.ndarray, ids: np.ndarray, planted: np.ndarray, tmp_path: Path
) -> None:
    index = HammingIndex.open(folder)
    gone = ids[20_000:20_100]
    index.delete(gone)
    index.add(planted[5:9], np.array([1_000_000, 1_000_001, 1_000_002, 1_000_003], np.int64))
    kept = ~np.isin(ids, gone)
    wanted = HammingIndex(
        np.concatenate((skewed[kept], planted[5:9])),
        np.concatenate((ids[kept], np.arange(1_000_000, 1_000_004))),
        layout=Layout.FLAT,
    ).range_search(planted, 31)
    assert_equal(index.range_search(planted, 31), wanted)
    index.compact(tmp_path / "compacted", generation=Generation(4, "sha256:b"))
    again = HammingIndex.open(tmp_path / "compacted")
    assert (again.snapshot(), again.lineage, len(again)) == (Generation(4, "sha256:b"), "x", len(index))
    assert_equal(again.range_search(planted, 31), wanted)


def test_compacting_in_place_keeps_the_name_of_the_state(
    tmp_path: Path, skewed: np.ndarray, ids: np.ndarray
) -> None:
    HammingIndex.build(tmp_path / "hot", skewed[:500], ids[:500], layout=Layout.MIH)
    index = HammingIndex.open(tmp_path / "hot")
    index.delete(ids[:10])
    index.compact(tmp_path / "hot")
    again = HammingIndex.open(tmp_path / "hot")
    assert again.snapshot() == index.snapshot()
    assert len(again) == len(index) < 500
    assert again.layout is Layout.FLAT
    assert len(list((tmp_path / "hot").iterdir())) == 3


def test_the_number_of_hashes_decides_the_layout(tmp_path: Path) -> None:
    hashes = np.random.default_rng(3).integers(0, 256, (BANDED_FROM, 32), np.uint8)
    ids = np.arange(BANDED_FROM)
    HammingIndex.build(tmp_path / "many", hashes, ids)
    HammingIndex.build(tmp_path / "fewer", hashes[1:], ids[1:])
    assert HammingIndex.open(tmp_path / "many").layout is Layout.MIH
    assert HammingIndex.open(tmp_path / "fewer").layout is Layout.FLAT
    index = HammingIndex(hashes[:4], ids[:4])
    index.add(hashes[4:], ids[4:])
    found = index.range_search(hashes[[2, 100_000]], 31)
    assert [column.tolist() for column in found] == [[0, 1], [2, 100_000], [0, 0]]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"layout": "mih"', '"layout": "flat"'),
        ("    16,", "    17,"),
        ('"rows03"', '"rows16"'),
        ('"<u2"', '"<u4"'),
        ('"layout": "mih"', '"layout": "hnsw"'),
    ],
    ids=["said to be flat", "other bands", "a band missing", "wider fragments", "unknown layout"],
)
def test_a_plan_that_does_not_fit_its_bands_is_refused(
    tmp_path: Path, skewed: np.ndarray, ids: np.ndarray, old: str, new: str
) -> None:
    HammingIndex.build(tmp_path / "hot", skewed[:300], ids[:300], layout=Layout.MIH)
    plan = tmp_path / "hot" / "plan.json"
    text = plan.read_text()
    assert old in text
    plan.write_text(text.replace(old, new, 1))
    with pytest.raises(IndexFormatError, match="hot"):
        HammingIndex.open(tmp_path / "hot")


@pytest.mark.parametrize("value", [0, 2**32 - 1, 301], ids=["falls back", "far outside", "one too many"])
def test_buckets_that_do_not_lie_one_after_another_are_refused(
    tmp_path: Path, skewed: np.ndarray, ids: np.ndarray, value: int
) -> None:
    HammingIndex.build(tmp_path / "hot", skewed[:300], ids[:300], layout=Layout.MIH)
    (path,) = (tmp_path / "hot").glob("starts-*.npy")
    starts = np.load(path)
    starts[7, 60_000] = value
    np.save(path, starts)
    with pytest.raises(IndexFormatError, match="one after another"):
        HammingIndex.open(tmp_path / "hot")


def test_a_row_that_is_not_there_is_damage_and_no_address(
    tmp_path: Path, skewed: np.ndarray, ids: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "_PROBE_COST", 0)
    HammingIndex.build(tmp_path / "hot", skewed[:300], ids[:300], layout=Layout.MIH)
    for path in (tmp_path / "hot").glob("rows*.npy"):
        np.save(path, np.full(300, 2**32 - 1, np.uint32))
    index = HammingIndex.open(tmp_path / "hot")
    monkeypatch.setattr(plans, "_CANDIDATE_COST", 0)
    with pytest.raises(IndexFormatError, match="damaged"):
        index.range_search(np.repeat(skewed[:1], 400, axis=0), 31)


def test_a_banded_file_of_pickled_objects_is_not_loaded(
    tmp_path: Path, skewed: np.ndarray, ids: np.ndarray
) -> None:
    HammingIndex.build(tmp_path / "hot", skewed[:300], ids[:300], layout=Layout.MIH)
    (path,) = (tmp_path / "hot").glob("rows05-*.npy")
    np.save(path, np.array([print] * 300, dtype=object), allow_pickle=True)
    with pytest.raises(IndexFormatError, match="damaged"):
        HammingIndex.open(tmp_path / "hot")


@given(
    st.lists(st.integers(0, 16), min_size=16, max_size=16),
    st.integers(0, 256),
    st.sets(st.integers(0, 15), max_size=15),
)
def test_some_band_finds_every_pair_within_the_radius(
    differences: list[int], radius: int, left_out: set[int]
) -> None:
    weights = plans.weights_for(radius, tuple(sorted(left_out))).tolist()
    assert sum(weights) == radius + 1
    assert not any(weights[band] for band in left_out)
    probed = [weight for band, weight in enumerate(weights) if band not in left_out]
    assert max(probed) - min(probed) <= 1
    found = any(
        own < weight and own + following < weight + more
        for (own, following), (weight, more) in zip(
            itertools.pairwise([*differences, differences[0]]),
            itertools.pairwise([*weights, weights[0]]),
            strict=True,
        )
    )
    assert found or sum(differences) > radius


def test_loops_are_compiled_without_a_cache_where_none_can_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bool] = []

    def njit(*, nogil: bool, cache: bool = False):
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(kernels, "njit", njit)
    assert kernels.compiled(len) is len
    assert asked == [True, False]


def test_more_hashes_than_rows_can_be_numbered_are_refused() -> None:
    many = np.lib.stride_tricks.as_strided(np.zeros(32, np.uint8), (1 << 32, 32), (0, 1))
    with pytest.raises(ValueError, match="split"):
        next(mih.band_arrays(many))


def test_few_hashes_are_searched_without_loading_the_compiler() -> None:
    program = (
        "import sys, numpy as np\n"
        "from clonedetect.index.hamming import HammingIndex\n"
        "index = HammingIndex(np.zeros((9, 32), np.uint8), np.arange(9))\n"
        "assert len(index.range_search(np.zeros((1, 32), np.uint8), 31)[0]) == 9\n"
        "print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
